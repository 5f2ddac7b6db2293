"""Cubins: ELF files with machine code for one architecture.

Which sections and records hold what is not documented; it was read off what ptxas 12.9 and 13.5 write, where
`cuobjdump` and `cuFuncGetAttribute` say the same. The section table is read here and not by pyelftools: importing that
into a target process takes a hundred milliseconds and more and loads extension modules, which a hook must not, and a
cubin of libggml-cuda.so has 1,500 sections, for which it takes 80 ms. Tests compare the two.
"""

from __future__ import annotations

from struct import Struct, error, unpack_from

from vgpu_embed.inspect.fatbinary import CUBIN, Code
from vgpu_embed.virtual.image import Entry, Image, Unreadable, Variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = 190
"""EM_CUDA."""
ABI_WITH_WIDE_FLAGS = 8
"""From this version of the ABI on the architecture is in the second byte of the header's flags (CUDA 13)."""
ONLY, ONLY_IN_WIDE_FLAGS = 0x800, 0x8
"""Flags of CUDA 12: the code is for `sm_90a`. CUDA 13 has a record in `.nv.compat`."""
COMPATIBILITY = 9
"""The number of that record, whose value is 1 then."""

SECTION = Struct("<IIQQQQIIQQ")
SYMBOL = Struct("<IBBHQQ")
OBJECT = 1
"""STT_OBJECT."""
MANAGED = 4
"""The flag of a `__managed__` variable's symbol."""
NO_BITS = 8
"""SHT_NOBITS: the section takes no room in the file."""
RESERVED_SHARED = 1024
"""Bytes of a block's shared memory that the system keeps for itself, part of a kernel's section from sm_90 on."""

MAX_THREADS, REQUIRED_THREADS, FRAME_SIZE, PARAMETER, REGISTERS = 0x05, 0x10, 0x11, 0x17, 0x2F
CLUSTER, WIDE_PARAMETER = 0x3D, 0x45
"""EIATTR_… that are read here: MAX_THREADS, REQNTID, FRAME_SIZE, KPARAM_INFO, REGCOUNT, CTA_PER_CLUSTER."""

DAMAGE = (error, IndexError, ValueError)
"""What reading a damaged one raises."""


def is_cubin(data: bytes | memoryview) -> bool:
    """Whether bytes begin as an ELF file does."""
    return data[:4] == b"\x7fELF"


def size_of(header: bytes | memoryview) -> int:
    """Bytes of the file whose first 64 bytes these are: the section table is last, or the program headers are."""
    (programs, sections) = unpack_from("<QQ", header, 32)
    program_size, program_count, section_size, section_count = unpack_from("<4H", header, 54)
    return int(max(sections + section_size * section_count, programs + program_size * program_count))


def code_of(data: bytes) -> Code:
    """For which architecture a cubin is; that it is for a family it does not say, nor need to. Raises Unreadable."""
    try:
        return _Reader(data).code
    except DAMAGE as what:
        raise Unreadable(f"the cubin is damaged: {what}") from None


def read(data: bytes) -> Image:
    """Reads a cubin. Raises Unreadable."""
    try:
        return _Reader(data).image()
    except DAMAGE as what:
        raise Unreadable(f"the cubin is damaged: {what}") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        machine, flags = unpack_from("<H28xI", data, 18)
        if not is_cubin(data) or machine != MACHINE:
            raise Unreadable("it is an ELF file, but for no GPU")
        (start,) = unpack_from("<Q", data, 40)
        count, names = unpack_from("<HH", data, 60)
        self.sections = [SECTION.unpack_from(data, start + SECTION.size * number) for number in range(count)]
        base = self.sections[names][4]
        self.number = {self.text(base + section[0]): number for number, section in enumerate(self.sections)}
        wide = data[8] >= ABI_WITH_WIDE_FLAGS
        only = flags & (ONLY_IN_WIDE_FLAGS if wide else ONLY)
        only |= (COMPATIBILITY, b"\1\0") in records(self.content(".nv.compat"))
        self.code = Code(CUBIN, flags >> (8 if wide else 0) & 0xFF, "a" if only else "")

    def text(self, place: int) -> str:
        return self.data[place : self.data.index(0, place)].decode()

    def content(self, name: str) -> bytes:
        """Of a section; empty where there is none, or where it takes no room in the file."""
        section = self.sections[self.number[name]] if name in self.number else None
        return b"" if section is None or section[1] == NO_BITS else self.data[section[4] : section[4] + section[5]]

    def size(self, name: str) -> int:
        return self.sections[self.number[name]][5] if name in self.number else 0

    def symbols(self) -> list[tuple[str, int, int, int, int, int]]:
        """Name, type, other flags, section, value and size of each."""
        table = self.content(".symtab")
        names = self.sections[self.number[".strtab"]][4]
        return [
            (self.text(names + name), info & 15, other, section, value, size)
            for name, info, other, section, value, size in SYMBOL.iter_unpack(table)
        ]

    def image(self) -> Image:
        image = Image(self.code.architecture, self.virtual_architecture())
        symbols = self.symbols()
        for name in self.number:
            if name.startswith(".text.") and ".nv.info." + name[6:] in self.number:
                image.entries[name[6:]] = self.entry(name[6:])
        for attribute, value in records(self.content(".nv.info")):
            if attribute in (REGISTERS, FRAME_SIZE):
                number, amount = unpack_from("<II", value)
                entry = image.entries.get(symbols[number][0])
                if entry:
                    setattr(entry, "registers" if attribute == REGISTERS else "local", amount)
        self.add_variables(image, symbols)
        return image

    def virtual_architecture(self) -> int:
        """Of the PTX that it was made from: the second number in the note, or what the machine code is for."""
        note = self.content(".note.nv.cuinfo")
        return int(unpack_from("<H", note, 26)[0]) if len(note) >= 28 else self.code.architecture

    def entry(self, name: str) -> Entry:
        entry = Entry(name)
        parameters: dict[int, tuple[int, int]] = {}
        for attribute, value in records(self.content(".nv.info." + name)):
            if attribute in (PARAMETER, WIDE_PARAMETER):
                ordinal, offset, packed = unpack_from("<4xHHI", value)
                parameters[ordinal] = offset, packed >> 18
            elif attribute == MAX_THREADS:
                x, y, z = unpack_from("<III", value)
                entry.most_threads = x * y * z
            elif attribute == REQUIRED_THREADS:
                entry.required_threads = unpack_from("<III", value)
            elif attribute == CLUSTER:
                entry.cluster = unpack_from("<III", value)
        entry.parameters = [parameters[ordinal] for ordinal in sorted(parameters)]
        reserved = RESERVED_SHARED if ".nv.shared.reserved.0" in self.number else 0
        entry.shared = max(self.size(".nv.shared." + name) - reserved, 0)
        entry.constant = self.size(".nv.constant3")
        return entry

    def add_variables(self, image: Image, symbols: list[tuple[str, int, int, int, int, int]]) -> None:
        for section in (".nv.global.init", ".nv.global", ".nv.constant3"):
            content, number = self.content(section), self.number.get(section)
            for name, kind, other, where, value, size in symbols:
                if where == number and kind == OBJECT and size:
                    begins = content[value : value + size]
                    image.variables[name] = Variable(name, size, begins, bool(other & MANAGED))


def records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes in a section `.nv.info`: number and value, of up to two bytes or with its length before it."""
    place = 0
    while place + 4 <= len(content):
        form, attribute, value = unpack_from("<BBH", content, place)
        place += 4
        length = value if form == 4 else 0
        yield attribute, content[place : place + length] if length else content[place - 2 : place]
        place += length

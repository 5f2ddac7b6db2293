"""Cubins: ELF files with machine code for one architecture; and those of the linker here, which have none.

Which sections and records hold what is not documented; it was read off what ptxas 12.9 and 13.5 write, where
`cuobjdump` and `cuFuncGetAttribute` say the same. The section table is read here and not by pyelftools: importing that
into a target process takes a hundred milliseconds and more and loads extension modules, which a hook must not, and a
cubin of libggml-cuda.so has 1,500 sections, for which it takes 80 ms. Tests compare the two.
"""

from __future__ import annotations

from struct import Struct, error, pack, unpack_from

from vgpu_embed.inspect.fatbinary import CUBIN, Code
from vgpu_embed.virtual.image import Entry, Image, Linkage, Unreadable, Variable

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
OBJECT, FUNCTION = 1, 2
"""STT_OBJECT, STT_FUNC."""
OBJECTS = (OBJECT, 13)
"""What variables are: the other one where a linker has yet to place them."""
GLOBAL, WEAK = 1, 2
"""STB_GLOBAL, STB_WEAK."""
MANAGED = 4
"""The flag of a `__managed__` variable's symbol."""
PROGRAM, SYMBOLS, STRINGS, NO_BITS = 1, 2, 3, 8
"""SHT_…; NO_BITS: the section takes no room in the file."""
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


def is_relocatable(data: bytes) -> bool:
    """Whether a linker takes it: ET_REL."""
    return int.from_bytes(data[16:18], "little") == 1


def linkage(data: bytes) -> Linkage:
    """What a cubin has for others, and uses of theirs. Raises Unreadable."""
    try:
        reader = _Reader(data)
        functions, wanted, weak = set(), set(), set()
        for name, info, _, where, _, _ in reader.symbols():
            if where and info & 15 == FUNCTION and info >> 4:
                functions.add(name)
                if info >> 4 == WEAK:
                    weak.add(name)
            elif not where and info >> 4 == GLOBAL:
                wanted.add(name)
        return Linkage(functions, wanted, weak)
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
        """Name, binding and type, other flags, section, value and size of each."""
        table = self.content(".symtab")
        names = self.sections[self.number[".strtab"]][4]
        return [
            (self.text(names + name), info, other, section, value, size)
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
            for name, info, other, where, value, size in symbols:
                if where == number and info & 15 in OBJECTS and size:
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


# ---- writing -------------------------------------------------------------------------------------------------------

HEADER = Struct("<16sHHIQQQIHHHHHH")
IDENTITY = b"\x7fELF\2\1\1\x41" + bytes([ABI_WITH_WIDE_FLAGS])
"""64 bits, little-endian, ELFOSABI_CUDA of CUDA 13."""
EXECUTABLE = 2
"""ET_EXEC."""
ALIGNMENT = 256
"""Of variables."""


def write(image: Image) -> bytes:
    """A cubin that says of kernels and variables what an image does; `read` reads it."""
    writer = _Writer()
    for entry in image.entries.values():
        writer.add_entry(entry)
    writer.add_variables(image)
    return writer.content(image)


class _Writer:
    def __init__(self) -> None:
        self.sections: list[tuple[str, int, bytes, int]] = [("", 0, b"", 0)]
        """Name, type, content, and size where that is not in the file."""
        self.strings = b"\0"
        self.symbols = SYMBOL.pack(0, 0, 0, 0, 0, 0)
        self.needs = b""
        """The records about registers and memory of all kernels."""

    def add(self, name: str, kind: int, content: bytes, size: int = 0) -> int:
        self.sections.append((name, kind, content, size))
        return len(self.sections) - 1

    def symbol(self, name: str, kind: int, section: int, value: int, size: int, other: int = 0) -> int:
        self.symbols += SYMBOL.pack(len(self.strings), GLOBAL << 4 | kind, other, section, value, size)
        self.strings += name.encode() + b"\0"
        return len(self.symbols) // SYMBOL.size - 1

    def add_entry(self, entry: Entry) -> None:
        number = self.symbol(entry.name, FUNCTION, self.add(".text." + entry.name, PROGRAM, b""), 0, 0)
        self.needs += record(REGISTERS, pack("<II", number, entry.registers))
        self.needs += record(FRAME_SIZE, pack("<II", number, entry.local))
        about = b"".join(
            record(WIDE_PARAMETER, pack("<IHHI", 0, ordinal, offset, size << 18))
            for ordinal, (offset, size) in enumerate(entry.parameters or ())
        )
        if entry.most_threads:
            about += record(MAX_THREADS, pack("<III", entry.most_threads, 1, 1))
        if entry.required_threads:
            about += record(REQUIRED_THREADS, pack("<III", *entry.required_threads))
        if entry.cluster:
            about += record(CLUSTER, pack("<III", *entry.cluster))
        self.add(".nv.info." + entry.name, PROGRAM, about)
        if entry.shared:
            self.add(".nv.shared." + entry.name, NO_BITS, b"", entry.shared)

    def add_variables(self, image: Image) -> None:
        """All in one section where they begin with something, in another where they do not."""
        constant = max((entry.constant for entry in image.entries.values()), default=0)
        if constant:
            self.add(".nv.constant3", NO_BITS, b"", constant)
        content, size = b"", 0
        begun, empty = len(self.sections), len(self.sections) + 1
        for one in image.variables.values():
            other = MANAGED if one.is_managed else 0
            if data := one.data:
                content += bytes(-len(content) % ALIGNMENT)
                self.symbol(one.name, OBJECT, begun, len(content), one.size, other)
                content += data.ljust(one.size, b"\0")
            else:
                size += -size % ALIGNMENT
                self.symbol(one.name, OBJECT, empty, size, one.size, other)
                size += one.size
        self.add(".nv.global.init", PROGRAM, content)
        self.add(".nv.global", NO_BITS, b"", size)

    def content(self, image: Image) -> bytes:
        self.add(".nv.info", PROGRAM, self.needs)
        self.add(".note.nv.cuinfo", PROGRAM, pack("<26xH", image.virtual_architecture))
        self.add(".symtab", SYMBOLS, self.symbols)
        strings = self.add(".strtab", STRINGS, self.strings)
        names = b"\0".join(name.encode() for name, *_ in self.sections) + b"\0.shstrtab\0"
        self.add(".shstrtab", STRINGS, names)
        body, table, place = b"", b"", 0
        for name, kind, content, size in self.sections:
            where = HEADER.size + len(body)
            link, info, unit = (strings, 1, SYMBOL.size) if kind == SYMBOLS else (0, 0, 0)
            table += SECTION.pack(place, kind, 0, 0, where, size or len(content), link, info, 1, unit)
            place += len(name.encode()) + 1
            body += content
        flags = image.architecture << 8
        sizes = HEADER.size, 0, 0, SECTION.size, len(self.sections), len(self.sections) - 1
        head = HEADER.pack(IDENTITY, EXECUTABLE, MACHINE, 1, 0, 0, HEADER.size + len(body), flags, *sizes)
        return head + body + table


def record(attribute: int, value: bytes) -> bytes:
    """An attribute of a section `.nv.info`, as `records` reads it."""
    return pack("<BBH", 4, attribute, len(value)) + value

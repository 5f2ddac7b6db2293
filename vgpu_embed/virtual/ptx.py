"""PTX: kernels and variables from the text. Nothing is compiled, and so PTX of any version is read.

What only a compiler knows is estimated: a thread's registers are those that the text declares, but no more than with
which a block of 1,024 threads, or as many as the kernel allows, can run, so that no launch fails by an estimate.
"""

from __future__ import annotations

import re

from vgpu_embed.inspect.fatbinary import PTX, Code
from vgpu_embed.virtual.image import Entry, Image, Linkage, Unreadable, Variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_COMMENT = re.compile(rb"//[^\n]*")
COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
VERSION = re.compile(rb"\.version\s+(\d+)\.(\d+)")
TARGET = re.compile(rb"\.target\s+sm_(\d+)([af]?)")
ENTRY = re.compile(rb"\.entry\s+([\w$]+)\s*(?:\(([^)]*)\))?([^{;]*)\{")
FUNCTION = re.compile(rb"\.func\b")
DEFINED = re.compile(rb"\.func\b[^;{]*\{")
LINKED = re.compile(rb"\.(visible|weak|extern)\s+\.(?:entry|func)\s*(?:\([^)]*\)\s*)?([\w$]+)")
EXTERN_VARIABLE = re.compile(rb"\.(extern)\s+\.(?:global|const)\b[^;]*?([\w$]+)\s*(?:\[[^;\]]*\]\s*)*;")
WORD = rb"(?<![\w$])%b(?![\w$])"
EXPLICIT_CLUSTER = b".explicitcluster"
EXTERN = b".extern"
DIRECTIVE = re.compile(rb"\.(maxntid|reqntid|reqnctapercluster)\s+(\d+)(?:\s*,\s*(\d+))?(?:\s*,\s*(\d+))?")
DECLARED = re.compile(
    rb"\s*\.(shared|local|reg|global|const)((?:\s+\.(?!reg|shared|local)\w+(?:\s+\d+|\([^)]*\))?)*)\s+([%\w$]+)\s*(<\d+>)?"
    rb"((?:\s*\[\s*\d*\s*\])*)\s*(?:=\s*(\{[^;]*\}|[^;,]*))?\s*[;,]"
)
TYPE = re.compile(rb"\.(?:pred|[busf](\d+)(?:x2)?|bf16(?:x2)?|tf32|e\dm\d(?:x\d)?)\b")
PARAMETER = re.compile(
    rb"\.param\s+(?:\.align\s+(\d+)\s+)?\.[busf](\d+)(?:\s+\.ptr[\s.\w]*?)?\s+[\w$]+(?:\s*\[\s*(\d+)\s*\])?"
)
VECTOR = re.compile(rb"\.v([248])\b")
COUNT = re.compile(rb"\d+")


def read(text: bytes) -> Image:
    """Reads PTX. Raises Unreadable."""
    text = COMMENT.sub(b"", LINE_COMMENT.sub(b"", text))
    target = TARGET.search(text)
    if not target or not VERSION.search(text):
        raise Unreadable("it is neither an ELF file nor PTX: there is no .version and .target")
    image = Image(int(target[1]), int(target[1]))
    found = list(ENTRY.finditer(text))
    ends = sorted([*(one.start() for one in found), *(one.start() for one in FUNCTION.finditer(text)), len(text)])
    bodies = [*found[:1], *filter(None, [DEFINED.search(text)])]
    first = min((one.start() for one in bodies), default=len(text))
    outside = list(DECLARED.finditer(text, 0, first))
    for match in found:
        end = next(end for end in ends if end > match.start())
        entry = _entry(match, text, end, [one for one in outside if one[1] == b"shared"])
        image.entries[entry.name] = entry
    for one in outside:
        if one[1] in (b"global", b"const") and text[one.start() - len(EXTERN) : one.start()] != EXTERN:
            name, size = one[3].decode(), _size(one)
            image.variables[name] = Variable(name, size, _initial(one, size), b".managed" in one[2])
    constant = sum(_size(one) for one in outside if one[1] == b"const")
    for entry in image.entries.values():
        entry.constant = constant
    return image


def linkage(text: bytes) -> Linkage:
    """What a text has for others, and uses of theirs."""
    text = COMMENT.sub(b"", LINE_COMMENT.sub(b"", text))
    found: dict[bytes, set[bytes]] = {b"visible": set(), b"weak": set(), b"extern": set()}
    for how, name in [*LINKED.findall(text), *EXTERN_VARIABLE.findall(text)]:
        found[how].add(name)
    used = {name for name in found[b"extern"] if len(re.findall(WORD % re.escape(name), text)) > 1}
    seen, weak, wanted = ({name.decode() for name in names} for names in (found[b"visible"], found[b"weak"], used))
    return Linkage(seen | weak, wanted, weak)


def is_ptx(text: bytes) -> bool:
    """Whether a text says of which version of PTX it is."""
    return VERSION.search(text) is not None


def version_of(text: bytes) -> int:
    """The major version of PTX that a text is in; 0 where it does not say."""
    found = VERSION.search(text)
    return int(found[1]) if found else 0


def target_of(text: bytes) -> Code:
    """What a text is for; architecture 0 where it does not say."""
    found = TARGET.search(text)
    return Code(PTX, int(found[1]), found[2].decode()) if found else Code(PTX, 0)


def _entry(match: re.Match[bytes], text: bytes, end: int, shared: list[re.Match[bytes]]) -> Entry:
    entry = Entry(match[1].decode(), list(_parameters(match[2] or b"")))
    for name, *numbers in DIRECTIVE.findall(match[3]):
        x, y, z = (int(number or 1) for number in numbers)
        if name == b"maxntid":
            entry.most_threads = x * y * z
        elif name == b"reqntid":
            entry.required_threads = x, y, z
        else:
            entry.cluster = x, y, z
    if EXPLICIT_CLUSTER in match[3] and not entry.cluster:
        entry.cluster = 0, 0, 0  # each launch has to say
    words, one = 0, DECLARED.match(text, match.end())
    while one:  # they come first, what a later block of the text declares is not looked for
        if one[1] == b"reg":
            words += _words(one)
        elif one[1] in (b"shared", b"local"):
            setattr(entry, one[1].decode(), getattr(entry, one[1].decode()) + _size(one))
        one = DECLARED.match(text, one.end())
    entry.shared += sum(_size(one) for one in shared if text.find(one[3], match.end(), end) > 0)
    threads = entry.most_threads or 1024
    entry.registers = min(max(words, 1), 255, 65536 // threads // 8 * 8)
    return entry


def _parameters(text: bytes) -> Iterator[tuple[int, int]]:
    """Offset and size of each: natural alignment, or what is said."""
    offset = 0
    for said, bits, count in PARAMETER.findall(text):
        width = int(bits) // 8
        align = int(said or width)
        size = width * int(count or 1)
        offset = -(-offset // align) * align
        yield offset, size
        offset += size


def _width(text: bytes) -> int:
    """Bytes of the type that a declaration names, 0 for none."""
    found = TYPE.search(text)
    vector = VECTOR.search(text)
    return (int(found[1] or 16) // 8 if found else 0) * (int(vector[1]) if vector else 1)


def _size(one: re.Match[bytes]) -> int:
    size = _width(one[2])
    for number in COUNT.findall(one[5]):
        size *= int(number)
    return size if COUNT.search(one[5]) or not one[5] else 0  # [] is as large as the launch says


def _words(one: re.Match[bytes]) -> int:
    """32-bit registers that a declaration stands for."""
    width = 0 if b".pred" in one[2] else _width(one[2])
    return -(-width // 4) * (int(one[4][1:-1]) - 1 if one[4] else 1)


def _initial(one: re.Match[bytes], size: int) -> Callable[[], bytes]:
    width, text = _width(one[2]), one[6] or b""
    return lambda: _values(text, width)[:size]


def _values(text: bytes, width: int) -> bytes:
    """What a variable begins with. Addresses of other variables are left zero."""
    data = b""
    for value in re.findall(rb"[^\s{},]+", text):
        if value[:2].lower() in (b"0f", b"0d") and len(value) in (10, 18):
            data += int(value[2:], 16).to_bytes(width, "little")
        else:
            try:
                data += (int(value.rstrip(b"U"), 0) & ((1 << 8 * width) - 1)).to_bytes(width, "little")
            except ValueError:
                data += bytes(width)
    return data

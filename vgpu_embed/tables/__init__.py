"""The one list: every function that a CUDA program may call, by library.

One text file a library, one function a line (driver.tsv, runtime.tsv, cublas.tsv, nvml.tsv),
written by `vgpu_embed.tables.generate` from NVIDIA's headers. A line is decoded when its function
is first asked for. The order of LIBRARIES and of the lines in each file gives every function its
slot index.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost more than reading the lists
if TYPE_CHECKING:
    from typing import Any, Final, Literal

    Answer = Literal["yes", "context", "time", "pointer", "effect"]
    Direction = Literal["in", "out", "inout"]
    Kind = Literal["int", "uint", "float", "double", "pointer", "struct", "void"]
    Location = tuple[Literal["gp", "fp", "stack"], int]

LIBRARIES: Final = ("driver", "runtime", "cublas", "nvml", "loader")

RESERVED: Final = frozenset(
    (
        "from",
        "global",
        "function",
        "caller",
        "program",
        "process",
        "log",
        "forward",
        "reply",
        "result",
    )
)
"""Words of Python, and names that every call object has."""

_KINDS: Final[dict[str, Kind]] = {
    "i": "int",
    "u": "uint",
    "f": "float",
    "d": "double",
    "p": "pointer",
    "g": "struct",
    "m": "struct",
    "v": "void",
}


class UnknownFunction(LookupError):
    """No list has a function of this name or index; the message names the nearest ones."""


class Parameter:
    """One parameter, and where a caller puts it.

    name       as in the header
    attribute  under which a call object shows it: the name, or "from_" where Python or the call
               object itself has a use for the name
    ctype      as in the header, "CUdeviceptr *"
    direction  "in"; "out" or "inout" if what it points to is written before the call returns
    kind       of the value passed: "int", "uint", "float", "double", "pointer", "struct"
    size       of the value passed, in bytes
    location   ("gp", n) the n-th of rdi, rsi, rdx, rcx, r8, r9 (a struct of more than 8 bytes: and
               the next one); ("fp", n) xmm-n; ("stack", n) the n-th 8-byte word above the return
               address
    enum       class in vgpu_embed.enums that the value is of, or None
    pointee    C type that it points to ("const char"), or None for values, handles and callbacks
    pointee_enum   class in vgpu_embed.enums that the pointee is of, or None
    out_size   bytes that may be written: a number, an expression over other parameters as the
               caller passed them ("len", "8*numNodes[0]"), or None if unknown or nothing is written
    """

    __slots__ = (
        "attribute",
        "ctype",
        "direction",
        "enum",
        "kind",
        "location",
        "name",
        "out_size",
        "pointee",
        "pointee_enum",
        "size",
    )

    name: str
    attribute: str
    ctype: str
    direction: Direction
    kind: Kind
    size: int
    location: Location
    enum: str | None
    pointee: str | None
    pointee_enum: str | None
    out_size: int | str | None

    def __repr__(self) -> str:
        return f"<Parameter {self.ctype} {self.name}: {self.direction}, {self.location}>"


class Function:
    """One row.

    index        slot, over all lists
    name         as exported; "cudaMemAdvise@12" is what CUDA 12's library, and those before, export as cudaMemAdvise,
                 where that is called differently
    library      the list: "driver", "runtime", "cublas", "nvml"
    since        CUDA version that introduced it (3020 is 3.2), or None if not known
    answer       "yes": the same scalar arguments give the same answer while the process lives, so it may be
                 remembered; or why not: it depends on the current "context" or thread, may change with
                 "time", depends on what a "pointer" holds or on an object that is made and destroyed, or
                 the call has an "effect" or nothing to remember
    sources      who has it: CUDA versions "11", "12", "13", and the driver "580.159.04"
    variable     it is not a function but a variable; never to be called, or stood in for by code
    result       C type, "?" if the prototype is unknown
    result_kind  as Parameter.kind, "void" for nothing; result_size in bytes, result_enum the class
    is_known     whether the prototype is
    parameters   Parameters, or None if the prototype is unknown; read from the list when first asked for
    stack_words  8-byte words of arguments on the stack
    """

    __slots__ = (
        "_columns",
        "_parameters",
        "_stack_words",
        "_text",
        "answer",
        "index",
        "is_known",
        "library",
        "name",
        "result",
        "result_enum",
        "result_kind",
        "result_size",
        "since",
        "sources",
        "variable",
    )

    index: int
    name: str
    library: str
    since: int | None
    answer: Answer
    sources: tuple[str, ...]
    variable: bool
    result: str
    result_kind: Kind
    result_size: int
    result_enum: str | None
    is_known: bool
    _columns: list[str]
    _text: str | None
    _parameters: tuple[Parameter, ...] | None
    _stack_words: int

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What a start can do without is read when it is first asked for. Two threads at once do the same."""
            if name not in Function.__slots__:
                raise AttributeError(name)
            self._read()
            return getattr(self, name)

    def _read(self) -> None:
        _, since, answer, sources, result, _ = self._columns
        self.since = None if since == "-" else int(since)
        self.answer = answer  # type: ignore[assignment]
        self.sources = tuple(sources.split(","))
        self.variable = result == "variable"
        fields = result.split("|")
        self.result = fields[0]
        abi = fields[1] if len(fields) > 1 else "v0"
        self.result_enum = fields[2] if len(fields) > 2 else None
        self.result_kind = _KINDS[abi[0]]
        self.result_size = int(abi[1:])

    @property
    def parameters(self) -> tuple[Parameter, ...] | None:
        """See the class."""
        if self._text is not None:
            self._settle(self._text)
        return self._parameters

    @property
    def stack_words(self) -> int:
        """See the class."""
        if self._text is not None:
            self._settle(self._text)
        return self._stack_words

    def _settle(self, text: str) -> None:
        """Two threads at once do the same."""
        texts = [] if text == "void" else text.split(";")
        parameters = tuple([_parameter(one) for one in texts])
        hidden = self.result_kind == "struct" and self.result_size > 16
        self._stack_words = _locate(parameters, texts, hidden)
        self._parameters = parameters
        self._text = None

    def __repr__(self) -> str:
        return f"<Function {self.index} {self.name}>"


class _Lists:
    """What has been read: lines by index, indices by name, decoded functions by index."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.index: dict[str, int] = {}
        self.ends: list[int] = []
        self.decoded: dict[int, Function] = {}
        folder = __file__.rpartition("/")[0]
        for library in LIBRARIES:
            with open(f"{folder}/{library}.tsv", "rb") as file:
                lines = file.read().decode().split("\n")
            self.lines += [line for line in lines if line and line[0] != "#"]
            self.ends.append(len(self.lines))
        self.index.update([(line[: line.index("\t")], number) for number, line in enumerate(self.lines)])


_loaded: _Lists | None = None


def _lists() -> _Lists:
    global _loaded
    if _loaded is None:
        _loaded = _Lists()
    return _loaded


def index(name: str) -> int | None:
    """The slot index of a function, or None if no list has it."""
    return _lists().index.get(name)


def names(library: str) -> list[str]:
    """The names in one list of LIBRARIES, in slot order."""
    lists = _lists()
    number = LIBRARIES.index(library)
    start = lists.ends[number - 1] if number else 0
    return [line[: line.index("\t")] for line in lists.lines[start : lists.ends[number]]]


def function(name_or_index: str | int) -> Function:
    """The function of a name or slot index; raises UnknownFunction."""
    lists = _lists()
    number = lists.index.get(name_or_index) if isinstance(name_or_index, str) else name_or_index
    if number is None or not 0 <= number < len(lists.lines):
        raise UnknownFunction(_unknown(name_or_index))
    found = lists.decoded.get(number)
    if found is None:
        found = lists.decoded[number] = _function(number, lists)
    return found


def words(function: Function) -> tuple[int, int, int]:
    """General registers, floating-point registers and words on the stack that a call's arguments take.

    Where that is not known the last is 255: such a call is never made again from a frame, only passed on, with all
    registers.
    """
    if function.parameters is None:
        return 6, 8, 255
    general = int(function.result_kind == "struct" and function.result_size > 16)  # its address goes first
    floating = 0
    for parameter in function.parameters:
        kind, _ = parameter.location
        general += (parameter.size + 7) // 8 if kind == "gp" else 0
        floating += kind == "fp"
    return general, floating, function.stack_words


def match(pattern: str) -> list[str]:
    """The functions that a pattern (`*`, `?`, `[...]`) names, in slot order; no variables.

    Raises UnknownFunction where there is none.
    """
    lists = _lists()
    if pattern in lists.index:
        return [pattern]
    if "?" in pattern or "[" in pattern:
        from fnmatch import fnmatchcase

        found = [name for name in lists.index if fnmatchcase(name, pattern)]
    else:
        pieces = pattern.split("*")
        found = [name for name in lists.index if _matches(name, pieces)] if pieces[1:] else []
    found = [name for name in found if "\tvariable\t" not in lists.lines[lists.index[name]]]
    if not found:
        raise UnknownFunction(_unknown(pattern))
    return found


def _matches(name: str, pieces: list[str]) -> bool:
    """Whether a name is these pieces with anything between them; fnmatch costs an import of re."""
    first, *middle, last = pieces
    if not name.startswith(first):
        return False
    position = len(first)
    for piece in middle:
        position = name.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return name.endswith(last) and len(name) - len(last) >= position


def _unknown(name_or_index: str | int) -> str:
    if isinstance(name_or_index, int):
        return f"no function has slot {name_or_index}: there are {len(_lists().lines)}"
    from difflib import get_close_matches

    near = get_close_matches(name_or_index, _lists().index, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"no list has a function {name_or_index!r}{hint}"


def _function(number: int, lists: _Lists) -> Function:
    columns = lists.lines[number].split("\t")
    library = next(name for name, end in zip(LIBRARIES, lists.ends, strict=True) if number < end)
    found = Function()
    found.index = number
    found.name = columns[0]
    found.library = library
    found.is_known = columns[5] != "?"
    found._columns = columns
    found._text = columns[5] if found.is_known else None
    found._parameters = None
    found._stack_words = 0
    return found


def _parameter(text: str) -> Parameter:
    fields = text.split("|")
    found = Parameter()
    found.name, found.ctype, abi = fields[:3]
    fields += ("", "", "")
    found.attribute = found.name + "_" if found.name in RESERVED else found.name
    found.kind = _KINDS[abi[0]]
    found.size = int(abi[1:])
    found.direction = fields[3] or "in"  # type: ignore[assignment]
    size = fields[4]
    found.out_size = int(size) if size.isdigit() else size or None
    found.enum = found.pointee_enum = found.pointee = None
    if found.kind == "pointer":
        found.pointee_enum = fields[5] or None
        if found.ctype[-1] == "*":
            found.pointee = found.ctype[:-1].rstrip()
    else:
        found.enum = fields[5] or None
    return found


def _locate(parameters: tuple[Parameter, ...], texts: list[str], hidden: bool) -> int:
    """Place each parameter by the System V x86-64 convention; returns the words on the stack.

    `hidden`: the result is a struct in memory, whose address takes the first register.
    """
    general, floating, stack = int(hidden), 0, 0
    for parameter, text in zip(parameters, texts, strict=True):
        words = (parameter.size + 7) // 8
        letter = text.split("|", 3)[2][0]
        if letter in "fd" and floating < 8:
            parameter.location = ("fp", floating)
            floating += 1
        elif letter in "iupg" and general + words <= 6:
            parameter.location = ("gp", general)
            general += words
        else:
            parameter.location = ("stack", stack)
            stack += words
    return stack

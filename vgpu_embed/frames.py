"""Typed call objects: one class per function, made from its row when a policy first hooks it.

What a class does with arguments is independent of where they come from: a frame of the preloaded library, or
`vgpu_embed.testing`. What happens at each call is in C (csrc/frames.c), what happens once a
function or seldom is here.
"""

from __future__ import annotations

import vgpu_embed._frames as _frames
import vgpu_embed.policy as policy
import vgpu_embed.tables as tables
from vgpu_embed.policy import Call, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed._frames import Kind

NULL_OUTPUT: dict[str, int] = {"driver": 1, "runtime": 1, "cublas": 7, "nvml": 2, "loader": 0}
"""What a library answers to a NULL that it should write through: CUDA_ERROR_INVALID_VALUE, cudaErrorInvalidValue,
CUBLAS_STATUS_INVALID_VALUE, NVML_ERROR_INVALID_ARGUMENT."""

MASKS = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""What of the result register counts: of a code, of an address."""

# As csrc/frames.c has them.
WHERE = {"gp": 0, "fp": 1, "stack": 2}
KINDS = {"int": 0, "uint": 1, "float": 2, "double": 3, "pointer": 4, "struct": 5}
TEXT = 5
DIRECTIONS = {"in": 0, "out": 1, "inout": 2}
SLOW, ADDRESS, SIGNED_NUMBER, NUMBER = range(1, 5)


class FrameCall(_frames.Call, Call):
    """A call whose arguments lie in a `struct vgpu_frame`.

    It has no `__getattr__`: that would triple the cost of reading any attribute. See `sentence_of`.

    Attributes:
        result: what the call has been answered so far, by the driver or by `reply`.
        written: how many bytes `reply` has written, by output.
        repeated: whether the last answer that was asked was remembered.
        failed: whether a handler has raised: what the others say must not be remembered for it.
    """

    __slots__ = ()
    row: tables.Function
    fields: tuple[_frames.Field, ...]
    ffi: Any

    @property
    def frame(self) -> Any:
        """The frame, as cffi has it."""
        return self.ffi.cast("struct vgpu_frame *", self.address)

    def forwarded_result(self) -> Result | None:
        """What the call returned, if a hook has already made it."""
        return self.result if self.has_forwarded else None

    # What csrc/frames.c asks Python for.

    def _address_of(self, pointer: Any) -> int:
        return int(self.ffi.cast("uintptr_t", pointer))

    def _argument(self, parameter: tables.Parameter) -> Any:
        return argument(self, parameter)

    def _store(self, parameter: tables.Parameter, value: Any) -> int:
        return _store(self, parameter, argument(self, parameter), value)

    def _no_output(self, name: str) -> None:
        outs = [p.attribute for p in self.row.parameters or () if p.direction != "in"]
        raise TypeError(f"{self.function} has no out-parameter {name!r}; it has {', '.join(outs) or 'none'}")

    def _unwritten(self, name: str) -> None:
        raise AttributeError(f"{self.function} writes {name}: read it after call.forward()", name=None, obj=None)

    @classmethod
    def _no_field(cls, name: str) -> None:
        raise AttributeError(policy.unknown_field(cls.function, name))

    @classmethod
    def _described(cls, parameter: tables.Parameter) -> tuple[Any, Any, Any, int, int]:
        """A pointer's types: how to cast to them, its own, what it points to, and what kind of output that is."""
        kind = cls.ffi.typeof(_pointer(cls.ffi, parameter, 0))
        item = getattr(kind, "item", None)  # a function has none
        return (cls.ffi.cast, kind, item, *(_output_kind(cls.ffi, item) if item else (SLOW, 0)))

    @classmethod
    def _room(cls, parameter: tables.Parameter, inputs: dict[str, Any]) -> tuple[Any, int]:
        """Memory for an output of a call that is made, and where it is."""
        if isinstance(parameter.out_size, str):
            room = cls.ffi.new("char[]", inputs[parameter.out_size])
        else:
            room = cls.ffi.new(parameter.ctype.replace("const ", ""))
        return room, int(cls.ffi.cast("uintptr_t", room))

    @classmethod
    def _value(cls, room: Any) -> Any:
        """What a call that was made has left in its room."""
        if cls.ffi.typeof(room).cname == "char[]":
            return cls.ffi.string(room).decode(errors="surrogateescape")
        return room[0]

    def _made_kind(self, function: str) -> Kind:
        """The calls of another function, as code of this one's library makes them."""
        raise NotImplementedError

    def _register(self, verdict: str | bytes) -> int:
        """Where a verdict that is text lies."""
        text = verdict.encode() if isinstance(verdict, str) else verdict
        return int(self.ffi.cast("uintptr_t", lasting_text(self.ffi, text)))


def _output_kind(ffi: Any, kind: Any) -> tuple[int, int]:
    """What is written where a pointer to this type points, and its size: addresses and whole numbers C writes."""
    if kind.kind == "pointer":
        return ADDRESS, 8
    if kind.kind != "enum" and (kind.kind != "primitive" or kind.cname in ("char", "_Bool", "float", "double")):
        return SLOW, 0
    return SIGNED_NUMBER if int(ffi.cast(kind, -1)) < 0 else NUMBER, int(ffi.sizeof(kind))


def kind_of(
    calls: type[FrameCall],
    caller: str,
    hooks: tuple[Any, ...],
    makes: dict[str, Kind],
    owner: Any = None,
    decide: Any = None,
    target: int = 0,
    leaves: bool = False,
    through_host: bool = False,
    recorded: int = 0,
) -> Kind:
    """The calls of a class by one library.

    hooks are asked in turn; `makes` keeps the kinds of calls that the function's own library makes; `decide` is what
    the preloaded library asks instead, with the call; calls that are made go to `target`. `leaves`: a call without a
    verdict leaves by the library's jump; `through_host`: it is the library that makes a call. `recorded` is the
    caller's number where the library counts and records calls that are made.
    """
    row = calls.row
    return _frames.Kind(
        type=calls,
        function=row.name,
        caller=caller,
        hooks=hooks,
        fields=calls.fields,
        makes=makes,
        owner=owner,
        decide=decide,
        target=target,
        mask=MASKS[row.result_kind == "pointer"],
        slot=row.index,
        stack_words=row.stack_words,
        leaves=leaves,
        null_output=NULL_OUTPUT[row.library],
        through_host=through_host,
        gives_text=row.result_kind == "pointer",
        recorded=recorded,
    )


def sentence_of(error: BaseException) -> str:
    """An exception's text; where a hook has read a field that its call does not have, what it has."""
    if isinstance(error, AttributeError) and isinstance(error.obj, FrameCall) and error.name:
        return policy.unknown_field(error.obj.function, error.name)
    return str(error)


def _words(call: FrameCall, parameter: tables.Parameter) -> Any:
    """Where the parameter's value lies in the frame, as a pointer to 8-byte words."""
    kind, place = parameter.location
    frame = call.frame
    if kind == "gp":
        return frame.gp + place
    if kind == "stack":
        return frame.stack + place
    return call.ffi.cast("uint64_t *", frame.xmm[place])


def argument(call: FrameCall, parameter: tables.Parameter) -> Any:
    """The value of a parameter: number, enum, text, or cffi pointer."""
    words = _words(call, parameter)
    ffi = call.ffi
    if parameter.kind == "pointer":
        pointer = _pointer(ffi, parameter, words[0])
        if parameter.ctype == "const char *" and parameter.direction == "in":
            return ffi.string(pointer).decode(errors="surrogateescape") if pointer else None
        return pointer
    if parameter.kind == "struct":
        return ffi.cast(parameter.ctype + " *", words)[0]
    if parameter.kind in ("float", "double"):
        return ffi.cast(parameter.kind + " *", words)[0]
    value = _integer(parameter, words)
    return _enum(parameter.enum)(value) if parameter.enum else value


def _integer(parameter: tables.Parameter, words: Any) -> int:
    bits = 8 * parameter.size
    value = int(words[0]) & ((1 << bits) - 1)
    return value - (1 << bits) if parameter.kind == "int" and value >> bits - 1 else value


def _enum(name: str) -> type[int]:
    """An enum class; the module is imported when a policy first reads one."""
    import vgpu_embed.enums as enums

    return getattr(enums, name)  # type: ignore[no-any-return]


LAYOUTS: dict[tuple[str, int | str | None], str] = {
    ("struct cudaDeviceProp *", 728): "cudaDeviceProp_v11 *",
    ("struct cudaDeviceProp *", 1032): "cudaDeviceProp_v12 *",
    ("struct cudaFuncAttributes *", 56): "cudaFuncAttributes_v11 *",
}
"""Types of parameters that point to another struct than the newest headers' of that name, by its size."""


def _pointer(ffi: Any, parameter: tables.Parameter, value: int) -> Any:
    """A pointer or handle, typed where the type is known."""
    ctype = LAYOUTS.get((parameter.ctype, parameter.out_size)) or parameter.ctype.replace("const ", "")
    try:
        return ffi.cast(ctype, value)
    except (ffi.error, TypeError, NotImplementedError):
        return ffi.cast("void *", value)


def _store(call: FrameCall, parameter: tables.Parameter, pointer: Any, value: Any) -> int:
    """Writes an output: text, bytes of a struct or array, fields of a struct, or one value of the pointee's type.

    Where the output is a pointer or handle itself, the value is one, an address, None for NULL, or text that stays.
    Returns how many bytes that is.
    """
    ffi = call.ffi
    kind = ffi.typeof(pointer).item
    if kind.kind == "pointer" and not isinstance(value, bytes):
        if isinstance(value, str):
            value = lasting_text(ffi, value.encode())
        pointer[0] = ffi.cast(kind, 0 if value is None else value)
        return 8
    if isinstance(value, str):
        value = value.encode() + b"\0"
    if isinstance(value, bytes):
        room = _room(call, parameter, kind)
        if room < len(value):
            value = value[: room - 1] + b"\0" if value.endswith(b"\0") and room > 0 else value[:room]
        ffi.memmove(pointer, value, len(value))
        return len(value)
    if isinstance(value, dict):
        for name, field in value.items():
            setattr(pointer[0], name, field)
    else:
        pointer[0] = value
    return int(ffi.sizeof(kind))


def _room(call: FrameCall, parameter: tables.Parameter, kind: Any) -> int:
    """How many bytes may be written as they are; raises TypeError where an output is a number, or its size unknown."""
    if kind.kind in ("struct", "union"):
        return int(call.ffi.sizeof(kind))
    size = parameter.out_size
    if kind.cname not in ("char", "unsigned char", "void"):
        raise TypeError(f"{call.function}: {parameter.name} is of type {kind.cname}, not text or bytes")
    if isinstance(size, str) and size.isidentifier():
        size = getattr(call, size)
    if not isinstance(size, int):
        raise TypeError(f"{call.function}: how large {parameter.name} is is not known; write through the pointer")
    return max(size, 0)


_texts: dict[bytes, Any] = {}


def lasting_text(ffi: Any, text: bytes) -> Any:
    """A C string that stays, one for each text."""
    return _texts.setdefault(text, ffi.new("char[]", text))


def _field(parameter: tables.Parameter) -> _frames.Field:
    where, place = parameter.location
    text = parameter.ctype == "const char *" and parameter.direction == "in"
    return _frames.Field(
        parameter=parameter,
        attribute=parameter.attribute,
        where=WHERE[where],
        place=place,
        kind=TEXT if text else KINDS[parameter.kind],
        size=min(parameter.size, 255),
        direction=DIRECTIONS[parameter.direction],
        is_enum=bool(parameter.enum),
    )


_classes: dict[tuple[str, type[FrameCall]], type[FrameCall]] = {}


def call_class(name: str, base: type[FrameCall]) -> type[FrameCall]:
    """The class of calls of a function, below the one that knows where calls come from.

    Raises tables.UnknownFunction.
    """
    found = _classes.get((name, base))
    if found is None:
        row = tables.function(name)
        fields = {parameter.attribute: _field(parameter) for parameter in row.parameters or ()}
        more: dict[str, Any] = {"function": row.name, "row": row, "fields": tuple(fields.values()), "__slots__": ()}
        found = _classes[name, base] = type(name, (base,), {**fields, **more})
    return found

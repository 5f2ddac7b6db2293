"""Typed call objects: one class per function, made from its row when a policy first hooks it.

What a class does with arguments is independent of where they come from: a frame of the preloaded library, or
`vgpu_embed.testing`.
"""

from __future__ import annotations

import vgpu_embed.policy as policy
import vgpu_embed.tables as tables
from vgpu_embed.policy import Call, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NULL_OUTPUT: dict[str, int] = {"driver": 1, "runtime": 1, "cublas": 7, "nvml": 2}
"""What a library answers to a NULL that it should write through: CUDA_ERROR_INVALID_VALUE, cudaErrorInvalidValue,
CUBLAS_STATUS_INVALID_VALUE, NVML_ERROR_INVALID_ARGUMENT."""


SUCCESS = Result(0)


class FrameCall(Call):
    """A call whose arguments lie in a `struct vgpu_frame`.

    It has no `__getattr__`: that would triple the cost of reading any attribute. See `sentence_of`.
    """

    row: tables.Function
    ffi: Any
    hooks: tuple[Any, ...] = ()
    target: Any = None
    """Where a call goes that `make` makes; None where there is no driver."""
    result: Result | None = None
    """What the call has been answered so far, by the driver or by `reply`."""
    written: dict[str, int] = {}  # noqa: RUF012 - replaced, not changed
    """How many bytes `reply` has written, by output."""
    repeated = False
    """Whether the last answer that was asked was remembered."""
    failed = False
    """Whether a handler has raised: what the others say must not be remembered for it."""
    _next = 0
    has_forwarded = False

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    def forward(self) -> Result:
        """See `Call.forward`."""
        if self.has_forwarded:
            raise RuntimeError(f"{self.function}: forward() was called a second time")
        place = self._next
        verdict = self.run() if place < len(self.hooks) else None
        code = self.real() if verdict is None else verdict
        self.has_forwarded, self._next = True, place  # the hooks in between forward once each, too
        self.result = result = Result(code) if code else SUCCESS
        return result

    def forwarded_result(self) -> Result | None:
        """What the call returned, if a hook has already made it."""
        return self.result if self.has_forwarded else None

    def run(self) -> Any:
        """Asks the hooks that have not been asked yet; the first verdict, or None."""
        hooks, place = self.hooks, self._next
        while place < len(hooks):
            self._next = place = place + 1
            verdict = hooks[place - 1](self)
            if verdict is not None:
                return verdict
        return None

    def real(self) -> int:
        """Makes the call itself and returns what it returned. Overridden by whoever has a driver."""
        raise NotImplementedError

    def reply(self, result: int = 0, **outputs: Any) -> Result:
        """See `Call.reply`."""
        written = dict(self.written)
        for name, value in outputs.items():
            parameter = next((p for p in self.row.parameters or () if p.attribute == name), None)
            if parameter is None or parameter.direction == "in":
                outs = [p.attribute for p in self.row.parameters or () if p.direction != "in"]
                raise TypeError(f"{self.function} has no out-parameter {name!r}; it has {', '.join(outs) or 'none'}")
            pointer = argument(self, parameter)
            if not pointer:
                return Result(NULL_OUTPUT[self.row.library])
            written[name] = _store(self, parameter, pointer, value)
        self.written = written
        self.result = Result(result)
        return self.result

    def make(self, function: str, **inputs: Any) -> Made:
        """See `Call.make`."""
        return Made(self.made_class(function), inputs)

    def number(self, name: str) -> int:
        """See `Call.number`."""
        for parameter in self.row.parameters or ():
            if parameter.attribute == name:
                return _integer(parameter, _words(self, parameter))
        raise AttributeError(policy.unknown_field(self.function, name))

    def address_of(self, pointer: Any) -> int:
        """See `Call.address_of`."""
        return int(self.ffi.cast("uintptr_t", pointer))

    def made_class(self, function: str) -> type[FrameCall]:
        """The class of another function's calls, as code of this one's library makes them. Overridden like `real`."""
        raise NotImplementedError


def sentence_of(error: BaseException) -> str:
    """An exception's text; where a hook has read a field that its call does not have, what it has."""
    if isinstance(error, AttributeError) and isinstance(error.obj, FrameCall) and error.name:
        return policy.unknown_field(error.obj.function, error.name)
    return str(error)


class Made:
    """A call that was made from Python: ``result`` and, under their names, the outputs; text as text."""

    def __init__(self, kind: type[FrameCall], inputs: dict[str, Any]) -> None:
        ffi = kind.ffi
        self._outputs: dict[str, Any] = {}
        frame = ffi.new("struct vgpu_frame *")
        stack = ffi.new("uint64_t[]", kind.row.stack_words or 1)
        frame.stack = stack
        frame.target = kind.target or ffi.NULL
        texts = []
        for parameter in kind.row.parameters or ():
            value = inputs.get(parameter.attribute) or 0
            if isinstance(value, str):
                texts.append(ffi.new("char[]", value.encode(errors="surrogateescape")))
                value = int(ffi.cast("uintptr_t", texts[-1]))
            if parameter.direction == "out":
                self._outputs[parameter.attribute] = pointer = _output(ffi, parameter, inputs)
                value = int(ffi.cast("uintptr_t", pointer))
            register, place = parameter.location
            (stack if register == "stack" else frame.gp)[place] = value & 0xFFFFFFFFFFFFFFFF
        call = kind(frame)
        verdict = call.run()
        self._ffi = ffi
        self.result = Result(call.real() if verdict is None else verdict)

    def __getattr__(self, name: str) -> Any:
        output = self._outputs[name]
        if self._ffi.typeof(output).cname == "char[]":
            return self._ffi.string(output).decode(errors="surrogateescape")
        return output[0]


def _output(ffi: Any, parameter: tables.Parameter, inputs: dict[str, Any]) -> Any:
    if isinstance(parameter.out_size, str):
        return ffi.new("char[]", inputs[parameter.out_size])
    return ffi.new(parameter.ctype.replace("const ", ""))


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


LAYOUTS: dict[tuple[str, int | str | None], str] = {("struct cudaDeviceProp *", 1032): "cudaDeviceProp_v12 *"}
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


def _field(parameter: tables.Parameter) -> property:
    if parameter.direction == "out":

        def read_out(call: FrameCall) -> Any:
            if call.result is None:
                raise AttributeError(
                    f"{call.function} writes {parameter.attribute}: read it after call.forward()", name=None, obj=None
                )
            return argument(call, parameter)

        return property(read_out)
    return property(lambda call: argument(call, parameter))


_classes: dict[tuple[str, type[FrameCall]], type[FrameCall]] = {}


def call_class(name: str, base: type[FrameCall]) -> type[FrameCall]:
    """The class of calls of a function, below the one that knows where calls come from.

    Raises tables.UnknownFunction.
    """
    found = _classes.get((name, base))
    if found is None:
        row = tables.function(name)
        fields: dict[str, Any] = {p.attribute: _field(p) for p in row.parameters or ()}
        fields.update(function=row.name, row=row)
        found = _classes[name, base] = type(name, (base,), fields)
    return found

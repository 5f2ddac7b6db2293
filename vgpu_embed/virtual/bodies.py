"""Kernels that policies compute: which body is a kernel's, what it gets, what comes of it."""

from __future__ import annotations

import sys
from struct import calcsize, unpack

from vgpu_embed import policy
from vgpu_embed.policy import IllegalAddress, KernelLaunch, Texture
from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.code import memory
from vgpu_embed.virtual.memory import textures
from vgpu_embed.virtual.memory.space import OUT_OF_MEMORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar

    from vgpu_embed.policy import CallLog, KernelBody, Policy
    from vgpu_embed.virtual.functions import Function
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.arrays import Array

    T = TypeVar("T", bound=textures.Surface)

ILLEGAL_ADDRESS, LAUNCH_FAILED = 700, 719
"""CUDA_ERROR_… of cuda.h: from then on the context is broken."""


def names_of(mangled: str) -> list[str]:
    """The names that a body may give for a kernel: as it is; of C++ also `ns::name` and `name`.

    Parameters and template arguments are left out (Itanium C++ ABI, `_ZN2ns3addIfEEvPT_i`).
    """
    names = [mangled]
    if mangled.startswith("_Z"):
        rest, parts = mangled[2:].lstrip("NKVrL"), []
        while rest[:1].isdecimal():
            digits = len(rest) - len(rest.lstrip("0123456789"))
            length = int(rest[:digits])
            parts.append(rest[digits : digits + length])
            rest = rest[digits + length :].lstrip("L") if mangled[2] == "N" else ""
        names += ["::".join(parts), parts[-1]] if parts else []
    return names


def find(stack: Sequence[Policy], function: Function) -> KernelBody | None:
    """The body of a kernel, or None. One that does not fit the kernel's parameters is said and passed over."""
    names = names_of(function.name)
    for one in stack:
        for body in one.kernels:
            if body.is_for(names):
                if fits(body, function):
                    return body
                wants = ", ".join(str(size) for _, size in function.entry.parameters or ())
                log_of(function).error(
                    f"{body.place}: the body's parameters are not the kernel's, which have {wants or 'no'} bytes"
                )
    return None


def fits(body: KernelBody, function: Function) -> bool:
    """Whether a body's parameters have the sizes of the kernel's, where both are known."""
    sizes = None if function.entry.parameters is None else [size for _, size in function.entry.parameters]
    return body.parameters is None or sizes is None or [calcsize(code) for code in body.parameters] == sizes


def log_of(function: Function) -> CallLog:
    """Log lines about a kernel."""
    return policy.log_of(names_of(function.name)[-1])


class Launched(KernelLaunch):
    """See KernelLaunch."""

    def __init__(
        self,
        machine: Machine,
        function: Function,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        shared: int,
        parameters: tuple[Any, ...],
    ) -> None:
        self.name = function.name
        self.grid = grid
        self.block = block
        self.shared = shared
        self.parameters = parameters
        self.device = function.module.context.device
        self._machine = machine
        self._function = function

    def array(self, pointer: int, dtype: Any, shape: int | tuple[int, ...]) -> Any:
        """See KernelLaunch."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        count = 1
        for length in shape:
            count *= length
        numpy: Any = sys.modules.get("numpy")
        width = calcsize(dtype) if numpy is None else numpy.dtype(dtype).itemsize
        view = memory_view(self._machine, self._function, pointer, count * width)
        if numpy is None:
            return view.cast("B").cast(dtype, shape)
        return numpy.frombuffer(view, dtype).reshape(shape)

    def texture(self, handle: int) -> Texture:
        """See KernelLaunch."""
        found = self._object(self._machine.textures, handle, "texture")
        described, made = found.described, Texture()
        made.levels = tuple(map(self._elements, found.levels))
        made.filter = textures.FILTERS[described.filterMode]
        made.mipmap_filter = textures.FILTERS[described.mipmapFilterMode]
        x, y, z = (textures.ADDRESSES[mode] for mode in described.addressMode)
        made.address = x, y, z
        made.border = tuple(described.borderColor)
        made.normalized = bool(described.flags & textures.NORMALIZED)
        made.as_floats = not described.flags & textures.AS_INTEGER
        return made

    def surface(self, handle: int) -> Any:
        """See KernelLaunch."""
        return self._elements(self._object(self._machine.surfaces, handle, "surface").levels[0])

    def _object(self, objects: dict[int, T], handle: int, kind: str) -> T:
        """A texture or surface object of the kernel's context. Raises IllegalAddress."""
        found = textures.mine(objects, self._function.module.context, handle)
        if found is None:
            raise IllegalAddress(f"{handle:#x} is no {kind} object of device {self.device}")
        return found

    def _elements(self, array: Array) -> Any:
        """Elements of an array, or of memory that is read like one."""
        if not array.has_memory:
            raise IllegalAddress("no memory is mapped to the array")
        code, shape, width = array.code, array.shape, array.columns * array.element
        if array.pitch == width:
            return self.array(array.address, code, shape)
        numpy: Any = sys.modules.get("numpy")
        if numpy is None:
            raise TypeError("rows that are apart can only be shown by NumPy: import it at the top of the policy")
        rows = self.array(array.address, "B", array.size - array.pitch + width)
        strides = (array.pitch, array.element, array.element // array.numbers)[: len(shape)]
        return numpy.ndarray(shape, code, rows, strides=strides)

    def variable(self, name: str) -> tuple[int, int]:
        """See KernelLaunch."""
        try:
            return self._function.module.variable(self._machine, name)
        except Refused:
            raise KeyError(f"the module of {self.name} has no variable {name!r}") from None

    @property
    def log(self) -> CallLog:
        """See KernelLaunch."""
        return log_of(self._function)


def memory_view(machine: Machine, function: Function, address: int, size: int) -> memoryview:
    """Device memory; raises IllegalAddress for what is none, MemoryError where the host has no memory behind it."""
    try:
        machine.space.commit(address, size)
    except Refused as refused:
        if refused.result == OUT_OF_MEMORY:
            raise MemoryError(f"the host has no memory for {size} bytes at {address:#x}") from None
        device = function.module.context.device
        raise IllegalAddress(f"{size} bytes at {address:#x} are no memory of device {device}") from None
    return memory(address, size)


def compute(machine: Machine, launch: Launched, function: Function, body: KernelBody) -> bool:
    """Runs a body. False where it has failed by its own fault, so that nothing was computed.

    What it returns, or reaches for, breaks the context as the same would on a GPU.
    """
    try:
        result = body.function(launch, *(launch.parameters if body.parameters is not None else ()))
        error = int(result or 0)
    except IllegalAddress as what:
        log_of(function).info(f"{body.place}: {what}")
        error = ILLEGAL_ADDRESS
    except Exception as what:
        body.failures += 1
        if body.failures == 1:
            log_of(function).error(f"{body.place}: {type(what).__name__}: {what}; the kernel is not computed")
        if body.policy.on_error != "deny":
            return False
        error = LAUNCH_FAILED
    if error:
        machine.fail(error)
    return True


def values_of(body: KernelBody, parameters: Sequence[bytes]) -> tuple[Any, ...]:
    """Parameters as a body gets them."""
    if body.parameters is None:
        return tuple(parameters)
    return tuple(unpack(code, data)[0] for code, data in zip(body.parameters, parameters, strict=True))

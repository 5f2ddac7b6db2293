"""Copies and fills: what they need, how they are made from the structs that describe them, and that they are done.

One that can be done at once says by itself what is wrong with it. One that has to wait, or that a graph takes, is
checked before.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.memory.space import READ, SOURCE_ANY, TARGET_ANY, WRITE
from vgpu_embed.virtual.operations import MEMCPY, MEMSET, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.space import Space
    from vgpu_embed.virtual.order import Task

HOST, DEVICE, ARRAY, UNIFIED = 1, 2, 3, 4
"""CU_MEMORYTYPE_… of cuda.h."""
TO_HOST, FROM_HOST = TARGET_ANY, SOURCE_ANY
ANY = TO_HOST | FROM_HOST
"""Which side of a copy may be memory that CUDA does not know."""
MAX_PITCH = 11
"""CU_DEVICE_ATTRIBUTE_MAX_PITCH."""
LAUNCH_FAILED = 719
"""CUDA_ERROR_LAUNCH_FAILED: what breaks a context whose device reaches for an array without memory."""


class Transfer(Operation):
    """What moves bytes: it is checked before a graph takes it, or a queue.

    staged: pageable memory of the host is read when the program asks for the copy, not when its turn comes.
    """

    staged = False

    def check(self) -> None:
        """Refuses what `run` would refuse."""
        raise NotImplementedError

    def captured(self) -> Operation:
        """A graph reads when it runs."""
        self.check()
        self.staged = False
        return self

    def queued(self, task: Task) -> None:
        """Reads now what the program may change as soon as the function has returned."""
        self.check()
        if self.staged:
            self.read()

    def read(self) -> None:
        """Keeps what lies at the source, if that is pageable memory of the host."""


class Copy(Transfer):
    """A copy of bytes that lie side by side."""

    node_type = MEMCPY

    def __init__(self, machine: Machine, target: int, source: int, size: int, roles: int, staged: bool = False) -> None:
        self.space = machine.space
        self.target = target
        self.source = source
        self.size = size
        self.roles = roles
        self.staged = staged
        self._read: Any = None

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """From a CUDA_MEMCPY3D."""
        made = BoxCopy(machine, call, parameters)
        if not (made.box.width and made.box.height and made.box.depth):
            raise Refused(INVALID_VALUE)
        made.check()
        return made

    def fields(self) -> dict[str, Any]:
        """Of a CUDA_MEMCPY3D."""
        return {
            **_side("dst", self.target, self.roles & TO_HOST),
            **_side("src", self.source, self.roles & FROM_HOST),
            **{"WidthInBytes": self.size, "Height": 1, "Depth": 1},
        }

    def check(self) -> None:
        """Refuses what `run` would refuse."""
        self.space.check(self.target, self.size, WRITE, bool(self.roles & TO_HOST))
        self.space.check(self.source, self.size, READ, bool(self.roles & FROM_HOST))

    def read(self) -> None:
        """See `Transfer.read`."""
        self._read, self.source = kept(self.space, self.source, self.size)

    def run(self) -> None:
        """See `Operation.run`."""
        self.space.copy(self.target, self.source, self.size, self.roles)


def kept(space: Space, address: int, size: int) -> tuple[Any, int]:
    """A copy of pageable memory of the host and where it is; of other memory nothing, and where that is."""
    if space.base(address):
        return None, address
    ffi = space.ffi
    memory = ffi.new("char[]", size)
    ffi.memmove(memory, ffi.cast("char *", address), size)
    return memory, int(ffi.cast("uintptr_t", memory))


def _side(name: str, address: int, is_host: int) -> dict[str, int]:
    """One side of a CUDA_MEMCPY3D."""
    kind, field = (HOST, "Host") if is_host else (DEVICE, "Device")
    return {f"{name}MemoryType": kind, f"{name}{field}": address}


def _number(call: AnyCall, value: Any) -> int:
    """A field's value; pointers and handles as addresses."""
    return value if isinstance(value, int) else call.address_of(value)


class BoxCopy(Transfer):
    """A copy of rows and slices, from what a CUDA_MEMCPY2D, CUDA_MEMCPY3D or CUDA_MEMCPY3D_PEER says."""

    node_type = MEMCPY

    def __init__(self, machine: Machine, call: AnyCall, given: Any, staged: bool = False) -> None:
        self.space = machine.space
        self.staged = staged
        self.unmapped: Machine | None = None
        """Whose contexts break where an array has no memory."""
        self._read: Any = None
        self._fields = {name: _number(call, getattr(given, name)) for name, _ in call.ffi.typeof(given).item.fields}
        box = self.box = self.space.ffi.new("struct vgpu_box *")
        box.width, box.height = given.WidthInBytes, given.Height
        box.depth = self._fields.setdefault("Depth", 1)
        self.roles = 0
        if not (box.width and box.height and box.depth):
            return
        most = machine.current().profile.attributes[MAX_PITCH]
        box.target, box.target_pitch, box.target_slice = self._placed(machine, call, "dst", most)
        box.source, box.source_pitch, box.source_slice = self._placed(machine, call, "src", most)

    def _placed(self, machine: Machine, call: AnyCall, name: str, most: int) -> tuple[int, int, int]:
        """Where a side begins, and how far rows and slices are apart."""
        given, box = self._fields, self.box
        x, y, z = given[f"{name}XInBytes"], given[f"{name}Y"], given.get(f"{name}Z", 0)
        kind = given[f"{name}MemoryType"]
        if kind == ARRAY:
            array = machine.arrays.get(given[f"{name}Array"])
            if (
                array is None
                or given.get(f"{name}LOD")
                or not array.holds(x + box.width, y + box.height, z + box.depth)
            ):
                raise Refused(INVALID_VALUE)
            if not array.has_memory:
                self.unmapped = machine
            address, pitch, slice = array.address, array.pitch, array.slice
        elif kind in (HOST, DEVICE, UNIFIED):
            address = given[f"{name}Host" if kind == HOST else f"{name}Device"]
            pitch, rows = given[f"{name}Pitch"] or x + box.width, given.get(f"{name}Height", 0) or y + box.height
            has_slices = box.depth > 1
            has_rows = box.height > 1 or has_slices
            if not address or pitch < x + box.width or (has_rows and pitch > most):
                raise Refused(INVALID_VALUE)
            if has_slices and rows < y + box.height:
                raise Refused(INVALID_VALUE)
            slice = pitch * rows
            if kind != DEVICE:
                self.roles |= TO_HOST if name == "dst" else FROM_HOST
        else:
            raise Refused(INVALID_VALUE)
        return address + z * slice + y * pitch + x, pitch, slice

    def fields(self) -> dict[str, Any]:
        """See `Operation.fields`."""
        return self._fields

    def check(self) -> None:
        """Refuses what `run` would refuse."""
        box = self.box
        if box.width and box.height and box.depth:
            self.space.check(box.target, self._reach("target"), WRITE, bool(self.roles & TO_HOST))
            self.space.check(box.source, self._reach("source"), READ, bool(self.roles & FROM_HOST))

    def _reach(self, side: str) -> int:
        """Bytes from the first to the last of a side."""
        box = self.box
        pitch, slice = getattr(box, side + "_pitch"), getattr(box, side + "_slice")
        return int((box.depth - 1) * slice + (box.height - 1) * pitch + box.width)

    def read(self) -> None:
        """See `Transfer.read`."""
        if self.box.source:
            self._read, self.box.source = kept(self.space, self.box.source, self._reach("source"))

    def run(self) -> None:
        """See `Operation.run`."""
        if self.unmapped:
            self.unmapped.fail(LAUNCH_FAILED)
        if self.box.width and self.box.height and self.box.depth:
            self.space.copy_box(self.box, self.roles)


class Fill(Transfer):
    """Sets rows of elements of 1, 2 or 4 bytes."""

    node_type = MEMSET

    def __init__(
        self, machine: Machine, target: int, value: int, element: int, width: int, height: int = 1, pitch: int = 0
    ) -> None:
        if target % element or (height > 1 and (pitch < width * element or pitch % element)):
            raise Refused(INVALID_VALUE)
        self.space = machine.space
        self.target = target
        self.value = value
        self.element = element
        self.width = width
        self.height = height
        self.pitch = pitch

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """From a CUDA_MEMSET_NODE_PARAMS."""
        if parameters.elementSize not in (1, 2, 4) or not (parameters.width and parameters.height):
            raise Refused(INVALID_VALUE)
        shape = parameters.width, parameters.height, parameters.pitch
        made = cls(machine, parameters.dst, parameters.value, parameters.elementSize, *shape)
        made.check()
        return made

    def captured(self) -> Operation:
        """A graph takes any addresses: what is wrong with them is said when it runs."""
        return self

    def fields(self) -> dict[str, Any]:
        """Of a CUDA_MEMSET_NODE_PARAMS."""
        return {
            "dst": self.target,
            "pitch": self.pitch,
            "value": self.value,
            "elementSize": self.element,
            "width": self.width,
            "height": self.height,
        }

    def check(self) -> None:
        """Refuses what `run` would refuse."""
        if self.width and self.height:
            self.space.check(self.target, (self.height - 1) * self.pitch + self.width * self.element, WRITE)

    def run(self) -> None:
        """See `Operation.run`."""
        self.space.fill(self.target, self.pitch, self.value, self.element, self.width, self.height)

"""Stream memory operations: a stream waits for a value in memory, or writes one.

Those of CUDA 8 to 11.6 (without `_v2`) are not supported, as the devices say of themselves.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.memory.space import READ, SOURCE_ANY, TARGET_ANY, WRITE
from vgpu_embed.virtual.operations import BATCH_MEM_OP, Operation
from vgpu_embed.virtual.peers import check
from vgpu_embed.virtual.streams import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

GEQ, EQ, AND, NOR = range(4)
"""CU_STREAM_WAIT_VALUE_…: what a value has to be."""
FLUSH = 1 << 30
"""CU_STREAM_WAIT_VALUE_FLUSH, which needs a device that can."""
WAIT_32, WRITE_32, FLUSH_WRITES, WAIT_64, WRITE_64, BARRIER = range(1, 7)
"""CU_STREAM_MEM_OP_…."""
MOST = 255
"""Operations in a batch."""
PARAMS_SIZE = 48
"""Bytes of a CUstreamBatchMemOpParams."""

answers = Answers(ready=initialised)


class Value(Operation):
    """Something about a number of 4 or 8 bytes in memory."""

    node_type = BATCH_MEM_OP
    access = READ
    kinds = WAIT_32, WAIT_64
    """What it is called in a batch, with a number of 4 and of 8 bytes."""

    def __init__(self, machine: Machine, address: int, size: int, value: int, flags: int) -> None:
        if address % size:
            raise Refused(INVALID_VALUE)
        self.space = machine.space
        self.address = address
        self.size = size
        self.value = value & ((1 << 8 * size) - 1)
        self.flags = flags
        self.bytes = self.space.ffi.new("unsigned char[]", size)
        self.place = int(self.space.ffi.cast("uintptr_t", self.bytes))
        self.space.check(address, size, self.access)

    def captured(self) -> Operation:
        """See `Operation.captured`: graphs have these in batches."""
        return Batch([self])

    def packed(self) -> bytes:
        """A CUstreamBatchMemOpParams."""
        words = self.kinds[self.size == 8], self.address, self.value, self.flags
        return b"".join(word.to_bytes(8, "little") for word in words).ljust(PARAMS_SIZE, b"\0")


class Wait(Value):
    """Waits until a number is as it should be."""

    waits = True

    def __init__(self, machine: Machine, address: int, size: int, value: int, flags: int) -> None:
        if flags & FLUSH:
            raise Refused(NOT_SUPPORTED)
        if flags > NOR:
            raise Refused(INVALID_VALUE)
        super().__init__(machine, address, size, value, flags)

    def ready(self) -> bool:
        """See `Operation.ready`."""
        self.space.copy(self.place, self.address, self.size, TARGET_ANY)
        found, bits = int.from_bytes(bytes(self.bytes), "little"), 8 * self.size
        if self.flags == GEQ:  # cyclic: the difference has no sign
            return not (found - self.value) >> bits - 1 & 1
        if self.flags == EQ:
            return found == self.value
        if self.flags == AND:
            return bool(found & self.value)
        return (found | self.value) != (1 << bits) - 1


class Write(Value):
    """Writes a number."""

    access = WRITE
    kinds = WRITE_32, WRITE_64

    def __init__(self, machine: Machine, address: int, size: int, value: int, flags: int) -> None:
        if flags:  # an H200 refuses CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER too
            raise Refused(INVALID_VALUE)
        super().__init__(machine, address, size, value, flags)
        self.bytes[0:size] = self.value.to_bytes(size, "little")

    def run(self) -> None:
        """Writes it."""
        self.space.copy(self.address, self.place, self.size, SOURCE_ANY)


class Batch(Operation):
    """Several, one after the other."""

    node_type = BATCH_MEM_OP

    def __init__(self, operations: list[Value]) -> None:
        self.operations = operations
        self.waits = any(operation.waits for operation in operations)
        self._done = 0

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """See `Operation.from_node`: CUDA_BATCH_MEM_OP_NODE_PARAMS."""
        if parameters.flags:
            raise Refused(INVALID_VALUE)
        return cls(values_of(machine, parameters.paramArray, parameters.count))

    def fields(self) -> dict[str, Any]:
        """See `Operation.fields`."""
        given = b"".join(operation.packed() for operation in self.operations)
        return {"count": len(self.operations), "paramArray": given, "flags": 0}

    def ready(self) -> bool:
        """Does what does not have to wait, and says whether that was all."""
        for operation in self.operations[self._done :]:
            if not operation.ready():
                return False
            operation.run()
            self._done += 1
        return True

    def run(self) -> None:
        """The next time begins anew."""
        self.ready()
        self._done = 0


def values_of(machine: Machine, given: Any, count: int) -> list[Value]:
    """The operations that an array of CUstreamBatchMemOpParams describes. Raises Refused."""
    if (count and not given) or not 0 <= count <= MOST:
        raise Refused(INVALID_VALUE)
    found: list[Value] = []
    made: type[Value]
    for place in range(count):
        kind = given[place].operation
        if kind in (WAIT_32, WAIT_64):
            one, made = given[place].waitValue, Wait
        elif kind in (WRITE_32, WRITE_64):
            one, made = given[place].writeValue, Write
        elif kind == BARRIER:  # all that came before is done
            continue
        else:
            raise Refused(NOT_SUPPORTED)
        size = 8 if kind in (WAIT_64, WRITE_64) else 4
        found.append(made(machine, one.address, size, one.value64 if size == 8 else one.value, one.flags))
    return found


# ---- functions of the driver ---------------------------------------------------------------------------------------


def _take(machine: Machine, call: AnyCall, operation: Operation) -> int:
    stream = named(machine, call, "stream")
    if machine.guarded and isinstance(operation, Value):
        check(machine, stream.context, operation.address)
    stream.take(operation)
    return 0


@answers("cuStreamWaitValue32_v2", "cuStreamWaitValue32_v2_ptsz")
def wait_32(machine: Machine, call: AnyCall) -> int:
    return _take(machine, call, Wait(machine, call.addr, 4, call.value, call.flags))


@answers("cuStreamWaitValue64_v2", "cuStreamWaitValue64_v2_ptsz")
def wait_64(machine: Machine, call: AnyCall) -> int:
    return _take(machine, call, Wait(machine, call.addr, 8, call.value, call.flags))


@answers("cuStreamWriteValue32_v2", "cuStreamWriteValue32_v2_ptsz")
def write_32(machine: Machine, call: AnyCall) -> int:
    return _take(machine, call, Write(machine, call.addr, 4, call.value, call.flags))


@answers("cuStreamWriteValue64_v2", "cuStreamWriteValue64_v2_ptsz")
def write_64(machine: Machine, call: AnyCall) -> int:
    return _take(machine, call, Write(machine, call.addr, 8, call.value, call.flags))


@answers("cuStreamBatchMemOp_v2", "cuStreamBatchMemOp_v2_ptsz")
def batch(machine: Machine, call: AnyCall) -> int:
    if call.flags:
        return INVALID_VALUE
    return _take(machine, call, Batch(values_of(machine, call.paramArray, call.count)))


@answers(
    "cuStreamWaitValue32",
    "cuStreamWaitValue32_ptsz",
    "cuStreamWaitValue64",
    "cuStreamWaitValue64_ptsz",
    "cuStreamWriteValue32",
    "cuStreamWriteValue32_ptsz",
    "cuStreamWriteValue64",
    "cuStreamWriteValue64_ptsz",
    "cuStreamBatchMemOp",
    "cuStreamBatchMemOp_ptsz",
)
def of_before(machine: Machine, call: AnyCall) -> int:
    """CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_MEM_OPS_V1 is 0."""
    return NOT_SUPPORTED

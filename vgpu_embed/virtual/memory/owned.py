"""Memory that graphs own: nodes that allocate and free it.

Its addresses are taken when the node is made, and with them its share of the device; both are given back with the
graph and what was instantiated of it. Whether a program uses it before a launch has allocated it is not looked at.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.locations import LOCATION_DEVICE
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.memory.heap import GRAIN, POOLED, Allocation, Shared
from vgpu_embed.virtual.operations import MEM_ALLOC, MEM_FREE, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

STEP = 32 << 20
"""What is taken of a device at a time."""
PINNED_TYPE = 1
"""CU_MEM_ALLOCATION_TYPE_PINNED."""
USED, USED_HIGH, RESERVED, RESERVED_HIGH = range(4)
"""CU_GRAPH_MEM_ATTR_…_MEM_CURRENT and _HIGH."""

answers = Answers(ready=initialised)


class GraphMemory(Shared):
    """What graphs hold of a device.

    Attributes:
        used_high, reserved_high: the most that there has been.
        owned: those that hold it, by address.
    """

    def __init__(self, machine: Machine, device: int) -> None:
        super().__init__(machine, device, STEP)
        self.used_high = self.reserved_high = 0
        self.owned: dict[int, Owned] = {}


def memory_of(machine: Machine, device: int) -> GraphMemory:
    """What graphs hold of a device. Raises Refused."""
    machine.device(device)
    found = machine.graph_memory.get(device)
    if found is None:
        found = machine.graph_memory[device] = GraphMemory(machine, device)
    return found


class Owned:
    """Memory of a graph.

    holders  how many nodes and steps of executable graphs have it; it is given back when none does
    """

    def __init__(self, machine: Machine, device: int, size: int) -> None:
        if not size:
            raise Refused(INVALID_VALUE)
        memory = self.memory = memory_of(machine, device)
        self.machine = machine
        self.holders = 0
        with machine.lock:
            self.block, address = memory.place((size + GRAIN - 1) & -GRAIN)
            memory.used_high = max(memory.used_high, memory.used)
            memory.reserved_high = max(memory.reserved_high, memory.reserved)
        self.allocation = Allocation(address, size, POOLED, device, None, self)
        machine.space.insert(address, size, address)
        memory.owned[address] = self

    @property
    def is_allocated(self) -> bool:
        """Whether a launch has allocated it and nobody has freed it since."""
        return self.machine.allocations.get(self.allocation.address) is self.allocation

    def free(self, allocation: Allocation) -> None:
        """The program has freed it; it stays the graph's."""
        allocation.flags = 0
        self.machine.space.insert(allocation.address, allocation.size, allocation.address)

    def end(self) -> None:
        """It is not allocated any more."""
        if self.is_allocated:
            del self.machine.allocations[self.allocation.address]

    def give_back(self) -> None:
        """It is nobody's any more."""
        self.end()
        del self.memory.owned[self.allocation.address]
        self.machine.space.remove(self.allocation.address)
        with self.machine.lock:
            self.block.free(self.allocation)


def owned_at(machine: Machine, address: int) -> Owned:
    """The memory of a graph at an address; refuses any other."""
    for memory in machine.graph_memory.values():
        found = memory.owned.get(address)
        if found is not None:
            return found
    raise Refused(INVALID_VALUE)


class Allocate(Operation):
    """Allocates a graph's memory at each launch."""

    node_type = MEM_ALLOC

    def __init__(self, owned: Owned) -> None:
        self.owned = owned

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """From a CUDA_MEM_ALLOC_NODE_PARAMS, which gets the address."""
        given = parameters.poolProps
        if given.allocType != PINNED_TYPE or given.location.type != LOCATION_DEVICE:
            raise Refused(NOT_SUPPORTED if given.allocType and given.location.type else INVALID_VALUE)
        made = cls(Owned(machine, given.location.id, parameters.bytesize))
        parameters.dptr = made.owned.allocation.address
        return made

    def fields(self) -> dict[str, Any]:
        """See `Operation.fields`."""
        return {"bytesize": self.owned.allocation.size, "dptr": self.owned.allocation.address}

    def held(self) -> None:
        """See `Operation.held`."""
        self.owned.holders += 1

    def released(self) -> None:
        """See `Operation.released`."""
        self.owned.holders -= 1
        if not self.owned.holders:
            self.owned.give_back()

    def run(self) -> None:
        """Refuses to do it twice."""
        if self.owned.is_allocated:
            raise Refused(INVALID_VALUE)
        allocation = self.owned.allocation
        self.owned.machine.allocations[allocation.address] = allocation


class Renew(Allocate):
    """The same, whether the last launch's was freed or not."""

    def run(self) -> None:
        """See `Operation.run`."""
        self.owned.end()
        super().run()


class Free(Operation):
    """Frees it at each launch."""

    node_type = MEM_FREE

    def __init__(self, owned: Owned) -> None:
        self.owned = owned

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """From a CUDA_MEM_FREE_NODE_PARAMS."""
        return cls(owned_at(machine, parameters.dptr))

    def fields(self) -> dict[str, Any]:
        """See `Operation.fields`."""
        return {"dptr": self.owned.allocation.address}

    def run(self) -> None:
        """Frees it."""
        self.owned.end()


# ---- how much that is ----------------------------------------------------------------------------------------------


@answers("cuDeviceGetGraphMemAttribute")
def get_attribute(machine: Machine, call: AnyCall) -> int:
    memory = memory_of(machine, call.device)
    values = memory.used, memory.used_high, memory.reserved, memory.reserved_high
    number = call.number("attr")
    if number >= len(values):
        return INVALID_VALUE
    return call.reply(value=values[number].to_bytes(8, "little"))


@answers("cuDeviceSetGraphMemAttribute")
def set_attribute(machine: Machine, call: AnyCall) -> int:
    """The most that there has been can be forgotten."""
    memory, number = memory_of(machine, call.device), call.number("attr")
    if number not in (USED_HIGH, RESERVED_HIGH) or not call.value or call.ffi.cast("uint64_t *", call.value)[0]:
        return INVALID_VALUE
    if number == USED_HIGH:
        memory.used_high = memory.used
    else:
        memory.reserved_high = memory.reserved
    return 0


@answers("cuDeviceGraphMemTrim")
def trim(machine: Machine, call: AnyCall) -> int:
    """What no graph owns has been given back already."""
    memory_of(machine, call.device)
    return 0

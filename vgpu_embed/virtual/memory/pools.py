"""Memory pools and allocation in a stream's order.

An address is valid as soon as it is given out, and freed when the stream comes to it. A pool takes 32 MiB of the
device at a time; what is not used any more and above the release threshold goes back at once, where a driver waits for
the next synchronisation. Pools are a device's: they lose everything when its primary context ends.
"""

from __future__ import annotations

from vgpu_embed.virtual import contexts
from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.locations import LOCATION_DEVICE, LOCATION_HOST, LOCATIONS, NUMA_CURRENT
from vgpu_embed.virtual.machine import INVALID_DEVICE, INVALID_VALUE, NOT_SUPPORTED, OUT_OF_MEMORY, initialised
from vgpu_embed.virtual.memory.files import FileArena, HostArena, host_of
from vgpu_embed.virtual.memory.heap import DEVICE, GRAIN, MANAGED, POOLED, Allocation, Shared, free
from vgpu_embed.virtual.memory.owned import Allocate, Free, Owned, owned_at
from vgpu_embed.virtual.operations import Operation
from vgpu_embed.virtual.peers import HOST, are_linked
from vgpu_embed.virtual.sharing import POOL
from vgpu_embed.virtual.streams import named as stream_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.arena import Arena
    from vgpu_embed.virtual.sharing import File
    from vgpu_embed.virtual.streams import Stream

    Place = int | tuple[int, int]  # a device, or a type of allocation and where that is

STEP = 32 << 20
"""What a pool takes of the device at a time."""
PINNED_TYPE, MANAGED_TYPE = 1, 2
"""CU_MEM_ALLOCATION_TYPE_…."""
TYPES = (PINNED_TYPE, MANAGED_TYPE)
"""Those that there are."""
FILE_DESCRIPTOR = 1
SHAREABLE = FILE_DESCRIPTOR | 8
"""CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, …_FABRIC."""
HANDLE_TYPES = (1, 2, 4, 8)
"""All of them."""
NONE, READ, READ_WRITE = 0, 1, 3
"""CU_MEM_ACCESS_FLAGS_PROT_…."""
REUSES = (1, 2, 3)
THRESHOLD, RESERVED, RESERVED_HIGH, USED, USED_HIGH = range(4, 9)
"""CU_MEMPOOL_ATTR_…"""
LEAVING = 1
"""A flag of allocations: the stream that frees them has not come to it yet."""

answers = Answers(ready=initialised)


class Pool(Shared):
    """A pool.

    Attributes:
        handle: the CUmemoryPool, as a number.
        most: bytes that it may hold; 0 for no limit of its own.
        reuses: how far it may look for memory that is free soon; kept, and without effect.
        reserved_high, used_high: the most that there has been.
        access: how devices may use it, beside its own, by device.
        is_managed: whether its memory is managed; then every device may.
        file: where it lies, if other processes can be given it; None otherwise.
        base: its first address then.
    """

    file: File | None = None
    base = 0
    is_destroyed = False

    def __init__(
        self, machine: Machine, device: int, most: int = 0, handles: int = 0, is_managed: bool = False
    ) -> None:
        arena: Arena | None = None
        self.is_counted = device != HOST and not is_managed
        if handles & FILE_DESCRIPTOR:
            arena = FileArena(machine, device, machine.visible[max(device, 0)].memory, POOL)
            self.file, self.base = arena.file, arena.base
        elif not self.is_counted:
            arena = HostArena(machine)
            machine.guarded = True
        super().__init__(machine, max(device, 0), STEP, arena)
        self.device = device
        self.is_managed = is_managed
        self.access: dict[int, int] = {}
        self.handle = machine.handle()
        if is_managed:
            machine.managed_pools.add(self.handle)
        self.most = most
        self.reuses = dict.fromkeys(REUSES, 1)
        self.reserved_high = self.used_high = 0
        machine.pools[self.handle] = self

    def allocate(self, size: int) -> Allocation:
        """Memory of the pool; refuses more than is free, or than the pool may hold."""
        rounded, machine = (size + GRAIN - 1) & -GRAIN, self.machine
        with self.lock:
            if self.most and self.used + rounded > self.most:
                raise Refused(OUT_OF_MEMORY)
            block, address = self.place(rounded)
            self.reserved_high = max(self.reserved_high, self.reserved)
            self.used_high = max(self.used_high, self.used)
        machine.space.insert(address, size, address)
        made = machine.allocations[address] = Allocation(address, size, POOLED, self.device, None, block)
        return made

    def trim(self, kept: int) -> None:
        """Gives unused blocks back as long as that leaves so many bytes."""
        with self.lock:
            for block in list(self.blocks):
                if block.left == block.size and self.reserved - block.size >= kept:
                    self.blocks.remove(block)
                    self.give(block.address, block.size)

    def is_reached(self, device: int) -> bool:
        """Whether a device may use its memory."""
        return self.is_managed or device == self.device or bool(self.access.get(device))

    def reserve(self, size: int) -> None:
        """See `Shared.reserve`: what is not a device's is not counted."""
        if self.is_counted:
            super().reserve(size)
        else:
            self.reserved += size

    def release(self, size: int) -> None:
        """See `Shared.release`."""
        if self.is_counted:
            super().release(size)
        else:
            self.reserved -= size

    def give(self, address: int, size: int) -> None:
        """See `Shared.give`."""
        super().give(address, size)
        if self.is_destroyed and not self.reserved and isinstance(self.arena, FileArena):
            self.arena.close()


class ImportedPool:
    """A pool of another process.

    Attributes:
        handle: the CUmemoryPool, as a number.
        device: whose memory it has.
        file: where it lies.
        users: how often it has been imported.
        pointers: what has been imported from it, by where it lies.
    """

    def __init__(self, handle: int, device: int, file: File) -> None:
        self.handle = handle
        self.device = device
        self.file = file
        self.users = 0
        self.access: dict[int, int] = {}
        self.pointers: dict[int, Allocation] = {}


def default(machine: Machine, place: Place) -> Pool:
    """The pool that a device begins with, or other memory."""
    found = machine.default_pools.get(place)
    if found is None:
        if isinstance(place, tuple):
            found = Pool(machine, place[1], is_managed=place[0] == MANAGED_TYPE)
        else:
            machine.device(place)
            found = Pool(machine, place)
        machine.default_pools[place] = found
    return found


def current(machine: Machine, place: Place) -> Pool:
    """The pool that allocations on a device come from, or of other memory."""
    return machine.current_pools.get(place) or default(machine, place)


def place_of(machine: Machine, kind: int, location: Any) -> Place:
    """What memory a CUmemAllocationType and a CUmemLocation say; refuses what there is none of."""
    if location.type == LOCATION_DEVICE:
        if not 0 <= location.id < len(machine.visible):
            raise Refused(INVALID_VALUE)
        return int(location.id) if kind == PINNED_TYPE else (kind, int(location.id))
    return kind, HOST if kind == MANAGED_TYPE and not location.type else host_of(location)


def named(machine: Machine, call: AnyCall, handle: Any) -> Pool:
    """The pool of a handle; refuses what is none."""
    found = machine.pools.get(call.address_of(handle))
    if found is None:
        raise Refused(INVALID_VALUE)
    return found


def close(machine: Machine, context: Context) -> None:
    """Empties the pools of a device whose primary context ends."""
    if context.is_primary:
        for allocation in list(machine.allocations.values()):
            if allocation.kind == POOLED and allocation.device == context.device:
                free(machine, allocation)
        for pool in list(machine.pools.values()):
            if pool.device == context.device:
                pool.trim(0)


contexts.closing.append(close)


# ---- in a stream's order -------------------------------------------------------------------------------------------


class Taken(Operation):
    """That memory has been allocated: it is there already."""


class Freed(Operation):
    """Frees memory of a pool."""

    def __init__(self, machine: Machine, allocation: Allocation) -> None:
        self.machine = machine
        self.allocation = allocation

    def run(self) -> None:
        """See `Operation.run`. Its device may have been reset meanwhile."""
        if self.machine.allocations.get(self.allocation.address) is self.allocation:
            free(self.machine, self.allocation)


@answers("cuMemAllocAsync", "cuMemAllocAsync_ptsz")
def allocate(machine: Machine, call: AnyCall) -> int:
    stream = stream_named(machine, call)
    return _allocate(machine, call, stream, current(machine, stream.context.device))


@answers("cuMemAllocFromPoolAsync", "cuMemAllocFromPoolAsync_ptsz")
def allocate_from(machine: Machine, call: AnyCall) -> int:
    return _allocate(machine, call, stream_named(machine, call), named(machine, call, call.pool))


def _allocate(machine: Machine, call: AnyCall, stream: Stream, pool: Pool) -> int:
    """Of nothing it gives NULL."""
    if not call.bytesize:
        return call.reply(dptr=0)
    if stream.capture is not None:
        stream.capture.valid()
        owned = Owned(machine, pool.device, call.bytesize)
        stream.take(Allocate(owned))
        return call.reply(dptr=owned.allocation.address)
    machine.order.check_safe()
    made = pool.allocate(call.bytesize)
    try:
        stream.take(Taken())
        result = int(call.reply(dptr=made.address))
    except Refused as refused:
        result = refused.result
    if result:
        free(machine, made)
    return result


@answers("cuMemFreeAsync", "cuMemFreeAsync_ptsz")
def free_in_order(machine: Machine, call: AnyCall) -> int:
    """To free NULL is a success, and so it is for what was not allocated in a stream's order, which stays."""
    stream, allocation = stream_named(machine, call), machine.allocations.get(call.dptr)
    if stream.capture is not None:
        owned = owned_at(machine, call.dptr)
        operations = [node.operation for node in stream.capture.graph.nodes]
        if any(isinstance(one, Free) and one.owned is owned for one in operations):
            return INVALID_VALUE
        stream.take(Free(owned))
        return 0
    if not call.dptr or (allocation and allocation.kind == DEVICE):
        return 0
    if allocation and allocation.kind == MANAGED:
        return NOT_SUPPORTED
    if allocation is None or allocation.kind != POOLED or allocation.flags & LEAVING:
        return INVALID_VALUE
    allocation.flags |= LEAVING
    try:
        stream.take(Freed(machine, allocation))
    except Refused:
        allocation.flags &= ~LEAVING
        raise
    return 0


# ---- pools ---------------------------------------------------------------------------------------------------------


@answers("cuMemPoolCreate")
def create(machine: Machine, call: AnyCall) -> int:
    """Of a device, of the host, or managed. Only a device's and a node's can be exported."""
    given = call.poolProps
    if not given:
        return INVALID_VALUE
    if given.allocType not in TYPES or given.handleTypes & ~SHAREABLE:
        return INVALID_VALUE
    place, is_managed = place_of(machine, given.allocType, given.location), given.allocType == MANAGED_TYPE
    device = place[1] if isinstance(place, tuple) else place
    if given.handleTypes and (is_managed or given.location.type == LOCATION_HOST):
        return INVALID_VALUE
    if given.maxSize > machine.visible[max(device, 0)].memory:
        return OUT_OF_MEMORY
    pool = Pool(machine, device, given.maxSize, given.handleTypes, is_managed)
    result = call.reply(pool=pool.handle)
    if result:
        del machine.pools[pool.handle]
    return result


@answers("cuMemPoolDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    """What is allocated from it stays until it is freed; what is imported has to be freed first."""
    imported = machine.imported_pools.get(call.number("pool"))
    if imported:
        if imported.pointers:
            return INVALID_VALUE
        imported.users -= 1
        if not imported.users:
            del machine.imported_pools[imported.handle]
        return 0
    pool = named(machine, call, call.pool)
    if pool in machine.default_pools.values():
        return INVALID_VALUE
    del machine.pools[pool.handle]
    for place in [place for place, one in machine.current_pools.items() if one is pool]:
        del machine.current_pools[place]
    pool.threshold = 0
    pool.is_destroyed = True
    pool.trim(0)
    return 0


@answers("cuMemPoolTrimTo")
def trim(machine: Machine, call: AnyCall) -> int:
    machine.order.check_safe()
    named(machine, call, call.pool).trim(call.minBytesToKeep)
    return 0


@answers("cuMemPoolGetAttribute")
def get_attribute(machine: Machine, call: AnyCall) -> int:
    """A number of 32 bits for what may be reused, of 64 for bytes."""
    pool, attribute, address = named(machine, call, call.pool), call.number("attr"), call.number("value")
    bytes_of = {
        THRESHOLD: pool.threshold,
        RESERVED: pool.reserved,
        RESERVED_HIGH: pool.reserved_high,
        USED: pool.used,
        USED_HIGH: pool.used_high,
    }
    if not address or attribute not in (*REUSES, *bytes_of):
        return INVALID_VALUE
    if attribute in REUSES:
        call.ffi.cast("int *", address)[0] = pool.reuses[attribute]
    else:
        call.ffi.cast("uint64_t *", address)[0] = bytes_of[attribute]
    return call.reply()


@answers("cuMemPoolSetAttribute")
def set_attribute(machine: Machine, call: AnyCall) -> int:
    """The highest numbers can be set to 0 only, which makes them those of now."""
    pool, attribute, address = named(machine, call, call.pool), call.number("attr"), call.number("value")
    if not address:
        return INVALID_VALUE
    value = call.ffi.cast("int *" if attribute in REUSES else "uint64_t *", address)[0]
    if attribute in REUSES:
        pool.reuses[attribute] = int(value != 0)
    elif attribute == THRESHOLD:
        pool.threshold = value
    elif attribute == RESERVED_HIGH and not value:
        pool.reserved_high = pool.reserved
    elif attribute == USED_HIGH and not value:
        pool.used_high = pool.used
    else:
        return INVALID_VALUE
    return 0


def _reached(machine: Machine, call: AnyCall, handle: Any) -> Pool | ImportedPool:
    """The pool of a handle, also another process's; refuses what is none."""
    return machine.imported_pools.get(call.address_of(handle)) or named(machine, call, handle)


@answers("cuMemPoolSetAccess")
def set_access(machine: Machine, call: AnyCall) -> int:
    """Its own device can always read and write; others if they are linked, or if it is no device's."""
    pool = _reached(machine, call, call.pool)
    if not call.count or not call.map:
        return INVALID_VALUE
    is_device = isinstance(pool, ImportedPool) or pool.is_counted
    wanted: dict[int, int] = {}
    for place in range(call.count):
        given = call.map[place]
        if given.location.type != LOCATION_DEVICE and is_device:
            return NOT_SUPPORTED
        if given.location.type != LOCATION_DEVICE:
            host_of(given.location)
            continue
        device = int(given.location.id)
        machine.device(device)
        if is_device and (
            (device == pool.device and given.flags == NONE)
            or (device != pool.device and not are_linked(machine, device, pool.device))
        ):
            return INVALID_DEVICE
        if given.flags not in (NONE, READ_WRITE):
            return NOT_SUPPORTED if given.flags == READ else INVALID_VALUE
        wanted[device] = given.flags
    pool.access.update(wanted)
    return 0


@answers("cuMemPoolGetAccess")
def get_access(machine: Machine, call: AnyCall) -> int:
    pool, given = _reached(machine, call, call.memPool), call.location
    if not given or given.type not in LOCATIONS:
        return INVALID_VALUE
    is_device = given.type == LOCATION_DEVICE
    if is_device and not 0 <= given.id < len(machine.visible):
        return INVALID_VALUE
    if not is_device:
        is_own = pool.device == HOST and not isinstance(pool, ImportedPool) and not pool.is_managed
        return call.reply(flags=READ_WRITE if is_own else NONE)
    is_own = given.id == pool.device and (isinstance(pool, ImportedPool) or pool.is_counted)
    return call.reply(flags=READ_WRITE if is_own else pool.access.get(given.id, NONE))


# ---- a device's pools ----------------------------------------------------------------------------------------------


@answers("cuDeviceGetDefaultMemPool")
def get_default(machine: Machine, call: AnyCall) -> int:
    return call.reply(pool_out=default(machine, call.dev).handle)


@answers("cuDeviceGetMemPool")
def get_current(machine: Machine, call: AnyCall) -> int:
    if not 0 <= call.dev < len(machine.visible):
        return INVALID_VALUE
    return call.reply(pool=current(machine, call.dev).handle)


@answers("cuDeviceSetMemPool")
def set_current(machine: Machine, call: AnyCall) -> int:
    machine.device(call.dev)
    return _set_current(machine, call, call.dev)


def _set_current(machine: Machine, call: AnyCall, place: Place) -> int:
    """A pool of that very memory."""
    pool = named(machine, call, call.pool)
    own = (MANAGED_TYPE if pool.is_managed else PINNED_TYPE, pool.device)
    if own != (place if isinstance(place, tuple) else (PINNED_TYPE, place)):
        return INVALID_VALUE
    machine.current_pools[place] = pool
    return 0


def _of(machine: Machine, call: AnyCall) -> Place:
    """The memory that a call is about."""
    kind = call.number("type")
    if not call.location or kind not in TYPES:
        raise Refused(INVALID_VALUE)
    if call.location.type == NUMA_CURRENT:
        raise Refused(NOT_SUPPORTED)
    return place_of(machine, kind, call.location)


@answers("cuMemGetDefaultMemPool")
def get_default_of(machine: Machine, call: AnyCall) -> int:
    return call.reply(pool_out=default(machine, _of(machine, call)).handle)


@answers("cuMemGetMemPool")
def get_current_of(machine: Machine, call: AnyCall) -> int:
    return call.reply(pool=current(machine, _of(machine, call)).handle)


@answers("cuMemSetMemPool")
def set_current_of(machine: Machine, call: AnyCall) -> int:
    return _set_current(machine, call, _of(machine, call))

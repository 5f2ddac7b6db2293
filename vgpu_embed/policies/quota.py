"""Limits the device memory that a process, or a group of processes, may hold on each GPU.

    vgpu-embed run --policy quota --set memory=20GiB [--set group=NAME] -- PROGRAM

What a program asks for is counted before the driver is asked; over the limit the driver is not asked, and the program
gets CUDA_ERROR_OUT_OF_MEMORY. See docs/policy-quota.md for what is counted, and what cannot be.
"""

from __future__ import annotations

from vgpu_embed import ledger
from vgpu_embed.holdings import PRIMARY, Allocation, Device, Holdings, Physical, holdings
from vgpu_embed.ledger import usage as usage
from vgpu_embed.policy import Policy, PolicyError, parse_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.holdings import Place

OUT_OF_MEMORY = 2
"""CUDA_ERROR_OUT_OF_MEMORY."""
ON_DEVICE = 1
"""CU_MEM_LOCATION_TYPE_DEVICE."""
NAMED_STREAMS = (0, 1, 2)
"""NULL, CU_STREAM_LEGACY and CU_STREAM_PER_THREAD: streams of the current context."""
PITCH = 512
"""Bytes that a driver rounds rows up to, where it chooses the pitch."""

policy = Policy()
memory = policy.option("memory", 0, help="bytes of each GPU that may be held, such as 20GiB; 0: any number")
memory_of = policy.option("memory_of", "", help="other limits for single GPUs, by number: 0=20GiB,1=4GiB")
group = policy.option("group", "", help="name that the processes share which share the limit; none: each has its own")

limits: dict[int, int] = {}
"""What `memory_of` says."""


@policy.configure
def read_limits() -> None:
    """Reads the options, and has the ledger show the new limits."""
    read = {}
    for item in filter(None, memory_of.value.split(",")):
        number, equals, size = item.partition("=")
        try:
            if not equals:
                raise ValueError("write GPU=SIZE, as in 0=20GiB,1=4GiB")
            read[int(number)] = parse_value(size, 0)
        except ValueError as error:
            raise PolicyError(f"memory_of={memory_of.value}: {error}") from None
    if min(memory.value, *read.values(), 0) < 0:
        raise PolicyError("memory and memory_of are sizes, from 0")
    limits.clear()
    limits.update(read)
    for opened in ledger.opened():
        opened.relimit(limit)


def limit(number: int) -> int:
    """The bytes that may be held of a device; 0: any number."""
    return limits.get(number, memory.value)  # type: ignore[no-any-return]


# ---- where memory is -----------------------------------------------------------------------------------------------


def numbered(call: Any, mine: Holdings, number: int) -> Device:
    """The device of a number. Processes that see other devices, or in another order, know it by its UUID."""
    found = mine.devices.get(number)
    if found is None:
        asked = call.make("cuDeviceGetUuid_v2", dev=number)
        if asked.result:  # a driver before CUDA 11.4
            asked = call.make("cuDeviceGetUuid", dev=number)
        uuid = b"device %9d" % number if asked.result else b"".join(asked.uuid.bytes)
        found = mine.devices.setdefault(number, Device(number, uuid))
    return found


def current(call: Any, mine: Holdings) -> Place | None:
    """Where the current context allocates. None: there is no context, which the driver will say."""
    if not mine.count:
        asked = call.make("cuDeviceGetCount")
        if asked.result or not asked.count:
            return None
        mine.count = asked.count
    if mine.count == 1 and not mine.has_created:
        return numbered(call, mine, 0), PRIMARY
    asked = call.make("cuCtxGetCurrent")
    return None if asked.result else of_context(call, mine, asked.pctx)


def of_context(call: Any, mine: Holdings, context: Any) -> Place | None:
    """Where a context allocates, taken to be the current one if it is not known."""
    found = mine.contexts.get(call.address_of(context))
    if found or not context:
        return found
    asked = call.make("cuCtxGetDevice")
    return None if asked.result else (numbered(call, mine, asked.device), PRIMARY)


def of_stream(call: Any, mine: Holdings) -> Place | None:
    """Where memory comes from that is allocated in a stream: a pool of its device."""
    place = current(call, mine)
    stream = call.address_of(call.hStream)
    if mine.count > 1 and stream not in NAMED_STREAMS:
        asked = call.make("cuStreamGetCtx", hStream=stream)
        place = None if asked.result else of_context(call, mine, asked.pctx)
    return place and (place[0], None)


def of_location(call: Any, mine: Holdings, location: Any) -> Place | None:
    """A CUmemLocation; None: it is no device."""
    return (numbered(call, mine, location.id), None) if location.type == ON_DEVICE else None


# ---- allocating and freeing ----------------------------------------------------------------------------------------


def allocate(
    call: Any,
    mine: Holdings,
    place: Place | None,
    size: int,
    kept: dict[int, Any],
    output: str = "dptr",
    kind: type[Allocation] = Allocation,
) -> int | None:
    """Takes bytes, lets the call happen, and keeps the allocation by what an output says, or gives it back."""
    if place is None:
        return None
    device, context = place
    allocation = kind(device, size, context)
    most = limit(device.number)
    may = mine.take(allocation, most, group.value)
    while mine.notes:
        call.log.error(mine.notes.pop())
    if not may:
        call.log.info("over the quota", device=device.number, bytes=size, held=device.held, limit=most)
        return OUT_OF_MEMORY
    back: Allocation | None = allocation
    try:
        result: int = call.forward()
        if not result:
            value = getattr(call, output)[0]
            allocation.key = key = value if isinstance(value, int) else call.address_of(value)
            back = kept.get(key)  # has ended with a context, unseen
            kept[key] = allocation
    finally:
        if back:
            mine.give(back)
    return result


def free(call: Any, mine: Holdings, kept: dict[int, Allocation], key: int) -> int | None:
    """Takes an allocation out, lets the call happen, and gives the bytes back, or keeps it again."""
    allocation = kept.pop(key, None)  # now, because afterwards another thread may get the same address
    if allocation is None:
        return None
    result: int | None = None
    try:
        result = call.forward()
    finally:
        if result == 0:
            mine.give(allocation)
        else:
            kept[key] = allocation
    return result


@policy.hook("cuMemAlloc", "cuMemAlloc_v2", "cuMemAllocManaged")
def linear(call: Any) -> int | None:
    """Managed memory too is counted whole, wherever its pages are."""
    mine = holdings(call.process)
    return allocate(call, mine, current(call, mine), call.bytesize, mine.allocations)


@policy.hook("cuMemAllocPitch", "cuMemAllocPitch_v2")
def pitched(call: Any) -> int | None:
    mine = holdings(call.process)
    row = (call.WidthInBytes + PITCH - 1) // PITCH * PITCH
    return allocate(call, mine, current(call, mine), row * call.Height, mine.allocations)


@policy.hook("cuMemAllocAsync", "cuMemAllocAsync_ptsz")
def in_stream(call: Any) -> int | None:
    mine = holdings(call.process)
    return allocate(call, mine, of_stream(call, mine), call.bytesize, mine.allocations)


@policy.hook("cuMemAllocFromPoolAsync", "cuMemAllocFromPoolAsync_ptsz")
def from_pool(call: Any) -> int | None:
    mine = holdings(call.process)
    pools, pool = mine.pools, call.address_of(call.pool)
    place = pools[pool] if pool in pools else of_stream(call, mine)
    return allocate(call, mine, place, call.bytesize, mine.allocations)


@policy.hook("cuMemFree", "cuMemFree_v2", "cuMemFreeAsync", "cuMemFreeAsync_ptsz")
def freed(call: Any) -> int | None:
    mine = holdings(call.process)
    return free(call, mine, mine.allocations, call.dptr)


# ---- pools ---------------------------------------------------------------------------------------------------------


@policy.hook("cuMemPoolCreate")
def pool_created(call: Any) -> int:
    mine = holdings(call.process)
    result: int = call.forward()
    if not result:
        mine.pools[call.address_of(call.pool[0])] = of_location(call, mine, call.poolProps.location)
    return result


@policy.hook("cuDeviceGetDefaultMemPool")
def default_pool(call: Any) -> int:
    mine = holdings(call.process)
    result: int = call.forward()
    if not result:
        mine.pools[call.address_of(call.pool_out[0])] = numbered(call, mine, call.dev), None
    return result


@policy.hook("cuMemGetDefaultMemPool")
def default_pool_of_location(call: Any) -> int:
    mine = holdings(call.process)
    result: int = call.forward()
    if not result:
        mine.pools[call.address_of(call.pool_out[0])] = of_location(call, mine, call.location)
    return result


@policy.hook("cuMemPoolDestroy")
def pool_destroyed(call: Any) -> None:
    """What was allocated from it lasts until it is freed."""
    mine = holdings(call.process)
    mine.pools.pop(call.address_of(call.pool), None)


# ---- arrays --------------------------------------------------------------------------------------------------------

CHANNEL_BITS = {1: 8, 2: 16, 3: 32, 8: 8, 9: 16, 10: 32, 16: 16, 32: 32}
"""Of CU_AD_FORMAT_…: integers, half and float, whose size is one channel's."""
ELEMENT_BITS = {
    8: (192, 198),
    12: (83, 89, 176),
    16: (81, 85, 91, 162, 165, 193, 195, 199, 201),
    24: (84, 87, 90, 93, 159, 161, 178, 180),
    32: (80, 82, 86, 92, 163, 164, 166, 167, 168, 169, 194, 196, 200, 202),
    48: (88, 94, 179, 181),
    64: (177, 197, 203),
}
"""Of those whose size is the whole element's, by bits: normalized integers and formats of video, planes together."""
BLOCK_BYTES = {number: 8 if number in (145, 146, 151, 152) else 16 for number in range(145, 159)}
"""Of those that are compressed in blocks of 4 by 4 elements (BC1 to BC7)."""
LAYERED, CUBEMAP, SPARSE, DEFERRED_MAPPING = 1, 4, 0x40, 0x80
"""CUDA_ARRAY3D_…: depth counts layers; there is no memory until something is mapped."""


def array_bytes(array: Any, levels: int = 1) -> int:
    """What an array of such a descriptor holds, without the padding that a driver adds."""
    flags = getattr(array, "Flags", 0)
    if flags & (SPARSE | DEFERRED_MAPPING):
        return 0
    width, height, depth = array.Width, array.Height, getattr(array, "Depth", 0)
    size = 0
    for level in range(min(levels, 32)):
        layers = depth if flags & (LAYERED | CUBEMAP) else depth >> level
        size += level_bytes(array, max(width >> level, 1), max(height >> level, 1)) * max(layers, 1)
    return size


def level_bytes(array: Any, width: int, height: int) -> int:
    """Of one layer. A format that is not known is taken for 32 bits a channel."""
    if array.Format in BLOCK_BYTES:
        return (width + 3) // 4 * ((height + 3) // 4) * BLOCK_BYTES[array.Format]
    for bits, formats in ELEMENT_BITS.items():
        if array.Format in formats:
            return (width * height * bits + 7) // 8
    return int(width * height * array.NumChannels * CHANNEL_BITS.get(array.Format, 32) // 8)


@policy.hook("cuArrayCreate", "cuArrayCreate_v2", "cuArray3DCreate", "cuArray3DCreate_v2")
def array(call: Any) -> int | None:
    mine = holdings(call.process)
    size = array_bytes(call.pAllocateArray) if call.pAllocateArray else 0
    return allocate(call, mine, current(call, mine), size, mine.arrays, "pHandle")


@policy.hook("cuMipmappedArrayCreate")
def mipmapped_array(call: Any) -> int | None:
    mine = holdings(call.process)
    size = array_bytes(call.pMipmappedArrayDesc, call.numMipmapLevels) if call.pMipmappedArrayDesc else 0
    return allocate(call, mine, current(call, mine), size, mine.arrays, "pHandle")


@policy.hook("cuArrayDestroy")
def array_destroyed(call: Any) -> int | None:
    mine = holdings(call.process)
    return free(call, mine, mine.arrays, call.address_of(call.hArray))


@policy.hook("cuMipmappedArrayDestroy")
def mipmapped_array_destroyed(call: Any) -> int | None:
    mine = holdings(call.process)
    return free(call, mine, mine.arrays, call.address_of(call.hMipmappedArray))


# ---- virtual memory management -------------------------------------------------------------------------------------


@policy.hook("cuMemCreate")
def created(call: Any) -> int | None:
    mine = holdings(call.process)
    place = of_location(call, mine, call.prop.location) if call.prop else None
    return allocate(call, mine, place, call.size, mine.physical, "handle", Physical)


@policy.hook("cuMemRetainAllocationHandle", "cuMemImportFromShareableHandle")
def retained(call: Any) -> int:
    """One more handle of what this process has created; other memory is held by whoever created it."""
    result: int = call.forward()
    mine = holdings(call.process)
    with mine.lock:
        physical = None if result else mine.physical.get(call.handle[0])
        if physical:
            physical.handles += 1
    return result


@policy.hook("cuMemRelease")
def released(call: Any) -> int | None:
    mine = holdings(call.process)
    with mine.lock:
        physical = mine.physical.get(call.handle)
        if physical is None:
            return None
        physical.handles -= 1
        if physical.has_ended:
            del mine.physical[physical.key]
    result: int = call.forward()
    if result:
        with mine.lock:
            physical.handles += 1
            mine.physical[physical.key] = physical
    elif physical.has_ended:
        mine.give(physical)
    return result


@policy.hook("cuMemMap")
def mapped(call: Any) -> int | None:
    mine = holdings(call.process)
    physical = mine.physical.get(call.handle)
    if physical is None:
        return None
    result: int = call.forward()
    if not result:
        with mine.lock:
            physical.mappings += 1
            mine.mappings[call.ptr] = call.size, physical
    return result


@policy.hook("cuMemUnmap")
def unmapped(call: Any) -> int | None:
    """A range of whole mappings, one after the other."""
    mine, address = holdings(call.process), call.ptr
    end, gone, ended = address + call.size, {}, []
    with mine.lock:
        while address < end and address in mine.mappings:
            gone[address] = mine.mappings.pop(address)
            address += gone[address][0]
    if not gone:
        return None
    result: int = call.forward()
    with mine.lock:
        if result:
            mine.mappings.update(gone)
            return result
        for _, physical in gone.values():
            physical.mappings -= 1
            if physical.has_ended:
                ended.append(mine.physical.pop(physical.key))
    for physical in ended:
        mine.give(physical)
    return result


# ---- contexts ------------------------------------------------------------------------------------------------------


@policy.hook("cuDevicePrimaryCtxRetain")
def primary_retained(call: Any) -> int:
    mine = holdings(call.process)
    result: int = call.forward()
    if not result:
        mine.contexts[call.address_of(call.pctx[0])] = numbered(call, mine, call.dev), PRIMARY
    return result


@policy.hook("cuDevicePrimaryCtxRelease", "cuDevicePrimaryCtxRelease_v2")
def primary_released(call: Any) -> int:
    mine = holdings(call.process)
    result: int = call.forward()
    if not result:
        state = call.make("cuDevicePrimaryCtxGetState", dev=call.dev)
        if not state.result and not state.active:
            mine.end_context(numbered(call, mine, call.dev), PRIMARY)
    return result


@policy.hook("cuDevicePrimaryCtxReset", "cuDevicePrimaryCtxReset_v2")
def primary_reset(call: Any) -> int:
    mine = holdings(call.process)
    result: int = call.forward()
    if not result:
        mine.end_context(numbered(call, mine, call.dev), PRIMARY)
    return result


@policy.hook("cuCtxCreate", "cuCtxCreate_v2", "cuCtxCreate_v3", "cuCtxCreate_v4")
def context_created(call: Any) -> int:
    mine = holdings(call.process)
    result: int = call.forward()
    if not result:
        handle = call.address_of(call.pctx[0])
        mine.contexts[handle] = numbered(call, mine, call.dev), handle
        mine.has_created = True
    return result


@policy.hook("cuCtxDestroy", "cuCtxDestroy_v2")
def context_destroyed(call: Any) -> int | None:
    mine = holdings(call.process)
    handle = call.address_of(call.ctx)
    place = mine.contexts.get(handle)
    if place is None:
        return None
    result: int = call.forward()
    if not result:
        mine.contexts.pop(handle, None)
        mine.end_context(place[0], handle)
    return result


# ---- what is seen --------------------------------------------------------------------------------------------------


@policy.hook("cuMemGetInfo", "cuMemGetInfo_v2")
def memory_info(call: Any) -> int:
    """The limit is all there is; never more is free than the driver says."""
    mine = holdings(call.process)
    result: int = call.forward()
    place = None if result else current(call, mine)
    most = limit(place[0].number) if place else 0
    if place and most:
        left = max(0, most - mine.total(place[0], group.value))
        if call.free:
            call.free[0] = min(call.free[0], left)
        if call.total:
            call.total[0] = min(call.total[0], most)
    return result


@policy.hook("cuDeviceTotalMem", "cuDeviceTotalMem_v2")
def total_memory(call: Any) -> int:
    result: int = call.forward()
    most = limit(call.dev)
    if not result and most and call.bytes:
        call.bytes[0] = min(call.bytes[0], most)
    return result

"""Managed memory: the host's, at the same address for everybody. What it takes of a device is not accounted for.

Advice and prefetching are kept for the queries, for an allocation as a whole; they move nothing.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.batches import spread
from vgpu_embed.virtual.locations import LOCATION_DEVICE, LOCATION_HOST, LOCATION_NONE, NUMA_CURRENT, is_node
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.memory.heap import MANAGED, Allocation, Region, free
from vgpu_embed.virtual.memory.space import MANAGED as PAGES
from vgpu_embed.virtual.streams import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.space import Space

GLOBAL = 1
ATTACHES = (GLOBAL, 2)
"""CU_MEM_ATTACH_GLOBAL and CU_MEM_ATTACH_HOST."""
SINGLE = 4
"""CU_MEM_ATTACH_SINGLE."""
CPU, NOWHERE = -1, -2
"""CU_DEVICE_CPU and CU_DEVICE_INVALID."""
SET_READ_MOSTLY, UNSET_READ_MOSTLY, SET_PREFERRED, UNSET_PREFERRED, SET_ACCESSED_BY, UNSET_ACCESSED_BY = range(1, 7)
"""CU_MEM_ADVISE_…"""

answers = Answers(ready=initialised)


class Managed(Region):
    """Where managed memory is from, and what has been said about it."""

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.read_mostly = 0
        self.preferred = self.prefetched = NOWHERE
        self.accessed_by: list[int] = []


@answers("cuMemAllocManaged")
def allocate(machine: Machine, call: AnyCall) -> int:
    context, size = machine.safely_current(), call.bytesize
    if not size or call.flags not in ATTACHES:
        return INVALID_VALUE
    made = made_managed(machine, context, size, call.flags)
    result = call.reply(dptr=made.address)
    if result:
        free(machine, made)
    return result


def made_managed(machine: Machine, context: Context | None, size: int, flags: int) -> Allocation:
    """Managed memory, which ends with a context unless that is None. Raises Refused."""
    space = machine.space
    address = space.reserve(size, PAGES)
    space.insert(address, size, address)
    device = context.device if context else 0
    made = machine.allocations[address] = Allocation(address, size, MANAGED, device, context, Managed(space), flags)
    return made


def managed(machine: Machine, address: int, size: int) -> Managed:
    """What is known of managed memory; refuses other addresses."""
    found = machine.allocation(address)
    if found is None or found.kind != MANAGED or not size or address + size > found.address + found.size:
        raise Refused(INVALID_VALUE)
    source: Managed = found.source
    return source


def _checked(machine: Machine, place: int) -> int:
    """A device or the host; refuses what is neither."""
    if place != CPU:
        machine.device(place)
    return place


def placed(machine: Machine, location: Any) -> int:
    """The device of a CUmemLocation, CPU for the host."""
    if location.type in (LOCATION_HOST, NUMA_CURRENT) or is_node(location):
        return CPU
    if location.type != LOCATION_DEVICE:
        raise Refused(INVALID_VALUE)
    return _checked(machine, location.id)


@answers("cuMemPrefetchAsync", "cuMemPrefetchAsync_ptsz")
def prefetch(machine: Machine, call: AnyCall) -> int:
    return _prefetch(machine, call, _checked(machine, call.dstDevice))


@answers("cuMemPrefetchAsync_v2", "cuMemPrefetchAsync_v2_ptsz")
def prefetch_to_location(machine: Machine, call: AnyCall) -> int:
    return INVALID_VALUE if call.flags else _prefetch(machine, call, placed(machine, call.location))


def _prefetch(machine: Machine, call: AnyCall, place: int) -> int:
    machine.current()
    named(machine, call).check_usable()
    managed(machine, call.devPtr, call.count).prefetched = place
    return 0


BATCHES = ("cuMemPrefetchBatchAsync", "cuMemDiscardBatchAsync", "cuMemDiscardAndPrefetchBatchAsync")


@answers(*BATCHES, *(name + "_ptsz" for name in BATCHES))
def several(machine: Machine, call: AnyCall) -> int:
    """All are checked before the first is prefetched. What is discarded stays: it may be read as anything."""
    stream, count = named(machine, call), call.count
    if stream.is_legacy or call.flags or not (count and call.dptrs and call.sizes):
        return INVALID_VALUE
    stream.check_usable()
    ranges = [managed(machine, call.dptrs[place], call.sizes[place]) for place in range(count)]
    if "Prefetch" in call.function:
        locations = spread(call.prefetchLocs, call.prefetchLocIdxs, call.numPrefetchLocs, count, step=0)
        if any(one.type == LOCATION_DEVICE and one.id not in range(len(machine.visible)) for one in locations):
            return INVALID_VALUE
        for about, place in zip(ranges, [placed(machine, one) for one in locations], strict=True):
            about.prefetched = place
    return 0


@answers("cuMemAdvise")
def advise(machine: Machine, call: AnyCall) -> int:
    return _advise(machine, call, call.device)


@answers("cuMemAdvise_v2")
def advise_about_location(machine: Machine, call: AnyCall) -> int:
    advice = call.number("advice")
    is_about = advice not in (SET_READ_MOSTLY, UNSET_READ_MOSTLY, UNSET_PREFERRED)
    if is_about and call.location.type == LOCATION_DEVICE and call.location.id not in range(len(machine.visible)):
        return INVALID_VALUE
    return _advise(machine, call, placed(machine, call.location) if is_about else CPU)


def _advise(machine: Machine, call: AnyCall, place: int) -> int:
    machine.current()
    about, advice = managed(machine, call.devPtr, call.count), call.number("advice")
    if advice in (SET_READ_MOSTLY, UNSET_READ_MOSTLY):
        about.read_mostly = int(advice == SET_READ_MOSTLY)
    elif advice == UNSET_PREFERRED:
        about.preferred = NOWHERE
    elif advice == SET_PREFERRED:
        about.preferred = _checked(machine, place)
    elif advice in (SET_ACCESSED_BY, UNSET_ACCESSED_BY):
        others = [one for one in about.accessed_by if one != _checked(machine, place)]
        about.accessed_by = [*others, place] if advice == SET_ACCESSED_BY else others
    else:
        return INVALID_VALUE
    return 0


@answers("cuMemRangeGetAttribute")
def range_attribute(machine: Machine, call: AnyCall) -> int:
    about = managed(machine, call.devPtr, call.count)
    return _tell(call, about, call.number("attribute"), call.number("data"), call.dataSize)


@answers("cuMemRangeGetAttributes")
def range_attributes(machine: Machine, call: AnyCall) -> int:
    about = managed(machine, call.devPtr, call.count)
    if not (call.numAttributes and call.data and call.dataSizes and call.attributes):
        return INVALID_VALUE
    for place in range(call.numAttributes):
        address = call.address_of(call.data[place])
        if result := _tell(call, about, call.attributes[place], address, call.dataSizes[place]):
            return result
    return 0


def _tell(call: AnyCall, about: Managed, attribute: int, address: int, size: int) -> int:
    """Writes one attribute: numbers of 32 bits."""
    if attribute == 3:
        numbers: Sequence[int] = [*about.accessed_by, *[NOWHERE] * (size // 4)][: size // 4]
    else:
        single = {
            1: about.read_mostly,
            2: about.preferred,
            4: about.prefetched,
            5: _kind_of(about.preferred),
            6: _id_of(about.preferred),
            7: _kind_of(about.prefetched),
            8: _id_of(about.prefetched),
        }.get(attribute)
        if single is None or size != 4:
            return INVALID_VALUE
        numbers = [single]
    if not address or not numbers or size % 4:
        return INVALID_VALUE
    written = call.ffi.cast("int *", address)
    for place, number in enumerate(numbers):
        written[place] = number
    return int(call.reply())


def _kind_of(place: int) -> int:
    """CU_MEM_LOCATION_TYPE_… of a device, the host or nowhere."""
    return LOCATION_NONE if place == NOWHERE else LOCATION_HOST if place == CPU else LOCATION_DEVICE


def _id_of(place: int) -> int:
    """Its CUmemLocation's number."""
    return 0 if place == CPU else place


@answers("cuStreamAttachMemAsync", "cuStreamAttachMemAsync_ptsz")
def attach(machine: Machine, call: AnyCall) -> int:
    """Every stream may use managed memory at any time, as on every GPU with concurrent managed access."""
    named(machine, call).check_usable()
    managed(machine, call.dptr, call.length or 1)
    return 0 if call.flags in (*ATTACHES, SINGLE) else INVALID_VALUE

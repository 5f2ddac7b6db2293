"""Virtual memory management: physical memory, addresses, and the one mapped at the other, as often as one likes.

Physical memory is a region of shared pages; a mapping is the same pages at reserved addresses. So what is written at
one address is read at the other by everybody.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.locations import HOST_NUMA, LOCATION_DEVICE, LOCATION_HOST, LOCATIONS
from vgpu_embed.virtual.machine import INVALID_DEVICE, INVALID_VALUE, NOT_SUPPORTED, OUT_OF_MEMORY, initialised
from vgpu_embed.virtual.memory.arena import PAGE
from vgpu_embed.virtual.memory.files import adopted, drops, host_of, number_of, ordinal_of
from vgpu_embed.virtual.memory.heap import MAPPED, Allocation
from vgpu_embed.virtual.memory.pools import HANDLE_TYPES
from vgpu_embed.virtual.memory.space import ADDRESSES, READ, SHARED, WRITE
from vgpu_embed.virtual.order import NOT_PERMITTED
from vgpu_embed.virtual.peers import HOST, are_linked
from vgpu_embed.virtual.sharing import PHYSICAL, Adopted, made, received

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.sharing import File

PINNED_TYPE = 1
"""CU_MEM_ALLOCATION_TYPE_PINNED."""
ACCESSES = {0: 0, 1: READ, 3: READ | WRITE}
"""CU_MEM_ACCESS_FLAGS_PROT_…: none, read, both."""
FILE_DESCRIPTOR, FABRIC = 1, 8
"""CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, …_FABRIC."""
LOWEST, END = 1 << 32, 1 << 47
"""No address below is given to who wants one; where the addresses of a process end."""

answers = Answers(ready=initialised)


class Mapping:
    """Physical memory at an address.

    Attributes:
        access: CU_MEM_ACCESS_FLAGS_PROT_… by device, and of the host.
    """

    def __init__(self, physical: Held) -> None:
        self.physical = physical
        self.access: dict[int, int] = {}


class Held:
    """Physical memory, from wherever.

    Attributes:
        users: how often its handle is held.
        mappings: at how many places it is mapped.
        exported: how it may be shared with other processes, as it was asked for.
        address: where it is mapped all the time.
    """

    exported = 0
    address: int
    node = 0
    """Of the host's memory: which of its nodes has it."""

    def __init__(self, machine: Machine, device: int, size: int) -> None:
        self.machine = machine
        self.handle = machine.handle()
        self.device = device
        self.size = size
        self.users = 1
        self.mappings = 0
        machine.physicals[self.handle] = self

    def left(self) -> None:
        """Gives it back when nobody holds it and it is mapped nowhere."""
        if not self.users:
            self.machine.physicals.pop(self.handle, None)
            if not self.mappings:
                self.end()

    def end(self) -> None:
        """Gives it back."""
        raise NotImplementedError


class Physical(Held):
    """Physical memory of a device, or of the host, which is not counted.

    Attributes:
        file: where it lies, if other processes can be given it; None otherwise.
    """

    file: File | None = None

    def __init__(self, machine: Machine, device: int, size: int, exported: int) -> None:
        kind = SHARED | drops(machine, device)
        if device == HOST:
            machine.guarded = True
        else:
            machine.take(device, size)
        try:
            if exported & FILE_DESCRIPTOR:
                self.file = made(machine, PHYSICAL, number_of(machine, device), size)
                self.file.count()
                self.address = adopted(machine, self.file, size, kind)
            else:
                self.address = machine.space.reserve(size, kind)
        except Refused:
            if device != HOST:
                machine.give(device, size)
            raise
        self.exported = exported
        super().__init__(machine, device, size)

    def end(self) -> None:
        """See `Held.end`. Who has a descriptor keeps it."""
        self.machine.space.lib.space_return(self.machine.space.handle, self.address)
        if self.device != HOST:
            self.machine.give(self.device, self.size)
        if self.file:
            self.machine.sharing.kept(self.file)


class Imported(Held):
    """Physical memory that a descriptor stands for."""

    def __init__(self, machine: Machine, file: File) -> None:
        device = ordinal_of(machine, file.device, INVALID_DEVICE)
        self._pages = Adopted(machine, file, SHARED | drops(machine, device))
        self.address = self._pages.address
        super().__init__(machine, device, file.size)

    def end(self) -> None:
        """See `Held.end`."""
        self._pages.leave()


def named(machine: Machine, handle: int) -> Held:
    """The physical memory of a handle; refuses what is none."""
    found = machine.physicals.get(handle)
    if found is None:
        raise Refused(INVALID_VALUE)
    return found


def mappings(machine: Machine, address: int, size: int) -> list[Allocation]:
    """The mappings that addresses consist of; refuses addresses that are not those of whole mappings."""
    found = []
    end = address + size
    while address < end:
        mapping = machine.allocations.get(address)
        if mapping is None or mapping.kind != MAPPED:
            raise Refused(INVALID_VALUE)
        found.append(mapping)
        address += mapping.size
    if address != end or not found:
        raise Refused(INVALID_VALUE)
    return found


def is_reserved(machine: Machine, address: int, size: int) -> bool:
    """Whether all of these addresses have been reserved together."""
    return any(base <= address and address + size <= base + room for base, room in machine.reserved.items())


def mapped_within(machine: Machine, address: int, size: int) -> bool:
    """Whether anything is mapped at these addresses."""
    mapped = [one for one in list(machine.allocations.values()) if one.kind == MAPPED]
    return any(one.address < address + size and address < one.address + one.size for one in mapped)


def mapping_at(machine: Machine, address: int) -> Allocation:
    """The mapping that an address lies in; refuses others."""
    found = machine.allocation(address)
    if found is None or found.kind != MAPPED:
        raise Refused(INVALID_VALUE)
    return found


# ---- addresses -----------------------------------------------------------------------------------------------------


@answers("cuMemAddressReserve")
def reserve(machine: Machine, call: AnyCall) -> int:
    size, alignment = call.size, call.alignment
    if not size or size % PAGE or alignment & (alignment - 1) or alignment >= END or call.addr % PAGE or call.flags:
        return INVALID_VALUE
    if call.addr >= END:
        return OUT_OF_MEMORY
    hint = call.addr if call.addr >= LOWEST else 0
    address = machine.space.reserve(size, ADDRESSES, max(alignment, PAGE), hint)
    machine.reserved[address] = size
    result = call.reply(ptr=address)
    if result:
        _give_back(machine, address)
    return result


@answers("cuMemAddressFree")
def free_addresses(machine: Machine, call: AnyCall) -> int:
    """All of a reservation, with nothing mapped there."""
    address, size = call.ptr, call.size
    if not size or machine.reserved.get(address) != size:
        return INVALID_VALUE
    with machine.lock:
        if mapped_within(machine, address, size):
            return INVALID_VALUE
        _give_back(machine, address)
    return 0


def _give_back(machine: Machine, address: int) -> None:
    machine.space.lib.space_return(machine.space.handle, address)
    del machine.reserved[address]


# ---- physical memory -----------------------------------------------------------------------------------------------


@answers("cuMemCreate")
def create(machine: Machine, call: AnyCall) -> int:
    """Of a device, or of the host, of which only nodes can be exported."""
    given, size = call.prop, call.size
    if not given or not size or size % PAGE or call.flags or given.type != PINNED_TYPE:
        return INVALID_VALUE
    if given.location.type not in LOCATIONS or given.requestedHandleTypes & ~(FILE_DESCRIPTOR | FABRIC):
        return INVALID_VALUE
    if given.win32HandleMetaData:
        return INVALID_VALUE
    if given.location.type == LOCATION_HOST and given.requestedHandleTypes:
        return INVALID_VALUE
    if given.requestedHandleTypes & FABRIC:
        return NOT_PERMITTED
    device = given.location.id if given.location.type == LOCATION_DEVICE else host_of(given.location)
    if device != HOST:
        machine.device(device)
    made = Physical(machine, device, size, given.requestedHandleTypes)
    if given.location.type == HOST_NUMA:
        made.node = given.location.id
    result = call.reply(handle=made.handle)
    if result:
        made.users = 0
        made.left()
    return result


@answers("cuMemExportToShareableHandle")
def export(machine: Machine, call: AnyCall) -> int:
    """A descriptor that is the program's."""
    physical, address = named(machine, call.handle), call.number("shareableHandle")
    if not address or call.number("handleType") != FILE_DESCRIPTOR or call.flags:
        return INVALID_VALUE
    if not isinstance(physical, Physical) or physical.file is None:
        return INVALID_VALUE
    call.ffi.cast("int *", address)[0] = physical.file.given(locked=True)
    return call.reply()


@answers("cuMemImportFromShareableHandle")
def import_memory(machine: Machine, call: AnyCall) -> int:
    """A new handle each time; in the process that it is from, too."""
    kind = call.number("shHandleType")
    if not call.number("handle") or kind not in HANDLE_TYPES:
        return INVALID_VALUE
    if kind != FILE_DESCRIPTOR:
        return NOT_SUPPORTED
    return call.reply(handle=Imported(machine, received(machine, call.number("osHandle"), PHYSICAL)).handle)


@answers("cuMemRelease")
def release(machine: Machine, call: AnyCall) -> int:
    with machine.lock:
        physical = named(machine, call.handle)
        physical.users -= 1
        physical.left()
    return 0


@answers("cuMemRetainAllocationHandle")
def retain(machine: Machine, call: AnyCall) -> int:
    """The handle of what is mapped at an address, even if all had let go of it."""
    physical = mapping_at(machine, call.address_of(call.addr)).source.physical
    result = call.reply(handle=physical.handle)
    if not result:
        physical.users += 1
        machine.physicals[physical.handle] = physical
    return result


@answers("cuMemGetAllocationPropertiesFromHandle")
def properties(machine: Machine, call: AnyCall) -> int:
    physical = named(machine, call.handle)
    is_host = physical.device == HOST
    location = {"type": HOST_NUMA, "id": physical.node} if is_host else {"type": LOCATION_DEVICE, "id": physical.device}
    return call.reply(prop={"type": PINNED_TYPE, "requestedHandleTypes": physical.exported, "location": location})


# ---- mappings ------------------------------------------------------------------------------------------------------


@answers("cuMemMap")
def map_memory(machine: Machine, call: AnyCall) -> int:
    """Nobody has access until cuMemSetAccess. Physical memory is mapped as a whole."""
    with machine.lock:
        return _map(machine, call)


def _map(machine: Machine, call: AnyCall) -> int:
    address, size, offset = call.ptr, call.size, call.offset
    physical = named(machine, call.handle)
    if not size or address % PAGE or call.flags:
        return INVALID_VALUE
    if offset or size != physical.size:
        return NOT_SUPPORTED
    if not is_reserved(machine, address, size):
        return INVALID_VALUE
    space = machine.space
    space.insert(address, size, physical.address, 0)
    if result := space.lib.space_map(space.handle, address, size, physical.address):
        space.remove(address)
        return int(result)
    machine.allocations[address] = Allocation(address, size, MAPPED, physical.device, None, Mapping(physical))
    physical.mappings += 1
    return 0


@answers("cuMemUnmap")
def unmap_memory(machine: Machine, call: AnyCall) -> int:
    """Whole mappings; where there are none, there is nothing to do."""
    space = machine.space
    with machine.lock:
        if call.size and is_reserved(machine, call.ptr, call.size) and not mapped_within(machine, call.ptr, call.size):
            return 0
        for mapping in mappings(machine, call.ptr, call.size):
            space.remove(mapping.address)
            space.lib.space_unmap(space.handle, mapping.address, mapping.size)
            del machine.allocations[mapping.address]
            physical = mapping.source.physical
            physical.mappings -= 1
            physical.left()
    return 0


@answers("cuMemSetAccess")
def set_access(machine: Machine, call: AnyCall) -> int:
    """Of devices that reach the memory, and of the host where it is the host's."""
    found = mappings(machine, call.ptr, call.size)
    if not call.desc or not call.count:
        return INVALID_VALUE
    wanted: dict[int, int] = {}
    for place in range(call.count):
        given = call.desc[place]
        if given.location.type not in LOCATIONS:
            return INVALID_VALUE
        is_device = given.location.type == LOCATION_DEVICE
        if not is_device and any(mapping.device != HOST for mapping in found):
            return NOT_SUPPORTED
        device = given.location.id if is_device else HOST
        if is_device and not 0 <= device < len(machine.visible):
            return INVALID_VALUE
        if is_device and any(not _is_near(machine, mapping.device, device) for mapping in found):
            return INVALID_DEVICE
        if given.flags not in ACCESSES:
            return INVALID_VALUE
        wanted[device] = given.flags
    for mapping in found:
        access = mapping.source.access
        access.update(wanted)
        together = 0
        for flags in access.values():
            together |= ACCESSES[flags]
        machine.space.lib.space_set_access(machine.space.handle, mapping.address, together)
    return 0


def _is_near(machine: Machine, device: int, other: int) -> bool:
    """Whether the other device can be given access to memory of this one, or of the host."""
    return device in (HOST, other) or are_linked(machine, device, other)


@answers("cuMemGetAccess")
def get_access(machine: Machine, call: AnyCall) -> int:
    """Where nothing is mapped the flags are 0, which is no success."""
    if not call.location or call.location.type not in LOCATIONS:
        return INVALID_VALUE
    try:
        mapping = mapping_at(machine, call.ptr)
    except Refused as refused:
        return call.reply(refused.result, flags=0) if is_reserved(machine, call.ptr, 1) else refused.result
    device = HOST
    if call.location.type == LOCATION_DEVICE:
        device = call.location.id
        machine.device(device)
    return call.reply(flags=mapping.source.access.get(device, 0))

"""What CUDA knows of an address: cuPointerGetAttribute and its kin."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.memory.arena import PAGE
from vgpu_embed.virtual.memory.heap import DEVICE as DEVICE_MEMORY
from vgpu_embed.virtual.memory.heap import MANAGED, MAPPED, PINNED, POOLED, REGISTERED, Allocation, Block
from vgpu_embed.virtual.memory.pools import Pool
from vgpu_embed.virtual.peers import is_reached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

HOST, DEVICE = 1, 2
"""CU_MEMORYTYPE_… of cuda.h."""
DEVICE_POINTER, P2P_TOKENS, SYNC_MEMOPS = 3, 5, 6
"""CU_POINTER_ATTRIBUTE_…"""
READ_WRITE = 3
"""CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE."""

CTYPES = {
    1: "uint64_t *",  # CONTEXT
    2: "int *",  # MEMORY_TYPE
    DEVICE_POINTER: "uint64_t *",
    4: "uint64_t *",  # HOST_POINTER
    P2P_TOKENS: "uint64_t *",
    SYNC_MEMOPS: "int *",
    7: "uint64_t *",  # BUFFER_ID
    8: "int *",  # IS_MANAGED
    9: "int *",  # DEVICE_ORDINAL
    10: "int *",  # IS_LEGACY_CUDA_IPC_CAPABLE
    11: "uint64_t *",  # RANGE_START_ADDR
    12: "uint64_t *",  # RANGE_SIZE
    13: "int *",  # MAPPED
    14: "uint64_t *",  # ALLOWED_HANDLE_TYPES
    15: "int *",  # IS_GPU_DIRECT_RDMA_CAPABLE
    16: "int *",  # ACCESS_FLAGS
    17: "uint64_t *",  # MEMPOOL_HANDLE
    18: "uint64_t *",  # MAPPING_SIZE
    19: "uint64_t *",  # MAPPING_BASE_ADDR
    20: "uint64_t *",  # MEMORY_BLOCK_ID
    21: "int *",  # IS_HW_DECOMPRESS_CAPABLE
}
"""How CU_POINTER_ATTRIBUTE_… are written; later ones than these are unknown."""
UNKNOWN = {9: -2}
"""What an address that CUDA does not know has of them, where that is not 0: CU_DEVICE_INVALID."""

answers = Answers(ready=initialised)


def attributes(machine: Machine, address: int) -> dict[int, int] | None:
    """All of an address; None for one that CUDA does not know."""
    one = machine.allocation(address)
    if one is None:
        return None
    is_managed = one.kind == MANAGED or _pool_of(one) in machine.managed_pools
    on_host = one.kind in (PINNED, REGISTERED) or (one.device < 0 and not is_managed)
    everywhere = on_host or is_managed
    context = one.context or machine.primaries.get(one.device)
    mapping = _mapping_of(one)
    return {
        1: context.handle if context and one.kind != POOLED else 0,
        2: HOST if on_host else DEVICE,
        3: address,
        4: address if everywhere else 0,
        P2P_TOKENS: 0,
        SYNC_MEMOPS: machine.synchronous.get(one.number, int(not on_host)),
        7: one.number,
        8: int(is_managed),
        9: max(one.device, 0),
        10: int(one.kind == DEVICE_MEMORY),
        11: one.address,
        12: one.size,
        13: 1,
        14: one.source.physical.exported if one.kind == MAPPED else 0,
        15: 0,
        16: one.source.access.get(one.device, 0) if one.kind == MAPPED else READ_WRITE,
        17: _pool_of(one),
        18: mapping[1],
        19: mapping[0],
        20: one.number,
        21: 0,
    }


def _pool_of(allocation: Allocation) -> int:
    """The handle of an allocation's pool; 0 if it is from none."""
    source = allocation.source
    return source.owner.handle if isinstance(source, Block) and isinstance(source.owner, Pool) else 0


def _mapping_of(one: Allocation) -> tuple[int, int]:
    """Address and size of what an allocation is mapped with: whole pages of the device, which others may share."""
    if isinstance(one.source, Block):
        return one.source.address, one.source.size
    if one.kind in (REGISTERED, MAPPED):
        return one.address, one.size
    begin = one.address & -PAGE
    return begin, -(begin - one.address - one.size) // PAGE * PAGE or PAGE


def write(call: AnyCall, attribute: int, address: int, value: int) -> None:
    """Writes an attribute where the program wants it."""
    call.ffi.cast(CTYPES[attribute], address)[0] = value


@answers("cuPointerGetAttribute")
def get_attribute(machine: Machine, call: AnyCall) -> int:
    attribute, data = call.number("attribute"), call.number("data")
    known = attributes(machine, call.ptr)
    if known is None or attribute not in known or not data:
        return INVALID_VALUE
    if attribute == DEVICE_POINTER and machine.guarded and not _is_reached(machine, call.ptr):
        return INVALID_VALUE
    if (attribute == 4 and not known[4]) or (attribute == P2P_TOKENS and known[2] != DEVICE):
        return INVALID_VALUE
    write(call, attribute, data, known[attribute])
    return call.reply()


def _is_reached(machine: Machine, address: int) -> bool:
    """Whether the current context reaches an address that is known."""
    allocation = machine.allocation(address)
    return allocation is None or is_reached(machine.current(), allocation)


@answers("cuPointerGetAttributes")
def get_attributes(machine: Machine, call: AnyCall) -> int:
    """An address that is not known is no error here; it has zeros."""
    wanted, data = call.attributes, call.data
    if not call.numAttributes or not wanted or not data:
        return INVALID_VALUE
    places = range(call.numAttributes)
    if any(wanted[place] not in CTYPES or wanted[place] == P2P_TOKENS or not data[place] for place in places):
        return INVALID_VALUE
    known = attributes(machine, call.ptr) or UNKNOWN
    for place in places:
        write(call, wanted[place], call.address_of(data[place]), known.get(wanted[place], 0))
    return 0


@answers("cuPointerSetAttribute")
def set_attribute(machine: Machine, call: AnyCall) -> int:
    """Whether operations on an allocation are always synchronous, which they are here."""
    allocation: Allocation | None = machine.allocation(call.ptr)
    if call.number("attribute") != SYNC_MEMOPS or allocation is None or not call.value:
        return INVALID_VALUE
    machine.synchronous[allocation.number] = int(call.ffi.cast("int *", call.value)[0] != 0)
    return 0

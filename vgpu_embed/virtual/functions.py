"""Functions: a kernel in a module, what it needs, what the program has set."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.machine import INVALID_VALUE

Three = tuple[int, int, int]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    from vgpu_embed.policy import KernelBody, Policy
    from vgpu_embed.virtual.image import Entry
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.modules import Module

    T = TypeVar("T", "Function", "Module")

INVALID_HANDLE = 400
"""CUDA_ERROR_INVALID_HANDLE."""

THREADS_PER_BLOCK, GRID, BLOCK, SHARED, WARP, REGISTERS = 1, (5, 6, 7), (2, 3, 4), 8, 10, 12
MULTIPROCESSORS, THREADS, SHARED_OF_MULTIPROCESSOR, REGISTERS_OF_MULTIPROCESSOR = 16, 39, 81, 82
COOPERATIVE, SHARED_OPTED_IN, BLOCKS, RESERVED_SHARED, CLUSTERS = 95, 97, 106, 111, 120
"""CU_DEVICE_ATTRIBUTE_… of what a launch is checked against."""

(
    MAX_THREADS_PER_BLOCK,
    SHARED_SIZE,
    CONST_SIZE,
    LOCAL_SIZE,
    NUM_REGS,
    PTX_VERSION,
    BINARY_VERSION,
    CACHE_MODE_CA,
    MAX_DYNAMIC_SHARED,
    CARVEOUT,
    CLUSTER_MUST_BE_SET,
    CLUSTER_WIDTH,
    CLUSTER_HEIGHT,
    CLUSTER_DEPTH,
    NON_PORTABLE_CLUSTER,
    CLUSTER_POLICY,
) = range(16)
"""CU_FUNC_ATTRIBUTE_…"""

SETTABLE = {
    CARVEOUT: (-1, 100),
    CLUSTER_WIDTH: (0, 1 << 31),
    CLUSTER_HEIGHT: (0, 1 << 31),
    CLUSTER_DEPTH: (0, 1 << 31),
    CLUSTER_POLICY: (0, 2),
}
"""What a program may set beside MAX_DYNAMIC_SHARED and NON_PORTABLE_CLUSTER: the least and the greatest value."""

REGISTER_UNIT, SHARED_UNIT, REGISTER_FILES = 256, 128, 4
"""Registers are given to a warp in these portions, from one of so many files of a multiprocessor; shared memory to a
block (CUDA's occupancy calculator, every GPU from compute capability 7.0 on)."""


def in_any_context(machine: Machine, objects: dict[int, T], handle: int) -> T:
    """What has a handle, in whichever context. Raises Refused, also where its context is broken."""
    found = objects.get(handle)
    if found is None:
        machine.current()
        raise Refused(INVALID_HANDLE)
    if found.context.error:
        raise Refused(found.context.error)
    return found


class Function:
    """A kernel in a module.

    Attributes:
        handle: the CUfunction, as a number.
        entry: what its image says.
        attributes: by number.
        most_threads: of a block.
        block, shared, packed: what cuFuncSetBlockShape, cuFuncSetSharedSize and cuParamSet… have set.
    """

    def __init__(self, handle: int, module: Module, entry: Entry) -> None:
        self.handle = handle
        self.module = module
        self.context = module.context
        self.entry = entry
        self.name = entry.name
        device = self.device = self.context.profile.attributes
        self.most_threads = min(
            entry.most_threads or device[THREADS_PER_BLOCK],
            block_for_registers(device, entry.registers),
            device[THREADS_PER_BLOCK],
        )
        width, height, depth = entry.cluster or (0, 0, 0)
        self.attributes = {
            MAX_THREADS_PER_BLOCK: self.most_threads,
            SHARED_SIZE: entry.shared,
            CONST_SIZE: entry.constant,
            LOCAL_SIZE: entry.local,
            NUM_REGS: entry.registers,
            PTX_VERSION: module.image.virtual_architecture,
            BINARY_VERSION: module.image.architecture,
            CACHE_MODE_CA: 0,
            MAX_DYNAMIC_SHARED: max(device[SHARED] - entry.shared, 0),
            CARVEOUT: -1,
            CLUSTER_MUST_BE_SET: int(entry.cluster is not None),
            CLUSTER_WIDTH: width,
            CLUSTER_HEIGHT: height,
            CLUSTER_DEPTH: depth,
            NON_PORTABLE_CLUSTER: 0,
            CLUSTER_POLICY: 0,
        }
        self.block = (1, 1, 1)
        self.shared = 0
        self.packed = bytearray()
        self.launchable: set[tuple[int, ...]] = set()
        """Grids, blocks and bytes that have been checked."""
        self.body: KernelBody | None = None
        """What computes it, as long as `stack` is in force."""
        self.stack: Sequence[Policy] | None = None
        self.is_skipped = False
        """Whether launches of it are counted and not computed, likewise."""

    def set(self, attribute: int, value: int) -> None:
        """Sets an attribute. Raises Refused."""
        if attribute == MAX_DYNAMIC_SHARED:
            least, greatest = 0, self.device[SHARED_OPTED_IN] - self.entry.shared
        elif attribute == NON_PORTABLE_CLUSTER:
            value = least = greatest = int(value != 0)
        elif attribute in SETTABLE:
            least, greatest = SETTABLE[attribute]
        else:
            raise Refused(INVALID_VALUE)
        if not least <= value <= greatest:
            raise Refused(INVALID_VALUE)
        self.attributes[attribute] = value
        self.launchable.clear()


def warps_of(device: dict[int, int], threads: int) -> int:
    """Warps of a block."""
    return -(-threads // device[WARP])


def warps_for_registers(device: dict[int, int], registers: int) -> int:
    """Warps of a multiprocessor whose threads need so many registers each."""
    portion = -(-registers * device[WARP] // REGISTER_UNIT) * REGISTER_UNIT
    return device[REGISTERS_OF_MULTIPROCESSOR] // REGISTER_FILES // portion * REGISTER_FILES


def block_for_registers(device: dict[int, int], registers: int) -> int:
    """The most threads that a block can have which need so many registers each."""
    return warps_for_registers(device, registers) * device[WARP] if registers else device[THREADS_PER_BLOCK]


def blocks_per_multiprocessor(function: Function, threads: int, dynamic: int) -> int:
    """Occupancy: blocks of a multiprocessor at the same time."""
    device, entry = function.device, function.entry
    warps = warps_of(device, threads)
    most = min(device[BLOCKS], device[THREADS] // device[WARP] // warps)
    if threads > device[THREADS_PER_BLOCK] or dynamic > function.attributes[MAX_DYNAMIC_SHARED]:
        return 0
    if entry.registers:
        most = min(most, warps_for_registers(device, entry.registers) // warps)
    shared = -(-(entry.shared + dynamic + device[RESERVED_SHARED]) // SHARED_UNIT) * SHARED_UNIT
    return int(min(most, device[SHARED_OF_MULTIPROCESSOR] // shared)) if shared else int(most)

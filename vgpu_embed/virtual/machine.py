"""The virtual machine's state: its GPUs, which of them the process sees, what has been initialised."""

from __future__ import annotations

import os
from _thread import _local  # what threading has; importing that costs a start a millisecond
from _weakref import ref
from itertools import count

from vgpu_embed._frames import Lock
from vgpu_embed.devices.visible import init_result, visible
from vgpu_embed.virtual.answers import NOT_INITIALIZED, Refused
from vgpu_embed.virtual.answers import initialised as initialised
from vgpu_embed.virtual.error_log import ErrorLog
from vgpu_embed.virtual.host import Host
from vgpu_embed.virtual.memory.arena import Arena
from vgpu_embed.virtual.memory.heap import quick
from vgpu_embed.virtual.memory.space import Space
from vgpu_embed.virtual.occupants import Occupants
from vgpu_embed.virtual.order import Order
from vgpu_embed.virtual.programs import Programs
from vgpu_embed.virtual.sharing import Sharing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.cublas.handles import Handle
    from vgpu_embed.virtual.memory.arrays import Array
    from vgpu_embed.virtual.memory.heap import Allocation
    from vgpu_embed.virtual.memory.ipc import Exported
    from vgpu_embed.virtual.memory.mipmaps import Mipmap
    from vgpu_embed.virtual.memory.owned import GraphMemory
    from vgpu_embed.virtual.memory.pools import ImportedPool, Pool
    from vgpu_embed.virtual.memory.textures import Surface, Texture
    from vgpu_embed.virtual.memory.vmm import Held
    from vgpu_embed.virtual.sharing import Adopted
    from vgpu_embed.virtual.streams import Stream

INVALID_VALUE = 1
OUT_OF_MEMORY = 2
INVALID_DEVICE = 101
INVALID_CONTEXT = 201
NOT_FOUND = 500
CONTEXT_IS_DESTROYED = 709
NOT_SUPPORTED = 801
"""CUDA_ERROR_… of cuda.h; cudaError… of the runtime has the same numbers."""

DRIVER_VERSION = 13000
DRIVER_NAME = "580.159.04"
"""The driver of a machine without GPUs; otherwise the profiles say."""

CONTEXT_RESERVE = 85017493504 - 84465090560
CONTEXT_RESERVE_MULTIPROCESSORS = 132
"""What a context of its own takes from an H100's memory before anything is allocated, and the multiprocessors that
this is for (tests/devices/data/h100.json, mem_total_in_ctx)."""


class Thread(_local):
    """What each thread of the program has for itself."""

    device = 0
    """The runtime's current device."""
    error = 0
    """The runtime's last error."""

    missing = INVALID_CONTEXT
    """What it gets where it has no current context."""
    capture_mode = 0
    """Its CUstreamCaptureMode: which captures keep it from doing what no graph would have."""
    is_in_function = False
    """Whether it is the one that calls the program's functions, which may not ask the driver for anything."""

    def __init__(self) -> None:
        self.stack: list[Context] = []
        """The driver's contexts, the current one last."""
        self.streams: dict[Context, Stream] = {}
        """Its default stream in each context."""


FIRST_HANDLE = 0x5500_0000_0000
"""Handles count from here: a number that no program takes for one of CUDA's special ones."""


class Machine:
    """GPUs, and what the process has done with them."""

    def __init__(
        self,
        profiles: Sequence[Profile],
        setting: Callable[[str], str | None],
        thunk: Callable[[int], Any],
        host: Host | None = None,
        occupants: Occupants | None = None,
    ) -> None:
        self.profiles = list(profiles)
        self.occupants = occupants or Occupants(len(self.profiles))
        """Who holds how much of the devices' memory."""
        self.setting = setting
        self.thunk = thunk
        self.visible: list[Profile] = []
        """The devices that CUDA shows this process, by ordinal, from cuInit on."""
        self.driver_ready = False
        self.runtime_ready = False
        self.statically_linked: set[str] = set()
        """Callers that asked for the driver's private tables, and were told why they get none."""
        self.retained: dict[int, int] = {}
        """The primary contexts that the runtime has retained, by device."""
        self.cublas: dict[int, Handle] = {}
        self.descriptions: dict[int, dict[int, bytes]] = {}
        """What cuBLAS and cuBLASLt have made, by handle."""
        self.nvml_users = 0
        """How often NVML has been initialised and not shut down."""
        self.thread = Thread()
        self.contexts: dict[int, Context] = {}
        """By handle."""
        self.gone: dict[int, Context] = {}
        """Those that have been destroyed, by the handle that they had."""
        self.failed = 0
        """The result that every context ends with since one was broken."""
        self.primaries: dict[int, Context] = {}
        """By device."""
        self._numbers: list[int] = []
        """What the machine counts each visible device as."""
        host = host or Host()
        self.errors = ErrorLog(host)
        """The driver's log."""
        self.order = Order(host, self.thread)
        self.lock = Lock()
        """Held while what the devices' memory is used for changes."""
        self.space = Space(*host.memory())
        """What of the process's addresses is the devices' memory, or known to them."""
        self.allocations: dict[int, Allocation] = {}
        """By address."""
        self.quick = quick(self.lock, self.space, self.allocations)
        self.guarded = False
        """Whether there is memory that not every context reaches."""
        self.sharing = Sharing(self)
        """What other processes have too."""
        self.exported: dict[int, Exported] = {}
        """Pages that other processes may open, by address."""
        self.adopted: dict[int, Adopted] = {}
        """Pages of other processes, by the number of their file."""
        self.arrays: dict[int, Array] = {}
        self.mipmaps: dict[int, Mipmap] = {}
        self.textures: dict[int, Texture] = {}
        self.surfaces: dict[int, Surface] = {}
        self.physicals: dict[int, Held] = {}
        self.pools: dict[int, Pool] = {}
        """By handle."""
        self.managed_pools: set[int] = set()
        """Handles of those whose memory is managed."""
        self.imported_pools: dict[int, ImportedPool] = {}
        """Those of other processes, by handle."""
        self.default_pools: dict[int | tuple[int, int], Pool] = {}
        self.graph_memory: dict[int, GraphMemory] = {}
        self.current_pools: dict[int | tuple[int, int], Pool] = {}
        """By device, or by type of allocation and device where that is not a device's own memory; a current pool only
        where it is not the default one."""
        self.reserved: dict[int, int] = {}
        """Sizes of the address ranges that the program has reserved, by address."""
        self.synchronous: dict[int, int] = {}
        """Whether operations on an allocation are always synchronous, by its number, as the program has said."""
        self._arenas: dict[int, Arena] = {}
        self.programs = Programs(setting("VGPU_KERNELS") == "fail")
        self._handles = count(FIRST_HANDLE, 0x40)
        self._is_copy = False
        machine = ref(self)
        os.register_at_fork(after_in_child=lambda: forked(machine()))

    def start(self) -> int:
        """cuInit: settles which devices are visible; a failure may be tried again."""
        if self._is_copy:
            return NOT_INITIALIZED
        if not self.driver_ready:
            value = self.setting("CUDA_VISIBLE_DEVICES")
            result = init_result(self.profiles, value, self.setting("CUDA_DEVICE_ORDER"))
            if result:
                return result
            self.visible = visible(self.profiles, value)
            uuids = [profile.uuid for profile in self.profiles]
            self._numbers = [uuids.index(profile.uuid) for profile in self.visible]
            self.driver_ready = True
        return 0

    def leave(self) -> None:
        """In a child of fork: as CUDA says, a driver that its parent had initialised is of no use to it."""
        if self.driver_ready:
            self.driver_ready = self.runtime_ready = False
            self._is_copy = True
            self.exported.clear()
            self.adopted.clear()
            self.imported_pools.clear()
            self.sharing = Sharing(self)
            self.occupants.settle = None

    @property
    def identity(self) -> bytes:
        """What the machine's processes have in common."""
        return self.occupants.identity.ljust(16, b"\0")

    def handle(self) -> int:
        """A number that nothing else of this machine has, for a handle."""
        return next(self._handles)

    def current(self, broken: bool = False) -> Context:
        """The thread's current context.

        Refuses with CUDA_ERROR_INVALID_CONTEXT where there is none, and, unless `broken` will do, with the error of one
        that is broken or destroyed.
        """
        stack = self.thread.stack
        if not stack:
            raise Refused(self.thread.missing)
        context = stack[-1]
        if context.error and not broken:
            raise Refused(context.error)
        return context

    def safely_current(self) -> Context:
        """The current context, for what no graph would have. Raises Refused."""
        if self.order.captures:
            self.order.check_safe()
        stack = self.thread.stack
        return self.current() if not stack or stack[-1].error else stack[-1]

    def fail(self, error: int) -> None:
        """Breaks all contexts."""
        self.failed = error
        for context in self.contexts.values():
            context.error = context.error or error

    def take(self, device: int, size: int) -> None:
        """Counts bytes of a device as used; refuses more than are free with CUDA_ERROR_OUT_OF_MEMORY."""
        with self.lock:
            if not self.occupants.take(self.number(device), size, self.visible[device].memory):
                raise Refused(OUT_OF_MEMORY)

    def give(self, device: int, size: int) -> None:
        """Counts them as free again."""
        with self.lock:
            self.occupants.give(self.number(device), size)

    def free(self, device: int) -> int:
        """Bytes of a device that nobody uses."""
        return self.unused(self.number(device))

    def number(self, device: int) -> int:
        """What the machine counts a visible device as."""
        return self._numbers[device]

    def arena(self, device: int) -> Arena:
        """The addresses of a device's memory."""
        with self.lock:
            found = self._arenas.get(device)
            if found is None:
                found = self._arenas[device] = Arena(self.space, self.visible[device])
            return found

    def allocation(self, address: int) -> Allocation | None:
        """The allocation or mapping that an address lies in."""
        return self.allocations.get(address) or self.allocations.get(self.space.base(address))

    def device(self, ordinal: int) -> Profile:
        """A visible device; refuses any other number with CUDA_ERROR_INVALID_DEVICE."""
        if not 0 <= ordinal < len(self.visible):
            raise Refused(INVALID_DEVICE)
        return self.visible[ordinal]

    def unused(self, number: int) -> int:
        """Bytes of a device, by its number in the machine, that no process holds."""
        return max(self.profiles[number].memory - self.occupants.used(number), 0)

    @property
    def driver_version(self) -> int:
        """The CUDA version of the driver, 13000 for 13.0."""
        return self.profiles[0].driver_version if self.profiles else DRIVER_VERSION

    @property
    def driver_name(self) -> str:
        """The driver's own version, "580.159.04"."""
        return self.profiles[0].driver_name if self.profiles else DRIVER_NAME


def forked(machine: Machine | None) -> None:
    """Tells a machine that this is another process now."""
    if machine:
        machine.leave()


def context_memory(profile: Profile) -> int:
    """Bytes that a context takes of a device.

    Derived, not measured, but for the H100: most of it is per multiprocessor (local memory, stacks), so that the
    H100's figure is scaled by their number. Never more than half of the memory.
    """
    reserve = CONTEXT_RESERVE * profile.multiprocessors // CONTEXT_RESERVE_MULTIPROCESSORS
    return min(reserve, profile.memory - profile.memory // 2)


# ---- PCI locations -------------------------------------------------------------------------------------------------


def at_location(profiles: Sequence[Profile], text: str) -> int | None:
    """The index of the device at a PCI location, or None; refuses what is no location with INVALID_VALUE."""
    place = pci_location(text)
    if place is None:
        raise Refused(INVALID_VALUE)
    return next((n for n, profile in enumerate(profiles) if (*profile.pci, 0) == place), None)


def pci_location(text: str) -> tuple[int, int, int, int] | None:
    """Domain, bus, device and function, in the spellings that driver 580.159.04 takes.

    `0000:0B:00.0`, `0000:0B:00`, `0B:00.0`; any number of digits, white space before, anything behind
    (tests/virtual/data/h100-queries.json).
    """
    numbers = _scan(text, "::.")
    if len(numbers) >= 3:
        domain, bus, device, function = (*numbers, 0)[:4]
        return domain, bus, device, function
    numbers = _scan(text, ":.")
    if len(numbers) == 3:
        bus, device, function = numbers
        return 0, bus, device, function
    return None


def _scan(text: str, separators: str) -> list[int]:
    """Hexadecimal numbers with these separators between them, as far as the text has them: C's sscanf."""
    numbers = []
    for separator in (*separators, ""):
        text = text.lstrip()
        length = 0
        while length < len(text) and text[length] in "0123456789abcdefABCDEF":
            length += 1
        if not length:
            break
        numbers.append(int(text[:length], 16))
        if text[length : length + 1] != separator:
            break
        text = text[length + 1 :]
    return numbers

"""What this process holds of each device: totals, single allocations, and its place in the ledger of its group.

Kept with `call.process` and not by the policy that counts, so that a policy that is loaded again finds it.
"""

from __future__ import annotations

import os
from _thread import allocate_lock  # importing threading costs a start a millisecond
from time import monotonic

from vgpu_embed.ledger import Ledger, LedgerError, path_of, remove_left_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.policy import Process

    Place = tuple["Device", int | None]
    """Where memory is: the device, and the context that it ends with, see `Allocation`."""

RETRY = 10.0
"""Seconds after which a ledger that could not be used is tried again."""
MOST = 1 << 63
"""Bytes that no device has; sums stay below 64 bits."""
PRIMARY = 0
"""Stands for a device's primary context where a context is told."""


class Device:
    """A GPU, the bytes that this process holds of it, and the limit that it was last held against."""

    __slots__ = ("held", "limit", "number", "uuid")

    def __init__(self, number: int, uuid: bytes) -> None:
        self.number = number
        self.uuid = uuid
        self.held = 0
        self.limit = 0


class Allocation:
    """Bytes of a device, and what frees them.

    Attributes:
        key: address or handle.
        context: of which it ends with: the handle of one that the program has created, PRIMARY, or None where it
            outlasts any.
    """

    __slots__ = ("context", "device", "key", "size")

    def __init__(self, device: Device, size: int, context: int | None) -> None:
        self.device = device
        self.size = size
        self.context = context
        self.key = 0


class Physical(Allocation):
    """Memory of cuMemCreate: it lasts as long as a handle or a mapping of it does."""

    __slots__ = ("handles", "mappings")

    def __init__(self, device: Device, size: int, context: int | None) -> None:
        super().__init__(device, size, context)
        self.handles = 1
        self.mappings = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing refers to it any more."""
        return not self.handles and not self.mappings


class Holdings:
    """What this process holds, and the ledger where others can see it.

    Attributes:
        count: how many devices CUDA sees; 0: not asked yet.
        devices: by the number that CUDA gives them in this process.
        contexts: by handle: the device, and what allocations have for the context.
        has_created: whether there have been other contexts than primary ones.
        allocations, arrays, physical: by address or handle.
        mappings: by address: bytes, and what is mapped there.
        pools: by handle, where a memory pool has its memory; None: not on a device.
        lock: for the counts in `physical`.
        ledger: None before the first use, and while there can be none: limits then hold for this process alone.
        notes: what a user should know, a sentence each; whoever says one takes it out.
    """

    def __init__(self) -> None:
        self.count = 0
        self.devices: dict[int, Device] = {}
        self.contexts: dict[int, Place] = {}
        self.has_created = False
        self.allocations: dict[int, Allocation] = {}
        self.arrays: dict[int, Allocation] = {}
        self.pools: dict[int, Place | None] = {}
        self.physical: dict[int, Physical] = {}
        self.mappings: dict[int, tuple[int, Physical]] = {}
        self.lock = allocate_lock()
        self.ledger: Ledger | None = None
        self.notes: list[str] = []
        self._noted: set[str] = set()
        self._group: str | None = None
        self._again = 0.0
        self._lock = allocate_lock()

    def take(self, allocation: Allocation, limit: int, group: str) -> bool:
        """Counts bytes as held, if the group then holds no more of the device than `limit` (0: any number)."""
        device = allocation.device
        if not allocation.size:
            return True
        with self._lock:
            held = device.held + allocation.size
            device.limit = limit
            ledger = self._joined(group)
            if held >= MOST or (limit and held > limit):
                return False
            try:
                if ledger and not ledger.hold(device, held):
                    return False
            except (OSError, LedgerError) as error:
                self._go_alone(error)
            device.held = held
            return True

    def give(self, allocation: Allocation) -> None:
        """Counts bytes as held no longer."""
        if allocation.size:
            with self._lock:
                allocation.device.held -= allocation.size
                self._put(allocation.device)

    def _put(self, device: Device) -> None:
        if self.ledger and self.ledger.is_usable():  # if not, the next `take` puts all that is held in a new one
            try:
                self.ledger.put(device, device.held)
            except (OSError, LedgerError) as error:
                self._go_alone(error)

    def total(self, device: Device, group: str) -> int:
        """Bytes that the group holds of a device."""
        with self._lock:
            ledger = self._joined(group)
            try:
                return device.held + (ledger.others(device) if ledger else 0)
            except (OSError, LedgerError) as error:
                self._go_alone(error)
                return device.held

    def _joined(self, group: str) -> Ledger | None:
        """The ledger of a group, with all that this process holds in it."""
        usable = self.ledger.is_usable() if self.ledger else monotonic() < self._again
        if group != self._group or not usable:
            self._leave()
            is_first, self._group = self._group is None, group
            try:
                self.ledger = Ledger(path_of(group), is_shared=bool(group))
                self._note(self.ledger.note)
                for device in self.devices.values():
                    self.ledger.put(device, device.held)
            except (OSError, LedgerError) as error:
                self._go_alone(error)
            if is_first:
                remove_left_over()
        return self.ledger

    def _go_alone(self, error: Exception) -> None:
        effect = f"the limit of group {self._group!r} is for this process alone" if self._group else "status has none"
        self._note(f"the memory that is held cannot be noted in a ledger, so {effect}: {error}")
        self._again = monotonic() + RETRY
        self.abandon()

    def abandon(self) -> None:
        """Leaves the ledger without a word there."""
        ledger, self.ledger = self.ledger, None
        if ledger:
            ledger.abandon()

    def _note(self, sentence: str) -> None:
        if sentence and sentence not in self._noted:
            self._noted.add(sentence)
            self.notes.append(sentence)

    def end_context(self, device: Device, context: int) -> None:
        """Gives back what has ended with a context."""
        for kept in (self.allocations, self.arrays):
            for allocation in list(kept.values()):
                ends = allocation.device is device and allocation.context == context
                if ends and kept.pop(allocation.key, None) is allocation:
                    self.give(allocation)

    def _leave(self) -> None:
        ledger, self.ledger = self.ledger, None
        try:
            if ledger:
                ledger.close()
        except (OSError, LedgerError):
            pass  # its lock is gone, so the others empty its slot

    def __del__(self) -> None:
        self._leave()


def holdings(process: Process) -> Holdings:
    """What a process holds. A child of fork holds nothing of its parent's: CUDA does not survive fork."""
    pid = os.getpid()
    kept: dict[int, Holdings] | None = vars(process).get("holdings")
    if kept is None:
        kept = vars(process).setdefault("holdings", {})
    found = kept.get(pid)
    if found is None:
        for parent in [known for known in kept if known != pid]:
            other = kept.pop(parent, None)
            if other:
                other.abandon()
        found = kept.setdefault(pid, Holdings())
    return found

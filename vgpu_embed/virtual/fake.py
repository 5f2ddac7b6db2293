"""Memory that is numbers only, for `vgpu_embed.testing`: nothing can be copied or computed."""

from __future__ import annotations

from vgpu_embed.policy import Policy
from vgpu_embed.virtual import driver, nvml, runtime
from vgpu_embed.virtual.answers import Answers, Refused, policy_of
from vgpu_embed.virtual.machine import INVALID_VALUE, Machine, initialised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall

ALIGNMENT = 2 << 20
PITCH = 512


class FakeMachine(Machine):
    """The machine of virtual mode, with contexts and memory."""

    def __init__(self, profiles: Sequence[Profile], setting: Callable[[str], str | None]) -> None:
        super().__init__(profiles, setting, lambda slot: FIRST_THUNK + slot)
        self.memory: dict[int, tuple[int, int]] = {}
        """Device and size of each allocation, by address."""
        self._address = 0x7F0000000000

    def policies(self) -> list[Policy]:
        """What answers, in the order in which it is asked."""
        return [policy_of(self, answers), driver.policy(self), runtime.policy(self), nvml.policy(self)]

    def allocate(self, device: int, size: int, held: bool = True) -> int:
        """An address; refuses more than is free. What is not `held` takes none of the device's memory."""
        if not size:
            raise Refused(INVALID_VALUE)
        self.take(device, size if held else 0)
        address = self._address
        self._address += -(-size // ALIGNMENT) * ALIGNMENT
        self.memory[address] = (device, size if held else 0)
        return address

    def release(self, address: int) -> int:
        """Frees an allocation; to free NULL is a success."""
        if not address:
            return 0
        if address not in self.memory:
            return INVALID_VALUE
        self.give(*self.memory.pop(address))
        return 0


FIRST_THUNK = 0x10000
"""cuGetProcAddress gives this plus the function's slot: an address, but nothing is there."""
answers = Answers(ready=initialised)


@answers(
    "cuMemAlloc_v2",
    "cuMemAllocAsync",
    "cuMemAllocAsync_ptsz",
    "cuMemAllocFromPoolAsync",
    "cuMemAllocFromPoolAsync_ptsz",
)
def allocate(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(dptr=machine.allocate(machine.current().device, call.bytesize))


@answers("cuMemAllocManaged")
def allocate_managed(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(dptr=machine.allocate(machine.current().device, call.bytesize, held=False))


@answers("cuMemAllocPitch_v2")
def allocate_pitch(machine: FakeMachine, call: AnyCall) -> int:
    pitch = -(-call.WidthInBytes // PITCH) * PITCH
    return call.reply(dptr=machine.allocate(machine.current().device, pitch * call.Height), pPitch=pitch)


@answers("cuMemCreate")
def create_memory(machine: FakeMachine, call: AnyCall) -> int:
    """The device is in the properties."""
    if not call.prop:
        return INVALID_VALUE
    return call.reply(handle=machine.allocate(call.prop.location.id, call.size))


@answers("cuMemAddressReserve")
def reserve(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(ptr=machine.allocate(machine.current().device, call.size, held=False))


@answers("cuMemFree_v2", "cuMemFreeAsync", "cuMemFreeAsync_ptsz")
def free(machine: FakeMachine, call: AnyCall) -> int:
    return machine.release(call.dptr)


@answers("cuMemRelease")
def release(machine: FakeMachine, call: AnyCall) -> int:
    return machine.release(call.handle)


@answers("cuMemAddressFree")
def free_addresses(machine: FakeMachine, call: AnyCall) -> int:
    return machine.release(call.ptr)

"""Memory and contexts that are numbers only, for `vgpu_embed.testing`: nothing can be copied or computed."""

from __future__ import annotations

from itertools import count

from vgpu_embed.policy import Policy
from vgpu_embed.virtual import driver, nvml, runtime
from vgpu_embed.virtual.answers import Answers, Refused, policy_of
from vgpu_embed.virtual.machine import INVALID_CONTEXT, INVALID_VALUE, Machine, Thread, free_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall

OUT_OF_MEMORY = 2
"""CUDA_ERROR_OUT_OF_MEMORY."""
ALIGNMENT = 2 << 20
PITCH = 512


class FakeThread(Thread):
    """A thread's contexts, the current one last."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.stack: list[int] = []

    @property
    def context(self) -> int | None:
        """The current context's device; setting it makes that device's primary context current."""
        return self.machine.contexts.get(self.stack[-1]) if self.stack else None

    @context.setter
    def context(self, device: int | None) -> None:
        self.stack[-1:] = [] if device is None else [self.machine.primary(device)]


class FakeMachine(Machine):
    """The machine of virtual mode, with contexts and memory."""

    thread: FakeThread

    def __init__(self, profiles: Sequence[Profile], setting: Callable[[str], str | None]) -> None:
        super().__init__(profiles, setting, lambda slot: FIRST_THUNK + slot)
        self.thread = FakeThread(self)
        self.contexts: dict[int, int] = {}
        """Devices by context."""
        self.memory: dict[int, tuple[int, int]] = {}
        """Device and size of each allocation, by address."""
        self._handles = count(0x1000, 0x10)
        self._address = 0x7F0000000000
        self._primary: dict[int, int] = {}

    def policies(self) -> list[Policy]:
        """What answers, in the order in which it is asked."""
        return [policy_of(self, answers), driver.policy(self), runtime.policy(self), nvml.policy(self)]

    def handle(self) -> int:
        """A new one."""
        return next(self._handles)

    def context(self, device: int) -> int:
        """A new one; refuses what is no device."""
        self.device(device)
        made = self.handle()
        self.contexts[made] = device
        return made

    def primary(self, device: int) -> int:
        """The primary context of a device."""
        if device not in self._primary:
            self._primary[device] = self.context(device)
        return self._primary[device]

    def current(self) -> int:
        """The current context's device; refuses where there is none."""
        if self.thread.context is None:
            raise Refused(INVALID_CONTEXT)
        return self.thread.context

    def free(self, device: int) -> int:
        """Bytes that are free."""
        held = sum(size for owner, size in self.memory.values() if owner == device)
        return free_memory(self.device(device)) - held

    def allocate(self, device: int, size: int, held: bool = True) -> int:
        """An address; refuses more than is free. What is not `held` takes none of the device's memory."""
        if not size:
            raise Refused(INVALID_VALUE)
        if held and size > self.free(device):
            raise Refused(OUT_OF_MEMORY)
        address = self._address
        self._address += -(-size // ALIGNMENT) * ALIGNMENT
        self.memory[address] = (device, size if held else 0)
        return address

    def release(self, address: int) -> int:
        """Frees an allocation; to free NULL is a success."""
        return INVALID_VALUE if address and not self.memory.pop(address, None) else 0


FIRST_THUNK = 0x10000
"""cuGetProcAddress gives this plus the function's slot: an address, but nothing is there."""
answers = Answers(ready=driver.initialised)


@answers(
    "cuMemAlloc_v2",
    "cuMemAllocAsync",
    "cuMemAllocAsync_ptsz",
    "cuMemAllocFromPoolAsync",
    "cuMemAllocFromPoolAsync_ptsz",
)
def allocate(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(dptr=machine.allocate(machine.current(), call.bytesize))


@answers("cuMemAllocManaged")
def allocate_managed(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(dptr=machine.allocate(machine.current(), call.bytesize, held=False))


@answers("cuMemAllocPitch_v2")
def allocate_pitch(machine: FakeMachine, call: AnyCall) -> int:
    pitch = -(-call.WidthInBytes // PITCH) * PITCH
    return call.reply(dptr=machine.allocate(machine.current(), pitch * call.Height), pPitch=pitch)


@answers("cuMemCreate")
def create_memory(machine: FakeMachine, call: AnyCall) -> int:
    """The device is in the properties."""
    if not call.prop:
        return INVALID_VALUE
    return call.reply(handle=machine.allocate(call.prop.location.id, call.size))


@answers("cuMemAddressReserve")
def reserve(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(ptr=machine.allocate(machine.current(), call.size, held=False))


@answers("cuMemFree_v2", "cuMemFreeAsync", "cuMemFreeAsync_ptsz")
def free(machine: FakeMachine, call: AnyCall) -> int:
    return machine.release(call.dptr)


@answers("cuMemRelease")
def release(machine: FakeMachine, call: AnyCall) -> int:
    return machine.release(call.handle)


@answers("cuMemAddressFree")
def free_addresses(machine: FakeMachine, call: AnyCall) -> int:
    return machine.release(call.ptr)


@answers("cuMemGetInfo_v2")
def memory_info(machine: FakeMachine, call: AnyCall) -> int:
    """Either output may be NULL."""
    device = machine.current()
    result = call.reply()
    if call.free:
        call.free[0] = machine.free(device)
    if call.total:
        call.total[0] = machine.device(device).memory
    return result


@answers("cuDevicePrimaryCtxRetain")
def retain(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(pctx=machine.primary(call.dev))


@answers("cuCtxCreate_v2", "cuCtxCreate_v3", "cuCtxCreate_v4")
def create_context(machine: FakeMachine, call: AnyCall) -> int:
    made = machine.context(call.dev)
    machine.thread.stack.append(made)
    return call.reply(pctx=made)


def known(machine: FakeMachine, call: AnyCall) -> int:
    """The context that a call names; refuses what is none."""
    context = call.address_of(call.ctx)
    if context not in machine.contexts:
        raise Refused(INVALID_CONTEXT)
    return context


@answers("cuCtxDestroy_v2")
def destroy_context(machine: FakeMachine, call: AnyCall) -> int:
    context = known(machine, call)
    del machine.contexts[context]
    if machine.thread.stack[-1:] == [context]:
        machine.thread.stack.pop()
    return 0


@answers("cuCtxSetCurrent")
def set_context(machine: FakeMachine, call: AnyCall) -> int:
    machine.thread.stack[-1:] = [known(machine, call)] if call.ctx else []
    return 0


@answers("cuCtxPushCurrent_v2")
def push_context(machine: FakeMachine, call: AnyCall) -> int:
    machine.thread.stack.append(known(machine, call))
    return 0


@answers("cuCtxPopCurrent_v2")
def pop_context(machine: FakeMachine, call: AnyCall) -> int:
    """The output may be NULL."""
    machine.current()
    result = call.reply()
    context = machine.thread.stack.pop()
    return call.reply(pctx=context) if call.pctx else result


@answers("cuCtxGetCurrent")
def current_context(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(pctx=None if machine.thread.context is None else machine.thread.stack[-1])


@answers("cuCtxGetDevice")
def context_device(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(device=machine.current())


@answers("cuCtxGetDevice_v2")
def device_of_context(machine: FakeMachine, call: AnyCall) -> int:
    return call.reply(device=machine.contexts[known(machine, call)] if call.ctx else machine.current())

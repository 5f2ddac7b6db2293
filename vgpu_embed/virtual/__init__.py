"""The GPU that isn't there: what answers in virtual mode, as policies on the public API.

Here is discovery: devices, their attributes and memory sizes, by way of the driver, the runtime and NVML. What no
policy answers is "not supported", and named once by whoever dispatches calls.

A user's policies come before these, so `call.forward()` in a hook ends here where it would end in a driver. The
runtime's functions ask the driver's by `call.make(...)`: a rule for `cuDeviceGetAttribute` with ``caller="libcudart*"``
means the same as over a real driver.
"""

from __future__ import annotations

from vgpu_embed.policy import Policy
from vgpu_embed.virtual import cublas, driver, error_log, nvml, runtime
from vgpu_embed.virtual.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.host import Host
    from vgpu_embed.virtual.occupants import Occupants
    from vgpu_embed.virtual.registration import Registrations


def policies(
    profiles: Sequence[Profile],
    setting: Callable[[str], str | None],
    thunk: Callable[[int], Any],
    host: Host,
    occupants: Occupants | None = None,
    registrations: Registrations | None = None,
) -> list[Policy]:
    """The policies of a machine with these GPUs.

    profiles  its devices, in the order in which CUDA numbers them
    setting   a variable of the program's environment, as it is when asked
    thunk     the address that a program gets for the function of a slot: a `void *`, or a number
    host      makes threads and calls the program's functions
    occupants who holds memory of the devices; without it, nobody but this process
    registrations  what CUDA code in the process has registered; without it, nothing
    """
    machine = Machine(profiles, setting, thunk, host, occupants)
    error_log.of_process[:] = [machine.errors]
    if registrations:
        machine.programs.registrations = registrations
    return answering(machine)


def answering(machine: Machine) -> list[Policy]:
    """The policies of a machine."""
    return [driver.policy(machine), runtime.policy(machine), cublas.policy(machine), nvml.policy(machine)]

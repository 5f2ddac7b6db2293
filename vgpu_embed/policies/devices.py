"""Over a real driver: which answers `--gpu` and `policy.device(...)` change.

Device 0 is shown as the first profile, and so on; devices beyond the profiles stay as they are. Changed is what the
driver's queries say: name, attributes, compute capability, memory sizes. Not changed are

- a query that fails: it fails as before;
- UUID and PCI ids: the CUDA runtime checks that they are the driver's (error 103, "integrity checks failed");
- attributes that a profile has no answer to, because its driver is newer than the profile.

The runtime asks the driver, so that `cudaGetDeviceProperties` and `cudaMemGetInfo` change along.

    vgpu-embed run --mode native --policy devices --set 'gpu=a100:memory=40GiB' -- PROGRAM
"""

from __future__ import annotations

from vgpu_embed.policy import Policy, PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall

PCI_IDS = frozenset((33, 34, 50, 139, 140))
"""PCI_BUS_ID, PCI_DEVICE_ID, PCI_DOMAIN_ID, GPU_PCI_DEVICE_ID, GPU_PCI_SUBSYSTEM_ID of CU_DEVICE_ATTRIBUTE_…"""
COMPUTE_CAPABILITY = {75: "major", 76: "minor"}
"""COMPUTE_CAPABILITY_MAJOR and COMPUTE_CAPABILITY_MINOR."""
UINT_MAX = 0xFFFFFFFF
"""What functions of CUDA 2, whose sizes have 32 bits, say of anything larger."""


policy = Policy()
gpu = policy.option("gpu", "", help="the devices to show, as --gpu takes them: 2xh100 a100:memory=40GiB")


@policy.configure
def show_gpu() -> None:
    """Shows what the option says; nothing changes without it."""
    if gpu.value:
        from vgpu_embed import devices

        try:
            show(policy, devices.parse_spec(gpu.value.split()))
        except (devices.ProfileError, devices.UnknownProfile) as error:
            raise PolicyError(f"gpu: {error}") from None


def seen(profiles: Sequence[Profile]) -> Policy:
    """The policy that shows the driver's devices as these."""
    shown = Policy()
    show(shown, profiles)
    return shown


def show(policy: Policy, profiles: Sequence[Profile]) -> None:
    """Makes a policy show the driver's devices as these. Raises PolicyError for what only a virtual one can do."""
    if any(profile.backing != "host" for profile in profiles):
        raise PolicyError("backing=discard is for virtual GPUs: over a real driver, leave it out")
    shown = Shown(profiles)

    @policy.answer("cuDeviceGetName")
    def name(call: AnyCall) -> int:
        profile = shown.after_forward(call)
        return call.reply(name=profile.name) if profile else call.result

    @policy.answer("cuDeviceGetAttribute")
    def attribute(call: AnyCall) -> int:
        profile = shown.after_forward(call)
        number = call.number("attrib")
        value = None if profile is None or number in PCI_IDS else profile.attributes.get(number)
        if profile is None or value is None:
            return call.result
        if number in COMPUTE_CAPABILITY and value != call.pi[0]:
            shown.warn(call, profile, f"{COMPUTE_CAPABILITY[number]} number is {call.pi[0]}")
        return call.reply(pi=value)

    @policy.answer("cuDeviceComputeCapability")
    def compute_capability(call: AnyCall) -> int:
        profile = shown.after_forward(call)
        if profile is None:
            return call.result
        major, minor = profile.compute_capability
        if (major, minor) != (call.major[0], call.minor[0]):
            shown.warn(call, profile, f"own is {call.major[0]}.{call.minor[0]}")
        return call.reply(major=major, minor=minor)

    @policy.answer("cuDeviceGetProperties")
    def properties(call: AnyCall) -> int:
        from vgpu_embed.virtual.driver import properties

        profile = shown.after_forward(call)
        return call.reply(prop=properties(profile)) if profile else call.result

    @policy.answer("cuDeviceTotalMem_v2")
    def total_memory(call: AnyCall) -> int:
        profile = shown.after_forward(call)
        return call.reply(bytes=profile.memory) if profile else call.result

    @policy.answer("cuDeviceTotalMem")
    def total_memory_of_32_bits(call: AnyCall) -> int:
        profile = shown.after_forward(call)
        return call.reply(bytes=min(profile.memory, UINT_MAX)) if profile else call.result

    @policy.hook("cuMemGetInfo_v2")
    def memory_info(call: AnyCall) -> int:
        """What is used of the card is used of the profile's memory."""
        if not call.forward().ok or not call.free or not call.total:
            return call.result
        current = call.make("cuCtxGetDevice")
        profile = None if current.result else shown.profile(current.device)
        if profile is None:
            return call.result
        used = call.total[0] - call.free[0]
        return call.reply(free=max(0, profile.memory - used), total=profile.memory)


class Shown:
    """The profiles in the places of devices, and which of them have been warned about."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.profiles = profiles
        self.warned: set[int] = set()

    def profile(self, device: int) -> Profile | None:
        """The profile in the place of a device; CUdevice is the device's number."""
        return self.profiles[device] if 0 <= device < len(self.profiles) else None

    def after_forward(self, call: Any) -> Profile | None:
        """Lets a query happen; the profile of its device if the driver had an answer."""
        return self.profile(call.dev) if call.forward().ok else None

    def warn(self, call: AnyCall, profile: Profile, real: str) -> None:
        """Says, once a device, that code which runs on what is shown may not run on the card."""
        if call.dev in self.warned:
            return
        self.warned.add(call.dev)
        major, minor = profile.compute_capability
        call.log.error(
            f"device {call.dev} is shown with compute capability {major}.{minor}, but the card's {real}: code that is "
            "chosen by it may not run; to show it to some only, use a hook with caller= or program="
        )

"""One GPU as programs see it.

On the start path of every process that is preloaded: it imports nothing from outside this folder.
"""

from __future__ import annotations

from . import attributes, nvml, values
from .errors import ProfileError
from .fields import targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Profile:
    """One GPU: what the driver and NVML say of it. Not changed once made; see `replace`.

    Attributes:
        id: the profile's short name, such as `h100`.
        name: what cuDeviceGetName and NVML answer.
        architecture: the name of the architecture, such as `Hopper`.
        cores_per_multiprocessor: FP32 cores; NVML counts them.
        uuid: 16 bytes, the same in each process and run.
        nvlink: how many NVLinks it has; two of a kind that have some reach each other's memory.
        backing: what keeps the bytes of a virtual GPU: `host`, the host's memory, or `discard`, nothing.
        memory: bytes, what cuDeviceTotalMem answers.
        nvml_memory: bytes, what NVML answers: `memory` and what the driver keeps for itself.
        driver_version: what cuDriverGetVersion answers, such as 13000.
        driver_name: what NVML answers, such as `580.159.04`.
        attributes: the answer to each CU_DEVICE_ATTRIBUTE, by number, 1 to 147, all there.
        stated: which of `uuid`, `pci`, `group` (of boards), `driver_version` and `driver_name`
            somebody asked for; `distinct` leaves these alone.
    """

    __slots__ = (
        "_nvml",
        "architecture",
        "attributes",
        "backing",
        "cores_per_multiprocessor",
        "driver_name",
        "driver_version",
        "id",
        "memory",
        "name",
        "nvlink",
        "nvml_memory",
        "stated",
        "uuid",
    )

    def __init__(self, id: str, data: dict[str, Any]) -> None:
        """From what the build made of a TOML file, as the first device of its kind."""
        self.id = id
        self.name: str = data["name"]
        self.architecture: str = data["architecture"]
        self.cores_per_multiprocessor: int = data["cores_per_multiprocessor"]
        self.backing: str = data["backing"]
        self.nvlink: int = data["nvlink"]
        self.memory: int = data["memory"]
        self.nvml_memory: int = data["nvml_memory"]
        self.driver_version: int = data["driver_version"]
        self.driver_name: str = data["driver_name"]
        self.attributes: dict[int, int] = dict(enumerate(data["attributes"], 1))
        self._nvml: dict[str, Any] = data["nvml"]
        self.stated: frozenset[str] = frozenset()
        self.give_uuid(0)
        self.give_pci(0)

    def give_uuid(self, nth: int) -> None:
        """Gives it the UUID of the nth device of its kind."""
        self.uuid = unique_id(self.id, nth)

    def give_pci(self, ordinal: int) -> None:
        """Puts it where device number `ordinal` of a machine is, on a PCI bus of its own."""
        self.attributes[attributes.PCI_DOMAIN_ID] = 0
        self.attributes[attributes.PCI_BUS_ID] = ordinal + 1
        self.attributes[attributes.PCI_DEVICE_ID] = 0

    def __repr__(self) -> str:
        return f"<Profile {self.id}: {self.name}, {self.pci_bus_id}, {self.uuid_text}>"

    @property
    def compute_capability(self) -> tuple[int, int]:
        """Major and minor."""
        known = self.attributes
        return (
            known[attributes.COMPUTE_CAPABILITY_MAJOR],
            known[attributes.COMPUTE_CAPABILITY_MINOR],
        )

    @property
    def multiprocessors(self) -> int:
        """How many multiprocessors (SMs) it has."""
        return self.attributes[attributes.MULTIPROCESSOR_COUNT]

    @property
    def pci(self) -> tuple[int, int, int]:
        """Domain, bus and device."""
        known = self.attributes
        return (
            known[attributes.PCI_DOMAIN_ID],
            known[attributes.PCI_BUS_ID],
            known[attributes.PCI_DEVICE_ID],
        )

    @property
    def pci_bus_id(self) -> str:
        """The PCI location as cuDeviceGetPCIBusId writes it, in upper-case hexadecimal."""
        return "{:04X}:{:02X}:{:02X}.0".format(*self.pci)

    @property
    def uuid_text(self) -> str:
        """The UUID as nvidia-smi writes it, `GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`."""
        return values.uuid_text(self.uuid)

    @property
    def nvml(self) -> dict[str, Any]:
        """The further figures of NVML, by `nvml.FIGURES`' keys; those that follow from others too.

        `board_id` is put together from the PCI location as the driver does (bus 0x68 is board
        0x6800; seen on several cards), `num_gpu_cores` and `memory_bus_width` follow from the
        multiprocessors and from the attribute of the bus width.
        """
        domain, bus, device = self.pci
        return {
            **self._nvml,
            "architecture": nvml.ARCHITECTURES.get(self.architecture, nvml.UNKNOWN_ARCHITECTURE),
            "board_id": domain << 16 | bus << 8 | device,
            "ecc_mode": self.attributes[attributes.ECC_ENABLED],
            "memory_bus_width": self.attributes[attributes.GLOBAL_MEMORY_BUS_WIDTH],
            "num_gpu_cores": self.multiprocessors * self.cores_per_multiprocessor,
        }

    def attribute(self, number: int) -> int:
        """The answer to a CU_DEVICE_ATTRIBUTE; KeyError above 147, where a driver says no too."""
        return self.attributes[number]

    def replace(self, **changes: object) -> Profile:
        """A copy, changed in places.

        Args:
            changes: fields (`memory`, `nvml_memory`, `name`, `compute_capability`,
                `multiprocessors`, `uuid`, `pci`, `driver_version`, …), device attributes by their
                name in cuda.h in lower case (`l2_cache_size`), figures of NVML (`nvml.FIGURES`).
                Values are those of the field, or as a user writes them: `"40GiB"`, `"9.0"`.
                `memory` alone takes `nvml_memory` along, and the other way round.

        Raises:
            ProfileError: no such thing, or a value that no GPU could have.
        """
        copy = Profile.__new__(Profile)
        for slot in Profile.__slots__:
            setattr(copy, slot, getattr(self, slot))
        copy.attributes = dict(self.attributes)
        copy._nvml = dict(self._nvml)
        said: dict[int | str, str] = {}
        for key, value in changes.items():
            for target, converted in targets(key, value):
                if target in said:
                    raise ProfileError(f"{said[target]} and {key} say the same; give one of them")
                said[target] = key
                if isinstance(target, int):
                    copy.attributes[target] = converted
                elif target in nvml.FIGURES:
                    copy._nvml[target] = converted
                else:
                    setattr(copy, target, converted)
        copy.stated = self.stated | _stated(said)
        if "pci" in copy.stated:
            values.pci("pci", copy.pci)
        _keep_reserve(copy, self, said)
        return copy


def _keep_reserve(copy: Profile, original: Profile, said: dict[int | str, str]) -> None:
    """Changes the one of `memory` and `nvml_memory` that nobody spoke of along with the other."""
    reserve = original.nvml_memory - original.memory
    if "memory" in said and "nvml_memory" not in said:
        copy.nvml_memory = copy.memory + reserve
    elif "nvml_memory" in said and "memory" not in said:
        copy.memory = copy.nvml_memory - reserve
        if copy.memory <= 0:
            raise ProfileError(
                f"nvml_memory={copy.nvml_memory} leaves nothing for programs, since the driver "
                f"keeps {reserve} bytes; give memory instead"
            )
    if copy.nvml_memory < copy.memory:
        raise ProfileError(f"nvml_memory={copy.nvml_memory} is less than memory={copy.memory}; leave one of them out")


def _stated(said: dict[int | str, str]) -> set[str]:
    """What of `Profile.stated` is among the things that were changed."""
    kept = {
        "uuid": ("uuid",),
        "pci": (attributes.PCI_DOMAIN_ID, attributes.PCI_BUS_ID, attributes.PCI_DEVICE_ID),
        "group": (attributes.MULTI_GPU_BOARD_GROUP_ID,),
        "driver_version": ("driver_version",),
        "driver_name": ("driver_name",),
    }
    return {name for name, what in kept.items() if any(one in said for one in what)}


_MASK = 2**128 - 1


def unique_id(id: str, nth: int) -> bytes:
    """The UUID of the nth device of a kind: 16 bytes that depend on nothing else.

    FNV-1a of 128 bits and a final mix, so that the first digits differ too (CUDA_VISIBLE_DEVICES
    takes the first few); hashlib would load a library into the target for it.
    """
    value = 0x6C62272E07BB014262B821756295C58D
    for byte in f"{id}#{nth}".encode():
        value = (value ^ byte) * 0x0000000001000000000000000000013B & _MASK
    for factor in (0x9E3779B97F4A7C15F39CC0605CEDC835, 0xC2B2AE3D27D4EB4F165667B19E3779F9):
        value = (value ^ value >> 67) * factor & _MASK
    return (value ^ value >> 64).to_bytes(16, "big")

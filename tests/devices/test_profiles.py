"""The built-in profiles: complete, as a real card could answer, each figure founded."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from vgpu_embed import devices
from vgpu_embed.devices import attributes, nvml, schema
from vgpu_embed.devices.profile import Profile
from vgpu_embed.enums import DeviceAttribute

from .conftest import GPUS, measured

A = DeviceAttribute


def test_all_six_are_there() -> None:
    assert devices.names() == list(GPUS)


NUMBERS = [name for name in vars(attributes) if name in A.__members__]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_that_startup_needs(name: str) -> None:
    assert getattr(attributes, name) == A.__members__[name]


def test_numbers_are_those_of_the_fields() -> None:
    assert len(NUMBERS) == 9
    assert attributes.FIELDS.keys() <= {name.lower() for name in NUMBERS}
    assert max(map(int, measured("h100")["attributes"])) == attributes.LAST


def test_every_attribute_has_an_answer(profile: Profile) -> None:
    assert list(profile.attributes) == list(range(1, attributes.LAST + 1))
    assert all(type(answer) is int for answer in profile.attributes.values())


def test_nothing_that_programs_divide_by_is_zero(profile: Profile) -> None:
    for number in attributes.POSITIVE:
        assert profile.attribute(number) > 0, A(number).name


def test_limits_of_every_gpu(profile: Profile) -> None:
    assert profile.attribute(A.WARP_SIZE) == 32
    assert profile.attribute(A.TOTAL_CONSTANT_MEMORY) == 65536
    assert profile.attribute(A.MAX_THREADS_PER_BLOCK) == 1024
    assert profile.attribute(A.MAX_SHARED_MEMORY_PER_BLOCK) == 48 * 1024
    assert profile.attribute(A.MAX_REGISTERS_PER_MULTIPROCESSOR) == 65536


def test_shared_memory(profile: Profile) -> None:
    whole = profile.attribute(A.MAX_SHARED_MEMORY_PER_MULTIPROCESSOR)
    kept = profile.attribute(A.RESERVED_SHARED_MEMORY_PER_BLOCK)
    assert kept == (1024 if profile.compute_capability >= (8, 0) else 0)
    assert profile.attribute(A.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN) == whole - kept


# Compute capability: threads, blocks and KiB of shared memory a multiprocessor, FP32 cores.
SPECIFICATIONS = {
    (7, 5): (1024, 16, 64, 64),
    (8, 0): (2048, 32, 164, 64),
    (8, 9): (1536, 24, 100, 128),
    (9, 0): (2048, 32, 228, 128),
}


def test_compute_capability_decides(profile: Profile) -> None:
    threads, blocks, shared, cores = SPECIFICATIONS[profile.compute_capability]
    assert profile.attribute(A.MAX_THREADS_PER_MULTIPROCESSOR) == threads
    assert profile.attribute(A.MAX_BLOCKS_PER_MULTIPROCESSOR) == blocks
    assert profile.attribute(A.MAX_SHARED_MEMORY_PER_MULTIPROCESSOR) == shared * 1024
    assert profile.cores_per_multiprocessor == cores
    hopper = profile.compute_capability >= (9, 0)
    assert profile.attribute(A.CLUSTER_LAUNCH) == hopper
    assert profile.attribute(A.TENSOR_MAP_ACCESS_SUPPORTED) == hopper
    assert profile.attribute(A.MEM_SYNC_DOMAIN_COUNT) == (4 if hopper else 1)


# What the datasheets print: CUDA cores, TFLOPS of FP32, GB/s.
DATASHEETS = {
    "a100": (6912, 19.5, 2039),
    "h100": (16896, 67, 3350),
    "h200": (16896, 67, 4800),
    "l40s": (18176, 91.6, 864),
    "rtx-4090": (16384, 82.6, 1008),
    "t4": (2560, 8.1, 320),
}


def test_speeds_come_out_as_the_datasheet_says(profile: Profile) -> None:
    cores, tera, giga = DATASHEETS[profile.id]
    assert profile.nvml["num_gpu_cores"] == cores
    flops = 2 * cores * profile.attribute(A.CLOCK_RATE) * 1000
    assert flops == pytest.approx(tera * 1e12, rel=0.01)
    width = profile.attribute(A.GLOBAL_MEMORY_BUS_WIDTH)
    rate = 2 * profile.attribute(A.MEMORY_CLOCK_RATE) * 1000 * width / 8
    assert rate == pytest.approx(giga * 1e9, rel=0.03)


def test_memory(profile: Profile) -> None:
    reserve = profile.nvml_memory - profile.memory
    assert 300 * 2**20 < reserve < 1024 * 2**20
    assert profile.nvml_memory % 2**20 == 0
    assert profile.memory % 4096 == 0


def test_l2_residency(profile: Profile) -> None:
    share = profile.attribute(A.MAX_PERSISTING_L2_CACHE_SIZE) / profile.attribute(A.L2_CACHE_SIZE)
    window = profile.attribute(A.MAX_ACCESS_POLICY_WINDOW_SIZE)
    if profile.compute_capability >= (8, 0):
        assert 0.6 < share <= 0.75
        assert 127 * 2**20 < window <= 128 * 2**20
    else:
        assert (share, window) == (0, 0)


def test_vendor_is_nvidia(profile: Profile) -> None:
    assert profile.attribute(A.GPU_PCI_DEVICE_ID) & 0xFFFF == 0x10DE
    assert profile.attribute(A.GPU_PCI_SUBSYSTEM_ID) & 0xFFFF == 0x10DE


def test_what_goes_together(profile: Profile) -> None:
    vmm = profile.attribute(A.GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED)
    assert vmm == profile.attribute(A.GPU_DIRECT_RDMA_SUPPORTED)
    fabric = profile.attribute(A.HANDLE_TYPE_FABRIC_SUPPORTED)
    assert profile.attribute(A.MEMPOOL_SUPPORTED_HANDLE_TYPES) == 1 + 8 * fabric
    geforce = "GeForce" in profile.name
    assert profile.attribute(A.ECC_ENABLED) == profile.nvml["ecc_mode"] == (not geforce)
    assert profile.attribute(A.INTEGRATED) == 0  # ollama drops integrated devices


def test_nvml(profile: Profile) -> None:
    figures = profile.nvml
    assert figures["architecture"] == nvml.ARCHITECTURES[profile.architecture]
    assert figures["max_pcie_link_generation"] in (3, 4, 5)
    assert figures["max_pcie_link_width"] == 16
    assert 70_000 <= figures["power_management_default_limit"] <= 700_000
    assert figures["memory_bus_width"] == profile.attribute(A.GLOBAL_MEMORY_BUS_WIDTH)
    least, most = figures.get("power_management_limit_constraints", (0, 700_000))
    assert least <= figures["power_management_default_limit"] <= most
    clocks = figures.get("max_clock_info", {})
    assert clocks.get("sm", 9999) * 1000 >= profile.attribute(A.CLOCK_RATE)
    assert clocks.get("mem", 0) * 1000 in (0, profile.attribute(A.MEMORY_CLOCK_RATE))


def test_one_driver(profile: Profile) -> None:
    assert (profile.driver_version, profile.driver_name) == (13000, "580.159.04")


def test_board_id_as_seen() -> None:
    assert devices.load("h100", pci="0000:00:06.0").nvml["board_id"] == 6
    assert devices.load("a100", pci="0000:68:00.0").nvml["board_id"] == 0x6800


# What NVML answers with one value: function, figure.
NVML = {
    "Architecture": "architecture",
    "BoardId": "board_id",
    "BoardPartNumber": "board_part_number",
    "Brand": "brand",
    "InforomImageVersion": "inforom_image_version",
    "MaxPcieLinkGeneration": "max_pcie_link_generation",
    "MaxPcieLinkWidth": "max_pcie_link_width",
    "MemoryBusWidth": "memory_bus_width",
    "NumFans": "num_fans",
    "NumGpuCores": "num_gpu_cores",
    "PerformanceState": "performance_state",
    "PersistenceMode": "persistence_mode",
    "PowerManagementDefaultLimit": "power_management_default_limit",
    "PowerManagementLimitConstraints": "power_management_limit_constraints",
    "VbiosVersion": "vbios_version",
}

# Where the h100 of the data sat is its machine's affair; our devices get places of their own.
EXCEPTIONS = {A.PCI_BUS_ID, A.PCI_DEVICE_ID, A.PCI_DOMAIN_ID}


def test_h100_is_the_real_one(compiled: dict[str, dict[str, Any]]) -> None:
    real, profile = measured("h100"), Profile("h100", compiled["h100"])
    assert (profile.name, profile.memory) == (real["name"], real["total_mem"])
    assert profile.driver_version == real["driver_version"]
    for number, answer in real["attributes"].items():
        if int(number) not in EXCEPTIONS:
            assert profile.attribute(int(number)) == answer, A(int(number)).name
    assert profile.replace(pci="0000:00:06.0").attributes == {
        int(number): answer for number, answer in real["attributes"].items()
    }


def test_h100_is_the_real_one_to_nvml(compiled: dict[str, dict[str, Any]]) -> None:
    real, profile = measured("h100")["nvml"], Profile("h100", compiled["h100"])
    placed = profile.replace(pci="0000:00:06.0")
    assert [0, profile.name] == real["nvmlDeviceGetName"]
    assert [0, profile.driver_name] == real["driver"]
    assert [0, profile.nvml_memory] == real["memory_total"]
    for function, key in NVML.items():
        if f"nvmlDeviceGet{function}" in real:
            assert [0, placed.nvml[key]] == real[f"nvmlDeviceGet{function}"]


def test_h200_is_the_real_one(compiled: dict[str, dict[str, Any]]) -> None:
    real, profile = measured("h200")["driver"], Profile("h200", compiled["h200"])
    assert (profile.name, profile.memory) == (real["name"], real["total_mem"])
    assert profile.replace(pci=real["pci_bus_id"]).pci_bus_id == real["pci_bus_id"]
    assert profile.replace(pci="0000:00:06.0").attributes == {
        int(number): answer for number, answer in real["attributes"].items()
    }


def test_second_of_two_h200s_is_the_real_one() -> None:
    """Two real ones, 0000:00:06.0 and 0000:00:07.0, differed in these two attributes."""
    first, second = devices.parse_spec("h200:pci=0000:00:06.0;h200:pci=0000:00:07.0")
    differing = {n for n, answer in second.attributes.items() if answer != first.attribute(n)}
    assert differing == {A.PCI_DEVICE_ID, A.MULTI_GPU_BOARD_GROUP_ID}
    assert second.attribute(A.MULTI_GPU_BOARD_GROUP_ID) == 1


@pytest.mark.parametrize(("name", "data"), [("h100", "h100-nvml"), ("h200", "h200")])
def test_further_figures_of_nvml_are_real(name: str, data: str, compiled: dict[str, dict[str, Any]]) -> None:
    real = measured(data)["nvml"]
    figures = Profile(name, compiled[name]).replace(pci="0000:00:06.0").nvml
    for function, key in NVML.items():
        assert real[function] == [0, figures.pop(key)], function
    assert real["EccMode"] == [0, [figures.pop("ecc_mode")] * 2]
    assert real["MigMode"] == [0, [figures.pop("mig_mode")] * 2]
    assert real["BAR1MemoryInfo"][1][0] == figures.pop("bar1_memory")
    assert real["MemoryInfo"][1][0] == Profile(name, compiled[name]).nvml_memory
    for function, key in (
        ("TemperatureThreshold", "temperature_threshold"),
        ("MaxClockInfo", "max_clock_info"),
        ("DefaultApplicationsClock", "default_applications_clock"),
    ):
        answers = [answer for code, answer in real[function] if code == 0]
        assert figures.pop(key) == dict(zip(nvml.FIGURES[key], answers, strict=True))
    assert figures.keys() == IDLE


IDLE = {"clock_info", "power_usage", "temperature"}
"""Readings of an idle card, for which the recorded ones were not idle."""


@pytest.mark.parametrize("name", GPUS)
def test_every_figure_says_what_it_rests_on(name: str) -> None:
    figures = schema.read(schema.built_in_files()[name], built_in=True)
    bases = Counter(figure.basis for figure in figures.values())
    assert bases.keys() <= schema.BASES.keys()
    if name in ("h100", "h200"):
        own = [one for one in figures.values() if one.file.path.endswith(f"/{name}.toml")]
        assert {figure.basis for figure in own if figure.path[-1] not in IDLE} == {"measured"}
    named = {figure.source for figure in figures.values() if figure.basis == "document"}
    assert any("Programming Guide" in source for source in named)

"""The virtual NVML against what a real one answered to the same questions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import devices
from vgpu_embed.testing import ffi
from virtual.conftest import Machine
from virtual.harness import POISON, Program

UINT = "unsigned int *"


@pytest.fixture
def nvml(h100: Program) -> Program:
    """After nvmlInit_v2."""
    assert h100.call("nvmlInit_v2") == 0
    return h100


@pytest.fixture
def handle(nvml: Program) -> Any:
    """That of device 0."""
    return by_index(nvml, 0)[1]


def by_index(program: Program, number: int) -> Any:
    """[result, handle]"""
    out = ffi.new("nvmlDevice_t *")
    return [program.call("nvmlDeviceGetHandleByIndex_v2", number, out), out[0]]


class TestInitialisation:
    def test_before(self, h100: Program, real: dict[str, Any]) -> None:
        answers = real["nvml"]["uninitialised"]
        assert h100.call("nvmlShutdown") == answers["shutdown"]
        assert h100.number("nvmlDeviceGetCount_v2") == answers["count"]
        assert h100.call("nvmlDeviceGetCount_v2", None) == answers["count_null"]
        assert h100.raw("nvmlSystemGetDriverVersion", 16, 16) == answers["driver"]
        assert h100.raw("nvmlSystemGetNVMLVersion", 16, 16) == answers["nvml"]
        assert by_index(h100, 0)[0] == answers["by_index"]
        assert h100.call("nvmlDeviceGetName", None, None, 0) == answers["name"]

    def test_is_counted(self, h100: Program, real: dict[str, Any]) -> None:
        answers = real["nvml"]
        init = [h100.call("nvmlInit_v2"), h100.call("nvmlInit"), h100.call("nvmlInitWithFlags", 1)]
        assert init == answers["init"]
        assert [h100.call("nvmlShutdown"), h100.call("nvmlShutdown")] == answers["shutdown"]
        assert h100.number("nvmlDeviceGetCount_v2") == answers["count"]
        assert [h100.call("nvmlShutdown"), h100.call("nvmlShutdown")] == answers["shutdown_last"]
        assert h100.number("nvmlDeviceGetCount_v2") == answers["count_after"]

    def test_without_cuda(self, nvml: Program) -> None:
        """NVML does not initialise the driver."""
        assert nvml.number("cuDeviceGetCount")[0] == 3


class TestSystem:
    def test_versions(self, nvml: Program, real: dict[str, Any]) -> None:
        answers = real["nvml"]
        for length, answer in answers["driver"].items():
            assert nvml.raw("nvmlSystemGetDriverVersion", 16, int(length)) == answer
        for length, answer in answers["nvml"].items():
            assert nvml.raw("nvmlSystemGetNVMLVersion", 16, int(length)) == answer
        assert nvml.call("nvmlSystemGetDriverVersion", None, 16) == answers["driver_null"]
        assert nvml.number("nvmlSystemGetCudaDriverVersion") == answers["cuda"]
        assert nvml.number("nvmlSystemGetCudaDriverVersion_v2") == answers["cuda_v2"]
        assert nvml.call("nvmlSystemGetCudaDriverVersion", None) == answers["cuda_null"]

    def test_error_texts(self, h100: Program, real: dict[str, Any]) -> None:
        strings = real["nvml"]["strings"]
        assert {code: h100.call("nvmlErrorString", int(code)) for code in strings} == strings


class TestHandles:
    def test_count(self, nvml: Program, real: dict[str, Any]) -> None:
        assert nvml.number("nvmlDeviceGetCount_v2") == real["nvml"]["count"]
        assert nvml.number("nvmlDeviceGetCount") == real["nvml"]["count_v1"]
        assert nvml.call("nvmlDeviceGetCount_v2", None) == real["nvml"]["count_null"]

    def test_by_index(self, nvml: Program, real: dict[str, Any]) -> None:
        for number, result in real["nvml"]["by_index"].items():
            assert by_index(nvml, int(number))[0] == result
        assert nvml.call("nvmlDeviceGetHandleByIndex_v2", 0, None) == real["nvml"]["by_index_null"]

    def test_by_uuid(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        own = devices.load("h100").uuid_text
        spellings = {
            "own": own,
            "without GPU-": own[4:],
            "upper": "GPU" + own[3:].upper(),
            "shorter": own[:-1],
            "longer": own + "0",
            "space": own + " ",
            "other": own[:-1] + ("0" if own[-1] != "0" else "1"),
            "empty": "",
            "x": "x",
        }
        out = ffi.new("nvmlDevice_t *")
        seen = {key: nvml.call("nvmlDeviceGetHandleByUUID", text, out) for key, text in spellings.items()}
        assert seen == real["nvml"]["by_uuid"]
        assert out[0] == handle
        null = nvml.call("nvmlDeviceGetHandleByUUID", None, out)
        assert null == real["null"]["nvmlDeviceGetHandleByUUID"]

    def test_by_pci_bus_id(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        own = real["nvml"]["own_pci"]
        spellings = {
            "own": own,
            "four digits": own[4:],
            "no domain": own[9:],
            "no function": own[:-2],
            "lower": own.lower(),
            "other": "00000000:77:00.0",
            "x": "x",
            "empty": "",
        }
        out = ffi.new("nvmlDevice_t *")
        seen = {key: nvml.call("nvmlDeviceGetHandleByPciBusId_v2", text, out) for key, text in spellings.items()}
        assert seen == real["nvml"]["by_pci"]
        assert out[0] == handle
        null = nvml.call("nvmlDeviceGetHandleByPciBusId_v2", None, out)
        assert null == real["null"]["nvmlDeviceGetHandleByPciBusId_v2"]

    @pytest.mark.parametrize("wrong", [None, 0x1000, -1])
    def test_wrong(self, nvml: Program, wrong: int | None) -> None:
        assert nvml.raw("nvmlDeviceGetName", 8, wrong, 8, at=1) == [2, b"wwwwwwww".hex()]

    def test_all_devices_in_the_order_of_the_bus(self, machine: Machine, environment: dict[str, str]) -> None:
        """Whatever CUDA is shown, and in whatever order."""
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
        program = machine([devices.load("h100", pci="0000:0b:00.0"), devices.load("t4", pci="0000:0a:00.0")])
        program.call("nvmlInit_v2")
        assert program.number("nvmlDeviceGetCount_v2") == [0, 2]
        names = []
        for number in range(2):
            device = by_index(program, number)[1]
            names.append(bytes.fromhex(program.raw("nvmlDeviceGetName", 96, device, 96, at=1)[1]).split(b"\0")[0])
            assert program.number("nvmlDeviceGetIndex", device, at=1, ctype=UINT) == [0, number]
        assert names == [b"Tesla T4", b"NVIDIA H100 80GB HBM3"]


class TestDevice:
    def test_texts(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        answers = real["nvml"]
        for length, answer in answers["names"].items():
            assert nvml.raw("nvmlDeviceGetName", 40, handle, int(length), at=1) == answer
        for length, result in answers["uuid_lengths"].items():
            assert nvml.raw("nvmlDeviceGetUUID", 96, handle, int(length), at=1)[0] == result
        assert nvml.call("nvmlDeviceGetName", handle, None, 40) == answers["name_null"]
        uuid = bytes.fromhex(nvml.raw("nvmlDeviceGetUUID", 41, handle, 41, at=1)[1])
        assert uuid == devices.load("h100").uuid_text.encode() + b"\0"

    @pytest.mark.parametrize("function", ["PciInfo", "PciInfo_v2", "PciInfo_v3"])
    def test_pci(self, nvml: Program, handle: Any, real: dict[str, Any], function: str) -> None:
        """To the byte: each version writes as far as its struct goes, and no further."""
        assert nvml.raw(f"nvmlDeviceGet{function}", 68, handle, at=1) == real["nvml"][function]

    def test_memory(self, nvml: Program, handle: Any) -> None:
        """What the driver keeps: as in tests/devices/data/h100-nvml.json, but that nothing else is used."""
        memory = ffi.new("nvmlMemory_t *")
        assert nvml.call("nvmlDeviceGetMemoryInfo", handle, memory) == 0
        assert (memory.total, memory.free, memory.used) == (85520809984, 85017493504, 503316480)
        assert nvml.call("nvmlDeviceGetMemoryInfo", handle, None) == 2

    def test_memory_v2(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        for key in ("0x0", "0x1000028", "0x2000030", "0x3000028"):
            begin = int(key, 16).to_bytes(4, "little")
            seen = nvml.raw("nvmlDeviceGetMemoryInfo_v2", 40, handle, at=1, begin=begin)
            assert seen == real["nvml"][f"memory_v2_{key}"]
        memory = ffi.new("nvmlMemory_v2_t *", {"version": 0x2000028})
        assert nvml.call("nvmlDeviceGetMemoryInfo_v2", handle, memory) == 0
        assert (memory.total, memory.reserved, memory.free, memory.used) == (85520809984, 503316480, 85017493504, 0)
        assert nvml.call("nvmlDeviceGetMemoryInfo_v2", handle, None) == 2

    def test_no_processes(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        names = [name for name in real["nvml"] if name.endswith(("Processes", "Processes_v2", "Processes_v3"))]
        assert len(names) == 9
        for name in names:
            count = ffi.new(UINT)
            assert [nvml.call(name, handle, count, None), count[0]] == real["nvml"][name]

    def test_nothing_runs(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        assert nvml.raw("nvmlDeviceGetUtilizationRates", 8, handle, at=1) == real["nvml"]["utilization"]

    def test_numbers(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        known = {
            name: nvml.number(f"nvmlDeviceGet{name}", handle, at=1, ctype=UINT) for name in real["nvml"]["numbers"]
        }
        answered = {name: answer for name, answer in known.items() if answer != [3, POISON]}
        answers = real["nvml"]["numbers"]
        assert answered.pop("PowerUsage") == [0, 126000]  # that other card drew less when it was asked
        assert answered == {name: answers[name] for name in answered}
        lacking = {name for name, answer in answers.items() if answer == [3, POISON]}
        assert set(answers) - set(answered) == {"PowerUsage", "VirtualizationMode"} | lacking
        assert nvml.unsupported == ["nvmlDeviceGetVirtualizationMode"]

    def test_kinds(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        for name in ("MaxClockInfo", "TemperatureThreshold", "ClockInfo", "ApplicationsClock"):
            seen = [nvml.number(f"nvmlDeviceGet{name}", handle, kind, at=2, ctype=UINT) for kind in (0, 1, 2, 3, 9)]
            assert seen == real["nvml"]["indexed"][name]

    def test_compute_capability(self, nvml: Program, handle: Any) -> None:
        major, minor = ffi.new("int *"), ffi.new("int *")
        assert nvml.call("nvmlDeviceGetCudaComputeCapability", handle, major, minor) == 0
        assert (major[0], minor[0]) == (9, 0)

    def test_figures_of_the_profile(self, nvml: Program, handle: Any) -> None:
        figures = devices.load("h100").nvml
        least, most = ffi.new(UINT), ffi.new(UINT)
        assert nvml.call("nvmlDeviceGetPowerManagementLimitConstraints", handle, least, most) == 0
        assert [least[0], most[0]] == figures["power_management_limit_constraints"]
        assert nvml.call("nvmlDeviceGetEccMode", handle, least, most) == 0
        assert (least[0], most[0]) == (1, 1)
        bar1 = ffi.new("nvmlBAR1Memory_t *")
        assert nvml.call("nvmlDeviceGetBAR1MemoryInfo", handle, bar1) == 0
        assert bar1.bar1Total == bar1.bar1Free == figures["bar1_memory"]
        text = bytes.fromhex(nvml.raw("nvmlDeviceGetVbiosVersion", 32, handle, 32, at=1)[1]).split(b"\0")[0]
        assert text.decode() == figures["vbios_version"]

    def test_what_nobody_vouches_for(self, nvml: Program, handle: Any) -> None:
        """An answer of the machine's, not a function that is missing."""
        assert "serial" not in devices.load("h100").nvml
        assert nvml.raw("nvmlDeviceGetSerial", 8, handle, 8, at=1) == [3, b"wwwwwwww".hex()]
        assert nvml.unsupported == []

    def test_what_is_not_here(self, nvml: Program, handle: Any) -> None:
        assert nvml.number("nvmlDeviceGetIrqNum", handle, at=1, ctype=UINT) == [3, POISON]
        assert nvml.unsupported == ["nvmlDeviceGetIrqNum"]


GIB = 1 << 30


class TestMemoryInUse:
    @pytest.fixture(autouse=True)
    def held(self, nvml: Program) -> None:
        """By this process, and nobody else."""
        assert nvml.driver.machine.occupants.take(0, GIB, GIB)

    def test_it_is_used(self, nvml: Program, handle: Any) -> None:
        memory, second = ffi.new("nvmlMemory_t *"), ffi.new("nvmlMemory_v2_t *", {"version": 0x2000028})
        assert nvml.call("nvmlDeviceGetMemoryInfo", handle, memory) == 0
        assert (memory.total, memory.free, memory.used) == (85520809984, 85017493504 - GIB, 503316480 + GIB)
        assert nvml.call("nvmlDeviceGetMemoryInfo_v2", handle, second) == 0
        assert (second.reserved, second.free, second.used) == (503316480, 85017493504 - GIB, GIB)

    @pytest.mark.parametrize(("version", "kind"), [("", "v1_t"), ("_v2", "v2_t"), ("_v3", "t")])
    def test_processes(self, nvml: Program, handle: Any, version: str, kind: str) -> None:
        function = f"nvmlDeviceGetComputeRunningProcesses{version}"
        count, infos = ffi.new(UINT, 0), ffi.new(f"nvmlProcessInfo_{kind}[3]")
        assert [nvml.call(function, handle, count, None), count[0]] == [7, 1]
        count[0] = 3
        assert [nvml.call(function, handle, count, infos), count[0]] == [0, 1]
        assert (infos[0].pid, infos[0].usedGpuMemory, infos[1].pid) == (os.getpid(), GIB, 0)
        if version:
            assert infos[0].gpuInstanceId == infos[0].computeInstanceId == 0xFFFFFFFF
        name = bytes.fromhex(nvml.raw("nvmlSystemGetProcessName", 64, infos[0].pid, 64, at=1)[1]).split(b"\0")[0]
        assert name == Path("/proc/self/cmdline").read_bytes().split(b"\0")[0][:63]

    def test_no_others(self, nvml: Program, handle: Any) -> None:
        for kind in ("Graphics", "MPSCompute"):
            assert nvml.number(f"nvmlDeviceGet{kind}RunningProcesses_v3", handle, None, at=1, ctype=UINT) == [0, 0]

    def test_no_process_of_that_number(self, nvml: Program) -> None:
        assert nvml.raw("nvmlSystemGetProcessName", 8, 1 << 30, 8, at=1) == [6, b"wwwwwwww".hex()]


class TestReadings:
    def test_temperature(self, nvml: Program, handle: Any, real: dict[str, Any]) -> None:
        seen = [nvml.number("nvmlDeviceGetTemperature", handle, sensor, at=2, ctype=UINT) for sensor in (0, 1, 9)]
        assert seen == [[0, 43], *real["nvml"]["indexed"]["Temperature"][1:2] * 2]
        newer = ffi.new("nvmlTemperature_t *", {"version": 1 << 24 | 12})
        assert [nvml.call("nvmlDeviceGetTemperatureV", handle, newer), newer.temperature] == [0, 43]
        newer.version = 3
        assert nvml.call("nvmlDeviceGetTemperatureV", handle, newer) == 25

    def test_fields_have_results_of_their_own(self, nvml: Program, handle: Any) -> None:
        values = ffi.new("nvmlFieldValue_t[2]", [{"fieldId": 186}, {"fieldId": 1}])
        assert nvml.call("nvmlDeviceGetFieldValues", handle, 2, values) == 0
        assert [(value.nvmlReturn, value.value.uiVal) for value in values] == [(0, 126000), (3, 0)]

    def test_errors_are_counted_with_ecc(self, machine: Machine) -> None:
        seen = {}
        for gpu in ("h100", "rtx-4090"):
            program = machine(gpu)
            program.call("nvmlInit_v2")
            device = by_index(program, 0)[1]
            seen[gpu] = program.number("nvmlDeviceGetTotalEccErrors", device, 1, 0, at=3, ctype="unsigned long long *")
        assert seen == {"h100": [0, 0], "rtx-4090": [3, POISON]}


class TestTopology:
    def test_two_devices(self, machine: Machine) -> None:
        program = machine("2xh100")
        program.call("nvmlInit_v2")
        first, second = (by_index(program, number)[1] for number in range(2))
        ancestors = [
            program.number("nvmlDeviceGetTopologyCommonAncestor", first, other, at=2, ctype=UINT)
            for other in (first, second)
        ]
        assert ancestors == [[0, 0], [0, 30]]
        assert program.number("nvmlDeviceGetP2PStatus", first, second, 0, at=3, ctype=UINT) == [0, 0]
        assert program.number("nvmlDeviceOnSameBoard", first, second, at=2) == [0, 0]
        count, near = ffi.new(UINT, 1), ffi.new("nvmlDevice_t[1]")
        assert program.call("nvmlDeviceGetTopologyNearestGpus", first, 30, count, near) == 0
        assert (count[0], near[0]) == (1, second)

    def test_no_fabric(self, nvml: Program, handle: Any) -> None:
        """As driver 580.159.04 says of an H200 that is in none; a version that it does not know is an error."""
        padding = "77" * 3
        assert nvml.raw("nvmlDeviceGetGpuFabricInfo", 28, handle, at=1) == [0, "00" * 25 + padding]
        assert nvml.call("nvmlDeviceGetGpuFabricInfo", handle, None) == 2
        for version, size, end in ((2, 36, "77" * 4), (3, 40, "00" + padding)):
            begin = (version << 24 | size).to_bytes(4, "little")
            written = begin.hex() + "00" * 25 + padding + "00" * 4 + end
            assert nvml.raw("nvmlDeviceGetGpuFabricInfoV", 40, handle, at=1, begin=begin) == [0, written]
        begin = bytes(4)
        written = begin.hex() + "77" * 36
        assert nvml.raw("nvmlDeviceGetGpuFabricInfoV", 40, handle, at=1, begin=begin) == [25, written]
        assert nvml.call("nvmlDeviceGetGpuFabricInfoV", handle, None) == 2

"""The virtual driver against what a real one answered to the same questions."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import devices, tables
from vgpu_embed.devices import Profile
from vgpu_embed.tables import getproc
from vgpu_embed.testing import FIRST_THUNK, ffi
from vgpu_embed.virtual.machine import context_memory
from virtual.conftest import Machine
from virtual.harness import POISON, Program

SIZE = "size_t *"
GPUS = ("a100", "h100", "h200", "l40s", "rtx-4090", "t4")
MEASURED = Path(__file__).parent.parent / "devices/data/h100.json"


def allocation(kind: int, location: int, device: int, handles: int) -> Any:
    """A CUmemAllocationProp."""
    made = ffi.new("CUmemAllocationProp *")
    made.type, made.requestedHandleTypes = kind, handles
    made.location.type, made.location.id = location, device
    return made


class TestBeforeInit:
    def test_queries_are_refused_and_write_nothing(self, h100: Program, real: dict[str, Any]) -> None:
        answers = real["driver"]["uninitialised"]
        assert h100.number("cuDeviceGetCount") == answers["count"] == [3, POISON]
        assert h100.call("cuDeviceGetCount", None) == answers["count_null"]
        assert h100.number("cuDeviceGet", 0) == answers["get"]
        assert h100.raw("cuDeviceGetName", 8, 8, 0) == answers["name"]
        assert h100.number("cuDeviceGetAttribute", 75, 0) == answers["attribute"]
        assert h100.number("cuDeviceTotalMem_v2", 0, ctype=SIZE)[0] == answers["total"][0]
        assert h100.number("cuDeviceGetByPCIBusId", "0000:00:06.0") == answers["by_pci"]
        assert h100.raw("cuDeviceGetPCIBusId", 16, 16, 0) == answers["pci"]
        assert h100.number("cuMemGetInfo_v2", None, ctype=SIZE)[0] == answers["memory"][0]
        prop = allocation(1, 1, 0, 0)
        assert h100.number("cuMemGetAllocationGranularity", prop, 0, ctype=SIZE) == answers["granularity"]

    def test_version_and_error_texts_are_not(self, h100: Program, real: dict[str, Any]) -> None:
        answers = real["driver"]["uninitialised"]
        assert h100.number("cuDriverGetVersion") == answers["version"]
        assert text_of_error(h100, "cuGetErrorString", 1) == answers["error_string"]

    def test_init_takes_no_flags(self, h100: Program, real: dict[str, Any]) -> None:
        answers = real["driver"]["uninitialised"]
        assert h100.call("cuInit", 1) == answers["init_flags_1"]
        assert h100.number("cuDeviceGetCount") == answers["count_after_failed_init"]

    def test_init_may_be_repeated(self, h100: Program, real: dict[str, Any]) -> None:
        assert [h100.call("cuInit", 0), h100.call("cuInit", 0)] == real["driver"]["init"]


def text_of_error(program: Program, function: str, code: int) -> list[Any]:
    out = ffi.new("char **")
    result = program.call(function, code, out)
    return [result, ffi.string(out[0]).decode() if out[0] else None]


class TestErrors:
    @pytest.mark.parametrize(("function", "key"), [("cuGetErrorString", "strings"), ("cuGetErrorName", "names")])
    def test_texts(self, h100: Program, real: dict[str, Any], function: str, key: str) -> None:
        for code, text in real["driver"][key].items():
            assert text_of_error(h100, function, int(code)) == [0, text]
        assert text_of_error(h100, function, 12345) == real["driver"][f"{key}_unknown"] == [1, None]

    def test_a_text_stays(self, h100: Program) -> None:
        first, second = ffi.new("char **"), ffi.new("char **")
        h100.call("cuGetErrorString", 100, first)
        h100.call("cuGetErrorString", 101, second)
        h100.call("cuGetErrorString", 100, second)
        assert first[0] == second[0]
        assert ffi.string(first[0]) == b"no CUDA-capable device is detected"

    def test_misuse_as_read_with_the_attributes(self, ready: Program) -> None:
        errors = json.loads(MEASURED.read_text("utf-8"))["errors"]
        assert ready.number("cuDeviceGet", 9)[0] == errors["get_device_9"]
        assert ready.number("cuDeviceGetAttribute", 75, 9)[0] == errors["attr_on_dev_9"]
        assert ready.call("cuDeviceGetAttribute", None, 75, 0) == errors["attr_null"]
        assert ready.number("cuDeviceGetAttribute", 9999, 0)[0] == errors["attr_9999"]
        assert ready.call("cuDeviceGetName", None, 8, 0) == errors["name_null"]
        out = ffi.new("char[]", b"xxxxxx")
        assert [ready.call("cuDeviceGetName", out, 4, 0), ffi.buffer(out)[:6].hex()] == errors["name_len4"]


class TestDevices:
    @pytest.mark.parametrize("ordinal", [0, 9, -1])
    def test_handle(self, ready: Program, real: dict[str, Any], ordinal: int) -> None:
        assert ready.number("cuDeviceGet", ordinal) == real["driver"]["get"][str(ordinal)]

    def test_null(self, ready: Program, real: dict[str, Any]) -> None:
        answers = real["driver"]
        assert ready.call("cuDriverGetVersion", None) == answers["version_null"]
        assert ready.call("cuDeviceGetCount", None) == answers["count_null"]
        assert ready.call("cuDeviceGet", None, 0) == answers["get_null"]
        assert ready.call("cuDeviceGetPCIBusId", None, 16, 0) == answers["pci_null"]
        assert ready.call("cuDeviceGetByPCIBusId", None, "0000:00:06.0") == answers["by_pci_out_null"]
        assert ready.number("cuDeviceGetByPCIBusId", None)[0] == real["null"]["cuDeviceGetByPCIBusId"]
        assert ready.call("cuDeviceGetUuid_v2", None, 0) == answers["uuid_null"]
        assert ready.call("cuDeviceTotalMem_v2", None, 0) == answers["total_null"]
        assert ready.call("cuDeviceGetProperties", None, 0) == answers["properties_null"]
        number = ffi.new("int *")
        assert [
            ready.call("cuDeviceComputeCapability", None, number, 0),
            ready.call("cuDeviceComputeCapability", number, None, 0),
        ] == answers["capability_null"][:2]

    def test_every_attribute(self, ready: Program) -> None:
        attributes = json.loads(MEASURED.read_text("utf-8"))["attributes"]
        seen = {n: ready.number("cuDeviceGetAttribute", int(n), 0) for n in attributes}
        assert seen == {n: [0, value] for n, value in attributes.items()}

    @pytest.mark.parametrize("attribute", [0, -1, 148, 9999])
    def test_no_attribute(self, ready: Program, real: dict[str, Any], attribute: int) -> None:
        assert ready.number("cuDeviceGetAttribute", attribute, 0) == real["driver"]["attribute"][str(attribute)]

    def test_device_before_attribute(self, ready: Program, real: dict[str, Any]) -> None:
        assert ready.number("cuDeviceGetAttribute", 9999, 9) == real["driver"]["attribute_9999_on_9"]

    def test_name_is_cut(self, ready: Program, real: dict[str, Any]) -> None:
        for length, (result, digits) in real["driver"]["name"].items():
            cut = bytes.fromhex(digits)[: int(length)].split(b"\0")[0] + b"\0"
            seen = ready.raw("cuDeviceGetName", 40, int(length), 0)
            assert [seen[0], bytes.fromhex(seen[1])] == [result, cut.ljust(40, b"w")]
        assert ready.raw("cuDeviceGetName", 8, 8, 9) == real["driver"]["name_9"]

    def test_name_needs_room(self, ready: Program) -> None:
        assert ready.raw("cuDeviceGetName", 4, 0, 0) == [1, b"wwww".hex()]
        assert ready.raw("cuDeviceGetName", 4, -1, 0) == [1, b"wwww".hex()]

    def test_pci_bus_id(self, ready: Program, real: dict[str, Any]) -> None:
        for length, answer in real["driver"]["pci"].items():
            assert ready.raw("cuDeviceGetPCIBusId", 40, int(length), 0) == answer
        assert ready.raw("cuDeviceGetPCIBusId", 16, 16, 9) == real["driver"]["pci_9"]

    def test_by_pci_bus_id(self, ready: Program, real: dict[str, Any]) -> None:
        for spelling, answer in real["driver"]["by_pci"].items():
            text = spelling.replace("{own}", "0000:00:06.0")
            assert ready.number("cuDeviceGetByPCIBusId", text) == answer, spelling

    def test_uuid(self, ready: Program, real: dict[str, Any]) -> None:
        digits = devices.load("h100").uuid.hex()
        assert ready.raw("cuDeviceGetUuid_v2", 20, 0) == [0, digits + b"wwww".hex()]
        assert ready.raw("cuDeviceGetUuid", 20, 0) == [0, digits + b"wwww".hex()]
        assert ready.raw("cuDeviceGetUuid_v2", 16, 9) == real["driver"]["uuid_9"]

    def test_luid_is_for_windows(self, ready: Program, real: dict[str, Any]) -> None:
        assert ready.raw("cuDeviceGetLuid", 8, ffi.new("unsigned int *"), 0) == real["driver"]["luid"]

    def test_properties(self, ready: Program, real: dict[str, Any]) -> None:
        assert ready.raw("cuDeviceGetProperties", 56, 0) == real["driver"]["properties"]
        assert ready.raw("cuDeviceGetProperties", 56, 9) == real["driver"]["properties_9"]

    def test_compute_capability(self, ready: Program) -> None:
        major, minor = ffi.new("int *"), ffi.new("int *")
        assert ready.call("cuDeviceComputeCapability", major, minor, 0) == 0
        assert (major[0], minor[0]) == (9, 0)

    def test_peer(self, ready: Program, real: dict[str, Any]) -> None:
        assert [ready.number("cuDeviceCanAccessPeer", 0, n) for n in (0, 9)] == real["driver"]["peer"]


class TestMemory:
    def test_total(self, ready: Program, real: dict[str, Any]) -> None:
        assert ready.number("cuDeviceTotalMem_v2", 0, ctype=SIZE) == [0, 85017493504]
        assert ready.number("cuDeviceTotalMem", 0, ctype="unsigned int *") == real["driver"]["total_v1"]
        assert ready.number("cuDeviceTotalMem_v2", 9, ctype=SIZE)[0] == real["driver"]["total_9"][0]

    def test_info_needs_a_context(self, ready: Program, real: dict[str, Any]) -> None:
        out = ffi.new(SIZE)
        assert ready.number("cuMemGetInfo_v2", out, ctype=SIZE)[0] == real["driver"]["memory_without_context"][0]

    def test_granularity(self, ready: Program, real: dict[str, Any]) -> None:
        for question, answer in real["driver"]["granularity"].items():
            kind, location, device, handles, option = (int(part.split()[1]) for part in question.split(", "))
            prop = allocation(kind, location, device, handles)
            seen = ready.number("cuMemGetAllocationGranularity", prop, option, ctype=SIZE)
            assert seen[0] == answer[0], question
            assert seen[0] or seen[1] == answer[1] == 2 << 20
        assert ready.number("cuMemGetAllocationGranularity", None, 0, ctype=SIZE)[0] == 1
        assert ready.call("cuMemGetAllocationGranularity", None, allocation(1, 1, 0, 0), 0) == 1

    @pytest.mark.parametrize("gpu", GPUS)
    def test_free_memory_is_plausible(self, gpu: str) -> None:
        profile = devices.load(gpu)
        assert 0 < context_memory(profile) < profile.memory * 0.1

    def test_free_memory_of_the_real_one(self) -> None:
        free, total = json.loads(MEASURED.read_text("utf-8"))["mem_total_in_ctx"]
        profile = devices.load("h100")
        assert (profile.memory - context_memory(profile), profile.memory) == (free, total)

    def test_half_of_a_tiny_memory_is_free(self) -> None:
        assert context_memory(devices.load("h100", memory="512MiB")) == 256 << 20


class TestVisibleDevices:
    @staticmethod
    def uuids(program: Program) -> list[str]:
        count = program.number("cuDeviceGetCount")[1]
        return [program.raw("cuDeviceGetUuid_v2", 16, n)[1] for n in range(count)]

    @pytest.fixture
    def gpus(self) -> list[Profile]:
        return devices.parse_spec("2xh100;a100")

    @pytest.mark.parametrize(
        ("value", "order"), [(None, [0, 1, 2]), ("2", [2]), ("1,0", [1, 0]), ("0,-1,1", [0]), ("{2},{0}", [2, 0])]
    )
    def test_chosen(
        self, machine: Machine, gpus: list[Profile], environment: dict[str, str], value: str | None, order: list[int]
    ) -> None:
        if value is not None:
            environment["CUDA_VISIBLE_DEVICES"] = value.format(*(gpu.uuid_text for gpu in gpus))
        program = machine(gpus)
        assert program.call("cuInit", 0) == 0
        assert self.uuids(program) == [gpus[n].uuid.hex() for n in order]
        assert program.number("cuDeviceGet", len(order))[0] == 101

    @pytest.mark.parametrize(("value", "result"), [("-1", 100), ("", 100), ("9", 100), ("0,0", 101)])
    def test_none(
        self, machine: Machine, gpus: list[Profile], environment: dict[str, str], value: str, result: int
    ) -> None:
        environment["CUDA_VISIBLE_DEVICES"] = value
        program = machine(gpus)
        assert program.call("cuInit", 0) == result
        assert program.number("cuDeviceGetCount") == [3, POISON]

    def test_the_environment_counts_as_it_is_at_init(
        self, machine: Machine, gpus: list[Profile], environment: dict[str, str]
    ) -> None:
        program = machine(gpus)
        environment["CUDA_VISIBLE_DEVICES"] = "1"
        assert program.call("cuInit", 0) == 0
        environment["CUDA_VISIBLE_DEVICES"] = "0,2"
        assert program.call("cuInit", 0) == 0
        assert self.uuids(program) == [gpus[1].uuid.hex()]

    def test_no_gpu_at_all(self, machine: Machine) -> None:
        program = machine([])
        assert program.call("cuInit", 0) == 100
        assert program.number("cuDriverGetVersion") == [0, 13000]

    def test_pci_bus_ids_name_visible_devices(
        self, machine: Machine, gpus: list[Profile], environment: dict[str, str]
    ) -> None:
        environment["CUDA_VISIBLE_DEVICES"] = "2,0"
        program = machine(gpus)
        program.call("cuInit", 0)
        assert program.number("cuDeviceGetByPCIBusId", gpus[0].pci_bus_id) == [0, 1]
        assert program.number("cuDeviceGetByPCIBusId", gpus[1].pci_bus_id)[0] == 101


class TestGetProcAddress:
    FUNCTION = "void **"
    STATUS = "unsigned int *"

    def ask(self, program: Program, symbol: str | None, version: int, flags: int = 0) -> list[Any]:
        """[result, exported name, status]; POISON where nothing was written."""
        function, status = ffi.new(self.FUNCTION), ffi.new(self.STATUS, POISON)
        function[0] = ffi.cast("void *", POISON)
        result = program.call("cuGetProcAddress_v2", symbol, function, version, flags, status)
        address = int(ffi.cast("uintptr_t", function[0]))
        if address not in (0, POISON):
            return [result, tables.function(address - FIRST_THUNK).name, status[0]]
        return [result, address or None, status[0]]

    def test_versions_and_flags(self, h100: Program) -> None:
        assert self.ask(h100, "cuMemAlloc", 13000) == [0, "cuMemAlloc_v2", 0]
        assert self.ask(h100, "cuMemAlloc", 3010) == [0, "cuMemAlloc", 0]
        assert self.ask(h100, "cuMemcpyHtoD", 13000, 2) == [0, "cuMemcpyHtoD_v2_ptds", 0]
        assert self.ask(h100, "cuInit", 13000) == [0, "cuInit", 0]

    def test_what_is_missing(self, h100: Program) -> None:
        assert self.ask(h100, "cuNoSuchThing", 13000) == [0, None, 1]
        assert self.ask(h100, "cuMemAlloc_v2", 13000) == [0, None, 1]
        assert self.ask(h100, "cuMemAlloc", 1000) == [0, None, 2]

    def test_what_is_wrong_writes_nothing(self, h100: Program) -> None:
        assert self.ask(h100, "cuInit", 13010) == [1, POISON, POISON]
        assert self.ask(h100, "cuInit", 13000, 99) == [1, POISON, POISON]
        assert self.ask(h100, None, 13000) == [1, POISON, POISON]

    def test_nobody_wants_the_status(self, h100: Program) -> None:
        function = ffi.new(self.FUNCTION)
        assert h100.call("cuGetProcAddress_v2", "cuInit", function, 12000, 0, None) == 0
        assert function[0]
        assert h100.call("cuGetProcAddress_v2", "cuInit", None, 12000, 0, None) == 1

    def test_the_older_variant(self, h100: Program) -> None:
        function = ffi.new(self.FUNCTION)
        assert h100.call("cuGetProcAddress", "cuInit", function, 11030, 0) == 0
        assert ffi.cast("uintptr_t", function[0]) == ffi.cast("uintptr_t", FIRST_THUNK + index("cuInit"))
        assert h100.call("cuGetProcAddress", "cuNoSuchThing", function, 11030, 0) == 500
        assert not function[0]

    def test_every_symbol_gives_a_thunk(self, h100: Program) -> None:
        for symbol in getproc.symbols():
            result, name, status = self.ask(h100, symbol, 13000)
            assert (result, status) == (0, 0), symbol
            assert tables.function(name).library == "driver"


def index(name: str) -> int:
    found = tables.index(name)
    assert found is not None
    return found


@pytest.mark.parametrize("prefix", ["cu", "cuda"])
class TestLog:
    """What a driver says of an empty one, before cuInit too, and that it does not stay so."""

    def test_functions_to_be_told(self, h100: Program, prefix: str) -> None:
        told: list[str] = []

        def listen(data: object, level: int, text: Any, length: int) -> None:
            told.append(ffi.buffer(text, length)[:].decode())

        callback = ffi.callback("void(void *, unsigned int, char *, size_t)", listen)
        result, handle = h100.number(f"{prefix}LogsRegisterCallback", callback, None, at=2, ctype="uintptr_t *")
        assert (result, handle != POISON) == (0, True)
        assert h100.call(f"{prefix}LogsRegisterCallback", callback, None, None) == 0
        assert h100.call(f"{prefix}LogsRegisterCallback", None, None, None) == 1
        assert told == 2 * ["Returning 1 (CUDA_ERROR_INVALID_VALUE) from cuLogsRegisterCallback"]
        assert [h100.call(f"{prefix}LogsUnregisterCallback", handle) for _ in range(2)] == [0, 1]
        assert len(told) == 3

    def test_it_is_empty(self, h100: Program, prefix: str, tmp_path: Path) -> None:
        assert h100.number(f"{prefix}LogsCurrent", 0) == [0, 0]
        buffer = ffi.new("char[]", b"ww")
        assert h100.number(f"{prefix}LogsDumpToMemory", None, buffer, 0, at=2, ctype=SIZE) == [0, 0]
        assert ffi.string(buffer) == b"ww"
        assert h100.call(f"{prefix}LogsDumpToFile", None, str(tmp_path / "log"), 0) == 0
        assert (tmp_path / "log").read_bytes() == b""
        assert h100.number(f"{prefix}LogsDumpToMemory", None, None, 0, at=2, ctype=SIZE) == [1, POISON]
        assert h100.call(f"{prefix}LogsDumpToMemory", None, buffer, None, 0) == 1
        assert h100.call(f"{prefix}LogsCurrent", None, 0) == 1
        assert h100.call(f"{prefix}LogsDumpToFile", None, str(tmp_path / "none/log"), 0) == 1
        assert h100.call(f"{prefix}LogsDumpToFile", None, None, 0) == 1


def test_what_is_not_here_is_not_supported(ready: Program) -> None:
    assert ready.call("cuDeviceGetNvSciSyncAttributes", None, 0, 0) == 801
    assert ready.unsupported == ["cuDeviceGetNvSciSyncAttributes"]


def test_threads_see_the_same_devices(ready: Program) -> None:
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(ready.number("cuDeviceGetCount")))
    thread.start()
    thread.join()
    assert seen == [[0, 1]]

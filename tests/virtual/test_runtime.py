"""The virtual runtime against what real ones answered, and against a user's rules for the driver's functions."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from vgpu_embed.policy import Policy
from vgpu_embed.testing import ffi
from virtual.conftest import Machine
from virtual.harness import POISON, Program

SIZE = "size_t *"
LAYOUTS = {"v12": ("cudaGetDeviceProperties_v2", 1032), "v13": ("cudaGetDeviceProperties", 1008)}
RUNTIMES = ("v12", "v13")
DIM3 = 1 << 32 | 1
"""The first two words of one."""


def errors(program: Program) -> list[int]:
    """The last error, looked at and then taken."""
    return [program.call("cudaPeekAtLastError"), program.call("cudaGetLastError")]


def properties(program: Program, layout: str, device: int = 0) -> Any:
    """A cudaDeviceProp, with nothing written behind it."""
    function, size = LAYOUTS[layout]
    memory = ffi.new("char[]", b"w" * (size + 64))
    assert program.call(function, memory, device) == 0
    assert ffi.buffer(memory)[size : size + 64] == b"w" * 64
    program.keep = memory  # type: ignore[attr-defined]
    return ffi.cast(f"cudaDeviceProp_{layout} *", memory)


def fields(struct: Any) -> dict[str, Any]:
    """What a struct says, but for the UUID, which the records leave out, and what is reserved."""
    found: dict[str, Any] = {}
    for name, field in ffi.typeof(struct).item.fields:
        value = getattr(struct, name)
        if name not in ("uuid", "reserved"):
            found[name] = value if field.type.kind == "primitive" else ffi.buffer(value)[:]
    return found


class TestProperties:
    @pytest.mark.parametrize("layout", RUNTIMES)
    def test_every_field(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        seen = properties(h100, layout)
        recorded = ffi.new("char[]", bytes.fromhex(real[layout]["properties"][1]))
        assert fields(seen) == fields(ffi.cast(f"cudaDeviceProp_{layout} *", recorded))

    @pytest.mark.parametrize("layout", RUNTIMES)
    def test_what_ggml_reads(self, machine: Machine, layout: str) -> None:
        second = properties(machine("h100;t4"), layout, 1)
        assert ffi.string(second.name) == b"Tesla T4"
        assert (second.major, second.minor, second.multiProcessorCount, second.warpSize) == (7, 5, 40, 32)
        assert (second.pciDomainID, second.pciBusID, second.integrated) == (0, 2, 0)

    @pytest.mark.parametrize("layout", RUNTIMES)
    def test_uuid_is_the_drivers(self, h100: Program, layout: str) -> None:
        seen = bytes(ffi.buffer(properties(h100, layout).uuid.bytes))
        assert h100.raw("cuDeviceGetUuid_v2", 16, 0) == [0, seen.hex()]

    @pytest.mark.parametrize("layout", RUNTIMES)
    def test_misuse(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        function, size = LAYOUTS[layout]
        assert [h100.raw(function, size, 9)[0], errors(h100)] == real[layout]["properties_9"]
        assert [h100.call(function, None, 0), errors(h100)] == real[layout]["properties_null"]


class TestRules:
    """A user's hooks on the driver's functions change what the runtime says."""

    @pytest.fixture
    def ampere(self) -> Policy:
        policy = Policy()

        @policy.hook("cuDeviceGetAttribute", caller="libcudart*")
        def attribute(call: Any) -> int | None:
            return call.reply(pi={75: 8, 76: 6}[call.attrib]) if call.attrib in (75, 76) else None

        @policy.hook("cuDeviceTotalMem_v2")
        def total(call: Any) -> int:
            assert call.forward().ok
            return int(call.reply(bytes=call.bytes[0] // 2))

        @policy.hook("cuDeviceGetName")
        def name(call: Any) -> int:
            return int(call.reply(name="Rule"))

        return policy

    @pytest.mark.parametrize("layout", RUNTIMES)
    def test_properties(self, machine: Machine, ampere: Policy, layout: str) -> None:
        seen = properties(machine("h100", ampere), layout)
        assert (seen.major, seen.minor) == (8, 6)
        assert seen.totalGlobalMem == 85017493504 // 2
        assert ffi.string(seen.name) == b"Rule"

    def test_attribute(self, machine: Machine, ampere: Policy) -> None:
        program = machine("h100", ampere)
        assert program.number("cudaDeviceGetAttribute", 75, 0) == [0, 8]
        assert program.number("cuDeviceGetAttribute", 75, 0, caller="ollama") == [0, 9]

    def test_a_failing_driver_function(self, machine: Machine) -> None:
        policy = Policy()
        policy.hook("cuMemGetInfo_v2", caller="libcudart*")(lambda call: 2)
        program = machine("h100", policy)
        assert program.number("cudaMemGetInfo", None, ctype=SIZE) == [2, POISON]
        assert errors(program) == [2, 2]

    def test_init_fails(self, machine: Machine) -> None:
        policy = Policy()
        policy.hook("cuInit")(lambda call: 999)
        program = machine("h100", policy)
        assert program.number("cudaGetDeviceCount") == [999, POISON]
        assert errors(program) == [999, 999]


@pytest.mark.parametrize("layout", RUNTIMES)
class TestAnswers:
    """Each question of data/read_queries.py, in its order: some answers depend on the ones before."""

    def test_versions(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        answers = real[layout]
        assert errors(h100) == answers["errors_at_start"]
        assert h100.number("cudaRuntimeGetVersion") == [0, 13000]  # the library's own where there is a real one
        assert [h100.call("cudaRuntimeGetVersion", None), errors(h100)] == answers["runtime_version_null"]
        assert h100.number("cudaDriverGetVersion") == answers["driver_version"]
        assert [h100.call("cudaDriverGetVersion", None), errors(h100)] == answers["driver_version_null"]

    def test_devices(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        answers = real[layout]
        assert [h100.number("cudaGetDeviceCount"), errors(h100)] == answers["count"]
        assert h100.number("cuDeviceGetCount") == [0, 1]
        assert [h100.call("cudaGetDeviceCount", None), errors(h100)] == answers["count_null"]
        assert [h100.number("cudaGetDevice"), errors(h100)] == answers["device"]
        assert [h100.call("cudaGetDevice", None), errors(h100)] == answers["device_null"]
        assert {n: [h100.call("cudaSetDevice", int(n)), errors(h100)] for n in ("9", "-1", "0")} == answers["set"]

    def test_attributes(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        answers = real[layout]
        seen = {n: h100.number("cudaDeviceGetAttribute", int(n), 0) for n in answers["attributes"]}
        assert seen == answers["attributes"]
        assert errors(h100) == answers["errors_after_attributes"]
        assert [h100.number("cudaDeviceGetAttribute", 75, 9), errors(h100)] == answers["attribute_9"]
        assert [h100.call("cudaDeviceGetAttribute", None, 75, 0), errors(h100)] == answers["attribute_null"]
        assert h100.number("cudaDeviceGetAttribute", 9999, 9) == answers["attribute_9999_on_9"]

    def test_pci_bus_ids(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        answers = real[layout]
        for length, (result, digits) in answers["pci"].items():
            seen = h100.raw("cudaDeviceGetPCIBusId", 40, int(length), 0)
            assert seen == [result, digits] or int(length) < 0  # nothing is written here for a negative length
            assert seen[0] == result
        errors(h100)
        assert [h100.raw("cudaDeviceGetPCIBusId", 16, 16, 9), errors(h100)] == answers["pci_9"]
        seen = [[h100.number("cudaDeviceGetByPCIBusId", text), errors(h100)] for text in ("0000:77:00.0", "x")]
        assert seen == answers["by_pci"]
        assert h100.number("cudaDeviceGetByPCIBusId", "0000:00:06.0") == [0, 0]

    def test_memory(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        answers = real[layout]
        total = ffi.new(SIZE)
        assert [h100.number("cudaMemGetInfo", total, ctype=SIZE), total[0]] == answers["memory"]
        assert h100.number("cuMemGetInfo_v2", total, ctype=SIZE) == answers["memory"][0]
        assert [
            [h100.call("cudaMemGetInfo", None, total), errors(h100)],
            [h100.call("cudaMemGetInfo", total, None), errors(h100)],
        ] == answers["memory_null"]

    def test_peers(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        seen = [[h100.number("cudaDeviceCanAccessPeer", 0, n), errors(h100)] for n in (0, 9)]
        assert seen == real[layout]["peer"]

    def test_last_error(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        answers = real[layout]
        assert h100.call("cudaSetDevice", 9) == answers["set_fails"]
        assert h100.number("cudaGetDevice") == answers["success_after_failure"]
        assert [errors(h100), errors(h100)] == answers["error_kept"]

    def test_error_texts(self, h100: Program, real: dict[str, Any], layout: str) -> None:
        answers = real[layout]
        for key, function in (("strings", "cudaGetErrorString"), ("names", "cudaGetErrorName")):
            assert {code: h100.call(function, int(code)) for code in answers[key]} == answers[key]
        assert h100.call("cudaGetErrorString", 12345) == answers["string_unknown"]
        assert h100.call("cudaGetErrorName", 12345) == answers["name_unknown"]

    @pytest.mark.parametrize("hidden", ["-1", "0,0"])
    def test_no_device(
        self, h100: Program, real: dict[str, Any], environment: dict[str, str], layout: str, hidden: str
    ) -> None:
        """Every function fails with what cuInit said, the last error included; versions are known."""
        environment["CUDA_VISIBLE_DEVICES"] = hidden
        answers = real[f"{layout} CUDA_VISIBLE_DEVICES={hidden}"]
        function, size = LAYOUTS[layout]
        assert errors(h100) == answers["errors_at_start"]
        assert h100.number("cudaDriverGetVersion") == answers["driver_version"]
        assert [h100.call("cudaDriverGetVersion", None), errors(h100)] == answers["driver_version_null"]
        assert [h100.number("cudaGetDeviceCount"), errors(h100)] == answers["count"]
        assert [h100.number("cudaGetDevice"), errors(h100)] == answers["device"]
        assert [h100.call("cudaSetDevice", 0), errors(h100)] == answers["set"]
        assert [h100.raw(function, size, 0)[0], errors(h100)] == answers["properties"]
        assert [h100.number("cudaMemGetInfo", None, ctype=SIZE), errors(h100)] == answers["memory"]


class TestThreads:
    @staticmethod
    def elsewhere(action: Any) -> Any:
        """What an action gives in another thread."""
        seen: list[Any] = []
        thread = threading.Thread(target=lambda: seen.append(action()))
        thread.start()
        thread.join()
        return seen[0]

    def test_each_has_its_current_device(self, machine: Machine) -> None:
        program = machine("h100;t4")
        assert program.call("cudaSetDevice", 1) == 0
        assert program.number("cudaGetDevice") == [0, 1]
        assert self.elsewhere(lambda: program.number("cudaGetDevice")) == [0, 0]

    def test_each_has_its_last_error(self, h100: Program) -> None:
        assert h100.call("cudaSetDevice", 9) == 101
        assert self.elsewhere(lambda: errors(h100)) == [0, 0]
        assert errors(h100) == [101, 101]

    def test_memory_is_the_current_devices(self, machine: Machine) -> None:
        program = machine("h100;t4")
        total = ffi.new(SIZE)
        program.call("cudaSetDevice", 1)
        program.call("cudaMemGetInfo", ffi.new(SIZE), total)
        assert total[0] == 15637086208
        assert self.elsewhere(lambda: program.number("cuMemGetInfo_v2", total, ctype=SIZE))[0] == 201


class TestLaunches:
    """A launch that is not made must not pass for one: its caller sees nothing but the last error."""

    def test_is_the_last_error(self, h100: Program) -> None:
        assert h100.call("cudaLaunchKernel", 4096, DIM3, DIM3, None, 0, None) == 98
        assert errors(h100) == [98, 98]

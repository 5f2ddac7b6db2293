"""The same policies give the same verdicts preloaded and under FakeDriver: random calls over the same driver."""

from __future__ import annotations

import ctypes
import functools
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import support

from testing.conftest import PolicyFile
from vgpu_embed import tables
from vgpu_embed.cli import service
from vgpu_embed.testing import FakeDriver, ffi

pytestmark = pytest.mark.every_python

FIRST = """
value = policy.option("value", 1)

@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    number = call.number("attrib")
    call.log.error("asked for an attribute", attrib=number, dev=call.dev)
    if number == 10:
        return call.reply(pi=value.value)
    if number == 16 and call.forward().ok:
        return call.reply(pi=call.pi[0] + value.value)
    if number == 75:
        return CUresult.ERROR_INVALID_VALUE
    if number == 76:
        call.forward()
        return None
    if number == 999:
        raise ValueError("no such attribute")

@policy.answer("cuDeviceGetName", caller="libcaller*")
def name(call):
    call.log.error("asked for a name", len=call.len, dev=call.dev)
    return call.reply(name=f"GPU {call.dev} of {value.value} for {call.caller}")

@policy.answer("cuDeviceGetName", program="other")
def other_name(call):
    return CUresult.ERROR_UNKNOWN

@policy.answer("cuDeviceTotalMem_v2", "cuDeviceGetUuid_v2", "cuDeviceComputeCapability")
def identity(call):
    call.log.error("asked who it is")
    if call.function == "cuDeviceTotalMem_v2":
        return call.reply(bytes=value.value * GiB)
    if call.function == "cuDeviceGetUuid_v2":
        return call.reply(uuid=b"0123456789abcdef")
    return call.reply(major=9, minor=value.value) if call.dev == 0 else None

@policy.hook("cuMemAlloc_v2", where="bytesize >= 1 << 20 and not bytesize & 1")
def large(call):
    call.log.error("a large one", bytes=call.bytesize)
    result = call.forward()
    if call.bytesize % 3 == 0:
        raise ValueError("after the driver has answered")
    return call.reply(dptr=0x1000 + call.bytesize) if result.ok and call.bytesize % 8 == 0 else None

@policy.hook("cuLaunchKernel", where="gridDimX * blockDimX > 20 or sharedMemBytes == 7", caller="calls")
def launch(call):
    call.log.error("launches", shared=call.sharedMemBytes, grid=call.gridDimX)
    return CUresult.ERROR_LAUNCH_OUT_OF_RESOURCES if call.sharedMemBytes != 7 else None

@policy.hook("cuCtxGetDevice")
def device(call):
    made = call.make("cuDeviceGetAttribute", attrib=10, dev=0)
    return call.reply(made.result, device=made.pi)

@policy.hook("cuDeviceGetP2PAttribute", where="srcDevice != 1")
def peers(call):
    assert call.number("attrib") % 2, "even"

@policy.hook("cuDeviceGetP2PAttribute")
def peers_too(call):
    return CUresult.ERROR_INVALID_DEVICE if call.dstDevice else None
"""

SECOND = """
value = policy.option("value", 1)

@policy.hook("cuDeviceGetAttribute", caller="libcaller*")
def attribute(call):
    if call.number("attrib") == 0:
        raise ValueError("a hook behind an answer")
    return call.reply(pi=76) if call.number("attrib") == 76 else None

@policy.hook("cuInit", where="Flags == 1")
def init(call):
    raise ValueError("not with flags")

@policy.hook("cuMemFree_v2", "cuMemGetInfo_v2")
def memory(call):
    if call.function == "cuMemFree_v2":
        assert not call.dptr, "no such address"
        return None
    result = call.forward()
    return call.reply(free=value.value, total=7)

@policy.hook("cuCtxGetApiVersion", program=["calls", "other"])
def version(call):
    result = call.forward()
    return call.reply(version=value.value) if result.ok else result

@policy.hook("cuModuleGetFunction")
def function(call):
    call.log.error(f"gets {call.name}")
    return CUresult.ERROR_NOT_FOUND if call.name == "saxpy" else call.reply(hfunc=0x10)

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    return call.forward() if call.bytesize < 1 << 21 else CUresult.ERROR_OUT_OF_MEMORY

seen = []

@policy.observe("cuDevice*", "cuLaunchKernel", "cuMemFree_v2", caller="libcaller*")
def see(events):
    inputs = ("attrib", "dev", "len", "gridDimX", "sharedMemBytes", "dptr")
    for event in events:
        known = {name: event.args[name] for name in inputs if name in event.args}
        seen.append([event.function, event.caller, event.result, event.verdict > 0, known])

@policy.command
def observed():
    return seen
"""

POOL: dict[str, list[Any]] = {
    "cuInit": [[0, 0, 1]],
    "cuCtxGetApiVersion": [[0], [":4", ":4", 0]],
    "cuDeviceGetCount": [[":4"]],
    "cuDeviceGet": [[":4"], [0, 1, 0xFFFFFFFF]],
    "cuDeviceGetAttribute": [[":4", ":4", ":4", 0], [0, 10, 16, 75, 76, 100, 999], [0, 0, 1]],
    "cuDeviceGetName": [[":40"], [0, 1, 4, 20, 40], [0, 1]],
    "cuDeviceTotalMem_v2": [[":8", 0], [0, 1]],
    "cuDeviceGetUuid_v2": [[":16"], [0, 1]],
    "cuDeviceGetPCIBusId": [[":20"], [4, 20], [0, 1]],
    "cuDeviceComputeCapability": [[":4"], [":4", ":4", 0], [0, 1]],
    "cuDeviceGetP2PAttribute": [[":4"], [1, 2, 3, 4], [0, 0, 1], [0, 0, 1]],
    "cuMemAlloc_v2": [[":8", ":8", 0], [0, 1, 4096, 1 << 20, 3 << 20, (1 << 20) + 1, (1 << 20) + 2, 1 << 21, 1 << 60]],
    "cuMemFree_v2": [[0, 0, 0x1234]],
    "cuMemGetInfo_v2": [[":8"], [":8", 0]],
    "cuCtxGetDevice": [[":4"]],
    "cuCtxGetLimit": [[":8"], [0, 1]],
    "cuStreamQuery": [[0, 0x10]],
    "cuModuleGetFunction": [[":8"], [0], ["=saxpy", "=gemm"]],
    "cuLaunchKernel": [[0x10], *[[1, 5]] * 6, [0, 7], [0], [0], [0]],
}
"""What each argument may be, as tests/testing/calls.c reads it."""

Line = tuple[str, str, list[Any]]


def lines(seed: int, count: int) -> Iterator[Line]:
    """Random calls; a function is often called several times in a row."""
    choose = random.Random(seed)
    function = ""
    for _ in range(count):
        if not function or choose.random() < 0.6:
            function = choose.choice(list(POOL))
        yield choose.choice(("program", "library")), function, [choose.choice(values) for values in POOL[function]]


def masked(function: str, outputs: list[str]) -> list[str]:
    """Without the addresses that the driver made up."""
    if function == "cuMemAlloc_v2" and outputs and int.from_bytes(bytes.fromhex(outputs[0]), "little") >= 1 << 46:
        return ["an address"]
    return outputs


# ---- preloaded -----------------------------------------------------------------------------------------------------


class Preloaded:
    """tests/testing/calls with the library in it."""

    def __init__(self, policies: list[Path], folder: Path, log: str) -> None:
        self.log = folder / "driver.log"
        self.log.touch()
        self.errors = folder / "stderr"
        environment = {
            **support.clean_environment(),
            **support.preloading(policy=policies, log=log),
            "FAKE_CUDA_LOG": str(self.log),
        }
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [support.built(Path(__file__).parent) / "calls"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def call(self, whose: str, function: str, arguments: list[Any]) -> list[str]:
        """The result, and what lies in each room."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(" ".join(map(str, [whose, function, *arguments])) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def set(self, option: str, value: int) -> None:
        service.ask(self.process.pid, {"set": f"{option}={value}"})

    def observed(self) -> Any:
        return service.ask(self.process.pid, {"command": "observed"})["value"]

    def end(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0, self.errors.read_text()

    def said(self) -> list[str]:
        """The lines of policies and about them, without what the log puts around them."""
        return re.findall(r"^\[libvgpu-cuda\] ((?:cu\w+: |/).*) \(pid=\d+\)$", self.errors.read_text(), re.MULTILINE)

    def reached(self) -> list[tuple[str, list[int]]]:
        """The calls that reached the driver: functions and whole-number inputs."""
        found = []
        for line in self.log.read_text().splitlines():
            function, _, *words = line.split()
            parameters = tables.function(function).parameters or ()
            found.append(
                (
                    function,
                    [
                        int.from_bytes(bytes.fromhex(word), "little", signed=parameter.kind == "int")
                        for parameter, word in zip(parameters, words, strict=True)
                        if parameter.direction == "in" and parameter.kind in ("int", "uint")
                    ],
                )
            )
        return found


# ---- under FakeDriver ----------------------------------------------------------------------------------------------


@functools.cache
def real_driver() -> ctypes.CDLL:
    return ctypes.CDLL(str(support.fake_driver() / "libcuda.so.1"))


class Faked:
    """The same under FakeDriver, whose answers are those of the driver that stands under the other."""

    def __init__(self, policies: list[Path]) -> None:
        self.driver = FakeDriver(policies, program="calls")
        self.allocated: list[int] = []
        for function in POOL:
            self.driver.answers[function] = functools.partial(self.real, function)

    def real(self, function: str, call: Any) -> int:
        """Calls the driver with what is in the frame."""
        row = tables.function(function)
        words = [call.frame.gp[n] for n in range(6)] + [call.frame.stack[n] for n in range(row.stack_words)]
        result = int(getattr(real_driver(), function)(*map(ctypes.c_uint64, words))) & 0xFFFFFFFF
        if function == "cuMemAlloc_v2" and result == 0:
            self.allocated.append(int(call.dptr[0]))
        return result

    def call(self, whose: str, function: str, arguments: list[Any]) -> list[str]:
        rooms, given = [], []
        for argument in arguments:
            text = str(argument)
            if text.startswith(":"):
                rooms.append(ffi.new("char[]", b"w" * int(text[1:])))
            given.append(rooms[-1] if text[0] == ":" else text[1:] if text[0] == "=" else argument)
        parameters = tables.function(function).parameters or ()
        for place, parameter in enumerate(parameters):
            if given[place] == 0 and parameter.kind == "pointer":
                given[place] = None
        called = self.driver.call(function, *given, caller={"program": "calls", "library": "libcaller.so"}[whose])
        return [f"{called.result:x}", *(bytes(ffi.buffer(room)[: len(room) - 1]).hex() for room in rooms)]

    def set(self, option: str, value: int) -> None:
        self.driver.set(option, value)

    def observed(self) -> Any:
        return self.driver.command("observed")

    def end(self) -> None:
        """Gives back what was allocated, so that the next one has as much."""
        for address in self.allocated:
            real_driver().cuMemFree_v2(ctypes.c_uint64(address))

    def said(self) -> list[str]:
        return self.driver.log

    def reached(self) -> list[tuple[str, list[int]]]:
        found = []
        for call in self.driver.calls:
            parameters = tables.function(call.function).parameters or ()
            wanted = [p for p in parameters if p.direction == "in" and p.kind in ("int", "uint")]
            found.append((call.function, [int(getattr(call, p.attribute)) for p in wanted]))
        return found


@pytest.mark.parametrize("log", ["error", "info"])  # with info, C leaves each call without a verdict to Python
@pytest.mark.parametrize("seed", range(5))
def test_random_calls(policy_file: PolicyFile, tmp_path: Path, seed: int, log: str) -> None:
    """Results, outputs, what reaches the driver, events and log lines are the same, through changes of options."""
    policies = [
        policy_file(FIRST, "failures=3", "first.py"),
        policy_file(SECOND, 'on_error="deny", failures=2', "second.py"),
    ]
    preloaded, faked = Preloaded(policies, tmp_path, log), Faked(policies)
    choose = random.Random(-seed)
    for number, (whose, function, arguments) in enumerate(lines(seed, 250)):
        here, there = faked.call(whose, function, arguments), preloaded.call(whose, function, arguments)
        shown = f"call {number}: {whose} {function} {arguments}"
        assert [here[0], *masked(function, here[1:])] == [there[0], *masked(function, there[1:])], shown
        if choose.random() < 0.04:
            value = choose.randrange(10)
            preloaded.set("value", value)
            faked.set("value", value)
    assert faked.observed() == preloaded.observed()
    preloaded.end()
    faked.end()
    assert faked.said() == preloaded.said()
    assert faked.reached() == preloaded.reached()

"""What `--gpu` changes over a driver: here, a virtual machine stands for the real card below."""

from __future__ import annotations

from typing import Any

import pytest

from vgpu_embed import devices
from vgpu_embed.devices import Profile
from vgpu_embed.policies.devices import PCI_IDS, seen
from vgpu_embed.testing import FakeDriver, ffi
from virtual.harness import Program

SIZE = "size_t *"


def over(gpu: str, *shown: Profile, initialised: bool = True) -> Program:
    """A program on a machine with these cards, the first shown as others."""
    return Program(FakeDriver(seen(shown) if shown else (), gpu=gpu, initialised=initialised))


@pytest.fixture
def card() -> Program:
    """Two real cards."""
    return over("2xt4")


@pytest.fixture
def shown() -> Program:
    """The first shown as an H100."""
    return over("2xt4", devices.load("h100"))


def test_attributes_are_the_profiles(shown: Program, card: Program) -> None:
    profile = devices.load("h100")
    for number, value in profile.attributes.items():
        answer = card.number("cuDeviceGetAttribute", number, 0)[1] if number in PCI_IDS else value
        assert shown.number("cuDeviceGetAttribute", number, 0) == [0, answer]


def test_name_and_sizes(shown: Program) -> None:
    assert bytes.fromhex(shown.raw("cuDeviceGetName", 96, 96, 0)[1]).startswith(b"NVIDIA H100 80GB HBM3\0")
    assert shown.number("cuDeviceTotalMem_v2", 0, ctype=SIZE) == [0, 85017493504]
    assert shown.number("cuDeviceTotalMem", 0, ctype="unsigned int *") == [0, 0xFFFFFFFF]
    major, minor = ffi.new("int *"), ffi.new("int *")
    assert shown.call("cuDeviceComputeCapability", major, minor, 0) == 0
    assert (major[0], minor[0]) == (9, 0)
    properties = ffi.new("CUdevprop *")
    assert shown.call("cuDeviceGetProperties", properties, 0) == 0
    assert properties.clockRate == 1980000


def test_what_is_used_stays_used(shown: Program, card: Program) -> None:
    free, total = ffi.new(SIZE), ffi.new(SIZE)
    assert card.call("cuMemGetInfo_v2", free, total) == 0
    used = total[0] - free[0]
    assert used > 0
    assert shown.call("cuMemGetInfo_v2", free, total) == 0
    assert (free[0], total[0]) == (85017493504 - used, 85017493504)


def test_a_small_memory_is_not_less_than_empty() -> None:
    small = over("2xt4", devices.load("h100", memory="1MiB"))
    free, total = ffi.new(SIZE), ffi.new(SIZE)
    assert small.call("cuMemGetInfo_v2", free, total) == 0
    assert (free[0], total[0]) == (0, 1 << 20)


def test_identity_is_the_cards(shown: Program, card: Program) -> None:
    """The runtime verifies these."""
    assert shown.raw("cuDeviceGetUuid_v2", 16, 0) == card.raw("cuDeviceGetUuid_v2", 16, 0)
    assert shown.raw("cuDeviceGetPCIBusId", 16, 16, 0) == card.raw("cuDeviceGetPCIBusId", 16, 16, 0)


def test_devices_beyond_the_profiles_are_the_cards(shown: Program, card: Program) -> None:
    assert shown.number("cuDeviceGetCount") == [0, 2]
    assert shown.number("cuDeviceGetAttribute", 75, 1) == [0, 7]
    assert shown.raw("cuDeviceGetName", 16, 16, 1) == card.raw("cuDeviceGetName", 16, 16, 1)
    assert shown.number("cuDeviceTotalMem_v2", 1, ctype=SIZE) == card.number("cuDeviceTotalMem_v2", 1, ctype=SIZE)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("cuDeviceGetAttribute", (75, 9)), ("cuDeviceGetAttribute", (9999, 0)), ("cuDeviceTotalMem_v2", (-1,))],
)
def test_what_fails_fails(shown: Program, card: Program, function: str, arguments: tuple[int, ...]) -> None:
    result = shown.number(function, *arguments)
    assert result[0] != 0
    assert result[0] == card.number(function, *arguments)[0]


def test_nothing_is_known_before_init() -> None:
    shown = over("t4", devices.load("h100"), initialised=False)
    assert shown.number("cuDeviceGetAttribute", 16, 0)[0] == 3
    assert shown.number("cuDeviceTotalMem_v2", 0, ctype=SIZE)[0] == 3
    assert shown.raw("cuDeviceGetName", 8, 8, 0) == [3, b"wwwwwwww".hex()]
    assert shown.number("cuMemGetInfo_v2", None, ctype=SIZE)[0] == 3


def test_the_other_compute_capability_is_said_once(shown: Program) -> None:
    for attribute in (75, 76, 75, 16):
        shown.number("cuDeviceGetAttribute", attribute, 0)
    (line,) = shown.driver.log
    assert "device 0 is shown with compute capability 9.0, but the card's major number is 7" in line
    assert "caller=" in line
    assert "program=" in line


def test_the_same_compute_capability_is_not_worth_a_word() -> None:
    program = over("2xt4", devices.load("t4", memory="8GiB"))
    calls: list[Any] = [program.number("cuDeviceGetAttribute", attribute, 0) for attribute in (75, 76)]
    assert calls == [[0, 7], [0, 5]]
    assert program.driver.log == []

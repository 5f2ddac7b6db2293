"""`--policy devices`: what `--gpu` does, at a place in the order of policies, by an option."""

from __future__ import annotations

import pytest
import support

from policies.conftest import python
from vgpu_embed import PolicyError
from vgpu_embed.testing import FakeDriver

LOOK = """
name, size = ctypes.create_string_buffer(64), c_size_t()
cuda.cuDeviceGetName(name, 64, 0)
cuda.cuDeviceTotalMem_v2(byref(size), 0)
print(name.value.decode(), size.value >> 30)
"""


def test_without_the_option_nothing_changes() -> None:
    driver = FakeDriver("devices", gpu="t4")
    assert driver.cuDeviceGetName(dev=0).name == "Tesla T4"
    assert driver.policies[0].handlers == []


def test_devices_are_shown_in_their_places() -> None:
    driver = FakeDriver("devices", gpu="3xt4", options={"gpu": "h100 a100:memory=40GiB"})
    names = [driver.cuDeviceGetName(dev=device).name for device in range(3)]
    assert names == ["NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB", "Tesla T4"]
    assert driver.cuDeviceTotalMem_v2(dev=1).bytes == 40 << 30
    assert driver.cuDeviceGetCount().count == 3


def test_it_changes_while_running() -> None:
    driver = FakeDriver("devices", gpu="t4", options={"gpu": "a100:memory=40GiB"})
    assert driver.cuDeviceTotalMem_v2(dev=0).bytes == 40 << 30
    driver.set("gpu", "a100:memory=20GiB")
    assert driver.cuDeviceTotalMem_v2(dev=0).bytes == 20 << 30
    driver.set("gpu", "")
    assert driver.cuDeviceGetName(dev=0).name == "Tesla T4"


def test_an_unknown_gpu_is_a_sentence() -> None:
    with pytest.raises(PolicyError, match=r"gpu: .*h1000"):
        FakeDriver("devices", options={"gpu": "h1000"})


def test_a_real_driver_discards_nothing() -> None:
    with pytest.raises(PolicyError, match="backing=discard is for virtual GPUs"):
        FakeDriver("devices", options={"gpu": "h100:backing=discard"})


@pytest.mark.every_python
def test_in_a_program() -> None:
    done = support.run_preloaded(python(LOOK), policy="devices", options="gpu=a100:memory=40GiB")
    assert done.stdout == "NVIDIA A100-SXM4-80GB 40\n", done.stderr
    assert support.run_bare(python(LOOK)).stdout == "Fake GPU 0 24\n"

"""--gpu and VGPU_GPU: what they make, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgpu_embed import devices
from vgpu_embed.devices.values import UNITS
from vgpu_embed.enums import DeviceAttribute as A

from .conftest import GPUS


def shown(spec: str | list[str]) -> list[tuple[str, str, str]]:
    return [(one.id, one.uuid_text, one.pci_bus_id) for one in devices.parse_spec(spec)]


def test_three_devices_two_ways() -> None:
    joined = shown("2xh100;a100:memory=40GiB")
    assert [id for id, _, _ in joined] == ["h100", "h100", "a100"]
    assert shown(["2xh100", "a100:memory=40GiB"]) == joined
    assert [bus for _, _, bus in joined] == ["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"]


@pytest.mark.parametrize("spec", ["H100", " h100 ", "1xh100", "1X h100".lower()])
def test_spellings(spec: str) -> None:
    assert shown(spec) == shown("h100")


@pytest.mark.parametrize("name", ["RTX-4090", "rtx_4090", "Rtx 4090"])
def test_spellings_of_a_longer_name(name: str) -> None:
    assert shown(name) == shown("rtx-4090")


def test_every_process_sees_the_same_devices() -> None:
    program = "from vgpu_embed import devices\nfor one in devices.parse_spec('2xh100;t4'): print(one)"
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(devices.__file__).parents[2])},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_a_device_keeps_its_uuid_in_other_company() -> None:
    alone = devices.parse_spec("2xh100")
    after = devices.parse_spec("a100;2xh100")[1:]
    assert [one.uuid for one in alone] == [one.uuid for one in after]


def test_first_digits_of_uuids_tell_devices_apart() -> None:
    everybody = devices.parse_spec(";".join(f"8x{name}" for name in GPUS))
    assert len({one.uuid_text[:12] for one in everybody}) == len(everybody)


def test_memory_takes_nvml_along() -> None:
    whole = devices.load("a100")
    less = devices.load("a100", memory="40GiB")
    assert less.memory == 40 * 2**30
    assert less.nvml_memory - less.memory == whole.nvml_memory - whole.memory
    back = less.replace(nvml_memory=whole.nvml_memory)
    assert (back.memory, back.nvml_memory) == (whole.memory, whole.nvml_memory)
    both = devices.load("a100", memory="1GiB", nvml_memory="2GiB")
    assert (both.memory, both.nvml_memory) == (2**30, 2**31)


def test_compute_capability_and_its_attributes_are_one() -> None:
    by_field = devices.load("h100", compute_capability="8.6", multiprocessors=66)
    by_attribute = devices.load(
        "h100",
        compute_capability_major=8,
        compute_capability_minor=6,
        multiprocessor_count=66,
    )
    assert by_field.attributes == by_attribute.attributes
    assert by_attribute.compute_capability == (8, 6)
    assert by_attribute.multiprocessors == 66
    assert by_attribute.attribute(A.MULTIPROCESSOR_COUNT) == 66
    assert by_attribute.nvml["num_gpu_cores"] == 66 * 128


def test_pci_location_and_its_attributes_are_one() -> None:
    one = devices.parse_spec("h100:pci=0001:0b:1f.0")[0]
    places = (A.PCI_DOMAIN_ID, A.PCI_BUS_ID, A.PCI_DEVICE_ID)
    assert tuple(one.attribute(number) for number in places) == one.pci == (1, 0x0B, 0x1F)
    assert one.pci_bus_id == "0001:0B:1F.0"
    other = devices.parse_spec("h100:pci_bus_id=11")[0]
    assert other.pci == (0, 11, 0)


def test_changes_of_every_kind() -> None:
    one = devices.parse_spec(
        "t4:name=My T4,uuid=GPU-00000000-0000-0000-0000-00000000000a,driver_version=12.8,"
        "driver_name=570.1,l2_cache_size=0x100000,brand=2,vbios_version=90.04"
    )[0]
    assert (one.name, one.uuid[-1], one.driver_version) == ("My T4", 10, 12080)
    assert (one.driver_name, one.attribute(A.L2_CACHE_SIZE)) == ("570.1", 2**20)
    assert (one.nvml["brand"], one.nvml["vbios_version"]) == (2, "90.04")


def test_a_change_leaves_the_built_in_profile_alone() -> None:
    before = devices.load("h100")
    devices.parse_spec("h100:warp_size=64,brand=2,memory=1GiB,pci=0000:77:00.0")
    after = devices.load("h100")
    assert (after.attributes, after.nvml, after.memory) == (
        before.attributes,
        before.nvml,
        before.memory,
    )


def test_a_driver_said_once_holds_for_all() -> None:
    versions = [one.driver_version for one in devices.parse_spec("h100;a100:driver_version=12040")]
    assert versions == [12040, 12040]


def test_places_that_were_asked_for_are_kept_free() -> None:
    seen = shown("3xh100;t4:pci=0000:02:00.0")
    assert [bus for _, _, bus in seen] == [
        "0000:01:00.0",
        "0000:03:00.0",
        "0000:04:00.0",
        "0000:02:00.0",
    ]
    first = devices.load("h100").uuid_text
    taken = [uuid for _, uuid, _ in shown(f"t4:uuid={first};2xh100")]
    assert taken[0] == first
    assert len(set(taken)) == 3


def test_own_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "t4"\n[device]\nname = "Mine"\n', "utf-8")
    two = devices.parse_spec(f"2x{path}:memory=1GiB")
    assert [(one.id, one.name, one.memory) for one in two] == [("mine", "Mine", 2**30)] * 2
    assert two[0].uuid != two[1].uuid


REFUSED = {
    "h1000": ["there is no GPU h1000", "did you mean", "h100"],
    "a10": ["there is no GPU a10", "a100"],
    "zzz": ["there is no GPU zzz", "a100, h100, h200, l40s, rtx-4090, t4"],
    "": ["names no GPU", "2xh100"],
    "h100;": ["names no GPU"],
    "2x": ["2x names no GPU"],
    "0xh100": ["0xh100 asks for 0 GPUs", "from 1 to 255"],
    "256xh100": ["asks for 256 GPUs", "255"],
    "200xh100;100xa100": ["100xa100 makes too many GPUs"],
    "h100:": ["h100: changes nothing", "memory=40GiB"],
    "h100:memory": ["memory is no change", "key=value"],
    "h100:memory=1GiB,": ["nothing is no change"],
    "h100:=1": ["=1 is no change"],
    "h100:memory=1GiB,memory=2GiB": ["memory is given twice"],
    "h100:memory=": ["memory= is not a size", "GiB"],
    "h100:memory=40G": ["memory=40G is not a size", "KiB, MiB, GiB"],
    "h100:memory=-1GiB": ["memory=-1GiB is not a size"],
    "h100:memory=0": ["memory=0 leaves the GPU without memory"],
    "h100:memory=0.1B": ["not a whole number of bytes"],
    "h100:nvml_memory=1MiB": ["nvml_memory=1048576 leaves nothing", "give memory instead"],
    "h100:memory=2GiB,nvml_memory=1GiB": ["is less than memory", "leave one of them out"],
    "h100:memroy=1GiB": ["no device attribute or field memroy", "did you mean memory?"],
    "h100:clock_rat=1": ["did you mean clock_rate"],
    "h100:warp_size=many": ["warp_size=many is not a number"],
    "h100:warp_size=0": ["warp_size=0 is too small"],
    "h100:clock_rate=3000000000": ["not a number of 32 bits"],
    "h100:multiprocessors=0": ["multiprocessors=0 is too small"],
    "h100:compute_capability=9": ["compute_capability=9 is not", "9.0"],
    "h100:compute_capability=0.9": ["not a compute capability"],
    "h100:compute_capability=8.6,compute_capability_major=9": ["say the same; give one"],
    "h100:multiprocessors=1,multiprocessor_count=1": ["say the same; give one"],
    "h100:uuid=GPU-1": ["uuid=GPU-1 is not a UUID", "GPU-8932f937"],
    "h100:pci=1": ["pci=1 is not a PCI location", "0000:0b:00.0"],
    "h100:pci=0000:00:20.0": ["not a PCI location"],
    "h100:pci_bus_id=256": ["not a PCI location"],
    "h100:driver_version=580": ["driver_version=580 is not a CUDA version", "13.0"],
    "h100:name=": ["name= is not a name"],
    "h100:max_clock_info=5": ["max_clock_info=5 is not a table"],
    "2xh100:pci=0000:05:00.0": ["two GPUs have pci=0000:05:00.0", "each its own"],
    "2xh100:uuid=GPU-00000000-0000-0000-0000-000000000001": ["two GPUs have uuid=GPU-00000000"],
    "h100:driver_version=13.0;t4:driver_version=12.8": ["12080 and 13000", "one driver"],
    "./nothing.toml": ["./nothing.toml cannot be read"],
}


@pytest.mark.parametrize(("spec", "words"), REFUSED.items(), ids=REFUSED.keys())
def test_refused(spec: str, words: list[str]) -> None:
    with pytest.raises((devices.ProfileError, devices.UnknownProfile)) as caught:
        devices.parse_spec(spec)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def test_too_many_for_one_machine() -> None:
    with pytest.raises(devices.ProfileError, match="256 GPUs are too many; there may be 255"):
        devices.distinct([devices.load("t4")] * 256)
    assert len({one.pci for one in devices.distinct([devices.load("t4")] * 255)}) == 255


counts = st.integers(1, 9)
parts = st.lists(st.tuples(counts, st.sampled_from(GPUS)), min_size=1, max_size=6)


@given(parts)
def test_any_list_of_devices_is_one_machine(wanted: list[tuple[int, str]]) -> None:
    spec = ";".join(f"{count}x{name}" for count, name in wanted)
    seen = devices.parse_spec(spec)
    assert [one.id for one in seen] == [name for count, name in wanted for _ in range(count)]
    assert len({one.uuid for one in seen}) == len({one.pci for one in seen}) == len(seen)
    assert shown(spec) == shown([f"{count}x{name}" for count, name in wanted])


@given(st.integers(1, 2**20), st.sampled_from(sorted(set(UNITS))), st.sampled_from(GPUS))
def test_any_size(number: int, unit: str, name: str) -> None:
    one = devices.parse_spec(f"{name}:memory={number}{unit}")[0]
    whole = devices.load(name)
    assert one.memory == number * UNITS[unit]
    assert one.nvml_memory - one.memory == whole.nvml_memory - whole.memory


ATTRIBUTES = {name: int(number) for name, number in A.__members__.items() if "PCI_" not in name[:4]}


@given(st.sampled_from(sorted(ATTRIBUTES)), st.integers(1, 2**31 - 1), st.sampled_from(GPUS))
def test_any_attribute(member: str, answer: int, name: str) -> None:
    number = ATTRIBUTES[member]
    spec = f"{name}:{member.lower()}={answer}"
    if number > 147:
        with pytest.raises(devices.ProfileError):
            devices.parse_spec(spec)
    else:
        one, whole = devices.parse_spec(spec)[0], devices.load(name)
        assert one.attribute(number) == answer
        assert {**one.attributes, number: whole.attribute(number)} == whole.attributes


@given(st.text(max_size=40))
def test_any_text_gives_devices_or_a_sentence(text: str) -> None:
    try:
        seen = devices.parse_spec(text)
    except (devices.ProfileError, devices.UnknownProfile):
        return
    assert seen


KEYS = ("memory", "uuid", "pci", "compute_capability", "driver_version", "brand", "name", "serial")


@given(st.sampled_from(GPUS), st.text(max_size=12) | st.sampled_from(KEYS), st.text(max_size=12))
def test_any_change_gives_a_device_or_a_sentence(name: str, key: str, value: str) -> None:
    try:
        seen = devices.load(name, **{key: value})
    except devices.ProfileError:
        return
    assert seen.id == name

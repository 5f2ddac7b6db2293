"""CUDA_VISIBLE_DEVICES means what it means to a real driver."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgpu_embed import devices
from vgpu_embed.devices.profile import Profile
from vgpu_embed.devices.visible import init_result, visible

from .conftest import measured
from .data.read_gpu import uuid_values

TWO = devices.parse_spec("2xh100")
EIGHT = devices.parse_spec("8xh100")
REAL = measured("visible")
OF_UUIDS = uuid_values(TWO[0].uuid_text, TWO[1].uuid_text)


def seen(machine: list[Profile], value: str | None) -> list[int]:
    """Which devices are left, by where they stand in the machine."""
    uuids = [one.uuid for one in machine]
    return [uuids.index(one.uuid) for one in visible(machine, value)]


@pytest.mark.parametrize(("value", "result", "order"), REAL["values"])
def test_as_the_real_driver(value: str, result: int, order: list[int]) -> None:
    assert seen(TWO, value) == order
    assert init_result(TWO, value) == result


@pytest.mark.parametrize(("label", "result", "order"), REAL["uuids"])
def test_uuids_as_the_real_driver(label: str, result: int, order: list[int]) -> None:
    assert seen(TWO, OF_UUIDS[label]) == order
    assert init_result(TWO, OF_UUIDS[label]) == result


def test_every_value_of_uuids_was_asked() -> None:
    assert {label for label, *_ in REAL["uuids"]} == OF_UUIDS.keys()


@pytest.mark.parametrize(("order", "result", "left"), REAL["orders"])
def test_device_order(order: str, result: int, left: list[int]) -> None:
    assert init_result(TWO, "1,0", order) == result
    assert result or seen(TWO, "1,0") == left


def test_not_set() -> None:
    assert seen(TWO, None) == [0, 1]
    assert init_result(TWO, None) == 0
    assert (visible([], None), init_result([], None)) == ([], 100)


def test_prefix_that_two_devices_share() -> None:
    """NVIDIA's guide: enough digits to identify the GPU; fewer are invalid."""
    alike = [
        TWO[0].replace(uuid="GPU-abc00000-0000-0000-0000-000000000000"),
        TWO[1].replace(uuid="GPU-abd00000-0000-0000-0000-000000000000"),
    ]
    assert seen(alike, "GPU-ab") == []
    assert seen(alike, "GPU-abd") == [1]


def test_groups_of_boards_are_counted_anew() -> None:
    (second,) = visible(TWO, "1")
    assert TWO[1].attribute(85) == 1
    assert second.attribute(85) == 0
    assert {**second.attributes, 85: 1} == TWO[1].attributes


def test_longer_than_any_number() -> None:
    assert visible(TWO, "9" * 100_000) == []


@given(st.permutations(range(8)), st.integers(0, 8))
def test_any_indices(order: list[int], length: int) -> None:
    value = ",".join(map(str, order[:length]))
    assert seen(EIGHT, value) == order[:length]


@given(st.permutations(range(8)), st.integers(1, 8))
def test_index_and_uuid_agree(order: list[int], length: int) -> None:
    by_index = seen(EIGHT, ",".join(map(str, order[:length])))
    by_uuid = seen(EIGHT, ",".join(EIGHT[index].uuid_text for index in order[:length]))
    assert by_index == by_uuid


@given(st.lists(st.integers(0, 7), max_size=4), st.sampled_from(["-1", "8", "x", "", "GPU-"]))
def test_the_list_ends_at_the_first_invalid_entry(order: list[int], invalid: str) -> None:
    doubled = len(set(order)) < len(order)
    value = ",".join([*map(str, order), invalid, "0"])
    assert seen(EIGHT, value) == ([] if doubled else order)


@given(st.text(alphabet="0123456789,-+ xGPUabcdef\t", max_size=30))
def test_any_text(value: str) -> None:
    left = seen(TWO, value)
    assert left in ([], [0], [1], [0, 1], [1, 0])
    assert (init_result(TWO, value) == 0) == bool(left)

"""Hypothesis on the Python half: what a user writes, and what goes between a call's registers and a hook.

Devices and their spec have theirs in tests/devices, `vgpu-embed env` in tests/cli.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from vgpu_embed._core import ffi

from vgpu_embed import options, tables
from vgpu_embed.frames import FrameCall, call_class, kind_of
from vgpu_embed.policy import UNITS, Policy, PolicyError, apply_settings, parse_value

# ---- options of policies ----

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.integers(-(2**70), 2**70), st.sampled_from(["", "#x", "#X", "#o", "#b"]))
@example(0x1B, "#X")
def test_an_integer_comes_back_however_it_is_written(number: int, spelling: str) -> None:
    assert parse_value(format(number, spelling), 0) == number


@given(st.integers(0, 2**40), st.sampled_from(sorted(UNITS)))
def test_a_size_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert parse_value(f"{number}{unit}", 0) == number * UNITS[unit]


@given(st.integers(0, 10**6), st.sampled_from(["KiB", "MiB", "GiB", "TiB"]))
def test_a_fraction_of_a_size_is_whole_bytes(quarters: int, unit: str) -> None:
    assert parse_value(f"{quarters / 4:.2f}{unit}", 0) == quarters * UNITS[unit] // 4


@given(st.booleans(), st.sampled_from([str, str.upper, str.title]))
def test_true_and_false(value: bool, spelling: Any) -> None:
    assert parse_value(spelling(str(value)), False) is value


@given(st.floats(allow_nan=False))
def test_a_number_with_a_point_comes_back(value: float) -> None:
    assert parse_value(repr(value), 0.0) == value


NUMBERS = st.from_regex(r"[-+]?[0-9a-fx_]{0,6}[.]?[0-9]{0,4}(e[-+]?[0-9]{1,4})?(B|[KMGT]i?B)?", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(TEXT | NUMBERS, TEXT | NUMBERS)
@example("quota", "1.0e999")
def test_any_setting_is_taken_or_refused_in_a_sentence(name: str, value: str) -> None:
    policy = Policy()
    for option, default in (("quota", 1 << 30), ("share", 0.5), ("strict", True), ("name", "x")):
        policy.option(option, default)
    refused: list[str] = []
    for chosen in (name, *policy.options):
        try:
            apply_settings([policy], [f"{chosen}={value}"])
        except PolicyError as error:
            refused.append(str(error))
    assert all(sentence.startswith("--set ") for sentence in refused)
    kinds = [type(option.value) for option in policy.options.values()]
    assert kinds == [int, float, bool, str]


@given(TEXT)
def test_a_text_option_is_the_text(value: str) -> None:
    policy = Policy()
    option = policy.option("name", "")
    apply_settings([policy], [f"name={value}"])
    assert option.value == value


# ---- options of the command line ----

WORDS = st.lists(TEXT.map(lambda text: text.replace(";", "").strip()).filter(bool))


@given(WORDS)
def test_repeated_values_come_back_from_their_variable(words: list[str]) -> None:
    for option in options.OPTIONS:
        if option.repeatable:
            assert options.values(option.name, {option.variable: options.SEPARATOR.join(words)}) == words


# ---- calls ----


def known(row: tables.Function) -> bool:
    return bool(row.parameters) and row.library != "loader"


FUNCTIONS = [row for library in tables.LIBRARIES for row in map(tables.function, tables.names(library)) if known(row)]
GARBAGE = st.integers(0, 2**64 - 1)


class Received(FrameCall):
    """A call from a frame that a test filled."""

    ffi = ffi


def received(row: tables.Function, frame: Any) -> Any:
    """The call of a frame."""
    return kind_of(call_class(row.name, Received), "program", (), {})(int(ffi.cast("uintptr_t", frame)))


def frame_of(row: tables.Function, raw: dict[str, bytes], garbage: int) -> tuple[Any, Any]:
    """A frame with these bytes where the calling convention has them; everything else is garbage."""
    frame, stack = ffi.new("struct vgpu_frame *"), ffi.new("uint64_t[]", [garbage] * (row.stack_words + 1))
    for register in range(6):
        frame.gp[register] = garbage
    frame.stack = stack
    for parameter in row.parameters or ():
        kind, place = parameter.location
        where = {"gp": frame.gp, "fp": frame.xmm, "stack": stack}[kind] + place
        ffi.memmove(where, raw[parameter.attribute], len(raw[parameter.attribute]))
    return frame, stack


PACKED = {"int": {4: "<i", 8: "<q", 2: "<h", 1: "<b"}, "uint": {4: "<I", 8: "<Q", 2: "<H", 1: "<B"}}
SCALARS = {("float", 4): "<f", ("double", 8): "<d"}


def form(parameter: tables.Parameter) -> str | None:
    """How a scalar lies in memory, for struct; None for anything else."""
    return PACKED.get(parameter.kind, {}).get(parameter.size) or SCALARS.get((parameter.kind, parameter.size))


@settings(max_examples=1000, deadline=None)
@given(st.data(), st.sampled_from(FUNCTIONS), GARBAGE)
def test_a_hook_reads_what_was_passed(data: st.DataObject, row: tables.Function, garbage: int) -> None:
    """Scalars and enums of every function: sign, width, floats, registers and stack; also values no header names."""
    raw = {p.attribute: data.draw(st.binary(min_size=p.size, max_size=p.size)) for p in row.parameters or ()}
    frame, _stack = frame_of(row, raw, garbage)
    call = received(row, frame)
    for parameter in row.parameters or ():
        shape = form(parameter)
        if shape is None or parameter.direction != "in":
            continue
        (expected,) = struct.unpack(shape, raw[parameter.attribute])
        found = getattr(call, parameter.attribute)
        assert found == expected or (found != found and expected != expected), (row.name, parameter.name)
        if parameter.kind in PACKED:
            assert call.number(parameter.attribute) == expected
        if parameter.enum:
            assert type(found).__name__ == parameter.enum


OUTPUTS = {"int *": "<i", "unsigned int *": "<I", "size_t *": "<Q", "CUdeviceptr *": "<Q", "unsigned long long *": "<Q"}
WRITING = [(row, p) for row in FUNCTIONS for p in row.parameters or () if p.direction == "out" and p.ctype in OUTPUTS]


@settings(max_examples=500, deadline=None)
@given(st.data(), st.sampled_from(WRITING), st.integers(0, 2**31 - 1))
def test_what_a_hook_replies_is_what_the_program_reads(
    data: st.DataObject, which: tuple[tables.Function, tables.Parameter], result: int
) -> None:
    """And nothing beside it; a NULL is refused, not written through."""
    row, parameter = which
    shape = OUTPUTS[parameter.ctype]
    size = struct.calcsize(shape)
    memory = ffi.new("unsigned char[]", b"\xaa" * (size + 16))
    raw = {p.attribute: bytes(p.size) for p in row.parameters or ()}
    address = int(ffi.cast("uintptr_t", memory)) + 8
    raw[parameter.attribute] = struct.pack("<Q", address if data.draw(st.booleans()) else 0)
    frame, _stack = frame_of(row, raw, 0)
    call = received(row, frame)
    (value,) = struct.unpack(shape, data.draw(st.binary(min_size=size, max_size=size)))
    with pytest.raises(AttributeError):
        getattr(call, parameter.attribute)
    answer = call.reply(result, **{parameter.attribute: value})
    written = bytes(ffi.buffer(memory))
    if raw[parameter.attribute] == bytes(8):
        assert answer != 0
        assert written == b"\xaa" * (size + 16) + b"\0" * (len(written) - size - 16)
        return
    assert answer == result
    assert struct.unpack(shape, written[8 : 8 + size]) == (value,)
    assert written[:8] == b"\xaa" * 8 == written[8 + size : 16 + size]
    assert getattr(call, parameter.attribute)[0] == value


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1), max_size=60), st.integers(0, 40))
def test_text_is_cut_to_the_program_s_buffer_and_ends(text: str, room: int) -> None:
    row = tables.function("cuDeviceGetName")
    memory = ffi.new("unsigned char[]", b"\xaa" * 64)
    raw = {"name": struct.pack("<Q", int(ffi.cast("uintptr_t", memory))), "dev": bytes(4)}
    raw["len"] = struct.pack("<i", room)
    assume(set(raw) == {p.attribute for p in row.parameters or ()})
    frame, _stack = frame_of(row, raw, 0)
    received(row, frame).reply(name=text)
    whole = text.encode() + b"\0"
    expected = whole if len(whole) <= room else whole[: room - 1] + b"\0" if room else b""
    assert bytes(ffi.buffer(memory))[:64] == expected.ljust(64, b"\xaa")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.sampled_from([row.name for row in FUNCTIONS]).map(lambda name: name[:-1]))
def test_any_name_of_a_function_is_known_or_refused_in_a_sentence(name: str) -> None:
    policy = Policy()
    said = ""
    try:
        policy.hook(name)(lambda call: None)
    except PolicyError as error:
        said = str(error)
    assert bool(said) != bool(policy.handlers)

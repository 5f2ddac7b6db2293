"""The one options table."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vgpu_embed import options

CONTRACT = {
    "--gpu": "VGPU_GPU",
    "--policy": "VGPU_POLICY",
    "--set": "VGPU_SET",
    "--mode": "VGPU_MODE",
    "--kernels": "VGPU_KERNELS",
    "--machine": "VGPU_MACHINE",
    "--log": "VGPU_LOG",
    "--log-file": "VGPU_LOG_FILE",
    "--trace": "VGPU_TRACE",
    None: "VGPU_DISABLE",
}


def test_every_flag_has_its_variable() -> None:
    assert {option.flag: option.variable for option in options.OPTIONS} == CONTRACT


def test_an_unknown_option_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        options.option("gpus")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2xh100;a100:memory=40GiB", ["2xh100", "a100:memory=40GiB"]),
        (" h100 ; ", ["h100"]),
        ("", []),
        (";;", []),
    ],
)
def test_a_repeatable_variable_is_split_at_semicolons(text: str, expected: list[str]) -> None:
    assert options.values("gpu", {"VGPU_GPU": text}) == expected


def test_a_single_value_keeps_its_semicolons() -> None:
    assert options.values("trace", {"VGPU_TRACE": "/a;b"}) == ["/a;b"]


def test_the_target_process_pays_for_no_import() -> None:
    script = "import sys, __future__; before = set(sys.modules); "
    script += "exec(open(sys.argv[1]).read()); print(*set(sys.modules) - before)"
    command = [sys.executable, "-S", "-c", script, options.__file__]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.split() == []

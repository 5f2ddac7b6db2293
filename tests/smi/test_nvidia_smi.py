"""nvidia-smi over virtual GPUs, against what the real one prints."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import support
from virtual.holding import CONTEXT, holding

DATA = Path(__file__).parent / "data"
PROGRAM = support.PACKAGE / "smi/bin/nvidia-smi"
HOLDS = f"{-(-CONTEXT >> 20)}MiB"


def smi(*arguments: str, gpu: str = "h100", code: int = 0, **env: str) -> list[str]:
    """The lines that it prints; it says nothing on stderr."""
    done = support.run_preloaded([PROGRAM, *arguments], mode="virtual", gpu=gpu, env=env)
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    return done.stdout.splitlines()


def test_run_puts_it_on_path() -> None:
    """And it prints the table of an idle H100 to the letter, but for the time."""
    command = [sys.executable, "-m", "vgpu_embed.cli", "run", "--gpu", "h100:pci=0000:00:06.0", "--mode", "virtual"]
    done = support.run([*command, "--machine", "table", "nvidia-smi"])
    real = (DATA / "h100.txt").read_text("utf-8").splitlines()
    time, *rest = done.stdout.splitlines()
    assert rest == real[1:], done.stderr
    assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} {7}", time)


def test_two_different_cards() -> None:
    lines = smi(gpu="rtx-4090;h100:memory=4GiB")
    rule = "+-----------------------------------------+------------------------+----------------------+"
    assert lines[8:14] == [
        "|   0  NVIDIA GeForce RTX 4090        On  |   00000000:01:00.0 Off |                  Off |",
        "|  0%   27C    P8             14W /  450W |       0MiB /  24564MiB |      0%      Default |",
        "|                                         |                        |                  N/A |",
        rule,
        "|   1  NVIDIA H100 80GB HBM3          On  |   00000000:02:00.0 Off |                    0 |",
        "| N/A   43C    P0            126W /  700W |       0MiB /   4576MiB |      0%      Default |",
    ]


def test_what_a_process_holds() -> None:
    with holding("2xh100") as process:
        table = smi(gpu="2xh100")
        apps = smi("--query-compute-apps=pid,used_memory,gpu_uuid", "--format=csv,nounits", gpu="2xh100")
        memory = smi("--query-gpu=memory.used", "--format=csv,noheader", gpu="2xh100")
        pids = smi("-q", "-d", "PIDS", "-i", "0", gpu="2xh100")
        (row,) = smi("pmon", "-c", "1", "-i", "0", "-s", "m", gpu="2xh100")[2:]
        uuid = smi("-L", gpu="2xh100")[0].partition("UUID: ")[2].rstrip(")")
    name = sys.executable if len(sys.executable) <= 32 else "..." + sys.executable[-29:]
    assert table[9].split("|")[2] == f"{HOLDS:>11} /  81559MiB "
    assert table[-2] == f"|    0   N/A  N/A{process.pid:>16}      C   {name:<32}{HOLDS:>14} |"
    assert apps == ["pid, used_gpu_memory [MiB], gpu_uuid", f"{process.pid}, {HOLDS[:-3]}, {uuid}"]
    assert memory == [f"{HOLDS[:-3]} MiB", "0 MiB"]
    assert f"        Process ID                        : {process.pid}" in pids
    assert f"            Used GPU Memory               : {HOLDS[:-3]} MiB" in pids
    assert row.split() == ["0", str(process.pid), "C", HOLDS[:-3], "0", Path(sys.executable).name]


def test_every_property() -> None:
    """Names, order and units are the real one's, and so is each value that there is, but for what differs by card."""
    header, real = (line.split(", ") for line in (DATA / "query-gpu.csv").read_text("utf-8").splitlines())
    names = [name.partition(" ")[0] for name in header]
    head, values = (
        line.split(", ") for line in smi(f"--query-gpu={','.join(names)}", "--format=csv", gpu="h200:pci=0000:83:00.0")
    )
    assert head == header
    differ = {"timestamp", "driver_version", "uuid", "pci.sub_device_id", "vbios_version", "inforom.img"}
    differ |= {"power.draw", "power.draw.average", "power.draw.instant"}
    known = [row for row in zip(names, values, real, strict=True) if row[0] not in differ and "N/A" not in row[1]]
    assert [row for row in known if row[1] != row[2]] == []
    assert len(known) == 95


def test_help_lists_them_as_scripts_read_it() -> None:
    names = [name.partition(" ")[0] for name in (DATA / "query-gpu.csv").read_text("utf-8").split("\n")[0].split(", ")]
    text = "\n".join(smi("--help-query-gpu"))
    assert re.findall(r'\n\n"(.*?)"', text) == names
    assert '"clocks.current.graphics" or "clocks.gr"' in text


def test_formats() -> None:
    query = "--query-gpu=gpu_name,memory.total,fan.speed"
    assert smi(query, "--format=csv") == [
        "name, memory.total [MiB], fan.speed [%]",
        "NVIDIA H100 80GB HBM3, 81559 MiB, [N/A]",
    ]
    assert smi(query, "--format=csv,noheader,nounits") == ["NVIDIA H100 80GB HBM3, 81559, [N/A]"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-i", "7"], 6, "No devices were found"),
        (["--query-gpu=name,foo", "--format=csv"], 2, 'Field "foo" is not a valid field to query.'),
        (["--bar"], 2, "ERROR: Option --bar is not recognized. Please run 'nvidia-smi -h'."),
        (["--format=csv"], 2, "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."),
    ],
)
def test_mistakes(arguments: list[str], code: int, said: str) -> None:
    assert smi(*arguments, code=code)[0] == said


@pytest.mark.parametrize("one", ["1", "GPU-", "00000000:02:00.0", "02:00.0"])
def test_one_of_several(one: str) -> None:
    listed = smi("-L", gpu="h100;t4")
    if one == "GPU-":
        one = listed[1].partition("UUID: ")[2].rstrip(")")
    assert smi("-L", "-i", one, gpu="h100;t4") == listed[1:]


def test_again_and_again(tmp_path: Path) -> None:
    assert smi("dmon", "-c", "3", "-d", "0.01")[2:] == [smi("dmon", "-c", "1")[2]] * 3
    assert smi("-L", "-f", str(tmp_path / "log")) == []
    assert (tmp_path / "log").read_text().startswith("GPU 0: NVIDIA H100")


def test_nothing_needs_to_be_preloaded() -> None:
    done = support.run([PROGRAM, "-L"], env={"VGPU_GPU": "2xt4"})
    assert [line[:15] for line in done.stdout.splitlines()] == ["GPU 0: Tesla T4", "GPU 1: Tesla T4"]


@pytest.mark.parametrize("env", [{"VGPU_MODE": "native"}, {"VGPU_DISABLE": "1", "VGPU_GPU": "t4"}, {}])
def test_without_virtual_gpus_it_is_the_next_on_path(tmp_path: Path, env: dict[str, str]) -> None:
    real = tmp_path / "nvidia-smi"
    real.write_text("#!/bin/sh\necho the real one: $*\n")
    real.chmod(0o755)
    path = {"PATH": f"{PROGRAM.parent}:{tmp_path}:/usr/bin:/bin"}
    assert support.run(["nvidia-smi", "-L"], env={**env, **path}).stdout == "the real one: -L\n"
    real.unlink()
    done = support.run(["nvidia-smi", "-L"], env={**env, **path})
    assert (done.returncode, done.stdout[:32]) == (9, "NVIDIA-SMI has failed because it")

"""`vgpu-embed trace replay`: recorded calls, asked of a policy again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from recordings import chunk, record, write
from traced import run_traced

from vgpu_embed.analysis.replay import Outcome, Recorded
from vgpu_embed.cli import main
from vgpu_embed.inspect.recording import VERDICTS, Recording

HEAD = "from vgpu_embed import CUresult, GiB, Policy\npolicy = Policy()\n"
LIMIT = """
limit = policy.option("limit", 1 << 40)

@policy.hook("cuMemAlloc_v2", where="bytesize > 1000")
def allocate(call):
    if call.bytesize > limit.value:
        return CUresult.ERROR_OUT_OF_MEMORY
"""
STATE = """
sizes = []

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    sizes.append(call.bytesize)
    if len(sizes) % 4 == 0:
        return call.reply(CUresult.ERROR_OUT_OF_MEMORY)
    result = call.forward()
    return CUresult.ERROR_UNKNOWN if call.bytesize == 1001 and result.ok else result

@policy.hook("cuMemFree_v2")
def free(call):
    assert call.dptr, "an address"
    return CUresult.SUCCESS if sum(sizes) % 2 else None

@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    if call.number("attrib") == 75:
        return call.reply(pi=7)

@policy.answer("cuDeviceGetName", caller="libffi*")
def name(call):
    return call.reply(name=f"GPU {call.dev}")

@policy.hook("cuCtxSetCurrent")
def fails(call):
    raise ValueError("no opinion")
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "limit.py"
    path.write_text(HEAD + LIMIT)
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state.py"
    path.write_text(HEAD + STATE)
    return path


def replay(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["trace", "replay", *map(str, arguments)])


def outcomes(path: Path, *policies: Path | str, options: tuple[str, ...] = ()) -> list[Outcome]:
    return [one.after for one in Recorded(str(path)).run([str(policy) for policy in policies], options)]


def live(path: Path) -> list[tuple[str, int]]:
    """What became of each call, and the result."""
    with Recording(path) as recording:
        events = recording.events()
    return [(VERDICTS[min(2 * event.verdict, 2)], event.result & 0xFFFFFFFF) for event in events]


@pytest.mark.parametrize("options", [None, "limit=2010"], ids=["default", "set"])
def test_under_the_recording_policy_it_differs_nowhere(policy: Path, options: str | None, tmp_path: Path) -> None:
    path = run_traced(tmp_path / "a.trace", policy=policy, options=options)
    result = replay("--json", path)
    assert (result.exit_code, result.stderr) == (0, "")
    functions = json.loads(result.stdout)["functions"]
    assert functions["cuMemAlloc_v2"] == {"same": 90, "different": 0, "undecidable": 0}
    assert {name for name, counts in functions.items() if counts["different"] or counts["undecidable"]} == set()
    refused = [verdict for verdict, _ in live(path)].count("answered")
    assert refused == (49 if options else 0)


def test_the_same_with_state_answers_and_hooks_that_fail(state: Path, tmp_path: Path) -> None:
    path = run_traced(tmp_path / "a.trace", policy=[state], log="off")
    result = replay(path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert len({*live(path)}) >= 4


@pytest.mark.parametrize("mode", ["native", "virtual"])
def test_the_same_over_gpus_that_were_given(state: Path, mode: str, tmp_path: Path) -> None:
    """What they answer is told from what the policy answers."""
    program = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
cuda.cuInit(0)
value = ctypes.c_int()
for number in (75, 76, 75, 10):
    cuda.cuDeviceGetAttribute(ctypes.byref(value), number, 0)
"""
    path = run_traced(tmp_path / "a.trace", program=program, policy=state, mode=mode, gpu="a100", log="off")
    assert {verdict for verdict, _ in live(path)} >= {"answered"}
    result = replay("--json", path)
    assert (result.exit_code, result.stderr) == (0, "")
    other = tmp_path / "other.py"
    other.write_text(
        HEAD + "@policy.answer('cuDeviceGetAttribute')\ndef ask(call):\n    return CUresult.ERROR_UNKNOWN\n"
    )
    result = replay("--json", "--policy", other, path)
    assert [(one["before"], one["after"]) for one in json.loads(result.stdout)["different"]] == [
        ("answered CUDA_SUCCESS", "answered CUDA_ERROR_UNKNOWN"),
        ("forwarded CUDA_SUCCESS", "answered CUDA_ERROR_UNKNOWN"),
        ("answered CUDA_SUCCESS", "answered CUDA_ERROR_UNKNOWN"),
        ("forwarded CUDA_SUCCESS", "answered CUDA_ERROR_UNKNOWN"),
    ]


CALLS_ON = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
context, pointer, value = ctypes.c_void_p(), ctypes.c_uint64(), ctypes.c_int()
cuda.cuInit(0)
cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
cuda.cuCtxSetCurrent(context)
for size in range(990, 1030):
    cuda.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size))
    cuda.cuMemFree_v2(pointer)
    cuda.cuDeviceGetAttribute(ctypes.byref(value), size % 3 + 74, 0)
    cuda.cuDeviceGetName(ctypes.create_string_buffer(64), 64, 0)
"""


def test_under_another_policy_it_is_what_that_policy_says_live(state: Path, tmp_path: Path) -> None:
    """The program makes the same calls whatever they return. What is freed after a refusal the driver says itself."""
    recorded = run_traced(tmp_path / "a.trace", program=CALLS_ON)
    expected = live(run_traced(tmp_path / "b.trace", program=CALLS_ON, policy=state, log="off"))
    found = outcomes(recorded, state)
    with Recording(recorded) as recording:
        names = [event.function for event in recording.events()]
    assert [one.verdict for one in found] == [verdict for verdict, _ in expected]
    for name, one, (_, result) in zip(names, found, expected, strict=True):
        assert one.result == result or name == "cuMemFree_v2"
    assert {verdict for verdict, _ in expected} == {"forwarded", "answered"}


def test_options_are_set(policy: Path, tmp_path: Path) -> None:
    path = run_traced(tmp_path / "a.trace")
    result = replay("--policy", policy, "--set", "limit=2999", path)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].split("\t") == ["cuMemAlloc_v2", "60", "30", "0"]
    assert result.stderr == (
        "different, 30 calls: cuMemAlloc_v2 was forwarded CUDA_SUCCESS, is now answered CUDA_ERROR_OUT_OF_MEMORY\n"
    )


def decided(path: Path, folder: Path, body: str) -> Outcome:
    """What becomes of the one call of a trace under a hook."""
    policy = folder / "asked.py"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    policy.write_text(f"{HEAD}@policy.hook('*')\ndef ask(call):\n{lines}")
    [outcome] = outcomes(path, policy)
    return outcome


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return 1 if call.name == 'saxpy' else None", "it depends on the text name of cuModuleGetFunction"),
        ("call.forward()\nreturn 1 if call.hfunc[0] else None", "it depends on what hfunc of cuModuleGetFunction"),
        ("call.make('cuCtxGetDevice')", "it depends on what the driver says to a cuCtxGetDevice of the policy's own"),
        ("try:\n    call.name\nexcept Exception:\n    return 1", "it depends on the text name"),
    ],
)
def test_what_lay_in_memory_is_undecidable(body: str, reason: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.trace",
        [chunk(11, [record("cuModuleGetFunction", 1, 2, 0, (0x7F0000000000, 0x10, 0x7F1000000000))])],
    )
    outcome = decided(path, tmp_path, body)
    assert (outcome.verdict, outcome.result) == ("undecidable", None)
    assert outcome.reason.startswith(reason)


@pytest.mark.parametrize(
    ("body", "verdict", "result"),
    [
        ("return call.reply(hfunc=0x20)", "answered", 0),
        ("call.reply(hfunc=0x20)\nreturn call.address_of(call.hfunc[0])", "answered", 0x20),
        ("call.forward()\nreturn 7 if call.hfunc else 8", "forwarded", 7),
        ("call.forward()\nreturn call.address_of(call.hfunc) >> 40", "forwarded", 0x7F),
        ("return call.address_of(call.hmod)", "answered", 0x10),
        ("return call.forward()", "forwarded", 500),
        ("raise ValueError", "forwarded", 500),
        ("return call.process.pid", "answered", 4711),
    ],
)
def test_what_a_hook_may_do_with_pointers(body: str, verdict: str, result: int, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.trace",
        [chunk(11, [record("cuModuleGetFunction", 1, 2, 500, (0x7F0000000000, 0x10, 0x7F1000000000))])],
    )
    assert decided(path, tmp_path, body) == (verdict, result, "")


def test_what_a_hook_has_written_it_may_read(tmp_path: Path) -> None:
    event = record("cuDeviceGetAttribute", 1, 2, 0, (0x7F0000000000, 75, 0))
    path = write(tmp_path / "a.trace", [chunk(11, [event])])
    assert decided(path, tmp_path, "call.forward()\ncall.pi[0] = 5\nreturn call.pi[0]").result == 5
    assert decided(path, tmp_path, "call.reply(pi=6)\nreturn call.pi[0]").result == 6
    assert decided(path, tmp_path, "call.forward()\nreturn call.pi[0]").verdict == "undecidable"


def test_null_is_known(tmp_path: Path) -> None:
    path = write(tmp_path / "a.trace", [chunk(11, [record("cuModuleGetFunction", 1, 2, 1, (0, 0x10, 0))])])
    assert decided(path, tmp_path, "return 3 if call.name is None else 4").result == 3
    assert decided(path, tmp_path, "return call.reply(hfunc=1)") == ("answered", 1, "")
    assert decided(path, tmp_path, "call.forward()\nreturn 5 if call.hfunc else 6").result == 6


def test_floats_structs_and_the_stack_are_as_they_were(tmp_path: Path) -> None:
    words = [0x7F0000000000, 0x2_0000_0001, 3, 0x5_0000_0004, 6, 0x7F0000000008, 512, 0x10]
    path = write(tmp_path / "a.trace", [chunk(11, [record("cudaLaunchKernel", 1, 2, 0, words, gp=6)])])
    body = "g, b = call.gridDim, call.blockDim\nreturn int(f'{g.x}{g.y}{g.z}{b.x}{b.y}{b.z}') + call.sharedMem"
    assert decided(path, tmp_path, body).result == 123456 + 512
    half = 0x3F000000
    event = record("cuTexRefSetMipmapLevelClamp", 1, 2, 0, (0x10, half, half), gp=1)
    path = write(tmp_path / "b.trace", [chunk(11, [event])])
    assert decided(path, tmp_path, "return int(10 * call.minMipmapLevelClamp)").result == 5


def test_what_the_driver_was_not_asked_is_not_known(policy: Path, tmp_path: Path) -> None:
    path = run_traced(tmp_path / "a.trace", policy=policy, options="limit=0")
    assert {one.result for one in outcomes(path, policy, options=("limit=1TiB",)) if one.verdict == "forwarded"} == {
        0,
        None,
    }
    other = tmp_path / "asks.py"
    other.write_text(HEAD + "@policy.hook('cuMemAlloc_v2')\ndef ask(call):\n    return call.forward()\n")
    reasons = {one.reason for one in outcomes(path, other)}
    assert reasons == {"", "the driver was not asked for cuMemAlloc_v2 then, so its result is not known"}


def test_observers_get_what_has_happened(tmp_path: Path) -> None:
    """A policy that decides by what it has observed, 50 ms before."""
    policy = tmp_path / "observing.py"
    policy.write_text(
        HEAD
        + """
seen = []

@policy.observe("cuMemAlloc_v2")
def observe(events):
    seen.extend(event.bytesize for event in events)

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    return len(seen) + sum(seen)
"""
    )
    starts = (0, 10**6, 10**8, 2 * 10**8)
    events = [record("cuMemAlloc_v2", start, start + 1, 0, (0x7F0000000000, 100)) for start in starts]
    path = write(tmp_path / "a.trace", [chunk(11, events)])
    assert [one.result for one in outcomes(path, policy)] == [0, 0, 202, 303]


def test_each_process_has_policies_of_its_own(tmp_path: Path) -> None:
    policy = tmp_path / "counting.py"
    policy.write_text(HEAD + "n = []\n@policy.hook('cuInit')\ndef init(call):\n    n.append(1)\n    return len(n)\n")
    chunks = [chunk(pid, [record("cuInit", pid, pid + 1, 0, (0,))] * 2, process=pid) for pid in (11, 12)]
    assert [one.result for one in outcomes(write(tmp_path / "a.trace", chunks), policy)] == [1, 2, 1, 2]


def mistakes(path: Path, policy: Path) -> list[tuple[list[Any], str]]:
    return [
        ([path], f"{path} was recorded without a policy: give one, as in: --policy limit.py"),
        (
            ["--policy", "missing.py", path],
            "policy missing.py: the file does not exist; give the path of a Python file",
        ),
        (["--policy", policy, "--set", "size=1", path], "--set size=1: no policy has an option 'size'; there is limit"),
    ]


@pytest.mark.parametrize("number", range(3))
def test_mistakes_are_said_in_a_sentence(number: int, policy: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.trace", [chunk(11, [record("cuInit", 1, 2, 0, (0,))])])
    arguments, sentence = mistakes(path, policy)[number]
    result = replay(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"vgpu-embed: {sentence}\n")


def test_a_policy_that_has_changed_since(policy: Path, tmp_path: Path) -> None:
    path = run_traced(tmp_path / "a.trace", policy=policy)
    policy.write_text(HEAD + LIMIT + "# changed\n")
    result = replay(path)
    assert (result.exit_code, result.stderr) == (0, f"vgpu-embed: {policy} has changed since {path} was recorded\n")

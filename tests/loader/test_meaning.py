"""What the loader's functions mean to a program, with the library in front of them: what they meant without it.

Beside these: tests/test_native.py has every way to each function, what the driver looks up itself, and every version
that cuGetProcAddress can be asked for; tests/embed/test_failures.py has the failure that passes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support import LIBRARY, RUNPATH_SAYS, TESTS, Completed, built, fake_driver, run_bare, run_preloaded

ANSWER, DRIVER = 4242, 8

ANSWERS = f"""
from vgpu_embed import Policy
policy = Policy()
@policy.hook("cuDeviceGetAttribute")
def attribute(call):
    return call.reply(pi={ANSWER})
"""
FORWARDS = """
from vgpu_embed import Policy
policy = Policy()
@policy.hook("cu*")
def forward(call):
    return call.forward()
"""
READS = """
from vgpu_embed import Policy, tables
policy = Policy(on_error="deny")
@policy.hook("cu*")
def read(call):
    result = call.forward()
    for parameter in tables.function(call.function).parameters:
        value = getattr(call, parameter.attribute)
        if result.ok and parameter.direction == "out" and value:
            value[0]
    return result
"""
"""Reads each output as a careful hook does: where the driver has written it and the program wants it."""


def own(name: str) -> Path:
    """A program or library of this folder."""
    return built(TESTS / "loader") / name


def host(name: str) -> Path:
    """A program or library of tests/hosts."""
    return built(TESTS / "hosts") / name


def under(policy: str, folder: Path, *program: str | Path, **env: str | Path) -> Completed:
    """Runs a program over the fake driver with the library and the text of a policy, "" for none."""
    file = folder / "policy.py"
    file.write_text(policy)
    return run_preloaded(program, policy=file if policy else None, env=env)


def answers(done: Completed) -> set[int]:
    """The values of attributes that a program of tests/hosts printed."""
    return {int(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("cuDeviceGetAttribute(")}


# ---- what a program sees is what it saw ----

GIVEN = {"local_scope": "libscope.so", "namesake": "libnamesake.so"}
"""This folder's programs, and the library that each is given."""
PROGRAMS = [
    "rtld_next",
    "rtld_default",
    "rtld_deepbind",
    "runpath",
    "other_cu_names",
    "versioned_lookup",
    "get_proc_address",
    "in_namespace",
    "interposed",
    "misuse",
    "reopen",
    *GIVEN,
]
KINDS = {"none": "", "forwards": FORWARDS, "reads": READS}


def command(name: str) -> list[str | Path]:
    """The program of that name, with what it is given."""
    return [own(name), own(GIVEN[name])] if name in GIVEN else [host(name)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sees_what_it_saw(tmp_path: Path, name: str, kind: str) -> None:
    bare = run_bare(command(name))
    done = under(KINDS[kind], tmp_path, *command(name))
    assert (done.stdout, done.stderr, done.returncode) == (bare.stdout, "", bare.returncode)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_log_of_everything_changes_no_answer(tmp_path: Path, name: str) -> None:
    """The log shows outputs, also of calls that fail and of calls without a place for them."""
    bare = run_bare(command(name))
    done = under(FORWARDS, tmp_path, *command(name), VGPU_LOG="debug", VGPU_LOG_FILE=tmp_path / "log")
    assert (done.stdout, done.stderr, done.returncode) == (bare.stdout, "", 0)
    without_calls = ("runpath", "local_scope", "in_namespace")
    assert name in without_calls or "() CALLED (" in (tmp_path / "log").read_text()


# ---- and what that is ----


def lines(done: Completed) -> list[str]:
    """What a program printed about which nothing had to be said."""
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def test_rtld_next_finds_what_comes_next_and_twice_the_same(tmp_path: Path) -> None:
    """Neither the library that asks, nor us; a second lookup is no recursion."""
    found = lines(under(ANSWERS, tmp_path, host("rtld_next")))
    assert found[0] == "the program's getppid: -4"
    assert found[1:5] == [
        "the library's RTLD_NEXT getppid: found the next",
        "the library's RTLD_NEXT cuDriverGetVersion = 0 13000",
        "the program's RTLD_NEXT cuInit: found, twice the same",
        "RTLD_NEXT cuNoSuchFunction: not found, dlerror says so",
    ]


def test_a_library_s_runpath_is_the_library_s(tmp_path: Path) -> None:
    """And RTLD_NOLOAD, $ORIGIN, dlerror."""
    assert lines(under(ANSWERS, tmp_path, host("runpath"))) == RUNPATH_SAYS


def test_names_that_begin_like_the_driver_s_are_their_own(tmp_path: Path) -> None:
    found = lines(under(ANSWERS, tmp_path, host("other_cu_names")))
    names = ["cudnnCreate", "cublasFoo", "curl_easy_init", "cufftPlan1d", "cuFoo", "cu", "cuda", "cuInitialize"]
    assert found[0] == "linked: 1 3"
    assert found[1:9] == [f"{name}: {i} {i} {i}" for i, name in enumerate(names, 1)]
    assert {line.split(": ")[1] for line in found if "in the driver" in line} == {"not found"}


def test_a_lookup_by_default_begins_with_who_asks(tmp_path: Path) -> None:
    """A name that is not the driver's, of which only the asking library knows."""
    assert lines(under(ANSWERS, tmp_path, *command("local_scope"))) == [
        "the library, cudnnCreate: 1",
        "the library, cuFoo: 5",
        "the library, curl_easy_init: 3",
        "the library, cuDriverGetVersion: 0",
        "the program, cuFoo: not found",
    ]


@pytest.mark.parametrize("order", ["other-first", "driver-first"])
def test_a_library_s_own_function_of_a_driver_s_name_is_its_own(tmp_path: Path, order: str) -> None:
    policy = ANSWERS.replace("GetAttribute", "GetCount") + '@policy.hook("cuInit")\ndef init(call): return 77\n'
    twice = ["twice"] if order == "driver-first" else []
    found = lines(under(policy, tmp_path, *command("namesake"), *twice))
    assert found == ["the driver's: 77"] * len(twice) + ["the other's: 4711", "the driver's: 77"]


@pytest.mark.parametrize(
    "name", ["rtld_next", "rtld_default", "rtld_deepbind", "in_namespace", "get_proc_address", "interposed", "reopen"]
)
def test_every_way_in_meets_the_policy(tmp_path: Path, name: str) -> None:
    """Except for those whose binding the program made without the loader's search: RTLD_DEEPBIND of a library that
    is linked to the driver, and a namespace of its own."""
    own_binding = {"in_namespace": {8, 6}, "rtld_deepbind": {8, 6, ANSWER}}
    bare, done = run_bare(command(name)), under(ANSWERS, tmp_path, *command(name))
    assert answers(bare) == {8, 6}
    assert answers(done) == own_binding.get(name, {ANSWER})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", ["dlopen", "dlsym", "dlvsym", "call"])
def test_errno_is_left_alone(tmp_path: Path, first: str, kind: str) -> None:
    """Also by what starts Python."""
    found = lines(under(KINDS[kind], tmp_path, own("keeps_errno"), first))
    assert found == [f"{way}: errno kept" for way in (first, "dlopen", "dlsym", "dlvsym", "call")]


FILES = ["libcuda.so.580.159.04", "libcuda.so", "libcuda.so.1"]


def test_files_with_versions_and_absolute_paths_meet_the_policy(tmp_path: Path) -> None:
    paths = [path for file in FILES for path in (fake_driver() / file, file)]
    found = lines(under(ANSWERS, tmp_path, host("by_path"), *paths))
    assert found.count(f"cuDeviceGetAttribute(75, 0) = 0 {ANSWER}") == len(paths)
    assert "no driver" not in "".join(found)


ALIASES = ["libcudart.so.12.8.90", "libcudart.so.13.0.96", "libcublas.so.12.8.4.1", "libnvidia-ml.so.580.159.04"]


@pytest.mark.parametrize("folder", ["", "/nowhere/lib64/"])
def test_files_with_versions_are_found_where_there_is_no_driver(folder: str) -> None:
    """Wherever they are looked for."""
    files = [folder + file for file in [*FILES, *ALIASES]]
    done = run_preloaded([own("opens_files"), *files], mode="virtual", gpu="h100")
    assert lines(done) == [f"{Path(file).name}: opened" for file in files]
    names = [folder + name for name in ("libcudart.so.12x", "libcudart.so.12.8a", "libcudartx.so.12", "libcu.so.1")]
    done = run_preloaded([own("opens_files"), *names], mode="virtual", gpu="h100")
    assert lines(done) == [f"{Path(name).name}: not found" for name in names]


# ---- the driver, and its absence ----


def test_the_driver_s_own_libraries_see_the_driver(tmp_path: Path) -> None:
    """What a part of the driver calls and looks up is no business of a policy's."""
    libraries = [own("libasks.so"), own("libnvidia-asks.so")]
    assert lines(under(ANSWERS, tmp_path, own("own_libraries"), *libraries)) == [
        f"main: {ANSWER}",
        f"library 1: linked {ANSWER}, looked up {ANSWER}",
        f"library 2: linked {DRIVER}, looked up {DRIVER}",
    ]


def test_python_does_not_start_within_the_driver_s_constructor(tmp_path: Path) -> None:
    """Whose calls are forwarded: the driver is not ready."""
    policy = "import sys\nprint('the policy is loaded', file=sys.stderr)\n" + ANSWERS
    driver = own("calling/libcuda.so.1").parent
    done = under(policy, tmp_path, own("opens_files"), "libcuda.so.1", LD_LIBRARY_PATH=driver)
    assert (done.stdout, done.stderr) == ("libcuda.so.1: opened\n", "begins\nis ready\nthe policy is loaded\n")


def test_a_profile_over_a_driver_survives_misuse(tmp_path: Path) -> None:
    """NULL for an output, and outputs of calls that the driver refused."""
    bare = lines(run_bare(command("misuse")))
    found = lines(run_preloaded(command("misuse"), gpu="h100"))
    differing = [pair for pair in zip(bare, found, strict=True) if pair[0] != pair[1]]
    assert differing == [("name of 8 bytes: 0 Fake GP", "name of 8 bytes: 0 NVIDIA ")]


@pytest.mark.parametrize("policy", ["", ANSWERS])
def test_a_program_without_cuda_runs_where_there_is_no_driver(tmp_path: Path, policy: str) -> None:
    done = under(policy, tmp_path, "/bin/true", LD_LIBRARY_PATH=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- other interposers ----

ORDERS = {"after": [LIBRARY, "libinterposer.so"], "before": ["libinterposer.so", LIBRARY]}


@pytest.mark.parametrize("order", ORDERS)
def test_two_interposers_both_live(tmp_path: Path, order: str) -> None:
    """The other one finds the real functions by dlvsym, as others do."""
    both = ":".join(str(host(path) if isinstance(path, str) else path) for path in ORDERS[order])
    done = under(ANSWERS, tmp_path, host("interposed"), LD_PRELOAD=both)
    assert lines(done)[-1] == "the other interposer: saw lookups"
    assert answers(done) == {ANSWER}

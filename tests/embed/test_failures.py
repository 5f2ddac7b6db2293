"""What goes wrong on our side costs the policy, with one line that says so; never the program."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from support import PACKAGE, run_preloaded

from vgpu_embed import record

from .conftest import ANSWER, ANSWERS, DRIVER, Preloaded, hooking, lines, own, said

WITHOUT = "the policy is not in force, first runs on without it"


def copied(folder: Path) -> Path:
    """A copy of the package that knows nothing of where it came from; returns the library."""
    package = folder / f"lib/python3.{sys.version_info[1]}/site-packages/vgpu_embed"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "libvgpu-cuda.python").unlink(missing_ok=True)
    return package / "libvgpu-cuda.so"


def left_alone(preloaded: Preloaded, library: Path) -> str:
    """Runs a program under such a copy; what the one line says before the consequence."""
    done = preloaded(own("first"), "threads", env={"LD_PRELOAD": library})
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"thread: {DRIVER}"] * 8 + [f"main: {DRIVER}"]
    (line,) = said(done)
    sentence, separator, _ = line.partition(f"; {WITHOUT}")
    assert separator, line
    return sentence


# ---- no interpreter ----


@pytest.mark.every_python
def test_without_a_libpython_the_line_says_what_to_install(preloaded: Preloaded, tmp_path: Path) -> None:
    """A virtual environment whose Python was removed."""
    library = copied(tmp_path / "env")
    (tmp_path / "env/pyvenv.cfg").write_text(f"home = {tmp_path}/removed/bin\n")
    version = "{}.{}".format(*sys.version_info)
    assert left_alone(preloaded, library) == (
        f"no shared libpython{version}.so.1.0 found for {library}: install it (Debian, Ubuntu: "
        f"apt install libpython{version}; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared "
        f"pyenv install {version}) or run `vgpu-embed env` once, which records where it is"
    )


def recorded(library: Path, **changes: object) -> None:
    """Writes the record beside a copy, for this test's Python, changed in places."""
    values = [line.split("=", 1) for line in record.text().splitlines() if "=" in line]
    text = f"path={library.parent.parent}\n"
    for key, value in values:
        if not (key == "path" and Path(value, "vgpu_embed") == PACKAGE):
            text += f"{key}={changes.get(key, value)}\n"
    library.with_name("libvgpu-cuda.python").write_text(text)


@pytest.mark.every_python
def test_a_python_that_cannot_start_says_why(preloaded: Preloaded, tmp_path: Path) -> None:
    library = copied(tmp_path)
    recorded(library, home=tmp_path / "nowhere")
    sentence = left_alone(preloaded, library)
    assert sentence.startswith("Python {}.{} at ".format(*sys.version_info)), sentence
    assert "did not start: " in sentence


def test_a_libpython_that_cannot_be_opened_says_why(preloaded: Preloaded, tmp_path: Path) -> None:
    library = copied(tmp_path)
    damaged = tmp_path / "libpython.so"
    damaged.write_text("no library")
    recorded(library, libpython=damaged)
    assert left_alone(preloaded, library) == (f"{damaged} could not be loaded: {damaged}: file too short")


@pytest.mark.parametrize("missing", ["_core.*.so", "libvgpu-gate.so"])
def test_an_installation_that_lacks_a_file_names_it(preloaded: Preloaded, tmp_path: Path, missing: str) -> None:
    library = copied(tmp_path)
    recorded(library)
    (removed,) = library.parent.glob(missing)
    removed.unlink()
    assert left_alone(preloaded, library) == (
        f"{removed} could not be loaded: {removed}: cannot open shared object file: No such file or directory"
    )


@pytest.mark.parametrize("missing", ["embed/session.py", "embed/guard.py", "policy.py"])
def test_an_installation_that_lacks_a_module_names_it(preloaded: Preloaded, tmp_path: Path, missing: str) -> None:
    library = copied(tmp_path)
    recorded(library)
    (library.parent / missing).unlink()
    assert Path(missing).stem in left_alone(preloaded, library)


def test_a_python_without_cffi_is_told_so(preloaded: Preloaded, tmp_path: Path) -> None:
    library = copied(tmp_path)
    recorded(library, path=tmp_path)
    assert "cffi" in left_alone(preloaded, library)


def test_a_program_that_has_used_up_static_tls_is_told_of_the_tunable(preloaded: Preloaded) -> None:
    program = (own("after_opening"), own("libstatic_tls.so"))
    done = preloaded(*program)
    assert done.stdout == f"main: {DRIVER}\n"
    (sentence,) = said(done)
    tunable = re.search(r"GLIBC_TUNABLES=(glibc\.rtld\.optional_static_tls=\d+)", sentence)
    assert tunable, sentence
    done = preloaded(*program, env={"GLIBC_TUNABLES": tunable[1]})
    assert lines(done) == [f"main: {ANSWER}"]


# ---- no policy ----


@pytest.mark.every_python
@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("policy = (\n", 1, "'(' was never closed"),
        ("import sys\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
        ("def f(): f()\nf()\n", 1, "RecursionError: maximum recursion depth exceeded"),
        ("import nosuchmodule\n", 1, "ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("value = 1\n", 1, "it defines no policy; write `policy = Policy()`"),
        (hooking("return call.nosuchfield"), 6, "cuDeviceGetAttribute has no parameter 'nosuch"),
        (ANSWERS.replace("Attribute", "Atribute"), 4, "no list has a function 'cuDeviceGetAtribute'; did you"),
    ],
)
def test_a_policy_that_does_not_load_is_named_with_file_and_line(
    preloaded: Preloaded, tmp_path: Path, text: str, line: int, problem: str
) -> None:
    done = preloaded(own("first"), "threads", policy=text)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"thread: {DRIVER}"] * 8 + [f"main: {DRIVER}"]
    (sentence,) = said(done)
    assert sentence.startswith(f"{tmp_path}/policy.py:{line}: {problem}"), sentence
    assert sentence.endswith(f"; {WITHOUT}")


def test_a_policy_that_is_missing_is_named(tmp_path: Path) -> None:
    done = run_preloaded([own("first")], policy=tmp_path / "none.py")
    assert (done.stdout, done.returncode) == (f"main: {DRIVER}\n", 0)
    assert said(done) == [
        f"policy {tmp_path}/none.py: the file does not exist; give the path of a Python file; " + WITHOUT
    ]


# ---- hooks ----

DEEP = "def deeper(): return deeper()\n"


@pytest.mark.every_python
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
        ("return deeper()", "RecursionError: maximum recursion depth exceeded"),
        ("return object()", "TypeError: a hook returns None or a CUresult, not object"),
        ("return 1.5", "TypeError: a hook returns None or a CUresult, not float"),
        ("return 'nonsense'", "TypeError: "),
        ("return call.reply(nosuch=1)", "TypeError: cuDeviceGetAttribute has no out-parameter"),
        ("return call.reply(pi='text')", "TypeError: "),
        ("return call.pi[0]", "AttributeError: cuDeviceGetAttribute writes pi: read it after"),
        ("call.forward()\ncall.forward()", "RuntimeError: cuDeviceGetAttribute: forward() was"),
    ],
)
def test_a_hook_that_fails_leaves_the_driver_s_result(preloaded: Preloaded, body: str, problem: str) -> None:
    done = preloaded(own("first"), "threads", policy=hooking(body, DEEP))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"thread: {DRIVER}"] * 8 + [f"main: {DRIVER}"]
    (sentence,) = said(done)
    assert problem in sentence
    assert sentence.endswith(", in a hook of cuDeviceGetAttribute; such calls are forwarded")


@pytest.mark.parametrize("after", ["raise ValueError", "return object()", "import sys\nsys.exit()"])
def test_a_hook_that_fails_after_forwarding_does_not_make_the_call_twice(
    preloaded: Preloaded, tmp_path: Path, after: str
) -> None:
    record = tmp_path / "calls"
    policy = hooking(f"call.forward()\n{after}", on_error="deny")
    done = preloaded(own("first"), policy=policy, env={"FAKE_CUDA_LOG": record})
    assert (done.stdout, len(said(done))) == (f"main: {DRIVER}\n", 1)
    assert record.read_text().count("cuDeviceGetAttribute ") == 1


def test_a_policy_may_deny_what_its_hook_could_not_decide(preloaded: Preloaded) -> None:
    """-800 is CUDA_ERROR_NOT_PERMITTED, as the program prints it."""
    done = preloaded(own("first"), policy=hooking("raise ValueError", on_error="deny"))
    assert done.stdout == "main: -800\n"
    (sentence,) = said(done)
    assert sentence.endswith("ValueError: , in a hook of cuDeviceGetAttribute; such calls are refused")


def test_a_hook_that_ends_the_process_is_a_limit(preloaded: Preloaded) -> None:
    """Nothing can mend os._exit."""
    done = preloaded(own("first"), policy=hooking("os._exit(3)", "import os"))
    assert (done.stdout, done.returncode) == ("", 3)


# ---- time ----


@pytest.mark.every_python
def test_a_start_that_fails_for_want_of_descriptors_is_tried_again(preloaded: Preloaded) -> None:
    done = preloaded(own("descriptors"))
    assert done.stdout.splitlines() == [f"none left: {DRIVER}", f"released: {ANSWER}"]
    assert any("Too many open files" in line for line in said(done))


@pytest.mark.every_python
def test_a_policy_s_file_that_cannot_be_read_for_the_moment_is_tried_again(
    preloaded: Preloaded, tmp_path: Path
) -> None:
    once = f"""
import errno, os
if not os.path.exists({str(tmp_path / "tried")!r}):
    open({str(tmp_path / "tried")!r}, "w").close()
    raise OSError(errno.EMFILE, "for the moment")
"""
    done = preloaded(own("descriptors"), policy=once + ANSWERS)
    assert done.stdout.splitlines() == [f"none left: {DRIVER}", f"released: {ANSWER}"]
    assert any("the next attempt is in a second" in line for line in said(done))


@pytest.mark.every_python
@pytest.mark.parametrize("mode", ["threads", "later_threads"])
def test_waiting_threads_go_on_without_the_policy_after_the_time_limit(preloaded: Preloaded, mode: str) -> None:
    """Those that come while the start is under way."""
    policy = "import time\ntime.sleep(4)\n" + ANSWERS
    done = preloaded(own("first"), mode, policy=policy, env={"VGPU_GATE": "1"})
    assert sorted(done.stdout.splitlines()) == [
        f"main: {ANSWER}",
        f"thread: {ANSWER}",
        *[f"thread: {DRIVER}"] * 7,
    ]
    assert said(done) == [
        f"Python is still starting on another thread after the time limit (VGPU_GATE, in seconds); {WITHOUT}"
    ]


def test_waiting_threads_wait_for_a_start_that_ends_in_time(preloaded: Preloaded) -> None:
    done = preloaded(own("first"), "threads", policy="import time\ntime.sleep(2)\n" + ANSWERS)
    assert lines(done) == [f"thread: {ANSWER}"] * 8 + [f"main: {ANSWER}"]


def test_the_off_switch(preloaded: Preloaded) -> None:
    done = preloaded(own("first"), "threads", env={"VGPU_DISABLE": "1"})
    assert lines(done) == [f"thread: {DRIVER}"] * 8 + [f"main: {DRIVER}"]

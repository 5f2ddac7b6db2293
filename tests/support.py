"""Running programs under the preloaded library, and the fake driver to run them over."""

from __future__ import annotations

import fcntl
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import vgpu_embed

TESTS = Path(__file__).resolve().parent
PACKAGE = Path(vgpu_embed.__file__).resolve().parent
LIBRARY = PACKAGE / "libvgpu-cuda.so"
ALIASES = PACKAGE / "virtual/lib"

Completed = subprocess.CompletedProcess[str]
Names = str | Path | Sequence[str | Path]


MISSING = "cannot open shared object file: No such file or directory"
RUNPATH_SAYS = [
    "the program, by name: not found",
    f"dlerror after that: libprivate.so: {MISSING}",
    "dlerror a second time: silent",
    "the library, not loaded yet: not found",
    "the library, by name: opened",
    "dlerror after success: silent",
    "the library, by $ORIGIN: opened",
    "the program, now loaded: opened",
    f"dlerror after two failures: libalsonot.so: {MISSING}",
    "dlerror after a missing symbol: names it",
    "no flags: refused",
    "dlerror after no flags: libprivate.so: invalid mode for dlopen(): Invalid argument",
    "the program itself: opened",
    "closed: 0",
]
"""What tests/hosts/runpath.c prints, with the library or without."""


def clean_environment() -> dict[str, str]:
    """The environment without what a developer's shell may preload or set for us."""
    drop = ("VGPU_", "FAKE_CUDA_", "CUDA_", "LD_PRELOAD", "LD_LIBRARY_PATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(drop)}


def _joined(names: Names | None) -> str:
    if names is None:
        return ""
    return ";".join(map(str, (names,) if isinstance(names, (str, Path)) else names))


def run(
    program: Sequence[str | Path],
    *,
    env: Mapping[str, str | Path] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> Completed:
    """Runs a program with nothing preloaded but what `env` says.

    On a timeout it and every process that it has started are killed; the AssertionError has what
    they have printed.
    """
    process = subprocess.Popen(
        [str(word) for word in program],
        env={**clean_environment(), **{name: str(value) for name, value in (env or {}).items()}},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, error = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, error = process.communicate()
        raise AssertionError(f"{program[0]} did not end within {timeout} s\nstdout:\n{out}\nstderr:\n{error}") from None
    return subprocess.CompletedProcess([*map(str, program)], process.returncode, out, error)


def run_bare(
    program: Sequence[str | Path],
    *,
    driver: Path | None = None,
    env: Mapping[str, str | Path] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> Completed:
    """Runs a program over a driver without the library: what it is to be compared with.

    `driver` is the folder of libcuda.so.1; without it, the fake driver's.
    """
    path = driver or fake_driver()
    return run(program, env={"LD_LIBRARY_PATH": path, **(env or {})}, stdin=stdin, timeout=timeout)


def preloading(
    *,
    mode: str = "native",
    policy: Names | None = None,
    gpu: Names | None = None,
    options: Names | None = None,
    log: str | None = None,
    driver: Path | None = None,
) -> dict[str, str]:
    """The variables that preload the library, as a user would set them without our command line.

    mode     "native": over the driver in the folder `driver`, the fake one if not given;
             "virtual": over none
    policy   policy files; gpu: devices ("2xh100"); options: "name=value" for policies
    log      VGPU_LOG

    With VGPU_TEST_WITHOUT_LIBRARY set, nothing is preloaded: what a test then still finds is not ours.
    """
    variables = {
        "VGPU_MODE": mode,
        "VGPU_POLICY": _joined(policy),
        "VGPU_GPU": _joined(gpu),
        "VGPU_SET": _joined(options),
        "VGPU_LOG": log or "",
    }
    variables = {name: value for name, value in variables.items() if value}
    if mode == "virtual":
        alias = ALIASES / "libcuda.so.1"
        variables |= {"LD_PRELOAD": f"{LIBRARY}:{alias}", "LD_LIBRARY_PATH": str(ALIASES)}
        # Tests that run at the same time are not on one machine, or they would see each other's memory.
        variables["VGPU_MACHINE"] = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
    else:
        variables |= {"LD_PRELOAD": str(LIBRARY), "LD_LIBRARY_PATH": str(driver or fake_driver())}
    if os.environ.get("VGPU_TEST_WITHOUT_LIBRARY"):
        del variables["LD_PRELOAD"]
    return variables


def run_preloaded(
    program: Sequence[str | Path],
    *,
    mode: str = "native",
    policy: Names | None = None,
    gpu: Names | None = None,
    options: Names | None = None,
    log: str | None = None,
    driver: Path | None = None,
    env: Mapping[str, str | Path] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> Completed:
    """Runs a program with the library preloaded; see `preloading` and `run`."""
    variables = preloading(mode=mode, policy=policy, gpu=gpu, options=options, log=log, driver=driver)
    return run(program, env={**variables, **(env or {})}, stdin=stdin, timeout=timeout)


@functools.cache
def built(folder: Path) -> Path:
    """Runs make in a folder of the tests; returns its build folder.

    Once a process; processes at the same time wait for each other.
    """
    target = folder / "build"
    target.mkdir(exist_ok=True)
    with open(target / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["make", "-s", "-C", str(folder), f"PYTHON={sys.executable}"]
        made = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    assert made.returncode == 0, f"make -C {folder} failed:\n{made.stdout}{made.stderr}"
    return target


def fake_driver() -> Path:
    """The folder of the fake libcuda.so.1 and of the programs that call it (tests/driver)."""
    return built(TESTS / "driver")

"""The programs by themselves, without the library: what they say where there is no driver."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import RUNPATH_SAYS

HERE = Path(__file__).resolve().parent


def has_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


without_driver = pytest.mark.skipif(has_driver(), reason="this machine has a driver")

OPENING = [
    "get_proc_address",
    "misuse",
    "rtld_default",
    "rtld_deepbind",
    "in_namespace",
    "versioned_lookup",
    "lookup",
    "constructor_opened",
    "constructor",
    "eight_threads",
    "small_stack",
    "blocked_signals",
    "late_calls",
    "many_keys",
    "many_threads",
    "children",
    "ends",
    "sigactions",
    "state",
    "environment",
    "reopen",
    "in_callback",
    "interposed",
    "goroutines",
    "other_cu_names",
]
LIBRARY_MISSING = "libcuda.so.1: cannot open shared object file: No such file or directory"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "OLLAMA_DEBUG"}
    return subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
        env={**clean, **environment},
    )


@without_driver
@pytest.mark.parametrize("program", OPENING)
def test_without_a_driver_a_program_says_so(hosts: Path, program: str) -> None:
    done = run(hosts / program)
    assert done.stdout.splitlines()[-1] == f"no driver: {LIBRARY_MISSING}"
    assert done.returncode == 1


@without_driver
@pytest.mark.parametrize("program", ["direct_link", "rtld_next"])
def test_without_a_driver_a_linked_program_does_not_start(hosts: Path, program: str) -> None:
    done = run(hosts / program)
    assert done.returncode == 127
    assert done.stdout == ""


@without_driver
@pytest.mark.parametrize("command", [[sys.executable, "python_host.py"], ["node", "node_host.mjs"]])
def test_without_a_driver_a_script_says_so(hosts: Path, command: list[str]) -> None:
    done = run(command[0], HERE / command[1])
    assert done.stdout == f"no driver: {LIBRARY_MISSING}\n"
    assert done.returncode == 1


def test_runpath_origin_and_dlerror_mean_what_they_do_in_glibc(hosts: Path) -> None:
    assert run(hosts / "runpath").stdout.splitlines() == RUNPATH_SAYS


def test_other_libraries_names_are_their_own(hosts: Path) -> None:
    lines = run(hosts / "other_cu_names").stdout.splitlines()
    assert lines[0] == "linked: 1 3"
    assert lines[1:4] == ["cudnnCreate: 1 1 1", "cublasFoo: 2 2 2", "curl_easy_init: 3 3 3"]


@without_driver
def test_the_real_cuda_backend_does_not_load_without_a_driver(hosts: Path, real: Path) -> None:
    done = run(hosts / "ggml_devices", real)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "ggml_devices: libggml-cuda.so does not load" in done.stderr


def test_a_wrong_folder_is_named(hosts: Path, tmp_path: Path) -> None:
    done = run(hosts / "ggml_devices", tmp_path)
    assert done.returncode == 2
    assert f"no file matches {tmp_path}/libggml-base.so*" in done.stderr


def test_llama_server_says_system_info_and_waits_to_be_killed(ollama: tuple[Path, Path]) -> None:
    _, libraries = ollama
    command = [str(libraries / "llama-server"), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert any(line.startswith("system_info: n_threads = ") for line in server.stderr)
        server.kill()
    assert server.returncode == -signal.SIGKILL


@without_driver
@pytest.mark.parametrize("how", [[], ["--engine"]])
def test_without_a_driver_ollama_finds_the_processor_only(ollama: tuple[Path, Path], how: list[str]) -> None:
    program, libraries = ollama
    done = run(program, "discover", *how, libraries)
    assert done.returncode == 0
    assert done.stdout == ""
    assert re.search(
        r'level=INFO source=\S+ msg="inference compute" id=cpu library=cpu compute="" name=cpu '
        r'description=cpu libdirs=ollama driver="" pci_id="" type="" '
        r'total="[\d.]+ GiB" available="[\d.]+ GiB"\n$',
        done.stderr,
    )


@without_driver
def test_without_a_driver_gpu_discover_fails(ollama: tuple[Path, Path]) -> None:
    program, libraries = ollama
    done = run(program, "gpu-discover", "--lib-dir", libraries, "--lib-dir", libraries / "cuda_v13")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"Error: {LIBRARY_MISSING}" in done.stderr.replace("libcuda.so:", "libcuda.so.1:")


def test_the_replay_reads_and_drops_as_ollama_does() -> None:
    done = subprocess.run(["go", "test", "./..."], check=False, cwd=HERE / "ollama", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

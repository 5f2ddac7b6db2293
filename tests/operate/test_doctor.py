"""Set-ups that are broken in one way each, which doctor is to name."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import programs
import psutil
import pytest
from click.testing import CliRunner
from embed.conftest import own
from support import LIBRARY, PACKAGE, clean_environment, fake_driver, preloading, run, run_preloaded

from operate.conftest import Cli
from vgpu_embed.cli import main
from vgpu_embed.doctor import FAULT, Finding, service

Doctor = Callable[..., dict[str, Finding]]
VIRTUAL = ("--gpu", "h100", "--mode", "virtual")


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Runs doctor; its findings by the name of the check. The exit code has to fit them."""

    def ask(*arguments: str | Path, **env: str | Path) -> dict[str, Finding]:
        for name in set(os.environ) - set(clean_environment()):
            monkeypatch.delenv(name)
        for name, value in env.items():
            monkeypatch.setenv(name, str(value))
        done = CliRunner().invoke(main, ["doctor", "--json", *map(str, arguments)])
        assert done.stdout, done
        findings = [Finding(**one) for one in json.loads(done.stdout)]
        assert done.exit_code == any(finding.state == FAULT for finding in findings), done
        return {finding.check: finding for finding in findings}

    return ask


@pytest.fixture
def ollama(tmp_path: Path) -> Path:
    """The replay of ollama, beside its libraries."""
    program, _ = programs.ollama_tree(tmp_path / "usr")
    return program


def fault(findings: dict[str, Finding], name: str) -> Finding:
    """The one thing that is in the way."""
    assert {one.check for one in findings.values() if one.state == FAULT} == {name}, findings
    assert findings[name].remedy
    return findings[name]


def faults(findings: dict[str, Finding]) -> set[str]:
    return {one.check for one in findings.values() if one.state == FAULT}


# ---- what works ----


def test_a_sound_installation_has_nothing_in_the_way(doctor: Doctor) -> None:
    findings = doctor()
    assert faults(findings) == set()
    assert findings["namespace"].what == "an interpreter starts in a namespace of its own"


def test_ollama_finds_the_gpu(doctor: Doctor, ollama: Path) -> None:
    findings = doctor(ollama, *VIRTUAL)
    assert faults(findings) == set()
    assert findings["discovery"].what == "cuda_v13 finds NVIDIA H100 80GB HBM3, compute 9.0"


def test_what_a_terminal_and_a_pipe_get(cli: Cli, tmp_path: Path) -> None:
    wrong = ("doctor", "--read", "/dev/null")
    lines = cli(*wrong).stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines][:2] == [["ok", "library"], ["ok", "python"]]
    assert [line.split("\t")[:2] for line in lines][-1] == ["fault", "no-dlsym"]
    command = shlex.join([sys.executable, "-m", "vgpu_embed.cli", *wrong])
    shown = run(["script", "-qc", f"{command} 2>/dev/null", "/dev/null"], env={"TERM": "dumb"}).stdout
    assert re.search(r"^ok    library  ", shown, re.MULTILINE)
    assert re.search(r"fault no-dlsym  no line of the library is in the log.*→ give --log info", shown, re.DOTALL)


# ---- the installation ----


def test_the_library_is_gone(doctor: Doctor, tmp_path: Path) -> None:
    found = fault(doctor(LD_PRELOAD=tmp_path / "libvgpu-cuda.so", VGPU_GPU="h100"), "library")
    assert f"{tmp_path}/libvgpu-cuda.so is preloaded, but there is no such file" in found.what


def test_nothing_is_preloaded(doctor: Doctor) -> None:
    assert "vgpu-embed run" in fault(doctor(VGPU_GPU="h100", VGPU_MODE="virtual"), "preload").remedy


def test_it_is_switched_off(doctor: Doctor) -> None:
    findings = doctor(**preloading(mode="virtual", gpu="h100"), VGPU_DISABLE="1")
    assert findings["disabled"].remedy == "unset VGPU_DISABLE"


def test_there_is_no_libpython(doctor: Doctor, tmp_path: Path) -> None:
    """As when Python was removed after the installation: the record names what is not there."""
    package = tmp_path / "vgpu_embed"
    package.mkdir()
    for part in PACKAGE.glob("*.so"):
        shutil.copy(part, package)
    (package / "libvgpu-cuda.python").write_text("libpython=/nowhere/libpython3.11.so.1.0\n")
    found = fault(doctor(LD_PRELOAD=package / LIBRARY.name, VGPU_GPU="h100", VGPU_MODE="virtual"), "python")
    assert "apt install libpython" in found.remedy


def test_static_tls_is_used_up(doctor: Doctor, tmp_path: Path) -> None:
    """By libraries that the program has opened before, so its log says it."""
    remedy = "start the program with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096"
    env = {"VGPU_LOG_FILE": str(tmp_path / "log")}
    run_preloaded([own("after_opening"), own("libstatic_tls.so")], gpu="h100", mode="virtual", log="info", env=env)
    assert fault(doctor("--read", tmp_path / "log"), "static-tls").remedy == remedy


def test_the_policy_does_not_load(doctor: Doctor, tmp_path: Path) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text("from vgpu_embed import Policy\npolicy = Policy()\n@policy.hook('cuMemAlok')\ndef f(call): ...\n")
    found = fault(doctor(**preloading(mode="virtual", gpu="h100", policy=policy)), "policy")
    assert f"{policy}:3" in found.what


def test_the_journal_is_not_there(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / str(PACKAGE)[1:]).mkdir(parents=True)
    shutil.copy(LIBRARY, tmp_path / str(LIBRARY)[1:])
    findings = doctor("--root", tmp_path, *VIRTUAL, "--log", "info", "--log-file", "journal:")
    assert f"there is none here ({tmp_path}/run/systemd/journal/socket)" in fault(findings, "journal").what


# ---- the machine ----


def test_there_is_no_driver(doctor: Doctor, tmp_path: Path) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text("from vgpu_embed import Policy\npolicy = Policy()\n")
    found = fault(doctor("--mode", "native", "--policy", "count"), "driver")
    assert "--gpus all" in found.remedy


def test_the_driver_is_cudas_link_time_stub(doctor: Doctor, tmp_path: Path) -> None:
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    shutil.copy(fake_driver() / "libcuda.so.1", stubs)
    env = preloading(policy="count")
    env["LD_LIBRARY_PATH"] = f"{stubs}:{env['LD_LIBRARY_PATH']}"
    found = fault(doctor(**env), "library-path")
    assert f"{stubs}/libcuda.so.1 comes first in LD_LIBRARY_PATH, and is no driver" == found.what


def test_what_others_have_a_say(doctor: Doctor, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for path, text in {
        "sys/fs/selinux/enforce": "1",
        "sys/kernel/security/apparmor/profiles": f"{own('plain')} (enforce)\n",
        "proc/version": "Linux version 5.15 (Microsoft@Microsoft.com) WSL2",
        "proc/self/status": "Name:\tx\nSeccomp:\t2\n",
        ".dockerenv": "",
        str(LIBRARY)[1:]: "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    shutil.copy(LIBRARY, root / str(LIBRARY)[1:])
    findings = doctor(own("plain"), "--root", root, *VIRTUAL)
    assert {"selinux", "apparmor", "wsl2", "container", "seccomp"} <= set(findings)


# ---- the program ----


def test_a_static_program(doctor: Doctor, tmp_path: Path) -> None:
    source = tmp_path / "static.c"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-static", "-o", tmp_path / "static", source], check=True)
    assert "statically linked" in fault(doctor(tmp_path / "static", *VIRTUAL), "static-program").what


def test_a_setuid_program(root: Path, doctor: Doctor, tmp_path: Path) -> None:
    """Of a service whose user is not its owner."""
    program = root / "usr/local/bin/ollama"
    program.parent.mkdir(parents=True)
    shutil.copy(own("plain"), program)
    program.chmod(0o4755)
    assert "is setuid" in doctor("ollama", "--root", root, *VIRTUAL)["setuid-program"].what


# ---- the service ----


def test_a_service_without_its_drop_in(doctor: Doctor, root: Path) -> None:
    findings = doctor("ollama", "--root", root, *VIRTUAL)
    assert findings["service"].remedy == "sudo vgpu-embed install ollama --gpu h100"


def test_what_takes_the_preload_away(cli: Cli, doctor: Doctor, root: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    told = {"version": "0.1.0", "python": "3.11", "glibc": "2.34", "digest": "1" * 64}
    (bundle / "bundle.json").write_text(json.dumps(told))
    cli("install", "ollama", "--root", root, "--bundle", bundle, "--gpu", "h100")
    folder = root / "etc/systemd/system/ollama.service.d"
    (folder / "zz.conf").write_text(
        "[Service]\nEnvironment=LD_PRELOAD=/lib/other.so\nInaccessiblePaths=/opt\nRestrictAddressFamilies=AF_INET\n"
    )
    findings = doctor("ollama", "--root", root)
    assert f"{folder}/zz.conf sets LD_PRELOAD after our drop-in" in findings["override"].what
    assert "BindReadOnlyPaths=/opt/vgpu-embed" in findings["sandbox"].remedy
    assert findings["journal"].remedy == "add AF_UNIX to it"
    assert findings["preload"].state == FAULT


def test_children_that_do_not_inherit_it() -> None:
    """A parent that has the library, and a child that it has started with an empty environment."""
    start = "import subprocess, sys; subprocess.run([*sys.argv[1:], sys.executable, '-c', 'input()'])"
    for wrapper, wrong in (["env", "-i"], {"children"}), (["env"], set()):
        env = {**clean_environment(), **preloading(mode="virtual", gpu="h100")}
        with subprocess.Popen([sys.executable, "-c", start, *wrapper], env=env, stdin=subprocess.PIPE) as parent:
            process = psutil.Process(parent.pid)
            while not (children := process.children()) or "input()" not in children[0].cmdline():
                assert parent.poll() is None
            findings = list(service.children([process, *children]))
            parent.communicate(b"\n")
        assert {one.check for one in findings if one.state == FAULT} == wrong
    env = clean_environment()
    with subprocess.Popen([sys.executable, "-c", "input()"], env=env, stdin=subprocess.PIPE) as parent:
        (finding,) = service.children([psutil.Process(parent.pid)])
        parent.communicate(b"\n")
    assert finding.check == "not-restarted"


# ---- ollama ----


def test_ollama_llm_library_names_what_is_not_there(doctor: Doctor, ollama: Path) -> None:
    found = fault(doctor(ollama, *VIRTUAL, OLLAMA_LLM_LIBRARY="cuda_v11"), "OLLAMA_LLM_LIBRARY")
    assert "cuda_v13" in found.what


def test_ollama_has_no_cuda_backend(doctor: Doctor, ollama: Path) -> None:
    shutil.rmtree(ollama.parents[1] / "lib/ollama/cuda_v13")
    assert "so ollama computes on the CPU" in fault(doctor(ollama, *VIRTUAL), "backend").what


def test_a_capability_outside_of_the_backends_archs(doctor: Doctor, ollama: Path) -> None:
    found = fault(doctor(ollama, "--gpu", "t4:compute_capability=7.0", "--mode", "virtual"), "architecture")
    assert "has compute 7.0, and cuda_v13 is compiled for 750, 800, 860, 890, 900, 1200, 1210" in found.what


ZERO = """
from vgpu_embed import Policy
policy = Policy()
@policy.answer("cuDeviceGetAttribute")
def zero(call):
    if call.attrib in (75, 76):
        return call.reply(pi=0)
"""

LOSES_IT = """
import os
from vgpu_embed import CUresult, Policy
policy = Policy()
@policy.hook("cudaGetDeviceCount")
def lose(call):
    if "GGML_CUDA_INIT" in os.environ:
        return 2
"""


def test_compute_zero(doctor: Doctor, ollama: Path, tmp_path: Path) -> None:
    policy = tmp_path / "zero.py"
    policy.write_text(ZERO)
    found = fault(doctor(ollama, *VIRTUAL, "--policy", policy), "compute-0.0")
    assert found.what == "cuDeviceGetAttribute is answered 0 for attribute 75, the compute capability"


def test_a_device_that_does_not_fully_initialize(doctor: Doctor, ollama: Path, tmp_path: Path) -> None:
    policy = tmp_path / "loses.py"
    policy.write_text(LOSES_IT)
    found = fault(doctor(ollama, *VIRTUAL, "--policy", policy), "not-initialized")
    assert found.what.endswith("cudaGetDeviceCount() () gave cudaErrorMemoryAllocation")


def test_ollama_ps_shows_the_cpu(doctor: Doctor, tmp_path: Path) -> None:
    program = tmp_path / "ollama"
    program.write_text(
        "#!/bin/sh\n"
        'case "$1" in --version) echo "ollama version is 0.40.1";; ps) cat <<END\n'
        "NAME         ID    SIZE    PROCESSOR          CONTEXT    UNTIL\n"
        "llama3:8b    ab    6 GB    48%/52% CPU/GPU    4096       4 minutes from now\n"
        "END\nesac\n"
    )
    program.chmod(0o755)
    backend = tmp_path / "lib/ollama/cuda_v13"
    backend.mkdir(parents=True)
    (backend / "libggml-cuda.so").touch()
    findings = doctor(program, *VIRTUAL)
    assert "llama3:8b runs with 48%/52% CPU/GPU" in findings["cpu-fallback"].what
    assert findings["ollama"].what == "ollama 0.40.1 is not a version whose discovery is known"


# ---- what a log says ----

NO_LINE = 'level=INFO msg="inference compute" id=0 library=CUDA compute=9.0\n'
NOT_LOOKED_UP = "[libvgpu-cuda] VGPU_GATE is not understood (pid=1)\n"
COMPUTE_ZERO = (
    '[libvgpu-cuda] dlsym(handle=0x1, "cuDeviceGetAttribute") called (pid=1)\n'
    "[libvgpu-cuda] cuDeviceGetAttribute() CALLED (attrib=75, dev=0) -> CUDA_SUCCESS (pi=0) (pid=1)\n"
    'msg="inference compute" library=CUDA compute=0.0\n'
)
NOT_INITIALIZED = (
    '[libvgpu-cuda] dlsym(handle=0x1, "cuInit") called (pid=1)\n'
    "[libvgpu-cuda] cuMemCreate() CALLED (size=2097152) -> CUDA_ERROR_OUT_OF_MEMORY (pid=1)\n"
    'level=DEBUG msg="filtering device which didn\'t fully initialize" id=0 libdir=/usr/lib/ollama/cuda_v13\n'
)


@pytest.mark.parametrize(
    ("log", "name", "says"),
    [
        (NO_LINE, "no-dlsym", "no line of the library is in the log"),
        (NOT_LOOKED_UP, "no-dlsym", "nobody has looked a CUDA function up"),
        (COMPUTE_ZERO, "compute-0.0", "is answered 0 for attribute 75"),
        (
            COMPUTE_ZERO.replace("attrib=75", "attrib=102"),
            "compute-0.0",
            "nobody has asked the library for attribute 75",
        ),
        (NOT_INITIALIZED, "not-initialized", "cuMemCreate() (size=2097152) gave CUDA_ERROR_OUT_OF_MEMORY"),
    ],
)
def test_the_three_questions(doctor: Doctor, tmp_path: Path, log: str, name: str, says: str) -> None:
    (tmp_path / "log").write_text(log)
    assert says in fault(doctor(*VIRTUAL, "--read", tmp_path / "log"), name).what


def test_a_real_log_answers_none_of_them(doctor: Doctor, ollama: Path, tmp_path: Path) -> None:
    env = {**preloading(mode="virtual", gpu="h100", log="info"), "VGPU_LOG_FILE": str(tmp_path / "log")}
    done = run([ollama, "discover", ollama.parents[1] / "lib/ollama"], env=env)
    with (tmp_path / "log").open("a") as log:
        log.write(done.stderr)
    assert faults(doctor(*VIRTUAL, "--read", tmp_path / "log")) == set()

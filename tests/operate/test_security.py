"""docs/security.md: the ways past a policy, each of which is expected to lead past it; and what the library trusts."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import programs
import pytest
from coexist.conftest import own as coexisting
from elftools.elf.elffile import ELFFile
from embed.conftest import own
from support import PACKAGE, fake_driver, run_bare, run_preloaded

TOLD = 4242
POLICY = f"""
from vgpu_embed import Policy
policy = Policy(on_error="deny")
@policy.answer("cuDeviceGetAttribute")
def told(call):
    return call.reply(pi={TOLD})
"""

ASK = """
import ctypes, os, sys
def ask(function):
    value = ctypes.c_int()
    function(ctypes.byref(value), 75, 0)
    return value.value
driver = ctypes.CDLL("libcuda.so.1")
driver.cuInit(0)
print(ask(driver.cuDeviceGetAttribute))
"""

OTHER_ENVIRONMENT = """
import subprocess
clean = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
print(subprocess.run([sys.executable, "-c", sys.argv[1]], env=clean, capture_output=True, text=True).stdout.strip())
"""
SWITCHED_OFF = OTHER_ENVIRONMENT.replace('if name != "LD_PRELOAD"}', '} | {"VGPU_DISABLE": "1"}')
SECOND_COPY = """
import shutil
copy = ctypes.CDLL(shutil.copy(sys.argv[2], sys.argv[3]))
copy.cuInit(0)
print(ask(copy.cuDeviceGetAttribute))
"""
BY_ADDRESS = """
path, offset = sys.argv[2], int(sys.argv[4])
base = [int(line.split("-")[0], 16) for line in open("/proc/self/maps") if path in line][0]
print(ask(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)(base + offset)))
"""
NAMESPACE = """
libc = ctypes.CDLL(None)
libc.dlmopen.restype = ctypes.c_void_p
handle = libc.dlmopen(ctypes.c_long(-1), sys.argv[2].encode(), 2)
other = ctypes.CDLL("other", handle=handle)
other.cuInit(0)
print(ask(other.cuDeviceGetAttribute))
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.py"
    path.write_text(POLICY)
    return path


def truth() -> int:
    """What the driver says."""
    return int(run_bare([sys.executable, "-c", ASK]).stdout)


def offset_in_driver() -> int:
    """Where the function lies in the driver's file, as anybody can read it."""
    with (fake_driver() / "libcuda.so.1").open("rb") as file:
        symbols: Any = ELFFile(file).get_section_by_name(".dynsym")
        (symbol,) = symbols.get_symbol_by_name("cuDeviceGetAttribute")
        return int(symbol["st_value"])


WAYS = {"env": OTHER_ENVIRONMENT, "off": SWITCHED_OFF, "copy": SECOND_COPY, "address": BY_ADDRESS, "dlmopen": NAMESPACE}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_program_gets_past(way: str, policy: Path, tmp_path: Path) -> None:
    driver = os.path.realpath(fake_driver() / "libcuda.so.1")
    arguments = [ASK, driver, str(tmp_path / "libcopy.so"), str(offset_in_driver())]
    done = run_preloaded([sys.executable, "-c", ASK + way, *arguments], policy=policy)
    assert (done.stdout.split(), done.stderr) == ([str(TOLD), str(truth())], "")


def test_a_library_opened_with_deepbind_gets_past(policy: Path) -> None:
    """For what it is linked to; what is looked up in it is found by us."""
    done = run_preloaded([programs.build() / "rtld_deepbind"], policy=policy)
    assert str(TOLD) in done.stdout
    assert str(truth()) in done.stdout


def test_a_static_program_gets_past(policy: Path) -> None:
    assert run_preloaded([coexisting("secure_static")], policy=policy).stdout == "secure: no\npreloaded: no\n"


WRITES = """
memory = open("/proc/self/mem", "r+b", buffering=0)
thunk = ctypes.cast(driver.cuDeviceGetAttribute, ctypes.c_void_p).value
real = int(sys.argv[4]) + [int(line.split("-")[0], 16) for line in open("/proc/self/maps") if sys.argv[2] in line][0]
memory.seek(thunk)
memory.write(bytes([0x48, 0xB8]) + real.to_bytes(8, "little") + bytes([0xFF, 0xE0]))  # mov rax, real; jmp rax
print(ask(driver.cuDeviceGetAttribute))
"""


def test_a_program_that_changes_the_librarys_memory_gets_past(policy: Path, tmp_path: Path) -> None:
    driver = os.path.realpath(fake_driver() / "libcuda.so.1")
    arguments = [ASK, driver, str(tmp_path), str(offset_in_driver())]
    done = run_preloaded([sys.executable, "-c", ASK + WRITES, *arguments], policy=policy)
    assert (done.stdout.split(), done.stderr) == ([str(TOLD), str(truth())], "")


ASKS_THE_KERNEL = """
import fcntl
with open("/dev/ptmx", "rb") as device:  # any device: the library sees no system call
    fcntl.ioctl(device, 0x80045430, bytes(4))
print("asked")
"""


def test_system_calls_are_not_seen(policy: Path) -> None:
    done = run_preloaded([sys.executable, "-c", ASKS_THE_KERNEL], policy=policy, log="debug")
    assert (done.stdout, done.stderr) == ("asked\n", "")


# ---- what the library trusts ----


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the library with a record beside it, which names this Python."""
    copy = tmp_path / "lib/vgpu_embed"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert (copy / "libvgpu-cuda.python").exists()
    return copy


def asked(package: Path, policy: Path) -> tuple[str, str]:
    policy.write_text(POLICY)
    done = run_preloaded([own("first")], policy=policy, env={"LD_PRELOAD": package / "libvgpu-cuda.so"})
    return done.stdout, done.stderr


def test_a_record_that_others_may_write_is_not_read(package: Path, policy: Path) -> None:
    assert asked(package, policy) == (f"main: {TOLD}\n", "")
    record = package / "libvgpu-cuda.python"
    for mode, owner in ((0o666, 0), (0o644, 4242)):
        record.chmod(mode)
        os.chown(record, owner, 0)
        _, error = asked(package, policy)
        assert f"{record} is not read: others may write it" in error


SECRET = "xyzzy-4711"
CARRIES = f"""
import ctypes, os
cuda = ctypes.CDLL("libcuda.so.1")
cuda.cuInit(0)
text = ctypes.create_string_buffer(b"{SECRET}-memory" * 4)
memory = ctypes.c_uint64()
cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(64))
cuda.cuMemcpyHtoD_v2(memory, text, ctypes.c_size_t(64))
cuda.cuModuleLoadData(ctypes.byref(ctypes.c_void_p()), text)
cuda.cuDeviceGetByPCIBusId(ctypes.byref(ctypes.c_int()), text)
folder = "/dev/shm/vgpu_embed-%d" % os.getuid()
own = [name for name in os.listdir(folder) if name.startswith("%d-" % os.getpid()) and name.endswith(".proc")]
print(own[0], b"{SECRET}" in open(os.path.join(folder, own[0]), "rb").read(), flush=True)
"""


def test_neither_environment_nor_memory_is_recorded(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(CARRIES)
    env = {"VGPU_TRACE": str(tmp_path / "trace"), "API_KEY": SECRET + "-environment"}
    done = run_preloaded([sys.executable, program, SECRET + "-argument"], policy="count", env=env)
    assert done.stdout.split()[1:] == ["False"], done
    recorded = (tmp_path / "trace").read_bytes()
    assert b"cuMemcpyHtoD_v2" in recorded
    assert SECRET.encode() not in recorded
    assert (tmp_path / "trace").stat().st_mode & 0o777 == 0o600

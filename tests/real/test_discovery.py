"""Real programs find the GPU that isn't there: libggml-cuda.so, ollama's discovery, nvidia-ml-py."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import programs
import pytest
import support
from support import LIBRARY, run, run_preloaded

from vgpu_embed import devices

LOG = re.compile(r"\[libvgpu-cuda\] ")
PARSED_BY_OLLAMA = ("system_info:", "error:", "CUDA error", "out of memory")


@pytest.fixture(scope="module")
def ggml() -> list[str | Path]:
    """The demo's program and the folder of the real libraries."""
    return [programs.build() / "ggml_devices", programs.real_libraries()]


@pytest.fixture(scope="module")
def ollama(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The replay of ollama and its lib/ollama."""
    return programs.ollama_tree(tmp_path_factory.mktemp("ollama"))


def found(stderr: str) -> list[dict[str, str]]:
    """The fields of ollama's own lines about devices."""
    lines = [line for line in stderr.splitlines() if 'msg="inference compute"' in line]
    return [dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line)) for line in lines]


@pytest.mark.every_python
def test_libggml_cuda_prints_the_h100(ggml: list[str | Path]) -> None:
    done = run_preloaded(ggml, mode="virtual", gpu="h100")
    assert done.returncode == 0, done.stderr
    assert "  Device 0: NVIDIA H100 80GB HBM3, compute capability 9.0, VMM: yes, VRAM: 81079 MiB\n" in done.stderr
    assert done.stdout.startswith("  CUDA0: NVIDIA H100 80GB HBM3 (81079 MiB, ")
    assert not LOG.search(done.stderr)


def test_without_the_library_there_is_no_gpu(ggml: list[str | Path]) -> None:
    done = run(ggml)
    assert "CUDA0" not in done.stdout
    assert "libcudart.so.13" in done.stderr


def test_the_library_alone_will_do(ggml: list[str | Path]) -> None:
    """Preloaded without the alias and without a mode, as somebody types it who has not asked `env`."""
    done = run(ggml, env={"LD_PRELOAD": LIBRARY, "VGPU_GPU": "h100"})
    assert done.stdout.startswith("  CUDA0: NVIDIA H100 80GB HBM3 (81079 MiB, "), done.stderr


def test_two_devices_and_a_smaller_one(ggml: list[str | Path]) -> None:
    done = run_preloaded(ggml, mode="virtual", gpu="2xh100;a100:memory=40GiB")
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == [
        "  CUDA0: NVIDIA H100 80GB HBM3",
        "  CUDA1: NVIDIA H100 80GB HBM3",
        "  CUDA2: NVIDIA A100-SXM4-80GB",
    ]
    assert "(40960 MiB, " in done.stdout


@pytest.mark.parametrize("name", devices.names())
def test_every_profile(ggml: list[str | Path], name: str) -> None:
    profile = devices.load(name)
    done = run_preloaded(ggml, mode="virtual", gpu=name)
    major, minor = profile.compute_capability
    assert f"Device 0: {profile.name}, compute capability {major}.{minor}, VMM: yes" in done.stderr
    assert f"CUDA0: {profile.name} ({profile.memory >> 20} MiB, " in done.stdout


def test_a_hook_on_the_driver_changes_what_the_runtime_says(ggml: list[str | Path], tmp_path: Path) -> None:
    """As over a real driver, where libcudart asks it; and only where the rule says so."""
    policy = tmp_path / "eight_six.py"
    policy.write_text(
        "from vgpu_embed import Policy\n"
        "policy = Policy()\n"
        "@policy.hook('cuDeviceGetAttribute', caller='libcudart*')\n"
        "def told(call):\n"
        "    told = {75: 8, 76: 6}.get(call.attrib)\n"
        "    if told is not None:\n"
        "        return call.reply(pi=told)\n"
    )
    done = run_preloaded(ggml, mode="virtual", gpu="h100", policy=policy)
    assert "Device 0: NVIDIA H100 80GB HBM3, compute capability 8.6" in done.stderr


def test_ollama_finds_it(ollama: tuple[Path, Path]) -> None:
    program, libraries = ollama
    done = run_preloaded([program, "discover", libraries], mode="virtual", gpu="h100")
    [device] = found(done.stderr)
    assert device["library"] == "CUDA"
    assert device["compute"] == "9.0"
    assert device["description"] == '"NVIDIA H100 80GB HBM3"'
    assert device["pci_id"] == "0000:01:00.0"
    assert device["driver"] == "13.0"
    assert not LOG.search(done.stderr)


def test_ollama_without_the_library_has_the_cpu(ollama: tuple[Path, Path]) -> None:
    program, libraries = ollama
    assert [device["library"] for device in found(run([program, "discover", libraries]).stderr)] == ["cpu"]


def test_ollama_before_013_asks_nvml(ollama: tuple[Path, Path]) -> None:
    program, libraries = ollama
    done = run_preloaded([program, "discover", "--engine", libraries], mode="virtual", gpu="2xh100")
    assert [device["compute"] for device in found(done.stderr)] == ["9.0", "9.0"]
    assert len({device["id"] for device in found(done.stderr)}) == 2


@pytest.mark.parametrize(
    ("value", "count"),
    [("0", 1), ("1", 1), ("1,0", 2), ("-1", 0), ("", 0), ("uuid", 1), ("5", 0), ("0,-1,1", 1)],
)
def test_ollama_under_cuda_visible_devices(ollama: tuple[Path, Path], value: str, count: int) -> None:
    program, libraries = ollama
    if value == "uuid":
        value = devices.parse_spec("2xh100")[1].uuid_text
    done = run_preloaded(
        [program, "discover", libraries], mode="virtual", gpu="2xh100", env={"CUDA_VISIBLE_DEVICES": value}
    )
    gpus = [device for device in found(done.stderr) if device["library"] == "CUDA"]
    assert len(gpus) == count, done.stderr
    assert all(device["compute"] == "9.0" for device in gpus)
    assert count or [device["library"] for device in found(done.stderr)] == ["cpu"]


def test_what_ollama_reads_from_a_child_is_json_alone(ollama: tuple[Path, Path]) -> None:
    program, libraries = ollama
    done = run_preloaded(
        [program, "gpu-discover", "--lib-dir", libraries, "--lib-dir", libraries / "cuda_v13"],
        mode="virtual",
        gpu="h100",
        log="debug",
    )
    assert json.loads(done.stdout)
    assert LOG.search(done.stderr)


def test_no_line_of_ours_has_what_ollama_looks_for(ollama: tuple[Path, Path], tmp_path: Path) -> None:
    program, libraries = ollama
    log = tmp_path / "log"
    done = run_preloaded(
        [program, "discover", libraries],
        mode="virtual",
        gpu="h100",
        log="debug",
        env={"VGPU_LOG_FILE": log},
    )
    assert found(done.stderr)[0]["compute"] == "9.0"
    lines = log.read_text().splitlines()
    assert len({re.search(r"pid=(\d+)", line)[1] for line in lines}) > 4  # type: ignore[index]
    assert not [line for line in lines for word in PARSED_BY_OLLAMA if word in line]
    assert not [line for line in lines if re.search(r"MiB free|Device \d+:", line)]
    assert all(LOG.match(line) for line in lines)


NVML = """
import pynvml, sys
pynvml.nvmlInit()
for i in range(pynvml.nvmlDeviceGetCount()):
    h = pynvml.nvmlDeviceGetHandleByIndex(i)
    print(pynvml.nvmlDeviceGetName(h), pynvml.nvmlDeviceGetUUID(h), pynvml.nvmlDeviceGetMemoryInfo(h).total,
          *pynvml.nvmlDeviceGetCudaComputeCapability(h), pynvml.nvmlDeviceGetPciInfo(h).busId)
print(pynvml.nvmlSystemGetDriverVersion())
try:
    pynvml.nvmlDeviceGetAdaptiveClockInfoStatus(h)
except pynvml.NVMLError as error:
    print(type(error).__name__)
pynvml.nvmlShutdown()
"""


@pytest.mark.every_python
def test_nvidia_ml_py() -> None:
    first, second = devices.parse_spec("h100;t4")
    done = run_preloaded([sys.executable, "-c", NVML], mode="virtual", gpu="h100;t4")
    assert done.stdout.splitlines() == [
        f"{first.name} {first.uuid_text} {first.nvml_memory} 9 0 0000{first.pci_bus_id}",
        f"{second.name} {second.uuid_text} {second.nvml_memory} 7 5 0000{second.pci_bus_id}",
        first.driver_name,
        "NVMLError_NotSupported",
    ], done.stderr
    assert done.stderr.count("nvmlDeviceGetAdaptiveClockInfoStatus() is not implemented") == 1


def test_what_is_missing_is_refused_and_named_once(tmp_path: Path) -> None:
    program = tmp_path / "textures.py"
    program.write_text(
        "import ctypes\n"
        "cuda = ctypes.CDLL('libcuda.so.1')\n"
        "print(cuda.cuInit(0))\n"
        "texture = ctypes.c_void_p()\n"
        "print([cuda.cuTexRefCreate(ctypes.byref(texture)) for _ in range(3)])\n"
    )
    done = run_preloaded([sys.executable, program], mode="virtual", gpu="h100")
    assert done.stdout == "0\n[801, 801, 801]\n"
    assert done.stderr.count("cuTexRefCreate() is not implemented here and returns CUDA_ERROR_NOT_SUPPORTED") == 1


def test_status_agrees_with_the_map(tmp_path: Path) -> None:
    waiting = [
        sys.executable,
        "-c",
        "import ctypes; ctypes.CDLL('libcuda.so.1').cuInit(0); print(1, flush=True); input()",
    ]
    environment = {**support.clean_environment(), **support.preloading(mode="virtual", gpu="2xh100")}
    with subprocess.Popen(
        waiting, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "1\n"
        mapped = {
            line.split()[-1]
            for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines()
            if "libvgpu-cuda" in line
        }
        status = run([sys.executable, "-m", "vgpu_embed.cli", "status", str(process.pid), "--json"])
        process.communicate("\n")
    [one] = json.loads(status.stdout)["processes"] if "processes" in status.stdout else json.loads(status.stdout)
    assert one["pid"] == process.pid
    assert one["mode"] == "virtual"
    assert {one["library"]} == mapped == {str(LIBRARY)}

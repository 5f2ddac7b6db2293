"""PyTorch, as PyPI has it, on virtual GPUs: what it says of the card, memory, streams, and what cannot work.

Run by `make test-torch`, in an environment of its own. Each test is a process that has PyTorch to itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvml
import pytest
import torch

from vgpu_embed import GiB, MiB, devices
from vgpu_embed.virtual.machine import context_memory

OURS = "[libvgpu-cuda]"


def used_by_nvml(device: int = 0) -> int:
    """Bytes of a device that this process holds, as NVML says."""
    pynvml.nvmlInit()
    processes = pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(device))
    return int(sum(process.usedGpuMemory for process in processes if process.pid == os.getpid()))


def free(device: int = 0) -> int:
    """Bytes of a device that are free, as the runtime says."""
    return int(torch.cuda.mem_get_info(device)[0])


def bytes_on_card(size: int, device: int = 0) -> Any:
    """A tensor that nothing was written to."""
    return torch.empty(size, dtype=torch.uint8, device=f"cuda:{device}")


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """What the library has said until it is asked."""
    return lambda: [line for line in capfd.readouterr().err.splitlines() if line.startswith(OURS)]


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.vgpu(name)) for name in devices.names()])
def test_the_card(name: str, said: Callable[[], list[str]]) -> None:
    """What PyTorch says of it is the profile's."""
    profile = devices.load(name)
    assert torch.cuda.is_available()
    assert torch.cuda.device_count() == 1
    shown = torch.cuda.get_device_properties(0)
    assert (shown.name, shown.total_memory) == (profile.name, profile.memory)
    assert (shown.major, shown.minor) == profile.compute_capability == torch.cuda.get_device_capability()
    assert (shown.multi_processor_count, shown.L2_cache_size) == (profile.attribute(16), profile.attribute(38))
    assert f"GPU-{shown.uuid}" == profile.uuid_text
    assert torch.cuda.mem_get_info() == (profile.memory - context_memory(profile), profile.memory)
    assert said() == []


@pytest.mark.vgpu("h100")
def test_a_gibibyte(said: Callable[[], list[str]]) -> None:
    """It is missing from what the runtime says is free, NVML and nvidia-smi show it, and it is given back."""
    before, seen = free(), used_by_nvml()
    tensor = bytes_on_card(1 * GiB)
    assert torch.cuda.memory_allocated() == 1 * GiB
    assert (before - free(), used_by_nvml() - seen) == (1 * GiB, 1 * GiB)
    query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    shown = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    assert shown == f"{os.getpid()}, {-(-used_by_nvml() // MiB)}\n"
    assert torch.cuda.device_memory_used() // MiB >= 1024
    del tensor
    assert torch.cuda.memory_reserved() == 1 * GiB
    torch.cuda.empty_cache()
    assert (free(), used_by_nvml()) == (before, seen)
    assert said() == []


@pytest.mark.vgpu("h100")
def test_another_process_sees_it() -> None:
    bytes_on_card(1)
    torch.cuda.empty_cache()
    before = free()
    tensor = bytes_on_card(3 * GiB)
    program = "import torch; torch.cuda.init(); print(torch.cuda.mem_get_info()[0])"
    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert before - int(seen) == tensor.nbytes + context_memory(devices.load("h100"))


@pytest.mark.vgpu("h100")
def test_what_is_copied_comes_back() -> None:
    for dtype in (torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.complex64):
        sent = torch.randint(0, 100, (3, 1000)).to(dtype)
        there = sent.to("cuda")
        assert there.device == torch.device("cuda", 0)
        assert torch.equal(there.cpu(), sent)
        assert torch.equal(there.clone().cpu(), sent)
        assert torch.equal(there[1:, :].cpu(), sent[1:, :])
    zeros = torch.zeros(1000, device="cuda")
    zeros[10:20].copy_(torch.arange(10.0))
    assert zeros.tolist() == [*[0.0] * 10, *map(float, range(10)), *[0.0] * 980]


@pytest.mark.vgpu("h100")
def test_pinned_memory() -> None:
    sent, back = torch.arange(1 << 20).pin_memory(), torch.empty(1 << 20, dtype=torch.int64, pin_memory=True)
    assert sent.is_pinned()
    assert back.is_pinned()
    assert not torch.arange(4).is_pinned()
    back.copy_(sent.to("cuda", non_blocking=True), non_blocking=True)
    torch.cuda.synchronize()
    assert torch.equal(back, sent)


@pytest.mark.vgpu("h100")
def test_more_than_the_card_has() -> None:
    """PyTorch's own error with the card's own figures; what fits afterwards is there."""
    bytes_on_card(1)
    with pytest.raises(torch.cuda.OutOfMemoryError) as caught:
        bytes_on_card(90 * GiB)
    assert str(caught.value).startswith(
        "CUDA out of memory. Tried to allocate 90.00 GiB. GPU 0 has a total capacity of 79.18 GiB of which 78.66 GiB "
        "is free. Including non-PyTorch memory, this process has 526.81 MiB memory in use."
    )
    assert torch.cuda.memory_stats()["num_ooms"] == 1
    assert bytes_on_card(70 * GiB).nbytes == 70 * GiB


@pytest.mark.vgpu("h100:memory=2GiB")
def test_until_a_small_card_is_full() -> None:
    """A step of 128 MiB at a time, as many as there is room for; and again when they are freed."""
    torch.cuda.init()
    room = free() // (128 * MiB)
    for _ in range(2):
        held: list[Any] = []
        while free() >= 128 * MiB:
            held.append(bytes_on_card(128 * MiB))
        with pytest.raises(torch.cuda.OutOfMemoryError, match=r"GPU 0 has a total capacity of 2\.00 GiB"):
            bytes_on_card(128 * MiB)
        assert len(held) == room
        held.clear()
        torch.cuda.empty_cache()


ALLOCATORS = ("backend:native", "expandable_segments:True", "backend:cudaMallocAsync")
ALLOCATES = """
import torch
torch.cuda.init()
before = torch.cuda.mem_get_info()[0]
sent = torch.arange(1 << 20)
tensors = [sent.to("cuda"), torch.empty(1 << 30, dtype=torch.uint8, device="cuda")]
print(torch.equal(tensors[0].cpu(), sent), (before - torch.cuda.mem_get_info()[0]) >> 30)
try:
    torch.empty(90 << 30, dtype=torch.uint8, device="cuda")
except torch.cuda.OutOfMemoryError as error:
    print(type(error).__name__)
tensors.clear()
torch.cuda.empty_cache()
print(before - torch.cuda.mem_get_info()[0] < 64 << 20)
"""


@pytest.mark.vgpu("h100")
@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_its_allocators(allocator: str) -> None:
    """Plain memory, memory that is mapped in pieces, and the runtime's pools."""
    given = {**os.environ, "PYTORCH_ALLOC_CONF": allocator}
    done = subprocess.run([sys.executable, "-c", ALLOCATES], env=given, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True 1\nOutOfMemoryError\nTrue\n", "")


@pytest.mark.vgpu("h100;h100:memory=40GiB")
def test_two_cards() -> None:
    assert torch.cuda.device_count() == 2
    assert [torch.cuda.get_device_properties(n).total_memory > 50 * GiB for n in range(2)] == [True, False]
    assert not torch.cuda.can_device_access_peer(0, 1)
    torch.cuda.init()
    before = [free(0), free(1)]
    tensors = [bytes_on_card(1 * GiB, 0), bytes_on_card(2 * GiB, 1)]
    assert [size - free(n) for n, size in enumerate(before)] == [1 * GiB, 2 * GiB]
    sent = torch.arange(1000)
    with torch.cuda.device(1):
        there = sent.to("cuda:0").to("cuda")
        assert torch.cuda.current_device() == there.device.index == 1
    assert torch.equal(there.cpu(), sent)
    with pytest.raises(torch.cuda.OutOfMemoryError, match=r"GPU 1 has a total capacity of 40\.00 GiB"):
        bytes_on_card(50 * GiB, 1)
    assert len(tensors) == 2


@pytest.mark.vgpu("h100")
def test_streams_and_events() -> None:
    first, second = torch.cuda.Stream(), torch.cuda.Stream(priority=-1)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    sent = torch.arange(1000).pin_memory()
    back = torch.empty_like(sent).pin_memory()
    with torch.cuda.stream(first):
        begin.record()
        there = sent.to("cuda", non_blocking=True)
        end.record()
    second.wait_event(end)
    with torch.cuda.stream(second):
        back.copy_(there, non_blocking=True)
    second.synchronize()
    assert torch.equal(back, sent)
    assert first.query()
    assert end.query()
    assert begin.elapsed_time(end) >= 0
    assert second.priority < first.priority


@pytest.mark.vgpu("h100")
def test_training_with_kernels_that_nobody_computes(said: Callable[[], list[str]]) -> None:
    """It runs to its end, with matrix products; kernels are named once, and nothing is missing."""
    model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 8)).to("cuda")
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.zeros(16, 64, device="cuda")).sum().backward()
        optimizer.step()
    torch.cuda.synchronize()
    [line] = said()
    assert "is launched and not computed" in line


@pytest.mark.vgpu("h100")
def test_a_graph() -> None:
    """Captured and replayed: the copy in it is of what is there at each replay."""
    source, target = torch.zeros(4, device="cuda"), torch.zeros(4, device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        target.copy_(source)
    for value in ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]):
        source.copy_(torch.tensor(value))
        graph.replay()
        assert target.tolist() == value


@pytest.mark.vgpu("h100")
def test_a_compiled_function(said: Callable[[], list[str]]) -> None:
    """Triton's kernel is loaded and launched."""
    compiled = torch.compile(lambda x: torch.sin(x) * 2 + torch.relu(x))
    assert compiled(torch.zeros(1000, device="cuda")).shape == (1000,)
    assert [line.split()[2] for line in said()] == ["triton_poi_fused_add_mul_relu_sin_0"]


@pytest.mark.vgpu("h100", policy="fills.py")
def test_a_kernel_that_a_policy_computes(said: Callable[[], list[str]]) -> None:
    assert torch.ones(5, device="cuda").tolist() == [1.0] * 5
    assert torch.full((2, 3), 2.5, device="cuda").tolist() == [[2.5] * 3] * 2
    assert said() == []


@pytest.mark.vgpu("h100")
def test_a_loader_with_workers() -> None:
    numbers = torch.utils.data.TensorDataset(torch.arange(64))
    loader = torch.utils.data.DataLoader(numbers, batch_size=16, num_workers=2, pin_memory=True)
    assert sum(batch.to("cuda", non_blocking=True).cpu().sum().item() for (batch,) in loader) == sum(range(64))


def _convolve() -> None:
    torch.nn.Conv2d(3, 8, 3).cuda()(torch.zeros(1, 3, 32, 32, device="cuda"))


def _transform() -> None:
    torch.fft.fft(torch.zeros(64, device="cuda"))


def _decompose() -> None:
    torch.linalg.svd(torch.zeros(8, 8, device="cuda"))


def _multiply_sparse() -> None:
    torch.eye(8).to_sparse_csr().cuda() @ torch.zeros(8, 8, device="cuda")


def _reduce() -> None:
    torch.distributed.init_process_group("nccl", store=torch.distributed.HashStore(), rank=0, world_size=1)
    torch.distributed.all_reduce(torch.zeros(4, device="cuda"))


STATIC = {
    "libcudnn_graph.so.9": (_convolve, "CUDNN_STATUS_NOT_INITIALIZED"),
    "libcufft.so.12": (_transform, "CUFFT_INTERNAL_ERROR"),
    "libcusolver.so.12": (_decompose, "CUSOLVER_STATUS_NOT_INITIALIZED"),
    "libcusparse.so.12": (_multiply_sparse, "initialization error when calling `cusparseCreate"),
    "libnccl.so.2": (_reduce, "Failed to initialize NCCL communicator"),
}
"""Libraries that PyTorch brings in which a CUDA runtime is linked statically, what uses each, and what it then says."""


@pytest.mark.vgpu("h100")
def test_a_tensor_that_another_process_has_too() -> None:
    """By torch.multiprocessing, which uses CUDA's IPC."""
    program = [sys.executable, str(Path(__file__).with_name("sharing.py"))]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "cuda:0 [1.0, 2.0, 3.0]\n[4.0, 5.0, 6.0] True\n"
    assert OURS not in done.stderr


@pytest.mark.vgpu("h100")
@pytest.mark.parametrize("library", STATIC)
def test_libraries_with_a_runtime_of_their_own(library: str, said: Callable[[], list[str]]) -> None:
    """They cannot work, which is said by name; the rest of PyTorch goes on."""
    use, error = STATIC[library]
    with pytest.raises(RuntimeError, match=error):
        use()
    assert len([line for line in said() if line.startswith(f"{OURS} cuGetExportTable: {library} asks")]) == 1
    assert torch.arange(4).to("cuda").tolist() == [0, 1, 2, 3]


@pytest.mark.vgpu("h100")
def test_what_goes_without_them() -> None:
    """By PyTorch's own kernels and cuBLAS, and over the processor's memory."""
    torch.backends.cudnn.enabled = False
    assert torch.nn.Conv2d(3, 8, 3).cuda()(torch.zeros(1, 3, 32, 32, device="cuda")).shape == (1, 8, 30, 30)
    torch.backends.cuda.enable_cudnn_sdp(False)
    query = torch.zeros(1, 8, 128, 64, device="cuda", dtype=torch.float16)
    assert torch.nn.functional.scaled_dot_product_attention(query, query, query).shape == query.shape
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    tensor = torch.arange(4).to("cuda")
    torch.distributed.all_reduce(tensor)
    assert tensor.tolist() == [0, 1, 2, 3]

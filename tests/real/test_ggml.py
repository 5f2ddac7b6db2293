"""What llama.cpp is made of, one function at a time: the real libggml-cuda.so, called by ctypes, on virtual GPUs."""

from __future__ import annotations

import sys
from pathlib import Path

import programs
from support import Completed, run_preloaded

from vgpu_embed import devices

HERE = Path(__file__).resolve().parent

START = """
import array
import ctypes
from ggml_calls import Ggml

ggml = Ggml()
numbers = array.array("f", range(4096))
"""


def run(program: str, gpu: str = "h100", policy: Path | None = None, **variables: str) -> Completed:
    """A program that uses ggml; `numbers` is an array of 4096."""
    return run_preloaded(
        [sys.executable, "-c", START + program],
        mode="virtual",
        gpu=gpu,
        policy=policy,
        env={"GGML": programs.real_libraries(), "PYTHONPATH": HERE, "GGML_NO_BACKTRACE": "1", **variables},
    )


def test_a_buffer_takes_what_it_says() -> None:
    """A buffer of 1 GiB is missing from what is free until it is freed, and one that does not fit is refused."""
    done = run("""
backend = ggml.backend_cuda_init(0)
kind = ggml.backend_cuda_buffer_type(0)
print(ggml.backend_name(backend).decode(), ggml.backend_is_cuda(backend), ggml.backend_buft_name(kind).decode())
print(ggml.backend_dev_supports_buft(ggml.backend_get_device(backend), kind), ggml.backend_cuda_init(1))
free, total = ggml.memory()
buffer = ggml.backend_buft_alloc_buffer(kind, 1 << 30)
print(total, ggml.backend_buffer_get_size(buffer), free - ggml.memory()[0], ggml.backend_buffer_is_host(buffer))
print(ggml.backend_buft_alloc_buffer(kind, free))
ggml.backend_buffer_free(buffer)
print(free - ggml.memory()[0])
ggml.backend_free(backend)
""")
    total = devices.load("h100").memory
    assert done.stdout.splitlines() == [
        "CUDA0 True CUDA0",
        "True None",
        f"{total} {1 << 30} {1 << 30} False",
        "None",
        "0",
    ], done.stderr
    assert "MiB on device 0: cudaMalloc failed: out of memory" in done.stderr
    assert "ggml_backend_cuda_init: invalid device 1" in done.stderr


def test_tensors_are_written_copied_and_read() -> None:
    done = run(
        """
backend = ggml.backend_cuda_init(0)
context = ggml.tensors()
one, other = ggml.tensor(context, 64, 64), ggml.tensor(context, 64, 64)
buffer = ggml.backend_alloc_ctx_tensors(context, backend)
ggml.write(one, numbers)
ggml.backend_tensor_copy(one, other)
print(ggml.read(other, 4096) == numbers)
ggml.backend_tensor_memset(other, 0, 0, 8)
print(ggml.read(other, 4).tolist())
ggml.backend_buffer_clear(buffer, 0)
print(sum(ggml.read(one, 4096)))

back = array.array("f", bytes(4 * 4096))
size = 4 * 4096
print(ggml.backend_cuda_register_host_buffer(back.buffer_info()[0], size))
ggml.backend_tensor_set_async(backend, one, numbers.buffer_info()[0], 0, size)
ggml.backend_tensor_get_async(backend, one, back.buffer_info()[0], 0, size)
ggml.backend_synchronize(backend)
ggml.backend_cuda_unregister_host_buffer(back.buffer_info()[0])
print(back == numbers)

pinned = ggml.backend_buft_alloc_buffer(ggml.backend_cuda_host_buffer_type(), size)
address = ggml.backend_buffer_get_base(pinned)
ggml.backend_tensor_get(one, address, 0, size)
print(ggml.backend_buffer_is_host(pinned), ctypes.string_at(address, size) == numbers.tobytes())
for each in (pinned, buffer):
    ggml.backend_buffer_free(each)
ggml.free(context)
ggml.backend_free(backend)
""",
        GGML_CUDA_REGISTER_HOST="1",
    )
    expected = ["True", "[0.0, 0.0, 2.0, 3.0]", "0.0", "True", "True", "True True"]
    assert done.stdout.splitlines() == expected, done.stderr
    assert "is not implemented here" not in done.stderr


def test_from_one_card_to_the_other() -> None:
    """Copies between buffers of two devices, at once and in the order of the backends' streams and an event."""
    done = run(
        """
print(ggml.backend_cuda_get_device_count())
sides = []
for device in range(2):
    backend, context = ggml.backend_cuda_init(device), ggml.tensors()
    tensor = ggml.tensor(context, 4096)
    sides.append((backend, tensor, ggml.backend_alloc_ctx_tensors(context, backend)))
(first, source, _), (second, target, _) = sides
ggml.write(source, numbers)
ggml.backend_tensor_copy(source, target)
print(ggml.read(target, 4096) == numbers)
ggml.backend_buffer_clear(sides[1][2], 0)
event = ggml.backend_event_new(ggml.backend_get_device(first))
ggml.backend_tensor_copy_async(first, second, source, target)
ggml.backend_event_record(event, first)
ggml.backend_event_wait(second, event)
ggml.backend_event_synchronize(event)
ggml.backend_synchronize(second)
print(ggml.read(target, 4096) == numbers)
ggml.backend_event_free(event)
for backend, _, buffer in sides:
    ggml.backend_buffer_free(buffer)
    ggml.backend_free(backend)
""",
        gpu="2xh100",
    )
    assert done.stdout.splitlines() == ["2", "True", "True"], done.stderr
    assert "is not implemented here" not in done.stderr


ADDS = """
backend = ggml.backend_cuda_init(0)
context = ggml.tensors()
one, other = ggml.tensor(context, 64, 64), ggml.tensor(context, 64, 64)
total = ggml.add(context, one, other)
graph = ggml.new_graph(context)
ggml.build_forward_expand(graph, total)
buffer = ggml.backend_alloc_ctx_tensors(context, backend)
ggml.backend_buffer_clear(buffer, 0)
ggml.write(one, numbers)
ggml.write(other, numbers)
print(ggml.backend_graph_compute(backend, graph))
print(ggml.read(total, 4096)[-2:].tolist())
"""


def test_a_graph_that_nobody_computes() -> None:
    """It succeeds, what it was to write stays as it was, and the kernel that was skipped is named."""
    done = run(ADDS)
    assert done.stdout.splitlines() == ["0", "[0.0, 0.0]"], done.stderr
    [line] = [line for line in done.stderr.splitlines() if "is launched and not computed" in line]
    assert "k_bin_bcast" in line


def test_a_graph_whose_kernels_are_errors() -> None:
    done = run(ADDS, VGPU_KERNELS="fail")
    assert (done.stdout, done.returncode) == ("", -6), done.stderr
    assert "CUDA error: operation not supported" in done.stderr


def test_a_graph_that_a_policy_computes(tmp_path: Path) -> None:
    policy = tmp_path / "adds.py"
    policy.write_text("""
from struct import unpack
from vgpu_embed import Policy

policy = Policy()

@policy.kernel("k_bin_bcast")
def add(launch):
    one, other, total = (unpack("P", parameter)[0] for parameter in launch.parameters[:3])
    columns, rows = (unpack("I", parameter)[0] for parameter in launch.parameters[3:5])
    one, other, total = (launch.array(address, "f", columns * rows) for address in (one, other, total))
    for place, value in enumerate(one):
        total[place] = value + other[place]
""")
    done = run(ADDS, policy=policy)
    assert done.stdout.splitlines() == ["0", "[8188.0, 8190.0]"], done.stderr
    assert "not computed" not in done.stderr


def test_a_product_is_cublas_work() -> None:
    """Large matrices go through cuBLAS, whose routines are checked and skipped as kernels are."""
    done = run("""
backend = ggml.backend_cuda_init(0)
context = ggml.tensors()
product = ggml.mul_mat(context, ggml.tensor(context, 512, 512), ggml.tensor(context, 512, 512))
graph = ggml.new_graph(context)
ggml.build_forward_expand(graph, product)
buffer = ggml.backend_alloc_ctx_tensors(context, backend)
for _ in range(3):
    print(ggml.backend_graph_compute(backend, graph))
""")
    assert done.stdout.split() == ["0"] * 3, done.stderr
    assert done.stderr.count("cublasSgemm_v2 is launched and not computed") == 1

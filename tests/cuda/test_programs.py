"""CUDA programs, built by NVIDIA's compiler, on virtual GPUs whose kernels a policy computes."""

from __future__ import annotations

from pathlib import Path

from live import running
from support import TESTS, built, run_preloaded

from vgpu_embed.cli.status import details
from vgpu_embed.inspect import maps
from vgpu_embed.inspect.state import State

HERE = TESTS / "cuda"

COMPUTES = """
import numpy
from vgpu_embed import Policy

policy = Policy()

@policy.kernel("vector_add", parameters="PPPi")
def vector_add(launch, a, b, c, n):
    launch.array(c, "f", n)[:] = launch.array(a, "f", n) + launch.array(b, "f", n)

@policy.kernel("add_to_both", parameters="i")
def add_to_both(launch, n):
    launch.array(launch.variable("both")[0], "i", 1)[0] += n

@policy.kernel("scale_in_place", parameters="Pfi")
def scale(launch, memory, factor, n):
    values = launch.array(memory, "f", n)
    values *= numpy.float32(factor)
"""
WITHOUT_NUMPY = """
from vgpu_embed import Policy

policy = Policy()

@policy.kernel("scale_in_place", parameters="Pfi")
def scale(launch, memory, factor, n):
    values = launch.array(memory, "f", n)
    for place, value in enumerate(values):
        values[place] = value * factor
"""


def policy_file(folder: Path, text: str) -> Path:
    path = folder / "computes.py"
    path.write_text(text)
    return path


def test_a_module_of_the_driver(tmp_path: Path) -> None:
    """Memory that the program filled is what the body sees, and what it writes the program reads."""
    program = [built(HERE) / "loads_ptx", HERE / "scale.ptx"]
    for text in (COMPUTES, WITHOUT_NUMPY):
        done = run_preloaded(program, mode="virtual", gpu="h100", policy=policy_file(tmp_path, text))
        assert (done.stdout, done.returncode) == ("2.5 5 7.5 10 12.5\n", 0), done.stderr


def test_without_a_body() -> None:
    done = run_preloaded([built(HERE) / "loads_ptx", HERE / "scale.ptx"], mode="virtual", gpu="h100")
    assert done.stdout == "1 2 3 4 5\n"
    assert done.stderr.count("scale_in_place is launched and not computed") == 1


def test_without_a_body_as_an_error() -> None:
    program = [built(HERE) / "loads_ptx", HERE / "scale.ptx"]
    done = run_preloaded(program, mode="virtual", gpu="h100", env={"VGPU_KERNELS": "fail"})
    assert (done.stdout, done.returncode) == ("cuLaunchKernel: 801\n", 1)


def test_a_program_of_nvcc(tmp_path: Path) -> None:
    policy = policy_file(tmp_path, COMPUTES)
    done = run_preloaded([built(HERE) / "program"], mode="virtual", gpu="h100", policy=policy)
    assert done.stdout.splitlines() == [
        "launch: cudaSuccess",
        "sums: 0 11 10989",
        "no blocks: cudaErrorInvalidConfiguration",
        "2048 threads: cudaErrorInvalidConfiguration",
        "beyond its bounds: cudaErrorInvalidValue",
        "1 MiB of shared memory: cudaErrorInvalidValue",
        "bounded: 4096 bytes shared, at most 256 threads, for 90",
        "blocks of a multiprocessor: 8",
        "6 blocks in clusters of 4: cudaErrorInvalidClusterSize",
        "8 blocks: cudaSuccess",
        f"clusters at the same time: {132 * 32 // 4}",
        "counter: 7",
        "counter: 8, scale: 8 bytes",
        "node: cudaSuccess, cudaErrorInvalidValue, cudaErrorInvalidMemcpyDirection, its kernel: 1, counter: 20 and 30",
        "both: 16",
        "at the end: cudaSuccess",
    ], done.stderr
    assert done.returncode == 0


BLURS = """
import numpy
from vgpu_embed import Policy

policy = Policy()

@policy.kernel("blur", parameters="QQii")
def blur(launch, image, out, width, height):
    texture = launch.texture(image)
    assert (texture.filter, texture.address[:2], texture.normalized) == ("point", ("clamp", "clamp"), False)
    beside = numpy.pad(texture.elements, ((0, 0), (1, 1)), "edge")
    launch.surface(out)[:] = (beside[:, :-2] + beside[:, 1:-1] + beside[:, 2:]) / 3
"""


def test_textures_and_surfaces_of_nvcc(tmp_path: Path) -> None:
    policy = policy_file(tmp_path, BLURS)
    done = run_preloaded([built(HERE) / "textures"], mode="virtual", gpu="h100", policy=policy)
    assert done.stdout.splitlines() == [
        "channels: 32 0 0 0 of kind 2, 8 8 8 8 of kind 1",
        "array: 6 x 3 of 32 bits, flags 2",
        "objects: cudaSuccess",
        "launch: cudaSuccess",
        "0 0 0 0 0 0",
        "3 9 18 27 36 42",
        "6 18 36 54 72 84",
        "freed: cudaSuccess",
        "with what there is not: cudaErrorIllegalAddress",
    ], done.stderr
    assert done.returncode == 0


def test_a_gpu_that_its_code_is_not_for() -> None:
    done = run_preloaded([built(HERE) / "program"], mode="virtual", gpu="a100")
    assert done.stdout.splitlines()[0] == "launch: cudaErrorNoKernelImageForDevice"


def test_what_status_says() -> None:
    """Launches that were not computed, by kernel, while the program runs."""
    program = f"""
import ctypes, sys
cuda, context, module, function = ctypes.CDLL("libcuda.so.1"), *(ctypes.c_void_p() for _ in range(3))
cuda.cuInit(0)
cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
cuda.cuCtxSetCurrent(context)
cuda.cuModuleLoad(ctypes.byref(module), b"{HERE / "scale.ptx"}")
cuda.cuModuleGetFunction(ctypes.byref(function), module, b"scale_in_place")
values = (ctypes.c_uint64(), ctypes.c_float(), ctypes.c_int())
parameters = (ctypes.c_void_p * 3)(*map(ctypes.addressof, values))
def launch():
    one = [ctypes.c_uint(1)] * 6
    assert cuda.cuLaunchKernel(function, *one, ctypes.c_uint(0), None, parameters, None) == 0
launch()
print("launched", flush=True)
sys.stdin.read()
"""
    with running(program=program, mode="virtual", gpu="h100") as process:
        assert process.line == "launched"
        found = maps.preloaded(process.pid)
        assert found is not None
        assert State(found).as_dict()["skipped"] == {"scale_in_place": 1}
        sentence = "launched 1 times and not computed"
        assert ("skipped", "scale_in_place", sentence) in list(details(State(found)))

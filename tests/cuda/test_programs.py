"""CUDA programs, built by NVIDIA's compiler, on virtual GPUs whose kernels a policy computes."""

from __future__ import annotations

from pathlib import Path

from support import TESTS, built, run_preloaded

HERE = TESTS / "cuda"

COMPUTES = """
import numpy
from vgpu_embed import Policy

policy = Policy()

@policy.kernel("vector_add", parameters="PPPi")
def vector_add(launch, a, b, c, n):
    launch.array(c, "f", n)[:] = launch.array(a, "f", n) + launch.array(b, "f", n)

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
        "beyond its bounds: cudaErrorLaunchOutOfResources",
        "1 MiB of shared memory: cudaErrorInvalidValue",
        "bounded: 4096 bytes shared, at most 256 threads, for 90",
        "blocks of a multiprocessor: 8",
        "counter: 7",
        "counter: 8, scale: 8 bytes",
        "at the end: cudaSuccess",
    ], done.stderr
    assert done.returncode == 0


def test_a_gpu_that_its_code_is_not_for() -> None:
    done = run_preloaded([built(HERE) / "program"], mode="virtual", gpu="a100")
    assert done.stdout.splitlines()[0] == "launch: cudaErrorNoKernelImageForDevice"

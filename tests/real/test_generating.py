"""Real programs use the GPU that isn't there to the end: node-llama-cpp generates, cuda-bindings copies."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import model
import node
import pytest
from support import run_preloaded

from vgpu_embed import GiB, MiB, devices

ROUNDS = 20
PARTS = ("model", "KV", "compute")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two layers."""
    path = tmp_path_factory.mktemp("model") / "small.gguf"
    model.write(path)
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 20 MB."""
    path = tmp_path_factory.mktemp("model") / "large.gguf"
    model.write(path, layers=64)
    return path


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 4.5 GiB, 387 MiB a layer, whose file takes a page of the disk."""
    path = tmp_path_factory.mktemp("model") / "sparse.gguf"
    model.write(path, layers=12, width=4096, inner=11008, sparse=True)
    return path


def generate(
    path: Path, gpu: str, rounds: int = 1, layers: str = "max", more: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], str]:
    """What the program prints, as far as it is JSON, and the rest of it with its stderr."""
    program: list[str | Path] = ["node", node.install() / "generate.mjs", path, str(rounds), "cuda", layers, *more]
    done = run_preloaded(program, mode="virtual", gpu=gpu, env={"GGML_NO_BACKTRACE": "1"}, timeout=240)
    lines = done.stdout.splitlines()
    rest = [line for line in lines if not line.startswith("{")]
    return [json.loads(line) for line in lines if line.startswith("{")], "\n".join([*rest, done.stderr])


def test_a_model_is_loaded_and_unloaded_many_times(small: Path) -> None:
    """All layers are on the GPU, and what is held after each round is the context alone, as before the first."""
    [begun, *rounds], stderr = generate(small, "h100", ROUNDS)
    assert begun["gpu"] == "cuda", stderr
    assert begun["devices"] == ["NVIDIA H100 80GB HBM3"]
    assert len(rounds) == ROUNDS, stderr
    for one in rounds:
        assert (one["layers"], one["decoded"]) == (model.LAYERS + 1, 8)
        assert one["loaded"] > begun["held"] + 700_000
        assert one["held"] == begun["held"]
    assert "is not implemented here" not in stderr
    assert stderr.count("is launched and not computed") == 1


@pytest.mark.parametrize("gpu", ["2xh100", "h100;t4"])
def test_two_cards(small: Path, gpu: str) -> None:
    [begun, one], stderr = generate(small, gpu)
    assert begun["devices"] == [profile.name for profile in devices.parse_spec(gpu)], stderr
    assert (one["layers"], one["decoded"]) == (model.LAYERS + 1, 8)
    assert one["held"] == begun["held"]


def test_a_card_that_is_too_small(large: Path) -> None:
    """node-llama-cpp says so, from the memory that it is told is free."""
    [begun], stderr = generate(large, "h100:memory=32MiB")
    assert begun["held"] == 16 << 20
    assert "InsufficientMemoryError: Not enough VRAM to fit the model" in stderr


FOUR_GIB = "h100:memory=4GiB,backing=discard"


def test_a_model_that_does_not_fit_is_split(sparse: Path) -> None:
    """As many layers as there is room for are on the GPU, which llama.cpp says, and the card holds what it says."""
    [begun, one], said = generate(sparse, FOUR_GIB, layers="auto", more=["info"])
    assert re.findall(r"offloaded (\d+)/13 layers to GPU", said) == [str(one["layers"])], said
    assert 4 <= one["layers"] <= 9
    assert one["decoded"] == 8
    sizes = {
        name: [float(size) for size in re.findall(rf"CUDA0 {name} buffer size = +([\d.]+) MiB", said)] for name in PARTS
    }
    assert all(len(found) == 1 for found in sizes.values()), said
    assert one["loaded"] > begun["held"] + sum(size for (size,) in sizes.values()) * MiB
    assert one["loaded"] < 4 * GiB
    assert one["held"] == begun["held"]


def test_all_of_it_on_a_card_with_room(sparse: Path) -> None:
    """The host needs no memory for it: what is written to the card is dropped."""
    [_, one], said = generate(sparse, "h100:backing=discard", more=["info"])
    assert "offloaded 13/13 layers to GPU" in said
    assert one["loaded"] > sparse.stat().st_size


def test_a_model_that_does_not_fit_is_refused(sparse: Path) -> None:
    """By node-llama-cpp, from an estimate; and by llama.cpp, when the driver has no more."""
    [_], said = generate(sparse, FOUR_GIB)
    assert "InsufficientMemoryError: Not enough VRAM to fit the model" in said
    [_], said = generate(sparse, FOUR_GIB, more=["info", "unchecked"])
    assert re.search(r"allocating 46\d\d\.\d\d MiB on device 0: cudaMalloc failed: out of memory", said), said
    assert "Error: Failed to load model" in said


BINDINGS = """
import sys
from cuda.bindings import driver, runtime
def done(error, *values):
    assert not error, error
    return values[0] if values else None
done(*driver.cuInit(0))
device = done(*driver.cuDeviceGet(0))
done(*driver.cuCtxSetCurrent(done(*driver.cuDevicePrimaryCtxRetain(device))))
address = done(*driver.cuMemAlloc(1 << 20))
back = bytearray(16)
done(*driver.cuMemcpyHtoD(address, bytes(range(16)), 16))
done(*driver.cuMemcpyDtoH(back, address, 16))
done(*driver.cuMemFree(address))
print(back.hex(), driver.cuMemAlloc(1 << 40)[0].name, [runtime.cudaMalloc(16)[0].name for _ in range(2)])
"""


def test_cuda_bindings() -> None:
    """The driver's part works; the runtime's is linked statically, which is said once."""
    done = run_preloaded([sys.executable, "-c", BINDINGS], mode="virtual", gpu="h100")
    expected = f"{bytes(range(16)).hex()} CUDA_ERROR_OUT_OF_MEMORY {['cudaErrorNotSupported'] * 2}\n"
    assert done.stdout == expected, done.stderr
    assert done.stderr.count("as a statically linked CUDA runtime does") == 1
    assert "it has to be linked with the shared runtime" in done.stderr

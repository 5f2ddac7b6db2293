"""PyTorch: training, a data loader with workers, two threads, torch.compile, a CUDA graph."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from checks import expect, say_if_preloaded
from torch.utils import data

GPU = torch.device("cuda", 0)
ITEMS = 256


def train() -> None:
    """Fits a small network to a sum of squares."""
    random = torch.Generator().manual_seed(1)
    inputs = torch.rand(512, 8, generator=random).to(GPU)
    targets = inputs.square().sum(1, keepdim=True)
    torch.manual_seed(2)
    layers = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    model = layers.to(GPU)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"training: loss {losses[0]:.2f}, after 200 steps {losses[-1]:.2f}")
    expect(losses[-1] < losses[0] / 10, "the loss falls")


class Numbers:
    """A data set: item i is the worker's number and four times i."""

    def __len__(self) -> int:
        return ITEMS

    def __getitem__(self, index: int) -> tuple[int, Any]:
        return data.get_worker_info().id, torch.full((4,), index)


def load() -> None:
    """Two worker processes, pinned memory."""
    total = torch.zeros((), dtype=torch.int64, device=GPU)
    workers: set[int] = set()
    for worker, batch in data.DataLoader(Numbers(), batch_size=16, num_workers=2, pin_memory=True):
        workers.update(worker.tolist())
        total += batch.to(GPU, non_blocking=True).sum()
    expect(workers == {0, 1} and total.item() == 2 * ITEMS * (ITEMS - 1), "data loader with two workers")


def multiply(seed: int) -> bool:
    """Products of whole numbers on a stream of its own: exact, so they can be compared with the processor's."""
    with torch.cuda.stream(torch.cuda.Stream()):
        random = torch.Generator().manual_seed(seed)
        for _ in range(50):
            a, b = (torch.randint(-8, 8, (128, 128), generator=random).float() for _ in range(2))
            if not torch.equal((a.to(GPU) @ b.to(GPU)).cpu(), a @ b):
                return False
    return True


def use_threads() -> None:
    """Two at once."""
    with ThreadPoolExecutor(2) as pool:
        expect(list(pool.map(multiply, (1, 2))) == [True, True], "products in two threads")


def wave(x: Any) -> Any:
    """What is compiled: Inductor makes one kernel of it."""
    return torch.sin(x) * 2 + torch.relu(x)


def compile_function() -> None:
    """Inductor and Triton have to be there: without them there is nothing to see."""
    from torch.utils._triton import has_triton

    if not has_triton():
        print("torch.compile: NOT RUN, because PyTorch finds no Triton for this GPU")
        sys.exit(1)
    x = torch.linspace(-3, 3, 10_000, device=GPU)
    compiled = torch.compile(wave, fullgraph=True)
    expect(torch.allclose(compiled(x), wave(x), atol=1e-5), "torch.compile")


def replay() -> None:
    """Captures a function in a CUDA graph and replays it on other values."""
    x = torch.zeros(1000, device=GPU)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        y = x * 2 + 1
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = x * 2 + 1
    for value in (3, 4):
        x.fill_(value)
        graph.replay()
        torch.cuda.synchronize()
        expect(bool((y == 2 * value + 1).all()), f"CUDA graph replayed with {value}")


def main() -> None:
    say_if_preloaded()
    major, minor = torch.cuda.get_device_capability(GPU)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name(GPU)}, compute capability {major}.{minor}")
    train()
    load()
    use_threads()
    compile_function()
    replay()


if __name__ == "__main__":
    main()

"""PyTorch's `x.add_(0)` and a training loop, by turns with other copies of this program."""

from __future__ import annotations

import torch
from turns import serve

x = torch.zeros(1024, 1024, device="cuda")
inputs, targets = torch.rand(256, 512, device="cuda"), torch.rand(256, 10, device="cuda")
layers = [torch.nn.Linear(512, 1024), torch.nn.GELU(), torch.nn.Linear(1024, 1024), torch.nn.GELU()]
model = torch.nn.Sequential(*layers, torch.nn.Linear(1024, 10)).cuda()
optimizer = torch.optim.Adam(model.parameters())


def add(calls: int) -> None:
    """Small kernels, one a call."""
    for _ in range(calls):
        x.add_(0)
    torch.cuda.synchronize()


def train(steps: int) -> None:
    """Forward, backward, Adam."""
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
    torch.cuda.synchronize()


properties = torch.cuda.get_device_properties(0)
serve(
    f"{properties.name}, {properties.total_memory >> 20} MiB",
    {"add": add, "train": train},
    {"add": 3000, "train": 50},
)

"""A program that gives a process of its own a tensor on the card; both say what they see of it."""

import sys

import torch
from torch import multiprocessing


def other(tensors: "multiprocessing.Queue[torch.Tensor]", done: "multiprocessing.Event") -> None:
    tensor = tensors.get()
    print(tensor.device, tensor.tolist(), flush=True)
    tensor.copy_(torch.tensor([4.0, 5.0, 6.0]))
    torch.cuda.synchronize()
    del tensor
    done.set()


if __name__ == "__main__":
    start = multiprocessing.get_context("spawn")
    tensors, done = start.Queue(), start.Event()
    process = start.Process(target=other, args=(tensors, done))
    process.start()
    tensor = torch.tensor([1.0, 2.0, 3.0]).cuda()
    free = torch.cuda.mem_get_info()[0]
    tensors.put(tensor)
    if not done.wait(60):
        sys.exit("the other process did not get it")
    process.join()
    print(tensor.tolist(), free == torch.cuda.mem_get_info()[0])

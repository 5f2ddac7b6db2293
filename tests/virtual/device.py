"""A program with a context on a virtual machine, and operations that tell what has been done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from vgpu_embed.testing import ffi
from vgpu_embed.virtual import streams
from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.operations import KERNEL, Operation
from virtual.harness import Program


class Note(Operation):
    """Leaves a mark."""

    node_type = KERNEL

    def __init__(self, marks: list[str], text: str) -> None:
        self.marks = marks
        self.text = text

    def run(self) -> None:
        self.marks.append(self.text)


class Failing(Operation):
    """Goes wrong, as a kernel does."""

    def run(self) -> None:
        raise Refused(719)


class Inert(Operation):
    """Is only counted."""

    node_type = KERNEL
    inert = True
    counted = 0

    def run(self) -> None:
        type(self).counted += 1

    @classmethod
    def tally(cls, operations: Sequence[Operation]) -> Callable[[], None]:
        number = len(operations)

        def count() -> None:
            cls.counted += number

        return count


class Device:
    """What is called by name, and has to succeed."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.machine = program.driver.machine
        self.marks: list[str] = []
        self.kept: list[Any] = []

    def call(self, function: str, *arguments: Any) -> int:
        """The function's result."""
        return int(self.program.call(function, *arguments))

    def made(self, function: str, *arguments: Any, ctype: str) -> Any:
        """What a function writes to its first output."""
        out = ffi.new(ctype + " *")
        assert self.call(function, out, *arguments) == 0
        return out[0]

    def told(self, function: str, *arguments: Any, ctype: str = "int") -> Any:
        """What a function writes to its last output."""
        out = ffi.new(ctype + " *")
        assert self.call(function, *arguments, out) == 0
        return out[0]

    def stream(self, flags: int = 1) -> Any:
        """A new one, by default one that does not wait for the legacy stream."""
        return self.made("cuStreamCreate", flags, ctype="CUstream")

    def event(self, flags: int = 0) -> Any:
        """A new one."""
        return self.made("cuEventCreate", flags, ctype="CUevent")

    def note(self, text: str, stream: Any = None) -> None:
        """Asks a stream for a mark."""
        self.submit(Note(self.marks, text), stream)

    def submit(self, operation: Operation, stream: Any = None) -> None:
        """Asks a stream for something."""
        streams.submit(self.machine, int(ffi.cast("uintptr_t", stream or 0)), operation)

    def function(self, function: Callable[[], None]) -> Any:
        """A CUhostFn."""
        made = ffi.callback("void(void *)", lambda data: function())
        self.kept.append(made)
        return made

    def host_function(self, function: Callable[[], None], stream: Any = None) -> None:
        """Asks a stream to call a function of the program's."""
        assert self.call("cuLaunchHostFunc", stream, self.function(function), None) == 0

    def begin(self, stream: Any, mode: int = 0) -> None:
        """Begins to capture."""
        assert self.call("cuStreamBeginCapture_v2", stream, mode) == 0

    def end(self, stream: Any) -> Any:
        """The captured graph."""
        return self.told("cuStreamEndCapture", stream, ctype="CUgraph")

    def instantiated(self, graph: Any) -> Any:
        """An executable graph."""
        return self.made("cuGraphInstantiateWithFlags", graph, 0, ctype="CUgraphExec")

    def launch(self, executable: Any, stream: Any = None) -> None:
        """Launches a graph."""
        assert self.call("cuGraphLaunch", executable, stream) == 0

    def nodes(self, function: str, *of: Any) -> list[Any]:
        """The nodes that a function lists."""
        count = ffi.new("size_t *")
        assert self.call(function, *of, None, count) == 0
        if not count[0]:
            return []
        nodes = ffi.new("CUgraphNode[]", count[0])
        assert self.call(function, *of, nodes, count) == 0
        return list(nodes)[: count[0]]


class Held:
    """A stream that is held up by a function of the program's until `let_go`."""

    def __init__(self, device: Device, stream: object = None) -> None:
        self.device = device
        self.gate = threading.Event()
        self.threads: list[int] = []
        device.host_function(self._wait, stream)

    def _wait(self) -> None:
        self.threads.append(threading.get_ident())
        assert self.gate.wait(30)
        self.device.marks.append("function")

    def let_go(self) -> None:
        """The function returns, and all that waits for it is done."""
        self.gate.set()
        assert self.device.call("cuCtxSynchronize") == 0

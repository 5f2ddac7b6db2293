"""What a case is written with: calls whose results are noted, calls that must succeed, threads."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass

from misuses.kernels import KERNELS

HostFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
StreamCallback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
nothing = HostFunction(lambda _data: None)
nothing_after = StreamCallback(lambda _stream, _result, _data: None)

LEGACY, PER_THREAD = 1, 2
MIB = 1 << 20


class SetupError(Exception):
    """What a case needs was refused: its name and the driver's result."""


@dataclass(frozen=True)
class Case:
    """A question. Unless `bare`, the thread that asks it has the primary context, which the process keeps.

    `alone`: nothing else is asked in its process. `uninitialized`: its process has not called cuInit. `devices`: how
    many it needs.
    """

    name: str
    ask: Callable[[Session], None]
    bare: bool = False
    alone: bool = False
    uninitialized: bool = False
    devices: int = 1


CASES: dict[str, Case] = {}


def case(
    name: str, *, bare: bool = False, alone: bool = False, uninitialized: bool = False, devices: int = 1
) -> Callable[[Callable[[Session], None]], Callable[[Session], None]]:
    """Adds a function to the cases."""

    def add(function: Callable[[Session], None]) -> Callable[[Session], None]:
        assert name not in CASES, name
        CASES[name] = Case(name, function, bare, alone or uninitialized, uninitialized, devices)
        return function

    return add


def out(size: int = 8) -> ctypes.Array[ctypes.c_uint8]:
    """Room of zeros for an output of any width."""
    return (ctypes.c_uint8 * size)()


def number(room: ctypes.Array[ctypes.c_uint8], size: int = 8) -> int:
    return int.from_bytes(bytes(room)[:size], "little")


def words(*values: int) -> ctypes.Array[ctypes.c_uint64]:
    """An array of pointers, handles or sizes."""
    return (ctypes.c_uint64 * max(len(values), 1))(*values)


def numbers(*values: int) -> ctypes.Array[ctypes.c_uint32]:
    """An array of enumerators."""
    return (ctypes.c_uint32 * max(len(values), 1))(*values)


def address(room: ctypes.Array[ctypes.c_uint8] | ctypes.Array[ctypes.c_uint64] | ctypes.Structure) -> int:
    return ctypes.addressof(room)


def argument(value: object) -> object:
    """As a register of 64 bits, of which a function that takes an int looks at 32; structures and room by address."""
    if value is None:
        return ctypes.c_uint64(0)
    if isinstance(value, int):
        return ctypes.c_uint64(value & (1 << 64) - 1)
    if isinstance(value, bytes):
        return ctypes.c_char_p(value)
    if isinstance(value, ctypes.Structure | ctypes.Array):
        return ctypes.byref(value)
    if isinstance(value, ByValue):
        return value.structure
    return value


@dataclass
class ByValue:
    """A structure that is passed itself."""

    structure: ctypes.Structure


class Session:
    """The driver in one process, and where answers go to."""

    def __init__(self, path: str, note: Callable[[str, object], None]) -> None:
        self.path = path
        self.driver = ctypes.CDLL(path)
        self.note = note
        self.primary = 0
        self.modules: dict[str, int] = {}

    def call(self, name: str, *arguments: object) -> int:
        """The driver's result, not noted."""
        return int(getattr(self.driver, name)(*map(argument, arguments)))

    def ask(self, name: str, *arguments: object) -> int:
        """Notes the driver's result."""
        if not hasattr(self.driver, name):
            self.note(name, "missing")
            return -1
        result = self.call(name, *arguments)
        self.note(name, result)
        return result

    def must(self, name: str, *arguments: object) -> None:
        """A call that the case is not about."""
        if not hasattr(self.driver, name):
            raise SetupError(f"{name} missing")
        result = self.call(name, *arguments)
        if result:
            raise SetupError(f"{name} {result}")

    def make(self, name: str, *arguments: object) -> int:
        """What a call that the case is not about gives as its first output."""
        made = out()
        self.must(name, made, *arguments)
        return number(made)

    def ask_made(self, name: str, *arguments: object) -> int:
        """Notes the result; the first output, 0 if there is none."""
        made = out()
        return number(made) if self.ask(name, made, *arguments) == 0 else 0

    def ask_made_last(self, name: str, *arguments: object) -> int:
        """`ask_made` of a function whose output comes last."""
        made = out()
        return number(made) if self.ask(name, *arguments, made) == 0 else 0

    def ask_value(self, name: str, *arguments: object, size: int = 4) -> int:
        """Notes the result and, if it is success, the first output as well."""
        made = out()
        if self.ask(name, made, *arguments) == 0:
            self.say("value", number(made, size))
        return number(made, size)

    def say(self, label: str, value: object) -> None:
        self.note(label, int(value) if isinstance(value, bool) else value)

    def function(self, name: str, module: str = "common") -> int:
        """A kernel of `kernels.py` in the primary context."""
        return self.make("cuModuleGetFunction", self.module(module), name.encode())

    def module(self, name: str = "common") -> int:
        if name not in self.modules:
            self.modules[name] = self.make("cuModuleLoadData", KERNELS[name])
        return self.modules[name]

    def launch(self, function: int, grid: int = 1, block: int = 1, stream: int = 0, *parameters: int) -> int:
        """cuLaunchKernel in one dimension, each parameter of at most 8 bytes; the result is not noted."""
        given, pointers = pack(*parameters)
        result = self.call("cuLaunchKernel", function, grid, 1, 1, block, 1, 1, 0, stream, pointers, 0)
        del given
        return result

    def other_context(self) -> int:
        """Another context by cuCtxCreate_v2, not current."""
        made = self.make("cuCtxCreate_v2", 0, 0)
        self.must("cuCtxPopCurrent_v2", out())
        return made

    def within(self, context: int, name: str, *arguments: object) -> int:
        """`make` in another context."""
        self.must("cuCtxPushCurrent_v2", context)
        try:
            return self.make(name, *arguments)
        finally:
            self.must("cuCtxPopCurrent_v2", out())

    def in_thread(self, function: Callable[[], object], *, context: int = 0) -> None:
        """Calls it in a thread of its own, whose stack of contexts is empty or has this one."""
        raised: list[BaseException] = []

        def run() -> None:
            try:
                if context:
                    self.must("cuCtxSetCurrent", context)
                function()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if raised:
            raise raised[0]


def pack(*parameters: int) -> tuple[ctypes.Array[ctypes.c_uint64], ctypes.Array[ctypes.c_uint64]]:
    """The parameters, and the pointers to them that `kernelParams` is. Keep both while they are used."""
    given = words(*parameters)
    return given, words(*(ctypes.addressof(given) + 8 * i for i in range(len(parameters))))

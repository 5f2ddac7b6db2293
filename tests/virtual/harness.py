"""Programs that call in C's order, over what virtual mode answers and nothing else."""

from __future__ import annotations

from typing import Any

from vgpu_embed.embed.redirect import not_supported
from vgpu_embed.testing import DriverCall, FakeDriver, ffi

POISON = 0x77777777


class VirtualMode(FakeDriver):
    """What no policy answers is not supported, as in a preloaded process."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings, initialised=False)
        self.unsupported: list[str] = []
        """Functions that no policy answered, in the order of the calls."""

    def unanswered(self, call: DriverCall) -> int:
        self.unsupported.append(call.function)
        return not_supported(call.row)


class Program:
    """Calls functions with every argument, outputs included, and gets plain numbers and texts."""

    def __init__(self, driver: FakeDriver) -> None:
        self.driver = driver

    @property
    def unsupported(self) -> list[str]:
        assert isinstance(self.driver, VirtualMode)
        return self.driver.unsupported

    def call(self, function: str, *arguments: Any, caller: str = "program") -> Any:
        """Returns the function's number or text."""
        result = self.driver.call(function, *arguments, caller=caller).result
        return int(result) if isinstance(result, int) else result

    def number(self, function: str, *arguments: Any, at: int = 0, ctype: str = "int *", caller: str = "program") -> Any:
        """[result, number written], the output being argument number `at`; it starts as POISON."""
        out = ffi.new(ctype, ffi.cast(ffi.typeof(ctype).item, POISON))
        rest = list(arguments)
        rest.insert(at, out)
        return [self.call(function, *rest, caller=caller), out[0]]

    def raw(self, function: str, size: int, *arguments: Any, at: int = 0, begin: bytes = b"") -> list[Any]:
        """[result, bytes written as hexadecimal digits], of a buffer full of "w"."""
        out = ffi.new("char[]", begin.ljust(size, b"w"))
        rest = list(arguments)
        rest.insert(at, out)
        result = self.call(function, *rest)
        return [result, bytes(ffi.buffer(out, size)).hex()]

from collections.abc import Callable
from typing import Any

from vgpu_embed.policy import Result
from vgpu_embed.virtual.contexts import Context

class Field:
    def __init__(
        self,
        parameter: object,
        attribute: str,
        where: int,
        place: int,
        kind: int,
        size: int,
        direction: int,
        is_enum: bool,
    ) -> None: ...
    def __get__(self, call: object, type: object = None, /) -> Any: ...

class Kind:
    function: str
    owner: Any
    hooks: tuple[Any, ...]
    leaves: bool
    mask: int
    def __init__(
        self,
        *,
        type: type,
        function: str,
        caller: str,
        hooks: tuple[Any, ...],
        fields: tuple[Field, ...],
        makes: dict[str, Kind],
        owner: Any,
        decide: Any,
        target: int,
        mask: int,
        slot: int,
        stack_words: int,
        leaves: bool,
        null_output: int,
        through_host: bool,
        gives_text: bool,
        recorded: int,
    ) -> None: ...
    def __call__(self, frame: int) -> Any: ...
    def decide(self, address: int, /) -> int: ...

class Ask:
    def __init__(
        self,
        handler: object,
        function: Callable[..., Any],
        test: Callable[..., Any] | None,
        caught: Callable[..., Any],
        remembers: bool,
    ) -> None: ...

class Call:
    function: str
    caller: str
    result: Result | None
    written: dict[str, int]
    failed: bool
    repeated: bool
    @property
    def has_forwarded(self) -> bool: ...
    @property
    def address(self) -> int: ...
    @property
    def _kind(self) -> Kind: ...
    def forward(self) -> Result: ...
    def reply(self, result: int = 0, **outputs: Any) -> Result: ...
    def make(self, function: str, **inputs: Any) -> Any: ...
    def address_of(self, pointer: Any, /) -> int: ...
    def number(self, name: str, /) -> int: ...
    def numbers(self) -> tuple[int, ...]: ...
    def run(self) -> Any: ...
    def real(self) -> int: ...

class Short:
    def __init__(self, address: int, size: int, first: int = ...) -> None: ...
    def __call__(self, *numbers: int) -> int: ...

class Lock:
    def __enter__(self) -> None: ...
    def __exit__(self, *unused: object) -> None: ...

class Gaps:
    def __init__(self, address: int, size: int, /) -> None: ...
    @property
    def address(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def left(self) -> int: ...
    owner: Any
    def take(self, size: int, /) -> int: ...
    def give(self, address: int, size: int, /) -> int: ...

class Allocation:
    """What one call has allocated.

    Attributes:
        address, size: where, and how much was asked for.
        kind: DEVICE, PINNED, …
        device: the ordinal of the device that it belongs to.
        context: the context that it ends with; None for what is the device's or the process's.
        source: what it was taken from; its `free` takes it back.
        flags: as they were given.
        number: what no other allocation of the process has had.
    """

    address: int
    size: int
    kind: int
    device: int
    context: Context | None
    source: Any
    flags: int
    number: int
    def __init__(
        self,
        address: int,
        size: int,
        kind: int,
        device: int,
        context: Context | None,
        source: Any,
        flags: int = 0,
        /,
    ) -> None: ...

class Held:
    """What a process holds of the devices of its machine. A device is named by its number there."""

    def __init__(self, devices: int, publish: Short = ...) -> None: ...
    @property
    def held(self) -> list[int]: ...
    def take_now(self, device: int, size: int, most: int, /) -> bool | None: ...
    def give(self, device: int, size: int, /) -> None: ...
    def saw(self, others: list[int], seconds: float, /) -> None: ...
    def forget(self) -> None: ...

class Shared:
    """Part of a device's memory, in blocks.

    Attributes:
        blocks: those with room, the newest last.
        spare: a page that is free, as far as the device is concerned: the next block's. Programs that allocate and free
            one thing again and again are spared the way to the arena and the kernel.
        keeps_spare: whether there may be one.
        reserved: bytes of the device.
    """

    blocks: list[Any]
    spare: Any
    keeps_spare: bool
    reserved: int
    def __init__(self, held: Held, number: int, most: int, pieces: dict[int, list[int]], /) -> None: ...

class Quick:
    def __init__(
        self,
        lock: Lock,
        insert: Callable[..., int],
        remove: Callable[..., int],
        empty: Callable[..., int],
        allocations: dict[int, Allocation],
        sharing: int,
        grain: int,
        page: int,
        access: int,
        /,
    ) -> None: ...
    def allocate(
        self, heap: Shared, size: int, kind: int, device: int, context: Context | None, /
    ) -> Allocation | None: ...
    def free(self, allocation: Allocation, /) -> int: ...

def prepare(key: int, kind: Kind, /) -> None: ...
def forget() -> None: ...
def on_error(report: Callable[..., Any], /) -> None: ...

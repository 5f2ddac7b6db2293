"""What a module's image says of its kernels and variables, whichever form it has."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Unreadable(Exception):
    """An image that is no image, or a damaged one; the text says why."""


class Entry:
    """A kernel of an image.

    parameters      offset and size in bytes of each, in order; None where they are not known
    registers       of a thread, 32 bits each; of PTX an estimate, see ptx.py
    most_threads    in a block, 0: as many as the device has; required_threads: x, y, z, or None
    shared, local   bytes of a block, of a thread, without what is said at the launch
    constant        bytes of constant memory of the program's
    cluster         blocks of a cluster in x, y, z, or None
    """

    __slots__ = (
        "cluster",
        "constant",
        "local",
        "most_threads",
        "name",
        "parameters",
        "registers",
        "required_threads",
        "shared",
    )

    def __init__(self, name: str, parameters: Sequence[tuple[int, int]] | None = ()) -> None:
        self.name = name
        self.parameters = parameters
        self.registers = 0
        self.most_threads = 0
        self.required_threads: tuple[int, int, int] | None = None
        self.shared = self.local = self.constant = 0
        self.cluster: tuple[int, int, int] | None = None


class Variable:
    """A variable in device memory, or, if it is managed, in memory that the program uses as well."""

    __slots__ = ("_data", "is_managed", "name", "size")

    def __init__(self, name: str, size: int, data: bytes | Callable[[], bytes] = b"", is_managed: bool = False) -> None:
        self.is_managed = is_managed
        self.name = name
        self.size = size
        self._data = data

    @property
    def data(self) -> bytes:
        """What it begins with; what is not given is zero."""
        return self._data if isinstance(self._data, bytes) else self._data()


class Linkage:
    """What a linker goes by beside kernels and variables.

    functions  names of functions that it has for others
    wanted     names of what it uses, and others have
    weak       names of kernels that others may have too
    """

    __slots__ = ("functions", "wanted", "weak")

    def __init__(self, functions: set[str], wanted: set[str], weak: set[str]) -> None:
        self.functions = functions
        self.wanted = {name for name in wanted - functions if not name.startswith(BUILT_IN)}
        self.weak = weak


BUILT_IN = ("vprintf", "malloc", "free", "__assertfail", "__cuda", "__nv", "cuda")
"""What the driver has for all programs begins so."""


class Image:
    """The code of one architecture: compute capability times ten, of the machine code and of the PTX behind it."""

    __slots__ = ("architecture", "entries", "variables", "virtual_architecture")

    def __init__(self, architecture: int, virtual_architecture: int) -> None:
        self.architecture = architecture
        self.virtual_architecture = virtual_architecture
        self.entries: dict[str, Entry] = {}
        self.variables: dict[str, Variable] = {}

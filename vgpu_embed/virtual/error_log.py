"""The lines of the driver's log, and who is told of them: see `logs`."""

from __future__ import annotations

from _thread import get_ident
from collections import deque
from time import localtime, strftime, time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.host import Host

KEPT = 100
"""Lines; older ones are lost."""
NOT_READY = 600
"""CUDA_ERROR_NOT_READY, which is no failure."""
LEVEL = 0
"""CU_LOG_LEVEL_ERROR: there are no warnings."""
LOST = b"Log buffer has rolled over since the previous dump. The oldest messages will be missing\n"
"""What stands before lines where older ones are missing."""


class ErrorLog:
    """The last lines.

    count  how many there have been: where the next one comes
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.count = 0
        self.callbacks: dict[int, tuple[int, int]] = {}
        """Functions of the program's, and what they are given, by handle."""
        self._lines: deque[bytes] = deque(maxlen=KEPT)

    def failed(self, function: str, result: int | str, why: str = "") -> None:
        """A function has failed; of those that are not the driver's nothing is said."""
        if not function[2:3].isupper() or result == NOT_READY:
            return
        from vgpu_embed.virtual import errors

        for text in (why, f"Returning {int(result)} ({errors.driver_name(int(result))}) from {function}"):
            if text:
                self._add(text)

    def _add(self, text: str) -> None:
        now = time_ns()
        moment = strftime("%H:%M:%S", localtime(now // 1_000_000_000))
        self._lines.append(f"[{moment}.{now // 1_000_000 % 1000:03}][{get_ident()}][CUDA][E] {text}\n".encode())
        self.count += 1
        if self.callbacks:
            ffi, _ = self.host.memory()
            message = ffi.new("char[]", text.encode())
            address = int(ffi.cast("uintptr_t", message))
            for function, data in list(self.callbacks.values()):
                self.host.call(function, data, LEVEL, address, len(text.encode()))

    def since(self, start: int) -> list[bytes]:
        """The lines from a number on; that some are missing comes first."""
        first = self.count - len(self._lines)
        lines = list(self._lines)[max(start - first, 0) :]
        return [LOST, *lines] if start < first else lines


of_process: list[ErrorLog] = []
"""That of a process in which the library is preloaded."""

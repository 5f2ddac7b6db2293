"""Log lines of the Python side. The library writes them: one write a line, its prefix and process id around them."""

from __future__ import annotations

from vgpu_embed import policy
from vgpu_embed._core import ffi, lib
from vgpu_embed.policy import CallLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ERROR, INFO, DEBUG = 1, 2, 3
level: int = lib.host_info().log_level


def write(line_level: int, text: str) -> None:
    """Writes one line if the log level includes it. Never raises."""
    if line_level <= level:
        lib.host_log(line_level, ffi.new("char[]", text.replace("\n", " ").encode(errors="replace")))


class PolicyLog(CallLog):
    """`call.log` and `policy.log`: lines that begin with a function's or a policy's name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _line(self, line_level: int, text: str, fields: dict[str, Any]) -> None:
        if line_level <= level:
            write(line_level, policy.log_line(self._name, text, fields))

    def error(self, text: str, **fields: Any) -> None:
        """Shown unless the log is off."""
        self._line(ERROR, text, fields)

    def info(self, text: str, **fields: Any) -> None:
        """Shown with ``--log info`` and ``debug``."""
        self._line(INFO, text, fields)

    def debug(self, text: str, **fields: Any) -> None:
        """Shown with ``--log debug``."""
        self._line(DEBUG, text, fields)


policy.log_of = PolicyLog

"""Options of the driver's compiler and linker. Nothing is compiled, so most have no consequence; its log is written."""

from __future__ import annotations

from vgpu_embed.virtual.code import memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall

MAX_REGISTERS, WALL_TIME, INFO_LOG, ERROR_LOG, ERROR_LOG_SIZE, FROM_CONTEXT, TARGET = 0, 2, 3, 5, 6, 8, 9
"""CU_JIT_…"""
NUMBER = 64
"""From this number on there are no more of them."""


class Options:
    """What a call gives as options; none where one of the arrays is missing.

    given  their values, by number
    """

    def __init__(self, call: AnyCall) -> None:
        places = range(call.numOptions) if call.options and call.optionValues else ()
        self._numbers = [int(call.options[place]) for place in places]
        self._values: int = call.number("optionValues")
        self.given = {self._numbers[place]: call.address_of(call.optionValues[place]) for place in places}

    def log(self, text: bytes) -> None:
        """Writes why something is refused where the program wants it, and how long that is."""
        given = self.given
        if given.get(ERROR_LOG) and given.get(ERROR_LOG_SIZE):
            written = text[: given[ERROR_LOG_SIZE] - 1] + b"\0"
            memory(given[ERROR_LOG], len(written))[:] = written
            place = self._numbers.index(ERROR_LOG_SIZE)
            memory(self._values + 8 * place, 8).cast("B").cast("Q")[0] = len(written)

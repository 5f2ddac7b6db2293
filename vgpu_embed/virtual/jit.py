"""Options of the driver's compiler and linker. Nothing is compiled, so most have no consequence; its log is written."""

from __future__ import annotations

from vgpu_embed.virtual.code import memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall

MAX_REGISTERS, WALL_TIME, INFO_LOG, INFO_LOG_SIZE, ERROR_LOG, ERROR_LOG_SIZE, FROM_CONTEXT, TARGET = (
    0,
    2,
    3,
    4,
    5,
    6,
    8,
    9,
)
"""CU_JIT_…"""
LOGS = ((INFO_LOG, INFO_LOG_SIZE), (ERROR_LOG, ERROR_LOG_SIZE))
NUMBER = 36
"""CU_JIT_NUM_OPTIONS: from this number on there are no more of them."""


class Options:
    """What a call gives as options; none where one of the arrays is missing. Logs are empty at first.

    given  their values, by number
    """

    def __init__(self, call: AnyCall) -> None:
        places = range(call.numOptions) if call.options and call.optionValues else ()
        self._numbers = [int(call.options[place]) for place in places]
        self._values: int = call.number("optionValues")
        self.given = {self._numbers[place]: call.address_of(call.optionValues[place]) for place in places}
        for _, size in LOGS:
            self._tell(size, 0)

    def log(self, text: bytes) -> None:
        """Writes why something is refused where the program wants it, and how long that is."""
        given = self.given
        if given.get(ERROR_LOG) and given.get(ERROR_LOG_SIZE):
            written = text[: given[ERROR_LOG_SIZE] - 1] + b"\0"
            memory(given[ERROR_LOG], len(written))[:] = written
            self._tell(ERROR_LOG_SIZE, len(written))

    def _tell(self, number: int, value: int) -> None:
        """Changes the value of an option that was given."""
        if number in self.given:
            place = self._numbers.index(number)
            memory(self._values + 8 * place, 8).cast("B").cast("Q")[0] = value

"""The routines of cuBLAS: their arguments are checked, then each is a kernel that nobody computes."""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.cublas.handles import EXECUTION_FAILED, INVALID_VALUE, handle_of, status_of
from vgpu_embed.virtual.operations import KERNEL, Operation
from vgpu_embed.virtual.streams import submit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

NOT_TRANSPOSED = 0
"""CUBLAS_OP_N."""
LENGTHS = ("m", "n", "k", "kl", "ku", "nrhs", "batchCount")
"""Parameters that are how much there is of something."""
COMPUTES_NOTHING = ("Get", "Set", "Create", "Destroy", "Logger", "Xt", "Lt")
"""How the names of functions go on that are no routines."""


class Routines(tuple[str, ...]):
    """Their names, of which it shows none: they are many, and whether a name is one is found out when it is called."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or not name.startswith("cublas"):
            return False
        if name.removeprefix("cublas").startswith(COMPUTES_NOTHING):
            return False
        parameters = tables.function(name).parameters
        return bool(parameters and parameters[0].ctype == "cublasHandle_t")


answers = Answers()


class Routine(Operation):
    """A routine that was called."""

    node_type = KERNEL
    inert = True

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name

    def run(self) -> None:
        """See Operation."""
        self.machine.programs.skip(self.name)

    @classmethod
    def tally(cls, operations: Sequence[Operation]) -> Callable[[], None]:
        """See Operation."""
        routines = [operation for operation in operations if isinstance(operation, Routine)]
        return routines[0].machine.programs.tally([routine.name for routine in routines])


@answers.every(Routines())
def routine(machine: Machine, call: AnyCall) -> int:
    handle = handle_of(machine, call)
    names = {parameter.name for parameter in call.row.parameters}
    lengths = [getattr(call, name) for name in LENGTHS if name in names]
    if any(length < 0 for length in lengths):
        return INVALID_VALUE
    if "transb" in names and "ldc" in names:
        check_product(call)
    if not all(lengths):
        return 0
    return skip(machine, call.function, handle.stream)


def check_product(call: AnyCall) -> None:
    """Refuses the arguments of a matrix product whose leading dimensions are too small, or without factors."""
    m, n, k = call.m, call.n, call.k
    rows_of_a = m if call.number("transa") == NOT_TRANSPOSED else k
    rows_of_b = k if call.number("transb") == NOT_TRANSPOSED else n
    if call.lda < max(1, rows_of_a) or call.ldb < max(1, rows_of_b) or call.ldc < max(1, m):
        raise Refused(INVALID_VALUE)
    if not call.number("alpha") or not call.number("beta"):
        raise Refused(INVALID_VALUE)


def skip(machine: Machine, name: str, stream: int) -> int:
    """Gives a stream a routine to do; with `--kernels fail` that is an error."""
    programs = machine.programs
    if programs.fails:
        programs.say(name, f"{name} is called and nothing computes it: an error, as asked for")
        return EXECUTION_FAILED
    try:
        submit(machine, stream, Routine(machine, name))
    except Refused as refused:
        return status_of(refused.result)
    return 0

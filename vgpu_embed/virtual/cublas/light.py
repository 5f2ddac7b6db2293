"""cuBLASLt: descriptions of products, layouts and preferences, one algorithm for whatever is asked, and the product.

Sizes and values of attributes are those of cuBLASLt 13.10 (tests/virtual/data/cublas.json).
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.cublas.handles import INVALID_VALUE, handle_of
from vgpu_embed.virtual.cublas.routines import skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

COMPUTE_TYPE, SCALE_TYPE, TRANSPOSED_A, TRANSPOSED_B = 0, 1, 3, 4
"""CUBLASLT_MATMUL_DESC_…"""
TYPE, ROWS, COLUMNS, LEADING = 0, 2, 3, 4
"""CUBLASLT_MATRIX_LAYOUT_…"""


def attributes(sizes: str, **values: int) -> dict[int, tuple[int, int]]:
    """Size and value of each attribute by number; sizes as digits, "-" where there is no such attribute."""
    given = {int(name[1:]): value for name, value in values.items()}
    return {number: (int(size), given.get(number, 0)) for number, size in enumerate(sizes) if size != "-"}


KINDS = {
    "MatmulDesc": attributes("444444448-88888448888848814----44444", _6=2, _7=1, _22=-1, _26=-1),
    "MatrixLayout": attributes("44888488488844", _5=1),
    "MatmulPreference": attributes("48-4-44444--8888", _3=7, _5=256, _6=256, _7=256, _8=256, _12=-1),
    "MatrixTransformDesc": attributes("4444"),
}
"""The attributes of each kind of description."""

DESCRIPTION = {
    "MatmulDesc": "matmulDesc",
    "MatrixLayout": "matLayout",
    "MatmulPreference": "pref",
    "MatrixTransformDesc": "transformDesc",
}
"""What their functions call a description."""

Description = dict[int, bytes]
"""Attributes by number, as they lie in memory."""

answers = Answers()


def kind_of(call: AnyCall) -> str:
    """Which kind of description a function is about."""
    return next(kind for kind in KINDS if call.function.startswith(f"cublasLt{kind}"))


def described(machine: Machine, address: int) -> Description:
    """A description; refuses what is none."""
    return known(machine.descriptions, address, INVALID_VALUE)


def begin(call: AnyCall) -> Description:
    """A new description, with what its function is given."""
    kind = kind_of(call)
    made = {number: value.to_bytes(size, "little", signed=value < 0) for number, (size, value) in KINDS[kind].items()}
    if kind == "MatmulDesc":
        made[COMPUTE_TYPE] = call.number("computeType").to_bytes(4, "little")
    if kind in ("MatmulDesc", "MatrixTransformDesc"):
        number = SCALE_TYPE if kind == "MatmulDesc" else 0
        made[number] = call.number("scaleType").to_bytes(4, "little")
    if kind == "MatrixLayout":
        made[TYPE] = call.number("type").to_bytes(4, "little")
        for number, value in ((ROWS, call.rows), (COLUMNS, call.cols), (LEADING, call.ld)):
            made[number] = (value & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little")
    return made


@answers(*(f"cublasLt{kind}Create" for kind in KINDS))
def create(machine: Machine, call: AnyCall) -> int:
    made = machine.handle()
    result = call.reply(**{DESCRIPTION[kind_of(call)]: made})
    if not result:
        machine.descriptions[made] = begin(call)
    return result


@answers(*(f"cublasLt{kind}Init_internal" for kind in KINDS))
def initialise(machine: Machine, call: AnyCall) -> int:
    """A description in the program's own memory."""
    address = call.number(DESCRIPTION[kind_of(call)])
    if not address:
        return INVALID_VALUE
    machine.descriptions[address] = begin(call)
    return 0


@answers(*(f"cublasLt{kind}Destroy" for kind in KINDS))
def destroy(machine: Machine, call: AnyCall) -> int:
    machine.descriptions.pop(call.number(DESCRIPTION[kind_of(call)]), None)
    return 0


@answers(*(f"cublasLt{kind}SetAttribute" for kind in KINDS))
def set_attribute(machine: Machine, call: AnyCall) -> int:
    description = described(machine, call.number(DESCRIPTION[kind_of(call)]))
    before = description.get(call.number("attr"))
    if before is None or not call.buf or call.sizeInBytes < len(before):
        return INVALID_VALUE
    ffi = call.ffi
    description[call.number("attr")] = bytes(ffi.buffer(ffi.cast("char *", call.buf), len(before)))
    return 0


@answers(*(f"cublasLt{kind}GetAttribute" for kind in KINDS))
def get_attribute(machine: Machine, call: AnyCall) -> int:
    """With no room the size is told."""
    description = described(machine, call.number(DESCRIPTION[kind_of(call)]))
    value = description.get(call.number("attr"))
    if value is None or (not call.sizeInBytes and not call.number("sizeWritten")):
        return INVALID_VALUE
    result = call.reply()
    if call.sizeInBytes:
        if call.sizeInBytes < len(value) or not call.number("buf"):
            return INVALID_VALUE
        call.ffi.memmove(call.buf, value, len(value))
    if call.number("sizeWritten"):
        call.sizeWritten[0] = len(value)
    return result


# ---- products ------------------------------------------------------------------------------------------------------


def number(description: Description, attribute: int) -> int:
    """An attribute's value."""
    return int.from_bytes(description[attribute], "little")


def check_product(machine: Machine, call: AnyCall, operation: str) -> None:
    """Refuses matrices that do not fit each other."""
    product = described(machine, call.number(operation))
    a, b, c, d = (described(machine, call.number(f"{name}desc")) for name in "ABCD")
    rows, inner = number(a, ROWS), number(a, COLUMNS)
    if number(product, TRANSPOSED_A):
        rows, inner = inner, rows
    second, columns = number(b, ROWS), number(b, COLUMNS)
    if number(product, TRANSPOSED_B):
        second, columns = columns, second
    fits = inner == second and all((number(x, ROWS), number(x, COLUMNS)) == (rows, columns) for x in (c, d))
    if not fits:
        raise Refused(INVALID_VALUE)


@answers("cublasLtMatmulAlgoGetHeuristic")
def heuristic(machine: Machine, call: AnyCall) -> int:
    """One algorithm, which needs no workspace."""
    handle_of(machine, call, "lightHandle")
    check_product(machine, call, "operationDesc")
    described(machine, call.number("preference"))
    if call.requestedAlgoCount < 1 or not call.number("heuristicResultsArray"):
        return INVALID_VALUE
    result = call.reply(returnAlgoCount=1)
    if not result:
        found = call.heuristicResultsArray
        found[0] = {"workspaceSize": 0, "state": 0, "wavesCount": 1.0}
    return result


@answers("cublasLtMatmulAlgoGetIds")
def algorithms(machine: Machine, call: AnyCall) -> int:
    handle_of(machine, call, "lightHandle")
    if call.requestedAlgoCount < 1 or not call.number("algoIdsArray"):
        return INVALID_VALUE
    result = call.reply(returnAlgoCount=1)
    call.algoIdsArray[0] = 0
    return result


@answers("cublasLtMatmulAlgoInit")
def begin_algorithm(machine: Machine, call: AnyCall) -> int:
    handle_of(machine, call, "lightHandle")
    return INVALID_VALUE if call.algoId else call.reply(algo={"data": [0] * 8})


@answers("cublasLtMatmul")
def product(machine: Machine, call: AnyCall) -> int:
    handle_of(machine, call, "lightHandle")
    check_product(machine, call, "computeDesc")
    if not call.number("alpha") or not call.number("beta"):
        return INVALID_VALUE
    return skip(machine, call.function, call.number("stream"))

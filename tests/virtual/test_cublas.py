"""The virtual cuBLAS and cuBLASLt against what real ones answered, and what becomes of their routines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import tables
from vgpu_embed.testing import FakeDriver, ffi
from vgpu_embed.virtual.cublas.routines import Routines

REAL: dict[str, Any] = json.loads((Path(__file__).parent / "data/cublas.json").read_text("utf-8"))
STATUSES = [*range(20), 99]
NEW: dict[str, dict[str, Any]] = {
    "MatmulDesc": {"computeType": 68, "scaleType": 0},
    "MatrixLayout": {"type": 0, "rows": 4, "cols": 8, "ld": 4},
    "MatmulPreference": {},
    "MatrixTransformDesc": {"scaleType": 0},
}
NAMES = {
    "MatmulDesc": "matmulDesc",
    "MatrixLayout": "matLayout",
    "MatmulPreference": "pref",
    "MatrixTransformDesc": "transformDesc",
}
ONE = ffi.new("float[1]", [1.0])


@pytest.fixture
def driver() -> FakeDriver:
    return FakeDriver()


@pytest.mark.parametrize("prefix", ["cublas", "cublasLt"])
def test_texts(driver: FakeDriver, prefix: str) -> None:
    for kind in ("String", "Name"):
        said = [driver.call(f"{prefix}GetStatus{kind}", status).result for status in STATUSES]
        assert said == REAL[f"{kind.lower()}s"]


def test_what_is_no_handle(driver: FakeDriver) -> None:
    for function, status in REAL["without a handle"].items():
        assert driver.call(function, None).result == status, function
    assert [driver.cublasGetProperty(type=kind).result for kind in range(4)] == REAL["property"]


@pytest.mark.parametrize("kind", NEW)
def test_attributes(driver: FakeDriver, kind: str) -> None:
    made = driver.call(f"cublasLt{kind}Create", **NEW[kind])
    handle = int(getattr(made, NAMES[kind]))
    get = f"cublasLt{kind}GetAttribute"
    for attribute, known in enumerate(REAL["attributes"][kind]):
        size = ffi.new("size_t *")
        result = driver.call(get, handle, attribute, None, 0, size).result
        if known is None:
            assert result == 7
            continue
        too_small, length, value = known
        room = ffi.new("char[]", 16)
        assert (result, size[0]) == (0, length)
        assert driver.call(get, handle, attribute, room, length - 1, None).result == too_small
        assert driver.call(get, handle, attribute, room, length, size).result == 0
        assert bytes(ffi.buffer(room, length)).hex() == value
        other = ffi.new("char[]", bytes(length - 1) + b"\x01")
        assert driver.call(f"cublasLt{kind}SetAttribute", handle, attribute, other, length).result == 0
        driver.call(get, handle, attribute, room, length, None)
        assert bytes(ffi.buffer(room, length))[-1] == 1
    assert driver.call(f"cublasLt{kind}Destroy", handle).result == 0


def test_settings(driver: FakeDriver) -> None:
    handle = driver.cublasCreate_v2().handle
    stream = driver.cudaStreamCreate().pStream
    assert driver.cublasSetStream_v2(handle=handle, streamId=stream).result == 0
    assert driver.cublasGetStream_v2(handle=handle).streamId == stream
    assert driver.cublasSetMathMode(handle=handle, mode=1).result == 0
    assert driver.cublasGetMathMode(handle=handle).mode == 1
    assert driver.cublasSetPointerMode_v2(handle=handle, mode=2).result == 7
    assert driver.cublasGetPointerMode_v2(handle=handle).mode == 0
    assert driver.cublasSetWorkspace_v2(handle=handle, workspace=0x100, workspaceSizeInBytes=8).result == 0
    assert driver.cublasSetWorkspace_v2(handle=handle, workspace=0x101, workspaceSizeInBytes=8).result == 7
    assert driver.cublasGetVersion_v2(handle=handle).version == 130000
    assert driver.cublasDestroy_v2(handle=handle).result == 0
    assert driver.cublasDestroy_v2(handle=handle).result == 1


@pytest.mark.parametrize(
    ("changed", "status", "is_counted"),
    [
        ({}, 0, True),
        ({"m": 0}, 0, False),
        ({"m": -1}, 7, False),
        ({"lda": 3}, 7, False),
        ({"transa": 1, "lda": 3}, 0, True),
        ({"ldc": 3}, 7, False),
        ({"alpha": None}, 7, False),
    ],
)
def test_a_product_is_checked_and_counted(
    driver: FakeDriver, changed: dict[str, Any], status: int, is_counted: bool
) -> None:
    handle = driver.cublasCreate_v2().handle
    product = {"m": 4, "n": 5, "k": 3, "lda": 4, "ldb": 3, "ldc": 4, "alpha": ONE, "beta": ONE}
    assert driver.cublasSgemm_v2(handle=handle, **{**product, **changed}).result == status
    skipped = driver.machine.programs.policy.skipped
    assert skipped.get("cublasSgemm_v2", 0) == is_counted


def test_a_product_of_cublaslt(driver: FakeDriver) -> None:
    handle = driver.cublasLtCreate().lightHandle
    operation = driver.cublasLtMatmulDescCreate(computeType=68).matmulDesc
    preference = driver.cublasLtMatmulPreferenceCreate().pref

    def layout(rows: int, columns: int) -> Any:
        return driver.cublasLtMatrixLayoutCreate(rows=rows, cols=columns, ld=rows).matLayout

    matrices = {"Adesc": layout(4, 3), "Bdesc": layout(3, 5), "Cdesc": layout(4, 5), "Ddesc": layout(4, 5)}
    found = driver.cublasLtMatmulAlgoGetHeuristic(
        lightHandle=handle, operationDesc=operation, preference=preference, requestedAlgoCount=3, **matrices
    )
    assert (found.result, found.returnAlgoCount) == (0, 1)
    scales = {"alpha": ONE, "beta": ONE}
    done = driver.cublasLtMatmul(lightHandle=handle, computeDesc=operation, **matrices, **scales)
    assert done.result == 0
    assert driver.machine.programs.policy.skipped == {"cublasLtMatmul": 1}
    matrices["Bdesc"] = layout(4, 5)
    assert driver.cublasLtMatmul(lightHandle=handle, computeDesc=operation, **matrices, **scales).result == 7


def test_kernels_fail() -> None:
    driver = FakeDriver(environment={"VGPU_KERNELS": "fail"})
    handle = driver.cublasCreate_v2().handle
    done = driver.cublasSscal_v2(handle=handle, n=1, alpha=ONE)
    assert done.result == 13


def test_routines() -> None:
    named = [name for name in tables.names("cublas") if name in Routines()]
    assert len(named) > 400
    assert {"cublasGemmEx", "cublasHgemm", "cublasStrsmBatched", "cublasSdot_v2_64", "cublasDotEx"} <= set(named)
    assert not {"cublasCreate_v2", "cublasSetStream_v2", "cublasLtMatmul", "cublasXtSgemm", "cublasSdot"} & set(named)

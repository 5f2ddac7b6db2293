"""The page of what virtual GPUs implement."""

from __future__ import annotations

import runpy
from pathlib import Path

PAGE = runpy.run_path(str(Path(__file__).resolve().parents[2] / "docs/virtual.py"))


def test_what_is_on_which_side() -> None:
    found = PAGE["implemented"]()
    assert {"cuInit", "cudaMalloc", "cudaMemcpyAsync_ptsz", "__cudaRegisterFunction"} <= found
    assert {"cublasGemmEx", "cublasLtMatmul", "nvmlInit_v2"} <= found
    assert not {"cuTexRefCreate", "cudaBindTexture", "cublasXtSgemm"} & found
    assert ("cudaIpcOpenMemHandle" in found) == ("cuIpcOpenMemHandle_v2" in found)
    assert set(PAGE["PARTIAL"]) <= found

"""The answer column: which answers may be remembered, and the words of registers that a call is recorded with."""

import re
import subprocess
from pathlib import Path

import pytest

from vgpu_embed import tables
from vgpu_embed.tables import emit

APPROVED = {
    "driver": """
        cuDeviceCanAccessPeer cuDeviceComputeCapability cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount
        cuDeviceGetExecAffinitySupport cuDeviceGetLuid cuDeviceGetName cuDeviceGetP2PAttribute cuDeviceGetPCIBusId
        cuDeviceGetProperties cuDeviceGetTexture1DLinearMaxWidth cuDeviceGetUuid cuDeviceGetUuid_v2 cuDeviceTotalMem
        cuDeviceTotalMem_v2 cuDriverGetVersion cuGetErrorName cuGetErrorString cuModuleGetLoadingMode
    """,
    "runtime": """
        cudaDeviceCanAccessPeer cudaDeviceGetAttribute cudaDeviceGetP2PAttribute cudaDeviceGetPCIBusId
        cudaDriverGetVersion cudaGetDeviceCount cudaGetDeviceProperties cudaGetDeviceProperties@12
        cudaGetDeviceProperties_v2 cudaGetErrorName cudaGetErrorString cudaRuntimeGetVersion
    """,
    "nvml": """
        nvmlDeviceGetArchitecture nvmlDeviceGetBoardId nvmlDeviceGetBoardPartNumber nvmlDeviceGetBrand
        nvmlDeviceGetBridgeChipInfo nvmlDeviceGetBusType nvmlDeviceGetCount nvmlDeviceGetCount_v2
        nvmlDeviceGetCudaComputeCapability nvmlDeviceGetGpuMaxPcieLinkGeneration nvmlDeviceGetGspFirmwareVersion
        nvmlDeviceGetHandleByIndex nvmlDeviceGetHandleByIndex_v2 nvmlDeviceGetIndex nvmlDeviceGetInforomImageVersion
        nvmlDeviceGetInforomVersion nvmlDeviceGetIrqNum nvmlDeviceGetMaxClockInfo nvmlDeviceGetMaxCustomerBoostClock
        nvmlDeviceGetMaxMigDeviceCount nvmlDeviceGetMaxPcieLinkGeneration nvmlDeviceGetMaxPcieLinkWidth
        nvmlDeviceGetMemoryBusWidth nvmlDeviceGetMinorNumber nvmlDeviceGetModuleId nvmlDeviceGetMultiGpuBoard
        nvmlDeviceGetName nvmlDeviceGetNumFans nvmlDeviceGetNumGpuCores nvmlDeviceGetNumaNodeId nvmlDeviceGetPciInfo_v3
        nvmlDeviceGetPcieLinkMaxSpeed nvmlDeviceGetPowerManagementDefaultLimit
        nvmlDeviceGetPowerManagementLimitConstraints nvmlDeviceGetSerial nvmlDeviceGetSupportedEventTypes
        nvmlDeviceGetTopologyCommonAncestor nvmlDeviceGetUUID nvmlDeviceGetVbiosVersion nvmlDeviceOnSameBoard
        nvmlErrorString nvmlSystemGetCudaDriverVersion nvmlSystemGetCudaDriverVersion_v2 nvmlSystemGetDriverVersion
        nvmlSystemGetNVMLVersion
    """,
    "cublas": "cublasGetCudartVersion cublasGetProperty cublasGetStatusName cublasGetStatusString"
    " cublasLtGetCudartVersion cublasLtGetProperty cublasLtGetStatusName cublasLtGetStatusString cublasLtGetVersion"
    " cublasXtGetNumBoards",
    "loader": "",
}


def everything() -> list[tables.Function]:
    return [tables.function(name) for library in tables.LIBRARIES for name in tables.names(library)]


@pytest.mark.parametrize("library", tables.LIBRARIES)
def test_these_answers_may_be_remembered_and_no_others(library: str) -> None:
    functions = map(tables.function, tables.names(library))
    assert {function.name for function in functions if function.answer == "yes"} == set(APPROVED[library].split())


@pytest.mark.parametrize(
    ("answer", "examples"),
    [
        ("context", "cuCtxGetCurrent cuCtxGetDevice cuCtxGetLimit cudaGetDevice cudaDeviceGetLimit cudaGetLastError"),
        ("time", "cuMemGetInfo_v2 cudaMemGetInfo cuStreamQuery_ptsz cuEventElapsedTime cuDevicePrimaryCtxGetState"),
        ("time", "nvmlDeviceGetMemoryInfo nvmlDeviceGetMemoryInfo_v2 nvmlDeviceGetUtilizationRates nvmlDeviceGetClock"),
        ("time", "nvmlDeviceGetTemperature nvmlDeviceGetPowerUsage nvmlDeviceGetTotalEccErrors nvmlDeviceGetMigMode"),
        ("pointer", "cuDeviceGetByPCIBusId cuGetProcAddress_v2 cuPointerGetAttribute cuMemGetAddressRange_v2 dlsym"),
        ("pointer", "cuFuncGetAttribute cuStreamGetPriority cuPointerGetAttributes cuMemGetAllocationGranularity"),
        ("pointer", "cudaFuncGetAttributes cudaPointerGetAttributes nvmlDeviceGetHandleByUUID nvmlDeviceGetPciInfoExt"),
        ("effect", "cuInit cuMemAlloc_v2 cuMemcpyDtoH_v2 cuLaunchKernel cuCtxPopCurrent_v2 cudaMalloc dlopen"),
        ("effect", "cuExternalMemoryGetMappedBuffer nvmlInit_v2 nvmlDeviceSetPowerManagementLimit nvmlGpmSampleGet"),
        ("effect", "cublasSgemm_v2 cudbgIpcFlag cuEGLApiInit"),
    ],
)
def test_why_others_may_not(answer: str, examples: str) -> None:
    assert {name: tables.function(name).answer for name in examples.split()} == dict.fromkeys(examples.split(), answer)


def test_every_row_says_it() -> None:
    assert {function.answer for function in everything()} == {"yes", "context", "time", "pointer", "effect"}
    older = [function for function in everything() if "@" in function.name]
    assert older
    assert all(function.answer == tables.function(function.name.partition("@")[0]).answer for function in older)


def test_what_may_be_remembered_is_asked_in_registers_alone() -> None:
    for function in everything():
        if function.answer != "yes":
            continue
        assert function.parameters is not None
        asked = [p for p in function.parameters if p.direction == "in"]
        numbers = {p.name for p in asked if p.kind in ("int", "uint")}
        assert len(asked) <= 5
        assert all(p.location[0] == "gp" for p in function.parameters)
        assert {p.ctype for p in asked if p.name not in numbers} <= {"nvmlDevice_t"}
        for parameter in function.parameters:
            assert parameter.direction != "inout"
            if parameter.direction == "out":
                assert parameter.out_size is not None
                assert set(re.findall(r"[A-Za-z_]\w*", str(parameter.out_size))) <= numbers


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cuInit", (1, 0, 0)),
        ("cuLaunchKernel", (6, 0, 5)),
        ("cuDeviceGetP2PAttribute", (4, 0, 0)),
        ("cuIpcOpenMemHandle_v2", (2, 0, 8)),  # a struct of 64 bytes by value
        ("cuMemPrefetchAsync_v2", (5, 0, 0)),  # one of 8 bytes
        ("cudaLaunchKernel", (6, 0, 2)),  # two of 12 bytes
        ("cuTexRefSetMipmapLevelClamp", (1, 2, 0)),
        ("cudaCreateChannelDesc", (6, 0, 0)),  # the result's address and five numbers
        ("cublasLtCtxInit", (6, 8, 255)),  # unknown
        ("cublasGemmEx", (6, 0, 13)),
        ("cudbgIpcFlag", (6, 8, 255)),
    ],
)
def test_words_that_a_call_takes(name: str, words: tuple[int, int, int]) -> None:
    assert tables.words(tables.function(name)) == words


def test_c_has_the_words_by_slot(tmp_path: Path) -> None:
    emit.write(tmp_path)
    text = (tmp_path / "names.c").read_text()
    array = re.search(r"vgpu_words\[VGPU_SLOTS\]\[3\] = \{\{(.*?)\}\};", text)
    assert array
    rows = [tuple(map(int, row.split(", "))) for row in array[1].split("}, {")]
    assert rows == [tables.words(function) for function in everything()]
    subprocess.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-c", "names.c"], cwd=tmp_path, check=True)

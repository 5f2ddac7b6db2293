"""The lists as others read them: what is in them, in what order, and what errors say."""

import re
from pathlib import Path

import pytest

from vgpu_embed import tables

DATA = Path(tables.__file__).parent / "data"


def lines(name: str) -> list[str]:
    return (DATA / name).read_text().split()


def everything() -> list[tables.Function]:
    return [tables.function(name) for library in tables.LIBRARIES for name in tables.names(library)]


def test_every_name_that_the_driver_exports_is_there() -> None:
    exported = lines("libcuda-580.159.04.symbols")
    assert len(exported) == 707
    marked = {f.name for f in everything() if f.library == "driver" and "580.159.04" in f.sources}
    assert marked == set(exported)


def test_every_name_that_nvml_exports_is_there() -> None:
    exported = lines("libnvidia-ml-580.159.04.symbols")
    assert len(exported) == 404
    marked = {f.name for f in everything() if f.library == "nvml" and "580.159.04" in f.sources}
    assert marked == set(exported)


def test_every_name_that_libggml_cuda_wants_is_there() -> None:
    wanted = [line.partition("@") for line in lines("libggml-cuda.undefined")]
    assert len(wanted) == 82
    for name, _, soname in wanted:
        function = tables.function(name)
        library = {"": "driver", "libcudart.so.13": "runtime", "libcublas.so.13": "cublas"}[soname]
        assert function.library == library
        assert "13" in function.sources


def test_slots_count_through_all_lists_in_file_order() -> None:
    names = [name for library in tables.LIBRARIES for name in tables.names(library)]
    assert [tables.index(name) for name in names] == list(range(len(names)))
    assert len(set(names)) == len(names)
    assert [tables.function(n).name for n in range(len(names))] == names
    for library in tables.LIBRARIES:
        assert tables.names(library) == sorted(tables.names(library))
        for name in tables.names(library):
            assert tables.function(name).library == library


def test_a_row_is_decoded_once() -> None:
    assert tables.function("cuInit") is tables.function("cuInit")


def test_a_misspelt_name_is_answered_with_its_neighbours() -> None:
    with pytest.raises(tables.UnknownFunction, match="did you mean cuMemAlloc_v2"):
        tables.function("cuMemAloc_v2")
    with pytest.raises(tables.UnknownFunction, match="no function has slot 99999"):
        tables.function(99999)
    with pytest.raises(tables.UnknownFunction, match="no function has slot -1"):
        tables.function(-1)
    assert tables.index("cuMemAloc_v2") is None


@pytest.mark.parametrize(
    ("pattern", "some"),
    [
        ("cuMemAlloc", ["cuMemAlloc"]),
        ("cuMemAlloc*Pitch*", ["cuMemAllocPitch", "cuMemAllocPitch_v2"]),
        ("cuInit?", []),
        ("*DeviceGetName", ["cuDeviceGetName", "nvmlDeviceGetName"]),
        ("cuCtxCreate_v[34]", ["cuCtxCreate_v3", "cuCtxCreate_v4"]),
        ("cublasSet[SW]*_v2", ["cublasSetStream_v2", "cublasSetWorkspace_v2"]),
        ("cuInit*Init", []),
    ],
)
def test_patterns(pattern: str, some: list[str]) -> None:
    if some:
        assert tables.match(pattern) == some
    else:
        with pytest.raises(tables.UnknownFunction):
            tables.match(pattern)


def test_a_pattern_names_no_variable() -> None:
    assert tables.function("cudbgIpcFlag").variable
    assert not tables.function("cudbgMain").variable
    assert "cudbgMain" in tables.match("cudbg*")
    assert not any(tables.function(name).variable for name in tables.match("cudbg*"))


NO_HEADER_HAS = re.compile(
    r"cublasLt([A-Z]{3}Matmul|LegacyGemm|_for_cublas_|HeuristicLut|HeuristicsCache)(?!GetCapacity|SetCapacity)\w+"
    r"|cublasLt([A-Z]{3}Matmul|(Ctx|ShutdownCtx|ClearNvjet|AlgoChar)\w+|ShutdownCtx|MatmulAlgoConfigGetAttributeRange)"
    r"|cublas(Lt)?[GS]et(Backdoor(Ex)?|EnvironmentMode)|cublas[SD]bdmm"
    r"|cublas[CZ][a-z0-9]+"  # CUBLAS of CUDA 2, which passes complex numbers by value
)


def test_unknown_prototypes_are_these_and_no_others() -> None:
    unknown = {f.name for f in everything() if f.parameters is None and not f.variable}
    assert all(map(NO_HEADER_HAS.fullmatch, unknown & set(tables.names("cublas"))))
    assert unknown - set(tables.names("cublas")) == {
        *("cuEGLApiInit", "cuMemGetAttribute", "cuMemGetAttribute_v2"),
        *("cudbgApiAttach", "cudbgApiDetach", "cudbgApiInit", "cudbgGetAPI", "cudbgGetAPIVersion"),
        *("cudbgMain", "cudbgReportDriverApiError", "cudbgReportDriverInternalError"),
        *("__cudaGetProcAddress", "__cudaRegisterHostVar", "__cudaRegisterUnifiedTable"),
        *("cudaSubgridCreate", "cudaSubgridWorkerGridCreate", "cudaSubgridWorksetCreate"),
        "nvmlInternalGetExportTable",
    }


def test_sizes_of_outputs_only_name_parameters_of_the_same_function() -> None:
    for function in everything():
        attributes = {p.name: [7] if p.pointee else 7 for p in function.parameters or ()}
        for parameter in function.parameters or ():
            if isinstance(parameter.out_size, str):
                assert eval(parameter.out_size, {}, attributes) > 0
            if parameter.direction == "in":
                assert parameter.out_size is None
            else:
                assert parameter.kind == "pointer"
                assert parameter.pointee
                assert not parameter.pointee.startswith("const ") or "*" in parameter.pointee

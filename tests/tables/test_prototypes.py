"""Rows that were read in the headers and manuals by eye, one for each way to go wrong."""

import pytest

from vgpu_embed import tables
from vgpu_embed.tables import Parameter


def parameters(name: str) -> dict[str, Parameter]:
    function = tables.function(name)
    assert function.parameters is not None
    return {parameter.name: parameter for parameter in function.parameters}


def test_mem_alloc() -> None:
    function = tables.function("cuMemAlloc_v2")
    assert (function.since, function.sources) == (3020, ("11", "12", "13", "580.159.04"))
    assert (function.result, function.result_enum) == ("CUresult", "CUresult")
    dptr, bytesize = parameters("cuMemAlloc_v2").values()
    assert (dptr.name, dptr.ctype, dptr.direction) == ("dptr", "CUdeviceptr *", "out")
    assert (dptr.kind, dptr.size, dptr.location) == ("pointer", 8, ("gp", 0))
    assert (dptr.pointee, dptr.out_size) == ("CUdeviceptr", 8)
    assert (bytesize.ctype, bytesize.kind, bytesize.size) == ("size_t", "uint", 8)
    assert (bytesize.direction, bytesize.location) == ("in", ("gp", 1))


def test_the_first_version_had_32_bit_addresses() -> None:
    dptr, bytesize = parameters("cuMemAlloc").values()
    assert (dptr.ctype, dptr.out_size) == ("CUdeviceptr_v1 *", 4)
    assert (bytesize.ctype, bytesize.size) == ("unsigned int", 4)
    assert tables.function("cuMemAlloc").since == 2000


def test_a_launch_puts_five_words_on_the_stack() -> None:
    function = tables.function("cuLaunchKernel")
    assert function.parameters is not None
    assert [p.location for p in function.parameters] == [
        *(("gp", n) for n in range(6)),
        *(("stack", n) for n in range(5)),
    ]
    assert function.stack_words == 5
    assert all(p.direction == "in" for p in function.parameters)
    assert tables.function("cuLaunchKernel_ptsz").since == 7000


def test_a_large_struct_by_value_is_on_the_stack() -> None:
    pdptr, handle, flags = parameters("cuIpcOpenMemHandle_v2").values()
    assert (handle.kind, handle.size, handle.location) == ("struct", 64, ("stack", 0))
    assert (pdptr.location, flags.location) == (("gp", 0), ("gp", 1))
    assert tables.function("cuIpcOpenMemHandle_v2").stack_words == 8


def test_a_small_struct_by_value_is_in_a_register() -> None:
    location = parameters("cuMemPrefetchAsync_v2")["location"]
    assert (location.kind, location.size, location.location) == ("struct", 8, ("gp", 2))
    grid, block, args = list(parameters("cudaLaunchKernel").values())[1:4]
    assert (grid.size, grid.location) == (12, ("gp", 1))
    assert (block.location, args.location) == (("gp", 3), ("gp", 5))


def test_names_are_the_manuals() -> None:
    """The header declares cuGraphLaunch twice, once undocumented with other names."""
    assert list(parameters("cuGraphLaunch")) == ["hGraphExec", "hStream"]


def test_floats_have_registers_of_their_own() -> None:
    reference, bias = parameters("cuTexRefSetMipmapLevelBias").values()
    assert (bias.kind, bias.size, bias.location) == ("float", 4, ("fp", 0))
    assert reference.location == ("gp", 0)
    low, high = list(parameters("cuTexRefSetMipmapLevelClamp").values())[1:]
    assert (low.location, high.location) == (("fp", 0), ("fp", 1))


def test_a_struct_as_result_takes_the_first_register() -> None:
    function = tables.function("cudaCreateChannelDesc")
    assert (function.result_kind, function.result_size) == ("struct", 20)
    assert parameters("cudaCreateChannelDesc")["x"].location == ("gp", 1)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cuGraphInstantiate", ["phGraphExec", "hGraph", "phErrorNode", "logBuffer", "bufferSize"]),
        (
            "cuGraphInstantiate_v2",
            ["phGraphExec", "hGraph", "phErrorNode", "logBuffer", "bufferSize"],
        ),
        ("cuGraphInstantiateWithFlags", ["phGraphExec", "hGraph", "flags"]),
        ("cuGraphInstantiateWithParams", ["phGraphExec", "hGraph", "instantiateParams"]),
        ("cuCtxCreate", ["pctx", "flags", "dev"]),
        ("cuCtxCreate_v2", ["pctx", "flags", "dev"]),
        ("cuCtxCreate_v3", ["pctx", "paramsArray", "numParams", "flags", "dev"]),
        ("cuCtxCreate_v4", ["pctx", "ctxCreateParams", "flags", "dev"]),
        ("cuMemPrefetchAsync", ["devPtr", "count", "dstDevice", "hStream"]),
        ("cuMemPrefetchAsync_v2_ptsz", ["devPtr", "count", "location", "flags", "hStream"]),
        ("cuGetProcAddress", ["symbol", "pfn", "cudaVersion", "flags"]),
        ("cuGetProcAddress_v2", ["symbol", "pfn", "cudaVersion", "flags", "symbolStatus"]),
        ("cuStreamBeginCapture_ptsz", ["hStream"]),
        ("cuStreamBeginCapture_v2_ptsz", ["hStream", "mode"]),
        ("cuMemcpyHtoD_v2_ptds", ["dstDevice", "srcHost", "ByteCount"]),
        ("cuCtxSynchronize", []),
        ("cuCtxSynchronize_v2", ["ctx"]),
        ("__cudaRegisterFatBinary", ["fatCubin"]),
        ("nvmlInit_v2", []),
    ],
)
def test_each_version_has_its_own_parameters(name: str, wanted: list[str]) -> None:
    assert list(parameters(name)) == wanted


def test_per_thread_variants_are_called_like_their_base() -> None:
    """Of the base of the same version: cuMemcpyHtoD_v2_ptds is like cuMemcpyHtoD_v2."""
    checked = 0
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            base = name.removesuffix("_ptds").removesuffix("_ptsz")
            if base != name and tables.index(base) is not None:
                assert _abi(name) == _abi(base), name
                checked += 1
    assert checked > 150


def _abi(name: str) -> list[tuple[object, ...]]:
    return [(p.name, p.kind, p.size, p.location, p.direction, p.out_size) for p in parameters(name).values()]


@pytest.mark.parametrize(
    ("function", "parameter", "direction", "size"),
    [
        ("cuDeviceGetName", "name", "out", "len"),
        ("cuDeviceGetName", "len", "in", None),
        ("cuDeviceGetAttribute", "pi", "out", 4),
        ("cuDeviceGetUuid_v2", "uuid", "out", 16),
        ("cuDeviceTotalMem_v2", "bytes", "out", 8),
        ("cuDeviceTotalMem", "bytes", "out", 4),
        ("cuMemGetInfo_v2", "free", "out", 8),
        ("cuGetErrorString", "pStr", "out", 8),
        ("cuMemcpyDtoH_v2", "dstHost", "out", "ByteCount"),
        ("cuMemcpyDtoH_v2_ptds", "dstHost", "out", "ByteCount"),
        ("cuMemcpyDtoHAsync_v2", "dstHost", "in", None),
        ("cuMemcpyHtoD_v2", "srcHost", "in", None),
        ("cuGraphGetNodes", "nodes", "out", "8*numNodes[0]"),
        ("cuGraphGetNodes", "numNodes", "inout", 8),
        ("cuGraphAddKernelNode_v2", "dependencies", "in", None),
        ("cuGraphInstantiate_v2", "logBuffer", "out", "bufferSize"),
        ("cuModuleLoadDataEx", "options", "in", None),
        ("cuModuleLoadDataEx", "optionValues", "inout", "8*numOptions"),
        ("cuStreamGetCaptureInfo_v2", "dependencies_out", "out", 8),
        ("cuStreamUpdateCaptureDependencies_v2", "dependencies", "in", None),
        ("cuThreadExchangeStreamCaptureMode", "mode", "inout", 4),
        ("cuMemHostRegister_v2", "p", "in", None),
        ("cuMemHostAlloc", "pp", "out", 8),
        ("cuLaunchHostFunc", "userData", "in", None),
        ("cuIpcGetMemHandle", "pHandle", "out", 64),
        ("cuMemPoolGetAccess", "location", "in", None),
        ("cuMemPoolGetAccess", "flags", "out", 4),
        ("cuMemPoolSetAttribute", "value", "in", None),
        ("cuPointerGetAttribute", "data", "out", None),
        ("cuTexRefSetBorderColor", "pBorderColor", "in", None),
        ("cuTexRefGetBorderColor", "pBorderColor", "out", 16),
        ("cuTexRefSetAddress_v2", "ByteOffset", "out", 8),
        ("cudaMalloc", "devPtr", "out", 8),
        ("cudaFree", "devPtr", "in", None),
        ("cudaHostAlloc", "pHost", "out", 8),
        ("cudaHostGetDevicePointer", "pHost", "in", None),
        ("cudaHostGetDevicePointer", "pDevice", "out", 8),
        ("cudaMemcpy", "dst", "in", None),
        ("cudaGetDeviceProperties", "prop", "out", 1008),
        ("cudaGetDeviceProperties_v2", "prop", "out", 1032),
        ("cudaDeviceGetPCIBusId", "pciBusId", "out", "len"),
        ("cudaMemPoolGetAttribute", "value", "out", None),
        ("__cudaPopCallConfiguration", "stream", "out", 8),
        ("__cudaRegisterFunction", "wSize", "in", None),
        ("nvmlDeviceGetName", "name", "out", "length"),
        ("nvmlDeviceGetMemoryInfo", "memory", "out", 24),
        ("nvmlDeviceGetMemoryInfo_v2", "memory", "inout", 40),
        ("nvmlDeviceGetPciInfo_v3", "pci", "out", 68),
        ("nvmlDeviceGetComputeRunningProcesses", "infos", "out", "16*infoCount[0]"),
        ("nvmlDeviceGetComputeRunningProcesses_v3", "infos", "out", "24*infoCount[0]"),
        ("nvmlDeviceGetComputeRunningProcesses_v3", "infoCount", "inout", 4),
        ("nvmlDeviceGetNvLinkVersion", "version", "out", 4),
        ("nvmlDeviceGetSupportedPerformanceStates", "pstates", "out", "size"),
        ("nvmlDeviceGetCpuAffinity", "cpuSet", "out", "8*cpuSetSize"),
        ("nvmlDeviceGetFieldValues", "values", "inout", "40*valuesCount"),
        ("nvmlDeviceSetMigMode", "activationStatus", "out", 4),
        ("nvmlEventSetWait", "data", "out", 32),
    ],
)
def test_what_is_written_and_how_much(function: str, parameter: str, direction: str, size: int | str | None) -> None:
    found = parameters(function)[parameter]
    assert (found.direction, found.out_size) == (direction, size)


def test_enumerations_are_named() -> None:
    attribute = parameters("cuDeviceGetAttribute")["attrib"]
    assert (attribute.enum, attribute.kind, attribute.size) == ("CUdevice_attribute", "uint", 4)
    config = parameters("cuCtxGetCacheConfig")["pconfig"]
    assert (config.enum, config.pointee_enum) == (None, "CUfunc_cache")
    assert parameters("cudaMemcpy")["kind"].enum == "cudaMemcpyKind"
    assert tables.function("cudaMalloc").result_enum == "cudaError"
    assert tables.function("nvmlInit_v2").result_enum == "nvmlReturn_t"


def test_handles_and_callbacks_point_to_nothing_that_one_may_read() -> None:
    for function, parameter in [
        ("cuCtxDestroy_v2", "ctx"),
        ("cuLaunchHostFunc", "fn"),
        ("nvmlDeviceGetName", "device"),
    ]:
        found = parameters(function)[parameter]
        assert (found.kind, found.pointee, found.direction) == ("pointer", None, "in")


def test_older_runtimes_are_called_otherwise() -> None:
    assert tables.function("cudaMemPrefetchAsync").sources == ("11", "12", "13")
    older = tables.function("cudaMemPrefetchAsync@12")
    assert older.sources == ("11", "12")
    assert older.parameters is not None
    assert [p.name for p in older.parameters] == ["devPtr", "count", "dstDevice", "stream"]
    properties = [name for name in tables.names("runtime") if name.startswith("cudaGetDeviceProperties")]
    assert [(name, parameters(name)["prop"].out_size) for name in properties] == [
        ("cudaGetDeviceProperties", 1008),
        ("cudaGetDeviceProperties@12", 728),
        ("cudaGetDeviceProperties_v2", 1032),
    ]
    assert {library for library in tables.LIBRARIES for name in tables.names(library) if "@" in name} == {"runtime"}


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("cuInit", 2000),
        ("cuMemcpyHtoD_v2_ptds", 7000),
        ("cuCtxCreate_v4", 12050),
        ("cuGetProcAddress_v2", 12000),
        ("cuMulticastBindMem_v2", 13010),
        ("cuGraphAddNode_v3", 13040),
        ("cuMemGetAttribute", None),
    ],
)
def test_versions_that_introduced_a_function(name: str, since: int | None) -> None:
    assert tables.function(name).since == since


def test_parameters_whose_names_are_taken_get_another_attribute() -> None:
    found = parameters("cuGraphGetEdges_v2")
    assert (found["from"].attribute, found["to"].attribute) == ("from_", "to")
    assert parameters("cuFuncLoad")["function"].attribute == "function_"

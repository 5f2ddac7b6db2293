"""Which parameters a function writes, and how many bytes.

Asked in this order: the rules of SPECIFIC, constness, what the header's comment says, the rules of
GENERAL. A pointer that none of them settles is an error: it wants a rule. So does a rule that
settles nothing.

"Writes" means before the call returns, to memory that the processor can read: what an asynchronous
copy fills in later, and an address that may be a device's, are inputs.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from clang import cindex

from .headers import Type
from .prototypes import Prototype, Value

Rule = tuple[str, str, str, "int | str | None", str]
"""(functions, parameters, direction, size, reason).

Patterns are separated by spaces and match names without `_ptds` and `_ptsz`. Size: bytes, or the
number of elements as an expression over other parameters ("len", "count[0]" where count points to
it, as the caller set it), or None for one element (unknown for void).
"""

SPECIFIC: tuple[Rule, ...] = (
    # Addresses and callers' data that the call itself does not write.
    ("*", "userData", "in", None, "handed to a callback, not read"),
    ("*", "kernelParams extra args launchParamsList", "in", None, "a launch reads its arguments"),
    ("cu*", "options jitOptions libraryOptions libraryOptionValues", "in", None,
     "lists of options"),
    ("cu*", "optionValues", "inout", "numOptions",
     "CU_JIT_WALL_TIME and log sizes are written back"),
    ("cu*", "jitOptionsValues", "inout", "numJitOptions", "as optionValues"),
    ("cuMem*Host* cudaHost*", "p", "in", None, "a host address"),
    ("cudaHostGet* cudaHostRegister cudaHostUnregister", "pHost ptr", "in", None, "a host address"),
    ("cudaHostAlloc cudaMallocHost", "pHost ptr", "out", None, "receives the address"),
    ("cudaFree* cudaMemset* cudaStreamAttachMemAsync", "devPtr ptr", "in", None,
     "a device address"),
    ("cudaIpcCloseMemHandle cudaIpcGetMemHandle cudaMemGetLocationInfo", "devPtr", "in", None,
     "address"),
    ("cudaMemcpy* cudaGraph*Memcpy*", "dst", "in", None,
     "may be a device's address, or filled later"),
    ("cudaGraphAddMemFreeNode", "dptr", "in", None, "a device address"),
    ("cudaGraphMemFreeNodeGetParams", "dptr_out", "out", 8, "points to a pointer"),
    ("cuMemcpyDtoH* cuMemcpyAtoH*", "dstHost", "out", "ByteCount", "host memory, when synchronous"),
    ("cuLogicalEndpointBindAddr cudaMemPoolExportPointer", "ptr", "in", None, "an address"),
    ("cuTensorMap*", "globalAddress", "in", None, "a device address"),
    ("cuUserObjectCreate cudaUserObjectCreate", "ptr", "in", None, "handed to the destructor"),
    ("cuParamSetv", "ptr", "in", None, "the argument's value"),
    ("cu*SetGraphMemAttribute cu*MemPoolSetAttribute", "value", "in", None, "the value to set"),
    ("cuCoredumpSetAttribute*", "value size", "in", None, "the value to set and its size"),
    ("cuMemPoolImportFromShareableHandle", "handle", "in", None, "the handle to import"),
    ("cudaMemPoolImportFromShareableHandle", "shareableHandle", "in", None, "the handle to import"),
    ("cu*MemPoolImportPointer", "shareData exportData", "in", None, "what was exported"),
    ("cuLinkAddData*", "data", "in", None, "the image to link"),
    ("cu*DeviceGetNvSciSyncAttributes", "nvSciSyncAttrList", "in", None, "a handle of NvSciSync's"),
    ("__cuda*", "fatCubinHandle fatCubin hostVar hostVarPtrAddress", "in", None,
     "addresses of images"),
    ("__cuda*", "deviceAddress deviceFun tid bid bDim gDim wSize", "in", None, "registration"),
    # Arrays and descriptions that are read.
    ("cu*BatchAsync* cu*WithAttributesAsync", "failIdx", "out", None,
     "index of the copy that failed"),
    ("cuMemBatchDecompressAsync", "errorIndex", "out", None, "index of the operation that failed"),
    ("cu*BatchAsync*", "dsts srcs dptrs sizes attrs attrsIdxs opList", "in", None, "operations"),
    ("cu*BatchAsync*", "prefetchLocs prefetchLocIdxs", "in", None, "operations"),
    ("cu*WithAttributesAsync", "attr op", "in", None, "an operation"),
    ("cuStreamBatchMemOp* cuMemBatchDecompressAsync", "paramArray paramsArray", "in", None,
     "operations"),
    ("cu*MapArrayAsync", "mapInfoList", "in", None, "operations"),
    ("cuCtxCreate_v3 cuCtxCreate_v4", "paramsArray ctxCreateParams", "in", None, "what to create"),
    ("cu*DevResourceGenerateDesc", "resources", "in", None, "what to describe"),
    ("cu*Graphics*Resources", "resources", "in", None, "resources to map or unmap"),
    ("cu*MemGet*MemPool cu*MemSetMemPool cu*MemPoolGetAccess", "location", "in", None,
     "whose pool"),
    ("cuMemRangeGetAttributes cudaMemRangeGetAttributes", "data dataSizes attributes", "in", None,
     "what the elements of data point to is written, not data"),
    ("cuPointerGetAttributes", "data attributes", "in", None,
     "what the elements of data point to is written, not data"),
    ("cu*StreamUpdateCaptureDependencies*", "dependencies", "in", None, "nodes to set"),
    ("cuStreamBeginCaptureToCig cudaStreamBeginRecaptureToGraph",
     "streamCigCaptureParams callbackData",
     "in", None, "parameters"),
    ("cuTexRefSetBorderColor", "pBorderColor", "in", None, "four floats to set"),
    ("cuGraph*NodeSetParams* cudaGraph*NodeSetParams*", "nodeParams", "in", None, "values to set"),
    ("cudaSetValidDevices", "device_arr", "in", None, "devices to try"),
    ("cu*EGLStreamConsumerConnect* cu*EGLStreamProducerConnect", "conn", "out", None,
     "new connection"),
    ("cu*EGLStream*", "conn pStream", "in", None, "connection and stream to use"),
    ("cu*EGLStream*Frame", "pCudaResource eglframe", "out", None, "the frame acquired or returned"),
    # Written and read.
    ("cuGraphAddMemAllocNode cudaGraphAddMemAllocNode", "nodeParams", "inout", None,
     "dptr is returned"),
    ("cuGraphAddNode* cudaGraphAddNode*", "nodeParams", "inout", None,
     "dptr, phGraph_out are returned"),
    ("cu*GraphInstantiateWithParams", "instantiateParams", "inout", None,
     "hErrNode_out, result_out"),
    ("cuTensorMapReplaceAddress cuTensorMapSetAllocationClass", "tensorMap", "inout", None,
     "modified"),
    ("cu*ThreadExchangeStreamCaptureMode", "mode", "inout", None, "swapped"),
    ("cudaSetDoubleFor*", "d", "inout", None, "converted in place"),
    ("cu*DevSmResourceSplitByCount", "nbGroups", "inout", None, "wanted, then made"),
    ("cu*DevSmResourceSplit", "groupParams", "inout", "nbGroups", "smCount 0 is filled in"),
    ("cu*LogsDumpTo*", "iterator", "inout", None, "advances"),
    ("cu*LogsDumpToMemory", "size", "inout", None, "room, then length"),
    ("cu*DeviceGetCliqueInfo", "count", "inout", None, "room, then entries"),
    ("cuCoredumpGetAttribute*", "size", "inout", None, "room, then length"),
    ("cu*GraphGet* cu*GraphNodeGet*", "num* pNum*", "inout", None, "room, then entries"),
    # How long the arrays are that come back.
    ("cu*DevSmResourceSplitByCount", "result", "out", "nbGroups[0]", "an array"),
    ("cu*DevSmResourceSplit", "result", "out", "nbGroups", "an array"),
    ("cu*DeviceGetCliqueInfo", "cliqueInfo", "out", "count[0]", "an array"),
    ("cuCoredumpGetAttribute*", "value", "out", "size[0]", "a buffer"),
    ("cu*LogsDumpToMemory", "buffer", "out", "size[0]", "a buffer"),
    ("cu*GraphGetEdges*", "from to edgeData", "out", "numEdges[0]", "arrays"),
    ("cuGraphGetNodes cudaGraphGetNodes", "nodes", "out", "numNodes[0]", "an array"),
    ("cuGraphGetRootNodes", "rootNodes", "out", "numRootNodes[0]", "an array"),
    ("cudaGraphGetRootNodes", "pRootNodes", "out", "pNumRootNodes[0]", "an array"),
    ("cuGraphNodeGetDependencies*", "dependencies edgeData", "out", "numDependencies[0]", "arrays"),
    ("cudaGraphNodeGetDependencies*", "pDependencies edgeData", "out", "pNumDependencies[0]",
     "arrays"),
    ("cuGraphNodeGetDependentNodes*", "dependentNodes edgeData", "out", "numDependentNodes[0]",
     "arrays"),
    ("cudaGraphNodeGetDependentNodes*", "pDependentNodes edgeData", "out", "pNumDependentNodes[0]",
     "arrays"),
    ("cuGraphInstantiate*", "logBuffer", "out", "bufferSize", "a buffer"),
    ("cudaGraphInstantiate*", "pLogBuffer", "out", "bufferSize", "a buffer"),
    ("cuModuleEnumerateFunctions", "functions", "out", "numFunctions", "an array"),
    ("cu*LibraryEnumerateKernels", "kernels", "out", "numKernels", "an array"),
    ("cu*AtomicCapabilities", "capabilities", "out", "count", "an array"),
    ("cu*GLGetDevices*", "pCudaDevices", "out", "cudaDeviceCount", "an array"),
    ("cu*MemRangeGetAttribute", "data", "out", "dataSize", "a buffer"),
    ("cu*MemGetLocationInfo", "location_out", "out",
     "(size+summaryGranularity-1)//summaryGranularity", "an entry a region"),
    ("cuDeviceGetName", "name", "out", "len", "a string"),
    ("cu*DeviceGetPCIBusId", "pciBusId", "out", "len", "a string"),
    ("cuDeviceGetLuid", "luid", "out", 8, "eight bytes, says the comment"),
    ("cudaMemPoolGetAttribute", "value", "out", None, "the comment says [in], wrongly"),
    ("cu*DeviceGetGraphMemAttribute", "value", "out", 8, "every attribute is a cuuint64_t"),
    ("cuTexRefGetBorderColor", "pBorderColor", "out", "4", "RGBA"),
    ("__cudaPopCallConfiguration", "stream", "out", 8, "points to a stream handle"),
    ("__cudaPopCallConfiguration", "gridDim blockDim sharedMem", "out", None, "what was pushed"),
    ("__cudaGetKernel", "arg0", "out", None, "the kernel's handle"),
    # cuBLAS: nearly everything may be a device's address.
    ("cublas*geqrfBatched* cublas*getrsBatched* cublas*gelsBatched*", "info", "out", None, "a host's number"),
    ("cublasGetVectorAsync* cublasGetMatrixAsync*", "*", "in", None, "filled later"),
    ("cublasLtMatmulAlgoGetHeuristic*", "heuristicResultsArray", "out", "requestedAlgoCount", "an array"),
    ("cublasLt*GetAttribute", "buf", "out", "sizeInBytes", "a buffer"),
    ("cublasXtMaxBoards cublasLtMatmulAlgoInit", "nbGpuBoards algo", "out", None, "the answer"),
    # NVML: arrays with a count that says how much room there is and comes back as the number found.
    ("nvmlDeviceGetEncoderStats nvmlVgpuInstanceGetEncoderStats", "sessionCount", "out", None,
     "a number"),
    ("nvml*", "infoCount sessionCount vgpuCount pageCount sampleCount hwbcCount", "inout", None,
     "room, then entries"),
    ("nvml*", "processSamplesCount vgpuProcessSamplesCount vgpuInstanceSamplesCount", "inout", None,
     "room, then entries"),
    ("nvmlUnitGetDevices", "deviceCount", "inout", None, "room, then entries"),
    ("nvmlVgpuTypeGetClass nvmlVgpuTypeGetName", "size", "inout", None, "room, then length"),
    ("nvmlVgpuInstanceGetGpuPciId", "length", "inout", None, "room, then length"),
    ("nvmlVgpuInstanceGetMetadata nvmlDeviceGetVgpuMetadata nvmlDeviceGetPgpuMetadataString",
     "bufferSize", "inout", None, "room, then length"),
    ("nvml*GetAccountingPids nvmlDeviceGetSupported*Clocks nvml*PossiblePlacements*", "count",
     "inout", None, "room, then entries"),
    ("nvmlDeviceGetTopologyNearestGpus nvmlSystemGetTopologyGpuSet", "count", "inout", None,
     "room, then entries"),
    ("nvml*GetAccountingPids", "pids", "out", "count[0]", "an array"),
    ("nvmlDeviceGetSupported*Clocks", "clocksMHz", "out", "count[0]", "an array"),
    ("nvmlDeviceGetTopologyNearestGpus nvmlSystemGetTopologyGpuSet", "deviceArray", "out",
     "count[0]",
     "an array"),
    ("nvml*PossiblePlacements*", "placements", "out", "count[0]", "an array"),
    ("nvml*RunningProcesses*", "infos", "out", "infoCount[0]", "an array"),
    ("nvml*Get*Sessions", "sessionInfos sessionInfo", "out", "sessionCount[0]", "an array"),
    ("nvmlDeviceGet*Vgpus", "vgpuTypeIds vgpuInstances", "out", "vgpuCount[0]", "an array"),
    ("nvmlDeviceGetProcessUtilization", "utilization", "out", "processSamplesCount[0]", "an array"),
    ("nvmlDeviceGetVgpuProcessUtilization", "utilizationSamples", "out",
     "vgpuProcessSamplesCount[0]",
     "an array"),
    ("nvmlDeviceGetVgpuUtilization", "utilizationSamples", "out", "vgpuInstanceSamplesCount[0]",
     "an array"),
    ("nvmlDeviceGetSamples", "samples", "out", "sampleCount[0]", "an array"),
    ("nvmlDeviceGetRetiredPages*", "addresses timestamps", "out", "pageCount[0]", "an array"),
    ("nvmlSystemGetHicVersion", "hwbcEntries", "out", "hwbcCount[0]", "an array"),
    ("nvmlUnitGetDevices", "devices", "out", "deviceCount[0]", "an array"),
    ("nvmlDeviceGetCpuAffinity*", "cpuSet", "out", "cpuSetSize", "an array"),
    ("nvmlDeviceGetMemoryAffinity", "nodeSet", "out", "nodeSetSize", "an array"),
    ("nvmlDeviceGetSupportedPerformanceStates", "pstates", "out", "size//4", "size is in bytes"),
    ("nvmlDeviceGetFieldValues nvmlDeviceClearFieldValues", "values", "inout", "valuesCount",
     "fieldId is read, the rest written"),
    ("nvmlDeviceGetGpuInstances nvmlGpuInstanceGetComputeInstances",
     "gpuInstances computeInstances",
     "out", None, "an array without a stated size; one element at least if count says so"),
    ("nvmlVgpuInstanceGetMetadata", "vgpuMetadata", "inout", None, "may be longer: bufferSize"),
    ("nvmlDeviceGetVgpuMetadata", "pgpuMetadata", "inout", None, "may be longer: bufferSize"),
    ("nvmlDeviceGetPgpuMetadataString", "pgpuMetadata", "out", "bufferSize[0]", "a string"),
    ("nvmlVgpuTypeGetClass", "vgpuTypeClass", "out", "size[0]", "a string"),
    ("nvmlVgpuTypeGetName", "vgpuTypeName", "out", "size[0]", "a string"),
    ("nvmlVgpuTypeGetLicense", "vgpuTypeLicenseString", "out", "size", "a string"),
    ("nvmlVgpuInstanceGetGpuPciId", "vgpuPciId", "out", "length[0]", "a string"),
    ("nvmlVgpuInstanceGetUUID nvmlVgpuInstanceGetMdevUUID", "uuid mdevUuid", "out", "size",
     "a string"),
    ("nvmlVgpuInstanceGetVmID", "vmId", "out", "size", "a string"),
    ("nvmlDeviceGetGspFirmwareVersion", "version", "out", 80, "NVML_GSP_FIRMWARE_VERSION_BUF_SIZE"),
    ("nvmlDeviceGetNvLinkVersion", "version", "out", None, "a number"),
    ("nvmlDeviceGetConfComputeGpuAttestationReport", "gpuAtstReport", "inout", None,
     "nonce is read"),
    ("nvml*Get*", "version name serial uuid partNumber", "out", "length", "a string"),
    # NVML: structures that say what is asked.
    ("nvmlDevice*DrainState nvmlDeviceRemoveGpu* nvmlDeviceDiscoverGpus", "pciInfo", "in", None,
     "which"),
    ("nvmlGetVgpuCompatibility", "vgpuMetadata pgpuMetadata", "in", None, "what to compare"),
    ("nvmlDeviceGetThermalSettings nvmlGpmMetricsGet", "pThermalSettings metricsGet", "inout", None,
     "filled in by the caller in part"),
    ("nvml*GetVgpuSchedulerLog_v2 nvml*GetVgpuSchedulerState_v2",
     "pSchedulerLogInfo pSchedulerStateInfo", "inout", None, "engineId is read"),
    ("nvmlSetVgpuVersion nvmlDeviceSetTemperatureThreshold", "vgpuVersion temp", "in", None,
     "to set"),
    ("nvmlDeviceSetMigMode", "activationStatus", "out", None, "whether it took effect"),
    ("nvmlSystemEventSet[CW]* nvmlDeviceRead* nvmlSystemGetCPER_v1 nvmlDeviceSetNvlinkBwModeA*",
     "request counterList buffer cper setBwModeAsync", "inout", None, "request and answer in one"),
    ("nvmlDeviceSetPowerMizerMode_v1", "powerMizerMode", "in", None, "to set"),
)  # fmt: skip

GENERAL: tuple[Rule, ...] = (
    ("nvmlDeviceSet* nvmlGpuInstanceSet* nvmlSystemSet*", "*", "in", None, "what to set"),
    ("nvmlSystemRegisterEvents nvmlSystemEventSetFree", "request", "in", None, "what to do"),
    ("nvmlDevicePowerSmoothing* nvmlDeviceWorkloadPowerProfile[CSU]*", "*", "in", None,
     "what to do"),
    ("cu*Get* nvml*Get* nvml*Query* nvmlDeviceIs* nvmlEventSetWait", "*", "out", None,
     "a question's pointer that is not const receives the answer"),
    ("cu*Create* cu*Malloc* cu*Alloc* cu*Register* cuCtx*Current cudaChooseDevice", "*", "out",
     None,
     "receives what was made"),
    ("cuGLMap* cu*IpcOpen* cu*Instantiate* cu*BindTexture* cuTexRefSetAddress*", "*", "out", None,
     "receives what was found"),
    ("cuDeviceTotalMem cuDeviceComputeCapability cu*EventElapsedTime* cu*GraphExecUpdate*", "*",
     "out",
     None, "receives the answer"),
    ("cu*StreamEndCapture cuTensorMapEncode* cu*MemPoolExport* cu*MemPoolImport*", "*", "out", None,
     "receives what was made"),
    ("nvmlGpmSampleAlloc nvmlGetVgpuCompatibility nvmlDevicePerfMetricsGetSamples_v1", "*", "out",
     None,
     "receives what was made"),
    ("cu*GraphAdd* cuLinkComplete", "phGraphNode pGraphNode cubinOut sizeOut", "out", None,
     "receives"),
    ("cublas*", "*", "in", None, "operands, and what is set"),
    ("cu*PointerGetAttributes cu*MemRetain* cu*DevSmResourceSplit*", "*", "out", None, "answers"),
)  # fmt: skip

_MARK = re.compile(r"^\[([a-z, ]+)\]")
_SAYS_OUT = re.compile(
    r"^(returns?|returned|output|newly created)\b"
    r"|\b(which to|location to|pointer to|where to|reference to|buffer to) (return|store)\b"
    r"|\bis returned$|^pointer to the (returned|output)",
    re.IGNORECASE,
)


class Directions:
    """Settles directions and sizes, and remembers which rules were of use."""

    def __init__(self) -> None:
        self.used: set[Rule] = set()
        self.unsettled: list[str] = []

    def settle(self, prototype: Prototype) -> None:
        """Set `direction` and `out_size` of each parameter."""
        for value in prototype.parameters:
            pointee = value.pointee
            if pointee is None or _is_opaque(pointee):
                continue
            self._settle(prototype.name, value, pointee)

    def unused(self) -> list[Rule]:
        """Rules that settled nothing: mistakes, or no longer needed."""
        return [rule for rule in (*SPECIFIC, *GENERAL) if rule not in self.used]

    def _settle(self, function: str, value: Value, pointee: Type) -> None:
        base = function.removesuffix("_ptds").removesuffix("_ptsz")
        size: int | str | None = None
        rule = _find(SPECIFIC, base, value.name)
        if pointee.is_const_qualified():
            value.direction = "in"
            return
        if rule is None:
            said = _said(value.doc)
            rule = None if said else _find(GENERAL, base, value.name)
            if said:
                value.direction = said
        if rule is not None:
            self.used.add(rule)
            value.direction, size = rule[2], rule[3]
            if "Async" in base and value.name == "dstHost":
                value.direction = "in"
        elif not _said(value.doc):
            self.unsettled.append(f"{function}: {value.ctype} {value.name}: {value.doc!r}")
        if value.direction == "out" and base.startswith("nvml") and _has_version(pointee):
            value.direction = "inout"
        if value.direction != "in":
            value.out_size = _bytes(size, pointee)


def _is_opaque(pointee: Type) -> bool:
    """A callback, or a handle written as a pointer to a structure that no header defines."""
    canonical = pointee.get_canonical()
    incomplete = canonical.kind == cindex.TypeKind.RECORD and canonical.get_size() < 0
    return bool(incomplete or canonical.kind == cindex.TypeKind.FUNCTIONPROTO)


def _find(rules: tuple[Rule, ...], function: str, parameter: str) -> Rule | None:
    for rule in rules:
        if any(fnmatchcase(function, pattern) for pattern in rule[0].split()) and any(
            fnmatchcase(parameter, pattern) for pattern in rule[1].split()
        ):
            return rule
    return None


def _said(doc: str) -> str | None:
    mark = _MARK.match(doc)
    if mark:
        words = {word.strip() for word in mark[1].split(",")}
        return "inout" if words == {"in", "out"} else words.pop()
    return "out" if _SAYS_OUT.search(doc) else None


def _has_version(pointee: Type) -> bool:
    """Whether the caller has to say, in the first member, which version of the struct it is."""
    members = list(pointee.get_canonical().get_fields())
    return bool(members) and members[0].spelling == "version"


def _bytes(size: int | str | None, pointee: Type) -> int | str | None:
    if isinstance(size, int):
        return size
    canonical = pointee.get_canonical()
    each = 0 if canonical.kind == cindex.TypeKind.VOID else max(0, int(canonical.get_size()))
    if size is None:
        return each or None
    if size.isdigit():
        return int(size) * each
    if each > 1 and size.endswith(f"//{each}"):
        return size.removesuffix(f"//{each}")
    factor = size if re.fullmatch(r"[\w\[\]]+", size) else f"({size})"
    return f"{each}*{factor}" if each > 1 else size

"""Which functions' answers may be remembered, and for the others why not.

    yes      the same arguments give the same answer for as long as the process lives
    effect   the call does something, or there is nothing to remember
    time     what it reports may change from one call to the next
    context  depends on the thread's current context, device or last error
    pointer  depends on what an argument points to, or on an object that programs make and destroy

What does not ask by its name, or whose prototype is not known, is an "effect"; else the first of RULES that fits says
it, then the prototype, then CATCH_ALL. A function that none of them settles is an error: it wants a rule. So is a rule
that settles nothing, and a "yes" that a table keyed by registers cannot hold.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from .prototypes import Prototype, Value

Rule = tuple[str, str, str]
"""(functions, answer, reason). Patterns are separated by spaces and match names without `_ptds` and `_ptsz`."""

RULES: tuple[Rule, ...] = (
    # What a device is: the driver reads it when it starts, and documents no way to change it.
    ("cuDeviceGet cuDeviceGetCount cudaGetDeviceCount", "yes", "CUDA_VISIBLE_DEVICES is read once"),
    ("cuDeviceGetAttribute cudaDeviceGetAttribute cuDeviceGetProperties cudaGetDeviceProperties*", "yes",
     "properties of the device"),
    ("cuDeviceGetName cuDeviceGetUuid* cuDeviceGetLuid cu*DeviceGetPCIBusId", "yes", "its identity"),
    ("cuDeviceTotalMem* cuDeviceComputeCapability cuDeviceGetExecAffinitySupport", "yes", "properties of the device"),
    ("cuDeviceGetTexture1DLinearMaxWidth", "yes", "a limit by format; the runtime's takes a struct"),
    ("cu*DeviceGetP2PAttribute cu*DeviceCanAccessPeer", "yes", "of two devices' connection"),
    # What is loaded.
    ("cuDriverGetVersion cudaDriverGetVersion cudaRuntimeGetVersion nvmlSystemGetCudaDriverVersion*", "yes", "loaded"),
    ("nvmlSystemGetDriverVersion nvmlSystemGetNVMLVersion cuModuleGetLoadingMode", "yes", "loaded, read at start"),
    ("cu*GetErrorName cu*GetErrorString nvmlErrorString", "yes", "constant texts"),
    ("cublasGetProperty cublasLtGetProperty cublasLtGetVersion cublasLtGetCudartVersion", "yes", "loaded"),
    ("cublasGetStatus* cublasLtGetStatus* cublasGetCudartVersion cublasXtGetNumBoards", "yes", "constant"),
    ("cublasGetLoggerCallback cublasLtHeuristicsCacheGetCapacity cublasGetVersion", "time", "set; needs cublasInit"),
    # NVML's handles of whole devices stay as they are; those of MIG devices come and go.
    ("nvmlDeviceGetCount* nvmlDeviceGetHandleByIndex*", "yes", "devices found by nvmlInit"),
    ("nvmlDeviceGetName nvmlDeviceGetUUID nvmlDeviceGetSerial nvmlDeviceGetBoardPartNumber nvmlDeviceGetBoardId", "yes",
     "identity"),
    ("nvmlDeviceGetPciInfo_v3 nvmlDeviceGetIndex nvmlDeviceGetMinorNumber nvmlDeviceGetModuleId", "yes", "its place"),
    ("nvmlDeviceGetBrand nvmlDeviceGetArchitecture nvmlDeviceGetCudaComputeCapability nvmlDeviceGetNumGpuCores", "yes",
     "the chip"),
    ("nvmlDeviceGetMemoryBusWidth nvmlDeviceGetNumFans nvmlDeviceGetMultiGpuBoard nvmlDeviceGetBridgeChipInfo", "yes",
     "the board"),
    ("nvmlDeviceGetMaxClockInfo nvmlDeviceGetMaxCustomerBoostClock nvmlDeviceGetMaxMigDeviceCount", "yes", "limits"),
    ("nvmlDeviceGetPowerManagementDefaultLimit nvmlDeviceGetPowerManagementLimitConstraints", "yes", "limits"),
    ("nvmlDeviceGetBusType nvmlDeviceGetIrqNum nvmlDeviceGetNumaNodeId nvmlDeviceGetPcieLinkMaxSpeed", "yes",
     "its slot"),
    ("nvmlDeviceGetMaxPcieLink* nvmlDeviceGetGpuMaxPcieLinkGeneration nvmlDeviceGetTopologyCommonAncestor", "yes",
     "its slot"),
    ("nvmlDeviceOnSameBoard nvmlDeviceGetSupportedEventTypes nvmlDeviceGetVbiosVersion", "yes", "the board"),
    ("nvmlDeviceGetInforomImageVersion nvmlDeviceGetInforomVersion nvmlDeviceGetGspFirmwareVersion", "yes",
     "firmware, loaded with the driver"),
    ("nvmlDeviceGetPciInfo nvmlDeviceGetPciInfo_v2", "pointer", "their callers' structs are shorter than nvml.h's"),
    # What the prototype does not show.
    ("cu*PointerGetAttributes cu*MemRangeGetAttributes", "pointer", "written through an array of pointers"),
    ("cu*DeviceGetNvSciSyncAttributes", "pointer", "fills an object"),
    ("cu*ExternalMemoryGetMapped* cudaDeviceGetExecutionCtx", "effect", "makes what it returns"),
    # Measured, counted, or set by anyone.
    ("cu*MemGetInfo* cu*MemGetLocationInfo", "time", "free memory; where pages lie"),
    ("cu*Query* cuFuncIsLoaded cu*ElapsedTime* cu*IsCapturing", "time", "progress"),
    ("cu*DeviceGetMemPool cu*DeviceGetDefaultMemPool", "time", "cuDeviceSetMemPool, a device's reset"),
    ("cu*DeviceGetDevResource cuDevicePrimaryCtxGetState cu*GetGraphMemAttribute", "time", "in use now"),
    ("cuDeviceGetFabricClusterUuid cuDeviceGetCliqueCount cuDeviceGetCliqueInfo", "time", "the fabric may come up"),
    ("cuCheckpointProcessGet* cuCoredumpGetAttributeGlobal cu*LogsCurrent", "time", "state, settings, the log's end"),
    ("nvml*MemoryInfo* nvml*Utiliz* nvml*Process* nvml*Clock* nvml*Temperature* nvml*Thermal* nvml*Fan*", "time",
     "measured or set"),
    ("nvml*Power* nvml*Pstates* nvml*Performance* nvml*Ecc* nvml*Error* nvml*Samples* nvml*GpmMetrics*", "time",
     "measured or set"),
    ("nvml*Throughput* nvml*Counter* nvml*FieldValues nvml*RetiredPages* nvml*RemappedRows*", "time", "counted"),
    # The thread's.
    ("cuCtxGetCurrent cuCtxGetDevice cuCtxGetCacheConfig cuCtxGetSharedMemConfig cuCtxGetFlags", "context", "current"),
    ("cuCtxGetLimit cuCtxGetExecAffinity cuCtxGetStreamPriorityRange cuCoredumpGetAttribute", "context", "current"),
    ("cudaGetDevice cudaGetDeviceFlags cudaDeviceGetCacheConfig cudaDeviceGetSharedMemConfig", "context", "current"),
    ("cudaDeviceGetLimit cudaDeviceGetStreamPriorityRange cudaThreadGet*", "context", "the current device's"),
    ("cudaGetLastError cudaPeekAtLastError", "context", "the thread's last error"),
    ("cu*GLGetDevices*", "context", "the current OpenGL context's"),
)  # fmt: skip

CATCH_ALL: tuple[Rule, ...] = (
    ("nvml*", "time", "whatever else a device, instance or unit reports, another process may change"),
)  # fmt: skip

_QUESTION = re.compile(
    r"Get|Query|Enumerate|Occupancy|Choose|PeekAt|ErrorString|ElapsedTime|Is(Mig|Loaded|Capturing)"
    r"|TotalMem|ComputeCapability|CanAccessPeer|OnSameBoard"
)
"""Words in the names of functions that only ask."""

_HANDLES = re.compile(
    r"(CU|cuda)\w+[Oo]bject(_t)?|CUdeviceptr(_v1)?|CUmemGenericAllocationHandle|CUlogicalEndpointId|GLuint"
)
"""Types of numbers that stand for something made and destroyed."""

ROOM = 5
"""Scalars, device handles among them, that a remembered question may have."""


class Answers:
    """Settles the answer column, and remembers which rules were of use and what is wrong."""

    def __init__(self) -> None:
        self.used: set[Rule] = set()
        self.problems: list[str] = []

    def settle(self, name: str, prototypes: list[Prototype]) -> str:
        """The column's value for one function."""
        if not prototypes or not _QUESTION.search(name):
            return "effect"
        base = name.removesuffix("_ptds").removesuffix("_ptsz")
        found = self._rule(RULES, base) or _by_prototype(prototypes[0]) or self._rule(CATCH_ALL, base)
        if found is None:
            self.problems.append(f"no rule says whether the answer of {name} may be remembered")
        elif found == "yes":
            self.problems += [f"{name} cannot be remembered: {reason}" for reason in _obstacles(prototypes)]
        return found or "effect"

    def unused(self) -> list[str]:
        """Rules that settled nothing: mistakes, or no longer needed."""
        return [f"no use for the rule {rule[:2]}" for rule in (*RULES, *CATCH_ALL) if rule not in self.used]

    def _rule(self, rules: tuple[Rule, ...], name: str) -> str | None:
        for rule in rules:
            if any(fnmatchcase(name, pattern) for pattern in rule[0].split()):
                self.used.add(rule)
                return rule[1]
        return None


def _by_prototype(declared: Prototype) -> str | None:
    if all(value.direction == "in" for value in declared.parameters):
        return "effect"
    return None if all(map(_is_settled, declared.parameters)) else "pointer"


def _is_settled(value: Value) -> bool:
    """Whether an argument's value says everything: a number, a device, or room for the answer."""
    if value.direction == "out" or value.ctype == "nvmlDevice_t":
        return True
    return value.abi[0] in "iu" and not _HANDLES.fullmatch(value.ctype)


def _obstacles(prototypes: list[Prototype]) -> list[str]:
    """Why a "yes" could not be kept in a table keyed by general registers."""
    found = []
    for declared in prototypes:
        asked = [value for value in declared.parameters if value.direction == "in"]
        names = {value.name for value in asked}
        if len(declared.parameters) > 6 or len(asked) > ROOM:
            found.append("too many parameters")
        if declared.result.abi[0] not in "iup":
            found.append("its result is not in a register")
        for value in declared.parameters:
            if not _is_settled(value):
                found.append(f"{value.name} is no number")
            elif value.direction == "out" and (
                value.out_size is None or not set(re.findall(r"[A-Za-z]\w*", str(value.out_size))) <= names
            ):
                found.append(f"the size of {value.name} is not settled by numbers")
    return found

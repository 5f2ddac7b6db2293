"""Functions of the runtime that are one of the driver's under another name: TABLE says which, and with what arguments.

The driver writes the outputs where the program wants them, and its result is the runtime's: the numbers are the same.
"""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.runtime.devices import in_context
from vgpu_embed.virtual.runtime.errors import remember, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import Answer, AnyCall
    from vgpu_embed.virtual.machine import Machine

TABLE = """
# Memory
cudaMemGetInfo                   cuMemGetInfo_v2
cudaMalloc                       cuMemAlloc_v2
cudaFree                         cuMemFree_v2
cudaMallocHost                   cuMemAllocHost_v2
cudaFreeHost                     cuMemFreeHost
cudaHostAlloc                    cuMemHostAlloc
cudaHostRegister                 cuMemHostRegister_v2
cudaHostUnregister               cuMemHostUnregister
cudaHostGetDevicePointer         cuMemHostGetDevicePointer_v2
cudaHostGetFlags                 cuMemHostGetFlags
cudaMallocManaged                cuMemAllocManaged
cudaMallocPitch                  cuMemAllocPitch_v2             devPtr pitch width height 4
cudaMallocAsync                  cuMemAllocAsync
cudaMallocFromPoolAsync          cuMemAllocFromPoolAsync
cudaFreeAsync                    cuMemFreeAsync
cudaMemPrefetchAsync             cuMemPrefetchAsync_v2
cudaMemPrefetchAsync@12          cuMemPrefetchAsync
cudaMemPrefetchAsync_v2          cuMemPrefetchAsync_v2
cudaMemAdvise                    cuMemAdvise_v2
cudaMemAdvise@12                 cuMemAdvise
cudaMemAdvise_v2                 cuMemAdvise_v2
cudaMemPrefetchBatchAsync        cuMemPrefetchBatchAsync
cudaMemDiscardBatchAsync         cuMemDiscardBatchAsync
cudaMemDiscardAndPrefetchBatchAsync   cuMemDiscardAndPrefetchBatchAsync
cudaMemRangeGetAttribute         cuMemRangeGetAttribute
cudaMemRangeGetAttributes        cuMemRangeGetAttributes
cudaMemset                       cuMemsetD8_v2
cudaMemsetAsync                  cuMemsetD8Async
cudaMemset2D                     cuMemsetD2D8_v2
cudaMemset2DAsync                cuMemsetD2D8Async
cudaMemcpyBatchAsync             cuMemcpyBatchAsync_v2
cudaMemcpyBatchAsync@12          cuMemcpyBatchAsync
cudaMemcpy3DBatchAsync           cuMemcpy3DBatchAsync_v2
cudaMemcpy3DBatchAsync@12        cuMemcpy3DBatchAsync
cudaMemcpyWithAttributesAsync    cuMemcpyWithAttributesAsync
cudaMemcpy3DWithAttributesAsync  cuMemcpy3DWithAttributesAsync
cudaCtxResetPersistingL2Cache    cuCtxResetPersistingL2Cache
# Arrays, textures and surfaces
cudaGetMipmappedArrayLevel       cuMipmappedArrayGetLevel
cudaArrayGetPlane                cuArrayGetPlane
cudaArrayGetSparseProperties     cuArrayGetSparseProperties
cudaArrayGetMemoryRequirements   cuArrayGetMemoryRequirements
cudaMipmappedArrayGetSparseProperties    cuMipmappedArrayGetSparseProperties
cudaMipmappedArrayGetMemoryRequirements  cuMipmappedArrayGetMemoryRequirements
cudaDestroyTextureObject         cuTexObjectDestroy
cudaDestroySurfaceObject         cuSurfObjectDestroy
# Pools
cudaDeviceGetDefaultMemPool      cuDeviceGetDefaultMemPool
cudaDeviceGetMemPool             cuDeviceGetMemPool
cudaDeviceSetMemPool             cuDeviceSetMemPool
cudaMemGetDefaultMemPool         cuMemGetDefaultMemPool
cudaMemGetMemPool                cuMemGetMemPool
cudaMemSetMemPool                cuMemSetMemPool
cudaMemPoolCreate                cuMemPoolCreate
cudaMemPoolDestroy               cuMemPoolDestroy
cudaMemPoolTrimTo                cuMemPoolTrimTo
cudaMemPoolGetAttribute          cuMemPoolGetAttribute
cudaMemPoolSetAttribute          cuMemPoolSetAttribute
cudaMemPoolGetAccess             cuMemPoolGetAccess
cudaMemPoolSetAccess             cuMemPoolSetAccess
cudaMemPoolExportToShareableHandle    cuMemPoolExportToShareableHandle
cudaMemPoolImportFromShareableHandle  cuMemPoolImportFromShareableHandle
cudaMemPoolExportPointer         cuMemPoolExportPointer
cudaMemPoolImportPointer         cuMemPoolImportPointer
cudaDeviceGetGraphMemAttribute   cuDeviceGetGraphMemAttribute
cudaDeviceSetGraphMemAttribute   cuDeviceSetGraphMemAttribute
cudaDeviceGraphMemTrim           cuDeviceGraphMemTrim
# Other processes
cudaIpcGetMemHandle              cuIpcGetMemHandle
cudaIpcCloseMemHandle            cuIpcCloseMemHandle
cudaIpcGetEventHandle            cuIpcGetEventHandle
# The current device's context
cudaDeviceSynchronize            cuCtxSynchronize
cudaThreadSynchronize            cuCtxSynchronize
cudaDeviceGetLimit               cuCtxGetLimit
cudaThreadGetLimit               cuCtxGetLimit
cudaDeviceSetLimit               cuCtxSetLimit
cudaThreadSetLimit               cuCtxSetLimit
cudaDeviceGetCacheConfig         cuCtxGetCacheConfig
cudaThreadGetCacheConfig         cuCtxGetCacheConfig
cudaDeviceSetCacheConfig         cuCtxSetCacheConfig
cudaThreadSetCacheConfig         cuCtxSetCacheConfig
cudaDeviceGetSharedMemConfig     cuCtxGetSharedMemConfig
cudaDeviceSetSharedMemConfig     cuCtxSetSharedMemConfig
cudaDeviceGetStreamPriorityRange cuCtxGetStreamPriorityRange
cudaDeviceFlushGPUDirectRDMAWrites    cuFlushGPUDirectRDMAWrites
cudaProfilerInitialize           cuProfilerInitialize
cudaProfilerStart                cuProfilerStart
cudaProfilerStop                 cuProfilerStop
# Streams
cudaStreamCreate                 cuStreamCreate                 pStream 0
cudaStreamCreateWithFlags        cuStreamCreate
cudaStreamCreateWithPriority     cuStreamCreateWithPriority
cudaStreamDestroy                cuStreamDestroy_v2
cudaStreamQuery                  cuStreamQuery
cudaStreamSynchronize            cuStreamSynchronize
cudaStreamWaitEvent              cuStreamWaitEvent
cudaStreamAddCallback            cuStreamAddCallback
cudaStreamAttachMemAsync         cuStreamAttachMemAsync
cudaStreamCopyAttributes         cuStreamCopyAttributes
cudaStreamGetAttribute           cuStreamGetAttribute
cudaStreamSetAttribute           cuStreamSetAttribute
cudaStreamGetDevice              cuStreamGetDevice
cudaStreamGetFlags               cuStreamGetFlags
cudaStreamGetId                  cuStreamGetId
cudaStreamGetPriority            cuStreamGetPriority
cudaLaunchHostFunc               cuLaunchHostFunc
cudaLaunchHostFunc_v2            cuLaunchHostFunc_v2
# Capture
cudaStreamBeginCapture           cuStreamBeginCapture_v2
cudaStreamBeginCaptureToGraph    cuStreamBeginCaptureToGraph
cudaStreamEndCapture             cuStreamEndCapture
cudaStreamIsCapturing            cuStreamIsCapturing
cudaStreamGetCaptureInfo         cuStreamGetCaptureInfo_v3
cudaStreamGetCaptureInfo@12      cuStreamGetCaptureInfo
cudaStreamGetCaptureInfo_v2      cuStreamGetCaptureInfo_v2
cudaStreamGetCaptureInfo_v3      cuStreamGetCaptureInfo_v3
cudaStreamUpdateCaptureDependencies     cuStreamUpdateCaptureDependencies_v2
cudaStreamUpdateCaptureDependencies@12  cuStreamUpdateCaptureDependencies
cudaStreamUpdateCaptureDependencies_v2  cuStreamUpdateCaptureDependencies_v2
cudaThreadExchangeStreamCaptureMode     cuThreadExchangeStreamCaptureMode
# Events
cudaEventCreate                  cuEventCreate                  event 0
cudaEventCreateWithFlags         cuEventCreate
cudaEventDestroy                 cuEventDestroy_v2
cudaEventRecord                  cuEventRecord
cudaEventRecordWithFlags         cuEventRecordWithFlags
cudaEventQuery                   cuEventQuery
cudaEventSynchronize             cuEventSynchronize
cudaEventElapsedTime             cuEventElapsedTime
cudaEventElapsedTime_v2          cuEventElapsedTime_v2
# Libraries of the program's
cudaLibraryLoadData              cuLibraryLoadData
cudaLibraryLoadFromFile          cuLibraryLoadFromFile
cudaLibraryUnload                cuLibraryUnload
cudaLibraryGetKernel             cuLibraryGetKernel
cudaLibraryGetKernelCount        cuLibraryGetKernelCount
cudaLibraryEnumerateKernels      cuLibraryEnumerateKernels
cudaLibraryGetGlobal             cuLibraryGetGlobal
cudaLibraryGetManaged            cuLibraryGetManaged
cudaKernelSetAttributeForDevice  cuKernelSetAttribute           attr value kernel device
# Graphs
cudaGraphCreate                  cuGraphCreate
cudaGraphDestroy                 cuGraphDestroy
cudaGraphClone                   cuGraphClone
cudaGraphDestroyNode             cuGraphDestroyNode
cudaGraphDebugDotPrint           cuGraphDebugDotPrint
cudaGraphAddEmptyNode            cuGraphAddEmptyNode
cudaGraphAddChildGraphNode       cuGraphAddChildGraphNode
cudaGraphChildGraphNodeGetGraph  cuGraphChildGraphNodeGetGraph
cudaGraphAddHostNode             cuGraphAddHostNode
cudaGraphHostNodeGetParams       cuGraphHostNodeGetParams
cudaGraphHostNodeSetParams       cuGraphHostNodeSetParams
cudaGraphExecHostNodeSetParams   cuGraphExecHostNodeSetParams
cudaGraphMemsetNodeGetParams     cuGraphMemsetNodeGetParams
cudaGraphMemsetNodeSetParams     cuGraphMemsetNodeSetParams
cudaGraphAddEventRecordNode      cuGraphAddEventRecordNode
cudaGraphEventRecordNodeGetEvent cuGraphEventRecordNodeGetEvent
cudaGraphEventRecordNodeSetEvent cuGraphEventRecordNodeSetEvent
cudaGraphExecEventRecordNodeSetEvent  cuGraphExecEventRecordNodeSetEvent
cudaGraphAddEventWaitNode        cuGraphAddEventWaitNode
cudaGraphEventWaitNodeGetEvent   cuGraphEventWaitNodeGetEvent
cudaGraphEventWaitNodeSetEvent   cuGraphEventWaitNodeSetEvent
cudaGraphExecEventWaitNodeSetEvent    cuGraphExecEventWaitNodeSetEvent
cudaGraphExecChildGraphNodeSetParams  cuGraphExecChildGraphNodeSetParams
cudaGraphAddMemAllocNode         cuGraphAddMemAllocNode
cudaGraphMemAllocNodeGetParams   cuGraphMemAllocNodeGetParams
cudaGraphAddMemFreeNode          cuGraphAddMemFreeNode
cudaGraphMemFreeNodeGetParams    cuGraphMemFreeNodeGetParams
cudaGraphAddDependencies         cuGraphAddDependencies_v2
cudaGraphAddDependencies@12      cuGraphAddDependencies
cudaGraphAddDependencies_v2      cuGraphAddDependencies_v2
cudaGraphRemoveDependencies      cuGraphRemoveDependencies_v2
cudaGraphRemoveDependencies@12   cuGraphRemoveDependencies
cudaGraphRemoveDependencies_v2   cuGraphRemoveDependencies_v2
cudaGraphGetEdges                cuGraphGetEdges_v2
cudaGraphGetEdges@12             cuGraphGetEdges
cudaGraphGetEdges_v2             cuGraphGetEdges_v2
cudaGraphGetNodes                cuGraphGetNodes
cudaGraphGetRootNodes            cuGraphGetRootNodes
cudaGraphNodeGetDependencies     cuGraphNodeGetDependencies_v2
cudaGraphNodeGetDependencies@12  cuGraphNodeGetDependencies
cudaGraphNodeGetDependencies_v2  cuGraphNodeGetDependencies_v2
cudaGraphNodeGetDependentNodes     cuGraphNodeGetDependentNodes_v2
cudaGraphNodeGetDependentNodes@12  cuGraphNodeGetDependentNodes
cudaGraphNodeGetDependentNodes_v2  cuGraphNodeGetDependentNodes_v2
cudaGraphNodeFindInClone         cuGraphNodeFindInClone
cudaGraphNodeGetType             cuGraphNodeGetType
cudaGraphNodeGetEnabled          cuGraphNodeGetEnabled
cudaGraphNodeSetEnabled          cuGraphNodeSetEnabled
cudaGraphKernelNodeCopyAttributes  cuGraphKernelNodeCopyAttributes
cudaGraphKernelNodeGetAttribute  cuGraphKernelNodeGetAttribute
cudaGraphKernelNodeSetAttribute  cuGraphKernelNodeSetAttribute
cudaGraphInstantiate             cuGraphInstantiateWithFlags
cudaGraphInstantiate@11          cuGraphInstantiate_v2
cudaGraphInstantiateWithFlags    cuGraphInstantiateWithFlags
cudaGraphInstantiateWithParams   cuGraphInstantiateWithParams
cudaGraphExecGetFlags            cuGraphExecGetFlags
cudaGraphExecUpdate              cuGraphExecUpdate_v2
cudaGraphExecUpdate@11           cuGraphExecUpdate
cudaGraphExecDestroy             cuGraphExecDestroy
cudaGraphUpload                  cuGraphUpload
cudaGraphLaunch                  cuGraphLaunch
cudaGraphGetId                   cuGraphGetId
cudaGraphExecGetId               cuGraphExecGetId
cudaGraphNodeGetContainingGraph  cuGraphNodeGetContainingGraph
cudaGraphNodeGetLocalId          cuGraphNodeGetLocalId
cudaGraphNodeGetToolsId          cuGraphNodeGetToolsId
cudaUserObjectCreate             cuUserObjectCreate
cudaUserObjectRetain             cuUserObjectRetain
cudaUserObjectRelease            cuUserObjectRelease
cudaGraphRetainUserObject        cuGraphRetainUserObject
cudaGraphReleaseUserObject       cuGraphReleaseUserObject
"""
"""A function of the runtime, the driver's, and its arguments where they are not the runtime's in their order: names of
the runtime's parameters, or numbers. A variant for the per-thread default stream asks the driver's for that."""

WITHOUT_CONTEXT = """
cudaDeviceGetP2PAttribute        cuDeviceGetP2PAttribute
cudaLogsCurrent                  cuLogsCurrent
cudaLogsDumpToFile               cuLogsDumpToFile
cudaLogsDumpToMemory             cuLogsDumpToMemory
cudaLogsRegisterCallback         cuLogsRegisterCallback
cudaLogsUnregisterCallback       cuLogsUnregisterCallback
"""
"""Likewise, of functions that need no context."""

PER_THREAD = ("", "_ptds", "_ptsz")

answers = Answers(ready=in_context, reported=remember)
without_context = Answers(ready=start, reported=remember)


def rows(table: str) -> list[tuple[str, str, list[str]]]:
    """A table's lines, those of per-thread variants too: the runtime's function, the driver's, arguments."""
    found = []
    for line in table.split("\n"):
        if line and line[0] != "#":
            function, driver, *arguments = line.split()
            base, at, toolkit = function.partition("@")
            for suffix in PER_THREAD:
                if tables.index(base + suffix + at + toolkit) is not None:
                    found.append((base + suffix + at + toolkit, driver + suffix, arguments))
    return found


def passing(driver: str, given: list[str]) -> Answer:
    """Makes the driver's call. Which argument is whose is found at the first call."""
    arguments: list[tuple[str, str]] | None = None
    constants: dict[str, int] = {}

    def settled(function: str) -> list[tuple[str, str]]:
        own = [p.attribute for p in tables.function(function).parameters or ()]
        wanted = [p.attribute for p in tables.function(driver).parameters or ()]
        pairs = list(zip(wanted, given or own, strict=True))
        constants.update((name, int(value)) for name, value in pairs if value.isdigit())
        return [pair for pair in pairs if not pair[1].isdigit()]

    def passed(machine: Machine, call: AnyCall) -> int:
        nonlocal arguments
        if arguments is None:
            arguments = settled(call.function)
        number = call.number
        inputs = {name: number(value) for name, value in arguments}
        result: int = call.make(driver, **inputs, **constants).result
        return result

    return passed


for _answers, _table in ((answers, TABLE), (without_context, WITHOUT_CONTEXT)):
    for _function, _driver, _given in rows(_table):
        _answers(_function)(passing(_driver, _given))

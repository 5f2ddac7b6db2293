# Written by vgpu_embed.tables.generate
from typing import Any

from vgpu_embed import enums
from vgpu_embed.policy import Call, Out

class cuArray3DCreate(Call):
    pHandle: Out[Any]
    pAllocateArray: Any

class cuArray3DCreate_v2(Call):
    pHandle: Out[Any]
    pAllocateArray: Any

class cuArray3DGetDescriptor(Call):
    pArrayDescriptor: Out[Any]
    hArray: Any

class cuArray3DGetDescriptor_v2(Call):
    pArrayDescriptor: Out[Any]
    hArray: Any

class cuArrayCreate(Call):
    pHandle: Out[Any]
    pAllocateArray: Any

class cuArrayCreate_v2(Call):
    pHandle: Out[Any]
    pAllocateArray: Any

class cuArrayDestroy(Call):
    hArray: Any

class cuArrayGetDescriptor(Call):
    pArrayDescriptor: Out[Any]
    hArray: Any

class cuArrayGetDescriptor_v2(Call):
    pArrayDescriptor: Out[Any]
    hArray: Any

class cuArrayGetMemoryRequirements(Call):
    memoryRequirements: Out[Any]
    array: Any
    device: int

class cuArrayGetPlane(Call):
    pPlaneArray: Out[Any]
    hArray: Any
    planeIdx: int

class cuArrayGetSparseProperties(Call):
    sparseProperties: Out[Any]
    array: Any

class cuCheckpointOperationComplete(Call):
    handle: Any

class cuCheckpointProcessCheckpoint(Call):
    pid: int
    args: Any

class cuCheckpointProcessGetRestoreThreadId(Call):
    pid: int
    tid: Out[int]

class cuCheckpointProcessGetState(Call):
    pid: int
    state: Out[enums.CUprocessState]

class cuCheckpointProcessLock(Call):
    pid: int
    args: Any

class cuCheckpointProcessRestore(Call):
    pid: int
    args: Any

class cuCheckpointProcessUnlock(Call):
    pid: int
    args: Any

class cuCoredumpDeregisterCompleteCallback(Call):
    callback: Any

class cuCoredumpDeregisterStartCallback(Call):
    callback: Any

class cuCoredumpGetAttribute(Call):
    attrib: enums.CUcoredumpSettings
    value: Out[Any]
    size: Out[int]

class cuCoredumpGetAttributeGlobal(Call):
    attrib: enums.CUcoredumpSettings
    value: Out[Any]
    size: Out[int]

class cuCoredumpRegisterCompleteCallback(Call):
    callback: Any
    userData: Any
    callbackOut: Out[Any]

class cuCoredumpRegisterStartCallback(Call):
    callback: Any
    userData: Any
    callbackOut: Out[Any]

class cuCoredumpSetAttribute(Call):
    attrib: enums.CUcoredumpSettings
    value: Any
    size: Any

class cuCoredumpSetAttributeGlobal(Call):
    attrib: enums.CUcoredumpSettings
    value: Any
    size: Any

class cuCtxAttach(Call):
    pctx: Out[Any]
    flags: int

class cuCtxCreate(Call):
    pctx: Out[Any]
    flags: int
    dev: int

class cuCtxCreate_v2(Call):
    pctx: Out[Any]
    flags: int
    dev: int

class cuCtxCreate_v3(Call):
    pctx: Out[Any]
    paramsArray: Any
    numParams: int
    flags: int
    dev: int

class cuCtxCreate_v4(Call):
    pctx: Out[Any]
    ctxCreateParams: Any
    flags: int
    dev: int

class cuCtxDestroy(Call):
    ctx: Any

class cuCtxDestroy_v2(Call):
    ctx: Any

class cuCtxDetach(Call):
    ctx: Any

class cuCtxDisablePeerAccess(Call):
    peerContext: Any

class cuCtxEnablePeerAccess(Call):
    peerContext: Any
    Flags: int

class cuCtxFromGreenCtx(Call):
    pContext: Out[Any]
    hCtx: Any

class cuCtxGetApiVersion(Call):
    ctx: Any
    version: Out[int]

class cuCtxGetCacheConfig(Call):
    pconfig: Out[enums.CUfunc_cache]

class cuCtxGetCurrent(Call):
    pctx: Out[Any]

class cuCtxGetDevResource(Call):
    hCtx: Any
    resource: Out[Any]
    type: enums.CUdevResourceType

class cuCtxGetDevice(Call):
    device: Out[int]

class cuCtxGetDevice_v2(Call):
    device: Out[int]
    ctx: Any

class cuCtxGetExecAffinity(Call):
    pExecAffinity: Out[Any]
    type: enums.CUexecAffinityType

class cuCtxGetFlags(Call):
    flags: Out[int]

class cuCtxGetId(Call):
    ctx: Any
    ctxId: Out[int]

class cuCtxGetLimit(Call):
    pvalue: Out[int]
    limit: enums.CUlimit

class cuCtxGetSharedMemConfig(Call):
    pConfig: Out[enums.CUsharedconfig]

class cuCtxGetStreamPriorityRange(Call):
    leastPriority: Out[int]
    greatestPriority: Out[int]

class cuCtxPopCurrent(Call):
    pctx: Out[Any]

class cuCtxPopCurrent_v2(Call):
    pctx: Out[Any]

class cuCtxPushCurrent(Call):
    ctx: Any

class cuCtxPushCurrent_v2(Call):
    ctx: Any

class cuCtxRecordEvent(Call):
    hCtx: Any
    hEvent: Any

class cuCtxResetPersistingL2Cache(Call): ...

class cuCtxSetCacheConfig(Call):
    config: enums.CUfunc_cache

class cuCtxSetCurrent(Call):
    ctx: Any

class cuCtxSetFlags(Call):
    flags: int

class cuCtxSetLimit(Call):
    limit: enums.CUlimit
    value: int

class cuCtxSetSharedMemConfig(Call):
    config: enums.CUsharedconfig

class cuCtxSynchronize(Call): ...

class cuCtxSynchronize_v2(Call):
    ctx: Any

class cuCtxWaitEvent(Call):
    hCtx: Any
    hEvent: Any

class cuDestroyExternalMemory(Call):
    extMem: Any

class cuDestroyExternalSemaphore(Call):
    extSem: Any

class cuDevResourceGenerateDesc(Call):
    phDesc: Out[Any]
    resources: Any
    nbResources: int

class cuDevSmResourceSplit(Call):
    result_: Out[Any]
    nbGroups: int
    input: Any
    remainder: Out[Any]
    flags: int
    groupParams: Out[Any]

class cuDevSmResourceSplitByCount(Call):
    result_: Out[Any]
    nbGroups: Out[int]
    input: Any
    remainder: Out[Any]
    flags: int
    minCount: int

class cuDeviceCanAccessPeer(Call):
    canAccessPeer: Out[int]
    dev: int
    peerDev: int

class cuDeviceComputeCapability(Call):
    major: Out[int]
    minor: Out[int]
    dev: int

class cuDeviceGet(Call):
    device: Out[int]
    ordinal: int

class cuDeviceGetAttribute(Call):
    pi: Out[int]
    attrib: enums.CUdevice_attribute
    dev: int

class cuDeviceGetByPCIBusId(Call):
    dev: Out[int]
    pciBusId: Any

class cuDeviceGetCliqueCount(Call):
    count: Out[int]
    dev: int

class cuDeviceGetCliqueInfo(Call):
    cliqueInfo: Out[Any]
    count: Out[int]
    dev: int

class cuDeviceGetCount(Call):
    count: Out[int]

class cuDeviceGetDefaultMemPool(Call):
    pool_out: Out[Any]
    dev: int

class cuDeviceGetDevResource(Call):
    device: int
    resource: Out[Any]
    type: enums.CUdevResourceType

class cuDeviceGetExecAffinitySupport(Call):
    pi: Out[int]
    type: enums.CUexecAffinityType
    dev: int

class cuDeviceGetFabricClusterUuid(Call):
    uuid: Out[Any]
    dev: int

class cuDeviceGetGraphMemAttribute(Call):
    device: int
    attr: enums.CUgraphMem_attribute
    value: Out[Any]

class cuDeviceGetHostAtomicCapabilities(Call):
    capabilities: Out[int]
    operations: Any
    count: int
    dev: int

class cuDeviceGetLuid(Call):
    luid: Out[bytes]
    deviceNodeMask: Out[int]
    dev: int

class cuDeviceGetMemPool(Call):
    pool: Out[Any]
    dev: int

class cuDeviceGetName(Call):
    name: Out[bytes]
    len: int
    dev: int

class cuDeviceGetNvSciSyncAttributes(Call):
    nvSciSyncAttrList: Any
    dev: int
    flags: int

class cuDeviceGetP2PAtomicCapabilities(Call):
    capabilities: Out[int]
    operations: Any
    count: int
    srcDevice: int
    dstDevice: int

class cuDeviceGetP2PAttribute(Call):
    value: Out[int]
    attrib: enums.CUdevice_P2PAttribute
    srcDevice: int
    dstDevice: int

class cuDeviceGetPCIBusId(Call):
    pciBusId: Out[bytes]
    len: int
    dev: int

class cuDeviceGetProperties(Call):
    prop: Out[Any]
    dev: int

class cuDeviceGetTexture1DLinearMaxWidth(Call):
    maxWidthInElements: Out[int]
    format: enums.CUarray_format
    numChannels: int
    dev: int

class cuDeviceGetUuid(Call):
    uuid: Out[Any]
    dev: int

class cuDeviceGetUuid_v2(Call):
    uuid: Out[Any]
    dev: int

class cuDeviceGraphMemTrim(Call):
    device: int

class cuDevicePrimaryCtxGetState(Call):
    dev: int
    flags: Out[int]
    active: Out[int]

class cuDevicePrimaryCtxRelease(Call):
    dev: int

class cuDevicePrimaryCtxRelease_v2(Call):
    dev: int

class cuDevicePrimaryCtxReset(Call):
    dev: int

class cuDevicePrimaryCtxReset_v2(Call):
    dev: int

class cuDevicePrimaryCtxRetain(Call):
    pctx: Out[Any]
    dev: int

class cuDevicePrimaryCtxSetFlags(Call):
    dev: int
    flags: int

class cuDevicePrimaryCtxSetFlags_v2(Call):
    dev: int
    flags: int

class cuDeviceRegisterAsyncNotification(Call):
    device: int
    callbackFunc: Any
    userData: Any
    callback: Out[Any]

class cuDeviceSetGraphMemAttribute(Call):
    device: int
    attr: enums.CUgraphMem_attribute
    value: Any

class cuDeviceSetMemPool(Call):
    dev: int
    pool: Any

class cuDeviceTotalMem(Call):
    bytes: Out[int]
    dev: int

class cuDeviceTotalMem_v2(Call):
    bytes: Out[int]
    dev: int

class cuDeviceUnregisterAsyncNotification(Call):
    device: int
    callback: Any

class cuDriverGetVersion(Call):
    driverVersion: Out[int]

class cuEGLStreamConsumerAcquireFrame(Call):
    conn: Any
    pCudaResource: Out[Any]
    pStream: Any
    timeout: int

class cuEGLStreamConsumerConnect(Call):
    conn: Out[Any]
    stream: Any

class cuEGLStreamConsumerConnectWithFlags(Call):
    conn: Out[Any]
    stream: Any
    flags: int

class cuEGLStreamConsumerDisconnect(Call):
    conn: Any

class cuEGLStreamConsumerReleaseFrame(Call):
    conn: Any
    pCudaResource: Any
    pStream: Any

class cuEGLStreamProducerConnect(Call):
    conn: Out[Any]
    stream: Any
    width: int
    height: int

class cuEGLStreamProducerDisconnect(Call):
    conn: Any

class cuEGLStreamProducerPresentFrame(Call):
    conn: Any
    eglframe: Any
    pStream: Any

class cuEGLStreamProducerReturnFrame(Call):
    conn: Any
    eglframe: Out[Any]
    pStream: Any

class cuEventCreate(Call):
    phEvent: Out[Any]
    Flags: int

class cuEventCreateFromEGLSync(Call):
    phEvent: Out[Any]
    eglSync: Any
    flags: int

class cuEventDestroy(Call):
    hEvent: Any

class cuEventDestroy_v2(Call):
    hEvent: Any

class cuEventElapsedTime(Call):
    pMilliseconds: Out[float]
    hStart: Any
    hEnd: Any

class cuEventElapsedTime_v2(Call):
    pMilliseconds: Out[float]
    hStart: Any
    hEnd: Any

class cuEventQuery(Call):
    hEvent: Any

class cuEventRecord(Call):
    hEvent: Any
    hStream: Any

class cuEventRecordWithFlags(Call):
    hEvent: Any
    hStream: Any
    flags: int

class cuEventRecordWithFlags_ptsz(Call):
    hEvent: Any
    hStream: Any
    flags: int

class cuEventRecord_ptsz(Call):
    hEvent: Any
    hStream: Any

class cuEventSynchronize(Call):
    hEvent: Any

class cuExternalMemoryGetMappedBuffer(Call):
    devPtr: Out[int]
    extMem: Any
    bufferDesc: Any

class cuExternalMemoryGetMappedMipmappedArray(Call):
    mipmap: Out[Any]
    extMem: Any
    mipmapDesc: Any

class cuFabricCpyBatchAsync(Call):
    numOps: int
    opList: Any
    flags: int
    hStream: Any

class cuFabricCpyBatchAsync_ptsz(Call):
    numOps: int
    opList: Any
    flags: int
    hStream: Any

class cuFlushGPUDirectRDMAWrites(Call):
    target: enums.CUflushGPUDirectRDMAWritesTarget
    scope: enums.CUflushGPUDirectRDMAWritesScope

class cuFuncGetAttribute(Call):
    pi: Out[int]
    attrib: enums.CUfunction_attribute
    hfunc: Any

class cuFuncGetModule(Call):
    hmod: Out[Any]
    hfunc: Any

class cuFuncGetName(Call):
    name: Out[Any]
    hfunc: Any

class cuFuncGetParamCount(Call):
    func: Any
    paramCount: Out[int]

class cuFuncGetParamInfo(Call):
    func: Any
    paramIndex: int
    paramOffset: Out[int]
    paramSize: Out[int]

class cuFuncIsLoaded(Call):
    state: Out[enums.CUfunctionLoadingState]
    function_: Any

class cuFuncLoad(Call):
    function_: Any

class cuFuncSetAttribute(Call):
    hfunc: Any
    attrib: enums.CUfunction_attribute
    value: int

class cuFuncSetBlockShape(Call):
    hfunc: Any
    x: int
    y: int
    z: int

class cuFuncSetCacheConfig(Call):
    hfunc: Any
    config: enums.CUfunc_cache

class cuFuncSetSharedMemConfig(Call):
    hfunc: Any
    config: enums.CUsharedconfig

class cuFuncSetSharedSize(Call):
    hfunc: Any
    bytes: int

class cuGLCtxCreate(Call):
    pCtx: Out[Any]
    Flags: int
    device: int

class cuGLCtxCreate_v2(Call):
    pCtx: Out[Any]
    Flags: int
    device: int

class cuGLGetDevices(Call):
    pCudaDeviceCount: Out[int]
    pCudaDevices: Out[int]
    cudaDeviceCount: int
    deviceList: enums.CUGLDeviceList

class cuGLGetDevices_v2(Call):
    pCudaDeviceCount: Out[int]
    pCudaDevices: Out[int]
    cudaDeviceCount: int
    deviceList: enums.CUGLDeviceList

class cuGLInit(Call): ...

class cuGLMapBufferObject(Call):
    dptr: Out[int]
    size: Out[int]
    buffer: int

class cuGLMapBufferObjectAsync(Call):
    dptr: Out[int]
    size: Out[int]
    buffer: int
    hStream: Any

class cuGLMapBufferObjectAsync_v2(Call):
    dptr: Out[int]
    size: Out[int]
    buffer: int
    hStream: Any

class cuGLMapBufferObjectAsync_v2_ptsz(Call):
    dptr: Out[int]
    size: Out[int]
    buffer: int
    hStream: Any

class cuGLMapBufferObject_v2(Call):
    dptr: Out[int]
    size: Out[int]
    buffer: int

class cuGLMapBufferObject_v2_ptds(Call):
    dptr: Out[int]
    size: Out[int]
    buffer: int

class cuGLRegisterBufferObject(Call):
    buffer: int

class cuGLSetBufferObjectMapFlags(Call):
    buffer: int
    Flags: int

class cuGLUnmapBufferObject(Call):
    buffer: int

class cuGLUnmapBufferObjectAsync(Call):
    buffer: int
    hStream: Any

class cuGLUnregisterBufferObject(Call):
    buffer: int

class cuGetErrorName(Call):
    error: enums.CUresult
    pStr: Out[Any]

class cuGetErrorString(Call):
    error: enums.CUresult
    pStr: Out[Any]

class cuGetExportTable(Call):
    ppExportTable: Out[Any]
    pExportTableId: Any

class cuGetProcAddress(Call):
    symbol: Any
    pfn: Out[Any]
    cudaVersion: int
    flags: int

class cuGetProcAddress_v2(Call):
    symbol: Any
    pfn: Out[Any]
    cudaVersion: int
    flags: int
    symbolStatus: Out[enums.CUdriverProcAddressQueryResult]

class cuGraphAddBatchMemOpNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Any

class cuGraphAddChildGraphNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    childGraph: Any

class cuGraphAddDependencies(Call):
    hGraph: Any
    from_: Any
    to: Any
    numDependencies: int

class cuGraphAddDependencies_v2(Call):
    hGraph: Any
    from_: Any
    to: Any
    edgeData: Any
    numDependencies: int

class cuGraphAddEmptyNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int

class cuGraphAddEventRecordNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    event: Any

class cuGraphAddEventWaitNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    event: Any

class cuGraphAddExternalSemaphoresSignalNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Any

class cuGraphAddExternalSemaphoresWaitNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Any

class cuGraphAddHostNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Any

class cuGraphAddKernelNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Any

class cuGraphAddKernelNode_v2(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Any

class cuGraphAddMemAllocNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Out[Any]

class cuGraphAddMemFreeNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    dptr: int

class cuGraphAddMemcpyNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    copyParams: Any
    ctx: Any

class cuGraphAddMemsetNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    memsetParams: Any
    ctx: Any

class cuGraphAddNode(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    numDependencies: int
    nodeParams: Out[Any]

class cuGraphAddNode_v2(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    dependencyData: Any
    numDependencies: int
    nodeParams: Out[Any]

class cuGraphAddNode_v3(Call):
    phGraphNode: Out[Any]
    hGraph: Any
    dependencies: Any
    dependencyData: Any
    numDependencies: int
    nodeParams: Out[Any]

class cuGraphBatchMemOpNodeGetParams(Call):
    hNode: Any
    nodeParams_out: Out[Any]

class cuGraphBatchMemOpNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphChildGraphNodeGetGraph(Call):
    hNode: Any
    phGraph: Out[Any]

class cuGraphClone(Call):
    phGraphClone: Out[Any]
    originalGraph: Any

class cuGraphConditionalHandleCreate(Call):
    pHandle_out: Out[int]
    hGraph: Any
    ctx: Any
    defaultLaunchValue: int
    flags: int

class cuGraphCreate(Call):
    phGraph: Out[Any]
    flags: int

class cuGraphDebugDotPrint(Call):
    hGraph: Any
    path: Any
    flags: int

class cuGraphDestroy(Call):
    hGraph: Any

class cuGraphDestroyNode(Call):
    hNode: Any

class cuGraphEventRecordNodeGetEvent(Call):
    hNode: Any
    event_out: Out[Any]

class cuGraphEventRecordNodeSetEvent(Call):
    hNode: Any
    event: Any

class cuGraphEventWaitNodeGetEvent(Call):
    hNode: Any
    event_out: Out[Any]

class cuGraphEventWaitNodeSetEvent(Call):
    hNode: Any
    event: Any

class cuGraphExecBatchMemOpNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    nodeParams: Any

class cuGraphExecChildGraphNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    childGraph: Any

class cuGraphExecDestroy(Call):
    hGraphExec: Any

class cuGraphExecEventRecordNodeSetEvent(Call):
    hGraphExec: Any
    hNode: Any
    event: Any

class cuGraphExecEventWaitNodeSetEvent(Call):
    hGraphExec: Any
    hNode: Any
    event: Any

class cuGraphExecExternalSemaphoresSignalNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    nodeParams: Any

class cuGraphExecExternalSemaphoresWaitNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    nodeParams: Any

class cuGraphExecGetFlags(Call):
    hGraphExec: Any
    flags: Out[int]

class cuGraphExecGetId(Call):
    hGraphExec: Any
    graphId: Out[int]

class cuGraphExecHostNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    nodeParams: Any

class cuGraphExecKernelNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    nodeParams: Any

class cuGraphExecKernelNodeSetParams_v2(Call):
    hGraphExec: Any
    hNode: Any
    nodeParams: Any

class cuGraphExecMemcpyNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    copyParams: Any
    ctx: Any

class cuGraphExecMemsetNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    memsetParams: Any
    ctx: Any

class cuGraphExecNodeSetParams(Call):
    hGraphExec: Any
    hNode: Any
    nodeParams: Any

class cuGraphExecUpdate(Call):
    hGraphExec: Any
    hGraph: Any
    hErrorNode_out: Out[Any]
    updateResult_out: Out[enums.CUgraphExecUpdateResult]

class cuGraphExecUpdate_v2(Call):
    hGraphExec: Any
    hGraph: Any
    resultInfo: Out[Any]

class cuGraphExternalSemaphoresSignalNodeGetParams(Call):
    hNode: Any
    params_out: Out[Any]

class cuGraphExternalSemaphoresSignalNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphExternalSemaphoresWaitNodeGetParams(Call):
    hNode: Any
    params_out: Out[Any]

class cuGraphExternalSemaphoresWaitNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphGetEdges(Call):
    hGraph: Any
    from_: Out[Any]
    to: Out[Any]
    numEdges: Out[int]

class cuGraphGetEdges_v2(Call):
    hGraph: Any
    from_: Out[Any]
    to: Out[Any]
    edgeData: Out[Any]
    numEdges: Out[int]

class cuGraphGetId(Call):
    hGraph: Any
    graphId: Out[int]

class cuGraphGetNodes(Call):
    hGraph: Any
    nodes: Out[Any]
    numNodes: Out[int]

class cuGraphGetRootNodes(Call):
    hGraph: Any
    rootNodes: Out[Any]
    numRootNodes: Out[int]

class cuGraphHostNodeGetParams(Call):
    hNode: Any
    nodeParams: Out[Any]

class cuGraphHostNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphInstantiate(Call):
    phGraphExec: Out[Any]
    hGraph: Any
    phErrorNode: Out[Any]
    logBuffer: Out[bytes]
    bufferSize: int

class cuGraphInstantiateWithFlags(Call):
    phGraphExec: Out[Any]
    hGraph: Any
    flags: int

class cuGraphInstantiateWithParams(Call):
    phGraphExec: Out[Any]
    hGraph: Any
    instantiateParams: Out[Any]

class cuGraphInstantiateWithParams_ptsz(Call):
    phGraphExec: Out[Any]
    hGraph: Any
    instantiateParams: Out[Any]

class cuGraphInstantiate_v2(Call):
    phGraphExec: Out[Any]
    hGraph: Any
    phErrorNode: Out[Any]
    logBuffer: Out[bytes]
    bufferSize: int

class cuGraphKernelNodeCopyAttributes(Call):
    dst: Any
    src: Any

class cuGraphKernelNodeGetAttribute(Call):
    hNode: Any
    attr: enums.CUlaunchAttributeID
    value_out: Out[Any]

class cuGraphKernelNodeGetParams(Call):
    hNode: Any
    nodeParams: Out[Any]

class cuGraphKernelNodeGetParams_v2(Call):
    hNode: Any
    nodeParams: Out[Any]

class cuGraphKernelNodeSetAttribute(Call):
    hNode: Any
    attr: enums.CUlaunchAttributeID
    value: Any

class cuGraphKernelNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphKernelNodeSetParams_v2(Call):
    hNode: Any
    nodeParams: Any

class cuGraphLaunch(Call):
    hGraphExec: Any
    hStream: Any

class cuGraphLaunch_ptsz(Call):
    hGraphExec: Any
    hStream: Any

class cuGraphMemAllocNodeGetParams(Call):
    hNode: Any
    params_out: Out[Any]

class cuGraphMemFreeNodeGetParams(Call):
    hNode: Any
    dptr_out: Out[int]

class cuGraphMemcpyNodeGetParams(Call):
    hNode: Any
    nodeParams: Out[Any]

class cuGraphMemcpyNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphMemsetNodeGetParams(Call):
    hNode: Any
    nodeParams: Out[Any]

class cuGraphMemsetNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphNodeFindInClone(Call):
    phNode: Out[Any]
    hOriginalNode: Any
    hClonedGraph: Any

class cuGraphNodeGetContainingGraph(Call):
    hNode: Any
    phGraph: Out[Any]

class cuGraphNodeGetDependencies(Call):
    hNode: Any
    dependencies: Out[Any]
    numDependencies: Out[int]

class cuGraphNodeGetDependencies_v2(Call):
    hNode: Any
    dependencies: Out[Any]
    edgeData: Out[Any]
    numDependencies: Out[int]

class cuGraphNodeGetDependentNodes(Call):
    hNode: Any
    dependentNodes: Out[Any]
    numDependentNodes: Out[int]

class cuGraphNodeGetDependentNodes_v2(Call):
    hNode: Any
    dependentNodes: Out[Any]
    edgeData: Out[Any]
    numDependentNodes: Out[int]

class cuGraphNodeGetEnabled(Call):
    hGraphExec: Any
    hNode: Any
    isEnabled: Out[int]

class cuGraphNodeGetLocalId(Call):
    hNode: Any
    nodeId: Out[int]

class cuGraphNodeGetParams(Call):
    hNode: Any
    nodeParams: Out[Any]

class cuGraphNodeGetToolsId(Call):
    hNode: Any
    toolsNodeId: Out[int]

class cuGraphNodeGetType(Call):
    hNode: Any
    type: Out[enums.CUgraphNodeType]

class cuGraphNodeSetEnabled(Call):
    hGraphExec: Any
    hNode: Any
    isEnabled: int

class cuGraphNodeSetParams(Call):
    hNode: Any
    nodeParams: Any

class cuGraphNodeSetParams_v2(Call):
    hNode: Any
    nodeParams: Any

class cuGraphReleaseUserObject(Call):
    graph: Any
    object: Any
    count: int

class cuGraphRemoveDependencies(Call):
    hGraph: Any
    from_: Any
    to: Any
    numDependencies: int

class cuGraphRemoveDependencies_v2(Call):
    hGraph: Any
    from_: Any
    to: Any
    edgeData: Any
    numDependencies: int

class cuGraphRetainUserObject(Call):
    graph: Any
    object: Any
    count: int
    flags: int

class cuGraphUpload(Call):
    hGraphExec: Any
    hStream: Any

class cuGraphUpload_ptsz(Call):
    hGraphExec: Any
    hStream: Any

class cuGraphicsEGLRegisterImage(Call):
    pCudaResource: Out[Any]
    image: Any
    flags: int

class cuGraphicsGLRegisterBuffer(Call):
    pCudaResource: Out[Any]
    buffer: int
    Flags: int

class cuGraphicsGLRegisterImage(Call):
    pCudaResource: Out[Any]
    image: int
    target: int
    Flags: int

class cuGraphicsMapResources(Call):
    count: int
    resources: Any
    hStream: Any

class cuGraphicsMapResources_ptsz(Call):
    count: int
    resources: Any
    hStream: Any

class cuGraphicsResourceGetMappedEglFrame(Call):
    eglFrame: Out[Any]
    resource: Any
    index: int
    mipLevel: int

class cuGraphicsResourceGetMappedMipmappedArray(Call):
    pMipmappedArray: Out[Any]
    resource: Any

class cuGraphicsResourceGetMappedPointer(Call):
    pDevPtr: Out[int]
    pSize: Out[int]
    resource: Any

class cuGraphicsResourceGetMappedPointer_v2(Call):
    pDevPtr: Out[int]
    pSize: Out[int]
    resource: Any

class cuGraphicsResourceSetMapFlags(Call):
    resource: Any
    flags: int

class cuGraphicsResourceSetMapFlags_v2(Call):
    resource: Any
    flags: int

class cuGraphicsSubResourceGetMappedArray(Call):
    pArray: Out[Any]
    resource: Any
    arrayIndex: int
    mipLevel: int

class cuGraphicsUnmapResources(Call):
    count: int
    resources: Any
    hStream: Any

class cuGraphicsUnmapResources_ptsz(Call):
    count: int
    resources: Any
    hStream: Any

class cuGraphicsUnregisterResource(Call):
    resource: Any

class cuGraphicsVDPAURegisterOutputSurface(Call):
    pCudaResource: Out[Any]
    vdpSurface: int
    flags: int

class cuGraphicsVDPAURegisterVideoSurface(Call):
    pCudaResource: Out[Any]
    vdpSurface: int
    flags: int

class cuGreenCtxCreate(Call):
    phCtx: Out[Any]
    desc: Any
    dev: int
    flags: int

class cuGreenCtxDestroy(Call):
    hCtx: Any

class cuGreenCtxGetDevResource(Call):
    hCtx: Any
    resource: Out[Any]
    type: enums.CUdevResourceType

class cuGreenCtxGetId(Call):
    greenCtx: Any
    greenCtxId: Out[int]

class cuGreenCtxRecordEvent(Call):
    hCtx: Any
    hEvent: Any

class cuGreenCtxStreamCreate(Call):
    phStream: Out[Any]
    greenCtx: Any
    flags: int
    priority: int

class cuGreenCtxWaitEvent(Call):
    hCtx: Any
    hEvent: Any

class cuImportExternalMemory(Call):
    extMem_out: Out[Any]
    memHandleDesc: Any

class cuImportExternalSemaphore(Call):
    extSem_out: Out[Any]
    semHandleDesc: Any

class cuInit(Call):
    Flags: int

class cuIpcCloseMemHandle(Call):
    dptr: int

class cuIpcGetEventHandle(Call):
    pHandle: Out[Any]
    event: Any

class cuIpcGetMemHandle(Call):
    pHandle: Out[Any]
    dptr: int

class cuIpcOpenEventHandle(Call):
    phEvent: Out[Any]
    handle: Any

class cuIpcOpenMemHandle(Call):
    pdptr: Out[int]
    handle: Any
    Flags: int

class cuIpcOpenMemHandle_v2(Call):
    pdptr: Out[int]
    handle: Any
    Flags: int

class cuKernelGetAttribute(Call):
    pi: Out[int]
    attrib: enums.CUfunction_attribute
    kernel: Any
    dev: int

class cuKernelGetFunction(Call):
    pFunc: Out[Any]
    kernel: Any

class cuKernelGetLibrary(Call):
    pLib: Out[Any]
    kernel: Any

class cuKernelGetName(Call):
    name: Out[Any]
    hfunc: Any

class cuKernelGetParamCount(Call):
    kernel: Any
    paramCount: Out[int]

class cuKernelGetParamInfo(Call):
    kernel: Any
    paramIndex: int
    paramOffset: Out[int]
    paramSize: Out[int]

class cuKernelSetAttribute(Call):
    attrib: enums.CUfunction_attribute
    val: int
    kernel: Any
    dev: int

class cuKernelSetCacheConfig(Call):
    kernel: Any
    config: enums.CUfunc_cache
    dev: int

class cuLaunch(Call):
    f: Any

class cuLaunchCooperativeKernel(Call):
    f: Any
    gridDimX: int
    gridDimY: int
    gridDimZ: int
    blockDimX: int
    blockDimY: int
    blockDimZ: int
    sharedMemBytes: int
    hStream: Any
    kernelParams: Any

class cuLaunchCooperativeKernelMultiDevice(Call):
    launchParamsList: Any
    numDevices: int
    flags: int

class cuLaunchCooperativeKernel_ptsz(Call):
    f: Any
    gridDimX: int
    gridDimY: int
    gridDimZ: int
    blockDimX: int
    blockDimY: int
    blockDimZ: int
    sharedMemBytes: int
    hStream: Any
    kernelParams: Any

class cuLaunchGrid(Call):
    f: Any
    grid_width: int
    grid_height: int

class cuLaunchGridAsync(Call):
    f: Any
    grid_width: int
    grid_height: int
    hStream: Any

class cuLaunchHostFunc(Call):
    hStream: Any
    fn: Any
    userData: Any

class cuLaunchHostFunc_ptsz(Call):
    hStream: Any
    fn: Any
    userData: Any

class cuLaunchHostFunc_v2(Call):
    hStream: Any
    fn: Any
    userData: Any
    syncMode: int

class cuLaunchHostFunc_v2_ptsz(Call):
    hStream: Any
    fn: Any
    userData: Any
    syncMode: int

class cuLaunchKernel(Call):
    f: Any
    gridDimX: int
    gridDimY: int
    gridDimZ: int
    blockDimX: int
    blockDimY: int
    blockDimZ: int
    sharedMemBytes: int
    hStream: Any
    kernelParams: Any
    extra: Any

class cuLaunchKernelEx(Call):
    config: Any
    f: Any
    kernelParams: Any
    extra: Any

class cuLaunchKernelEx_ptsz(Call):
    config: Any
    f: Any
    kernelParams: Any
    extra: Any

class cuLaunchKernel_ptsz(Call):
    f: Any
    gridDimX: int
    gridDimY: int
    gridDimZ: int
    blockDimX: int
    blockDimY: int
    blockDimZ: int
    sharedMemBytes: int
    hStream: Any
    kernelParams: Any
    extra: Any

class cuLibraryEnumerateKernels(Call):
    kernels: Out[Any]
    numKernels: int
    lib: Any

class cuLibraryGetGlobal(Call):
    dptr: Out[int]
    bytes: Out[int]
    library: Any
    name: Any

class cuLibraryGetKernel(Call):
    pKernel: Out[Any]
    library: Any
    name: Any

class cuLibraryGetKernelCount(Call):
    count: Out[int]
    lib: Any

class cuLibraryGetManaged(Call):
    dptr: Out[int]
    bytes: Out[int]
    library: Any
    name: Any

class cuLibraryGetModule(Call):
    pMod: Out[Any]
    library: Any

class cuLibraryGetUnifiedFunction(Call):
    fptr: Out[Any]
    library: Any
    symbol: Any

class cuLibraryLoadData(Call):
    library: Out[Any]
    code: Any
    jitOptions: Any
    jitOptionsValues: Out[Any]
    numJitOptions: int
    libraryOptions: Any
    libraryOptionValues: Any
    numLibraryOptions: int

class cuLibraryLoadFromFile(Call):
    library: Out[Any]
    fileName: Any
    jitOptions: Any
    jitOptionsValues: Out[Any]
    numJitOptions: int
    libraryOptions: Any
    libraryOptionValues: Any
    numLibraryOptions: int

class cuLibraryUnload(Call):
    library: Any

class cuLinkAddData(Call):
    state: Any
    type: enums.CUjitInputType
    data: Any
    size: int
    name: Any
    numOptions: int
    options: Any
    optionValues: Out[Any]

class cuLinkAddData_v2(Call):
    state: Any
    type: enums.CUjitInputType
    data: Any
    size: int
    name: Any
    numOptions: int
    options: Any
    optionValues: Out[Any]

class cuLinkAddFile(Call):
    state: Any
    type: enums.CUjitInputType
    path: Any
    numOptions: int
    options: Any
    optionValues: Out[Any]

class cuLinkAddFile_v2(Call):
    state: Any
    type: enums.CUjitInputType
    path: Any
    numOptions: int
    options: Any
    optionValues: Out[Any]

class cuLinkComplete(Call):
    state: Any
    cubinOut: Out[Any]
    sizeOut: Out[int]

class cuLinkCreate(Call):
    numOptions: int
    options: Any
    optionValues: Out[Any]
    stateOut: Out[Any]

class cuLinkCreate_v2(Call):
    numOptions: int
    options: Any
    optionValues: Out[Any]
    stateOut: Out[Any]

class cuLinkDestroy(Call):
    state: Any

class cuLogicalEndpointAddDevice(Call):
    leId: int
    dev: int

class cuLogicalEndpointBindAddr(Call):
    leId: int
    dev: int
    offset: int
    ptr: Any
    size: int
    flags: int

class cuLogicalEndpointBindMem(Call):
    leId: int
    dev: int
    offset: int
    memHandle: int
    memOffset: int
    size: int
    flags: int

class cuLogicalEndpointCreate(Call):
    leId: int
    prop: Any

class cuLogicalEndpointDestroy(Call):
    leId: int

class cuLogicalEndpointExport(Call):
    handle: Out[Any]
    leId: int
    handleType: enums.CUlogicalEndpointIpcHandleType

class cuLogicalEndpointGetLimits(Call):
    bindAlignment: Out[int]
    maxSize: Out[int]
    prop: Any

class cuLogicalEndpointIdRelease(Call):
    baseLeId: int
    count: int

class cuLogicalEndpointIdReserve(Call):
    baseLeId: Out[int]
    count: int

class cuLogicalEndpointImport(Call):
    leId: int
    handle: Any
    handleType: enums.CUlogicalEndpointIpcHandleType

class cuLogicalEndpointQuery(Call):
    leId: int
    count: int
    queryStatus: Out[int]

class cuLogicalEndpointUnbind(Call):
    leId: int
    dev: int
    offset: int
    size: int

class cuLogsCurrent(Call):
    iterator_out: Out[int]
    flags: int

class cuLogsDumpToFile(Call):
    iterator: Out[int]
    pathToFile: Any
    flags: int

class cuLogsDumpToMemory(Call):
    iterator: Out[int]
    buffer: Out[bytes]
    size: Out[int]
    flags: int

class cuLogsRegisterCallback(Call):
    callbackFunc: Any
    userData: Any
    callback_out: Out[Any]

class cuLogsUnregisterCallback(Call):
    callback: Any

class cuMemAddressFree(Call):
    ptr: int
    size: int

class cuMemAddressReserve(Call):
    ptr: Out[int]
    size: int
    alignment: int
    addr: int
    flags: int

class cuMemAdvise(Call):
    devPtr: int
    count: int
    advice: enums.CUmem_advise
    device: int

class cuMemAdvise_v2(Call):
    devPtr: int
    count: int
    advice: enums.CUmem_advise
    location: Any

class cuMemAlloc(Call):
    dptr: Out[int]
    bytesize: int

class cuMemAllocAsync(Call):
    dptr: Out[int]
    bytesize: int
    hStream: Any

class cuMemAllocAsync_ptsz(Call):
    dptr: Out[int]
    bytesize: int
    hStream: Any

class cuMemAllocFromPoolAsync(Call):
    dptr: Out[int]
    bytesize: int
    pool: Any
    hStream: Any

class cuMemAllocFromPoolAsync_ptsz(Call):
    dptr: Out[int]
    bytesize: int
    pool: Any
    hStream: Any

class cuMemAllocHost(Call):
    pp: Out[Any]
    bytesize: int

class cuMemAllocHost_v2(Call):
    pp: Out[Any]
    bytesize: int

class cuMemAllocManaged(Call):
    dptr: Out[int]
    bytesize: int
    flags: int

class cuMemAllocPitch(Call):
    dptr: Out[int]
    pPitch: Out[int]
    WidthInBytes: int
    Height: int
    ElementSizeBytes: int

class cuMemAllocPitch_v2(Call):
    dptr: Out[int]
    pPitch: Out[int]
    WidthInBytes: int
    Height: int
    ElementSizeBytes: int

class cuMemAlloc_v2(Call):
    dptr: Out[int]
    bytesize: int

class cuMemBatchDecompressAsync(Call):
    paramsArray: Any
    count: int
    flags: int
    errorIndex: Out[int]
    stream: Any

class cuMemBatchDecompressAsync_ptsz(Call):
    paramsArray: Any
    count: int
    flags: int
    errorIndex: Out[int]
    stream: Any

class cuMemCreate(Call):
    handle: Out[int]
    size: int
    prop: Any
    flags: int

class cuMemDiscardAndPrefetchBatchAsync(Call):
    dptrs: Any
    sizes: Any
    count: int
    prefetchLocs: Any
    prefetchLocIdxs: Any
    numPrefetchLocs: int
    flags: int
    hStream: Any

class cuMemDiscardAndPrefetchBatchAsync_ptsz(Call):
    dptrs: Any
    sizes: Any
    count: int
    prefetchLocs: Any
    prefetchLocIdxs: Any
    numPrefetchLocs: int
    flags: int
    hStream: Any

class cuMemDiscardBatchAsync(Call):
    dptrs: Any
    sizes: Any
    count: int
    flags: int
    hStream: Any

class cuMemDiscardBatchAsync_ptsz(Call):
    dptrs: Any
    sizes: Any
    count: int
    flags: int
    hStream: Any

class cuMemExportToShareableHandle(Call):
    shareableHandle: Out[Any]
    handle: int
    handleType: enums.CUmemAllocationHandleType
    flags: int

class cuMemFree(Call):
    dptr: int

class cuMemFreeAsync(Call):
    dptr: int
    hStream: Any

class cuMemFreeAsync_ptsz(Call):
    dptr: int
    hStream: Any

class cuMemFreeHost(Call):
    p: Any

class cuMemFree_v2(Call):
    dptr: int

class cuMemGetAccess(Call):
    flags: Out[int]
    location: Any
    ptr: int

class cuMemGetAddressRange(Call):
    pbase: Out[int]
    psize: Out[int]
    dptr: int

class cuMemGetAddressRange_v2(Call):
    pbase: Out[int]
    psize: Out[int]
    dptr: int

class cuMemGetAllocationGranularity(Call):
    granularity: Out[int]
    prop: Any
    option: enums.CUmemAllocationGranularity_flags

class cuMemGetAllocationPropertiesFromHandle(Call):
    prop: Out[Any]
    handle: int

class cuMemGetDefaultMemPool(Call):
    pool_out: Out[Any]
    location: Any
    type: enums.CUmemAllocationType

class cuMemGetHandleForAddressRange(Call):
    handle: Out[Any]
    dptr: int
    size: int
    handleType: enums.CUmemRangeHandleType
    flags: int

class cuMemGetInfo(Call):
    free: Out[int]
    total: Out[int]

class cuMemGetInfo_v2(Call):
    free: Out[int]
    total: Out[int]

class cuMemGetLocationInfo(Call):
    ptr: int
    size: int
    summaryGranularity: int
    samplingGranularity: int
    location_out: Out[Any]

class cuMemGetMemPool(Call):
    pool: Out[Any]
    location: Any
    type: enums.CUmemAllocationType

class cuMemHostAlloc(Call):
    pp: Out[Any]
    bytesize: int
    Flags: int

class cuMemHostGetDevicePointer(Call):
    pdptr: Out[int]
    p: Any
    Flags: int

class cuMemHostGetDevicePointer_v2(Call):
    pdptr: Out[int]
    p: Any
    Flags: int

class cuMemHostGetFlags(Call):
    pFlags: Out[int]
    p: Any

class cuMemHostRegister(Call):
    p: Any
    bytesize: int
    Flags: int

class cuMemHostRegister_v2(Call):
    p: Any
    bytesize: int
    Flags: int

class cuMemHostUnregister(Call):
    p: Any

class cuMemImportFromShareableHandle(Call):
    handle: Out[int]
    osHandle: Any
    shHandleType: enums.CUmemAllocationHandleType

class cuMemMap(Call):
    ptr: int
    size: int
    offset: int
    handle: int
    flags: int

class cuMemMapArrayAsync(Call):
    mapInfoList: Any
    count: int
    hStream: Any

class cuMemMapArrayAsync_ptsz(Call):
    mapInfoList: Any
    count: int
    hStream: Any

class cuMemPoolCreate(Call):
    pool: Out[Any]
    poolProps: Any

class cuMemPoolDestroy(Call):
    pool: Any

class cuMemPoolExportPointer(Call):
    shareData_out: Out[Any]
    ptr: int

class cuMemPoolExportToShareableHandle(Call):
    handle_out: Out[Any]
    pool: Any
    handleType: enums.CUmemAllocationHandleType
    flags: int

class cuMemPoolGetAccess(Call):
    flags: Out[enums.CUmemAccess_flags]
    memPool: Any
    location: Any

class cuMemPoolGetAttribute(Call):
    pool: Any
    attr: enums.CUmemPool_attribute
    value: Out[Any]

class cuMemPoolImportFromShareableHandle(Call):
    pool_out: Out[Any]
    handle: Any
    handleType: enums.CUmemAllocationHandleType
    flags: int

class cuMemPoolImportPointer(Call):
    ptr_out: Out[int]
    pool: Any
    shareData: Any

class cuMemPoolSetAccess(Call):
    pool: Any
    map: Any
    count: int

class cuMemPoolSetAttribute(Call):
    pool: Any
    attr: enums.CUmemPool_attribute
    value: Any

class cuMemPoolTrimTo(Call):
    pool: Any
    minBytesToKeep: int

class cuMemPrefetchAsync(Call):
    devPtr: int
    count: int
    dstDevice: int
    hStream: Any

class cuMemPrefetchAsync_ptsz(Call):
    devPtr: int
    count: int
    dstDevice: int
    hStream: Any

class cuMemPrefetchAsync_v2(Call):
    devPtr: int
    count: int
    location: Any
    flags: int
    hStream: Any

class cuMemPrefetchAsync_v2_ptsz(Call):
    devPtr: int
    count: int
    location: Any
    flags: int
    hStream: Any

class cuMemPrefetchBatchAsync(Call):
    dptrs: Any
    sizes: Any
    count: int
    prefetchLocs: Any
    prefetchLocIdxs: Any
    numPrefetchLocs: int
    flags: int
    hStream: Any

class cuMemPrefetchBatchAsync_ptsz(Call):
    dptrs: Any
    sizes: Any
    count: int
    prefetchLocs: Any
    prefetchLocIdxs: Any
    numPrefetchLocs: int
    flags: int
    hStream: Any

class cuMemRangeGetAttribute(Call):
    data: Out[Any]
    dataSize: int
    attribute: enums.CUmem_range_attribute
    devPtr: int
    count: int

class cuMemRangeGetAttributes(Call):
    data: Any
    dataSizes: Any
    attributes: Any
    numAttributes: int
    devPtr: int
    count: int

class cuMemRelease(Call):
    handle: int

class cuMemRetainAllocationHandle(Call):
    handle: Out[int]
    addr: Any

class cuMemSetAccess(Call):
    ptr: int
    size: int
    desc: Any
    count: int

class cuMemSetMemPool(Call):
    location: Any
    type: enums.CUmemAllocationType
    pool: Any

class cuMemUnmap(Call):
    ptr: int
    size: int

class cuMemcpy(Call):
    dst: int
    src: int
    ByteCount: int

class cuMemcpy2D(Call):
    pCopy: Any

class cuMemcpy2DAsync(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy2DAsync_v2(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy2DAsync_v2_ptsz(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy2DUnaligned(Call):
    pCopy: Any

class cuMemcpy2DUnaligned_v2(Call):
    pCopy: Any

class cuMemcpy2DUnaligned_v2_ptds(Call):
    pCopy: Any

class cuMemcpy2D_v2(Call):
    pCopy: Any

class cuMemcpy2D_v2_ptds(Call):
    pCopy: Any

class cuMemcpy3D(Call):
    pCopy: Any

class cuMemcpy3DAsync(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy3DAsync_v2(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy3DAsync_v2_ptsz(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy3DBatchAsync(Call):
    numOps: int
    opList: Any
    failIdx: Out[int]
    flags: int
    hStream: Any

class cuMemcpy3DBatchAsync_ptsz(Call):
    numOps: int
    opList: Any
    failIdx: Out[int]
    flags: int
    hStream: Any

class cuMemcpy3DBatchAsync_v2(Call):
    numOps: int
    opList: Any
    flags: int
    hStream: Any

class cuMemcpy3DBatchAsync_v2_ptsz(Call):
    numOps: int
    opList: Any
    flags: int
    hStream: Any

class cuMemcpy3DPeer(Call):
    pCopy: Any

class cuMemcpy3DPeerAsync(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy3DPeerAsync_ptsz(Call):
    pCopy: Any
    hStream: Any

class cuMemcpy3DPeer_ptds(Call):
    pCopy: Any

class cuMemcpy3DWithAttributesAsync(Call):
    op: Any
    flags: int
    hStream: Any

class cuMemcpy3DWithAttributesAsync_ptsz(Call):
    op: Any
    flags: int
    hStream: Any

class cuMemcpy3D_v2(Call):
    pCopy: Any

class cuMemcpy3D_v2_ptds(Call):
    pCopy: Any

class cuMemcpyAsync(Call):
    dst: int
    src: int
    ByteCount: int
    hStream: Any

class cuMemcpyAsync_ptsz(Call):
    dst: int
    src: int
    ByteCount: int
    hStream: Any

class cuMemcpyAtoA(Call):
    dstArray: Any
    dstOffset: int
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoA_v2(Call):
    dstArray: Any
    dstOffset: int
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoA_v2_ptds(Call):
    dstArray: Any
    dstOffset: int
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoD(Call):
    dstDevice: int
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoD_v2(Call):
    dstDevice: int
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoD_v2_ptds(Call):
    dstDevice: int
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoH(Call):
    dstHost: Out[Any]
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoHAsync(Call):
    dstHost: Any
    srcArray: Any
    srcOffset: int
    ByteCount: int
    hStream: Any

class cuMemcpyAtoHAsync_v2(Call):
    dstHost: Any
    srcArray: Any
    srcOffset: int
    ByteCount: int
    hStream: Any

class cuMemcpyAtoHAsync_v2_ptsz(Call):
    dstHost: Any
    srcArray: Any
    srcOffset: int
    ByteCount: int
    hStream: Any

class cuMemcpyAtoH_v2(Call):
    dstHost: Out[Any]
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyAtoH_v2_ptds(Call):
    dstHost: Out[Any]
    srcArray: Any
    srcOffset: int
    ByteCount: int

class cuMemcpyBatchAsync(Call):
    dsts: Any
    srcs: Any
    sizes: Any
    count: int
    attrs: Any
    attrsIdxs: Any
    numAttrs: int
    failIdx: Out[int]
    hStream: Any

class cuMemcpyBatchAsync_ptsz(Call):
    dsts: Any
    srcs: Any
    sizes: Any
    count: int
    attrs: Any
    attrsIdxs: Any
    numAttrs: int
    failIdx: Out[int]
    hStream: Any

class cuMemcpyBatchAsync_v2(Call):
    dsts: Any
    srcs: Any
    sizes: Any
    count: int
    attrs: Any
    attrsIdxs: Any
    numAttrs: int
    hStream: Any

class cuMemcpyBatchAsync_v2_ptsz(Call):
    dsts: Any
    srcs: Any
    sizes: Any
    count: int
    attrs: Any
    attrsIdxs: Any
    numAttrs: int
    hStream: Any

class cuMemcpyDtoA(Call):
    dstArray: Any
    dstOffset: int
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoA_v2(Call):
    dstArray: Any
    dstOffset: int
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoA_v2_ptds(Call):
    dstArray: Any
    dstOffset: int
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoD(Call):
    dstDevice: int
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoDAsync(Call):
    dstDevice: int
    srcDevice: int
    ByteCount: int
    hStream: Any

class cuMemcpyDtoDAsync_v2(Call):
    dstDevice: int
    srcDevice: int
    ByteCount: int
    hStream: Any

class cuMemcpyDtoDAsync_v2_ptsz(Call):
    dstDevice: int
    srcDevice: int
    ByteCount: int
    hStream: Any

class cuMemcpyDtoD_v2(Call):
    dstDevice: int
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoD_v2_ptds(Call):
    dstDevice: int
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoH(Call):
    dstHost: Out[Any]
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoHAsync(Call):
    dstHost: Any
    srcDevice: int
    ByteCount: int
    hStream: Any

class cuMemcpyDtoHAsync_v2(Call):
    dstHost: Any
    srcDevice: int
    ByteCount: int
    hStream: Any

class cuMemcpyDtoHAsync_v2_ptsz(Call):
    dstHost: Any
    srcDevice: int
    ByteCount: int
    hStream: Any

class cuMemcpyDtoH_v2(Call):
    dstHost: Out[Any]
    srcDevice: int
    ByteCount: int

class cuMemcpyDtoH_v2_ptds(Call):
    dstHost: Out[Any]
    srcDevice: int
    ByteCount: int

class cuMemcpyHtoA(Call):
    dstArray: Any
    dstOffset: int
    srcHost: Any
    ByteCount: int

class cuMemcpyHtoAAsync(Call):
    dstArray: Any
    dstOffset: int
    srcHost: Any
    ByteCount: int
    hStream: Any

class cuMemcpyHtoAAsync_v2(Call):
    dstArray: Any
    dstOffset: int
    srcHost: Any
    ByteCount: int
    hStream: Any

class cuMemcpyHtoAAsync_v2_ptsz(Call):
    dstArray: Any
    dstOffset: int
    srcHost: Any
    ByteCount: int
    hStream: Any

class cuMemcpyHtoA_v2(Call):
    dstArray: Any
    dstOffset: int
    srcHost: Any
    ByteCount: int

class cuMemcpyHtoA_v2_ptds(Call):
    dstArray: Any
    dstOffset: int
    srcHost: Any
    ByteCount: int

class cuMemcpyHtoD(Call):
    dstDevice: int
    srcHost: Any
    ByteCount: int

class cuMemcpyHtoDAsync(Call):
    dstDevice: int
    srcHost: Any
    ByteCount: int
    hStream: Any

class cuMemcpyHtoDAsync_v2(Call):
    dstDevice: int
    srcHost: Any
    ByteCount: int
    hStream: Any

class cuMemcpyHtoDAsync_v2_ptsz(Call):
    dstDevice: int
    srcHost: Any
    ByteCount: int
    hStream: Any

class cuMemcpyHtoD_v2(Call):
    dstDevice: int
    srcHost: Any
    ByteCount: int

class cuMemcpyHtoD_v2_ptds(Call):
    dstDevice: int
    srcHost: Any
    ByteCount: int

class cuMemcpyPeer(Call):
    dstDevice: int
    dstContext: Any
    srcDevice: int
    srcContext: Any
    ByteCount: int

class cuMemcpyPeerAsync(Call):
    dstDevice: int
    dstContext: Any
    srcDevice: int
    srcContext: Any
    ByteCount: int
    hStream: Any

class cuMemcpyPeerAsync_ptsz(Call):
    dstDevice: int
    dstContext: Any
    srcDevice: int
    srcContext: Any
    ByteCount: int
    hStream: Any

class cuMemcpyPeer_ptds(Call):
    dstDevice: int
    dstContext: Any
    srcDevice: int
    srcContext: Any
    ByteCount: int

class cuMemcpyWithAttributesAsync(Call):
    dst: int
    src: int
    size: int
    attr: Any
    hStream: Any

class cuMemcpyWithAttributesAsync_ptsz(Call):
    dst: int
    src: int
    size: int
    attr: Any
    hStream: Any

class cuMemcpy_ptds(Call):
    dst: int
    src: int
    ByteCount: int

class cuMemsetD16(Call):
    dstDevice: int
    us: int
    N: int

class cuMemsetD16Async(Call):
    dstDevice: int
    us: int
    N: int
    hStream: Any

class cuMemsetD16Async_ptsz(Call):
    dstDevice: int
    us: int
    N: int
    hStream: Any

class cuMemsetD16_v2(Call):
    dstDevice: int
    us: int
    N: int

class cuMemsetD16_v2_ptds(Call):
    dstDevice: int
    us: int
    N: int

class cuMemsetD2D16(Call):
    dstDevice: int
    dstPitch: int
    us: int
    Width: int
    Height: int

class cuMemsetD2D16Async(Call):
    dstDevice: int
    dstPitch: int
    us: int
    Width: int
    Height: int
    hStream: Any

class cuMemsetD2D16Async_ptsz(Call):
    dstDevice: int
    dstPitch: int
    us: int
    Width: int
    Height: int
    hStream: Any

class cuMemsetD2D16_v2(Call):
    dstDevice: int
    dstPitch: int
    us: int
    Width: int
    Height: int

class cuMemsetD2D16_v2_ptds(Call):
    dstDevice: int
    dstPitch: int
    us: int
    Width: int
    Height: int

class cuMemsetD2D32(Call):
    dstDevice: int
    dstPitch: int
    ui: int
    Width: int
    Height: int

class cuMemsetD2D32Async(Call):
    dstDevice: int
    dstPitch: int
    ui: int
    Width: int
    Height: int
    hStream: Any

class cuMemsetD2D32Async_ptsz(Call):
    dstDevice: int
    dstPitch: int
    ui: int
    Width: int
    Height: int
    hStream: Any

class cuMemsetD2D32_v2(Call):
    dstDevice: int
    dstPitch: int
    ui: int
    Width: int
    Height: int

class cuMemsetD2D32_v2_ptds(Call):
    dstDevice: int
    dstPitch: int
    ui: int
    Width: int
    Height: int

class cuMemsetD2D8(Call):
    dstDevice: int
    dstPitch: int
    uc: int
    Width: int
    Height: int

class cuMemsetD2D8Async(Call):
    dstDevice: int
    dstPitch: int
    uc: int
    Width: int
    Height: int
    hStream: Any

class cuMemsetD2D8Async_ptsz(Call):
    dstDevice: int
    dstPitch: int
    uc: int
    Width: int
    Height: int
    hStream: Any

class cuMemsetD2D8_v2(Call):
    dstDevice: int
    dstPitch: int
    uc: int
    Width: int
    Height: int

class cuMemsetD2D8_v2_ptds(Call):
    dstDevice: int
    dstPitch: int
    uc: int
    Width: int
    Height: int

class cuMemsetD32(Call):
    dstDevice: int
    ui: int
    N: int

class cuMemsetD32Async(Call):
    dstDevice: int
    ui: int
    N: int
    hStream: Any

class cuMemsetD32Async_ptsz(Call):
    dstDevice: int
    ui: int
    N: int
    hStream: Any

class cuMemsetD32_v2(Call):
    dstDevice: int
    ui: int
    N: int

class cuMemsetD32_v2_ptds(Call):
    dstDevice: int
    ui: int
    N: int

class cuMemsetD8(Call):
    dstDevice: int
    uc: int
    N: int

class cuMemsetD8Async(Call):
    dstDevice: int
    uc: int
    N: int
    hStream: Any

class cuMemsetD8Async_ptsz(Call):
    dstDevice: int
    uc: int
    N: int
    hStream: Any

class cuMemsetD8_v2(Call):
    dstDevice: int
    uc: int
    N: int

class cuMemsetD8_v2_ptds(Call):
    dstDevice: int
    uc: int
    N: int

class cuMipmappedArrayCreate(Call):
    pHandle: Out[Any]
    pMipmappedArrayDesc: Any
    numMipmapLevels: int

class cuMipmappedArrayDestroy(Call):
    hMipmappedArray: Any

class cuMipmappedArrayGetLevel(Call):
    pLevelArray: Out[Any]
    hMipmappedArray: Any
    level: int

class cuMipmappedArrayGetMemoryRequirements(Call):
    memoryRequirements: Out[Any]
    mipmap: Any
    device: int

class cuMipmappedArrayGetSparseProperties(Call):
    sparseProperties: Out[Any]
    mipmap: Any

class cuModuleEnumerateFunctions(Call):
    functions: Out[Any]
    numFunctions: int
    mod: Any

class cuModuleGetFunction(Call):
    hfunc: Out[Any]
    hmod: Any
    name: Any

class cuModuleGetFunctionCount(Call):
    count: Out[int]
    mod: Any

class cuModuleGetGlobal(Call):
    dptr: Out[int]
    bytes: Out[int]
    hmod: Any
    name: Any

class cuModuleGetGlobal_v2(Call):
    dptr: Out[int]
    bytes: Out[int]
    hmod: Any
    name: Any

class cuModuleGetLoadingMode(Call):
    mode: Out[enums.CUmoduleLoadingMode]

class cuModuleGetSurfRef(Call):
    pSurfRef: Out[Any]
    hmod: Any
    name: Any

class cuModuleGetTexRef(Call):
    pTexRef: Out[Any]
    hmod: Any
    name: Any

class cuModuleLoad(Call):
    module: Out[Any]
    fname: Any

class cuModuleLoadData(Call):
    module: Out[Any]
    image: Any

class cuModuleLoadDataEx(Call):
    module: Out[Any]
    image: Any
    numOptions: int
    options: Any
    optionValues: Out[Any]

class cuModuleLoadFatBinary(Call):
    module: Out[Any]
    fatCubin: Any

class cuModuleUnload(Call):
    hmod: Any

class cuMulticastAddDevice(Call):
    mcHandle: int
    dev: int

class cuMulticastBindAddr(Call):
    mcHandle: int
    mcOffset: int
    memptr: int
    size: int
    flags: int

class cuMulticastBindAddr_v2(Call):
    mcHandle: int
    dev: int
    mcOffset: int
    memptr: int
    size: int
    flags: int

class cuMulticastBindMem(Call):
    mcHandle: int
    mcOffset: int
    memHandle: int
    memOffset: int
    size: int
    flags: int

class cuMulticastBindMem_v2(Call):
    mcHandle: int
    dev: int
    mcOffset: int
    memHandle: int
    memOffset: int
    size: int
    flags: int

class cuMulticastCreate(Call):
    mcHandle: Out[int]
    prop: Any

class cuMulticastGetGranularity(Call):
    granularity: Out[int]
    prop: Any
    option: enums.CUmulticastGranularity_flags

class cuMulticastUnbind(Call):
    mcHandle: int
    dev: int
    mcOffset: int
    size: int

class cuOccupancyAvailableDynamicSMemPerBlock(Call):
    dynamicSmemSize: Out[int]
    func: Any
    numBlocks: int
    blockSize: int

class cuOccupancyMaxActiveBlocksPerMultiprocessor(Call):
    numBlocks: Out[int]
    func: Any
    blockSize: int
    dynamicSMemSize: int

class cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(Call):
    numBlocks: Out[int]
    func: Any
    blockSize: int
    dynamicSMemSize: int
    flags: int

class cuOccupancyMaxActiveClusters(Call):
    numClusters: Out[int]
    func: Any
    config: Any

class cuOccupancyMaxPotentialBlockSize(Call):
    minGridSize: Out[int]
    blockSize: Out[int]
    func: Any
    blockSizeToDynamicSMemSize: Any
    dynamicSMemSize: int
    blockSizeLimit: int

class cuOccupancyMaxPotentialBlockSizeWithFlags(Call):
    minGridSize: Out[int]
    blockSize: Out[int]
    func: Any
    blockSizeToDynamicSMemSize: Any
    dynamicSMemSize: int
    blockSizeLimit: int
    flags: int

class cuOccupancyMaxPotentialClusterSize(Call):
    clusterSize: Out[int]
    func: Any
    config: Any

class cuParamSetSize(Call):
    hfunc: Any
    numbytes: int

class cuParamSetTexRef(Call):
    hfunc: Any
    texunit: int
    hTexRef: Any

class cuParamSetf(Call):
    hfunc: Any
    offset: int
    value: float

class cuParamSeti(Call):
    hfunc: Any
    offset: int
    value: int

class cuParamSetv(Call):
    hfunc: Any
    offset: int
    ptr: Any
    numbytes: int

class cuPointerGetAttribute(Call):
    data: Out[Any]
    attribute: enums.CUpointer_attribute
    ptr: int

class cuPointerGetAttributes(Call):
    numAttributes: int
    attributes: Any
    data: Any
    ptr: int

class cuPointerSetAttribute(Call):
    value: Any
    attribute: enums.CUpointer_attribute
    ptr: int

class cuProfilerInitialize(Call):
    configFile: Any
    outputFile: Any
    outputMode: enums.CUoutput_mode

class cuProfilerStart(Call): ...
class cuProfilerStop(Call): ...

class cuSignalExternalSemaphoresAsync(Call):
    extSemArray: Any
    paramsArray: Any
    numExtSems: int
    stream: Any

class cuSignalExternalSemaphoresAsync_ptsz(Call):
    extSemArray: Any
    paramsArray: Any
    numExtSems: int
    stream: Any

class cuStreamAddCallback(Call):
    hStream: Any
    callback: Any
    userData: Any
    flags: int

class cuStreamAddCallback_ptsz(Call):
    hStream: Any
    callback: Any
    userData: Any
    flags: int

class cuStreamAttachMemAsync(Call):
    hStream: Any
    dptr: int
    length: int
    flags: int

class cuStreamAttachMemAsync_ptsz(Call):
    hStream: Any
    dptr: int
    length: int
    flags: int

class cuStreamBatchMemOp(Call):
    stream: Any
    count: int
    paramArray: Any
    flags: int

class cuStreamBatchMemOp_ptsz(Call):
    stream: Any
    count: int
    paramArray: Any
    flags: int

class cuStreamBatchMemOp_v2(Call):
    stream: Any
    count: int
    paramArray: Any
    flags: int

class cuStreamBatchMemOp_v2_ptsz(Call):
    stream: Any
    count: int
    paramArray: Any
    flags: int

class cuStreamBeginCapture(Call):
    hStream: Any

class cuStreamBeginCaptureToCig(Call):
    hStream: Any
    streamCigCaptureParams: Any

class cuStreamBeginCaptureToCig_ptsz(Call):
    hStream: Any
    streamCigCaptureParams: Any

class cuStreamBeginCaptureToGraph(Call):
    hStream: Any
    hGraph: Any
    dependencies: Any
    dependencyData: Any
    numDependencies: int
    mode: enums.CUstreamCaptureMode

class cuStreamBeginCaptureToGraph_ptsz(Call):
    hStream: Any
    hGraph: Any
    dependencies: Any
    dependencyData: Any
    numDependencies: int
    mode: enums.CUstreamCaptureMode

class cuStreamBeginCapture_ptsz(Call):
    hStream: Any

class cuStreamBeginCapture_v2(Call):
    hStream: Any
    mode: enums.CUstreamCaptureMode

class cuStreamBeginCapture_v2_ptsz(Call):
    hStream: Any
    mode: enums.CUstreamCaptureMode

class cuStreamBeginRecaptureToGraph(Call):
    hStream: Any
    mode: enums.CUstreamCaptureMode
    hGraph: Any
    callbackFunc: Any
    userData: Any

class cuStreamBeginRecaptureToGraph_ptsz(Call):
    hStream: Any
    mode: enums.CUstreamCaptureMode
    hGraph: Any
    callbackFunc: Any
    userData: Any

class cuStreamCopyAttributes(Call):
    dst: Any
    src: Any

class cuStreamCopyAttributes_ptsz(Call):
    dst: Any
    src: Any

class cuStreamCreate(Call):
    phStream: Out[Any]
    Flags: int

class cuStreamCreateWithPriority(Call):
    phStream: Out[Any]
    flags: int
    priority: int

class cuStreamDestroy(Call):
    hStream: Any

class cuStreamDestroy_v2(Call):
    hStream: Any

class cuStreamEndCapture(Call):
    hStream: Any
    phGraph: Out[Any]

class cuStreamEndCaptureToCig(Call):
    hStream: Any

class cuStreamEndCaptureToCig_ptsz(Call):
    hStream: Any

class cuStreamEndCapture_ptsz(Call):
    hStream: Any
    phGraph: Out[Any]

class cuStreamGetAttribute(Call):
    hStream: Any
    attr: enums.CUlaunchAttributeID
    value_out: Out[Any]

class cuStreamGetAttribute_ptsz(Call):
    hStream: Any
    attr: enums.CUlaunchAttributeID
    value_out: Out[Any]

class cuStreamGetCaptureInfo(Call):
    hStream: Any
    captureStatus_out: Out[enums.CUstreamCaptureStatus]
    id_out: Out[int]

class cuStreamGetCaptureInfo_ptsz(Call):
    hStream: Any
    captureStatus_out: Out[enums.CUstreamCaptureStatus]
    id_out: Out[int]

class cuStreamGetCaptureInfo_v2(Call):
    hStream: Any
    captureStatus_out: Out[enums.CUstreamCaptureStatus]
    id_out: Out[int]
    graph_out: Out[Any]
    dependencies_out: Out[Any]
    numDependencies_out: Out[int]

class cuStreamGetCaptureInfo_v2_ptsz(Call):
    hStream: Any
    captureStatus_out: Out[enums.CUstreamCaptureStatus]
    id_out: Out[int]
    graph_out: Out[Any]
    dependencies_out: Out[Any]
    numDependencies_out: Out[int]

class cuStreamGetCaptureInfo_v3(Call):
    hStream: Any
    captureStatus_out: Out[enums.CUstreamCaptureStatus]
    id_out: Out[int]
    graph_out: Out[Any]
    dependencies_out: Out[Any]
    edgeData_out: Out[Any]
    numDependencies_out: Out[int]

class cuStreamGetCaptureInfo_v3_ptsz(Call):
    hStream: Any
    captureStatus_out: Out[enums.CUstreamCaptureStatus]
    id_out: Out[int]
    graph_out: Out[Any]
    dependencies_out: Out[Any]
    edgeData_out: Out[Any]
    numDependencies_out: Out[int]

class cuStreamGetCtx(Call):
    hStream: Any
    pctx: Out[Any]

class cuStreamGetCtx_ptsz(Call):
    hStream: Any
    pctx: Out[Any]

class cuStreamGetCtx_v2(Call):
    hStream: Any
    pCtx: Out[Any]
    pGreenCtx: Out[Any]

class cuStreamGetCtx_v2_ptsz(Call):
    hStream: Any
    pCtx: Out[Any]
    pGreenCtx: Out[Any]

class cuStreamGetDevResource(Call):
    hStream: Any
    resource: Out[Any]
    type: enums.CUdevResourceType

class cuStreamGetDevResource_ptsz(Call):
    hStream: Any
    resource: Out[Any]
    type: enums.CUdevResourceType

class cuStreamGetDevice(Call):
    hStream: Any
    device: Out[int]

class cuStreamGetDevice_ptsz(Call):
    hStream: Any
    device: Out[int]

class cuStreamGetFlags(Call):
    hStream: Any
    flags: Out[int]

class cuStreamGetFlags_ptsz(Call):
    hStream: Any
    flags: Out[int]

class cuStreamGetGreenCtx(Call):
    hStream: Any
    phCtx: Out[Any]

class cuStreamGetId(Call):
    hStream: Any
    streamId: Out[int]

class cuStreamGetId_ptsz(Call):
    hStream: Any
    streamId: Out[int]

class cuStreamGetPriority(Call):
    hStream: Any
    priority: Out[int]

class cuStreamGetPriority_ptsz(Call):
    hStream: Any
    priority: Out[int]

class cuStreamIsCapturing(Call):
    hStream: Any
    captureStatus: Out[enums.CUstreamCaptureStatus]

class cuStreamIsCapturing_ptsz(Call):
    hStream: Any
    captureStatus: Out[enums.CUstreamCaptureStatus]

class cuStreamQuery(Call):
    hStream: Any

class cuStreamQuery_ptsz(Call):
    hStream: Any

class cuStreamSetAttribute(Call):
    hStream: Any
    attr: enums.CUlaunchAttributeID
    value: Any

class cuStreamSetAttribute_ptsz(Call):
    hStream: Any
    attr: enums.CUlaunchAttributeID
    value: Any

class cuStreamSynchronize(Call):
    hStream: Any

class cuStreamSynchronize_ptsz(Call):
    hStream: Any

class cuStreamUpdateCaptureDependencies(Call):
    hStream: Any
    dependencies: Any
    numDependencies: int
    flags: int

class cuStreamUpdateCaptureDependencies_ptsz(Call):
    hStream: Any
    dependencies: Any
    numDependencies: int
    flags: int

class cuStreamUpdateCaptureDependencies_v2(Call):
    hStream: Any
    dependencies: Any
    dependencyData: Any
    numDependencies: int
    flags: int

class cuStreamUpdateCaptureDependencies_v2_ptsz(Call):
    hStream: Any
    dependencies: Any
    dependencyData: Any
    numDependencies: int
    flags: int

class cuStreamWaitEvent(Call):
    hStream: Any
    hEvent: Any
    Flags: int

class cuStreamWaitEvent_ptsz(Call):
    hStream: Any
    hEvent: Any
    Flags: int

class cuStreamWaitValue32(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWaitValue32_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWaitValue32_v2(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWaitValue32_v2_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWaitValue64(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWaitValue64_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWaitValue64_v2(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWaitValue64_v2_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue32(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue32_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue32_v2(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue32_v2_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue64(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue64_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue64_v2(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuStreamWriteValue64_v2_ptsz(Call):
    stream: Any
    addr: int
    value: int
    flags: int

class cuSurfObjectCreate(Call):
    pSurfObject: Out[int]
    pResDesc: Any

class cuSurfObjectDestroy(Call):
    surfObject: int

class cuSurfObjectGetResourceDesc(Call):
    pResDesc: Out[Any]
    surfObject: int

class cuSurfRefGetArray(Call):
    phArray: Out[Any]
    hSurfRef: Any

class cuSurfRefSetArray(Call):
    hSurfRef: Any
    hArray: Any
    Flags: int

class cuTensorMapEncodeIm2col(Call):
    tensorMap: Out[Any]
    tensorDataType: enums.CUtensorMapDataType
    tensorRank: int
    globalAddress: Any
    globalDim: Any
    globalStrides: Any
    pixelBoxLowerCorner: Any
    pixelBoxUpperCorner: Any
    channelsPerPixel: int
    pixelsPerColumn: int
    elementStrides: Any
    interleave: enums.CUtensorMapInterleave
    swizzle: enums.CUtensorMapSwizzle
    l2Promotion: enums.CUtensorMapL2promotion
    oobFill: enums.CUtensorMapFloatOOBfill

class cuTensorMapEncodeIm2colWide(Call):
    tensorMap: Out[Any]
    tensorDataType: enums.CUtensorMapDataType
    tensorRank: int
    globalAddress: Any
    globalDim: Any
    globalStrides: Any
    pixelBoxLowerCornerWidth: int
    pixelBoxUpperCornerWidth: int
    channelsPerPixel: int
    pixelsPerColumn: int
    elementStrides: Any
    interleave: enums.CUtensorMapInterleave
    mode: enums.CUtensorMapIm2ColWideMode
    swizzle: enums.CUtensorMapSwizzle
    l2Promotion: enums.CUtensorMapL2promotion
    oobFill: enums.CUtensorMapFloatOOBfill

class cuTensorMapEncodeTiled(Call):
    tensorMap: Out[Any]
    tensorDataType: enums.CUtensorMapDataType
    tensorRank: int
    globalAddress: Any
    globalDim: Any
    globalStrides: Any
    boxDim: Any
    elementStrides: Any
    interleave: enums.CUtensorMapInterleave
    swizzle: enums.CUtensorMapSwizzle
    l2Promotion: enums.CUtensorMapL2promotion
    oobFill: enums.CUtensorMapFloatOOBfill

class cuTensorMapReplaceAddress(Call):
    tensorMap: Out[Any]
    globalAddress: Any

class cuTensorMapSetAllocationClass(Call):
    tensorMap: Out[Any]
    allocClass: enums.CUtensorMapAllocClass
    outAllocClass: Out[enums.CUtensorMapAllocClass]

class cuTexObjectCreate(Call):
    pTexObject: Out[int]
    pResDesc: Any
    pTexDesc: Any
    pResViewDesc: Any

class cuTexObjectDestroy(Call):
    texObject: int

class cuTexObjectGetResourceDesc(Call):
    pResDesc: Out[Any]
    texObject: int

class cuTexObjectGetResourceViewDesc(Call):
    pResViewDesc: Out[Any]
    texObject: int

class cuTexObjectGetTextureDesc(Call):
    pTexDesc: Out[Any]
    texObject: int

class cuTexRefCreate(Call):
    pTexRef: Out[Any]

class cuTexRefDestroy(Call):
    hTexRef: Any

class cuTexRefGetAddress(Call):
    pdptr: Out[int]
    hTexRef: Any

class cuTexRefGetAddressMode(Call):
    pam: Out[enums.CUaddress_mode]
    hTexRef: Any
    dim: int

class cuTexRefGetAddress_v2(Call):
    pdptr: Out[int]
    hTexRef: Any

class cuTexRefGetArray(Call):
    phArray: Out[Any]
    hTexRef: Any

class cuTexRefGetBorderColor(Call):
    pBorderColor: Out[float]
    hTexRef: Any

class cuTexRefGetFilterMode(Call):
    pfm: Out[enums.CUfilter_mode]
    hTexRef: Any

class cuTexRefGetFlags(Call):
    pFlags: Out[int]
    hTexRef: Any

class cuTexRefGetFormat(Call):
    pFormat: Out[enums.CUarray_format]
    pNumChannels: Out[int]
    hTexRef: Any

class cuTexRefGetMaxAnisotropy(Call):
    pmaxAniso: Out[int]
    hTexRef: Any

class cuTexRefGetMipmapFilterMode(Call):
    pfm: Out[enums.CUfilter_mode]
    hTexRef: Any

class cuTexRefGetMipmapLevelBias(Call):
    pbias: Out[float]
    hTexRef: Any

class cuTexRefGetMipmapLevelClamp(Call):
    pminMipmapLevelClamp: Out[float]
    pmaxMipmapLevelClamp: Out[float]
    hTexRef: Any

class cuTexRefGetMipmappedArray(Call):
    phMipmappedArray: Out[Any]
    hTexRef: Any

class cuTexRefSetAddress(Call):
    ByteOffset: Out[int]
    hTexRef: Any
    dptr: int
    bytes: int

class cuTexRefSetAddress2D(Call):
    hTexRef: Any
    desc: Any
    dptr: int
    Pitch: int

class cuTexRefSetAddress2D_v2(Call):
    hTexRef: Any
    desc: Any
    dptr: int
    Pitch: int

class cuTexRefSetAddress2D_v3(Call):
    hTexRef: Any
    desc: Any
    dptr: int
    Pitch: int

class cuTexRefSetAddressMode(Call):
    hTexRef: Any
    dim: int
    am: enums.CUaddress_mode

class cuTexRefSetAddress_v2(Call):
    ByteOffset: Out[int]
    hTexRef: Any
    dptr: int
    bytes: int

class cuTexRefSetArray(Call):
    hTexRef: Any
    hArray: Any
    Flags: int

class cuTexRefSetBorderColor(Call):
    hTexRef: Any
    pBorderColor: Any

class cuTexRefSetFilterMode(Call):
    hTexRef: Any
    fm: enums.CUfilter_mode

class cuTexRefSetFlags(Call):
    hTexRef: Any
    Flags: int

class cuTexRefSetFormat(Call):
    hTexRef: Any
    fmt: enums.CUarray_format
    NumPackedComponents: int

class cuTexRefSetMaxAnisotropy(Call):
    hTexRef: Any
    maxAniso: int

class cuTexRefSetMipmapFilterMode(Call):
    hTexRef: Any
    fm: enums.CUfilter_mode

class cuTexRefSetMipmapLevelBias(Call):
    hTexRef: Any
    bias: float

class cuTexRefSetMipmapLevelClamp(Call):
    hTexRef: Any
    minMipmapLevelClamp: float
    maxMipmapLevelClamp: float

class cuTexRefSetMipmappedArray(Call):
    hTexRef: Any
    hMipmappedArray: Any
    Flags: int

class cuThreadExchangeStreamCaptureMode(Call):
    mode: Out[enums.CUstreamCaptureMode]

class cuUserObjectCreate(Call):
    object_out: Out[Any]
    ptr: Any
    destroy: Any
    initialRefcount: int
    flags: int

class cuUserObjectRelease(Call):
    object: Any
    count: int

class cuUserObjectRetain(Call):
    object: Any
    count: int

class cuVDPAUCtxCreate(Call):
    pCtx: Out[Any]
    flags: int
    device: int
    vdpDevice: int
    vdpGetProcAddress: Any

class cuVDPAUCtxCreate_v2(Call):
    pCtx: Out[Any]
    flags: int
    device: int
    vdpDevice: int
    vdpGetProcAddress: Any

class cuVDPAUGetDevice(Call):
    pDevice: Out[int]
    vdpDevice: int
    vdpGetProcAddress: Any

class cuWaitExternalSemaphoresAsync(Call):
    extSemArray: Any
    paramsArray: Any
    numExtSems: int
    stream: Any

class cuWaitExternalSemaphoresAsync_ptsz(Call):
    extSemArray: Any
    paramsArray: Any
    numExtSems: int
    stream: Any

/* A program of CUDA 11 or 12: calls functions of the runtime that CUDA 13 has under the same names with other arguments
 * or structs, and prints what they return and write. */
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <string.h>

#define SIZE  (4u << 20)
#define GUARD 64

/* By the names that the library exports; the headers of CUDA 12 make others of the first two. */
cudaError_t plain_properties(void *properties, int device) __asm__("cudaGetDeviceProperties");
cudaError_t plain_capture_info(cudaStream_t stream, enum cudaStreamCaptureStatus *status,
                               unsigned long long *id) __asm__("cudaStreamGetCaptureInfo");
cudaError_t per_thread_prefetch(const void *pointer, size_t size, int device,
                                cudaStream_t stream) __asm__("cudaMemPrefetchAsync_ptsz");

/* Calls that fill a struct, which must not write behind it. */
#define FILLED(type, result, call)                             \
    union {                                                    \
        struct type filled;                                    \
        unsigned char bytes[sizeof(struct type) + GUARD];      \
    } result;                                                  \
    memset(&result, 0xA5, sizeof result);                      \
    {                                                          \
        struct type *filled = &result.filled;                  \
        printf(#type " %d,", call);                            \
        for (int i = 0; i < GUARD; i++)                        \
            if (result.bytes[sizeof(struct type) + i] != 0xA5) \
                printf(" written behind its end,");            \
    }

static void properties(void)
{
    FILLED(cudaDeviceProp, of_header, cudaGetDeviceProperties(filled, 1));
    printf(" %s, %d.%d, %d kHz, %zu, %zu\n", of_header.filled.name, of_header.filled.major, of_header.filled.minor,
           of_header.filled.clockRate, of_header.filled.sharedMemPerBlockOptin,
           of_header.filled.reservedSharedMemPerBlock);
    FILLED(cudaDeviceProp, plain, plain_properties(filled, 1));
    printf(" %s, %d.%d, %d kHz, %zu, %zu, behind: %x\n", plain.filled.name, plain.filled.major, plain.filled.minor,
           plain.filled.clockRate, plain.filled.sharedMemPerBlockOptin, plain.filled.reservedSharedMemPerBlock,
           plain.bytes[728]);
}

static void memory(void)
{
    void *pointer;
    int place = 7;

    printf("managed %d,", cudaMallocManaged(&pointer, SIZE, cudaMemAttachGlobal));
    printf(" advise %d,", cudaMemAdvise(pointer, SIZE, cudaMemAdviseSetPreferredLocation, 1));
    cudaMemRangeGetAttribute(&place, sizeof place, cudaMemRangeAttributePreferredLocation, pointer, SIZE);
    printf(" preferred %d,", place);
    printf(" prefetch %d,", cudaMemPrefetchAsync(pointer, SIZE, cudaCpuDeviceId, NULL));
    cudaMemRangeGetAttribute(&place, sizeof place, cudaMemRangeAttributeLastPrefetchLocation, pointer, SIZE);
    printf(" last %d, to no device %d,", place, cudaMemPrefetchAsync(pointer, SIZE, 9, NULL));
    printf(" per thread %d,", per_thread_prefetch(pointer, SIZE, 1, NULL));
    cudaMemRangeGetAttribute(&place, sizeof place, cudaMemRangeAttributeLastPrefetchLocation, pointer, SIZE);
    printf(" last %d\n", place);
    FILLED(cudaPointerAttributes, attributes, cudaPointerGetAttributes(filled, pointer));
    printf(" type %d, %d\n", attributes.filled.type, attributes.filled.hostPointer == pointer);
}

static void textures(void)
{
    struct cudaChannelFormatDesc floats = cudaCreateChannelDesc(32, 0, 0, 0, cudaChannelFormatKindFloat);
    struct cudaResourceDesc resource = {.resType = cudaResourceTypeArray};
    struct cudaTextureDesc description = {.filterMode = cudaFilterModeLinear, .normalizedCoords = 1};
    struct cudaResourceViewDesc view = {.format = cudaResViewFormatFloat1, .width = 8, .height = 4};
    cudaTextureObject_t texture;
    cudaSurfaceObject_t surface;
    cudaArray_t array;

    printf("array %d,", cudaMallocArray(&array, &floats, 8, 4, cudaArraySurfaceLoadStore));
    resource.res.array.array = array;
    printf(" texture %d,", cudaCreateTextureObject(&texture, &resource, &description, &view));
    printf(" surface %d\n", cudaCreateSurfaceObject(&surface, &resource));
    FILLED(cudaResourceDesc, read, cudaGetTextureObjectResourceDesc(filled, texture));
    printf(" same %d\n", read.filled.res.array.array == array);
    FILLED(cudaResourceDesc, written, cudaGetSurfaceObjectResourceDesc(filled, surface));
    printf(" same %d\n", written.filled.res.array.array == array);
    FILLED(cudaTextureDesc, how, cudaGetTextureObjectTextureDesc(filled, texture));
    printf(" same %d\n", memcmp(&how.filled, &description, sizeof description) == 0);
    FILLED(cudaResourceViewDesc, seen, cudaGetTextureObjectResourceViewDesc(filled, texture));
    printf(" same %d\n", memcmp(&seen.filled, &view, sizeof view) == 0);
}

static void graphs(void)
{
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    cudaGraphNode_t nodes[3], from[3], to[3];
    size_t edges = 3, before = 3, after = 3;

    cudaGraphCreate(&graph, 0);
    for (int i = 0; i < 3; i++)
        cudaGraphAddEmptyNode(&nodes[i], graph, NULL, 0);
    printf("add %d,", cudaGraphAddDependencies(graph, nodes, nodes + 1, 2));
    printf(" edges %d,", cudaGraphGetEdges(graph, from, to, &edges));
    printf(" %zu %d,", edges, from[0] == nodes[0] && to[1] == nodes[2]);
    printf(" dependencies %d,", cudaGraphNodeGetDependencies(nodes[2], from, &before));
    printf(" %zu %d,", before, from[0] == nodes[1]);
    printf(" dependents %d,", cudaGraphNodeGetDependentNodes(nodes[0], to, &after));
    printf(" %zu %d,", after, to[0] == nodes[1]);
    printf(" remove %d,", cudaGraphRemoveDependencies(graph, nodes, nodes + 1, 1));
    cudaGraphGetEdges(graph, NULL, NULL, &edges);
    printf(" %zu\n", edges);
#if CUDART_VERSION < 12000
    char text[8] = "text";
    enum cudaGraphExecUpdateResult updated = cudaGraphExecUpdateError;
    printf("instantiate %d,", cudaGraphInstantiate(&executable, graph, from, text, sizeof text));
    printf(" %d,", text[0] == 0 && !from[0]);
    printf(" update %d,", cudaGraphExecUpdate(executable, graph, from, &updated));
    printf(" %d,", updated);
#else
    cudaGraphExecUpdateResultInfo updated = {.result = cudaGraphExecUpdateError};
    printf("instantiate %d, 1,", cudaGraphInstantiate(&executable, graph, 0));
    printf(" update %d,", cudaGraphExecUpdate(executable, graph, &updated));
    printf(" %d,", updated.result);
#endif
    printf(" launch %d\n", cudaGraphLaunch(executable, NULL));
}

static void capture(void)
{
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphNode_t nodes[4];
    cudaEvent_t event;
    enum cudaStreamCaptureStatus status;
    unsigned long long id = 0;
    size_t count = 4;

    cudaStreamCreate(&stream);
    cudaEventCreate(&event);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    printf("capture %d,", plain_capture_info(stream, &status, &id));
    printf(" %d %d,", status, id > 0);
    cudaEventRecordWithFlags(event, stream, cudaEventRecordExternal);
    printf(" forget %d,", cudaStreamUpdateCaptureDependencies(stream, NULL, 0, cudaStreamSetCaptureDependencies));
    cudaEventRecordWithFlags(event, stream, cudaEventRecordExternal);
    cudaStreamEndCapture(stream, &graph);
    cudaGraphGetRootNodes(graph, nodes, &count);
    printf(" roots %zu\n", count);
}

static void entry_point(void)
{
    int (*version)(int *) = NULL;
    int number = 0, result;

#if CUDART_VERSION < 12000
    void *nothing = &number;
    result = cudaGetDriverEntryPoint("cuDriverGetVersion", (void **)&version, cudaEnableDefault);
    printf("nothing %d, ", cudaGetDriverEntryPoint("cuNothing", &nothing, cudaEnableDefault));
#else
    void *nothing = NULL;
    result = cudaGetDriverEntryPoint("cuDriverGetVersion", (void **)&version, cudaEnableDefault, NULL);
#endif
    printf("entry point %d, %d, %d\n", result, nothing == NULL, version && !version(&number) && number > 12000);
}

#if CUDART_VERSION >= 12000

static void nodes_of_any_type(void)
{
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    cudaGraphNode_t filled, copied, allocated;
    struct cudaGraphNodeParams parameters = {.type = cudaGraphNodeTypeMemset};
    void *from, *to;
    char seen[4] = "";

    cudaMalloc(&from, 64);
    cudaMalloc(&to, 64);
    cudaGraphCreate(&graph, 0);
    parameters.memset =
        (struct cudaMemsetParamsV2){.dst = from, .value = 'x', .elementSize = 1, .width = 3, .height = 1};
    printf("node %d,", cudaGraphAddNode(&filled, graph, NULL, 0, &parameters));
    parameters = (struct cudaGraphNodeParams){.type = cudaGraphNodeTypeMemcpy};
    parameters.memcpy.copyParams = (struct cudaMemcpy3DParms){
        .srcPtr = {from, 3, 3, 1}, .dstPtr = {to, 3, 3, 1}, .extent = {3, 1, 1}, .kind = cudaMemcpyDeviceToDevice};
    printf(" %d,", cudaGraphAddNode(&copied, graph, &filled, 1, &parameters));
    parameters = (struct cudaGraphNodeParams){.type = cudaGraphNodeTypeMemAlloc};
    parameters.alloc.poolProps.allocType = cudaMemAllocationTypePinned;
    parameters.alloc.poolProps.location.type = cudaMemLocationTypeDevice;
    parameters.alloc.bytesize = 64;
    printf(" %d", cudaGraphAddNode(&allocated, graph, NULL, 0, &parameters));
    printf(" %d,", parameters.alloc.dptr != NULL);
    cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphLaunch(executable, NULL);
    cudaMemcpy(seen, to, 3, cudaMemcpyDeviceToHost);
    printf(" copied %s,", seen);
    printf(" none %d\n", cudaGraphAddNode(&copied, graph, NULL, 0, NULL));
}

static void batches(void)
{
    cudaStream_t stream;
    char text[] = "onetwo", seen[8] = "";
    char *to;
    size_t sizes[2] = {3, 3}, first = 0, failed = 7;
    struct cudaMemcpyAttributes attributes = {.srcAccessOrder = cudaMemcpySrcAccessOrderStream};
    struct cudaMemcpy3DBatchOp box = {.srcAccessOrder = cudaMemcpySrcAccessOrderStream, .extent = {1, 3, 1}};

    cudaStreamCreate(&stream);
    cudaMalloc((void **)&to, 512);
    void *targets[] = {to + 3, to}, *sources[] = {text, text + 3};
    printf("batch %d,", cudaMemcpyBatchAsync(targets, sources, sizes, 2, &attributes, &first, 1, &failed, stream));
    cudaMemcpy(seen, to, 6, cudaMemcpyDeviceToHost);
    printf(" %s,", seen);
    sizes[1] = 1 << 20;
    printf(" too much %d,", cudaMemcpyBatchAsync(targets, sources, sizes, 2, &attributes, &first, 1, &failed, stream));
    printf(" of %zu,", failed);
    printf(" no stream %d,", cudaMemcpyBatchAsync(targets, sources, sizes, 2, &attributes, &first, 1, &failed, NULL));
    printf(" of %zd\n", failed);
    box.src.type = box.dst.type = cudaMemcpyOperandTypePointer;
    box.src.op.ptr.ptr = text;
    box.src.op.ptr.rowLength = 2;
    box.dst.op.ptr.ptr = to;
    printf("boxes %d,", cudaMemcpy3DBatchAsync(1, &box, &failed, 0, stream));
    cudaMemcpy(seen, to, 6, cudaMemcpyDeviceToHost);
    printf(" %s,", seen);
    box.extent.width = 3;
    printf(" wider than a row %d,", cudaMemcpy3DBatchAsync(1, &box, &failed, 0, stream));
    printf(" of %zu\n", failed);
}

#endif

int main(void)
{
    properties();
    memory();
    textures();
    graphs();
    capture();
    entry_point();
#if CUDART_VERSION >= 12000
    nodes_of_any_type();
    batches();
#endif
    return 0;
}

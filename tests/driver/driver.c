/* What the fake driver does beyond recording: devices, contexts, memory, streams, lookups. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake.h"

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
};
enum { PCI_BUS_ID = 33, NEWEST_ATTRIBUTE = 147 };
enum { MOST_DEVICES = 16, DEEPEST = 32, PAGE = 4096 };

#define TOTAL_MEMORY    ((size_t)24 << 30)
#define RESERVED_MEMORY ((size_t)512 << 20) /* what a driver keeps for itself */

struct CUctx_st {
    CUdevice device;
};
struct CUstream_st {
    int unused;
};

static struct CUctx_st primary[MOST_DEVICES];
static int retained[MOST_DEVICES];
static __thread CUcontext stack[DEEPEST];
static __thread int depth;

static int devices(void)
{
    const char *count = getenv("FAKE_CUDA_DEVICES");
    int number = count ? atoi(count) : 1;
    return number < 0 ? 0 : number > MOST_DEVICES ? MOST_DEVICES : number;
}

static bool is_device(CUdevice device)
{
    return device >= 0 && device < devices();
}

static CUdevice current_device(void)
{
    return depth && stack[depth - 1] ? stack[depth - 1]->device : 0;
}

/* ---- the driver ---- */

CUresult fake_cuInit(unsigned int Flags)
{
    fake_call_back("cuInit", getenv("FAKE_CUDA_CUINIT"));
    return Flags ? INVALID_VALUE : SUCCESS;
}

CUresult fake_cuDriverGetVersion(int *driverVersion)
{
    if (!driverVersion)
        return INVALID_VALUE;
    *driverVersion = fake_newest;
    return SUCCESS;
}

static CUresult name_of(CUresult error, const char **text)
{
    if (!text)
        return INVALID_VALUE;
    *text = NULL;
    for (const struct fake_result *result = fake_results; result->name; result++)
        if (result->number == error)
            *text = result->name;
    return *text ? SUCCESS : INVALID_VALUE;
}

CUresult fake_cuGetErrorName(CUresult error, const char **pStr)
{
    return name_of(error, pStr);
}

CUresult fake_cuGetErrorString(CUresult error, const char **pStr)
{
    return name_of(error, pStr);
}

CUresult fake_cuGetExportTable(const void **ppExportTable, const CUuuid *pExportTableId)
{
    (void)pExportTableId;
    if (!ppExportTable)
        return INVALID_VALUE;
    *ppExportTable = NULL;
    return NOT_FOUND;
}

static bool is_lacking(const char *name)
{
    for (const char *const *lacking = fake_lacks; *lacking; lacking++)
        if (strcmp(*lacking, name) == 0)
            return true;
    return false;
}

/* The newest function of a symbol that is not newer than `version`, as the real driver chooses. */
static CUresult look_up(const char *symbol, void **function, int version, uint64_t flags, unsigned *status)
{
    enum { FOUND, SYMBOL_NOT_FOUND, VERSION_NOT_SUFFICIENT };
    const struct fake_lookup *best = NULL;

    if (!symbol || !function || version > fake_newest || flags & ~3u)
        return INVALID_VALUE;
    *status = SYMBOL_NOT_FOUND;
    for (const struct fake_lookup *entry = fake_lookups; entry->symbol; entry++) {
        if (strcmp(entry->symbol, symbol) != 0 || entry->flags != (int)(flags & 2))
            continue;
        *status = VERSION_NOT_SUFFICIENT;
        if (entry->since <= version && !is_lacking(fake_names[entry->place]))
            best = entry;
    }
    *function = best ? fake_addresses[best->place] : NULL;
    if (best)
        *status = FOUND;
    return SUCCESS;
}

CUresult fake_cuGetProcAddress(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags)
{
    unsigned status;
    CUresult result = look_up(symbol, pfn, cudaVersion, flags, &status);
    return result || *pfn ? result : NOT_FOUND;
}

CUresult fake_cuGetProcAddress_v2(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags,
                                  CUdriverProcAddressQueryResult *symbolStatus)
{
    unsigned status;
    CUresult result = look_up(symbol, pfn, cudaVersion, flags, &status);
    if (result == SUCCESS && symbolStatus)
        *symbolStatus = status;
    return result;
}

/* ---- devices ---- */

/* Those that the fake does not have are 0, as on a card without the feature. */
static const int attributes[NEWEST_ATTRIBUTE + 1] = {
    /* threads a block, block and grid dimensions, shared and constant memory, warp size */
    [1] = 1024,
    [2] = 1024,
    [3] = 1024,
    [4] = 64,
    [5] = 2147483647,
    [6] = 65535,
    [7] = 65535,
    [8] = 49152,
    [9] = 65536,
    [10] = 32,
    /* pitch, registers a block, kHz, texture alignment, overlap, multiprocessors, mapped memory, concurrent kernels */
    [11] = 2147483647,
    [12] = 65536,
    [13] = 1695000,
    [14] = 512,
    [15] = 1,
    [16] = 84,
    [19] = 1,
    [31] = 1,
    /* memory clock and width, second-level cache, threads a multiprocessor, copy engines, unified addresses */
    [36] = 9751000,
    [37] = 384,
    [38] = 6291456,
    [39] = 1536,
    [40] = 2,
    [41] = 1,
    /* compute capability, stream priorities, multiprocessor's memory and registers, managed memory */
    [75] = 8,
    [76] = 6,
    [78] = 1,
    [81] = 102400,
    [82] = 65536,
    [83] = 1,
    /* cooperative launch, opt-in shared memory, virtual memory management, blocks a multiprocessor, memory pools */
    [95] = 1,
    [97] = 101376,
    [102] = 1,
    [106] = 16,
    [115] = 1};

static int pci_bus(CUdevice device)
{
    return 0x65 + device;
}

CUresult fake_cuDeviceGetCount(int *count)
{
    if (!count)
        return INVALID_VALUE;
    *count = devices();
    return SUCCESS;
}

CUresult fake_cuDeviceGet(CUdevice *device, int ordinal)
{
    if (!device)
        return INVALID_VALUE;
    if (!is_device(ordinal))
        return INVALID_DEVICE;
    *device = ordinal;
    return SUCCESS;
}

CUresult fake_cuDeviceGetName(char *name, int len, CUdevice dev)
{
    if (!name || len < 1)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    snprintf(name, len, "Fake GPU %d", dev);
    return SUCCESS;
}

CUresult fake_cuDeviceGetAttribute(int *pi, CUdevice_attribute attrib, CUdevice dev)
{
    if (!pi || attrib < 1 || attrib > NEWEST_ATTRIBUTE)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    *pi = attrib == PCI_BUS_ID ? pci_bus(dev) : attributes[attrib];
    return SUCCESS;
}

CUresult fake_cuDeviceComputeCapability(int *major, int *minor, CUdevice dev)
{
    if (!major || !minor)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    *major = 8;
    *minor = 6;
    return SUCCESS;
}

CUresult fake_cuDeviceTotalMem(unsigned int *bytes, CUdevice dev)
{
    if (!bytes)
        return INVALID_VALUE;
    *bytes = UINT32_MAX;
    return is_device(dev) ? SUCCESS : INVALID_DEVICE;
}

CUresult fake_cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)
{
    if (!bytes)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    *bytes = TOTAL_MEMORY;
    return SUCCESS;
}

CUresult fake_cuDeviceGetUuid(CUuuid *uuid, CUdevice dev)
{
    if (!uuid)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    memcpy(uuid->bytes, "fake GPU uuid  ", 16);
    uuid->bytes[15] = (char)('0' + dev);
    return SUCCESS;
}

CUresult fake_cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice dev)
{
    return fake_cuDeviceGetUuid(uuid, dev);
}

CUresult fake_cuDeviceGetPCIBusId(char *pciBusId, int len, CUdevice dev)
{
    if (!pciBusId || len < 1)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    snprintf(pciBusId, len, "0000:%02X:00.0", pci_bus(dev));
    return SUCCESS;
}

CUresult fake_cuDeviceGetByPCIBusId(CUdevice *dev, const char *pciBusId)
{
    char id[16];

    if (!dev || !pciBusId)
        return INVALID_VALUE;
    for (CUdevice device = 0; device < devices(); device++) {
        fake_cuDeviceGetPCIBusId(id, sizeof id, device);
        if (strcmp(id, pciBusId) == 0) {
            *dev = device;
            return SUCCESS;
        }
    }
    return INVALID_DEVICE;
}

/* ---- contexts ---- */

CUresult fake_cuDevicePrimaryCtxRetain(CUcontext *pctx, CUdevice dev)
{
    if (!pctx)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    primary[dev].device = dev;
    retained[dev]++;
    *pctx = &primary[dev];
    return SUCCESS;
}

CUresult fake_cuDevicePrimaryCtxRelease_v2(CUdevice dev)
{
    if (!is_device(dev))
        return INVALID_DEVICE;
    if (!retained[dev])
        return INVALID_CONTEXT;
    retained[dev]--;
    return SUCCESS;
}

CUresult fake_cuDevicePrimaryCtxGetState(CUdevice dev, unsigned int *flags, int *active)
{
    if (!flags || !active)
        return INVALID_VALUE;
    if (!is_device(dev))
        return INVALID_DEVICE;
    *flags = 0;
    *active = retained[dev] > 0;
    return SUCCESS;
}

static CUresult push(CUcontext context)
{
    if (depth == DEEPEST)
        return INVALID_VALUE;
    stack[depth++] = context;
    return SUCCESS;
}

static CUresult create(CUcontext *context, CUdevice device)
{
    if (!context)
        return INVALID_VALUE;
    if (!is_device(device))
        return INVALID_DEVICE;
    *context = calloc(1, sizeof **context);
    if (!*context)
        return OUT_OF_MEMORY;
    (*context)->device = device;
    return push(*context);
}

CUresult fake_cuCtxCreate_v2(CUcontext *pctx, unsigned int flags, CUdevice dev)
{
    (void)flags;
    return create(pctx, dev);
}

CUresult fake_cuCtxCreate_v4(CUcontext *pctx, CUctxCreateParams *ctxCreateParams, unsigned int flags, CUdevice dev)
{
    (void)ctxCreateParams, (void)flags;
    return create(pctx, dev);
}

CUresult fake_cuCtxDestroy_v2(CUcontext ctx)
{
    if (!ctx)
        return INVALID_CONTEXT;
    if (depth && stack[depth - 1] == ctx)
        depth--;
    free(ctx);
    return SUCCESS;
}

CUresult fake_cuCtxGetCurrent(CUcontext *pctx)
{
    if (!pctx)
        return INVALID_VALUE;
    *pctx = depth ? stack[depth - 1] : NULL;
    return SUCCESS;
}

CUresult fake_cuCtxSetCurrent(CUcontext ctx)
{
    if (depth)
        depth--;
    return ctx ? push(ctx) : SUCCESS;
}

CUresult fake_cuCtxPushCurrent_v2(CUcontext ctx)
{
    return ctx ? push(ctx) : INVALID_CONTEXT;
}

CUresult fake_cuCtxPopCurrent_v2(CUcontext *pctx)
{
    if (!depth)
        return INVALID_CONTEXT;
    depth--;
    if (pctx)
        *pctx = stack[depth];
    return SUCCESS;
}

CUresult fake_cuCtxGetDevice(CUdevice *device)
{
    if (!device)
        return INVALID_VALUE;
    if (!depth)
        return INVALID_CONTEXT;
    *device = current_device();
    return SUCCESS;
}

/* ---- memory ---- */

/* Lies in the page before the memory that the program gets. */
struct block {
    struct block *next;
    size_t size;
    CUdevice device;
};

static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;
static size_t used[MOST_DEVICES];

CUresult fake_cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)
{
    CUdevice device = current_device();
    size_t size = (bytesize + PAGE - 1) & -(size_t)PAGE;
    struct block *block;

    if (!dptr || !bytesize)
        return INVALID_VALUE;
    if (bytesize > TOTAL_MEMORY)
        return OUT_OF_MEMORY;
    pthread_mutex_lock(&memory_lock);
    block = MAP_FAILED;
    if (size <= TOTAL_MEMORY - RESERVED_MEMORY - used[device])
        block = mmap(NULL, PAGE + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block != MAP_FAILED) {
        *block = (struct block){blocks, size, device};
        blocks = block;
        used[device] += size;
    }
    pthread_mutex_unlock(&memory_lock);
    if (block == MAP_FAILED)
        return OUT_OF_MEMORY;
    *dptr = (uintptr_t)block + PAGE;
    return SUCCESS;
}

CUresult fake_cuMemFree_v2(CUdeviceptr dptr)
{
    struct block **link, *block;

    if (!dptr)
        return SUCCESS;
    pthread_mutex_lock(&memory_lock);
    for (link = &blocks; *link && (uintptr_t)*link + PAGE != dptr; link = &(*link)->next)
        ;
    block = *link;
    if (block) {
        *link = block->next;
        used[block->device] -= block->size;
        munmap(block, PAGE + block->size);
    }
    pthread_mutex_unlock(&memory_lock);
    return block ? SUCCESS : INVALID_VALUE;
}

CUresult fake_cuMemAllocManaged(CUdeviceptr *dptr, size_t bytesize, unsigned int flags)
{
    (void)flags;
    return fake_cuMemAlloc_v2(dptr, bytesize);
}

CUresult fake_cuMemAllocPitch_v2(CUdeviceptr *dptr, size_t *pPitch, size_t WidthInBytes, size_t Height,
                                 unsigned int ElementSizeBytes)
{
    (void)ElementSizeBytes;
    if (!pPitch || WidthInBytes > TOTAL_MEMORY || Height > TOTAL_MEMORY)
        return INVALID_VALUE;
    *pPitch = (WidthInBytes + 511) & -(size_t)512;
    return fake_cuMemAlloc_v2(dptr, *pPitch * Height);
}

CUresult fake_cuMemAllocAsync(CUdeviceptr *dptr, size_t bytesize, CUstream hStream)
{
    (void)hStream;
    return fake_cuMemAlloc_v2(dptr, bytesize);
}

CUresult fake_cuMemAllocFromPoolAsync(CUdeviceptr *dptr, size_t bytesize, CUmemoryPool pool, CUstream hStream)
{
    (void)pool, (void)hStream;
    return fake_cuMemAlloc_v2(dptr, bytesize);
}

CUresult fake_cuMemFreeAsync(CUdeviceptr dptr, CUstream hStream)
{
    (void)hStream;
    return fake_cuMemFree_v2(dptr);
}

/* Physical memory and arrays are not accounted for: they are handles. */
CUresult fake_cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size, const CUmemAllocationProp *prop,
                          unsigned long long flags)
{
    static CUmemGenericAllocationHandle newest;

    (void)flags;
    if (!handle || !size || !prop)
        return INVALID_VALUE;
    *handle = __atomic_add_fetch(&newest, 1, __ATOMIC_RELAXED);
    return SUCCESS;
}

CUresult fake_cuArray3DCreate_v2(CUarray *pHandle, const CUDA_ARRAY3D_DESCRIPTOR *pAllocateArray)
{
    if (!pHandle || !pAllocateArray)
        return INVALID_VALUE;
    *pHandle = malloc(1);
    return *pHandle ? SUCCESS : OUT_OF_MEMORY;
}

CUresult fake_cuArrayDestroy(CUarray hArray)
{
    free(hArray);
    return SUCCESS;
}

CUresult fake_cuMemGetInfo_v2(size_t *free, size_t *total)
{
    if (!free || !total)
        return INVALID_VALUE;
    pthread_mutex_lock(&memory_lock);
    *free = TOTAL_MEMORY - RESERVED_MEMORY - used[current_device()];
    pthread_mutex_unlock(&memory_lock);
    *total = TOTAL_MEMORY;
    return SUCCESS;
}

static CUresult copy(uintptr_t to, uintptr_t from, size_t size)
{
    if (size && (!to || !from))
        return INVALID_VALUE;
    memcpy((void *)to, (const void *)from, size);
    return SUCCESS;
}

CUresult fake_cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount)
{
    return copy(dstDevice, (uintptr_t)srcHost, ByteCount);
}

CUresult fake_cuMemcpyDtoH_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount)
{
    return copy((uintptr_t)dstHost, srcDevice, ByteCount);
}

CUresult fake_cuMemcpyDtoD_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount)
{
    return copy(dstDevice, srcDevice, ByteCount);
}

CUresult fake_cuMemsetD8_v2(CUdeviceptr dstDevice, unsigned char uc, size_t N)
{
    if (!dstDevice)
        return INVALID_VALUE;
    memset((void *)(uintptr_t)dstDevice, uc, N);
    return SUCCESS;
}

/* ---- streams: everything is done when a call returns, but for host functions ---- */

static pthread_mutex_t pending_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pending_none = PTHREAD_COND_INITIALIZER;
static int pending;

struct host_function {
    CUhostFn function;
    void *data;
};

static void *run(void *argument)
{
    struct host_function host = *(struct host_function *)argument;

    free(argument);
    host.function(host.data);
    pthread_mutex_lock(&pending_lock);
    if (--pending == 0)
        pthread_cond_broadcast(&pending_none);
    pthread_mutex_unlock(&pending_lock);
    return NULL;
}

CUresult fake_cuLaunchHostFunc(CUstream hStream, CUhostFn fn, void *userData)
{
    struct host_function *host = malloc(sizeof *host);
    pthread_t thread;

    (void)hStream;
    if (!fn || !host) {
        free(host);
        return INVALID_VALUE;
    }
    *host = (struct host_function){fn, userData};
    pthread_mutex_lock(&pending_lock);
    pending++;
    pthread_mutex_unlock(&pending_lock);
    if (pthread_create(&thread, NULL, run, host) != 0)
        abort();
    pthread_detach(thread);
    return SUCCESS;
}

static CUresult synchronize(void)
{
    pthread_mutex_lock(&pending_lock);
    while (pending)
        pthread_cond_wait(&pending_none, &pending_lock);
    pthread_mutex_unlock(&pending_lock);
    return SUCCESS;
}

CUresult fake_cuStreamSynchronize(CUstream hStream)
{
    (void)hStream;
    return synchronize();
}

CUresult fake_cuCtxSynchronize(void)
{
    return synchronize();
}

CUresult fake_cuStreamCreate(CUstream *phStream, unsigned int Flags)
{
    (void)Flags;
    if (!phStream)
        return INVALID_VALUE;
    *phStream = calloc(1, sizeof **phStream);
    return *phStream ? SUCCESS : OUT_OF_MEMORY;
}

CUresult fake_cuStreamDestroy_v2(CUstream hStream)
{
    free(hStream);
    return SUCCESS;
}

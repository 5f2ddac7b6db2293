# Written by vgpu_embed.tables.generate
from enum import IntEnum

class Enumeration(IntEnum):  # type: ignore[misc]
    @property
    def c_name(self) -> str: ...

class CUCoredumpGenerationFlags(Enumeration):
    DEFAULT_FLAGS = 0
    SKIP_NONRELOCATED_ELF_IMAGES = 1
    SKIP_GLOBAL_MEMORY = 2
    SKIP_SHARED_MEMORY = 4
    SKIP_LOCAL_MEMORY = 8
    SKIP_ABORT = 16
    SKIP_CONSTBANK_MEMORY = 32
    GZIP_COMPRESS = 64
    FAULTED_CONTEXTS_ONLY = 128
    SKIP_TENSOR_MEMORY = 256
    NO_ERRBAR_AT_EXIT = 1073741824
    LOG_ONLY = -2147483648
    LIGHTWEIGHT_FLAGS = 303

class CUDA_POINTER_ATTRIBUTE_ACCESS_FLAGS(Enumeration):
    NONE = 0
    READ = 1
    READWRITE = 3

class CUGLDeviceList(Enumeration):
    ALL = 1
    CURRENT_FRAME = 2
    NEXT_FRAME = 3

class CUGLmap_flags(Enumeration):
    NONE = 0
    READ_ONLY = 1
    WRITE_DISCARD = 2

class CUGPUDirectRDMAWritesOrdering(Enumeration):
    NONE = 0
    OWNER = 100
    ALL_DEVICES = 200

class CUaccessProperty(Enumeration):
    NORMAL = 0
    STREAMING = 1
    PERSISTING = 2

class CUaddress_mode(Enumeration):
    WRAP = 0
    CLAMP = 1
    MIRROR = 2
    BORDER = 3

class CUarraySparseSubresourceType(Enumeration):
    SPARSE_LEVEL = 0
    MIPTAIL = 1

class CUarray_cubemap_face(Enumeration):
    POSITIVE_X = 0
    NEGATIVE_X = 1
    POSITIVE_Y = 2
    NEGATIVE_Y = 3
    POSITIVE_Z = 4
    NEGATIVE_Z = 5

class CUarray_format(Enumeration):
    UNSIGNED_INT8 = 1
    UNSIGNED_INT16 = 2
    UNSIGNED_INT32 = 3
    SIGNED_INT8 = 8
    SIGNED_INT16 = 9
    SIGNED_INT32 = 10
    HALF = 16
    FLOAT = 32
    NV12 = 176
    UNORM_INT8X1 = 192
    UNORM_INT8X2 = 193
    UNORM_INT8X4 = 194
    UNORM_INT16X1 = 195
    UNORM_INT16X2 = 196
    UNORM_INT16X4 = 197
    SNORM_INT8X1 = 198
    SNORM_INT8X2 = 199
    SNORM_INT8X4 = 200
    SNORM_INT16X1 = 201
    SNORM_INT16X2 = 202
    SNORM_INT16X4 = 203
    BC1_UNORM = 145
    BC1_UNORM_SRGB = 146
    BC2_UNORM = 147
    BC2_UNORM_SRGB = 148
    BC3_UNORM = 149
    BC3_UNORM_SRGB = 150
    BC4_UNORM = 151
    BC4_SNORM = 152
    BC5_UNORM = 153
    BC5_SNORM = 154
    BC6H_UF16 = 155
    BC6H_SF16 = 156
    BC7_UNORM = 157
    BC7_UNORM_SRGB = 158
    P010 = 159
    P016 = 161
    NV16 = 162
    P210 = 163
    P216 = 164
    YUY2 = 165
    Y210 = 166
    Y216 = 167
    AYUV = 168
    Y410 = 169
    Y416 = 177
    Y444_PLANAR8 = 178
    Y444_PLANAR10 = 179
    YUV444_8bit_SemiPlanar = 180
    YUV444_16bit_SemiPlanar = 181
    UNORM_INT_101010_2 = 80
    UINT8_PACKED_422 = 81
    UINT8_PACKED_444 = 82
    UINT8_SEMIPLANAR_420 = 83
    UINT16_SEMIPLANAR_420 = 84
    UINT8_SEMIPLANAR_422 = 85
    UINT16_SEMIPLANAR_422 = 86
    UINT8_SEMIPLANAR_444 = 87
    UINT16_SEMIPLANAR_444 = 88
    UINT8_PLANAR_420 = 89
    UINT16_PLANAR_420 = 90
    UINT8_PLANAR_422 = 91
    UINT16_PLANAR_422 = 92
    UINT8_PLANAR_444 = 93
    UINT16_PLANAR_444 = 94
    MAX = 2147483647

class CUasyncNotificationType(Enumeration):
    OVER_BUDGET = 1

class CUatomicOperation(Enumeration):
    INTEGER_ADD = 0
    INTEGER_MIN = 1
    INTEGER_MAX = 2
    INTEGER_INCREMENT = 3
    INTEGER_DECREMENT = 4
    AND = 5
    OR = 6
    XOR = 7
    EXCHANGE = 8
    CAS = 9
    FLOAT_ADD = 10
    FLOAT_MIN = 11
    FLOAT_MAX = 12
    MAX = 13

class CUatomicOperationCapability(Enumeration):
    SIGNED = 1
    UNSIGNED = 2
    REDUCTION = 4
    SCALAR_32 = 8
    SCALAR_64 = 16
    SCALAR_128 = 32
    VECTOR_32x4 = 64

class CUcigDataType(Enumeration):
    D3D12_COMMAND_QUEUE = 1
    NV_BLOB = 2

class CUcliqueType(Enumeration):
    UNICAST_POINTER = 0
    MULTICAST_POINTER = 1
    UNICAST_LOGICAL_ENDPOINT = 2
    MULTICAST_LOGICAL_ENDPOINT = 3

class CUclusterSchedulingPolicy(Enumeration):
    DEFAULT = 0
    SPREAD = 1
    LOAD_BALANCING = 2
    RUBIN_DSMEM_LOCALITY = 3

class CUcomputemode(Enumeration):
    DEFAULT = 0
    PROHIBITED = 2
    EXCLUSIVE_PROCESS = 3

class CUcoredumpSettings(Enumeration):
    ENABLE_ON_EXCEPTION = 1
    TRIGGER_HOST = 2
    LIGHTWEIGHT = 3
    ENABLE_USER_TRIGGER = 4
    FILE = 5
    PIPE = 6
    GENERATION_FLAGS = 7
    MAX = 8

class CUctx_flags(Enumeration):
    SCHED_AUTO = 0
    SCHED_SPIN = 1
    SCHED_YIELD = 2
    SCHED_BLOCKING_SYNC = 4
    BLOCKING_SYNC = 4
    SCHED_MASK = 7
    MAP_HOST = 8
    LMEM_RESIZE_TO_MAX = 16
    COREDUMP_ENABLE = 32
    USER_COREDUMP_ENABLE = 64
    SYNC_MEMOPS = 128
    FLAGS_MASK = 255

class CUdevResourceType(Enumeration):
    INVALID = 0
    SM = 1
    WORKQUEUE_CONFIG = 1000
    WORKQUEUE = 10000
    MAX = 2

class CUdevSmResourceGroup_flags(Enumeration):
    DEFAULT = 0
    BACKFILL = 1
    LOCALITY_DOMAIN_ID = 2
    LOCALITY_DOMAIN_SUPPLEMENTAL_SMS = 4

class CUdevSmResourceSplitByCount_flags(Enumeration):
    IGNORE_SM_COSCHEDULING = 1
    MAX_POTENTIAL_CLUSTER_SIZE = 2

class CUdevSmResourceSplit_flags(Enumeration):
    IGNORE_SM_COSCHEDULING = 1
    MAX_POTENTIAL_CLUSTER_SIZE = 2

class CUdevWorkqueueConfigScope(Enumeration):
    DEVICE_CTX = 0
    GREEN_CTX_BALANCED = 1

class CUdeviceNumaConfig(Enumeration):
    NONE = 0
    NUMA_NODE = 1

class CUdevice_P2PAttribute(Enumeration):
    PERFORMANCE_RANK = 1
    ACCESS_SUPPORTED = 2
    NATIVE_ATOMIC_SUPPORTED = 3
    ACCESS_ACCESS_SUPPORTED = 4
    CUDA_ARRAY_ACCESS_SUPPORTED = 4
    ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED = 5

class CUdevice_attribute(Enumeration):
    MAX_THREADS_PER_BLOCK = 1
    MAX_BLOCK_DIM_X = 2
    MAX_BLOCK_DIM_Y = 3
    MAX_BLOCK_DIM_Z = 4
    MAX_GRID_DIM_X = 5
    MAX_GRID_DIM_Y = 6
    MAX_GRID_DIM_Z = 7
    MAX_SHARED_MEMORY_PER_BLOCK = 8
    SHARED_MEMORY_PER_BLOCK = 8
    TOTAL_CONSTANT_MEMORY = 9
    WARP_SIZE = 10
    MAX_PITCH = 11
    MAX_REGISTERS_PER_BLOCK = 12
    REGISTERS_PER_BLOCK = 12
    CLOCK_RATE = 13
    TEXTURE_ALIGNMENT = 14
    GPU_OVERLAP = 15
    MULTIPROCESSOR_COUNT = 16
    KERNEL_EXEC_TIMEOUT = 17
    INTEGRATED = 18
    CAN_MAP_HOST_MEMORY = 19
    COMPUTE_MODE = 20
    MAXIMUM_TEXTURE1D_WIDTH = 21
    MAXIMUM_TEXTURE2D_WIDTH = 22
    MAXIMUM_TEXTURE2D_HEIGHT = 23
    MAXIMUM_TEXTURE3D_WIDTH = 24
    MAXIMUM_TEXTURE3D_HEIGHT = 25
    MAXIMUM_TEXTURE3D_DEPTH = 26
    MAXIMUM_TEXTURE2D_LAYERED_WIDTH = 27
    MAXIMUM_TEXTURE2D_LAYERED_HEIGHT = 28
    MAXIMUM_TEXTURE2D_LAYERED_LAYERS = 29
    MAXIMUM_TEXTURE2D_ARRAY_WIDTH = 27
    MAXIMUM_TEXTURE2D_ARRAY_HEIGHT = 28
    MAXIMUM_TEXTURE2D_ARRAY_NUMSLICES = 29
    SURFACE_ALIGNMENT = 30
    CONCURRENT_KERNELS = 31
    ECC_ENABLED = 32
    PCI_BUS_ID = 33
    PCI_DEVICE_ID = 34
    TCC_DRIVER = 35
    MEMORY_CLOCK_RATE = 36
    GLOBAL_MEMORY_BUS_WIDTH = 37
    L2_CACHE_SIZE = 38
    MAX_THREADS_PER_MULTIPROCESSOR = 39
    ASYNC_ENGINE_COUNT = 40
    UNIFIED_ADDRESSING = 41
    MAXIMUM_TEXTURE1D_LAYERED_WIDTH = 42
    MAXIMUM_TEXTURE1D_LAYERED_LAYERS = 43
    CAN_TEX2D_GATHER = 44
    MAXIMUM_TEXTURE2D_GATHER_WIDTH = 45
    MAXIMUM_TEXTURE2D_GATHER_HEIGHT = 46
    MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE = 47
    MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE = 48
    MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE = 49
    PCI_DOMAIN_ID = 50
    TEXTURE_PITCH_ALIGNMENT = 51
    MAXIMUM_TEXTURECUBEMAP_WIDTH = 52
    MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH = 53
    MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS = 54
    MAXIMUM_SURFACE1D_WIDTH = 55
    MAXIMUM_SURFACE2D_WIDTH = 56
    MAXIMUM_SURFACE2D_HEIGHT = 57
    MAXIMUM_SURFACE3D_WIDTH = 58
    MAXIMUM_SURFACE3D_HEIGHT = 59
    MAXIMUM_SURFACE3D_DEPTH = 60
    MAXIMUM_SURFACE1D_LAYERED_WIDTH = 61
    MAXIMUM_SURFACE1D_LAYERED_LAYERS = 62
    MAXIMUM_SURFACE2D_LAYERED_WIDTH = 63
    MAXIMUM_SURFACE2D_LAYERED_HEIGHT = 64
    MAXIMUM_SURFACE2D_LAYERED_LAYERS = 65
    MAXIMUM_SURFACECUBEMAP_WIDTH = 66
    MAXIMUM_SURFACECUBEMAP_LAYERED_WIDTH = 67
    MAXIMUM_SURFACECUBEMAP_LAYERED_LAYERS = 68
    MAXIMUM_TEXTURE1D_LINEAR_WIDTH = 69
    MAXIMUM_TEXTURE2D_LINEAR_WIDTH = 70
    MAXIMUM_TEXTURE2D_LINEAR_HEIGHT = 71
    MAXIMUM_TEXTURE2D_LINEAR_PITCH = 72
    MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH = 73
    MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT = 74
    COMPUTE_CAPABILITY_MAJOR = 75
    COMPUTE_CAPABILITY_MINOR = 76
    MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH = 77
    STREAM_PRIORITIES_SUPPORTED = 78
    GLOBAL_L1_CACHE_SUPPORTED = 79
    LOCAL_L1_CACHE_SUPPORTED = 80
    MAX_SHARED_MEMORY_PER_MULTIPROCESSOR = 81
    MAX_REGISTERS_PER_MULTIPROCESSOR = 82
    MANAGED_MEMORY = 83
    MULTI_GPU_BOARD = 84
    MULTI_GPU_BOARD_GROUP_ID = 85
    HOST_NATIVE_ATOMIC_SUPPORTED = 86
    SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO = 87
    PAGEABLE_MEMORY_ACCESS = 88
    CONCURRENT_MANAGED_ACCESS = 89
    COMPUTE_PREEMPTION_SUPPORTED = 90
    CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM = 91
    CAN_USE_STREAM_MEM_OPS_V1 = 92
    CAN_USE_64_BIT_STREAM_MEM_OPS_V1 = 93
    CAN_USE_STREAM_WAIT_VALUE_NOR_V1 = 94
    COOPERATIVE_LAUNCH = 95
    COOPERATIVE_MULTI_DEVICE_LAUNCH = 96
    MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97
    CAN_FLUSH_REMOTE_WRITES = 98
    HOST_REGISTER_SUPPORTED = 99
    PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES = 100
    DIRECT_MANAGED_MEM_ACCESS_FROM_HOST = 101
    VIRTUAL_ADDRESS_MANAGEMENT_SUPPORTED = 102
    VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED = 102
    HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED = 103
    HANDLE_TYPE_WIN32_HANDLE_SUPPORTED = 104
    HANDLE_TYPE_WIN32_KMT_HANDLE_SUPPORTED = 105
    MAX_BLOCKS_PER_MULTIPROCESSOR = 106
    GENERIC_COMPRESSION_SUPPORTED = 107
    MAX_PERSISTING_L2_CACHE_SIZE = 108
    MAX_ACCESS_POLICY_WINDOW_SIZE = 109
    GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED = 110
    RESERVED_SHARED_MEMORY_PER_BLOCK = 111
    SPARSE_CUDA_ARRAY_SUPPORTED = 112
    READ_ONLY_HOST_REGISTER_SUPPORTED = 113
    TIMELINE_SEMAPHORE_INTEROP_SUPPORTED = 114
    MEMORY_POOLS_SUPPORTED = 115
    GPU_DIRECT_RDMA_SUPPORTED = 116
    GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS = 117
    GPU_DIRECT_RDMA_WRITES_ORDERING = 118
    MEMPOOL_SUPPORTED_HANDLE_TYPES = 119
    CLUSTER_LAUNCH = 120
    DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED = 121
    CAN_USE_64_BIT_STREAM_MEM_OPS = 122
    CAN_USE_STREAM_WAIT_VALUE_NOR = 123
    DMA_BUF_SUPPORTED = 124
    IPC_EVENT_SUPPORTED = 125
    MEM_SYNC_DOMAIN_COUNT = 126
    TENSOR_MAP_ACCESS_SUPPORTED = 127
    HANDLE_TYPE_FABRIC_SUPPORTED = 128
    UNIFIED_FUNCTION_POINTERS = 129
    NUMA_CONFIG = 130
    NUMA_ID = 131
    MULTICAST_SUPPORTED = 132
    MPS_ENABLED = 133
    HOST_NUMA_ID = 134
    D3D12_CIG_SUPPORTED = 135
    MEM_DECOMPRESS_ALGORITHM_MASK = 136
    MEM_DECOMPRESS_MAXIMUM_LENGTH = 137
    VULKAN_CIG_SUPPORTED = 138
    GPU_PCI_DEVICE_ID = 139
    GPU_PCI_SUBSYSTEM_ID = 140
    HOST_NUMA_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED = 141
    HOST_NUMA_MEMORY_POOLS_SUPPORTED = 142
    HOST_NUMA_MULTINODE_IPC_SUPPORTED = 143
    HOST_MEMORY_POOLS_SUPPORTED = 144
    HOST_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED = 145
    HOST_ALLOC_DMA_BUF_SUPPORTED = 146
    ONLY_PARTIAL_HOST_NATIVE_ATOMIC_SUPPORTED = 147
    ATOMIC_REDUCTION_SUPPORTED = 148
    LOCALITY_DOMAIN_COUNT = 149
    MAX_OVERSIZED_SHARED_MEMORY_PER_BLOCK = 150
    D3D12_CIG_STREAMS_SUPPORTED = 151
    DMA_BUF_MMAP_SUPPORTED = 152
    LOGICAL_ENDPOINT_UNICAST_SUPPORTED = 153
    LOGICAL_ENDPOINT_MULTICAST_SUPPORTED = 154
    LOGICAL_ENDPOINT_COUNTED_OPS_SUPPORTED = 155
    LOGICAL_ENDPOINT_UNICAST_ACCESS_ON_OWNER_DEVICE_SUPPORTED = 156
    LOCALITY_DOMAIN_MULTIPROCESSOR_COUNT = 157
    LOGICAL_ENDPOINT_SUPPORTED_HANDLE_TYPES = 158
    VULKAN_CIG_STREAMS_SUPPORTED = 159
    TENSOR_MAP_LARGE_TENSOR_MIN_SIZE = 160
    GPU_DIRECT_RDMA_WITH_LOCALIZED_MEMORY_SUPPORTED = 161
    MAX = 162
    CAN_USE_STREAM_MEM_OPS = 92
    CAN_USE_64_BIT_STREAM_MEM_OPS_V2 = 122
    CAN_USE_STREAM_WAIT_VALUE_NOR_V2 = 123

class CUdriverProcAddressQueryResult(Enumeration):
    SUCCESS = 0
    SYMBOL_NOT_FOUND = 1
    VERSION_NOT_SUFFICIENT = 2

class CUdriverProcAddress_flags(Enumeration):
    DEFAULT = 0
    LEGACY_STREAM = 1
    PER_THREAD_DEFAULT_STREAM = 2

class CUeglColorFormat(Enumeration):
    YUV420_PLANAR = 0
    YUV420_SEMIPLANAR = 1
    YUV422_PLANAR = 2
    YUV422_SEMIPLANAR = 3
    RGB = 4
    BGR = 5
    ARGB = 6
    RGBA = 7
    L = 8
    R = 9
    YUV444_PLANAR = 10
    YUV444_SEMIPLANAR = 11
    YUYV_422 = 12
    UYVY_422 = 13
    ABGR = 14
    BGRA = 15
    A = 16
    RG = 17
    AYUV = 18
    YVU444_SEMIPLANAR = 19
    YVU422_SEMIPLANAR = 20
    YVU420_SEMIPLANAR = 21
    Y10V10U10_444_SEMIPLANAR = 22
    Y10V10U10_420_SEMIPLANAR = 23
    Y12V12U12_444_SEMIPLANAR = 24
    Y12V12U12_420_SEMIPLANAR = 25
    VYUY_ER = 26
    UYVY_ER = 27
    YUYV_ER = 28
    YVYU_ER = 29
    YUV_ER = 30
    YUVA_ER = 31
    AYUV_ER = 32
    YUV444_PLANAR_ER = 33
    YUV422_PLANAR_ER = 34
    YUV420_PLANAR_ER = 35
    YUV444_SEMIPLANAR_ER = 36
    YUV422_SEMIPLANAR_ER = 37
    YUV420_SEMIPLANAR_ER = 38
    YVU444_PLANAR_ER = 39
    YVU422_PLANAR_ER = 40
    YVU420_PLANAR_ER = 41
    YVU444_SEMIPLANAR_ER = 42
    YVU422_SEMIPLANAR_ER = 43
    YVU420_SEMIPLANAR_ER = 44
    BAYER_RGGB = 45
    BAYER_BGGR = 46
    BAYER_GRBG = 47
    BAYER_GBRG = 48
    BAYER10_RGGB = 49
    BAYER10_BGGR = 50
    BAYER10_GRBG = 51
    BAYER10_GBRG = 52
    BAYER12_RGGB = 53
    BAYER12_BGGR = 54
    BAYER12_GRBG = 55
    BAYER12_GBRG = 56
    BAYER14_RGGB = 57
    BAYER14_BGGR = 58
    BAYER14_GRBG = 59
    BAYER14_GBRG = 60
    BAYER20_RGGB = 61
    BAYER20_BGGR = 62
    BAYER20_GRBG = 63
    BAYER20_GBRG = 64
    YVU444_PLANAR = 65
    YVU422_PLANAR = 66
    YVU420_PLANAR = 67
    BAYER_ISP_RGGB = 68
    BAYER_ISP_BGGR = 69
    BAYER_ISP_GRBG = 70
    BAYER_ISP_GBRG = 71
    BAYER_BCCR = 72
    BAYER_RCCB = 73
    BAYER_CRBC = 74
    BAYER_CBRC = 75
    BAYER10_CCCC = 76
    BAYER12_BCCR = 77
    BAYER12_RCCB = 78
    BAYER12_CRBC = 79
    BAYER12_CBRC = 80
    BAYER12_CCCC = 81
    Y = 82
    YUV420_SEMIPLANAR_2020 = 83
    YVU420_SEMIPLANAR_2020 = 84
    YUV420_PLANAR_2020 = 85
    YVU420_PLANAR_2020 = 86
    YUV420_SEMIPLANAR_709 = 87
    YVU420_SEMIPLANAR_709 = 88
    YUV420_PLANAR_709 = 89
    YVU420_PLANAR_709 = 90
    Y10V10U10_420_SEMIPLANAR_709 = 91
    Y10V10U10_420_SEMIPLANAR_2020 = 92
    Y10V10U10_422_SEMIPLANAR_2020 = 93
    Y10V10U10_422_SEMIPLANAR = 94
    Y10V10U10_422_SEMIPLANAR_709 = 95
    Y_ER = 96
    Y_709_ER = 97
    Y10_ER = 98
    Y10_709_ER = 99
    Y12_ER = 100
    Y12_709_ER = 101
    YUVA = 102
    YUV = 103
    YVYU = 104
    VYUY = 105
    Y10V10U10_420_SEMIPLANAR_ER = 106
    Y10V10U10_420_SEMIPLANAR_709_ER = 107
    Y10V10U10_444_SEMIPLANAR_ER = 108
    Y10V10U10_444_SEMIPLANAR_709_ER = 109
    Y12V12U12_420_SEMIPLANAR_ER = 110
    Y12V12U12_420_SEMIPLANAR_709_ER = 111
    Y12V12U12_444_SEMIPLANAR_ER = 112
    Y12V12U12_444_SEMIPLANAR_709_ER = 113
    UYVY_709 = 114
    UYVY_709_ER = 115
    UYVY_2020 = 116
    MAX = 117

class CUeglFrameType(Enumeration):
    ARRAY = 0
    PITCH = 1

class CUeglResourceLocationFlags(Enumeration):
    SYSMEM = 0
    VIDMEM = 1

class CUevent_flags(Enumeration):
    DEFAULT = 0
    BLOCKING_SYNC = 1
    DISABLE_TIMING = 2
    INTERPROCESS = 4

class CUevent_record_flags(Enumeration):
    DEFAULT = 0
    EXTERNAL = 1

class CUevent_sched_flags(Enumeration):
    AUTO = 0
    SPIN = 1
    YIELD = 2
    BLOCKING_SYNC = 4

class CUevent_wait_flags(Enumeration):
    DEFAULT = 0
    EXTERNAL = 1

class CUexecAffinityType(Enumeration):
    SM_COUNT = 0
    MAX = 1

class CUexternalMemoryHandleType(Enumeration):
    OPAQUE_FD = 1
    OPAQUE_WIN32 = 2
    OPAQUE_WIN32_KMT = 3
    D3D12_HEAP = 4
    D3D12_RESOURCE = 5
    D3D11_RESOURCE = 6
    D3D11_RESOURCE_KMT = 7
    NVSCIBUF = 8
    DMABUF_FD = 9

class CUexternalSemaphoreHandleType(Enumeration):
    OPAQUE_FD = 1
    OPAQUE_WIN32 = 2
    OPAQUE_WIN32_KMT = 3
    D3D12_FENCE = 4
    D3D11_FENCE = 5
    NVSCISYNC = 6
    D3D11_KEYED_MUTEX = 7
    D3D11_KEYED_MUTEX_KMT = 8
    TIMELINE_SEMAPHORE_FD = 9
    TIMELINE_SEMAPHORE_WIN32 = 10

class CUfabricCpyOperandType(Enumeration):
    POINTER = 1
    LOGICAL_ENDPOINT = 2
    MAX = 2147483647

class CUfilter_mode(Enumeration):
    POINT = 0
    LINEAR = 1

class CUflushGPUDirectRDMAWritesOptions(Enumeration):
    HOST = 1
    MEMOPS = 2

class CUflushGPUDirectRDMAWritesScope(Enumeration):
    OWNER = 100
    ALL_DEVICES = 200

class CUflushGPUDirectRDMAWritesTarget(Enumeration):
    CURRENT_CTX = 0

class CUfunc_cache(Enumeration):
    NONE = 0
    SHARED = 1
    L1 = 2
    EQUAL = 3

class CUfunctionLoadingState(Enumeration):
    UNLOADED = 0
    LOADED = 1
    MAX = 2

class CUfunction_attribute(Enumeration):
    MAX_THREADS_PER_BLOCK = 0
    SHARED_SIZE_BYTES = 1
    CONST_SIZE_BYTES = 2
    LOCAL_SIZE_BYTES = 3
    NUM_REGS = 4
    PTX_VERSION = 5
    BINARY_VERSION = 6
    CACHE_MODE_CA = 7
    MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
    PREFERRED_SHARED_MEMORY_CARVEOUT = 9
    CLUSTER_SIZE_MUST_BE_SET = 10
    REQUIRED_CLUSTER_WIDTH = 11
    REQUIRED_CLUSTER_HEIGHT = 12
    REQUIRED_CLUSTER_DEPTH = 13
    NON_PORTABLE_CLUSTER_SIZE_ALLOWED = 14
    CLUSTER_SCHEDULING_POLICY_PREFERENCE = 15
    DEVICE_NODE_UPDATE_SUPPORTED = 16
    SHARED_MEMORY_MODE = 17
    MAX = 18

class CUgraphChildGraphNodeOwnership(Enumeration):
    CLONE = 0
    MOVE = 1
    INVALID = -1

class CUgraphConditionalNodeType(Enumeration):
    IF = 0
    WHILE = 1
    SWITCH = 2

class CUgraphDebugDot_flags(Enumeration):
    VERBOSE = 1
    RUNTIME_TYPES = 2
    KERNEL_NODE_PARAMS = 4
    MEMCPY_NODE_PARAMS = 8
    MEMSET_NODE_PARAMS = 16
    HOST_NODE_PARAMS = 32
    EVENT_NODE_PARAMS = 64
    EXT_SEMAS_SIGNAL_NODE_PARAMS = 128
    EXT_SEMAS_WAIT_NODE_PARAMS = 256
    KERNEL_NODE_ATTRIBUTES = 512
    HANDLES = 1024
    MEM_ALLOC_NODE_PARAMS = 2048
    MEM_FREE_NODE_PARAMS = 4096
    BATCH_MEM_OP_NODE_PARAMS = 8192
    EXTRA_TOPO_INFO = 16384
    CONDITIONAL_NODE_PARAMS = 32768
    MEMCPY_BATCH_NODE_PARAMS = 65536
    FABRIC_CPY_BATCH_NODE_PARAMS = 131072

class CUgraphDependencyType(Enumeration):
    DEFAULT = 0
    PROGRAMMATIC = 1

class CUgraphExecUpdateResult(Enumeration):
    SUCCESS = 0
    ERROR = 1
    ERROR_TOPOLOGY_CHANGED = 2
    ERROR_NODE_TYPE_CHANGED = 3
    ERROR_FUNCTION_CHANGED = 4
    ERROR_PARAMETERS_CHANGED = 5
    ERROR_NOT_SUPPORTED = 6
    ERROR_UNSUPPORTED_FUNCTION_CHANGE = 7
    ERROR_ATTRIBUTES_CHANGED = 8

class CUgraphInstantiateResult(Enumeration):
    SUCCESS = 0
    ERROR = 1
    INVALID_STRUCTURE = 2
    NODE_OPERATION_NOT_SUPPORTED = 3
    MULTIPLE_CTXS_NOT_SUPPORTED = 4
    CONDITIONAL_HANDLE_UNUSED = 5

class CUgraphInstantiate_flags(Enumeration):
    AUTO_FREE_ON_LAUNCH = 1
    UPLOAD = 2
    DEVICE_LAUNCH = 4
    USE_NODE_PRIORITY = 8

class CUgraphMem_attribute(Enumeration):
    USED_MEM_CURRENT = 0
    USED_MEM_HIGH = 1
    RESERVED_MEM_CURRENT = 2
    RESERVED_MEM_HIGH = 3

class CUgraphNodeType(Enumeration):
    KERNEL = 0
    MEMCPY = 1
    MEMSET = 2
    HOST = 3
    GRAPH = 4
    EMPTY = 5
    WAIT_EVENT = 6
    EVENT_RECORD = 7
    EXT_SEMAS_SIGNAL = 8
    EXT_SEMAS_WAIT = 9
    MEM_ALLOC = 10
    MEM_FREE = 11
    BATCH_MEM_OP = 12
    CONDITIONAL = 13
    MEMCPY_BATCH = 14
    RESERVED_16 = 16
    EXTERNAL_ENGINE = 17
    FABRIC_CPY_BATCH = 18

class CUgraphRecaptureStatus(Enumeration):
    ELIGIBLE_FOR_UPDATE = 0
    INELIGIBLE_FOR_UPDATE = 1
    ERROR = 2

class CUgraphicsMapResourceFlags(Enumeration):
    NONE = 0
    READ_ONLY = 1
    WRITE_DISCARD = 2

class CUgraphicsRegisterFlags(Enumeration):
    NONE = 0
    READ_ONLY = 1
    WRITE_DISCARD = 2
    SURFACE_LDST = 4
    TEXTURE_GATHER = 8

class CUgreenCtxCreate_flags(Enumeration):
    NONE = 0
    DEFAULT_STREAM = 1

class CUhostTaskSyncMode(Enumeration):
    BLOCKING = 0
    SPINWAIT = 1

class CUipcMem_flags(Enumeration):
    LAZY_ENABLE_PEER_ACCESS = 1

class CUjitInputType(Enumeration):
    INPUT_CUBIN = 0
    INPUT_PTX = 1
    INPUT_FATBINARY = 2
    INPUT_OBJECT = 3
    INPUT_LIBRARY = 4
    INPUT_NVVM = 5
    NUM_INPUT_TYPES = 6

class CUjit_cacheMode(Enumeration):
    NONE = 0
    CG = 1
    CA = 2

class CUjit_fallback(Enumeration):
    PTX = 0
    BINARY = 1

class CUjit_option(Enumeration):
    MAX_REGISTERS = 0
    THREADS_PER_BLOCK = 1
    WALL_TIME = 2
    INFO_LOG_BUFFER = 3
    INFO_LOG_BUFFER_SIZE_BYTES = 4
    ERROR_LOG_BUFFER = 5
    ERROR_LOG_BUFFER_SIZE_BYTES = 6
    OPTIMIZATION_LEVEL = 7
    TARGET_FROM_CUCONTEXT = 8
    TARGET = 9
    FALLBACK_STRATEGY = 10
    GENERATE_DEBUG_INFO = 11
    LOG_VERBOSE = 12
    GENERATE_LINE_INFO = 13
    CACHE_MODE = 14
    NEW_SM3X_OPT = 15
    FAST_COMPILE = 16
    GLOBAL_SYMBOL_NAMES = 17
    GLOBAL_SYMBOL_ADDRESSES = 18
    GLOBAL_SYMBOL_COUNT = 19
    LTO = 20
    FTZ = 21
    PREC_DIV = 22
    PREC_SQRT = 23
    FMA = 24
    REFERENCED_KERNEL_NAMES = 25
    REFERENCED_KERNEL_COUNT = 26
    REFERENCED_VARIABLE_NAMES = 27
    REFERENCED_VARIABLE_COUNT = 28
    OPTIMIZE_UNUSED_DEVICE_VARIABLES = 29
    POSITION_INDEPENDENT_CODE = 30
    MIN_CTA_PER_SM = 31
    MAX_THREADS_PER_BLOCK = 32
    OVERRIDE_DIRECTIVE_VALUES = 33
    SPLIT_COMPILE = 34
    BINARY_LOADER_THREAD_COUNT = 35
    NUM_OPTIONS = 36

class CUjit_target(Enumeration):
    _30 = 30
    _32 = 32
    _35 = 35
    _37 = 37
    _50 = 50
    _52 = 52
    _53 = 53
    _60 = 60
    _61 = 61
    _62 = 62
    _70 = 70
    _72 = 72
    _75 = 75
    _80 = 80
    _86 = 86
    _87 = 87
    _89 = 89
    _90 = 90
    _100 = 100
    _110 = 110
    _103 = 103
    _107 = 107
    _120 = 120
    _121 = 121
    _90A = 65626
    _100A = 65636
    _110A = 65646
    _103A = 65639
    _107A = 65643
    _120A = 65656
    _121A = 65657
    _100F = 131172
    _110F = 131182
    _103F = 131175
    _107F = 131179
    _120F = 131192
    _121F = 131193
    _101 = 101
    _101A = 65637
    _101F = 131173
    _20 = 20
    _21 = 21

class CUlaunchAttributeID(Enumeration):
    IGNORE = 0
    ACCESS_POLICY_WINDOW = 1
    COOPERATIVE = 2
    SYNCHRONIZATION_POLICY = 3
    CLUSTER_DIMENSION = 4
    CLUSTER_SCHEDULING_POLICY_PREFERENCE = 5
    PROGRAMMATIC_STREAM_SERIALIZATION = 6
    PROGRAMMATIC_EVENT = 7
    PRIORITY = 8
    MEM_SYNC_DOMAIN_MAP = 9
    MEM_SYNC_DOMAIN = 10
    PREFERRED_CLUSTER_DIMENSION = 11
    LAUNCH_COMPLETION_EVENT = 12
    DEVICE_UPDATABLE_KERNEL_NODE = 13
    PREFERRED_SHARED_MEMORY_CARVEOUT = 14
    NVLINK_UTIL_CENTRIC_SCHEDULING = 16
    PORTABLE_CLUSTER_SIZE_MODE = 17
    SHARED_MEMORY_MODE = 18
    MAX = 19

class CUlaunchAttributePortableClusterMode(Enumeration):
    DEFAULT = 0
    REQUIRE_PORTABLE = 1
    ALLOW_NON_PORTABLE = 2

class CUlaunchMemSyncDomain(Enumeration):
    DEFAULT = 0
    REMOTE = 1

class CUlibraryOption(Enumeration):
    HOST_UNIVERSAL_FUNCTION_AND_DATA_TABLE = 0
    BINARY_IS_PRESERVED = 1
    NUM_OPTIONS = 2

class CUlimit(Enumeration):
    STACK_SIZE = 0
    PRINTF_FIFO_SIZE = 1
    MALLOC_HEAP_SIZE = 2
    DEV_RUNTIME_SYNC_DEPTH = 3
    DEV_RUNTIME_PENDING_LAUNCH_COUNT = 4
    MAX_L2_FETCH_GRANULARITY = 5
    PERSISTING_L2_CACHE_SIZE = 6
    SHMEM_SIZE = 7
    CIG_ENABLED = 8
    CIG_SHMEM_FALLBACK_ENABLED = 9
    PER_BLOCK_MEMORY_SIZE = 10
    MAX = 11

class CUlogLevel(Enumeration):
    ERROR = 0
    WARNING = 1

class CUlogicalEndpointFlag(Enumeration):
    NONE = 0
    COUNTED_OPS = 1

class CUlogicalEndpointIpcHandleType(Enumeration):
    NONE = 0
    FABRIC = 1

class CUlogicalEndpointType(Enumeration):
    INVALID = 0
    UNICAST = 1
    MULTICAST = 2

class CUmemAccess_flags(Enumeration):
    NONE = 0
    READ = 1
    READWRITE = 3
    MAX = 2147483647

class CUmemAllocationCompType(Enumeration):
    NONE = 0
    GENERIC = 1

class CUmemAllocationGranularity_flags(Enumeration):
    MINIMUM = 0
    RECOMMENDED = 1

class CUmemAllocationHandleType(Enumeration):
    NONE = 0
    POSIX_FILE_DESCRIPTOR = 1
    WIN32 = 2
    WIN32_KMT = 4
    FABRIC = 8
    MAX = 2147483647

class CUmemAllocationType(Enumeration):
    INVALID = 0
    PINNED = 1
    MANAGED = 2
    MAX = 2147483647

class CUmemAttach_flags(Enumeration):
    GLOBAL = 1
    HOST = 2
    SINGLE = 4

class CUmemDecompressAlgorithm(Enumeration):
    UNSUPPORTED = 0
    ALGORITHM_DEFLATE = 1
    ALGORITHM_SNAPPY = 2
    ALGORITHM_LZ4 = 4

class CUmemHandleType(Enumeration):
    GENERIC = 0

class CUmemLocationType(Enumeration):
    INVALID = 0
    NONE = 0
    DEVICE = 1
    HOST = 2
    HOST_NUMA = 3
    HOST_NUMA_CURRENT = 4
    INVISIBLE = 5
    DEVICE_LOCALITY_DOMAIN = 6
    MAX = 2147483647

class CUmemOperationType(Enumeration):
    MAP = 1
    UNMAP = 2

class CUmemPool_attribute(Enumeration):
    REUSE_FOLLOW_EVENT_DEPENDENCIES = 1
    REUSE_ALLOW_OPPORTUNISTIC = 2
    REUSE_ALLOW_INTERNAL_DEPENDENCIES = 3
    RELEASE_THRESHOLD = 4
    RESERVED_MEM_CURRENT = 5
    RESERVED_MEM_HIGH = 6
    USED_MEM_CURRENT = 7
    USED_MEM_HIGH = 8
    ALLOCATION_TYPE = 9
    EXPORT_HANDLE_TYPES = 10
    LOCATION_ID = 11
    LOCATION_TYPE = 12
    MAX_POOL_SIZE = 13
    HW_DECOMPRESS_ENABLED = 14
    LOCALITY_DOMAIN_ID = 15

class CUmemRangeFlags(Enumeration):
    DMA_BUF_MAPPING_TYPE_PCIE = 1

class CUmemRangeHandleType(Enumeration):
    DMA_BUF_FD = 1
    MAX = 2147483647

class CUmem_advise(Enumeration):
    SET_READ_MOSTLY = 1
    UNSET_READ_MOSTLY = 2
    SET_PREFERRED_LOCATION = 3
    UNSET_PREFERRED_LOCATION = 4
    SET_ACCESSED_BY = 5
    UNSET_ACCESSED_BY = 6

class CUmem_range_attribute(Enumeration):
    READ_MOSTLY = 1
    PREFERRED_LOCATION = 2
    ACCESSED_BY = 3
    LAST_PREFETCH_LOCATION = 4
    PREFERRED_LOCATION_TYPE = 5
    PREFERRED_LOCATION_ID = 6
    LAST_PREFETCH_LOCATION_TYPE = 7
    LAST_PREFETCH_LOCATION_ID = 8

class CUmemcpy3DOperandType(Enumeration):
    POINTER = 1
    ARRAY = 2
    MAX = 2147483647

class CUmemcpyFlags(Enumeration):
    DEFAULT = 0
    PREFER_OVERLAP_WITH_COMPUTE = 1

class CUmemcpySrcAccessOrder(Enumeration):
    INVALID = 0
    STREAM = 1
    DURING_API_CALL = 2
    ANY = 3
    MAX = 2147483647

class CUmemorytype(Enumeration):
    HOST = 1
    DEVICE = 2
    ARRAY = 3
    UNIFIED = 4

class CUmoduleLoadingMode(Enumeration):
    EAGER_LOADING = 1
    LAZY_LOADING = 2

class CUmulticastGranularity_flags(Enumeration):
    MINIMUM = 0
    RECOMMENDED = 1

class CUoccupancy_flags(Enumeration):
    DEFAULT = 0
    DISABLE_CACHING_OVERRIDE = 1

class CUoutput_mode(Enumeration):
    KEY_VALUE_PAIR = 0
    CSV = 1

class CUpointer_attribute(Enumeration):
    CONTEXT = 1
    MEMORY_TYPE = 2
    DEVICE_POINTER = 3
    HOST_POINTER = 4
    P2P_TOKENS = 5
    SYNC_MEMOPS = 6
    BUFFER_ID = 7
    IS_MANAGED = 8
    DEVICE_ORDINAL = 9
    IS_LEGACY_CUDA_IPC_CAPABLE = 10
    RANGE_START_ADDR = 11
    RANGE_SIZE = 12
    MAPPED = 13
    ALLOWED_HANDLE_TYPES = 14
    IS_GPU_DIRECT_RDMA_CAPABLE = 15
    ACCESS_FLAGS = 16
    MEMPOOL_HANDLE = 17
    MAPPING_SIZE = 18
    MAPPING_BASE_ADDR = 19
    MEMORY_BLOCK_ID = 20
    IS_HW_DECOMPRESS_CAPABLE = 21
    LOCALITY_DOMAIN_ORDINAL = 22

class CUprocessState(Enumeration):
    RUNNING = 0
    LOCKED = 1
    CHECKPOINTED = 2
    FAILED = 3
    CHECKPOINTING = 4
    RESTORING = 5

class CUresourceViewFormat(Enumeration):
    NONE = 0
    UINT_1X8 = 1
    UINT_2X8 = 2
    UINT_4X8 = 3
    SINT_1X8 = 4
    SINT_2X8 = 5
    SINT_4X8 = 6
    UINT_1X16 = 7
    UINT_2X16 = 8
    UINT_4X16 = 9
    SINT_1X16 = 10
    SINT_2X16 = 11
    SINT_4X16 = 12
    UINT_1X32 = 13
    UINT_2X32 = 14
    UINT_4X32 = 15
    SINT_1X32 = 16
    SINT_2X32 = 17
    SINT_4X32 = 18
    FLOAT_1X16 = 19
    FLOAT_2X16 = 20
    FLOAT_4X16 = 21
    FLOAT_1X32 = 22
    FLOAT_2X32 = 23
    FLOAT_4X32 = 24
    UNSIGNED_BC1 = 25
    UNSIGNED_BC2 = 26
    UNSIGNED_BC3 = 27
    UNSIGNED_BC4 = 28
    SIGNED_BC4 = 29
    UNSIGNED_BC5 = 30
    SIGNED_BC5 = 31
    UNSIGNED_BC6H = 32
    SIGNED_BC6H = 33
    UNSIGNED_BC7 = 34

class CUresourcetype(Enumeration):
    ARRAY = 0
    MIPMAPPED_ARRAY = 1
    LINEAR = 2
    PITCH2D = 3

class CUresult(Enumeration):
    SUCCESS = 0
    ERROR_INVALID_VALUE = 1
    ERROR_OUT_OF_MEMORY = 2
    ERROR_NOT_INITIALIZED = 3
    ERROR_DEINITIALIZED = 4
    ERROR_PROFILER_DISABLED = 5
    ERROR_PROFILER_NOT_INITIALIZED = 6
    ERROR_PROFILER_ALREADY_STARTED = 7
    ERROR_PROFILER_ALREADY_STOPPED = 8
    ERROR_STUB_LIBRARY = 34
    ERROR_CALL_REQUIRES_NEWER_DRIVER = 36
    ERROR_DEVICE_UNAVAILABLE = 46
    ERROR_MULTICAST_RESOURCE_FULL = 47
    ERROR_NO_DEVICE = 100
    ERROR_INVALID_DEVICE = 101
    ERROR_DEVICE_NOT_LICENSED = 102
    ERROR_INVALID_IMAGE = 200
    ERROR_INVALID_CONTEXT = 201
    ERROR_CONTEXT_ALREADY_CURRENT = 202
    ERROR_MAP_FAILED = 205
    ERROR_UNMAP_FAILED = 206
    ERROR_ARRAY_IS_MAPPED = 207
    ERROR_ALREADY_MAPPED = 208
    ERROR_NO_BINARY_FOR_GPU = 209
    ERROR_ALREADY_ACQUIRED = 210
    ERROR_NOT_MAPPED = 211
    ERROR_NOT_MAPPED_AS_ARRAY = 212
    ERROR_NOT_MAPPED_AS_POINTER = 213
    ERROR_ECC_UNCORRECTABLE = 214
    ERROR_UNSUPPORTED_LIMIT = 215
    ERROR_CONTEXT_ALREADY_IN_USE = 216
    ERROR_PEER_ACCESS_UNSUPPORTED = 217
    ERROR_INVALID_PTX = 218
    ERROR_INVALID_GRAPHICS_CONTEXT = 219
    ERROR_NVLINK_UNCORRECTABLE = 220
    ERROR_JIT_COMPILER_NOT_FOUND = 221
    ERROR_UNSUPPORTED_PTX_VERSION = 222
    ERROR_JIT_COMPILATION_DISABLED = 223
    ERROR_UNSUPPORTED_EXEC_AFFINITY = 224
    ERROR_UNSUPPORTED_DEVSIDE_SYNC = 225
    ERROR_CONTAINED = 226
    ERROR_INSUFFICIENT_LOADER_VERSION = 227
    ERROR_INVALID_SOURCE = 300
    ERROR_FILE_NOT_FOUND = 301
    ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND = 302
    ERROR_SHARED_OBJECT_INIT_FAILED = 303
    ERROR_OPERATING_SYSTEM = 304
    ERROR_INVALID_HANDLE = 400
    ERROR_ILLEGAL_STATE = 401
    ERROR_LOSSY_QUERY = 402
    ERROR_NOT_FOUND = 500
    ERROR_NOT_READY = 600
    ERROR_ILLEGAL_ADDRESS = 700
    ERROR_LAUNCH_OUT_OF_RESOURCES = 701
    ERROR_LAUNCH_TIMEOUT = 702
    ERROR_LAUNCH_INCOMPATIBLE_TEXTURING = 703
    ERROR_PEER_ACCESS_ALREADY_ENABLED = 704
    ERROR_PEER_ACCESS_NOT_ENABLED = 705
    ERROR_PRIMARY_CONTEXT_ACTIVE = 708
    ERROR_CONTEXT_IS_DESTROYED = 709
    ERROR_ASSERT = 710
    ERROR_TOO_MANY_PEERS = 711
    ERROR_HOST_MEMORY_ALREADY_REGISTERED = 712
    ERROR_HOST_MEMORY_NOT_REGISTERED = 713
    ERROR_HARDWARE_STACK_ERROR = 714
    ERROR_ILLEGAL_INSTRUCTION = 715
    ERROR_MISALIGNED_ADDRESS = 716
    ERROR_INVALID_ADDRESS_SPACE = 717
    ERROR_INVALID_PC = 718
    ERROR_LAUNCH_FAILED = 719
    ERROR_COOPERATIVE_LAUNCH_TOO_LARGE = 720
    ERROR_TENSOR_MEMORY_LEAK = 721
    ERROR_NOT_PERMITTED = 800
    ERROR_NOT_SUPPORTED = 801
    ERROR_SYSTEM_NOT_READY = 802
    ERROR_SYSTEM_DRIVER_MISMATCH = 803
    ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE = 804
    ERROR_MPS_CONNECTION_FAILED = 805
    ERROR_MPS_RPC_FAILURE = 806
    ERROR_MPS_SERVER_NOT_READY = 807
    ERROR_MPS_MAX_CLIENTS_REACHED = 808
    ERROR_MPS_MAX_CONNECTIONS_REACHED = 809
    ERROR_MPS_CLIENT_TERMINATED = 810
    ERROR_CDP_NOT_SUPPORTED = 811
    ERROR_CDP_VERSION_MISMATCH = 812
    ERROR_STREAM_CAPTURE_UNSUPPORTED = 900
    ERROR_STREAM_CAPTURE_INVALIDATED = 901
    ERROR_STREAM_CAPTURE_MERGE = 902
    ERROR_STREAM_CAPTURE_UNMATCHED = 903
    ERROR_STREAM_CAPTURE_UNJOINED = 904
    ERROR_STREAM_CAPTURE_ISOLATION = 905
    ERROR_STREAM_CAPTURE_IMPLICIT = 906
    ERROR_CAPTURED_EVENT = 907
    ERROR_STREAM_CAPTURE_WRONG_THREAD = 908
    ERROR_TIMEOUT = 909
    ERROR_GRAPH_EXEC_UPDATE_FAILURE = 910
    ERROR_EXTERNAL_DEVICE = 911
    ERROR_INVALID_CLUSTER_SIZE = 912
    ERROR_FUNCTION_NOT_LOADED = 913
    ERROR_INVALID_RESOURCE_TYPE = 914
    ERROR_INVALID_RESOURCE_CONFIGURATION = 915
    ERROR_KEY_ROTATION = 916
    ERROR_STREAM_DETACHED = 917
    ERROR_GRAPH_RECAPTURE_FAILURE = 918
    ERROR_FABRIC_NOT_READY = 919
    ERROR_UNKNOWN = 999

class CUsharedMemoryMode(Enumeration):
    DEFAULT = 0
    REQUIRE_PORTABLE = 1
    ALLOW_NON_PORTABLE = 2
    ALLOW_OVERSIZED_SHARED_MEMORY = 3
    PREFER_OVERSIZED_SHARED_MEMORY = 4

class CUshared_carveout(Enumeration):
    DEFAULT = -1
    MAX_SHARED = 100
    MAX_L1 = 0

class CUsharedconfig(Enumeration):
    DEFAULT_BANK_SIZE = 0
    FOUR_BYTE_BANK_SIZE = 1
    EIGHT_BYTE_BANK_SIZE = 2

class CUstreamAtomicReductionDataType(Enumeration):
    _32 = 14
    _64 = 22

class CUstreamAtomicReductionOpType(Enumeration):
    OR = 6
    AND = 5
    ADD = 0

class CUstreamBatchMemOpType(Enumeration):
    WAIT_VALUE_32 = 1
    WRITE_VALUE_32 = 2
    WAIT_VALUE_64 = 4
    WRITE_VALUE_64 = 5
    BARRIER = 6
    ATOMIC_REDUCTION = 8
    FLUSH_REMOTE_WRITES = 3

class CUstreamCaptureMode(Enumeration):
    GLOBAL = 0
    THREAD_LOCAL = 1
    RELAXED = 2

class CUstreamCaptureStatus(Enumeration):
    NONE = 0
    ACTIVE = 1
    INVALIDATED = 2

class CUstreamCigDataType(Enumeration):
    D3D12_COMMAND_LIST = 1
    VULKAN_COMMAND_BUFFER_HANDLE_NV = 2

class CUstreamMemoryBarrier_flags(Enumeration):
    SYS = 0
    GPU = 1

class CUstreamUpdateCaptureDependencies_flags(Enumeration):
    ADD_CAPTURE_DEPENDENCIES = 0
    SET_CAPTURE_DEPENDENCIES = 1

class CUstreamWaitValue_flags(Enumeration):
    GEQ = 0
    EQ = 1
    AND = 2
    NOR = 3
    FLUSH = 1073741824

class CUstreamWriteValue_flags(Enumeration):
    DEFAULT = 0
    NO_MEMORY_BARRIER = 1

class CUstream_flags(Enumeration):
    DEFAULT = 0
    NON_BLOCKING = 1

class CUsynchronizationPolicy(Enumeration):
    AUTO = 1
    SPIN = 2
    YIELD = 3
    BLOCKING_SYNC = 4

class CUtensorMapAllocClass(Enumeration):
    AUTO = 0
    SMALL = 1
    LARGE = 2

class CUtensorMapDataType(Enumeration):
    UINT8 = 0
    UINT16 = 1
    UINT32 = 2
    INT32 = 3
    UINT64 = 4
    INT64 = 5
    FLOAT16 = 6
    FLOAT32 = 7
    FLOAT64 = 8
    BFLOAT16 = 9
    FLOAT32_FTZ = 10
    TFLOAT32 = 11
    TFLOAT32_FTZ = 12
    _16U4_ALIGN8B = 13
    _16U4_ALIGN16B = 14
    _16U6_ALIGN16B = 15

class CUtensorMapFloatOOBfill(Enumeration):
    NONE = 0
    NAN_REQUEST_ZERO_FMA = 1

class CUtensorMapIm2ColWideMode(Enumeration):
    W = 0
    W128 = 1

class CUtensorMapInterleave(Enumeration):
    NONE = 0
    _16B = 1
    _32B = 2

class CUtensorMapL2promotion(Enumeration):
    NONE = 0
    L2_64B = 1
    L2_128B = 2
    L2_256B = 3

class CUtensorMapSwizzle(Enumeration):
    NONE = 0
    _32B = 1
    _64B = 2
    _128B = 3
    _128B_ATOM_32B = 4
    _128B_ATOM_32B_FLIP_8B = 5
    _128B_ATOM_64B = 6

class CUuserObjectRetain_flags(Enumeration):
    GRAPH_USER_OBJECT_MOVE = 1

class CUuserObject_flags(Enumeration):
    NO_DESTRUCTOR_SYNC = 1

class cudaAccessProperty(Enumeration):
    Normal = 0
    Streaming = 1
    Persisting = 2

class cudaAsyncNotificationType(Enumeration):
    OverBudget = 1

class cudaAtomicOperation(Enumeration):
    IntegerAdd = 0
    IntegerMin = 1
    IntegerMax = 2
    IntegerIncrement = 3
    IntegerDecrement = 4
    And = 5
    Or = 6
    XOR = 7
    Exchange = 8
    CAS = 9
    FloatAdd = 10
    FloatMin = 11
    FloatMax = 12

class cudaAtomicOperationCapability(Enumeration):
    Signed = 1
    Unsigned = 2
    Reduction = 4
    Scalar32 = 8
    Scalar64 = 16
    Scalar128 = 32
    Vector32x4 = 64

class cudaCGScope(Enumeration):
    Invalid = 0
    Grid = 1
    Reserved = 2
    MultiGrid = 2

class cudaChannelFormatKind(Enumeration):
    Signed = 0
    Unsigned = 1
    Float = 2
    None_ = 3
    NV12 = 4
    UnsignedNormalized8X1 = 5
    UnsignedNormalized8X2 = 6
    UnsignedNormalized8X4 = 7
    UnsignedNormalized16X1 = 8
    UnsignedNormalized16X2 = 9
    UnsignedNormalized16X4 = 10
    SignedNormalized8X1 = 11
    SignedNormalized8X2 = 12
    SignedNormalized8X4 = 13
    SignedNormalized16X1 = 14
    SignedNormalized16X2 = 15
    SignedNormalized16X4 = 16
    UnsignedBlockCompressed1 = 17
    UnsignedBlockCompressed1SRGB = 18
    UnsignedBlockCompressed2 = 19
    UnsignedBlockCompressed2SRGB = 20
    UnsignedBlockCompressed3 = 21
    UnsignedBlockCompressed3SRGB = 22
    UnsignedBlockCompressed4 = 23
    SignedBlockCompressed4 = 24
    UnsignedBlockCompressed5 = 25
    SignedBlockCompressed5 = 26
    UnsignedBlockCompressed6H = 27
    SignedBlockCompressed6H = 28
    UnsignedBlockCompressed7 = 29
    UnsignedBlockCompressed7SRGB = 30
    UnsignedNormalized1010102 = 31
    Unsigned8Packed422 = 32
    Unsigned8Packed444 = 33
    Unsigned8SemiPlanar420 = 34
    Unsigned16SemiPlanar420 = 35
    Unsigned8SemiPlanar422 = 36
    Unsigned16SemiPlanar422 = 37
    Unsigned8SemiPlanar444 = 38
    Unsigned16SemiPlanar444 = 39
    Unsigned8Planar420 = 40
    Unsigned16Planar420 = 41
    Unsigned8Planar422 = 42
    Unsigned16Planar422 = 43
    Unsigned8Planar444 = 44
    Unsigned16Planar444 = 45

class cudaClusterSchedulingPolicy(Enumeration):
    Default = 0
    Spread = 1
    LoadBalancing = 2
    RubinDsmemLocality = 3

class cudaComputeMode(Enumeration):
    Default = 0
    Exclusive = 1
    Prohibited = 2
    ExclusiveProcess = 3

class cudaDataType_t(Enumeration):
    R_16F = 2
    C_16F = 6
    R_16BF = 14
    C_16BF = 15
    R_32F = 0
    C_32F = 4
    R_64F = 1
    C_64F = 5
    R_4I = 16
    C_4I = 17
    R_4U = 18
    C_4U = 19
    R_8I = 3
    C_8I = 7
    R_8U = 8
    C_8U = 9
    R_16I = 20
    C_16I = 21
    R_16U = 22
    C_16U = 23
    R_32I = 10
    C_32I = 11
    R_32U = 12
    C_32U = 13
    R_64I = 24
    C_64I = 25
    R_64U = 26
    C_64U = 27
    R_8F_E4M3 = 28
    R_8F_UE4M3 = 28
    R_8F_E5M2 = 29
    R_8F_UE8M0 = 30
    R_6F_E2M3 = 31
    R_6F_E3M2 = 32
    R_4F_E2M1 = 33
    R_8F_UE5M3 = 34

class cudaDevResourceType(Enumeration):
    Invalid = 0
    Sm = 1
    WorkqueueConfig = 1000
    Workqueue = 10000

class cudaDevSmResourceGroup_flags(Enumeration):
    Default = 0
    Backfill = 1
    LocalityDomainId = 2
    LocalityDomainSupplementalSms = 4

class cudaDevSmResourceSplitByCount_flags(Enumeration):
    IgnoreSmCoscheduling = 1
    MaxPotentialClusterSize = 2

class cudaDevWorkqueueConfigScope(Enumeration):
    DeviceCtx = 0
    GreenCtxBalanced = 1

class cudaDeviceAttr(Enumeration):
    MaxThreadsPerBlock = 1
    MaxBlockDimX = 2
    MaxBlockDimY = 3
    MaxBlockDimZ = 4
    MaxGridDimX = 5
    MaxGridDimY = 6
    MaxGridDimZ = 7
    MaxSharedMemoryPerBlock = 8
    TotalConstantMemory = 9
    WarpSize = 10
    MaxPitch = 11
    MaxRegistersPerBlock = 12
    ClockRate = 13
    TextureAlignment = 14
    GpuOverlap = 15
    MultiProcessorCount = 16
    KernelExecTimeout = 17
    Integrated = 18
    CanMapHostMemory = 19
    ComputeMode = 20
    MaxTexture1DWidth = 21
    MaxTexture2DWidth = 22
    MaxTexture2DHeight = 23
    MaxTexture3DWidth = 24
    MaxTexture3DHeight = 25
    MaxTexture3DDepth = 26
    MaxTexture2DLayeredWidth = 27
    MaxTexture2DLayeredHeight = 28
    MaxTexture2DLayeredLayers = 29
    SurfaceAlignment = 30
    ConcurrentKernels = 31
    EccEnabled = 32
    PciBusId = 33
    PciDeviceId = 34
    TccDriver = 35
    MemoryClockRate = 36
    GlobalMemoryBusWidth = 37
    L2CacheSize = 38
    MaxThreadsPerMultiProcessor = 39
    AsyncEngineCount = 40
    UnifiedAddressing = 41
    MaxTexture1DLayeredWidth = 42
    MaxTexture1DLayeredLayers = 43
    MaxTexture2DGatherWidth = 45
    MaxTexture2DGatherHeight = 46
    MaxTexture3DWidthAlt = 47
    MaxTexture3DHeightAlt = 48
    MaxTexture3DDepthAlt = 49
    PciDomainId = 50
    TexturePitchAlignment = 51
    MaxTextureCubemapWidth = 52
    MaxTextureCubemapLayeredWidth = 53
    MaxTextureCubemapLayeredLayers = 54
    MaxSurface1DWidth = 55
    MaxSurface2DWidth = 56
    MaxSurface2DHeight = 57
    MaxSurface3DWidth = 58
    MaxSurface3DHeight = 59
    MaxSurface3DDepth = 60
    MaxSurface1DLayeredWidth = 61
    MaxSurface1DLayeredLayers = 62
    MaxSurface2DLayeredWidth = 63
    MaxSurface2DLayeredHeight = 64
    MaxSurface2DLayeredLayers = 65
    MaxSurfaceCubemapWidth = 66
    MaxSurfaceCubemapLayeredWidth = 67
    MaxSurfaceCubemapLayeredLayers = 68
    MaxTexture1DLinearWidth = 69
    MaxTexture2DLinearWidth = 70
    MaxTexture2DLinearHeight = 71
    MaxTexture2DLinearPitch = 72
    MaxTexture2DMipmappedWidth = 73
    MaxTexture2DMipmappedHeight = 74
    ComputeCapabilityMajor = 75
    ComputeCapabilityMinor = 76
    MaxTexture1DMipmappedWidth = 77
    StreamPrioritiesSupported = 78
    GlobalL1CacheSupported = 79
    LocalL1CacheSupported = 80
    MaxSharedMemoryPerMultiprocessor = 81
    MaxRegistersPerMultiprocessor = 82
    ManagedMemory = 83
    IsMultiGpuBoard = 84
    MultiGpuBoardGroupID = 85
    HostNativeAtomicSupported = 86
    SingleToDoublePrecisionPerfRatio = 87
    PageableMemoryAccess = 88
    ConcurrentManagedAccess = 89
    ComputePreemptionSupported = 90
    CanUseHostPointerForRegisteredMem = 91
    Reserved92 = 92
    Reserved93 = 93
    Reserved94 = 94
    CooperativeLaunch = 95
    Reserved96 = 96
    MaxSharedMemoryPerBlockOptin = 97
    CanFlushRemoteWrites = 98
    HostRegisterSupported = 99
    PageableMemoryAccessUsesHostPageTables = 100
    DirectManagedMemAccessFromHost = 101
    MaxBlocksPerMultiprocessor = 106
    MaxPersistingL2CacheSize = 108
    MaxAccessPolicyWindowSize = 109
    ReservedSharedMemoryPerBlock = 111
    SparseCudaArraySupported = 112
    HostRegisterReadOnlySupported = 113
    TimelineSemaphoreInteropSupported = 114
    MemoryPoolsSupported = 115
    GPUDirectRDMASupported = 116
    GPUDirectRDMAFlushWritesOptions = 117
    GPUDirectRDMAWritesOrdering = 118
    MemoryPoolSupportedHandleTypes = 119
    ClusterLaunch = 120
    DeferredMappingCudaArraySupported = 121
    Reserved122 = 122
    Reserved123 = 123
    Reserved124 = 124
    IpcEventSupport = 125
    MemSyncDomainCount = 126
    Reserved127 = 127
    Reserved128 = 128
    Reserved129 = 129
    NumaConfig = 130
    NumaId = 131
    Reserved132 = 132
    MpsEnabled = 133
    HostNumaId = 134
    D3D12CigSupported = 135
    VulkanCigSupported = 138
    GpuPciDeviceId = 139
    GpuPciSubsystemId = 140
    Reserved141 = 141
    HostNumaMemoryPoolsSupported = 142
    HostNumaMultinodeIpcSupported = 143
    HostMemoryPoolsSupported = 144
    Reserved145 = 145
    OnlyPartialHostNativeAtomicSupported = 147
    AtomicReductionSupported = 148
    LocalityDomainCount = 149
    OversizedSharedMemoryPerBlock = 150
    CigStreamsSupported = 151
    LocalityDomainMultiprocessorCount = 157
    TensorMapLargeTensorMinSize = 160
    Max = 161
    CooperativeMultiDeviceLaunch = 96
    MaxTimelineSemaphoreInteropSupported = 114

class cudaDeviceNumaConfig(Enumeration):
    None_ = 0
    NumaNode = 1

class cudaDeviceP2PAttr(Enumeration):
    PerformanceRank = 1
    AccessSupported = 2
    NativeAtomicSupported = 3
    CudaArrayAccessSupported = 4
    OnlyPartialNativeAtomicSupported = 5

class cudaDriverEntryPointQueryResult(Enumeration):
    Success = 0
    SymbolNotFound = 1
    VersionNotSufficent = 2

class cudaEglColorFormat(Enumeration):
    YUV420Planar = 0
    YUV420SemiPlanar = 1
    YUV422Planar = 2
    YUV422SemiPlanar = 3
    ARGB = 6
    RGBA = 7
    L = 8
    R = 9
    YUV444Planar = 10
    YUV444SemiPlanar = 11
    YUYV422 = 12
    UYVY422 = 13
    ABGR = 14
    BGRA = 15
    A = 16
    RG = 17
    AYUV = 18
    YVU444SemiPlanar = 19
    YVU422SemiPlanar = 20
    YVU420SemiPlanar = 21
    Y10V10U10_444SemiPlanar = 22
    Y10V10U10_420SemiPlanar = 23
    Y12V12U12_444SemiPlanar = 24
    Y12V12U12_420SemiPlanar = 25
    VYUY_ER = 26
    UYVY_ER = 27
    YUYV_ER = 28
    YVYU_ER = 29
    YUVA_ER = 31
    AYUV_ER = 32
    YUV444Planar_ER = 33
    YUV422Planar_ER = 34
    YUV420Planar_ER = 35
    YUV444SemiPlanar_ER = 36
    YUV422SemiPlanar_ER = 37
    YUV420SemiPlanar_ER = 38
    YVU444Planar_ER = 39
    YVU422Planar_ER = 40
    YVU420Planar_ER = 41
    YVU444SemiPlanar_ER = 42
    YVU422SemiPlanar_ER = 43
    YVU420SemiPlanar_ER = 44
    BayerRGGB = 45
    BayerBGGR = 46
    BayerGRBG = 47
    BayerGBRG = 48
    Bayer10RGGB = 49
    Bayer10BGGR = 50
    Bayer10GRBG = 51
    Bayer10GBRG = 52
    Bayer12RGGB = 53
    Bayer12BGGR = 54
    Bayer12GRBG = 55
    Bayer12GBRG = 56
    Bayer14RGGB = 57
    Bayer14BGGR = 58
    Bayer14GRBG = 59
    Bayer14GBRG = 60
    Bayer20RGGB = 61
    Bayer20BGGR = 62
    Bayer20GRBG = 63
    Bayer20GBRG = 64
    YVU444Planar = 65
    YVU422Planar = 66
    YVU420Planar = 67
    BayerIspRGGB = 68
    BayerIspBGGR = 69
    BayerIspGRBG = 70
    BayerIspGBRG = 71
    BayerBCCR = 72
    BayerRCCB = 73
    BayerCRBC = 74
    BayerCBRC = 75
    Bayer10CCCC = 76
    Bayer12BCCR = 77
    Bayer12RCCB = 78
    Bayer12CRBC = 79
    Bayer12CBRC = 80
    Bayer12CCCC = 81
    Y = 82
    YUV420SemiPlanar_2020 = 83
    YVU420SemiPlanar_2020 = 84
    YUV420Planar_2020 = 85
    YVU420Planar_2020 = 86
    YUV420SemiPlanar_709 = 87
    YVU420SemiPlanar_709 = 88
    YUV420Planar_709 = 89
    YVU420Planar_709 = 90
    Y10V10U10_420SemiPlanar_709 = 91
    Y10V10U10_420SemiPlanar_2020 = 92
    Y10V10U10_422SemiPlanar_2020 = 93
    Y10V10U10_422SemiPlanar = 94
    Y10V10U10_422SemiPlanar_709 = 95
    Y_ER = 96
    Y_709_ER = 97
    Y10_ER = 98
    Y10_709_ER = 99
    Y12_ER = 100
    Y12_709_ER = 101
    YUVA = 102
    YVYU = 104
    VYUY = 105
    Y10V10U10_420SemiPlanar_ER = 106
    Y10V10U10_420SemiPlanar_709_ER = 107
    Y10V10U10_444SemiPlanar_ER = 108
    Y10V10U10_444SemiPlanar_709_ER = 109
    Y12V12U12_420SemiPlanar_ER = 110
    Y12V12U12_420SemiPlanar_709_ER = 111
    Y12V12U12_444SemiPlanar_ER = 112
    Y12V12U12_444SemiPlanar_709_ER = 113
    UYVY709 = 114
    UYVY709_ER = 115
    UYVY2020 = 116

class cudaEglFrameType(Enumeration):
    Array = 0
    Pitch = 1

class cudaEglResourceLocationFlags(Enumeration):
    Sysmem = 0
    Vidmem = 1

class cudaEmulationMantissaControl_t(Enumeration):
    DYNAMIC = 0
    FIXED = 1

class cudaEmulationSpecialValuesSupport_t(Enumeration):
    DEFAULT = 65535
    NONE = 0
    INFINITY = 1
    NAN = 2

class cudaEmulationStrategy_t(Enumeration):
    DEFAULT = 0
    PERFORMANT = 1
    EAGER = 2

class cudaError(Enumeration):
    Success = 0
    ErrorInvalidValue = 1
    ErrorMemoryAllocation = 2
    ErrorInitializationError = 3
    ErrorCudartUnloading = 4
    ErrorProfilerDisabled = 5
    ErrorProfilerNotInitialized = 6
    ErrorProfilerAlreadyStarted = 7
    ErrorProfilerAlreadyStopped = 8
    ErrorInvalidConfiguration = 9
    ErrorVersionTranslation = 10
    ErrorInvalidPitchValue = 12
    ErrorInvalidSymbol = 13
    ErrorInvalidHostPointer = 16
    ErrorInvalidDevicePointer = 17
    ErrorInvalidTexture = 18
    ErrorInvalidTextureBinding = 19
    ErrorInvalidChannelDescriptor = 20
    ErrorInvalidMemcpyDirection = 21
    ErrorAddressOfConstant = 22
    ErrorTextureFetchFailed = 23
    ErrorTextureNotBound = 24
    ErrorSynchronizationError = 25
    ErrorInvalidFilterSetting = 26
    ErrorInvalidNormSetting = 27
    ErrorMixedDeviceExecution = 28
    ErrorNotYetImplemented = 31
    ErrorMemoryValueTooLarge = 32
    ErrorStubLibrary = 34
    ErrorInsufficientDriver = 35
    ErrorCallRequiresNewerDriver = 36
    ErrorInvalidSurface = 37
    ErrorDuplicateVariableName = 43
    ErrorDuplicateTextureName = 44
    ErrorDuplicateSurfaceName = 45
    ErrorDevicesUnavailable = 46
    ErrorIncompatibleDriverContext = 49
    ErrorMissingConfiguration = 52
    ErrorPriorLaunchFailure = 53
    ErrorLaunchMaxDepthExceeded = 65
    ErrorLaunchFileScopedTex = 66
    ErrorLaunchFileScopedSurf = 67
    ErrorSyncDepthExceeded = 68
    ErrorLaunchPendingCountExceeded = 69
    ErrorInvalidDeviceFunction = 98
    ErrorNoDevice = 100
    ErrorInvalidDevice = 101
    ErrorDeviceNotLicensed = 102
    ErrorSoftwareValidityNotEstablished = 103
    ErrorStartupFailure = 127
    ErrorInvalidKernelImage = 200
    ErrorDeviceUninitialized = 201
    ErrorMapBufferObjectFailed = 205
    ErrorUnmapBufferObjectFailed = 206
    ErrorArrayIsMapped = 207
    ErrorAlreadyMapped = 208
    ErrorNoKernelImageForDevice = 209
    ErrorAlreadyAcquired = 210
    ErrorNotMapped = 211
    ErrorNotMappedAsArray = 212
    ErrorNotMappedAsPointer = 213
    ErrorECCUncorrectable = 214
    ErrorUnsupportedLimit = 215
    ErrorDeviceAlreadyInUse = 216
    ErrorPeerAccessUnsupported = 217
    ErrorInvalidPtx = 218
    ErrorInvalidGraphicsContext = 219
    ErrorNvlinkUncorrectable = 220
    ErrorJitCompilerNotFound = 221
    ErrorUnsupportedPtxVersion = 222
    ErrorJitCompilationDisabled = 223
    ErrorUnsupportedExecAffinity = 224
    ErrorUnsupportedDevSideSync = 225
    ErrorContained = 226
    ErrorInsufficientLoaderVersion = 227
    ErrorInvalidSource = 300
    ErrorFileNotFound = 301
    ErrorSharedObjectSymbolNotFound = 302
    ErrorSharedObjectInitFailed = 303
    ErrorOperatingSystem = 304
    ErrorInvalidResourceHandle = 400
    ErrorIllegalState = 401
    ErrorLossyQuery = 402
    ErrorSymbolNotFound = 500
    ErrorNotReady = 600
    ErrorIllegalAddress = 700
    ErrorLaunchOutOfResources = 701
    ErrorLaunchTimeout = 702
    ErrorLaunchIncompatibleTexturing = 703
    ErrorPeerAccessAlreadyEnabled = 704
    ErrorPeerAccessNotEnabled = 705
    ErrorSetOnActiveProcess = 708
    ErrorContextIsDestroyed = 709
    ErrorAssert = 710
    ErrorTooManyPeers = 711
    ErrorHostMemoryAlreadyRegistered = 712
    ErrorHostMemoryNotRegistered = 713
    ErrorHardwareStackError = 714
    ErrorIllegalInstruction = 715
    ErrorMisalignedAddress = 716
    ErrorInvalidAddressSpace = 717
    ErrorInvalidPc = 718
    ErrorLaunchFailure = 719
    ErrorCooperativeLaunchTooLarge = 720
    ErrorTensorMemoryLeak = 721
    ErrorNotPermitted = 800
    ErrorNotSupported = 801
    ErrorSystemNotReady = 802
    ErrorSystemDriverMismatch = 803
    ErrorCompatNotSupportedOnDevice = 804
    ErrorMpsConnectionFailed = 805
    ErrorMpsRpcFailure = 806
    ErrorMpsServerNotReady = 807
    ErrorMpsMaxClientsReached = 808
    ErrorMpsMaxConnectionsReached = 809
    ErrorMpsClientTerminated = 810
    ErrorCdpNotSupported = 811
    ErrorCdpVersionMismatch = 812
    ErrorStreamCaptureUnsupported = 900
    ErrorStreamCaptureInvalidated = 901
    ErrorStreamCaptureMerge = 902
    ErrorStreamCaptureUnmatched = 903
    ErrorStreamCaptureUnjoined = 904
    ErrorStreamCaptureIsolation = 905
    ErrorStreamCaptureImplicit = 906
    ErrorCapturedEvent = 907
    ErrorStreamCaptureWrongThread = 908
    ErrorTimeout = 909
    ErrorGraphExecUpdateFailure = 910
    ErrorExternalDevice = 911
    ErrorInvalidClusterSize = 912
    ErrorFunctionNotLoaded = 913
    ErrorInvalidResourceType = 914
    ErrorInvalidResourceConfiguration = 915
    ErrorStreamDetached = 917
    ErrorGraphRecaptureFailure = 918
    ErrorFabricNotReady = 919
    ErrorUnknown = 999
    ErrorApiFailureBase = 10000

class cudaExternalMemoryHandleType(Enumeration):
    OpaqueFd = 1
    OpaqueWin32 = 2
    OpaqueWin32Kmt = 3
    D3D12Heap = 4
    D3D12Resource = 5
    D3D11Resource = 6
    D3D11ResourceKmt = 7
    NvSciBuf = 8

class cudaExternalSemaphoreHandleType(Enumeration):
    OpaqueFd = 1
    OpaqueWin32 = 2
    OpaqueWin32Kmt = 3
    D3D12Fence = 4
    D3D11Fence = 5
    NvSciSync = 6
    KeyedMutex = 7
    KeyedMutexKmt = 8
    TimelineSemaphoreFd = 9
    TimelineSemaphoreWin32 = 10

class cudaFabricOpStatusInfo(Enumeration):
    Success = 0
    Last = 0
    Max = 2147483647

class cudaFabricOpStatusSource(Enumeration):
    MbarrierV1 = 0
    Max = 2147483647

class cudaFlushGPUDirectRDMAWritesOptions(Enumeration):
    Host = 1
    MemOps = 2

class cudaFlushGPUDirectRDMAWritesScope(Enumeration):
    Owner = 100
    AllDevices = 200

class cudaFlushGPUDirectRDMAWritesTarget(Enumeration):
    CurrentDevice = 0

class cudaFuncAttribute(Enumeration):
    MaxDynamicSharedMemorySize = 8
    PreferredSharedMemoryCarveout = 9
    ClusterDimMustBeSet = 10
    RequiredClusterWidth = 11
    RequiredClusterHeight = 12
    RequiredClusterDepth = 13
    NonPortableClusterSizeAllowed = 14
    ClusterSchedulingPolicyPreference = 15
    SharedMemoryMode = 16
    Max = 17

class cudaFuncCache(Enumeration):
    None_ = 0
    Shared = 1
    L1 = 2
    Equal = 3

class cudaGLDeviceList(Enumeration):
    All = 1
    CurrentFrame = 2
    NextFrame = 3

class cudaGLMapFlags(Enumeration):
    None_ = 0
    ReadOnly = 1
    WriteDiscard = 2

class cudaGPUDirectRDMAWritesOrdering(Enumeration):
    None_ = 0
    Owner = 100
    AllDevices = 200

class cudaGetDriverEntryPointFlags(Enumeration):
    Default = 0
    LegacyStream = 1
    PerThreadDefaultStream = 2

class cudaGraphChildGraphNodeOwnership(Enumeration):
    Clone = 0
    Move = 1
    Invalid = -1

class cudaGraphConditionalHandleFlags(Enumeration):
    AssignDefault = 1

class cudaGraphConditionalNodeType(Enumeration):
    If = 0
    While = 1
    Switch = 2

class cudaGraphDebugDotFlags(Enumeration):
    Verbose = 1
    KernelNodeParams = 4
    MemcpyNodeParams = 8
    MemsetNodeParams = 16
    HostNodeParams = 32
    EventNodeParams = 64
    ExtSemasSignalNodeParams = 128
    ExtSemasWaitNodeParams = 256
    KernelNodeAttributes = 512
    Handles = 1024
    ConditionalNodeParams = 32768
    MemcpyBatchNodeParams = 65536

class cudaGraphDependencyType(Enumeration):
    Default = 0
    Programmatic = 1

class cudaGraphExecUpdateResult(Enumeration):
    Success = 0
    Error = 1
    ErrorTopologyChanged = 2
    ErrorNodeTypeChanged = 3
    ErrorFunctionChanged = 4
    ErrorParametersChanged = 5
    ErrorNotSupported = 6
    ErrorUnsupportedFunctionChange = 7
    ErrorAttributesChanged = 8

class cudaGraphInstantiateFlags(Enumeration):
    AutoFreeOnLaunch = 1
    Upload = 2
    DeviceLaunch = 4
    UseNodePriority = 8

class cudaGraphInstantiateResult(Enumeration):
    Success = 0
    Error = 1
    InvalidStructure = 2
    NodeOperationNotSupported = 3
    MultipleDevicesNotSupported = 4
    ConditionalHandleUnused = 5

class cudaGraphKernelNodeField(Enumeration):
    Invalid = 0
    GridDim = 1
    Param = 2
    Enabled = 3

class cudaGraphMemAttributeType(Enumeration):
    UsedMemCurrent = 0
    UsedMemHigh = 1
    ReservedMemCurrent = 2
    ReservedMemHigh = 3

class cudaGraphNodeType(Enumeration):
    Kernel = 0
    Memcpy = 1
    Memset = 2
    Host = 3
    Graph = 4
    Empty = 5
    WaitEvent = 6
    EventRecord = 7
    ExtSemaphoreSignal = 8
    ExtSemaphoreWait = 9
    MemAlloc = 10
    MemFree = 11
    Conditional = 13
    MemcpyBatch = 14
    Reserved16 = 16
    ExternalEngine = 17
    Count = 18

class cudaGraphRecaptureStatus(Enumeration):
    EligibleForUpdate = 0
    IneligibleForUpdate = 1
    Error = 2

class cudaGraphicsCubeFace(Enumeration):
    PositiveX = 0
    NegativeX = 1
    PositiveY = 2
    NegativeY = 3
    PositiveZ = 4
    NegativeZ = 5

class cudaGraphicsMapFlags(Enumeration):
    None_ = 0
    ReadOnly = 1
    WriteDiscard = 2

class cudaGraphicsRegisterFlags(Enumeration):
    None_ = 0
    ReadOnly = 1
    WriteDiscard = 2
    SurfaceLoadStore = 4
    TextureGather = 8

class cudaHostTaskSyncMode(Enumeration):
    Blocking = 0
    SpinWait = 1

class cudaJitOption(Enumeration):
    MaxRegisters = 0
    ThreadsPerBlock = 1
    WallTime = 2
    InfoLogBuffer = 3
    InfoLogBufferSizeBytes = 4
    ErrorLogBuffer = 5
    ErrorLogBufferSizeBytes = 6
    OptimizationLevel = 7
    FallbackStrategy = 10
    GenerateDebugInfo = 11
    LogVerbose = 12
    GenerateLineInfo = 13
    CacheMode = 14
    PositionIndependentCode = 30
    MinCtaPerSm = 31
    MaxThreadsPerBlock = 32
    OverrideDirectiveValues = 33

class cudaJit_CacheMode(Enumeration):
    None_ = 0
    CG = 1
    CA = 2

class cudaJit_Fallback(Enumeration):
    Ptx = 0
    Binary = 1

class cudaKernelFunctionType(Enumeration):
    Unspecified = 0
    DeviceEntry = 1
    Kernel = 2
    Function = 3

class cudaLaunchAttributeID(Enumeration):
    Ignore = 0
    AccessPolicyWindow = 1
    Cooperative = 2
    SynchronizationPolicy = 3
    ClusterDimension = 4
    ClusterSchedulingPolicyPreference = 5
    ProgrammaticStreamSerialization = 6
    ProgrammaticEvent = 7
    Priority = 8
    MemSyncDomainMap = 9
    MemSyncDomain = 10
    PreferredClusterDimension = 11
    LaunchCompletionEvent = 12
    DeviceUpdatableKernelNode = 13
    PreferredSharedMemoryCarveout = 14
    NvlinkUtilCentricScheduling = 16
    PortableClusterSizeMode = 17
    SharedMemoryMode = 18

class cudaLaunchAttributePortableClusterMode(Enumeration):
    Default = 0
    RequirePortable = 1
    AllowNonPortable = 2

class cudaLaunchMemSyncDomain(Enumeration):
    Default = 0
    Remote = 1

class cudaLibraryOption(Enumeration):
    HostUniversalFunctionAndDataTable = 0
    BinaryIsPreserved = 1

class cudaLimit(Enumeration):
    StackSize = 0
    PrintfFifoSize = 1
    MallocHeapSize = 2
    DevRuntimeSyncDepth = 3
    DevRuntimePendingLaunchCount = 4
    MaxL2FetchGranularity = 5
    PersistingL2CacheSize = 6
    PerBlockMemorySize = 10

class cudaLogLevel(Enumeration):
    Error = 0
    Warning = 1

class cudaMemAccessFlags(Enumeration):
    None_ = 0
    Read = 1
    ReadWrite = 3

class cudaMemAllocationHandleType(Enumeration):
    None_ = 0
    PosixFileDescriptor = 1
    Win32 = 2
    Win32Kmt = 4
    Fabric = 8

class cudaMemAllocationType(Enumeration):
    Invalid = 0
    Pinned = 1
    Managed = 2
    Max = 2147483647

class cudaMemLocationType(Enumeration):
    Invalid = 0
    None_ = 0
    Device = 1
    Host = 2
    HostNuma = 3
    HostNumaCurrent = 4
    Invisible = 5
    DeviceLocalityDomain = 6

class cudaMemPoolAttr(Enumeration):
    ReuseFollowEventDependencies = 1
    ReuseAllowOpportunistic = 2
    ReuseAllowInternalDependencies = 3
    AttrReleaseThreshold = 4
    AttrReservedMemCurrent = 5
    AttrReservedMemHigh = 6
    AttrUsedMemCurrent = 7
    AttrUsedMemHigh = 8
    AttrAllocationType = 9
    AttrExportHandleTypes = 10
    AttrLocationId = 11
    AttrLocationType = 12
    AttrMaxPoolSize = 13
    AttrHwDecompressEnabled = 14
    AttrLocalityDomainId = 15

class cudaMemRangeAttribute(Enumeration):
    ReadMostly = 1
    PreferredLocation = 2
    AccessedBy = 3
    LastPrefetchLocation = 4
    PreferredLocationType = 5
    PreferredLocationId = 6
    LastPrefetchLocationType = 7
    LastPrefetchLocationId = 8

class cudaMemcpy3DOperandType(Enumeration):
    Pointer = 1
    Array = 2
    Max = 2147483647

class cudaMemcpyFlags(Enumeration):
    Default = 0
    PreferOverlapWithCompute = 1

class cudaMemcpyKind(Enumeration):
    HostToHost = 0
    HostToDevice = 1
    DeviceToHost = 2
    DeviceToDevice = 3
    Default = 4

class cudaMemcpySrcAccessOrder(Enumeration):
    Invalid = 0
    Stream = 1
    DuringApiCall = 2
    Any = 3
    Max = 2147483647

class cudaMemoryAdvise(Enumeration):
    SetReadMostly = 1
    UnsetReadMostly = 2
    SetPreferredLocation = 3
    UnsetPreferredLocation = 4
    SetAccessedBy = 5
    UnsetAccessedBy = 6

class cudaMemoryType(Enumeration):
    Unregistered = 0
    Host = 1
    Device = 2
    Managed = 3

class cudaOutputMode(Enumeration):
    KeyValuePair = 0
    CSV = 1

class cudaResourceType(Enumeration):
    Array = 0
    MipmappedArray = 1
    Linear = 2
    Pitch2D = 3

class cudaResourceViewFormat(Enumeration):
    None_ = 0
    UnsignedChar1 = 1
    UnsignedChar2 = 2
    UnsignedChar4 = 3
    SignedChar1 = 4
    SignedChar2 = 5
    SignedChar4 = 6
    UnsignedShort1 = 7
    UnsignedShort2 = 8
    UnsignedShort4 = 9
    SignedShort1 = 10
    SignedShort2 = 11
    SignedShort4 = 12
    UnsignedInt1 = 13
    UnsignedInt2 = 14
    UnsignedInt4 = 15
    SignedInt1 = 16
    SignedInt2 = 17
    SignedInt4 = 18
    Half1 = 19
    Half2 = 20
    Half4 = 21
    Float1 = 22
    Float2 = 23
    Float4 = 24
    UnsignedBlockCompressed1 = 25
    UnsignedBlockCompressed2 = 26
    UnsignedBlockCompressed3 = 27
    UnsignedBlockCompressed4 = 28
    SignedBlockCompressed4 = 29
    UnsignedBlockCompressed5 = 30
    SignedBlockCompressed5 = 31
    UnsignedBlockCompressed6H = 32
    SignedBlockCompressed6H = 33
    UnsignedBlockCompressed7 = 34

class cudaRoundMode(Enumeration):
    Nearest = 0
    Zero = 1
    PosInf = 2
    MinInf = 3

class cudaSharedCarveout(Enumeration):
    Default = -1
    MaxShared = 100
    MaxL1 = 0

class cudaSharedMemConfig(Enumeration):
    Default = 0
    FourByte = 1
    EightByte = 2

class cudaSharedMemoryMode(Enumeration):
    Default = 0
    RequirePortable = 1
    AllowNonPortable = 2
    AllowOversizedSharedMemory = 3
    PreferOversizedSharedMemory = 4

class cudaStreamCaptureMode(Enumeration):
    Global = 0
    ThreadLocal = 1
    Relaxed = 2

class cudaStreamCaptureStatus(Enumeration):
    None_ = 0
    Active = 1
    Invalidated = 2

class cudaStreamUpdateCaptureDependenciesFlags(Enumeration):
    AddCaptureDependencies = 0
    SetCaptureDependencies = 1

class cudaSurfaceBoundaryMode(Enumeration):
    Zero = 0
    Clamp = 1
    Trap = 2

class cudaSurfaceFormatMode(Enumeration):
    Forced = 0
    Auto = 1

class cudaSynchronizationPolicy(Enumeration):
    Auto = 1
    Spin = 2
    Yield = 3
    BlockingSync = 4

class cudaTextureAddressMode(Enumeration):
    Wrap = 0
    Clamp = 1
    Mirror = 2
    Border = 3

class cudaTextureFilterMode(Enumeration):
    Point = 0
    Linear = 1

class cudaTextureReadMode(Enumeration):
    ElementType = 0
    NormalizedFloat = 1

class cudaUserObjectFlags(Enumeration):
    NoDestructorSync = 1

class cudaUserObjectRetainFlags(Enumeration):
    GraphUserObjectMove = 1

class nvmlBrandType_t(Enumeration):
    UNKNOWN = 0
    QUADRO = 1
    TESLA = 2
    NVS = 3
    GRID = 4
    GEFORCE = 5
    TITAN = 6
    NVIDIA_VAPPS = 7
    NVIDIA_VPC = 8
    NVIDIA_VCS = 9
    NVIDIA_VWS = 10
    NVIDIA_CLOUD_GAMING = 11
    NVIDIA_VGAMING = 11
    QUADRO_RTX = 12
    NVIDIA_RTX = 13
    NVIDIA = 14
    GEFORCE_RTX = 15
    TITAN_RTX = 16
    NVIDIA_DLA = 17
    NVIDIA_NPU = 19
    NVIDIA_VGAMEDEV = 18
    COUNT = 20

class nvmlBridgeChipType_t(Enumeration):
    PLX = 0
    BRO4 = 1

class nvmlCPERType_t(Enumeration):
    ACCESS_TYPE_GPU = 1

class nvmlClockId_t(Enumeration):
    CURRENT = 0
    APP_CLOCK_TARGET = 1
    APP_CLOCK_DEFAULT = 2
    CUSTOMER_BOOST_MAX = 3
    COUNT = 4

class nvmlClockLimitId_t(Enumeration):
    RANGE_START = 4294967040
    TDP = 4294967041
    UNLIMITED = 4294967042

class nvmlClockType_t(Enumeration):
    GRAPHICS = 0
    SM = 1
    MEM = 2
    VIDEO = 3
    COUNT = 4

class nvmlComputeMode_t(Enumeration):
    DEFAULT = 0
    EXCLUSIVE_THREAD = 1
    PROHIBITED = 2
    EXCLUSIVE_PROCESS = 3
    COUNT = 4

class nvmlCoolerControl_t(Enumeration):
    NONE = 0
    TOGGLE = 1
    VARIABLE = 2
    COUNT = 3

class nvmlCoolerTarget_t(Enumeration):
    NONE = 1
    GPU = 2
    MEMORY = 4
    POWER_SUPPLY = 8
    GPU_RELATED = 14

class nvmlDetachGpuState_t(Enumeration):
    KEEP = 0
    REMOVE = 1

class nvmlDeviceAddressingModeType_t(Enumeration):
    NONE = 0
    HMM = 1
    ATS = 2

class nvmlDeviceGpuRecoveryAction_t(Enumeration):
    NONE = 0
    GPU_RESET = 1
    NODE_REBOOT = 2
    DRAIN_P2P = 3
    DRAIN_AND_RESET = 4
    RECOVER_IMEX_DOMAIN = 5
    BUS_RESET = 6
    SYSTEM_REBOOT = 7

class nvmlDeviceVgpuCapability_t(Enumeration):
    FRACTIONAL_MULTI_VGPU = 0
    HETEROGENEOUS_TIMESLICE_PROFILES = 1
    HETEROGENEOUS_TIMESLICE_SIZES = 2
    READ_DEVICE_BUFFER_BW = 3
    WRITE_DEVICE_BUFFER_BW = 4
    DEVICE_STREAMING = 5
    MINI_QUARTER_GPU = 6
    COMPUTE_MEDIA_ENGINE_GPU = 7
    WARM_UPDATE = 8
    HOMOGENEOUS_PLACEMENTS = 9
    MIG_TIMESLICING_SUPPORTED = 10
    MIG_TIMESLICING_ENABLED = 11
    UVM_STUN = 12
    COUNT = 13

class nvmlDriverModel_t(Enumeration):
    WDDM = 0
    WDM = 1
    MCDM = 2

class nvmlEccCounterType_t(Enumeration):
    VOLATILE_ECC = 0
    AGGREGATE_ECC = 1
    ECC_COUNTER_TYPE_COUNT = 2

class nvmlEnableState_t(Enumeration):
    DISABLED = 0
    ENABLED = 1

class nvmlEncoderType_t(Enumeration):
    H264 = 0
    HEVC = 1
    AV1 = 2
    UNKNOWN = 255

class nvmlEventDataType_t(Enumeration):
    NVML_EVENT = 0
    GPU_OPERATIONAL_EVENT = 1

class nvmlFBCSessionType_t(Enumeration):
    UNKNOWN = 0
    TOSYS = 1
    CUDA = 2
    VID = 3
    HWENC = 4

class nvmlFanState_t(Enumeration):
    NORMAL = 0
    FAILED = 1

class nvmlGpmMetricId_t(Enumeration):
    GRAPHICS_UTIL = 1
    SM_UTIL = 2
    SM_OCCUPANCY = 3
    INTEGER_UTIL = 4
    ANY_TENSOR_UTIL = 5
    DFMA_TENSOR_UTIL = 6
    HMMA_TENSOR_UTIL = 7
    DMMA_TENSOR_UTIL = 8
    IMMA_TENSOR_UTIL = 9
    DRAM_BW_UTIL = 10
    FP64_UTIL = 11
    FP32_UTIL = 12
    FP16_UTIL = 13
    PCIE_TX_PER_SEC = 20
    PCIE_RX_PER_SEC = 21
    NVDEC_0_UTIL = 30
    NVDEC_1_UTIL = 31
    NVDEC_2_UTIL = 32
    NVDEC_3_UTIL = 33
    NVDEC_4_UTIL = 34
    NVDEC_5_UTIL = 35
    NVDEC_6_UTIL = 36
    NVDEC_7_UTIL = 37
    NVJPG_0_UTIL = 40
    NVJPG_1_UTIL = 41
    NVJPG_2_UTIL = 42
    NVJPG_3_UTIL = 43
    NVJPG_4_UTIL = 44
    NVJPG_5_UTIL = 45
    NVJPG_6_UTIL = 46
    NVJPG_7_UTIL = 47
    NVOFA_0_UTIL = 50
    NVOFA_1_UTIL = 51
    NVLINK_TOTAL_RX_PER_SEC = 60
    NVLINK_TOTAL_TX_PER_SEC = 61
    NVLINK_L0_RX_PER_SEC = 62
    NVLINK_L0_TX_PER_SEC = 63
    NVLINK_L1_RX_PER_SEC = 64
    NVLINK_L1_TX_PER_SEC = 65
    NVLINK_L2_RX_PER_SEC = 66
    NVLINK_L2_TX_PER_SEC = 67
    NVLINK_L3_RX_PER_SEC = 68
    NVLINK_L3_TX_PER_SEC = 69
    NVLINK_L4_RX_PER_SEC = 70
    NVLINK_L4_TX_PER_SEC = 71
    NVLINK_L5_RX_PER_SEC = 72
    NVLINK_L5_TX_PER_SEC = 73
    NVLINK_L6_RX_PER_SEC = 74
    NVLINK_L6_TX_PER_SEC = 75
    NVLINK_L7_RX_PER_SEC = 76
    NVLINK_L7_TX_PER_SEC = 77
    NVLINK_L8_RX_PER_SEC = 78
    NVLINK_L8_TX_PER_SEC = 79
    NVLINK_L9_RX_PER_SEC = 80
    NVLINK_L9_TX_PER_SEC = 81
    NVLINK_L10_RX_PER_SEC = 82
    NVLINK_L10_TX_PER_SEC = 83
    NVLINK_L11_RX_PER_SEC = 84
    NVLINK_L11_TX_PER_SEC = 85
    NVLINK_L12_RX_PER_SEC = 86
    NVLINK_L12_TX_PER_SEC = 87
    NVLINK_L13_RX_PER_SEC = 88
    NVLINK_L13_TX_PER_SEC = 89
    NVLINK_L14_RX_PER_SEC = 90
    NVLINK_L14_TX_PER_SEC = 91
    NVLINK_L15_RX_PER_SEC = 92
    NVLINK_L15_TX_PER_SEC = 93
    NVLINK_L16_RX_PER_SEC = 94
    NVLINK_L16_TX_PER_SEC = 95
    NVLINK_L17_RX_PER_SEC = 96
    NVLINK_L17_TX_PER_SEC = 97
    C2C_TOTAL_TX_PER_SEC = 100
    C2C_TOTAL_RX_PER_SEC = 101
    C2C_DATA_TX_PER_SEC = 102
    C2C_DATA_RX_PER_SEC = 103
    C2C_LINK0_TOTAL_TX_PER_SEC = 104
    C2C_LINK0_TOTAL_RX_PER_SEC = 105
    C2C_LINK0_DATA_TX_PER_SEC = 106
    C2C_LINK0_DATA_RX_PER_SEC = 107
    C2C_LINK1_TOTAL_TX_PER_SEC = 108
    C2C_LINK1_TOTAL_RX_PER_SEC = 109
    C2C_LINK1_DATA_TX_PER_SEC = 110
    C2C_LINK1_DATA_RX_PER_SEC = 111
    C2C_LINK2_TOTAL_TX_PER_SEC = 112
    C2C_LINK2_TOTAL_RX_PER_SEC = 113
    C2C_LINK2_DATA_TX_PER_SEC = 114
    C2C_LINK2_DATA_RX_PER_SEC = 115
    C2C_LINK3_TOTAL_TX_PER_SEC = 116
    C2C_LINK3_TOTAL_RX_PER_SEC = 117
    C2C_LINK3_DATA_TX_PER_SEC = 118
    C2C_LINK3_DATA_RX_PER_SEC = 119
    C2C_LINK4_TOTAL_TX_PER_SEC = 120
    C2C_LINK4_TOTAL_RX_PER_SEC = 121
    C2C_LINK4_DATA_TX_PER_SEC = 122
    C2C_LINK4_DATA_RX_PER_SEC = 123
    C2C_LINK5_TOTAL_TX_PER_SEC = 124
    C2C_LINK5_TOTAL_RX_PER_SEC = 125
    C2C_LINK5_DATA_TX_PER_SEC = 126
    C2C_LINK5_DATA_RX_PER_SEC = 127
    C2C_LINK6_TOTAL_TX_PER_SEC = 128
    C2C_LINK6_TOTAL_RX_PER_SEC = 129
    C2C_LINK6_DATA_TX_PER_SEC = 130
    C2C_LINK6_DATA_RX_PER_SEC = 131
    C2C_LINK7_TOTAL_TX_PER_SEC = 132
    C2C_LINK7_TOTAL_RX_PER_SEC = 133
    C2C_LINK7_DATA_TX_PER_SEC = 134
    C2C_LINK7_DATA_RX_PER_SEC = 135
    C2C_LINK8_TOTAL_TX_PER_SEC = 136
    C2C_LINK8_TOTAL_RX_PER_SEC = 137
    C2C_LINK8_DATA_TX_PER_SEC = 138
    C2C_LINK8_DATA_RX_PER_SEC = 139
    C2C_LINK9_TOTAL_TX_PER_SEC = 140
    C2C_LINK9_TOTAL_RX_PER_SEC = 141
    C2C_LINK9_DATA_TX_PER_SEC = 142
    C2C_LINK9_DATA_RX_PER_SEC = 143
    C2C_LINK10_TOTAL_TX_PER_SEC = 144
    C2C_LINK10_TOTAL_RX_PER_SEC = 145
    C2C_LINK10_DATA_TX_PER_SEC = 146
    C2C_LINK10_DATA_RX_PER_SEC = 147
    C2C_LINK11_TOTAL_TX_PER_SEC = 148
    C2C_LINK11_TOTAL_RX_PER_SEC = 149
    C2C_LINK11_DATA_TX_PER_SEC = 150
    C2C_LINK11_DATA_RX_PER_SEC = 151
    C2C_LINK12_TOTAL_TX_PER_SEC = 152
    C2C_LINK12_TOTAL_RX_PER_SEC = 153
    C2C_LINK12_DATA_TX_PER_SEC = 154
    C2C_LINK12_DATA_RX_PER_SEC = 155
    C2C_LINK13_TOTAL_TX_PER_SEC = 156
    C2C_LINK13_TOTAL_RX_PER_SEC = 157
    C2C_LINK13_DATA_TX_PER_SEC = 158
    C2C_LINK13_DATA_RX_PER_SEC = 159
    HOSTMEM_CACHE_HIT = 160
    HOSTMEM_CACHE_MISS = 161
    PEERMEM_CACHE_HIT = 162
    PEERMEM_CACHE_MISS = 163
    DRAM_CACHE_HIT = 164
    DRAM_CACHE_MISS = 165
    NVENC_0_UTIL = 166
    NVENC_1_UTIL = 167
    NVENC_2_UTIL = 168
    NVENC_3_UTIL = 169
    GR0_CTXSW_CYCLES_ELAPSED = 170
    GR0_CTXSW_CYCLES_ACTIVE = 171
    GR0_CTXSW_REQUESTS = 172
    GR0_CTXSW_CYCLES_PER_REQ = 173
    GR0_CTXSW_ACTIVE_PCT = 174
    GR1_CTXSW_CYCLES_ELAPSED = 175
    GR1_CTXSW_CYCLES_ACTIVE = 176
    GR1_CTXSW_REQUESTS = 177
    GR1_CTXSW_CYCLES_PER_REQ = 178
    GR1_CTXSW_ACTIVE_PCT = 179
    GR2_CTXSW_CYCLES_ELAPSED = 180
    GR2_CTXSW_CYCLES_ACTIVE = 181
    GR2_CTXSW_REQUESTS = 182
    GR2_CTXSW_CYCLES_PER_REQ = 183
    GR2_CTXSW_ACTIVE_PCT = 184
    GR3_CTXSW_CYCLES_ELAPSED = 185
    GR3_CTXSW_CYCLES_ACTIVE = 186
    GR3_CTXSW_REQUESTS = 187
    GR3_CTXSW_CYCLES_PER_REQ = 188
    GR3_CTXSW_ACTIVE_PCT = 189
    GR4_CTXSW_CYCLES_ELAPSED = 190
    GR4_CTXSW_CYCLES_ACTIVE = 191
    GR4_CTXSW_REQUESTS = 192
    GR4_CTXSW_CYCLES_PER_REQ = 193
    GR4_CTXSW_ACTIVE_PCT = 194
    GR5_CTXSW_CYCLES_ELAPSED = 195
    GR5_CTXSW_CYCLES_ACTIVE = 196
    GR5_CTXSW_REQUESTS = 197
    GR5_CTXSW_CYCLES_PER_REQ = 198
    GR5_CTXSW_ACTIVE_PCT = 199
    GR6_CTXSW_CYCLES_ELAPSED = 200
    GR6_CTXSW_CYCLES_ACTIVE = 201
    GR6_CTXSW_REQUESTS = 202
    GR6_CTXSW_CYCLES_PER_REQ = 203
    GR6_CTXSW_ACTIVE_PCT = 204
    GR7_CTXSW_CYCLES_ELAPSED = 205
    GR7_CTXSW_CYCLES_ACTIVE = 206
    GR7_CTXSW_REQUESTS = 207
    GR7_CTXSW_CYCLES_PER_REQ = 208
    GR7_CTXSW_ACTIVE_PCT = 209
    NVLINK_L18_RX_PER_SEC = 212
    NVLINK_L18_TX_PER_SEC = 213
    NVLINK_L19_RX_PER_SEC = 214
    NVLINK_L19_TX_PER_SEC = 215
    NVLINK_L20_RX_PER_SEC = 216
    NVLINK_L20_TX_PER_SEC = 217
    NVLINK_L21_RX_PER_SEC = 218
    NVLINK_L21_TX_PER_SEC = 219
    NVLINK_L22_RX_PER_SEC = 220
    NVLINK_L22_TX_PER_SEC = 221
    NVLINK_L23_RX_PER_SEC = 222
    NVLINK_L23_TX_PER_SEC = 223
    NVLINK_L24_RX_PER_SEC = 224
    NVLINK_L24_TX_PER_SEC = 225
    NVLINK_L25_RX_PER_SEC = 226
    NVLINK_L25_TX_PER_SEC = 227
    NVLINK_L26_RX_PER_SEC = 228
    NVLINK_L26_TX_PER_SEC = 229
    NVLINK_L27_RX_PER_SEC = 230
    NVLINK_L27_TX_PER_SEC = 231
    NVLINK_L28_RX_PER_SEC = 232
    NVLINK_L28_TX_PER_SEC = 233
    NVLINK_L29_RX_PER_SEC = 234
    NVLINK_L29_TX_PER_SEC = 235
    NVLINK_L30_RX_PER_SEC = 236
    NVLINK_L30_TX_PER_SEC = 237
    NVLINK_L31_RX_PER_SEC = 238
    NVLINK_L31_TX_PER_SEC = 239
    NVLINK_L32_RX_PER_SEC = 240
    NVLINK_L32_TX_PER_SEC = 241
    NVLINK_L33_RX_PER_SEC = 242
    NVLINK_L33_TX_PER_SEC = 243
    NVLINK_L34_RX_PER_SEC = 244
    NVLINK_L34_TX_PER_SEC = 245
    NVLINK_L35_RX_PER_SEC = 246
    NVLINK_L35_TX_PER_SEC = 247
    SM_CYCLES_ELAPSED = 248
    SM_CYCLES_ACTIVE = 249
    MMA_CYCLES_ACTIVE = 250
    DMMA_CYCLES_ACTIVE = 251
    HMMA_CYCLES_ACTIVE = 252
    IMMA_CYCLES_ACTIVE = 253
    DFMA_CYCLES_ACTIVE = 254
    PCIE_TX = 255
    PCIE_RX = 256
    INTEGER_CYCLES_ACTIVE = 257
    FP64_CYCLES_ACTIVE = 258
    FP32_CYCLES_ACTIVE = 259
    FP16_CYCLES_ACTIVE = 260
    NVLINK_L0_RX = 261
    NVLINK_L0_TX = 262
    NVLINK_L1_RX = 263
    NVLINK_L1_TX = 264
    NVLINK_L2_RX = 265
    NVLINK_L2_TX = 266
    NVLINK_L3_RX = 267
    NVLINK_L3_TX = 268
    NVLINK_L4_RX = 269
    NVLINK_L4_TX = 270
    NVLINK_L5_RX = 271
    NVLINK_L5_TX = 272
    NVLINK_L6_RX = 273
    NVLINK_L6_TX = 274
    NVLINK_L7_RX = 275
    NVLINK_L7_TX = 276
    NVLINK_L8_RX = 277
    NVLINK_L8_TX = 278
    NVLINK_L9_RX = 279
    NVLINK_L9_TX = 280
    NVLINK_L10_RX = 281
    NVLINK_L10_TX = 282
    NVLINK_L11_RX = 283
    NVLINK_L11_TX = 284
    NVLINK_L12_RX = 285
    NVLINK_L12_TX = 286
    NVLINK_L13_RX = 287
    NVLINK_L13_TX = 288
    NVLINK_L14_RX = 289
    NVLINK_L14_TX = 290
    NVLINK_L15_RX = 291
    NVLINK_L15_TX = 292
    NVLINK_L16_RX = 293
    NVLINK_L16_TX = 294
    NVLINK_L17_RX = 295
    NVLINK_L17_TX = 296
    NVLINK_L18_RX = 297
    NVLINK_L18_TX = 298
    NVLINK_L19_RX = 299
    NVLINK_L19_TX = 300
    NVLINK_L20_RX = 301
    NVLINK_L20_TX = 302
    NVLINK_L21_RX = 303
    NVLINK_L21_TX = 304
    NVLINK_L22_RX = 305
    NVLINK_L22_TX = 306
    NVLINK_L23_RX = 307
    NVLINK_L23_TX = 308
    NVLINK_L24_RX = 309
    NVLINK_L24_TX = 310
    NVLINK_L25_RX = 311
    NVLINK_L25_TX = 312
    NVLINK_L26_RX = 313
    NVLINK_L26_TX = 314
    NVLINK_L27_RX = 315
    NVLINK_L27_TX = 316
    NVLINK_L28_RX = 317
    NVLINK_L28_TX = 318
    NVLINK_L29_RX = 319
    NVLINK_L29_TX = 320
    NVLINK_L30_RX = 321
    NVLINK_L30_TX = 322
    NVLINK_L31_RX = 323
    NVLINK_L31_TX = 324
    NVLINK_L32_RX = 325
    NVLINK_L32_TX = 326
    NVLINK_L33_RX = 327
    NVLINK_L33_TX = 328
    NVLINK_L34_RX = 329
    NVLINK_L34_TX = 330
    NVLINK_L35_RX = 331
    NVLINK_L35_TX = 332
    NVLINK_L36_RX = 333
    NVLINK_L36_TX = 334
    NVLINK_L37_RX = 335
    NVLINK_L37_TX = 336
    NVLINK_L38_RX = 337
    NVLINK_L38_TX = 338
    NVLINK_L39_RX = 339
    NVLINK_L39_TX = 340
    NVLINK_L40_RX = 341
    NVLINK_L40_TX = 342
    NVLINK_L41_RX = 343
    NVLINK_L41_TX = 344
    NVLINK_L42_RX = 345
    NVLINK_L42_TX = 346
    NVLINK_L43_RX = 347
    NVLINK_L43_TX = 348
    NVLINK_L44_RX = 349
    NVLINK_L44_TX = 350
    NVLINK_L45_RX = 351
    NVLINK_L45_TX = 352
    NVLINK_L46_RX = 353
    NVLINK_L46_TX = 354
    NVLINK_L47_RX = 355
    NVLINK_L47_TX = 356
    NVLINK_L48_RX = 357
    NVLINK_L48_TX = 358
    NVLINK_L49_RX = 359
    NVLINK_L49_TX = 360
    NVLINK_L50_RX = 361
    NVLINK_L50_TX = 362
    NVLINK_L51_RX = 363
    NVLINK_L51_TX = 364
    NVLINK_L52_RX = 365
    NVLINK_L52_TX = 366
    NVLINK_L53_RX = 367
    NVLINK_L53_TX = 368
    NVLINK_L54_RX = 369
    NVLINK_L54_TX = 370
    NVLINK_L55_RX = 371
    NVLINK_L55_TX = 372
    NVLINK_L56_RX = 373
    NVLINK_L56_TX = 374
    NVLINK_L57_RX = 375
    NVLINK_L57_TX = 376
    NVLINK_L58_RX = 377
    NVLINK_L58_TX = 378
    NVLINK_L59_RX = 379
    NVLINK_L59_TX = 380
    NVLINK_L60_RX = 381
    NVLINK_L60_TX = 382
    NVLINK_L61_RX = 383
    NVLINK_L61_TX = 384
    NVLINK_L62_RX = 385
    NVLINK_L62_TX = 386
    NVLINK_L63_RX = 387
    NVLINK_L63_TX = 388
    NVLINK_L64_RX = 389
    NVLINK_L64_TX = 390
    NVLINK_L65_RX = 391
    NVLINK_L65_TX = 392
    NVLINK_L66_RX = 393
    NVLINK_L66_TX = 394
    NVLINK_L67_RX = 395
    NVLINK_L67_TX = 396
    NVLINK_L68_RX = 397
    NVLINK_L68_TX = 398
    NVLINK_L69_RX = 399
    NVLINK_L69_TX = 400
    NVLINK_L70_RX = 401
    NVLINK_L70_TX = 402
    NVLINK_L71_RX = 403
    NVLINK_L71_TX = 404
    NVLINK_L36_RX_PER_SEC = 405
    NVLINK_L36_TX_PER_SEC = 406
    NVLINK_L37_RX_PER_SEC = 407
    NVLINK_L37_TX_PER_SEC = 408
    NVLINK_L38_RX_PER_SEC = 409
    NVLINK_L38_TX_PER_SEC = 410
    NVLINK_L39_RX_PER_SEC = 411
    NVLINK_L39_TX_PER_SEC = 412
    NVLINK_L40_RX_PER_SEC = 413
    NVLINK_L40_TX_PER_SEC = 414
    NVLINK_L41_RX_PER_SEC = 415
    NVLINK_L41_TX_PER_SEC = 416
    NVLINK_L42_RX_PER_SEC = 417
    NVLINK_L42_TX_PER_SEC = 418
    NVLINK_L43_RX_PER_SEC = 419
    NVLINK_L43_TX_PER_SEC = 420
    NVLINK_L44_RX_PER_SEC = 421
    NVLINK_L44_TX_PER_SEC = 422
    NVLINK_L45_RX_PER_SEC = 423
    NVLINK_L45_TX_PER_SEC = 424
    NVLINK_L46_RX_PER_SEC = 425
    NVLINK_L46_TX_PER_SEC = 426
    NVLINK_L47_RX_PER_SEC = 427
    NVLINK_L47_TX_PER_SEC = 428
    NVLINK_L48_RX_PER_SEC = 429
    NVLINK_L48_TX_PER_SEC = 430
    NVLINK_L49_RX_PER_SEC = 431
    NVLINK_L49_TX_PER_SEC = 432
    NVLINK_L50_RX_PER_SEC = 433
    NVLINK_L50_TX_PER_SEC = 434
    NVLINK_L51_RX_PER_SEC = 435
    NVLINK_L51_TX_PER_SEC = 436
    NVLINK_L52_RX_PER_SEC = 437
    NVLINK_L52_TX_PER_SEC = 438
    NVLINK_L53_RX_PER_SEC = 439
    NVLINK_L53_TX_PER_SEC = 440
    NVLINK_L54_RX_PER_SEC = 441
    NVLINK_L54_TX_PER_SEC = 442
    NVLINK_L55_RX_PER_SEC = 443
    NVLINK_L55_TX_PER_SEC = 444
    NVLINK_L56_RX_PER_SEC = 445
    NVLINK_L56_TX_PER_SEC = 446
    NVLINK_L57_RX_PER_SEC = 447
    NVLINK_L57_TX_PER_SEC = 448
    NVLINK_L58_RX_PER_SEC = 449
    NVLINK_L58_TX_PER_SEC = 450
    NVLINK_L59_RX_PER_SEC = 451
    NVLINK_L59_TX_PER_SEC = 452
    NVLINK_L60_RX_PER_SEC = 453
    NVLINK_L60_TX_PER_SEC = 454
    NVLINK_L61_RX_PER_SEC = 455
    NVLINK_L61_TX_PER_SEC = 456
    NVLINK_L62_RX_PER_SEC = 457
    NVLINK_L62_TX_PER_SEC = 458
    NVLINK_L63_RX_PER_SEC = 459
    NVLINK_L63_TX_PER_SEC = 460
    NVLINK_L64_RX_PER_SEC = 461
    NVLINK_L64_TX_PER_SEC = 462
    NVLINK_L65_RX_PER_SEC = 463
    NVLINK_L65_TX_PER_SEC = 464
    NVLINK_L66_RX_PER_SEC = 465
    NVLINK_L66_TX_PER_SEC = 466
    NVLINK_L67_RX_PER_SEC = 467
    NVLINK_L67_TX_PER_SEC = 468
    NVLINK_L68_RX_PER_SEC = 469
    NVLINK_L68_TX_PER_SEC = 470
    NVLINK_L69_RX_PER_SEC = 471
    NVLINK_L69_TX_PER_SEC = 472
    NVLINK_L70_RX_PER_SEC = 473
    NVLINK_L70_TX_PER_SEC = 474
    NVLINK_L71_RX_PER_SEC = 475
    NVLINK_L71_TX_PER_SEC = 476
    MAX = 477

class nvmlGpuOperationMode_t(Enumeration):
    ALL_ON = 0
    COMPUTE = 1
    LOW_DP = 2

class nvmlGpuOperationalEventContextType_t(Enumeration):
    UNKNOWN = 0
    LEGACY_XID = 1

class nvmlGpuOperationalEventLogLevel_t(Enumeration):
    ALL = 0
    TELEMETRY = 10
    DIAG = 20
    NOTICE = 30
    WARNING = 40
    ERROR = 50

class nvmlGpuP2PCapsIndex_t(Enumeration):
    READ = 0
    WRITE = 1
    NVLINK = 2
    ATOMICS = 3
    PCI = 4
    PROP = 4
    UNKNOWN = 5

class nvmlGpuP2PStatus_t(Enumeration):
    OK = 0
    CHIPSET_NOT_SUPPORED = 1
    CHIPSET_NOT_SUPPORTED = 1
    GPU_NOT_SUPPORTED = 2
    IOH_TOPOLOGY_NOT_SUPPORTED = 3
    DISABLED_BY_REGKEY = 4
    NOT_SUPPORTED = 5
    UNKNOWN = 6

class nvmlGpuTopologyLevel_t(Enumeration):
    INTERNAL = 0
    SINGLE = 10
    MULTIPLE = 20
    HOSTBRIDGE = 30
    NODE = 40
    SYSTEM = 50

class nvmlGpuUtilizationDomainId_t(Enumeration):
    GPU = 0
    FB = 1
    VID = 2
    BUS = 3

class nvmlGpuVirtualizationMode_t(Enumeration):
    NONE = 0
    PASSTHROUGH = 1
    VGPU = 2
    HOST_VGPU = 3
    HOST_VSGA = 4

class nvmlGridLicenseFeatureCode_t(Enumeration):
    UNKNOWN = 0
    VGPU = 1
    NVIDIA_RTX = 2
    VWORKSTATION = 2
    GAMING = 3
    COMPUTE = 4
    VGAMEDEV = 5

class nvmlHostVgpuMode_t(Enumeration):
    NON_SRIOV = 0
    SRIOV = 1

class nvmlInforomObject_t(Enumeration):
    OEM = 0
    ECC = 1
    POWER = 2
    DEN = 3
    COUNT = 4

class nvmlIntNvLinkDeviceType_t(Enumeration):
    GPU = 0
    IBMNPU = 1
    SWITCH = 2
    UNKNOWN = 255

class nvmlLedColor_t(Enumeration):
    GREEN = 0
    AMBER = 1

class nvmlMemoryErrorType_t(Enumeration):
    CORRECTED = 0
    UNCORRECTED = 1
    COUNT = 2

class nvmlMemoryLocation_t(Enumeration):
    L1_CACHE = 0
    L2_CACHE = 1
    DRAM = 2
    DEVICE_MEMORY = 2
    REGISTER_FILE = 3
    TEXTURE_MEMORY = 4
    TEXTURE_SHM = 5
    CBU = 6
    SRAM = 7
    COUNT = 8

class nvmlNvLinkCapability_t(Enumeration):
    P2P_SUPPORTED = 0
    SYSMEM_ACCESS = 1
    P2P_ATOMICS = 2
    SYSMEM_ATOMICS = 3
    SLI_BRIDGE = 4
    VALID = 5
    COUNT = 6

class nvmlNvLinkErrorCounter_t(Enumeration):
    DL_REPLAY = 0
    DL_RECOVERY = 1
    DL_CRC_FLIT = 2
    DL_CRC_DATA = 3
    DL_ECC_DATA = 4
    COUNT = 5

class nvmlNvLinkUtilizationCountPktTypes_t(Enumeration):
    NOP = 1
    READ = 2
    WRITE = 4
    RATOM = 8
    NRATOM = 16
    FLUSH = 32
    RESPDATA = 64
    RESPNODATA = 128
    ALL = 255

class nvmlNvLinkUtilizationCountUnits_t(Enumeration):
    CYCLES = 0
    PACKETS = 1
    BYTES = 2
    RESERVED = 3
    COUNT = 4

class nvmlNvlinkTelemetrySampleType_t(Enumeration):
    THROUGHPUT_RAW_TX = 0
    THROUGHPUT_RAW_RX = 1
    COUNT = 2

class nvmlNvlinkVersion_t(Enumeration):
    INVALID = 0
    _1_0 = 1
    _2_0 = 2
    _2_2 = 3
    _3_0 = 4
    _3_1 = 5
    _4_0 = 6
    _5_0 = 7
    _6_0 = 8

class nvmlOperationalEventSeverity_t(Enumeration):
    ALL = 0
    INFORMATIONAL = 10
    CORRECTED = 20
    RECOVERABLE = 30
    FATAL = 40

class nvmlPRMCounterId_t(Enumeration):
    NONE = 0
    PPCNT_PHYSICAL_LAYER_CTRS_LINK_DOWN_EVENTS = 1
    PPCNT_PHYSICAL_LAYER_CTRS_SUCCESSFUL_RECOVERY_EVENTS = 2
    PPCNT_RECOVERY_CTRS_TOTAL_SUCCESSFUL_RECOVERY_EVENTS = 101
    PPCNT_RECOVERY_CTRS_TIME_SINCE_LAST_RECOVERY = 102
    PPCNT_RECOVERY_CTRS_TIME_BETWEEN_LAST_TWO_RECOVERIES = 103
    PPCNT_RECOVERY_CTRS_TIME_IN_LAST_HOST_SERDES_FEQ_RECOVERY = 104
    PPCNT_RECOVERY_CTRS_TOTAL_TIME_IN_HOST_SERDES_FEQ_RECOVERY = 105
    PPCNT_RECOVERY_CTRS_TOTAL_HOST_SERDES_FEQ_RECOVERY_COUNT = 106
    PPCNT_RECOVERY_CTRS_TOTAL_HOST_SERDES_FEQ_SUCCESSFUL_RECOVERY_COUNT = 107
    PPCNT_RECOVERY_CTRS_LAST_HOST_SERDES_FEQ_ATTEMPTS_COUNT = 108
    PPCNT_RECOVERY_CTRS_LAST_SUCCESSFUL_RECOVERY_STEP_ATTEMPTS = 109
    PPCNT_RECOVERY_CTRS_LAST_SUCCESSFUL_RECOVERY_TIME = 110
    PPCNT_RECOVERY_CTRS_TOTAL_SUCCESSFUL_RECOVERY_TIME = 111
    PPCNT_PORTCOUNTERS_PORT_XMIT_WAIT = 201
    PPCNT_PLR_RCV_CODES = 301
    PPCNT_PLR_RCV_CODE_ERR = 302
    PPCNT_PLR_RCV_UNCORRECTABLE_CODE = 303
    PPCNT_PLR_XMIT_CODES = 304
    PPCNT_PLR_XMIT_RETRY_CODES = 305
    PPCNT_PLR_XMIT_RETRY_EVENTS = 306
    PPCNT_PLR_SYNC_EVENTS = 307
    PPRM_OPER_RECOVERY = 1001

class nvmlPageRetirementCause_t(Enumeration):
    MULTIPLE_SINGLE_BIT_ECC_ERRORS = 0
    DOUBLE_BIT_ECC_ERROR = 1
    COUNT = 2

class nvmlPcieLinkState_t(Enumeration):
    KEEP = 0
    SHUT_DOWN = 1

class nvmlPcieUtilCounter_t(Enumeration):
    TX_BYTES = 0
    RX_BYTES = 1
    COUNT = 2

class nvmlPerfPolicyType_t(Enumeration):
    POWER = 0
    THERMAL = 1
    SYNC_BOOST = 2
    BOARD_LIMIT = 3
    LOW_UTILIZATION = 4
    RELIABILITY = 5
    TOTAL_APP_CLOCKS = 10
    TOTAL_BASE_CLOCKS = 11
    COUNT = 12

class nvmlPowerProfileOperation_t(Enumeration):
    CLEAR = 0
    SET = 1
    SET_AND_OVERWRITE = 2
    MAX = 3

class nvmlPowerProfileType_t(Enumeration):
    MAX_P = 0
    MAX_Q = 1
    COMPUTE = 2
    MEMORY_BOUND = 3
    NETWORK = 4
    BALANCED = 5
    LLM_INFERENCE = 6
    LLM_TRAINING = 7
    RBM = 8
    DCPCIE = 9
    HMMA_SPARSE = 10
    HMMA_DENSE = 11
    SYNC_BALANCED = 12
    HPC = 13
    MIG = 14
    MAX_Q_1 = 15
    NETWORK_BOUND = 16
    HIGH_THROUGHPUT_INFERENCE = 17
    MEDIUM_THROUGHPUT_INFERENCE = 18
    LOW_LATENCY_INFERENCE = 19
    TRAINING = 20
    INFERENCE = 21
    MAX_Q_2 = 22
    MAX_Q_3 = 23
    LOW_PRIORITY_BACKGROUND = 24
    MAX = 25

class nvmlProcessMode_t(Enumeration):
    COMPUTE = 0
    GRAPHICS = 1
    MPS = 2
    ALL = 3
    MAX = 4

class nvmlPstates_t(Enumeration):
    _0 = 0
    _1 = 1
    _2 = 2
    _3 = 3
    _4 = 4
    _5 = 5
    _6 = 6
    _7 = 7
    _8 = 8
    _9 = 9
    _10 = 10
    _11 = 11
    _12 = 12
    _13 = 13
    _14 = 14
    _15 = 15
    UNKNOWN = 32

class nvmlRestrictedAPI_t(Enumeration):
    SET_APPLICATION_CLOCKS = 0
    SET_AUTO_BOOSTED_CLOCKS = 1
    COUNT = 2

class nvmlReturn_t(Enumeration):
    SUCCESS = 0
    ERROR_UNINITIALIZED = 1
    ERROR_INVALID_ARGUMENT = 2
    ERROR_NOT_SUPPORTED = 3
    ERROR_NO_PERMISSION = 4
    ERROR_ALREADY_INITIALIZED = 5
    ERROR_NOT_FOUND = 6
    ERROR_INSUFFICIENT_SIZE = 7
    ERROR_INSUFFICIENT_POWER = 8
    ERROR_DRIVER_NOT_LOADED = 9
    ERROR_TIMEOUT = 10
    ERROR_IRQ_ISSUE = 11
    ERROR_LIBRARY_NOT_FOUND = 12
    ERROR_FUNCTION_NOT_FOUND = 13
    ERROR_CORRUPTED_INFOROM = 14
    ERROR_GPU_IS_LOST = 15
    ERROR_RESET_REQUIRED = 16
    ERROR_OPERATING_SYSTEM = 17
    ERROR_LIB_RM_VERSION_MISMATCH = 18
    ERROR_IN_USE = 19
    ERROR_MEMORY = 20
    ERROR_NO_DATA = 21
    ERROR_VGPU_ECC_NOT_SUPPORTED = 22
    ERROR_INSUFFICIENT_RESOURCES = 23
    ERROR_FREQ_NOT_SUPPORTED = 24
    ERROR_ARGUMENT_VERSION_MISMATCH = 25
    ERROR_DEPRECATED = 26
    ERROR_NOT_READY = 27
    ERROR_GPU_NOT_FOUND = 28
    ERROR_INVALID_STATE = 29
    ERROR_RESET_TYPE_NOT_SUPPORTED = 30
    ERROR_UNKNOWN = 999

class nvmlSamplingType_t(Enumeration):
    TOTAL_POWER_SAMPLES = 0
    GPU_UTILIZATION_SAMPLES = 1
    MEMORY_UTILIZATION_SAMPLES = 2
    ENC_UTILIZATION_SAMPLES = 3
    DEC_UTILIZATION_SAMPLES = 4
    PROCESSOR_CLK_SAMPLES = 5
    MEMORY_CLK_SAMPLES = 6
    MODULE_POWER_SAMPLES = 7
    JPG_UTILIZATION_SAMPLES = 8
    OFA_UTILIZATION_SAMPLES = 9
    SAMPLINGTYPE_COUNT = 10

class nvmlTemperatureSensors_t(Enumeration):
    GPU = 0
    GPU_MAX = 1
    COUNT = 2

class nvmlTemperatureThresholds_t(Enumeration):
    SHUTDOWN = 0
    SLOWDOWN = 1
    MEM_MAX = 2
    GPU_MAX = 3
    ACOUSTIC_MIN = 4
    ACOUSTIC_CURR = 5
    ACOUSTIC_MAX = 6
    GPS_CURR = 7
    COUNT = 8

class nvmlThermalController_t(Enumeration):
    NONE = 0
    GPU_INTERNAL = 1
    ADM1032 = 2
    ADT7461 = 3
    MAX6649 = 4
    MAX1617 = 5
    LM99 = 6
    LM89 = 7
    LM64 = 8
    G781 = 9
    ADT7473 = 10
    SBMAX6649 = 11
    VBIOSEVT = 12
    OS = 13
    NVSYSCON_CANOAS = 14
    NVSYSCON_E551 = 15
    MAX6649R = 16
    ADT7473S = 17
    UNKNOWN = -1

class nvmlThermalTarget_t(Enumeration):
    NONE = 0
    GPU = 1
    MEMORY = 2
    POWER_SUPPLY = 4
    BOARD = 8
    VCD_BOARD = 9
    VCD_INLET = 10
    VCD_OUTLET = 11
    ALL = 15
    UNKNOWN = -1

class nvmlUUIDType_t(Enumeration):
    NONE = 0
    ASCII = 1
    BINARY = 2

class nvmlValueType_t(Enumeration):
    DOUBLE = 0
    UNSIGNED_INT = 1
    UNSIGNED_LONG = 2
    UNSIGNED_LONG_LONG = 3
    SIGNED_LONG_LONG = 4
    SIGNED_INT = 5
    UNSIGNED_SHORT = 6
    COUNT = 7

class nvmlVgpuCapability_t(Enumeration):
    NVLINK_P2P = 0
    GPUDIRECT = 1
    MULTI_VGPU_EXCLUSIVE = 2
    EXCLUSIVE_TYPE = 3
    EXCLUSIVE_SIZE = 4
    COUNT = 5

class nvmlVgpuDriverCapability_t(Enumeration):
    HETEROGENEOUS_MULTI_VGPU = 0
    WARM_UPDATE = 1
    COUNT = 2

class nvmlVgpuGuestInfoState_t(Enumeration):
    UNINITIALIZED = 0
    INITIALIZED = 1

class nvmlVgpuPgpuCompatibilityLimitCode_t(Enumeration):
    NONE = 0
    HOST_DRIVER = 1
    GUEST_DRIVER = 2
    GPU = 4
    OTHER = 2147483648

class nvmlVgpuVmCompatibility_t(Enumeration):
    NONE = 0
    COLD = 1
    HIBERNATE = 2
    SLEEP = 4
    LIVE = 8

class nvmlVgpuVmIdType_t(Enumeration):
    DOMAIN_ID = 0
    UUID = 1

CUkernelNodeAttrID = CUlaunchAttributeID
CUstreamAttrID = CUlaunchAttributeID
DeviceAttribute = CUdevice_attribute
cudaDataType = cudaDataType_t
cudaEmulationMantissaControl = cudaEmulationMantissaControl_t
cudaEmulationSpecialValuesSupport = cudaEmulationSpecialValuesSupport_t
cudaEmulationStrategy = cudaEmulationStrategy_t
cudaError_t = cudaError
cudaOutputMode_t = cudaOutputMode

/* A CUDA program as its users write them, built by nvcc against the shared runtime. */
#include <cstdio>

__device__ int counter = 7;
__managed__ int both = 5;
__constant__ float scale[2] = {2, 3};

__global__ void vector_add(const float *a, const float *b, float *c, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;

    if (i < n)
        c[i] = a[i] + b[i];
}

__global__ void __launch_bounds__(256) bounded(int *out)
{
    __shared__ int kept[1024];

    kept[threadIdx.x] = *out + counter + (int)scale[0];
    __syncthreads();
    *out = kept[0];
}

__global__ void add_to_both(int n)
{
    both += n;
}

static const char *said(void)
{
    return cudaGetErrorName(cudaGetLastError());
}

/* Copies to and from a variable, as nodes. */
static void in_a_graph(void)
{
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    cudaGraphNode_t to, from, beside;
    cudaKernelNodeParams kernel = {}, told = {};
    int value = 20, again = 30, read = 0;

    cudaGraphCreate(&graph, 0);
    cudaGraphAddMemcpyNodeToSymbol(&to, graph, NULL, 0, counter, &value, sizeof value, 0, cudaMemcpyHostToDevice);
    cudaGraphAddMemcpyNodeFromSymbol(&from, graph, &to, 1, &read, counter, sizeof read, 0, cudaMemcpyDeviceToHost);
    printf("node: %s,", said());
    cudaGraphAddMemcpyNodeToSymbol(&beside, graph, NULL, 0, counter, &value, 8, 0, cudaMemcpyHostToDevice);
    printf(" %s,", said());
    cudaGraphAddMemcpyNodeToSymbol(&beside, graph, NULL, 0, counter, &value, 4, 0, cudaMemcpyDeviceToHost);
    printf(" %s,", said());
    kernel.func = (void *)add_to_both;
    kernel.gridDim = kernel.blockDim = dim3(1);
    void *parameters[] = {&value};
    kernel.kernelParams = parameters;
    cudaGraphAddKernelNode(&beside, graph, NULL, 0, &kernel);
    cudaGraphKernelNodeGetParams(beside, &told);
    cudaGraphDestroyNode(beside);
    printf(" its kernel: %d,", told.func == kernel.func);
    cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphLaunch(executable, 0);
    cudaDeviceSynchronize();
    printf(" counter: %d", read);
    cudaGraphExecMemcpyNodeSetParamsToSymbol(executable, to, counter, &again, 4, 0, cudaMemcpyHostToDevice);
    cudaGraphLaunch(executable, 0);
    cudaDeviceSynchronize();
    printf(" and %d\n", read);
}

int main(void)
{
    enum { N = 1000 };
    static float a[N], b[N], c[N];
    float *x, *y, *z;
    int read = 0, blocks = 0;
    void *address = NULL;
    size_t size = 0;
    cudaFuncAttributes about;

    for (int i = 0; i < N; i++)
        a[i] = i, b[i] = 10 * i;
    cudaMalloc(&x, sizeof a);
    cudaMalloc(&y, sizeof a);
    cudaMalloc(&z, sizeof a);
    cudaMemcpy(x, a, sizeof a, cudaMemcpyHostToDevice);
    cudaMemcpy(y, b, sizeof b, cudaMemcpyHostToDevice);
    vector_add<<<(N + 255) / 256, 256>>>(x, y, z, N);
    printf("launch: %s\n", said());
    cudaMemcpy(c, z, sizeof c, cudaMemcpyDeviceToHost);
    printf("sums: %g %g %g\n", c[0], c[1], c[N - 1]);

    bounded<<<0, 1>>>((int *)x);
    printf("no blocks: %s\n", said());
    bounded<<<1, 2048>>>((int *)x);
    printf("2048 threads: %s\n", said());
    bounded<<<1, 512>>>((int *)x);
    printf("beyond its bounds: %s\n", said());
    bounded<<<1, 32, 1 << 20>>>((int *)x);
    printf("1 MiB of shared memory: %s\n", said());

    cudaFuncGetAttributes(&about, bounded);
    printf("bounded: %zu bytes shared, at most %d threads, for %d\n", about.sharedSizeBytes, about.maxThreadsPerBlock,
           about.binaryVersion);
    cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, 256, 0);
    printf("blocks of a multiprocessor: %d\n", blocks);

    {
        cudaLaunchConfig_t config = {dim3(6), dim3(64)};
        cudaLaunchAttribute attribute = {cudaLaunchAttributeClusterDimension};
        int clusters = 0;

        attribute.val.clusterDim.x = 4, attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
        config.attrs = &attribute;
        config.numAttrs = 1;
        printf("6 blocks in clusters of 4: %s\n", cudaGetErrorName(cudaLaunchKernelEx(&config, bounded, (int *)x)));
        config.gridDim.x = 8;
        cudaGetLastError();
        printf("8 blocks: %s\n", cudaGetErrorName(cudaLaunchKernelEx(&config, bounded, (int *)x)));
        cudaOccupancyMaxActiveClusters(&clusters, bounded, &config);
        printf("clusters at the same time: %d\n", clusters);
    }

    cudaMemcpyFromSymbol(&read, counter, sizeof read);
    printf("counter: %d\n", read);
    read = 8;
    cudaMemcpyToSymbol(counter, &read, sizeof read);
    read = 0;
    cudaGetSymbolAddress(&address, counter);
    cudaGetSymbolSize(&size, scale);
    cudaMemcpy(&read, address, sizeof read, cudaMemcpyDeviceToHost);
    printf("counter: %d, scale: %zu bytes\n", read, size);
    in_a_graph();
    both += 1;
    add_to_both<<<1, 1>>>(10);
    cudaDeviceSynchronize();
    printf("both: %d\n", both);
    printf("at the end: %s\n", said());
    return 0;
}

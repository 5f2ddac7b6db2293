/* Kernels and variables of every kind that an image can say something about. */
struct pair {
    float a;
    char b;
};

__constant__ float scale[4] = {1, 2, 3, 4};
__device__ int counter = 7;
__device__ double zeroed[50];

template <class T> __global__ void vector_add(const T *a, const T *b, T *c, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;

    if (i < n)
        c[i] = a[i] * scale[0] + b[i];
}
template __global__ void vector_add(const float *, const float *, float *, int);

namespace space
{
__global__ void __launch_bounds__(128) mixed(char c, double d, pair p, short s, float *out)
{
    __shared__ float kept[512];
    extern __shared__ float dynamic[];

    kept[threadIdx.x] = c + d + p.a + p.b + s;
    dynamic[threadIdx.x] = kept[threadIdx.x];
    __syncthreads();
    out[0] = kept[0] + dynamic[1] + counter + zeroed[1];
}
}

extern "C" __global__ void stack(int *out, int n)
{
    volatile int held[100];

    for (int i = 0; i < n; i++)
        held[i % 100] = out[i];
    out[0] = held[n % 7];
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
extern "C" __global__ void __cluster_dims__(2, 1, 1) clustered(int *out)
{
    *out = 1;
}
#endif

extern "C" __global__ void nothing()
{
}

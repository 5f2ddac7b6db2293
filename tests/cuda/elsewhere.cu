/* What calls.cu uses. */
__device__ int counted = 7;
__constant__ float scale[16];

__device__ __noinline__ int elsewhere(int value)
{
    return 3 * value;
}

__global__ void __launch_bounds__(128) other(float *value, int number)
{
    __shared__ float kept[128];

    kept[threadIdx.x] = *value * scale[number];
    __syncthreads();
    *value = kept[0];
}

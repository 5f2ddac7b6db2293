/* Calls a function of another file, and uses a variable of it. */
#include <cstdio>

extern __device__ int elsewhere(int value);
extern __device__ int counted;

__global__ void calls(int *value)
{
    *value = elsewhere(*value) + counted;
    printf("%d\n", *value);
}

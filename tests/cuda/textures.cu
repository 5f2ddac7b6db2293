/* Filters an image as programs of CUDA do: a texture object is read, a surface object is written. */
#include <cstdio>

enum { WIDTH = 6, HEIGHT = 3 };

__global__ void blur(cudaTextureObject_t image, cudaSurfaceObject_t out, int width, int height)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;

    if (x < width && y < height) {
        float sum = tex2D<float>(image, x - 1, y) + tex2D<float>(image, x, y) + tex2D<float>(image, x + 1, y);
        surf2Dwrite(sum / 3, out, x * (int)sizeof(float), y);
    }
}

static const char *said(void)
{
    return cudaGetErrorName(cudaGetLastError());
}

int main(void)
{
    static float image[HEIGHT][WIDTH], blurred[HEIGHT][WIDTH];
    cudaChannelFormatDesc floats = cudaCreateChannelDesc<float>(), colours = cudaCreateChannelDesc<uchar4>(), told;
    cudaArray_t from, to;
    cudaExtent extent;
    unsigned int flags;
    cudaResourceDesc resource = {};
    cudaTextureDesc description = {};
    cudaTextureObject_t texture;
    cudaSurfaceObject_t surface;

    printf("channels: %d %d %d %d of kind %d, %d %d %d %d of kind %d\n", floats.x, floats.y, floats.z, floats.w,
           floats.f, colours.x, colours.y, colours.z, colours.w, colours.f);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            image[y][x] = 9 * x * y;
    cudaMallocArray(&from, &floats, WIDTH, HEIGHT);
    cudaMallocArray(&to, &floats, WIDTH, HEIGHT, cudaArraySurfaceLoadStore);
    cudaArrayGetInfo(&told, &extent, &flags, to);
    printf("array: %zu x %zu of %d bits, flags %u\n", extent.width, extent.height, told.x, flags);
    cudaMemcpy2DToArray(from, 0, 0, image, sizeof image[0], sizeof image[0], HEIGHT, cudaMemcpyHostToDevice);

    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = from;
    description.addressMode[0] = description.addressMode[1] = cudaAddressModeClamp;
    cudaCreateTextureObject(&texture, &resource, &description, NULL);
    resource.res.array.array = to;
    cudaCreateSurfaceObject(&surface, &resource);
    printf("objects: %s\n", said());

    blur<<<dim3(1, 1), dim3(8, 8)>>>(texture, surface, WIDTH, HEIGHT);
    cudaMemcpy2DFromArray(blurred, sizeof blurred[0], to, 0, 0, sizeof blurred[0], HEIGHT, cudaMemcpyDeviceToHost);
    printf("launch: %s\n", said());
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            printf(x < WIDTH - 1 ? "%g " : "%g\n", blurred[y][x]);

    cudaDestroyTextureObject(texture);
    cudaDestroySurfaceObject(surface);
    cudaFreeArray(from);
    cudaFreeArray(to);
    printf("freed: %s\n", said());
    blur<<<dim3(1, 1), dim3(8, 8)>>>(texture, surface, WIDTH, HEIGHT);
    cudaDeviceSynchronize();
    printf("with what there is not: %s\n", said());
    return 0;
}

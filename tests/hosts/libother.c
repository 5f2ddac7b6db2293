/* Names that begin as the driver's do and are not the driver's. */
#define NAME(name, answer) \
    int name(void);        \
    int name(void)         \
    {                      \
        return answer;     \
    }

NAME(cudnnCreate, 1)
NAME(cublasFoo, 2)
NAME(curl_easy_init, 3)
NAME(cufftPlan1d, 4)
NAME(cuFoo, 5)
NAME(cu, 6)
NAME(cuda, 7)
NAME(cuInitialize, 8)
NAME(culaInitialize, 9)

/* Calls from a callback that the driver runs (cuLaunchHostFunc), on whatever thread it runs it. */
#include "ask.h"

static struct ask_answers answers;

static void callback(void *unused)
{
    (void)unused;
    ask(&answers, ask_dlsym);
}

int main(void)
{
    ask_open();
    ask_print("main", ask_dlsym);
    int (*get_context)(void **, int) = ask_dlsym("cuDevicePrimaryCtxRetain");
    int (*set_context)(void *) = ask_dlsym("cuCtxSetCurrent");
    int (*launch)(void *, void (*)(void *), void *) = ask_dlsym("cuLaunchHostFunc");
    int (*synchronize)(void) = ask_dlsym("cuCtxSynchronize");
    if (!get_context || !set_context || !launch || !synchronize) {
        printf("a function is not found\n");
        return 1;
    }
    void *context = NULL;
    printf("cuDevicePrimaryCtxRetain = %d\n", get_context(&context, 0));
    printf("cuCtxSetCurrent = %d\n", set_context(context));
    printf("cuLaunchHostFunc = %d\n", launch(NULL, callback, NULL));
    printf("cuCtxSynchronize = %d\n", synchronize());
    printf("callback\n%s", answers.text);
    return 0;
}

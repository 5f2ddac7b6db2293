/* What Node loads to call the driver: one function, answers(). Of Node's C interface only this much
 * is declared, so that it builds without Node's headers; the names are bound to the node that loads
 * it. */
#include "ask.h"

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);

int napi_create_string_utf8(napi_env env, const char *text, size_t length, napi_value *result);
int napi_create_function(napi_env env, const char *name, size_t length, napi_callback callback, void *data,
                         napi_value *result);
int napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value);
int napi_throw_error(napi_env env, const char *code, const char *message);
napi_value napi_register_module_v1(napi_env env, napi_value exports);
int node_api_module_get_api_version_v1(void);

static napi_value answers(napi_env env, napi_callback_info info)
{
    struct ask_answers found;
    napi_value text = NULL;
    (void)info;
    if (!ask_driver)
        ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!ask_driver) {
        napi_throw_error(env, NULL, dlerror());
        return NULL;
    }
    ask(&found, ask_dlsym);
    napi_create_string_utf8(env, found.text, found.length, &text);
    return text;
}

int node_api_module_get_api_version_v1(void)
{
    return 8;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
    napi_value function = NULL;
    napi_create_function(env, "answers", strlen("answers"), answers, NULL, &function);
    napi_set_named_property(env, exports, "answers", function);
    return exports;
}

// ways_cpp WAY: a C++ program that takes the way in the constructor of a static object, and in which an exception is
// thrown and caught after each question, on whatever thread and stack that is.
#include <stdexcept>
#include <string>

extern "C" {
#include "ways.h"
}

namespace
{

int caught;

void throw_answers(struct ask_answers *answers, ask_lookup by)
{
    ask(answers, by);
    throw std::runtime_error("thrown after the call");
}

void ask_and_catch(struct ask_answers *answers, ask_lookup by)
{
    try {
        throw_answers(answers, by);
    } catch (const std::runtime_error &error) {
        caught += std::string(error.what()) == "thrown after the call";
    }
}

void *by_dlsym(const char *name)
{
    if (!ask_driver)
        ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    return ask_driver ? dlsym(ask_driver, name) : nullptr;
}

void close_driver()
{
    dlclose(ask_driver);
    ask_driver = nullptr;
}

struct Program {
    Program()
    {
        struct ways ways = {by_dlsym, close_driver, ask_and_catch};
        ways_run(&ways);
    }

    ~Program()
    {
        ask_answers answers;
        ask_and_catch(&answers, by_dlsym);
        printf("static object's destructor\n%s", answers.text);
    }
};

Program program;

} // namespace

int main()
{
    printf("exceptions: %s\n", caught > 0 ? "caught" : "none");
    return 0;
}

// C++: an object of static storage whose constructor and destructor call the driver, and exceptions
// on the way.
#include <stdexcept>
#include <string>

#include "ask.h"

namespace
{

struct Device {
    std::string said;

    Device()
    {
        ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
        if (!ask_driver) {
            said = "no driver\n";
            return;
        }
        said = answers();
    }

    ~Device()
    {
        printf("destructor\n%s", ask_driver ? answers().c_str() : "no driver\n");
    }

    static std::string answers()
    {
        ask_answers found;
        ask(&found, ask_dlsym);
        return found.text;
    }
};

Device device;

void fail_after_call()
{
    throw std::runtime_error(ask_driver ? Device::answers() : "no driver\n");
}

// A callback of the driver's that throws must be able to leave through the call that runs it.
void throwing(void *)
{
    throw std::runtime_error("thrown in a callback\n");
}

void launch()
{
    using launch_host_function = int (*)(void *, void (*)(void *), void *);
    auto launch = ask_driver ? (launch_host_function)dlsym(ask_driver, "cuLaunchHostFunc") : nullptr;
    if (!launch) {
        printf("cuLaunchHostFunc: not found\n");
        return;
    }
    try {
        printf("cuLaunchHostFunc = %d\n", launch(nullptr, throwing, nullptr));
    } catch (const std::exception &caught) {
        printf("caught: %s", caught.what());
    }
}

} // namespace

int main(int argc, char **argv)
{
    printf("constructor\n%s", device.said.c_str());
    try {
        fail_after_call();
    } catch (const std::exception &caught) {
        printf("caught\n%s", caught.what());
    }
    // Only for a driver that runs the callback in the call itself; a real one would end the
    // program.
    if (argc > 1 && std::string(argv[1]) == "callback")
        launch();
    return 0;
}

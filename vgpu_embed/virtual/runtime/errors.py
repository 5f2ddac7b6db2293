"""The runtime's errors and versions: it initialises the driver at its first call, and keeps each thread's last error.

As in the real runtime, a thread's last error stays until it is asked for, and a runtime that could not be initialised
has no other error than that one (tests/virtual/data/h100-queries.json).
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine


def start(machine: Machine, call: AnyCall) -> None:
    """Initialises the driver at the first call, whichever it is; refuses with what cuInit says."""
    if not machine.runtime_ready:
        refuse_unless_ok(call.make("cuInit", Flags=0).result)
        machine.runtime_ready = True


def refuse_unless_ok(result: int) -> None:
    """Ends the runtime's function with an error of the driver's; the numbers are the same."""
    if result:
        raise Refused(result)


def remember(machine: Machine, result: int | str) -> None:
    """Keeps an error for cudaGetLastError."""
    if result:
        machine.thread.error = int(result)


last_error = Answers()
at_any_time = Answers(reported=remember)


@last_error("cudaPeekAtLastError", "cudaGetLastError")
def get_last_error(machine: Machine, call: AnyCall) -> int:
    start(machine, call)
    error = machine.thread.error
    if call.function == "cudaGetLastError":
        machine.thread.error = 0
    return error


@last_error("cudaGetErrorString")
def error_string(machine: Machine, call: AnyCall) -> str:
    from vgpu_embed.virtual import errors

    return errors.runtime_string(call.number("error"))


@last_error("cudaGetErrorName")
def error_name(machine: Machine, call: AnyCall) -> str:
    from vgpu_embed.virtual import errors

    return errors.runtime_name(call.number("error"))


@at_any_time("cudaDriverGetVersion")
def driver_version(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDriverGetVersion")
    return made.result or call.reply(driverVersion=made.driverVersion)


@at_any_time("cudaRuntimeGetVersion")
def runtime_version(machine: Machine, call: AnyCall) -> int:
    """The newest that the driver can serve: which runtime the program was built for cannot be seen from here."""
    return call.reply(runtimeVersion=machine.driver_version)

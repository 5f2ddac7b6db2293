"""What the modules of NVML share: results, handles, and how a function's outputs are filled."""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed.virtual.answers import Answers, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

UNINITIALIZED = 1
INVALID_ARGUMENT = 2
NOT_SUPPORTED = 3
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
FUNCTION_NOT_FOUND = 13
ARGUMENT_VERSION_MISMATCH = 25
"""NVML_ERROR_… of nvml.h."""

FIRST_HANDLE = 0x76677075
"""What stands for the first device; handles are never looked into."""


def initialised(machine: Machine, call: AnyCall) -> None:
    """Refuses what comes before nvmlInit."""
    if not machine.nvml_users:
        raise Refused(UNINITIALIZED)


at_any_time = Answers()
answers = Answers(ready=initialised)


def order(machine: Machine) -> list[int]:
    """The devices' numbers in the machine, in NVML's order."""
    return sorted(range(len(machine.profiles)), key=lambda number: machine.profiles[number].pci)


def ordered(machine: Machine) -> list[Profile]:
    """The devices in NVML's order."""
    return [machine.profiles[number] for number in order(machine)]


def index_of(machine: Machine, call: AnyCall, handle: Any) -> int:
    """The number of a device that a call is given; refuses a handle that was not given out."""
    found = call.address_of(handle) - FIRST_HANDLE
    if not 0 <= found < len(machine.profiles):
        raise Refused(INVALID_ARGUMENT)
    return found


def index(machine: Machine, call: AnyCall) -> int:
    """The number of the device that a call is about."""
    return index_of(machine, call, call.device)


def number_in_machine(machine: Machine, call: AnyCall) -> int:
    """The device that a call is about, as the machine counts."""
    return order(machine)[index(machine, call)]


def device(machine: Machine, call: AnyCall) -> Profile:
    """The device that a call is about."""
    return machine.profiles[number_in_machine(machine, call)]


def reply_text(call: AnyCall, text: str | None) -> int:
    """Gives a text, if there is one and room for it."""
    if text is None:
        return NOT_SUPPORTED
    return INSUFFICIENT_SIZE if len(text.encode()) >= call.length else call.reply(**to_outputs(call, text))


def reply_number(call: AnyCall, number: int | None) -> int:
    """Gives a number, if there is one, to each output."""
    return NOT_SUPPORTED if number is None else call.reply(**to_outputs(call, number))


def to_outputs(call: AnyCall, value: Any) -> dict[str, Any]:
    """A value for each out-parameter of a function."""
    parameters = tables.function(call.function).parameters or ()
    return {parameter.attribute: value for parameter in parameters if parameter.direction == "out"}

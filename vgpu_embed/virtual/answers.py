"""How the virtual machine's modules say what answers which function."""

from __future__ import annotations

from vgpu_embed.policy import Handler, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from vgpu_embed.policy import Call, Result
    from vgpu_embed.virtual.machine import Machine

    T = TypeVar("T")

    class AnyCall(Call):
        """A call of a function that is not said here."""

        result: Result

        def __getattr__(self, name: str) -> Any: ...

    Answer = Callable[[Any, AnyCall], int | str]  # a Machine, or what extends it


class Refused(Exception):
    """A function ends with an error; the driver's log has why, where that is known."""

    def __init__(self, result: int, why: str = "") -> None:
        super().__init__(f"error {result}")
        self.result = result
        self.why = why


NOT_INITIALIZED = 3
"""CUDA_ERROR_NOT_INITIALIZED."""


def initialised(machine: Machine, call: AnyCall) -> None:
    """Refuses what comes before cuInit."""
    if not machine.driver_ready:
        raise Refused(NOT_INITIALIZED)


def known(objects: dict[int, T], handle: int, refusal: int) -> T:
    """What has a handle; refuses what is none with that result."""
    found = objects.get(handle)
    if found is None:
        raise Refused(refusal)
    return found


def policy_of(machine: Machine, *groups: Answers) -> Policy:
    """A policy of all that these answer."""
    made = Policy()
    for group in groups:
        group.add_to(made, machine)
    return made


class Answers:
    """Functions of the machine, each under the names of the library functions that it answers.

    ready     asked before each answer; raises Refused where the library has to be initialised first
    reported  told each result
    opened    whether outputs can be looked at before anything is written: some may be left out
    """

    def __init__(
        self,
        ready: Callable[[Machine, AnyCall], None] | None = None,
        reported: Callable[[Machine, int | str], None] | None = None,
        opened: bool = False,
    ) -> None:
        self._ready = ready
        self._opened = opened
        self._reported = reported
        self._answers: list[tuple[tuple[str, ...], Answer]] = []
        self._kinds: list[tuple[tuple[str, ...], Answer]] = []

    def __call__(self, *functions: str) -> Callable[[Answer], Answer]:
        """Decorates what answers these functions."""

        def decorate(answer: Answer) -> Answer:
            self._answers.append((functions, answer))
            return answer

        return decorate

    def every(self, functions: tuple[str, ...]) -> Callable[[Answer], Answer]:
        """Decorates what answers all functions of a kind, behind those that are answered by name."""

        def decorate(answer: Answer) -> Answer:
            self._kinds.append((functions, answer))
            return answer

        return decorate

    def add_to(self, policy: Policy, machine: Machine) -> None:
        """Makes hooks of them."""
        for functions, answer in self._answers:
            policy.hook(*functions)(self._hook(machine, answer))
        for kind, answer in self._kinds:
            policy.handlers.append(Handler(policy, "hook", self._hook(machine, answer), kind, (), ()))

    def _hook(self, machine: Machine, answer: Answer) -> Callable[[AnyCall], int | str]:
        ready, opened, reported = self._ready, self._opened, self._reported

        def answered(call: AnyCall) -> int | str:
            """What `asked` comes to for most functions of the driver, in fewest steps."""
            if not machine.driver_ready:
                machine.errors.failed(call.function, NOT_INITIALIZED)
                return NOT_INITIALIZED
            try:
                result = answer(machine, call)
                if result:
                    machine.errors.failed(call.function, result)
                return result
            except Refused as refused:
                machine.errors.failed(call.function, refused.result, refused.why)
                return refused.result

        if ready is initialised and not opened and not reported:
            return answered

        def asked(call: AnyCall) -> int | str:
            why = ""
            try:
                if ready:
                    ready(machine, call)
                if opened:
                    call.reply()
                result = answer(machine, call)
            except Refused as refused:
                result, why = refused.result, refused.why
            if reported:
                reported(machine, result)
            elif result:
                machine.errors.failed(call.function, result, why)
            return result

        return asked

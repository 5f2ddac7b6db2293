"""Asking a policy's handlers about a call: the same in a preloaded process and under `vgpu_embed.testing`."""

from __future__ import annotations

from time import sleep

import vgpu_embed._frames as _frames
import vgpu_embed.tables as tables
from vgpu_embed.frames import NULL_OUTPUT, FrameCall, argument
from vgpu_embed.policy import Handler, Policy, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Verdict = int | str | bytes | None
    Failed = Callable[[Handler, FrameCall, BaseException], Verdict]
    Memory = dict[tuple[Any, ...], "Kept | None"]

DENIED = {"driver": 800, "runtime": 800, "cublas": 14, "nvml": 4, "loader": 0}
"""What a call gets whose hook raised under ``on_error="deny"``: CUDA_ERROR_NOT_PERMITTED, cudaErrorNotPermitted,
CUBLAS_STATUS_INTERNAL_ERROR, NVML_ERROR_NO_PERMISSION."""

KINDS = {"hook": "a hook", "answer": "an answer"}
CALLERS = {
    "driver": "libcuda.so.1",
    "runtime": "libcudart.so",
    "cublas": "libcublas.so",
    "nvml": "libnvidia-ml.so.1",
}
"""File names under which a library's own calls are known to `caller=` patterns."""

ATTEMPTS = range(1000)
MOST_KEPT = 4096
"""Answers that a function keeps here, beside the table that C reads."""


class Kept:
    """What an answer said: the result, and the bytes it wrote, by parameter."""

    __slots__ = ("outputs", "result")

    def __init__(self, result: int | str | bytes, outputs: list[tuple[tables.Parameter, bytes]]) -> None:
        self.result = result
        self.outputs = outputs

    def repeat(self, call: FrameCall) -> Verdict:
        """Answers another call of the same scalar arguments."""
        for parameter, data in self.outputs:
            pointer = argument(call, parameter)
            if not pointer:
                return Result(NULL_OUTPUT[call.row.library])
            call.ffi.memmove(pointer, data, len(data))
        call.written = {**call.written, **{parameter.attribute: len(data) for parameter, data in self.outputs}}
        if not isinstance(self.result, int):
            return self.result
        call.result = Result(self.result)
        return call.result


def handlers_of(policies: Iterable[Policy], function: str, program: str, caller: str) -> list[Handler]:
    """The hooks and answers for a function's calls from a library, in the order in which they are asked."""
    return [
        handler
        for policy in policies
        for handler in policy.handlers
        if function in handler.functions and in_force(handler) and handler.is_for(program, caller)
    ]


def in_force(handler: Handler) -> bool:
    """Whether calls still meet a handler: one that is disabled goes on refusing if its policy says so."""
    return not handler.disabled or handler.policy.on_error == "deny"


def ask_of(handler: Handler, failed: Failed, memory: Memory, tested: bool = False) -> Any:
    """A handler as it is asked: what goes wrong in it is `failed`'s to say.

    `memory` is that of the function, for answers; `tested`: the predicate has been met by whoever asks.
    """
    test = handler.predicate.test if handler.predicate and not tested else None
    if handler.disabled:
        return lambda call: DENIED[call.row.library] if test is None or test(call) else None
    remembers = handler.kind == "answer"

    def ends(handler: Handler, call: FrameCall, error: BaseException) -> Verdict:
        return caught(handler, call, error, failed)

    return _frames.Ask(
        handler=handler,
        function=_remembering(handler, memory) if remembers else handler.function,
        test=test,
        caught=ends,
        remembers=remembers,
    )


def caught(handler: Handler, call: FrameCall, error: BaseException, failed: Failed) -> Verdict:
    """The verdict of a handler that raised, where memory may be short."""
    for _ in ATTEMPTS:
        try:
            return failed(handler, call, error)
        except MemoryError:  # other threads' hooks use it up as well, and let go when they fail
            sleep(0.001)
    return None


def effect_of(handler: Handler, call: FrameCall, cut: bool = False) -> tuple[Verdict, str]:
    """What a call gets whose handler has failed. Counts the failure, may disable the handler.

    With it comes the end of a sentence for the log, or "" where nothing is to be said, or another thread says it.
    `cut`: it took longer than its budget. What the driver has already answered stays.
    """
    call.failed = True
    result = call.forwarded_result()
    denies = handler.policy.on_error == "deny" and result is None
    handler.failures += 1
    handler.in_a_row += 1
    if cut:
        handler.disabled = f"it took longer than its budget of {handler.policy.budget:g} s"
    elif handler.in_a_row >= handler.policy.failures:
        handler.disabled = f"it failed {handler.in_a_row} times in a row"
    end, said, stage = "", handler.said, 2 if handler.disabled else 1
    if stage > said:
        handler.said = stage  # so that no other thread says it
        try:
            reason = f"; {handler.disabled} and is disabled" if handler.disabled and not cut else ""
            effect = "refused" if denies else "forwarded"
            end = f"in {KINDS[handler.kind]} of {call.function}{reason}; such calls are {effect}"
        except MemoryError:
            handler.said = said
            raise
    return (DENIED[call.row.library] if denies else result), end


# ---- answers -------------------------------------------------------------------------------------------------------


def _remembering(handler: Handler, memory: Memory) -> Callable[[Any], Verdict]:
    """An answer's function, asked once for each set of scalar arguments."""
    function = handler.function

    def ask(call: FrameCall) -> Verdict:
        key = (handler, call.caller if handler.caller else "", *scalars(call))
        call.repeated = key in memory
        if call.repeated:
            kept = memory[key]
            return kept.repeat(call) if kept else None
        verdict = function(call)
        if verdict is None and call.has_forwarded:
            verdict = call.result
        kept = kept_of(call, verdict)
        if verdict is None or kept:
            if len(memory) >= MOST_KEPT:
                memory.clear()
            memory[key] = kept
        return verdict

    return ask


def scalars(call: FrameCall) -> list[int]:
    """The arguments that an answer depends on."""
    return [call.number(p.attribute) for p in call.row.parameters or () if p.direction == "in"]


def kept_of(call: FrameCall, verdict: Verdict) -> Kept | None:
    """What is to be remembered of a call: successes whose outputs' sizes are known."""
    is_text = call.row.result_kind == "pointer"
    if not isinstance(verdict, (int, str, bytes) if is_text else int) or (verdict and not is_text):
        return None
    sizes = call.written
    if call.has_forwarded:
        sizes = {p.attribute: size for p in call.row.parameters or () if (size := _size(call, p)) != 0}
    outputs = []
    for parameter in call.row.parameters or ():
        size = sizes.get(parameter.attribute, 0)
        if size < 0:
            return None
        if size:
            outputs.append((parameter, bytes(call.ffi.buffer(argument(call, parameter), size))))
    return Kept(verdict, outputs)


def _size(call: FrameCall, parameter: tables.Parameter) -> int:
    """How many bytes the driver has written; -1 where that is not known, 0 where nothing."""
    if parameter.direction == "in" or not argument(call, parameter):
        return 0
    size = parameter.out_size
    if isinstance(size, str) and size.isidentifier() and parameter.pointee == "char":
        return len(call.ffi.string(argument(call, parameter), call.number(size))) + 1
    return size if isinstance(size, int) else -1

"""What a log says: the three questions that people ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vgpu_embed.doctor import FAULT, OK, Finding, Subject, ollama

OURS = "[libvgpu-cuda] "
TUNABLE = "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096"


def check(subject: Subject) -> Iterator[Finding]:
    """Why there are no lookups in it; why ollama prints compute=0.0; why a device "didn't fully initialize"."""
    log = subject.log
    if log is None:
        return
    failure = re.search(r"\[libvgpu-cuda\] (.*; the policy is not in force)", log)
    if failure is None:
        yield from _lookups(log)
    elif "static TLS" in failure[1]:
        yield Finding("static-tls", FAULT, failure[1], f"start the program with {TUNABLE}")
    else:
        yield Finding("start", FAULT, failure[1], "see the message")
    if re.search(r"compute=0\.0\b", log):
        yield ollama.compute_zero(log)
    for match in re.finditer(r"didn't fully initialize.*?\bid=(\S+)", log):
        what = f"the device {match[1]} was not found again when it was alone visible: {ollama.cause(log)}"
        yield Finding("not-initialized", FAULT, what, "`vgpu-embed doctor ollama` repeats that pass")
    if "entering low vram mode" in log or re.search(r'msg="inference compute" .*library=cpu', log):
        yield Finding("cpu-fallback", FAULT, "ollama has found no GPU and computes on the CPU", ollama.cause(log))


def _lookups(log: str) -> Iterator[Finding]:
    if OURS not in log:
        what = "no line of the library is in the log: it is not in the program, logs errors only, or logs elsewhere"
        remedy = "give --log info --log-file journal: (ollama drops the stderr of its children), and look at `preload`"
        yield Finding("no-dlsym", FAULT, what, remedy)
    elif "] dlsym(" in log or ("] dlopen(" in log and " CALLED " in log):
        yield Finding("dlsym", OK, f"{log.count('] dlsym(handle')} lookups are in the log")
    else:
        what = "the library is in the program, but nobody has looked a CUDA function up"
        remedy = (
            "the level is error (give --log info), or no CUDA backend was loaded: OLLAMA_LLM_LIBRARY, lib/ollama/cuda_*"
        )
        yield Finding("no-dlsym", FAULT, what, remedy)

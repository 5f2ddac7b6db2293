"""ollama: its backends, and its discovery of GPUs, run here as it runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from vgpu_embed.doctor import FAULT, NOTE, OK, Finding, Subject

OLDEST, NEWEST = (0, 12), (0, 32)
"""Versions whose discovery is known."""
TIME_LIMIT = 30  # seconds, as ollama gives each pass
DEVICE = re.compile(r"^\s+(\w+): (.+) \((\d+) MiB, \d+ MiB free\)", re.MULTILINE)
CAPABILITY = re.compile(r"Device (\d+): .*compute capability (\d+)\.(\d+)")
FAILED = re.compile(r"\[libvgpu-cuda\] (\w+\(\)) CALLED (.*) -> (CUDA_ERROR_\w+|cudaError\w+)")
ATTRIBUTE = r"cuDeviceGetAttribute\(\) CALLED \(attrib=75, [^)]*\) -> CUDA_SUCCESS \(pi=(\d+)\)"


def check(subject: Subject) -> Iterator[Finding]:
    """Everything about it, where the program is ollama."""
    if subject.program is None or os.path.basename(subject.program) != "ollama":
        return
    yield from _version(subject)
    libraries = folder_of(subject.program)
    if libraries is None:
        what = f"there is no lib/ollama beside {subject.program}"
        yield Finding("backend", FAULT, what, "install ollama whole: https://ollama.com/download")
        return
    backends = sorted(path.parent for path in libraries.glob("*/libggml-cuda.so"))
    if not backends:
        what = f"{libraries} has no CUDA backend (libggml-cuda.so), so ollama computes on the CPU"
        yield Finding("backend", FAULT, what, "install ollama's CUDA libraries: the archive has cuda_v12 and cuda_v13")
        return
    wrong = list(_chosen(subject, libraries))
    yield from wrong
    if wrong:
        return
    for backend in backends:
        yield from _discovery(subject, libraries, backend)
    yield from _in_use(subject)


def folder_of(program: str) -> Path | None:
    """The folder of ollama's libraries, or None."""
    real = Path(os.path.realpath(program))
    for folder in (real.parent / "../lib/ollama", real.parent / "lib/ollama", real.parent / "build/lib/ollama"):
        if folder.is_dir():
            return folder.resolve()
    return None


def _ask(command: list[str], environment: Mapping[str, str], limit: float = TIME_LIMIT) -> tuple[str, str] | None:
    """What a program prints, on stdout and stderr; None where it cannot be run or does not end."""
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, errors="replace", timeout=limit
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout, done.stderr


def _version(subject: Subject) -> Iterator[Finding]:
    said = _ask([str(subject.program), "--version"], {**subject.environment, "VGPU_DISABLE": "1"}, 10) or ("", "")
    match = re.search(r"version is (\d+)\.(\d+)(\S*)", " ".join(said))
    if match is None:
        yield Finding("ollama", NOTE, f"{subject.program} does not say its version")
    elif not OLDEST <= (int(match[1]), int(match[2])) <= NEWEST:
        what = f"ollama {match[1]}.{match[2]}{match[3]} is not a version whose discovery is known"
        yield Finding("ollama", NOTE, what, "known are {}.{} to {}.{}".format(*OLDEST, *NEWEST))
    else:
        yield Finding("ollama", OK, f"ollama {match[1]}.{match[2]}{match[3]}")


def _chosen(subject: Subject, libraries: Path) -> Iterator[Finding]:
    chosen = subject.environment.get("OLLAMA_LLM_LIBRARY", "")
    there = sorted(path.name for path in libraries.iterdir() if path.is_dir())
    if chosen and chosen not in there:
        what = f"OLLAMA_LLM_LIBRARY={chosen}, but {libraries} has {', '.join(there)}"
        yield Finding("OLLAMA_LLM_LIBRARY", FAULT, what, "unset it, or give one of those")
    elif chosen and not (libraries / chosen / "libggml-cuda.so").exists():
        what = f"OLLAMA_LLM_LIBRARY={chosen} is a backend without CUDA"
        yield Finding("OLLAMA_LLM_LIBRARY", FAULT, what, "unset it, or give one that begins with cuda_")


def architectures(backend: Path) -> list[str]:
    """What a libggml-cuda.so was compiled for, as in its ARCHS: 750, 900; empty where it does not say."""
    try:
        with open(backend, "rb") as file:
            section = ELFFile(file).get_section_by_name(".rodata")
            text = section.data() if section else b""
    except (OSError, ELFError):
        return []
    lists = re.findall(rb"\0(\d{3,4}(?:,\d{3,4})*)\0", text)
    return max(lists, key=len).decode().split(",") if lists else []


class Pass:
    """What ollama's children say of the devices of a backend.

    Attributes:
        devices: name and MiB of each device.
        compute: capability by device, as ollama takes it.
        log: what the library has logged.
    """

    def __init__(self, subject: Subject, libraries: Path, backend: Path, **more: str) -> None:
        users = subject.environment.get("LD_LIBRARY_PATH", "")
        search = ":".join(filter(None, (str(libraries), str(backend), users)))
        with tempfile.TemporaryDirectory(prefix="vgpu-embed-") as folder:
            log = Path(folder, "log")
            env = {
                **subject.environment,
                **more,
                "LD_LIBRARY_PATH": search,
                "VGPU_LOG": "info",
                "VGPU_LOG_FILE": str(log),
            }
            env["GGML_BACKEND_PATH"] = str(backend / "libggml-cuda.so")
            listing = [str(libraries / "llama-server"), "--list-devices", "--offline", "--verbose"]
            listed, shown = _ask(listing, env) or ("", "")
            probe = [str(subject.program), "gpu-discover", "--lib-dir", str(libraries), "--lib-dir", str(backend)]
            answer, _ = _ask(probe, env) or ("", "")
            self.log = log.read_text("utf-8", "replace") if log.exists() else ""
        self.devices = [(match[2], int(match[3])) for match in DEVICE.finditer(listed)]
        self.compute = {int(m[1]): (int(m[2]), int(m[3])) for m in CAPABILITY.finditer(shown)}
        self.compute.update(_probed(answer))


def _probed(answer: str) -> dict[int, tuple[int, int]]:
    try:
        found = json.loads(answer)["devices"] or []
    except (ValueError, KeyError):
        return {}
    return {one["index"]: (one.get("compute_major", 0), one.get("compute_minor", 0)) for one in found}


def _discovery(subject: Subject, libraries: Path, backend: Path) -> Iterator[Finding]:
    first = Pass(subject, libraries, backend)
    if not first.devices:
        yield Finding("no-device", FAULT, f"{backend.name} finds no GPU: {cause(first.log)}", *_remedy(first.log))
        return
    known = architectures(backend / "libggml-cuda.so")
    for index, (name, _) in enumerate(first.devices):
        major, minor = first.compute.get(index, (0, 0))
        if major == 0:
            yield compute_zero(first.log)
        elif known and f"{major}{minor}0" not in known:
            what = f"{name} has compute {major}.{minor}, and {backend.name} is compiled for {', '.join(known)}"
            yield Finding("architecture", FAULT, what, "choose a GPU of one of those with --gpu, or another backend")
        else:
            yield from _alone(subject, libraries, backend, index, f"{name}, compute {major}.{minor}")


def _alone(subject: Subject, libraries: Path, backend: Path, index: int, device: str) -> Iterator[Finding]:
    """ollama's second pass: each device once more, alone visible."""
    visible = alone_visible(subject.environment, index)
    again = Pass(subject, libraries, backend, CUDA_VISIBLE_DEVICES=visible, GGML_CUDA_INIT="1")
    if again.devices:
        yield Finding("discovery", OK, f"{backend.name} finds {device}")
    else:
        yield Finding("not-initialized", FAULT, f"{device}: {cause(again.log)}", *_remedy(again.log))


def alone_visible(environment: Mapping[str, str], index: int) -> str:
    """What makes the device of that number visible alone."""
    users = environment.get("CUDA_VISIBLE_DEVICES", "").replace(",", " ").split()
    return users[index] if index < len(users) else str(index)


def compute_zero(log: str) -> Finding:
    """Why ollama prints compute=0.0, from the library's log lines."""
    asked = re.findall(ATTRIBUTE, log)
    if "0" in asked:
        what = "cuDeviceGetAttribute is answered 0 for attribute 75, the compute capability"
        return Finding("compute-0.0", FAULT, what, "correct what a policy answers for attributes 75 and 76")
    if asked:
        what = "the compute capability is answered, but ollama could not read it"
        return Finding("compute-0.0", FAULT, what, "something prints to the stdout of `ollama gpu-discover`: a policy?")
    what = "nobody has asked the library for attribute 75, the compute capability"
    remedy = "the library is not in `ollama gpu-discover`: see the findings about preload and children"
    return Finding("compute-0.0", FAULT, what, remedy)


def cause(log: str) -> str:
    """The first thing in the library's log that went wrong."""
    if "[libvgpu-cuda] " not in log:
        return "the library is not in ollama's children"
    broken = re.search(r"\[libvgpu-cuda\] (.*; the policy is not in force)", log)
    failed = FAILED.search(log)
    missing = re.search(r"\[libvgpu-cuda\] (\w+\(\) is not implemented)", log)
    first = [match for match in (broken, failed, missing) if match]
    if not first:
        return "the library reports nothing that went wrong"
    match = min(first, key=lambda one: one.start())
    return f"{match[1]} {match[2]} gave {match[3]}" if match is failed else match[1]


def _remedy(log: str) -> tuple[str]:
    if "[libvgpu-cuda] " not in log:
        return ("see the findings about preload and program",)
    if FAILED.search(log):
        return ("a policy refuses that call, or the virtual GPU lacks it: try without --policy",)
    return ("look at CUDA_VISIBLE_DEVICES, and at the lines of VGPU_LOG=debug",)


def _in_use(subject: Subject) -> Iterator[Finding]:
    """The models that a running server holds, and where it computes them."""
    said = _ask([str(subject.program), "ps"], {**subject.environment, "VGPU_DISABLE": "1"}, 5)
    for model, share in re.findall(r"^(\S+).*?\s(\d+%(?:/\d+%)? \S+)", said[0] if said else "", re.MULTILINE):
        if "CPU" in share:
            what = f"`ollama ps`: {model} runs with {share}, so not, or not only, on the GPU"
            remedy = "the model does not fit the memory that the GPU shows (--gpu NAME:memory=…), or no GPU was found"
            yield Finding("cpu-fallback", FAULT, what, remedy)
        else:
            yield Finding("ollama-ps", OK, f"{model} runs with {share}")

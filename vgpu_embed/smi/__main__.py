"""The program: its arguments, and what it does for them."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from vgpu_embed.smi import fields, monitor, report, table
from vgpu_embed.smi.nvml import Device, NoDriver, Nvml

INVALID, NOT_FOUND, NO_DRIVER = 2, 6, 9
"""Exit codes, of nvidia-smi's manual page."""

NO_DRIVER_TEXT = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.\n"
)

USAGE = """\
nvidia-smi of vgpu_embed: virtual GPUs, shown as nvidia-smi shows real ones.

nvidia-smi [OPTION1 [ARG1]] [OPTION2 [ARG2]] ...

    -h,   --help                Print usage information and exit.
          --version             Print version information and exit.

    -L,   --list-gpus           Display a list of the GPUs.
    <no arguments>              Show a summary of the GPUs.
    -q,   --query               Display everything about the GPUs.
    -d,   --display=            With -q, only this, joined by commas: MEMORY, UTILIZATION,
                                ECC, TEMPERATURE, POWER, CLOCK, COMPUTE, PIDS, PERFORMANCE
    --query-gpu=                Properties of the GPUs; --help-query-gpu lists them.
    --query-compute-apps=       Properties of the processes; --help-query-compute-apps lists them.
    --format=                   For --query-gpu and --query-compute-apps: csv[,noheader][,nounits]

    -i,   --id=                 Only these GPUs: indices, UUIDs or bus ids, joined by commas.
    -f,   --filename=           Write to a file, rather than to stdout.
    -l,   --loop=               Again and again, after so many seconds (5).
    -lms, --loop-ms=            The same in milliseconds.

    pmon [-c COUNT] [-d SECONDS] [-i ID] [-s u|m]    Processes, a line a second.
    dmon [-c COUNT] [-d SECONDS] [-i ID]             GPUs, a line a second.

What else nvidia-smi can do, such as changing settings, is not there for a virtual GPU.
"""


class Stop(Exception):
    """The program ends with a text on stdout, as nvidia-smi has it, and an exit code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Parser(argparse.ArgumentParser):
    """Whose errors are nvidia-smi's."""

    def error(self, message: str) -> NoReturn:
        raise Stop(INVALID, f"ERROR: {message}. Please run 'nvidia-smi -h'.\n")


def parser() -> Parser:
    """Of the options that there are without pmon and dmon."""
    made = Parser(add_help=False, allow_abbrev=False)
    for flags in (["-h", "--help"], ["--version"], ["-L", "--list-gpus"], ["-q", "--query"]):
        made.add_argument(*flags, action="store_true")
    for flags in (["--help-query-gpu", "--help-query-gpus"], ["--help-query-compute-apps", "--help-query-apps"]):
        made.add_argument(*flags, action="store_true")
    made.add_argument("--query-gpu", "--query-gpus")
    made.add_argument("--query-compute-apps", "--query-apps")
    made.add_argument("--format")
    made.add_argument("-d", "--display", default="")
    made.add_argument("-i", "--id")
    made.add_argument("-f", "--filename")
    made.add_argument("-l", "--loop", nargs="?", type=float, const=5.0)
    made.add_argument("-lms", "--loop-ms", type=float)
    return made


def monitor_parser() -> Parser:
    """Of those of pmon and dmon."""
    made = Parser(add_help=False, allow_abbrev=False)
    made.add_argument("-c", "--count", type=int)
    made.add_argument("-d", "--delay", type=float, default=1.0)
    made.add_argument("-i", "--id")
    made.add_argument("-s", "--select", default="u")
    return made


def parsed(made: Parser, words: list[str]) -> argparse.Namespace:
    """The options; Stop where there is one that is not known."""
    options, rest = made.parse_known_args(words)
    if rest:
        raise Stop(INVALID, f"ERROR: Option {rest[0]} is not recognized. Please run 'nvidia-smi -h'.\n")
    return options


def chosen(nvml: Nvml, ids: str | None) -> list[Device]:
    """The devices that `-i` names; Stop where one is not there, or where there are none at all."""
    found: list[Device] = []
    for one in ids.split(",") if ids else ():
        text = one.strip().lower()
        names = [(str(d.index), (d.text("UUID") or "").lower(), d.bus_id.lower()) for d in nvml.devices]
        places = [place for place, name in enumerate(names) if text and (text in name or name[2].endswith(f":{text}"))]
        if not places:
            raise Stop(NOT_FOUND, "No devices were found\n")
        found.append(nvml.devices[places[0]])
    if not nvml.devices:
        raise Stop(NOT_FOUND, "No devices were found\n")
    return sorted(found, key=lambda device: device.index) if ids else nvml.devices


def query(
    options: argparse.Namespace, nvml: Nvml, devices: list[Device]
) -> tuple[list[str], Callable[[], Iterator[str]]]:
    """The header of a selective query, and what gives its lines."""
    is_about_gpus = options.query_gpu is not None
    known = fields.gpu_properties() if is_about_gpus else fields.process_properties()
    try:
        properties = fields.select(known, options.query_gpu if is_about_gpus else options.query_compute_apps)
    except fields.UnknownProperty as error:
        raise Stop(INVALID, f'Field "{error}" is not a valid field to query.\n\n') from error
    formats = [part.strip() for part in (options.format or "").split(",")]
    if "csv" not in formats or not {*formats} <= {"csv", "noheader", "nounits"}:
        raise Stop(INVALID, "\"--format=\" takes csv[,noheader][,nounits]. Please run 'nvidia-smi -h' for help.\n")
    has_units = "nounits" not in formats

    def lines() -> Iterator[str]:
        for device in devices:
            for subject in [(device,)] if is_about_gpus else [(device, one) for one in device.processes]:
                yield fields.row(properties, has_units, *subject)

    header = [] if "noheader" in formats else [", ".join(one.header for one in properties)]
    return header, lines


def repeated(lines: Callable[[], Iterable[str]], pause: float | None, count: int | None = None) -> None:
    """Prints lines, again after each pause where there is one."""
    while True:
        for line in lines():
            print(line)
        sys.stdout.flush()
        count = None if count is None else count - 1
        if pause is None or count == 0:
            return
        time.sleep(pause)


def watch(words: list[str]) -> None:
    """pmon and dmon."""
    options = parsed(monitor_parser(), words[1:])
    devices = chosen(Nvml(), options.id)
    if words[0] == "dmon":
        headings, lines = monitor.device_headings(), lambda: monitor.of_devices(devices)
    else:
        has_memory = "m" in options.select
        headings, lines = monitor.process_headings(has_memory), lambda: monitor.processes(devices, has_memory)
    print(*headings, sep="\n")
    repeated(lines, options.delay, options.count)


def show(words: list[str]) -> None:
    """All else."""
    options = parsed(parser(), words)
    if options.help:
        print(USAGE, end="")
        return
    for switch in ("query-gpu", "query-compute-apps"):
        if getattr(options, f"help_{switch.replace('-', '_')}"):
            known = fields.gpu_properties() if switch == "query-gpu" else fields.process_properties()
            print(*fields.described(known, switch), sep="\n")
            return
    nvml = Nvml()
    pause = options.loop_ms / 1000 if options.loop_ms is not None else options.loop
    with contextlib.ExitStack() as stack:
        if options.filename:
            file = stack.enter_context(open(options.filename, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(file))
        if options.version:
            print(*versions(nvml), sep="\n")
            return
        devices = chosen(nvml, options.id)
        repeated(what(options, nvml, devices), pause)


def what(options: argparse.Namespace, nvml: Nvml, devices: list[Device]) -> Callable[[], Iterable[str]]:
    """What gives the lines to print."""
    queries = options.query_gpu is not None or options.query_compute_apps is not None
    if options.list_gpus + options.query + queries > 1 or (options.format and not queries):
        raise Stop(INVALID, "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n")
    if options.list_gpus:
        return lambda: (f"GPU {d.index}: {d.text('Name')} (UUID: {d.text('UUID')})" for d in devices)
    if queries:
        header, lines = query(options, nvml, devices)
        for line in header:
            print(line)
        return lines
    displays = [one.strip().upper() for one in options.display.split(",") if one.strip()]
    if not {*displays} <= {*report.DISPLAYS}:
        raise Stop(INVALID, f"ERROR: -d takes {', '.join(report.DISPLAYS)}. Please run 'nvidia-smi -h'.\n")
    if options.query:
        return lambda: report.lines(nvml, devices, displays)
    return lambda: table.lines(nvml, devices)


def versions(nvml: Nvml) -> Iterator[str]:
    """The lines of --version."""
    driver = nvml.driver or "N/A"
    yield f"NVIDIA-SMI version  : {driver}"
    yield f"NVML version        : {'.'.join(driver.split('.')[:2])}"
    yield f"DRIVER version      : {driver}"
    yield f"CUDA Version        : {nvml.cuda}"


def is_virtual() -> bool:
    """Whether the environment asks for virtual GPUs; if not, the next nvidia-smi on PATH is the right one."""
    environment = os.environ
    if environment.get("VGPU_DISABLE", "") not in ("", "0") or environment.get("VGPU_MODE") == "native":
        return False
    return any(environment.get(name) for name in ("VGPU_GPU", "VGPU_POLICY", "VGPU_MODE"))


def pass_on(words: list[str]) -> int:
    """Becomes the next nvidia-smi on PATH; there being none, says what nvidia-smi says without a driver."""
    own = os.path.realpath(os.path.join(os.path.dirname(__file__), "bin"))
    folders = [one for one in os.environ.get("PATH", "").split(os.pathsep) if os.path.realpath(one) != own]
    found = shutil.which("nvidia-smi", path=os.pathsep.join(folders))
    if found:
        os.execv(found, [found, *words])
    print(NO_DRIVER_TEXT)
    return NO_DRIVER


def main(words: list[str]) -> int:
    """The program; its exit code."""
    if not is_virtual():
        return pass_on(words)
    try:
        watch(words) if words[:1] in (["pmon"], ["dmon"]) else show(words)
        sys.stdout.flush()
    except Stop as stop:
        print(stop, end="")
        return stop.code
    except NoDriver:
        print(NO_DRIVER_TEXT)
        return NO_DRIVER
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

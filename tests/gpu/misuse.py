"""Asks a CUDA driver for what is wrong or at an edge, and prints what it says, as JSON.

    python misuse.py [--driver libcuda.so.1] [--calls] [--devices N] [CASE …] >answers.json

An answer is the list of results in the order of the calls, with small outputs between them; `--calls` writes the
name beside each. Cases run in a process that is replaced when one of them kills it, hangs, or leaves a context
behind in which nothing works any more. A CASE is a name or its beginning. Those that need two devices are left out
where there is one; `--devices 2` asks only these.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import selectors
import subprocess
import sys
import time

from misuses import (  # noqa: F401 (each adds its cases)
    arrays,
    batches,
    capture,
    contexts,
    devices,
    events,
    graphs,
    launches,
    linking,
    logs,
    mapping,
    memory,
    modules,
    peers,
    pools,
    streams,
    tensors,
    textures,
)
from misuses.session import CASES, Session, SetupError

PATIENCE = 10.0
START = 60.0


def work(driver: str, names: list[str], channel: int) -> None:
    """Asks the cases, a line for each thing that is known; ends early where what follows needs another process."""

    def line(*values: object) -> None:
        os.write(channel, (json.dumps(values) + "\n").encode())

    session = Session(driver, lambda label, value: line("note", label, value))
    if not CASES[names[0]].uninitialized:
        session.must("cuInit", 0)
        session.primary = session.make("cuDevicePrimaryCtxRetain", 0)
    for name in names:
        case = CASES[name]
        line("begin", name)
        try:
            session.in_thread(lambda case=case: case.ask(session), context=0 if case.bare else session.primary)  # type: ignore[misc]
        except SetupError as error:
            line("note", "setup", str(error))
        line("end", name)
        if case.alone or unusable(session):
            break
    # Destructors of the driver have nothing to say here.
    os._exit(0)


def unusable(session: Session) -> bool:
    """Whether the primary context fails, as after an illegal address."""
    failed: list[int] = []

    def look() -> None:
        failed.append(session.call("cuCtxSetCurrent", session.primary) or session.call("cuCtxSynchronize"))

    session.in_thread(look)
    return failed != [0]


class Asking:
    """One process after the other, until every case has an answer."""

    def __init__(self, driver: str, names: list[str], calls: bool) -> None:
        self.driver, self.waiting, self.calls = driver, list(names), calls
        self.answers: dict[str, object] = {}

    def all(self) -> dict[str, object]:
        while self.waiting:
            self.one_process(self.batch())
        return self.answers

    def batch(self) -> list[str]:
        """What the next process is asked: a case that wants to be alone, or all those that do not."""
        if CASES[self.waiting[0]].alone:
            return self.waiting[:1]
        return [name for name in self.waiting if not CASES[name].alone]

    def one_process(self, names: list[str]) -> None:
        before = len(self.waiting)
        ours, theirs = os.pipe()
        command = [sys.executable, os.path.abspath(__file__), "--driver", self.driver, "--work", str(theirs), *names]
        # What the driver prints is not an answer.
        process = subprocess.Popen(command, pass_fds=[theirs], stdin=subprocess.DEVNULL, stdout=sys.stderr)
        os.close(theirs)
        begun, notes, late = self.listen(ours)
        os.close(ours)
        if late:
            process.kill()
        process.wait()
        if begun is None and len(self.waiting) == before:
            begun = names[0]  # it did not get to a case: the driver could not be started
        if begun is not None:
            died = {"signal": -process.returncode} if process.returncode < 0 else {"exit": process.returncode}
            self.answer(begun, {"hangs": True, "before": notes} if late else {**died, "before": notes})

    def listen(self, channel: int) -> tuple[str | None, list[object], bool]:
        """Takes answers until the process ends or is late: the case it was in then, its notes, whether it was late."""
        begun: str | None = None
        notes: list[object] = []
        buffered = b""
        with selectors.DefaultSelector() as selector:
            selector.register(channel, selectors.EVENT_READ)
            until = time.monotonic() + START
            while selector.select(max(until - time.monotonic(), 0)):
                read = os.read(channel, 1 << 16)
                if not read:
                    return begun, notes, False
                *lines, buffered = (buffered + read).split(b"\n")
                for kind, *values in map(json.loads, lines):
                    if kind == "begin":
                        begun, notes, until = values[0], [], time.monotonic() + PATIENCE
                    elif kind == "note":
                        notes.append(values if self.calls else values[1])
                    else:
                        self.answer(values[0], notes)
                        begun, until = None, time.monotonic() + PATIENCE
        return begun, notes, True

    def answer(self, name: str, answer: object) -> None:
        self.answers[name] = answer
        self.waiting.remove(name)


def about(driver: str) -> dict[str, object]:
    """The driver's version, the name of device 0 and how many there are, from a process of their own."""
    code = (
        "import ctypes, json, sys; d = ctypes.CDLL(sys.argv[1]);"
        "v = ctypes.c_int(); n = ctypes.create_string_buffer(256); c = ctypes.c_int();"
        "r = d.cuInit(0) or d.cuDriverGetVersion(ctypes.byref(v)) or d.cuDeviceGetName(n, 256, 0);"
        "r = r or d.cuDeviceGetCount(ctypes.byref(c));"
        "known = {'driver': v.value, 'name': n.value.decode(), 'devices': c.value};"
        "print(json.dumps(known) if r == 0 else sys.exit(f'cuInit: {r}'))"
    )
    done = subprocess.run([sys.executable, "-c", code, driver], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", default="libcuda.so.1")
    parser.add_argument("--calls", action="store_true", help="write the name of what was called beside each result")
    parser.add_argument("--devices", type=int, help="only cases that need so many devices")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    parser.add_argument("case", nargs="*")
    given = parser.parse_args()
    if given.work is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        work(given.driver, given.case, given.work)
    known = about(given.driver)
    wanted = range(1, int(str(known["devices"])) + 1) if given.devices is None else [given.devices]
    chosen = [
        name
        for name, case in CASES.items()
        if case.devices in wanted and (not given.case or name.startswith(tuple(given.case)))
    ]
    if not chosen:
        parser.error("no such case")
    begun = time.monotonic()
    head = json.dumps(known)[:-1]
    answers = Asking(given.driver, chosen, given.calls).all()
    ordered = {name: answers[name] for name in chosen}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(answer)}" for name, answer in ordered.items())
    print(f'{head}, "cases": {{\n{lines}\n}}}}')
    print(f"{len(chosen)} cases in {time.monotonic() - begun:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()

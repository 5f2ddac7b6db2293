"""What a process with the library in it has done so far. Only files are read, so it may hang."""

from __future__ import annotations

import glob
import os
from typing import Any

from vgpu_embed import ledger
from vgpu_embed.inspect.maps import Preloaded
from vgpu_embed.inspect.recording import Counts, NotARecording, Recording


class State:
    """The state of a process.

    Attributes:
        process: whose it is.
        info: what it says of itself, see docs/traces.md; empty where it has not started Python, or cannot be read.
        calls: counts by function.
        dropped: events that found no room.
        memory: what it holds, and who shares its quota, as `vgpu_embed.ledger.usage` gives it.
        problem: why something could not be read, or "".
    """

    def __init__(self, process: Preloaded) -> None:
        self.process = process
        self.info: dict[str, Any] = {}
        self.calls: dict[str, Counts] = {}
        self.dropped = 0
        self.memory: list[dict[str, Any]] = []
        self.problem = ""
        if process.recording:
            try:
                self._read(process.recording)
            except (OSError, NotARecording) as error:
                self.problem = str(error)

    def _read(self, path: str) -> None:
        with Recording(path) as recording:
            self.info = recording.info
            self.calls = recording.counts()
            self.dropped = recording.dropped
        for held in glob.glob(f"{glob.escape(os.path.dirname(path))}/{ledger.PREFIX}*{ledger.SUFFIX}"):
            try:
                usage = ledger.usage(held)
            except (OSError, ledger.LedgerError) as error:
                self.problem = str(error)
                continue
            if any(one["pid"] == self.process.pid for one in usage):
                self.memory += usage

    @property
    def policies(self) -> list[str]:
        """Those in force, or those that it was started with."""
        return [one["path"] for one in self.info.get("policies", ())] or self.process.policies

    @property
    def devices(self) -> list[str]:
        """The same of its devices."""
        return self.info.get("devices") or self.process.devices

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        process, info = self.process, self.info
        return {
            "pid": process.pid,
            "name": process.name,
            "user": process.user,
            "mode": info.get("mode", process.mode),
            "devices": self.devices,
            "policies": self.policies,
            "library": process.library,
            "generation": info.get("generation"),
            "sha256": {one["path"]: one["sha256"] for one in info.get("policies", ())},
            "options": info.get("options", {}),
            "seed": info.get("seed"),
            "driver": info.get("driver", {"version": None, "path": None}),
            "calls": {name: count._asdict() for name, count in self.calls.items()},
            "dropped": self.dropped,
            "errors": info.get("errors", []),
            "failures": info.get("failures", 0),
            "disabled": info.get("disabled", []),
            "reload_error": info.get("reload_error"),
            "skipped": info.get("skipped", {}),
            "memory": self.memory,
            "problem": self.problem,
        }

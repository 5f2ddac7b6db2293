"""Asks NVML, through libnvidia-ml.so.1 as any program does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vgpu_embed.smi._nvml import ffi

LIBRARY = Path(__file__).resolve().parent.parent / "virtual/lib/libnvidia-ml.so.1"
"""Virtual mode's. Where it is preloaded this is the one that is there; where not, it is opened from here."""


def text_of(buffer: Any) -> str:
    """A C string."""
    text: Any = ffi.string(buffer)
    return str(text.decode(errors="replace"))


class NoDriver(Exception):
    """NVML cannot be initialised."""


class Nvml:
    """The library, initialised.

    Attributes:
        devices: all of them, by index.
    """

    def __init__(self) -> None:
        """Raises NoDriver."""
        try:
            self._library = ffi.dlopen(str(LIBRARY))
        except OSError as error:
            raise NoDriver(str(error)) from error
        if self.call("nvmlInit_v2"):
            raise NoDriver("nvmlInit_v2 failed")
        count = self.number("nvmlDeviceGetCount_v2") or 0
        self.devices = [Device(self, index) for index in range(count)]

    def call(self, function: str, *arguments: Any) -> int:
        """The result of a function."""
        return int(getattr(self._library, function)(*arguments))

    def number(self, function: str, *arguments: Any, kind: str = "unsigned int *") -> int | None:
        """The number that a function writes behind its arguments; None where it has none to give."""
        out = ffi.new(kind)
        return None if self.call(function, *arguments, out) else int(out[0])

    def text(self, function: str, *arguments: Any, room: int = 96) -> str | None:
        """The same of a text and the length of its buffer."""
        out = ffi.new("char[]", room)
        return None if self.call(function, *arguments, out, room) else text_of(out)

    @property
    def driver(self) -> str | None:
        """The driver's version."""
        return self.text("nvmlSystemGetDriverVersion")

    @property
    def cuda(self) -> str | None:
        """The CUDA version of the driver."""
        version = self.number("nvmlSystemGetCudaDriverVersion_v2", kind="int *")
        return None if version is None else f"{version // 1000}.{version % 1000 // 10}"

    def process_name(self, pid: int) -> str | None:
        """The first word of a process's command line."""
        return self.text("nvmlSystemGetProcessName", pid, room=1024)


class Process:
    """A process that holds memory of a device, in bytes."""

    def __init__(self, pid: int, name: str | None, memory: int) -> None:
        self.pid, self.name, self.memory = pid, name or "[Not Found]", memory


class Device:
    """A GPU. What it cannot say is None. Getters are named without nvmlDeviceGet."""

    def __init__(self, nvml: Nvml, index: int) -> None:
        self.nvml = nvml
        self.index = index
        handle = ffi.new("nvmlDevice_t *")
        nvml.call("nvmlDeviceGetHandleByIndex_v2", index, handle)
        self._handle = handle[0]

    def number(self, getter: str, *kinds: int, kind: str = "unsigned int *") -> int | None:
        """A number, of the kind that further arguments say."""
        return self.nvml.number(f"nvmlDeviceGet{getter}", self._handle, *kinds, kind=kind)

    def wide(self, getter: str, *kinds: int) -> int | None:
        """A number of 64 bits."""
        return self.number(getter, *kinds, kind="unsigned long long *")

    def numbers(self, getter: str, count: int, kind: str = "unsigned int[]") -> list[int] | None:
        """Several numbers."""
        out = ffi.new(kind, count)
        outs = [out + place for place in range(count)]
        return None if self.nvml.call(f"nvmlDeviceGet{getter}", self._handle, *outs) else list(out)

    def text(self, getter: str) -> str | None:
        """A text."""
        return self.nvml.text(f"nvmlDeviceGet{getter}", self._handle)

    def filled(self, getter: str, struct: str, **fields: int) -> Any:
        """A struct, given some of its fields."""
        out = ffi.new(f"{struct} *", fields)
        return None if self.nvml.call(f"nvmlDeviceGet{getter}", self._handle, out) else out

    @property
    def pci(self) -> Any:
        """Its PCI location and ids."""
        return self.filled("PciInfo_v3", "nvmlPciInfo_t")

    @property
    def bus_id(self) -> str:
        """The location as nvidia-smi prints it."""
        return text_of(self.pci.busId)

    @property
    def memory(self) -> Any:
        """Total, reserved, free and used, in bytes."""
        return self.filled("MemoryInfo_v2", "nvmlMemory_v2_t", version=2 << 24 | ffi.sizeof("nvmlMemory_v2_t"))

    @property
    def margin(self) -> int | None:
        """How much warmer it may get, in degrees."""
        version = 1 << 24 | ffi.sizeof("nvmlMarginTemperature_t")
        found = self.filled("MarginTemperature", "nvmlMarginTemperature_t", version=version)
        return None if found is None else int(found.marginTemperature)

    def field(self, number: int) -> int | None:
        """The value of a field (NVML_FI_…) that is an unsigned int."""
        value = ffi.new("nvmlFieldValue_t[1]", [{"fieldId": number}])
        result = self.nvml.call("nvmlDeviceGetFieldValues", self._handle, 1, value)
        return None if result or value[0].nvmlReturn else int(value[0].value.uiVal)

    @property
    def processes(self) -> list[Process]:
        """Those that compute on it."""
        count = ffi.new("unsigned int *", 0)
        function = "nvmlDeviceGetComputeRunningProcesses_v3"
        self.nvml.call(function, self._handle, count, ffi.NULL)
        infos = ffi.new("nvmlProcessInfo_t[]", max(2 * count[0], 1))
        count[0] = len(infos)
        if self.nvml.call(function, self._handle, count, infos):
            return []
        found = infos[0 : count[0]]
        return [Process(info.pid, self.nvml.process_name(info.pid), info.usedGpuMemory) for info in found]

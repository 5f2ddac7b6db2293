"""Reads how a real driver, runtime and NVML answer queries and their misuse, as JSON.

Run it on a machine with a driver, the runtimes' files as arguments, each named by the layout of its cudaDeviceProp:
`python3 read_queries.py v12=libcudart.so.12 v13=libcudart.so.13 > queries.json`. It needs the standard library only.
An answer is [result, value]; outputs start as POISON, so that an unwritten one shows.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from typing import Any

POISON = 0x77777777
INT, UINT, WORD, POINTER = ctypes.c_int, ctypes.c_uint, ctypes.c_ulonglong, ctypes.c_void_p

NUMBERS = (
    "Index",
    "MinorNumber",
    "BoardId",
    "Brand",
    "Architecture",
    "NumGpuCores",
    "MemoryBusWidth",
    "NumFans",
    "FanSpeed",
    "BusType",
    "MaxPcieLinkGeneration",
    "GpuMaxPcieLinkGeneration",
    "CurrPcieLinkGeneration",
    "MaxPcieLinkWidth",
    "CurrPcieLinkWidth",
    "PcieLinkMaxSpeed",
    "PcieSpeed",
    "MultiGpuBoard",
    "PersistenceMode",
    "DisplayMode",
    "DisplayActive",
    "ComputeMode",
    "PerformanceState",
    "PowerState",
    "PowerUsage",
    "PowerManagementMode",
    "PowerManagementDefaultLimit",
    "PowerManagementLimit",
    "EnforcedPowerLimit",
    "AccountingMode",
    "RetiredPagesPendingStatus",
    "VirtualizationMode",
    "GpuInstanceId",
    "ComputeInstanceId",
)


class Library:
    """A library whose calls give [result, value of the first output]."""

    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)

    def call(self, name: str, *arguments: Any) -> int:
        """The bare result; -1 where there is no such function."""
        try:
            return int(getattr(self.library, name)(*arguments))
        except AttributeError:
            return -1

    def number(self, name: str, *arguments: Any, at: int = 0, kind: Any = INT) -> list[Any]:
        """[result, number written], the output being argument number `at`."""
        out = kind(POISON)
        rest = list(arguments)
        rest.insert(at, ctypes.byref(out))
        return [self.call(name, *rest), out.value]

    def raw(self, name: str, size: int, *arguments: Any, at: int = 0, begin: bytes = b"") -> list[Any]:
        """[result, bytes written as hexadecimal digits]."""
        out = ctypes.create_string_buffer(begin + b"w" * (size - len(begin)), size)
        rest = list(arguments)
        rest.insert(at, out)
        return [self.call(name, *rest), out.raw.hex()]

    def text(self, name: str, *arguments: Any) -> str | None:
        """What a function that returns text returns."""
        function = getattr(self.library, name)
        function.restype = ctypes.c_char_p
        found = function(*arguments)
        function.restype = INT
        return None if found is None else str(found.decode())


def uninitialised(cuda: Library) -> dict[str, Any]:
    """The driver before cuInit."""
    return {
        "version": cuda.number("cuDriverGetVersion"),
        "count": cuda.number("cuDeviceGetCount"),
        "count_null": cuda.call("cuDeviceGetCount", None),
        "get": cuda.number("cuDeviceGet", 0),
        "name": cuda.raw("cuDeviceGetName", 8, 8, 0),
        "name_null": cuda.call("cuDeviceGetName", None, 8, 0),
        "attribute": cuda.number("cuDeviceGetAttribute", 75, 0),
        "total": cuda.number("cuDeviceTotalMem_v2", 0, kind=WORD),
        "by_pci": cuda.number("cuDeviceGetByPCIBusId", b"0000:00:06.0"),
        "pci": cuda.raw("cuDeviceGetPCIBusId", 16, 16, 0),
        "memory": cuda.number("cuMemGetInfo_v2", ctypes.byref(WORD()), kind=WORD),
        "granularity": cuda.number("cuMemGetAllocationGranularity", allocation(1, 1, 0), 0, kind=WORD),
        "error_string": error_text(cuda, "cuGetErrorString", 1),
        "init_flags_1": cuda.call("cuInit", 1),
        "count_after_failed_init": cuda.number("cuDeviceGetCount"),
    }


def allocation(kind: int, location: int, device: int, handles: int = 0) -> Any:
    """A CUmemAllocationProp."""
    words = (INT * 8)(kind, handles, location, device, 0, 0, 0, 0)
    return ctypes.byref(words)


def error_text(cuda: Library, name: str, code: int) -> list[Any]:
    out = ctypes.c_char_p(b"unwritten")
    result = cuda.call(name, code, ctypes.byref(out))
    return [result, None if out.value is None else out.value.decode()]


def driver() -> dict[str, Any]:
    """The driver API of device 0."""
    cuda = Library("libcuda.so.1")
    answers: dict[str, Any] = {"uninitialised": uninitialised(cuda)}
    answers["init"] = [cuda.call("cuInit", 0), cuda.call("cuInit", 0)]
    answers["version_null"] = cuda.call("cuDriverGetVersion", None)
    answers["count_null"] = cuda.call("cuDeviceGetCount", None)
    answers["get"] = {str(n): cuda.number("cuDeviceGet", n) for n in (0, 9, -1)}
    answers["get_null"] = cuda.call("cuDeviceGet", None, 0)
    answers["get_null_9"] = cuda.call("cuDeviceGet", None, 9)
    sizes = (4, 12, 13, 14, 32)  # NVIDIA's code runs over the stack at 0 and below
    answers["name"] = {str(n): cuda.raw("cuDeviceGetName", 40, n, 0) for n in sizes}
    answers["name_9"] = cuda.raw("cuDeviceGetName", 8, 8, 9)
    answers["name_null_9"] = cuda.call("cuDeviceGetName", None, 8, 9)
    answers["pci"] = {str(n): cuda.raw("cuDeviceGetPCIBusId", 40, n, 0) for n in sizes}
    answers["pci_9"] = cuda.raw("cuDeviceGetPCIBusId", 16, 16, 9)
    answers["pci_null"] = cuda.call("cuDeviceGetPCIBusId", None, 16, 0)
    own = bytes.fromhex(answers["pci"]["32"][1]).split(b"\0")[0].decode()
    spellings = (own, own.lower(), own[5:], own[5:-2], own[:-2], "0000" + own, own[1:], "00:6.0")
    others = ("0000:77:00.0", "x", "", own + "x", own[:-1] + "1", " " + own, "0:0:6.0", "0:0:6")
    answers["by_pci"] = {
        text.replace(own, "{own}"): cuda.number("cuDeviceGetByPCIBusId", text.encode())
        for text in (*spellings, *others)
    }
    answers["own_pci"] = own
    answers["by_pci_out_null"] = cuda.call("cuDeviceGetByPCIBusId", None, own.encode())
    answers["uuid_null"] = cuda.call("cuDeviceGetUuid_v2", None, 0)
    answers["uuid_9"] = cuda.raw("cuDeviceGetUuid_v2", 16, 9)
    answers["luid"] = cuda.raw("cuDeviceGetLuid", 8, ctypes.byref(UINT()), 0)
    mask = UINT(POISON)
    answers["luid_mask"] = [
        cuda.call("cuDeviceGetLuid", ctypes.create_string_buffer(8), ctypes.byref(mask), 0),
        mask.value,
    ]
    answers["total_v1"] = cuda.number("cuDeviceTotalMem", 0, kind=UINT)
    answers["total_null"] = cuda.call("cuDeviceTotalMem_v2", None, 0)
    answers["total_9"] = cuda.number("cuDeviceTotalMem_v2", 9, kind=WORD)
    answers["properties"] = cuda.raw("cuDeviceGetProperties", 56, 0)
    answers["properties_9"] = cuda.raw("cuDeviceGetProperties", 56, 9)
    answers["properties_null"] = cuda.call("cuDeviceGetProperties", None, 0)
    answers["capability_null"] = [
        cuda.call("cuDeviceComputeCapability", None, ctypes.byref(INT()), 0),
        cuda.call("cuDeviceComputeCapability", ctypes.byref(INT()), None, 0),
        cuda.call("cuDeviceComputeCapability", None, None, 9),
    ]
    answers["attribute"] = {str(n): cuda.number("cuDeviceGetAttribute", n, 0) for n in (0, -1, 148, 9999)}
    answers["attribute_9999_on_9"] = cuda.number("cuDeviceGetAttribute", 9999, 9)
    answers["attribute_null_9"] = cuda.call("cuDeviceGetAttribute", None, 75, 9)
    answers["peer"] = [cuda.number("cuDeviceCanAccessPeer", 0, n) for n in (0, 9)]
    answers["memory_without_context"] = cuda.number("cuMemGetInfo_v2", ctypes.byref(WORD()), kind=WORD)
    answers["granularity"] = {
        f"type {kind}, location {location}, device {device}, handles {handles}, option {option}": (
            cuda.number(
                "cuMemGetAllocationGranularity",
                allocation(kind, location, device, handles),
                option,
                kind=WORD,
            )
        )
        for kind, location, device, handles, option in (
            (1, 1, 0, 0, 0),
            (1, 1, 0, 0, 1),
            (1, 1, 0, 0, 7),
            (1, 1, 9, 0, 0),
            (0, 1, 0, 0, 0),
            (2, 1, 0, 0, 0),
            (1, 0, 0, 0, 0),
            (1, 2, 0, 0, 0),
            (1, 3, 0, 0, 0),
            (1, 4, 0, 0, 0),
            (1, 9, 0, 0, 0),
            (1, 1, 0, 1, 0),
            (1, 1, 0, 2, 0),
            (1, 1, 0, 8, 0),
            (1, 1, 0, 64, 0),
        )
    }
    answers["granularity_null"] = [
        cuda.number("cuMemGetAllocationGranularity", None, 0, kind=WORD),
        cuda.call("cuMemGetAllocationGranularity", None, allocation(1, 1, 0), 0),
    ]
    for key, name in (("strings", "cuGetErrorString"), ("names", "cuGetErrorName")):
        texts = {code: error_text(cuda, name, code) for code in range(1000)}
        answers[key] = {code: text for code, (result, text) in texts.items() if not result}
        answers[key + "_unknown"] = error_text(cuda, name, 12345)
    return answers


def runtime(path: str, layout: str) -> dict[str, Any]:
    """The runtime API of device 0."""
    cuda = Library(path)
    get, size = {
        "v12": ("cudaGetDeviceProperties_v2", 1032),
        "v13": ("cudaGetDeviceProperties", 1008),
    }[layout]

    def errors() -> list[int]:
        return [cuda.call("cudaPeekAtLastError"), cuda.call("cudaGetLastError")]

    answers: dict[str, Any] = {"errors_at_start": errors()}
    answers["runtime_version"] = cuda.number("cudaRuntimeGetVersion")
    answers["runtime_version_null"] = [cuda.call("cudaRuntimeGetVersion", None), errors()]
    answers["driver_version"] = cuda.number("cudaDriverGetVersion")
    answers["driver_version_null"] = [cuda.call("cudaDriverGetVersion", None), errors()]
    answers["count"] = [cuda.number("cudaGetDeviceCount"), errors()]
    if answers["count"][0][0]:
        answers["device"] = [cuda.number("cudaGetDevice"), errors()]
        answers["set"] = [cuda.call("cudaSetDevice", 0), errors()]
        answers["properties"] = [cuda.raw(get, size, 0)[0], errors()]
        answers["memory"] = [cuda.number("cudaMemGetInfo", ctypes.byref(WORD()), kind=WORD), errors()]
        answers["count_again"] = cuda.number("cudaGetDeviceCount")
        return answers
    answers["count_null"] = [cuda.call("cudaGetDeviceCount", None), errors()]
    answers["device"] = [cuda.number("cudaGetDevice"), errors()]
    answers["device_null"] = [cuda.call("cudaGetDevice", None), errors()]
    result, digits = cuda.raw(get, size, 0)
    uuid = slice(2 * 256, 2 * (256 + 16))
    answers["properties"] = [result, digits.replace(digits[uuid], "0" * 32)]
    answers["properties_9"] = [cuda.raw(get, size, 9)[0], errors()]
    answers["properties_null"] = [cuda.call(get, None, 0), errors()]
    answers["properties_null_9"] = [cuda.call(get, None, 9), errors()]
    answers["attributes"] = {str(n): cuda.number("cudaDeviceGetAttribute", n, 0) for n in (*range(0, 152), -1, 9999)}
    answers["errors_after_attributes"] = errors()
    answers["attribute_9"] = [cuda.number("cudaDeviceGetAttribute", 75, 9), errors()]
    answers["attribute_null"] = [cuda.call("cudaDeviceGetAttribute", None, 75, 0), errors()]
    answers["attribute_9999_on_9"] = cuda.number("cudaDeviceGetAttribute", 9999, 9)
    errors()
    answers["pci"] = {str(n): cuda.raw("cudaDeviceGetPCIBusId", 40, n, 0) for n in (-1, 0, 4, 12, 13, 14, 32)}
    errors()
    answers["pci_9"] = [cuda.raw("cudaDeviceGetPCIBusId", 16, 16, 9), errors()]
    answers["by_pci"] = [[cuda.number("cudaDeviceGetByPCIBusId", text), errors()] for text in (b"0000:77:00.0", b"x")]
    answers["set"] = {str(n): [cuda.call("cudaSetDevice", n), errors()] for n in (9, -1, 0)}
    answers["set_fails"] = cuda.call("cudaSetDevice", 9)
    answers["success_after_failure"] = cuda.number("cudaGetDevice")
    answers["error_kept"] = [errors(), errors()]
    total = WORD()
    answers["memory"] = [cuda.number("cudaMemGetInfo", ctypes.byref(total), kind=WORD), total.value]
    answers["memory_null"] = [
        [cuda.call("cudaMemGetInfo", None, ctypes.byref(WORD())), errors()],
        [cuda.call("cudaMemGetInfo", ctypes.byref(WORD()), None), errors()],
    ]
    answers["peer"] = [[cuda.number("cudaDeviceCanAccessPeer", 0, n), errors()] for n in (0, 9)]
    answers["flags"] = cuda.number("cudaGetDeviceFlags")
    texts = {code: cuda.text("cudaGetErrorString", code) for code in range(1000)}
    unknown = answers["string_unknown"] = cuda.text("cudaGetErrorString", 12345)
    answers["strings"] = {code: text for code, text in texts.items() if text != unknown}
    answers["name_unknown"] = cuda.text("cudaGetErrorName", 12345)
    answers["names"] = {code: cuda.text("cudaGetErrorName", code) for code in answers["strings"]}
    answers["errors_at_end"] = errors()
    return answers


def nvml() -> dict[str, Any]:
    """NVML, before, while and after it is initialised."""
    nvml = Library("libnvidia-ml.so.1")
    answers: dict[str, Any] = {
        "uninitialised": {
            "shutdown": nvml.call("nvmlShutdown"),
            "count": nvml.number("nvmlDeviceGetCount_v2"),
            "count_null": nvml.call("nvmlDeviceGetCount_v2", None),
            "driver": nvml.raw("nvmlSystemGetDriverVersion", 16, 16),
            "nvml": nvml.raw("nvmlSystemGetNVMLVersion", 16, 16),
            "cuda": nvml.number("nvmlSystemGetCudaDriverVersion"),
            "cuda_v2": nvml.number("nvmlSystemGetCudaDriverVersion_v2"),
            "by_index": nvml.number("nvmlDeviceGetHandleByIndex_v2", 0, at=1, kind=WORD)[0],
            "name": nvml.call("nvmlDeviceGetName", None, None, 0),
        }
    }
    codes = (*range(0, 40), 998, 999, 12345, 2**32 - 1)
    answers["strings"] = {str(code): nvml.text("nvmlErrorString", UINT(code)) for code in codes}
    answers["init"] = [nvml.call("nvmlInit_v2"), nvml.call("nvmlInit"), nvml.call("nvmlInitWithFlags", 1)]
    answers["shutdown"] = [nvml.call("nvmlShutdown"), nvml.call("nvmlShutdown")]
    answers["count"] = nvml.number("nvmlDeviceGetCount_v2")
    answers["count_v1"] = nvml.number("nvmlDeviceGetCount")
    answers["count_null"] = nvml.call("nvmlDeviceGetCount_v2", None)
    answers["driver"] = {str(n): nvml.raw("nvmlSystemGetDriverVersion", 16, n) for n in (0, 4, 10, 11, 12, 16)}
    answers["driver_null"] = nvml.call("nvmlSystemGetDriverVersion", None, 16)
    answers["nvml"] = {str(n): nvml.raw("nvmlSystemGetNVMLVersion", 16, n) for n in (0, 4, 16)}
    answers["cuda"] = nvml.number("nvmlSystemGetCudaDriverVersion")
    answers["cuda_v2"] = nvml.number("nvmlSystemGetCudaDriverVersion_v2")
    answers["cuda_null"] = nvml.call("nvmlSystemGetCudaDriverVersion", None)
    device = POINTER()
    handle = ctypes.byref(device)
    answers["by_index"] = {
        str(n): nvml.call("nvmlDeviceGetHandleByIndex_v2", UINT(n), handle) for n in (9, 2**32 - 1, 0)
    }
    answers["by_index_null"] = nvml.call("nvmlDeviceGetHandleByIndex_v2", 0, None)
    uuid = bytes.fromhex(nvml.raw("nvmlDeviceGetUUID", 96, device, 96, at=1)[1]).split(b"\0")[0]
    spellings = {
        "own": uuid,
        "without GPU-": uuid[4:],
        "upper": b"GPU" + uuid[3:].upper(),
        "shorter": uuid[:-1],
        "longer": uuid + b"0",
        "space": uuid + b" ",
        "other": uuid[:-1] + (b"0" if uuid[-1:] != b"0" else b"1"),
        "empty": b"",
        "x": b"x",
    }
    other = POINTER()
    answers["by_uuid"] = {
        key: nvml.call("nvmlDeviceGetHandleByUUID", text, ctypes.byref(other)) for key, text in spellings.items()
    }
    answers["by_uuid_same_handle"] = other.value == device.value
    answers["uuid_lengths"] = {
        str(n): nvml.raw("nvmlDeviceGetUUID", 96, device, n, at=1)[0] for n in (0, 4, 40, 41, 80, 96)
    }
    pci = bytes.fromhex(nvml.raw("nvmlDeviceGetPciInfo_v3", 68, device, at=1)[1])
    own = pci[36:].split(b"\0")[0]
    answers["own_pci"] = own.decode()
    places = {
        "own": own,
        "four digits": own[4:],
        "no domain": own[9:],
        "no function": own[:-2],
        "lower": own.lower(),
        "other": b"00000000:77:00.0",
        "x": b"x",
        "empty": b"",
    }
    answers["by_pci"] = {
        key: nvml.call("nvmlDeviceGetHandleByPciBusId_v2", text, ctypes.byref(POINTER()))
        for key, text in places.items()
    }
    for name, size in (("PciInfo", 68), ("PciInfo_v2", 68), ("PciInfo_v3", 68)):
        answers[name] = nvml.raw(f"nvmlDeviceGet{name}", size, device, at=1)
    answers["names"] = {str(n): nvml.raw("nvmlDeviceGetName", 40, device, n, at=1) for n in (0, 4, 21, 22, 23, 40)}
    answers["name_null"] = nvml.call("nvmlDeviceGetName", device, None, 40)
    answers["name_no_device"] = nvml.raw("nvmlDeviceGetName", 8, None, 8, at=1)[0]
    for version in (0, 1 << 24 | 40, 2 << 24 | 40, 2 << 24 | 48, 3 << 24 | 40):
        begin = version.to_bytes(4, "little")
        answers[f"memory_v2_{version:#x}"] = nvml.raw("nvmlDeviceGetMemoryInfo_v2", 40, device, at=1, begin=begin)
    answers["memory"] = nvml.raw("nvmlDeviceGetMemoryInfo", 24, device, at=1)
    answers["memory_null"] = nvml.call("nvmlDeviceGetMemoryInfo", device, None)
    for kind in ("Compute", "Graphics", "MPSCompute"):
        for suffix in ("", "_v2", "_v3"):
            name = f"nvmlDeviceGet{kind}RunningProcesses{suffix}"
            count = UINT(0)
            answers[name] = [nvml.call(name, device, ctypes.byref(count), None), count.value]
    answers["utilization"] = nvml.raw("nvmlDeviceGetUtilizationRates", 8, device, at=1)
    answers["numbers"] = {name: nvml.number(f"nvmlDeviceGet{name}", device, at=1) for name in NUMBERS}
    answers["mig_handle"] = nvml.number("nvmlDeviceIsMigDeviceHandle", device, at=1)
    answers["indexed"] = {
        name: [nvml.number(f"nvmlDeviceGet{name}", device, n, at=2) for n in (0, 1, 2, 3, 9)]
        for name in ("Temperature", "TemperatureThreshold", "ClockInfo", "MaxClockInfo", "ApplicationsClock")
    }
    answers["shutdown_last"] = [nvml.call("nvmlShutdown"), nvml.call("nvmlShutdown")]
    answers["count_after"] = nvml.number("nvmlDeviceGetCount_v2")
    return answers


def null(name: str) -> int:
    """A call with a NULL that may be a crash, so each in a process of its own."""
    cuda, nvml, device = Library("libcuda.so.1"), Library("libnvidia-ml.so.1"), POINTER()
    cuda.call("cuInit", 0)
    nvml.call("nvmlInit_v2")
    nvml.call("nvmlDeviceGetHandleByIndex_v2", 0, ctypes.byref(device))
    other = ctypes.byref(POINTER())
    return {
        "cuDeviceGetByPCIBusId": lambda: cuda.call("cuDeviceGetByPCIBusId", ctypes.byref(INT()), None),
        "cuGetErrorString": lambda: cuda.call("cuGetErrorString", 0, None),
        "cuGetErrorName": lambda: cuda.call("cuGetErrorName", 0, None),
        "cuDeviceGetLuid": lambda: cuda.call("cuDeviceGetLuid", None, None, 0),
        "nvmlDeviceGetHandleByUUID": lambda: nvml.call("nvmlDeviceGetHandleByUUID", None, other),
        "nvmlDeviceGetHandleByPciBusId_v2": lambda: nvml.call("nvmlDeviceGetHandleByPciBusId_v2", None, other),
        "nvmlDeviceGetName": lambda: nvml.call("nvmlDeviceGetName", None, None, 0),
        "wrong handle": lambda: nvml.call("nvmlDeviceGetIndex", POINTER(0x1000), ctypes.byref(UINT())),
    }[name]()


NULLS = (
    "cuDeviceGetByPCIBusId",
    "cuGetErrorString",
    "cuGetErrorName",
    "cuDeviceGetLuid",
    "nvmlDeviceGetHandleByUUID",
    "nvmlDeviceGetHandleByPciBusId_v2",
    "nvmlDeviceGetName",
    "wrong handle",
)


def part(*arguments: str, visible: str | None = None) -> Any:
    """What one part says, in a process of its own."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("CUDA_")}
    if visible is not None:
        environment["CUDA_VISIBLE_DEVICES"] = visible
    process = subprocess.run(
        [sys.executable, __file__, "--part", *arguments], env=environment, stdout=subprocess.PIPE, check=False
    )
    return json.loads(process.stdout) if process.returncode == 0 else f"ended with {process.returncode}"


def main() -> None:
    """Prints what was read."""
    if sys.argv[1:2] == ["--part"]:
        what, *rest = sys.argv[2:]
        parts: dict[str, Any] = {"driver": driver, "nvml": nvml, "null": null, "runtime": runtime}
        answer = parts[what](*rest)
        json.dump(answer, sys.stdout)
        return
    answers: dict[str, Any] = {"driver": part("driver"), "nvml": part("nvml")}
    answers["nvml CUDA_VISIBLE_DEVICES=-1"] = part("nvml", visible="-1")["count"]
    answers["null"] = {name: part("null", name) for name in NULLS}
    for argument in sys.argv[1:]:
        layout, path = argument.split("=")
        answers[layout] = part("runtime", path, layout)
        for value in ("-1", "0,0"):
            answers[f"{layout} CUDA_VISIBLE_DEVICES={value}"] = part("runtime", path, layout, visible=value)
    lines = (f"{json.dumps(key)}: {_lines(value)}" for key, value in answers.items())
    print("{" + ",\n".join(lines) + "}")


def _lines(value: Any) -> str:
    """JSON with one line a question."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(one)}" for key, one in value.items()) + "}"


if __name__ == "__main__":
    main()

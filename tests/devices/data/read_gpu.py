"""Reads what a real GPU answers, as JSON: what the profiles that were measured rest on.

Run it on a machine with a driver: `python3 read_gpu.py`, or with two GPUs `python3 read_gpu.py
--visible`, which says what each value of CUDA_VISIBLE_DEVICES in visible.json leaves visible. It
needs the standard library only. Serial numbers and UUIDs of the card are left out.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from typing import Any

LAST_ATTRIBUTE = 147
INT, UINT = ctypes.c_int, ctypes.c_uint

NVML_ONE = (
    "BoardId",
    "Architecture",
    "Brand",
    "MaxPcieLinkGeneration",
    "GpuMaxPcieLinkGeneration",
    "CurrPcieLinkGeneration",
    "MaxPcieLinkWidth",
    "CurrPcieLinkWidth",
    "PcieLinkMaxSpeed",
    "PcieSpeed",
    "BusType",
    "IrqNum",
    "NumGpuCores",
    "MemoryBusWidth",
    "NumFans",
    "MinorNumber",
    "Index",
    "MultiGpuBoard",
    "PersistenceMode",
    "DisplayMode",
    "DisplayActive",
    "ComputeMode",
    "PerformanceState",
    "PowerManagementMode",
    "PowerManagementDefaultLimit",
    "PowerManagementLimit",
    "EnforcedPowerLimit",
    "AdaptiveClockInfoStatus",
    "ModuleId",
)
NVML_TWO = (
    "PowerManagementLimitConstraints",
    "EccMode",
    "MigMode",
    "GpuOperationMode",
    "DriverModel",
    "GspFirmwareMode",
    "CudaComputeCapability",
)
NVML_INDEXED = {
    "TemperatureThreshold": 8,
    "MaxClockInfo": 4,
    "DefaultApplicationsClock": 4,
    "MaxCustomerBoostClock": 4,
}
NVML_TEXT = (
    "Name",
    "VbiosVersion",
    "BoardPartNumber",
    "InforomImageVersion",
    "GspFirmwareVersion",
)


def driver() -> dict[str, Any]:
    """What the driver API says of device 0."""
    cuda = ctypes.CDLL("libcuda.so.1")
    answers: dict[str, Any] = {"cuInit": cuda.cuInit(0)}
    value, size, handle = INT(), ctypes.c_size_t(), INT()
    cuda.cuDriverGetVersion(ctypes.byref(value))
    answers["driver_version"] = value.value
    cuda.cuDeviceGet(ctypes.byref(handle), 0)
    text = ctypes.create_string_buffer(256)
    cuda.cuDeviceGetName(text, len(text), handle)
    answers["name"] = text.value.decode()
    cuda.cuDeviceGetPCIBusId(text, len(text), handle)
    answers["pci_bus_id"] = text.value.decode()
    cuda.cuDeviceTotalMem_v2(ctypes.byref(size), handle)
    answers["total_mem"] = size.value
    answers["attributes"] = {}
    for number in range(1, LAST_ATTRIBUTE + 1):
        code = cuda.cuDeviceGetAttribute(ctypes.byref(value), number, handle)
        answers["attributes"][str(number)] = value.value if code == 0 else f"error {code}"
    code = cuda.cuDeviceGetAttribute(ctypes.byref(value), LAST_ATTRIBUTE + 1, handle)
    answers["attribute_after_the_last"] = f"error {code}"
    return answers


def nvml() -> dict[str, Any]:
    """What NVML says of device 0: [return code, value]."""
    library = ctypes.CDLL("libnvidia-ml.so.1")
    library.nvmlInit_v2()
    handle = ctypes.c_void_p()
    library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle))
    answers: dict[str, Any] = {}
    one, two = UINT(), UINT()
    text = ctypes.create_string_buffer(96)

    def ask(name: str, *arguments: Any) -> int:
        try:
            return int(getattr(library, name)(handle, *arguments))
        except AttributeError:
            return -1

    for name in NVML_ONE:
        answers[name] = [ask(f"nvmlDeviceGet{name}", ctypes.byref(one)), one.value]
    for name in NVML_TWO:
        code = ask(f"nvmlDeviceGet{name}", ctypes.byref(one), ctypes.byref(two))
        answers[name] = [code, [one.value, two.value]]
    for name, count in NVML_INDEXED.items():
        answers[name] = [[ask(f"nvmlDeviceGet{name}", index, ctypes.byref(one)), one.value] for index in range(count)]
    for name in NVML_TEXT:
        text.value = b""
        size: tuple[Any, ...] = () if name == "GspFirmwareVersion" else (UINT(len(text)),)
        code = ask(f"nvmlDeviceGet{name}", text, *size)
        answers[name] = [code, text.value.decode(errors="replace")]
    library.nvmlSystemGetDriverVersion(text, len(text))
    answers["driver"] = text.value.decode()

    memory = (ctypes.c_ulonglong * 3)()
    answers["MemoryInfo"] = [ask("nvmlDeviceGetMemoryInfo", memory), list(memory)]
    second = (ctypes.c_ulonglong * 5)()
    second[0] = ctypes.sizeof(second) | 2 << 24
    answers["MemoryInfo_v2"] = [ask("nvmlDeviceGetMemoryInfo_v2", second), list(second[1:])]
    bar1 = (ctypes.c_ulonglong * 3)()
    answers["BAR1MemoryInfo"] = [ask("nvmlDeviceGetBAR1MemoryInfo", bar1), list(bar1)]
    pci = ctypes.create_string_buffer(128)
    code = ask("nvmlDeviceGetPciInfo_v3", pci)
    words = [int.from_bytes(pci.raw[at : at + 4], "little") for at in range(16, 36, 4)]
    answers["PciInfo_v3"] = [code, words, pci.raw[36:68].split(b"\0")[0].decode()]
    return answers


def visible(value: str | None, order: str | None = None) -> dict[str, Any]:
    """Which devices, by PCI bus id, a process sees under CUDA_VISIBLE_DEVICES=value."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("CUDA_")}
    if value is not None:
        environment["CUDA_VISIBLE_DEVICES"] = value
    if order is not None:
        environment["CUDA_DEVICE_ORDER"] = order
    process = subprocess.run([sys.executable, __file__, "--seen"], env=environment, stdout=subprocess.PIPE, check=False)
    return dict(json.loads(process.stdout or b"{}"))


def seen() -> dict[str, Any]:
    """cuInit's result, and the PCI bus id and UUID of each device."""
    cuda = ctypes.CDLL("libcuda.so.1")
    answers: dict[str, Any] = {"cuInit": cuda.cuInit(0), "devices": []}
    count, handle = INT(), INT()
    answers["cuDeviceGetCount"] = cuda.cuDeviceGetCount(ctypes.byref(count))
    answers["count"] = count.value
    for ordinal in range(count.value):
        text, uuid = ctypes.create_string_buffer(64), ctypes.create_string_buffer(16)
        cuda.cuDeviceGet(ctypes.byref(handle), ordinal)
        cuda.cuDeviceGetPCIBusId(text, len(text), handle)
        cuda.cuDeviceGetUuid_v2(uuid, handle)
        digits = uuid.raw.hex()
        cut = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        answers["devices"].append([text.value.decode(), "GPU-" + "-".join(cut)])
    return answers


def uuid_values(first: str, second: str) -> dict[str, str]:
    """Values of CUDA_VISIBLE_DEVICES made of the UUIDs of two devices, by what they try."""
    same = next(at for at in range(len(first)) if first[at] != second[at])
    last = "0" if second[-1] != "0" else "1"
    return {
        "{0}": first,
        "{1}": second,
        "{1},{0}": f"{second},{first}",
        "{0},{0}": f"{first},{first}",
        "0,{0}": f"0,{first}",
        "0,{1}": f"0,{second}",
        "{1},0": f"{second},0",
        "{1},1": f"{second},1",
        "{1},": f"{second},",
        "{0}, space, {1}": f"{first}, {second}",
        "0,wrong uuid,1": "0,GPU-00000000-0000-0000-0000-000000000000,1",
        "0,{1} with text after,1": f"0,{second}x,1",
        "prefix of 8 digits of {1}": second[:12],
        "prefix of 8 of {0}, full {0}": f"{first[:12]},{first}",
        "prefix of 1 digit more than common of {1}": second[: same + 1],
        "{1}, one digit, then two": f"{second[: same + 1]},{second[: same + 2]}",
        "common prefix": first[:same],
        "first digit of {1} in upper case": second[:same] + second[same].upper(),
        "{1} lower case gpu": "gpu" + second[3:],
        "{1} upper case digits": "GPU" + second[3:].upper(),
        "{1} in mixed case": second[:9] + second[9:].upper(),
        "{1} without GPU-": second[4:],
        "{1} without dashes": "GPU-" + second[4:].replace("-", ""),
        "{1} with a digit too many": f"{second}0",
        "{1} with text after": f"{second}x",
        "{1} with a space after": f"{second} ",
        "{1} with a space before": f" {second}",
        "{1}/0": f"{second}/0",
        "{1}/0/0": f"{second}/0/0",
        "wrong last digit of {1}": second[:-1] + last,
        "MIG-{1}": f"MIG-{second}",
        "MIG-{1},0": f"MIG-{second},0",
    }


def visibility() -> dict[str, list[list[Any]]]:
    """What visible.json has, asked again of the driver and two GPUs of this machine."""
    devices = visible(None)["devices"]
    buses = [bus for bus, _ in devices]
    of_uuids = uuid_values(devices[0][1], devices[1][1])
    with open(os.path.join(os.path.dirname(__file__), "visible.json"), encoding="utf-8") as file:
        questions = json.load(file)

    def answer(label: str, value: str, order: str | None = None) -> list[Any]:
        found = visible(value, order)
        return [label, found["cuInit"], [buses.index(bus) for bus, _ in found["devices"]]]

    return {
        "values": [answer(value, value) for value, *_ in questions["values"]],
        "uuids": [answer(label, value) for label, value in of_uuids.items()],
        "orders": [answer(order, "1,0", order) for order, *_ in questions["orders"]],
    }


def main() -> None:
    """Prints what was read: the card, or with --visible what CUDA_VISIBLE_DEVICES does."""
    if "--seen" in sys.argv:
        answers = seen()
    elif "--visible" in sys.argv:
        answers = visibility()
    else:
        answers = {"driver": driver(), "nvml": nvml()}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()

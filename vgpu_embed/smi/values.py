"""How nvidia-smi writes values."""

from __future__ import annotations

COMPUTE_MODES = ("Default", "E. Thread", "Prohibited", "E. Process")
COMPUTE_MODE_NAMES = ("Default", "Exclusive_Thread", "Prohibited", "Exclusive_Process")
"""By nvmlComputeMode_t; in the table, and elsewhere."""

SWITCH = ("Disabled", "Enabled")
YES = ("No", "Yes")
ARCHITECTURES = {2: "Kepler", 3: "Maxwell", 4: "Pascal", 5: "Volta", 6: "Turing", 7: "Ampere", 8: "Ada Lovelace"}
ARCHITECTURES |= {9: "Hopper", 10: "Blackwell"}
"""By nvmlDeviceArchitecture_t."""
BRANDS = {1: "Quadro", 2: "Tesla", 3: "NVS", 4: "GRID", 5: "GeForce", 6: "Titan", 14: "NVIDIA", 15: "GeForce"}
"""By nvmlBrandType_t."""
DEPRECATED = "Requested functionality has been deprecated"


def mebibytes(size: int) -> int:
    """Bytes in MiB, a part of one as a whole."""
    return -(-size >> 20)

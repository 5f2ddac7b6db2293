"""Asks a real cuBLAS what it says without a driver; prints JSON (cublas.json is that of nvidia-cublas 13.10.0.20).

Needs the folder of the libraries in LD_LIBRARY_PATH.
"""

from __future__ import annotations

import ctypes
import json
from typing import Any

STATUSES = [*range(20), 99]
KINDS = {
    "MatmulDesc": (68, 0),
    "MatrixLayout": (0, ctypes.c_uint64(4), ctypes.c_uint64(8), ctypes.c_int64(4)),
    "MatmulPreference": (),
    "MatrixTransformDesc": (0,),
}
"""What their cublasLt...Create gets beside the handle's address."""


def texts(library: ctypes.CDLL, function: str) -> list[str]:
    """What a function says of each status."""
    asked = getattr(library, function)
    asked.restype = ctypes.c_char_p
    return [asked(status).decode() for status in STATUSES]


def attributes(library: ctypes.CDLL, kind: str) -> list[Any]:
    """Of each attribute: [result, size, value as hexadecimal digits], None where there is no such attribute."""
    handle, size = ctypes.c_void_p(), ctypes.c_size_t()
    found: list[Any] = []
    assert getattr(library, f"cublasLt{kind}Create")(ctypes.byref(handle), *KINDS[kind]) == 0
    get = getattr(library, f"cublasLt{kind}GetAttribute")
    for attribute in range(36):
        if get(handle, attribute, None, 0, ctypes.byref(size)):
            found.append(None)
            continue
        value = ctypes.create_string_buffer(size.value)
        too_small = get(handle, attribute, value, size.value - 1, None)
        assert get(handle, attribute, value, size.value, None) == 0
        found.append([too_small, size.value, value.raw.hex()])
    return found


def main() -> None:
    """Prints what was found."""
    cublas, light = ctypes.CDLL("libcublas.so.13"), ctypes.CDLL("libcublasLt.so.13")
    value = ctypes.c_int()
    found = {
        "strings": texts(cublas, "cublasGetStatusString"),
        "names": texts(cublas, "cublasGetStatusName"),
        "without a handle": {
            "cublasCreate_v2": cublas.cublasCreate_v2(None),
            "cublasDestroy_v2": cublas.cublasDestroy_v2(None),
            "cublasSetStream_v2": cublas.cublasSetStream_v2(None, None),
            "cublasSgemm_v2": cublas.cublasSgemm_v2(None, *[0] * 13),
        },
        "property": [cublas.cublasGetProperty(kind, ctypes.byref(value)) for kind in range(4)],
        "attributes": {kind: attributes(light, kind) for kind in KINDS},
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

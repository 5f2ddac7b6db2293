"""types.cdef: cffi and gcc take it, and every prototype of the lists can be written with it."""

import subprocess
from pathlib import Path

import cffi
import pytest

from vgpu_embed import tables

TYPES = (Path(tables.__file__).parent / "types.cdef").read_text()


@pytest.fixture(scope="module")
def ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    ffi.cdef(TYPES)
    return ffi


def prototypes() -> str:
    """C declarations of everything whose prototype is known."""
    lines = []
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            function = tables.function(name)
            if function.parameters is not None:
                listed = ", ".join(p.ctype for p in function.parameters) or "void"
                lines.append(f"{function.result} {name.replace('@', '_of_')}__({listed});")
    assert len(lines) > 1650
    return "\n".join(lines)


def sizes() -> list[tuple[str, int]]:
    """Of values passed and of what outputs point to, as the lists have them.

    Newest prototypes only, since the newest declaration of a type is the one in types.cdef.
    """
    found = {}
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            function = tables.function(name)
            if "13" not in function.sources:
                continue
            for parameter in function.parameters or ():
                found[f"sizeof({parameter.ctype})"] = parameter.size
                size, pointee = parameter.out_size, parameter.pointee
                if isinstance(size, int) and pointee not in ("void", "char", "float"):
                    found[f"sizeof({pointee})"] = size
    assert len(found) > 600
    return sorted(found.items())


def test_gcc_compiles_types_and_prototypes(tmp_path: Path) -> None:
    checks = [
        ("sizeof(cudaFuncAttributes_v11)", 56),
        ("sizeof(cudaDeviceProp_v11)", 728),
        ("sizeof(cudaDeviceProp_v12)", 1032),
        ("sizeof(cudaDeviceProp_v13)", 1008),
        ("sizeof(struct cudaDeviceProp)", 1008),
        ("offsetof(cudaDeviceProp_v12, major)", 360),
        ("offsetof(cudaDeviceProp_v13, major)", 360),
        ("offsetof(cudaDeviceProp_v12, multiProcessorCount)", 388),
        ("offsetof(cudaDeviceProp_v13, multiProcessorCount)", 384),
        ("offsetof(cudaDeviceProp_v12, integrated)", 396),
        ("offsetof(cudaDeviceProp_v13, integrated)", 388),
        ("offsetof(cudaDeviceProp_v12, pciBusID)", 584),
        ("offsetof(cudaDeviceProp_v13, pciBusID)", 568),
        ("offsetof(cudaDeviceProp_v12, sharedMemPerBlockOptin)", 696),
        ("offsetof(cudaDeviceProp_v13, sharedMemPerBlockOptin)", 672),
        ("sizeof(CUipcMemHandle)", 64),
        ("sizeof(CUdeviceptr)", 8),
        ("sizeof(CUdeviceptr_v1)", 4),
        ("sizeof(CUDA_MEMCPY3D)", 200),
        ("sizeof(CUtensorMap)", 128),
        ("sizeof(nvmlMemory_t)", 24),
        ("sizeof(nvmlPciInfo_t)", 68),
        ("sizeof(nvmlProcessInfo_v1_t)", 16),
    ]
    checks += sizes()
    asserts = [f'_Static_assert({what} == {size}, "{what}");' for what, size in checks]
    source = tmp_path / "types.c"
    source.write_text(
        "\n".join(["#include <stddef.h>", "#include <stdint.h>", "#include <stdio.h>", TYPES, prototypes(), *asserts])
    )
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    command = ["gcc", *flags, "-c", str(source), "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_cffi_takes_types_and_prototypes(ffi: cffi.FFI) -> None:
    ffi.cdef(prototypes())
    assert ffi.sizeof("cudaDeviceProp_v12") == 1032
    assert ffi.offsetof("cudaDeviceProp_v13", "multiProcessorCount") == 384


def test_enumerations_are_integers(ffi: cffi.FFI) -> None:
    assert ffi.typeof("CUresult").kind == "primitive"
    assert int(ffi.cast("CUgraphChildGraphNodeOwnership", -1)) == -1
    assert int(ffi.cast("cudaMemcpyKind", 3)) == 3

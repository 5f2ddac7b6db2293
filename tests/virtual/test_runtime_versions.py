"""Programs of CUDA 11 and 12: functions of the runtime that CUDA 13 has with other arguments under the same name.

They are compiled with NVIDIA's headers and linked to NVIDIA's library of that version.
"""

from __future__ import annotations

import re
import subprocess

import pytest
from support import ALIASES, TESTS, built, run_preloaded

from vgpu_embed import tables
from vgpu_embed.tables import emit
from vgpu_embed.testing import FakeDriver, ffi

WRITTEN = """\
cudaDeviceProp 0, NVIDIA H100 80GB HBM3, 9.0, 1980000 kHz, 232448, 1024
cudaDeviceProp 0, NVIDIA H100 80GB HBM3, 9.0, 1980000 kHz, 232448, 1024, behind: a5
managed 0, advise 0, preferred 1, prefetch 0, last -1, to no device 101, per thread 0, last 1
cudaPointerAttributes 0, type 3, 1
array 0, texture 0, surface 0
cudaResourceDesc 0, same 1
cudaResourceDesc 0, same 1
cudaTextureDesc 0, same 1
cudaResourceViewDesc 0, same 1
add 0, edges 0, 2 1, dependencies 0, 1 1, dependents 0, 1 1, remove 0, 1
instantiate 0, 1, update 0, 0, launch 0
capture 0, 1 1, forget 0, roots 2
"""
ENDS = {
    "11": "nothing 500, entry point 0, 1, 1\n",
    "12": """\
entry point 0, 1, 1
node 0, 0, 0 1, copied xxx, none 1
batch 0, twoone, too much 1, of 1, no stream 1, of 1
boxes 0, oewone, wider than a row 1, of 0
""",
}
"""What the programs say at last."""

PTX = b".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry nothing() { ret; }\0"


@pytest.mark.parametrize("toolkit", list(ENDS))
def test_programs_of_older_toolkits(toolkit: str) -> None:
    program = [built(TESTS / "cuda") / f"cuda_{toolkit}"]
    done = run_preloaded(program, mode="virtual", gpu="2xh100", env={"LD_LIBRARY_PATH": ALIASES})
    assert (done.stdout, done.stderr, done.returncode) == (WRITTEN + ENDS[toolkit], "", 0)


def test_the_attributes_of_a_function_in_the_struct_of_cuda_11() -> None:
    driver = FakeDriver()
    library = driver.cudaLibraryLoadData(code=ffi.new("char[]", PTX)).library
    kernel = driver.cudaLibraryGetKernel(library=library, name="nothing").pKernel
    memory = ffi.new("char[]", b"w" * 120)
    assert driver.call("cudaFuncGetAttributes@11", memory, kernel).result == 0
    written = ffi.cast("cudaFuncAttributes_v11 *", memory)
    assert (written.maxThreadsPerBlock, written.ptxVersion, written.binaryVersion) == (1024, 70, 90)
    assert ffi.buffer(memory)[ffi.sizeof("cudaFuncAttributes_v11") : 120] == b"w" * 64
    assert driver.call("cudaFuncGetAttributes@11", None, kernel).result == 1


def test_a_version_leads_to_the_function_of_that_toolkit() -> None:
    listed = subprocess.run(
        ["nm", "-D", "--with-symbol-versions", ALIASES / "libcuda.so.1"], capture_output=True, text=True, check=True
    ).stdout
    [start] = re.findall(r"^(\w+) T vgpu_virtual_thunks", listed, re.MULTILINE)
    first = int(start, 16) - emit.THUNK * len(tables.names("driver"))
    names = {first + emit.THUNK * row.index: row.name for row in map(tables.function, tables.names("runtime"))}
    versioned = re.findall(r"^(\w+) T (\w+)(@+)(libcudart\S+)$", listed, re.MULTILINE)
    found = {(name, node): names[int(address, 16)] for address, name, _, node in versioned}
    older = [tables.function(name) for name in tables.names("runtime") if "@" in name]
    expected = {}
    for base in {function.name.partition("@")[0] for function in older}:
        for toolkit, node in emit.RUNTIME_NODES.items():
            own = [f.name for f in older if f.name.startswith(f"{base}@") and toolkit in f.sources]
            [expected[base, node]] = own or [base]
    assert found == expected
    assert len({base for base, _ in found}) > 20
    assert {node for _, _, at, node in versioned if at == "@@"} == {"libcudart.so.13"}

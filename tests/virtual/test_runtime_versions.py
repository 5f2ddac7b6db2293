"""Programs that are linked to CUDA 12's libcudart, whose functions have other arguments under some names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from support import ALIASES, run_preloaded

from vgpu_embed import tables
from vgpu_embed.tables import emit

LIBRARY = """
int cudaMemPrefetchAsync(const void *address, unsigned long count, int device, void *stream) { return -1; }
int cudaGetDeviceCount(int *count) { return -1; }
"""
PROGRAM = """
#include <stdio.h>
int cudaMemPrefetchAsync(const void *address, unsigned long count, int device, void *stream);
int cudaGetDeviceCount(int *count);
int main(void)
{
    int count = 0, result = cudaGetDeviceCount(&count);
    printf("%d %d, prefetch %d\\n", result, count, cudaMemPrefetchAsync(&count, 4096, 0, NULL));
    return 0;
}
"""


def test_a_name_with_other_arguments_is_refused_not_misread(tmp_path: Path) -> None:
    (tmp_path / "library.c").write_text(LIBRARY)
    (tmp_path / "library.map").write_text("libcudart.so.12 { global: *; };\n")
    (tmp_path / "program.c").write_text(PROGRAM)
    library, program = tmp_path / "libcudart.so.12", tmp_path / "program"
    options = ["-shared", "-fPIC", "-Wl,-soname,libcudart.so.12", f"-Wl,--version-script={tmp_path}/library.map"]
    subprocess.run(["cc", "-w", *options, "-o", library, tmp_path / "library.c"], check=True)
    subprocess.run(["cc", "-o", program, tmp_path / "program.c", library], check=True)
    done = run_preloaded([program], mode="virtual", gpu="2xh100", env={"LD_LIBRARY_PATH": ALIASES})
    assert (done.stdout, done.stderr, done.returncode) == ("0 2, prefetch 801\n", "", 0)


def test_names_of_other_arguments_have_versions() -> None:
    listed = subprocess.run(
        ["nm", "-D", "--with-symbol-versions", ALIASES / "libcuda.so.1"], capture_output=True, text=True, check=True
    ).stdout
    places: dict[str, dict[str, str]] = {}
    for address, name, version in re.findall(r"^(\w+) T (\w+?)@+(libcudart\S+)$", listed, re.MULTILINE):
        places.setdefault(name, {})[version] = address
    (refused,) = {place["libcudart.so.12"] for place in [places["cudaMemPrefetchAsync"], places["cudaMemAdvise"]]}
    for name, place in places.items():
        older = {version for variant in tables.function(name).variants for version in variant.sources}
        for version, node in emit.RUNTIME_NODES.items():
            assert place[node] == (refused if version in older else place["libcudart.so.13"]), (name, version)
    assert {"cudaGetDeviceProperties", "cudaGraphInstantiate", "cudaStreamGetCaptureInfo"} < set(places)

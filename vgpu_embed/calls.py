"""Types of calls, for a policy's annotations: ``def allocate(call: cuMemAlloc_v2)``.

Editors and type checkers read calls.pyi, which has a class per function. At run time a name here is `Call`.
"""

from __future__ import annotations

import vgpu_embed.tables as tables
from vgpu_embed.policy import Call


def __getattr__(name: str) -> type[Call]:
    if tables.index(name) is None:
        raise AttributeError(f"no function {name!r}; see `vgpu-embed list functions`")
    return Call

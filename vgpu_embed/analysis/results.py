"""Results of recorded calls, to be read."""

from __future__ import annotations

import functools

from vgpu_embed import enums, tables


@functools.cache
def result_enum(function: str) -> str | None:
    """The enumeration that a function's results are of; None for other results, and for an unknown function."""
    return tables.function(function).result_enum if tables.index(function) is not None else None


@functools.cache
def shown(function: str, result: int | None) -> str:
    """A result as the header names it (`CUDA_ERROR_OUT_OF_MEMORY`), else a number; "" where there is none."""
    if result is None:
        return ""
    name = result_enum(function)
    return getattr(enums, name)(result).c_name if name else hex(result)

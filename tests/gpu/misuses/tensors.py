"""Descriptors of tensors: every parameter just within and beyond what it may be."""

from __future__ import annotations

import ctypes
from typing import Any

from misuses.session import Session, address, case, numbers, out, words

GIB = 1 << 30
FLOAT16, FLOAT32, UINT8, PACKED_8, PACKED_16, PACKED_6 = 6, 7, 0, 13, 14, 15
"""CU_TENSOR_MAP_DATA_TYPE_…"""


class Room:
    """Room for a descriptor at a multiple of 64, kept as long as this is."""

    def __init__(self) -> None:
        self.bytes = out(256)
        self.address = (address(self.bytes) + 63) & -64

    def content(self) -> bytes:
        return ctypes.string_at(self.address, 128)


def arrays(given: dict[str, Any], *names: str) -> list[Any]:
    """Parameters as they are passed: of 64 bits for the tensor, of 32 for the box."""
    return [
        given[name]
        if given[name] is None or isinstance(given[name], int)
        else (words if name in ("dims", "strides") else numbers)(*(value & (1 << 64) - 1 for value in given[name]))
        for name in names
    ]


def tiled(s: Session, room: Room, memory: int, **changed: Any) -> int:
    plain = {"map": room.address, "type": FLOAT32, "rank": 2, "address": memory, "dims": (64, 32), "strides": (256,)}
    boxes = {"box": (32, 8), "steps": (1, 1), "interleave": 0, "swizzle": 0, "l2": 0, "fill": 0}
    given = {**plain, **boxes, **changed}
    names = ("map", "type", "rank", "address", "dims", "strides", "box", "steps", "interleave", "swizzle", "l2", "fill")
    return s.ask("cuTensorMapEncodeTiled", *arrays(given, *names))


def deep(**changed: Any) -> dict[str, Any]:
    """A tensor of three dimensions."""
    plain = {"rank": 3, "dims": (64, 32, 4), "strides": (256, 8192), "box": (8, 8, 2), "steps": (1, 1, 1)}
    return {**plain, **changed}


def im2col(s: Session, room: Room, memory: int, name: str = "cuTensorMapEncodeIm2col", **changed: Any) -> int:
    plain = {"map": room.address, "type": FLOAT16, "rank": 4, "address": memory, "dims": (64, 16, 16, 2)}
    strides = {"strides": (128, 2048, 32768), "lower": (-1, -1), "upper": (-1, -1), "channels": 64, "pixels": 128}
    rest = {"steps": (1, 1, 1, 1), "interleave": 0, "mode": 0, "swizzle": 3, "l2": 0, "fill": 0}
    given = {**plain, **strides, **rest, **changed}
    first = ("map", "type", "rank", "address", "dims", "strides", "lower", "upper", "channels", "pixels", "steps")
    mode = ("mode",) if name.endswith("Wide") else ()
    return s.ask(name, *arrays(given, *first, "interleave", *mode, "swizzle", "l2", "fill"))


@case("tensor.tiled")
def tiled_scalars(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
    tiled(s, room, memory)
    s.say("changed", room.content() != bytes(128))
    for kind in (*range(17), 99):
        tiled(s, room, memory, type=kind)
    for rank in (0, 1, 6, 99):
        tiled(s, room, memory, rank=rank, dims=(64,) * 6, strides=(256,) * 6, box=(4,) * 6, steps=(1,) * 6)
    for offset in (1, 4, 8, 16, 32):
        tiled(s, room, memory, address=memory + offset)
    for where in (0, 16, 4096, address(room.bytes) & -16):
        tiled(s, room, memory, address=where)
    for offset in (1, 8, 16, 32, 64):
        tiled(s, room, memory, map=room.address + offset)
    for name, values in (("interleave", (1, 2, 3)), ("swizzle", range(1, 9)), ("l2", range(1, 5)), ("fill", (1, 2))):
        for value in values:
            tiled(s, room, memory, **{name: value})
    for kind in range(13):
        tiled(s, room, memory, type=kind, fill=1)


@case("tensor.tiled.dimensions")
def dimensions(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
    for size in (0, 1, 31, 65, 1 << 31, (1 << 31) + 1, 1 << 32, (1 << 32) + 1):
        tiled(s, room, memory, dims=(size, 32))
        tiled(s, room, memory, dims=(64, size))
    for stride in (0, 1, 8, 16, 128, 240, 272, 1 << 39, (1 << 40) - 16, 1 << 40, 1 << 41):
        tiled(s, room, memory, strides=(stride,))
    for strides in ((256, 256), (256, 16), (8192, 256), (256, 8191), (256, 8200), (272, 4096), (256, 0)):
        tiled(s, room, memory, **deep(strides=strides))
    for box in ((0, 8), (32, 0), (1, 8), (2, 8), (4, 8), (6, 8), (256, 8), (257, 8), (32, 256), (32, 257), (256, 256)):
        tiled(s, room, memory, box=box)
    for steps in ((0, 1), (1, 0), (8, 8), (9, 1), (1, 8), (1, 9), (2, 3)):
        tiled(s, room, memory, steps=steps)


@case("tensor.tiled.swizzle")
def swizzles(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
    for swizzle in range(8):
        for inner in (4, 8, 12, 16, 32, 36, 64):
            tiled(s, room, memory, box=(inner, 8), swizzle=swizzle)


@case("tensor.tiled.interleave")
def interleaves(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
    for interleave in (0, 1, 2):
        for swizzle in range(4):
            tiled(s, room, memory, **deep(interleave=interleave, swizzle=swizzle))
        for box in ((1, 8, 2), (2, 8, 2), (64, 8, 2)):
            tiled(s, room, memory, **deep(interleave=interleave, swizzle=1, box=box))
        for strides in ((256, 8208), (272, 8704)):
            tiled(s, room, memory, **deep(interleave=interleave, swizzle=1, strides=strides))
        tiled(s, room, memory, **deep(interleave=interleave, swizzle=1, steps=(0, 1, 1)))
        tiled(s, room, memory, **deep(interleave=interleave, swizzle=1, address=memory + 16))


@case("tensor.tiled.packed")
def packed(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
    for kind in (PACKED_8, PACKED_16, PACKED_6):
        plain = {"type": kind, "dims": (128, 32), "strides": (128,), "box": (128, 8)}
        for changed in (
            {},
            {"dims": (126, 32)},
            {"dims": (127, 32)},
            {"dims": (64, 32)},
            {"box": (64, 8)},
            {"box": (32, 8)},
            {"strides": (144,)},
            {"address": memory + 16},
            {"fill": 1},
            {"swizzle": 1},
            {"swizzle": 3},
            {"swizzle": 4},
            {"swizzle": 6},
        ):
            tiled(s, room, memory, **{**plain, **changed})


@case("tensor.im2col")
def im2col_scalars(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
    im2col(s, room, memory)
    for rank in (0, 1, 2, 3, 5, 6):
        five: dict[str, Any] = {"dims": (64, 16, 16, 2, 2), "strides": (128, 2048, 32768, 65536), "steps": (1,) * 5}
        corners: dict[str, Any] = {"lower": (-1, -1, -1), "upper": (-1, -1, -1)}
        im2col(s, room, memory, rank=rank, **five, **corners)
    for channels in (0, 1, 4, 8, 32, 64, 72, 128, 256, 257):
        im2col(s, room, memory, channels=channels)
        im2col(s, room, memory, channels=channels, swizzle=0)
    for pixels in (0, 1, 256, 1024, 1025):
        im2col(s, room, memory, pixels=pixels)
    for corner in (-32769, -129, -128, -17, -16, 0, 16, 127, 128, 32767, 32768):
        im2col(s, room, memory, lower=(corner, 0))
        im2col(s, room, memory, upper=(corner, 0))
        three: dict[str, Any] = {"rank": 3, "dims": (64, 16, 2), "strides": (128, 2048), "steps": (1, 1, 1)}
        im2col(s, room, memory, lower=(corner,), upper=(0,), **three)
    for name, values in (("interleave", (1, 2, 3)), ("swizzle", range(8)), ("l2", (3, 4)), ("fill", (1, 2))):
        for value in values:
            one: dict[str, Any] = {name: value}
            im2col(s, room, memory, **one)
    for steps in ((0, 1, 1, 1), (1, 0, 1, 1), (1, 8, 8, 1), (1, 9, 1, 1), (1, 1, 1, 9)):
        im2col(s, room, memory, steps=steps)
    for strides in ((120, 2048, 32768), (128, 2048, 1 << 40), (128, 64, 32768)):
        im2col(s, room, memory, strides=strides)
    for dims in ((0, 16, 16, 2), (64, 16, 16, (1 << 31) + 1)):
        im2col(s, room, memory, dims=dims)
    im2col(s, room, memory, address=memory + 8)
    im2col(s, room, memory, map=room.address + 16)
    im2col(s, room, memory, type=99)


@case("tensor.im2col.wide")
def wide(s: Session) -> None:
    memory, room, name = s.make("cuMemAlloc_v2", 1 << 20), Room(), "cuTensorMapEncodeIm2colWide"
    plain: dict[str, Any] = {"lower": -1, "upper": -1}
    different: tuple[dict[str, Any], ...] = (
        {},
        {"mode": 1},
        {"mode": 2},
        {"swizzle": 0},
        {"swizzle": 2},
        {"swizzle": 4},
        {"lower": -32769},
        {"upper": 32768},
        {"channels": 257},
        {"pixels": 1025},
        {"pixels": 1025, "mode": 1},
        {"rank": 2},
        {"type": 99},
    )
    for changed in different:
        im2col(s, room, memory, name, **{**plain, **changed})


@case("tensor.replace")
def replace(s: Session) -> None:
    memory, room, other = s.make("cuMemAlloc_v2", 1 << 20), Room(), Room()
    tiled(s, room, memory)
    tiled(s, other, memory + 4096)
    for where in (memory + 4096, memory + 4112, memory + 4104, memory + 4097, 0, 4096):
        s.ask("cuTensorMapReplaceAddress", room.address, where)
    s.ask("cuTensorMapReplaceAddress", room.address, memory + 4096)
    s.say("same", room.content() == other.content())
    tiled(s, room, memory, **deep(interleave=2, swizzle=1))
    s.ask("cuTensorMapReplaceAddress", room.address, memory + 16)
    s.ask("cuTensorMapReplaceAddress", room.address, memory + 32)
    s.ask("cuTensorMapReplaceAddress", Room().address, memory)
    s.ask("cuTensorMapReplaceAddress", room.address + 16, memory)


@case("tensor.without_context", bare=True)
def without_context(s: Session) -> None:
    room = Room()
    tiled(s, room, 4096)
    tiled(s, room, 4096, type=99)
    s.ask("cuTensorMapReplaceAddress", room.address, 8192)


@case("tensor.uninitialized", uninitialized=True)
def uninitialized(s: Session) -> None:
    room = Room()
    tiled(s, room, 4096)
    s.ask("cuTensorMapReplaceAddress", room.address, 8192)


def with_null(name: str) -> None:
    """NULL for one of the pointers, which a driver may follow."""

    @case(f"tensor.null.{name}", alone=True)
    def ask(s: Session) -> None:
        memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
        tiled(s, room, memory, **{name: None if name != "map" else 0})


for _name in ("map", "dims", "strides", "box", "steps"):
    with_null(_name)


@case("tensor.null.rank_1", alone=True)
def no_strides(s: Session) -> None:
    """One dimension has no strides."""
    memory, room = s.make("cuMemAlloc_v2", 1 << 20), Room()
    tiled(s, room, memory, rank=1, dims=(64,), strides=None, box=(32,), steps=(1,))


@case("tensor.null.replace", alone=True)
def null_replaced(s: Session) -> None:
    s.ask("cuTensorMapReplaceAddress", 0, s.make("cuMemAlloc_v2", 4096))

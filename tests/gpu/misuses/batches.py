"""Copies with attributes and of boxes, prefetching and discarding, many in one call."""

from __future__ import annotations

import ctypes

from misuses.layouts import ArrayDescriptor, BatchOp, Location
from misuses.session import Session, address, case, out, words

POINTER, ARRAY = 1, 2
"""CU_MEMCPY_OPERAND_TYPE_…"""
DEVICE, HOST = 1, 2
"""CU_MEM_LOCATION_TYPE_…"""
MANY = 1 << 40


def boxes(memory: int, *changed: dict[str, int]) -> ctypes.Array[BatchOp]:
    """Copies of 8 by 2 by 1 bytes, each changed so."""
    plain = {"srcType": POINTER, "src": memory, "dstType": POINTER, "dst": memory + 2048}
    given = {**plain, "width": 8, "height": 2, "depth": 1, "order": 1}
    return (BatchOp * len(changed))(*(BatchOp(**{**given, **fields}) for fields in changed))


@case("batch.boxes")
def wrong_boxes(s: Session) -> None:
    memory, stream = s.make("cuMemAlloc_v2", 4096), s.make("cuStreamCreate", 0)
    name = "cuMemcpy3DBatchAsync_v2"
    for changed in (
        {},
        {"width": 0},
        {"height": 0},
        {"depth": 0},
        {"depth": 2},
        {"width": MANY},
        {"order": 0},
        {"order": 2},
        {"order": 3},
        {"order": 4},
        {"flags": 1},
        {"flags": 2},
        {"srcType": 0},
        {"srcType": 3},
        {"dstType": 0},
        {"srcRow": 7},
        {"srcRow": 8},
        {"srcRow": MANY},
        {"dstRow": 7},
        {"srcLayer": 1},
        {"srcLayer": 2},
        {"dstLayer": 1},
        {"dstLayer": 3},
        {"src": 0},
        {"dst": 0},
        {"src": memory + 4090},
        {"src": memory + 4080},
    ):
        s.ask(name, 1, boxes(memory, changed), 0, stream)
    given = boxes(memory, {}, {})
    s.ask(name, 0, given, 0, stream)
    s.ask(name, 2, None, 0, stream)
    s.ask(name, 2, given, 1, stream)
    s.ask(name, 2, given, 0, stream)
    for default in (0, 1, 2):
        s.ask(name, 2, given, 0, default)
    s.ask("cuStreamSynchronize", stream)


@case("batch.arrays")
def arrays(s: Session) -> None:
    memory, stream = s.make("cuMemAlloc_v2", 4096), s.make("cuStreamCreate", 0)
    wide = s.make("cuArrayCreate_v2", ArrayDescriptor(8, 2, 1, 4))
    narrow = s.make("cuArrayCreate_v2", ArrayDescriptor(8, 2, 1, 1))
    to_wide = {"dstType": ARRAY, "dst": wide}
    for changed in (
        to_wide,
        {**to_wide, "dstRow": 1},
        {**to_wide, "dstRow": 1, "width": 7},
        {**to_wide, "dstLayer": 1},
        {**to_wide, "dstHint": 1},
        {**to_wide, "srcRow": 7},
        {**to_wide, "depth": 2},
        {**to_wide, "srcType": ARRAY, "src": narrow},
        {**to_wide, "srcType": ARRAY, "src": wide},
        {**to_wide, "dst": 0},
    ):
        s.ask("cuMemcpy3DBatchAsync_v2", 1, boxes(memory, changed), 0, stream)
    s.ask("cuStreamSynchronize", stream)


@case("batch.failing")
def failing(s: Session) -> None:
    """The functions that say with which copy something is wrong."""
    memory, stream = s.make("cuMemAlloc_v2", 4096), s.make("cuStreamCreate", 0)
    for changed, flags, target in (
        (({}, {}), 0, stream),
        (({}, {"order": 0}), 0, stream),
        (({"width": 0}, {"order": 0}), 0, stream),
        (({}, {}), 1, stream),
        (({}, {}), 0, 0),
    ):
        failed = words(77)
        s.ask("cuMemcpy3DBatchAsync", 2, boxes(memory, *changed), failed, flags, target)
        s.say("failed", failed[0])
    s.ask("cuMemcpy3DBatchAsync", 2, boxes(memory, {}, {"order": 0}), None, 0, stream)
    orders = (ctypes.c_uint32 * 24)(1, *[0] * 23)
    for sizes, indices in (((8, 8), (0,)), ((8, MANY), (0,)), ((8, 0), (0,)), ((8, 8), (1,)), ((8, 8), (0, 1))):
        failed = words(77)
        to, source = words(memory, memory + 8), words(memory + 64, memory + 72)
        s.ask(
            "cuMemcpyBatchAsync",
            to,
            source,
            words(*sizes),
            2,
            orders,
            words(*indices),
            len(indices),
            failed,
            stream,
        )
        s.say("failed", failed[0])
    s.ask("cuStreamSynchronize", stream)


@case("batch.attributes")
def attributes(s: Session) -> None:
    memory, stream = s.make("cuMemAlloc_v2", 4096), s.make("cuStreamCreate", 0)
    to, source = words(*range(memory, memory + 24, 8)), words(*range(memory + 64, memory + 88, 8))
    sizes = words(8, 8, 8)
    given = (ctypes.c_uint32 * 24)(*[word for _ in range(4) for word in (1, 0, 0, 0, 0, 0)])
    for indices in ((0,), (0, 1), (0, 1, 2), (0, 2), (0, 0), (0, 2, 1), (0, 3), (0, 1, 2, 3), (1,)):
        s.ask("cuMemcpyBatchAsync_v2", to, source, sizes, 3, given, words(*indices), len(indices), stream)
    for word, value in ((0, 2), (0, 3), (0, 4), (1, 1), (1, 9), (5, 1), (5, 2), (5, 4)):
        changed = (ctypes.c_uint32 * 24)(*given)
        changed[word] = value
        s.ask("cuMemcpyBatchAsync_v2", to, source, sizes, 3, changed, words(0), 1, stream)
    s.ask("cuStreamSynchronize", stream)


@case("batch.captured")
def captured(s: Session) -> None:
    memory, stream, graph = s.make("cuMemAlloc_v2", 4096), s.make("cuStreamCreate", 1), words(0)
    given = (ctypes.c_uint32 * 6)(1)
    s.must("cuStreamBeginCapture_v2", stream, 2)
    s.ask("cuMemcpy3DBatchAsync_v2", 2, boxes(memory, {}, {}), 0, stream)
    s.ask(
        "cuMemcpyBatchAsync_v2",
        words(memory, memory + 8),
        words(memory + 64, memory + 72),
        words(8, 8),
        2,
        given,
        words(0),
        1,
        stream,
    )
    s.ask("cuStreamEndCapture", stream, graph)
    count = words(0)
    s.ask("cuGraphGetNodes", graph[0], None, count)
    s.say("nodes", count[0])


@case("batch.prefetch")
def prefetch(s: Session) -> None:
    managed, device = s.make("cuMemAllocManaged", 2 << 20, 1), s.make("cuMemAlloc_v2", 4096)
    stream, plain = s.make("cuStreamCreate", 0), out(4096)
    name = "cuMemPrefetchBatchAsync"
    to_device = Location(DEVICE, 0)
    two = words(managed, managed + (1 << 20)), words(4096, 4096)
    s.ask(name, *two, 2, to_device, words(0), 1, 0, stream)
    for kind, number in ((0, 0), (HOST, 0), (HOST, 5), (3, 0), (3, 99), (4, 0), (5, 0), (DEVICE, 99), (DEVICE, -1)):
        s.ask(name, *two, 2, Location(kind, number), words(0), 1, 0, stream)
    for default in (0, 1, 2):
        s.ask(name, *two, 2, to_device, words(0), 1, 0, default)
    locations = (Location * 3)(to_device, Location(HOST, 0), to_device)
    for indices in ((0, 1), (1,), (0, 0), (0, 2), (0, 1, 1)):
        s.ask(name, *two, 2, locations, words(*indices), len(indices), 0, stream)
    s.ask(name, *two, 0, to_device, words(0), 1, 0, stream)
    s.ask(name, *two, 2, to_device, words(0), 0, 0, stream)
    s.ask(name, *two, 2, to_device, words(0), 1, 1, stream)
    s.ask(name, None, two[1], 2, to_device, words(0), 1, 0, stream)
    s.ask(name, two[0], None, 2, to_device, words(0), 1, 0, stream)
    s.ask(name, *two, 2, None, words(0), 1, 0, stream)
    s.ask(name, *two, 2, to_device, None, 1, 0, stream)
    for where, size in ((device, 4096), (address(plain), 4096), (managed, 0), (managed, 4 << 20), (0, 4096)):
        s.ask(name, words(managed, where), words(4096, size), 2, to_device, words(0), 1, 0, stream)
    say_range(s, managed, 4, 7, 8)
    s.ask("cuStreamSynchronize", stream)


def say_range(s: Session, managed: int, *attributes: int) -> None:
    """What is told of a page of managed memory."""
    for attribute in attributes:
        found = words(0)
        s.ask("cuMemRangeGetAttribute", found, 4, attribute, managed, 4096)
        s.say("value", found[0])


@case("batch.discard")
def discard(s: Session) -> None:
    managed, device = s.make("cuMemAllocManaged", 4 << 20, 1), s.make("cuMemAlloc_v2", 4096)
    stream, plain = s.make("cuStreamCreate", 0), out(4096)
    for name, more in (
        ("cuMemDiscardBatchAsync", ()),
        ("cuMemDiscardAndPrefetchBatchAsync", (Location(DEVICE, 0), words(0), 1)),
    ):
        for where, size in (
            (managed, 2 << 20),
            (managed, 4096),
            (managed + 1, 100),
            (managed, 0),
            (managed, 8 << 20),
            (device, 4096),
            (address(plain), 4096),
            (0, 4096),
        ):
            s.ask(name, words(where), words(size), 1, *more, 0, stream)
        s.ask(name, words(managed), words(4096), 0, *more, 0, stream)
        s.ask(name, words(managed), words(4096), 1, *more, 1, stream)
        s.ask(name, None, words(4096), 1, *more, 0, stream)
        s.ask(name, words(managed), None, 1, *more, 0, stream)
        for default in (0, 1, 2):
            s.ask(name, words(managed), words(4096), 1, *more, 0, default)
    s.ask(
        "cuMemDiscardAndPrefetchBatchAsync", words(managed), words(4096), 1, Location(HOST, 0), words(0), 1, 0, stream
    )
    s.ask("cuMemDiscardAndPrefetchBatchAsync", words(managed), words(4096), 1, None, None, 0, 0, stream)
    say_range(s, managed, 4, 7)
    s.ask("cuStreamSynchronize", stream)


@case("batch.discard.captured")
def discard_captured(s: Session) -> None:
    managed, stream = s.make("cuMemAllocManaged", 2 << 20, 1), s.make("cuStreamCreate", 1)
    for name, arguments in (
        ("cuMemPrefetchAsync", (managed, 4096, 0, stream)),
        ("cuMemPrefetchBatchAsync", (words(managed), words(4096), 1, Location(DEVICE, 0), words(0), 1, 0, stream)),
        ("cuMemDiscardBatchAsync", (words(managed), words(4096), 1, 0, stream)),
    ):
        s.must("cuStreamBeginCapture_v2", stream, 2)
        s.ask(name, *arguments)
        s.ask("cuStreamEndCapture", stream, out())

"""`answer`: asked once, repeated by C, never an old or a mixed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.conftest import Start
from engine.live import Program, ask, policy_text
from vgpu_embed.policy import PolicyError, load

COUNTED = """
asked = []

@policy.command
def questions():
    return asked
"""
ATTRIBUTE = (
    COUNTED
    + """
@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    asked.append((call.number("attrib"), call.dev))
    return call.reply(pi=1000 * call.dev + call.number("attrib"))
"""
)
INVALID_VALUE = 1
UNKNOWN = 999
PROPERTIES = 1032
"""sizeof(struct cudaDeviceProp) of cudaGetDeviceProperties_v2."""


def reached(log: Path, function: str) -> int:
    """How many calls of a function the fake driver got."""
    return sum(line.startswith(function + " ") for line in log.read_text().splitlines())


# ---- how often Python is asked ----


@pytest.mark.every_python
def test_once_for_each_distinct_arguments(start: Start) -> None:
    program = start(ATTRIBUTE)
    for _ in range(3):
        assert program("[attribute(n, d) for d in (0, 1) for n in (5, 6)]") == [5, 6, 1005, 1006]
    assert program("in_thread(attribute, 5)") == 5
    assert program("attribute(5, by='libother.so')") == 5
    assert program.command("questions") == [[5, 0], [6, 0], [5, 1], [6, 1]]
    assert program.counts() == (14, 4, 14)


def test_negative_numbers_and_dirt_above_them(start: Start) -> None:
    """Registers hold 64 bits, the parameters 32, of which `attrib` has no sign: what is above means nothing."""
    program = start(ATTRIBUTE.replace("+ call", "- (1 << 32) + call"))
    dirty = ["-7", "0xFFFFFFF9", "0xFFFFFFF9 | 0xA5C3A5C3 << 32", "0xFFFFFFF9 | 1 << 32"]
    for number in dirty:
        program("value = (c_int * 1)(-1)")
        for device in ("-2", "0xFFFFFFFE", "0xFFFFFFFE | 0x5A << 56"):
            assert program(f"(call('cuDeviceGetAttribute', value, {number}, {device}), value[0])") == (0, -2007)
    assert program.command("questions") == [[0xFFFFFFF9, -2]]


@pytest.mark.parametrize("named", [True, False])
def test_once_for_each_caller_only_where_callers_are_named(start: Start, named: bool) -> None:
    program = start(f"""{COUNTED}
@policy.answer("cuDeviceGetAttribute"{', caller="lib*"' if named else ""})
def attribute(call):
    asked.append(call.caller)
    return call.reply(pi=ord(call.caller[3]))
""")
    for _ in range(2):
        first = program("attribute(1)")
        second = program("attribute(1, by='libother.so')")
    assert (first, second) == (ord("c"), ord("o") if named else ord("c"))
    assert program.command("questions") == (["libcalls.so", "libother.so"] if named else ["libcalls.so"])


def test_a_caller_that_no_answer_is_for_is_not_asked_about_again(start: Start) -> None:
    program = start("""
@policy.answer("cuDeviceGetAttribute", caller="libother*")
def attribute(call):
    return call.reply(pi=7)
""")
    assert program("[attribute(2) for _ in range(10)]") == [1024] * 10
    assert program("[attribute(2, by='libother.so') for _ in range(10)]") == [7] * 10
    calls, asked, answered = program.counts()
    assert (calls, answered) == (20, 10)
    assert asked <= 2


@pytest.mark.every_python
def test_no_opinion_is_remembered_and_the_driver_asked_each_time(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    program = start(
        f"""{COUNTED}
@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    asked.append(call.number("attrib"))
""",
        env={"FAKE_CUDA_LOG": log},
    )
    assert program("[attribute(2) for _ in range(5)] + [attribute(10)]") == [1024] * 5 + [32]
    assert program.command("questions") == [2, 10]
    assert reached(log, "cuDeviceGetAttribute") == 6
    assert program.counts() == (6, 2, 0)


def test_what_the_driver_said_is_remembered_where_it_was_asked(start: Start, tmp_path: Path) -> None:
    """An answer that forwards has the driver asked once; one that then has no opinion leaves the driver's."""
    log = tmp_path / "driver.log"
    program = start(
        """
@policy.answer("cuDeviceGetAttribute", "cuDeviceGetUuid", "cuDeviceGetName")
def doubled(call):
    call.forward()
    if call.function == "cuDeviceGetAttribute" and call.number("attrib") == 2:
        return call.reply(pi=2 * call.pi[0])
""",
        env={"FAKE_CUDA_LOG": log},
    )
    program("uuid, name = room(18), room(40)")
    for _ in range(3):
        assert program("(attribute(2), attribute(3))") == (2048, 1024)
        assert program("(call('cuDeviceGetUuid', uuid, 0), uuid.raw)") == (0, b"fake GPU uuid  0ww")
        assert program("(call('cuDeviceGetName', name, 20, 0), name.raw[:13])") == (0, b"Fake GPU 0\0ww")
        program("uuid, name = room(18), room(40)")
    assert [reached(log, f"cuDevice{name}") for name in ("GetAttribute", "GetUuid", "GetName")] == [2, 1, 1]


def test_errors_are_not_remembered(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    program = start(
        f"""{COUNTED}
@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    asked.append(call.number("attrib"))
    if call.number("attrib") == 1:
        return CUresult.ERROR_UNKNOWN
    if call.number("attrib") == 2:
        return call.reply(CUresult.ERROR_UNKNOWN, pi=1)
    if call.number("attrib") == 3:
        raise ValueError
    return call.forward()
""",
        env={"FAKE_CUDA_LOG": log},
    )
    for number, answer in {1: -UNKNOWN, 2: -UNKNOWN, 3: 1024, 5000: -INVALID_VALUE}.items():
        assert program(f"[attribute({number}) for _ in range(3)]") == [answer] * 3
    assert program.command("questions") == [1] * 3 + [2] * 3 + [3] * 3 + [5000] * 3
    assert reached(log, "cuDeviceGetAttribute") == 6


def test_the_first_that_has_an_opinion_answers_and_all_are_asked_once(start: Start) -> None:
    program = start(f"""{COUNTED}
@policy.answer("cuDeviceGetAttribute")
def first(call):
    asked.append("first")
    if call.number("attrib") == 1:
        return call.reply(pi=11)

@policy.answer("cuDevice*Attribute")
def second(call):
    asked.append("second")
    return call.reply(pi=22)
""")
    assert program("[attribute(n) for n in (1, 2, 1, 2)]") == [11, 22, 11, 22]
    assert program.command("questions") == ["first", "first", "second"]


# ---- what is repeated ----


def test_text_in_buffers_of_any_length(start: Start) -> None:
    """Cut to the buffer, terminated, and not a byte behind it is touched: asked and remembered."""
    program = start(f"""{COUNTED}
@policy.answer("cuDeviceGetName")
def name(call):
    asked.append(call.len)
    return call.reply(name="NVIDIA Imaginary 40")
""")
    text = b"NVIDIA Imaginary 40"
    for length in (1, 2, 3, 8, 9, 19, 20, 21, 63):
        expected = (text[: length - 1] + b"\0").ljust(64, b"w")
        program("name = room(64)")
        for _ in range(2):
            assert program(f"(call('cuDeviceGetName', name, {length}, 0), name.raw)") == (0, expected)
            program("name = room(64)")
    assert program.command("questions") == [1, 2, 3, 8, 9, 19, 20, 21, 63]


def test_values_structs_and_several_outputs(start: Start) -> None:
    program = start(f"""{COUNTED}
@policy.answer("cuDeviceComputeCapability")
def capability(call):
    asked.append("capability")
    return call.reply(major=9, minor=-3)

@policy.answer("cuDeviceGetUuid_v2")
def uuid(call):
    asked.append("uuid")
    return call.reply(uuid=bytes(range(16)))

@policy.answer("cuDeviceGetUuid")
def other_uuid(call):
    asked.append("fields")
    return call.reply(uuid={{"bytes": bytes(range(100, 116))}})

@policy.answer("cuDeviceGetLuid")
def luid(call):
    asked.append("luid")
    return call.reply(luid=b"12345678", deviceNodeMask=0xFFFFFFFF)

@policy.answer("cuDeviceTotalMem_v2")
def memory(call):
    asked.append("memory")
    return call.reply(bytes=(1 << 63) + 5)

@policy.answer("cuGetErrorName")
def error_name(call):
    asked.append("error")
    return call.reply(pStr=f"ERROR {{call.number('error')}}")
""")
    for _ in range(3):
        program("major, minor, one, two, mask, total = room(6), room(6), room(18), room(18), room(5), room(9)")
        assert program("(call('cuDeviceComputeCapability', major, minor, 0), major.raw, minor.raw)") == (
            0,
            b"\x09\0\0\0ww",
            b"\xfd\xff\xff\xffww",
        )
        assert program("(call('cuDeviceGetUuid_v2', one, 0), one.raw)") == (0, bytes(range(16)) + b"ww")
        assert program("(call('cuDeviceGetUuid', two, 0), two.raw)") == (0, bytes(range(100, 116)) + b"ww")
        program("luid = room(9); mask = room(5)")
        assert program("(call('cuDeviceGetLuid', luid, mask, 0), luid.raw, mask.raw)") == (
            0,
            b"12345678w",
            b"\xff\xff\xff\xffw",
        )
        assert program("(call('cuDeviceTotalMem_v2', total, 0), total.raw)") == (0, b"\x05" + bytes(6) + b"\x80w")
        program("text = (ctypes.c_char_p * 1)()")
        assert program("(call('cuGetErrorName', 4711, text), text[0])") == (0, b"ERROR 4711")
    assert program.command("questions") == ["capability", "uuid", "fields", "luid", "memory", "error"]


@pytest.mark.every_python
def test_a_large_struct(start: Start) -> None:
    program = start(
        f"""{COUNTED}
@policy.answer("cudaGetDeviceProperties_v2")
def properties(call):
    asked.append(call.device)
    if call.device == 0:
        return call.reply(prop=bytes(i * 7 & 255 for i in range({PROPERTIES})))
    if call.device == 1 and call.forward().ok:
        return call.reply(prop={{"name": b"changed", "major": 77}})
""",
        mode="virtual",
        gpu="3xh100",
    )
    whole = bytes(i * 7 & 255 for i in range(PROPERTIES))
    seen: list[list[bytes]] = []
    for _ in range(3):
        program(f"props = [room({PROPERTIES} + 8) for _ in range(3)]")
        assert program("[call('cudaGetDeviceProperties_v2', p, d) for d, p in enumerate(props)]") == [0, 0, 0]
        seen.append(program("[p.raw for p in props]"))
    assert seen[0] == seen[1] == seen[2]
    first, second, third = seen[0]
    assert first == whole + b"w" * 8
    assert second.startswith(b"changed\0")
    assert third.startswith(b"NVIDIA H100")
    assert second[1000:] == third[1000:]
    assert program.command("questions") == [0, 1, 2]


@pytest.mark.parametrize("function", ["cudaGetErrorName", "nvmlErrorString"])
def test_text_that_is_returned(start: Start, function: str) -> None:
    program = start(
        f"""{COUNTED}
@policy.answer("{function}")
def text(call):
    number = next(call.number(name) for name in ("error", "result_") if hasattr(type(call), name))
    asked.append(number)
    return f"error {{number}}" if number else None
""",
        mode="virtual",
        gpu="h100",
    )
    program("import ctypes; pick = library('libcalls.so').call; pick.restype = ctypes.c_char_p")
    for _ in range(3):
        assert program(f"[pick(b'{function}', words(n)) for n in (5, 6)]") == [b"error 5", b"error 6"]
        assert program(f"pick(b'{function}', words(0)).lower()") in (b"cudasuccess", b"success")
    assert sorted(program.command("questions")) == [0, 5, 6]


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_null_pointer_is_refused_whatever_is_remembered(start: Start, first: bool) -> None:
    program = start("""
@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    return call.reply(pi=7)

@policy.answer("cuDeviceComputeCapability")
def capability(call):
    return call.reply(major=9, minor=3)
""")
    program("one, other = room(4), room(4)")
    if not first:
        assert program("(attribute(1), call('cuDeviceComputeCapability', one, other, 0))") == (7, 0)
    for _ in range(2):
        assert program("call('cuDeviceGetAttribute', 0, 1, 0)") == INVALID_VALUE
        assert program("call('cuDeviceComputeCapability', one, 0, 0)") == INVALID_VALUE
        assert program("call('cuDeviceComputeCapability', 0, other, 0)") == INVALID_VALUE
    assert program("(attribute(1), call('cuDeviceComputeCapability', one, other, 0))") == (7, 0)
    assert program("(one.raw, other.raw)") == (b"\x09\0\0\0", b"\x03\0\0\0")


@pytest.mark.every_python
def test_more_than_the_table_holds(start: Start) -> None:
    program = start("""
@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    return call.reply(pi=3 * call.number("attrib") + call.dev)

@policy.answer("cuDeviceGetName")
def name(call):
    return call.reply(name=f"device {call.dev} " * 30)
""")
    program("""
def wrong(times, many):
    bad = 0
    buffer = room(400)
    for _ in range(times):
        for n in range(many):
            bad += attribute(n, n % 7) != 3 * n + n % 7
            if n % 5 == 0:
                call("cuDeviceGetName", buffer, 400, n)
                bad += buffer.value != (f"device {n} " * 30)[:399].encode()
    return bad
""")
    assert program("wrong(2, 6000)") == 0
    assert program("wrong(2, 1000)") == 0
    calls, asked, answered = program.counts()
    assert (calls, answered) == (14000, 14000)
    assert 6000 <= asked < 13500


# ---- what forgets ----


def test_one_that_was_asked_before_a_change_leaves_no_trace(start: Start) -> None:
    """It is being answered while the option changes, and is done after others have been asked anew."""
    program = start("""
import time
value = policy.option("value", 1)
go = []

@policy.command
def release():
    go.append(True)

@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    answer = 100 * value.value + call.number("attrib")
    while call.number("attrib") == 1 and not go:
        time.sleep(0.001)
    return call.reply(pi=answer)
""")
    assert program("attribute(3)") == 103
    program("late = []; thread = threading.Thread(target=lambda: late.append(attribute(1))); thread.start()")
    program("time.sleep(0.1)")
    program.set("value", 2)
    assert program("(attribute(2), attribute(3))") == (202, 203)
    program.command("release")
    assert program("thread.join() or late") == [101]
    assert program("[attribute(n) for n in (1, 2, 3)] * 2") == [201, 202, 203] * 2


VERSIONS = """
version = policy.option("version", 1)

@policy.answer("cuDeviceComputeCapability")
def capability(call):
    now = version.value
    return call.reply(major=now, minor=now + call.dev)

@policy.answer("cuDeviceGetName")
def name(call):
    return call.reply(name=" ".join(11 * [str(version.value)]))

@policy.answer("cuDeviceGetUuid")
def uuid(call):
    return call.reply(uuid=16 * bytes([version.value]))
"""


CHECK = """
class Versions(ctypes.Structure):
    _fields_ = [("least", c_int), ("most", c_int), ("stop", c_int), *((n, ctypes.c_long) for n in
                ("calls", "mixed", "old", "early"))]
versions = Versions(1, 1)
calls = library("libcalls.so")
calls.check_begin(byref(versions), 8)
"""


@pytest.mark.every_python
def test_eight_threads_never_get_an_old_or_a_mixed_answer(start: Start) -> None:
    """Of each answer it is known which versions of the option may have given it."""
    program = start(VERSIONS)
    program(CHECK)
    for number in range(2, 30):
        program(f"versions.most = {number}")
        program.set("version", number)
        program(f"versions.least = {number}")
    program("calls.check_end(byref(versions), 8)")
    assert program("(versions.mixed, versions.old, versions.early)") == (0, 0, 0)
    assert program("versions.calls") > 1000
    assert program.errors == ""


@pytest.mark.every_python
def test_a_change_in_a_child_of_fork(start: Start) -> None:
    """It has its parent's answers, and a socket of its own; its parent keeps its option."""
    program = start(ATTRIBUTE.replace("1000 * call.dev", "value.value") + "value = policy.option('value', 1)\n")
    assert program("attribute(5)") == 6
    program("""
read, write = os.pipe()
back, answer = os.pipe()
child = os.fork()
if child == 0:
    os.close(write)
    while os.read(read, 1) == b"x":
        os.write(answer, str(attribute(5)).encode())
    os._exit(0)
def in_it():
    os.write(write, b"x")
    return int(os.read(back, 10))
""")
    assert program("in_it()") == 6
    child = program("child")
    [recording] = program.recording.parent.glob(f"{child}-*.proc")
    assert ask(recording, set="value=10") == {"ok": True, "options": {"value": 10}}
    assert program("(in_it(), attribute(5))") == (15, 6)


# ---- with hooks ----


def test_a_hook_before_an_answer_is_asked_each_time_and_the_answer_once(start: Start) -> None:
    program = start(f"""{COUNTED}
@policy.hook("cuDeviceGetAttribute")
def hook(call):
    asked.append("hook")
    if call.number("attrib") == 9:
        return call.reply(pi=99)
    if call.number("attrib") == 8:
        return call.reply(pi=call.forward() or call.pi[0] + 1)

@policy.answer("cuDeviceGetAttribute")
def answer(call):
    asked.append("answer")
    return call.reply(pi=7)
""")
    assert program("[attribute(n) for n in (1, 9, 8, 1, 9, 8)]") == [7, 99, 8] * 2
    assert program.command("questions") == ["hook", "answer", "hook", "hook", "answer", "hook", "hook", "hook"]


def test_an_answer_before_a_hook(start: Start) -> None:
    program = start(f"""{COUNTED}
@policy.answer("cuDeviceGetAttribute")
def answer(call):
    asked.append("answer")
    return call.reply(pi=7) if call.number("attrib") == 1 else None

@policy.hook("cuDeviceGetAttribute", where="dev == 0")
def hook(call):
    asked.append("hook")
    return call.reply(pi=8)
""")
    assert program("[attribute(n) for n in (1, 2, 1, 2)]") == [7, 8] * 2
    assert program("attribute(2, 1)") == -101
    assert program.command("questions") == ["answer", "answer", "hook", "hook", "answer"]


def test_a_hook_for_one_caller_does_not_keep_others_from_being_remembered(start: Start) -> None:
    program = start(f"""{COUNTED}
@policy.hook("cuDeviceGetAttribute", caller="libother*")
def hook(call):
    asked.append("hook")

@policy.answer("cuDeviceGetAttribute")
def answer(call):
    asked.append("answer")
    return call.reply(pi=7)
""")
    assert program("[attribute(1) for _ in range(4)]") == [7] * 4
    assert program("[attribute(1, by='libother.so') for _ in range(4)]") == [7] * 4
    assert program.counts() == (8, 5, 8)
    assert program.command("questions").count("hook") == 4


# ---- what may not be remembered ----


@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("cuCtxGetLimit", "cuCtxGetLimit depends on the current context"),
        ("cuMemGetInfo_v2", "cuMemGetInfo_v2 changes with time"),
        ("cuPointerGetAttribute", "cuPointerGetAttribute depends on what a pointer argument holds"),
        ("cuMemAlloc_v2", "cuMemAlloc_v2 is not a question: it has an effect, or gives nothing back"),
    ],
)
def test_what_depends_on_more_is_refused_at_load(tmp_path: Path, start: Start, function: str, why: str) -> None:
    path = tmp_path / "refused.py"
    path.write_text(policy_text(f'\n@policy.answer("{function}")\ndef f(call):\n    return None\n'))
    sentence = f"{path}:4: {why}, so its answer cannot be remembered: use hook"
    with pytest.raises(PolicyError) as raised:
        load(str(path))
    assert str(raised.value) == sentence
    program: Program = start("", options=[])
    assert program("attribute(2)") == 1024

"""`where`: C and Python agree on every expression, and what C cannot evaluate is refused with file and line."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.conftest import Start
from engine.live import Program, policy_text, started, write_policy
from vgpu_embed import policy as policies
from vgpu_embed import tables
from vgpu_embed.predicates import DEPTH, Predicate

MET = 4711
"""What a hook answers that is asked."""

# The functions are chosen for what their parameters are: unsigned of 1, 2, 4 and 8 bytes, signed, on the stack.
FUNCTIONS = {
    "cuLaunchKernel": ("gridDimX", "gridDimY", "gridDimZ", "blockDimX", "blockDimZ", "sharedMemBytes", "hStream"),
    "cuMemsetD2D8_v2": ("dstDevice", "dstPitch", "uc", "Width", "Height"),
    "cuMemsetD16_v2": ("dstDevice", "us", "N"),
    "cuDeviceGetP2PAttribute": ("attrib", "srcDevice", "dstDevice"),
    "cuTensorMapEncodeIm2colWide": (
        "tensorDataType",
        "tensorRank",
        "pixelBoxLowerCornerWidth",
        "pixelBoxUpperCornerWidth",
        "channelsPerPixel",
    ),
}
"""Each with the parameters that expressions are made of."""

POLICY = f"""
where = policy.option("where", "")

@policy.configure
def declare():
    function, _, text = where.value.partition(": ")
    if function:
        @policy.hook(function, where=text)
        def asked(call):
            return {MET}
"""
CALL_EACH = f"""
def met(function, lists):
    given = ((c_uint64 * 12) * len(lists))(*(words(*one) for one in lists))
    results = (ctypes.c_uint32 * len(lists))()
    library("libcalls.so").call_each(function.encode(), given, results, len(lists))
    return [result == {MET} for result in results]
"""

EDGES = [n + d for n in (0, 1 << 7, 1 << 8, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 63) for d in (-1, 0, 1)] + [5]
NUMBERS = st.one_of(st.integers(0, 300), st.sampled_from(EDGES), st.integers(0, (1 << 64) - 1))
NAMED = ["KiB", "MiB", "GiB", "DeviceAttribute.WARP_SIZE", "CUmemorytype.HOST"]
TWO = ["+", "-", "*", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or"]


@st.composite
def expressions(draw: st.DrawFn, names: tuple[str, ...], size: int = 12) -> str:
    """Expressions over parameters; some get too wide for C."""
    if size <= 1:
        kind = draw(st.integers(0, 4))
        return str(draw(NUMBERS)) if kind == 0 else draw(st.sampled_from(NAMED if kind == 1 else names))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return f"({draw(st.sampled_from(['-', '~', 'not ']))}{draw(expressions(names, size - 1))})"
    if kind == 1:
        return (
            f"({draw(expressions(names, size - 1))} {draw(st.sampled_from(['<<', '>>']))} {draw(st.integers(0, 63))})"
        )
    left = draw(st.integers(1, size - 1))
    first, second = draw(expressions(names, left)), draw(expressions(names, size - left))
    if kind == 2:
        return f"({first} < {second} <= {draw(st.sampled_from(names))})"
    return f"({first} {draw(st.sampled_from(TWO))} {second})"


@functools.cache
def parameters(function: str) -> dict[str, tables.Parameter]:
    return {p.attribute: p for p in tables.function(function).parameters or ()}


def number(parameter: tables.Parameter, word: int) -> int:
    """What the parameter is whose register or stack word this is."""
    word &= (1 << 8 * parameter.size) - 1
    return int.from_bytes(word.to_bytes(8, "little")[: parameter.size], "little", signed=parameter.kind == "int")


def words_of(function: str, values: dict[str, int]) -> list[int]:
    """The twelve words that a call passes: six in registers, six on the stack. The others are dirt."""
    words = [0xA5A5A5A5A5A5A5A5] * 12
    for name, value in values.items():
        kind, place = parameters(function)[name].location
        words[place + 6 * (kind == "stack")] = value
    return words


class Call:
    """What a predicate's `test` needs of one."""

    def __init__(self, values: dict[str, int]) -> None:
        self.values = values

    def number(self, name: str) -> int:
        return self.values[name]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all expressions: each is an option's value."""
    folder = tmp_path_factory.mktemp("where")
    idle = ",".join(f"{name}=5" for name in FUNCTIONS)  # what is not met does nothing
    with started(folder, policy=write_policy(folder / "policy.py", POLICY), env={"FAKE_CUDA_FAIL": idle}) as one:
        one(CALL_EACH)
        one("attribute(1)")
        yield one


def agree(program: Program, function: str, text: str, lists: list[dict[str, int]]) -> None:
    """C, Predicate.test and Python itself say the same of each call."""
    import vgpu_embed

    predicate = Predicate(text, (function,))
    sizes = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    names = {**sizes, "DeviceAttribute": vgpu_embed.DeviceAttribute, "CUmemorytype": vgpu_embed.CUmemorytype}
    passed = [{name: number(parameters(function)[name], word) for name, word in one.items()} for one in lists]
    expected = [bool(eval(text, {"__builtins__": {}}, {**names, **one})) for one in passed]
    assert [predicate.test(Call(one)) for one in passed] == expected
    program.set("where", f"{function}: {text}")
    assert program(f"met({function!r}, {[words_of(function, one) for one in lists]!r})") == expected


ONE, *FURTHER = FUNCTIONS
"""One for every Python, whose own parser reads the expressions; where parameters lie is no matter of Python."""


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("function", [pytest.param(ONE, marks=pytest.mark.every_python), *FURTHER])
def test_c_and_python_agree(program: Program, function: str) -> None:
    names = FUNCTIONS[function]
    values = st.fixed_dictionaries(dict.fromkeys(names, NUMBERS))

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(expressions(names), st.lists(values, min_size=8, max_size=8))
    def holds(text: str, lists: list[dict[str, int]]) -> None:
        try:
            Predicate(text, (function,))
        except ValueError as error:
            sentence = str(error)
        else:
            sentence = ""
        if sentence:
            refused = ("can get too large", "nested too deeply", "has more than 64 bits", "is not understood")
            assert any(part in sentence for part in refused)
            with pytest.raises(AssertionError, match="where="):
                program.set("where", f"{function}: {text}")
            return
        agree(program, function, text, lists)

    holds()


EXACT = [
    "dstDevice == 18446744073709551615",
    "dstDevice > 9223372036854775807",
    "dstDevice - 18446744073709551615 == 0",
    "-dstDevice < -18446744073709551614",
    "dstDevice + dstPitch > 18446744073709551615",
    "dstDevice + 1 > 18446744073709551615",
    "(dstDevice >> 63) == 1",
    "~dstDevice == -18446744073709551615 - 1",
    "dstDevice ^ 0xFFFFFFFFFFFFFFFF",
    "(dstDevice << 40) >> 40 == dstDevice",
    "uc == 255",
    "uc * Width >= 510",
]


@pytest.mark.parametrize("text", EXACT)
def test_numbers_are_exact(program: Program, text: str) -> None:
    names = FUNCTIONS["cuMemsetD2D8_v2"]
    edges = [0, 1, 2, 255, 256, (1 << 63) - 1, 1 << 63, (1 << 64) - 2, (1 << 64) - 1]
    lists = [dict(zip(names, (a, b, c, b, 1), strict=True)) for a in edges for b in edges[:3] for c in (0, 255, 510)]
    agree(program, "cuMemsetD2D8_v2", text, lists)


def test_parameters_of_all_kinds_and_places(program: Program) -> None:
    """Dirt above them, signs, and what is passed on the stack."""
    word = struct.unpack("<Q", b"\xfe\xff\xff\xff\xff\xff\xff\x7f")[0]
    for function, names in FUNCTIONS.items():
        for name in names:
            for value in (word, 1 << 31, 1 << 32, 5, (1 << 64) - 1):
                exact = number(parameters(function)[name], value)
                values = dict.fromkeys(names, 0x5555555555555555) | {name: value}
                agree(program, function, f"{name} == {exact}", [values])
                agree(program, function, f"{name} < {exact}", [values])


def test_as_deep_and_wide_as_it_goes(program: Program) -> None:
    text = functools.reduce("({1} + {0})".format, ["uc"] * DEPTH)
    values = dict.fromkeys(FUNCTIONS["cuMemsetD2D8_v2"], 1)
    agree(program, "cuMemsetD2D8_v2", text, [values])
    long = " or ".join(f"uc == {n}" for n in range(200))
    agree(program, "cuMemsetD2D8_v2", long, [values | {"uc": n} for n in (0, 100, 199, 200)])
    agree(program, "cuMemsetD2D8_v2", "0 < " + " <= ".join(["uc"] * 40), [values])
    wide = [values | {"dstDevice": (1 << 64) - 1, "Width": (1 << 56) - 1, "uc": 255}]
    agree(program, "cuMemsetD2D8_v2", "(dstDevice << 56) >> 50 == dstDevice * 64", wide)


def test_which_hooks_are_asked(start: Start) -> None:
    """Of several with expressions, those whose own is met; where one has none, C asks always."""
    program = start("""
asked = []

@policy.command
def names():
    return [asked.pop(0) for _ in list(asked)]

@policy.hook("cuMemsetD16_v2", where="N > 10")
def large(call):
    asked.append("large")

@policy.hook("cuMemsetD16_v2", where="us == 7")
def seven(call):
    asked.append("seven")

@policy.hook("cuMemsetD16_v2", where="dstDevice == 0", caller="libother*")
def null(call):
    asked.append("null")

@policy.hook("cuMemsetD8_v2", where="N > 10")
def bytes_(call):
    asked.append("bytes")

@policy.hook("cuMemsetD8_v2")
def every(call):
    asked.append("every")
""")
    for arguments, asked in {
        (1, 7, 11): ["large", "seven"],
        (1, 7, 10): ["seven"],
        (1, 0xABCD0007, 10): ["seven"],
        (1, 6, 10): [],
        (0, 6, 10): [],
    }.items():
        program(f"call('cuMemsetD16_v2', *{arguments})")
        assert program.command("names") == asked
    program("call('cuMemsetD16_v2', 0, 6, 10, by='libother.so')")
    assert program.command("names") == ["null"]
    for size, asked in {10: ["every"], 11: ["bytes", "every"]}.items():
        program(f"call('cuMemsetD8_v2', 0, 0, {size})")
        assert program.command("names") == asked
    assert program.counts("cuMemsetD16_v2")[:2] == (6, 5)


def test_an_expression_for_several_functions(start: Start) -> None:
    """Their parameter of one name lies in another register, and is of another size."""
    program = start(f"""
@policy.hook("cuMemAlloc_v2", "cuMemAllocManaged", "cuMemAllocFromPoolAsync", where="bytesize == 4096")
def size(call):
    return {MET}
""")
    for name in ("cuMemAlloc_v2", "cuMemAllocManaged", "cuMemAllocFromPoolAsync"):
        assert program(f"[call({name!r}, room(8), n, 1, 0) == {MET} for n in (4095, 4096, 4096 + (1 << 32))]") == [
            False,
            True,
            False,
        ]


WRONG = {
    "bytesiz > 1": "cuMemAlloc_v2 has no parameter 'bytesiz'; it has dptr, bytesize",
    "dptr > 1": "dptr of cuMemAlloc_v2 is no scalar that it is called with",
    "bytesize >": "is not an expression: ",
    "bytesize = 5": "is not an expression: ",
    "bytesize / 2 > 1": "BinOp is not understood; compare parameters with numbers, join with and, or, not",
    "bytesize.value": "there is no such enum or member; write DeviceAttribute.WARP_SIZE",
    "DeviceAttribute.WRAP_SIZE == bytesize": "there is no such enum or member",
    "bytesize in (1, 2)": "In is not understood; compare with < <= > >= == !=",
    "len(bytesize)": "Call is not understood",
    "bytesize == 1.5": "1.5 is not a number",
    "bytesize == '1'": "'1' is not a number",
    "bytesize == True": "True is not a number",
    "bytesize << bytesize": "shift by a number from 0 to 63",
    "bytesize << 64": "shift by a number from 0 to 63",
    "bytesize >> -1": "shift by a number from 0 to 63",
    "bytesize * bytesize": "its numbers can get too large",
    "bytesize << 60": "its numbers can get too large",
    "bytesize == 18446744073709551616": "18446744073709551616 has more than 64 bits",
    functools.reduce("({1} + {0})".format, ["bytesize"] * (DEPTH + 1)): "it is nested too deeply",
    "(" * 300 + "bytesize" + ")" * 300: "where=",
    "not " * 5000 + "bytesize": "where=",
    "-" * 5000 + "bytesize": "where=",
    "bytesize > 1\0": "where=",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:24])
def test_what_c_cannot_evaluate_is_a_sentence_at_load(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.py"
    body = f'\n@policy.hook("cuMemAlloc_v2",\n             where={text!r})\ndef f(call):\n    return None\n'
    path.write_text(policy_text(body))
    with pytest.raises(policies.PolicyError) as raised:
        policies.load(str(path))
    sentence = str(raised.value)
    assert sentence.startswith(f"{path}:4: where=")
    assert WRONG[text] in sentence
    assert "\n" not in sentence


def test_a_wrong_expression_in_a_program_is_said_and_the_program_runs_on(start: Start) -> None:
    program = start('\n@policy.hook("cuDeviceGetAttribute", where="devv == 1")\ndef f(call):\n    return None\n')
    assert program("attribute(2)") == 1024
    [line] = program.said()
    name = program("os.path.basename(os.readlink('/proc/self/exe'))")
    assert line.endswith(
        "policy.py:4: where='devv == 1': cuDeviceGetAttribute has no parameter 'devv'; it has pi, attrib, dev; "
        f"the policy is not in force, {name} runs on without it"
    )

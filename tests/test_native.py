"""Native mode over the fake driver: what a program sees, with and without a policy."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Protocol

import pytest
from driver import generate
from support import Completed, fake_driver, run_bare, run_preloaded

from vgpu_embed import tables
from vgpu_embed.tables import getproc

pytestmark = pytest.mark.every_python

LIBRARY = "libvgpu-cuda.so"
SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, NOT_PERMITTED = 0, 1, 2, 800


class Write(Protocol):
    """Writes a policy file: its decorated functions, given the imports and `policy`."""

    def __call__(self, text: str, name: str = ..., on_error: str = ...) -> Path: ...


@pytest.fixture
def policy(tmp_path: Path) -> Write:
    def write(text: str, name: str = "policy.py", on_error: str = "forward") -> Path:
        head = f"from vgpu_embed import *\npolicy = Policy(on_error={on_error!r}, failures=1000)\n"
        (tmp_path / name).write_text(head + text)
        return tmp_path / name

    return write


def discover(*libraries: str) -> list[str | Path]:
    """A program that asks the driver about its devices and uses one; see discover.c."""
    return [fake_driver() / "discover", *(fake_driver() / name for name in libraries)]


def changed(done: Completed, bare: Completed) -> list[tuple[str, str]]:
    """The lines of output that differ: without the library, with it."""
    pairs = zip(bare.stdout.splitlines(), done.stdout.splitlines(), strict=True)
    return [pair for pair in pairs if pair[0] != pair[1]]


def reached(record: Path) -> Counter[str]:
    """How often each function of the driver was called."""
    lines = record.read_text().splitlines() if record.exists() else []
    return Counter(line.split()[0] for line in lines)


# ---- without a verdict -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("devices", ["0", "1", "3"])
@pytest.mark.parametrize(
    "hook",
    [
        "",
        "@policy.hook('cudaMalloc')\ndef other(call): return 1",
        "@policy.hook('cu*')\ndef none(call): pass",
        "@policy.hook('cu*')\ndef forward(call): return call.forward()",
        "@policy.hook('cu*')\ndef forward_and_forget(call): call.forward()",
    ],
)
def test_a_program_sees_what_the_driver_answers(policy: Write, hook: str, devices: str) -> None:
    env = {"FAKE_CUDA_DEVICES": devices}
    bare = run_bare(discover(), env=env)
    done = run_preloaded(discover(), policy=policy(hook) if hook else None, env=env)
    assert done.stderr == ""
    assert done.stdout == bare.stdout
    assert done.returncode == bare.returncode == 0
    assert f"devices {devices}" in bare.stdout


def test_the_drivers_failures_are_the_programs(policy: Write) -> None:
    env = {"FAKE_CUDA_FAIL": "cuInit=999,cuMemAlloc_v2=2,cuStreamCreate=719"}
    hook = policy("@policy.hook('cu*')\ndef forward(call): return call.forward()")
    bare = run_bare(discover(), env=env)
    done = run_preloaded(discover(), policy=hook, env=env)
    assert "cuInit 999" in bare.stdout
    assert (done.stdout, done.stderr) == (bare.stdout, "")


def test_without_a_driver_nothing_is_different(policy: Write, tmp_path: Path) -> None:
    hook = policy("@policy.hook('cu*')\ndef forward(call): return call.forward()")
    bare = run_bare(discover(), driver=tmp_path)
    done = run_preloaded(discover(), policy=hook, driver=tmp_path)
    assert bare.stdout.startswith("no driver: libcuda.so.1: cannot open shared object file")
    assert (done.stdout, done.returncode) == (bare.stdout, bare.returncode)


def test_a_driver_that_is_found_is_used_without_being_told(policy: Write) -> None:
    hook = policy("@policy.hook('cuMemAlloc_v2')\ndef refuse(call): return CUresult.ERROR_OUT_OF_MEMORY")
    done = run_preloaded(discover(), policy=hook, env={"VGPU_MODE": ""})
    assert "name Fake GPU 0" in done.stdout
    assert "cuMemAlloc_v2 2" in done.stdout


@pytest.mark.parametrize("log", ["info", "debug"])
def test_logging_changes_no_result(policy: Write, log: str) -> None:
    """Every function of the list is called, and has its line."""
    results = {row.name: 1000 + row.index for row in generate.functions() if "GetProc" not in row.name}
    env = {"FAKE_CUDA_FAIL": ",".join(f"{name}={result}" for name, result in results.items())}
    hook = policy("@policy.hook('cu*')\ndef none(call): pass")
    program: list[str | Path] = [fake_driver() / "caller", "link", "dlsym"]
    bare = run_bare(program, env=env)
    done = run_preloaded(program, policy=hook, log=log, env=env)
    assert [line.split()[:4] for line in done.stdout.splitlines()] == [
        line.split()[:4] for line in bare.stdout.splitlines()
    ]
    lines = Counter(re.findall(r"\] (\w+)\(\) CALLED \(", done.stderr))
    known = {row.name for row in generate.functions() if row.parameters is not None}
    assert set(lines) == known
    assert set(lines.values()) == {1 if log == "info" else 2}
    assert "defect" not in done.stderr
    for word in ("system_info:", "error:", "CUDA error", "out of memory"):
        assert word not in done.stderr


# ---- verdicts ----------------------------------------------------------------------------------------------------


def test_a_hook_answers(policy: Write, tmp_path: Path) -> None:
    hook = policy("""
@policy.hook("cuDeviceGetAttribute")
def major(call):
    if call.attrib == DeviceAttribute.COMPUTE_CAPABILITY_MAJOR and call.dev == 0:
        return call.reply(pi=9)
""")
    bare_record, record = tmp_path / "bare", tmp_path / "record"
    bare = run_bare(discover(), env={"FAKE_CUDA_LOG": bare_record})
    done = run_preloaded(discover(), policy=hook, env={"FAKE_CUDA_LOG": record})
    assert changed(done, bare) == [("attribute 75: 8", "attribute 75: 9")]
    # Once for the device, once through NULL.
    name = "cuDeviceGetAttribute"
    assert reached(record)[name] == reached(bare_record)[name] - 2


def test_a_refusal_does_not_reach_the_driver(policy: Write, tmp_path: Path) -> None:
    hook = policy("@policy.hook('cuMemAlloc_v2')\ndef no(call): return CUresult.ERROR_OUT_OF_MEMORY")
    record = tmp_path / "record"
    done = run_preloaded(discover(), policy=hook, env={"FAKE_CUDA_LOG": record})
    assert done.stdout.count(f"cuMemAlloc_v2 {OUT_OF_MEMORY}") == 2
    assert reached(record)["cuMemAlloc_v2"] == 0
    assert "too much: 5a5a" in done.stdout


def test_a_hook_reads_what_the_driver_wrote(policy: Write, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    hook = policy(f"""
notes = open({str(notes)!r}, "w", buffering=1)

@policy.hook("cuMemAlloc_v2")
def allocated(call):
    result = call.forward()
    print("alloc", call.bytesize, result.ok, int(result), call.dptr[0], file=notes)
    return result

@policy.hook("cuMemFree_v2")
def freed(call):
    print("free", call.dptr, call.caller, call.program, file=notes)

@policy.hook("cuMemGetInfo_v2")
def info(call):
    try:
        call.free
    except AttributeError as error:
        print("early", error, file=notes)
    call.forward()
    print("info", call.free[0] < call.total[0] == 24 * GiB, file=notes)
""")
    bare = run_bare(discover())
    done = run_preloaded(discover(), policy=hook)
    assert (done.stdout, done.stderr) == (bare.stdout, "")
    lines = notes.read_text().splitlines()
    assert lines[:2] == ["early cuMemGetInfo_v2 writes free: read it after call.forward()", "info True"]
    allocation = re.fullmatch(r"alloc 1048576 True 0 ([1-9]\d+)", lines[2])
    assert allocation
    assert lines[5] == f"free {allocation[1]} discover discover"
    # What the program had in its variable, because the driver did not write.
    assert lines[6] == f"alloc {1 << 40} False 2 {0x5A5A}"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("raise ValueError('not today')", "ValueError: not today"),
        ("return getattr(call, 'pi2')", "cuDeviceGetAttribute has no parameter 'pi2'; it has pi, attrib, dev"),
        ("return call.pi[0]", "cuDeviceGetAttribute writes pi: read it after call.forward()"),
        ("call.forward(); raise ValueError('too late')", "ValueError: too late"),
        ("call.forward(); call.forward()", "forward() was called a second time"),
        ("return [0]", "a hook returns None or a CUresult, not list"),
        ("return 'CUDA_SUCCESS'", "a hook returns None or a CUresult, not str"),
        ("call.forward(); return '\\ud800'", "a hook returns None or a CUresult, not str"),
        # Not even our own failure, after forward(), makes the call happen twice.
        (
            "call.forward(); import vgpu_embed.embed.dispatch as ours; ours.effect_of = None; raise ValueError",
            "a defect of vgpu_embed",
        ),
        ("return call.reply(attrib=1)", "has no out-parameter 'attrib'"),
    ],
)
def test_a_hook_that_raises_costs_its_verdict_only(policy: Write, tmp_path: Path, body: str, sentence: str) -> None:
    hook = policy(f"@policy.hook('cuDeviceGetAttribute')\ndef broken(call):\n    {body}")
    bare_record, record = tmp_path / "bare", tmp_path / "record"
    bare = run_bare(discover(), env={"FAKE_CUDA_LOG": bare_record})
    done = run_preloaded(discover(), policy=hook, env={"FAKE_CUDA_LOG": record})
    assert done.stdout == bare.stdout
    assert reached(record) == reached(bare_record)
    (line,) = done.stderr.splitlines()
    assert re.match(r"\[libvgpu-cuda\] /.*/\w+\.py:\d+: ", line)
    assert sentence in line


def test_on_error_deny_refuses(policy: Write, tmp_path: Path) -> None:
    hook = policy("@policy.hook('cuMemAlloc_v2')\ndef broken(call): 1 / 0", on_error="deny")
    record = tmp_path / "record"
    done = run_preloaded(discover(), policy=hook, env={"FAKE_CUDA_LOG": record})
    assert done.stdout.count(f"cuMemAlloc_v2 {NOT_PERMITTED}") == 2
    assert reached(record)["cuMemAlloc_v2"] == 0
    assert "ZeroDivisionError" in done.stderr


def test_on_error_deny_keeps_what_the_driver_answered(policy: Write, tmp_path: Path) -> None:
    hook = policy("@policy.hook('cuMemAlloc_v2')\ndef broken(call): call.forward(); 1 / 0", on_error="deny")
    bare, record = run_bare(discover()), tmp_path / "record"
    done = run_preloaded(discover(), policy=hook, env={"FAKE_CUDA_LOG": record})
    assert done.stdout == bare.stdout
    assert reached(record)["cuMemAlloc_v2"] == 2


def test_a_reply_through_null_is_an_invalid_value(policy: Write) -> None:
    """discover.c asks for attribute 75 through NULL, once."""
    hook = policy("@policy.hook('cuDeviceGetAttribute')\ndef nine(call): return call.reply(pi=9)")
    done = run_preloaded(discover(), policy=hook)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.count(f"cuDeviceGetAttribute {INVALID_VALUE}") == 1
    assert "attribute 148: 9" in done.stdout


def test_reading_through_null_is_the_hooks_error(policy: Write) -> None:
    hook = policy("@policy.hook('cuDeviceGetAttribute')\ndef read(call): call.forward(); call.pi[0]")
    bare = run_bare(discover())
    done = run_preloaded(discover(), policy=hook)
    assert done.stdout == bare.stdout
    assert "null pointer" in done.stderr


def test_the_first_verdict_wins_and_forward_goes_through_the_rest(policy: Write, tmp_path: Path) -> None:
    order = tmp_path / "order"
    append = f"open({str(order)!r}, 'a').write"
    first = policy(f"""
@policy.hook("cuDeviceGetName")
def first(call):
    {append}("first ")
    result = call.forward()
    {append}(f"{{int(result)}} ")
    return call.reply(name="named by the first")

@policy.hook("cuDeviceTotalMem_v2")
def passes(call):
    return None
""")
    second = policy(
        f"""
@policy.hook("cuDeviceGetName")
def second(call):
    {append}("second ")
    return CUresult.ERROR_NOT_READY

@policy.hook("cuDeviceTotalMem_v2")
def answers(call):
    return call.reply(bytes=GiB)
""",
        "second.py",
    )
    record = tmp_path / "record"
    bare = run_bare(discover())
    done = run_preloaded(discover(), policy=[first, second], env={"FAKE_CUDA_LOG": record})
    assert changed(done, bare) == [
        ("name Fake GPU 0", "name named by the first"),
        (f"total {24 << 30}", f"total {1 << 30}"),
    ]
    assert order.read_text() == "first second 600 "
    assert reached(record)["cuDeviceGetName"] == 0


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ("call.reply(name='x' * 100)", "name " + "x" * 63),
        ("call.reply(name='Grüße')", "name Grüße"),
        ("call.reply(name=b'bytes\\0')", "name bytes"),
    ],
)
def test_text_is_cut_to_the_buffer(policy: Write, reply: str, line: str) -> None:
    hook = policy(f"@policy.hook('cuDeviceGetName')\ndef name(call): return {reply}")
    assert line in run_preloaded(discover(), policy=hook).stdout.splitlines()


# ---- who asks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "by_program", "by_library"),
    [
        ("", 9, 9),
        ("caller='discover'", 9, 8),
        ("caller='libasker.so'", 8, 9),
        ("caller=('libasker*', 'nobody')", 8, 9),
        ("caller='asker'", 8, 8),
        ("program='discover'", 9, 9),
        ("program='disc*'", 9, 9),
        ("program='ollama'", 8, 8),
        ("caller='libasker.so', program='discover'", 8, 9),
        ("caller='libasker.so', program='ollama'", 8, 8),
    ],
)
def test_rules_apply_to_whom_they_name(policy: Write, patterns: str, by_program: int, by_library: int) -> None:
    hook = policy(f"""
@policy.hook("cuDeviceGetAttribute", {patterns})
def nine(call):
    if call.attrib == 75:
        return call.reply(pi=9)
""")
    done = run_preloaded(discover("libasker.so"), policy=hook)
    assert f"attribute 75: {by_program}\n" in done.stdout
    assert f"asker {by_library}\n" in done.stdout


ASK_FROM_PYTHON = """
import ctypes
driver = ctypes.CDLL("libcuda.so.1")
value = ctypes.c_int(-1)
print(driver.cuInit(0), driver.cuDeviceGetAttribute(ctypes.byref(value), 75, 0), value.value)
"""


def test_a_program_that_is_a_python_itself(policy: Write) -> None:
    hook = policy("""
@policy.hook("cuDeviceGetAttribute", caller="libffi*")
def nine(call):
    import sys
    assert "ctypes" not in sys.modules
    return call.reply(pi=9)
""")
    command: list[str | Path] = [sys.executable, "-c", ASK_FROM_PYTHON]
    assert run_bare(command).stdout == "0 0 8\n"
    done = run_preloaded(command, policy=hook)
    assert (done.stdout, done.stderr, done.returncode) == ("0 0 9\n", "", 0)


# ---- lookups -----------------------------------------------------------------------------------------------------


class Route:
    """One line of routes.c: a way to a function, and where it leads."""

    def __init__(self, line: str) -> None:
        self.way, self.name, self.address, self.file, self.symbol, self.error = line.split(" ", 5)

    @property
    def key(self) -> tuple[str, str]:
        return self.way, self.name


def routes(names: list[str], driver: Path | None = None, **preloaded: object) -> dict[tuple[str, str], Route]:
    program: list[str | Path] = [fake_driver() / "routes", driver or fake_driver()]
    text = "\n".join(names)
    if preloaded.pop("bare", False):
        done = run_bare(program, driver=driver, stdin=text)
    else:
        done = run_preloaded(program, driver=driver, stdin=text, **preloaded)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr
    found = [Route(line) for line in done.stdout.splitlines()]
    return {route.key: route for route in found}


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("variant", ["", "versioned"])
def test_every_way_leads_to_one_thunk(policy: Write, variant: str, hooked: bool) -> None:
    names = [row.name for row in generate.functions()]
    hook = policy("@policy.hook('cu*')\ndef forward(call): return call.forward()") if hooked else None
    driver = fake_driver() / variant
    bare = routes(names, driver, bare=True)
    found = routes(names, driver, policy=hook)
    assert found.keys() == bare.keys()
    assert {key for key in found if found[key].symbol != bare[key].symbol} == set()
    assert {route.file for route in found.values() if route.symbol != "-"} == {LIBRARY}
    addresses: dict[str, set[str]] = {}
    for route in found.values():
        addresses.setdefault(route.symbol, set()).add(route.address)
    assert {symbol for symbol in addresses if len(addresses[symbol]) > 1} == set()
    ways = {route.way for route in found.values() if route.symbol == "cuMemAlloc_v2"}
    assert ways >= {"link", "name", "path", "version", "default", "getproc", "getproc_v2"}
    assert ("dlvsym" in ways) == (variant == "versioned")


@pytest.mark.parametrize("hooked", [False, True])
def test_a_name_that_the_driver_lacks_stays_missing(policy: Write, hooked: bool) -> None:
    names = ["cuMemAlloc_v2", "cuMemAlloc", "cuGetProcAddress_v2", "cuCtxGetId", "cuNoSuchThing", "cuInit"]
    hook = policy("@policy.hook('cu*')\ndef forward(call): return call.forward()") if hooked else None
    driver = fake_driver() / "lacking"
    bare = routes(names, driver, bare=True)
    found = routes(names, driver, policy=hook)
    of_interest = [key for key in bare if key[0] in ("name", "default", "dlvsym", "getproc")]
    missing = {key for key in of_interest if bare[key].symbol == "-"}
    assert {name for way, name in missing if way == "name"} == set(names) - {"cuMemAlloc", "cuInit"}
    for key in of_interest:
        assert (key, found[key].symbol) == (key, bare[key].symbol)
        # Who could not find it is named first, and is sometimes us.
        assert found[key].error.rpartition(": ")[2] == bare[key].error.rpartition(": ")[2]


def test_a_variable_of_the_driver_is_its_own() -> None:
    names = [name for name in tables.names("driver") if tables.function(name).variable]
    bare = routes(names, bare=True)
    found = routes(names)
    ways = ("name", "path", "version", "default")
    assert {bare[way, name].file for way in ways for name in names} == {"libcuda.so.1"}
    wrong = [(way, name) for way in ways for name in names if found[way, name].file != "libcuda.so.1"]
    assert wrong == []


@pytest.mark.parametrize("hooked", [False, True])
def test_cu_get_proc_address_gives_the_version_that_the_driver_gives(policy: Write, hooked: bool) -> None:
    """Every symbol that the driver knows and some that it does not, at every version and flag."""
    versions = sorted({0, 1000, *generate.versions(), *(v + 10 for v in generate.versions()), 99999})
    symbols = ["-", "nope", "cuMemAlloc_v2", *getproc.symbols()]
    requests = [(s, v, f) for s in symbols for v in versions for f in (0, 1, 2)]
    requests += [(s, 13000, f) for s in symbols for f in (3, 4, 99)]
    text = "".join(f"{symbol} {version} {flags}\n" for symbol, version, flags in requests)
    hook = policy("@policy.hook('cuGetProc*')\ndef forward(call): return call.forward()") if hooked else None
    bare = run_bare([fake_driver() / "transcript"], stdin=text)
    done = run_preloaded([fake_driver() / "transcript"], stdin=text, policy=hook)
    assert bare.returncode == done.returncode == 0
    wanted = bare.stdout.replace(" libcuda.so.1 ", f" {LIBRARY} ").splitlines()
    got = done.stdout.splitlines()
    assert len(got) == len(requests) > 60000
    assert [pair for pair in zip(got, wanted, strict=True) if pair[0] != pair[1]][:10] == []
    for (symbol, version, flags), line in zip(requests, bare.stdout.splitlines(), strict=True):
        result, name, _ = getproc.resolve("" if symbol == "-" else symbol, version, flags)
        shown = "untouched" if result else name or "nothing"
        assert line.endswith(f" {shown}"), line


CALL_BACKS = ["dlsym", "dlopen", "getprocaddress", "getexporttable", "fork"]
HOOKS = {"": "", "none": "def hook(call): pass", "forward": "def hook(call): return call.forward()"}


def looked_up(policy: Write, folder: Path, program: str, when: str, hook: str) -> list[tuple[str, str, str]]:
    """What the fake driver looks up itself: how, what it found without the library, and with it."""
    command: list[str | Path] = [fake_driver() / program, fake_driver()] if program == "routes" else discover()
    # A constructor cannot wait for a thread that looks something up: both want the loader's lock.
    steps = [*CALL_BACKS, "cuInit" if when == "constructor" else "thread"]
    env: dict[str, str | Path] = {f"FAKE_CUDA_{when.upper()}": ",".join(steps)}
    bare, record = folder / "bare", folder / "record"
    run_bare(command, env={**env, "FAKE_CUDA_LOG": bare}, timeout=20)
    written = policy(f"@policy.hook('cu*')\n{HOOKS[hook]}") if hook else None
    done = run_preloaded(command, policy=written, env={**env, "FAKE_CUDA_LOG": record}, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    notes = [
        [line.split()[2:] for line in file.read_text().splitlines() if line.startswith(f"from {when}: ")]
        for file in (bare, record)
    ]
    found = [(one[0], one[1], other[1]) for one, other in zip(*notes, strict=True) if one[0] == other[0]]
    assert len(found) == len(notes[0]) >= len(steps)
    return found


lookups_of_the_driver = pytest.mark.parametrize(
    ("program", "when", "hook"),
    [
        (program, when, hook)
        for hook in HOOKS
        for program, when in (("discover", "constructor"), ("discover", "cuInit"), ("routes", "constructor"))
    ],
)
IN_THE_PROGRAM = ("dlsym(RTLD_DEFAULT)", "dlopen(NULL)")


@lookups_of_the_driver
def test_the_drivers_own_lookups_are_its_own(policy: Write, tmp_path: Path, program: str, when: str, hook: str) -> None:
    """Of a driver that is opened, and of one that is linked; from its constructor, and from cuInit."""
    found = looked_up(policy, tmp_path, program, when, hook)
    assert {how for how, bare, _ in found if bare == "own"} >= {"dlsym(self)", "cuGetProcAddress", "fork"}
    assert [one for one in found if one[0] not in IN_THE_PROGRAM and one[1] != one[2]] == []


@lookups_of_the_driver
def test_the_driver_does_not_find_us_in_the_program(
    policy: Write, tmp_path: Path, program: str, when: str, hook: str
) -> None:
    found = looked_up(policy, tmp_path, program, when, hook)
    assert {how for how, _, _ in found} >= set(IN_THE_PROGRAM)
    assert [one for one in found if one[0] in IN_THE_PROGRAM and one[1] != one[2]] == []


# ---- switches ----------------------------------------------------------------------------------------------------


def test_disabled_it_is_inert(policy: Write) -> None:
    hook = policy("@policy.hook('cu*')\ndef refuse(call): return 999")
    bare = run_bare(discover("libasker.so"))
    done = run_preloaded(discover("libasker.so"), policy=hook, gpu="h100", log="debug", env={"VGPU_DISABLE": "1"})
    assert (done.stdout, done.stderr, done.returncode) == (bare.stdout, "", 0)
    named = ("name", "path", "version")
    found = routes(["cuInit", "cuCtxCreate"], policy=hook, env={"VGPU_DISABLE": "1"})
    assert {route.file for route in found.values() if route.way in named} == {"libcuda.so.1"}


@pytest.mark.parametrize("value", ["", "0"])
def test_an_empty_switch_is_off(policy: Write, value: str) -> None:
    hook = policy("@policy.hook('cuInit')\ndef refuse(call): return 999")
    assert "cuInit 999" in run_preloaded(discover(), policy=hook, env={"VGPU_DISABLE": value}).stdout


def test_a_policy_that_does_not_load_is_named_and_the_program_runs(policy: Write) -> None:
    wrong = policy("@policy.hook('cuMemAllocc')\ndef hook(call): pass")
    bare = run_bare(discover())
    done = run_preloaded(discover(), policy=wrong)
    assert (done.stdout, done.returncode) == (bare.stdout, 0)
    (line,) = done.stderr.splitlines()
    assert f"{wrong}:3: " in line
    assert "did you mean cuMemAlloc" in line


def test_a_gpu_over_a_driver_changes_what_queries_answer() -> None:
    """The UUID and PCI id stay: libcudart verifies them with the driver."""
    bare = run_bare(discover(), env={"FAKE_CUDA_DEVICES": "2"})
    done = run_preloaded(discover(), gpu="h100", env={"FAKE_CUDA_DEVICES": "2"})
    lines = changed(done, bare)
    assert ("name Fake GPU 0", "name NVIDIA H100 80GB HBM3") in lines
    assert ("attribute 75: 8", "attribute 75: 9") in lines
    assert ("attribute 76: 6", "attribute 76: 0") in lines
    assert ("attribute 16: 84", "attribute 16: 132") in lines
    assert (f"total {24 << 30}", "total 85017493504") in lines
    assert not [line for line in lines if line[0].startswith(("uuid", "pci", "attribute 33"))]
    assert "name Fake GPU 1" in done.stdout  # one device was named


def test_devices_cannot_be_added_over_a_driver() -> None:
    done = run_preloaded(discover(), gpu="2xh100")
    assert "version 13000 devices 1" in done.stdout
    assert done.stdout.count("name NVIDIA H100 80GB HBM3") == 1


# ---- the log -----------------------------------------------------------------------------------------------------

ATTRIBUTE = """
@policy.hook("cuDeviceGetAttribute")
def nine(call):
    if call.attrib == 75 and call.dev == 0:
        return call.reply(pi=9)
"""


def test_the_lines_of_the_log(policy: Write) -> None:
    """Tools read them: to the letter."""
    done = run_preloaded(discover(), policy=policy(ATTRIBUTE), log="info")
    lines = done.stderr.splitlines()
    (pid,) = {found[1] for line in lines if (found := re.search(r" \(pid=(\d+)\)$", line))}
    head, tail = re.escape("[libvgpu-cuda] "), re.escape(f" (pid={pid})")
    assert all(re.fullmatch(f"{head}.+{tail}", line) for line in lines)
    name = "cuDeviceGetAttribute"
    patterns = [
        r'dlopen\("libcuda\.so\.1"\) - libcuda\.so\.1 loading',
        rf'dlsym\(handle=0x[0-9a-f]+, "{name}"\) called',
        rf'dlsym\(\) REDIRECTED "{name}" to shim at 0x[0-9a-f]+',
        rf"{name}\(\) CALLED \(attrib=75, dev=0\) -> CUDA_SUCCESS \(pi=9\)",
        rf"{name}\(\) CALLED \(attrib=76, dev=0\) -> CUDA_SUCCESS \(pi=6\)",
        rf"{name}\(\) CALLED \(attrib=148, dev=0\) -> CUDA_ERROR_INVALID_VALUE",
    ]
    places = [
        next((place for place, line in enumerate(lines) if re.fullmatch(head + pattern + tail, line)), None)
        for pattern in patterns
    ]
    assert None not in places, patterns[places.index(None)]
    assert places == sorted(places)  # type: ignore[type-var]
    assert len([line for line in lines if "CALLED (attrib=75," in line]) == 1


def test_the_log_is_silent_unless_asked(policy: Write) -> None:
    assert run_preloaded(discover(), policy=policy(ATTRIBUTE)).stderr == ""
    wrong = policy("1 / 0")
    assert run_preloaded(discover(), policy=wrong, log="off").stderr == ""
    assert "ZeroDivisionError" in run_preloaded(discover(), policy=wrong, log="error").stderr


def test_debug_has_every_call(policy: Write) -> None:
    info = run_preloaded(discover(), policy=policy(ATTRIBUTE), log="info").stderr
    debug = run_preloaded(discover(), policy=policy(ATTRIBUTE), log="debug").stderr
    call = "cuDeviceGetAttribute() CALLED (attrib=75,"
    assert info.count(call) == 1
    assert debug.count(call) == 3


def test_the_log_goes_to_a_file_of_the_process(policy: Write, tmp_path: Path) -> None:
    env = {"VGPU_LOG_FILE": tmp_path / "log-%p"}
    bare = run_bare(discover())
    done = run_preloaded(discover(), policy=policy(ATTRIBUTE), log="info", env=env)
    assert done.stderr == ""
    assert changed(done, bare) == [("attribute 75: 8", "attribute 75: 9")]
    (file,) = tmp_path.glob("log-*")
    assert file.read_text().count(f"(pid={file.name.removeprefix('log-')})\n") == len(file.read_text().splitlines())


def test_a_hook_logs(policy: Write) -> None:
    hook = policy("""
@policy.hook("cuMemAlloc_v2")
def big(call):
    if call.bytesize >= GiB:
        call.log.info("1 GiB or more", size=call.bytesize, by=call.caller)
""")
    lines = run_preloaded(discover(), policy=hook, log="info").stderr.splitlines()
    (line,) = [line for line in lines if "or more" in line]
    assert re.fullmatch(
        r"\[libvgpu-cuda\] cuMemAlloc_v2: 1 GiB or more size=0x10000000000 by=discover \(pid=\d+\)", line
    )

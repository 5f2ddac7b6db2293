"""Each kind of mistake in a profile's TOML file is one sentence that says where and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vgpu_embed import devices
from vgpu_embed.devices import catalogue, compile, schema

FIGURES = '[[figures]]\nbasis = "measured"\nsource = "here"\n'

# What stands in the file; the line the error names; words that it has.
MISTAKES = {
    "not TOML": ('base = "h100"\nname is H100\n', 2, ["not TOML", "correct it"]),
    "not TOML at the end": ('base = "h100"\n[device\n', 2, ["not TOML"]),
    "key twice": ('base = "h100"\nbase = "h100"\n', 2, ["not TOML"]),
    "unknown key": ('base = "h100"\nfiguers = 1\n', 2, ["no key figuers", "did you mean figures?"]),
    "unknown base": ('base = "h10"\n', 1, ["no base h10", "h100"]),
    "base of the wrong type": ("base = 100\n", 1, ["no base 100"]),
    "unknown field": (
        'base = "h100"\n[device]\nmemroy = "1GiB"\n',
        3,
        ["[device] has no memroy", "did you mean memory?"],
    ),
    "unknown attribute": (
        'base = "h100"\n\n[attributes]\nwarp_sice = 32\n',
        4,
        ["[attributes] has no warp_sice", "did you mean warp_size?"],
    ),
    "attribute newer than the driver": (
        'base = "h100"\n[attributes]\natomic_reduction_supported = 1\n',
        3,
        ["has no atomic_reduction_supported"],
    ),
    "unknown figure of NVML": (
        'base = "h100"\n[nvml]\nbrnd = 5\n',
        3,
        ["[nvml] has no brnd", "did you mean brand?"],
    ),
    "unknown entry of a figure": (
        'base = "h100"\n[nvml]\nmax_clock_info = { memory = 5 }\n',
        3,
        ["max_clock_info has no entry memory", "did you mean mem?"],
    ),
    "section that is no table": ('base = "h100"\ndevice = 5\n', 2, ["not a table", "[device]"]),
    "attribute that is a field": (
        'base = "h100"\n[attributes]\nmultiprocessor_count = 3\n',
        3,
        ["multiprocessor_count", "write multiprocessors in [device]"],
    ),
    "PCI location": (
        'base = "h100"\n[attributes]\npci_bus_id = 3\n',
        3,
        ["pci_bus_id", "leave it out"],
    ),
    "UUID": ('base = "h100"\n[device]\nuuid = "GPU-1"\n', 3, ["uuid differs", "leave it out"]),
    "attribute in quotes": (
        'base = "h100"\n[attributes]\nwarp_size = "32"\n',
        3,
        ["wrong type", "without quotes"],
    ),
    "attribute with a fraction": (
        'base = "h100"\n[attributes]\nwarp_size = 32.0\n',
        3,
        ["wrong type"],
    ),
    "attribute that is true": ('base = "h100"\n[attributes]\necc_enabled = true\n', 3, ["type"]),
    "compute capability as a number": (
        'base = "h100"\n[device]\ncompute_capability = 9.0\n',
        3,
        ["wrong type", '"9.0"'],
    ),
    "compute capability that is none": (
        'base = "h100"\n[device]\ncompute_capability = "nine"\n',
        3,
        ["compute_capability=nine", "9.0"],
    ),
    "attribute beyond 32 bits": (
        'base = "h100"\n[attributes]\nclock_rate = 99999999999\n',
        3,
        ["clock_rate=99999999999", "32 bits"],
    ),
    "attribute that is never zero": (
        'base = "h100"\n[attributes]\nwarp_size = 0\n',
        3,
        ["warp_size=0 is too small", "less than 1"],
    ),
    "no multiprocessors": (
        'base = "h100"\n[device]\nmultiprocessors = 0\n',
        3,
        ["multiprocessors=0 is too small"],
    ),
    "no memory": ('base = "h100"\n[device]\nmemory = 0\n', 3, ["memory=0", "memory=40GiB"]),
    "size without a unit that is one": (
        'base = "h100"\n[device]\nmemory = "40 gigs"\n',
        3,
        ["memory=40 gigs is not a size", "GiB"],
    ),
    "empty name": ('base = "h100"\n[device]\nname = ""\n', 3, ["name= is not a name"]),
    "name too long": (f'base = "h100"\n[device]\nname = "{"H" * 96}"\n', 3, ["95 bytes"]),
    "driver version": (
        'base = "h100"\n[device]\ndriver_version = "new"\n',
        3,
        ["driver_version=new", "13.0"],
    ),
    "pair that is none": (
        'base = "h100"\n[nvml]\npower_management_limit_constraints = [1]\n',
        3,
        ["not a pair", "[least, most]"],
    ),
    "table that is none": (
        'base = "h100"\n[nvml]\ntemperature_threshold = 90\n',
        3,
        ["not a table", "shutdown"],
    ),
    "the same attribute under two names": (
        'base = "h100"\n[attributes]\nvirtual_memory_management_supported = 1\n'
        "virtual_address_management_supported = 1\n",
        4,
        ["stands in line 3 too", "remove one"],
    ),
    "the same figure in two groups": (
        f'base = "h100"\n{FIGURES}attributes.warp_size = 32\n\n{FIGURES}attributes.warp_size = 32\n',
        10,
        ["warp_size stands in line 5 too"],
    ),
    "figures that are no list": ('base = "h100"\n[figures]\nsource = "x"\n', 2, ["[[figures]]"]),
    "group without basis": (
        'base = "h100"\n[[figures]]\nsource = "x"\n',
        2,
        ["basis is None", "document"],
    ),
    "group with another basis": (
        'base = "h100"\n[[figures]]\nsource = "x"\nbasis = "guess"\n',
        4,
        ["basis is guess", "document, measured, reported, derived"],
    ),
    "group without source": (
        'base = "h100"\n[[figures]]\nbasis = "document"\n',
        2,
        ["no source", "name the document"],
    ),
    "unknown key of a group": (
        f'base = "h100"\n{FIGURES}attribute.warp_size = 32\n',
        5,
        ["no key attribute", "did you mean attributes?"],
    ),
    "no base, nothing there": ("", 1, ["architecture is missing", "name a base"]),
    "base with fields only": (
        'base = "common"\n[device]\narchitecture = "X"\ncompute_capability = "9.0"\nname = "X"\n'
        'cores_per_multiprocessor = 1\nmemory = "1GiB"\nnvml_memory = "1GiB"\n'
        "multiprocessors = 1\n",
        1,
        ["attributes are missing", "async_engine_count", "name a base"],
    ),
    "NVML says less than the driver": (
        'base = "h100"\n[device]\nmemory = "80GiB"\nnvml_memory = "79GiB"\n',
        4,
        ["nvml_memory", "less than memory", "raise it"],
    ),
    "more shared memory a block than a multiprocessor": (
        'base = "h100"\n[attributes]\nmax_shared_memory_per_block_optin = 300000\n',
        3,
        ["more than max_shared_memory_per_multiprocessor, 233472", "lower it"],
    ),
    "warps that do not fill a multiprocessor": (
        'base = "h100"\n[attributes]\nwarp_size = 48\n',
        3,
        ["warp_size does not divide"],
    ),
}


@pytest.mark.parametrize(("text", "line", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake(tmp_path: Path, text: str, line: int, words: list[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(devices.ProfileError) as caught:
        devices.load(str(path))
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}:{line}: ")
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b'base = "h100"\n# \xff\n')
    with pytest.raises(devices.ProfileError, match=r"mine\.toml:2: not UTF-8; save it"):
        devices.load(str(path))


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(devices.ProfileError, match=r"cannot be read .No such file"):
        devices.load(str(tmp_path / "mine.toml"))


def test_built_in_figures_need_a_source(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "hopper"\n\n[device]\nname = "X"\n', "utf-8")
    with pytest.raises(devices.ProfileError, match=r":3: \[device\] has no source"):
        schema.compile_file(str(path), built_in=True)


def test_base_that_builds_on_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, base in (("one", "two"), ("two", "one")):
        (tmp_path / f"{name}.toml").write_text(f'base = "{base}"\n', "utf-8")
    monkeypatch.setattr(schema, "bases", lambda: {n: str(tmp_path / f"{n}.toml") for n in ("one", "two")})
    with pytest.raises(devices.ProfileError, match=r"one\.toml|two\.toml:1: base \w+ builds on"):
        schema.compile_file(str(tmp_path / "one.toml"))


def test_no_toml_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    path = tmp_path / "mine.toml"
    path.write_text('base = "h100"\n', "utf-8")
    with pytest.raises(devices.ProfileError, match="pip install tomli"):
        devices.load(str(path))


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "half.toml"
    path.write_text(
        'base = "h100"\n\n[device]\nname = "Half an H100"\nmultiprocessors = 66\n'
        'memory = "40GiB"\nnvml_memory = "41GiB"\n\n[attributes]\nl2_cache_size = 0x1900000\n'
        'max_persisting_l2_cache_size = 16384000\n\n[nvml]\nserial = "1"\n',
        "utf-8",
    )
    half, whole = devices.load(str(path)), devices.load("h100")
    assert (half.id, half.name, half.multiprocessors) == ("half", "Half an H100", 66)
    assert (half.memory, half.nvml_memory) == (40 * 2**30, 41 * 2**30)
    assert half.attribute(38) == 26214400
    assert half.nvml["serial"] == "1"
    assert half.nvml["num_gpu_cores"] == 66 * 128
    differing = {n for n in whole.attributes if half.attribute(n) != whole.attribute(n)}
    assert differing == {16, 38, 108}


@pytest.mark.parametrize("name", schema.built_in_files())
def test_what_list_prints_is_a_profile(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(devices.source(name), "utf-8")
    assert devices.load(str(path)).attributes == devices.load(name).attributes


def test_source_of_what_is_not_there() -> None:
    with pytest.raises(devices.UnknownProfile, match="there is no GPU h101; did you mean h100"):
        devices.source("h101")


def test_compiled_profiles_are_those_of_the_files(tmp_path: Path) -> None:
    compile.write(tmp_path / "profiles.json")
    fresh = (tmp_path / "profiles.json").read_text("utf-8")
    assert json.loads(fresh) == schema.compile_all()
    assert [path.name for path in tmp_path.iterdir()] == ["profiles.json"]
    if Path(catalogue.COMPILED).exists():
        assert Path(catalogue.COMPILED).read_text("utf-8") == fresh, "build again"


def test_compile_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["compile", str(tmp_path / "no" / "profiles.json")])
    assert compile.main() == 1
    assert "No such file" in capsys.readouterr().err


def test_source_tree_that_was_never_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "COMPILED", str(tmp_path / "profiles.json"))
    monkeypatch.setattr(catalogue, "_texts", {})
    monkeypatch.setattr(catalogue, "_read", {})
    assert devices.load("h100").name == "NVIDIA H100 80GB HBM3"


def test_start_imports_little() -> None:
    """A short-lived process pays for every import of ours; re, enum and json are 9 ms."""
    program = (
        "import sys, vgpu_embed; before = set(sys.modules)\n"
        "import vgpu_embed.devices as devices; devices.parse_spec('2xh100;a100:memory=40GiB')\n"
        "devices.visible(devices.parse_spec('2xh100'), '1')\n"
        "heavy = {'re', 'json', 'enum', 'tomllib', 'tomli', 'dataclasses', 'hashlib', 'uuid'}\n"
        "print(*(heavy & (set(sys.modules) - before)))"
    )
    root = str(Path(devices.__file__).parents[2])
    seen = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    assert seen.stdout.strip() == ""

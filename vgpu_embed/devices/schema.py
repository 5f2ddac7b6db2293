"""What a profile's TOML file may say, and its translation to what `profile.Profile` is made of.

A file names the file it builds on (`base`) and says what differs: in `[device]`, `[attributes]`
and `[nvml]`, or, as the built-in files must, in `[[figures]]` groups that each name their `source`.

    base = "hopper"

    [[figures]]
    basis = "document"                      # one of BASES
    source = "NVIDIA H100 Tensor Core GPU Architecture, v1.04"
    device.multiprocessors = 132            # fields.FIELDS
    attributes.l2_cache_size = 52428800     # cuda.h's names in lower case
    nvml.max_pcie_link_generation = 5       # nvml.FIGURES

Used by the build and for a user's own file; the target reads the built-in profiles as JSON.
Every mistake is a ProfileError of one sentence: file:line, what is wrong, what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from . import attributes, nvml
from .catalogue import FOLDER
from .errors import ProfileError, suggestion
from .fields import FIELDS, OPTIONAL, PLACED, targets
from .tomlfile import File, Path

BASES = {
    "document": "NVIDIA publishes the figure; `source` is the document",
    "measured": "read from a real card here; `source` is the file with what it answered",
    "reported": "read from a real card by somebody else, who published it; `source` says where",
    "derived": "follows from other figures, or is taken over from a card; `source` says how",
}
"""What a group of figures may rest on."""

ARCHITECTURES = os.path.join(FOLDER, "architectures")
SECTIONS = ("device", "attributes", "nvml")


class Figure:
    """One thing that a file says: where, and what.

    Attributes:
        file: the file that says it.
        path: the path to it in the file.
        value: the value, converted.
        basis: what it rests on, a key of BASES, or `stated` in a user's file.
        source: the document or place.
    """

    __slots__ = ("basis", "file", "path", "source", "value")

    def __init__(self, file: File, path: Path, value: Any, basis: str, source: str) -> None:
        self.file, self.path, self.value = file, path, value
        self.basis, self.source = basis, source


Figures = dict[tuple[str, str], Figure]
"""By section (`device`, `attributes`, `nvml`) and name; attributes of one number once only."""


def read(path: str, *, built_in: bool = False, above: tuple[str, ...] = ()) -> Figures:
    """What a file and those it builds on say, the nearer one winning.

    Args:
        path: the TOML file.
        built_in: whether each figure needs a source.
        above: the files that build on this one.

    Raises:
        ProfileError: the file says something wrong, or cannot be read.
    """
    file = File(path)
    allowed = ("base", "figures", *SECTIONS)
    for key in file.tree:
        if key not in allowed:
            raise file.error((key,), f"there is no key {key}{suggestion(key, allowed)}")
    own: Figures = {}
    for at, group, basis, source in _groups(file, built_in):
        for section in SECTIONS:
            table = group.get(section, {})
            if not isinstance(table, dict):
                raise file.error((*at, section), f"{section} is not a table; write [{section}]")
            for name, value in table.items():
                where = (*at, section, name)
                what = (section, _canonical(file, where, section, name))
                if what in own:
                    first = file.lines.get(own[what].path, 1)
                    raise file.error(where, f"{name} stands in line {first} too; remove one")
                converted = _value(file, where, section, name, value)
                own[what] = Figure(file, where, converted, basis, source)
    return {**_base(file, built_in, (*above, path)), **own}


def _base(file: File, built_in: bool, above: tuple[str, ...]) -> Figures:
    if "base" not in file.tree:
        return {}
    name, known = file.tree["base"], bases()
    if not isinstance(name, str) or name not in known:
        raise file.error(("base",), f"there is no base {name}{suggestion(str(name), known)}")
    if known[name] in above:
        raise file.error(("base",), f"base {name} builds on this file; name another")
    return read(known[name], built_in=True, above=above)


def _groups(file: File, built_in: bool) -> Iterator[tuple[Path, dict[str, Any], str, str]]:
    """Each part of the file that holds figures: path, table, basis, source."""
    for section in SECTIONS:
        if section in file.tree and built_in:
            raise file.error((section,), f"[{section}] has no source; put it into a [[figures]]")
    yield (), {key: file.tree[key] for key in SECTIONS if key in file.tree}, "stated", file.path
    groups = file.tree.get("figures", [])
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise file.error(("figures",), "figures is not a list of tables; write [[figures]]")
    for index, group in enumerate(groups):
        at: Path = ("figures", index)
        for key in group:
            allowed = ("basis", "source", *SECTIONS)
            if key not in allowed:
                raise file.error((*at, key), f"there is no key {key}{suggestion(key, allowed)}")
        basis, source = group.get("basis"), group.get("source")
        if basis not in BASES:
            raise file.error((*at, "basis"), f"basis is {basis}; write one of {', '.join(BASES)}")
        if not isinstance(source, str) or not source.strip():
            raise file.error((*at, "source"), "the figures have no source; name the document")
        yield at, group, basis, source


def _canonical(file: File, where: Path, section: str, name: str) -> str:
    """The one name of what is meant, or an error that says there is no such thing."""
    if section == "device":
        known = [key for key in FIELDS if key not in PLACED]
        if name in PLACED:
            raise file.error(where, f"{name} differs from device to device; leave it out")
    elif section == "nvml":
        known = list(nvml.FIGURES)
    else:
        numbers = attributes.names()
        if name in attributes.FIELDS:
            field = attributes.FIELDS[name]
            what = "leave it out" if field in PLACED else f"write {field} in [device]"
            raise file.error(where, f"{name} is not written as an attribute; {what}")
        if name in numbers:
            return str(numbers[name])
        known = list(numbers)
    if name not in known:
        raise file.error(where, f"[{section}] has no {name}{suggestion(name, known)}")
    return name


def _value(file: File, where: Path, section: str, name: str, value: Any) -> Any:
    """The value converted; a string where TOML has a number of its own is refused."""
    written_as_text = name in nvml.FIGURES and nvml.FIGURES[name] == nvml.TEXT
    may_be_text = section == "device" or written_as_text
    if isinstance(value, float | bool) or (isinstance(value, str) and not may_be_text):
        kind = 'text, such as "9.0"' if section == "device" else "a whole number without quotes"
        raise file.error(where, f"{name} = {value!r} is of the wrong type; write {kind}")
    try:
        converted = [one for _, one in targets(name, value)]
    except ProfileError as error:
        raise file.error(where, str(error)) from error
    return tuple(converted) if name == "compute_capability" else converted[0]


def bases() -> dict[str, str]:
    """The file of each name that `base` may have: architectures and built-in GPUs."""
    return {
        stem(entry.path): entry.path
        for folder in (ARCHITECTURES, FOLDER)
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def stem(path: str) -> str:
    """The name of a file without folder and ending: a profile's id."""
    return os.path.splitext(os.path.basename(path))[0]


def compile_file(path: str, *, built_in: bool = False) -> dict[str, Any]:
    """A profile as `profile.Profile` takes it, and as profiles.json keeps it.

    Raises:
        ProfileError: the file is wrong, or the profile incomplete or contradictory.
    """
    figures = read(path, built_in=built_in)
    _complete(path, figures)
    said = {name: figures["device", name].value for name in FIELDS if ("device", name) in figures}
    device = {**OPTIONAL, **said}
    answers = {int(name): one.value for (what, name), one in figures.items() if what == "attributes"}
    answers[attributes.MULTIPROCESSOR_COUNT] = device.pop("multiprocessors")
    major, minor = device.pop("compute_capability")
    answers[attributes.COMPUTE_CAPABILITY_MAJOR] = major
    answers[attributes.COMPUTE_CAPABILITY_MINOR] = minor
    for number in (attributes.PCI_BUS_ID, attributes.PCI_DEVICE_ID, attributes.PCI_DOMAIN_ID):
        answers[number] = 0
    _consistent(figures, answers)
    return {
        **device,
        "attributes": [answers[number] for number in range(1, attributes.LAST + 1)],
        "nvml": {name: one.value for (what, name), one in figures.items() if what == "nvml"},
    }


def _complete(path: str, figures: Figures) -> None:
    """Every field and every attribute has a value; those of the PCI location come later."""
    for name in FIELDS:
        if name not in PLACED and name not in OPTIONAL and ("device", name) not in figures:
            raise ProfileError(f"{path}:1: {name} is missing; write it in [device], or name a base")
    names = attributes.names()
    missing = sorted(
        {name for name, number in names.items() if ("attributes", str(number)) not in figures}
        - attributes.FIELDS.keys()
    )
    if missing:
        listed = ", ".join(missing[:3]) + (", …" if missing[3:] else "")
        raise ProfileError(f"{path}:1: {len(missing)} attributes are missing ({listed}); name a base that has them")


def _consistent(figures: Figures, answers: Mapping[int, int]) -> None:
    """Figures that would contradict each other, whatever the GPU."""
    numbers = attributes.names()

    def fail(name: str, sentence: str) -> None:
        section = "device" if name in FIELDS else "attributes"
        figure = figures[section, name if section == "device" else str(numbers[name])]
        raise figure.file.error(figure.path, sentence)

    def answer(name: str) -> int:
        return answers[numbers[name]]

    memory, whole = figures["device", "memory"].value, figures["device", "nvml_memory"].value
    if whole < memory:
        fail("nvml_memory", f"nvml_memory {whole} is less than memory {memory}; raise it")
    pairs = (
        ("max_shared_memory_per_block", "max_shared_memory_per_block_optin"),
        ("max_shared_memory_per_block_optin", "max_shared_memory_per_multiprocessor"),
        ("max_threads_per_block", "max_threads_per_multiprocessor"),
        ("max_registers_per_block", "max_registers_per_multiprocessor"),
        ("max_persisting_l2_cache_size", "l2_cache_size"),
    )
    for lesser, greater in pairs:
        if answer(lesser) > answer(greater):
            fail(lesser, f"{lesser} is more than {greater}, {answer(greater)}; lower it")
    if answer("max_threads_per_multiprocessor") % answer("warp_size"):
        fail("warp_size", "warp_size does not divide max_threads_per_multiprocessor; correct it")


def built_in_files() -> dict[str, str]:
    """The file of each built-in GPU."""
    return {name: path for name, path in bases().items() if os.path.dirname(path) == FOLDER}


def compile_all() -> dict[str, dict[str, Any]]:
    """Every built-in profile, as profiles.json keeps it."""
    return {name: compile_file(path, built_in=True) for name, path in built_in_files().items()}

"""The rows of the four function lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import headers, transcript
from .answers import Answers
from .directions import Directions
from .headers import Cursor, HeaderError, Type
from .packages import TOOLKITS
from .prototypes import Prototype, Value, enum_name, passes_complex, prototype

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Exports = Callable[[str, str], set[str]]  # of a toolkit's library

DATA = Path(__file__).parent.parent / "data"
DRIVER = "580.159.04"
TRANSCRIPT = f"cuGetProcAddress-{DRIVER}.json"
"""The driver whose exported names and cuGetProcAddress answers lie in DATA."""

NEWEST = TOOLKITS[-1]

RENAMED = {
    "nvmlGetBlacklistDeviceCount": "nvmlGetExcludedDeviceCount",
    "nvmlGetBlacklistDeviceInfoByIndex": "nvmlGetExcludedDeviceInfoByIndex",
}
"""Exported names that nvml.h only knows as macros for the name they have now."""

VARIABLES = frozenset(
    {
        "cudbgApiClientPid",
        "cudbgApiClientRevision",
        "cudbgAttachHandlerAvailable",
        "cudbgDebuggerCapabilities",
        "cudbgDebuggerInitialized",
        "cudbgDetachSuspendedDevicesMask",
        "cudbgEnableIntegratedMemcheck",
        "cudbgEnableLaunchBlocking",
        "cudbgEnablePreemptionDebugging",
        "cudbgInjectionPath",
        "cudbgIpcFlag",
        "cudbgReportDriverApiErrorFlags",
        "cudbgReportedDriverApiErrorCode",
        "cudbgReportedDriverApiErrorFuncNameAddr",
        "cudbgReportedDriverApiErrorFuncNameSize",
        "cudbgReportedDriverApiErrorNameAddr",
        "cudbgReportedDriverApiErrorNameSize",
        "cudbgReportedDriverApiErrorSource",
        "cudbgReportedDriverApiErrorStringAddr",
        "cudbgReportedDriverApiErrorStringSize",
        "cudbgReportedDriverInternalErrorCode",
        "cudbgResumeForAttachDetach",
        "cudbgRpcEnabled",
        "cudbgSessionId",
        "cudbgUseExternalDebugger",
    }
)
"""Names of libcuda that are variables, which cuda-gdb reads and writes in the process it debugs."""


@dataclass
class Row:
    """One function: its declarations, newest first; none if no header has it."""

    name: str
    prototypes: list[Prototype]
    sources: set[str]
    since: int | None = None
    answer: str = ""


class Lists:
    """Everything that the headers and DATA say, by library."""

    def __init__(self, includes: Mapping[str, list[Path]], exports: Exports) -> None:
        self.directions = Directions()
        self.units: list[Cursor] = []
        self.driver = self._driver(includes)
        self.runtime = self._runtime(includes, exports)
        self.nvml = self._nvml(includes)
        self.cublas = self._cublas(includes, exports)
        self.answers = Answers()
        for row in [*self.driver.values(), *self.runtime.values(), *self.nvml.values(), *self.cublas.values()]:
            row.answer = self.answers.settle(row.name, row.prototypes)
        self._check()

    def _driver(self, includes: Mapping[str, list[Path]]) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        pointers: dict[str, Prototype] = {}
        for toolkit in reversed(TOOLKITS):
            unit = headers.driver(includes[toolkit])
            self.units.append(unit)
            self._add(rows, headers.functions(unit), "cu", toolkit)
            pointers = {**_function_pointers(unit, toolkit), **pointers}
        _exported(rows, _lines(f"libcuda-{DRIVER}.symbols"))
        since = transcript.first_versions(DATA / TRANSCRIPT)
        for row in rows.values():
            row.since = since.get(row.name) or _since(row, pointers)
        self.contradictions = _contradictions(rows, pointers)
        return rows

    def _runtime(self, includes: Mapping[str, list[Path]], exports: Exports) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        for toolkit in reversed(TOOLKITS):
            unit = headers.runtime(includes[toolkit])
            self.units.append(unit)
            self._add(rows, headers.functions(unit), "cuda", toolkit)
        # Where CUDA 12's header says this name it means ..._v2; what its library has under it writes CUDA 11's struct.
        _, of_12, of_11 = rows["cudaGetDeviceProperties"].prototypes
        rows["cudaGetDeviceProperties"].prototypes.remove(of_12)
        of_11.sources.insert(0, "12")
        launch: dict[str, Row] = {}
        unit = headers.launch(includes[NEWEST])
        self.units.append(unit)
        wanted = {toolkit: exports(toolkit, "cudart") for toolkit in TOOLKITS}
        names = set().union(*wanted.values(), (n for n, _ in _undefined() if "cublas" not in n))
        internal = [c for c in headers.functions(unit) if c.spelling in names]
        self._add(launch, internal, "__cuda", NEWEST)
        for name in sorted(name for name in names if re.match(r"(__)?cuda", name)):
            row = rows.setdefault(name, launch.get(name, Row(name, [], set())))
            row.sources = {toolkit for toolkit in TOOLKITS if name in wanted[toolkit]}
        return {name: row for name, row in rows.items() if name in names}

    def _cublas(self, includes: Mapping[str, list[Path]], exports: Exports) -> dict[str, Row]:
        """Every name that the libraries export, cublasLt's too; those that no header has without a prototype."""
        rows: dict[str, Row] = {}
        exported: dict[str, set[str]] = {}
        for toolkit in reversed(TOOLKITS):
            names = exports(toolkit, "cublas") | exports(toolkit, "cublasLt")
            if not names:
                continue
            for unit in (headers.cublas(includes[toolkit]), headers.cublas_xt(includes[toolkit])):
                self.units.append(unit)
                known = [c for c in headers.functions(unit) if c.spelling in names and not passes_complex(c)]
                self._add(rows, known, "cublas", toolkit)
            for name in names:
                exported.setdefault(name, set()).add(toolkit)
        for name, toolkits in exported.items():
            if name.startswith("cublas"):
                rows.setdefault(name, Row(name, [], set())).sources |= toolkits
        return rows

    def _nvml(self, includes: Mapping[str, list[Path]]) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        unit = headers.nvml(includes[NEWEST], old=True)
        self.units.append(unit)
        self._add(rows, headers.functions(unit), "nvml", NEWEST)
        _exported(rows, _lines(f"libnvidia-ml-{DRIVER}.symbols"))
        for old, new in RENAMED.items():
            rows[old].prototypes = rows[new].prototypes
        return rows

    def _add(self, rows: dict[str, Row], cursors: Iterable[Cursor], prefix: str, toolkit: str) -> None:
        """Take in one toolkit's declarations; another way to pass the same is another prototype."""
        declared: dict[str, list[Cursor]] = {}
        for cursor in cursors:
            if cursor.spelling.startswith(prefix):
                declared.setdefault(cursor.spelling, []).append(cursor)
        docs = {name: _documented(declared, name) for name in declared}
        for name, found in declared.items():
            public = _public(declared, found[0])
            new = prototype(public, docs[name], toolkit)
            new.name = name
            self.directions.settle(new)
            row = rows.setdefault(name, Row(name, [], set()))
            row.sources.add(toolkit)
            for known in row.prototypes:
                if known.shape() == new.shape():
                    known.sources.append(toolkit)
                    break
            else:
                row.prototypes.append(new)

    def prototypes(self) -> list[Prototype]:
        """All that are known, those of newer toolkits first."""
        rows = [*self.driver.values(), *self.runtime.values(), *self.cublas.values(), *self.nvml.values()]
        every = [declared for row in rows for declared in row.prototypes]
        return sorted(every, key=lambda declared: (-int(declared.sources[0]), declared.name))

    def structure(self, toolkit: str, function: str) -> Type:
        """The structure behind a runtime function's first parameter, as a toolkit has it."""
        for declared in self.runtime[function].prototypes:
            if toolkit in declared.sources:
                return declared.parameters[0].type.get_pointee()
        raise HeaderError(f"{function} is not in the headers of CUDA {toolkit}")

    def _check(self) -> None:
        problems = list(self.contradictions)
        problems += [f"no rule settles {text}" for text in sorted(set(self.directions.unsettled))]
        problems += [f"no use for the rule {rule[:2]}" for rule in self.directions.unused()]
        problems += self.answers.problems + self.answers.unused()
        problems += [
            f"{row.name} has two ways of being called, but libcuda exports one"
            for row in self.driver.values()
            if len(row.prototypes) > 1
        ]
        problems += [
            f"{declared.name}: {value.name} is sized by {value.out_size}, which is no parameter"
            for declared in self.prototypes()
            for value in declared.parameters
            if not set(re.findall(r"[A-Za-z]\w*", str(value.out_size or "")))
            <= {other.name for other in declared.parameters}
        ]
        if problems:
            raise HeaderError("directions.py, answers.py, rows.py:\n  " + "\n  ".join(problems))


def text(rows: Mapping[str, Row], title: str) -> str:
    """A list's file. How older toolkits declare a function stands under its name with the newest of these toolkits."""
    found = {}
    for name, row in rows.items():
        about = [str(row.since or "-"), row.answer]
        found[name] = [*about, _sources(row.sources), "variable" if name in VARIABLES else "?", "?"]
        for number, declared in enumerate(row.prototypes):
            own, sources = (f"{name}@{declared.sources[0]}", declared.sources) if number else (name, row.sources)
            parameters = ";".join(map(_field, declared.parameters)) or "void"
            found[own] = [*about, _sources(sources), _result(declared.result), parameters]
    lines = [f"# {title}", "# name\tsince\tanswer\tsources\tresult\tparameters"]
    lines += ["\t".join([name, *found[name]]) for name in sorted(found)]
    return "\n".join(lines) + "\n"


def _sources(sources: Iterable[str]) -> str:
    return ",".join(sorted(sources, key=lambda source: [int(part) for part in source.split(".")]))


def _result(value: Value) -> str:
    return "|".join([value.ctype, value.abi, value.enum or ""]).rstrip("|")


def _field(value: Value) -> str:
    enum = value.enum
    pointee = value.pointee
    if pointee is not None:
        enum = enum_name(pointee)
    direction = "" if value.direction == "in" else value.direction
    size = "" if value.out_size is None else str(value.out_size)
    parts = [value.name, value.ctype, value.abi, direction, size, enum or ""]
    return "|".join(parts).rstrip("|")


def _public(declared: Mapping[str, list[Cursor]], cursor: Cursor) -> Cursor:
    """The declaration whose parameter names the manual has.

    Where a function has a per-thread variant, macros make that the documented one; the plain name
    is declared again at the header's end, now and then with other names for its parameters.
    """
    for suffix in ("_ptsz", "_ptds"):
        for variant in declared.get(cursor.spelling + suffix, ())[:1]:
            if variant.type.get_canonical() == cursor.type.get_canonical():
                return variant
    return cursor


def _documented(declared: Mapping[str, list[Cursor]], name: str) -> dict[str, str]:
    """What is said of a function's parameters at any of its declarations, per-thread ones too."""
    base = re.sub(r"_pt[ds][sz]$", "", name)
    said: dict[str, str] = {}
    for variant in (base + "_ptsz", base + "_ptds", base, name):
        for cursor in declared.get(variant, ()):
            said.update(headers.documented(cursor))
    return said


def _function_pointers(unit: Cursor, toolkit: str) -> dict[str, Prototype]:
    """The `PFN_name_v12050` of cudaTypedefs.h and its companions."""
    found = {}
    for cursor in unit.get_children():
        if re.fullmatch(r"PFN_cu\w+_v\d{4,5}(_pt[ds][sz])?", cursor.spelling):
            found[cursor.spelling] = prototype(cursor, {}, toolkit)
    return found


def _since(row: Row, pointers: Mapping[str, Prototype]) -> int | None:
    """The version of the function pointer type that has this row's prototype.

    Only for names that the transcript's driver does not have, most of them newer: later than that
    driver's version if possible, for older versions belong to the same symbol's other functions.
    """
    match = re.fullmatch(r"(\w+?)(?:_v\d+)?(_pt[ds][sz])?", row.name)
    if match is None or not row.prototypes:
        return None
    pattern = re.compile(rf"PFN_{match[1]}_v(\d+){match[2] or ''}")
    versions = {int(m[1]): pointers[m[0]] for m in filter(None, map(pattern.fullmatch, pointers))}
    found = [
        version for version, declared in versions.items() if len(versions) == 1 or _same(declared, row.prototypes[0])
    ]
    return min(filter(lambda version: version > 13000, found), default=min(found, default=None))


def _contradictions(rows: Mapping[str, Row], pointers: Mapping[str, Prototype]) -> list[str]:
    """Where cudaTypedefs.h gives another type than the function has that the driver gives."""
    found = []
    for name, declared in pointers.items():
        match = re.fullmatch(r"PFN_(\w+?)_v(\d+)(_pt[ds][sz])?", name)
        assert match is not None
        export = transcript.given(DATA / TRANSCRIPT, match[1], int(match[2]), per_thread=bool(match[3]))
        if export and rows[export].prototypes and not _same(declared, rows[export].prototypes[0]):
            found.append(f"{name} has another type than {export}")
    return found


def _same(one: Prototype, other: Prototype) -> bool:
    """Whether two declarations name the same types."""

    def types(declared: Prototype) -> list[str]:
        values = (declared.result, *declared.parameters)
        return [value.type.get_canonical().spelling for value in values]

    return types(one) == types(other)


def _exported(rows: dict[str, Row], names: Iterable[str]) -> None:
    for name in names:
        rows.setdefault(name, Row(name, [], set())).sources.add(DRIVER)


def _undefined() -> list[tuple[str, str]]:
    """(name, library) pairs that libggml-cuda.so wants from libcudart and libcublas."""
    pairs = (line.partition("@") for line in _lines("libggml-cuda.undefined"))
    return [(name, soname) for name, _, soname in pairs if soname]


def _lines(file: str) -> list[str]:
    return (DATA / file).read_text(encoding="utf-8").split()

"""Writes the C sources that follow from the one list: the fake driver's functions, and callers of each function.

    python tests/driver/generate.py FOLDER

functions.c, functions.h   every driver function of the list, exported; behaviour is in driver.c
lookups.c                  what cuGetProcAddress gives, and the names of results
callers.c                  calls each function with the values of `arguments()`
types.h                    the types of the list
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from vgpu_embed import tables  # noqa: E402
from vgpu_embed.tables import enumerations, getproc  # noqa: E402

ARENA = 0x200000000000
"""Where the caller has zeroed memory, a piece for each parameter."""
PIECE = 0x10000
PIECES = 16


def functions() -> list[tables.Function]:
    """The driver's functions, in slot order; the list has variables as well."""
    rows = map(tables.function, tables.names("driver"))
    return [row for row in rows if not row.variable]


def _word(function: int, position: int) -> int:
    """Eight bytes that no other parameter of any function has; every other one has the sign bits."""
    word = 0x1122334455667700 + position * 0x0101010101010101 + (function << 16) * 0x10001
    word &= 0x7FFFFFFF7FFF7F7F
    return word | 0x8000000080008080 if (position + function) % 2 else word


def value(row: tables.Function, position: int) -> bytes:
    """What the caller passes for a parameter, as it lies in memory."""
    word = _word(row.index, position)
    if row.parameters is None:
        return word.to_bytes(8, "little")
    parameter = row.parameters[position]
    if parameter.pointee:
        return (ARENA + PIECE * position + 64 * (row.index % 64)).to_bytes(8, "little")
    if parameter.kind == "float":
        # Positive and negative numbers with all bits of the fraction in use.
        return (0x3F9E0419 + row.index * 3 + (position % 2 << 31)).to_bytes(4, "little")
    if parameter.kind == "struct":
        return bytes((0x91 + 7 * i + 29 * position + row.index) & 0xFF for i in range(parameter.size))
    return word.to_bytes(8, "little")[: parameter.size]


def arguments(row: tables.Function) -> list[str]:
    """What the caller passes, as the fake driver records it."""
    return [value(row, position).hex() for position in range(_count(row))]


def text(row: tables.Function, position: int) -> str | None:
    """What the caller writes where a text parameter points to."""
    if row.parameters is None or row.parameters[position].ctype != "const char *":
        return None
    return f"{row.name} {position}"


def _count(row: tables.Function) -> int:
    """How many arguments are passed; of unknown parameters, the six that registers hold."""
    return 6 if row.parameters is None else len(row.parameters)


# ---- the fake driver -----------------------------------------------------------------------------


def behaviours() -> set[str]:
    """The functions that driver.c implements."""
    return set(re.findall(r"^CUresult fake_(cu\w+)\(", (HERE / "driver.c").read_text(), re.M))


def _declaration(row: tables.Function, prefix: str = "") -> str:
    parameters = ", ".join(f"{p.ctype} {p.attribute}" for p in row.parameters or ())
    return f"{row.result} {prefix}{row.name}({parameters or 'void'})"


def _signature(row: tables.Function) -> tuple[str, ...]:
    return (row.result, *(p.ctype for p in row.parameters or ()))


def _behaviour(row: tables.Function, own: set[str]) -> str | None:
    """The implementation of a function: its own, or its default stream variant's."""
    base = re.sub(r"_pt[sd][sz]$", "", row.name)
    if row.name in own:
        return row.name
    if base in own and _signature(tables.function(base)) == _signature(row):
        return base
    return None


def _function(place: int, row: tables.Function, own: set[str]) -> str:
    parameters = row.parameters or ()
    names = [p.attribute for p in parameters]
    passed = ", ".join(f"{{&{name}, sizeof {name}}}" for name in names) or "{0}"
    lines = [
        f"EXPORTED {_declaration(row)}\n{{",
        "    CUresult result;",
        f"    if (UNLIKELY(fake_watching) && fake_arrived({place}, (struct fake_argument[]){{{passed}}}, {len(names)},"
        " __builtin_return_address(0), &result))",
        "        return result;",
    ]
    behaviour = _behaviour(row, own)
    if behaviour:
        lines.append(f"    return fake_{behaviour}({', '.join(names)});")
    else:
        for p in parameters:
            if p.direction != "in" and isinstance(p.out_size, int):
                lines += [f"    if ({p.attribute})", f"        memset({p.attribute}, 0, {p.out_size});"]
        unused = [p.attribute for p in parameters if p.direction == "in"]
        lines += [f"    (void){name};" for name in unused]
        lines.append("    return 0;")
    return "\n".join(lines) + "\n}\n"


def _unknown(place: int, row: tables.Function) -> str:
    """A function of unknown parameters: the six registers that they may be in."""
    names = "abcdef"
    passed = ", ".join(f"{{&{name}, 8}}" for name in names)
    return (
        f"uint64_t {row.name}({', '.join(f'uint64_t {name}' for name in names)});\n"
        f"EXPORTED uint64_t {row.name}({', '.join(f'uint64_t {name}' for name in names)})\n{{\n"
        "    CUresult result = 0;\n"
        f"    if (UNLIKELY(fake_watching))\n        fake_arrived({place}, (struct fake_argument[]){{{passed}}}, 6,"
        " __builtin_return_address(0), &result);\n    return result;\n}\n"
    )


def functions_source() -> tuple[str, str]:
    """functions.c and functions.h."""
    own = behaviours()
    rows = [tables.function(name) for name in tables.names("driver")]
    missing = own - {row.name for row in rows}
    assert not missing, f"driver.c has functions that no list has: {sorted(missing)}"
    header = [
        "#ifndef FUNCTIONS_H",
        "#define FUNCTIONS_H",
        '#include "types.h"',
        f"#define FAKE_FUNCTIONS {len(rows)}",
        "extern const char *const fake_names[FAKE_FUNCTIONS];",
        "extern void *const fake_addresses[FAKE_FUNCTIONS];",
    ]
    source = ['#include <string.h>\n#include "fake.h"\n']
    for row in rows:
        if row.parameters is not None:
            header.append(_declaration(row) + ";")
            if row.name in own:
                header.append(_declaration(row, "fake_") + ";")
    for place, row in enumerate(rows):
        if row.variable:
            source.append(f"EXPORTED uint32_t {row.name}[16] = {{{row.index}}};\n")
        elif row.parameters is None:
            source.append(_unknown(place, row))
        else:
            source.append(_function(place, row, own))
    source.append(_strings("fake_names", [row.name for row in rows]))
    addresses = ",\n    ".join(f"(void *){row.name}" for row in rows)
    source.append(f"void *const fake_addresses[] = {{\n    {addresses}}};\n")
    header.append("#endif\n")
    return "\n".join(source), "\n".join(header)


def _strings(name: str, items: list[str]) -> str:
    quoted = ",\n    ".join(f'"{item}"' for item in items)
    return f"const char *const {name}[] = {{\n    {quoted}}};\n"


def steps(symbol: str, flags: int, versions: list[int]) -> list[tuple[int, str]]:
    """From which CUDA version on a symbol gives which function."""
    found: list[tuple[int, str]] = []
    for version in versions:
        name = getproc.resolve(symbol, version, flags)[1]
        if name and (not found or found[-1][1] != name):
            found.append((version, name))
    return found


def versions() -> list[int]:
    """The CUDA versions at which some answer changes, oldest first; the last is the driver's own."""
    text = (Path(tables.__file__).parent / "getproc.tsv").read_text()
    return sorted({int(number) for number in re.findall(r"(?<=[\t ])\d{4,5}", text)})


def lookups_source() -> str:
    """lookups.c."""
    numbers = versions()
    lines = ['#include "fake.h"\n', f"const int fake_newest = {numbers[-1]};\n"]
    lines.append("const struct fake_lookup fake_lookups[] = {")
    for symbol in sorted(getproc.symbols()):
        for flags in (0, getproc.PER_THREAD_DEFAULT_STREAM):
            for version, name in steps(symbol, flags, numbers):
                lines.append(f'    {{"{symbol}", {flags}, {version}, {tables.index(name)}}},')
    lines.append("    {0}};\n\nconst struct fake_result fake_results[] = {")
    for number in sorted(set(enumerations.members("CUresult").values())):
        lines.append(f'    {{{number}, "{enumerations.c_name("CUresult", number)}"}},')
    lines.append("    {0}};\n")
    return "\n".join(lines)


# ---- the callers ---------------------------------------------------------------------------------


def requests() -> dict[str, tuple[str, int, int]]:
    """For each function that cuGetProcAddress gives: a symbol, CUDA version and flags to ask with."""
    numbers = versions()
    found: dict[str, tuple[str, int, int]] = {}
    for symbol in getproc.symbols():
        for flags in (0, getproc.PER_THREAD_DEFAULT_STREAM):
            for version, name in steps(symbol, flags, numbers):
                found.setdefault(name, (symbol, version, flags))
    return found


def _passed(row: tables.Function, position: int) -> tuple[str, str]:
    """C type and expression of an argument. Small integers get dirt above them, as registers have it."""
    data = value(row, position)
    number = int.from_bytes(data[:8], "little")
    if row.parameters is None:
        return "uint64_t", f"{number:#x}u"
    parameter = row.parameters[position]
    if parameter.kind == "struct":
        return parameter.ctype, f"*(const {parameter.ctype} *){_bytes(data)}"
    if parameter.kind == "float":
        return "float", f"*(const float *){_bytes(data)}"
    if parameter.kind == "pointer":
        return parameter.ctype, f"({parameter.ctype}){number:#x}u"
    dirt = 0xA5C3A5C3A5C3A5C3 << 8 * parameter.size & 0xFFFFFFFFFFFFFFFF
    return "uint64_t", f"{number | dirt:#x}u"


def _bytes(data: bytes) -> str:
    inner = ", ".join(f"{byte:#x}" for byte in data)
    return f"(const void *)(const _Alignas(8) unsigned char[]){{{inner}}}"


def _call(row: tables.Function) -> str:
    passed = [_passed(row, position) for position in range(_count(row))]
    types = ", ".join(ctype for ctype, _ in passed) or "void"
    values = ", ".join(expression for _, expression in passed)
    texts = "".join(
        f'    strcpy((char *){passed[position][1]}, "{written}");\n'
        for position in range(len(passed))
        if (written := text(row, position))
    )
    return (
        f"static CUresult call_{row.name}(void *function)\n{{\n"
        f"    CUresult (*called)({types}) = (CUresult(*)({types}))function;\n{texts}"
        f"    return called({values});\n}}\n"
    )


def callers_source() -> str:
    """callers.c."""
    asked = requests()
    lines = ['#include <string.h>\n\n#include "caller.h"\n']
    for row in functions():
        lines += [f"extern void {row.name}(void);", _call(row)]
    lines.append("const struct caller callers[] = {")
    for row in functions():
        symbol, version, flags = asked.get(row.name, ("", 0, 0))
        text = f'"{symbol}"' if symbol else "NULL"
        lines.append(f'    {{"{row.name}", (void *){row.name}, call_{row.name}, {text}, {version}, {flags}}},')
    lines.append(f"    {{0}}}};\n\nconst uintptr_t caller_arena = {ARENA:#x};")
    lines.append(f"const size_t caller_arena_size = {PIECES * PIECE:#x};\n")
    return "\n".join(lines)


def types_source() -> str:
    """types.h."""
    cdef = (Path(tables.__file__).parent / "types.cdef").read_text()
    return f"#ifndef TYPES_H\n#define TYPES_H\n#include <stddef.h>\n#include <stdint.h>\n{cdef}\n#endif\n"


def main(folder: Path) -> None:
    """Writes what has changed."""
    functions, header = functions_source()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "types.h": types_source(),
        "functions.h": header,
        "functions.c": functions,
        "lookups.c": lookups_source(),
        "callers.c": callers_source(),
    }.items():
        target = folder / name
        if not target.exists() or target.read_text() != text:
            target.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

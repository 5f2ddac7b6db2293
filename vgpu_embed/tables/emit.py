"""Build time: writes the C and assembler sources that follow from the one list."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from vgpu_embed import tables
from vgpu_embed.embed import redirect

HASH_SIZE = 8192
"""Entries of the name table, a power of two, several times the number of names."""

KNOWN = ("cuDriverGetVersion", "cuGetProcAddress", "cuGetProcAddress_v2", "dlopen", "dlsym", "dlvsym")
"""Functions that the library's own C treats by name."""

PROPERTY_NOTE = """\
        .section .note.GNU-stack, "", @progbits
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 3, 0
"""

HEADER = """\
#ifndef GENERATED_NAMES_H
#define GENERATED_NAMES_H
#include <stdint.h>
#define VGPU_THUNK {thunk}u
/* The driver's, then those of libraries that there are in virtual mode, then the loader's. */
#define VGPU_DRIVER_SLOTS {driver}u
#define VGPU_VIRTUAL_END {looked_up}u
#define VGPU_SLOTS {slots}u
#define VGPU_NAME_TABLE {hash_size}u
#define VGPU_ALIASES {aliases}u
{known}/* What a function returns where there is no driver: a number below these, or one of them. */
enum {{ VGPU_IS_VARIABLE = 252, VGPU_RETURNS_NOTHING, VGPU_RETURNS_TEXT, VGPU_RETURNS_HANDLE }};
/* The names one after the other, and where each begins: pointers would have to be relocated in every process. */
extern const char vgpu_name_text[] __attribute__((visibility("hidden")));
extern const uint32_t vgpu_name_places[VGPU_SLOTS] __attribute__((visibility("hidden")));
static inline const char *vgpu_name(uint32_t slot)
{{
    return vgpu_name_text + vgpu_name_places[slot];
}}
extern const uint8_t vgpu_results[VGPU_SLOTS] __attribute__((visibility("hidden")));
/* Words that a call's arguments take: general registers, floating-point registers, on the stack (255: not known). */
extern const uint8_t vgpu_words[VGPU_SLOTS][3] __attribute__((visibility("hidden")));
extern const uint16_t vgpu_name_table[VGPU_NAME_TABLE] __attribute__((visibility("hidden"))); /* slot + 1 */
extern const char *const vgpu_libraries[{watched}] __attribute__((visibility("hidden")));
extern const char *const vgpu_aliases[VGPU_ALIASES] __attribute__((visibility("hidden")));
static inline uint32_t vgpu_name_hash(const char *name)
{{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}}
#endif
"""


def name_hash(name: str) -> int:
    """`vgpu_name_hash` of the header."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def hash_table(names: list[str]) -> list[int]:
    """Slot + 1 by hash, linear probing; 0 is empty."""
    table = [0] * HASH_SIZE
    for slot, name in enumerate(names):
        if tables.function(slot).variable:
            continue
        place = name_hash(name) % HASH_SIZE
        while table[place]:
            place = (place + 1) % HASH_SIZE
        table[place] = slot + 1
    return table


def absent_result(function: tables.Function) -> str:
    """What the function returns where there is no driver, as C."""
    if function.variable:
        return "VGPU_IS_VARIABLE"
    if function.name == "__cudaRegisterFatBinary":
        return "VGPU_RETURNS_HANDLE"
    if function.result_kind == "pointer":
        return "VGPU_RETURNS_TEXT" if "char" in function.result else "VGPU_RETURNS_HANDLE"
    if function.result == "void" or function.name in redirect.REGISTRATIONS:
        return "VGPU_RETURNS_NOTHING"
    return str(redirect.ABSENT[function.library])


def _array(kind: str, name: str, size: str, items: list[str]) -> str:
    return f"const {kind} {name}[{size}] = {{{', '.join(items)}}};\n"


def _quoted(names: list[str] | tuple[str, ...]) -> list[str]:
    return [f'"{name}"' for name in names]


THUNK = 16
"""Bytes from one exported entry to the next."""


def thunk(name: str, slot: int, place: str) -> str:
    """One exported entry, which jumps through its slot. Nothing stands in for a variable but its room."""
    if tables.function(slot).variable:
        return f"        .balign {THUNK}\n        ud2"
    return (
        f"        .balign {THUNK}\n        .globl {name}\n        .type {name}, @function\n{name}:\n"
        f"        endbr64\n        mov ${slot}, %r11d\n        jmp *{place}(%rip)\n        .size {name}, . - {name}"
    )


def pointers(section: str, name: str, targets: list[str]) -> str:
    """A table of addresses, as a global name; the thunks beside it go by the local one, `its_NAME`."""
    return (
        f'        .section {section}, "aw"\n        .balign 64\n        .globl {name}\n'
        f"        .type {name}, @object\n        .size {name}, {8 * len(targets)}\n{name}:\nits_{name}:\n"
        + "".join(f"        .quad {target}\n" for target in targets)
    )


ENTRIES = ("vgpu_entry", *redirect.REGISTRATIONS.values())
"""Where slots lead at first."""


def driver_thunks(names: list[str], count: int) -> str:
    """Thunks of the driver's functions and their slots; what the alias libcuda.so.1 gets from the library, and answers
    that are constant, of `count` slots in all."""
    body = [
        "        .text\n        .globl vgpu_thunks\n        .hidden vgpu_thunks\n"
        f"        .balign {THUNK}\nvgpu_thunks:\n        .cfi_startproc"
    ]
    body += [thunk(name, slot, f"its_vgpu_slots + {8 * slot}") for slot, name in enumerate(names)]
    body.append(
        "        .cfi_endproc\n"
        + pointers(".data", "vgpu_slots", ["vgpu_entry"] * len(names))
        + "        .hidden vgpu_slots\n"
        + pointers(".data.rel.ro", "vgpu_entries", list(ENTRIES))
        + f"        .bss\n        .balign 64\n        .globl vgpu_constants\n        .hidden vgpu_constants\n"
        f"vgpu_constants:\n        .skip {8 * count}\n"
    )
    return "\n".join(body) + PROPERTY_NOTE


RUNTIME_NODES = {"11": "libcudart.so.11.0", "12": "libcudart.so.12", "13": "libcudart.so.13"}
"""Version nodes of the runtime's libraries, by toolkit."""
NEWEST = "13"
"""The toolkit whose functions a program gets that asks for no version."""


def _label(name: str) -> str:
    """Of the thunk of a name that has several."""
    return "vgpu_own_" + name.replace("@", "_of_")


def _versioned(name: str, toolkit: str, target: str) -> str:
    """A name with the version node of a toolkit's library, for the thunk of what that library has."""
    label = f"vgpu_{toolkit}_{name}"
    node = RUNTIME_NODES[toolkit]
    return (
        f"        .globl {label}\n        .type {label}, @function\n        .set {label}, {_label(target)}\n"
        f"        .symver {label}, {name}{'@@' if toolkit == NEWEST else '@'}{node}, remove"
    )


def virtual_thunks(names: list[str], first: int) -> str:
    """Thunks of the lists between the driver's and the loader's and their slots, for the alias libcuda.so.1: processes
    without virtual GPUs are spared them.

    Some functions of the runtime have other arguments or structs in older toolkits' libraries under the same name, and
    are functions of their own here ("cudaMemAdvise@12"). The version of the symbol that a program is linked to says
    which one it gets.
    """
    versions: dict[str, dict[str, str]] = {}
    for name in names:
        base, _, toolkit = name.partition("@")
        if toolkit:
            own = dict.fromkeys(RUNTIME_NODES, base)
            versions.setdefault(base, own).update(dict.fromkeys(tables.function(name).sources, name))
    body = [
        f"        .text\n        .globl vgpu_virtual_thunks\n        .balign {THUNK}\nvgpu_virtual_thunks:\n"
        "        .cfi_startproc"
    ]
    for place, name in enumerate(names):
        jump = f"its_vgpu_virtual_slots + {8 * place}"
        if name.partition("@")[0] in versions:
            body.append(thunk(_label(name), first + place, jump) + f"\n        .hidden {_label(name)}")
        else:
            body.append(thunk(name, first + place, jump))
    body += [
        f"        .balign {THUNK}\nto_{entry}:\n        endbr64\n        mov vgpu_entries@GOTPCREL(%rip), %r10\n"
        f"        jmp *{8 * number}(%r10)"
        for number, entry in enumerate(ENTRIES)
    ]
    body.append("        .cfi_endproc")
    for name, targets in versions.items():
        body += [_versioned(name, toolkit, target) for toolkit, target in targets.items()]
    first_targets = [f"to_{redirect.REGISTRATIONS.get(name, ENTRIES[0])}" for name in names]
    body.append(pointers(".data", "vgpu_virtual_slots", first_targets))
    return "\n".join(body) + PROPERTY_NOTE


def write(folder: Path) -> None:
    """Writes names.h, names.c, driver_thunks.S, virtual_thunks.S and virtual.map into a folder."""
    names = [name for library in tables.LIBRARIES for name in tables.names(library)]
    driver, looked_up = len(tables.names("driver")), len(names) - len(tables.names("loader"))
    header = HEADER.format(
        thunk=THUNK,
        driver=driver,
        looked_up=looked_up,
        slots=len(names),
        hash_size=HASH_SIZE,
        known="".join(f"#define VGPU_SLOT_{name} {tables.index(name)}u\n" for name in KNOWN),
        watched=len(redirect.WATCHED),
        aliases=len(redirect.ALIASES),
    )
    source = '#include "names.h"\n' + "".join(
        [
            "const char vgpu_name_text[] =\n" + "\n".join(f'    "{name}\\0"' for name in names) + ";\n",
            _array(
                "uint32_t",
                "vgpu_name_places",
                "VGPU_SLOTS",
                [str(place) for place in itertools.accumulate((len(name) + 1 for name in names[:-1]), initial=0)],
            ),
            _array(
                "uint8_t",
                "vgpu_results",
                "VGPU_SLOTS",
                [absent_result(tables.function(n)) for n in names],
            ),
            _array(
                "uint8_t",
                "vgpu_words",
                "VGPU_SLOTS][3",
                ["{{{}, {}, {}}}".format(*tables.words(tables.function(n))) for n in names],
            ),
            _array(
                "uint16_t",
                "vgpu_name_table",
                "VGPU_NAME_TABLE",
                list(map(str, hash_table(names[:looked_up]))),
            ),
            _array("char *const", "vgpu_libraries", "", _quoted(redirect.WATCHED)),
            _array("char *const", "vgpu_aliases", "", _quoted(redirect.ALIASES)),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "names.h": header,
        "names.c": source,
        "driver_thunks.S": driver_thunks(names[:driver], len(names)),
        "virtual_thunks.S": virtual_thunks(names[driver:looked_up], driver),
        "library.map": "GLIBC_2.2.5 { };\nGLIBC_2.34 { };\n",
        "virtual.map": "".join(f"{node} {{ }};\n" for node in RUNTIME_NODES.values()),
    }.items():
        target = folder / name
        if not target.exists() or target.read_text() != text:
            target.write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))

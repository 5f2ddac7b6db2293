"""Where the lists say that arguments are, against where gcc puts them.

A program made from the lists calls every function in turn, each argument a pattern of its own; the
callee, in assembler, writes down the registers and the stack as they reach it.
"""

import subprocess
from pathlib import Path

import pytest

from vgpu_embed import tables

STACK_WORDS = 48

HEAD = """
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
uint64_t gp[6], fp[8], stack[STACK_WORDS];
void probe(void);
__asm__(".text\\nprobe:\\n"
        "mov %rdi, gp(%rip)\\nmov %rsi, gp+8(%rip)\\nmov %rdx, gp+16(%rip)\\n"
        "mov %rcx, gp+24(%rip)\\nmov %r8, gp+32(%rip)\\nmov %r9, gp+40(%rip)\\n"
        "movq %xmm0, fp(%rip)\\nmovq %xmm1, fp+8(%rip)\\nmovq %xmm2, fp+16(%rip)\\n"
        "movq %xmm3, fp+24(%rip)\\nmovq %xmm4, fp+32(%rip)\\nmovq %xmm5, fp+40(%rip)\\n"
        "movq %xmm6, fp+48(%rip)\\nmovq %xmm7, fp+56(%rip)\\n"
        "mov %rdi, %rax\\nlea 8(%rsp), %rsi\\nlea stack(%rip), %rdi\\n"
        "mov $STACK_BYTES, %ecx\\nrep movsb\\nret\\n");
static void fill(void *to, size_t size, int number)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)to)[i] = (unsigned char)(number * 37 + i * 11 + 1);
}
static void show(int number)
{
    printf("%d", number);
    for (int i = 0; i < 6; i++) printf(" %lx", gp[i]);
    for (int i = 0; i < 8; i++) printf(" %lx", fp[i]);
    for (int i = 0; i < STACK_WORDS; i++) printf(" %lx", stack[i]);
    printf("\\n");
}
"""


def pattern(number: int, size: int) -> bytes:
    return bytes((number * 37 + i * 11 + 1) & 0xFF for i in range(size))


def every_prototype() -> list[tables.Function]:
    found = []
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            function = tables.function(name)
            found += [function] if function.parameters is not None else []
    return found


def program(functions: list[tables.Function]) -> str:
    """A caller a function; main calls each with a deep enough stack and shows what arrived."""
    types = (Path(tables.__file__).parent / "types.cdef").read_text()
    sizes = (
        f"#define STACK_WORDS {STACK_WORDS}",
        HEAD.replace("STACK_BYTES", str(STACK_WORDS * 8)),
    )
    lines = [*sizes, types]
    for number, function in enumerate(functions):
        assert function.parameters is not None
        lines.append(f"static void call{number}(void)\n{{")
        for place, parameter in enumerate(function.parameters):
            lines.append(f"{parameter.ctype} a{place}; fill(&a{place}, sizeof a{place}, {place});")
        listed = ", ".join(p.ctype for p in function.parameters) or "void"
        passed = ", ".join(f"a{place}" for place in range(len(function.parameters)))
        lines.append(f"(({function.result} (*)({listed}))probe)({passed});\n}}")
    calls = "\n".join(f"call{number}(); show({number});" for number in range(len(functions)))
    room = f"volatile char room[{STACK_WORDS * 8}]; room[0] = 0;"
    return "\n".join([*lines, f"int main(void)\n{{\n{room}\n{calls}\nreturn 0;\n}}\n"])


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> list[list[bytes]]:
    folder = tmp_path_factory.mktemp("passing")
    (folder / "call.c").write_text(program(every_prototype()))
    command = ["gcc", "-std=gnu11", "-O0", "-w", "-fcf-protection=none", "call.c", "-o", "call"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run([folder / "call"], capture_output=True, text=True, check=True)
    words = [line.split()[1:] for line in done.stdout.splitlines()]
    return [[int(word, 16).to_bytes(8, "little") for word in line] for line in words]


def test_every_argument_is_where_the_list_says(arrived: list[list[bytes]]) -> None:
    functions = every_prototype()
    assert len(arrived) == len(functions) > 1650
    start = {"gp": 0, "fp": 6, "stack": 14}
    for function, words in zip(functions, arrived, strict=True):
        assert function.parameters is not None
        for place, parameter in enumerate(function.parameters):
            where, number = parameter.location
            found = b"".join(words[start[where] + number :])[: parameter.size]
            assert found == pattern(place, parameter.size), (function.name, parameter)


def test_stack_words_reach_to_the_last_argument(arrived: list[list[bytes]]) -> None:
    deep = 0
    for function in every_prototype():
        used = [p.location[1] + (p.size + 7) // 8 for p in function.parameters or () if p.location[0] == "stack"]
        assert function.stack_words == max(used, default=0) <= STACK_WORDS
        deep += bool(used)
    assert deep > 50

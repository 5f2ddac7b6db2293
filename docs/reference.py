"""Writes docs/functions.md, the list of functions, from the one list. Not committed."""

from pathlib import Path

from vgpu_embed import tables

HEAD = """# Functions

Every function that a policy can hook, by library, with its parameters. `⇐` marks what the function writes.
The word behind it says whether an answer may be remembered (`@policy.answer`):

- **yes**: the same scalar arguments give the same answer while the process lives;
- **context**: depends on the thread's current context, device or last error;
- **time**: may change between two calls;
- **pointer**: depends on what an argument points to, or on an object that programs make and destroy;
- **effect**: the call does something, or there is nothing to remember.

"""
TITLES = {
    "driver": "CUDA driver (cu*)",
    "runtime": "CUDA runtime (cuda*), in virtual mode",
    "nvml": "NVML (nvml*), in virtual mode",
    "loader": "Loader",
}


def signature(function: tables.Function) -> str:
    """Parameters on one line."""
    marks = {"in": "", "out": "⇐ ", "inout": "⇔ "}
    return ", ".join(f"{marks[p.direction]}{p.ctype} {p.attribute}" for p in function.parameters or ())


def main() -> None:
    """Writes the page."""
    lines = [HEAD]
    for library, title in TITLES.items():
        lines.append(f"\n## {title}\n")
        for name in tables.names(library):
            function = tables.function(name)
            if function.parameters is not None:
                answer = "**yes**" if function.answer == "yes" else function.answer
                lines.append(f"- `{name}({signature(function)})` {answer}")
    Path(__file__).with_name("functions.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

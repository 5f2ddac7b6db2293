"""Builds the preloaded library, its alias libraries and the cffi core; everything else is in pyproject.toml."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

VERSION = "{}.{}".format(*sys.version_info)
MULTIARCH = sysconfig.get_config_var("MULTIARCH") or f"{os.uname().machine}-linux-gnu"
COMPILE = [
    "-O2",
    "-g",
    "-std=gnu11",
    "-fPIC",
    "-fvisibility=hidden",
    "-ftls-model=initial-exec",
    "-Wall",
    "-Wextra",
    "-Werror",
]
# Paths and log lines are cut where they do not fit; that is meant.
COMPILE += ["-Wno-format-truncation", f"-I{ROOT}/csrc"]
C_FILES = [
    "stub",
    "answers",
    "clock",
    "record",
    "service",
    "threads",
    "elf",
    "sites",
    "settings",
    "journal",
    "driver",
    "registrations",
    "embed",
    "python",
]
GENERATED = ("devices/profiles.json", "smi/_nvml.py", "smi/bin/nvidia-smi")
LINK = ["-shared", "-Wl,-z,now,-z,relro,-z,defs,--as-needed"]


def fail(sentence: str) -> None:
    """Ends the build with one sentence."""
    sys.exit(f"vgpu_embed: {sentence}")


def check_prerequisites(compiler: list[str]) -> None:
    """Names what is missing before a compiler's error message would."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        fail(f"it runs on Linux x86-64 only, this is {sys.platform} {os.uname().machine}")
    try:
        subprocess.run([*compiler, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        fail(f"no C compiler: {compiler[0]} cannot be run; install gcc (Debian, Ubuntu: apt install gcc) or set CC")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        fail(
            f"Python {VERSION} has no headers at {sysconfig.get_path('include')}; "
            f"install them (Debian, Ubuntu: apt install python{VERSION}-dev)"
        )
    if not shared_libpython():
        fail(
            f"Python {VERSION} at {sys.base_prefix} has no shared libpython{VERSION}.so.1.0; install it "
            f"(Debian, Ubuntu: apt install libpython{VERSION}; pyenv: "
            f"PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {VERSION})"
        )


def shared_libpython() -> bool:
    """Whether the interpreter that builds has a libpython that can be embedded."""
    name = f"libpython{VERSION}.so.1.0"
    folders = [
        sysconfig.get_config_var("LIBDIR"),
        f"{sys.base_prefix}/lib",
        f"{sys.base_prefix}/lib/{MULTIARCH}",
    ]
    return any(folder and Path(folder, name).exists() for folder in folders)


class Build(build_ext):
    """Compiles csrc/ and what is generated from the one list into the package's folder."""

    built: Path
    """The package's folder that was built into."""

    def build_extension(self, extension: Extension) -> None:
        """The one extension stands for all binaries."""
        core = Path(self.get_ext_fullpath(extension.name)).resolve()
        package = core.parent
        self.built = package
        self.compiler_command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "gcc")
        check_prerequisites(self.compiler_command)
        from vgpu_embed import core_build
        from vgpu_embed.devices import compile as profiles
        from vgpu_embed.smi import binding_build
        from vgpu_embed.tables import emit

        work = Path(self.build_temp).resolve()
        emit.write(work / "generated")
        self.include = f"-I{work}"
        for folder in ("devices", "smi/bin", "virtual/lib"):
            (package / folder).mkdir(parents=True, exist_ok=True)
        profiles.write(package / "devices/profiles.json")
        self.build_library(work, package, core.name)
        self.build_aliases(work / "generated", package)
        self.build_launcher(package / "smi/bin/nvidia-smi")
        binding_build.write(package / "smi/_nvml.py")
        core_build.write_source(work / "core_cffi.c")
        self.build_python_module(work / "core_cffi.c", core)
        frames = core.with_name(core.name.replace("_core", "_frames", 1))
        strict = ("-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", str(ROOT / "csrc/quick.c"))
        self.build_python_module(ROOT / "csrc/frames.c", frames, *strict)

    def copy_extensions_to_source(self) -> None:
        """For an installation in place: everything that was built, not the extension alone."""
        libraries = [*self.built.glob("*.so"), *self.built.glob("virtual/lib/*.so*")]
        for built in [*libraries, *map(self.built.joinpath, GENERATED)]:
            target = ROOT / "vgpu_embed" / built.relative_to(self.built)
            target.parent.mkdir(exist_ok=True)
            beside = target.with_name(f"{target.name}.{os.getpid()}")
            shutil.copy2(built, beside)
            os.replace(beside, target)  # a process may have the old one mapped
        from vgpu_embed import record

        record.write()

    def compile(self, output: Path, *arguments: object) -> None:
        """Runs the compiler on C sources; its own message is shown if it fails."""
        command = [
            *self.compiler_command,
            *COMPILE,
            self.include,
            "-o",
            str(output),
            *map(str, arguments),
        ]
        if subprocess.run(command).returncode:
            fail(f"{output.name} could not be compiled; the compiler's messages are above")

    def build_library(self, work: Path, package: Path, core_name: str) -> None:
        """libvgpu-cuda.so, which needs libc only, the gate, and what tests without it take virtual memory from."""
        sources = [ROOT / "csrc" / f"{n}.c" for n in C_FILES]
        sources += [
            ROOT / "csrc/entry.S",
            work / "generated/driver_thunks.S",
            work / "generated/names.c",
        ]
        defines = [
            f'-DVGPU_PYTHON_VERSION="{VERSION}"',
            f'-DVGPU_MULTIARCH="{MULTIARCH}"',
            f'-DVGPU_CORE_FILE="{core_name}"',
            f'-DVGPU_VERSION="{self.distribution.get_version()}"',
        ]
        library = package / "libvgpu-cuda.so"
        flags = shlex.split(os.environ.get("VGPU_CFLAGS", ""))
        versions = f"-Wl,-z,nodelete,-soname,libvgpu-cuda.so,--version-script={work}/generated/library.map"
        self.compile(library, *defines, *flags, *LINK, versions, *sources)
        self.compile(
            package / "libvgpu-gate.so",
            *LINK,
            "-Wl,-soname,libvgpu-gate.so",
            ROOT / "csrc/gate.c",
            library,
        )
        self.compile(
            package / "libvgpu-memory.so",
            *LINK,
            "-fvisibility=default",
            "-Wl,-soname,libvgpu-memory.so",
            ROOT / "csrc/memory.c",
        )

    def build_aliases(self, generated: Path, package: Path) -> None:
        """Virtual mode's libraries. The first holds the functions, the others need it and hold nothing; it needs
        them too, so that preloading it satisfies whoever needs any of them."""
        from vgpu_embed.embed.redirect import ALIASES

        folder = package / "virtual/lib"
        first, *others = ALIASES
        holder = [
            *LINK,
            "-nostdlib",
            f"-Wl,-soname,{first},--version-script={generated}/virtual.map",
            str(generated / "virtual_thunks.S"),
            str(package / "libvgpu-cuda.so"),
            "-Wl,-rpath,$ORIGIN:$ORIGIN/../..",
        ]
        self.compile(folder / first, *holder)
        names = generated / "names.map"
        names.write_text("VGPU { };\n")
        for alias in others:
            self.compile(
                folder / alias,
                *(
                    *LINK,
                    "-nostdlib",
                    f"-Wl,-soname,{alias},--no-as-needed,--version-script={names}",
                ),
                *(folder / first, "-Wl,-rpath,$ORIGIN:$ORIGIN/../.."),
            )
        versioned = [folder / alias for alias in others if not alias.endswith(".so")]
        self.compile(folder / first, *holder, "-Wl,--no-as-needed", *versioned)

    def build_launcher(self, program: Path) -> None:
        """nvidia-smi, which opens libpython when it runs."""
        defines = [f'-DVGPU_PYTHON_VERSION="{VERSION}"', f'-DVGPU_MULTIARCH="{MULTIARCH}"']
        headers = f"-I{sysconfig.get_path('include')}"
        sources = [ROOT / "csrc/launcher.c", ROOT / "csrc/python.c"]
        self.compile(program, *defines, headers, "-pie", "-Wl,-z,now,-z,relro", *sources, "-ldl")

    def build_python_module(self, source: Path, module: Path, *flags: str) -> None:
        """The cffi core, or the C half of a module; Py* stays undefined, the interpreter's libpython has it."""
        command = [
            *self.compiler_command,
            "-O2",
            "-g",
            "-fPIC",
            "-shared",
            *flags,
            f"-I{ROOT}/csrc",
            "-o",
            str(module),
        ]
        command += [f"-I{sysconfig.get_path('include')}", str(source), str(ROOT / "csrc/memory.c")]
        if subprocess.run(command).returncode:
            fail(f"{module.name} could not be compiled; the compiler's messages are above")


setup(ext_modules=[Extension("vgpu_embed._core", sources=[])], cmdclass={"build_ext": Build})

"""`vgpu-embed run`: what the program gets, and how it fails."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import vgpu_embed

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Compile = Callable[..., Path]

PACKAGE = Path(vgpu_embed.__path__[0]).resolve()
LIBRARY = str(PACKAGE / "libvgpu-cuda.so")
ALIAS = str(PACKAGE / "virtual/lib/libcuda.so.1")
FOLDER = str(PACKAGE / "virtual/lib")
VIRTUAL = ("run", "--mode", "virtual", "--gpu", "h100")
NATIVE = ("run", "--mode", "native")


def sees(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The environment that `env -0` printed."""
    assert result.returncode == 0, result.stderr
    return dict(line.split("=", 1) for line in result.stdout.split("\0") if line)


def test_a_virtual_program_gets_library_alias_and_folder(cli: Cli) -> None:
    environment = sees(cli(*VIRTUAL, "--", "env", "-0"))
    assert environment["LD_PRELOAD"] == f"{LIBRARY}:{ALIAS}"
    assert environment["LD_LIBRARY_PATH"] == FOLDER
    assert environment["VGPU_MODE"] == "virtual"
    assert environment["VGPU_GPU"] == "h100"
    given = {name for name in environment if name.startswith("VGPU_")}
    assert given == {"VGPU_MODE", "VGPU_GPU"}


def test_a_native_program_gets_the_library_alone(cli: Cli) -> None:
    environment = sees(cli(*NATIVE, "env", "-0"))
    assert environment["LD_PRELOAD"] == LIBRARY
    assert environment["VGPU_MODE"] == "native"
    assert "LD_LIBRARY_PATH" not in environment


def test_what_the_user_preloads_and_searches_is_kept(cli: Cli) -> None:
    kept = {"LD_PRELOAD": "libm.so.6", "LD_LIBRARY_PATH": "/a:"}
    environment = sees(cli(*VIRTUAL, "env", "-0", **kept))
    assert environment["LD_PRELOAD"] == f"{LIBRARY}:{ALIAS}:libm.so.6"
    assert environment["LD_LIBRARY_PATH"] == f"/a::{FOLDER}"


def test_run_within_run_says_everything_once(cli: Cli) -> None:
    first = sees(cli(*VIRTUAL, "env", "-0", LD_LIBRARY_PATH="/a"))
    kept = {name: first[name] for name in first if name.startswith(("LD_", "VGPU_"))}
    second = sees(cli("run", "env", "-0", **kept))
    assert {name: second[name] for name in kept} == kept


def test_native_within_virtual_leaves_nothing_of_the_virtual_driver(cli: Cli) -> None:
    first = sees(cli(*VIRTUAL, "env", "-0", LD_LIBRARY_PATH="/a"))
    kept = {name: first[name] for name in ("LD_PRELOAD", "LD_LIBRARY_PATH")}
    second = sees(cli(*NATIVE, "env", "-0", **kept))
    assert second["LD_PRELOAD"] == LIBRARY
    assert second["LD_LIBRARY_PATH"] == "/a"


def test_everything_else_stays_as_it_was(cli: Cli, clean_environment: dict[str, str]) -> None:
    environment = sees(cli(*NATIVE, "env", "-0"))
    ours = {"LD_PRELOAD", "VGPU_MODE"}
    assert {name: environment[name] for name in environment if name not in ours} == (clean_environment)


def test_several_values_are_joined_and_paths_made_absolute(cli: Cli, tmp_path: Path) -> None:
    options = ("--gpu", "t4", "--log", "info", "--log-file", "%p.log")
    environment = sees(cli(*VIRTUAL, *options, "env", "-0", cwd=tmp_path))
    assert environment["VGPU_GPU"] == "h100;t4"
    assert environment["VGPU_LOG"] == "info"
    assert environment["VGPU_LOG_FILE"] == str(tmp_path / "%p.log")


def test_variables_count_where_no_flag_is_given(cli: Cli) -> None:
    given = {"VGPU_MODE": "virtual", "VGPU_GPU": "2xh100;t4", "VGPU_LOG": "debug"}
    environment = sees(cli("run", "--log", "off", "env", "-0", **given))
    assert environment["VGPU_GPU"] == "2xh100;t4"
    assert environment["VGPU_MODE"] == "virtual"
    assert environment["VGPU_LOG"] == "off"


def test_options_after_the_program_are_the_program_s(cli: Cli) -> None:
    result = cli(*NATIVE, "echo", "--gpu", "none", "--", "-h")
    assert result.stdout == "--gpu none -- -h\n"


def test_exit_code_and_signals_are_the_program_s(cli: Cli) -> None:
    assert cli(*NATIVE, "sh", "-c", "exit 42").returncode == 42
    assert cli(*NATIVE, "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM


def test_the_program_ignores_no_signal_for_our_sake(cli: Cli) -> None:
    grep = ["grep", "SigIgn", "/proc/self/status"]
    bare = subprocess.run(grep, capture_output=True, text=True, check=True)
    result = cli(*NATIVE, *grep)
    classic = (1 << 31) - 1  # without the two of glibc's own, which Python 3.13 leaves ignored
    ignored, before = (int(run.stdout.split()[1], 16) & classic for run in (result, bare))
    assert ignored == before


def test_the_program_is_our_own_process(clean_environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "vgpu_embed.cli", *NATIVE, "sh", "-c", "echo $$"]
    with subprocess.Popen(command, env=clean_environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_the_program_is_named_as_the_user_named_it(cli: Cli) -> None:
    assert cli(*NATIVE, "sh", "-c", "echo $0").stdout == "sh\n"


def test_a_script_without_a_first_line_runs_in_a_shell(cli: Cli, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo it runs: $1\n")
    script.chmod(0o755)
    assert cli(*NATIVE, str(script), "yes").stdout == "it runs: yes\n"


def test_a_static_program_is_warned_about_and_runs(cli: Cli, compile_c: Compile, tmp_path: Path) -> None:
    start = 'void _start(void) { __asm__("mov $60, %eax; mov $7, %edi; syscall"); }'
    program = compile_c(tmp_path / "static", start, "-static", "-nostdlib")
    result = cli(*VIRTUAL, str(program))
    assert result.returncode == 7
    assert result.stderr == (
        f"vgpu-embed: {program} is statically linked: the loader preloads nothing into it, "
        "so it runs without a policy\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            [],
            125,
            "run needs a PROGRAM, as in: vgpu-embed run --gpu h100 -- ollama serve",
        ),
        (["--gpuu", "h100", "true"], 125, "No such option '--gpuu'. Did you mean '--gpu'?"),
        (["--gpu"], 125, "Option '--gpu' requires an argument."),
        (["--mode", "vitual", "true"], 125, "--mode vitual is not one of native, virtual"),
        (["--log", "loud", "true"], 125, "--log loud is not one of off, error, info, debug"),
        (["--log-file", "", "true"], 125, "--log-file is empty; it takes FILE"),
        (["--trace", "/tmp/", "true"], 125, "--trace /tmp/ is a folder; give a file in it"),
        (
            ["--mode", "native", "no-such-program"],
            127,
            "there is no program no-such-program on PATH",
        ),
        (["--mode", "native", "./missing"], 127, "there is no file ./missing"),
        (["--mode", "native", "/tmp"], 126, "/tmp is a folder, not a program"),
        (
            ["--mode", "native", "/etc/passwd"],
            126,
            "/etc/passwd is not executable; make it so with chmod +x",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_starts_nothing(arguments: list[str], code: int, sentence: str, cli: Cli) -> None:
    result = cli("run", *arguments)
    assert result.stderr.splitlines()[-1] == f"vgpu-embed: {sentence}"
    assert result.returncode == code
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gpu", "h1000", "true"], ["h1000", "h100"]),
        (["--gpu", "h100:memroy=1GiB", "true"], ["memroy", "memory"]),
        (["--gpu", "./missing.toml", "true"], ["missing.toml"]),
        (["--policy", "missing.py", "true"], ["missing.py"]),
        (["--policy", "no-such-policy", "true"], ["no-such-policy"]),
        (["--policy", "/tmp", "true"], ["/tmp"]),
        (["--set", "quota=1", "true"], ["quota=1"]),
    ],
)
def test_what_is_unknown_is_named(arguments: list[str], words: list[str], cli: Cli) -> None:
    result = cli("run", *arguments)
    assert result.returncode == 125
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("vgpu-embed: ")
    for word in words:
        assert word in result.stderr


def test_a_program_whose_interpreter_is_missing(cli: Cli, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    result = cli(*NATIVE, str(script))
    assert result.returncode == 127
    assert f"vgpu-embed: {script} cannot be run: No such file or directory" in result.stderr


def test_the_policy_s_own_output_is_not_the_program_s(cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "p.py"
    policy.write_text("from vgpu_embed import Policy\nprint('loading')\npolicy = Policy()\n")
    result = cli(*NATIVE, "--policy", str(policy), "true")
    assert (result.returncode, result.stdout) == (0, "")
    assert "loading\n" in result.stderr


def test_a_file_name_with_a_semicolon_cannot_be_said_in_the_variable(cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "a;b.py"
    policy.write_text("from vgpu_embed import Policy\npolicy = Policy()\n")
    result = cli(*NATIVE, "--policy", str(policy), "true")
    assert result.returncode == 125
    assert "contains ';', which separates values in VGPU_POLICY" in result.stderr


def test_a_setting_is_checked_against_the_policies(cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "p.py"
    policy.write_text(
        "from vgpu_embed import GiB, Policy\npolicy = Policy()\n"
        "policy.device('h100', memory=policy.option('quota', 20 * GiB))\n"
    )
    run = ("run", "--mode", "virtual", "--policy", str(policy), "--set")
    assert sees(cli(*run, "quota=8GiB", "env", "-0"))["VGPU_SET"] == "quota=8GiB"
    for wrong, word in (
        ("qouta=8GiB", "quota"),
        ("quota", "option=value"),
        ("quota=much", "20GiB"),
    ):
        result = cli(*run, wrong, "true")
        assert result.returncode == 125
        assert result.stderr.startswith(f"vgpu-embed: --set {wrong}: ")
        assert word in result.stderr
    assert cli(*run, "quota=0", "true").stderr.startswith(f"vgpu-embed: {policy}: ")


def test_a_policy_that_declares_devices_counts_as_gpus(cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "p.py"
    policy.write_text("from vgpu_embed import Policy\npolicy = Policy()\npolicy.device('t4')\n")
    environment = sees(cli("run", "--policy", "p.py", "env", "-0", cwd=tmp_path))
    assert environment["VGPU_MODE"] == "virtual"
    assert environment["VGPU_POLICY"] == str(policy)


def test_help_is_by_example(cli: Cli) -> None:
    result = cli("run", "--help")
    assert result.returncode == 0
    assert "\n  vgpu-embed run --gpu h100 -- ollama serve " in result.stdout

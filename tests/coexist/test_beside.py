"""Other preloaded libraries, tools, and places where things are missing: the policy answers there too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from embed.conftest import ANSWER, ANSWERS, DRIVER, Preloaded, attributes, host, said
from embed.conftest import own as embedded
from support import LIBRARY, Completed, fake_driver, preloading, run, run_bare

from coexist import debs

from .conftest import last, own, package_file, tool

ORDERS = pytest.mark.parametrize("first", [True, False], ids=["before-ours", "after-ours"])


def both(other: Path, first: bool) -> str:
    """LD_PRELOAD of another library and ours."""
    return ":".join(map(str, (other, LIBRARY) if first else (LIBRARY, other)))


def answered(done: Completed) -> list[str]:
    """The lines of a program that met the policy, and went well without a word on stderr."""
    assert (done.returncode, done.stderr) == (0, ""), done
    assert attributes(done) == {ANSWER}, done
    return done.stdout.splitlines()


# ---- other preloaded libraries ----


@ORDERS
def test_another_interposer_of_dlsym_keeps_its_say(preloaded: Preloaded, first: bool) -> None:
    """Its own answers, its own tail calls, its RTLD_NEXT: as without us, but for what the policy answers."""
    other = host("libinterposer.so")
    bare = run_bare([host("interposed")], env={"LD_PRELOAD": other})
    done = preloaded(host("interposed"), env={"LD_PRELOAD": both(other, first)})
    differing = [ours for ours, theirs in zip(answered(done), bare.stdout.splitlines(), strict=True) if ours != theirs]
    assert bare.returncode == 0
    assert all("GetAttribute" in line for line in differing), differing
    assert len(differing) == bare.stdout.count("GetAttribute")


@ORDERS
@pytest.mark.parametrize("program", ["lookup", "eight_threads", "many_threads", "late_calls", "in_callback"])
def test_jemalloc(preloaded: Preloaded, program: str, first: bool) -> None:
    """The host's allocator; the namespace has libc's."""
    jemalloc = package_file(debs.JEMALLOC, "libjemalloc.so.2")
    env = {"LD_PRELOAD": both(jemalloc, first), "MALLOC_CONF": "abort_conf:true,junk:true,tcache_max:4096"}
    bare = run_bare([host(program)], env={"LD_PRELOAD": jemalloc, "MALLOC_CONF": env["MALLOC_CONF"]})
    done = preloaded(host(program), env=env)
    assert (done.returncode, done.stderr) == (bare.returncode, bare.stderr)
    assert len(done.stdout.splitlines()) == len(bare.stdout.splitlines())
    assert attributes(done) == {ANSWER}, done


@ORDERS
@pytest.mark.parametrize("when", ["2001-02-03 04:05:06", "-10y x100"], ids=["stopped", "fast"])
@pytest.mark.parametrize("program", ["lookup", "eight_threads"])
def test_libfaketime(preloaded: Preloaded, program: str, when: str, first: bool) -> None:
    faketime = package_file(debs.FAKETIME, "libfaketime.so.1")
    env = {"LD_PRELOAD": both(faketime, first), "FAKETIME": when}
    answered(preloaded(host(program), env=env))
    assert last(preloaded("date", "+%Y", env={**env, "FAKETIME": "2001-02-03 04:05:06"})) == ["2001"]


def test_threads_stop_waiting_under_a_stopped_clock(preloaded: Preloaded) -> None:
    """The gate's time limit is of real seconds. (select: libfaketime does not shorten it.)"""
    faketime = package_file(debs.FAKETIME, "libfaketime.so.1")
    policy = "import select\nselect.select([], [], [], 5)\n" + ANSWERS
    env = {"LD_PRELOAD": both(faketime, True), "FAKETIME": "2001-02-03 04:05:06", "VGPU_GATE": "1"}
    done = preloaded(embedded("first"), "threads", policy=policy, env=env)
    expected = [f"main: {ANSWER}", f"thread: {ANSWER}", *[f"thread: {DRIVER}"] * 7]
    assert sorted(done.stdout.splitlines()) == expected
    assert len(said(done)) == 1


@ORDERS
@pytest.mark.parametrize(
    ("packages", "pattern"), [(debs.JEMALLOC, "libjemalloc.so.2"), (debs.FAKETIME, "libfaketime.so.1")]
)
def test_either_of_them_and_an_interposer(
    preloaded: Preloaded, packages: tuple[str, ...], pattern: str, first: bool
) -> None:
    """The two with each other do not start: not without us, either."""
    others = (package_file(packages, pattern), host("libinterposer.so"))
    preload = ":".join(map(str, (*others, LIBRARY) if first else (LIBRARY, *others)))
    answered(preloaded(host("lookup"), env={"LD_PRELOAD": preload, "FAKETIME": "-10y"}))


# ---- tools ----


@pytest.mark.parametrize("threads", ["64", "1024"])
def test_an_address_sanitizer_host_ends_its_threads(preloaded: Preloaded, threads: str) -> None:
    """Its allocator is the host's; what the interpreter keeps of a thread is freed by it."""
    env = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1"}
    done = preloaded("setarch", "-R", own("address"), threads, env=env)
    assert answered(done)[-2] == f"all of {threads} threads got an answer"


def test_gdb_stops_in_a_preloaded_program(tmp_path: Path) -> None:
    """At the thunk, then at the driver; the stack leads to the program; it runs on to the policy's answer."""
    policy = tmp_path / "policy.py"
    policy.write_text(ANSWERS)
    commands = ["set startup-with-shell off", "set debuginfod enabled off", "set breakpoint pending on"]
    commands += [f"set environment {name} {value}" for name, value in preloading(policy=policy).items()]
    commands += ["break cuInit", "run", "backtrace", "delete", "break cuDeviceGetAttribute", "continue", "backtrace"]
    commands += ["delete", "continue"]
    words = [word for command in commands for word in ("-ex", command)]
    done = run([tool("gdb", "gdb"), "-q", "-nx", "-batch", *words, host("lookup")], timeout=120)
    assert done.stdout.count("\n#0  ") == 2, done
    assert done.stdout.count(" in main (") == 2
    assert " cuInit (" in done.stdout
    assert done.stdout.count(f" = 0 {ANSWER}\n") == 2
    assert "exited normally" in done.stdout


def test_gdb_stops_within_python(tmp_path: Path) -> None:
    """A breakpoint on what a hook makes Python call; the stack leads out of the namespace to the program."""
    policy = tmp_path / "policy.py"
    policy.write_text("import os\n" + ANSWERS.replace("return call", "os.getppid()\n    return call"))
    commands = ["set startup-with-shell off", "set debuginfod enabled off", "set breakpoint pending on"]
    commands += [f"set environment {name} {value}" for name, value in preloading(policy=policy).items()]
    commands += ["break getppid", "run", "backtrace -20", "delete", "continue"]
    words = [word for command in commands for word in ("-ex", command)]
    done = run([tool("gdb", "gdb"), "-q", "-nx", "-batch", *words, host("lookup")], timeout=120)
    assert "vgpu_entry" in done.stdout, done
    assert " in main (" in done.stdout
    assert done.stdout.count(f" = 0 {ANSWER}\n") == 2


# ---- what is missing or may only be read ----

NAMESPACE = "unshare --mount --propagation private /bin/sh -euc"
"""Mounts of its own for a command; needs the right to have them, as a container's root has with SYS_ADMIN."""

PLACES = {
    "read-only HOME": 'mount -t tmpfs -o ro tmpfs "$HOME"; ! touch "$HOME/x" 2>/dev/null',
    "no HOME": "unset HOME",
    "HOME is nowhere": "HOME=/nonexistent",
    "read-only tmp": "mount -t tmpfs -o ro tmpfs /var/tmp; mount -o bind /tmp /tmp; mount -o remount,bind,ro /tmp; "
    "! touch /tmp/x 2>/dev/null",
    "no tmp": "TMPDIR=/nonexistent; export TMPDIR; $EMPTY /var/tmp",
    "no shm": "mount -t tmpfs tmpfs /dev; mknod -m 666 /dev/null c 1 3; [ ! -e /dev/shm ]",
    "full shm": "mount -t tmpfs -o size=1m tmpfs /dev/shm; ! head -c 2097152 /dev/zero >/dev/shm/full 2>/dev/null",
    "read-only shm": "mount -t tmpfs -o ro tmpfs /dev/shm",
    "no proc": "$EMPTY /proc; [ ! -e /proc/self ]",
    "no sys": "$EMPTY /sys; [ ! -e /sys/kernel ]",
    "no devices": "$EMPTY /dev; [ ! -e /dev/null ]",
    "read-only root": "mount --rbind / /; mount -o remount,bind,ro /; ! touch /x {cwd}/x 2>/dev/null",
    "no tmp, shm, proc, HOME": "unset HOME; $EMPTY /dev; $EMPTY /sys; $EMPTY /proc",
}


def in_place(how: str, program: Path, *arguments: str) -> list[str]:
    """A command that prepares the place in mounts of its own, then becomes the program under $PRELOAD."""
    text = how.replace("$EMPTY", "mount -t tmpfs -o ro tmpfs").replace("{cwd}", str(Path.cwd()))
    words = " ".join([str(program), *arguments])
    return [*NAMESPACE.split(), f'{text}; LD_PRELOAD="$PRELOAD" exec {words}']


def placed(command: list[str], policy: Path, **env: str | Path) -> Completed:
    """Runs such a command; only the program itself is preloaded. The policy lies where nothing is mounted over."""
    variables = preloading(policy=policy)
    preload = variables.pop("LD_PRELOAD")
    return run(command, env={**variables, "PRELOAD": preload, **env})


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A policy that is in none of the places, in the checkout's own build folder."""
    with tempfile.TemporaryDirectory(dir=own("calling").parent) as folder:
        policy = Path(folder, "policy.py")
        policy.write_text(ANSWERS)
        yield policy


def test_mounts_of_its_own_are_possible() -> None:
    """Else nothing below can be tried."""
    done = run([*NAMESPACE.split(), "mount -t tmpfs tmpfs /var/tmp"])
    assert done.returncode == 0, (
        f"the tests of missing places need mount namespaces: run as root, in a container with --cap-add SYS_ADMIN "
        f"({done.stderr.strip()})"
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("program", ["lookup", "eight_threads", "small_stack", "children"])
def test_a_policy_is_in_force_wherever_something_is_missing(
    elsewhere: Path, tmp_path: Path, program: str, place: str
) -> None:
    done = placed(in_place(PLACES[place], host(program)), elsewhere, HOME=tmp_path)
    answered(done)


@pytest.mark.parametrize("place", ["no proc", "full shm", "read-only root"])
def test_virtual_mode_wherever_something_is_missing(place: str) -> None:
    variables = preloading(mode="virtual", gpu="h100")
    preload = variables.pop("LD_PRELOAD")
    done = run(in_place(PLACES[place], host("lookup")), env={**variables, "PRELOAD": preload})
    assert (done.returncode, done.stderr) == (0, "")
    assert "NVIDIA H100" in done.stdout


@pytest.mark.parametrize("place", ["no proc", "no tmp, shm, proc, HOME"])
def test_the_log_is_written_wherever_something_is_missing(elsewhere: Path, place: str) -> None:
    done = placed(in_place(PLACES[place], host("lookup")), elsewhere, VGPU_LOG="debug")
    assert f"-> CUDA_SUCCESS (pi={ANSWER})" in done.stderr
    assert done.returncode == 0


# ---- fewer rights ----

RIGHTS = {
    "Docker's system-call filter": ["{confined}"],
    "no capabilities": ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"],
    "no new privileges": ["setpriv", "--no-new-privs"],
    "all of these": ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "{confined}"],
    "few processes": ["prlimit", "--nproc=1"],
    "6 GiB of address space": ["prlimit", "--as=6442450944"],
    "no locked memory": ["prlimit", "--memlock=0"],
    "no core, small files": ["prlimit", "--core=0", "--fsize=0"],
}


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("program", ["lookup", "eight_threads", "children", "goroutines", "python_host.py"])
def test_a_policy_is_in_force_with_fewer_rights(preloaded: Preloaded, program: str, rights: str) -> None:
    launcher = [word.replace("{confined}", str(own("confined"))) for word in RIGHTS[rights]]
    script = Path(host("lookup")).parents[1] / program
    command = [tool("python3", "python3"), str(script), "plain"] if program.endswith(".py") else [str(host(program))]
    bare = run_bare([*launcher, *command])
    done = preloaded(*launcher, *command)
    assert (bare.returncode, bare.stderr) == (0, ""), bare
    answered(done)


def test_the_file_system_may_be_read_only_with_no_capabilities_under_the_filter(elsewhere: Path) -> None:
    """A container as Kubernetes runs it: restricted, readOnlyRootFilesystem."""
    first, *launcher = [word.replace("{confined}", str(own("confined"))) for word in RIGHTS["all of these"]]
    command = in_place(PLACES["read-only root"], Path(first), *launcher, str(host("eight_threads")))
    answered(placed(command, elsewhere))


# ---- programs that the loader preloads nothing into ----


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that every user may look into, with what such a user's program needs."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(fake_driver() / "libcuda.so.1", folder)
        yield folder


NOBODY = 65534


@pytest.mark.parametrize("kind", ["setuid", "setgid"])
def test_a_program_that_gains_rights_stays_as_it_was(readable: Path, tmp_path: Path, kind: str) -> None:
    """The loader does not preload into it, nor does it lose its driver."""
    program = Path(shutil.copy(own("secure"), readable))
    program.chmod(0o4755 if kind == "setuid" else 0o2755)
    policy = tmp_path / "policy.py"
    policy.write_text(ANSWERS)
    started = [tool("setpriv", "util-linux"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    started += [str(program)]
    driver = readable / "libcuda.so.1"
    bare = run([*started, driver])
    done = run([*started, driver], env=preloading(policy=policy))
    assert bare.stdout.splitlines()[0] == "secure: yes", "set-id programs have no effect where these tests run"
    assert (done.stdout, done.stderr, done.returncode) == (bare.stdout, bare.stderr, 0)
    assert "preloaded: no" in done.stdout
    assert attributes(done) == {DRIVER, 6}


def test_the_same_program_without_further_rights_is_preloaded(preloaded: Preloaded) -> None:
    """So the tests above and below can fail."""
    done = preloaded(own("secure"), fake_driver() / "libcuda.so.1")
    assert answered(done)[:2] == ["secure: no", "preloaded: yes"]


@pytest.mark.parametrize("log", [None, "debug"])
def test_a_static_program_stays_as_it_was(preloaded: Preloaded, log: str | None) -> None:
    bare = run([own("secure_static")])
    done = preloaded(own("secure_static"), log=log)
    assert (done.stdout, done.stderr, done.returncode) == (bare.stdout, "", 0)
    assert done.stdout == "secure: no\npreloaded: no\n"

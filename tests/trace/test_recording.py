"""Reading recordings, sound and damaged ones."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import recordings
from recordings import CHUNK_SIZE, HEADER_SIZE, INFO, chunk, mark, record, write

from vgpu_embed.inspect.recording import Counts, Event, NotARecording, Recording

ALLOCATION = record("cuMemAlloc_v2", 2_000, 2_500, 2, (0x7F00, 4096), caller=2, verdict=2)
LAUNCH = record("cuLaunchKernel", 1_000, 1_100, 0, range(11), gp=6)
FIRST_CHUNK = HEADER_SIZE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording"


def test_events_come_in_order_of_their_start_with_everything_known_of_them(path: Path) -> None:
    late = record("cuInit", 3_000, 9_000, 0, (0,), caller=9)
    write(path, [chunk(11, [ALLOCATION, mark(4711, 15), late]), chunk(12, [LAUNCH], process=4712, state=1)])
    with Recording(path) as recording:
        assert recording.events() == [
            Event("cuLaunchKernel", "libcudart.so.12", 4712, 12, 1_000, 1_100, 0, 0, 6, tuple(range(11))),
            Event("cuMemAlloc_v2", "program", 4711, 11, 2_000, 2_500, 2, 2, 2, (0x7F00, 4096)),
            Event("cuInit", "?", 4711, 15, 3_000, 9_000, 0, 0, 1, (0,)),
        ]


def test_what_the_header_says(path: Path) -> None:
    with Recording(write(path, dropped=7)) as recording:
        assert recording.info == INFO
        assert recording.dropped == 7
        assert recording.pid == 4711
        assert recording.realtime_offset == 1_700_000_000_000_000_000
        assert recording.names == recordings.NAMES
        assert recording.events() == []
        assert recording.counts() == {}


def test_counts_are_the_sum_over_all_blocks(path: Path) -> None:
    blocks = [{"cuInit": (1, 1, 0)}, {}, {"cuInit": (1 << 40, 2, 1), "cublasCreate_v2": (5, 0, 0)}]
    with Recording(write(path, counts=blocks)) as recording:
        assert recording.counts() == {"cuInit": Counts((1 << 40) + 1, 3, 1), "cublasCreate_v2": Counts(5, 0, 0)}


def test_chunks_that_are_free_or_just_taken_hold_nothing(path: Path) -> None:
    taken = struct.pack("<IIQII", 1, 12, 3, 0, 0)
    write(path, [chunk(11, [ALLOCATION], state=0), taken, chunk(13, [], state=1), chunk(14, [LAUNCH])])
    with Recording(path) as recording:
        assert [event.thread for event in recording.events()] == [14]


def test_a_chunk_that_is_taken_again_while_it_is_read_is_left_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, [chunk(11, [ALLOCATION], sequence=4), chunk(11, [LAUNCH], sequence=5)], recycled=1)
    pread = os.pread

    def meanwhile(descriptor: int, size: int, offset: int) -> bytes:
        """Reads; and once the records of the first chunk are read, its owner takes it for something else."""
        data = pread(descriptor, size, offset)
        if offset == FIRST_CHUNK + 64:
            with open(path, "r+b") as file:
                file.seek(FIRST_CHUNK)
                file.write(chunk(11, [LAUNCH], sequence=6))
        return data

    monkeypatch.setattr(os, "pread", meanwhile)
    with Recording(path) as recording:
        assert [event.function for event in recording.events()] == ["cuLaunchKernel"]


def test_information_that_is_being_written_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path)
    size = path.read_bytes()[60:64]
    put(path, 60, b"\0" * 4)
    with Recording(path) as recording:
        assert recording.info == {}
        monkeypatch.setattr("time.sleep", lambda _: put(path, 60, size))
        assert recording.info == INFO


def put(path: Path, offset: int, data: bytes) -> None:
    """Writes at an offset; one below zero is counted from the end."""
    with open(path, "r+b") as file:
        file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
        file.write(data)


HOLDS = """
import fcntl, os, sys, time
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX, 1)
print("held", flush=True)
time.sleep(60)
"""


def test_the_owner_is_alive_until_it_is_killed(path: Path) -> None:
    write(path)
    with (
        subprocess.Popen([sys.executable, "-c", HOLDS, path], stdout=subprocess.PIPE) as owner,
        Recording(path) as recording,
    ):
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"held\n"
        assert recording.alive
        owner.kill()
        owner.wait()
        assert not recording.alive


def test_the_lock_is_only_looked_at(path: Path) -> None:
    with Recording(write(path)) as recording, open(path, "r+b") as file:
        assert not recording.alive
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)


def cut(size: int) -> Callable[[Path], None]:
    """A size below zero is counted from the end, as offsets are below."""
    return lambda path: os.truncate(path, size if size >= 0 else path.stat().st_size + size)


def changed(offset: int, form: str, *values: int) -> Callable[[Path], None]:
    return lambda path: put(path, offset, struct.pack(form, *values))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut(0), "{} is not a recording of vgpu_embed"),
        (cut(20), "{} is truncated: it has 20 bytes, and its header ends at byte 112"),
        (cut(5000), "{} is truncated: it has 5000 bytes, and its section of names ends at byte"),
        (lambda path: put(path, 0, b"\x7fELF"), "{} is not a recording of vgpu_embed"),
        (lambda path: put(path, 7, b"2"), "{} was recorded by another version of vgpu_embed"),
        (changed(20, "<I", 3), f"{{}} is damaged: it has {len(recordings.NAMES)} names for 3 functions"),
        (changed(68, "<I", 0xFFFFFFFF), "{} is truncated: "),
        (lambda path: put(path, 4096, b"]"), "{} is damaged: its section of information is not JSON"),
        (changed(88, "<I", 64), "{} is damaged: counters of "),
        (changed(92, "<I", 0xFFFFFFFF), "{} is truncated: "),
        (changed(24, "<Q", 1 << 62), "{} is truncated: "),
        (cut(-CHUNK_SIZE), "{} is truncated: "),
        (cut(-CHUNK_SIZE + 80), "{} is truncated: "),
        (changed(-CHUNK_SIZE + 16, "<I", CHUNK_SIZE + 8), "{} is damaged: chunk 1 says that 65544 of its 65536 bytes"),
        (changed(-CHUNK_SIZE + 16, "<I", 65), "{} is damaged: chunk 1 says that 65 of "),
        (changed(-CHUNK_SIZE + 16, "<I", 64 + 48 + 8), "{} is damaged: what lies at byte 112 of chunk 1 is no event"),
        (changed(-CHUNK_SIZE + 64, "<H", 0), "{} is damaged: what lies at byte 64 of chunk 1 is no event"),
        (changed(-CHUNK_SIZE + 64, "<H", 4096), "{} is damaged: what lies at byte 64 of chunk 1 is no event"),
        (changed(-CHUNK_SIZE + 64, "<H", 44), "{} is damaged: what lies at byte 64 of chunk 1 is no event"),
        (changed(-CHUNK_SIZE + 66, "<H", 65534), "{} is damaged: what lies at byte 64 of chunk 1 is no event"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(
    damage: Callable[[Path], None], sentence: str, path: Path
) -> None:
    write(path, [chunk(11, [LAUNCH]), chunk(12, [ALLOCATION])], counts=[{"cuInit": (1, 1, 1)}])
    damage(path)
    with pytest.raises(NotARecording) as error, Recording(path) as recording:
        assert (recording.info, recording.counts(), recording.events()) is None
    assert str(error.value).startswith(sentence.format(path))
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recording(tmp_path / "missing")
    with pytest.raises(IsADirectoryError) as error:
        Recording(tmp_path)
    assert error.value.errno == errno.EISDIR

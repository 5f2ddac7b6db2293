"""`read_trace`: traces as columns."""

from __future__ import annotations

import datetime
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import CHUNK_SIZE, INFO, chunk, mark, record, write

from vgpu_embed import read_trace, tables
from vgpu_embed.inspect.recording import VERDICTS, NotARecording, Recording

ALLOCATION = record("cuMemAlloc_v2", 2_000, 2_500, 0xFFFFFFFF_00000002, (0x7F00, 4096), caller=2, verdict=2)
LATER = record("cuMemAlloc_v2", 3_000, 3_001, 0, (0x7F08, 1 << 40))
LAUNCH = record("cuLaunchKernel", 1_000, 1_100, 0, range(1, 12), gp=6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "trace", [chunk(11, [ALLOCATION, LATER]), chunk(12, [LAUNCH])], dropped=3)


def test_a_row_a_call_in_order_of_their_start(path: Path) -> None:
    trace = read_trace(path)
    assert trace.table.drop_columns("words").to_pylist()[:2] == [
        {
            "function": "cuLaunchKernel",
            "caller": "libcudart.so.12",
            "process": 4711,
            "thread": 12,
            "start": 1_000,
            "end": 1_100,
            "duration": 100,
            "result": 0,
            "verdict": "forwarded",
        },
        {
            "function": "cuMemAlloc_v2",
            "caller": "program",
            "process": 4711,
            "thread": 11,
            "start": 2_000,
            "end": 2_500,
            "duration": 500,
            "result": 2,
            "verdict": "answered",
        },
    ]
    assert trace.table["words"].to_pylist() == [list(range(1, 12)), [0x7F00, 4096], [0x7F08, 1 << 40]]
    assert repr(trace) == f"<Trace {path}: 3 calls of program, 3 dropped>"


def test_types_that_fit_the_columns(path: Path) -> None:
    types = {field.name: field.type for field in read_trace(path).table.schema}
    assert {name for name, kind in types.items() if pa.types.is_dictionary(kind)} == {"function", "caller", "verdict"}
    assert {name for name, kind in types.items() if kind == pa.int64()} == {"start", "end", "duration", "result"}
    assert types["words"] == pa.list_(pa.uint64())


def test_where_it_comes_from_stays_with_the_table(path: Path, tmp_path: Path) -> None:
    import pyarrow.feather as feather

    trace = read_trace(path)
    assert (trace.info, trace.dropped) == (INFO, 3)
    feather.write_feather(trace.table, tmp_path / "saved")
    saved = feather.read_table(tmp_path / "saved")
    assert json.loads(saved.schema.metadata[b"vgpu_embed"]) == {"info": INFO, "dropped": 3}


def test_wall_clock(path: Path) -> None:
    times = read_trace(path, wall_clock=True).to_pandas()["time"]
    assert times.dt.tz is not None
    assert times[0].value == 1_700_000_000_000_001_000
    assert times[0].to_pydatetime().replace(microsecond=0) == datetime.datetime.fromtimestamp(
        1_700_000_000, datetime.timezone.utc
    )


def test_the_calls_of_one_function_have_a_column_for_each_parameter(path: Path) -> None:
    table = read_trace(path).calls("cuMemAlloc_v2")
    columns = ["caller", "process", "thread", "start", "end", "duration", "result", "verdict", "dptr", "bytesize"]
    assert table.column_names == columns
    assert table.select(["start", "dptr", "bytesize"]).to_pylist() == [
        {"start": 2_000, "dptr": 0x7F00, "bytesize": 4096},
        {"start": 3_000, "dptr": 0x7F08, "bytesize": 1 << 40},
    ]
    launch = read_trace(path).calls("cuLaunchKernel")
    assert launch.schema.field("blockDimZ").type == pa.uint32()
    assert [launch[name][0].as_py() for name in ("f", "blockDimY", "blockDimZ", "extra")] == [1, 6, 7, 11]


def one_call(path: Path, function: str, words: list[int], gp: int, result: int = 0) -> dict[str, Any]:
    write(path, [chunk(11, [record(function, 1, 2, result, words, gp=gp)])])
    [row] = read_trace(path).calls(function).to_pylist()
    return dict(row)


def test_parameters_have_the_types_of_the_header(path: Path) -> None:
    memset = one_call(path, "cuMemsetD8_v2", [0xFFFF_FFFF_FFFF_FFFF, 0x1234, 7], 3)
    assert (memset["dstDevice"], memset["uc"], memset["N"]) == ((1 << 64) - 1, 0x34, 7)
    attribute = one_call(path, "cuDeviceGetAttribute", [0x7F00, 75, 0xDEAD_0000_FFFF_FFFF], 3)
    assert (attribute["pi"], attribute["attrib"], attribute["dev"]) == (0x7F00, 75, -1)


def test_floats_follow_the_general_registers(path: Path) -> None:
    low, high = (struct.unpack("<Q", struct.pack("<fI", value, 0xDEAD))[0] for value in (0.5, -2.0))
    found = one_call(path, "cuTexRefSetMipmapLevelClamp", [0x7F00, low, high], 1)
    assert (found["hTexRef"], found["minMipmapLevelClamp"], found["maxMipmapLevelClamp"]) == (0x7F00, 0.5, -2.0)


def test_structs_are_bytes(path: Path) -> None:
    """gridDim and blockDim are 12 bytes each, in two registers or on the stack."""
    words = [0x7F00, 0x2_0000_0001, 3, 0x5_0000_0004, 6, 0x7F08, 512, 0x7F10]
    row = tables.function("cudaLaunchKernel")
    found = one_call(path, row.name, words, 6)
    assert found["gridDim"] == struct.pack("<3I", 1, 2, 3)
    assert found["blockDim"] == struct.pack("<3I", 4, 5, 6)
    assert (found["args"], found["sharedMem"], found["stream"]) == (0x7F08, 512, 0x7F10)


def test_words_that_were_not_recorded_are_null(path: Path) -> None:
    assert one_call(path, "cuMemAlloc_v2", [0x7F00], 1)["bytesize"] is None
    assert one_call(path, "cuLaunchKernel", [1, 2, 3, 4, 5, 6, 7], 6)["extra"] is None
    found = one_call(path, "cudaLaunchKernel", [0x7F00, 1], 2)
    assert (found["gridDim"], found["args"]) == (None, None)


def test_parameters_that_are_called_like_a_column(path: Path) -> None:
    found = one_call(path, "cudaEventElapsedTime", [0x7F00, 5, 6], 3)
    assert (found["start"], found["end"], found["start_"], found["end_"]) == (1, 2, 5, 6)


def test_results_have_the_bits_of_their_type(path: Path) -> None:
    assert one_call(path, "cuInit", [0], 1, 0x5555_5555_0000_0064)["result"] == 100
    assert one_call(path, "cudaGetErrorString", [2], 1, 0x7F00_0000_1000)["result"] == 0x7F00_0000_1000
    void = next(name for name in tables.names("runtime") if tables.function(name).result_kind == "void")
    assert one_call(path, void, [0], 1, 5)["result"] is None


def test_a_function_that_was_not_called_or_is_not_known(path: Path) -> None:
    table = read_trace(path).calls("cuMemFree_v2")
    assert (table.num_rows, table.column_names[-1], table.schema.field("dptr").type) == (0, "dptr", pa.uint64())
    with pytest.raises(tables.UnknownFunction, match="did you mean cuMemAlloc_v2"):
        read_trace(path).calls("cuMemAlloc_v")


def test_an_empty_trace(path: Path) -> None:
    trace = read_trace(write(path, [chunk(11, [])]))
    assert len(trace) == 0
    assert trace.calls("cudaLaunchKernel").num_rows == 0
    assert list(trace.to_pandas()) == trace.table.column_names


EVENT = st.builds(
    record,
    st.sampled_from(["cuInit", "cuMemAlloc_v2", "cuLaunchKernel", "nvmlInit_v2"]),
    st.integers(0, 50),
    st.integers(50, 1 << 62),
    st.integers(0, (1 << 64) - 1),
    st.lists(st.integers(0, (1 << 64) - 1), max_size=12),
    caller=st.integers(0, 4),
    gp=st.integers(0, 6),
    verdict=st.integers(0, 2),
)
IDS = st.integers(1, 1 << 22)
CHUNKS = st.lists(
    st.builds(
        chunk, IDS, st.lists(EVENT | st.builds(mark, IDS, IDS), max_size=8), process=IDS, state=st.integers(0, 3)
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(chunks=CHUNKS)
def test_it_agrees_with_reading_one_event_after_the_other(
    chunks: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "agrees", chunks)
    with Recording(path) as recording:
        events = recording.events()
    table = read_trace(path).table
    for name in ("function", "caller", "process", "thread", "start", "end"):
        assert table[name].to_pylist() == [getattr(event, name) for event in events]
    assert table["verdict"].to_pylist() == [VERDICTS[event.verdict] for event in events]
    assert table["words"].to_pylist() == [list(event.words) for event in events]
    assert [value & 0xFFFFFFFF for value in table["result"].to_pylist()] == [e.result & 0xFFFFFFFF for e in events]


@pytest.mark.parametrize("place", [64, 64 + 48])
@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [(0, "<H", 0), (0, "<H", 24), (0, "<H", 44), (0, "<H", 4096), (2, "<H", 65534), (7, "<B", 3)],
    ids=["empty", "small", "odd", "large", "function", "verdict"],
)
def test_a_damaged_event_is_named_by_its_place(path: Path, place: int, offset: int, form: str, value: int) -> None:
    write(path, [chunk(10, []), chunk(11, [LAUNCH]), chunk(12, [ALLOCATION, LATER])])
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, len(data) - CHUNK_SIZE + place + offset, value)
    path.write_bytes(data)
    sentence = f"{path} is damaged: what lies at byte {place} of chunk 2 is no event"
    with pytest.raises(NotARecording) as error:
        read_trace(path)
    assert str(error.value) == sentence
    with pytest.raises(NotARecording) as error, Recording(path) as recording:
        recording.events()
    assert str(error.value) == sentence


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import vgpu_embed
vgpu_embed.read_trace(sys.argv[2]).to_pandas()
"""


@pytest.mark.parametrize(("missing", "call"), [("pyarrow", "read_trace"), ("pandas", "to_pandas()")])
def test_without_the_extra_it_says_what_to_install(path: Path, missing: str, call: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, missing, path], capture_output=True, text=True)
    needs = f'{call} needs {missing}: pip install "vgpu_embed[trace]"'
    assert done.stderr.splitlines()[-1] == f"ImportError: {needs}"

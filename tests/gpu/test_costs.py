"""costs.py as far as it goes without a GPU: processes take turns over the fake driver, policies off and on."""

import sys
from pathlib import Path

import costs
import pytest
import support


def test_a_rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SETS": 1, "COPIES": 2, "ROUNDS": 1, "TURN": 1e5}.items():
        monkeypatch.setattr(costs, name, value)
    command = [sys.executable, str(costs.HERE / "ctypes_turns.py"), "0"]
    samples, sets = costs.measure(command, tmp_path, support.fake_driver())
    assert sets == 1
    assert all(len(numbers) == 2 for numbers in samples.turns.values())
    assert set(samples.switched) == {(v, loop) for v in (costs.IN_FORCE, costs.OBSERVED) for loop in costs.LOOPS}
    assert all(len(numbers) == 2 for numbers in samples.switched.values())
    assert samples.observed[0] > 1000
    rows = [line for line in costs.section(samples, sets) if line.startswith(("| `x.add_", "| training"))]
    assert len(rows) == 8 + 2
    assert samples.driver["add"] == {"cuStreamSynchronize": 1}
    assert samples.driver["train"] == {"cuStreamSynchronize": 20, "cuMemAlloc_v2": 1, "cuMemFree_v2": 1}


def test_a_program_that_fails_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no card')"]
    with pytest.raises(costs.Failed, match="bare: the program ended: no card"):
        costs.measure(command, tmp_path, support.fake_driver())

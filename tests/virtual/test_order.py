"""Programs under the preloaded library whose streams call functions of theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import support

PROGRAMS = Path(__file__).parent / "programs"

SAID = """\
stream while the function waits: 1
event while the function waits: 1
other stream meanwhile: 0
the function took time: 1
on another thread: 1
which rounds to nearest: 1
and may not ask: 800 800
out of order in 4 threads: 0
done while it was captured: ""
replayed as captured: 1
in a child of fork: 3
rounding as before: 1
"""


@pytest.mark.every_python
def test_threads_functions_and_a_graph() -> None:
    done = support.run_preloaded([support.built(PROGRAMS) / "order"], mode="virtual", gpu="h100")
    assert (done.stdout, done.stderr, done.returncode) == (SAID, "", 0)


HOOKED = """
from vgpu_embed import Policy

policy = Policy(budget=0.1)


@policy.hook("cuStream*", "cuEvent*")
def wait(call):
    return call.forward()
"""


def test_waiting_is_not_what_a_hook_is_cut_for(tmp_path: Path) -> None:
    policy = tmp_path / "hooked.py"
    policy.write_text(HOOKED.replace("wait(call)", "patient(call)"))
    program = support.built(PROGRAMS) / "patient"
    done = support.run_preloaded([program], mode="virtual", gpu="h100", policy=policy)
    assert (done.stdout, done.stderr, done.returncode) == ("waited\n", "", 0)


def test_no_thread_before_the_first_function(tmp_path: Path) -> None:
    program = support.built(PROGRAMS) / "threads"
    done = support.run_preloaded([program], mode="virtual", gpu="h100")
    assert re.findall(r"\d+", done.stdout) == ["1", "2"], done.stdout + done.stderr

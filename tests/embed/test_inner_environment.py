"""The environment inside: a copy of its own, in which nothing is under the policy."""

from __future__ import annotations

import pytest
from support import fake_driver, run_bare

from .conftest import ANSWER, DRIVER, Preloaded, attributes, hooking, host, lines, own

READS_TIME_ZONE = hooking(
    top="import os, time",
    body=f"time.tzset()\nos.environ['SEEN'] = 'by nobody outside'\nreturn call.reply(pi={ANSWER})",
)


@pytest.mark.every_python
def test_a_program_may_change_its_environment_between_calls(preloaded: Preloaded) -> None:
    done = preloaded(own("storm"), policy=READS_TIME_ZONE)
    assert lines(done) == [f"main: {ANSWER}, 50 of 50 again, after clearenv {ANSWER}"]


def test_a_program_s_environment_stays_its_own(preloaded: Preloaded) -> None:
    done = preloaded(host("environment"), policy=READS_TIME_ZONE)
    bare = run_bare([host("environment")])
    differing = [
        (ours, theirs)
        for ours, theirs in zip(lines(done), lines(bare), strict=True)
        if ours != theirs and "GetAttribute" not in ours
    ]
    assert differing == []
    assert attributes(done) == {ANSWER}
    assert "HOST_099: set by the host" in done.stdout


@pytest.mark.every_python
def test_a_policy_sees_the_variables_of_the_program_without_the_preloading(
    preloaded: Preloaded,
) -> None:
    policy = hooking(
        top="import os\ntheirs = dict(os.environ)",
        body=f"""
assert theirs["GIVEN"] == "to the program" and theirs["VGPU_POLICY"].endswith("policy.py")
assert theirs["VGPU_DISABLE"] == "1" and "LD_PRELOAD" not in theirs
return call.reply(pi={ANSWER})
""",
    )
    done = preloaded(own("first"), policy=policy, env={"GIVEN": "to the program"})
    assert lines(done) == [f"main: {ANSWER}"]


@pytest.mark.every_python
@pytest.mark.parametrize("place", ["top", "hook"])
@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run([lookup], stdout=-1).stdout.decode()",
        "subprocess.run([lookup], stdout=-1, env={**os.environ}).stdout.decode()",
        "os.popen(lookup).read()",
    ],
)
def test_what_a_policy_starts_is_not_under_the_policy(preloaded: Preloaded, place: str, start: str) -> None:
    top = f"import os, subprocess\nlookup = {str(host('lookup'))!r}\n"
    wanted = f"cuDeviceGetAttribute(75, 0) = 0 {DRIVER}"
    body = f"return call.reply(pi={ANSWER} if {wanted!r} in said else len(said))"
    if place == "top":
        top += f"said = {start}\n"
    else:
        body = f"said = {start}\n{body}"
    done = preloaded(own("first"), policy=hooking(body, top), driver=fake_driver())
    assert lines(done) == [f"main: {ANSWER}"]

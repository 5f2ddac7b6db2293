"""Threads: the program's, whose Python state ends with them, and those made inside."""

from __future__ import annotations

import pytest

from .conftest import ANSWER, ANSWERS, Preloaded, hooking, lines, own


@pytest.mark.every_python
def test_a_thread_s_end_is_the_end_of_its_python_state(preloaded: Preloaded) -> None:
    policy = hooking(
        top="""
import threading
ended = 0
class Mark:
    def __del__(self):
        global ended
        ended += 1
local = threading.local()
""",
        body="""
if not hasattr(local, "mark"):
    local.mark = Mark()
return call.reply(pi=ended)
""",
    )
    assert lines(preloaded(own("ended"), "50", policy=policy)) == ["main: 0", "main: 50"]


@pytest.mark.every_python
def test_a_thread_can_use_the_c_library_inside(preloaded: Preloaded) -> None:
    """inet_aton looks the blank up in a table that each thread has a pointer to."""
    policy = hooking(
        top="import socket",
        body=f'socket.inet_aton("127.0.0.1 x")\nreturn call.reply(pi={ANSWER})',
    )
    done = preloaded(own("first"), "threads", policy=policy)
    assert lines(done) == [f"thread: {ANSWER}"] * 8 + [f"main: {ANSWER}"]


@pytest.mark.every_python
def test_a_policy_s_threads_and_a_program_that_has_none_share_the_heap(
    preloaded: Preloaded,
) -> None:
    """The threads are large and many, so that the loader allocates for each, in the program's heap."""
    policy = hooking(
        top=f"""
import threading, numpy
matrix = numpy.ones((200, 200))
said = 0
def storm():
    threading.stack_size(24 << 20)
    for _ in range(20):
        threads = [threading.Thread(target=lambda: matrix @ matrix) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    global said
    said = {ANSWER}
threading.Thread(target=storm).start()
""",
        body="return call.reply(pi=said)",
    )
    done = preloaded(own("allocating"), policy=policy, env={"OPENBLAS_NUM_THREADS": "4"})
    assert lines(done) == [f"main: {ANSWER}, locks: yes"]


def test_a_program_with_threads_may_change_its_user_id(preloaded: Preloaded) -> None:
    """The C library signals every thread for that, those made inside included."""
    policy = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
    assert lines(preloaded(own("identity"), policy=policy + ANSWERS)) == [
        f"main: {ANSWER}",
        "50 of 50 good",
    ]

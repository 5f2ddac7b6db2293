"""ways_python.py WAY: a Python program, 3.8 or later, that takes the way through ctypes while threads of its own run.

Its own cffi, psutil and numpy are loaded first where they are installed; afterwards its threads call.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time

from python_host import answers

THREADS = 4


def main() -> None:
    """The way, then the threads."""
    for name in ("cffi", "psutil", "numpy"):
        with contextlib.suppress(ImportError):
            __import__(name)
    sys.setswitchinterval(1e-5)
    done = threading.Event()
    said: list[list[str]] = []

    def run() -> None:
        while not done.is_set():
            sum(range(1000))
            time.sleep(1e-4)  # or children would start while these have both processors
        said.append(answers())

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "build", "libways.so")).ways_run(None)
    done.set()
    for thread in threads:
        thread.join()
    print("\n".join(said[0]))
    print(f"{sum(told == said[0] for told in said)} of {THREADS} threads agree")


if __name__ == "__main__":
    main()

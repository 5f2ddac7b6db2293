"""A real browser that looks at a page: chromium without a window, from this machine or from a package of Debian."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import support
from coexist import debs

NAMES = ("chromium", debs.BROWSER, "google-chrome")


def look(page: Path, screenshot: Path, height: int = 3000) -> tuple[str, str]:
    """Takes a picture of a page; what it has become, as HTML, and what the browser said.

    The browser knows no host but this one, so a page that loads something says so.
    """
    command, libraries = _browser()
    done = support.run(
        [
            *(command, "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={screenshot}.profile"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=10000"),
            *(f"--window-size=1200,{height}", f"--screenshot={screenshot}", "--dump-dom", page.as_uri()),
        ],
        env={"LD_LIBRARY_PATH": libraries},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def _browser() -> tuple[str, str]:
    """The program, and where its libraries lie."""
    for name in NAMES:
        if found := shutil.which(name):
            return found, os.environ.get("LD_LIBRARY_PATH", "")
    try:
        root = debs.with_dependencies(debs.BROWSER)
    except debs.FetchError as error:
        raise AssertionError(f"no browser is here: apt-get install {debs.BROWSER}; {error}") from error
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return str(root / "usr/lib/chromium" / debs.BROWSER), f"{libraries}:{libraries}/pulseaudio"

"""Where the files lie that a user's processes share: recordings, sockets, ledgers."""

from __future__ import annotations

import os


def folders() -> list[str]:
    """The folders of this user, the preferred one first, as csrc/record.c chooses them."""
    user = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    own = [f"{runtime}/vgpu_embed"] if runtime.startswith("/") else []
    return [f"/dev/shm/vgpu_embed-{user}", *own, f"/tmp/vgpu_embed-{user}"]

"""Where data go that nobody needs afterwards: into memory, where a commit waits for no disk, if there is room."""

import os
import shutil

_MEMORY = "/dev/shm"  # noqa: S108  # Folders in it are made by `tempfile`, for their owner alone.
_ROOM = 2**30
"""Bytes that must be free: containers often come with 64 MB."""


def scratch_folder() -> str | None:
    """Return the folder for `dir=` of `tempfile`; None, the system's own, when memory is not to be had."""
    if os.access(_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM:
        return _MEMORY
    return None

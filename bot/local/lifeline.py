"""Tie the life of a child process to its parent's, so that even `kill -9` of the parent leaves nothing running."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec as little as possible may happen.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def tied(ending: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """Return a `preexec_fn` that lets the kernel send `ending` to the child when the calling thread dies.

    Call it in the thread that starts the child, and let that be one that lives as long as the program: the kernel
    watches the thread, not the process. Systems other than Linux have no such signal; there nothing happens.
    """
    parent = os.getpid()

    def tie() -> None:
        """Ask for the signal, and end at once if the parent died before it could be asked for."""
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(ending), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return tie


def tie_this_process(ending: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel send `ending` to this process when its parent dies."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(ending), 0, 0, 0)

"""Run a Python program in a copy of this process, which has its libraries in memory already.

The programs of Pakka import the same libraries. Started one by one each takes a second of processor time and 75 MB
for them; copies of one process take next to none, and come back at once after a crash.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import multiprocessing
import os
import runpy
import signal
import sys
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module

from setproctitle import getproctitle, setproctitle

from bot.local.lifeline import tied

# What the programs of the Procfile need, but for the modules that are programs themselves.
LIBRARIES = (
    "bot.cli", "bot.web.application", "flows", "gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "rq",
    "workers.inbound", "workers.outbound", "workers.uploads",
)  # fmt: skip

# The place of the title is found now: once the environment was changed, it cannot be.
getproctitle()


def prepare(environment: Mapping[str, str]) -> None:
    """Import what copies need; in their environment, because some of it reads that once and for all."""
    os.environ.update(environment)
    for name in LIBRARIES:
        import_module(name)


class Copy:
    """A running `python -m MODULE ARGUMENTS`; the part of `subprocess.Popen` that a crew needs."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], output: int, kept: Collection[int]
    ) -> None:
        """Start it in a session of its own, with nothing open but `output` for its words and the files `kept`."""
        self._process = multiprocessing.get_context("fork").Process(
            target=_run, args=(module, arguments, environment, output, kept, tied(signal.SIGTERM))
        )
        # A signal that reached the copy before it is itself would be taken for one to its parent.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._process.exitcode


def _run(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: int,
    kept: Collection[int],
    tie: Callable[[], None],
) -> None:
    # Nothing of the parent's is thrown away here: to do so would close files that have its numbers by then.
    gc.freeze()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.setsid()
    tie()
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    _close_all_but({0, 1, 2, *kept})
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]  # Text files, both.
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    setproctitle(" ".join(("python", "-m", module, *arguments)))
    # A program's module may be in memory as another's library; it is run anew, as ever.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="runpy")
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        # A process that was forked ends without them, and so do those that it forks.
        atexit._run_exitfuncs()


def _close_all_but(kept: Collection[int]) -> None:
    for number in map(int, os.listdir("/proc/self/fd")):
        if number not in kept:
            with contextlib.suppress(OSError):  # The listing's own is closed by then.
                os.close(number)

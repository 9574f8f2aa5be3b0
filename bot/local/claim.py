"""One run per data folder: two sets of workers, or two servers on one append-only file, must never meet."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import IO

from bot.local.bootstrap import SetupError

_WAIT_SECONDS = 20.0


class Claim:
    """The right to run in a folder, held until the process ends.

    Two locks, because a supervisor that was killed leaves programs that need a moment to end. `up.json` is locked by
    the supervisor alone and says where it is found. `programs.lock` is inherited by every program it starts, so it is
    free only when the last of them is gone.
    """

    def __init__(self, var: Path) -> None:
        """Take both locks; SetupError says where the other run is when there is one."""
        var.mkdir(parents=True, exist_ok=True)
        self._own = (var / "up.json").open("a+", encoding="utf-8")
        if not _take(self._own):
            raise SetupError(_where(self._own))
        self.programs = (var / "programs.lock").open("a", encoding="utf-8")
        self._wait_for_programs()

    def announce(self, **facts: str | int | None) -> None:
        """Write down where this run is found."""
        self._own.seek(0)
        self._own.truncate()
        json.dump({"pid": os.getpid(), **facts}, self._own)
        self._own.flush()

    def _wait_for_programs(self) -> None:
        end = time.monotonic() + _WAIT_SECONDS
        told = False
        while not _take(self.programs):
            if not told:
                print("[up] Programs of an earlier run are still ending; waiting for them...", flush=True)
                told = True
            if time.monotonic() > end:
                # They were asked to end when their supervisor died.
                for pid in holders(Path(self.programs.name)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)


def holders(path: Path) -> list[int]:
    """Return the processes, other than this one, that have a file open; empty on systems without /proc."""
    target, found = os.path.realpath(path), []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == target and int(link.parts[2]) != os.getpid():
                found.append(int(link.parts[2]))
    return sorted(set(found))


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _where(file: IO[str]) -> str:
    file.seek(0)
    try:
        facts = json.load(file)
        return f"Pakka already runs in this folder: {facts['console']} (process {facts['pid']})."
    except (ValueError, KeyError):
        return "Another `up` is starting in this folder."

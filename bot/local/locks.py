"""Compile every lock file of the project from its inputs.

Each `*.in` names what the project asks for; the `*.txt` beside it names what is installed, with hashes and for every
platform, and no index address: where packages come from is the host's business. Run it after an input has changed:

    python -m bot.local.locks            keep the versions that still fit
    python -m bot.local.locks --upgrade  take the newest that fit

`bot/web/package-lock.json` and `tests/browser/package-lock.json` are made by
`npm install --package-lock-only --omit-lockfile-registry-resolved` in their folders.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.local.bootstrap import PYTHON, ROOT, installer_environment

# In this order: a later lock is constrained by the earlier ones it names, so that all agree on every version.
LOCKS = (
    ("bot/requirements.in", "requirements.txt", ()),
    ("bot/local/requirements.in", "bot/local/requirements.txt", ("-c", "requirements.txt")),
    ("tests/requirements.in", "tests/requirements.txt", ("-c", "requirements.txt", "-c", "bot/local/requirements.txt")),
    ("bot/local/uv.in", "bot/local/uv.txt", ()),
    ("bot/local/node.in", "bot/local/node.txt", ()),
    # Read for their data and never imported, so what they depend on is left out.
    ("bot/addresses/sources.txt", "bot/addresses/sources.lock", ("--no-deps",)),
)


def compile_lock(source: str, target: str, options: tuple[str, ...], upgrade: bool, root: Path = ROOT) -> None:
    """Write the lock of one input file, or raise CalledProcessError with uv's own words on the terminal."""
    command = [PYTHON, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    command += [*options, "--upgrade"] if upgrade else options
    subprocess.run([*command, source, "--output-file", target], cwd=root, env=installer_environment(), check=True)


def main(arguments: list[str]) -> int:
    """Compile all locks and return the exit code."""
    for source, target, options in LOCKS:
        print(f"{source} -> {target}", flush=True)
        try:
            compile_lock(source, target, options, upgrade="--upgrade" in arguments)
        except subprocess.CalledProcessError as error:
            return error.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

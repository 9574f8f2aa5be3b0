"""Put the console's front-end files into `bot/web/static/vendor`.

Nothing is built: `bot/web/package.json` names the packages and, under `vendor`, which of their files is served under
which name. An image build runs `python -m bot.local.assets`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

from bot.local import npm
from bot.local.bootstrap import ROOT, SetupError, alone, exit_code, say

SOURCE = ROOT / "bot" / "web"
TARGET = SOURCE / "static" / "vendor"
_STAMP = ".packages.sha256"


def prepare(source: Path = SOURCE, target: Path = TARGET) -> None:
    """Install the files unless exactly these are there; raises SetupError when npm or a package fails."""
    wanted: dict[str, str] = json.loads((source / "package.json").read_text(encoding="utf-8"))["vendor"]
    digest = _digest(source)
    if _complete(target, wanted, digest):
        return
    with alone("assets"):
        if _complete(target, wanted, digest):
            return
        say("Installing the console's front-end files")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, because a folder can only be renamed within one file system.
        with tempfile.TemporaryDirectory(prefix=".vendor-", dir=target.parent) as folder:
            modules = npm.install(source, Path(folder) / "packages")
            fresh = Path(folder) / "vendor"
            fresh.mkdir()
            for name, origin in wanted.items():
                if not (modules / origin).is_file():
                    raise SetupError(f"{source / 'package.json'} asks for {origin}, and no package has that file.")
                shutil.copyfile(modules / origin, fresh / name)
            (fresh / _STAMP).write_text(digest, encoding="ascii")
            if target.exists():
                target.rename(Path(folder) / "old")
            fresh.rename(target)


def _digest(source: Path) -> str:
    both = b"".join((source / name).read_bytes() for name in ("package.json", "package-lock.json"))
    return hashlib.sha256(both).hexdigest()


def _complete(target: Path, wanted: dict[str, str], digest: str) -> bool:
    try:
        stamp = (target / _STAMP).read_text(encoding="ascii")
    except OSError:
        return False
    return stamp == digest and all((target / name).is_file() for name in wanted)


if __name__ == "__main__":
    sys.exit(exit_code(prepare))

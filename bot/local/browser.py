"""Find or install a Chromium for the tests, and a Node that can run Playwright's driver."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from bot.local import npm
from bot.local.bootstrap import ROOT, SetupError, apt_install, exit_code, runs, say

SOURCE = ROOT / "tests" / "browser"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Where a library is missing the package's own fills the gap, after the machine's. The machine is asked at every start,
# because libraries come and go. Without any font the browser aborts, so it is always shown those of the package.
_LAUNCHER = """#!/bin/sh
here='{here}'
if ldd "$here/chromium" 2>&1 | grep -q 'not found'; then
    LD_LIBRARY_PATH="/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu:/usr/lib64:/lib64:$here/libraries/lib"
    export LD_LIBRARY_PATH
fi
FONTCONFIG_FILE="$here/fonts.conf"
export FONTCONFIG_FILE
exec "$here/chromium" "$@"
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{here}/fonts</dir>
  <cachedir>{here}/fontcache</cachedir>
</fontconfig>
"""


def prepare() -> str:
    """Return the path of a browser that starts, installing one when there is none.

    Tried in this order: BROWSER_PATH alone when it is given; that of the npm package (x86-64 only), which is the same
    everywhere and has no windows to draw, so that tests take a third less; a Chromium or Chrome on the path; Debian's,
    as root. Raises SetupError that lists what was tried.
    """
    prepare_driver()
    given = os.environ.get("BROWSER_PATH")
    if given:
        return given
    faults = []
    for attempt in (_from_npm, _from_path, _from_debian):
        try:
            path = attempt()
        except SetupError as error:
            faults.append(str(error))
            continue
        if _starts(path):
            return path
        faults.append(f"{path} does not start")
    raise SetupError("The tests need a browser; set BROWSER_PATH to a Chromium.\n- " + "\n- ".join(faults))


def prepare_driver() -> None:
    """Give Playwright a Node that runs here: its own needs a library that minimal systems lack."""
    spec = importlib.util.find_spec("playwright")
    if os.environ.get("PLAYWRIGHT_NODEJS_PATH") or spec is None or not spec.origin:
        return
    if runs([str(Path(spec.origin).parent / "driver" / "node"), "--version"]):
        return
    found = shutil.which("node") or shutil.which("nodejs")
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = found if found and runs([found, "--version"]) else npm.wheel_node()


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _from_path() -> str:
    for name in _NAMES:
        path = shutil.which(name)
        if path and _starts(path):
            return path
    raise SetupError(f"none of {', '.join(_NAMES)} is on the path")


def _from_npm() -> str:
    if platform.machine() != "x86_64" or sys.platform != "linux":
        raise SetupError(f"the npm package holds no browser for {sys.platform} on {platform.machine()}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pakka"
    cache.mkdir(parents=True, exist_ok=True)
    # The launcher names absolute paths: a cache that was moved is another cache.
    key = hashlib.sha256((SOURCE / "package-lock.json").read_bytes() + os.fsencode(cache)).hexdigest()[:16]
    launcher = cache / f"chromium-{key}" / "launch"
    if launcher.exists():
        return str(launcher)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not launcher.exists():
            say("Installing a Chromium for the browser tests")
            with tempfile.TemporaryDirectory(prefix="unpack-", dir=cache) as folder:
                modules = npm.install(SOURCE, Path(folder) / "packages")
                fresh = Path(folder) / "fresh"
                _unpack(modules / "@sparticuz" / "chromium" / "bin", fresh, launcher.parent)
                shutil.rmtree(launcher.parent, ignore_errors=True)
                fresh.rename(launcher.parent)
    return str(launcher)


def _unpack(packed: Path, folder: Path, home: Path) -> None:
    """Unpack the package's four brotli files into `folder`, which will be renamed to `home`."""
    import brotli

    folder.mkdir()
    program = folder / "chromium"
    program.write_bytes(brotli.decompress((packed / "chromium.br").read_bytes()))
    for name, place in (("al2023", "libraries"), ("fonts", "fonts"), ("swiftshader", ".")):
        content = brotli.decompress((packed / f"{name}.tar.br").read_bytes())
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            # Python 3.11.2, which Debian 12 has, does not know the filter; the content was verified by its sha512.
            if hasattr(tarfile, "data_filter"):
                archive.extractall(folder / place, filter="data")
            else:
                archive.extractall(folder / place)  # noqa: S202
    (folder / "fonts.conf").write_text(_FONTS.format(here=home), encoding="utf-8")
    (folder / "launch").write_text(_LAUNCHER.format(here=str(home).replace("'", "'\\''")), encoding="utf-8")
    for path in (program, folder / "launch"):
        path.chmod(0o755)


def _from_debian() -> str:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetupError("Debian's chromium can only be installed as root with apt-get")
    say("Installing Debian's chromium for the browser tests")
    apt_install("chromium")
    return shutil.which("chromium") or "chromium"


if __name__ == "__main__":
    sys.exit(exit_code(prepare))

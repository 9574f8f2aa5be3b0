"""Bring a bare machine to the point where everything else can run: an interpreter, `.venv`, locked packages.

Standard library only, and readable by Python 3.6: on an older machine it must at least reach the sentence that says so.
Packages come from wherever pip and uv of this host are told to get them; no address of an index stands here.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
LOCAL = ROOT / "bot" / "local"
OLDEST = (3, 11)

# One lock per command; each contains the packages of production in the same versions.
UP_LOCK = LOCAL / "requirements.txt"
TEST_LOCK = ROOT / "tests" / "requirements.txt"

USAGE = """usage: python3 app.py COMMAND

  up               install what is missing and start everything on this machine
  test [ARGS]      install what is missing and run the tests; ARGS go to pytest
  setup            only install, for both
"""


class SetupError(Exception):
    """Something this program cannot do alone; the text tells the reader what to do."""


def main(arguments: List[str]) -> int:
    """Carry out one command. `up` and `test` do not return: the process becomes the supervisor or pytest."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if command in ("help", "-h", "--help"):
        print(USAGE, end="")
        return 0
    if command not in ("up", "test", "setup") or (rest and command != "test"):
        print(USAGE, end="", file=sys.stderr)
        return 2
    try:
        prepare([UP_LOCK] if command == "up" else [TEST_LOCK])
        hand_over(command, rest)
    except SetupError as error:
        print("[setup] " + str(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n[setup] Stopped. The next start goes on from here.", file=sys.stderr)
        return 130
    return 0


def prepare(locks: List[Path]) -> None:
    """Make `.venv` whole and install the given locks; a second call finds everything there and is quick."""
    with alone("setup"):
        ensure_venv()
        for lock in locks:
            ensure_installed(lock)


def hand_over(command: str, rest: List[str]) -> None:
    """Replace this process, so that signals and the exit code belong to what does the work."""
    environment = tool_environment()
    os.chdir(ROOT)
    ensure_places()
    if command == "up":
        replace([PYTHON, "-m", "bot.local.supervisor"], environment)
    for module in ("bot.local.environment", "bot.local.assets", "bot.local.browser"):
        run_module(module, environment)
    if command == "setup":
        say("Ready. `python3 app.py up` starts Pakka.")
        return
    if not any(part in ("-n", "--numprocesses") or re.match(r"-n\w|--numprocesses=", part) for part in rest):
        # One more than there are processors: a test waits for a fifth of its time.
        rest = ["-n", str(min(8, (os.cpu_count() or 1) + 1)), "--dist", "loadgroup", *rest]
    replace([PYTHON, "-m", "pytest", *rest], environment)


def ensure_places() -> None:
    """Make the index of places from public packages, once; address checks cannot do without it."""
    fresh = [PYTHON, "-c", "import sys; from bot.addresses.build import is_fresh; sys.exit(not is_fresh())"]
    if runs(fresh):
        return
    with alone("places"):
        if not runs(fresh):
            say("Building the index of places (90 MB to fetch, half a minute, once)")
            run_module("bot.addresses.build", installer_environment())


def run_module(module: str, environment: Dict[str, str]) -> None:
    """Run a module of ours to its end; SetupError when it fails."""
    if subprocess.run([PYTHON, "-m", module], env=environment, cwd=str(ROOT)).returncode:
        raise SetupError("Set-up stopped; the lines above say why.")


def exit_code(task: Callable[[], object]) -> int:
    """Carry out a task of the set-up and return the exit code; a SetupError is one printed line and 1."""
    try:
        task()
    except SetupError as error:
        say(str(error))
        return 1
    return 0


def replace(command: List[str], environment: Dict[str, str]) -> None:
    """Become another program; buffered words are written first."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment)


@contextlib.contextmanager
def alone(task: str) -> Iterator[None]:
    """Hold a lock file while a task writes what others read, because two commands may be started at once."""
    path = ROOT / "var" / (task + ".lock")
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command does the same work in this folder; waiting for it...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# --- the virtual environment -------------------------------------------------------------------------------------


def ensure_venv() -> None:
    """Keep a `.venv` that works and belongs here; make any other anew."""
    fault = venv_fault()
    if not fault:
        return
    if VENV.exists():
        say("Making .venv anew: " + fault)
        shutil.rmtree(str(VENV))
    python = find_python()
    say("Making a virtual environment with " + python)
    if make_venv(python):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Python's venv module is not complete here; installing Debian's python3-venv")
        apt_install("python3-venv")
        if make_venv(python):
            return
    if make_venv_with_foreign_pip(python):
        return
    raise SetupError(
        "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install python3-venv."
    )


def venv_fault() -> Optional[str]:
    """Say what is wrong with `.venv`, or return None.

    Programs in `.venv/bin` name the folder they were made in: after a move Python still runs and they do not.
    """
    if not VENV.exists():
        return "there is none"
    probe = "import pip, sys; sys.exit(sys.version_info[:2] < {!r})".format(OLDEST)
    if not runs([PYTHON, "-c", probe]):
        return "its Python or its pip does not run, or is older than 3.11"
    try:
        head = (VENV / "bin" / "pip").read_bytes()[:1000].decode("utf-8", "replace")
    except OSError:
        return "it has no pip program"
    home = re.search(r"(/[^\n\"]*?)/bin/python", head)
    if not home or not os.path.exists(home.group(1)) or not os.path.samefile(home.group(1), str(VENV)):
        return "the project has moved since it was made"
    return None


def find_python() -> str:
    """Return an interpreter that is new enough, the running one first."""
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        path = shutil.which(name)
        # A name on the path need not run: version managers leave such names behind.
        if path and runs([path, "-c", ""]):
            return path
    raise SetupError(
        "Python 3.11 or later is needed; this is {}.{}. Install one and call it: python3.11 app.py up".format(
            *sys.version_info[:2]
        )
    )


def make_venv(python: str) -> bool:
    """Make `.venv` with pip; leave nothing behind when that fails."""
    made = subprocess.run([python, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode == 0:
        return True
    shutil.rmtree(str(VENV), ignore_errors=True)
    return False


def make_venv_with_foreign_pip(python: str) -> bool:
    """Make `.venv` without Python's bundled pip and let the host's pip put one in; False when there is none."""
    if not runs([python, "-c", "import pip"]):
        return False
    made = subprocess.run([python, "-m", "venv", "--without-pip", str(VENV)])
    filled = made.returncode == 0 and subprocess.run(
        [python, "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip"], env=installer_environment()
    )
    if filled and filled.returncode == 0:
        return True
    shutil.rmtree(str(VENV), ignore_errors=True)
    return False


def apt_install(*packages: str) -> None:
    """Install Debian packages as root, without questions and without starting services, or raise SetupError."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with alone("debian"), services_forbidden():
        for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
            done = subprocess.run(
                ["apt-get", *command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, universal_newlines=True, errors="replace",
            )  # fmt: skip
            if done.returncode:
                raise SetupError("apt-get {} failed:\n{}".format(" ".join(command), done.stdout[-2000:]))


@contextlib.contextmanager
def services_forbidden() -> Iterator[None]:
    """Keep Debian from starting what it installs, unless the machine has a rule of its own for that."""
    rule = Path("/usr/sbin/policy-rc.d")
    ours = not rule.exists()
    if ours:
        rule.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        rule.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            rule.unlink()


# --- packages ----------------------------------------------------------------------------------------------------


def ensure_installed(lock: Path) -> None:
    """Install a lock file unless its stamp says that exactly this one is installed.

    The stamp is written last, so an interrupted installation is repeated. Nothing is ever uninstalled: every lock
    agrees with the others on every version.
    """
    stamp = VENV / "pakka" / (lock.relative_to(ROOT).as_posix().replace("/", "-") + ".sha256")
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    with contextlib.suppress(OSError):
        if stamp.read_text(encoding="ascii") == digest:
            return
    count = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if re.match(r"[A-Za-z0-9]\S*==", line))
    say("Installing {} packages of {}".format(count, lock.relative_to(ROOT)))
    begin = time.monotonic()
    if not (ensure_uv() and install_with_uv(lock)):
        install_with_pip(lock)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(digest, encoding="ascii")
    say("Installed in {:.1f} s".format(time.monotonic() - begin))


def ensure_uv() -> bool:
    """Have the pinned uv in `.venv`; False when it cannot be had, because pip can do the work more slowly."""
    lock = LOCAL / "uv.txt"
    wanted = re.search(r"^uv==(\S+)", lock.read_text(encoding="utf-8"), re.M)
    version = subprocess.run([PYTHON, "-m", "uv", "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if wanted and version.stdout.decode().split()[1:2] == [wanted.group(1)]:
        return True
    if pip_install(lock):
        return True
    say("uv cannot be installed here; pip does its work and needs a minute more")
    return False


def install_with_uv(lock: Path) -> bool:
    """Install a lock with uv; False with a remark when that fails."""
    command = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", str(lock)]
    if subprocess.run(command, env=installer_environment(), stdin=subprocess.DEVNULL).returncode == 0:
        return True
    say("uv could not install them; trying pip")
    return False


def install_with_pip(lock: Path) -> None:
    """Install a lock with pip, the last resort."""
    if not pip_install(lock):
        raise SetupError("The packages could not be installed. Is the package index reachable?")


def pip_install(lock: Path) -> bool:
    """Run pip on one lock file and say whether it succeeded."""
    command = [PYTHON, "-m", "pip", "install", "-qq", "--no-input", "--require-hashes", "-r", str(lock)]
    return subprocess.run(command, env=installer_environment(), stdin=subprocess.DEVNULL).returncode == 0


def installer_environment() -> Dict[str, str]:
    """Return the environment for pip and uv.

    uv reads no pip.conf. Where the host names its index only there, uv is told the same index; whatever uv itself was
    told comes first. It trusts the host's certificates instead of its own, because companies inspect their traffic,
    and never fetches a Python of its own.
    """
    environment = dict(
        tool_environment(), PIP_DISABLE_PIP_VERSION_CHECK="1", UV_PYTHON_DOWNLOADS="never", UV_SYSTEM_CERTS="1",
        UV_NO_PROGRESS="1",
    )  # fmt: skip
    if not any(name in environment for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE")):
        index = pip_setting("index-url")
        if index:
            environment["UV_DEFAULT_INDEX"] = index
    return environment


def pip_setting(name: str) -> Optional[str]:
    """Return what pip's files or variables say about one option; the last one listed is the one in force."""
    listed = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        universal_newlines=True,
    )
    values = re.findall(r"^\S*\.{}='(.*)'$".format(re.escape(name)), listed.stdout, re.M)
    return values[-1] if values else None


# --- small things ------------------------------------------------------------------------------------------------


def tool_environment() -> Dict[str, str]:
    """Return the environment of every program we start: as if `.venv` were active and the project importable.

    Many hosts, containers above all, forbid Python to write bytecode; then each of our programs would compile a
    thousand files at each start, which takes seconds. It goes into a folder of our own instead, beside no source.
    """
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    environment = dict(os.environ, VIRTUAL_ENV=str(VENV), PATH=path, PYTHONPATH=str(ROOT))
    environment.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "bytecode"))
    for name in ("PYTHONHOME", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    return environment


def runs(command: List[str]) -> bool:
    """Say whether a program can be started and ends well."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def say(text: str) -> None:
    """Print one line of progress at once."""
    print("[setup] " + text, flush=True)

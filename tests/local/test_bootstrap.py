"""From a bare machine to installed packages."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bot.local import bootstrap
from bot.local.bootstrap import ROOT, SetupError
from tests.local.waiting import wait_until

# One worker makes the virtual environment that most of these need.
pytestmark = pytest.mark.xdist_group("bootstrap")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python app.py ...` with the interpreter of the tests."""
    return subprocess.run(
        [sys.executable, "app.py", *arguments], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment as the bootstrap makes it; tests copy it."""
    project = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "VENV", project / ".venv")
        assert bootstrap.make_venv(sys.executable)
    return project


def look_at(project: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the bootstrap work in another folder."""
    patch.setattr(bootstrap, "ROOT", project)
    patch.setattr(bootstrap, "VENV", project / ".venv")
    patch.setattr(bootstrap, "PYTHON", str(project / ".venv" / "bin" / "python"))


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("help",), 0), (("upp",), 2), (("up", "now"), 2)])
def test_a_command_that_is_none_gets_the_usage(arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert "usage: python3 app.py COMMAND" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["app.py", "bot/__init__.py", "bot/local/__init__.py", "bot/local/bootstrap.py"])
def test_an_old_python_can_read_far_enough_to_say_that_it_is_old(name: str) -> None:
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_an_old_python_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"Python 3\.11 or later is needed; this is 3\.9"):
        bootstrap.find_python()


def test_a_name_on_the_path_that_does_not_run_is_no_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, code in (("python3.13", 127), ("python3.12", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.find_python() == str(tmp_path / "python3.12")


def test_a_virtual_environment_that_works_is_kept(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(made, monkeypatch)
    assert bootstrap.venv_fault() is None


def test_a_moved_project_is_noticed(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "moved", symlinks=True)
    look_at(tmp_path / "moved", monkeypatch)
    assert bootstrap.venv_fault() == "the project has moved since it was made"


def test_a_virtual_environment_without_its_interpreter_is_noticed(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(made, tmp_path / "broken", symlinks=True)
    (tmp_path / "broken" / ".venv" / "bin" / "python").unlink()
    look_at(tmp_path / "broken", monkeypatch)
    assert "does not run" in str(bootstrap.venv_fault())


def test_pip_installs_a_lock_where_uv_cannot_be_had_and_refuses_a_wrong_hash(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    look_at(made, monkeypatch)
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "size = 'small'\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lock = made / "lock.txt"
    lock.write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SetupError, match="could not be installed"):
        bootstrap.ensure_installed(lock)
    lock.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    bootstrap.ensure_installed(lock)
    assert subprocess.run([bootstrap.PYTHON, "-c", "import tiny"]).returncode == 0
    capfd.readouterr()
    wheel.unlink()
    bootstrap.ensure_installed(lock)
    assert capfd.readouterr().out == "", "what is installed must not be installed again"


def test_programs_may_keep_bytecode_where_the_host_forbids_it_beside_the_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    look_at(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    (tmp_path / "part.py").write_text("size = 'small'\n")
    done = subprocess.run([sys.executable, "-c", "import part"], cwd=tmp_path, env=bootstrap.tool_environment())
    assert done.returncode == 0
    assert [path.name.split(".")[0] for path in (tmp_path / ".venv" / "bytecode").rglob("part.*")] == ["part"]
    assert not (tmp_path / "__pycache__").exists()


def test_uv_is_told_the_index_that_only_pip_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://packages.shop.example/simple\n")
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert bootstrap.installer_environment()["UV_DEFAULT_INDEX"] == "https://packages.shop.example/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.shop.example/simple")
    assert bootstrap.installer_environment()["UV_DEFAULT_INDEX"] == "https://uv.shop.example/simple"


def test_two_set_ups_in_one_folder_take_turns(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from bot.local import bootstrap; bootstrap.ROOT = Path('.');\n"
        "with bootstrap.alone('setup'):\n"
        "    Path(sys.argv[1]).touch(); assert not Path('both').exists(); Path('both').touch()\n"
        "    time.sleep(0.3); Path('both').unlink()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([sys.executable, "-c", program, name], cwd=tmp_path, env=environment) for name in "ab"]
    assert [process.wait(timeout=20) for process in both] == [0, 0]
    wait_until(lambda: (tmp_path / "a").exists() and (tmp_path / "b").exists())


def test_no_lock_names_where_packages_come_from() -> None:
    locks = [*ROOT.glob("*requirements.txt"), *(ROOT / "bot" / "local").glob("*.txt"), ROOT / "tests/requirements.txt"]
    locks += [ROOT / "bot/web/package-lock.json", ROOT / "tests/browser/package-lock.json"]
    locks += [ROOT / "bot/addresses/sources.lock"]
    assert len(locks) == 8
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert '"resolved"' not in text

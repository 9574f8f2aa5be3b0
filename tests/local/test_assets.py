"""The console's front-end files: installed once, whole, and only what is asked for."""

import json
import shutil
from pathlib import Path

import pytest

from bot.local import assets, npm
from bot.local.bootstrap import SetupError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The console's own packages, of which two files are asked for; npm has them in its cache."""
    folder = tmp_path / "source"
    folder.mkdir()
    shutil.copyfile(assets.SOURCE / "package-lock.json", folder / "package-lock.json")
    ask(folder, {"a.min.js": "htmx.org/dist/htmx.min.js", "b.min.css": "uplot/dist/uPlot.min.css"})
    return folder


def ask(folder: Path, vendor: dict[str, str]) -> None:
    """Write the package.json of a folder."""
    content = json.loads((assets.SOURCE / "package.json").read_text(encoding="utf-8"))
    (folder / "package.json").write_text(json.dumps(content | {"vendor": vendor}))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_files_are_installed_once_and_again_when_one_is_missing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "static" / "vendor"
    assets.prepare(source, target)
    assert names(target) == ["a.min.js", "b.min.css"]
    (target / "a.min.js").unlink()
    assets.prepare(source, target)
    assert "htmx" in (target / "a.min.js").read_text()
    monkeypatch.setattr(npm, "npm", lambda: pytest.fail("nothing was missing"))
    assets.prepare(source, target)
    assert names(target.parent) == ["vendor"]


def test_a_file_that_is_asked_for_no_more_goes(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "static" / "vendor"
    assets.prepare(source, target)
    ask(source, {"c.min.js": "htmx.org/dist/htmx.js"})
    assets.prepare(source, target)
    assert names(target) == ["c.min.js"]


def test_a_file_that_no_package_has_is_named_and_the_old_files_stay(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "static" / "vendor"
    assets.prepare(source, target)
    ask(source, {"a.min.js": "htmx.org/none.js"})
    with pytest.raises(SetupError, match=r"htmx\.org/none\.js"):
        assets.prepare(source, target)
    assert names(target) == ["a.min.js", "b.min.css"]


def test_a_lock_that_does_not_fit_is_told_in_npms_own_words(source: Path, tmp_path: Path) -> None:
    (source / "package-lock.json").write_text("{}")
    with pytest.raises(SetupError, match="npm could not install"):
        assets.prepare(source, tmp_path / "static" / "vendor")

"""The source itself: linted and typed, by the settings in pyproject.toml."""

import subprocess

import pytest

from bot.local.bootstrap import PYTHON, ROOT


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tool", [("ruff", "check", "--quiet", "--output-format=concise"), ("mypy",)])
def test_the_source_has_no_complaint_from(tool: tuple[str, ...]) -> None:
    done = subprocess.run([PYTHON, "-m", *tool, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

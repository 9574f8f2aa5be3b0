"""The source itself: linted and typed, by the settings in pyproject.toml."""

import ast
import subprocess

import pytest

from bot.local.bootstrap import PYTHON, ROOT


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tool", [("ruff", "check", "--quiet", "--output-format=concise"), ("mypy",)])
def test_the_source_has_no_complaint_from(tool: tuple[str, ...]) -> None:
    done = subprocess.run([PYTHON, "-m", *tool, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_production_imports_nothing_that_is_local() -> None:
    """What runs on one machine only may need packages that a production image does not have."""
    production = [path for folder in ("bot", "flows", "workers") for path in (ROOT / folder).rglob("*.py")]
    production = [path for path in production if not path.is_relative_to(ROOT / "bot" / "local")]
    assert len(production) > 20
    for path in production:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert not [name for name in names if name.startswith("bot.local")], path

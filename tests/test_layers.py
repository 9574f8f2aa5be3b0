"""Who may import whom: pure cores stay pure, Meta is known in one place, and flows know nothing of rows."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.local.bootstrap import ROOT

STANDARD = sys.stdlib_module_names

ALLOWED: dict[str, tuple[str, ...]] = {
    "bot/engine": ("bot.engine",),
    "flows": ("bot.engine", "flows"),
    "bot/understanding": ("bot.understanding",),
    "bot/addresses": ("bot.addresses",),
    "bot/models": ("bot.models",),
    "bot/simulator": ("bot.simulator",),
    "bot/text.py": ("bot.engine",),
    "bot/clock.py": (),
    "bot/whatsapp/parse.py": ("bot.whatsapp",),
    "bot/whatsapp/updates.py": (),
    "bot/whatsapp/values.py": (),
    "bot/whatsapp/compose.py": ("bot.whatsapp",),
    "bot/orders/spreadsheet": ("bot.orders.spreadsheet", "bot.addresses"),
    "bot/orders/decisions.py": ("bot.orders.rules",),
}
"""What of ours a part may import; a part that is not here may import what it likes, but see `NEVER`."""

NEVER: dict[str, tuple[str, ...]] = {
    "bot/talk": ("bot.web", "bot.simulator", "bot.shoppers", "flows", "workers", "flask"),
    "bot/orders": ("bot.web", "bot.simulator", "bot.shoppers", "flows", "workers", "flask"),
    "bot/whatsapp": ("bot.talk", "bot.web", "bot.orders", "bot.simulator", "flows", "workers"),
    "bot/web": ("bot.simulator", "bot.shoppers", "workers"),
    "workers": ("bot.simulator", "bot.shoppers", "bot.cli"),
}
PURE = ("bot/engine", "flows", "bot/clock.py", "bot/whatsapp/updates.py")
"""Standard library only, beside what `ALLOWED` names."""


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_a_part_imports_only_what_it_may(part: str) -> None:
    for path, name in imports(part):
        if name.startswith(("bot", "flows", "workers", "app.")):
            assert any(name.startswith(own) for own in ALLOWED[part]), f"{path} imports {name}"


@pytest.mark.parametrize("part", sorted(NEVER))
def test_a_part_never_imports_what_stands_above_it(part: str) -> None:
    for path, name in imports(part):
        forbidden = [one for one in NEVER[part] if name == one or name.startswith(one + ".")]
        assert not forbidden, f"{path} imports {name}"


@pytest.mark.parametrize("part", PURE)
def test_pure_parts_need_the_standard_library_only(part: str) -> None:
    for path, name in imports(part):
        assert name.startswith(("bot", "flows")) or name.split(".")[0] in STANDARD, f"{path} imports {name}"


def test_nothing_of_ours_imports_the_simulator() -> None:
    for part in ("bot", "flows", "workers"):
        for path, name in imports(part):
            own = path.startswith(("bot/simulator", "bot/cli/simulator.py"))
            assert own or not name.startswith("bot.simulator"), f"{path} imports {name}"


def test_every_job_that_is_rung_exists() -> None:
    from importlib import import_module

    from bot.jobs import QUEUE_OF

    for job in QUEUE_OF:
        module, _, function = job.rpartition(".")
        assert callable(getattr(import_module(module), function)), job


def test_every_queue_has_a_worker() -> None:
    from bot.jobs import QUEUE_OF

    procfile = (ROOT / "Procfile").read_text(encoding="utf-8")
    for queue in QUEUE_OF.values():
        assert f"python -m workers {queue}\n" in procfile, queue


def imports(part: str) -> Iterator[tuple[str, str]]:
    """Yield (file, imported name) of every import in a part."""
    root = ROOT / part
    for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            file = str(Path(path).relative_to(ROOT))
            if isinstance(node, ast.Import):
                yield from ((file, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((file, f"{node.module}.{alias.name}") for alias in node.names)

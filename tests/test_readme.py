"""What operators and authors meet is documented: a setting, command, flow or process without a word fails here."""

from pathlib import Path

import pytest

from bot.cli import COMMANDS, register
from bot.local.bootstrap import ROOT
from bot.settings import Settings
from flows import FLOWS

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_every_flow_is_documented(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("line", [line for line in (ROOT / "Procfile").read_text().splitlines() if line.strip()])
def test_every_process_is_documented(line: str) -> None:
    assert f"`{line.partition(':')[0]}`" in README


def test_every_command_is_documented() -> None:
    from flask import Flask

    app = Flask("commands")
    register(app)
    missing = []
    for name, command in app.cli.commands.items():
        parts = [name, *getattr(command, "commands", {})]
        missing += [part for part in parts if part not in README]
    assert missing == []
    assert len(app.cli.commands) == len(COMMANDS)


def test_every_file_that_the_readme_names_exists() -> None:
    for name in ("bot/web/pictures/orders.png", "bot/understanding/packs/README.md", "templates/messages/en.toml"):
        assert (ROOT / Path(name)).exists(), name

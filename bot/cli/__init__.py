"""The `flask ...` commands; each module holds one, and imports what it needs only when it runs."""

from importlib import import_module

from flask import Flask

COMMANDS = (
    "addresses", "flow", "merchants", "orders", "simulate", "simulator", "templates", "understanding",
)  # fmt: skip


def register(app: Flask) -> None:
    """Add all commands to the application."""
    for name in COMMANDS:
        app.cli.add_command(import_module(f"bot.cli.{name}").command)

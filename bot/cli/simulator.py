"""`flask simulator`: start the local WhatsApp with its phones, alone."""

from __future__ import annotations

import click


@click.command("simulator", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Start a local WhatsApp Cloud API with phones; `flask simulator --help` lists the options."""
    from bot.simulator.__main__ import options_from, serve

    serve(options_from(list(arguments)))

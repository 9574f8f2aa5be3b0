"""`flask templates`: what Meta has of our message templates, and submitting what it has not."""

from __future__ import annotations

import click


@click.group("templates")
def command() -> None:
    """Compare the message templates with those at Meta, or submit them."""


@command.command("diff")
def diff() -> None:
    """Show how each template stands at Meta; exit code 1 when one is missing, changed, or cannot be sent."""
    from bot.whatsapp.catalogue import catalogue
    from bot.whatsapp.templates import SENDABLE, compare

    _, client, account = _account()
    differences = _asked(lambda: compare(catalogue(), client.templates(account)))
    for one in differences:
        standing = f"{one.status}, {one.category}" if one.theirs else "not submitted"
        click.echo(f"{one.template.name} [{one.template.language}]: {one.state} ({standing})")
    if any(one.state != "same" or one.status not in SENDABLE for one in differences):
        raise SystemExit(1)


@command.command("push")
@click.option("--edit", is_flag=True, help="Also submit changed texts; until they are reviewed they cannot be sent.")
def push(edit: bool) -> None:
    """Submit the templates that Meta does not have; exit code 1 when one was refused."""
    from bot.whatsapp.catalogue import catalogue
    from bot.whatsapp.errors import SlowNumber
    from bot.whatsapp.templates import push as submit

    database, client, account = _account()
    attempts = _asked(lambda: submit(database, client, account, catalogue(), edit=edit))
    for one in attempts:
        name = f"{one.template.name} [{one.template.language}]"
        if isinstance(one.error, SlowNumber):
            click.echo("Meta takes 100 new templates an hour; for the rest run this again in an hour.", err=True)
            continue
        if one.error is not None:
            click.echo(f"{name}: refused: {one.error} {one.error.details}", err=True)
            continue
        click.echo(f"{name}: submitted, {one.status}")
        if one.category != one.template.category:
            click.echo(f"{name}: Meta made it {one.category}, which has another price and other limits", err=True)
    if not attempts:
        click.echo("Nothing to submit.")
    if any(one.error is not None for one in attempts):
        raise SystemExit(1)


def _account():  # type: ignore[no-untyped-def]  # Its types are imported only when the command runs.
    from bot.services import services
    from bot.whatsapp.client import Client

    pakka = services()
    account = pakka.settings.whatsapp_business_account_id
    if not account or not pakka.settings.whatsapp_token:
        raise click.ClickException("set WHATSAPP_BUSINESS_ACCOUNT_ID and WHATSAPP_TOKEN (see README)")
    return pakka.database, Client.from_settings(pakka.settings), account


def _asked(ask):  # type: ignore[no-untyped-def]
    from bot.whatsapp.catalogue import TemplateError
    from bot.whatsapp.errors import SendError

    try:
        return ask()
    except TemplateError as error:
        raise click.ClickException(str(error)) from None
    except SendError as error:
        raise click.ClickException(f"Meta did not answer as hoped: {error} {error.details}") from None

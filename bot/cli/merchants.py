"""`flask merchants`: make a shop, see all, set a shop's rules, let people in."""

import json
from typing import Any

import click
from flask.cli import AppGroup

command = AppGroup("merchants", help="Make shops, set their rules, let people in.")


@command.command("create")
@click.argument("slug")
@click.option("--name", default=None, help="What shoppers read; default: the short name.")
@click.option("--region", default="IN", show_default=True, help="ISO country: of phone numbers without a country code.")
@click.option("--currency", default=None, help="ISO currency; default: the region's.")
@click.option("--timezone", default=None, help="Such as Asia/Kolkata; default: the region's, if it has one only.")
@click.option("--locale", default="en", show_default=True, help="Language of the first message.")
@click.option(
    "--owner", default=None, metavar="EMAIL", help="Let this person in; a link to choose a password is shown."
)
def create(
    slug: str, name: str | None, region: str, currency: str | None, timezone: str | None, locale: str, owner: str | None
) -> None:
    """Make a shop. It speaks through the WhatsApp number of the settings, if they name one."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from sqlmodel import select

    from bot.clock import now
    from bot.models import Merchant
    from bot.orders.spreadsheet.money import is_currency
    from bot.services import services
    from bot.talk.channels import first_channel

    region = region.upper()
    zone = timezone or _only_zone(region)
    money = (currency or _currency_of(region)).upper()
    if not slug or not all(sign.isascii() and (sign.islower() or sign.isdigit() or sign == "-") for sign in slug):
        raise click.ClickException("The short name may hold a-z, 0-9 and - only.")
    if not is_currency(money):
        raise click.ClickException(f"{money!r} is no currency; give one such as INR with --currency.")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.ClickException("Give the time zone with --timezone, such as Asia/Kolkata.") from None
    given = services()
    with given.database.session() as session:
        if session.exec(select(Merchant).where(Merchant.slug == slug)).first():
            raise click.ClickException(f"There is a merchant {slug!r} already.")
        channel = first_channel(session, given.settings)
        merchant = Merchant(
            slug=slug,
            name=name or slug.replace("-", " ").title(),
            channel_id=channel.id if channel else None,
            region=region,
            currency=money,
            timezone=zone,
            locale=locale,
            rules=_first_rules(money),
            created_at=now(),
        )
        session.add(merchant)
        session.flush()
        _note(session, "shop.created", merchant.id, f"shop:{merchant.id}")
        link = _invite(session, owner, "owner", merchant.id, locale) if owner else None
    click.echo(f"{slug}: {merchant.name}, {region}, {money}, {zone}")
    if channel is None:
        click.echo("It has no WhatsApp number yet: set WHATSAPP_PHONE_NUMBER_ID and run `flask merchants connect`.")
    if money != "INR" and not merchant.rules:
        click.echo(
            f"Set what a return costs: flask merchants rules {slug} return_cost=... (in the smallest unit of {money})"
        )
    if link:
        click.echo(f"{owner} chooses a password here: {link}")


@command.command("connect")
@click.argument("slug")
def connect(slug: str) -> None:
    """Let a shop speak through the WhatsApp number of the settings."""
    from bot.cli.orders import _find
    from bot.services import services
    from bot.talk.channels import first_channel

    given = services()
    with given.database.session() as session:
        merchant = _find(session, slug)
        channel = first_channel(session, given.settings)
        if channel is None:
            raise click.ClickException("WHATSAPP_PHONE_NUMBER_ID is not set.")
        merchant.channel_id = channel.id
        session.add(merchant)
        _note(session, "shop.connected", merchant.id, f"shop:{merchant.id}")
    click.echo(f"{slug} is connected; `flask orders ask --merchant {slug}` plans the orders that are waiting")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_all(as_json: bool) -> None:
    """Show all shops."""
    from sqlmodel import select

    from bot.models import Merchant
    from bot.services import services

    with services().database.reader() as session:
        merchants = session.exec(select(Merchant).order_by(Merchant.slug)).all()
    names = ("slug", "name", "region", "currency", "timezone", "locale")
    rows = [{n: getattr(m, n) for n in names} | {"connected": m.channel_id is not None} for m in merchants]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        told = "connected" if row["connected"] else "no WhatsApp number"
        click.echo(f"{row['slug']:20} {row['name']}, {row['region']}, {row['currency']}, {row['timezone']}, {told}")


@command.command("rules")
@click.argument("slug")
@click.argument("changes", nargs=-1, metavar="[NAME=VALUE]...")
def rules(slug: str, changes: tuple[str, ...]) -> None:
    """Show a shop's rules, or set some: hold_out_percent=5, flows='["review"]', NAME= for the default."""
    from bot.cli.orders import _find
    from bot.orders.rules import Rules, RulesError
    from bot.services import services

    with services().database.session() as session:
        merchant = _find(session, slug)
        stored = dict(merchant.rules)
        for change in changes:
            name, sign, value = change.partition("=")
            if not sign or name not in Rules.__dataclass_fields__:
                raise click.ClickException(f"{change}: NAME=VALUE with one of {', '.join(Rules.__dataclass_fields__)}")
            if value:
                stored[name] = _value(value)
            else:
                stored.pop(name, None)
        try:
            ruled = Rules.judged(stored)
        except RulesError as error:
            raise click.ClickException(str(error)) from None
        if changes:
            before, merchant.rules = merchant.rules, ruled.to_json()
            session.add(merchant)
            told = {
                name: [before.get(name), merchant.rules.get(name)]
                for name in sorted(before.keys() | merchant.rules.keys())
                if before.get(name) != merchant.rules.get(name)
            }
            _note(session, "rules.changed", merchant.id, f"shop:{merchant.id}", changes=told)
    own = ruled.to_json()
    for name, default in Rules().__dict__.items():
        mark = "" if name in own else "  (default)"
        click.echo(f"{name:20} {getattr(ruled, name, default)!s}{mark}")


@command.command("invite")
@click.argument("email")
@click.option("--merchant", "slug", default=None, help="The shop; an admin has none.")
@click.option("--role", type=click.Choice(["owner", "staff", "agent", "admin"]), default="staff", show_default=True)
def invite(email: str, slug: str | None, role: str) -> None:
    """Let a person in; a link to choose a password is shown."""
    from bot.cli.orders import _find
    from bot.services import services

    if (role == "admin") == (slug is not None):
        raise click.ClickException("An admin belongs to no shop, everybody else to one: --merchant SLUG.")
    with services().database.session() as session:
        merchant = _find(session, slug) if slug else None
        link = _invite(session, email, role, merchant.id if merchant else None, merchant.locale if merchant else "en")
    click.echo(f"{email} chooses a password here: {link}")


@command.command("audit")
@click.argument("slug", required=False)
def audit(slug: str | None) -> None:
    """Prove that nobody has changed, taken out or put in a line of the audit: of one shop, or of all and of none.

    Names the first line that is wrong, and then ends with 1.
    """
    from sqlmodel import select

    from bot import seals
    from bot.cli.orders import _find
    from bot.models import Audit, Merchant
    from bot.services import services

    given = services()
    broken = False
    with given.database.reader() as session:
        shops = [_find(session, slug)] if slug else session.exec(select(Merchant).order_by(Merchant.slug)).all()
        chains = [(shop.slug, shop.id) for shop in shops] + ([] if slug else [("(no shop)", None)])
        for name, merchant_id in chains:
            told = seals.verify(session, seals.key_of(given.settings.secret_key), merchant_id)
            if told.wrong is not None:
                broken = True
                line = session.get_one(Audit, told.wrong)
                click.echo(f"{name}: BROKEN at line {line.id} ({line.at:%Y-%m-%d %H:%M} UTC, {line.act}): {told.why}")
                continue
            words = f"{told.lines} lines unbroken"
            if told.first > 1:
                words += f" from place {told.first} on; those before were wiped"
            if told.unsealed:
                words += f", {told.unsealed} not sealed yet"
            click.echo(f"{name}: {words}" + (f"; newest seal {told.seal[:16]}" if told.lines else ""))
    if broken:
        raise SystemExit(1)


def _invite(session: Any, email: str, role: str, merchant_id: int | None, locale: str) -> str:
    from flask import current_app

    from bot.web.members import MemberError, create_member, entry_link

    try:
        member = create_member(session, email=email, role=role, merchant_id=merchant_id, locale=locale)
    except MemberError as error:
        reasons = {"taken": "somebody has this address already", "email": "this is no e-mail address"}
        raise click.ClickException(f"{email}: {reasons.get(error.code, error.code)}") from None
    session.flush()
    _note(session, "member.invited", merchant_id, f"member:{member.id}", role=role)
    with current_app.test_request_context():
        return entry_link(member)


def _note(session: Any, act: str, merchant_id: int | None, about: str, **detail: Any) -> None:
    from bot.web.audit import COMMAND_LINE, record

    record(session, act, member_id=None, merchant_id=merchant_id, about=about, by=COMMAND_LINE, **detail)


def _value(text: str) -> Any:
    """Read a rule's value: JSON where it is, else a word such as 18:30 or hold."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _currency_of(region: str) -> str:
    from babel.numbers import get_territory_currencies

    currencies = get_territory_currencies(region)
    if not currencies:
        raise click.ClickException(f"{region!r} is no country; give its ISO code, such as IN.")
    return str(currencies[0])


def _only_zone(region: str) -> str:
    """Return the zone of a country that has one only, or the zone of its largest markets."""
    from babel.core import get_global

    largest = {"ID": "Asia/Jakarta", "BR": "America/Sao_Paulo", "MX": "America/Mexico_City", "IN": "Asia/Kolkata"}
    zones = [zone for zone, territory in get_global("zone_territories").items() if territory == region]
    return largest.get(region) or (zones[0] if len(zones) == 1 else "")


def _first_rules(currency: str) -> dict[str, Any]:
    """Return what a return costs in this currency where a figure is known; the default of the rules is in rupees."""
    known = {"PKR": 45_000, "PHP": 55_500, "MAD": 4_000}
    return {"return_cost": known[currency]} if currency in known else {}

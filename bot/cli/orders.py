"""`flask orders`: import lists, give them back with decisions, record phone answers and what couriers say."""

import csv
import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup

if TYPE_CHECKING:
    from sqlmodel import Session

    from bot.models import Merchant

command = AppGroup("orders", help="Import order lists, export them with decisions, record answers and statuses.")

SHOWN = 20
"""Problems that people are shown; programs ask for JSON and get all."""

_merchant = click.option("--merchant", "slug", required=True, metavar="SLUG", help="The shop, by its short name.")


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_merchant
@click.option("--dry-run", is_flag=True, help="Report what would happen; store nothing, ask nobody.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a report for people.")
@click.option("--map", "chosen", multiple=True, metavar="FIELD=HEADER", help="Say which column holds a field.")
def import_list(file: Path, slug: str, dry_run: bool, as_json: bool, chosen: tuple[str, ...]) -> None:
    """Import an order list (CSV or XLSX) and plan the questions to its shoppers.

    The same file twice changes nothing. Ends with 1 when the file cannot be read.
    """
    from bot.clock import now
    from bot.database import row_id
    from bot.orders import report, uploads
    from bot.orders.evidence import add_evidence
    from bot.orders.spreadsheet import SheetError
    from bot.services import services

    _logs_aside()
    content = file.read_bytes()
    given = services()
    try:
        with given.database.reader() as session:
            merchant = _find(session, slug)
        columns = _columns(content, merchant.region, chosen)
        if dry_run:
            _show(report.of_trial(content, merchant, at=now(), columns=columns), as_json)
            return
        with given.database.session() as session:
            merchant = _find(session, slug)
            upload = uploads.receive(session, merchant, file.name, content, at=now(), columns=columns)
            repeated = upload.status == "done"
            uploads.begin(session, upload, now())
            upload_id = row_id(upload)
            connected = merchant.channel_id is not None
        uploads.run(given, upload_id, None if as_json else _progress)
        add_evidence(given, upload_id)
    except SheetError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error), "code": error.code}, ensure_ascii=False))
        else:
            click.echo(f"{file.name} cannot be imported. {error}", err=True)
        raise SystemExit(1) from None
    with given.database.reader() as session:
        told = report.of_upload(session, session.get_one(uploads.Upload, upload_id))
    told["repeated"] = repeated
    if not connected:
        told["notes"].append("The shop has no WhatsApp number yet: nobody is asked until one is connected.")
    _show(told, as_json)
    if told["error"]:
        raise SystemExit(1)


@command.command("export")
@_merchant
@click.option("--format", "format_", type=click.Choice(["same", "shiprocket"]), default="same", show_default=True)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--upload", "upload_id", type=int, default=None, help="A certain upload; default: the newest, or all.")
def export_list(slug: str, format_: str, output: Path, upload_id: int | None) -> None:
    """Write the newest list back with decisions, or the orders to ship in Shiprocket's format."""
    from bot.orders import export
    from bot.services import services

    part = output.with_name(output.name + ".part")
    try:
        with services().database.reader() as session, part.open("wb") as out:
            merchant = _find(session, slug)
            if format_ == "same":
                kind = export.export_same(session, merchant, out, upload_id=upload_id)
                told = f"the list with our columns, as {kind.upper()} like the original"
            else:
                kind = "xlsx" if output.suffix.lower() == ".xlsx" else "csv"
                count = export.export_shiprocket(session, merchant, out, upload_id=upload_id, kind=kind)
                told = f"{count} orders to ship"
        part.replace(output)
    except export.NothingToExport as error:
        raise click.ClickException(str(error)) from None
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"{output}: {told}", err=True)


@command.command("outcome")
@click.argument("reference", required=False)
@click.argument("answer", required=False, type=click.Choice(["confirmed", "cancelled", "denied", "silent", "unasked"]))
@_merchant
@click.option("--reason", default="", help="Why the shopper cancels.")
@click.option("--not-before", type=click.DateTime(["%Y-%m-%d"]), help="The shopper wants it on this day or later.")
@click.option("--file", "file", type=click.File("r"), help="CSV lines of reference,answer instead of one order.")
def outcome(reference: str | None, answer: str | None, slug: str, reason: str, not_before: Any, file: Any) -> None:
    """Record what shoppers said on the phone."""
    more: dict[str, Any] = {}
    if reason:
        more["cancel_reason"] = reason
    if not_before:
        more["not_before"] = date(not_before.year, not_before.month, not_before.day)
    _record_all(slug, "intent", _pairs(reference, answer, file), by="agent", **more)


@command.command("status")
@click.argument("reference", required=False)
@click.argument("status", required=False)
@_merchant
@click.option("--file", "file", type=click.File("r"), help="CSV lines of reference,status instead of one order.")
@click.option("--by", type=click.Choice(["courier", "merchant"]), default="courier", show_default=True)
def status(reference: str | None, status: str | None, slug: str, file: Any, by: str) -> None:
    """Record where parcels are: shipped, out_for_delivery, delivered, returned or cancelled."""
    _record_all(slug, "status", _pairs(reference, status, file), by=by)


@command.command("ask")
@_merchant
def ask(slug: str) -> None:
    """Plan the questions of orders that were imported before the shop had a WhatsApp number."""
    from bot.orders import uploads
    from bot.services import services
    from bot.talk.start import NoChannel

    given, planned = services(), 0
    try:
        while True:
            with given.database.session() as session:
                count = uploads.plan_unplanned(session, _find(session, slug), shards=given.settings.shards)
            planned += count
            if not count:
                break
    except NoChannel as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{planned} orders are planned")


@command.command("sample")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def sample(output: Path) -> None:
    """Write a sample order list in Shopify's format: made-up shoppers, fresh dates."""
    from bot.clock import now
    from bot.orders.samples import shopify_list

    output.write_bytes(shopify_list(now()))
    click.echo(f"{output}: a sample list", err=True)


def _logs_aside() -> None:
    """Send logs to stderr: stdout is what the command was asked for, and programs read it."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def _find(session: "Session", slug: str) -> "Merchant":
    from sqlmodel import select

    from bot.models import Merchant

    merchant = session.exec(select(Merchant).where(Merchant.slug == slug)).one_or_none()
    if merchant is None:
        known = ", ".join(session.exec(select(Merchant.slug).order_by(Merchant.slug)).all()) or "none yet"
        raise click.ClickException(f"There is no merchant {slug!r} (known: {known}). See `flask merchants create`.")
    return merchant


def _columns(content: bytes, region: str, chosen: tuple[str, ...]) -> dict[str, tuple[int, ...]] | None:
    """Turn `phone=Mobile No` into the place of that column."""
    if not chosen:
        return None
    from bot.orders.spreadsheet import FIELDS, open_list

    with_some = {"landmark": ()}
    orders = open_list(content, region, with_some)
    orders.close()
    columns: dict[str, tuple[int, ...]] = {}
    for choice in chosen:
        field, sign, header = choice.partition("=")
        if not sign or field not in FIELDS:
            raise click.ClickException(f"--map {choice}: FIELD=HEADER with one of {', '.join(FIELDS)}")
        places = [place for place, name in enumerate(orders.header) if name.casefold() == header.strip().casefold()]
        if header.strip() and not places:
            raise click.ClickException(
                f"--map {choice}: the file has no such column; it has {', '.join(orders.header)}"
            )
        columns[field] = tuple(places[:1])
    return columns


def _pairs(one: str | None, value: str | None, file: Any) -> list[tuple[str, str]]:
    if file is not None:
        return [(row[0].strip(), row[1].strip()) for row in csv.reader(file) if len(row) >= 2 and row[0].strip()]
    if one is None or value is None:
        raise click.UsageError("Give a reference and a value, or --file.")
    return [(one, value)]


def _record_all(slug: str, field: str, pairs: list[tuple[str, str]], *, by: str, **more: Any) -> None:
    """Record one field of many orders, each in a transaction of its own; end with 1 when one could not be."""
    from sqlmodel import select

    from bot.clock import now
    from bot.models import Order
    from bot.orders import outcomes
    from bot.services import services

    _logs_aside()
    given, failed = services(), 0
    for reference, value in pairs:
        with given.database.session() as session:
            merchant = _find(session, slug)
            statement = select(Order).where(Order.merchant_id == merchant.id, Order.reference == reference)
            order = session.exec(statement.with_for_update()).one_or_none()
            if order is None:
                click.echo(f"{reference}: there is no such order", err=True)
                failed += 1
                continue
            changes: dict[str, Any] = {field: value, **more}
            try:
                took = outcomes.record(session, order, by=by, at=now(), bell=given.bell, **changes)
            except ValueError as error:
                click.echo(f"{reference}: {error}", err=True)
                failed += 1
                continue
            told = ", ".join(f"{name} {text}" for name, text in took.items()) or "nothing changed"
            click.echo(f"{reference}: {told}")
    if failed:
        raise SystemExit(1)


def _progress(done: int, rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} of {rows:,} rows", nl=done >= rows, err=True)


def _show(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, default=str))
        return
    for note in told["notes"]:
        click.echo(f"Note: {note}")
    if told.get("repeated"):
        click.echo("This file was imported before; nothing changed. Its report was:")
    click.echo(f"Format: {told['format']}")
    for field, headers in told["columns"].items():
        click.echo(f"  {field:18} {' | '.join(headers)}")
    click.echo(
        f"{told['rows']} rows: {told['accepted']} accepted, {told['skipped']} skipped, {told['rejected']} rejected. "
        f"Orders: {told['orders']['new']} new, {told['orders']['updated']} updated, "
        f"{told['orders']['unchanged']} unchanged."
    )
    addresses = told["addresses"]
    codes = ", ".join(f"{code} {number}" for code, number in sorted(addresses["codes"].items(), key=lambda x: -x[1]))
    click.echo(
        f"Addresses: {addresses['ok']} good, {addresses['ask']} need one question, {addresses['hold']} are doubtful"
        + (f" ({codes})." if codes else ".")
    )
    for title, name in (("Rejected", "problems"), ("Skipped", "skips"), ("To know", "warnings")):
        _show_problems(title, told[name])
    _show_problems("Addresses", addresses["findings"])
    if told.get("error"):
        click.echo(f"The import stopped: {told['error']}", err=True)


def _show_problems(title: str, problems: list[dict[str, Any]]) -> None:
    if not problems:
        return
    click.echo(f"{title}:")
    for problem in problems[:SHOWN]:
        where = f" {problem['column']}" if problem.get("column") else ""
        value = f" “{problem['value']}”" if problem.get("value") else ""
        click.echo(f"  row {problem['row']}{where}{value}: {problem['reason']} [{problem['code']}]")
    if len(problems) > SHOWN:
        click.echo(f"  ... and {len(problems) - SHOWN} more; --json lists all")

"""`flask addresses`: build the index, check addresses, merge replies; JSON lines, or one by hand."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click


@click.group(name="addresses", help="Check addresses, merge replies into them, build the index of places.")
def command() -> None:
    """Group the commands; the address modules load only when one of them runs."""


@command.command("build")
@click.option("--force", is_flag=True, help="Build anew even when the index is fresh.")
def build_index(force: bool) -> None:
    """Build the index of places from its source packages (a minute or two, once)."""
    from bot.addresses.build import build
    from bot.addresses.index import INDEX_PATH

    began = time.monotonic()
    try:
        done = build(force)
    except (RuntimeError, OSError) as error:
        raise click.ClickException(str(error)) from error
    size = INDEX_PATH.stat().st_size / 1e6
    click.echo(
        f"Built {INDEX_PATH} ({size:.1f} MB) in {time.monotonic() - began:.0f} s."
        if done
        else f"{INDEX_PATH} is fresh ({size:.1f} MB)."
    )


@command.command("check")
@click.argument("address", required=False)
@click.option("--city", default="", help="City of the address given by hand.")
@click.option("--state", default="", help="State or province.")
@click.option("--pin", "pincode", default="", help="Postal code.")
@click.option("--country", default="IN", show_default=True, help="Two letters.")
@click.option("--json", "as_json", is_flag=True, help="Print the report of ADDRESS as JSON.")
def check_addresses(address: str | None, city: str, state: str, pincode: str, country: str, as_json: bool) -> None:
    """Check ADDRESS and print it for people; without ADDRESS read JSON lines {"id", "record"} and write reports."""
    from bot.addresses.cli_format import address_of, check_row

    if address is None:
        _each_line(check_row)
        return
    record = {"address1": address, "city": city, "state": state, "pincode": pincode, "country": country}
    if as_json:
        click.echo(json.dumps(check_row({"record": record}), ensure_ascii=False))
        return
    from bot.addresses import check
    from bot.addresses.show import report_lines

    click.echo("\n".join(report_lines(_indexed(check, address_of(record)))))


@command.command("merge")
@click.argument("address", required=False)
@click.option("--city", default="", help="City of the address given by hand.")
@click.option("--state", default="", help="State or province.")
@click.option("--pin", "pincode", default="", help="Postal code.")
@click.option("--country", default="IN", show_default=True, help="Two letters.")
@click.option(
    "--question", default="", help="The question that was asked, as ASK_HOUSE; by default the one the check would ask."
)
@click.option("--reply", "replies", multiple=True, help="What the shopper wrote; repeat it for several messages.")
def merge_replies(
    address: str | None, city: str, state: str, pincode: str, country: str, question: str, replies: tuple[str, ...]
) -> None:
    """Merge --reply into ADDRESS; without ADDRESS read JSON lines {"id", "before", "question", "replies"}."""
    from bot.addresses.cli_format import address_of, merge_row

    if address is None:
        _each_line(merge_row)
        return
    from bot.addresses import check, merge
    from bot.addresses.show import merge_lines

    before = address_of({"address1": address, "city": city, "state": state, "pincode": pincode, "country": country})
    asked = question or _indexed(check, before).question
    click.echo("\n".join(merge_lines(_indexed(merge, before, asked, replies))))


def _each_line(answer: Any) -> None:
    """Answer every JSON line on standard input with one on standard output; name the line that cannot be read."""
    from bot.addresses.index import IndexMissing

    out = sys.stdout.buffer
    failed = 0
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            click.echo(f"line {number}: not JSON: {error}", err=True)
            failed += 1
            continue
        if not isinstance(row, dict):
            click.echo(f"line {number}: an object was expected", err=True)
            failed += 1
            continue
        try:
            # A lone half of a surrogate pair can be read from JSON but not be written as UTF-8.
            out.write(json.dumps(answer(row), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        except IndexMissing as error:
            raise click.ClickException(str(error)) from error
    out.flush()
    if failed:
        raise click.ClickException(f"{failed} line(s) could not be read; the others were answered.")


def _indexed(work: Any, *arguments: Any) -> Any:
    from bot.addresses.index import IndexMissing

    try:
        return work(*arguments)
    except IndexMissing as error:
        raise click.ClickException(str(error)) from error

"""The overview: what asking has brought a shop, as pictures with the table behind each."""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from flask import Blueprint, Response, abort, current_app, render_template, request
from flask_babel import gettext as _

from bot.clock import at_local, now
from bot.models import Merchant
from bot.orders.export import safe
from bot.orders.rules import Rules
from bot.web import figures, live, tenant
from bot.web.access import MERCHANT, allow, me
from bot.web.figures import Figures, difference
from bot.web.sessions import Shop

blueprint = Blueprint("overview", __name__, url_prefix="/overview")

SPANS = (7, 30, 90)
FRESH = 10.0
"""Seconds for which figures are shown again."""
MESSAGE_PRICES = {"INR": 0.115}
"""Meta's price of a utility or service message from October 2026, without tax, where it is known in this currency.
https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing"""

Table = tuple[list[str], Iterable[Iterable[Any]]]


@blueprint.get("")
@allow(MERCHANT)
def page() -> str:
    """Show the figures of the last days."""
    state = live.state("orders")
    shop = _shop()
    found, rules = _read(shop)
    return render_template(
        "overview.html", f=found, days=_days(), spans=SPANS, saved=found.stopped * rules.return_cost,
        return_cost=rules.return_cost, cost=_cost(found, rules, shop), currency=shop.currency, live=state,
        difference=difference(found.without_asking, found.with_asking),
    )  # fmt: skip


@blueprint.get("/<what>.csv")
@allow(MERCHANT)
def table(what: str) -> Response:
    """Give the table behind a picture."""
    if what not in _TABLES:
        abort(404)
    found, _rules = _read(_shop())
    header, rows = _TABLES[what](found)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return Response(
        "\ufeff" + out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{what}.csv"'},
    )


def _cost(found: Figures, rules: Rules, shop: Shop) -> int | None:
    """Return what the messages cost in minor units; None when nobody said what one does."""
    price = MESSAGE_PRICES.get(shop.currency) if rules.message_price is None else rules.message_price
    return None if price is None else round(found.messages * price * 10 ** get_currency_precision(shop.currency))


def _shop() -> Shop:
    shop = me().shop
    if shop is None:
        abort(404)
    return shop


def _days() -> int:
    wanted = request.args.get("days", type=int)
    return wanted if wanted in SPANS else 30


def _read(shop: Shop) -> tuple[Figures, Rules]:
    """Return the figures, at most some seconds old: a large shop's take a second to add up, and many may be looking."""
    kept: dict[tuple[int, int], tuple[float, tuple[Figures, Rules]]]
    kept = current_app.extensions.setdefault("pakka_figures", {})
    added_up = kept.get((shop.id, _days()))
    if added_up is None or added_up[0] < monotonic():
        added_up = monotonic() + FRESH, _add_up(shop)
        kept[shop.id, _days()] = added_up
    return added_up[1]


def _add_up(shop: Shop) -> tuple[Figures, Rules]:
    zone = ZoneInfo(shop.timezone)
    until = now()
    since: datetime = at_local(until.astimezone(zone).date() - timedelta(days=_days() - 1), time(0), zone)
    with tenant.reading() as session:
        rules = Rules.from_json(session.get_one(Merchant, shop.id).rules)
        return figures.read(session, zone, since, until + timedelta(seconds=1), shop.currency), rules


def _rates(pairs: Iterable[tuple[str, figures.Rate]]) -> Iterable[Iterable[Any]]:
    return ([name, rate.hits, rate.of, round(rate.share, 3)] for name, rate in pairs)


_TABLES: dict[str, Callable[[Figures], Table]] = {
    "days": lambda f: (["day", *figures.ANSWERS], ([on.isoformat(), *parts.values()] for on, parts in f.days)),
    "goods": lambda f: (["product", *figures.ANSWERS], ([name, *parts.values()] for name, parts in f.goods)),
    "speeds": lambda f: (["seconds", "share"], ([seconds, round(share, 3)] for seconds, share in f.speeds)),
    "reasons": lambda f: (["reason", "orders"], f.reasons),
    "findings": lambda f: (["finding", "orders"], f.findings),
    "products": lambda f: (["product", "returned", "ended", "share"], _rates(f.products)),
    "postcodes": lambda f: (["postal code", "returned", "ended", "share"], _rates(f.postcodes)),
    "effect": lambda f: (
        ["group", "returned", "ended", "share"],
        _rates([(_("asked"), f.with_asking), (_("not asked"), f.without_asking)]),
    ),
}

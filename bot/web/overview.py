"""The overview: what asking has brought a shop, as pictures with the table behind each."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from threading import Thread
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from babel.numbers import get_currency_precision
from flask import Blueprint, Flask, Response, abort, current_app, render_template, request
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import at_local, now
from bot.models import Merchant
from bot.orders.export import safe
from bot.orders.rules import Rules
from bot.web import explanations, figures, live, tenant
from bot.web.access import MERCHANT, allow, my_shop
from bot.web.figures import Figures, difference
from bot.web.sessions import Shop

log = structlog.get_logger()
blueprint = Blueprint("overview", __name__, url_prefix="/overview")

SPANS = (7, 30, 90)
FRESH = 5.0
"""Seconds for which figures are shown again."""
QUICK = 0.05
"""Seconds that a page may wait for its figures."""
OLDEST = 900.0
"""Seconds after which figures are no longer shown, however long it takes to add them up."""
MESSAGE_PRICES = {"INR": 0.115}
"""Meta's price of a utility or service message from October 2026, without tax, where it is known in this currency.
https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing"""

Table = tuple[list[str], Iterable[Iterable[Any]]]


@blueprint.get("")
@allow(MERCHANT)
def page() -> str:
    """Show the figures of the last days."""
    state = live.state("orders")
    shop = my_shop()
    found, rules = _read(shop)
    return render_template(
        "overview.html", f=found, days=_days(), spans=SPANS, saved=found.stopped * rules.return_cost,
        return_cost=rules.return_cost, cost=_cost(found, rules, shop), currency=shop.currency, live=state,
        difference=difference(found.without_asking, found.with_asking), lacks=_lacks(found),
    )  # fmt: skip


@blueprint.get("/<what>.csv")
@allow(MERCHANT)
def table(what: str) -> Response:
    """Give the table behind a picture."""
    if what not in _TABLES:
        abort(404)
    found, _rules = _read(my_shop())
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


def _lacks(found: Figures) -> list[tuple[str, int]]:
    """Return what addresses lack in the reader's words, which may be the same for several of the core's sentences."""
    told: Counter[str] = Counter()
    for code, sentence, orders in found.findings:
        told[explanations.finding(sentence, code)] += orders
    return told.most_common()


def _cost(found: Figures, rules: Rules, shop: Shop) -> int | None:
    """Return what the messages cost in minor units; None when nobody said what one does."""
    price = MESSAGE_PRICES.get(shop.currency) if rules.message_price is None else rules.message_price
    return None if price is None else round(found.messages * price * 10 ** get_currency_precision(shop.currency))


def _days() -> int:
    wanted = request.args.get("days", type=int)
    return wanted if wanted in SPANS else 30


@dataclass(frozen=True)
class _Kept:
    """Figures that were added up, when, and how long it took."""

    figures: Figures
    rules: Rules
    at: float
    took: float
    again: bool = False
    """Whether somebody is adding them up anew."""


def _read(shop: Shop) -> tuple[Figures, Rules]:
    """Return the figures, at most some seconds old.

    Those of a large shop, which take longer to add up than anybody waits for a page, are shown as they were while they
    are added up anew: the page asks again.
    """
    kept: dict[tuple[int, int], _Kept] = current_app.extensions.setdefault("pakka_figures", {})
    key, at = (shop.id, _days()), monotonic()
    found = kept.get(key)
    if found is None or at > found.at + OLDEST or (found.took < QUICK and at > found.at + FRESH):
        found = kept[key] = _add_up(shop, _days())
    elif at > found.at + FRESH and not found.again:
        # Only one of those who look lets it be added up.
        kept[key] = replace(found, again=True)
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # A thread has none of its own.
        Thread(target=_again, args=(app, kept, key, shop), daemon=True).start()
    return found.figures, found.rules


def _again(app: Flask, kept: dict[tuple[int, int], _Kept], key: tuple[int, int], shop: Shop) -> None:
    with app.app_context():
        try:
            kept[key] = _add_up(shop, key[1])
        except SQLAlchemyError as error:
            kept[key] = replace(kept[key], at=monotonic(), again=False)
            log.warning("figures.stale", kind=type(error).__name__)


def _add_up(shop: Shop, days: int) -> _Kept:
    zone = ZoneInfo(shop.timezone)
    until, began = now(), monotonic()
    since: datetime = at_local(until.astimezone(zone).date() - timedelta(days=days - 1), time(0), zone)
    with tenant.reading(shop.id) as session:
        rules = Rules.from_json(session.get_one(Merchant, shop.id).rules)
        found = figures.read(session, zone, since, until + timedelta(seconds=1), shop.currency)
    return _Kept(found, rules, monotonic(), monotonic() - began)


def _rates(pairs: Iterable[tuple[str, figures.Rate]]) -> Iterable[Iterable[Any]]:
    return ([name, rate.hits, rate.of, round(rate.share, 3)] for name, rate in pairs)


_TABLES: dict[str, Callable[[Figures], Table]] = {
    "days": lambda f: (["day", *figures.COLUMNS], ([on.isoformat(), *day.cells] for on, day in f.days)),
    "goods": lambda f: (["product", *figures.COLUMNS], ([name, *product.cells] for name, product in f.goods)),
    "speeds": lambda f: (["seconds", "share"], ([seconds, round(share, 3)] for seconds, share in f.speeds)),
    "reasons": lambda f: (["reason", "orders"], f.reasons),
    "findings": lambda f: (["finding", "orders"], ([sentence, number] for _code, sentence, number in f.findings)),
    "products": lambda f: (["product", "returned", "ended", "share"], _rates(f.products)),
    "postcodes": lambda f: (["postal code", "returned", "ended", "share"], _rates(f.postcodes)),
    "effect": lambda f: (
        ["group", "returned", "ended", "share"],
        _rates([(_("asked"), f.with_asking), (_("not asked"), f.without_asking)]),
    ),
}

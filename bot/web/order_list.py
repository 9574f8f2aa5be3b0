"""The list of orders: views, filters, sorting, and pages by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, select
from werkzeug.datastructures import MultiDict

from bot.clock import at_local
from bot.models import AddressVersion, Order, OrderItem
from bot.models.orders import DECISIONS, INTENTS
from bot.web.access import me
from bot.web.masks import hides

PAGE = 50
_OPEN = col(Order.status) == "open"
_NEEDS = or_(col(Order.decision).in_(("hold", "call")), col(Order.intent).in_(("denied", "unreachable")))

VIEWS: dict[str, ColumnElement[bool] | None] = {
    "all": None,
    "todo": and_(_OPEN, _NEEDS),
    "waiting": and_(_OPEN, col(Order.intent).in_(("unasked", "asked"))),
    "confirmed": and_(_OPEN, col(Order.intent) == "confirmed"),
    "silent": and_(_OPEN, col(Order.intent) == "silent"),
    "cancelled": or_(col(Order.intent) == "cancelled", col(Order.status) == "cancelled"),
    "shipped": col(Order.status).in_(("shipped", "out_for_delivery", "delivered", "returned")),
}
"""The usual views; "todo" is what waits for a person of the shop."""

SORTS: dict[str, tuple[Any, bool]] = {
    "newest": (col(Order.created_at), True),
    "changed": (col(Order.updated_at), True),
    "cutoff": (col(Order.cutoff_at), False),
    "amount": (col(Order.amount), True),
}
"""A column to sort by, and whether its largest comes first; the id behind it gives every row a place of its own.

By cut-off come those that wait for it; the others follow, the newest first.
"""
_LEFT = "left"
"""Marks the key of a page that begins among those others."""


@dataclass(frozen=True)
class Wanted:
    """What the address of the page asks for; whatever cannot be read counts as not asked."""

    view: str = "all"
    search: str = ""
    intent: str = ""
    decision: str = ""
    changed: bool = False
    weak: bool = False
    since: date | None = None
    until: date | None = None
    upload: int | None = None
    sort: str = "newest"
    after: str = ""

    @classmethod
    def from_arguments(cls, given: MultiDict[str, str]) -> "Wanted":
        """Read the parameters of a request."""
        return cls(
            view=given.get("view", "all") if given.get("view") in VIEWS else "all",
            search=given.get("q", "").replace("\0", "").strip()[:80],
            intent=given.get("intent", "") if given.get("intent") in INTENTS else "",
            decision=given.get("decision", "") if given.get("decision") in DECISIONS else "",
            changed=given.get("changed") == "1",
            weak=given.get("weak") == "1",
            since=_day(given.get("since")),
            until=_day(given.get("until")),
            upload=given.get("upload", type=_small),
            sort=given.get("sort", "newest") if given.get("sort") in SORTS else "newest",
            after=given.get("after", "")[:80],
        )

    @property
    def query(self) -> str:
        """The address's parameters that give this list again, without the page."""
        set_ = {
            "view": self.view if self.view != "all" else "",
            "q": self.search,
            "intent": self.intent,
            "decision": self.decision,
            "changed": int(self.changed) or "",
            "weak": int(self.weak) or "",
            "since": self.since or "",
            "until": self.until or "",
            "upload": self.upload or "",
            "sort": self.sort if self.sort != "newest" else "",
        }
        return urlencode({name: value for name, value in set_.items() if value != ""})

    @property
    def narrowed(self) -> int:
        """How many filters are set beside view and search."""
        return sum(
            map(bool, (self.intent, self.decision, self.changed, self.weak, self.since, self.until, self.upload))
        )


@dataclass(frozen=True)
class Line:
    """One order as the list shows it."""

    order: Order
    first_item: str
    pieces: int
    place: str
    score: int | None


@dataclass(frozen=True)
class Found:
    """A page of the list."""

    lines: Sequence[Line]
    counts: dict[str, int]
    """View -> how many orders it has, before search and filters."""
    older: str | None
    """The key of the next page."""


def look(session: Session, wanted: Wanted) -> Found:
    """Read one page of the list."""
    key, _, mark = wanted.after.partition("!")
    conditions = _conditions(wanted)
    if wanted.sort != "cutoff":
        rows = _rows(session, conditions, wanted.sort, key, PAGE + 1)
    else:
        rows = [] if mark else _rows(session, [*conditions, _OPEN], "cutoff", key, PAGE + 1)
        if len(rows) <= PAGE:
            rows += _rows(session, [*conditions, ~_OPEN], "newest", key if mark else "", PAGE + 1 - len(rows))
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        last = rows[-1]
        left = wanted.sort == "cutoff" and last.status != "open"
        value = getattr(last, SORTS["newest" if left else wanted.sort][0].key)
        written = value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
        older = f"{written}~{last.id}" + ("!" + _LEFT if left else "")
    return Found(_lines(session, rows), _counts(session), older)


def _rows(session: Session, conditions: Sequence[Any], sort: str, key: str, most: int) -> list[Order]:
    column, descending = SORTS[sort]
    statement = select(Order).where(*conditions)
    if (begin := _key(sort, key)) is not None:
        statement = statement.where(_beyond(column, descending, *begin))
    ordering = (column.desc(), col(Order.id).desc()) if descending else (column.asc().nulls_last(), col(Order.id).asc())
    return list(session.exec(statement.order_by(*ordering).limit(most)))


def _beyond(column: Any, descending: bool, value: Any, last: int) -> ColumnElement[bool]:
    if descending:
        return or_(column < value, and_(column == value, col(Order.id) < last))
    if value is None:
        return and_(column.is_(None), col(Order.id) > last)
    return or_(column > value, column.is_(None), and_(column == value, col(Order.id) > last))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    zone = ZoneInfo(shop.timezone if (shop := me().shop) else "UTC")
    view = VIEWS[wanted.view]
    conditions = [] if view is None else [view]
    if wanted.search:
        conditions.append(_matches(wanted.search))
    if wanted.intent:
        conditions.append(col(Order.intent) == wanted.intent)
    if wanted.decision:
        conditions.append(col(Order.decision) == wanted.decision)
    if wanted.changed:
        conditions.append(col(Order.address_changed).is_(True))
    if wanted.weak:
        conditions.append(col(Order.id).in_(_weak_addresses()))
    if wanted.since:
        conditions.append(col(Order.created_at) >= at_local(wanted.since, time(0), zone))
    if wanted.until:
        conditions.append(col(Order.created_at) < at_local(wanted.until + timedelta(days=1), time(0), zone))
    if wanted.upload:
        conditions.append(col(Order.upload_id) == wanted.upload)
    return conditions


def _matches(search: str) -> ColumnElement[bool]:
    """The order's number, the shopper's name, or any part of the phone number."""
    text = search.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    digits = "".join(c for c in search if c.isdigit())
    found = or_(
        func.lower(Order.reference).like(f"%{text}%", escape="\\"),
        func.lower(Order.shopper_name).like(f"%{text}%", escape="\\"),
    )
    if hides():
        # Whoever may not see numbers finds the one that is told to them, and cannot guess one piece by piece.
        return or_(found, col(Order.phone).like(f"%{digits}")) if len(digits) >= 10 else found
    # Three digits are part of every second number; five are a search.
    return or_(found, col(Order.phone).like(f"%{digits}%")) if len(digits) >= 5 else found


def _weak_addresses() -> Any:
    newer: Any = aliased(AddressVersion)
    has_newer = exists().where(
        newer.order_id == AddressVersion.order_id, newer.version > AddressVersion.version, newer.settled
    )
    return select(AddressVersion.order_id).where(col(AddressVersion.score) < 60, ~has_newer)


def _counts(session: Session) -> dict[str, int]:
    groups = session.exec(
        select(Order.status, Order.intent, Order.decision, func.count()).group_by(
            col(Order.status), col(Order.intent), col(Order.decision)
        )
    ).all()
    counts = dict.fromkeys(VIEWS, 0)
    for status, intent, decision, number in groups:
        counts["all"] += number
        if status == "open":
            counts["todo"] += number if decision in ("hold", "call") or intent in ("denied", "unreachable") else 0
            counts["waiting"] += number if intent in ("unasked", "asked") else 0
            counts["confirmed"] += number if intent == "confirmed" else 0
            counts["silent"] += number if intent == "silent" else 0
        counts["cancelled"] += number if intent == "cancelled" or status == "cancelled" else 0
        counts["shipped"] += number if status in ("shipped", "out_for_delivery", "delivered", "returned") else 0
    return counts


def _lines(session: Session, orders: Sequence[Order]) -> list[Line]:
    ids = [order.id for order in orders]
    items: dict[int, list[OrderItem]] = {}
    for item in session.exec(
        select(OrderItem).where(col(OrderItem.order_id).in_(ids)).order_by(col(OrderItem.position))
    ):
        items.setdefault(item.order_id, []).append(item)
    addresses: dict[int, AddressVersion] = {}
    for address in session.exec(
        select(AddressVersion).where(col(AddressVersion.order_id).in_(ids)).order_by(col(AddressVersion.version))
    ):
        # One that is still being asked about is not where the parcel goes.
        if address.settled or address.order_id not in addresses:
            addresses[address.order_id] = address
    return [_line(order, items.get(order.id or 0, []), addresses.get(order.id or 0)) for order in orders]


def _line(order: Order, items: Sequence[OrderItem], address: AddressVersion | None) -> Line:
    parts = address.parts if address else {}
    place = " ".join(str(parts[name]) for name in ("city", "postal_code") if parts.get(name))
    return Line(
        order,
        items[0].name if items else "",
        sum(item.quantity for item in items),
        place,
        address.score if address else None,
    )


def _key(sort: str, key: str) -> tuple[Any, int] | None:
    value, _, last = key.rpartition("~")
    try:
        number = _small(last)
        if sort == "amount":
            return (int(value), number) if abs(int(value)) < 2**63 else None
        if not value:
            return (None, number) if sort == "cutoff" else None
        at = datetime.fromisoformat(value)
        return None if at.tzinfo is None else (at, number)
    except ValueError:
        return None


def _day(value: str | None) -> date | None:
    try:
        day = date.fromisoformat(value or "")
    except ValueError:
        return None
    # The first and the last days that there are have no neighbours, which zones need.
    return day if 1900 < day.year < 9000 else None


def _small(value: str) -> int:
    number = int(value)
    if not 0 < number < 2**31:
        raise ValueError(value)
    return number

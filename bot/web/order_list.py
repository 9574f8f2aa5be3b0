"""The list of orders: views, filters, sorting, and pages by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, select
from werkzeug.datastructures import MultiDict

from bot.clock import at_local
from bot.models import AddressVersion, Order, OrderItem
from bot.models.orders import DECISIONS, INTENTS
from bot.web.access import me

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

_FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Sort:
    """A column to sort by, with the id behind it, so that every row has a place of its own."""

    column: Any
    descending: bool
    write: Any
    read: Any


def _write_time(value: datetime | None) -> str:
    return (value or _FAR).isoformat()


SORTS: dict[str, _Sort] = {
    "newest": _Sort(col(Order.created_at), True, _write_time, datetime.fromisoformat),
    "changed": _Sort(col(Order.updated_at), True, _write_time, datetime.fromisoformat),
    "cutoff": _Sort(func.coalesce(col(Order.cutoff_at), _FAR), False, _write_time, datetime.fromisoformat),
    "amount": _Sort(col(Order.amount), True, str, int),
}
_SORT_VALUES = {"newest": "created_at", "changed": "updated_at", "cutoff": "cutoff_at", "amount": "amount"}


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
    sort = SORTS[wanted.sort]
    statement = select(Order)
    for condition in _conditions(wanted):
        statement = statement.where(condition)
    key = _key(wanted)
    if key is not None:
        value, last = key
        beyond = sort.column < value if sort.descending else sort.column > value
        tie = col(Order.id) < last if sort.descending else col(Order.id) > last
        statement = statement.where(or_(beyond, and_(sort.column == value, tie)))
    ordering = (
        (sort.column.desc(), col(Order.id).desc()) if sort.descending else (sort.column.asc(), col(Order.id).asc())
    )
    rows = session.exec(statement.order_by(*ordering).limit(PAGE + 1)).all()
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        older = f"{sort.write(getattr(rows[-1], _SORT_VALUES[wanted.sort]))}~{rows[-1].id}"
    return Found(_lines(session, rows), _counts(session), older)


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


def _key(wanted: Wanted) -> tuple[Any, int] | None:
    value, _, last = wanted.after.rpartition("~")
    try:
        read = SORTS[wanted.sort].read(value)
        if isinstance(read, datetime) and read.tzinfo is None:
            return None
        return (read, int(last)) if int(last) < 2**63 and (not isinstance(read, int) or abs(read) < 2**63) else None
    except ValueError:
        return None


def _day(value: str | None) -> date | None:
    try:
        return date.fromisoformat(value or "")
    except ValueError:
        return None


def _small(value: str) -> int:
    number = int(value)
    if not 0 < number < 2**63:
        raise ValueError(value)
    return number

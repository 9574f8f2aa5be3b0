"""The figures of the overview: what asking has brought, read from the orders of a span of days."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, and_, case, cast, func, text, true
from sqlmodel import Session, SQLModel, col, select

from bot.models import Order

ANSWERS = ("confirmed", "cancelled", "silent", "waiting", "others")
"""The parts into which a day's orders fall."""
COLUMNS = (*ANSWERS, "asked", "answered", "changed")
"""What the tables of days and of products tell."""
SPEEDS = (300, 900, 3600, 4 * 3600, 24 * 3600)
"""Seconds within which shoppers have answered, for the curve."""
MOST = 8
"""As many lines as a list has."""
SAMPLE = 200
"""Orders from which the number of messages is told: to count those of a large shop takes longer than its page."""
_Z = 1.96
# As bare tables, because what hangs on an order is let through by the order: the wall's own rule for them would make
# the database look up all orders of the shop for each question.
_ADDRESSES, _ITEMS, _MESSAGES, _RECEIPTS = (
    SQLModel.metadata.tables[name] for name in ("address", "order_item", "message", "receipt")
)


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval (Wilson): few orders make it wide, and that is the point of showing it."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        """The share itself."""
        return self.hits / self.of if self.of else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Its lower and upper bound."""
        if not self.of:
            return 0.0, 1.0
        n, p = self.of, self.share
        middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
        half = _Z / (1 + _Z * _Z / n) * sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def difference(one: Rate, other: Rate) -> tuple[float, float, float]:
    """Return how much larger `one` is, with the bounds of Newcombe's interval (his method 10)."""
    (l1, u1), (l2, u2) = one.bounds, other.bounds
    d = one.share - other.share
    below = sqrt((one.share - l1) ** 2 + (u2 - other.share) ** 2)
    above = sqrt((u1 - one.share) ** 2 + (other.share - l2) ** 2)
    return d, d - below, d + above


@dataclass
class Slice:
    """The orders of one day or of one product: how many of each part of `ANSWERS`, and what went on with them."""

    parts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ANSWERS, 0))
    asked: int = 0
    answered: int = 0
    changed: int = 0
    """Those whose address was put right."""

    def add(self, part: str, number: Any, asked: Any, answered: Any, changed: Any) -> None:
        """Count some orders of one part."""
        self.parts[part] += int(number)
        self.asked += int(asked)
        self.answered += int(answered)
        self.changed += int(changed or 0)

    @property
    def number(self) -> int:
        """How many orders they are."""
        return sum(self.parts.values())

    @property
    def cells(self) -> list[int]:
        """The numbers in the order of `COLUMNS`."""
        return [*self.parts.values(), self.asked, self.answered, self.changed]


@dataclass(frozen=True)
class Figures:
    """Everything the overview shows; money in minor units of the shop's currency."""

    orders: int
    asked: int
    answered: int
    answers: dict[str, int]
    changed: int
    confirmed_cash: int
    cash_at_risk: int
    foreign: int
    """Orders in other currencies, whose money is not in the sums."""
    stopped: int
    """Parcels that were not sent because the shopper said so in time."""
    messages: int
    """Those that WhatsApp charges for, told from the newest `SAMPLE` of the orders that were asked."""
    days: list[tuple[date, Slice]]
    goods: list[tuple[str, Slice]]
    """The products ordered most."""
    speeds: list[tuple[int, float]]
    """Seconds -> share of those asked who had answered by then."""
    reasons: list[tuple[str, int]]
    findings: list[tuple[str, str, int]]
    """What addresses lacked as they were ordered, the most often first: code, English sentence, orders."""
    products: list[tuple[str, Rate]]
    postcodes: list[tuple[str, Rate]]
    with_asking: Rate
    without_asking: Rate


def read(session: Session, zone: ZoneInfo, since: datetime, until: datetime, currency: str) -> Figures:
    """Read the figures of the orders that came in between two instants."""
    inside = (col(Order.created_at) >= since, col(Order.created_at) < until, col(Order.trial).is_(False))
    groups = _groups(session, inside, zone, since, until, currency)

    def total(name: str, **of: Any) -> int:
        some = (group for group in groups if all(getattr(group, key) == value for key, value in of.items()))
        return sum(int(getattr(group, name) or 0) for group in some)

    asked = total("asked")
    goods, products = _goods(session, inside)
    return Figures(
        orders=total("number"),
        asked=asked,
        answered=total("answered"),
        answers={part: total("number", part=part) for part in ANSWERS},
        changed=total("changed"),
        confirmed_cash=total("confirmed_cash"),
        cash_at_risk=total("cash_at_risk"),
        foreign=total("foreign"),
        stopped=total("stopped"),
        messages=_messages(session, inside, asked),
        days=_days(groups, zone, since, until),
        goods=goods,
        speeds=[(seconds, total(f"within_{seconds}") / asked if asked else 0.0) for seconds in SPEEDS],
        reasons=_reasons(session, inside),
        findings=_findings(session, inside),
        products=products,
        postcodes=_returns_by_postcode(session, inside),
        with_asking=Rate(total("returned", held_out=False), total("ended", held_out=False)),
        without_asking=Rate(total("returned", held_out=True), total("ended", held_out=True)),
    )


def _part() -> ColumnElement[str]:
    return case(
        (col(Order.intent).in_(("confirmed", "cancelled", "silent")), col(Order.intent)),
        (col(Order.intent).in_(("unasked", "asked")), "waiting"),
        else_="others",
    )


def _groups(
    session: Session, where: Sequence[Any], zone: ZoneInfo, since: datetime, until: datetime, currency: str
) -> Sequence[Any]:
    """Count the orders by day, part and hold-out in one pass: a question for each figure would read them all again."""
    if session.info["is_sqlite"]:
        # SQLite knows no zones: the distance at the end of the span is right, but for days before a change of clocks.
        minutes = int((until.astimezone(zone).utcoffset() or timedelta(0)).total_seconds() // 60)
        day: Any = func.date(col(Order.created_at), f"{minutes:+d} minutes")
        took: Any = (func.julianday(col(Order.answered_at)) - func.julianday(col(Order.asked_at))) * 86400
    else:
        day = cast(func.timezone(str(zone), col(Order.created_at)), Date)
        took = func.extract("epoch", col(Order.answered_at) - col(Order.asked_at))
    intent, status, ours = col(Order.intent), col(Order.status), col(Order.currency) == currency
    at_risk = and_(status == "open", intent.in_(("silent", "unreachable", "denied", "asked")))
    stopped = and_(intent.in_(("cancelled", "denied")), status.in_(("open", "cancelled")))
    figures = {
        "asked": func.count(col(Order.asked_at)),
        "answered": func.count(col(Order.answered_at)),
        "changed": _sum(col(Order.address_changed)),
        "confirmed_cash": _sum(and_(ours, intent == "confirmed"), col(Order.amount)),
        "cash_at_risk": _sum(and_(ours, at_risk), col(Order.amount)),
        "foreign": _sum(~ours),
        "stopped": _sum(stopped),
        "returned": _sum(status == "returned"),
        "ended": _sum(_ended()),
    } | {f"within_{seconds}": _sum(took <= seconds) for seconds in SPEEDS}
    # By their place, because PostgreSQL takes the same expression with other parameters for another one.
    statement: Any = (
        select(day.label("day"), _part().label("part"), col(Order.held_out).label("held_out"),
               func.count().label("number"), *(figure.label(name) for name, figure in figures.items()))
        .where(*where).group_by(text("1"), text("2"), text("3"))
    )  # fmt: skip
    return session.execute(statement).all()


def _sum(condition: Any, of: Any = 1) -> Any:
    return func.sum(case((condition, of), else_=0))


def _days(groups: Sequence[Any], zone: ZoneInfo, since: datetime, until: datetime) -> list[tuple[date, Slice]]:
    """Return the counts of the shop's own days, those without an order too."""
    first, last = since.astimezone(zone).date(), (until - timedelta(seconds=1)).astimezone(zone).date()
    found = {first + timedelta(days=n): Slice() for n in range((last - first).days + 1)}
    for group in groups:
        day = found.get(date.fromisoformat(str(group.day)))
        if day is not None:
            day.add(group.part, group.number, group.asked, group.answered, group.changed)
    return list(found.items())


def _messages(session: Session, where: Sequence[Any], asked: int) -> int:
    """Count what is charged for the newest orders that were asked, and tell from them what it is for all."""
    some = (
        select(Order.id)
        .where(*where, col(Order.asked_at).is_not(None))
        .order_by(col(Order.created_at).desc())
        .limit(SAMPLE)
    )
    ids = session.exec(some).all()
    if not ids:
        return 0
    # In two steps, because as one the database may begin with the receipts, the largest table of all.
    ours: Any = select(_MESSAGES.c.id).where(_MESSAGES.c.order_id.in_(ids), _MESSAGES.c.direction == "out")
    sent = session.exec(ours).all()
    charged = session.exec(
        select(func.count(func.distinct(_RECEIPTS.c.message_id))).where(
            _RECEIPTS.c.message_id.in_(sent), _RECEIPTS.c.billable.is_(True)
        )
    ).one()
    return round(int(charged) * asked / len(ids))


def _reasons(session: Session, where: Sequence[Any]) -> list[tuple[str, int]]:
    number = func.count().label("number")
    reason = col(Order.cancel_reason)
    statement = select(reason, number).where(*where, reason != "").group_by(reason).order_by(number.desc()).limit(MOST)
    return [(str(name), int(count)) for name, count in session.exec(statement)]


def _findings(session: Session, where: Sequence[Any]) -> list[tuple[str, str, int]]:
    """Count the findings of the addresses as they were ordered."""
    if session.info["is_sqlite"]:
        each = func.json_each(_ADDRESSES.c.findings).table_valued("value")
        code, sentence = (func.json_extract(each.c.value, f"$.{name}") for name in ("code", "sentence"))
    else:
        each = func.jsonb_array_elements(_ADDRESSES.c.findings).table_valued("value")
        code, sentence = (func.jsonb_extract_path_text(each.c.value, name) for name in ("code", "sentence"))
    number = func.count(func.distinct(col(Order.id))).label("number")
    rows = session.execute(
        select(code.label("code"), sentence.label("sentence"), number)
        .select_from(Order)
        .join(_ADDRESSES, _ADDRESSES.c.order_id == col(Order.id))
        .join(each, true())
        .where(*where, _ADDRESSES.c.version == 1)
        .group_by(text("1, 2"))
        .order_by(number.desc(), text("2"))
        .limit(MOST)
    )
    return [(str(code), str(sentence), int(count)) for code, sentence, count in rows]


def _goods(session: Session, where: Sequence[Any]) -> tuple[list[tuple[str, Slice]], list[tuple[str, Rate]]]:
    """Return how the orders of each product were answered, the most ordered first, and which come back most."""
    columns: list[Any] = [
        _ITEMS.c.name, _part().label("part"), _sum(col(Order.status) == "returned"), _sum(_ended()),
        func.count(), func.count(col(Order.asked_at)), func.count(col(Order.answered_at)),
        _sum(col(Order.address_changed)),
    ]  # fmt: skip
    statement = (
        select(*columns)
        .select_from(Order)
        .join(_ITEMS, _ITEMS.c.order_id == col(Order.id))
        .where(*where)
        .group_by(text("1"), text("2"))
    )
    goods: dict[str, Slice] = {}
    ends: dict[str, list[int]] = {}
    for name, part, returned, ended, *numbers in session.exec(statement):
        goods.setdefault(name, Slice()).add(part, *numbers)
        counts = ends.setdefault(name, [0, 0])
        counts[0] += int(returned or 0)
        counts[1] += int(ended or 0)
    most = sorted(goods.items(), key=lambda pair: (-pair[1].number, pair[0]))[:MOST]
    return most, _worst([(name, *counts) for name, counts in ends.items()])


def _returns_by_postcode(session: Session, where: Sequence[Any]) -> list[tuple[str, Rate]]:
    code = _ADDRESSES.c.parts["postal_code"].as_string()
    statement: Any = (
        select(code, _sum(col(Order.status) == "returned"), func.count())
        .select_from(Order)
        .join(_ADDRESSES, _ADDRESSES.c.order_id == Order.id)
        .where(*where, _ended(), _ADDRESSES.c.version == 1)
        .group_by(code)
    )
    return _worst(session.exec(statement).all())


def _worst(rows: Sequence[Any]) -> list[tuple[str, Rate]]:
    """Those whose returns are surely many: sorted by the lower bound, so that one return of one is no news."""
    rates = [(str(name or ""), Rate(int(returned or 0), int(number))) for name, returned, number in rows]
    return sorted((pair for pair in rates if pair[1].hits), key=lambda pair: -pair[1].bounds[0])[:MOST]


def _ended() -> ColumnElement[bool]:
    return col(Order.status).in_(("delivered", "returned"))

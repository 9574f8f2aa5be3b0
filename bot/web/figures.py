"""The figures of the overview: what asking has brought, read from the orders of a span of days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Integer, case, cast, func
from sqlmodel import Session, col, select

from bot.models import AddressVersion, Order, OrderItem

ANSWERS = ("confirmed", "cancelled", "silent", "waiting", "others")
"""The parts into which a day's orders fall."""
SPEEDS = (300, 900, 3600, 4 * 3600, 24 * 3600)
"""Seconds within which shoppers have answered, for the curve."""
_Z = 1.96


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
    stopped: int
    """Parcels that were not sent because the shopper said so in time."""
    days: list[tuple[date, dict[str, int]]]
    speeds: list[tuple[int, float]]
    """Seconds -> share of those asked who had answered by then."""
    reasons: list[tuple[str, int]]
    findings: list[tuple[str, int]]
    products: list[tuple[str, Rate]]
    postcodes: list[tuple[str, Rate]]
    with_asking: Rate
    without_asking: Rate


def read(session: Session, zone: ZoneInfo, since: datetime, until: datetime, currency: str) -> Figures:
    """Read the figures of the orders that came in between two instants."""
    inside = (col(Order.created_at) >= since, col(Order.created_at) < until, col(Order.trial).is_(False))
    answers = _answers(session, inside)
    asked, answered = session.exec(
        select(func.count(col(Order.asked_at)), func.count(col(Order.answered_at))).where(*inside)
    ).one()
    money = (*inside, col(Order.currency) == currency)
    at_risk = (col(Order.status) == "open") & col(Order.intent).in_(("silent", "unreachable", "denied", "asked"))
    return Figures(
        orders=sum(answers.values()),
        asked=asked,
        answered=answered,
        answers=answers,
        changed=_count(session, (*inside, col(Order.address_changed).is_(True))),
        confirmed_cash=_sum(session, (*money, col(Order.intent) == "confirmed")),
        cash_at_risk=_sum(session, (*money, at_risk)),
        stopped=_count(
            session,
            (*inside, col(Order.intent).in_(("cancelled", "denied")), col(Order.status).in_(("open", "cancelled"))),
        ),
        days=_days(session, inside, zone, since, until),
        speeds=_speeds(session, inside, asked),
        reasons=_top(session, col(Order.cancel_reason), (*inside, col(Order.cancel_reason) != "")),
        findings=_findings(session, inside),
        products=_returns_by_product(session, inside),
        postcodes=_returns_by_postcode(session, inside),
        with_asking=_returns(session, (*inside, col(Order.held_out).is_(False))),
        without_asking=_returns(session, (*inside, col(Order.held_out).is_(True))),
    )


def _part() -> ColumnElement[str]:
    return case(
        (col(Order.intent).in_(("confirmed", "cancelled", "silent")), col(Order.intent)),
        (col(Order.intent).in_(("unasked", "asked")), "waiting"),
        else_="others",
    )


def _answers(session: Session, where: Sequence[Any]) -> dict[str, int]:
    part = _part()
    counted = session.exec(select(part, func.count()).select_from(Order).where(*where).group_by(part)).all()
    return dict.fromkeys(ANSWERS, 0) | {name: int(number) for name, number in counted}


def _count(session: Session, where: Sequence[Any]) -> int:
    return int(session.exec(select(func.count()).select_from(Order).where(*where)).one())


def _sum(session: Session, where: Sequence[Any]) -> int:
    return int(session.exec(select(func.coalesce(func.sum(col(Order.amount)), 0)).where(*where)).one())


def _days(
    session: Session, where: Sequence[Any], zone: ZoneInfo, since: datetime, until: datetime
) -> list[tuple[date, dict[str, int]]]:
    """Count by the shop's own days, those without an order too."""
    if session.info["is_sqlite"]:
        # SQLite knows no zones: the distance at the end of the span is right, but for days before a change of clocks.
        minutes = int((until.astimezone(zone).utcoffset() or timedelta(0)).total_seconds() // 60)
        day: Any = func.date(col(Order.created_at), f"{minutes:+d} minutes")
    else:
        day = cast(func.timezone(str(zone), col(Order.created_at)), Date)
    part = _part()
    found: dict[str, dict[str, int]] = {}
    for on, name, number in session.exec(
        select(day, part, func.count()).select_from(Order).where(*where).group_by(day, part)
    ):
        found.setdefault(str(on), {})[name] = int(number)
    first, last = since.astimezone(zone).date(), (until - timedelta(seconds=1)).astimezone(zone).date()
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(on, dict.fromkeys(ANSWERS, 0) | found.get(on.isoformat(), {})) for on in dates]


def _speeds(session: Session, where: Sequence[Any], asked: int) -> list[tuple[int, float]]:
    if session.info["is_sqlite"]:
        took: Any = (func.julianday(col(Order.answered_at)) - func.julianday(col(Order.asked_at))) * 86400
    else:
        took = func.extract("epoch", col(Order.answered_at) - col(Order.asked_at))
    counts = [func.sum(cast(took <= seconds, Integer)) for seconds in SPEEDS]
    row = session.execute(
        select(*counts).where(*where, col(Order.answered_at).is_not(None), col(Order.asked_at).is_not(None))
    ).one()
    return [
        (seconds, (int(number or 0) / asked if asked else 0.0)) for seconds, number in zip(SPEEDS, row, strict=True)
    ]


def _top(session: Session, column: Any, where: Sequence[Any], most: int = 8) -> list[tuple[str, int]]:
    number = func.count().label("number")
    return [
        (str(name), int(count))
        for name, count in session.exec(
            select(column, number).select_from(Order).where(*where).group_by(column).order_by(number.desc()).limit(most)
        )
    ]


def _findings(session: Session, where: Sequence[Any]) -> list[tuple[str, int]]:
    """Count the findings of the addresses as they were ordered; at most those of 5,000 orders, the newest first."""
    rows = session.exec(
        select(AddressVersion.findings)
        .join(Order, col(Order.id) == AddressVersion.order_id)
        .where(*where, AddressVersion.version == 1)
        .order_by(col(Order.id).desc())
        .limit(5000)
    ).all()
    counted: dict[str, int] = {}
    for findings in rows:
        for sentence in {finding.get("sentence", "") for finding in findings}:
            counted[sentence] = counted.get(sentence, 0) + 1
    return sorted(counted.items(), key=lambda pair: -pair[1])[:8]


def _returns(session: Session, where: Sequence[Any]) -> Rate:
    returned, ended = session.exec(select(_is("returned"), func.count()).where(*where, _ended())).one()
    return Rate(int(returned or 0), int(ended))


def _returns_by_product(session: Session, where: Sequence[Any]) -> list[tuple[str, Rate]]:
    statement = (
        select(OrderItem.name, _is("returned"), func.count())
        .join(Order, col(Order.id) == OrderItem.order_id)
        .where(*where, _ended())
        .group_by(OrderItem.name)
    )
    return _worst(session.exec(statement).all())


def _returns_by_postcode(session: Session, where: Sequence[Any]) -> list[tuple[str, Rate]]:
    code = col(AddressVersion.parts)["postal_code"].as_string()
    statement = (
        select(code, _is("returned"), func.count())
        .select_from(Order)
        .join(AddressVersion, col(AddressVersion.order_id) == Order.id)
        .where(*where, _ended(), AddressVersion.version == 1)
        .group_by(code)
    )
    return _worst(session.exec(statement).all())


def _worst(rows: Sequence[Any], most: int = 8) -> list[tuple[str, Rate]]:
    """Those whose returns are surely many: sorted by the lower bound, so that one return of one is no news."""
    rates = [(str(name or ""), Rate(int(returned or 0), int(number))) for name, returned, number in rows]
    return sorted((pair for pair in rates if pair[1].hits), key=lambda pair: -pair[1].bounds[0])[:most]


def _is(status: str) -> Any:
    return func.sum(case((col(Order.status) == status, 1), else_=0))


def _ended() -> ColumnElement[bool]:
    return col(Order.status).in_(("delivered", "returned"))

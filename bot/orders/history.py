"""What became of a shop's earlier orders: the odds that decisions start from."""

from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from bot.models import Order
from bot.orders.decisions import Odds, group_of

FRESH = timedelta(minutes=10)
"""A few outcomes more or less do not move a decision; counting them for each order would cost more than it tells."""

_known: WeakKeyDictionary[Engine, dict[int, tuple[datetime, Odds]]] = WeakKeyDictionary()


def odds_of(session: Session, merchant_id: int, at: datetime) -> Odds:
    """Return how often this shop's orders came back, by what their shopper said; at most ten minutes old."""
    engine = session.connection().engine
    shops = _known.setdefault(engine, {})
    counted_at, odds = shops.get(merchant_id, (None, None))
    if odds is None or counted_at is None or not timedelta(0) <= at - counted_at < FRESH:
        odds = count(session, merchant_id)
        shops[merchant_id] = (at, odds)
    return odds


def count(session: Session, merchant_id: int) -> Odds:
    """Count the shop's delivered and returned orders by group."""
    statement = (
        select(col(Order.intent), col(Order.readiness), col(Order.status), func.count())
        .where(
            col(Order.merchant_id) == merchant_id,
            col(Order.status).in_(("delivered", "returned")),
            col(Order.trial).is_(False),
        )
        .group_by(col(Order.intent), col(Order.readiness), col(Order.status))
    )
    seen: dict[str, tuple[int, int]] = {}
    for intent, readiness, status, number in session.execute(statement):
        delivered, returned = seen.get(group := group_of(intent, readiness), (0, 0))
        seen[group] = (delivered + number, returned) if status == "delivered" else (delivered, returned + number)
    return Odds(seen)

"""Plan talks: the timetable in the database says when each order is asked."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from bot.clock import at_local, now
from bot.database import insert_once, row_id
from bot.models import Contact, Merchant, Order, Run, Timer
from bot.orders.rules import Rules
from bot.talk.contacts import converse_all, meet_all, zone_of_phone

START = 0
"""The timer that begins a planned run."""


PAUSE = timedelta(minutes=1)
"""Between the last word about one thing and the first about the next: one bubble is one turn."""


class NoChannel(Exception):
    """The merchant has no WhatsApp number yet, so nobody can be asked."""


def ask_time(order: Order, rules: Rules, zone: ZoneInfo, at: datetime) -> datetime:
    """Return when to ask first: as the merchant's rules say, inside the shopper's opening hours, before the cut-off.

    An order whose opening hours begin only after its cut-off is asked at once if the hours allow, else at the opening:
    a late answer is still worth more than none.
    """
    if rules.ask_daily_at is not None:
        local = at.astimezone(zone)
        moment = at_local(local.date(), rules.ask_daily_at, zone)
        if moment < at:
            moment = at_local(local.date() + timedelta(days=1), rules.ask_daily_at, zone)
    else:
        moment = max(at, (order.placed_at or at) + timedelta(minutes=rules.ask_after_minutes))
    if order.cutoff_at is not None and moment > order.cutoff_at - timedelta(hours=1) and at < order.cutoff_at:
        moment = at
    return rules.hours.next_open(moment, zone)


def plan(session: Session, order: Order, flow: str, at: datetime | None = None, *, shards: int = 4) -> Run | None:
    """Put the talk of `flow` about `order` on the timetable at `at`, by default when the rules say.

    Safe to repeat: an order has one run of a flow. Returns None when it had one, when it has no phone number, or when
    it was drawn never to be asked. Raises NoChannel when the merchant has no WhatsApp number.
    """
    planned = plan_all(session, [order], flow, at, shards=shards)
    return planned[0] if planned else None


def plan_all(
    session: Session, orders: Sequence[Order], flow: str, at: datetime | None = None, *, shards: int = 4
) -> list[Run]:
    """Plan many orders of one merchant with a handful of statements; see `plan`."""
    session.flush()
    askable = {row_id(order): order for order in orders if order.phone and not order.held_out}
    if not askable:
        return []
    merchant = session.get_one(Merchant, next(iter(askable.values())).merchant_id)
    if merchant.channel_id is None:
        raise NoChannel(f"merchant {merchant.slug} has no WhatsApp number: connect one first")
    rules, moment = Rules.from_json(merchant.rules), now()
    meet_all(session, merchant.channel_id, [order for order in askable.values() if order.contact_id is None], moment)
    contacts = {order.contact_id for order in askable.values() if order.contact_id is not None}
    conversations = converse_all(session, merchant.channel_id, contacts, shards, moment)
    rows: list[dict[str, Any]] = [
        {
            "merchant_id": merchant.id,
            "conversation_id": conversations[order.contact_id],
            "order_id": order_id,
            "flow": flow,
            "version": 0,
            "step": "",
            "turn": 0,
            "state": {},
            "status": "planned",
            "created_at": moment,
            "updated_at": moment,
        }
        for order_id, order in askable.items()
        if order.contact_id is not None
    ]
    new = insert_once(session, Run, rows, "order_id", "flow")
    runs = list(session.execute(select(Run).where(col(Run.id).in_(new))).scalars()) if new else []
    if at is None:
        zones = _zones(session, contacts, merchant.timezone)
        for run in runs:
            order = askable[run.order_id]
            order.ask_at = ask_time(order, rules, zones(order), moment)
    session.add_all(
        Timer(run_id=row_id(run), turn=0, nth=START, fire_at=at or askable[run.order_id].ask_at) for run in runs
    )
    session.flush()
    return runs


def postpone(session: Session, run: Run, to: datetime) -> None:
    """Put a run that waited behind another one back on the timetable."""
    run.status = "planned"
    session.flush()
    mine = (col(Timer.run_id) == run.id, col(Timer.nth) == START)
    earlier = session.execute(select(func.count()).select_from(Timer).where(*mine)).scalar_one()
    session.add(Timer(run_id=row_id(run), turn=-earlier, nth=START, fire_at=to))
    session.flush()


def withdraw(session: Session, order_ids: Collection[int]) -> set[int]:
    """Take the talks of orders off the timetable; return the orders whose talk had already begun, which are left alone.

    For an upload that is undone, and for a phone number that is corrected before the first prompt.
    """
    if not order_ids:
        return set()
    runs = list(session.execute(select(Run).where(col(Run.order_id).in_(order_ids)).with_for_update()).scalars())
    planned = [row_id(run) for run in runs if run.status == "planned" and not run.state]
    if planned:
        session.execute(delete(Timer).where(col(Timer.run_id).in_(planned)))
        session.execute(delete(Run).where(col(Run.id).in_(planned)))
    return {run.order_id for run in runs if row_id(run) not in planned}


def _zones(session: Session, contacts: Collection[int], fallback: str) -> Callable[[Order], ZoneInfo]:
    own = dict(
        session.execute(
            select(col(Contact.id), col(Contact.timezone)).where(
                col(Contact.id).in_(contacts), col(Contact.timezone).is_not(None)
            )
        ).all()
    )
    return lambda order: (
        ZoneInfo(own[order.contact_id]) if order.contact_id in own else zone_of_phone(order.phone, fallback)
    )

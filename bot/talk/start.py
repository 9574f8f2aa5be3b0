"""Plan talks: the timetable in the database says when each order is asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session

from bot.clock import at_local, now
from bot.database import insert_once, row_id
from bot.models import Contact, Merchant, Order, Run, Timer
from bot.orders.rules import Rules
from bot.talk.contacts import PHONE, ensure_contact, ensure_conversation, zone_of

START = 0
"""The timer that begins a planned run."""


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


def plan(
    session: Session, order: Order, flow: str, at: datetime | None = None, *, version: int = 0, shards: int = 4
) -> Run | None:
    """Put the talk of `flow` about `order` on the timetable at `at`, by default when the rules say.

    Safe to repeat: an order has one run of a flow. Returns None when the order has no phone number or may not be asked.
    Raises NoChannel when the merchant has no WhatsApp number.
    """
    planned = plan_all(session, [order], flow, at, version=version, shards=shards)
    return planned[0] if planned else None


def plan_all(
    session: Session,
    orders: Sequence[Order],
    flow: str,
    at: datetime | None = None,
    *,
    version: int = 0,
    shards: int = 4,
) -> list[Run]:
    """Plan many orders of one merchant with a handful of statements; see `plan`."""
    askable = [order for order in orders if order.phone and not order.held_out]
    if not askable:
        return []
    merchant = session.get_one(Merchant, askable[0].merchant_id)
    if merchant.channel_id is None:
        raise NoChannel(f"merchant {merchant.slug} has no WhatsApp number: connect one first")
    rules = Rules.from_json(merchant.rules)
    moment = now()
    for order in askable:
        if order.contact_id is None:
            order.contact_id = ensure_contact(
                session,
                merchant.channel_id,
                [(PHONE, order.phone.lstrip("+"))],
                region=order.region,
                name=order.shopper_name,
                at=moment,
            )
    conversations = {
        contact_id: ensure_conversation(session, merchant.channel_id, contact_id, shards, moment)
        for contact_id in dict.fromkeys(order.contact_id for order in askable if order.contact_id is not None)
    }
    rows = [
        {
            "merchant_id": merchant.id,
            "conversation_id": conversations[order.contact_id].id,
            "order_id": order.id,
            "flow": flow,
            "version": version,
            "step": "",
            "turn": 0,
            "state": {},
            "status": "planned",
            "created_at": moment,
            "updated_at": moment,
        }
        for order in askable
        if order.contact_id is not None
    ]
    new = insert_once(session, Run, rows, "order_id", "flow")
    runs = list(session.execute(select(Run).where(Run.id.in_(new))).scalars()) if new else []  # type: ignore[union-attr]
    by_id = {order.id: order for order in askable}
    for run in runs:
        order = by_id[run.order_id]
        if at is None:
            contact = session.get_one(Contact, order.contact_id)
            zone = zone_of(contact, merchant.timezone, order.phone)
            order.ask_at = ask_time(order, rules, zone, moment)
        session.add(Timer(run_id=row_id(run), turn=0, nth=START, fire_at=at or order.ask_at))
    session.flush()
    return runs

"""What came out of a performance: one JSON object, with everything that went wrong counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import requests
from sqlalchemy import select
from sqlmodel import Session, col

from bot.addresses import check
from bot.database import row_id
from bot.models import AddressVersion, Conversation, Handover, Merchant, Message, Order, Run, Timer
from bot.orders.rules import Rules
from bot.shoppers.personas import CANCELLED, CONFIRMED, DENIED
from bot.shoppers.stage import Actor, Stage
from bot.talk.places import address_of

CHANCE_OF_RETURN: Mapping[str, float] = {"confirmed": 0.138, "cancelled": 0.90, "denied": 0.90}
SILENT_RETURNS = 0.346
UNASKED_RETURNS = 0.26
"""Calibration A of the product's research: silent parcels come back 2.5 times as often as confirmed ones."""
RUPEES_A_MESSAGE = 0.115
ASKING = ("order_confirmation", "several_orders")


@dataclass(frozen=True)
class Tally:
    """The figures of one performance; the second group must be zero."""

    shoppers: int
    orders: int
    asked: int
    answered: int
    confirmed: int
    cancelled: int
    denied: int
    changed: int
    silent: int
    unreachable: int
    handed_over: int
    messages: int
    messages_per_order: float
    messages_per_confirmed_order: float
    """Bot messages per confirmed order whose address was good from the start."""
    cost: float
    """In rupees, at Meta's rate for utility and service messages in India."""
    median_minutes_to_answer: float
    returns_without_bot: float
    returns_with_bot: float
    most_bubbles_a_turn: int

    wrong_outcomes: int
    forgotten: int
    prompts_in_quiet_hours: int
    sent_twice: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def tally(session: Session, stage: Stage) -> Tally:
    """Count."""
    orders = [
        order
        for order in session.execute(select(Order).order_by(col(Order.id))).scalars()
        if order.phone in stage.actors or order.intent == "denied"
    ]
    messages = (
        session.execute(select(Message).where(col(Message.author) == "bot", col(Message.kind) != "reaction"))
        .scalars()
        .all()
    )
    sent = [message for message in messages if message.status in ("sent", "delivered", "read", "played")]
    intents = Counter(order.intent for order in orders)
    waits = [
        (actor.answered_at - actor.asked_at).total_seconds() / 60
        for actor in stage.actors.values()
        if actor.answered_at and actor.asked_at
    ]
    summary = requests.get(f"{stage.simulator}/sim/ledger/summary", timeout=60).json()
    tasks = _open_tasks(session)
    return Tally(
        shoppers=len(stage.actors),
        orders=len(orders),
        asked=sum(order.asked_at is not None for order in orders),
        answered=sum(actor.answered_at is not None for actor in stage.actors.values()),
        confirmed=intents["confirmed"],
        cancelled=intents["cancelled"],
        denied=intents["denied"],
        changed=sum(order.address_changed for order in orders),
        silent=intents["silent"],
        unreachable=intents["unreachable"],
        handed_over=len(tasks),
        messages=len(sent),
        messages_per_order=round(len(sent) / max(1, len(orders)), 2),
        messages_per_confirmed_order=_per_confirmed(session, orders, sent),
        cost=round(len(sent) * RUPEES_A_MESSAGE, 2),
        median_minutes_to_answer=round(median(waits), 1) if waits else 0.0,
        returns_without_bot=round(_expected(orders, all_shipped=True), 4),
        returns_with_bot=round(_expected(orders, all_shipped=False), 4),
        most_bubbles_a_turn=stage.most_bubbles_a_turn,
        wrong_outcomes=sum(_is_wrong(order, stage.actors, tasks) for order in orders),
        forgotten=_forgotten(session, orders, tasks),
        prompts_in_quiet_hours=_in_quiet_hours(session, sent),
        sent_twice=len(summary["doubled"]),
    )


def _open_tasks(session: Session) -> set[int | None]:
    """Contacts for whom a person has something to do."""
    statement = (
        select(col(Conversation.contact_id))
        .join(Handover, col(Handover.conversation_id) == col(Conversation.id))
        .where(col(Handover.resolved_at).is_(None))
    )
    return set(session.execute(statement).scalars())


def _is_wrong(order: Order, actors: Mapping[str, Actor], tasks: set[int | None]) -> bool:
    """Whether the order's state differs from what its shopper last said; a person may still have to decide."""
    actor = actors.get(order.phone)
    if actor is None or order.contact_id in tasks:
        return False
    expected = {CONFIRMED: "confirmed", CANCELLED: "cancelled", DENIED: "denied"}.get(
        actor.of_one.get(str(order.id), actor.said)
    )
    if expected is None:
        return order.intent in ("confirmed", "cancelled", "denied")
    return order.intent != expected


def _forgotten(session: Session, orders: list[Order], tasks: set[int | None]) -> int:
    moving = set(
        session.execute(
            select(col(Run.order_id))
            .join(Timer, col(Timer.run_id) == col(Run.id))
            .where(col(Timer.fired_at).is_(None), col(Timer.fire_at).is_not(None))
        ).scalars()
    )
    open_ones = [order for order in orders if order.intent in ("unasked", "asked") and order.status == "open"]
    return sum(order.contact_id not in tasks and order.id not in moving for order in open_ones)


def _in_quiet_hours(session: Session, sent: list[Message]) -> int:
    merchant = session.execute(select(Merchant).limit(1)).scalar_one()
    hours, zone = Rules.from_json(merchant.rules).hours, ZoneInfo(merchant.timezone)
    return sum(
        not message.extra.get("reply")
        and message.sent_at is not None
        and not hours.is_open(message.sent_at.astimezone(zone))
        for message in sent
    )


def _per_confirmed(session: Session, orders: list[Order], sent: list[Message]) -> float:
    written = select(AddressVersion).where(col(AddressVersion.given_by) == "order")
    questions = {one.order_id: check(address_of(one.parts)).question for one in session.execute(written).scalars()}
    complete = {key for key, question in questions.items() if not question or question.code == "CONFIRM_ADDRESS"}
    good = {
        row_id(order)
        for order in orders
        if order.intent == "confirmed" and order.id in complete and not order.address_changed
    }
    # A shopper with several orders is asked about them together: their bubbles count for all of them.
    per_contact = Counter(order.contact_id for order in orders)
    single = {order.id for order in orders if order.id in good and per_contact[order.contact_id] == 1}
    count = sum(message.order_id in single for message in sent)
    return round(count / max(1, len(single)), 2)


def _expected(orders: list[Order], *, all_shipped: bool) -> float:
    """Return the expected share of returns among the parcels that leave."""
    leaving = orders if all_shipped else [order for order in orders if order.decision == "ship"]
    risk = sum(CHANCE_OF_RETURN.get(order.intent, SILENT_RETURNS) for order in leaving)
    return risk / len(leaving) if leaving else 0.0


DAYS = timedelta(days=6)
"""After this long every ladder of reminders has ended."""

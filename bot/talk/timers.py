"""The timetable: timers armed when their prompt was really sent, fired when due, never in quiet hours."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVarTuple

from sqlalchemy import Select, select, tuple_, update
from sqlmodel import Session, col

from bot.clock import now
from bot.database import row_id
from bot.jobs import DRAIN, Bell
from bot.models import Contact, Conversation, Merchant, Message, Order, Run, Timer
from bot.orders.rules import Rules
from bot.talk.contacts import zone_of
from bot.talk.events import post_event
from bot.talk.start import START

BATCH = 500
Columns = TypeVarTuple("Columns")


def arm(session: Session, prompts: Sequence[Message]) -> None:
    """Start the timers of prompts that were just sent, moved out of the shopper's quiet hours."""
    turns = {(m.run_id, m.turn): m for m in prompts if m.run_id is not None and m.turn is not None}
    if not turns:
        return
    statement = _with_hours(select(Timer, Merchant, Contact, Order)).where(
        tuple_(col(Timer.run_id), col(Timer.turn)).in_(list(turns)),
        col(Timer.fire_at).is_(None),
        col(Timer.fired_at).is_(None),
    )
    for timer, merchant, contact, order in session.execute(statement).all():
        sent_at = turns[timer.run_id, timer.turn].sent_at or now()
        zone = zone_of(contact, merchant.timezone, order.phone)
        timer.fire_at = Rules.from_json(merchant.rules).hours.next_open(sent_at + timedelta(seconds=timer.after), zone)


def disarm(session: Session, run_id: int, before_turn: int) -> None:
    """Take the timers of turns that are over off the timetable."""
    session.execute(
        update(Timer)
        .where(col(Timer.run_id) == run_id, col(Timer.turn) < before_turn, col(Timer.fired_at).is_(None))
        .values(fired_at=now())
    )


def fire(session: Session, bell: Bell) -> int:
    """Turn due timers into events; return how many. One that would speak at night is put off to the morning."""
    moment = now()
    statement = (
        _with_hours(select(Timer, Merchant, Contact, Order, Run, Conversation))
        .where(col(Timer.fired_at).is_(None), col(Timer.fire_at) <= moment)
        .order_by(col(Timer.fire_at))
        .limit(BATCH)
        .with_for_update(of=Timer, skip_locked=True)
    )
    fired = 0
    for timer, merchant, contact, order, run, conversation in session.execute(statement).all():
        zone = zone_of(contact, merchant.timezone, order.phone)
        opening = Rules.from_json(merchant.rules).hours.next_open(moment, zone)
        if opening > moment:
            timer.fire_at = opening
            continue
        kind = "started" if timer.nth == START else "silence"
        payload = {"run_id": run.id, "turn": timer.turn, "nth": timer.nth}
        post_event(session, conversation, kind, f"timer:{row_id(timer)}", payload, moment)
        timer.fired_at = moment
        fired += 1
        bell.ring_after_commit(session, DRAIN, conversation.shard)
    return fired


def _with_hours(statement: Select[*Columns]) -> Select[*Columns]:
    return (
        statement.select_from(Timer)
        .join(Run, col(Run.id) == col(Timer.run_id))
        .join(Merchant, col(Merchant.id) == col(Run.merchant_id))
        .join(Order, col(Order.id) == col(Run.order_id))
        .join(Conversation, col(Conversation.id) == col(Run.conversation_id))
        .join(Contact, col(Contact.id) == col(Conversation.contact_id))
    )

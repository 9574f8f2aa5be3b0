"""Find the runs of a conversation, and make one of several that are due together."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select, update
from sqlmodel import Session, col

from bot.database import row_id
from bot.models import Conversation, Merchant, Message, Order, Run, Timer
from bot.orders import outcomes
from bot.talk import start, timers
from bot.talk.buttons import Tap

TOGETHER = timedelta(minutes=90)
"""Orders of one shopper that are due this close to each other are asked about in one message."""


def waiting(session: Session, conversation: Conversation) -> Run | None:
    """Return the run whose question is open; the database allows one."""
    return session.execute(
        select(Run).where(col(Run.conversation_id) == conversation.id, col(Run.status) == "waiting")
    ).scalar_one_or_none()


def next_queued(session: Session, conversation: Conversation) -> Run | None:
    """Return the run that has waited longest for its turn."""
    return session.execute(
        select(Run)
        .where(col(Run.conversation_id) == conversation.id, col(Run.status) == "queued")
        .order_by(col(Run.id))
        .limit(1)
    ).scalar_one_or_none()


def open_run(session: Session, conversation: Conversation) -> Run | None:
    """Return the run that waits, else the newest that is over, else the next that would begin."""
    runs = list(
        session.execute(
            select(Run).where(col(Run.conversation_id) == conversation.id, col(Run.status) != "dropped")
        ).scalars()
    )
    for status in ("waiting", "handed_over", "done"):
        # A run that ended without a word (an address that was good) is no talk to go on with.
        found = [run for run in runs if run.status == status and (status != "done" or run.turn)]
        if found:
            return max(found, key=lambda run: (run.ended_at or run.updated_at, run.id))
    return min(runs, key=row_id) if runs else None


def quoted(session: Session, conversation: Conversation, wamid: str | None) -> Message | None:
    """Return our bubble that a shopper's message quotes or reacts to."""
    if not wamid:
        return None
    return session.execute(
        select(Message).where(
            col(Message.wamid) == wamid,
            col(Message.conversation_id) == conversation.id,
            col(Message.direction) == "out",
        )
    ).scalar_one_or_none()


def arrived(session: Session, tap: Tap) -> None:
    """Note that a prompt is on the phone, as a tap proves even if the answer to our send was lost."""
    session.execute(
        update(Message)
        .where(col(Message.run_id) == tap.run_id, col(Message.turn) == tap.turn, col(Message.status) == "unknown")
        .values(status="delivered")
    )


def together(session: Session, run: Run, at: datetime) -> Run:
    """Return a new run that asks about several orders of one shopper that are due together, else `run` itself."""
    others = session.execute(
        select(Run)
        .join(Order, col(Order.id) == col(Run.order_id))
        .where(
            col(Run.conversation_id) == run.conversation_id,
            col(Run.merchant_id) == run.merchant_id,
            col(Run.flow) == "order_confirmation",
            col(Run.id) != run.id,
            col(Run.status).in_(("planned", "queued")),
            exists().where(
                col(Timer.run_id) == col(Run.id), col(Timer.nth) == start.START, col(Timer.fire_at) <= at + TOGETHER
            ),
            col(Order.status) == "open",
            col(Order.intent) == "unasked",
        )
    ).scalars()
    joined = list(others)
    if not joined:
        return run
    for one in (run, *joined):
        one.status, one.ended_at = "dropped", at
        timers.disarm(session, row_id(one), 1)
        outcomes.record(session, session.get_one(Order, one.order_id), by="rule", at=at, intent="asked")
    all_of_them = Run(
        merchant_id=run.merchant_id,
        conversation_id=run.conversation_id,
        order_id=run.order_id,
        flow="several_orders",
        version=0,
        status="planned",
        created_at=at,
        updated_at=at,
    )
    session.add(all_of_them)
    session.flush()
    return all_of_them


def merchant_of(session: Session, conversation: Conversation) -> int | None:
    """Return whose conversation it is: the shop of the shopper's newest order, else the first shop of the number."""
    newest = session.execute(
        select(col(Order.merchant_id))
        .where(col(Order.contact_id) == conversation.contact_id)
        .order_by(col(Order.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    if newest is not None:
        return newest
    return session.execute(
        select(col(Merchant.id))
        .where(col(Merchant.channel_id) == conversation.channel_id)
        .order_by(col(Merchant.id))
        .limit(1)
    ).scalar_one_or_none()

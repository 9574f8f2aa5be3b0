"""People: the only code that changes who owns a conversation.

Every change bumps the epoch, so that whatever the bot had queued or planned before it dies.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import now
from bot.models import Conversation, Handover, Message, Order, Run
from bot.talk.events import post_event
from bot.talk.messages import append, withdraw

AGENT_BUTTON = "agent."
"""What the ids of agents' buttons begin with; those of the bot's begin with the number of a run."""


class Conflict(Exception):
    """Somebody or something was quicker; the message says who owns the conversation now, or what came in."""


@dataclass(frozen=True)
class Reply:
    """What an agent sends: text, or a template when the window is closed."""

    body: str
    client_id: str
    """Made by the page: a double click sends once."""
    seen_seq: int
    """The last message the agent saw; one that came later is shown first."""
    choices: tuple[dict[str, str], ...] = ()
    template: dict[str, Any] | None = None


def lock(session: Session, conversation_id: int) -> Conversation:
    """Return the conversation, locked until the transaction ends."""
    statement = (
        select(Conversation)
        .where(col(Conversation.id) == conversation_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return session.execute(statement).scalar_one()


def call_agent(
    session: Session,
    conversation: Conversation,
    reason: str,
    *,
    merchant_id: int,
    run: Run | None = None,
    order_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> Handover:
    """Hand the conversation to the agents' queue."""
    task = open_task(session, conversation, reason, merchant_id=merchant_id, run=run, order_id=order_id, detail=detail)
    if conversation.owner == "bot":
        _change_owner(session, conversation, "queue", None)
    conversation.waiting_since = conversation.waiting_since or now()
    return task


def open_task(
    session: Session,
    conversation: Conversation,
    reason: str,
    *,
    merchant_id: int,
    run: Run | None = None,
    order_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> Handover:
    """Leave a task for a person; a conversation has one open task, which collects further reasons."""
    task = open_task_of(session, conversation)
    if task is None:
        task = Handover(
            merchant_id=merchant_id,
            conversation_id=conversation.id or 0,
            run_id=run.id if run else None,
            order_id=order_id or (run.order_id if run else None),
            reason=reason,
            detail=detail or {},
            opened_at=now(),
        )
        session.add(task)
        session.flush()
    elif reason != task.reason:
        also = [*task.detail.get("also", []), {"reason": reason, **(detail or {})}]
        task.detail = {**task.detail, "also": also}
    return task


def open_task_of(session: Session, conversation: Conversation) -> Handover | None:
    """Return the conversation's open task, if it has one."""
    statement = select(Handover).where(
        col(Handover.conversation_id) == conversation.id,
        col(Handover.resolved_at).is_(None),
    )
    return session.execute(statement).scalar_one_or_none()


def take_over(session: Session, conversation_id: int, member_id: int, *, merchant_id: int) -> Conversation:
    """Make an agent the owner; what the bot had queued dies with the epoch.

    Raises Conflict when another agent owns the conversation.
    """
    conversation = lock(session, conversation_id)
    if conversation.owner == "agent":
        if conversation.agent_id == member_id:
            return conversation
        raise Conflict("another agent has this conversation")
    task = open_task(
        session,
        conversation,
        "taken_over",
        merchant_id=merchant_id,
        order_id=_order_of(session, conversation, merchant_id),
    )
    task.assigned_to = member_id
    _change_owner(session, conversation, "agent", member_id)
    return conversation


def assign(session: Session, conversation_id: int, member_id: int, *, merchant_id: int) -> Conversation:
    """Give a conversation to an agent, whoever has it now."""
    conversation = lock(session, conversation_id)
    task = open_task(
        session,
        conversation,
        "assigned",
        merchant_id=merchant_id,
        order_id=_order_of(session, conversation, merchant_id),
    )
    task.assigned_to = member_id
    if (conversation.owner, conversation.agent_id) != ("agent", member_id):
        _change_owner(session, conversation, "agent", member_id)
    return conversation


def reply(session: Session, conversation_id: int, member_id: int, words: Reply, *, merchant_id: int) -> Message:
    """Queue an agent's message; any reply is a takeover.

    Raises Conflict when the shopper has written since `seen_seq`, when another agent owns the conversation, and when
    the 24-hour window is closed and the reply is no template.
    """
    conversation = lock(session, conversation_id)
    key = f"agent:{member_id}:{words.client_id}"
    if (known := session.execute(select(Message).where(col(Message.key) == key)).scalar_one_or_none()) is not None:
        return known
    if conversation.owner != "agent" or conversation.agent_id != member_id:
        conversation = take_over(session, conversation_id, member_id, merchant_id=merchant_id)
    unseen = session.execute(
        select(col(Message.id)).where(
            col(Message.conversation_id) == conversation_id,
            col(Message.author) == "shopper",
            col(Message.seq) > words.seen_seq,
        )
    ).first()
    if unseen is not None:
        raise Conflict("the shopper has written since: read it first")
    if words.template is None and not window_is_open(conversation, now()):
        raise Conflict("the 24-hour window is closed: only a template can be sent")
    conversation.waiting_since = None
    return append(
        session,
        conversation,
        key=key,
        direction="out",
        author="agent",
        member_id=member_id,
        merchant_id=merchant_id,
        order_id=_order_of(session, conversation, merchant_id),
        kind="template" if words.template else "buttons" if words.choices else "text",
        body=words.body,
        choices=[dict(choice) for choice in words.choices],
        template=words.template,
        status="queued",
    )


def note(
    session: Session, conversation_id: int, member_id: int, body: str, client_id: str, *, merchant_id: int
) -> Message:
    """Write an internal note into the transcript; shoppers never see it."""
    conversation = lock(session, conversation_id)
    key = f"note:{member_id}:{client_id}"
    if (known := session.execute(select(Message).where(col(Message.key) == key)).scalar_one_or_none()) is not None:
        return known
    return append(
        session,
        conversation,
        key=key,
        direction="out",
        author="agent",
        member_id=member_id,
        merchant_id=merchant_id,
        order_id=_order_of(session, conversation, merchant_id),
        kind="note",
        body=body,
        status="note",
    )


def release(session: Session, conversation_id: int, member_id: int) -> Conversation:
    """Give the conversation back to the bot, which asks the open question again with a new turn."""
    conversation = lock(session, conversation_id)
    if conversation.owner == "bot":
        return conversation
    if conversation.owner == "agent" and conversation.agent_id != member_id:
        raise Conflict("another agent has this conversation")
    _close_task(session, conversation, member_id, "released", "")
    _change_owner(session, conversation, "bot", None)
    _tell_runs(session, conversation, "bot")
    return conversation


def resolve(session: Session, conversation_id: int, member_id: int, outcome: str, note_text: str = "") -> Conversation:
    """Close the task with an outcome; the bot has the conversation again and does not repeat its question.

    The caller records what the outcome means for the order through `bot.orders.outcomes.record`.
    """
    conversation = lock(session, conversation_id)
    if conversation.owner == "agent" and conversation.agent_id != member_id:
        raise Conflict("another agent has this conversation")
    _close_task(session, conversation, member_id, outcome, note_text)
    if conversation.owner != "bot":
        _change_owner(session, conversation, "bot", None)
    _tell_runs(session, conversation, "done")
    return conversation


def window_is_open(conversation: Conversation, at: datetime) -> bool:
    """Whether free text may be sent."""
    return conversation.window_until is not None and at < conversation.window_until


def _change_owner(session: Session, conversation: Conversation, owner: str, agent_id: int | None) -> None:
    conversation.owner = owner
    conversation.agent_id = agent_id
    conversation.epoch += 1
    conversation.snoozed_until = None
    if owner == "bot":
        conversation.waiting_since = None
    withdraw(session, conversation, "owner_changed")


def _close_task(session: Session, conversation: Conversation, member_id: int, outcome: str, note_text: str) -> None:
    if (task := open_task_of(session, conversation)) is not None:
        task.resolved_at = now()
        task.resolved_by = member_id
        task.outcome = outcome
        task.note = note_text


def _tell_runs(session: Session, conversation: Conversation, to: str) -> None:
    post_event(
        session, conversation, "released", f"released:{conversation.id}:{conversation.epoch}:{to}", {"to": to}, now()
    )


def _order_of(session: Session, conversation: Conversation, merchant_id: int) -> int | None:
    """The order the conversation is about now, of the shop whose agent speaks.

    That is the open task's, else the waiting run's, else the newest of the contact.
    """
    task = open_task_of(session, conversation)
    if task is not None and task.merchant_id == merchant_id and task.order_id is not None:
        return task.order_id
    waiting = session.execute(
        select(col(Run.order_id)).where(
            col(Run.conversation_id) == conversation.id,
            col(Run.status) == "waiting",
            col(Run.merchant_id) == merchant_id,
        )
    ).scalar_one_or_none()
    if waiting is not None:
        return waiting
    return session.execute(
        select(col(Order.id))
        .where(col(Order.contact_id) == conversation.contact_id, col(Order.merchant_id) == merchant_id)
        .order_by(col(Order.id).desc())
        .limit(1)
    ).scalar_one_or_none()

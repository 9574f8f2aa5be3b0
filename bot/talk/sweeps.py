"""Find what was left behind: every sweep is safe to repeat, and outside of faults it finds nothing."""

from datetime import timedelta

import structlog
from sqlalchemy import Select, exists, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session

from bot.clock import now
from bot.jobs import DELIVER, DRAIN, UNPACK, UPLOAD
from bot.models import (
    Conversation,
    Envelope,
    Event,
    Handover,
    Message,
    Order,
    Pulse,
    Receipt,
    Run,
    Timer,
    Upload,
    WhatsAppTemplate,
)
from bot.talk import handover
from bot.whatsapp.templates import SENDABLE

log = structlog.get_logger()

UNHEARD = timedelta(seconds=3)
"""Rows older than this were not found by the bell that rang for them."""
RESEND_AFTER = timedelta(seconds=120)
"""An echo that has not come by then may have been lost; see `resend_lost`."""
BEAT = timedelta(seconds=20)
"""A web process that was not seen alive for longer has had a gap."""
STALLED = timedelta(minutes=2)


def unheard_rings(session: Session) -> list[tuple[str, tuple[int, ...]]]:
    """Return the jobs that somebody should be doing now: (job, ids)."""
    before = now() - UNHEARD
    rings: list[tuple[str, tuple[int, ...]]] = []
    if _any(session, select(Envelope.id).where(Envelope.handled_at.is_(None), Envelope.received_at < before)):  # type: ignore[union-attr, arg-type]
        rings.append((UNPACK, ()))
    shards = select(Event.shard).where(Event.handled_at.is_(None), Event.received_at < before).distinct()  # type: ignore[union-attr, arg-type]
    rings += [(DRAIN, (shard,)) for shard in session.execute(shards).scalars()]
    due = or_(Message.not_before.is_(None), Message.not_before < before)  # type: ignore[union-attr, operator]
    if _any(session, select(Message.id).where(Message.status == "queued", Message.created_at < before, due)):  # type: ignore[arg-type]
        rings.append((DELIVER, ()))
    stalled = select(Upload.id).where(Upload.status == "importing", Upload.touched_at < now() - STALLED)  # type: ignore[arg-type]
    rings += [(UPLOAD, (upload_id,)) for upload_id in session.execute(stalled).scalars() if upload_id is not None]
    return rings


def note_pulse(session: Session, alive: bool) -> None:
    """Note that the web process answers, or did not: silence of Meta proves nothing while it could not reach us."""
    moment = now()
    pulse = session.get(Pulse, "web")
    if pulse is None:
        # The program has just begun, which is a gap.
        pulse = Pulse(name="web", beat_at=moment, gap_at=moment)
        session.add(pulse)
    if moment - pulse.beat_at > BEAT or not alive:
        pulse.gap_at = moment
    if alive:
        pulse.beat_at = moment


def resend_lost(session: Session) -> int:
    """Send unknown messages once more where it is certain that they did not arrive; return how many.

    Only when (a) the echo is two minutes late, (b) a later message of the same number was echoed, so the way from Meta
    to us works, (c) our webhook had no gap since, so that no echo can sit in Meta's back-off, and (d) this message had
    none. Otherwise it stays unknown: the next reminder supersedes it (reliability.md: watermark rule).
    """
    pulse = session.get(Pulse, "web")
    if pulse is None or now() - pulse.beat_at > BEAT:
        return 0
    later = aliased(Message)
    later_conversation = aliased(Conversation)
    echoed = (
        select(Receipt.id)
        .join(later, later.id == Receipt.message_id)
        .join(later_conversation, later_conversation.id == later.conversation_id)
        .where(later_conversation.channel_id == Conversation.channel_id, later.sent_at > Message.sent_at)
    )
    statement = (
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)  # type: ignore[arg-type]
        .outerjoin(Run, Run.id == Message.run_id)  # type: ignore[arg-type]
        .where(
            Message.status == "unknown",
            Message.resent.is_(False),  # type: ignore[attr-defined]
            Message.sent_at < now() - RESEND_AFTER,  # type: ignore[operator]
            or_(pulse.gap_at is None, Message.sent_at > (pulse.gap_at or now())),  # type: ignore[operator]
            echoed.exists(),
            or_(Message.run_id.is_(None), (Run.turn == Message.turn)),  # type: ignore[union-attr]
        )
        .with_for_update(of=Message, skip_locked=True)
    )
    lost = list(session.execute(statement).scalars())
    for message in lost:
        message.status, message.resent, message.sent_at, message.claimed_until = "queued", True, None, None
    return len(lost)


def free_held(session: Session) -> int:
    """Queue messages again whose template may be used once more; return how many."""
    moment = now()
    bad = (
        select(WhatsAppTemplate.id)
        .where(
            WhatsAppTemplate.name == Message.template["name"].as_string(),  # type: ignore[index]
            WhatsAppTemplate.language == Message.template["language"].as_string(),  # type: ignore[index]
            or_(
                WhatsAppTemplate.status.not_in(SENDABLE),  # type: ignore[attr-defined]
                WhatsAppTemplate.held_until > moment,  # type: ignore[operator]
            ),
        )
        .exists()
    )
    result = session.execute(
        update(Message)
        .where(Message.status == "held", Message.hold_reason.like("template_%"), ~bad)  # type: ignore[arg-type, union-attr]
        .values(status="queued", hold_reason=None, not_before=None)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def show_held(session: Session) -> int:
    """Give agents the conversations in which the bot may not speak, because the window is closed; return how many."""
    open_task = select(Handover.id).where(
        Handover.conversation_id == Message.conversation_id,
        Handover.resolved_at.is_(None),  # type: ignore[union-attr]
    )
    statement = (
        select(Message)
        .where(
            Message.status == "held",
            Message.hold_reason == "window_closed",
            Message.author == "bot",
            Message.merchant_id.is_not(None),  # type: ignore[union-attr]
            ~open_task.exists(),
        )
        .limit(100)
    )
    held = list(session.execute(statement).scalars())
    for message in held:
        _task(session, message.conversation_id, "window_closed", message.merchant_id or 0, message.order_id)
    return len(held)


def rescue_forgotten(session: Session) -> int:
    """Leave a task for every order that nothing and nobody would ever move again; return how many.

    No order is ever without an open prompt, a timer, a task or an outcome.
    """
    before = now() - STALLED
    moving = exists().where(Run.order_id == Order.id, Run.status.in_(("planned", "queued", "waiting")))  # type: ignore[attr-defined]
    # An order that was asked about together with others has its run under the first of them.
    together = exists().where(
        Run.conversation_id == Conversation.id, Run.flow == "several_orders", Run.status == "waiting"
    )
    task = exists().where(Handover.conversation_id == Conversation.id, Handover.resolved_at.is_(None))  # type: ignore[union-attr]
    orders = (
        select(Order, Conversation.id)
        .join(Conversation, Conversation.contact_id == Order.contact_id)  # type: ignore[arg-type]
        .where(
            Order.status == "open",
            Order.intent.in_(("unasked", "asked")),  # type: ignore[attr-defined]
            Order.ask_at.is_not(None),  # type: ignore[union-attr]
            Order.updated_at < before,
            ~moving,
            ~together,
            ~task,
        )
        .limit(100)
    )
    rescued = 0
    for order, conversation_id in session.execute(orders).all():
        _task(session, conversation_id, "forgotten", order.merchant_id, order.id)
        rescued += 1
    return rescued + _rescue_stuck_runs(session)


def _rescue_stuck_runs(session: Session) -> int:
    """Runs that wait for an answer but have neither a timer ahead nor a message on its way."""
    before = now() - STALLED
    ahead = exists().where(Timer.run_id == Run.id, Timer.fired_at.is_(None), Timer.fire_at.is_not(None))  # type: ignore[union-attr]
    on_its_way = exists().where(
        Message.run_id == Run.id,
        Message.status.in_(("queued", "sending", "unknown", "held")),  # type: ignore[attr-defined]
    )
    pending = exists().where(Event.conversation_id == Run.conversation_id, Event.handled_at.is_(None))  # type: ignore[union-attr]
    task = exists().where(Handover.conversation_id == Run.conversation_id, Handover.resolved_at.is_(None))  # type: ignore[union-attr]
    statement = select(Run).where(
        Run.status == "waiting", Run.updated_at < before, ~ahead, ~on_its_way, ~pending, ~task
    )
    stuck = list(session.execute(statement.limit(100)).scalars())
    for run in stuck:
        _task(session, run.conversation_id, "forgotten", run.merchant_id, run.order_id)
    return len(stuck)


def _task(session: Session, conversation_id: int, reason: str, merchant_id: int, order_id: int | None) -> None:
    conversation = handover.lock(session, conversation_id)
    handover.open_task(session, conversation, reason, merchant_id=merchant_id, order_id=order_id)


def _any(session: Session, statement: Select[tuple[int | None]]) -> bool:
    return session.execute(statement.limit(1)).first() is not None

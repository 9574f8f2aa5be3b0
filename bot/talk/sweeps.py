"""Find what was left behind: every sweep is safe to repeat, and outside of faults it finds nothing."""

from datetime import timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, Select, exists, or_, select, true, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from bot.clock import now
from bot.hooks import delivery
from bot.jobs import DELIVER, DRAIN, NOTIFY, UNPACK, UPLOAD
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
    if _any(
        session, select(col(Envelope.id)).where(col(Envelope.handled_at).is_(None), col(Envelope.received_at) < before)
    ):
        rings.append((UNPACK, ()))
    shards = select(col(Event.shard)).where(col(Event.handled_at).is_(None), col(Event.received_at) < before).distinct()
    rings += [(DRAIN, (shard,)) for shard in session.execute(shards).scalars()]
    # No bell rings for a message whose time has come: it is not waited for any longer.
    due = or_(col(Message.not_before).is_(None), col(Message.not_before) <= now())
    if _any(
        session, select(col(Message.id)).where(col(Message.status) == "queued", col(Message.created_at) < before, due)
    ):
        rings.append((DELIVER, ()))
    stalled = select(col(Upload.id)).where(col(Upload.status) == "importing", col(Upload.touched_at) < now() - STALLED)
    rings += [(UPLOAD, (upload_id,)) for upload_id in session.execute(stalled).scalars() if upload_id is not None]
    if delivery.is_due(session, before):
        rings.append((NOTIFY, ()))
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
        select(col(Receipt.id))
        .join(later, col(later.id) == col(Receipt.message_id))
        .join(later_conversation, col(later_conversation.id) == col(later.conversation_id))
        .where(
            col(later_conversation.channel_id) == col(Conversation.channel_id),
            col(later.sent_at) > col(Message.sent_at),
        )
    )
    statement = (
        select(Message)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .outerjoin(Run, col(Run.id) == col(Message.run_id))
        .where(
            col(Message.status) == "unknown",
            col(Message.resent).is_(False),
            col(Message.sent_at) < now() - RESEND_AFTER,
            true() if pulse.gap_at is None else col(Message.sent_at) > pulse.gap_at,
            echoed.exists(),
            or_(col(Message.run_id).is_(None), (col(Run.turn) == col(Message.turn))),
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
        select(col(WhatsAppTemplate.id))
        .where(
            col(WhatsAppTemplate.name) == col(Message.template)["name"].as_string(),
            col(WhatsAppTemplate.language) == col(Message.template)["language"].as_string(),
            or_(
                col(WhatsAppTemplate.status).not_in(SENDABLE),
                col(WhatsAppTemplate.held_until) > moment,
            ),
        )
        .exists()
    )
    result = session.execute(
        update(Message)
        .where(col(Message.status) == "held", col(Message.hold_reason).like("template_%"), ~bad)
        .values(status="queued", hold_reason=None, not_before=None)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], result).rowcount


def show_held(session: Session) -> int:
    """Give agents the conversations in which the bot may not speak, because the window is closed; return how many."""
    open_task = select(col(Handover.id)).where(
        col(Handover.conversation_id) == col(Message.conversation_id),
        col(Handover.resolved_at).is_(None),
    )
    statement = (
        select(Message)
        .where(
            col(Message.status) == "held",
            col(Message.hold_reason) == "window_closed",
            col(Message.author) == "bot",
            col(Message.merchant_id).is_not(None),
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
    moving = exists().where(col(Run.order_id) == col(Order.id), col(Run.status).in_(("planned", "queued", "waiting")))
    # An order that was asked about together with others has its run under the first of them.
    together = exists().where(
        col(Run.conversation_id) == col(Conversation.id),
        col(Run.flow) == "several_orders",
        col(Run.status) == "waiting",
    )
    task = exists().where(col(Handover.conversation_id) == col(Conversation.id), col(Handover.resolved_at).is_(None))
    orders = (
        select(Order, col(Conversation.id))
        .join(Conversation, col(Conversation.contact_id) == col(Order.contact_id))
        .where(
            col(Order.status) == "open",
            col(Order.intent).in_(("unasked", "asked")),
            col(Order.ask_at).is_not(None),
            col(Order.updated_at) < before,
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
    ahead = exists().where(
        col(Timer.run_id) == col(Run.id), col(Timer.fired_at).is_(None), col(Timer.fire_at).is_not(None)
    )
    on_its_way = exists().where(
        col(Message.run_id) == col(Run.id),
        col(Message.status).in_(("queued", "sending", "unknown", "held")),
    )
    pending = exists().where(col(Event.conversation_id) == col(Run.conversation_id), col(Event.handled_at).is_(None))
    task = exists().where(
        col(Handover.conversation_id) == col(Run.conversation_id), col(Handover.resolved_at).is_(None)
    )
    statement = select(Run).where(
        col(Run.status) == "waiting", col(Run.updated_at) < before, ~ahead, ~on_its_way, ~pending, ~task
    )
    stuck = list(session.execute(statement.limit(100)).scalars())
    for run in stuck:
        _task(session, run.conversation_id, "forgotten", run.merchant_id, run.order_id)
    return len(stuck)


def _task(session: Session, conversation_id: int, reason: str, merchant_id: int, order_id: int | None) -> None:
    conversation = handover.lock(session, conversation_id)
    handover.open_task(session, conversation, reason, merchant_id=merchant_id, order_id=order_id)


def _any(session: Session, statement: Select[Any]) -> bool:
    return session.execute(statement.limit(1)).first() is not None

"""Lock, then load: handle the pending events of a shard oldest first, in batches, each event once.

If anything in a batch raises, the batch is repeated one event per transaction; the third failure of one event marks it,
hands its conversation to a person and goes on.
"""

from collections.abc import Mapping
from contextlib import nullcontext

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import InternalError, OperationalError
from sqlmodel import Session, col

from bot.clock import now
from bot.database import row_id
from bot.engine import Flow
from bot.jobs import DELIVER
from bot.models import Conversation, Event
from bot.services import Services
from bot.talk import handover, runs
from bot.talk.handle import Handler
from bot.talk.proposing import Asking, Undecided
from bot.understanding.proposals import Question

log = structlog.get_logger()

BATCH = 100
MAXIMUM_ATTEMPTS = 3
LOCK_SPACE = 726565
"""The first half of the advisory locks that keep a shard with one worker."""


def drain(services: Services, shard: int, flows: Mapping[str, Flow], *, ring: bool = True) -> int:
    """Handle all pending events of a shard; return how many were handled."""
    asking = Asking(services.proposer) if services.proposer else None
    handled = 0
    while True:
        count, questions = _drain_once(services, shard, flows, asking)
        if not count and not questions:
            return handled
        handled += count
        if ring:
            services.bell.ring(DELIVER)
        if asking:
            asking.put(questions)


def _drain_once(
    services: Services, shard: int, flows: Mapping[str, Flow], asking: Asking | None
) -> tuple[int, dict[int, Question]]:
    try:
        with services.database.session() as session:
            return _handle_batch(session, services, shard, flows, BATCH, asking)
    except (OperationalError, InternalError):
        raise  # The database's trouble is no event's fault: the next ring or sweep tries again.
    except Exception as error:  # One poisonous event must not stop the others.
        log.exception("batch.failed", shard=shard, error=type(error).__name__)
        return _drain_singly(services, shard, flows), {}


def _handle_batch(
    session: Session,
    services: Services,
    shard: int,
    flows: Mapping[str, Flow],
    limit: int,
    asking: Asking | None = None,
) -> tuple[int, dict[int, Question]]:
    """Handle pending events; return how many, and the questions that others wait for, by event."""
    _lock_shard(session, shard)
    events = _pending(session, shard, limit)
    if not events:
        return 0, {}
    conversations = _lock_conversations(session, {event.conversation_id for event in events})
    handler = Handler(session, services, flows, asking)
    handled, questions, held = 0, {}, set()
    for event in events:
        if event.conversation_id in held:
            continue  # What was said after a message that is being asked about is heard after it.
        try:
            with session.begin_nested() if asking else nullcontext():
                handler.handle(event, conversations[event.conversation_id])
        except Undecided as undecided:
            held.add(event.conversation_id)
            if undecided.question is not None:
                event.payload = {**event.payload, "asked": now().isoformat()}
                questions[row_id(event)] = undecided.question
        else:
            event.handled_at = now()
            handled += 1
    return handled, questions


def _drain_singly(services: Services, shard: int, flows: Mapping[str, Flow]) -> int:
    handled = 0
    for _ in range(BATCH):
        with services.database.session() as session:
            _lock_shard(session, shard)
            pending = _pending(session, shard, 1)
            if not pending:
                break
            event_id = row_id(pending[0])
            # Counted before the attempt, so that an event which kills the process is counted too.
            pending[0].attempts += 1
            attempts = pending[0].attempts
        try:
            with services.database.session() as session:
                if attempts > MAXIMUM_ATTEMPTS:
                    _give_up(session, event_id)
                else:
                    _handle_batch(session, services, shard, flows, 1)
            handled += 1
        except (OperationalError, InternalError):
            raise
        except Exception as error:
            log.exception("event.failed", event_=event_id, attempts=attempts, error=type(error).__name__)
            with services.database.session() as session:
                session.get_one(Event, event_id).error = type(error).__name__
                if attempts >= MAXIMUM_ATTEMPTS:
                    _give_up(session, event_id)
            handled += 1
    return handled


def _lock_shard(session: Session, shard: int) -> None:
    # SQLite's BEGIN IMMEDIATE has already made us the only writer.
    if not session.info["is_sqlite"]:
        session.execute(select(func.pg_advisory_xact_lock(LOCK_SPACE, shard)))


def _pending(session: Session, shard: int, limit: int) -> list[Event]:
    statement = (
        select(Event)
        .where(col(Event.shard) == shard, col(Event.handled_at).is_(None))
        .order_by(col(Event.id))
        .limit(limit)
    )
    events = list(session.execute(statement).scalars())
    # What happened first is handled first, as far as it is known by now.
    return sorted(events, key=lambda event: (event.happened_at, event.id))


def _lock_conversations(session: Session, ids: set[int]) -> dict[int, Conversation]:
    statement = (
        select(Conversation)
        .where(col(Conversation.id).in_(ids))
        .order_by(col(Conversation.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row_id(conversation): conversation for conversation in session.execute(statement).scalars()}


def _give_up(session: Session, event_id: int) -> None:
    """Mark an event as poisonous and leave its conversation to a person, so that nobody is left without an answer."""
    event = session.get_one(Event, event_id)
    event.handled_at = now()
    event.error = event.error or "gave up"
    conversation = handover.lock(session, event.conversation_id)
    merchant_id = runs.merchant_of(session, conversation)
    if merchant_id is not None:
        handover.call_agent(session, conversation, "poison", merchant_id=merchant_id, detail={"event": event_id})

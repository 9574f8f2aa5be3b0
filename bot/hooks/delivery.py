"""Deliver what hooks are to be told: at least once, with back-off, and no receiver holds up another."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import structlog
from sqlalchemy import delete, func, or_, select
from sqlmodel import Session, col

from bot.clock import now
from bot.database import Database, row_id
from bot.hooks.sending import Outcome, send
from bot.hooks.targets import Policy
from bot.jobs import NOTIFY, Bell
from bot.models import Hook, HookDelivery

log = structlog.get_logger()

BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21600, 43200, 86400, 86400))
"""How long after each failed try the next one follows: three days in all, then it has failed."""
LONG_FAILURE = timedelta(days=3)
"""A hook that took nothing for so long is switched off; its owner sees why."""
UNREACHED = timedelta(seconds=30)
"""How long a receiver that could not be reached at all is left alone."""
LEASE = timedelta(seconds=60)
"""When a delivery is taken up again whose sender died."""
KEPT = timedelta(days=30)
_BATCH, _OF_ONE_HOOK = 32, 4
_ROUND_SECONDS = 25
_TRIES_KEPT = 20

Unseal = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class _Task:
    """One delivery with what it takes to send it, outside of any transaction."""

    id: int
    hook_id: int
    url: str
    secret: str | None
    event_id: str
    event: str
    body: bytes


def deliver(database: Database, unseal: Unseal, policy: Policy) -> int:
    """Send everything that is due; return how many tries were made.

    Stops after some seconds, so that a job ends in time: what is left is due still, and the clock rings for it.
    """
    tried, end = 0, time.monotonic() + _ROUND_SECONDS
    with ThreadPoolExecutor(_BATCH, thread_name_prefix="hooks") as pool:
        while time.monotonic() < end:
            with database.session() as session:
                tasks = _claim(session, unseal, now())
            if not tasks:
                break
            outcomes = list(pool.map(lambda task: _try(task, policy), tasks))
            with database.session() as session:
                # In the order of the hooks, which two senders would else lock crosswise.
                for task, outcome in sorted(zip(tasks, outcomes, strict=True), key=lambda pair: pair[0].hook_id):
                    _settle(session, task, outcome, now())
            tried += len(tasks)
    return tried


def is_due(session: Session, at: datetime) -> bool:
    """Tell whether something waits to be delivered; for the sweep that finds what no bell was heard for."""
    return session.execute(_due(at).limit(1)).first() is not None


def resend(session: Session, delivery: HookDelivery, at: datetime, bell: Bell) -> None:
    """Send an event once more, with the same id, whatever became of it before."""
    delivery.status, delivery.next_at, delivery.settled_at, delivery.attempts = "due", at, None, 0
    session.add(delivery)
    bell.ring_after_commit(session, NOTIFY)


def forget_old(session: Session, at: datetime) -> int:
    """Delete the log of events that were settled long ago; return how many."""
    gone = delete(HookDelivery).where(col(HookDelivery.created_at) < at - KEPT, col(HookDelivery.status) != "due")
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]  # A DELETE has one; the stub forgets it.


def _due(at: datetime):  # type: ignore[no-untyped-def]  # The type of a joined select says nothing to a reader.
    return (
        select(HookDelivery, Hook)
        .join(Hook, col(Hook.id) == col(HookDelivery.hook_id))
        .where(
            col(HookDelivery.status) == "due",
            col(HookDelivery.next_at) <= at,
            col(Hook.disabled_at).is_(None),
            or_(col(Hook.held_until).is_(None), col(Hook.held_until) <= at),
        )
    )


def _claim(session: Session, unseal: Unseal, at: datetime) -> list[_Task]:
    """Take some due deliveries, oldest first and few of each hook, and push them past the lease."""
    place = func.row_number().over(partition_by=col(HookDelivery.hook_id), order_by=col(HookDelivery.id))
    ranked = _due(at).with_only_columns(col(HookDelivery.id), place.label("place")).subquery()
    chosen = select(ranked.c.id).where(ranked.c.place <= _OF_ONE_HOOK).order_by(ranked.c.id).limit(_BATCH)
    statement = (
        select(HookDelivery, Hook)
        .join(Hook, col(Hook.id) == col(HookDelivery.hook_id))
        # Once more, because another worker may have taken it since the choice.
        .where(col(HookDelivery.id).in_(chosen), col(HookDelivery.status) == "due", col(HookDelivery.next_at) <= at)
        .order_by(col(HookDelivery.id))
        .with_for_update(of=HookDelivery, skip_locked=True)
    )
    tasks = []
    for delivery, hook in session.execute(statement).all():
        delivery.next_at = at + LEASE
        tasks.append(
            _Task(
                row_id(delivery), row_id(hook), hook.url, unseal(hook.secret, f"hook:{hook.id}:secret"),
                delivery.event_id, delivery.event, orjson.dumps(delivery.body),
            )
        )  # fmt: skip
    return tasks


def _try(task: _Task, policy: Policy) -> Outcome:
    if task.secret is None:
        return Outcome(None, "secret", 0)
    return send(task.url, policy, task.secret, task.event_id, task.event, task.body)


def _settle(session: Session, task: _Task, outcome: Outcome, at: datetime) -> None:
    delivery = session.get(HookDelivery, task.id, with_for_update=True)
    hook = session.get(Hook, task.hook_id, with_for_update=True)
    if delivery is None or hook is None:
        return
    told = {"at": at.isoformat(), "status": outcome.status, "error": outcome.error, "ms": outcome.milliseconds}
    delivery.tries = [*delivery.tries, told][-_TRIES_KEPT:]
    delivery.attempts += 1
    if outcome.delivered:
        delivery.status, delivery.next_at, delivery.settled_at = "delivered", None, at
        hook.failing_since = hook.held_until = None
        return
    if delivery.attempts > len(BACKOFF):
        delivery.status, delivery.next_at, delivery.settled_at = "failed", None, at
    else:
        # Spread a little, or all that failed together would come back together.
        delivery.next_at = at + BACKOFF[delivery.attempts - 1] * random.uniform(0.9, 1.2)  # noqa: S311
    hook.failing_since = hook.failing_since or at
    if not outcome.reached:
        hook.held_until = at + min(UNREACHED, BACKOFF[min(delivery.attempts, len(BACKOFF)) - 1])
    if outcome.status == 410 or at - hook.failing_since > LONG_FAILURE:
        hook.disabled_at, hook.disabled_by = at, "gone" if outcome.status == 410 else "failing"
        log.warning("hook.disabled", hook=hook.id, why=hook.disabled_by)

"""What merchants' systems are told: events become rows in the transaction of the deed that they report.

The rows hold ids and codes only. Whoever wants to know more of an order asks the API for it, with a key.
"""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from bot.database import row_id
from bot.jobs import NOTIFY, Bell
from bot.models import Hook, HookDelivery, Order, Review

_OF_INTENT = ("confirmed", "cancelled", "denied", "silent", "unreachable", "opted_out")
_OF_STATUS = ("shipped", "out_for_delivery", "delivered", "returned", "cancelled")
_DETAILS = frozenset(
    {
        "address_changed", "alternate_phone", "cancel_reason", "instructions", "not_before", "readiness", "receiver",
        "slot", "wish",
    }
)  # fmt: skip
EVENTS = (
    *(f"order.{intent}" for intent in _OF_INTENT),
    "order.changed",
    "order.decided",
    "order.reopened",
    *(f"order.{status}" for status in _OF_STATUS if status not in _OF_INTENT),
    "review.created",
    "review.changed",
)
"""Every event that a hook can choose."""
TEST = "ping"
"""What the owner sends to see whether an address answers."""


def tell(session: Session, order: Order, changes: Mapping[str, Any], at: datetime, bell: Bell | None = None) -> None:
    """Tell the hooks of the order's merchant what became of it; costs one small query per transaction without any.

    `changes` are those that took effect. Without a `bell` the clock's sweep finds the rows within seconds. Of a trial
    nobody is told.
    """
    if order.trial:
        return
    for event in events_of(changes):
        _enqueue(session, order.merchant_id, event, {"order": facts_of(order)}, at, bell)


def tell_of_review(session: Session, review: Review, at: datetime, *, new: bool, bell: Bell | None = None) -> None:
    """Tell the hooks of the merchant of a review; its words stay here."""
    if session.get_one(Order, review.order_id).trial:
        return
    facts = {"id": review.id, "order_id": review.order_id, "rating": review.rating, "tags": list(review.tags)}
    event = "review.created" if new else "review.changed"
    _enqueue(session, review.merchant_id, event, {"review": facts}, at, bell)


def ping(session: Session, hook: Hook, at: datetime, bell: Bell) -> HookDelivery:
    """Send one hook an event that means nothing."""
    delivery = _delivery(hook, TEST, str(uuid.uuid4()), {}, at)
    session.add(delivery)
    bell.ring_after_commit(session, NOTIFY)
    return delivery


def events_of(changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the events that some changes of an order are, each once."""
    found: dict[str, None] = {}
    if changes.get("intent") in _OF_INTENT:
        found[f"order.{changes['intent']}"] = None
    if changes.get("status") in _OF_STATUS:
        found[f"order.{changes['status']}"] = None
    elif changes.get("status") == "open":
        found["order.reopened"] = None
    if changes.keys() & _DETAILS:
        found["order.changed"] = None
    if "decision" in changes:
        found["order.decided"] = None
    return tuple(found)


def facts_of(order: Order) -> dict[str, Any]:
    """Return what an event says of an order: ids and codes as they are now, nothing personal."""
    return {
        "id": order.id,
        "reference": order.reference,
        "status": order.status,
        "intent": order.intent,
        "readiness": order.readiness,
        "decision": order.decision,
        "decided_by": order.decided_by,
        "cancel_reason": order.cancel_reason,
        "not_before": order.not_before.isoformat() if isinstance(order.not_before, date) else None,
        "slot": order.slot,
        "address_changed": order.address_changed,
        "updated_at": order.updated_at.isoformat(),
    }


def _enqueue(
    session: Session, merchant_id: int, event: str, data: dict[str, Any], at: datetime, bell: Bell | None
) -> None:
    hooks = [hook for hook in _hooks_of(session, merchant_id) if event in hook.events]
    if not hooks:
        return
    event_id = str(uuid.uuid4())
    session.add_all(_delivery(hook, event, event_id, data, at) for hook in hooks)
    if bell is not None:
        bell.ring_after_commit(session, NOTIFY)


def _delivery(hook: Hook, event: str, event_id: str, data: dict[str, Any], at: datetime) -> HookDelivery:
    body = {"id": event_id, "type": event, "timestamp": at.isoformat(), "data": data}
    return HookDelivery(
        merchant_id=hook.merchant_id, hook_id=row_id(hook), event_id=event_id, event=event, body=body, next_at=at,
        created_at=at,
    )  # fmt: skip


def _hooks_of(session: Session, merchant_id: int) -> list[Hook]:
    """Return the merchant's hooks, read once in a transaction: a batch records thousands of outcomes."""
    known: dict[int, list[Hook]] = session.info.setdefault("hooks", {})
    if merchant_id not in known:
        statement = select(Hook).where(col(Hook.merchant_id) == merchant_id, col(Hook.disabled_at).is_(None))
        with session.no_autoflush:
            known[merchant_id] = list(session.execute(statement).scalars())
    return known[merchant_id]

"""What agents do with a conversation: speak, note, take it, give it back, end it with an outcome.

Each function works in one transaction of its caller's and rings for the workers after the commit.
"""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort
from flask_babel import gettext as _
from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import at_local, now
from bot.database import row_id
from bot.jobs import DELIVER, DRAIN
from bot.models import Contact, Conversation, Member, Order
from bot.orders import outcomes
from bot.services import services
from bot.talk import apply, handover
from bot.talk.handover import Conflict, Reply
from bot.web import audit, tenant
from bot.web.access import me, my_shop
from bot.web.inbox_talk import is_elsewhere

SNOOZES = ("1", "3", "morning")
"""Hours, or the next morning at nine in the shop's zone."""
ENDINGS = ("confirmed", "later", "cancelled", "wrong_number", "call_back", "done")
CALL_ENDINGS = ("confirmed", "later", "cancelled", "wrong_number", "no_answer", "call_back")


def enter(session: Session, conversation_id: int) -> Conversation:
    """Return a conversation of this shop, locked; raise Conflict while another shop's agents have it."""
    tenant.find(session, Conversation, conversation_id)
    with tenant.lifted(session):
        conversation = handover.lock(session, conversation_id)
    if is_elsewhere(session, conversation):
        raise Conflict(_("Another shop that writes through the same number is talking with this shopper."))
    return conversation


def say(session: Session, conversation_id: int, words: Reply) -> None:
    """Queue an agent's message."""
    conversation = enter(session, conversation_id)
    mine, last = (conversation.owner, conversation.agent_id) == ("agent", me().id), conversation.seq
    with tenant.lifted(session):
        message = handover.reply(session, conversation_id, me().id, words, merchant_id=my_shop().id)
    if not mine:
        _write_down(session, "conversation.taken_over", conversation_id)
    if words.template and message.seq > last:
        _write_down(session, "conversation.template_sent", conversation_id, template=words.template["name"])
    services().bell.ring_after_commit(session, DELIVER)


def note(session: Session, conversation_id: int, body: str, client_id: str) -> None:
    """Write an internal note."""
    enter(session, conversation_id)
    with tenant.lifted(session):
        handover.note(session, conversation_id, me().id, body, client_id, merchant_id=my_shop().id)


def take(session: Session, conversation_id: int) -> None:
    """Take a conversation from the bot or from the queue; raise Conflict when a colleague has it."""
    enter(session, conversation_id)
    with tenant.lifted(session):
        handover.take_over(session, conversation_id, me().id, merchant_id=my_shop().id)
    _write_down(session, "conversation.taken_over", conversation_id)


def assign(session: Session, conversation_id: int, member_id: int) -> None:
    """Give a conversation to somebody of this shop, whoever has it now."""
    if tenant.find(session, Member, member_id).disabled_at is not None:
        abort(404)
    enter(session, conversation_id)
    with tenant.lifted(session):
        handover.assign(session, conversation_id, member_id, merchant_id=my_shop().id)
    _write_down(session, "conversation.assigned", conversation_id, to=member_id)


def release(session: Session, conversation_id: int) -> None:
    """Give a conversation back to the bot, which asks its open question again."""
    conversation = enter(session, conversation_id)
    with tenant.lifted(session):
        handover.release(session, conversation_id, me().id)
    services().bell.ring_after_commit(session, DRAIN, conversation.shard)
    _write_down(session, "conversation.released", conversation_id)


def snooze(session: Session, conversation_id: int, until: datetime) -> None:
    """Put a task aside; it comes back then, or when the shopper writes."""
    conversation = enter(session, conversation_id)
    conversation.snoozed_until = until
    session.add(conversation)


def end(session: Session, conversation_id: int, ending: str, *, about: int | None, **more: Any) -> None:
    """Record what was agreed for an order, and close the task.

    `more` is `on` (a date) for "later", `why` (a code of cancelling) for "cancelled", and `note`.
    Raises Conflict when a colleague has the conversation.
    """
    conversation = enter(session, conversation_id)
    order = tenant.find(session, Order, about, lock=True) if about is not None else None
    with tenant.lifted(session):
        if order is not None and ending != "done":
            _record(session, order, ending, **more)
        _close(session, conversation, ending, more.get("note", ""))


def correct_address(session: Session, conversation_id: int, about: int, parts: dict[str, str]) -> None:
    """Write an agent's version of an address, and close the task."""
    conversation = enter(session, conversation_id)
    order = tenant.find(session, Order, about, lock=True)
    with tenant.lifted(session):
        apply.save_address(session, order, dict(parts), by="agent", member_id=me().id)
        outcomes.record(
            session, order, by="agent", at=now(), member_id=me().id, bell=services().bell, address_changed=True
        )
        audit.record(
            session, "order.address_changed", member_id=me().id, merchant_id=my_shop().id, about=f"order:{about}"
        )
        _close(session, conversation, "address_fixed", "")


def called(session: Session, order_id: int, ending: str, **more: Any) -> Order:
    """Record what a telephone call brought; close the task that waited for it."""
    conversation_id = _conversation_of(session, tenant.find(session, Order, order_id).contact_id)
    conversation = enter(session, conversation_id) if conversation_id else None
    order = tenant.find(session, Order, order_id, lock=True)
    with tenant.lifted(session):
        audit.record(session, "order.called", member_id=me().id, merchant_id=my_shop().id, about=f"order:{order_id}",
                     ending=ending)  # fmt: skip
        if ending in ("no_answer", "call_back"):
            order.call_at = more["again"]
            order.updated_at = now()
            session.add(order)
            return order
        _record(session, order, ending, **more)
        task = handover.open_task_of(session, conversation) if conversation else None
        if conversation is not None and task is not None and task.order_id == order_id:
            _close(session, conversation, ending, "")
    return order


def wakes_at(choice: str) -> datetime:
    """Return when a task that is put aside comes back."""
    if choice == "morning":
        zone = ZoneInfo(my_shop().timezone)
        return at_local(now().astimezone(zone).date() + timedelta(days=1), time(9), zone)
    return now() + timedelta(hours=int(choice))


def day_of(written: str) -> date | None:
    """Read a day from today on; None when it is none."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    today = now().astimezone(ZoneInfo(my_shop().timezone)).date()
    return day if today <= day <= today + timedelta(days=365) else None


def _record(session: Session, order: Order, ending: str, **more: Any) -> None:
    every: dict[str, dict[str, Any]] = {
        "confirmed": {"intent": "confirmed"},
        "later": {"intent": "confirmed", "not_before": more.get("on")},
        "cancelled": {"intent": "cancelled", "cancel_reason": more.get("why", "")},
        "wrong_number": {"intent": "denied"},
        # On the list of those to be called before their parcel leaves.
        "call_back": {"decision": "call"},
    }
    outcomes.record(session, order, by="agent", at=now(), member_id=me().id, bell=services().bell, **every[ending])
    order.call_at = None
    session.add(order)
    if ending == "wrong_number" and order.contact_id is not None:
        conversation_id = _conversation_of(session, order.contact_id)
        contact = session.get_one(Contact, order.contact_id)
        if conversation_id is not None:
            # Whoever has this number did not buy: nothing may reach them any more.
            apply.opt_out(session, session.get_one(Conversation, conversation_id), contact, now())


def _close(session: Session, conversation: Conversation, ending: str, words: str) -> None:
    handover.resolve(session, row_id(conversation), me().id, ending, words)
    services().bell.ring_after_commit(session, DRAIN, conversation.shard)
    _write_down(session, "conversation.resolved", row_id(conversation), ending=ending)


def _conversation_of(session: Session, contact_id: int | None) -> int | None:
    """A contact belongs to one of our numbers, and has one conversation with it."""
    return session.execute(
        select(col(Conversation.id)).where(col(Conversation.contact_id) == contact_id)
    ).scalar_one_or_none()


def _write_down(session: Session, act: str, conversation_id: int, **detail: Any) -> None:
    audit.record(
        session, act, member_id=me().id, merchant_id=my_shop().id, about=f"conversation:{conversation_id}", **detail
    )

"""Plan the talks of thousands of new orders at once: what `bot.talk.start.plan_all` does, for orders without any talk.

An import of 100,000 orders spends most of its time here if every shopper, conversation, run and timer is an object of
its own; so rows are written in bulk, and the orders learn their contact and hour before they are written themselves.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from bot.database import among, row_id
from bot.models import Contact, Conversation, Identity, Merchant, Order, Run, Timer
from bot.orders.bulk import insert_rows, next_ids
from bot.orders.rules import Rules
from bot.talk import stops
from bot.talk.contacts import PHONE, converse_all, shard_of, zone_of_phone
from bot.talk.start import START, ask_time


def invite(
    session: Session, merchant: Merchant, orders: Sequence[Order], at: datetime, *, shards: int
) -> Mapping[int | None, int]:
    """Give orders that are not written yet their contact and the time of their first question.

    Returns the conversation of each contact.
    """
    if merchant.channel_id is None or not orders:
        return {}
    channel_id = merchant.channel_id
    contacts = _known(session, channel_id, [order.phone[1:] for order in orders])
    strangers = {order.phone[1:]: order for order in orders if order.phone[1:] not in contacts}
    made = dict(zip(strangers, next_ids(session, Contact, len(strangers)), strict=True))
    stopped = stops.since(session, channel_id, ((PHONE, number) for number in strangers))
    insert_rows(
        session,
        Contact,
        [
            {
                "id": made[number],
                "channel_id": channel_id,
                "name": order.shopper_name,
                "region": order.region,
                "opted_out_at": stopped.get((PHONE, number)),
                "created_at": at,
            }
            for number, order in strangers.items()
        ],
    )
    insert_rows(
        session,
        Identity,
        [
            {"channel_id": channel_id, "contact_id": made[number], "scheme": PHONE, "value": number}
            for number in strangers
        ],
    )
    talks: dict[int | None, int] = dict(zip(made.values(), next_ids(session, Conversation, len(made)), strict=True))
    insert_rows(
        session,
        Conversation,
        [
            {
                "id": talk_id,
                "channel_id": channel_id,
                "contact_id": contact_id,
                "shard": shard_of(contact_id or 0, shards),
                "created_at": at,
            }
            for contact_id, talk_id in talks.items()
        ],
    )
    met = {contact_id for contact_id, _timezone in contacts.values()}
    contacts |= {number: (contact_id, None) for number, contact_id in made.items()}
    rules = Rules.from_json(merchant.rules)
    for order in orders:
        order.contact_id, timezone = contacts[order.phone[1:]]
        zone = ZoneInfo(timezone) if timezone else zone_of_phone(order.phone, merchant.timezone)
        order.ask_at = ask_time(order, rules, zone, at)
    return talks | converse_all(session, channel_id, met, shards, at) if met else talks


def enlist(
    session: Session, orders: Sequence[Order], flow: str, conversations: Mapping[int | None, int], at: datetime
) -> None:
    """Put the talks of invited orders, which are written now, on the timetable."""
    run_ids = next_ids(session, Run, len(orders))
    runs: list[dict[str, Any]] = [
        {
            "id": run_id,
            "merchant_id": order.merchant_id,
            "conversation_id": conversations[order.contact_id],
            "order_id": row_id(order),
            "flow": flow,
            "version": 0,
            "created_at": at,
            "updated_at": at,
        }
        for run_id, order in zip(run_ids, orders, strict=True)
    ]
    insert_rows(session, Run, runs)
    timers = [
        {"run_id": run_id, "turn": 0, "nth": START, "fire_at": order.ask_at}
        for run_id, order in zip(run_ids, orders, strict=True)
    ]
    insert_rows(session, Timer, timers)


def _known(session: Session, channel_id: int, numbers: Sequence[str]) -> dict[str, tuple[int, str | None]]:
    """Return the contacts that have these numbers, with the time zone that is known of them."""
    statement = (
        select(col(Identity.value), col(Identity.contact_id), col(Contact.timezone))
        .join(Contact, col(Contact.id) == col(Identity.contact_id))
        .where(
            col(Identity.channel_id) == channel_id,
            col(Identity.scheme) == PHONE,
            among(session, col(Identity.value), numbers),
        )
    )
    return {number: (contact_id, timezone) for number, contact_id, timezone in session.execute(statement)}

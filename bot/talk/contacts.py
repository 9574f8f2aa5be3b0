"""Shoppers and their conversations: found by what Meta tells of them, made when they are new."""

import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers import timezone as phone_zones
from phonenumbers.tzdata import TIMEZONE_DATA
from sqlalchemy import select
from sqlmodel import Session, col

from bot.database import among, insert_once, row_id
from bot.models import Contact, Conversation, Identity, Merchant, Message, Order
from bot.talk import stops

PHONE = "phone"
BSUID = "bsuid"


def find_contact(
    session: Session, channel_id: int, *, quoted_wamid: str | None, bsuid: str | None, wa_id: str | None
) -> int | None:
    """Return the contact that wrote: by the message quoted, then by BSUID, then by phone number.

    The phone number comes last, because since 2026 it may be missing, and a number can change hands.
    """
    if quoted_wamid:
        statement = (
            select(col(Conversation.contact_id))
            .join(Message, col(Message.conversation_id) == col(Conversation.id))
            .where(col(Message.wamid) == quoted_wamid, col(Conversation.channel_id) == channel_id)
        )
        if (contact_id := session.execute(statement).scalar_one_or_none()) is not None:
            return contact_id
    for scheme, value in ((BSUID, bsuid), (PHONE, wa_id)):
        if value and (contact_id := _known(session, channel_id, scheme, value)) is not None:
            return contact_id
    return None


def ensure_contact(
    session: Session, channel_id: int, identities: Iterable[tuple[str, str]], *, region: str, name: str, at: datetime
) -> int:
    """Return the contact that has one of the `identities`, making it when none has."""
    pairs = [(scheme, value) for scheme, value in identities if value]
    for scheme, value in pairs:
        if (contact_id := _known(session, channel_id, scheme, value)) is not None:
            return contact_id
    contact = Contact(channel_id=channel_id, name=name, region=region, created_at=at)
    session.add(contact)
    session.flush()
    learn(session, channel_id, row_id(contact), pairs)
    owner = _known(session, channel_id, *pairs[0]) or row_id(contact)
    if owner != contact.id:
        # Another worker met this shopper at the same moment: theirs stands.
        session.delete(contact)
    return owner


def learn(session: Session, channel_id: int, contact_id: int, identities: Iterable[tuple[str, str]]) -> None:
    """Remember further names of a shopper; a name that belongs to another contact stays with it."""
    names = [(scheme, value) for scheme, value in identities if value]
    rows = [
        {"channel_id": channel_id, "contact_id": contact_id, "scheme": scheme, "value": value}
        for scheme, value in names
    ]
    if not insert_once(session, Identity, rows, "channel_id", "scheme", "value"):
        return
    if stopped := stops.since(session, channel_id, names):
        contact = session.get_one(Contact, contact_id)
        contact.opted_out_at = contact.opted_out_at or min(stopped.values())


def ensure_conversation(session: Session, channel_id: int, contact_id: int, shards: int, at: datetime) -> Conversation:
    """Return the one conversation between a number of ours and a shopper."""
    return session.get_one(Conversation, converse_all(session, channel_id, [contact_id], shards, at)[contact_id])


def shard_of(contact_id: int, shards: int) -> int:
    """Return the doorbell to which a shopper's conversation belongs."""
    return zlib.crc32(str(contact_id).encode()) % shards


def converse_all(
    session: Session, channel_id: int, contacts: Collection[int], shards: int, at: datetime
) -> dict[int | None, int]:
    """Return the conversations of many shoppers with a number of ours, contact -> conversation, making what is new."""
    statement = select(col(Conversation.contact_id), col(Conversation.id)).where(
        col(Conversation.channel_id) == channel_id,
        among(session, col(Conversation.contact_id), contacts),
    )
    known: dict[int | None, int] = dict(session.execute(statement).all())
    rows = [
        {
            "channel_id": channel_id,
            "contact_id": contact_id,
            "shard": shard_of(contact_id, shards),
            "owner": "bot",
            "epoch": 0,
            "seq": 0,
            "data": {},
            "created_at": at,
        }
        for contact_id in contacts
        if contact_id not in known
    ]
    if rows:
        insert_once(session, Conversation, rows, "channel_id", "contact_id")
        known = dict(session.execute(statement).all())
    return known


def meet_all(session: Session, channel_id: int, orders: Sequence[Order], at: datetime) -> None:
    """Give many orders the contacts that their phone numbers belong to, making what is new with a few statements."""
    by_number = {order.phone.lstrip("+"): order for order in orders}
    if not by_number:
        return
    statement = select(col(Identity.value), col(Identity.contact_id)).where(
        col(Identity.channel_id) == channel_id,
        col(Identity.scheme) == PHONE,
        col(Identity.value).in_(by_number),
    )
    known = dict(session.execute(statement).all())
    strangers = {number: order for number, order in by_number.items() if number not in known}
    if strangers:
        stopped = stops.since(session, channel_id, ((PHONE, number) for number in strangers))
        made = [
            Contact(
                channel_id=channel_id, name=order.shopper_name, region=order.region,
                opted_out_at=stopped.get((PHONE, number)), created_at=at,
            )
            for number, order in strangers.items()
        ]  # fmt: skip
        session.add_all(made)
        session.flush()
        rows = [
            {"channel_id": channel_id, "contact_id": row_id(contact), "scheme": PHONE, "value": number}
            for number, contact in zip(strangers, made, strict=True)
        ]
        insert_once(session, Identity, rows, "channel_id", "scheme", "value")
        known = dict(session.execute(statement).all())
        # Another worker met some of these shoppers at the same moment: theirs stand.
        for contact in made:
            if contact.id not in known.values():
                session.delete(contact)
    for order in orders:
        order.contact_id = known[order.phone.lstrip("+")]


def locale_of(contact: Contact | None, order: Order | None, merchant: Merchant) -> str:
    """Return the language to speak with a shopper: their own, that of the order, else the merchant's first."""
    return (contact.locale if contact else None) or (order.locale if order else None) or merchant.locale


def zone_of(contact: Contact, fallback: str, phone: str = "") -> ZoneInfo:
    """Return the shopper's time zone: their own, that of their number if it has one only, else the merchant's."""
    return ZoneInfo(contact.timezone) if contact.timezone else zone_of_phone(phone, fallback)


def zone_of_phone(phone: str, fallback: str) -> ZoneInfo:
    """Return the time zone of a phone number (E.164) where it has one only, else `fallback`."""
    # Zones belong to prefixes of at most seven digits: what is known of one number holds for its neighbours.
    prefix = next((code for n in (2, 3, 4) if (code := phone[:n]) in _whole_countries()), phone[:9])
    if prefix not in _zone_of_prefix:
        if len(_zone_of_prefix) > MOST_PREFIXES:
            _zone_of_prefix.clear()
        _zone_of_prefix[prefix] = _look_up_zone(phone)
    return ZoneInfo(_zone_of_prefix[prefix] or fallback)


@cache
def _whole_countries() -> frozenset[str]:
    """Return the calling codes, with a plus, under which all numbers have the same zones: India's, for one."""
    under = Counter(f"+{code}" for prefix in TIMEZONE_DATA for n in (1, 2, 3)
                    if (code := prefix[:n]).isdigit() and int(code) in COUNTRY_CODE_TO_REGION_CODE)  # fmt: skip
    return frozenset(code for code, prefixes in under.items() if prefixes == 1 and code[1:] in TIMEZONE_DATA)


MOST_PREFIXES = 10_000
_zone_of_prefix: dict[str, str | None] = {}


def _look_up_zone(phone: str) -> str | None:
    try:
        zones = phone_zones.time_zones_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None
    return zones[0] if len(zones) == 1 and zones[0] != phone_zones.UNKNOWN_TIMEZONE else None


def _known(session: Session, channel_id: int, scheme: str, value: str) -> int | None:
    return session.execute(
        select(col(Identity.contact_id)).where(
            col(Identity.channel_id) == channel_id, col(Identity.scheme) == scheme, col(Identity.value) == value
        )
    ).scalar_one_or_none()

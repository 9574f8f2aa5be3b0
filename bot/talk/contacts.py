"""Shoppers and their conversations: found by what Meta tells of them, made when they are new."""

import zlib
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone as phone_zones
from sqlalchemy import select
from sqlmodel import Session

from bot.database import insert_once, row_id
from bot.models import Contact, Conversation, Identity, Message

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
            select(Conversation.contact_id)
            .join(Message, Message.conversation_id == Conversation.id)
            .where(Message.wamid == quoted_wamid, Conversation.channel_id == channel_id)
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
    rows = [
        {"channel_id": channel_id, "contact_id": contact_id, "scheme": scheme, "value": value}
        for scheme, value in identities
        if value
    ]
    insert_once(session, Identity, rows, "channel_id", "scheme", "value")


def ensure_conversation(session: Session, channel_id: int, contact_id: int, shards: int, at: datetime) -> Conversation:
    """Return the one conversation between a number of ours and a shopper."""
    statement = select(Conversation).where(Conversation.channel_id == channel_id, Conversation.contact_id == contact_id)
    if (conversation := session.execute(statement).scalar_one_or_none()) is not None:
        return conversation
    row = {
        "channel_id": channel_id,
        "contact_id": contact_id,
        "shard": zlib.crc32(str(contact_id).encode()) % shards,
        "owner": "bot",
        "epoch": 0,
        "seq": 0,
        "data": {},
        "created_at": at,
    }
    insert_once(session, Conversation, [row], "channel_id", "contact_id")
    return session.execute(statement).scalar_one()


def zone_of(contact: Contact, fallback: str, phone: str = "") -> ZoneInfo:
    """Return the shopper's time zone: their own, that of their number if it has one only, else the merchant's."""
    if contact.timezone:
        return ZoneInfo(contact.timezone)
    if phone:
        try:
            zones = phone_zones.time_zones_for_number(phonenumbers.parse(phone))
        except phonenumbers.NumberParseException:
            zones = ()
        if len(zones) == 1 and zones[0] != phone_zones.UNKNOWN_TIMEZONE:
            return ZoneInfo(zones[0])
    return ZoneInfo(fallback)


def _known(session: Session, channel_id: int, scheme: str, value: str) -> int | None:
    return session.execute(
        select(Identity.contact_id).where(
            Identity.channel_id == channel_id, Identity.scheme == scheme, Identity.value == value
        )
    ).scalar_one_or_none()

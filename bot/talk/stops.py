"""Who said STOP and was erased afterwards: only a keyed hash of the number is left, so that it is not asked again.

The hash is an HMAC under a key of SECRET_KEY and over the channel too: without the key nobody can try numbers out, and
the hashes of two channels tell nothing about each other. A changed SECRET_KEY forgets them.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session, col

from bot.database import among, insert_once
from bot.models import Contact, Identity, Stop

Names = Iterable[tuple[str, str]]
"""Scheme and value of identities."""


def keep(session: Session, contact: Contact) -> None:
    """Remember that a contact wants no messages; called before its identities are deleted."""
    if contact.opted_out_at is None:
        return
    shopper = secrets.token_hex(8)
    rows = [
        {"channel_id": contact.channel_id, "shopper": shopper, "digest": digest, "stopped_at": contact.opted_out_at}
        for digest in _digests(session, contact.channel_id, _names(session, contact))
    ]
    insert_once(session, Stop, rows, "channel_id", "digest")


def since(session: Session, channel_id: int, names: Names) -> dict[tuple[str, str], datetime]:
    """Return which of these identities belong to somebody who said STOP and was erased, and since when."""
    digests = _digests(session, channel_id, names)
    if not digests:
        return {}
    statement = select(col(Stop.digest), col(Stop.stopped_at)).where(
        col(Stop.channel_id) == channel_id, among(session, col(Stop.digest), digests)
    )
    return {digests[digest]: at for digest, at in session.execute(statement)}


def lift(session: Session, contact: Contact) -> None:
    """Forget that the person behind a contact ever said STOP, by whichever of their names."""
    mine = select(col(Stop.shopper)).where(
        col(Stop.channel_id) == contact.channel_id,
        col(Stop.digest).in_(_digests(session, contact.channel_id, _names(session, contact))),
    )
    session.execute(delete(Stop).where(col(Stop.shopper).in_(mine)).execution_options(synchronize_session=False))


def _names(session: Session, contact: Contact) -> Collection[tuple[str, str]]:
    known = select(col(Identity.scheme), col(Identity.value)).where(col(Identity.contact_id) == contact.id)
    return [(scheme, value) for scheme, value in session.execute(known)]


def _digests(session: Session, channel_id: int, names: Names) -> dict[str, tuple[str, str]]:
    key: bytes | None = session.info["stops_key"]
    if key is None:
        raise LookupError("the database was opened without SECRET_KEY, so nobody who said STOP is known")
    return {
        hmac.digest(key, f"{channel_id}:{scheme}:{value}".encode(), hashlib.sha256).hex(): (scheme, value)
        for scheme, value in names
    }

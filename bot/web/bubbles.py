"""What was said, with what belongs to each bubble: the messages that are quoted, and how far ours have come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from bot.models import Message, Receipt


@dataclass(frozen=True)
class Bubbles:
    """Some messages of a conversation, oldest first."""

    rows: Sequence[Message]
    quoted: dict[str, Message]
    """WhatsApp's id of a message that one of the rows quotes or reacts to -> that message."""
    receipts: dict[int, dict[str, datetime]]
    """Id of one of ours -> status -> when it was reached."""


def read(session: Session, rows: Sequence[Message]) -> Bubbles:
    """Read what belongs to messages of one conversation."""
    return Bubbles(rows, _quoted(session, rows), _receipts(session, rows))


def _quoted(session: Session, rows: Sequence[Message]) -> dict[str, Message]:
    wamids = {row.quoted_wamid for row in rows if row.quoted_wamid}
    wamids |= {target for row in rows if (target := _target(row))}
    if not wamids:
        return {}
    found = session.execute(
        select(Message).where(
            col(Message.wamid).in_(wamids), col(Message.conversation_id).in_({row.conversation_id for row in rows})
        )
    ).scalars()
    return {row.wamid: row for row in found if row.wamid}


def _target(row: Message) -> str | None:
    reaction = row.extra.get("reaction")
    return (reaction or {}).get("target") if isinstance(reaction, dict | None) else None


def _receipts(session: Session, rows: Sequence[Message]) -> dict[int, dict[str, datetime]]:
    found: dict[int, dict[str, datetime]] = {}
    ours = [row.id for row in rows if row.direction == "out"]
    told = session.execute(
        select(col(Receipt.message_id), col(Receipt.status), col(Receipt.at)).where(col(Receipt.message_id).in_(ours))
    )
    for message_id, status, at in told:
        found.setdefault(message_id, {})[status] = at
    return found

"""Append to a transcript: the one place that numbers the bubbles of a conversation."""

from typing import Any

from sqlmodel import Session

from bot.clock import now
from bot.database import row_id
from bot.models import Conversation, Message


def append(session: Session, conversation: Conversation, *, key: str, **columns: Any) -> Message:
    """Add a message to a locked conversation under a key that is unique, at the conversation's present epoch."""
    conversation.seq += 1
    moment = now()
    conversation.last_at = moment
    message = Message(
        conversation_id=row_id(conversation),
        key=key,
        seq=conversation.seq,
        epoch=conversation.epoch,
        created_at=moment,
        **columns,
    )
    session.add(message)
    session.flush()
    return message

"""Append to a transcript and withdraw from it: the one place that numbers the bubbles of a conversation."""

from typing import Any

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col

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


def withdraw(session: Session, conversation: Conversation, reason: str, *only: ColumnElement[bool]) -> None:
    """Take back what the bot has not sent yet, or those of its bubbles that meet further conditions."""
    session.execute(
        update(Message)
        .where(
            col(Message.conversation_id) == conversation.id,
            col(Message.author) == "bot",
            col(Message.status).in_(("queued", "held")),
            *only,
        )
        .values(status="cancelled", hold_reason=reason)
    )

"""The one door: whatever can move a conversation becomes a row with a unique key."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.clock import now
from bot.database import insert_once
from bot.models import Conversation, Event


def post_event(
    session: Session, conversation: Conversation, kind: str, key: str, payload: dict[str, Any], at: datetime
) -> bool:
    """Put an event into the inbox, once per `key`; return whether it is new.

    The caller rings `DRAIN` for the conversation's shard after its commit.
    """
    row = {
        "key": key,
        "conversation_id": conversation.id,
        "shard": conversation.shard,
        "kind": kind,
        "payload": payload,
        "happened_at": at,
        "received_at": now(),
        "attempts": 0,
    }
    return bool(insert_once(session, Event, [row], "key"))

"""What Meta says of our messages: kept once per status, and a message's status only moves up."""

from collections.abc import Sequence

import structlog
from sqlalchemy import or_, select
from sqlmodel import Session, col

from bot.clock import now
from bot.database import insert_once, row_id
from bot.models import Conversation, Message, Receipt
from bot.talk import timers
from bot.talk.buttons import Signer
from bot.talk.events import post_event
from bot.talk.settle import RANK
from bot.whatsapp.updates import Status

log = structlog.get_logger()

KNOWN = ("sent", "delivered", "read", "played", "failed")
WINDOW_CLOSED = 131047


def apply(session: Session, statuses: Sequence[Status], signer: Signer) -> set[int]:
    """Apply a batch of statuses; return the shards of conversations that got an event."""
    statuses = [s for s in statuses if s.status in KNOWN and s.type == "message" and not s.in_group]
    if not statuses:
        return set()
    found = _messages(session, statuses, signer)
    rows, shards, prompts = [], set(), []
    for status in statuses:
        pair = found.get(_name(status, signer))
        if pair is None:
            log.info("receipt.stray", status=status.status, code=status.code)
            continue
        message, conversation = pair
        if status.status == "failed" and (message.status == "queued" or message.wamid not in (None, status.id)):
            # It is about an earlier attempt, which was settled when it failed.
            continue
        rows.append(_row(message, status))
        if message.wamid is None:
            message.wamid = status.id
        if message.sent_at is None or message.status == "unknown":
            # The answer to our send was lost, and this is how we learn that it arrived.
            message.sent_at = message.sent_at or now()
            prompts.append(message)
        if status.status == "failed":
            shards |= _failed(session, message, conversation, status.code or 0)
        elif RANK[status.status] > RANK.get(message.status, -1) and message.status in RANK:
            message.status, message.hold_reason, message.claimed_until = status.status, None, None
    unique = {(row["message_id"], row["status"]): row for row in rows}
    insert_once(session, Receipt, list(unique.values()), "message_id", "status")
    timers.arm(session, prompts)
    return shards


def _name(status: Status, signer: Signer) -> int | str:
    """The message's own id when the status echoes it, else Meta's."""
    return signer.read_opaque(status.opaque) or status.id


def _messages(
    session: Session, statuses: Sequence[Status], signer: Signer
) -> dict[int | str, tuple[Message, Conversation]]:
    names = [_name(status, signer) for status in statuses]
    statement = (
        select(Message, Conversation)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(
            or_(
                col(Message.id).in_([name for name in names if isinstance(name, int)]),
                col(Message.wamid).in_([name for name in names if isinstance(name, str)]),
            ),
            col(Message.direction) == "out",
        )
        .order_by(col(Message.id))
        .with_for_update(of=Message)
        .execution_options(populate_existing=True)
    )
    found: dict[int | str, tuple[Message, Conversation]] = {}
    for message, conversation in session.execute(statement):
        found[row_id(message)] = (message, conversation)
        if message.wamid is not None:
            found[message.wamid] = (message, conversation)
    return found


def _row(message: Message, status: Status) -> dict[str, object]:
    return {
        "message_id": row_id(message),
        "status": status.status,
        "at": status.at or now(),
        "code": status.code,
        "category": status.category or None,
        "billable": status.billable,
    }


def _failed(session: Session, message: Message, conversation: Conversation, code: int) -> set[int]:
    """Note that a message did not arrive, unless we know that it did (several devices may disagree)."""
    if RANK.get(message.status, 9) >= RANK["delivered"]:
        log.warning("receipt.contradiction", message=message.id, code=code)
        return set()
    message.error_code, message.claimed_until = code, None
    if code == WINDOW_CLOSED and message.template is not None and message.kind != "template":
        # Refused after all, so nothing arrived: the template may go, under the same id.
        conversation.window_until = now()
        message.status, message.wamid, message.not_before = "queued", None, None
        return set()
    message.status = "failed"
    if message.author != "bot" or message.run_id is None:
        return set()
    payload = {"code": code, "run_id": message.run_id, "turn": message.turn}
    post_event(session, conversation, "undeliverable", f"undeliverable:{row_id(message)}", payload, now())
    return {conversation.shard}

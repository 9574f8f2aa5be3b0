"""Settle sends: what Meta's answer means for the message, its timers, its number, its template and its run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import now
from bot.database import row_id
from bot.jobs import DRAIN, Bell
from bot.models import Channel, Conversation, Message, Order, WhatsAppTemplate
from bot.talk import handover, timers
from bot.talk.contacts import BSUID, PHONE, learn
from bot.talk.events import post_event
from bot.whatsapp import errors
from bot.whatsapp.client import Sent

log = structlog.get_logger()

MAXIMUM_ATTEMPTS = 100
"""With back-off this is a working day of a provider that is down."""
PROBE = timedelta(seconds=60)
"""How often a number that Meta has blocked is tried again."""
COUNTRY_WAIT = timedelta(hours=1)
"""How long the messages to a country wait that Meta closed to a number."""
RANK = {"queued": 0, "sending": 0, "unknown": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4}
"""A status only moves up (whatsapp.md: monotone rule)."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one attempt: exactly one of the two is set."""

    message_id: int
    sent: Sent | None = None
    error: errors.SendError | None = None


def settle(session: Session, results: Sequence[Result], bell: Bell) -> None:
    """Write the results of a batch of sends."""
    statement = (
        select(Message, Conversation, Channel)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .join(Channel, col(Channel.id) == col(Conversation.channel_id))
        .where(col(Message.id).in_([result.message_id for result in results]))
        .order_by(col(Message.id))
        .with_for_update(of=Message)
        .execution_options(populate_existing=True)
    )
    rows = {row.Message.id: row for row in session.execute(statement)}
    desk = Desk(session, bell)
    for result in results:
        row = rows.get(result.message_id)
        if row is None:
            continue
        if result.sent is not None:
            desk.accepted(row.Message, row.Conversation, result.sent)
        elif result.error is not None:
            _HANDLERS[type(result.error)](desk, row.Message, row.Conversation, row.Channel, result.error)
    timers.arm(session, desk.prompts)


def expire_leases(session: Session) -> int:
    """Turn messages whose sender died in the middle into unknown ones; return how many."""
    statement = (
        select(Message)
        .where(col(Message.status) == "sending", col(Message.claimed_until) < now())
        .with_for_update(skip_locked=True)
    )
    left = list(session.execute(statement).scalars())
    for message in left:
        message.status, message.sent_at = "unknown", message.sent_at or message.claimed_until
        message.claimed_until = None
    # It probably arrived: silence counts from now, and the next reminder supersedes a copy that did not.
    timers.arm(session, left)
    return len(left)


class Desk:
    """What the settling of one batch shares."""

    def __init__(self, session: Session, bell: Bell) -> None:
        """Begin a batch."""
        self.session = session
        self.bell = bell
        self.prompts: list[Message] = []

    def accepted(self, message: Message, conversation: Conversation, sent: Sent) -> None:
        """Note that Meta took a message; a status that was quicker is not undone."""
        if message.wamid is None:
            message.wamid = sent.wamid
        if message.status in ("sending", "unknown"):
            message.status = "sent"
        message.hold_reason = None
        message.claimed_until = None
        self.was_sent(message)
        learn(
            self.session,
            conversation.channel_id,
            conversation.contact_id,
            [(PHONE, sent.wa_id or ""), (BSUID, sent.user_id or "")],
        )

    def was_sent(self, message: Message) -> None:
        """Start what begins when a prompt is out: its timers, and the order's time of asking."""
        message.sent_at = message.sent_at or now()
        self.prompts.append(message)
        if message.order_id is not None and message.author == "bot":
            order = self.session.get(Order, message.order_id)
            if order is not None and order.asked_at is None:
                order.asked_at = message.sent_at

    def again(self, message: Message, conversation: Conversation, error: errors.SendError) -> None:
        """Send once more after a while, unless it was tried too often."""
        message.claimed_until, message.error_code = None, error.code
        if message.attempts >= (error.most_attempts or MAXIMUM_ATTEMPTS):
            self.undeliverable(message, conversation, error.code or 0)
            return
        message.status = "queued"
        message.not_before = now() + error.wait(message.attempts)

    def undeliverable(self, message: Message, conversation: Conversation, code: int) -> None:
        """Let the flow decide what follows from a message that cannot reach the shopper."""
        message.status, message.error_code, message.claimed_until = "failed", code, None
        if message.author == "bot" and message.run_id is not None:
            payload = {"code": code, "run_id": message.run_id, "turn": message.turn}
            post_event(self.session, conversation, "undeliverable", f"undeliverable:{row_id(message)}", payload, now())
            self.bell.ring_after_commit(self.session, DRAIN, conversation.shard)


def _again(desk: Desk, message: Message, conversation: Conversation, _n: Channel, error: errors.SendError) -> None:
    desk.again(message, conversation, error)


def _hold_number(
    desk: Desk, message: Message, conversation: Conversation, channel: Channel, error: errors.SendError
) -> None:
    """Keep everything of a number back for a while; the message itself did nothing wrong.

    Where Meta restricts one country, the others' shoppers do not wait: each of that country's messages does.
    """
    if isinstance(error, errors.HoldNumber) and error.one_country_only:
        log.error("country.held", channel=channel.id, code=error.code)
        message.attempts -= 1
        message.status, message.error_code, message.claimed_until = "queued", error.code, None
        message.not_before = now() + COUNTRY_WAIT
        return
    wait = error.wait(1) or PROBE
    channel.held_until, channel.held_reason = now() + wait, f"code_{error.code}"
    log.warning("number.held", channel=channel.id, code=error.code, seconds=wait.total_seconds())
    message.attempts -= 1
    message.status, message.error_code, message.claimed_until = "queued", error.code, None


def _hold_template(desk: Desk, message: Message, _c: Conversation, channel: Channel, error: errors.SendError) -> None:
    message.status, message.hold_reason = "held", f"template_{error.code}"
    message.error_code, message.claimed_until = error.code, None
    name, language = (message.template or {}).get("name", ""), (message.template or {}).get("language", "")
    known = desk.session.execute(
        select(WhatsAppTemplate).where(
            col(WhatsAppTemplate.business_account_id) == channel.business_account_id,
            col(WhatsAppTemplate.name) == name,
            col(WhatsAppTemplate.language) == language,
        )
    ).scalar_one_or_none()
    if known is not None:
        known.held_until, known.reason = now() + timedelta(minutes=10), str(error.code)
    log.error("template.held", template=name, language=language, code=error.code)


def _needs_template(
    desk: Desk, message: Message, conversation: Conversation, _n: Channel, error: errors.SendError
) -> None:
    message.error_code, message.claimed_until = error.code, None
    if message.template is None or message.kind == "template":
        message.status, message.hold_reason = "held", "window_closed"
        return
    conversation.window_until = now()
    message.status, message.not_before = "queued", None


def _undeliverable(
    desk: Desk, message: Message, conversation: Conversation, _n: Channel, error: errors.SendError
) -> None:
    desk.undeliverable(message, conversation, error.code or 0)


def _unknown(desk: Desk, message: Message, _c: Conversation, _n: Channel, error: errors.SendError) -> None:
    if message.status == "sending":
        message.status = "unknown"
    message.error_code = error.code or None
    desk.was_sent(message)  # As for a sender that died: see `expire_leases`.


def _our_bug(desk: Desk, message: Message, conversation: Conversation, _n: Channel, error: errors.SendError) -> None:
    refuse(desk.session, message, conversation, error.code)


def refuse(session: Session, message: Message, conversation: Conversation, code: int | None) -> None:
    """Give up on a message that is wrong in itself, and let a person say what the bot could not."""
    message.status, message.error_code, message.hold_reason = "refused", code, "our_mistake"
    message.claimed_until = None
    log.error("message.refused", message=message.id, code=code)
    if message.author == "bot" and message.merchant_id is not None:
        locked = handover.lock(session, row_id(conversation))
        handover.call_agent(
            session,
            locked,
            "refused",
            merchant_id=message.merchant_id,
            order_id=message.order_id,
            detail={"code": code},
        )


Handler = Callable[[Desk, Message, Conversation, Channel, errors.SendError], None]
_HANDLERS: dict[type[errors.SendError], Handler] = {
    errors.Retry: _again,
    errors.SlowPair: _again,
    errors.SlowNumber: _hold_number,
    errors.HoldNumber: _hold_number,
    errors.HoldTemplate: _hold_template,
    errors.NeedsTemplate: _needs_template,
    errors.Undeliverable: _undeliverable,
    errors.Later: _again,
    errors.Unknown: _unknown,
    errors.OurBug: _our_bug,
}

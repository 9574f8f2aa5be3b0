"""Deliver: claim due messages, send them side by side with no transaction open, settle what came of it.

A send has three endings: sent, refused, unknown. Attempts are counted before the call, so that a message that kills its
sender cannot do so for ever.
"""

import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Row, and_, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from bot.clock import now
from bot.database import row_id
from bot.jobs import DELIVER
from bot.models import Channel, Contact, Conversation, Identity, Merchant, Message, WhatsAppTemplate
from bot.orders.rules import Rules
from bot.services import Services
from bot.talk.buttons import Signer
from bot.talk.contacts import BSUID, PHONE, zone_of
from bot.talk.places import form_values
from bot.talk.rates import Throttle, pause
from bot.talk.settle import Result, refuse, settle
from bot.whatsapp.catalogue import catalogue
from bot.whatsapp.client import Sent
from bot.whatsapp.compose import Choice, ComposeError, Outgoing, compose
from bot.whatsapp.errors import OurBug, SendError
from bot.whatsapp.templates import SENDABLE

log = structlog.get_logger()

LEASE = timedelta(seconds=30)
"""A sender that has not settled a message by then has died; its HTTP time-outs end before."""
IN_FLIGHT = 128
BATCH_SECONDS = 25.0
"""A job stops claiming after this long, well before RQ would stop it in the middle of a send."""
PAIR_LIMIT, PAIR_WINDOW = 10, timedelta(seconds=60)
"""Meta lets a number write to one shopper once in six seconds on average (whatsapp.md: pair rate)."""


class Sender(Protocol):
    """What sends for us: `bot.whatsapp.client.Client`."""

    def send(self, phone_number_id: str, payload: dict[str, Any]) -> Sent:
        """Post a message; raise a SendError when it was refused or its fate is unknown."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message of ours that nobody else sends now."""

    message_id: int
    phone_number_id: str
    payload: dict[str, Any]


_pool: ThreadPoolExecutor | None = None


def deliver(services: Services, sender: Sender, throttle: Throttle) -> int:
    """Send all due messages; return how many were tried."""
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="send")
    signer = Signer(services.settings.secret_key)
    flying: dict[Future[Sent], Claim] = {}
    tried, until = 0, time.monotonic() + BATCH_SECONDS
    while True:
        claiming, waiting = time.monotonic() < until, False
        if claiming and len(flying) < IN_FLIGHT:
            with services.database.session() as session:
                claims, waiting = claim(session, IN_FLIGHT - len(flying), signer, throttle)
            tried += len(claims)
            flying |= {_pool.submit(sender.send, c.phone_number_id, c.payload): c for c in claims}
        if flying:
            _settle_finished(services, flying)
        elif claiming and waiting:
            pause()
        else:
            break
    if not claiming:
        services.bell.ring(DELIVER)
    return tried


def _settle_finished(services: Services, flying: dict[Future[Sent], Claim]) -> None:
    done = wait(flying, timeout=0.05, return_when=FIRST_COMPLETED).done
    if done:
        results = [_result(flying.pop(future), future) for future in done]
        services.database.repeat(lambda session: settle(session, results, services.bell))


def _result(claimed: Claim, future: Future[Sent]) -> Result:
    error = future.exception()
    if error is None:
        return Result(claimed.message_id, sent=future.result())
    if isinstance(error, SendError):
        return Result(claimed.message_id, error=error)
    log.error("send.failed", message=claimed.message_id, error=type(error).__name__)
    return Result(claimed.message_id, error=OurBug(details=type(error).__name__))


def claim(session: Session, limit: int, signer: Signer, throttle: Throttle) -> tuple[list[Claim], bool]:
    """Claim up to `limit` due messages, of each conversation only the oldest of which no earlier one is open.

    Messages that may not be sent any more are cancelled or held on the way. The second value tells whether messages
    wait only because their number has reached its throughput.
    """
    moment = now()
    rows = _due(session, limit, moment)
    sendable = [row for row in rows if _may_go(session, row, moment)]
    sendable = _spaced(session, sendable, moment)
    claims: list[Claim] = []
    waiting = False
    by_channel: dict[int, list[Row[Any]]] = {}
    for row in sendable:
        by_channel.setdefault(row_id(row.Channel), []).append(row)
    names = _identities(session, {row.Conversation.contact_id for row in sendable})
    for of_channel in by_channel.values():
        channel = of_channel[0].Channel
        granted = throttle.grant(channel.phone_number_id, channel.throughput, len(of_channel))
        waiting = waiting or granted < len(of_channel)
        for row in of_channel[:granted]:
            message = row.Message
            try:
                payload = compose(_outgoing(row, names, signer))
            except ComposeError as error:
                log.error("compose.failed", message=message.id, error=str(error))
                refuse(session, message, row.Conversation, None)
                continue
            message.status = "sending"
            message.attempts += 1
            message.claimed_until = moment + LEASE
            claims.append(Claim(row_id(message), channel.phone_number_id, payload))
    return claims, waiting


def _due(session: Session, limit: int, moment: datetime) -> list[Row[Any]]:
    earlier = aliased(Message)
    statement = (
        select(Message, Conversation, Contact, Channel, Merchant)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .join(Contact, col(Contact.id) == col(Conversation.contact_id))
        .join(Channel, col(Channel.id) == col(Conversation.channel_id))
        .outerjoin(Merchant, col(Merchant.id) == col(Message.merchant_id))
        .where(
            col(Message.status) == "queued",
            or_(col(Message.not_before).is_(None), col(Message.not_before) <= moment),
            or_(col(Channel.held_until).is_(None), col(Channel.held_until) <= moment),
            ~exists().where(
                and_(
                    col(earlier.conversation_id) == col(Message.conversation_id),
                    col(earlier.id) < col(Message.id),
                    col(earlier.status).in_(("queued", "sending")),
                )
            ),
        )
        .order_by(col(Message.id))
        .limit(limit)
        .with_for_update(of=Message, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.execute(statement).all())


def _may_go(session: Session, row: Row[Any], moment: datetime) -> bool:
    """Cancel, hold or postpone a message that may not be sent now; return whether it may."""
    message, conversation, contact = row.Message, row.Conversation, row.Contact
    if message.author == "bot":
        if message.epoch != conversation.epoch or conversation.owner != "bot":
            message.status, message.hold_reason = "cancelled", "owner_changed"
            return False
        if not message.extra.get("reply"):
            if contact.opted_out_at is not None:
                message.status, message.hold_reason = "cancelled", "opted_out"
                return False
            opening = _opening(row, moment)
            if opening > moment:
                message.not_before = opening
                return False
    if message.kind == "reaction":
        return True
    if message.kind != "template" and not _window_is_open(conversation, moment):
        if message.template is None:
            message.status, message.hold_reason = "held", "window_closed"
            return False
        message.kind = "template"
    if message.kind == "template" and (reason := _template_problem(session, row.Channel, message, moment)):
        message.status, message.hold_reason = "held", reason
        return False
    return True


def _opening(row: Row[Any], moment: datetime) -> datetime:
    rules = Rules.from_json(row.Merchant.rules) if row.Merchant else Rules()
    zone = zone_of(row.Contact, row.Merchant.timezone if row.Merchant else "UTC")
    return rules.hours.next_open(moment, zone)


def _window_is_open(conversation: Conversation, moment: datetime) -> bool:
    # A minute of grace: a message that leaves here in time must also arrive in time.
    return conversation.window_until is not None and moment + timedelta(minutes=1) < conversation.window_until


def _template_problem(session: Session, channel: Channel, message: Message, moment: datetime) -> str:
    template = session.execute(
        select(WhatsAppTemplate).where(
            col(WhatsAppTemplate.business_account_id) == channel.business_account_id,
            col(WhatsAppTemplate.name) == (message.template or {}).get("name"),
            col(WhatsAppTemplate.language) == (message.template or {}).get("language"),
        )
    ).scalar_one_or_none()
    if template is None:
        return ""
    if template.status not in SENDABLE:
        return f"template_{template.status.lower()}"
    return "template_held" if template.held_until is not None and template.held_until > moment else ""


def _spaced(session: Session, rows: list[Row[Any]], moment: datetime) -> list[Row[Any]]:
    """Put off messages to shoppers who got as many as Meta allows in a minute."""
    conversations = [row.Message.conversation_id for row in rows]
    if not conversations:
        return rows
    statement = (
        select(col(Message.conversation_id), func.count(), func.min(col(Message.sent_at)))
        .where(col(Message.conversation_id).in_(conversations), col(Message.sent_at) > moment - PAIR_WINDOW)
        .group_by(col(Message.conversation_id))
        .having(func.count() >= PAIR_LIMIT)
    )
    full = {conversation_id: oldest for conversation_id, _, oldest in session.execute(statement)}
    for row in rows:
        if (oldest := full.get(row.Message.conversation_id)) is not None:
            row.Message.not_before = oldest + PAIR_WINDOW
    return [row for row in rows if row.Message.conversation_id not in full]


def _identities(session: Session, contacts: Iterable[int]) -> dict[int, dict[str, str]]:
    statement = select(Identity).where(col(Identity.contact_id).in_(set(contacts))).order_by(col(Identity.id))
    names: dict[int, dict[str, str]] = {}
    for identity in session.execute(statement).scalars():
        # The newest name of each kind: a changed number is learned, not exchanged.
        names.setdefault(identity.contact_id, {})[identity.scheme] = identity.value
    return names


def _outgoing(row: Row[Any], names: dict[int, dict[str, str]], signer: Signer) -> Outgoing:
    message, extra = row.Message, row.Message.extra
    known = names.get(row.Conversation.contact_id, {})
    template = None
    if message.kind == "template":
        given = message.template
        template = catalogue().use(given["name"], given["language"], given["values"])
    return Outgoing(
        kind=message.kind,
        body=message.body,
        to_phone=known.get(PHONE),
        to_bsuid=known.get(BSUID),
        choices=tuple(Choice(one["id"], one["title"], one.get("description", "")) for one in message.choices),
        list_button=extra.get("button", ""),
        template=template,
        form_values=form_values(extra.get("prefill", {})),
        target=extra.get("target"),
        quoted=message.quoted_wamid,
        opaque=signer.opaque(row_id(message)),
    )

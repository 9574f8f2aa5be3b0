"""From what Meta posted to events: every update of every batch, each handled once.

An envelope that raises is kept with its error, and the rest goes on.
"""

from dataclasses import dataclass, field

import orjson
import structlog
from sqlalchemy import select, update
from sqlmodel import Session, col

from bot.clock import now
from bot.database import row_id
from bot.jobs import DELIVER, DRAIN
from bot.models import Channel, Conversation, Envelope, Identity
from bot.services import Services
from bot.talk import receipts
from bot.talk.buttons import Signer
from bot.talk.contacts import BSUID, PHONE, ensure_contact, ensure_conversation, find_contact, learn
from bot.talk.events import post_event
from bot.whatsapp.parse import NotJson, parse
from bot.whatsapp.templates import note_template
from bot.whatsapp.updates import (
    AccountEvent,
    Author,
    IdentityChange,
    Message,
    Preference,
    Status,
    TemplateEvent,
    Update,
)

log = structlog.get_logger()

BATCH = 50
MAXIMUM_ATTEMPTS = 3


def unpack(services: Services) -> int:
    """Take all pending envelopes apart; return how many were handled."""
    handled = 0
    while True:
        try:
            with services.database.session() as session:
                count = _unpack_batch(session, services, BATCH)
        except Exception as error:  # One poisonous envelope must not keep the others waiting.
            log.exception("unpack.failed", error=type(error).__name__)
            count = _unpack_one(services)
        if not count:
            return handled
        handled += count


def _pending(session: Session, limit: int) -> list[Envelope]:
    statement = (
        select(Envelope)
        .where(col(Envelope.handled_at).is_(None))
        .order_by(col(Envelope.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.execute(statement).scalars())


def _unpack_batch(session: Session, services: Services, limit: int) -> int:
    envelopes = _pending(session, limit)
    mail = Mail(session, services)
    for envelope in envelopes:
        mail.open(envelope)
    mail.finish()
    return len(envelopes)


def _unpack_one(services: Services) -> int:
    with services.database.session() as session:
        pending = _pending(session, 1)
        if not pending:
            return 0
        envelope_id = row_id(pending[0])
    try:
        with services.database.session() as session:
            return _unpack_batch(session, services, 1)
    except Exception as error:  # Kept with its error; the bytes are there for whoever mends it.
        log.exception("envelope.poisonous", envelope=envelope_id, error=type(error).__name__)
        with services.database.session() as session:
            envelope = session.get_one(Envelope, envelope_id)
            envelope.attempts += 1
            envelope.error = f"{type(error).__name__}"
            if envelope.attempts >= MAXIMUM_ATTEMPTS:
                envelope.handled_at = now()
        return 1


@dataclass
class Mail:
    """What the envelopes of one transaction share."""

    session: Session
    services: Services
    channels: dict[str, Channel | None] = field(default_factory=dict)
    shards: set[int] = field(default_factory=set)
    statuses: list[Status] = field(default_factory=list)

    def open(self, envelope: Envelope) -> None:
        """Insert the events of one envelope."""
        envelope.handled_at = now()
        try:
            updates = parse(envelope.body)
        except NotJson:
            envelope.error = "not JSON"
            return
        for update_ in updates:
            self._take(update_, envelope)

    def finish(self) -> None:
        """Apply the statuses of all envelopes at once, and ring for the shards that have work."""
        signer = Signer(self.services.settings.secret_key)
        self.shards |= receipts.apply(self.session, self.statuses, signer)
        for shard in sorted(self.shards):
            self.services.bell.ring_after_commit(self.session, DRAIN, shard)

    def _take(self, update_: Update, envelope: Envelope) -> None:
        match update_:
            case Message():
                self._message(update_, envelope)
            case Status():
                self.statuses.append(update_)
                self._learn(update_.phone_number_id, update_.recipient)
            case Preference():
                self._preference(update_, envelope)
            case IdentityChange():
                self._identity(update_)
            case TemplateEvent():
                note_template(self.session, update_)
                self.services.bell.ring_after_commit(self.session, DELIVER)
            case AccountEvent():
                self._account(update_)
            case _:
                log.info("update.unknown", envelope=envelope.id)

    def _message(self, message: Message, envelope: Envelope) -> None:
        if message.change is not None:
            self._identity(message.change)
        if message.group_id or not message.live or message.kind == "system":
            return
        channel = self._channel(message.phone_number_id)
        if channel is None or not message.author.is_known:
            envelope.error = "a message for a number or from an author that is not known"
            return
        conversation = self._conversation(channel, message)
        payload = orjson.loads(orjson.dumps(message))
        at = message.at or envelope.received_at
        # A clock of Meta's that is ahead must not keep a window open for ever.
        if post_event(self.session, conversation, "message", message.key, payload, min(at, now())):
            self.shards.add(conversation.shard)

    def _conversation(self, channel: Channel, message: Message) -> Conversation:
        author, at = message.author, message.at or now()
        identities = [(BSUID, author.bsuid or ""), (PHONE, author.wa_id or "")]
        contact_id = find_contact(
            self.session, row_id(channel), quoted_wamid=message.quoted, bsuid=author.bsuid, wa_id=author.wa_id
        )
        if contact_id is None:
            contact_id = ensure_contact(
                self.session, row_id(channel), identities, region=_region(author), name=author.name or "", at=at
            )
        else:
            learn(self.session, row_id(channel), contact_id, identities)
        return ensure_conversation(self.session, row_id(channel), contact_id, self.services.settings.shards, at)

    def _preference(self, preference: Preference, envelope: Envelope) -> None:
        channel = self._channel(preference.phone_number_id)
        if channel is None:
            return
        author = preference.author
        contact_id = find_contact(
            self.session, row_id(channel), quoted_wamid=None, bsuid=author.bsuid, wa_id=author.wa_id
        )
        if contact_id is None:
            return
        at = preference.at or envelope.received_at
        conversation = ensure_conversation(self.session, row_id(channel), contact_id, self.services.settings.shards, at)
        payload = {"category": preference.category, "value": preference.value}
        if post_event(self.session, conversation, "preference", preference.key, payload, at):
            self.shards.add(conversation.shard)

    def _identity(self, change: IdentityChange) -> None:
        """Learn the new name of a shopper we know by the old one."""
        channel = self._channel(change.phone_number_id)
        if channel is None:
            return
        before = change.before
        contact_id = find_contact(
            self.session, row_id(channel), quoted_wamid=None, bsuid=before.bsuid, wa_id=before.wa_id
        )
        if contact_id is not None and change.reason != "customer_identity_changed":
            after = change.after
            learn(self.session, row_id(channel), contact_id, [(PHONE, after.wa_id or ""), (BSUID, after.bsuid or "")])

    def _learn(self, phone_number_id: str, author: Author) -> None:
        """Learn that a phone number and a user id are one person: statuses carry both."""
        channel = self._channel(phone_number_id)
        if channel is None or not (author.wa_id and author.bsuid):
            return
        statement = select(col(Identity.contact_id)).where(
            col(Identity.channel_id) == channel.id, col(Identity.scheme) == PHONE, col(Identity.value) == author.wa_id
        )
        if (contact_id := self.session.execute(statement).scalar_one_or_none()) is not None:
            learn(self.session, row_id(channel), contact_id, [(BSUID, author.bsuid)])

    def _account(self, event: AccountEvent) -> None:
        log.warning("account.event", field=event.field, event_=event.event, errors=event.errors)
        if event.stops_sending:
            self.session.execute(
                update(Channel)
                .where(col(Channel.business_account_id) == event.business_account_id)
                .values(held_reason=f"account_{event.event or event.field}")
            )

    def _channel(self, phone_number_id: str) -> Channel | None:
        if phone_number_id not in self.channels:
            statement = select(Channel).where(col(Channel.phone_number_id) == phone_number_id)
            self.channels[phone_number_id] = self.session.execute(statement).scalar_one_or_none()
        return self.channels[phone_number_id]


def _region(author: Author) -> str:
    if author.bsuid:
        return author.bsuid[:2]
    import phonenumbers

    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(f"+{author.wa_id}"))
    except phonenumbers.NumberParseException:
        region = None
    return region or "IN"

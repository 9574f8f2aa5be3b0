"""Shoppers, conversations, what came in, what goes out, and the timetable."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from bot.models.columns import document, foreign, moment, one_of, string

OWNERS = ("bot", "queue", "agent")
RUN_STATUSES = ("planned", "queued", "waiting", "done", "handed_over", "dropped")
MESSAGE_STATUSES = (
    "received", "note",
    "queued", "sending", "unknown", "held", "sent", "delivered", "read", "played", "failed", "refused", "cancelled",
)  # fmt: skip
AUTHORS = ("shopper", "bot", "agent", "system")
EVENT_KINDS = (
    "message", "status", "started", "silence", "released", "changed", "undeliverable", "preference", "system",
)  # fmt: skip


class Contact(SQLModel, table=True):
    """A shopper, as one of our numbers knows them."""

    __tablename__ = "contact"

    id: int | None = Field(default=None, primary_key=True)
    channel_id: int = Field(sa_column=foreign("channel.id"))
    name: str = Field(default="", sa_column=string())
    region: str = "IN"
    locale: str | None = None
    """The language the shopper chose or writes in; null until known."""
    timezone: str | None = None
    opted_out_at: datetime | None = Field(default=None, sa_column=moment())
    created_at: datetime = Field(sa_column=moment(nullable=False))


class Identity(SQLModel, table=True):
    """A name that Meta uses for a shopper: a phone number (wa_id) or a business-scoped user id."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("channel_id", "scheme", "value", name="uq_identity"),
        one_of("identity", "scheme", ("phone", "bsuid")),
    )

    id: int | None = Field(default=None, primary_key=True)
    channel_id: int = Field(sa_column=foreign("channel.id", index=False))
    contact_id: int = Field(sa_column=foreign("contact.id"))
    scheme: str = Field(sa_column=string())
    value: str = Field(sa_column=string())
    """Digits without a plus, or the BSUID."""


class Stop(SQLModel, table=True):
    """A name of a shopper who said STOP and was erased afterwards: a keyed hash, by which nobody can be found."""

    __tablename__ = "stop"
    __table_args__ = (UniqueConstraint("channel_id", "digest", name="uq_stop"),)

    id: int | None = Field(default=None, primary_key=True)
    channel_id: int = Field(sa_column=foreign("channel.id", index=False))
    digest: str = Field(sa_column=string())
    shopper: str = Field(sa_column=string(index=True))
    """Drawn by lot: the same for all names of one shopper, so that one START lifts them all."""
    stopped_at: datetime = Field(sa_column=moment(nullable=False))


class Conversation(SQLModel, table=True):
    """The chat between one of our numbers and one shopper, and who speaks in it for us."""

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("channel_id", "contact_id", name="uq_conversation"),
        one_of("conversation", "owner", OWNERS),
        CheckConstraint("(owner = 'agent') = (agent_id is not null)", name="ck_conversation_agent"),
        Index("ix_conversation_waiting", "waiting_since", postgresql_where=sql("owner <> 'bot'"),
              sqlite_where=sql("owner <> 'bot'")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    channel_id: int = Field(sa_column=foreign("channel.id", index=False))
    contact_id: int = Field(sa_column=foreign("contact.id"))
    shard: int
    """crc32 of the contact's id modulo the number of shards: one worker drains a shard at a time."""
    owner: str = Field(default="bot", sa_column=string())
    agent_id: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True))
    epoch: int = 0
    """Goes up whenever the owner changes; queued bot messages and timers of an older epoch are dead."""
    seq: int = 0
    """The number of the last message; a reply names the last one its writer saw."""
    window_until: datetime | None = Field(default=None, sa_column=moment())
    """Free text may be sent until then: 24 hours after the shopper's last message."""
    waiting_since: datetime | None = Field(default=None, sa_column=moment())
    """Since when a shopper waits for a person."""
    snoozed_until: datetime | None = Field(default=None, sa_column=moment())
    last_at: datetime | None = Field(default=None, sa_column=moment(index=True))
    data: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """Small facts that outlive a run, such as which kinds of media were already answered."""
    created_at: datetime = Field(sa_column=moment(nullable=False))


class Run(SQLModel, table=True):
    """One flow being talked through for one order."""

    __tablename__ = "run"
    __table_args__ = (
        one_of("run", "status", RUN_STATUSES),
        Index("uq_run_waiting", "conversation_id", unique=True, postgresql_where=sql("status = 'waiting'"),
              sqlite_where=sql("status = 'waiting'")),
        UniqueConstraint("order_id", "flow", name="uq_run_order_flow"),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    conversation_id: int = Field(sa_column=foreign("conversation.id"))
    order_id: int = Field(sa_column=foreign("orders.id", index=False))
    flow: str = Field(sa_column=string())
    version: int
    step: str = Field(default="", sa_column=string())
    turn: int = 0
    state: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    status: str = Field(default="planned", sa_column=string())
    created_at: datetime = Field(sa_column=moment(nullable=False))
    updated_at: datetime = Field(sa_column=moment(nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=moment())


class Envelope(SQLModel, table=True):
    """What Meta posted, byte for byte, until it was taken apart."""

    __tablename__ = "envelope"
    __table_args__ = (
        UniqueConstraint("sha256", name="uq_envelope_sha256"),
        Index("ix_envelope_pending", "id", postgresql_where=sql("handled_at is null"),
              sqlite_where=sql("handled_at is null")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(sa_column=string())
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime = Field(sa_column=moment(nullable=False))
    handled_at: datetime | None = Field(default=None, sa_column=moment())
    attempts: int = 0
    error: str | None = Field(default=None, sa_column=string(nullable=True))


class Event(SQLModel, table=True):
    """The inbox: whatever can move a conversation, once."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("key", name="uq_event_key"),
        one_of("event", "kind", EVENT_KINDS),
        Index("ix_event_pending", "shard", "id", postgresql_where=sql("handled_at is null"),
              sqlite_where=sql("handled_at is null")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_column=string())
    conversation_id: int = Field(sa_column=foreign("conversation.id"))
    shard: int
    kind: str = Field(sa_column=string())
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    happened_at: datetime = Field(sa_column=moment(nullable=False))
    received_at: datetime = Field(sa_column=moment(nullable=False))
    handled_at: datetime | None = Field(default=None, sa_column=moment())
    attempts: int = 0
    error: str | None = Field(default=None, sa_column=string(nullable=True))


class Message(SQLModel, table=True):
    """A bubble: the transcript and the outbox are one table."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("key", name="uq_message_key"),
        UniqueConstraint("wamid", name="uq_message_wamid"),
        UniqueConstraint("conversation_id", "seq", name="uq_message_seq"),
        one_of("message", "direction", ("in", "out")),
        one_of("message", "author", AUTHORS),
        one_of("message", "status", MESSAGE_STATUSES),
        Index("ix_message_due", "not_before", "id",
              postgresql_where=sql("status in ('queued', 'sending', 'unknown', 'held')"),
              sqlite_where=sql("status in ('queued', 'sending', 'unknown', 'held')")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: int = Field(sa_column=foreign("conversation.id", index=False))
    merchant_id: int | None = Field(default=None, sa_column=foreign("merchant.id", nullable=True, index=False))
    """In whose name it was said, or whose order it was about."""
    run_id: int | None = Field(default=None, sa_column=foreign("run.id", nullable=True))
    order_id: int | None = Field(default=None, sa_column=foreign("orders.id", nullable=True))
    turn: int | None = None
    direction: str = Field(sa_column=string())
    author: str = Field(sa_column=string())
    member_id: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True, index=False))
    key: str = Field(sa_column=string())
    seq: int
    kind: str = Field(default="text", sa_column=string())
    """text, buttons, list, template, location_request, address_form, note, or an inbound type of Meta's."""
    body: str = Field(default="", sa_column=string())
    choices: list[dict[str, str]] = Field(default_factory=list, sa_column=document())
    """Buttons or rows: {"id", "title", "description"?}; the id is what a tap sends back."""
    template: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    """{"name", "language", "values"} when it goes, or may go, as a template."""
    extra: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """Location, media, contact card, form values, reaction, quoted id; understood acts of an inbound text."""
    quoted_wamid: str | None = Field(default=None, sa_column=string(nullable=True))
    wamid: str | None = Field(default=None, sa_column=string(nullable=True))
    status: str = Field(sa_column=string())
    error_code: int | None = None
    hold_reason: str | None = Field(default=None, sa_column=string(nullable=True))
    attempts: int = 0
    resent: bool = False
    epoch: int = 0
    not_before: datetime | None = Field(default=None, sa_column=moment())
    claimed_until: datetime | None = Field(default=None, sa_column=moment())
    created_at: datetime = Field(sa_column=moment(nullable=False))
    sent_at: datetime | None = Field(default=None, sa_column=moment())


class Receipt(SQLModel, table=True):
    """What Meta said of a message we sent."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("message_id", "status", name="uq_receipt"),)

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(sa_column=foreign("message.id", index=False))
    status: str = Field(sa_column=string())
    at: datetime = Field(sa_column=moment(nullable=False))
    code: int | None = None
    category: str | None = Field(default=None, sa_column=string(nullable=True))
    billable: bool | None = None


class Timer(SQLModel, table=True):
    """An entry of the timetable: what a run does when nobody answers, or when its time has come."""

    __tablename__ = "timer"
    __table_args__ = (
        UniqueConstraint("run_id", "turn", "nth", name="uq_timer"),
        Index("ix_timer_due", "fire_at", postgresql_where=sql("fired_at is null and fire_at is not null"),
              sqlite_where=sql("fired_at is null and fire_at is not null")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(sa_column=foreign("run.id", index=False))
    turn: int
    nth: int
    """0 starts a planned run; 1, 2, ... are the silences after a prompt."""
    after: int = 0
    """Seconds after the prompt was really sent."""
    fire_at: datetime | None = Field(default=None, sa_column=moment())
    """Null until the prompt was sent."""
    fired_at: datetime | None = Field(default=None, sa_column=moment())


class Handover(SQLModel, table=True):
    """A task for a person."""

    __tablename__ = "handover"
    __table_args__ = (
        Index(
            "uq_handover_open",
            "conversation_id",
            unique=True,
            postgresql_where=sql("resolved_at is null"),
            sqlite_where=sql("resolved_at is null"),
        ),
        Index("ix_handover_merchant", "merchant_id", "resolved_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    conversation_id: int = Field(sa_column=foreign("conversation.id"))
    run_id: int | None = Field(default=None, sa_column=foreign("run.id", nullable=True))
    order_id: int | None = Field(default=None, sa_column=foreign("orders.id", nullable=True))
    reason: str = Field(sa_column=string())
    """A code, such as asked_for_person, not_understood, unreachable, low_rating, poison."""
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    opened_at: datetime = Field(sa_column=moment(nullable=False))
    assigned_to: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True))
    resolved_at: datetime | None = Field(default=None, sa_column=moment())
    resolved_by: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True, index=False))
    outcome: str = Field(default="", sa_column=string())
    note: str = Field(default="", sa_column=string())


class Pulse(SQLModel, table=True):
    """When a part of the program was last alive, and when it last had not been: the resend rule asks."""

    __tablename__ = "pulse"

    name: str = Field(primary_key=True)
    beat_at: datetime = Field(sa_column=moment(nullable=False))
    gap_at: datetime | None = Field(default=None, sa_column=moment())
    """The end of the last time without a beat."""


class WhatsAppTemplate(SQLModel, table=True):
    """What Meta says of one of our templates in one language."""

    __tablename__ = "template"
    __table_args__ = (UniqueConstraint("business_account_id", "name", "language", name="uq_template"),)

    id: int | None = Field(default=None, primary_key=True)
    business_account_id: str = Field(default="", sa_column=string())
    name: str = Field(sa_column=string())
    language: str = Field(sa_column=string())
    category: str = Field(default="UTILITY", sa_column=string())
    status: str = Field(default="PENDING", sa_column=string())
    quality: str = Field(default="UNKNOWN", sa_column=string())
    reason: str = Field(default="", sa_column=string())
    digest: str = Field(default="", sa_column=string())
    """SHA-256 of the components we last submitted."""
    held_until: datetime | None = Field(default=None, sa_column=moment())
    updated_at: datetime = Field(sa_column=moment(nullable=False))

"""Shops, their people, and what those people did."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from bot.models.columns import document, foreign, moment, one_of, string

ROLES = ("owner", "staff", "agent", "admin")
DELIVERY_STATUSES = ("due", "delivered", "failed")


class Channel(SQLModel, table=True):
    """A WhatsApp number of ours; several merchants may speak through one."""

    __tablename__ = "channel"
    __table_args__ = (UniqueConstraint("phone_number_id", name="uq_channel_phone_number_id"),)

    id: int | None = Field(default=None, primary_key=True)
    phone_number_id: str = Field(sa_column=string())
    business_account_id: str = Field(default="", sa_column=string())
    display_number: str = Field(default="", sa_column=string())
    throughput: int = 80
    """Messages a second that Meta allows this number: 80, or 1,000 after the upgrade."""
    held_until: datetime | None = Field(default=None, sa_column=moment())
    held_reason: str | None = Field(default=None, sa_column=string(nullable=True))
    created_at: datetime = Field(sa_column=moment(nullable=False))


class Merchant(SQLModel, table=True):
    """A shop."""

    __tablename__ = "merchant"
    __table_args__ = (UniqueConstraint("slug", name="uq_merchant_slug"),)

    id: int | None = Field(default=None, primary_key=True)
    channel_id: int | None = Field(default=None, sa_column=foreign("channel.id", nullable=True))
    slug: str = Field(sa_column=string())
    name: str = Field(sa_column=string())
    region: str = "IN"
    """ISO 3166 code; the region of phone numbers written without a country code."""
    locale: str = "en"
    currency: str = "INR"
    timezone: str = "Asia/Kolkata"
    rules: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """What differs from the defaults of `bot.orders.rules.Rules`."""
    created_at: datetime = Field(sa_column=moment(nullable=False))


class Member(SQLModel, table=True):
    """A person with a login."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("email", name="uq_member_email"), one_of("member", "role", ROLES))

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int | None = Field(default=None, sa_column=foreign("merchant.id", nullable=True))
    """Null only for a platform admin."""
    email: str = Field(sa_column=string())
    """In lower case."""
    name: str = Field(default="", sa_column=string())
    role: str = Field(default="staff", sa_column=string())
    password_hash: str | None = Field(default=None, sa_column=string(nullable=True))
    """Argon2id; null until an invitation was accepted."""
    locale: str = "en"
    totp_secret: str | None = Field(default=None, sa_column=string(nullable=True))
    """Encrypted with a key derived from SECRET_KEY."""
    totp_last_used: int | None = None
    """The time step of the last accepted code: a code is good once."""
    recovery_codes: list[str] = Field(default_factory=list, sa_column=document())
    """Hashes of the codes that are left."""
    disabled_at: datetime | None = Field(default=None, sa_column=moment())
    created_at: datetime = Field(sa_column=moment(nullable=False))


class CannedAnswer(SQLModel, table=True):
    """Words that a shop's agents need again and again, with placeholders such as {name}."""

    __tablename__ = "canned_answer"
    __table_args__ = (UniqueConstraint("merchant_id", "shortcut", name="uq_canned_answer_shortcut"),)

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    shortcut: str = Field(sa_column=string())
    """What is written behind the slash to find it."""
    body: str = Field(sa_column=string())
    updated_at: datetime = Field(sa_column=moment(nullable=False))


class SavedView(SQLModel, table=True):
    """Filters of the list of orders under a name, for all people of a shop."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("merchant_id", "name", name="uq_saved_view_name"),)

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    name: str = Field(sa_column=string())
    query: str = Field(sa_column=string())
    """What stands behind the question mark of the list's address."""
    created_at: datetime = Field(sa_column=moment(nullable=False))


class ApiKey(SQLModel, table=True):
    """A key of a merchant's system; only its hash is stored."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("digest", name="uq_api_key_digest"),)

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id"))
    name: str = Field(sa_column=string())
    prefix: str = Field(sa_column=string())
    digest: str = Field(sa_column=string())
    scopes: list[str] = Field(default_factory=list, sa_column=document())
    created_at: datetime = Field(sa_column=moment(nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=moment())
    revoked_at: datetime | None = Field(default=None, sa_column=moment())


class Idempotency(SQLModel, table=True):
    """An answer that was given to a call of the API, so that the same call again gets the same answer."""

    __tablename__ = "idempotency"
    __table_args__ = (
        UniqueConstraint("merchant_id", "key", name="uq_idempotency_key"),
        Index("ix_idempotency_created", "merchant_id", "created_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    key: str = Field(sa_column=string())
    """What the caller sent as Idempotency-Key."""
    digest: str = Field(sa_column=string())
    """SHA-256 of method, path and body: the key is good for this call only."""
    status: int = 0
    body: str = Field(default="", sa_column=string())
    created_at: datetime = Field(sa_column=moment(nullable=False))


class Hook(SQLModel, table=True):
    """An address of a merchant's system that is told what happens."""

    __tablename__ = "hook"

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id"))
    url: str = Field(sa_column=string())
    events: list[str] = Field(default_factory=list, sa_column=document())
    """Names of `bot.hooks.events.EVENTS`."""
    secret: str = Field(default="", sa_column=string())
    """Sealed with a key derived from SECRET_KEY, for the place "hook:<id>:secret"."""
    failing_since: datetime | None = Field(default=None, sa_column=moment())
    held_until: datetime | None = Field(default=None, sa_column=moment())
    """A receiver that could not be reached is left alone until then, so that it holds up nobody else."""
    disabled_at: datetime | None = Field(default=None, sa_column=moment())
    disabled_by: str = Field(default="", sa_column=string())
    """`owner`, `failing` or `gone`."""
    created_at: datetime = Field(sa_column=moment(nullable=False))


class HookDelivery(SQLModel, table=True):
    """One event for one hook: the outbox and the log are one table."""

    __tablename__ = "hook_delivery"
    __table_args__ = (
        one_of("hook_delivery", "status", DELIVERY_STATUSES),
        Index("ix_hook_delivery_due", "next_at", postgresql_where=sql("status = 'due'"),
              sqlite_where=sql("status = 'due'")),
        Index("ix_hook_delivery_hook", "hook_id", "id"),
        Index("ix_hook_delivery_created", "created_at"),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    hook_id: int = Field(sa_column=foreign("hook.id", index=False))
    event_id: str = Field(sa_column=string())
    """The same at every try and for every hook, so that a receiver knows what it has seen."""
    event: str = Field(sa_column=string())
    body: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """Ids and codes; nothing that a shopper wrote or is called."""
    status: str = Field(default="due", sa_column=string())
    attempts: int = 0
    next_at: datetime | None = Field(default=None, sa_column=moment())
    """When it is tried next; while it is being sent, when it may be taken up again if the sender dies."""
    tries: list[dict[str, Any]] = Field(default_factory=list, sa_column=document())
    """The last ones, each {"at", "status", "error", "ms"}."""
    created_at: datetime = Field(sa_column=moment(nullable=False))
    settled_at: datetime | None = Field(default=None, sa_column=moment())


class WebSession(SQLModel, table=True):
    """A login on one device. Kept here, so that an emptied Redis logs nobody out and a log-out is final."""

    __tablename__ = "web_session"
    __table_args__ = (UniqueConstraint("digest", name="uq_web_session_digest"),)

    id: int | None = Field(default=None, primary_key=True)
    member_id: int = Field(sa_column=foreign("member.id"))
    digest: str = Field(sa_column=string())
    """SHA-256 of the cookie's token."""
    device: str = Field(default="", sa_column=string())
    second_factor: bool = False
    """Whether the second factor was given, or none is needed."""
    created_at: datetime = Field(sa_column=moment(nullable=False))
    seen_at: datetime = Field(sa_column=moment(nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=moment())


class Audit(SQLModel, table=True):
    """Who did what, and when; appended to, never changed."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_merchant_at", "merchant_id", "at"),
        Index("ix_audit_merchant_object", "merchant_id", "object"),
        UniqueConstraint("merchant_id", "place", name="uq_audit_place"),
        Index("ix_audit_unsealed", "id", postgresql_where=sql("place is null"), sqlite_where=sql("place is null")),
    )

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int | None = Field(default=None, sa_column=foreign("merchant.id", nullable=True, index=False))
    member_id: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True))
    at: datetime = Field(sa_column=moment(nullable=False))
    act: str = Field(sa_column=string())
    object: str = Field(default="", sa_column=string())
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    place: int | None = None
    """Which line of the shop it is, from 1; null until `bot.seals` has sealed it, some seconds later."""
    seal_before: str | None = Field(default=None, sa_column=string(nullable=True))
    seal: str | None = Field(default=None, sa_column=string(nullable=True))

"""Shops, their people, and what those people did."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.models.columns import document, foreign, moment, one_of, string

ROLES = ("owner", "staff", "agent", "admin")


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
    )

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int | None = Field(default=None, sa_column=foreign("merchant.id", nullable=True, index=False))
    member_id: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True))
    at: datetime = Field(sa_column=moment(nullable=False))
    act: str = Field(sa_column=string())
    object: str = Field(default="", sa_column=string())
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=document())

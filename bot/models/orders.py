"""Order lists, orders, and every version of their addresses."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from bot.models.columns import document, foreign, moment, money, one_of, string

UPLOAD_STATUSES = ("previewed", "importing", "done", "failed", "undone")
ROW_STATUSES = ("pending", "accepted", "skipped", "rejected")
ORDER_STATUSES = ("open", "shipped", "out_for_delivery", "delivered", "returned", "cancelled")
INTENTS = ("unasked", "asked", "confirmed", "cancelled", "denied", "silent", "unreachable", "opted_out", "held_out")
READINESS = ("unasked", "asked", "ready", "not_ready", "silent")
DECISIONS = ("ship", "hold", "call", "cancel")
DECIDERS = ("shopper", "agent", "rule", "merchant")


class Upload(SQLModel, table=True):
    """A file that a merchant handed in."""

    __tablename__ = "upload"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sha256", name="uq_upload_merchant_sha256"),
        one_of("upload", "status", UPLOAD_STATUSES),
    )

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    member_id: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True, index=False))
    filename: str = Field(sa_column=string())
    sha256: str = Field(sa_column=string())
    content: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """The file as it came, until retention wipes it: the worker may run on another host."""
    format: str = Field(default="", sa_column=string())
    """Which known layout the header is: shopify, woocommerce, shiprocket, mapped ..."""
    header: list[str] = Field(default_factory=list, sa_column=document())
    mapping: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """Our field name -> indexes of columns in `header`, best first; an empty list takes the field out."""
    dialect: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """How the file was written (kind, encoding, delimiter, row of the header), so that the export can be alike."""
    status: str = Field(default="previewed", sa_column=string())
    rows: int = 0
    done: int = 0
    """Rows worked on so far, for the progress bar."""
    accepted: int = 0
    skipped: int = 0
    rejected: int = 0
    error: str | None = Field(default=None, sa_column=string(nullable=True))
    created_at: datetime = Field(sa_column=moment(nullable=False))
    touched_at: datetime = Field(sa_column=moment(nullable=False))
    """When the import last moved: the sweep takes up one that stands still."""
    finished_at: datetime | None = Field(default=None, sa_column=moment())


class UploadRow(SQLModel, table=True):
    """One row of a file, raw, with what became of it."""

    __tablename__ = "upload_row"
    __table_args__ = (
        UniqueConstraint("upload_id", "row_number", name="uq_upload_row_number"),
        one_of("upload_row", "status", ROW_STATUSES),
    )

    id: int | None = Field(default=None, primary_key=True)
    upload_id: int = Field(sa_column=foreign("upload.id", index=False))
    row_number: int
    """As the merchant's program shows it: the header is row 1."""
    raw: list[Any] = Field(default_factory=list, sa_column=document())
    """The cells; numbers of a workbook stay numbers. Empty once retention wiped it."""
    status: str = Field(default="pending", sa_column=string())
    problems: list[dict[str, Any]] = Field(default_factory=list, sa_column=document())
    """Each {"column", "value", "code", "reason"}; of an accepted row they are warnings."""
    order_id: int | None = Field(default=None, sa_column=foreign("orders.id", nullable=True))


class Order(SQLModel, table=True):
    """A cash-on-delivery order: what was bought, what the shopper wants, what was decided."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("merchant_id", "reference", name="uq_orders_merchant_reference"),
        one_of("orders", "status", ORDER_STATUSES),
        one_of("orders", "intent", INTENTS),
        one_of("orders", "readiness", READINESS),
        one_of("orders", "decision", DECISIONS),
        one_of("orders", "decided_by", DECIDERS),
        Index("ix_orders_merchant_created", "merchant_id", "created_at"),
        Index("ix_orders_merchant_intent", "merchant_id", "intent", "status", "decision"),
        Index("ix_orders_merchant_phone", "merchant_id", "phone"),
        Index("ix_orders_merchant_updated", "merchant_id", "updated_at"),
        Index("ix_orders_open_cutoff", "merchant_id", "cutoff_at", "id", postgresql_where=sql("status = 'open'"),
              sqlite_where=sql("status = 'open'")),
        Index("ix_orders_to_call", "merchant_id", "cutoff_at",
              postgresql_where=sql("decision = 'call' and status = 'open'"),
              sqlite_where=sql("decision = 'call' and status = 'open'")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    upload_id: int | None = Field(default=None, sa_column=foreign("upload.id", nullable=True))
    contact_id: int | None = Field(default=None, sa_column=foreign("contact.id", nullable=True))
    reference: str = Field(sa_column=string())
    """The shop's own order number, such as #1042."""
    placed_at: datetime | None = Field(default=None, sa_column=moment())
    shopper_name: str = Field(default="", sa_column=string())
    phone: str = Field(default="", sa_column=string())
    """E.164; empty when the shopper said that the number is not theirs."""
    alternate_phone: str = Field(default="", sa_column=string())
    email: str = Field(default="", sa_column=string())
    region: str = "IN"
    locale: str | None = None
    """The language the shop wants for this shopper; null means the merchant's."""
    amount: int = Field(default=0, sa_column=money())
    """Cash to collect, in minor units of `currency`."""
    currency: str = "INR"
    raw: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """`digest` of what the list said of the order: the same again changes nothing. The rows themselves are in
    `upload_row`."""

    status: str = Field(default="open", sa_column=string())
    """Where the parcel is, as merchant or courier say."""
    reached: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """Status -> {"at", "by"}: when the parcel came there last, and who told."""
    intent: str = Field(default="unasked", sa_column=string())
    """Whether the shopper wants it."""
    readiness: str = Field(default="unasked", sa_column=string())
    """Whether somebody with the cash will be there."""
    decision: str | None = Field(default=None, sa_column=string(nullable=True))
    decided_by: str | None = Field(default=None, sa_column=string(nullable=True))
    decision_reason: str = Field(default="", sa_column=string())
    decision_sum: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """The figures behind a rule's decision: probability, margin, cost of a return, expected value."""
    decided_at: datetime | None = Field(default=None, sa_column=moment())
    confidence: float | None = None
    """How sure the bot was of the shopper's last answer, 0 to 1; null when it was a tap."""
    cancel_reason: str = Field(default="", sa_column=string())
    cancel_note: str = Field(default="", sa_column=string())
    """The reason in the shopper's own words."""
    wish: str = Field(default="", sa_column=string())
    """Another size or quantity, which a person has to see to."""
    not_before: date | None = None
    """The shopper asked not to get the parcel before this day."""
    slot: str = Field(default="", sa_column=string())
    """The part of the day, or a span such as 18:00-20:00."""
    receiver: str = Field(default="", sa_column=string())
    instructions: str = Field(default="", sa_column=string())
    address_changed: bool = False
    held_out: bool = False
    """Drawn at random to be never asked, so that the effect of asking can be measured."""
    trial: bool = False
    """Made up by the shop's people to try the talk on their own phone: never exported, counted or learnt from."""

    ask_at: datetime | None = Field(default=None, sa_column=moment())
    cutoff_at: datetime | None = Field(default=None, sa_column=moment())
    """The merchant's dispatch cut-off for this order."""
    call_at: datetime | None = Field(default=None, sa_column=moment())
    """An agent who could not reach the shopper by phone tries again then."""
    asked_at: datetime | None = Field(default=None, sa_column=moment())
    answered_at: datetime | None = Field(default=None, sa_column=moment())
    created_at: datetime = Field(sa_column=moment(nullable=False))
    updated_at: datetime = Field(sa_column=moment(nullable=False))


class OrderItem(SQLModel, table=True):
    """One line of an order."""

    __tablename__ = "order_item"
    __table_args__ = (UniqueConstraint("order_id", "position", name="uq_order_item_position"),)

    id: int | None = Field(default=None, primary_key=True)
    order_id: int = Field(sa_column=foreign("orders.id", index=False))
    position: int
    name: str = Field(sa_column=string())
    sku: str = Field(default="", sa_column=string())
    quantity: int = 1
    price: int | None = Field(default=None, sa_column=money(nullable=True))
    """Of one piece, in minor units."""


class AddressVersion(SQLModel, table=True):
    """An address as somebody gave it; a later version never overwrites an earlier one."""

    __tablename__ = "address"
    __table_args__ = (
        UniqueConstraint("order_id", "version", name="uq_address_version"),
        one_of("address", "given_by", ("order", "shopper", "agent", "merchant")),
    )

    id: int | None = Field(default=None, primary_key=True)
    order_id: int = Field(sa_column=foreign("orders.id", index=False))
    version: int
    given_by: str = Field(sa_column=string())
    member_id: int | None = Field(default=None, sa_column=foreign("member.id", nullable=True, index=False))
    parts: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """The fields of `bot.addresses.Address`."""
    settled: bool = True
    """Whether the parcel may go there: an answer in pieces is kept, and settled when it was read back."""
    latitude: float | None = None
    longitude: float | None = None
    score: int | None = None
    findings: list[dict[str, Any]] = Field(default_factory=list, sa_column=document())
    created_at: datetime = Field(sa_column=moment(nullable=False))


class Review(SQLModel, table=True):
    """What the shopper thought of it, one per order."""

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("order_id", name="uq_review_order"),
        Index("ix_review_merchant_created", "merchant_id", "created_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    merchant_id: int = Field(sa_column=foreign("merchant.id", index=False))
    order_id: int = Field(sa_column=foreign("orders.id", index=False))
    rating: int | None = None
    text: str = Field(default="", sa_column=string())
    tags: list[str] = Field(default_factory=list, sa_column=document())
    media: list[dict[str, Any]] = Field(default_factory=list, sa_column=document())
    reply: str = Field(default="", sa_column=string())
    created_at: datetime = Field(sa_column=moment(nullable=False))
    updated_at: datetime = Field(sa_column=moment(nullable=False))

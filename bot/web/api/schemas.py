"""What the API takes and gives: the contract that the reference shows and that answers are held to."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from flask_openapi3 import FileStorage
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from bot.models.orders import DECISIONS, INTENTS, ORDER_STATUSES, READINESS, UPLOAD_STATUSES
from bot.models.talk import OWNERS

KEPT_HOURS = 48
KEPT_FOR = timedelta(hours=KEPT_HOURS)
MOST_AT_ONCE = 500
LARGEST_ID = 2**31 - 1
_ISO = re.compile(r"^\d{4}-\d\d-\d\d($|[Tt])")
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _clean(value: Any) -> Any:
    """Leave out of a text what databases refuse: NUL and halves of characters."""
    return value.replace("\0", "").encode("utf-8", "ignore").decode() if isinstance(value, str) else value


def _spelt(value: Any) -> Any:
    """Take days and instants as ISO 8601 spells them and not as numbers, which somebody would send by mistake."""
    if not isinstance(value, str) or not _ISO.match(value):
        raise ValueError("must be spelt as ISO 8601 does, such as 2026-03-08T10:00:00Z")
    return value


def _within(moment: datetime) -> datetime:
    """Bring an instant to where arithmetic with it cannot fail."""
    return min(max(moment, _FIRST), _LAST)


Text = Annotated[str, BeforeValidator(_clean), StringConstraints(max_length=500)]
Short = Annotated[str, BeforeValidator(_clean), StringConstraints(max_length=100)]
Name = Annotated[str, BeforeValidator(_clean), StringConstraints(min_length=1, max_length=100)]
Moment = Annotated[AwareDatetime, BeforeValidator(_spelt), AfterValidator(_within)]
Day = Annotated[date, BeforeValidator(_spelt), Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Amount = Annotated[
    int, Field(strict=True, ge=0, le=10**13, description="In minor units of the currency: 79900 is 799.00 rupees.")
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217.")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166-1 alpha-2.")]

Status = Literal[ORDER_STATUSES]  # type: ignore[valid-type]  # mypy wants literals; pydantic takes the one list there is.
Intent = Literal[INTENTS]  # type: ignore[valid-type]
Ready = Literal[READINESS]  # type: ignore[valid-type]
Decision = Literal[DECISIONS]  # type: ignore[valid-type]
Owner = Literal[OWNERS]  # type: ignore[valid-type]
UploadStatus = Literal[UPLOAD_STATUSES]  # type: ignore[valid-type]
CancelReason = Literal["later", "size", "price", "elsewhere", "mistake", "other"]


class Given(BaseModel):
    """What callers send: nothing that is not known, because a misspelt field would be lost without a word."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Problem(BaseModel):
    """What was wrong, where, and what to do."""

    type: str
    title: str
    status: int
    code: str = Field(description="For programs.")
    detail: str = Field(description="For people.")
    errors: list["FieldProblem"] = Field(default=[])
    order_id: int | None = Field(default=None, description="The order that is in the way.")


class FieldProblem(BaseModel):
    """One thing that is wrong with one field."""

    field: str
    code: str
    reason: str


# Places and pages.


class OrderPath(Given):
    order_id: Id


class ConversationPath(Given):
    conversation_id: Id


class ReviewPath(Given):
    review_id: Id


class UploadPath(Given):
    upload_id: Id


class HookPath(Given):
    hook_id: Id


class DeliveryPath(Given):
    hook_id: Id
    delivery_id: Id


class PostHeaders(BaseModel):
    """Headers of calls that change something."""

    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")] | None = (
        Field(
            default=None,
            alias="Idempotency-Key",
            description=f"Any text of yours, such as a UUID. The same call with the same key within {KEPT_HOURS} hours "
            "does its work once and gets the same answer; another call with it is refused with 422.",
        )
    )


class PageQuery(Given):
    """Which page."""

    cursor: Short | None = Field(default=None, description="`next` of the page before; without it, the first page.")
    limit: int = Field(default=50, ge=1, le=200)


class OrdersQuery(PageQuery):
    """Which orders."""

    status: Status | None = None
    intent: Intent | None = None
    decision: Decision | None = None
    reference: Short | None = Field(default=None, description="Your order number, exactly.")
    phone: Short | None = Field(default=None, description="In E.164, such as +919876543210.")
    upload_id: Id | None = None
    created_from: Moment | None = None
    created_until: Moment | None = None


class DecisionsQuery(PageQuery):
    """From when on."""

    since: Moment | None = Field(default=None, description="Only with the first page; later ones go on by the cursor.")


class ConversationsQuery(PageQuery):
    """Which conversations."""

    owner: Owner | None = Field(
        default=None, description="Who speaks for you: the bot, an agent, or nobody yet (queue)."
    )
    order_id: Id | None = None


class ReviewsQuery(PageQuery):
    """Which reviews."""

    rating_until: int | None = Field(default=None, ge=1, le=5)
    order_id: Id | None = None


# Orders.


class AddressIn(Given):
    """Where the parcel goes."""

    address1: Text = ""
    address2: Text = ""
    landmark: Text = ""
    city: Short = ""
    state: Short = ""
    postal_code: Annotated[str, BeforeValidator(_clean), StringConstraints(max_length=20)] = ""
    country: Country | None = Field(default=None, description="Without it, the country of the shop.")
    latitude: float | None = Field(default=None, strict=True, ge=-90, le=90)
    longitude: float | None = Field(default=None, strict=True, ge=-180, le=180)


class ItemIn(Given):
    """One line of an order."""

    name: Annotated[str, BeforeValidator(_clean), StringConstraints(min_length=1, max_length=500)]
    sku: Short = ""
    quantity: int = Field(default=1, strict=True, ge=1, le=100_000)
    price: Amount | None = Field(default=None, description="Of one piece, in minor units.")


_ORDER = {
    "reference": "#2041",
    "phone": "+919811012345",
    "shopper_name": "Priya Nair",
    "amount": 79900,
    "currency": "INR",
    "address": {
        "address1": "Flat 12, Shanti Niwas", "address2": "Gomti Nagar", "landmark": "near HDFC Bank", "city": "Lucknow",
        "state": "Uttar Pradesh", "postal_code": "226010",
    },
    "items": [{"name": "Cotton kurta, indigo, L", "sku": "KU-IN-L", "quantity": 1, "price": 79900}],
}  # fmt: skip


class OrderIn(Given):
    """A cash-on-delivery order, as the shop knows it."""

    model_config = ConfigDict(openapi_extra={"example": _ORDER})  # type: ignore[typeddict-unknown-key]  # For the reference.

    reference: Name = Field(description="Your order number; unique in your shop.")
    phone: Short = Field(description="The shopper's number; without a country code, one of the shop's country.")
    amount: Amount
    currency: Currency | None = Field(default=None, description="Without it, the shop's.")
    shopper_name: Short = ""
    alternate_phone: Short = ""
    email: Annotated[str, BeforeValidator(_clean), StringConstraints(max_length=320)] = ""
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}([-_][A-Za-z]{2,4})?$")] | None = Field(
        default=None, description="The language to begin in; without it, the shop's."
    )
    address: AddressIn = AddressIn()
    items: list[ItemIn] = Field(default=[], max_length=200)
    placed_at: Moment | None = None


class OrdersIn(Given):
    """Many orders at once."""

    model_config = ConfigDict(openapi_extra={"example": {"orders": [{**_ORDER, "reference": "#2042"}]}})  # type: ignore[typeddict-unknown-key]

    orders: list[OrderIn] = Field(min_length=1, max_length=MOST_AT_ONCE)


class OrderPatch(Given):
    """What changed; what is left out stays as it is. The address and the items are replaced as a whole."""

    model_config = ConfigDict(openapi_extra={"example": {"amount": 74900, "shopper_name": "Priya S. Nair"}})  # type: ignore[typeddict-unknown-key]

    phone: Short | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    shopper_name: Short | None = None
    alternate_phone: Short | None = None
    email: Annotated[str, BeforeValidator(_clean), StringConstraints(max_length=320)] | None = None
    address: AddressIn | None = None
    items: list[ItemIn] | None = Field(default=None, max_length=200)


class CancelIn(Given):
    """Why the shop cancels."""

    model_config = ConfigDict(openapi_extra={"example": {"reason": "other", "note": "Out of stock"}})  # type: ignore[typeddict-unknown-key]

    reason: CancelReason | None = None
    note: Text | None = None


class StatusIn(Given):
    """Where the parcel is."""

    model_config = ConfigDict(openapi_extra={"example": {"status": "shipped"}})  # type: ignore[typeddict-unknown-key]

    status: Literal["open", "shipped", "out_for_delivery", "delivered", "returned"]
    by: Literal["merchant", "courier"] = Field(
        default="merchant", description="A courier's report that comes late never takes a parcel back on its way."
    )


class OutcomeIn(Given):
    """What a shopper said to you, on the phone for example. At least one field."""

    model_config = ConfigDict(  # type: ignore[typeddict-unknown-key]
        openapi_extra={"example": {"intent": "confirmed", "slot": "evening", "instructions": "Call at the gate"}}
    )

    intent: Literal["confirmed", "cancelled", "denied", "unreachable"] | None = None
    readiness: Literal["ready", "not_ready"] | None = None
    decision: Decision | None = Field(default=None, description="By hand: it stands until the shopper says otherwise.")
    cancel_reason: CancelReason | None = None
    cancel_note: Text | None = None
    not_before: Day | None = None
    slot: Short | None = None
    receiver: Short | None = None
    instructions: Text | None = None


class ItemOut(BaseModel):
    name: str
    sku: str
    quantity: int
    price: int | None


class FindingOut(BaseModel):
    """What was found in an address."""

    code: str
    severity: str
    field: str
    sentence: str
    value: str


class AddressOut(BaseModel):
    """Where the parcel goes now, how well a courier can find it (0 to 100), and what was found in it."""

    address1: str
    address2: str
    landmark: str
    city: str
    state: str
    postal_code: str
    country: str
    latitude: float | None
    longitude: float | None
    version: int
    given_by: str
    score: int | None
    findings: list[FindingOut]


class DecisionOut(BaseModel):
    """What to do with an order, and what it rests on."""

    id: int
    reference: str
    status: Status
    intent: Intent
    readiness: Ready
    decision: Decision | None
    decided_by: str | None
    decision_reason: str
    decided_at: datetime | None
    cancel_reason: str
    not_before: date | None
    slot: str
    address_changed: bool
    updated_at: datetime


class OrderOut(DecisionOut):
    """An order: what was bought, what the shopper wants, what was decided."""

    shopper_name: str
    phone: str
    alternate_phone: str
    email: str
    locale: str | None
    amount: int
    currency: str
    cancel_note: str
    wish: str
    receiver: str
    instructions: str
    held_out: bool = Field(description="Drawn at random to be never asked.")
    upload_id: int | None
    placed_at: datetime | None
    ask_at: datetime | None = Field(description="When the shopper is asked first; null when nobody will be.")
    asked_at: datetime | None
    answered_at: datetime | None
    cutoff_at: datetime | None
    created_at: datetime
    address: AddressOut | None
    items: list[ItemOut]
    warnings: list[FieldProblem] = Field(default=[], description="What was repaired or left out of the call.")


class OrdersPage(BaseModel):
    items: list[OrderOut]
    next: str | None


class MadeOut(BaseModel):
    """What became of one order of many."""

    reference: str
    result: Literal["created", "known", "skipped", "rejected"]
    order_id: int | None
    ask_at: datetime | None
    address_score: int | None
    findings: list[FindingOut]
    problems: list[FieldProblem]


class MadePage(BaseModel):
    """The results, in the order of the call."""

    items: list[MadeOut]


class DecisionsPage(BaseModel):
    """Orders in the order of their last change. `next` is always there: call with it again to hear what is new."""

    items: list[DecisionOut]
    next: str


# Conversations, reviews, uploads, hooks.


class ConversationOut(BaseModel):
    id: int
    owner: Owner
    shopper_name: str
    locale: str | None
    opted_out: bool
    order_ids: list[int]
    waiting_since: datetime | None
    window_until: datetime | None
    last_at: datetime | None
    created_at: datetime


class ConversationsPage(BaseModel):
    items: list[ConversationOut]
    next: str | None


class LocationOut(BaseModel):
    latitude: float
    longitude: float


class MessageOut(BaseModel):
    id: int
    seq: int
    direction: Literal["in", "out"]
    author: str
    kind: str
    body: str
    choices: list[str]
    location: LocationOut | None
    status: str
    order_id: int | None
    created_at: datetime
    sent_at: datetime | None


class MessagesPage(BaseModel):
    items: list[MessageOut]
    next: str | None


class ReviewOut(BaseModel):
    id: int
    order_id: int
    rating: int | None
    text: str
    tags: list[str]
    photos: int = Field(description="How many pictures and videos came with it.")
    reply: str
    created_at: datetime
    updated_at: datetime


class ReviewsPage(BaseModel):
    items: list[ReviewOut]
    next: str | None


class UploadForm(Given):
    """An order list."""

    file: FileStorage = Field(description="CSV or XLSX, of Shopify, WooCommerce, Shiprocket or any shop; up to 50 MB.")
    begin: bool = Field(default=True, description="Whether to import it at once, or only keep it to be looked at.")


class UploadOut(BaseModel):
    id: int
    filename: str
    format: str
    status: UploadStatus
    rows: int
    done: int
    accepted: int
    skipped: int
    rejected: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class UploadsPage(BaseModel):
    items: list[UploadOut]
    next: str | None


class RowProblem(BaseModel):
    """What was wrong with one cell."""

    row: int
    column: str
    value: str
    code: str
    reason: str


class AddressesOut(BaseModel):
    """Addresses by what they need (nothing, one question, a person), and how often each finding was made."""

    ok: int
    ask: int
    hold: int
    codes: dict[str, int]


class ReportOut(BaseModel):
    """What became of an order list; the lists name the first 1,000 cells each."""

    upload: int
    status: UploadStatus
    error: str | None
    rows: int
    accepted: int
    skipped: int
    rejected: int
    columns: dict[str, list[str]]
    notes: list[str]
    problems: list[RowProblem]
    skips: list[RowProblem]
    warnings: list[RowProblem]
    addresses: AddressesOut


class HookOut(BaseModel):
    id: int
    url: str
    events: list[str]
    failing_since: datetime | None
    disabled_at: datetime | None
    created_at: datetime


class HooksPage(BaseModel):
    items: list[HookOut]


class TryOut(BaseModel):
    at: datetime
    status: int | None
    error: str
    ms: int


class DeliveryOut(BaseModel):
    id: int
    event_id: str
    event: str
    status: Literal["due", "delivered", "failed"]
    attempts: int
    next_at: datetime | None
    tries: list[TryOut]
    body: dict[str, Any]
    created_at: datetime
    settled_at: datetime | None


class DeliveriesPage(BaseModel):
    items: list[DeliveryOut]
    next: str | None

"""Orders and decisions, as they are taken and given."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from bot.models.orders import DECISIONS, INTENTS, ORDER_STATUSES, READINESS
from bot.web.api.schemas.fields import (
    Amount,
    Country,
    Currency,
    Day,
    FieldProblem,
    Given,
    Id,
    Moment,
    Name,
    PageQuery,
    Short,
    Text,
    clean,
)

MOST_AT_ONCE = 500
Status = Literal[ORDER_STATUSES]  # type: ignore[valid-type]  # mypy wants literals; pydantic takes the one list there is.
Intent = Literal[INTENTS]  # type: ignore[valid-type]
Ready = Literal[READINESS]  # type: ignore[valid-type]
Decision = Literal[DECISIONS]  # type: ignore[valid-type]
CancelReason = Literal["later", "size", "price", "elsewhere", "mistake", "other"]


class OrderPath(Given):
    order_id: Id


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


class AddressIn(Given):
    """Where the parcel goes."""

    address1: Text = ""
    address2: Text = ""
    landmark: Text = ""
    city: Short = ""
    state: Short = ""
    postal_code: Annotated[str, BeforeValidator(clean), StringConstraints(max_length=20)] = ""
    country: Country | None = Field(default=None, description="Without it, the country of the shop.")
    latitude: float | None = Field(default=None, strict=True, ge=-90, le=90)
    longitude: float | None = Field(default=None, strict=True, ge=-180, le=180)


class ItemIn(Given):
    """One line of an order."""

    name: Annotated[str, BeforeValidator(clean), StringConstraints(min_length=1, max_length=500)]
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
    email: Annotated[str, BeforeValidator(clean), StringConstraints(max_length=320)] = ""
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
    email: Annotated[str, BeforeValidator(clean), StringConstraints(max_length=320)] | None = None
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

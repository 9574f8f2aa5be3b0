"""Trials: a made-up order that the shop's people are asked about on their own phone."""

from datetime import datetime

import phonenumbers
from babel.numbers import get_currency_precision
from sqlalchemy import func, select
from sqlmodel import Session, col

from bot.database import row_id
from bot.models import AddressVersion, Contact, Merchant, Order, OrderItem
from bot.orders.rules import Rules
from bot.talk import start
from bot.talk.contacts import zone_of_phone

PREFIX = "TEST-"
GOODS = "Blue cotton kurta"
PRICE = 1299
"""In whole units of the shop's money."""
PLACE = {
    "address1": "Flat 302, Tower B, Green Heights, Sector 62",
    "landmark": "Near metro gate 2",
    "city": "Noida",
    "state": "Uttar Pradesh",
    "postal_code": "201309",
    "country": "IN",
}


class TrialRefused(Exception):
    """No trial can begin; `code` is phone, waiting, stopped or channel."""

    def __init__(self, code: str) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code = code


def begin(session: Session, merchant: Merchant, phone: str, name: str, at: datetime, *, shards: int) -> Order:
    """Make a trial order for `phone`, as somebody wrote it, and let its talk begin at once, whatever the hour.

    Whoever asks for a message is awake. Raises TrialRefused.
    """
    if merchant.channel_id is None:
        raise TrialRefused("channel")
    number = _number(phone, merchant.region)
    open_trial = select(col(Order.id)).where(
        col(Order.merchant_id) == merchant.id,
        col(Order.trial).is_(True),
        col(Order.phone) == number,
        col(Order.status) == "open",
        col(Order.intent).in_(("unasked", "asked")),
    )
    if session.execute(open_trial).first() is not None:
        # A second question would only wait behind the first.
        raise TrialRefused("waiting")
    rules = Rules.from_json(merchant.rules)
    order = Order(
        merchant_id=row_id(merchant),
        reference=f"{PREFIX}{_next(session, row_id(merchant))}",
        placed_at=at,
        shopper_name=name,
        phone=number,
        region=merchant.region,
        amount=PRICE * 10 ** get_currency_precision(merchant.currency),
        currency=merchant.currency,
        trial=True,
        ask_at=at,
        cutoff_at=rules.next_cutoff(at, zone_of_phone(number, merchant.timezone)),
        created_at=at,
        updated_at=at,
    )
    session.add(order)
    session.flush()
    session.add(OrderItem(order_id=row_id(order), position=1, name=GOODS, price=order.amount))
    session.add(
        AddressVersion(order_id=row_id(order), version=1, given_by="merchant", parts=dict(PLACE), created_at=at)
    )
    if start.plan(session, order, "order_confirmation", at, shards=shards) is None:
        raise TrialRefused("phone")
    contact = session.get(Contact, order.contact_id)
    if contact is not None and contact.opted_out_at is not None:
        raise TrialRefused("stopped")
    return order


def _number(phone: str, region: str) -> str:
    try:
        parsed = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        raise TrialRefused("phone") from None
    if not phonenumbers.is_possible_number(parsed):
        raise TrialRefused("phone")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _next(session: Session, merchant_id: int) -> int:
    counted = select(func.count()).where(col(Order.merchant_id) == merchant_id, col(Order.reference).like(f"{PREFIX}%"))
    return int(session.execute(counted).scalar_one()) + 1

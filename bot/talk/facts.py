"""What the engine may know, read from the rows once per event."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from bot import engine
from bot.clock import now
from bot.database import row_id
from bot.models import AddressVersion, Contact, Handover, Merchant, Message, Order, OrderItem, Run
from bot.orders.rules import Rules
from bot.talk.contacts import locale_of, zone_of

SETTLED_AGAINST = ("cancelled", "denied")
COMPLAINTS = ("complaint", "return_refund", "low_rating")
ALWAYS_ON = frozenset({"order_confirmation", "several_orders", "address_check"})


def facts_of(
    session: Session,
    run: Run,
    order: Order,
    merchant: Merchant,
    contact: Contact,
    *,
    locales: frozenset[str],
    at: datetime | None = None,
) -> engine.Facts:
    """Return everything one step of `run` may know."""
    rules = Rules.from_json(merchant.rules)
    zone = zone_of(contact, merchant.timezone, order.phone)
    moment = (at or now()).astimezone(zone)
    others = _others(session, order)
    known = _details(session, [order, *others])
    return engine.Facts(
        order=_order(order, known, rules, moment),
        merchant=_merchant(merchant, rules, locales, order),
        now=moment,
        shopper=engine.Shopper(
            name=order.shopper_name,
            locale=locale_of(contact, order, merchant),
            region=order.region,
            opted_out=contact.opted_out_at is not None,
        ),
        others=tuple(_order(other, known, rules, moment) for other in others),
        seen=_seen(session, run),
        complaint=_complains(session, run),
    )


def address_fields(version: AddressVersion | None) -> dict[str, str]:
    """Return an address as the plain fields that flows and `bot.addresses` share."""
    if version is None:
        return {}
    return {name: str(value) for name, value in version.parts.items() if value not in (None, "")}


Details = tuple[dict[int, list[OrderItem]], dict[int, AddressVersion]]


def _others(session: Session, order: Order) -> list[Order]:
    if order.contact_id is None:
        return []
    statement = (
        select(Order)
        .where(
            col(Order.contact_id) == order.contact_id,
            col(Order.merchant_id) == order.merchant_id,
            col(Order.id) != order.id,
            col(Order.status) == "open",
            col(Order.held_out).is_(False),
            col(Order.intent).not_in(SETTLED_AGAINST),
        )
        .order_by(col(Order.id))
        .limit(9)
    )
    return list(session.execute(statement).scalars())


def _details(session: Session, orders: Sequence[Order]) -> Details:
    ids = [row_id(order) for order in orders]
    items: dict[int, list[OrderItem]] = {}
    for item in session.execute(
        select(OrderItem)
        .where(col(OrderItem.order_id).in_(ids))
        .order_by(col(OrderItem.order_id), col(OrderItem.position))
    ).scalars():
        items.setdefault(item.order_id, []).append(item)
    addresses: dict[int, AddressVersion] = {}
    for version in session.execute(
        select(AddressVersion)
        .where(col(AddressVersion.order_id).in_(ids), col(AddressVersion.settled).is_(True))
        .order_by(col(AddressVersion.version))
    ).scalars():
        addresses[version.order_id] = version
    return items, addresses


def _order(order: Order, known: Details, rules: Rules, moment: datetime) -> engine.Order:
    items, addresses = known
    lines = tuple(engine.Item(item.name, item.quantity) for item in items.get(row_id(order), []))
    start = max(moment.date(), order.not_before or moment.date())
    placed = order.placed_at.astimezone(moment.tzinfo).date() if order.placed_at else None
    return engine.Order(
        id=str(order.id),
        reference=order.reference,
        items=engine.Items(lines),
        total=engine.Money(order.amount, order.currency),
        address=address_fields(addresses.get(row_id(order))),
        status=_status(order, rules, moment),
        intent=order.intent if order.intent in ("confirmed", "cancelled") else "",
        placed_on=placed,
        not_before=order.not_before,
        slot_part=order.slot,
        receiver=order.receiver,
        expected_from=start + timedelta(days=1),
        expected_to=start + timedelta(days=rules.delivery_days),
    )


def _status(order: Order, rules: Rules, moment: datetime) -> str:
    unanswered = order.status == "open" and order.intent in ("unasked", "asked")
    oldest = moment - timedelta(days=rules.maximum_age_days)
    return "expired" if unanswered and order.placed_at is not None and order.placed_at < oldest else order.status


def _merchant(merchant: Merchant, rules: Rules, locales: frozenset[str], order: Order) -> engine.Merchant:
    patience = (*rules.reminder_hours, rules.give_up_hours)
    return engine.Merchant(
        shop=merchant.name,
        flows=ALWAYS_ON | frozenset(rules.flows),
        patience=tuple(timedelta(hours=hours) for hours in patience),
        locales=locales,
        # Meta's address form exists between Indian businesses and Indian shoppers only (whatsapp.md: 13).
        address_form=merchant.region == "IN" and order.region == "IN",
    )


def _seen(session: Session, run: Run) -> bool:
    statement = (
        select(col(Message.status))
        .where(col(Message.run_id) == run.id, col(Message.direction) == "out", col(Message.kind) != "reaction")
        .order_by(col(Message.id).desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none() in ("read", "played")


def _complains(session: Session, run: Run) -> bool:
    statement = select(col(Handover.id)).where(
        col(Handover.conversation_id) == run.conversation_id,
        col(Handover.resolved_at).is_(None),
        col(Handover.reason).in_(COMPLAINTS),
    )
    return session.execute(statement).first() is not None

"""Rows as the API gives them: read with a fixed number of statements, however many orders a page has."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from bot.database import row_id
from bot.models import AddressVersion, Order, OrderItem
from bot.web.api.schemas.orders import AddressOut, DecisionOut, ItemOut, OrderOut

_PARTS = ("address1", "address2", "landmark", "city", "state", "postal_code", "country")


def decision_of(order: Order) -> DecisionOut:
    """Return an order in short."""
    return DecisionOut.model_validate(order, from_attributes=True)


def orders_of(session: Session, orders: Sequence[Order]) -> list[OrderOut]:
    """Return orders with their items and the addresses that the parcels go to."""
    ids = [row_id(order) for order in orders]
    items: dict[int, list[OrderItem]] = {}
    for item in items_of(session, ids):
        items.setdefault(item.order_id, []).append(item)
    addresses = addresses_of(session, ids)
    return [_order(order, items.get(row_id(order), []), addresses.get(row_id(order))) for order in orders]


def items_of(session: Session, order_ids: Sequence[int]) -> Sequence[OrderItem]:
    """Return the lines of some orders, in their order."""
    statement = select(OrderItem).where(col(OrderItem.order_id).in_(order_ids))
    return session.exec(statement.order_by(col(OrderItem.order_id), col(OrderItem.position))).all()


def addresses_of(session: Session, order_ids: Sequence[int]) -> dict[int, AddressVersion]:
    """Return the newest address of each order that was settled: answers in pieces are not where a parcel goes."""
    statement = (
        select(AddressVersion)
        .where(col(AddressVersion.order_id).in_(order_ids), col(AddressVersion.settled).is_(True))
        .order_by(col(AddressVersion.version))
    )
    return {version.order_id: version for version in session.exec(statement)}


def _order(order: Order, items: Sequence[OrderItem], address: AddressVersion | None) -> OrderOut:
    facts = {name: getattr(order, name) for name in OrderOut.model_fields if hasattr(order, name)}
    lines = [ItemOut(name=one.name, sku=one.sku, quantity=one.quantity, price=one.price) for one in items]
    return OrderOut(**facts, items=lines, address=address_of(address) if address else None)


def address_of(version: AddressVersion) -> AddressOut:
    """Return a version of an address with what was found in it."""
    parts: dict[str, Any] = {name: str(version.parts.get(name) or "") for name in _PARTS}
    return AddressOut(
        **parts, latitude=version.latitude, longitude=version.longitude, version=version.version,
        given_by=version.given_by, score=version.score, findings=version.findings,
    )  # fmt: skip

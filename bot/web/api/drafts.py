"""Orders that come through the API are judged as rows of a list are: one way in, one set of rules."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.models import AddressVersion, Merchant, Order, OrderItem
from bot.orders.judging import Judged, judge_chunk
from bot.orders.rules import Rules
from bot.orders.spreadsheet import Cell, Layout, OrderList, Problem, Row, Styles, minor_digits
from bot.orders.uploads import shop_of
from bot.web.api.schemas.orders import AddressIn, ItemIn, OrderIn, OrderPatch

_ADDRESS = ("address1", "address2", "landmark", "city", "state", "postal_code", "country", "latitude", "longitude")
_FIELDS = {
    "reference": "reference", "phone": "phone", "alternate_phone": "alternate_phone", "shopper_name": "shopper_name",
    "email": "email", "amount": "amount", "currency": "currency", "locale": "locale", "placed_at": "placed_at",
    **{name: f"address.{name}" for name in _ADDRESS},
    "item_name": "items.name", "item_sku": "items.sku", "item_quantity": "items.quantity", "item_price": "items.price",
}  # fmt: skip
"""Field of a list -> its name in a call, which stands in problems."""
_LAYOUT = Layout("api", {field: (place,) for place, field in enumerate(_FIELDS)})
_LIST = OrderList(None, tuple(_FIELDS.values()), 0, _LAYOUT, Styles(day_first=False, decimal="."))


def judge(given: OrderIn, merchant: Merchant, at: datetime) -> Judged:
    """Check an order as an import would: phone, amount, age, address."""
    shop = shop_of(merchant, Rules.from_json(merchant.rules), at)
    return judge_chunk(_LIST, [(tuple(_rows(given, merchant)),)], shop)[-1]


def patched(order: Order, items: Sequence[OrderItem], address: AddressVersion | None, patch: OrderPatch) -> OrderIn:
    """Return a known order as a call would make it anew, with some fields changed."""
    parts = address.parts if address else {}
    known: dict[str, Any] = {
        "reference": order.reference,
        "phone": order.phone,
        "alternate_phone": order.alternate_phone,
        "shopper_name": order.shopper_name,
        "email": order.email,
        "amount": order.amount,
        "currency": order.currency,
        "address": {name: parts[name] for name in _ADDRESS if parts.get(name) not in (None, "")},
        "items": [{"name": i.name, "sku": i.sku, "quantity": i.quantity, "price": i.price} for i in items],
    }
    changed = {name: getattr(patch, name) for name in patch.model_fields_set if getattr(patch, name) is not None}
    # What is stored was checked when it came, by rules of that day: it is not held to those of a call again.
    address_in = AddressIn.model_construct(**{**_BLANK, **known["address"]})
    items_in = [ItemIn.model_construct(**item) for item in known["items"]]
    base = {**known, "address": address_in, "items": items_in, "locale": order.locale, "placed_at": None}
    return OrderIn.model_construct(**{**base, **changed})


_BLANK: dict[str, Any] = {
    **{name: "" for name in _ADDRESS if name not in ("country", "latitude", "longitude")},
    "country": None, "latitude": None, "longitude": None,
}  # fmt: skip


def problems_of(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """Return problems as answers name them; what was sent is not sent back."""
    return [{"field": one.column, "code": one.code, "reason": one.reason} for one in problems]


def _rows(given: OrderIn, merchant: Merchant) -> list[Row]:
    """Spell an order as rows: the first says everything, each further one adds an item."""
    currency = given.currency or merchant.currency
    head: dict[str, Cell] = {
        "reference": given.reference,
        "phone": given.phone,
        "alternate_phone": given.alternate_phone,
        "shopper_name": given.shopper_name,
        "email": given.email,
        "amount": _major(given.amount, currency),
        "currency": currency,
        "locale": given.locale or "",
        "placed_at": given.placed_at.isoformat() if given.placed_at else "",
    }
    for name in _ADDRESS:
        value = getattr(given.address, name)
        head[name] = "" if value is None else str(value)
    lines = [_item(item, currency) for item in given.items] or [{}]
    rows = [head | lines[0], *lines[1:]]
    return [Row(n, [cells.get(field, "") for field in _FIELDS]) for n, cells in enumerate(rows, start=1)]


def _item(item: ItemIn, currency: str) -> dict[str, Cell]:
    price = "" if item.price is None else _major(item.price, currency)
    return {
        "item_name": item.name,
        "item_sku": item.sku,
        "item_quantity": str(item.quantity),
        "item_price": price,
    }


def _major(amount: int, currency: str) -> str:
    """Spell an amount as a list does, in whole units with all decimals."""
    digits = minor_digits(currency)
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"

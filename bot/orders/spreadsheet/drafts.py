"""One order of a list: from the texts of its cells to a draft in our units."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.addresses import Address
from bot.orders.spreadsheet.cells import one_line
from bot.orders.spreadsheet.dates import NoDate, read_date
from bot.orders.spreadsheet.money import NoAmount, from_number, is_currency, minor_digits, read_amount
from bot.orders.spreadsheet.phones import read_phone
from bot.orders.spreadsheet.places import country_code, postal_code
from bot.orders.spreadsheet.records import Draft, Item, Problem, Shop
from bot.orders.spreadsheet.values import Values

LONGEST_TEXT = 500
MOST_ITEMS = 200

_EMAIL = re.compile(r"^[^@\s]{1,64}@[^@\s]{1,255}$")
_LOCALE = re.compile(r"^[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?$")


@dataclass(frozen=True, slots=True)
class Styles:
    """How this list writes dates and amounts: days first, and the sign before decimals."""

    day_first: bool = True
    decimal: str = "."


class Refused(Exception):
    """An order cannot be taken; `problems` name every cell at fault, `skipped` that it merely is not to be asked."""

    def __init__(self, problems: list[Problem], skipped: bool = False) -> None:
        """Keep the problems."""
        super().__init__(problems[0].code)
        self.problems = problems
        self.skipped = skipped


def draft_of(values: Values, shop: Shop, styles: Styles) -> tuple[Draft, list[Problem]]:
    """Return the order and what was repaired or left out on the way.

    Raises Refused with every problem at once, so that a merchant mends a row in one go.
    """
    wrong: list[Problem] = []
    warnings: list[Problem] = []
    country = _country(values, shop, warnings)
    phone, alternate = _phones(values, shop, country, wrong, warnings)
    currency = _currency(values, shop, wrong)
    items = _items(values, currency, styles, warnings)
    amount, currency = _amount(values, currency, styles, items, wrong)
    placed_at = _placed_at(values, shop, styles, warnings)
    if wrong:
        raise Refused(wrong)
    _skip_by_rule(values, shop, amount, currency, placed_at)
    locale = values.text("locale").casefold()
    email = values.text("email")
    draft = Draft(
        reference=values.text("reference")[:100],
        shopper_name=_name(values),
        phone=phone,
        amount=amount,
        currency=currency,
        region=country,
        address=_address(values, country, warnings),
        items=items,
        placed_at=placed_at,
        alternate_phone=alternate,
        email=email if _EMAIL.match(email) else "",
        locale=locale if _LOCALE.match(locale) else None,
    )
    return draft, warnings


def _country(values: Values, shop: Shop, warnings: list[Problem]) -> str:
    written = values.text("country")
    if not written:
        return shop.region
    code = country_code(written)
    if not code:
        warnings.append(
            values.problem("country", "COUNTRY_UNKNOWN", f"this country is not known; {shop.region} is taken")
        )
    return code or shop.region


def _phones(values: Values, shop: Shop, country: str, wrong: list[Problem], warnings: list[Problem]) -> tuple[str, str]:
    """Return the number to ask on and a second one: the first column with a good number counts."""
    regions = tuple(dict.fromkeys((country, shop.region)))
    problem: Problem | None = None
    chosen = alternate = ""
    for place in values.layout.columns.get("phone", ()):
        for row in values.rows:
            text = one_line(row.cells[place]) if place < len(row.cells) else ""
            if not text:
                continue
            phone = read_phone(text, regions)
            if phone.e164 and not chosen:
                chosen, alternate = phone.e164, phone.alternate
                if phone.warning:
                    warnings.append(Problem(row.number, values.column(place), text, "PHONE_DOUBTFUL", phone.warning))
            elif phone.code and problem is None:
                problem = Problem(row.number, values.column(place), text, phone.code, phone.reason)
            break
        if chosen:
            break
    if not chosen:
        missing = read_phone("", regions)
        wrong.append(problem or values.problem("phone", missing.code, missing.reason))
    if second := values.text("alternate_phone"):
        alternate = read_phone(second, regions).e164 or alternate
    return chosen, alternate if alternate != chosen else ""


def _currency(values: Values, shop: Shop, wrong: list[Problem]) -> str:
    written = values.text("currency").upper()
    if written and not is_currency(written):
        wrong.append(values.problem("currency", "CURRENCY_UNKNOWN", "this is no currency code such as INR"))
        return shop.currency
    return written or shop.currency


def _items(values: Values, currency: str, styles: Styles, warnings: list[Problem]) -> tuple[Item, ...]:
    items = []
    for row in values.rows:
        name, sku = values.at(row, "item_name"), values.at(row, "item_sku")
        if not name and not sku:
            continue
        quantity = _quantity(values.at(row, "item_quantity"))
        if quantity is None:
            warnings.append(
                values.problem("item_quantity", "QUANTITY_INVALID", "this is no number of pieces; 1 is taken")
            )
        price = _optional_amount(values.at(row, "item_price"), currency, styles)
        items.append(Item(name[:LONGEST_TEXT] or sku, sku[:100], quantity or 1, price))
    for place in values.layout.columns.get("packed_item", ()):
        for row in values.rows:
            if place < len(row.cells) and (packed := one_line(row.cells[place])):
                items.append(_unpack(packed, currency, styles))
    return tuple(items[:MOST_ITEMS])


def _quantity(text: str) -> int | None:
    try:
        number = float(text) if text else 1.0
        return int(number) if 1 <= number <= 100_000 and number.is_integer() else None
    except ValueError:
        return None


def _optional_amount(text: str, currency: str, styles: Styles) -> int | None:
    try:
        return read_amount(text, currency, styles.decimal)[0] if text else None
    except NoAmount:
        return None


def _unpack(packed: str, currency: str, styles: Styles) -> Item:
    """Read an item of one cell: `product_id:4959|1|30|size: Medium`, or named parts such as `name:Shirt|quantity:1`."""
    parts = [part.strip() for part in packed.split("|")]
    named = {
        key.strip().casefold(): value.strip() for key, _, value in (part.partition(":") for part in parts) if value
    }
    plain = [part for part in parts if ":" not in part]
    name = named.get("name") or (f"Product {named['product_id']}" if "product_id" in named else parts[0])
    details = [f"{key}: {value}" for key, value in named.items() if key not in _ITEM_KEYS]
    quantity = _quantity(named.get("quantity") or named.get("qty") or (plain[0] if plain else "")) or 1
    total = _optional_amount(named.get("total") or (plain[1] if len(plain) > 1 else ""), currency, styles)
    full = f"{name} ({', '.join(details)})" if details else name
    return Item(full[:LONGEST_TEXT], named.get("sku", "")[:100], quantity, total // quantity if total else None)


_ITEM_KEYS = frozenset(
    {"name", "product_id", "variation_id", "sku", "quantity", "qty", "total", "sub_total", "price", "tax"}
)


def _amount(
    values: Values, currency: str, styles: Styles, items: tuple[Item, ...], wrong: list[Problem]
) -> tuple[int, str]:
    """Return the cash to collect: what the list says, else the sum of the items and charges."""
    partly = "partial" in values.text("financial_status").casefold()
    fields = (*(("outstanding",) if partly else ()), "cod_amount", "amount")
    for field in fields:
        if not values.text(field):
            continue
        try:
            return _read(values, field, currency, styles)
        except NoAmount as reason:
            wrong.append(values.problem(field, "AMOUNT_INVALID", str(reason)))
            return 0, currency
    try:
        total = _summed(values, currency, styles, items)
    except NoAmount as reason:
        wrong.append(values.problem("item_price", "AMOUNT_INVALID", str(reason)))
        return 0, currency
    if total is None:
        field = "amount" if "amount" in values.layout.columns else "cod_amount"
        field = field if field in values.layout.columns else "item_price"
        wrong.append(values.problem(field, "AMOUNT_MISSING", "there is no amount to collect"))
        return 0, currency
    return total, currency


def _read(values: Values, field: str, currency: str, styles: Styles) -> tuple[int, str]:
    cell = values.cell(field)
    if isinstance(cell, int | float):
        return from_number(cell, currency), currency
    return read_amount(one_line(cell), currency, styles.decimal)


def _summed(values: Values, currency: str, styles: Styles, items: tuple[Item, ...]) -> int | None:
    """Add up items, charges and discounts, as courier templates have no total; None when a price is missing."""
    if not items or any(item.price is None for item in items):
        if any(values.text(field) for field in ("item_price",)):
            return _read(values, "item_price", currency, styles)[0]
        return None
    total = sum((item.price or 0) * item.quantity for item in items)
    for row, item in zip((row for row in values.rows if values.at(row, "item_name")), items, strict=False):
        if discount := values.at(row, "item_discount"):
            total -= read_amount(discount, currency, styles.decimal)[0] * item.quantity
    for field, sign in (("shipping_charge", 1), ("cod_charge", 1), ("gift_charge", 1), ("order_discount", -1)):
        if values.text(field):
            total += sign * _read(values, field, currency, styles)[0]
    if total < 0:
        raise NoAmount("the discounts are larger than the prices")
    return total


def _placed_at(values: Values, shop: Shop, styles: Styles, warnings: list[Problem]) -> datetime | None:
    text = values.text("placed_at")
    if not text:
        return None
    try:
        return read_date(text, styles.day_first, shop.zone)
    except NoDate:
        warnings.append(values.problem("placed_at", "DATE_UNREADABLE", "this date cannot be read; it is left out"))
        return None


def _skip_by_rule(values: Values, shop: Shop, amount: int, currency: str, placed_at: datetime | None) -> None:
    field = "amount" if values.text("amount") else "cod_amount" if values.text("cod_amount") else "item_price"
    if amount == 0:
        raise Refused([values.problem(field, "NOTHING_TO_COLLECT", "there is nothing to collect")], skipped=True)
    if amount < shop.minimum_amount and currency == shop.currency:
        least = shop.minimum_amount / 10 ** minor_digits(currency)
        reason = f"it is below the shop's minimum of {least:g} {currency}"
        raise Refused([values.problem(field, "BELOW_MINIMUM", reason)], skipped=True)
    if placed_at is not None and placed_at < shop.now - timedelta(days=shop.maximum_age_days):
        reason = f"the order is older than {shop.maximum_age_days} days"
        raise Refused([values.problem("placed_at", "TOO_OLD", reason)], skipped=True)


def _name(values: Values) -> str:
    """Return the shopper's name; first and last name come from the same side, shipping or billing."""
    whole = values.text("shopper_name")
    if whole:
        return whole[:200]
    return " ".join(part for part in (values.text("first_name"), values.text("last_name")) if part)[:200]


def _address(values: Values, country: str, warnings: list[Problem]) -> Address:
    code = postal_code(values.text("postal_code"), country)
    if code != values.text("postal_code").removesuffix(".0") and code.startswith("0"):
        warnings.append(
            values.problem("postal_code", "ZEROS_RESTORED", f"zeros at the front were lost; {code} is taken")
        )
    return Address(
        address1=values.text("address1")[:LONGEST_TEXT],
        address2=values.text("address2")[:LONGEST_TEXT],
        landmark=values.text("landmark")[:LONGEST_TEXT],
        city=values.text("city")[:200],
        state=(values.text("state") or values.text("state_code"))[:200],
        postal_code=code[:20],
        country=country,
        latitude=_degrees(values.text("latitude"), 90),
        longitude=_degrees(values.text("longitude"), 180),
    )


def _degrees(text: str, limit: int) -> float | None:
    try:
        degrees = float(text)
    except ValueError:
        return None
    return degrees if text and -limit <= degrees <= limit and degrees != 0 else None

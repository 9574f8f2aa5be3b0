"""Amounts of money as order lists write them, in minor units."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel.core import get_global
from babel.numbers import get_currency_precision

from bot.orders.spreadsheet.cells import DigitsLost, ascii_digits, restore_exponent

_SYMBOLS = {
    "₹": "INR", "rs": "", "inr": "INR", "pkr": "PKR", "aed": "AED", "د.إ": "AED", "dhs": "AED", "dh": "",
    "sar": "SAR", "ر.س": "SAR", "rp": "IDR", "idr": "IDR", "₱": "PHP", "php": "PHP", "₫": "VND", "vnd": "VND",
    "egp": "EGP", "e£": "EGP", "৳": "BDT", "bdt": "BDT", "r$": "BRL", "mx$": "MXN", "rm": "MYR", "฿": "THB",
    "€": "EUR", "us$": "USD", "$": "", "£": "",
}  # fmt: skip
"""Signs that stand before or behind an amount; an empty value is a sign that several currencies share."""

_COMMA_REGIONS = frozenset(
    "AR AT BE BO BR CL CO DE DZ EC ES FR GR ID IT MA NL PL PT PY RO TN TR UY VE VN".split()  # noqa: SIM905  It reads better.
)
"""Where a comma stands before the decimals."""

_WHOLE = frozenset({"IDR", "COP", "KHR", "NGN", "MNT", "UZS"})
"""Currencies that have decimals on paper only."""

_NUMBER = re.compile(r"^([+-]?)\s*(\d[\d.,'’٬٫ \u00a0\u202f]*)$")
_AROUND = re.compile(r"^(\D*?)([+-]?\s*\d[\d.,'’٬٫ \u00a0\u202f]*)(\D*)$")
LARGEST = 10**15
"""In minor units; larger amounts are slips, and would not fit everywhere."""


class NoAmount(ValueError):
    """A cell holds no amount; the message says why."""


@lru_cache(maxsize=256)
def minor_digits(currency: str) -> int:
    """Return how many decimals a currency has: 2 for most, 0 for yen and dong, 3 for dinars."""
    return int(get_currency_precision(currency))


@lru_cache(maxsize=256)
def is_currency(code: str) -> bool:
    """Tell whether `code` is a currency of ISO 4217."""
    return bool(re.fullmatch("[A-Z]{3}", code)) and code in get_global("all_currencies")


def decimal_sign(amounts: Iterable[str], region: str) -> str:
    """Return the sign before the decimals in a column: what its amounts prove, else what the region writes."""
    points = commas = 0
    for amount in amounts:
        number = re.sub(r"[^\d.,]", "", ascii_digits(amount))
        last = max(number.rfind("."), number.rfind(","))
        if last < 0:
            continue
        sign, other = number[last], "." if number[last] == "," else ","
        if number.count(sign) > 1:
            # A repeated sign parts thousands, so the other one stands before decimals.
            sign = other
        elif len(number) - last - 1 == 3 and last <= 3 and other not in number:
            # It may part thousands or decimals, and proves nothing.
            continue
        points, commas = points + (sign == "."), commas + (sign == ",")
    if points == commas:
        return "," if region in _COMMA_REGIONS else "."
    return "." if points > commas else ","


def read_amount(text: str, currency: str, sign: str = ".") -> tuple[int, str]:
    """Return an amount in minor units and its currency: the one written beside it, else `currency`.

    `sign` is what stands before decimals in this column. Raises NoAmount with the reason.
    """
    text = ascii_digits(text).strip()
    try:
        text = restore_exponent(text)
    except DigitsLost:
        raise NoAmount("the amount was shortened to a power of ten; its digits are lost") from None
    around = _AROUND.match(text)
    if not around:
        raise NoAmount("this is not an amount of money")
    for label in (around[1], around[3]):
        currency = _currency_of(label, currency)
    number = _NUMBER.match(around[2].strip())
    if not number:
        raise NoAmount("this is not an amount of money")
    if number[1] == "-" or "-" in around[1] or (around[1].strip() == "(" and around[3].strip() == ")"):
        raise NoAmount("the amount is negative")
    return _minor(_plain(number[2], sign, currency), currency), currency


def from_number(number: int | float, currency: str) -> int:
    """Return the minor units of a number cell; the dust of binary fractions is rounded away."""
    if number < 0:
        raise NoAmount("the amount is negative")
    rounded = round(Decimal(repr(number)), 6)
    return _minor(str(rounded), currency)


def _currency_of(label: str, currency: str) -> str:
    word = re.sub(r"[\s.:()/+-]+$|^[\s.:()/+-]+", "", label.casefold())
    if not word:
        return currency
    if word in _SYMBOLS:
        return _SYMBOLS[word] or currency
    if is_currency(word.upper()):
        return word.upper()
    raise NoAmount("this is not an amount of money")


def _plain(number: str, sign: str, currency: str) -> str:
    """Take the grouping out of a number and put a point before its decimals."""
    number = re.sub(r"['’٬ \u00a0\u202f]", "", number).replace("٫", sign).rstrip(".,")
    other = "," if sign == "." else "."
    if sign in number and other in number and number.rfind(other) > number.rfind(sign):
        # This cell alone is written the other way round; both signs together leave no doubt.
        sign, other = other, sign
    behind = len(number) - number.rfind(sign) - 1
    if number.count(sign) > 1 or (sign in number and behind == 3 and _is_written_whole(currency)):
        return number.replace(sign, "").replace(other, ".")
    if number.count(other) == 1 and sign not in number and len(number) - number.rfind(other) - 1 in (1, 2):
        return number.replace(other, ".")
    return number.replace(other, "").replace(sign, ".")


def _is_written_whole(currency: str) -> bool:
    """Tell whether amounts of a currency are written without decimals, so that three digits are always thousands."""
    return minor_digits(currency) == 0 or currency in _WHOLE


def _minor(number: str, currency: str) -> int:
    try:
        exact = Decimal(number).scaleb(minor_digits(currency))
    except InvalidOperation:
        raise NoAmount("this is not an amount of money") from None
    if exact != exact.to_integral_value():
        raise NoAmount(f"{currency} has {minor_digits(currency)} decimals, this amount has more")
    if exact > LARGEST:
        raise NoAmount("the amount is impossibly large")
    return int(exact)

"""Read and write the rules of a shop as a person does.

Whatever a person writes becomes the JSON that `Rules.judged` reads and judges: the limits stand there, once.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import get_currency_precision
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from bot.orders.rules import Rules
from bot.web.rule_fields import FIELDS, Field, limit_of


class Unreadable(Exception):
    """Something that a person wrote is no number, hour or day."""


def shown(rules: Rules, currency: str) -> dict[str, Any]:
    """Return what stands in each field: text, or a list of texts where there are several."""
    digits = get_currency_precision(currency)
    return {name: _shown(field, getattr(rules, name), digits) for name, field in FIELDS.items()}


def as_written(form: "MultiDict[str, str]") -> dict[str, Any]:
    """Return what a person wrote in each field, so that a page with an error gives it back."""
    several = ("several", "hours", "sizes")
    return {
        name: form.getlist(name) if field.kind in several else form.get(name, "").strip()
        for name, field in FIELDS.items()
    }


def read(written: Mapping[str, Any], currency: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the rules as JSON values, and what cannot be read: name -> sentence."""
    digits = get_currency_precision(currency)
    values, faults = {}, {}
    for name, field in FIELDS.items():
        try:
            values[name] = _read(field, written[name], digits)
        except Unreadable as error:
            faults[name] = str(error)
    return values, faults


def _shown(field: Field, value: Any, digits: int) -> Any:
    if value is None:
        return ""
    if field.kind == "money":
        return _plain(Decimal(value).scaleb(-digits))
    if field.kind == "hour":
        return value.isoformat(timespec="minutes")
    if field.kind in ("hours", "sizes"):
        places = 2 if field.kind == "hours" else 3
        return [_plain(Decimal(str(part))) for part in value] + [""] * (places - len(value))
    if field.kind == "several":
        return [str(part) for part in value]
    if field.kind == "days":
        return "\n".join(day.isoformat() for day in value)
    if field.kind == "words":
        return ", ".join(value)
    if field.kind == "flag":
        return "1" if value else ""
    return _plain(Decimal(str(value))) if field.kind == "number" else str(value)


def _read(field: Field, written: Any, digits: int) -> Any:
    if field.kind == "several":
        return [int(part) for part in written if part.isdecimal()] if field.name == "courier_days" else list(written)
    if field.kind in ("hours", "sizes"):
        return [_number(part) for part in written if part.strip()]
    if field.kind == "flag":
        return bool(written)
    if field.kind == "days":
        return [_day(part) for part in re.split(r"[\s,;]+", written) if part]
    if field.kind == "words":
        return [part for one in written.split(",") if (part := " ".join(one.split()))][:50]
    if field.kind in ("choice", "text"):
        return written[:80]
    if not written:
        if field.optional:
            return None
        raise Unreadable(gettext("Please fill this in."))
    if field.kind == "hour":
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d(:00)?", written):
            raise Unreadable(gettext("An hour looks like 09:30."))
        return written.rjust(5, "0")[:5] if len(written) < 6 else written
    if field.kind == "money":
        return int((Decimal(str(_number(written))).scaleb(digits)).to_integral_value())
    return _number(written)


def _number(written: str) -> float | int:
    """Read a number as people of both sides of the decimal comma write it."""
    text = written.strip().replace("\u00a0", "").replace(" ", "")
    text = text.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?", text) else text.replace(",", ".")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unreadable(gettext("A number is needed.")) from None
    if not number.is_finite() or abs(number) > 10**9:
        raise Unreadable(gettext("A number is needed."))
    return int(number) if number == number.to_integral_value() else float(number)


def _day(written: str) -> str:
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise Unreadable(limit_of("holidays")) from None


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

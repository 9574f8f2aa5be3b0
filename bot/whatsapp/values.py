"""Read single values out of JSON of any shape.

Each function gives the value, or what stands for its absence, and never raises.
"""

import math
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}")
PHONE = re.compile(r"[0-9]{5,20}")
PHONE_MARKS = str.maketrans("", "", "+-() \u00a0")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""NUL and lone surrogates, which PostgreSQL refuses, and control characters, which nobody can read."""


def object_of(value: Any) -> Object:
    """Return a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[Object]:
    """Return the objects of a JSON array; none for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """Return `value` as text that every database stores, in one Unicode form; "" for what is no text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return unicodedata.normalize("NFC", _UNSTORABLE.sub("", str(value)))


def word_of(value: Any) -> str:
    """Return an id, a code or a name without the spaces around it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return text_of(value).strip()


def phone_of(value: Any) -> str | None:
    """Return the digits of a phone number."""
    digits = word_of(value).translate(PHONE_MARKS)
    return digits if PHONE.fullmatch(digits) else None


def bsuid_of(value: Any) -> str | None:
    """Return a business-scoped user id."""
    word = word_of(value)
    return word if BSUID.fullmatch(word) else None


def moment_of(value: Any) -> datetime | None:
    """Read unix seconds, or milliseconds as some gateways send them; None when it is no time after 2001."""
    if isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if seconds > 1e11:
        seconds /= 1000
    return datetime.fromtimestamp(seconds, UTC) if 1e9 <= seconds < 1e10 else None


def degrees_of(value: Any, most: float) -> float | None:
    """Return a latitude or longitude that exists."""
    if isinstance(value, bool):
        return None
    try:
        degrees = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= most else None


def codes_of(value: Any) -> tuple[int, ...]:
    """Return the error codes of a list of errors; an error without a code counts as 0."""
    words = (word_of(error.get("code")) for error in objects_of(value))
    return tuple(int(word) if re.fullmatch(r"\d{1,9}", word) else 0 for word in words)


def details_of(value: Any) -> str:
    """Return the explanation of the first error of a list."""
    for error in objects_of(value):
        return text_of(object_of(error.get("error_data")).get("details")) or text_of(error.get("message"))
    return ""

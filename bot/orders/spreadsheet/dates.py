"""Dates and times as order lists write them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from bot.orders.spreadsheet.cells import ascii_digits

_ISO = re.compile(
    r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$"
)
_NUMERIC = re.compile(
    r"^(\d{1,2})([-/.])(\d{1,2})\2(\d{2}|\d{4})(?:,?\s+(?:at\s+)?(\d{1,2})[:.](\d{2})(?::(\d{2}))?\s*([ap])?\.?(?:m\.?)?)?$",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"^(?:[a-z]{3,9},?\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})|([a-z]{3,9})\s+(\d{1,2})(?:st|nd|rd|th)?)\.?,?[\s-]+"
    r"(\d{4})(?:,?\s+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap])?\.?(?:m\.?)?)?$",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"^(\d{5})(?:\.(\d+))?$")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan",
            "feb",
            "mar",
            "apr",
            "may mei mai",
            "jun",
            "jul",
            "aug agu ago",
            "sep",
            "oct okt out",
            "nov",
            "dec des dez dic",
        ),
        start=1,
    )
    for name in names.split()
}
_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of Excel's calendar, as it counts since March 1900."""

MONTH_FIRST_REGIONS = frozenset({"US", "PH", "PR", "GU", "FM", "MH", "PW"})


class NoDate(ValueError):
    """A cell holds no date."""


def day_first(samples: Iterable[str], region: str, default: bool | None = None) -> bool:
    """Tell whether 3/4/2026 begins with the day: what the column proves, else `default`, else the region."""
    for sample in samples:
        found = _NUMERIC.match(ascii_digits(sample).strip())
        if found and int(found[1]) > 12:
            return True
        if found and int(found[3]) > 12:
            return False
    return region not in MONTH_FIRST_REGIONS if default is None else default


def read_date(text: str, first_is_day: bool, zone: tzinfo) -> datetime:
    """Return the instant that a cell tells; a time without a zone is the shop's own.

    Raises NoDate.
    """
    text = ascii_digits(text).strip()
    try:
        if found := _ISO.match(text):
            year, month, day = int(found[1]), int(found[2]), int(found[3])
            hour, minute, second = int(found[4] or 0), int(found[5] or 0), int(found[6] or 0)
            there = _offset(found[7]) or zone
            return datetime(year, month, day, hour, minute, second, tzinfo=there).astimezone(UTC)
        if found := _NUMERIC.match(text):
            day, month = (int(found[1]), int(found[3])) if first_is_day else (int(found[3]), int(found[1]))
            year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
            return datetime(year, month, day, *_clock(found, 5), tzinfo=zone).astimezone(UTC)
        if found := _NAMED.match(text):
            named = _MONTHS.get((found[2] or found[3])[:3].casefold())
            if named:
                day = int(found[1] or found[4])
                return datetime(int(found[5]), named, day, *_clock(found, 6), tzinfo=zone).astimezone(UTC)
        if found := _SERIAL.match(text):
            return _from_serial(float(text), zone)
    except (ValueError, OverflowError):
        pass
    raise NoDate(text)


def _clock(found: re.Match[str], place: int) -> tuple[int, int, int]:
    hour, minute, second = int(found[place] or 0), int(found[place + 1] or 0), int(found[place + 2] or 0)
    half = (found[place + 3] or "").casefold()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, minute, second


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in ("Z", "UTC"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _from_serial(days: float, zone: tzinfo) -> datetime:
    """Read Excel's count of days; only years that an order can be of, so that no other number passes for a date."""
    naive = (_EPOCH + timedelta(days=days)).replace(tzinfo=None, microsecond=0)
    if not 2000 <= naive.year < 2100:
        raise ValueError(days)
    return naive.replace(tzinfo=zone).astimezone(UTC)

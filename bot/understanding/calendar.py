"""Days, weeks and festivals around today; pure arithmetic."""

import tomllib
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included."""

    first: date
    last: date


def weekday(today: date, number: int) -> date:
    """Return the first such weekday after today (Monday is 0)."""
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)


def week(today: date, ahead: int) -> Span:
    """Return the week from Monday to Sunday; the current one begins today."""
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=ahead)
    return Span(max(monday, today), monday + timedelta(days=6))


def weekend(today: date, region: str | None) -> Span:
    """Return the weekend that comes, or the one that is."""
    first = 4 if region in ("SA", "EG", "KW", "QA", "BH", "OM", "JO", "IQ", "YE", "SD", "LY") else 5
    start = today + timedelta(days=(first - today.weekday()) % 7)
    if today.weekday() == (first + 1) % 7:
        start = today - timedelta(days=1)
    return Span(max(start, today), start + timedelta(days=1))


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def end_of(today: date, unit: str) -> Span:
    """Return the last three days of the month, or the last two of the week."""
    if unit == "week":
        sunday = week(today, 0).last
        return Span(max(today, sunday - timedelta(days=1)), sunday)
    last = _month_end(today)
    return Span(max(today, last - timedelta(days=2)), last)


def start_of(today: date, unit: str) -> Span:
    """Return the first three days of the next month or week, or the whole next month."""
    if unit == "week":
        monday = week(today, 1).first
        return Span(monday, monday + timedelta(days=1))
    first = _next_month(today)
    return Span(first, _month_end(first) if unit == "whole month" else first + timedelta(days=2))


def day_of_month(today: date, number: int) -> Span:
    """Return the next day with this number, today included."""
    month = today
    while True:
        if number <= monthrange(month.year, month.month)[1]:
            found = month.replace(day=number)
            if found >= today:
                return Span(found, found)
        month = _next_month(month)


def month_day(today: date, day: int, month: int, year: int | None) -> Span | None:
    """Return a calendar date, the next one when no year is given; None for a day that does not exist."""
    years = (year,) if year is not None else (today.year, today.year + 1)
    for candidate in years:
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if year is not None or found >= today:
            return Span(found, found)
    return None


@cache
def _table() -> dict[str, list[date]]:
    rows = tomllib.loads(Path(__file__).with_name("festivals.toml").read_text(encoding="utf-8"))
    return {name: [date.fromisoformat(day) for day in days] for name, days in rows.items()}


def festival(today: date, name: str) -> Span | None:
    """Return the next such festival; salaries are taken to come on the first of the month."""
    if name == "salary":
        first = _next_month(today) - timedelta(days=1)
        return Span(first, first)
    for day in _table().get(name, ()):
        if day >= today:
            return Span(day, day)
    return None

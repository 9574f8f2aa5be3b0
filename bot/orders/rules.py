"""What a merchant can decide about asking: one place for every rule and its default."""

import math
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.clock import Hours, at_local

ON_SILENCE = ("ship", "hold", "call", "value")
FLOWS = ("order_confirmation", "delivery_slot", "readiness", "review")
PARTS_OF_DAY = ("morning", "afternoon", "evening")


class RulesError(ValueError):
    """A rule has a value that it cannot have; the message says which and why."""


@dataclass(frozen=True)
class Rules:
    """A merchant's rules; whatever is not set has the default written here."""

    ask_after_minutes: int = 10
    """How long after the order (or its import) the shopper is asked first."""
    ask_daily_at: time | None = None
    """Ask at this local hour instead."""
    opens: time = time(9)
    closes: time = time(21)
    """Quiet hours are outside of these, in the shopper's zone."""
    reminder_hours: tuple[float, ...] = (10.0, 16.0)
    """Hours of silence before each reminder; the give-up follows 24 hours after the last."""
    give_up_hours: float = 24.0
    minimum_amount: int = 0
    """Orders below this amount (minor units) are not asked."""
    maximum_age_days: int = 14
    """Older orders are not asked."""
    flows: tuple[str, ...] = FLOWS
    on_silence: str = "value"
    """ship, hold, call, or value (by expected money, see `bot.orders.decisions`)."""
    cancel_after_hours: float | None = None
    """Cancel an order whose shopper stayed silent this long; off unless set."""
    hold_out_percent: float = 0.0
    """Share of orders, drawn at random, that are never asked, so that the effect can be measured."""
    margin_percent: float = 30.0
    """Of the order's amount: what a delivered order earns."""
    return_cost: int = 15000
    """What a returned parcel costs: both freights and packing, in minor units (Rs 150)."""
    message_price: float | None = None
    """What WhatsApp charges for one of our messages, in the shop's currency; unset means Meta's own price, if known."""
    cutoff: time = time(18)
    """Daily dispatch cut-off, local time."""
    courier_days: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    """Weekdays on which the courier collects and delivers, Monday 0."""
    holidays: tuple[date, ...] = ()
    delivery_days: int = 4
    """Days from dispatch to the door that the shop promises at the latest."""
    horizon_days: int = 7
    """How far ahead a shopper may choose a day."""
    parts_of_day: tuple[str, ...] = ("morning", "afternoon", "evening")
    ships_other_size: bool = True
    review_after_hours: float = 24.0
    """How long after the delivery the shopper is asked how it was."""
    cod_labels: tuple[str, ...] = ()
    """Further names that this shop's order lists give to cash on delivery."""
    parcel_kg: float = 0.5
    parcel_cm: tuple[float, ...] = (10.0, 10.0, 10.0)
    """Weight, and length, breadth and height, of a usual parcel: couriers' templates want them for every order."""
    support_phone: str = ""
    keep_envelopes_days: int = 30
    """Days after which what Meta posted, byte for byte, is deleted."""
    keep_messages_days: int = 90
    """Days after which the words, pictures and places of a conversation are wiped."""
    keep_files_days: int = 7
    """Days after which an uploaded list and its raw rows are wiped; the orders stay."""

    @property
    def hours(self) -> Hours:
        """The hours in which the bot may speak first."""
        return Hours(self.opens, self.closes)

    def next_cutoff(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the first dispatch cut-off at least an hour after `at`: on a courier day that is no holiday."""
        day = at.astimezone(zone).date()
        for ahead in range(60):
            candidate = day + timedelta(days=ahead)
            moment = at_local(candidate, self.cutoff, zone)
            works = candidate.weekday() in self.courier_days and candidate not in self.holidays
            if works and moment >= at + timedelta(hours=1):
                return moment
        return at + timedelta(days=1)

    @property
    def review_delay(self) -> timedelta:
        """The time from delivery to the question how it was."""
        return timedelta(hours=self.review_after_hours)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Rules":
        """Read what is stored; never raises, because nothing may stand still for a rule of an older release.

        Unknown names are ignored, so that an older release can run beside. A number beyond its limits counts as the
        limit, and what cannot be read as the default.
        """
        try:
            return cls.judged(stored)
        except RulesError:
            rules = cls()
            for name, value in stored.items():
                for possible in (value, _nearest(name, value)):
                    try:
                        rules = replace(rules, **{name: getattr(cls.judged({name: possible}), name)})
                        break
                    except (RulesError, AttributeError):
                        continue
            return rules

    @classmethod
    def judged(cls, wanted: dict[str, Any]) -> "Rules":
        """Read what somebody wants the rules to be; raises RulesError for the first that cannot be."""
        known = {f.name for f in fields(cls)}
        given = {name: _read(name, value) for name, value in wanted.items() if name in known}
        try:
            return _checked(replace(cls(), **given))
        except TypeError as error:
            raise RulesError(f"{', '.join(given)}: a value of another kind is needed ({error})") from None

    def to_json(self) -> dict[str, Any]:
        """Write what differs from the defaults, as JSON values."""
        default = asdict(Rules())
        return {name: _write(value) for name, value in asdict(self).items() if value != default[name]}


_TIMES = ("ask_daily_at", "opens", "closes", "cutoff")
_TUPLES = ("reminder_hours", "flows", "courier_days", "parts_of_day", "cod_labels", "parcel_cm")


_NUMBERS = {
    "ask_after_minutes": int,
    "give_up_hours": float,
    "minimum_amount": int,
    "maximum_age_days": int,
    "cancel_after_hours": float,
    "hold_out_percent": float,
    "margin_percent": float,
    "return_cost": int,
    "message_price": float,
    "delivery_days": int,
    "horizon_days": int,
    "review_after_hours": float,
    "parcel_kg": float,
    "keep_envelopes_days": int,
    "keep_messages_days": int,
    "keep_files_days": int,
}


def _number(name: str, value: Any) -> float | None:
    if value is None and name in ("cancel_after_hours", "message_price"):
        return None
    if isinstance(value, bool):
        raise ValueError("a number is needed")
    number = _NUMBERS[name](value)
    if not math.isfinite(number):
        raise ValueError("a finite number is needed")
    return number


def _read(name: str, value: Any) -> Any:
    try:
        if name in _TIMES:
            return None if value is None else time.fromisoformat(value)
        if name == "holidays":
            return tuple(date.fromisoformat(day) for day in value)
        if name in _TUPLES:
            if isinstance(value, str):
                raise ValueError("a list is needed")
            return tuple(value)
        return _number(name, value) if name in _NUMBERS else value
    except (TypeError, ValueError, OverflowError) as error:
        raise RulesError(f"{name}: {value!r} cannot be read ({error})") from None


def _write(value: Any) -> Any:
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


_LIMITS: dict[str, tuple[float, float, str]] = {
    "ask_after_minutes": (0, 20160, " (two weeks)"),
    "hold_out_percent": (0, 50, ""),
    "margin_percent": (0, 100, ""),
    "review_after_hours": (0, 1680, " (70 days)"),
    "horizon_days": (1, 30, ""),
    "delivery_days": (1, 60, ""),
    "maximum_age_days": (1, 365, ""),
    # Meta repeats a post for up to seven days; one that were forgotten earlier would be taken for a new one.
    "keep_envelopes_days": (8, 365, ""),
    "keep_messages_days": (7, 730, ""),
    "keep_files_days": (1, 365, ""),
}
"""From, to, and what to say behind it."""
_MOST_HOURS = {"give_up_hours": (336, "14 days"), "cancel_after_hours": (2160, "90 days")}
"""Spans above 0."""
_MOST_REMINDER = 336


def _nearest(name: str, value: Any) -> Any:
    """Return the value of a number's own limits that is nearest; anything else comes back as it is."""
    try:
        if name in _LIMITS:
            low, high, _told = _LIMITS[name]
            return min(max(_NUMBERS[name](value), low), high)
        if name in _MOST_HOURS:
            return min(_NUMBERS[name](value), _MOST_HOURS[name][0])
        return [min(float(hours), _MOST_REMINDER) for hours in value][:2] if name == "reminder_hours" else value
    except (TypeError, ValueError, OverflowError):
        return value


def _checked(rules: Rules) -> Rules:
    problems = [
        (rules.on_silence not in ON_SILENCE, f"on_silence: must be one of {', '.join(ON_SILENCE)}"),
        (not set(rules.flows) <= set(FLOWS), f"flows: only {', '.join(FLOWS)}"),
        (rules.return_cost < 0, "return_cost: must not be negative"),
        (rules.message_price is not None and not 0 <= rules.message_price <= 10**6, "message_price: from 0 to 1000000"),
        (len(rules.reminder_hours) > 2, "reminder_hours: two reminders at the most"),
        (
            any(not 0 < hours <= _MOST_REMINDER for hours in rules.reminder_hours),
            "reminder_hours: above 0, at most 336 (14 days)",
        ),
        (not rules.courier_days or not set(rules.courier_days) <= set(range(7)), "courier_days: 0 (Monday) to 6"),
        (rules.parcel_kg <= 0, "parcel_kg: must be above 0"),
        (len(rules.parcel_cm) != 3 or min(rules.parcel_cm) <= 0, "parcel_cm: length, breadth and height, above 0"),
        (rules.minimum_amount < 0, "minimum_amount: must not be negative"),
        (not set(rules.parts_of_day) <= set(PARTS_OF_DAY), f"parts_of_day: only {', '.join(PARTS_OF_DAY)}"),
    ]
    for name, (low, high, told) in _LIMITS.items():
        problems.append((not low <= getattr(rules, name) <= high, f"{name}: from {low} to {high}{told}"))
    for name, (most, days) in _MOST_HOURS.items():
        hours = getattr(rules, name)
        problems.append((hours is not None and not 0 < hours <= most, f"{name}: above 0, at most {most} ({days})"))
    for wrong, sentence in problems:
        if wrong:
            raise RulesError(sentence)
    return rules

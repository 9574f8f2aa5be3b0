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
    reminder_hours: tuple[float, ...] = (8.0, 16.0)
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
        """Read what `to_json` wrote; unknown names are ignored, so that an older release can run beside."""
        known = {f.name: f for f in fields(cls)}
        given = {name: _read(name, value) for name, value in stored.items() if name in known}
        return _checked(replace(cls(), **given))

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
    "delivery_days": int,
    "horizon_days": int,
    "review_after_hours": float,
    "parcel_kg": float,
    "keep_envelopes_days": int,
    "keep_messages_days": int,
    "keep_files_days": int,
}


def _number(name: str, value: Any) -> float | None:
    if value is None and name == "cancel_after_hours":
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
    except (TypeError, ValueError) as error:
        raise RulesError(f"{name}: {value!r} cannot be read ({error})") from None


def _write(value: Any) -> Any:
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _checked(rules: Rules) -> Rules:
    problems = [
        (not 0 <= rules.ask_after_minutes <= 20160, "ask_after_minutes: from 0 to 20160 (two weeks)"),
        (rules.on_silence not in ON_SILENCE, f"on_silence: must be one of {', '.join(ON_SILENCE)}"),
        (not set(rules.flows) <= set(FLOWS), f"flows: only {', '.join(FLOWS)}"),
        (not 0 <= rules.hold_out_percent <= 50, "hold_out_percent: from 0 to 50"),
        (not 0 <= rules.margin_percent <= 100, "margin_percent: from 0 to 100"),
        (rules.return_cost < 0, "return_cost: must not be negative"),
        (len(rules.reminder_hours) > 2, "reminder_hours: two reminders at the most"),
        (any(not 0 < hours <= 336 for hours in rules.reminder_hours), "reminder_hours: above 0, at most 336 (14 days)"),
        (not 0 < rules.give_up_hours <= 336, "give_up_hours: above 0, at most 336 (14 days)"),
        (not rules.courier_days or not set(rules.courier_days) <= set(range(7)), "courier_days: 0 (Monday) to 6"),
        (not 0 <= rules.review_after_hours <= 1680, "review_after_hours: from 0 to 1680 (70 days)"),
        (rules.parcel_kg <= 0, "parcel_kg: must be above 0"),
        (len(rules.parcel_cm) != 3 or min(rules.parcel_cm) <= 0, "parcel_cm: length, breadth and height, above 0"),
        (not 1 <= rules.horizon_days <= 30, "horizon_days: from 1 to 30"),
        (not 1 <= rules.delivery_days <= 60, "delivery_days: from 1 to 60"),
        (not 1 <= rules.maximum_age_days <= 365, "maximum_age_days: from 1 to 365"),
        (rules.minimum_amount < 0, "minimum_amount: must not be negative"),
        (rules.cancel_after_hours is not None and not 0 < rules.cancel_after_hours <= 2160,
         "cancel_after_hours: above 0, at most 2160 (90 days)"),
        (not set(rules.parts_of_day) <= set(PARTS_OF_DAY), f"parts_of_day: only {', '.join(PARTS_OF_DAY)}"),
        # Meta repeats a post for up to seven days; one that were forgotten earlier would be taken for a new one.
        (not 8 <= rules.keep_envelopes_days <= 365, "keep_envelopes_days: from 8 to 365"),
        (not 7 <= rules.keep_messages_days <= 730, "keep_messages_days: from 7 to 730"),
        (not 1 <= rules.keep_files_days <= 365, "keep_files_days: from 1 to 365"),
    ]
    for wrong, sentence in problems:
        if wrong:
            raise RulesError(sentence)
    return rules

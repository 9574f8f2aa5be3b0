"""Find a day on which the parcel may come, among those the shop can really promise."""

from collections.abc import Iterable, Mapping
from datetime import date

from bot.engine import (
    JSON,
    Ask,
    Choice,
    Day,
    Decide,
    Effect,
    HandOver,
    Notice,
    Outcome,
    Record,
    View,
    go,
)
from bot.engine.flow import Path, Step
from flows.common import DAY

ROWS = 9
"""Days, or parts of days, offered in the list beside "any day"."""
MOST_TRIES = 2
"""Days that cannot be, after which a person is called."""
DISTANT = 3
"""Days of waiting from which the merchant is told that waiting raises returns."""
PARTS = ("morning", "afternoon", "evening")
NEAREST = {"noon": "afternoon", "night": "evening"}
"""Where a shopper's word is no part that couriers know; many languages have one word for evening and night."""


def query(view: View) -> Mapping[str, JSON]:
    """Ask which days can be promised."""
    return {}


def wish(view: View) -> Mapping[str, JSON]:
    """Remember the day that was wished for, in the words of `bot.understanding`."""
    names = ("date", "date_from", "date_to", "part", "time", "time_from", "time_to", "any")
    return {"wish": {name: view.slots[name] for name in names if name in view.slots}}


def _days(view: View) -> list[JSON]:
    found = view.found.get("days")
    listed = found if isinstance(found, list | tuple) else ()
    return [list(one) for one in listed if isinstance(one, list | tuple) and len(one) == 2]


def days_found(view: View) -> Outcome:
    """Offer the days that can be promised, if there are any."""
    days = _days(view)
    return Outcome("ask" if days else "none", {"days": days})


def wish_met(view: View) -> Outcome:
    """Settle what was wished for, or say why it cannot be."""
    days = _days(view)
    if not days:
        return Outcome("none", {"wish": None})
    outcome = settle(view.data.get("wish"), days)
    return Outcome(outcome.name, {**outcome.keep, "days": days})


def from_words(view: View) -> Outcome:
    """Find the day that was named, among the days that were offered; after some tries a person does better."""
    days = view.data.get("days")
    outcome = settle(view.data.get("wish"), days if isinstance(days, list | tuple) else [])
    tried = view.data.get("tried")
    count = tried + 1 if isinstance(tried, int) else 1
    if outcome.name in ("chosen", "any"):
        return Outcome(outcome.name, {**outcome.keep, "tried": 0})
    return Outcome("lost" if count > MOST_TRIES else outcome.name, {**outcome.keep, "tried": count})


def settle(wished: JSON, days: Iterable[JSON]) -> Outcome:
    """Choose the first day that fits a wish.

    Returns `chosen` with the day, `any`, or why not: `unclear`, `too_early`, `too_far` (beyond what the shop can
    promise), `closed` (no delivery on that day).
    """
    said = wished if isinstance(wished, Mapping) else {}
    known = {str(one[0]): str(one[1]).split(",") for one in days if isinstance(one, list | tuple) and len(one) == 2}
    part, hours = _part(said)
    exact = str(said.get("date") or "")
    earliest = exact or str(said.get("date_from") or "")
    latest = exact or str(said.get("date_to") or "")
    if not earliest and not latest:
        if said.get("any"):
            return Outcome("any", {"wish": None, "day": "", "part": ""})
        if not part and not hours:
            return Outcome("unclear", {"wish": None})
        earliest = min(known, default="")
    fitting = [
        day
        for day, parts in sorted(known.items())
        if day >= earliest and (not latest or day <= latest) and (not part or parts == [""] or part in parts)
    ]
    if fitting:
        return Outcome("chosen", {"wish": None, "day": fitting[0], "part": hours or part})
    if latest and latest < min(known, default=""):
        return Outcome("too_early", {"wish": None})
    if earliest > max(known, default=""):
        return Outcome("too_far", {"wish": None})
    return Outcome("closed", {"wish": None})


def _part(said: Mapping[str, JSON]) -> tuple[str, str]:
    """Return the part of the day, and the hours where the shopper named them."""
    part = NEAREST.get(part := str(said.get("part") or ""), part)
    start, end = (str(said.get(name) or "") for name in ("time_from", "time_to"))
    start = start or str(said.get("time") or "")
    hours = f"{start}-{end}" if start or end else ""
    if not part and start[:2].isdigit():
        hour = int(start[:2])
        part = "morning" if hour < 12 else "afternoon" if hour < 16 else "evening"
    return (part if part in PARTS else ""), hours


def rows(view: View) -> tuple[Choice, ...]:
    """Offer any day, then the next days or parts of days that can be promised."""
    made = [Choice("any", "slot.ask.choices.any")]
    days = view.data.get("days")
    for one in days if isinstance(days, list | tuple) else ():
        if not isinstance(one, list | tuple) or len(one) != 2:
            continue
        for part in [""] if view.data.get("coarse") else str(one[1]).split(","):
            if len(made) <= ROWS:
                day = Day(date.fromisoformat(str(one[0])), part)
                made.append(Choice(f"day:{one[0]}{part and '_' + part}", "slot.ask.day", {"day": day}))
    return tuple(made)


def tapped(view: View) -> Mapping[str, JSON]:
    """Remember the day of the row that was tapped."""
    day, _, part = view.choice.partition("_")
    return {"day": day, "part": part}


def hold(view: View) -> Iterable[Effect]:
    """Hold the parcel until the day; the merchant hears when that is long."""
    day = str(view.data.get("day") or "")
    yield Record("not_before", day or None)
    yield Record("slot", str(view.data.get("part") or ""))
    days = view.data.get("days")
    first = str(days[0][0]) if isinstance(days, list | tuple) and days and isinstance(days[0], list | tuple) else day
    if day and (date.fromisoformat(day) - date.fromisoformat(first)).days >= DISTANT:
        yield Notice("waiting_raises_returns", {"days": (date.fromisoformat(day) - view.facts.now.date()).days})


COARSE: Mapping[str, JSON] = {"coarse": True}
"""Whole days are offered to somebody who wants to wait: that reaches further than parts of days."""
FREE: Mapping[str, JSON] = {"day": "", "part": "", "wish": None}
WISH: Mapping[str, Path] = {
    "slot_choice": go("slot_words", keep=wish),
    "reschedule": go("slot_words", keep=wish),
}


def slot_steps(then: str, none: str, left: str, hear: Mapping[str, Path]) -> tuple[Step, ...]:
    """Return the steps that find a day.

    `then` follows once it is chosen, `none` where the shop can promise no day, `left` when nobody answers; `hear` is
    what else is listened for.
    """
    chosen: dict[str, Path] = {"chosen": go(then, hold), "any": go(then, hold, keep=FREE)}
    refused: dict[str, Path] = {
        name: go("slot_ask", say=f"slot.{name}") for name in ("unclear", "too_early", "too_far", "closed")
    }
    return (
        Decide("slot_days", days_found, {"ask": "slot_ask", "none": none}, look_up=("days", query)),
        Decide(
            "slot_wish", wish_met, {**chosen, **refused, "none": go(then, say="slot.none")}, look_up=("days", query)
        ),
        Ask(
            "slot_ask",
            texts="slot.ask",
            form="list",
            offer=rows,
            on={"any": go(then, hold, keep=FREE), "day": go(then, hold, keep=tapped)},
            hear={**hear, **WISH, "confirm": go(then, hold, keep=FREE)},
            patience=DAY,
            silent=left,
            template="delivery_slot",
            listens="slot",
        ),
        Decide("slot_words", from_words, {**chosen, **refused, "lost": "no_day"}),
        HandOver("no_day", "no_day", texts="people.no_day"),
    )

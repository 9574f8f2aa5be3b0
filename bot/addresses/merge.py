"""The present address and a shopper's reply in, the next version out.

The lines stay the only truth: a house number is put where the old one stood or in front, a landmark goes to its own
field, a whole new address replaces the old one. Chatter changes nothing. The last word on a fact wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from bot.addresses.check import check
from bot.addresses.index import index
from bot.addresses.india import distance
from bot.addresses.india_names import state_of
from bot.addresses.merge_words import read_text, take_code, whole_address
from bot.addresses.merge_work import FIELDS, Work, add_phone, choose, is_other_city
from bot.addresses.parts import latin, read_parts
from bot.addresses.records import Address, Change, Merge, Question, Reply
from bot.addresses.replies import hear, read_reply
from bot.addresses.text import clean
from bot.addresses.verdict import ask

#: Findings that a code may not have, even when the shopper has just said it.
HARD = frozenset({"PIN_MISSING", "PIN_FORMAT", "PIN_UNKNOWN", "PIN_STATE", "PIN_CITY"})


def merge(before: Address, question: Question | str | None, replies: Iterable[Reply | str]) -> Merge:
    """
    Read the replies in order and return the address they make, what changed and what is still open. `question`
    is what was asked, as returned by `check` (its options answer a bare "yes") or only its code. Pure: same
    input, same output; any text is accepted. Raises `IndexMissing` when the index was never built.
    """
    asked = question.code if isinstance(question, Question) else str(question or "CONFIRM_ADDRESS")
    options = question.options if isinstance(question, Question) else ()
    work = Work(before, asked, options)
    messages = [read_reply(message) for message in replies]
    if asked != "ASK_FULL" or not _read_together(work, messages):
        for message in messages:
            _read(work, message)
    report = check(work.address)
    if work.gave_code and not HARD & set(report.codes):
        # The shopper has just said the code: a soft doubt is no reason to ask for it again.
        work.accept(f"pin:{re.sub(r'[^0-9A-Za-z]', '', work.address.postal_code)}")
        report = check(work.address)
    changes = _changes(before, work.address)
    if work.facts and is_other_city(before, work.address):
        work.flag("city_changed")
    still = _open(work, report.question, bool(changes))
    if asked == "CONFIRM_ADDRESS" and work.yes and still is None:
        work.flag("confirmed")
    if not work.facts and not (work.yes and asked.startswith("CONFIRM")) and not work.flags:
        work.flag("rejected" if work.no else "no_new_facts")
    return Merge(work.address, changes, still, tuple(work.flags), report)


_ASKABLE = frozenset(
    {"ASK_FULL", "CONFIRM_PIN", "CONFIRM_CITY_OR_PIN", "ASK_PIN", "ASK_HOUSE", "ASK_LANDMARK", "ASK_LOCATION"}
)


def _open(work: Work, found: Question | None, changed: bool) -> Question | None:
    """Choose what to ask next: the reply may have said that something is wrong, or settled what a check would ask."""
    if "location_conflict" in work.flags:
        return ask("ASK_LOCATION")
    if work.unclear_correction:
        return ask("ASK_FULL")
    if work.no and not work.facts:
        return ask("ASK_PIN" if work.asked == "CONFIRM_PIN" else "ASK_FULL")
    if work.asked == "CONFIRM_ADDRESS" and work.yes:
        return None
    if not work.facts and not work.yes and not work.flags and work.asked != "CONFIRM_ADDRESS":
        return ask(work.asked, *work.options) if work.asked in _ASKABLE else found
    return found


def _changes(before: Address, after: Address) -> tuple[Change, ...]:
    out = []
    for name in FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            out.append(Change(name, "" if old is None else str(old), "" if new is None else str(new)))
    return tuple(out)


def _read_together(work: Work, messages: list[Reply]) -> bool:
    """Read an address that came line by line in several messages as one; corrections among them forbid it."""
    texts = [m.text for m in messages if m.text.strip()]
    if len(texts) < 2:
        return False
    heard = [hear(text, work.address.country) for text in texts]
    if any(s.no or s.no_house or re.match(r"(?i)\s*(?:sorry|oops|matlab|mistake|galti)", s.raw) for s in heard):
        return False
    joined = hear(", ".join(s.text.replace("\n", ", ") for s in heard if s.text), work.address.country)
    code = take_code(work, joined)
    if not whole_address(work, joined, code):
        return False
    for message in messages:
        _read(work, replace(message, text=" ".join(hear(message.text, work.address.country).phones)))
    return True


def _read(work: Work, reply: Reply) -> None:
    if reply.choice is not None:
        choose(work, reply.choice)
        return
    if reply.rejected:
        work.no = True
        return
    for number in reply.phones:
        add_phone(work, number)
    if reply.form:
        _fill_form(work, reply)
    if reply.location is not None:
        _place_pin(work, reply.location)
    if reply.text.strip():
        read_text(work, hear(reply.text, work.address.country))


def _place_pin(work: Work, location: tuple[float, float]) -> None:
    """Store a shared location, unless it lies far from the postal code: then ask which is right."""
    code = re.sub(r"\D", "", work.address.postal_code)
    if work.address.country.upper() in ("IN", "") and len(code) == 6:
        places = index()
        number = places.number(int(code))
        middle = places.middle(number) if number >= 0 else None
        if middle and distance(middle, location) > max(20.0, 3 * places.radius(number)) + (
            30 if places.is_borrowed(number) else 0
        ):
            work.flag("location_conflict")
            return
    work.set(latitude=round(location[0], 6), longitude=round(location[1], 6))


def _fill_form(work: Work, reply: Reply) -> None:
    """Take over Meta's address form: each value that is given replaces its field."""
    form = {k: clean(v) for k, v in reply.form.items()}
    front = [
        form.get("house_number", ""),
        _named("Floor", form.get("floor_number", "")),
        _named("Tower", form.get("tower_number", "")),
        form.get("building_name", ""),
    ]
    line = form.get("address", "")
    if not line and any(front):
        line = _without_front(work.address.address1)
    parts = [p for p in (*front, line) if p]
    values: dict[str, object] = {}
    if parts:
        values["address1"] = ", ".join(parts)
        values["address2"] = ""
    if form.get("landmark_area"):
        values["landmark"] = form["landmark_area"]
    if form.get("city"):
        values["city"] = form["city"]
    if form.get("state"):
        values["state"] = state_of(form["state"]) or form["state"]
    if form.get("in_pin_code"):
        work.gave_code = True
        values["postal_code"] = re.sub(r"\s", "", latin(form["in_pin_code"]))
    work.set(**values)
    if form.get("phone_number"):
        add_phone(work, form["phone_number"])


def _named(word: str, value: str) -> str:
    return value if not value or re.search("[a-z]{3}", value, re.I) else f"{word} {value}"


def _without_front(line: str) -> str:
    """Return the line without its house, floor, tower and building."""
    parts = read_parts(latin(line))
    kept = [v for kind in ("street", "sublocality", "locality") for v in parts.found.get(kind, ())]
    return ", ".join(kept) or line

"""Get the address right: ask for the one thing that is missing, take it in any form, read back what changed.

Two questions at the most; what is still in doubt then goes to a person. Everything is kept, but only what the shopper
said yes to is what the parcel is sent to.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.engine import (
    JSON,
    Ask,
    Choice,
    Decide,
    Effect,
    HandOver,
    Notice,
    OpenTask,
    Outcome,
    Record,
    Replied,
    SaveAddress,
    Value,
    View,
    go,
)
from bot.engine.flow import Path, Step
from flows.common import SHORT, silent
from flows.telling import draft, triples

QUESTIONS = ("full", "pin", "house", "landmark", "location", "confirm_pin", "city_or_pin")
"""Steps that ask; each is a code of `bot.addresses.QUESTIONS` without its ASK_ or with CONFIRM_."""
CODES = {
    "ASK_FULL": "full",
    "ASK_PIN": "pin",
    "ASK_HOUSE": "house",
    "ASK_LANDMARK": "landmark",
    "ASK_LOCATION": "location",
    "CONFIRM_PIN": "confirm_pin",
    "CONFIRM_CITY_OR_PIN": "city_or_pin",
}
Change = tuple[str, str, str]
LONGEST = 1000
"""Characters of one message that are read as an address; the state carries them."""
MOST_QUESTIONS = 2
MOST_TRIES = 2


def present(view: View) -> dict[str, JSON]:
    """Return the address as it stands: what was said so far, or the order's."""
    return draft(view) or dict(view.order.address)


def query(view: View) -> Mapping[str, JSON]:
    """Ask for a check of the present address."""
    return {"address": present(view)}


def merging(view: View) -> Mapping[str, JSON]:
    """Ask for the address that the newest reply makes of the present one."""
    return {"before": present(view), "question": view.data.get("question"), "reply": view.data.get("reply")}


def judge(view: View) -> Outcome:
    """Choose whether anything has to be asked."""
    return _next(view, asked=0, otherwise="good", keep={})


def merged(view: View) -> Outcome:
    """Choose between the next question and reading back, after a reply was taken in."""
    asked, found = _count(view, "asked"), view.found
    earlier = triples(view.data.get("changes")) if draft(view) else ()
    changes = _joined(earlier, triples(found.get("changes")))
    taken: dict[str, JSON] = {
        "address": _plain(found.get("after")),
        "address_of": view.order.id,
        "changes": [list(one) for one in changes],
        "tries": 0,
        "reply": None,
        "poor": found.get("band") == "hold" or bool(found.get("question")),
    }
    if found.get("changes"):
        return _next(view, asked, "read_back", taken)
    if found.get("settled"):
        # A yes, or "there is no number": nothing changed, and still something is known.
        known = view.order.intent == "confirmed" and not changes
        return _next(view, asked, "good" if known else "read_back", taken)
    return _nothing_taken(view, asked)


def _nothing_taken(view: View, asked: int) -> Outcome:
    """Choose what follows a reply that told nothing: another question, the same once more, or a person."""
    said, flags = view.data.get("reply"), view.found.get("flags")
    if isinstance(said, Mapping) and said.get("rejected"):
        return _next(view, asked, "unclear", {}, {"code": "ASK_PIN"})
    if isinstance(flags, list | tuple) and "location_conflict" in flags:
        return _next(view, asked, "unclear", {}, {"code": "ASK_LOCATION"})
    tries = _count(view, "tries") + 1
    if tries >= MOST_TRIES:
        return Outcome("unclear")
    return Outcome(f"{_step_of(view.data.get('question'))}_again", {"tries": tries})


def _next(view: View, asked: int, otherwise: str, keep: dict[str, JSON], instead: JSON = None) -> Outcome:
    question = instead or (view.found.get("question") if view.found.get("band") != "ok" else None)
    if isinstance(question, Mapping) and question.get("code") in CODES and asked < MOST_QUESTIONS:
        return Outcome(CODES[str(question["code"])], {**keep, "question": _plain(question), "asked": asked + 1})
    return Outcome(otherwise, {**keep, "question": None})


def _joined(before: Iterable[Change], after: Iterable[Change]) -> list[Change]:
    """Read several changes of one field as one: from what the order had to what was said last."""
    fields = {name: (old, new) for name, old, new in before}
    for name, old, new in after:
        fields[name] = (fields[name][0] if name in fields else old, new)
    return [(name, old, new) for name, (old, new) in fields.items() if old != new]


def _count(view: View, name: str) -> int:
    value = view.data.get(name)
    return value if isinstance(value, int) else 0


def _step_of(question: JSON) -> str:
    code = question.get("code") if isinstance(question, Mapping) else None
    return CODES.get(str(code), "full")


def _plain(value: Any) -> dict[str, JSON]:
    return dict(value) if isinstance(value, Mapping) else {}


def reply(view: View) -> Mapping[str, JSON]:
    """Remember a reply in the form `bot.addresses` reads."""
    event = view.event
    if not isinstance(event, Replied):
        return {}
    kept: dict[str, JSON] = {"text": event.text[:LONGEST]}
    if event.location is not None:
        pin = event.location
        kept = {"text": pin.address[:LONGEST], "location": [pin.latitude, pin.longitude]}
    elif event.form is not None:
        kept = {"form": {str(name): str(value)[:LONGEST] for name, value in event.form.items() if value is not None}}
    elif event.contact is not None:
        kept = {"phones": [event.contact.phone] if event.contact.phone else []}
    elif event.choice is not None or view.choice:
        kept = {"choice": int(view.choice)} if view.choice.isdigit() else {"rejected": True}
    return {"reply": kept, "theirs": True}


def fresh(view: View) -> Mapping[str, JSON]:
    """Begin with a whole new address."""
    return {"question": {"code": "ASK_FULL"}, "asked": 1, "tries": 0, "theirs": True}


def anything(view: View) -> str | None:
    """Take any text for an answer: an address may hold every word there is."""
    return "address_fragment" if isinstance(view.event, Replied) and view.event.text.strip() else None


def pieces(view: View) -> Iterable[Effect]:
    """Keep this version for the history."""
    changes = triples(view.found.get("changes"))
    if changes:
        yield SaveAddress(_plain(view.found.get("after")), changes)


def settled(view: View) -> Iterable[Effect]:
    """Send the parcel to what was read back; warn the shop where doubt is left."""
    said = draft(view)
    if said:
        changes = triples(view.data.get("changes"))
        yield SaveAddress(said, changes, settled=True)
        if any(name in ("city", "state") for name, _, _ in changes):
            yield Notice("city_changed")
    if view.data.get("poor"):
        yield OpenTask("address_unclear")


def confirmed(view: View) -> Iterable[Effect]:
    """A yes to "send it there" is a yes to the order."""
    if view.order.intent != "confirmed":
        yield Record("intent", "confirmed")


def what_changed(view: View) -> tuple[str, ...]:
    """Read back old and new where something changed, the whole address where it did not."""
    return ("address.read_back.changed",) if draft(view) and view.data.get("changes") else ("address.read_back.text",)


def thanks(view: View) -> tuple[str, ...]:
    """Say what the yes has settled: the order, or only its address."""
    return ("address.saved",) if view.order.intent == "confirmed" else ("common.accepted",)


def in_doubt(view: View) -> Iterable[Effect]:
    """Leave the address to a person: nobody answered the question about it."""
    yield from silent(view)
    yield OpenTask("address_unclear", order=view.order.id if view.data.get("about") else "")


def form_of(view: View) -> str:
    """Use Meta's address form where it exists: in India, for Indian numbers."""
    return "address" if view.facts.merchant.address_form and view.facts.shopper.region == "IN" else "text"


def prefill(view: View) -> Mapping[str, str]:
    """Put what is known into the form."""
    return {name: str(value) for name, value in present(view).items() if isinstance(value, str) and value}


def readings(view: View) -> tuple[Choice, ...]:
    """Offer the readings of a doubtful postal code, and a way out."""
    question = view.data.get("question")
    options = question.get("options") if isinstance(question, Mapping) else None
    made: list[Choice] = []
    for number, one in enumerate(options if isinstance(options, list | tuple) else ()):
        if isinstance(one, Mapping):
            values: dict[str, Value] = {"label": str(one.get("label", "")), "detail": str(one.get("detail", ""))}
            detail = "address.detail" if one.get("detail") else ""
            made.append(Choice(f"option:{number}", "address.option", values, detail))
    return (*made[:2], Choice("neither", "address.neither"))


HEARD = go("address_merge", keep=reply)
TAKES: Mapping[str, Path] = {
    "address_fragment": HEARD,
    "out_of_scope": HEARD,
    "@location": HEARD,
    "@form": HEARD,
    "@contact": HEARD,
}
"""What is taken for a piece of an address."""
AS_IT_IS: Mapping[str, Path] = {"confirm": "address_read_back"}
"""A yes to "send the whole address" says that it is right as it is."""


def address_steps(good: str, then: str, left: str, cancel: Mapping[str, Path]) -> tuple[Step, ...]:
    """Return the steps of the cross-check.

    `good` follows where nothing has to be asked, `then` once the shopper has put the address right, `left` when nobody
    answers; `cancel` is heard at any time.
    """
    asks = tuple(
        Ask(
            f"address_{name}",
            texts=f"address.{name}",
            hear={**TAKES, **cancel, **(AS_IT_IS if name == "full" else {})},
            read=anything,
            form=form_of if name == "full" else "location" if name == "location" else "text",
            prefill=prefill if name == "full" else None,
            patience=SHORT,
            template="address_question",
            reminder="address_question",
            silent=go(left, in_doubt),
            listens="address",
        )
        for name in ("full", "pin", "house", "landmark", "location")
    )
    doubts = tuple(
        Ask(
            f"address_{name}",
            texts=f"address.{name}",
            on={"option": HEARD, "neither": HEARD},
            hear={**TAKES, **cancel},
            read=anything,
            form={"city_or_pin": "list"}.get(name, "buttons"),
            offer=readings,
            patience=SHORT,
            template="address_question",
            reminder="address_question",
            silent=go(left, in_doubt),
            listens="address",
        )
        for name in ("confirm_pin", "city_or_pin")
    )
    ways: dict[str, Path] = {name: f"address_{name}" for name in QUESTIONS}
    again: dict[str, Path] = {f"{name}_again": go(f"address_{name}", say="address.no_fact") for name in QUESTIONS}
    with_pieces: dict[str, Path] = {name: go(f"address_{name}", pieces) for name in (*QUESTIONS, "read_back")}
    return (
        Decide("address_check", judge, {"good": good, **ways}, look_up=("address_check", query)),
        *asks,
        *doubts,
        Decide(
            "address_merge",
            merged,
            {**with_pieces, **again, "good": go(then, settled, say=thanks), "unclear": "address_unclear"},
            look_up=("address_merge", merging),
        ),
        Ask(
            "address_read_back",
            texts="address.read_back",
            say=what_changed,
            on={
                "yes": go(then, settled, confirmed, say=thanks, binding=True),
                "change": go("address_full", keep=fresh),
            },
            hear={
                **TAKES,
                **cancel,
                "confirm": go(then, settled, confirmed, say=thanks, binding=True),
                "change_address": go("address_full", keep=fresh),
            },
            patience=SHORT,
            silent=go(left, in_doubt),
            listens="address_check",
        ),
        HandOver("address_unclear", "address_unclear", texts="people.address"),
    )

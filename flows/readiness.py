"""Ask shortly before the parcel comes whether somebody with the cash will be there.

Wanting a parcel and being ready for it are two things: most refused parcels were confirmed.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from bot.engine import (
    CLOSE,
    JSON,
    STAY,
    Ask,
    Choice,
    Decide,
    Effect,
    End,
    Flow,
    OpenTask,
    Outcome,
    Record,
    Replied,
    View,
    go,
    prove,
)
from bot.engine.flow import Path, Step
from flows.address import address_steps, fresh
from flows.cancel import cancel_steps
from flows.common import AFTER, DAY, INTERRUPTS, common_steps, on_the_way, still_open
from flows.slot import slot_steps, wish
from flows.telling import tell
from flows.which import which_cancel_steps

PEOPLE = ("family", "guard", "neighbour")
MOST_TRIES = 2
READY = Record("readiness", "ready")
OVER = ("delivered", "returned", "cancelled", "paid", "expired")


def is_over(view: View) -> bool:
    """Tell whether there is nothing left to be ready for."""
    return view.facts.order.status in OVER


def may_ask(view: View) -> str:
    """Ask only who wants the parcel."""
    return "settled" if is_over(view) or view.order.intent == "cancelled" else "ask"


def instruct(view: View) -> Iterable[Effect]:
    """Pass the shopper's words on to the courier."""
    if isinstance(view.event, Replied):
        yield Record("instructions", view.event.text)


def any_words(view: View) -> str | None:
    """Take any text for an instruction."""
    return "@words" if isinstance(view.event, Replied) and view.event.text.strip() else None


def receives(view: View) -> Iterable[Effect]:
    """Record who takes the parcel: the row that was tapped, or the person that was named, with the words."""
    who = view.choice or str(view.slots.get("who") or "other")
    yield Record("receiver", who)
    yield READY
    if not view.choice:
        yield from instruct(view)


def people(view: View) -> tuple[Choice, ...]:
    """Offer who may take the parcel."""
    return tuple(
        Choice(f"who:{one}" if one in PEOPLE else one, f"readiness.who.choices.{one}") for one in (*PEOPLE, "number")
    )


def number_given(view: View) -> Mapping[str, JSON]:
    """Remember the text in which a phone number is looked for."""
    return {"number": view.event.text[:100] if isinstance(view.event, Replied) else ""}


def number(view: View) -> Mapping[str, JSON]:
    """Ask whether the text holds a phone number."""
    return {"text": view.data.get("number"), "region": view.facts.shopper.region}


def judge_number(view: View) -> Outcome:
    """Choose whether the number can be called."""
    found, tries = str(view.found.get("e164") or ""), view.data.get("tries")
    count = tries + 1 if isinstance(tries, int) else 1
    return Outcome("good" if found else "bad" if count <= MOST_TRIES else "lost", {"number": found, "tries": count})


def call_there(view: View) -> Iterable[Effect]:
    """Record the number to call, and that somebody else takes the parcel."""
    card = view.event.contact if isinstance(view.event, Replied) else None
    phone = card.phone if card else str(view.data.get("number") or "")
    yield Record("receiver", "other")
    if phone:
        yield Record("alternate_phone", phone)
    yield READY


def good_bye(view: View) -> tuple[str, ...]:
    """Read back what was noted."""
    return ("readiness.noted.dated", "readiness.noted.text") if view.data.get("day") else ("readiness.noted.text",)


NUMBER = go("number_check", keep=number_given)
ANOTHER_DAY = go("may_move", keep=wish)
MAY_CHANGE: Mapping[str, Path] = {
    "cancel": "may_cancel",
    "change_address": "may_readdress",
    "slot_choice": ANOTHER_DAY,
    "reschedule": ANOTHER_DAY,
    "receiver": go("ready", receives),
    "phone": NUMBER,
    "address_fragment": go(STAY, instruct, say="readiness.instruction"),
    "@contact": go("ready", call_there),
}

QUESTION: tuple[Step, ...] = (
    Decide("begin", may_ask, {"ask": "question", "settled": "settled"}),
    Ask(
        "question",
        on={"ready": go("ready", READY), "someone": "who", "another_day": "may_move"},
        hear={**MAY_CHANGE, "confirm": go("ready", READY)},
        patience=(timedelta(hours=12),),
        silent=go(CLOSE, Record("readiness", "silent")),
        template="readiness",
    ),
    Ask(
        "who",
        on={"who": go("ready", receives), "number": "number"},
        offer=people,
        hear={**MAY_CHANGE, "@words": go("ready", READY, Record("receiver", "other"), instruct)},
        form="list",
        read=any_words,
        patience=DAY,
        silent=go(CLOSE, Record("readiness", "silent")),
        listens="idle",
    ),
    Ask(
        "number",
        hear={
            **dict.fromkeys(("@words", "address_fragment", "out_of_scope"), NUMBER),
            "@contact": go("ready", call_there),
        },
        read=any_words,
        patience=DAY,
        silent=go(CLOSE, Record("readiness", "silent")),
        listens="address",
    ),
    Decide(
        "number_check",
        judge_number,
        {"good": go("ready", call_there), "bad": go("number", say="readiness.no_number"), "lost": "not_understood"},
        look_up=("phone", number),
    ),
    End("ready", say=good_bye, texts="readiness.noted", hear=MAY_CHANGE, react="👍"),
    End(
        "unanswered",
        quiet=True,
        texts="readiness.question",
        on={"ready": go("ready", READY)},
        hear={**MAY_CHANGE, "confirm": go("ready", READY)},
        listens="confirm",
    ),
)
CHANGES_OF_PLAN: tuple[Step, ...] = (
    Decide("may_move", still_open, {"yes": "which_day", "no": "after_dispatch"}),
    Decide(
        "which_day",
        lambda view: "named" if view.data.get("wish") else "open",
        {
            "named": go("slot_wish", Record("readiness", "not_ready")),
            "open": go("slot_days", Record("readiness", "not_ready")),
        },
    ),
    *slot_steps(then="ready", none="after_dispatch", left="unanswered", hear={"cancel": "may_cancel"}),
    Decide("may_readdress", still_open, {"yes": go("address_full", keep=fresh), "no": "after_dispatch"}),
    *address_steps(good="ready", then="ready", left="unanswered", cancel={"cancel": "may_cancel"})[1:],
    Decide("may_cancel", still_open, {"yes": "cancel_which", "no": "after_dispatch"}),
    *which_cancel_steps(),
    *cancel_steps(
        yes=go("ready", Record("intent", "confirmed")),
        as_ordered=go("ready", Record("intent", "confirmed")),
        confirmed="ready",
        asked="question",
    ),
)

FLOW = prove(
    Flow(
        name="readiness",
        version=1,
        entry="begin",
        gone="gone",
        lost="not_understood",
        settled="settled",
        unanswered="unanswered",
        undeliverable=go("unanswered", Record("readiness", "silent"), OpenTask("call_list")),
        closed=is_over,
        values=tell,
        interrupts=INTERRUPTS,
        late={"ready": go("ready", READY), "someone": "who", "another_day": "may_move"},
        changed=dict.fromkeys(("cancelled", "delivered", "returned"), "settled"),
        steps=(
            *QUESTION,
            *CHANGES_OF_PLAN,
            End("gone", say=on_the_way, hear=AFTER),
            *common_steps({"cancel": "may_cancel", "confirm": "yes_heard"}),
        ),
    )
)

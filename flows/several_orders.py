"""Ask about several orders of one shopper in one message; each answer is bound to its order."""

from collections.abc import Iterable, Mapping

from bot.engine import (
    CLOSE,
    JSON,
    STAY,
    Ask,
    Begin,
    Choice,
    Decide,
    Effect,
    End,
    Flow,
    OpenTask,
    Order,
    Outcome,
    React,
    Record,
    View,
    go,
    prove,
)
from bot.engine.flow import Path
from flows.address import address_steps, fresh
from flows.common import AFTER, DAY, INTERRUPTS, SHORT, TOO_LATE, common_steps, keep_theirs, on_the_way, silent
from flows.order_confirmation import PATIENCE
from flows.slot import wish
from flows.telling import all_orders, tell

CONFIRMED = Record("intent", "confirmed")
CANCELLED = Record("intent", "cancelled")


def unanswered(view: View) -> list[Order]:
    """Return the orders that still want an answer."""
    known = {*_list(view, "yes"), *_list(view, "no")}
    return [one for one in all_orders(view) if one.intent == "" and one.status == "open" and one.reference not in known]


def _list(view: View, name: str) -> list[str]:
    stored = view.data.get(name)
    return [str(one) for one in stored] if isinstance(stored, list | tuple) else []


def may_ask(view: View) -> Outcome:
    """Ask only what is open; remember which orders were asked about."""
    asked = unanswered(view)
    step = "settled" if not asked else "ask" if len(asked) > 1 else "one"
    return Outcome(step, {"ids": {one.reference: one.id for one in asked}, "about": asked[0].id if asked else None})


def question(view: View) -> tuple[str, ...]:
    """Tell everything the first time, little when the question comes back."""
    return ("several_orders.all.again",) if view.data.get("theirs") else ("several_orders.all.text",)


def is_over(view: View) -> bool:
    """Tell that none of the orders can be changed any more."""
    return all(one.status in TOO_LATE for one in all_orders(view))


def confirm_all(view: View) -> Iterable[Effect]:
    """Confirm every order that was listed and still is as it was."""
    wanted = _list(view, "yes")
    for one in all_orders(view):
        if one.reference in wanted and one.intent == "" and one.status == "open":
            yield Record("intent", "confirmed", order=one.id)


def all_said(view: View) -> Mapping[str, JSON]:
    """Remember that all were confirmed."""
    return {"yes": [*_list(view, "yes"), *(one.reference for one in unanswered(view))], "theirs": True}


def _moved(view: View, name: str, out: str, into: str) -> dict[str, JSON]:
    """Take an order out of one list and put it into the other, once."""
    kept: list[JSON] = [one for one in _list(view, into) if one != name]
    left: list[JSON] = [one for one in _list(view, out) if one != name]
    return {into: [*kept, name], out: left}


def said_yes(view: View) -> Mapping[str, JSON]:
    """Remember that the order spoken about is wanted."""
    name = view.order.reference
    return _moved(view, name, "no", "yes")


def said_no(view: View) -> Mapping[str, JSON]:
    """Remember that the order spoken about is not wanted."""
    name = view.order.reference
    return _moved(view, name, "yes", "no")


def next_order(view: View) -> Outcome:
    """Take the next order that wants an answer."""
    left = [one for one in unanswered(view) if one.id != view.data.get("about")]
    return Outcome("one", {"about": left[0].id}) if left else Outcome("finish", {"about": None})


def rows(view: View) -> tuple[Choice, ...]:
    """Offer the orders."""
    made = [
        Choice(f"order:{one.id}", "which.order", {"order": one.reference, "items": one.items}, "which.items")
        for one in all_orders(view)
        if one.intent != "cancelled"
    ]
    ids = view.data.get("ids")
    for name in _list(view, "no"):
        if isinstance(ids, Mapping) and name in ids:
            made.append(Choice(f"undo:{ids[name]}", "which.undo", {"order": name}))
    return tuple(made[:10])


def undone(view: View) -> Iterable[Effect]:
    """Confirm an order that was cancelled in this talk."""
    yield Record("intent", "confirmed", order=view.choice)


def wanted_again(view: View) -> Mapping[str, JSON]:
    """Remember that a cancelled order is wanted after all."""
    ids = view.data.get("ids")
    names = [str(name) for name, one in ids.items() if one == view.choice] if isinstance(ids, Mapping) else []
    return {**(_moved(view, names[0], "no", "yes") if names else {}), "about": None}


def pick(view: View) -> Mapping[str, JSON]:
    """Speak about the picked order."""
    return {"about": view.choice}


def pick_address(view: View) -> Mapping[str, JSON]:
    """Speak about the address of the picked order."""
    return {**fresh(view), "about": view.choice}


def address_noted(view: View) -> Outcome:
    """Count the yes to the new address as a yes to the order, and ask about what is left."""
    keep = said_yes(view)
    left = [one for one in unanswered(view) if one.id != view.data.get("about")]
    return Outcome("finish" if not left else "all" if len(left) > 1 else "next", {**keep, "about": None})


def the_rest(view: View) -> Iterable[Effect]:
    """Let the address and the day of each wanted order be settled in their own talks."""
    wanted = _list(view, "yes")
    for one in all_orders(view):
        if one.reference in wanted:
            yield Begin("address_check", one.id)
            if view.data.get("wish") or "delivery_slot" in view.facts.merchant.flows:
                yield Begin("delivery_slot", one.id)


def unreachable(view: View) -> Iterable[Effect]:
    """Have somebody call about every order."""
    for one in unanswered(view):
        yield Record("intent", "unreachable", order=one.id)
        yield OpenTask("call_list", order=one.id)


def summary(view: View) -> tuple[str, ...]:
    """Say what was settled for which order."""
    said = [f"several_orders.noted.{name}" for name in ("yes", "no") if _list(view, name)]
    return (*said, "several_orders.noted.text")


ALL = go("finish", confirm_all, keep=all_said, say="several_orders.thanks", binding=True)
LATER: Mapping[str, Path] = {
    "change_address": "which_address",
    "address_fragment": "which_address",
    "slot_choice": go(STAY, say="several_orders.later", keep=wish),
    "reschedule": go(STAY, say="several_orders.later", keep=wish),
}

AFTERWARDS: Mapping[str, Path] = {
    "cancel": "which",
    "dont_cancel": "which",
    "change_address": "which_address",
    "address_fragment": "which_address",
}
"""What a shopper may change after everything was noted."""

FLOW = prove(
    Flow(
        name="several_orders",
        version=1,
        entry="begin",
        gone="gone",
        lost="not_understood",
        settled="settled",
        unanswered="rest",
        undeliverable=go("rest", unreachable),
        closed=is_over,
        values=tell,
        interrupts=INTERRUPTS,
        changed=dict.fromkeys(TOO_LATE, "begin"),
        steps=(
            Decide("begin", may_ask, {"ask": go("all", keep={"about": None}), "one": "one", "settled": "settled"}),
            Ask(
                "all",
                say=question,
                on={"all": ALL, "single": "next"},
                hear={
                    **LATER,
                    "confirm": ALL,
                    "cancel": "which",
                    "dont_cancel": go(STAY, say="common.please_tap"),
                    "yes_but": "next",
                },
                patience=PATIENCE,
                ruled=True,
                silent=go(CLOSE, silent),
                template="several_orders",
                reminder="several_reminder",
            ),
            Decide("next", next_order, {"one": "one", "finish": "finish"}),
            Ask(
                "one",
                on={
                    "confirm": go("next", CONFIRMED, keep=said_yes, say="several_orders.one_confirmed"),
                    "change_address": go("address_full", keep=fresh),
                    "cancel": go("next", CANCELLED, keep=said_no, say="several_orders.one_cancelled"),
                },
                hear={
                    **LATER,
                    "change_address": go("address_full", keep=fresh),
                    "confirm": go("next", CONFIRMED, keep=said_yes, say="several_orders.one_confirmed"),
                    "cancel": go(STAY, say="common.please_tap"),
                },
                patience=SHORT,
                silent=go(CLOSE, silent),
                template="order_reminder",
                reminder="order_reminder",
            ),
            Ask(
                "which_address",
                form="list",
                offer=rows,
                on={"order": go("address_full", keep=pick_address), "undo": go("finish", undone, keep=wanted_again)},
                patience=DAY,
                silent=go(CLOSE, silent),
                listens="idle",
            ),
            *address_steps(good="address_noted", then="address_noted", left="rest", cancel={"cancel": "which"})[1:],
            Decide("rest", lambda view: Outcome("rest", {"about": None}), {"rest": "unanswered"}),
            Decide("address_noted", address_noted, {"finish": "finish", "all": "all", "next": "next"}),
            Ask(
                "which",
                form="list",
                offer=rows,
                on={"order": go("one", keep=pick), "undo": go("finish", undone, keep=wanted_again)},
                patience=DAY,
                silent=go(CLOSE, silent),
                listens="idle",
            ),
            Decide("finish", lambda view: "noted", {"noted": go("noted", the_rest, keep=keep_theirs)}),
            End(
                "noted",
                say=summary,
                on={"change": "which"},
                hear={**AFTERWARDS, "confirm": go(STAY, React("👍"))},
            ),
            End(
                "unanswered",
                quiet=True,
                texts="several_orders.all",
                on={"all": ALL, "single": "next"},
                hear={**LATER, "confirm": ALL, "cancel": "which"},
                listens="confirm",
            ),
            End("gone", say=on_the_way, hear=AFTER),
            *common_steps(AFTERWARDS),
        ),
    )
)

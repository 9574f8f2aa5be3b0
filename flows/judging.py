"""Judge, for the order confirmation, what the facts and the shopper's answer call for."""

from collections.abc import Iterable, Mapping

from bot.engine import JSON, Choice, Effect, Outcome, Record, Replied, View
from flows.address import fresh
from flows.common import is_closed
from flows.telling import all_orders


def may_ask(view: View) -> str:
    """Ask only for an order that is still open and has no answer yet."""
    return "settled" if is_closed(view) or view.order.intent in ("confirmed", "cancelled") else "ask"


def question(view: View) -> tuple[str, ...]:
    """Tell everything the first time, little when the question comes back."""
    return ("order_confirmation.confirm.again",) if view.data.get("theirs") else ("order_confirmation.confirm.text",)


def next_detail(view: View) -> str:
    """Settle a day that was wished for, offer days where the shop does, or close."""
    if view.data.get("about"):
        return "back"
    if view.data.get("wish"):
        return "wish"
    undecided = view.data.get("day") is None and not view.order.not_before
    return "days" if undecided and "delivery_slot" in view.facts.merchant.flows else "close"


def good_bye(view: View) -> tuple[str, ...]:
    """Read back the day where one was chosen, then everything else."""
    dated = ("order_confirmation.confirmed.dated",) if view.data.get("day") else ()
    return (*dated, "order_confirmation.confirmed.text")


def which(view: View) -> str:
    """Ask which order is meant when it could be another one."""
    return "which" if view.facts.others and not view.data.get("about") else "this"


def orders(view: View) -> tuple[Choice, ...]:
    """Offer the shopper's orders, and none of them."""
    rows = [
        Choice(f"order:{one.id}", "which.order", {"order": one.reference, "items": one.items}, "which.items")
        for one in all_orders(view)[:9]
    ]
    return (*rows, Choice("none", "which.none"))


def pick(view: View) -> Mapping[str, JSON]:
    """Remember the picked order."""
    return {"picked": view.choice}


def this_or_other(view: View) -> str:
    """Tell whether the picked order is the one this talk is about."""
    return "this" if view.data.get("picked") == view.facts.order.id else "other"


def about_picked(view: View) -> Mapping[str, JSON]:
    """Speak about the address of the picked order until the open question is repeated."""
    return {**fresh(view), "about": view.data.get("picked")}


def cancel_other(view: View) -> Iterable[Effect]:
    """Cancel the other order: its row was tapped, so no doubt is left."""
    yield Record("intent", "cancelled", order=str(view.data.get("picked")))


def late_confirm(view: View) -> str:
    """Judge a tap on an older Confirm."""
    if view.order.intent == "cancelled":
        return "revive"
    if view.order.intent == "confirmed":
        return "known"
    if view.open not in ("confirm", "unanswered"):
        return "check"
    # A button from before the order was changed says yes to something else.
    anew, turn = view.data.get("anew"), view.event.turn if isinstance(view.event, Replied) else None
    return "old" if isinstance(anew, int) and turn is not None and turn <= anew else "now"


def asked_anew(view: View) -> Mapping[str, JSON]:
    """Remember which buttons belong to the order as it was before."""
    return {"anew": view.turn, "theirs": False}


def late_undo(view: View) -> str:
    """Judge a tap on an older Undo."""
    return {"cancelled": "undo", "confirmed": "known"}.get(view.order.intent, "old")


def at_rest(view: View) -> Outcome:
    """Choose what is still listened for when nothing is asked any more."""
    intent = view.intents.get(view.facts.order.id, view.facts.order.intent)
    return Outcome(intent if intent in ("confirmed", "cancelled") else "open", {"about": None})


def late_cancel(view: View) -> str:
    """Judge a tap on an older Cancel."""
    return "known" if view.order.intent == "cancelled" else "check"


def late_address(view: View) -> str:
    """Judge a tap on an older Change address."""
    return "revive" if view.order.intent == "cancelled" else "now"

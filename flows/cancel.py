"""Take a cancellation: one read-back for words, an undo for taps, the reason, and what answers it."""

from collections.abc import Iterable, Mapping

from bot.engine import (
    CLOSE,
    JSON,
    RESUME,
    STAY,
    Ask,
    Choice,
    Decide,
    Effect,
    End,
    HandOver,
    OpenTask,
    React,
    Record,
    Replied,
    View,
    go,
)
from bot.engine.flow import Path, Step
from flows.common import DAY, silent
from flows.slot import COARSE, wish

REASONS = ("later", "size", "price", "elsewhere", "mistake", "other")
CONFIRMED = Record("intent", "confirmed")
CANCELLED = Record("intent", "cancelled")


def remember(view: View) -> Mapping[str, JSON]:
    """Remember what the answer was before, so that it can be taken back."""
    return {"was": "confirmed" if view.order.intent == "confirmed" else "asked", "theirs": True}


def reasons(view: View) -> tuple[Choice, ...]:
    """Offer the way back first, then the reasons."""
    kept = Choice("undo", "cancel.cancelled.choices.undo")
    return (kept, *(Choice(f"why:{name}", f"cancel.cancelled.choices.{name}") for name in REASONS))


def reason(view: View) -> Iterable[Effect]:
    """Record the reason that was tapped."""
    yield Record("cancel_reason", view.choice)


def own_words(view: View) -> Iterable[Effect]:
    """Record the reason in the shopper's words."""
    yield Record("cancel_reason", "other")
    if isinstance(view.event, Replied):
        yield Record("cancel_note", view.event.text)


def any_words(view: View) -> str | None:
    """Take any text for the reason."""
    return "@words" if isinstance(view.event, Replied) and view.event.text.strip() else None


def why(view: View) -> str:
    """Choose what answers the reason."""
    return view.choice if view.choice in ("later", "size", "price") else "noted"


def whose(view: View) -> str:
    """Tell a wrong number from a reason that only sounds like one."""
    return "not_mine" if isinstance(view.event, Replied) and view.event.safe else "reason"


def standing(view: View) -> str:
    """Tell how the order stands now."""
    return view.intent if view.intent in ("confirmed", "cancelled") else "open"


def yes_heard(view: View) -> str:
    """Judge a yes where nothing was asked: often it is only politeness."""
    stands = standing(view)
    return "thumb" if stands == "confirmed" and view.act is not None and view.act.kind == "confirm" else stands


def before(view: View) -> str:
    """Return to the answer that stood before."""
    return "confirmed" if view.data.get("was") == "confirmed" else "open"


def take_back(view: View) -> Iterable[Effect]:
    """Put the intent back to what it was."""
    yield Record("intent", "confirmed" if view.data.get("was") == "confirmed" else "asked")
    yield Record("cancel_reason", "")


def hold(view: View) -> Iterable[Effect]:
    """Let nothing be sent before a person has arranged it; holding needs no certainty."""
    yield Record("intent", "asked")


OTHER_SIZE = go("size_person", hold)
CANCEL = go("cancelled", CANCELLED, keep=remember)
AS_AGREED = go(STAY, say="order_confirmation.as_agreed")
KEPT = go(RESUME, say="cancel.kept")
REVIVE: Mapping[str, Path] = dict.fromkeys(
    ("confirm", "dont_cancel", "change_address", "slot_choice", "reschedule"), "revive"
)


def cancel_steps(yes: Path, as_ordered: Path, confirmed: str, asked: str) -> tuple[Step, ...]:
    """Return the steps of a cancellation.

    `yes` follows when a cancelled order is wanted after all, `as_ordered` when one without an answer is; `confirmed`
    and `asked` follow when the cancellation is undone and the order had its yes before, or had not.
    """
    return (
        Ask(
            "cancel_check",
            texts="cancel.check",
            on={"yes": CANCEL, "no": KEPT},
            # Who says it a second time means it; a bare yes may mean either here.
            hear={"dont_cancel": KEPT, "cancel": CANCEL, "confirm": go(STAY, say="common.please_tap")},
            patience=DAY,
            silent=go(CLOSE, silent, OpenTask("call_list")),
            listens="idle",
        ),
        Ask(
            "cancelled",
            texts="cancel.cancelled",
            form="list",
            offer=reasons,
            on={"undo": "undo", "why": go("why", reason)},
            hear={
                "dont_cancel": go("undo", binding=True),
                "slot_choice": go("offer_later", keep=wish),
                "reschedule": go("offer_later", keep=wish),
                "not_my_order": "whose",
                "@words": go("cancel_noted", own_words),
            },
            read=any_words,
            patience=DAY,
            silent="cancel_closed",
            listens="idle",
        ),
        Decide(
            "why",
            why,
            {"later": "offer_later", "size": "offer_size", "price": "offer_price", "noted": "cancel_noted"},
        ),
        Ask(
            "offer_later",
            texts="cancel.offer_later",
            on={"day": "later_day", "cancel": "cancel_noted"},
            hear={
                "slot_choice": go(STAY, say="cancel.day_heard", keep=wish),
                "reschedule": go(STAY, say="cancel.day_heard", keep=wish),
                "cancel": "cancel_noted",
            },
            patience=DAY,
            silent="cancel_closed",
            listens="slot",
        ),
        Decide(
            "later_day",
            lambda view: "named" if view.data.get("wish") else "open",
            {
                "named": go("slot_wish", CONFIRMED, say="cancel.sent_later"),
                "open": go("slot_days", CONFIRMED, say="cancel.sent_later", keep=COARSE),
            },
        ),
        Decide("whose", whose, {"not_mine": "not_mine", "reason": go("cancel_noted", own_words)}),
        *(
            Ask(
                f"offer_{name}",
                texts=f"cancel.offer_{name}",
                on={"person": go(f"{name}_person", Record("intent", "asked")), "cancel": "cancel_noted"},
                hear={"cancel": "cancel_noted"},
                patience=DAY,
                silent="cancel_closed",
            )
            for name in ("size", "price")
        ),
        HandOver("size_person", "size_change", texts="people.size", back=asked),
        HandOver("price_person", "price", texts="people.price", back=asked),
        Decide(
            "undo",
            before,
            {
                "confirmed": go(confirmed, take_back, say="cancel.undone"),
                "open": go(asked, take_back, say="cancel.back"),
            },
        ),
        End("cancel_noted", texts="cancel.noted", on={"undo": "undo"}, hear=REVIVE),
        End("cancel_closed", quiet=True, texts="cancel.noted", on={"undo": "undo"}, hear=REVIVE),
        Ask(
            "revive",
            texts="cancel.revive",
            on={"yes": yes, "no": go(RESUME, say="cancel.stays")},
            hear={"confirm": yes, "cancel": go(RESUME, say="cancel.stays")},
            patience=DAY,
            silent=CLOSE,
        ),
        Decide(
            "yes_heard",
            yes_heard,
            {
                "thumb": go(STAY, React("👍")),
                "confirmed": AS_AGREED,
                "cancelled": "revive",
                "open": "confirm_check",
            },
        ),
        Ask(
            "confirm_check",
            texts="order_confirmation.confirm_check",
            on={"yes": as_ordered, "no": RESUME},
            hear={"confirm": as_ordered},
            patience=DAY,
            silent=go(CLOSE, silent),
        ),
    )

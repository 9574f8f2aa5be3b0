"""What may happen in every conversation: questions at any time, a person, stop and start, somebody else's number."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

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
    Interrupt,
    NotMine,
    OpenTask,
    OptIn,
    OptOut,
    Order,
    Record,
    Replied,
    SetLocale,
    View,
    go,
)
from bot.engine.flow import Path, Step
from flows.telling import all_orders

DAY = (timedelta(hours=23),)
"""Patience of a question that is asked inside a talk and never repeated."""
SHORT = (timedelta(hours=3), timedelta(hours=20))
"""Patience of a question that is worth one reminder, before the 24-hour window closes."""
ROWS = 10
SPOKEN = {
    "IN": ("hi-Latn", "hi", "en", "bn", "ta", "te", "mr", "gu", "kn", "ml", "pa", "ur"),
    "PK": ("ur", "en"),
    "BD": ("bn", "en"),
    "AE": ("ar", "en", "ur", "hi"),
    "SA": ("ar", "en", "ur"),
    "EG": ("ar", "en"),
    "ID": ("id",),
    "PH": ("fil", "en"),
    "VN": ("vi",),
    "BR": ("pt",),
    "MX": ("es",),
    "CO": ("es",),
}
"""Languages offered first where they are spoken; a list has room for ten."""
TOO_LATE = ("shipped", "out_for_delivery", "delivered", "returned", "cancelled", "paid", "expired")
"""Statuses of an order that the shopper can no longer change here."""


OVERTAKEN: Mapping[str, Path] = dict.fromkeys(TOO_LATE, "settled")
"""What follows when another hand moves the order on: nothing is said until the shopper writes."""


def is_closed(view: View) -> bool:
    """Tell whether the order can no longer be changed in the talk."""
    return view.facts.order.status in TOO_LATE


def still_open(view: View) -> str:
    """Tell whether the order can still be changed."""
    return "yes" if view.order.status == "open" else "no"


def silent(view: View) -> Iterable[Effect]:
    """Record that nobody answered for the orders that had no answer before; what follows is the merchant's rule."""
    for one in open_orders(view):
        yield Record("intent", "silent", order=one.id)


def open_orders(view: View) -> list[Order]:
    """Return the orders this talk has asked about and got no answer for."""
    asked = view.data.get("ids")
    others = view.facts.others if isinstance(asked, Mapping) else ()
    known = set(asked.values()) if isinstance(asked, Mapping) else set()
    wanted = [view.facts.order, *(one for one in others if one.id in known)]
    return [one for one in wanted if one.status == "open" and one.intent not in ("confirmed", "cancelled")]


def denied(view: View) -> Iterable[Effect]:
    """Record that this number did not buy: neither this order nor the others that carry it."""
    for one in all_orders(view):
        yield Record("intent", "denied", order=one.id)


def on_the_way(view: View) -> tuple[str, ...]:
    """Say where the order is."""
    order = view.order
    if order.status == "open" and order.intent == "cancelled":
        return ("cancel.known",)
    if order.status == "open":
        return ("status.dated",) if order.expected_to else ("status.open",)
    if order.status in ("shipped", "out_for_delivery"):
        tail = ("status.tracking",) if order.tracking else ()
        dated = order.status == "shipped" and order.expected_to
        return (f"status.{order.status}_dated" if dated else f"status.{order.status}", *tail)
    return (f"status.{order.status}",)


def about_price(view: View) -> tuple[str, ...]:
    """Say what is to be paid."""
    return ("cancel.known",) if view.order.intent == "cancelled" else ("answers.price",)


def about_paying(view: View) -> tuple[str, ...]:
    """Say how it can be paid."""
    return ("answers.pay_online",) if view.facts.merchant.pays_online else ("answers.pay_cash",)


def ask_for_payment(view: View) -> Iterable[Effect]:
    """Let the shop offer another way to pay where it has one."""
    if view.facts.merchant.pays_online:
        yield OpenTask("pay_online")


def second_phone(view: View) -> Iterable[Effect]:
    """Keep the number of a contact card as the one to call at the door."""
    if isinstance(view.event, Replied) and view.event.contact and view.event.contact.phone:
        yield Record("alternate_phone", view.event.contact.phone)


def about_the_card(view: View) -> tuple[str, ...]:
    """Say what became of a contact card."""
    known = isinstance(view.event, Replied) and view.event.contact is not None and view.event.contact.phone
    return ("answers.contact",) if known else ("answers.contact_unclear",)


def stop_or_ask(view: View) -> str:
    """Stop at once when the words were clear; ask when they might have meant the order."""
    return "stop" if isinstance(view.event, Replied) and view.event.safe else "ask"


def named_language(view: View) -> str:
    """Find the language that was asked for."""
    return "named" if str(view.slots.get("lang")) in view.facts.merchant.locales else "which"


def speak_named(view: View) -> Iterable[Effect]:
    """Speak the language that was asked for."""
    yield SetLocale(str(view.slots["lang"]))


def speak_chosen(view: View) -> Iterable[Effect]:
    """Speak the language that was tapped."""
    yield SetLocale(view.choice)


def languages(view: View) -> tuple[Choice, ...]:
    """Offer the shop's languages, each by its own name; those a list has no room for come after the last row."""
    near, far = _near_and_far(view)
    return (*near, Choice("more", "languages.more")) if far else near


def other_languages(view: View) -> tuple[Choice, ...]:
    """Offer the languages that the first list had no room for."""
    return _near_and_far(view)[1]


def _near_and_far(view: View) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    near = (view.facts.shopper.locale, *SPOKEN.get(view.facts.shopper.region, ()), "en")
    have = view.facts.merchant.locales
    names = list(dict.fromkeys([*(name for name in near if name in have), *sorted(have)]))
    rows = tuple(Choice(f"lang:{name}", f"languages.{name}") for name in names)
    return (rows, ()) if len(rows) <= ROWS else (rows[: ROWS - 1], rows[ROWS - 1 :])


def keep_theirs(view: View) -> Mapping[str, JSON]:
    """Remember that the shopper knows the order as their own."""
    return {"theirs": True}


INTERRUPTS = (
    Interrupt(("talk_to_human",), to="person"),
    Interrupt(("abuse",), to="abuse"),
    Interrupt(("complaint_damaged",), to="complaint"),
    Interrupt(("return_refund",), to="return"),
    Interrupt(("opt_out",), to="stop"),
    Interrupt(("opt_in",), do=(OptIn(),), say="answers.resumed"),
    Interrupt(("not_my_order",), to="not_mine"),
    Interrupt(("language",), to="language"),
    Interrupt(("ask_status",), say=on_the_way),
    Interrupt(("ask_price",), say=about_price),
    Interrupt(("pay_online",), do=(ask_for_payment,), say=about_paying),
    Interrupt(("ask_who",), say="answers.who"),
    Interrupt(("ask_scam",), say="answers.scam"),
    Interrupt(("greeting_thanks",), say="answers.hello", thanks="🙏"),
    Interrupt(("@audio", "@voice"), say="answers.voice", again="voice"),
    Interrupt(("@image", "@video", "@document"), say="answers.picture", again="miss"),
    Interrupt(("@sticker",), say="answers.sticker", again="quiet", thanks="🙂"),
    Interrupt(("@reaction",), say="answers.reaction", again="quiet"),
    Interrupt(("@edited", "@deleted"), say="answers.edited", again="quiet"),
    Interrupt(("@call",), say="answers.call", again="quiet"),
    Interrupt(("@contact",), do=(second_phone,), say=about_the_card),
    Interrupt(("@location",), say="answers.location", again="miss"),
    Interrupt(("@unknown",), say="answers.unknown", again="miss"),
)
"""Answered at any time, then the open question is repeated."""


CHANGES = ("cancel", "dont_cancel", "change_address", "address_fragment", "slot_choice", "reschedule")
"""Acts that want something changed: where the talk can do no more, a person does."""


def silent_stop(view: View) -> Iterable[Effect]:
    """Record that the shopper may no longer be asked; the order itself is left alone."""
    for one in open_orders(view):
        yield Record("intent", "opted_out", order=one.id)


AFTER: Mapping[str, Path] = {"confirm": go(STAY, say="answers.hello"), **dict.fromkeys(CHANGES, "after_dispatch")}
"""What is heard where the talk itself can change nothing any more."""


def common_steps(reopen: Mapping[str, Path]) -> tuple[Step, ...]:
    """Return the steps that every flow has; `reopen` says what a shopper may still change after it was closed."""
    return (
        HandOver("not_understood", "not_understood", texts="people.not_understood"),
        HandOver("person", "wants_person", texts="people.person"),
        HandOver("abuse", "abuse", texts="people.abuse"),
        HandOver("complaint", "complaint", texts="people.complaint"),
        HandOver("return", "return_refund", texts="people.return"),
        HandOver("voice", "voice_note", texts="people.voice"),
        HandOver("after_dispatch", "after_dispatch", texts="people.after_dispatch"),
        Decide("stop", stop_or_ask, {"stop": go("stopped", OptOut(), silent_stop), "ask": "stop_check"}),
        Ask(
            "stop_check",
            texts="stop.check",
            on={"stop": go("stopped", OptOut(), silent_stop), "keep": RESUME},
            hear={"opt_out": go("stopped", OptOut(), silent_stop), "confirm": go(STAY, say="common.please_tap")},
            patience=DAY,
            silent=go(CLOSE, silent),
        ),
        End("stopped", texts="stop.stopped", hear={**reopen, "opt_in": go(RESUME, OptIn(), say="answers.resumed")}),
        Ask(
            "not_mine",
            texts="not_mine",
            on={"not_mine": go("wrong_number", NotMine(), denied, OpenTask("not_mine")), "mine": RESUME},
            hear={
                "confirm": go(STAY, say="common.please_tap"),
                "not_my_order": go("wrong_number", NotMine(), denied, OpenTask("not_mine")),
            },
            patience=DAY,
            silent=go(CLOSE, silent, OpenTask("not_mine")),
        ),
        End("wrong_number", texts="wrong_number"),
        Decide("language", named_language, {"named": go(RESUME, speak_named), "which": "which_language"}),
        Ask(
            "which_language",
            texts="which_language",
            form="list",
            offer=languages,
            on={"lang": go(RESUME, speak_chosen), "more": "more_languages"},
            patience=DAY,
            silent=go(CLOSE, silent),
        ),
        Ask(
            "more_languages",
            texts="which_language",
            form="list",
            offer=other_languages,
            on={"lang": go(RESUME, speak_chosen)},
            patience=DAY,
            silent=go(CLOSE, silent),
        ),
        End("settled", quiet=True, texts="settled", hear=AFTER),
    )

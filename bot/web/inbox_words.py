"""The inbox's words: why a task is here, what the bot read, what an agent may make of it."""

from datetime import date
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from bot.web.formats import day
from bot.web.labels import LABELS

REASONS: dict[str, tuple[Any, Any]] = {
    "not_understood": (_("Not understood"), _("The bot asked twice and could not make sense of the answers.")),
    "wants_person": (_("Wants a person"), _("The shopper asked to talk to a person.")),
    "abuse": (_("Angry shopper"), _("The shopper is angry. The bot stayed calm and stepped back.")),
    "complaint": (_("Complaint"), _("Something that arrived is damaged, wrong or missing.")),
    "return_refund": (_("Return or refund"), _("The shopper wants to send something back, or the money.")),
    "not_mine": (
        _("Not theirs"),
        _("Whoever has this number says that the order is not theirs. Find the right number."),
    ),
    "voice_note": (_("Voice message"), _("The shopper sends voice messages, which the bot cannot hear.")),
    "scam_worry": (_("Fears a fraud"), _("The shopper is afraid that this is a fraud. Say who you are.")),
    "size_change": (_("Other size"), _("The shopper wants another size, colour or number of pieces.")),
    "price": (_("Price"), _("The shopper wants to talk about the price.")),
    "call_list": (_("To call"), _("Your rules say that somebody calls before this parcel leaves.")),
    "address_unclear": (_("Address unclear"), _("The bot asked about the address and still cannot tell the door.")),
    "low_rating": (_("Unhappy review"), _("The shopper gave one or two stars.")),
    "review_problem": (_("Unhappy review"), _("The review tells of a problem.")),
    "unreachable": (_("Not on WhatsApp"), _("WhatsApp does not reach this number. Call, or write another way.")),
    "after_dispatch": (_("Already shipped"), _("The shopper wants a change, but the parcel has left.")),
    "pay_online": (_("Pay online"), _("The shopper would rather pay online.")),
    "no_day": (_("No day fits"), _("None of the days that the courier can promise suits the shopper.")),
    "no_order": (_("Unknown shopper"), _("This number wrote, but no order belongs to it.")),
    "taken_over": (_("Taken over"), _("A person took this conversation from the bot.")),
    "assigned": (_("Assigned"), _("A person was given this conversation.")),
    "refused": (_("Could not send"), _("WhatsApp refused what the bot wanted to say. Say it yourself.")),
    "flow_error": (_("A fault of ours"), _("The bot ran into a fault of its own and stopped.")),
    "version_gone": (_("A fault of ours"), _("The bot was updated while this shopper was answering.")),
    "poison": (_("A fault of ours"), _("A message of the shopper's could not be handled.")),
    "forgotten": (_("Left open"), _("This conversation stood still. Nothing was lost; somebody has to look.")),
}
"""Code of a hand-over -> its name, and what happened, for people."""

ACTS: dict[str, Any] = {
    "confirm": _("yes, send it"),
    "cancel": _("cancel it"),
    "dont_cancel": _("do not cancel"),
    "yes_but": _("yes, with a condition"),
    "change_address": _("change the address"),
    "address_fragment": _("part of an address"),
    "slot_choice": _("a day or time"),
    "reschedule": _("another day"),
    "ask_status": _("where is it?"),
    "ask_price": _("how much?"),
    "pay_online": _("pay online?"),
    "not_my_order": _("not my order"),
    "talk_to_human": _("wants a person"),
    "opt_out": _("stop writing"),
    "opt_in": _("write again"),
    "greeting_thanks": _("a greeting"),
    "review_rating": _("a rating"),
    "review_text": _("words of a review"),
    "complaint_damaged": _("a complaint"),
    "return_refund": _("return or refund"),
    "out_of_scope": _("something else"),
    "ask_who": _("who are you?"),
    "ask_scam": _("is this a fraud?"),
    "abuse": _("abuse"),
    "language": _("another language"),
    "receiver": _("who receives it"),
    "choice": _("one of the buttons"),
}
"""What the bot read in a shopper's words."""

FLOWS: dict[str, Any] = {
    "order_confirmation": _("Confirming the order"),
    "several_orders": _("Confirming several orders"),
    "address_check": _("Checking the address"),
    "delivery_slot": _("Agreeing on a day"),
    "readiness": _("Making sure the cash is ready"),
    "review": _("Asking for a review"),
}

KINDS: dict[str, Any] = {
    "image": _("Photo"),
    "audio": _("Voice message"),
    "video": _("Video"),
    "sticker": _("Sticker"),
    "document": _("Document"),
    "contacts": _("Contact card"),
    "reaction": _("Reaction"),
    "location": _("Location"),
    "location_request": _("Asked for the location"),
    "address_form": _("Address form"),
    "form": _("Address form"),
    "edit": _("Edited message"),
    "revoke": _("Deleted message"),
    "call": _("Tried to call"),
    "order": _("Order from the catalogue"),
    "system": _("Message of WhatsApp"),
    "unsupported": _("Something WhatsApp does not pass on"),
}
"""What stands in a bubble without words."""

OUTCOMES: dict[str, Any] = {
    "confirmed": _("Confirmed"),
    "later": _("Wants it later"),
    "cancelled": _("Cancelled"),
    "address_fixed": _("Address fixed"),
    "wrong_number": _("Wrong number"),
    "no_answer": _("No answer"),
    "call_back": _("Call back"),
    "done": _("Done"),
    "released": _("Back to the bot"),
}
"""How a task ends, or a call."""

GROUPS: dict[int, Any] = {
    0: _("Ships within 2 hours"),
    1: _("Ships within a day"),
    2: _("Cut-off passed"),
    3: _("No cut-off"),
}
"""The parts of the queue, the most urgent first."""

TEMPLATES: dict[str, Any] = {
    "address_question": _("Ask for the address"),
    "delivery_slot": _("Ask for a day"),
    "order_reminder": _("Ask once more whether to send it"),
    "readiness": _("Ask whether the cash is ready"),
}
"""The templates that make sense from a person's hand, best first."""


def reason(code: str) -> tuple[Any, Any]:
    """Return the name of a reason and its sentence; a code that is new shows itself."""
    return REASONS.get(code, (code.replace("_", " ").capitalize(), ""))


def read_as(acts: list[dict[str, Any]]) -> str:
    """Say what the bot read in a message, and how sure it was of each part."""
    if not acts:
        return gettext("Not understood")
    parts = []
    for act in acts:
        name = str(ACTS.get(act.get("kind", ""), act.get("kind", "")))
        told = [_slot(key, value) for key, value in act.get("slots", {}).items() if isinstance(value, str | int)]
        detail = f" ({', '.join(filter(None, told))[:60]})" if any(told) else ""
        parts.append(f"{name}{detail}, {round(100 * float(act.get('confidence', 0)))} %")
    return gettext("Read as: %(what)s", what=" · ".join(parts))


def _slot(key: str, value: str | int) -> str:
    """Say one thing that was read in the reader's words: a day, a part of it, an act; others stand as they are."""
    if value is True:
        return ""
    if key in ("date", "date_from", "date_to"):
        try:
            return day(date.fromisoformat(str(value)))
        except ValueError:
            return str(value)
    if key == "also":
        return str(ACTS.get(str(value), value))
    known = LABELS["slot" if key == "part" else "receiver"].get(str(value)) if key in ("part", "receiver") else None
    return str(known.text) if known else str(value)


def why(detail: dict[str, Any]) -> list[str]:
    """Return what else is known of why the bot stopped: further reasons, its doubt, a note of the flow's."""
    told = [
        f"{reason(also.get('reason', ''))[0]}. {reason(also.get('reason', ''))[1]}" for also in detail.get("also", [])
    ]
    if note := detail.get("note"):
        known = LABELS["cancel"].get(str(note))
        told.append(str(known.text) if known else str(note))
    if (sure := detail.get("confidence")) is not None:
        told.append(gettext("It was %(n)s %% sure of the last answer.", n=round(100 * float(sure))))
    if code := detail.get("code"):
        told.append(gettext("WhatsApp's code: %(code)s", code=code))
    return told

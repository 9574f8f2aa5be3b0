"""The words for every state, and the tone in which each is shown."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _


@dataclass(frozen=True)
class Label:
    """A word, and a tone: good, bad, wait, act (somebody has to do something) or quiet."""

    text: Any
    tone: str


LABELS: dict[str, dict[str, Label]] = {
    "intent": {
        "unasked": Label(_("Not asked yet"), "quiet"),
        "asked": Label(_("Asked"), "wait"),
        "confirmed": Label(_("Confirmed"), "good"),
        "cancelled": Label(_("Cancelled"), "bad"),
        "denied": Label(_("Not theirs"), "bad"),
        "silent": Label(_("Silent"), "act"),
        "unreachable": Label(_("Unreachable"), "act"),
        "opted_out": Label(_("Opted out"), "quiet"),
        "held_out": Label(_("Hold-out"), "quiet"),
    },
    "status": {
        "open": Label(_("To ship"), "quiet"),
        "shipped": Label(_("Shipped"), "wait"),
        "out_for_delivery": Label(_("Out for delivery"), "wait"),
        "delivered": Label(_("Delivered"), "good"),
        "returned": Label(_("Returned"), "bad"),
        "cancelled": Label(_("Cancelled"), "bad"),
    },
    "readiness": {
        "unasked": Label(_("Not asked yet"), "quiet"),
        "asked": Label(_("Asked"), "wait"),
        "ready": Label(_("Cash ready"), "good"),
        "not_ready": Label(_("Not ready"), "act"),
        "silent": Label(_("Silent"), "quiet"),
    },
    "decision": {
        "": Label(_("Undecided"), "quiet"),
        "ship": Label(_("Ship"), "good"),
        "hold": Label(_("Hold"), "act"),
        "call": Label(_("Call"), "act"),
        "cancel": Label(_("Cancel"), "bad"),
    },
    "decider": {
        "shopper": Label(_("the shopper"), "quiet"),
        "agent": Label(_("an agent"), "quiet"),
        "rule": Label(_("your rules"), "quiet"),
        "merchant": Label(_("your team"), "quiet"),
    },
    "giver": {
        "order": Label(_("as ordered"), "quiet"),
        "shopper": Label(_("by the shopper"), "quiet"),
        "agent": Label(_("by an agent"), "quiet"),
        "merchant": Label(_("by your team"), "quiet"),
        "courier": Label(_("by the courier"), "quiet"),
        "rule": Label(_("by your rules"), "quiet"),
    },
    "role": {
        "owner": Label(_("Owner"), "good"),
        "staff": Label(_("Staff"), "quiet"),
        "agent": Label(_("Agent"), "wait"),
        "admin": Label(_("Platform admin"), "act"),
    },
    "upload": {
        "previewed": Label(_("Not imported yet"), "act"),
        "importing": Label(_("Importing"), "wait"),
        "done": Label(_("Imported"), "good"),
        "failed": Label(_("Failed"), "bad"),
        "undone": Label(_("Taken back"), "quiet"),
    },
    "row": {
        "pending": Label(_("Waiting"), "wait"),
        "accepted": Label(_("Accepted"), "good"),
        "skipped": Label(_("Skipped"), "quiet"),
        "rejected": Label(_("Rejected"), "bad"),
    },
    "message": {
        "queued": Label(_("Waiting to be sent"), "quiet"),
        "sending": Label(_("Being sent"), "quiet"),
        "unknown": Label(_("Sent? WhatsApp has not said"), "act"),
        "held": Label(_("Held"), "act"),
        "sent": Label(_("Sent"), "quiet"),
        "delivered": Label(_("Delivered"), "quiet"),
        "read": Label(_("Read"), "good"),
        "played": Label(_("Played"), "good"),
        "failed": Label(_("Not delivered"), "bad"),
        "refused": Label(_("Refused"), "bad"),
        "cancelled": Label(_("Withdrawn"), "quiet"),
    },
    "cancel": {
        "later": Label(_("Wants it later"), "quiet"),
        "size": Label(_("Wrong size or kind"), "quiet"),
        "price": Label(_("Too expensive"), "quiet"),
        "elsewhere": Label(_("Bought elsewhere"), "quiet"),
        "mistake": Label(_("Ordered by mistake"), "quiet"),
        "other": Label(_("Another reason"), "quiet"),
    },
    "tag": {
        "quality": Label(_("Quality"), "act"),
        "wrong_item": Label(_("Wrong item"), "act"),
        "late": Label(_("Too late"), "act"),
        "size": Label(_("Size"), "act"),
        "packing": Label(_("Packing"), "act"),
        "other": Label(_("Something else"), "act"),
    },
    "slot": {
        "morning": Label(_("Morning"), "quiet"),
        "afternoon": Label(_("Afternoon"), "quiet"),
        "evening": Label(_("Evening"), "quiet"),
    },
    "template": {
        "approved": Label(_("approved"), "good"),
        "pending": Label(_("in review"), "wait"),
        "in_appeal": Label(_("in review"), "wait"),
        "rejected": Label(_("rejected"), "bad"),
        "paused": Label(_("paused"), "act"),
        "disabled": Label(_("switched off"), "bad"),
        "abusive_content": Label(_("abusive content"), "bad"),
        "incorrect_category": Label(_("wrong category"), "bad"),
        "invalid_format": Label(_("wrong format"), "bad"),
        "promotional": Label(_("advertising"), "bad"),
        "scam": Label(_("looks like a fraud"), "bad"),
        "tag_content_mismatch": Label(_("text and category do not match"), "bad"),
    },
    "category": {
        "utility": Label(_("utility"), "quiet"),
        "marketing": Label(_("marketing"), "bad"),
        "authentication": Label(_("authentication"), "quiet"),
    },
    "receiver": {
        "family": Label(_("Somebody of the family"), "quiet"),
        "neighbour": Label(_("A neighbour"), "quiet"),
        "guard": Label(_("The guard"), "quiet"),
        "office": Label(_("Somebody at the office"), "quiet"),
        "other": Label(_("Somebody else"), "quiet"),
    },
}

COLUMNS: dict[str, Any] = {
    "reference": _("Order number"),
    "phone": _("Phone"),
    "amount": _("Amount"),
    "cod_amount": _("Cash to collect"),
    "payment_method": _("Payment method"),
    "placed_at": _("Ordered at"),
    "shopper_name": _("Name"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "alternate_phone": _("Other phone"),
    "email": _("E-mail"),
    "address1": _("Address, line 1"),
    "address2": _("Address, line 2"),
    "landmark": _("Landmark"),
    "city": _("City"),
    "state": _("State"),
    "postal_code": _("Postal code"),
    "country": _("Country"),
    "item_name": _("Product"),
    "item_quantity": _("Quantity"),
    "item_price": _("Price of one"),
    "item_sku": _("SKU"),
    "currency": _("Currency"),
    "order_status": _("Status"),
}
"""What a column of an order list can be, in the order in which a person thinks of it."""

"""The rules of a shop as the settings page asks for them, with the words that help to answer."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _


@dataclass(frozen=True)
class Field:
    """One rule: how it is asked for, and what its owner has to know to answer."""

    name: str
    kind: str
    """number, money, hour, hours, choice, several, flag, days, words, sizes or text."""
    label: Any
    hint: Any = ""
    unit: Any = ""
    options: tuple[tuple[str, Any, Any], ...] = ()
    """Each a value, its name, and what it means."""
    optional: bool = False


@dataclass(frozen=True)
class Group:
    """Rules that are thought of together."""

    id: str
    title: Any
    text: Any
    fields: tuple[Field, ...]


GROUPS = (
    Group(
        "asking",
        _("When to ask"),
        _("Soon after the order is best: the shopper remembers it, and you know before you pack."),
        (
            Field(
                "ask_after_minutes",
                "number",
                _("Ask after"),
                _("Counted from the order, or from its import."),
                _("minutes"),
            ),
            Field(
                "ask_daily_at",
                "hour",
                _("Or once a day at"),
                _("Leave it empty to ask each order by itself."),
                optional=True,
            ),
            Field(
                "opens", "hour", _("Never before"), _("By the shopper's own clock. Answers are always given at once.")
            ),
            Field("closes", "hour", _("Never after"), _("The same hour twice means round the clock.")),
            Field("minimum_amount", "money", _("Ask from this amount"), _("Cheaper orders ship without asking.")),
            Field(
                "maximum_age_days",
                "number",
                _("Not when older than"),
                _("Nobody likes to be asked about last month."),
                _("days"),
            ),
        ),
    ),
    Group(
        "talks",
        _("What is asked"),
        _("Each talk costs messages. The first one earns the most."),
        (
            Field(
                "flows",
                "several",
                _("Talks"),
                options=(
                    ("order_confirmation", _("Do you want it, and is the address right?"), _("Before you pack.")),
                    (
                        "delivery_slot",
                        _("Which day suits you?"),
                        _("Right after the yes. Waiting longer raises returns: keep the horizon short."),
                    ),
                    ("readiness", _("Is the cash ready?"), _("When the parcel is out for delivery.")),
                    (
                        "review",
                        _("How was it?"),
                        _("After the delivery, never after a return or while a complaint is open."),
                    ),
                ),
            ),
            Field(
                "review_after_hours",
                "number",
                _("Ask for the review after"),
                _("Counted from the delivery."),
                _("hours"),
            ),
        ),
    ),
    Group(
        "silence",
        _("When nobody answers"),
        _("About a third stay silent, and most of them still want their parcel."),
        (
            Field(
                "reminder_hours",
                "hours",
                _("Remind after"),
                _("Two reminders at the most, each counted from the message before."),
                _("hours"),
                optional=True,
            ),
            Field(
                "give_up_hours",
                "number",
                _("Then give up after"),
                _("From then on the order counts as silent."),
                _("hours"),
            ),
            Field(
                "on_silence",
                "choice",
                _("What to do with silent orders"),
                options=(
                    (
                        "value",
                        _("Decide by expected value"),
                        _("Hold only those that are likelier to cost you money than to earn it."),
                    ),
                    ("ship", _("Ship them all"), _("You take the risk.")),
                    ("hold", _("Hold them all"), _("Safe, and it loses every sale whose buyer was only busy.")),
                    ("call", _("Put them on the call list"), _("Somebody of yours calls before the cut-off.")),
                ),
            ),
            Field(
                "margin_percent",
                "number",
                _("What you earn on an order"),
                _("After goods, packing and the freight there."),
                _("% of the amount"),
            ),
            Field(
                "return_cost",
                "money",
                _("What a returned parcel costs"),
                _("Both freights, packing, and the hand that unpacks it."),
            ),
            Field(
                "message_price",
                "number",
                _("What a message costs"),
                _("For the overview. Empty: what WhatsApp asks in India."),
                _("each"),
                optional=True,
            ),
            Field(
                "cancel_after_hours",
                "number",
                _("Cancel after"),
                _("Off while it is empty. Counted from the first question."),
                _("hours"),
                optional=True,
            ),
        ),
    ),
    Group(
        "measuring",
        _("Does it help?"),
        _(
            "A share of orders, drawn at random, is shipped without asking. "
            "Comparing the two shows what asking is really worth."
        ),
        (
            Field(
                "hold_out_percent",
                "number",
                _("Hold-out share"),
                _("5 to 10 is enough for a shop with a thousand orders a month; 0 turns it off."),
                "%",
            ),
        ),
    ),
    Group(
        "delivery",
        _("Shipping and delivery"),
        _("Shoppers are only promised days that you can keep."),
        (
            Field("cutoff", "hour", _("Daily cut-off"), _("By then it is decided what leaves today. By your clock.")),
            Field(
                "courier_days",
                "several",
                _("The courier works on"),
                options=(
                    ("0", _("Monday"), ""),
                    ("1", _("Tuesday"), ""),
                    ("2", _("Wednesday"), ""),
                    ("3", _("Thursday"), ""),
                    ("4", _("Friday"), ""),
                    ("5", _("Saturday"), ""),
                    ("6", _("Sunday"), ""),
                ),
            ),
            Field("holidays", "days", _("Holidays"), _("One day a line, such as 2027-01-26."), optional=True),
            Field("delivery_days", "number", _("At the door within"), "", _("days")),
            Field(
                "horizon_days",
                "number",
                _("A shopper may wish for a day within"),
                _("Parcels that wait longer than five days come back far more often."),
                _("days"),
            ),
            Field(
                "parts_of_day",
                "several",
                _("Parts of the day you can promise"),
                options=(
                    ("morning", _("Morning"), ""),
                    ("afternoon", _("Afternoon"), ""),
                    ("evening", _("Evening"), ""),
                ),
                optional=True,
            ),
        ),
    ),
    Group(
        "goods",
        _("Goods and lists"),
        _("For the answers to shoppers and for couriers' files."),
        (
            Field(
                "ships_other_size",
                "flag",
                _("Another size can be sent instead"),
                _("Who cancels over the size is handed to a person instead of being let go."),
            ),
            Field("parcel_kg", "number", _("Weight of a usual parcel"), "", _("kg")),
            Field("parcel_cm", "sizes", _("Its length, breadth and height"), "", _("cm")),
            Field(
                "cod_labels",
                "words",
                _("Your names for cash on delivery"),
                _("As your lists have them, parted by commas. The usual ones are known."),
                optional=True,
            ),
            Field(
                "support_phone",
                "text",
                _("Phone of your support"),
                _("Told to shoppers who want to call."),
                optional=True,
            ),
        ),
    ),
    Group(
        "keeping",
        _("How long things are kept"),
        _("Orders and their outcomes stay. The rest is wiped every day when its time has come."),
        (
            Field("keep_messages_days", "number", _("Words, pictures and places of a conversation"), "", _("days")),
            Field(
                "keep_files_days",
                "number",
                _("Uploaded lists"),
                _("Their orders stay; the file cannot be given back any more."),
                _("days"),
            ),
            Field(
                "keep_envelopes_days",
                "number",
                _("What WhatsApp sent us, as it came"),
                _("Shops that share a number get the shortest time of them all."),
                _("days"),
            ),
        ),
    ),
)

FIELDS = {field.name: field for group in GROUPS for field in group.fields}

_LIMITS: dict[str, Any] = {
    "reminder_hours": _("Each above 0, and 14 days at the most."),
    "give_up_hours": _("Above 0, and 14 days at the most."),
    "ask_after_minutes": _("From 0 to 20160, that is two weeks."),
    "cancel_after_hours": _("Above 0, and 90 days at the most."),
    "hold_out_percent": _("From 0 to 50."),
    "margin_percent": _("From 0 to 100."),
    "message_price": _("From 0 to 1000000."),
    "courier_days": _("Choose at least one day."),
    "horizon_days": _("From 1 to 30."),
    "delivery_days": _("From 1 to 60."),
    "maximum_age_days": _("From 1 to 365."),
    "review_after_hours": _("From 0 to 1680, that is 70 days."),
    "keep_envelopes_days": _("From 8 to 365: WhatsApp may repeat itself for a week."),
    "keep_messages_days": _("From 7 to 730."),
    "keep_files_days": _("From 1 to 365."),
    "holidays": _("A day looks like 2027-01-26."),
    "parcel_cm": _("Three numbers above 0."),
}


def limit_of(name: str) -> str:
    """Say what a rule allows, for a value that `Rules` refused."""
    return str(_LIMITS.get(name, gettext("This value is not possible.")))

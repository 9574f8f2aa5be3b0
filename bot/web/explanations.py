"""Say in the reader's language what the core keeps as English sentences: findings, reasons, problems, remarks.

Findings and problems carry a code. Reasons and notes are stored as sentences alone: the core's own tables, from which
they were made, are read back, so that old rows are told like new ones and files and calls keep what they say. A
sentence that no table knows is shown as it is: somebody wrote it by hand, or an older release did.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, lru_cache
from string import Formatter
from typing import Any

from flask import Flask
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from bot.orders import changes, decisions, evidence, spreadsheet
from bot.web.formats import day, label
from bot.web.labels import COLUMNS
from bot.web.languages import place

FINDINGS: dict[str, Any] = {
    "JUNK": _("The address is empty, a filler or keyboard noise."),
    "POBOX": _("Only a post box is given; couriers deliver to doors."),
    "PIN_MISSING": _("The postal code is missing."),
    "PIN_FORMAT": _("The postal code does not have the form its country uses."),
    "PIN_UNKNOWN": _("The postal code does not exist."),
    "PIN_STATE": _("The postal code lies in another state."),
    "PIN_CITY": _("The postal code and the city are far apart."),
    "SHORT": _("Too little is written to find the door."),
    "HOUSE": _("No house, flat, plot or building is named."),
    "STATE_WRONG": _("The state contradicts both city and postal code; it can be put right without asking."),
    "PIN_CITY_SOFT": _("The city and the postal code do not quite fit."),
    "LOCALITY_PIN": _("A locality in the text belongs to another postal code."),
    "PIN_LEGACY": _("The postal code was retired but is still in use."),
    "CITY_MISSING": _("The city is missing."),
    "STATE_MISSING": _("The state is missing."),
    "LANDMARK": _("A landmark would help the courier."),
    "PHONE": _("A phone number stands inside the address; it is kept as the alternate number."),
    "DUP": _("The address repeats itself."),
    "PHONE_MISSING": _("The order has no phone number."),
    "PHONE_INVALID": _("The phone number cannot exist."),
    "PHONE_FAKE": _("The phone number is made of repeated or running digits."),
    "PHONE_LANDLINE": _("The phone number is not a mobile number."),
    "PHONE_REGION": _("The phone number belongs to another country than the address."),
}
"""What an address lacks, by the codes of `bot.addresses.records.FINDINGS` and in its words."""

REMARKS: dict[str, Any] = {
    "ELSEWHERE": _("%(provider)s finds this place under the postal code %(value)s."),
    "DOUBT": _("%(provider)s doubts this: %(field)s."),
    "OTHERWISE": _("%(provider)s would write %(value)s here: %(field)s."),
}
"""What an address service remarks, by the keys of `bot.orders.evidence.REMARKS`."""

REASONS: dict[str, Any] = {
    "CONFIRMED": _("The shopper confirmed."),
    "WORTH_SHIPPING": _("Shipping is worth more than holding."),
    "CALL_ADDRESS": _(
        "Call before shipping: the address is doubtful (%(p_return)s come back, the line is %(break_even)s)."
    ),
    "CALL_RETURNS": _(
        "Call before shipping: it is likely to come back (%(p_return)s come back, the line is %(break_even)s)."
    ),
    "CANCELLED": _("The shopper cancelled."),
    "CANCELLED_WHY": _("The shopper cancelled: %(cancel_reason)s."),
    "DENIED": _("The number belongs to somebody else: find the right one first."),
    "HELD_OUT": _("Drawn at random to be shipped without asking."),
    "UNREACHABLE": _("WhatsApp does not reach this number: call before shipping."),
    "NO_CASH": _("Nobody with the cash will be there: agree on another day first."),
    "NOT_BEFORE": _("The shopper asked not to get it before %(not_before)s."),
    "RULE_CANCELS": _("No answer for %(hours)s hours: the shop's rule cancels."),
    "RULE": _("No answer. What the shop's rule says then: %(decision)s."),
    "SILENT_HOLD": _("No answer, and holding loses less: %(p_return)s come back, the line is %(break_even)s."),
    "SILENT_SHIP": _("No answer, but shipping earns more: %(p_return)s come back, the line is %(break_even)s."),
    "PAID": _("It was paid online meanwhile."),
}
"""Why an order is shipped, held, called about or cancelled, by the codes of `bot.orders.decisions.REASONS`."""

CHANGES: dict[str, Any] = {
    "KNOWN": _("The order is known already, and nothing changed."),
    "GONE": _("The order has moved on already: %(status)s."),
    "ANSWERED": _(
        "Different in this list: %(fields)s. The shopper has answered, so it waits until you decide on the order's "
        "page."
    ),
    "ASKED_ELSEWHERE": _(
        "Different in this list: %(fields)s. The shopper was asked on the old number, so it waits until you decide on "
        "the order's page."
    ),
    "BEING_ASKED": _("The shopper is being asked on the old number at this moment, so nothing was changed."),
    "UPDATED": _("Updated: %(fields)s."),
    "APPROVED": _("The change was approved."),
}
"""What a list brought an order that was known, by the keys of `bot.orders.changes.NOTES`."""

NOTES: dict[str, Any] = {
    "DAMAGED": _("Some letters are damaged in the file and show as \ufffd."),
    "WESTERN": _("The file is not in UTF-8; it was read as Western European (Windows-1252)."),
    "ONE_SHEET": _("Only the sheet “%(sheet)s” was read, not: %(unread)s."),
}
"""How a file was read, by the keys of `bot.orders.spreadsheet.NOTES`."""

PROBLEMS: dict[str, Any] = {
    "AMOUNT_INVALID": _("This amount of money cannot be read."),
    "AMOUNT_MISSING": _("There is no amount to collect."),
    "BELOW_MINIMUM": _("The amount is below your shop's minimum."),
    "CANCELLED": _("The order was cancelled."),
    "COMMENT": _("The row is a comment."),
    "CONFLICT": _("Another row of the same order says something else."),
    "COUNTRY_UNKNOWN": _("This country is not known; your shop's country is taken."),
    "CURRENCY_UNKNOWN": _("This is no currency code such as INR."),
    "DATE_UNREADABLE": _("This date cannot be read; it is left out."),
    "DUPLICATE": _("The row repeats one above."),
    "FULFILLED": _("The order, or a part of it, was already sent."),
    "NOTHING_TO_COLLECT": _("There is nothing to collect."),
    "NOT_COD": _("It is not cash on delivery."),
    "PAID": _("The order is paid."),
    "PHONE_DIGITS_LOST": _(
        "A spreadsheet program shortened the number and its digits are lost: format the column as text and export "
        "again."
    ),
    "PHONE_DOUBTFUL": _("WhatsApp may not reach this number: it is no mobile number, or looks made up."),
    "PHONE_FAKE": _("This number is a filler: one digit, repeated."),
    "PHONE_INVALID": _("This cannot be a phone number."),
    "PHONE_MISSING": _("There is no phone number, so nobody can be asked."),
    "QUANTITY_INVALID": _("This is no number of pieces; 1 is taken."),
    "REFERENCE_MISSING": _("There is no order number."),
    "REFUNDED": _("Money was refunded."),
    "TOO_MANY_CELLS": _("The row has more cells than the header: a comma may stand in a cell without quotation marks."),
    "TOO_OLD": _("The order is older than your rules allow."),
    "ZEROS_RESTORED": _("Zeros at the front were lost; they were put back."),
    # What keeps a whole file from being read.
    "BOMB": _("The workbook unpacks to far more than an order list holds: save it as CSV instead."),
    "BROKEN_QUOTES": _("A quotation mark is opened and never closed, so that the cell swallows what follows."),
    "CELL_TOO_LONG": _("A cell holds more text than a spreadsheet may."),
    "COLUMN_MISSING": _("The order number, the phone number or the amount has no column."),
    "EMPTY": _("The file is empty."),
    "ENCODING": _("The letters of this file are in an unknown encoding: save it as CSV (UTF-8)."),
    "ENCRYPTED": _("This workbook is encrypted: save it without a password."),
    "MACROS": _("This workbook carries macros: save it as XLSX, without macros."),
    "MAPPING": _("A column was chosen that the file does not have."),
    "NOT_A_TABLE": _("This is not a table that can be read: save the orders as XLSX or as CSV (UTF-8)."),
    "NO_HEADER": _("No header was found: the first row must name the columns."),
    "NO_SHEET": _("The workbook has no visible sheet with rows in it."),
    "TOO_LARGE": _("The file is too large: split it."),
    "TOO_MANY_COLUMNS": _("The file has too many columns."),
    "TOO_MANY_ROWS": _("The file has too many rows: split it."),
    "UNREADABLE": _("The workbook is damaged and cannot be read: open it in a spreadsheet program and save it anew."),
}
"""What is wrong with a row or a file, by the codes of `Problem` and `SheetError`."""

HELD: tuple[tuple[frozenset[str], Any], ...] = (
    (frozenset({"0", "190"}), _("The access token is no longer good: make a new one in Meta's business settings.")),
    (frozenset({"368", "131031"}), _("Meta has locked the account: look into Meta's Business Support.")),
    (frozenset({"131037"}), _("Meta has not yet approved the number's display name.")),
    (frozenset({"131042"}), _("Meta has no way of being paid: add one in Meta's billing settings.")),
    (frozenset({"131045", "133010"}), _("The number is not registered: do it in the WhatsApp Manager.")),
    (frozenset({"131048"}), _("Meta slows the number down, because shoppers block or report it.")),
    (
        frozenset({"3", "10", "131005", *map(str, range(200, 300))}),
        _("The access token may not send for this number: give it the permission in Meta's business settings."),
    ),
)
"""Meta's codes for a number that it takes nothing from, and what to do about them.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

_FIELDS: dict[str, Any] = {
    "name": COLUMNS["shopper_name"],
    "phone": COLUMNS["phone"],
    "amount": COLUMNS["amount"],
    "address": _("Address"),
    "items": _("Products"),
    "details": _("details"),
}


def install(app: Flask) -> None:
    """Give the templates the filters."""
    app.jinja_env.filters.update(finding=finding, reason=reason, problem=problem, note=note, column=column, held=held)


def finding(sentence: str, code: str) -> str:
    """Say what an address lacks; in English in the core's own sentence, which may be more exact."""
    if _reads_english():
        return sentence
    return _read_back(evidence.REMARKS, REMARKS, sentence) or str(FINDINGS.get(code, sentence))


def reason(sentence: str) -> str:
    """Say why an order is shipped, held, called about or cancelled."""
    return _read_back(decisions.REASONS, REASONS, sentence) or sentence


def problem(sentence: str, code: str) -> str:
    """Say what is wrong with a row or a file; in English in the core's own sentence, which is more exact."""
    told = _read_back(changes.NOTES, CHANGES, sentence)
    return told or (sentence if _reads_english() else str(PROBLEMS.get(code, sentence)))


def note(sentence: str) -> str:
    """Say how a file was read."""
    return _read_back(spreadsheet.NOTES, NOTES, sentence) or sentence


def column(name: str) -> str:
    """Name a column; one without a header by its number."""
    found = re.fullmatch(r"column (\d+)", name)
    return gettext("column %(n)s", n=found[1]) if found else name


def held(reason: str) -> str:
    """Say why Meta takes nothing from a number, and what to do; a code that is not known shows itself."""
    code = reason.removeprefix("code_")
    if reason.startswith("account_"):
        event = reason.removeprefix("account_").replace("_", " ").lower()
        return gettext("Meta reports of the account: %(event)s. Look into Meta's Business Support.", event=event)
    return next((str(text) for codes, text in HELD if code in codes), gettext("WhatsApp's code: %(code)s", code=code))


def _reads_english() -> bool:
    return place()[0].language == "en"


def _read_back(table: Mapping[str, str], texts: Mapping[str, Any], sentence: str) -> str:
    """Return the text for the code whose sentence this is, with what it names; nothing when no code's it is."""
    key, told = _key_of(tuple(table.items()), sentence)
    try:
        shown = {name: str(_SHOWN[name](value)) if name in _SHOWN else value for name, value in told.items()}
    except ValueError:
        return ""
    return str(texts[key]) % shown if key else ""


@lru_cache(maxsize=2048)
def _key_of(table: tuple[tuple[str, str], ...], sentence: str) -> tuple[str, dict[str, str]]:
    for key, template in table:
        if found := _pattern(template).fullmatch(sentence):
            return key, found.groupdict()
    return "", {}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """Turn a sentence to be filled into one that finds again what it was filled with."""
    parts = Formatter().parse(template)
    return re.compile("".join(re.escape(text) + (f"(?P<{name}>.*)" if name else "") for text, name, _, _ in parts))


def _fields(names: str) -> str:
    return ", ".join(str(_FIELDS.get(name, name)) for name in names.split(", "))


def _part_of_address(name: str) -> Any:
    return COLUMNS.get({"pincode": "postal_code"}.get(name, name), _("part of the address"))


_SHOWN: dict[str, Callable[[str], Any]] = {
    "cancel_reason": lambda code: label("cancel", code).text,
    "decision": lambda code: label("decision", code).text,
    "status": lambda words: label("status", words.replace(" ", "_")).text,
    "not_before": lambda written: day(date.fromisoformat(written)),
    "fields": _fields,
    "field": _part_of_address,
    "value": lambda written: written.strip("'\""),
}
"""How what a sentence names is shown to people."""

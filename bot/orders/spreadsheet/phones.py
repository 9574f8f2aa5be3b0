"""Phone numbers as order lists write them, in E.164."""

import re
from dataclasses import dataclass
from functools import lru_cache

from bot.addresses import PhoneReport, check_phone
from bot.orders.spreadsheet.cells import DigitsLost, ascii_digits, restore_exponent

_PARTS = re.compile(r"\s*(?:[/,;|\n]|\bor\b|\band\b)\s*", re.IGNORECASE)
_POINT_ZERO = re.compile(r"^(\+?\d{6,})[.,]0+$")
_WORDS = re.compile(r"^(?:tel|phone|mob(?:ile)?|ph|whatsapp|wa|p)\s*[:.]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Phone:
    """What a phone cell holds: E.164 or "", a second number if one is written beside it, and codes with reasons.

    `code` says why there is no number; `warning` is about a number that is there.
    """

    e164: str = ""
    alternate: str = ""
    code: str = ""
    reason: str = ""
    warning: str = ""


_REASONS = {
    "PHONE_MISSING": "there is no phone number, so nobody can be asked",
    "PHONE_DIGITS_LOST": "a spreadsheet program shortened the number to a power of ten and its digits are lost; "
    "format the column as text and export again",
    "PHONE_INVALID": "this cannot be a phone number",
    "PHONE_FAKE": "this number is a filler: one digit, repeated",
}


@lru_cache(maxsize=8192)
def read_phone(text: str, regions: tuple[str, ...]) -> Phone:
    """Read a phone cell; `regions` are the countries whose numbers may stand without a country code, best first."""
    try:
        text = restore_exponent(ascii_digits(text))
    except DigitsLost:
        return _none("PHONE_DIGITS_LOST")
    parts = [part for part in _PARTS.split(text) if any(sign.isdigit() for sign in part)]
    if not parts:
        return _none("PHONE_MISSING" if not text else "PHONE_INVALID")
    found: list[PhoneReport] = []
    worst = "PHONE_INVALID"
    for part in parts:
        whole = _POINT_ZERO.match(part)
        report = _judge(_WORDS.sub("", whole[1] if whole else part), regions)
        if report.valid and len(set(report.e164[-10:])) > 1:
            found.append(report)
        elif report.valid and worst == "PHONE_INVALID":
            worst = "PHONE_FAKE"
    if not found:
        return _none(worst)
    found.sort(key=lambda report: not report.mobile)
    others = [report.e164 for report in found[1:] if report.e164 != found[0].e164]
    return Phone(found[0].e164, others[0] if others else "", warning=_doubt(found[0]))


def _doubt(report: PhoneReport) -> str:
    if not report.mobile:
        return "this is no mobile number; WhatsApp may not reach it"
    if any(finding.code == "PHONE_FAKE" for finding in report.findings):
        return "this number looks made up"
    return ""


def _judge(text: str, regions: tuple[str, ...]) -> PhoneReport:
    """Judge a number in each region in turn; the first in which it is a mobile number counts."""
    first: PhoneReport | None = None
    for region in regions:
        report = check_phone(text, region)
        if report.valid and report.mobile:
            return report
        if first is None or (report.valid and not first.valid):
            first = report
    return first or check_phone(text, "")


def _none(code: str) -> Phone:
    return Phone(code=code, reason=_REASONS[code])

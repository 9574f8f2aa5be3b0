"""Is the order's phone number one that WhatsApp and a courier can reach?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.addresses.records import FINDINGS, Finding
from bot.addresses.text import ascii_digits

RUN_UP = "01234567890123456789"
RUN_DOWN = RUN_UP[::-1]


@dataclass(frozen=True, slots=True)
class PhoneReport:
    """Say what is known about a number: E.164 form (empty when it cannot be read), region, and findings."""

    e164: str
    region: str
    possible: bool
    valid: bool
    mobile: bool
    findings: tuple[Finding, ...] = ()


def check_phone(number: str, country: str = "IN") -> PhoneReport:
    """Judge a phone number as written in an order of a country (two letters)."""
    return _judge(str(number or "")[:64], (country or "").upper()[:2])


# The library costs a twentieth of a second, so it is imported where a number is judged.
if TYPE_CHECKING:
    import phonenumbers


@lru_cache(maxsize=4096)
def _judge(number: str, country: str) -> PhoneReport:
    import phonenumbers

    text = re.sub(r"^\s*00(?=\d)", "+", ascii_digits(number))
    if not text.strip():
        return PhoneReport("", "", False, False, False, (_finding("PHONE_MISSING", ""),))
    try:
        parsed = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return PhoneReport("", "", False, False, False, (_finding("PHONE_INVALID", number),))
    if not phonenumbers.is_valid_number(parsed) and not text.strip().startswith("+"):
        parsed = _with_bare_country_code(text) or parsed
    possible, valid = phonenumbers.is_possible_number(parsed), phonenumbers.is_valid_number(parsed)
    region = phonenumbers.region_code_for_number(parsed) or ""
    mobile = valid and phonenumbers.number_type(parsed) in _mobile()
    codes = []
    if possible and is_made_up(str(parsed.national_number)):
        codes.append("PHONE_FAKE")
    elif not valid:
        codes.append("PHONE_INVALID")
    elif not mobile:
        codes.append("PHONE_LANDLINE")
    if valid and country and region and region != country:
        codes.append("PHONE_REGION")
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if possible else ""
    return PhoneReport(e164, region, possible, valid, mobile, tuple(_finding(c, number) for c in codes))


def _mobile() -> tuple[int, ...]:
    from phonenumbers import PhoneNumberType

    return PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.UNKNOWN


def _with_bare_country_code(text: str) -> phonenumbers.PhoneNumber | None:
    """Read "919876501234" as +91...: shops export international numbers without the plus sign."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse("+" + re.sub(r"\D", "", text))
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_valid_number(parsed) else None


def is_made_up(national: str) -> bool:
    """Tell whether national digits are a filler: one digit seven times in a row, two digits only, or a run.

    Number plans call 9999999999 and 6000000000 valid, so the library cannot find these.
    """
    tail = national[1:]
    if re.search(r"(\d)\1{6}", national) or len(set(national)) <= 1:
        return True
    if len(national) >= 8 and (national[-8:] in RUN_UP or national[-8:] in RUN_DOWN or national[:8] in RUN_UP):
        return True
    return len(national) >= 10 and ((tail[:4] == tail[4:8] and len(set(tail)) <= 2) or national[:5] == national[5:])


def _finding(code: str, value: str) -> Finding:
    severity, sentence = FINDINGS[code]
    return Finding(code, severity, "phone", sentence, value)

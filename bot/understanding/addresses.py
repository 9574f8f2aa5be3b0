"""Recognise pin codes, phone numbers and pieces of an address; what they mean is the address module's work."""

import re

from bot.understanding.lexicon import BIT, mask
from bot.understanding.normal import Token
from bot.understanding.view import View

_PINCODES = {
    "IN": r"[1-9]\d{2} ?\d{3}", "PK": r"\d{5}", "BD": r"\d{4}", "ID": r"\d{5}", "PH": r"\d{4}", "VN": r"\d{5,6}",
    "BR": r"\d{5}-?\d{3}",
    "MX": r"\d{5}", "ES": r"\d{5}", "EG": r"\d{5}", "SA": r"\d{5}", "US": r"\d{5}", "CO": r"\d{6}", "NP": r"\d{5}",
    "LK": r"\d{5}",
}  # fmt: skip
_COMPILED = {region: re.compile(rf"(?<![\d/.-]){pattern}(?![\d/-]|\.\d)") for region, pattern in _PINCODES.items()}
_PHONE = re.compile(r"(?<!\d)\+?\d[\d -]{8,14}\d(?!\d)")


def pincode(text: str, region: str | None, state: str) -> str | None:
    """Return the postal code in a normalised text, without spaces, if the country's form is met."""
    pattern = _COMPILED.get(region or "IN")
    if pattern is None:
        return None
    found = pattern.search(_PHONE.sub(" ", text))
    if found is None:
        return None
    code = re.sub(r"\s", "", found.group())
    short = len(code) == 4  # Years and amounts look the same: four digits need the address question.
    return code if not short or state in ("address", "address_check") else None


def phone(text: str) -> str | None:
    """Return a phone number in a normalised text as digits."""
    found = _PHONE.search(text)
    digits = re.sub(r"\D", "", found.group()) if found else ""
    return digits if 10 <= len(digits) <= 15 else None


def looks_like_address(view: View, found: list[Token], code: str | None) -> float:
    """Return how sure it is that the message is a piece of an address, from 0 to 1."""
    topics = mask(
        "WHEN",
        "WHERE",
        "HOWMUCH",
        "CANCEL",
        "RETURN",
        "DAMAGED",
        "HUMAN",
        "ONLINE",
        "NOTMINE",
        "LATE",
        "STATUS",
        "TALK",
        "CHANGE",
        "WRONG",
        "OFFER",
        "WHO",
    )
    if view.bits & topics or view.asks:
        return 0.0
    places = sum(1 for unit in view.units if unit.bits & BIT["PLACE"])
    unknown = sum(1 for unit in view.units if not unit.bits)
    digits = sum(1 for token in found if any(c.isdigit() for c in token.text))
    asked = view.state in ("address", "address_check")
    if code and len(found) <= 2:
        return 0.95 if asked else 0.8
    cues = places + (2 if code else 0) + (1 if digits else 0)
    if asked:
        if cues >= 2 or (places and unknown):
            return 0.95
        if view.state == "address" and (cues or unknown >= 1) and not view.when.dated:
            return 0.8 if cues else 0.6
        return 0.7 if places else 0.0
    if (cues >= 3 and not view.when.dated) or (cues >= 2 and unknown and places):
        return 0.85
    return 0.0

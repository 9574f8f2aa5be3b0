"""Where an Indian address says it is: code, state and city, from their fields or from the end of the line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.fuzz import ratio

from bot.addresses import india
from bot.addresses.index import Index, index
from bot.addresses.india import City
from bot.addresses.india_names import GENERIC, state_of
from bot.addresses.parts import latin
from bot.addresses.records import Address
from bot.addresses.text import ascii_digits, clean, key, skeleton

PIN_TEXT = re.compile(r"(?<![\d/])(?<!\d-)([1-9]\d{2})[ \-]?(\d{3})(?![\d/])")

_NO_DIGITS = re.compile(r"\D")
_SIX_DIGITS = re.compile(r"\d{3}[ \-]?\d{3}")
_PIN_WORD = re.compile(r"\bpin(?: ?code)?[\s.:\-]*(?=,|$)", re.I)
_CODE_IN_CITY = re.compile(r"[\s\-]*\d{6}\b|\b\d{3} \d{3}\b")

DELHI_ZONE = re.compile(r"\b(?:n(?:ew)?\.?\s*)?(?:delhi|dilli)[\s\-]+(\d{1,2})(?!\d)", re.I)


@dataclass(slots=True)
class Place:
    """What the fields say about where: raw code digits, its number in the index, canonical state, city names."""

    text: str
    digits: str
    number: int
    state: str
    city: City
    shown_city: str
    from_text: bool = False
    zone: int = 0


def read_place(address: Address, text: str, places: Index) -> Place:
    """Read code, state and city from their fields, and from the text where a field is empty."""
    digits = clean(address.postal_code)
    if not (digits.isascii() and digits.isdigit()):
        digits = _NO_DIGITS.sub("", ascii_digits(digits))
    state, city_text = state_of(latin(address.state)), latin(address.city)
    from_text = False
    if not digits:
        inside = PIN_TEXT.findall(city_text) or PIN_TEXT.findall(text)
        if inside:
            digits, from_text = "".join(inside[-1]), True
    if digits and _SIX_DIGITS.search(text):
        text = PIN_TEXT.sub(lambda m: ", " if m.group(1) + m.group(2) == digits else m.group(), text)
    if digits and "pin" in text.lower():
        text = _PIN_WORD.sub(" ", text)
    zoned = DELHI_ZONE.search(f"{text}, {city_text}") if not digits else None
    number = places.number(int(digits)) if len(digits) == 6 else -1
    shown = city_text if city_text.isalpha() else _CODE_IN_CITY.sub("", city_text).strip(" ,-")
    if not shown or not state:
        text, shown, state = _from_tail(text, shown, state, number, places)
    return Place(
        text.strip(" ,"),
        digits,
        number,
        state,
        india.read_city(shown) if shown else City(()),
        shown,
        from_text,
        110_000 + int(zoned.group(1)) if zoned else 0,
    )


def place_of_line(text: str) -> Place:
    """Read code, state and city out of one line that holds a whole address."""
    return read_place(Address(), latin(text), index())


def _from_tail(text: str, city: str, state: str, number: int, places: Index) -> tuple[str, str, str]:
    """Find state and city at the end of a one-line address."""
    pieces = [p.strip(" .-()") for p in re.split(r"[,\n]", text)]
    pieces = [p for p in pieces if p]
    if pieces and not city and key(pieces[-1]) in ("india", "bharat"):
        pieces.pop()
    if pieces and not state:
        run = pieces[-1].split()
        for size in (3, 2, 1):
            if len(run) >= size:
                tail = " ".join(run[-size:])
                short = len(key(tail)) < 4 and not tail.isupper()
                found = (
                    ""
                    if short and not (size == 1 and len(run) > 1 and known_city(key(run[-2]), places))
                    else state_of(tail)
                )
                if found and key(tail) not in india.CITY_STATES and not re.search(r"\d", tail):
                    state = found
                    if len(run) == size and len(pieces) == 1:
                        break
                    pieces[-1] = " ".join(run[:-size]).strip(" ,-(")
                    if not pieces[-1]:
                        pieces.pop()
                    break
    if pieces and not city:
        run = pieces[-1].split()
        for size in (2, 1):
            if len(run) < size:
                continue
            tail = " ".join(run[-size:])
            name = key(DELHI_ZONE.sub("delhi", tail))
            known = len(name) >= 3 and known_city(name, places)
            if known or (
                size == 1 and number >= 0 and len(name) >= 5 and name not in GENERIC and _misspelt(name, number)
            ):
                city = DELHI_ZONE.sub("New Delhi", tail).strip(" -.")
                if len(run) > size or len(pieces) > 1:
                    pieces[-1] = " ".join(run[:-size]).strip(" ,-")
                break
        else:
            zone = DELHI_ZONE.search(pieces[-1])
            if zone:
                city = "New Delhi"
    if city and not state:
        state = india.state_of_city(key(city))
    return ", ".join(p for p in pieces if p), city, state


def _misspelt(name: str, number: int) -> bool:
    """Tell whether a word is the district or a town of the code in another spelling."""
    places = index()
    _, areas = places.names(number)
    return any(skeleton(a) == skeleton(name) and ratio(a, name) >= 72 for a in areas if len(a) >= 5)


@lru_cache(maxsize=2048)
def known_city(name: str, places: Index) -> bool:
    written = sum(count for _, count in places.written(name))
    return written >= 20 or any(t.people >= 40 for t in places.towns(name)) or len(places.area(name)) >= 15

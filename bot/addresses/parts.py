"""The parts of an address in free text: house, floor, building, street, locality, landmark, village and the rest.

A chain of patterns, because the order in which people write is the information: cues first ("near", "flat", "gali"),
then what the place of a piece between two commas tells. No model: a merchant must be able to see why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.addresses.patterns import (
    _LANDMARK_WORDS,
    ADMINISTRATIVE,
    AFTER_WORDS,
    BARE_NUMBER,
    BUILDING_WORD,
    CARE_OF,
    ENDING_SUBLOCALITY,
    FLOOR,
    FLOOR_WORDS,
    HOUSE_CUE,
    LANDMARK,
    LANDMARK_AFTER,
    LANE,
    LEADING_TYPE,
    LOCALITY_WORD,
    NATIVE_WORDS,
    NOT_HOUSE,
    ONLY_CUES,
    RURAL,
    RURAL_WORDS,
    SHORT,
    SHORT_WORD,
    STREET_WORD,
    SUBLOCALITY,
    TOWER,
    WING,
    WORD,
)
from bot.addresses.text import clean, key, to_latin


@dataclass(slots=True)
class Parts:
    """Hold what was read out of a text: kind -> values in the order of reading."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, value: str) -> None:
        value = tidy(value)
        if value and value.lower() not in (v.lower() for v in self.found.get(kind, ())):
            self.found.setdefault(kind, []).append(value)

    def first(self, *kinds: str) -> str:
        return next((v for k in kinds for v in self.found.get(k, ())), "")


def tidy(value: str) -> str:
    """Strip marks and spaces from both ends and spell out shorthand."""
    value = value.lstrip(" \n,.;:-|/&()").rstrip(" \n,;:-|/&(")
    if not SHORT.keys() & set(value.lower().replace(".", " ").split()):
        return value
    return SHORT_WORD.sub(lambda m: SHORT[m.group().lower().rstrip(".")], value)


def latin(text: str) -> str:
    """Return clean text in Latin letters, with the address words of other scripts in English."""
    text = clean(text)
    if text.isascii():
        return text
    for pattern, word in NATIVE_WORDS:
        text = pattern.sub(word, text)
    return re.sub(r"[^\S\n]+", " ", to_latin(text)).strip(" ,")


def has_house(text: str, country: str = "IN") -> bool:
    """Tell whether a text names a house, flat, plot or shop; the numbers of sectors, floors and lanes are none."""
    if not any(c.isdigit() for c in text):
        return False
    masked = NOT_HOUSE.sub(" ~ ", text)
    return HOUSE_CUE.search(masked) is not None or BARE_NUMBER.search(masked) is not None


def read_parts(text: str, city: str = "") -> Parts:
    """Read the parts of an address text in Latin letters (see `latin`)."""
    parts = Parts()
    rest = text

    def take(pattern: re.Pattern[str], kind: str, *groups: str) -> None:
        nonlocal rest

        def keep(match: re.Match[str]) -> str:
            value = next((v for g in groups if (v := match.group(g))), None) if groups else match.group()
            if kind == "landmark":
                value, street = _without_street(_without_city(value or "", city), "," in text)
                parts.add(kind, value)
                return f" | {street} | "
            parts.add(kind, value or "")
            return " | "

        rest = pattern.sub(keep, rest)

    present = set(WORD.findall(text.lower()))
    if "/" in text or "of" in present:
        take(CARE_OF, "care_of", "name")
    if present & _LANDMARK_WORDS or "/" in text:
        take(LANDMARK, "landmark", "name")
    if present & AFTER_WORDS:
        take(LANDMARK_AFTER, "landmark", "name")
    if present & RURAL_WORDS:
        for kind, pattern in RURAL.items():
            take(pattern, kind, "name")
    if present & FLOOR_WORDS:
        take(FLOOR, "floor", "n", "word", "n2")
    if present & {"tower", "twr"}:
        take(TOWER, "tower", "name")
    if "wing" in text.lower():
        take(WING, "wing", "name", "before")
    if any(c.isdigit() for c in rest):
        rest = _take_house(rest, parts)
        lanes = [m.group() for m in LANE.finditer(rest)]
        if lanes:
            rest = LANE.sub(" | ", rest)
            for lane in lanes:
                parts.add("street", lane)
    _place_pieces(rest, parts, city)
    return parts


def _without_city(value: str, city: str) -> str:
    """Cut a city off the end of a landmark: "clock tower agra" in Agra is "clock tower"."""
    bare = value.split()
    return " ".join(bare[:-1]) if city and len(bare) > 1 and key(bare[-1]) == key(city) else value


def _without_street(value: str, punctuated: bool) -> tuple[str, str]:
    """Cut a street off the end of a landmark that was written without commas: "city hospital ring road"."""
    bare = value.split()
    if punctuated or len(bare) < 4 or not STREET_WORD.fullmatch(bare[-1]):
        return value, ""
    return " ".join(bare[:-2]), " ".join(bare[-2:])


def _take_house(rest: str, parts: Parts) -> str:
    """Take the number of the house or flat out; of "old no 18 new no 27" the new one counts."""
    masked = NOT_HOUSE.sub(lambda m: "~" * len(m.group()), rest)
    cues = list(HOUSE_CUE.finditer(masked))
    renewed = next((m for m in cues if (m.group("house") or "").lower() == "new"), None)
    for match in [renewed] if renewed else cues:
        unit = match.group("unit")
        parts.add("unit" if unit else "house_no", re.sub(r"\s*([-/])\s*", r"\1", match.group("num")))
    for match in reversed(cues):
        rest = rest[: match.start()] + " | " + rest[match.end() :]
    if parts.first("unit") and not parts.first("house_no"):
        of_street = re.search(
            r"(?i)(?:^|[,|])\s*(\d{1,4}[a-z]?(?:/\d+)?)\s+(?=[a-z][a-z. ]{2,25}(?:street|road|rd|marg|lane|avenue|"
            r"sarani)\b)",
            rest,
        )
        if of_street:
            parts.add("house_no", of_street.group(1))
            rest = rest[: of_street.start(1)] + rest[of_street.end(1) :]
    if not parts.first("house_no", "unit"):
        if cues:
            masked = NOT_HOUSE.sub(lambda m: "~" * len(m.group()), rest)
        bare = next(iter(BARE_NUMBER.finditer(masked)), None)
        if bare:
            parts.add("house_no", re.sub(r"\s*([-/])\s*", r"\1", bare.group("num")))
            rest = rest[: bare.start()] + " | " + rest[bare.end() :]
    return rest


def _place_pieces(rest: str, parts: Parts, city: str) -> None:
    """Label what stands between the cues: building, street, locality."""
    bare_city = key(city)
    pieces: list[str] = []
    for raw in re.split(r"[,;|\n]|\s-\s", rest):
        for piece in _cut(LEADING_TYPE.sub("", tidy(raw))):
            if (
                (len(key(piece)) < 2 and not re.search(r"\d", piece))
                or ONLY_CUES.match(piece)
                or (bare_city and key(piece) == bare_city)
            ):
                continue
            ending = ENDING_SUBLOCALITY.match(piece)
            if ending and not SUBLOCALITY.fullmatch(ending.group("name")):
                parts.add("sublocality", ending.group("sub"))
                piece = ending.group("name").strip(" -,(")
            pieces.append(piece)
    names = [p for p in pieces if not STREET_WORD.search(p) and not SUBLOCALITY.fullmatch(p)]
    for n, piece in enumerate(pieces):
        if SUBLOCALITY.fullmatch(piece):
            parts.add("sublocality", piece)
        elif ADMINISTRATIVE.match(piece):
            parts.add("post" if piece.lower().startswith("via") else "tehsil", ADMINISTRATIVE.sub("", piece))
        elif (
            BUILDING_WORD.search(piece)
            and not LOCALITY_WORD.search(piece.split()[-1])
            and not STREET_WORD.fullmatch(piece.split()[-1])
        ):
            parts.add("building", piece)
        elif STREET_WORD.search(piece):
            parts.add("street", piece)
        elif _names_building(n, piece, pieces, names, parts):
            parts.add("building", piece)
        else:
            parts.add("locality", piece)


def _names_building(n: int, piece: str, pieces: list[str], names: list[str], parts: Parts) -> bool:
    """Tell whether a bare name is the building: the first name behind a door, with a place or a street behind it."""
    if piece not in names or names.index(piece) != 0 or parts.first("building") or LOCALITY_WORD.search(piece):
        return False
    if parts.first("unit", "house_no") and len(names) >= 2:
        return True
    return bool(parts.first("floor", "tower", "wing", "unit")) and n + 1 < len(pieces)


def _cut(piece: str) -> list[str]:
    """Cut a piece without commas behind the words that close a name: "moti apartment | 9th cross | ram nagar"."""
    tokens = piece.split()
    if len(tokens) < 3:
        return [piece]
    out: list[str] = []
    start = 0
    for n, token in enumerate(tokens[:-1]):
        closes = (
            BUILDING_WORD.fullmatch(token)
            or STREET_WORD.fullmatch(token)
            or (
                LOCALITY_WORD.fullmatch(token)
                and token.lower() not in {"east", "west", "north", "south", "park", "market", "area", "sector"}
            )
        )
        follows = tokens[n + 1].lower()
        if (
            closes
            and n > start
            and follows
            not in {
                "road",
                "rd",
                "street",
                "marg",
                "main",
                "colony",
                "nagar",
                "east",
                "west",
                "extension",
                "extn",
                "phase",
                "no",
                "sector",
                "market",
                "park",
                "layout",
                "and",
                "of",
                "centre",
                "center",
                "complex",
                "society",
                "building",
                "tower",
                "apartment",
                "apartments",
            }
            and not re.match(r"\d", follows)
        ):
            out.append(" ".join(tokens[start : n + 1]))
            start = n + 1
    out.append(" ".join(tokens[start:]))
    last = out[-1].split()
    if len(out) == 1 and len(last) >= 4 and STREET_WORD.fullmatch(last[-1]):
        return [" ".join(last[:-2]), " ".join(last[-2:])]
    return out

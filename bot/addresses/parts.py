"""The parts of an address in free text: house, floor, building, street, locality, landmark, village and the rest.

A chain of patterns, because the order in which people write is the information: cues first ("near", "flat", "gali"),
then what the place of a piece between two commas tells. No model: a merchant must be able to see why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from bot.addresses.patterns import (
    ADMINISTRATIVE,
    AFTER_WORDS,
    BARE_NUMBER,
    BUILDING_WORDS,
    CARE_OF,
    ENDING_SUBLOCALITY,
    FLOOR,
    FLOOR_WORDS,
    HOUSE_CUE,
    LANDMARK,
    LANDMARK_AFTER,
    LANDMARK_WORDS,
    LANE,
    LEADING_TYPE,
    LOCALITY_WORDS,
    NATIVE_WORDS,
    NOT_HOUSE,
    ONLY_CUES,
    RURAL,
    RURAL_WORDS,
    SHORT,
    SHORT_WORD,
    SHORTHAND,
    STREET_WORDS,
    SUBLOCALITY,
    TOWER,
    WING,
)
from bot.addresses.text import clean, key, to_latin, word_set, words


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
    if SHORTHAND.isdisjoint(value.lower().replace(".", " ").split()):
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


def lower(text: str) -> str:
    """Return a text in lower case and as long as it was, so that what is found in one stands there in the other."""
    small = text.lower()
    return small if len(small) == len(text) else text


def has_house(text: str, country: str = "IN") -> bool:
    """Tell whether a text names a house, flat, plot or shop; the numbers of sectors, floors and lanes are none."""
    around = _around_figures(text)
    if not around:
        return False
    masked = NOT_HOUSE.sub(" ~ ", lower(text[slice(*around)]))
    return HOUSE_CUE.search(masked) is not None or BARE_NUMBER.search(masked) is not None


_FIGURES = re.compile(r"\d(?:.*\d)?", re.S)


def _around_figures(text: str) -> tuple[int, int] | None:
    """Return from where to where a text has figures and the words that may belong to them: only there are doors."""
    found = _FIGURES.search(text)
    if found is None:
        return None
    start = text.rfind(" ", 0, found.start() - 40) if found.start() > 40 else 0
    end = text.find(" ", found.end() + 32)
    return max(0, start), len(text) if end < 0 else end


def read_parts(text: str, city: str = "") -> Parts:
    """Read the parts of an address text in Latin letters (see `latin`)."""
    parts = Parts()
    rest = text

    def take(pattern: re.Pattern[str], kind: str, *groups: str) -> None:
        """Move what a pattern finds out of the rest into the parts, in the capitals in which it was written."""
        nonlocal rest
        left: list[str] = []
        last = 0
        for match in pattern.finditer(lower(rest)):
            start, end = next((match.span(g) for g in groups if match.group(g)), (0, 0))
            value, street = rest[start:end], ""
            if kind == "landmark":
                value, street = _without_street(_without_city(value, city), "," in text)
            parts.add(kind, value)
            left += (rest[last : match.start()], f" | {street} | " if kind == "landmark" else " | ")
            last = match.end()
        if left:
            rest = "".join((*left, rest[last:]))

    present = set(words(text))
    if "/" in text or "of" in present:
        take(CARE_OF, "care_of", "name")
    if "/" in text or not LANDMARK_WORDS.isdisjoint(present):
        take(LANDMARK, "landmark", "name")
    if not AFTER_WORDS.isdisjoint(present):
        take(LANDMARK_AFTER, "landmark", "name")
    for kind, cues in RURAL_WORDS.items():
        if not cues.isdisjoint(present):
            take(RURAL[kind], kind, "name")
    if not FLOOR_WORDS.isdisjoint(present):
        take(FLOOR, "floor", "n", "word", "n2")
    if "tower" in present or "twr" in present:
        take(TOWER, "tower", "name")
    if "wing" in text.lower():
        take(WING, "wing", "name", "before")
    if around := _around_figures(rest):
        start, end = around
        middle = _take_house(rest[start:end], parts)
        lanes = list(LANE.finditer(lower(middle)))
        for lane in lanes:
            parts.add("street", middle[lane.start() : lane.end()])
        for lane in reversed(lanes):
            middle = middle[: lane.start()] + " | " + middle[lane.end() :]
        rest = rest[:start] + middle + rest[end:]
    _place_pieces(rest, parts, city)
    return parts


def _without_city(value: str, city: str) -> str:
    """Cut a city off the end of a landmark: "clock tower agra" in Agra is "clock tower"."""
    bare = value.split()
    return " ".join(bare[:-1]) if city and len(bare) > 1 and key(bare[-1]) == key(city) else value


def _without_street(value: str, punctuated: bool) -> tuple[str, str]:
    """Cut a street off the end of a landmark that was written without commas: "city hospital ring road"."""
    bare = value.split()
    if punctuated or len(bare) < 4 or bare[-1].lower() not in STREET_WORDS:
        return value, ""
    return " ".join(bare[:-2]), " ".join(bare[-2:])


_NUMBER_OF_STREET = re.compile(
    r"(?:^|[,|])\s*(\d{1,4}[a-z]?(?:/\d+)?)\s+(?=[a-z][a-z. ]{2,25}(?:street|road|rd|marg|lane|avenue|sarani)\b)", re.I
)
_JOINT = re.compile(r"\s*([-/])\s*")


def _take_house(rest: str, parts: Parts) -> str:
    """Take the number of the house or flat out; of "old no 18 new no 27" the new one counts."""
    masked = _without_other_numbers(rest)
    cues = list(HOUSE_CUE.finditer(masked))
    renewed = next((m for m in cues if m.group("house") == "new"), None)
    for match in [renewed] if renewed else cues:
        number = rest[slice(*match.span("num"))]
        parts.add("unit" if match.group("unit") else "house_no", _JOINT.sub(r"\1", number))
    for match in reversed(cues):
        rest = rest[: match.start()] + " | " + rest[match.end() :]
    if parts.first("unit") and not parts.first("house_no"):
        of_street = _NUMBER_OF_STREET.search(rest)
        if of_street:
            parts.add("house_no", of_street.group(1))
            rest = rest[: of_street.start(1)] + rest[of_street.end(1) :]
    if not parts.first("house_no", "unit"):
        bare = BARE_NUMBER.search(_without_other_numbers(rest) if cues else masked)
        if bare:
            parts.add("house_no", _JOINT.sub(r"\1", rest[slice(*bare.span("num"))]))
            rest = rest[: bare.start()] + " | " + rest[bare.end() :]
    return rest


def _without_other_numbers(text: str) -> str:
    """Return a text in lower case with the numbers of sectors, floors and lanes blotted out, as long as it was."""
    return NOT_HOUSE.sub(lambda m: "~" * len(m.group()), lower(text))


_PIECES = re.compile(r"[,;|\n]|\s-\s")
#: Words without which the pattern of a block at the end of a name need not be tried.
_ENDINGS = word_set("sector sec phase block pocket stage")
_ADMINISTRATIVE = word_set("via block mandal thana ps p")
#: First letters of what `ONLY_CUES` and `SUBLOCALITY` can match.
_CUE_LETTERS = frozenset("dtscpvainDTSCPVAIN")
_BLOCK_LETTERS = frozenset("spbzwSPBZW0123456789")


def _place_pieces(rest: str, parts: Parts, city: str) -> None:
    """Label what stands between the cues: building, street, locality."""
    bare_city = key(city)
    pieces: list[tuple[str, list[str], bool]] = []
    for raw in _PIECES.split(rest):
        tidied = tidy(raw)
        if tidied[:1] in "tTcC" and (leading := LEADING_TYPE.match(tidied.lower())):
            tidied = tidied[leading.end() :]
        for piece in _cut(tidied):
            found = words(piece)
            bare = "".join(found)
            if (
                (len(bare) < 2 and not any(map(str.isdigit, piece)))
                or (bare_city and bare == bare_city)
                or (piece[:1] in _CUE_LETTERS and ONLY_CUES.match(piece.lower()))
            ):
                continue
            if not _ENDINGS.isdisjoint(found):
                ending = ENDING_SUBLOCALITY.match(lower(piece))
                if ending and not SUBLOCALITY.fullmatch(ending.group("name")):
                    parts.add("sublocality", piece[slice(*ending.span("sub"))])
                    piece = piece[slice(*ending.span("name"))].strip(" -,(")
                    found = words(piece)
            pieces.append((piece, found, piece[:1] in _BLOCK_LETTERS and bool(SUBLOCALITY.fullmatch(piece.lower()))))
    names = [p for p, found, block in pieces if not block and STREET_WORDS.isdisjoint(found)]
    for n, (piece, found, block) in enumerate(pieces):
        if block:
            parts.add("sublocality", piece)
        elif found[:1] and found[0] in _ADMINISTRATIVE and (head := ADMINISTRATIVE.match(piece.lower())):
            parts.add("post" if found[0] == "via" else "tehsil", piece[head.end() :])
        elif (
            _has_building_word(found)
            and LOCALITY_WORDS.isdisjoint(words(last := piece.split()[-1]))
            and last.lower() not in STREET_WORDS
        ):
            parts.add("building", piece)
        elif not STREET_WORDS.isdisjoint(found):
            parts.add("street", piece)
        elif _names_building(n, piece, len(pieces), names, found, parts):
            parts.add("building", piece)
        else:
            parts.add("locality", piece)


def _has_building_word(found: list[str]) -> bool:
    """Tell whether words of a piece name a building; a "tech park" is one, a park is not."""
    return not BUILDING_WORDS.isdisjoint(found) or any(
        a in ("tech", "business") and b == "park" for a, b in pairwise(found)
    )


def _names_building(n: int, piece: str, count: int, names: list[str], found: list[str], parts: Parts) -> bool:
    """Tell whether a bare name is the building: the first name behind a door, with a place or a street behind it."""
    if not names or piece != names[0] or parts.first("building") or not LOCALITY_WORDS.isdisjoint(found):
        return False
    if parts.first("unit", "house_no") and len(names) >= 2:
        return True
    return bool(parts.first("floor", "tower", "wing", "unit")) and n + 1 < count


#: Words that close a name, so that another may begin behind them, and words behind which none begins.
_CLOSING = BUILDING_WORDS | STREET_WORDS | (LOCALITY_WORDS - word_set("east west north south park market area sector"))
_GOING_ON = word_set("""
    road rd street marg main colony nagar east west extension extn phase no sector market park layout and of centre
    center complex society building tower apartment apartments
    """)


def _cut(piece: str) -> list[str]:
    """Cut a piece without commas behind the words that close a name: "moti apartment | 9th cross | ram nagar"."""
    tokens = piece.split()
    if len(tokens) < 3:
        return [piece]
    out: list[str] = []
    start = 0
    lower = piece.lower().split()
    for n, (token, follows) in enumerate(pairwise(lower)):
        if n > start and token in _CLOSING and follows not in _GOING_ON and not follows[0].isdigit():
            out.append(" ".join(tokens[start : n + 1]))
            start = n + 1
    out.append(" ".join(tokens[start:]))
    last = out[-1].split()
    if len(out) == 1 and len(last) >= 4 and last[-1].lower() in STREET_WORDS:
        return [" ".join(last[:-2]), " ".join(last[-2:])]
    return out

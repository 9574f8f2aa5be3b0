"""What the words of an Indian address say about postal codes, and which code may be meant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import add

from rapidfuzz.fuzz import ratio

from bot.addresses.index import Index, index, unpack
from bot.addresses.india import FIT_SCORE, City, best_fit, written_in
from bot.addresses.india_names import ALIASED, GENERIC, STATE_NAMES, STATE_NUMBER, compatible, other_names
from bot.addresses.text import key, skeleton, word_set, words

#: Words after which a name is a road, a shop or a building and says nothing about where we are.
NOT_A_PLACE_BEFORE = word_set("""
    road rd marg highway complex building bldg bank hotel tower towers plaza house hospital school college
    temple arcade apartment apartments market naka bypass railway bus station chowk gate circle square nursing
    traders stores theatre talkies cinema mandir masjid church bhavan bhawan hall mall textiles motors jewellers
    medical petrol
    """)

DISTRICT_CUE = re.compile(
    r"\bdist(?:rict|t)?\b[\s.:\-]*([a-z]{4,}(?: [a-z]{3,})?)|\b([a-z]{4,}) (?:dist(?:rict|t)?|dt)\b", re.I
)


@dataclass(slots=True)
class Evidence:
    """What the words of an address say about codes.

    `weights` has one figure per code. `grams` are all runs of one to three words, `telling` those of them that are
    neither common words nor the city itself, `sounds` the longer telling ones under their skeletons.
    """

    weights: dict[int, float]
    grams: set[str]
    telling: set[str]
    sounds: dict[str, list[str]] | None = None


def evidence(text: str, state: int, skip: frozenset[str]) -> Evidence:
    """Look up runs of one to three words of a text in Latin letters that are names of places.

    A name of many codes says little about each: its weight is divided by the root of their number. `skip` are names
    that say nothing new, as the city itself.
    """
    runs = [run for part in text.translate(_TO_PARTS).split(",") if (run := part.split()[:14])]
    grams = {name for run in runs for name in _grams(run) if 4 <= len(name) <= 28}
    telling = grams - skip - GENERIC
    known = set(index().names_among(telling))
    weights: dict[int, float] = {}
    for run in runs if known else ():
        taken, last = 0, len(run)
        for start, first in enumerate(run):
            two = first + run[start + 1] if start + 1 < last else ""
            three = two + run[start + 2] if start + 2 < last else ""
            for size, name in ((3, three), (2, two), (1, first)):
                if (
                    name not in known
                    or start + size <= taken
                    or len(name) < 5
                    or (size > 1 and GENERIC.issuperset(run[start : start + size]))
                ):
                    continue
                members = _members(name, state)
                if not members:
                    continue
                taken = start + size
                power = 2.0 * (1 + 0.35 * (size - 1)) / math.sqrt(len(members))
                if taken < last and run[taken] in NOT_A_PLACE_BEFORE:
                    power *= 0.4
                for number, share in members:
                    weights[number] = weights.get(number, 0.0) + power * share
    return Evidence(weights, grams, telling)


def _grams(run: list[str]) -> list[str]:
    """Return all runs of one to three words, joined."""
    twos = list(map(add, run, run[1:]))
    return [*run, *twos, *map(add, twos, run[2:])]


#: Small letters stay, marks and figures part names, all else parts words.
_TO_PARTS = {
    n: chr(n).lower() if chr(n).isalpha() else "," if chr(n) in ",;:()|\n0123456789" else " " for n in range(128)
}


@lru_cache(maxsize=2048)
def _members(name: str, state: int) -> tuple[tuple[int, float], ...]:
    """Return the codes of a name in a state, each with its share; nothing for names of more than forty codes."""
    places = index()
    members = [(n, w) for n, w in unpack(places.packed(name)) if state < 0 or state in places.states(n)]
    if not members or len(members) > 40:
        return ()
    top = max(w if w < 254 else 12 for _, w in members)
    return tuple((n, 1.0 if w >= 254 else min(1.0, w / top)) for n, w in members)


def with_city(found: Evidence, city: City, text: str) -> Evidence:
    """Add what common words say together with the city: "Camp" is everywhere, "Camp Pune" is 411001."""
    places = index()
    weights = dict(found.weights)
    for name in city.names[:1]:
        written = list(dict.fromkeys(w for w in words(text)[:20] if len(w) >= 4))
        known = set(places.names_among([w + name for w in written] + [name + w for w in written]))
        for word in written if known else ():
            members = unpack(places.packed(word + name)) or unpack(places.packed(name + word))
            top = max((w for _, w in members), default=1)
            for number, weight in members if len(members) <= 12 else ():
                weights[number] = weights.get(number, 0.0) + 1.5 * weight / top / math.sqrt(len(members))
    return Evidence(weights, found.grams, found.telling, found.sounds)


def _known_as(number: int) -> frozenset[str]:
    own, areas = index().names(number)
    return frozenset((*own, *areas))


def _sounds_of(found: Evidence) -> dict[str, list[str]]:
    if found.sounds is None:
        found.sounds = {}
        for name in found.telling:
            if len(name) >= 6 and len(bare := skeleton(name)) >= 3:
                found.sounds.setdefault(bare, []).append(name)
    return found.sounds


def names_place_of(found: Evidence, number: int) -> bool:
    """Tell whether the text names an office, a district or a town of the code, however it is spelt."""
    if not found.telling.isdisjoint(_known_as(number)):
        return True
    for name in found.telling & ALIASED:
        if not set(other_names(name, "")).isdisjoint(index().names(number)[1]):
            return True
    sounds = _sounds_of(found)
    starts = {_FIRST_SOUND.get(name[0], name[0]) for names in sounds.values() for name in names}
    return any(
        ratio(name, other) >= 72
        for other in _known_as(number)
        if len(other) >= 5 and _FIRST_SOUND.get(other[0], other[0]) in starts and other not in GENERIC
        for name in sounds.get(skeleton(other), ())
    )


#: First letters that may stand for one sound: a cheap test before the skeletons of names are compared.
_FIRST_SOUND = {"w": "v", "z": "j", "q": "k", "x": "k", "p": "f"}


def districts_in(text: str) -> tuple[str, ...]:
    """Return the names after or before the word district."""
    found = []
    for after, before in DISTRICT_CUE.findall(text):
        for raw in (after, before):
            name = key(raw)
            if len(name) >= 4:
                found.append(name)
                if " " in raw:
                    found.append(key(raw.split()[0]))
    return tuple(dict.fromkeys(found))


def one_edit_away(digits: str, places: Index) -> list[int]:
    """Return the numbers of current codes that one slip of the finger turns into these five to seven digits."""
    tries: set[int] = set()
    if len(digits) == 6:
        code = int(digits)
        for n, digit in enumerate(digits):
            unit = 10 ** (5 - n)
            rest = code - int(digit) * unit
            tries.update(range(rest, rest + 10 * unit, unit))
        tries.update(int(digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :]) for n in range(5))
        tries.discard(code)
    elif len(digits) == 5:
        tries.update(int(digits[:n] + d + digits[n:]) for n in range(6) for d in "0123456789")
    elif len(digits) == 7:
        tries.update(int(digits[:n] + digits[n + 1 :]) for n in range(7))
    return places.current_among(tries)


def slip(given: str, code: int) -> bool:
    """Tell whether six digits differ from a code by one digit or one swap of neighbours."""
    other = str(code)
    off = [n for n in range(6) if given[n] != other[n]]
    return len(off) == 1 or (
        len(off) == 2 and off[1] == off[0] + 1 and given[off[0]] == other[off[1]] and given[off[1]] == other[off[0]]
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code that may be meant, its score, and whether the lead over the next one allows a button."""

    code: int
    score: float


def rank(numbers: Iterable[int], city: City, state: str, found: Evidence) -> list[Candidate]:
    """Score candidate codes by state, city and the words of the address; ties fall to the busier, then smaller code."""
    places = index()
    state_number = STATE_NUMBER.get(state, -1)
    scored = []
    for number in numbers:
        score = 0.0
        if state_number >= 0:
            own = places.states(number)
            if state_number in own:
                score += 2.0
            elif any(compatible(state, STATE_NAMES[s]) for s in own):
                score += 1.0
            else:
                score -= 2.0
        if score >= 0 and city.names:
            score += FIT_SCORE[best_fit(city, number, state).verdict]
            own_names, _ = places.names(number)
            score += 0.8 * any(name in own_names for name in city.names)
            score += 1.2 * _share(city.names[0], places.codes[number] // 100, state)
        score += min(4.0, found.weights.get(number, 0.0))
        if score >= 1 and names_place_of(found, number):
            score += 0.6
        score += 0.2 * places.is_delivering(number) + 0.25 * min(1.0, places.traffic(number) / 20)
        scored.append(Candidate(places.codes[number], round(score, 4)))
    return sorted(scored, key=lambda c: (-c.score, c.code))


def _share(name: str, area: int, state: str) -> float:
    """Return which part of a city's known addresses lies in a four-digit area."""
    counts, total = written_in(name, state)
    return counts.get(area, 0) / total if total >= 4 else 0.0

"""What the words of an Indian address say about postal codes, and which code may be meant."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.fuzz import ratio

from bot.addresses.index import Index, index, unpack
from bot.addresses.india import FIT_SCORE, City, best_fit, family
from bot.addresses.india_names import (
    GENERIC,
    STATE_NAMES,
    STATE_NUMBER,
    alias_states,
    compatible,
    other_names,
)
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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the words of an address say about codes: per code a weight, and the names that gave it."""

    weights: dict[int, float]
    names: tuple[str, ...]
    grams: tuple[str, ...]


def evidence(text: str, state: int, skip: frozenset[str]) -> Evidence:
    """Look up runs of one to three words that are names of places.

    A name of many codes says little about each: its weight is divided by the root of their number. `skip` are names
    that say nothing new, as the city itself.
    """
    places = index()
    weights: dict[int, float] = {}
    used: list[str] = []
    grams: dict[str, None] = {}
    for part in _PARTS.split(text):
        run = words(part)[:14] if part.strip() else []
        taken = 0
        for start, first in enumerate(run):
            two = first + run[start + 1] if start + 1 < len(run) else ""
            three = two + run[start + 2] if two and start + 2 < len(run) else ""
            for size, name in ((3, three), (2, two), (1, first)):
                if not 4 <= len(name) <= 28:
                    continue
                grams[name] = None
                if (
                    start + size <= taken
                    or len(name) < 5
                    or not places.has_name(name)
                    or name in GENERIC
                    or name in skip
                ):
                    continue
                if size > 1 and all(w in GENERIC for w in run[start : start + size]):
                    continue
                members = _members(name, state)
                if not members:
                    continue
                taken = start + size
                used.append(name)
                power = 2.0 * (1 + 0.35 * (size - 1)) / math.sqrt(len(members))
                if taken < len(run) and run[taken] in NOT_A_PLACE_BEFORE:
                    power *= 0.4
                for number, share in members:
                    weights[number] = weights.get(number, 0.0) + power * share
    return Evidence(weights, tuple(used), tuple(grams))


_PARTS = re.compile(r"[,;:()|\n\d]+")


@lru_cache(maxsize=4096)
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
    for word in dict.fromkeys(w for w in words(text)[:20] if len(w) >= 4):
        for name in city.names[:1]:
            members = unpack(places.packed(word + name)) or unpack(places.packed(name + word))
            top = max((w for _, w in members), default=1)
            for number, weight in members if len(members) <= 12 else ():
                weights[number] = weights.get(number, 0.0) + 1.5 * weight / top / math.sqrt(len(members))
    return Evidence(weights, found.names, found.grams)


@lru_cache(maxsize=4096)
def _bones_of(number: int) -> frozenset[str]:
    own, areas = index().names(number)
    return frozenset(skeleton(n) for n in (*own, *areas) if len(n) >= 5 and n not in GENERIC)


def names_place_of(found: Evidence, number: int, skip: frozenset[str]) -> bool:
    """Tell whether the text names an office, a district or a town of the code, however it is spelt."""
    own, areas = index().names(number)
    for name in found.grams:
        if name in skip or name in GENERIC:
            continue
        if (
            name in own
            or name in areas
            or (alias_states(name) and any(other in areas for other in other_names(name, "")))
        ):
            return True
    known = _bones_of(number)
    for name in found.grams:
        if (
            len(name) >= 6
            and name not in skip
            and name not in GENERIC
            and len(skeleton(name)) >= 3
            and skeleton(name) in known
        ):
            for other in (*own, *areas):
                if ratio(name, other) >= 72 and skeleton(other) == skeleton(name):
                    return True
    return False


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
    found: dict[int, None] = {}
    tries = []
    if len(digits) == 6:
        tries += [digits[:n] + d + digits[n + 1 :] for n in range(6) for d in "0123456789" if d != digits[n]]
        tries += [digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :] for n in range(5)]
    elif len(digits) == 5:
        tries += [digits[:n] + d + digits[n:] for n in range(6) for d in "0123456789"]
    elif len(digits) == 7:
        tries += [digits[:n] + digits[n + 1 :] for n in range(7)]
    for text in tries:
        if text[0] != "0" and text != digits:
            number = places.number(int(text))
            if number >= 0 and places.is_current(number):
                found[number] = None
    return list(found)


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


def rank(numbers: list[int], city: City, state: str, found: Evidence, skip: frozenset[str]) -> list[Candidate]:
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
        if score >= 1 and found.grams and names_place_of(found, number, skip):
            score += 0.6
        score += 0.2 * places.is_delivering(number) + 0.25 * min(1.0, places.traffic(number) / 20)
        scored.append(Candidate(places.codes[number], round(score, 4)))
    return sorted(scored, key=lambda c: (-c.score, c.code))


def _share(name: str, area: int, state: str) -> float:
    """Return which part of a city's known addresses lies in a four-digit area."""
    counts: dict[int, int] = {}
    for spelling in family(name, state):
        for where, count in index().written(spelling):
            counts[where] = counts.get(where, 0) + count
    total = sum(counts.values())
    return counts.get(area, 0) / total if total >= 4 else 0.0

"""
Does an Indian postal code fit its city, its state and the words of the address? Finding wrong codes is
easy; not crying wolf is the task. So distances are loose, names count under all their spellings, a village
of a common name is never held against anybody, and the text may excuse what looks like a conflict.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.fuzz import ratio

from bot.addresses.index import Index, index, unpack
from bot.addresses.india_names import (
    GENERIC,
    STATE_NAMES,
    STATE_NUMBER,
    alias_states,
    compatible,
    other_names,
    state_of,
)
from bot.addresses.text import bones, key, skeleton, word_set, words

CITY_SPLIT = re.compile(r"[,/|(;)\n\-&]|\bdist(?:rict|t)?\b\.?|\b(?:taluka?|tehsil|teh|tal|mandal|via|post)\b\.?", re.I)
CITY_NOISE = word_set(
    "city town urban rural cantt cantonment municipality corporation india bharat hq division dt the at po so bo ho"
)
#: States whose name is also that of a city.
CITY_STATES = word_set(
    "delhi newdelhi ndelhi dilli chandigarh puducherry pondicherry pondy silvassa daman diu lakshadweep jammu goa"
)
#: How well a city fits a code, best first.
OK, NEAR, UNKNOWN, SOFT, CONFLICT = "ok", "near", "unknown", "soft", "conflict"
FIT_SCORE = {OK: 2.5, NEAR: 1.2, UNKNOWN: 0.0, SOFT: -1.0, CONFLICT: -2.5}
#: A town of so many thousands is meant whenever its name is written.
FAMOUS = 150
RANK = {OK: 0, NEAR: 1, UNKNOWN: 2, SOFT: 3, CONFLICT: 4}


@dataclass(frozen=True, slots=True)
class Fit:
    """Say how well a city fits a code, and how many kilometres lie between them (-1 when unknown)."""

    verdict: str
    km: float = -1.0


@dataclass(frozen=True, slots=True)
class City:
    """Hold the names under which a city may be known: each a key, the most likely first."""

    names: tuple[str, ...]
    shown: str = ""


@lru_cache(maxsize=4096)
def read_city(text: str) -> City:
    """Return the names in a city field, which may hold a district, a state or a code as well."""
    names: list[str] = []
    for part in CITY_SPLIT.split(text):
        found = [w for w in words(part) if w not in CITY_NOISE]
        name = "".join(found)
        if len(name) < 2 or name in names:
            continue
        if len(name) > 3 and state_of(name) and name not in CITY_STATES:
            continue
        names.append(name)
        if len(found) >= 2 and found[-1] in {"dt", "ut", "ncr"}:
            names.append("".join(found[:-1]))
    return City(tuple(names[:4]), text)


def distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return kilometres between two points of one country."""
    x = (b[1] - a[1]) * math.cos((a[0] + b[0]) * 0.008726646)
    return 111.2 * math.sqrt(x * x + (b[0] - a[0]) ** 2)


@lru_cache(maxsize=8192)
def _family(name: str, state: str) -> tuple[str, ...]:
    return (name, *other_names(name, state))


@lru_cache(maxsize=4096)
def _points(name: str, state: int) -> tuple[tuple[float, float], ...]:
    """
    Return where places of a name lie: towns, offices of the name, and a sample of the codes of a district. Of a
    big city only the city counts, with the codes of its district around it: whoever writes Patna does not mean
    one of the twenty villages of that name.
    """
    places = index()
    family = _family(name, STATE_NAMES[state] if state >= 0 else "")
    towns = [t for spelling in family for t in places.towns(spelling)]
    most = max((t.people for t in towns), default=0)
    if most >= FAMOUS:
        towns = [t for t in towns if t.people * 12 >= most]
    found = [(t.latitude, t.longitude) for t in towns]
    seats = tuple(found)
    for spelling in family:
        members = places.area(spelling)
        offices = [n for n, weight in unpack(places.packed(spelling)) if weight >= 254] if most < FAMOUS else []
        for number in (*members[:: max(1, len(members) // 40)], *offices[:60]):
            middle = places.middle(number)
            if (
                middle
                and not places.is_borrowed(number)
                and (most < FAMOUS or min(distance(middle, s) for s in seats) < 50)
            ):
                found.append(middle)
    return tuple(dict.fromkeys((round(a, 2), round(b, 2)) for a, b in found))


@lru_cache(maxsize=8192)
def fame(name: str, state: str) -> int:
    """Return the inhabitants, in thousands, of the biggest town of a name."""
    return max((t.people for spelling in _family(name, state) for t in index().towns(spelling) if t.own), default=0)


@lru_cache(maxsize=4096)
def _borrowed_name(name: str, state: int) -> str:
    """Return a city of nearly this spelling, for a name that nothing knows."""
    places = index()
    best = (0.0, "")
    for other in places.cities_like(bones(name)):
        likeness = ratio(name, other) if other != name else 0.0
        if likeness >= 87 and likeness > best[0]:
            known = any(t.state == state for t in places.towns(other)) or bool(places.written(other))
            if state < 0 or known:
                best = (likeness, other)
    return best[1]


@lru_cache(maxsize=8192)
def _areas_written(name: str, state: str) -> tuple[dict[int, int], int]:
    """Return how often a city was written with each three-digit area, over all its names, and the sum."""
    found: dict[int, int] = {}
    for spelling in _family(name, state):
        for area, count in index().written(spelling):
            found[area // 10] = found.get(area // 10, 0) + count
    return found, sum(found.values())


@lru_cache(maxsize=8192)
def is_big(name: str, state: str) -> bool:
    """Tell whether a name is a district, a town of 15,000 or a city that was written eight times: no mere village."""
    places = index()
    for spelling in _family(name, state):
        if len(places.area(spelling)) >= 8 or any(t.own and t.people >= 15 for t in places.towns(spelling)):
            return True
    return _areas_written(name, state)[1] >= 8


@lru_cache(maxsize=16384)
def fit(name: str, number: int, state: str) -> Fit:
    """Judge one city name against one code. The order of the rules is the order of their certainty."""
    places = index()
    own, areas = places.names(number)
    family = _family(name, state)
    for spelling in family:
        if spelling in own or spelling in areas:
            return Fit(OK, 0.0)
    if len(name) >= 5:
        bare = skeleton(name)
        # A well-known city is no slip of the pen for another one: Bangalore is not Mangalore.
        enough = 101 if is_big(name, state) else 84
        for other in (*own, *areas):
            if len(other) < 4:
                continue
            likeness = ratio(name, other)
            if likeness >= enough or (likeness >= 72 and skeleton(other) == bare):
                return Fit(OK, 0.0)
            if len(other) >= 6 and len(name) >= 6 and (name.startswith(other) or other.startswith(name)):
                return Fit(OK, 0.0)
    state_number = STATE_NUMBER.get(state, -1)
    if len(name) >= 6 and not _points(name, state_number):
        name = _borrowed_name(name, state_number) or name
        if name in own or name in areas:
            return Fit(OK, 0.0)
    return _by_distance(name, number, state, bool(other_names(name, state)))


@lru_cache(maxsize=8192)
def is_known_in(name: str, area: int, state: str) -> bool:
    """Tell whether people write this city, or have this district, in a three-digit area."""
    places = index()
    written, total = _areas_written(name, state)
    if written.get(area, 0) >= max(2, 0.004 * total):
        return True
    return any(places.codes[n] // 1000 == area for s in _family(name, state) for n in places.area(s))


def _by_distance(name: str, number: int, state: str, has_alias: bool) -> Fit:
    places = index()
    points = _points(name, STATE_NUMBER.get(state, -1))
    area = places.codes[number] // 1000
    written, total = _areas_written(name, state)
    known = is_known_in(name, area, state)
    middle = places.middle(number)
    if not points or middle is None:
        return Fit(OK if known else UNKNOWN)
    slack = 20.0 if places.is_borrowed(number) else 0.0
    km = min(distance(p, middle) for p in points) - slack
    if km <= 25:
        return Fit(NEAR, km)
    if km <= 45:
        return Fit(NEAR if known else UNKNOWN, km)
    if total >= 8 and written.get(area, 0) >= 0.08 * total:
        return Fit(NEAR, km)
    if not has_alias and not is_big(name, state):
        return Fit(UNKNOWN, km)
    if known and km <= 70:
        return Fit(SOFT, km)
    return Fit(CONFLICT if km > 60 else SOFT, km)


def best_fit(city: City, number: int, state: str) -> Fit:
    """Return the best verdict that any name in the city field reaches."""
    fits = [fit(name, number, state) for name in city.names]
    return min(fits, key=lambda f: (RANK[f.verdict], f.km)) if fits else Fit(UNKNOWN)


# --- the words of the address -------------------------------------------------------------------------------------

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


# --- repairing a code -----------------------------------------------------------------------------------------------


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
    for spelling in _family(name, state):
        for where, count in index().written(spelling):
            counts[where] = counts.get(where, 0) + count
    total = sum(counts.values())
    return counts.get(area, 0) / total if total >= 4 else 0.0


def states_of_city(name: str) -> frozenset[str]:
    """Return the states in which a city of this name is well known."""
    places = index()
    found = {STATE_NAMES[t.state] for t in places.towns(name) if t.people >= 50} | set(alias_states(name))
    counts: dict[str, int] = {}
    for area, count in places.written(name):
        state = _state_of_area(area)
        counts[state] = counts.get(state, 0) + count
    found |= {state for state, count in counts.items() if count >= 5 and state}
    return frozenset(found)


@lru_cache(maxsize=2048)
def state_of_city(name: str) -> str:
    """Return the state of a city that is named alone: the only one, or that of by far the biggest town."""
    known = states_of_city(name)
    if len(known) == 1:
        return next(iter(known))
    towns = sorted(index().towns(name), key=lambda t: -t.people)
    if (
        towns
        and towns[0].people >= 50
        and all(t.people * 5 <= towns[0].people or t.state == towns[0].state for t in towns)
    ):
        return STATE_NAMES[towns[0].state]
    return ""


@lru_cache(maxsize=4096)
def _state_of_area(area: int) -> str:
    """Return the state of the first code of a four-digit area."""
    places = index()
    at = bisect_left(places.codes, area * 100)
    return STATE_NAMES[places.states(at)[0]] if at < len(places.codes) and places.codes[at] // 100 == area else ""

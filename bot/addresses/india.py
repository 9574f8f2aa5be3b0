"""Does an Indian postal code fit its city and its state?

Finding wrong codes is easy; not crying wolf is the task. So distances are loose, names count under all their spellings,
a village of a common name is never held against anybody, and the text may excuse what looks like a conflict.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.fuzz import ratio

from bot.addresses.index import index, unpack
from bot.addresses.india_names import (
    STATE_NAMES,
    STATE_NUMBER,
    alias_states,
    other_names,
    state_of,
)
from bot.addresses.text import bones, skeleton, word_set, words

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


@lru_cache(maxsize=2048)
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


def nearest(points: Iterable[tuple[float, float]], middle: tuple[float, float]) -> float:
    """Return the kilometres to the nearest of many points; most are told apart by their latitude alone."""
    north, east = middle
    best = math.inf
    for lat, lon in points:
        y = north - lat
        if -best < y < best:
            x = (east - lon) * math.cos((lat + north) * 0.008726646)
            away = math.sqrt(x * x + y * y)
            if away < best:
                best = away
    return 111.2 * best


@lru_cache(maxsize=4096)
def family(name: str, state: str) -> tuple[str, ...]:
    return (name, *other_names(name, state))


@lru_cache(maxsize=512)
def _points(name: str, state: int) -> tuple[tuple[float, float], ...]:
    """
    Return where places of a name lie: towns, offices of the name, and a sample of the codes of a district. Of a
    big city only the city counts, with the codes of its district around it: whoever writes Patna does not mean
    one of the twenty villages of that name.
    """
    places = index()
    spellings = family(name, STATE_NAMES[state] if state >= 0 else "")
    towns = [t for spelling in spellings for t in places.towns(spelling)]
    most = max((t.people for t in towns), default=0)
    if most >= FAMOUS:
        towns = [t for t in towns if t.people * 12 >= most]
    found = [(t.latitude, t.longitude) for t in towns]
    seats = tuple(found)
    for spelling in spellings:
        members = places.area(spelling)
        offices = [n for n, weight in unpack(places.packed(spelling)) if weight >= 254] if most < FAMOUS else []
        for number in (*members[:: max(1, len(members) // 40)], *offices[:60]):
            middle = places.middle(number)
            if middle and not places.is_borrowed(number) and (most < FAMOUS or nearest(seats, middle) < 15):
                found.append(middle)
    return tuple(dict.fromkeys((round(a, 2), round(b, 2)) for a, b in found))


@lru_cache(maxsize=2048)
def fame(name: str, state: str) -> int:
    """Return the inhabitants, in thousands, of the biggest town of a name."""
    return max((t.people for spelling in family(name, state) for t in index().towns(spelling) if t.own), default=0)


@lru_cache(maxsize=1024)
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


@lru_cache(maxsize=2048)
def written_in(name: str, state: str) -> tuple[dict[int, int], int]:
    """Return how often a city was written with each four-digit area, over all its names, and the sum."""
    found: dict[int, int] = {}
    for spelling in family(name, state):
        for area, count in index().written(spelling):
            found[area] = found.get(area, 0) + count
    return found, sum(found.values())


@lru_cache(maxsize=2048)
def _areas_written(name: str, state: str) -> tuple[dict[int, int], int]:
    """Return the same for three-digit areas."""
    fours, total = written_in(name, state)
    found: dict[int, int] = {}
    for area, count in fours.items():
        found[area // 10] = found.get(area // 10, 0) + count
    return found, total


@lru_cache(maxsize=2048)
def is_big(name: str, state: str) -> bool:
    """Tell whether a name is a district, a town of 15,000 or a city that was written eight times: no mere village."""
    places = index()
    for spelling in family(name, state):
        if len(places.area(spelling)) >= 8 or any(t.own and t.people >= 15 for t in places.towns(spelling)):
            return True
    return _areas_written(name, state)[1] >= 8


@lru_cache(maxsize=8192)
def fit(name: str, number: int, state: str) -> Fit:
    """Judge one city name against one code. The order of the rules is the order of their certainty."""
    places = index()
    own, areas = places.names(number)
    spellings = family(name, state)
    for spelling in spellings:
        if spelling in own or spelling in areas:
            return Fit(OK, 0.0)
    if len(name) >= 5:
        bare = skeleton(name)
        # A well-known city is no slip of the pen for another one: Bangalore is not Mangalore.
        enough = 101 if is_big(name, state) else 84
        for other, likeness, _ in process.extract(name, (*own, *areas), scorer=ratio, score_cutoff=72, limit=None):
            if len(other) >= 4 and (likeness >= enough or skeleton(other) == bare):
                return Fit(OK, 0.0)
        if len(name) >= 6:
            for other in (*own, *areas):
                if len(other) >= 6 and (name.startswith(other) or other.startswith(name)):
                    return Fit(OK, 0.0)
    state_number = STATE_NUMBER.get(state, -1)
    if len(name) >= 6 and not _points(name, state_number):
        name = _borrowed_name(name, state_number) or name
        if name in own or name in areas:
            return Fit(OK, 0.0)
    return _by_distance(name, number, state, bool(other_names(name, state)))


@lru_cache(maxsize=1024)
def _areas_of(district: str) -> frozenset[int]:
    """Return the three-digit areas of a district."""
    places = index()
    return frozenset(places.codes[n] // 1000 for n in places.area(district))


@lru_cache(maxsize=2048)
def is_known_in(name: str, area: int, state: str) -> bool:
    """Tell whether people write this city, or have this district, in a three-digit area."""
    written, total = _areas_written(name, state)
    if written.get(area, 0) >= max(2, 0.02 * total):
        return True
    return any(area in _areas_of(spelling) for spelling in family(name, state))


def is_usual_in(name: str, area: int, state: str) -> bool:
    """Tell whether a good part of those who write this city live in a three-digit area."""
    written, total = _areas_written(name, state)
    return total >= 8 and written.get(area, 0) >= 0.08 * total


def _by_distance(name: str, number: int, state: str, has_alias: bool) -> Fit:
    places = index()
    points = _points(name, STATE_NUMBER.get(state, -1))
    area = places.codes[number] // 1000
    known = is_known_in(name, area, state)
    middle = places.middle(number)
    if not points or middle is None:
        return Fit(OK if known else UNKNOWN)
    slack = 20.0 if places.is_borrowed(number) else 0.0
    km = nearest(points, middle) - slack
    if km <= 25:
        return Fit(NEAR, km)
    if km <= 45:
        return Fit(NEAR if known else UNKNOWN, km)
    if is_usual_in(name, area, state):
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


@lru_cache(maxsize=2048)
def _state_of_area(area: int) -> str:
    """Return the state of the first code of a four-digit area."""
    places = index()
    at = places.first_of(area)
    return STATE_NAMES[places.states(at)[0]] if at >= 0 else ""

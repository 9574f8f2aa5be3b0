"""Compile language packs into sorted arrays, which hold thirty languages in a few megabytes.

A dictionary of strings costs a hundred bytes per form; two machine words in an array cost sixteen. Keys are Python's
own hashes of strings, so a table never leaves its process; at 64 bits two forms do not meet by chance.
"""

import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from bot.understanding import packs
from bot.understanding.normal import loose, normalise, plain, skeleton, squeeze, tokens

_EXTRA = ("GOOD", "MID", "BAD", "STAR", "DATE", "NUMBER")
BIT = {name: 1 << number for number, name in enumerate((*packs.CLASSES, *_EXTRA))}
PLAIN_SPELLING = ("en", "es", "pt", "id", "fil", "vi")  # languages whose vowels are written one way
_QUALITY = {"5": "GOOD", "4": "GOOD", "3": "MID", "2": "BAD", "1": "BAD", "star": "STAR"}


def mask(*classes: str) -> int:
    """Return the bits of some classes."""
    bits = 0
    for name in classes:
        bits |= BIT[name]
    return bits


def classes(bits: int) -> tuple[str, ...]:
    """Return the names of the classes in a mask."""
    return tuple(name for name, bit in BIT.items() if bits & bit)


_AT_ONCE = 2048
_values: list[int] = [0]  # the sets of classes that occur: a few hundred, so a table holds their numbers
_value_ids: dict[int, int] = {0: 0}


class Sorted:
    """Hashed strings and their bits, merged into sorted arrays a few at a time.

    Sixteen bytes each, where a dictionary needs 150, and nothing that big for a moment either: a process keeps the most
    memory it ever had.
    """

    __slots__ = ("fresh", "keys", "values")

    def __init__(self) -> None:
        self.keys, self.values = array("q"), array("Q")
        self.fresh: dict[int, int] = {}

    def add(self, key: int, bits: int) -> None:
        """Give a key some bits more."""
        self.fresh[key] = self.fresh.get(key, 0) | bits
        if len(self.fresh) >= _AT_ONCE:
            self.merge()

    def merge(self) -> None:
        """Take in what was added."""
        keys, values = array("q"), array("Q")
        place, count = 0, len(self.keys)
        for key, bits in sorted(self.fresh.items()):
            start, place = place, bisect_left(self.keys, key, place)
            keys.extend(self.keys[start:place])
            values.extend(self.values[start:place])
            keys.append(key)
            if place < count and self.keys[place] == key:
                bits |= self.values[place]
                place += 1
            values.append(bits)
        keys.extend(self.keys[place:])
        values.extend(self.values[place:])
        self.fresh.clear()
        # Values go last: a reader in another thread may hold the shorter keys for a moment, never the longer ones.
        self.values, self.keys = values, keys

    def rows(self) -> Iterator[tuple[int, int]]:
        """Yield what was merged, in the order of the keys."""
        return zip(self.keys, self.values, strict=True)

    def get(self, key: str) -> int:
        """Return the bits of a key that was merged, or 0."""
        return self.find(hash(key))

    def find(self, wanted: int) -> int:
        """Return the bits of a hashed key that was merged, or 0."""
        keys = self.keys
        place = bisect_left(keys, wanted)
        return self.values[place] if place < len(keys) and keys[place] == wanted else 0


class Table:
    """A map from hashed strings to integers that is built once and then only read."""

    __slots__ = ("keys", "values")

    def __init__(self, rows: Iterable[tuple[int, int]]) -> None:
        """Keep rows that come in the order of their keys."""
        self.keys = array("q")
        self.values = array("H")
        for key, value in rows:
            if value not in _value_ids:
                _value_ids[value] = len(_values)
                _values.append(value)
            self.keys.append(key)
            self.values.append(_value_ids[value])

    def get(self, key: str) -> int:
        """Return the value of a key, or 0."""
        keys, wanted = self.keys, hash(key)
        place = bisect_left(keys, wanted)
        return _values[self.values[place]] if place < len(keys) and keys[place] == wanted else 0


Term = tuple[str, str]
_terms: list[tuple[Term, ...]] = [()]  # shared by all packs: few things can be said about time
_term_ids: dict[tuple[Term, ...], int] = {(): 0}


def _shared(terms: tuple[Term, ...]) -> int:
    found = _term_ids.get(terms)
    if found is None:
        found = _term_ids[terms] = len(_terms)
        _terms.append(terms)
    return found


@dataclass(slots=True)
class Compiled:
    """One pack, ready for look-ups."""

    name: str
    language: str
    script: str
    post: bool
    romanised: bool
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    stems: tuple[tuple[str, int], ...]
    endings: tuple[tuple[str, int], ...]
    around: tuple[tuple[str, str, int], ...]
    denials: tuple[str, ...]  # what the negative endings sound like without their vowels
    exact: Table
    loose: Table
    whole: Table
    longest: Table  # first word -> words of the longest phrase that begins with it, if more than one
    stars: Table
    times: Table

    def key(self, words: Iterable[str]) -> str:
        """Return the loose key of some words; marks that were typed are believed where they part words (Vietnamese)."""
        if self.language == "vi":
            return " ".join([squeeze(word) for word in words])
        return " ".join([loose(plain(word), self.romanised) for word in words])

    def bits(self, words: list[str]) -> int:
        """Return the classes of a phrase: of its exact spelling, else of one that sounds the same."""
        found = self.exact.get(" ".join(words))
        if found:
            return found
        key = self.key(words)  # Keys that are also exact spellings with the same classes stand only there.
        return self.loose.get(key) or self.exact.get(key)

    def limit(self, word: str) -> int:
        """Return how many words a phrase that begins with this one may have."""
        return max(1, self.longest.get(word), self.longest.get(self.key((word,))))

    def terms(self, words: list[str]) -> tuple[Term, ...]:
        """Return what a phrase may mean as a word of time."""
        return _terms[self.times.get(" ".join(words)) or self.times.get(self.key(words))]

    def rating(self, words: list[str]) -> int:
        """Return the stars of a quality phrase, or 0."""
        return self.stars.get(" ".join(words)) or self.stars.get(self.key(words))

    def only(self, words: list[str]) -> int:
        """Return the classes of a form that counts only as a whole message."""
        return self.whole.get(" ".join(words)) or self.whole.get(self.key(words))


class _Draft:
    """The forms of one pack while they are collected; keys are hashed at once, for strings would fill megabytes."""

    def __init__(self, romanised: bool, bit: int) -> None:
        self.romanised = romanised
        self.bit = bit
        self.exact, self.loose = Sorted(), Sorted()
        self.whole: dict[int, int] = {}
        self.longest: dict[int, int] = {}
        self.stars: dict[int, int] = {}
        self.times: dict[int, tuple[Term, ...]] = {}
        self.stems: dict[str, int] = {}
        self.endings: dict[str, int] = {}
        self.around: list[tuple[str, str, int]] = []

    def keys(self, form: str) -> tuple[int, int]:
        """Return the exact and the loose key of a form, and note its words and its length."""
        words = [token.text for token in tokens(normalise(form))] or [form]
        sounds = [loose(plain(word), self.romanised) for word in words]
        for word in (*words, *sounds) if self.romanised else words:
            index.add(hash(word), self.bit)
        if len(words) > 1:
            for first in (hash(words[0]), hash(sounds[0])):
                self.longest[first] = max(self.longest.get(first, 0), len(words))
        return hash(" ".join(words)), hash(" ".join(sounds))

    def form(self, form: str, bits: int) -> None:
        """Add a form of the lexicon."""
        if form.startswith("="):
            for key in set(self.keys(form[1:])):
                self.whole[key] = self.whole.get(key, 0) | bits
        elif "-" in form:
            before, _, after = normalise(form).partition("-")
            if before and after:
                self.around.append((before, after, bits))
            elif before:
                self.stems[before] = self.stems.get(before, 0) | bits
            elif after:
                self.endings[after] = self.endings.get(after, 0) | bits
        else:
            exact, sound = self.keys(form)
            self.exact.add(exact, bits)
            self.loose.add(sound, bits)

    def rating(self, form: str, stars: int) -> None:
        """Add a quality phrase."""
        for key in self.keys(form.lstrip("=")):
            self.stars.setdefault(key, stars)

    def time(self, form: str, term: Term) -> None:
        """Add a word of time."""
        for key in set(self.keys(form)):
            if term not in self.times.get(key, ()):
                self.times[key] = (*self.times.get(key, ()), term)


@cache
def _cldr() -> dict[str, dict[str, dict[str, list[str]]]]:
    import json

    path = packs.FOLDER.with_name("cldr.json")
    text = path.read_text(encoding="utf-8") if path.exists() else "{}"
    found: dict[str, dict[str, dict[str, list[str]]]] = json.loads(text)
    return found


_lock = threading.RLock()
_compiled: dict[str, Compiled] = {}
index = Sorted()  # every word of every compiled pack, with the bits of the packs that know it: for the language vote
pack_bits: dict[str, int] = {}


def compiled(name: str) -> Compiled:
    """Return a pack ready for look-ups; each is compiled once, when a message first needs it."""
    found = _compiled.get(name)
    if found is None:
        with _lock:
            found = _compiled.get(name)
            if found is None:
                found = _compiled[name] = _compile(name)
    return found


def forget() -> None:
    """Drop what was compiled, after the files behind it changed."""
    with _lock:
        _compiled.clear()
        index.keys, index.values = array("q"), array("Q")
        pack_bits.clear()
        _cldr.cache_clear()


def _denials(draft: _Draft) -> tuple[str, ...]:
    sounds = {skeleton("-" + ending)[1:] for ending, bits in draft.endings.items() if bits & mask("NEG", "NOWANT")}
    return tuple(sorted(sound for sound in sounds if len(sound) > 1))


def _compile(name: str) -> Compiled:
    pack = packs.load(name)
    bit = pack_bits.setdefault(name, 1 << len(pack_bits))
    draft = _Draft(pack.script == "Latn" and pack.language not in PLAIN_SPELLING, bit)
    for klass in pack.lexicon:
        for form in pack.forms(klass):
            draft.form(form, BIT[klass])
    for stars, listed in pack.ratings.items():
        for form in listed:
            draft.form(form, BIT[_QUALITY[stars]])
            if stars != "star":
                draft.rating(form, int(stars))
    names = _cldr().get(name, {})
    for table in {**pack.dates, **names}:
        rows = pack.dates.get(table, {})
        for key in {**rows, **names.get(table, {})}:
            for form in (*rows.get(key, ()), *names.get(table, {}).get(key, ())):
                draft.time(form, (table, key))
    for collected in (index, draft.exact, draft.loose):
        collected.merge()
    return Compiled(
        name=name,
        language=pack.language,
        script=pack.script,
        post=pack.postpositions,
        romanised=draft.romanised,
        prefixes=tuple(normalise(part) for part in pack.prefixes),
        suffixes=tuple(sorted({normalise(part) for part in pack.suffixes}, key=lambda part: (-len(part), part))),
        stems=tuple(draft.stems.items()),
        endings=tuple(draft.endings.items()),
        around=tuple(draft.around),
        denials=_denials(draft) if draft.romanised else (),
        exact=Table(draft.exact.rows()),
        loose=Table((key, bits) for key, bits in draft.loose.rows() if draft.exact.find(key) != bits),
        whole=Table(sorted(draft.whole.items())),
        longest=Table(sorted(draft.longest.items())),
        stars=Table(sorted(draft.stars.items())),
        times=Table(sorted((key, _shared(terms)) for key, terms in draft.times.items())),
    )

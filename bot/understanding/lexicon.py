"""Find the word classes of a message: compiled packs, and which of them a message is read with."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from bot.understanding import packs
from bot.understanding.normal import Token, loose, normalise, plain, script, squeeze, tokens

BIT = {
    name: 1 << number for number, name in enumerate((*packs.CLASSES, "GOOD", "MID", "BAD", "STAR", "DATE", "NUMBER"))
}
NAMES = tuple(BIT)
PLAIN_SPELLING = ("en", "es", "pt", "id", "fil", "vi")  # languages whose vowels are written one way
_QUALITY = {"5": "GOOD", "4": "GOOD", "3": "MID", "2": "BAD", "1": "BAD", "star": "STAR"}
_SYMBOLS = {
    "👍": "YES", "👌": "YES", "✅": "YES", "✔": "YES", "☑": "YES", "💯": "YES", "🆗": "OK", "🤝": "OK", "👎": "NO", "❌": "NO",
    "✖": "NO", "🚫": "NO", "🙅": "NO", "❎": "NO", "🙏": "THANKS", "👋": "GREET", "📦": "ORDER", "🚚": "ORDER", "🛵": "ORDER",
    "🏠": "HOME", "📍": "ADDRESS", "📞": "TALK", "☎": "TALK", "💳": "ONLINE", "💔": "DAMAGED", "⏰": "WHEN", "💵": "CASH", "💰": "PRICE",
}  # fmt: skip


def mask(*classes: str) -> int:
    """Return the bits of some classes."""
    bits = 0
    for name in classes:
        bits |= BIT[name]
    return bits


def classes(bits: int) -> tuple[str, ...]:
    """Return the names of the classes in a mask."""
    return tuple(name for name, bit in BIT.items() if bits & bit)


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a message with the classes it may have; none means that the words are unknown."""

    text: str
    bits: int
    start: int
    end: int
    clause: int
    post: bool = False  # the pack that knew it puts its operators after their words


@dataclass(slots=True)
class Compiled:
    """One pack, ready for look-ups."""

    name: str
    language: str
    script: str
    post: bool
    romanised: bool
    exact: dict[str, int] = field(default_factory=dict)
    loose: dict[str, int] = field(default_factory=dict)
    whole: dict[str, int] = field(default_factory=dict)
    longest: dict[str, int] = field(default_factory=dict)
    stems: dict[str, int] = field(default_factory=dict)
    endings: dict[str, int] = field(default_factory=dict)
    around: tuple[tuple[str, str, int], ...] = ()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    stars: dict[str, int] = field(default_factory=dict)
    terms: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def key(self, words: Iterable[str]) -> str:
        """Return the loose key of some words."""
        return " ".join([loose(plain(word), self.romanised) for word in words])


def _add(compiled: Compiled, form: str, bits: int) -> None:
    if form.startswith("="):
        words = [token.text for token in tokens(normalise(form[1:]))]
        for key in (" ".join(words), compiled.key(words)):
            compiled.whole[key] = compiled.whole.get(key, 0) | bits
        return
    if "-" in form:
        before, _, after = normalise(form).partition("-")
        if before and after:
            compiled.around += ((before, after, bits),)
        elif before:
            compiled.stems[before] = compiled.stems.get(before, 0) | bits
        elif after:
            compiled.endings[after] = compiled.endings.get(after, 0) | bits
        return
    words = [token.text for token in tokens(normalise(form))]
    if not words:
        return
    exact, key = " ".join(words), compiled.key(words)
    compiled.exact[exact] = compiled.exact.get(exact, 0) | bits
    compiled.loose[key] = compiled.loose.get(key, 0) | bits
    for head in (words[0], key.split(" ", 1)[0]):
        compiled.longest[head] = max(compiled.longest.get(head, 0), len(words))


def _add_term(compiled: Compiled, form: str, kind: str, value: str) -> None:
    words = [token.text for token in tokens(normalise(form))] or [form]
    term = (kind, value)
    for key in {" ".join(words), compiled.key(words)}:
        if term not in compiled.terms.get(key, ()):
            compiled.terms[key] = (*compiled.terms.get(key, ()), term)
    for head in (words[0], compiled.key(words[:1])):
        compiled.longest[head] = max(compiled.longest.get(head, 0), len(words))


@cache
def _cldr() -> dict[str, dict[str, dict[str, list[str]]]]:
    import json

    path = packs.FOLDER.with_name("cldr.json")
    data: dict[str, dict[str, dict[str, list[str]]]] = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    )
    return data


_lock = threading.RLock()
_compiled: dict[str, Compiled] = {}
_index: dict[str, int] = {}  # loose word -> bits of the packs that know it, for the language vote
_position: dict[str, int] = {}


def compiled(name: str) -> Compiled:
    """Return a pack ready for look-ups; each is compiled once, when a message first needs it."""
    found = _compiled.get(name)
    if found is None:
        with _lock:
            found = _compiled.get(name) or _compile(name)
            _compiled[name] = found
    return found


def forget() -> None:
    """Drop what was compiled, after the files behind it changed."""
    with _lock:
        _compiled.clear()
        _index.clear()
        _position.clear()
        _cldr.cache_clear()


def _compile(name: str) -> Compiled:
    pack = packs.load(name)
    romanised = pack.script == "Latn" and pack.language not in PLAIN_SPELLING
    result = Compiled(name, pack.language, pack.script, pack.postpositions, romanised)
    result.prefixes = tuple(normalise(part) for part in pack.prefixes)
    result.suffixes = tuple(sorted({normalise(part) for part in pack.suffixes}, key=len, reverse=True))
    for klass, listed in pack.lexicon.items():
        for form in listed:
            _add(result, form, BIT[klass])
    for stars, listed in pack.ratings.items():
        for form in listed:
            _add(result, form, BIT[_QUALITY[stars]])
            if stars != "star":
                words = [token.text for token in tokens(normalise(form.lstrip("=")))]
                for key in (" ".join(words), result.key(words)):
                    result.stars.setdefault(key, int(stars))
    tables = {table: dict(rows) for table, rows in pack.dates.items()}
    for table, named in _cldr().get(name, {}).items():
        for key, listed_names in named.items():
            tables.setdefault(table, {})[key] = (*tables.get(table, {}).get(key, ()), *listed_names)
    for table, rows in tables.items():
        for key, listed in rows.items():
            for form in listed:
                _add_term(result, form, table, key)
    bit = 1 << _position.setdefault(name, len(_position))
    known = {
        word
        for source in (result.exact, result.loose, result.whole, result.terms)
        for key in source
        for word in key.split(" ")
    }
    for word in known:
        _index[word] = _index.get(word, 0) | bit
    return result


def candidates(scripts: set[str], locale: str | None, region: str | None) -> list[str]:
    """Name the packs in scope: the message's script, the shopper's language, the country of the phone."""
    language = (locale or "").replace("_", "-").split("-")[0]
    rows = [row for row in packs.scopes() if row[2] in scripts]
    if region:
        near = [row for row in rows if row[1] == language or region in row[3] or "*" in row[3]]
        if any(row[1] != "en" for row in near) or scripts == {"Latn"}:
            rows = near
    return [row[0] for row in rows]


# The language most shoppers of a country write when words alone do not tell.
_FIRST = {
    "IN": "hi",
    "PK": "ur",
    "BD": "bn",
    "ID": "id",
    "PH": "fil",
    "VN": "vi",
    "BR": "pt",
    "PT": "pt",
    "MX": "es",
    "ES": "es",
    "EG": "ar",
}


def vote(words: list[Token], names: list[str], locale: str | None, region: str | None) -> list[tuple[float, str]]:
    """Order the packs by how much of the message they know, rarer words counting more."""
    language = (locale or "").replace("_", "-").split("-")[0]
    first = _FIRST.get(region or "", "")
    ready = [compiled(name) for name in names]
    scores = {}
    for pack in ready:
        scores[pack.name] = (0.5 if pack.language == language else 0.0) + (0.1 if pack.language == first else 0.0)
    bits = {pack.name: 1 << _position[pack.name] for pack in ready}
    scope = 0
    for bit in bits.values():
        scope |= bit
    for token in words:
        if token.symbol or token.text.isdigit():
            continue
        # Each pack is asked under its own spelling rules.
        exact = _index.get(token.text, 0)
        soft = _index.get(loose(plain(token.text), True), 0) | _index.get(squeeze(plain(token.text)), 0)
        known = (exact or soft) & scope
        if not known:
            continue
        weight = 1.0 / known.bit_count() ** 0.5
        for pack in ready:
            bit = bits[pack.name]
            if exact & bit:
                scores[pack.name] += weight
            elif soft & bit:
                scores[pack.name] += 0.5 * weight
    return sorted(((score, name) for name, score in scores.items()), key=lambda row: (-row[0], row[1]))


def _stretched(word: str) -> bool:
    return any(one == two for one, two in zip(word, word[1:], strict=False))


class Reader:
    """Look words up in a few packs at once: the language of the message and English."""

    def __init__(self, names: list[str]) -> None:
        self.packs = [compiled(name) for name in names]

    def phrase(self, words: list[str], start: int) -> tuple[int, int, bool]:
        """Return (bits, length, postpositional) of the longest phrase that begins at `start`."""
        bits = length = 0
        post = False
        for pack in self.packs:
            first = words[start]
            limit = max(pack.longest.get(first, 0), pack.longest.get(pack.key((first,)), 0))
            for size in range(min(limit, len(words) - start), max(length, 1) - 1, -1):
                part = words[start : start + size]
                found = pack.exact.get(" ".join(part), 0) or pack.loose.get(pack.key(part), 0)
                if found:
                    if size > length:
                        bits, length, post = found, size, pack.post
                    else:
                        bits |= found
                    break
        return bits, length, post

    def spelling(self, word: str) -> str:
        """Return a word without stretched letters when only that spelling is known."""
        if word.isdigit() or not _stretched(word):
            return word
        if any(word in pack.longest or pack.key((word,)) in pack.longest for pack in self.packs):
            return word
        short = squeeze(word)
        return (
            short if any(short in pack.longest or pack.key((short,)) in pack.longest for pack in self.packs) else word
        )

    def word(self, word: str, depth: int = 0) -> tuple[int, bool]:
        """Return the classes of a single word by its parts: stems, endings, neutral affixes, joined words."""
        bits = 0
        post = False
        for pack in self.packs:
            here = self._parts(pack, word)
            if here:
                bits, post = bits | here, pack.post
        if bits:
            return bits, post
        for pack in self.packs:
            here = self._stripped(pack, word)
            if here:
                return here, pack.post
        if depth == 0 and 5 <= len(word) <= 24:
            return self._joined(word), self.packs[0].post
        return 0, False

    @staticmethod
    def _parts(pack: Compiled, word: str) -> int:
        bits = 0
        for stem, klass in pack.stems.items():
            if word.startswith(stem):
                bits |= klass
        for ending, klass in pack.endings.items():
            if len(word) > len(ending) + 1 and word.endswith(ending):
                bits |= klass
        for before, after, klass in pack.around:
            if len(word) > len(before) + len(after) and word.startswith(before) and word.endswith(after):
                bits |= klass
        return bits

    def _stripped(self, pack: Compiled, word: str) -> int:
        starts = [word] + [word[len(p) :] for p in pack.prefixes if word.startswith(p) and len(word) >= len(p) + 3]
        for body in starts:
            for suffix in ("", *pack.suffixes):
                if suffix and not (body.endswith(suffix) and len(body) >= len(suffix) + 3):
                    continue
                rest = body[: len(body) - len(suffix)] if suffix else body
                if rest == word:
                    continue
                found = pack.exact.get(rest, 0) or pack.loose.get(pack.key((rest,)), 0)
                if not found and rest in pack.terms:
                    found = BIT["DATE"]
                if found:
                    return found
        return 0

    def _joined(self, word: str) -> int:
        """Read "cancelmat" as two words; both must be known and long enough not to be chance."""
        for pack in self.packs:
            for cut in range(len(word) - 2, 2, -1):
                left = pack.exact.get(word[:cut], 0)
                if left:
                    right = pack.exact.get(word[cut:], 0)
                    if right:
                        return left | right
        return 0

    def terms(self, words: list[str], start: int) -> tuple[tuple[tuple[str, str, bool], ...], int]:
        """Return the date terms of the longest phrase that begins at `start`, with its length."""
        best: tuple[tuple[str, str, bool], ...] = ()
        length = 0
        for pack in self.packs:
            first = words[start]
            limit = max(pack.longest.get(first, 0), pack.longest.get(pack.key((first,)), 0), 1)
            for size in range(min(limit, len(words) - start), max(length, 1) - 1, -1):
                part = words[start : start + size]
                found = pack.terms.get(" ".join(part)) or pack.terms.get(pack.key(part))
                if not found and size == 1 and len(first) > 3:
                    found = self._stripped_term(pack, first)
                if found:
                    mine = tuple((kind, value, pack.post) for kind, value in found)
                    best, length = (mine, size) if size > length else (best + mine, length)
                    break
        return best, length

    @staticmethod
    def _stripped_term(pack: Compiled, word: str) -> tuple[tuple[str, str], ...] | None:
        for prefix in ("", *(p for p in pack.prefixes if word.startswith(p) and len(word) >= len(p) + 2)):
            for suffix in ("", *pack.suffixes):
                if suffix and not (word.endswith(suffix) and len(word) - len(prefix) >= len(suffix) + 2):
                    continue
                rest = word[len(prefix) : len(word) - len(suffix)]
                found = pack.terms.get(rest) or pack.terms.get(pack.key((rest,)))
                if found:
                    return tuple(
                        term for term in found if term[0] in ("relative", "weekdays", "parts", "festivals", "units")
                    )
        return None

    def whole(self, words: list[str]) -> int:
        """Return the classes of forms that count only as a whole message."""
        bits = 0
        for pack in self.packs:
            bits |= pack.whole.get(" ".join(words), 0) or pack.whole.get(pack.key(words), 0)
        return bits

    def stars(self, words: list[str], start: int) -> tuple[int, int]:
        """Return (stars, length) of the longest quality phrase that begins at `start`."""
        for pack in self.packs:
            limit = max(pack.longest.get(words[start], 0), pack.longest.get(pack.key((words[start],)), 0))
            for size in range(min(limit, len(words) - start), 0, -1):
                part = words[start : start + size]
                found = pack.stars.get(" ".join(part)) or pack.stars.get(pack.key(part))
                if found:
                    return found, size
        return 0, 0


_BREAKS = frozenset(",.;!?।॥؟،؛|\n")


def units(reader: Reader, found: list[Token]) -> list[Unit]:
    """Cover a message with known phrases, longest first; what nothing knows stays as units without classes."""
    words = [reader.spelling(token.text) for token in found]
    result: list[Unit] = []
    clause = position = 0
    harmless = mask("PLEASE")
    core = [t.text for t in found if not t.symbol and not reader.phrase([t.text], 0)[0] & harmless]
    bits = reader.whole(words) or (reader.whole(core) if core else 0)
    if bits and len(words) <= 6:
        extra = reader.phrase(words, 0)
        if extra[1] == len(words):
            bits |= extra[0]
        return [Unit(" ".join(words), bits, 0, len(words), 0)]
    while position < len(words):
        token = found[position]
        if _BREAKS & set(token.before):
            clause += 1
        if token.symbol:
            name = _SYMBOLS.get(token.text)
            result.append(Unit(token.text, BIT[name] if name else BIT["PLEASE"], position, position + 1, clause))
            position += 1
            continue
        stop = next(
            (n for n in range(position + 1, len(words)) if found[n].symbol or _BREAKS & set(found[n].before)),
            len(words),
        )
        bits, length, post = reader.phrase(words[position:stop], 0)
        if not length:
            length = 1
            bits, post = (BIT["NUMBER"], False) if token.text.isdigit() else reader.word(token.text)
        result.append(
            Unit(" ".join(words[position : position + length]), bits, position, position + length, clause, post)
        )
        position += length
    return result


def languages(found: list[Token], locale: str | None, region: str | None) -> tuple[list[str], list[tuple[float, str]]]:
    """Return the packs to read a message with, best first and English last, and the votes."""
    scripts = [script(token.text) for token in found if not token.symbol]
    native = [code for code in scripts if code and code != "Latn"]
    everyone = dict((row[0], row) for row in packs.scopes())
    if not native:
        votes = vote(found, candidates({"Latn"}, locale, region), locale, region)
        known = votes[0][0] if votes else 0.0
        if region and known < 0.5 and scripts.count("Latn") > 1:
            votes = vote(found, candidates({"Latn"}, locale, None), locale, region)
        best = [votes[0][1]] if votes else []
        if votes and votes[0][1] == "en-Latn" and len(votes) > 1 and votes[1][0] > 0.3:
            best.append(votes[1][1])
    else:
        main = max(set(native), key=native.count)
        votes = vote(found, candidates({main}, locale, region), locale, region)
        best = [votes[0][1]] if votes else []
        if best and "Latn" in scripts:
            sister = f"{everyone[best[0]][1]}-Latn"
            best += [sister] if sister in everyone else []
    if "en-Latn" in everyone and "en-Latn" not in best and ("Latn" in scripts or not best):
        best.append("en-Latn")
    return best, votes

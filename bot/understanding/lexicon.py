"""Find the word classes of a message, and which packs to read it with."""

import re
from dataclasses import dataclass
from itertools import pairwise

from bot.understanding import packs
from bot.understanding.normal import Token, loose, plain, script, skeleton, squeeze
from bot.understanding.tables import BIT, Compiled, Term, classes, compiled, index, mask, pack_bits

__all__ = ["BIT", "Reader", "Unit", "classes", "compiled", "languages", "mask", "units"]

_SYMBOLS = {
    "👍": "YES", "👌": "YES", "✅": "YES", "✔": "YES", "☑": "YES", "💯": "YES", "🆗": "OK", "🤝": "OK", "👎": "NO",
    "❌": "NO",
    "✖": "NO", "🚫": "NO", "🙅": "NO", "❎": "NO", "🙏": "THANKS", "👋": "GREET", "📦": "ORDER", "🚚": "ORDER",
    "🛵": "ORDER",
    "🏠": "HOME", "📍": "ADDRESS", "📞": "TALK", "☎": "TALK", "💳": "ONLINE", "💔": "DAMAGED", "⏰": "WHEN",
    "💵": "CASH",
    "💰": "PRICE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a message with the classes it may have; none means that the words are unknown."""

    text: str
    bits: int
    start: int
    end: int
    clause: int
    post: bool = False  # the pack that knew it puts its operators after their words
    vague: bool = False  # known by its parts only: an ending that no pack lists may turn it round


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


@dataclass(frozen=True, slots=True)
class Vote:
    """How well a pack fits a message; `own` counts words that English does not know."""

    score: float
    own: float
    name: str


_LONGEST = 6  # words of an expression
_WHOLE = 0.6
_KNOWN_TO_ENGLISH = 0.85  # English is read beside every language, so its words speak only a little against the others.


def vote(words: list[Token], names: list[str], locale: str | None, region: str | None) -> list[Vote]:
    """Order the packs by how much of the message they know, rarer words counting more."""
    language = (locale or "").replace("_", "-").split("-")[0]
    first = _FIRST.get(region or "", "")
    ready = [compiled(name) for name in names]
    scores = {p.name: (0.4 if p.language == language else 0.0) + (0.1 if p.language == first else 0.0) for p in ready}
    own = dict.fromkeys(scores, 0.0)
    bits = {pack.name: pack_bits[pack.name] for pack in ready}
    english = bits.get("en-Latn", 0)
    scope = 0
    for bit in bits.values():
        scope |= bit
    for token in words:
        if token.symbol or token.text.isdigit():
            continue
        # Each pack is asked under its own spelling rules.
        exact = index.get(token.text)
        bare = plain(token.text)
        soft = index.get(loose(bare, True)) | index.get(squeeze(bare))
        known = (exact or soft) & scope
        if not known:
            for pack in ready:  # inflected words: stems and endings speak for a language, less clearly
                if Reader.parts(pack, token.text):
                    scores[pack.name] += 0.4
                    own[pack.name] += 0.4
            continue
        weight = 1.0 / known.bit_count() ** 0.5
        for name, bit in bits.items():
            share = 1.0 if exact & bit else 0.5 if soft & bit else 0.0
            if exact & english:
                scores[name] += weight * max(share, _KNOWN_TO_ENGLISH)
            elif share:
                scores[name] += weight * share
                own[name] += weight * share
    said = [token.text for token in words if not token.symbol]
    if 2 <= len(said) <= _LONGEST:
        for pack in ready:  # a whole message that a pack lists as one expression speaks for it, whoever knows its words
            if pack.name != "en-Latn" and pack.bits(said):
                scores[pack.name] += _WHOLE
                own[pack.name] += _WHOLE
    votes = [Vote(score, own[name], name) for name, score in scores.items()]
    return sorted(votes, key=lambda row: (-row.score, row.name != "en-Latn", -row.own, row.name))


_WEAK = mask("FUNC", "PLEASE")
_ACTS = mask("CANCEL", "SEND", "CONFIRM", "WANT", "DO")
_DENIES = mask("NEG", "NOWANT")


class Reader:
    """Look words up in a few packs at once: the language of the message and English."""

    def __init__(self, names: list[str]) -> None:
        self.names = tuple(names)
        self.packs = [compiled(name) for name in names]
        self._limits: dict[str, tuple[int, ...]] = {}

    def limits(self, word: str) -> tuple[int, ...]:
        """Return how many words a phrase that begins with this one may have, for each pack."""
        found = self._limits.get(word)
        if found is None:
            found = self._limits[word] = tuple([pack.limit(word) for pack in self.packs])
        return found

    def phrase(self, words: list[str], start: int) -> tuple[int, int, bool]:
        """Return (bits, length, postpositional) of the longest phrase that begins at `start`."""
        bits = length = 0
        post = False
        left = len(words) - start
        for pack, limit in zip(self.packs, self.limits(words[start]), strict=True):
            for size in range(min(limit, left), max(length, 1) - 1, -1):
                found = pack.bits(words[start : start + size])
                if found:
                    if size > length:
                        bits, length, post = found, size, pack.post
                    elif not bits & ~_WEAK:  # The message's own language is heard before English.
                        bits |= found
                    break
        return bits, length, post

    def spelling(self, word: str) -> str:
        """Return a word without stretched letters when only that spelling is known, or only that one denies."""
        if word.isdigit() or not any(one == two for one, two in pairwise(word)):
            return word
        short = squeeze(word)
        if self._knows(word):
            long, brief = (self.phrase([text], 0)[0] or self.word(text)[0] for text in (word, short))
            return short if brief & ~long & _DENIES else word  # "beeeedi" is a long "bedi", don't, and no "bidi"
        return short if self._knows(short) else word

    def _knows(self, word: str) -> bool:
        return max(self.limits(word)) > 1 or any(pack.bits([word]) or pack.terms([word]) for pack in self.packs)

    def word(self, word: str) -> tuple[int, bool, bool]:
        """Return (bits, postpositional, vague) of a single word by its stem, ending, neutral affixes or joined words.

        A verb is not vague when its ending is listed too.
        """
        bits = 0
        post = False
        for pack in self.packs:
            here = self.parts(pack, word)
            if here:
                bits, post = bits | here, pack.post
        if bits:
            vague = not (bits & _ACTS and bits & _DENIES)
            if bits & _ACTS and vague and any(self._denied(pack, word) for pack in self.packs):
                bits |= BIT["NEG"]
            return bits, post, vague
        for pack in self.packs:
            here = self._stripped(pack, word)
            if here:
                return here, pack.post, True
        if 5 <= len(word) <= 24:
            return self._joined(word), self.packs[0].post, True
        return 0, False, True

    @staticmethod
    def _denied(pack: Compiled, word: str) -> bool:
        """Tell whether a word ends in what sounds like a negative ending, or has a negator stuck to it."""
        sound = skeleton(word)
        if any(len(sound) > len(ending) and sound.endswith(ending) for ending in pack.denials):
            return True
        for cut in range(2, len(word) - 1):
            left, right = pack.exact.get(word[:cut]), pack.exact.get(word[cut:])
            if (left & _DENIES and right & _ACTS) or (left & BIT["CANCEL"] and right & _DENIES):
                return True
        return False

    @staticmethod
    def parts(pack: Compiled, word: str) -> int:
        """Return the classes of a word by its stem, its ending, or both ends."""
        bits = 0
        for stem, klass in pack.stems:
            if word.startswith(stem):
                bits |= klass
        for ending, klass in pack.endings:
            if len(word) > len(ending) + 1 and word.endswith(ending):
                bits |= klass
        for before, after, klass in pack.around:
            if len(word) > len(before) + len(after) and word.startswith(before) and word.endswith(after):
                bits |= klass
        return bits

    @staticmethod
    def _bodies(pack: Compiled, word: str, least: int) -> list[str]:
        """Return a word without one neutral prefix, one neutral suffix, or both."""
        starts = [word] + [word[len(p) :] for p in pack.prefixes if word.startswith(p) and len(word) >= len(p) + least]
        bodies = starts[1:]
        for body in starts:
            bodies += [body[: -len(s)] for s in pack.suffixes if body.endswith(s) and len(body) >= len(s) + least]
        return bodies

    def _stripped(self, pack: Compiled, word: str) -> int:
        for body in self._bodies(pack, word, 3):
            found = pack.bits([body])
            if found:
                return found
        return 0

    def _joined(self, word: str) -> int:
        """Read "cancelmat" as two words; both must be known and long enough not to be chance."""
        for pack in self.packs:
            for cut in range(len(word) - 2, 2, -1):
                left = pack.exact.get(word[:cut])
                right = pack.exact.get(word[cut:]) if left else 0
                if right:
                    return left | right
        return 0

    def terms(self, words: list[str], start: int) -> tuple[tuple[tuple[str, str, bool], ...], int]:
        """Return the date terms of the longest phrase that begins at `start`, with its length."""
        best: tuple[tuple[str, str, bool], ...] = ()
        length = 0
        first = words[start]
        left = len(words) - start
        for pack, limit in zip(self.packs, self.limits(first), strict=True):
            for size in range(min(limit, left), max(length, 1) - 1, -1):
                found = pack.terms(words[start : start + size])
                if not found and size == 1 and len(first) > 3:
                    found = self._stripped_term(pack, first)
                if found:
                    mine = tuple((kind, value, pack.post) for kind, value in found)
                    best, length = (mine, size) if size > length else (best + mine, length)
                    break
        return best, length

    def _stripped_term(self, pack: Compiled, word: str) -> tuple[Term, ...]:
        for body in self._bodies(pack, word, 2):
            found = pack.terms([body])
            if found:
                kinds = ("relative", "weekdays", "parts", "festivals", "units")
                return tuple(term for term in found if term[0] in kinds)
        return ()

    def whole(self, words: list[str]) -> int:
        """Return the classes of forms that count only as a whole message."""
        bits = 0
        for pack in self.packs:
            bits |= pack.only(words)
        return bits

    def stars(self, words: list[str], start: int) -> tuple[int, int]:
        """Return (stars, length) of the longest quality phrase that begins at `start`."""
        left = len(words) - start
        for pack, limit in zip(self.packs, self.limits(words[start]), strict=True):
            for size in range(min(limit, left), 0, -1):
                found = pack.rating(words[start : start + size])
                if found:
                    return found, size
        return 0, 0


_BREAKS = frozenset(",.;!?।॥؟،؛|\n")
_PAUSE = re.compile(r"\.{2,}")  # "don't... cancel" is one sentence, drawn out
_SEAL = mask("YES", "OK", "THANKS", "GREET")


def _breaks(before: str) -> bool:
    return not _BREAKS.isdisjoint(_PAUSE.sub("", before))


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
        if _breaks(token.before):
            clause += 1
        if token.symbol:
            bits = BIT[_SYMBOLS.get(token.text, "PLEASE")]
            if bits & _SEAL and any(unit.text not in _SYMBOLS for unit in result):
                bits = BIT["PLEASE"]  # after words it only seals what they say
            result.append(Unit(token.text, bits, position, position + 1, clause))
            position += 1
            continue
        stop = next(
            (n for n in range(position + 1, len(words)) if found[n].symbol or _breaks(found[n].before)),
            len(words),
        )
        bits, length, post = reader.phrase(words[position:stop], 0)
        vague = not length and not token.text.isdigit()
        if not length:
            length = 1
            bits, post, vague = reader.word(token.text) if vague else (BIT["NUMBER"], False, False)
        said = " ".join(words[position : position + length])
        result.append(Unit(said, bits, position, position + length, clause, post, vague))
        position += length
    return result


def languages(found: list[Token], locale: str | None, region: str | None) -> tuple[list[str], list[Vote]]:
    """Return the packs to read a message with, best first and English last, and the votes."""
    scripts = [script(token.text) for token in found if not token.symbol]
    native = [code for code in scripts if code and code != "Latn"]
    everyone = {row[0]: row for row in packs.scopes()}
    if not native:
        votes = vote(found, candidates({"Latn"}, locale, region), locale, region)
        known = max((row.score for row in votes), default=0.0)
        if region and known < 0.5 and scripts.count("Latn") > 1:
            votes = vote(found, candidates({"Latn"}, locale, None), locale, region)
        best = [row.name for row in votes[:1]]
        if best == ["en-Latn"]:
            best += [row.name for row in votes[1:2] if row.own > 0]
    else:
        main = max(sorted(set(native)), key=native.count)
        votes = vote(found, candidates({main}, locale, region), locale, region)
        best = [row.name for row in votes[:1]]
        if best and "Latn" in scripts:
            sister = f"{everyone[best[0]][1]}-Latn"
            best += [sister] if sister in everyone else []
    if "en-Latn" in everyone and "en-Latn" not in best and ("Latn" in scripts or not best):
        best.append("en-Latn")
    return best, votes

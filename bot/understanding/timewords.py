"""The words of time in a message, and what has been made of them so far."""

import re
from dataclasses import dataclass
from datetime import datetime

from bot.understanding.calendar import Span
from bot.understanding.lexicon import BIT, Reader, Unit
from bot.understanding.normal import Token

_SPLIT = re.compile(r"(\d+)([^\d]+)")
_NEGATORS = BIT["NEG"] | BIT["NOWANT"]


@dataclass(slots=True)
class Atom:
    """One word of the message as the date grammar sees it."""

    kind: str  # number, or a table of dates.toml, or "neg", or "other"
    value: str
    text: str
    at: int  # index of its token
    before: str
    post: bool = False
    used: bool = False
    others: tuple[tuple[str, str], ...] = ()
    end: int = 0  # index of the last token that it covers

    @property
    def span(self) -> range:
        """Return the indexes of the tokens that it covers."""
        return range(self.at, max(self.at, self.end) + 1)

    def can(self, kind: str, value: str | None = None) -> bool:
        """Tell whether the word may be read so."""
        return any(k == kind and (value is None or v == value) for k, v in ((self.kind, self.value), *self.others))

    def get(self, kind: str) -> str:
        """Return its value when read so."""
        return next((v for k, v in ((self.kind, self.value), *self.others) if k == kind), "")


@dataclass(slots=True)
class Day:
    span: Span
    first: int  # atom indexes
    last: int
    negated: bool = False
    operator: str = ""


@dataclass(slots=True)
class Clock:
    hour: int
    minute: int
    sure: bool  # am or pm is known
    first: int
    last: int
    operator: str = ""


class Line:
    """The atoms of a message with the days and hours found in them; readers mark the atoms that they used."""

    def __init__(self, items: list[Atom], now: datetime, state: str, region: str | None, post: bool) -> None:
        self.items = items
        self.now = now
        self.today = now.date()
        self.state = state
        self.region = region
        self.post = post
        self.days: list[Day] = []
        self.clocks: list[Clock] = []
        self.parts: list[tuple[str, int]] = []
        self.any = False

    def item(self, index: int) -> Atom | None:
        """Return the atom at a place, or None beyond the ends."""
        return self.items[index] if 0 <= index < len(self.items) else None

    def is_(self, index: int, kind: str, value: str | None = None) -> bool:
        """Tell whether an unused atom may be read so."""
        atom = self.item(index)
        return atom is not None and not atom.used and atom.can(kind, value)

    def number(self, index: int, top: int = 31) -> int | None:
        """Return the number at an atom, in digits or as a word."""
        atom = self.item(index)
        if atom is None or atom.used:
            return None
        text = atom.value if atom.kind == "number" else atom.get("numbers")
        return int(text) if text.isdigit() and len(text) <= 4 and int(text) <= top else None

    def take(self, *indexes: int) -> None:
        """Mark atoms as used."""
        for index in indexes:
            self.items[index].used = True

    def day(self, span: Span, first: int, last: int) -> None:
        """Note a day or a range of days said with some atoms."""
        self.take(*range(first, last + 1))
        self.days.append(Day(span, first, last))


def atoms(found: list[Token], reader: Reader, read: list[Unit]) -> list[Atom]:
    """Turn tokens into atoms: digits split from letters, phrases of date words joined, negators marked."""
    words: list[tuple[str, int, str]] = []
    for index, token in enumerate(found):
        parts = _SPLIT.fullmatch(token.text)
        known_word = parts and not token.text.isdigit() and reader.phrase([token.text], 0)[1]  # Arabizi: "7ad"
        if parts and not token.text.isdigit() and not known_word:
            ending = not parts[2].isascii() and len(parts[2]) <= 3 and not reader.terms([parts[2]], 0)[0]
            if ending:  # "25ம்" is an ordinal; only known endings are words of their own
                words.append((parts[1], index, token.before))
                continue
            words += [(parts[1], index, token.before), (parts[2], index, "")]
            if (rest := re.fullmatch(r"(\D+)(\d+)", parts[2])) is not None:
                words[-1:] = [(rest[1], index, ""), (rest[2], index, "")]
        else:
            words.append((token.text, index, token.before))
    negators = {index for unit in read if unit.bits & _NEGATORS for index in range(unit.start, unit.end)}
    # "not today" may be one known phrase; its negator still has to be seen.
    negators |= {index for index, token in enumerate(found) if reader.phrase([token.text], 0)[0] & _NEGATORS}
    negators -= {index for unit in read if unit.bits & BIT["AWAY"] for index in range(unit.start, unit.end)}
    texts = [word for word, _, _ in words]
    result: list[Atom] = []
    position = 0
    while position < len(words):
        text, index, before = words[position]
        if text.isdigit():
            result.append(Atom("number", text, text, index, before))
            position += 1
            continue
        terms, size = reader.terms(texts, position)
        if terms:
            kinds = tuple((kind, value) for kind, value, _ in terms)
            posts = {post for _, _, post in terms}
            name = " ".join(texts[position : position + size])
            atom = Atom(
                kinds[0][0], kinds[0][1], name, index, before, posts == {True} or (True in posts), others=kinds[1:]
            )
            atom.end = words[position + size - 1][1]
            if size > 1 and kinds[0] in (("words", "end"), ("words", "start")):  # "month end" holds its unit
                inner = (
                    term for place in range(position, position + size) for term in reader.terms([texts[place]], 0)[0]
                )
                atom.others += tuple((kind, value) for kind, value, _ in inner if kind == "units")
            if index in negators and size == 1:
                atom.others = (*atom.others, ("neg", ""))
            result.append(atom)
            position += size
            continue
        kind = "neg" if index in negators else "other"
        if not (kind == "neg" and result and result[-1].kind == "neg" and result[-1].at in negators and not before):
            result.append(Atom(kind, "", text, index, before))
        position += 1
    return result

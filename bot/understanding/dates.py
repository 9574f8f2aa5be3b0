"""Read the day and the hour that a shopper asks for.

Words come from the packs and from CLDR; the order of words is read by a small grammar that knows operators before and after
their target ("after 6", "6 ke baad"). Nothing here guesses: what is not understood is left out, and every resolved date is
read back to the shopper.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.understanding.calendar import Span, day_of_month, end_of, festival, month_day, start_of, week, weekday, weekend
from bot.understanding.contract import Slot
from bot.understanding.lexicon import BIT, Reader, Unit
from bot.understanding.normal import Token

_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_SPLIT = re.compile(r"(\d+)([^\d]+)")
_NEGATORS = BIT["NEG"] | BIT["NOWANT"]
_AFTERNOON = frozenset({"afternoon", "evening", "night"})
# English words that are also names of months or weekdays count only beside a number or another date word.
_RISKY = frozenset({"may", "mar", "sat", "sun", "mon", "wed", "jan", "dec", "march", "mai", "no", "dom", "sab", "mar", "jum"})


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

    def can(self, kind: str, value: str | None = None) -> bool:
        """Tell whether the word may be read so."""
        return any(k == kind and (value is None or v == value) for k, v in ((self.kind, self.value), *self.others))

    def get(self, kind: str) -> str:
        """Return its value when read so."""
        return next((v for k, v in ((self.kind, self.value), *self.others) if k == kind), "")


@dataclass(slots=True)
class _Day:
    span: Span
    first: int  # atom indexes
    last: int
    negated: bool = False
    operator: str = ""


@dataclass(slots=True)
class _Clock:
    hour: int
    minute: int
    sure: bool  # am or pm is known
    first: int
    last: int
    operator: str = ""


@dataclass(frozen=True, slots=True)
class When:
    """What a message says about time; `tokens` are the indexes of the words it was said with."""

    slots: dict[str, Slot] = field(default_factory=dict)
    tokens: frozenset[int] = frozenset()
    refused: bool = False  # a day was named and refused

    @property
    def dated(self) -> bool:
        """Tell whether a time was given, beyond a refusal."""
        return bool(self.slots)


def atoms(found: list[Token], reader: Reader, read: list[Unit]) -> list[Atom]:
    """Turn tokens into atoms: digits split from letters, phrases of date words joined, negators marked."""
    words: list[tuple[str, int, str]] = []
    for index, token in enumerate(found):
        parts = _SPLIT.fullmatch(token.text)
        if parts and not token.text.isdigit():
            words += [(parts[1], index, token.before), (parts[2], index, "")]
            if (rest := re.fullmatch(r"(\D+)(\d+)", parts[2])) is not None:
                words[-1:] = [(rest[1], index, ""), (rest[2], index, "")]
        else:
            words.append((token.text, index, token.before or ("" if token.spaced or index == 0 else "")))
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
            atom = Atom(kinds[0][0], kinds[0][1], name, index, before, posts == {True} or (True in posts), others=kinds[1:])
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


class _Grammar:
    def __init__(self, items: list[Atom], now: datetime, state: str, region: str | None, post: bool) -> None:
        self.items = items
        self.now = now
        self.today = now.date()
        self.state = state
        self.region = region
        self.post = post
        self.days: list[_Day] = []
        self.clocks: list[_Clock] = []
        self.parts: list[tuple[str, int]] = []
        self.any = False

    def item(self, index: int) -> Atom | None:
        return self.items[index] if 0 <= index < len(self.items) else None

    def is_(self, index: int, kind: str, value: str | None = None) -> bool:
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
        for index in indexes:
            self.items[index].used = True

    def day(self, span: Span, first: int, last: int) -> None:
        self.take(*range(first, last + 1))
        self.days.append(_Day(span, first, last))

    # The readers below run in this order; each marks the atoms it used.

    def written_dates(self) -> None:
        """Read 2026-11-21, 21/11, 21-11-26, and 25 nov or nov 25."""
        for index in range(len(self.items)):
            first = self.number(index, 9999)
            if first is None or self.items[index].kind != "number":
                continue
            second, third = self.number(index + 1, 31), self.number(index + 2, 9999)
            joint = self.items[index + 1].before if second is not None else ""
            last = self.items[index + 2].before if third is not None else ""
            if first > 1900 and second and third and joint == last == "-":
                self._dated(third, second, first, index, index + 2)
            elif second is not None and joint in ("/", "-", "."):
                day, month = (second, first) if self.region in ("US", "PH") and first <= 12 else (first, second)
                if third is not None and last == joint:
                    self._dated(day, month, third + 2000 if third < 100 else third, index, index + 2)
                elif joint == "/" or (day > 12 >= month and joint == "-") or (joint == "." and day > 23):
                    self._dated(day, month, None, index, index + 1)

    def _dated(self, day: int, month: int, year: int | None, first: int, last: int) -> None:
        span = month_day(self.today, day, month, year)
        if span is None and year is None:
            span = month_day(self.today, month, day, None)
        if span is not None:
            self.day(span, first, last)

    def named_months(self) -> None:
        """Read a day beside the name of a month, and the month alone after a preposition."""
        for index in range(len(self.items)):
            if not self.is_(index, "months"):
                continue
            month = _MONTHS[self.items[index].get("months")]
            before, after = index - 1, index + 1
            if self.is_(before, "other") or self.is_(before, "words", "date") or self.is_(before, "words", "of"):
                before -= 1
            if self.is_(before, "words", "date"):
                before -= 1
            if self.is_(after, "words", "date"):
                after += 1
            for place in (before, after, index + 1):
                day = self.number(place)
                if day:
                    span = month_day(self.today, day, month, None)
                    if span:
                        self.day(span, min(place, index), max(place, index))
                        break
        for index in range(len(self.items) - 1):  # Vietnamese: the month is a unit with a number.
            if self.is_(index, "units", "month") and not self.post:
                month_number, day = self.number(index + 1, 12), self.number(index - 1)
                if month_number and day:
                    span = month_day(self.today, day, month_number, None)
                    if span:
                        self.day(span, index - 1, index + 1)

    def clock_times(self) -> None:
        """Read 18:30, 6pm, 6 baje, jam 6, 18h30, saadhe 5, and ranges of hours."""
        for index in range(len(self.items)):
            hour = self.number(index, 24)
            if hour is None:
                continue
            minute, last, said = 0, index, self.items[index].kind == "number" and False
            following = self.item(index + 1)
            nextnumber = self.number(index + 1, 59)
            if nextnumber is not None and following and following.before in (":", ".") and self.items[index].kind == "number":
                if following.before == ":" or len(following.text) == 2:
                    minute, last, said = nextnumber, index + 1, True
            marker = last + 1
            sure = said and (hour > 12 or (hour == 0))
            first = index
            if self.is_(marker, "words", "oclock"):
                said, last = True, marker
                extra = self.number(marker + 1, 59)
                if extra is not None and self.items[marker].text in ("h", "g", "gio", "giờ", "baj") and extra in (15, 30, 45):
                    minute, last = extra, marker + 1
            if self.is_(last + 1, "words", "am") or self.is_(last + 1, "words", "pm"):
                after = self.items[last + 1].get("words")
                if not (self.items[last + 1].text == "am" and self.items[last + 1].before):
                    hour = hour % 12 + (12 if after == "pm" else 0) if hour <= 12 else hour
                    said, sure, last = True, True, last + 1
            if self.is_(index - 1, "words", "oclock") and not said or self.is_(index - 1, "words", "oclock"):
                said, first = True, index - 1
            half = index - 1 if first == index else first - 1
            if self.is_(half, "words", "half"):
                minute, first, said = 30, half, True
            elif self.is_(last + 1, "words", "half") and said:
                minute, last = 30, last + 1
            if said and hour <= 24:
                self.take(*range(first, last + 1))
                self.clocks.append(_Clock(hour % 24, minute, sure, first, last))

    def hour_ranges(self) -> None:
        """Read "4 se 6", "6-8", "between 4 and 6", "from 10 to 12 o'clock", and a bare hour beside an operator or a part of day."""
        between = any(atom.can("words", "between") for atom in self.items)
        for index in range(len(self.items) - 1):
            start = self._hour_at(index)
            if start is None:
                continue
            for middle in (index + 1, index + 2):
                joined = self.items[middle].before in ("-", "–", "—", "to", "~") if middle < len(self.items) and middle == index + 1 else False
                gap = middle == index + 2 and (
                    self.is_(index + 1, "words", "to") or self.is_(index + 1, "words", "from") or self.is_(index + 1, "words", "until")
                    or (between and self.items[index + 1].before == "") or self.items[index + 1].text == "-"
                )  # fmt: skip
                if not joined and not gap:
                    continue
                stop = self._hour_at(middle + 1 if self.is_(middle, "words", "oclock") else middle)
                if stop is None or start is stop:
                    continue
                if max(start.hour, stop.hour) > 12 and not (start.sure or stop.sure or start in self.clocks or stop in self.clocks):
                    if start.hour > 12 or stop.hour > 12:
                        continue
                start.operator, stop.operator = "from", "until"
                for clock in (start, stop):
                    if clock not in self.clocks:
                        self.clocks.append(clock)
                    self.take(*range(clock.first, clock.last + 1))
                if gap:
                    self.take(index + 1)
                break

    def _hour_at(self, index: int) -> _Clock | None:
        for clock in self.clocks:
            if clock.first <= index <= clock.last and not clock.operator:
                return clock
        hour = self.number(index, 24)
        if hour is None or self.items[index].kind != "number" and self.items[index].used:
            return None
        return _Clock(hour, 0, False, index, index)

    def offsets(self) -> None:
        """Read "2 din baad", "in 3 days", "after two weeks"."""
        for index in range(len(self.items)):
            count = self.number(index, 60)
            if count is None or not self.is_(index + 1, "units"):
                continue
            unit = self.items[index + 1].get("units")
            marks = ("after", "in", "from")
            near = [place for place in (index - 1, index + 2, index + 3) if any(self.is_(place, "words", mark) for mark in marks)]
            if unit in ("day", "week", "month") and (near or self.state == "slot"):
                days = count * {"day": 1, "week": 7, "month": 30}[unit]
                last = max([index + 1, *[place for place in near if place > index]])
                first = min([index, *[place for place in near if place < index]])
                target = self.today + timedelta(days=days)
                self.take(*near)
                self.day(Span(target, target), first, last)
        for index in range(len(self.items) - 1):
            if self.is_(index, "units", "week") and self.number(index - 1) is None:
                if self.is_(index + 1, "words", "after") and self.post:
                    self.take(index + 1)
                    self.day(week(self.today, 1), index, index + 1)

    def periods(self) -> None:
        """Read next week, this weekend, end of the month, a month or a week without an adjective."""
        for index in range(len(self.items)):
            if not self.is_(index, "units"):
                continue
            unit = self.items[index].get("units")
            near = [place for place in (index - 1, index + 1, index - 2, index + 2) if self.item(place) is not None]
            which = {self.items[p].get("words"): p for p in reversed(near) if self.is_(p, "words")}
            if unit == "weekend":
                self.day(weekend(self.today, self.region), index, index)
            elif "end" in which and unit in ("month", "week"):
                self.take(which["end"])
                self.day(end_of(self.today, unit), index, index)
            elif "start" in which and unit in ("month", "week"):
                self.take(which["start"])
                self.day(start_of(self.today, unit), index, index)
            elif unit in ("week", "month") and ("next" in which or "this" in which or "last" in which):
                key = "next" if "next" in which else "this" if "this" in which else "last"
                if key == "last":
                    if unit == "month":
                        self.day(end_of(self.today, unit), index, index)
                    continue
                self.take(which[key])
                if unit == "week":
                    self.day(week(self.today, 1 if key == "next" else 0), index, index)
                elif key == "next":
                    self.day(start_of(self.today, "whole month"), index, index)
                else:
                    self.day(Span(self.today, end_of(self.today, "month").last), index, index)
        for index, atom in enumerate(self.items):
            if atom.can("words", "end") and not atom.used and "month" in atom.text:
                self.day(end_of(self.today, "month"), index, index)

    def named_days(self) -> None:
        """Read today, tomorrow, weekdays and festivals."""
        for index, atom in enumerate(self.items):
            if atom.used:
                continue
            if atom.can("relative"):
                target = self.today + timedelta(days=int(atom.get("relative")))
                self.day(Span(target, target), index, index)
            elif atom.can("weekdays"):
                if atom.text in _RISKY and self.state != "slot" and len(self.items) > 2 and not self._beside(index):
                    continue
                target = weekday(self.today, _WEEKDAYS[atom.get("weekdays")])
                first = index - 1 if self.is_(index - 1, "words", "next") or self.is_(index - 1, "words", "this") else index
                self.day(Span(target, target), first, index)
            elif atom.can("festivals"):
                span = festival(self.today, atom.get("festivals"))
                if span is not None:
                    self.day(span, index, index)

    def _beside(self, index: int) -> bool:
        return any(self.items[p].kind not in ("other", "neg") for p in (index - 1, index + 1) if self.item(p) is not None)

    def days_of_month(self) -> None:
        """Read "25 tarikh", "the 5th", "tgl 25", and a bare 13 to 31 beside an operator."""
        for index in range(len(self.items)):
            number = self.number(index)
            if number is None or not 1 <= number <= 31:
                continue
            marked = [p for p in (index + 1, index - 1) if self.is_(p, "words", "date") or (p == index - 1 and self._dateish(p))]
            operator = [p for p in (index - 1, index + 1) if any(self.is_(p, "words", w) for w in ("after", "before", "until"))]
            if marked or (number > 12 and operator and self.items[index].kind == "number"):
                self.take(*[p for p in marked if self.items[p].can("words", "date")])
                self.day(day_of_month(self.today, number), min([index, *marked]), max([index, *marked]))

    def _dateish(self, index: int) -> bool:
        return False

    def bare_hours(self) -> None:
        """Read a bare hour beside an operator or a part of the day: "after 6", "shaam 5"."""
        for index in range(len(self.items)):
            number = self.number(index, 24)
            if number is None or self.items[index].kind != "number":
                continue
            operator = any(self.is_(p, "words", w) for p in (index - 1, index + 1) for w in ("after", "before", "until", "from"))
            part = any(p == index - 1 or p == index + 1 or p == index - 2 for _, p in self.parts)
            at = self.item(index - 1) is not None and self.items[index - 1].text in ("at", "around", "by", "as", "às", "las", "a")
            if operator or part or (at and self.state == "slot"):
                self.take(index)
                self.clocks.append(_Clock(number % 24, 0, number > 12, index, index))

    def operators(self) -> None:
        """Attach before, after and until to the day or hour that they belong to."""
        for index, atom in enumerate(self.items):
            if atom.used or atom.kind == "number":
                continue
            name = next((w for w in ("after", "before", "until", "from") if atom.can("words", w)), "")
            if not name:
                continue
            sides = (-1, 1) if atom.post else (1, -1)
            for side in sides:
                target = self._target(index, side)
                if target is not None:
                    if not target.operator:
                        target.operator = name
                    atom.used = True
                    break

    def _target(self, index: int, side: int) -> "_Day | _Clock | None":
        for step in (1, 2):
            place = index + side * step
            for known in (*self.clocks, *self.days):
                if known.first <= place <= known.last:
                    return known
            atom = self.item(place)
            if atom is None or (atom.kind != "other" and not (atom.kind == "words" and step == 1)):
                return None
        return None

    def refusals(self) -> None:
        """Mark the days that a negator belongs to: "aaj nahi kal" refuses today, "not today" too."""
        for index, atom in enumerate(self.items):
            if not atom.can("neg") or atom.used:
                continue
            following = self.item(index + 1)
            left, right = self._neighbour(index, -1), self._neighbour(index, 1)
            if self._operator_day(index):
                continue
            closed = following is not None and bool(set(following.before) & set(",.;،।-"))
            opened = bool(set(atom.before) & set(",.;،।"))
            if left and right:
                prefer_left = (closed or self.post or atom.post) and not opened
                (left if prefer_left else right).negated = True
            elif left and (self.post or atom.post or closed or index == len(self.items) - 1 or not opened):
                left.negated = True
            elif right and not closed:
                right.negated = True

    def absences(self, away: set[int]) -> None:
        """Refuse the days on which the shopper is away, if another day is named: "I'm out this week, come on the 30th"."""
        absent = [known for known in self.days if self.items[known.first].at in away]
        if absent and len(absent) < len(self.days):
            for known in absent:
                known.negated = True

    def _operator_day(self, index: int) -> bool:
        """Turn "not before the 5th" into "from the 5th", and its mirror in languages with postpositions."""
        for known in self.days:
            if known.operator in ("before", "until") and (0 < known.first - index <= 3 or 0 < index - known.last <= 2):
                known.operator = "from"
                self.items[index].used = True
                return True
            if known.operator == "after" and 0 < known.first - index <= 2:
                known.operator = "until"
                self.items[index].used = True
                return True
        return False

    def _neighbour(self, index: int, side: int) -> _Day | None:
        """Return the day beside a negator, over at most one word or two (a verb, an operator)."""
        for step in (1, 2, 3):
            place = index + side * step
            atom = self.item(place)
            if atom is None:
                return None
            if set((self.items[place + 1] if side < 0 else atom).before) & set(",.;،"):
                return None
            for known in self.days:
                if known.first <= place <= known.last:
                    return known
            if atom.can("neg"):
                return None
        return None


def read(found: list[Token], reader: Reader, known: list[Unit], now: datetime, state: str, region: str | None) -> When:
    """Return the slots for the time that a message gives, resolved against `now` in the shopper's zone."""
    items = atoms(found, reader, known)
    if not any(atom.kind not in ("other", "neg") for atom in items):
        return When()
    post = reader.packs[0].post
    grammar = _Grammar(items, now, state, region, post)
    for index, atom in enumerate(items):
        if atom.can("words", "any"):
            grammar.any = True
            grammar.take(index)
    grammar.written_dates()
    grammar.named_months()
    for index, atom in enumerate(items):
        if not atom.used and atom.can("parts"):
            grammar.parts.append((atom.get("parts"), index))
    grammar.offsets()
    grammar.periods()
    grammar.clock_times()
    grammar.hour_ranges()
    grammar.days_of_month()
    grammar.bare_hours()
    grammar.named_days()
    grammar.operators()
    grammar.refusals()
    gone = {unit.clause for unit in known if unit.bits & BIT["AWAY"]}
    grammar.absences({index for unit in known if unit.clause in gone for index in range(unit.start, unit.end)})
    return _result(grammar, found)


def _hour(clock: _Clock, part: str) -> int:
    """Return the hour of day: by the word for the part of the day, else by the hours in which parcels come."""
    hour = clock.hour
    if clock.sure or hour > 12:
        return hour
    if part in _AFTERNOON:
        return hour if hour == 12 else hour + 12
    if part == "noon":
        return hour + 12 if hour < 6 else hour
    if part == "morning":
        return hour % 12 if hour == 12 else hour
    return hour + 12 if 1 <= hour <= 7 else hour


def _result(grammar: _Grammar, found: list[Token]) -> When:
    slots: dict[str, Slot] = {}
    used = {atom.at for atom in grammar.items if atom.used}
    open_days = [known for known in grammar.days if not known.negated]
    refused = any(known.negated for known in grammar.days)
    if len(open_days) >= 2 and _joined(grammar, open_days[0], open_days[1]):
        slots["date_from"] = open_days[0].span.first.isoformat()
        slots["date_to"] = open_days[1].span.last.isoformat()
    elif open_days:
        chosen = next((known for known in open_days if known.operator), open_days[0])
        if len(open_days) > 1 and not chosen.operator and grammar.days[0].span.first == grammar.today and refused:
            chosen = open_days[-1]
        slots.update(_day_slots(chosen))
    part = next((name for name, _ in grammar.parts), "")
    if part:
        slots["part"] = part
        used |= {grammar.items[index].at for _, index in grammar.parts}
    slots.update(_clock_slots(grammar.clocks, part))
    if grammar.any and not open_days:
        slots["any"] = True
    return When(slots, frozenset(used), refused)


def _joined(grammar: _Grammar, one: _Day, two: _Day) -> bool:
    between = grammar.items[one.last + 1 : two.first]
    if one.operator == "from" and two.operator == "until":
        return True
    if len(between) > 2 or one.span.first >= two.span.first:
        return False
    words = any(atom.can("words", name) for atom in between for name in ("or", "to", "until", "from"))
    return words or (not between and grammar.items[two.first].before in ("-", "/"))


def _day_slots(known: _Day) -> dict[str, Slot]:
    first, last = known.span.first, known.span.last
    if known.operator == "after":
        return {"date_from": (last + timedelta(days=1)).isoformat()}
    if known.operator == "from":
        return {"date_from": first.isoformat()}
    if known.operator == "until":
        return {"date_to": last.isoformat()}
    if known.operator == "before":
        return {"date_to": (first - timedelta(days=1)).isoformat()}
    if first == last:
        return {"date": first.isoformat()}
    return {"date_from": first.isoformat(), "date_to": last.isoformat()}


def _clock_slots(clocks: list[_Clock], part: str) -> dict[str, Slot]:
    slots: dict[str, Slot] = {}
    starts = [clock for clock in clocks if clock.operator in ("from", "after")]
    stops = [clock for clock in clocks if clock.operator in ("until", "before")]
    if starts and stops:
        start, stop = _hour(starts[0], part), _hour(stops[0], part)
        if stops[0].sure and not starts[0].sure and stop > 12 and starts[0].hour + 12 < stop:
            start = starts[0].hour + 12 if starts[0].hour < 12 else starts[0].hour
        if stop <= start and stop <= 12:
            stop += 12
        if start >= 12 > starts[0].hour and stop < start and stops[0].hour > starts[0].hour:
            start -= 12
        slots["time_from"] = f"{start:02d}:{starts[0].minute:02d}"
        slots["time_to"] = f"{stop % 24:02d}:{stops[0].minute:02d}"
        return slots
    for clock in clocks:
        text = f"{_hour(clock, part):02d}:{clock.minute:02d}"
        if clock.operator in ("after", "from"):
            slots["time_from"] = text
        elif clock.operator in ("before", "until"):
            slots["time_to"] = text
        else:
            slots.setdefault("time", text)
    return slots

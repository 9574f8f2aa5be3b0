"""Read the day and the hour that a shopper asks for.

Words come from the packs and from CLDR; the order of words is read by a small grammar that knows operators before
and after
their target ("after 6", "6 ke baad"). Nothing here guesses: what is not understood is left out, and every resolved
date is
read back to the shopper.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.understanding.calendar import Span, day_of_month, end_of, festival, month_day, start_of, week, weekday, weekend
from bot.understanding.contract import Slot
from bot.understanding.hours import bare_hours, clock_slots, clock_times, hour_ranges
from bot.understanding.lexicon import BIT, Reader, Unit
from bot.understanding.normal import Token
from bot.understanding.timewords import Clock, Day, Line, atoms

_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
# English words that are also names of months or weekdays count only beside a number or another date word.
_RISKY = frozenset({"may", "mar", "sat", "sun", "mon", "wed", "jan", "dec", "march", "mai", "no", "dom", "sab", "jum"})


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

    @property
    def week(self) -> bool:
        """Tell whether it is a whole week that was given: from Monday to Sunday."""
        first, last = (self.slots.get(key) for key in ("date_from", "date_to"))
        ends = isinstance(first, str) and isinstance(last, str)
        return ends and date.fromisoformat(str(last)) - date.fromisoformat(str(first)) == timedelta(days=6)


def written_dates(line: Line) -> None:
    """Read 2026-11-21, 21/11, 21-11-26, and 25 nov or nov 25."""
    for index in range(len(line.items)):
        first = line.number(index, 9999)
        if first is None or line.items[index].kind != "number":
            continue
        second, third = line.number(index + 1, 31), line.number(index + 2, 9999)
        joint = line.items[index + 1].before if second is not None else ""
        last = line.items[index + 2].before if third is not None else ""
        if first > 1900 and second and third and joint == last == "-":
            _dated(line, third, second, first, index, index + 2)
        elif second is not None and joint in ("/", "-", "."):
            day, month = (second, first) if line.region in ("US", "PH") and first <= 12 else (first, second)
            if third is not None and last == joint:
                _dated(line, day, month, third + 2000 if third < 100 else third, index, index + 2)
            elif joint == "/" or (day > 12 >= month and joint == "-") or (joint == "." and day > 23):
                _dated(line, day, month, None, index, index + 1)


def _dated(line: Line, day: int, month: int, year: int | None, first: int, last: int) -> None:
    span = month_day(line.today, day, month, year)
    if span is None and year is None:
        span = month_day(line.today, month, day, None)
    if span is not None:
        line.day(span, first, last)


def named_months(line: Line) -> None:
    """Read a day beside the name of a month, and the month alone after a preposition."""
    for index in range(len(line.items)):
        if not line.is_(index, "months"):
            continue
        month = _MONTHS[line.items[index].get("months")]
        before, after = index - 1, index + 1
        if line.is_(before, "other") or line.is_(before, "words", "date") or line.is_(before, "words", "of"):
            before -= 1
        if line.is_(before, "words", "date"):
            before -= 1
        if line.is_(after, "words", "date"):
            after += 1
        for place in (before, after, index + 1):
            day = line.number(place)
            if day:
                span = month_day(line.today, day, month, None)
                if span:
                    line.day(span, min(place, index), max(place, index))
                    break
    for index in range(len(line.items) - 1):  # Vietnamese: the month is a unit with a number.
        if line.is_(index, "units", "month") and not line.post:
            month_number, day = line.number(index + 1, 12), line.number(index - 1)
            if month_number and day:
                span = month_day(line.today, day, month_number, None)
                if span:
                    line.day(span, index - 1, index + 1)


def offsets(line: Line) -> None:
    """Read "2 din baad", "in 3 days", "after two weeks"."""
    for index in range(len(line.items)):
        count = line.number(index, 60)
        if count is None or not line.is_(index + 1, "units"):
            continue
        unit = line.items[index + 1].get("units")
        marks = ("after", "in", "from")
        near = [
            place
            for place in (index - 1, index + 2, index + 3)
            if any(line.is_(place, "words", mark) for mark in marks)
        ]
        if unit in ("day", "week", "month") and (near or line.state == "slot"):
            days = count * {"day": 1, "week": 7, "month": 30}[unit]
            last = max([index + 1, *[place for place in near if place > index]])
            first = min([index, *[place for place in near if place < index]])
            target = line.today + timedelta(days=days)
            line.take(*near)
            line.day(Span(target, target), first, last)
    for index in range(len(line.items) - 1):
        alone = line.is_(index, "units", "week") and line.number(index - 1) is None
        if alone and line.post and line.is_(index + 1, "words", "after"):
            line.take(index + 1)
            line.day(week(line.today, 1), index, index + 1)


def periods(line: Line) -> None:
    """Read next week, this weekend, end of the month, a month or a week without an adjective."""
    for index in range(len(line.items)):
        if not line.is_(index, "units"):
            continue
        unit = line.items[index].get("units")
        near = [place for place in (index, index - 1, index + 1, index - 2, index + 2) if line.item(place) is not None]
        names = ("end", "start", "next", "this", "last")
        which = {name: p for name in names for p in reversed(near) if line.is_(p, "words", name)}
        if unit == "weekend":
            line.day(weekend(line.today, line.region), index, index)
        elif "end" in which and unit in ("month", "week"):
            line.take(which["end"])
            line.day(end_of(line.today, unit), index, index)
        elif "start" in which and unit in ("month", "week"):
            line.take(which["start"])
            line.day(start_of(line.today, unit), index, index)
        elif unit in ("week", "month") and ("next" in which or "this" in which or "last" in which):
            key = "next" if "next" in which else "this" if "this" in which else "last"
            if key == "last":
                if unit == "month":
                    line.day(end_of(line.today, unit), index, index)
                continue
            line.take(which[key])
            if unit == "week":
                line.day(week(line.today, 1 if key == "next" else 0), index, index)
            elif key == "next":
                line.day(start_of(line.today, "whole month"), index, index)
            else:
                line.day(Span(line.today, end_of(line.today, "month").last), index, index)


def named_days(line: Line) -> None:
    """Read today, tomorrow, weekdays and festivals."""
    for index, atom in enumerate(line.items):
        if atom.used:
            continue
        if atom.can("relative"):
            ahead = int(atom.get("relative"))
            # "kal" and "parso" point both ways, and nobody asks for a parcel yesterday.
            ahead = abs(ahead) if line.post and line.state == "slot" else ahead
            target = line.today + timedelta(days=ahead)
            line.day(Span(target, target), index, index)
        elif atom.can("weekdays"):
            if atom.text in _RISKY and line.state != "slot" and len(line.items) > 2 and not _beside(line, index):
                continue
            target = weekday(line.today, _WEEKDAYS[atom.get("weekdays")])
            near = [p for p in (index - 1, index + 1) if any(line.is_(p, "words", word) for word in ("next", "this"))]
            line.day(Span(target, target), min([index, *near]), max([index, *near]))
        elif atom.can("festivals"):
            span = festival(line.today, atom.get("festivals"))
            if span is not None:
                line.day(span, index, index)


def _beside(line: Line, index: int) -> bool:
    return any(line.items[p].kind not in ("other", "neg") for p in (index - 1, index + 1) if line.item(p) is not None)


def days_of_month(line: Line) -> None:
    """Read "25 tarikh", "the 5th", "tgl 25", and a bare 13 to 31 beside an operator."""
    for index in range(len(line.items)):
        number = line.number(index)
        if number is None or not 1 <= number <= 31:
            continue
        marked = [p for p in (index + 1, index - 1) if line.is_(p, "words", "date")]
        operator = [
            p for p in (index - 1, index + 1) if any(line.is_(p, "words", w) for w in ("after", "before", "until"))
        ]
        alone = line.state == "slot" and number > 23 and len(line.items) < 3  # "25": no hour of the day
        if marked or (((number > 12 and operator) or alone) and line.items[index].kind == "number"):
            line.take(*[p for p in marked if line.items[p].can("words", "date")])
            line.day(day_of_month(line.today, number), min([index, *marked]), max([index, *marked]))


def operators(line: Line) -> None:
    """Attach before, after and until to the day or hour that they belong to."""
    for index, atom in enumerate(line.items):
        if atom.used or atom.kind == "number":
            continue
        name = next((w for w in ("after", "before", "until", "from") if atom.can("words", w)), "")
        if not name:
            continue
        sides = (-1, 1) if atom.post else (1, -1)
        for side in sides:
            target = _target(line, index, side)
            if target is not None:
                if not target.operator:
                    target.operator = name
                atom.used = True
                break


def _target(line: Line, index: int, side: int) -> Day | Clock | None:
    for step in (1, 2):
        place = index + side * step
        found: list[Day | Clock] = [*line.clocks, *line.days]
        for known in found:
            if known.first <= place <= known.last:
                return known
        atom = line.item(place)
        if atom is None or (atom.kind != "other" and not (atom.kind == "words" and step == 1)):
            return None
    return None


def refusals(line: Line) -> None:
    """Mark the days that a negator belongs to: "aaj nahi kal" refuses today, "not today" too."""
    for index, atom in enumerate(line.items):
        if not atom.can("neg") or atom.used:
            continue
        following = line.item(index + 1)
        left, right = _neighbour(line, index, -1), _neighbour(line, index, 1)
        if _operator_day(line, index):
            continue
        closed = following is not None and bool(set(following.before) & set(",.;،।-"))
        opened = bool(set(atom.before) & set(",.;،।"))
        if left and right:
            prefer_left = (closed or line.post or atom.post) and not opened
            (left if prefer_left else right).negated = True
        elif left and (line.post or atom.post or closed or index == len(line.items) - 1 or not opened):
            left.negated = True
        elif right and not closed and not line.post:
            right.negated = True


def absences(line: Line, away: set[int]) -> None:
    """Refuse the days on which the shopper is away, if another day is named: "I'm out this week, come on the 30th"."""
    absent = [known for known in line.days if line.items[known.first].at in away]
    if absent and len(absent) < len(line.days):
        for known in absent:
            known.negated = True


def _operator_day(line: Line, index: int) -> bool:
    """Turn "not before the 5th" into "from the 5th", and its mirror in languages with postpositions."""
    for known in line.days:
        if known.operator in ("before", "until") and (0 < known.first - index <= 3 or 0 < index - known.last <= 2):
            known.operator = "from"
            line.items[index].used = True
            return True
        if known.operator == "after" and 0 < known.first - index <= 2:
            known.operator = "until"
            line.items[index].used = True
            return True
    return False


def _neighbour(line: Line, index: int, side: int) -> Day | None:
    """Return the day beside a negator, over at most one word or two (a verb, an operator)."""
    for step in (1, 2, 3):
        place = index + side * step
        atom = line.item(place)
        if atom is None:
            return None
        if set((line.items[place + 1] if side < 0 else atom).before) & set(",.;،"):
            return None
        for known in line.days:
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
    line = Line(items, now, state, region, post)
    for index, atom in enumerate(items):
        if atom.can("words", "any"):
            line.any = True
            line.take(index)
    written_dates(line)
    named_months(line)
    for index, atom in enumerate(items):
        if not atom.used and atom.can("parts"):
            line.parts.append((atom.get("parts"), index))
    offsets(line)
    periods(line)
    clock_times(line)
    hour_ranges(line)
    days_of_month(line)
    bare_hours(line)
    named_days(line)
    operators(line)
    refusals(line)
    gone = {unit.clause for unit in known if unit.bits & BIT["AWAY"]}
    absences(line, {index for unit in known if unit.clause in gone for index in range(unit.start, unit.end)})
    return _result(line)


def _result(line: Line) -> When:
    slots: dict[str, Slot] = {}
    used = {place for atom in line.items if atom.used for place in atom.span}
    open_days = [known for known in line.days if not known.negated]
    refused = any(known.negated for known in line.days)
    # A word for the day beside the name of another ("li-yawm al-ahad", on the day of Sunday) only introduces it.
    beside = len(open_days) > 1 and open_days[1].first == open_days[0].last + 1
    if beside and open_days[0].span.first == line.today and not line.items[open_days[1].first].before:
        open_days = open_days[1:]
    open_days = _weekday_of_week(line, open_days)
    if len(open_days) >= 2 and _joined(line, open_days[0], open_days[1]):
        slots["date_from"] = open_days[0].span.first.isoformat()
        slots["date_to"] = open_days[1].span.last.isoformat()
    elif open_days:
        chosen = next((known for known in open_days if known.operator), open_days[0])
        if len(open_days) > 1 and not chosen.operator and line.days[0].span.first == line.today and refused:
            chosen = open_days[-1]
        slots.update(_day_slots(chosen))
    part = next((name for name, _ in line.parts), "")
    if part:
        slots["part"] = part
        used |= {place for _, index in line.parts for place in line.items[index].span}
    slots.update(clock_slots(line.clocks, part))
    if line.any and not open_days:
        slots["any"] = True
    return When(slots, frozenset(used), refused)


def _weekday_of_week(line: Line, days: list[Day]) -> list[Day]:
    """Join a weekday with the week that it stands beside: "friday next week"."""
    for one, two in (days[:2], days[1::-1]) if len(days) == 2 else ():
        length = (two.span.last - two.span.first).days
        named = any(line.items[place].can("weekdays") for place in range(one.first, one.last + 1))
        if named and 0 < length < 7 and two.span.last.weekday() == 6 and not (one.operator or two.operator):
            target = two.span.last - timedelta(days=6 - one.span.first.weekday())
            day = target if target >= line.today else one.span.first
            return [Day(Span(day, day), min(one.first, two.first), max(one.last, two.last))]
    return days


def _joined(line: Line, one: Day, two: Day) -> bool:
    between = line.items[one.last + 1 : two.first]
    if one.operator == "from" and two.operator == "until":
        return True
    if len(between) > 2 or one.span.first >= two.span.first:
        return False
    words = any(atom.can("words", name) for atom in between for name in ("or", "to", "until", "from"))
    return words or (not between and line.items[two.first].before in ("-", "/"))


def _day_slots(known: Day) -> dict[str, Slot]:
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

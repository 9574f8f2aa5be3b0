"""Read hours: on the clock, as ranges, and beside words for parts of the day."""

from bot.understanding.contract import Slot
from bot.understanding.timewords import Clock, Line

_AFTERNOON = frozenset({"afternoon", "evening", "night"})


def clock_times(line: Line) -> None:
    """Read 18:30, 6pm, 6 baje, jam 6, 18h30, saadhe 5, and ranges of hours."""
    for index in range(len(line.items)):
        hour = line.number(index, 24)
        if hour is None:
            continue
        minute, last, said = 0, index, False
        following = line.item(index + 1)
        nextnumber = line.number(index + 1, 59)
        if (
            nextnumber is not None
            and following
            and following.before in (":", ".")
            and line.items[index].kind == "number"
        ) and (following.before == ":" or len(following.text) == 2):
            minute, last, said = nextnumber, index + 1, True
        marker = last + 1
        sure = said and (hour > 12 or (hour == 0))
        first = index
        if line.is_(marker, "words", "oclock"):
            said, last = True, marker
            extra = line.number(marker + 1, 59)
            if (
                extra is not None
                and line.items[marker].text in ("h", "g", "gio", "giờ", "baj")
                and extra in (15, 30, 45)
            ):
                minute, last = extra, marker + 1
        if line.is_(last + 1, "words", "am") or line.is_(last + 1, "words", "pm"):
            after = line.items[last + 1].get("words")
            if not (line.items[last + 1].text == "am" and line.items[last + 1].before):
                hour = hour % 12 + (12 if after == "pm" else 0) if hour <= 12 else hour
                said, sure, last = True, True, last + 1
        if (line.is_(index - 1, "words", "oclock") and not said) or line.is_(index - 1, "words", "oclock"):
            said, first = True, index - 1
        half = index - 1 if first == index else first - 1
        if line.is_(half, "words", "half"):
            minute, first, said = 30, half, True
        elif line.is_(last + 1, "words", "half") and said:
            minute, last = 30, last + 1
        if said and hour <= 24:
            line.take(*range(first, last + 1))
            line.clocks.append(Clock(hour % 24, minute, sure, first, last))


def hour_ranges(line: Line) -> None:
    """Read "4 se 6", "6-8", "between 4 and 6", "from 10 to 12 o'clock"."""
    between = any(atom.can("words", "between") for atom in line.items)
    for index in range(len(line.items) - 1):
        start = _hour_at(line, index)
        if start is None:
            continue
        for middle in (index + 1, index + 2):
            joined = (
                line.items[middle].before in ("-", "–", "—", "to", "~")
                if middle < len(line.items) and middle == index + 1
                else False
            )
            gap = middle == index + 2 and (
                any(line.is_(index + 1, "words", word) for word in ("to", "from", "until"))
                or (between and line.items[index + 1].before == "") or line.items[index + 1].text == "-"
            )  # fmt: skip
            if not joined and not gap:
                continue
            stop = _hour_at(line, middle + 1 if line.is_(middle, "words", "oclock") else middle)
            if stop is None or start is stop:
                continue
            if (
                max(start.hour, stop.hour) > 12
                and not (start.sure or stop.sure or start in line.clocks or stop in line.clocks)
                and (start.hour > 12 or stop.hour > 12)
            ):
                continue
            start.operator, stop.operator = "from", "until"
            for clock in (start, stop):
                if clock not in line.clocks:
                    line.clocks.append(clock)
                line.take(*range(clock.first, clock.last + 1))
            if gap:
                line.take(index + 1)
            break


def _hour_at(line: Line, index: int) -> Clock | None:
    for clock in line.clocks:
        if clock.first <= index <= clock.last and not clock.operator:
            return clock
    hour = line.number(index, 24)
    if hour is None or (line.items[index].kind != "number" and line.items[index].used):
        return None
    return Clock(hour, 0, False, index, index)


def bare_hours(line: Line) -> None:
    """Read a bare hour beside an operator or a part of the day: "after 6", "shaam 5"."""
    for index in range(len(line.items)):
        number = line.number(index, 24)
        if number is None or line.items[index].kind != "number":
            continue
        operator = any(
            line.is_(p, "words", w) for p in (index - 1, index + 1) for w in ("after", "before", "until", "from")
        )
        part = any(p == index - 1 or p == index + 1 or p == index - 2 for _, p in line.parts)
        at = line.item(index - 1) is not None and line.items[index - 1].text in (
            "at",
            "around",
            "by",
            "as",
            "às",
            "las",
            "a",
        )
        if operator or part or (at and line.state == "slot"):
            line.take(index)
            line.clocks.append(Clock(number % 24, 0, number > 12, index, index))


def _hour(clock: Clock, part: str) -> int:
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


def clock_slots(clocks: list[Clock], part: str) -> dict[str, Slot]:
    """Return the slots for the hours that were found."""
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

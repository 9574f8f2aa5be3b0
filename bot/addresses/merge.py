"""
The present address and a shopper's reply in, the next version out. The lines stay the only truth: a house
number is put where the old one stood or in front, a landmark goes to its own field, a whole new address
replaces the old one. Chatter changes nothing. The last word on a fact wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bot.addresses.check import check
from bot.addresses.check_india import PIN_TEXT, place_of_line
from bot.addresses.countries import habits
from bot.addresses.index import index
from bot.addresses.india import NEAR, OK, distance, fit, states_of_city
from bot.addresses.india_names import STATE_NAMES, other_names, state_of
from bot.addresses.parts import LANDMARK_WORD, STREET_WORD, Parts, latin, read_parts
from bot.addresses.phones import check_phone
from bot.addresses.records import Address, Change, Merge, Option, Question, Reply
from bot.addresses.replies import DIRECTIONS, SENTENCE, Said, hear, read_reply, without_chatter
from bot.addresses.text import clean, key, word_set, words
from bot.addresses.verdict import ask

PIN_QUESTIONS = frozenset({"CONFIRM_PIN", "ASK_PIN", "CONFIRM_CITY_OR_PIN"})
PLACE_QUESTIONS = PIN_QUESTIONS | {"CONFIRM_CITY_OR_PIN"}
CORRECTION = re.compile(
    r"^(?P<a>.+?)[\s,]+(?:nahi|nahin|nhi|nai|not|na hi|ki jagah|ke bajay|ke badle|ki bajaye|instead of|"
    r"rather than|नहीं|bukan)[\s,]+(?P<b>.+)$",
    re.I,
)
CORRECTION_FIRST = re.compile(
    r"^(?:not|nahi|nahin|it is not|it's not|isn't)\s+(?P<a>[^,]+?)(?:\s*,\s*|\s+(?:but|it'?s|its|is|should be|"
    r"par|balki)\s+)(?P<b>.+)$",
    re.I,
)
KINDS_IN_FRONT = (
    "care_of",
    "unit",
    "house_no",
    "floor",
    "tower",
    "wing",
    "building",
    "street",
    "sublocality",
    "locality",
)
FIELDS = (
    "address1",
    "address2",
    "landmark",
    "directions",
    "city",
    "state",
    "postal_code",
    "country",
    "alt_phone",
    "latitude",
    "longitude",
)


@dataclass(slots=True)
class Work:
    """Hold the address while the replies are read, and what was noticed on the way."""

    address: Address
    asked: str
    options: tuple[Option, ...]
    facts: bool = False
    yes: bool = False
    no: bool = False
    unclear_correction: bool = False
    flags: list[str] = field(default_factory=list)

    def set(self, **fields: object) -> None:
        changed = replace(self.address, **fields)  # type: ignore[arg-type]  # the callers name fields of Address
        if changed != self.address:
            self.address = changed
            self.facts = True

    def flag(self, name: str) -> None:
        if name not in self.flags:
            self.flags.append(name)

    def accept(self, what: str) -> None:
        if what not in self.address.accepted:
            self.set(accepted=(*self.address.accepted, what))


def merge(before: Address, question: Question | str | None, replies: Iterable[Reply | str]) -> Merge:
    """
    Read the replies in order and return the address they make, what changed and what is still open. `question`
    is what was asked, as returned by `check` (its options answer a bare "yes") or only its code. Pure: same
    input, same output; any text is accepted. Raises `IndexMissing` when the index was never built.
    """
    asked = question.code if isinstance(question, Question) else str(question or "CONFIRM_ADDRESS")
    options = question.options if isinstance(question, Question) else ()
    work = Work(before, asked, options)
    messages = [read_reply(message) for message in replies]
    if asked != "ASK_FULL" or not _read_together(work, messages):
        for message in messages:
            _read(work, message)
    report = check(work.address)
    changes = _changes(before, work.address)
    if work.facts and _is_other_city(before, work.address):
        work.flag("city_changed")
    still = _open(work, report.question, bool(changes))
    if asked == "CONFIRM_ADDRESS" and work.yes and still is None:
        work.flag("confirmed")
    if not work.facts and not work.yes and not work.flags:
        work.flag("rejected" if work.no else "no_new_facts")
    return Merge(work.address, changes, still, tuple(work.flags), report)


def _open(work: Work, found: Question | None, changed: bool) -> Question | None:
    """Choose what to ask next: the reply may have said that something is wrong, or settled what a check would ask."""
    if "location_conflict" in work.flags:
        return ask("ASK_LOCATION")
    if work.unclear_correction:
        return ask("ASK_FULL")
    if work.no and not work.facts:
        return ask("ASK_PIN" if work.asked == "CONFIRM_PIN" else "ASK_FULL")
    if work.asked == "CONFIRM_ADDRESS" and work.yes:
        return None
    if not work.facts and not work.yes and not work.flags and work.asked != "CONFIRM_ADDRESS":
        return ask(work.asked, *work.options) if work.asked in _ASKABLE else found
    return found


_ASKABLE = frozenset(
    {"ASK_FULL", "CONFIRM_PIN", "CONFIRM_CITY_OR_PIN", "ASK_PIN", "ASK_HOUSE", "ASK_LANDMARK", "ASK_LOCATION"}
)


def _changes(before: Address, after: Address) -> tuple[Change, ...]:
    out = []
    for name in FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            out.append(Change(name, "" if old is None else str(old), "" if new is None else str(new)))
    return tuple(out)


def _is_other_city(before: Address, after: Address) -> bool:
    old, new = key(latin(before.city)), key(latin(after.city))
    return bool(
        old
        and new
        and old != new
        and new not in other_names(old, state_of(before.state))
        and old not in other_names(new, state_of(after.state))
    )


def _read_together(work: Work, messages: list[Reply]) -> bool:
    """Read an address that came line by line in several messages as one; corrections among them forbid it."""
    texts = [m.text for m in messages if m.text.strip()]
    if len(texts) < 2:
        return False
    heard = [hear(text, work.address.country) for text in texts]
    if any(s.no or s.no_house or re.match(r"(?i)\s*(?:sorry|oops|matlab|mistake|galti)", s.raw) for s in heard):
        return False
    joined = hear(", ".join(s.text.replace("\n", ", ") for s in heard if s.text), work.address.country)
    code = _take_code(work, joined)
    if not _whole_address(work, joined, code):
        return False
    for message in messages:
        _read(work, replace(message, text=" ".join(hear(message.text, work.address.country).phones)))
    return True


# --- one message ----------------------------------------------------------------------------------------------------


def _read(work: Work, reply: Reply) -> None:
    if reply.choice is not None:
        _choose(work, reply.choice)
        return
    if reply.rejected:
        work.no = True
        return
    for number in reply.phones:
        _add_phone(work, number)
    if reply.form:
        _fill_form(work, reply)
    if reply.location is not None:
        _place_pin(work, reply.location)
    if reply.text.strip():
        _read_text(work, hear(reply.text, work.address.country))


def _choose(work: Work, option: Option) -> None:
    """Take an offered option; a code that is chosen as it stood is the shopper's and not doubted again."""
    values = {name: value for name, value in option.values if name in FIELDS}
    code = values.get("postal_code", "")
    same = code and code == work.address.postal_code
    work.yes = True
    work.set(**values)
    if same:
        work.accept(f"pin:{code}")
        work.flag("shopper_confirmed_pin")


def _add_phone(work: Work, number: str) -> None:
    report = check_phone(number, work.address.country)
    value = report.e164
    if value and value not in work.address.alt_phone:
        work.set(alt_phone=f"{work.address.alt_phone}; {value}".strip("; "))


def _place_pin(work: Work, location: tuple[float, float]) -> None:
    """Store a shared location, unless it lies far from the postal code: then ask which is right."""
    code = re.sub(r"\D", "", work.address.postal_code)
    if work.address.country.upper() in ("IN", "") and len(code) == 6:
        places = index()
        number = places.number(int(code))
        middle = places.middle(number) if number >= 0 else None
        if middle and distance(middle, location) > max(20.0, 3 * places.radius(number)) + (
            30 if places.is_borrowed(number) else 0
        ):
            work.flag("location_conflict")
            return
    work.set(latitude=round(location[0], 6), longitude=round(location[1], 6))


def _fill_form(work: Work, reply: Reply) -> None:
    """Take over Meta's address form: each value that is given replaces its field."""
    form = {k: clean(v) for k, v in reply.form.items()}
    front = [
        form.get("house_number", ""),
        _named("Floor", form.get("floor_number", "")),
        _named("Tower", form.get("tower_number", "")),
        form.get("building_name", ""),
    ]
    line = form.get("address", "")
    if not line and any(front):
        line = _without_front(work.address.address1)
    parts = [p for p in (*front, line) if p]
    values: dict[str, object] = {}
    if parts:
        values["address1"] = ", ".join(parts)
        values["address2"] = ""
    if form.get("landmark_area"):
        values["landmark"] = form["landmark_area"]
    if form.get("city"):
        values["city"] = form["city"]
    if form.get("state"):
        values["state"] = state_of(form["state"]) or form["state"]
    if form.get("in_pin_code"):
        values["postal_code"] = re.sub(r"\s", "", latin(form["in_pin_code"]))
    work.set(**values)
    if form.get("phone_number"):
        _add_phone(work, form["phone_number"])


def _named(word: str, value: str) -> str:
    return value if not value or re.search("[a-z]{3}", value, re.I) else f"{word} {value}"


def _without_front(line: str) -> str:
    """Return the line without its house, floor, tower and building."""
    parts = read_parts(latin(line))
    kept = [v for kind in ("street", "sublocality", "locality") for v in parts.found.get(kind, ())]
    return ", ".join(kept) or line


# --- words ----------------------------------------------------------------------------------------------------------


def _read_text(work: Work, said: Said) -> None:
    for number in said.phones:
        _add_phone(work, number)
    if said.no_house:
        work.accept("no_house_number")
        work.flag("no_house_number")
    if said.no_landmark:
        work.accept("no_landmark")
        work.flag("no_landmark")
    if said.other and not re.search(r"\d", said.text):
        return
    if not (said.no_house or said.no_landmark) and _correct(work, said):
        return
    if work.asked == "CONFIRM_CITY_OR_PIN" and _sides_with(work, said):
        return
    if said.yes:
        work.yes = True
    code = _take_code(work, said)
    text = said.text
    if not text:
        if said.yes and work.options and work.asked in ("CONFIRM_PIN",) and not code:
            _choose(work, work.options[0])
        elif said.no and not code and not said.phones:
            work.no = True
        return
    if _whole_address(work, said, code):
        return
    if _city_answer(work, text):
        return
    if not _take_parts(work, text, said) and said.no and not code:
        work.no = True


def _sides_with(work: Work, said: Said) -> bool:
    """Take "the pin is right" for an answer to "city or code?"; the city is then that of the code."""
    if (
        said.no
        or not re.search(
            r"(?i)\bpin(?:code)?\b.{0,12}\b(?:sahi|right|correct|theek|thik|ok)\b|\b(?:sahi|right|correct)\b.{0,8}\bpin",
            said.raw,
        )
        or re.search(r"\d", said.text)
    ):
        return False
    if work.options:
        _choose(work, work.options[0])
    else:
        work.accept(f"pin:{re.sub(r'[^0-9A-Za-z]', '', work.address.postal_code)}")
        work.flag("shopper_confirmed_pin")
    return True


def _correct(work: Work, said: Said) -> bool:
    """Apply "X nahi Y": one of the two stands in the address and gives way to the other."""
    match = CORRECTION_FIRST.match(said.raw.strip()) or CORRECTION.match(latin(said.raw).strip(" .!"))
    if not match:
        return False
    a, b = (
        re.sub(r"\s+(?:hai|h|he|hoga|hona chahiye|sahi hai|please|pls)$", "", match.group(g).strip(" ,.!"), flags=re.I)
        for g in ("a", "b")
    )
    a = re.sub(r"^(?:it'?s|its|it is|wo|ye|yeh|the|my|mera|haan|yes|sorry)\s+", "", a, flags=re.I)
    b = without_chatter(b)
    if not b or (not words(a) and not re.search(r"\d", a)) or len(b.split()) > 8:
        return False
    for old, new in ((a, b), (b, a)):
        for name in ("address1", "address2", "landmark", "city", "postal_code", "directions"):
            value = getattr(work.address, name)
            found = re.search(rf"(?<![\w]){re.escape(old)}(?![\w])", value, re.I) if value else None
            if found:
                if name == "city":
                    _set_city(work, new)
                else:
                    work.set(**{name: _like(found.group(), new, value, found)})
                return True
    if re.fullmatch(r"\d{1,4}[a-z]?", b, re.I) or PIN_TEXT.search(b) or SENTENCE.search(a) or len(a.split()) > 5:
        return False
    if read_parts(b).found:
        work.unclear_correction = True
        return True
    return False


def _like(old: str, new: str, value: str, found: re.Match[str]) -> str:
    """Write the new words with the capitals of the old ones."""
    label = re.match(r"([a-z.]+)\s+(?=\S*\d)", new, re.I)
    if label and old[:1].isdigit() and value[: found.start()].rstrip().lower().endswith(label.group(1).lower()):
        new = new[label.end() :]
    written = new.title() if old[:1].isupper() and new.islower() else new
    return value[: found.start()] + written + value[found.end() :]


def _take_code(work: Work, said: Said) -> str:
    """Take a postal code out of the words; return it. A code that is repeated against a doubt is confirmed."""
    country = work.address.country.upper() or "IN"
    code = ""
    if country == "IN":
        found = list(PIN_TEXT.finditer(said.text))
        if found:
            code = found[-1].group(1) + found[-1].group(2)
            said.text = PIN_TEXT.sub(" ", said.text)
    else:
        pattern = habits(country).code
        cue = re.search(
            r"(?i)\b(?:pin|zip|post(?:al)?\s?code|kode pos|cap|cep|"
            r"c\.?p)\b[\s.:#\-]*(?:code)?[\s.:\-]*([a-z0-9][a-z0-9 \-]{2,9})",
            said.text,
        )
        bare = said.text.strip()
        if cue and pattern and pattern.match(cue.group(1).strip()):
            code, said.text = cue.group(1).strip(), said.text.replace(cue.group(), " ")
        elif pattern and work.asked in PIN_QUESTIONS and pattern.match(bare):
            code, said.text = bare, ""
    if not code:
        return ""
    said.text = re.sub(
        r"(?i)\b(?:pin\s*(?:code|no|number)?|zip(?:\s*code)?|post(?:al)?\s*code)\b\s*(?:is|hai|galat|wrong|sahi|"
        r"hoga|:|-)*",
        " ",
        said.text,
    )
    said.text = "\n".join(" ".join(line.strip(" ,.-:").split()) for line in said.text.split("\n")).strip()
    if not [w for w in words(said.text) if w not in _PIN_TALK] and not re.search(r"\d", said.text):
        said.text = ""
    same = code == re.sub(r"\s", "", work.address.postal_code)
    if same and work.asked in PIN_QUESTIONS:
        work.accept(f"pin:{code}")
        work.flag("shopper_confirmed_pin")
    elif same:
        work.facts = work.facts or bool(said.text)
    work.set(postal_code=code)
    return code


_PIN_TALK = word_set(
    "galat hai hoga sahi is right correct wrong pin code pincode ka ki ke no nahi yes it its the hi na ye yeh "
    "wo that this only same"
)


def _whole_address(work: Work, said: Said, code: str) -> bool:
    """Replace everything when the words are an address of their own: they name the city or code, and two parts more."""
    if work.address.country.upper() not in ("IN", ""):
        return _whole_world_address(work, said)
    place = place_of_line(said.text)
    parts = read_parts(place.text, place.shown_city)
    kinds = set(parts.found) - {"directions", "landmark"}
    located = bool(code or place.shown_city or place.digits)
    enough = len(kinds) >= 2 if work.asked == "ASK_FULL" or said.lead_in else len(kinds) >= 3
    if not (located and enough) and not (work.asked == "ASK_FULL" and len(kinds) >= 2):
        return False
    line, marks = _split_landmarks(place.text)
    city = place.shown_city or work.address.city
    state = place.state or work.address.state
    number = (
        index().number(int(code or work.address.postal_code))
        if re.fullmatch(r"\d{6}", code or work.address.postal_code)
        else -1
    )
    if place.shown_city and number >= 0:
        state = STATE_NAMES[index().states(number)[0]] if code else (place.state or state)
    postal = code or (
        ""
        if place.shown_city and _is_other_city(work.address, replace(work.address, city=city, state=state))
        else work.address.postal_code
    )
    work.set(
        address1=line,
        address2="",
        landmark=marks,
        directions="",
        city=city,
        state=state,
        postal_code=postal,
        latitude=None,
        longitude=None,
    )
    work.facts = True
    return True


def _whole_world_address(work: Work, said: Said) -> bool:
    parts = read_parts(said.text, work.address.city)
    if work.asked != "ASK_FULL" or len(set(parts.found) - {"landmark"}) < 2:
        return False
    line, marks = _split_landmarks(said.text.replace("\n", ", "))
    work.set(address1=line, address2="", landmark=marks)
    work.facts = True
    return True


def _split_landmarks(text: str) -> tuple[str, str]:
    """Split a line into what leads to the door and the landmarks."""
    pieces = [p.strip() for p in re.split(r"[,\n]", text) if p.strip()]
    marks = [p for p in pieces if _is_landmark(p)]
    return ", ".join(p for p in pieces if p not in marks), "; ".join(marks)


def _is_landmark(piece: str) -> bool:
    """Tell whether a piece begins or ends with a word such as near or "ke paas"."""
    found = LANDMARK_WORD.search(piece)
    return found is not None and (found.start() == 0 or found.end() >= len(piece) - 1)


def _city_answer(work: Work, text: str) -> bool:
    """Take a bare city as the answer to "city or code?"; the state follows from it."""
    if work.asked not in ("CONFIRM_CITY_OR_PIN", "ASK_FULL") or len(text.split()) > 3 or re.search(r"\d", text):
        return False
    if work.address.country.upper() not in ("IN", ""):
        if index().regions(work.address.country.upper(), key(text)):
            work.set(city=text.title())
            return True
        return False
    return _set_city(work, text)


def _set_city(work: Work, text: str) -> bool:
    name = key(text)
    states = states_of_city(name)
    code = re.sub(r"\D", "", work.address.postal_code)
    number = index().number(int(code)) if len(code) == 6 else -1
    state = work.address.state
    if number >= 0 and fit(name, number, STATE_NAMES[index().states(number)[0]]).verdict in (OK, NEAR):
        state = STATE_NAMES[index().states(number)[0]]
    elif len(states) == 1:
        state = next(iter(states))
    elif not states and not index().towns(name) and not index().area(name):
        return False
    shown = text.strip().title() if text.strip().islower() or text.strip().isupper() else text.strip()
    work.set(city=shown, state=state)
    work.facts = True
    return True


# --- parts ----------------------------------------------------------------------------------------------------------


def _take_parts(work: Work, text: str, said: Said) -> bool:
    """Take the parts of an address out of some words, the asked one first; return whether there were any."""
    taken = False
    for line in text.split("\n"):
        taken = _take_line(work, line.strip(), said) or taken
    return taken


def _take_line(work: Work, text: str, said: Said) -> bool:
    if not text:
        return False
    if work.asked in PIN_QUESTIONS and re.fullmatch(r"[\d\s\-]{3,}", text):
        return False
    bare = re.fullmatch(
        r"(?:no\.?\s*|number\s*|#\s*)?([a-z]{0,3}\s?[-/]?\s?\d{1,5}[a-z]?(?:\s?[-/]\s?[\da-z]{1,5})*)", text, re.I
    )
    if bare and work.asked not in PIN_QUESTIONS:
        _put_house(work, text, "house_no", bare.group(1))
        return True
    taken = False
    kept: list[str] = []
    for piece in (p.strip() for p in re.split(r"[,;]", text)):
        if not piece:
            continue
        if LANDMARK_WORD.search(piece):
            head, mark = _cut_landmark(piece)
            taken = _add_landmark(work, said.as_written(mark)) or taken
            if head and DIRECTIONS.search(head) and not _is_place(head):
                taken = _append(work, "directions", head) or taken
            elif head:
                kept.append(head)
        elif DIRECTIONS.search(piece) and not _is_place(piece):
            taken = _append(work, "directions", said.as_written(piece)) or taken
        else:
            kept.append(piece)
    for piece in kept:
        taken = _take_piece(work, piece, said) or taken
    return taken


def _is_place(piece: str) -> bool:
    found = read_parts(piece).found
    return bool({"house_no", "unit", "floor", "street", "sublocality"} & set(found)) and not re.match(
        r"(?i)gate", piece
    )


def _cut_landmark(piece: str) -> tuple[str, str]:
    """Cut "house no 45/B near pani tanki" into the front and the landmark."""
    match = LANDMARK_WORD.search(piece)
    if match is None or match.start() == 0 or match.end() >= len(piece) - 1:
        return "", piece
    head = piece[: match.start()].strip(" ,-")
    if re.search(r"\d", head) or DIRECTIONS.search(head) or read_parts(head).found.keys() & {"building", "street"}:
        return head, piece[match.start() :].strip()
    return "", piece


def _take_piece(work: Work, piece: str, said: Said) -> bool:
    parts = read_parts(piece, work.address.city)
    strong = set(parts.found) & {
        "house_no",
        "unit",
        "floor",
        "tower",
        "wing",
        "street",
        "sublocality",
        "building",
        "village",
        "post",
        "care_of",
    }
    if not strong:
        if SENTENCE.search(piece) or said.other or len(piece.split()) > 6:
            return False
        if work.asked == "ASK_LANDMARK":
            return _add_landmark(work, said.as_written(piece))
        if work.asked not in ("ASK_HOUSE", "ASK_FULL") or not parts.found:
            return False
        if said.yes and len(piece.split()) < 2:
            return False
    if SENTENCE.search(piece) and not strong & {"house_no", "unit", "building"}:
        return False
    _put_front(work, piece, parts, said)
    return True


def _append(work: Work, name: str, piece: str) -> bool:
    present = getattr(work.address, name)
    if (
        set(words(piece)) <= set(words(present))
        and set(re.findall(r"\d+", piece)) <= set(re.findall(r"\d+", present))
        and present
    ):
        return True
    work.set(**{name: f"{present}; {piece}".strip("; ")})
    return True


_MARK_WORDS = word_set(
    "near nr opp opposite behind beside next to in front of ke k ki paas pas samne saamne piche peeche bagal "
    "the me main is landmark adjacent"
)


def _add_landmark(work: Work, mark: str) -> bool:
    """Append a landmark, unless the same one already stands there in other words."""
    mark = re.sub(r"(?i)^landmark\s*(?:is|:|-)?\s*", "", mark).strip(" ,.-")
    bare = set(words(latin(mark))) - _MARK_WORDS
    if not bare:
        return False
    for present in (p for p in re.split(r";", work.address.landmark) if p.strip()):
        known = set(words(latin(present))) - _MARK_WORDS
        if known and (bare <= known or known <= bare):
            if len(known) < len(bare):
                work.set(landmark=work.address.landmark.replace(present.strip(), mark))
            work.facts = True
            return True
    work.set(landmark=f"{work.address.landmark}; {mark}".strip("; "))
    return True


def _put_house(work: Work, piece: str, kind: str, value: str) -> None:
    """Put a number where the old one stood, or in front of the line."""
    line = work.address.address1
    old = read_parts(latin(line), work.address.city)
    number = old.first(kind) or (old.first("house_no", "unit") if re.fullmatch(r"[\W\d]*\d[\w/\-]*", piece) else "")
    if number and key(number) + number != "":
        found = re.search(rf"(?<![\w/\-]){re.escape(number)}(?![\w/\-])", line, re.I)
        if found:
            work.set(address1=line[: found.start()] + value + line[found.end() :])
            work.facts = True
            return
    work.set(address1=f"{piece}, {line}".strip(", "))


def _put_front(work: Work, piece: str, parts: Parts, said: Said) -> None:
    """Put a piece into the line: numbers over numbers, all else in front, behind what already leads."""
    line = work.address.address1
    present = read_parts(latin(line), work.address.city)
    for kind in ("house_no", "unit", "floor", "tower", "wing"):
        new, old = parts.first(kind), present.first(kind)
        if new and old and new.lower() != old.lower():
            found = re.search(rf"(?<![\w/\-]){re.escape(old)}(?:st|nd|rd|th)?(?![\w/\-])", line, re.I)
            if found:
                line = line[: found.start()] + new + line[found.end() :]
                piece = re.sub(
                    rf"(?i)(?:\b[a-z.]+\s*(?:no)?\.?\s*)?{re.escape(new)}\w*(?:\s*floor)?", " ", piece, count=1
                ).strip(" ,")
    if not words(piece) and not re.search(r"\d", piece):
        work.set(address1=line)
        work.facts = True
        return
    if set(words(piece)) | set(re.findall(r"\d+", piece)) <= set(words(line)) | set(re.findall(r"\d+", line)):
        work.set(address1=line)
        work.facts = True
        return
    head, tail = _split_at(line, parts)
    work.set(address1=", ".join(p for p in (head, said.as_written(piece), tail) if p))


def _split_at(line: str, parts: Parts) -> tuple[str, str]:
    """Split a line where a new piece belongs: behind the pieces of kinds that come before it on a label."""
    rank = min((KINDS_IN_FRONT.index(k) for k in parts.found if k in KINDS_IN_FRONT), default=len(KINDS_IN_FRONT))
    pieces = [p.strip() for p in line.split(",") if p.strip()]
    n = 0
    while n < len(pieces):
        kinds = [KINDS_IN_FRONT.index(k) for k in read_parts(latin(pieces[n])).found if k in KINDS_IN_FRONT[:7]]
        if not kinds or min(kinds) >= rank or STREET_WORD.search(pieces[n]):
            break
        n += 1
    return ", ".join(pieces[:n]), ", ".join(pieces[n:])

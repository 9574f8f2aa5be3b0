"""What the words of a reply change: a correction, a postal code, a city, a whole new address."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.addresses.countries import habits
from bot.addresses.index import index
from bot.addresses.india import NEAR, OK, fit, states_of_city
from bot.addresses.india_names import STATE_NAMES
from bot.addresses.merge_parts import cut_landmark, take_parts
from bot.addresses.merge_work import PIN_QUESTIONS, Work, add_phone, choose, is_other_city
from bot.addresses.parts import latin, read_parts
from bot.addresses.patterns import LANDMARK_WORD
from bot.addresses.place_india import PIN_TEXT, place_of_line
from bot.addresses.records import Address
from bot.addresses.replies import SENTENCE, Said, without_chatter
from bot.addresses.text import key, word_set, words

CORRECTION = re.compile(
    r"^(?P<a>.+?)[\s,]+(?:nahi|nahin|nhi|nai|not|na hi|ki jagah|ke bajay|ke badle|ki bajaye|instead of|"
    r"rather than|नहीं|bukan)[\s,]+(?P<b>.+)$",
    re.I,
)

#: "45 hai, 54 nahi": the right one first.
CORRECTION_LAST = re.compile(
    r"^(?P<b>.+?)\s+(?:hai|h|he)[\s,]+(?P<a>[^,]+?)\s+(?:nahi|nahin|nhi|nai|not)(?:\s+(?:hai|h|he))?[\s.!]*$", re.I
)

CORRECTION_FIRST = re.compile(
    r"^(?:not|nahi|nahin|it is not|it's not|isn't)\s+(?P<a>[^,]+?)(?:\s*,\s*|\s+(?:but|it'?s|its|is|should be|"
    r"par|balki)\s+)(?P<b>.+)$",
    re.I,
)


def read_text(work: Work, said: Said) -> None:
    for number in said.phones:
        add_phone(work, number)
    if said.house_name and work.asked == "ASK_HOUSE":
        # The name is the door; there is no number to ask for again.
        work.accept("no_house_number")
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
    code = take_code(work, said)
    text = said.text
    if not text:
        if said.yes and work.options and work.asked in ("CONFIRM_PIN",) and not code:
            choose(work, work.options[0])
        elif said.no and not code and not said.phones:
            _say_no(work)
        return
    if whole_address(work, said, code):
        return
    if _city_answer(work, text):
        return
    if not take_parts(work, text, said) and said.no and not code:
        work.no = True


_UNKNOWING = re.compile(r"(?i)(?:pata|malum|maloom|mujhe|koi|abhi|ye|yeh|wo|i am|i do|i'm)\b")


def _say_no(work: Work) -> None:
    """Take a bare no: to a question for a number or a landmark it means that there is none."""
    settled = {"ASK_HOUSE": "no_house_number", "ASK_LANDMARK": "no_landmark"}.get(work.asked)
    if settled:
        work.accept(settled)
        work.flag(settled)
    else:
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
        choose(work, work.options[0])
    else:
        work.accept(f"pin:{re.sub(r'[^0-9A-Za-z]', '', work.address.postal_code)}")
        work.flag("shopper_confirmed_pin")
    return True


def _correct(work: Work, said: Said) -> bool:
    """Apply "X nahi Y": one of the two stands in the address and gives way to the other."""
    heard = latin(said.raw).strip(" .!")
    last = CORRECTION_LAST.match(heard)
    if last and not _stands_in(work.address, last.group("a").strip(" ,.!")):
        last = None
    match = CORRECTION_FIRST.match(said.raw.strip()) or last or CORRECTION.match(heard)
    if not match:
        return False
    a, b = (
        re.sub(r"\s+(?:hai|h|he|hoga|hona chahiye|sahi hai|please|pls)$", "", match.group(g).strip(" ,.!"), flags=re.I)
        for g in ("a", "b")
    )
    a = re.sub(r"^(?:it'?s|its|it is|wo|ye|yeh|the|my|mera|haan|yes|sorry)\s+", "", a, flags=re.I)
    b = re.sub(r"(?i)^(?:city|shehar|state|area|locality)\s+(?:ka na+m\s+|name\s+)?", "", without_chatter(b))
    if (
        not b
        or not without_chatter(a)
        or _UNKNOWING.match(a)
        or (not words(a) and not re.search(r"\d", a))
        or len(b.split()) > 8
    ):
        return False
    for old, new in ((a, b), (b, a)):
        for name in ("address1", "address2", "landmark", "city", "postal_code", "directions"):
            value = getattr(work.address, name)
            ordinal = "(?:st|nd|rd|th)?" if old.isdigit() else ""
            found = re.search(rf"(?<![\w]){re.escape(old)}{ordinal}(?![\w])", value, re.I) if value else None
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
        work.flag("rejected")
        return True
    return False


def _stands_in(address: Address, words_of_it: str) -> bool:
    fields = (address.address1, address.address2, address.landmark, address.city, address.postal_code)
    return any(re.search(rf"(?<!\w){re.escape(words_of_it)}(?:st|nd|rd|th)?(?!\w)", f, re.I) for f in fields)


_LABEL_IN_FRONT = re.compile(
    r"(?i)(?:\bno|\bnumber|\bnum|#|\bflat|\bhouse|\bplot|\bshop|\bgall?i|\bstreet|\blane|\bsector|\btower)[\s.:#-]*$"
)


def _like(old: str, new: str, value: str, found: re.Match[str]) -> str:
    """Write the new words with the capitals of the old ones."""
    kept = re.match(r"([a-z.]+\s+)\S*\d\S*$", old, re.I)
    if kept and re.fullmatch(r"[a-z]?-?\d[\w/\-]*", new, re.I):
        new = kept.group(1) + new
    if old[:1].isdigit() and not old.isdigit() and (number := re.fullmatch(r"[a-z. ]*?(\d{1,3})", new, re.I)):
        return value[: found.start()] + _ordinal(number.group(1)) + value[found.end() :]
    numbered = re.fullmatch(r"[a-z. ]+\s(\d{1,4}[a-z]?(?:[-/]\w{1,4})*)", new, re.I)
    if numbered and old[:1].isdigit() and _LABEL_IN_FRONT.search(value[: found.start()]):
        new = numbered.group(1)
    label = re.match(r"([a-z.]+)\s+(?=\S*\d)", new, re.I)
    if label and old[:1].isdigit() and value[: found.start()].rstrip().lower().endswith(label.group(1).lower()):
        new = new[label.end() :]
    written = new.title() if old[:1].isupper() and new.islower() else new
    return value[: found.start()] + written + value[found.end() :]


def _ordinal(number: str) -> str:
    ending = "th" if number[-2:] in ("11", "12", "13") else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ending


def take_code(work: Work, said: Said) -> str:
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
            r"c\.?p)\b[\s.:#\-]*(?:code)?[\s.:\-]*(?:(?:is|hai|e|es|adalah|la)\s+)?([a-z0-9][a-z0-9 \-]{2,9})",
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
    lines = (without_chatter(" ".join(line.strip(" ,.-:").split())) for line in said.text.split("\n"))
    said.text = "\n".join(line for line in lines if line)
    if not [w for w in words(said.text) if w not in _PIN_TALK] and not re.search(r"\d", said.text):
        said.text = ""
    work.gave_code = True
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


def whole_address(work: Work, said: Said, code: str) -> bool:
    """Replace everything when the words are an address of their own: they name the city or code, and two parts more."""
    if work.address.country.upper() not in ("IN", ""):
        return _whole_world_address(work, said)
    place = place_of_line(said.text)
    if place.shown_city and not code and not place.digits and _is_locality(work.address, key(place.shown_city)):
        place.text, place.shown_city = said.text.replace("\n", ", "), ""
    parts = read_parts(place.text, place.shown_city)
    kinds = set(parts.found) - {"directions", "landmark"}
    located = bool(code or place.shown_city or place.digits)
    enough = len(kinds) >= 2 if work.asked == "ASK_FULL" or said.lead_in else len(kinds) >= 3
    if not (located and enough) and not (work.asked == "ASK_FULL" and len(kinds) >= 2):
        return False
    line, marks = _split_landmarks(place.text)
    if named := place.shown_city or work.address.city:
        line = re.sub(rf"(?i)[,\s]+{re.escape(named)}$", "", line)
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
        if place.shown_city and is_other_city(work.address, replace(work.address, city=city, state=state))
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


def _is_locality(address: Address, name: str) -> bool:
    """Tell whether a name at the end of a line is a part of the present city: "Rohini" in Delhi."""
    code = re.sub(r"\D", "", address.postal_code)
    number = index().number(int(code)) if len(code) == 6 else -1
    if number < 0 or name == key(latin(address.city)):
        return False
    return fit(name, number, STATE_NAMES[index().states(number)[0]]).verdict in (OK, NEAR)


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
    found = [cut_landmark(p.strip()) if LANDMARK_WORD.search(p) else (p.strip(), "") for p in re.split(r"[,\n]", text)]
    pieces = [p for both in found for p in both if p]
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

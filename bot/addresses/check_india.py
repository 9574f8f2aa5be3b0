"""The check of an Indian address: code, state, city, words, door."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.fuzz import ratio

from bot.addresses import india
from bot.addresses.content import POBOX, informative, is_doubled, is_junk, take_phones
from bot.addresses.editions import label
from bot.addresses.index import Index, index, unpack
from bot.addresses.india import CONFLICT, NEAR, OK, SOFT, UNKNOWN, City, Evidence, Fit
from bot.addresses.india_names import GENERIC, SHOWN_NAME, STATE_NAMES, STATE_NUMBER, compatible, other_names, state_of
from bot.addresses.parts import VILLAGE_CUE, VILLAGE_SURE, Parts, has_house, latin, read_parts
from bot.addresses.records import Address, Component, Finding, Option, Question, Report, Suggestion
from bot.addresses.text import ascii_digits, clean, key, skeleton
from bot.addresses.verdict import ask, finding, pin_option, report

PIN_TEXT = re.compile(r"(?<![\d/])(?<!\d-)([1-9]\d{2})[ \-]?(\d{3})(?![\d/])")
DELHI_ZONE = re.compile(r"\b(?:n(?:ew)?\.?\s*)?(?:delhi|dilli)[\s\-]+(\d{1,2})(?!\d)", re.I)
EDITION = label()
#: States where doors carry numbers in villages too.
DOORS_NUMBERED = frozenset({"Andhra Pradesh", "Telangana", "Karnataka", "Tamil Nadu", "Kerala", "Puducherry"})


@dataclass(slots=True)
class Place:
    """What the fields say about where: raw code digits, its number in the index, canonical state, city names."""

    text: str
    digits: str
    number: int
    state: str
    city: City
    shown_city: str
    from_text: bool = False
    zone: int = 0


@dataclass(slots=True)
class Verdict:
    """What was found about where: codes, the offered codes, fields to put right, the question this raises."""

    findings: list[Finding]
    suggestions: list[Suggestion]
    pins: tuple[str, ...] = ()
    question: Question | None = None


def check_india(address: Address) -> Report:
    """Check one Indian address."""
    places = index()
    raw = ", ".join(p for p in (clean(address.address1), clean(address.address2), _landmark(address.landmark)) if p)
    text, phones = take_phones(latin(raw))
    place = _read_place(address, text, places)
    text = place.text
    verdict = _judge_place(place, text, places, address)
    findings = verdict.findings
    parts = read_parts(text, place.city.names[0] if place.city.names else "")
    question = _judge_text(text, raw, phones, place, parts, findings, places, address) or verdict.question
    at_the_door = address.latitude is not None and address.longitude is not None
    door = _door_question(findings) if question is None and not at_the_door else None
    junk = any(f.code == "JUNK" for f in findings)
    components = _components(
        Parts() if junk else parts, place, verdict, phones, places, not raw.isascii() or not address.city.isascii()
    )
    return report(components, findings, verdict.suggestions, question or door, verdict.pins, EDITION)


def _landmark(text: str) -> str:
    text = clean(text)
    return (
        text
        if not text
        or re.match(r"(?i)(?:near|nr|opp|behind|beside|next|in front)\b", text)
        or re.search(r"(?i)\bk[ea] \w+$", text)
        else f"near {text}"
    )


def _read_place(address: Address, text: str, places: Index) -> Place:
    """Read code, state and city from their fields, and from the text where a field is empty."""
    digits = re.sub(r"\D", "", ascii_digits(clean(address.postal_code)))
    state, city_text = state_of(latin(address.state)), latin(address.city)
    from_text = False
    if not digits:
        inside = PIN_TEXT.findall(city_text) or PIN_TEXT.findall(text)
        if inside:
            digits, from_text = "".join(inside[-1]), True
    if digits:
        text = PIN_TEXT.sub(lambda m: ", " if m.group(1) + m.group(2) == digits else m.group(), text)
        text = re.sub(r"\bpin(?: ?code)?[\s.:\-]*(?=,|$)", " ", text, flags=re.I)
    zoned = DELHI_ZONE.search(f"{text}, {city_text}") if not digits else None
    number = places.number(int(digits)) if len(digits) == 6 else -1
    shown = re.sub(r"[\s\-]*\d{6}\b|\b\d{3} \d{3}\b", "", city_text).strip(" ,-")
    if not shown or not state:
        text, shown, state = _from_tail(text, shown, state, number, places)
    return Place(
        text.strip(" ,"),
        digits,
        number,
        state,
        india.read_city(shown) if shown else City(()),
        shown,
        from_text,
        110_000 + int(zoned.group(1)) if zoned else 0,
    )


def place_of_line(text: str) -> Place:
    """Read code, state and city out of one line that holds a whole address."""
    return _read_place(Address(), latin(text), index())


def _from_tail(text: str, city: str, state: str, number: int, places: Index) -> tuple[str, str, str]:
    """Find state and city at the end of a one-line address."""
    pieces = [p.strip(" .-()") for p in re.split(r"[,\n]", text)]
    pieces = [p for p in pieces if p]
    if pieces and not city and key(pieces[-1]) in ("india", "bharat"):
        pieces.pop()
    if pieces and not state:
        run = pieces[-1].split()
        for size in (3, 2, 1):
            if len(run) >= size:
                tail = " ".join(run[-size:])
                short = len(key(tail)) < 4 and not tail.isupper()
                found = (
                    ""
                    if short and not (size == 1 and len(run) > 1 and _known_city(key(run[-2]), places))
                    else state_of(tail)
                )
                if found and key(tail) not in india.CITY_STATES and not re.search(r"\d", tail):
                    state = found
                    if len(run) == size and len(pieces) == 1:
                        break
                    pieces[-1] = " ".join(run[:-size]).strip(" ,-(")
                    if not pieces[-1]:
                        pieces.pop()
                    break
    if pieces and not city:
        run = pieces[-1].split()
        for size in (2, 1):
            if len(run) < size:
                continue
            tail = " ".join(run[-size:])
            name = key(DELHI_ZONE.sub("delhi", tail))
            known = len(name) >= 3 and _known_city(name, places)
            if known or (
                size == 1 and number >= 0 and len(name) >= 5 and name not in GENERIC and _misspelt(name, number)
            ):
                city = DELHI_ZONE.sub("New Delhi", tail).strip(" -.")
                if len(run) > size or len(pieces) > 1:
                    pieces[-1] = " ".join(run[:-size]).strip(" ,-")
                break
        else:
            zone = DELHI_ZONE.search(pieces[-1])
            if zone:
                city = "New Delhi"
    if city and not state:
        state = india.state_of_city(key(city))
    return ", ".join(p for p in pieces if p), city, state


def _misspelt(name: str, number: int) -> bool:
    """Tell whether a word is the district or a town of the code in another spelling."""
    places = index()
    _, areas = places.names(number)
    return any(skeleton(a) == skeleton(name) and ratio(a, name) >= 72 for a in areas if len(a) >= 5)


@lru_cache(maxsize=2048)
def _known_city(name: str, places: Index) -> bool:
    written = sum(count for _, count in places.written(name))
    return written >= 20 or any(t.people >= 40 for t in places.towns(name)) or len(places.area(name)) >= 15


# --- where ------------------------------------------------------------------------------------------------------------


def _judge_place(place: Place, text: str, places: Index, address: Address) -> Verdict:
    """Judge code, state and city against each other and against the words."""
    out = Verdict([], [])
    accepted = f"pin:{place.digits}" in address.accepted
    if not place.city.names:
        out.findings.append(finding("CITY_MISSING"))
    if not place.state and not address.state.strip():
        out.findings.append(finding("STATE_MISSING"))
    skip = _skip(place.city, place.state)
    state_number = STATE_NUMBER.get(place.state, -1)
    found = india.evidence(text, state_number, skip)
    if accepted:
        return out
    if not address.postal_code.strip() and not place.from_text:
        out.findings.append(finding("PIN_MISSING"))
        _offer(place, found, skip, out, places, text)
    elif len(place.digits) != 6 or place.digits[0] == "0":
        out.findings.append(finding("PIN_FORMAT", address.postal_code))
        _offer(place, found, skip, out, places, text)
    elif place.number < 0 or (
        not places.is_current(place.number)
        and state_number >= 0
        and state_number not in places.states(place.number)
        and not _friendly(place, places)
    ):
        out.findings.append(finding("PIN_UNKNOWN", place.digits))
        _offer(place, found, skip, out, places, text)
    else:
        _judge_known_code(place, found, skip, text, out, places)
    return out


def _friendly(place: Place, places: Index) -> bool:
    return any(compatible(place.state, STATE_NAMES[s]) for s in places.states(place.number))


@lru_cache(maxsize=4096)
def _skip(city: City, state: str) -> frozenset[str]:
    """Return names that say nothing new when they stand in the text: the city under all its names, the state."""
    names = {n for c in city.names for n in (c, *other_names(c, state))}
    return frozenset(names | {key(state)}) - {""}


def _judge_known_code(
    place: Place, found: Evidence, skip: frozenset[str], text: str, out: Verdict, places: Index
) -> None:
    number = place.number
    own_states = [STATE_NAMES[s] for s in places.states(number)]
    right = own_states[0]
    fits = india.best_fit(place.city, number, right)
    if place.state and place.state not in own_states:
        if not _judge_state(place, fits, right, own_states, out, found, skip, places):
            return
    elif not place.state and place.city.names:
        out.suggestions.append(Suggestion("state", right, True))
    excused = india.names_place_of(found, number, skip)
    verdict = _with_the_words(place, fits, found, skip, excused, text, right, places)
    if verdict == CONFLICT:
        out.findings.append(finding("PIN_CITY", place.digits))
        _offer_city_or_code(place, right, found, skip, out, places)
    elif verdict == SOFT:
        out.findings.append(finding("PIN_CITY_SOFT", place.digits))
        _offer_slip(place, found, skip, out, places, always=True)
    elif not excused:
        _judge_locality(place, fits, found, out, places)
    if not places.is_current(number) and not out.findings:
        out.findings.append(finding("PIN_LEGACY", place.digits))


def _judge_state(
    place: Place,
    fits: Fit,
    right: str,
    own_states: list[str],
    out: Verdict,
    found: Evidence,
    skip: frozenset[str],
    places: Index,
) -> bool:
    """Judge a state that is not the code's; return whether the city still has to be judged."""
    fitting = fits.verdict in (OK, NEAR)
    if any(compatible(place.state, s) for s in own_states) and (fits.verdict in (OK, NEAR, UNKNOWN, SOFT)):
        out.suggestions.append(Suggestion("state", right, True))
        return True
    known_there = any(place.state in india.states_of_city(name) for name in place.city.names)
    if fitting and not known_there:
        out.findings.append(finding("STATE_WRONG", place.state))
        out.suggestions.append(Suggestion("state", right, True))
        return False
    out.findings.append(finding("PIN_STATE", place.digits))
    _offer_city_or_code(place, right, found, skip, out, places)
    return False


def _with_the_words(
    place: Place, fits: Fit, found: Evidence, skip: frozenset[str], excused: bool, text: str, state: str, places: Index
) -> str:
    """Let the words of the address excuse or accuse the city.

    They excuse a village or a town that people write in this area. They accuse a big city that nobody writes here when
    they name the district or a big town of the code: then the city field is the odd one of three.
    """
    number, verdict = place.number, fits.verdict
    if not place.city.names or verdict == OK:
        return verdict
    area = places.codes[number] // 1000
    big = all(india.is_big(name, state) for name in place.city.names)
    known = any(india.is_known_in(name, area, state) for name in place.city.names)
    named = any(ratio(name, gram) >= 75 for name in place.city.names for gram in found.grams if gram[0] == name[0])
    if (
        big
        and not named
        and fits.km > 25
        and (not known or fits.km > 45)
        and _names_seat_of(found, number, skip, places)
    ):
        return SOFT if known and fits.km < 70 else CONFLICT
    if verdict in (SOFT, CONFLICT) and excused:
        fame = max(india.fame(name, state) for name in place.city.names)
        if fame >= india.FAMOUS and not known:
            return verdict
        return OK if fits.km < 100 or verdict == SOFT or fame < 50 or (named and fame < india.FAMOUS) else verdict
    if verdict in (NEAR, UNKNOWN) and not excused:
        districts = [d for d in india.districts_in(text) if places.area(d)]
        fitting = [india.fit(d, number, state).verdict for d in districts]
        if fitting and all(v in (CONFLICT, SOFT) for v in fitting):
            return CONFLICT
    return verdict


def _names_seat_of(found: Evidence, number: int, skip: frozenset[str], places: Index) -> bool:
    """Tell whether the words name the district of a code, or a town of 50,000 that is one of its names."""
    own, areas = places.names(number)
    for name in found.grams:
        if name in skip or len(name) < 4:
            continue
        if name in areas or (name in own and any(t.people >= 50 for t in places.towns(name))):
            return True
    return False


def _judge_locality(place: Place, fits: Fit, found: Evidence, out: Verdict, places: Index) -> None:
    """Look for a code one slip away that the words support while they say nothing for the given one.

    Neighbouring codes are mixed up by people who live there, and offices move: so only a locality that lies elsewhere
    counts as a finding of the place, all else as a hint that words the question.
    """
    if found.weights.get(place.number, 0.0) > 0:
        return
    best, score = -1, 0.0
    weights = dict(found.weights)
    if fits.verdict == UNKNOWN or fits.km > 25:
        for name in place.city.names:
            for number, _ in unpack(places.packed(name)):
                weights[number] = weights.get(number, 0.0) + 2.0
    for number, weight in sorted(weights.items()):
        if weight > score and places.is_current(number) and india.slip(place.digits, places.codes[number]):
            best, score = number, weight
    if best < 0 or score < 0.9 or (score < 1.9 and fits.verdict == OK):
        return
    if india.RANK[india.best_fit(place.city, best, STATE_NAMES[places.states(best)[0]]).verdict] > india.RANK[NEAR]:
        return
    here, there = places.middle(place.number), places.middle(best)
    elsewhere = here is None or there is None or india.distance(here, there) > 8
    code = str(places.codes[best])
    sure = fits.verdict != OK or (score >= 3 and elsewhere)
    out.findings.append(finding("PIN_CITY_SOFT" if sure else "LOCALITY_PIN", place.digits))
    out.pins = (code,)
    out.suggestions.append(Suggestion("postal_code", code, False, score))
    out.question = ask("CONFIRM_PIN", pin_option(code))


# --- what to offer --------------------------------------------------------------------------------------------------


def _offer(place: Place, found: Evidence, skip: frozenset[str], out: Verdict, places: Index, text: str) -> None:
    """Offer a code for one that is missing, malformed or unknown."""
    near = india.one_edit_away(place.digits, places) if place.digits else []
    found = india.with_city(found, place.city, text)
    ranked = india.rank(near, place.city, place.state, found, skip) if near else []
    if place.zone and places.number(place.zone) >= 0:
        ranked = [india.Candidate(place.zone, 9.0)]
    elif not ranked or ranked[0].score < 3.2:
        named = [
            n
            for n, w in sorted(found.weights.items(), key=lambda item: (-item[1], item[0]))[:12]
            if w >= 0.5 and places.is_current(n)
        ]
        ranked = (
            sorted(
                {*ranked, *india.rank(named, place.city, place.state, found, skip)}, key=lambda c: (-c.score, c.code)
            )
            if place.digits
            else india.rank(named, place.city, place.state, found, skip)
        )
    _show(ranked, out, 3.0 if place.digits else 5.0, 0.5)
    if out.question is None:
        out.question = ask("ASK_PIN")


def _show(ranked: list[india.Candidate], out: Verdict, enough: float, lead: float) -> None:
    if not ranked or ranked[0].score < 2.5:
        return
    out.pins = tuple(str(c.code) for c in ranked[:3])
    second = ranked[1].score if len(ranked) > 1 else 0.0
    if ranked[0].score >= enough and ranked[0].score - second >= lead:
        out.suggestions.append(Suggestion("postal_code", out.pins[0], False, ranked[0].score))
        out.question = ask("CONFIRM_PIN", pin_option(out.pins[0]))


def _offer_slip(place: Place, found: Evidence, skip: frozenset[str], out: Verdict, places: Index, always: bool) -> None:
    """Offer the code one slip away that fits city and state best."""
    ranked = india.rank(india.one_edit_away(place.digits, places), place.city, place.state, found, skip)
    _show([c for c in ranked if c.score >= 4.0], out, 4.5, 0.5)
    if always and out.question is None:
        out.question = ask("CONFIRM_CITY_OR_PIN", *_city_options(place, out, places))


def _offer_city_or_code(
    place: Place, right: str, found: Evidence, skip: frozenset[str], out: Verdict, places: Index
) -> None:
    """City and code contradict: offer the code one slip away when it is clearly meant, else both sides as buttons."""
    if not india.names_place_of(found, place.number, skip):
        _offer_slip(place, found, skip, out, places, always=False)
    if out.question is None:
        options = _city_options(place, out, places)
        out.question = ask("CONFIRM_CITY_OR_PIN", *options)
        if options and len(options) > 0 and dict(options[0].values).get("city"):
            out.suggestions.append(Suggestion("city", dict(options[0].values)["city"], False))


def _city_options(place: Place, out: Verdict, places: Index) -> list[Option]:
    """Return the two sides: the code with its own city, the city with a code of its own (or none yet)."""
    town = city_of_code(place.number)
    state = STATE_NAMES[places.states(place.number)[0]]
    options = (
        [Option(f"{town} {place.digits}", (("city", town), ("state", state), ("postal_code", place.digits)))]
        if town
        else []
    )
    if place.shown_city:
        code = out.pins[0] if out.pins else ""
        options.append(
            Option(f"{place.shown_city} {code}".strip()[:20], (("city", place.shown_city), ("postal_code", code)))
        )
    return options


@lru_cache(maxsize=2048)
def city_of_code(number: int) -> str:
    """Return the name to show for the city of a code: the biggest town or district among its names."""
    places = index()
    own, areas = places.names(number)
    middle = places.middle(number)
    best = (-1, "")
    for name in (*areas, *own):
        near = [
            t.people
            for t in places.towns(name)
            if middle is None or india.distance((t.latitude, t.longitude), middle) < 60
        ]
        size = max(near, default=0)
        if size > best[0] and (name in areas or size >= 15):
            best = (size, name)
    name = best[1]
    return SHOWN_NAME.get(name, name.title())


# --- the words ------------------------------------------------------------------------------------------------------


def _judge_text(
    text: str,
    raw: str,
    phones: tuple[str, ...],
    place: Place,
    parts: Parts,
    findings: list[Finding],
    places: Index,
    address: Address,
) -> Question | None:
    """Judge the text itself; return a question when the whole address has to be asked for."""
    lower = text.lower()
    names = _skip(place.city, place.state)
    if POBOX.search(lower) and informative(POBOX.sub(" ", text), names)[0] < 15:
        findings.append(finding("POBOX"))
        return ask("ASK_FULL")
    if phones:
        findings.append(finding("PHONE"))
    letters, count = informative(text, names)
    house = bool(parts.first("house_no", "unit")) or has_house(text)
    where = any(k in parts.found for k in ("building", "street", "sublocality", "locality", "village"))
    short = letters < 8 or not where if house else letters < 15 or count < 2
    junk = not phones and is_junk(lower, places.letters, raw.isascii(), True)
    if junk:
        findings.append(finding("JUNK"))
    cues = sum(1 for _ in VILLAGE_CUE.finditer(lower))
    rural = place.state not in DOORS_NUMBERED and cues >= 2 and VILLAGE_SURE.search(lower) is not None
    if short and not (rural and letters >= 12):
        findings.append(finding("SHORT"))
    if junk or (phones and letters < 4):
        return ask("ASK_FULL")
    if is_doubled(text, place.shown_city):
        findings.append(finding("DUP"))
    settled = "no_house_number" in address.accepted
    if not house and not rural and not settled:
        findings.append(finding("HOUSE"))
    marked = parts.first("landmark", "care_of") or address.landmark or address.directions
    if (
        not marked
        and "no_landmark" not in address.accepted
        and ((rural and not house) or (house and (short or _vague(parts))) or settled)
    ):
        findings.append(finding("LANDMARK"))
    return None


def _vague(parts: Parts) -> bool:
    """Tell whether a house is given but nothing that finds its street: "15, 2nd floor, Main Road"."""
    where = [key(v) for k in ("building", "street", "sublocality", "locality") for v in parts.found.get(k, ())]
    return all(
        w
        in {
            "mainroad",
            "road",
            "mainbazar",
            "market",
            "stationroad",
            "mainmarket",
            "street",
            "bazar",
            "bazaar",
            "chowk",
        }
        for w in where
    )


def _door_question(findings: list[Finding]) -> Question | None:
    codes = {f.code for f in findings}
    if "HOUSE" in codes:
        return ask("ASK_HOUSE")
    if "LANDMARK" in codes or "SHORT" in codes:
        return ask("ASK_LANDMARK")
    return None


# --- components -----------------------------------------------------------------------------------------------------


def _components(
    parts: Parts, place: Place, verdict: Verdict, phones: tuple[str, ...], places: Index, native: bool
) -> tuple[Component, ...]:
    out = []
    for kind, values in parts.found.items():
        for value in reversed(values) if kind == "locality" else values:
            shown = (
                _respelt(value, place.number, places)
                if native and kind in ("locality", "sublocality") and place.number >= 0
                else value
            )
            out.append(Component(kind, shown, "parsed_text", "plausible", 0.8))
    if "locality" not in parts.found:
        for kind in ("village", "sublocality", "street"):
            if kind in parts.found:
                out.append(Component("locality", parts.found[kind][-1], "parsed_text", "plausible", 0.6))
                break
    codes = {f.code for f in verdict.findings}
    wrong = codes & {"PIN_CITY", "PIN_STATE", "PIN_UNKNOWN", "PIN_FORMAT"}
    if place.shown_city:
        name = place.city.names[0] if place.city.names else ""
        shown = (
            SHOWN_NAME.get(name)
            or (city_of_code(place.number) if native and place.number >= 0 else "")
            or place.shown_city
        )
        out.append(Component("city", shown, "order_field", "conflict" if "PIN_CITY" in codes else "confirmed", 0.9))
    right = next((s.value for s in verdict.suggestions if s.field == "state"), "")
    state = right or place.state
    if not state and place.number >= 0:
        state = STATE_NAMES[places.states(place.number)[0]]
    if state:
        inferred = right or not place.state
        out.append(
            Component(
                "state",
                state,
                "inferred_from_postcode" if inferred else "order_field",
                "corrected" if right else "confirmed",
                0.95,
            )
        )
    if place.digits:
        source = "parsed_text" if place.from_text else "order_field"
        out.append(
            Component("pincode", place.digits, source, "conflict" if wrong else "confirmed", 0.3 if wrong else 0.95)
        )
    elif verdict.pins and any(s.field == "postal_code" and s.score >= 9 for s in verdict.suggestions):
        out.append(Component("pincode", verdict.pins[0], "parsed_text", "inferred", 0.8))
    out.extend(Component("alt_phone", p, "parsed_text", "plausible", 0.9) for p in phones)
    return tuple(out)


_SUFFIX = re.compile(r"(nagar|colony|vihar|enclave|puram|layout|bazar|market|road|garden|hills|park|town)$")


def _respelt(value: str, number: int, places: Index) -> str:
    """Write a transliterated locality as the directory of the code does: "lajpt ngr" is Lajpat Nagar."""
    bare = skeleton(key(value))
    for name in places.names(number)[0]:
        if skeleton(name) == bare and ratio(name, key(value)) >= 70:
            return _SUFFIX.sub(r" \1", name).title().strip()
    return value

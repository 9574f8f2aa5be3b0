"""Code, state, city and words of an Indian address judged against each other, and what to offer."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.fuzz import ratio

from bot.addresses import india, words_india
from bot.addresses.index import Index, index, unpack
from bot.addresses.india import CONFLICT, NEAR, OK, SOFT, UNKNOWN, City, Fit
from bot.addresses.india_names import SHOWN_NAME, STATE_NAMES, STATE_NUMBER, compatible, other_names
from bot.addresses.place_india import Place
from bot.addresses.records import Address, Finding, Option, Question, Suggestion
from bot.addresses.text import key
from bot.addresses.verdict import ask, finding, pin_option
from bot.addresses.words_india import Evidence

#: Army post: its codes stand for units, not for places.
ARMY = re.compile(r"\b(?:[acf]po|army|regiment|battalion|bn|unit|rifles|c/o 56|c/o 99)\b", re.I)


@dataclass(slots=True)
class Verdict:
    """What was found about where: codes, the offered codes, fields to put right, the question this raises."""

    findings: list[Finding]
    suggestions: list[Suggestion]
    pins: tuple[str, ...] = ()
    question: Question | None = None


def judge_place(place: Place, text: str, places: Index, address: Address) -> Verdict:
    """Judge code, state and city against each other and against the words."""
    out = Verdict([], [])
    accepted = f"pin:{place.digits}" in address.accepted
    if not place.city.names:
        out.findings.append(finding("CITY_MISSING"))
    if not place.state and not address.state.strip():
        out.findings.append(finding("STATE_MISSING"))
    skip = skip_names(place.city, place.state)
    state_number = STATE_NUMBER.get(place.state, -1)
    found = words_india.evidence(text, state_number, skip)
    if accepted or (place.digits.startswith("9") and ARMY.search(f"{text} {place.shown_city}")):
        return out
    if not address.postal_code.strip() and not place.from_text:
        out.findings.append(finding("PIN_MISSING"))
        _offer(place, found, out, places, text)
    elif len(place.digits) != 6 or place.digits[0] == "0":
        out.findings.append(finding("PIN_FORMAT", address.postal_code))
        _offer(place, found, out, places, text)
    elif place.number < 0 or (
        not places.is_current(place.number)
        and state_number >= 0
        and state_number not in places.states(place.number)
        and not _friendly(place, places)
    ):
        out.findings.append(finding("PIN_UNKNOWN", place.digits))
        _offer(place, found, out, places, text)
    else:
        _judge_known_code(place, found, skip, text, out, places)
    return out


def _friendly(place: Place, places: Index) -> bool:
    return any(compatible(place.state, STATE_NAMES[s]) for s in places.states(place.number))


@lru_cache(maxsize=1024)
def skip_names(city: City, state: str) -> frozenset[str]:
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
        if not _judge_state(place, fits, right, own_states, out, found, places):
            return
    elif not place.state and place.city.names:
        out.suggestions.append(Suggestion("state", right, True))
    verdict = _with_the_words(place, fits, found, skip, text, right, places)
    if verdict == CONFLICT:
        out.findings.append(finding("PIN_CITY", place.digits))
        _offer_city_or_code(place, right, found, out, places)
    elif verdict == SOFT:
        out.findings.append(finding("PIN_CITY_SOFT", place.digits))
        _offer_slip(place, found, out, places, always=True)
    else:
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
    _offer_city_or_code(place, right, found, out, places)
    return False


def _with_the_words(
    place: Place, fits: Fit, found: Evidence, skip: frozenset[str], text: str, state: str, places: Index
) -> str:
    """Let the words of the address excuse or accuse the city.

    They excuse a village or a town that people write in this area. They accuse a big city that nobody writes here when
    they name the district or a big town of the code: then the city field is the odd one of three.
    """
    number, verdict = place.number, fits.verdict
    if not place.city.names or verdict == OK:
        return verdict
    if verdict in (SOFT, CONFLICT) or fits.km > 25:
        area = places.codes[number] // 1000
        known = any(india.is_known_in(name, area, state) for name in place.city.names)
        named = any(ratio(name, gram) >= 75 for name in place.city.names for gram in found.grams if gram[0] == name[0])
        if (
            not named
            and fits.km > 45
            and not any(india.is_usual_in(name, area, state) for name in place.city.names)
            and all(india.is_big(name, state) for name in place.city.names)
            and _names_seat_of(found, number, skip, places)
        ):
            return SOFT if known and fits.km < 70 else CONFLICT
        if verdict in (SOFT, CONFLICT) and words_india.names_place_of(found, number):
            fame = max(india.fame(name, state) for name in place.city.names)
            if fame >= india.FAMOUS and not known:
                return verdict
            return OK if fits.km < 100 or verdict == SOFT or fame < 50 or (named and fame < india.FAMOUS) else verdict
    districts = words_india.districts_in(text) if verdict in (NEAR, UNKNOWN) else ()
    fitting = [india.fit(d, number, state).verdict for d in districts if places.area(d)]
    if fitting and all(v in (CONFLICT, SOFT) for v in fitting) and not words_india.names_place_of(found, number):
        return CONFLICT
    return verdict


def _names_seat_of(found: Evidence, number: int, skip: frozenset[str], places: Index) -> bool:
    """Tell whether the words name the district of a code, or a town of 50,000 that is one of its names."""
    own, areas = places.names(number)
    told = found.grams - skip
    return not told.isdisjoint(areas) or any(
        name in told and any(t.people >= 50 for t in places.towns(name)) for name in own
    )


def _is_own_village(place: Place, places: Index) -> bool:
    """Tell whether the city is a small place with an office of the code: then code and city confirm each other."""
    own, _ = places.names(place.number)
    return any(name in own and not india.is_big(name, place.state) for name in place.city.names)


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
        if weight > score and places.is_current(number) and words_india.slip(place.digits, places.codes[number]):
            best, score = number, weight
    if best < 0:
        return
    code = str(places.codes[best])
    changed = [n for n in range(6) if place.digits[n] != code[n]]
    swapped = len(changed) == 2
    if score < 0.9 or (score < 1.9 and fits.verdict == OK):
        return
    if india.RANK[india.best_fit(place.city, best, STATE_NAMES[places.states(best)[0]]).verdict] > india.RANK[NEAR]:
        return
    if not swapped and (_is_own_village(place, places) or words_india.names_place_of(found, place.number)):
        return
    here, there = places.middle(place.number), places.middle(best)
    km = india.distance(here, there) if here and there else math.inf
    # Neighbours mix up the last figures; nobody who lives there swaps two figures or errs in the district.
    strange = swapped or changed[0] <= 2 or (changed[0] <= 4 and km > 35)
    sure = fits.verdict != OK or strange or (score >= 3 and km > 8)
    out.findings.extend(
        finding(c, place.digits) for c in (("PIN_CITY_SOFT", "LOCALITY_PIN") if sure else ("LOCALITY_PIN",))
    )
    out.pins = (code,)
    out.suggestions.append(Suggestion("postal_code", code, False, score))
    out.question = ask("CONFIRM_PIN", pin_option(code))


def _offer(place: Place, found: Evidence, out: Verdict, places: Index, text: str) -> None:
    """Offer a code for one that is missing, malformed or unknown."""
    near = words_india.one_edit_away(place.digits, places) if place.digits else []
    found = words_india.with_city(found, place.city, text)
    ranked = words_india.rank(near, place.city, place.state, found) if near else []
    if place.zone and places.number(place.zone) >= 0:
        ranked = [words_india.Candidate(place.zone, 9.0)]
    elif not ranked or ranked[0].score < 3.2:
        named = [
            n
            for n, w in sorted(found.weights.items(), key=lambda item: (-item[1], item[0]))[:12]
            if w >= 0.5 and places.is_current(n)
        ]
        ranked = (
            sorted(
                {*ranked, *words_india.rank(named, place.city, place.state, found)},
                key=lambda c: (-c.score, c.code),
            )
            if place.digits
            else words_india.rank(named, place.city, place.state, found)
        )
    _show(ranked, out, 3.0 if place.digits else 5.0, 0.5)
    if out.question is None:
        out.question = ask("ASK_PIN")


def _show(ranked: list[words_india.Candidate], out: Verdict, enough: float, lead: float) -> None:
    if not ranked or ranked[0].score < 2.5:
        return
    out.pins = tuple(str(c.code) for c in ranked[:3])
    second = ranked[1].score if len(ranked) > 1 else 0.0
    if ranked[0].score >= enough and ranked[0].score - second >= lead:
        out.suggestions.append(Suggestion("postal_code", out.pins[0], False, ranked[0].score))
        out.question = ask("CONFIRM_PIN", pin_option(out.pins[0]))


def _offer_slip(place: Place, found: Evidence, out: Verdict, places: Index, always: bool) -> None:
    """Offer the code one slip away that fits city and state best."""
    ranked = words_india.rank(words_india.one_edit_away(place.digits, places), place.city, place.state, found)
    _show([c for c in ranked if c.score >= 4.0], out, 4.5, 0.5)
    if always and out.question is None:
        out.question = ask("CONFIRM_CITY_OR_PIN", *_city_options(place, out, places))


def _offer_city_or_code(place: Place, right: str, found: Evidence, out: Verdict, places: Index) -> None:
    """City and code contradict: offer the code one slip away when it is clearly meant, else both sides as buttons."""
    if not words_india.names_place_of(found, place.number):
        _offer_slip(place, found, out, places, always=False)
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

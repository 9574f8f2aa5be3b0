"""The check of an Indian address: where it is, what its words say, what the door lacks."""

from __future__ import annotations

import re

from rapidfuzz.fuzz import ratio

from bot.addresses.content import informative, is_doubled, is_junk, is_only_pobox, take_phones
from bot.addresses.editions import label
from bot.addresses.index import Index, index
from bot.addresses.india_names import GENERIC, SHOWN_NAME, STATE_NAMES
from bot.addresses.judge_india import Verdict, city_of_code, judge_place, skip_names
from bot.addresses.parts import Parts, has_house, latin, read_parts
from bot.addresses.patterns import (
    BUILDING_WORDS,
    LOCALITY_WORDS,
    STREET_WORDS,
    VILLAGE_CUE,
    VILLAGE_SURE,
    VILLAGE_WORDS,
)
from bot.addresses.place_india import Place, read_place
from bot.addresses.records import Address, Component, Finding, Question, Report
from bot.addresses.text import clean, key, skeleton, words
from bot.addresses.verdict import ask, finding, report

EDITION = label()

#: States where doors carry numbers in villages too.
DOORS_NUMBERED = frozenset({"Andhra Pradesh", "Telangana", "Karnataka", "Tamil Nadu", "Kerala", "Puducherry"})
#: In Kerala houses have names; the name is the door.
HOUSE_NAME = re.compile(
    r"[a-z]{4,}(?:\s[a-z]{4,})?\s(?:house|veedu|veetil|manzil|nivas|tharavadu?|illam|mana|cottage|villa)\b"
)


def check_india(address: Address) -> Report:
    """Check one Indian address."""
    places = index()
    raw = ", ".join(p for p in (clean(address.address1), clean(address.address2), _landmark(address.landmark)) if p)
    text, phones = take_phones(latin(raw))
    place = read_place(address, text, places)
    text = place.text
    verdict = judge_place(place, text, places, address)
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
    names = skip_names(place.city, place.state)
    found = words(text)
    if is_only_pobox(lower, found, names, 15):
        findings.append(finding("POBOX"))
        return ask("ASK_FULL")
    if phones:
        findings.append(finding("PHONE"))
    letters, count = informative(text, found, names)
    if not raw.isascii():
        # Transliteration drops the vowels of Indian scripts, about two letters of five.
        letters = letters * 8 // 5
    house = bool(parts.first("house_no", "unit")) or has_house(text)
    house = house or (place.state == "Kerala" and HOUSE_NAME.search(lower) is not None)
    where = any(k in parts.found for k in ("building", "street", "sublocality", "locality", "village"))
    # A planned town needs no more than house and sector: "Plot 55, Sec 22" in Gurugram.
    planned = any(c.isdigit() for c in parts.first("sublocality"))
    short = (
        not where or (not planned and (letters < 8 or _is_cut_off(text, found, names, places)))
        if house
        else letters < 15 or count < 2
    )
    junk = not phones and is_junk(lower, found, places.letters, raw.isascii(), True)
    if junk:
        findings.append(finding("JUNK"))
    rural = (
        not VILLAGE_WORDS.isdisjoint(found)
        and place.state not in DOORS_NUMBERED
        and len(VILLAGE_CUE.findall(lower)) >= 2
        and VILLAGE_SURE.search(lower) is not None
    )
    if short and not (rural and letters >= 12):
        findings.append(finding("SHORT"))
    if junk or (phones and letters < 4):
        return ask("ASK_FULL")
    if is_doubled(text, found):
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


def _is_cut_off(text: str, found: list[str], names: frozenset[str], places: Index) -> bool:
    """Tell whether a very short text ends in something that is no word of an address and no known name."""
    if len(text) > 15 or not found:
        return False
    last = found[-1]
    if any(last in known for known in (GENERIC, names, STREET_WORDS, LOCALITY_WORDS, BUILDING_WORDS)):
        return False
    return not (len(last) >= 4 and (places.has_name(last) or places.has_name("".join(found[-2:]))))


def _vague(parts: Parts) -> bool:
    """Tell whether a house is given but nothing that finds its street: "8, 1st floor, Station Road"."""
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

"""The check of an address outside India: the country's own idea of a complete address, and code against place."""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.fuzz import ratio

from bot.addresses.content import EMAIL, informative, is_doubled, is_junk, is_only_pobox
from bot.addresses.countries import Habits, habits
from bot.addresses.editions import label
from bot.addresses.index import Index, index
from bot.addresses.parts import latin, lower, read_parts
from bot.addresses.patterns import BARE_NUMBER, HOUSE_CUE, LANDMARK, LANDMARK_WORD, NOT_HOUSE
from bot.addresses.records import Address, Component, Finding, Option, Question, Report, Suggestion
from bot.addresses.text import clean, key, skeleton, word_set, words
from bot.addresses.verdict import ask, finding, report

EDITION = label()
LOCAL_CUES = word_set(
    "brgy barangay jl jalan via rue calle rua hay kel kec kelurahan kecamatan phuong quan city town thana upazila"
)
LONG_NUMBER = re.compile(r"\+?\d[\d \-]{7,}\d")
FOLLOWING = re.compile(r"(?:[a-z.]{2,}[,.]?\s)\s*(?:n[o.]?\s*)?\d{1,5}\s?(?:/?[a-z])?(?![\d])\s*(?:,|$|\s)", re.I)


def check_world(address: Address, code: str) -> Report:
    """Check one address by the habits of its country."""
    places, country = index(), habits(code)
    raw = ", ".join(p for p in (clean(address.address1), clean(address.address2), clean(address.landmark)) if p)
    text, phones = _take_phones(latin(raw), code)
    city, state = key(latin(address.city)), key(latin(address.state))
    findings: list[Finding] = []
    suggestions: list[Suggestion] = []
    where = _judge_code(address, code, country, city, state, places, findings, suggestions)
    if not city and "C" in country.required:
        findings.append(finding("CITY_MISSING"))
    if not state and "S" in country.required:
        findings.append(finding("STATE_MISSING"))
    full = _judge_text(text, raw, phones, code, country, city, state, address, places, findings)
    codes = {f.code for f in findings} if address.latitude is None else set()
    question = (
        full
        or where
        or (ask("ASK_HOUSE") if "HOUSE" in codes else ask("ASK_LANDMARK") if codes & {"LANDMARK", "SHORT"} else None)
    )
    return report(_components(text, address, phones, findings), findings, suggestions, question, (), EDITION)


def _take_phones(text: str, code: str) -> tuple[str, tuple[str, ...]]:
    """Take phone numbers of the country out of a text; a Makani number is none."""
    if "@" in text:
        text = EMAIL.sub(", ", text)
    if not LONG_NUMBER.search(text) or re.search(r"(?i)makani", text):
        return text, ()
    import phonenumbers  # It costs a twentieth of a second, and few addresses hold a number.

    found = []
    try:
        matches = list(phonenumbers.PhoneNumberMatcher(text, code))
    except (ValueError, phonenumbers.NumberParseException):
        return text, ()
    for match in reversed(matches):
        if code == "AE" and re.fullmatch(r"\d{5} ?\d{5}", match.raw_string):
            continue
        found.append(phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164))
        text = text[: match.start] + ", " + text[match.end :]
    return text, tuple(reversed(found))


# --- code, city, state ------------------------------------------------------------------------------------------------


def _judge_code(
    address: Address,
    code: str,
    country: Habits,
    city: str,
    state: str,
    places: Index,
    findings: list[Finding],
    suggestions: list[Suggestion],
) -> Question | None:
    given = re.sub(r"\s+", " ", latin(address.postal_code)).strip()
    bare = re.sub(r"[^0-9a-z]", "", given.lower())
    accepted = f"pin:{given}" in address.accepted
    names: tuple[str, ...] | None = None
    if not bare or set(bare) <= {"0"} or accepted:
        if country.country.postal == "required" and not accepted:
            findings.append(finding("PIN_MISSING"))
            return ask("ASK_PIN")
    elif country.country.postal != "ignored":
        if country.code and not country.code.match(given) and not country.code.match(bare):
            findings.append(finding("PIN_FORMAT", given))
            return ask("ASK_PIN")
        names = places.post(code, _as_filed(given, code))
    if names and city and not _names_match(city, names) and _lies_elsewhere(city, _as_filed(given, code), code, places):
        findings.append(finding("PIN_CITY", given))
        town = _town_of(names, code, places)
        suggestions.append(Suggestion("city", town, False))
        return ask(
            "CONFIRM_CITY_OR_PIN",
            Option(f"{town} {given}"[:20], (("city", town), ("postal_code", given))),
            Option(address.city[:20], (("city", address.city), ("postal_code", ""))),
        )
    if names == () and country.country.exact_codes:
        findings.append(finding("PIN_UNKNOWN", given))
        return ask("ASK_PIN")
    if (
        names
        and state
        and not _names_match(state, names)
        and _lies_elsewhere(state, _as_filed(given, code), code, places)
    ):
        findings.append(finding("STATE_WRONG", address.state))
        return None
    if names is None and city and state and _contradict(city, state, code, country, places):
        findings.append(finding("PIN_CITY", address.city, "The city lies in another state, emirate or governorate."))
        return ask(
            "CONFIRM_CITY_OR_PIN",
            Option(address.city[:20], (("city", address.city), ("state", ""))),
            Option(address.state[:20], (("city", ""), ("state", address.state))),
        )
    return None


def _as_filed(given: str, code: str) -> str:
    """Return a code as its table has it: Brazilian codes carry a hyphen."""
    bare = re.sub(r"\D", "", given)
    return f"{bare[:5]}-{bare[5:]}" if code == "BR" and len(bare) == 8 else bare or given


def _names_match(city: str, names: tuple[str, ...]) -> bool:
    bare = skeleton(city)
    for name in names:
        if name == city or (len(name) >= 4 and len(city) >= 4 and (name in city or city in name)):
            return True
        if ratio(name, city) >= 84 or (len(bare) >= 3 and skeleton(name) == bare):
            return True
    return False


@lru_cache(maxsize=2048)
def _lies_elsewhere(city: str, given: str, code: str, places: Index) -> bool:
    """Tell whether the table knows the city, and knows it nowhere near this code."""
    starts = places.post_areas(code, city)
    if starts:
        return given[:2] not in starts
    regions = places.regions(code, city)
    names = places.post(code, given) or ()
    others = {r for name in names for r in places.regions(code, name)}
    return bool(regions and others and not others & set(regions))


def _town_of(names: tuple[str, ...], code: str, places: Index) -> str:
    known = [n for n in names if places.regions(code, n)]
    return (known or list(names))[0].title()


def _apart(one: str, other: str) -> bool:
    return one.isdigit() and other.isdigit() and abs(int(one) - int(other)) > 3


def _contradict(city: str, state: str, code: str, country: Habits, places: Index) -> bool:
    """Tell whether a city lies elsewhere than the state: than its capital, or by far than all codes of a province."""
    if city == state:
        return False
    if not country.country.city_states:
        if len(city) < 4 or len(state) < 4:
            return False
        of_city, of_state = places.post_areas(code, city), places.post_areas(code, state)
        # Small states are districts, which lie inside others; and nobody minds Islamabad under Punjab.
        return bool(of_city) and len(of_state) >= 5 and all(_apart(a, b) for a in of_city for b in of_state)
    here, there = places.regions(code, city), places.regions(code, state)
    return bool(here and there and not set(here) & set(there[:1]))


# --- the words --------------------------------------------------------------------------------------------------


def _has_door(text: str, country: Habits) -> bool:
    """Tell whether a text names a door in the country's way; what stands behind "near" is not ours."""
    text = LANDMARK.sub(" , ", lower(text))
    if country.door and country.door.search(text):
        return True
    masked = NOT_HOUSE.sub(" ~ ", country.not_door.sub(" ~ ", text) if country.not_door else text)
    if HOUSE_CUE.search(masked):
        return True
    for piece in re.split(r"[,;\n]", masked):
        match = BARE_NUMBER.search(piece)
        if match and (country.country.number_follows or not piece[: match.start()].strip()):
            return True
    return False


def _judge_text(
    text: str,
    raw: str,
    phones: tuple[str, ...],
    code: str,
    country: Habits,
    city: str,
    state: str,
    address: Address,
    places: Index,
    findings: list[Finding],
) -> Question | None:
    if country.complete and country.complete.search(text):
        return None
    names = (LOCAL_CUES | {city, state}) - {""}
    lowered, found = text.lower(), words(text)
    if is_only_pobox(lowered, found, names, 12) or is_only_pobox(raw.lower(), found, names, 12):
        findings.append(finding("POBOX"))
        return ask("ASK_FULL")
    if phones:
        findings.append(finding("PHONE"))
    letters, count = informative(text, found, names)
    latin_script = raw.isascii() and code in ("PK", "BD", "LK", "NP")
    if (phones and letters < 4) or (
        not phones and is_junk(lowered, found, places.letters, latin_script, code in ("PK", "BD", "NP"))
    ):
        findings.append(finding("SHORT" if phones else "JUNK"))
        return ask("ASK_FULL")
    door = _has_door(text, country)
    village = country.village is not None and country.village.search(text) is not None
    if (letters < 4 if door else letters < 15 or count < 2) and not (village and letters >= 12):
        findings.append(finding("SHORT"))
    if is_doubled(text, found):
        findings.append(finding("DUP"))
    settled = "no_house_number" in address.accepted
    if not door and not village and not settled:
        findings.append(finding("HOUSE"))
    marked = address.landmark or address.directions or LANDMARK_WORD.search(text)
    if not marked and "no_landmark" not in address.accepted and ((village and not door) or settled):
        findings.append(finding("LANDMARK"))
    return None


def _components(text: str, address: Address, phones: tuple[str, ...], findings: list[Finding]) -> tuple[Component, ...]:
    parts = read_parts(text, address.city)
    out = [Component(kind, v, "parsed_text", "plausible", 0.6) for kind, values in parts.found.items() for v in values]
    wrong = {f.field for f in findings if f.severity == "bad"}
    for kind, value, name in (
        ("city", address.city, "city"),
        ("state", address.state, "state"),
        ("pincode", address.postal_code, "postal_code"),
    ):
        if value.strip():
            out.append(
                Component(kind, clean(value), "order_field", "conflict" if name in wrong else "unconfirmed", 0.5)
            )
    return (*out, *(Component("alt_phone", p, "parsed_text", "plausible", 0.9) for p in phones))

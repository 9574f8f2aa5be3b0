"""The words in which addresses are spoken about: what is checked, found, asked and changed.

Everything here is frozen, holds no connection and can be stored as JSON, so it may cross layers freely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Every finding: code -> (severity, what it means). Other layers translate by code; the sentence of a
#: `Finding` is the English wording for merchants and agents.
FINDINGS: dict[str, tuple[str, str]] = {
    "JUNK": ("bad", "The address is empty, a filler or keyboard noise."),
    "POBOX": ("bad", "Only a post box is given; couriers deliver to doors."),
    "PIN_MISSING": ("bad", "The postal code is missing."),
    "PIN_FORMAT": ("bad", "The postal code does not have the form its country uses."),
    "PIN_UNKNOWN": ("bad", "The postal code does not exist."),
    "PIN_STATE": ("bad", "The postal code lies in another state."),
    "PIN_CITY": ("bad", "The postal code and the city are far apart."),
    "SHORT": ("warn", "Too little is written to find the door."),
    "HOUSE": ("warn", "No house, flat, plot or building is named."),
    "STATE_WRONG": ("warn", "The state contradicts both city and postal code; it can be put right without asking."),
    "PIN_CITY_SOFT": ("warn", "The city and the postal code do not quite fit."),
    "LOCALITY_PIN": ("warn", "A locality in the text belongs to another postal code."),
    "PIN_LEGACY": ("info", "The postal code was retired but is still in use."),
    "CITY_MISSING": ("warn", "The city is missing."),
    "STATE_MISSING": ("info", "The state is missing."),
    "LANDMARK": ("info", "A landmark would help the courier."),
    "PHONE": ("info", "A phone number stands inside the address; it is kept as the alternate number."),
    "DUP": ("info", "The address repeats itself."),
    "PHONE_MISSING": ("bad", "The order has no phone number."),
    "PHONE_INVALID": ("bad", "The phone number cannot exist."),
    "PHONE_FAKE": ("bad", "The phone number is made of repeated or running digits."),
    "PHONE_LANDLINE": ("warn", "The phone number is not a mobile number."),
    "PHONE_REGION": ("info", "The phone number belongs to another country than the address."),
}

#: Every question, most urgent first: code -> what is asked. CONFIRM_ADDRESS is what remains when nothing is
#: open; `Report.question` is then None.
QUESTIONS: dict[str, str] = {
    "ASK_FULL": "Please give the whole address again.",
    "CONFIRM_PIN": "Is this the right postal code?",
    "CONFIRM_CITY_OR_PIN": "City and postal code contradict each other: which is right?",
    "ASK_PIN": "Which postal code?",
    "ASK_HOUSE": "Which house or flat number? If there is none, a landmark.",
    "ASK_LANDMARK": "Which well-known place is near?",
    "ASK_LOCATION": "Please share the location of the door: the pin and the address are far apart.",
    "CONFIRM_ADDRESS": "Is the address as shown right?",
}

#: Facts about a reply that are no change of the address.
FLAGS: dict[str, str] = {
    "confirmed": "The shopper said yes and nothing is open.",
    "rejected": "The shopper said the address is wrong without saying how.",
    "no_new_facts": "Nothing in the reply answered the question.",
    "no_house_number": "The shopper says that there is no house number; it is never asked again.",
    "no_landmark": "The shopper says that there is no landmark; it is never asked again.",
    "shopper_confirmed_pin": "The shopper insists on the postal code; it is never doubted again.",
    "city_changed": "The city is another one: shipping zone and terms may change, the merchant must know.",
    "location_conflict": "The shared location lies far from the postal code; it was not taken over.",
}

#: Findings lower the score by these weights. They are judgement until a shop has enough outcomes to refit them.
WEIGHTS: dict[str, int] = {
    "JUNK": 70, "POBOX": 40, "PIN_STATE": 35, "PIN_MISSING": 30, "PIN_FORMAT": 30, "PIN_UNKNOWN": 30, "PIN_CITY": 30,
    "SHORT": 25, "HOUSE": 15, "PIN_CITY_SOFT": 15, "STATE_WRONG": 0, "LOCALITY_PIN": 12, "PIN_LEGACY": 10,
    "CITY_MISSING": 10, "PHONE": 6, "LANDMARK": 5, "DUP": 4, "STATE_MISSING": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """Hold one address as it would be printed on a label.

    The lines are the only truth: house, building and locality are read out of them each time, so the label and
    the parts can never disagree. `accepted` remembers what the shopper insisted on and must not be asked again:
    "pin:<code>", "no_house_number", "no_landmark".
    """

    address1: str = ""
    address2: str = ""
    landmark: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = "IN"
    latitude: float | None = None
    longitude: float | None = None
    directions: str = ""
    alt_phone: str = ""
    accepted: tuple[str, ...] = ()

    @property
    def digipin(self) -> str:
        """Return India Post's ten-character code of the location (about four metres), or an empty string.

        It can be read out on the phone and printed on a label, which coordinates cannot.
        """
        if self.latitude is None or self.longitude is None:
            return ""
        import digipin  # Few addresses have a location.

        try:
            return str(digipin.encode(self.latitude, self.longitude)).replace(" ", "-")
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Component:
    """Name one part of an address and how sure we are of it.

    `kind` is one of care_of, house_no, unit, floor, tower, wing, building, street, sublocality, locality,
    landmark, directions, village, post, tehsil, city, district, state, pincode, alt_phone. `status` is one of
    confirmed, plausible, unconfirmed, conflict, missing, corrected, inferred. `source` is order_field,
    parsed_text, inferred_from_postcode or provider:<name>; `confidence` runs from 0 to 1.
    """

    kind: str
    value: str
    source: str = "parsed_text"
    status: str = "plausible"
    confidence: float = 0.7


@dataclass(frozen=True, slots=True)
class Finding:
    """Tell one defect: a code of `FINDINGS`, its severity, the field, an English sentence, the value at fault."""

    code: str
    severity: str
    field: str
    sentence: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Propose a value for a field; a `safe` one may be applied without asking and is shown in the read-back."""

    field: str
    value: str
    safe: bool
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Option:
    """Offer one answer to a question: a short label for a button, and the fields that it sets."""

    label: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Ask for one thing: a code of `QUESTIONS`, its English sentence, and at most two options for buttons."""

    code: str
    sentence: str
    field: str = "address1"
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Say what is known about an address.

    `score` runs from 0 to 100; `band` is ok (85 and more: confirm only), ask (60 to 84) or hold. `pins` are the
    postal codes worth showing, best first. `question` is None when only a confirmation is left to ask.
    """

    components: tuple[Component, ...]
    findings: tuple[Finding, ...]
    score: int
    band: str
    suggestions: tuple[Suggestion, ...] = ()
    question: Question | None = None
    pins: tuple[str, ...] = ()
    edition: str = ""

    def part(self, kind: str) -> str:
        """Return the first component of a kind, or an empty string."""
        return next((c.value for c in self.components if c.kind == kind), "")

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the findings, in their order."""
        return tuple(f.code for f in self.findings)


@dataclass(frozen=True, slots=True)
class Reply:
    """Carry one message of a shopper: any of its parts may be missing.

    `location` is (latitude, longitude); `form` holds the `values` of Meta's address form; `phones` are the numbers
    of a contact card; `choice` is the option whose button was tapped, `rejected` tells that the "no" button was.
    """

    text: str = ""
    location: tuple[float, float] | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    phones: tuple[str, ...] = ()
    choice: Option | None = None
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Name one field that differs, with its old and its new value, for the read-back and the audit."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Hold the new version of an address, what changed, what is still open and named facts (see `FLAGS`)."""

    after: Address
    changes: tuple[Change, ...]
    open: Question | None
    flags: tuple[str, ...] = ()
    report: Report | None = None

"""Names of Indian states and cities under all their spellings, and words that prove nothing about a place.

Kept under version control because governments rename: a new name is one more word in a line here. Groups of cities
are bound to a state, because many names exist twice (Aurangabad, Bijapur, Bilaspur).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.fuzz import ratio

from bot.addresses.text import key, word_set

#: Canonical state -> abbreviations and older spellings, as keys (letters only).
STATES: dict[str, str] = {
    "Andaman and Nicobar Islands": "an andaman andamannicobar andamanandnicobar andamanislands aandnislands nicobar",
    "Andhra Pradesh": "ap andhra andrapradesh andhraprdesh seemandhra",
    "Arunachal Pradesh": "ar arunachal",
    "Assam": "as asam asom",
    "Bihar": "br bh bihar behar",
    "Chandigarh": "ch chd chandigarhut",
    "Chhattisgarh": "cg ct chhatisgarh chattisgarh chhattisgad chattisgad chatisgarh",
    "Dadra and Nagar Haveli and Daman and Diu": "dn dd dnh dnhdd dadraandnagarhaveli dadranagarhaveli damananddiu "
    "damandiu dadra daman diu dadraandnagarhavelianddamananddiu dadranagarhavelidamandiu silvassa",
    "Delhi": "dl newdelhi nctofdelhi delhinct nct dilli ncr delhincr ndelhi nationalcapitalterritoryofdelhi",
    "Goa": "ga goastate",
    "Gujarat": "gj guj gujrat gujarath",
    "Haryana": "hr har hariyana",
    "Himachal Pradesh": "hp himachal",
    "Jammu and Kashmir": "jk jandk jammu kashmir jammukashmir jammuandkasmir",
    "Jharkhand": "jh jharkand jarkhand",
    "Karnataka": "ka kar ktk karnatak karnatka",
    "Kerala": "kl ker keralam keralastate",
    "Ladakh": "la ladak",
    "Lakshadweep": "ld lakshadeep",
    "Madhya Pradesh": "mp madhyapradesh mpradesh",
    "Maharashtra": "mh maha mah maharastra maharashtr mharashtra",
    "Manipur": "mn",
    "Meghalaya": "ml meghalya",
    "Mizoram": "mz",
    "Nagaland": "nl",
    "Odisha": "or od orissa orrisa odissa odisa",
    "Puducherry": "py pondicherry pondy pondichery puduchery",
    "Punjab": "pb pun panjab",
    "Rajasthan": "rj raj rajastan rajsthan",
    "Sikkim": "sk",
    "Tamil Nadu": "tn tamilnad tnadu tamilnadu",
    "Telangana": "ts tg telengana telangna tlangana",
    "Tripura": "tr",
    "Uttar Pradesh": "up uttarpradesh utterpradesh upradesh",
    "Uttarakhand": "uk ut uttaranchal uttrakhand utrakhand uttarkhand utarakhand",
    "West Bengal": "wb westbengal wbengal bengal paschimbanga",
}
STATE_NAMES = tuple(STATES)
STATE_NUMBER = {name: n for n, name in enumerate(STATE_NAMES)}
_BY_KEY = {k: name for name, spellings in STATES.items() for k in (key(name), *spellings.split())}
_LONG_KEYS = tuple(k for k in _BY_KEY if len(k) >= 5)

#: States that are written for each other in good faith: borders moved in 2014 and 2019, or one is an enclave.
COMPATIBLE = frozenset(
    frozenset(pair)
    for pair in (
        ("Chandigarh", "Punjab"),
        ("Chandigarh", "Haryana"),
        ("Puducherry", "Tamil Nadu"),
        ("Puducherry", "Kerala"),
        ("Puducherry", "Andhra Pradesh"),
        ("Andhra Pradesh", "Telangana"),
        ("Ladakh", "Jammu and Kashmir"),
        ("Dadra and Nagar Haveli and Daman and Diu", "Gujarat"),
    )
)


@lru_cache(maxsize=2048)
def state_of(text: str) -> str:
    """Return the canonical name of an Indian state however it is written, or an empty string."""
    bare = key(text.replace("&", " and "))
    if not bare:
        return ""
    known = _BY_KEY.get(bare)
    if known:
        return known
    if bare.startswith("stateof"):
        return _BY_KEY.get(bare[7:], "")
    if bare.endswith(("state", "india")):
        return _BY_KEY.get(bare[:-5], "")
    if len(bare) < 5:
        return ""
    close = process.extract(bare, _LONG_KEYS, scorer=ratio, score_cutoff=84, limit=None)
    return max((likeness, _BY_KEY[k]) for k, likeness, _ in close)[1] if close else ""


def compatible(one: str, other: str) -> bool:
    """Tell whether two states are written for each other in good faith."""
    return frozenset((one, other)) in COMPATIBLE


def _read_groups() -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], list[str]] = {}
    for line in Path(__file__).with_name("india_cities.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        state, _, groups = line.partition(":")
        for group in groups.split("|"):
            names = group.split()
            for name in names:
                others = found.setdefault((state, name), [])
                others.extend(n for n in names if n != name and n not in others)
    return {k: tuple(v) for k, v in found.items()}


ALIASES = _read_groups()
_STATES_OF_ALIAS: dict[str, tuple[str, ...]] = {}
for (_state, _name), _others in ALIASES.items():
    _STATES_OF_ALIAS[_name] = (*_STATES_OF_ALIAS.get(_name, ()), _state)
#: Names that stand in a group of city names anywhere.
ALIASED = frozenset(_STATES_OF_ALIAS)


def other_names(name: str, state: str) -> tuple[str, ...]:
    """Return the other names of a city in a state (of any state that has it when the state is unknown)."""
    if (state, name) in ALIASES:
        return ALIASES[state, name]
    states = _STATES_OF_ALIAS.get(name, ())
    return ALIASES[states[0], name] if len(states) == 1 else ()


def alias_states(name: str) -> tuple[str, ...]:
    """Return the states in which a name stands in a group of city names."""
    return _STATES_OF_ALIAS.get(name, ())


#: Modern name to show for a city; only where everybody knows the new name.
SHOWN_NAME = {
    "bangalore": "Bengaluru",
    "banglore": "Bengaluru",
    "blr": "Bengaluru",
    "bombay": "Mumbai",
    "madras": "Chennai",
    "calcutta": "Kolkata",
    "gurgaon": "Gurugram",
    "poona": "Pune",
    "mysore": "Mysuru",
    "trivandrum": "Thiruvananthapuram",
    "cochin": "Kochi",
    "baroda": "Vadodara",
    "allahabad": "Prayagraj",
    "calicut": "Kozhikode",
    "vizag": "Visakhapatnam",
    "ndelhi": "New Delhi",
    "nidilli": "New Delhi",
    "newdelhi": "New Delhi",
    "pondicherry": "Puducherry",
    "hydrabad": "Hyderabad",
}

#: Words that prove nothing about where a place is: every town has them.
GENERIC = word_set("""
    nagar colony main road bazar bazaar market chowk village town station railway city court civil lines
    university college hospital school temple gandhi nehru ram new old east west north south central industrial
    area estate camp fort cross sector phase block gate mandir garden park vihar enclave extension layout palace
    bagh pura puram gram ganj kalan khurd head post office branch bank building floor near opp shop plot house
    kot garh rampur street lane marg line ward circle square complex plaza tower towers ground first second
    third upper lower opposite behind beside district dist taluk taluka tehsil mandal via state national highway
    bypass bus stand depot police thana panchayat municipal corporation limited ltd india bharat the and of at
    no door flat room unit hall society chambers arcade cinema theatre petrol pump hotel lodge mall apartment
    apartments residency heights nivas bhavan bhawan sadan center centre commercial business trade godown
    compound wadi pada mohalla gali galli chauraha tiraha naka more mor junction indira rajiv subhash mahatma
    ambedkar shivaji patel tilak vivekananda shastri azad bose laxmi lakshmi ganesh shiv shri sri shree sai
    krishna hanuman durga jain hindu muslim christian church masjid mosque gurudwara ashram chowki side corner
    opp front back extn ext nr no hno mg mgroad gandhinagar nehrunagar mainroad stationroad civillines
    postoffice busstand shivajinagar subhashnagar rajivnagar indiranagar ramnagar gandhichowk mainbazar
    sadarbazar mainmarket oldcity newcolony collegeroad hospitalroad templestreet carstreet bazarstreet
    marketyard industrialarea industrialestate modeltown rajendranagar ashoknagar krishnanagar laxminagar
    lakshminagar vijaynagar vijayanagar shantinagar jawaharnagar ambedkarnagar azadnagar patelnagar shastrinagar
    saraswatinagar ganeshnagar vidyanagar railwaystation trunkroad nationalhighway branchoffice grandtrunk
    cooperative sahakari mahatmagandhi sardarpatel
    """)

#: Words that stand in every address and do not tell where in the town it is.
CUE_WORDS = word_set("""
    near nr opp opposite behind beside next to in front of the and at on no number house flat plot shop room
    door h d hno dno p o po vill village post teh tehsil tal taluka dist district via city state india pin code
    pincode call ke k paas pas samne piche bagal ki ka address ground first second third floor main
    """)

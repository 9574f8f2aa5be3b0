"""
What a shopper's words say about an address: yes, no, chatter, facts. Only what bears on the address is read
here; other wishes (cancel, when, a person) are another module's task, and here they must merely leave the
address alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.addresses.content import FILLER_TEXT, PHONE_IN_TEXT
from bot.addresses.parts import latin
from bot.addresses.records import Reply
from bot.addresses.text import ascii_digits, clean, word_set

_YES_WORDS = """
    yes y yeah yep yup ya yaa ha haa haan han haanji hanji ji jee ok okay okey k kk sahi sahii shi correct right
    theek thik thk tik bilkul sure fine good great perfect confirm confirmed done accha acha achha same yahi
    wahi avunu sari aam aama houdu howdu sari hyan hae hoy na'am naam aiwa aywa tamam tamaam sah sahih iya ya
    benar betul oo opo tama dung co vang da si sim certo oui evet dogru beshak durust mantri seri ok👍 हाँ हां हा
    जी सही ठीक होय बरोबर হ্যাঁ হা ঠিক అవును సరే ஆம் சரி ಹೌದು ಸರಿ അതെ ശരി હા ઠીક ਹਾਂ ਠੀਕ ہاں جی ٹھیک صحیح نعم اي
    ايوه صح đúng có vâng
    """
_NO_WORDS = """
    no nope nah nahi nahin nai nhi nahee na galat galt ghalat wrong incorrect not mat kadu illa illai alla nako
    la laa khata khatta tidak bukan salah hindi mali khong sai non nao errado mal hayir yanlis नहीं नही ना गलत
    नाही चूक না ভুল కాదు தவறு இல்லை ಇಲ್ಲ ತಪ್ಪು അല്ല ના ખોટું ਨਹੀਂ ਗਲਤ نہیں غلط لا خطأ không
    """
YES = frozenset(_YES_WORDS.split())
NO = frozenset(_NO_WORDS.split())
#: Short words of one language that begin names in another ("Sai Complex"); they count only when they stand alone.
_AMBIGUOUS = word_set(
    "sai la laa mal co da si sari seri same good great fine mat ya na y k oo o aama aam sim certo oui hae ha han non"
)
#: Yes and no that are cut off the rims of a fact.
_RIM = word_set(
    "yes y yeah yep haa haan han haanji ji jee ok okay no nope nahi nahin nhi galat galt wrong correct right "
    "sahi theek thik"
)
YES_SIGNS = re.compile("[👍👌✅✔☑💯🆗]")
NO_SIGNS = re.compile("[👎❌✖🚫]")
#: Words around the facts; they begin or end a reply and carry nothing.
CHATTER = word_set("""
    please pls plz kindly thanks thank thanku thankyou you u ty sorry oops matlab mtlb means mean i actually
    arey are arre bhai bhaiya bro sir madam mam maam ma'am dear hello hi hey ruko ruk rukho wait hold on ek ek1
    min minute sec second par pr but lekin magar aur or and also too likhna likh likho likhiye likhdo likhe
    lagana dalna dal daalo daal do de dena dijiye karo kar karna kr kro kardo krdo add karein update change hoga
    hogi hona hai hain he h hei tha thi wala wali vala write it's its it is was should be will the this that my
    mera meri mere hamara apna our actual new naya nayi correct right sahi galat wrong only bas just so to toh
    ab now see dekho yaar sab sabhi baki baaki pero el il live living staying at mein ya nha
    ok okay yes no ji haan ha well um hmm hm aa achha acha accha note noted kindly number
    bata raha rahi hu hun hoon batata batati bhej bhejo send me mujhe ko ka ki ke se aap instead of address pata
    deliver delivery there here waha yaha par pe
    """)
#: Inside facts these chatter words are part of the name, so they are only stripped at the rims when alone.
_RIM_KEEP = word_set("new number address ke ki ka ko to second sec min house")

OTHER_INTENT = re.compile(
    r"(?<![a-z])(?:cancel|cansel|refund|return|exchange|kab|when|kitne baje|kitna time|track(?:ing)?|status|"
    r"kaha(?:n)? (?:hai|pahu|tak)|where is|reschedul\w*|"
    r"postpone|(?:kal|parso|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"next week) (?:ko |ko hi )?(?:bhej|de|deliver|lana|aana|send)\w*|deliver (?:it )?(?:tomorrow|on|after|"
    r"later)|"
    r"agent|human|customer care|(?:talk|speak|baat) (?:to|karni|karna|karwao)|price|discount|cod charge|"
    r"kitna paisa|kitne ka|don'?t want|nahi chahiye|nahi chaiye|mat bhejo|stop|kapan|batal|quando|متى|الغاء|"
    r"إلغاء)(?![a-z])",
    re.I,
)
SENTENCE = re.compile(
    r"(?<![a-z])(?:will|tell|want|need|when|why|how|what|who|which|kab|kaise|kyu|kyun|kya|kaun|kaha|"
    r"please send|i am|i'm|i have|i do|don'?t|didn'?t|can you|could|should i|give me|baad|later|"
    r"pata nahi|malum|maloom|samajh|understand|busy|free|meeting|call you|bataunga|bataungi|batata hu|karunga|"
    r"order|parcel|delivery boy|product|payment|money|paisa)(?![a-z])|\?",
    re.I,
)
NO_HOUSE = re.compile(
    r"(?<![a-z])(?:no|without|don'?t have(?: a| any)?|doesn'?t have(?: a| any)?|there is no|there'?s no|"
    r"not have|koi|bina)\s+(?:house|flat|door|home|ghar ka|makan|plot)?\s?(?:no|number|num|nr)\.?(?:\s(?:nahi|"
    r"nhin|nhi|nahin)(?: hai| h)?)?(?![a-z\d])(?!\s*\d)"
    r"|(?:house|flat|ghar|makan|door|plot)?\s?(?:ka |ki )?(?:no|number|num|nambar)\.?\s(?:nahi|nhin|nhi|nahin|"
    r"nai|illa|ledu|illai|nei)(?![a-z])(?:\s?(?:hai|h|he|hota|hain)(?![a-z]))?|(?<![a-z])(?:tidak ada|walang|"
    r"khong co|sin|senza|sans|pas de)\s(?:nomor|number|numero|no|so)(?![a-z])"
    r"|नंबर नहीं|नम्बर नहीं|no number",
    re.I,
)
NO_LANDMARK = re.compile(
    r"(?<![a-z])(?:no|koi|without)\s(?:\w+\s)?landmark(?:\s(?:nahi|nhi|nahin|nhin)(?:\s(?:hai|h))?)?(?![a-z])|"
    r"landmark (?:nahi|nhi|nahin|nhin)",
    re.I,
)
WRONG = re.compile(
    r"(?<![a-z])(?:change|badal\w*|edit|update|modify|replace)\b.{0,12}\b(?:address|pata|it)\b|"
    r"address (?:change|badal)|(?:sahi|theek|thik|right|correct|same) (?:nahi|nhi|nahin|not)(?![a-z])|"
    r"not (?:right|correct|same|ok)|isn'?t (?:right|correct)|(?:address|pata|pin(?:code)?) (?:galat|wrong)|"
    r"different address|dusra (?:address|pata)|सही नहीं|ठीक नहीं",
    re.I,
)
LEAD_IN = re.compile(
    r"^(?:(?:please|pls|plz|kindly)\s+)?(?:(?:send|deliver|ship|bhej\w*|courier|parcel)\b[^:\d,]{0,40}:|"
    r"(?:send|deliver|ship|bhej(?:o|na|do|dijiye)?|courier)\b[^:,\d]{0,30}?(?:office|home|house|shop|address|"
    r"here|there|to|at|pe|par)\b\s*(?:address)?|"
    r"(?:my|mera|the|our|full|new|correct|complete|sahi|naya|actual|delivery)?\s?(?:full |new |correct |"
    r"complete |office |home |delivery )?(?:address|pata|addr)\b\s*(?:is|hai|h|ye hai|yeh hai|"
    r":)?)\s*[:\-–,]?\s*",
    re.I,
)
_DIGIT_WORDS = {
    "zero": "0",
    "oh": "0",
    "o": "0",
    "shunya": "0",
    "sunya": "0",
    "sifar": "0",
    "one": "1",
    "ek": "1",
    "two": "2",
    "do": "2",
    "three": "3",
    "teen": "3",
    "tin": "3",
    "four": "4",
    "char": "4",
    "chaar": "4",
    "five": "5",
    "paanch": "5",
    "panch": "5",
    "six": "6",
    "chhe": "6",
    "che": "6",
    "chah": "6",
    "cheh": "6",
    "seven": "7",
    "saat": "7",
    "sat": "7",
    "eight": "8",
    "aath": "8",
    "ath": "8",
    "nine": "9",
    "nau": "9",
    "no": "9",
}
_SURE_DIGITS = frozenset(_DIGIT_WORDS) - {"o", "do", "no", "oh", "char", "sat", "tin", "ath", "che"}
DIRECTIONS = re.compile(
    r"(?<![a-z])(?:gate(?:\s?(?:no|number))?[\s.:#\-]*\d*|[a-z]+ (?:colou?r )?(?:gate|door|house|ghar|"
    r"building)|(?:ground|first|second|third|top|upper) (?:house|door) (?:from|on)|left|right|turn|straight|"
    r"u turn|lift|stairs|guard|security|"
    r"bell|ring|last (?:house|ghar)|corner|andar|inside|entry|entrance|back side|side wali|upar|neeche|seedha|"
    r"mud|baye|daye)(?![a-z])",
    re.I,
)


#: "House no is 12": the verb between label and number.
_IS_BETWEEN = re.compile(
    r"(?i)\b(no\.?|number|house|flat|plot|floor|piso|lantai|etage|piano)\s+(?:is|hai|es|adalah|est|:)\s+"
    r"(?=[a-z]{0,3}-?\d)"
)
#: "4 hai flat number": the label behind the number.
_LABEL_BEHIND = re.compile(
    r"(?i)(?<![\w/-])([a-z]?-?\d{1,4}[a-z]?)\s+(?:hai|h|is)\s+(?:the |my |mera )?(house|flat|plot|ghar|makan|door)"
    r"(?:\s+ka)?\s+(?:no|number|num)(?![a-z])"
)
#: "House name is Shanti Kunj": what stands before the name.
_NAME_OF_HOUSE = re.compile(
    r"(?i)\b(?:my |mere |mera )?(?:house|ghar|home|building|bldg|bungalow|villa)\s*(?:ka\s+|ki\s+)?(?:name|naam|nam)\s*"
    r"(?:is|hai|:|-)?\s+(?=[a-z])"
)
_SELF_CORRECTION = re.compile(
    r"(?i)^(?P<a>.*\d.*?)[\s,.;]+(?:sorry|oops|i mean|matlab|mtlb|galti se|actually|correction|nahi nahi|no no)"
    r"[\s,.:;]+(?P<b>.*\d.*)$"
)
_NUMBER = r"[a-z]{0,3}[-/]?\d{1,5}[a-z]?(?:[-/][\da-z]{1,5})*"


@dataclass(slots=True)
class Said:
    """Hold one text as it was understood: the facts' words without the chatter around, and whether it was yes or no."""

    raw: str
    text: str
    yes: bool = False
    no: bool = False
    no_house: bool = False
    no_landmark: bool = False
    other: bool = False
    lead_in: bool = False
    house_name: bool = False
    phones: tuple[str, ...] = ()
    script: dict[str, str] = field(default_factory=dict)

    def as_written(self, piece: str) -> str:
        """Return a piece in the shopper's own script: a label in transliteration helps nobody."""
        return self.script.get(without_chatter(piece), piece)


def hear(raw: str, country: str) -> Said:
    """Take the words of one message apart from the chatter around them."""
    said = Said(raw, "")
    said.yes, said.no = bool(YES_SIGNS.search(raw)), bool(NO_SIGNS.search(raw))
    original = clean(raw)
    first = re.sub(r"[.,!?;:]+", " ", original.lower()).split()
    text = latin(raw)
    tokens = re.sub(r"[.,!?;:\-]+", " ", text.lower()).split()
    if first:
        heads = {first[0], tokens[0] if tokens else ""}
        if len(first) > 2:
            heads -= _AMBIGUOUS
        said.yes = said.yes or bool(heads & YES) or (len(first) <= 4 and bool(YES & set(first)) and not NO & set(first))
        said.no = (
            said.no
            or bool(heads & NO)
            or (
                len(first) <= 5
                and bool(
                    {"galat", "wrong", "incorrect", "salah", "गलत", "ভুল", "غلط", "خطأ", "sai", "yanlis"} & set(first)
                )
            )
        )
        said.yes = said.yes and not said.no
        if all(word in YES or word in NO for word in first):
            text = ""
    if not original.isascii():
        for piece in re.split("[,،;।\n]", original):
            said.script[without_chatter(latin(piece))] = piece.strip(" .!")
    if NO_LANDMARK.search(text):
        said.no_landmark, text = True, NO_LANDMARK.sub(" , ", text)
        said.yes = said.no = False
    if WRONG.search(text):
        said.yes, said.no = False, True
    if FILLER_TEXT.match(text.lower().strip(" .,!?")) and not re.search(r"\d", text):
        text = ""
    if NO_HOUSE.search(text):
        said.no_house, text = True, NO_HOUSE.sub(" , ", text)
        said.yes = said.no = False
    if country == "IN":
        said.phones = tuple("+91" + re.sub(r"\D", "", m.group(1)) for m in PHONE_IN_TEXT.finditer(text))
        text = PHONE_IN_TEXT.sub(" , ", text)
        if said.phones:
            text = re.sub(
                r"(?i)\b(?:call|phone|mobile|contact|whatsapp|alternate|alternative|second|dusra|number|no|me|on|"
                r"at|pe|par|karo|karna|is|my)\b|before (?:coming|delivery)",
                " ",
                text,
            )
    text = _LABEL_BEHIND.sub(r"\2 \1", _last_word(_digits_from_words(_IS_BETWEEN.sub(r"\1 ", text))))
    named = _NAME_OF_HOUSE.sub("", text)
    said.house_name, text = named != text, named
    said.other = OTHER_INTENT.search(text) is not None
    shorter = LEAD_IN.sub("", text, count=1)
    said.lead_in, text = shorter != text and bool(shorter.strip()), shorter if shorter.strip() else text
    lines = (
        ", ".join(p for piece in line.split(",") if (p := without_chatter(piece)) and p.lower() not in YES)
        for line in text.split("\n")
    )
    said.text = "\n".join(line for line in lines if line)
    return said


def _last_word(text: str) -> str:
    """Let the last word on a number win: "no. 45 sorry 54" is "no. 54"."""
    match = _SELF_CORRECTION.match(text)
    if not match:
        return text
    first, last = match.group("a"), match.group("b").strip(" .,!")
    old = list(re.finditer(rf"(?<![\w/-]){_NUMBER}(?![\w/-])", first, re.I))
    if re.fullmatch(_NUMBER, last, re.I) and old:
        return first[: old[-1].start()] + last + first[old[-1].end() :]
    return last if len(first.split()) <= 4 else text


def _digits_from_words(text: str) -> str:
    """Write "one one zero zero two four" as 110024, "double one" as 11; fewer than four words are no number."""
    tokens = text.split()
    out: list[str] = []
    n = 0
    while n < len(tokens):
        run, m = "", n
        sure = 0
        while m < len(tokens):
            word = tokens[m].lower().strip(",.-")
            times = {"double": 2, "triple": 3}.get(word, 1)
            follows = tokens[m + 1].lower().strip(",.-") if times > 1 and m + 1 < len(tokens) else word
            digit = _DIGIT_WORDS.get(follows) or (
                follows if len(follows) == 1 and follows.isdigit() and (run or times > 1) else None
            )
            if digit is None:
                break
            run += digit * times
            sure += follows in _SURE_DIGITS
            m += 2 if times > 1 else 1
        if len(run) >= 4 and sure * 2 >= m - n - 1:
            out.append(run)
            n = m
        else:
            out.append(tokens[n])
            n += 1
    return " ".join(out) if len(out) != len(tokens) else text


def without_chatter(text: str) -> str:
    """Strip words that carry nothing from both ends of a line."""
    tokens = text.strip(" ,.;!-").split()

    def bare(word: str) -> str:
        return word.lower().strip(",.;:!?-'\"()")

    while (
        tokens
        and bare(tokens[0]) != "h"
        and (not bare(tokens[0]) or bare(tokens[0]) in CHATTER or bare(tokens[0]) in _RIM)
    ):
        # "no 45" and "number 45" are a house number, "no, 45" is not.
        if (
            bare(tokens[0]) in {"no", "number"}
            and len(tokens) > 1
            and re.match(r"[a-z]?-?\d{1,4}[a-z]?$", bare(tokens[1]))
            and not tokens[0].endswith((",", "."))
        ):
            break
        if bare(tokens[0]) in {"new", "second", "sec", "min"} and len(tokens) > 1:
            break
        tokens.pop(0)
    while tokens and (not bare(tokens[-1]) or bare(tokens[-1]) in CHATTER - _RIM_KEEP or bare(tokens[-1]) in _RIM):
        tokens.pop()
    return " ".join(tokens).strip(" ,.;!-")


def read_reply(message: object) -> Reply:
    """Read a reply as WhatsApp's webhook carries it: a string, or an object with location, contacts or a form.

    Whatever is missing or malformed is left out; nothing raises.
    """
    if isinstance(message, Reply):
        return message
    if isinstance(message, str):
        return Reply(text=message)
    if not isinstance(message, Mapping):
        return Reply()
    text = _inner(message, "text", "body") or message.get("text") or _inner(message, "button", "text")
    return Reply(
        text=text if isinstance(text, str) else "",
        location=_location(message.get("location")),
        form=_form(message),
        phones=tuple(_phones(message.get("contacts"))),
    )


def _inner(message: object, *keys: str) -> Any:
    for key in keys:
        message = message.get(key) if isinstance(message, Mapping) else None
    return message


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _location(value: object) -> tuple[float, float] | None:
    try:
        latitude, longitude = float(_inner(value, "latitude")), float(_inner(value, "longitude"))
    except (TypeError, ValueError):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _form(message: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of Meta's address form; some providers leave out the level `values`."""
    raw = _inner(message, "interactive", "nfm_reply", "response_json") or message.get("response_json")
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            return {}
    values = _inner(raw, "values") if isinstance(_inner(raw, "values"), Mapping) else raw
    if not isinstance(values, Mapping):
        return {}
    return {str(k): str(v) for k, v in values.items() if isinstance(v, (str, int, float)) and str(v).strip()}


def _phones(contacts: object) -> list[str]:
    found = []
    for contact in _list(contacts):
        for phone in _list(_inner(contact, "phones")):
            number = _inner(phone, "phone") or _inner(phone, "wa_id")
            if number:
                found.append(ascii_digits(str(number)))
    return found

"""What is wrong with the text itself: junk, too short, doubled, a post box, a phone number inside."""

from __future__ import annotations

import re

from rapidfuzz.fuzz import ratio

from bot.addresses.india_names import CUE_WORDS
from bot.addresses.text import word_set, words

_FILLER = word_set("""
    test testing asdf asd abc abcd xyz abcxyz na none nil null same samee ok okay yes no home ghar address
    adress addr dummy demo qwerty hello hi unknown sample delivery house office here tba tbd nothing pata mypata
    fake random anything something nope later soon call callme confirm update xxx xxxx aaa aaaa aaaaa zzz
    default string temp temporary later location mylocation myhome myhouse myaddress sameaddress
    """)
#: For text in lower case.
FILLER_TEXT = re.compile(
    r"^(?:same(?: address| addr| one)?(?: as| to| like)?(?: the| my)?(?: billing| above| before|"
    r" previous(?:ly)?| last(?: time| order)?| old| shipping| earlier)?(?: address| one| order)?"
    r"|as (?:above|before|per|usual|given)(?: above| address| order)?|(?:see|check|as per) (?:above|map|"
    r"location|whatsapp|profile|billing)|not? (?:available|applicable|given|needed|address)|n\.? ?a\.?|n/a|"
    r"(?:will|i will|i'?ll) (?:tell|share|give|send|call)(?: (?:you|later|on|u|it).*)?|call(?: me)?(?: (?:for|"
    r"on|before|when).*)?|to be (?:confirmed|given|updated)|address later|"
    r"(?:wahi|vahi|same)(?: wala| address| pata)? (?:jo )?(?:pehle|pahle|last|purana|diya|tha)\b.*|"
    r"(?:jo )?(?:pehle|pahle) (?:wala|diya|bheja|tha)\b.*|purana (?:wala|address|pata)\b.*|"
    r"(?:la |el |o |a )?(?:misma?|mesm[oa]|stess[oa]|meme|ayni|parehong?)(?: (?:direccion|endereco|indirizzo|"
    r"adresse|adres|address|de siempre|que antes))?|(?:como|come|comme) (?:antes|prima|avant|siempre)|"
    r"alamat (?:lama|sama|yang sama|kemarin)|(?:sama|seperti) (?:seperti |dengan )?(?:sebelumnya|kemarin|tadi|"
    r"yang lalu)|(?:dia chi )?(?:nhu )?cu|casa mia|mi casa|minha casa|rumah saya|bahay ko|nha toi|chez moi|evim|"
    r"nfs l.{0,2}nwn|"
    r"(?:mera|my|apna) (?:ghar|home|house|address|pata)|pata nahi|(?:ghar|home) (?:pe|par|ka pata)|"
    r"test(?: address| order| only)?(?: \d+)?|(?:no )?address(?: here| line)?(?: \d)?|"
    r"[\W_]*)$",
    re.A,
)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_RUNS = frozenset(
    row[n : n + 4]
    for row in (*_ROWS, *(r[::-1] for r in _ROWS))
    for n in range(len(row) - 3)
    if not row[0].isdigit() and row[0] != "0"
)
#: Words of which one stands in every post box.
_POBOX_WORDS = word_set("p po pob pobox post postal postbox postbag apartado casella caixa")
POBOX = re.compile(
    r"(?<![a-z])(?:p\.?\s?o\.?\s?b(?:ox)?\b|post(?:al)?\s?(?:office)?\s?(?:box|bag)|po ?box|apartado|"
    r"casella postale|caixa postal)\.?\s*(?:no)?[\s.:#\-]*\d*|صندوق بريد",
    re.I,
)
PHONE_IN_TEXT = re.compile(
    r"(?<![\d/\-])(?:\+?\s?91[\s\-]?|0)?([6-9]\d{4}[\s\-]?\d{5}|[6-9]\d{3}[\s\-]\d{3}[\s\-]\d{3}|"
    r"[6-9]\d{2}[\s\-]\d{3}[\s\-]\d{4})(?![\d/\-])"
)
_PHONE_OR_MAIL = re.compile(r"\d{3}|@")
EMAIL = re.compile(r"[\w.+\-]+@[\w\-]+\.[\w.]+")
_CALL_WORDS = re.compile(
    r"\b(?:call|phone|ph|mob(?:ile)?|contact|whats ?app|tel|ring)\b(?:\s?(?:me|no|number|on|"
    r"at))?[\s.:\-]*(?:before (?:coming|delivery|arriving))?|before (?:coming|delivery)",
    re.I,
)

_FOUR_ALIKE = re.compile("|".join(letter * 4 for letter in "abcdefghijklmnopqrstuvwxyz"))
_ECHO = re.compile(r"(.{2,3})\1+")
_DIGIT = re.compile(r"\d")
_TO_ALNUM = {n: chr(n).lower() if chr(n).isalnum() else None for n in range(128)}
_DIGITS = str.maketrans("", "", "0123456789")


def surprise(letters: bytes, text: str) -> float:
    """Return the mean surprise of a text's letters (the more, the less it looks like any address)."""
    line = "  " + " ".join(re.findall("[a-z]+", text)) + " "
    total = 0
    for n in range(len(line) - 2):
        a, b, c = line[n], line[n + 1], line[n + 2]
        i = 0 if a == " " else ord(a) - 96
        j = 0 if b == " " else ord(b) - 96
        k = 0 if c == " " else ord(c) - 96
        total += letters[(i * 27 + j) * 27 + k]
    return total / 25 / max(1, len(line) - 2)


def is_junk(text: str, found: list[str], letters: bytes, latin_script: bool, trust_letters: bool) -> bool:
    """
    Tell whether a text is empty, a filler or keyboard noise. `found` are its words. `letters` is the model of Indian
    place names; it judges only texts of up to 30 letters in Latin script. `trust_letters` is false where other
    languages are written.
    """
    bare = "".join(found)
    if not bare:
        return not re.search(r"\d+\s?[a-z\-/]\s?\d*", text) or len(re.sub(r"\D", "", text)) == 0
    few = len(found) <= 3
    digits = _DIGIT.search(text) is not None
    if (
        FILLER_TEXT.match(text.strip(" .,!?"))
        or (few and not digits and _FILLER.issuperset(found))
        or (len(bare) >= 4 and len(set(bare)) <= 2)
        or _FOUR_ALIKE.search(text)
        or (len(found) == 1 and not digits and len(bare) >= 6 and _ECHO.fullmatch(bare))
        or (few and not digits and any(bare[n : n + 4] in _RUNS for n in range(len(bare) - 3)))
        or (len(found) >= 2 and len(bare) >= 8 and not digits and len(set(found)) == 1 and len(found[0]) <= 4)
    ):
        return True
    if not latin_script:
        return False
    if len(bare) >= 5 and not digits and not re.search("[aeiouy]", bare):
        return True
    if not trust_letters or len(bare) > 30 or (digits and len(bare) < 6):
        return False
    # Short words in an address with figures are marks of blocks ("BF 142"), not noise.
    judged = " ".join(w for w in found if len(w) >= 4) if digits else text.lower()
    return bool(judged) and surprise(letters, judged) > (3.6 if len(bare) <= 6 else 3.35)


def is_doubled(text: str, found: list[str]) -> bool:
    """Tell whether the two halves of a text say the same, or one word stands three times in a row."""
    bare = text.translate(_TO_ALNUM)
    if len(bare) >= 24:
        half = len(bare) // 2
        if bare[:6] in bare[half - 4 : half + 10] and ratio(bare[:half], bare[half:]) >= 92:
            return True
    return len(set(found)) + 1 < len(found) and any(
        a == b == c and len(a) >= 4 for a, b, c in zip(found, found[1:], found[2:], strict=False)
    )


def informative(text: str, found: list[str], names: frozenset[str]) -> tuple[int, int]:
    """Return letters and words of a text that say where in the town: without city, state and cue words.

    `found` are the words of the text.
    """
    left = [w for w in found if w not in CUE_WORDS and w not in names]
    digits = len(text) - len(text.translate(_DIGITS))
    return sum(map(len, left)) + digits, len(left)


def is_only_pobox(text: str, found: list[str], names: frozenset[str], enough: int) -> bool:
    """Tell whether a text, of which `found` are the words, gives a post box and hardly any letters beside it."""
    if _POBOX_WORDS.isdisjoint(found) and text.isascii():
        return False
    rest = POBOX.sub(" ", text)
    return rest != text and informative(rest, words(rest), names)[0] < enough


def take_phones(text: str) -> tuple[str, tuple[str, ...]]:
    """Take Indian mobile numbers and e-mail addresses out of a text."""
    if not _PHONE_OR_MAIL.search(text):
        return text, ()
    found = tuple("+91" + re.sub(r"\D", "", m.group(1)) for m in PHONE_IN_TEXT.finditer(text))
    if not found and "@" not in text:
        return text, ()
    rest = EMAIL.sub(", ", PHONE_IN_TEXT.sub(", ", text))
    return (_CALL_WORDS.sub(", ", rest) if found else rest), found

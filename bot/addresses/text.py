"""Text of any script made comparable: clean, to Latin, as bare letters, as a skeleton of consonants."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

#: Longer texts are cut: nobody's address needs more, and every later step stays bounded.
LONGEST = 600

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\ufe0e\ufe0f]")
#: Control characters break databases and terminals; tab and line ends are told apart later.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACES = re.compile(r"[^\S\n]+")
_TO_WORDS = {n: " " for n in range(128) if not chr(n).isalpha()} | {n: chr(n).lower() for n in range(65, 91)}
_TO_KEY = {n: None if not chr(n).isalpha() else chr(n).lower() for n in range(128)}
_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]?")
#: One letter per sound. That of "kh" and its like is the first letter's, because h is dropped with the vowels.
_SOUNDS = str.maketrans({"w": "v", "z": "j", "q": "k", "x": "ks"})
_VOWELS = str.maketrans("", "", "aeiouyh")
_EMOJI = frozenset({"So", "Sk", "Cn", "Co", "Cs"})


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list that is written as running text."""
    return frozenset(text.split())


def clean(text: object) -> str:
    """Return text with repaired encoding, one form per letter, digits 0-9, no invisible characters or emoji.

    Emoji become commas because shoppers separate with them. Lines stay: a line break separates parts.
    """
    raw = "" if text is None else str(text)[:LONGEST]
    if raw.isascii() and raw.isprintable() and "  " not in raw:
        return raw.strip()
    raw = _CONTROL.sub(" ", raw)
    if raw.isascii():
        return _SPACES.sub(" ", raw.replace("\r", "\n")).strip()
    import ftfy  # It costs a tenth of a second, and most addresses are plain ASCII.

    fixed = unicodedata.normalize("NFKC", ftfy.fix_text(raw, uncurl_quotes=True))
    fixed = ascii_digits(_INVISIBLE.sub("", fixed))
    fixed = "".join(", " if unicodedata.category(c) in _EMOJI else c for c in fixed)
    return _SPACES.sub(" ", fixed.replace("\r", "\n")).strip(" ,")


def ascii_digits(text: str) -> str:
    """Write the digits of every script as 0-9 and leave the rest alone.

    This comes before any pattern: `\\d` also matches Devanagari digits, which no table knows.
    """
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in text)


#: The dot of Indian scripts that stands for a nasal; transliterated it would be an m everywhere.
_ANUSVARA = re.compile("[\u0901\u0902\u0982\u0a02\u0a70\u0a82\u0b02\u0c02\u0c82\u0d02]")


@lru_cache(maxsize=1024)
def _transliterated(text: str) -> str:
    return anyascii(_ANUSVARA.sub("n", text)).replace("'", "").replace("`", "")


def to_latin(text: str) -> str:
    """Transliterate to ASCII."""
    return text if text.isascii() else _transliterated(text)


def words(text: str) -> list[str]:
    """Return the lower-case Latin words of a text, letters only."""
    return to_latin(text).translate(_TO_WORDS).split()


def key(text: str) -> str:
    """Return the lower-case Latin letters of a name without spaces: "Lajpat Nagar" and "Lajpatnagar" are one."""
    return to_latin(text).translate(_TO_KEY)


def without_brackets(text: str) -> str:
    """Drop what stands in brackets, closed or not."""
    return _BRACKETS.sub(" ", text) if "(" in text or "[" in text or "{" in text else text


@lru_cache(maxsize=8192)
def skeleton(name: str) -> str:
    """Return the consonants of a key in one spelling: "lajpatnagar" and "lajptngr" both give "ljptngr".

    Indian names are spelt by ear, and transliteration from Indian scripts loses vowels.
    """
    if not name:
        return ""
    sounds = name.replace("ph", "f").replace("ck", "k").translate(_SOUNDS)
    bare = sounds[0] + sounds[1:].replace("nn", "n").translate(_VOWELS)
    if "n" in bare:
        bare = bare.replace("nb", "mb").replace("np", "mp")
    out = last = ""
    for letter in bare:
        if letter != last:
            out += letter
            last = letter
    return out


def bones(name: str) -> str:
    """Return the part of a skeleton under which the index files a name: short, so that the file stays small."""
    return skeleton(name)[:5]

"""Text of any script made comparable: clean, to Latin, without marks, as a skeleton of consonants."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\ufe0e\ufe0f]")


def ascii_digits(text: str) -> str:
    """Write the digits of every script as 0-9 and leave the rest alone.

    This comes before any pattern: `\\d` also matches Devanagari digits, which no table knows.
    """
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in text)


@lru_cache(maxsize=8192)
def to_latin(text: str) -> str:
    """Transliterate to ASCII."""
    return text if text.isascii() else anyascii(text)

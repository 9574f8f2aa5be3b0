"""Turn what a shopper typed into tokens that compare well.

A message is normalised once; every layer works on the tokens. The steps and their order matter: compatibility forms
first (real users type in mathematical script), then case, digits of every script, joiners and marks, then spelling
variants of the same letter.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_CHARACTERS = 600  # Longer messages are letters, not answers; reading their beginning bounds the time.

_APOSTROPHES = "'’‘`´ʼʹ＇"
_DROPPED = {0x200C, 0x200D, 0x200E, 0x200F, 0x00AD, 0x0640, 0x0670, 0x0A71, 0xFE0E, 0xFE0F, 0x20E3, 0xFEFF}
_DROPPED |= set(range(0x202A, 0x202F)) | set(range(0x2060, 0x2070)) | set(range(0x1F3FB, 0x1F400))
_DROPPED |= set(range(0x064B, 0x0656)) | set(range(0x0300, 0x0370)) | {ord(c) for c in _APOSTROPHES}
_DROPPED |= {block + 0x3C for block in range(0x0900, 0x0D80, 0x80)}  # nukta

_SAME = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ی", "ي": "ی", "ئ": "ی", "ك": "ک", "ة": "ه", "ہ": "ه", "ھ": "ه",
         "ۀ": "ه", "ۂ": "ه", "ۃ": "ه", "ؤ": "و", "ء": "", "ੰ": "ਂ",
         "ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൿ": "ക്"}  # fmt: skip
_TABLE: dict[int, str | None] = dict.fromkeys(_DROPPED)
_TABLE.update({ord(key): value for key, value in _SAME.items()})
# Chandrabindu and anusvara are written for each other.
_TABLE.update({block + 0x01: chr(block + 0x02) for block in range(0x0900, 0x0D80, 0x80) if block != 0x0B80})

# Long and short vowels, and a final nasal, are the commonest spelling slips of Indic scripts.
_LOOSE: dict[int, str | None] = {}
for _block in range(0x0900, 0x0D80, 0x80):
    for _long, _short in ((0x08, 0x07), (0x0A, 0x09), (0x40, 0x3F), (0x42, 0x41)):
        _LOOSE[_block + _long] = chr(_block + _short)
    if _block >= 0x0B80:
        for _long, _short in ((0x0F, 0x0E), (0x13, 0x12), (0x47, 0x46), (0x4B, 0x4A)):
            _LOOSE[_block + _long] = chr(_block + _short)
    _LOOSE[_block + 0x02] = None

_STRETCH = re.compile(r"(.)\1{2,}", re.S)
_DOUBLE = re.compile(r"(.)\1+", re.S)
_VOWELS = (("ee", "i"), ("oo", "u"), ("ou", "u"), ("w", "v"), ("ph", "f"), ("z", "j"), ("q", "k"), ("ck", "k"))


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or emoji, with what stood between it and the word before it."""

    text: str
    before: str  # punctuation between the previous token and this one, without spaces
    spaced: bool  # whether white space stood before it
    symbol: bool = False  # an emoji or another symbol


@lru_cache(maxsize=1024)
def _kind(character: str) -> str:
    """Return w for a letter or mark, d for a digit, s for a symbol, blank for a space, p for punctuation."""
    category = unicodedata.category(character)
    if category[0] in "LM":
        return "w"
    if category == "Nd":
        return "d"
    if character.isspace() or category in ("Cc", "Cf", "Zs"):
        return " "
    if category == "So" or character in "★☆♥❤" or ord(character) >= 0x1F000:
        return "s"
    return "p"


@lru_cache(maxsize=1024)
def _digit(character: str) -> str:
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)


def normalise(text: str) -> str:
    """Return the text in one spelling: compatibility forms, case, digits, joiners and letter variants unified."""
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join([_digit(c) if not c.isascii() and c.isdigit() else c for c in text.casefold()])
        text = unicodedata.normalize("NFC", text)
        text = text.translate(_TABLE)
    else:
        text = text.lower().translate(_TABLE)
    return _STRETCH.sub(_squeeze, text)


def _squeeze(match: re.Match[str]) -> str:
    """Keep digits and symbols as typed: 110001 is a pin code and three stars are three."""
    character = match.group(1)
    return character * 2 if _kind(character) == "w" else match.group(0)


def tokens(text: str) -> list[Token]:
    """Split a normalised text into words, numbers and symbols; letters and digits of one word stay together."""
    found: list[Token] = []
    word = before = ""
    spaced = False

    def close() -> None:
        nonlocal word, before, spaced
        if word:
            found.append(Token(word, before, spaced))
            word, before, spaced = "", "", False

    for character in text:
        kind = _kind(character)
        if kind in "wd":
            word += character
        elif kind == "s":
            close()
            found.append(Token(character, before, spaced, True))
            before, spaced = "", False
        else:
            close()
            if kind == " ":
                spaced = True
            else:
                before += character
    close()
    return found


def squeeze(word: str) -> str:
    """Reduce doubled letters to one."""
    return word if word.isdigit() else _DOUBLE.sub(r"\1", word)


def skeleton(word: str) -> str:
    """Return the first letter and the consonants after it: what is left of a word when vowels are mistyped."""
    return squeeze(word[:1] + "".join([letter for letter in word[1:] if letter not in "aeiouyh"]))


@lru_cache(maxsize=1024)
def loose(word: str, romanised: bool) -> str:
    """Return the key under which spelling variants of one word meet: vowel length, doubled letters, twin letters."""
    if word.isascii():
        if romanised:
            for pair, single in _VOWELS:
                if pair in word:
                    word = word.replace(pair, single)
        return squeeze(word)
    return squeeze(word.translate(_LOOSE))


@lru_cache(maxsize=1024)
def fold(word: str) -> str:
    """Return a word in ASCII, so that scripts share the letters the classifier sees."""
    if word.isascii():
        return word
    from anyascii import anyascii

    return str(anyascii(word)).lower()


@lru_cache(maxsize=1024)
def plain(word: str) -> str:
    """Return a Latin word without its diacritics; other scripts are returned as they are."""
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFD", word.replace("đ", "d").replace("ı", "i").replace("ł", "l"))
    bare = "".join(c for c in parts if unicodedata.category(c) != "Mn" or not 0x0300 <= ord(c) < 0x0370)
    return bare if bare.isascii() else word


_SCRIPTS = (
    (0x0041, 0x024F, "Latn"), (0x1E00, 0x1EFF, "Latn"), (0x0600, 0x06FF, "Arab"), (0x0750, 0x077F, "Arab"), (0x0900,
    0x097F, "Deva"),
    (0x0980, 0x09FF, "Beng"), (0x0A00, 0x0A7F, "Guru"), (0x0A80, 0x0AFF, "Gujr"), (0x0B80, 0x0BFF, "Taml"),
    (0x0C00, 0x0C7F, "Telu"), (0x0C80, 0x0CFF, "Knda"), (0x0D00, 0x0D7F, "Mlym"),
)  # fmt: skip


@lru_cache(maxsize=1024)
def script(word: str) -> str:
    """Return the ISO 15924 code of a word's first letter, or an empty string for digits, symbols and other scripts."""
    for character in word:
        if character.isdigit():
            continue
        code = ord(character)
        for first, last, name in _SCRIPTS:
            if first <= code <= last:
                return name
        return ""
    return ""

"""What stands in a cell, freed from what spreadsheet programs do to it."""

import re
import unicodedata
from functools import lru_cache

from bot.orders.spreadsheet.records import Cell

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SPACES = re.compile(r"[^\S\n]+")
_AS_FORMULA = re.compile(r'^="(.*)"$', re.DOTALL)
_EXPONENT = re.compile(r"^([+-]?)(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})$")
# Vowel signs of Indian and Arabic scripts are no letters to the regular expression, but parts of a word.
_SEPARATORS = re.compile(r"(?:[^\w\u0610-\u061a\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e]|_)+")
_APOSTROPHES = re.compile("['’`\"]")
_BLANKS = {"", "-", "--", "n/a", "na", "null", "none", "nan", "#n/a", "nil"}


class DigitsLost(ValueError):
    """A number was shortened to a power of ten: what stood behind the shown digits is gone."""


def text_of(cell: Cell) -> str:
    """Return the text of a cell: trimmed, composed (NFC), freed from invisible signs, apostrophes, `="..."`."""
    if not isinstance(cell, str):
        return number_text(cell)
    text = cell
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = _INVISIBLE.sub("", text.replace("\t", " ").replace("\r\n", "\n").replace("\r", "\n"))
    text = text.strip()
    if text[:1] == "'":
        # Shopify and Excel put an apostrophe before what must stay text.
        text = text.lstrip("'").strip()
    elif text[:2] == '="' and (wrapped := _AS_FORMULA.match(text)):
        text = wrapped[1].replace('""', '"').strip()
    return text


@lru_cache(maxsize=65_536)
def one_line(cell: Cell) -> str:
    """Return the text of a cell with every run of spaces and line breaks made one space; "" for signs of emptiness."""
    if isinstance(cell, str) and cell.isascii() and cell.isprintable() and cell[:1] not in ("'", "="):
        # Nearly every cell is plain, and a long list has millions; most of them say the same as the row above.
        text = cell.strip()
    else:
        text = text_of(cell).replace("\n", " ")
    if "  " in text or not text.isascii():
        text = _SPACES.sub(" ", text).strip()
    return "" if len(text) < 5 and text.casefold() in _BLANKS else text


def plain_name(text: str) -> str:
    """Return the name of a column, a state or a way of paying in small letters, with single spaces for other signs."""
    name = unicodedata.normalize("NFKC", text).casefold()
    return _SEPARATORS.sub(" ", _APOSTROPHES.sub("", name)).strip()


def number_text(number: int | float) -> str:
    """Write a number cell as the person who typed it would: whole numbers without a point."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    return format(number, ".10g") if isinstance(number, float) else str(number)


def restore_exponent(text: str) -> str:
    """Turn `9.19000012345E+11` back into its digits; other texts come back unchanged.

    Raises DigitsLost when fewer digits are shown than the number has, as in `9.2E+11`.
    """
    found = _EXPONENT.match(text)
    if not found:
        return text
    sign, first, decimals, power = found[1], found[2], found[3] or "", int(found[4])
    if len(decimals) < power:
        raise DigitsLost(text)
    whole, rest = decimals[:power], decimals[power:]
    return sign + first + whole + (f".{rest}" if rest.strip("0") else "")


def ascii_digits(text: str) -> str:
    """Replace the digits of other scripts by 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(sign, sign)) if sign.isdigit() else sign for sign in text)

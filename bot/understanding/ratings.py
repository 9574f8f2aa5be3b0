"""Read a rating from 1 to 5 out of digits, fractions, stars, faces and quality words."""

from itertools import pairwise

from bot.understanding.lexicon import BIT, Reader, mask
from bot.understanding.normal import Token
from bot.understanding.view import View

_FACES = {
    5: "😍🥰🤩❤♥💖💕😘🔥👏💯🎉👌🥳💗💓",
    4: "😊🙂😀😃😄😁👍☺😇🤗😉😋✅",
    3: "😐😑😶🤔😕🫤",
    2: "🙁☹😞😔😟😣😒😢😖",
    1: "😡🤬😠👎😤🤮💩😭🤢😾💔",
}
_BY_FACE = {face: stars for stars, faces in _FACES.items() for face in faces}


def _half_up(value: float) -> int:
    return max(1, min(5, int(value + 0.5)))


def stars(found: list[Token], reader: Reader, view: View) -> int | None:
    """Return the stars that a message gives, or None."""
    filled = sum(token.text in "⭐🌟★" for token in found)
    if filled:
        return min(5, filled)
    numbers = [
        (index, int(token.text)) for index, token in enumerate(found) if token.text.isdigit() and len(token.text) < 3
    ]
    fraction = _fraction(found, numbers)
    if fraction is not None:
        return fraction
    words = [token.text for token in found]
    in_rating = view.state in ("rating", "review")
    has_star = view.has("STAR")
    if in_rating or has_star:
        chosen = _number(view, numbers, found) or (_worded(words, reader) if has_star or len(words) <= 3 else None)
        if chosen is not None:
            return chosen
    for index in range(len(words)):
        value, size = reader.stars(words, index)
        if value:
            denied = any(
                u.bits & BIT["NEG"]
                for u in view.units
                if index - 2 <= u.start < index or index + size <= u.start <= index + size + 1
            )
            return 2 if denied and value >= 4 else value
    faces = [_BY_FACE[token.text] for token in found if token.text in _BY_FACE]
    if faces and in_rating:
        return faces[0]
    return None


def _fraction(found: list[Token], numbers: list[tuple[int, int]]) -> int | None:
    for (place, value), (other, whole) in pairwise(numbers):
        if whole in (5, 10) and value <= whole and other - place <= 3:
            slash = other == place + 1 and found[other].before == "/"
            point = found[other].before == "." and other == place + 1
            worded = other - place in (2, 3) and not point
            if slash or worded:
                return _half_up(value if whole == 5 else value / 2)
    for (place, whole), (other, value) in pairwise(numbers):  # "10 me se 9"
        if whole in (5, 10) and value <= whole and 1 < other - place <= 3:
            return _half_up(value if whole == 5 else value / 2)
    return None


def _number(view: View, numbers: list[tuple[int, int]], found: list[Token]) -> int | None:
    if len(numbers) == 2 and found[numbers[1][0]].before == "." and numbers[1][0] == numbers[0][0] + 1:
        return _half_up(numbers[0][1] + numbers[1][1] / 10)
    fitting = [(index, value) for index, value in numbers if value <= 5]
    if not fitting:
        return None
    if len(fitting) > 1 and view.has("NEG", "NO"):
        return max(1, fitting[-1][1])
    return max(1, fitting[0][1])


def _worded(words: list[str], reader: Reader) -> int | None:
    for index in range(len(words)):
        terms, _ = reader.terms(words, index)
        for kind, value, _ in terms:
            if kind == "numbers" and int(value) <= 5:
                return int(value)
    return None


def bare(view: View) -> bool:
    """Tell whether a message is a rating and nothing more."""
    known = mask(
        "GOOD",
        "MID",
        "BAD",
        "STAR",
        "NUMBER",
        "OK",
        "YES",
        "RIGHT",
        "THANKS",
        "SEND",
        "DO",
        "PLEASE",
        "FUNC",
        "GREET",
        "DATE",
        "NEG",
        "NO",
        "WANT",
        "ORDER",
        "STOP",
    )
    return all(u.bits & known or u.text in _BY_FACE or (not u.bits and len(u.text) <= 2) for u in view.units)

"""Describe a message for the classifier: its letters, its words, and the classes that the packs know.

Classes carry what one language teaches over to all others; letters catch spellings that no pack lists.
"""

import zlib
from itertools import pairwise
from math import sqrt

from bot.understanding.lexicon import BIT, classes
from bot.understanding.normal import Token, fold, skeleton
from bot.understanding.view import View

BUCKETS = 1 << 15
_EMPTY = frozenset({"FUNC", "PLEASE"})


def bucket(name: str) -> int:
    """Return the weight row of a feature."""
    return zlib.crc32(name.encode()) & (BUCKETS - 1)


def letters(found: list[Token]) -> dict[str, float]:
    """Return n-grams, words, word pairs and consonant skeletons of the folded text, with unit length."""
    words = [fold(token.text) or "?" for token in found][:40]
    counts: dict[str, float] = {}
    for word in words:
        text = f" {word[:20]} "
        for size in (3, 4):
            for start in range(len(text) - size + 1):
                key = text[start : start + size]
                counts[key] = counts.get(key, 0.0) + 0.6
        for key, value in (("w" + word, 1.5), ("k" + skeleton(word), 0.8)):
            counts[key] = counts.get(key, 0.0) + value
    for one, two in pairwise(words):
        key = f"b{one}_{two}"
        counts[key] = counts.get(key, 0.0) + 1.2
    length = sqrt(sum(value * value for value in counts.values())) or 1.0
    return {key: value / length for key, value in counts.items()}


def meanings(view: View, topics: tuple[str, ...]) -> dict[str, float]:
    """Return the word classes, their order, what they are about and the open question, with a fixed length."""
    counts: dict[str, float] = {}
    sequence: list[str] = []
    for unit in view.units:
        named = [name for name in classes(unit.bits) if name not in _EMPTY]
        for name in named:
            counts["C:" + name] = 1.0
        if named:
            sequence.append(named[0] if len(named) == 1 else "+".join(named[:3]))
    for one, two in zip(["^", *sequence], [*sequence, "$"], strict=True):
        counts[f"D:{one}>{two}"] = 0.7
    for name, places in view.negated.items():
        if places:
            counts["N:" + name] = 1.2
    for topic in topics:
        counts["T:" + topic] = 1.2
        counts[f"T:{topic}@{view.state}"] = 0.7
    unknown = min(2, view.unknown)
    for topic in topics:
        counts[f"T:{topic}|{unknown}"] = 0.7
    kinds = sorted({name for name in sequence if "+" not in name})[:6]
    for place, one in enumerate(kinds):
        for two in kinds[place + 1 :]:
            counts[f"P:{one}+{two}"] = 0.6
    counts["T#" + "+".join(topics[:3])] = 0.9
    if view.asks or view.has("ASK"):
        counts["Q:"] = 0.7
    if view.when.dated:
        counts["W:dated"] = 1.0
        counts["W:dated@" + view.state] = 0.7
    if view.when.refused:
        counts["W:refused"] = 1.0
    for name in sorted(view.given):
        counts["G:" + name] = 1.0
    counts[f"U:{min(4, view.unknown)}"] = 0.6
    counts[f"L:{min(6, len(view.units))}"] = 0.4
    only = "|".join(
        sorted({name for unit in view.units for name in classes(unit.bits & ~(BIT["FUNC"] | BIT["PLEASE"]))})[:4]
    )
    counts["O:" + only] = 0.8
    length = sqrt(sum(value * value for value in counts.values())) or 1.0
    result = {key: 1.4 * value / length for key, value in counts.items()}
    result["S:" + view.state] = 0.45
    return result

"""A message as the rules see it: its word classes, and which verbs its negators belong to."""

from dataclasses import dataclass
from functools import cached_property

from bot.understanding.dates import When
from bot.understanding.lexicon import BIT, Unit, mask

GO = mask("YES", "OK", "RIGHT", "SEND", "CONFIRM", "WANT", "KEEP")
ASSENT = mask("YES", "OK", "RIGHT", "CONFIRM")
HARMLESS = GO | mask("DO", "ORDER", "ORDERED", "PLEASE", "FUNC", "THANKS", "ALSO", "GOOD", "GREET", "CASH", "RESUME")
SKIPPED = mask("FUNC", "PLEASE", "DO", "ORDER", "ALSO")
QUESTION = mask("ASK", "WHEN", "WHERE", "HOWLONG", "HOWMUCH", "WHO")
VERBS = mask(
    "CANCEL", "SEND", "CONFIRM", "WANT", "ARRIVE", "ORDERED", "KEEP", "MSG", "TALK", "RIGHT", "CHANGE", "RETURN", "PAY"
)
NO, NEG, NOWANT = BIT["NO"], BIT["NEG"], BIT["NOWANT"]
DOUBT = mask("NO", "NEG", "BUT", "RETURN", "DAMAGED", "LATER", "AWAY", "REASON", "UNDO")
"""Second readings of a word that keep it from being a plain go-ahead: "give back" is no "give"."""


@dataclass
class View:
    """A message as the rules see it."""

    units: list[Unit]
    when: When
    state: str
    post: bool  # the language of the message negates and limits after the word
    asks: bool  # a question mark was typed
    given: frozenset[str] = frozenset()  # slots found outside the grammar: pincode, rating, phone

    @cached_property
    def bits(self) -> int:
        bits = 0
        for unit in self.units:
            bits |= unit.bits
        return bits

    def has(self, *names: str) -> bool:
        """Tell whether any of the classes occurs."""
        return bool(self.bits & mask(*names))

    @cached_property
    def covered(self) -> float:
        """Return the share of words that some class knows."""
        return 1 - self.unknown / len(self.units) if self.units else 0.0

    @cached_property
    def unknown(self) -> int:
        """Return how many units are neither known words nor words of time."""
        timed = self.when.tokens
        return sum(1 for u in self.units if not u.bits and not timed.issuperset(range(u.start, u.end)))

    @property
    def known(self) -> bool:
        """Tell whether every word is known: an unknown one or an unknown ending could be a negator."""
        turning = VERBS | BIT["DO"] | NEG
        return self.unknown == 0 and not any(unit.vague and unit.bits & turning for unit in self.units)

    @cached_property
    def content(self) -> list[Unit]:
        """Return the units that mean something of their own or are unknown."""
        empty = mask("FUNC", "PLEASE")
        timed = self.when.tokens
        return [u for u in self.units if not (u.bits & empty) and not timed.issuperset(range(u.start, u.end))]

    @cached_property
    def negated(self) -> dict[str, set[int]]:
        """Return, for each verb class, the indexes of units that a negator belongs to; `?` holds undecided ones."""
        return _negated(self)

    def denies(self, *names: str) -> bool:
        """Tell whether a negator belongs to one of these verbs."""
        return any(self.negated.get(name) for name in names)

    def affirms(self, name: str) -> bool:
        """Tell whether a verb occurs without a negator."""
        bit = BIT[name]
        return any(u.bits & bit and i not in self.negated.get(name, set()) for i, u in enumerate(self.units))


_VERB_NAMES = tuple(name for name in BIT if BIT[name] & VERBS)


def _negated(view: View) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}

    def attach(index: int) -> None:
        for name in _VERB_NAMES:
            if view.units[index].bits & BIT[name]:
                found.setdefault(name, set()).add(index)

    for index, unit in enumerate(view.units):
        if not unit.bits & NEG:
            continue
        if unit.bits & VERBS & ~BIT["RIGHT"] and not unit.bits & (NO | NOWANT):
            attach(index)  # "pampakandi": stem and negative ending in one word
            continue
        left, left_raw = _verb(view, index, -1)
        right, right_raw = _verb(view, index, 1)
        wants = bool(unit.bits & NOWANT)
        if wants:  # "vendam", "nako": negates only the verb just before it
            if left is not None and left_raw <= 2 and (view.post or unit.post):
                attach(left)
            elif right is not None and right_raw <= 2 and not (view.post or unit.post):
                attach(right)
            continue
        if unit.bits & BIT["DO"] and left is not None:
            attach(left)
            continue
        opening = unit.bits & NO and all(u.clause < unit.clause or u.bits & BIT["PLEASE"] for u in view.units[:index])
        if opening and (view.post or unit.post) and right is not None and view.units[right].bits & BIT["CANCEL"]:
            found.setdefault("opening", set()).add(index)  # "nahi cancel kar do": an answer, not a negation
            continue
        if left is not None and right is not None:
            kinds = {bool(view.units[left].bits & BIT["CANCEL"]), bool(view.units[right].bits & BIT["CANCEL"])}
            if len(kinds) == 2 and left_raw == right_raw and (view.post or unit.post):
                found.setdefault("?", set()).add(index)
                attach(left)
                continue
            if view.post or unit.post:
                attach(left if left_raw <= right_raw else right)
            else:
                attach(right if right_raw <= 3 else left)
        elif left is not None or right is not None:
            attach(left if left is not None else right if right is not None else 0)
    return found


def _verb(view: View, index: int, side: int) -> tuple[int | None, int]:
    """Return the nearest verb on one side of a negator in its clause, with its distance in words."""
    place, steps = index + side, 1
    while 0 <= place < len(view.units) and steps <= 4:
        unit = view.units[place]
        if unit.clause != view.units[index].clause:
            return None, 9
        if unit.bits & VERBS:
            return place, steps
        if unit.bits & BIT["BUT"] or (unit.bits and not unit.bits & (SKIPPED | BIT["ASK"] | BIT["DATE"] | NEG | NO)):
            return None, 9
        if not unit.bits:
            steps += 1
        place, steps = place + side, steps + 1
    return None, 9

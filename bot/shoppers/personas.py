"""Who the simulated shoppers are and what they do when a bubble arrives (pure; all chance comes from a seed).

Shares, reply times and cancel rates are those of the product's research: of 100 asked 60 confirm, 33 stay silent and 7
cancel; half of the answers come within 43 minutes (lognormal, sigma 1.7).
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

MEDIAN_REPLY_MINUTES, REPLY_SIGMA = 43.0, 1.7
CONFIRMED, CANCELLED, DENIED, NOTHING = "confirmed", "cancelled", "denied", ""


@dataclass(frozen=True)
class Bubble:
    """What a shopper sees: which question it is, and its buttons as (choice, button id, title)."""

    flow: str
    step: str
    choices: tuple[tuple[str, str, str], ...]
    is_list: bool
    """Whether the choices are rows of a list."""


@dataclass(frozen=True)
class Deed:
    """What a shopper does after a while; `says` is what they want from then on of all their orders, or of `order`."""

    after: timedelta
    act: dict[str, Any]
    says: str | None = None
    order: str = ""


Reaction = Callable[["Persona", Bubble], Sequence[Deed]]


@dataclass
class Persona:
    """One simulated shopper."""

    kind: str
    draw: random.Random
    bubbles: int = 0
    done: set[str] = field(default_factory=set)
    """What this shopper has already done once, such as changing their mind."""

    def react(self, bubble: Bubble) -> Sequence[Deed]:
        """Return what the shopper does about a bubble."""
        self.bubbles += 1
        if self.bubbles > 12:
            # Nobody talks to a shop for ever.
            return ()
        if bubble.step in _ANSWERS and self.kind not in ("silent", "voice"):
            return _ANSWERS[bubble.step](self, bubble)
        return KINDS[self.kind](self, bubble)

    def once(self, deed: str) -> bool:
        """Whether this is the first time."""
        if deed in self.done:
            return False
        self.done.add(deed)
        return True

    def later(self) -> timedelta:
        """Draw a reply time."""
        minutes = math.exp(self.draw.gauss(math.log(MEDIAN_REPLY_MINUTES), REPLY_SIGMA))
        return timedelta(minutes=min(max(minutes, 0.2), 36 * 60))

    def soon(self) -> timedelta:
        """Draw the pause of somebody who has the chat open."""
        return timedelta(seconds=self.draw.uniform(4, 60))


def tap(bubble: Bubble, choice: str, after: timedelta, says: str | None = None) -> list[Deed]:
    """Tap a button by its meaning; nothing when it is not there."""
    found = [(name.partition(":"), button_id) for name, button_id, _ in bubble.choices]
    for (name, _, rest), button_id in found:
        if name == choice:
            order = rest if name == "order" else ""
            return [Deed(after, {"type": "pick" if bubble.is_list else "tap", "id": button_id}, says, order)]
    return []


def text(words: str, after: timedelta, says: str | None = None) -> list[Deed]:
    """Write."""
    return [Deed(after, {"type": "text", "text": words}, says)]


def _asks(bubble: Bubble) -> bool:
    return bubble.step in ("confirm", "all", "one")


def _yes(bubble: Bubble) -> str:
    return "all" if bubble.step == "all" else "confirm"


def _busy(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    return tap(bubble, _yes(bubble), who.later(), CONFIRMED) if _asks(bubble) else ()


def _terse(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    words = who.draw.choice(["yes", "ok", "haan", "Haan bhej do", "confirm", "ok send", "ji", "theek hai", "yes pls"])
    return text(words, who.later(), CONFIRMED) if _asks(bubble) else ()


def _chatty(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if not _asks(bubble):
        return ()
    if who.once("question"):
        question = who.draw.choice(
            ["When will it come?", "kitna dena hai?", "Which order is this?", "Can I pay by UPI?"]
        )
        return text(question, who.later())
    return tap(bubble, _yes(bubble), who.soon(), CONFIRMED)


def _burst(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if not _asks(bubble) or not who.once("burst"):
        return ()
    start = who.later()
    return [*text("hello", start), *text("haan bhej do", start + timedelta(seconds=3), CONFIRMED)]


def _wrong_number(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if bubble.step == "not_mine":
        return tap(bubble, "not_mine", who.soon(), DENIED)
    if _asks(bubble) and who.once("denied"):
        words = who.draw.choice(["wrong number", "maine order nahi kiya", "I did not order anything", "not me"])
        return text(words, who.later(), DENIED)
    return ()


def _pieces(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if _asks(bubble):
        if who.once("address"):
            return tap(bubble, "change_address", who.later(), CONFIRMED)
        return tap(bubble, _yes(bubble), who.soon(), CONFIRMED)
    return ()


def _fickle(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if _asks(bubble) and who.once("confirmed"):
        return tap(bubble, _yes(bubble), who.later(), CONFIRMED)
    if bubble.step in ("confirmed", "noted", "kept", "rest", "slot_ask") and who.once("regret"):
        return text("cancel my order please", who.later())
    if bubble.step == "which_cancel":
        return tap(bubble, "order", who.soon(), CANCELLED)
    if bubble.step == "cancel_check":
        return tap(bubble, "yes", who.soon(), CANCELLED)
    return ()


def _other_language(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    words = who.draw.choice(
        ["हाँ भेज दो", "جی ہاں بھیج دیں", "نعم أرسلوه", "iya kirim saja", "sí, envíenlo", "sim pode enviar"]
    )
    return text(words, who.later(), CONFIRMED) if _asks(bubble) and who.once("words") else _busy(who, bubble)


def _silent(_who: Persona, _bubble: Bubble) -> Sequence[Deed]:
    return ()


def _hostile(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if _asks(bubble) and who.once("abuse"):
        return text(who.draw.choice(["bakwas company, fraud ho tum log", "you are idiots"]), who.later())
    return ()


def _wary(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if _asks(bubble) and who.once("wary"):
        return text(who.draw.choice(["Is this a scam?", "who is this?", "fake hai kya"]), who.later())
    return tap(bubble, _yes(bubble), who.later(), CONFIRMED) if _asks(bubble) else ()


def _voice(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    return [Deed(who.later(), {"type": "voice"})] if _asks(bubble) and who.once(f"voice{who.bubbles}") else ()


def _slow(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    """Taps the first buttons days later."""
    if _asks(bubble) and who.once("late"):
        return tap(bubble, _yes(bubble), timedelta(hours=who.draw.uniform(40, 90)))
    return tap(bubble, "yes", who.soon(), CONFIRMED) if bubble.step == "confirm_check" else ()


def _canceller(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if bubble.step in ("confirm", "one"):
        if who.draw.random() < 0.6:
            return tap(bubble, "cancel", who.later(), CANCELLED)
        return text(who.draw.choice(["cancel", "nahi chahiye", "cancel kar do", "I don't want it"]), who.later())
    if bubble.step == "all":
        return tap(bubble, "single", who.later())
    if bubble.step == "cancel_check":
        return tap(bubble, "yes", who.soon(), CANCELLED)
    if bubble.step == "cancelled" and who.once("why"):
        return [deed for deed in tap(bubble, "why", who.soon()) if who.draw.random() < 0.6]
    return ()


KINDS: dict[str, Reaction] = {
    "busy": _busy,
    "terse": _terse,
    "chatty": _chatty,
    "burst": _burst,
    "wrong_number": _wrong_number,
    "pieces": _pieces,
    "fickle": _fickle,
    "other_language": _other_language,
    "silent": _silent,
    "hostile": _hostile,
    "wary": _wary,
    "voice": _voice,
    "slow": _slow,
    "canceller": _canceller,
}
SHARES: dict[str, float] = {
    "busy": 34, "terse": 9, "chatty": 5, "burst": 3, "wrong_number": 1, "pieces": 4, "fickle": 1.5, "other_language": 3,
    "silent": 30, "hostile": 0.5, "wary": 1.5, "voice": 1, "slow": 1.5, "canceller": 5,
}  # fmt: skip


def _whole_address(who: Persona, _bubble: Bubble) -> Sequence[Deed]:
    """Give a new address, some in one message and some in pieces."""
    house, rest = f"Flat {who.draw.randint(1, 900)}, Shanti Apartments, MG Road", "near Shiv Mandir, Pune 411001"
    start = who.soon()
    if not who.once("pieces") or who.draw.random() < 0.5:
        return text(f"{house}, {rest}", start)
    return [*text(house, start), *text(rest, start + timedelta(seconds=20))]


def _house(who: Persona, _bubble: Bubble) -> Sequence[Deed]:
    words = who.draw.choice(["Flat {}", "house no {}", "h no {}/2", "{} A"])
    return text(words.format(who.draw.randint(1, 900)), who.soon())


def _landmark(who: Persona, _bubble: Bubble) -> Sequence[Deed]:
    return text(
        who.draw.choice(["near Shiv Mandir", "opp. SBI bank", "govt school ke paas", "behind the petrol pump"]),
        who.soon(),
    )


def _take_option(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    return tap(bubble, "option", who.soon())


def _read_back(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    return tap(bubble, "yes", who.soon())


def _day(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if who.kind == "fickle" and who.once("regret"):
        return text("cancel my order please", who.soon())
    if who.draw.random() < 0.25:
        return ()
    return tap(bubble, who.draw.choice(["any", "day"]), who.soon()) or tap(bubble, "any", who.soon())


def _ready(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    return tap(bubble, "ready", who.soon()) if who.draw.random() < 0.7 else ()


def _rate(who: Persona, bubble: Bubble) -> Sequence[Deed]:
    if who.draw.random() > 0.12:
        return ()
    if who.draw.random() < 0.5:
        return text(who.draw.choice(["5", "4 star", "⭐⭐⭐⭐⭐", "bahut accha", "worst"]), who.later())
    return tap(bubble, "stars", who.later())


_ANSWERS: dict[str, Reaction] = {
    "address_full": _whole_address,
    "address_house": _house,
    "address_landmark": _landmark,
    **dict.fromkeys(("address_confirm_pin", "address_city_or_pin"), _take_option),
    "address_read_back": _read_back,
    "slot_ask": _day,
    "question": _ready,
    "rating": _rate,
}


def cast(count: int, draw: random.Random) -> list[Persona]:
    """Draw `count` personas."""
    kinds = draw.choices(list(SHARES), weights=list(SHARES.values()), k=count)
    return [Persona(kind, random.Random(draw.random())) for kind in kinds]  # noqa: S311

"""Find what a shopper says about us rather than about the order.

The 21 acts of `bot.understanding` are about orders. Who are you, is this a fraud, insults, the wish for another
language and who will be at the door are few fixed phrases in any language; none can confirm or cancel an order.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bot.engine import Act
from bot.understanding.normal import normalise, tokens

YIELDING = frozenset({"out_of_scope", "not_my_order", "ask_status", "talk_to_human", "slot_choice", "greeting_thanks"})
"""Acts that a phrase of this list may replace: what such messages are taken for when nobody knows better."""
BESIDE = frozenset(
    {"confirm", "address_fragment", "change_address", "out_of_scope", "talk_to_human", "greeting_thanks"}
)
"""Acts that leave room for somebody who takes the parcel: a yes, and what such messages are taken for."""
EDITED = YIELDING | {"confirm", "return_refund", "yes_but"}
"""What the wish for another size, colour or number is taken for before anything was sent."""
PHONE = re.compile(r"(?:\d[\s-]?){10}")
LONG = 12
"""Words from which a message is a letter about something, and one phrase in it decides nothing."""

Words = tuple[str, ...]


def about_us(text: str, kinds: Iterable[str], region: str) -> Act | None:
    """Return the act a message makes about ourselves, if the `kinds` it was understood as leave room for one."""
    if not YIELDING.issuperset(kinds):
        return None
    said = _words(text)
    if not said or len(said) > LONG:
        return None
    phrases = _phrases()
    for kind in ("abuse", "ask_scam", "ask_who"):
        if any(_within(phrase, said) for phrase in phrases[kind]):
            return Act(kind)
    language = _language(said, region)
    return Act("language", {"lang": language}) if language else None


def edit(text: str, kinds: Iterable[str]) -> Act | None:
    """Return the act of wanting another size, colour or number of pieces."""
    said = _words(text)
    if not EDITED.issuperset(kinds) or len(said) > LONG:
        return None
    return Act("order_edit") if any(_within(phrase, said) for phrase in _phrases()["order_edit"]) else None


def receiver(text: str, kinds: Iterable[str]) -> Act | None:
    """Return the act of naming who takes the parcel: a phone number, or family, guard or neighbour (slot `who`)."""
    said = _words(text)
    if not BESIDE.issuperset(kinds) or not said or len(said) > LONG:
        return None
    if PHONE.search(text):
        return Act("phone")
    lists = _receivers()
    if any(_within(word, said) for word in lists["denied"]):
        return None
    for who in ("guard", "neighbour", "family"):
        if any(_within(phrase, said) for phrase in lists[who]):
            return Act("receiver", {"who": who})
    if any(_within(phrase, said) for phrase in lists["called"]) and any(_within(one, said) for one in lists["takes"]):
        return Act("receiver", {"who": "family"})
    return None


def _language(said: Words, region: str) -> str:
    """Return the language that is named, when the message says nothing else."""
    names, around = _languages()
    for name, locale in names.items():
        rest = _without(name, said)
        # In the Philippines "hindi" is the word for no.
        if rest is not None and around.issuperset(rest) and not (region == "PH" and locale == "hi-Latn"):
            return locale
    return ""


def _words(text: str) -> Words:
    return tuple(token.text for token in tokens(normalise(text)) if not token.symbol)


def _within(phrase: Words, said: Words) -> bool:
    return _without(phrase, said) is not None


def _without(phrase: Words, said: Words) -> Words | None:
    """Return what is left of a message without a phrase, or None when the phrase is not in it."""
    size = len(phrase)
    for start in range(len(said) - size + 1):
        if said[start : start + size] == phrase:
            return said[:start] + said[start + size :]
    return None


def _split(listed: str) -> list[Words]:
    return [words for words in map(_words, listed.split(",")) if words]


@cache
def _data() -> dict[str, object]:
    return tomllib.loads(Path(__file__).with_name("asked.toml").read_text(encoding="utf-8"))


@cache
def _phrases() -> dict[str, list[Words]]:
    return {kind: _split(str(_data()[kind])) for kind in ("ask_who", "ask_scam", "abuse", "order_edit")}


@cache
def _receivers() -> dict[str, list[Words]]:
    listed = _data()["receivers"]
    assert isinstance(listed, dict)  # noqa: S101  # The file is ours; this tells the type checker so.
    return {name: _split(str(phrases)) for name, phrases in listed.items()}


@cache
def _languages() -> tuple[dict[Words, str], frozenset[str]]:
    data = _data()
    listed, around = data["languages"], data["around"]
    assert isinstance(listed, dict)  # noqa: S101  # The file is ours; this tells the type checker so.
    assert isinstance(around, dict)  # noqa: S101  # As above.
    names = {name: locale for locale, names in listed.items() for name in _split(names)}
    return names, frozenset(word for words in _split(around["words"]) for word in words)

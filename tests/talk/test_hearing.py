"""Words become acts, commands and a language to answer in."""

import pytest

from bot import engine
from bot.cli.rehearsal import some_facts
from bot.engine import Replied
from bot.talk.hearing import command, hear, spoken, wish
from bot.text import locales, render
from flows import FLOWS

FLOW = FLOWS["order_confirmation"]
FACTS = some_facts()
OPEN = engine.step(FLOW, engine.start(FLOW), engine.Started(), FACTS).state


def kinds(text: str) -> tuple[str, ...]:
    """Return the acts of a text while the order waits for its yes."""
    return tuple(act.kind for act in hear(FLOW, OPEN, FACTS, Replied(text=text)).acts)


@pytest.mark.parametrize(
    ("text", "language", "locale"),
    [
        ("mera order kahan hai bhai", "hi", "hi-Latn"),
        ("मेरा ऑर्डर कहाँ है भाई", "hi", "hi"),
        ("where is my order please", "en", "en"),
        ("en oda order enga irukku", "ta", None),
        ("என் ஆர்டர் எங்கே இருக்கிறது", "ta", "ta"),
        ("pesanan saya di mana ya", "id", "id"),
        ("ok", "en", None),
        ("haan bhej do", None, None),
    ],
)
def test_the_language_of_a_long_message_is_answered_in_its_script(
    text: str, language: str | None, locale: str | None
) -> None:
    assert spoken(text, language) == locale


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("STOP", "opt_out"),
        ("stop.", "opt_out"),
        ("START", "opt_in"),
        ("not me", "not_my_order"),
        ("PERSON!", "talk_to_human"),
        ("persons", None),
        ("", None),
    ],
)
def test_the_words_our_texts_name_are_commands(text: str, act: str | None) -> None:
    assert command(text, "en") == act


def test_english_commands_work_in_every_language() -> None:
    assert command("PERSON", "hi-Latn") == "talk_to_human"
    assert command("insaan", "hi-Latn") == "talk_to_human"
    assert command("insaan", "en") is None


def test_a_command_is_certain() -> None:
    assert hear(FLOW, OPEN, FACTS, Replied(text="STOP")).safe


def test_a_title_typed_out_is_a_choice() -> None:
    assert hear(FLOW, OPEN, FACTS, Replied(text="Change address")).acts[0].slots == {"id": "change_address"}


@pytest.mark.parametrize("locale", locales())
def test_a_title_of_any_of_our_languages_is_a_choice(locale: str) -> None:
    for choice in engine.listening(FLOW, OPEN, FACTS).choices:
        heard = hear(FLOW, OPEN, FACTS, Replied(text=render(choice.title, choice.values, locale)))
        assert [act.kind for act in heard.acts] == ["choice"]
        assert heard.acts[0].slots["id"] == choice.id


def test_a_time_without_a_time_is_not_heard() -> None:
    for text in ("1", "k?", "dekhte hain"):
        assert "slot_choice" not in kinds(text)


def test_insults_bind_nobody() -> None:
    heard = hear(FLOW, OPEN, FACTS, Replied(text="fuck you"))
    assert (kinds("fuck you"), heard.safe) == (("abuse",), False)


def test_a_wish_for_silence_is_heard_by_whoever_reads() -> None:
    assert wish("message mat bhejo", "hi-Latn", "IN", FACTS.now) == "opt_out"
    assert wish("START", "hi-Latn", "IN", FACTS.now) == "opt_in"
    assert wish("order cancel kar do", "hi-Latn", "IN", FACTS.now) is None

"""Understand a shopper's words as an answer to the question that is open."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from unicodedata import category

from bot import engine
from bot.engine import Facts, Flow, Replied, State
from bot.talk.asked import about_us, edit, receiver
from bot.text import DEFAULT, catalogue, known, locales, plain, render
from bot.understanding import Choice, Context, Interpretation, understand
from bot.understanding.proposals import Question, admit, is_open, question_of

COMMANDS = {"person": "talk_to_human", "not_me": "not_my_order", "stop": "opt_out", "start": "opt_in"}
"""The words our texts name, by their keys below `keywords`, and what they mean."""
LATIN = ("en", "id", "fil", "vi", "es", "pt")
"""Languages whose own script is Latin."""
LONG = 12
"""Letters from which a message tells its language; "ok" and "haan" are written by everybody."""


Second = Callable[[Question], Mapping[str, object] | None]
"""A second opinion on words that nobody here understood."""


def hear(flow: Flow, state: State, facts: Facts, reply: Replied, second: Second | None = None) -> Replied:
    """Return a reply with what its words mean; `second` is asked when they mean nothing to us and would be a miss."""
    expects = engine.listening(flow, state, facts)
    locale, region = facts.shopper.locale, facts.shopper.region
    choices = tuple(
        Choice(one.id, render(one.title, one.values, locale, region), number)
        for one, number in zip(expects.choices, expects.numbers, strict=True)
    )
    # After a change of language the buttons of the old one are still on the phone, and people type what they read.
    choices += tuple(Choice(one.id, title) for one in expects.choices for title in _titles(one.title))
    context = Context(
        state=expects.state, choices=choices, locale=locale, region=region, at=facts.now, expected=expects.acts
    )
    found = understand(reply.text, context)
    lang = spoken(reply.text, found.lang)
    ours = command(reply.text, locale)
    if ours:
        return replace(reply, acts=(engine.Act(ours),), safe=True, lang=lang)
    acts = _acts(found)
    kinds = [act.kind for act in acts]
    about = about_us(reply.text, kinds, region)
    if about is not None:
        return replace(reply, acts=(about,), safe=False, lang=lang)
    if "order_edit" in expects.acts and (other := edit(reply.text, kinds)) is not None:
        return replace(reply, acts=(other,), safe=found.safe, lang=lang)
    if "receiver" in expects.acts and (taker := receiver(reply.text, kinds)) is not None:
        return replace(reply, acts=(taker,), safe=found.safe, lang=lang)
    unclear = reply.text.strip() and not expects.reads and (not acts or is_open(found))
    if unclear and second is not None:
        proposed = admit(second(question_of(reply.text, context, found.lang)), reply.text, context)
        if proposed.acts:
            found, acts = proposed, _acts(proposed)
    return replace(reply, acts=acts, safe=found.safe, lang=lang)


@cache
def _titles(key: str) -> tuple[str, ...]:
    """Return a title in every language we speak, if it is the same for every order."""
    written = (catalogue(locale).get(key) for locale in locales())
    return tuple(sorted({title for title in written if isinstance(title, str) and "{" not in title}))


def _acts(found: Interpretation) -> tuple[engine.Act, ...]:
    return tuple(
        engine.Act(act.kind, dict(act.slots), act.confidence)
        for act in found.acts
        # A time without a time in it is a guess, and a guess about the day would be worse than a question.
        if act.slots or act.kind != "slot_choice"
    )


def spoken(text: str, language: str | None) -> str | None:
    """Return the locale to answer in: the language of a message long enough to tell it, in the script it is written in.

    Hindi in Latin letters is answered so. Other languages that have a script of their own are not answered in it when
    they come in Latin letters: who writes so may not read it.
    """
    letters = [letter for letter in text if category(letter)[0] in "LM"]
    if language is None or len(letters) < LONG:
        return None
    latin = sum(letter.isascii() for letter in letters) > len(letters) / 2
    if latin and language not in LATIN:
        return "hi-Latn" if language == "hi" else None
    return language


def command(text: str, locale: str) -> str | None:
    """Return the act of a word that our own texts ask for, such as STOP, in the shopper's language or in English."""
    said = plain(text).casefold().strip(" .!")
    for language in (known(locale), DEFAULT):
        for name, act in COMMANDS.items():
            if said == str(catalogue(language).get(f"keywords.{name}", "")).casefold():
                return act
    return None


def wish(text: str, locale: str, region: str | None, at: datetime) -> str | None:
    """Return `opt_out` or `opt_in` when a message clearly asks for it, whoever reads the conversation."""
    wishes = ("opt_out", "opt_in")
    if (ours := command(text, locale)) is not None:
        return ours if ours in wishes else None
    found = understand(text, Context(locale=locale, region=region, at=at))
    return next((act.kind for act in found.acts if found.safe and act.kind in wishes), None)

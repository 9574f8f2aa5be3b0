"""Understand a shopper's words as an answer to the question that is open."""

from dataclasses import replace
from datetime import datetime

from bot import engine
from bot.engine import Facts, Flow, Replied, State
from bot.text import DEFAULT, catalogue, known, plain, render
from bot.understanding import Choice, Context, understand

COMMANDS = {"person": "talk_to_human", "not_me": "not_my_order", "stop": "opt_out", "start": "opt_in"}
"""The words our texts name, by their keys below `keywords`, and what they mean."""
LONG = 12
"""Letters from which a message tells its language; "ok" and "haan" are written by everybody."""


def hear(flow: Flow, state: State, facts: Facts, reply: Replied) -> Replied:
    """Return a reply with what its words mean."""
    expects = engine.listening(flow, state, facts)
    locale, region = facts.shopper.locale, facts.shopper.region
    choices = tuple(
        Choice(one.id, render(one.title, one.values, locale, region), number)
        for one, number in zip(expects.choices, expects.numbers, strict=True)
    )
    context = Context(
        state=expects.state, choices=choices, locale=locale, region=region, at=facts.now, expected=expects.acts
    )
    found = understand(reply.text, context)
    acts = tuple(
        engine.Act(act.kind, dict(act.slots), act.confidence)
        for act in found.acts
        # A time without a time in it is a guess, and a guess about the day would be worse than a question.
        if act.slots or act.kind != "slot_choice"
    )
    ours = command(reply.text, locale)
    if ours:
        acts = (engine.Act(ours),)
    long_enough = sum(letter.isalpha() for letter in reply.text) >= LONG
    return replace(reply, acts=acts, safe=found.safe or bool(ours), lang=found.lang if long_enough else None)


def command(text: str, locale: str) -> str | None:
    """Return the act of a word that our own texts ask for, such as STOP, in the shopper's language or in English."""
    said = plain(text).casefold().strip(" .!")
    for language in (known(locale), DEFAULT):
        for name, act in COMMANDS.items():
            if said == str(catalogue(language).get(f"keywords.{name}", "")).casefold():
                return act
    return None


def stops(text: str, locale: str | None, region: str | None, at: datetime) -> bool:
    """Tell whether a message clearly asks for no more messages, whoever reads the conversation."""
    found = understand(text, Context(locale=locale, region=region, at=at))
    return found.safe and any(act.kind == "opt_out" for act in found.acts)

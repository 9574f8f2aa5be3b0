"""Understand a shopper's words as an answer to the question that is open."""

from dataclasses import replace
from datetime import datetime

from bot import engine
from bot.engine import Facts, Flow, Replied, State
from bot.text import render

LONG = 12
"""Letters from which a message tells its language; "ok" and "haan" are written by everybody."""


def hear(flow: Flow, state: State, facts: Facts, reply: Replied) -> Replied:
    """Return a reply with what its words mean."""
    from bot.understanding import Choice, Context, understand

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
    long_enough = sum(letter.isalpha() for letter in reply.text) >= LONG
    return replace(
        reply,
        acts=tuple(engine.Act(act.kind, dict(act.slots), act.confidence) for act in found.acts),
        safe=found.safe,
        lang=found.lang if long_enough else None,
    )


def stops(text: str, locale: str | None, region: str | None, at: datetime) -> bool:
    """Tell whether a message clearly asks for no more messages, whoever reads the conversation."""
    from bot.understanding import Context, understand

    found = understand(text, Context(locale=locale, region=region, at=at))
    return found.safe and any(act.kind == "opt_out" for act in found.acts)

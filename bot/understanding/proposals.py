"""Let a language model propose what a message means, when the packs and the classifier abstain.

Off unless the caller brings a `Proposer`: this package makes no request. A proposal is a suggestion from a closed set;
it passes the same vetoes as the classifier, its dates and numbers are read again from the message by our own parsers,
and an act that changes an order is never safe, so that the shopper confirms it with one tap.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.understanding.contract import ORDER_CHANGING, Act, Context, Interpretation
from bot.understanding.normal import normalise, tokens
from bot.understanding.packs import ACTS
from bot.understanding.reading import forbidden, slots_for, study

_NUMBER = re.compile(r"\d[\d -]{6,}\d|\d{4,}")
_MAIL = re.compile(r"\S+@\S+")
_SURE_OF_NOTHING = 0.9
_MOST = 0.8  # A proposal is never surer than a sentence that a pack lists.


@dataclass(frozen=True, slots=True)
class Question:
    """What may leave the house about a message: its masked text, the open question, the acts to choose from."""

    text: str
    state: str
    allowed: tuple[str, ...]
    language: str | None


class Proposer(Protocol):
    """Names acts for a text: {"acts": [{"kind", "confidence"}]}, or None; it keeps its own time limit."""

    def propose(self, question: Question) -> Mapping[str, object] | None:
        """Return a proposal; whatever goes wrong is None."""


def is_open(read: Interpretation) -> bool:
    """Tell whether a reading leaves room for a proposal: it is none, or a mere guess that nothing of ours is meant."""
    return all(
        act.kind == "out_of_scope" and act.source == "classifier" and act.confidence < _SURE_OF_NOTHING
        for act in read.acts
    )


def question_of(text: str, context: Context, language: str | None) -> Question:
    """Return what may be asked about a message that nobody here understood."""
    return Question(masked(text), context.state, allowed(context), language)


def masked(text: str) -> str:
    """Return a text without phone numbers, pin codes and mail addresses, as it may leave the house."""
    return _NUMBER.sub("#", _MAIL.sub("@", normalise(text)))


def allowed(context: Context) -> tuple[str, ...]:
    """Return the acts that may be proposed: those the question expects first, then all others."""
    expected = tuple(act for act in context.expected if act in ACTS)
    return expected + tuple(act for act in ACTS if act not in expected)


def admit(proposal: Mapping[str, object] | None, text: str, context: Context) -> Interpretation:
    """Return the interpretation that a proposal may lead to; anything malformed, unknown or vetoed leads to none."""
    nothing = Interpretation((), None, False, "no proposal")
    listed = proposal.get("acts") if isinstance(proposal, Mapping) else None
    clean = normalise(text)
    found = tokens(clean)
    if not isinstance(listed, list) or not found:
        return nothing
    message = study(clean, found, context)
    acts: list[Act] = []
    for entry in listed[:3]:
        kind = entry.get("kind") if isinstance(entry, Mapping) else None
        confidence = entry.get("confidence") if isinstance(entry, Mapping) else None
        if (
            kind not in ACTS
            or not isinstance(confidence, int | float)
            or isinstance(confidence, bool)
            or not 0 <= confidence <= 1
        ):
            return nothing
        if forbidden(str(kind), message.view):
            return Interpretation((), message.language, False, f"a proposal of {kind} was vetoed")
        acts.append(
            Act(
                str(kind),
                slots_for(message, str(kind)),
                min(float(confidence), _MOST),
                "proposal",
                "proposed from outside",
            )
        )
    if not acts or acts[0].confidence < 0.5:
        return nothing
    if len(acts) > 1 and acts[0].kind == "confirm":
        acts[0] = Act(
            "yes_but", {**acts[0].slots, "also": acts[1].kind}, acts[0].confidence, "proposal", "a yes with more"
        )
    reason = (
        "proposed; order-changing acts need a tap" if any(act.kind in ORDER_CHANGING for act in acts) else "proposed"
    )
    return Interpretation(tuple(acts), message.language, False, reason)

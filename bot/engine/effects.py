"""Name everything a step may ask for.

The engine does nothing itself: `bot.talk` turns each effect into rows, in the transaction that saves the state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.engine.values import JSON, Value


@dataclass(frozen=True, slots=True)
class Part:
    """One paragraph of a bubble: a text key and the values for its placeholders."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A button or list row: its id (unique in the prompt, no dot), the key of its title, of its second line."""

    id: str
    title: str
    values: Mapping[str, Value] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """Say something; at most one of these follows from an event.

    `form` is `text`, `buttons` (up to 3 choices), `list` (up to 10 rows), `location` (Meta's location request) or
    `address` (Meta's address form, prefilled from `prefill`). `template` is what goes out when the 24-hour window is
    closed; without one the message waits where agents see it. `turn` is carried by the buttons and the timers.
    `provisional` marks a bubble that only puts the open question again: not worth sending to somebody who writes on.
    """

    turn: int
    parts: tuple[Part, ...]
    choices: tuple[Choice, ...] = ()
    form: str = "text"
    button: str = ""
    template: str | None = None
    locale: str | None = None
    prefill: Mapping[str, str] = field(default_factory=dict)
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class React:
    """Answer the shopper's message with an emoji on it: seen at once, and no message to pay for."""

    emoji: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Arm a timer that starts when the prompt of `turn` was really sent."""

    turn: int
    nth: int
    after: timedelta


@dataclass(frozen=True, slots=True)
class Record:
    """Write one field of an order; `order` is its id, "" for the run's own order."""

    field: str
    value: JSON
    order: str = ""


@dataclass(frozen=True, slots=True)
class SaveAddress:
    """Append a version of the order's address; only a `settled` one is what the parcel is sent to."""

    address: Mapping[str, JSON]
    changes: tuple[tuple[str, str, str], ...] = ()
    by: str = "shopper"
    settled: bool = False
    order: str = ""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the runner for something pure that needs data; `Found(kind, value)` follows in the same transaction."""

    kind: str
    query: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallAgent:
    """Hand the conversation to the agents' queue; the bot says no more until it is released."""

    reason: str
    order: str = ""


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Leave a task for a person while the bot keeps the conversation."""

    reason: str
    note: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Leave a remark on the order's timeline for the merchant; nobody has to act on it."""

    code: str
    values: Mapping[str, JSON] = field(default_factory=dict)
    order: str = ""


@dataclass(frozen=True, slots=True)
class OptOut:
    """Stop all messages to this number; orders are left alone."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """Messages to this number may go out again."""


@dataclass(frozen=True, slots=True)
class SetLocale:
    """From now on, speak this language with the shopper."""

    locale: str


@dataclass(frozen=True, slots=True)
class NotMine:
    """This number does not belong to the buyer: stop its messages and wipe it from the order."""

    order: str = ""


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin another flow for an order; the run waits its turn behind the one that is open."""

    flow: str
    order: str = ""


AboutOrder = Record | SaveAddress | CallAgent | OpenTask | Notice | NotMine | Begin
"""The effects that name an order; "" is the one spoken about."""

Effect = Send | React | Wake | LookUp | OptOut | OptIn | SetLocale | AboutOrder

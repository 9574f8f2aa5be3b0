"""The words in which the rest of the program talks to the understanding of messages."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

Slot = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A button or list row of the open question; `number` is set only if the question numbered its options."""

    id: str
    title: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when a message arrives.

    `state` is the kind of the open question: confirm, address_check, address, slot, rating, review or idle.
    `expected` names the
    acts that the question waits for; `at` is the message's own time in the shopper's zone, against which "tomorrow"
    is resolved.
    """

    state: str = "idle"
    expected: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    locale: str | None = None
    region: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a message does.

    `kind` is one of the 21 acts of `packs/README.md`, or "choice" with the slot `id` when the message names an
    option of the open
    question. `source` is the layer that decided, `evidence` the words or rule that it decided by.
    """

    kind: str
    slots: dict[str, Slot] = field(default_factory=dict)
    confidence: float = 1.0
    source: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """All acts of a message, the most important first; no acts means that the message was not understood.

    `safe` says that an order-changing act may be carried out as it is; otherwise it is read back for one tap.
    """

    acts: tuple[Act, ...] = ()
    lang: str | None = None
    safe: bool = False
    reason: str = ""


# Acts that change what happens to an order or a subscription.
ORDER_CHANGING = frozenset(
    {"confirm", "cancel", "yes_but", "not_my_order", "opt_out", "return_refund", "change_address", "reschedule"}
)

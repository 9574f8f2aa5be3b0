"""Give authors of flows their words: Ask, Decide, HandOver, End, Interrupt, and Go for what follows.

A flow is data. It holds no text (only keys of templates/messages), no clock and no connection, so it can be proved
when it is imported, drawn, fingerprinted, and run in a test exactly as it runs in production.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cached_property
from typing import Any

from bot.engine.effects import Choice, Effect, NotMine, OptOut, Record
from bot.engine.events import Act, Event
from bot.engine.facts import Facts, Order
from bot.engine.values import JSON, Value

STAY = "@stay"
"""Repeat the open question."""
RESUME = "@resume"
"""Return to the question that was open before a detour."""
CLOSE = "@close"
"""Come to rest without a word, at the flow's `unanswered`."""


class FlowError(Exception):
    """An author's mistake. The runner turns it into a task for an agent, never into silence."""


class View:
    """What the functions of a flow may look at. They read it and change nothing."""

    __slots__ = ("act", "choice", "data", "event", "facts", "found", "intents", "open", "turn")

    def __init__(self, facts: Facts, data: dict[str, JSON], event: Event, at: str, turn: int) -> None:
        self.facts = facts
        self.data: Mapping[str, JSON] = data
        self.event = event
        self.open = at
        """The step that was open when the event came."""
        self.turn = turn
        """The number of the last prompt when the event came."""
        self.act: Act | None = None
        """The act that is being followed, with its slots."""
        self.choice = ""
        """What stands after the colon in the id of a tapped choice: `day:2026-11-27` gives `2026-11-27`."""
        self.found: Mapping[str, JSON] = {}
        """The answer to this step's LookUp."""
        self.intents: dict[str, str] = {}
        """What was recorded on the way, by order id: the facts do not know it yet."""

    @property
    def order(self) -> Order:
        """Return the order that is spoken about: the run's own, or the other one that the shopper picked."""
        about = self.data.get("about")
        if about:
            for other in self.facts.others:
                if other.id == about:
                    return other
        return self.facts.order

    @property
    def intent(self) -> str:
        """Return the intent of that order as it stands now; `order.intent` is what it was when the event came."""
        order = self.order
        return self.intents.get(order.id, order.intent)

    @property
    def slots(self) -> Mapping[str, JSON]:
        """Return the slots of the act that is being followed."""
        return self.act.slots if self.act else {}


Says = str | tuple[str, ...] | Callable[[View], Iterable[str]]
Effects = Effect | Callable[[View], Iterable[Effect]]
Keeps = Mapping[str, JSON] | Callable[[View], Mapping[str, JSON]]


@dataclass(frozen=True)
class Outcome:
    """Name what a reader or a decision found, and what is to be remembered of it."""

    name: str
    keep: Mapping[str, JSON] = field(default_factory=dict)


Found = str | Outcome


@dataclass(frozen=True)
class Go:
    """Say where to go next, what to do on the way, what to say first and what to remember.

    `binding` marks what changes the order or stops messages: from words it is only followed when they were certain,
    otherwise the shopper is asked for one tap. It is derived from the effects where they are plain data.
    """

    to: str = STAY
    do: tuple[Effects, ...] = ()
    say: Says = ()
    keep: Keeps = field(default_factory=dict)
    binding: bool = False

    @cached_property
    def binds(self) -> bool:
        """Tell whether the shopper's will must be beyond doubt."""
        return self.binding or any(
            isinstance(effect, NotMine | OptOut) or (isinstance(effect, Record) and effect.field == "intent")
            for effect in self.do
        )


def go(to: str, *do: Effects, say: Says = (), keep: Keeps | None = None, binding: bool = False) -> Go:
    """Write a Go in one line."""
    return Go(to, do, say, keep or {}, binding)


Path = Go | str


@dataclass(frozen=True)
class Ask:
    """Ask a question and wait.

    Texts are `<texts>.text` (first time), `.again` (short, when it is repeated), `.remind` (after silence) and
    `.choices.<id>`; `texts` is `<flow>.<name>` unless set. `on` follows taps, `hear` acts (and `@location`,
    `@contact`, `@form`, `@image` ... for what is no text), `read` looks at what neither caught. `choices` are the
    ids in `on` unless given; `offer` makes them from the facts instead. `patience` is how long to wait before each
    reminder and, last, before giving up towards `silent`; `ruled` lets the merchant's own patience replace it.
    """

    name: str
    on: Mapping[str, Path] = field(default_factory=dict)
    hear: Mapping[str, Path] = field(default_factory=dict)
    read: Callable[[View], Found | None] | None = None
    choices: tuple[str | Choice, ...] | None = None
    offer: Callable[[View], tuple[Choice, ...]] | None = None
    say: Says = ()
    texts: str = ""
    form: str | Callable[[View], str] = ""
    prefill: Callable[[View], Mapping[str, str]] | None = None
    patience: tuple[timedelta, ...] = ()
    ruled: bool = False
    silent: Path = ""
    remind_if: Callable[[View], bool] | None = None
    template: str | None = None
    reminder: str | None = None
    listens: str = "confirm"


@dataclass(frozen=True)
class Decide:
    """Choose a path without asking; with `look_up`, wait for the runner to find something first."""

    name: str
    choose: Callable[[View], Found]
    to: Mapping[str, Path]
    look_up: tuple[str, Callable[[View], Mapping[str, JSON]]] | None = None


@dataclass(frozen=True)
class HandOver:
    """Give the conversation to a person, and say so; `back` is what is asked when it is given back.

    Without `back` it is the question that was open.
    """

    name: str
    reason: str | Callable[[View], str]
    say: Says = ()
    texts: str = ""
    back: str = ""


@dataclass(frozen=True)
class End:
    """Close the run. It still listens: a shopper may change an answer until dispatch."""

    name: str
    on: Mapping[str, Path] = field(default_factory=dict)
    hear: Mapping[str, Path] = field(default_factory=dict)
    read: Callable[[View], Found | None] | None = None
    choices: tuple[str | Choice, ...] | None = None
    say: Says = ()
    quiet: bool = False
    react: str = ""
    texts: str = ""
    template: str | None = None
    listens: str = "idle"


Step = Ask | Decide | HandOver | End


@dataclass(frozen=True)
class Interrupt:
    """Answer something that may come at any time, then repeat the open question or go elsewhere.

    `again` says what happens the second time: `answer` as before, `quiet` (nothing), `miss` (as not understood) or
    the name of a step. `thanks` is an emoji that is answer enough once the run is done.
    """

    hear: tuple[str, ...]
    say: Says = ()
    do: tuple[Effects, ...] = ()
    to: str = STAY
    again: str = "answer"
    thanks: str = ""

    @cached_property
    def path(self) -> Go:
        """Return where it leads."""
        return Go(self.to, self.do, self.say)


def _no_values(view: View) -> Mapping[str, Value]:
    return {}


@dataclass(frozen=True)
class Flow:
    """A whole conversation.

    `closed` tells that the order can no longer be changed; replies then meet the End named `gone`. `late` says what
    a tap on an older question means; `changed` follows a change by another hand; `lost` is the HandOver after three
    misses, `settled` the quiet End after an agent has done the work, `unanswered` the quiet End after silence
    (or a Decide between such Ends), `undeliverable` the way when no prompt arrives.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    entry: str
    gone: str
    lost: str
    settled: str
    unanswered: str
    undeliverable: Path
    interrupts: tuple[Interrupt, ...] = ()
    values: Callable[[View], Mapping[str, Value]] = _no_values
    closed: Callable[[View], bool] = lambda view: False
    late: Mapping[str, Path] = field(default_factory=dict)
    changed: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, Step]:
        """Return the steps by their names."""
        return {step.name: step for step in self.steps}

    @cached_property
    def by_kind(self) -> Mapping[str, Interrupt]:
        """Return the interrupts by what they listen for."""
        return {kind: interrupt for interrupt in reversed(self.interrupts) for kind in interrupt.hear}

    @cached_property
    def detours(self) -> frozenset[str]:
        """Return the steps that lead back to where they were entered from."""
        return frozenset(s.name for s in self.steps if any(way.to == RESUME for _, way in paths(s)))

    @cached_property
    def fixed_choices(self) -> Mapping[str, tuple[Choice, ...]]:
        """Return the choices of each step that do not depend on the facts."""
        found: dict[str, tuple[Choice, ...]] = {}
        for step in self.steps:
            if isinstance(step, Ask | End):
                ids = step.choices if step.choices is not None else tuple(step.on)
                prefix = f"{self.texts(step)}.choices"
                found[step.name] = tuple(c if isinstance(c, Choice) else Choice(c, f"{prefix}.{c}") for c in ids)
        return found

    def step(self, name: str) -> Step:
        """Return a step, or blame the author."""
        try:
            return self.by_name[name]
        except KeyError:
            raise FlowError(f"{self.name}: there is no step {name!r}") from None

    def texts(self, step: Step) -> str:
        """Return the prefix of a step's text keys."""
        return getattr(step, "texts", "") or f"{self.name}.{step.name}"


def as_go(path: Path) -> Go:
    """Read the short form of a path: a bare name is a Go that does nothing on the way."""
    return path if isinstance(path, Go) else Go(path)


def keys(says: Says, view: View) -> tuple[str, ...]:
    """Return the text keys that are to be said."""
    if isinstance(says, str):
        return (says,)
    return says if isinstance(says, tuple) else tuple(says(view))


def offered(step: Ask | End, flow: Flow, view: View) -> tuple[Choice, ...]:
    """Return the choices of a step as they stand now."""
    if isinstance(step, Ask) and step.offer is not None:
        return step.offer(view)
    return flow.fixed_choices[step.name]


def paths(step: Step) -> Iterable[tuple[str, Go]]:
    """Return every labelled way out of a step."""
    if isinstance(step, Decide):
        return [(label, as_go(path)) for label, path in step.to.items()]
    if isinstance(step, HandOver):
        return []
    ways = [(f"tap {label}", as_go(path)) for label, path in step.on.items()]
    ways += [(f"hear {label}", as_go(path)) for label, path in step.hear.items()]
    if isinstance(step, Ask) and step.silent:
        ways.append(("silence", as_go(step.silent)))
    return ways


def structure(flow: Flow) -> dict[str, Any]:
    """Return what a waiting run relies on: steps, their kinds, their choices and where each way leads."""
    shape: dict[str, Any] = {"entry": flow.entry, "steps": {}}
    for step in flow.steps:
        shape["steps"][step.name] = [type(step).__name__, sorted((label, way.to) for label, way in paths(step))]
    shape["late"] = sorted((label, as_go(path).to) for label, path in flow.late.items())
    shape["ends"] = [getattr(flow, f.name) for f in fields(flow) if f.name in ("gone", "lost", "settled", "unanswered")]
    return shape

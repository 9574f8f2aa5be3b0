"""Walk through a flow on behalf of one event: move from step to step, speak, and collect the effects."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from bot.engine.effects import AboutOrder, CallAgent, Choice, Effect, LookUp, Part, React, Record, Send, SetLocale, Wake
from bot.engine.events import Event, Replied
from bot.engine.facts import Facts
from bot.engine.flow import (
    CLOSE,
    RESUME,
    STAY,
    Ask,
    Decide,
    End,
    Flow,
    FlowError,
    Go,
    HandOver,
    Outcome,
    Step,
    View,
    as_go,
    keys,
    offered,
)
from bot.engine.state import State, Transition
from bot.engine.values import JSON, Text, Value

LEVELS = 64
"""More steps than this in one transition is a circle that import-time checks cannot see."""

T = TypeVar("T")


def authored(call: Callable[..., T], *args: Any) -> T:
    """Call a function of the flow; whatever it raises is its author's mistake."""
    try:
        return call(*args)
    except FlowError:
        raise
    except Exception as error:
        name = getattr(call, "__qualname__", repr(call))
        raise FlowError(f"{name} raised {type(error).__name__}: {error}") from error


def outcome_of(found: str | Outcome) -> Outcome:
    """Read the short form of an outcome: a bare name keeps nothing."""
    return found if isinstance(found, Outcome) else Outcome(found)


class Walk:
    """Collect what one event does. It lives for one call of `step` and is the only thing here that changes."""

    def __init__(self, flow: Flow, state: State, event: Event, facts: Facts) -> None:
        self.flow = flow
        self.before = state
        self.facts = facts
        self.at = state.step
        self.turn = state.turn
        self.since = state.since
        self.nth = state.nth
        self.misses = state.misses
        self.resume = state.resume
        self.status = state.status
        self.data: dict[str, JSON] = dict(state.data)
        self.view = View(facts, self.data, event, state.step, state.turn)
        self.effects: list[Effect] = []
        self.says: list[str] = []
        self.parts: list[Part] = []
        self.extra: dict[str, Text] = {}
        self.locale: str | None = None
        self.sent = False
        self.provisional = False

    def transition(self) -> Transition:
        """Return what came of it."""
        state = State(
            self.flow.name,
            self.before.version,
            self.at,
            self.turn,
            self.since,
            self.nth,
            self.misses,
            self.resume,
            self.status,
            self.data,
        )
        return Transition(state, tuple(self.effects))

    # Moving through the steps

    def do(self, effects: Iterable[Effect | Callable[[View], Iterable[Effect]]]) -> None:
        """Collect effects; those about an order go to the one that is spoken about."""
        about = self.data.get("about")
        for effect in effects:
            for one in authored(effect, self.view) if callable(effect) else (effect,):
                if about and isinstance(one, AboutOrder) and not one.order:
                    one = replace(one, order=str(about))
                if isinstance(one, Record) and one.field == "intent":
                    self.view.intents[one.order or self.facts.order.id] = str(one.value)
                if isinstance(one, SetLocale):
                    self.locale = one.locale
                self.effects.append(one)

    def remember(self, keep: Mapping[str, JSON]) -> None:
        """Keep data; what was said about one order is put into words before another one is spoken about."""
        if "about" in keep and keep["about"] != self.data.get("about") and self.says:
            values = self.values()
            self.parts.extend(Part(key, values) for key in self.says)
            self.says = []
        self.data.update(keep)

    def values(self) -> Mapping[str, Value]:
        """Return what the placeholders stand for now."""
        return {**authored(self.flow.values, self.view), **self.extra}

    def follow(self, path: Go | str) -> None:
        """Go a way: remember, do, say, arrive."""
        way = as_go(path)
        if way.keep:
            self.remember(authored(way.keep, self.view) if callable(way.keep) else way.keep)
        self.do(way.do)
        self.says.extend(authored(keys, way.say, self.view))
        if way.to in self.flow.detours:
            self.detour()
        if way.to == STAY:
            self.repeat()
        elif way.to == RESUME:
            self.come_back()
        elif way.to == CLOSE:
            self.rest()
        else:
            self.enter(way.to)

    def enter(self, name: str) -> None:
        """Arrive at a step, and pass through those that only decide."""
        for _ in range(LEVELS):
            here = self.flow.step(name)
            if isinstance(here, Decide):
                if here.look_up is not None:
                    kind, query = here.look_up
                    self.at = name
                    self.status = "waiting"
                    if self.parts:
                        raise FlowError(f"{self.flow.name}.{name}: looks up between two orders")
                    self.data["says"] = list(self.says)
                    self.effects.append(LookUp(kind, authored(query, self.view)))
                    return
                way = self.decided(here)
                if way is None:
                    return
                name = way
                continue
            self.arrive(here)
            return
        raise FlowError(f"{self.flow.name}: {name!r} goes in circles")

    def decided(self, here: Decide) -> str | None:
        """Take the way a Decide chooses; return the next step, or None when it was a return."""
        outcome = outcome_of(authored(here.choose, self.view))
        if outcome.name not in here.to:
            raise FlowError(f"{self.flow.name}.{here.name}: {outcome.name!r} is not one of its ways")
        self.remember(outcome.keep)
        way = as_go(here.to[outcome.name])
        if way.to in (STAY, RESUME, CLOSE):
            self.follow(way)
            return None
        if way.keep:
            self.remember(authored(way.keep, self.view) if callable(way.keep) else way.keep)
        self.do(way.do)
        self.says.extend(authored(keys, way.say, self.view))
        if way.to in self.flow.detours:
            self.detour()
        return way.to

    def arrive(self, here: Step) -> None:
        """Open a question, close the run or hand it over."""
        if isinstance(here, HandOver):
            self.detour()
            self.resume = here.back or self.resume
            self.at, self.status = here.name, "handed_over"
            reason = authored(here.reason, self.view) if callable(here.reason) else here.reason
            self.do((CallAgent(reason),))
            self.speak(authored(keys, here.say, self.view) or (f"{self.flow.texts(here)}.text",))
            return
        self.at, self.misses, self.nth = here.name, 0, 0
        self.since = self.turn + 1
        if isinstance(here, Ask):
            self.status = "waiting"
            self.prompt(here, authored(keys, here.say, self.view) or (f"{self.flow.texts(here)}.text",))
        elif isinstance(here, End):
            self.status = "done"
            if here.react and not self.says and not self.parts and isinstance(self.view.event, Replied):
                self.effects.append(React(here.react))
                return
            said: tuple[str, ...] = ()
            if not here.quiet:
                said = authored(keys, here.say, self.view) or (f"{self.flow.texts(here)}.text",)
            self.speak(said, self.choices(here) if said else (), template=here.template)

    def come_back(self) -> None:
        """Return from a detour to the question it interrupted, or close where there was none."""
        here = self.flow.by_name.get(self.resume)
        self.remember({"about": None})
        if isinstance(here, Ask):
            self.at, self.status, self.misses = here.name, "waiting", 0
            self.since = self.turn + 1
            self.nth = 0
            self.prompt(here, (f"{self.flow.texts(here)}.again",))
        else:
            self.at = here.name if here else self.flow.settled
            self.status = "done"
            self.speak(())

    def rest(self) -> None:
        """Close without a word, where a later reply is still understood."""
        self.remember({"about": None})
        self.enter(self.flow.unanswered)

    def repeat(self) -> None:
        """Ask the open question again in its short form, or answer only when none is open."""
        here = self.flow.by_name.get(self.at)
        if isinstance(here, Ask):
            self.nth = 0
            self.prompt(here, (f"{self.flow.texts(here)}.again",))
        elif isinstance(here, End):
            self.speak(())

    def detour(self) -> None:
        """Remember the open question before leaving it for something else."""
        here = self.flow.by_name.get(self.at)
        if isinstance(here, Ask | End) and here.name not in self.flow.detours and not self.data.get("about"):
            self.resume = here.name

    # Speaking

    def choices(self, here: Ask | End) -> tuple[Choice, ...]:
        """Return the choices as they stand now."""
        return authored(offered, here, self.flow, self.view)

    def prompt(self, here: Ask, said: tuple[str, ...], template: str | None = None) -> None:
        """Put the question and start its patience."""
        form = authored(here.form, self.view) if callable(here.form) else here.form
        if self.data.get("plain") and form in ("address", "location"):
            form = "text"
        choices = self.choices(here)
        prefill = authored(here.prefill, self.view) if here.prefill and form == "address" else {}
        self.speak(said, choices, form, template or here.template, prefill)
        patience = self.patience(here)
        if patience:
            self.effects.append(Wake(self.turn, self.nth + 1, patience[min(self.nth, len(patience) - 1)]))

    def patience(self, here: Ask) -> tuple[timedelta, ...]:
        """Return how long this question waits: the merchant's rule where the flow allows one."""
        return self.facts.merchant.patience or here.patience if here.ruled else here.patience

    def speak(
        self,
        said: tuple[str, ...],
        choices: tuple[Choice, ...] = (),
        form: str = "",
        template: str | None = None,
        prefill: Mapping[str, str] | None = None,
    ) -> None:
        """Put everything that is to be said into one bubble; nothing to say is no bubble."""
        spoken = (*self.says, *said)
        if not spoken and not self.parts:
            return
        if self.sent:
            raise FlowError(f"{self.flow.name}.{self.at}: two bubbles in one turn")
        values = self.values()
        form = form or ("text" if not choices else "buttons" if len(choices) <= 3 else "list")
        parts = (*self.parts, *(Part(key, values) for key in spoken))
        self.turn += 1
        self.sent = True
        self.says, self.parts = [], []
        step = self.flow.by_name[self.at]
        self.effects.append(
            Send(
                turn=self.turn,
                parts=parts,
                choices=choices,
                form=form,
                button=f"{self.flow.texts(step)}.button" if form == "list" else "",
                template=template,
                locale=self.locale,
                prefill=prefill or {},
                provisional=self.provisional,
            )
        )

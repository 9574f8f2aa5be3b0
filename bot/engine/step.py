"""Interpret a flow: one event in, the next state and the effects out.

Nothing a shopper does makes this raise. The order in which a reply is understood: a tap on an older question, a tap,
words the open step listens for, what may come at any time, the step's own reader, a miss.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from bot.engine.effects import (
    AboutOrder,
    CallAgent,
    Choice,
    Effect,
    LookUp,
    Part,
    React,
    Send,
    SetLocale,
    Wake,
)
from bot.engine.events import (
    Act,
    Changed,
    Event,
    Found,
    Released,
    Replied,
    Silence,
    Started,
    Undeliverable,
)
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
    Interrupt,
    Outcome,
    Step,
    View,
    as_go,
    keys,
    offered,
)
from bot.engine.state import State, Transition
from bot.engine.values import JSON, Text

FORM_NOT_SHOWN = 1026
"""Meta's code for a client that cannot show an interactive form: ask in plain words instead."""
DOUBLE_TAP = timedelta(minutes=1)
"""Two taps on one button within this time are one tap of a nervous thumb."""
LEVELS = 64
"""More steps than this in one transition is a circle that import-time checks cannot see."""
LAST = ("greeting_thanks", "out_of_scope")
"""Acts that count only when nothing else was meant."""

OPPOSED = frozenset({"confirm", "cancel", "dont_cancel", "not_my_order"})
"""Two of these in one message contradict each other: nothing binding follows from them without a tap."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listening:
    """What the understanding of a text needs to know: the kind of question, its choices, the acts it waits for.

    `numbers` holds the number under which each choice was offered, None where the question did not number them.
    """

    state: str
    choices: tuple[Choice, ...] = ()
    acts: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[int | None, ...]:
        """Return the numbers of the choices: an id such as `stars:4` carries its own."""
        tails = (choice.id.partition(":")[2] for choice in self.choices)
        return tuple(int(tail) if len(tail) == 1 and tail.isdigit() and self.numbered else None for tail in tails)

    @property
    def numbered(self) -> bool:
        """Tell whether numbers are answers to this question."""
        return self.state == "rating"


def start(flow: Flow) -> State:
    """Return the state of a run that has not begun."""
    return State(flow.name, flow.version)


def listening(flow: Flow, state: State, facts: Facts) -> Listening:
    """Say which answers the open question expects."""
    step = flow.by_name.get(state.step)
    if not isinstance(step, Ask | End):
        return Listening("idle")
    view = View(facts, dict(state.data), Started(), state.step)
    acts = tuple(kind for kind in step.hear if not kind.startswith("@"))
    return Listening(step.listens, _authored(offered, step, flow, view), acts)


def step(flow: Flow, state: State, event: Event, facts: Facts) -> Transition:
    """Return the state and the effects that follow from one event.

    Raises FlowError for an author's mistake, and for nothing else.
    """
    walk = _Walk(flow, state, event, facts)
    if isinstance(event, Replied):
        walk.replied(event)
    elif isinstance(event, Silence):
        walk.silence(event)
    elif isinstance(event, Found):
        walk.found(event)
    elif isinstance(event, Started):
        if not state.step:
            walk.enter(flow.entry)
    elif isinstance(event, Released):
        walk.released(event)
    elif isinstance(event, Changed):
        walk.changed(event)
    elif isinstance(event, Undeliverable):
        walk.undeliverable(event)
    return walk.transition()


def _authored(call: Callable[..., T], *args: Any) -> T:
    """Call a function of the flow; whatever it raises is its author's mistake."""
    try:
        return call(*args)
    except FlowError:
        raise
    except Exception as error:
        name = getattr(call, "__qualname__", repr(call))
        raise FlowError(f"{name} raised {type(error).__name__}: {error}") from error


class _Walk:
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
        self.view = View(facts, self.data, event, state.step)
        self.effects: list[Effect] = []
        self.says: list[str] = []
        self.extra: dict[str, Text] = {}
        self.locale: str | None = None
        self.sent = False

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
            for one in _authored(effect, self.view) if callable(effect) else (effect,):
                if about and isinstance(one, AboutOrder) and not one.order:
                    one = replace(one, order=str(about))
                if isinstance(one, SetLocale):
                    self.locale = one.locale
                self.effects.append(one)

    def follow(self, path: Go | str) -> None:
        """Go a way: remember, do, say, arrive."""
        way = as_go(path)
        if way.keep:
            self.data.update(_authored(way.keep, self.view) if callable(way.keep) else way.keep)
        self.do(way.do)
        self.says.extend(_authored(keys, way.say, self.view))
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
                    self.data["says"] = list(self.says)
                    self.effects.append(LookUp(kind, _authored(query, self.view)))
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
        outcome = _outcome(_authored(here.choose, self.view))
        if outcome.name not in here.to:
            raise FlowError(f"{self.flow.name}.{here.name}: {outcome.name!r} is not one of its ways")
        self.data.update(outcome.keep)
        way = as_go(here.to[outcome.name])
        if way.to in (STAY, RESUME, CLOSE):
            self.follow(way)
            return None
        if way.keep:
            self.data.update(_authored(way.keep, self.view) if callable(way.keep) else way.keep)
        self.do(way.do)
        self.says.extend(_authored(keys, way.say, self.view))
        if way.to in self.flow.detours:
            self.detour()
        return way.to

    def arrive(self, here: Step) -> None:
        """Open a question, close the run or hand it over."""
        if isinstance(here, HandOver):
            self.detour()
            self.at, self.status = here.name, "handed_over"
            reason = _authored(here.reason, self.view) if callable(here.reason) else here.reason
            self.do((CallAgent(reason),))
            self.speak(_authored(keys, here.say, self.view) or (f"{self.flow.texts(here)}.text",))
            return
        self.at, self.misses, self.nth = here.name, 0, 0
        self.since = self.turn + 1
        if isinstance(here, Ask):
            self.status = "waiting"
            self.prompt(here, _authored(keys, here.say, self.view) or (f"{self.flow.texts(here)}.text",))
        elif isinstance(here, End):
            self.status = "done"
            if here.react and not self.says and isinstance(self.view.event, Replied):
                self.effects.append(React(here.react))
                return
            said: tuple[str, ...] = ()
            if not here.quiet:
                said = _authored(keys, here.say, self.view) or (f"{self.flow.texts(here)}.text",)
            self.speak(said, self.choices(here) if said else (), template=here.template)

    def come_back(self) -> None:
        """Return from a detour to the question it interrupted, or close where there was none."""
        here = self.flow.by_name.get(self.resume)
        self.data.pop("about", None)
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
        here = self.flow.by_name.get(self.resume)
        self.data.pop("about", None)
        self.at = here.name if isinstance(here, End) else self.flow.unanswered
        self.status, self.misses = "done", 0
        self.since = self.turn + 1
        self.speak(())

    def repeat(self) -> None:
        """Ask the open question again in its short form, or answer only when none is open."""
        here = self.flow.by_name.get(self.at)
        if isinstance(here, Ask):
            self.nth = 0
            self.prompt(here, (f"{self.flow.texts(here)}.again",))
        elif isinstance(here, End):
            self.speak(())

    # Speaking

    def choices(self, here: Ask | End) -> tuple[Choice, ...]:
        """Return the choices as they stand now."""
        return _authored(offered, here, self.flow, self.view)

    def prompt(self, here: Ask, said: tuple[str, ...], template: str | None = None) -> None:
        """Put the question and start its patience."""
        form = _authored(here.form, self.view) if callable(here.form) else here.form
        if self.data.get("plain") and form in ("address", "location"):
            form = "text"
        choices = self.choices(here)
        prefill = _authored(here.prefill, self.view) if here.prefill and form == "address" else {}
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
        if not spoken:
            return
        if self.sent:
            raise FlowError(f"{self.flow.name}.{self.at}: two bubbles in one turn")
        values = {**_authored(self.flow.values, self.view), **self.extra}
        form = form or ("text" if not choices else "buttons" if len(choices) <= 3 else "list")
        self.turn += 1
        self.sent = True
        self.says = []
        step = self.flow.by_name[self.at]
        self.effects.append(
            Send(
                turn=self.turn,
                parts=tuple(Part(key, values) for key in spoken),
                choices=choices,
                form=form,
                button=f"{self.flow.texts(step)}.button" if form == "list" else "",
                template=template,
                locale=self.locale,
                prefill=prefill or {},
            )
        )

    # Hearing

    def replied(self, event: Replied) -> None:
        """Understand what the shopper did."""
        if self.status == "handed_over" or not self.at:
            return
        self.notice_language(event)
        fresh = self.close_if_gone()
        here = self.flow.step(self.at)
        if isinstance(here, Decide):
            # A look-up is answered in the transaction that asked; if it was not, ask once more.
            self.enter(here.name)
            return
        if not isinstance(here, Ask | End):
            return
        if event.choice is not None:
            self.tapped(here, event, fresh)
            return
        acts = _acts(event)
        if self.heard(here, event, acts) or self.read(here):
            return
        if fresh:
            self.enter(self.flow.gone)
        else:
            self.missed(here)

    def notice_language(self, event: Replied) -> None:
        """Speak the language the shopper writes, where the shop has it."""
        lang = event.lang
        if lang and lang != self.facts.shopper.locale and lang in self.facts.merchant.locales:
            self.do((SetLocale(lang),))

    def close_if_gone(self) -> bool:
        """Leave a question that has lost its sense; tell whether that happened just now."""
        if self.at == self.flow.gone or not _authored(self.flow.closed, self.view):
            return False
        fresh = self.status == "waiting"
        self.at, self.status, self.misses = self.flow.gone, "done", 0
        self.since = self.turn + 1
        return fresh

    def tapped(self, here: Ask | End, event: Replied, fresh: bool) -> None:
        """Follow a tap on the open question, or find out what a tap on an older one is worth."""
        choice, turn = event.choice or "", event.turn
        stamp: list[JSON] = [turn, choice, int(self.facts.now.timestamp())]
        last = self.data.get("tap")
        if isinstance(last, list | tuple) and list(last[:2]) == stamp[:2]:
            gap = stamp[2] - last[2] if isinstance(last[2], int) and isinstance(stamp[2], int) else 0
            if 0 <= gap < DOUBLE_TAP.total_seconds():
                return
        self.data["tap"] = stamp
        if not self.take(here, choice, turn):
            self.late(choice, fresh)

    def take(self, here: Ask | End, choice: str, turn: int | None) -> bool:
        """Follow a choice of the open question if it is one."""
        name, _, rest = choice.partition(":")
        if turn is None or not self.since <= turn <= self.turn or name not in here.on:
            return False
        if rest and choice not in {c.id for c in self.choices(here)}:
            return False
        self.view.choice = rest
        self.follow(here.on[name])
        return True

    def late(self, choice: str, fresh: bool) -> None:
        """Answer a tap on an older question: it never answers the open one."""
        name, _, rest = choice.partition(":")
        if self.at == self.flow.gone:
            self.enter(self.flow.gone)
        elif name in self.flow.late:
            self.view.choice = rest
            self.detour()
            self.follow(self.flow.late[name])
        else:
            self.says.append("common.older_question")
            self.repeat()

    def heard(self, here: Ask | End, event: Replied, acts: tuple[Act, ...]) -> bool:
        """Follow the acts: answers first, then the one thing the open step listens for."""
        kinds = {act.kind for act in acts}
        conditional = "yes_but" in kinds
        safe = event.safe and len(kinds & OPPOSED) < 2
        answers: list[tuple[Act, Interrupt]] = []
        for act in acts:
            if act.kind == "choice" and self.take(here, str(act.slots.get("id", "")), self.turn):
                return True
            if act.kind in here.hear and not (conditional and act.kind in ("confirm", "yes_but")):
                self.say_answers(answers)
                self.view.act = act
                self.hear(here, act, as_go(here.hear[act.kind]), safe)
                return True
            interrupt = self.flow.by_kind.get(act.kind)
            if interrupt is None and act.kind.startswith("@"):
                interrupt = self.flow.by_kind.get("@unknown")
            if interrupt is not None:
                answers.append((act, interrupt))
        if answers:
            self.interrupt(answers, safe)
            return True
        if conditional and "yes_but" in here.hear:
            self.hear(here, acts[0], as_go(here.hear["yes_but"]), safe)
            return True
        return False

    def hear(self, here: Ask | End, act: Act, way: Go, safe: bool) -> None:
        """Follow words, unless they would bind the shopper without being certain."""
        if way.binds and not safe:
            self.ask_for_a_tap(here, act)
        else:
            self.follow(way)

    def ask_for_a_tap(self, here: Ask | End, act: Act) -> None:
        """Say what was understood and let the shopper tap it."""
        titles = {choice.id: choice.title for choice in self.choices(here)}
        if act.kind in titles:
            self.extra["choice"] = Text(titles[act.kind])
            self.says.append("common.did_you_mean")
        else:
            self.says.append("common.please_tap")
        if isinstance(here, Ask):
            self.repeat()
        else:
            self.speak((), self.choices(here))

    def say_answers(self, answers: list[tuple[Act, Interrupt]]) -> None:
        """Answer the questions that came along with something weightier."""
        for act, interrupt in answers:
            if interrupt.to == STAY and not interrupt.do and act.kind not in LAST:
                self.view.act = act
                self.says.extend(_authored(keys, interrupt.say, self.view))

    def interrupt(self, answers: list[tuple[Act, Interrupt]], safe: bool) -> None:
        """Answer what may come at any time."""
        leading = [(act, one) for act, one in answers if one.to != STAY or one.do] or answers
        act, one = leading[0]
        self.view.act = act
        here = self.flow.step(self.at)
        if one.binding and not safe and isinstance(here, Ask | End):
            self.ask_for_a_tap(here, act)
            return
        if self.met(act.kind) and one.again != "answer":
            self.meet_again(here, one)
            return
        if self.status == "done" and one.thanks:
            self.effects.append(React(one.thanks))
            return
        if len(leading) == len(answers):
            for other_act, other in answers[1:]:
                if other.to == STAY and not other.do and other is not one and other_act.kind not in LAST:
                    self.says.extend(_authored(keys, other.say, self.view))
        way = one.path
        if self.status == "done" and one.when_done:
            way = replace(way, to=one.when_done)
        if way.to not in (RESUME, CLOSE):
            self.detour()
        self.follow(way)

    def met(self, kind: str) -> bool:
        """Remember that something was answered; tell whether it had been before."""
        met = self.data.get("met")
        known = list(met) if isinstance(met, list | tuple) else []
        if kind in known:
            return True
        if kind.startswith("@"):
            self.data["met"] = [*known, kind]
        return False

    def meet_again(self, here: Step, one: Interrupt) -> None:
        """Treat what was answered once already."""
        if one.again == "miss" and isinstance(here, Ask | End):
            self.missed(here)
        elif one.again not in ("quiet", "miss"):
            self.enter(one.again)

    def detour(self) -> None:
        """Remember the open question before leaving it for something else."""
        here = self.flow.by_name.get(self.at)
        if isinstance(here, Ask | End) and here.name not in self.flow.detours and not self.data.get("about"):
            self.resume = here.name

    def read(self, here: Ask | End) -> bool:
        """Let the step's own reader look at what nothing else caught."""
        if here.read is None:
            return False
        found = _authored(here.read, self.view)
        if found is None:
            return False
        outcome = _outcome(found)
        way = here.hear.get(outcome.name, here.on.get(outcome.name))
        if way is None:
            raise FlowError(f"{self.flow.name}.{here.name}: reader found {outcome.name!r}, which leads nowhere")
        self.data.update(outcome.keep)
        self.follow(way)
        return True

    def missed(self, here: Ask | End) -> None:
        """Give a hint, then one with fewer words, then a person."""
        self.misses += 1
        if self.misses > 2:
            self.enter(self.flow.lost)
            return
        self.says.append(f"common.missed_{self.misses}")
        if isinstance(here, Ask):
            self.repeat()
        else:
            self.speak((), self.choices(here))

    # Everything else that happens

    def silence(self, event: Silence) -> None:
        """Remind, or give up."""
        here = self.flow.by_name.get(self.at)
        if self.status != "waiting" or not isinstance(here, Ask):
            return
        if event.turn != self.turn or event.nth != self.nth + 1:
            return
        patience = self.patience(here)
        if event.nth >= len(patience):
            self.follow(here.silent)
            return
        self.nth = event.nth
        if _authored(self.flow.closed, self.view):
            self.at, self.status = self.flow.gone, "done"
        elif here.remind_if is None or _authored(here.remind_if, self.view):
            self.prompt(here, (f"{self.flow.texts(here)}.remind",), here.reminder)
        else:
            self.effects.append(Wake(self.turn, self.nth + 1, patience[self.nth]))

    def found(self, event: Found) -> None:
        """Go on with what the runner found."""
        here = self.flow.by_name.get(self.at)
        if not isinstance(here, Decide) or here.look_up is None or here.look_up[0] != event.kind:
            return
        waiting = self.data.pop("says", ())
        if isinstance(waiting, list | tuple):
            self.says.extend(str(key) for key in waiting)
        self.view.found = event.value
        way = self.decided(here)
        if way is not None:
            self.enter(way)

    def released(self, event: Released) -> None:
        """Take the conversation back from an agent."""
        if self.status != "handed_over":
            return
        here = self.flow.by_name.get(self.resume)
        if event.to == "bot" and isinstance(here, Ask) and not _authored(self.flow.closed, self.view):
            self.come_back()
        else:
            self.at = here.name if isinstance(here, End) else self.flow.settled
            self.status, self.misses = "done", 0
            self.since = self.turn + 1

    def changed(self, event: Changed) -> None:
        """Follow a change of the order by another hand."""
        way = self.flow.changed.get(event.what)
        if self.status == "waiting" and self.at and way is not None:
            self.follow(way)

    def undeliverable(self, event: Undeliverable) -> None:
        """Ask in plain words where a form cannot be shown; otherwise somebody has to call."""
        here = self.flow.by_name.get(self.at)
        if self.status != "waiting" or not self.at:
            return
        if event.code == FORM_NOT_SHOWN and isinstance(here, Ask):
            self.data["plain"] = True
            self.repeat()
        else:
            self.follow(self.flow.undeliverable)


def _outcome(found: str | Outcome) -> Outcome:
    return found if isinstance(found, Outcome) else Outcome(found)


def _acts(event: Replied) -> tuple[Act, ...]:
    """Return what was meant, weightiest first.

    What is no text counts as an act with an @, and as that alone: the words under a picture or an emoji on a bubble
    never confirm anything.
    """
    if event.location is not None:
        return (Act("@location"),)
    if event.form is not None:
        return (Act("@form"),)
    if event.contact is not None:
        return (Act("@contact"),)
    if event.media is not None:
        return (Act(f"@{event.media.kind}"),)
    acts = event.acts
    also = [
        Act(str(act.slots["also"]), act.slots, act.confidence)
        for act in acts
        if act.kind == "yes_but" and isinstance(act.slots.get("also"), str)
    ]
    known = {act.kind for act in acts}
    extended = (*acts, *(act for act in also if act.kind not in known))
    if len(extended) > 1:
        return tuple(sorted(extended, key=lambda act: act.kind in LAST))
    return extended

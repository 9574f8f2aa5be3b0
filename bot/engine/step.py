"""Interpret a flow: one event in, the next state and the effects out.

Pure and total: no clock, database, network or chance, and nothing a shopper does makes it raise.
"""

from dataclasses import dataclass

from bot.engine.effects import Choice, Wake
from bot.engine.events import Changed, Event, Found, Released, Replied, Silence, Started, Undeliverable
from bot.engine.facts import Facts
from bot.engine.flow import Ask, Decide, End, Flow, View, offered
from bot.engine.hear import replied
from bot.engine.state import State, Transition
from bot.engine.walk import Walk, authored

FORM_NOT_SHOWN = 1026
"""Meta's code for a client that cannot show an interactive form: ask in plain words instead."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What the understanding of a text needs to know: the kind of question, its choices, the acts it waits for.

    `numbers` holds the number under which each choice was offered, None where the question did not number them.
    `reads` tells that the step reads any words itself, such as a review: none of them is a miss.
    """

    state: str
    choices: tuple[Choice, ...] = ()
    acts: tuple[str, ...] = ()
    reads: bool = False

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
    view = View(facts, dict(state.data), Started(), state.step, state.turn)
    acts = tuple(kind for kind in step.hear if not kind.startswith("@"))
    return Listening(step.listens, authored(offered, step, flow, view), acts, step.read is not None)


def step(flow: Flow, state: State, event: Event, facts: Facts) -> Transition:
    """Return the state and the effects that follow from one event.

    Raises FlowError for an author's mistake, and for nothing else.
    """
    walk = Walk(flow, state, event, facts)
    if isinstance(event, Replied):
        replied(walk, event)
    elif isinstance(event, Silence):
        silence(walk, event)
    elif isinstance(event, Found):
        found(walk, event)
    elif isinstance(event, Started):
        if not state.step:
            walk.enter(flow.entry)
    elif isinstance(event, Released):
        released(walk, event)
    elif isinstance(event, Changed):
        changed(walk, event)
    elif isinstance(event, Undeliverable):
        undeliverable(walk, event)
    return walk.transition()


def silence(walk: Walk, event: Silence) -> None:
    """Remind, or give up."""
    here = walk.flow.by_name.get(walk.at)
    if walk.status != "waiting" or not isinstance(here, Ask):
        return
    if event.turn != walk.turn or event.nth != walk.nth + 1:
        return
    patience = walk.patience(here)
    if event.nth >= len(patience):
        walk.follow(here.silent)
        return
    walk.nth = event.nth
    if authored(walk.flow.closed, walk.view):
        walk.at, walk.status = walk.flow.gone, "done"
    elif here.remind_if is None or authored(here.remind_if, walk.view):
        walk.prompt(here, (f"{walk.flow.texts(here)}.remind",), here.reminder)
    else:
        walk.effects.append(Wake(walk.turn, walk.nth + 1, patience[walk.nth]))


def found(walk: Walk, event: Found) -> None:
    """Go on with what the runner found."""
    here = walk.flow.by_name.get(walk.at)
    if not isinstance(here, Decide) or here.look_up is None or here.look_up[0] != event.kind:
        return
    waiting = walk.data.pop("says", ())
    if isinstance(waiting, list | tuple):
        walk.says.extend(str(key) for key in waiting)
    walk.view.found = event.value
    way = walk.decided(here)
    if way is not None:
        walk.enter(way)


def released(walk: Walk, event: Released) -> None:
    """Take the conversation back from an agent."""
    if walk.status != "handed_over":
        return
    here = walk.flow.by_name.get(walk.resume)
    if event.to == "bot" and isinstance(here, Ask) and not authored(walk.flow.closed, walk.view):
        walk.come_back()
    else:
        walk.at = here.name if isinstance(here, End) else walk.flow.settled
        walk.status, walk.misses = "done", 0
        walk.since = walk.turn + 1


def changed(walk: Walk, event: Changed) -> None:
    """Follow a change of the order by another hand."""
    way = walk.flow.changed.get(event.what)
    if walk.status == "waiting" and walk.at and way is not None:
        walk.follow(way)


def undeliverable(walk: Walk, event: Undeliverable) -> None:
    """Ask in plain words where a form cannot be shown; otherwise somebody has to call."""
    here = walk.flow.by_name.get(walk.at)
    if walk.status != "waiting" or not walk.at:
        return
    if event.code == FORM_NOT_SHOWN and isinstance(here, Ask):
        walk.data["plain"] = True
        walk.repeat()
    else:
        walk.follow(walk.flow.undeliverable)

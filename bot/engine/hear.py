"""Understand a reply: old taps, taps, words, what may come at any time, the reader of the step, a miss."""

from datetime import timedelta

from bot.engine.effects import React, SetLocale
from bot.engine.events import Act, Replied
from bot.engine.flow import CLOSE, RESUME, STAY, Ask, Decide, End, FlowError, Go, Interrupt, Step, as_go, keys
from bot.engine.values import JSON, Text
from bot.engine.walk import Walk, authored, outcome_of

DOUBLE_TAP = timedelta(minutes=1)
"""Two taps on one button within this time are one tap of a nervous thumb."""
LAST = ("greeting_thanks", "out_of_scope")
"""Acts that count only when nothing else was meant."""
MOST_MISSES = 2
"""Hints that are given before a person is called."""
OPPOSED = frozenset({"confirm", "cancel", "dont_cancel", "not_my_order"})
"""Two of these in one message contradict each other: nothing binding follows from them without a tap."""


def replied(walk: Walk, event: Replied) -> None:
    """Understand what the shopper did."""
    if walk.status == "handed_over" or not walk.at:
        return
    notice_language(walk, event)
    fresh = close_if_gone(walk)
    here = walk.flow.step(walk.at)
    if isinstance(here, Decide):
        # A look-up is answered in the transaction that asked; if it was not, ask once more.
        walk.enter(here.name)
        return
    if not isinstance(here, Ask | End):
        return
    if event.choice is not None:
        tapped(walk, here, event, fresh)
        return
    acts = _acts(event)
    if heard(walk, here, event, acts) or read(walk, here):
        return
    if fresh:
        walk.enter(walk.flow.gone)
    else:
        missed(walk, here)


def notice_language(walk: Walk, event: Replied) -> None:
    """Speak the language the shopper writes, where the shop has it."""
    lang = event.lang
    if lang and lang != walk.facts.shopper.locale and lang in walk.facts.merchant.locales:
        walk.do((SetLocale(lang),))


def close_if_gone(walk: Walk) -> bool:
    """Leave a question that has lost its sense; tell whether that happened just now."""
    if walk.at == walk.flow.gone or not authored(walk.flow.closed, walk.view):
        return False
    fresh = walk.status == "waiting"
    walk.at, walk.status, walk.misses = walk.flow.gone, "done", 0
    walk.since = walk.turn + 1
    return fresh


def tapped(walk: Walk, here: Ask | End, event: Replied, fresh: bool) -> None:
    """Follow a tap on the open question, or find out what a tap on an older one is worth."""
    choice, turn = event.choice or "", event.turn
    stamp: list[JSON] = [turn, choice, int(walk.facts.now.timestamp())]
    last = walk.data.get("tap")
    if isinstance(last, list | tuple) and list(last[:2]) == stamp[:2]:
        gap = stamp[2] - last[2] if isinstance(last[2], int) and isinstance(stamp[2], int) else 0
        if 0 <= gap < DOUBLE_TAP.total_seconds():
            return
    walk.data["tap"] = stamp
    if not take(walk, here, choice, turn):
        late(walk, choice, turn, fresh)


def take(walk: Walk, here: Ask | End, choice: str, turn: int | None) -> bool:
    """Follow a choice of the open question if it is one."""
    name, _, rest = choice.partition(":")
    if turn is None or not walk.since <= turn <= walk.turn or name not in here.on:
        return False
    if rest and choice not in {c.id for c in walk.choices(here)}:
        return False
    walk.view.choice = rest
    walk.follow(here.on[name])
    return True


def late(walk: Walk, choice: str, turn: int | None, fresh: bool) -> None:
    """Answer a tap on an older question: it never answers the open one."""
    name, _, rest = choice.partition(":")
    if walk.at == walk.flow.gone:
        walk.enter(walk.flow.gone)
    elif name in walk.flow.late and turn is not None and 1 <= turn <= walk.turn:
        walk.view.choice = rest
        walk.detour()
        walk.follow(walk.flow.late[name])
    else:
        walk.says.append("common.older_question")
        walk.repeat()


def heard(walk: Walk, here: Ask | End, event: Replied, acts: tuple[Act, ...]) -> bool:
    """Follow the acts: answers first, then the one thing the open step listens for."""
    kinds = {act.kind for act in acts}
    conditional = "yes_but" in kinds
    safe = event.safe and len(kinds & OPPOSED) < 2
    answers: list[tuple[Act, Interrupt]] = []
    for act in acts:
        if act.kind == "choice" and take(walk, here, str(act.slots.get("id", "")), walk.turn):
            return True
        if act.kind in here.hear and not (conditional and act.kind in ("confirm", "yes_but")):
            say_answers(walk, answers)
            walk.view.act = act
            hear(walk, here, act, as_go(here.hear[act.kind]), safe)
            return True
        interrupt = walk.flow.by_kind.get(act.kind)
        if interrupt is None and act.kind.startswith("@"):
            interrupt = walk.flow.by_kind.get("@unknown")
        if interrupt is not None:
            answers.append((act, interrupt))
    if answers:
        answer(walk, answers)
        return True
    if conditional and "yes_but" in here.hear:
        hear(walk, here, acts[0], as_go(here.hear["yes_but"]), safe)
        return True
    return False


def hear(walk: Walk, here: Ask | End, act: Act, way: Go, safe: bool) -> None:
    """Follow words, unless they would bind the shopper without being certain."""
    if way.binds and not safe:
        ask_for_a_tap(walk, here, way)
    else:
        walk.follow(way)


def ask_for_a_tap(walk: Walk, here: Ask | End, way: Go) -> None:
    """Say what was understood and let the shopper tap it; the third time a person does better."""
    walk.misses += 1
    if walk.misses > MOST_MISSES:
        walk.enter(walk.flow.lost)
        return
    walk.provisional = True
    choices = walk.choices(here)
    same = [one.title for one in choices if one.id in here.on and as_go(here.on[one.id]).to == way.to]
    if len(same) == 1:
        walk.extra["choice"] = Text(same[0])
        walk.says.append("common.did_you_mean")
    else:
        walk.says.append("common.please_tap")
    if isinstance(here, Ask):
        walk.repeat()
    else:
        walk.speak((), choices)


def say_answers(walk: Walk, answers: list[tuple[Act, Interrupt]]) -> None:
    """Answer the questions that came along with something weightier."""
    for act, interrupt in answers:
        if interrupt.to == STAY and not interrupt.do and act.kind not in LAST:
            walk.view.act = act
            walk.says.extend(authored(keys, interrupt.say, walk.view))


def answer(walk: Walk, answers: list[tuple[Act, Interrupt]]) -> None:
    """Answer what may come at any time."""
    leading = [(act, one) for act, one in answers if one.to != STAY or one.do] or answers
    act, one = leading[0]
    walk.view.act = act
    here = walk.flow.step(walk.at)
    if met(walk, act.kind) and one.again != "answer":
        meet_again(walk, here, one)
        return
    if walk.status == "done" and one.thanks:
        walk.effects.append(React(one.thanks))
        return
    walk.provisional = all(other.kind in LAST for other, _ in answers)
    say_answers(walk, [other for other in answers if other[1] is not one])
    walk.view.act = act
    if one.to not in (RESUME, CLOSE):
        walk.detour()
    walk.follow(one.path)


def met(walk: Walk, kind: str) -> bool:
    """Remember that something was answered; tell whether it had been before."""
    met = walk.data.get("met")
    known = list(met) if isinstance(met, list | tuple) else []
    if kind in known:
        return True
    if kind.startswith("@"):
        walk.data["met"] = [*known, kind]
    return False


def meet_again(walk: Walk, here: Step, one: Interrupt) -> None:
    """Treat what was answered once already."""
    if one.again == "miss" and isinstance(here, Ask | End):
        missed(walk, here)
    elif one.again not in ("quiet", "miss"):
        walk.enter(one.again)


def read(walk: Walk, here: Ask | End) -> bool:
    """Let the step's own reader look at what nothing else caught."""
    if here.read is None:
        return False
    found = authored(here.read, walk.view)
    if found is None:
        return False
    outcome = outcome_of(found)
    way = here.hear.get(outcome.name, here.on.get(outcome.name))
    if way is None:
        raise FlowError(f"{walk.flow.name}.{here.name}: reader found {outcome.name!r}, which leads nowhere")
    walk.remember(outcome.keep)
    walk.follow(way)
    return True


def missed(walk: Walk, here: Ask | End) -> None:
    """Give a hint, then one with fewer words, then a person."""
    walk.misses += 1
    if walk.misses > MOST_MISSES:
        walk.enter(walk.flow.lost)
        return
    walk.provisional = True
    walk.says.append(f"common.missed_{walk.misses}")
    if isinstance(here, Ask):
        walk.repeat()
    else:
        walk.speak((), walk.choices(here))


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

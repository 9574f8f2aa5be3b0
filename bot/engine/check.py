"""Prove a flow when it is imported.

What can be known before anybody talks is checked here, so that a program with a broken conversation does not start.
"""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from json import dumps

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
    Step,
    as_go,
    paths,
    structure,
)

WINDOW = timedelta(hours=24)
"""How long free text may follow a shopper's last message
(https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages#customer-service-windows)."""
NIGHT = timedelta(hours=12)
"""How far quiet hours may move a reminder."""
BUTTONS, ROWS = 3, 10
"""Meta's limits for reply buttons and list rows in one message."""


def prove(flow: Flow) -> Flow:
    """Return the flow if it holds, or raise FlowError with every problem that was found."""
    problems = list(_problems(flow))
    if problems:
        raise FlowError(f"flow {flow.name!r} cannot run:\n  " + "\n  ".join(problems))
    return flow


def fingerprint(flow: Flow) -> str:
    """Return a short digest of what waiting runs rely on; it changes when a version has to be raised."""
    return sha256(dumps(structure(flow), sort_keys=True).encode()).hexdigest()[:16]


def mermaid(flow: Flow) -> str:
    """Draw the flow as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {flow.entry}"]
    for step in flow.steps:
        for label, way in paths(step):
            target = {STAY: step.name, RESUME: "resumed", CLOSE: flow.unanswered}.get(way.to, way.to)
            lines.append(f"    {step.name} --> {target}: {label}")
        if isinstance(step, End):
            lines.append(f"    {step.name} --> [*]")
        elif isinstance(step, HandOver):
            lines.append(f"    {step.name} --> agents")
    return "\n".join(lines) + "\n"


def _problems(flow: Flow) -> Iterator[str]:
    names = [step.name for step in flow.steps]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"two steps are called {name!r}"
    known = set(names) | {STAY, RESUME, CLOSE}
    unknown = [(where, way.to) for where, way in _all_ways(flow) if way.to not in known]
    for where, target in unknown:
        yield f"{where} leads to {target!r}, which does not exist"
    if unknown:
        return
    yield from _unreachable(flow)
    yield from _wrong_ends(flow)
    for step in flow.steps:
        yield from _bad_names(step)
        if isinstance(step, Ask):
            yield from _bad_question(flow, step)
        if isinstance(step, Decide) and any(way.to == STAY for _, way in paths(step)) and step.look_up is not None:
            yield f"{step.name}: a look-up cannot stay"
    yield from _endless(flow)
    yield from _mute_after_the_window(flow)


def _all_ways(flow: Flow) -> Iterator[tuple[str, Go]]:
    for step in flow.steps:
        for label, way in paths(step):
            yield f"{step.name}: {label}", way
    yield "entry", Go(flow.entry)
    yield "undeliverable", as_go(flow.undeliverable)
    for name in ("gone", "lost", "settled", "unanswered"):
        yield name, Go(getattr(flow, name))
    for step in flow.steps:
        if isinstance(step, HandOver) and step.back:
            yield f"{step.name}: back", Go(step.back)
    for label, path in flow.late.items():
        yield f"late {label}", as_go(path)
    for label, path in flow.changed.items():
        yield f"changed {label}", as_go(path)
    for interrupt in flow.interrupts:
        yield f"interrupt {interrupt.hear[0]}", interrupt.path
        if interrupt.again not in ("answer", "quiet", "miss"):
            yield f"interrupt {interrupt.hear[0]} again", Go(interrupt.again)


def _unreachable(flow: Flow) -> Iterator[str]:
    inside = {f"{step.name}: {label}" for step in flow.steps for label, _ in paths(step)}
    reached = {way.to for where, way in _all_ways(flow) if where not in inside}
    todo = list(reached)
    while todo:
        step = flow.by_name.get(todo.pop())
        for _, way in paths(step) if step else ():
            if way.to not in reached:
                reached.add(way.to)
                todo.append(way.to)
    for step in flow.steps:
        if step.name not in reached:
            yield f"{step.name}: nothing leads here"


def _wrong_ends(flow: Flow) -> Iterator[str]:
    if not isinstance(flow.by_name[flow.gone], End):
        yield f"gone: {flow.gone!r} is no End"
    if not isinstance(flow.by_name[flow.lost], HandOver):
        yield f"lost: {flow.lost!r} is no HandOver"
    rests = {flow.unanswered}
    if isinstance(flow.by_name[flow.unanswered], Decide):
        rests = _after_decisions(flow, flow.unanswered)
    for name in sorted({flow.settled, *rests}):
        end = flow.by_name[name]
        if not isinstance(end, End) or not end.quiet:
            yield f"settled, unanswered: {name!r} is no quiet End"


def _bad_names(step: Step) -> Iterator[str]:
    labels = list(step.on) if isinstance(step, Ask | End) else []
    for name in (step.name, *labels):
        if not name.replace("_", "").isalnum() or not name.isascii():
            yield f"{step.name}: {name!r} may hold only letters, digits and _"


def _bad_question(flow: Flow, step: Ask) -> Iterator[str]:
    if not step.patience or not step.silent:
        yield f"{step.name}: may wait for ever (patience and silent are needed)"
    if any(wait <= timedelta(0) for wait in step.patience):
        yield f"{step.name}: patience must be positive"
    if len(step.patience) > 1 and step.template and not step.reminder:
        yield f"{step.name}: its reminder has no template"
    if step.offer is None:
        choices = step.choices if step.choices is not None else tuple(step.on)
        ids = [c if isinstance(c, str) else c.id for c in choices]
        for missing in [i for i in ids if i.partition(":")[0] not in step.on]:
            yield f"{step.name}: the choice {missing!r} leads nowhere"
        limit = ROWS if step.form == "list" else BUTTONS if step.form == "buttons" else ROWS
        if len(ids) > limit:
            yield f"{step.name}: {len(ids)} choices, {limit} are allowed"
        if len(set(ids)) < len(ids):
            yield f"{step.name}: a choice is offered twice"
    elif not step.on:
        yield f"{step.name}: offers choices that lead nowhere"


def _endless(flow: Flow) -> Iterator[str]:
    """Find circles of decisions, and circles of silence: both would go on without anybody."""
    for step in flow.steps:
        if isinstance(step, Decide) and step.name in _after_decisions(flow, step.name):
            yield f"{step.name}: decisions lead in a circle"
        if isinstance(step, Ask) and step.silent:
            target = as_go(step.silent).to
            if target in (STAY, RESUME):
                yield f"{step.name}: silence leads back to a question"
            elif target == step.name or step.name in _after_silence(flow, target):
                yield f"{step.name}: silence leads in a circle"


def _after_decisions(flow: Flow, name: str) -> set[str]:
    reached: set[str] = set()
    todo = [name]
    while todo:
        step = flow.by_name.get(todo.pop())
        if not isinstance(step, Decide):
            continue
        for _, way in paths(step):
            if way.to not in reached:
                reached.add(way.to)
                todo.append(way.to)
    return reached


def _after_silence(flow: Flow, name: str) -> set[str]:
    reached = {name}
    todo = [name]
    while todo:
        step = flow.by_name.get(todo.pop())
        ways = (
            [way.to for _, way in paths(step)]
            if isinstance(step, Decide)
            else [as_go(step.silent).to]
            if isinstance(step, Ask) and step.silent
            else []
        )
        for to in ways:
            if to not in reached:
                reached.add(to)
                todo.append(to)
    return reached


def _mute_after_the_window(flow: Flow) -> Iterator[str]:
    """Find what would have to speak after the 24-hour window without a template."""
    cold = {flow.entry, *(as_go(path).to for path in flow.changed.values())}
    cold |= {as_go(step.silent).to for step in flow.steps if isinstance(step, Ask) and step.silent}
    for name in list(cold):
        cold |= _after_decisions(flow, name)
    for step in flow.steps:
        if isinstance(step, Ask):
            if step.name in cold and not step.template:
                yield f"{step.name}: may be asked after the 24-hour window and has no template"
            last = sum(step.patience[:-1], timedelta(0))
            if len(step.patience) > 1 and not step.reminder and last + NIGHT >= WINDOW:
                yield f"{step.name}: its reminder may come after the 24-hour window and has no template"
        elif isinstance(step, End) and step.name in cold and not step.quiet and not step.template:
            yield f"{step.name}: may speak after the 24-hour window and has no template"

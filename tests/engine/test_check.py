"""A flow that cannot work does not get past its import."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.engine import (
    CLOSE,
    RESUME,
    STAY,
    Ask,
    Choice,
    Decide,
    End,
    Flow,
    FlowError,
    HandOver,
    Interrupt,
    fingerprint,
    go,
    mermaid,
    prove,
)
from bot.engine.flow import Step
from flows import FLOWS

HOUR = timedelta(hours=1)
ASK = Ask("ask", on={"yes": "done", "no": "done"}, patience=(HOUR,), silent=CLOSE, template="t")
REST: tuple[Step, ...] = (
    End("done"),
    End("gone"),
    End("settled", quiet=True),
    HandOver("lost", "lost"),
)


def flow(*steps: Step, **changes: object) -> Flow:
    """Make a flow around some steps."""
    parts: dict[str, object] = {
        "name": "f",
        "version": 1,
        "entry": "ask",
        "gone": "gone",
        "lost": "lost",
        "settled": "settled",
        "unanswered": "settled",
        "undeliverable": "settled",
        "steps": (*steps, *REST),
    }
    return Flow(**{**parts, **changes})  # type: ignore[arg-type]  # the parts are those of Flow


def refused(wrong: Flow) -> str:
    """Return why a flow was refused."""
    with pytest.raises(FlowError) as caught:
        prove(wrong)
    return str(caught.value)


def test_a_sound_flow_is_returned() -> None:
    sound = flow(ASK)
    assert prove(sound) is sound


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (flow(ASK, ASK), "two steps are called 'ask'"),
        (flow(replace(ASK, on={"yes": "nowhere"})), "ask: tap yes leads to 'nowhere'"),
        (flow(replace(ASK, hear={"cancel": "nowhere"})), "ask: hear cancel leads to 'nowhere'"),
        (flow(replace(ASK, silent="nowhere")), "ask: silence leads to 'nowhere'"),
        (flow(ASK, entry="nowhere"), "entry leads to 'nowhere'"),
        (flow(ASK, late={"yes": "nowhere"}), "late yes leads to 'nowhere'"),
        (flow(ASK, changed={"shipped": "nowhere"}), "changed shipped leads to 'nowhere'"),
        (flow(ASK, undeliverable="nowhere"), "undeliverable leads to 'nowhere'"),
        (flow(ASK, interrupts=(Interrupt(("stop",), to="nowhere"),)), "interrupt stop leads to 'nowhere'"),
        (flow(ASK, interrupts=(Interrupt(("@audio",), again="nowhere"),)), "interrupt @audio again leads to 'nowhere'"),
        (flow(ASK, End("island")), "island: nothing leads here"),
        (flow(replace(ASK, patience=())), "ask: may wait for ever"),
        (flow(replace(ASK, silent="")), "ask: may wait for ever"),
        (flow(replace(ASK, patience=(timedelta(0),))), "ask: patience must be positive"),
        (flow(replace(ASK, silent=STAY)), "ask: silence leads back to a question"),
        (flow(replace(ASK, silent=RESUME)), "ask: silence leads back to a question"),
        (flow(replace(ASK, silent="ask")), "ask: silence leads in a circle"),
        (flow(replace(ASK, template=None)), "ask: may be asked after the 24-hour window and has no template"),
        (flow(replace(ASK, patience=(HOUR, HOUR))), "ask: its reminder has no template"),
        (flow(replace(ASK, on={"yes!": "done"})), "'yes!' may hold only letters"),
        (flow(replace(ASK, choices=("yes", "maybe"))), "the choice 'maybe' leads nowhere"),
        (flow(replace(ASK, choices=("yes", "yes"))), "a choice is offered twice"),
        (flow(replace(ASK, on=dict.fromkeys("abcd", "done"), form="buttons")), "4 choices, 3 are allowed"),
        (flow(replace(ASK, on=dict.fromkeys("abcdefghijk", "done"), form="list")), "11 choices, 10 are allowed"),
        (flow(replace(ASK, on={}, offer=lambda view: (Choice("a", "b"),))), "offers choices that lead nowhere"),
        (flow(ASK, gone="lost"), "gone: 'lost' is no End"),
        (flow(ASK, lost="done"), "lost: 'done' is no HandOver"),
        (flow(ASK, settled="done"), "'done' is no quiet End"),
        (flow(ASK, unanswered="done"), "'done' is no quiet End"),
    ],
)
def test_a_flow_that_cannot_work_is_refused(wrong: Flow, why: str) -> None:
    assert why in refused(wrong)


def test_decisions_in_a_circle_are_refused() -> None:
    one = Decide("one", lambda view: "two", {"two": "two"})
    two = Decide("two", lambda view: "one", {"one": "one", "ask": "ask"})
    assert "decisions lead in a circle" in refused(flow(one, two, ASK, entry="one"))


def test_silences_in_a_circle_are_refused() -> None:
    other = replace(ASK, name="other", silent="ask")
    assert "silence leads in a circle" in refused(flow(replace(ASK, silent="other"), other))


def test_an_end_that_would_speak_after_the_window_is_refused() -> None:
    assert "done: may speak after the 24-hour window" in refused(flow(replace(ASK, silent="done")))


def test_a_reminder_that_night_may_push_out_of_the_window_is_refused() -> None:
    inner = Ask("inner", on={"a": "done"}, patience=(timedelta(hours=13), HOUR), silent=CLOSE)
    assert "inner: its reminder may come after" in refused(flow(replace(ASK, on={"yes": "inner", "no": "done"}), inner))
    early = replace(inner, patience=(timedelta(hours=3), timedelta(hours=20)))
    prove(flow(replace(ASK, on={"yes": "inner", "no": "done"}), early))


def test_every_problem_is_named_at_once() -> None:
    why = refused(flow(replace(ASK, patience=(), template=None), End("island")))
    assert all(part in why for part in ("may wait for ever", "has no template", "nothing leads here"))


def test_a_rest_may_choose_between_quiet_ends() -> None:
    rest = Decide("rest", lambda view: "a", {"a": "settled", "b": "kept"})
    prove(flow(ASK, rest, End("kept", quiet=True), unanswered="rest"))


def ways(on: Mapping[str, str]) -> str:
    """Return the fingerprint of a flow whose question has these ways."""
    return fingerprint(flow(replace(ASK, on=on)))


def test_the_fingerprint_follows_what_waiting_runs_rely_on() -> None:
    before = ways({"yes": "done", "no": "done"})
    assert ways({"no": "done", "yes": "done"}) == before
    assert ways({"yes": "done"}) != before
    assert ways({"yes": "done", "no": "gone"}) != before
    assert fingerprint(flow(replace(ASK, patience=(HOUR * 2,)))) == fingerprint(flow(ASK))


def test_a_flow_can_be_drawn() -> None:
    drawn = mermaid(flow(replace(ASK, hear={"cancel": go(STAY)})))
    assert drawn.startswith("stateDiagram-v2\n")
    for line in (
        "[*] --> ask",
        "ask --> done: tap yes",
        "ask --> ask: hear cancel",
        "ask --> settled: silence",
        "lost --> agents",
    ):
        assert line in drawn


@pytest.mark.parametrize("name", list(FLOWS))
def test_the_flows_we_ship_are_proved_and_drawn(name: str) -> None:
    assert prove(FLOWS[name]).name == name
    assert f"[*] --> {FLOWS[name].entry}" in mermaid(FLOWS[name])

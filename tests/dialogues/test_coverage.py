"""The golden dialogues go everywhere: each choice, silence, miss, interrupt and hand-over, and each English text."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import engine
from bot.cli.rehearsal import Rehearsal, some_facts
from bot.engine import Ask, Effect, End, Event, HandOver, Replied, Send, Silence
from bot.engine.hear import _acts as acts_of
from bot.engine.values import Text
from bot.text import DEFAULT, catalogue, templates
from flows import FLOWS
from tests.dialogues.conftest import play

HERE = Path(__file__).parent
Way = tuple[str, str, str]


class Witness(Rehearsal):
    """A rehearsal that writes down which ways were gone."""

    def __init__(self, flow: str, ways: set[Way], keys: set[str]) -> None:
        super().__init__(FLOWS[flow], some_facts())
        self.ways, self.keys = ways, keys

    def feed(self, event: Event) -> list[Effect]:
        """Note the event and what it met."""
        step = self.flow.by_name.get(self.state.step)
        before = self.state
        effects = super().feed(event)
        prefix = self.flow.texts(step) if step else ""
        if isinstance(event, Replied) and isinstance(step, Ask | End) and before.status != "handed_over":
            if event.choice and event.turn and before.since <= event.turn <= before.turn:
                self.ways.add((prefix, "tap", event.choice.partition(":")[0]))
            elif event.choice:
                self.ways.add((self.flow.name, "late", event.choice.partition(":")[0]))
            for act in acts_of(event):
                chosen = str(act.slots.get("id", "")).partition(":")[0] if act.kind == "choice" else ""
                self.ways.add((prefix, "tap", chosen) if chosen else (prefix, "hear", act.kind))
                if act.kind in self.flow.by_kind and act.kind not in step.hear:
                    self.ways.add(("", "interrupt", act.kind))
        if isinstance(event, Silence) and before.turn == event.turn and isinstance(step, Ask):
            last = event.nth >= len(step.patience)
            self.ways.add((prefix, "silence" if last else "reminder", ""))
        reached = self.flow.by_name.get(self.state.step)
        if reached is not None and reached is not step:
            self.ways.add((self.flow.texts(reached), "reached", ""))
        for effect in effects:
            if isinstance(effect, Send):
                self.note(effect)
        return effects

    def note(self, send: Send) -> None:
        """Note every text key of a bubble."""
        self.keys |= {part.key for part in send.parts} | {send.button}
        for part in send.parts:
            self.keys |= {value.key for value in part.values.values() if isinstance(value, Text)}
            self.keys |= {
                f"fields.{name}"
                for v in part.values.values()
                if isinstance(v, engine.Difference)
                for name, _, _ in v.changes
            }
        for choice in send.choices:
            self.keys |= {choice.title, choice.description}


def scripts() -> Iterator[tuple[str, str]]:
    """Yield every golden dialogue with the name of its flow."""
    for flow in FLOWS:
        for path in sorted((HERE / flow).glob("*.txt")):
            yield flow, path.read_text(encoding="utf-8")
        whole = HERE / "every_language" / f"{flow}.script"
        yield flow, whole.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def gone() -> tuple[set[Way], set[str]]:
    """Play all dialogues once; return the ways that were gone and the texts that were spoken."""
    ways: set[Way] = set()
    keys: set[str] = set()
    for flow, script in scripts():
        play(flow, script, Witness(flow, ways, keys))
    return ways, keys


def test_every_choice_is_tapped(gone: tuple[set[Way], set[str]]) -> None:
    wanted = {
        (flow.texts(step), "tap", name)
        for flow in FLOWS.values()
        for step in flow.steps
        if isinstance(step, Ask) or (isinstance(step, End) and not step.quiet)
        for name in step.on
    }
    assert sorted(wanted - gone[0]) == []


def test_every_question_meets_silence_and_every_reminder_is_sent(gone: tuple[set[Way], set[str]]) -> None:
    asks = [(flow, step) for flow in FLOWS.values() for step in flow.steps if isinstance(step, Ask)]
    wanted = {(flow.texts(step), "silence", "") for flow, step in asks}
    wanted |= {(flow.texts(step), "reminder", "") for flow, step in asks if len(step.patience) > 1}
    assert sorted(wanted - gone[0]) == []


def test_every_hand_over_and_every_end_is_reached(gone: tuple[set[Way], set[str]]) -> None:
    wanted = {
        (flow.texts(step), "reached", "")
        for flow in FLOWS.values()
        for step in flow.steps
        if isinstance(step, HandOver | End) and not (isinstance(step, End) and step.quiet)
    }
    assert sorted(wanted - gone[0]) == []


def test_every_interrupt_is_heard(gone: tuple[set[Way], set[str]]) -> None:
    wanted = {("", "interrupt", kind) for flow in FLOWS.values() for kind in flow.by_kind}
    assert sorted(wanted - gone[0]) == []


def test_every_late_tap_is_judged(gone: tuple[set[Way], set[str]]) -> None:
    wanted = {(flow.name, "late", name) for flow in FLOWS.values() for name in flow.late}
    assert sorted(wanted - gone[0]) == []


def test_every_act_that_a_question_of_the_main_flow_listens_for_is_heard(gone: tuple[set[Way], set[str]]) -> None:
    flow = FLOWS["order_confirmation"]
    wanted = {
        (flow.texts(step), "hear", kind)
        for step in flow.steps
        if isinstance(step, Ask | End)
        and step.name in ("confirm", "confirmed", "cancel_check", "cancelled", "slot_ask")
        for kind in step.hear
        if kind not in ("@words", "@form", "@contact")
    }
    assert sorted(wanted - gone[0]) == []


def test_every_english_text_is_spoken(gone: tuple[set[Way], set[str]]) -> None:
    written_only = ("keywords.", "languages.", "fields.")
    templated = {"address.invite", "slot.invite", "common.footer"}
    values = {"slot.after", "slot.before", "common.more", "common.your_order", "common.no_name", "common.working_hours"}
    values |= {key for key in catalogue(DEFAULT) if key.startswith("slot.part.")} | {"common.courier"}
    wanted = {key for key in catalogue(DEFAULT) if not key.startswith(written_only)} - templated - values
    assert sorted(wanted - gone[1]) == []


def test_every_template_has_a_question_that_uses_it() -> None:
    used = {
        name
        for flow in FLOWS.values()
        for step in flow.steps
        for name in (getattr(step, "template", None), getattr(step, "reminder", None))
    }
    assert set(templates()) == used - {None}

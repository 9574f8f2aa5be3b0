"""The recipe for a new conversation is true: the example of the manual is proved and runs."""

import re
from pathlib import Path

from bot import engine
from bot.cli.rehearsal import some_facts
from bot.engine import Flow, Record, Replied, Send, Started

MANUAL = Path(__file__).parents[2] / "flows" / "README.md"


def example() -> Flow:
    """Run the Python block of the manual and return the flow it makes."""
    found = re.search(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.S)
    assert found is not None
    names: dict[str, object] = {}
    exec(compile(found[1], str(MANUAL), "exec"), names)
    flow = names["FLOW"]
    assert isinstance(flow, Flow)
    return flow


def test_the_example_of_the_manual_asks_and_records() -> None:
    flow, facts = example(), some_facts()
    first = engine.step(flow, engine.start(flow), Started(), facts)
    send = first.effects[0]
    assert isinstance(send, Send)
    assert [choice.id for choice in send.choices] == ["red", "plain"]
    then = engine.step(flow, first.state, Replied(choice="red", turn=1), facts)
    assert Record("instructions", "red paper") in then.effects
    assert then.state.status == "done"


def test_the_manual_names_every_word_of_the_engine_an_author_needs() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    for word in ("Ask", "Decide", "HandOver", "End", "Interrupt", "STAY", "RESUME", "CLOSE"):
        assert f"`{word}`" in text

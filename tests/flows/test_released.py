"""A released conversation is not changed under the feet of shoppers who are in the middle of it."""

import json
from pathlib import Path

import pytest

from bot.engine import fingerprint
from flows import FLOWS

RELEASED = Path(__file__).parents[2] / "flows" / "released.json"


@pytest.mark.parametrize("name", list(FLOWS))
def test_the_structure_of_a_version_stays_as_it_was_released(name: str) -> None:
    released = json.loads(RELEASED.read_text(encoding="utf-8"))
    flow = FLOWS[name]
    known = released.get(name, {})
    assert str(flow.version) in known, (
        f"add version {flow.version} of {name} to flows/released.json: {fingerprint(flow)}"
    )
    assert known[str(flow.version)] == fingerprint(flow), (
        f"{name} changed: raise its version, keep the old declaration for a week, and add {fingerprint(flow)}"
    )


def test_nothing_released_is_forgotten() -> None:
    assert set(json.loads(RELEASED.read_text(encoding="utf-8"))) == set(FLOWS)

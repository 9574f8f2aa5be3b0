"""The classifier: its weights belong to the packs, are small, and never overrule a veto."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bot.understanding import Context, understand
from bot.understanding.build_cldr import FILE as CLDR
from bot.understanding.build_cldr import cldr
from bot.understanding.classifier import FILE, model
from bot.understanding.packs import ACTS
from bot.understanding.proposals import admit, allowed, is_open, masked
from bot.understanding.training import build, digest

IN = Context(state="confirm", region="IN", at=datetime(2026, 11, 18, 11, tzinfo=UTC))


def test_the_weights_were_trained_on_the_packs_as_they_are() -> None:
    head = json.loads(FILE.read_bytes().partition(b"\n")[0])
    assert head["digest"] == digest(), "packs changed: run `flask understand train`"


def test_the_weights_are_under_one_megabyte() -> None:
    assert FILE.stat().st_size < 1_000_000


def test_training_twice_gives_the_same_bytes() -> None:
    assert build(("ur-Arab",)) == build(("ur-Arab",))


def test_the_names_of_days_and_months_are_those_of_cldr() -> None:
    assert CLDR.read_text(encoding="utf-8") == cldr()


def test_scores_are_probabilities_of_all_acts() -> None:
    trained = model()
    assert trained is not None
    scores = trained.scores({"whello": 1.0, "C:GREET": 1.0})
    assert set(scores) == set(ACTS)
    assert sum(scores.values()) == pytest.approx(1.0)


def test_gibberish_is_not_an_order() -> None:
    for text in ("asdkjh qwelkj", "zzz xxx qqq vvv", "mnbv lkjh"):
        read = understand(text, IN)
        assert not {act.kind for act in read.acts} & {"confirm", "cancel", "opt_out", "not_my_order"}


def test_only_words_that_mean_nothing_here_are_open_to_a_proposal() -> None:
    assert is_open(understand("glorptang wibble frandle", IN))
    assert not is_open(understand("haan bhej do", IN))
    assert not is_open(understand("do you have other colours", IN))


def proposal(kind: str, confidence: object = 0.95) -> Mapping[str, object]:
    return {"acts": [{"kind": kind, "confidence": confidence}]}


def test_a_proposed_order_change_always_needs_a_tap() -> None:
    read = admit(proposal("cancel"), "scrap everything nahi", IN)
    assert [act.kind for act in read.acts] == ["cancel"]
    assert not read.safe


def test_a_proposal_cannot_confirm_over_a_negator_or_without_consent() -> None:
    assert admit(proposal("confirm"), "dont send it", IN).acts == ()
    assert admit(proposal("confirm"), "blue green red", IN).acts == ()


def test_a_proposal_cannot_cancel_what_was_said_to_be_kept() -> None:
    assert admit(proposal("cancel"), "cancel mat karna", IN).acts == ()


@pytest.mark.parametrize(
    "bad",
    [
        None,
        {},
        {"acts": "cancel"},
        {"acts": [{"kind": "refund_all"}]},
        proposal("cancel", "high"),
        proposal("cancel", 7),
        {"acts": [3]},
    ],
)
def test_a_malformed_proposal_leads_to_nothing(bad: Mapping[str, object] | None) -> None:
    assert admit(bad, "some words", IN).acts == ()


def test_dates_of_a_proposal_come_from_the_message() -> None:
    lie = {"acts": [{"kind": "slot_choice", "confidence": 0.9, "slots": {"date": "1999-01-01"}}]}
    assert admit(lie, "kal shaam", IN).acts[0].slots == {"date": "2026-11-19", "part": "evening"}


def test_numbers_are_masked_before_anything_leaves_the_house() -> None:
    assert masked("call 98765 43210, pin 560102, me@example.com") == "call #, pin #, @"


def test_the_expected_acts_are_offered_first_and_the_set_is_closed() -> None:
    offered = allowed(Context(expected=("slot_choice", "nonsense")))
    assert offered[0] == "slot_choice"
    assert sorted(offered) == sorted(ACTS)

"""`flask understand`: JSON lines in, JSON lines out."""

import json

from click.testing import CliRunner

from bot.cli.understanding import command


def run(*rows: object) -> list[dict[str, object]]:
    lines = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    result = CliRunner().invoke(command, [], input=lines)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_each_line_is_answered_with_its_id_intent_slots_and_certainty() -> None:
    rows = run(
        {"id": "a", "text": "cancel mat karna", "state": "confirm", "region": "IN"},
        {"id": "b", "text": "kal shaam", "state": "slot", "lang": "hi", "at": "2026-03-01T10:00:00+05:30"},
        {"id": "c", "text": "2", "state": "confirm"},
    )
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert [row["intent"] for row in rows] == ["dont_cancel", "slot_choice", "cancel"]
    assert rows[1]["slots"] == {"date": "2026-03-02", "part": "evening"}
    assert rows[2]["slots"] == {"option": 2}
    assert all(0 <= float(str(row["confidence"])) <= 1 for row in rows)


def test_two_acts_are_both_named() -> None:
    (row,) = run({"id": 1, "text": "yes but change the address", "state": "confirm", "region": "IN"})
    acts = row["acts"]
    assert isinstance(acts, list)
    assert [act["kind"] for act in acts] == ["yes_but", "change_address"]


def test_a_message_that_is_not_understood_has_no_intent() -> None:
    (row,) = run({"id": 1, "text": "", "state": "confirm"})
    assert row["intent"] is None
    assert row["acts"] == []


def test_a_malformed_line_is_answered_and_the_next_one_is_read() -> None:
    first, second, third, last = run(
        "not json",
        {"id": 2},
        {"id": 3, "text": "hi", "state": "nowhere"},
        {"id": 4, "text": "thank you", "state": "idle"},
    )
    assert "line 1" in str(first["error"])
    assert "text" in str(second["error"])
    assert "nowhere" in str(third["error"])
    assert last["intent"] == "greeting_thanks"


def test_values_of_a_wrong_kind_are_named_with_the_id_of_their_line() -> None:
    rows = run(
        {"id": "a", "text": "ok", "lang": 7},
        {"id": "b", "text": "ok", "region": ["IN"]},
        {"id": "c", "text": "ok", "at": 5},
        {"id": "d", "text": "ok", "at": "soon"},
        {"id": "e", "text": "thank you", "lang": None, "region": None, "state": None},
    )
    assert [row["id"] for row in rows] == ["a", "b", "c", "d", "e"]
    assert ["error" in row for row in rows] == [True, True, True, True, False]


def test_an_explanation_names_words_rule_and_act() -> None:
    result = CliRunner().invoke(command, ["--explain", "cancel mat karna"])
    assert result.exit_code == 0
    for expected in ("CANCEL", "NEG", "dont_cancel", "grammar"):
        assert expected in result.output

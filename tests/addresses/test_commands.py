"""`flask addresses check` and `merge`: JSON lines for programs, one address by hand for people."""

import json

import pytest
from click.testing import CliRunner

from bot.addresses import index as index_module
from bot.addresses import text as text_module
from bot.cli.addresses import command

ROW = {
    "id": "a",
    "record": {"address1": "Flat 3, Anna Nagar", "city": "Chennai", "state": "Tamil Nadu", "pincode": "600400"},
}


def run(*arguments, lines=()):
    given = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return CliRunner().invoke(command, list(arguments), input=given)


def test_check_answers_each_line_with_the_agreed_keys():
    result = run("check", lines=[ROW, "", {"id": 2, "record": {}}])
    assert result.exit_code == 0
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["id"], second["id"]) == ("a", 2)
    assert first["suggested_pins"][0] == "600040"
    assert first["question"] == "CONFIRM_PIN"
    assert first["button_pin"] == "600040"
    assert {"code", "severity", "field", "sentence"} == set(first["findings"][0])
    assert second["question"] == "ASK_FULL"


def test_merge_answers_each_line_with_the_agreed_keys():
    row = {
        "id": "m",
        "before": ROW["record"],
        "question": "CONFIRM_PIN",
        "suggested": "600040",
        "replies": ["haan", {"type": "location", "location": {}}, 7, None],
    }
    result = run("merge", lines=[row, {"id": "n"}])
    assert result.exit_code == 0
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["after"]["pincode"] == "600040"
    assert first["diff"] == [{"field": "pincode", "old": "600400", "new": "600040"}]
    assert first["open"] == []
    assert second["id"] == "n"


@pytest.mark.parametrize("name", ["check", "merge"])
def test_a_line_that_cannot_be_read_is_named_and_the_others_are_answered(name):
    result = run(name, lines=["{broken", "[1]", ROW])
    assert result.exit_code == 1
    assert "line 1: not JSON" in result.stderr
    assert "line 2: an object was expected" in result.stderr
    assert json.loads(result.stdout)["id"] == "a"


def test_one_address_by_hand_is_printed_for_people():
    result = run("check", "Flat 3, Anna Nagar", "--city", "Chennai", "--state", "TN", "--pin", "600400")
    assert result.exit_code == 0
    assert "PIN_UNKNOWN" in result.stdout
    assert "ask: CONFIRM_PIN" in result.stdout
    assert "600040" in result.stdout


def test_one_reply_by_hand_is_merged_and_the_difference_printed():
    result = run(
        "merge", "Station Road", "--city", "Indore", "--pin", "452001", "--reply", "45", "--reply", "near water tank"
    )
    assert result.exit_code == 0
    assert "address1: Station Road -> 45, Station Road" in result.stdout
    assert "landmark: (empty) -> near water tank" in result.stdout


def test_without_an_index_the_command_says_how_to_build_it(tmp_path, monkeypatch):
    index_module.index.cache_clear()
    monkeypatch.setattr(
        index_module.Index.__init__, "__defaults__", (tmp_path / "none.sqlite", tmp_path / "odbl.sqlite")
    )
    try:
        result = run("check", lines=[ROW])
    finally:
        monkeypatch.undo()
        index_module.index.cache_clear()
    assert result.exit_code == 1
    assert "flask addresses build" in result.stderr
    assert text_module.key("Anna Nagar") == "annanagar"


@pytest.mark.parametrize("name", ["check", "merge"])
def test_text_that_no_terminal_can_show_is_answered_all_the_same(name):
    broken = (
        '{"id": 1, "record": {"address1": "\\ud800 12 \\u0000"}, '
        '"before": {"address1": "\\udc80"}, "replies": ["\\ud800 45"]}'
    )
    result = run(name, lines=[broken])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["id"] == 1

"""`flask orders` and `flask merchants`: what a stranger does in a terminal, and what programs read."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from bot.cli.merchants import command as merchants
from bot.cli.orders import command as orders
from bot.services import Services
from tests.orders.conftest import order_row, table


@pytest.fixture
def run(services: Services):  # type: ignore[no-untyped-def]  # A function of many words.
    """Run a command as a person would, in an application that has nothing but a database."""
    app = Flask("commands")
    app.extensions["pakka"] = services
    app.cli.add_command(orders)
    app.cli.add_command(merchants)
    runner = app.test_cli_runner()

    def command(*words: str | Path) -> Result:
        return runner.invoke(args=[str(word) for word in words])

    assert command("merchants", "create", "bazaar", "--name", "Demo Bazaar").exit_code == 0
    return command


def test_a_list_goes_in_and_comes_back_without_redis(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    sample, back = tmp_path / "orders.csv", tmp_path / "back.csv"
    assert run("orders", "sample", "-o", sample).exit_code == 0
    done = run("orders", "import", sample, "--merchant", "bazaar", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["rows"], told["accepted"], told["skipped"], told["rejected"]) == (41, 37, 3, 1)
    assert told["problems"][0].keys() == {"row", "column", "value", "code", "reason"}
    assert told["repeated"] is False
    again = json.loads(run("orders", "import", sample, "--merchant", "bazaar", "--json").stdout)
    assert again == {**told, "repeated": True}
    assert run("orders", "outcome", "#1041", "confirmed", "--merchant", "bazaar").stdout == (
        "#1041: intent confirmed, decision ship\n"
    )
    assert run("orders", "export", "--merchant", "bazaar", "--format", "same", "-o", back).exit_code == 0
    with back.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["Name"], first["Pakka Decision"], first["Pakka Decided by"]) == ("#1041", "ship", "agent")
    courier = tmp_path / "courier.xlsx"
    assert (
        "1 orders to ship"
        in run("orders", "export", "--merchant", "bazaar", "--format", "shiprocket", "-o", courier).stderr
    )
    assert courier.read_bytes().startswith(b"PK")


def test_a_dry_run_stores_nothing(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "orders.csv"
    file.write_bytes(table(order_row("A-1"), order_row("A-2", phone="1")))
    told = json.loads(run("orders", "import", file, "--merchant", "bazaar", "--dry-run", "--json").stdout)
    assert (told["rows"], told["accepted"], told["rejected"]) == (2, 1, 1)
    shown = run("orders", "import", file, "--merchant", "bazaar", "--dry-run").stdout
    assert "2 rows: 1 accepted, 0 skipped, 1 rejected." in shown
    assert "row 3 Mobile “1”: this cannot be a phone number [PHONE_INVALID]" in shown
    nothing = run("orders", "export", "--merchant", "bazaar", "--format", "same", "-o", tmp_path / "x.csv")
    assert nothing.exit_code == 1
    assert "import one first" in nothing.stderr
    assert list(tmp_path.glob("*.csv*")) == [file]


def test_a_column_can_be_named_by_hand(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "orders.csv"
    file.write_bytes(table(["A-1", "x", "9000010001", "500"], header="Order No,Mobile,Ring here,Amount"))
    wrong = json.loads(run("orders", "import", file, "--merchant", "bazaar", "--dry-run", "--json").stdout)
    assert wrong["rejected"] == 1
    right = run("orders", "import", file, "--merchant", "bazaar", "--dry-run", "--json", "--map", "phone=Ring here")
    assert json.loads(right.stdout)["accepted"] == 1
    assert run("orders", "import", file, "--merchant", "bazaar", "--map", "phone=Nowhere").exit_code == 1


def test_an_unreadable_file_gets_a_sentence_and_a_code(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "orders.csv"
    file.write_bytes(b"Colour,Size\nred,5\n")
    told = run("orders", "import", file, "--merchant", "bazaar", "--json")
    assert (told.exit_code, json.loads(told.stdout)["code"]) == (1, "COLUMN_MISSING")
    shown = run("orders", "import", file, "--merchant", "bazaar")
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "Row 1 names: Colour, Size." in shown.stderr


def test_an_unknown_shop_is_told_with_those_there_are(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    told = run("orders", "export", "--merchant", "nobody", "-o", tmp_path / "x.csv")
    assert (told.exit_code, "known: bazaar" in told.stderr) == (1, True)


def test_phone_answers_and_parcels_can_be_told_in_bulk(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "orders.csv"
    file.write_bytes(table(order_row("A-1"), order_row("A-2", phone="9000010002")))
    run("orders", "import", file, "--merchant", "bazaar")
    parcels = tmp_path / "parcels.csv"
    parcels.write_text("A-1,shipped\nA-2,delivered\nA-9,shipped\nA-2,lost\n")
    told = run("orders", "status", "--merchant", "bazaar", "--file", parcels)
    assert told.exit_code == 1
    assert told.stdout == "A-1: status shipped\nA-2: status delivered\n"
    assert "A-9: there is no such order" in told.stderr
    assert "A-2: status: 'lost' is not one of" in told.stderr


def test_rules_are_shown_set_refused_and_taken_back(run) -> None:  # type: ignore[no-untyped-def]
    assert run("merchants", "rules", "bazaar", "hold_out_percent=5", "ask_daily_at=18:30").exit_code == 0
    shown = run("merchants", "rules", "bazaar").stdout
    assert "hold_out_percent     5.0\n" in shown
    assert "ask_daily_at         18:30:00\n" in shown
    refused = run("merchants", "rules", "bazaar", "hold_out_percent=90")
    assert (refused.exit_code, "from 0 to 50" in refused.stderr) == (1, True)
    assert "hold_out_percent     0.0  (default)" in run("merchants", "rules", "bazaar", "hold_out_percent=").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["two", "--region", "PK"], "two: Two, PK, PKR, Asia/Karachi"),
        (["three", "--region", "AE", "--name", "Souq"], "three: Souq, AE, AED, Asia/Dubai"),
        (["bazaar"], "already"),
        (["Upper"], "a-z"),
        (["four", "--region", "XX"], "no country"),
        (["five", "--timezone", "Mars/Base"], "time zone"),
        (["six", "--currency", "QQQ"], "no currency"),
    ],
)
def test_a_shop_is_made_with_its_regions_money_and_time(run, words: list[str], told: str) -> None:  # type: ignore[no-untyped-def]
    done = run("merchants", "create", *words)
    assert told in done.output
    assert (done.exit_code == 0) == (told.startswith(words[0]))

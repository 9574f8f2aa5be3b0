"""The same way without a console: import, simulated replies, export; PostgreSQL and Redis given by their URLs."""

import csv
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlmodel import col, select

from bot.database import Database
from bot.models import Order
from bot.scratch import scratch_folder
from tests.fixtures.databases import PostgresServer
from tests.fixtures.stacks import Stack, start_stack, stop_stack
from tests.whole.lists import shopify_list

PHONES = [f"+91984600{number:04d}" for number in range(12)]


@pytest.fixture
def given(postgres: PostgresServer, redis_url: str) -> Iterator[Stack]:
    """An `up` that starts neither a database nor a Redis of its own."""
    postgres.create("headless")
    with tempfile.TemporaryDirectory(prefix="pakka-headless-", dir=scratch_folder()) as folder:
        stack = start_stack(Path(folder), DATABASE_URL=postgres.url("headless"), REDIS_URL=redis_url)
        yield stack
        stop_stack(stack)
    postgres.drop("headless")


@pytest.mark.timeout(300)
def test_import_replies_export(given: Stack) -> None:
    orders = given.var / "list.csv"
    orders.write_text(shopify_list("H", PHONES), encoding="utf-8")
    trial = json.loads(given.run("flask", "orders", "import", str(orders), "--merchant", "demo", "--dry-run", "--json"))
    assert (trial["rows"], trial["accepted"], trial["skipped"], trial["rejected"]) == (12, 12, 0, 0)
    report = json.loads(given.run("flask", "orders", "import", str(orders), "--merchant", "demo", "--json"))
    assert report["rows"] == report["accepted"] + report["skipped"] + report["rejected"] == 12
    again = json.loads(given.run("flask", "orders", "import", str(orders), "--merchant", "demo", "--json"))
    assert again["accepted"] == 12, "the same file again gives its first report"
    for place, phone in enumerate(PHONES):
        tap(given, phone, 0 if place % 3 else 2)
    exported = given.var / "out.csv"
    expected = {f"#H{place + 1}": "ship" if place % 3 else "cancel" for place in range(12)}
    wait_for_decisions(given, expected)
    given.run("flask", "orders", "export", "--merchant", "demo", "--format", "same", "-o", str(exported))
    rows = list(csv.DictReader(exported.read_text(encoding="utf-8-sig").splitlines()))
    column = next(name for name in rows[0] if "decision" in name.lower())
    assert {row["Name"]: row[column] for row in rows} == expected
    given.run("flask", "orders", "export", "--merchant", "demo", "--format", "shiprocket", "-o", str(exported))
    parcels = list(csv.DictReader(exported.read_text(encoding="utf-8-sig").splitlines()))
    assert {row["*Order Id"] for row in parcels} == {name for name, decision in expected.items() if decision == "ship"}
    assert requests.get(f"{given.phones}/sim/ledger/summary", timeout=10).json()["doubled"] == {}


def wait_for_decisions(stack: Stack, expected: dict[str, str]) -> None:
    """Return once the orders have these decisions."""
    database = Database(stack.settings["DATABASE_URL"])
    end = time.monotonic() + 60
    while True:
        with database.reader() as session:
            rows = session.exec(select(Order.reference, Order.decision).where(col(Order.reference).like("#H%")))
            found = {str(reference): str(decision) for reference, decision in rows}
        if found == expected:
            return
        assert time.monotonic() < end, found
        time.sleep(0.2)


def tap(stack: Stack, phone: str, index: int) -> None:
    """Tap a button of the first prompt, once it is there."""
    end = time.monotonic() + 60
    while True:
        act = {"type": "tap", "index": index}
        if requests.post(f"{stack.phones}/sim/phones/{phone}/send", json=act, timeout=10).ok:
            return
        assert time.monotonic() < end, f"{phone} was not asked"
        time.sleep(0.2)

"""SIGKILL at any moment: no order is lost, and nobody is asked twice.

A running `up`, an order list, shoppers who answer as soon as they are asked, and a hand that kills its programs. The
simulator is never killed: its ledger of accepted messages is the witness.
"""

import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlmodel import select

from bot.database import Database
from bot.models import Event, Message, Order
from bot.scratch import scratch_folder
from tests.fixtures.databases import PostgresServer
from tests.fixtures.stacks import Stack, start_stack, stop_stack
from tests.whole.lists import shopify_list

ORDERS = 40
KILLS = 30
PARTS = ("app:app", "inbound", "outbound", "workers.clock", "uploads", "notices")
DONE_SECONDS = 240


@pytest.fixture(params=["sqlite", "postgresql"])
def killed(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An `up` of its own, whose shop reminds after half a minute: a first prompt that was lost is soon superseded."""
    with tempfile.TemporaryDirectory(prefix="pakka-kill-", dir=scratch_folder()) as folder:
        settings = {}
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            server.create("kills")
            settings["DATABASE_URL"] = server.url("kills")
        stack = start_stack(Path(folder), **settings)
        stack.run("flask", "merchants", "rules", "demo", "reminder_hours=[0.008, 0.05]", 'flows=["order_confirmation"]')
        yield stack
        stop_stack(stack)


class Shoppers:
    """Everybody who is asked taps Confirm, once."""

    def __init__(self, stack: Stack) -> None:
        self.url = stack.phones + "/sim"
        self.answered: set[str] = set()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def _live(self) -> None:
        while not self.stop.wait(0.1):
            for line in requests.get(f"{self.url}/ledger", timeout=10).json()["lines"]:
                phone = line["wa_id"]
                if line["kind"] == "template" and phone not in self.answered:
                    tapped = requests.post(
                        f"{self.url}/phones/{phone}/send", json={"type": "tap", "index": 0}, timeout=10
                    )
                    if tapped.ok:
                        self.answered.add(phone)


@pytest.mark.timeout(420)
def test_kills_lose_no_order_and_ask_nobody_twice(killed: Stack) -> None:
    draw = random.Random(7)
    requests.patch(
        f"{killed.phones}/sim/settings", json={"retry_base": 0.2, "retry_cap": 1, "status_scale": 0}, timeout=10
    )
    shoppers = Shoppers(killed)
    file = killed.var / "list.csv"
    file.write_text(shopify_list("K", [f"+9198{n:08d}" for n in range(ORDERS)]), encoding="utf-8")
    killed.run("flask", "orders", "import", str(file), "--merchant", "demo")
    for _ in range(KILLS):
        kill(killed, draw.choice(PARTS))
        time.sleep(draw.uniform(0.1, 0.9))  # The moments are random on purpose; nothing waits for them.
    database = Database(killed.settings["DATABASE_URL"])
    orders = wait_for_all(database)
    shoppers.stop.set()
    shoppers.thread.join()
    assert {order.intent for order in orders} == {"confirmed"}
    lines = requests.get(f"{killed.phones}/sim/ledger", params={"limit": 5000}, timeout=10).json()["lines"]
    ours = [line for line in lines if line["wa_id"] in {order.phone.lstrip("+") for order in orders}]
    assert max(Counter(line["opaque"] for line in ours).values()) == 1, "a message was sent twice"
    first = Counter(line["wa_id"] for line in ours if asks(line))
    assert max(first.values()) == 1, "a shopper was asked twice"
    with database.reader() as session:
        assert session.exec(select(Event).where(Event.error != None)).all() == []  # noqa: E711
        assert session.exec(select(Message).where(Message.status == "sending")).all() == []


def asks(line: dict[str, object]) -> bool:
    """Whether a message is a first prompt."""
    body = line["body"]
    return isinstance(body, dict) and body.get("template", {}).get("name") == "order_confirmation"


def kill(stack: Stack, part: str) -> None:
    """Kill a program, if it runs just now; its supervisor starts it again."""
    try:
        os.kill(stack.pid(part), signal.SIGKILL)
    except (AssertionError, ProcessLookupError):
        return


def wait_for_all(database: Database) -> list[Order]:
    """Return the orders of the list once each is answered and nothing is on its way any more."""
    end = time.monotonic() + DONE_SECONDS
    while True:
        with database.reader() as session:
            orders = session.exec(select(Order).where(Order.reference.like("#K%"))).all()  # type: ignore[attr-defined]
            moving = session.exec(select(Message.id).where(Message.status.in_(("queued", "sending")))).first()  # type: ignore[attr-defined]
        if len(orders) == ORDERS and all(order.intent == "confirmed" for order in orders) and moving is None:
            return list(orders)
        if time.monotonic() > end:
            raise AssertionError(f"not settled: {Counter(o.intent for o in orders)}, moving: {moving}")
        time.sleep(0.3)

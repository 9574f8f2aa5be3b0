"""A shop, its shoppers and a running Cloud API for the tests of talks."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from sqlmodel import Session
from werkzeug.serving import make_server

from bot.clock import now
from bot.database import Database, row_id
from bot.jobs import Bell
from bot.local.bootstrap import ROOT
from bot.models import AddressVersion, Channel, Conversation, Merchant, Order, OrderItem
from bot.services import Services
from bot.settings import Settings
from bot.talk import inbox, outbox, timers
from bot.talk.drain import drain
from bot.talk.rates import Throttle
from bot.whatsapp import webhook
from bot.whatsapp.catalogue import catalogue
from bot.whatsapp.client import Client
from flows import FLOWS

NUMBER, ACCOUNT = "100200300400500", "500400300200100"


@dataclass
class Cloud:
    """A running simulator of the Cloud API."""

    url: str
    posted: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Speak to the control API."""
        answer = requests.request(method, f"{self.url}/sim{path}", json=body or None, timeout=30)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def ledger(self) -> list[dict[str, Any]]:
        """Return everything that was accepted."""
        return list(self.ask("GET", "/ledger")["lines"])


@pytest.fixture(scope="session")
def cloud_process() -> Iterator[str]:
    """One simulator for all tests of this process; its webhooks go nowhere unless a test says where."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.simulator", "--host", "127.0.0.1", "--port", "0", "--seed", "1"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    found = None
    for line in process.stdout:
        if found := re.search(r"listening on (\S+)", line):
            break
    assert found, "the simulator did not start"
    yield found.group(1)
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def cloud(cloud_process: str) -> Cloud:
    """The simulator as it is when new."""
    running = Cloud(cloud_process)
    running.ask("POST", "/reset", seed=1)
    return running


@pytest.fixture
def services(database_url: str, redis_url: str, cloud: Cloud) -> Services:
    """Services on a fresh database (SQLite and PostgreSQL), a real Redis and the simulator."""
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        secret_key="a secret for tests only",
        graph_api_url=cloud.url,
        whatsapp_token="token",
        whatsapp_phone_number_id=NUMBER,
        whatsapp_business_account_id=ACCOUNT,
        whatsapp_app_secret="simulator-app-secret",
        whatsapp_verify_token="simulator-verify-token",
    )
    return Services(settings, Database(settings.database_url, settings.secret_key), Bell(settings.redis_url))


@pytest.fixture
def client(services: Services) -> Client:
    """The real client, speaking to the simulator."""
    return Client.from_settings(services.settings)


@pytest.fixture
def throttle(services: Services) -> Throttle:
    """The real rate buckets."""
    return Throttle(services.settings.redis_url)


@dataclass
class Shop:
    """A merchant with a number, and a way to make orders."""

    services: Services
    merchant_id: int
    orders: int = 0

    def order(self, session: Session, **columns: Any) -> Order:
        """Add an order with one item and one address."""
        self.orders += 1
        values: dict[str, Any] = {
            "reference": f"#{1000 + self.orders}",
            "shopper_name": "Asha",
            "phone": f"+9198100{self.orders:05d}",
            "amount": 129900,
            "currency": "INR",
            "placed_at": now() - timedelta(hours=1),
            "created_at": now(),
            "updated_at": now(),
        }
        order = Order(merchant_id=self.merchant_id, **(values | columns))
        session.add(order)
        session.flush()
        session.add(OrderItem(order_id=row_id(order), position=1, name="Blue kurta", quantity=1, price=129900))
        session.add(
            AddressVersion(
                order_id=row_id(order), version=1, given_by="order", created_at=now(),
                parts={"address1": "Flat 12, Shanti Apartments, MG Road", "city": "Pune", "state": "Maharashtra",
                       "postal_code": "411001", "country": "IN"},
            )
        )  # fmt: skip
        session.flush()
        return order


@pytest.fixture
def shop(services: Services) -> Shop:
    """A shop that may ask round the clock, so that no test depends on the hour it runs at."""
    with services.database.session() as session:
        channel = Channel(
            phone_number_id=NUMBER, business_account_id=ACCOUNT, display_number="+911155500100", created_at=now()
        )
        session.add(channel)
        session.flush()
        merchant = Merchant(
            slug="kanak", name="Kanak Handlooms", channel_id=channel.id, created_at=now(),
            rules={"opens": "00:00", "closes": "00:00", "ask_after_minutes": 0},
        )  # fmt: skip
        session.add(merchant)
        session.flush()
        return Shop(services, row_id(merchant))


@pytest.fixture
def at() -> Callable[..., datetime]:
    """Write an instant in UTC: at(hour, minute)."""
    return lambda hour, minute=0: datetime(2026, 11, 25, hour, minute, tzinfo=UTC)


def conversation_of(session: Session, order: Order) -> Conversation:
    """Return the conversation with the shopper of an order."""
    from sqlmodel import select

    return session.exec(select(Conversation).where(Conversation.contact_id == order.contact_id)).one()


@pytest.fixture(scope="session")
def cloud_with_templates(cloud_process: str) -> dict[str, Any]:
    """The state of a simulator that has approved all our templates."""
    cloud = Cloud(cloud_process)
    cloud.ask("POST", "/reset", seed=1)
    cloud.ask("PATCH", "/settings", status_scale=0, review_seconds=0, template_creations_per_hour=1000)
    for template in catalogue().templates:
        answer = requests.post(
            f"{cloud.url}/v26.0/{ACCOUNT}/message_templates", json=template.definition(), timeout=10,
            headers={"Authorization": "Bearer token"},
        )  # fmt: skip
        assert answer.ok, answer.text
    cloud.ask("GET", "/idle?timeout=10")
    state: dict[str, Any] = cloud.ask("GET", "/state")
    return state


@pytest.fixture
def house(
    services: Services, cloud: Cloud, cloud_with_templates: dict[str, Any], client: Client, throttle: Throttle
) -> Iterator["House"]:
    """The whole program but for its processes: the webhook on a real port, the jobs called by hand."""
    app = Flask("webhook")
    app.extensions["pakka"] = services
    app.register_blueprint(webhook.blueprint)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    cloud.ask("PUT", "/state", **cloud_with_templates)
    cloud.ask("PATCH", "/app", webhook_url=f"http://127.0.0.1:{server.port}/webhooks/whatsapp")
    yield House(services, cloud, client, throttle)
    server.shutdown()
    thread.join()


@dataclass
class House:
    """Runs the jobs until nothing is left to do."""

    services: Services
    cloud: Cloud
    client: Client
    throttle: Throttle

    def work(self) -> None:
        """Do everything that is due."""
        while True:
            self.cloud.ask("GET", "/idle?timeout=10")
            with self.services.database.session() as session:
                done = timers.fire(session, self.services.bell)
            done += inbox.unpack(self.services)
            done += sum(
                drain(self.services, shard, FLOWS, ring=False) for shard in range(self.services.settings.shards)
            )
            done += outbox.deliver(self.services, self.client, self.throttle)
            if not done:
                return

    def says(self, phone: str, **act: Any) -> None:
        """Let a shopper do something, and the program answer."""
        self.cloud.ask("POST", f"/phones/{phone}/send", **act)
        self.work()

    def chat(self, phone: str) -> list[dict[str, Any]]:
        """Return what a shopper's phone shows."""
        return list(self.cloud.ask("GET", f"/phones/{phone}/chat")["messages"])

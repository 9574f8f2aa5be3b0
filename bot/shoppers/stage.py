"""Let simulated shoppers and the real program talk through the simulator, hours in seconds.

Everything runs in this process but the simulator: one clock is set to the next thing that happens anywhere, and the
jobs are called until nothing is left to do at that moment.
"""

import heapq
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import requests
from flask import Flask
from sqlalchemy import func, select
from sqlmodel import col
from werkzeug.serving import make_server

from bot import clock
from bot.database import row_id
from bot.engine import Flow
from bot.jobs import Bell
from bot.models import Contact, Conversation, Message, Order, Run, Timer
from bot.orders import outcomes
from bot.services import Services
from bot.settings import ROOT
from bot.shoppers.personas import Bubble, Deed, Persona
from bot.talk import inbox, outbox, settle, sweeps, timers
from bot.talk.buttons import Signer
from bot.talk.drain import drain
from bot.talk.rates import Throttle
from bot.whatsapp import webhook
from bot.whatsapp.catalogue import catalogue
from bot.whatsapp.client import Client
from bot.whatsapp.templates import push


class SilentBell(Bell):
    """Nobody has to be woken: the stage calls the jobs itself."""

    def __init__(self) -> None:
        """Open nothing."""

    def ring(self, job: str, *ids: int) -> bool:
        """Hear nothing."""
        return True


@dataclass
class Actor:
    """A shopper's phone and mind; `said` is what they last said they want, `of_one` where it was about one order."""

    phone: str
    persona: Persona
    said: str = ""
    of_one: dict[str, str] = field(default_factory=dict)
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    bubbles: int = 0


@dataclass
class Stage:
    """One performance."""

    services: Services
    flows: dict[str, Flow]
    simulator: str
    actors: dict[str, Actor]
    draw: random.Random
    now: datetime
    queue: list[tuple[datetime, int, str, Deed]] = field(default_factory=list)
    seen: int = 0
    most_bubbles_a_turn: int = 0
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        """Take the clocks in hand."""
        clock.read_from(lambda: self.now)
        self.client = Client.from_settings(self.services.settings)
        self.throttle = Throttle("memory://")
        self.signer = Signer(self.services.settings.secret_key)
        self._sim("POST", "/clock", at=self.now.timestamp(), freeze=True)
        self._sim(
            "PATCH",
            "/settings",
            status_scale=0,
            review_seconds=0,
            messaging_limit="TIER_UNLIMITED",
            batch_max=500,
            template_creations_per_hour=1000,
        )
        settings = self.services.settings
        self._sim("PATCH", f"/numbers/{settings.whatsapp_phone_number_id}", mps=0)
        push(self.services.database, self.client, settings.whatsapp_business_account_id, catalogue(), edit=True)

    def add_phone(self, phone: str) -> None:
        """Give a shopper a phone with WhatsApp."""
        self._sim("POST", "/phones", phone=phone, name="Shopper")

    def play(self, until: datetime) -> None:
        """Go from one thing that happens to the next, until nothing happens any more or the time is over."""
        while True:
            self._work()
            upcoming = self._next()
            if upcoming is None or upcoming > until:
                return
            self._set(max(_whole_minute(upcoming), self.now))
            while self.queue and self.queue[0][0] <= self.now:
                _, _, phone, deed = heapq.heappop(self.queue)
                self._do(self.actors[phone], deed)

    def _do(self, actor: Actor, deed: Deed) -> None:
        answer = requests.post(f"{self.simulator}/sim/phones/{actor.phone}/send", json=deed.act, timeout=30)
        if not answer.ok:
            return
        actor.answered_at = actor.answered_at or self.now
        if deed.says is not None and deed.order:
            actor.of_one[deed.order] = deed.says
        elif deed.says is not None:
            actor.said = deed.says
            actor.of_one.clear()

    def _set(self, moment: datetime) -> None:
        self.now = moment
        self._sim("POST", "/clock", at=moment.timestamp(), freeze=True)

    def _next(self) -> datetime | None:
        with self.services.database.reader() as session:
            timer = session.execute(
                select(func.min(col(Timer.fire_at))).where(col(Timer.fired_at).is_(None))
            ).scalar_one()
            waiting = session.execute(
                select(func.min(col(Message.not_before))).where(col(Message.status) == "queued")
            ).scalar_one()
        moments = [moment for moment in (timer, waiting, self.queue[0][0] if self.queue else None) if moment]
        return min(moments) if moments else None

    def _work(self) -> None:
        """Do everything that is due at this moment, and let the shoppers see what came."""
        while True:
            self._sim("GET", "/idle?timeout=30")
            with self.services.database.session() as session:
                done = timers.fire(session, self.services.bell)
                done += settle.expire_leases(session)
            done += inbox.unpack(self.services)
            for shard in range(self.services.settings.shards):
                done += drain(self.services, shard, self.flows, ring=False)
            done += outbox.deliver(self.services, self.client, self.throttle)
            done += self._show()
            if not done:
                break
        with self.services.database.session() as session:
            sweeps.show_held(session)

    def _show(self) -> int:
        """Let each shopper react to the bubbles that arrived since the last look."""
        statement = (
            select(Message, Run, col(Contact.id), col(Order.phone))
            .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
            .join(Contact, col(Contact.id) == col(Conversation.contact_id))
            .join(Run, col(Run.id) == col(Message.run_id))
            .join(Order, col(Order.contact_id) == col(Contact.id))
            .where(col(Message.id) > self.seen, col(Message.direction) == "out", col(Message.kind) != "reaction",
                   col(Message.status).in_(("sent", "delivered", "read")))
            .order_by(col(Message.id))
        )  # fmt: skip
        shown: dict[int, tuple[Message, Run, str]] = {}
        with self.services.database.reader() as session:
            for message, run, _, phone in session.execute(statement):
                if phone in self.actors:
                    shown.setdefault(row_id(message), (message, run, phone))
        answers: dict[str, int] = {}
        for message_id, (message, run, phone) in shown.items():
            self.seen = max(self.seen, message_id)
            # A message's key begins with that of the event it answers.
            cause = message.key.rpartition(":")[0].rpartition(":")[0]
            answers[cause] = answers.get(cause, 0) + 1
            actor = self.actors[phone]
            actor.bubbles += 1
            actor.asked_at = actor.asked_at or message.sent_at
            for deed in actor.persona.react(self._bubble(message, run)):
                heapq.heappush(self.queue, (self.now + deed.after, next(self.numbers), phone, deed))
        self.most_bubbles_a_turn = max([self.most_bubbles_a_turn, *answers.values()])
        return len(shown)

    def _bubble(self, message: Message, run: Run) -> Bubble:
        choices = []
        for choice in message.choices:
            meant = self.signer.read_button(choice["id"])
            choices.append((meant.choice if meant else "", choice["id"], choice["title"]))
        return Bubble(run.flow, run.step, tuple(choices), message.kind == "list")

    def dispatch(self, returns: random.Random, chance: dict[str, float]) -> None:
        """Let the courier bring what the decisions say, and the doors open as the model has it."""
        for days, status in ((1, "shipped"), (1, "out_for_delivery"), (0.2, None)):
            self.play(self.now + timedelta(days=days))
            self._set(self.now + timedelta(days=days))
            with self.services.database.session() as session:
                for order in session.execute(select(Order).where(col(Order.status) != "cancelled")).scalars().all():
                    if order.status == "open" and order.decision != "ship":
                        continue
                    final = "returned" if returns.random() < chance.get(order.intent, 0.26) else "delivered"
                    outcomes.record(session, order, by="courier", at=self.now, status=status or final)
        self.play(self.now + timedelta(days=6))

    def _sim(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(method, f"{self.simulator}/sim{path}", json=body or None, timeout=60)
        answer.raise_for_status()
        return answer.json()


def _whole_minute(moment: datetime) -> datetime:
    """Return the next full minute: what happens within one is played at once, in its order."""
    return moment + timedelta(seconds=-moment.timestamp() % 60)


@contextmanager
def running_simulator(services: Services) -> Iterator[str]:
    """Run the simulator beside us, and our webhook for it; yield the simulator's address."""
    app = Flask("webhook")
    app.extensions["pakka"] = services
    app.register_blueprint(webhook.blueprint)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    settings = services.settings
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.simulator", "--host", "127.0.0.1",
         "--port", settings.graph_api_url.rpartition(":")[2],
         "--webhook-url", f"http://127.0.0.1:{server.port}/webhooks/whatsapp",
         "--app-secret", settings.whatsapp_app_secret, "--phone-number-id", settings.whatsapp_phone_number_id,
         "--waba-id", settings.whatsapp_business_account_id],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        for line in process.stdout or ():
            if "listening on" in line:
                break
        yield settings.graph_api_url
    finally:
        process.terminate()
        process.wait(timeout=20)
        server.shutdown()
        thread.join()
        clock.read_from(None)


START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""A Monday, half past eight in Kolkata: before the opening hours, so that they are tried too."""

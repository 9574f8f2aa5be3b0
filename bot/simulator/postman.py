"""Deliver webhooks: side by side, batched if asked, repeated with growing pauses until they are answered with 200."""

from __future__ import annotations

import base64
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any
from zlib import crc32

import urllib3

from bot.simulator.clock import Timetable
from bot.simulator.faults import Faults
from bot.simulator.state import World
from bot.simulator.webhook import Update, envelope, serialise, signatures

Json = dict[str, Any]
WORKERS = 16


@dataclass(slots=True)
class Delivery:
    """One webhook request with its attempts."""

    id: int
    url: str
    body: bytes
    updates: int
    first_at: float
    wamids: list[str]
    chat: str = ""
    epoch: int = 0  # which world it belongs to: a reset begins another
    attempts: list[Json] = field(default_factory=list)
    state: str = "waiting"  # waiting, delivered, given_up, dropped

    def view(self) -> Json:
        """Return what the control API shows; the body as text."""
        return {"id": self.id, "url": self.url, "state": self.state, "updates": self.updates, "at": self.first_at,
                "attempts": self.attempts, "body": self.body.decode("utf-8", "replace")}  # fmt: skip


Letter = tuple[str, "Update | Delivery"]


class Postman:
    """A pool of threads that post updates to the callback of their number, account or app.

    The updates of one chat go through one thread, so that they arrive in order as long as each is answered;
    those of different chats overtake one another.
    """

    def __init__(self, world: World, timetable: Timetable, faults: Faults) -> None:
        self._world, self._timetable, self._faults = world, timetable, faults
        self._ready = threading.Condition()
        self._inboxes: list[SimpleQueue[Letter]] = [SimpleQueue() for _ in range(WORKERS)]
        self._busy = 0
        self._epoch = 0
        self.pending: dict[int, Delivery] = {}
        self.log: deque[Delivery] = deque(maxlen=500)
        self._http = urllib3.PoolManager(num_pools=8, maxsize=WORKERS, retries=False)

    def start(self) -> None:
        """Start the threads."""
        for n, inbox in enumerate(self._inboxes):
            threading.Thread(target=self._work, args=(inbox,), name=f"postman-{n}", daemon=True).start()

    def clear(self) -> None:
        """Forget everything that was not delivered yet."""
        self._epoch += 1
        for inbox in self._inboxes:
            with suppress(Empty):
                while True:
                    inbox.get_nowait()
                    self._done(1)
        self.pending.clear()
        self.log.clear()

    def callback(self, update: Update) -> str:
        """Return where an update goes: the override of the number, of the account, or the app's URL."""
        waba = self._world.wabas.get(update.waba)
        if waba is None or not waba.subscribed:
            return ""
        number = self._world.numbers.get(update.number)
        override = (number.callback if number else "") or waba.callback
        return (override if update.field == "messages" else "") or self._world.app_callback

    def put(self, update: Update) -> bool:
        """Queue an update; say False when nobody is subscribed."""
        url = self.callback(update)
        if url:
            self._put(url, update)
        return bool(url)

    def post_raw(self, body: bytes, signature: str | None = None) -> Json:
        """Post these bytes once, signed (or with the given signature, "" for none), and return the answer."""
        headers = signatures(body, self._world.app_secret) if signature is None else {}
        if signature:
            headers["X-Hub-Signature-256"] = signature
        return self._request(self._world.app_callback, body, headers)

    def again(self, delivery_id: int) -> None:
        """Repeat a delivery whose pause is over."""
        if (delivery := self.pending.get(delivery_id)) is not None:
            self._put(delivery.url, delivery)

    def settle(self, timeout: float = 60.0) -> bool:
        """Wait until nothing is queued or under way; say False when the real seconds of `timeout` are over."""
        with self._ready:
            return self._ready.wait_for(lambda: not self._busy, timeout)

    @property
    def busy(self) -> int:
        """How many updates and repetitions are queued or under way."""
        return self._busy

    def _put(self, url: str, item: Update | Delivery) -> None:
        inbox = self._inboxes[crc32(item.chat.encode()) % WORKERS]
        with self._ready:
            self._busy += 1
        inbox.put((url, item))

    def _work(self, inbox: SimpleQueue[Letter]) -> None:
        kept: Letter | None = None
        while True:
            url, item = kept or inbox.get()
            kept = None
            if isinstance(item, Delivery):
                taken, delivery = 1, item
            else:
                updates, kept = self._more(url, item, inbox)
                taken, delivery = len(updates), self._wrap(url, updates)
            try:
                self._attempt(delivery)
            finally:
                self._done(taken)

    def _done(self, count: int) -> None:
        with self._ready:
            self._busy -= count
            if not self._busy:
                self._ready.notify_all()

    def _more(self, url: str, first: Update, inbox: SimpleQueue[Letter]) -> tuple[list[Update], Letter | None]:
        """Return the updates that travel in one request, and what was taken out but must go alone."""
        settings, updates = self._world.settings, [first]
        if settings.batch_max > 1 and settings.batch_wait_ms:
            time.sleep(settings.batch_wait_ms / 1000)
        while len(updates) < settings.batch_max:
            try:
                letter = inbox.get_nowait()
            except Empty:
                break
            if letter[0] != url or isinstance(letter[1], Delivery):
                return updates, letter
            updates.append(letter[1])
        return updates, None

    def _wrap(self, url: str, updates: list[Update]) -> Delivery:
        world = self._world
        with world.lock:
            now = world.clock.now()
            first = updates[0]
            effect = self._faults.pick(("webhook.post",), now, first.number) if self._faults.rules else None
            identity = world.count("delivery")
        body = serialise(envelope(updates, str((effect or {}).get("mangle", ""))))
        wamids = [u.wamid for u in updates if u.wamid]
        delivery = Delivery(identity, url, body, len(updates), now, wamids, first.chat, self._epoch)
        self.log.append(delivery)
        if effect:
            delivery.attempts.append({"effect": effect})
        return delivery

    def _attempt(self, delivery: Delivery) -> None:
        world = self._world
        effect: Json = {}
        if delivery.attempts and "effect" in delivery.attempts[-1]:
            effect = delivery.attempts.pop()["effect"]
            if effect.get("drop"):
                delivery.state = "dropped"
                return
            now = world.clock.now()
            self._copies(delivery, effect, now)
            pause = float(effect.get("delay", 0)) + world.draws.uniform(
                0, float(effect.get("reorder", 0)), delivery.body
            )
            if pause:
                self._later(delivery, now + pause)
                return
        headers = {} if effect.get("unsigned") else signatures(delivery.body, world.app_secret)
        if effect.get("bad_signature"):
            headers = signatures(delivery.body, world.app_secret + "?")
        answer = {"error": "refused by a fault rule"} if effect.get("refuse") else self._request(
            delivery.url, delivery.body, headers)  # fmt: skip
        delivery.attempts.append({"at": world.clock.now(), **answer})
        if answer.get("status") == 200:
            self._delivered(delivery)
        else:
            self._repeat(delivery)

    def _copies(self, delivery: Delivery, effect: Json, now: float) -> None:
        for _ in range(int(effect.get("duplicate", 0))):
            with self._world.lock:
                identity = self._world.count("delivery")
            copy = Delivery(
                identity, delivery.url, delivery.body, delivery.updates, now, [], delivery.chat, delivery.epoch
            )
            self.log.append(copy)
            self._later(copy, now + float(effect.get("after", 0)))

    def _later(self, delivery: Delivery, due: float) -> None:
        if delivery.epoch != self._epoch:
            return  # the world it belongs to has been reset
        self.pending[delivery.id] = delivery
        self._timetable.at(due, "post", delivery.id)

    def _delivered(self, delivery: Delivery) -> None:
        delivery.state = "delivered"
        self.pending.pop(delivery.id, None)
        if not delivery.wamids:
            return
        with self._world.lock:
            for wamid in delivery.wamids:
                message = self._world.incoming.get(wamid)
                if message is not None and message.status == "sent":
                    message.status = "delivered"
                    self._world.note("tick", message.wa_id, message.number, wamid)

    def _repeat(self, delivery: Delivery) -> None:
        world, settings = self._world, self._world.settings
        now, failed = world.clock.now(), len(delivery.attempts)
        pause = 0.0 if failed == 1 else min(settings.retry_cap, settings.retry_base * 2.0 ** min(failed - 2, 40))
        jitter = settings.retry_jitter
        pause *= world.draws.uniform(1 - jitter, 1 + jitter, "retry", delivery.body, failed)
        if now + pause > delivery.first_at + settings.retry_for:
            delivery.state = "given_up"
            self.pending.pop(delivery.id, None)
            return
        self._later(delivery, now + pause)

    def _request(self, url: str, body: bytes, headers: dict[str, str]) -> Json:
        headers |= {"Content-Type": "application/json", "User-Agent": "facebookexternalua", "Accept": "*/*"}
        started = time.monotonic()
        try:
            answer = self._http.request("POST", url, body=body, headers=headers, redirect=False,
                                        timeout=self._world.settings.webhook_timeout)  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return {"error": type(error).__name__, "ms": round(1000 * (time.monotonic() - started), 1)}
        return {"status": answer.status, "ms": round(1000 * (time.monotonic() - started), 1)}

    def dump(self) -> list[Json]:
        """Return the deliveries that wait for a repetition, for the state file."""
        return [{"id": d.id, "url": d.url, "body": base64.b64encode(d.body).decode(), "updates": d.updates,
                 "first_at": d.first_at, "wamids": d.wamids, "chat": d.chat, "attempts": d.attempts}
                for d in list(self.pending.values())]  # fmt: skip

    def load(self, deliveries: list[Json]) -> None:
        """Take over the deliveries of a state file."""
        for raw in deliveries:
            delivery = Delivery(**{**raw, "body": base64.b64decode(raw["body"]), "epoch": self._epoch})
            self.pending[delivery.id] = delivery
            self.log.append(delivery)

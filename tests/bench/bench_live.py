"""Measure many people in the console at once: `python -m tests.bench.bench_live [--people 200] [--conversations N]`.

Starts PostgreSQL, Redis and the web server of the Procfile, fills them as `bench_pages` does, and posts signed webhooks
all the time while orders and conversations keep changing. First nobody is in the console; then so many people have it
open, half in the list of orders and half in a conversation that waits for a person, whose browsers do what `console.js`
does: listen to `/live`, and fetch what has changed. Prints how long webhooks, and the pages of one more person, took in
each part.

The people themselves take processor time, which those of a shop do on machines of their own. So that it is not taken
for the server's, a part between the two lets the same people ask a stand-in that answers without doing anything.
"""

import argparse
import asyncio
import hmac
import json
import math
import multiprocessing
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psutil
from sqlalchemy import text

from bot.clock import now
from bot.local.bootstrap import PYTHON, ROOT
from bot.local.redis import RedisServer, find_server
from bot.services import Services
from bot.settings import Settings
from bot.web import sessions
from bot.web.members import create_member
from tests.bench.bench_pages import database
from tests.bench.full_console import Full, fill
from tests.local.ports import free_port
from tests.web.conftest import SECRET

APP_SECRET = "the app secret of a benchmark"
FIRST, QUIET, LONGEST = 0.4, 6.0, {"orders": 8.0, "queue": 4.0}
"""As `console.js` has them."""
ROUNDS = 2
SPREAD = 10.0
"""Seconds within which everybody opens the console."""
WARM = 25.0
"""Seconds until pages that are told of news all the time ask as seldom as they will."""
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers in small letters, and body."""


@dataclass
class Times:
    """What one part of the measurement saw, in milliseconds."""

    webhooks: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    fetched: list[float] = field(default_factory=list)
    streams: int = 0
    told: int = 0
    web: float = 0.0
    """Seconds of processor time, of the web server and of this machine."""
    everything: float = 0.0

    def add(self, more: "Times") -> None:
        """Add what was seen at another time."""
        for name, value in vars(more).items():
            setattr(self, name, getattr(self, name) + value)


class Browser:
    """One kept-alive connection to the web server."""

    def __init__(self, port: int, cookie: str = "") -> None:
        """Prepare; the first call connects."""
        self._port = port
        self._cookie = cookie
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request, again on a new connection when the server has just closed the old one."""
        for attempt in range(2):
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                return await self._call(method, path, body, headers)
            self._streams = None
            if attempt:
                break
        raise ConnectionError(path)

    async def _call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        self._streams = self._streams or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"Cookie: {self._cookie}"] if self._cookie else []
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        content = await reader.readexactly(int(told.get("content-length") or 0))
        if told.get("connection") == "close":
            self._streams = None
        return int(head[0].split()[1]), told, content


@dataclass
class Pace:
    """When a page fetches what has changed: at once, and less and less often while more and more changes."""

    longest: float
    due: float = math.inf
    fetched: float = 0.0
    heard: float = 0.0
    pause: float = FIRST

    def hear(self) -> None:
        """Note that there is news."""
        quiet, self.heard = time.monotonic() - self.heard > QUIET, time.monotonic()
        if self.due == math.inf:
            self.pause = FIRST if quiet else min(self.pause * 3, self.longest)
            spread = 1.0 if self.pause == FIRST else random.uniform(0.7, 1.3)
            self.due = max(self.heard, self.fetched + self.pause * spread)


@dataclass
class Watch:
    """What somebody has open: topic -> the address and the element that are fetched when it has news."""

    parts: dict[str, tuple[str, str]]

    @property
    def address(self) -> str:
        """Where the page listens."""
        return "/live?" + urlencode([("t", topic) for topic in self.parts])


async def person(port: int, cookie: str, watch: Watch, times: Times, end: float) -> None:
    """Keep a page open as a browser does: listen to its news, and fetch them."""
    browser, known, since = Browser(port, cookie), dict[str, str](), dict[str, float]()
    paces = {topic: Pace(LONGEST.get(topic, FIRST)) for topic in watch.parts}
    while time.monotonic() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        times.streams += 1
        marks = urlencode([("k", known.get(topic, "-")) for topic in watch.parts])
        lines = (
            f"GET {watch.address}&{marks} HTTP/1.1",
            "Host: 127.0.0.1",
            "Accept: text/event-stream",
            f"Cookie: {cookie}",
        )
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        line = asyncio.ensure_future(reader.readline())
        while time.monotonic() < end:
            due = min(end, *(pace.due for pace in paces.values()))
            await asyncio.wait({line}, timeout=max(0.0, due - time.monotonic()))
            if line.done():
                if not (words := line.result()):
                    break  # The server lets a stream end after a while, so that each page asks anew.
                line = asyncio.ensure_future(reader.readline())
                for topic, (mark, age) in (json.loads(words[6:]) if words.startswith(b"data: ") else {}).items():
                    known[topic], since[topic] = mark, time.monotonic() - age
                    times.told += 1
                    paces[topic].hear()
            for topic, pace in paces.items():
                if time.monotonic() >= pace.due:
                    pace.fetched, pace.due = time.monotonic(), math.inf
                    told = urlencode({topic: f"{time.monotonic() - at:.3f}" for topic, at in since.items()})
                    address, element = watch.parts[topic]
                    status, _told, _body = await browser.call(
                        "GET", address, HX_Request="true", HX_Target=element, Live_Told=told
                    )
                    assert status == 200, (address, status)
                    times.fetched.append((time.monotonic() - pace.fetched) * 1000)
        line.cancel()
        writer.close()


async def meta(port: int, rate: float, times: Times, end: float) -> None:
    """Post signed webhooks at a fixed rate, whatever the answers do."""
    idle: list[Browser] = []

    async def post(number: int) -> None:
        body = json.dumps(
            {"object": "whatsapp_business_account", "entry": [{"id": f"{time.time()}:{number}"}]}
        ).encode()
        signature = "sha256=" + hmac.digest(APP_SECRET.encode(), body, "sha256").hex()
        browser = idle.pop() if idle else Browser(port)
        began = time.monotonic()
        status, _told, _body = await browser.call("POST", "/webhooks/whatsapp", body, X_Hub_Signature_256=signature)
        times.webhooks.append((time.monotonic() - began) * 1000)
        assert status == 200, status
        idle.append(browser)

    await _steadily(rate, end, post)


async def reader(port: int, cookie: str, pages: tuple[str, ...], times: Times, end: float) -> None:
    """Open one page after the other, four a second, as a person who is measured."""
    browser = Browser(port, cookie)
    number = 0
    while time.monotonic() < end:
        began = time.monotonic()
        status, _told, _body = await browser.call("GET", pages[number % len(pages)])
        times.pages.append((time.monotonic() - began) * 1000)
        assert status == 200, status
        number += 1
        await asyncio.sleep(0.25)


async def _steadily(rate: float, end: float, deed) -> None:  # type: ignore[no-untyped-def]
    begun, running, number = time.monotonic(), set(), 0
    while time.monotonic() < end:
        task = asyncio.create_task(deed(number))
        running.add(task)
        task.add_done_callback(running.discard)
        number += 1
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
    await asyncio.gather(*running)


async def life(services: Services, full: Full, rate: float, end: float) -> None:
    """Let orders and waiting conversations of the large shop change, as if shoppers answered."""

    def change(number: int) -> None:
        with services.database.engine.begin() as connection:
            connection.execute(text("update orders set updated_at = :at where id = :id"),
                               {"at": now(), "id": full.talk - number % 500 * 2})  # fmt: skip
            connection.execute(text("update conversation set seq = seq + 1 where id = :id"),
                               {"id": full.waiting[number * 7 % len(full.waiting)]})  # fmt: skip

    await _steadily(rate, end, lambda number: asyncio.to_thread(change, number))


@dataclass
class Stage:
    """What stays the same while one part of the measurement follows the other."""

    server: psutil.Process
    port: int
    services: Services
    full: Full
    given: argparse.Namespace

    async def part(self, people: list[str], asked: int) -> Times:
        """Measure the server for a while, with these people in the console at the port `asked`."""
        times, full, given = Times(), self.full, self.given
        end = time.monotonic() + WARM + given.seconds
        pages = ("/orders", "/inbox", f"/inbox/{full.talk}", f"/orders/{full.talk}")
        tasks = [
            meta(self.port, given.webhooks, times, end),
            reader(self.port, given.cookie, pages, times, end),
            life(self.services, full, given.changes, end),
        ]
        for number, cookie in enumerate(people):
            watch = Watch({"orders": ("/orders", "list")})
            if number % 2:
                talk = full.waiting[number]
                watch = Watch({"queue": (f"/inbox?at={talk}", "queue"),
                               f"conversation:{talk}": (f"/inbox/{talk}", "bubbles")})  # fmt: skip
            tasks.append(_later(number * SPREAD / len(people), person(asked, cookie, watch, times, end)))
        running = asyncio.gather(*tasks)
        await asyncio.sleep(WARM)
        for seen in (times.webhooks, times.pages, times.fetched):
            seen.clear()
        times.streams = times.told = 0
        web, everything = _cpu(self.server), _machine()
        await asyncio.sleep(end - time.monotonic())
        times.web, times.everything = _cpu(self.server) - web, _machine() - everything
        await running
        return times


def stand_in(port: int) -> None:
    """Answer what people ask as the web server would with news each second, at no cost."""
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + bytes(60000)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                if not head.startswith(b"GET /live"):
                    writer.write(page)
                    continue
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                topic = b"queue" if b"queue" in head else b"orders"
                for _ in range(5):
                    writer.write(b'data: {"%b": ["%d", 0.1]}\n\n' % (topic, time.time_ns()))
                    await writer.drain()
                    await asyncio.sleep(6)
                writer.close()
                return

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
            await server.serve_forever()

    asyncio.run(serve())


async def _later(seconds: float, deed) -> None:  # type: ignore[no-untyped-def]
    await asyncio.sleep(seconds)
    await deed


@asynccontextmanager
async def web_server(environment: dict[str, str], port: int, processes: int) -> AsyncIterator[psutil.Process]:
    """Run the web process of the Procfile."""
    command = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:"))
    values = os.environ | environment | {"PORT": str(port), "HOST": "127.0.0.1", "WEB_CONCURRENCY": str(processes)}
    values["PATH"] = f"{Path(PYTHON).parent}:{values['PATH']}"
    with open(os.devnull, "wb") as nowhere:
        server = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command.partition(':')[2]}"], cwd=ROOT, env=values, stdout=nowhere, stderr=nowhere
        )
        try:
            for _ in range(600):
                with suppress(OSError):
                    if (await Browser(port).call("GET", "/healthz"))[0] == 200:
                        break
                await asyncio.sleep(0.1)
            yield psutil.Process(server.pid)
        finally:
            server.terminate()
            server.wait()


def _told(times: Times, seconds: float) -> dict[str, object]:
    return {
        "webhook_ms": _spread(times.webhooks),
        "page_ms": _spread(times.pages),
        "streams_begun_per_s": round(times.streams / seconds, 1),
        "told_per_s": round(times.told / seconds, 1),
        "pages_fetched_by_news_per_s": round(len(times.fetched) / seconds, 1),
        "web_cores": round(times.web / seconds, 2),
        "all_cores": round(times.everything / seconds, 2),
    }


def _spread(values: list[float]) -> dict[str, float]:
    parts = statistics.quantiles(values, n=100)
    return {"n": len(values), "p50": round(parts[49], 1), "p95": round(parts[94], 1), "p99": round(parts[98], 1)}


async def run(url: str, redis_url: str, given: argparse.Namespace) -> dict[str, object]:
    """Fill, start, measure without and with people."""
    environment = {"DATABASE_URL": url, "REDIS_URL": redis_url, "SECRET_KEY": SECRET, "PUBLIC_URL": "http://127.0.0.1",
                   "WHATSAPP_APP_SECRET": APP_SECRET}  # fmt: skip
    services = Services.from_settings(Settings.from_env(database_url=url, redis_url=redis_url, secret_key=SECRET))
    full = fill(services, given.conversations)
    with services.database.session() as session:
        people = []
        for number in range(given.people + 1):
            somebody = create_member(
                session, email=f"{number}@bench.test", role="owner", merchant_id=full.shop.merchant
            )
            people.append("pakka=" + sessions.begin(session, somebody, complete=True, device="a browser", at=now()))
    given.cookie = people.pop()
    port, nothing = free_port(), free_port()
    standing = multiprocessing.get_context("spawn").Process(target=stand_in, args=(nothing,), daemon=True)
    standing.start()
    told: dict[str, object] = {"people": given.people, "messages": full.messages, "webhooks_per_s": given.webhooks,
                               "changes_per_s": given.changes}  # fmt: skip
    async with web_server(environment, port, given.processes) as server:
        parts = {"nobody": ([], port), "at a stand-in": (people, nothing), "everybody": (people, port)}
        seen = {name: Times() for name in parts}
        stage = Stage(server, port, services, full, given)
        # In turns, because no machine is as fast in one minute as in the next.
        for _ in range(ROUNDS):
            for name, (some, asked) in parts.items():
                seen[name].add(await stage.part(some, asked))
        told |= {name: _told(times, ROUNDS * given.seconds) for name, times in seen.items()}
    standing.terminate()
    services.database.engine.dispose()
    return told


def _cpu(server: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in (server, *server.children(recursive=True)))


def _machine() -> float:
    """Return the processor time that everything on this machine has used, the people of the measurement too."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def main() -> None:
    """Read the command line, and print what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=200)
    arguments.add_argument("--conversations", type=int, default=100_000)
    arguments.add_argument("--processes", type=int, default=1, help="WEB_CONCURRENCY of the web server")
    arguments.add_argument("--webhooks", type=float, default=50.0, help="a second")
    arguments.add_argument(
        "--changes", type=float, default=5.0, help="a second, of orders and of conversations that wait"
    )
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--url", help="an empty PostgreSQL database; without it one is started for the measurement")
    given = arguments.parse_args()
    with database(given.url) as url, tempfile.TemporaryDirectory(prefix="pakka-redis-") as folder:
        server = RedisServer(Path(folder), find_server())
        server.start()
        try:
            print(json.dumps(asyncio.run(run(url, server.url, given)), indent=1))
        finally:
            server.stop()


if __name__ == "__main__":
    main()

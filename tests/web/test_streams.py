"""Streams of news: from gunicorn, which gives their connections away, and the thread that serves them."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page
from sqlalchemy.exc import OperationalError

from bot.local.bootstrap import ROOT
from bot.models import Order
from bot.services import Services
from bot.web import streams
from bot.web.streams import HandedOver, Print, Streams
from tests.local.ports import answers, free_port
from tests.local.waiting import wait_until
from tests.web.samples import Shop
from tests.web.test_live import BAATEN, _enter, check_news, saying


class Shops:
    """What the streams of a test look at, and browsers that listen."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.marks: dict[str, str] = {}
        self.away = False
        self.streams = Streams(self._look)

    def listen(self, *topics: str, **known: str) -> socket.socket:
        """Open a stream as a browser does, and return its end of the connection."""
        server, browser = socket.socketpair()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        browser.settimeout(5)
        environ = {"gunicorn.socket": server, "SERVER_PROTOCOL": "HTTP/1.1"}
        with pytest.raises(HandedOver):
            self.streams.take(environ, 1, {topic: self.marks.get(topic, "") for topic in topics} | known)
        assert _until(browser, b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
        assert told(browser) == {}
        return browser

    def _look(self, _merchant: int, topics: object) -> dict[str, Print]:
        if self.away:
            raise OperationalError("select 1", {}, Exception())
        return {topic: Print(self.marks.get(topic, ""), time.monotonic()) for topic in topics}  # type: ignore[attr-defined]


@pytest.fixture
def shops(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shops]:
    """Streams that look often."""
    monkeypatch.setattr(streams, "BEAT", 0.02)
    shops = Shops()
    yield shops
    # Nobody hears of the end but those who listen.
    shops.away = True
    wait_until(lambda: not shops.streams._open)


def told(browser: socket.socket) -> dict[str, list[object]]:
    """Wait for an event and return its words."""
    said = _until(browser, b"\n\n")
    assert said.startswith(b"data: ")
    return dict(json.loads(said[6:]))


def _until(browser: socket.socket, end: bytes) -> bytes:
    said = b""
    while not said.endswith(end):
        said += browser.recv(1)
    return said


def is_silent(browser: socket.socket) -> bool:
    """Whether nothing was told."""
    browser.setblocking(False)
    try:
        browser.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    finally:
        browser.settimeout(5)
    return False


def test_what_changes_is_told_to_those_who_do_not_know_it_and_nothing_else(shops: Shops) -> None:
    shops.marks = {"orders": "a", "conversation:1": "b"}
    both, one = shops.listen("orders", "conversation:1"), shops.listen("conversation:1")
    late = shops.listen("orders", orders="of yesterday")
    assert told(late).keys() == {"orders"}
    shops.marks["orders"] = "c"
    mark, age = told(both)["orders"]
    assert (mark, told(late)["orders"][0]) == ("c", "c")
    assert 0 <= age < 2  # type: ignore[operator]
    assert is_silent(one)
    shops.marks["conversation:1"] = "d"
    assert told(both).keys() == told(one).keys() == {"conversation:1"}


def test_a_crowd_is_told_one_after_the_other_and_a_conversation_at_once(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CROWD", 3)
    monkeypatch.setattr(streams, "PACE", 0.0)
    crowd = [shops.listen("orders", "conversation:1") for _ in range(8)]
    shops.marks["orders"] = "new"
    wait_until(lambda: [is_silent(one) for one in crowd].count(False) == 3)
    shops.marks["conversation:1"] = "new"
    heard: list[set[str]] = []
    for one in crowd:
        words = told(one)
        heard.append(set(words) if "conversation:1" in words else set(words) | set(told(one)))
    assert [len(topics) for topics in sorted(heard, key=len)] == [1] * 5 + [2] * 3
    monkeypatch.setattr(streams, "PACE", 50.0)
    others = [one for one, topics in zip(crowd, heard, strict=True) if len(topics) == 1]
    assert [told(one).keys() for one in others] == [{"orders"}] * 5


def test_those_who_have_waited_longest_are_told_first(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CROWD", 2)
    monkeypatch.setattr(streams, "PACE", 4.0)
    crowd = [shops.listen("orders") for _ in range(4)]
    heard: list[int] = []
    for number in range(8):
        shops.marks["orders"] = str(number)
        wait_until(lambda: any(not is_silent(one) for one in crowd))
        for place, one in enumerate(crowd):
            if not is_silent(one):
                told(one)
                heard.append(place)
        if len(heard) >= 8:
            break
    assert set(heard[:4]) == set(heard[4:8]) == {0, 1, 2, 3}


def test_a_stream_ends_after_its_time_or_when_the_browser_leaves(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    shops.listen("orders").close()
    wait_until(lambda: not shops.streams._open and not shops.streams._arriving)
    monkeypatch.setattr(streams, "LIFE", 0.1)
    assert shops.listen("orders").recv(4096) == b""


def test_a_silent_stream_says_now_and_then_that_it_is_there(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SIGN", 0.05)
    browser = shops.listen("orders")
    assert [told(browser), told(browser)] == [{}, {}]


def test_a_database_that_is_away_ends_the_streams_and_later_ones_work_again(shops: Shops) -> None:
    browser = shops.listen("orders")
    shops.away = True
    assert browser.recv(4096) == b""
    shops.away = False
    again = shops.listen("orders")
    shops.marks["orders"] = "new"
    assert told(again).keys() == {"orders"}


def test_a_browser_that_does_not_read_is_let_go(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = shops.listen("orders")
    monkeypatch.setattr(streams, "SIGN", 0.0)
    monkeypatch.setattr(streams, "BEAT", 0.0)
    wait_until(lambda: not shops.streams._open)
    browser.close()


def test_only_a_plain_connection_of_gunicorn_is_taken_over() -> None:
    with closing(socket.socket()) as plain:
        environ = {"gunicorn.socket": plain, "SERVER_PROTOCOL": "HTTP/1.1"}
        assert streams.possible(environ)
        assert not streams.possible(environ | {"SERVER_PROTOCOL": "HTTP/2.0"})
        assert not streams.possible({"SERVER_PROTOCOL": "HTTP/1.1"})
        context = ssl.create_default_context()
        with closing(context.wrap_socket(socket.socket(), server_hostname="x")) as encrypted:
            assert not streams.possible(environ | {"gunicorn.socket": encrypted})


@pytest.fixture
def gunicorn(services: Services) -> Iterator[str]:
    """The address of the console behind gunicorn, which has two threads for its requests."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = services.settings
    values = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "SECRET_KEY": settings.secret_key}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "2", "--no-control-socket",
         "--bind", f"127.0.0.1:{port}", "app:app"],
        cwd=ROOT, env=os.environ | values, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_until(lambda: answers(f"{address}/healthz"), 60)
        yield address
    finally:
        process.terminate()
        _, errors = process.communicate()
    assert "Traceback" not in errors


def test_a_hundred_streams_need_no_thread(gunicorn: str, page: Page, shop: Shop) -> None:
    port = int(gunicorn.rpartition(":")[2])
    _enter(page, gunicorn, shop.owner)
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    address = "/live?" + urlencode([("t", "orders"), ("t", "conversation:1"), ("k", "x"), ("k", "y")])

    def listen(cookie: str) -> tuple[HTTPConnection, int]:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", address, headers={"Accept": "text/event-stream", "Cookie": cookie})
        return connection, connection.getresponse().status

    opened = [listen(cookie) for _ in range(100)]
    assert {status for _, status in opened} == {200}
    assert answers(f"{gunicorn}/healthz"), "the two threads are free for others"
    assert listen("")[1] == 401
    for connection, _ in opened:
        connection.close()


def test_a_page_with_a_stream_shows_news_and_asks_nothing(
    gunicorn: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, gunicorn, shop.owner)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.headers.get("accept", "")) if "/live?" in one.url else None)
    page.goto(f"{gunicorn}/orders/1")
    page.locator(".talk").get_by_text("haan bhej do").wait_for()
    check_news(page, saying(shop, services), BAATEN, within="body")
    page.goto(f"{gunicorn}/orders")
    with services.database.session() as session:
        order = session.get_one(Order, 5)
        order.intent = "confirmed"
        order.updated_at = order.updated_at.replace(year=order.updated_at.year + 1)
    page.locator("tr", has=page.locator("#order-5")).get_by_text("Confirmed").wait_for(timeout=5000)
    assert set(asked) == {"text/event-stream"}


def test_a_stream_that_is_kept_back_on_the_way_is_given_up(
    gunicorn: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, gunicorn, shop.owner)
    page.context.route("**/live?*", _without_streams)
    page.goto(f"{gunicorn}/orders/1")
    page.locator(".talk").get_by_text("haan bhej do").wait_for()
    saying(shop, services)("behind a proxy")
    page.get_by_text("behind a proxy").wait_for(timeout=10000)


def _without_streams(route) -> None:  # type: ignore[no-untyped-def]
    if route.request.headers.get("accept") != "text/event-stream":
        route.continue_()  # What is not answered at all is what a proxy makes of a stream that it collects.

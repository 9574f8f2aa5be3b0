"""Open pages that are told of news as they happen: the web server gives their connections away to one thread.

A thread per open page would be too many, and a question per page and second costs half a core for two hundred people.
Here a request for a stream of events (https://html.spec.whatwg.org/multipage/server-sent-events.html) is answered by
taking the connection over from gunicorn: its thread is free again at once, and a single thread looks for all the pages
of a process together and writes to those that have news.
"""

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from threading import Lock, Thread
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = structlog.get_logger()

BEAT = 0.4
"""Seconds between two looks for news."""
SIGN = 10.0
"""Seconds after which something is written even without news: proxies and pages give up on silent connections."""
LIFE = 30.0
"""Seconds after which a stream ends: its page asks for another one, and so proves that it is still signed in."""
MOST = 500
"""Streams of one process; further pages ask every second. Many systems allow a process about a thousand files."""
CROWD, PACE = 20, 2.0
"""How many pages of a shop may be told at once that one list has changed, and how many more each second: each of them
fetches the list, and a hundred that do so together keep the server from its work."""


class Print(NamedTuple):
    """What a topic looks like."""

    mark: str
    """The same while nothing in it changes."""
    since: float
    """When it was first seen, as `time.monotonic` of this process says it."""


Look = Callable[[int, Iterable[str]], dict[str, Print]]
"""Return the fingerprints of a merchant's topics."""

_GUNICORN = "gunicorn.socket"


class HandedOver(BrokenPipeError):
    """The connection is no longer the web server's: gunicorn says no more on it, as if the browser had left."""


@dataclass(eq=False)
class _Stream:
    connection: socket.socket
    merchant_id: int
    told: dict[str, str]
    """The marks that its page knows, by topic."""
    until: float
    spoken: float
    heard: dict[str, float] = field(default_factory=dict)
    """When it was told of each topic, as `time.monotonic` says it."""


def possible(environ: "WSGIEnvironment") -> bool:
    """Whether the server that took this request gives its connection away."""
    # The exact type, because one that is encrypted is more than its file; many requests share one of HTTP/2.
    return type(environ.get(_GUNICORN)) is socket.socket and environ["SERVER_PROTOCOL"].startswith("HTTP/1")


def wanted(environ: "WSGIEnvironment") -> bool:
    """Whether the request is that of an EventSource."""
    return environ.get("HTTP_ACCEPT", "") == "text/event-stream"


class Streams:
    """The streams of one process, and the thread that serves them, which starts with the first."""

    def __init__(self, look: Look) -> None:
        """Prepare to tell what `look` finds."""
        self._look = look
        self._arriving: deque[_Stream] = deque()
        self._open: set[_Stream] = set()
        self._budgets: dict[tuple[int, str], tuple[float, float]] = {}
        self._lock = Lock()
        self._thread: Thread | None = None
        self._bell: socket.socket | None = None
        self._hurried = False

    def has_room(self) -> bool:
        """Whether one more can be served."""
        return len(self._open) + len(self._arriving) < MOST

    def take(self, environ: "WSGIEnvironment", merchant_id: int, known: Mapping[str, str]) -> NoReturn:
        """Take the connection of a request over, and tell it whatever changes; `known` are the marks that it knows."""
        there = self._look(merchant_id, known)
        connection = socket.socket(fileno=environ[_GUNICORN].detach())
        connection.setblocking(False)
        at = time.monotonic()
        stream = _Stream(connection, merchant_id, {topic: known[topic] for topic in there}, at + LIFE, at)
        # Something at once, by which the page sees that nothing on the way keeps news back.
        if _write(stream, _head() + _event({})):
            self._arriving.append(stream)
            self._ring()
        else:
            connection.close()
        raise HandedOver(errno.EPIPE, "the connection was handed over")

    def hurry(self) -> None:
        """Look for news now: somebody has just done something and wants to see it."""
        if self._open:
            self._hurried = True
            self._ring()

    def _ring(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._bell, heard = socket.socketpair()
                self._bell.setblocking(False)
                self._thread = Thread(target=self._serve, args=(heard,), name="streams", daemon=True)
                self._thread.start()
            if self._bell is not None:
                with suppress(OSError):  # It rings already.
                    self._bell.send(b".")

    def _serve(self, bell: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, bell:
            selector.register(bell, selectors.EVENT_READ)
            due = 0.0
            try:
                while True:
                    for key, _ in selector.select(max(0.0, due - time.monotonic()) if self._open else None):
                        if key.data is None:
                            bell.recv(4096)
                        else:
                            # A browser says nothing on such a connection but that it has left.
                            self._drop(selector, key.data)
                    while self._arriving:
                        stream = self._arriving.popleft()
                        self._open.add(stream)
                        selector.register(stream.connection, selectors.EVENT_READ, stream)
                    if self._hurried or time.monotonic() >= due:
                        self._hurried = False
                        due = time.monotonic() + BEAT
                        for stream in self._beat(time.monotonic()):
                            self._drop(selector, stream)
            finally:
                for stream in list(self._open):
                    self._drop(selector, stream)

    def _drop(self, selector: selectors.BaseSelector, stream: _Stream) -> None:
        self._open.discard(stream)
        with suppress(KeyError):
            selector.unregister(stream.connection)
        stream.connection.close()

    def _beat(self, at: float) -> list[_Stream]:
        """Tell what is new; return the streams that are over."""
        try:
            news = self._news(at)
        except SQLAlchemyError as error:
            # Their pages ask again, and then say that the server is away.
            log.warning("live.streams_ended", kind=type(error).__name__)
            return list(self._open)
        over = []
        for stream in self._open:
            if stream.until <= at:
                over.append(stream)
            elif (fresh := news.get(stream)) or at - stream.spoken >= SIGN:
                stream.spoken = at
                if not _write(stream, _event(fresh or {})):
                    over.append(stream)
        return over

    def _news(self, at: float) -> dict[_Stream, dict[str, Print]]:
        """Return what each stream is to be told now."""
        shops: dict[int, set[str]] = {}
        for stream in self._open:
            shops.setdefault(stream.merchant_id, set()).update(stream.told)
        found = {shop: self._look(shop, topics) for shop, topics in shops.items()}
        late: dict[tuple[int, str], list[_Stream]] = {}
        for stream in self._open:
            for topic, mark in stream.told.items():
                if found[stream.merchant_id][topic].mark != mark:
                    late.setdefault((stream.merchant_id, topic), []).append(stream)
        news: dict[_Stream, dict[str, Print]] = {}
        for (shop, topic), waiting in late.items():
            for stream in self._some(shop, topic, waiting, at):
                news.setdefault(stream, {})[topic] = found[shop][topic]
                stream.told[topic] = found[shop][topic].mark
                stream.heard[topic] = at
        return news

    def _some(self, shop: int, topic: str, waiting: list[_Stream], at: float) -> Iterable[_Stream]:
        """Return whom to tell of a topic now: all of few, and of a crowd those who have waited longest."""
        if ":" in topic:
            return waiting
        left, since = self._budgets.get((shop, topic), (CROWD, at))
        left = min(CROWD, left + (at - since) * PACE)
        some = sorted(waiting, key=lambda stream: stream.heard.get(topic, 0.0))[: int(left)]
        self._budgets[shop, topic] = (left - len(some), at)
        return some


def _head() -> bytes:
    lines = (
        "HTTP/1.1 200 OK",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: text/event-stream",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "X-Accel-Buffering: no",  # nginx would collect what is to be told at once.
        "Connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def words(found: Mapping[str, Print]) -> bytes:
    """Write fingerprints as pages are told them: topic -> the mark, and for how many seconds it has been seen."""
    at = time.monotonic()
    return orjson.dumps({topic: (one.mark, round(at - one.since, 3)) for topic, one in found.items()})


def _event(news: Mapping[str, Print]) -> bytes:
    return b"data: " + words(news) + b"\n\n"


def _write(stream: _Stream, said: bytes) -> bool:
    """Write a few words; False when they do not all fit, or nobody is there: then the stream is over."""
    try:
        return stream.connection.send(said) == len(said)
    except OSError:
        return False

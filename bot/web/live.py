"""Live pages: each open page asks, about once a second, whether what it shows has changed.

An answer is a short fingerprint per topic, taken from the rows themselves. Nothing has to announce a change, nothing
is lost when Redis is emptied or a process is restarted, any server and any proxy will do, and no thread waits. The
question is answered before Flask begins its work on a request, because two hundred open pages ask it 250 times a
second: that is a tenth of a core.
"""

import hashlib
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from http.cookies import CookieError, SimpleCookie
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson
import structlog
from flask import Flask, current_app, request
from flask_babel import get_locale
from markupsafe import Markup
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import now
from bot.services import Services
from bot.web import sessions
from bot.web.access import SHOP, cookie_name_of, is_complete, me, my_shop

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

ADDRESS = "/live"
TOLD = "Live-Told"
"""Header of a page that fetches news: the fingerprints it was told last, as a query string."""
FRESH = 0.25
"""Seconds for which a fingerprint is given to others who ask for the same."""
_BUSY, _CALMER = 6.0, 4
"""A list whose last change is less than this many seconds old is looked at so much less often: every change makes the
pages that show it fetch it, and they do that less and less often by then."""
_WATCHED = 1.5
"""Seconds after which a topic that nobody has asked for again is no longer looked at with the others."""
TRUST = 10.0
"""Seconds for which a sign-in is not looked up again here: what is answered tells nothing of what a row holds."""
_TOLD_KEY = "HTTP_" + TOLD.upper().replace("-", "_")
_PATIENCE = 1.0
"""Seconds that a page's own question or fetch waits for its turn."""
_TOPICS = 8
_TOPIC = re.compile(r"orders|uploads|queue|reviews|(order|upload|conversation):[1-9][0-9]{0,17}")
_KEPT = 5000
_HISTORY = 20
"""Fingerprints of a topic whose age is known: those of the last seconds, within which pages fetch what is new."""
_REGIONS = 200
"""Parts of pages that are kept: some tens of kilobytes each."""
_MAKING = [Lock() for _ in range(16)]
"""One of those who want the same new part makes it, the others wait for it."""


class Door:
    """Answers `GET /live?t=<topic>&t=...` and lets every other request through.

    304 when the topics are as the page knows them (If-None-Match), 200 with a fingerprint for each, 401 when nobody
    is signed in, 503 when the database is away. Topics are "orders", "uploads", "queue", "reviews", "order:<id>",
    "upload:<id>" and "conversation:<id>"; those of another merchant look as if there were nothing.
    """

    def __init__(self, behind: "WSGIApplication", services: Services) -> None:
        """Stand before the application `behind`."""
        self._behind = behind
        self._services = services
        self._cookie = cookie_name_of(services.settings)
        self._fingerprints: dict[tuple[int, str], tuple[float, str]] = {}
        self._since: dict[tuple[int, str], dict[str, float]] = {}
        self._lock = Lock()
        self._people: dict[str, tuple[float, int]] = {}
        self._asking, self._fetching = Semaphore(), Semaphore(2)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer, or pass on."""
        if environ.get("REQUEST_METHOD") != "GET":
            try:
                return self._behind(environ, start_response)
            finally:
                self._look_anew(environ.get("HTTP_COOKIE", ""))
        if environ.get("PATH_INFO") != ADDRESS:
            with _turn(self._fetching) if _TOLD_KEY in environ else nullcontext():
                return self._behind(environ, start_response)
        with _turn(self._asking):
            status, etag, body = self._answer(environ)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("ETag", etag),
        ]
        start_response(status, headers if status.startswith("200") else headers[1:-1])
        return [body]

    def look(self, merchant_id: int, topics: Iterable[str], *, anew: bool = False) -> dict[str, str]:
        """Return the fingerprints of a merchant's topics; those that do not exist are left out."""
        at = time.monotonic()
        answers, unknown = {}, []
        for topic in topics:
            kept = self._fingerprints.get((merchant_id, topic))
            if kept is not None and kept[0] > at and not anew:
                answers[topic] = kept[1]
            elif _TOPIC.fullmatch(topic):
                unknown.append(topic)
        if unknown:
            _forget(self._fingerprints)
            read = self._read(merchant_id, self._watched(merchant_id, unknown, at))
            for topic, fingerprint in read.items():
                changed = self._note(merchant_id, topic, fingerprint)
                busy = ":" not in topic and at - changed < _BUSY
                self._fingerprints[merchant_id, topic] = (at + FRESH * (_CALMER if busy else 1), fingerprint)
            answers |= {topic: read[topic] for topic in unknown}
        return answers

    def _watched(self, merchant_id: int, topics: Iterable[str], at: float) -> dict[str, set[int]]:
        """Return what to look at: kind -> the numbers of its topics, none for a list.

        With each numbered topic come the others of its kind that somebody has asked for lately and will ask for again:
        one question for a hundred conversations costs little more than one for one of them.
        """
        wanted: dict[str, set[int]] = {}
        for topic in topics:
            kind, _, number = topic.partition(":")
            wanted.setdefault(kind, set()).update({int(number)} if number else ())
        for (shop, topic), (until, _fingerprint) in list(self._fingerprints.items()):
            kind, _, number = topic.partition(":")
            if shop == merchant_id and number and kind in wanted and at - _WATCHED < until <= at:
                wanted[kind].add(int(number))
        return wanted

    def _read(self, merchant_id: int, wanted: Mapping[str, set[int]]) -> dict[str, str]:
        """Read the fingerprints of topics."""
        found: dict[str, list[Any]] = {}
        with self._services.database.glance() as session:
            for kind, numbers in wanted.items():
                rows = session.execute(_STATEMENTS[kind], {"merchant": merchant_id, "ids": list(numbers)}).all()
                if not numbers:
                    found[kind] = list(rows)
                    continue
                found |= {f"{kind}:{number}": [] for number in numbers}
                for row in rows:
                    found[f"{kind}:{row[0]}"].append(row)
        return {topic: hashlib.blake2b(repr(rows).encode(), digest_size=6).hexdigest() for topic, rows in found.items()}

    def _look_anew(self, cookies: str) -> None:
        """Forget the fingerprints of whose person has just done something: they want to see it at once."""
        if (known := self._people.get(cookies)) is not None:
            for key in [key for key in list(self._fingerprints) if key[0] == known[1]]:
                self._fingerprints.pop(key, None)

    def since(self, merchant_id: int, topic: str, told: str) -> float:
        """Return the moment from which everything read shows a fingerprint that a page was told, or what came later.

        Another process may have told it: then the topic is looked at here.
        """
        found = self._since.get((merchant_id, topic), {}).get(told)
        if found is None:
            newest = self.look(merchant_id, [topic], anew=True).get(topic, "")
            found = self._since.get((merchant_id, topic), {}).get(newest)
        return math.inf if found is None else found

    def _note(self, merchant_id: int, topic: str, fingerprint: str) -> float:
        """Remember when the last fingerprints of a topic were seen first; return that of this one."""
        with self._lock:
            seen = self._since.get((merchant_id, topic), {})
            if next(reversed(seen), None) != fingerprint:
                # A new one, because others read the old one. What was there before came back later than it was seen.
                newest = [(old, at) for old, at in seen.items() if old != fingerprint][-_HISTORY:]
                seen = self._since[merchant_id, topic] = dict(newest) | {fingerprint: time.monotonic()}
                while len(self._since) > _KEPT:
                    self._since.pop(next(iter(self._since)))
            return seen[fingerprint]

    def _answer(self, environ: "WSGIEnvironment") -> tuple[str, str, bytes]:
        try:
            merchant_id = self._merchant_of(environ.get("HTTP_COOKIE", ""))
            if merchant_id is None:
                return "401 Unauthorized", "", b""
            topics = parse_qs(environ.get("QUERY_STRING", "")[:2000], errors="replace").get("t", [])[:_TOPICS]
            body = orjson.dumps(self.look(merchant_id, topics), option=orjson.OPT_SORT_KEYS)
        except SQLAlchemyError as error:
            log.warning("live.unanswered", kind=type(error).__name__)
            return "503 Service Unavailable", "", b""
        etag = hashlib.blake2b(body, digest_size=8).hexdigest()
        if environ.get("HTTP_IF_NONE_MATCH") == etag:
            return "304 Not Modified", "", b""
        return "200 OK", etag, body

    def _merchant_of(self, cookies: str) -> int | None:
        at = time.monotonic()
        known = self._people.get(cookies)
        if known is not None and known[0] > at:
            return known[1]
        try:
            token = SimpleCookie(cookies).get(self._cookie)
        except CookieError:
            return None
        if token is None:
            return None
        with self._services.database.glance() as session:
            found = sessions.find(session, token.value, now())
        complete = found is not None and is_complete(found[0], self._services.settings)
        if found is None or not complete or found[0].role not in SHOP or found[0].shop is None:
            self._people.pop(cookies, None)
            return None
        if found[1]:
            with self._services.database.session() as session:
                sessions.saw(session, found[0].session_id, now())
        _forget(self._people)
        self._people[cookies] = (at + TRUST, found[0].shop.id)
        return found[0].shop.id


def install(app: Flask) -> None:
    """Put the door before the application."""
    door = Door(app.wsgi_app, app.extensions["pakka"])
    app.extensions["pakka_live"] = door
    app.wsgi_app = door  # type: ignore[method-assign]


def state(*topics: str) -> dict[str, str]:
    """Return the fingerprints of topics of the signed-in person's shop, for the page that is about to be read.

    Taken before the rows are read, they are never newer than what the page shows.
    """
    door: Door = current_app.extensions["pakka_live"]
    shop = me().shop
    return door.look(shop.id, topics) if shop else {}


def region(topic: str, make: Callable[[], str], *about: object, told: str | None = None) -> Markup:
    """Return a part of a page that shows at least what its reader was told of a topic; others may get the same part.

    What the reader was `told` comes along with a fetch of news; a page that is opened says what it will be told.

    It looks the same to all of a shop who have the same role, language and `about`. Two hundred people who look at a
    busy list let the server make it about once a second, instead of once for each of them or for each change.
    """
    door: Door = current_app.extensions["pakka_live"]
    kept: dict[Any, tuple[float, float, Markup]] = current_app.extensions.setdefault("pakka_regions", {})
    shop = my_shop()
    if told is None:
        told = parse_qs(request.headers.get(TOLD, "")[:500]).get(topic, [""])[0]
    key = (shop, me().role, str(get_locale()), *about)
    with _MAKING[hash(key) % len(_MAKING)]:
        until, begun, part = kept.get(key, (-math.inf, -math.inf, Markup()))
        if door.since(shop.id, topic, told) > begun or time.monotonic() >= until:
            begun = time.monotonic()
            # To the end of the minute, because words such as "waits 5 min" age by themselves.
            until = begun + 60 - time.time() % 60
            part = Markup(make())  # noqa: S704  # A template's own words.
            _forget(kept, _REGIONS)
            kept[key] = (until, begun, part)
    return part


@contextmanager
def _turn(turns: Semaphore) -> Iterator[None]:
    """Wait until it is one's turn, or for as long as is bearable.

    What pages ask and fetch by themselves comes in crowds. Taken all at once it would leave no processor time to
    webhooks and to what people do, and everything in the crowd would be late instead of half of it.
    """
    got = turns.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        if got:
            turns.release()


def _forget(kept: dict[Any, Any], most: int = _KEPT) -> None:
    """Keep few entries: those past their time, with which each begins, go first, then the eldest."""
    if len(kept) > most:
        at = time.monotonic()
        for key in [key for key, value in list(kept.items()) if value[0] < at]:
            kept.pop(key, None)
        for key in list(kept)[: max(0, len(kept) - most)]:
            kept.pop(key, None)


# One statement per topic, in SQL that both databases speak: these are by far the most frequent queries of the console.
# Each of them names the merchant itself. The last bubbles are summed up with a weight for each status and place, so
# that any tick that moves changes the sum.
_TICKS = """
    (select sum((1 + m.seq % 17) * case m.status
        when 'queued' then 1 when 'sending' then 2 when 'unknown' then 3 when 'held' then 5 when 'sent' then 11
        when 'delivered' then 23 when 'read' then 47 when 'played' then 95 when 'failed' then 191
        when 'refused' then 383 when 'cancelled' then 767 else 0 end)
     from message m where m.conversation_id = c.id and m.seq > c.seq - 12)"""
_TALK = f"c.id, c.owner, c.agent_id, c.epoch, c.seq, c.snoozed_until, {_TICKS}"


def _of_some(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("ids", expanding=True))


_STATEMENTS = {
    # The newest few and not only the newest: a transaction that took longer appears behind a younger one.
    "orders": text("select id, updated_at from orders where merchant_id = :merchant order by updated_at desc limit 20"),
    "uploads": text("select id, status, done from upload where merchant_id = :merchant order by id desc limit 20"),
    "reviews": text("select count(*), max(updated_at), max(id) from review where merchant_id = :merchant"),
    "upload": _of_some("select id, status, done, touched_at from upload where merchant_id = :merchant and id in :ids"),
    "queue": text(
        "select h.id, h.assigned_to, c.seq, c.epoch, c.owner, c.snoozed_until from handover h"
        " join conversation c on c.id = h.conversation_id"
        " where h.merchant_id = :merchant and h.resolved_at is null order by h.id desc limit 200"
    ),
    "order": _of_some(
        f"select o.id, o.updated_at, {_TALK}, (select max(a.version) from address a where a.order_id = o.id),"  # noqa: S608
        " (select count(*) * 1000 + count(h.resolved_at) from handover h where h.order_id = o.id)"
        " from orders o left join run r on r.order_id = o.id left join conversation c on c.id = r.conversation_id"
        " where o.merchant_id = :merchant and o.id in :ids order by o.id, r.id"
    ),
    "conversation": _of_some(
        f"select {_TALK} from conversation c where c.id in :ids and ("  # noqa: S608
        " exists (select 1 from run r where r.conversation_id = c.id and r.merchant_id = :merchant)"
        " or exists (select 1 from handover h where h.conversation_id = c.id and h.merchant_id = :merchant))"
    ),
}

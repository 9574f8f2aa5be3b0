"""Live pages: each open page is told, within a second, whether what it shows has changed.

It is told a short fingerprint per topic, taken from the rows themselves. Nothing has to announce a change, nothing is
lost when Redis is emptied or a process is restarted, and no thread waits. A page that is looked at has a stream of
events (`bot.web.streams`); one in the background, behind a proxy that lets no stream through or on another server than
gunicorn asks every second or so instead. The question is answered before Flask begins its work on a request.
"""

import hashlib
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.cookies import CookieError, SimpleCookie
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import structlog
from flask import Flask, current_app, request
from flask_babel import get_locale
from markupsafe import Markup
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import now
from bot.services import Services
from bot.web import sessions, streams
from bot.web.access import SHOP, cookie_name_of, is_complete, me, my_shop
from bot.web.streams import Print

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

ADDRESS = "/live"
TOLD = "Live-Told"
"""Header of a page that fetches news: how many seconds ago the server saw what it told of each topic, as a query
string. A page counts the seconds since it was told itself, so that no two clocks need to agree."""
FRESH = 0.25
"""Seconds for which a fingerprint is given to others who ask for the same."""
_BUSY, _CALMER = 6.0, 16
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
_AGE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
_KEPT = 5000
_REGIONS = 200
"""Parts of pages that are kept: some tens of kilobytes each."""
_MAKING = [Lock() for _ in range(16)]
"""One of those who want the same new part makes it, the others wait for it."""


class Door:
    """Answers `GET /live?t=<topic>&t=...` and lets every other request through.

    304 when the topics are as the page knows them (If-None-Match), 200 with a fingerprint for each, 401 when nobody
    is signed in, 503 when the database is away. A browser that asks for a stream of events, and with "k=<mark>" for
    each topic says which one it knows, gets each new one in such a stream where the server gives connections away.

    Topics are "orders", "uploads", "queue", "reviews", "order:<id>", "upload:<id>" and "conversation:<id>"; those of
    another merchant look as if there were nothing.
    """

    def __init__(self, behind: "WSGIApplication", services: Services) -> None:
        """Stand before the application `behind`."""
        self._behind = behind
        self._services = services
        self._cookie = cookie_name_of(services.settings)
        self._kept: dict[tuple[int, str], tuple[float, Print]] = {}
        self._people: dict[str, tuple[float, int]] = {}
        self._asking, self._fetching = _Turns(1), _Turns(2)
        self._streams = streams.Streams(self.look)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer, or pass on."""
        if environ.get("REQUEST_METHOD") != "GET":
            try:
                with self._fetching.first():
                    return self._behind(environ, start_response)
            finally:
                self._look_anew(environ.get("HTTP_COOKIE", ""))
        if environ.get("PATH_INFO") != ADDRESS:
            with self._fetching.afterwards() if _TOLD_KEY in environ else self._fetching.first():
                return self._behind(environ, start_response)
        with self._asking.afterwards():
            try:
                status, etag, body = self._answer(environ)
            except SQLAlchemyError as error:
                log.warning("live.unanswered", kind=type(error).__name__)
                status, etag, body = "503 Service Unavailable", "", b""
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("ETag", etag),
        ]
        start_response(status, headers if status.startswith("200") else headers[1:-1])
        return [body]

    def look(self, merchant_id: int, topics: Iterable[str], *, anew: bool = False) -> dict[str, Print]:
        """Return the fingerprints of a merchant's topics; those that do not exist are left out."""
        at = time.monotonic()
        answers, unknown = {}, []
        for topic in topics:
            kept = self._kept.get((merchant_id, topic))
            if kept is not None and kept[0] > at and not anew:
                answers[topic] = kept[1]
            elif _TOPIC.fullmatch(topic):
                unknown.append(topic)
        if unknown:
            _forget(self._kept)
            read = self._read(merchant_id, self._watched(merchant_id, unknown, at))
            seen = time.monotonic()
            for topic, mark in read.items():
                before = self._kept.get((merchant_id, topic))
                fresh = before[1] if before is not None and before[1].mark == mark else Print(mark, seen)
                busy = before is not None and ":" not in topic and seen - fresh.since < _BUSY
                # At the same moments in all processes: a list that one makes then does for what another told.
                span = FRESH * (_CALMER if busy else 1)
                self._kept[merchant_id, topic] = (at + span - time.time() % span, fresh)
                if topic in unknown:
                    answers[topic] = fresh
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
        for (shop, topic), (until, _print) in list(self._kept.items()):
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
        """Look again for whose person has just done something: they want to see it at once."""
        if (known := self._people.get(cookies)) is not None:
            for key, (_until, found) in list(self._kept.items()):
                if key[0] == known[1]:
                    self._kept[key] = (0.0, found)
            self._streams.hurry()

    def _answer(self, environ: "WSGIEnvironment") -> tuple[str, str, bytes]:
        merchant_id = self._merchant_of(environ.get("HTTP_COOKIE", ""))
        if merchant_id is None:
            return "401 Unauthorized", "", b""
        asked = parse_qs(environ.get("QUERY_STRING", "")[:2000], errors="replace")
        topics = asked.get("t", [])[:_TOPICS]
        if streams.wanted(environ) and streams.possible(environ) and self._streams.has_room():
            self._streams.take(environ, merchant_id, dict(zip(topics, asked.get("k", []), strict=False)))
        found = self.look(merchant_id, topics)
        marks = repr(sorted((topic, one.mark) for topic, one in found.items()))
        etag = hashlib.blake2b(marks.encode(), digest_size=8).hexdigest()
        if environ.get("HTTP_IF_NONE_MATCH") == etag:
            return "304 Not Modified", "", b""
        return "200 OK", etag, streams.words(found)

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
    return {topic: found.mark for topic, found in door.look(shop.id, topics).items()} if shop else {}


def region(topic: str, make: Callable[[], str], *about: object, at_hand: bool = False) -> Markup:
    """Return a part of a page that shows at least what its reader was told of a topic; others may get the same part.

    A fetch of news says how long ago it was told them. Everyone else gets what is true now, or, when `at_hand` will do,
    what the page's `state` tells.

    It looks the same to all of a shop who have the same role, language and `about`. Two hundred people who look at a
    busy list let the server make it once in some seconds, instead of once for each of them or for each change.
    """
    door: Door = current_app.extensions["pakka_live"]
    kept: dict[Any, tuple[float, float, Markup]] = current_app.extensions.setdefault("pakka_regions", {})
    shop = my_shop()
    age = parse_qs(request.headers.get(TOLD, "")[:500]).get(topic, [""])[0]
    if _AGE.fullmatch(age):
        since = time.monotonic() - float(age)
    else:
        since = door.look(shop.id, [topic], anew=not at_hand)[topic].since
    key = (shop, me().role, str(get_locale()), *about)
    with _MAKING[hash(key) % len(_MAKING)]:
        until, begun, part = kept.get(key, (-math.inf, -math.inf, Markup()))
        if since > begun or time.monotonic() >= until:
            begun = time.monotonic()
            # To the end of the minute, because words such as "waits 5 min" age by themselves.
            until = begun + 60 - time.time() % 60
            part = Markup(make())  # noqa: S704  # A template's own words.
            _forget(kept, _REGIONS)
            kept[key] = (until, begun, part)
    return part


class _Turns:
    """Lets what people and Meta ask for go first.

    What pages fetch by themselves comes in crowds. Taken at once it would leave no processor time to the others, and
    everything in the crowd would be late instead of half of it.
    """

    def __init__(self, most: int) -> None:
        """Let so many of the crowd in at once."""
        self._most = most
        self._first, self._crowd = 0, 0
        self._changed = Condition()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Do something that somebody waits for."""
        with self._changed:
            self._first += 1
        try:
            yield
        finally:
            with self._changed:
                self._first -= 1
                self._changed.notify_all()

    @contextmanager
    def afterwards(self) -> Iterator[None]:
        """Do something when nobody waits, or when it has been put off for as long as is bearable."""
        with self._changed:
            self._changed.wait_for(lambda: not self._first and self._crowd < self._most, _PATIENCE)
            self._crowd += 1
        try:
            yield
        finally:
            with self._changed:
                self._crowd -= 1
                self._changed.notify_all()


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

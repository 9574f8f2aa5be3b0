"""Live pages: each open page asks, about once a second, whether what it shows has changed.

An answer is a short fingerprint per topic, taken from the rows themselves. Nothing has to announce a change, nothing
is lost when Redis is emptied or a process is restarted, any server and any proxy will do, and no thread waits. Fewer
than a second passes before a page is up to date; two hundred open pages cost a tenth of a core.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, request
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from bot.clock import now
from bot.models import AddressVersion, Conversation, Handover, Message, Order, Run, Upload
from bot.services import services
from bot.web import sessions, tenant
from bot.web.access import SHOP, cookie_name, me, own_access
from bot.web.protection import limiter

blueprint = Blueprint("live", __name__)

FRESH = 0.25
"""Seconds for which a fingerprint is given to others who ask for the same."""
TRUST = 5.0
"""Seconds for which a sign-in is not looked up again here: what is answered tells nothing of what a row holds."""
_TOPICS = 8
_KEPT = 5000

_fingerprints: dict[tuple[int, str], tuple[float, str]] = {}
_people: dict[str, tuple[float, int]] = {}


def state(*topics: str) -> dict[str, str]:
    """Return the fingerprints of topics of the signed-in person's shop, for the page that is about to be read.

    Taken before the rows are read, they are never newer than what the page shows. Topics are "orders", "uploads",
    "queue", "order:<id>", "upload:<id>" and "conversation:<id>".
    """
    shop = me().shop
    return _look(shop.id, topics) if shop else {}


@blueprint.get("/live")
@own_access
@limiter.exempt
def look() -> Response:
    """Answer 304 when the topics are as the page knows them, or their fingerprints."""
    merchant_id = _merchant_of(request.cookies.get(cookie_name(), ""))
    if merchant_id is None:
        return Response(status=401)
    body = orjson.dumps(_look(merchant_id, request.args.getlist("t")[:_TOPICS]))
    etag = hashlib.blake2b(body, digest_size=8).hexdigest()
    if request.headers.get("If-None-Match") == etag:
        return Response(status=304)
    return Response(body, mimetype="application/json", headers={"ETag": etag})


def _merchant_of(token: str) -> int | None:
    at = time.monotonic()
    known = _people.get(token)
    if known is not None and known[0] > at:
        return known[1]
    if not token:
        return None
    with services().database.reader() as session:
        found = sessions.find(session, token, now())
    if found is None or not found[0].second_factor or found[0].role not in SHOP or found[0].shop is None:
        _people.pop(token, None)
        return None
    if found[1]:
        with services().database.session() as session:
            sessions.saw(session, found[0].session_id, now())
    _forget(_people)
    _people[token] = (at + TRUST, found[0].shop.id)
    return found[0].shop.id


def _look(merchant_id: int, topics: Iterable[str]) -> dict[str, str]:
    at = time.monotonic()
    answers, unknown = {}, []
    for topic in topics:
        kept = _fingerprints.get((merchant_id, topic))
        if kept is not None and kept[0] > at:
            answers[topic] = kept[1]
        else:
            unknown.append(topic)
    if unknown:
        _forget(_fingerprints)
        with tenant.reading(merchant_id) as session:
            for topic in unknown:
                kind, _, number = topic.partition(":")
                if kind in _READERS and (number.isdigit() and len(number) < 19 if number else kind in _LISTS):
                    rows = _READERS[kind](session, merchant_id, int(number or 0))
                    answers[topic] = hashlib.blake2b(repr(rows).encode(), digest_size=6).hexdigest()
                    _fingerprints[merchant_id, topic] = (at + FRESH, answers[topic])
    return answers


def _forget(kept: dict[Any, tuple[float, Any]]) -> None:
    if len(kept) > _KEPT:
        at = time.monotonic()
        for key in [key for key, value in list(kept.items()) if value[0] < at]:
            kept.pop(key, None)


# The newest few rows and not only the newest time: a transaction that took longer may appear behind a younger one.


def _orders(session: Session, merchant_id: int, _id: int) -> Any:
    return session.exec(
        select(Order.id, Order.updated_at)
        .where(Order.merchant_id == merchant_id)
        .order_by(col(Order.updated_at).desc())
        .limit(20)
    ).all()


def _uploads(session: Session, _merchant_id: int, _id: int) -> Any:
    return session.exec(select(Upload.id, Upload.status, Upload.done).order_by(col(Upload.id).desc()).limit(20)).all()


def _queue(session: Session, merchant_id: int, _id: int) -> Any:
    return session.execute(
        sql_select(
            col(Handover.id),
            col(Handover.assigned_to),
            col(Conversation.seq),
            col(Conversation.owner),
            col(Conversation.snoozed_until),
        )
        .join(Conversation, col(Conversation.id) == Handover.conversation_id)
        .where(col(Handover.merchant_id) == merchant_id, col(Handover.resolved_at).is_(None))
        .order_by(col(Handover.id).desc())
        .limit(200)
    ).all()


def _order(session: Session, merchant_id: int, id: int) -> Any:  # noqa: A002
    talks = session.exec(select(Run.conversation_id).where(Run.order_id == id).distinct().limit(2)).all()
    return (
        session.exec(select(Order.updated_at).where(Order.id == id)).all(),
        session.exec(select(AddressVersion.version).where(AddressVersion.order_id == id)).all(),
        session.exec(select(Handover.id, Handover.resolved_at).where(Handover.order_id == id).limit(20)).all(),
        [_conversation(session, merchant_id, talk) for talk in talks],
    )


def _conversation(session: Session, _merchant_id: int, id: int) -> Any:  # noqa: A002
    return (
        session.exec(
            select(Conversation.owner, Conversation.agent_id, Conversation.epoch, Conversation.snoozed_until)
            .where(Conversation.id == id)
        ).all(),
        session.exec(
            select(Message.id, Message.status)
            .where(Message.conversation_id == id)
            .order_by(col(Message.seq).desc())
            .limit(12)
        ).all(),
    )  # fmt: skip


def _upload(session: Session, _merchant_id: int, id: int) -> Any:  # noqa: A002
    return session.exec(select(Upload.status, Upload.done, Upload.touched_at).where(Upload.id == id)).all()


_LISTS = frozenset({"orders", "uploads", "queue"})
_READERS: dict[str, Callable[[Session, int, int], Any]] = {
    "orders": _orders,
    "uploads": _uploads,
    "queue": _queue,
    "order": _order,
    "upload": _upload,
    "conversation": _conversation,
}

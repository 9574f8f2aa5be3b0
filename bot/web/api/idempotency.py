"""The same call twice does its work once: the answer of the first is kept in the transaction of its work."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress

import orjson
from flask import Response, request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, col, delete, select

from bot.clock import now
from bot.database import insert_once
from bot.models import Idempotency
from bot.web import tenant
from bot.web.api.keys import caller
from bot.web.api.problems import refuse
from bot.web.api.schemas.fields import KEPT_FOR, KEPT_HOURS

Work = Callable[[Session], tuple[int, BaseModel]]
_ATTEMPTS = 3
_AGAIN = {"40001", "40P01"}
_BUSY = "55P03"


def answer(work: Work, material: bytes | None = None) -> Response:
    """Do `work` in a transaction of the caller's merchant and return its answer; once per Idempotency-Key.

    `work` returns status and body. Two calls with one key at the same time wait for each other at the unique row,
    so that the second finds the answer of the first. An error is not kept: the call can be repeated with the same
    key. `material` stands for the body where its bytes differ from try to try (the boundary of a form).
    """
    merchant_id, key = caller().merchant_id, request.headers.get("Idempotency-Key")
    digest = _digest(request.get_data() if material is None else material)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with tenant.writing(merchant_id) as session:
                return _once(session, work, merchant_id, key, digest)
        except IntegrityError:
            # A shopper wrote to us for the first time, or another system made the same order, at the same moment.
            if attempt == _ATTEMPTS:
                raise
        except OperationalError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state == _BUSY:
                refuse(409, "in_progress", "Another call is at work on the same thing: try again in a second.")
            if state not in _AGAIN or attempt == _ATTEMPTS:
                raise
            time.sleep(0.05 * 2**attempt)
    raise AssertionError("unreachable")


def _once(session: Session, work: Work, merchant_id: int, key: str | None, digest: str) -> Response:
    if key is None:
        status, body = work(session)
        return _response(status, body.model_dump_json())
    at = now()
    with tenant.lifted(session):
        session.execute(
            delete(Idempotency).where(
                col(Idempotency.merchant_id) == merchant_id, col(Idempotency.created_at) < at - KEPT_FOR
            )
        )
        row = {"merchant_id": merchant_id, "key": key, "digest": digest, "status": 0, "body": "", "created_at": at}
        new = insert_once(session, Idempotency, [row], "merchant_id", "key")
    kept = session.exec(select(Idempotency).where(Idempotency.key == key)).one()
    if not new:
        if kept.digest != digest:
            detail = f"This Idempotency-Key was used for another call within {KEPT_HOURS} hours: take a new one."
            refuse(422, "idempotency_key_reused", detail)
        response = _response(kept.status, kept.body)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    status, body = work(session)
    kept.status, kept.body = status, body.model_dump_json()
    session.add(kept)
    return _response(status, kept.body)


def _response(status: int, body: str) -> Response:
    return Response(body, status, mimetype="application/json")


def _digest(material: bytes) -> str:
    """Return what tells one call from another: method, path and body, whatever the spaces in its JSON."""
    with suppress(ValueError):
        material = orjson.dumps(orjson.loads(material), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(b"\0".join((request.method.encode(), request.path.encode(), material))).hexdigest()

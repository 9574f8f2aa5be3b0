"""Whether the program is alive, ready, and how it is doing."""

import hmac
from collections.abc import Iterator

import redis
from flask import Blueprint, Response, abort, current_app, jsonify, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import Select, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel, col

from bot.clock import now
from bot.database import revisions
from bot.jobs import QUEUE_OF
from bot.models import Envelope, Event, Handover, Message, Timer
from bot.services import Services, services
from bot.web.access import public
from bot.web.protection import limiter

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
@limiter.exempt
def alive() -> Response:
    """Say that this process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
@limiter.exempt
def ready() -> tuple[Response, int]:
    """Say whether database, schema and Redis are as the program needs them.

    Redis counts as a warning only: without it messages are late by seconds, and nothing is refused.
    """
    checks = {"database": "ok", "schema": "ok", "redis": "ok"}
    try:
        with services().database.reader() as session:
            found, newest = revisions(session)
        if found != newest:
            checks["schema"] = "other than the program's"
    except SQLAlchemyError:
        checks["database"], checks["schema"] = "unreachable", "unknown"
    try:
        services().bell.redis.ping()
    except redis.RedisError:
        checks["redis"] = "unreachable"
    good = checks["database"] == checks["schema"] == "ok"
    return jsonify(status="ok" if good else "not ready", checks=checks), 200 if good else 503


@blueprint.get("/metrics")
@public
@limiter.exempt
def metrics() -> Response:
    """Give Prometheus the figures; to this host itself, or with METRICS_TOKEN as the bearer token."""
    if not _may_measure():
        abort(404)
    registry = CollectorRegistry()
    registry.register(_Figures(services()))
    return current_app.response_class(
        generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _may_measure() -> bool:
    token = services().settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    # Behind a proxy on the same host every caller comes from the loopback address; a proxy gives itself away.
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-Ip"))
    local_name = request.host.rsplit(":", 1)[0] in ("127.0.0.1", "localhost", "[::1]")
    return request.remote_addr in ("127.0.0.1", "::1") and local_name and not forwarded


def _count(model: type[SQLModel]) -> Select[int]:
    return select(func.count()).select_from(model)


class _Figures(Collector):
    """Counts what waits, straight from the tables: right for any number of processes."""

    def __init__(self, of: Services) -> None:
        self._of = of

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("pakka_waiting", "Rows that wait to be worked on", labels=["what"])
        at = now()
        pending = {
            "envelopes": _count(Envelope).where(col(Envelope.handled_at).is_(None)),
            "events": _count(Event).where(col(Event.handled_at).is_(None)),
            "timers_due": _count(Timer).where(col(Timer.fired_at).is_(None), col(Timer.fire_at) <= at),
            "tasks": _count(Handover).where(col(Handover.resolved_at).is_(None)),
        }
        with self._of.database.reader() as session:
            for name, statement in pending.items():
                waiting.add_metric([name], session.execute(statement).scalar_one())
            outbox = GaugeMetricFamily("pakka_outbox", "Messages that are not settled, by status", labels=["status"])
            open_ = ("queued", "sending", "unknown", "held")
            status_of = col(Message.status)
            counted = select(status_of, func.count()).where(status_of.in_(open_)).group_by(status_of)
            for status, count in session.execute(counted).all():
                outbox.add_metric([status], count)
        yield waiting
        yield outbox
        yield from self._queues()

    def _queues(self) -> Iterator[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("pakka_jobs", "Doorbells that no worker has answered", labels=["queue"])
        reached = GaugeMetricFamily("pakka_redis_up", "Whether Redis answers")
        try:
            for name in sorted(set(QUEUE_OF.values())):
                queue = Queue(name, connection=self._of.bell.redis, serializer=JSONSerializer)
                jobs.add_metric([name], queue.count)
            reached.add_metric([], 1)
        except redis.RedisError:
            reached.add_metric([], 0)
        yield jobs
        yield reached

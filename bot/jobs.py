"""Doorbells: wake-up calls for the workers, which carry ids and nothing that could not be found without them."""

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy.orm import Session

from bot.database import after_commit

log = structlog.get_logger()

UNPACK = "workers.inbound.unpack"
DRAIN = "workers.inbound.drain"
DELIVER = "workers.outbound.deliver"
UPLOAD = "workers.uploads.run"
NOTIFY = "workers.outbound.notify_merchants"
QUEUE_OF = {UNPACK: "inbound", DRAIN: "inbound", DELIVER: "outbound", NOTIFY: "notices", UPLOAD: "uploads"}
"""Each queue has workers of its own: RQ loses jobs when a worker that listens on two queues is killed, and a slow
receiver of a merchant's must not keep shoppers waiting."""

JOB_SECONDS = 60
UPLOAD_SECONDS = 900
DOOR_SECONDS = 10
"""How long one ring stands for the rings that follow, when the worker that should answer died."""


class Bell:
    """Rings for workers; a Redis that is down costs seconds, because the clock finds the rows anyway."""

    def __init__(self, redis_url: str) -> None:
        """Prepare for the Redis at `redis_url`; nothing is opened until the first ring."""
        # A web request must not wait for a slow Redis.
        self.redis = redis.Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._queues: dict[str, Queue] = {}

    def ring(self, job: str, *ids: int) -> bool:
        """Ask a worker to run `job` with `ids`, once per burst; return whether a worker was or will be told."""
        door = f"door:{job}:{':'.join(map(str, ids))}"
        try:
            if not self.redis.set(door, 1, nx=True, ex=DOOR_SECONDS):
                return True
            self._queue(QUEUE_OF[job]).enqueue(
                job, *ids, job_timeout=UPLOAD_SECONDS if job == UPLOAD else JOB_SECONDS, result_ttl=0, failure_ttl=3600
            )
        except redis.RedisError as error:
            log.warning("bell.unheard", job=job, error=type(error).__name__)
            return False
        return True

    def open_door(self, job: str, *ids: int) -> None:
        """Let the next ring through; a worker calls this before it looks for rows, so that none is missed."""
        try:
            self.redis.delete(f"door:{job}:{':'.join(map(str, ids))}")
        except redis.RedisError as error:
            log.warning("door.stuck", job=job, error=type(error).__name__)

    def ring_after_commit(self, session: Session, job: str, *ids: int) -> None:
        """Ring once the rows can be seen by others."""

        def ring() -> None:
            self.ring(job, *ids)

        after_commit(session, ring)

    def _queue(self, name: str) -> Queue:
        if name not in self._queues:
            self._queues[name] = Queue(name, connection=self.redis, serializer=JSONSerializer)
        return self._queues[name]

"""A worker process: `python -m workers QUEUE`, one queue each, because RQ loses jobs of workers that listen on two."""

import sys

import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from bot.jobs import QUEUE_OF
from bot.settings import Settings, SettingsError
from workers.context import OtherSchema, configure_logs, require_schema

QUEUES = tuple(dict.fromkeys(QUEUE_OF.values()))


def main(arguments: list[str]) -> int:
    """Work on one queue until SIGTERM; a job that has begun is finished first."""
    if len(arguments) != 1 or arguments[0] not in QUEUES:
        print(f"usage: python -m workers {'|'.join(QUEUES)}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        settings = Settings.from_env()
        require_schema()
    except (SettingsError, OtherSchema) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    configure_logs()
    connection = redis.Redis.from_url(settings.redis_url)
    queue = Queue(arguments[0], connection=connection, serializer=JSONSerializer)
    # The process lives long, so imports, connections and prepared statements outlive a job.
    worker = SimpleWorker(
        [queue], connection=connection, serializer=JSONSerializer, worker_ttl=60, maintenance_interval=30
    )
    worker.work(logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

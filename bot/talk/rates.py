"""How fast we may send: a number's throughput, shared by all senders through Redis."""

import time

import limits
import redis
import structlog
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

log = structlog.get_logger()


class Throttle:
    """Grants sends to numbers; without Redis each process keeps its own count."""

    def __init__(self, redis_url: str) -> None:
        """Prepare for the Redis at `redis_url`."""
        self._shared: MovingWindowRateLimiter | None = None
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url

    def grant(self, phone_number_id: str, per_second: int, wanted: int) -> int:
        """Return how many of `wanted` messages the number may send now."""
        item = limits.RateLimitItemPerSecond(max(1, per_second))
        granted = 0
        while granted < wanted and self._hit(item, phone_number_id):
            granted += 1
        return granted

    def _hit(self, item: limits.RateLimitItem, phone_number_id: str) -> bool:
        try:
            if self._shared is None:
                options = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5} if "redis" in self._url else {}
                self._shared = MovingWindowRateLimiter(storage_from_string(self._url, **options))
            return self._shared.hit(item, "send", phone_number_id)
        except (redis.RedisError, limits.errors.ConfigurationError) as error:
            log.warning("throttle.alone", error=type(error).__name__)
            return self._own.hit(item, "send", phone_number_id)


def pause() -> None:
    """Wait until a number's window has moved on a little."""
    time.sleep(0.05)

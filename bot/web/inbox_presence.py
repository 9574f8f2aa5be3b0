"""Who looks at a conversation, and who types: remembered for seconds, in Redis, as ids.

Nothing depends on it. When Redis is empty or away nobody is shown until the next beat of their page.
"""

from dataclasses import dataclass

import redis
import structlog

from bot.clock import now
from bot.jobs import Bell

log = structlog.get_logger()

BEAT_SECONDS = 3
"""How often an open page tells that it is open."""
FRESH_SECONDS = 10


@dataclass(frozen=True)
class Company:
    """Somebody else at the same conversation."""

    member_id: int
    typing: bool


def beat(bell: Bell, conversation_id: int, member_id: int, *, typing: bool) -> list[Company]:
    """Note that a person is here; return who else is."""
    key, at = f"here:{conversation_id}", int(now().timestamp())
    try:
        with bell.redis.pipeline(transaction=False) as pipe:
            pipe.hset(key, str(member_id), f"{at}:{int(typing)}")
            pipe.expire(key, FRESH_SECONDS * 3)
            pipe.hgetall(key)
            found = pipe.execute()[-1]
    except redis.RedisError as error:
        log.info("presence.unknown", error=type(error).__name__)
        return []
    here = []
    for member, said in found.items():
        seen, _, types = said.decode().partition(":")
        if int(member) != member_id and at - int(seen) <= FRESH_SECONDS:
            here.append(Company(int(member), types == "1"))
    return sorted(here, key=lambda one: one.member_id)

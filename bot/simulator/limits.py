"""The three limits on sending: throughput of a number, rate of a pair, new users of a portfolio in a day."""

from __future__ import annotations

from itertools import islice

DAY = 86_400.0
PAIR_SECONDS = (
    6.0  # one message per six seconds to one user, https://developers.facebook.com/docs/whatsapp/cloud-api/overview
)
PAIR_BURST = 45

TIERS: dict[str, float] = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1_000,
    "TIER_2K": 2_000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": float("inf"),
}


class Throughput:
    """A token bucket of one second's worth of messages, in and out together."""

    def __init__(self) -> None:
        self._tokens: float | None = None
        self._at = 0.0

    def take(self, now: float, per_second: float, force: bool = False) -> bool:
        """Take a token; say False when none is left. Inbound messages are forced: they count but are never refused."""
        if not per_second:
            return True
        tokens = per_second if self._tokens is None else self._tokens
        tokens = min(per_second, tokens + max(0.0, now - self._at) * per_second)
        self._at = now
        if tokens < 1 and not force:
            self._tokens = tokens
            return False
        self._tokens = max(0.0, tokens - 1)
        return True


class PairRate:
    """One message per six seconds to a user, with bursts of 45 that are borrowed from the future."""

    def __init__(self) -> None:
        self.pairs: dict[str, tuple[float, int, float]] = {}

    def take(self, now: float, pair: str) -> bool:
        """Record a message to `pair` and say whether it is allowed."""
        started, count, free_at = self.pairs.get(pair, (0.0, 0, float("-inf")))
        if now >= free_at:
            self.pairs[pair] = (now, 1, now + PAIR_SECONDS)
        elif now - started < PAIR_SECONDS and count < PAIR_BURST:
            self.pairs[pair] = (started, count + 1, started + PAIR_SECONDS * (count + 1))
        else:
            return False
        return True


class NewUsers:
    """Unique users a portfolio wrote to outside an open window in a moving day."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}  # in the order of their times

    def take(self, now: float, user: str, limit: float) -> bool:
        """Count `user` and say whether the portfolio may still write to them."""
        for known, at in list(islice(self.since.items(), 64)):
            if at > now - DAY:
                break
            del self.since[known]
        if user in self.since and self.since[user] > now - DAY:
            return True
        if len(self.since) >= limit and self.count(now) >= limit:
            return False
        self.since.pop(user, None)
        self.since[user] = now
        return True

    def count(self, now: float) -> int:
        """Return how many users count at this moment."""
        return sum(at > now - DAY for at in self.since.values())

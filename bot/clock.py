"""Time: now, opening hours, and quiet hours in the shopper's zone (pure but for `now`)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """Return the present instant, in UTC."""
    return _source() if _source is not None else datetime.now(UTC)


def read_from(source: Callable[[], datetime] | None) -> None:
    """Let this process read another clock, for simulations on a fast one; None gives the real one back."""
    global _source
    _source = source


@dataclass(frozen=True)
class Hours:
    """The span of the day in which we may speak first, such as 09:00 to 21:00.

    It may cross midnight; the same hour twice means round the clock.
    """

    opens: time = time(9)
    closes: time = time(21)

    def is_open(self, moment: datetime) -> bool:
        """Whether the local `moment` (aware) lies inside."""
        at = moment.time().replace(tzinfo=None)
        if self.opens < self.closes:
            return self.opens <= at < self.closes
        return at >= self.opens or at < self.closes

    def next_open(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return `moment`, or the next opening after it, as the wall clock of `zone` shows it (UTC out).

        An opening that a change to summer time skips is moved to the first minute that exists.
        """
        local = moment.astimezone(zone)
        if self.is_open(local):
            return moment.astimezone(UTC)
        day = local.date() if local.time().replace(tzinfo=None) < self.opens else local.date() + timedelta(days=1)
        return at_local(day, self.opens, zone)


def at_local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant at which the wall clock of `zone` shows `day` and `at`, in UTC.

    Of two instants (summer time ends) the first is taken; for none (it begins) the same distance after the gap.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)

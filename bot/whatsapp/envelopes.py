"""Keep what Meta posts, byte for byte, with one commit for all requests that wait at the same moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from threading import Condition
from typing import Any

from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.clock import now
from bot.database import Database
from bot.models import Envelope

MOST_BODIES = 256
MOST_BYTES = 16 * 1024 * 1024


class NotKept(Exception):
    """The database did not take the body: Meta must be asked to post it again."""


@dataclass(eq=False)
class _Waiting:
    body: bytes
    received_at: datetime
    kept: bool = False
    """Set after the commit that holds the row, and never before."""
    settled: bool = False
    """Whether its commit was tried."""
    error: Exception | None = None


class Envelopes:
    """The door of the table `envelope`, shared by the request threads of a process.

    A commit costs a flush to the disk, whether it holds one row or a hundred. So one thread commits for all that
    wait, and those that come meanwhile are the next batch. Nobody returns before the commit that holds their row.
    """

    def __init__(self, database: Database, when_kept: Callable[[], object]) -> None:
        """Write into `database`, and call `when_kept` once after each commit."""
        self._database = database
        self._when_kept = when_kept
        self._changed = Condition()
        self._waiting: list[_Waiting] = []
        self._writing = False

    def keep(self, body: bytes) -> None:
        """Return when `body` is stored for good, now or by an earlier post of the same bytes; else raise NotKept."""
        mine = _Waiting(body, now())
        with self._changed:
            self._waiting.append(mine)
        while batch := self._turn(mine):
            self._write(batch)
        if not mine.kept:
            raise NotKept from mine.error

    def _turn(self, mine: _Waiting) -> list[_Waiting]:
        """Wait until another thread has settled `mine` (no batch), or until it is this thread's turn to write."""
        with self._changed:
            while self._writing and not mine.settled:
                self._changed.wait()
            if mine.settled:
                return []
            self._writing = True
            size, count = 0, 0
            while count < min(len(self._waiting), MOST_BODIES) and (count == 0 or size < MOST_BYTES):
                size += len(self._waiting[count].body)
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            return batch

    def _write(self, batch: list[_Waiting]) -> None:
        kept, problem = False, None
        try:
            with self._database.session() as session:
                session.execute(self._insert(), _rows(batch))
            kept = True
        except Exception as error:  # Whatever it was, every request of the batch must hear of it.
            problem = error
        finally:
            with self._changed:
                for one in batch:
                    one.kept, one.settled, one.error = kept, True, problem
                self._writing = False
                self._changed.notify_all()
        if kept:
            self._when_kept()

    def _insert(self) -> Any:
        insert = insert_sqlite if self._database.is_sqlite else insert_postgresql
        table = Envelope.__table__  # type: ignore[attr-defined]
        return insert(table).on_conflict_do_nothing(index_elements=["sha256"])


def _rows(batch: list[_Waiting]) -> list[dict[str, Any]]:
    rows = [
        {"sha256": sha256(one.body).hexdigest(), "body": one.body, "received_at": one.received_at, "attempts": 0}
        for one in batch
    ]
    # In one order for all processes: two that insert the same bodies crosswise would wait for each other.
    return sorted(rows, key=lambda row: row["sha256"])

"""The database: one engine per process, one transaction per `with session()`, rings after the commit."""

import os
import re
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Engine, any_, create_engine, event, literal, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InternalError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session, SQLModel

from bot.keys import derive
from bot.settings import ROOT, Settings, SettingsError

MIGRATIONS = ROOT / "migrations"
Result = TypeVar("Result")


class Database:
    """An engine that stays safe after a fork, and sessions that commit once or not at all."""

    def __init__(self, url: str, secret_key: str = "") -> None:
        """Prepare for the database at `url`; nothing is opened until the first session.

        Without the program's `secret_key` shoppers can neither be met nor erased: see `bot.talk.stops`.
        """
        self.url = url
        self._stops_key = derive(secret_key, b"pakka/stops") if secret_key else None
        self.is_sqlite = url.startswith("sqlite")
        self._engine: Engine | None = None
        self._pid = 0

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        if self._engine is None or self._pid != os.getpid():
            if self._engine is not None:
                self._engine.dispose(close=False)
            self._engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url)
            self._pid = os.getpid()
        return self._engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session whose work is committed at the end, or rolled back when anything raises.

        Callbacks given to `after_commit` run once the commit is certain. On SQLite the transaction takes the
        write lock at once, because a reader that wants to write later gets SQLITE_BUSY however long it waits.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            session.info["after_commit"] = []
            session.info["is_sqlite"] = self.is_sqlite
            session.info["stops_key"] = self._stops_key
            with session.begin():
                yield session
            for call in session.info["after_commit"]:
                call()

    def repeat(self, work: Callable[[Session], Result], attempts: int = 4) -> Result:
        """Do `work` in a transaction of its own, again when the database aborts it (a deadlock, a lost connection)."""
        for attempt in range(1, attempts + 1):
            try:
                with self.session() as session:
                    return work(session)
            except (OperationalError, InternalError):
                if attempt == attempts:
                    raise
                time.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    @contextmanager
    def reader(self) -> Iterator[Session]:
        """Yield a session that only reads and never blocks a writer."""
        with self._reading() as session:
            yield session

    @contextmanager
    def glance(self) -> Iterator[Session]:
        """Yield a session for a question or two, each of which reads what is committed by itself.

        What every request asks first is asked so: PostgreSQL is spared the two messages of a transaction around it.
        """
        with self._reading(**({} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"})) as session:
            yield session

    @contextmanager
    def _reading(self, **options: str) -> Iterator[Session]:
        engine = self.engine.execution_options(pakka_reads_only=True, **options)
        with Session(engine, expire_on_commit=False, autoflush=False) as session:
            session.info["is_sqlite"] = self.is_sqlite
            yield session
            # A rollback empties the rows it knows of; those that were read are wanted afterwards.
            session.expunge_all()
            session.rollback()


def after_commit(session: OrmSession, call: Callable[[], None]) -> None:
    """Run `call` when the session's transaction was committed, and never when it was rolled back."""
    session.info["after_commit"].append(call)


def row_id(row: SQLModel) -> int:
    """Return the id of a row that was flushed; a row without one is our own mistake."""
    value: int | None = getattr(row, "id", None)
    if value is None:
        raise LookupError(f"{type(row).__name__} was not flushed yet")
    return value


def insert_once(session: OrmSession, table: type[SQLModel], rows: list[dict[str, Any]], *keys: str) -> list[Any]:
    """Insert those of `rows` whose `keys` are not there yet; return the ids of the rows that are new.

    All columns without a default in the database must be given.
    """
    if not rows:
        return []
    insert = sqlite_insert if session.info["is_sqlite"] else postgresql_insert
    statement = insert(table).on_conflict_do_nothing(index_elements=list(keys)).returning(table.id)  # type: ignore[attr-defined]
    return list(session.execute(statement, rows).scalars())


def among(session: OrmSession, column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """Return the condition that a column has one of many values.

    PostgreSQL gets them as one array: a thousand parameters take longer to be written down than to be looked up.
    """
    if session.info["is_sqlite"]:
        return cast("ColumnElement[bool]", column.in_(values))
    return cast("ColumnElement[bool]", column == any_(literal(list(values), ARRAY(column.type))))


LOCK_WAIT = 15
"""Seconds that a writer of SQLite waits for another one: longer than a busy machine needs, shorter than people wait."""


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": LOCK_WAIT, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        cursor = connection.cursor()
        # FULL, not NORMAL: in WAL mode NORMAL may forget committed transactions when the power fails.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={LOCK_WAIT}000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection) -> None:  # type: ignore[no-untyped-def]
        reads_only = connection.get_execution_options().get("pakka_reads_only")
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: str) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,  # What a shopper wrote does not belong in an error's text.
        pool_pre_ping=True,
        # Fifteen at the most: half a dozen processes stay below the hundred that a server allows as it comes.
        pool_size=10,
        max_overflow=5,
        connect_args={
            "connect_timeout": 5,
            "options": "-c lock_timeout=5000 -c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000"
            " -c timezone=UTC",
        },
    )


def upgrade(url: str) -> None:
    """Bring the schema at `url` to the newest revision."""
    from alembic import command

    with Database(url).engine.begin() as connection:
        if not url.startswith("sqlite"):
            # Two releases started at once must not both create tables.
            connection.execute(text("select pg_advisory_xact_lock(72656501)"))
        command.upgrade(_alembic(connection), "head")


def revisions(session: OrmSession) -> tuple[str | None, str | None]:
    """Return the schema's revision and the newest one known; they are equal when the program may start."""
    try:
        found = session.execute(text("select version_num from alembic_version")).scalar_one_or_none()
    except (OperationalError, ProgrammingError):
        found = None
    return found, newest_revision()


@cache
def newest_revision() -> str:
    """Return the revision that this release brings the schema to.

    It is the one that no other stands on. Alembic would say so, too; to import it would be a tenth of a worker's start.
    """
    made, stood_on = set(), set()
    for path in (MIGRATIONS / "versions").glob("*.py"):
        script = path.read_text(encoding="utf-8")
        made |= set(re.findall(r'^revision\b.*= "(\w+)"$', script, re.M))
        stood_on |= set(re.findall(r'^down_revision\b.*= "(\w+)"$', script, re.M))
    [newest] = made - stood_on
    return newest


def _alembic(connection: object):  # type: ignore[no-untyped-def]
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    if sys.argv[1:] != ["upgrade"]:
        sys.exit("usage: python -m bot.database upgrade")
    try:
        upgrade(Settings.from_env().database_url)
    except SettingsError as error:
        sys.exit(str(error))

"""Insert thousands of rows at once: by COPY on PostgreSQL, by one prepared statement on SQLite."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import JSON, func, insert, select, text
from sqlmodel import Session, SQLModel


def next_ids(session: Session, table: type[SQLModel], count: int) -> list[int]:
    """Return ids for new rows of a table.

    SQLite's are safe because a transaction of ours holds the only write lock from its beginning.
    """
    if session.info["is_sqlite"]:
        last = session.execute(select(func.max(table.__table__.c.id))).scalar() or 0  # type: ignore[attr-defined]
        return list(range(last + 1, last + 1 + count))
    sequence = text("select nextval(pg_get_serial_sequence(:table, 'id')) from generate_series(1, :count)")
    return list(session.execute(sequence, {"table": table.__tablename__, "count": count}).scalars())


def insert_rows(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, all with the same keys; columns that are not given get the table's own defaults.

    Rows of tables whose id nothing refers to may leave the id out.
    """
    if not rows:
        return
    rows = [{**defaults_of(table), **row} for row in rows]
    # What the session still holds comes first: the rows may refer to it.
    session.flush()
    if session.info["is_sqlite"]:
        session.execute(insert(table), rows)
        return
    columns = list(rows[0])
    writers = [(name, _writer(table.__table__.c[name].type)) for name in columns]  # type: ignore[attr-defined]
    listed = ", ".join(f'"{name}"' for name in columns)
    driver: Any = session.connection().connection.driver_connection
    statement = f'COPY "{table.__tablename__}" ({listed}) FROM STDIN'
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([write(row[name]) if write else row[name] for name, write in writers])


def _writer(type_: object) -> Callable[[Any], Any] | None:
    return _json if isinstance(type_, JSON) else None


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


_known: dict[type[SQLModel], dict[str, Any]] = {}


def defaults_of(table: type[SQLModel]) -> dict[str, Any]:
    """Return the defaults of a table's columns: they live in Python, where COPY does not see them."""
    if table not in _known:
        _known[table] = {
            name: field.get_default(call_default_factory=True)
            for name, field in table.model_fields.items()
            if name != "id" and not field.is_required()
        }
    return _known[table]

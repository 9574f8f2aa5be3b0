"""Column types that behave alike on PostgreSQL and SQLite."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UTCDateTime(TypeDecorator[datetime]):
    """Store aware datetimes as UTC and give them back aware, because SQLite drops time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values: an hour of doubt is a prompt at night."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every instant its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""JSON columns are replaced whole; an edit in place is silently lost."""


def moment(*, nullable: bool = True, index: bool = False) -> Column[Any]:
    """Declare a column for an instant."""
    return Column(UTCDateTime(), nullable=nullable, index=index)


def string(*, nullable: bool = False, index: bool = False) -> Column[Any]:
    """Declare a column for text of any length."""
    return Column(Text(), nullable=nullable, index=index)


def money(*, nullable: bool = False) -> Column[Any]:
    """Declare a column for an amount in minor units: rupiahs and dongs outgrow 32 bits."""
    return Column(BigInteger(), nullable=nullable)


def document(*, nullable: bool = False) -> Column[Any]:
    """Declare a column for a JSON value."""
    return Column(Json, nullable=nullable)


def foreign(target: str, *, nullable: bool = False, index: bool = True) -> Column[Any]:
    """Declare a foreign key to `table.id`."""
    return Column(ForeignKey(target), nullable=nullable, index=index)


def one_of(table: str, column: str, values: tuple[str, ...]) -> CheckConstraint:
    """Hold a column to a closed set in the database, because SQLModel does not validate table models."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"ck_{table}_{column}")

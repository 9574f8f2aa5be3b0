"""The schema: migrations make what the models say, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from bot.database import MIGRATIONS, Database, newest_revision


def test_the_newest_revision_is_the_one_that_alembic_would_go_to() -> None:
    assert newest_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_migrations_make_what_the_models_say(database_url: str) -> None:
    with Database(database_url).engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": False}), SQLModel.metadata
        )
    assert differences == []

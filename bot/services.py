"""What a process needs to work: made once by `app.py` or a worker, handed to whoever needs it."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from bot.database import Database
from bot.jobs import Bell
from bot.settings import Settings


@dataclass(frozen=True)
class Services:
    """Settings, the database and the doorbell of this process."""

    settings: Settings
    database: Database
    bell: Bell

    @classmethod
    def from_settings(cls, settings: Settings) -> "Services":
        """Make them; nothing is opened until it is used."""
        return cls(settings, Database(settings.database_url), Bell(settings.redis_url))


def services() -> Services:
    """Return those of the running Flask application."""
    return cast(Services, current_app.extensions["pakka"])

"""What a process needs to work: made once by `app.py` or a worker, handed to whoever needs it."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from bot.database import Database
from bot.jobs import Bell
from bot.settings import Settings
from bot.talk.proposing import make_proposer
from bot.understanding.proposals import Proposer


@dataclass(frozen=True)
class Services:
    """Settings, the database and the doorbell of this process, and who is asked about words nobody here understood."""

    settings: Settings
    database: Database
    bell: Bell
    proposer: Proposer | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Services":
        """Make them; nothing is opened until it is used."""
        database = Database(settings.database_url, settings.secret_key)
        return cls(settings, database, Bell(settings.redis_url), make_proposer(settings))


def services() -> Services:
    """Return those of the running Flask application."""
    return cast(Services, current_app.extensions["pakka"])

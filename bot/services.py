"""What a process needs to work: made once by `app.py` or a worker, handed to whoever needs it."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from bot.database import Database
from bot.jobs import Bell
from bot.settings import Settings
from bot.talk.proposing import Translator, make_model
from bot.understanding.proposals import Proposer


@dataclass(frozen=True)
class Services:
    """Settings, the database and the doorbell of this process, and who is asked about words nobody here understood.

    The proposer says what the bot could make of them, the translator what they are in an agent's language.
    """

    settings: Settings
    database: Database
    bell: Bell
    proposer: Proposer | None = None
    translator: Translator | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Services":
        """Make them; nothing is opened until it is used."""
        database = Database(settings.database_url, settings.secret_key)
        model = make_model(settings)
        return cls(settings, database, Bell(settings.redis_url), model, model)


def services() -> Services:
    """Return those of the running Flask application."""
    return cast(Services, current_app.extensions["pakka"])

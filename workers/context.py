"""What the jobs of a worker process share; made at the first job, kept for the next."""

import logging
from functools import cache

import structlog

from bot.database import revisions
from bot.services import Services
from bot.settings import Settings
from bot.talk.rates import Throttle
from bot.whatsapp.client import Client


@cache
def services() -> Services:
    """The services of this process."""
    return Services.from_settings(Settings.from_env())


@cache
def client() -> Client:
    """The one client, with its kept-alive connections."""
    settings = services().settings
    return Client(settings.graph_api_url, settings.graph_api_version, settings.whatsapp_token)


@cache
def throttle() -> Throttle:
    """The rate buckets."""
    return Throttle(services().settings.redis_url)


class OtherSchema(Exception):
    """The database has another revision than this program was written for."""


def require_schema() -> None:
    """Refuse to work on a schema that the program does not know: half-understood rows are lost rows."""
    with services().database.reader() as session:
        found, newest = revisions(session)
    if found != newest:
        raise OtherSchema(f"the database has revision {found}, not {newest}: run `python -m bot.database upgrade`")


def configure_logs() -> None:
    """One JSON line per event: ids and codes, never words, numbers or addresses."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )

"""The API for merchants' systems, `/api/v1`."""

from flask_openapi3 import OpenAPI

from bot.web.api import reference
from bot.web.api.problems import of_validation

INFO = reference.INFO


def install(app: OpenAPI) -> None:
    """Put the API and its reference into the application."""
    reference.install(app)


__all__ = ["INFO", "install", "of_validation"]

"""The console's own languages."""

from flask import Flask, request
from flask_babel import Babel

from bot.settings import ROOT
from bot.web.access import someone

LANGUAGES = {"en": "English", "hi": "हिन्दी"}
COOKIE = "language"


def install(app: Flask) -> None:
    """Choose the language and the time zone of each answer."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "bot" / "web" / "translations")
    Babel(app, locale_selector=choose, timezone_selector=_timezone)


def choose() -> str:
    """Return the person's language, or the one the browser asks for."""
    person = someone()
    wanted = person.locale if person else request.cookies.get(COOKIE, "")
    return wanted if wanted in LANGUAGES else (request.accept_languages.best_match(list(LANGUAGES)) or "en")


def _timezone() -> str | None:
    person = someone()
    return person.shop.timezone if person and person.shop else None

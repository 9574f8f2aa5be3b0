"""The console's own languages."""

import os
from datetime import tzinfo
from pathlib import Path
from typing import Any

import structlog
from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, g, request
from flask_babel import Babel, get_locale, get_timezone, get_translations

from bot.settings import ROOT
from bot.web.access import someone

log = structlog.get_logger()

TRANSLATIONS = ROOT / "bot" / "web" / "translations"
LANGUAGES = {"en": "English", "hi": "हिन्दी"}
COOKIE = "language"


def install(app: Flask) -> None:
    """Choose the language and the time zone of each answer."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    for catalogue in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"):
        _compile(catalogue)
    Babel(app, locale_selector=choose, timezone_selector=_timezone)
    # Asked for once per answer: to ask for the language again at each word took a sixth of a long conversation's page.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # The extension adds it.
        lambda text: _translations().ugettext(text),
        lambda one, many, number: _translations().ungettext(one, many, number),
        newstyle=True,
    )


def place() -> tuple[Locale, tzinfo]:
    """Return the language and the time zone of this answer."""
    if "place" not in g:
        g.place = get_locale() or Locale("en"), get_timezone()
    found: tuple[Locale, tzinfo] = g.place
    return found


def _translations() -> Any:
    if "translations" not in g:
        g.translations = get_translations()
    return g.translations


def choose() -> str:
    """Return the person's language, or the one the browser asks for."""
    person = someone()
    wanted = person.locale if person else request.cookies.get(COOKIE, "")
    return wanted if wanted in LANGUAGES else (request.accept_languages.best_match(list(LANGUAGES)) or "en")


def _timezone() -> str | None:
    person = someone()
    return person.shop.timezone if person and person.shop else None


def _compile(catalogue: Path) -> None:
    """Write the file that gettext reads, when it is not there or older; nobody has to remember to."""
    target = catalogue.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime_ns >= catalogue.stat().st_mtime_ns:
        return
    passing = target.with_suffix(f".{os.getpid()}")
    try:
        with catalogue.open("rb") as source, passing.open("wb") as out:
            write_mo(out, read_po(source, locale=catalogue.parts[-3]))
        # In one step, because several processes start at once.
        passing.replace(target)
    except OSError as error:
        log.warning("language.missing", language=catalogue.parts[-3], error=type(error).__name__)

"""Error answers: a page in the product's look for people, problem+json for programs, a line for scripts."""

from typing import cast

import structlog
from flask import Flask, current_app, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from bot.web.api.problems import problem

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Answer every error."""
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(Exception, _crashed)


def _words(code: int) -> tuple[str, str]:
    known = {
        400: (_("This cannot be read"), _("What your browser sent is not complete. Go back and try once more.")),
        401: (_("Please sign in"), _("Your sign-in has ended. Sign in again to go on.")),
        403: (_("Not allowed"), _("Your role does not open this page. The owner of the shop can change that.")),
        404: (_("Nothing here"), _("The page does not exist, or belongs to somebody else.")),
        405: (_("Not possible here"), _("This page cannot be called in that way.")),
        408: (_("Too slow"), _("Your connection was too slow. Nothing was changed; try once more.")),
        413: (_("Too big"), _("The file or form is larger than we take. Split it and send the parts.")),
        415: (_("Wrong kind of file"), _("This kind of file cannot be read here.")),
        429: (_("Slow down"), _("That was often in a short time. Wait a moment and try once more.")),
        503: (_("Back in a moment"), _("The database cannot be reached. Nothing was lost; try again in a minute.")),
    }
    fallback = (
        _("Something broke"),
        _("That is our fault, and it was written down. Nothing you entered was half-saved."),
    )
    return known.get(code, fallback)


def _forged(error: CSRFError) -> Response:
    title = _("Please send it again")
    text = _("The page was open too long, or you have signed in again since. Reload it and send it once more.")
    return _page(403, title, text)


def _answer(error: HTTPException) -> Response:
    if error.response is not None:
        return cast(Response, error.response)
    code = error.code or 500
    title, text = _words(code)
    response = _page(code, title, text)
    headers = [(k, v) for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")]
    response.headers.extend(headers)
    return response


def _crashed(error: Exception) -> Response:
    from sqlalchemy.exc import OperationalError

    if isinstance(error, OperationalError):
        # The text of a database error may hold the row; its kind is enough.
        log.error("database.unreachable", kind=type(error.orig).__name__)
        return _page(503, *_words(503))
    log.exception("request.crashed", route=str(request.url_rule), kind=type(error).__name__)
    return _answer(InternalServerError())


def _page(code: int, title: str, text: str) -> Response:
    if request.path.startswith("/api/"):
        return problem(code)
    if "HX-Request" in request.headers or request.accept_mimetypes.best == "application/json":
        return current_app.response_class(f"{title}. {text}", status=code, mimetype="text/plain")
    return current_app.response_class(render_template("error.html", code=code, title=title, text=text), status=code)

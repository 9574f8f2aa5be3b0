"""The blueprint of `/api/v1`: who may call, in what form, and how often."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from flask import Flask, current_app, request
from flask_openapi3 import APIBlueprint
from werkzeug.exceptions import BadRequest

from bot.web.api import keys
from bot.web.api.problems import refuse
from bot.web.protection import limiter

PREFIX = "/api/v1"
RATE = "600 per minute"
SCOPE = "pakka_scope"

View = TypeVar("View", bound=Callable[..., Any])

blueprint = APIBlueprint("api", __name__, url_prefix=PREFIX)
limiter.limit(RATE, key_func=keys.who)(blueprint)


def needs(scope: str) -> Callable[[View], View]:
    """Let only keys with this scope call a view."""
    if scope not in keys.SCOPES:
        raise ValueError(f"{scope!r} is no scope")

    def mark(view: View) -> View:
        setattr(view, SCOPE, scope)
        return view

    return mark


def body_kind(view: Callable[..., Any]) -> str:
    """Return what a view takes: json, form, or nothing."""
    hints = get_type_hints(inspect.unwrap(view))
    return "json" if "body" in hints else "form" if "form" in hints else ""


def check_scopes(app: Flask) -> None:
    """Refuse to start with a call that needs no scope: it would be open to every key."""
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{blueprint.name}.") and not hasattr(view, SCOPE):
            raise LookupError(f"nobody said which scope {endpoint} needs: mark it with needs(...)")


@blueprint.before_request
def _admit() -> None:
    """Know the caller before anything of the call is looked at."""
    keys.refuse_in_address()
    caller = keys.caller()
    view = current_app.view_functions[request.endpoint or ""]
    scope = getattr(view, SCOPE)
    if scope not in caller.scopes:
        refuse(403, "scope_missing", f"This key lacks the scope {scope}.")
    if request.method in ("POST", "PATCH", "PUT"):
        _check_body(body_kind(view))


def _check_body(kind: str) -> None:
    if kind == "form" and request.mimetype != "multipart/form-data":
        refuse(415, detail="Send multipart/form-data with the file.")
    if kind != "json":
        return
    if not request.is_json:
        refuse(415)
    try:
        body = request.get_json()
    except (BadRequest, RecursionError):
        refuse(400, "not_json", "The body is not JSON.")
    if not isinstance(body, dict):
        refuse(422, "invalid", errors=[{"field": "", "code": "object", "reason": "The body has to be an object."}])

"""Errors of the API: problem+json (RFC 9457), with a code for programs and a sentence for people."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn

import orjson
from flask import Response, abort
from pydantic import ValidationError
from werkzeug.datastructures import WWWAuthenticate

MEDIA_TYPE = "application/problem+json"

_DETAILS = {
    400: "The request cannot be read.",
    401: "Send a key in the Authorization header: Authorization: Bearer pakka_...",
    403: "This key may not do that.",
    404: "There is no such thing, or it is not yours.",
    405: "This address does not take this method; the Allow header names those it takes.",
    413: "The body is too big.",
    415: "Send application/json.",
    422: "Something in the request is not as it has to be; errors names it.",
    429: "Too many requests: wait for the seconds that Retry-After says.",
    503: "The database cannot be reached. Nothing was changed; try again in a minute.",
}


def problem(
    status: int, code: str = "", detail: str = "", *, errors: Sequence[Mapping[str, Any]] = (), **more: Any
) -> Response:
    """Make an answer that says what was wrong, where, and what to do."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code or title.lower().replace(" ", "_"),
        "detail": detail or _DETAILS.get(status, "Something broke on our side. Nothing was half-saved."),
    }
    if errors:
        body["errors"] = list(errors)
    response = Response(orjson.dumps({**body, **more}), status, mimetype=MEDIA_TYPE)
    if status == 401:
        response.www_authenticate = WWWAuthenticate("bearer", {"realm": "Pakka"})
    return response


def refuse(
    status: int, code: str = "", detail: str = "", *, errors: Sequence[Mapping[str, Any]] = (), **more: Any
) -> NoReturn:
    """End the request with a problem; what the transaction did is rolled back."""
    abort(problem(status, code, detail, errors=errors, **more))


def of_validation(error: ValidationError) -> Response:
    """Say which fields are not as the reference says they have to be; their values stay out of it."""
    errors = [
        {
            "field": ".".join(str(part) for part in one["loc"]),
            "code": one["type"],
            "reason": one["msg"],
        }
        for one in error.errors(include_url=False, include_context=False, include_input=False)[:50]
    ]
    return problem(422, "invalid", errors=errors)

"""Where Meta posts: check the signature over the raw bytes, store them, ring, answer. Nothing is parsed here.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
"""

import hmac

import structlog
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.jobs import UNPACK
from bot.services import services
from bot.whatsapp.envelopes import Envelopes, NotKept

MOST_BYTES = 4 * 1024 * 1024
"""Meta posts up to 3 MB."""

blueprint = Blueprint("whatsapp", __name__)
log = structlog.get_logger()


@blueprint.get("/webhooks/whatsapp")
def verify() -> Response:
    """Answer Meta's challenge when it knows our verify token."""
    token = services().settings.whatsapp_verify_token
    given = {name: request.args.getlist(name) for name in ("hub.mode", "hub.verify_token", "hub.challenge")}
    if not token or any(len(values) != 1 for values in given.values()):
        return _answer(403)
    known = hmac.compare_digest(given["hub.verify_token"][0].encode(), token.encode())
    if not known or given["hub.mode"][0] != "subscribe":
        return _answer(403)
    return _answer(200, given["hub.challenge"][0])


@blueprint.post("/webhooks/whatsapp")
def receive() -> Response:
    """Store a signed body and answer 200; 401 for any other, 413 for too long a one, 503 when it cannot be stored.

    A signed body that makes no sense is stored as well: any other answer would bring it back for a week.
    """
    body = _body()
    if body is None:
        log.warning("webhook.refused", reason="too long")
        # What is left of the body is not read, so nothing else may follow on this connection.
        return _answer(413, headers={"Connection": "close"})
    if not is_signed(body, request.headers.get("X-Hub-Signature-256", ""), services().settings.app_secrets):
        log.warning("webhook.refused", reason="signature")
        return _answer(401)
    try:
        _envelopes().keep(body)
    except NotKept as error:
        log.error("webhook.not_kept", error=type(error.__cause__).__name__)
        return _answer(503)
    return _answer(200)


def is_signed(body: bytes, signature: str, secrets: tuple[str, ...]) -> bool:
    """Whether `signature` is the one of `body` under one of the app secrets; takes as long for a wrong one."""
    given = signature.encode("latin-1", "replace")
    right = [b"sha256=" + hmac.digest(secret.encode(), body, "sha256").hex().encode() for secret in secrets]
    return any([hmac.compare_digest(given, one) for one in right])  # noqa: C419  # Every secret costs the same time.


def _body() -> bytes | None:
    """Read the body, or return None when it is too long, whether or not its length was announced.

    Flask cuts a body of unannounced length at its limit in silence, so the limit here is one byte above ours.
    """
    request.max_content_length = MOST_BYTES + 1
    if (request.content_length or 0) > MOST_BYTES:
        return None
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := request.stream.read(65536):
            size += len(piece)
            if size > MOST_BYTES:
                return None
            pieces.append(piece)
    except RequestEntityTooLarge:
        return None
    return b"".join(pieces)


def _envelopes() -> Envelopes:
    found = current_app.extensions.get("pakka.envelopes")
    if found is None:
        pakka = services()
        made = Envelopes(pakka.database, lambda: pakka.bell.ring(UNPACK))
        found = current_app.extensions.setdefault("pakka.envelopes", made)
    return found


def _answer(status: int, text: str = "", headers: dict[str, str] | None = None) -> Response:
    response = Response(text, status, headers, mimetype="text/plain")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response

"""Keys of merchants' systems: 256 random bits, of which we keep the SHA-256 and show the beginning."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from flask import g, request
from sqlmodel import Session, col, select

from bot.clock import now
from bot.models import ApiKey
from bot.services import services
from bot.web.api.problems import refuse

SCOPES = (
    "orders:read", "orders:write", "conversations:read", "reviews:read", "uploads:read", "uploads:write", "hooks:read",
    "hooks:write",
)  # fmt: skip
_BEGINNING = "pakka_"
_SHOWN = len(_BEGINNING) + 6
_USED_EVERY = timedelta(minutes=1)
_URL_NAMES = frozenset({"key", "api_key", "apikey", "api-key", "token", "access_token", "authorization"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose system is calling, and what its key may do."""

    key_id: int
    merchant_id: int
    prefix: str
    scopes: frozenset[str]


def new_key(merchant_id: int, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
    """Return a row for a new key, and the key itself, which nobody can read again."""
    key = _BEGINNING + secrets.token_urlsafe(32)
    row = ApiKey(
        merchant_id=merchant_id, name=name, prefix=key[:_SHOWN], digest=_digest(key), scopes=scopes, created_at=now()
    )
    return row, key


def caller() -> Caller:
    """Return who is calling; answers 401 when the key is unknown, revoked, or not where it belongs."""
    found = someone()
    if found is None:
        refuse(401)
    return found


def someone() -> Caller | None:
    """Return who is calling, if a good key was sent; asked once in a request, so that a revoked key ends at once."""
    if "api_caller" not in g:
        g.api_caller = _find(request.headers.get("Authorization", ""))
    return cast(Caller | None, g.api_caller)


def who() -> str:
    """Name the caller for the rate limiter: the key, or where somebody without a good one comes from."""
    found = someone()
    return f"key:{found.key_id}" if found else f"address:{request.remote_addr}"


def refuse_in_address() -> None:
    """Refuse a key that is part of the address: addresses end up in logs and histories."""
    if any(
        name.casefold() in _URL_NAMES or value.startswith(_BEGINNING) for name, value in request.args.items(multi=True)
    ):
        detail = "A key belongs in the Authorization header. This one is in logs now: revoke it and make a new one."
        refuse(400, "key_in_address", detail)


def _find(header: str) -> Caller | None:
    kind, _, key = header.partition(" ")
    key = key.strip()
    if kind.casefold() != "bearer" or not key.startswith(_BEGINNING):
        return None
    with services().database.reader() as session:
        row = session.exec(
            select(ApiKey).where(ApiKey.digest == _digest(key), col(ApiKey.revoked_at).is_(None))
        ).one_or_none()
    if row is None or row.id is None:
        return None
    if row.used_at is None or row.used_at < now() - _USED_EVERY:
        with services().database.session() as session:
            _note_use(session, row.id)
    return Caller(row.id, row.merchant_id, row.prefix, frozenset(row.scopes))


def _note_use(session: Session, key_id: int) -> None:
    row = session.get(ApiKey, key_id)
    if row is not None:
        row.used_at = now()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()

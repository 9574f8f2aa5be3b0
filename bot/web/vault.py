"""Sealed values: what the database must hold and a thief of the database must not read."""

import base64
import hashlib
import hmac
import os
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app

from bot.keys import derive

_NONCE = 12


class Vault:
    """Seals text with AES-256-GCM under a key derived from SECRET_KEY."""

    def __init__(self, secret_key: str) -> None:
        """Derive the keys; a changed SECRET_KEY makes everything sealed before unreadable."""
        self._sealing = AESGCM(derive(secret_key, b"pakka/seal"))
        self._naming = derive(secret_key, b"pakka/name")

    def seal(self, text: str, place: str) -> str:
        """Encrypt `text` for one `place`, such as "member:12:totp".

        The place is authenticated: a sealed value that is copied into another row does not open there.
        """
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._sealing.encrypt(nonce, text.encode(), place.encode())).decode()

    def open(self, sealed: str, place: str) -> str | None:
        """Decrypt what `seal` made for the same place; None when it was tampered with or SECRET_KEY has changed."""
        raw = base64.b64decode(sealed)
        try:
            return self._sealing.decrypt(raw[:_NONCE], raw[_NONCE:], place.encode()).decode()
        except InvalidTag:
            return None

    def name(self, text: str) -> str:
        """Return a stable name for a personal value, such as an e-mail address, that does not reveal it."""
        return hmac.digest(self._naming, text.encode(), hashlib.sha256).hex()[:24]


def vault() -> Vault:
    """Return that of the running application."""
    return cast(Vault, current_app.extensions["pakka_vault"])

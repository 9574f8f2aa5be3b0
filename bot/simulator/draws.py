"""Identifiers and random draws that depend on the seed and on what is drawn for, never on who came first.

Two runs with one seed give one shopper's third message the same id, whatever the other shoppers did between.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

_COUNTRIES = {
    "1": "US", "20": "EG", "212": "MA", "216": "TN", "234": "NG", "249": "SD", "254": "KE", "27": "ZA", "33": "FR",
    "34": "ES", "44": "GB", "49": "DE", "52": "MX", "55": "BR", "60": "MY", "62": "ID", "63": "PH", "65": "SG",
    "66": "TH", "84": "VN", "880": "BD", "90": "TR", "91": "IN", "92": "PK", "94": "LK", "961": "LB", "962": "JO",
    "964": "IQ", "965": "KW", "966": "SA", "968": "OM", "971": "AE", "973": "BH", "974": "QA", "977": "NP",
}  # fmt: skip


def calling_code(digits: str) -> str:
    """Return the calling code at the start of an international number, or its first two digits."""
    return next((digits[:n] for n in (3, 2, 1) if digits[:n] in _COUNTRIES), digits[:2])


def country(digits: str) -> str:
    """Return the ISO country of an international number; "ZZ" when it is not one we know."""
    return _COUNTRIES.get(calling_code(digits), "ZZ")


def wamid(digits: str, inbound: bool, token: bytes) -> str:
    """Build a message id of the shape recorded from the platform; `token` are at least 9 bytes."""
    identity = (("3A" if inbound else "") + token[:9].hex()).upper().encode()
    number = digits.encode()
    raw = (
        b"\x1c\x18" + bytes([len(number)]) + number + b"\x15\x02\x00" + (b"\x12" if inbound else b"\x11")
        + b"\x18" + bytes([len(identity)]) + identity + b"\x00"
    )  # fmt: skip
    return "wamid." + base64.b64encode(raw).decode()


@dataclass(frozen=True, slots=True)
class Draws:
    """Give reproducible bytes and numbers for a name."""

    seed: int

    def token(self, *name: object) -> bytes:
        """Return 64 bytes for this name."""
        return hashlib.blake2b(repr((self.seed, *name)).encode()).digest()

    def number(self, digits: int, *name: object) -> str:
        """Return a decimal identifier of exactly this many digits."""
        value = int.from_bytes(self.token("number", *name)[:16], "big") % (9 * 10 ** (digits - 1))
        return str(value + 10 ** (digits - 1))

    def uniform(self, low: float, high: float, *name: object) -> float:
        """Return a number between `low` and `high`."""
        return low + (high - low) * unit(self.token("uniform", *name), 0)

    def bsuid(self, digits: str) -> str:
        """Return the business-scoped user id of a phone number."""
        return f"{country(digits)}.{self.number(20, 'bsuid', digits)}"

    def trace(self, count: int) -> str:
        """Return an `fbtrace_id`."""
        return "A" + base64.urlsafe_b64encode(self.token("trace", count)[:16]).decode().rstrip("=")


def unit(token: bytes, place: int) -> float:
    """Return the `place`-th number in [0, 1) of a token of 64 bytes (places 0 to 7)."""
    return int.from_bytes(token[place * 8 : place * 8 + 8], "big") / 2**64

"""Passwords: argon2id hashes, and a rule that refuses what is guessed first."""

from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST = 10
LONGEST = 256
_JUDGED = 72
"""Characters that are judged; zxcvbn's work grows with the square of the length."""

# 32 MiB, 3 passes, 1 lane: above the least that OWASP recommends (19 MiB, 2 passes).
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
_hasher = PasswordHash((Argon2Hasher(time_cost=3, memory_cost=32 * 1024, parallelism=1),))

# Sixty-four threads that hash at once would take 2 GiB: a flood of sign-ins must not take the memory of the others.
_at_once = BoundedSemaphore(4)

_nobody: str | None = None


def hash_password(password: str) -> str:
    """Return the argon2id hash to store."""
    with _at_once:
        return _hasher.hash(password)


def verify(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Say whether the password fits, and give a new hash when the stored one is weaker than today's.

    With `stored` None (no such member, or none set) the same work is done, so that the time tells nothing.
    """
    global _nobody
    if _nobody is None:
        _nobody = hash_password("a password that nobody has")
    if len(password) > LONGEST:
        password = ""
    with _at_once:
        fits, renewed = _hasher.verify_and_update(password, stored or _nobody)
    return (fits, renewed) if stored else (False, None)


def objection(password: str, *about: str) -> str | None:
    """Return why this password cannot be chosen: "short", "long" or "common"; None when it can.

    `about` are words an attacker would try first: the member's name and e-mail address, the shop's name.
    No rule about kinds of characters (OWASP ASVS 5.0, 6.2.5): they make passwords worse.
    """
    from zxcvbn import zxcvbn  # Its word lists take a moment to load, and few processes ever need them.

    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    judged = zxcvbn(password[:_JUDGED], user_inputs=[word for word in about if word])
    return "common" if judged["score"] < 2 else None

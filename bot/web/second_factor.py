"""The second factor: six digits from an app on the phone, and recovery codes for the day the phone is gone."""

import hashlib
import io
import secrets
from datetime import datetime

import pyotp
import segno
from sqlmodel import Session

from bot.models import Member
from bot.web.vault import Vault

RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without signs that are taken for each other on paper."""


def new_secret() -> str:
    """Return a fresh secret in base 32."""
    return pyotp.random_base32()


def qr_code(secret: str, email: str) -> str:
    """Return the SVG that an authenticator app scans."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Pakka")
    picture = io.BytesIO()
    segno.make(address, error="m").save(
        picture, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, svgns=False, svgclass="qr",
        lineclass=None, omitsize=True,
    )  # fmt: skip
    return picture.getvalue().decode()


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """Return the time step for which `code` is right, or None; a clock may be 30 seconds off."""
    code = code.replace(" ", "")
    if not code.isascii() or not code.isdigit() or len(code) != 6:
        return None
    totp = pyotp.TOTP(secret)
    now = int(at.timestamp()) // totp.interval
    for step in (now, now - 1, now + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code):
            return step
    return None


def enable(member: Member, secret: str, vault: Vault, step: int) -> tuple[str, ...]:
    """Turn the second factor on and return the recovery codes, which are shown once."""
    member.totp_secret = vault.seal(secret, _place(member))
    member.totp_last_used = step
    return renew_recovery_codes(member)


def renew_recovery_codes(member: Member) -> tuple[str, ...]:
    """Replace the recovery codes and return the new ones."""
    codes = tuple(
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)
    )
    member.recovery_codes = [_digest(code) for code in codes]
    return codes


def disable(member: Member) -> None:
    """Turn the second factor off."""
    member.totp_secret, member.totp_last_used, member.recovery_codes = None, None, []


def accept(session: Session, member_id: int, code: str, vault: Vault, at: datetime) -> str | None:
    """Use up a code: "code" or "recovery" says which kind it was, None that it was wrong or used before."""
    member = session.get(Member, member_id, with_for_update=True)
    if member is None or member.totp_secret is None:
        return None
    secret = vault.open(member.totp_secret, _place(member))
    step = step_of(secret, code, at) if secret else None
    if step is not None and step > (member.totp_last_used or 0):
        member.totp_last_used = step
        return "code"
    digest = _digest(code.strip().lower().replace(" ", ""))
    if digest in member.recovery_codes:
        member.recovery_codes = [kept for kept in member.recovery_codes if kept != digest]
        return "recovery"
    return None


def _place(member: Member) -> str:
    return f"member:{member.id}:totp"


def _digest(code: str) -> str:
    # A fast hash is enough: a recovery code has 50 random bits and the tries are few.
    return hashlib.sha256(code.encode()).hexdigest()

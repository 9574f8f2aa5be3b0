"""People with a login: making them, their passwords, and the links by which they come in."""

import hashlib

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlmodel import Session, select

from bot.clock import now
from bot.models import Member
from bot.services import services
from bot.web import passwords, sessions

LINK_DAYS = 3
"""How long an invitation or a link for a new password is good; it is good once."""


class MemberError(ValueError):
    """A member cannot be made or changed so; the code says why: "email", "taken", "short", "long" or "common"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def create_member(
    session: Session, *, email: str, role: str, merchant_id: int | None, name: str = "", password: str | None = None,
    locale: str = "en",
) -> Member:  # fmt: skip
    """Add a person and return the row; without a password they come in by a link.

    Raises MemberError. Nobody but a platform admin is without a merchant.
    """
    email = normal(email)
    if "@" not in email.strip("@"):
        raise MemberError("email")
    if (role == "admin") != (merchant_id is None):
        raise ValueError("an admin belongs to no merchant, everybody else to one")
    if session.exec(select(Member.id).where(Member.email == email)).first() is not None:
        raise MemberError("taken")
    member = Member(merchant_id=merchant_id, email=email, name=name.strip(), role=role, locale=locale, created_at=now())
    session.add(member)
    session.flush()
    if password is not None:
        set_password(session, member, password)
    return member


def set_password(session: Session, member: Member, password: str, *, keep_session: int | None = None) -> None:
    """Set a password and end every sign-in that was made with the old one, but for `keep_session`.

    Raises MemberError with the code "short", "long" or "common".
    """
    objection = passwords.objection(password, member.email, *member.email.split("@"), *member.name.split())
    if objection:
        raise MemberError(objection)
    member.password_hash = passwords.hash_password(password)
    session.add(member)
    if member.id is not None:
        sessions.end_all(session, member.id, now(), but=keep_session)


def entry_link(member: Member) -> str:
    """Return the address by which this person chooses a password; anybody who has it can, so it is shown once."""
    token = _links().dumps({"member": member.id, "state": _state(member), "at": int(now().timestamp())})
    # Not url_for: commands make links too, and they have no request to take an address from.
    path = current_app.url_map.bind("").build("signin.entry", {"token": token})
    return services().settings.public_url + path


def by_link(session: Session, token: str) -> Member | None:
    """Return whose link it is, or None when it is forged, too old, used, or the member is disabled."""
    try:
        said = _links().loads(token)
    except BadData:
        return None
    if now().timestamp() - said["at"] > LINK_DAYS * 86400:
        return None
    member = session.get(Member, said["member"])
    if member is None or member.disabled_at is not None or said["state"] != _state(member):
        return None
    return member


def normal(email: str) -> str:
    """Return an e-mail address as it is stored."""
    return email.strip().lower()


def _links() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="entry", signer_kwargs={"digest_method": hashlib.sha256})


def _state(member: Member) -> str:
    """What a link is bound to: the first password that is set through it, or otherwise, ends it."""
    return hashlib.sha256(f"{member.id}:{member.password_hash}".encode()).hexdigest()[:16]

"""Sign-ins that are rows: a log-out is final, an emptied Redis logs nobody out, and every device can be seen."""

import hashlib
import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from bot.database import row_id
from bot.models import Member, Merchant, WebSession

IDLE = {"admin": timedelta(minutes=30)}
IDLE_OTHERS = timedelta(hours=12)
"""A shop's people have the console open all day; whoever comes back the next morning signs in again."""
WHOLE = {"admin": timedelta(hours=12)}
WHOLE_OTHERS = timedelta(days=7)
UNFINISHED = timedelta(minutes=10)
"""How long a sign-in may wait for its second factor."""
_SEEN_STEP = timedelta(minutes=1)


@dataclass(frozen=True)
class Shop:
    """What pages need of a merchant."""

    id: int
    name: str
    slug: str
    timezone: str
    currency: str
    region: str
    locale: str


_SHOP = [col(getattr(Merchant, field.name)) for field in fields(Shop)]


@dataclass(frozen=True)
class Person:
    """Who is asking, on which device."""

    id: int
    email: str
    name: str
    role: str
    locale: str
    session_id: int
    second_factor: bool
    """Whether the sign-in is complete."""
    has_totp: bool
    shop: Shop | None

    @property
    def label(self) -> str:
        """The name to show."""
        return self.name or self.email.split("@")[0]


def begin(session: Session, member: Member, *, complete: bool, device: str, at: datetime) -> str:
    """Open a sign-in on a device and return the token for its cookie, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            member_id=row_id(member), digest=_digest(token), device=device[:200], second_factor=complete, created_at=at,
            seen_at=at,
        )
    )  # fmt: skip
    return token


# Made once and without whole rows, because every request asks it.
_FOUND = (
    select(
        col(Member.id), col(Member.email), col(Member.name), col(Member.role), col(Member.locale), col(WebSession.id),
        col(WebSession.second_factor), col(Member.totp_secret).is_not(None), col(WebSession.created_at),
        col(WebSession.seen_at), *_SHOP,
    )
    .join_from(WebSession, Member, col(Member.id) == WebSession.member_id)
    .outerjoin(Merchant, col(Merchant.id) == Member.merchant_id)
    .where(
        col(WebSession.digest) == bindparam("digest"),
        col(WebSession.ended_at).is_(None),
        col(Member.disabled_at).is_(None),
    )
)  # fmt: skip


def find(session: Session, token: str, at: datetime) -> tuple[Person, bool] | None:
    """Return whose token it is, and whether `saw` should be called; None when it is unknown, ended or too old."""
    found = session.execute(_FOUND, {"digest": _digest(token)}).first()
    if found is None:
        return None
    member_id, email, name, role, locale, session_id, second_factor, has_totp, created_at, seen_at, *shop = found
    idle, whole = IDLE.get(role, IDLE_OTHERS), WHOLE.get(role, WHOLE_OTHERS)
    if not second_factor and has_totp:
        whole = UNFINISHED
    if at - seen_at > idle or at - created_at > whole:
        return None
    place = Shop(*shop) if shop[0] is not None else None
    person = Person(member_id, email, name, role, locale, session_id, second_factor, has_totp, place)
    return person, at - seen_at > _SEEN_STEP


def saw(session: Session, session_id: int, at: datetime) -> None:
    """Note that the device is in use; once a minute is enough."""
    session.execute(update(WebSession).where(col(WebSession.id) == session_id).values(seen_at=at))


def end(session: Session, session_id: int, at: datetime) -> None:
    """Sign one device out."""
    session.execute(
        update(WebSession)
        .where(col(WebSession.id) == session_id, col(WebSession.ended_at).is_(None))
        .values(ended_at=at)
    )


def end_all(session: Session, member_id: int, at: datetime, *, but: int | None = None) -> int:
    """Sign a member out everywhere, but for one device; return how many devices it was."""
    statement = (
        update(WebSession)
        .where(col(WebSession.member_id) == member_id, col(WebSession.ended_at).is_(None))
        .values(ended_at=at)
    )
    if but is not None:
        statement = statement.where(col(WebSession.id) != but)
    return session.execute(statement).rowcount  # type: ignore[attr-defined]  # An update's result counts rows.


def _digest(token: str) -> str:
    # The token has 256 random bits, so that a fast hash is enough.
    return hashlib.sha256(token.encode()).hexdigest()

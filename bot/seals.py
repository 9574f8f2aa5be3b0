"""Seals of the audit: each line of a shop gets its place and a seal over the seal before it and all that it says.

A line is written within the transaction of its deed, which holds other locks; to wait there for the line before it
would make deeds wait for each other, or lock each other out. So lines are sealed afterwards, in order, by one sweep.
The key comes from SECRET_KEY: whoever can write into the database, and no more, cannot seal a changed line anew.
"""

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text, update
from sqlmodel import Session, col

from bot.keys import derive
from bot.models import Audit

BATCH = 1000
"""Lines that one transaction seals."""

_LINE = (
    col(Audit.id), col(Audit.merchant_id), col(Audit.member_id), col(Audit.at), col(Audit.act), col(Audit.object),
    col(Audit.detail), col(Audit.place), col(Audit.seal_before), col(Audit.seal),
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What a look at a shop's lines found; a chain whose older lines were wiped begins at a later place than 1."""

    first: int = 0
    last: int = 0
    """Places, 0 when nothing is sealed."""
    seal: str = ""
    """Of the last line: kept elsewhere, it proves that nobody has cut off the end."""
    unsealed: int = 0
    wrong: int | None = None
    """Id of the first line that is wrong; None when the chain is unbroken."""
    why: str = ""

    @property
    def lines(self) -> int:
        """How many sealed lines were found in order."""
        return self.last - self.first + 1 if self.last else 0


def key_of(secret_key: str) -> bytes:
    """Return the key of the seals."""
    return derive(secret_key, b"pakka/audit")


def waiting(session: Session) -> bool:
    """Tell whether any line is not sealed yet."""
    return session.execute(select(col(Audit.id)).where(col(Audit.place).is_(None)).limit(1)).first() is not None


def seal(session: Session, key: bytes) -> int:
    """Seal lines that are not sealed yet, a batch at the most, the older first; return how many.

    Two sweeps at once wait for each other: SQLite has one writer, PostgreSQL gets a lock that nobody else takes.
    """
    if not session.info["is_sqlite"]:
        session.execute(text("select pg_advisory_xact_lock(72656502)"))
    unsealed = select(*_LINE).where(col(Audit.place).is_(None)).order_by(col(Audit.id)).limit(BATCH)
    heads: dict[int | None, tuple[int, str]] = {}
    sealed = []
    for line in session.execute(unsealed).all():
        shop = line.merchant_id
        place, before = heads[shop] if shop in heads else _head(session, shop)
        heads[shop] = place + 1, _seal(key, line, place + 1, before)
        sealed.append({"id": line.id, "place": place + 1, "seal_before": before, "seal": heads[shop][1]})
    if sealed:
        session.execute(update(Audit), sealed)
    return len(sealed)


def verify(session: Session, key: bytes, merchant_id: int | None, *, newest: int | None = None) -> Verdict:
    """Look at a shop's lines, or at the `newest` of them only, and return the first that is not as it was sealed."""
    mine = col(Audit.merchant_id).is_not_distinct_from(merchant_id)
    place = col(Audit.place)
    statement = select(*_LINE).where(mine, place.is_not(None))
    lines: Iterable[Any]
    if newest is None:
        lines = session.execute(statement.order_by(place).execution_options(yield_per=BATCH))
    else:
        lines = reversed(session.execute(statement.order_by(place.desc()).limit(newest)).all())
    first: Any = None
    before: Any = None
    for line in lines:
        if fault := _fault(key, line, before):
            return Verdict(wrong=line.id, why=fault)
        first, before = first or line, line
    unsealed = session.execute(select(func.count()).select_from(Audit).where(mine, place.is_(None))).scalar_one()
    return Verdict(first.place, before.place, before.seal, unsealed) if first else Verdict(unsealed=unsealed)


def _fault(key: bytes, line: Any, before: Any) -> str:
    """Say what is wrong with a sealed line, "" for nothing; `before` is None for the oldest line that is looked at."""
    if before is not None and line.place > before.place + 1:
        return f"places {before.place + 1} to {line.place - 1} before it are missing"
    if before is not None and (line.place != before.place + 1 or line.seal_before != before.seal):
        return "the line before it is not the one that stood there when it was sealed"
    if line.place == 1 and line.seal_before:
        return "it was not the first line when it was sealed"
    if not hmac.compare_digest(_seal(key, line, line.place, line.seal_before or ""), line.seal or ""):
        return "it does not say what it said when it was sealed"
    return ""


def _seal(key: bytes, line: Any, place: int, before: str) -> str:
    said = [place, before, line.id, line.merchant_id, line.member_id, line.at.isoformat(), line.act, line.object]
    return hmac.digest(key, json.dumps([*said, line.detail], sort_keys=True).encode(), "sha256").hex()


def _head(session: Session, merchant_id: int | None) -> tuple[int, str]:
    """Return place and seal of a shop's newest sealed line."""
    newest = (
        select(col(Audit.place), col(Audit.seal))
        .where(col(Audit.merchant_id).is_not_distinct_from(merchant_id), col(Audit.place).is_not(None))
        .order_by(col(Audit.place).desc())
        .limit(1)
    )
    place, seal = session.execute(newest).one_or_none() or (0, "")
    return place, seal

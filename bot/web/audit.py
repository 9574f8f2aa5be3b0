"""The audit trail: who did what, to which thing, from where."""

from typing import Any

from flask import has_request_context, request
from sqlmodel import Session

from bot.clock import now
from bot.models import Audit

COMMAND_LINE = "command line"
"""What `by` says of deeds that were done in a terminal of the server."""


def record(
    session: Session, act: str, *, member_id: int | None, merchant_id: int | None, about: str = "", **detail: Any
) -> None:
    """Append one line, in the transaction of the deed itself: either both are kept or neither.

    `act` is "thing.verb", such as "member.invited"; `about` names a row, such as "member:12".
    """
    if has_request_context():
        detail["from"] = request.remote_addr
    session.add(
        Audit(merchant_id=merchant_id, member_id=member_id, at=now(), act=act, object=about, detail=detail)
    )  # fmt: skip

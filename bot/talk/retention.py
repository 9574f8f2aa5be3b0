"""Wipe what has been kept long enough, as each merchant's rules say; safe to repeat and to break off."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from bot.database import Database, row_id
from bot.models import Audit, Envelope, Event, Handover, Merchant, Message, Pulse, Run, Upload, UploadRow
from bot.orders.rules import Rules

BATCH = 1000
"""Rows of one transaction: on SQLite nobody else writes meanwhile."""
STEP = timedelta(days=30)
"""Conversations are gone through in spans of this length, so that no query reads a whole history."""
ACT = "retention.wiped"


@dataclass(frozen=True)
class Wiped:
    """How many rows were wiped, by what they are, and whether nothing is left to do."""

    counts: dict[str, int]
    finished: bool


def wipe(database: Database, at: datetime, seconds: float = 5.0) -> Wiped:
    """Wipe what is due, for at most about so many seconds; what was wiped of a merchant is written into the audit.

    Posts of Meta's and the inbox go after the shortest time that any merchant has set, because a post is everybody's.
    """
    until = monotonic() + seconds
    with database.reader() as session:
        shops = [(row_id(shop), Rules.from_json(shop.rules)) for shop in session.execute(select(Merchant)).scalars()]
    shortest = min((rules.keep_envelopes_days for _shop, rules in shops), default=Rules().keep_envelopes_days)
    total: dict[str, int] = {}
    for name, number in _posts(database, at - timedelta(days=shortest)):
        total[name] = total.get(name, 0) + number
        if number and monotonic() > until:
            return Wiped(total, finished=False)
    for shop, rules in shops:
        counts: dict[str, int] = {}
        finished = True
        for name, number in _of_shop(database, shop, rules, at):
            counts[name] = counts.get(name, 0) + number
            if number and monotonic() > until:
                finished = False
                break
        if any(counts.values()):
            with database.session() as session:
                session.add(Audit(merchant_id=shop, at=at, act=ACT, object=f"shop:{shop}", detail=counts))
        total = {name: total.get(name, 0) + counts.get(name, 0) for name in total | counts}
        if not finished:
            return Wiped(total, finished=False)
    return Wiped(total, finished=True)


def _posts(database: Database, before: datetime) -> Iterator[tuple[str, int]]:
    # What could not be taken apart has an error and was looked at by somebody long ago.
    seen = col(Envelope.handled_at).is_not(None) | col(Envelope.error).is_not(None)
    handled = col(Event.handled_at).is_not(None)
    for name, model, number, due in (
        ("envelopes", Envelope, col(Envelope.id), (col(Envelope.received_at) < before) & seen),
        ("events", Event, col(Event.id), (col(Event.received_at) < before) & handled),
    ):
        while True:
            with database.session() as session:
                ids = list(session.execute(select(number).where(due).limit(BATCH)).scalars())
                session.execute(delete(model).where(number.in_(ids)))
            yield name, len(ids)
            if len(ids) < BATCH:
                break


def _of_shop(database: Database, shop: int, rules: Rules, at: datetime) -> Iterator[tuple[str, int]]:
    yield from _lists(database, shop, at - timedelta(days=rules.keep_files_days))
    yield from _talks(database, shop, at - timedelta(days=rules.keep_messages_days))


def _lists(database: Database, shop: int, before: datetime) -> Iterator[tuple[str, int]]:
    """Wipe files and their raw rows; of a list that was never imported nothing is left to import."""
    while True:
        with database.session() as session:
            statement = (
                select(Upload)
                .where(
                    col(Upload.merchant_id) == shop,
                    col(Upload.created_at) < before,
                    col(Upload.status) != "importing",
                    col(Upload.content).is_not(None),
                )
                .limit(20)
                .with_for_update(skip_locked=True)
            )
            lists = list(session.execute(statement).scalars())
            for upload in lists:
                upload.content = None
                if upload.status == "previewed":
                    upload.status, upload.error = (
                        "failed",
                        "It was kept for as long as the rules say: hand it in again.",
                    )
                session.execute(
                    update(UploadRow).where(col(UploadRow.upload_id) == upload.id).values(raw=[], problems=[])
                )
        yield "files", len(lists)
        if len(lists) < 20:
            return


def _talks(database: Database, shop: int, before: datetime) -> Iterator[tuple[str, int]]:
    """Wipe the words of bubbles, notes of tasks and what talks remembered; a mark keeps how far this has come."""
    mark = f"kept:{shop}"
    with database.reader() as session:
        reached = session.get(Pulse, mark)
        since = reached.beat_at if reached else _first(session, shop)
    while since is not None and since < before:
        upto = min(before, since + STEP)
        while True:
            with database.session() as session:
                number = _words(session, shop, since, upto)
            yield "messages", number
            if number < BATCH:
                break
        with database.session() as session:
            tasks = _notes(session, shop, since, upto)
            _memories(session, shop, since, upto)
            session.merge(Pulse(name=mark, beat_at=upto))
        yield "tasks", tasks
        since = upto


def _first(session: Session, shop: int) -> datetime | None:
    return session.execute(select(col(Merchant.created_at)).where(col(Merchant.id) == shop)).scalar_one_or_none()


def _words(session: Session, shop: int, since: datetime, upto: datetime) -> int:
    """Wipe up to a batch of bubbles; `hold_reason` tells which were."""
    due = (
        select(col(Message.id))
        .where(
            # What is nobody's goes with whoever comes first.
            (col(Message.merchant_id) == shop) | col(Message.merchant_id).is_(None),
            col(Message.created_at) >= since,
            col(Message.created_at) < upto,
            col(Message.hold_reason).is_distinct_from("wiped"),
        )
        .limit(BATCH)
    )
    ids = list(session.execute(due).scalars())
    session.execute(
        update(Message)
        .where(col(Message.id).in_(ids))
        .values(body="", choices=[], extra={}, template=None, quoted_wamid=None, hold_reason="wiped")
        .execution_options(synchronize_session=False)
    )
    return len(ids)


def _notes(session: Session, shop: int, since: datetime, upto: datetime) -> int:
    result: Any = session.execute(
        update(Handover)
        .where(
            col(Handover.merchant_id) == shop,
            col(Handover.opened_at) >= since,
            col(Handover.opened_at) < upto,
            col(Handover.resolved_at).is_not(None),
        )
        .values(detail={}, note="")
    )
    return int(result.rowcount)


def _memories(session: Session, shop: int, since: datetime, upto: datetime) -> None:
    """Forget what ended talks had kept for their next step, pieces of addresses for one."""
    ended = select(Run).where(col(Run.merchant_id) == shop, col(Run.ended_at) >= since, col(Run.ended_at) < upto)
    for run in session.execute(ended).scalars():
        run.state = {**run.state, "data": {}} if run.state else {}

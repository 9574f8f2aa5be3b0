"""From a file to orders: kept first, worked off in small transactions, safe to stop, to repeat and to take back."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from bot.clock import now
from bot.database import among, row_id
from bot.jobs import UPLOAD, Bell
from bot.models import AddressVersion, Audit, Merchant, Order, OrderItem, Upload, UploadRow
from bot.orders.bulk import insert_rows
from bot.orders.changes import meet_known
from bot.orders.judging import Chunk, Judged, judge_list
from bot.orders.rules import Rules
from bot.orders.spreadsheet import OrderList, Problem, SheetError, Shop, open_list
from bot.orders.storing import FLOW, create_orders, rows_to_store
from bot.services import Services
from bot.talk import start

log = structlog.get_logger()

PREVIEWED_ROWS = 200


class UploadError(Exception):
    """An upload is not in the state that was asked for; the message says why, `asked` how many shoppers were asked."""

    def __init__(self, message: str, asked: int = 0) -> None:
        """Keep the number beside the sentence; 0 when the upload is being imported."""
        super().__init__(message)
        self.asked = asked


@dataclass(frozen=True)
class Preview:
    """What a file would do, judged by its first rows: nothing was stored and nobody is asked.

    `columns` is our field -> header; `orders` are the first ones; `counts` are rows by status among the first ones.
    """

    format: str
    header: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    guessed: tuple[str, ...]
    notes: tuple[str, ...]
    rows: int
    counts: Mapping[str, int]
    orders: tuple[Judged, ...]
    problems: tuple[Problem, ...]


def shop_of(merchant: Merchant, rules: Rules, at: datetime) -> Shop:
    """Return what of a merchant's settings decides how a list is read."""
    return Shop(
        region=merchant.region,
        currency=merchant.currency,
        zone=ZoneInfo(merchant.timezone),
        now=at,
        minimum_amount=rules.minimum_amount,
        maximum_age_days=rules.maximum_age_days,
        cod_labels=rules.cod_labels,
    )


def receive(
    session: Session,
    merchant: Merchant,
    filename: str,
    content: bytes,
    *,
    at: datetime,
    member_id: int | None = None,
    columns: Mapping[str, Sequence[int]] | None = None,
) -> Upload:
    """Keep a file as an upload that waits for its start; the same file again gives its first upload back.

    Raises SheetError when it cannot be read. An upload that was undone or failed begins anew.
    """
    digest = hashlib.sha256(content).hexdigest()
    known = session.execute(
        select(Upload).where(col(Upload.merchant_id) == merchant.id, col(Upload.sha256) == digest).with_for_update()
    ).scalar_one_or_none()
    if known and known.status not in ("undone", "failed", "previewed"):
        return known
    with closing(open_list(content, merchant.region, columns)) as orders:
        rows = sum(1 for _ in orders.rows())
    upload = known or Upload(merchant_id=row_id(merchant), filename="", sha256=digest, created_at=at, touched_at=at)
    upload.filename, upload.content, upload.member_id = _safe_name(filename), content, member_id
    upload.format, upload.header = orders.layout.format, list(orders.header)
    upload.mapping = {name: list(places) for name, places in orders.layout.columns.items()}
    upload.mapping |= {name: [] for name, places in (columns or {}).items() if not places}
    upload.dialect = _dialect(orders)
    upload.status, upload.rows, upload.done, upload.touched_at = "previewed", rows, 0, at
    upload.accepted = upload.skipped = upload.rejected = 0
    upload.error = upload.finished_at = None
    session.add(upload)
    session.flush()
    session.execute(delete(UploadRow).where(col(UploadRow.upload_id) == upload.id))
    return upload


def preview(
    content: bytes, merchant: Merchant, *, at: datetime, columns: Mapping[str, Sequence[int]] | None = None
) -> Preview:
    """Show what a file would do. Raises SheetError when it cannot be read."""
    shop = shop_of(merchant, Rules.from_json(merchant.rules), at)
    with closing(open_list(content, merchant.region, columns)) as orders:
        rows = sum(1 for _ in orders.rows())
        judged: list[Judged] = []
        for chunk in judge_list(orders, shop, size=PREVIEWED_ROWS):
            judged.extend(chunk.judged)
            break
    counts = Counter(one.parsed.status for one in judged for _ in one.parsed.rows)
    named = {
        field: tuple(orders.header[place] for place in places if 0 <= place < len(orders.header))
        for field, places in orders.layout.columns.items()
    }
    return Preview(
        format=orders.layout.format,
        header=orders.header,
        columns=named,
        guessed=orders.layout.guessed,
        notes=orders.notes,
        rows=rows,
        counts=counts,
        orders=tuple(one for one in judged if one.order),
        problems=tuple(problem for one in judged for problem in (*one.parsed.problems, *one.parsed.warnings)),
    )


def begin(session: Session, upload: Upload, at: datetime, bell: Bell | None = None) -> None:
    """Let an upload be imported, and wake a worker for it; without a `bell` the caller runs it."""
    if upload.status == "previewed":
        upload.status, upload.touched_at = "importing", at
        session.add(upload)
    if upload.status == "importing" and bell is not None:
        bell.ring_after_commit(session, UPLOAD, row_id(upload))


def run(services: Services, upload_id: int, progress: Callable[[int, int], None] | None = None) -> bool:
    """Import an upload from where it stands; return whether it is finished now.

    Each chunk of rows is one transaction that also moves the upload's mark, so that a run that was killed goes on
    where it stopped and two runs at once do not do the same rows.
    """
    with services.database.reader() as session:
        upload = session.get(Upload, upload_id)
        if upload is None or upload.status != "importing" or upload.content is None:
            return upload is not None and upload.status == "done"
        merchant = session.get_one(Merchant, upload.merchant_id)
        columns = {name: tuple(places) for name, places in upload.mapping.items()}
        content, rows, done = upload.content, upload.rows, upload.done
    shop = shop_of(merchant, Rules.from_json(merchant.rules), now())
    try:
        with closing(open_list(content, merchant.region, columns)) as orders:
            del content
            for chunk in judge_list(orders, shop, done=done, rows=rows):
                stored = _store_surely(services, upload_id, chunk)
                if not stored:
                    log.info("upload.overtaken", upload=upload_id)
                    return False
                done += chunk.rows
                if progress:
                    progress(done, rows)
    except SheetError as error:
        with services.database.session() as session:
            _fail(session, upload_id, error)
        return True
    with services.database.session() as session:
        _finish(session, upload_id)
    return True


def undo(session: Session, upload: Upload, *, at: datetime, member_id: int | None = None) -> int:
    """Take an upload back, as long as none of its shoppers was asked; return how many orders are gone.

    Raises UploadError when it is too late, or when the upload is being imported at this moment.
    """
    locked = session.execute(
        select(Upload).where(col(Upload.id) == upload.id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()
    if locked.status == "importing":
        raise UploadError("The list is still being imported: wait until it is done.")
    if locked.status == "undone":
        return 0
    orders = list(session.execute(select(Order).where(col(Order.upload_id) == locked.id).with_for_update()).scalars())
    ids = [row_id(order) for order in orders]
    asked = {row_id(o) for o in orders if o.asked_at is not None or o.intent not in ("unasked", "held_out")}
    for part in _parts(ids):
        asked |= start.withdraw(session, part)
    if asked:
        # Raising rolls the withdrawals back.
        raise UploadError(f"{len(asked)} of its shoppers were asked already: cancel single orders instead.", len(asked))
    for part in _parts(ids):
        session.execute(update(UploadRow).where(col(UploadRow.order_id).in_(part)).values(order_id=None))
        for table in (OrderItem, AddressVersion):
            session.execute(delete(table).where(col(table.order_id).in_(part)))
        session.execute(delete(Order).where(col(Order.id).in_(part)))
    locked.status, locked.touched_at = "undone", at
    session.add(locked)
    session.add(
        Audit(
            merchant_id=locked.merchant_id,
            member_id=member_id,
            at=at,
            act="upload.undone",
            object=f"upload:{locked.id}",
            detail={"orders": len(ids)},
        )
    )
    return len(ids)


def plan_unplanned(session: Session, merchant: Merchant, *, shards: int, limit: int = 1000) -> int:
    """Plan the talks of orders that came before the merchant had a WhatsApp number; return how many."""
    statement = (
        select(Order)
        .where(
            col(Order.merchant_id) == merchant.id,
            col(Order.status) == "open",
            col(Order.intent) == "unasked",
            col(Order.ask_at).is_(None),
            col(Order.phone) != "",
        )
        .order_by(col(Order.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return len(start.plan_all(session, list(session.execute(statement).scalars()), FLOW, shards=shards))


def _store_surely(services: Services, upload_id: int, chunk: Chunk) -> bool:
    """Write one chunk, again when a shopper wrote to us for the first time at the same moment."""
    work = partial(_store, services=services, upload_id=upload_id, chunk=chunk)
    try:
        return services.database.repeat(work)
    except IntegrityError:
        # Whoever was first has committed: the second time the shopper, or the order, is known.
        return services.database.repeat(work)


def _store(session: Session, services: Services, upload_id: int, chunk: Chunk) -> bool:
    """Write one chunk; return whether it was this run's turn."""
    upload = session.execute(select(Upload).where(col(Upload.id) == upload_id).with_for_update()).scalar_one()
    if upload.status != "importing" or upload.done != chunk.start:
        return False
    # One import of a shop at a time: two lists with the same new order would meet at the unique key.
    merchant = session.execute(
        select(Merchant).where(col(Merchant.id) == upload.merchant_id).with_for_update(key_share=True)
    ).scalar_one()
    at = now()
    known = _known_orders(session, merchant, chunk)
    fresh = [one.order for one in chunk.judged if one.order and one.parsed.reference not in known]
    created = create_orders(session, upload, merchant, fresh, at, services.settings.shards)
    rows: list[dict[str, Any]] = []
    for one in chunk.judged:
        parsed = one.parsed
        order = known.get(parsed.reference) if parsed.reference else None
        status, problems = parsed.status, [*parsed.problems, *parsed.warnings]
        if order is not None:
            status, problems = meet_known(session, order, one, at, shards=services.settings.shards, bell=services.bell)
        order_id = order.id if order else created.get(parsed.reference)
        rows.extend(rows_to_store(upload_id, parsed, status, problems, order_id))
        setattr(upload, status, getattr(upload, status) + len(parsed.rows))
    insert_rows(session, UploadRow, rows)
    upload.done += chunk.rows
    upload.touched_at = at
    session.add(upload)
    return True


def _known_orders(session: Session, merchant: Merchant, chunk: Chunk) -> dict[str, Order]:
    references = sorted({one.parsed.reference for one in chunk.judged if one.parsed.reference})
    known: dict[str, Order] = {}
    for part in _parts(references):
        statement = (
            select(Order)
            .where(col(Order.merchant_id) == merchant.id, among(session, col(Order.reference), part))
            .order_by(col(Order.id))
            .with_for_update()
        )
        known |= {order.reference: order for order in session.execute(statement).scalars()}
    return known


def _finish(session: Session, upload_id: int) -> None:
    upload = session.execute(select(Upload).where(col(Upload.id) == upload_id).with_for_update()).scalar_one()
    if upload.status == "importing" and upload.done >= upload.rows:
        upload.status, upload.finished_at, upload.touched_at = "done", now(), now()
        session.add(upload)
        log.info("upload.done", upload=upload_id, rows=upload.rows, accepted=upload.accepted)


def _fail(session: Session, upload_id: int, error: SheetError) -> None:
    upload = session.execute(select(Upload).where(col(Upload.id) == upload_id).with_for_update()).scalar_one()
    upload.status, upload.error, upload.touched_at = "failed", str(error), now()
    upload.dialect = {**upload.dialect, "error": error.code}
    session.add(upload)
    log.warning("upload.failed", upload=upload_id)


def _dialect(orders: OrderList) -> dict[str, Any]:
    dialect = orders.dialect
    return {
        "kind": dialect.kind,
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "sheet": dialect.sheet,
        "header_row": orders.header_row,
        "day_first": orders.styles.day_first,
        "decimal": orders.styles.decimal,
        "notes": list(orders.notes),
    }


def _safe_name(filename: str) -> str:
    """Return the last part of a file's name, without what has no place in a header or a path."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in last if sign.isprintable() and sign not in '"<>|:*?')[-120:] or "orders"


def _parts(values: Sequence[Any], size: int = 500) -> list[Sequence[Any]]:
    """Split what goes into an IN list: SQLite takes a limited number of parameters."""
    return [values[place : place + size] for place in range(0, len(values), size)]

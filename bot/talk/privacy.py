"""Everything about one shopper: found in every table, given out, or erased.

`COVERED` says for each table which of its columns may hold something personal and what is written in their place.
What stays is what a shop needs for its books and what nobody can be recognised by: order number, goods, amounts,
outcomes, times. A test fails for a table or a column that nobody has decided on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Integer, LargeBinary, String, cast, delete, func, literal, or_, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, SQLModel, col

from bot.database import row_id
from bot.models import (
    AddressVersion,
    Contact,
    Conversation,
    Envelope,
    Event,
    Handover,
    Idempotency,
    Identity,
    Merchant,
    Message,
    Order,
    OrderItem,
    Receipt,
    Review,
    Run,
    Timer,
    Upload,
    UploadRow,
)
from bot.orders import outcomes
from bot.talk import stops
from bot.talk.handover import lock

OPEN_RUNS = ("planned", "queued", "waiting", "handed_over")
UNSENT = ("queued", "held")
_SOME = 500


@dataclass(frozen=True)
class Shopper:
    """Which rows are one shopper's, as one merchant may know them."""

    merchant_id: int
    order_ids: tuple[int, ...]
    contact_ids: tuple[int, ...]
    """More than one when the shop has changed its own number."""
    conversation_ids: tuple[int, ...]
    phones: tuple[str, ...]
    """E.164, the alternate ones too."""
    names: tuple[str, ...]
    references: tuple[str, ...]
    others: bool
    """Whether another merchant of the same number has orders of this shopper: what is common then stays."""

    @property
    def own(self) -> Any:
        """The condition for the bubbles that are this merchant's."""
        mine = col(Message.conversation_id).in_(self.conversation_ids)
        told = col(Message.merchant_id) == self.merchant_id
        return mine & (told if self.others else (told | col(Message.merchant_id).is_(None)))


Rows = Callable[[Shopper], Any]


@dataclass(frozen=True)
class Cover:
    """How one table is covered."""

    rows: Rows
    """The condition that finds the shopper's rows."""
    wiped: Mapping[str, Any] = field(default_factory=dict)
    """Column -> what is written there; `GONE` stands for a key that stays unique and says nothing."""
    kept: tuple[str, ...] = ()
    """Columns of text, JSON or bytes in which nobody can be recognised."""
    common: bool = False
    """Whether the row is also other merchants'; it is wiped only when no other has this shopper."""
    deleted: bool = False
    shown: bool = True
    """Whether the rows are given out to the shopper; raw bytes with other people in them are not."""


GONE = object()


def _of_orders(key: Any) -> Rows:
    return lambda shopper: key.in_(shopper.order_ids)


def _of_messages(key: Any) -> Rows:
    return lambda shopper: key.in_(select(col(Message.id)).where(shopper.own))


def _names_them(column: Any) -> Rows:
    """Rows whose text has the shopper's number, as lists and posts write it: whole, or without the country code."""

    def condition(shopper: Shopper) -> Any:
        text = cast(column, String)
        numbers = {digits for phone in shopper.phones for digits in (phone.lstrip("+"), phone[-10:]) if len(digits) > 6}
        return or_(*(text.like(f"%{digits}%") for digits in sorted(numbers))) if numbers else text.is_(None)

    return condition


def _lists(shopper: Shopper) -> Any:
    """Uploads of the merchant with a row of the shopper; one that is being imported is still needed."""
    finished = (col(Upload.merchant_id) == shopper.merchant_id) & (col(Upload.status) != "importing")
    return finished & col(Upload.id).in_(select(col(UploadRow.upload_id)).where(_list_rows(shopper)))


def _list_rows(shopper: Shopper) -> Any:
    mine = select(col(Upload.id)).where(col(Upload.merchant_id) == shopper.merchant_id)
    return col(UploadRow.upload_id).in_(mine) & (
        col(UploadRow.order_id).in_(shopper.order_ids) | _names_them(UploadRow.raw)(shopper)
    )


def _answers(shopper: Shopper) -> Any:
    text = col(Idempotency.body)
    marks = [text.like(f"%{_like(mark)}%", escape="\\") for mark in (*shopper.phones, *shopper.references) if mark]
    return (col(Idempotency.merchant_id) == shopper.merchant_id) & (or_(*marks) if marks else text.is_(None))


def _posts(shopper: Shopper) -> Any:
    """Posts of Meta's, already taken apart, with the shopper's number in them."""
    body = col(Envelope.body)
    numbers = [phone.lstrip("+").encode() for phone in shopper.phones]
    return col(Envelope.handled_at).is_not(None) & (
        or_(*(_Place(body, literal(part, LargeBinary)) > 0 for part in numbers)) if numbers else False
    )


COVERED: dict[type[SQLModel], Cover] = {
    Order: Cover(
        lambda shopper: col(Order.id).in_(shopper.order_ids),
        {
            "shopper_name": "", "phone": "", "alternate_phone": "", "email": "", "cancel_note": "", "wish": "",
            "instructions": "", "receiver": "",
        },
        kept=("reference", "region", "locale", "currency", "raw", "status", "reached", "intent", "readiness",
              "decision", "slot", "decided_by", "decision_reason", "decision_sum", "cancel_reason"),
    ),
    OrderItem: Cover(_of_orders(col(OrderItem.order_id)), kept=("name", "sku")),
    AddressVersion: Cover(
        _of_orders(col(AddressVersion.order_id)),
        {"parts": {}, "findings": [], "latitude": None, "longitude": None},
        kept=("given_by",),
    ),
    Review: Cover(_of_orders(col(Review.order_id)), {"text": "", "media": [], "reply": ""}, kept=("tags",)),
    Handover: Cover(
        lambda shopper: (col(Handover.conversation_id).in_(shopper.conversation_ids))
        & (col(Handover.merchant_id) == shopper.merchant_id),
        {"detail": {}, "note": ""},
        kept=("reason", "outcome"),
    ),
    Message: Cover(
        lambda shopper: shopper.own,
        {"body": "", "choices": [], "template": None, "extra": {}, "quoted_wamid": None, "wamid": None, "key": GONE},
        kept=("direction", "author", "kind", "status", "hold_reason"),
    ),
    Receipt: Cover(_of_messages(col(Receipt.message_id)), kept=("status", "category")),
    Run: Cover(_of_orders(col(Run.order_id)), {"state": {}}, kept=("flow", "step", "status")),
    Timer: Cover(
        lambda shopper: col(Timer.run_id).in_(select(col(Run.id)).where(col(Run.order_id).in_(shopper.order_ids))),
        deleted=True,
    ),
    Contact: Cover(
        lambda shopper: col(Contact.id).in_(shopper.contact_ids),
        {"name": "", "locale": None, "timezone": None},
        kept=("region",),
        common=True,
    ),
    Identity: Cover(
        lambda shopper: col(Identity.contact_id).in_(shopper.contact_ids),
        kept=("scheme", "value"),
        common=True,
        deleted=True,
    ),
    Conversation: Cover(
        lambda shopper: col(Conversation.id).in_(shopper.conversation_ids),
        {"data": {}, "window_until": None},
        kept=("owner",),
        common=True,
    ),
    Event: Cover(
        lambda shopper: col(Event.conversation_id).in_(shopper.conversation_ids),
        {"payload": {}, "key": GONE},
        kept=("kind", "error"),
        common=True,
        shown=False,
    ),
    UploadRow: Cover(_list_rows, {"raw": [], "problems": []}, kept=("status",)),
    Upload: Cover(
        _lists,
        {"content": None},
        kept=("filename", "sha256", "format", "header", "mapping", "dialect", "status", "error"),
        shown=False,
    ),
    Idempotency: Cover(_answers, {"body": "{}"}, kept=("key", "digest"), shown=False),
    Envelope: Cover(_posts, {"body": b""}, kept=("sha256", "error"), common=True, shown=False),
}  # fmt: skip
"""In the order in which a person reads them."""


def shopper_of(session: Session, order: Order) -> Shopper:
    """Return whose order it is: all of the merchant's orders of the same contact or the same number are theirs."""
    same = [col(Order.id) == order.id]
    if order.contact_id is not None:
        same.append(col(Order.contact_id) == order.contact_id)
    if order.phone:
        same.append(col(Order.phone) == order.phone)
    orders = list(
        session.execute(
            select(Order).where(col(Order.merchant_id) == order.merchant_id, or_(*same)).order_by(col(Order.id))
        ).scalars()
    )
    contacts = {one.contact_id for one in orders if one.contact_id is not None} | _met(session, orders)
    others = False
    conversations: list[int] = []
    phones = {phone for one in orders for phone in (one.phone, one.alternate_phone) if phone}
    if contacts:
        elsewhere = select(col(Order.id)).where(
            col(Order.contact_id).in_(contacts),
            col(Order.merchant_id) != order.merchant_id,
            # Where they were erased before, nothing is left to be shared.
            (col(Order.phone) != "") | (col(Order.shopper_name) != ""),
        )
        others = session.execute(elsewhere.limit(1)).first() is not None
        talks = select(col(Conversation.id)).where(col(Conversation.contact_id).in_(contacts))
        conversations = [number for number in session.execute(talks).scalars() if number is not None]
        known = select(col(Identity.value)).where(
            col(Identity.contact_id).in_(contacts), col(Identity.scheme) == "phone"
        )
        phones |= {f"+{digits}" for digits in session.execute(known).scalars()}
    return Shopper(
        merchant_id=order.merchant_id,
        order_ids=tuple(row_id(one) for one in orders),
        contact_ids=tuple(sorted(contacts)),
        conversation_ids=tuple(conversations),
        phones=tuple(sorted(phones)),
        names=tuple(sorted({one.shopper_name for one in orders if one.shopper_name})),
        references=tuple(one.reference for one in orders),
        others=others,
    )


def _met(session: Session, orders: Sequence[Order]) -> set[int]:
    """Return who wrote to the shop's number from the orders' phones: an order that was never planned has no contact."""
    numbers = {order.phone.lstrip("+") for order in orders if order.phone}
    statement = (
        select(col(Identity.contact_id))
        .join(Merchant, col(Merchant.channel_id) == col(Identity.channel_id))
        .where(
            col(Merchant.id) == orders[0].merchant_id, col(Identity.scheme) == "phone", col(Identity.value).in_(numbers)
        )
    )
    return set(session.execute(statement).scalars())


def export(session: Session, shopper: Shopper) -> dict[str, list[dict[str, Any]]]:
    """Return everything that is kept of a shopper: table -> rows, as JSON values.

    What is only a copy on its way (posts of Meta's, the inbox, answers to repeated calls) is not repeated.
    """
    told: dict[str, list[dict[str, Any]]] = {}
    for model, cover in COVERED.items():
        if cover.shown:
            rows = session.execute(select(model).where(cover.rows(shopper))).scalars()
            told[str(model.__tablename__)] = [
                {name: _plain(value) for name, value in row.model_dump().items()} for row in rows
            ]
    return told


def count(session: Session, shopper: Shopper) -> dict[str, int]:
    """Return how many rows of each table are the shopper's."""
    return {
        str(model.__tablename__): int(
            session.execute(select(func.count()).select_from(model).where(cover.rows(shopper))).scalar_one()
        )
        for model, cover in COVERED.items()
    }


def erase(session: Session, shopper: Shopper, at: datetime) -> dict[str, int]:
    """Erase a shopper at once; return how many rows of each table were wiped or deleted.

    Their open talks end, and nothing that is still to be sent goes out. Order numbers and outcomes stay. What they
    share with another merchant of the same number (the contact itself) stays until that one erases it too. A backup
    made before holds them until it is thrown away.
    """
    for conversation_id in sorted(shopper.conversation_ids):
        lock(session, conversation_id)
    _stop(session, shopper, at)
    if not shopper.others:
        for contact_id in shopper.contact_ids:
            stops.keep(session, session.get_one(Contact, contact_id))
    done: dict[str, int] = {}
    # Backwards: an order's number and a list's rows are still needed to find what hangs on them.
    for model, cover in reversed(COVERED.items()):
        if cover.common and shopper.others:
            continue
        ids = [row[0] for row in session.execute(select(model.id).where(cover.rows(shopper)))]  # type: ignore[attr-defined]  # Every table here has an id.
        for start in range(0, len(ids), _SOME):
            some = ids[start : start + _SOME]
            if cover.deleted:
                session.execute(delete(model).where(model.id.in_(some)))  # type: ignore[attr-defined]
            elif cover.wiped:
                session.execute(update(model).where(model.id.in_(some)).values(_blank(model, cover)))  # type: ignore[attr-defined]
        if ids and (cover.deleted or cover.wiped):
            done[str(model.__tablename__)] = len(ids)
    session.expire_all()
    return done


def _stop(session: Session, shopper: Shopper, at: datetime) -> None:
    """End what is still going on with the shopper."""
    session.execute(
        update(Run)
        .where(col(Run.order_id).in_(shopper.order_ids), col(Run.status).in_(OPEN_RUNS))
        .values(status="dropped", ended_at=at, updated_at=at)
    )
    session.execute(
        update(Message)
        .where(shopper.own, col(Message.status).in_(UNSENT))
        .values(status="cancelled", hold_reason="erased")
        .execution_options(synchronize_session=False)
    )
    for order in session.execute(
        select(Order).where(col(Order.id).in_(shopper.order_ids)).order_by(col(Order.id)).with_for_update()
    ).scalars():
        if order.intent in ("unasked", "asked"):
            outcomes.record(session, order, by="rule", at=at, intent="opted_out")
        order.updated_at = at
    session.flush()
    session.execute(
        update(Handover)
        .where(
            col(Handover.conversation_id).in_(shopper.conversation_ids),
            col(Handover.merchant_id) == shopper.merchant_id,
            col(Handover.resolved_at).is_(None),
        )
        .values(resolved_at=at, outcome="erased")
    )
    if not shopper.others:
        session.execute(
            update(Conversation)
            .where(col(Conversation.id).in_(shopper.conversation_ids))
            .values(owner="bot", agent_id=None, epoch=Conversation.epoch + 1, waiting_since=None)
        )
        # What had not been worked on yet would only come back with the name it came with.
        session.execute(
            update(Event)
            .where(col(Event.conversation_id).in_(shopper.conversation_ids), col(Event.handled_at).is_(None))
            .values(handled_at=at, error="erased")
        )


def _blank(model: type[SQLModel], cover: Cover) -> dict[str, Any]:
    number = cast(model.id, String)  # type: ignore[attr-defined]  # Every table here has an id.
    return {name: "erased:" + number if value is GONE else value for name, value in cover.wiped.items()}


class _Place(FunctionElement[int]):
    """Where bytes begin in others, counted from 1; 0 when they are not in them."""

    inherit_cache = True
    type = Integer()


@compiles(_Place, "sqlite")
def _in_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(_Place, "postgresql")
def _in_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    whole, part = element.clauses
    return f"position({compiler.process(part, **kw)} in {compiler.process(whole, **kw)})"


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return None if isinstance(value, bytes) else value

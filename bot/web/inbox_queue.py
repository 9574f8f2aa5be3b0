"""The queue: who waits for a person, the most money about to leave first; and whom to call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlmodel import Session, SQLModel, col

from bot.clock import now
from bot.database import row_id
from bot.models import AddressVersion, Audit, Contact, Conversation, Handover, Member, Message, Order, OrderItem
from bot.web import masks, tenant
from bot.web.access import me, my_shop
from bot.web.inbox_words import KINDS

VIEWS = ("all", "mine", "unassigned", "snoozed")
PAGE = 30
SOON, DAY = timedelta(hours=2), timedelta(hours=24)
CALLS = 30
"""As many as an agent rings in an hour or two; those that are done make room."""
Row = TypeVar("Row", bound=SQLModel)

MANY = 1000
"""Counts stop here: nobody reads a larger one, and counting a whole table takes longer than the page."""


@dataclass(frozen=True)
class Line:
    """A task as the queue shows it."""

    task: Handover
    conversation: Conversation
    order: Order | None
    group: int
    """A key of `inbox_words.GROUPS`."""
    name: str
    words: str
    """The shopper's last ones; empty when there are none."""
    heard: int
    """The number of the shopper's last message."""


@dataclass(frozen=True)
class Queue:
    """One page of the queue, with the numbers beside its views."""

    view: str
    lines: Sequence[Line]
    counts: dict[str, int]
    """Beside the views that look the same to all."""
    people: dict[int, str]
    """Who may have a task: id -> name."""
    more: int | None
    """The offset of the next page."""

    @property
    def signals(self) -> dict[int, int]:
        """Return what should be heard when it is new: task -> the shopper's last message."""
        return {row_id(line.task): line.heard for line in self.lines}


@dataclass(frozen=True)
class Call:
    """Somebody to ring before the parcel leaves."""

    order: Order
    items: str
    place: str
    tries: int
    conversation: int | None
    shown: bool
    """Whether its reader, who does not see numbers otherwise, has asked for this one."""


def look(session: Session, view: str, offset: int = 0) -> Queue:
    """Read one page of the queue."""
    at, shop = now(), my_shop().id
    view = view if view in VIEWS else "all"
    with tenant.lifted(session):
        # The wall's own rule for conversations asks two questions of every row; here the task answers both.
        found = session.execute(_ranked(shop, view, at).offset(offset).limit(PAGE + 1)).all()
        counts = _counts(session, shop, at)
        rows = found[:PAGE]
        talks = _by_id(session, Conversation, [task.conversation_id for task, _ in rows])
    orders = _by_id(session, Order, [task.order_id for task, _ in rows if task.order_id])
    words = _last_words(session, list(talks))
    named = {number for number, order in orders.items() if order.shopper_name}
    unnamed = [talks[task.conversation_id].contact_id for task, _ in rows if task.order_id not in named]
    names = {number: contact.name for number, contact in _by_id(session, Contact, unnamed).items()}
    lines = [
        Line(
            task=task,
            conversation=(talk := talks[task.conversation_id]),
            order=(order := orders.get(task.order_id or 0)),
            group=group,
            name=(order.shopper_name if order else "") or names.get(talk.contact_id, ""),
            words=words.get(task.conversation_id, (0, ""))[1],
            heard=words.get(task.conversation_id, (0, ""))[0],
        )
        for task, group in rows
    ]
    return Queue(view, lines, counts, people(session), offset + PAGE if len(found) > PAGE else None)


def of_each(session: Session) -> dict[int, int]:
    """Return how many tasks that are not asleep each person of the shop has: id -> number."""
    owner = col(Handover.assigned_to)
    statement = select(owner, func.count()).where(
        col(Handover.merchant_id) == my_shop().id, col(Handover.resolved_at).is_(None), owner.is_not(None),
        *_of_view("all", now()),
    ).group_by(owner)  # fmt: skip
    with tenant.lifted(session):
        return dict(session.execute(statement).all())


def people(session: Session) -> dict[int, str]:
    """Return who of the shop can have a conversation: id -> name."""
    rows = session.execute(select(Member).where(col(Member.disabled_at).is_(None)).order_by(col(Member.name))).scalars()
    return {row_id(member): member.name or member.email.split("@")[0] for member in rows}


def to_call(session: Session) -> int:
    """Return how many are to be called now."""
    return _to_call(session, my_shop().id, now())


def calls(session: Session, *, limit: int = CALLS) -> Sequence[Call]:
    """Return whom to call, those first whose time has come and whose parcel leaves first."""
    at = now()
    later = case((col(Order.call_at) > at, 1), else_=0)
    orders = session.execute(
        select(Order)
        .where(col(Order.decision) == "call", col(Order.status) == "open")
        .order_by(later, col(Order.cutoff_at).is_(None), col(Order.cutoff_at), col(Order.amount).desc(), col(Order.id))
        .limit(limit)
    ).scalars().all()  # fmt: skip
    ids = [row_id(order) for order in orders]
    items: dict[int, list[str]] = {}
    for item in session.execute(
        select(OrderItem).where(col(OrderItem.order_id).in_(ids)).order_by(col(OrderItem.position))
    ).scalars():
        items.setdefault(item.order_id, []).append(
            item.name if item.quantity == 1 else f"{item.quantity} × {item.name}"
        )
    places: dict[int, str] = {}
    for version in session.execute(
        select(AddressVersion)
        .where(col(AddressVersion.order_id).in_(ids), col(AddressVersion.settled).is_(True))
        .order_by(col(AddressVersion.version))
    ).scalars():
        parts = (version.parts.get(name) for name in ("address1", "address2", "landmark", "city", "postal_code"))
        places[version.order_id] = ", ".join(str(part) for part in parts if part)
    tries = _tries(session, ids)
    shown = masks.lately_revealed(session, ids) if masks.hides() else set()
    talks = _talks(session, [order.contact_id for order in orders if order.contact_id])
    return [
        Call(
            order, ", ".join(items.get(row_id(order), [])), places.get(row_id(order), ""),
            tries.get(f"order:{order.id}", 0), talks.get(order.contact_id or 0), order.id in shown,
        )
        for order in orders
    ]  # fmt: skip


def _ranked(shop: int, view: str, at: datetime) -> Any:
    """Each fact of an order or a conversation is a question of its own for every open task.

    As joins they would let the database read those tables as a whole, a hundred thousand rows for a few tasks.
    """
    at_stake = and_(col(Order.status) == "open", col(Order.cutoff_at).is_not(None))
    group = _of_order(
        shop,
        case(
            (and_(at_stake, col(Order.cutoff_at) < at), 2),
            (and_(at_stake, col(Order.cutoff_at) < at + SOON), 0),
            (and_(at_stake, col(Order.cutoff_at) < at + DAY), 1),
            else_=3,
        ),
        3,
    ).label("urgency")
    # A parcel that has left, or none at all: no money can be saved any more by being quick.
    stake = _of_order(shop, case((col(Order.status) == "open", col(Order.amount)), else_=0), 0)
    return (
        select(Handover, group)
        .where(col(Handover.merchant_id) == shop, col(Handover.resolved_at).is_(None), *_of_view(view, at))
        .order_by(group, stake.desc(), col(Handover.opened_at), col(Handover.id))
    )


def _of_order(shop: int, fact: Any, otherwise: int) -> Any:
    about = select(fact).where(col(Order.id) == col(Handover.order_id), col(Order.merchant_id) == shop)
    return func.coalesce(about.scalar_subquery(), otherwise)


def _asleep_until() -> Any:
    return (
        select(col(Conversation.snoozed_until))
        .where(col(Conversation.id) == col(Handover.conversation_id))
        .scalar_subquery()
    )


def _of_view(view: str, at: datetime) -> list[ColumnElement[bool]]:
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    until = func.coalesce(_asleep_until(), long_ago)
    if view == "snoozed":
        return [until > at]
    if view == "mine":
        return [col(Handover.assigned_to) == me().id, until <= at]
    return [col(Handover.assigned_to).is_(None), until <= at] if view == "unassigned" else [until <= at]


def _counts(session: Session, shop: int, at: datetime) -> dict[str, int]:
    some = (
        select(col(Handover.assigned_to).label("who"), _asleep_until().label("until"))
        .where(col(Handover.merchant_id) == shop, col(Handover.resolved_at).is_(None))
        .limit(MANY)
        .subquery()
    )
    asleep = and_(some.c.until.is_not(None), some.c.until > at)
    awake = or_(some.c.until.is_(None), some.c.until <= at)
    figures = session.execute(
        select(func.count(), *(
            func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
            for condition in (asleep, and_(awake, some.c.who.is_(None)))
        )).select_from(some)
    ).one()  # fmt: skip
    whole, sleeping, unassigned = (int(figure) for figure in figures)
    ringing = _to_call(session, shop, at)
    return {"all": whole - sleeping, "unassigned": unassigned, "snoozed": sleeping, "calls": ringing}


def _to_call(session: Session, shop: int, at: datetime) -> int:
    some = (
        select(col(Order.id))
        .where(
            col(Order.merchant_id) == shop,
            col(Order.decision) == "call",
            col(Order.status) == "open",
            or_(col(Order.call_at).is_(None), col(Order.call_at) <= at),
        )
        .limit(MANY)
        .subquery()
    )
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def _last_words(session: Session, talks: Sequence[int]) -> dict[int, tuple[int, str]]:
    if not talks:
        return {}
    newest = (
        select(col(Message.conversation_id).label("talk"), func.max(Message.seq).label("seq"))
        .where(col(Message.conversation_id).in_(talks), col(Message.author) == "shopper")
        .group_by(col(Message.conversation_id))
        .subquery()
    )
    rows = session.execute(
        select(Message).join(
            newest, and_(col(Message.conversation_id) == newest.c.talk, col(Message.seq) == newest.c.seq)
        )
    ).scalars()
    return {
        message.conversation_id: (message.seq, message.body[:140] or str(KINDS.get(message.kind, "")))
        for message in rows
    }


def _by_id(session: Session, model: type[Row], ids: Sequence[int]) -> dict[int, Row]:
    if not ids:
        return {}
    rows = session.execute(select(model).where(col(model.id).in_(ids))).scalars()  # type: ignore[attr-defined]
    return {row_id(row): row for row in rows}


def _tries(session: Session, ids: Sequence[int]) -> dict[str, int]:
    rows = session.execute(
        select(col(Audit.object), func.count())
        .where(
            col(Audit.merchant_id) == my_shop().id,
            col(Audit.object).in_([f"order:{number}" for number in ids]),
            col(Audit.act) == "order.called",
        )
        .group_by(col(Audit.object))
    )
    return {about: number for about, number in rows}  # noqa: C416  # A row is no pair to the type checker.


def _talks(session: Session, contacts: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(col(Conversation.contact_id), col(Conversation.id)).where(col(Conversation.contact_id).in_(contacts))
    ).all()
    return {contact: talk for contact, talk in rows if talk is not None}

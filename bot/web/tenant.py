"""The wall between merchants: the one place that says which rows a merchant's people may see.

Pages get their database session here. Whatever is selected in it, by whatever route of joins, is narrowed to the
merchant's rows by SQLAlchemy itself, so that a forgotten `where` shows nothing of others. A model without a rule
cannot be read at all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from flask import abort
from sqlalchemy import ColumnElement, event, exists, false, or_, select
from sqlalchemy.orm import ORMExecuteState, aliased, with_loader_criteria
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.sql import visitors
from sqlmodel import Session, SQLModel, col

from bot.models import (
    AddressVersion,
    ApiKey,
    Audit,
    CannedAnswer,
    Channel,
    Contact,
    Conversation,
    Envelope,
    Event,
    Handover,
    Hook,
    HookDelivery,
    Idempotency,
    Identity,
    Member,
    Merchant,
    Message,
    Order,
    OrderItem,
    Pulse,
    Receipt,
    Review,
    Run,
    SavedView,
    Stop,
    Timer,
    Upload,
    UploadRow,
    WebSession,
    WhatsAppTemplate,
)
from bot.services import services
from bot.web.access import my_shop

Model = TypeVar("Model", bound=SQLModel)
Rule = Callable[[int], ColumnElement[bool]]


# Aliases, because a subquery on the table of the outer query itself would be taken for a reference to that one.
_ORDERS: Any = aliased(Order, name="own_orders")
_RUNS: Any = aliased(Run, name="own_run")
_TASKS: Any = aliased(Handover, name="own_handover")
_MERCHANTS: Any = aliased(Merchant, name="own_merchant")
_CHANNELS: Any = aliased(Channel, name="own_channel")


def _own(model: Any) -> Rule:
    return lambda merchant: model.merchant_id == merchant


def _through(key: Any, parent: Any) -> Rule:
    parents = aliased(parent, name=f"own_{parent.__tablename__}")
    return lambda merchant: key.in_(select(parents.id).where(parents.merchant_id == merchant))


def _conversations(key: Any) -> Rule:
    """Those of which the merchant has a part: one number of ours may speak for several shops."""
    return lambda merchant: or_(
        exists().where(_RUNS.conversation_id == key, _RUNS.merchant_id == merchant),
        exists().where(_TASKS.conversation_id == key, _TASKS.merchant_id == merchant),
    )


def _shoppers(key: Any) -> Rule:
    return lambda merchant: exists().where(_ORDERS.contact_id == key, _ORDERS.merchant_id == merchant)


def _bubbles(merchant: int) -> ColumnElement[bool]:
    """Those in the merchant's name; one that is nobody's counts as theirs while no other shop has a part."""
    here = _RUNS.conversation_id == col(Message.conversation_id)
    return or_(
        col(Message.merchant_id) == merchant,
        col(Message.merchant_id).is_(None)
        & exists().where(here, _RUNS.merchant_id == merchant)
        & ~exists().where(here, _RUNS.merchant_id != merchant),
    )


def _channels(merchant: int) -> ColumnElement[bool]:
    return col(Channel.id).in_(select(_MERCHANTS.channel_id).where(_MERCHANTS.id == merchant))


def _templates(merchant: int) -> ColumnElement[bool]:
    return col(WhatsAppTemplate.business_account_id).in_(
        select(_CHANNELS.business_account_id)
        .join(_MERCHANTS, _MERCHANTS.channel_id == _CHANNELS.id)
        .where(_MERCHANTS.id == merchant)
    )


def _nobody(_merchant: int) -> ColumnElement[bool]:
    return false()


RULES: dict[type[SQLModel], Rule] = {
    Merchant: lambda merchant: col(Merchant.id) == merchant,
    Member: _own(Member),
    ApiKey: _own(ApiKey),
    CannedAnswer: _own(CannedAnswer),
    SavedView: _own(SavedView),
    Idempotency: _own(Idempotency),
    Hook: _own(Hook),
    HookDelivery: _own(HookDelivery),
    WebSession: _through(col(WebSession.member_id), Member),
    Audit: _own(Audit),
    Channel: _channels,
    Upload: _own(Upload),
    UploadRow: _through(col(UploadRow.upload_id), Upload),
    Order: _own(Order),
    OrderItem: _through(col(OrderItem.order_id), Order),
    AddressVersion: _through(col(AddressVersion.order_id), Order),
    Review: _own(Review),
    Contact: _shoppers(col(Contact.id)),
    Identity: _shoppers(col(Identity.contact_id)),
    Conversation: _conversations(col(Conversation.id)),
    Run: _own(Run),
    Message: _bubbles,
    Receipt: _through(col(Receipt.message_id), Message),
    Timer: _through(col(Timer.run_id), Run),
    Handover: _own(Handover),
    WhatsAppTemplate: _templates,
    Envelope: _nobody,
    Pulse: _nobody,
    Event: _nobody,
    Stop: _nobody,
}


def _is_trial(order_id: Any) -> ColumnElement[bool]:
    return exists().where(_ORDERS.id == order_id, _ORDERS.trial.is_(True))


def _talks_of_trials(conversation_id: Any) -> ColumnElement[bool]:
    """Whether all that a conversation was ever about is trials."""
    talks = select(_RUNS.id).where(_RUNS.conversation_id == conversation_id)
    return talks.where(_is_trial(_RUNS.order_id)).exists() & ~talks.where(~_is_trial(_RUNS.order_id)).exists()


REAL: dict[type[SQLModel], ColumnElement[bool]] = {
    Order: col(Order.trial).is_(False),
    Run: ~_is_trial(col(Run.order_id)),
    Message: col(Message.order_id).is_(None) | ~_is_trial(col(Message.order_id)),
    Review: ~_is_trial(col(Review.order_id)),
    Conversation: ~_talks_of_trials(col(Conversation.id)),
}
"""What a merchant's systems see of what its people see: no orders that were made up to try the talk."""


@contextmanager
def reading(merchant_id: int | None = None) -> Iterator[Session]:
    """Yield a session that reads the rows of the signed-in person's merchant.

    Or those of the merchant given, to whom a system belongs that is asking: then without trials.
    """
    with services().database.reader() as session:
        _limit(session, merchant_id)
        yield session


@contextmanager
def writing(merchant_id: int | None = None) -> Iterator[Session]:
    """Yield a session that reads and writes the merchant's rows, as `reading`; it commits at the end, or not at all."""
    with services().database.session() as session:
        _limit(session, merchant_id)
        yield session


@contextmanager
def lifted(session: Session) -> Iterator[None]:
    """Let a business function see all rows while it works on something that this merchant was seen to own.

    Cancelling the queued bubbles of a conversation, for one, concerns every shop that speaks in it.
    """
    merchant_id = session.info.pop("merchant_id")
    try:
        yield
    finally:
        session.info["merchant_id"] = merchant_id


def find(session: Session, model: type[Model], id: int, *, lock: bool = False) -> Model:  # noqa: A002
    """Return a row of this merchant by its id, locked if need be; answers 404 for another's exactly as for none."""
    row = session.get(model, id, with_for_update=True) if lock else session.get(model, id)
    if row is None:
        abort(404)
    return row


@contextmanager
def changing(model: type[Model], id: int) -> Iterator[tuple[Session, Model]]:  # noqa: A002
    """Yield a session that writes, as `writing`, and a row of this merchant to be changed in it."""
    with writing() as session:
        yield session, find(session, model, id)


def _limit(session: Session, merchant_id: int | None) -> None:
    session.info["trials"] = merchant_id is None
    if merchant_id is None:
        # A platform admin looks after merchants, not into their orders.
        merchant_id = my_shop().id
    session.info["merchant_id"] = merchant_id


@event.listens_for(OrmSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    merchant = state.session.info.get("merchant_id")
    if merchant is None or state.is_column_load or state.is_relationship_load:
        return
    models = {
        element._annotations["parententity"].class_
        for element in visitors.iterate(cast(visitors.ExternallyTraversible, state.statement))
        if "parententity" in element._annotations
    }
    if unruled := models - RULES.keys():
        raise LookupError(f"no rule says whose {unruled} are")
    state.statement = state.statement.options(
        *(with_loader_criteria(model, RULES[model](merchant), include_aliases=True) for model in models),
        *(
            with_loader_criteria(model, REAL[model], include_aliases=True)
            for model in models & REAL.keys()
            if not state.session.info["trials"]
        ),
    )

"""Orders: made, read, changed, cancelled, sent, and answered on the phone."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from flask import Response
from flask_openapi3 import Tag
from sqlmodel import Session, and_, col, or_, select

from bot.clock import now
from bot.models import Merchant, Order
from bot.orders import changes, outcomes
from bot.orders.judging import Judged
from bot.orders.rules import Rules
from bot.orders.storing import create_orders
from bot.orders.uploads import shop_of
from bot.services import services
from bot.web import audit, tenant
from bot.web.api import drafts, pages, views
from bot.web.api.blueprint import blueprint, needs
from bot.web.api.idempotency import answer
from bot.web.api.keys import caller
from bot.web.api.problems import refuse
from bot.web.api.schemas.fields import FieldProblem, PostHeaders
from bot.web.api.schemas.orders import (
    CancelIn,
    DecisionsPage,
    DecisionsQuery,
    FindingOut,
    MadeOut,
    MadePage,
    OrderIn,
    OrderOut,
    OrderPatch,
    OrderPath,
    OrdersIn,
    OrdersPage,
    OrdersQuery,
    OutcomeIn,
    StatusIn,
)

ORDERS = Tag(name="Orders", description="What was bought, where it goes, and what the shopper wants.")
DECISIONS = Tag(name="Decisions", description="What to do with each order: ship, hold, call or cancel.")

_SETTLED = timedelta(seconds=10)
"""Changes younger than this are told with the next call: a transaction may still be under way that bears an earlier
time, and would be passed by."""


@blueprint.post("/orders", tags=[ORDERS], responses={201: OrderOut})
@needs("orders:write")
def create_order(header: PostHeaders, body: OrderIn) -> Response:
    """Make an order

    The order goes the way of a row of an uploaded list: phone, amount and address are checked, and the shopper is
    asked at `ask_at`. An order number that is known is refused with 409.
    """

    def work(session: Session) -> tuple[int, OrderOut]:
        merchant, at = _merchant(session), now()
        judged = drafts.judge(body, merchant, at)
        if judged.order is None:
            refuse(422, judged.parsed.status, errors=drafts.problems_of(judged.parsed.problems))
        known = _known(session, [judged])
        if order := known.get(judged.parsed.reference):
            refuse(409, "known", "There is an order with this number already.", order_id=order.id)
        made = _make(session, merchant, [judged], at)[judged.parsed.reference]
        return 201, _shown(session, made, judged)

    return answer(work)


@blueprint.post("/orders/batch", tags=[ORDERS], responses={200: MadePage})
@needs("orders:write")
def create_orders_at_once(header: PostHeaders, body: OrdersIn) -> Response:
    """Make up to 500 orders

    Each is judged by itself: those that can be taken are made, and the answer says of each what became of it.
    """

    def work(session: Session) -> tuple[int, MadePage]:
        merchant, at = _merchant(session), now()
        judged = [drafts.judge(one, merchant, at) for one in body.orders]
        known = _known(session, judged)
        fresh: dict[str, Judged] = {}
        for one in judged:
            if one.order is not None and one.parsed.reference not in known:
                fresh.setdefault(one.parsed.reference, one)
        made = _make(session, merchant, list(fresh.values()), at)
        results = [
            _result(given.reference, one, made.get(one.parsed.reference) if fresh.get(one.parsed.reference) is one else
                    None, known.get(one.parsed.reference) or made.get(one.parsed.reference))
            for given, one in zip(body.orders, judged, strict=True)
        ]  # fmt: skip
        return 200, MadePage(items=results)

    return answer(work)


@blueprint.get("/orders", tags=[ORDERS], responses={200: OrdersPage})
@needs("orders:read")
def list_orders(query: OrdersQuery) -> Response:
    """List orders, newest first"""
    statement = select(Order).order_by(col(Order.id).desc()).limit(query.limit + 1)
    for name in ("status", "intent", "decision", "reference", "phone", "upload_id"):
        if (value := getattr(query, name)) is not None:
            statement = statement.where(getattr(Order, name) == value)
    if query.created_from:
        statement = statement.where(col(Order.created_at) >= query.created_from)
    if query.created_until:
        statement = statement.where(col(Order.created_at) < query.created_until)
    if place := pages.decode(query.cursor, int):
        statement = statement.where(col(Order.id) < place[0])
    with tenant.reading(caller().merchant_id) as session:
        rows, following = pages.page(session.exec(statement).all(), query.limit, lambda order: (order.id or 0,))
        shown = OrdersPage(items=views.orders_of(session, rows), next=following)
    return _json(shown)


@blueprint.get("/orders/<int:order_id>", tags=[ORDERS], responses={200: OrderOut})
@needs("orders:read")
def get_order(path: OrderPath) -> Response:
    """Read an order"""
    with tenant.reading(caller().merchant_id) as session:
        shown = views.orders_of(session, [tenant.find(session, Order, path.order_id)])[0]
    return _json(shown)


@blueprint.patch("/orders/<int:order_id>", tags=[ORDERS], responses={200: OrderOut})
@needs("orders:write")
def update_order(path: OrderPath, header: PostHeaders, body: OrderPatch) -> Response:
    """Change an order

    As a newer list does it: until the shopper is asked, everything may change; then the talk is told of the change,
    but the phone number stays; after the answer, and after dispatch, a change is refused with 409.
    """

    def work(session: Session) -> tuple[int, OrderOut]:
        merchant, order, at = _merchant(session), _locked(session, path.order_id), now()
        items = views.items_of(session, [path.order_id])
        address = views.addresses_of(session, [path.order_id]).get(path.order_id)
        judged = drafts.judge(drafts.patched(order, items, address, body), merchant, at)
        if judged.order is None:
            refuse(422, judged.parsed.status, errors=drafts.problems_of(judged.parsed.problems))
        with tenant.lifted(session):
            _, told = changes.meet_known(
                session, order, judged, at, shards=services().settings.shards, bell=services().bell
            )
        if refusal := next((one for one in told if one.code == "NEEDS_APPROVAL"), None):
            refuse(409, "too_late", f"{refusal.reason[:1].upper()}{refusal.reason[1:]}.", order_id=order.id)
        _note(session, "order.updated", order, fields=sorted(body.model_fields_set))
        session.flush()
        return 200, _shown(session, order, judged)

    return answer(work)


@blueprint.post("/orders/<int:order_id>/cancel", tags=[ORDERS], responses={200: OrderOut})
@needs("orders:write")
def cancel_order(path: OrderPath, header: PostHeaders, body: CancelIn) -> Response:
    """Cancel an order

    The shop takes it back: the shopper is asked nothing more about it.
    """
    told = {"cancel_reason": body.reason, "cancel_note": body.note}
    return _record(path, "merchant", {"status": "cancelled", "decision": "cancel", **_given(told)})


@blueprint.post("/orders/<int:order_id>/status", tags=[ORDERS], responses={200: OrderOut})
@needs("orders:write")
def mark_order(path: OrderPath, header: PostHeaders, body: StatusIn) -> Response:
    """Say where the parcel is

    Shipped, out for delivery, delivered, returned; `open` takes a mistake back.
    """
    return _record(path, body.by, {"status": body.status})


@blueprint.post("/orders/<int:order_id>/outcome", tags=[ORDERS], responses={200: OrderOut})
@needs("orders:write")
def record_outcome(path: OrderPath, header: PostHeaders, body: OutcomeIn) -> Response:
    """Record what a shopper said on the phone

    It counts as an answer: the bot stops asking, and the decision is made anew.
    """
    told = _given(body.model_dump())
    if not told:
        refuse(422, "invalid", errors=[{"field": "", "code": "missing", "reason": "Say at least one thing."}])
    return _record(path, "merchant", told)


@blueprint.post("/orders/<int:order_id>/approve", tags=[ORDERS], responses={200: OrderOut})
@needs("orders:write")
def approve_change(path: OrderPath, header: PostHeaders) -> Response:
    """Approve a change

    A newer list says otherwise of an order whose shopper has answered: its row has the code `NEEDS_APPROVAL`. This
    takes the order as that list says; the answer stands, and the decision is made anew. 409 when nothing waits.
    """

    def work(session: Session) -> tuple[int, OrderOut]:
        merchant, order, at = _merchant(session), _locked(session, path.order_id), now()
        shop = shop_of(merchant, Rules.from_json(merchant.rules), at)
        with tenant.lifted(session):
            done = changes.approve(session, order, shop, at=at, member_id=None, bell=services().bell)
        if not done:
            refuse(409, "nothing_waits", "No newer list says otherwise of this order.", order_id=order.id)
        _note(session, "order.updated", order, fields=["list"])
        session.flush()
        return 200, _shown(session, order)

    return answer(work)


@blueprint.get("/decisions", tags=[DECISIONS], responses={200: DecisionsPage})
@needs("orders:read")
def list_decisions(query: DecisionsQuery) -> Response:
    """Read what changed since the last call

    Orders about which something is known, in the order of their last change. Keep `next` and call with it again:
    an order comes again whenever it changes, and none is passed by. Changes are told ten seconds after they were made.
    """
    statement = (
        select(Order)
        .where(
            col(Order.updated_at) <= now() - _SETTLED,
            or_(col(Order.decision).is_not(None), col(Order.intent) != "unasked", col(Order.status) != "open"),
        )
        .order_by(col(Order.updated_at), col(Order.id))
        .limit(query.limit)
    )
    place = pages.decode(query.cursor, str, int)
    if place:
        moment = _moment(place[0])
        later = and_(col(Order.updated_at) == moment, col(Order.id) > place[1])
        statement = statement.where(or_(col(Order.updated_at) > moment, later))
    elif query.since:
        statement = statement.where(col(Order.updated_at) >= query.since)
    with tenant.reading(caller().merchant_id) as session:
        rows = session.exec(statement).all()
    if rows:
        following = pages.encode(rows[-1].updated_at.isoformat(), rows[-1].id or 0)
    else:
        following = query.cursor or pages.encode((query.since or _BEGINNING).isoformat(), 0)
    return _json(DecisionsPage(items=[views.decision_of(order) for order in rows], next=following))


_BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def _moment(text: str) -> datetime:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and 2000 <= moment.year < 2100:
            return moment
    return pages.refuse_cursor()


def _record(path: OrderPath, by: str, told: dict[str, Any]) -> Response:
    """Record an outcome through the one door that there is."""

    def work(session: Session) -> tuple[int, OrderOut]:
        order = _locked(session, path.order_id)
        with tenant.lifted(session):
            changed = outcomes.record(session, order, by=by, at=now(), bell=services().bell, **told)
        _note(session, "order.outcome", order, by=by, fields=sorted(changed))
        session.flush()
        return 200, _shown(session, order)

    return answer(work)


def _given(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}


def _merchant(session: Session) -> Merchant:
    """Return the caller's merchant, locked: as with imports, one call of a shop makes or changes orders at a time."""
    statement = select(Merchant).where(Merchant.id == caller().merchant_id).with_for_update(key_share=True)
    return session.exec(statement).one()


def _locked(session: Session, order_id: int) -> Order:
    order = session.exec(select(Order).where(Order.id == order_id).with_for_update()).one_or_none()
    if order is None:
        refuse(404)
    return order


def _known(session: Session, judged: Sequence[Judged]) -> dict[str, Order]:
    references = sorted({one.parsed.reference for one in judged if one.parsed.reference})
    taken = select(Order).where(Order.merchant_id == caller().merchant_id, col(Order.reference).in_(references))
    with tenant.lifted(session):
        # A trial, which systems do not see, has its number too.
        return {row.reference: row for row in session.exec(taken)}


def _make(session: Session, merchant: Merchant, judged: Sequence[Judged], at: datetime) -> dict[str, Order]:
    fresh = [one.order for one in judged if one.order]
    with tenant.lifted(session):
        ids = create_orders(session, None, merchant, fresh, at, services().settings.shards)
        rows = session.exec(select(Order).where(col(Order.id).in_(ids.values())).order_by(col(Order.id))).all()
        made = {order.reference: order for order in rows}
    for order in made.values():
        _note(session, "order.created", order)
    return made


def _shown(session: Session, order: Order, judged: Judged | None = None) -> OrderOut:
    shown = views.orders_of(session, [order])[0]
    if judged is not None:
        shown.warnings = [FieldProblem(**one) for one in drafts.problems_of(judged.parsed.warnings)]
    return shown


def _result(reference: str, judged: Judged, made: Order | None, known: Order | None) -> MadeOut:
    report = judged.report
    order = made or known
    problems = [*judged.parsed.problems, *judged.parsed.warnings]
    return MadeOut(
        reference=reference,
        result="created" if made else judged.parsed.status if judged.order is None else "known",
        order_id=order.id if order else None,
        ask_at=order.ask_at if order else None,
        address_score=report.score if report else None,
        findings=[FindingOut(**one) for one in changes.findings_of(report)] if report else [],
        problems=[FieldProblem(**one) for one in drafts.problems_of(problems)],
    )


def _note(session: Session, act: str, order: Order, **detail: object) -> None:
    audit.record(
        session, act, member_id=None, merchant_id=order.merchant_id, about=f"order:{order.id}", key=caller().prefix,
        **detail,
    )  # fmt: skip


def _json(shown: Any) -> Response:
    return Response(shown.model_dump_json(), mimetype="application/json")

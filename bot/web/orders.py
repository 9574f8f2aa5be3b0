"""Orders: the list, and one order's whole story."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from werkzeug.wrappers import Response

from bot.clock import now
from bot.models import AddressVersion, Contact, Handover, Merchant, Message, Order, OrderItem, Run, SavedView, Upload
from bot.orders import changes, outcomes
from bot.orders.rules import Rules
from bot.orders.uploads import shop_of
from bot.services import services
from bot.talk.contacts import locale_of
from bot.web import bubbles, explanations, inbox_queue, inbox_words, live, masks, order_list, stories, tenant
from bot.web.access import ADMIN, AGENT, EVERYONE, MERCHANT, SHOP, allow, me
from bot.web.bubbles import Bubbles

blueprint = Blueprint("orders", __name__)

BY_HAND = {
    "ship": {"decision": "ship"},
    "hold": {"decision": "hold"},
    "call": {"decision": "call"},
    "cancel": {"decision": "cancel", "status": "cancelled"},
    "shipped": {"status": "shipped"},
    "delivered": {"status": "delivered"},
    "returned": {"status": "returned"},
    "reopen": {"status": "open"},
}
"""What people of the shop may make of an order, and what of it changes then."""


@blueprint.get("/")
@allow(EVERYONE)
def start() -> Response:
    """Open on what each role does most."""
    return redirect(url_for({ADMIN: "shops.page", AGENT: "inbox.page"}.get(me().role, "orders.page")))


@blueprint.get("/orders")
@allow(SHOP)
def page() -> str:
    """List the orders: one of the usual views, narrowed and sorted as the address says."""
    wanted = order_list.Wanted.from_arguments(request.args)
    if request.headers.get("HX-Target") == "list":
        return f'<div id="list">{live.region("orders", lambda: _list(wanted), "orders", request.query_string)}</div>'
    state = live.state("orders")
    with tenant.reading() as session:
        uploads = session.exec(select(Upload.id, Upload.filename).order_by(col(Upload.id).desc()).limit(20)).all()
        saved = session.exec(select(SavedView).order_by(col(SavedView.name))).all()
    return render_template(
        "orders.html",
        wanted=wanted,
        list=Markup(_list(wanted)),  # noqa: S704
        uploads=uploads,
        saved=saved,
        live=state,
    )


def _list(wanted: order_list.Wanted) -> str:
    with tenant.reading() as session:
        found = order_list.look(session, wanted)
    return render_template("orders_list.html", wanted=wanted, found=found)


@dataclass(frozen=True)
class Details:
    """Everything about one order that its page shows."""

    order: Order
    items: Sequence[OrderItem]
    addresses: Sequence[AddressVersion]
    """Newest first."""
    said: Bubbles
    locale: str
    """The shopper's language."""
    run: Run | None
    task: Handover | None
    story: list[stories.Moment]
    shop_rules: Rules


@blueprint.get("/orders/<int:id>")
@allow(SHOP)
def order(id: int) -> str:  # noqa: A002
    """Show one order: facts, address, decision with its sum, talk, timeline."""
    state = live.state(f"order:{id}")
    with tenant.reading() as session:
        details = _details(session, tenant.find(session, Order, id))
        masks.open_if_revealed(session, id)
        waits = [
            explanations.problem(problem["reason"], problem["code"])
            for row in changes.waiting(session, details.order)
            for problem in row.problems
        ]
        people = inbox_queue.people(session)
    return render_template(
        "order.html", d=details, people=people, words=inbox_words, live=state, by_hand=_offered(details.order),
        waits=waits,
    )  # fmt: skip


@blueprint.post("/orders/<int:id>/approve")
@allow(MERCHANT)
def approve(id: int) -> Response:  # noqa: A002
    """Apply what a newer list says of the order, although its shopper has answered."""
    with tenant.writing() as session:
        row = tenant.find(session, Order, id, lock=True)
        merchant, at = session.get_one(Merchant, row.merchant_id), now()
        shop = shop_of(merchant, Rules.from_json(merchant.rules), at)
        with tenant.lifted(session):
            done = changes.approve(session, row, shop, at=at, member_id=me().id, bell=services().bell)
    if done:
        flash(_("The order is now as the list says."), "good")
    else:
        flash(_("Nothing waits any more: hand the list in again."), "act")
    return redirect(url_for("orders.order", id=id))


@blueprint.post("/orders/<int:id>/outcome")
@allow(SHOP)
def outcome(id: int) -> Response:  # noqa: A002
    """Record what somebody of the shop decides; it stands until the shopper says something else."""
    wanted = request.form.get("outcome", "")
    if wanted not in BY_HAND:
        abort(400)
    with tenant.writing() as session:
        row = tenant.find(session, Order, id, lock=True)
        with tenant.lifted(session):
            changed = outcomes.record(
                session, row, by="agent" if me().role == AGENT else "merchant", at=now(), member_id=me().id,
                bell=services().bell, **BY_HAND[wanted],
            )  # fmt: skip
    flash(_("Saved.") if changed else _("Nothing changed: it was so already."), "good" if changed else "act")
    return redirect(url_for("orders.order", id=id))


@blueprint.post("/orders/outcomes")
@allow(MERCHANT)
def outcome_of_many() -> Response:
    """Record one decision for all ticked orders."""
    wanted = request.form.get("outcome", "")
    ids = sorted({int(value) for value in request.form.getlist("order") if value.isdecimal() and len(value) < 19})[:200]
    if wanted not in BY_HAND or not ids:
        flash(_("Tick at least one order first."), "act")
        return redirect(_back())
    changed = 0
    with tenant.writing() as session:
        statement = select(Order).where(col(Order.id).in_(ids)).order_by(col(Order.id)).with_for_update()
        rows = session.exec(statement).all()
        with tenant.lifted(session):
            for row in rows:
                changed += bool(
                    outcomes.record(
                        session,
                        row,
                        by="merchant",
                        at=now(),
                        member_id=me().id,
                        bell=services().bell,
                        **BY_HAND[wanted],
                    )
                )
    flash(_("%(n)s of %(of)s orders changed.", n=changed, of=len(rows)), "good")
    return redirect(_back())


def _back() -> str:
    """The list as it was filtered."""
    query = request.form.get("back", "")
    return url_for("orders.page") + (f"?{query}" if query else "")


def _offered(order: Order) -> list[str]:
    """What can be done by hand now."""
    if order.status == "open":
        return [name for name in ("ship", "hold", "call", "cancel") if name != order.decision] + ["shipped"]
    if order.status in ("shipped", "out_for_delivery"):
        return ["delivered", "returned", "reopen"]
    return ["reopen"]


def _details(session: Session, order: Order) -> Details:
    items = session.exec(
        select(OrderItem).where(OrderItem.order_id == order.id).order_by(col(OrderItem.position))
    ).all()
    addresses = session.exec(
        select(AddressVersion).where(AddressVersion.order_id == order.id).order_by(col(AddressVersion.version).desc())
    ).all()
    run = session.exec(select(Run).where(Run.order_id == order.id).order_by(col(Run.id).desc())).first()
    said = _said(session, order)
    tasks = session.exec(select(Handover).where(Handover.order_id == order.id).order_by(col(Handover.id))).all()
    shop = session.get_one(Merchant, order.merchant_id)
    contact = session.get(Contact, order.contact_id) if order.contact_id else None
    return Details(
        order=order,
        items=items,
        addresses=addresses,
        said=bubbles.read(session, said),
        locale=locale_of(contact, order, shop),
        run=run,
        task=next((task for task in tasks if task.resolved_at is None), None),
        story=stories.tell(session, order, addresses, said, tasks),
        shop_rules=Rules.from_json(shop.rules),
    )


def _said(session: Session, order: Order) -> Sequence[Message]:
    """The talk about this order, alone or with others of the shopper's, and what was said in between about none."""
    talks = select(Run.conversation_id).where(Run.order_id == order.id)
    alone, joint = aliased(Run), aliased(Run)
    # A question about several orders belongs to the first of them; the others' own talks end at the moment it begins.
    together = select(joint.id).where(
        alone.order_id == order.id,
        joint.conversation_id == alone.conversation_id,
        joint.flow == "several_orders",
        joint.created_at == alone.ended_at,
    )
    about = (col(Message.order_id) == order.id, col(Message.order_id).is_(None), col(Message.run_id).in_(together))
    newest = (
        select(Message)
        .where(col(Message.conversation_id).in_(talks), or_(*about))
        .order_by(col(Message.seq).desc())
        .limit(200)
    )
    return list(reversed(session.exec(newest).all()))

"""A shopper's rights: to see all that is kept of them, and to have it erased; and what is wiped by itself."""

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlmodel import Session, col, or_, select
from werkzeug.wrappers import Response as AnyResponse

from bot.clock import now
from bot.models import Audit, Member, Merchant, Order
from bot.orders.rules import Rules
from bot.talk import privacy, retention
from bot.talk.privacy import Shopper
from bot.web import audit, masks, tenant
from bot.web.access import MERCHANT, OWNER, allow, me, my_shop
from bot.web.inbox_forms import row_number
from bot.web.protection import limiter

blueprint = Blueprint("privacy", __name__)

ERASED = "shopper.erased"
EXPORTED = "shopper.exported"
NAMES: dict[str, Any] = {
    "orders": lazy_gettext("Orders"),
    "order_item": lazy_gettext("Goods"),
    "address": lazy_gettext("Versions of addresses"),
    "review": lazy_gettext("Reviews"),
    "handover": lazy_gettext("Tasks of your team"),
    "message": lazy_gettext("Messages"),
    "receipt": lazy_gettext("Ticks of messages"),
    "run": lazy_gettext("Talks"),
    "timer": lazy_gettext("Planned reminders"),
    "contact": lazy_gettext("The contact"),
    "identity": lazy_gettext("Their names at WhatsApp"),
    "conversation": lazy_gettext("The conversation"),
    "event": lazy_gettext("What moved the conversation"),
    "upload_row": lazy_gettext("Rows of your lists"),
    "upload": lazy_gettext("Lists with them in it"),
    "idempotency": lazy_gettext("Answers kept for repeated calls"),
    "envelope": lazy_gettext("Posts of WhatsApp's"),
}
_README = """Everything that {shop} keeps of the shopper of order {reference}, written on {day}.

One file per kind. Times are UTC. Amounts are in the smallest unit of their currency. Photos and videos are at WhatsApp,
which keeps them for a week; the entries hold their numbers there.
"""


@blueprint.get("/settings/privacy")
@allow(OWNER)
def page() -> str:
    """Find a shopper, and see what is wiped by itself."""
    search = request.args.get("q", "").strip()[:80]
    with tenant.reading() as session:
        found = _find(session, search) if search else []
        rules = Rules.from_json(session.get_one(Merchant, my_shop().id).rules)
        lines = session.exec(
            select(Audit, Member.name, Member.email)
            .outerjoin(Member, col(Member.id) == Audit.member_id)
            .where(col(Audit.act).in_((ERASED, EXPORTED, masks.ACT, retention.ACT)))
            .order_by(col(Audit.id).desc())
            .limit(15)
        ).all()
    return render_template("settings_privacy.html", search=search, found=found, rules=rules, lines=lines, names=NAMES)


@blueprint.get("/settings/privacy/shoppers/<int:id>")
@allow(OWNER)
def shopper(id: int) -> str:  # noqa: A002
    """Show how much is kept of the shopper of an order."""
    with tenant.reading() as session:
        order = tenant.find(session, Order, id)
        known, counts = _known(session, order)
    return _page(order, known, counts)


@blueprint.get("/settings/privacy/shoppers/<int:id>/file/<kind>")
@allow(OWNER)
@limiter.limit("60 per hour")
def file(id: int, kind: str) -> Response:  # noqa: A002
    """Give out everything about a shopper."""
    if kind not in ("json", "zip"):
        abort(404)
    with tenant.writing() as session:
        order = tenant.find(session, Order, id)
        with tenant.lifted(session):
            told = privacy.export(session, privacy.shopper_of(session, order))
        audit.record(
            session, EXPORTED, member_id=me().id, merchant_id=order.merchant_id, about=f"order:{id}", kind=kind
        )
        readme = _README.format(shop=my_shop().name, reference=order.reference, day=now().date())
    content = _json(told) if kind == "json" else _zip(told, readme)
    return Response(
        content,
        mimetype=f"application/{kind}",
        headers={"Content-Disposition": f'attachment; filename="shopper-{id}.{kind}"'},
    )


@blueprint.post("/settings/privacy/shoppers/<int:id>/erase")
@allow(OWNER)
@limiter.limit("60 per hour")
def erase(id: int) -> AnyResponse | tuple[str, int]:  # noqa: A002
    """Erase a shopper for good, once the order number was written by hand."""
    with tenant.writing() as session:
        order = tenant.find(session, Order, id)
        known, counts = _known(session, order)
        if request.form.get("reference", "").strip() != order.reference:
            return _page(order, known, counts, _("Write the order number exactly as it stands above.")), 422
        with tenant.lifted(session):
            wiped = privacy.erase(session, known, now())
        audit.record(
            session, ERASED, member_id=me().id, merchant_id=order.merchant_id, about=f"order:{id}",
            rows=sum(wiped.values()), orders=len(known.order_ids), shared=known.others,
        )  # fmt: skip
    flash(_("Erased. Order numbers and outcomes have stayed."), "good")
    return redirect(url_for("privacy.page"))


@blueprint.post("/orders/<int:id>/reveal")
@allow(MERCHANT)
def reveal(id: int) -> AnyResponse:  # noqa: A002
    """Show the shopper's number and address for a while, and write down to whom."""
    with tenant.writing() as session:
        order = tenant.find(session, Order, id)
        masks.reveal(session, id, order.merchant_id)
    if request.form.get("back") == "calls":
        return redirect(url_for("inbox.calls", _anchor=f"call-{id}"))
    talk = request.form.get("talk", type=row_number)
    return redirect(url_for("inbox.conversation", id=talk) if talk else url_for("orders.order", id=id))


def _known(session: Session, order: Order) -> tuple[Shopper, dict[str, int]]:
    with tenant.lifted(session):
        known = privacy.shopper_of(session, order)
        return known, privacy.count(session, known)


def _page(order: Order, known: Shopper, counts: dict[str, int], fault: str = "") -> str:
    return render_template(
        "settings_shopper.html", order=order, known=known, counts=counts, names=NAMES, fault=fault,
        erased=not known.phones and not known.names,
    )  # fmt: skip


def _find(session: Session, search: str) -> Sequence[Order]:
    """Return the newest order of each shopper that fits: by order number, number, or name."""
    plain = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    digits = "".join(letter for letter in search if letter.isdigit())
    fits: list[Any] = [
        Order.reference == search,
        Order.reference == f"#{search}",
        col(Order.shopper_name).ilike(f"%{plain}%", escape="\\"),
    ]
    if len(digits) >= 5:
        fits.append(col(Order.phone).like(f"%{digits}%"))
    rows = session.exec(select(Order).where(or_(*fits)).order_by(col(Order.id).desc()).limit(200)).all()
    people: dict[Any, Order] = {}
    for row in rows:
        people.setdefault(row.contact_id or row.phone or f"order {row.id}", row)
    return list(people.values())[:20]


def _json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, indent=1)


def _zip(told: dict[str, list[dict[str, Any]]], readme: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("README.txt", readme)
        for name, rows in told.items():
            box.writestr(f"{name}.json", _json(rows))
    return out.getvalue()

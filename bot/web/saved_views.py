"""Views of the list of orders that a shop has given a name: filters and sorting, not the orders themselves."""

from dataclasses import replace
from urllib.parse import parse_qsl

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlmodel import col, func, select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from bot.clock import now
from bot.models import SavedView
from bot.web import tenant
from bot.web.access import MERCHANT, allow, my_shop
from bot.web.order_list import Wanted

blueprint = Blueprint("saved_views", __name__, url_prefix="/orders/views")

NAME, MOST = 40, 20
"""Letters of a name, and views of a shop: more would be no short cut any more."""


@blueprint.post("")
@allow(MERCHANT)
def save() -> Response:
    """Keep the filters in `query` under a name; a view of the same name is replaced."""
    name = " ".join(request.form.get("name", "").replace("\0", "").split())
    wanted = Wanted.from_arguments(MultiDict(parse_qsl(request.form.get("query", "")[:500])))
    # What was searched for may be a shopper's name or number, and belongs to no view.
    query = replace(wanted, search="").query
    if not name or len(name) > NAME:
        flash(_("A view needs a name of at most %(most)s letters.", most=NAME), "bad")
    elif not query:
        flash(_("Set a filter first: this is the whole list."), "act")
    else:
        with tenant.writing() as session:
            known = session.exec(select(SavedView).where(col(SavedView.name) == name)).one_or_none()
            if known is None and session.exec(select(func.count(col(SavedView.id)))).one() >= MOST:
                flash(_("There are %(most)s views already: delete one first.", most=MOST), "bad")
            else:
                view = known or SavedView(merchant_id=my_shop().id, name=name, query=query, created_at=now())
                view.query = query
                session.add(view)
                flash(_("Saved."), "good")
    return _back(query)


@blueprint.post("/<int:id>/delete")
@allow(MERCHANT)
def delete(id: int) -> Response:  # noqa: A002
    """Forget a view; its orders stay."""
    with tenant.changing(SavedView, id) as (session, view):
        query = view.query
        session.delete(view)
    return _back(query)


def _back(query: str) -> Response:
    return redirect(url_for("orders.page") + (f"?{query}" if query else ""))

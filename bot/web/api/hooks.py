"""Outgoing webhooks, as systems see them: which there are, what was sent, and once more, please.

Where they point and what they are told is for people to say, in the console: whoever steals a key must not be able to
have the shop's events sent elsewhere.
"""

from flask import Response
from flask_openapi3 import Tag
from sqlmodel import Session, col, select

from bot.clock import now
from bot.hooks import delivery as deliveries
from bot.models import Hook, HookDelivery
from bot.services import services
from bot.web import tenant
from bot.web.api import pages
from bot.web.api.blueprint import blueprint, needs
from bot.web.api.idempotency import answer
from bot.web.api.keys import caller
from bot.web.api.problems import refuse
from bot.web.api.schemas.fields import PageQuery, PostHeaders
from bot.web.api.schemas.hooks import DeliveriesPage, DeliveryOut, DeliveryPath, HookOut, HookPath, HooksPage

HOOKS = Tag(name="Hooks", description="Your addresses that we tell what happens; made in the console.")


@blueprint.get("/hooks", tags=[HOOKS], responses={200: HooksPage})
@needs("hooks:read")
def list_hooks() -> Response:
    """List your hooks"""
    with tenant.reading(caller().merchant_id) as session:
        rows = session.exec(select(Hook).order_by(col(Hook.id))).all()
    shown = HooksPage(items=[HookOut.model_validate(row, from_attributes=True) for row in rows])
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.get("/hooks/<int:hook_id>/deliveries", tags=[HOOKS], responses={200: DeliveriesPage})
@needs("hooks:read")
def list_deliveries(path: HookPath, query: PageQuery) -> Response:
    """Read what was sent to a hook, newest first"""
    statement = select(HookDelivery).where(HookDelivery.hook_id == path.hook_id).order_by(col(HookDelivery.id).desc())
    if place := pages.decode(query.cursor, int):
        statement = statement.where(col(HookDelivery.id) < place[0])
    with tenant.reading(caller().merchant_id) as session:
        tenant.find(session, Hook, path.hook_id)
        found = session.exec(statement.limit(query.limit + 1)).all()
        rows, following = pages.page(found, query.limit, lambda row: (row.id or 0,))
    shown = DeliveriesPage(items=[_shown(row) for row in rows], next=following)
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.post("/hooks/<int:hook_id>/deliveries/<int:delivery_id>/resend", tags=[HOOKS], responses={200: DeliveryOut})
@needs("hooks:write")
def resend_delivery(path: DeliveryPath, header: PostHeaders) -> Response:
    """Send an event once more

    It has the same `webhook-id` as the first time, and a new timestamp.
    """

    def work(session: Session) -> tuple[int, DeliveryOut]:
        statement = select(HookDelivery).where(
            HookDelivery.id == path.delivery_id, HookDelivery.hook_id == path.hook_id
        )
        row = session.exec(statement.with_for_update()).one_or_none()
        if row is None:
            refuse(404)
        deliveries.resend(session, row, now(), services().bell)
        return 200, _shown(row)

    return answer(work)


def _shown(row: HookDelivery) -> DeliveryOut:
    return DeliveryOut.model_validate(row, from_attributes=True)

"""One small function per effect: what the engine asks for becomes rows, in the transaction that saves the state."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from bot import addresses, engine
from bot.clock import now
from bot.database import row_id
from bot.hooks import events
from bot.models import AddressVersion, Audit, Contact, Conversation, Merchant, Message, Order, Review, Run, Timer
from bot.orders import outcomes
from bot.orders.changes import findings_of
from bot.talk import handover, start, stops, timers
from bot.talk.buttons import Signer
from bot.talk.contacts import locale_of
from bot.talk.messages import append, withdraw
from bot.talk.places import address_of
from bot.talk.wording import approved_locale, template_of
from bot.text import render_send, template_values

BREATH = timedelta(seconds=4)
"""Many write "hello" and then what they want: so long, a bubble that only asks again waits for the rest."""
PROVISIONAL = "provisional"
REVIEW_FIELDS = ("rating", "review_text", "review_media", "review_tag")


@dataclass
class Scene:
    """One event being handled: the rows it is about, all locked or our own."""

    session: Session
    signer: Signer
    conversation: Conversation
    contact: Contact
    merchant: Merchant
    run: Run
    order: Order
    cause: str
    """The key of the event; every message it leads to has a key that begins with it."""
    is_reply: bool = False
    """Whether the shopper spoke: replies are not bound to opening hours."""
    at: datetime = field(default_factory=now)
    wamid: str | None = None
    """The shopper's message, for a reaction on it."""
    confidence: float | None = None
    """How sure the words were; None for a tap."""
    sent: int = 0
    shards: int = 4

    def about(self, order_id: str) -> Order:
        """Return the order an effect is about: the run's own, or another of this shopper and merchant."""
        if not order_id or int(order_id) == self.order.id:
            return self.order
        order = self.session.get_one(Order, int(order_id))
        if (order.merchant_id, order.contact_id) != (self.order.merchant_id, self.order.contact_id):
            raise engine.FlowError(f"an effect names order {order_id}, which is not this shopper's")
        return order


def apply(scene: Scene, effect: engine.Effect) -> None:
    """Carry out one effect."""
    _HANDLERS[type(effect)](scene, effect)


def _send(scene: Scene, effect: engine.Send) -> None:
    locale = effect.locale or locale_of(scene.contact, scene.order, scene.merchant)
    if effect.template and not handover.window_is_open(scene.conversation, scene.at):
        locale = approved_locale(scene.session, scene.conversation, effect.template, locale, scene.merchant.locale)
    rendered = render_send(effect, locale, scene.order.region)
    run_id = row_id(scene.run)
    choices = [
        {"id": scene.signer.button(run_id, effect.turn, choice_id), "title": title, "description": description}
        for choice_id, title, description in rendered.choices
    ]
    template = None
    if effect.template:
        values = template_values(effect.template, locale, effect.parts[0].values, scene.order.region)
        at_meta = template_of(effect.template, locale)
        template = {"name": at_meta.name, "language": at_meta.language, "values": values}
    if scene.is_reply:
        withdraw(
            scene.session,
            scene.conversation,
            "overtaken",
            col(Message.hold_reason) == PROVISIONAL,
            col(Message.run_id) == run_id,
        )
    waits = effect.provisional and scene.is_reply
    scene.sent += 1
    append(
        scene.session,
        scene.conversation,
        key=f"{scene.cause}:{run_id}:{scene.sent}",
        direction="out",
        author="bot",
        merchant_id=scene.merchant.id,
        run_id=run_id,
        order_id=scene.order.id,
        turn=effect.turn,
        kind=_KINDS[rendered.form],
        body=rendered.body,
        choices=choices,
        template=template,
        extra={"reply": scene.is_reply, "button": rendered.button, "prefill": dict(effect.prefill)},
        status="queued",
        hold_reason=PROVISIONAL if waits else None,
        not_before=now() + BREATH if waits else None,
    )
    timers.disarm(scene.session, run_id, effect.turn)
    if scene.order.intent == "unasked" and scene.run.flow in ("order_confirmation", "several_orders"):
        outcomes.record(scene.session, scene.order, by="rule", at=scene.at, intent="asked")


_KINDS = {
    "text": "text",
    "buttons": "buttons",
    "list": "list",
    "location": "location_request",
    "address": "address_form",
}


def _react(scene: Scene, effect: engine.React) -> None:
    if scene.wamid is None:
        return
    append(
        scene.session,
        scene.conversation,
        key=f"{scene.cause}:{row_id(scene.run)}:react",
        direction="out",
        author="bot",
        merchant_id=scene.merchant.id,
        run_id=scene.run.id,
        order_id=scene.order.id,
        kind="reaction",
        body=effect.emoji,
        extra={"reply": True, "target": scene.wamid},
        status="queued",
    )


def _wake(scene: Scene, effect: engine.Wake) -> None:
    seconds = int(effect.after.total_seconds())
    scene.session.add(Timer(run_id=row_id(scene.run), turn=effect.turn, nth=effect.nth, after=seconds))


def _record(scene: Scene, effect: engine.Record) -> None:
    order = scene.about(effect.order)
    if effect.field in REVIEW_FIELDS:
        _review(scene, order, effect.field, effect.value)
        return
    value: Any = effect.value
    if effect.field == "not_before" and isinstance(value, str):
        value = date.fromisoformat(value)
    if effect.field == "instructions" and isinstance(value, str) and order.instructions:
        value = f"{order.instructions}\n{value}"
    outcomes.record(
        scene.session,
        order,
        by="shopper" if scene.is_reply else "rule",
        at=scene.at,
        confidence=scene.confidence,
        **{effect.field: value},
    )


def _review(scene: Scene, order: Order, name: str, value: Any) -> None:
    session = scene.session
    review = session.execute(select(Review).where(col(Review.order_id) == order.id)).scalar_one_or_none()
    new = review is None
    if review is None:
        review = Review(merchant_id=order.merchant_id, order_id=row_id(order), created_at=scene.at, updated_at=scene.at)
        session.add(review)
    review.updated_at = scene.at
    if name == "rating":
        review.rating = int(value)
    elif name == "review_text":
        review.text = f"{review.text}\n{value}".strip()
    elif name == "review_media":
        review.media = [*review.media, dict(value)]
    elif value not in review.tags:
        review.tags = [*review.tags, value]
    session.flush()
    events.tell_of_review(session, review, scene.at, new=new)


def _save_address(scene: Scene, effect: engine.SaveAddress) -> None:
    order = scene.about(effect.order)
    save_address(scene.session, order, dict(effect.address), by=effect.by, settled=effect.settled)
    if effect.settled and effect.by == "shopper":
        outcomes.record(scene.session, order, by="shopper", at=scene.at, address_changed=True)


def save_address(
    session: Session,
    order: Order,
    parts: dict[str, Any],
    *,
    by: str,
    settled: bool = True,
    member_id: int | None = None,
) -> AddressVersion:
    """Append a version of an order's address, with its findings and score."""
    newest = session.execute(
        select(func.max(col(AddressVersion.version))).where(col(AddressVersion.order_id) == order.id)
    ).scalar_one()
    address = address_of(parts)
    report = addresses.check(address)
    version = AddressVersion(
        order_id=row_id(order),
        version=(newest or 0) + 1,
        given_by=by,
        member_id=member_id,
        settled=settled,
        parts=parts,
        latitude=address.latitude,
        longitude=address.longitude,
        score=report.score,
        findings=findings_of(report),
        created_at=now(),
    )
    session.add(version)
    session.flush()
    return version


def _call_agent(scene: Scene, effect: engine.CallAgent) -> None:
    handover.call_agent(
        scene.session,
        scene.conversation,
        effect.reason,
        merchant_id=row_id(scene.merchant),
        run=scene.run,
        order_id=scene.about(effect.order).id,
        detail=_understood(scene),
    )


def _open_task(scene: Scene, effect: engine.OpenTask) -> None:
    handover.open_task(
        scene.session,
        scene.conversation,
        effect.reason,
        merchant_id=row_id(scene.merchant),
        run=scene.run,
        order_id=scene.about(effect.order).id,
        detail={"note": effect.note} if effect.note else {},
    )


def _understood(scene: Scene) -> dict[str, Any]:
    return {"step": scene.run.step} | ({} if scene.confidence is None else {"confidence": scene.confidence})


def _notice(scene: Scene, effect: engine.Notice) -> None:
    scene.session.add(
        Audit(
            merchant_id=scene.merchant.id,
            at=scene.at,
            act=f"notice.{effect.code}",
            object=f"order:{scene.about(effect.order).id}",
            detail=dict(effect.values),
        )
    )


def _opt_out(scene: Scene, _effect: engine.OptOut) -> None:
    opt_out(scene.session, scene.conversation, scene.contact, scene.at)


def opt_out(session: Session, conversation: Conversation, contact: Contact, at: datetime) -> None:
    """Stop every message that the shopper did not ask for; orders are left alone."""
    contact.opted_out_at = contact.opted_out_at or at
    withdraw(session, conversation, "opted_out")


def _opt_in(scene: Scene, _effect: engine.OptIn) -> None:
    opt_in(scene.session, scene.contact)


def opt_in(session: Session, contact: Contact) -> None:
    """Let a shopper be written to again."""
    contact.opted_out_at = None
    stops.lift(session, contact)


def _set_locale(scene: Scene, effect: engine.SetLocale) -> None:
    scene.contact.locale = effect.locale


def _not_mine(scene: Scene, effect: engine.NotMine) -> None:
    """Stop everything for this number and wipe it from the orders: whoever has it did not buy."""
    session, contact_id = scene.session, scene.contact.id
    opt_out(session, scene.conversation, scene.contact, scene.at)
    others = session.execute(
        select(Run).where(
            col(Run.conversation_id) == scene.conversation.id,
            col(Run.id) != scene.run.id,
            col(Run.status).in_(("planned", "queued", "waiting")),
        )
    ).scalars()
    for run in others:
        run.status, run.ended_at = "dropped", scene.at
        timers.disarm(session, row_id(run), run.turn + 1)
    wiped = session.execute(
        select(Order).where(col(Order.contact_id) == contact_id, col(Order.merchant_id) == scene.merchant.id)
    ).scalars()
    for order in wiped:
        order.phone = ""
        order.updated_at = scene.at
        scene.session.add(
            Audit(merchant_id=scene.merchant.id, at=scene.at, act="order.phone_wiped", object=f"order:{order.id}")
        )


def _begin(scene: Scene, effect: engine.Begin) -> None:
    """Begin another flow; the run waits its turn behind the open one."""
    at = scene.at + start.PAUSE if scene.is_reply else scene.at
    start.plan(scene.session, scene.about(effect.order), effect.flow, at, shards=scene.shards)


_HANDLERS: dict[type, Callable[[Scene, Any], None]] = {
    engine.Send: _send,
    engine.React: _react,
    engine.Wake: _wake,
    engine.Record: _record,
    engine.SaveAddress: _save_address,
    engine.CallAgent: _call_agent,
    engine.OpenTask: _open_task,
    engine.Notice: _notice,
    engine.OptOut: _opt_out,
    engine.OptIn: _opt_in,
    engine.SetLocale: _set_locale,
    engine.NotMine: _not_mine,
    engine.Begin: _begin,
}

"""An order's story: what happened, when, and who decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from bot.models import AddressVersion, Audit, Handover, Member, Message, Order, Review, Upload
from bot.web import audit_words, explanations, inbox_words
from bot.web.formats import day
from bot.web.labels import LABELS


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    who: str
    """shopper, bot, agent, merchant, courier, rule or system: it chooses the picture."""
    text: Any
    detail: Any = ""
    link: str = field(default="", compare=False)


def tell(
    session: Session, order: Order, addresses: Sequence[AddressVersion], bubbles: Sequence[Message],
    tasks: Sequence[Handover],
) -> list[Moment]:  # fmt: skip
    """Return the order's timeline, oldest first."""
    moments = [_beginning(session, order)]
    first = next((bubble for bubble in bubbles if bubble.author == "bot"), None)
    if order.asked_at:
        moments.append(Moment(order.asked_at, "bot", _("Asked on WhatsApp")))
    elif first is not None:
        moments.append(Moment(first.created_at, "bot", _("The question is on its way")))
    moments += [
        Moment(version.created_at, version.given_by, _("Address changed"), LABELS["giver"][version.given_by].text)
        for version in addresses
        if version.version > 1
    ]
    if order.answered_at:
        moments.append(
            Moment(order.answered_at, "shopper", LABELS["intent"][order.intent].text, _why(order.cancel_reason))
        )  # fmt: skip
    if order.decided_at and order.decision and order.decided_by in ("shopper", "rule"):
        who = order.decided_by or "rule"
        decided = _("Decided: %(what)s", what=LABELS["decision"][order.decision].text)
        moments.append(Moment(order.decided_at, who, decided, explanations.reason(order.decision_reason)))
    by_people = _by_people(session, order)
    moments += by_people
    moments += _on_the_way(order, {moment.at for moment in by_people})
    if review := session.exec(select(Review).where(Review.order_id == order.id)).first():
        stars = _("%(n)s of 5 stars", n=review.rating) if review.rating else ""
        moments.append(Moment(review.created_at, "shopper", _("Review"), stars))
    for task in tasks:
        moments.append(Moment(task.opened_at, "system", _("Handed to an agent"), inbox_words.reason(task.reason)[0]))
        if task.resolved_at:
            ending = inbox_words.OUTCOMES.get(task.outcome, "")
            moments.append(Moment(task.resolved_at, "agent", _("Agent finished"), ending))
    return sorted(moments, key=lambda moment: moment.at)


def _beginning(session: Session, order: Order) -> Moment:
    upload = session.get(Upload, order.upload_id) if order.upload_id else None
    if upload is None:
        return Moment(order.created_at, "merchant", _("Order received"))
    return Moment(order.created_at, "merchant", _("Imported"), upload.filename)


def _by_people(session: Session, order: Order) -> list[Moment]:
    rows = session.exec(
        select(Audit, Member.name, Member.email, Member.role)
        .outerjoin(Member, col(Member.id) == Audit.member_id)
        .where(Audit.object == f"order:{order.id}")
        .order_by(col(Audit.id))
        .limit(100)
    ).all()
    moments = []
    for line, name, email, role in rows:
        changes = line.detail.get("changes", {})
        told = ", ".join(str(_said(kind, pair[1])) for kind, pair in changes.items() if isinstance(pair, list))
        who = "agent" if role == "agent" else "merchant" if line.member_id else "system"
        by = name or email or line.detail.get("key", "")
        if line.act == "order.outcome":
            moments.append(Moment(line.at, who, _("Changed by %(name)s", name=by or "?"), told))
        else:
            ending = inbox_words.OUTCOMES.get(line.detail.get("ending", ""), "")
            moments.append(
                Moment(line.at, who, audit_words.said(line.act), " · ".join(filter(None, (by, str(ending)))))
            )
    return moments


def _on_the_way(order: Order, told: set[datetime]) -> Iterator[Moment]:
    """Yield where the parcel came to, but for what is `told` already as the deed of a person."""
    for status, reached in order.reached.items():
        at = datetime.fromisoformat(reached["at"])
        if at not in told:
            yield Moment(at, reached["by"], LABELS["status"][status].text, LABELS["giver"][reached["by"]].text)


def _why(code: str) -> Any:
    known = LABELS["cancel"].get(code.removeprefix("why:"))
    return known.text if known else code


def _said(kind: str, value: Any) -> Any:
    if kind == "not_before" and value:
        return day(date.fromisoformat(value))
    known = LABELS.get(kind, {}).get(str(value))
    return known.text if known else value

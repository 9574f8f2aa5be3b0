"""Canned answers: words that agents send again and again, with placeholders that are filled for the order at hand."""

import re
from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlmodel import Session, col
from werkzeug.wrappers import Response as AnyResponse

from bot.clock import now
from bot.models import CannedAnswer
from bot.web import audit, inbox_forms, tenant
from bot.web.access import SHOP, allow, me, my_shop
from bot.web.inbox_talk import PLACEHOLDERS
from bot.whatsapp.catalogue import PLACEHOLDER
from bot.whatsapp.compose import BODY, length

blueprint = Blueprint("canned_answers", __name__, url_prefix="/inbox/answers")


def all_of(session: Session) -> Sequence[CannedAnswer]:
    """Return the answers of the shop by their shortcuts."""
    return session.execute(select(CannedAnswer).order_by(col(CannedAnswer.shortcut))).scalars().all()


@blueprint.get("")
@allow(SHOP)
def page() -> str:
    """Show the canned answers."""
    with tenant.reading() as session:
        found = all_of(session)
    return render_template("canned_answers.html", answers=found, placeholders=PLACEHOLDERS)


@blueprint.post("")
@allow(SHOP)
def save() -> AnyResponse:
    """Keep a canned answer; one with the same shortcut is replaced."""
    body, shortcut = inbox_forms.written("body"), inbox_forms.written("shortcut").lstrip("/").lower()
    unknown = sorted(set(PLACEHOLDER.findall(body)) - set(PLACEHOLDERS))
    if not re.fullmatch(r"[^\W_]+(-[^\W_]+)*", shortcut) or len(shortcut) > 24:
        flash(_("A shortcut is one word of letters and digits, such as late."), "bad")
    elif not body or length(body) > BODY:
        flash(_("An answer has 1 to %(most)s characters.", most=BODY), "bad")
    elif unknown:
        flash(_("Nothing is known for {%(name)s}.", name=unknown[0]), "bad")
    else:
        with tenant.writing() as session:
            statement = select(CannedAnswer).where(col(CannedAnswer.shortcut) == shortcut).with_for_update()
            answer = session.execute(statement).scalar_one_or_none() or CannedAnswer(
                merchant_id=my_shop().id, shortcut=shortcut, body="", updated_at=now()
            )
            answer.body, answer.updated_at = body, now()
            session.add(answer)
            session.flush()
            _note(session, "answer.saved", answer)
        flash(_("Saved."), "good")
    return redirect(url_for("canned_answers.page"))


@blueprint.post("/<int:id>/delete")
@allow(SHOP)
def delete(id: int) -> AnyResponse:  # noqa: A002
    """Throw a canned answer away."""
    with tenant.writing() as session:
        answer = tenant.find(session, CannedAnswer, id)
        session.delete(answer)
        _note(session, "answer.deleted", answer)
    return redirect(url_for("canned_answers.page"))


def _note(session: Session, act: str, answer: CannedAnswer) -> None:
    audit.record(
        session, act, member_id=me().id, merchant_id=my_shop().id, about=f"answer:{answer.id}",
        shortcut=answer.shortcut,
    )  # fmt: skip

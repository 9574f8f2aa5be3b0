"""The platform's side: which shops there are, and letting their owners in."""

import re
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import get_territory_currencies
from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import func
from sqlmodel import Session, col, select
from werkzeug.wrappers import Response
from wtforms import EmailField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, Regexp

from bot.clock import now
from bot.database import row_id
from bot.models import Audit, Member, Merchant
from bot.services import services
from bot.talk.channels import first_channel
from bot.web import audit, members
from bot.web.access import ADMIN, OWNER, allow, me
from bot.web.forms import WORDS
from bot.web.languages import LANGUAGES
from bot.web.members import MemberError

blueprint = Blueprint("shops", __name__, url_prefix="/shops")

_needed = InputRequired(lazy_gettext("Please fill this in."))


class NewShop(FlaskForm):
    """A shop and its first owner."""

    name = StringField(lazy_gettext("Name of the shop"), [_needed, Length(max=80)])
    owner = EmailField(lazy_gettext("E-mail of the owner"), [_needed, Length(max=254)])
    region = StringField(
        lazy_gettext("Country"),
        [_needed, Regexp(r"^[A-Za-z]{2}$", message=lazy_gettext("Two letters, such as IN."))],
        default="IN",
    )
    timezone = StringField(lazy_gettext("Time zone"), [_needed], default="Asia/Kolkata", render_kw={"list": "zones"})
    currency = StringField(
        lazy_gettext("Currency"),
        [Optional(), Regexp(r"^[A-Za-z]{3}$", message=lazy_gettext("Three letters, such as INR."))],
    )
    locale = SelectField(
        lazy_gettext("Language"), choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()]
    )

    def validate_timezone(self, given: StringField) -> None:
        """Refuse a zone that does not exist."""
        if given.data not in available_timezones():
            given.errors = [*given.errors, lazy_gettext("There is no such time zone.")]


@blueprint.get("")
@allow(ADMIN)
def page() -> str:
    """List the shops."""
    return _page(NewShop())


@blueprint.post("")
@allow(ADMIN)
def create() -> str | tuple[str, int]:
    """Make a shop, and show the link by which its owner comes in."""
    form = NewShop()
    if not form.validate_on_submit() or form.timezone.errors:
        return _page(form), 422
    region = (form.region.data or "").upper()
    money = get_territory_currencies(region)
    try:
        with services().database.session() as session:
            channel = first_channel(session, services().settings)
            shop = Merchant(
                slug=_free_slug(session, form.name.data or ""), name=(form.name.data or "").strip(), region=region,
                channel_id=channel.id if channel else None, locale=form.locale.data,
                currency=(form.currency.data or (money[-1] if money else "USD")).upper(),
                timezone=str(ZoneInfo(form.timezone.data or "UTC")), created_at=now(),
            )  # fmt: skip
            session.add(shop)
            session.flush()
            owner = members.create_member(
                session, email=form.owner.data or "", role=OWNER, merchant_id=row_id(shop), locale=form.locale.data
            )
            audit.record(session, "shop.created", member_id=me().id, merchant_id=shop.id, about=f"shop:{shop.id}")
            link = members.entry_link(owner)
    except MemberError as error:
        form.owner.errors = [WORDS[error.code]]
        return _page(form), 422
    return render_template(
        "person_link.html", person=owner, link=link, days=members.LINK_DAYS, back=url_for("shops.page")
    )


@blueprint.post("/owners/<int:id>/link")
@allow(ADMIN)
def owner_link(id: int) -> str | Response:  # noqa: A002
    """Make a link by which an owner chooses a new password: who else could, when the only owner has lost it."""
    with services().database.session() as session:
        owner = session.exec(select(Member).where(Member.id == id, Member.role == OWNER)).first()
        if owner is None or owner.disabled_at is not None:
            return Response(_("There is no such owner."), status=404)
        audit.record(
            session, "member.link_made", member_id=me().id, merchant_id=owner.merchant_id, about=f"member:{owner.id}"
        )
        link = members.entry_link(owner)
    return render_template(
        "person_link.html", person=owner, link=link, days=members.LINK_DAYS, back=url_for("shops.page")
    )


def _page(form: NewShop) -> str:
    with services().database.reader() as session:
        shops = session.exec(select(Merchant).order_by(Merchant.name)).all()
        owners: dict[int, list[Member]] = {}
        for owner in session.exec(select(Member).where(Member.role == OWNER).order_by(Member.email)):
            owners.setdefault(owner.merchant_id or 0, []).append(owner)
        seen = dict(
            session.execute(
                select(col(Audit.merchant_id), func.max(col(Audit.at)))
                .where(Audit.act == "signin.done")
                .group_by(col(Audit.merchant_id))
            ).all()
        )
    zones = sorted(available_timezones())
    return render_template("shops.html", shops=shops, owners=owners, seen=seen, form=form, zones=zones)


def _free_slug(session: Session, name: str) -> str:
    """Return a short name that no shop has yet."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "shop"
    taken = set(session.exec(select(Merchant.slug).where(col(Merchant.slug).like(f"{plain}%"))))
    return next(slug for n in range(1, 10**6) if (slug := plain if n == 1 else f"{plain}-{n}") not in taken)

"""The shop's people, and what they did."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlmodel import Session, col, select
from werkzeug.wrappers import Response

from bot.clock import now
from bot.models import Member
from bot.web import audit, audit_list, audit_words, members, second_factor, sessions, tenant
from bot.web.access import AGENT, OWNER, STAFF, allow, me, my_shop
from bot.web.forms import WORDS, Invite
from bot.web.inbox_forms import row_number
from bot.web.labels import LABELS
from bot.web.members import MemberError

blueprint = Blueprint("people", __name__, url_prefix="/people")

ROLES = (OWNER, STAFF, AGENT)


@blueprint.get("")
@allow(OWNER)
def page() -> str:
    """List the people of the shop."""
    return _page(_invitation())


@blueprint.post("")
@allow(OWNER)
def invite() -> str | Response:
    """Add somebody, and show the link by which they come in."""
    form = _invitation()
    if not form.validate_on_submit():
        return _page(form)
    with tenant.writing() as db:
        try:
            with tenant.lifted(db):
                # An e-mail address is unique among all shops.
                member = members.create_member(
                    db, email=form.email.data or "", role=form.role.data, merchant_id=my_shop().id,
                    name=form.name.data or "", locale=me().locale,
                )  # fmt: skip
        except MemberError as error:
            form.email.errors = [WORDS[error.code]]
            return _page(form)
        _note(db, "member.invited", member, role=member.role)
        link = members.entry_link(member)
    return render_template("person_link.html", person=member, link=link, days=members.LINK_DAYS)


@blueprint.post("/<int:id>/link")
@allow(OWNER)
def link(id: int) -> str:  # noqa: A002
    """Make a link by which somebody chooses a new password."""
    with tenant.changing(Member, id) as (db, member):
        if member.disabled_at is not None:
            abort(404)
        _note(db, "member.link_made", member)
        address = members.entry_link(member)
    return render_template("person_link.html", person=member, link=address, days=members.LINK_DAYS)


@blueprint.post("/<int:id>/role")
@allow(OWNER)
def role(id: int) -> Response:  # noqa: A002
    """Change what somebody may do."""
    wanted = request.form.get("role", "")
    if wanted not in ROLES:
        abort(400)
    with tenant.changing(Member, id) as (db, member):
        if wanted != member.role and _may_lose(db, member):
            _note(db, "member.role_changed", member, before=member.role, after=wanted)
            member.role = wanted
            flash(_("Changed."), "good")
    return redirect(url_for("people.page"))


@blueprint.post("/<int:id>/disable")
@allow(OWNER)
def disable(id: int) -> Response:  # noqa: A002
    """Take somebody's access away at once, or give it back."""
    with tenant.changing(Member, id) as (db, member):
        if member.disabled_at is not None:
            member.disabled_at = None
            _note(db, "member.enabled", member)
        elif _may_lose(db, member):
            member.disabled_at = now()
            sessions.end_all(db, id, now())
            _note(db, "member.disabled", member)
    return redirect(url_for("people.page"))


@blueprint.post("/<int:id>/second-factor/off")
@allow(OWNER)
def second_factor_off(id: int) -> Response:  # noqa: A002
    """Take the second factor from somebody who has lost the phone and the codes."""
    with tenant.changing(Member, id) as (db, member):
        second_factor.disable(member)
        sessions.end_all(db, id, now())
        _note(db, "member.second_factor_off", member)
    flash(_("Their second factor is off; they set up a new one when they sign in."), "act")
    return redirect(url_for("people.page"))


@blueprint.get("/audit")
@allow(OWNER)
def audit_page() -> str:
    """Show who did what, newest first."""
    wanted = audit_list.Wanted(
        before=request.args.get("before", type=row_number),
        about=request.args.get("about", ""),
        by=request.args.get("by", type=row_number),
        act=request.args.get("act", ""),
    )
    with tenant.reading() as db:
        page = audit_list.look(db, wanted, my_shop().id, my_shop().currency)
    return render_template("audit.html", page=page, wanted=wanted, acts=audit_words.ACTS)


def _page(form: Invite) -> str:
    with tenant.reading() as db:
        rows = db.exec(select(Member).order_by(col(Member.disabled_at).is_not(None), Member.name, Member.email)).all()
    return render_template("people.html", people=rows, form=form, roles=ROLES)


def _invitation() -> Invite:
    return Invite([(code, LABELS["role"][code].text) for code in reversed(ROLES)])


def _may_lose(db: Session, member: Member) -> bool:
    """Whether a shop can do without this person's role: its last owner has to stay one."""
    if member.role != OWNER:
        return True
    others = select(Member.id).where(Member.role == OWNER, Member.id != member.id, col(Member.disabled_at).is_(None))
    if db.exec(others).first() is not None:
        return True
    flash(_("The shop needs an owner. Make somebody else one first."), "bad")
    return False


def _note(db: Session, act: str, member: Member, **detail: object) -> None:
    audit.record(db, act, member_id=me().id, merchant_id=my_shop().id, about=f"member:{member.id}", **detail)

"""One's own account: name, language, password, second factor, devices."""

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlmodel import Session, col, select
from werkzeug.wrappers import Response

from bot.clock import now
from bot.models import Member, WebSession
from bot.services import services
from bot.web import audit, members, passwords, second_factor, sessions, signin
from bot.web.access import EVERYONE, allow, me, needs_second_factor, public, unfinished
from bot.web.forms import WORDS, Confirm, EnableSecondFactor, NewPassword, Profile
from bot.web.languages import COOKIE, LANGUAGES
from bot.web.members import MemberError
from bot.web.protection import limiter
from bot.web.vault import vault

blueprint = Blueprint("account", __name__, url_prefix="/account")

_SETTING_UP = "setting_up"


def _failed(_response: object) -> bool:
    return bool(g.get("failed"))


@blueprint.get("")
@allow(EVERYONE)
def page() -> str:
    """Show the account."""
    return _page(Profile(name=me().name, locale=me().locale), NewPassword())


@blueprint.post("/profile")
@allow(EVERYONE)
def profile() -> str | Response:
    """Change name and language."""
    form = Profile()
    if not form.validate_on_submit():
        return make_response(_page(form, NewPassword()), 422)
    with services().database.session() as db:
        member = db.get_one(Member, me().id)
        member.name, member.locale = (form.name.data or "").strip(), form.locale.data
    with force_locale(form.locale.data):
        flash(_("Saved."), "good")
    return redirect(url_for("account.page"))


@blueprint.post("/password")
@allow(EVERYONE)
@limiter.limit("8 per 15 minutes", deduct_when=_failed)
def password() -> str | Response:
    """Change the password; every other device is signed out, and this one gets a new token."""
    form = NewPassword()
    if form.validate_on_submit() and _is_mine(form.current.data or ""):
        try:
            with services().database.session() as db:
                member = db.get_one(Member, me().id)
                members.set_password(db, member, form.password.data or "")
                _note(db, "member.password_changed")
                session.clear()
                answer = signin.renew(db, member, redirect(url_for("account.page")), complete=True)
            flash(_("Your password was changed, and all other devices were signed out."), "good")
            return answer
        except MemberError as error:
            form.password.errors = [WORDS[error.code]]
    elif not form.current.errors and form.current.data:
        g.failed = True
        form.current.errors = [_("That is not your password.")]
    return make_response(_page(Profile(name=me().name, locale=me().locale, formdata=None), form), 422)


@blueprint.route("/second-factor", methods=["GET", "POST"])
@allow(EVERYONE)
@unfinished
def second_factor_page() -> str | Response:
    """Set up the second factor, and show the recovery codes once."""
    person = me()
    if person.has_totp:
        return redirect(url_for("account.page" if person.second_factor else "signin.code"))
    secret = session.get(_SETTING_UP)
    secret = vault().open(secret, f"member:{person.id}:new") if secret else None
    if secret is None:
        secret = second_factor.new_secret()
        session[_SETTING_UP] = vault().seal(secret, f"member:{person.id}:new")
    form = EnableSecondFactor()
    if form.validate_on_submit():
        step = second_factor.step_of(secret, form.code.data or "", now())
        if step is not None:
            return _enable(secret, step)
        form.code.errors = [_("This code does not fit. Is the phone's clock right?")]
    required = needs_second_factor(person.role)
    picture = second_factor.qr_code(secret, person.email)
    return render_template("second_factor.html", form=form, secret=secret, picture=picture, required=required)


@blueprint.post("/recovery-codes")
@allow(EVERYONE)
@limiter.limit("8 per 15 minutes", deduct_when=_failed)
def recovery_codes() -> str | Response:
    """Replace the recovery codes and show the new ones once."""
    if not _confirmed():
        return redirect(url_for("account.page"))
    with services().database.session() as db:
        codes = second_factor.renew_recovery_codes(db.get_one(Member, me().id))
        _note(db, "member.recovery_codes_renewed")
    return render_template("recovery_codes.html", codes=codes)


@blueprint.post("/second-factor/off")
@allow(EVERYONE)
@limiter.limit("8 per 15 minutes", deduct_when=_failed)
def second_factor_off() -> Response:
    """Turn the second factor off, where it is not required."""
    if needs_second_factor(me().role):
        flash(_("Your role needs the second factor."), "bad")
    elif _confirmed():
        with services().database.session() as db:
            second_factor.disable(db.get_one(Member, me().id))
            _note(db, "member.second_factor_off")
        flash(_("The second factor is off."), "act")
    return redirect(url_for("account.page"))


@blueprint.post("/devices/<int:id>/sign-out")
@allow(EVERYONE)
def sign_out_device(id: int) -> Response:  # noqa: A002
    """Sign one device out."""
    with services().database.session() as db:
        row = db.get(WebSession, id)
        if row is not None and row.member_id == me().id:
            sessions.end(db, id, now())
            _note(db, "member.device_signed_out")
            flash(_("That device was signed out."), "good")
    return redirect(url_for("account.page"))


@blueprint.post("/devices/sign-out")
@allow(EVERYONE)
def sign_out_everywhere() -> Response:
    """Sign all other devices out."""
    with services().database.session() as db:
        count = sessions.end_all(db, me().id, now(), but=me().session_id)
        _note(db, "member.signed_out_everywhere", devices=count)
    flash(_("All other devices were signed out."), "good")
    return redirect(url_for("account.page"))


@blueprint.post("/look")
@public
def look() -> Response:
    """Keep the chosen theme or language in this browser."""
    back = request.form.get("back", "/")
    answer = redirect(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
    if request.form.get("theme") in ("light", "dark", "auto"):
        answer.set_cookie("theme", request.form["theme"], max_age=365 * 86400, samesite="Lax")
    if request.form.get("language") in LANGUAGES:
        answer.set_cookie(COOKIE, request.form["language"], max_age=365 * 86400, samesite="Lax")
    return answer


def _page(profile_form: Profile, password_form: NewPassword) -> str:
    with services().database.reader() as db:
        devices = db.exec(
            select(WebSession)
            .where(WebSession.member_id == me().id, col(WebSession.ended_at).is_(None))
            .where(col(WebSession.seen_at) > now() - sessions.IDLE_OTHERS)
            .order_by(col(WebSession.seen_at).desc())
            .limit(50)
        ).all()
        left = len(db.get_one(Member, me().id).recovery_codes)
    return render_template(
        "account.html", profile=profile_form, password=password_form, confirm=Confirm(formdata=None), devices=devices,
        codes_left=left, required=needs_second_factor(me().role),
    )  # fmt: skip


def _enable(secret: str, step: int) -> Response:
    with services().database.session() as db:
        member = db.get_one(Member, me().id)
        codes = second_factor.enable(member, secret, vault(), step)
        # Sign-ins from before the second factor end here, this one included: it goes on with a new token.
        sessions.end_all(db, me().id, now())
        session.clear()
        answer = make_response(render_template("recovery_codes.html", codes=codes))
        signin.renew(db, member, answer, complete=True)
        _note(db, "member.second_factor_on")
    return answer


def _confirmed() -> bool:
    form = Confirm()
    if form.validate_on_submit() and _is_mine(form.password.data or ""):
        return True
    g.failed = True
    flash(_("That is not your password."), "bad")
    return False


def _is_mine(password: str) -> bool:
    with services().database.reader() as db:
        stored = db.get_one(Member, me().id).password_hash
    return passwords.verify(password, stored)[0]


def _note(db: Session, act: str, **detail: object) -> None:
    person = me()
    audit.record(
        db, act, member_id=person.id, merchant_id=person.shop.id if person.shop else None, about=f"member:{person.id}",
        **detail,
    )  # fmt: skip

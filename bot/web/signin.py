"""Signing in and out."""

import secrets
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeSerializer
from sqlmodel import Session, select
from werkzeug.wrappers import Response

from bot.clock import now
from bot.models import Member
from bot.services import services
from bot.web import audit, members, passwords, second_factor, sessions
from bot.web.access import EVERYONE, allow, cookie_name, me, needs_second_factor, public, someone, unfinished
from bot.web.forms import WORDS, Code, Entry, SignIn
from bot.web.members import MemberError
from bot.web.protection import limiter
from bot.web.vault import vault

log = structlog.get_logger()
blueprint = Blueprint("signin", __name__)

DEVICE_DAYS = 180


def _asked_for() -> str:
    return members.normal(request.form.get("email", ""))


def _account_or_device() -> str:
    """Whom wrong passwords are counted against.

    A device that has signed in to this account before has a count of its own: a stranger who guesses slows down other
    strangers, and never locks the owner out.
    """
    device = _known_device(_asked_for())
    return f"device:{device}" if device else f"account:{vault().name(_asked_for())}"


def _failed(_response: object) -> bool:
    return bool(g.get("failed"))


def _is_known() -> bool:
    return _known_device(_asked_for()) is not None


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
@limiter.limit("8 per 15 minutes", key_func=_account_or_device, methods=["POST"], deduct_when=_failed)
@limiter.limit("40 per 15 minutes", methods=["POST"], deduct_when=_failed, exempt_when=_is_known)
@limiter.limit(
    "400 per 15 minutes", key_func=lambda: "all", methods=["POST"], deduct_when=_failed, exempt_when=_is_known
)
def page() -> str | Response:
    """Ask for e-mail and password."""
    if request.method == "GET" and someone():
        return redirect(_next())
    form = SignIn()
    if not form.validate_on_submit():
        return render_template("sign_in.html", form=form)
    with services().database.reader() as db:
        member = db.exec(select(Member).where(Member.email == members.normal(form.email.data or ""))).first()
    # The slow hash is done outside of any transaction: SQLite has one writer.
    fits, renewed = passwords.verify(form.password.data or "", member.password_hash if member else None)
    if member is None or not fits or member.disabled_at is not None:
        g.failed = True
        log.info("signin.refused", member=member.id if member else None)
        if member is not None:
            with services().database.session() as db:
                audit.record(db, "signin.refused", member_id=member.id, merchant_id=member.merchant_id)
        form.password.errors = [_("E-mail and password do not fit together.")]
        return make_response(render_template("sign_in.html", form=form), 401)
    complete = member.totp_secret is None and not needs_second_factor(member.role)
    with services().database.session() as db:
        member = db.get_one(Member, member.id)
        if renewed:
            member.password_hash = renewed
        answer = _welcome(db, member, complete=complete)
        if complete:
            audit.record(db, "signin.done", member_id=member.id, merchant_id=member.merchant_id)
    return answer


def _code_key() -> str:
    device = _known_device(me().email)
    return f"code:device:{device}" if device else f"code:member:{me().id}"


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@allow(EVERYONE)
@unfinished
@limiter.limit("5 per 15 minutes", key_func=_code_key, methods=["POST"], deduct_when=_failed)
def code() -> str | Response:
    """Ask for the second factor."""
    person = me()
    if person.second_factor or not person.has_totp:
        return redirect(_next())
    form = Code()
    if not form.validate_on_submit():
        return render_template("sign_in_code.html", form=form)
    with services().database.session() as db:
        kind = second_factor.accept(db, person.id, form.code.data or "", vault(), now())
        if kind is not None:
            sessions.end(db, person.session_id, now())
            member = db.get_one(Member, person.id)
            answer = _welcome(db, member, complete=True)
            audit.record(db, "signin.done", member_id=member.id, merchant_id=member.merchant_id, factor=kind)
            if kind == "recovery":
                left = len(member.recovery_codes)
                flash(_("A recovery code is good once; %(n)s are left.", n=left), "act")
            return answer
        audit.record(
            db, "signin.code_refused", member_id=person.id, merchant_id=person.shop.id if person.shop else None
        )  # fmt: skip
    g.failed = True
    form.code.errors = [_("This code is not right, or was used before. Wait for the next one.")]
    return make_response(render_template("sign_in_code.html", form=form), 401)


@blueprint.post("/sign-out")
@allow(EVERYONE)
@unfinished
def out() -> Response:
    """End this sign-in for good."""
    with services().database.session() as db:
        sessions.end(db, me().session_id, now())
    session.clear()
    answer = redirect(url_for("signin.page"))
    answer.delete_cookie(cookie_name(), path="/", secure=services().settings.cookies_need_https, httponly=True)
    return answer


@blueprint.route("/entry/<token>", methods=["GET", "POST"])
@public
@limiter.limit("30 per hour", key_func=lambda: f"address:{request.remote_addr}")
def entry(token: str) -> str | Response:
    """Let somebody in who holds an invitation, or a link for a new password."""
    with services().database.reader() as db:
        member = members.by_link(db, token)
    if member is None:
        return make_response(render_template("entry_over.html"), 410)
    form = Entry(name=member.name)
    if not form.validate_on_submit():
        return render_template("entry.html", form=form, member=member)
    try:
        with services().database.session() as db:
            member = members.by_link(db, token)
            if member is None:
                return make_response(render_template("entry_over.html"), 410)
            first = member.password_hash is None
            member.name = (form.name.data or "").strip()
            members.set_password(db, member, form.password.data or "")
            audit.record(
                db, "member.joined" if first else "member.password_reset", member_id=member.id,
                merchant_id=member.merchant_id,
            )  # fmt: skip
            return _welcome(db, member, complete=member.totp_secret is None and not needs_second_factor(member.role))
    except MemberError as error:
        form.password.errors = [WORDS[error.code]]
        return make_response(render_template("entry.html", form=form, member=member), 422)


def renew(db: Session, member: Member, answer: Response, *, complete: bool) -> Response:
    """Give the device a new token, so that one that was overheard before is worth nothing."""
    device = request.user_agent.string
    token = sessions.begin(db, member, complete=complete, device=device, at=now())
    settings = services().settings
    answer.set_cookie(
        cookie_name(), token, max_age=int(sessions.WHOLE_OTHERS.total_seconds()), path="/",
        secure=settings.cookies_need_https, httponly=True, samesite="Lax",
    )  # fmt: skip
    return answer


def _welcome(db: Session, member: Member, *, complete: bool) -> Response:
    kept = _next()
    # A new form token too: what was issued before signing in must not work after it.
    session.clear()
    if complete:
        answer = redirect(kept)
        _remember_device(answer, member)
    elif member.totp_secret:
        answer = redirect(url_for("signin.code", next=kept))
    else:
        answer = redirect(url_for("account.second_factor_page", next=kept))
    return renew(db, member, answer, complete=complete)


def _next() -> str:
    """Where to go after signing in: a page of ours, or the start."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return wanted if safe and "\n" not in wanted and "\r" not in wanted else "/"


def _devices() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="device")


def _device_cookie() -> str:
    return "__Host-device" if services().settings.cookies_need_https else "device"


def _known_device(email: str) -> str | None:
    """Return the number of this device when it has signed in to this account before."""
    try:
        said = _devices().loads(request.cookies.get(_device_cookie(), ""))
    except BadData:
        return None
    return str(said["device"]) if vault().name(email) in said["accounts"] else None


def _remember_device(answer: Response, member: Member) -> None:
    try:
        said = _devices().loads(request.cookies.get(_device_cookie(), ""))
    except BadData:
        said = {"device": secrets.token_hex(8), "accounts": []}
    account = vault().name(member.email)
    said["accounts"] = [account, *(known for known in said["accounts"] if known != account)][:5]
    answer.set_cookie(
        _device_cookie(), str(_devices().dumps(said)), max_age=DEVICE_DAYS * 86400, path="/",
        secure=services().settings.cookies_need_https, httponly=True, samesite="Lax",
    )  # fmt: skip

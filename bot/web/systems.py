"""Connections to other systems: the keys that they call us with, and the addresses that we call."""

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import delete
from sqlmodel import Session, col, select
from werkzeug.wrappers import Response

from bot.clock import now
from bot.database import row_id
from bot.hooks import delivery as deliveries
from bot.hooks import events
from bot.hooks.sending import new_secret
from bot.hooks.targets import BadTarget, Policy, resolve
from bot.models import ApiKey, Hook, HookDelivery
from bot.services import services
from bot.web import audit, tenant
from bot.web.access import OWNER, allow, me, my_shop
from bot.web.api import keys
from bot.web.protection import limiter
from bot.web.vault import vault

blueprint = Blueprint("systems", __name__, url_prefix="/systems")

_LOG_PAGE = 50
_MOST_HOOKS = 10

SCOPE_WORDS = {
    "orders:read": lazy_gettext("read orders and decisions"),
    "orders:write": lazy_gettext("make, change and cancel orders"),
    "conversations:read": lazy_gettext("read conversations"),
    "reviews:read": lazy_gettext("read reviews"),
    "uploads:read": lazy_gettext("read uploads and their reports"),
    "uploads:write": lazy_gettext("upload order lists"),
    "hooks:read": lazy_gettext("read what was sent to your addresses"),
    "hooks:write": lazy_gettext("send events once more"),
}
TARGET_WORDS = {
    "malformed": lazy_gettext("This is not a web address that can be called."),
    "not_https": lazy_gettext("Only addresses that begin with https:// are called."),
    "not_found": lazy_gettext("This host cannot be found. Check the spelling."),
    "private": lazy_gettext("This address is not on the public internet, so it is not called."),
}
ERROR_WORDS = {
    "redirect": lazy_gettext("It redirects; redirects are not followed"),
    "refused": lazy_gettext("It refused"),
    "certificate": lazy_gettext("Its certificate is not valid"),
    "timeout": lazy_gettext("It took longer than ten seconds"),
    "connection": lazy_gettext("It cannot be reached"),
    "secret": lazy_gettext("The secret cannot be read: make a new one"),
    **{code: TARGET_WORDS[code] for code in ("malformed", "not_https", "not_found", "private")},
}


@blueprint.get("")
@allow(OWNER)
def page() -> str:
    """List keys and hooks, and make new ones."""
    return _page()


@blueprint.post("/keys")
@allow(OWNER)
@limiter.limit("30 per hour")
def create_key() -> str | tuple[str, int]:
    """Make a key and show it, this once."""
    name = request.form.get("name", "").strip()[:100]
    scopes = [scope for scope in keys.SCOPES if scope in request.form.getlist("scope")]
    if not name or not scopes:
        return _page(problem=_("Give the key a name and at least one thing that it may do.")), 422
    with tenant.writing() as session:
        row, key = keys.new_key(my_shop().id, name, scopes)
        session.add(row)
        session.flush()
        _note(session, "key.created", f"key:{row.id}", prefix=row.prefix, scopes=scopes)
    return _page(key=key)


@blueprint.post("/keys/<int:id>/revoke")
@allow(OWNER)
def revoke_key(id: int) -> Response:  # noqa: A002
    """End a key at once."""
    with tenant.changing(ApiKey, id) as (session, row):
        if row.revoked_at is None:
            row.revoked_at = now()
            _note(session, "key.revoked", f"key:{row.id}", prefix=row.prefix)
    flash(_("The key is revoked; calls with it are refused from now on."), "good")
    return redirect(url_for("systems.page"))


@blueprint.post("/hooks")
@allow(OWNER)
@limiter.limit("30 per hour")
def create_hook() -> str | tuple[str, int]:
    """Make a hook and show its secret, this once."""
    url, chosen = request.form.get("url", "").strip(), _chosen()
    if not chosen:
        return _page(problem=_("Choose at least one event.")), 422
    if problem := _bad_target(url):
        return _page(problem=problem), 422
    with tenant.writing() as session:
        if len(session.exec(select(Hook.id)).all()) >= _MOST_HOOKS:
            return _page(problem=_("Ten addresses are the most. Delete one first.")), 422
        hook = Hook(merchant_id=my_shop().id, url=url, events=chosen, created_at=now())
        session.add(hook)
        session.flush()
        secret = _give_secret(hook)
        _note(session, "hook.created", f"hook:{hook.id}", events=chosen)
        number = row_id(hook)
    return _hook(number, secret=secret)


@blueprint.get("/hooks/<int:id>")
@allow(OWNER)
def hook(id: int) -> str:  # noqa: A002
    """Show a hook with the log of what was sent."""
    return _hook(id)


@blueprint.post("/hooks/<int:id>")
@allow(OWNER)
@limiter.limit("60 per hour")
def change_hook(id: int) -> Response:  # noqa: A002
    """Change where a hook points and what it is told."""
    url, chosen = request.form.get("url", "").strip(), _chosen()
    problem = _bad_target(url) or ("" if chosen else _("Choose at least one event."))
    with tenant.changing(Hook, id) as (session, row):
        if problem:
            flash(problem, "bad")
        else:
            row.url, row.events = url, chosen
            row.failing_since = row.held_until = None
            _note(session, "hook.changed", f"hook:{id}", events=chosen)
            flash(_("Saved."), "good")
    return redirect(url_for("systems.hook", id=id))


@blueprint.post("/hooks/<int:id>/secret")
@allow(OWNER)
def renew_secret(id: int) -> str:  # noqa: A002
    """Make a new secret and show it, this once; the old one ends at once."""
    with tenant.changing(Hook, id) as (session, row):
        secret = _give_secret(row)
        _note(session, "hook.secret_renewed", f"hook:{id}")
    return _hook(id, secret=secret)


@blueprint.post("/hooks/<int:id>/switch")
@allow(OWNER)
def switch_hook(id: int) -> Response:  # noqa: A002
    """Switch a hook off, or on again."""
    with tenant.changing(Hook, id) as (session, row):
        if row.disabled_at is None:
            row.disabled_at, row.disabled_by = now(), "owner"
        else:
            row.disabled_at, row.disabled_by = None, ""
            row.failing_since = row.held_until = None
        _note(session, "hook.switched", f"hook:{id}", on=row.disabled_at is None)
    return redirect(url_for("systems.hook", id=id))


@blueprint.post("/hooks/<int:id>/delete")
@allow(OWNER)
def delete_hook(id: int) -> Response:  # noqa: A002
    """Delete a hook with its log."""
    with tenant.changing(Hook, id) as (session, row):
        session.execute(delete(HookDelivery).where(col(HookDelivery.hook_id) == id))
        session.delete(row)
        _note(session, "hook.deleted", f"hook:{id}")
    flash(_("The address is deleted; nothing is sent there any more."), "good")
    return redirect(url_for("systems.page"))


@blueprint.post("/hooks/<int:id>/ping")
@allow(OWNER)
@limiter.limit("60 per hour")
def ping(id: int) -> Response:  # noqa: A002
    """Send a hook an event that means nothing."""
    with tenant.changing(Hook, id) as (session, row):
        events.ping(session, row, now(), services().bell)
    flash(_("A test is on its way; the log shows in a moment how it went."), "good")
    return redirect(url_for("systems.hook", id=id))


@blueprint.post("/hooks/<int:id>/deliveries/<int:delivery>/resend")
@allow(OWNER)
@limiter.limit("300 per hour")
def resend(id: int, delivery: int) -> Response:  # noqa: A002
    """Send an event once more."""
    with tenant.writing() as session:
        tenant.find(session, Hook, id)
        row = tenant.find(session, HookDelivery, delivery)
        deliveries.resend(session, row, now(), services().bell)
    flash(_("It is sent once more."), "good")
    return redirect(url_for("systems.hook", id=id))


def _page(problem: str = "", key: str = "") -> str:
    with tenant.reading() as session:
        rows = session.exec(select(ApiKey).order_by(col(ApiKey.revoked_at).is_not(None), col(ApiKey.id).desc())).all()
        hooks = session.exec(select(Hook).order_by(col(Hook.id))).all()
    return render_template(
        "api.html", keys=rows, hooks=hooks, problem=problem, key=key, scopes=SCOPE_WORDS, events=events.EVENTS,
        given=request.form,
    )  # fmt: skip


def _hook(number: int, secret: str = "") -> str:
    before = request.args.get("before", type=int)
    with tenant.reading() as session:
        row = tenant.find(session, Hook, number)
        statement = select(HookDelivery).where(HookDelivery.hook_id == number).order_by(col(HookDelivery.id).desc())
        if before:
            statement = statement.where(col(HookDelivery.id) < min(before, 2**31 - 1))
        log: Sequence[HookDelivery] = session.exec(statement.limit(_LOG_PAGE + 1)).all()
    return render_template(
        "hook.html", hook=row, log=log[:_LOG_PAGE], older=log[_LOG_PAGE - 1].id if len(log) > _LOG_PAGE else None,
        events=events.EVENTS, secret=secret, errors=ERROR_WORDS,
    )  # fmt: skip


def _chosen() -> list[str]:
    return [event for event in events.EVENTS if event in request.form.getlist("event")]


def _bad_target(url: str) -> str:
    try:
        resolve(url, Policy.of(services().settings.public_url))
    except BadTarget as error:
        return str(TARGET_WORDS[error.code])
    return ""


def _give_secret(hook: Hook) -> str:
    secret = new_secret()
    hook.secret = vault().seal(secret, f"hook:{hook.id}:secret")
    return secret


def _note(session: Session, act: str, about: str, **detail: object) -> None:
    audit.record(session, act, member_id=me().id, merchant_id=my_shop().id, about=about, **detail)

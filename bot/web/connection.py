"""The way to a working WhatsApp number, step by step, and the templates' state at Meta."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlmodel import Session, col, func, select
from werkzeug.wrappers import Response

from bot.clock import now
from bot.models import Channel, Envelope, Merchant, Order, Pulse, WhatsAppTemplate
from bot.services import services
from bot.talk import trials
from bot.talk.trials import TrialRefused
from bot.web import audit, tenant
from bot.web.access import MERCHANT, OWNER, allow, me, my_shop
from bot.web.protection import limiter
from bot.web.settings import language_names
from bot.whatsapp.catalogue import Template, catalogue
from bot.whatsapp.client import Client
from bot.whatsapp.errors import SendError, SlowNumber
from bot.whatsapp.templates import SENDABLE, push, refresh

blueprint = Blueprint("connection", __name__, url_prefix="/settings/whatsapp")


@dataclass
class Standing:
    """How one of our templates stands at Meta, in all languages."""

    key: str
    ours: list[Template] = field(default_factory=list)
    rows: dict[str, WhatsAppTemplate] = field(default_factory=dict)
    """Our locale -> what Meta says; a locale that is missing was never submitted."""

    @property
    def approved(self) -> int:
        """How many languages may be sent."""
        return sum(row.status in SENDABLE for row in self.rows.values())

    @property
    def troubled(self) -> list[Template]:
        """Those that may not."""
        return [one for one in self.ours if one.locale not in self.rows or self.rows[one.locale].status not in SENDABLE]


@dataclass(frozen=True)
class Steps:
    """What is known of the number without asking Meta."""

    channel: Channel | None
    token: bool
    secret: bool
    heard_at: datetime | None
    """When Meta last posted something to us."""
    alive: bool | None
    """Whether our own web process was reached at its public address lately; None when nothing looks after it."""
    standings: list[Standing]
    sent_at: datetime | None
    """When the shop's first message was sent."""

    @property
    def approved(self) -> int:
        """How many templates, each in one language, may be sent."""
        return sum(one.approved for one in self.standings)

    @property
    def wanted(self) -> int:
        """How many there are."""
        return sum(len(one.ours) for one in self.standings)


@blueprint.get("")
@allow(MERCHANT)
def page() -> str:
    """Show the steps to a working number."""
    with tenant.reading() as session:
        steps = _steps(session)
    address = f"{services().settings.public_url}/webhooks/whatsapp"
    return render_template(
        "settings_whatsapp.html", steps=steps, address=address, names=language_names(),
        meta=services().settings.graph_api_url.startswith("https://graph.facebook.com"),
    )  # fmt: skip


@blueprint.get("/number")
@allow(MERCHANT)
@limiter.limit("30 per minute")
def number() -> str:
    """Ask Meta for the number: whether the token works shows in whether it answers."""
    with tenant.reading() as session:
        channel = _channel(session)
    if channel is None:
        return render_template("settings_number.html", number=None, error=None)
    try:
        found = _client().number(channel.phone_number_id)
    except SendError as error:
        return render_template("settings_number.html", number=None, error=error)
    return render_template("settings_number.html", number=found, error=None)


@blueprint.post("/templates")
@allow(OWNER)
@limiter.limit("10 per minute")
def templates() -> Response:
    """Submit what Meta lacks, or ask how the templates stand."""
    back = redirect(url_for("connection.page") + "#templates")
    with tenant.reading() as session:
        channel = _channel(session)
    if channel is None or not channel.business_account_id:
        flash(_("There is no WhatsApp number yet."), "bad")
        return back
    try:
        if request.form.get("act") == "push":
            tried = push(services().database, _client(), channel.business_account_id, catalogue(), edit=True)
            failed = sum(one.error is not None for one in tried)
            with tenant.writing() as session:
                audit.record(
                    session, "templates.submitted", member_id=me().id, merchant_id=my_shop().id, tried=len(tried),
                    failed=failed,
                )  # fmt: skip
            if tried and isinstance(tried[-1].error, SlowNumber):
                sent = len(tried) - 1
                flash(_("%(n)s submitted. Meta takes 100 an hour: submit the rest in an hour.", n=sent), "good")
            elif failed:
                flash(_("%(n)s of %(of)s were refused at once; see below.", n=failed, of=len(tried)), "bad")
            else:
                flash(_("%(n)s submitted. Meta usually takes minutes, at times a day.", n=len(tried)), "good")
        else:
            refresh(services().database, _client(), channel.business_account_id)
            flash(_("This is how they stand now."), "good")
    except SendError as error:
        flash(_("Meta did not take it (code %(code)s). Check the token, or try again later.", code=error.code), "bad")
    return back


@blueprint.post("/try")
@allow(MERCHANT)
@limiter.limit("10 per hour")
def try_it() -> Response:
    """Send a made-up order's question to a phone of the shop's own people."""
    try:
        with tenant.writing() as session:
            row = session.get_one(Merchant, my_shop().id)
            with tenant.lifted(session):
                order = trials.begin(
                    session, row, request.form.get("phone", ""), me().label, now(), shards=services().settings.shards
                )
            audit.record(session, "trial.begun", member_id=me().id, merchant_id=row.id, about=f"order:{order.id}")
            place = url_for("orders.order", id=order.id)
    except TrialRefused as error:
        flash(_refusal(error.code), "bad")
        return redirect(url_for("connection.page"))
    flash(_("Look at that phone now, and answer as a shopper would. What happens shows here."), "good")
    return redirect(place)


def _refusal(code: str) -> str:
    return {
        "phone": _("This is no phone number. Write it with its country code, such as +91 98765 43210."),
        "waiting": _("A test is waiting for an answer on that phone. Answer it first."),
        "stopped": _("This phone has said STOP. Write START to our number, then try again."),
        "channel": _("There is no WhatsApp number yet."),
    }[code]


def _client() -> Client:
    return Client.from_settings(services().settings)


def _channel(session: Session) -> Channel | None:
    return session.exec(select(Channel)).first()


def _steps(session: Session) -> Steps:
    channel = _channel(session)
    rows: Sequence[WhatsAppTemplate] = session.exec(select(WhatsAppTemplate)).all()
    # By the orders and not by the messages: of those there are many more, and none is listed by shop.
    sent_at = session.exec(
        select(Order.asked_at).where(col(Order.asked_at).is_not(None)).order_by(col(Order.created_at).desc()).limit(1)
    ).first()
    with tenant.lifted(session):
        # Only an instant of each: what was posted, and for whom, stays behind the wall.
        heard_at = session.exec(select(func.max(Envelope.received_at))).one()
        pulse = session.get(Pulse, "web")
    settings = services().settings
    return Steps(
        channel=channel,
        token=bool(settings.whatsapp_token),
        secret=bool(settings.app_secrets and settings.whatsapp_verify_token),
        heard_at=heard_at,
        alive=None if pulse is None else (now() - pulse.beat_at).total_seconds() < 60,
        standings=_standings(rows),
        sent_at=sent_at,
    )


def _standings(rows: Sequence[WhatsAppTemplate]) -> list[Standing]:
    theirs = {(row.name, row.language): row for row in rows}
    found: dict[str, Standing] = {}
    for template in catalogue().templates:
        standing = found.setdefault(template.key, Standing(template.key))
        standing.ours.append(template)
        row = theirs.get((template.name, template.language))
        if row is not None:
            standing.rows[template.locale] = row
    return list(found.values())

"""The agents' inbox: the queue, one conversation, the call list."""

import secrets
from typing import Any

import orjson
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from bot.database import row_id
from bot.models import Channel, Conversation, Message
from bot.services import services
from bot.talk.handover import Conflict
from bot.web import (
    canned_answers,
    inbox_deeds,
    inbox_forms,
    inbox_presence,
    inbox_queue,
    inbox_words,
    live,
    masks,
    tenant,
)
from bot.web import media as media_files
from bot.web.access import SHOP, allow, me
from bot.web.inbox_talk import Talk, open_talk
from bot.whatsapp.errors import SendError
from bot.whatsapp.media import MediaRefused

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")

_MINE = "{mine}"
"""Stands in the queue for the number of the reader's own tasks."""
_PANES = {"bubbles": "inbox_panes.html", "side": "inbox_details.html"}
"""The element that a page brings up to date -> the template that writes it."""
ADDRESS_PARTS = ("address1", "address2", "landmark", "city", "state", "postal_code")
"""What a browser may show in place; everything else is handed over as a file."""


@blueprint.get("")
@allow(SHOP)
def page() -> str:
    """Show the queue."""
    at = request.args.get("at", 0, type=int)
    if request.headers.get("HX-Target") == "queue":
        return f'<section id="queue">{_own(_shared_queue(), at)}</section>'
    state = live.state("queue")
    tasks = _own(_queue(), at)
    return render_template("inbox.html", tasks=tasks, view=_view(), at=at, talk=None, words=inbox_words, live=state)


@blueprint.get("/<int:id>")
@allow(SHOP)
def conversation(id: int) -> str:  # noqa: A002
    """Show one conversation beside the queue."""
    state = live.state("queue", f"conversation:{id}")
    # News of the conversation ask for its own panes alone, and come far more often than people open it.
    pane = _PANES.get(request.headers.get("HX-Target", ""))
    # First, because what this reader may see of one shopper is no permit for the others in the queue.
    tasks = "" if pane else _own(_shared_queue(at_hand=True), id, at_hand=True)
    with tenant.reading() as session:
        talk = _talk(session, id)
        people = inbox_queue.people(session)
        answers = canned_answers.all_of(session)
    return render_template(
        pane or "inbox.html", tasks=tasks, view=_view(), at=id, talk=talk,
        people=people, answers=answers, words=inbox_words, live=state, draft=_draft(),
        details=request.args.get("show") == "details",
    )  # fmt: skip


@blueprint.post("/<int:id>/reply")
@allow(SHOP)
def reply(id: int) -> AnyResponse | tuple[str, int] | str:  # noqa: A002
    """Send an agent's words, or a template; what the shopper wrote meanwhile is shown first."""
    try:
        with tenant.writing() as session:
            # A template is filled anew: what is sent is what this order says now.
            talk = _talk(session, id)
            inbox_deeds.say(session, id, inbox_forms.reply_of(talk))
    except (Conflict, inbox_forms.Refused) as stopped:
        return _stopped(id, stopped)
    return _sent(id)


@blueprint.post("/<int:id>/note")
@allow(SHOP)
def note(id: int) -> AnyResponse | tuple[str, int] | str:  # noqa: A002
    """Keep words that only colleagues see."""
    body = inbox_forms.written("note")
    try:
        with tenant.writing() as session:
            tenant.find(session, Conversation, id)
            if not body:
                raise inbox_forms.Refused(_("Write something first."))
            inbox_deeds.note(session, id, body, inbox_forms.client_id_of())
    except (Conflict, inbox_forms.Refused) as stopped:
        return _stopped(id, stopped)
    return _sent(id)


@blueprint.post("/<int:id>/take-over")
@allow(SHOP)
def take_over(id: int) -> AnyResponse:  # noqa: A002
    """Make the person who asks the owner."""
    return _done(id, lambda session: inbox_deeds.take(session, id))


@blueprint.post("/<int:id>/assign")
@allow(SHOP)
def assign(id: int) -> AnyResponse:  # noqa: A002
    """Give the conversation to a colleague, or take it from one."""
    member_id = request.form.get("member", type=inbox_forms.row_number)
    if member_id is None:
        abort(400)
    return _done(id, lambda session: inbox_deeds.assign(session, id, member_id))


@blueprint.post("/<int:id>/release")
@allow(SHOP)
def release(id: int) -> AnyResponse:  # noqa: A002
    """Let the bot go on."""
    told = _("The bot has the conversation again.")
    return _done(id, lambda session: inbox_deeds.release(session, id), told=told, leave=True)


@blueprint.post("/<int:id>/snooze")
@allow(SHOP)
def snooze(id: int) -> AnyResponse:  # noqa: A002
    """Put the task aside for a while."""
    wanted = request.form.get("until", "")
    if wanted not in inbox_deeds.SNOOZES:
        abort(400)
    told = _("Put aside. It comes back by itself, or when the shopper writes.")
    return _done(
        id, lambda session: inbox_deeds.snooze(session, id, inbox_deeds.wakes_at(wanted)), told=told, leave=True
    )


@blueprint.post("/<int:id>/outcome")
@allow(SHOP)
def outcome(id: int) -> AnyResponse:  # noqa: A002
    """Record what was agreed, and close the task."""
    wanted, more = inbox_forms.ending(inbox_deeds.ENDINGS)
    about = request.form.get("order", type=inbox_forms.row_number)
    if about is None and wanted != "done":
        abort(400)
    told = _("Saved: %(what)s.", what=inbox_words.OUTCOMES[wanted])
    return _done(
        id, lambda session: inbox_deeds.end(session, id, wanted, about=about, **more), told=told, leave=True
    )  # fmt: skip


@blueprint.post("/<int:id>/address")
@allow(SHOP)
def address(id: int) -> AnyResponse:  # noqa: A002
    """Keep the address that an agent agreed with the shopper."""
    about = request.form.get("order", type=inbox_forms.row_number)
    parts = {name: inbox_forms.written(name)[:200] for name in ADDRESS_PARTS}
    if about is None or not parts["address1"]:
        flash(_("The first line of the address is needed."), "act")
        return redirect(url_for("inbox.conversation", id=id, show="details"))
    kept = {name: value for name, value in parts.items() if value}
    told = _("Saved: %(what)s.", what=inbox_words.OUTCOMES["address_fixed"])
    return _done(id, lambda session: inbox_deeds.correct_address(session, id, about, kept), told=told, leave=True)


@blueprint.post("/<int:id>/presence")
@allow(SHOP)
def presence(id: int) -> dict[str, list[dict[str, Any]]]:  # noqa: A002
    """Tell who else looks at this conversation, or types in it."""
    with tenant.reading() as session:
        tenant.find(session, Conversation, id)
        here = inbox_presence.beat(services().bell, id, me().id, typing=request.form.get("typing") == "1")
        names = inbox_queue.people(session) if here else {}
    told = [
        _("%(name)s is writing…", name=names[one.member_id]) if one.typing
        else _("%(name)s is looking", name=names[one.member_id])
        for one in here if one.member_id in names
    ]  # fmt: skip
    return {"here": [{"text": text} for text in told]}


@blueprint.get("/<int:id>/media/<int:message_id>")
@allow(SHOP)
def media(id: int, message_id: int) -> Response:  # noqa: A002
    """Hand over a file that the shopper sent; it is fetched from Meta and kept nowhere."""
    with tenant.reading() as session:
        talk = tenant.find(session, Conversation, id)
        message = tenant.find(session, Message, message_id)
        channel = tenant.find(session, Channel, talk.channel_id)
    file = message.extra.get("media") if message.conversation_id == id else None
    if not isinstance(file, dict) or not file.get("id"):
        abort(404)
    try:
        found = media_files.fetched(str(file["id"]), channel.phone_number_id)
    except MediaRefused:
        abort(404)
    except SendError:
        abort(503)
    return media_files.handed_over(found, f"message-{message_id}", seconds=3600)


@blueprint.post("/<int:id>/translation/<int:message_id>")
@allow(SHOP)
def translate(id: int, message_id: int) -> AnyResponse | str:  # noqa: A002
    """Show what the shopper wrote in the reader's language; what was translated once is kept with the message."""
    locale = get_locale()
    with tenant.reading() as session:
        tenant.find(session, Conversation, id)
        message = tenant.find(session, Message, message_id)
    translator = services().translator
    if message.conversation_id != id or message.direction != "in" or not message.body:
        abort(404)
    if translator and str(locale) not in message.extra.get("translations", {}):
        # Asked with no transaction open, because an answer takes seconds.
        found = translator.translate(message.body, locale.english_name or str(locale))
        with tenant.writing() as session:
            message = tenant.find(session, Message, message_id, lock=True)
            # What was wiped meanwhile stays wiped.
            if found and message.body:
                translations = message.extra.get("translations", {}) | {str(locale): found}
                message.extra = {**message.extra, "translations": translations}
    if "HX-Request" not in request.headers:
        return redirect(url_for("inbox.conversation", id=id))
    return render_template("inbox_translation.html", id=id, bubble=message, tried=True)


@blueprint.get("/calls")
@allow(SHOP)
def calls() -> str:
    """List whom to call before their parcel leaves."""
    state = live.state("orders", "queue")
    with tenant.reading() as session:
        found = inbox_queue.calls(session)
        count = inbox_queue.to_call(session)
    return render_template("inbox_calls.html", calls=found, count=count, live=state)


@blueprint.post("/calls/<int:id>")
@allow(SHOP)
def called(id: int) -> AnyResponse:  # noqa: A002
    """Record what a call brought."""
    wanted, more = inbox_forms.ending(inbox_deeds.CALL_ENDINGS)
    more["again"] = inbox_deeds.wakes_at("morning" if wanted == "no_answer" and request.form.get("late") else "3")
    try:
        with tenant.writing() as session:
            order = inbox_deeds.called(session, id, wanted, **more)
            told = f"{order.reference}: {inbox_words.OUTCOMES[wanted]}"
    except Conflict as conflict:
        flash(str(conflict), "act")
    else:
        flash(told, "good")
    return redirect(url_for("inbox.calls"))


def _view() -> str:
    view = request.args.get("view", "all")
    return view if view in inbox_queue.VIEWS else "all"


def _queue() -> str:
    """Write the queue as it looks to everybody who may see it."""
    offset = request.args.get("from", 0, type=int)
    with tenant.reading() as session:
        queue = inbox_queue.look(session, _view(), min(max(0, offset), 10_000))
    return render_template("inbox_queue.html", queue=queue, words=inbox_words, mine=_MINE)


def _shared_queue(*, at_hand: bool = False) -> Markup:
    """Return the queue as it was written for somebody, if it still shows what this reader is told."""
    whose = me().id if _view() == "mine" else None
    return live.region("queue", _queue, "queue", _view(), request.args.get("from"), whose, at_hand=at_hand)


def _of_each() -> str:
    with tenant.reading() as session:
        return orjson.dumps(inbox_queue.of_each(session), option=orjson.OPT_NON_STR_KEYS).decode()


def _own(tasks: str, at: int, *, at_hand: bool = False) -> Markup:
    """Put into the queue what is one reader's own: how many tasks are theirs, and which one they look at."""
    mine = orjson.loads(str(live.region("queue", _of_each, "of each", at_hand=at_hand))).get(str(me().id), 0)
    here = f'class="task" href="{url_for("inbox.conversation", id=at, view=_view() if _view() != "all" else None)}"'
    marked = here.replace('"task"', '"task current" aria-current="true"')
    return Markup(str(tasks).replace(_MINE, str(mine), 1).replace(here, marked, 1))  # noqa: S704  # A template's words.


def _talk(session: Session, id: int) -> Talk:  # noqa: A002
    talk = open_talk(session, tenant.find(session, Conversation, id), before=_before())
    if talk.order is not None:
        masks.open_if_revealed(session, row_id(talk.order))
    return talk


def _before() -> int | None:
    """Return the bubble before which the reader wants to see; no number that a conversation cannot reach."""
    wanted = request.args.get("before", type=int)
    return wanted if wanted is not None and 0 < wanted < 2**31 else None


def _draft() -> dict[str, Any]:
    """What the composer holds: nothing, or the words that could not be sent."""
    return {
        "client_id": request.form.get("client_id", "") or secrets.token_hex(8),
        "body": request.form.get("body", ""),
        "note": request.form.get("note", ""),
        "buttons": request.form.getlist("button")[:3],
        "mode": "note" if "note" in request.form else "template" if request.form.get("template") else "reply",
    }


def _stopped(id: int, why: Exception) -> AnyResponse | tuple[str, int]:  # noqa: A002
    """Show why nothing was sent, and what the shopper wrote meanwhile; the agent's words stay."""
    seen = request.form.get("seen", -1, type=int)
    tasks = "" if "HX-Request" in request.headers else _own(_queue(), id)
    with tenant.reading() as session:
        talk = _talk(session, id)
        answers = canned_answers.all_of(session)
    crossing = [one for one in talk.said.rows if one.author == "shopper" and one.seq > seen] if seen >= 0 else []
    told = _why(talk, why, bool(crossing))
    given = {"talk": talk, "answers": answers, "draft": _draft(), "told": told, "crossing": crossing}
    code = 409 if isinstance(why, Conflict) else 422
    if "HX-Request" in request.headers:
        part = render_template("inbox_composer.html", words=inbox_words, **given)
        return Response(part, code, {"HX-Trigger": "live:conversation"})
    with tenant.reading() as session:
        people = inbox_queue.people(session)
    whole = render_template(
        "inbox.html", tasks=tasks, view=_view(), at=id, people=people, words=inbox_words,
        live=live.state("queue"), details=False, **given
    )  # fmt: skip
    return whole, code


def _why(talk: Talk, why: Exception, crossed: bool) -> str:
    if isinstance(why, inbox_forms.Refused) or talk.elsewhere:
        return str(why)
    if talk.conversation.owner == "agent" and not talk.is_mine:
        return _("%(name)s has this conversation now. Nothing was sent.", name=talk.holder)
    if crossed:
        return _("The shopper has just written. Read it, then send again.")
    if not talk.is_open:
        return _("The 24 hours are over: only a template can be sent now.")
    return _("Something came in between. Look once more, then send again.")


def _sent(id: int) -> AnyResponse | str:  # noqa: A002
    if "HX-Request" not in request.headers:
        return redirect(url_for("inbox.conversation", id=id))
    with tenant.reading() as session:
        talk = _talk(session, id)
        answers = canned_answers.all_of(session)
    fresh = {"client_id": secrets.token_hex(8), "body": "", "note": "", "buttons": [], "mode": "reply"}
    page = render_template("inbox_composer.html", talk=talk, answers=answers, draft=fresh, words=inbox_words)
    # The transcript is brought up to date at once, not at the next beat of the live page.
    return Response(page, headers={"HX-Trigger": "live:conversation"})


def _done(id: int, deed: Any, *, told: str = "", leave: bool = False) -> AnyResponse:  # noqa: A002
    back = url_for("inbox.conversation", id=id)
    try:
        with tenant.writing() as session:
            deed(session)
    except Conflict as conflict:
        with tenant.reading() as session:
            talk = _talk(session, id)
        flash(_why(talk, conflict, crossed=False), "act")
        return redirect(back)
    if told:
        flash(told, "good")
    return redirect(url_for("inbox.page") if leave else back)

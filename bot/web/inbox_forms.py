"""What agents write into the inbox's forms, read and checked."""

import re
import secrets
from typing import Any

from flask import abort, request
from flask_babel import gettext as _

from bot.talk.handover import AGENT_BUTTON, Reply
from bot.web.inbox_deeds import day_of
from bot.web.inbox_talk import Talk
from bot.whatsapp.compose import BODY, BUTTON_TITLE, BUTTONS, length


class Refused(Exception):
    """What an agent wrote cannot be sent; the message says why, the words stay in the composer."""


def reply_of(talk: Talk) -> Reply:
    """Read a reply or the choice of a template; raise Refused when WhatsApp would not take it."""
    seen, client_id = request.form.get("seen", -1, type=int), client_id_of()
    if key := request.form.get("template"):
        offer = next((one for one in talk.offers if one.key == key and not one.refusal), None)
        if offer is None:
            raise Refused(_("This template cannot be sent now."))
        titles = offer.template.buttons
        template = {"name": offer.template.name, "language": offer.template.language, "values": offer.values}
        return Reply(offer.text, client_id, seen, _buttons(client_id, titles), template)
    body = written("body")
    titles = tuple(title for title in (_line(one) for one in request.form.getlist("button")) if title)
    if not body:
        raise Refused(_("Write something first."))
    if length(body) > BODY:
        raise Refused(_("That is too long: WhatsApp takes %(most)s characters.", most=BODY))
    if len(titles) > BUTTONS or len(set(titles)) < len(titles) or any(length(one) > BUTTON_TITLE for one in titles):
        raise Refused(_("Up to three different buttons, each of at most %(most)s characters.", most=BUTTON_TITLE))
    return Reply(body, client_id, seen, _buttons(client_id, titles))


def _buttons(client_id: str, titles: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    return tuple(
        {"id": f"{AGENT_BUTTON}{client_id}.{place}", "title": title} for place, title in enumerate(titles, start=1)
    )


def ending(known: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """Read one of the outcomes `known`, and what belongs to it; answer 400 for anything else."""
    wanted = request.form.get("outcome", "")
    if wanted not in known:
        abort(400)
    on = day_of(request.form.get("on", ""))
    if wanted == "later" and on is None:
        abort(400)
    why = request.form.get("why", "")
    reasons = ("later", "size", "price", "elsewhere", "mistake", "other")
    return wanted, {"on": on, "why": why if why in reasons else "", "note": written("words")[:1000]}


def client_id_of() -> str:
    """Return what makes this sending one, however often it is clicked."""
    return re.sub(r"[^0-9a-zA-Z-]", "", request.form.get("client_id", ""))[:40] or secrets.token_hex(8)


def written(name: str) -> str:
    """What was written into a field; browsers end lines as telegraphs did."""
    text = request.form.get(name, "").replace("\r\n", "\n").replace("\0", "").strip()
    return text.encode("utf-8", "ignore").decode()


def _line(text: str) -> str:
    return " ".join(text.replace("\0", "").encode("utf-8", "ignore").decode().split())


def row_number(value: str) -> int:
    """Read the id of a row; raise ValueError for what is none."""
    number = int(value)
    if not 0 < number < 2**31:
        raise ValueError(value)
    return number

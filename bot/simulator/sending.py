"""`POST /<version>/<phone number id>/messages`, in the platform's order of checks. This is the hot path."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from statistics import NormalDist
from threading import Thread
from typing import Any

import urllib3

from bot.simulator.draws import calling_code, unit, wamid
from bot.simulator.errors import Refusal, no_such_object
from bot.simulator.faults import refusal
from bot.simulator.limits import TIERS, Throughput
from bot.simulator.state import Number, Outgoing, Shopper, Template
from bot.simulator.templates import check_node, fill
from bot.simulator.validate import BSUID, MEDIA, check_envelope, check_message, invalid, phone_digits
from bot.simulator.world import Simulator

Json = dict[str, Any]
MONTH = 30 * 86_400.0
TYPING_SECONDS = 25.0


@dataclass(slots=True)
class Answer:
    """What goes back to the client; `pause` and `hang` are real seconds, `reset` cuts the connection."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    hang: float = 0.0
    reset: bool = False


def authorize(sim: Simulator, authorization: str) -> None:
    """Refuse a missing, expired or unknown access token."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() not in ("bearer", "oauth") or not token:
        raise Refusal(190, message="An access token is required to request this resource.", http=401)
    if token in sim.world.expired:
        raise Refusal(190, message="Error validating access token: Session has expired.", http=401, subcode=463)
    if sim.world.tokens and token not in sim.world.tokens:
        raise Refusal(190, message="Invalid OAuth access token - Cannot parse access token", http=401)


def refused(sim: Simulator, error: Refusal) -> Answer:
    """Return the answer for a refused request."""
    with sim.world.lock:
        trace = sim.world.draws.trace(sim.world.count("trace"))
    shown = error.message.replace('"', "'").encode("latin-1", "replace").decode("latin-1").replace("\n", " ")
    headers = {
        "WWW-Authenticate": f'OAuth "Facebook Platform" "invalid_request" "{shown}"',
        "X-Fb-Trace-Id": trace,
        **error.headers,
    }
    return Answer(error.http, json.dumps(error.body(trace)).encode(), headers)


def send(sim: Simulator, number_id: str, authorization: str, raw: bytes, marketing_only: bool = False) -> Answer:
    """Answer a send, a read receipt or a typing indicator."""
    world = sim.world
    try:
        authorize(sim, authorization)
        number = world.numbers.get(number_id)
        if number is None:
            raise no_such_object(number_id)
        try:
            payload = json.loads(raw)
        except ValueError:
            payload = None
        effect: Json = {}
        if sim.faults.rules:
            target = payload.get("to") if isinstance(payload, dict) else None
            phone = "".join(ch for ch in str(target or "") if ch.isdigit())
            with world.lock:
                effect = sim.faults.pick(("messages.send", "graph"), world.clock.now(), number_id, phone) or {}
            if effect and not effect.get("accept") and (answer := _faulty(effect, number)) is not None:
                return answer
        payload = check_envelope(payload)
        if "status" in payload and "type" not in payload:
            body = _mark(sim, number, payload)
        else:
            body = _message(sim, number, payload, marketing_only, bool(effect.get("status_first")))
    except Refusal as error:
        return refused(sim, error)
    pause = _latency(sim, body) + effect.get("latency_ms", 0) / 1000
    if effect.get("accept") and (answer := _faulty(effect, number)) is not None:
        answer.pause += pause
        return answer
    if effect.get("status_first"):
        sim.postman.settle(5.0)
    return Answer(200, json.dumps(body, separators=(",", ":")).encode(), pause=pause)


def _faulty(effect: Json, number: Number) -> Answer | None:
    """Return the answer a fault rule wants instead of the real one, None when it only delays."""
    if effect.get("reset"):
        return Answer(0, b"", reset=True)
    if effect.get("hang"):
        return Answer(0, b"", reset=True, hang=float(effect["hang"]))
    if "raw" in effect:
        headers = {"Content-Type": effect.get("type", "application/json"), **effect.get("headers", {})}
        return Answer(int(effect.get("http", 200)), str(effect["raw"]).encode(), headers)
    if "code" in effect:
        raise refusal(effect, number.waba)
    return None


def _latency(sim: Simulator, body: Json) -> float:
    settings = sim.world.settings
    if not settings.latency_ms:
        return 0.0
    spread = 1.0
    if settings.latency_spread:
        draw = unit(sim.world.draws.token("latency", str(body)), 0)
        spread = math.exp(settings.latency_spread * NormalDist().inv_cdf(min(max(draw, 1e-6), 1 - 1e-6)))
    return settings.latency_ms * spread / 1000


def _mark(sim: Simulator, number: Number, payload: Json) -> Json:
    """Mark a message of a shopper and all before it as read, and show that the business is typing."""
    world = sim.world
    if payload.get("status") != "read":
        raise invalid("Param status must be one of {READ}.")
    message_id = payload.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        raise invalid("The parameter message_id is required.")
    typing = payload.get("typing_indicator")
    if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
        raise invalid("Param typing_indicator['type'] must be one of {TEXT}.")
    with world.lock:
        if message_id in world.outgoing:
            raise Refusal(100, f"Message ID {message_id} is outgoing. Please use an incoming message ID.")
        message = world.incoming.get(message_id)
        if message is None or message.number != number.id:
            raise Refusal(100, "Please check the message ID you have provided.")
        for other in world.chats[(number.id, message.wa_id)]:
            earlier = world.incoming.get(other)
            if earlier is not None and earlier.status != "read":
                earlier.status = "read"
                world.note("tick", message.wa_id, number.id, other)
            if other == message_id:
                break
        if typing is not None:
            message.typing_until = world.clock.now() + TYPING_SECONDS
            world.note("typing", message.wa_id, number.id, message_id)
    return {"success": True}


def _message(sim: Simulator, number: Number, payload: Json, marketing_only: bool, status_first: bool) -> Json:
    world, settings = sim.world, sim.world.settings
    to, recipient = payload.get("to"), payload.get("recipient")
    if not to and not recipient:
        raise invalid("The parameter to is required.")
    digits = ""
    if to:
        digits, plus = phone_digits(to)
        if settings.strict_to and not plus:
            digits = calling_code(number.digits) + digits
        if digits == number.digits:
            raise Refusal(131021)
        if settings.allowed_recipients and digits not in settings.allowed_recipients:
            raise Refusal(131030)
    elif not isinstance(recipient, str) or not BSUID.match(recipient):
        raise Refusal(131009, "recipient is not a valid business-scoped user id")
    elif recipient not in world.by_bsuid:
        raise no_such_object(recipient)
    if number.status != "CONNECTED":
        raise Refusal(133010)
    waba = world.wabas[number.waba]
    if waba.restricted:
        raise Refusal(131031, "Business Account has been restricted from messaging.")
    if marketing_only and payload.get("type") != "template":
        raise Refusal(100, "Message must be a template message.", message="(#100) Invalid parameter")
    kind = check_message(payload)
    template: Template | None = None
    shown: Json | None = None
    if kind == "template":
        template = find_template(sim, number.waba, payload["template"])
        shown = fill(template, payload["template"])
        if not to and template.category == "AUTHENTICATION":
            raise Refusal(131062)
        if marketing_only and template.category != "MARKETING":
            raise Refusal(131055, "Only marketing templates can be sent here.")
    with world.lock:
        _check_references(sim, kind, payload[kind])
        wa_id = digits or world.by_bsuid[str(recipient)]
        shopper = shopper_for(sim, wa_id)
        now = world.clock.now()
        _take_limits(sim, number, shopper, now)
        out = _record(sim, number, shopper, payload, kind, template, now)
        out.shown = shown
        link = payload[kind].get("link") if kind in MEDIA and settings.fetch_links else None
        if link:
            Thread(target=_fetch, args=(sim, out, shopper, link), daemon=True).start()
        else:
            sim.network.accepted(out, shopper, status_first)
    contact = {"input": to, "wa_id": wa_id} if to else {"input": recipient, "user_id": recipient}
    message: Json = {"id": out.wamid}
    if template is not None:
        message["message_status"] = "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def _fetch(sim: Simulator, out: Outgoing, shopper: Shopper, link: str) -> None:
    """Fetch the file of a message before it goes on, as the platform does."""
    try:
        found = urllib3.request("GET", link, timeout=10, retries=3).status == 200
    except (urllib3.exceptions.HTTPError, OSError):
        found = False
    with sim.world.lock:
        sim.network.accepted(out, shopper, code=0 if found else 131053)


def find_template(sim: Simulator, waba: str, node: Json) -> Template:
    """Return the approved template of this exact name and language, or refuse."""
    name, language = check_node(node)
    identity = sim.world.template_names.get((waba, name, language))
    template = sim.world.templates.get(identity or "")
    if template is not None and template.status == "PAUSED":
        raise Refusal(132015, f"template name ({name}) is paused")
    if template is not None and template.status == "DISABLED":
        raise Refusal(132016, f"template name ({name}) is disabled")
    if template is None or template.status != "APPROVED":
        raise Refusal(132001, f"template name ({name}) does not exist in {language}")
    return template


def shopper_for(sim: Simulator, wa_id: str) -> Shopper:
    """Return the shopper with this number; an unknown one is created, or is not on WhatsApp."""
    world = sim.world
    shopper = world.shoppers.get(wa_id)
    if shopper is None:
        shopper = Shopper(
            wa_id, f"Shopper {wa_id[-4:]}", world.draws.bsuid(wa_id), on_whatsapp=world.settings.auto_create
        )
        world.shoppers[wa_id] = shopper
        world.by_bsuid[shopper.bsuid] = wa_id
        world.note("phone", wa_id)
    return shopper


def _check_references(sim: Simulator, kind: str, node: Any) -> None:
    if kind in MEDIA and node.get("id") and node["id"] not in sim.world.media:
        raise no_such_object(node["id"])
    if kind == "reaction":
        known = sim.world.incoming.get(node["message_id"])
        if known is None or known.at < sim.world.clock.now() - MONTH:
            raise Refusal(131009, "Reaction message_id is not a message of this conversation of the last 30 days")


def _take_limits(sim: Simulator, number: Number, shopper: Shopper, now: float) -> None:
    world, settings = sim.world, sim.world.settings
    if settings.enforce_throughput:
        bucket = world.throughput.setdefault(number.id, Throughput())
        if not bucket.take(now, number.mps):
            raise Refusal(130429)
    if settings.enforce_pair and not world.pairs.take(now, f"{number.id}:{shopper.wa_id}"):
        raise Refusal(131056)
    if sim.network.window_open(number.id, shopper.wa_id, now):
        return
    if not world.new_users.take(now, shopper.wa_id, TIERS[settings.messaging_limit]):
        raise Refusal(131048, f"The messaging limit of the business portfolio ({settings.messaging_limit}) is reached.")


def _record(
    sim: Simulator, number: Number, shopper: Shopper, payload: Json, kind: str, template: Template | None, now: float
) -> Outgoing:
    world = sim.world
    count = world.count(f"out:{number.id}:{shopper.wa_id}")
    identity = wamid(
        re.sub(r"\D", "", shopper.bsuid) if shopper.hidden else shopper.wa_id, False,
        world.draws.token("out", number.id, shopper.wa_id, count),
    )  # fmt: skip
    context = payload.get("context")
    out = Outgoing(
        n=len(world.ledger) + 1, wamid=identity, number=number.id, wa_id=shopper.wa_id,
        to=str(payload.get("to") or payload.get("recipient")), kind=kind, body=payload,
        opaque=payload.get("biz_opaque_callback_data"), at=now, by_phone=bool(payload.get("to")),
        category=template.category.lower() if template else "service",
        ttl=(template.ttl if template and template.ttl and template.ttl > 0 else None) or MONTH,
        context=context["message_id"] if context else None, template=template.id if template else None,
    )  # fmt: skip
    if out.by_phone and number.waba not in shopper.known_to:
        shopper.known_to.append(number.waba)
    world.outgoing[identity] = out
    world.ledger.append(identity)
    world.chats.setdefault((number.id, shopper.wa_id), []).append(identity)
    world.note("accepted", shopper.wa_id, number.id, identity)
    return out

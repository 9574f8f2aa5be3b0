"""What a shopper does with the phone: write, tap, pick, send a pin, a photo or a voice note, react, call.

Each action becomes a webhook of the shape the platform sends, opens the 24-hour window, and marks
everything that had arrived in the chat as read.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from bot.simulator import media as files
from bot.simulator.draws import wamid
from bot.simulator.limits import DAY, Throughput
from bot.simulator.sending import shopper_for
from bot.simulator.state import Incoming, Number, Outgoing, Shopper
from bot.simulator.webhook import Update
from bot.simulator.world import Simulator

Json = dict[str, Any]
FREE_ENTRY = 3 * DAY
MEDIA_KINDS = ("image", "video", "audio", "voice", "document", "sticker")


class Impossible(ValueError):
    """A phone cannot do this: the sentence says why."""


def act(sim: Simulator, wa_id: str, body: Json, host: str) -> Json:
    """Carry out one action of a shopper and return its wamid and simulated time.

    `body["type"]` names the action, `number` the business number (the first one if absent), `reply_to`
    a quoted message. `host` is where the files can be fetched from. Raises Impossible.
    """
    kind = body.get("type")
    build = _ACTIONS.get(str(kind))
    if build is None:
        raise Impossible(f"type must be one of {', '.join(_ACTIONS)}")
    with sim.world.lock:
        number = sim.world.numbers.get(str(body.get("number") or next(iter(sim.world.numbers))))
        if number is None:
            raise Impossible("number is not the id of a business number")
        shopper = shopper_for(sim, wa_id)
        if not shopper.on_whatsapp:
            raise Impossible("this number is not on WhatsApp")
        return build(sim, number, shopper, body, host)


def _post(
    sim: Simulator, number: Number, shopper: Shopper, kind: str, node: Any, body: Json,
    context: str | None = None, more: Json | None = None,
) -> Json:  # fmt: skip
    """Record a message of the shopper, tell the business, and say what came of it."""
    world = sim.world
    now = world.clock.now()
    reveal = sim.network.reveals(shopper, number.waba)
    count = world.count(f"in:{number.id}:{shopper.wa_id}")
    digits = shopper.wa_id if reveal else "".join(ch for ch in shopper.bsuid if ch.isdigit())
    identity = wamid(digits, True, world.draws.token("in", number.id, shopper.wa_id, count))
    message: Json = {"id": identity, "timestamp": str(int(now)), "type": kind}
    if reveal:
        message = {"from": shopper.wa_id, **message}
    if world.settings.bsuid != "none":
        message["from_user_id"] = shopper.bsuid
    context = context or body.get("reply_to")
    if context:
        quoted = world.outgoing.get(context)
        message["context"] = {"from": number.digits if quoted else shopper.wa_id, "id": context}
    if body.get("forwarded"):
        message.setdefault("context", {})["forwarded"] = True
    if isinstance(body.get("referral"), dict):
        message["referral"] = body["referral"]
        world.free_entry[(number.id, shopper.wa_id)] = now + FREE_ENTRY
    if node is not None:
        message[kind] = node
    message |= more or {}
    chat = f"{number.id}:{shopper.wa_id}"
    record = Incoming(identity, number.id, shopper.wa_id, kind, message, now, context)
    world.incoming[identity] = record
    if kind != "reaction":
        world.chats.setdefault((number.id, shopper.wa_id), []).append(identity)
    _touch(sim, number, shopper, now)
    world.note("message", shopper.wa_id, number.id, identity)
    if number.id not in shopper.blocked_by:
        contact = None if kind == "system" else sim.network.contact(shopper, reveal)
        sim.postman.put(
            Update(
                number.waba, number.id, number.digits, "messages", message, contact, at=now, wamid=identity, chat=chat
            )
        )
    return {"wamid": identity, "at": now}


def _touch(sim: Simulator, number: Number, shopper: Shopper, now: float) -> None:
    """Open the window: whoever writes has the chat open and has read it."""
    sim.world.windows[(number.id, shopper.wa_id)] = now
    sim.network.read_all(number.id, shopper.wa_id)
    bucket = sim.world.throughput.setdefault(number.id, Throughput())
    bucket.take(now, number.mps, force=True)


def shown(
    sim: Simulator, number: Number, shopper: Shopper, body: Json, fits: Callable[[Outgoing], bool], what: str
) -> Outgoing:
    """Return the message an action refers to: the one named, or the newest on the phone that fits."""
    named = body.get("wamid")
    if named is not None:
        out = sim.world.outgoing.get(str(named))
        if out is None or out.wa_id != shopper.wa_id or out.number != number.id:
            raise Impossible("wamid is not a message in this chat")
        if out.status not in ("delivered", "read", "played"):
            raise Impossible(f"this message has not arrived on the phone (status {out.status})")
        if not fits(out):
            raise Impossible(f"this message has no {what}")
        return out
    for wamid_ in reversed(sim.world.chats.get((number.id, shopper.wa_id), [])):
        out = sim.world.outgoing.get(wamid_)
        if out is not None and out.status in ("delivered", "read", "played") and fits(out):
            return out
    raise Impossible(f"no message with {what} has arrived on the phone")


def _interactive(out: Outgoing) -> Json:
    node = out.body.get("interactive") if out.kind == "interactive" else None
    return node if isinstance(node, dict) else {}


def quick_replies(out: Outgoing) -> list[Json]:
    """Return the buttons of a message that answer: each with id and title."""
    if out.kind == "template":
        return [b for b in (out.shown or {}).get("buttons", []) if b["kind"] == "quick_reply"]
    node = _interactive(out)
    return [b["reply"] for b in node["action"]["buttons"]] if node.get("type") == "button" else []


def list_rows(out: Outgoing) -> list[Json]:
    """Return the rows of a list message."""
    node = _interactive(out)
    return [row for s in node["action"]["sections"] for row in s["rows"]] if node.get("type") == "list" else []


def _chosen(choices: list[Json], body: Json) -> Json:
    if (index := body.get("index")) is not None:
        if not isinstance(index, int) or not 0 <= index < len(choices):
            raise Impossible(f"index must be between 0 and {len(choices) - 1}")
        return choices[index]
    for name in ("id", "title"):
        if body.get(name) is not None:
            for choice in choices:
                if choice.get(name) == body[name]:
                    return choice
    raise Impossible(f"say which: index, id or title; there are {', '.join(repr(c['title']) for c in choices)}")


def _text(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    text = body.get("text")
    if not isinstance(text, str):
        raise Impossible("text must be a string")
    return _post(sim, number, shopper, "text", {"body": text}, body)


def _tap(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    out = shown(sim, number, shopper, body, lambda o: bool(quick_replies(o)), "reply buttons")
    choice = _chosen(quick_replies(out), body)
    if out.kind == "template":
        node: Json = {"payload": choice["id"], "text": choice["title"]}
        return _post(sim, number, shopper, "button", node, body, out.wamid)
    node = {"type": "button_reply", "button_reply": {"id": choice["id"], "title": choice["title"]}}
    return _post(sim, number, shopper, "interactive", node, body, out.wamid)


def _pick(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    out = shown(sim, number, shopper, body, lambda o: bool(list_rows(o)), "list")
    row = _chosen(list_rows(out), body)
    reply = {key: row[key] for key in ("id", "title", "description") if row.get(key)}
    return _post(sim, number, shopper, "interactive", {"type": "list_reply", "list_reply": reply}, body, out.wamid)


def _location(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    try:
        node: Json = {"latitude": float(body["latitude"]), "longitude": float(body["longitude"])}
    except (KeyError, TypeError, ValueError):
        raise Impossible("latitude and longitude must be numbers") from None
    node |= {key: body[key] for key in ("name", "address", "url") if body.get(key)}
    return _post(sim, number, shopper, "location", node, body)


def _media(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    kind = body["type"]
    if "data" in body:
        try:
            data = base64.b64decode(str(body["data"]), validate=True)
        except binascii.Error:
            raise Impossible("data must be base64") from None
        mime, name = str(body.get("mime") or files.sample(kind)[1]), str(body.get("filename") or "")
    else:
        data, mime, name = files.sample(kind)
    now = sim.world.clock.now()
    stored = files.store(sim.world, data, mime, name, files.WEBHOOK_LIFETIME)
    node = files.node(stored, host, now)
    if body.get("caption") and kind in ("image", "video", "document"):
        node["caption"] = str(body["caption"])
    if kind == "document":
        node["filename"] = str(body.get("filename") or name or "document")
    if kind == "sticker":
        node["animated"] = bool(body.get("animated"))
    if kind in ("audio", "voice"):
        kind, node["voice"] = "audio", kind == "voice" or bool(body.get("voice"))
    return _post(sim, number, shopper, kind, node, body)


def _reaction(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    out = shown(sim, number, shopper, body, lambda o: True, "text")
    emoji = str(body.get("emoji") or "")
    out.reaction = emoji
    node = {"message_id": out.wamid, **({"emoji": emoji} if emoji else {})}
    answer = _post(sim, number, shopper, "reaction", node, body)
    sim.world.note("reaction", shopper.wa_id, number.id, out.wamid)
    return answer


def _contacts(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    cards = body.get("contacts")
    if cards is None:
        name = str(body.get("name") or shopper.name)
        phone = str(body.get("phone") or "+" + shopper.wa_id)
        digits = "".join(ch for ch in phone if ch.isdigit())
        cards = [{"name": {"formatted_name": name, "first_name": name},
                  "phones": [{"phone": phone, "wa_id": digits, "type": "CELL"}]}]  # fmt: skip
    if not isinstance(cards, list):
        raise Impossible("contacts must be a list")
    return _post(sim, number, shopper, "contacts", cards, body)


def _share_phone(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    out = shown(
        sim,
        number,
        shopper,
        body,
        lambda o: _interactive(o).get("type") == "request_contact_info",
        "request for contact",
    )
    phone = {"phone": "+" + shopper.wa_id, "wa_id": shopper.wa_id, "type": "CELL"}
    return _post(sim, number, shopper, "contacts", [{"origin": "contact_request", "phones": [phone]}], body, out.wamid)


def _address(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    out = shown(sim, number, shopper, body, lambda o: _interactive(o).get("type") == "address_message", "address form")
    values = body.get("values")
    if not isinstance(values, dict):
        raise Impossible("values must be an object with the fields of the form")
    response: Json = {"values": values}
    if body.get("saved_address_id"):
        response["saved_address_id"] = body["saved_address_id"]
    text = "\n".join(str(v) for v in values.values() if v)
    node = {"name": "address_message", "body": text, "response_json": json.dumps(response)}
    return _post(sim, number, shopper, "interactive", {"type": "nfm_reply", "nfm_reply": node}, body, out.wamid)


def _flow(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    out = shown(sim, number, shopper, body, lambda o: _interactive(o).get("type") == "flow", "form")
    response = dict(body.get("response") or {})
    response.setdefault("flow_token", _interactive(out)["action"]["parameters"].get("flow_token", "unused"))
    node = {"name": "flow", "body": "Sent", "response_json": json.dumps(response)}
    return _post(sim, number, shopper, "interactive", {"type": "nfm_reply", "nfm_reply": node}, body, out.wamid)


def _order(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    return _post(sim, number, shopper, "order", dict(body.get("order") or {}), body)


def _own(sim: Simulator, shopper: Shopper, body: Json) -> Incoming:
    original = sim.world.incoming.get(str(body.get("wamid")))
    if original is None or original.wa_id != shopper.wa_id:
        raise Impossible("wamid is not a message of this shopper")
    return original


def _edit(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    original = _own(sim, shopper, body)
    message = {"type": "text", "text": {"body": str(body.get("text") or "")}}
    node = {"original_message_id": original.wamid, "message": message}
    return _post(sim, number, shopper, "edit", node, body)


def _revoke(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    return _post(sim, number, shopper, "revoke", {"original_message_id": _own(sim, shopper, body).wamid}, body)


def _unsupported(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    title = "Message type unknown"
    errors = [{"code": 131051, "title": title, "message": title,
               "error_data": {"details": "Message type is currently not supported."}}]  # fmt: skip
    node = {"type": str(body.get("what") or "poll_creation")}
    return _post(sim, number, shopper, "unsupported", node, body, more={"errors": errors})


def _call(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    """Ring the business: a call opens the window like a message."""
    world, now = sim.world, sim.world.clock.now()
    identity = "wacid." + world.draws.token("call", number.id, shopper.wa_id, world.count("call")).hex()[:32].upper()
    reveal = sim.network.reveals(shopper, number.waba)
    node: Json = {"id": identity, "to": number.digits, "event": "connect", "timestamp": str(int(now)),
                  "direction": "USER_INITIATED"}  # fmt: skip
    if reveal:
        node["from"] = shopper.wa_id
    if world.settings.bsuid != "none":
        node["from_user_id"] = shopper.bsuid
    _touch(sim, number, shopper, now)
    contact, chat = sim.network.contact(shopper, reveal), f"{number.id}:{shopper.wa_id}"
    sim.postman.put(Update(number.waba, number.id, number.digits, "calls", node, contact, "calls", now, chat=chat))
    world.note("call", shopper.wa_id, number.id, identity)
    return {"wamid": identity, "at": now}


def _change_number(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    new = "".join(ch for ch in str(body.get("to") or "") if ch.isdigit())
    if not new:
        raise Impossible("to must be the new phone number")
    moved = shopper_for(sim, new)
    moved.name, moved.created, moved.on_whatsapp = shopper.name, True, True
    node = {"body": f"User {shopper.name} changed from {shopper.wa_id} to {new}", "wa_id": new,
            "type": "user_changed_number"}  # fmt: skip
    answer = _post(sim, number, shopper, "system", node, body)
    shopper.on_whatsapp = False
    return answer


def _preference(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    """Stop or resume marketing messages, as the user does in the chat's settings."""
    value = body.get("value", "stop")
    if value not in ("stop", "resume"):
        raise Impossible("value must be stop or resume")
    now = sim.world.clock.now()
    shopper.stopped_marketing = value == "stop"
    reveal = sim.network.reveals(shopper, number.waba)
    node: Json = {"detail": f"User requested to {value} marketing messages", "category": "marketing_messages",
                  "value": value, "timestamp": int(now)}  # fmt: skip
    if reveal:
        node["wa_id"] = shopper.wa_id
    if sim.world.settings.bsuid != "none":
        node["user_id"] = shopper.bsuid
    contact = sim.network.contact(shopper, reveal)
    sim.postman.put(
        Update(number.waba, number.id, number.digits, "user_preferences", node, contact, "user_preferences", now)
    )
    return {"wamid": "", "at": now}


def _play(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    """Listen to a voice message of the business."""
    out = shown(sim, number, shopper, body, lambda o: o.kind == "audio", "sound")
    sim.network.status(out.wamid, "read")
    sim.network.status(out.wamid, "played")
    return {"wamid": out.wamid, "at": sim.world.clock.now()}


def _raw(sim: Simulator, number: Number, shopper: Shopper, body: Json, host: str) -> Json:
    """Send a message node as it is: for shapes that nothing else here makes."""
    node = body.get("node")
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        raise Impossible("node must be an object with a type")
    return _post(sim, number, shopper, node["type"], None, body, more={k: v for k, v in node.items() if k != "type"})


_ACTIONS: dict[str, Callable[[Simulator, Number, Shopper, Json, str], Json]] = {
    "text": _text, "tap": _tap, "pick": _pick, "location": _location, **dict.fromkeys(MEDIA_KINDS, _media),
    "reaction": _reaction, "contacts": _contacts, "share_phone": _share_phone, "address": _address, "flow": _flow,
    "order": _order, "edit": _edit, "revoke": _revoke, "unsupported": _unsupported, "call": _call,
    "change_number": _change_number, "preference": _preference, "play": _play, "raw": _raw,
}  # fmt: skip

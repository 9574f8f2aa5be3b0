"""Shoppers and what they do with their phones."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import Response, jsonify, request

from bot.simulator import hands
from bot.simulator.control.common import Problem, blueprint, change, json_body, number_of
from bot.simulator.graph import host, simulator
from bot.simulator.sending import shopper_for
from bot.simulator.state import Shopper
from bot.simulator.view import chat, message_view

Json = dict[str, Any]


def _shopper(phone: str) -> Shopper:
    """Find a shopper by phone number (any writing) or business-scoped user id."""
    world = simulator().world
    wa_id = world.by_bsuid.get(phone) or "".join(ch for ch in phone if ch.isdigit())
    if wa_id not in world.shoppers:
        raise Problem(f"there is no shopper {phone}; create one with POST /sim/phones", 404)
    return world.shoppers[wa_id]


def _shopper_view(shopper: Shopper) -> Json:
    view = dataclasses.asdict(shopper)
    world = simulator().world
    now = world.clock.now()
    chats = []
    for number in world.numbers.values():
        wamids = world.chats.get((number.id, shopper.wa_id), [])
        last = next((v for w in reversed(wamids) if (v := message_view(world, w)) and v["shown"]), None)
        unread = sum(1 for w in wamids if (o := world.outgoing.get(w)) and o.status == "delivered")
        if wamids:
            opened = world.windows.get((number.id, shopper.wa_id))
            chats.append({"number": number.id, "business": number.name, "last": last, "unread": unread,
                          "window_until": opened + 86_400 if opened else None,
                          "window_open": simulator().network.window_open(number.id, shopper.wa_id, now)})  # fmt: skip
    return view | {"chats": chats}


@blueprint.route("/phones", methods=["GET", "POST"])
def phones() -> Response:
    """List the shoppers with their chats, newest chat first (query: `q` in name or number, `limit`); POST makes one:
    `{"phone": "+919812345678", "name": "Asha"}` and any of: username, hidden (phone number withheld), on_whatsapp,
    online, read_receipts, reads_after (simulated seconds after delivery, or null), chat_open, supports_address,
    blocked_business, stopped_marketing.
    """
    world = simulator().world
    with world.lock:
        if request.method == "POST":
            body = json_body()
            wa_id = "".join(ch for ch in str(body.pop("phone", "")) if ch.isdigit())
            if not 6 <= len(wa_id) <= 15:
                raise Problem("phone must be a number with its country code")
            shopper = shopper_for(simulator(), wa_id)
            shopper.created, shopper.on_whatsapp = True, True
            _change_shopper(shopper, body)
            world.note("phone", wa_id)
            return jsonify(_shopper_view(shopper))
        words = request.args.get("q", "").strip().lower()
        digits = "".join(ch for ch in words if ch.isdigit())
        found = [s for s in world.shoppers.values() if words in s.name.lower() or (digits and digits in s.wa_id)]
        found.sort(key=_last_seen, reverse=True)
        views = [_shopper_view(s) for s in found[: request.args.get("limit", 1000, int)]]
    return jsonify({"phones": views, "total": len(world.shoppers)})


def _last_seen(shopper: Shopper) -> float:
    """Return the time of the newest message in any chat of a shopper, 0 without one."""
    world = simulator().world
    newest = [
        world.chats[(number, shopper.wa_id)][-1] for number in world.numbers if (number, shopper.wa_id) in world.chats
    ]
    return max(((world.outgoing.get(w) or world.incoming[w]).at for w in newest), default=0.0)


def _change_shopper(shopper: Shopper, body: Json) -> None:
    sim = simulator()
    after = body.pop("reads_after", shopper.reads_after)
    if after is not None and not isinstance(after, int | float):
        raise Problem("reads_after must be a number of seconds or null")
    was_online, old_bsuid = shopper.online, shopper.bsuid
    change(shopper, body, ("wa_id", "known_to", "created"))
    shopper.reads_after = after
    if shopper.bsuid != old_bsuid:
        sim.world.by_bsuid.pop(old_bsuid, None)
        sim.world.by_bsuid[shopper.bsuid] = shopper.wa_id
    if shopper.online and not was_online:
        sim.network.came_online(shopper)


@blueprint.route("/phones/<phone>", methods=["GET", "PATCH"])
def one_phone(phone: str) -> Response:
    """Return a shopper; PATCH takes the fields of `POST /sim/phones` (`{"online": false}` holds messages)."""
    world = simulator().world
    with world.lock:
        shopper = _shopper(phone)
        if request.method == "PATCH":
            _change_shopper(shopper, json_body())
            world.note("phone", shopper.wa_id)
        return jsonify(_shopper_view(shopper))


@blueprint.post("/phones/<phone>/send")
def act(phone: str) -> Response:
    """Let a shopper act; the shopper is created if unknown. Returns `{"wamid", "at"}`, or 409 with the reason when a
    phone could not do this. `type` names the action; `number` (a business number) and `reply_to` (a wamid) fit all:

    `text` {text} · `tap` {index | id | title; wamid: default the newest message with buttons} · `pick` {the same, for a
    list} · `location` {latitude, longitude, name, address} · `image`, `video`, `audio`, `voice`, `document`, `sticker`
    {data: base64, mime, caption, filename; without data a sample} · `reaction` {wamid, emoji; "" removes} ·
    `contacts` {name, phone} or {contacts: [...]} · `share_phone` (answers a request for contact) · `address` {values,
    saved_address_id} · `flow` {response} · `order` {order} · `edit` {wamid, text} · `revoke` {wamid} · `unsupported`
    {what} · `call` · `change_number` {to} · `play` {wamid} · `preference` {value: stop |
    resume marketing} · `raw` {node}.
    """
    wa_id = simulator().world.by_bsuid.get(phone) or "".join(ch for ch in phone if ch.isdigit())
    if not 6 <= len(wa_id) <= 15:
        raise Problem("phone must be a number with its country code", 404)
    return jsonify(hands.act(simulator(), wa_id, json_body(), host()))


@blueprint.post("/phones/<phone>/read")
def read(phone: str) -> Response:
    """Let a shopper read all that has arrived in a chat. Returns the wamids. Body: `{"number": "..."}` or none."""
    world = simulator().world
    with world.lock:
        return jsonify({"read": simulator().network.read_all(number_of(json_body()).id, _shopper(phone).wa_id)})


@blueprint.get("/phones/<phone>/chat")
def transcript(phone: str) -> Response:
    """Return a chat as the phone shows it, oldest first. Query: `number`; `all=1` adds what has not arrived (accepted,
    sent, failed), for developers.
    """
    world = simulator().world
    with world.lock:
        number, shopper = number_of({}), _shopper(phone)
        now = world.clock.now()
        messages = chat(world, number.id, shopper.wa_id, request.args.get("all") == "1")
        typing = any(m.typing_until > now for w in world.chats.get((number.id, shopper.wa_id), [])[-5:]
                     if (m := world.incoming.get(w)) and not _answered(w, number.id, shopper.wa_id))  # fmt: skip
        return jsonify({"phone": shopper.wa_id, "name": shopper.name, "number": number.id, "business": number.name,
                        "messages": messages, "typing": typing, "seq": world.change_count})  # fmt: skip


def _answered(wamid: str, number: str, wa_id: str) -> bool:
    wamids = simulator().world.chats.get((number, wa_id), [])
    return any(w in simulator().world.outgoing for w in wamids[wamids.index(wamid) + 1 :])


@blueprint.get("/media/<media_id>")
def media(media_id: str) -> Response:
    """Return the bytes of a file for the phone's screen."""
    stored = simulator().world.media.get(media_id)
    if stored is None:
        raise Problem("this file does not exist", 404)
    safe = stored.mime.split("/")[0] in ("image", "audio", "video") and "svg" not in stored.mime
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline" if safe else "attachment"}
    return Response(stored.data, headers=headers, content_type=stored.mime if safe else "application/octet-stream")

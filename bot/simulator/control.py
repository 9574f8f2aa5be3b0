"""The control API under `/sim`: what a test, a simulated shopper or the page does with the simulator.

Every endpoint's docstring is its documentation: `GET /sim/` renders them, so nothing here is undocumented.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from bot.simulator import hands, snapshot
from bot.simulator.faults import PRESETS, TARGETS
from bot.simulator.graph import host, simulator, verify
from bot.simulator.limits import TIERS
from bot.simulator.sending import shopper_for
from bot.simulator.state import Number, Outgoing, Shopper, Template, Waba
from bot.simulator.view import chat, message_view
from bot.simulator.webhook import Update

Json = dict[str, Any]

blueprint = Blueprint("control", __name__, url_prefix="/sim")
LONGEST_WAIT = 30.0


class Problem(Exception):
    """A request that makes no sense; answered with a sentence and a status."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


@blueprint.errorhandler(Problem)
def _problem(error: Problem) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), error.status


@blueprint.errorhandler(hands.Impossible)
def _impossible(error: hands.Impossible) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 409


@blueprint.before_request
def _same_origin() -> None:
    """Keep other web sites that are open in the same browser from pressing the shopper's buttons."""
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin and urlsplit(origin).netloc != request.host:
        raise Problem("this request came from another site", 403)


def _body() -> Json:
    if not request.get_data(cache=True):
        return {}
    body = request.get_json(silent=True, force=True)
    if not isinstance(body, dict):
        raise Problem("the body must be a JSON object")
    return body


def _change(thing: Any, body: Json, fixed: tuple[str, ...] = ()) -> None:
    """Set fields of a record from JSON; name a field that does not exist or has another type."""
    fields = {f.name for f in dataclasses.fields(thing)} - set(fixed)
    for name, value in body.items():
        if name not in fields:
            raise Problem(f"unknown field {name}; known are {', '.join(sorted(fields))}")
        old = getattr(thing, name)
        if isinstance(old, bool) != isinstance(value, bool) or (
            isinstance(old, str | list | dict) and not isinstance(value, type(old))
        ) or (isinstance(old, int | float) and not isinstance(value, int | float)):  # fmt: skip
            raise Problem(f"{name} must be of the type of its present value, {json.dumps(old)}")
    for name, value in body.items():
        setattr(thing, name, value)


def _wait(default: float = 10.0) -> float:
    return max(0.0, min(request.args.get("timeout", default, float), LONGEST_WAIT))


def _number(body: Json) -> Number:
    numbers = simulator().world.numbers
    wanted = str(body.get("number") or request.args.get("number") or next(iter(numbers)))
    if wanted not in numbers:
        raise Problem(f"number {wanted} does not exist; known are {', '.join(numbers)}", 404)
    return numbers[wanted]


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


# --- the world -----------------------------------------------------------------------------------


@blueprint.get("/health")
def health() -> Response:
    """Say that the simulator runs, and the values a client needs: ids, callback, seed, clock."""
    sim = simulator()
    world, options = sim.world, sim.world.options
    return jsonify({
        "ok": True, "seed": world.draws.seed, "now": world.clock.now(), "rate": world.clock.rate,
        "webhook_url": world.app_callback, "graph_url": host(), "phone_number_id": options.phone_number_id,
        "waba_id": options.waba_id, "any_token": not world.tokens, "accepted": len(world.ledger),
    })  # fmt: skip


@blueprint.post("/reset")
def reset() -> Response:
    """Begin again: no shoppers, messages, faults; settings and clock as at the start. Body: `{"seed": 7}` (optional)."""
    seed = _body().get("seed")
    if seed is not None and not isinstance(seed, int):
        raise Problem("seed must be a whole number")
    simulator().reset(seed)
    return jsonify({"ok": True})


@blueprint.get("/state")
def get_state() -> Response:
    """Return the whole state as JSON, the same as in the file of `--state`."""
    return jsonify(snapshot.dump(simulator()))


@blueprint.put("/state")
def put_state() -> Response:
    """Replace the whole state by one that `GET /sim/state` returned."""
    try:
        snapshot.load(simulator(), _body())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Problem(f"this is no state of the simulator: {error}") from None
    return jsonify({"ok": True})


@blueprint.route("/settings", methods=["GET", "PATCH"])
def settings() -> Response:
    """Return the settings; PATCH changes some: `{"latency_ms": 120, "status_scale": 0, "batch_max": 100}`."""
    world = simulator().world
    if request.method == "PATCH":
        body = _body()
        if body.get("messaging_limit", "TIER_250") not in TIERS:
            raise Problem(f"messaging_limit must be one of {', '.join(TIERS)}")
        with world.lock:
            _change(world.settings, body)
    return jsonify(dataclasses.asdict(world.settings))


@blueprint.route("/app", methods=["GET", "PATCH"])
def app_settings() -> Response:
    """Return callback, secret, verify token and access tokens; PATCH changes them.

    `{"webhook_url": "http://127.0.0.1:8000/webhooks/whatsapp", "app_secret": "...", "verify_token": "...",
    "tokens": ["..."], "expired": ["..."], "verify": true}`. With `verify` the callback must pass the
    verification request first, as on the platform. An empty `tokens` accepts every token.
    """
    sim = simulator()
    world = sim.world
    if request.method == "PATCH":
        body = _body()
        url, token = str(body.get("webhook_url", world.app_callback)), str(body.get("verify_token", world.verify_token))
        if body.get("verify") and not verify(sim, url, token):
            raise Problem("the callback did not answer the verification request with the challenge", 409)
        with world.lock:
            world.app_callback, world.verify_token = url, token
            world.app_secret = str(body.get("app_secret", world.app_secret))
            for name in ("tokens", "expired"):
                if name in body:
                    setattr(world, name, {str(value) for value in body[name]})
    return jsonify({"webhook_url": world.app_callback, "app_secret": world.app_secret, "tokens": sorted(world.tokens),
                    "verify_token": world.verify_token, "expired": sorted(world.expired)})  # fmt: skip


@blueprint.route("/numbers", methods=["GET", "POST"])
def numbers() -> Response:
    """List the business numbers; POST adds one: `{"id": "...", "waba": "...", "display": "+91 ...", "name": "..."}`."""
    world = simulator().world
    if request.method == "POST":
        body = _body()
        with world.lock:
            try:
                number = Number(**{"waba": next(iter(world.wabas)), **body})
            except TypeError:
                raise Problem("a number needs id, display and name; waba and mps are optional") from None
            if not (number.id.isdigit() and number.digits):
                raise Problem("id and display must hold digits")
            if number.waba not in world.wabas:
                world.wabas[number.waba] = Waba(number.waba, number.name)
            world.numbers[number.id] = number
    return jsonify({"numbers": [dataclasses.asdict(n) for n in world.numbers.values()]})


@blueprint.patch("/numbers/<number_id>")
def change_number(number_id: str) -> Response:
    """Change a business number: `{"mps": 1000, "quality": "RED", "status": "DISCONNECTED"}`. `mps` 0 = no limit."""
    number = _number({"number": number_id})
    _change(number, _body(), ("id", "waba"))
    return jsonify(dataclasses.asdict(number))


@blueprint.patch("/wabas/<waba_id>")
def change_waba(waba_id: str) -> Response:
    """Change an account: `{"restricted": true}`, `{"payment_missing": true}`, `{"subscribed": false}`."""
    waba = simulator().world.wabas.get(waba_id)
    if waba is None:
        raise Problem(f"account {waba_id} does not exist", 404)
    _change(waba, _body(), ("id",))
    return jsonify(dataclasses.asdict(waba))


@blueprint.route("/templates", methods=["GET"])
def list_templates() -> Response:
    """List the templates with status and category."""
    return jsonify({"templates": [dataclasses.asdict(t) for t in simulator().world.templates.values()]})


@blueprint.patch("/templates/<name>")
def change_template(name: str) -> Response:
    """Change templates by name or id and tell the business: `{"status": "PAUSED"}`, `{"category": "MARKETING"}`,
    `{"quality": "RED"}`; `language` narrows it, `reason` goes into the webhook. Statuses: APPROVED, REJECTED,
    PENDING, PAUSED, DISABLED, REINSTATED.
    """
    sim, body = simulator(), _body()
    with sim.world.lock:
        found = [t for t in sim.world.templates.values()
                 if name in (t.name, t.id) and body.get("language") in (None, t.language)]  # fmt: skip
        if not found:
            raise Problem(f"there is no template {name}", 404)
        for template in found:
            _touch_template(template, body)
    return jsonify({"templates": [dataclasses.asdict(t) for t in found]})


def _touch_template(template: Template, body: Json) -> None:
    sim = simulator()
    if category := body.get("category"):
        value = {"previous_category": template.category, "new_category": category}
        template.category = str(category)
        sim.template_event(template, "template_category_update", value)
    if quality := body.get("quality"):
        value = {"previous_quality_score": template.quality, "new_quality_score": quality}
        template.quality = str(quality)
        sim.template_event(template, "message_template_quality_update", value)
    if status := body.get("status"):
        sim.set_template_status(template, str(status), str(body.get("reason", "NONE")))


# --- phones --------------------------------------------------------------------------------------


@blueprint.route("/phones", methods=["GET", "POST"])
def phones() -> Response:
    """List the shoppers with their chats, newest chat first; POST makes one:
    `{"phone": "+919812345678", "name": "Asha"}` and any of: username, hidden (phone number withheld), on_whatsapp,
    online, read_receipts, reads_after (simulated seconds after delivery, or null), chat_open, supports_address,
    blocked_business, stopped_marketing.
    """
    world = simulator().world
    with world.lock:
        if request.method == "POST":
            body = _body()
            wa_id = "".join(ch for ch in str(body.pop("phone", "")) if ch.isdigit())
            if not 6 <= len(wa_id) <= 15:
                raise Problem("phone must be a number with its country code")
            shopper = shopper_for(simulator(), wa_id)
            shopper.created, shopper.on_whatsapp = True, True
            _change_shopper(shopper, body)
            world.note("phone", wa_id)
            return jsonify(_shopper_view(shopper))
        views = [_shopper_view(s) for s in world.shoppers.values()]
    views.sort(key=lambda v: -max((c["last"]["at"] for c in v["chats"] if c["last"]), default=0))
    return jsonify({"phones": views})


def _change_shopper(shopper: Shopper, body: Json) -> None:
    sim = simulator()
    after = body.pop("reads_after", shopper.reads_after)
    if after is not None and not isinstance(after, int | float):
        raise Problem("reads_after must be a number of seconds or null")
    was_online, old_bsuid = shopper.online, shopper.bsuid
    _change(shopper, body, ("wa_id", "known_to", "created"))
    shopper.reads_after = after
    if shopper.bsuid != old_bsuid:
        sim.world.by_bsuid.pop(old_bsuid, None)
        sim.world.by_bsuid[shopper.bsuid] = shopper.wa_id
    if shopper.online and not was_online:
        sim.network.came_online(shopper)


@blueprint.route("/phones/<phone>", methods=["GET", "PATCH"])
def one_phone(phone: str) -> Response:
    """Return a shopper; PATCH changes one with the fields of `POST /sim/phones` (`{"online": false}` holds messages)."""
    world = simulator().world
    with world.lock:
        shopper = _shopper(phone)
        if request.method == "PATCH":
            _change_shopper(shopper, _body())
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
    {what} · `call` · `change_number` {to} · `preference` {value: stop | resume marketing} · `raw` {node}.
    """
    wa_id = simulator().world.by_bsuid.get(phone) or "".join(ch for ch in phone if ch.isdigit())
    if not 6 <= len(wa_id) <= 15:
        raise Problem("phone must be a number with its country code", 404)
    return jsonify(hands.act(simulator(), wa_id, _body(), host()))


@blueprint.post("/phones/<phone>/read")
def read(phone: str) -> Response:
    """Let a shopper read everything that has arrived in a chat. Returns the wamids. Body: `{"number": "..."}` (optional)."""
    world = simulator().world
    with world.lock:
        return jsonify({"read": simulator().network.read_all(_number(_body()).id, _shopper(phone).wa_id)})


@blueprint.get("/phones/<phone>/chat")
def transcript(phone: str) -> Response:
    """Return a chat as the phone shows it, oldest first. Query: `number`; `all=1` adds what has not arrived (accepted,
    sent, failed), for developers.
    """
    world = simulator().world
    with world.lock:
        number, shopper = _number({}), _shopper(phone)
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


# --- watching ------------------------------------------------------------------------------------


@blueprint.get("/changes")
def changes() -> Response:
    """Wait for something to happen after change `after`. Query: `after`, `timeout` (real seconds, at most 30), `phone`,
    `messages=1` (adds the phone's view of each message that is meant). Kinds: accepted, status, message, tick,
    reaction, typing, phone, template, call, clock, reset. Returns `{"seq", "changes", "missed"}`; `missed` is true
    when `after` is so old that changes were forgotten: read everything again.
    """
    world = simulator().world
    after, phone = request.args.get("after", 0, int), request.args.get("phone", "")
    limit = max(1, min(request.args.get("limit", 1000, int), 5000))

    def fresh() -> list[Json]:
        new = []
        for change in reversed(world.changes):
            if change["seq"] <= after:
                break
            if not phone or change["phone"] in ("", phone):
                new.append(change)
        return new[::-1][:limit]

    with world.changed:
        found = fresh()
        if not found and after <= world.change_count:
            world.changed.wait_for(lambda: bool(fresh()), _wait(20.0))
            found = fresh()
        missed = after > world.change_count or bool(world.changes and world.changes[0]["seq"] > after + 1)
        if request.args.get("messages") == "1":
            found = [{**c, "message": message_view(world, c["wamid"])} if c["wamid"] else c for c in found]
        seq = found[-1]["seq"] if found else world.change_count
        return jsonify({"seq": seq, "changes": found, "missed": missed, "now": world.clock.now()})


def _ledger_line(out: Outgoing) -> Json:
    line = dataclasses.asdict(out)
    return line | {"statuses": [{"status": name, "at": at} for name, at in out.history]}


@blueprint.get("/ledger")
def ledger() -> Response:
    """Return what was accepted, oldest first: n, wamid, number, to, wa_id, kind, body, opaque, at, category, status,
    statuses, error, pricing. Query: `phone`, `opaque`, `number`, `after` (n), `limit` (default 1000).
    """
    world = simulator().world
    phone = "".join(ch for ch in request.args.get("phone", "") if ch.isdigit())
    opaque, number = request.args.get("opaque"), request.args.get("number")
    after, limit = request.args.get("after", 0, int), request.args.get("limit", 1000, int)
    lines: list[Json] = []
    with world.lock:
        for wamid in world.ledger[max(0, after) :]:
            out = world.outgoing[wamid]
            if (phone and out.wa_id != phone) or (opaque and out.opaque != opaque) or (number and out.number != number):
                continue
            lines.append(_ledger_line(out))
            if len(lines) >= limit:
                break
        return jsonify({"accepted": len(world.ledger), "lines": lines})


@blueprint.get("/ledger/summary")
def summary() -> Response:
    """Return counts for "nothing lost, nothing doubled": accepted, distinct opaque ids, those accepted more than once
    with their wamids, by status, by kind, and the charged messages by category. Query: `number`, `since` (time).
    """
    world = simulator().world
    number, since = request.args.get("number"), request.args.get("since", float("-inf"), float)
    opaque: dict[str, list[str]] = {}
    by: dict[str, dict[str, int]] = {"status": {}, "kind": {}, "charged": {}, "free": {}, "error": {}}
    accepted = without = 0
    with world.lock:
        for wamid in world.ledger:
            out = world.outgoing[wamid]
            if (number and out.number != number) or out.at < since:
                continue
            accepted += 1
            if out.opaque is None:
                without += 1
            else:
                opaque.setdefault(out.opaque, []).append(wamid)
            names = [("status", out.status), ("kind", out.kind)]
            if out.error:
                names.append(("error", str(out.error["code"])))
            if out.pricing and any(name in ("delivered", "read") for name, _ in out.history):
                names.append(("charged" if out.pricing["billable"] else "free", out.category))
            for group, name in names:
                by[group][name] = by[group].get(name, 0) + 1
    doubled = {key: wamids for key, wamids in opaque.items() if len(wamids) > 1}
    return jsonify({"accepted": accepted, "distinct_opaque": len(opaque), "without_opaque": without, "doubled": doubled,
                    **{f"by_{name}" if name in ("status", "kind", "error") else name: v for name, v in by.items()}})  # fmt: skip


@blueprint.get("/webhooks")
def webhooks() -> Response:
    """Return the latest webhook requests with every attempt and its answer, newest first. Query: `limit`, `state`
    (waiting, delivered, given_up, dropped).
    """
    limit, state = request.args.get("limit", 50, int), request.args.get("state")
    found = [d.view() for d in list(simulator().postman.log)[::-1] if not state or d.state == state]
    return jsonify({"webhooks": found[:limit]})


@blueprint.post("/webhook")
def raw_webhook() -> Response:
    """Post any body to the callback once, signed over exactly its bytes, and return the answer's status and time.
    `{"body": {...}}` is serialised as the platform does; `{"text": "..."}` goes as it is; `{"signature": "sha256=..."}`
    replaces the signature, "" leaves it out. With `{"field": "account_update", "value": {...}}` an update is queued.
    """
    sim, body = simulator(), _body()
    if "field" in body:
        number = _number(body)
        value = body.get("value")
        if not isinstance(value, dict):
            raise Problem("value must be an object")
        sim.postman.put(Update(number.waba, "", "", "", value, field=str(body["field"]), at=sim.world.clock.now()))
        return jsonify({"queued": True})
    if not sim.world.app_callback:
        raise Problem("no callback is set: PATCH /sim/app", 409)
    from bot.simulator.webhook import serialise

    data = str(body["text"]).encode() if "text" in body else serialise(body.get("body", {}))
    return jsonify(sim.postman.post_raw(data, body.get("signature")))


# --- faults and time -----------------------------------------------------------------------------


@blueprint.route("/faults", methods=["GET", "POST", "DELETE"])
def faults() -> Response:
    """List the fault rules; POST adds one, DELETE removes all. A rule has a `target` (messages.send, media.upload,
    media.resolve, media.download, templates, graph, webhook.post, status.sent, status.delivered, status.read,
    status.failed), an `effect` (a preset's name or an object), and limits: `next` (the next N only), `every` (each
    N-th), `p` (share, drawn from the seed), `since`/`until` (simulated time), `number`, `phone`.

    Effects on answers: code (a Cloud API error), http, raw, type, headers, latency_ms, accept (carry the request out
    although the client sees a failure), reset, hang (seconds, then reset), status_first. On webhooks: duplicate (copies), after (seconds
    until the copies), delay, reorder (random delay up to), refuse (the attempt fails, a repetition follows), drop,
    bad_signature, unsigned, mangle. On statuses: drop, delay, duplicate.
    """
    sim = simulator()
    with sim.world.lock:
        if request.method == "POST":
            try:
                return jsonify(dataclasses.asdict(sim.faults.add(_body())) | {"since": None, "until": None})
            except ValueError as error:
                raise Problem(str(error)) from None
        if request.method == "DELETE":
            sim.faults.rules.clear()
        rules = [dataclasses.asdict(r) | {"since": None, "until": None} for r in sim.faults.rules]
    return jsonify({"rules": rules, "presets": PRESETS, "targets": TARGETS})


@blueprint.delete("/faults/<rule_id>")
def remove_fault(rule_id: str) -> Response:
    """Remove one fault rule."""
    sim = simulator()
    with sim.world.lock:
        kept = [r for r in sim.faults.rules if r.id != rule_id]
        removed, sim.faults.rules[:] = len(sim.faults.rules) - len(kept), kept
    return jsonify({"removed": removed})


@blueprint.route("/clock", methods=["GET", "POST"])
def clock() -> Response:
    """Return the simulated time; POST changes it. `{"freeze": true}` stops it, `{"rate": 60}` runs it faster, `{"at":
    1790000000}` sets it, `{"advance": 3600}` moves it and runs what falls due on the way, each at its own time, waiting
    for the webhooks of one instant before the next (`"settle": false` does not wait); `{"real": true}` follows the wall clock again.
    Moving backwards is allowed while nothing is planned. Returns now, rate, ran (tasks) and the next due time.
    """
    sim, ran = simulator(), 0
    world = sim.world
    if request.method == "POST":
        body = _body()
        for name in ("at", "advance", "rate"):
            if name in body and (isinstance(body[name], bool) or not isinstance(body[name], int | float)):
                raise Problem(f"{name} must be a number of seconds")
        if body.get("advance", 0) < 0 or body.get("rate", 0) < 0:
            raise Problem("advance and rate cannot be negative")
        if body.get("real"):
            world.clock.catch_up()
        if "rate" in body or body.get("freeze"):
            world.clock.set(world.clock.now(), 0.0 if body.get("freeze") else float(body["rate"]))
        if "at" in body and body["at"] < world.clock.now():
            if sim.timetable.next_due() is not None:
                raise Problem("the clock cannot go back while something is planned; reset first", 409)
            world.clock.set(float(body["at"]))
        target = float(body.get("at", world.clock.now())) + float(body.get("advance", 0))
        if "at" in body or "advance" in body:
            ran = sim.timetable.advance(target, None if body.get("settle") is False else lambda: sim.postman.settle() and None)
        sim.timetable.nudge()
        with world.lock:
            world.note("clock")
    return jsonify({"now": world.clock.now(), "rate": world.clock.rate, "ran": ran, "next": sim.timetable.next_due()})


@blueprint.get("/idle")
def idle() -> Response:
    """Wait until no webhook is under way and nothing is due within `within` simulated seconds (default 30).
    Query: `timeout` (real seconds, at most 30). Returns `{"idle": true|false, "busy", "planned", "next"}`.
    """
    import time

    sim = simulator()
    within, deadline = request.args.get("within", 30.0, float), time.monotonic() + _wait()
    while True:
        due = sim.timetable.next_due()
        quiet = not sim.postman.busy and (due is None or due > sim.world.clock.now() + within)
        if quiet or time.monotonic() > deadline:
            return jsonify({"idle": quiet, "busy": sim.postman.busy, "planned": len(sim.timetable.tasks()), "next": due})
        if sim.postman.busy:
            sim.postman.settle(min(0.25, max(0.0, deadline - time.monotonic())))
        else:
            time.sleep(0.01)


@blueprint.get("/")
def documentation() -> str:
    """This page."""
    endpoints = []
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda r: r.rule):
        if rule.endpoint.startswith("control.") and rule.endpoint != "control.static":
            methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            text = inspect.getdoc(current_app.view_functions[rule.endpoint]) or ""
            endpoints.append({"methods": methods, "rule": rule.rule, "paragraphs": text.split("\n\n")})
    return render_template("help.html", endpoints=endpoints, settings=dataclasses.asdict(simulator().world.settings),
                           presets=PRESETS)  # fmt: skip

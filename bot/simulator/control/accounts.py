"""The world as a whole: health, reset, state, settings, business numbers, accounts, templates."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import Response, jsonify, request

from bot.simulator import snapshot
from bot.simulator.control.common import Problem, blueprint, change, json_body, number_of
from bot.simulator.graph import host, simulator, verify
from bot.simulator.limits import TIERS
from bot.simulator.state import Number, Template, Waba

Json = dict[str, Any]


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
    """Begin again: no shoppers, messages or faults; settings and clock as at the start. Body: `{"seed": 7}` or none."""
    seed = json_body().get("seed")
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
        snapshot.load(simulator(), json_body())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Problem(f"this is no state of the simulator: {error}") from None
    return jsonify({"ok": True})


@blueprint.route("/settings", methods=["GET", "PATCH"])
def settings() -> Response:
    """Return the settings; PATCH changes some: `{"latency_ms": 120, "status_scale": 0, "batch_max": 100}`."""
    world = simulator().world
    if request.method == "PATCH":
        body = json_body()
        if body.get("messaging_limit", "TIER_250") not in TIERS:
            raise Problem(f"messaging_limit must be one of {', '.join(TIERS)}")
        with world.lock:
            change(world.settings, body)
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
        body = json_body()
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
        body = json_body()
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
    number = number_of({"number": number_id})
    change(number, json_body(), ("id", "waba"))
    return jsonify(dataclasses.asdict(number))


@blueprint.patch("/wabas/<waba_id>")
def change_waba(waba_id: str) -> Response:
    """Change an account: `{"restricted": true}`, `{"payment_missing": true}`, `{"subscribed": false}`."""
    waba = simulator().world.wabas.get(waba_id)
    if waba is None:
        raise Problem(f"account {waba_id} does not exist", 404)
    change(waba, json_body(), ("id",))
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
    sim, body = simulator(), json_body()
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

"""Fault rules and the clock."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from flask import Response, jsonify, request

from bot.simulator.control.common import Problem, blueprint, json_body, patience
from bot.simulator.faults import PRESETS, TARGETS
from bot.simulator.graph import simulator

Json = dict[str, Any]


@blueprint.route("/faults", methods=["GET", "POST", "DELETE"])
def faults() -> Response:
    """List the fault rules; POST adds one, DELETE removes all. A rule has a `target` (messages.send, media.upload,
    media.resolve, media.download, templates, graph, webhook.post, status.sent, status.delivered, status.read,
    status.failed), an `effect` (a preset's name or an object), and limits: `next` (the next N only), `every` (each
    N-th), `p` (share, drawn from the seed), `since`/`until` (simulated time), `number`, `phone`.

    Effects on answers: code (a Cloud API error), http, raw, type, headers, latency_ms, accept (carry the request out
    although the client sees a failure), reset, hang (seconds, then reset), status_first. On webhooks: duplicate
    (copies), after (seconds until the copies), delay, reorder (random delay up to), refuse (the attempt fails, a
    repetition follows), drop, bad_signature, unsigned, mangle. On statuses: drop, delay, duplicate.
    """
    sim = simulator()
    with sim.world.lock:
        if request.method == "POST":
            try:
                return jsonify(dataclasses.asdict(sim.faults.add(json_body())) | {"since": None, "until": None})
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
    for the webhook of one thing before the next; `{"advance": 3600, "step": 5}` waits once for all within 5 seconds,
    which is faster and lets batches form, `"settle": false` never waits; `{"real": true}` follows the wall clock again.

    Moving backwards is allowed while nothing is planned. Returns now, rate, ran (tasks) and the next due time.
    """
    sim, ran = simulator(), 0
    world = sim.world
    if request.method == "POST":
        body = json_body()
        for name in ("at", "advance", "rate", "step"):
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
            settle = None if body.get("settle") is False else sim.settle
            ran = sim.timetable.advance(target, settle, float(body.get("step", -1)))
        sim.timetable.nudge()
        with world.lock:
            world.note("clock")
    return jsonify({"now": world.clock.now(), "rate": world.clock.rate, "ran": ran, "next": sim.timetable.next_due()})


@blueprint.get("/idle")
def idle() -> Response:
    """Wait until no webhook is under way and nothing is due within `within` simulated seconds (default 30).
    Query: `timeout` (real seconds, at most 30). Returns `{"idle": true|false, "busy", "planned", "next"}`.
    """
    sim = simulator()
    within, deadline = request.args.get("within", 30.0, float), time.monotonic() + patience()
    while True:
        due = sim.timetable.next_due()
        quiet = not sim.postman.busy and (due is None or due > sim.world.clock.now() + within)
        if quiet or time.monotonic() > deadline:
            return jsonify(
                {"idle": quiet, "busy": sim.postman.busy, "planned": len(sim.timetable.tasks()), "next": due}
            )
        if sim.postman.busy:
            sim.postman.settle(min(0.25, max(0.0, deadline - time.monotonic())))
        else:
            time.sleep(0.01)

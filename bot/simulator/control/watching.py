"""What happened: changes, the ledger of accepted messages, webhook requests; and webhooks of any content."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import Response, jsonify, request

from bot.simulator.control.common import Problem, blueprint, json_body, number_of, patience
from bot.simulator.graph import simulator
from bot.simulator.state import Outgoing
from bot.simulator.view import message_view
from bot.simulator.webhook import Update, serialise

Json = dict[str, Any]


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
            world.changed.wait_for(lambda: bool(fresh()), patience(20.0))
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
    by: dict[str, dict[str, int]] = {name: {} for name in ("by_status", "by_kind", "by_error", "charged", "free")}
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
            names = [("by_status", out.status), ("by_kind", out.kind)]
            if out.error:
                names.append(("by_error", str(out.error["code"])))
            if out.pricing and any(name in ("delivered", "read") for name, _ in out.history):
                names.append(("charged" if out.pricing["billable"] else "free", out.category))
            for group, name in names:
                by[group][name] = by[group].get(name, 0) + 1
    doubled = {key: wamids for key, wamids in opaque.items() if len(wamids) > 1}
    counts = {"accepted": accepted, "distinct_opaque": len(opaque), "without_opaque": without, "doubled": doubled}
    return jsonify(counts | by)


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
    sim, body = simulator(), json_body()
    if "field" in body:
        number = number_of(body)
        value = body.get("value")
        if not isinstance(value, dict):
            raise Problem("value must be an object")
        sim.postman.put(Update(number.waba, "", "", "", value, field=str(body["field"]), at=sim.world.clock.now()))
        return jsonify({"queued": True})
    if not sim.world.app_callback:
        raise Problem("no callback is set: PATCH /sim/app", 409)
    data = str(body["text"]).encode() if "text" in body else serialise(body.get("body", {}))
    return jsonify(sim.postman.post_raw(data, body.get("signature")))

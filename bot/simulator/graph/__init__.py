"""The endpoints of the Graph API that are no sends: numbers, accounts, templates, media."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flask import Response, jsonify, request

from bot.simulator import media as files
from bot.simulator.errors import Refusal, no_such_object
from bot.simulator.graph import accounts, media, numbers
from bot.simulator.graph.common import blueprint, fault, host, simulator
from bot.simulator.graph.numbers import verify
from bot.simulator.sending import authorize
from bot.simulator.world import Simulator

__all__ = ["blueprint", "host", "simulator", "verify"]

Json = dict[str, Any]


@blueprint.route("/", defaults={"path": ""}, methods=["POST", "DELETE"])
@blueprint.route("/<path:path>", methods=["GET", "POST", "DELETE"])
def graph(path: str) -> Response:
    """Answer every address of the Graph API that is no send."""
    sim = simulator()
    parts = [part for part in path.split("/") if part]
    if parts and re.fullmatch(r"v\d+(\.\d+)?", parts[0]):
        parts.pop(0)
    authorize(sim, request.headers.get("Authorization", "") or f"Bearer {request.args.get('access_token', '')}")
    node, edge = (parts or [""])[0], "/".join(parts[1:])
    kind, thing = _resolve(sim, node)
    call = (kind, request.method, edge)
    fault(*_FAULT_TARGETS.get(call, ()))
    handler = _EDGES.get(call)
    if handler is None:
        raise _unknown(kind, node, edge)
    # A call that verifies a callback waits for the bot, which may be calling us: it must not hold the lock.
    with nullcontext() if handler in (numbers.set_number, accounts.subscribe) else sim.world.lock:
        if kind in ("waba", "template"):
            _count_management(sim, node)
        response = jsonify(handler(sim, thing))
    response.headers["Facebook-Api-Version"] = sim.world.settings.api_version
    return response


def _unknown(kind: str, node: str, edge: str) -> Refusal:
    method = request.method.lower()
    if kind and any(k == kind and e == edge for k, _, e in _EDGES):
        return Refusal(100, message=f"(#100) Unsupported {method} request.", kind="GraphMethodException")
    if kind and edge:
        return Refusal(2500, message=f"Unknown path components: /{edge}")
    return no_such_object(node, method)


def _resolve(sim: Simulator, node: str) -> tuple[str, Any]:
    world = sim.world
    for kind, things in (("number", world.numbers), ("waba", world.wabas), ("template", world.templates)):
        if node in things:
            return kind, things[node]
    if (stored := files.live(world, node)) is not None:
        return "media", stored
    if node.startswith("upload:"):
        return "upload", node
    if node.isdigit() and request.path.endswith("/uploads"):
        return "app", node
    return "", None


def _count_management(sim: Simulator, node: str) -> None:
    now = sim.world.clock.now()
    calls = sim.world.management.setdefault(node, [])
    while calls and calls[0] <= now - 3600:
        calls.pop(0)
    if len(calls) >= sim.world.settings.management_per_hour:
        raise Refusal(80007, "There have been too many calls to this WhatsApp Business account.")
    calls.append(now)


_EDGES: dict[tuple[str, str, str], Callable[[Simulator, Any], Json]] = {
    ("number", "GET", ""): numbers.get_number,
    ("number", "POST", ""): numbers.set_number,
    ("number", "POST", "register"): numbers.register,
    ("number", "POST", "deregister"): numbers.deregister,
    ("number", "GET", "whatsapp_business_profile"): numbers.get_profile,
    ("number", "POST", "whatsapp_business_profile"): numbers.set_profile,
    ("number", "GET", "block_users"): numbers.blocked,
    ("number", "POST", "block_users"): numbers.block,
    ("number", "DELETE", "block_users"): numbers.block,
    ("number", "POST", "media"): media.upload,
    ("waba", "GET", ""): accounts.get_waba,
    ("waba", "GET", "phone_numbers"): accounts.numbers,
    ("waba", "GET", "subscribed_apps"): accounts.subscriptions,
    ("waba", "POST", "subscribed_apps"): accounts.subscribe,
    ("waba", "DELETE", "subscribed_apps"): accounts.unsubscribe,
    ("waba", "GET", "message_templates"): accounts.list_templates,
    ("waba", "POST", "message_templates"): accounts.create_template,
    ("waba", "DELETE", "message_templates"): accounts.delete_template,
    ("template", "GET", ""): accounts.get_template,
    ("template", "POST", ""): accounts.edit_template,
    ("app", "POST", "uploads"): media.start_upload,
    ("upload", "POST", ""): media.finish_upload,
    ("media", "GET", ""): media.resolve_media,
    ("media", "DELETE", ""): media.delete_media,
}

_FAULT_TARGETS: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("number", "POST", "media"): ("media.upload",),
    ("media", "GET", ""): ("media.resolve",),
    ("waba", "GET", "message_templates"): ("templates",),
    ("waba", "POST", "message_templates"): ("templates",),
    ("waba", "DELETE", "message_templates"): ("templates",),
    ("template", "POST", ""): ("templates",),
}

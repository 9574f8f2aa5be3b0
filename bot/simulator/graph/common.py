"""What the endpoints of the Graph API share: the blueprint, its errors, parameters, fields and pages."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request

from bot.simulator.errors import Refusal
from bot.simulator.faults import refusal
from bot.simulator.sending import refused
from bot.simulator.world import Simulator

Json = dict[str, Any]
DAY = 86_400.0

blueprint = Blueprint("graph", __name__)


def simulator() -> Simulator:
    """Return the simulator this application was made for."""
    sim: Simulator = current_app.config["simulator"]
    return sim


def host() -> str:
    """Return the base URL the client used."""
    return request.host_url.rstrip("/")


@blueprint.errorhandler(Refusal)
def _refused(error: Refusal) -> Response:
    answer = refused(simulator(), error)
    return Response(answer.body, answer.status, answer.headers, content_type="application/json; charset=UTF-8")


def fields() -> Json:
    """Return the parameters of a write, from a JSON or form body and the query."""
    body = request.get_json(silent=True, force=True) if request.mimetype != "multipart/form-data" else None
    return {**request.args.to_dict(), **request.form.to_dict(), **(body if isinstance(body, dict) else {})}


def fault(*targets: str) -> None:
    sim = simulator()
    if not sim.faults.rules:
        return
    with sim.world.lock:
        effect = sim.faults.pick((*targets, "graph"), sim.world.clock.now()) or {}
    if effect.get("latency_ms"):
        time.sleep(effect["latency_ms"] / 1000)
    if "code" in effect:
        raise refusal(effect, next(iter(sim.world.wabas)))
    if "raw" in effect or "http" in effect:
        headers = {"Content-Type": effect.get("type", "application/json"), **effect.get("headers", {})}
        raise RawAnswer(Response(str(effect.get("raw", "")), int(effect.get("http", 500)), headers))


class RawAnswer(Exception):
    """An answer that a fault rule wants as it is."""

    def __init__(self, response: Response) -> None:
        self.response = response


@blueprint.errorhandler(RawAnswer)
def _raw(error: RawAnswer) -> Response:
    return error.response


def selected(everything: Json, default: tuple[str, ...]) -> Json:
    asked = [f.strip() for f in re.sub(r"[{(][^})]*[)}]", "", request.args.get("fields", "")).split(",") if f.strip()]
    return {name: everything[name] for name in (asked or default) if name in everything} | {"id": everything["id"]}


def page(data: list[Json]) -> Json:
    """Return one page of a list with its cursors."""
    limit = max(1, min(int(request.args.get("limit") or 25), 1000)) if request.args.get("limit", "25").isdigit() else 25
    after = request.args.get("after", "")
    start = int(after) if after.isdigit() else 0
    part = data[start : start + limit]
    page: Json = {"data": part}
    if part:
        page["paging"] = {"cursors": {"before": str(start), "after": str(start + len(part))}}
        if start + len(part) < len(data):
            query = {**request.args.to_dict(), "after": str(start + len(part))}
            page["paging"]["next"] = f"{request.base_url}?{urlencode(query)}"
    return page

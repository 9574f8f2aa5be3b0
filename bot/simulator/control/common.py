"""What the parts of the control API share: the blueprint, its errors, and how a request is read."""

from __future__ import annotations

import dataclasses
import json
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from bot.simulator.graph import simulator
from bot.simulator.hands import Impossible
from bot.simulator.state import Number

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


@blueprint.errorhandler(Impossible)
def _impossible(error: Impossible) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 409


@blueprint.before_request
def _same_origin() -> None:
    """Keep other web sites that are open in the same browser from pressing the shopper's buttons."""
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin and urlsplit(origin).netloc != request.host:
        raise Problem("this request came from another site", 403)


def json_body() -> Json:
    if not request.get_data(cache=True):
        return {}
    body = request.get_json(silent=True, force=True)
    if not isinstance(body, dict):
        raise Problem("the body must be a JSON object")
    return body


def change(thing: Any, body: Json, fixed: tuple[str, ...] = ()) -> None:
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


def patience(default: float = 10.0) -> float:
    return max(0.0, min(request.args.get("timeout", default, float), LONGEST_WAIT))


def number_of(body: Json) -> Number:
    numbers = simulator().world.numbers
    wanted = str(body.get("number") or request.args.get("number") or next(iter(numbers)))
    if wanted not in numbers:
        raise Problem(f"number {wanted} does not exist; known are {', '.join(numbers)}", 404)
    return numbers[wanted]

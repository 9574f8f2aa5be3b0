"""The other endpoints of the Cloud API: numbers, accounts, templates, media, subscriptions, profile, blocks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import urllib3
from flask import Blueprint, Response, current_app, jsonify, request

from bot.simulator import media as files
from bot.simulator import templates
from bot.simulator.errors import Refusal, management_error, no_such_object
from bot.simulator.faults import refusal
from bot.simulator.sending import authorize, refused
from bot.simulator.state import Number, Template, Waba
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


def _fields() -> Json:
    """Return the parameters of a write, from a JSON or form body and the query."""
    body = request.get_json(silent=True, force=True) if request.mimetype != "multipart/form-data" else None
    return {**request.args.to_dict(), **request.form.to_dict(), **(body if isinstance(body, dict) else {})}


def _faults(*targets: str) -> None:
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
        raise _Raw(Response(str(effect.get("raw", "")), int(effect.get("http", 500)), headers))


class _Raw(Exception):
    """An answer that a fault rule wants as it is."""

    def __init__(self, response: Response) -> None:
        self.response = response


@blueprint.errorhandler(_Raw)
def _raw(error: _Raw) -> Response:
    return error.response


@blueprint.route("/", defaults={"path": ""}, methods=["POST", "DELETE"])
@blueprint.route("/<path:path>", methods=["GET", "POST", "DELETE"])
def graph(path: str) -> Response:
    """Answer every address of the Graph API that is no send."""
    sim = simulator()
    parts = [part for part in path.split("/") if part]
    if parts and re.fullmatch(r"v\d+(\.\d+)?", parts[0]):
        parts.pop(0)
    authorize(sim, request.headers.get("Authorization", "") or f"Bearer {request.args.get('access_token', '')}")
    _faults()
    if not parts:
        raise no_such_object("", request.method.lower())
    node, edge = parts[0], "/".join(parts[1:])
    with sim.world.lock:
        answer = _answer(sim, node, edge)
    response = jsonify(answer)
    response.headers["Facebook-Api-Version"] = sim.world.settings.api_version
    return response


def _answer(sim: Simulator, node: str, edge: str) -> Json:
    kind, thing = _resolve(sim, node)
    handler = _EDGES.get((kind, request.method, edge))
    if handler is not None:
        if kind in ("waba", "template"):
            _count_management(sim, node)
        return handler(sim, thing)
    if kind and any(k == kind and e == edge for k, _, e in _EDGES):
        raise Refusal(100, message=f"(#100) Unsupported {request.method.lower()} request.", kind="GraphMethodException")
    if kind and edge:
        raise Refusal(2500, message=f"Unknown path components: /{edge}")
    raise no_such_object(node, request.method.lower())


def _resolve(sim: Simulator, node: str) -> tuple[str, Any]:
    world = sim.world
    for kind, things in (("number", world.numbers), ("waba", world.wabas), ("template", world.templates)):
        if node in things:
            return kind, things[node]
    if (stored := files.live(world, node)) is not None:
        return "media", stored
    return "", None


def _count_management(sim: Simulator, node: str) -> None:
    now = sim.world.clock.now()
    calls = sim.world.management.setdefault(node, [])
    while calls and calls[0] <= now - 3600:
        calls.pop(0)
    if len(calls) >= sim.world.settings.management_per_hour:
        raise Refusal(80007, "There have been too many calls to this WhatsApp Business account.")
    calls.append(now)


# --- numbers ----------------------------------------------------------------------------------------

_DEFAULT_FIELDS = ("verified_name", "code_verification_status", "display_phone_number", "quality_rating",
                   "platform_type", "throughput")  # fmt: skip


def _selected(everything: Json, default: tuple[str, ...]) -> Json:
    asked = [f.strip() for f in re.sub(r"[{(][^})]*[)}]", "", request.args.get("fields", "")).split(",") if f.strip()]
    return {name: everything[name] for name in (asked or default) if name in everything} | {"id": everything["id"]}


def _number_view(sim: Simulator, number: Number) -> Json:
    world = sim.world
    waba = world.wabas[number.waba]
    sendable = "AVAILABLE" if number.status == "CONNECTED" and not waba.restricted else "BLOCKED"
    callbacks = {"phone_number": number.callback, "whatsapp_business_account": waba.callback,
                 "application": world.app_callback}  # fmt: skip
    return {
        "id": number.id,
        "verified_name": number.name,
        "display_phone_number": number.display,
        "code_verification_status": "VERIFIED",
        "quality_rating": number.quality,
        "quality_score": {"score": number.quality},
        "platform_type": "CLOUD_API",
        "throughput": {"level": "HIGH" if number.mps > 80 else "STANDARD"},
        "status": number.status,
        "name_status": "APPROVED",
        "new_name_status": "NONE",
        "account_mode": "LIVE",
        "is_official_business_account": False,
        "is_pin_enabled": True,
        "search_visibility": "VISIBLE",
        "last_onboarded_time": "2026-01-01T00:00:00+0000",
        "messaging_limit_tier": world.settings.messaging_limit,
        "whatsapp_business_manager_messaging_limit": world.settings.messaging_limit,
        "health_status": {
            "can_send_message": sendable,
            "entities": [
                {"entity_type": "PHONE_NUMBER", "id": number.id, "can_send_message": sendable},
                {"entity_type": "WABA", "id": waba.id, "can_send_message": sendable},
            ],
        },
        "webhook_configuration": {name: url for name, url in callbacks.items() if url},
    }


def _get_number(sim: Simulator, number: Number) -> Json:
    return _selected(_number_view(sim, number), _DEFAULT_FIELDS)


def _set_number(sim: Simulator, number: Number) -> Json:
    fields = _fields()
    if isinstance(override := fields.get("webhook_configuration"), dict):
        number.callback = _verified(sim, override)
    return {"success": True}


def _verified(sim: Simulator, override: Json) -> str:
    """Return the callback of an override after its verification succeeded."""
    url = str(override.get("override_callback_uri") or "")
    if not url:
        return ""
    if len(url) > 200 or not re.match(r"https?://", url):
        raise Refusal(100, message="(#100) Param override_callback_uri must be a valid URL of at most 200 characters")
    if not verify(sim, url, str(override.get("verify_token") or "")):
        raise Refusal(2200, message="(#2200) Callback verification failed with the following errors: "
                      "HTTP status or challenge of the callback was not as expected", http=400)  # fmt: skip
    return url


def verify(sim: Simulator, url: str, token: str) -> bool:
    """Ask a callback for the challenge, as is done whenever it is saved; say whether it answered well."""
    challenge = sim.world.draws.number(10, "challenge", sim.world.count("challenge"))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}
    try:
        answer = urllib3.request("GET", url, fields=query, timeout=10, retries=False, redirect=False)
    except (urllib3.exceptions.HTTPError, OSError):
        return False
    return answer.status == 200 and answer.data.strip() == challenge.encode()


def _register(sim: Simulator, number: Number) -> Json:
    if not re.fullmatch(r"\d{6}", str(_fields().get("pin", ""))):
        raise Refusal(131008, "Parameter 'pin' is mandatory: six digits")
    number.status = "CONNECTED"
    return {"success": True}


def _deregister(sim: Simulator, number: Number) -> Json:
    number.status = "DISCONNECTED"
    return {"success": True}


_PROFILE_LIMITS = {"about": 139, "address": 256, "description": 512, "email": 128, "vertical": 64}


def _get_profile(sim: Simulator, number: Number) -> Json:
    return {"data": [{"messaging_product": "whatsapp", **number.profile}]}


def _set_profile(sim: Simulator, number: Number) -> Json:
    fields = _fields()
    for name, most in _PROFILE_LIMITS.items():
        if len(str(fields.get(name, ""))) > most:
            raise Refusal(100, message=f"(#100) Param {name} must be at most {most} characters long.")
    number.profile |= {name: fields[name] for name in (*_PROFILE_LIMITS, "websites") if name in fields}
    return {"success": True}


def _blocked(sim: Simulator, number: Number) -> Json:
    return {"data": [{"messaging_product": "whatsapp", "wa_id": s.wa_id} for s in sim.world.shoppers.values()
                     if number.id in s.blocked_by]}  # fmt: skip


def _block(sim: Simulator, number: Number) -> Json:
    adding = request.method == "POST"
    done, failed = [], []
    for user in _fields().get("block_users") or []:
        given = str(user.get("user", "")) if isinstance(user, dict) else ""
        wa_id = "".join(ch for ch in given if ch.isdigit())
        shopper = sim.world.shoppers.get(wa_id)
        recent = sim.world.windows.get((number.id, wa_id), float("-inf")) > sim.world.clock.now() - DAY
        if shopper is None or (adding and not recent):
            failed.append({"input": given, "errors": [{"code": 131047, "message": "Re-engagement message"}]})
            continue
        if adding and number.id not in shopper.blocked_by:
            shopper.blocked_by.append(number.id)
        elif not adding and number.id in shopper.blocked_by:
            shopper.blocked_by.remove(number.id)
        done.append({"input": given, "wa_id": wa_id})
    key = "added_users" if adding else "removed_users"
    return {"messaging_product": "whatsapp", "block_users": {key: done, "failed_users": failed}}


# --- accounts ---------------------------------------------------------------------------------------


def _get_waba(sim: Simulator, waba: Waba) -> Json:
    everything = {"id": waba.id, "name": waba.name, "currency": waba.currency, "timezone_id": "71",
                  "message_template_namespace": sim.world.draws.token("namespace", waba.id).hex()[:32],
                  "account_review_status": "APPROVED", "country": "IN", "status": "ACTIVE",
                  "health_status": {"can_send_message": "BLOCKED" if waba.restricted else "AVAILABLE"}}  # fmt: skip
    return _selected(everything, ("name", "currency", "timezone_id", "message_template_namespace"))


def _numbers(sim: Simulator, waba: Waba) -> Json:
    data = [_selected(_number_view(sim, n), _DEFAULT_FIELDS) for n in sim.world.numbers.values() if n.waba == waba.id]
    return _page(data)


def _subscriptions(sim: Simulator, waba: Waba) -> Json:
    app: Json = {"whatsapp_business_api_data": {"id": "1", "name": "Simulated app", "link": host()}}
    if waba.callback:
        app["override_callback_uri"] = waba.callback
    return {"data": [app] if waba.subscribed else []}


def _subscribe(sim: Simulator, waba: Waba) -> Json:
    waba.callback = _verified(sim, _fields())
    waba.subscribed = True
    return {"success": True}


def _unsubscribe(sim: Simulator, waba: Waba) -> Json:
    waba.subscribed = False
    return {"success": True}


def _page(data: list[Json]) -> Json:
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
            page["paging"]["next"] = f"{request.base_url}?" + "&".join(f"{k}={v}" for k, v in query.items())
    return page


# --- templates --------------------------------------------------------------------------------------


def _template_view(template: Template) -> Json:
    view: Json = {"name": template.name, "parameter_format": template.parameter_format,
                  "components": template.components, "language": template.language, "status": template.status,
                  "category": template.category, "id": template.id,
                  "quality_score": {"score": template.quality}, "rejected_reason": template.reason}  # fmt: skip
    if template.ttl:
        view["message_send_ttl_seconds"] = int(template.ttl)
    return view


_TEMPLATE_FIELDS = ("name", "parameter_format", "components", "language", "status", "category", "id")


def _list_templates(sim: Simulator, waba: Waba) -> Json:
    found = [t for t in sim.world.templates.values() if t.waba == waba.id]
    for name in ("name", "language", "status", "category"):
        if value := request.args.get(name):
            found = [t for t in found if getattr(t, name) == value]
    if value := request.args.get("name_or_content"):
        found = [t for t in found if value in t.name or value in str(t.components)]
    return _page([_selected(_template_view(t), _TEMPLATE_FIELDS) for t in found])


def _get_template(sim: Simulator, template: Template) -> Json:
    return _selected(_template_view(template), _TEMPLATE_FIELDS)


def _create_template(sim: Simulator, waba: Waba) -> Json:
    _faults("templates")
    world, settings, body = sim.world, sim.world.settings, _fields()
    templates.check_creation(body)
    now = world.clock.now()
    recent = world.management.setdefault(f"create:{waba.id}", [])
    recent[:] = [at for at in recent if at > now - 3600]
    if len(recent) >= settings.template_creations_per_hour:
        raise Refusal(80007, "There have been too many template creations for this WhatsApp Business account.")
    if sum(t.waba == waba.id for t in world.templates.values()) >= settings.template_limit:
        raise management_error(2388019, "Message template limit reached", "The account has reached its number of templates.")
    if (waba.id, body["name"], body["language"]) in world.template_names:
        raise management_error(2388024, "Content in this language already exists",
                               f"There is already {body['language']} content for this template.")  # fmt: skip
    recent.append(now)
    if settings.recategorize:
        body["category"] = templates.judged_category(body)
    template = sim.add_template(waba.id, body, body["components"], "PENDING")
    _review(sim, template, now)
    return {"id": template.id, "status": template.status, "category": template.category}


def _review(sim: Simulator, template: Template, now: float) -> None:
    settings = sim.world.settings
    if settings.review == "never":
        return
    if settings.review_seconds > 0:
        sim.timetable.at(now + settings.review_seconds, "review", template.id)
    else:
        template.status = "REJECTED" if settings.review == "reject" else "APPROVED"


def _edit_template(sim: Simulator, template: Template) -> Json:
    _faults("templates")
    body, now = _fields(), sim.world.clock.now()
    if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise management_error(2388039, "Template cannot be edited", "Only approved, rejected or paused templates can be edited.")
    category = str(body.get("category") or template.category).upper()
    if template.status == "APPROVED":
        if category != template.category:
            raise management_error(2388039, "Category cannot change", "The category of an approved template cannot change.")
        template.edits[:] = [at for at in template.edits if at > now - 30 * DAY]
        if len(template.edits) >= 10 or (template.edits and template.edits[-1] > now - DAY):
            raise management_error(2388039, "Template cannot be edited", "An approved template can be edited once a day "
                                   "and ten times in 30 days.")  # fmt: skip
        template.edits.append(now)
    if "components" in body:
        templates.check_components(body["components"], category)
        template.components = body["components"]
    if body.get("message_send_ttl_seconds"):
        template.ttl = float(body["message_send_ttl_seconds"])
    template.category, template.status = category, "PENDING"
    _review(sim, template, now)
    return {"success": True, "id": template.id, "name": template.name, "category": template.category}


def _delete_template(sim: Simulator, waba: Waba) -> Json:
    name, identity = request.args.get("name", ""), request.args.get("hsm_id", "")
    gone = [t for t in sim.world.templates.values()
            if t.waba == waba.id and t.name == name and (not identity or t.id == identity)]  # fmt: skip
    if not gone:
        raise management_error(2593002, "Message Template Not Found",
                               f"The message template {name} wasn't found for this account.")  # fmt: skip
    for template in gone:
        del sim.world.templates[template.id]
        del sim.world.template_names[(waba.id, template.name, template.language)]
    return {"success": True}


# --- media ------------------------------------------------------------------------------------------


def _upload(sim: Simulator, number: Number) -> Json:
    _faults("media.upload")
    if request.form.get("messaging_product") != "whatsapp":
        raise Refusal(100, message="(#100) The parameter messaging_product is required.")
    upload = request.files.get("file")
    if upload is None:
        raise Refusal(100, message="(#100) The parameter file is required.")
    mime = request.form.get("type") or upload.mimetype
    data = upload.read()
    files.check_upload(data, mime)
    return {"id": files.store(sim.world, data, mime, upload.filename or "", files.UPLOAD_LIFETIME).id}


def _resolve_media(sim: Simulator, stored: Any) -> Json:
    _faults("media.resolve")
    return files.descriptor(stored, host(), sim.world.clock.now())


def _delete_media(sim: Simulator, stored: Any) -> Json:
    del sim.world.media[stored.id]
    return {"success": True}


@blueprint.get("/whatsapp_business/attachments/")
def download() -> Response:
    """Hand out the bytes of a file to a client with an access token, while its address is good."""
    sim = simulator()
    authorize(sim, request.headers.get("Authorization", ""))
    _faults("media.download")
    world = sim.world
    stored = files.live(world, request.args.get("mid", ""))
    good = stored and files.valid_address(stored, request.args.get("ext", ""), request.args.get("hash", ""), world.clock.now())
    if stored is None or not good:
        return Response("", 404)
    return Response(stored.data, content_type=stored.mime)


_EDGES: dict[tuple[str, str, str], Callable[[Simulator, Any], Json]] = {
    ("number", "GET", ""): _get_number,
    ("number", "POST", ""): _set_number,
    ("number", "POST", "register"): _register,
    ("number", "POST", "deregister"): _deregister,
    ("number", "GET", "whatsapp_business_profile"): _get_profile,
    ("number", "POST", "whatsapp_business_profile"): _set_profile,
    ("number", "GET", "block_users"): _blocked,
    ("number", "POST", "block_users"): _block,
    ("number", "DELETE", "block_users"): _block,
    ("number", "POST", "media"): _upload,
    ("waba", "GET", ""): _get_waba,
    ("waba", "GET", "phone_numbers"): _numbers,
    ("waba", "GET", "subscribed_apps"): _subscriptions,
    ("waba", "POST", "subscribed_apps"): _subscribe,
    ("waba", "DELETE", "subscribed_apps"): _unsubscribe,
    ("waba", "GET", "message_templates"): _list_templates,
    ("waba", "POST", "message_templates"): _create_template,
    ("waba", "DELETE", "message_templates"): _delete_template,
    ("template", "GET", ""): _get_template,
    ("template", "POST", ""): _edit_template,
    ("media", "GET", ""): _resolve_media,
    ("media", "DELETE", ""): _delete_media,
}

"""WhatsApp Business Accounts: their numbers, subscriptions and templates."""

from __future__ import annotations

from typing import Any

from flask import request

from bot.simulator import templates
from bot.simulator.errors import Refusal, management_error
from bot.simulator.graph.common import DAY, fields, host, page, selected
from bot.simulator.graph.numbers import NUMBER_FIELDS, number_view, verified
from bot.simulator.state import Template, Waba
from bot.simulator.world import Simulator

Json = dict[str, Any]
NAME_BLOCKED = 30 * DAY


def get_waba(sim: Simulator, waba: Waba) -> Json:
    """Return the fields of an account that were asked for."""
    everything = {"id": waba.id, "name": waba.name, "currency": waba.currency, "timezone_id": "71",
                  "message_template_namespace": sim.world.draws.token("namespace", waba.id).hex()[:32],
                  "account_review_status": "APPROVED", "country": "IN", "status": "ACTIVE",
                  "health_status": {"can_send_message": "BLOCKED" if waba.restricted else "AVAILABLE"}}  # fmt: skip
    return selected(everything, ("name", "currency", "timezone_id", "message_template_namespace"))


def numbers(sim: Simulator, waba: Waba) -> Json:
    """List the numbers of an account."""
    data = [selected(number_view(sim, n), NUMBER_FIELDS) for n in sim.world.numbers.values() if n.waba == waba.id]
    return page(data)


def subscriptions(sim: Simulator, waba: Waba) -> Json:
    """List the apps that get the webhooks of an account."""
    app: Json = {"whatsapp_business_api_data": {"id": "1", "name": "Simulated app", "link": host()}}
    if waba.callback:
        app["override_callback_uri"] = waba.callback
    return {"data": [app] if waba.subscribed else []}


def subscribe(sim: Simulator, waba: Waba) -> Json:
    """Subscribe to the webhooks of an account, with or without a callback of its own."""
    waba.callback = verified(sim, fields())
    waba.subscribed = True
    return {"success": True}


def unsubscribe(sim: Simulator, waba: Waba) -> Json:
    """Stop the webhooks of an account."""
    waba.subscribed = False
    return {"success": True}


def _template_view(template: Template) -> Json:
    quality = {"score": template.quality, "date": int(template.created)}
    view: Json = {"name": template.name, "parameter_format": template.parameter_format,
                  "components": template.components, "language": template.language, "status": template.status,
                  "category": template.category, "id": template.id,
                  "quality_score": quality, "rejected_reason": template.reason}  # fmt: skip
    if template.ttl:
        view["message_send_ttl_seconds"] = int(template.ttl)
    return view


_TEMPLATE_FIELDS = ("name", "parameter_format", "components", "language", "status", "category", "id")


def list_templates(sim: Simulator, waba: Waba) -> Json:
    """List templates, filtered by name, language, status or category."""
    found = everything = [t for t in sim.world.templates.values() if t.waba == waba.id]
    for name in ("name", "language", "status", "category"):
        if value := request.args.get(name):
            found = [t for t in found if getattr(t, name) == value]
    if value := request.args.get("name_or_content"):
        found = [t for t in found if value in t.name or value in str(t.components)]
    answer = page([selected(_template_view(t), _TEMPLATE_FIELDS) for t in found])
    if request.args.get("summary"):
        answer["summary"] = {"total_count": len(found), "message_template_count": len(everything),
                             "message_template_limit": sim.world.settings.template_limit,
                             "are_translations_complete": True}  # fmt: skip
    return answer


def get_template(sim: Simulator, template: Template) -> Json:
    """Return one template."""
    return selected(_template_view(template), _TEMPLATE_FIELDS)


def create_template(sim: Simulator, waba: Waba) -> Json:
    """Create a template and send it to review."""
    world, settings, body = sim.world, sim.world.settings, fields()
    templates.check_creation(body)
    now = world.clock.now()
    recent = world.management.setdefault(f"create:{waba.id}", [])
    recent[:] = [at for at in recent if at > now - 3600]
    if len(recent) >= settings.template_creations_per_hour:
        raise Refusal(80007, "There have been too many template creations for this WhatsApp Business account.")
    if sum(t.waba == waba.id for t in world.templates.values()) >= settings.template_limit:
        raise management_error(
            2388019, "Message template limit reached", "The account has reached its number of templates."
        )
    if (waba.id, body["name"], body["language"]) in world.template_names:
        raise management_error(2388024, "Content in this language already exists",
                               f"There is already {body['language']} content for this template.")  # fmt: skip
    gone = world.management.get(_grave(waba.id, body["name"], body["language"]), [float("-inf")])[0]
    if now < gone + NAME_BLOCKED:
        raise management_error(2388023, "Message template language is being deleted",
                               "The name of a deleted approved template can be used again after 30 days.")  # fmt: skip
    recent.append(now)
    if settings.recategorize:
        body["category"] = templates.judged_category(body)
    template = sim.add_template(waba.id, body, body["components"], "PENDING")
    _review(sim, template, now)
    return {"id": template.id, "status": template.status, "category": template.category}


def _grave(waba: str, name: str, language: str) -> str:
    return f"deleted:{waba}:{name}:{language}"


def _review(sim: Simulator, template: Template, now: float) -> None:
    settings = sim.world.settings
    if settings.review == "never":
        return
    if settings.review_seconds > 0:
        sim.timetable.at(now + settings.review_seconds, "review", template.id)
    else:
        template.status = "REJECTED" if settings.review == "reject" else "APPROVED"


def edit_template(sim: Simulator, template: Template) -> Json:
    """Change a template, as often as the platform allows."""
    body, now = fields(), sim.world.clock.now()
    if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise management_error(
            2388039, "Template cannot be edited", "Only approved, rejected or paused templates can be edited."
        )
    category = str(body.get("category") or template.category).upper()
    if template.status == "APPROVED":
        if category != template.category:
            raise management_error(
                2388039, "Category cannot change", "The category of an approved template cannot change."
            )
        template.edits[:] = [at for at in template.edits if at > now - 30 * DAY]
        if len(template.edits) >= 10 or (template.edits and template.edits[-1] > now - DAY):
            raise management_error(2388039, "Template cannot be edited", "Edits are limited to one a day "
                                   "and ten in 30 days for approved templates.")  # fmt: skip
        template.edits.append(now)
    if "components" in body:
        templates.check_components(body["components"], category)
        template.components = body["components"]
    if body.get("message_send_ttl_seconds"):
        template.ttl = float(body["message_send_ttl_seconds"])
    template.category, template.status = category, "PENDING"
    _review(sim, template, now)
    return {"success": True, "id": template.id, "name": template.name, "category": template.category}


def delete_template(sim: Simulator, waba: Waba) -> Json:
    """Delete a template in all its languages, or in the one named by `hsm_id`."""
    name, identity = request.args.get("name", ""), request.args.get("hsm_id", "")
    gone = [t for t in sim.world.templates.values()
            if t.waba == waba.id and t.name == name and (not identity or t.id == identity)]  # fmt: skip
    if not gone:
        raise management_error(2593002, "Message Template Not Found",
                               f"The message template {name} wasn't found for this account.")  # fmt: skip
    for template in gone:
        del sim.world.templates[template.id]
        if template.status == "APPROVED":
            grave = _grave(waba.id, template.name, template.language)
            sim.world.management[grave] = [sim.world.clock.now()]
        del sim.world.template_names[(waba.id, template.name, template.language)]
    return {"success": True}

"""Business numbers: what they are, their callback, profile, registration, and whom they blocked."""

from __future__ import annotations

import re
from typing import Any

import urllib3
from flask import request

from bot.simulator.errors import Refusal
from bot.simulator.graph.common import DAY, fields, selected
from bot.simulator.state import Number
from bot.simulator.world import Simulator

Json = dict[str, Any]

NUMBER_FIELDS = ("verified_name", "code_verification_status", "display_phone_number", "quality_rating",
                   "platform_type", "throughput")  # fmt: skip


def number_view(sim: Simulator, number: Number) -> Json:
    """Return every field of a number."""
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


def get_number(sim: Simulator, number: Number) -> Json:
    """Return the fields that were asked for."""
    return selected(number_view(sim, number), NUMBER_FIELDS)


def set_number(sim: Simulator, number: Number) -> Json:
    """Set or remove the callback of a number."""
    given = fields()
    if isinstance(override := given.get("webhook_configuration"), dict):
        number.callback = verified(sim, override)
    return {"success": True}


def verified(sim: Simulator, override: Json) -> str:
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


def register(sim: Simulator, number: Number) -> Json:
    """Register a number with its pin."""
    if not re.fullmatch(r"\d{6}", str(fields().get("pin", ""))):
        raise Refusal(131008, "Parameter 'pin' is mandatory: six digits")
    number.status = "CONNECTED"
    return {"success": True}


def deregister(sim: Simulator, number: Number) -> Json:
    """Take a number out of service: sends are refused from here on."""
    number.status = "DISCONNECTED"
    return {"success": True}


_PROFILE_LIMITS = {"about": 139, "address": 256, "description": 512, "email": 128, "vertical": 64}


def get_profile(sim: Simulator, number: Number) -> Json:
    """Return the business profile."""
    return {"data": [{"messaging_product": "whatsapp", **number.profile}]}


def set_profile(sim: Simulator, number: Number) -> Json:
    """Change the business profile."""
    given = fields()
    for name, most in _PROFILE_LIMITS.items():
        if len(str(given.get(name, ""))) > most:
            raise Refusal(100, message=f"(#100) Param {name} must be at most {most} characters long.")
    number.profile |= {name: given[name] for name in (*_PROFILE_LIMITS, "websites") if name in given}
    return {"success": True}


def blocked(sim: Simulator, number: Number) -> Json:
    """List the users this number has blocked."""
    return {"data": [{"messaging_product": "whatsapp", "wa_id": s.wa_id} for s in sim.world.shoppers.values()
                     if number.id in s.blocked_by]}  # fmt: skip


def block(sim: Simulator, number: Number) -> Json:
    """Block or unblock users; only those who wrote within a day can be blocked."""
    adding = request.method == "POST"
    done, failed = [], []
    for user in fields().get("block_users") or []:
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

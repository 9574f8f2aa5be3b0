"""The bytes of a webhook: updates put into an envelope, serialised as the platform does, and signed.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Update:
    """One thing to tell the business: a message, a status, or the value of an account-level field."""

    waba: str
    number: str  # phone_number_id; "" for account-level fields
    display: str
    kind: str  # "messages", "statuses", "calls", or "" with a ready `node` as the value
    node: Json
    contact: Json | None = None
    field: str = "messages"
    at: float = 0.0
    wamid: str = ""  # of the shopper's message, to tick it when the webhook was answered
    chat: str = ""  # number and shopper: what is posted in order


def envelope(updates: list[Update], mangle: str = "") -> Json:
    """Return the body for these updates, those of one number and field in one `value`."""
    entries: dict[str, Json] = {}
    changes: dict[tuple[str, str, str], Json] = {}
    for update in updates:
        entry = entries.setdefault(update.waba, {"id": update.waba, "changes": []})
        if not update.kind:
            entry["time"] = int(update.at)
            entry["changes"].append({"value": update.node, "field": update.field})
            continue
        key = (update.waba, update.number, update.field)
        value = changes.get(key)
        if value is None:
            metadata = {"display_phone_number": update.display, "phone_number_id": update.number}
            value = changes[key] = {"messaging_product": "whatsapp", "metadata": metadata}
            entry["changes"].append({"value": value, "field": update.field})
        if update.contact is not None:
            contacts = value.setdefault("contacts", [])
            if update.contact not in contacts:
                contacts.append(update.contact)
        value.setdefault(update.kind, []).append(update.node)
    body: Json = {"object": "whatsapp_business_account", "entry": list(entries.values())}
    return _mangled(body, mangle) if mangle else body


def serialise(body: Any) -> bytes:
    """Return the bytes as the platform sends them: ASCII, lower-case escapes, escaped slashes."""
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def signatures(body: bytes, secret: str) -> dict[str, str]:
    """Return the two signature headers over exactly these bytes."""
    key = secret.encode()
    return {
        "X-Hub-Signature": "sha1=" + hmac.digest(key, body, hashlib.sha1).hex(),
        "X-Hub-Signature-256": "sha256=" + hmac.digest(key, body, hashlib.sha256).hex(),
    }


def _mangled(body: Json, how: str) -> Json:
    """Return a deep copy with one of the oddities that were seen in real traffic."""
    body = json.loads(json.dumps(body))
    for entry in body["entry"]:
        for change in entry["changes"]:
            value = change["value"]
            nodes = value.get("messages", []) + value.get("statuses", [])
            if how == "unknown_field":
                change["field"] = "brand_new_field"
            elif how == "no_contacts":
                value.pop("contacts", None)
            elif how == "no_profile":
                for contact in value.get("contacts", []):
                    contact.pop("profile", None)
            for node in nodes:
                if how == "timestamp_ms":
                    node["timestamp"] = f"{node['timestamp']}000"
                elif how == "timestamp_int":
                    node["timestamp"] = int(node["timestamp"])
                elif how == "no_from":
                    node.pop("from", None)
                elif how == "unknown_type" and "type" in node:
                    node["type"] = "hologram"
                    node["hologram"] = {"depth": 3}
    return body

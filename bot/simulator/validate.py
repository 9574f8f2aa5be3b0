"""Check the body of a send as the platform does: the first thing that is wrong is refused.

The texts are those recorded from the platform where a recording exists. Lengths are counted in characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.simulator.errors import Refusal
from bot.simulator.interactive import check_interactive

Json = dict[str, Any]

TYPES = ("audio", "contacts", "document", "image", "interactive", "location", "reaction", "sticker", "template",
         "text", "video")  # fmt: skip
MEDIA = ("audio", "document", "image", "sticker", "video")
BSUID = re.compile(r"^[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}$")
MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_OPAQUE = 512

_SIGNS = str.maketrans("", "", "+-() \u00a0")


def invalid(text: str) -> Refusal:
    """Return a generic Graph error 100 with this text."""
    return Refusal(100, message=f"(#100) {text}")


def check_envelope(payload: Any) -> Json:
    """Return the body as an object, or refuse it."""
    if not isinstance(payload, dict) or payload.get("messaging_product") != "whatsapp":
        raise invalid("The parameter messaging_product is required.")
    return payload


def phone_digits(to: Any) -> tuple[str, bool]:
    """Return the digits of a recipient and whether it was written with a "+"."""
    if not isinstance(to, str):
        raise invalid("Param to must be a string.")
    digits = to.translate(_SIGNS)
    if not (digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 15):
        raise Refusal(131009, "Recipient phone number is not valid: use digits with the country code.")
    return digits, "+" in to


def check_message(payload: Json) -> str:
    """Check everything that can be told from the body alone, and return the type of the message."""
    kind = payload.get("type", "text")
    if kind not in TYPES:
        raise invalid(
            f"Param type must be one of {{{', '.join(TYPES).upper()}}} - got {str(kind)!r}.".replace("'", '"')
        )
    if payload.get("recipient_type", "individual") != "individual":
        raise invalid("Param recipient_type must be one of {INDIVIDUAL}.")
    opaque = payload.get("biz_opaque_callback_data")
    if opaque is not None and not isinstance(opaque, str):
        raise invalid("Param biz_opaque_callback_data must be a string.")
    if opaque and len(opaque) > MAX_OPAQUE:
        raise invalid(f"Param biz_opaque_callback_data must be at most {MAX_OPAQUE} characters long.")
    context = payload.get("context")
    if context is not None and not (isinstance(context, dict) and isinstance(context.get("message_id"), str)):
        raise invalid("Param context['message_id'] must be a string.")
    if kind not in payload:
        raise Refusal(131008, f"Parameter '{kind}' is mandatory for type '{kind}'")
    node = payload[kind]
    if kind == "contacts":
        _check_contacts(node)
        return "contacts"
    if not isinstance(node, dict):
        raise invalid(f"Param {kind} must be a JSON object.")
    if kind in MEDIA:
        _check_media(kind, node)
    elif kind != "template":  # templates need the account's list, see templates.py
        _CHECKS[kind](node)
    return str(kind)


def _text_length(name: str, value: Any, most: int, least: int = 1) -> str:
    if not isinstance(value, str):
        raise invalid(f"Param {name} must be a string.")
    if len(value) > most:
        raise invalid(f"Param {name} must be at most {most} characters long.")
    if len(value) < least:
        raise invalid(f"Param {name} must be at least {least} characters long.")
    return value


def _check_text(node: Json) -> None:
    if "body" not in node:
        raise invalid("The parameter text['body'] is required.")
    _text_length("text['body']", node["body"], MAX_TEXT)
    if not node["body"].strip():
        raise invalid("Param text['body'] must be at least 1 characters long.")


def _check_media(kind: str, node: Json) -> None:
    source = [key for key in ("id", "link") if node.get(key)]
    if len(source) != 1:
        raise invalid(f"Param {kind} must have exactly one of id and link.")
    if not isinstance(node[source[0]], str):
        raise invalid(f"Param {kind}['{source[0]}'] must be a string.")
    if source == ["link"] and not re.match(r"https?://[^\s/]+", node["link"]):
        raise invalid(f"Param {kind}['link'] is not a valid URI.")
    if node.get("caption") is not None:
        if kind in ("audio", "sticker"):
            raise invalid(f'Unexpected key "caption" on param "{kind}".')
        _text_length(f"{kind}['caption']", node["caption"], MAX_CAPTION, 0)
    if node.get("filename") is not None and kind != "document":
        raise invalid(f'Unexpected key "filename" on param "{kind}".')


def _check_location(node: Json) -> None:
    for name, most in (("latitude", 90), ("longitude", 180)):
        if node.get(name) is None:
            raise Refusal(131008, f"Parameter '{name}' is mandatory for type 'location'")
        try:
            value = float(node[name])
        except (TypeError, ValueError):
            raise invalid(f"Param location['{name}'] must be a number.") from None
        if not -most <= value <= most:
            raise Refusal(131009, f"{name} must be between -{most} and {most}")


def _check_reaction(node: Json) -> None:
    if not isinstance(node.get("message_id"), str) or not node["message_id"]:
        raise invalid("The parameter reaction['message_id'] is required.")
    emoji = node.get("emoji", "")
    if not isinstance(emoji, str) or len(emoji) > 16 or re.search(r"[\w\s]", emoji, re.ASCII):
        raise Refusal(131009, "Reaction emoji is not valid")


def _check_contacts(node: Any) -> None:
    if not isinstance(node, list) or not node:
        raise invalid("Param contacts must be a non-empty array.")
    for i, card in enumerate(node):
        name = card.get("name") if isinstance(card, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise Refusal(131008, f"contacts: Contact at index {i} requires name.formatted_name")
        if not any(value for key, value in name.items() if key != "formatted_name"):
            raise Refusal(131009, f"contacts: Contact at index {i} requires one more name field beside formatted_name")


_CHECKS: dict[str, Callable[[Json], None]] = {
    "text": _check_text,
    "location": _check_location,
    "reaction": _check_reaction,
    "interactive": check_interactive,
}

"""Check interactive messages: buttons, lists, links, flows, requests for location, address or contact.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.simulator.errors import Refusal

Json = dict[str, Any]

TYPES = ("address_message", "button", "call_permission_request", "carousel", "catalog_message", "cta_url", "flow",
         "list", "location_request_message", "order_details", "order_status", "product", "product_list",
         "request_contact_info", "voice_call")  # fmt: skip
NO_BODY = ("product", "order_status")
_MARKDOWN = re.compile(r"\*[^*\s][^*]*\*|(?<!\w)_[^_\s][^_]*_(?!\w)|~[^~\s][^~]*~|```")
_EMOJI = re.compile("[\u2600-\u27bf\U0001f000-\U0001faff]")

MAX_BODY = 1024
MAX_LIST_BODY = 4096
MAX_FOOTER = 60
MAX_HEADER = 60
MAX_BUTTONS = 3
MAX_BUTTON_TITLE = 20
MAX_BUTTON_ID = 256
MAX_ROWS = 10
MAX_SECTIONS = 10
MAX_ROW_TITLE = 24
MAX_ROW_ID = 200
MAX_ROW_DESCRIPTION = 72
MAX_SECTION_TITLE = 24


def check_interactive(node: Json) -> None:
    """Refuse an interactive message that the platform would refuse."""
    kind = node.get("type")
    if kind not in TYPES:
        raise Refusal(100, message=f"(#100) Param interactive['type'] must be one of {{{', '.join(TYPES).upper()}}}")
    _check_header(kind, node.get("header"))
    _check_body(kind, node.get("body"))
    footer = node.get("footer")
    if footer is not None:
        text = _object(footer, "interactive['footer']").get("text")
        _length("Footer text", text, MAX_FOOTER)
    action = node.get("action")
    if action is None:
        raise Refusal(131008, "Parameter 'action' is mandatory for interactive messages")
    if (check := _ACTIONS.get(kind)) is not None:
        check(_object(action, "interactive['action']"))


def _object(value: Any, name: str) -> Json:
    if not isinstance(value, dict):
        raise Refusal(100, message=f"(#100) Param {name} must be a JSON object.")
    return value


def _length(what: str, value: Any, most: int, least: int = 1) -> str:
    if not isinstance(value, str):
        raise Refusal(131009, f"{what} must be a string")
    if not least <= len(value) <= most:
        raise Refusal(131009, f"{what} length invalid. Min length: {least}, Max length: {most}")
    return value


def _check_header(kind: str, header: Any) -> None:
    if header is None:
        return
    form = _object(header, "interactive['header']").get("type")
    if form not in ("text", "image", "video", "document"):
        raise Refusal(
            100, message="(#100) Param interactive['header']['type'] must be one of {DOCUMENT, IMAGE, TEXT, VIDEO}"
        )
    if form == "text":
        if not header.get("text"):
            raise Refusal(131009, "Text cannot be null for header type text")
        _length("Header text", header["text"], MAX_HEADER)
    elif kind in ("list", "product_list"):
        raise Refusal(131009, f"Header type {form} is not supported for interactive type {kind}")
    else:
        media = _object(header.get(form), f"interactive['header']['{form}']")
        if bool(media.get("id")) == bool(media.get("link")):
            raise Refusal(131009, f"Header {form} must have exactly one of id and link")


def _check_body(kind: str, body: Any) -> None:
    if body is None and kind in NO_BODY:
        return
    if body is None:
        raise Refusal(131008, "Parameter 'body' is mandatory for interactive messages")
    most = MAX_LIST_BODY if kind == "list" else MAX_BODY
    _length("Body text", _object(body, "interactive['body']").get("text"), most)


def _check_buttons(action: Json) -> None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MAX_BUTTONS:
        raise Refusal(131009, f"Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {MAX_BUTTONS}")
    titles: set[str] = set()
    ids: set[str] = set()
    for button in buttons:
        if not isinstance(button, dict) or button.get("type") != "reply":
            raise Refusal(131009, "Button type must be reply")
        reply = _object(button.get("reply"), "interactive['action']['buttons']['reply']")
        title = _length("Button title", reply.get("title"), MAX_BUTTON_TITLE)
        if title != title.strip():
            raise Refusal(131009, "Button title cannot have leading or trailing spaces")
        if _MARKDOWN.search(title):
            raise Refusal(131009, "Markdown is not allowed for button title")
        identity = _length("Button id", reply.get("id"), MAX_BUTTON_ID)
        if title in titles:
            raise Refusal(131009, "Button title must be unique")
        if identity in ids:
            raise Refusal(131009, "Button id must be unique")
        titles.add(title)
        ids.add(identity)


def _check_list(action: Json) -> None:
    _length("Button label", action.get("button"), MAX_BUTTON_TITLE)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= MAX_SECTIONS:
        raise Refusal(131009, f"Invalid sections count. Min allowed sections: 1, Max allowed sections: {MAX_SECTIONS}")
    ids: set[str] = set()
    total = 0
    for section in sections:
        title = _object(section, "interactive['action']['sections']").get("title")
        if title is None and len(sections) > 1:
            raise Refusal(131009, "Section title is required if there is more than one section")
        if title is not None and len(str(title)) > MAX_SECTION_TITLE:
            raise Refusal(131009, f"Section title is too long. Max length is {MAX_SECTION_TITLE}")
        rows = section.get("rows")
        if not isinstance(rows, list) or not rows:
            raise Refusal(131009, "Section rows cannot be empty")
        total += len(rows)
        if total > MAX_ROWS:
            raise Refusal(131009, f"Total row count exceed max allowed count: {MAX_ROWS}")
        for row in rows:
            _check_row(_object(row, "interactive['action']['sections']['rows']"), ids)


def _check_row(row: Json, ids: set[str]) -> None:
    title, description = row.get("title"), row.get("description")
    if not isinstance(title, str) or not title:
        raise Refusal(131009, "Row title cannot be empty")
    if len(title) > MAX_ROW_TITLE:
        raise Refusal(131009, f"Row title is too long. Max length is {MAX_ROW_TITLE}")
    if description is not None and len(str(description)) > MAX_ROW_DESCRIPTION:
        raise Refusal(131009, f"Row description is too long. Max length is {MAX_ROW_DESCRIPTION}")
    identity = _length("Row id", row.get("id"), MAX_ROW_ID)
    if identity in ids:
        raise Refusal(131009, f"Duplicated row id: {identity}")
    ids.add(identity)


def _parameters(action: Json, name: str) -> Json:
    if action.get("name") != name:
        raise Refusal(131009, f"Action name must be {name}")
    return _object(action.get("parameters"), "interactive['action']['parameters']")


def _check_link(action: Json) -> None:
    parameters = _parameters(action, "cta_url")
    _length("display_text", parameters.get("display_text"), MAX_BUTTON_TITLE)
    if not re.match(r"https?://[^\s/]+", str(parameters.get("url", ""))):
        raise Refusal(131009, "URL is not valid")


def _check_location_request(action: Json) -> None:
    if action.get("name") != "send_location":
        raise Refusal(131009, "Action name must be send_location")


def _check_flow(action: Json) -> None:
    parameters = _parameters(action, "flow")
    if str(parameters.get("flow_message_version")) != "3":
        raise Refusal(131009, "flow_message_version must be 3")
    if bool(parameters.get("flow_id")) == bool(parameters.get("flow_name")):
        raise Refusal(131009, "Exactly one of flow_id and flow_name is required")
    if _EMOJI.search(_length("flow_cta", parameters.get("flow_cta"), 30)):
        raise Refusal(131009, "Emoji is not allowed for flow_cta")


def _check_address(action: Json) -> None:
    country = _parameters(action, "address_message").get("country")
    if country is None:
        raise Refusal(131008, "Parameter 'country' is mandatory for address messages")
    if country not in ("IN", "SG"):
        raise Refusal(131009, "Country is not supported for address messages")


_ACTIONS: dict[str, Callable[[Json], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_link,
    "location_request_message": _check_location_request,
    "flow": _check_flow,
    "address_message": _check_address,
}

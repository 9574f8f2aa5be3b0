"""Turn a message of ours into the JSON that the Cloud API takes (pure).

Every limit of Meta's stands here once and is proved before anything is sent; nothing is ever cut, because a cut
address or a cut button title is worse than none. Lengths are counted in UTF-16 units, never
fewer than code points: Meta does not say which of the two it means.
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "text", "buttons", "list", "template", "location_request", "address_form", "contact_request", "reaction",
]  # fmt: skip

TEXT = 4096
BODY = 1024
LIST_BODY = 4096
FOOTER = 60
HEADER = 60
BUTTONS = 3
BUTTON_TITLE = 20
BUTTON_ID = 256
ROWS = 10
ROW_ID = 200
ROW_TITLE = 24
ROW_DESCRIPTION = 72
LIST_BUTTON = 20
QUICK_REPLIES = 10
QUICK_REPLY_PAYLOAD = 128
"""Meta names no limit for templates; this is what is known to pass."""
OPAQUE = 512
FORM_FIELDS = frozenset({
    "name", "phone_number", "in_pin_code", "house_number", "floor_number", "tower_number", "building_name", "address",
    "landmark_area", "city", "state",
})  # fmt: skip
"""The fields of an address form; it exists between businesses and shoppers of India only."""
FORM_PIN_CODE = 6
MARKDOWN = re.compile(r"[*_~`]")
UNFIT_FOR_PARAMETER = re.compile(r"[\n\r\t\v\f\u0085\u2028\u2029]| {5,}")
"""What Meta refuses inside a template's parameter (132018)."""


class ComposeError(ValueError):
    """A message breaks a limit of Meta's; the sentence says which, for the author of the text."""


@dataclass(frozen=True)
class Choice:
    """A button, a row of a list, or a template's quick reply; `id` comes back when it is tapped."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class Parameter:
    """A value for a placeholder of a template; `name` is None where placeholders are numbered."""

    text: str
    name: str | None = None


@dataclass(frozen=True)
class TemplateUse:
    """A template with its values, made by `bot.whatsapp.catalogue.Template.use`."""

    name: str
    language: str
    header: tuple[Parameter, ...] = ()
    body: tuple[Parameter, ...] = ()
    quick_replies: int = 0
    """How many buttons it has; each send gives every one its own payload, the id of the choice in the same place."""


@dataclass(frozen=True)
class Outgoing:
    """One bubble, ready to go to one shopper."""

    kind: Kind
    body: str = ""
    to_phone: str | None = None
    """Digits with country code, with or without a plus; it wins over the user id, as at Meta."""
    to_bsuid: str | None = None
    choices: tuple[Choice, ...] = ()
    """Buttons, rows, or what the quick replies of a template stand for, in their order."""
    list_button: str = ""
    """The title of the button that opens a list."""
    header: str = ""
    footer: str = ""
    template: TemplateUse | None = None
    form_country: str = "IN"
    form_values: dict[str, str] = field(default_factory=dict)
    """What the address form already shows."""
    form_errors: dict[str, str] = field(default_factory=dict)
    """What was wrong with the values, by field."""
    quoted: str | None = None
    """The id of the shopper's message that this one answers visibly."""
    target: str | None = None
    """The id of the shopper's message that a reaction stands on; its body is the emoji."""
    opaque: str | None = None
    """Our own name for the message; every status repeats it."""


def compose(message: Outgoing) -> dict[str, Any]:
    """Return the JSON body for `POST /<phone number id>/messages`.

    Raises ComposeError when a limit of Meta's is broken or something is missing.
    """
    payload: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if message.to_phone:
        # Without the plus Meta may take the number for one of the business's own country.
        payload["to"] = "+" + message.to_phone.removeprefix("+")
    if message.to_bsuid:
        payload["recipient"] = message.to_bsuid
    if not (message.to_phone or message.to_bsuid):
        raise ComposeError("recipient: neither a phone number nor a user id")
    if message.opaque is not None:
        payload["biz_opaque_callback_data"] = _fits(message.opaque, OPAQUE, "opaque value")
    if message.quoted:
        payload["context"] = {"message_id": message.quoted}
    if message.kind == "text":
        return payload | {"type": "text", "text": {"body": _fits(message.body, TEXT, "text"), "preview_url": False}}
    if message.kind == "reaction":
        if not message.target:
            raise ComposeError("reaction: on no message")
        return payload | {"type": "reaction", "reaction": {"message_id": message.target, "emoji": message.body}}
    if message.kind == "template":
        return payload | {"type": "template", "template": _template(message)}
    return payload | {"type": "interactive", "interactive": _interactive(message)}


def _interactive(message: Outgoing) -> dict[str, Any]:
    node: dict[str, Any] = {"body": {"text": _fits(message.body, _body_limit(message.kind), "body")}}
    if message.header:
        node["header"] = {"type": "text", "text": _fits(message.header, HEADER, "header")}
    if message.footer:
        node["footer"] = {"text": _fits(message.footer, FOOTER, "footer")}
    if message.kind == "buttons":
        buttons = [{"type": "reply", "reply": reply} for reply in _buttons(message.choices)]
        return node | {"type": "button", "action": {"buttons": buttons}}
    if message.kind == "list":
        opener = _title(message.list_button, LIST_BUTTON, "title of the list's button")
        return node | {"type": "list", "action": {"button": opener, "sections": [{"rows": _rows(message.choices)}]}}
    if message.kind == "location_request":
        return node | {"type": "location_request_message", "action": {"name": "send_location"}}
    if message.kind == "address_form":
        return node | {"type": "address_message", "action": {"name": "address_message", "parameters": _form(message)}}
    return node | {"type": "request_contact_info", "action": {"name": "request_contact_info"}}


def _body_limit(kind: Kind) -> int:
    return LIST_BODY if kind == "list" else BODY


def _buttons(choices: tuple[Choice, ...]) -> list[dict[str, str]]:
    _count(choices, BUTTONS, "buttons")
    for number, choice in enumerate(choices, 1):
        if choice.description:
            raise ComposeError(f"button {number}: a button has no description; use a list")
        if MARKDOWN.search(choice.title):
            raise ComposeError(f"title of button {number}: no markdown is allowed")
        _fits(choice.id, BUTTON_ID, f"id of button {number}")
        _title(choice.title, BUTTON_TITLE, f"title of button {number}")
    _unique([choice.title for choice in choices], "titles of the buttons")
    return [{"id": choice.id, "title": choice.title} for choice in choices]


def _rows(choices: tuple[Choice, ...]) -> list[dict[str, str]]:
    _count(choices, ROWS, "rows")
    rows = []
    for number, choice in enumerate(choices, 1):
        row = {
            "id": _fits(choice.id, ROW_ID, f"id of row {number}"),
            "title": _title(choice.title, ROW_TITLE, f"title of row {number}"),
        }
        if choice.description:
            row["description"] = _fits(choice.description, ROW_DESCRIPTION, f"description of row {number}")
        rows.append(row)
    return rows


def _form(message: Outgoing) -> dict[str, Any]:
    if message.form_country != "IN":
        raise ComposeError(f"address form: there is none for {message.form_country}, only for IN")
    strange = (set(message.form_values) | set(message.form_errors)) - FORM_FIELDS
    if strange:
        raise ComposeError(f"address form: no field {sorted(strange)[0]!r}")
    _fits(message.form_values.get("in_pin_code") or "-", FORM_PIN_CODE, "in_pin_code of the address form")
    parameters: dict[str, Any] = {"country": message.form_country}
    if message.form_values:
        parameters["values"] = dict(message.form_values)
    if message.form_errors:
        parameters["validation_errors"] = dict(message.form_errors)
    return parameters


def _template(message: Outgoing) -> dict[str, Any]:
    template = message.template
    if template is None:
        raise ComposeError("template: none given")
    components: list[dict[str, Any]] = []
    if template.header:
        components.append({"type": "header", "parameters": [_parameter(one) for one in template.header]})
    if template.body:
        components.append({"type": "body", "parameters": [_parameter(one) for one in template.body]})
    # Inside the window the same question may offer more, in a list.
    choices = message.choices[: template.quick_replies]
    if len(choices) < template.quick_replies:
        # A button without a payload would come back as its title, which names no order.
        raise ComposeError(f"quick replies: {len(choices)} payloads for {template.quick_replies} buttons")
    for index, choice in enumerate(choices):
        payload = _fits(choice.id, QUICK_REPLY_PAYLOAD, f"payload of quick reply {index + 1}")
        components.append({"type": "button", "sub_type": "quick_reply", "index": str(index),
                           "parameters": [{"type": "payload", "payload": payload}]})  # fmt: skip
    _unique([choice.id for choice in choices], "payloads of the quick replies")
    node: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    return node | {"components": components} if components else node


def _parameter(parameter: Parameter) -> dict[str, str]:
    what = f"parameter {parameter.name}" if parameter.name else "parameter"
    if not parameter.text.strip():
        raise ComposeError(f"{what}: empty")
    if UNFIT_FOR_PARAMETER.search(parameter.text):
        raise ComposeError(f"{what}: no line break, tab or run of more than 4 spaces is allowed")
    named = {"parameter_name": parameter.name} if parameter.name else {}
    return {"type": "text", **named, "text": _fits(parameter.text, BODY, what)}


def flatten(text: str) -> str:
    """Return `text` on one line with single spaces, as a template's parameter must be; no word is lost."""
    return " ".join(text.split())


def length(text: str) -> int:
    """Return the length that counts for Meta's limits, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fits(text: str, most: int, what: str) -> str:
    if not text.strip():
        raise ComposeError(f"{what}: empty")
    if length(text) > most:
        raise ComposeError(f"{what}: {length(text)} characters, at most {most}")
    return text


def _title(text: str, most: int, what: str) -> str:
    if text != text.strip():
        raise ComposeError(f"{what}: spaces around it")
    if "\n" in text:
        raise ComposeError(f"{what}: no line break is allowed")
    return _fits(text, most, what)


def _count(choices: tuple[Choice, ...], most: int, what: str) -> None:
    if not 1 <= len(choices) <= most:
        raise ComposeError(f"{what}: {len(choices)}, from 1 to {most}")
    _unique([choice.id for choice in choices], f"ids of the {what}")


def _unique(texts: list[str], what: str) -> None:
    if len(set(texts)) < len(texts):
        raise ComposeError(f"{what}: two are the same")

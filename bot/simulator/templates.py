"""Message templates: what may be created, what a send must carry, and what the phone then shows.

https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
"""

from __future__ import annotations

import re
from typing import Any

from bot.simulator.errors import Refusal, management_error
from bot.simulator.state import Template

Json = dict[str, Any]

CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
_PLACE = re.compile(r"\{\{\s*([a-z0-9_]+)\s*\}\}")
_ANY_PLACE = re.compile(r"\{\{[^}]*\}\}")
_NAME = re.compile(r"^[a-z0-9_]{1,512}$")
_LANGUAGE = re.compile(r"^[a-z]{2,3}(_[A-Z]{2,4})?$")
_BAD_SPACE = re.compile(r"[\n\r\t]| {5,}")
_PROMOTION = re.compile(r"\b\d+ ?% (off|discount)|\b(discount|coupon|cashback|sale|special offer|promo)\b", re.I)

MAX_BODY = 1024
MAX_HEADER = 60
MAX_FOOTER = 60
MAX_LABEL = 25
MAX_BUTTONS = 10
_BUTTON_LIMITS = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "FLOW": 1}


# --- creating -------------------------------------------------------------------------------------


def check_creation(body: Json) -> None:
    """Refuse a template that breaks a written rule; a category changed by the review is no refusal."""
    if not isinstance(body.get("name"), str) or not _NAME.match(body["name"]):
        raise management_error(2388085, "Template name is invalid",
                               "Name can only contain lowercase letters, numbers and underscores.")  # fmt: skip
    if not isinstance(body.get("language"), str) or not _LANGUAGE.match(body["language"]):
        raise Refusal(100, message="(#100) Param language must be one of the supported language codes")
    if str(body.get("category", "")).upper() not in CATEGORIES:
        raise Refusal(100, message=f"(#100) Param category must be one of {{{', '.join(CATEGORIES)}}}")
    check_components(body.get("components"), str(body.get("category")).upper())


def check_components(components: Any, category: str) -> None:
    """Refuse components that break a written rule."""
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise Refusal(100, message="(#100) Param components must be an array of objects.")
    kinds = [str(c.get("type", "")).upper() for c in components]
    if "BODY" not in kinds:
        raise Refusal(100, message="(#100) Invalid parameter", details="Template must have a component of type BODY")
    for kind, component in zip(kinds, components, strict=True):
        if kind == "BODY" and category != "AUTHENTICATION":
            _check_text("body", 2388072, component, MAX_BODY)
        elif kind == "HEADER" and str(component.get("format", "")).upper() == "TEXT":
            _check_text("header", 2388047, component, MAX_HEADER)
        elif kind == "FOOTER" and "text" in component:
            if _ANY_PLACE.search(str(component["text"])):
                raise management_error(2388073, "Message footer is invalid", "The footer cannot have variables.")
            _check_length("footer", str(component["text"]), MAX_FOOTER)
        elif kind == "BUTTONS":
            _check_buttons(component.get("buttons"))


def _check_length(part: str, text: str, most: int) -> None:
    if len(text) > most:
        raise management_error(2388040, "Message is too long", f"The {part} can have at most {most} characters.")


def _check_text(part: str, subcode: int, component: Json, most: int) -> None:
    text = component.get("text")
    if not isinstance(text, str) or not text:
        raise management_error(subcode, f"Message {part} is invalid", f"The {part} needs a text.")
    _check_length(part, text, most)
    places = [match[2:-2].strip() for match in _ANY_PLACE.findall(text)]
    if not places:
        return
    if part == "header" and len(places) > 1:
        raise management_error(subcode, "Message header is invalid", "The header can have one variable only.")
    numbers = [p for p in places if p.isdigit()]
    if numbers and (
        len(numbers) != len(places) or sorted({int(n) for n in numbers}) != list(range(1, len(set(numbers)) + 1))
    ):
        raise management_error(
            subcode, f"Message {part} is invalid", "Variables must be {{1}}, {{2}} ... without gaps."
        )
    if any(not re.fullmatch(r"[a-z0-9_]+", p) for p in places):
        raise management_error(subcode, f"Message {part} is invalid",
                               "Variable names are lowercase letters, digits and underscores.")  # fmt: skip
    if part == "body":
        bare = text.strip()
        if bare.startswith("{{") or bare.endswith("}}"):
            raise management_error(2388299, "Variables cannot be at the start or end of the template",
                                   "Variables cannot be at the start or end of the template.")  # fmt: skip
        if re.search(r"\}\}\s*\{\{", text):
            raise management_error(subcode, "Message body is invalid", "Two variables cannot stand next to each other.")
        if len(_ANY_PLACE.sub("", text).split()) < 2 * len(set(places)) + 1:
            raise management_error(2388293, "Too many variables for the length of the message",
                                   "The template has too many variables for its length.")  # fmt: skip
    _check_examples(part, subcode, component, list(dict.fromkeys(places)))


def _check_examples(part: str, subcode: int, component: Json, places: list[str]) -> None:
    example = component.get("example")
    example = example if isinstance(example, dict) else {}
    named = example.get(f"{part}_text_named_params")
    if places[0].isdigit():
        given = example.get(f"{part}_text")
        if part == "body" and isinstance(given, list) and given and isinstance(given[0], list):
            given = given[0]
        complete = isinstance(given, list) and len(given) >= len(places) and all(given)
    else:
        known = {p.get("param_name"): p.get("example") for p in named or [] if isinstance(p, dict)}
        complete = all(known.get(p) for p in places)
    if not complete:
        raise management_error(subcode, f"Message {part} is invalid", "Every variable needs an example.")


def _check_buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MAX_BUTTONS:
        raise management_error(2388056, "Buttons are invalid", f"A template has 1 to {MAX_BUTTONS} buttons.")
    kinds = [str(b.get("type", "")).upper() if isinstance(b, dict) else "" for b in buttons]
    for kind, button in zip(kinds, buttons, strict=True):
        if kinds.count(kind) > _BUTTON_LIMITS.get(kind, MAX_BUTTONS):
            raise management_error(2388056, "Buttons are invalid", f"Too many buttons of type {kind}.")
        if len(str(button.get("text", ""))) > MAX_LABEL:
            raise management_error(2388056, "Buttons are invalid", f"A label has at most {MAX_LABEL} characters.")
        if kind in ("QUICK_REPLY", "URL", "PHONE_NUMBER") and not button.get("text"):
            raise management_error(2388056, "Buttons are invalid", "Every button needs a label.")
        url = str(button.get("url", "")) if kind == "URL" else ""
        if "{{" in url and not (url.endswith("}}") and url.count("{{") == 1 and button.get("example")):
            raise management_error(
                2388056, "Buttons are invalid", "A URL has one variable, at its end, with an example."
            )
    quick = [i for i, kind in enumerate(kinds) if kind == "QUICK_REPLY"]
    if quick and quick[-1] - quick[0] + 1 != len(quick):
        raise management_error(2388060, "Buttons are invalid", "Quick replies must stand together.")


def judged_category(body: Json) -> str:
    """Return the category the review gives: utility with promotional words is marketing."""
    category = str(body["category"]).upper()
    text = " ".join(str(c.get("text", "")) for c in body["components"])
    return "MARKETING" if category == "UTILITY" and _PROMOTION.search(text) else category


# --- sending --------------------------------------------------------------------------------------


def check_node(node: Json) -> tuple[str, str]:
    """Return name and language of a template send."""
    language = node.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    if not isinstance(node.get("name"), str) or not node["name"]:
        raise Refusal(131008, "Parameter 'name' is mandatory for type 'template'")
    if not isinstance(code, str) or not code:
        raise Refusal(131008, "Parameter 'language' is mandatory for type 'template'")
    return node["name"], code


def fill(template: Template, node: Json) -> Json:
    """Check the parameters of a send against the template and return what the phone shows.

    The result has `header`, `media`, `text`, `footer` and `buttons`, each only if there is one.
    """
    given = _given(node.get("components"))
    shown: Json = {}
    buttons: list[Json] = []
    for component in template.components:
        kind = str(component["type"]).upper()
        if kind == "HEADER":
            _fill_header(template, component, given.pop("header", []), shown)
        elif kind == "BODY":
            text = str(component.get("text", ""))
            if template.category == "AUTHENTICATION" and not text:
                text = "{{1}} is your verification code."
            shown["text"] = _fill_text(template, "body", text, given.pop("body", []))
            if len(shown["text"]) > MAX_BODY:
                raise Refusal(132005, f"body: text after substitution is longer than {MAX_BODY} characters")
        elif kind == "FOOTER" and component.get("text"):
            shown["footer"] = component["text"]
        elif kind == "BUTTONS":
            buttons = component.get("buttons", [])
    shown["buttons"] = [_fill_button(i, b, given.pop(f"button {i}", [])) for i, b in enumerate(buttons)]
    for left in ("header", "body"):
        if given.get(left):
            raise _count(left, len(given[left]), 0)
    for left in given:
        if left.startswith("button "):
            raise Refusal(131009, f"buttons: Button at index {left[7:]} does not exist in the template")
    return shown


def _given(components: Any) -> dict[str, list[Json]]:
    if components is None:
        return {}
    if not isinstance(components, list):
        raise Refusal(100, message="(#100) Param template['components'] must be an array.")
    given: dict[str, list[Json]] = {}
    for component in components:
        if not isinstance(component, dict):
            raise Refusal(100, message="(#100) Param template['components'] must be an array of objects.")
        kind = str(component.get("type", "")).lower()
        parameters = component.get("parameters") or []
        if not isinstance(parameters, list) or not all(isinstance(p, dict) for p in parameters):
            raise Refusal(100, message="(#100) Param template['components']['parameters'] must be an array of objects.")
        if kind == "button":
            kind = f"button {component.get('index', 0)}"
        given[kind] = parameters
    return given


def _count(part: str, have: int, want: int) -> Refusal:
    return Refusal(
        132000, f"{part}: number of localizable_params ({have}) does not match the expected number of params ({want})"
    )


def _fill_header(template: Template, component: Json, parameters: list[Json], shown: Json) -> None:
    form = str(component.get("format", "TEXT")).upper()
    if form == "TEXT":
        shown["header"] = _fill_text(template, "header", str(component.get("text", "")), parameters)
        return
    if len(parameters) != 1:
        raise Refusal(132012, f"header: Format mismatch, expected {form}, received UNKNOWN")
    kind = str(parameters[0].get("type", "")).lower()
    if kind != form.lower():
        raise Refusal(132012, f"header: Format mismatch, expected {form}, received {kind.upper() or 'UNKNOWN'}")
    shown["media"] = {"type": kind, **(parameters[0].get(kind) or {})}


def _fill_text(template: Template, part: str, text: str, parameters: list[Json]) -> str:
    places = list(dict.fromkeys(_PLACE.findall(text)))
    if len(parameters) != len(places):
        raise _count(part, len(parameters), len(places))
    values: dict[str, str] = {}
    for place, parameter in zip(sorted(places, key=_order), parameters, strict=True):
        if template.parameter_format == "NAMED":
            name = parameter.get("parameter_name")
            if not name:
                raise Refusal(100, "Parameter name is missing or empty")
            if name not in places:
                raise Refusal(132012, f"{part}: parameter name {name} is not in the template")
            place = str(name)
        values[place] = _value(parameter)
    if len(values) != len(places):
        raise _count(part, len(values), len(places))
    return _PLACE.sub(lambda match: values[match[1]], text)


def _order(place: str) -> tuple[int, str]:
    return (int(place), "") if place.isdigit() else (0, "")


def _value(parameter: Json) -> str:
    kind = parameter.get("type", "text")
    if kind == "text":
        text = parameter.get("text")
        if text is None:
            raise Refusal(100, "Parameter 'text' is mandatory for component parameter type 'text'")
    elif kind in ("currency", "date_time") and isinstance(parameter.get(kind), dict):
        text = parameter[kind].get("fallback_value")
    else:
        raise Refusal(132012, f"Parameter of type {kind} does not match the format of the template")
    if not isinstance(text, str) or not text:
        raise Refusal(131008, "Parameter of type text is missing text value")
    if _BAD_SPACE.search(text):
        raise Refusal(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    return text


def _fill_button(index: int, button: Json, parameters: list[Json]) -> Json:
    kind = str(button.get("type", "")).upper()
    shown: Json = {"kind": kind.lower(), "title": button.get("text", ""), "index": index}
    first = parameters[0] if parameters else {}
    if kind == "QUICK_REPLY":
        payload = first.get("payload")
        if payload is not None and (not isinstance(payload, str) or len(payload) > 256):
            raise Refusal(131009, f"buttons: Payload of button at index {index} must have at most 256 characters")
        shown["id"] = payload or button.get("text", "")
    elif kind == "URL":
        url = str(button.get("url", ""))
        if "{{" in url:
            if not first.get("text"):
                raise Refusal(131008, f"buttons: Button at index {index} of type Url requires a parameter")
            url = _ANY_PLACE.sub(lambda _: str(first["text"]), url)
        shown["url"] = url
    elif kind == "COPY_CODE":
        if not first.get("coupon_code"):
            raise Refusal(131008, f"buttons: Button at index {index} of type CopyCode requires a parameter")
        shown["code"] = first["coupon_code"]
        shown["title"] = shown["title"] or "Copy code"
    elif kind == "PHONE_NUMBER":
        shown["phone"] = button.get("phone_number", "")
    return shown

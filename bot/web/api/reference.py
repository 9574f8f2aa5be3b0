"""The contract as OpenAPI 3.1, and the page that renders it with a curl example for each call."""

import inspect
import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, make_response, render_template, send_from_directory
from flask_openapi3 import Info, OpenAPI

from bot.services import services
from bot.web.access import public
from bot.web.api.blueprint import PREFIX, RATE, SCOPE, blueprint, body_kind
from bot.web.api.problems import MEDIA_TYPE
from bot.web.api.schemas.fields import Problem

reference = Blueprint("api_reference", __name__, url_prefix=PREFIX)

_FILES = Path(str(files("flask_openapi3_swagger"))) / "templates" / "swagger"

INFO = Info(
    title="Pakka",
    version="1",
    description=f"""Send cash-on-delivery orders, read what shoppers answered and what to do with each parcel.

**Keys.** An owner makes one in the console under *API*, with the scopes that it needs. Send it in the header
`Authorization: Bearer pakka_...`, never in the address. A revoked key ends at once.

**Once.** Send an `Idempotency-Key` of your own with every call that changes something, and repeat a call whose answer
was lost with the same key: its work is done once.

**Pages.** Lists give `next`; call again with it as `cursor` until it is null. What arrives meanwhile neither shows a
row twice nor hides one.

**Errors** are `{MEDIA_TYPE}` with a `code` for programs, a `detail` for people and, in `errors`, each field at fault.

**Limits.** {RATE.capitalize()} for each key; `X-RateLimit-Remaining` says what is left, `Retry-After` how long to wait
after a 429.

**Amounts** are whole numbers in minor units of their currency. Times have a zone.

**Webhooks.** Your addresses are told of events as they happen; you make them in the console. They are signed as
[Standard Webhooks](https://www.standardwebhooks.com) says: `webhook-signature` is `v1,` and the base64 of the
HMAC-SHA256 over `webhook-id`, `webhook-timestamp` and the body, joined by points. Check it, refuse timestamps older
than five minutes, forget a `webhook-id` that you have seen, and answer 2xx within ten seconds. What fails is sent
again for three days, so events may come late and out of order: `updated_at` tells. They hold ids and codes only; read
the rest here.""",
)
_SECURITY = {"key": {"type": "http", "scheme": "bearer", "description": "A key of your shop, beginning with `pakka_`."}}
_ERRORS = {
    "400": "The request cannot be read",
    "401": "No good key",
    "403": "The key lacks the scope",
    "404": "No such thing, or not yours",
    "409": "Not possible as things stand",
    "413": "Too big",
    "415": "Another media type is needed",
    "422": "Something in the request is not as it has to be",
    "429": "Too many requests",
    "500": "Our fault",
    "503": "The database cannot be reached",
}
_LIMIT_HEADERS = {
    name: {"description": text, "schema": {"type": "string"}}
    for name, text in (
        ("X-RateLimit-Limit", "Calls that this key may make in the time span."),
        ("X-RateLimit-Remaining", "How many of them are left."),
        ("X-RateLimit-Reset", "When the span ends, in seconds since 1970."),
    )
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The rendered reference styles its parts itself, which the console's policy does not allow."""


@reference.get("/openapi.json")
@public
def contract() -> Response:
    """Give the contract to programs."""
    return jsonify(specification())


@reference.get("/reference")
@public
def page() -> Response:
    """Show the contract to people."""
    response = make_response(render_template("api_reference.html"))
    response.headers["Content-Security-Policy"] = POLICY
    return response


@reference.get("/reference/files/<path:name>")
@public
def file(name: str) -> Response:
    """Give a file of Swagger UI, which comes with a package of ours and not from elsewhere."""
    return send_from_directory(_FILES, name, max_age=86400)


def specification() -> dict[str, Any]:
    """Return the contract of the running application, made once."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # The proxy cannot be a cache's key.
    return _specification(app, services().settings.public_url)


@cache
def _specification(app: OpenAPI, url: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(json.dumps(app.api_doc))
    spec["servers"] = [{"url": url}]
    spec["security"] = [{"key": []}]
    spec["components"]["securitySchemes"] = _SECURITY
    schemas = spec["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    for schema in schemas.values():
        schema.pop("$defs", None)
    for endpoint, path, method in _calls(app):
        _complete(spec["paths"][path][method], app.view_functions[endpoint], path, method, url)
    return spec


def _calls(app: Flask) -> list[tuple[str, str, str]]:
    """Return endpoint, path and method of each call."""
    return [
        (rule.endpoint, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(f"{blueprint.name}.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def _complete(operation: dict[str, Any], view: Any, path: str, method: str, url: str) -> None:
    """Add to one call what holds for all: errors, headers, its scope, an example."""
    kind = body_kind(view)
    for parameter in operation.get("parameters", ()):
        _leave_out_null(parameter)
    for response in operation["responses"].values():
        response["headers"] = _LIMIT_HEADERS
    for status, text in _ERRORS.items():
        if (status in ("415", "413") and not kind) or (status == "404" and "{" not in path):
            continue
        if status == "409" and method == "get":
            continue
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"][status] = {"description": text, "content": content}
    operation["responses"] = dict(sorted(operation["responses"].items()))
    operation["operationId"] = inspect.unwrap(view).__name__
    scope = getattr(view, SCOPE)
    example = _curl(operation, path, method, url)
    told = (inspect.getdoc(inspect.unwrap(view)) or "").partition("\n")[2].strip()
    operation["description"] = f"{told}\n\nScope: `{scope}`\n\n```sh\n{example}\n```".strip()
    operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": example}]
    operation["x-scope"] = scope


def _leave_out_null(parameter: dict[str, Any]) -> None:
    """Say of a parameter that it may be missing; a null cannot be spelt in an address or a header."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind.get("type") != "null"]
    if kinds:
        schema |= kinds[0]
    if schema.get("default", ...) is None:
        del schema["default"]


def _curl(operation: dict[str, Any], path: str, method: str, url: str) -> str:
    """Write the call as one would in a terminal."""
    parts = [f"curl {url}{re.sub(r'{[^}]+}', '1', path)}", '-H "Authorization: Bearer $PAKKA_KEY"']
    if method != "get":
        parts.append('-H "Idempotency-Key: $(date +%s)"')
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = json.dumps(content["application/json"].get("example", {}), ensure_ascii=False)
        parts += [f"-X {method.upper()}"] if method != "post" else []
        parts += ['-H "Content-Type: application/json"', f"-d '{example}'"]
    elif content:
        parts.append("-F file=@orders.csv")
    elif method != "get":
        parts.append(f"-X {method.upper()}")
    return " \\\n  ".join(parts)


def install(app: OpenAPI) -> None:
    """Put the API and its reference into the application."""
    from bot.web.api import conversations, hooks, orders, reviews, uploads  # noqa: F401  # Their calls are declared so.
    from bot.web.api.blueprint import check_scopes
    from bot.web.protection import csrf

    _order_tags()
    app.register_api(blueprint)
    app.register_blueprint(reference)
    check_scopes(app)
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{blueprint.name}."):
            # Systems are known by their keys: no sign-in and no form token.
            public(view)
            csrf.exempt(view)


def _order_tags() -> None:
    """Show orders first, whatever the order in which the modules were read."""
    wanted = ("Orders", "Decisions", "Uploads", "Conversations", "Reviews", "Hooks")
    blueprint.tags.sort(key=lambda tag: wanted.index(tag.name))

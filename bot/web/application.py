"""The web application: the console for people, the webhook for Meta, the API for shops' systems."""

from collections.abc import Callable, Iterable, Mapping

from flask import Flask
from flask_openapi3 import OpenAPI
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter

from bot.engine import Flow
from bot.services import Services
from bot.settings import ROOT
from bot.web import (
    access,
    account,
    api,
    canned_answers,
    connection,
    errors,
    explanations,
    formats,
    health,
    inbox,
    languages,
    live,
    logs,
    masks,
    orders,
    overview,
    people,
    privacy,
    protection,
    reviews,
    saved_views,
    settings,
    shops,
    signin,
    systems,
    uploads,
)
from bot.web.api.schemas.fields import LARGEST_ID
from bot.web.vault import Vault


def create_app(
    services: Services,
    register: Iterable[Callable[[Flask], None]] = (),
    flows: Mapping[str, Flow] | None = None,
) -> Flask:
    """Return the application; `register` are functions that add what only the top level may know, such as commands.

    `flows` are the talks whose texts the console shows.
    """
    logs.configure()
    app = OpenAPI(
        "bot.web", template_folder=str(ROOT / "templates" / "pages"), static_folder=str(ROOT / "bot/web/static"),
        info=api.INFO, doc_ui=False, validation_error_callback=api.of_validation,
    )  # fmt: skip
    app.extensions["pakka"] = services
    app.extensions["pakka_flows"] = flows or {}
    app.extensions["pakka_vault"] = Vault(services.settings.secret_key)
    app.url_map.converters["int"] = _RowNumber
    logs.install(app)
    protection.cap_bodies(app)
    access.install(app)
    protection.install(app)
    errors.install(app)
    languages.install(app)
    formats.install(app)
    explanations.install(app)
    masks.install(app)
    pages = (
        health, signin, account, people, orders, saved_views, inbox, canned_answers, overview, uploads, reviews,
        settings, connection, privacy, systems, shops,
    )  # fmt: skip
    for module in pages:
        app.register_blueprint(module.blueprint)
    # The API answers 422 for a number that is too large, as its contract says.
    app.url_map.converters["int"] = IntegerConverter
    _register_webhook(app)
    api.install(app)
    live.install(app)
    for add in register:
        add(app)
    access.check_declared(app)
    return app


class _RowNumber(IntegerConverter):
    """The number of a row in an address."""

    def to_python(self, value: str) -> int:
        """Take what an integer column of PostgreSQL takes; an address with a larger number does not exist."""
        number = int(value) if len(value) < 20 else LARGEST_ID + 1
        if number > LARGEST_ID:
            raise NotFound
        return number


def _register_webhook(app: Flask) -> None:
    from bot.whatsapp import webhook

    app.register_blueprint(webhook.blueprint)
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{webhook.blueprint.name}."):
            # Meta is known by its signature: no sign-in, no form token, and no rate by address.
            access.public(view)
            protection.limiter.exempt(view)
            protection.csrf.exempt(view)

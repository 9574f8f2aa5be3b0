"""The webhook alone, in an application whose other pages take short bodies only."""

from flask import Flask

from bot.services import Services
from bot.settings import Settings
from bot.whatsapp.webhook import blueprint


def create(settings: Settings) -> Flask:
    """Return the application; `gunicorn "hook_app:create_from_env()"` serves the same one."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.extensions["pakka"] = Services.from_settings(settings)
    app.register_blueprint(blueprint)
    return app


def create_from_env() -> Flask:
    """Return the application with settings from the environment."""
    return create(Settings.from_env())

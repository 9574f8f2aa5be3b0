"""Jobs for what goes out. Each finds its work in the database, so it may run twice or find nothing."""

from bot.hooks import delivery
from bot.hooks.targets import Policy
from bot.jobs import DELIVER, NOTIFY
from bot.talk import outbox
from bot.web.vault import Vault
from workers.context import client, services, throttle


def deliver() -> None:
    """Send all due messages."""
    services().bell.open_door(DELIVER)
    outbox.deliver(services(), client(), throttle())


def notify_merchants() -> None:
    """Tell merchants' systems what happened."""
    services().bell.open_door(NOTIFY)
    settings = services().settings
    delivery.deliver(services().database, Vault(settings.secret_key).open, Policy.of(settings.public_url))

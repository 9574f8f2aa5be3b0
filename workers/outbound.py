"""Jobs for what goes out. Each finds its work in the database, so it may run twice or find nothing."""

from bot.jobs import DELIVER
from bot.talk import outbox
from workers.context import client, services, throttle


def deliver() -> None:
    """Send all due messages."""
    services().bell.open_door(DELIVER)
    outbox.deliver(services(), client(), throttle())

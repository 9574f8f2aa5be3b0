"""Jobs for order lists. Each finds its work in the database, so it may run twice or find nothing."""

from bot.jobs import UPLOAD
from bot.orders import uploads
from bot.orders.evidence import add_evidence
from workers.context import services


def run(upload_id: int) -> None:
    """Import an upload from where it stands."""
    services().bell.open_door(UPLOAD, upload_id)
    if uploads.run(services(), upload_id):
        add_evidence(services(), upload_id)

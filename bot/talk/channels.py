"""Our WhatsApp numbers: the first one is named by the settings."""

from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import now
from bot.database import insert_once
from bot.models import Channel
from bot.settings import Settings


def first_channel(session: Session, settings: Settings) -> Channel | None:
    """Return the channel that the settings name, making it when it is new; None when they name none."""
    if not settings.whatsapp_phone_number_id:
        return None
    row = {
        "phone_number_id": settings.whatsapp_phone_number_id,
        "business_account_id": settings.whatsapp_business_account_id,
        "display_number": "",
        "throughput": 80,
        "created_at": now(),
    }
    insert_once(session, Channel, [row], "phone_number_id")
    statement = select(Channel).where(col(Channel.phone_number_id) == settings.whatsapp_phone_number_id)
    channel = session.execute(statement).scalar_one()
    channel.business_account_id = settings.whatsapp_business_account_id
    return channel

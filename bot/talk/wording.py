"""Choose the language that a bubble goes in, and its template at Meta."""

from sqlalchemy import select
from sqlmodel import Session, col

from bot.engine import FlowError
from bot.models import Channel, Conversation, WhatsAppTemplate
from bot.text import DEFAULT, known
from bot.whatsapp.catalogue import Template, catalogue
from bot.whatsapp.templates import SENDABLE


def template_of(key: str, locale: str) -> Template:
    """Return the template as it goes to somebody who speaks `locale`, with its name and language at Meta."""
    found = catalogue().find(key, known(locale))
    if found is None:
        raise FlowError(f"there is no WhatsApp template {key!r}")
    return found


def approved_locale(session: Session, conversation: Conversation, key: str, wanted: str, merchants: str) -> str:
    """Return `wanted`, or where Meta has not approved its template the merchant's language or English if it has those.

    A template whose state nobody has told us counts as approved: Meta itself will say.
    """
    account = select(col(Channel.business_account_id)).where(col(Channel.id) == conversation.channel_id)
    rows = session.execute(
        select(col(WhatsAppTemplate.language), col(WhatsAppTemplate.status)).where(
            col(WhatsAppTemplate.business_account_id) == account.scalar_subquery(),
            col(WhatsAppTemplate.name) == template_of(key, wanted).name,
        )
    )
    status = {row.language: row.status for row in rows}
    if status.get(template_of(key, wanted).language, SENDABLE[0]) in SENDABLE:
        return wanted
    others = (merchants, DEFAULT)
    return next((one for one in others if status.get(template_of(key, one).language) in SENDABLE), wanted)

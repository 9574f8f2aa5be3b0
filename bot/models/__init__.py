"""The tables: columns and constraints, no behaviour."""

from bot.models.merchants import ApiKey, Audit, CannedAnswer, Channel, Member, Merchant, WebSession
from bot.models.orders import AddressVersion, Order, OrderItem, Review, Upload, UploadRow
from bot.models.talk import (
    Contact,
    Conversation,
    Envelope,
    Event,
    Handover,
    Identity,
    Message,
    Pulse,
    Receipt,
    Run,
    Timer,
    WhatsAppTemplate,
)

__all__ = [
    "AddressVersion",
    "ApiKey",
    "Audit",
    "CannedAnswer",
    "Channel",
    "Contact",
    "Conversation",
    "Envelope",
    "Event",
    "Handover",
    "Identity",
    "Member",
    "Merchant",
    "Message",
    "Order",
    "OrderItem",
    "Pulse",
    "Receipt",
    "Review",
    "Run",
    "Timer",
    "Upload",
    "UploadRow",
    "WebSession",
    "WhatsAppTemplate",
]

"""One conversation, with everything an agent needs to go on with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from babel import Locale, UnknownLocaleError
from flask_babel import get_locale
from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import now
from bot.database import row_id
from bot.engine import Item, Items, Money
from bot.models import (
    AddressVersion,
    Contact,
    Conversation,
    Handover,
    Identity,
    Member,
    Merchant,
    Message,
    Order,
    OrderItem,
    Run,
    WhatsAppTemplate,
)
from bot.talk import handover
from bot.talk.contacts import locale_of
from bot.text import known, template_values, write
from bot.web import bubbles, tenant
from bot.web.access import me, my_shop
from bot.web.bubbles import Bubbles
from bot.web.inbox_words import TEMPLATES
from bot.whatsapp.catalogue import PLACEHOLDER, Template, catalogue
from bot.whatsapp.compose import ComposeError
from bot.whatsapp.templates import SENDABLE

BUBBLES, EARLIER = 60, 100
"""How many bubbles are shown at once: of the end of a conversation, and of what was before."""
_QUESTION = re.compile("[?؟]")
PLACEHOLDERS = ("name", "shop", "order", "amount", "items", "agent")
"""What canned answers may name."""


@dataclass(frozen=True)
class Offer:
    """A template that may be sent to this shopper now, filled."""

    key: str
    template: Template
    values: dict[str, str]
    text: str
    refusal: str
    """Its state at Meta when it cannot be sent; empty when it can."""


@dataclass(frozen=True)
class Talk:
    """What the page of a conversation shows."""

    conversation: Conversation
    contact: Contact
    shop: Merchant
    task: Handover | None
    holder: str
    """Who has the conversation, when an agent has it; empty for somebody of another shop."""
    elsewhere: bool
    """Whether another shop that speaks through the same number has it."""
    orders: Sequence[Order]
    """Of this shopper, the one that this is about first."""
    items: Sequence[OrderItem]
    addresses: Sequence[AddressVersion]
    """Of the first order, newest first."""
    run: Run | None
    said: Bubbles
    before: int | None
    """The bubble before which those are; None at the end of the conversation."""
    older: bool
    """Whether there are earlier bubbles than those."""
    asked: Message | None
    """The bot's last question."""
    offers: Sequence[Offer]
    phone: str

    @property
    def order(self) -> Order | None:
        """The order that this is about."""
        return self.orders[0] if self.orders else None

    @property
    def is_mine(self) -> bool:
        """Whether the person who looks has it."""
        return self.conversation.owner == "agent" and self.conversation.agent_id == me().id

    @property
    def is_open(self) -> bool:
        """Whether free text may be sent."""
        return handover.window_is_open(self.conversation, now())

    @property
    def name(self) -> str:
        """The shopper's name, as the order or else WhatsApp has it."""
        return (self.order.shopper_name if self.order else "") or self.contact.name

    @property
    def language(self) -> str:
        """The name of the shopper's language in the agent's."""
        try:
            locale = Locale.parse(self.locale.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            return self.locale
        return str(locale.get_display_name(get_locale()) or self.locale)

    @property
    def locale(self) -> str:
        """The shopper's language."""
        return locale_of(self.contact, self.order, self.shop)

    def filled(self, text: str) -> str:
        """Fill a canned answer; a placeholder that nothing is known for is left for the agent to see."""
        values = {**_values(self.shop, self.order, self.items, self.name), "agent": me().label}
        written = {name: write(value, known(self.locale)) for name, value in values.items() if value}
        return PLACEHOLDER.sub(lambda match: written.get(match[1], match[0]), text)


def open_talk(session: Session, conversation: Conversation, *, before: int | None = None) -> Talk:
    """Read a conversation that the wall let through: its end, or what was said before a bubble (its `seq`)."""
    talk_id = row_id(conversation)
    task = session.execute(
        select(Handover).where(col(Handover.conversation_id) == talk_id, col(Handover.resolved_at).is_(None))
    ).scalar_one_or_none()
    runs = session.execute(
        select(Run).where(col(Run.conversation_id) == talk_id).order_by(col(Run.id).desc()).limit(20)
    ).scalars().all()  # fmt: skip
    run = next((run for run in runs if run.status == "waiting"), runs[0] if runs else None)
    orders = _orders(session, conversation, (task.order_id if task else None) or (run.order_id if run else None))
    first = orders[0] if orders else None
    items, addresses = _of_order(session, first)
    most = BUBBLES if before is None else EARLIER
    wanted = select(Message).where(col(Message.conversation_id) == talk_id)
    if before is not None:
        wanted = wanted.where(col(Message.seq) < before)
    newest = session.execute(wanted.order_by(col(Message.seq).desc()).limit(most + 1)).scalars().all()
    rows = list(reversed(newest[:most]))
    contact = tenant.find(session, Contact, conversation.contact_id)
    shop = session.get_one(Merchant, my_shop().id)
    holder = session.get(Member, conversation.agent_id) if conversation.agent_id else None
    name = (first.shopper_name if first else "") or contact.name
    return Talk(
        conversation=conversation,
        contact=contact,
        shop=shop,
        task=task,
        holder=(holder.name or holder.email.split("@")[0]) if holder else "",
        elsewhere=is_elsewhere(session, conversation),
        orders=orders,
        items=items,
        addresses=addresses,
        run=run,
        said=bubbles.read(session, rows),
        before=before,
        older=len(newest) > most,
        asked=_asked(rows),
        offers=_offers(session, shop, first, items, name, locale_of(contact, first, shop)),
        phone=_phone(session, conversation, first),
    )


def _asked(rows: Sequence[Message]) -> Message | None:
    """Return the bot's last question, or else the last that it said."""
    said = [one for one in reversed(rows) if one.author == "bot" and one.kind != "reaction"]
    return next((one for one in said if one.choices or _QUESTION.search(one.body)), said[0] if said else None)


def is_elsewhere(session: Session, conversation: Conversation) -> bool:
    """Tell whether another shop's agents have this conversation: one number may speak for several shops."""
    shop = my_shop()
    with tenant.lifted(session):
        task = session.execute(
            select(col(Handover.merchant_id)).where(
                col(Handover.conversation_id) == conversation.id, col(Handover.resolved_at).is_(None)
            )
        ).scalar_one_or_none()
        agent = session.execute(
            select(col(Member.merchant_id)).where(col(Member.id) == conversation.agent_id)
        ).scalar_one_or_none()
    return any(whose not in (None, shop.id) for whose in (task, agent))


def _orders(session: Session, conversation: Conversation, about: int | None) -> list[Order]:
    newest = list(
        session.execute(
            select(Order)
            .where(col(Order.contact_id) == conversation.contact_id)
            .order_by(col(Order.id).desc())
            .limit(12)
        ).scalars()
    )
    first = session.get(Order, about) if about else None
    return [first, *(order for order in newest if order.id != first.id)] if first else newest


def _of_order(session: Session, order: Order | None) -> tuple[list[OrderItem], list[AddressVersion]]:
    if order is None:
        return [], []
    items = session.execute(
        select(OrderItem).where(col(OrderItem.order_id) == order.id).order_by(col(OrderItem.position))
    ).scalars()
    addresses = session.execute(
        select(AddressVersion)
        .where(col(AddressVersion.order_id) == order.id)
        .order_by(col(AddressVersion.version).desc())
        .limit(20)
    ).scalars()
    return list(items), list(addresses)


def _phone(session: Session, conversation: Conversation, order: Order | None) -> str:
    if order is not None and order.phone:
        return order.phone
    if order is not None and order.intent == "denied":
        # The number was wiped: whoever has it is a stranger.
        return ""
    number = session.execute(
        select(col(Identity.value))
        .where(col(Identity.contact_id) == conversation.contact_id, col(Identity.scheme) == "phone")
        .order_by(col(Identity.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    return f"+{number}" if number else ""


def _values(shop: Merchant, order: Order | None, items: Sequence[OrderItem], name: str) -> dict[str, Any]:
    values: dict[str, Any] = {"name": name, "shop": shop.name}
    if order is not None:
        values["order"] = order.reference
        values["amount"] = Money(order.amount, order.currency)
        values["items"] = Items(tuple(Item(item.name, item.quantity) for item in items)) if items else ""
    return values


def _offers(
    session: Session, shop: Merchant, order: Order | None, items: Sequence[OrderItem], name: str, locale: str
) -> list[Offer]:
    if order is None:
        return []
    values = _values(shop, order, items, name)
    ours = [template for key in TEMPLATES if (template := catalogue().find(key, known(locale)))]
    states = {
        (name, language): status
        for name, language, status in session.execute(
            select(col(WhatsAppTemplate.name), col(WhatsAppTemplate.language), col(WhatsAppTemplate.status)).where(
                col(WhatsAppTemplate.name).in_([template.name for template in ours])
            )
        )
    }
    offers = []
    for key in TEMPLATES:
        template = catalogue().find(key, known(locale))
        if template is None or (key in ("order_reminder", "delivery_slot") and order.status != "open"):
            continue
        try:
            filled = template_values(key, template.locale, values, order.region)
            text = template.read(filled)
        except (KeyError, ComposeError):
            # A template that asks for more than an agent's order can fill is none for an agent.
            continue
        state = states.get((template.name, template.language), SENDABLE[0])
        offers.append(Offer(key, template, filled, text, "" if state in SENDABLE else state))
    return offers

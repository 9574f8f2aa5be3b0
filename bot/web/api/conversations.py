"""Conversations, to be read: who spoke, what was said, where it stands."""

from collections.abc import Sequence
from typing import Any

from flask import Response
from flask_openapi3 import Tag
from sqlmodel import Session, col, select

from bot.models import Contact, Conversation, Message, Run
from bot.web import tenant
from bot.web.api import pages
from bot.web.api.blueprint import blueprint, needs
from bot.web.api.keys import caller
from bot.web.api.schemas.fields import PageQuery
from bot.web.api.schemas.talks import (
    ConversationOut,
    ConversationPath,
    ConversationsPage,
    ConversationsQuery,
    LocationOut,
    MessageOut,
    MessagesPage,
)

CONVERSATIONS = Tag(name="Conversations", description="What was said on WhatsApp, by whom.")


@blueprint.get("/conversations", tags=[CONVERSATIONS], responses={200: ConversationsPage})
@needs("conversations:read")
def list_conversations(query: ConversationsQuery) -> Response:
    """List conversations, newest first"""
    statement = select(Conversation).order_by(col(Conversation.id).desc()).limit(query.limit + 1)
    if query.owner:
        statement = statement.where(Conversation.owner == query.owner)
    if query.order_id:
        talks = select(Run.conversation_id).where(Run.order_id == query.order_id)
        statement = statement.where(col(Conversation.id).in_(talks))
    if place := pages.decode(query.cursor, int):
        statement = statement.where(col(Conversation.id) < place[0])
    with tenant.reading(caller().merchant_id) as session:
        rows, following = pages.page(session.exec(statement).all(), query.limit, lambda talk: (talk.id or 0,))
        shown = ConversationsPage(items=_shown(session, rows), next=following)
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.get("/conversations/<int:conversation_id>", tags=[CONVERSATIONS], responses={200: ConversationOut})
@needs("conversations:read")
def get_conversation(path: ConversationPath) -> Response:
    """Read where a conversation stands"""
    with tenant.reading(caller().merchant_id) as session:
        shown = _shown(session, [tenant.find(session, Conversation, path.conversation_id)])[0]
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.get("/conversations/<int:conversation_id>/messages", tags=[CONVERSATIONS], responses={200: MessagesPage})
@needs("conversations:read")
def list_messages(path: ConversationPath, query: PageQuery) -> Response:
    """Read what was said, oldest first

    Notes that your people wrote for each other are among it, with the kind `note`.
    """
    statement = select(Message).where(Message.conversation_id == path.conversation_id)
    if place := pages.decode(query.cursor, int):
        statement = statement.where(col(Message.seq) > place[0])
    with tenant.reading(caller().merchant_id) as session:
        tenant.find(session, Conversation, path.conversation_id)
        found = session.exec(statement.order_by(col(Message.seq)).limit(query.limit + 1)).all()
        rows, following = pages.page(found, query.limit, lambda message: (message.seq,))
    shown = MessagesPage(items=[_message(row) for row in rows], next=following)
    return Response(shown.model_dump_json(), mimetype="application/json")


def _shown(session: Session, talks: Sequence[Conversation]) -> list[ConversationOut]:
    contacts = {
        contact.id: contact
        for contact in session.exec(select(Contact).where(col(Contact.id).in_([talk.contact_id for talk in talks])))
    }
    orders: dict[int, list[int]] = {}
    runs = select(Run.conversation_id, Run.order_id).where(col(Run.conversation_id).in_([talk.id for talk in talks]))
    for talk_id, order_id in session.exec(runs.distinct().order_by(col(Run.order_id))):
        orders.setdefault(talk_id, []).append(order_id)
    shown = []
    for talk in talks:
        contact = contacts.get(talk.contact_id)
        shown.append(
            ConversationOut(
                id=talk.id or 0,
                owner=talk.owner,
                shopper_name=contact.name if contact else "",
                locale=contact.locale if contact else None,
                opted_out=bool(contact and contact.opted_out_at),
                order_ids=orders.get(talk.id or 0, []),
                waiting_since=talk.waiting_since,
                window_until=talk.window_until,
                last_at=talk.last_at,
                created_at=talk.created_at,
            )
        )
    return shown


def _message(row: Message) -> MessageOut:
    return MessageOut(
        id=row.id or 0,
        seq=row.seq,
        direction=row.direction,
        author=row.author,
        kind=row.kind,
        body=row.body,
        choices=[str(choice.get("title", "")) for choice in row.choices],
        location=_location(row.extra.get("location")),
        status=row.status,
        order_id=row.order_id,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )


def _location(pin: Any) -> LocationOut | None:
    if not isinstance(pin, dict) or not all(isinstance(pin.get(key), int | float) for key in ("latitude", "longitude")):
        return None
    return LocationOut(latitude=pin["latitude"], longitude=pin["longitude"])

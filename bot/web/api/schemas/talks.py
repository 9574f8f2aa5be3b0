"""Conversations and reviews, as they are given."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from bot.models.talk import OWNERS
from bot.web.api.schemas.fields import Given, Id, PageQuery

Owner = Literal[OWNERS]  # type: ignore[valid-type]


class ConversationPath(Given):
    conversation_id: Id


class ConversationsQuery(PageQuery):
    """Which conversations."""

    owner: Owner | None = Field(
        default=None, description="Who speaks for you: the bot, an agent, or nobody yet (queue)."
    )
    order_id: Id | None = None


class ConversationOut(BaseModel):
    id: int
    owner: Owner
    shopper_name: str
    locale: str | None
    opted_out: bool
    order_ids: list[int]
    waiting_since: datetime | None
    window_until: datetime | None
    last_at: datetime | None
    created_at: datetime


class ConversationsPage(BaseModel):
    items: list[ConversationOut]
    next: str | None


class LocationOut(BaseModel):
    latitude: float
    longitude: float


class MessageOut(BaseModel):
    id: int
    seq: int
    direction: Literal["in", "out"]
    author: str
    kind: str
    body: str
    choices: list[str]
    location: LocationOut | None
    status: str
    order_id: int | None
    created_at: datetime
    sent_at: datetime | None


class MessagesPage(BaseModel):
    items: list[MessageOut]
    next: str | None


class ReviewPath(Given):
    review_id: Id


class ReviewsQuery(PageQuery):
    """Which reviews."""

    rating_until: int | None = Field(default=None, ge=1, le=5)
    order_id: Id | None = None


class ReviewOut(BaseModel):
    id: int
    order_id: int
    rating: int | None
    text: str
    tags: list[str]
    photos: int = Field(description="How many pictures and videos came with it.")
    reply: str
    created_at: datetime
    updated_at: datetime


class ReviewsPage(BaseModel):
    items: list[ReviewOut]
    next: str | None

"""Webhooks and their log, as they are given."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from bot.web.api.schemas.fields import Given, Id


class HookPath(Given):
    hook_id: Id


class DeliveryPath(Given):
    hook_id: Id
    delivery_id: Id


class HookOut(BaseModel):
    id: int
    url: str
    events: list[str]
    failing_since: datetime | None
    disabled_at: datetime | None
    created_at: datetime


class HooksPage(BaseModel):
    items: list[HookOut]


class TryOut(BaseModel):
    at: datetime
    status: int | None
    error: str
    ms: int


class DeliveryOut(BaseModel):
    id: int
    event_id: str
    event: str
    status: Literal["due", "delivered", "failed"]
    attempts: int
    next_at: datetime | None
    tries: list[TryOut]
    body: dict[str, Any]
    created_at: datetime
    settled_at: datetime | None


class DeliveriesPage(BaseModel):
    items: list[DeliveryOut]
    next: str | None

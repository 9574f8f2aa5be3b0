"""Callers of the API: keys, and clients that send them."""

from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.services import Services
from bot.web.api import keys
from tests.web.samples import Shop

ORDER: dict[str, Any] = {
    "reference": "#9001",
    "phone": "+919811012345",
    "shopper_name": "Priya Nair",
    "amount": 79900,
    "address": {
        "address1": "Flat 12, Shanti Niwas", "address2": "Gomti Nagar", "city": "Lucknow", "state": "Uttar Pradesh",
        "postal_code": "226010",
    },
    "items": [
        {"name": "Cotton kurta, indigo, L", "sku": "KU-IN-L", "quantity": 2, "price": 29900},
        {"name": "Juttis, 38", "price": 20100},
        {"name": "Juttis, 38", "price": 20100},
    ],
}  # fmt: skip


def make_key(services: Services, shop: Shop, scopes: Sequence[str] = keys.SCOPES) -> str:
    """Write a key of a shop and return it."""
    with services.database.session() as session:
        row, key = keys.new_key(shop.merchant, "warehouse", list(scopes))
        session.add(row)
    return key


class System:
    """A merchant's system: calls the API with its key."""

    def __init__(self, app: Flask, key: str) -> None:
        """Keep the key."""
        self.client: FlaskClient = app.test_client()
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **query: Any) -> TestResponse:
        """Read."""
        return self.client.get(f"/api/v1{path}", headers=self.headers, query_string=query)

    def post(self, path: str, body: Any = None, once: str | None = None, method: str = "POST") -> TestResponse:
        """Change something; `once` is the Idempotency-Key."""
        headers = {**self.headers, **({"Idempotency-Key": once} if once else {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, json=body)

    def patch(self, path: str, body: Any, once: str | None = None) -> TestResponse:
        """Change some fields."""
        return self.post(path, body, once, "PATCH")


CALLS = {
    "api.create_order": ("POST", "/api/v1/orders"),
    "api.create_orders_at_once": ("POST", "/api/v1/orders/batch"),
    "api.list_orders": ("GET", "/api/v1/orders"),
    "api.get_order": ("GET", "/api/v1/orders/{order}"),
    "api.update_order": ("PATCH", "/api/v1/orders/{order}"),
    "api.cancel_order": ("POST", "/api/v1/orders/{order}/cancel"),
    "api.approve_change": ("POST", "/api/v1/orders/{order}/approve"),
    "api.mark_order": ("POST", "/api/v1/orders/{order}/status"),
    "api.record_outcome": ("POST", "/api/v1/orders/{order}/outcome"),
    "api.list_decisions": ("GET", "/api/v1/decisions"),
    "api.list_conversations": ("GET", "/api/v1/conversations"),
    "api.get_conversation": ("GET", "/api/v1/conversations/{conversation}"),
    "api.list_messages": ("GET", "/api/v1/conversations/{conversation}/messages"),
    "api.list_reviews": ("GET", "/api/v1/reviews"),
    "api.get_review": ("GET", "/api/v1/reviews/{review}"),
    "api.create_upload": ("POST", "/api/v1/uploads"),
    "api.list_uploads": ("GET", "/api/v1/uploads"),
    "api.get_upload": ("GET", "/api/v1/uploads/{upload}"),
    "api.get_report": ("GET", "/api/v1/uploads/{upload}/report"),
    "api.begin_upload": ("POST", "/api/v1/uploads/{upload}/begin"),
    "api.undo_upload": ("POST", "/api/v1/uploads/{upload}/undo"),
    "api.list_hooks": ("GET", "/api/v1/hooks"),
    "api.list_deliveries": ("GET", "/api/v1/hooks/{hook}/deliveries"),
    "api.resend_delivery": ("POST", "/api/v1/hooks/{hook}/deliveries/{delivery}/resend"),
}
"""Every call of the API. Whoever is signed in and has no key is nobody here; keys have walls of their own, which
`test_api.py` tries with each of these."""

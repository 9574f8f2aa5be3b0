"""The list of orders, page by page, on both databases: every order once, in its place."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from bot.clock import now
from bot.models import Order
from bot.services import Services
from bot.settings import Settings
from bot.web import order_list
from bot.web.application import create_app
from bot.web.order_list import SORTS
from tests.web.conftest import SECRET, post
from tests.web.samples import PASSWORD, Shop, fill

SignIn = Callable[..., FlaskClient]
NONSENSE = ("x", "~", "1~", "~1!left", "2026-01-01~5", "9" * 40 + "~1", "~" + "9" * 40, "a!left")


def test_pages_of_every_sort_show_every_order_once_in_its_place(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_list, "PAGE", 3)
    services = Services.from_settings(
        Settings.from_env(database_url=database_url, redis_url=redis_url, secret_key=SECRET)
    )
    shop, at = fill(services, count=16), now()
    with services.database.session() as session:
        orders = session.exec(select(Order).order_by(Order.id)).all()  # type: ignore[arg-type]
        for number, order in enumerate(orders):
            order.status = ("open", "shipped", "open", "open", "returned")[number % 5]
            # Several at the same moment, and some for which there is none.
            order.cutoff_at = None if number % 4 == 3 else at + timedelta(hours=number // 3 - 2)
            order.created_at = order.updated_at = at - timedelta(hours=number // 2)
            order.amount = number % 6 * 100
    client = create_app(services).test_client()
    post(client, "/sign-in", email=shop.owner, password=PASSWORD)
    places: dict[str, Callable[[Order], tuple[float, ...]]] = {
        "newest": lambda one: (-one.created_at.timestamp(), -(one.id or 0)),
        "changed": lambda one: (-one.updated_at.timestamp(), -(one.id or 0)),
        "amount": lambda one: (-one.amount, -(one.id or 0)),
        "cutoff": lambda one: (
            (0, one.cutoff_at.timestamp() if one.cutoff_at else 9e12, one.id or 0)
            if one.status == "open"
            else (1, -one.created_at.timestamp(), -(one.id or 0))
        ),
    }
    for sort in SORTS:
        assert _walk(client, f"/orders?sort={sort}") == [one.id for one in sorted(orders, key=places[sort])], sort
    services.database.engine.dispose()


def test_a_key_that_makes_no_sense_begins_at_the_top(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    for sort in SORTS:
        for key in NONSENSE:
            assert client.get(f"/orders?sort={sort}&after={key}").status_code == 200, (sort, key)


def _walk(client: FlaskClient, address: str) -> list[int]:
    seen: list[int] = []
    while address:
        assert len(seen) < 40
        page = client.get(address).text
        seen += [int(number) for number in re.findall(r'id="order-(\d+)"', page)]
        further = re.search(r'href="([^"]*[?&;]after=[^"]*)"', page)
        address = unescape(further[1]) if further else ""
    return seen

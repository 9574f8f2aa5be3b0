"""What a newer list says of an answered order waits for the shop's word, which is given in the console or by a call."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from bot.clock import now
from bot.models import AddressVersion, Audit, Merchant, Order
from bot.orders import uploads
from bot.services import Services
from tests.web.api_calls import System, make_key
from tests.web.conftest import post
from tests.web.samples import Shop

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def listed(services: Services, shop: Shop) -> int:
    """A confirmed order that a newer list gives another amount and address."""
    with services.database.session() as session:
        order = session.get_one(Order, shop.orders[0])
        merchant = session.get_one(Merchant, shop.merchant)
        content = (
            "Order No,Name,Mobile,Address,City,Pincode,Amount,Payment\n"
            f"{order.reference},{order.shopper_name},{order.phone},House 9 New Road,Lucknow,226010,650,COD\n"
        )
        upload = uploads.receive(session, merchant, "newer.csv", content.encode(), at=now())
        uploads.begin(session, upload, now())
    assert uploads.run(services, upload.id or 0)
    assert _order(services, shop).amount != 65000
    return shop.orders[0]


def _order(services: Services, shop: Shop) -> Order:
    with services.database.reader() as session:
        return session.get_one(Order, shop.orders[0])


def _place(services: Services, order_id: int) -> str:
    with services.database.reader() as session:
        statement = select(AddressVersion).where(AddressVersion.order_id == order_id)
        newest = max(session.exec(statement), key=lambda version: version.version)
        return str(newest.parts["address1"])


def test_the_shop_takes_the_newer_list_with_one_press(
    services: Services, shop: Shop, listed: int, sign_in: SignIn
) -> None:
    owner = sign_in(shop.owner)
    page = owner.get(f"/orders/{listed}").text
    assert "A newer list says otherwise" in page
    assert f"/orders/{listed}/approve" in page
    assert f"/orders/{listed}/approve" not in sign_in(shop.agent).get(f"/orders/{listed}").text
    assert post(owner, f"/orders/{listed}/approve").status_code == 302
    order = _order(services, shop)
    assert (order.amount, order.intent) == (65000, "confirmed")
    assert _place(services, listed) == "House 9 New Road"
    page = owner.get(f"/orders/{listed}").text
    assert "The order is now as the list says" in page
    assert "A newer list says otherwise" not in page
    post(owner, f"/orders/{listed}/approve")
    assert "Nothing waits any more" in owner.get(f"/orders/{listed}").text
    with services.database.reader() as session:
        (line,) = session.exec(select(Audit).where(Audit.act == "order.change_approved")).all()
        assert (line.member_id, line.object) == (shop.members["owner"], f"order:{listed}")


def test_a_system_approves_it_once(app: Flask, services: Services, shop: Shop, listed: int) -> None:
    system = System(app, make_key(services, shop))
    answer = system.post(f"/orders/{listed}/approve", once="a")
    assert (answer.status_code, answer.json["amount"], answer.json["intent"]) == (200, 65000, "confirmed")
    assert system.post(f"/orders/{listed}/approve", once="a").json == answer.json
    again = system.post(f"/orders/{listed}/approve")
    assert (again.status_code, again.json["code"]) == (409, "nothing_waits")

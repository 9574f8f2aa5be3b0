"""The overview's figures are the orders' own, on both databases, and its pictures have tables."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from bot.clock import now
from bot.models import Merchant, Order, Receipt
from bot.services import Services
from bot.settings import Settings
from bot.web import figures, overview
from bot.web.figures import Rate, difference
from tests.web.conftest import SECRET
from tests.web.samples import Shop, fill

SignIn = Callable[..., FlaskClient]


def test_figures_are_the_same_on_every_database(database_url: str, redis_url: str) -> None:
    given = Services.from_settings(Settings.from_env(database_url=database_url, redis_url=redis_url, secret_key=SECRET))
    fill(given, count=24)
    with given.database.session() as session:
        for number, order in enumerate(session.exec(select(Order).order_by(Order.id)).all()):
            order.status = ("delivered", "returned", "open", "open")[number % 4]
            order.held_out = number % 8 < 2
            order.currency = "AED" if number == 5 else order.currency
    with given.database.reader() as session:
        until = now() + timedelta(seconds=1)
        found = figures.read(session, ZoneInfo("Asia/Kolkata"), until - timedelta(days=3), until, "INR")
        orders = session.exec(select(Order)).all()
    assert found.orders == 24 == sum(day.number for _on, day in found.days)
    for slices in (found.days, found.goods):
        told = [slice_ for _name, slice_ in slices]
        assert (sum(one.asked for one in told), sum(one.answered for one in told)) == (found.asked, found.answered)
        assert sum(one.changed for one in told) == found.changed
    assert found.answers == {"confirmed": 4, "cancelled": 4, "silent": 4, "waiting": 8, "others": 4}
    assert (found.asked, found.answered, found.changed) == (20, 8, 4)
    ours = [order for order in orders if order.currency == "INR"]
    assert found.confirmed_cash == sum(order.amount for order in ours if order.intent == "confirmed")
    assert found.foreign == 1
    assert found.speeds == [(300, 0.0), (900, 0.0), (3600, 0.4), (14400, 0.4), (86400, 0.4)]
    assert found.reasons == [("price", 4)]
    assert found.findings == [("HOUSE", "There is no house number.", 12)]
    assert found.with_asking.of + found.without_asking.of == 12
    assert found.without_asking == Rate(3, 6)
    assert len(found.goods) == 6
    name, speaker = found.goods[0]
    assert name == "Bluetooth speaker"
    assert speaker.parts == {"confirmed": 0, "cancelled": 0, "silent": 4, "waiting": 0, "others": 0}
    assert sum(rate.hits for _name, rate in found.products) == 6
    assert {code for code, _rate in found.postcodes} <= {"226010", "302017", "682020", "273001", "411038", "781005"}
    assert len(found.days) in (3, 4)


def test_the_messages_of_a_large_shop_are_told_from_its_newest_orders(
    services: Services, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = fill(services, count=12)
    with services.database.session() as session:
        for receipt in session.exec(select(Receipt).where(Receipt.status == "delivered")).all():
            receipt.billable = True
        merchant = session.get_one(Merchant, shop.merchant)
        merchant.rules = {**merchant.rules, "message_price": 2.5}
    client = sign_in(shop.owner)
    # Ten were asked, and each got one message that is charged.
    assert "₹25<" in client.get("/overview").text
    monkeypatch.setattr(figures, "SAMPLE", 4)
    client.application.extensions.pop("pakka_figures")
    assert "₹25<" in client.get("/overview").text
    with services.database.session() as session:
        session.get_one(Merchant, shop.merchant).currency = "PHP"
        session.get_one(Merchant, shop.merchant).rules = {}
    client.application.extensions.pop("pakka_figures")
    assert "Set what one costs" in client.get("/overview").text


def test_figures_that_take_long_are_shown_as_they_were_while_they_are_added_up_anew(
    shop: Shop, services: Services, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "QUICK", 0.0)
    monkeypatch.setattr(overview, "FRESH", 0.0)
    client = sign_in(shop.owner)
    before = client.get("/overview").text
    with services.database.session() as session:
        session.get_one(Merchant, shop.merchant).rules = {"return_cost": 77_700}
    assert "₹150 each" in before
    assert "₹150 each" in client.get("/overview").text
    until = time.monotonic() + 10
    while "₹777 each" not in client.get("/overview").text:
        assert time.monotonic() < until


def test_days_are_those_of_the_shops_own_zone(services: Services) -> None:
    fill(services, count=1)
    with services.database.session() as session:
        order = session.exec(select(Order)).one()
        order.created_at = now().replace(hour=20, minute=0, second=0, microsecond=0) - timedelta(days=1)
        at = order.created_at
    with services.database.reader() as session:
        found = figures.read(session, ZoneInfo("Asia/Kolkata"), at - timedelta(days=2), at + timedelta(days=2), "INR")
    # 20:00 in London's winter is half past one of the next day in India.
    assert [on for on, day in found.days if day.number] == [(at + timedelta(days=1)).date()]


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 400))
def test_intervals_hold_their_estimate_and_stay_in_bounds(a: int, b: int, c: int, d: int) -> None:
    one, other = Rate(min(a, b), max(a, b)), Rate(min(c, d), max(c, d))
    for rate in (one, other):
        low, high = rate.bounds
        assert 0 <= low <= high <= 1
        assert not rate.of or low - 1e-9 <= rate.share <= high + 1e-9
    middle, low, high = difference(one, other)
    assert -1 - 1e-9 <= low <= middle + 1e-9
    assert middle - 1e-9 <= high <= 1 + 1e-9


def test_newcombes_interval_is_that_of_his_paper() -> None:
    # Newcombe 1998, table II, contrast a: 56/70 against 48/80 gives 0.0524 to 0.3339.
    assert difference(Rate(56, 70), Rate(48, 80)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_page_shows_pictures_tables_and_files(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    page = client.get("/overview").text
    assert page.count('<svg class="chart"') == 2
    for words in (
        *("Cash at risk", "Freight saved", "₹300", "Orders by day", "Answers by product", "Cotton kurta, indigo, L"),
        *("Too expensive", "There is no house number."),
    ):
        assert words in page
    for what in re.findall(r'href="(/overview/\w+\.csv[^"]*)"', page):
        table = client.get(what.replace("&amp;", "&"))
        assert table.mimetype == "text/csv"
        assert len(table.text.splitlines()) > 1
    assert client.get("/overview/secrets.csv").status_code == 404


@pytest.mark.parametrize("days", ["7", "90", "0", "-5", "x", "9" * 40])
def test_no_span_breaks_the_page(shop: Shop, sign_in: SignIn, days: str) -> None:
    assert sign_in(shop.owner).get(f"/overview?days={days}").status_code == 200


def test_a_shop_without_orders_sees_what_comes(services: Services, sign_in: SignIn) -> None:
    shop = fill(services, count=1)
    with services.database.session() as session:
        session.exec(select(Order)).one().created_at = now() - timedelta(days=200)
    assert "Nothing to count yet" in sign_in(shop.owner).get("/overview").text

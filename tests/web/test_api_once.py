"""Once: the same call again gives the same answer and does nothing, also at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import func, select

from bot.clock import now
from bot.models import Idempotency, Merchant, Order
from bot.services import Services
from bot.settings import Settings
from tests.web import samples
from tests.web.api_calls import ORDER, System, make_key
from tests.web.conftest import SECRET
from tests.web.samples import Shop


@pytest.fixture
def services(database_url: str, redis_url: str) -> Services:
    """Services on each database: they keep two calls apart in different ways."""
    return Services.from_settings(Settings.from_env(database_url=database_url, redis_url=redis_url, secret_key=SECRET))


@pytest.fixture
def system(app: Flask, shop: Shop, services: Services) -> System:
    """A system of the shop."""
    return System(app, make_key(services, shop))


def _count(services: Services, reference: str) -> int:
    with services.database.reader() as session:
        return session.exec(select(func.count()).select_from(Order).where(Order.reference == reference)).one()


def test_ten_calls_at_once_with_one_key_make_one_order_and_get_one_answer(
    app: Flask, shop: Shop, services: Services
) -> None:
    key = make_key(services, shop)

    def call(_number: int) -> tuple[int, str]:
        answer = System(app, key).post("/orders", ORDER, once="the-same")
        return answer.status_code, answer.text

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(call, range(10)))
    assert len(answers) == 1
    assert answers.pop()[0] == 201
    assert _count(services, "#9001") == 1


def test_ten_systems_that_make_the_same_order_at_once_make_one(app: Flask, shop: Shop, services: Services) -> None:
    key = make_key(services, shop)
    with ThreadPoolExecutor(10) as pool:
        codes = sorted(
            pool.map(lambda n: System(app, key).post("/orders", ORDER, once=f"own-{n}").status_code, range(10))
        )
    assert codes == [201] + [409] * 9


def test_a_repeated_call_is_answered_as_before_and_says_so(system: System) -> None:
    first = system.post("/orders", ORDER, once="a")
    again = system.post("/orders", dict(reversed(ORDER.items())), once="a")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_one_key_for_two_calls_is_refused(system: System, services: Services) -> None:
    made = system.post("/orders", ORDER, once="a").json
    for path, body in (("/orders", {**ORDER, "amount": 1}), (f"/orders/{made['id']}/cancel", {})):
        refused = system.post(path, body, once="a")
        assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")
    assert system.get(f"/orders/{made['id']}").json["status"] == "open"


def test_a_call_that_was_refused_can_be_mended_under_its_key(system: System) -> None:
    assert system.post("/orders", {**ORDER, "phone": "1"}, once="a").status_code == 422
    assert system.post("/orders", ORDER, once="a").status_code == 201


def test_shops_do_not_share_their_keys(app: Flask, system: System, services: Services) -> None:
    rival = samples.fill(services, "rival")
    theirs = System(app, make_key(services, rival))
    mine = system.post("/orders", ORDER, once="a").json
    other = theirs.post("/orders", {**ORDER, "amount": 5}, once="a")
    assert other.status_code == 201
    assert other.json["id"] != mine["id"]


def test_answers_are_forgotten_after_two_days(system: System, services: Services) -> None:
    system.post("/orders", ORDER, once="a")
    with services.database.session() as session:
        for row in session.exec(select(Idempotency)):
            row.created_at = now() - timedelta(hours=49)
    assert system.post("/orders", ORDER, once="a").status_code == 409


def test_a_shop_without_a_number_takes_orders_that_are_asked_later(
    system: System, shop: Shop, services: Services
) -> None:
    with services.database.session() as session:
        session.get_one(Merchant, shop.merchant).channel_id = None
    made = system.post("/orders", ORDER)
    assert (made.status_code, made.json["ask_at"]) == (201, None)

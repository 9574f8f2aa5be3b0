"""Outgoing webhooks over real HTTP and on both databases: signed, told once to each, retried."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import event as orm_event
from sqlmodel import select

from bot import clock
from bot.hooks import delivery, events, sending
from bot.jobs import NOTIFY
from bot.models import Hook, Order, Review
from bot.orders import outcomes
from bot.services import Services
from bot.settings import Settings
from bot.talk import sweeps
from bot.web.vault import Vault
from tests.web import samples
from tests.web.conftest import SECRET
from tests.web.hook_receiver import Receiver, deliver, log_of, make_hook, record
from tests.web.samples import Shop


@pytest.fixture(params=["sqlite", "postgresql"])
def services(request: pytest.FixtureRequest, redis_url: str) -> Services:
    """Services on each of the databases: which rows a sender may claim is decided there."""
    url = request.getfixturevalue(f"{request.param}_url")
    return Services.from_settings(Settings.from_env(database_url=url, redis_url=redis_url, secret_key=SECRET))


def test_a_receiver_can_check_that_an_event_is_ours_and_new(services: Services, shop: Shop, receiver: Receiver) -> None:
    _, secret = make_hook(services, shop, receiver.url)
    record(services, shop.orders[1], intent="confirmed")
    assert deliver(services) == 2
    assert {headers["Pakka-Event"] for headers, _ in receiver.got} == {"order.confirmed", "order.decided"}
    for headers, body in receiver.got:
        # As https://www.standardwebhooks.com writes it, with nothing of ours.
        signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert hmac.compare_digest(headers["webhook-signature"], expected)
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        told = json.loads(body)
        assert told["id"] == headers["webhook-id"]
        assert told["data"]["order"]["reference"] == "#1001"
        assert told["data"]["order"]["intent"] == "confirmed"


def test_an_event_holds_nothing_personal(services: Services, shop: Shop) -> None:
    hook, _ = make_hook(services, shop, "https://kesar.example/")
    record(
        services, shop.orders[1], intent="cancelled", cancel_note="I moved to Pune", instructions="Ring twice",
        alternate_phone="+919811000000",
    )  # fmt: skip
    with services.database.reader() as session:
        order = session.get_one(Order, shop.orders[1])
    text = json.dumps([row.body for row in log_of(services, hook)], ensure_ascii=False)
    for personal in (order.phone, order.shopper_name, "Pune", "Ring", "+9198"):
        assert personal not in text


def test_a_failed_delivery_is_tried_again_later_and_then_again(
    services: Services, shop: Shop, receiver: Receiver, later: Callable[[timedelta], None]
) -> None:
    hook, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [500, 503]
    record(services, shop.orders[0], status="shipped")
    assert deliver(services) == 1
    assert deliver(services) == 0, "not at once"
    later(delivery.BACKOFF[0] * 1.3)
    assert deliver(services) == 1
    later(delivery.BACKOFF[0] * 1.3)
    assert deliver(services) == 0, "longer each time"
    later(delivery.BACKOFF[1] * 1.3)
    assert deliver(services) == 1
    (row,) = log_of(services, hook)
    assert (row.status, row.attempts, [one["status"] for one in row.tries]) == ("delivered", 3, [500, 503, 204])
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    with services.database.reader() as session:
        assert session.get_one(Hook, hook).failing_since is None


def test_a_hook_that_fails_for_days_is_switched_off(
    services: Services, shop: Shop, receiver: Receiver, later: Callable[[timedelta], None]
) -> None:
    hook, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [500] * 20
    record(services, shop.orders[0], status="shipped")
    tries = 0
    for wait in (timedelta(), *delivery.BACKOFF):
        later(wait * 1.3)
        tries += deliver(services)
    with services.database.reader() as session:
        row = session.get_one(Hook, hook)
    assert row.disabled_by == "failing"
    assert tries >= 8
    record(services, shop.orders[0], status="delivered")
    assert len(log_of(services, hook)) == 1, "nothing is kept for a hook that is off"


def test_a_receiver_that_says_it_is_gone_is_left_alone(services: Services, shop: Shop, receiver: Receiver) -> None:
    hook, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [410]
    record(services, shop.orders[0], status="shipped")
    deliver(services)
    with services.database.reader() as session:
        assert session.get_one(Hook, hook).disabled_by == "gone"


def test_a_redirect_is_not_followed(services: Services, shop: Shop, receiver: Receiver) -> None:
    hook, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [307]
    record(services, shop.orders[0], status="shipped")
    deliver(services)
    assert len(receiver.got) == 1
    assert log_of(services, hook)[0].tries[0]["error"] == "redirect"


def test_a_slow_receiver_holds_up_no_other(
    services: Services, shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.5)
    slow = Receiver()
    slow.slow = True
    try:
        first, _ = make_hook(services, shop, slow.url, ["order.shipped"])
        second, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
        for order in shop.orders[:10]:
            record(services, order, status="shipped")
        deliver(services)
        assert [row.status for row in log_of(services, second)] == ["delivered"] * 10
        tried = [row for row in log_of(services, first) if row.attempts]
        assert [row.tries[0]["error"] for row in tried] == ["timeout"] * 4, "then it is left alone for a while"
    finally:
        slow.close()


def test_events_go_to_the_shop_they_are_about(services: Services, shop: Shop, receiver: Receiver) -> None:
    rival = samples.fill(services, "rival")
    theirs, _ = make_hook(services, rival, receiver.url)
    record(services, shop.orders[1], intent="confirmed")
    assert log_of(services, theirs) == []


def test_a_rolled_back_deed_is_told_nobody(services: Services, shop: Shop) -> None:
    hook, _ = make_hook(services, shop, "https://kesar.example/")
    with pytest.raises(ZeroDivisionError):
        _record_and_break(services, shop.orders[1])
    assert log_of(services, hook) == []


def _record_and_break(services: Services, order_id: int) -> None:
    with services.database.session() as session:
        order = session.get_one(Order, order_id)
        outcomes.record(session, order, by="merchant", at=clock.now(), intent="confirmed")
        1 / 0  # noqa: B018


def test_a_shop_without_hooks_pays_one_statement_in_a_transaction(services: Services, shop: Shop) -> None:
    asked: list[str] = []
    orm_event.listen(services.database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with services.database.session() as session:
        for order in shop.orders[:6]:
            outcomes.record(session, session.get_one(Order, order), by="merchant", at=clock.now(), slot="evening")
    assert len([statement for statement in asked if "FROM hook" in statement]) == 1


def test_a_lost_ring_is_found(
    services: Services, shop: Shop, receiver: Receiver, later: Callable[[timedelta], None]
) -> None:
    make_hook(services, shop, receiver.url, ["order.shipped"])
    record(services, shop.orders[0], status="shipped")
    later(timedelta(seconds=5))
    with services.database.reader() as session:
        assert (NOTIFY, ()) in sweeps.unheard_rings(session)
    deliver(services)
    with services.database.reader() as session:
        assert (NOTIFY, ()) not in sweeps.unheard_rings(session)


def test_two_senders_at_once_tell_each_event_once(services: Services, shop: Shop, receiver: Receiver) -> None:
    first, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    second, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    for order in shop.orders:
        record(services, order, status="shipped")
    start = Barrier(4)

    def send(_: int) -> int:
        start.wait()
        return deliver(services)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(4))) == 2 * len(shop.orders)
    assert len(receiver.got) == 2 * len(shop.orders)
    for hook in (first, second):
        assert {row.status for row in log_of(services, hook)} == {"delivered"}
        assert {row.attempts for row in log_of(services, hook)} == {1}


def test_a_sender_that_died_is_followed_by_another(
    services: Services, shop: Shop, receiver: Receiver, later: Callable[[timedelta], None]
) -> None:
    make_hook(services, shop, receiver.url, ["order.shipped"])
    record(services, shop.orders[0], status="shipped")
    with services.database.session() as session:
        assert len(delivery._claim(session, Vault(SECRET).open, clock.now())) == 1
    assert deliver(services) == 0
    later(delivery.LEASE)
    assert deliver(services) == 1


def test_reviews_are_told(services: Services, shop: Shop) -> None:
    hook, _ = make_hook(services, shop, "https://kesar.example/", ["review.created"])
    with services.database.session() as session:
        review = session.exec(select(Review).where(Review.merchant_id == shop.merchant)).first()
        events.tell_of_review(session, review, clock.now(), new=True)
        events.tell_of_review(session, review, clock.now(), new=False)
    (row,) = log_of(services, hook)
    assert row.body["data"]["review"]["rating"] == 4
    assert "Nice" not in json.dumps(row.body)

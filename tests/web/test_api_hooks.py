"""Outgoing webhooks over real HTTP: signed, retried, replayed, and never to where they must not go."""

import base64
import hashlib
import hmac
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as orm_event
from sqlmodel import col, select

from bot import clock
from bot.hooks import delivery, events, sending, targets
from bot.hooks.targets import BadTarget, Policy
from bot.jobs import NOTIFY
from bot.models import Hook, HookDelivery, Order, Review
from bot.orders import outcomes
from bot.services import Services
from bot.talk import sweeps
from bot.web.vault import Vault
from tests.web import samples
from tests.web.api_calls import System, make_key
from tests.web.conftest import SECRET, post
from tests.web.samples import Shop

LOCAL = Policy(plain_http=True, private=True)
WORLD = Policy()


class Receiver:
    """A merchant's system: keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.patience = Event()
        self.slow = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                if receiver.slow:
                    receiver.patience.wait(10)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Location", receiver.url + "elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.patience.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver."""
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[timedelta], None]]:
    """Return `later(span)`: the program's clock goes on by so much."""
    ahead = timedelta()

    def go(span: timedelta) -> None:
        nonlocal ahead
        ahead += span

    clock.read_from(lambda: datetime.now().astimezone() + ahead)
    yield go
    clock.read_from(None)


def _hook(services: Services, shop: Shop, url: str, chosen: list[str] | None = None) -> tuple[int, str]:
    """Write a hook of a shop; return its id and secret."""
    secret = sending.new_secret()
    with services.database.session() as session:
        hook = Hook(merchant_id=shop.merchant, url=url, events=chosen or list(events.EVENTS), created_at=clock.now())
        session.add(hook)
        session.flush()
        hook.secret = Vault(SECRET).seal(secret, f"hook:{hook.id}:secret")
        return hook.id or 0, secret


def _record(services: Services, order_id: int, **changes: Any) -> None:
    with services.database.session() as session:
        order = session.get_one(Order, order_id)
        outcomes.record(session, order, by="merchant", at=clock.now(), bell=services.bell, **changes)


def _deliver(services: Services, policy: Policy = LOCAL) -> int:
    return delivery.deliver(services.database, Vault(SECRET).open, policy)


def _log(services: Services, hook: int) -> list[HookDelivery]:
    with services.database.reader() as session:
        statement = select(HookDelivery).where(HookDelivery.hook_id == hook).order_by(col(HookDelivery.id))
        return list(session.exec(statement))


def test_a_receiver_can_check_that_an_event_is_ours_and_new(services: Services, shop: Shop, receiver: Receiver) -> None:
    _, secret = _hook(services, shop, receiver.url)
    _record(services, shop.orders[1], intent="confirmed")
    assert _deliver(services) == 2
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
    hook, _ = _hook(services, shop, "https://kesar.example/")
    _record(
        services, shop.orders[1], intent="cancelled", cancel_note="I moved to Pune", instructions="Ring twice",
        alternate_phone="+919811000000",
    )  # fmt: skip
    with services.database.reader() as session:
        order = session.get_one(Order, shop.orders[1])
    text = json.dumps([row.body for row in _log(services, hook)], ensure_ascii=False)
    for personal in (order.phone, order.shopper_name, "Pune", "Ring", "+9198"):
        assert personal not in text


def test_a_failed_delivery_is_tried_again_later_and_then_again(
    services: Services, shop: Shop, receiver: Receiver, later: Callable[[timedelta], None]
) -> None:
    hook, _ = _hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [500, 503]
    _record(services, shop.orders[0], status="shipped")
    assert _deliver(services) == 1
    assert _deliver(services) == 0, "not at once"
    later(delivery.BACKOFF[0] * 1.3)
    assert _deliver(services) == 1
    later(delivery.BACKOFF[0] * 1.3)
    assert _deliver(services) == 0, "longer each time"
    later(delivery.BACKOFF[1] * 1.3)
    assert _deliver(services) == 1
    (row,) = _log(services, hook)
    assert (row.status, row.attempts, [one["status"] for one in row.tries]) == ("delivered", 3, [500, 503, 204])
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    with services.database.reader() as session:
        assert session.get_one(Hook, hook).failing_since is None


def test_a_hook_that_fails_for_days_is_switched_off(
    services: Services, shop: Shop, receiver: Receiver, later: Callable[[timedelta], None]
) -> None:
    hook, _ = _hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [500] * 20
    _record(services, shop.orders[0], status="shipped")
    tries = 0
    for wait in (timedelta(), *delivery.BACKOFF):
        later(wait * 1.3)
        tries += _deliver(services)
    with services.database.reader() as session:
        row = session.get_one(Hook, hook)
    assert row.disabled_by == "failing"
    assert tries >= 8
    _record(services, shop.orders[0], status="delivered")
    assert len(_log(services, hook)) == 1, "nothing is kept for a hook that is off"


def test_a_receiver_that_says_it_is_gone_is_left_alone(services: Services, shop: Shop, receiver: Receiver) -> None:
    hook, _ = _hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [410]
    _record(services, shop.orders[0], status="shipped")
    _deliver(services)
    with services.database.reader() as session:
        assert session.get_one(Hook, hook).disabled_by == "gone"


def test_a_redirect_is_not_followed(services: Services, shop: Shop, receiver: Receiver) -> None:
    hook, _ = _hook(services, shop, receiver.url, ["order.shipped"])
    receiver.answers = [307]
    _record(services, shop.orders[0], status="shipped")
    _deliver(services)
    assert len(receiver.got) == 1
    assert _log(services, hook)[0].tries[0]["error"] == "redirect"


def test_a_slow_receiver_holds_up_no_other(
    services: Services, shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.5)
    slow = Receiver()
    slow.slow = True
    try:
        first, _ = _hook(services, shop, slow.url, ["order.shipped"])
        second, _ = _hook(services, shop, receiver.url, ["order.shipped"])
        for order in shop.orders[:10]:
            _record(services, order, status="shipped")
        _deliver(services)
        assert [row.status for row in _log(services, second)] == ["delivered"] * 10
        tried = [row for row in _log(services, first) if row.attempts]
        assert [row.tries[0]["error"] for row in tried] == ["timeout"] * 4, "then it is left alone for a while"
    finally:
        slow.close()


def test_a_receiver_that_drips_bytes_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = Event()

        def drip() -> None:
            link, _ = server.accept()
            with link:
                link.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):
                    try:
                        link.sendall(b"X-A: b\r\n"[:1])
                    except OSError:
                        return

        thread = Thread(target=drip, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        outcome = sending.send(url, LOCAL, sending.new_secret(), "id", "ping", b"{}")
        stop.set()
        thread.join()
    assert outcome.error == "timeout"
    assert outcome.milliseconds < 3000


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://017700000001/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://169.254.169.254/latest",
        "https://10.1.2.3/", "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/", "https://0.0.0.0/",
        "https://224.0.0.1/", "https://255.255.255.255/", "https://localhost/", "https://localhost:6379/",
    ],
)  # fmt: skip
def test_no_address_inside_is_called(url: str) -> None:
    with pytest.raises(BadTarget) as refused:
        targets.resolve(url, WORLD)
    assert refused.value.code in ("private", "not_found")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://93.184.215.14/", "not_https"), ("file:///etc/passwd", "malformed"), ("gopher://1.1.1.1/", "malformed"),
        ("https://", "malformed"), ("https://a:b@1.1.1.1/", "malformed"), ("https://1.1.1.1/\r\nX: y", "malformed"),
        ("https://1.1.1.1:99999/", "malformed"), ("https://nowhere.invalid/", "not_found"), ("", "malformed"),
        ("https://[::1/", "malformed"), ("https://1.1.1.1/" + "a" * 2000, "malformed"),
    ],
)  # fmt: skip
def test_no_address_of_another_kind_is_called(url: str, code: str) -> None:
    with pytest.raises(BadTarget) as refused:
        targets.resolve(url, WORLD)
    assert refused.value.code == code


def test_a_public_address_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = targets.resolve("https://1.1.1.1:8443/hook?shop=1", WORLD)
    assert (found.ip, found.port, found.path, found.authority) == ("1.1.1.1", 8443, "/hook?shop=1", "1.1.1.1:8443")


def test_a_name_is_looked_up_once_and_connected_to_where_it_was_found(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is checked and private when it is connected to would get past the check."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "shop.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    url = receiver.url.replace("127.0.0.1", "shop.example")
    assert sending.send(url, WORLD, sending.new_secret(), "id", "ping", b"{}").error == "not_https"
    assert sending.send(url, Policy(plain_http=True), sending.new_secret(), "id", "ping", b"{}").error == "private"
    asked.clear()
    assert sending.send(url, LOCAL, sending.new_secret(), "id", "ping", b"{}").delivered
    assert asked.count("shop.example") == 1
    assert receiver.got[0][0]["Host"].startswith("shop.example:")


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("https://pakka.example", Policy(False, False)),
        ("http://pakka.example", Policy(True, False)),
        ("http://127.0.0.1:8000", Policy(True, True)),
        ("http://localhost:8000", Policy(True, True)),
        ("http://192.168.1.20", Policy(True, True)),
    ],
)
def test_only_an_installation_that_is_local_itself_calls_local_addresses(url: str, policy: Policy) -> None:
    assert Policy.of(url) == policy


def test_events_go_to_the_shop_they_are_about(services: Services, shop: Shop, receiver: Receiver) -> None:
    rival = samples.fill(services, "rival")
    theirs, _ = _hook(services, rival, receiver.url)
    _record(services, shop.orders[1], intent="confirmed")
    assert _log(services, theirs) == []


def test_a_rolled_back_deed_is_told_nobody(services: Services, shop: Shop) -> None:
    hook, _ = _hook(services, shop, "https://kesar.example/")
    with pytest.raises(ZeroDivisionError):
        _record_and_break(services, shop.orders[1])
    assert _log(services, hook) == []


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
    _hook(services, shop, receiver.url, ["order.shipped"])
    _record(services, shop.orders[0], status="shipped")
    later(timedelta(seconds=5))
    with services.database.reader() as session:
        assert (NOTIFY, ()) in sweeps.unheard_rings(session)
    _deliver(services)
    with services.database.reader() as session:
        assert (NOTIFY, ()) not in sweeps.unheard_rings(session)


def test_a_sender_that_died_is_followed_by_another(
    services: Services, shop: Shop, receiver: Receiver, later: Callable[[timedelta], None]
) -> None:
    _hook(services, shop, receiver.url, ["order.shipped"])
    _record(services, shop.orders[0], status="shipped")
    with services.database.session() as session:
        assert len(delivery._claim(session, Vault(SECRET).open, clock.now())) == 1
    assert _deliver(services) == 0
    later(delivery.LEASE)
    assert _deliver(services) == 1


def test_reviews_are_told(services: Services, shop: Shop) -> None:
    hook, _ = _hook(services, shop, "https://kesar.example/", ["review.created"])
    with services.database.session() as session:
        review = session.exec(select(Review).where(Review.merchant_id == shop.merchant)).first()
        events.tell_of_review(session, review, clock.now(), new=True)
        events.tell_of_review(session, review, clock.now(), new=False)
    (row,) = _log(services, hook)
    assert row.body["data"]["review"]["rating"] == 4
    assert "Nice" not in json.dumps(row.body)


def test_an_event_is_sent_again_with_its_id(app: Flask, services: Services, shop: Shop, receiver: Receiver) -> None:
    hook, _ = _hook(services, shop, receiver.url, ["order.shipped"])
    _record(services, shop.orders[0], status="shipped")
    _deliver(services)
    system = System(app, make_key(services, shop))
    (sent,) = system.get(f"/hooks/{hook}/deliveries").json["items"]
    assert sent["status"] == "delivered"
    again = system.post(f"/hooks/{hook}/deliveries/{sent['id']}/resend")
    assert again.json["status"] == "due"
    _deliver(services)
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [sent["event_id"]] * 2


# The owner's page.


def test_an_owner_makes_a_key_that_is_shown_once_and_ends_it(
    app: Flask, services: Services, shop: Shop, sign_in: Callable[..., FlaskClient]
) -> None:
    owner = sign_in(shop.owner)
    page = post(owner, "/systems/keys", name="Warehouse", scope="orders:read").text
    key = re.search(r'value="(pakka_[\w-]{43})"', page).group(1)
    assert key not in owner.get("/systems").text
    system = System(app, key)
    assert system.get("/orders").status_code == 200
    assert system.post("/orders", {}).status_code == 403
    number = re.search(r"/systems/keys/(\d+)/revoke", owner.get("/systems").text).group(1)
    post(owner, f"/systems/keys/{number}/revoke")
    assert system.get("/orders").status_code == 401
    assert post(owner, "/systems/keys", name="", scope="orders:read").status_code == 422


def test_an_owner_makes_a_hook_tests_it_and_reads_the_log(
    services: Services, shop: Shop, receiver: Receiver, sign_in: Callable[..., FlaskClient]
) -> None:
    owner = sign_in(shop.owner)
    page = post(owner, "/systems/hooks", url=receiver.url, event="order.confirmed").text
    secret = re.search(r'value="(whsec_[^"]+)"', page).group(1)
    number = int(re.search(r"/systems/hooks/(\d+)/ping", page).group(1))
    with services.database.reader() as session:
        assert secret not in session.get_one(Hook, number).model_dump_json()
    assert secret not in owner.get(f"/systems/hooks/{number}").text
    post(owner, f"/systems/hooks/{number}/ping")
    _deliver(services)
    assert receiver.got[0][0]["Pakka-Event"] == "ping"
    assert "Delivered" in owner.get(f"/systems/hooks/{number}").text
    new = re.search(r'value="(whsec_[^"]+)"', post(owner, f"/systems/hooks/{number}/secret").text).group(1)
    assert new != secret
    post(owner, f"/systems/hooks/{number}/delete")
    assert owner.get(f"/systems/hooks/{number}").status_code == 404


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "nonsense", "http://nowhere.invalid/"])
def test_an_address_that_cannot_be_called_is_refused_at_once(
    services: Services, shop: Shop, sign_in: Callable[..., FlaskClient], url: str
) -> None:
    answer = post(sign_in(shop.owner), "/systems/hooks", url=url, event="order.confirmed")
    assert answer.status_code == 422
    with services.database.reader() as session:
        assert url not in session.exec(select(Hook.url)).all()

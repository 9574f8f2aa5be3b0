"""Outgoing webhooks as owners and their systems see them: made, tested, read in the log, sent again."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from bot.models import Hook
from bot.services import Services
from bot.settings import ROOT
from tests.local.waiting import wait_until
from tests.web.api_calls import System, make_key
from tests.web.conftest import SECRET, post
from tests.web.hook_receiver import Receiver, deliver, log_of, make_hook, record
from tests.web.samples import Shop


def test_an_event_is_sent_again_with_its_id(app: Flask, services: Services, shop: Shop, receiver: Receiver) -> None:
    hook, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    record(services, shop.orders[0], status="shipped")
    deliver(services)
    system = System(app, make_key(services, shop))
    (sent,) = system.get(f"/hooks/{hook}/deliveries").json["items"]
    assert sent["status"] == "delivered"
    again = system.post(f"/hooks/{hook}/deliveries/{sent['id']}/resend")
    assert again.json["status"] == "due"
    deliver(services)
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [sent["event_id"]] * 2


def test_the_process_for_notices_delivers_what_the_bell_rings_for(
    services: Services, shop: Shop, receiver: Receiver, tmp_path: Path
) -> None:
    hook, _ = make_hook(services, shop, receiver.url, ["order.shipped"])
    settings = services.settings
    environment = {
        **os.environ, "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "SECRET_KEY": SECRET,
        "PUBLIC_URL": "http://127.0.0.1:8000", "PAKKA_VAR": str(tmp_path),
    }  # fmt: skip
    worker = subprocess.Popen([sys.executable, "-m", "workers", "notices"], cwd=ROOT, env=environment)
    try:
        record(services, shop.orders[0], status="shipped")
        wait_until(lambda: log_of(services, hook)[0].status == "delivered", seconds=60)
        assert worker.poll() is None, "it lives on"
    finally:
        worker.terminate()
        worker.wait(30)
    assert len(receiver.got) == 1


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
    deliver(services)
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

"""The way to a working number, tried against the simulator."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from bot.clock import now
from bot.models import Channel, Envelope, WhatsAppTemplate
from bot.services import Services
from bot.settings import Settings
from bot.web.application import create_app
from bot.whatsapp.catalogue import catalogue
from flows import FLOWS
from tests.web.conftest import SECRET, post
from tests.web.samples import Shop
from tests.whatsapp.conftest import Simulator, running_simulator, simulator

__all__ = ["running_simulator", "simulator"]

NUMBER, ACCOUNT = "100200300400500", "500400300200100"
SignIn = Callable[..., FlaskClient]


@pytest.fixture
def services(sqlite_url: str, redis_url: str, simulator: Simulator) -> Services:
    """Services whose WhatsApp account lives in the simulator."""
    return Services.from_settings(
        Settings.from_env(
            database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET, graph_api_url=simulator.url,
            whatsapp_token="token", whatsapp_app_secret="simulator-app-secret", whatsapp_verify_token="v",
        )
    )  # fmt: skip


@pytest.fixture
def app(services: Services) -> Flask:
    return create_app(services, flows=FLOWS)


@pytest.fixture
def owner(services: Services, shop: Shop, sign_in: SignIn) -> FlaskClient:
    """The owner, whose shop speaks through the simulator's number."""
    with services.database.session() as session:
        channel = session.exec(select(Channel)).one()
        channel.phone_number_id, channel.business_account_id = NUMBER, ACCOUNT
    return sign_in(shop.owner)


def test_the_token_is_tried_on_the_number(owner: FlaskClient, simulator: Simulator) -> None:
    assert "The token works" in owner.get("/settings/whatsapp/number").text
    simulator.control("POST", "/sim/faults", {"target": "graph", "effect": "190"})
    dead = owner.get("/settings/whatsapp/number").text
    assert "The token is wrong or has expired" in dead
    post(owner, "/settings/whatsapp/templates", act="refresh")
    assert "Meta did not take it (code 190)" in owner.get("/settings/whatsapp").text


def test_a_number_that_is_not_ours_is_said_to_be_so(owner: FlaskClient, services: Services) -> None:
    with services.database.session() as session:
        session.exec(select(Channel)).one().phone_number_id = "999"
    page = owner.get("/settings/whatsapp/number").text
    assert "Meta says no" in page
    assert "may not use this number" in page


def test_templates_are_submitted_and_their_state_is_shown(owner: FlaskClient, services: Services) -> None:
    wanted, taken = len(catalogue().templates), 100  # Meta takes so many new ones an hour.
    assert f"0 of {wanted} may be sent" in owner.get("/settings/whatsapp").text
    post(owner, "/settings/whatsapp/templates", act="push")
    post(owner, "/settings/whatsapp/templates", act="refresh")
    page = owner.get("/settings/whatsapp").text
    assert f"{taken} of {wanted} may be sent" in page
    with services.database.session() as session:
        row = session.exec(select(WhatsAppTemplate).where(WhatsAppTemplate.name == "readiness")).first()
        assert row is not None
        row.status, row.reason, row.category = "REJECTED", "INVALID_FORMAT", "MARKETING"
    page = owner.get("/settings/whatsapp").text
    assert f"{taken - 1} of {wanted} may be sent" in page
    assert "rejected, wrong format" in page
    assert '<span class="chip bad">marketing</span>' in page


def test_what_meta_posted_last_is_told_by_its_hour_alone(owner: FlaskClient, services: Services) -> None:
    with services.database.session() as session:
        session.add(Envelope(sha256="x", body=b"a secret of another shop", received_at=now()))
    page = owner.get("/settings/whatsapp").text
    assert "WhatsApp last told us something" in page
    assert "secret" not in page.replace("WHATSAPP_APP_SECRET", "")

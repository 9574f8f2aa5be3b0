"""The demo: enough life to see the point in a minute, nothing that gets in the way of what is live, and a tour."""

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlmodel import SQLModel, col, func, select

from bot import demo
from bot.clock import now
from bot.demo import past, tales
from bot.demo import shop as shop_of_the_demo
from bot.engine import Ask
from bot.models import Conversation, Handover, Message, Order, Review, Run, Timer, UploadRow
from bot.orders.samples import FIRST_ORDER
from bot.services import Services
from bot.settings import Settings
from bot.talk import sweeps
from bot.text import catalogue
from bot.understanding import Context, understand
from bot.web import figures
from bot.web.application import create_app
from flows import FLOWS
from tests.web.conftest import SECRET
from tests.web.samples import PASSWORD, Shop
from tests.whatsapp.conftest import Simulator, running_simulator, simulator

__all__ = ["running_simulator", "simulator"]

SignIn = Callable[..., FlaskClient]
NewPage = Callable[..., Page]


@pytest.fixture
def services(sqlite_url: str, redis_url: str, simulator: Simulator) -> Services:
    """Services of a machine that has just been set up."""
    return Services.from_settings(
        Settings.from_env(
            database_url=sqlite_url,
            redis_url=redis_url,
            secret_key=SECRET,
            graph_api_url=simulator.url,
            whatsapp_token="token",
            whatsapp_phone_number_id=simulator.number,
            whatsapp_business_account_id=simulator.account,
        )
    )


@pytest.fixture
def app(services: Services) -> Flask:
    """The application of that machine."""
    return create_app(services, flows=FLOWS)


@pytest.fixture
def prepared(services: Services) -> Services:
    """The demo, made ready."""
    demo.prepare(services, PASSWORD)
    return services


def test_the_demo_is_made_once_quickly_and_tells_how_to_get_in(services: Services) -> None:
    began = time.process_time()
    lines = demo.prepare(services, PASSWORD)
    assert time.process_time() - began < 3
    assert any(demo.OWNER in line for line in lines)
    counts = _counts(services)
    assert demo.prepare(services, PASSWORD) == lines
    assert _counts(services) == counts


def _counts(services: Services) -> dict[str, int]:
    with services.database.reader() as session:
        return {
            table.name: int(session.execute(select(func.count()).select_from(table)).scalar_one())
            for table in SQLModel.metadata.sorted_tables
            if table.name != "template"
        }


def test_there_are_orders_in_every_state_and_two_who_wait_for_a_person(prepared: Services) -> None:
    with prepared.database.reader() as session:
        orders = session.exec(select(Order)).all()
        assert {order.status for order in orders} == {
            "open", "shipped", "out_for_delivery", "delivered", "returned", "cancelled",
        }  # fmt: skip
        assert {order.intent for order in orders} == {
            "unasked", "asked", "confirmed", "cancelled", "denied", "silent", "unreachable", "opted_out", "held_out",
        }  # fmt: skip
        assert {order.decision for order in orders if order.status == "open"} >= {None, "hold", "call", "cancel"}
        assert any(order.address_changed for order in orders)
        assert min(order.created_at for order in orders) < now() - timedelta(days=20)
        tasks = session.exec(select(Handover).where(col(Handover.resolved_at).is_(None))).all()
        assert {task.reason for task in tasks} == {"wants_person", "address_unclear"}
        for task in tasks:
            said = session.exec(
                select(Message).where(Message.order_id == task.order_id).order_by(col(Message.seq))
            ).all()
            assert len(said) >= 5
            assert {message.author for message in said} == {"bot", "shopper"}
            assert session.get_one(Conversation, task.conversation_id).owner == "queue"
        reviews = session.exec(select(Review)).all()
        assert {review.rating for review in reviews} == {1, 2, 3, 4, 5}
        assert {tag for review in reviews for tag in review.tags} >= {"quality", "late"}


def test_the_sample_list_brings_new_orders_only(prepared: Services) -> None:
    with prepared.database.reader() as session:
        rows = session.exec(select(UploadRow)).all()
        codes = {problem["code"] for row in rows for problem in row.problems}
        listed = session.exec(select(Order.reference).where(col(Order.upload_id).is_not(None))).all()
        told = session.exec(select(Order.reference).where(col(Order.upload_id).is_(None))).all()
    assert not codes & {"KNOWN", "NEEDS_APPROVAL", "UPDATED"}
    numbers = sorted(int(reference.removeprefix("#")) for reference in told)
    assert numbers == list(range(numbers[0], FIRST_ORDER))
    assert min(int(reference.removeprefix("#")) for reference in listed) == FIRST_ORDER


def test_what_the_bot_read_in_the_past_is_what_it_reads() -> None:
    lines = [(tale.locale, said) for tale in tales.today() for said in tale.said or ()]
    for locale, answers in tales.YES.items():
        lines += [(locale, tales.Said("shopper", words, "confirm", tales.SURE["confirm"])) for words in answers]
    lines += [("hi-Latn", tales.Said("shopper", words, "cancel", tales.SURE["cancel"])) for words in tales.NO.values()]
    for locale, said in lines:
        if said.author == "bot":
            assert said.words in catalogue(locale), said.words
        elif said.read:
            asked = "address" if said.read == "address_fragment" else "confirm"
            found = understand(said.words, Context(state=asked, locale=locale, region="IN", at=now()))
            assert [(act.kind, round(act.confidence, 2)) for act in found.acts] == [(said.read, said.sure)], said


def test_the_overview_shows_what_asking_brings(prepared: Services) -> None:
    at = now()
    with prepared.database.reader() as session:
        found = figures.read(session, ZoneInfo("Asia/Kolkata"), at - timedelta(days=29), at, "INR")
    assert found.with_asking.share < found.without_asking.share
    assert sum(day.number > 0 for _on, day in found.days) > 20
    for name in ("reasons", "findings", "products", "postcodes"):
        assert getattr(found, name), name
    assert found.speeds[0][1] < found.speeds[-1][1]


def test_the_past_leaves_what_is_live_alone(prepared: Services) -> None:
    with prepared.database.session() as session:
        # The sample list is asked now, through the simulator.
        planned = session.exec(select(Run).where(Run.status == "planned")).all()
        timers = session.exec(select(Timer).where(col(Timer.fired_at).is_(None))).all()
        assert len(planned) > 20
        assert {timer.run_id for timer in timers} == {run.id for run in planned}
        # No sweep finds anything, now or later, and nothing of the past is on its way.
        for sweep in (sweeps.rescue_forgotten, sweeps.show_held, sweeps.free_held, sweeps.resend_lost):
            assert sweep(session) == 0
        waiting = ("queued", "sending", "unknown", "held")
        assert session.exec(select(Message).where(col(Message.status).in_(waiting))).all() == []
        # A courier's file holds only what the visitor's own lists bring.
        assert session.exec(select(Order).where(Order.status == "open", Order.decision == "ship")).all() == []
        numbers = Counter(session.exec(select(Order.phone).where(Order.phone != "", Order.upload_id == None)))  # noqa: E711
        assert max(numbers.values()) == 1


def test_the_talks_of_the_past_are_talks_that_exist() -> None:
    flow = FLOWS[past.FLOW]
    assert flow.version == past.VERSION
    assert isinstance(flow.by_name[past.RESUME], Ask)
    for step in ("person", "not_understood", "settled"):
        assert step in flow.by_name


def test_the_simulated_phones_have_their_owners_names_and_two_have_just_written(
    prepared: Services, simulator: Simulator
) -> None:
    with prepared.database.reader() as session:
        tasks = session.exec(select(Handover).where(col(Handover.resolved_at).is_(None))).all()
        waiting = [session.get_one(Order, task.order_id) for task in tasks]
        sample = session.exec(select(Order).where(col(Order.upload_id).is_not(None), Order.phone != "")).first()
    assert sample is not None
    for order in [*waiting, sample]:
        assert _told(simulator, f"/sim/phones/{order.phone}")["name"] == order.shopper_name
    with prepared.database.reader() as session:
        reviewed = session.exec(
            select(Order).join(Review).where(col(Review.created_at) > now() - timedelta(hours=4))
        ).all()
    assert len(reviewed) == 3
    for order in [*waiting, *reviewed]:
        chat = _told(simulator, f"/sim/phones/{order.phone}/chat?all=1")
        assert len(chat["messages"]) == 1, "what the phone has written opens the 24-hour window at WhatsApp too"


def _told(simulator: Simulator, path: str) -> dict[str, object]:
    with urlopen(Request(simulator.url + path.replace("+", "%2B"))) as answer:
        told: dict[str, object] = json.load(answer)
    return told


def test_the_demo_can_do_without_names_on_the_phones(
    prepared: Services, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = prepared.settings.model_copy(update={"graph_api_url": "http://127.0.0.1:9"})
    lost = Services(settings, prepared.database, prepared.bell)
    shop_of_the_demo._people_of_the_phones(lost, [past.Phone("+919000020000", "Asha")])


def _enter(page: Page, served: str, email: str) -> None:
    page.goto(f"{served}/sign-in")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda address: "/sign-in" not in address)


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)], ids=["laptop", "phone"])
def test_the_tour_leads_through_five_steps_by_keyboard_and_is_remembered(
    prepared: Services, served: str, new_page: NewPage, size: tuple[int, int]
) -> None:
    page = new_page(viewport={"width": size[0], "height": size[1]})
    _enter(page, served, demo.OWNER)
    tour = page.locator("#tour")
    for number, place in enumerate(("/orders", "/inbox", "/orders?view=todo", "/overview", "/settings"), start=1):
        page.wait_for_url(lambda address, place=place: address.endswith(place))  # type: ignore[misc]
        expect(tour).to_contain_text(f"{number} of 5")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        if number > 1:
            expect(tour).to_be_focused()
        if number < 5:
            page.locator(f'#tour [data-step="{number}"] [data-tour-go="{number + 1}"]').focus()
            page.keyboard.press("Enter")
    page.locator('#tour [data-step="5"] [data-tour-go="4"]').click()
    page.wait_for_url("**/overview")
    page.goto(f"{served}/reviews")
    expect(tour).to_contain_text("4 of 5")
    page.locator('#tour [data-step="4"] [data-tour-end]').focus()
    page.keyboard.press("Escape")
    expect(tour).to_be_hidden()
    page.goto(f"{served}/orders")
    expect(page.locator("h1")).to_have_text("Orders")
    expect(tour).to_be_hidden()
    page.click(".own summary")
    page.click("[data-tour-again]")
    expect(tour).to_contain_text("1 of 5")


def test_an_agent_is_led_only_where_agents_may_go(prepared: Services, sign_in: SignIn) -> None:
    client = sign_in(demo.AGENT)
    page = client.get("/inbox").text
    places = [part.split('"')[0].replace("&amp;", "&") for part in page.split('data-place="')[1:]]
    assert len(places) == 5
    assert [client.get(place).status_code for place in places] == [200] * 5


def test_shops_of_their_own_have_no_tour(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in(shop.owner).get("/orders").text
    assert "tour" not in page

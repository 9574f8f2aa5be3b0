"""Live pages: what changes is seen within a second, in a real browser and without a reload."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import event
from sqlmodel import select

from bot.clock import now
from bot.models import Conversation, Handover, Message, Order, Upload
from bot.services import Services
from bot.web import inbox, live
from tests.local.waiting import wait_until
from tests.web import samples
from tests.web.conftest import form_token, post
from tests.web.samples import PASSWORD, Shop
from tests.web.test_inbox import _waiting

SignIn = Callable[..., FlaskClient]
BAATEN = tuple(f"ek aur baat {number}" for number in range(3))


def test_nothing_changed_is_told_in_no_words(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    first = client.get("/live?t=orders&t=uploads")
    assert set(first.json) == {"orders", "uploads"}
    again = client.get("/live?t=orders&t=uploads", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


@pytest.mark.parametrize(
    ("change", "topics"),
    [
        ("order", {"orders", "order:1"}),
        ("message", {"order:1", "conversation:1"}),
        ("tick", {"order:1", "conversation:1"}),
        ("owner", {"order:1", "conversation:1"}),
        ("upload", {"uploads", "upload:1"}),
    ],
)
def test_each_change_moves_its_topics_and_no_others(
    shop: Shop, sign_in: SignIn, services: Services, monkeypatch: pytest.MonkeyPatch, change: str, topics: set[str]
) -> None:
    monkeypatch.setattr(live, "FRESH", 1e-9)
    client = sign_in(shop.owner)
    every = "/live?t=orders&t=uploads&t=order:1&t=order:2&t=upload:1&t=conversation:1&t=conversation:2"
    before = _marks(client, every)
    with services.database.session() as session:
        if change == "order":
            session.get_one(Order, 1).updated_at = now()
        elif change == "message":
            _say(session, shop, "one more")
        elif change == "tick":
            session.get_one(Message, 1).status = "played"
        elif change == "owner":
            session.get_one(Conversation, 1).epoch += 1
        else:
            session.get_one(Upload, 1).done += 1
            session.get_one(Upload, 1).touched_at = now()
    after = _marks(client, every)
    assert {topic for topic in after if after[topic] != before[topic]} == topics


@pytest.mark.parametrize(
    "topic",
    ["", "nonsense", "order", "order:", "order:x", "order:-1", "order:" + "9" * 40, "orders:1", "order:007", "queue:"],
)
def test_a_topic_that_does_not_exist_is_left_out_or_harmless(shop: Shop, sign_in: SignIn, topic: str) -> None:
    assert sign_in(shop.owner).get("/live", query_string={"t": topic}).status_code == 200


def test_a_late_transaction_with_an_older_time_is_noticed(
    shop: Shop, sign_in: SignIn, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH", 1e-9)
    client = sign_in(shop.owner)
    with services.database.session() as session:
        session.get_one(Order, 1).updated_at = now()
    before = _marks(client, "/live?t=orders")
    with services.database.session() as session:
        session.get_one(Order, 2).updated_at = now() - timedelta(seconds=3)
    assert _marks(client, "/live?t=orders") != before


def test_a_sign_out_ends_the_live_answers_within_seconds(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TRUST", 0.0)
    client = sign_in(shop.owner)
    assert client.get("/live?t=orders").status_code == 200
    client.post("/sign-out", data={"csrf_token": form_token(client)})
    assert client.get("/live?t=orders").status_code == 401


def test_new_messages_and_decisions_appear_within_a_second_without_a_reload(
    served: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, served, shop.owner)
    page.goto(f"{served}/orders/1")
    page.evaluate("window.stayed = true")
    expect(page.locator(".talk")).to_contain_text("haan bhej do")
    check_news(page, saying(shop, services), BAATEN, within="body")
    with services.database.session() as session:
        order = session.get_one(Order, 1)
        order.decision, order.decision_reason, order.updated_at = "hold", "A new reason.", now()
    page.locator(".decision").get_by_text("A new reason.").wait_for(timeout=5000)
    assert page.evaluate("window.stayed") is True


def test_news_that_come_while_older_ones_are_fetched_are_shown_too(
    served: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, served, shop.owner)
    page.goto(f"{served}/orders/1")
    page.evaluate(
        "let n = 0; document.body.addEventListener('live:order', () => { document.body.dataset.told = n += 1; }); null"
    )
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held or "hx-request" not in route.request.headers:
            route.continue_()
        else:
            held.append(route)

    page.route(f"{served}/orders/1", hold_the_first)
    with services.database.session() as session:
        _say(session, shop, "the first")
    expect(page.locator("body")).to_have_attribute("data-told", "1")
    page.locator("#order.htmx-request").wait_for()
    before = held[0].fetch()
    with services.database.session() as session:
        _say(session, shop, "the second")
    expect(page.locator("body")).to_have_attribute("data-told", "2")
    held[0].fulfill(response=before)
    page.get_by_text("the first").wait_for(timeout=5000)
    page.get_by_text("the second").wait_for(timeout=5000)


def test_a_list_that_changes_all_the_time_is_fetched_less_and_less_and_ends_with_the_last_news(
    served: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, served, shop.owner)
    page.goto(f"{served}/orders")
    fetched: list[float] = []
    page.on("request", lambda one: fetched.append(time.monotonic()) if "hx-request" in one.headers else None)
    until = time.monotonic() + 8
    amount = 0
    while time.monotonic() < until:
        amount += 100
        with services.database.session() as session:
            order = session.get_one(Order, 5)
            order.amount, order.updated_at = amount, now()
        page.wait_for_timeout(300)
    # Without a pause a page would ask about once a second.
    assert 2 <= len(fetched) <= 4, fetched
    last = f"₹{amount // 100:,}"
    expect(page.locator("tr", has=page.locator("#order-5"))).to_contain_text(last, timeout=20000)


def test_the_list_moves_by_itself_and_keeps_what_was_ticked(
    served: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, served, shop.owner)
    page.goto(f"{served}/orders")
    page.check("#tick-3")
    with services.database.session() as session:
        order = session.get_one(Order, 5)
        order.intent, order.updated_at = "confirmed", now()
    expect(page.locator("tr", has=page.locator("#order-5"))).to_contain_text("Confirmed", timeout=5000)
    expect(page.locator("#tick-3")).to_be_checked()
    expect(page.locator("[data-bulk]")).to_contain_text("1")


def test_a_click_is_not_lost_when_the_list_moves_under_it(
    served: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, served, shop.owner)
    page.goto(f"{served}/orders")
    page.locator("#order-5").hover()
    page.mouse.down()
    with page.expect_response(lambda answer: "hx-request" in answer.request.headers), services.database.session() as s:
        s.get_one(Order, 5).updated_at = now()
    page.locator("#list[data-stale]").wait_for()
    page.mouse.up()
    page.wait_for_url(f"{served}/orders/5")


def test_a_queue_that_moves_leaves_the_keyboard_where_it_is(
    served: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, served, shop.owner)
    page.goto(f"{served}/inbox")
    task = page.locator(".tasks a").last
    address = task.get_attribute("href") or ""
    task.focus()
    task.evaluate("link => { link.dataset.old = '1'; }")
    with services.database.session() as session:
        waiting = session.exec(select(Handover).where(Handover.merchant_id == shop.merchant)).first()
        session.get_one(Conversation, waiting.conversation_id).seq += 1
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(page.locator(f".tasks a[href='{address}']")).to_be_focused()


def test_an_open_menu_is_not_closed_by_news_and_the_news_come_when_it_closes(
    served: str, page: Page, shop: Shop, services: Services
) -> None:
    _enter(page, served, shop.owner)
    page.goto(f"{served}/orders/1")
    page.click(".versions > summary")
    with services.database.session() as session:
        _say(session, shop, "while it was open")
    page.locator("#order[data-stale]").wait_for(timeout=5000)
    expect(page.locator(".versions")).to_have_attribute("open", "")
    page.click(".versions > summary")
    page.get_by_text("while it was open").wait_for(timeout=5000)


def test_a_server_that_is_away_is_told_and_found_again(served: str, browser: Browser, shop: Shop) -> None:
    # A context of its own: the browser complains of what is unreachable, and here it has to be.
    context = browser.new_context()
    page = context.new_page()
    _enter(page, served, shop.owner)
    page.goto(f"{served}/orders")
    page.context.set_offline(True)
    page.locator("#lost").wait_for(state="visible", timeout=15000)
    page.context.set_offline(False)
    page.locator("#lost").wait_for(state="hidden", timeout=20000)
    context.close()


def check_news(page: Page, say: Callable[[str], None], said: Sequence[str], within: str) -> None:
    """Let the shopper say things, each of which is shown within a second in an element of this kind."""
    there = "([within, words]) => [...document.querySelectorAll(within)].some(one => one.innerText.includes(words))"
    for words in said:
        began = time.monotonic()
        say(words)
        # Looked for in each frame: a locator would look twice a second.
        page.wait_for_function(there, arg=[within, words], timeout=5000)
        took = time.monotonic() - began
        # Tests share two cores with everything else; the browser alone needs a moment to be told.
        assert took < (1.0 if os.environ.get("PAKKA_QUIET") else 3.0), took


def _marks(client: FlaskClient, address: str) -> dict[str, str]:
    return {topic: mark for topic, (mark, _age) in (client.get(address).json or {}).items()}


def saying(shop: Shop, services: Services) -> Callable[[str], None]:
    """Return what lets the shopper of the first order say something."""

    def say(words: str) -> None:
        with services.database.session() as session:
            _say(session, shop, words)

    return say


def _say(session, shop: Shop, words: str) -> None:  # type: ignore[no-untyped-def]
    conversation = session.get_one(Conversation, shop.conversation)
    conversation.seq += 1
    conversation.last_at = now()
    session.add(
        Message(
            conversation_id=shop.conversation, merchant_id=shop.merchant, order_id=shop.orders[0], direction="in",
            author="shopper", key=f"new:{words}", seq=conversation.seq, body=words, status="received", created_at=now(),
        )
    )  # fmt: skip


def _enter(page: Page, served: str, email: str) -> None:
    page.goto(f"{served}/sign-in")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{served}/orders")


def test_a_list_made_for_one_is_given_to_others_only_while_it_is_true_of_them(
    shop: Shop, sign_in: SignIn, services: Services
) -> None:
    rival = samples.fill(services, "rival", count=2)
    owner, agent, other = sign_in(shop.owner), sign_in(shop.agent), sign_in(rival.owner)
    lists = {"HX-Request": "true", "HX-Target": "list"}
    mine = owner.get("/orders", headers=lists).text
    assert owner.get("/orders", headers=lists).text == mine
    assert "#1011" in mine
    assert "Tick all" in mine
    assert "Tick all" not in agent.get("/orders", headers=lists).text
    assert "#1011" not in other.get("/orders", headers=lists).text
    assert "#1011" not in owner.get("/orders?q=1003", headers=lists).text
    with services.database.session() as session:
        session.get_one(Order, shop.orders[11]).reference = "#now"
        session.get_one(Order, shop.orders[11]).updated_at = now()
    assert "#now" in owner.get("/orders", headers=lists).text


def test_the_queue_tells_each_agent_their_own_number_and_place(shop: Shop, sign_in: SignIn, services: Services) -> None:
    with services.database.session() as session:
        task = session.exec(select(Handover).where(Handover.merchant_id == shop.merchant)).first()
        assert task is not None
        task.assigned_to = shop.members["agent"]
        at = task.conversation_id
    queue = {"HX-Request": "true", "HX-Target": "queue"}
    agent, owner = sign_in(shop.agent), sign_in(shop.owner)
    for headers in ({}, queue):
        theirs = agent.get(f"/inbox?at={at}", headers=headers).text
        assert 'Mine<span class="count">1</span>' in theirs
        assert f'class="task current" aria-current="true" href="/inbox/{at}"' in theirs
        ours = owner.get("/inbox", headers=headers).text
        assert 'Mine<span class="count">0</span>' in ours
        assert "current" not in ours.partition('class="tasks"')[2]
    assert f'href="/inbox/{at}?view=mine"' in agent.get("/inbox?view=mine", headers=queue).text
    assert f'href="/inbox/{at}?view=mine"' not in owner.get("/inbox?view=mine", headers=queue).text


def test_a_list_made_after_its_reader_was_told_is_good_enough_and_one_made_before_is_not(
    shop: Shop, sign_in: SignIn, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH", 1e-9)
    client = sign_in(shop.owner)

    def change(reference: str) -> float:
        with services.database.session() as session:
            order = session.get_one(Order, shop.orders[11])
            order.reference, order.updated_at = reference, now()
        age = (client.get("/live?t=orders").json or {})["orders"][1]
        return time.monotonic() - float(age)

    def shown(told: str) -> str:
        headers = {"HX-Request": "true", "HX-Target": "list", live.TOLD: told}
        return str(client.get("/orders", headers=headers).text)

    def told(since: float) -> str:
        return f"orders={time.monotonic() - since:.3f}"

    first = change("#first")
    assert "#first" in shown(told(first))
    second = change("#second")
    # The way to the server counts as well, and is as long as the one before: this page was told a little earlier.
    assert "#first" in shown(told(first - 0.1)), "what was made for others after this page was told will do"
    assert "#second" in shown(told(second))
    assert "#second" in shown(told(first - 0.1)), "nobody gets a list that is older than another's"
    for number, nonsense in enumerate(("", "orders", "orders=-5", "orders=1e9", "orders=nan", "orders=١", "queue=900")):
        change(f"#odd{number}")
        assert f"#odd{number}" in shown(nonsense)


def test_what_pages_fetch_by_themselves_takes_turns_after_people_and_nobody_else_waits(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[str] = []
    go = {"/page": Event(), "/orders": Event(), "/webhooks/whatsapp": Event()}
    go["/webhooks/whatsapp"].set()

    def behind(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        inside.append(environ["PATH_INFO"])
        go[environ["PATH_INFO"]].wait(10)
        inside.remove(environ["PATH_INFO"])
        return []

    door = live.Door(behind, services)

    def call(path: str, **headers: str) -> None:
        door({"REQUEST_METHOD": "GET", "PATH_INFO": path, **headers}, lambda *_: None)

    monkeypatch.setattr(live, "_PATIENCE", 10.0)
    with ThreadPoolExecutor(12) as crowd:
        page = crowd.submit(call, "/page")
        wait_until(lambda: inside == ["/page"])
        fetched = [crowd.submit(call, "/orders", HTTP_LIVE_TOLD="orders=1") for _ in range(6)]
        crowd.submit(call, "/webhooks/whatsapp").result(timeout=5)
        assert inside == ["/page"], "somebody waits for the page, and nobody for what pages fetch"
        go["/page"].set()
        page.result(timeout=5)
        wait_until(lambda: len(inside) == 2)
        crowd.submit(call, "/webhooks/whatsapp").result(timeout=5)
        assert inside == ["/orders", "/orders"]
        go["/orders"].set()
        for one in fetched:
            one.result(timeout=5)


def test_what_pages_fetch_by_themselves_is_not_put_off_for_ever(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_PATIENCE", 0.05)
    go = Event()
    asked: list[str] = []

    def behind(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/page":
            go.wait(10)
        return []

    door = live.Door(behind, services)
    with ThreadPoolExecutor(1) as other:
        page = other.submit(door, {"REQUEST_METHOD": "GET", "PATH_INFO": "/page"}, lambda *_: None)
        wait_until(lambda: asked)
        door({"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "HTTP_LIVE_TOLD": "orders=1"}, lambda *_: None)
        assert asked == ["/page", "/orders"]
        go.set()
        page.result(timeout=5)


def test_a_list_that_keeps_changing_is_looked_at_less_often(shop: Shop, app: Flask, services: Services) -> None:
    door: live.Door = app.extensions["pakka_live"]

    def kept(topic: str) -> float:
        door.look(shop.merchant, [topic], anew=True)
        return float(door._kept[shop.merchant, topic][0] - time.monotonic())

    def change() -> None:
        with services.database.session() as session:
            session.get_one(Order, 1).updated_at = now()

    assert kept("orders") <= 0.25
    change()
    moment = kept("orders") + time.time()
    assert moment / 4 == pytest.approx(round(moment / 4), abs=0.01), "every four seconds, in all processes at once"
    assert kept("order:1") <= 0.25, "one order or conversation is shown at once, however busy it is"
    until, seen = door._kept[shop.merchant, "orders"]
    door._kept[shop.merchant, "orders"] = (until, seen._replace(since=time.monotonic() - 10))
    assert kept("orders") <= 0.25


def test_conversations_that_people_watch_are_looked_at_together(
    shop: Shop, sign_in: SignIn, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH", 1e-9)
    monkeypatch.setattr(live, "_WATCHED", 60.0)
    client = sign_in(shop.owner)
    asked: list[str] = []
    event.listen(services.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    alone = _marks(client, "/live?t=conversation:1")
    assert _marks(client, "/live?t=conversation:2").keys() == {"conversation:2"}
    door = client.application.extensions["pakka_live"]
    seen = dict(door._kept)
    asked.clear()
    assert _marks(client, "/live?t=conversation:1") == alone
    assert len([statement for statement in asked if "from conversation" in statement]) == 1
    # The other is looked at on the way, for whoever asks next.
    assert door._kept[1, "conversation:2"][0] > seen[1, "conversation:2"][0]
    with services.database.session() as session:
        _say(session, shop, "new words")
    both = _marks(client, "/live?t=conversation:1&t=conversation:2")
    assert both["conversation:1"] != alone["conversation:1"]


def test_the_queue_beside_a_conversation_is_made_anew_only_for_news_and_for_ones_own_deeds(
    shop: Shop, sign_in: SignIn, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    queue = inbox._queue

    def make() -> str:
        made.append(queue())
        return made[-1]

    monkeypatch.setattr(inbox, "_queue", make)
    talk = _waiting(services, shop, 2)
    client = sign_in(shop.agent)
    for _ in range(4):
        assert "Nobody has it" in _line(client.get(f"/inbox/{talk}").text, talk)
    assert len(made) <= 2, "a second time if the minute ended in between"
    client.get("/live?t=queue")
    post(client, f"/inbox/{talk}/take-over")
    assert "Nobody has it" not in _line(client.get(f"/inbox/{talk}").text, talk)


def _line(page: str, talk: int) -> str:
    return page.partition(f'href="/inbox/{talk}"')[2].partition("</a>")[0]

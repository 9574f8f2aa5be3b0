"""The list of orders, and one order's page."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from bot.clock import now
from bot.models import Audit, Order, Review, Run
from bot.orders import outcomes
from bot.services import Services
from bot.talk import handover
from bot.talk.messages import append
from tests.web.conftest import form_token, post
from tests.web.samples import Shop, fill

SignIn = Callable[..., FlaskClient]


def _references(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="/orders/\d+">(#\d+)<', page)


def test_each_view_shows_its_orders_and_its_count(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    expected = {"all": 12, "todo": 4, "waiting": 4, "confirmed": 2, "silent": 2, "cancelled": 2, "shipped": 0}
    for view, number in expected.items():
        page = client.get(f"/orders?view={view}").text
        assert len(_references(page)) == number, view
        shown = re.search(rf'id="view-{view}".*?class="count[^"]*">(\d+)<', page, re.S)
        assert shown
        assert int(shown.group(1)) == number


def test_a_search_shows_no_counts_of_what_it_has_not_found(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    assert 'class="count' in client.get("/orders").text.partition('id="view-all"')[2].partition("</nav>")[0]
    found = client.get("/orders?q=%231000").text
    assert _references(found) == ["#1000"]
    assert 'class="count' not in found.partition('id="view-all"')[2].partition("</nav>")[0]


def _save(client: FlaskClient, name: str, query: str) -> str:
    form = {"csrf_token": form_token(client), "name": name, "query": query}
    return client.post("/orders/views", data=form, follow_redirects=True).text


def test_a_view_is_saved_found_again_replaced_and_deleted(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    page = _save(client, "  Large   silent ", "view=silent&sort=amount&q=Asha&after=5~7&else=1")
    assert 'href="/orders?view=silent&amp;sort=amount" aria-current="page">Large silent</a>' in page
    assert "Save this view" not in page
    assert "Large silent" in sign_in(shop.staff).get("/orders").text
    page = _save(client, "Large silent", "decision=call")
    assert 'href="/orders?decision=call" aria-current="page">Large silent</a>' in page
    (number,) = re.findall(r"/orders/views/(\d+)/delete", page)
    form = {"csrf_token": form_token(client)}
    page = client.post(f"/orders/views/{number}/delete", data=form, follow_redirects=True).text
    assert "Large silent" not in page
    assert "Save this view" in page


@pytest.mark.parametrize(("name", "query"), [("", "view=silent"), ("x" * 41, "view=silent"), ("all", "view=none")])
def test_a_view_without_a_name_or_a_filter_is_not_saved(shop: Shop, sign_in: SignIn, name: str, query: str) -> None:
    page = _save(sign_in(shop.owner), name, query)
    assert page.count('class="saved-view"') == 1


@pytest.mark.parametrize(
    ("query", "references"),
    [
        ("q=1003", ["#1003"]),
        ("q=%231003", ["#1003"]),
        ("q=PRIYA", ["#1006", "#1000"]),
        ("q=राहुल", ["#1007", "#1001"]),
        ("q=00100004", ["#1004"]),
        ("q=%25", []),
        ("q=_", []),
        ("intent=silent", ["#1008", "#1002"]),
        ("decision=ship", ["#1006", "#1000"]),
        ("weak=1&view=silent", ["#1008", "#1002"]),
        ("changed=1", ["#1006", "#1000"]),
        ("since=2999-01-01", []),
        ("until=2000-01-01", []),
        ("upload=77", []),
        ("q=priya&sort=amount", ["#1006", "#1000"]),
    ],
)
def test_search_and_filters_find(shop: Shop, sign_in: SignIn, query: str, references: list[str]) -> None:
    assert _references(sign_in(shop.owner).get(f"/orders?{query}").text) == references


@pytest.mark.parametrize("sort", ["newest", "changed", "cutoff", "amount"])
def test_paging_by_key_shows_every_order_once_even_when_values_are_equal(
    services: Services, sign_in: SignIn, sort: str
) -> None:
    shop = fill(services, count=130)
    with services.database.session() as session:
        at = now()
        for number, row in enumerate(session.exec(select(Order)).all()):
            row.amount = 50000 + number % 3
            row.updated_at = at + timedelta(seconds=number % 2)
            row.cutoff_at = None if number % 4 == 0 else at
    client = sign_in(shop.owner)
    address, seen = f"/orders?sort={sort}", []
    while address:
        page = client.get(address).text
        seen += _references(page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        address = more.group(1).replace("&amp;", "&") if more else ""
    assert len(seen) == 130
    assert len(set(seen)) == 130


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["view", "q", "intent", "decision", "since", "until", "upload", "sort", "after", "weak"]),
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(["amount", "cutoff", "9" * 30, "~", "1~1", "-1", "2026-02-30", "9e9~3"]),
        ),
    )
)
def test_no_address_of_the_list_breaks_it(console: FlaskClient, arguments: dict[str, str]) -> None:
    # No page of ours makes an address with a NUL in it, and PostgreSQL cannot look for one.
    expected = 400 if any("\0" in value for value in arguments.values()) else 200
    assert console.get("/orders", query_string=arguments).status_code == expected


@pytest.fixture
def console(shop: Shop, sign_in: SignIn) -> FlaskClient:
    """The owner's browser."""
    return sign_in(shop.owner)


def test_an_order_shows_its_whole_story(shop: Shop, console: FlaskClient) -> None:
    page = console.get(f"/orders/{shop.orders[0]}").text
    for part in (
        "#1000", "₹799", "+91 98001 00000", "Gomti Nagar", "The shopper confirmed.", "12.0 %", "Yes, send it",
        "haan bhej do", "A place on the map", "Asked on WhatsApp", "Address changed", "Changed by Owner Sharma",
        "Imported", "1 other version",
    ):  # fmt: skip
        assert part in page, part
    assert page.count('class="ticks read"') == 1


def test_the_story_goes_on_to_the_door_and_to_the_review(shop: Shop, console: FlaskClient, services: Services) -> None:
    order_id = shop.orders[0]
    post(console, f"/orders/{order_id}/outcome", outcome="shipped")
    with services.database.session() as session:
        order = session.get_one(Order, order_id)
        for status in ("out_for_delivery", "delivered"):
            outcomes.record(session, order, by="courier", at=now(), status=status)
        session.add(Review(merchant_id=shop.merchant, order_id=order_id, rating=4, created_at=now(), updated_at=now()))
    story = console.get(f"/orders/{order_id}").text.partition('class="timeline"')[2]
    told = [" ".join(re.sub("<[^>]+>", " ", part).split()) for part in re.findall(r"<p>(.*?)</p>", story)]
    assert told[:4] == [
        "Review 4 of 5 stars", "Delivered by the courier", "Out for delivery by the courier",
        "Changed by Owner Sharma Shipped",
    ]  # fmt: skip


def test_each_of_several_orders_shows_the_talk_that_asked_about_them_together(
    shop: Shop, console: FlaskClient, services: Services
) -> None:
    first, second, third = shop.orders[0], shop.orders[1], shop.orders[2]
    at = now()
    with services.database.session() as session:
        runs = {run.order_id: run for run in session.exec(select(Run)).all()}
        talk = runs[first].conversation_id
        for order_id in (first, second):
            runs[order_id].conversation_id, runs[order_id].ended_at, runs[order_id].status = talk, at, "dropped"
        both = Run(merchant_id=shop.merchant, conversation_id=talk, order_id=first, flow="several_orders", version=1,
                   status="done", created_at=at, updated_at=at)  # fmt: skip
        session.add(both)
        session.flush()
        conversation = handover.lock(session, talk)
        append(session, conversation, key="bot:both", direction="out", author="bot", merchant_id=shop.merchant,
               body="Shall we send both of them?", order_id=first, run_id=both.id, status="read")  # fmt: skip
    for order_id in (first, second):
        assert "Shall we send both of them?" in console.get(f"/orders/{order_id}").text
    assert "Shall we send both of them?" not in console.get(f"/orders/{third}").text


def test_a_decision_by_hand_is_recorded_with_its_author(shop: Shop, console: FlaskClient, services: Services) -> None:
    waiting = shop.orders[1]
    console.post(f"/orders/{waiting}/outcome", data={"csrf_token": form_token(console), "outcome": "hold"})
    with services.database.reader() as session:
        order = session.get_one(Order, waiting)
        line = session.exec(select(Audit).where(Audit.object == f"order:{waiting}")).one()
    assert (order.decision, order.decided_by) == ("hold", "merchant")
    assert line.member_id == shop.members["owner"]
    assert "Changed by Owner Sharma" in console.get(f"/orders/{waiting}").text


def test_an_agents_decision_counts_as_an_agents(shop: Shop, sign_in: SignIn, services: Services) -> None:
    client = sign_in(shop.agent)
    client.post(f"/orders/{shop.orders[1]}/outcome", data={"csrf_token": form_token(client), "outcome": "call"})
    with services.database.reader() as session:
        assert session.get_one(Order, shop.orders[1]).decided_by == "agent"


def test_ticked_orders_are_decided_together(shop: Shop, console: FlaskClient, services: Services) -> None:
    some = shop.orders[:3]
    answer = console.post(
        "/orders/outcomes",
        data={"csrf_token": form_token(console), "outcome": "shipped", "order": some, "back": "view=all"},
        follow_redirects=True,
    )
    assert "3 of 3 orders changed" in answer.text
    with services.database.reader() as session:
        assert {session.get_one(Order, number).status for number in some} == {"shipped"}


@pytest.mark.parametrize("outcome", ["", "explode", "confirmed; drop table"])
def test_an_outcome_that_does_not_exist_is_refused(shop: Shop, console: FlaskClient, outcome: str) -> None:
    answer = console.post(
        f"/orders/{shop.orders[1]}/outcome", data={"csrf_token": form_token(console), "outcome": outcome}
    )
    assert answer.status_code == 400


def test_a_shop_without_orders_is_told_what_to_do(services: Services, sign_in: SignIn) -> None:
    page = sign_in(fill(services, count=1).owner).get("/orders?view=shipped").text
    assert "No order is like that" in page


def test_each_role_begins_where_it_works(shop: Shop, sign_in: SignIn) -> None:
    assert sign_in(shop.owner).get("/").location == "/orders"
    assert sign_in(shop.staff).get("/").location == "/orders"
    assert sign_in(shop.agent).get("/").location == "/inbox"


def test_an_order_leads_to_its_conversation(shop: Shop, console: FlaskClient) -> None:
    assert f'href="/inbox/{shop.conversation}"' in console.get(f"/orders/{shop.orders[0]}").text
    # Nothing was said yet: there is nothing to answer.
    assert 'href="/inbox/' not in console.get(f"/orders/{shop.orders[4]}").text

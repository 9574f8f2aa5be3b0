"""The API as a merchant's system meets it: keys, scopes, orders, errors, pages."""

import io
import re
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import col, select

from bot.clock import now
from bot.models import ApiKey, Audit, Hook, HookDelivery, Order, Review, Run
from bot.services import Services
from bot.web.api import keys
from tests.web import samples
from tests.web.api_calls import CALLS, ORDER, System, make_key
from tests.web.samples import Shop


@pytest.fixture
def system(app: Flask, shop: Shop, services: Services) -> System:
    """A system of the shop whose key may do everything."""
    return System(app, make_key(services, shop))


def _order(services: Services, order_id: int) -> Order:
    with services.database.reader() as session:
        return session.get_one(Order, order_id)


def test_an_order_that_a_system_makes_goes_the_way_of_an_import(system: System, services: Services) -> None:
    answer = system.post("/orders", ORDER)
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert (made["amount"], made["currency"], made["phone"]) == (79900, "INR", "+919811012345")
    assert [(item["name"], item["quantity"], item["price"]) for item in made["items"]] == [
        ("Cotton kurta, indigo, L", 2, 29900), ("Juttis, 38", 1, 20100), ("Juttis, 38", 1, 20100),
    ]  # fmt: skip
    assert made["ask_at"] is not None
    assert made["address"]["score"] is not None
    with services.database.reader() as session:
        run = session.exec(select(Run).where(Run.order_id == made["id"])).one()
        assert (run.flow, run.status) == ("order_confirmation", "planned")
    assert system.get(f"/orders/{made['id']}").json["reference"] == "#9001"


@pytest.mark.parametrize(
    ("currency", "amount"), [("INR", 1), ("INR", 123456789), ("JPY", 1234), ("KWD", 1234), ("IDR", 15000000)]
)
def test_amounts_come_out_as_they_went_in(system: System, currency: str, amount: int) -> None:
    made = system.post("/orders", {**ORDER, "items": [], "currency": currency, "amount": amount})
    assert made.status_code == 201, made.text
    assert (made.json["amount"], made.json["currency"]) == (amount, currency)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"phone": "12345"}, "phone", "PHONE_INVALID"),
        ({"amount": 0}, "amount", "NOTHING_TO_COLLECT"),
        ({"amount": "79900"}, "amount", "int_type"),
        ({"amonut": 1}, "amonut", "extra_forbidden"),
        ({"placed_at": "2020-01-01T00:00:00Z"}, "placed_at", "TOO_OLD"),
        ({"address": {"latitude": 95}}, "address.latitude", "less_than_equal"),
    ],
)
def test_an_order_that_cannot_be_taken_says_which_field_is_at_fault(
    system: System, change: dict[str, Any], field: str, code: str
) -> None:
    answer = system.post("/orders", {**ORDER, **change})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert [(one["field"], one["code"]) for one in answer.json["errors"]] == [(field, code)]


def test_an_order_number_that_is_known_is_refused(system: System) -> None:
    first = system.post("/orders", ORDER).json
    second = system.post("/orders", {**ORDER, "amount": 5})
    assert (second.status_code, second.json["code"], second.json["order_id"]) == (409, "known", first["id"])


def test_of_many_orders_the_good_ones_are_made_and_each_is_answered(system: System) -> None:
    many = [ORDER, {**ORDER, "reference": "#9002", "phone": "1"}, ORDER, {**ORDER, "reference": "#1000"}]
    answer = system.post("/orders/batch", {"orders": many})
    assert answer.status_code == 200, answer.text
    assert [one["result"] for one in answer.json["items"]] == ["created", "rejected", "known", "known"]
    assert answer.json["items"][1]["problems"][0]["field"] == "phone"
    assert answer.json["items"][0]["address_score"] is not None
    assert answer.json["items"][2]["order_id"] == answer.json["items"][0]["order_id"]


def test_an_order_changes_until_its_shopper_has_answered(system: System, shop: Shop, services: Services) -> None:
    made = system.post("/orders", ORDER).json
    changed = system.patch(f"/orders/{made['id']}", {"amount": 50000, "phone": "9811054321"})
    assert changed.status_code == 200, changed.text
    assert (changed.json["amount"], changed.json["phone"]) == (50000, "+919811054321")
    assert changed.json["address"]["address1"] == made["address"]["address1"]
    assert len(changed.json["items"]) == 3
    confirmed = shop.orders[0]
    before = _order(services, confirmed)
    refused = system.patch(f"/orders/{confirmed}", {"amount": 1})
    assert (refused.status_code, refused.json["code"]) == (409, "too_late")
    assert _order(services, confirmed) == before


def test_a_parcel_is_followed_on_its_way(system: System, shop: Shop) -> None:
    order = shop.orders[0]
    for status in ("shipped", "out_for_delivery", "delivered"):
        assert system.post(f"/orders/{order}/status", {"status": status}).json["status"] == status
    late = system.post(f"/orders/{order}/status", {"status": "shipped", "by": "courier"})
    assert late.json["status"] == "delivered"
    assert system.post(f"/orders/{order}/status", {"status": "returned"}).json["status"] == "returned"


def test_a_phone_answer_counts_and_is_told_who_wrote_it(system: System, shop: Shop, services: Services) -> None:
    silent = shop.orders[2]
    answer = system.post(f"/orders/{silent}/outcome", {"intent": "confirmed", "slot": "evening"})
    assert answer.status_code == 200, answer.text
    assert (answer.json["intent"], answer.json["slot"], answer.json["decided_by"]) == (
        "confirmed", "evening", "merchant",
    )  # fmt: skip
    with services.database.reader() as session:
        lines = session.exec(select(Audit).where(Audit.object == f"order:{silent}")).all()
    assert lines[-1].detail["key"].startswith("pakka_")
    assert system.post(f"/orders/{silent}/outcome", {}).status_code == 422


def test_a_cancelled_order_is_asked_nothing_more(system: System, services: Services) -> None:
    made = system.post("/orders", ORDER).json
    gone = system.post(f"/orders/{made['id']}/cancel", {"reason": "other", "note": "Out of stock"})
    assert (gone.json["status"], gone.json["decision"], gone.json["cancel_note"]) == (
        "cancelled", "cancel", "Out of stock",
    )  # fmt: skip


# Keys.


def test_a_key_is_good_in_the_header_only(app: Flask, shop: Shop, services: Services) -> None:
    key = make_key(services, shop)
    client = app.test_client()
    assert client.get("/api/v1/orders").status_code == 401
    assert client.get("/api/v1/orders").headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/api/v1/orders", headers={"Authorization": f"Bearer {key}x"}).status_code == 401
    assert client.get("/api/v1/orders", headers={"Authorization": f"Basic {key}"}).status_code == 401
    for name in ("key", "api_key", "anything"):
        refused = client.get("/api/v1/orders", query_string={name: key})
        assert (refused.status_code, refused.json["code"]) == (400, "key_in_address")
    assert client.get("/api/v1/orders", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_a_revoked_key_ends_at_once(app: Flask, system: System, services: Services) -> None:
    assert system.get("/orders").status_code == 200
    with services.database.session() as session:
        session.exec(select(ApiKey).order_by(col(ApiKey.id).desc())).first().revoked_at = now()
    assert system.get("/orders").status_code == 401


def test_only_the_digest_of_a_key_is_stored(shop: Shop, services: Services) -> None:
    key = make_key(services, shop)
    with services.database.reader() as session:
        row = session.exec(select(ApiKey).order_by(col(ApiKey.id).desc())).first()
    assert key not in row.model_dump_json()
    assert key.startswith(row.prefix)
    assert len(row.digest) == 64
    assert len(key) - len("pakka_") >= 43


def test_each_call_needs_its_scope(app: Flask, shop: Shop, services: Services) -> None:
    for scope, rules in _calls_by_scope(app).items():
        others = [name for name in keys.SCOPES if name != scope]
        without = System(app, make_key(services, shop, others))
        for method, path in rules:
            refused = without.post(path, {}, method=method)
            assert (refused.status_code, refused.json["code"]) == (403, "scope_missing"), (method, path)
            assert scope in refused.json["detail"]


def _calls_by_scope(app: Flask) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):
            scope = app.view_functions[rule.endpoint].pakka_scope  # type: ignore[attr-defined]
            path = re.sub(r"<[^>]+>", "1", rule.rule).removeprefix("/api/v1")
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                found.setdefault(scope, []).append((method, path))
    assert found.keys() == set(keys.SCOPES)
    return found


def test_each_key_has_a_rate_of_its_own(app: Flask, shop: Shop, services: Services) -> None:
    one, other = System(app, make_key(services, shop)), System(app, make_key(services, shop))
    first = one.get("/orders", limit=1)
    assert first.headers["X-RateLimit-Limit"] == "600"
    left = int(first.headers["X-RateLimit-Remaining"])
    assert int(one.get("/orders", limit=1).headers["X-RateLimit-Remaining"]) == left - 1
    assert int(other.get("/orders", limit=1).headers["X-RateLimit-Remaining"]) == left


def test_too_many_calls_are_told_when_to_come_back(app: Flask, system: System) -> None:
    content = b"Order ID,Phone,Amount\n"
    for _ in range(61):
        answer = system.client.post(
            "/api/v1/uploads",
            headers=system.headers,
            data={"file": (io.BytesIO(content), "list.csv")},
            content_type="multipart/form-data",
        )
    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


# Errors.


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/orders/999999", {}, 404),
        ("DELETE", "/orders", {}, 405),
        ("POST", "/orders", {"data": b"{", "content_type": "application/json"}, 400),
        ("POST", "/orders", {"data": b"[]", "content_type": "application/json"}, 422),
        ("POST", "/orders", {"data": b"a=1", "content_type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/uploads", {"json": {}}, 415),
        ("POST", "/orders", {"data": b" " * 1_100_000, "content_type": "application/json"}, 413),
        ("GET", "/orders?limit=0", {}, 422),
        ("GET", "/orders?staus=open", {}, 422),
        ("GET", "/orders?cursor=nonsense", {}, 422),
        ("GET", "/orders/99999999999", {}, 422),
        ("GET", "/decisions?since=2026-01-01", {}, 422),
    ],
)
def test_every_error_is_a_problem(system: System, method: str, path: str, sent: dict[str, Any], status: int) -> None:
    answer = system.client.open(f"/api/v1{path}", method=method, headers=system.headers, **sent)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert {"type", "title", "status", "code", "detail"} <= answer.json.keys()
    assert answer.json["status"] == status


# Pages.


def test_a_walk_through_pages_sees_each_row_once_while_rows_arrive(system: System, services: Services) -> None:
    there = {order["id"] for order in system.get("/orders", limit=200).json["items"]}
    seen: list[int] = []
    cursor, number = None, 0
    while True:
        answer = system.get("/orders", limit=5, **({"cursor": cursor} if cursor else {})).json
        seen += [order["id"] for order in answer["items"]]
        number += 1
        system.post("/orders", {**ORDER, "reference": f"#W{number}"})
        if (cursor := answer["next"]) is None:
            break
    assert len(seen) == len(set(seen))
    assert there <= set(seen)
    assert number == 3


def test_decisions_are_told_again_when_they_change_and_none_is_passed_by(
    system: System, shop: Shop, services: Services
) -> None:
    first = system.get("/decisions", limit=4).json
    rest = system.get("/decisions", limit=200, cursor=first["next"]).json
    told = [one["id"] for one in first["items"] + rest["items"]]
    assert len(told) == len(set(told))
    assert set(told) == {order.id for order in _all(services, Order) if order.intent != "unasked" or order.decision}
    quiet = system.get("/decisions", cursor=rest["next"]).json
    assert quiet == {"items": [], "next": rest["next"]}
    system.post(f"/orders/{shop.orders[4]}/outcome", {"decision": "ship"})
    assert system.get("/decisions", cursor=rest["next"]).json["items"] == [], "too young to be certain"
    with services.database.session() as session:
        session.get_one(Order, shop.orders[4]).updated_at = now() - timedelta(seconds=11)
    news = system.get("/decisions", cursor=rest["next"]).json
    assert [(one["id"], one["decision"]) for one in news["items"]] == [(shop.orders[4], "ship")]


def _all(services: Services, model: Any) -> list[Any]:
    with services.database.reader() as session:
        return list(session.exec(select(model)))


@pytest.mark.parametrize("number", [1, 3, 50])
def test_filters_narrow_the_list(system: System, number: int) -> None:
    found = system.get("/orders", intent="silent", limit=number).json["items"]
    assert {order["intent"] for order in found} == {"silent"}
    assert system.get("/orders", reference="#1003").json["items"][0]["intent"] == "cancelled"
    assert system.get("/orders", created_from=(now() + timedelta(days=1)).isoformat()).json["items"] == []


# What else can be read, and files.


def test_conversations_and_reviews_can_be_read(system: System, shop: Shop) -> None:
    talks = system.get("/conversations", owner="queue").json["items"]
    assert talks
    assert {talk["owner"] for talk in talks} == {"queue"}
    assert system.get("/conversations", order_id=shop.orders[0]).json["items"][0]["id"] == shop.conversation
    said = system.get(f"/conversations/{shop.conversation}/messages").json["items"]
    assert [message["direction"] for message in said] == ["out", "in", "out", "in", "out"]
    assert said[0]["choices"] == ["Yes, send it", "Change address", "Cancel"]
    assert said[3]["location"] == {"latitude": 26.85, "longitude": 80.99}
    reviews = system.get("/reviews").json["items"]
    assert {review["rating"] for review in reviews} == {4}
    assert system.get(f"/reviews/{reviews[0]['id']}").json == reviews[0]
    assert system.get("/reviews", rating_until=3).json["items"] == []


def test_a_file_is_imported_and_reported(system: System, services: Services) -> None:
    content = b"Order ID,Phone,Amount,Name,Address,City,Pincode\nN1,9811012345,500,A B,12 Main,Pune,411038\nN2,1,9\n"
    answer = system.client.post(
        "/api/v1/uploads",
        headers={**system.headers, "Idempotency-Key": "one"},
        data={"file": (io.BytesIO(content), "list.csv"), "begin": "true"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 201, answer.text
    assert answer.json["status"] == "importing"
    from bot.orders import uploads

    uploads.run(services, answer.json["id"])
    assert system.get(f"/uploads/{answer.json['id']}").json["accepted"] == 1
    report = system.get(f"/uploads/{answer.json['id']}/report").json
    assert (report["rows"], report["rejected"]) == (2, 1)
    assert report["problems"][0]["column"] == "Phone"
    again = system.client.post(
        "/api/v1/uploads",
        headers={**system.headers, "Idempotency-Key": "one"},
        data={"file": (io.BytesIO(content), "list.csv"), "begin": "true"},
        content_type="multipart/form-data",
    )
    assert again.json == answer.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert system.post(f"/uploads/{answer.json['id']}/undo").json["status"] == "undone"


# The reference.


def test_the_reference_shows_a_curl_example_for_each_call(app: Flask) -> None:
    spec = app.test_client().get("/api/v1/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    calls = [operation for path in spec["paths"].values() for operation in path.values()]
    assert len(calls) >= 20
    for call in calls:
        assert "curl http" in call["description"], call["operationId"]
        assert call["summary"], call["operationId"]


def test_every_curl_example_works_as_it_stands(
    app: Flask, shop: Shop, services: Services, served: str, tmp_path: Any
) -> None:
    key = make_key(services, shop)
    (tmp_path / "orders.csv").write_text("Order ID,Phone,Amount\nN7,9811012345,500\n")
    spec = app.test_client().get("/api/v1/openapi.json").json
    for path, methods in spec["paths"].items():
        for method, call in methods.items():
            command = call["x-codeSamples"][0]["source"].replace("http://127.0.0.1:8000", served)
            command = command.replace("curl ", "curl -sS -o answer -w '%{http_code}' ", 1)
            command = command.replace("$(date +%s)", f"{method}{path}")
            done = subprocess.run(
                command, shell=True, capture_output=True, text=True, cwd=tmp_path, env={"PAKKA_KEY": key}, check=False
            )
            # A list that was imported long ago cannot be begun or taken back, nor is there a newer one to approve.
            wanted = {"409"} if path.endswith(("/begin", "/undo", "/approve")) else {"200", "201"}
            wanted |= {"409"} if method == "patch" else set()
            assert done.stdout in wanted, (command, done.stdout, done.stderr, (tmp_path / "answer").read_text())


def test_one_shops_key_reaches_nothing_of_another(system: System, app: Flask, shop: Shop, services: Services) -> None:
    rival = samples.fill(services, "rival")
    with services.database.reader() as session:
        review = session.exec(select(Review.id).where(Review.merchant_id == rival.merchant)).first()
    others = {
        "order": rival.orders[0], "conversation": rival.conversation, "upload": rival.upload, "review": review,
        "hook": rival.hook, "delivery": rival.delivery,
    }  # fmt: skip
    before = [row.model_dump() for model in (Order, Hook, HookDelivery) for row in _all(services, model)]
    for method, address in CALLS.values():
        path = address.format(**others).removeprefix("/api/v1")
        body = {"status": "shipped"} if path.endswith("status") else {"intent": "confirmed"}
        body = body if path.endswith(("status", "outcome")) else {}
        answer = system.post(path, body if method != "GET" else None, method=method)
        if "{" in address:
            assert answer.status_code == 404, (method, path, answer.text)
        assert not any(word in answer.text for word in ("rival", "Rival", "98002")), (method, path)
    assert [row.model_dump() for model in (Order, Hook, HookDelivery) for row in _all(services, model)] == before

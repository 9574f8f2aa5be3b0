"""Roles and tenants: who may open what, and that nothing of one shop ever reaches another's people.

Every route of the application has its line in `VISITS`; one that has none fails the first test.
"""

import ast
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text
from sqlmodel import SQLModel, select

from bot.clock import now
from bot.models import CannedAnswer, Message, Order, SavedView
from bot.services import Services
from bot.web import tenant
from tests.web import samples
from tests.web.api_calls import CALLS
from tests.web.conftest import form_token, token_of
from tests.web.samples import Shop, fill

SignIn = Callable[..., FlaskClient]

EVERYBODY = frozenset({"owner", "staff", "agent", "admin"})
SHOP = frozenset({"owner", "staff", "agent"})
MERCHANT = frozenset({"owner", "staff"})
OWNER = frozenset({"owner"})
ADMIN = frozenset({"admin"})
PUBLIC = None

CANARIES = ("rival", "Rival", "98002")
"""What is only in the rows of the other shop: its name, addresses of its people and files, its phone numbers."""


@dataclass(frozen=True)
class Visit:
    """How one route is called, and who may."""

    method: str
    address: str
    roles: frozenset[str] | None
    form: dict[str, Any] = field(default_factory=dict)
    owned: bool = False
    """Whether the address names a row of a shop."""


VISITS = {
    "health.alive": [Visit("GET", "/healthz", PUBLIC)],
    "health.ready": [Visit("GET", "/readyz", PUBLIC)],
    "health.metrics": [Visit("GET", "/metrics", PUBLIC)],
    "whatsapp.verify": [Visit("GET", "/webhooks/whatsapp", PUBLIC)],
    "whatsapp.receive": [Visit("POST", "/webhooks/whatsapp", PUBLIC)],
    "signin.page": [Visit("GET", "/sign-in", PUBLIC), Visit("POST", "/sign-in", PUBLIC)],
    "signin.entry": [Visit("GET", "/entry/none", PUBLIC), Visit("POST", "/entry/none", PUBLIC)],
    "signin.code": [Visit("GET", "/sign-in/code", EVERYBODY), Visit("POST", "/sign-in/code", EVERYBODY)],
    "signin.out": [Visit("POST", "/sign-out", EVERYBODY)],
    "account.look": [Visit("POST", "/account/look", PUBLIC)],
    "account.page": [Visit("GET", "/account", EVERYBODY)],
    "account.profile": [Visit("POST", "/account/profile", EVERYBODY)],
    "account.password": [Visit("POST", "/account/password", EVERYBODY)],
    "account.second_factor_page": [
        Visit("GET", "/account/second-factor", EVERYBODY),
        Visit("POST", "/account/second-factor", EVERYBODY),
    ],
    "account.recovery_codes": [Visit("POST", "/account/recovery-codes", EVERYBODY)],
    "account.second_factor_off": [Visit("POST", "/account/second-factor/off", EVERYBODY)],
    "account.sign_out_device": [Visit("POST", "/account/devices/{device}/sign-out", EVERYBODY)],
    "account.sign_out_everywhere": [Visit("POST", "/account/devices/sign-out", EVERYBODY)],
    "people.page": [Visit("GET", "/people", OWNER)],
    "people.invite": [Visit("POST", "/people", OWNER, {"email": "x@y.test", "role": "agent"})],
    "people.link": [Visit("POST", "/people/{member}/link", OWNER, owned=True)],
    "people.role": [Visit("POST", "/people/{member}/role", OWNER, {"role": "owner"}, owned=True)],
    "people.disable": [Visit("POST", "/people/{member}/disable", OWNER, owned=True)],
    "people.second_factor_off": [Visit("POST", "/people/{member}/second-factor/off", OWNER, owned=True)],
    "people.audit_page": [
        Visit("GET", "/people/audit", OWNER),
        Visit("GET", "/people/audit?about=order:{order}", OWNER),
    ],
    "orders.start": [Visit("GET", "/", EVERYBODY)],
    "shops.page": [Visit("GET", "/shops", ADMIN)],
    "shops.create": [Visit("POST", "/shops", ADMIN)],
    "shops.owner_link": [Visit("POST", "/shops/owners/{owner}/link", ADMIN)],
    "orders.page": [
        Visit("GET", "/orders", SHOP),
        Visit("GET", "/orders?q=rival", SHOP),
        Visit("GET", "/orders?upload={upload}&sort=amount&weak=1", SHOP),
        Visit("GET", "/orders?sort=amount&after=99999999~1", SHOP),
    ],
    "orders.order": [Visit("GET", "/orders/{order}", SHOP, owned=True)],
    "orders.outcome": [Visit("POST", "/orders/{order}/outcome", SHOP, {"outcome": "hold"}, owned=True)],
    "orders.outcome_of_many": [Visit("POST", "/orders/outcomes", MERCHANT, {"outcome": "hold", "order": "{order}"})],
    "saved_views.save": [Visit("POST", "/orders/views", MERCHANT, {"name": "Silent", "query": "view=silent"})],
    "saved_views.delete": [Visit("POST", "/orders/views/{view}/delete", MERCHANT, owned=True)],
    "inbox.page": [Visit("GET", "/inbox", SHOP), Visit("GET", "/inbox?view=mine&from=50&at={conversation}", SHOP)],
    "inbox.conversation": [
        Visit("GET", "/inbox/{conversation}", SHOP, owned=True),
        Visit("GET", "/inbox/{conversation}?before=3&show=details", SHOP, owned=True),
    ],
    "inbox.reply": [
        Visit(
            "POST", "/inbox/{conversation}/reply", SHOP, {"body": "Hello", "client_id": "walls", "seen": 99}, owned=True
        )
    ],
    "inbox.note": [Visit("POST", "/inbox/{conversation}/note", SHOP, {"note": "Hello"}, owned=True)],
    "inbox.take_over": [Visit("POST", "/inbox/{conversation}/take-over", SHOP, owned=True)],
    "inbox.assign": [Visit("POST", "/inbox/{conversation}/assign", SHOP, {"member": "{member}"}, owned=True)],
    "inbox.release": [Visit("POST", "/inbox/{conversation}/release", SHOP, owned=True)],
    "inbox.snooze": [Visit("POST", "/inbox/{conversation}/snooze", SHOP, {"until": "1"}, owned=True)],
    "inbox.outcome": [
        Visit("POST", "/inbox/{conversation}/outcome", SHOP, {"outcome": "done"}, owned=True),
        Visit("POST", "/inbox/{conversation}/outcome", SHOP, {"outcome": "confirmed", "order": "{order}"}, owned=True),
    ],
    "inbox.address": [
        Visit("POST", "/inbox/{conversation}/address", SHOP, {"order": "{order}", "address1": "House 1"}, owned=True)
    ],
    "inbox.presence": [Visit("POST", "/inbox/{conversation}/presence", SHOP, owned=True)],
    "inbox.media": [Visit("GET", "/inbox/{conversation}/media/{media}", SHOP, owned=True)],
    "inbox.translate": [Visit("POST", "/inbox/{conversation}/translation/{media}", SHOP, owned=True)],
    "inbox.calls": [Visit("GET", "/inbox/calls", SHOP)],
    "inbox.called": [Visit("POST", "/inbox/calls/{order}", SHOP, {"outcome": "no_answer"}, owned=True)],
    "canned_answers.page": [Visit("GET", "/inbox/answers", SHOP)],
    "canned_answers.save": [Visit("POST", "/inbox/answers", SHOP, {"shortcut": "late", "body": "Hello"})],
    "canned_answers.delete": [Visit("POST", "/inbox/answers/{answer}/delete", SHOP, owned=True)],
    "overview.page": [Visit("GET", "/overview", MERCHANT), Visit("GET", "/overview?days=90", MERCHANT)],
    "overview.table": [
        Visit("GET", f"/overview/{what}.csv", MERCHANT)
        for what in ("days", "speeds", "reasons", "findings", "products", "postcodes", "effect")
    ],
    "reviews.page": [Visit("GET", "/reviews", SHOP), Visit("GET", "/reviews?stars=4&tag=late&only=photos", SHOP)],
    "reviews.table": [Visit("GET", "/reviews/table.csv", MERCHANT)],
    "reviews.media": [Visit("GET", "/reviews/{review}/media/0", SHOP, owned=True)],
    "reviews.reply": [Visit("POST", "/reviews/{review}/reply", SHOP, {"words": "Thank you"}, owned=True)],
    "privacy.page": [
        Visit("GET", "/settings/privacy", OWNER),
        Visit("GET", "/settings/privacy?q=rival", OWNER),
    ],
    "privacy.shopper": [Visit("GET", "/settings/privacy/shoppers/{order}", OWNER, owned=True)],
    "privacy.file": [
        Visit("GET", "/settings/privacy/shoppers/{order}/file/json", OWNER, owned=True),
        Visit("GET", "/settings/privacy/shoppers/{order}/file/zip", OWNER, owned=True),
    ],
    "privacy.erase": [
        Visit("POST", "/settings/privacy/shoppers/{order}/erase", OWNER, {"reference": "#1000"}, owned=True)
    ],
    "privacy.reveal": [Visit("POST", "/orders/{order}/reveal", MERCHANT, owned=True)],
    "settings.page": [Visit("GET", "/settings", MERCHANT)],
    "settings.save": [Visit("POST", "/settings/rules", OWNER)],
    "settings.save_shop": [Visit("POST", "/settings/shop", OWNER)],
    "settings.example": [Visit("GET", "/settings/example?amount=500", MERCHANT)],
    "settings.texts": [
        Visit("GET", "/settings/texts", MERCHANT),
        Visit("GET", "/settings/texts?talk=review", MERCHANT),
    ],
    "connection.page": [Visit("GET", "/settings/whatsapp", MERCHANT)],
    "connection.number": [Visit("GET", "/settings/whatsapp/number", MERCHANT)],
    "connection.templates": [Visit("POST", "/settings/whatsapp/templates", OWNER)],
    "connection.try_it": [Visit("POST", "/settings/whatsapp/try", MERCHANT)],
    **{endpoint: [Visit(method, address, PUBLIC)] for endpoint, (method, address) in CALLS.items()},
    "systems.page": [Visit("GET", "/systems", OWNER)],
    "systems.create_key": [Visit("POST", "/systems/keys", OWNER, {"name": "x", "scope": "orders:read"})],
    "systems.revoke_key": [Visit("POST", "/systems/keys/{key}/revoke", OWNER, owned=True)],
    "systems.create_hook": [Visit("POST", "/systems/hooks", OWNER, {"url": "https://127.0.0.1/", "event": "ping"})],
    "systems.hook": [Visit("GET", "/systems/hooks/{hook}", OWNER, owned=True)],
    "systems.change_hook": [Visit("POST", "/systems/hooks/{hook}", OWNER, owned=True)],
    "systems.renew_secret": [Visit("POST", "/systems/hooks/{hook}/secret", OWNER, owned=True)],
    "systems.switch_hook": [Visit("POST", "/systems/hooks/{hook}/switch", OWNER, owned=True)],
    "systems.ping": [Visit("POST", "/systems/hooks/{hook}/ping", OWNER, owned=True)],
    "systems.resend": [Visit("POST", "/systems/hooks/{hook}/deliveries/{delivery}/resend", OWNER, owned=True)],
    "systems.delete_hook": [Visit("POST", "/systems/hooks/{hook}/delete", OWNER, owned=True)],
    "api_reference.contract": [Visit("GET", "/api/v1/openapi.json", PUBLIC)],
    "api_reference.page": [Visit("GET", "/api/v1/reference", PUBLIC)],
    "api_reference.file": [Visit("GET", "/api/v1/reference/files/css/swagger-ui.css", PUBLIC)],
    "orders.approve": [Visit("POST", "/orders/{order}/approve", MERCHANT, owned=True)],
    "uploads.page": [Visit("GET", "/uploads", MERCHANT)],
    "uploads.receive": [Visit("POST", "/uploads", MERCHANT)],
    "uploads.one": [Visit("GET", "/uploads/{upload}", MERCHANT, owned=True)],
    "uploads.columns": [Visit("POST", "/uploads/{upload}/columns", MERCHANT, owned=True)],
    "uploads.begin": [Visit("POST", "/uploads/{upload}/begin", MERCHANT, owned=True)],
    "uploads.undo": [Visit("POST", "/uploads/{upload}/undo", MERCHANT, owned=True)],
    "uploads.download": [
        Visit("GET", "/uploads/{upload}/file/decisions", MERCHANT, owned=True),
        Visit("GET", "/uploads/{upload}/file/shiprocket", MERCHANT, owned=True),
    ],
}


def _ids(shop: Shop) -> dict[str, int]:
    return {
        "order": shop.orders[0], "upload": shop.upload, "member": shop.members["staff"], "device": 10**6,
        "owner": shop.members["owner"], "key": shop.key, "hook": shop.hook,
        "delivery": shop.delivery,
        "conversation": shop.conversation, "answer": shop.answer, "view": shop.view,
        "media": shop.media, "review": shop.review,
    }  # fmt: skip


def _call(client: FlaskClient, visit: Visit, ids: dict[str, int]):  # type: ignore[no-untyped-def]
    address = visit.address.format(**ids)
    if visit.method == "GET":
        return client.get(address)
    fields = {name: str(value).format(**ids) for name, value in visit.form.items()}
    return client.open(address, method=visit.method, data={"csrf_token": token_of(client), **fields})


@pytest.fixture
def rival(shop: Shop, services: Services) -> Shop:
    """A second shop, whose rows must stay its own."""
    return fill(services, "rival")


def test_every_route_has_its_line_here(app: Flask) -> None:
    routes = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    visited = {(endpoint, visit.method) for endpoint, visits in VISITS.items() for visit in visits}
    assert routes == visited


@pytest.mark.parametrize("role", ["owner", "staff", "agent", "admin", "nobody"])
def test_each_role_opens_exactly_its_pages(app: Flask, services: Services, sign_in: SignIn, role: str) -> None:
    shop = fill(services)
    admin = samples.admin(services)
    emails = {"owner": shop.owner, "staff": shop.staff, "agent": shop.agent, "admin": admin}
    client: FlaskClient | None = None
    for visits in VISITS.values():
        for visit in visits:
            if client is None:
                client = app.test_client() if role == "nobody" else sign_in(emails[role])
            answer = _call(client, visit, _ids(shop))
            told = f"{role} {visit.method} {visit.address}: {answer.status_code} {answer.headers.get('Location', '')}"
            if visit.roles is PUBLIC:
                assert not answer.headers.get("Location", "").startswith("/sign-in?"), told
            elif role == "nobody":
                assert answer.status_code == 401 or answer.headers.get("Location", "").startswith("/sign-in"), told
            elif role in visit.roles:
                assert answer.status_code not in (401, 403, 404, 500), told
            else:
                assert answer.status_code == 403, told
            # What a visit changed must not stand in the way of the next one.
            _restore(services, shop)
            client = None if visit.address == "/sign-out" else client


def _restore(services: Services, shop: Shop) -> None:
    with services.database.session() as session:
        session.execute(text("update member set disabled_at = null"))
        for role, number in shop.members.items():
            session.execute(text("update member set role = :role where id = :id"), {"role": role, "id": number})
        session.execute(text("update upload set status = 'done', content = null"))
        session.execute(text("delete from member where email = 'x@y.test'"))
        if session.get(SavedView, shop.view) is None:
            session.add(
                SavedView(id=shop.view, merchant_id=shop.merchant, name="x", query="decision=hold", created_at=now())
            )
        if session.get(CannedAnswer, shop.answer) is None:
            session.add(
                CannedAnswer(id=shop.answer, merchant_id=shop.merchant, shortcut="sorry", body="x", updated_at=now())
            )


def test_nothing_of_another_shop_is_shown_or_changed(
    app: Flask, shop: Shop, rival: Shop, services: Services, sign_in: SignIn
) -> None:
    before = list(_rows_of(services, rival))
    for email in (shop.owner, shop.staff, shop.agent):
        client = sign_in(email)
        role = email.split("@")[0]
        for visits in VISITS.values():
            for visit in visits:
                if visit.roles is PUBLIC or role not in visit.roles or visit.address == "/sign-out":
                    continue
                answer = _call(client, visit, _ids(rival))
                told = f"{email} {visit.method} {visit.address}: {answer.status_code}"
                if visit.owned:
                    assert answer.status_code == 404, told
                page = answer.text.replace("q=rival", "").replace('value="rival"', "")
                assert not any(canary in page for canary in CANARIES), told
    assert list(_rows_of(services, rival)) == before


@pytest.mark.parametrize(
    ("who", "code"), [("owner", 200), ("staff", 200), ("agent", 200), ("admin", 401), ("nobody", 401)]
)
def test_live_answers_are_for_the_people_of_a_shop(
    app: Flask, shop: Shop, services: Services, sign_in: SignIn, who: str, code: int
) -> None:
    emails = {"owner": shop.owner, "staff": shop.staff, "agent": shop.agent, "admin": samples.admin(services)}
    client = app.test_client() if who == "nobody" else sign_in(emails[who])
    assert client.get("/live?t=orders").status_code == code


def test_live_answers_tell_another_shops_row_from_none_at_all_by_nothing(
    shop: Shop, rival: Shop, sign_in: SignIn
) -> None:
    told = sign_in(shop.owner).get(
        f"/live?t=order:{rival.orders[0]}&t=order:99999&t=upload:{rival.upload}&t=upload:99999"
        f"&t=conversation:{rival.conversation}&t=conversation:99999"
    )
    answers = list(told.json.values())
    assert answers[0] == answers[1]
    assert answers[2] == answers[3]
    assert answers[4] == answers[5]


def test_ids_in_a_form_cannot_reach_another_shop(shop: Shop, rival: Shop, services: Services, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    mine, theirs = shop.orders[4], rival.orders[4]
    fields = {"outcome": "ship", "order": [str(mine), str(theirs)], "merchant_id": str(rival.merchant), "role": "admin"}
    answer = client.post("/orders/outcomes", data={"csrf_token": token_of(client), **fields})
    assert answer.status_code == 302
    with services.database.reader() as session:
        assert session.get_one(Order, mine).decision == "ship"
        assert session.get_one(Order, theirs).decision is None


def test_a_file_of_one_shop_is_not_known_to_another(shop: Shop, rival: Shop, sign_in: SignIn) -> None:
    content = b"Order ID,Phone,Amount,Name,Address,City,Pincode\n1,9800000001,500,A B,12 Main Road,Pune,411038\n"
    places = []
    for owner in (shop.owner, rival.owner):
        client = sign_in(owner)
        answer = client.post(
            "/uploads",
            data={"csrf_token": form_token(client), "file": (io.BytesIO(content), "list.csv")},
            content_type="multipart/form-data",
        )
        places.append(answer.location)
        assert client.get(answer.location).status_code == 200
    assert places[0] != places[1]


def test_a_shared_number_shows_each_shop_only_its_own_bubbles(
    shop: Shop, rival: Shop, services: Services, app: Flask
) -> None:
    with services.database.session() as session:
        # The shopper of our first order talks with both shops through one number.
        session.execute(
            text("update run set conversation_id = :talk where order_id = :order"),
            {"talk": shop.conversation, "order": rival.orders[1]},
        )
        session.execute(
            text("update message set conversation_id = :talk, seq = seq + 100 where order_id = :order"),
            {"talk": shop.conversation, "order": rival.orders[1]},
        )
        session.execute(
            text(
                "update message set merchant_id = null, order_id = null, body = 'whose?' where key like 'kesar:#1000:2'"
            )
        )
    with app.app_context():
        for own, other in ((shop, rival), (rival, shop)):
            with tenant.reading(own.merchant) as session:
                said = session.exec(select(Message).where(Message.conversation_id == shop.conversation)).all()
            assert said
            assert {bubble.merchant_id for bubble in said} == {own.merchant}
            assert not any(bubble.body == "whose?" for bubble in said)
            assert other.merchant not in {bubble.merchant_id for bubble in said}


def test_every_table_has_a_rule_and_each_rule_shows_a_shop_something_less_than_all(
    app: Flask, shop: Shop, rival: Shop, services: Services
) -> None:
    models = {mapper.class_ for mapper in SQLModel._sa_registry.mappers}
    assert models == tenant.RULES.keys()
    with app.app_context(), services.database.reader() as whole:
        for model in models:
            everything = {inspect(row).identity for row in whole.exec(select(model))}
            with tenant.reading(shop.merchant) as mine, tenant.reading(rival.merchant) as theirs:
                ours = {inspect(row).identity for row in mine.exec(select(model))}
                rivals = {inspect(row).identity for row in theirs.exec(select(model))}
            assert not ours & rivals, model
            assert ours | rivals <= everything


def test_a_model_without_a_rule_cannot_be_read(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(tenant.RULES, Order)  # type: ignore[misc]  # pytest's own types do not know classes as keys.
    with app.app_context(), tenant.reading(shop.merchant) as session, pytest.raises(LookupError):
        session.exec(select(Order)).all()


def test_pages_get_their_rows_only_through_the_wall() -> None:
    """Only the modules that work before or outside of a shop may open the database themselves."""
    free = {"access", "account", "connection", "health", "keys", "live", "shops", "signin", "tenant"}
    for path in Path(tenant.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        opened = any(isinstance(node, ast.Attribute) and node.attr == "database" for node in ast.walk(tree))
        bare = any(isinstance(node, ast.Attribute) and node.attr == "__table__" for node in ast.walk(tree))
        assert not opened or path.stem in free, f"{path.name} opens the database past the wall"
        assert not bare, f"{path.name} uses a bare table, which nothing narrows"


def _rows_of(services: Services, shop: Shop) -> Iterator[tuple[Any, ...]]:
    """Every row that is the shop's own, as it is now; sign-ins and what nobody owns left out."""
    with services.database.reader() as session:
        for table in SQLModel.metadata.sorted_tables:
            if "merchant_id" in table.c:
                for row in session.execute(table.select().where(table.c.merchant_id == shop.merchant)):
                    yield table.name, *row

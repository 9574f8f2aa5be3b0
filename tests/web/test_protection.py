"""Headers, forged requests, sizes, errors, health and metrics."""

import contextlib
import http.client
import re
from collections.abc import Callable

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from bot.services import Services
from bot.settings import Settings
from bot.web import access
from bot.web.application import create_app
from tests.web.conftest import SECRET, form_token
from tests.web.samples import Shop

SignIn = Callable[..., FlaskClient]


def test_every_answer_carries_the_security_headers(app: Flask, shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    for address in ("/orders", "/", "/nothing-here", "/static/console.css", "/sign-in", "/healthz"):
        headers = client.get(address).headers
        policy = headers["Content-Security-Policy"]
        for part in (
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ):
            assert part in policy, address
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert client.get("/orders").headers["Cache-Control"] == "no-store"


def test_no_page_has_inline_scripts_styles_or_foreign_addresses(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    for address in (
        "/orders",
        f"/orders/{shop.orders[0]}",
        "/uploads",
        f"/uploads/{shop.upload}",
        "/people",
        "/account",
        "/people/audit",
    ):
        page = client.get(address).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page), address
        assert not re.search(r'<(script|link|img)[^>]*(src|href)="(https?:)?//', page), address


@pytest.mark.parametrize(
    "address", ["/sign-in", "/account/profile", "/people", "/uploads", "/orders/outcomes", "/account/look"]
)
def test_a_form_without_our_token_or_from_another_site_is_refused(shop: Shop, sign_in: SignIn, address: str) -> None:
    client = sign_in(shop.owner)
    assert client.post(address, data={"name": "x"}).status_code == 403
    assert client.post(address, data="name=x", content_type="text/plain").status_code == 403
    token = form_token(client)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(address, data={"csrf_token": token}, headers=foreign).status_code == 403
    stolen = form_token(sign_in(shop.staff))
    assert client.post(address, data={"csrf_token": stolen}).status_code == 403


def test_a_token_in_the_header_is_as_good_as_one_in_the_form(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    answer = client.post(
        f"/orders/{shop.orders[1]}/outcome", data={"outcome": "hold"}, headers={"X-CSRFToken": form_token(client)}
    )
    assert answer.status_code == 302


def test_no_page_changes_anything_by_being_looked_at(app: Flask) -> None:
    reading = {"HEAD", "OPTIONS", "GET"}
    looked_at = {rule.rule for rule in app.url_map.iter_rules() if (rule.methods or set()) <= reading}
    assert not any(
        word in rule for rule in looked_at for word in ("undo", "begin", "outcome", "role", "disable", "out")
    )


@pytest.mark.parametrize(
    "address", ["/sign-in", "/orders", "/uploads", "/nothing", "/live", "/people", "/webhooks/whatsapp"]
)
def test_a_body_that_is_too_big_is_refused_by_every_route(app: Flask, address: str) -> None:
    client = app.test_client()
    assert client.post(address, data=b"x" * (51 * 2**20 + 1)).status_code == 413


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize(
    "address", ["/sign-in", "/orders/outcomes", "/nothing", "/account/look", "/webhooks/whatsapp", "/api/v1/orders"]
)
def test_a_chunked_body_that_is_too_big_is_refused(served: str, address: str, kind: str) -> None:
    connection = http.client.HTTPConnection(served.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", address)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Content-Type", kind)
    connection.endheaders()
    # JSON may end anywhere in blanks.
    chunk = b"10000\r\n" + (b" " if kind == "application/json" else b"x") * 0x10000 + b"\r\n"
    # The server may hang up while we still send; its answer is there all the same.
    with contextlib.suppress(OSError):
        for _ in range(80):
            connection.send(chunk)
        connection.send(b"0\r\n\r\n")
    assert connection.getresponse().status == 413


@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 415, 429, 500, 503])
def test_errors_are_pages_for_people_and_problems_for_programs(services: Services, code: int) -> None:
    def register(app: Flask) -> None:
        for path in ("/broken", "/api/broken"):
            app.add_url_rule(path, path, access.public(lambda: abort(code)))

    client = create_app(services, [register]).test_client()
    page = client.get("/broken")
    assert page.status_code == code
    assert f'<p class="code">{code}</p>' in page.text
    problem = client.get("/api/broken")
    assert problem.mimetype == "application/problem+json"
    assert problem.json["status"] == code
    assert client.get("/broken", headers={"HX-Request": "true"}).mimetype == "text/plain"


def test_a_crash_shows_and_logs_no_inside(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    def crash() -> None:
        secret = "+919000012345"
        raise RuntimeError(f"cannot reach {secret}")

    def unreachable() -> None:
        raise OperationalError("select '+919000012345'", {}, Exception("no"))

    def register(app: Flask) -> None:
        app.add_url_rule("/crash", "crash", access.public(crash))
        app.add_url_rule("/unreachable", "unreachable", access.public(unreachable))

    client = create_app(services, [register]).test_client()
    page = client.get("/crash")
    assert page.status_code == 500
    assert "RuntimeError" not in page.text
    assert client.get("/unreachable").status_code == 503
    logged = capsys.readouterr().out
    assert '"exception": "RuntimeError"' in logged
    assert "+919000012345" not in logged + page.text


def test_an_application_with_a_view_that_nobody_guards_does_not_start(services: Services) -> None:
    with pytest.raises(LookupError, match="bare"):
        create_app(services, [lambda app: app.add_url_rule("/bare", "bare", lambda: "")])


def test_logs_name_routes_and_never_what_was_asked(
    shop: Shop, sign_in: SignIn, capsys: pytest.CaptureFixture[str]
) -> None:
    client = sign_in(shop.owner)
    client.get("/orders?q=%2B919800100000")
    client.get("/nothing/Priya%20Nair")
    logged = capsys.readouterr().out
    assert '"route": "/orders"' in logged
    assert not re.search(r"919800100000|Priya|kesar\.test|bicycles", logged)


def test_alive_and_ready(app: Flask, services: Services) -> None:
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json["checks"] == {"database": "ok", "schema": "ok", "redis": "ok"}


def test_not_ready_while_the_schema_is_another(app: Flask, services: Services) -> None:
    with services.database.session() as session:
        session.connection().exec_driver_sql("update alembic_version set version_num = '0000'")
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["schema"] != "ok"


def test_a_redis_that_is_down_is_told_and_takes_nothing_out_of_service(services: Services) -> None:
    settings = Settings.from_env(
        database_url=services.settings.database_url, redis_url="redis://127.0.0.1:1", secret_key=SECRET
    )
    answer = create_app(Services.from_settings(settings)).test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json["checks"]["redis"] == "unreachable"


def test_metrics_are_for_this_host_or_the_token(services: Services, shop: Shop) -> None:
    settings = Settings.from_env(
        database_url=services.settings.database_url,
        redis_url=services.settings.redis_url,
        secret_key=SECRET,
        metrics_token="m" * 20,
    )
    client = create_app(Services.from_settings(settings)).test_client()
    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }
    assert found["pakka_waiting", ("tasks",)] == 2
    assert found["pakka_redis_up", ()] == 1
    assert ("pakka_jobs", ("inbound",)) in found
    assert client.get("/metrics", headers={"X-Forwarded-For": "9.9.9.9"}).status_code == 404
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "9.9.9.9"}).status_code == 404
    assert client.get("/metrics", base_url="http://pakka.example").status_code == 404
    token = {"Authorization": "Bearer " + "m" * 20}
    assert client.get("/metrics", headers=token, environ_overrides={"REMOTE_ADDR": "9.9.9.9"}).status_code == 200


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(app: Flask, services: Services, shop: Shop) -> None:
    client = app.test_client()
    token = form_token(client)
    codes = [
        client.post(
            "/sign-in",
            data={"csrf_token": token, "email": f"p{n}@kesar.test", "password": "wrong"},
            headers={"X-Forwarded-For": f"10.0.0.{n}"},
        ).status_code
        for n in range(41)
    ]
    assert codes[-1] == 429


def test_what_shoppers_and_files_say_is_text_and_never_markup(services: Services, sign_in: SignIn, shop: Shop) -> None:
    nasty = '"><svg onload=alert(1)>{{7*7}}'
    with services.database.session() as session:
        for statement in (
            "update orders set shopper_name = :x, decision_reason = :x, receiver = :x, cancel_reason = :x, slot = :x",
            "update message set body = :x",
            "update upload set filename = :x",
            "update merchant set name = :x",
            "update member set name = :x",
            "update order_item set name = :x",
        ):
            session.connection().exec_driver_sql(statement.replace(":x", "'" + nasty + "'"))
    client = sign_in(shop.owner)
    for address in (
        "/orders",
        f"/orders/{shop.orders[0]}",
        "/uploads",
        f"/uploads/{shop.upload}",
        "/people",
        "/account",
    ):
        page = client.get(address).text
        assert "<svg onload" not in page, address
        assert "49" not in re.findall(r"svg onload=alert\(1\)&gt;(.{0,9})", page), address

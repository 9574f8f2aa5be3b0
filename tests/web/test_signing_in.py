"""Passwords, sessions, throttling, the second factor, links."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import col, select
from werkzeug.test import Cookie

from bot import clock
from bot.models import Audit, Member, Merchant, WebSession
from bot.services import Services
from bot.settings import Settings
from bot.web import members, passwords
from bot.web.application import create_app
from tests.web import samples
from tests.web.conftest import SECRET, form_token, post
from tests.web.samples import PASSWORD, Shop, fill

SignIn = Callable[..., FlaskClient]
REAL_HASHER = passwords._hasher


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    """Return `later(span)`: from now on it is that much later. The clock is put right afterwards."""
    yield lambda span: clock.read_from(lambda: datetime.now(UTC) + span)
    clock.read_from(None)


@pytest.fixture
def https(services: Services) -> Flask:
    """The application as it runs in production: behind HTTPS."""
    settings = Settings.from_env(
        database_url=services.settings.database_url,
        redis_url=services.settings.redis_url,
        secret_key=SECRET,
        public_url="https://pakka.example",
    )
    return create_app(Services.from_settings(settings))


def test_a_stranger_is_sent_to_the_sign_in_page_and_back_to_where_they_wanted(app: Flask, shop: Shop) -> None:
    client = app.test_client()
    sent = client.get("/orders?view=todo")
    assert sent.status_code == 302
    assert sent.location == "/sign-in?next=/orders?view%3Dtodo"
    back = post(client, sent.location, email=shop.owner, password=PASSWORD)
    assert back.location == "/orders?view=todo"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_another_site_after_signing_in(app: Flask, shop: Shop, target: str) -> None:
    client = app.test_client()
    token = form_token(client)
    answer = client.post(
        "/sign-in", query_string={"next": target}, data={"csrf_token": token, "email": shop.owner, "password": PASSWORD}
    )
    assert answer.location == "/"


def test_unknown_disabled_and_known_people_get_the_same_words_for_a_wrong_password(
    app: Flask, shop: Shop, services: Services
) -> None:
    with services.database.session() as session:
        session.get_one(Member, shop.members["agent"]).disabled_at = clock.now()
    answers = {
        who: post(app.test_client(), "/sign-in", email=who, password="wrong wrong wrong")
        for who in (shop.owner, "nobody@kesar.test", shop.agent)
    }
    pages = {answer.text.replace(who, "").split("csrf", 1)[0] for who, answer in answers.items()}
    assert {answer.status_code for answer in answers.values()} == {401}
    assert len(pages) == 1
    assert post(app.test_client(), "/sign-in", email=shop.agent, password=PASSWORD).status_code == 401


def test_passwords_are_hashed_with_argon2id_and_enough_work() -> None:
    assert REAL_HASHER.hash(PASSWORD).startswith("$argon2id$v=19$m=32768,t=3,p=1$")


def test_a_hash_that_has_become_weak_is_renewed_at_the_next_sign_in(
    shop: Shop, services: Services, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", REAL_HASHER)
    sign_in(shop.staff)
    with services.database.reader() as session:
        assert "m=32768" in str(session.get_one(Member, shop.members["staff"]).password_hash)
    assert sign_in(shop.staff).get("/account").status_code == 200


def test_an_unknown_member_costs_as_much_hashing_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    real = passwords._hasher.verify_and_update
    passwords.verify("x", None)

    def watched(password: str, stored: str) -> tuple[bool, str | None]:
        hashed.append(stored)
        return real(password, stored)

    monkeypatch.setattr(passwords._hasher, "verify_and_update", watched)
    assert passwords.verify("x", None) == (False, None)
    assert len(hashed) == 1
    assert hashed[0].startswith("$argon2id$")


def test_wrong_passwords_slow_strangers_down_and_never_lock_a_known_device_out(
    app: Flask, shop: Shop, sign_in: SignIn
) -> None:
    known = sign_in(shop.owner)
    post(known, "/sign-out")
    stranger = app.test_client()
    codes = [post(stranger, "/sign-in", email=shop.owner, password=f"wrong {n}").status_code for n in range(10)]
    assert codes[:8] == [401] * 8
    assert codes[8:] == [429, 429]
    blocked = post(app.test_client(), "/sign-in", email=shop.owner, password=PASSWORD)
    assert blocked.status_code == 429
    assert int(blocked.headers["Retry-After"]) > 0
    assert post(known, "/sign-in", email=shop.owner, password=PASSWORD).status_code == 302
    assert post(app.test_client(), "/sign-in", email=shop.staff, password=PASSWORD).status_code == 302


def test_one_password_tried_on_many_accounts_is_slowed_by_address(app: Flask, shop: Shop) -> None:
    client = app.test_client()
    token = form_token(client)
    codes = [
        client.post(
            "/sign-in", data={"csrf_token": token, "email": f"p{n}@kesar.test", "password": "sunflower"}
        ).status_code
        for n in range(42)
    ]
    assert codes.count(429) == 2


def test_a_log_out_is_final_even_for_who_has_kept_the_cookie(app: Flask, shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    kept = client.get_cookie("pakka")
    assert kept is not None
    assert client.get("/orders").status_code == 200
    post(client, "/sign-out")
    thief = app.test_client()
    thief.set_cookie("pakka", kept.value)
    assert thief.get("/orders").status_code == 302


def test_a_sign_in_gets_a_new_token_and_the_database_holds_none(
    shop: Shop, sign_in: SignIn, services: Services
) -> None:
    first, second = sign_in(shop.owner).get_cookie("pakka"), sign_in(shop.owner).get_cookie("pakka")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    with services.database.reader() as session:
        stored = session.exec(select(WebSession.digest)).all()
    assert first.value not in stored
    assert len(set(stored)) == 2


def test_a_sign_in_ends_when_it_is_idle_or_old(shop: Shop, sign_in: SignIn, later: Callable[[timedelta], None]) -> None:
    client = sign_in(shop.agent)
    later(timedelta(hours=11))
    assert client.get("/orders").status_code == 200
    later(timedelta(hours=22))
    assert client.get("/orders").status_code == 200
    later(timedelta(hours=35))
    assert client.get("/orders").status_code == 302

    client = sign_in(shop.agent)
    for hours in range(0, 24 * 7, 6):
        later(timedelta(hours=35 + hours))
        assert client.get("/orders").status_code == 200
    later(timedelta(hours=35 + 24 * 7 + 1))
    assert client.get("/orders").status_code == 302


def test_who_is_disabled_is_out_at_the_next_click(shop: Shop, sign_in: SignIn) -> None:
    agent, owner = sign_in(shop.agent), sign_in(shop.owner)
    assert agent.get("/orders").status_code == 200
    assert post(owner, f"/people/{shop.members['agent']}/disable").status_code == 302
    assert agent.get("/orders").status_code == 302
    assert agent.get("/live?t=orders").status_code in (200, 401)


def test_a_new_password_signs_all_other_devices_out(shop: Shop, sign_in: SignIn) -> None:
    here, there = sign_in(shop.staff), sign_in(shop.staff)
    answer = post(here, "/account/password", current=PASSWORD, password="green umbrella dances")
    assert answer.status_code == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert sign_in(shop.staff, "green umbrella dances").get("/account").status_code == 200


@pytest.mark.parametrize("bad", ["short", "password1234", "qwertyuiop", "kesarkesar", "1234567890"])
def test_passwords_that_are_guessed_first_cannot_be_chosen(shop: Shop, sign_in: SignIn, bad: str) -> None:
    answer = post(sign_in(shop.staff), "/account/password", current=PASSWORD, password=bad)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    "good", ["x" * 30 + "long one with spaces " * 3, "  leading spaces stay ", "नमस्ते दुनिया ठीक है", "🐘🦚🐅🦜 beasts"]
)
def test_long_spaced_and_foreign_passwords_can_be_chosen_and_are_not_cut(
    shop: Shop, sign_in: SignIn, good: str
) -> None:
    assert post(sign_in(shop.staff), "/account/password", current=PASSWORD, password=good).status_code == 302
    assert sign_in(shop.staff, good).get("/account").status_code == 200
    with pytest.raises(AssertionError):
        sign_in(shop.staff, good[:-1])


def test_an_invitation_is_good_once_and_lets_its_guest_in(app: Flask, shop: Shop, sign_in: SignIn) -> None:
    owner = sign_in(shop.owner)
    page = post(owner, "/people", email="New.Agent@kesar.test", name="", role="agent")
    link = _link(page.text)
    guest = app.test_client()
    assert "new.agent@kesar.test" in guest.get(link).text
    assert post(guest, link, name="Nadia", password="a kite over the river").status_code == 302
    assert guest.get("/orders").status_code == 200
    assert app.test_client().get(link).status_code == 410
    assert sign_in("new.agent@kesar.test", "a kite over the river").get("/people").status_code == 403


def test_a_link_for_a_new_password_is_over_after_three_days_and_when_forged(
    app: Flask, shop: Shop, services: Services, later: Callable[[timedelta], None]
) -> None:
    with app.test_request_context(), services.database.reader() as session:
        link = members.entry_link(session.get_one(Member, shop.members["staff"])).removeprefix("http://127.0.0.1:8000")
    client = app.test_client()
    assert client.get(link).status_code == 200
    assert client.get(link[:-9] + ("A" if link[-9] != "A" else "B") + link[-8:]).status_code == 410
    later(timedelta(days=4))
    assert client.get(link).status_code == 410


def test_links_name_the_configured_host_whatever_the_request_says(app: Flask, shop: Shop, sign_in: SignIn) -> None:
    owner = sign_in(shop.owner)
    token = form_token(owner)
    cookies = "; ".join(f"{name}={owner.get_cookie(name).value}" for name in ("pakka", "form"))
    page = app.test_client(use_cookies=False).post(
        f"/people/{shop.members['staff']}/link",
        data={"csrf_token": token},
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Cookie": cookies},
    )
    assert 'value="http://127.0.0.1:8000/entry/' in page.text


def test_the_second_factor_is_asked_and_a_code_is_good_once(shop: Shop, sign_in: SignIn, app: Flask) -> None:
    secret, codes = _turn_on(sign_in(shop.staff))
    totp = pyotp.TOTP(secret)
    client = app.test_client()
    assert post(client, "/sign-in", email=shop.staff, password=PASSWORD).location == "/sign-in/code?next=/"
    for address in ("/orders", "/account", "/uploads"):
        assert client.get(address).location == "/sign-in/code"
    assert client.get("/live?t=orders").status_code == 401
    used = totp.at(clock.now())
    assert post(client, "/sign-in/code", code=used).status_code == 401, "the code that turned it on is used up"
    following = totp.at(clock.now() + timedelta(seconds=30))
    assert post(client, "/sign-in/code", code=following).status_code == 302
    assert client.get("/orders").status_code == 200

    again = app.test_client()
    post(again, "/sign-in", email=shop.staff, password=PASSWORD)
    assert post(again, "/sign-in/code", code=following).status_code == 401
    assert post(again, "/sign-in/code", code=codes[3].upper()).status_code == 302
    third = app.test_client()
    post(third, "/sign-in", email=shop.staff, password=PASSWORD)
    assert post(third, "/sign-in/code", code=codes[3]).status_code == 401


def test_six_digits_cannot_be_tried_out(shop: Shop, sign_in: SignIn, app: Flask) -> None:
    _turn_on(sign_in(shop.staff))
    client = app.test_client()
    post(client, "/sign-in", email=shop.staff, password=PASSWORD)
    codes = [post(client, "/sign-in/code", code=f"{n:06d}").status_code for n in range(7)]
    assert codes == [401] * 5 + [429] * 2


def test_a_sign_in_from_before_the_second_factor_is_over(shop: Shop, sign_in: SignIn) -> None:
    other, here = sign_in(shop.staff), sign_in(shop.staff)
    _turn_on(here)
    assert other.get("/orders").status_code == 302
    assert here.get("/orders").status_code == 200


def test_secrets_of_the_second_factor_are_sealed_in_the_database(
    shop: Shop, sign_in: SignIn, services: Services
) -> None:
    secret, codes = _turn_on(sign_in(shop.staff))
    with services.database.reader() as session:
        member = session.get_one(Member, shop.members["staff"])
    assert secret not in str(member.totp_secret)
    assert not set(codes) & set(member.recovery_codes)


def test_owners_and_agents_need_the_second_factor_in_production_and_staff_does_not(https: Flask, shop: Shop) -> None:
    for email, first in (
        (shop.owner, "/account/second-factor"),
        (shop.agent, "/account/second-factor"),
        (shop.staff, "/"),
    ):
        client = https.test_client()
        token = form_token(_Https(client))
        answer = _Https(client).post("/sign-in", data={"csrf_token": token, "email": email, "password": PASSWORD})
        assert answer.location.split("?")[0] == first
        page = _Https(client).get("/orders")
        assert (page.status_code == 200) == (email == shop.staff)


def test_a_role_that_needs_the_second_factor_needs_it_from_the_moment_it_is_given(
    https: Flask, shop: Shop, services: Services
) -> None:
    staff = _Https(https.test_client())
    post(staff, "/sign-in", email=shop.staff, password=PASSWORD)
    assert staff.get("/orders").status_code == 200
    with services.database.session() as session:
        session.get_one(Member, shop.members["staff"]).role = "owner"
    assert staff.get("/orders").location == "/account/second-factor"
    assert staff.get("/people").location == "/account/second-factor"
    assert staff.get("/live?t=orders").status_code == 401


def test_cookies_of_production_are_bound_to_host_and_https(https: Flask, shop: Shop) -> None:
    client = _Https(https.test_client())
    token = form_token(client)
    answer = client.post("/sign-in", data={"csrf_token": token, "email": shop.staff, "password": PASSWORD})
    cookies = {value.split("=")[0]: value for value in answer.headers.getlist("Set-Cookie")}
    for name in ("__Host-pakka", "__Host-device"):
        assert all(part in cookies[name] for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
        assert "Domain" not in cookies[name]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


def test_what_happens_at_the_door_is_in_the_audit(shop: Shop, sign_in: SignIn, app: Flask, services: Services) -> None:
    post(app.test_client(), "/sign-in", email=shop.owner, password="wrong wrong wrong")
    page = sign_in(shop.owner).get("/people/audit")
    assert "Sign-in refused: wrong password" in page.text
    assert "Signed in" in page.text
    with services.database.reader() as session:
        lines = session.exec(select(Audit).where(col(Audit.act).like("signin%"))).all()
    assert {line.detail["from"] for line in lines} == {"127.0.0.1"}


def test_a_redis_that_is_down_lets_people_in_and_still_counts(services: Services, shop: Shop) -> None:
    settings = Settings.from_env(
        database_url=services.settings.database_url, redis_url="redis://127.0.0.1:1/0", secret_key=SECRET
    )
    app = create_app(Services.from_settings(settings))
    assert post(app.test_client(), "/sign-in", email=shop.owner, password=PASSWORD).status_code == 302
    codes = [post(app.test_client(), "/sign-in", email=shop.staff, password=f"wrong {n}").status_code for n in range(9)]
    assert codes[-1] == 429


def test_an_emptied_redis_signs_nobody_out(services: Services, shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    services.bell.redis.flushall()
    assert client.get("/orders").status_code == 200


def test_another_shop_may_not_take_an_address_that_has_a_login(services: Services, shop: Shop, sign_in: SignIn) -> None:
    other = fill(services, "rival", count=1)
    page = post(sign_in(other.owner), "/people", email=shop.staff, name="", role="staff")
    assert "has a login already" in page.text


class _Https:
    """A test client that speaks HTTPS."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, address: str, **more: object):  # type: ignore[no-untyped-def]
        return self._client.get(address, base_url="https://pakka.example", **more)

    def post(self, address: str, **more: object):  # type: ignore[no-untyped-def]
        return self._client.post(address, base_url="https://pakka.example", **more)

    def get_cookie(self, name: str) -> Cookie | None:
        return self._client.get_cookie(f"__Host-{name}", "pakka.example")


def _turn_on(client: FlaskClient) -> tuple[str, list[str]]:
    """Set the second factor up and return its secret and the recovery codes."""
    page = client.get("/account/second-factor").text
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found
    secret = found.group(1).replace(" ", "")
    done = post(client, "/account/second-factor", code=pyotp.TOTP(secret).at(clock.now()))
    codes = re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", done.text)
    assert len(codes) == 10
    return secret, codes


def _link(page: str) -> str:
    found = re.search(r'value="http://127.0.0.1:8000(/entry/[^"]+)"', page)
    assert found, page
    return found.group(1)


def test_an_admin_makes_a_shop_and_its_owner_comes_in(app: Flask, services: Services, sign_in: SignIn) -> None:
    client = sign_in(samples.admin(services))
    assert client.get("/").location == "/shops"
    made = {
        "name": "Kesar Silks & Co",
        "owner": "boss@kesar.test",
        "region": "in",
        "timezone": "Asia/Kolkata",
        "locale": "hi",
    }
    link = _link(post(client, "/shops", **made).text)
    owner = app.test_client()
    assert post(owner, link, name="Boss", password="a kite over the river").status_code == 302
    assert "Kesar Silks &amp; Co" in owner.get("/orders").text
    with services.database.reader() as session:
        shop = session.exec(select(Merchant)).one()
    assert (shop.slug, shop.region, shop.currency) == ("kesar-silks-co", "IN", "INR")
    assert post(client, "/shops", **made).status_code == 422, "the owner's address is taken"
    assert post(client, "/shops", **(made | {"timezone": "Mars/Base"})).status_code == 422

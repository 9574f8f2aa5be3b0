"""The second factor in a real browser, where it is required: set up, asked for, got around with a code on paper."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from bot import clock
from bot.services import Services
from bot.settings import Settings
from bot.web.application import create_app
from flows import FLOWS
from tests.web.conftest import SECRET
from tests.web.samples import PASSWORD, Shop

NewPage = Callable[..., Page]
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@pytest.fixture
def production(services: Services) -> Iterator[str]:
    """The address of the application as in production, but for cookies: there is no HTTPS here."""
    settings = Settings.from_env(
        database_url=services.settings.database_url, redis_url=services.settings.redis_url, secret_key=SECRET,
        public_url="https://pakka.example", session_cookie_secure=False,
    )  # fmt: skip
    server = make_server("127.0.0.1", 0, create_app(Services.from_settings(settings), flows=FLOWS), threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_an_owner_sets_up_the_second_factor_and_signs_in_with_it_and_without_the_phone(
    production: str, new_page: NewPage, shop: Shop, later: Callable[[timedelta], None], size: dict[str, int]
) -> None:
    first, second, third = (new_page(viewport=size) for _ in range(3))
    _enter(first, production, shop.owner)
    first.goto(f"{production}/orders")
    expect(first.get_by_role("heading", name="Set up the second factor")).to_be_visible()
    _judge(first, size)
    totp = pyotp.TOTP(first.locator("code.secret").inner_text().replace(" ", ""))
    first.locator("[name=code]").fill("000000" if totp.at(clock.now()) != "000000" else "111111")
    first.get_by_role("button", name="Turn on").click()
    expect(first.get_by_text("This code does not fit")).to_be_visible()
    first.locator("[name=code]").fill(totp.at(clock.now()))
    first.keyboard.press("Enter")
    expect(first.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    _judge(first, size)
    codes = first.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 10
    first.get_by_role("button", name="I have kept them").click()
    expect(first).to_have_url(f"{production}/orders")

    later(timedelta(seconds=60))
    _enter(second, production, shop.owner)
    _judge(second, size)
    second.locator("[name=code]").fill(totp.at(clock.now()))
    second.get_by_role("button", name="Go on").click()
    expect(second).to_have_url(f"{production}/orders")

    _enter(third, production, shop.owner)
    third.locator("[name=code]").fill(codes[0])
    third.get_by_role("button", name="Go on").click()
    expect(third.get_by_text("9 are left")).to_be_visible()

    first.goto(f"{production}/account")
    expect(first.locator("#devices + .rows li")).to_have_count(3)
    first.get_by_role("button", name="Sign out all other devices").click()
    expect(first.locator("#devices + .rows li")).to_have_count(1)
    for other in (second, third):
        other.goto(f"{production}/orders")
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    first.goto(f"{production}/orders")
    expect(first).to_have_url(f"{production}/orders")


def _enter(page: Page, address: str, email: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in?" not in url and not url.endswith("/sign-in"))


def _judge(page: Page, size: dict[str, int]) -> None:
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]

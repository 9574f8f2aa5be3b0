"""Every page on a laptop and on a phone, in the light and in the dark: axe finds no serious fault, nothing sticks out,
and everything can be reached without a mouse."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from bot.services import Services
from tests.web import samples
from tests.web.samples import PASSWORD, Shop

NewPage = Callable[..., Page]
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}

PAGES = (
    "/orders", "/orders?view=shipped", "/orders?q=nothing-like-that", "/orders/{silent}", "/orders/{confirmed}",
    "/overview", "/reviews", "/reviews?only=photos", "/settings", "/settings/texts", "/settings/whatsapp",
    "/settings/privacy?q=Priya", "/settings/privacy/shoppers/{silent}",
    "/uploads", "/uploads/{upload}", "/people", "/people/audit", "/account", "/account/second-factor",
)  # fmt: skip


# The colours do not depend on the size, so that two of the four combinations show everything.
@pytest.mark.parametrize(("size", "scheme"), [(LAPTOP, "light"), (PHONE, "dark")], ids=["laptop-light", "phone-dark"])
def test_pages_have_no_serious_fault_and_fit(
    served: str, new_page: NewPage, shop: Shop, scheme: str, size: dict[str, int]
) -> None:
    page = new_page(viewport=size, color_scheme=scheme)
    _judge(page, f"{served}/sign-in", size)
    _enter(page, served, shop.owner)
    for address in PAGES:
        path = address.format(silent=shop.orders[2], confirmed=shop.orders[0], upload=shop.upload)
        _judge(page, served + path, size)


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_the_platforms_pages_have_no_serious_fault(
    served: str, new_page: NewPage, shop: Shop, services: Services, size: dict[str, int]
) -> None:
    page = new_page(viewport=size)
    _enter(page, served, samples.admin(services))
    _judge(page, f"{served}/shops", size)


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_an_open_menu_and_a_preview_have_no_serious_fault(
    served: str, new_page: NewPage, shop: Shop, size: dict[str, int]
) -> None:
    page = new_page(viewport=size)
    _enter(page, served, shop.owner)
    page.click(".more-filters > summary")
    _judge(page, None, size)
    page.keyboard.press("Escape")
    page.click(".own summary")
    _judge(page, None, size)
    page.goto(f"{served}/uploads")
    with page.expect_navigation():
        page.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST})
    page.click(".columns-card > summary")
    _judge(page, None, size)


def test_everything_can_be_done_with_the_keyboard(served: str, new_page: NewPage, shop: Shop) -> None:
    page = new_page(viewport=LAPTOP)
    page.goto(f"{served}/sign-in")
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(shop.owner)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("1003")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=1003*")
    page.locator("#order-4").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/4")
    expect(page.locator("h1")).to_contain_text("#1003")


def test_the_chosen_theme_and_language_stay(served: str, new_page: NewPage, shop: Shop) -> None:
    page = new_page(viewport=LAPTOP, color_scheme="light")
    _enter(page, served, shop.owner)
    page.click(".own summary")
    page.click(".themes button[value=dark]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(f"{served}/people")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(f"{served}/account")
    page.select_option("#locale", "hi")
    page.click("form[action='/account/profile'] button[type=submit]")
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    expect(page.locator(".places")).to_contain_text("ऑर्डर")


def test_pages_work_without_scripts(served: str, new_page: NewPage, shop: Shop) -> None:
    page = new_page(viewport=LAPTOP, java_script_enabled=False)
    _enter(page, served, shop.owner)
    page.fill("#q", "1003")
    page.click(".filters > button")
    expect(page.locator(".row-link")).to_have_count(1)
    page.goto(f"{served}/uploads")
    page.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST})
    page.click("form .no-script button")
    page.click("text=Import and ask")
    expect(page.locator("progress")).to_be_visible()


LIST = b"Order ID,Phone,Amount,Name,Address,City,Pincode\n"
LIST += b"77,9800000001,500,A B,12 Main Road,Pune,411038\n78,12,1,C,D,E,1\n"


def _judge(page: Page, address: str | None, size: dict[str, int]) -> None:
    if address:
        page.goto(address)
    found = Axe().run(page)
    faults = [
        f"{page.url}: {fault['id']} ({fault['impact']}): {fault['help']}: {fault['nodes'][0]['html'][:200]} "
        f"{fault['nodes'][0].get('failureSummary', '')[:300]}"
        for fault in found.response["violations"]
        if fault["impact"] in ("serious", "critical", "moderate")
    ]
    assert not faults, "\n".join(faults)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size["width"], f"{page.url} is {wide} wide"


def _enter(page: Page, served: str, email: str) -> None:
    page.goto(f"{served}/sign-in")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda address: "/sign-in" not in address)

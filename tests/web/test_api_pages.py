"""The pages around the API, in a browser: the reference, and an owner's keys and hooks."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.samples import PASSWORD, Shop


@pytest.fixture
def owner(shop: Shop, served: str, new_page: Callable[..., Page]) -> Page:
    """A phone on which the owner is signed in, in the dark."""
    page = new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page.goto(f"{served}/sign-in")
    page.fill("[name=email]", shop.owner)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/orders*")
    return page


def test_an_owner_makes_a_key_on_a_phone(owner: Page, served: str) -> None:
    owner.goto(f"{served}/systems")
    owner.click("summary:has-text('Make a key')")
    owner.fill("#name", "Warehouse")
    owner.check("[value='orders:read']")
    owner.click("button:has-text('Make a key')")
    expect(owner.locator("#key")).to_have_value(re.compile("^pakka_"))


def test_pages_of_keys_and_hooks_have_no_serious_fault(owner: Page, served: str, shop: Shop) -> None:
    for path in ("/systems", f"/systems/hooks/{shop.hook}"):
        owner.goto(served + path)
        owner.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        faults = [
            fault for fault in Axe().run(owner).response["violations"] if fault["impact"] in ("serious", "critical")
        ]
        assert faults == [], path
        assert owner.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_reference_renders_under_its_own_policy(served: str, page: Page) -> None:
    """A part that the policy refuses would be a complaint in the browser's console, which fails the test."""
    page.goto(f"{served}/api/v1/reference")
    page.click("#operations-Orders-create_order .opblock-summary-control")
    expect(page.locator("#operations-Orders-create_order")).to_contain_text("curl http")
    expect(page.locator(".opblock")).to_have_count(24)

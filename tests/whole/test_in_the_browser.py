"""The whole way as people go it: a list in, a tap on the phone, a decision out. Real processes, a real browser."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bot.demo import OWNER
from tests.fixtures.stacks import Stack
from tests.local.waiting import wait_until
from tests.whole.lists import shopify_list


def sign_in(page: Page, stack: Stack, email: str = OWNER) -> None:
    """Sign in to the console of the demo."""
    page.goto(f"{stack.console}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(stack.settings["DEMO_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("width", "list_"), [(1366, "B"), (390, "P")], ids=["laptop", "phone"])
def test_from_a_shopify_export_to_a_file_with_decisions(
    stack: Stack, new_page: Callable[..., Page], tmp_path: Path, width: int, list_: str
) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    sign_in(page, stack)
    page.goto(f"{stack.console}/uploads")
    export = tmp_path / "shop.csv"
    export.write_text(shopify_list(list_, [f"+91984500{width:04}", f"+91984600{width:04}"]), encoding="utf-8")
    page.locator("input[type=file]").set_input_files(export)
    if page.get_by_role("button", name="Read the list").is_visible():
        page.get_by_role("button", name="Read the list").click()
    expect(page.get_by_text("a Shopify export")).to_be_visible()
    page.get_by_role("button", name="Import and ask").click()
    expect(page.get_by_role("button", name="Show the orders")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Show the orders").click()
    row = page.locator("tr", has_text=f"#{list_}1")
    expect(row.get_by_text("Asked", exact=True)).to_be_visible(timeout=20_000)

    phone = new_page(viewport={"width": 390, "height": 844})
    phone.goto(stack.phones)
    phone.get_by_label("Search phones").fill(f"984500{width:04}")
    expect(phone.locator("#people li")).to_have_count(1)
    phone.locator("#people li").click()
    chat = phone.get_by_label("Phone", exact=True)
    expect(chat.get_by_text("Shall we send it?")).to_be_visible(timeout=20_000)
    chat.get_by_role("button", name="Confirm", exact=True).click()

    # The console shows it without a reload.
    expect(row.get_by_text("Confirmed", exact=True)).to_be_visible(timeout=20_000)
    row.get_by_role("link", name=f"#{list_}1").click()
    expect(page.get_by_text("Shall we send it?")).to_be_visible()

    page.goto(f"{stack.console}/uploads")
    page.get_by_role("link", name="shop.csv").first.click()
    page.get_by_text("Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Your file, with decisions").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    decisions = {row["Name"]: row for row in rows}
    assert list(decisions) == [f"#{list_}1", f"#{list_}2"]
    ours = [name for name in rows[0] if name.startswith("Pakka")]
    assert ours, list(rows[0])
    assert any("ship" in (decisions[f"#{list_}1"][name] or "").lower() for name in ours)


def test_the_demos_reviews_come_with_photos(stack: Stack, page: Page) -> None:
    sign_in(page, stack)
    page.goto(f"{stack.console}/reviews?only=photos")
    # Three shoppers send theirs as soon as the demo runs.
    expect(page.locator(".photos img")).to_have_count(3, timeout=30_000)
    seen = "images => images.every((image) => image.naturalWidth > 100)"
    wait_until(lambda: page.locator(".photos img").evaluate_all(seen))

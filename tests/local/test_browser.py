"""The browser that the tests drive."""

from playwright.sync_api import Page, expect


def test_a_page_runs_scripts_and_can_be_photographed(page: Page) -> None:
    page.set_content("<button onclick=\"this.textContent = 'Pakka ✓'\">Confirm</button>")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("button")).to_have_text("Pakka ✓")
    assert page.screenshot().startswith(b"\x89PNG")

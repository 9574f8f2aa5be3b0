"""The phone's page in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.simulator.conftest import ASHA, WABA, Hook, Sim
from tests.simulator.test_templates import CONFIRM, message


def confirm(sim: Sim) -> str:
    """Send Asha a template with buttons."""
    sim.patch("/settings", {"status_scale": 0, "review_seconds": 0})
    sim.graph("POST", f"{WABA}/message_templates", json=CONFIRM)
    sim.post("/phones", {"phone": ASHA, "name": "Asha Verma"})
    return sim.sent(message())


def test_a_shopper_reads_taps_and_writes_without_a_reload(sim: Sim, hook: Hook, page: Page) -> None:
    page.goto(sim.url)
    expect(page.get_by_role("heading", name="No phones yet")).to_be_visible()
    wamid = confirm(sim)
    page.get_by_role("button", name="Asha Verma").click()
    chat = page.get_by_role("log", name="Chat")
    expect(chat).to_contain_text("please confirm your cash-on-delivery order of ₹1,299")
    expect(chat.get_by_label("The business sees: read")).to_have_count(1)
    chat.get_by_role("button", name="Confirm order").click()
    expect(chat.locator(".mine")).to_contain_text("Confirm order")
    page.get_by_label("Message", exact=True).fill("شام 6 بجے کے بعد")
    page.keyboard.press("Enter")
    expect(chat.locator(".mine .words").last).to_have_css("direction", "rtl")
    sim.sent({"text": {"body": "Thanks, *Asha*"}})
    expect(chat.locator(".theirs strong").last).to_have_text("Asha")
    heard = [node.get("button") or node.get("text") for node in hook.nodes("messages")]
    assert heard == [{"payload": "r.1.yes", "text": "Confirm order"}, {"body": "شام 6 بجے کے بعد"}]
    assert hook.names(wamid) == ["sent", "delivered", "read"]
    sim.graph("POST", "100200300400500/messages", json={
        "messaging_product": "whatsapp", "status": "read", "message_id": hook.nodes("messages")[-1]["id"],
        "typing_indicator": {"type": "text"}})  # fmt: skip
    expect(chat.get_by_label("The business marked it as read")).to_have_count(2)


def test_a_tap_is_not_lost_when_its_bubble_changes_under_the_finger(sim: Sim, hook: Hook, page: Page) -> None:
    wamid = confirm(sim)
    page.goto(f"{sim.url}/#{ASHA}")
    chat = page.get_by_role("log", name="Chat")
    expect(chat.get_by_label("The business sees: read")).to_have_count(1)
    chat.get_by_role("button", name="Confirm order").hover()
    page.mouse.down()
    with page.expect_response("**/chat?*"):
        sim.act("reaction", wamid=wamid, emoji="👍")
    page.evaluate("new Promise((resolve) => setTimeout(resolve))")
    page.mouse.up()
    expect(chat.locator(".mine")).to_contain_text("Confirm order")
    expect(chat.get_by_text("👍")).to_be_visible()


def test_a_list_a_pin_a_photo_a_voice_note_a_sticker_a_card_and_a_reaction_are_sent(
    sim: Sim, hook: Hook, page: Page
) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    rows = [{"id": "r0", "title": "Noon"}, {"id": "r1", "title": "Evening", "description": "4 to 8"}]
    listed = {
        "type": "list",
        "body": {"text": "When?"},
        "action": {"button": "Pick a time", "sections": [{"rows": rows}]},
    }
    sim.sent({"type": "interactive", "interactive": listed})
    page.goto(f"{sim.url}/#{ASHA}")
    page.get_by_role("button", name="Pick a time").click()
    page.get_by_label("Evening").check()
    page.get_by_role("dialog").get_by_role("button", name="Send").click()

    def card() -> None:
        page.get_by_role("dialog").get_by_label("Name").fill("Ravi")
        page.get_by_role("dialog").get_by_label("Phone").fill("+91 98111 11111")
        page.get_by_role("dialog").get_by_role("button", name="Send").click()

    sheets: dict[str, Callable[[], None]] = {
        "Location": lambda: page.get_by_role("button", name="Bandra West, Mumbai").click(),
        "Photo": lambda: page.get_by_role("button", name="A sample").click(),
        "Voice note": lambda: None,
        "Sticker": lambda: None,
        "Contact": card,
    }
    chat = page.get_by_role("log", name="Chat")
    sent = 2
    expect(chat.locator(".row.mine")).to_have_count(sent)
    for name, choose in sheets.items():
        page.get_by_role("button", name="Send something else").click()
        page.get_by_role("menuitem", name=name, exact=True).click()
        choose()
        sent += 1
        expect(chat.locator(".row.mine")).to_have_count(sent)
    chat.locator(".row.theirs").hover()
    chat.get_by_role("button", name="React").click()
    page.get_by_role("button", name="React with 🙏").click()
    expect(chat.locator(".reaction")).to_have_text("🙏")
    sim.idle()
    kinds = [node["type"] for node in hook.nodes("messages")]
    assert kinds == ["text", "interactive", "location", "image", "audio", "sticker", "contacts", "reaction"]
    assert hook.nodes("messages")[1]["interactive"]["list_reply"]["id"] == "r1"
    assert chat.locator("img.photo").evaluate("image => image.decode().then(() => image.naturalWidth)") == 960


def test_a_phone_is_added_and_switched_and_time_is_moved_behind_the_glass(
    sim: Sim, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport={"width": 1300, "height": 850})
    page.goto(sim.url)
    page.get_by_role("button", name="Add a phone").first.click()
    page.get_by_label("Number with country code").fill("+92 300 1234567")
    page.get_by_role("dialog").get_by_label("Name").fill("عائشہ")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("عائشہ"))).to_be_visible()
    page.get_by_label("Online").uncheck()
    expect(page.locator(".person .chip")).to_have_text("offline")
    assert sim.get("/phones/923001234567")["online"] is False
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#rate")).to_have_text("frozen")
    before = sim.get("/clock")["now"]
    page.get_by_role("button", name="+1 day").click()
    expect(page.locator("#window-state")).to_have_text("Closed: only templates reach this phone")
    for _ in range(100):
        if sim.get("/clock")["now"] > before:
            break
        page.wait_for_timeout(20)
    assert sim.get("/clock")["now"] == before + 86_400


def test_what_did_not_arrive_is_shown_with_its_reason(sim: Sim, page: Page) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.post("/phones", {"phone": ASHA, "online": False})
    sim.sent()
    sim.idle()
    confirm(sim)
    page.goto(f"{sim.url}/#{ASHA}")
    chat = page.get_by_role("log", name="Chat")
    expect(chat).to_contain_text("Not delivered (131047)")
    expect(chat).to_contain_text("sent, not on the phone yet")
    assert chat.get_by_role("button", name="Confirm order").count() == 0


def test_the_page_works_by_keyboard_and_on_a_small_screen(sim: Sim, new_page: Callable[..., Page]) -> None:
    sim.act("text", text="first")
    sim.act("text", who="919811111111", text="second")
    page = new_page(viewport={"width": 1100, "height": 760}, color_scheme="dark")
    page.goto(f"{sim.url}/#919811111111")
    expect(page.get_by_role("log")).to_contain_text("second")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_role("log")).to_contain_text("first")
    page.get_by_role("log").focus()
    page.keyboard.press("/")
    page.keyboard.type("11111")
    expect(page.locator(".person")).to_have_count(1)
    small = new_page(viewport={"width": 360, "height": 700})
    small.goto(sim.url)
    small.get_by_role("button", name="Shopper 2345").click()
    expect(small.get_by_role("log")).to_contain_text("first")
    assert small.evaluate("document.documentElement.scrollWidth") == 360
    small.get_by_role("button", name="Back to the phones").click()
    expect(small.get_by_role("button", name="Shopper 1111")).to_be_visible()


def test_markup_in_a_message_is_shown_and_never_run(sim: Sim, page: Page) -> None:
    evil = "<img src=x onerror=alert(1)> <b>bold</b>"
    sim.act("text", text=evil)
    answer = sim.http.get(sim.url, timeout=10)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    page.goto(f"{sim.url}/#{ASHA}")
    expect(page.get_by_role("log")).to_contain_text(evil)
    svg = sim.act("document", data="PHN2Zy8+", mime="image/svg+xml", filename="a.svg")
    assert svg["wamid"]
    url = sim.get(f"/phones/{ASHA}/chat")["messages"][-1]["media"]["url"]
    assert sim.http.get(sim.url + url, timeout=10).headers["Content-Disposition"] == "attachment"


def test_the_documentation_names_every_endpoint_and_setting(sim: Sim, page: Page) -> None:
    page.goto(f"{sim.url}/sim/")
    expect(page.get_by_role("heading", name="Control API")).to_be_visible()
    text = page.locator("main").inner_text()
    for name in sim.get("/settings"):
        assert name in text
    descriptions = page.locator("section:has(h2:text('Settings now')) td:last-child").all_inner_texts()
    assert all(description.strip() for description in descriptions)
    assert all(paragraph.strip() for paragraph in page.locator("main section p").all_inner_texts())

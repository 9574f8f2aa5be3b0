"""The inbox in a real browser, on a laptop and on a phone: news within a second, keys, crossing words."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlmodel import select

from bot.clock import now
from bot.models import AddressVersion, Conversation, Handover, Message, Order
from bot.services import Services
from bot.talk import handover
from bot.talk.messages import append
from tests.fixtures.models import Server
from tests.web.samples import PASSWORD, Shop
from tests.web.test_inbox import _colleague, _say, _sent, _waiting
from tests.web.test_live import check_news

NewPage = Callable[..., Page]
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
COUNT_TONES = """
    window.rung = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { window.rung += 1; return start.call(this, at); };
    null
"""


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_fault_and_fit(
    served: str, new_page: NewPage, shop: Shop, services: Services, size: dict[str, int], scheme: str
) -> None:
    talk = _waiting(services, shop, 0, reason="address_unclear", cutoff_at=now() + timedelta(minutes=50))
    closed = _waiting(services, shop, 3)
    with services.database.session() as session:
        session.get_one(Conversation, closed).window_until = now() - timedelta(hours=1)
    _say(services, shop, talk, "مسجد کے سامنے")
    page = new_page(viewport=size, color_scheme=scheme)
    _enter(page, served, shop.agent)
    for address in ("", "?view=snoozed", f"/{talk}", f"/{closed}", f"/{talk}?show=details", "/calls", "/answers"):
        page.goto(f"{served}/inbox{address}")
        _judge(page, size)


def test_a_message_is_translated_in_its_place_and_stays_so(
    served: str, new_page: NewPage, shop: Shop, services: Services, translating: Server
) -> None:
    translating.says({"translation": "In front of the mosque"})
    talk = _waiting(services, shop, 0)
    _say(services, shop, talk, "مسجد کے سامنے")
    page = new_page(viewport=PHONE)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/{talk}")
    bubble = page.locator(".bubble", has_text="مسجد کے سامنے")
    _judge(page, PHONE)
    bubble.get_by_role("button", name="Translate").press("Enter")
    expect(bubble).to_contain_text("In front of the mosque")
    _judge(page, PHONE)
    page.reload()
    expect(bubble).to_contain_text("In front of the mosque")
    expect(bubble.get_by_role("button", name="Translate")).to_have_count(0)


def test_a_phone_goes_from_the_list_to_the_talk_to_its_details_and_back(
    served: str, new_page: NewPage, shop: Shop, services: Services
) -> None:
    talk = _waiting(services, shop, 0, cutoff_at=now() + timedelta(minutes=50))
    page = new_page(viewport=PHONE, has_touch=True)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox")
    expect(page.locator(".talk-pane")).to_be_hidden()
    page.locator(f".task[href='/inbox/{talk}']").tap()
    expect(page.locator(".queue-pane")).to_be_hidden()
    expect(page.locator(".scroller")).to_contain_text("haan bhej do")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport()
    page.get_by_role("button", name="Details").tap()
    expect(page.locator(".talk-pane")).to_be_hidden()
    expect(page.locator(".side-pane")).to_contain_text("Shanti Niwas")
    page.get_by_role("link", name="Conversation").tap()
    page.get_by_role("link", name="Back to the queue").tap()
    expect(page.locator(".queue-pane")).to_be_visible()


def test_what_the_shopper_writes_appears_within_a_second_and_the_draft_stays(
    served: str, new_page: NewPage, shop: Shop, services: Services
) -> None:
    talk = _waiting(services, shop, 0)
    page = new_page(viewport=LAPTOP)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/{talk}")
    page.fill("#body", "half a sent")
    check_news(page, lambda words: _say(services, shop, talk, words), ("aur suno 0", "aur suno 1"), within=".bubble")
    expect(page.locator(".bubble").get_by_text("aur suno 1")).to_be_in_viewport()
    expect(page.locator("#body")).to_have_value("half a sent")
    # What was shown counts as seen: the reply goes out.
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble.agent").get_by_text("half a sent")).to_be_visible()
    expect(page.locator("#body")).to_have_value("")
    expect(page.locator(".holder")).to_have_text("yours")
    assert len(_sent(services, talk)) == 1


def test_news_bring_the_details_along_but_for_those_who_are_at_work_in_them(
    served: str, new_page: NewPage, shop: Shop, services: Services
) -> None:
    talk = _waiting(services, shop, 0)
    page = new_page(viewport=LAPTOP)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/{talk}")
    fetched: list[str] = []
    page.on("request", lambda one: fetched.append(one.headers.get("hx-target", "")))
    amount = page.locator("#side .facts .big")

    def change(rupees: int, words: str) -> None:
        with services.database.session() as session:
            order = session.get_one(Order, shop.orders[0])
            order.amount, order.updated_at = rupees * 100, now()
        _say(services, shop, talk, words)
        expect(page.locator("#bubbles")).to_contain_text(words, timeout=10_000)

    page.locator("#side a").first.focus()
    address = page.evaluate("document.activeElement.getAttribute('href')")
    change(4321, "the first")
    expect(amount).to_have_text("₹4,321")
    assert page.evaluate("document.activeElement.getAttribute('href')") == address
    assert [one for one in fetched if one in ("bubbles", "side")] == ["bubbles"]
    page.locator("#fix > summary").click()
    page.fill("#fix-address1", "half a word")
    change(5432, "the second")
    expect(page.locator("#side[data-stale]")).to_be_visible()
    expect(page.locator("#fix-address1")).to_have_value("half a word")
    expect(amount).to_have_text("₹4,321")
    page.locator("#fix > summary").click()
    expect(amount).to_have_text("₹5,432")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_words_that_cross_are_stopped_shown_and_kept(
    served: str, new_page: NewPage, shop: Shop, services: Services, size: dict[str, int]
) -> None:
    talk = _waiting(services, shop, 0)
    page = new_page(viewport=size)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/{talk}")
    # A page that no longer hears the news: the shopper's words are not on it when the agent sends.
    page.route("**/live?*", lambda route: route.fulfill(status=304))
    page.fill("#body", "We send it today.")
    _say(services, shop, talk, "not today, I am away")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The shopper has just written")
    expect(page.get_by_role("alert")).to_contain_text("not today, I am away")
    expect(page.locator("#body")).to_have_value("We send it today.")
    assert _sent(services, talk) == []
    page.fill("#body", "Tomorrow, then.")
    page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(page.locator(".bubble.agent").get_by_text("Tomorrow, then.")).to_be_visible()
    assert [message.body for message in _sent(services, talk)] == ["Tomorrow, then."]


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_two_agents_see_each_other_and_only_one_has_it(
    served: str, new_page: NewPage, shop: Shop, services: Services, size: dict[str, int]
) -> None:
    talk = _waiting(services, shop, 0)
    first, second = new_page(viewport=size), new_page(viewport=size)
    _enter(first, served, shop.agent)
    _enter(second, served, _colleague(services, shop))
    for page in (first, second):
        page.goto(f"{served}/inbox/{talk}")
    first.locator("#body").press_sequentially("Let me see")
    expect(second.locator("#presence")).to_have_text("Agent Sharma is writing…", timeout=10000)
    first.keyboard.press("Escape")
    first.keyboard.press("a")
    expect(first.locator(".holder")).to_have_text("yours")
    expect(second.locator(".holder")).to_have_text("Agent Sharma has it", timeout=5000)
    second.fill("#body", "Me too")
    second.keyboard.press("Control+Enter")
    expect(second.get_by_role("alert")).to_contain_text("Agent Sharma has this conversation now")
    expect(second.locator("#body")).to_have_value("Me too")
    assert _sent(services, talk) == []


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_a_closed_window_offers_templates_and_opens_by_itself(
    served: str, new_page: NewPage, shop: Shop, services: Services, size: dict[str, int]
) -> None:
    talk = _waiting(services, shop, 0)
    with services.database.session() as session:
        session.get_one(Conversation, talk).window_until = now() - timedelta(hours=1)
    page = new_page(viewport=size)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/{talk}")
    expect(page.locator("#body")).to_be_hidden()
    expect(page.locator(".closed-only")).to_contain_text("only templates")
    page.keyboard.press("t")
    page.get_by_text("Ask for the address").click()
    page.get_by_role("button", name="Send the template").click()
    expect(page.locator(".bubble.agent").get_by_text("Hello Priya Nair")).to_be_visible()
    _say(services, shop, talk, "here is my address")
    page.locator(".bubble").get_by_text("here is my address").wait_for(timeout=5000)
    expect(page.locator("#body")).to_be_visible()
    expect(page.locator("#window")).to_contain_text("left to answer freely")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_who_takes_over_silences_a_bot_that_is_about_to_speak(
    served: str, new_page: NewPage, shop: Shop, services: Services, size: dict[str, int]
) -> None:
    talk = shop.conversation
    page = new_page(viewport=size)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/{talk}")
    expect(page.locator(".holder")).to_have_text("the bot is talking")
    with services.database.session() as session:
        conversation = handover.lock(session, talk)
        append(session, conversation, key="bot:next", direction="out", author="bot", merchant_id=shop.merchant,
               body="When shall it come?", extra={"reply": True}, status="queued")  # fmt: skip
    expect(page.locator(".bubble.bot").get_by_text("When shall it come?")).to_be_visible()
    page.get_by_role("button", name="Take over").click()
    expect(page.locator(".holder")).to_have_text("yours")
    expect(page.locator(".bubble.bot.off").get_by_text("When shall it come?")).to_be_visible()
    page.fill("#body", "This is a person now.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".bubble.agent").get_by_text("This is a person now.")).to_be_visible()
    assert [message.author for message in _sent(services, talk)] == ["agent"]
    page.get_by_role("button", name="Back to the bot").click()
    expect(page.get_by_role("status").filter(has_text="The bot has the conversation again")).to_be_visible()


def test_a_task_is_done_with_the_keyboard_alone(served: str, new_page: NewPage, shop: Shop, services: Services) -> None:
    first = _waiting(services, shop, 1, cutoff_at=now() + timedelta(minutes=30), amount=500_000)
    second = _waiting(services, shop, 2, cutoff_at=now() + timedelta(minutes=40), amount=400_000)
    page = new_page(viewport=LAPTOP)
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/answers")
    page.fill("#shortcut", "late")
    page.fill("#answer", "Hello {name}, {order} leaves tomorrow.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.goto(f"{served}/inbox")
    page.keyboard.press("j")
    expect(page.locator(".task").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/inbox/{first}$"))
    page.keyboard.press("j")
    page.wait_for_url(re.compile(f"/inbox/{second}$"))
    page.keyboard.press("k")
    page.wait_for_url(re.compile(f"/inbox/{first}$"))
    page.keyboard.press("/")
    page.keyboard.type("/la")
    page.keyboard.press("Enter")
    expect(page.locator("#body")).to_have_value("Hello राहुल वर्मा, #1001 leaves tomorrow.")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("Rang twice.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble.note")).to_contain_text("Rang twice.")
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    page.keyboard.press("Control+A")
    page.keyboard.type("House 9, Fort Road")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served}/inbox")
    expect(page.get_by_role("status").filter(has_text="Saved")).to_contain_text("Address fixed")
    page.goto(f"{served}/inbox/{second}")
    page.keyboard.press("1")
    page.wait_for_url(f"{served}/inbox")
    with services.database.reader() as session:
        assert session.get_one(Order, shop.orders[2]).intent == "confirmed"
        written = session.exec(
            select(AddressVersion).where(AddressVersion.order_id == shop.orders[1], AddressVersion.given_by == "agent")
        ).one()
        assert written.parts["address1"] == "House 9, Fort Road"
        open_ = session.exec(
            select(Handover).where(Handover.conversation_id.in_((first, second)), Handover.resolved_at.is_(None))  # type: ignore[attr-defined, union-attr]
        )
        assert open_.all() == []


def test_the_queue_moves_by_itself_and_rings_only_when_asked(
    served: str, new_page: NewPage, shop: Shop, services: Services
) -> None:
    page = new_page(viewport=LAPTOP, permissions=["notifications"])
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox")
    page.evaluate(COUNT_TONES)
    talk = _waiting(services, shop, 1)
    page.locator(f".task[href='/inbox/{talk}']").wait_for(timeout=5000)
    assert page.evaluate("window.rung") == 0
    page.click("#alerts")
    expect(page.locator("#alerts")).to_have_attribute("aria-pressed", "true")
    rung = page.evaluate("window.rung")
    assert rung > 0
    _say(services, shop, talk, "anybody there?")
    expect(page.locator(f".task[href='/inbox/{talk}']")).to_contain_text("anybody there?", timeout=5000)
    page.wait_for_function(f"window.rung > {rung}", timeout=5000)


def test_a_photo_is_shown_and_one_that_is_gone_says_so(
    served: str, new_page: NewPage, shop: Shop, services: Services
) -> None:
    talk = _waiting(services, shop, 0)
    _say(services, shop, talk, "my door")
    with services.database.session() as session:
        message = session.exec(select(Message).where(Message.key == "in:my door")).one()
        message.kind, message.extra = "image", {"media": {"id": "77"}}
    page = new_page(viewport=LAPTOP)
    dot = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
    page.route("**/media/*", lambda route: route.fulfill(status=200, content_type="image/gif", body=dot))
    _enter(page, served, shop.agent)
    page.goto(f"{served}/inbox/{talk}")
    expect(page.get_by_role("img", name="Photo from the shopper")).to_be_visible()
    page.unroute("**/media/*")
    page.route("**/media/*", lambda route: route.fulfill(status=200, content_type="image/gif", body=b"no picture"))
    page.reload()
    expect(page.get_by_text("This file is no longer available.")).to_be_visible()


def _judge(page: Page, size: dict[str, int]) -> None:
    faults = [
        f"{page.url}: {fault['id']} ({fault['impact']}): {fault['help']}: {fault['nodes'][0]['html'][:200]} "
        f"{fault['nodes'][0].get('failureSummary', '')[:300]}"
        for fault in Axe().run(page).response["violations"]
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

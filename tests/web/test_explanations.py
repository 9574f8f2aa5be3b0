"""What the core keeps in English reaches people in their own words: no code without a text, no sentence unread."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from bot.addresses import records
from bot.clock import now
from bot.models import AddressVersion, Merchant, Order
from bot.orders import changes, decisions, evidence, spreadsheet, uploads
from bot.orders.decisions import Case, Decision, Odds, decide
from bot.orders.rules import ON_SILENCE, Rules
from bot.services import Services
from bot.settings import ROOT
from bot.web import explanations, inbox_words
from bot.web.labels import LABELS
from tests.web.conftest import post
from tests.web.samples import Shop

SignIn = Callable[..., FlaskClient]
TODAY = date(2026, 11, 26)
NO_CODES = {"NOTES", "FIELDS", "NFKC"}
"""Words in capitals of the lists' modules that are no codes: names of constants, a form of Unicode."""
TABLES = [
    (records.FINDINGS, explanations.FINDINGS),
    (evidence.REMARKS, explanations.REMARKS),
    (decisions.REASONS, explanations.REASONS),
    (changes.NOTES, explanations.CHANGES),
    (spreadsheet.NOTES, explanations.NOTES),
]


@pytest.fixture(params=["en", "hi"])
def language(app: Flask, request: pytest.FixtureRequest) -> Iterator[str]:
    with app.test_request_context(headers={"Accept-Language": request.param}):
        yield request.param


@pytest.fixture
def hindi(app: Flask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "hi"}):
        yield


def _decisions() -> Iterator[Decision]:
    """Decide on orders of every kind under rules of every kind."""
    intents = ("confirmed", "cancelled", "denied", "held_out", "unreachable", "opted_out", "silent")
    rules = [replace(Rules(), on_silence=rule) for rule in ON_SILENCE]
    rules += [replace(Rules(), cancel_after_hours=48.5), replace(Rules(), margin_percent=1, return_cost=90000)]
    later = (None, TODAY + timedelta(days=4))
    for intent, readiness, why, score, day, rule in product(
        intents, ("unasked", "not_ready"), ("", "price"), (None, 20), later, rules
    ):
        case = Case("open", intent, readiness, 100000, "INR", why, day, score, silent_hours=50)
        if made := decide(case, rule, Odds(), TODAY):
            yield made


@pytest.mark.parametrize(("core", "console"), TABLES)
def test_every_code_of_the_core_has_a_text_that_names_the_same(
    core: dict[str, object], console: dict[str, object], language: str
) -> None:
    assert core.keys() == console.keys()
    for key, text in console.items():
        named = set(re.findall(r"%\((\w+)\)s", str(text)))
        assert named <= set(re.findall(r"\{(\w+)", str(core[key]))), key


def test_findings_are_translated_from_the_words_that_the_core_uses(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        texts = {code: str(text) for code, text in explanations.FINDINGS.items()}
    assert texts == {code: sentence for code, (_severity, sentence) in records.FINDINGS.items()}


def test_every_problem_that_a_list_can_have_has_a_text() -> None:
    found = set()
    for path in (ROOT / "bot" / "orders" / "spreadsheet").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                # Codes of currencies and countries are shorter.
                found |= {node.value} if re.fullmatch(r"[A-Z][A-Z_]{3,}", node.value) else set()
    assert found - NO_CODES - spreadsheet.NOTES.keys() == explanations.PROBLEMS.keys()


def test_every_decision_is_told_in_the_readers_words(language: str) -> None:
    reached = set()
    for made in _decisions():
        told = explanations.reason(made.reason)
        reached.add(made.why)
        assert re.search("[\u0900-\u097f]", told) if language == "hi" else told.isascii()
        assert "price" not in told
        assert "2026-11" not in told
        if language == "hi":
            assert set(re.findall("[A-Za-z]+", told)) <= {"WhatsApp"}
        if "p_return" in decisions.REASONS[made.why]:
            assert f"{made.sum['p_return']:.0%}" in told
    assert reached == decisions.REASONS.keys() - {"PAID"}


def test_english_readers_see_words_and_days_instead_of_codes(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert explanations.reason("The shopper cancelled (price).") == "The shopper cancelled: Too expensive."
        day = explanations.reason("The shopper asked not to get it before 2026-11-30.")
        assert day == "The shopper asked not to get it before Mon 30 Nov."
        own = "No answer, and holding loses less: 43% come back, the line is 31%."
        assert explanations.reason(own) == own
        # Findings and problems of lists are more exact in the core's own words.
        assert explanations.finding("The city lies in another state.", "PIN_CITY") == "The city lies in another state."
        assert explanations.problem("the order is older than 9 days", "TOO_OLD") == "the order is older than 9 days"


@pytest.mark.usefixtures("hindi")
def test_what_somebody_wrote_by_hand_is_shown_as_it_is() -> None:
    for written in ("He asked for Monday.", "The shopper asked not to get it before Monday.", ""):
        assert explanations.reason(written) == written
    assert explanations.problem("This is no phone number.", "phone") == "This is no phone number."


@pytest.mark.usefixtures("hindi")
def test_remarks_and_notes_keep_what_they_name() -> None:
    remark = evidence.REMARKS["OTHERWISE"].format(provider="Maps", value="MG Road", field="address1")
    assert explanations.finding(remark, evidence.CODE) == "Maps यहाँ MG Road लिखने को कहता है: पता, पंक्ति 1।"
    note = spreadsheet.NOTES["ONE_SHEET"].format(sheet="July", unread="June, May")
    assert explanations.note(note) == "सिर्फ़ शीट “July” पढ़ी गई, ये नहीं: June, May।"
    gone = changes.NOTES["GONE"].format(status="out for delivery")
    assert explanations.problem(gone, "NEEDS_APPROVAL") == "ऑर्डर आगे बढ़ चुका है: डिलीवरी पर निकला।"
    assert explanations.column("column 9") == "कॉलम 9"


def test_a_hindi_reader_meets_no_english_sentence(services: Services, shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    post(client, "/account/profile", name="मालिक", locale="hi")
    listed = _newer_list(services, shop)
    with services.database.session() as session:
        for version in session.exec(select(AddressVersion).where(AddressVersion.order_id == shop.orders[0])):
            version.findings = [
                {"code": code, "severity": severity, "field": "address1", "sentence": sentence, "value": ""}
                for code, (severity, sentence) in records.FINDINGS.items()
            ]
    pages = [client.get(path).text for path in (f"/orders/{shop.orders[0]}", "/orders", "/overview")]
    assert "ग्राहक ने हाँ कहा।" in pages[0]
    assert "पिन कोड किसी दूसरे राज्य का है।" in pages[0]
    assert "इस सूची में अलग है: पता, राशि, उत्पाद" in pages[0]
    assert "ग्राहक ने रद्द किया: महँगा।" in pages[1]
    report = client.get(f"/uploads/{listed}?rows=skipped").text
    assert "इस सूची में अलग है: पता, राशि, उत्पाद" in report
    assert "कैश ऑन डिलीवरी नहीं" in report
    for page in (*pages, report):
        for _severity, sentence in records.FINDINGS.values():
            assert sentence not in page
        assert "The shopper" not in page
        assert "it is not cash" not in page


def _newer_list(services: Services, shop: Shop) -> int:
    """Hand in a list that gives a confirmed order another amount and address, and names a paid one."""
    with services.database.session() as session:
        order = session.get_one(Order, shop.orders[0])
        content = (
            "Order No,Name,Mobile,Address,City,Pincode,Amount,Payment\n"
            f"{order.reference},{order.shopper_name},{order.phone},House 9 New Road,Lucknow,226010,650,COD\n"
            "N-1,Sita,9876500001,House 3 New Road,Lucknow,226010,650,Card\n"
        )
        upload = uploads.receive(
            session, session.get_one(Merchant, shop.merchant), "newer.csv", content.encode(), at=now()
        )
        uploads.begin(session, upload, now())
    assert uploads.run(services, upload.id or 0)
    return upload.id or 0


def test_why_meta_takes_nothing_is_told_with_what_to_do(language: str) -> None:
    held = explanations.held
    told = [held(f"code_{code}") for code in (190, 10, 250, 368, 131037, 131042, 131045, 131048)]
    assert not [text for text in told if re.search(r"\d", text)], "no code where a sentence is known"
    assert held("code_131064").endswith("131064")
    assert "disabled update" in held("account_DISABLED_UPDATE")


def test_what_was_read_is_told_in_words_and_days(language: str) -> None:
    slots = {"date": "2026-11-28", "part": "evening", "also": "slot_choice", "any": True}
    told = inbox_words.read_as([{"kind": "yes_but", "slots": slots, "confidence": 0.9}])
    assert "2026" not in told
    assert "slot_choice" not in told
    assert "True" not in told
    assert str(LABELS["slot"]["evening"].text) in told
    assert "28" in told
    assert "next week" in inbox_words.read_as([{"kind": "confirm", "slots": {"date": "next week"}, "confidence": 1}])

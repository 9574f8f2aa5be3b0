"""The settings: every rule can be read and written, is judged once, and the example adds up what is being written."""

import csv
import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, time
from html import unescape
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page, expect
from sqlmodel import col, select
from werkzeug.datastructures import MultiDict

from bot.models import Audit, Merchant, Order, Run, Timer
from bot.orders import export
from bot.orders.rules import FLOWS as CHOOSABLE
from bot.orders.rules import ON_SILENCE, PARTS_OF_DAY, Rules
from bot.services import Services
from bot.text import locales
from bot.web import figures, rule_forms
from bot.web.rule_fields import FIELDS
from flows import FLOWS
from tests.web.conftest import form_token, post
from tests.web.samples import PASSWORD, Shop

SignIn = Callable[..., FlaskClient]


def _written(rules: Rules, **changes: object) -> dict[str, object]:
    """Return the form as a browser posts it."""
    return {name: value for name, value in (rule_forms.shown(rules, "INR") | changes).items() if value != ""}


def _save(client: FlaskClient, **changes: object):  # type: ignore[no-untyped-def]
    return client.post("/settings/rules", data={"csrf_token": form_token(client), **_written(Rules(), **changes)})


def _stored(services: Services, shop: Shop) -> dict[str, object]:
    with services.database.reader() as session:
        return session.get_one(Merchant, shop.merchant).rules


def test_every_rule_has_its_field_and_every_choice_its_words() -> None:
    assert set(FIELDS) == {field.name for field in fields(Rules)}
    for name, codes in (("flows", CHOOSABLE), ("on_silence", ON_SILENCE), ("parts_of_day", PARTS_OF_DAY)):
        assert {code for code, _name, _meaning in FIELDS[name].options} == set(codes)


@given(
    st.builds(
        Rules,
        ask_after_minutes=st.integers(0, 20160),
        ask_daily_at=st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0)),
        reminder_hours=st.lists(st.sampled_from([0.5, 4.0, 16.25, 336.0]), max_size=2).map(tuple),
        minimum_amount=st.integers(0, 10**9),
        return_cost=st.integers(0, 10**9),
        flows=st.lists(st.sampled_from(CHOOSABLE), unique=True).map(tuple),
        cancel_after_hours=st.none() | st.sampled_from([1.0, 72.5]),
        courier_days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
        holidays=st.lists(st.dates(date(2026, 1, 1), date(2030, 1, 1)), max_size=3).map(tuple),
        cod_labels=st.lists(st.from_regex(r"[A-Za-z]{1,9}( [a-z]{1,5})?", fullmatch=True), max_size=3).map(tuple),
        ships_other_size=st.booleans(),
        parcel_cm=st.just((12.5, 8.0, 3.0)),
    ),
    st.sampled_from(["INR", "IDR", "JPY", "KWD"]),
)
def test_what_is_shown_is_read_back_as_it_was(rules: Rules, currency: str) -> None:
    shown = rule_forms.shown(rules, currency)
    posted = MultiDict(
        [(name, part) for name, value in shown.items() for part in (value if isinstance(value, list) else [value])]
    )
    values, faults = rule_forms.read(rule_forms.as_written(posted), currency)
    assert faults == {}
    assert Rules.from_json(values) == rules


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(max_size=20)))
def test_whatever_is_written_is_either_read_or_named_at_its_field(written: dict[str, str]) -> None:
    values, faults = rule_forms.read(rule_forms.as_written(MultiDict(written)), "INR")
    assert values.keys() | faults.keys() == FIELDS.keys()
    assert all(faults.values())


def test_an_owner_changes_rules_and_the_audit_tells_what(services: Services, shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    answer = _save(client, margin_percent="42,5", opens="10:00", flows=["order_confirmation"], holidays="2027-01-26")
    assert answer.status_code == 302
    assert _stored(services, shop) == {
        "margin_percent": 42.5, "opens": "10:00", "flows": ["order_confirmation"], "holidays": ["2027-01-26"],
    }  # fmt: skip
    with services.database.reader() as session:
        line = session.exec(select(Audit).where(Audit.act == "rules.changed")).one()
    assert line.detail["changes"]["margin_percent"] == [None, 42.5]
    assert line.detail["changes"].keys() == {"margin_percent", "opens", "flows", "holidays"}
    again = _save(client, margin_percent="42.5", opens="10:00", flows=["order_confirmation"], holidays="2027-01-26")
    assert again.status_code == 302
    with services.database.reader() as session:
        assert len(session.exec(select(Audit).where(Audit.act == "rules.changed")).all()) == 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("margin_percent", "140", "From 0 to 100."),
        ("margin_percent", "a lot", "A number is needed."),
        ("opens", "9 o'clock", "An hour looks like 09:30."),
        ("holidays", "26 January", "A day looks like 2027-01-26."),
        ("reminder_hours", ["-1", "16"], "Each above 0"),
        ("give_up_hours", "1e9", "Above 0, and 14 days"),
        ("keep_envelopes_days", "1", "From 8 to 365"),
        ("delivery_days", "", "Please fill this in."),
    ],
)
def test_a_wrong_value_is_named_at_its_field_and_nothing_is_lost(
    services: Services, shop: Shop, sign_in: SignIn, name: str, value: object, sentence: str
) -> None:
    answer = _save(sign_in(shop.owner), cutoff="16:45", **{name: value})
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert re.search(rf'id="{name}-error" role="alert">{re.escape(sentence)}', page)
    assert f'href="#{name}"' in page
    assert 'value="16:45"' in page, "what else was written is still there"
    assert _stored(services, shop) == {}


def test_a_rule_of_a_newer_release_survives_the_form(services: Services, shop: Shop, sign_in: SignIn) -> None:
    with services.database.session() as session:
        session.get_one(Merchant, shop.merchant).rules = {"from_the_future": 7, "hold_out_percent": 5}
    assert _save(sign_in(shop.owner)).status_code == 302
    assert _stored(services, shop) == {"from_the_future": 7}


def test_staff_read_the_rules_and_cannot_change_them(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.staff)
    page = client.get("/settings").text
    assert "Only an owner can change these." in page
    assert "Save the rules" not in page
    assert page.count("disabled") >= 8
    assert _save(client).status_code == 403


def test_the_example_shows_when_holding_begins_to_pay(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    cheap = client.get("/settings/example?amount=1299&margin_percent=30&return_cost=150").text
    assert cheap.count(">Ship<") == 2
    dear = client.get("/settings/example?amount=200&margin_percent=30&return_cost=150").text
    assert dear.count(">Hold<") == 2
    always = client.get("/settings/example?amount=200&on_silence=call").text
    assert always.count(">Call<") == 2
    assert "appears when" in client.get("/settings/example?margin_percent=x").text
    assert client.get("/settings/example?amount=99999999999999999999").status_code == 200


def test_the_shops_name_language_and_clock_are_changed(services: Services, shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    assert post(client, "/settings/shop", name="Kesar", locale="hi-Latn", timezone="Asia/Dhaka").status_code == 302
    with services.database.reader() as session:
        row = session.get_one(Merchant, shop.merchant)
        assert (row.name, row.locale, row.timezone) == ("Kesar", "hi-Latn", "Asia/Dhaka")
        assert session.exec(select(Audit).where(Audit.act == "shop.changed")).one().detail["changes"].keys() == {
            "name", "locale", "timezone",
        }  # fmt: skip
    wrong = post(client, "/settings/shop", name=" ", locale="tlh", timezone="Mars/Olympus")
    assert wrong.status_code == 422
    for sentence in ("1 to 80 characters", "no texts in this language", "no such time zone"):
        assert sentence in wrong.text


def test_the_texts_are_shown_in_every_language(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.staff)
    page = unescape(client.get("/settings/texts?language=hi-Latn").text)
    assert "Kesar Silks ki taraf se" in page
    assert page.count('<div class="preview"') == len(FLOWS), "every talk has its first words"
    one = client.get("/settings/texts?talk=review").text
    for locale in locales():
        assert f'<div class="preview" lang="{locale}"' in one


def test_a_trial_is_asked_at_once_and_stays_out_of_everything_real(
    services: Services, shop: Shop, sign_in: SignIn
) -> None:
    client = sign_in(shop.staff)
    answer = post(client, "/settings/whatsapp/try", phone="98450 12345")
    assert answer.status_code == 302
    with services.database.reader() as session:
        order = session.exec(select(Order).where(col(Order.trial).is_(True))).one()
        assert (order.reference, order.phone, order.shopper_name) == ("TEST-1", "+919845012345", "Staff Sharma")
        run = session.exec(select(Run).where(Run.order_id == order.id)).one()
        timer = session.exec(select(Timer).where(Timer.run_id == run.id)).one()
        assert (run.status, timer.fire_at) == ("planned", order.ask_at)
    assert answer.location == f"/orders/{order.id}"
    assert "waiting for an answer on that phone" in _followed(client, "98450 12345")
    assert "no phone number" in _followed(client, "12")

    overview = client.get("/overview/days.csv").text
    days = list(csv.DictReader(overview.removeprefix("\ufeff").splitlines()))
    assert sum(int(day[part]) for day in days for part in figures.ANSWERS) == len(shop.orders)
    with services.database.session() as session:
        session.get_one(Order, order.id).decision = "ship"
    out = BytesIO()
    with services.database.reader() as session:
        export.export_shiprocket(session, session.get_one(Merchant, shop.merchant), out)
    assert b"TEST-1" not in out.getvalue()
    assert b"#1000" in out.getvalue()


def _followed(client: FlaskClient, phone: str) -> str:
    place = post(client, "/settings/whatsapp/try", phone=phone).location
    return client.get(place.partition("#")[0]).text


def test_the_steps_say_what_is_missing(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in(shop.owner).get("/settings/whatsapp").text
    for sentence in ("python3 app.py setup", "Nothing has come from WhatsApp yet", "WHATSAPP_APP_SECRET"):
        assert sentence in page


def test_the_example_follows_what_is_being_written(served: str, new_page: Callable[..., Page], shop: Shop) -> None:
    page = new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{served}/sign-in")
    page.fill("#email", shop.owner)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/orders")
    page.goto(f"{served}/settings")
    expect(page.locator("#sums .chip.good")).to_have_count(2)
    page.fill("#return_cost", "900")
    expect(page.locator("#sums .chip.act")).to_have_count(2)
    page.check("input[value=ship]")
    expect(page.locator("#sums .chip.good")).to_have_count(2)
    page.fill("#margin_percent", "200")
    page.click("text=Save the rules")
    expect(page.locator("#faults a")).to_have_text("What you earn on an order")
    page.fill("#margin_percent", "20")
    page.click("text=Save the rules")
    expect(page.locator(".flash.good")).to_have_text("Saved.")
    expect(page.locator("#return_cost")).to_have_value("900")


def test_rules_say_their_own_limits() -> None:
    assert replace(Rules(), opens=time(7)).to_json() == {"opens": "07:00"}

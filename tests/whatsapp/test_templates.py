"""Templates here and at Meta: submitted, compared, and what Meta says of them noted."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlmodel import select

from bot.cli.templates import command
from bot.clock import now
from bot.database import Database
from bot.models import Merchant, WhatsAppTemplate
from bot.services import Services
from bot.settings import Settings
from bot.whatsapp import errors
from bot.whatsapp.catalogue import Catalogue, Template
from bot.whatsapp.client import Client
from bot.whatsapp.compose import Choice, Outgoing, compose
from bot.whatsapp.parse import parse
from bot.whatsapp.templates import compare, note_template, push, refresh
from bot.whatsapp.updates import TemplateEvent
from tests.whatsapp.conftest import Meta, Simulator

ACCOUNT = "500400300200100"
ENGLISH = Template(
    "order_confirmation", "en", "order_confirmation", "en", "UTILITY",
    body="Hello {name}, your parcel comes with cash on delivery, please have {amount} ready at the door.",
    buttons=("Confirm order", "Cancel order"),
    examples={"name": "Asha", "amount": "₹1,299"},
    ttl_seconds=43200,
)  # fmt: skip
HINDI = replace(
    ENGLISH,
    locale="hi",
    language="hi",
    body="नमस्ते {name}, आपका पार्सल कैश ऑन डिलीवरी से आएगा, कृपया {amount} तैयार रखें।",
    buttons=("हाँ, भेजिए",),
)
OURS = Catalogue((ENGLISH, HINDI))
VALUES = {"name": "Ravi", "amount": "₹450"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.engine.dispose()


def rows(database: Database) -> dict[str, WhatsAppTemplate]:
    with database.reader() as session:
        return {row.language: row for row in session.exec(select(WhatsAppTemplate))}


def test_what_is_missing_at_meta_is_submitted_and_can_then_be_sent(database: Database, simulator: Simulator) -> None:
    client = Client(simulator.url, "v26.0", "any")
    assert {one.state for one in compare(OURS, client.templates(ACCOUNT))} == {"missing"}
    attempts = push(database, client, ACCOUNT, OURS, edit=False)
    assert [(one.template.language, one.error) for one in attempts] == [("en", None), ("hi", None)]
    assert {one.state for one in compare(OURS, client.templates(ACCOUNT))} == {"same"}
    assert push(database, client, ACCOUNT, OURS, edit=True) == []
    assert {row.status for row in rows(database).values()} == {"APPROVED"}
    simulator.control("POST", "/sim/phones", {"phone": "+919000012345", "name": "Asha"})
    choices = (Choice("81.1.yes.aa", "Confirm order"), Choice("81.1.no.bb", "Cancel order"))
    use = OURS.use("order_confirmation", "en", VALUES)
    message = Outgoing("template", to_phone="919000012345", choices=choices, template=use)
    assert client.send(simulator.number, compose(message)).wamid


def test_a_changed_text_is_submitted_only_when_asked_for(database: Database, simulator: Simulator) -> None:
    client = Client(simulator.url, "v26.0", "any")
    push(database, client, ACCOUNT, OURS, edit=False)
    changed = Catalogue((replace(ENGLISH, body=ENGLISH.body.replace("the door", "your door")), HINDI))
    states = {one.template.language: one.state for one in compare(changed, client.templates(ACCOUNT))}
    assert states == {"en": "changed", "hi": "same"}
    assert push(database, client, ACCOUNT, changed, edit=False) == []
    (attempt,) = push(database, client, ACCOUNT, changed, edit=True)
    assert (attempt.template.language, attempt.state, attempt.error) == ("en", "changed", None)
    assert {one.state for one in compare(changed, client.templates(ACCOUNT))} == {"same"}


def test_one_refused_template_keeps_back_none_of_the_others(database: Database, meta: Meta) -> None:
    meta.answers(400, {"error": {"code": 100, "error_subcode": 2388293, "message": "Invalid parameter"}})
    client = Client(meta.url, "v26.0", "any")
    with pytest.raises(errors.OurBug):
        push(database, client, ACCOUNT, OURS, edit=False)

    def list_nothing_and_refuse(connection: socket.socket) -> None:
        status = 200 if meta.received[-1].line.startswith("GET") else 400
        body: dict[str, Any] = {"data": []} if status == 200 else {"error": {"code": 100, "error_subcode": 2388293}}
        meta.answers(status, body)
        meta.behaviour(connection)
        meta.behaviour = list_nothing_and_refuse

    meta.behaviour = list_nothing_and_refuse
    attempts = push(database, client, ACCOUNT, OURS, edit=False)
    assert [(one.template.language, one.error.subcode) for one in attempts if one.error] == [
        ("en", 2388293), ("hi", 2388293)]  # fmt: skip
    assert rows(database) == {}


def test_the_hourly_limit_ends_a_round_after_the_merchants_own_languages(
    database: Database, simulator: Simulator
) -> None:
    with database.session() as session:
        session.add(Merchant(slug="mira", name="Mira Crafts", locale="hi", created_at=now()))
    simulator.control("PATCH", "/sim/settings", {"template_creations_per_hour": 2})
    french = replace(ENGLISH, locale="fr", language="fr")
    client, ours = Client(simulator.url, "v26.0", "any"), Catalogue((french, ENGLISH, HINDI))
    attempts = push(database, client, ACCOUNT, ours, edit=False)
    assert [(one.template.language, type(one.error)) for one in attempts] == [
        ("en", type(None)), ("hi", type(None)), ("fr", errors.SlowNumber)]  # fmt: skip
    simulator.control("PATCH", "/sim/settings", {"template_creations_per_hour": 100})
    (rest,) = push(database, client, ACCOUNT, ours, edit=False)
    assert (rest.template.language, rest.error) == ("fr", None)


def test_another_category_than_the_one_asked_for_is_noticed(database: Database, meta: Meta) -> None:
    meta.answers(200, {"id": "1", "status": "PENDING", "category": "MARKETING"})
    attempts = push(database, Client(meta.url, "v26.0", "any"), ACCOUNT, OURS, edit=False)
    assert {one.category for one in attempts} == {"MARKETING"}
    assert {(row.category, row.status) for row in rows(database).values()} == {("MARKETING", "PENDING")}


def note(database: Database, **news: object) -> WhatsAppTemplate:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    event = TemplateEvent(ACCOUNT, "77", "order_confirmation", "en", at=at, **news)  # type: ignore[arg-type]
    with database.session() as session:
        note_template(session, event)
    return rows(database)["en"]


def test_what_webhooks_say_of_a_template_is_noted(database: Database) -> None:
    assert note(database, status="APPROVED", category="UTILITY").status == "APPROVED"
    paused = note(database, status="PAUSED", reason="FIRST_PAUSE")
    assert (paused.status, paused.reason) == ("PAUSED", "FIRST_PAUSE")
    assert paused.held_until == datetime(2026, 11, 1, 3, tzinfo=UTC)
    assert note(database, status="PAUSED", reason="SECOND_PAUSE").held_until == paused.held_until + timedelta(hours=3)
    lifted = note(database, status="APPROVED", reason="UNPAUSE")
    assert (lifted.status, lifted.reason, lifted.held_until) == ("APPROVED", "", None)
    assert note(database, quality="RED").status == "APPROVED"
    flagged = note(database, status="FLAGGED")
    assert (flagged.status, flagged.quality) == ("APPROVED", "RED")
    assert note(database, status="DISABLED", reason="DISABLED").status == "DISABLED"
    assert note(database, status="REINSTATED").status == "APPROVED"
    assert note(database, category="UTILITY", coming_category="MARKETING").category == "UTILITY"
    assert note(database, category="MARKETING").category == "MARKETING"
    assert len(rows(database)) == 1


def test_recorded_news_is_noted(database: Database) -> None:
    folder = Path(__file__).parents[1] / "payloads"
    for path in sorted(folder.glob("template_*.json")):
        for update in parse(path.read_bytes()):
            assert isinstance(update, TemplateEvent)
            with database.session() as session:
                note_template(session, update)
    noted = rows(database)
    assert set(noted) == {"en", "hi", "en_US"}
    assert (noted["hi"].status, noted["hi"].reason) == ("REJECTED", "INVALID_FORMAT")
    assert (noted["en"].quality, noted["en"].category) == ("YELLOW", "UTILITY")


def test_a_lost_webhook_is_made_up_for_by_asking(database: Database, simulator: Simulator) -> None:
    client = Client(simulator.url, "v26.0", "any")
    push(database, client, ACCOUNT, OURS, edit=False)
    simulator.control("PATCH", "/sim/templates/order_confirmation", {"status": "PAUSED"})
    refresh(database, client, ACCOUNT)
    assert rows(database)["en"].status == "PAUSED"
    simulator.control("PATCH", "/sim/templates/order_confirmation", {"status": "APPROVED"})
    refresh(database, client, ACCOUNT)
    assert (rows(database)["en"].status, rows(database)["en"].held_until) == ("APPROVED", None)


def run(arguments: list[str], **settings: str) -> Result:
    app = Flask(__name__)
    app.extensions["pakka"] = Services.from_settings(Settings.from_env(secret_key="x" * 32, **settings))
    with app.app_context():
        return CliRunner().invoke(command, arguments)


def test_the_commands_submit_all_of_our_own_templates_and_find_them_the_same(
    sqlite_url: str, simulator: Simulator
) -> None:
    settings = {
        "database_url": sqlite_url,
        "graph_api_url": simulator.url,
        "whatsapp_token": "any",
        "whatsapp_business_account_id": ACCOUNT,
    }
    simulator.control("PATCH", "/sim/settings", {"template_creations_per_hour": 100})
    before = run(["diff"], **settings)
    assert before.exit_code == 1
    assert "order_confirmation [en]: missing (not submitted)" in before.output
    first = run(["push"], **settings)
    assert (first.exit_code, "order_confirmation [en]: submitted, APPROVED" in first.output) == (1, True)
    assert "Meta takes 100 new templates an hour" in first.output
    simulator.control("PATCH", "/sim/settings", {"template_creations_per_hour": 1000})
    pushed = run(["push"], **settings)
    assert (pushed.exit_code, "several_reminder [vi]: submitted, APPROVED" in pushed.output) == (0, True)
    after = run(["diff"], **settings)
    assert (after.exit_code, "order_confirmation [en]: same (APPROVED, UTILITY)" in after.output) == (0, True)
    assert run(["push"], **settings).output == "Nothing to submit.\n"


def test_the_command_says_in_one_line_what_is_missing_or_wrong(sqlite_url: str) -> None:
    bare = run(["diff"], database_url=sqlite_url)
    assert bare.exit_code == 1
    assert bare.output.startswith("Error: set WHATSAPP_BUSINESS_ACCOUNT_ID and WHATSAPP_TOKEN")
    nobody = run(["push"], database_url=sqlite_url, graph_api_url="http://127.0.0.1:1", whatsapp_token="any",
                 whatsapp_business_account_id=ACCOUNT)  # fmt: skip
    assert nobody.exit_code == 1
    assert nobody.output.startswith("Error: Meta did not answer as hoped: Retry(HTTP 0)")

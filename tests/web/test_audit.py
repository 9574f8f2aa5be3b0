"""The audit page: people's words for every deed, things by their names, and what has to be written down at all."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, update
from sqlmodel import col, select

from bot import seals
from bot.cli.merchants import command as merchants
from bot.clock import now
from bot.models import Audit, CannedAnswer, Conversation, Run, WebSession
from bot.services import Services
from bot.settings import ROOT
from bot.web.audit_words import ACTS
from tests.web.conftest import SECRET, post
from tests.web.samples import Shop

SignIn = Callable[..., FlaskClient]
_WRITERS = {"record", "_note", "_write_down"}


def recorded() -> Iterator[tuple[str, list[str]]]:
    """Yield where something is written down, and which acts it may be."""
    for path in (ROOT / "bot").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        writes = any(isinstance(node, ast.ImportFrom) and _is_audit(node) for node in ast.walk(tree))
        # What is inside of these passes on an act that its callers name.
        passed_on = {
            id(call)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name in _WRITERS
            for call in ast.walk(node)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and id(call) not in passed_on and (given := _given(call, writes)) is not None:
                yield f"{path.relative_to(ROOT)}:{call.lineno}", list(_acts(given, own))


def _is_audit(node: ast.ImportFrom) -> bool:
    return node.module == "bot.web.audit" or (node.module == "bot.web" and any(n.name == "audit" for n in node.names))


def _given(call: ast.Call, writes: bool) -> ast.expr | None:
    """Return what says the act in a call that writes into the audit."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name == "Audit":
        return next(word.value for word in call.keywords if word.arg == "act")
    on_audit = isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "audit"
    if writes and name in _WRITERS and (name != "record" or on_audit):
        # In front of the act may stand the session.
        return next(given for given in call.args if getattr(given, "id", "") not in ("session", "db"))
    return None


def _acts(given: ast.expr, own: dict[str, object]) -> Iterator[str]:
    match given:
        case ast.Constant(value=str(act)):
            yield act
        case ast.IfExp(body=one, orelse=other):
            yield from _acts(one, own)
            yield from _acts(other, own)
        case ast.Name(id=name) if name in own:
            yield str(own[name])
        case ast.JoinedStr(values=[ast.Constant(value="notice."), _]):
            flows = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "flows").glob("*.py"))
            yield from (f"notice.{code}" for code in re.findall(r'\bNotice\("(\w+)"', flows))


def test_every_act_that_is_written_down_has_words_and_no_words_are_left_over() -> None:
    found = list(recorded())
    assert len(found) > 60, "the search does not see where things are written down any more"
    assert [place for place, acts in found if not acts] == []
    acts = {act for _place, several in found for act in several}
    assert acts - ACTS.keys() == set(), "give these words in bot/web/audit_words.py"
    assert ACTS.keys() - acts == set(), "nobody does these any more"


@pytest.fixture
def lines(services: Services, shop: Shop) -> None:
    """A line of most kinds."""
    things = {
        "signin.done": ("", {"from": "10.0.0.7", "factor": "recovery"}),
        "member.role_changed": (f"member:{shop.members['staff']}", {"before": "staff", "after": "agent"}),
        "conversation.assigned": (f"conversation:{shop.conversation}", {"to": shop.members["agent"]}),
        "order.called": (f"order:{shop.orders[1]}", {"ending": "no_answer"}),
        "order.updated": (f"order:{shop.orders[2]}", {"key": "pakka_ab12cd", "fields": ["amount", "address"]}),
        "upload.downloaded": (f"upload:{shop.upload}", {"what": "decisions"}),
        "rules.changed": (
            f"shop:{shop.merchant}", {"changes": {"cancel_after_hours": [None, 48], "on_silence": [None, "call"]}},
        ),
        "key.created": (f"key:{shop.key}", {"prefix": "pakka_zz", "scopes": ["orders:read"]}),
        "hook.switched": (f"hook:{shop.hook}", {"on": False}),
        "review.answered": (f"review:{shop.review}", {}),
        "answer.deleted": ("answer:999999", {"shortcut": "late"}),
        "retention.wiped": (f"shop:{shop.merchant}", {"messages": 12, "files": 0}),
    }  # fmt: skip
    nobody = ("retention.wiped", "order.updated")
    with services.database.session() as session:
        for act, (thing, detail) in things.items():
            member = None if act in nobody else shop.members["owner"]
            session.add(
                Audit(merchant_id=shop.merchant, member_id=member, at=now(), act=act, object=thing, detail=detail)
            )


@pytest.mark.usefixtures("lines")
def test_the_page_speaks_of_deeds_things_and_details_in_words(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in(shop.owner).get("/people/audit").text
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for words in (
        "Signed in", "Internet address: 10.0.0.7", "Second factor: recovery code", "Role: Staff → Agent",
        "To: Agent Sharma", "Shopper called", "Result: No answer", "API key pakka_ab12cd", "Changed: Amount, Address",
        "List orders_kesar.csv", "File: with decisions", "Cancel after: – → 48 hours",
        "What to do with silent orders: Decide by expected value → Put them on the call list",
        "It may: read orders and decisions", "Now: off", "Canned answer #999999", "Shortcut: late", "Messages: 12",
        "the program", "Decision: Hold → Ship",
    ):  # fmt: skip
        assert words in text, words
    for link in (
        f"/orders/{shop.orders[1]}", f"/uploads/{shop.upload}", f"/inbox/{shop.conversation}",
        f"/systems/hooks/{shop.hook}", "/people", "/systems", "/settings", "/reviews",
    ):  # fmt: skip
        assert f'href="{link}"' in page, link
    shown = re.sub(r"<select.*?</select>", "", page, flags=re.DOTALL)
    assert not re.search(r">\s*(signin|member|order|upload|hook|key)[.:][a-z0-9_]+", shown)


@pytest.mark.usefixtures("lines")
def test_the_page_is_read_in_hindi_too(shop: Shop, sign_in: SignIn, app: Flask) -> None:
    client = sign_in(shop.owner)
    post(client, "/account/profile", name="मालिक", locale="hi")
    page = client.get("/people/audit").text
    for words in ("साइन इन हुआ", "नियम बदले गए", "इंटरनेट पता: 10.0.0.7", "ग्राहक को फ़ोन किया गया"):
        assert words in page
    with app.test_request_context():
        english = [str(words) for words in ACTS.values()]
    assert [words for words in english if f">{words}<" in page] == []


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize(
    ("query", "seen", "hidden"),
    [
        ("about=order:{order}", "Shopper called", "List orders_kesar.csv"),
        ("act=upload.downloaded", "List orders_kesar.csv", "No answer"),
        ("by={owner}", "No answer", "Messages: 12"),
        ("by={agent}", "No such lines", "No answer"),
        ("about=nonsense&act=nothing&by=x", "No such lines", "No answer"),
    ],
)
def test_lines_are_narrowed_by_thing_by_person_and_by_deed(
    shop: Shop, sign_in: SignIn, query: str, seen: str, hidden: str
) -> None:
    query = query.format(order=shop.orders[1], owner=shop.members["owner"], agent=shop.members["agent"])
    page = sign_in(shop.owner).get(f"/people/audit?{query}").text
    page = re.sub(r"<select.*?</select>", "", page, flags=re.DOTALL)
    assert seen in page
    assert hidden not in page


def test_the_page_says_what_was_proved_and_what_is_wrong(shop: Shop, sign_in: SignIn, services: Services) -> None:
    client = sign_in(shop.owner)
    page = client.get("/people/audit").text
    assert "not sealed yet" in page
    assert "checked just now" not in page
    with services.database.session() as session:
        seals.seal(session, seals.key_of(SECRET))
    page = client.get("/people/audit").text
    assert "The newest 2 sealed lines were checked just now" in page
    assert "not sealed yet" not in page
    assert "checked just now" not in client.get("/people/audit?act=signin.done").text
    with services.database.session() as session:
        session.execute(update(Audit).where(col(Audit.place) == 1).values(detail={"changes": {}}))
    page = client.get("/people/audit").text
    assert "A line of this audit is not as it was written" in page
    assert "checked just now" not in page


def _acts_since(services: Services, known: int) -> list[tuple[str, str]]:
    with services.database.reader() as session:
        found = session.exec(select(Audit.act, Audit.object).where(col(Audit.id) > known).order_by(col(Audit.id)))
        return list(found.all())


def test_what_agents_do_to_shoppers_and_words_is_written_down_once(
    shop: Shop, sign_in: SignIn, services: Services
) -> None:
    client = sign_in(shop.agent)
    with services.database.session() as session:
        known = session.exec(select(func.max(Audit.id))).one() or 0
        run = session.exec(select(Run).where(Run.order_id == shop.orders[2])).one()
        talk = run.conversation_id
        session.get_one(Conversation, talk).window_until = now() - timedelta(minutes=1)
    for _double_click in range(2):
        post(client, f"/inbox/{talk}/reply", template="address_question", client_id="t1", seen=999)
    post(client, f"/inbox/{talk}/address", order=shop.orders[2], address1="House 14, Rose Lane", city="Gorakhpur")
    post(client, f"/inbox/{talk}/address", order=shop.orders[2], address1="House 15, Rose Lane", city="Gorakhpur")
    post(client, "/inbox/answers", shortcut="late", body="Sorry, {name}!")
    post(client, f"/inbox/answers/{_answer(services)}/delete")
    acts = _acts_since(services, known)
    for act, times in {
        "conversation.taken_over": 1, "conversation.template_sent": 1, "order.address_changed": 2, "answer.saved": 1,
        "answer.deleted": 1,
    }.items():  # fmt: skip
        assert [one for one, _thing in acts].count(act) == times, (act, acts)
    assert ("order.address_changed", f"order:{shop.orders[2]}") in acts
    story = client.get(f"/orders/{shop.orders[2]}").text
    assert "Address changed by hand" in story


def _answer(services: Services) -> int | None:
    with services.database.reader() as session:
        return session.exec(select(CannedAnswer.id).where(CannedAnswer.shortcut == "late")).one()


def test_a_device_that_is_signed_out_is_written_down(shop: Shop, sign_in: SignIn, services: Services) -> None:
    sign_in(shop.owner)
    client = sign_in(shop.owner)
    with services.database.reader() as session:
        device = session.exec(select(func.min(WebSession.id))).one()
    post(client, f"/account/devices/{device}/sign-out")
    assert _acts_since(services, 0)[-1][0] == "member.device_signed_out"


def test_what_is_done_on_the_command_line_is_written_down(
    shop: Shop, sign_in: SignIn, services: Services, app: Flask
) -> None:
    app.cli.add_command(merchants)
    run = app.test_cli_runner().invoke
    with services.database.reader() as session:
        known = session.exec(select(func.max(Audit.id))).one() or 0
    assert run(args=["merchants", "rules", "kesar", "margin_percent=40"]).exit_code == 0
    assert run(args=["merchants", "rules", "kesar"]).exit_code == 0
    assert run(args=["merchants", "invite", "new@kesar.test", "--merchant", "kesar"]).exit_code == 0
    assert run(args=["merchants", "create", "second", "--owner", "o@second.test"]).exit_code == 0
    acts = [act for act, _thing in _acts_since(services, known)]
    assert acts == ["rules.changed", "member.invited", "shop.created", "member.invited"]
    page = sign_in(shop.owner).get("/people/audit").text
    assert "the command line" in page
    assert "What you earn on an order: " in page

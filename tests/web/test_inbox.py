"""The agents' inbox: who waits, who has whom, what may be sent, and what a task's end means for the order."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from bot.clock import now
from bot.models import (
    AddressVersion,
    Audit,
    CannedAnswer,
    Contact,
    Conversation,
    Event,
    Handover,
    Member,
    Message,
    Order,
    Run,
    WhatsAppTemplate,
)
from bot.services import Services
from bot.talk import handover
from bot.web import inbox_presence
from bot.web.members import create_member
from tests.fixtures.models import Server
from tests.web.conftest import post, token_of
from tests.web.samples import Shop, _hashed, fill

SignIn = Callable[..., FlaskClient]


def _waiting(services: Services, shop: Shop, place: int, *, reason: str = "wants_person", **order: object) -> int:
    """Let the shopper of an order ask for a person; return the conversation."""
    with services.database.session() as session:
        row = session.get_one(Order, shop.orders[place])
        for name, value in order.items():
            setattr(row, name, value)
        run = session.exec(select(Run).where(Run.order_id == row.id)).one()
        conversation = handover.lock(session, run.conversation_id)
        conversation.seq = max(
            [m.seq for m in session.exec(select(Message).where(Message.conversation_id == conversation.id))], default=0
        )
        run.status = "handed_over"
        handover.call_agent(session, conversation, reason, merchant_id=shop.merchant, run=run, detail={"step": "x"})
        return run.conversation_id


def _say(services: Services, shop: Shop, conversation_id: int, words: str) -> int:
    with services.database.session() as session:
        conversation = handover.lock(session, conversation_id)
        conversation.seq += 1
        conversation.window_until = now() + timedelta(hours=24)
        session.add(
            Message(
                conversation_id=conversation_id, merchant_id=shop.merchant, direction="in", author="shopper",
                key=f"in:{words}", seq=conversation.seq, body=words, status="received", created_at=now(),
                extra={"understood": [{"kind": "yes_but", "slots": {"also": "slot"}, "confidence": 0.64}]},
            )
        )  # fmt: skip
        return conversation.seq


def _talk(services: Services, conversation_id: int) -> Conversation:
    with services.database.reader() as session:
        return session.get_one(Conversation, conversation_id)


def _sent(services: Services, conversation_id: int) -> list[Message]:
    with services.database.reader() as session:
        return list(
            session.exec(
                select(Message)
                .where(Message.conversation_id == conversation_id, Message.status == "queued")
                .order_by(Message.id)  # type: ignore[arg-type]
            )
        )


def _send(client: FlaskClient, conversation_id: int, body: str, **more: object):  # type: ignore[no-untyped-def]
    return post(client, f"/inbox/{conversation_id}/reply", body=body, **{"client_id": "c1", "seen": 99, **more})


def _colleague(services: Services, shop: Shop) -> str:
    with services.database.session() as session:
        member = create_member(
            session, email="asha@kesar.test", role="agent", merchant_id=shop.merchant, name="Asha Rao"
        )
        member.password_hash = _hashed()
        return member.email


# --- the queue -------------------------------------------------------------------------------------------------------


def test_the_parcel_that_leaves_first_stands_on_top_then_the_most_cash(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    at = now()
    late = _waiting(services, shop, 1, cutoff_at=at + timedelta(hours=5), amount=9_000_00)
    soon = _waiting(services, shop, 2, cutoff_at=at + timedelta(minutes=50), amount=500_00)
    more = _waiting(services, shop, 0, cutoff_at=at + timedelta(minutes=90), amount=700_00)
    gone = _waiting(services, shop, 3, status="delivered", reason="low_rating")
    page = sign_in(shop.agent).get("/inbox").text
    listed = [int(found) for found in re.findall(r'class="task[^"]*" href="/inbox/(\d+)"', page)]
    wanted = [more, soon, late, gone]
    assert [talk for talk in listed if talk in wanted] == wanted
    for words in ("Ships within 2 hours", "Ships within a day", "Unhappy review", "Wants a person", "Nobody has it"):
        assert words in page


def test_views_hold_what_they_say_and_count_it(shop: Shop, services: Services, sign_in: SignIn) -> None:
    first, second, third = (_waiting(services, shop, place) for place in (0, 1, 2))
    client = sign_in(shop.agent)
    assert post(client, f"/inbox/{first}/take-over").status_code == 302
    assert post(client, f"/inbox/{second}/snooze", until="3").status_code == 302

    def listed(view: str) -> set[int]:
        found = re.findall(r'class="task[^"]*" href="/inbox/(\d+)', client.get(f"/inbox?view={view}").text)
        return {int(number) for number in found} & {first, second, third}

    assert listed("all") == {first, third}
    assert listed("mine") == {first}
    assert listed("unassigned") == {third}
    assert listed("snoozed") == {second}
    counts = re.findall(r'<span class="count[^"]*">(\d+)', client.get("/inbox").text)
    # The shop's samples have two more, of shoppers whom WhatsApp does not reach.
    assert counts == ["4", "1", "3", "1", "2"]


def test_a_task_that_was_put_aside_comes_back_when_the_shopper_writes(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    from bot.talk.events import post_event
    from bot.talk.handle import Handler
    from flows import FLOWS

    talk = _waiting(services, shop, 0)
    post(sign_in(shop.agent), f"/inbox/{talk}/snooze", until="morning")
    assert _talk(services, talk).snoozed_until is not None
    with services.database.session() as session:
        conversation = handover.lock(session, talk)
        payload = {
            "kind": "text", "text": "hello?", "id": "wamid.new", "quoted": None, "tap": None,
            "author": {"name": ""}, "reaction": None,
        }  # fmt: skip
        post_event(session, conversation, "message", "msg:new", payload, now())
        event = session.exec(select(Event).where(Event.key == "msg:new")).one()
        Handler(session, services, FLOWS).handle(event, conversation)
    assert _talk(services, talk).snoozed_until is None


def test_a_conversation_shows_why_the_bot_stopped_and_what_it_read(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    talk = _waiting(services, shop, 3, reason="not_understood")
    _say(services, shop, talk, "haan but kal ke baad")
    with services.database.session() as session:
        session.get_one(Contact, session.get_one(Conversation, talk).contact_id).locale = "hi-Latn"
    page = sign_in(shop.agent).get(f"/inbox/{talk}").text
    assert '<p class="words" dir="auto" lang="hi-Latn">haan but kal ke baad</p>' in page, "as it is to be read aloud"
    assert "could not make sense of the answers" in page
    assert "Read as: yes, with a condition (slot), 64 %" in page
    assert "Too expensive" in page
    assert "Confirming the order" in page
    assert "Gomti Nagar" in page


def test_what_was_said_long_ago_is_read_page_by_page_and_answered_only_at_the_end(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    talk = _waiting(services, shop, 3)
    for number in range(250):
        _say(services, shop, talk, f"word {number:03d}.")
    client = sign_in(shop.agent)
    address: str | None = f"/inbox/{talk}"
    seen: list[str] = []
    while address:
        page = client.get(address).text
        assert ('id="composer"' in page) == ("before" not in address)
        assert ("To the newest messages" in page) == ("before" in address)
        seen = re.findall(r"word \d{3}\.", page.partition('id="bubbles"')[2].partition('class="why"')[0]) + seen
        found = re.search(r'href="([^"]+)">Earlier messages', page)
        address = html.unescape(found[1]) if found else None
    assert seen == [f"word {number:03d}." for number in range(250)]


# --- one owner -------------------------------------------------------------------------------------------------------


def test_a_takeover_silences_the_bot_that_was_about_to_speak(shop: Shop, services: Services, sign_in: SignIn) -> None:
    from bot.talk.buttons import Signer
    from bot.talk.messages import append
    from bot.talk.outbox import claim

    class Open:
        def grant(self, _number: str, _per_second: int, wanted: int) -> int:
            return wanted

    with services.database.session() as session:
        conversation = handover.lock(session, shop.conversation)
        conversation.window_until = now() + timedelta(hours=5)
        append(session, conversation, key="bot:next", direction="out", author="bot", merchant_id=shop.merchant,
               body="Shall we send it?", extra={"reply": True}, status="queued")  # fmt: skip
    client = sign_in(shop.agent)
    assert "Shall we send it?" in client.get(f"/inbox/{shop.conversation}").text
    assert post(client, f"/inbox/{shop.conversation}/take-over").status_code == 302
    with services.database.session() as session:
        claims, _more = claim(session, 10, Signer(services.settings.secret_key), Open())  # type: ignore[arg-type]
        assert claims == []
        assert session.exec(select(Message).where(Message.key == "bot:next")).one().status == "cancelled"
    talk = _talk(services, shop.conversation)
    assert (talk.owner, talk.agent_id) == ("agent", shop.members["agent"])


def test_a_reply_is_a_takeover_and_goes_out_as_the_agents(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    client = sign_in(shop.agent)
    assert _send(client, talk, "Namaste, how can I help?").status_code == 302
    (message,) = _sent(services, talk)
    assert (message.author, message.member_id, message.body) == (
        "agent", shop.members["agent"], "Namaste, how can I help?",
    )  # fmt: skip
    assert message.order_id == shop.orders[0]
    assert _talk(services, talk).agent_id == shop.members["agent"]


def test_of_two_agents_only_one_has_a_conversation_and_the_other_is_told_who(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    talk = _waiting(services, shop, 0)
    first, second = sign_in(shop.agent), sign_in(_colleague(services, shop))
    assert post(first, f"/inbox/{talk}/take-over").status_code == 302
    stopped = post(second, f"/inbox/{talk}/reply", body="I answer too", client_id="c2", seen=99)
    assert stopped.status_code == 409
    assert "Agent Sharma has this conversation now" in stopped.text
    assert "I answer too" in stopped.text
    assert _sent(services, talk) == []
    answer = post(second, f"/inbox/{talk}/take-over")
    assert "Agent Sharma has this conversation now" in second.get(answer.location).text
    for deed, fields in (("release", {}), ("outcome", {"outcome": "done"})):
        assert post(second, f"/inbox/{talk}/{deed}", **fields).status_code == 302
        assert _talk(services, talk).agent_id == shop.members["agent"]
    # Taking it from a colleague is possible, and is asked for in so many words.
    with services.database.reader() as session:
        asha = session.exec(select(Member).where(Member.email == "asha@kesar.test")).one().id
    assert post(second, f"/inbox/{talk}/assign", member=asha).status_code == 302
    assert _talk(services, talk).agent_id == asha


def test_released_the_bot_has_it_again_and_asks_once_more(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    client = sign_in(shop.agent)
    post(client, f"/inbox/{talk}/take-over")
    post(client, f"/inbox/{talk}/release")
    assert _talk(services, talk).owner == "bot"
    with services.database.reader() as session:
        event = session.exec(select(Event).where(Event.conversation_id == talk, Event.kind == "released")).one()
        assert event.payload == {"to": "bot"}
        assert session.exec(select(Handover).where(Handover.conversation_id == talk)).one().outcome == "released"


# --- sending ---------------------------------------------------------------------------------------------------------


def test_a_double_click_sends_once(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    client = sign_in(shop.agent)
    for _ in range(2):
        assert _send(client, talk, "Once only", client_id="same").status_code == 302
    assert len(_sent(services, talk)) == 1
    for _ in range(2):
        assert post(client, f"/inbox/{talk}/note", note="Call her in the evening", client_id="same").status_code == 302
    with services.database.reader() as session:
        assert len(session.exec(select(Message).where(Message.kind == "note")).all()) == 1


def test_a_reply_that_crosses_a_new_message_is_stopped_and_shows_it(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    talk = _waiting(services, shop, 0)
    client = sign_in(shop.agent)
    page = client.get(f"/inbox/{talk}").text
    seen = int(re.search(r'id="seen" data-seq="(\d+)"', page)[1])  # type: ignore[index]
    _say(services, shop, talk, "wait, not today please")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]  # type: ignore[index]
    stopped = client.post(
        f"/inbox/{talk}/reply",
        data={"body": "We send it today", "client_id": "c1", "seen": seen, "csrf_token": token},
        headers={"HX-Request": "true"},
    )
    assert stopped.status_code == 409
    for words in ("The shopper has just written", "wait, not today please", "We send it today", 'value="c1"'):
        assert words in stopped.text
    assert "<html" not in stopped.text
    assert _sent(services, talk) == []
    again = int(re.search(r'name="seen" value="(\d+)"', stopped.text)[1])  # type: ignore[index]
    assert _send(client, talk, "Tomorrow then", seen=again).status_code == 302
    assert [message.body for message in _sent(services, talk)] == ["Tomorrow then"]


def test_with_the_window_closed_only_a_template_goes_out(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    with services.database.session() as session:
        session.get_one(Conversation, talk).window_until = now() - timedelta(minutes=1)
    client = sign_in(shop.agent)
    page = client.get(f"/inbox/{talk}").text
    assert "24 hours are over" in page
    refused = _send(client, talk, "Are you there?")
    assert refused.status_code == 409
    assert "only a template can be sent now" in refused.text
    assert _sent(services, talk) == []
    assert post(
        client, f"/inbox/{talk}/reply", template="address_question", client_id="t1", seen=99
    ).status_code == 302  # fmt: skip
    (message,) = _sent(services, talk)
    assert message.kind == "template"
    assert message.template is not None
    assert message.template["values"] == {"name": "Priya Nair", "shop": "Kesar Silks", "order": "#1000"}
    assert "Priya Nair" in message.body


def test_a_template_that_meta_has_paused_is_shown_as_such_and_refused(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    talk = _waiting(services, shop, 0)
    with services.database.session() as session:
        session.add(
            WhatsAppTemplate(
                business_account_id="kesar", name="address_question", language="en", status="PAUSED", updated_at=now()
            )
        )
    client = sign_in(shop.agent)
    assert "Meta: paused" in client.get(f"/inbox/{talk}").text
    refused = post(client, f"/inbox/{talk}/reply", template="address_question", client_id="t1", seen=99)
    assert refused.status_code == 422
    assert _sent(services, talk) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"body": "  "}, "Write something first"),
        ({"body": "x" * 1025}, "too long"),
        ({"body": "Yes?", "button": ["a", "a"]}, "Up to three different buttons"),
        ({"body": "Yes?", "button": ["b" * 21]}, "Up to three different buttons"),
        ({"body": "", "template": "no_such_thing"}, "cannot be sent now"),
    ],
)
def test_what_whatsapp_would_refuse_is_refused_at_once_and_kept(
    shop: Shop, services: Services, sign_in: SignIn, fields: dict[str, object], words: str
) -> None:
    talk = _waiting(services, shop, 0)
    answer = _send(sign_in(shop.agent), talk, **{"body": "", **fields})  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert words in answer.text
    assert _sent(services, talk) == []


def test_buttons_of_an_agent_go_out_with_ids_of_their_own(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    _send(sign_in(shop.agent), talk, "Which one?", button=["Morning", "Evening", ""])
    (message,) = _sent(services, talk)
    assert message.kind == "buttons"
    assert message.choices == [{"id": "agent.c1.1", "title": "Morning"}, {"id": "agent.c1.2", "title": "Evening"}]


def test_a_note_stays_among_colleagues(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    client = sign_in(shop.agent)
    post(client, f"/inbox/{talk}/note", note="Her brother answers after six", client_id="n1")
    assert _sent(services, talk) == []
    page = client.get(f"/inbox/{talk}").text
    assert "Her brother answers after six" in page
    assert "Internal note by Agent Sharma" in page


# --- outcomes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "intent"),
    [
        ({"outcome": "confirmed"}, "confirmed"),
        ({"outcome": "cancelled", "why": "price"}, "cancelled"),
        ({"outcome": "later", "on": (now() + timedelta(days=5)).date().isoformat()}, "confirmed"),
        ({"outcome": "wrong_number"}, "denied"),
        ({"outcome": "done"}, "asked"),
    ],
)
def test_an_outcome_goes_through_the_bots_own_door_and_closes_the_task(
    shop: Shop, services: Services, sign_in: SignIn, fields: dict[str, str], intent: str
) -> None:
    talk = _waiting(services, shop, 1)
    answer = post(sign_in(shop.agent), f"/inbox/{talk}/outcome", order=shop.orders[1], **fields)
    assert answer.status_code == 302
    with services.database.reader() as session:
        order = session.get_one(Order, shop.orders[1])
        task = session.exec(select(Handover).where(Handover.conversation_id == talk)).one()
        audit = session.exec(select(Audit).where(Audit.object == f"conversation:{talk}")).one()
    assert order.intent == intent
    assert task.outcome == fields["outcome"]
    assert task.resolved_by == shop.members["agent"]
    assert audit.act == "conversation.resolved"
    if fields["outcome"] in ("confirmed", "cancelled"):
        assert order.decided_by == "agent"
    if fields["outcome"] == "later":
        assert order.decision == "hold"
        assert order.not_before is not None


def test_a_wrong_number_is_never_written_to_again(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 1)
    post(sign_in(shop.agent), f"/inbox/{talk}/outcome", order=shop.orders[1], outcome="wrong_number")
    with services.database.reader() as session:
        order = session.get_one(Order, shop.orders[1])
        assert order.phone == ""
        assert session.get_one(Contact, order.contact_id).opted_out_at is not None


def test_a_corrected_address_is_a_version_of_the_agents(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 2, reason="address_unclear")
    parts = {"address1": "House 14, Rose Lane", "city": "Gorakhpur", "postal_code": "273001"}
    post(sign_in(shop.agent), f"/inbox/{talk}/address", order=shop.orders[2], **parts)
    with services.database.reader() as session:
        version = session.exec(
            select(AddressVersion)
            .where(AddressVersion.order_id == shop.orders[2])
            .order_by(AddressVersion.version.desc())  # type: ignore[attr-defined]
        ).first()
        assert version is not None
        assert (version.given_by, version.member_id, version.parts) == ("agent", shop.members["agent"], parts)
        assert session.get_one(Order, shop.orders[2]).address_changed
        assert session.exec(select(Handover).where(Handover.conversation_id == talk)).one().outcome == "address_fixed"


def test_whom_to_call_is_listed_and_what_the_call_brought_is_recorded(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    client = sign_in(shop.agent)
    order_id = shop.orders[5]
    page = client.get("/inbox/calls").text
    assert "Arjun Das" in page
    assert "tel:+9198001" in page
    post(client, f"/inbox/calls/{order_id}", outcome="no_answer")
    page = client.get("/inbox/calls").text
    assert "Tried 1 time." in page
    assert "Again" in page
    post(client, f"/inbox/calls/{order_id}", outcome="confirmed")
    with services.database.reader() as session:
        order = session.get_one(Order, order_id)
        assert (order.intent, order.decision, order.decided_by) == ("confirmed", "ship", "agent")
        task = session.exec(select(Handover).where(Handover.order_id == order_id)).one()
        assert task.outcome == "confirmed"


def test_who_asks_to_be_called_back_is_put_on_the_list_of_calls(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    talk = _waiting(services, shop, 2)
    client = sign_in(shop.agent)
    assert shop.orders[2] not in _to_be_called(client)
    post(client, f"/inbox/{talk}/outcome", outcome="call_back", order=shop.orders[2])
    assert shop.orders[2] in _to_be_called(client)
    with services.database.reader() as session:
        order = session.get_one(Order, shop.orders[2])
        assert (order.decision, order.decided_by) == ("call", "agent")
        assert session.exec(select(Handover).where(Handover.conversation_id == talk)).one().outcome == "call_back"


def _to_be_called(client: FlaskClient) -> set[int]:
    return {int(found) for found in re.findall(r'id="call-(\d+)"', client.get("/inbox/calls").text)}


def test_staff_see_on_the_list_of_calls_whom_they_asked_to_see(shop: Shop, services: Services, sign_in: SignIn) -> None:
    with services.database.session() as session:
        for order_id in shop.orders[5:7]:
            order = session.get_one(Order, order_id)
            order.decision, order.status = "call", "open"
    staff = sign_in(shop.staff)
    assert "tel:" not in staff.get("/inbox/calls").text
    answer = post(staff, f"/orders/{shop.orders[5]}/reveal", back="calls")
    assert answer.location.endswith(f"/inbox/calls#call-{shop.orders[5]}")
    page = staff.get("/inbox/calls").text
    assert page.count("tel:") == 1
    assert f"/orders/{shop.orders[5]}/reveal" not in page
    assert f"/orders/{shop.orders[6]}/reveal" in page


# --- canned answers, company ------------------------------------------------------------------------------------------


def test_a_canned_answer_is_filled_for_the_order_at_hand(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    client = sign_in(shop.agent)
    post(client, "/inbox/answers", shortcut="/Late", body="Hello {name}, {order} ({amount}) leaves tomorrow. {agent}")
    page = client.get(f"/inbox/{talk}").text
    assert "Hello Priya Nair, #1000 (₹799) leaves tomorrow. Agent Sharma" in page
    post(client, "/inbox/answers", shortcut="late", body="Sorry, {name}!")
    with services.database.reader() as session:
        (answer,) = session.exec(select(CannedAnswer).where(CannedAnswer.id != shop.answer)).all()
    assert (answer.shortcut, answer.body) == ("late", "Sorry, {name}!")
    post(client, f"/inbox/answers/{answer.id}/delete")
    assert "/late" not in client.get("/inbox/answers").text


@pytest.mark.parametrize(
    ("shortcut", "body", "told"),
    [
        ("two words", "x", "one word"),
        ("late", "Dear {shopper}", "{shopper}"),
        ("late", "", "1 to 1024"),
        ("<b>", "x", "one word"),
    ],
)
def test_a_canned_answer_that_could_not_be_filled_is_refused(
    shop: Shop, services: Services, sign_in: SignIn, shortcut: str, body: str, told: str
) -> None:
    client = sign_in(shop.agent)
    post(client, "/inbox/answers", shortcut=shortcut, body=body)
    assert told in client.get("/inbox/answers").text
    with services.database.reader() as session:
        assert [answer.id for answer in session.exec(select(CannedAnswer))] == [shop.answer]


def test_colleagues_see_who_looks_and_who_writes(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0)
    first, second = sign_in(shop.agent), sign_in(_colleague(services, shop))
    assert post(first, f"/inbox/{talk}/presence", typing="1").json == {"here": []}
    assert post(second, f"/inbox/{talk}/presence").json == {"here": [{"text": "Agent Sharma is writing…"}]}
    assert post(first, f"/inbox/{talk}/presence").json == {"here": [{"text": "Asha Rao is looking"}]}
    services.bell.redis.flushall()
    assert post(second, f"/inbox/{talk}/presence").json == {"here": []}
    kept = json.dumps([key.decode() for key in services.bell.redis.keys("here:*")])
    assert kept == f'["here:{talk}"]'


def test_nobody_is_shown_while_redis_is_away(shop: Shop, services: Services) -> None:
    from bot.jobs import Bell

    assert inbox_presence.beat(Bell("redis://127.0.0.1:1/0"), 1, 1, typing=False) == []


# --- walls -----------------------------------------------------------------------------------------------------------


def test_what_another_shop_talks_about_on_the_same_number_is_not_mine_to_touch(
    app: Flask, shop: Shop, services: Services, sign_in: SignIn
) -> None:
    rival = fill(services, "rival")
    talk = _waiting(services, shop, 0)
    with services.database.session() as session:
        run = session.exec(select(Run).where(Run.order_id == rival.orders[0])).one()
        run.conversation_id, run.status = talk, "done"
        session.get_one(Order, rival.orders[0]).contact_id = session.get_one(Conversation, talk).contact_id
    client = sign_in(rival.agent)
    page = client.get(f"/inbox/{talk}")
    assert page.status_code == 200
    assert "another shop has it" in page.text
    assert "haan bhej do" not in page.text
    before = _talk(services, talk)
    for deed, fields in (
        ("reply", {"body": "Hello", "client_id": "c", "seen": "99"}), ("take-over", {}), ("release", {}),
        ("assign", {"member": rival.members["agent"]}), ("snooze", {"until": "1"}), ("outcome", {"outcome": "done"}),
        ("note", {"note": "x", "client_id": "c"}),
    ):  # fmt: skip
        assert post(client, f"/inbox/{talk}/{deed}", **fields).status_code in (302, 409), deed
    assert _talk(services, talk) == before
    with services.database.reader() as session:
        task = session.exec(select(Handover).where(Handover.conversation_id == talk)).one()
        assert (task.resolved_at, task.assigned_to) == (None, None)
    assert _sent(services, talk) == []


def test_a_file_of_another_conversation_is_not_handed_over(shop: Shop, services: Services, sign_in: SignIn) -> None:
    first, second = _waiting(services, shop, 0), _waiting(services, shop, 1)
    _say(services, shop, second, "photo")
    with services.database.session() as session:
        message = session.exec(select(Message).where(Message.key == "in:photo")).one()
        message.extra, number = {"media": {"id": "123"}}, message.id
    client = sign_in(shop.agent)
    assert client.get(f"/inbox/{first}/media/{number}").status_code == 404


def test_an_agent_sees_the_question_and_not_what_the_bot_said_when_it_stepped_back(
    shop: Shop, services: Services, sign_in: SignIn
) -> None:
    talk = _waiting(services, shop, 1)
    with services.database.session() as session:
        session.add(
            Message(
                conversation_id=talk, merchant_id=shop.merchant, direction="out", author="bot", key="stepped:back",
                seq=20, body="Somebody of our team will write to you here.", status="read", created_at=now(),
            )
        )  # fmt: skip
    asked = sign_in(shop.agent).get(f"/inbox/{talk}").text.partition('class="asked"')[2].partition("</p>")[0]
    assert "Shall we send it?" in asked
    assert "Somebody of our team" not in asked


def test_an_order_tells_its_story_in_words_and_not_in_codes(shop: Shop, services: Services, sign_in: SignIn) -> None:
    talk = _waiting(services, shop, 0, reason="address_unclear", receiver="guard", slot="evening")
    client = sign_in(shop.agent)
    post(client, f"/inbox/{talk}/outcome", outcome="wrong_number", order=shop.orders[0])
    page = client.get(f"/orders/{shop.orders[0]}").text
    for words in ("Address unclear", "Wrong number", "The guard", "Evening"):
        assert words in page, words
    for code in ("address_unclear", "wrong_number", ">guard<", ">evening<"):
        assert code not in page, code


def test_an_agent_reads_a_message_in_their_own_language_and_it_is_asked_once(
    services: Services, shop: Shop, sign_in: SignIn, translating: Server
) -> None:
    with services.database.session() as session:
        session.get_one(Message, shop.media).body = "haan bhej do, 98765 43210 par"
    client = sign_in(shop.agent)
    page = f"/inbox/{shop.conversation}"
    place = f"{page}/translation/{shop.media}"
    assert f'action="{place}"' in client.get(page).text
    told = client.post(place, data={"csrf_token": token_of(client)}, headers={"HX-Request": "true"})
    assert "Yes, send it to" in told.text
    asked = translating.asked[0]["messages"]
    assert asked[0]["content"].endswith("Translate into English.")
    assert json.loads(asked[1]["content"]) == {"message": "haan bhej do, # par"}, "numbers do not leave the house"
    assert "Yes, send it to" in client.get(page).text
    assert f'action="{place}"' not in client.get(page).text
    assert post(client, place).status_code == 302
    assert len(translating.asked) == 1
    post(client, "/account/profile", name="Agent", locale="hi")
    assert f'action="{place}"' in client.get(page).text, "nobody has asked for Hindi yet"


def test_a_translation_hides_numbers_as_the_message_does(shop: Shop, sign_in: SignIn, translating: Server) -> None:
    client = sign_in(shop.staff)
    told = client.post(
        f"/inbox/{shop.conversation}/translation/{shop.media}",
        data={"csrf_token": token_of(client)}, headers={"HX-Request": "true"},
    )  # fmt: skip
    assert "but to flat 12" in told.text
    assert "98765 43210" not in told.text


@pytest.mark.parametrize("content", ["Sure!", {"translation": ["x"]}, {"translation": " "}, {}, [1]])
def test_without_a_translation_the_message_stays_as_it_is_and_can_be_asked_again(
    services: Services, shop: Shop, sign_in: SignIn, translating: Server, content: object
) -> None:
    translating.says(content)
    client = sign_in(shop.owner)
    place = f"/inbox/{shop.conversation}/translation/{shop.media}"
    told = client.post(place, data={"csrf_token": token_of(client)}, headers={"HX-Request": "true"})
    assert told.status_code == 200
    assert "There is no translation just now." in told.text
    assert f'action="{place}"' in told.text
    with services.database.reader() as session:
        assert "translations" not in session.get_one(Message, shop.media).extra


def test_a_server_that_fails_is_left_alone_for_a_while(shop: Shop, sign_in: SignIn, translating: Server) -> None:
    translating.status = 500
    client = sign_in(shop.owner)
    for _ in range(2):
        told = post(client, f"/inbox/{shop.conversation}/translation/{shop.media}", **{"HX-Request": "true"})
        assert told.status_code in (200, 302)
    assert len(translating.asked) == 1


def test_nothing_is_offered_where_no_model_was_named(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    assert "/translation/" not in client.get(f"/inbox/{shop.conversation}").text


def test_what_we_said_ourselves_and_messages_of_other_talks_are_not_translated(
    shop: Shop, sign_in: SignIn, translating: Server
) -> None:
    client = sign_in(shop.owner)
    assert post(client, f"/inbox/{shop.conversation}/translation/{shop.media - 1}").status_code == 404
    assert post(client, f"/inbox/{shop.conversation + 1}/translation/{shop.media}").status_code == 404
    assert translating.asked == []

"""Sending: each message once, in order, with every ending that Meta or the network can give it."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import select

from bot.clock import now
from bot.database import row_id
from bot.models import Channel, Contact, Conversation, Event, Handover, Message
from bot.services import Services
from bot.talk import handover, outbox, settle, sweeps
from bot.talk.messages import append
from bot.talk.rates import Throttle
from bot.talk.start import plan
from bot.whatsapp.client import Client
from tests.talk.conftest import NUMBER, Cloud, Shop, conversation_of


@pytest.fixture
def talks(services: Services, shop: Shop, cloud: Cloud) -> list[int]:
    """Three conversations with shoppers who have just written."""
    ids = []
    with services.database.session() as session:
        for _ in range(3):
            order = shop.order(session)
            plan(session, order, "order_confirmation")
            conversation = conversation_of(session, order)
            conversation.window_until = now() + timedelta(hours=23)
            cloud.ask("POST", "/phones", phone=order.phone, name=order.shopper_name)
            cloud.ask("POST", f"/phones/{order.phone}/send", type="text", text="Hello?")
            ids.append(row_id(conversation))
    return ids


def queue(services: Services, conversation_id: int, body: str, **columns: object) -> int:
    with services.database.session() as session:
        conversation = session.get_one(Conversation, conversation_id)
        message = append(
            session, conversation, key=f"k{conversation_id}:{body}", direction="out", author="bot", kind="text",
            body=body, status="queued", extra={"reply": True}, **columns,
        )  # fmt: skip
        return row_id(message)


def state(services: Services, message_id: int) -> Message:
    with services.database.session() as session:
        return session.get_one(Message, message_id)


def test_two_senders_send_each_message_once_and_in_order(
    services: Services, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    for number in range(5):
        for talk in talks:
            queue(services, talk, f"{talk}.{number}")
    senders = [threading.Thread(target=outbox.deliver, args=(services, client, throttle)) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    outbox.deliver(services, client, throttle)
    bodies = [message["body"]["text"]["body"] for message in cloud.ledger()]
    assert Counter(bodies) == Counter(f"{talk}.{number}" for talk in talks for number in range(5))
    for talk in talks:
        mine = [body for body in bodies if body.startswith(f"{talk}.")]
        assert mine == sorted(mine)


def test_an_accepted_send_whose_answer_is_lost_is_unknown_and_not_repeated(
    services: Services, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    cloud.ask("POST", "/faults", target="messages.send", effect="accept_then_reset", next=1)
    message_id = queue(services, talks[0], "once")
    outbox.deliver(services, client, throttle)
    outbox.deliver(services, client, throttle)
    assert state(services, message_id).status == "unknown"
    assert len(cloud.ledger()) == 1


def test_a_refused_connection_is_tried_again_later(services: Services, talks: list[int], throttle: Throttle) -> None:
    message_id = queue(services, talks[0], "later")
    outbox.deliver(services, Client("http://127.0.0.1:9", "v26.0", "token"), throttle)
    message = state(services, message_id)
    assert (message.status, message.attempts) == ("queued", 1)
    assert message.not_before is not None
    assert message.not_before > now()


def test_trouble_of_the_account_holds_everything_and_fails_nothing(
    services: Services, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    cloud.ask("POST", "/faults", target="messages.send", effect="190", next=1)
    ids = [queue(services, talks[0], "first"), queue(services, talks[0], "second")]
    outbox.deliver(services, client, throttle)
    assert [state(services, i).status for i in ids] == ["queued", "queued"]
    assert cloud.ledger() == []
    with services.database.session() as session:
        channel = session.exec(select(Channel).where(Channel.phone_number_id == NUMBER)).one()
        assert channel.held_until is not None
        assert channel.held_reason == "code_190"
        channel.held_until = now()
    outbox.deliver(services, client, throttle)
    assert [state(services, i).status for i in ids] == ["sent", "sent"]


def test_a_country_that_is_closed_holds_nobody_elsewhere(
    services: Services, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    cloud.ask("POST", "/faults", target="messages.send", effect={"code": 130497}, next=1)
    closed = queue(services, talks[0], "closed")
    outbox.deliver(services, client, throttle)
    other = queue(services, talks[1], "other")
    outbox.deliver(services, client, throttle)
    waiting = state(services, closed)
    assert (waiting.status, waiting.attempts, state(services, other).status) == ("queued", 0, "sent")
    assert waiting.not_before is not None
    assert waiting.not_before > now() + timedelta(minutes=59)


def test_a_shopper_who_gets_too_many_waits_alone(
    services: Services, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    cloud.ask("POST", "/faults", target="messages.send", effect="131056", next=1)
    slow = queue(services, talks[0], "slow")
    outbox.deliver(services, client, throttle)
    other = queue(services, talks[1], "other")
    outbox.deliver(services, client, throttle)
    assert (state(services, slow).status, state(services, other).status) == ("queued", "sent")


def test_a_takeover_between_queue_and_claim_silences_the_bot(
    services: Services, shop: Shop, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    message_id = queue(services, talks[0], "too late")
    with services.database.session() as session:
        conversation = handover.lock(session, talks[0])
        handover.call_agent(session, conversation, "asked_for_person", merchant_id=shop.merchant_id)
    outbox.deliver(services, client, throttle)
    assert state(services, message_id).status == "cancelled"
    assert cloud.ledger() == []


def test_after_stop_only_answers_go_out(
    services: Services, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    answer = queue(services, talks[0], "You will get no more messages.")
    with services.database.session() as session:
        session.exec(select(Contact)).first().opted_out_at = now()  # type: ignore[union-attr]
        conversation = session.get_one(Conversation, talks[0])
        reminder = append(
            session, conversation, key="r", direction="out", author="bot", kind="text", body="Reminder", status="queued"
        )
    outbox.deliver(services, client, throttle)
    assert state(services, answer).status == "sent"
    assert state(services, row_id(reminder)).status == "cancelled"
    assert len(cloud.ledger()) == 1


def test_a_closed_window_without_a_template_is_shown_to_people(
    services: Services, shop: Shop, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    message_id = queue(services, talks[0], "hello", merchant_id=shop.merchant_id)
    with services.database.session() as session:
        session.get_one(Conversation, talks[0]).window_until = now() - timedelta(hours=1)
    outbox.deliver(services, client, throttle)
    assert (state(services, message_id).status, cloud.ledger()) == ("held", [])
    with services.database.session() as session:
        assert sweeps.show_held(session) == 1
    with services.database.session() as session:
        assert sweeps.show_held(session) == 0
        assert session.exec(select(Handover)).one().reason == "window_closed"


def test_a_sender_that_died_leaves_an_unknown_message_that_is_sent_again_only_when_it_is_safe(
    services: Services, talks: list[int], client: Client, throttle: Throttle, cloud: Cloud
) -> None:
    lost = queue(services, talks[0], "lost")
    with services.database.session() as session:
        message = session.get_one(Message, lost)
        message.status, message.attempts = "sending", 1
        message.claimed_until = now() - timedelta(minutes=5)
    with services.database.session() as session:
        assert settle.expire_leases(session) == 1
        sweeps.note_pulse(session, alive=True)  # The first pulse is a gap: nothing is certain yet.
    later = queue(services, talks[1], "later")
    outbox.deliver(services, client, throttle)
    with services.database.session() as session:
        assert sweeps.resend_lost(session) == 0
    _echo(services, later)
    with services.database.session() as session:
        assert sweeps.resend_lost(session) == 0, "our webhook had a gap since: the echo may wait at Meta"
        _no_gap(session)
    with services.database.session() as session:
        assert sweeps.resend_lost(session) == 1
    outbox.deliver(services, client, throttle)
    with services.database.session() as session:
        assert session.get_one(Message, lost).status == "sent"
        assert sweeps.resend_lost(session) == 0
        assert session.exec(select(Event)).all() == []


def _echo(services: Services, message_id: int) -> None:
    from bot.talk import receipts
    from bot.talk.buttons import Signer
    from bot.whatsapp.updates import Author, Status

    signer = Signer(services.settings.secret_key)
    with services.database.session() as session:
        wamid = session.get_one(Message, message_id).wamid or ""
        status = Status("1", wamid, "delivered", Author(wa_id="1"), now(), signer.opaque(message_id))
        receipts.apply(session, [status], signer)


def _no_gap(session: object) -> None:
    from bot.models import Pulse

    session.get_one(Pulse, "web").gap_at = now() - timedelta(hours=1)  # type: ignore[attr-defined]

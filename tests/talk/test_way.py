"""The whole way of an order: asked on WhatsApp, answered, decided; with the real flows and the simulator."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot.clock import now
from bot.models import (
    Contact,
    Conversation,
    Event,
    Handover,
    Identity,
    Member,
    Message,
    Order,
    Run,
    Timer,
    WhatsAppTemplate,
)
from bot.services import Services
from bot.talk import handover
from bot.talk.apply import BREATH
from bot.talk.start import plan
from bot.talk.wording import template_of
from tests.talk.conftest import ACCOUNT, House, Shop, conversation_of


@pytest.fixture
def ask(services: Services, shop: Shop, house: House) -> Callable[..., Order]:
    """Plan an order that is due now, let the program ask, and return the order."""

    def asking(**columns: object) -> Order:
        with services.database.session() as session:
            order = shop.order(session, **columns)
            plan(session, order, "order_confirmation")
        house.work()
        return order

    return asking


def fresh(services: Services, order: Order) -> Order:
    with services.database.session() as session:
        return session.get_one(Order, order.id)


def let_time_pass(services: Services) -> None:
    """Make every started timer due."""
    with services.database.session() as session:
        for timer in session.exec(select(Timer).where(col(Timer.fired_at).is_(None), col(Timer.fire_at).is_not(None))):
            timer.fire_at = now()


def test_a_shopper_is_asked_once_and_a_tap_confirms(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    assert len(house.chat(order.phone)) == 1
    house.says(order.phone, type="tap", index=0)
    found = fresh(services, order)
    assert (found.intent, found.decision, found.decided_by) == ("confirmed", "ship", "shopper")
    with services.database.session() as session:
        assert session.exec(select(Event).where(col(Event.handled_at).is_(None))).all() == []
        sent = session.exec(select(Message).where(Message.direction == "out")).all()
        assert {message.status for message in sent} <= {"delivered", "read"}
    house.work()
    assert len(house.chat(order.phone)) == 3


def test_words_confirm_too(services: Services, house: House, ask: Callable[..., Order]) -> None:
    order = ask()
    house.says(order.phone, type="text", text="haan bhej do")
    assert fresh(services, order).intent == "confirmed"


def test_a_greeting_before_the_answer_costs_no_bubble(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    house.says(order.phone, type="text", text="hello")
    assert len(house.chat(order.phone)) == 2
    house.says(order.phone, type="text", text="haan bhej do")
    assert fresh(services, order).intent == "confirmed"
    assert len(house.chat(order.phone)) == 4
    with services.database.session() as session:
        withdrawn = session.exec(select(Message).where(Message.status == "cancelled")).one()
        assert withdrawn.hold_reason == "overtaken"


def test_a_greeting_alone_is_answered_after_a_breath(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    house.says(order.phone, type="text", text="hello")
    with services.database.session() as session:
        waiting = session.exec(select(Message).where(Message.status == "queued")).one()
        assert waiting.not_before is not None
        assert waiting.not_before <= now() + BREATH
        waiting.not_before = now()
    house.work()
    assert len(house.chat(order.phone)) == 3
    house.says(order.phone, type="tap", index=0)
    assert fresh(services, order).intent == "confirmed"


@pytest.mark.parametrize(("approved", "language"), [((), "hi"), (("en",), "en"), (("en", "hi"), "hi")])
def test_a_language_whose_template_is_not_approved_gives_way_to_one_that_is(
    services: Services, shop: Shop, house: House, approved: tuple[str, ...], language: str
) -> None:
    with services.database.session() as session:
        order = shop.order(session, locale="hi")
        plan(session, order, "order_confirmation")
        for one in ("en", "hi"):
            template = template_of("order_confirmation", one)
            status = "APPROVED" if one in approved else "PENDING"
            session.add(
                WhatsAppTemplate(
                    business_account_id=ACCOUNT, name=template.name, language=template.language,
                    status=status, updated_at=now(),
                )
            )  # fmt: skip
    house.work()
    with services.database.session() as session:
        message = session.exec(select(Message).where(Message.direction == "out")).one()
        assert message.template is not None
        assert message.template["language"] == language
        assert (message.status == "held") == (language not in approved)


def test_the_next_order_comes_a_while_after_the_last_word_about_the_first(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    first = ask()
    second = ask(phone=first.phone)
    assert len(house.chat(first.phone)) == 1
    house.says(first.phone, type="tap", index=0)
    assert len(house.chat(first.phone)) == 3
    let_time_pass(services)
    house.work()
    assert len(house.chat(first.phone)) == 4
    house.says(first.phone, type="tap", index=0)
    assert (fresh(services, first).intent, fresh(services, second).intent) == ("confirmed", "confirmed")


def test_silence_reminds_twice_and_then_gives_up_without_a_word(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    for bubbles in (2, 3, 3):
        let_time_pass(services)
        house.work()
        assert len(house.chat(order.phone)) == bubbles
    found = fresh(services, order)
    assert found.intent == "silent"
    assert found.decision is not None


def test_an_answer_between_reminder_and_timer_stops_the_ladder(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    let_time_pass(services)
    house.says(order.phone, type="tap", index=0)
    before = len(house.chat(order.phone))
    let_time_pass(services)
    house.work()
    assert len(house.chat(order.phone)) == before


def test_a_hidden_number_is_known_by_the_message_it_answers(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    order = ask(phone="+919810077777")
    house.cloud.ask("PATCH", f"/phones/{order.phone}", hidden=True, username="asha")
    house.says(order.phone, type="tap", index=0)
    assert fresh(services, order).intent == "confirmed"
    with services.database.session() as session:
        assert {identity.scheme for identity in session.exec(select(Identity))} == {"phone", "bsuid"}
        assert len(session.exec(select(Contact)).all()) == 1


def test_webhooks_that_come_twice_and_in_disorder_change_nothing(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    for effect in ("duplicate", {"reorder": 0.2}):
        house.cloud.ask("POST", "/faults", target="webhook.post", effect=effect, p=0.7)
    orders = [ask() for _ in range(6)]
    for order in orders:
        house.says(order.phone, type="tap", index=0)
    house.work()
    for order in orders:
        assert fresh(services, order).intent == "confirmed"
        assert len(house.chat(order.phone)) == 3
    assert house.cloud.ask("GET", "/ledger/summary")["doubled"] == {}


def test_a_number_without_whatsapp_goes_to_the_call_list(services: Services, shop: Shop, house: House) -> None:
    with services.database.session() as session:
        order = shop.order(session)
        plan(session, order, "order_confirmation")
    house.cloud.ask("POST", "/phones", phone=order.phone, name="Nobody", on_whatsapp=False)
    house.work()
    found = fresh(services, order)
    assert (found.intent, found.decision) == ("unreachable", "call")


def test_stop_stops_messages_and_leaves_the_order_alone(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    house.says(order.phone, type="text", text="STOP")
    let_time_pass(services)
    house.work()
    assert fresh(services, order).intent in ("asked", "opted_out")
    assert fresh(services, order).status == "open"
    with services.database.session() as session:
        assert session.exec(select(Contact)).one().opted_out_at is not None
    assert len([m for m in house.chat(order.phone) if m["from"] == "business"]) <= 2


def test_an_agent_takes_over_and_gives_back(
    services: Services, shop: Shop, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    with services.database.session() as session:
        agent = Member(merchant_id=shop.merchant_id, email="a@kanak.test", role="agent", created_at=now())
        session.add(agent)
        session.flush()
        talk = conversation_of(session, session.get_one(Order, order.id))
        handover.take_over(session, talk.id or 0, agent.id or 0, merchant_id=shop.merchant_id)
    house.says(order.phone, type="text", text="yes send it")
    let_time_pass(services)
    house.work()
    assert fresh(services, order).intent == "asked"
    assert len(house.chat(order.phone)) == 2
    with services.database.session() as session:
        handover.release(session, talk.id or 0, agent.id or 0)
    house.work()
    assert len(house.chat(order.phone)) == 3
    house.says(order.phone, type="tap", index=0)
    assert fresh(services, order).intent == "confirmed"


def test_a_tap_on_a_forged_button_does_nothing(services: Services, house: House, ask: Callable[..., Order]) -> None:
    order = ask()
    house.says(
        order.phone, type="raw",
        node={"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {
            "id": "1.1.confirm.000000000000", "title": "Confirm"}}},
    )  # fmt: skip
    assert fresh(services, order).intent == "asked"


def test_a_stranger_is_left_to_a_person(services: Services, shop: Shop, house: House) -> None:
    house.cloud.ask("POST", "/phones", phone="+919810099999", name="Who")
    house.says("+919810099999", type="text", text="Do you sell shoes?")
    with services.database.session() as session:
        assert session.exec(select(Handover)).one().reason == "no_order"
        assert session.exec(select(Conversation)).one().owner == "queue"


def test_a_poisonous_event_goes_to_a_person_and_the_rest_goes_on(
    services: Services, house: House, ask: Callable[..., Order]
) -> None:
    first, second = ask(), ask()
    with services.database.session() as session:
        talk = conversation_of(session, session.get_one(Order, first.id))
        _poison(session, talk)
    house.says(second.phone, type="tap", index=0)
    assert fresh(services, second).intent == "confirmed"
    with services.database.session() as session:
        assert session.exec(select(Handover)).one().reason == "poison"
        event = session.exec(select(Event).where(Event.key == "poison")).one()
        assert event.handled_at is not None
        assert (event.attempts, event.error) == (3, "NoResultFound")


def _poison(session: Session, conversation: Conversation) -> None:
    session.add(
        Event(
            key="poison", conversation_id=conversation.id, shard=conversation.shard, kind="silence",
            payload={"run_id": 999_999, "turn": 1, "nth": 1}, happened_at=now() - timedelta(minutes=1),
            received_at=now(),
        )
    )  # fmt: skip


def test_every_run_ends_with_the_same_bubbles_when_it_is_planned_twice(
    services: Services, shop: Shop, house: House, ask: Callable[..., Order]
) -> None:
    order = ask()
    with services.database.session() as session:
        assert plan(session, session.get_one(Order, order.id), "order_confirmation") is None
    house.work()
    assert len(house.chat(order.phone)) == 1
    with services.database.session() as session:
        assert len(session.exec(select(Run)).all()) == 1

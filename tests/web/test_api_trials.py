"""Orders that the shop's people made up to try the talk are no business of its systems."""

from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from bot import clock
from bot.hooks import events
from bot.models import Contact, HookDelivery, Message, Order, Review, Run
from bot.services import Services
from tests.web.api_calls import System, make_key
from tests.web.hook_receiver import make_hook, record
from tests.web.samples import Shop


@pytest.fixture
def trial(services: Services, shop: Shop) -> int:
    """An order of which there is everything, a review too, and which was made up."""
    with services.database.session() as session:
        review = session.exec(select(Review).where(Review.merchant_id == shop.merchant)).first()
        assert review is not None
        order = session.get_one(Order, review.order_id)
        order.trial, order.updated_at = True, order.created_at
        return order.id or 0


def _everything(system: System, address: str, **asked: object) -> list[dict[str, Any]]:
    answer = system.get(address, limit=100, **asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])


def test_no_list_holds_a_trial(app: Flask, services: Services, shop: Shop, trial: int) -> None:
    system = System(app, make_key(services, shop))
    assert _everything(system, "/orders")
    assert trial not in [order["id"] for order in _everything(system, "/orders")]
    assert trial not in [order["id"] for order in _everything(system, "/decisions")]
    assert trial not in [review["order_id"] for review in _everything(system, "/reviews")]
    talks = _everything(system, "/conversations")
    assert talks
    with services.database.reader() as session:
        shown = {number for talk in talks for number in talk["order_ids"]}
        assert shown == set(session.exec(select(Order.id).where(Order.trial == False)))  # noqa: E712
    assert not any(trial in talk["order_ids"] or not talk["order_ids"] for talk in talks)
    assert _everything(system, "/conversations", order_id=trial) == []


def test_no_call_reads_or_changes_a_trial(app: Flask, services: Services, shop: Shop, trial: int) -> None:
    system = System(app, make_key(services, shop))
    with services.database.reader() as session:
        talk = session.exec(select(Run.conversation_id).where(Run.order_id == trial)).one()
        review = session.exec(select(Review.id).where(Review.order_id == trial)).one()
    for address in (
        f"/orders/{trial}",
        f"/conversations/{talk}",
        f"/conversations/{talk}/messages",
        f"/reviews/{review}",
    ):
        assert system.get(address).status_code == 404, address
    assert system.post(f"/orders/{trial}/cancel", {}).status_code == 404


def test_a_talk_about_a_trial_and_a_real_order_is_told_without_the_trial(
    app: Flask, services: Services, shop: Shop, trial: int
) -> None:
    with services.database.session() as session:
        talk = session.exec(select(Run).where(Run.order_id == trial)).one()
        real = session.exec(select(Run).where(Run.order_id == shop.orders[0])).one()
        real.conversation_id = talk.conversation_id
        _move(session, trial, shop.orders[0])
    system = System(app, make_key(services, shop))
    assert system.get(f"/conversations/{talk.conversation_id}").json["order_ids"] == [shop.orders[0]]
    said = _everything(system, f"/conversations/{talk.conversation_id}/messages")
    assert said
    assert {bubble["order_id"] for bubble in said} == {shop.orders[0]}


def _move(session: Session, trial: int, real: int) -> None:
    talk = session.exec(select(Run.conversation_id).where(Run.order_id == trial)).one()
    for message in session.exec(select(Message).where(Message.order_id == real)):
        message.conversation_id, message.seq = talk, message.seq + 100
    session.get_one(Order, real).contact_id = session.exec(
        select(Contact.id).join(Order).where(Order.id == trial)
    ).one()


def test_no_hook_is_told_of_a_trial(services: Services, shop: Shop, trial: int) -> None:
    make_hook(services, shop, "https://kesar.example/")
    record(services, trial, status="delivered")
    with services.database.session() as session:
        review = session.exec(select(Review).where(Review.order_id == trial)).one()
        events.tell_of_review(session, review, clock.now(), new=True)
    record(services, shop.orders[1], intent="confirmed")
    with services.database.reader() as session:
        told = session.exec(select(HookDelivery).where(HookDelivery.event != "ping")).all()
    assert told
    assert {row.body["data"]["order"]["id"] for row in told} == {shop.orders[1]}

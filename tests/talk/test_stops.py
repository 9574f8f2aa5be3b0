"""STOP outlives the shopper's erasing, and START ends it."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, col, select

from bot.clock import now
from bot.database import row_id
from bot.models import Contact, Conversation, Identity, Merchant, Order, Run, Stop, Timer
from bot.orders import planning
from bot.services import Services
from bot.talk import privacy
from bot.talk.contacts import BSUID, PHONE, learn
from bot.talk.start import plan, plan_all
from tests.talk.conftest import House, Shop

PHONE_OF_ALL = "+919810077001"


@pytest.fixture
def stopped(services: Services, shop: Shop, house: House) -> None:
    """A shopper was asked, said STOP, and was erased."""
    with services.database.session() as session:
        plan(session, shop.order(session, phone=PHONE_OF_ALL), "order_confirmation")
    house.work()
    house.says(PHONE_OF_ALL, type="text", text="STOP")
    with services.database.session() as session:
        assert session.exec(select(Contact)).one().opted_out_at is not None
        privacy.erase(session, privacy.shopper_of(session, session.exec(select(Order)).one()), now())
        assert session.exec(select(Identity)).all() == []


def _singly(session: Session, shop: Shop, order: Order) -> None:
    plan(session, order, "order_confirmation")


def _many(session: Session, shop: Shop, order: Order) -> None:
    plan_all(session, [shop.order(session), order], "order_confirmation")


def _in_bulk(session: Session, shop: Shop, order: Order) -> None:
    merchant = session.get_one(Merchant, shop.merchant_id)
    conversations = planning.invite(session, merchant, [order], now(), shards=4)
    planning.enlist(session, [order], "order_confirmation", conversations, now())


@pytest.mark.parametrize("planning_", [_singly, _many, _in_bulk])
def test_who_said_stop_and_was_erased_is_not_asked_about_a_later_order(
    services: Services, shop: Shop, house: House, stopped: None, planning_: Callable[[Session, Shop, Order], None]
) -> None:
    before = len(house.chat(PHONE_OF_ALL))
    with services.database.session() as session:
        order = shop.order(session, phone=PHONE_OF_ALL)
        planning_(session, shop, order)
    house.work()
    with services.database.session() as session:
        assert session.get_one(Order, order.id).intent == "opted_out"
        assert session.exec(select(Run.status).where(Run.order_id == order.id)).one() == "dropped"
    assert len(house.chat(PHONE_OF_ALL)) == before


def test_start_is_heard_after_the_erasing(services: Services, shop: Shop, house: House, stopped: None) -> None:
    house.says(PHONE_OF_ALL, type="text", text="START")
    with services.database.session() as session:
        assert session.exec(select(Stop)).all() == []
        order = shop.order(session, phone=PHONE_OF_ALL)
        plan(session, order, "order_confirmation")
    house.work()
    with services.database.session() as session:
        assert session.get_one(Order, order.id).intent == "asked"
        # What was lifted stays lifted, whoever is erased next.
        privacy.erase(session, privacy.shopper_of(session, session.get_one(Order, order.id)), now())
        assert session.exec(select(Stop)).all() == []


def test_a_stop_is_kept_for_each_name_and_lifted_for_all(services: Services, shop: Shop, stopped: None) -> None:
    """The number is stopped, and so is the user id; a user id that turns out to have the number is stopped too."""
    with services.database.session() as session:
        marks = session.exec(select(Stop)).all()
        assert len({mark.shopper for mark in marks}) == 1
        assert not any(PHONE_OF_ALL[-10:] in mark.digest for mark in marks)
        channel = marks[0].channel_id
        contact = Contact(channel_id=channel, created_at=now())
        session.add(contact)
        session.flush()
        learn(session, channel, row_id(contact), [(BSUID, "IN.77")])
        assert contact.opted_out_at is None
        learn(session, channel, row_id(contact), [(PHONE, PHONE_OF_ALL[1:])])
        assert contact.opted_out_at is not None


def test_another_number_of_ours_may_still_write(services: Services, shop: Shop, stopped: None) -> None:
    from bot.models import Channel

    with services.database.session() as session:
        other = Channel(phone_number_id="77", business_account_id="78", created_at=now())
        session.add(other)
        session.flush()
        rival = Merchant(slug="rival", name="Rival", channel_id=other.id, created_at=now())
        session.add(rival)
        session.flush()
        order = Order(
            merchant_id=row_id(rival), reference="#1", phone=PHONE_OF_ALL, amount=1, created_at=now(), updated_at=now()
        )
        session.add(order)
        assert plan(session, order, "order_confirmation") is not None
        assert session.get_one(Contact, order.contact_id).opted_out_at is None


def test_a_shopper_whose_order_was_never_planned_is_erased_with_their_talk(
    services: Services, shop: Shop, house: House
) -> None:
    """Drawn never to be asked, the order has no contact; the shopper wrote to us all the same."""
    with services.database.session() as session:
        order = shop.order(session, held_out=True)
    house.says(order.phone, type="text", text="where is my parcel")
    with services.database.session() as session:
        assert session.exec(select(Identity).where(col(Identity.value) == order.phone[1:])).all()
        privacy.erase(session, privacy.shopper_of(session, session.get_one(Order, order.id)), now())
        assert session.exec(select(Identity)).all() == []
        assert session.exec(select(Timer)).all() == []


def test_stop_and_start_are_heard_where_no_talk_of_ours_hears_them(
    services: Services, shop: Shop, house: House
) -> None:
    def opted_out() -> bool:
        with services.database.session() as session:
            return session.exec(select(Contact)).one().opted_out_at is not None

    def owner() -> str:
        with services.database.session() as session:
            return session.exec(select(Conversation)).one().owner

    house.says(PHONE_OF_ALL, type="text", text="STOP")
    assert (opted_out(), owner()) == (True, "bot"), "no order, and nothing for a person to do"
    house.says(PHONE_OF_ALL, type="text", text="START")
    assert not opted_out()
    house.says(PHONE_OF_ALL, type="text", text="where is my parcel?")
    assert owner() == "queue"
    house.says(PHONE_OF_ALL, type="text", text="please stop these messages")
    assert opted_out()
    house.says(PHONE_OF_ALL, type="text", text="START")
    assert not opted_out()

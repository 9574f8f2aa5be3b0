"""Planning talks: when an order is asked, and that repeating changes nothing."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from bot.models import Contact, Order, Run, Timer
from bot.orders.rules import Rules
from bot.services import Services
from bot.talk.start import ask_time, plan, plan_all, withdraw
from tests.talk.conftest import Shop

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
ZONES = st.sampled_from(
    ["Asia/Kolkata", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Dubai", "Africa/Cairo"]
)
INSTANTS = st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))
HOURS = st.tuples(st.times(), st.times())


@given(ZONES, INSTANTS, HOURS, st.integers(0, 3000))
def test_nobody_is_asked_outside_the_shops_hours_on_the_shoppers_clock(
    zone: str, at: datetime, hours: tuple[time, time], after: int
) -> None:
    rules = Rules(ask_after_minutes=after, opens=hours[0].replace(second=0, microsecond=0), closes=hours[1])
    asked = ask_time(Order(merchant_id=1, reference="1", placed_at=at), rules, ZoneInfo(zone), at)
    assert asked >= at
    local = asked.astimezone(ZoneInfo(zone))
    # An opening that summer time skips is the one exception: the first minute that exists is asked in.
    assert rules.hours.is_open(local) or local.utcoffset() != (local - timedelta(hours=3)).utcoffset()


def test_an_order_is_asked_at_once_when_its_cut_off_comes_before_its_time() -> None:
    at = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
    order = Order(merchant_id=1, reference="1", placed_at=at, cutoff_at=at + timedelta(hours=2))
    rules = Rules(ask_after_minutes=90)
    assert ask_time(order, rules, ZoneInfo("Asia/Kolkata"), at) == at


def test_planning_twice_plans_once(services: Services, shop: Shop) -> None:
    with services.database.session() as session:
        order = shop.order(session)
        assert plan(session, order, "order_confirmation") is not None
        assert plan(session, order, "order_confirmation") is None
    with services.database.session() as session:
        run = session.exec(select(Run)).one()
        timer = session.exec(select(Timer)).one()
        assert (run.status, timer.nth, timer.run_id) == ("planned", 0, run.id)
        assert timer.fire_at is not None


def test_orders_of_one_number_share_a_contact_and_a_conversation(services: Services, shop: Shop) -> None:
    with services.database.session() as session:
        orders = [shop.order(session, phone="+919810000001") for _ in range(3)] + [shop.order(session)]
        runs = plan_all(session, orders, "order_confirmation")
        assert len(runs) == 4
        assert len({run.conversation_id for run in runs}) == 2
        assert len(session.exec(select(Contact)).all()) == 2


def test_held_out_orders_and_orders_without_a_number_are_never_planned(services: Services, shop: Shop) -> None:
    with services.database.session() as session:
        orders = [shop.order(session, held_out=True), shop.order(session, phone="")]
        assert plan_all(session, orders, "order_confirmation") == []


def test_a_talk_that_has_begun_is_not_withdrawn(services: Services, shop: Shop) -> None:
    with services.database.session() as session:
        begun, planned = shop.order(session), shop.order(session)
        runs = plan_all(session, [begun, planned], "order_confirmation")
        next(run for run in runs if run.order_id == begun.id).status = "waiting"
        session.flush()
        assert withdraw(session, [begun.id or 0, planned.id or 0]) == {begun.id}
        assert [run.order_id for run in session.exec(select(Run))] == [begun.id]
        assert len(session.exec(select(Timer)).all()) == 1

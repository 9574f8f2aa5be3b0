"""The one door: who may change what of an order, what follows from it, and who learns of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from bot.clock import now
from bot.models import Audit, Event, Member, Merchant, Order, Run
from bot.models.orders import INTENTS, ORDER_STATUSES, READINESS
from bot.orders import history
from bot.orders.outcomes import BY, record, refresh_due
from tests.orders.conftest import Desk, order_row, table


@pytest.fixture
def order(desk: Desk) -> Desk:
    """A shop with one order, A-1, whose shopper was asked."""
    desk.hand_in(table(order_row("A-1")))
    tell(desk, by="rule", intent="asked")
    return desk


def tell(desk: Desk, reference: str = "A-1", *, by: str = "shopper", at: datetime | None = None, **changes: Any) -> Any:
    """Record something and return what took effect."""
    return desk.change(reference, lambda session, order: record(session, order, by=by, at=at or now(), **changes))


def test_a_confirmed_order_is_shipped_and_the_shopper_decided(order: Desk) -> None:
    assert tell(order, intent="confirmed") == {"intent": "confirmed", "decision": "ship"}
    known = order.orders()["A-1"]
    assert (known.decision, known.decided_by, known.decision_reason) == ("ship", "shopper", "The shopper confirmed.")
    assert known.decision_sum["p_return"] < known.decision_sum["break_even"]
    assert known.answered_at is not None


def test_the_same_again_has_no_effect(order: Desk) -> None:
    tell(order, intent="confirmed")
    assert tell(order, intent="confirmed") == {}


def test_an_answer_can_be_changed_until_dispatch_but_not_after(order: Desk) -> None:
    tell(order, intent="confirmed")
    assert tell(order, intent="cancelled", cancel_reason="price")["decision"] == "cancel"
    assert tell(order, intent="confirmed") == {"intent": "confirmed", "cancel_reason": "", "decision": "ship"}
    tell(order, by="merchant", status="shipped")
    assert tell(order, intent="cancelled") == {}
    assert order.orders()["A-1"].intent == "confirmed"


def test_when_the_parcel_came_where_is_kept_with_who_told(order: Desk) -> None:
    tell(order, by="merchant", status="shipped")
    tell(order, by="courier", status="out_for_delivery")
    reached = order.orders()["A-1"].reached
    assert {status: told["by"] for status, told in reached.items()} == {
        "shipped": "merchant", "out_for_delivery": "courier",
    }  # fmt: skip
    assert datetime.fromisoformat(reached["shipped"]["at"]).tzinfo is not None


def test_not_me_wipes_the_number_and_whoever_answers_on_it_changes_nothing_more(order: Desk) -> None:
    assert tell(order, intent="denied")["phone"] == ""
    assert order.orders()["A-1"].phone == ""
    assert tell(order, intent="confirmed") == {}


@pytest.mark.parametrize("intent", ["silent", "unreachable", "asked"])
@pytest.mark.parametrize("answer", ["confirmed", "cancelled"])
def test_a_rule_never_takes_an_answer_back(order: Desk, intent: str, answer: str) -> None:
    tell(order, intent=answer)
    assert tell(order, by="rule", intent=intent) == {}


def test_stop_leaves_the_order_alone(order: Desk) -> None:
    tell(order, intent="confirmed")
    assert tell(order, intent="opted_out") == {}
    assert order.orders()["A-1"].decision == "ship"


def test_an_order_that_is_left_alone_on_purpose_is_not_asked_by_a_rule(desk: Desk) -> None:
    desk.set_rules(hold_out_percent=50)
    desk.hand_in(table(*(order_row(f"A-{n}", phone=f"9000{n:06d}") for n in range(20))))
    name = next(name for name, known in desk.orders().items() if known.held_out)
    assert tell(desk, name, by="rule", intent="asked") == {}
    assert tell(desk, name, intent="confirmed")["intent"] == "confirmed"


def test_a_couriers_late_report_does_not_bring_a_parcel_back(order: Desk) -> None:
    assert tell(order, by="courier", status="delivered")["status"] == "delivered"
    assert tell(order, by="courier", status="out_for_delivery") == {}
    assert tell(order, by="merchant", status="shipped")["status"] == "shipped"


def test_what_an_agent_decided_by_hand_stands_until_the_shopper_speaks(order: Desk) -> None:
    tell(order, by="rule", intent="silent")
    tell(order, by="agent", decision="call", decision_reason="He asked for Monday.")
    tell(order, by="rule", not_before=now().date())
    known = order.orders()["A-1"]
    assert (known.decision, known.decided_by, known.decision_reason) == ("call", "agent", "He asked for Monday.")
    tell(order, intent="cancelled")
    assert order.orders()["A-1"].decision == "cancel"


def test_a_day_that_the_shopper_wants_holds_the_order_until_it_can_leave(order: Desk) -> None:
    day = now().date() + timedelta(days=6)
    assert tell(order, intent="confirmed", not_before=day)["decision"] == "hold"
    with order.services.database.session() as session:
        assert refresh_due(session, now() + timedelta(days=3)) == 0
    with order.services.database.session() as session:
        assert refresh_due(session, now() + timedelta(days=6)) == 1
    known = order.orders()["A-1"]
    assert (known.decision, known.decided_by) == ("ship", "shopper")


def test_silence_cancels_after_the_hours_that_the_shop_set(order: Desk) -> None:
    order.set_rules(cancel_after_hours=48)
    tell(order, by="rule", intent="silent")
    assert order.orders()["A-1"].decision == "ship"
    with order.services.database.session() as session:
        assert refresh_due(session, now() + timedelta(hours=47)) == 0
    with order.services.database.session() as session:
        assert refresh_due(session, now() + timedelta(hours=49)) == 1
    known = order.orders()["A-1"]
    assert (known.decision, known.decided_by) == ("cancel", "rule")


def test_a_shops_own_outcomes_move_its_decisions(desk: Desk) -> None:
    names = [f"A-{n}" for n in range(200)]
    desk.hand_in(table(*(order_row(name, phone=f"9000{n:06d}", amount=100) for n, name in enumerate(names))))
    desk.set_rules(return_cost=7_000)
    tell(desk, "A-0", by="rule", intent="silent")
    before = desk.orders()["A-0"].decision_sum["p_return"]
    with desk.services.database.session() as session:
        for known in session.exec(select(Order).where(Order.reference != "A-0")).all():
            known.intent, known.status = "silent", "returned"
            session.add(known)
    history._known.clear()
    tell(desk, "A-0", by="agent", intent="unasked")
    tell(desk, "A-0", by="rule", intent="silent")
    after = desk.orders()["A-0"]
    assert after.decision_sum["own_outcomes"] == 199
    assert after.decision_sum["p_return"] > before
    assert after.decision == "hold"


@pytest.mark.parametrize(
    ("by", "changes", "what"),
    [
        ("merchant", {"status": "shipped"}, "shipped"),
        ("courier", {"status": "delivered"}, "delivered"),
        ("merchant", {"status": "cancelled"}, "cancelled"),
        ("agent", {"intent": "confirmed"}, "confirmed"),
    ],
)
def test_talks_learn_what_other_hands_did(order: Desk, by: str, changes: dict[str, str], what: str) -> None:
    tell(order, by=by, **changes)
    with order.services.database.reader() as session:
        event = session.exec(select(Event)).one()
        run = session.exec(select(Run).where(Run.flow == "order_confirmation")).one()
    assert (event.kind, event.payload) == ("changed", {"order_id": run.order_id, "run_id": run.id, "what": what})


def test_talks_are_not_told_what_their_own_shopper_said(order: Desk) -> None:
    tell(order, intent="confirmed")
    tell(order, by="agent", instructions="Ring twice")
    with order.services.database.reader() as session:
        assert session.exec(select(Event)).all() == []


@pytest.mark.parametrize(("status", "flow"), [("out_for_delivery", "readiness"), ("delivered", "review")])
def test_the_parcels_way_plans_the_next_talk(order: Desk, status: str, flow: str) -> None:
    tell(order, by="courier", status=status)
    with order.services.database.reader() as session:
        assert flow in [run.flow for run in session.exec(select(Run)).all()]


def test_a_flow_that_is_off_is_not_planned(order: Desk) -> None:
    order.set_rules(flows=["order_confirmation"])
    tell(order, by="courier", status="delivered")
    with order.services.database.reader() as session:
        assert [run.flow for run in session.exec(select(Run)).all()] == ["order_confirmation"]


def test_people_leave_a_trace_without_personal_data(order: Desk) -> None:
    with order.services.database.session() as session:
        member = Member(merchant_id=order.merchant_id, email="agent@example.com", role="agent", created_at=now())
        session.add(member)
        session.flush()
        member_id = member.id
    tell(order, by="agent", member_id=member_id, intent="confirmed", receiver="Ravi, the guard", instructions="Gate 2")
    with order.services.database.reader() as session:
        trace = session.exec(select(Audit)).one()
    assert trace.detail["changes"]["intent"] == ["asked", "confirmed"]
    assert trace.detail["texts"] == ["instructions", "receiver"]
    assert "Ravi" not in str(trace.detail)


@pytest.mark.parametrize("changes", [{"colour": "red"}, {"intent": "maybe"}, {"status": "lost"}, {"amount": 5}])
def test_what_cannot_be_recorded_is_our_own_mistake(order: Desk, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        tell(order, **changes)


def test_texts_are_kept_storable(order: Desk) -> None:
    tell(order, instructions="ring\0 twice \ud800" + "x" * 5000)
    kept = order.orders()["A-1"].instructions
    assert kept.startswith("ring twice x")
    assert len(kept) == 1000


CHANGES = st.one_of(
    st.tuples(st.just("intent"), st.sampled_from(INTENTS)),
    st.tuples(st.just("status"), st.sampled_from(ORDER_STATUSES)),
    st.tuples(st.just("readiness"), st.sampled_from(READINESS)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(BY), CHANGES), max_size=8))
def test_no_sequence_of_hands_breaks_what_always_holds(
    sqlite_desk: Desk, steps: list[tuple[str, tuple[str, str]]]
) -> None:
    def play(session: Session, order: Order) -> None:
        order.intent, order.status, order.readiness, order.phone = "asked", "open", "unasked", "+919000010001"
        order.decision, order.decided_by, order.decision_sum = None, None, {}
        for by, (field, value) in steps:
            before = (order.intent, order.status)
            took = record(session, order, by=by, at=now(), **{field: value})
            assert all(getattr(order, name) == new for name, new in took.items())
            if by == "rule" and before[0] in ("confirmed", "cancelled", "denied", "opted_out", "held_out"):
                assert order.intent == before[0]
            if by == "shopper" and before[1] != "open":
                assert order.intent == before[0]
            if by == "courier":
                assert order.intent == before[0]
                assert ORDER_STATUSES.index(order.status) >= ORDER_STATUSES.index(before[1])
            if order.intent == "denied":
                assert order.phone == ""
            if order.status == "open":
                assert (order.decision is None) == (order.intent in ("unasked", "asked"))
            assert (order.decision is None) == (order.decided_by is None)

    sqlite_desk.change("A-1", play)


@pytest.fixture
def sqlite_desk(sqlite_url: str) -> Desk:
    """A shop with one order, on SQLite only: the property is about rules, not about databases."""
    from bot.database import Database
    from bot.jobs import Bell
    from bot.services import Services
    from bot.settings import Settings
    from tests.orders.conftest import NOWHERE, make_shop

    given_settings = Settings(database_url=sqlite_url, secret_key="s" * 32, redis_url=NOWHERE)
    desk = make_shop(Services(given_settings, Database(sqlite_url, given_settings.secret_key), Bell(NOWHERE)), "bazaar")
    desk.hand_in(table(order_row("A-1")))
    return desk


def test_the_shop_of_an_order_is_the_one_whose_rules_count(desk: Desk) -> None:
    desk.set_rules(on_silence="call")
    desk.hand_in(table(order_row("A-1")))
    tell(desk, by="rule", intent="silent")
    with desk.services.database.reader() as session:
        assert session.get_one(Merchant, desk.merchant_id).rules["on_silence"] == "call"
    assert desk.orders()["A-1"].decision == "call"

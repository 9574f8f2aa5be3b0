"""Ship, hold, call or cancel: by money, and by what the shopper said."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.orders import INTENTS, ORDER_STATUSES, READINESS
from bot.orders.decisions import PRIORS, Case, Odds, decide
from bot.orders.rules import ON_SILENCE, Rules

TODAY = date(2026, 11, 25)


def case(intent: str, amount: int = 100_000, **more: object) -> Case:
    known = {"status": "open", "readiness": "unasked", "amount": amount, "currency": "INR"} | more
    return Case(intent=intent, **known)  # type: ignore[arg-type]  # The tests name fields of Case.


def decided(given_case: Case, rules: Rules | None = None, odds: Odds | None = None) -> str | None:
    made = decide(given_case, rules or Rules(), odds or Odds(), TODAY)
    return made.decision if made else None


@given(
    amount=st.integers(0, 10**8),
    margin=st.floats(0, 100),
    cost=st.integers(0, 10**6),
    returned=st.integers(0, 500),
    delivered=st.integers(0, 500),
    score=st.one_of(st.none(), st.integers(0, 100)),
)
def test_a_silent_order_is_held_exactly_when_its_odds_are_above_the_line(
    amount: int, margin: float, cost: int, returned: int, delivered: int, score: int | None
) -> None:
    rules = Rules(margin_percent=margin, return_cost=cost)
    made = decide(case("silent", amount, address_score=score), rules, Odds({"silent": (delivered, returned)}), TODAY)
    assert made is not None
    figures = made.sum
    earned, lost = figures["margin"], figures["return_cost"]
    line = earned / (earned + lost) if earned + lost else 1.0
    assert figures["break_even"] == pytest.approx(line, abs=0.001)
    assert made.decision == ("hold" if figures["p_return"] > figures["break_even"] else "ship")
    if made.decision == "hold":
        assert figures["value_if_shipped"] <= max(1, 0.001 * (earned + lost))


def test_the_two_examples_of_break_even_come_out() -> None:
    for margin, cost, line in ((25_000, 20_000, 0.556), (15_000, 30_000, 0.333)):
        made = decide(case("silent", margin), Rules(margin_percent=100, return_cost=cost), Odds(), TODAY)
        assert made is not None
        assert made.sum["break_even"] == line


def test_most_silent_orders_are_shipped_because_cancelling_them_loses_money() -> None:
    assert decided(case("silent")) == "ship"
    assert decided(case("silent", 10_000), Rules(return_cost=20_000)) == "hold"


def test_odds_start_from_the_priors_and_move_with_the_shops_own_outcomes() -> None:
    assert Odds().of("silent") == PRIORS["silent"]
    assert Odds({"silent": (1000, 0)}).of("silent") < 0.05
    assert Odds({"silent": (0, 1000)}).of("silent") > 0.95
    few = Odds({"silent": (0, 3)}).of("silent")
    assert PRIORS["silent"] < few < 0.4


def test_a_shop_whose_silent_parcels_all_come_back_holds_them() -> None:
    assert decided(case("silent"), odds=Odds({"silent": (10, 490)})) == "hold"


@pytest.mark.parametrize(
    ("given_case", "wanted"),
    [
        (case("unasked"), None),
        (case("asked"), None),
        (case("confirmed"), "ship"),
        (case("cancelled", cancel_reason="price"), "cancel"),
        (case("denied"), "hold"),
        (case("unreachable"), "call"),
        (case("held_out"), "ship"),
        (case("opted_out"), "ship"),
        (case("confirmed", readiness="not_ready"), "call"),
        (case("confirmed", not_before=TODAY + timedelta(days=5)), "hold"),
        (case("confirmed", not_before=TODAY + timedelta(days=1)), "ship"),
        (case("confirmed", status="shipped"), None),
        (case("confirmed", 3_000, address_score=20), "call"),
    ],
)
def test_the_answer_decides_first(given_case: Case, wanted: str | None) -> None:
    assert decided(given_case) == wanted


@pytest.mark.parametrize("rule", ["ship", "hold", "call"])
def test_a_fixed_rule_for_silence_is_followed(rule: str) -> None:
    assert decided(case("silent"), Rules(on_silence=rule)) == rule


def test_silence_cancels_only_where_the_shop_said_so_and_only_then() -> None:
    assert decided(case("silent", silent_hours=500)) != "cancel"
    rules = Rules(cancel_after_hours=72)
    assert decided(case("silent", silent_hours=71.9), rules) != "cancel"
    assert decided(case("silent", silent_hours=72), rules) == "cancel"


def test_a_later_day_raises_the_odds_because_waiting_raises_returns() -> None:
    soon, late = (
        decide(case("confirmed", not_before=TODAY + timedelta(days=days)), Rules(), Odds(), TODAY) for days in (1, 9)
    )
    assert soon is not None
    assert late is not None
    assert soon.sum["p_return"] < late.sum["p_return"]


@given(
    intent=st.sampled_from(INTENTS),
    readiness=st.sampled_from(READINESS),
    status=st.sampled_from(ORDER_STATUSES),
    amount=st.integers(0, 10**12),
    days=st.one_of(st.none(), st.integers(-400, 400)),
    score=st.one_of(st.none(), st.integers(0, 100)),
    rule=st.sampled_from(ON_SILENCE),
)
def test_every_decision_shows_why_and_its_sum(
    intent: str, readiness: str, status: str, amount: int, days: int | None, score: int | None, rule: str
) -> None:
    later = TODAY + timedelta(days=days) if days is not None else None
    known = case(intent, amount, readiness=readiness, status=status, not_before=later, address_score=score)
    made = decide(known, Rules(on_silence=rule), Odds(), TODAY)
    assert (made is None) == (status != "open" or intent in ("unasked", "asked"))
    if made:
        assert made.reason.endswith(".")
        assert 0 < made.sum["p_return"] < 1
        assert {"margin", "return_cost", "break_even", "value_if_shipped"} <= made.sum.keys()

"""A merchant's rules: defaults, what is stored, and what is refused."""

from datetime import date, time

import pytest

from bot.orders.rules import Rules, RulesError


def test_rules_survive_being_stored() -> None:
    rules = Rules(
        ask_daily_at=time(18),
        holidays=(date(2026, 11, 8),),
        cod_labels=("barang sampai bayar",),
        parcel_cm=(20.0, 15.0, 5.0),
        cancel_after_hours=72.0,
    )
    assert Rules.from_json(rules.to_json()) == rules


def test_only_what_differs_is_stored() -> None:
    assert Rules().to_json() == {}
    assert Rules(minimum_amount=50000).to_json() == {"minimum_amount": 50000}


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        ({"ask_after_minutes": "ten"}, "ask_after_minutes"),
        ({"margin_percent": True}, "margin_percent"),
        ({"margin_percent": float("nan")}, "margin_percent"),
        ({"flows": "review"}, "flows"),
        ({"on_silence": "shrug"}, "on_silence"),
        ({"parcel_cm": [10, 10]}, "parcel_cm"),
        ({"opens": "25:00"}, "opens"),
        ({"holidays": ["tomorrow"]}, "holidays"),
        ({"delivery_days": float("inf")}, "delivery_days"),
        ({"parcel_cm": ["a", "b", "c"]}, "parcel_cm"),
        ({"courier_days": [[]]}, "courier_days"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(stored: dict[str, object], named: str) -> None:
    with pytest.raises(RulesError, match=named):
        Rules.judged(stored)


def test_stored_rules_beyond_their_limits_are_read_all_the_same() -> None:
    """A release that sets a limit finds rules that an older one has stored."""
    stored = {
        "ask_after_minutes": 10**6, "give_up_hours": 10**6, "reminder_hours": [1, 10**6, 5],
        "cancel_after_hours": 10**5, "keep_envelopes_days": 1, "delivery_days": 1e400, "horizon_days": "soon",
        "on_silence": "shrug",
        "parcel_cm": [10, 10], "flows": "review", "margin_percent": 12.5, "later": 1, "opens": "25:00",
    }  # fmt: skip
    rules = Rules.from_json(stored)
    assert (rules.ask_after_minutes, rules.give_up_hours, rules.cancel_after_hours) == (20160, 336, 2160)
    assert (rules.reminder_hours, rules.keep_envelopes_days) == ((1, 336), 8)
    usual = Rules()
    for name in ("delivery_days", "horizon_days", "on_silence", "parcel_cm", "flows", "opens"):
        assert getattr(rules, name) == getattr(usual, name), name
    assert rules.margin_percent == 12.5
    assert Rules.judged(rules.to_json()) == rules

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
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(stored: dict[str, object], named: str) -> None:
    with pytest.raises(RulesError, match=named):
        Rules.from_json(stored)

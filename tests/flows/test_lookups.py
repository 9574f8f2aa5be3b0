"""What flows look up: days the shop can promise, addresses, phone numbers."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.cli.rehearsal import ADDRESS
from bot.engine import JSON, FlowError
from bot.orders.rules import Rules
from bot.talk.lookups import Promise, answer, promise_of

NOW = datetime(2026, 11, 25, 10, tzinfo=ZoneInfo("Asia/Kolkata"))  # a Wednesday
PROMISE = Promise(NOW.date(), date(2026, 11, 26), date(2026, 12, 2))


def days(rules: Rules, now: datetime = NOW) -> list[str]:
    """Return the days that can be promised."""
    found = answer("days", {}, promise_of(rules, None, now))["days"]
    assert isinstance(found, list)
    return [str(one[0]) for one in found if isinstance(one, list)]


def test_days_begin_the_day_after_the_parcel_leaves() -> None:
    assert days(Rules())[0] == "2026-11-26"


def test_after_the_cut_off_the_parcel_leaves_a_day_later() -> None:
    assert days(Rules(), NOW.replace(hour=18))[0] == "2026-11-27"
    assert days(Rules(cutoff=time(9)), NOW)[0] == "2026-11-27"


def test_courier_days_and_holidays_are_kept() -> None:
    found = days(Rules(courier_days=(0, 2, 4), holidays=(date(2026, 11, 30),), horizon_days=14))
    assert found == ["2026-11-27", "2026-12-02", "2026-12-04", "2026-12-07", "2026-12-09"]


def test_nothing_is_promised_beyond_the_horizon() -> None:
    assert days(Rules(horizon_days=3))[-1] == "2026-11-28"
    assert days(Rules(horizon_days=30))[-1] <= "2026-12-09"
    assert days(Rules(horizon_days=1, cutoff=time(9))) == []


def test_parts_of_the_day_come_along() -> None:
    found = answer("days", {}, promise_of(Rules(parts_of_day=("morning", "evening")), None, NOW))["days"]
    assert isinstance(found, list)
    assert found[0] == ["2026-11-26", "morning,evening"]


def test_a_good_address_asks_nothing() -> None:
    found = answer("address_check", {"address": ADDRESS}, PROMISE)
    assert (found["question"], found["band"]) == (None, "ok")


def test_a_contradiction_is_offered_as_two_readings() -> None:
    found = answer("address_check", {"address": {**ADDRESS, "postal_code": "560102"}}, PROMISE)
    question = found["question"]
    assert isinstance(question, dict)
    assert question["code"] == "CONFIRM_CITY_OR_PIN"
    assert isinstance(question["options"], list)
    for option in question["options"]:
        assert isinstance(option, dict)
        assert 0 < len(str(option["label"])) <= 20
        assert len(str(option["detail"])) <= 72


def test_a_tapped_reading_is_merged() -> None:
    address = {**ADDRESS, "postal_code": "560102"}
    question = answer("address_check", {"address": address}, PROMISE)["question"]
    found = answer("address_merge", {"before": address, "question": question, "reply": {"choice": 0}}, PROMISE)
    assert isinstance(found["after"], dict)
    assert found["after"]["city"] != "Noida"


def test_a_pin_on_the_map_is_one_change() -> None:
    query: dict[str, JSON] = {"before": ADDRESS, "reply": {"location": [28.6271, 77.3727]}}
    found = answer("address_merge", query, PROMISE)
    assert found["changes"] == [["location", "", "28.6271, 77.3727"]]


@pytest.mark.parametrize(
    "reply", [None, {}, {"choice": 99}, {"choice": "x"}, {"location": [1]}, {"form": None}, {"phones": [None]}]
)
def test_a_reply_of_any_shape_is_survived(reply: object) -> None:
    query = {"before": ADDRESS, "question": {"code": "ASK_PIN"}, "reply": reply}
    assert "after" in answer("address_merge", query, PROMISE)  # type: ignore[arg-type]  # any shape is the point


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("98000 11085", "+919800011085"),
        ("+971 50 123 4567", "+971501234567"),
        ("hmm", ""),
        ("98000 11085 pe call karna", "+919800011085"),
    ],
)
def test_a_phone_number_is_found_or_not(text: str, found: str) -> None:
    assert answer("phone", {"text": text, "region": "IN"}, PROMISE)["e164"] == found


def test_an_unknown_look_up_is_an_authors_mistake() -> None:
    with pytest.raises(FlowError):
        answer("horoscope", {}, PROMISE)

"""Days and hours that shoppers name, against the message's time in their own zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.understanding import Context, understand
from bot.understanding.calendar import end_of, festival, month_day, week, weekday

ZONES = ("Asia/Kolkata", "Africa/Cairo", "America/Sao_Paulo", "Europe/Madrid", "America/Mexico_City")
FIRST, LAST = datetime(2026, 1, 1), datetime(2027, 6, 30)  # noqa: DTZ001 - Hypothesis wants bounds without a zone.
moments = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))


def slots(text: str, at: datetime, region: str = "IN", state: str = "slot") -> dict[str, object]:
    read = understand(text, Context(state=state, region=region, at=at))
    return dict(read.acts[0].slots) if read.acts else {}


@given(moments, st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
def test_tomorrow_is_the_day_after_the_messages_own_day_in_any_zone(moment: datetime, zone: str) -> None:
    at = moment.replace(tzinfo=ZoneInfo(zone))
    assert slots("tomorrow", at)["date"] == (at.date() + timedelta(days=1)).isoformat()
    assert slots("kal", at)["date"] == (at.date() + timedelta(days=1)).isoformat()
    assert slots("parso", at)["date"] == (at.date() + timedelta(days=2)).isoformat()


@given(moments, st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]))
@settings(max_examples=100, deadline=None)
def test_a_weekday_is_one_of_the_next_seven_days_and_after_it_the_day_after(moment: datetime, name: str) -> None:
    number = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index(name)
    full = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"][number]
    chosen = date.fromisoformat(str(slots(full, moment)["date"]))
    assert chosen.weekday() == number
    assert 1 <= (chosen - moment.date()).days <= 7
    assert slots(f"after {full}", moment)["date_from"] == (chosen + timedelta(days=1)).isoformat()
    assert slots(f"{full} ke baad", moment)["date_from"] == (chosen + timedelta(days=1)).isoformat()


@given(moments)
@settings(max_examples=100, deadline=None)
def test_no_named_day_lies_in_the_past_and_ranges_run_forward(moment: datetime) -> None:
    for text in (
        "today",
        "next week",
        "this weekend",
        "end of the month",
        "the 5th",
        "31 tarikh ko",
        "25 dec",
        "after diwali",
        "2 din baad",
    ):
        found = slots(text, moment)
        days = [date.fromisoformat(str(found[key])) for key in ("date", "date_from", "date_to") if key in found]
        assert days, text
        assert all(day >= moment.date() for day in days), (text, found)
        assert days == sorted(days)


NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not before the 25th", {"date_from": "2026-11-25"}),
        ("15 tak", {"date_to": "2026-12-15"}),
        ("6 baje ke baad", {"time_from": "18:00"}),
        ("between 11 and 2", {"time_from": "11:00", "time_to": "14:00"}),
        ("6-8", {"time_from": "18:00", "time_to": "20:00"}),
        ("kal 6pm", {"date": "2026-11-19", "time": "18:00"}),
        ("month end", {"date_from": "2026-11-28", "date_to": "2026-11-30"}),
        ("salary ke baad", {"date_from": "2026-12-01"}),
        ("after christmas", {"date_from": "2026-12-26"}),
        ("२५ तारीख", {"date": "2026-11-25"}),
        ("21/11", {"date": "2026-11-21"}),
        ("2026-12-03", {"date": "2026-12-03"}),
        ("5 dec subah 10 baje", {"date": "2026-12-05", "time": "10:00", "part": "morning"}),
        ("saadhe 6 baje", {"time": "18:30"}),
        ("8 ya 9 tarikh", {}),
        ("friday next week", {"date": "2026-11-27"}),
        ("thursday this week", {"date": "2026-11-19"}),
        ("25ம் தேதி", {"date": "2026-11-25"}),
        ("mahine ke aakhir me", {"date_from": "2026-11-28", "date_to": "2026-11-30"}),
        ("kal 5 vaje", {"date": "2026-11-19", "time": "17:00"}),
        ("25", {"date": "2026-11-25"}),
        ("late evening", {"part": "evening"}),
    ],
)
def test_spoken_times_are_resolved(text: str, expected: dict[str, str]) -> None:
    found = slots(text, NOW)
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("not today, monday", "2026-11-23"),
        ("aaj nahi kal bhejna", "2026-11-19"),
        ("kal nahi, parso", "2026-11-20"),
        ("aaj mat lao itwar ko lana", "2026-11-22"),
        ("abhi nahi 2 din baad bhejna", "2026-11-20"),
        ("ivattu alla naale", "2026-11-19"),
    ],
)
def test_a_refused_day_is_not_the_answer(text: str, day: str) -> None:
    read = understand(text, Context(state="slot", region="IN", at=NOW))
    assert read.acts[0].kind == "reschedule"
    assert read.acts[0].slots["date"] == day


def test_a_day_that_only_was_refused_gives_no_date() -> None:
    read = understand("not today", Context(state="slot", region="IN", at=NOW))
    assert read.acts[0].kind == "reschedule"
    assert "date" not in read.acts[0].slots


def test_the_calendar_keeps_to_months_and_leap_years() -> None:
    assert month_day(date(2026, 3, 1), 29, 2, None) is None
    assert month_day(date(2027, 12, 1), 29, 2, None) is not None
    assert month_day(date(2026, 3, 1), 31, 4, 2026) is None
    assert end_of(date(2028, 2, 3), "month").last == date(2028, 2, 29)
    assert week(date(2026, 11, 18), 1).first == date(2026, 11, 23)
    assert weekday(date(2026, 11, 18), 2) == date(2026, 11, 25)


def test_festivals_are_known_until_2030() -> None:
    for name in ("diwali", "holi", "eid_fitr", "eid_adha", "christmas", "lunar_new_year"):
        assert festival(date(2030, 1, 1), name) is not None
    assert festival(date(2040, 1, 1), "diwali") is None

"""Answer what a flow looks up. Pure: everything needed stands in the query or in the promise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import phonenumbers

from bot import addresses
from bot.addresses import Merge, Option, Question, Reply, Report
from bot.engine import JSON, FlowError
from bot.orders.rules import Rules
from bot.talk.places import address_of, parts_of

LABEL, DETAIL = 20, 72
"""Meta's limits for a button's title and for the second line of a list row."""
POINT = ("latitude", "longitude")
"""Two fields that are one change to a reader: a pin on the map."""
HORIZON = 14
"""Days ahead beyond which nobody should promise anything, whatever the shop has set."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the shop can promise: from which day on, until when, on which weekdays, in which parts of the day."""

    today: date
    first: date
    last: date
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    holidays: tuple[date, ...] = ()
    parts: tuple[str, ...] = ()


def promise_of(rules: Rules, order: Any, now: datetime) -> Promise:
    """Return what the shop promises for an order, `now` being the shopper's local time.

    After the daily cut-off the parcel leaves a day later; nothing is promised before the day after it leaves.
    """
    today = now.date()
    late = now.time().replace(tzinfo=None) >= (rules.cutoff if isinstance(rules.cutoff, time) else time(18))
    leaves = _courier_day(today + timedelta(days=1 if late else 0), rules)
    first = _courier_day(leaves + timedelta(days=1), rules)
    last = today + timedelta(days=min(rules.horizon_days, HORIZON))
    return Promise(today, first, last, rules.courier_days, rules.holidays, rules.parts_of_day)


def answer(kind: str, query: Mapping[str, JSON], promise: Promise) -> dict[str, JSON]:
    """Return the value of `Found(kind, value)`; an unknown kind is an author's mistake."""
    try:
        look = _KINDS[kind]
    except KeyError:
        raise FlowError(f"nothing can be looked up under {kind!r}") from None
    return look(query, promise)


def _courier_day(day: date, rules: Rules) -> date:
    for _ in range(31):
        if day.weekday() in rules.courier_days and day not in rules.holidays:
            return day
        day += timedelta(days=1)
    return day


def _days(query: Mapping[str, JSON], promise: Promise) -> dict[str, JSON]:
    span = (promise.last - promise.first).days + 1
    ahead = (promise.first + timedelta(days=n) for n in range(max(span, 0)))
    parts = ",".join(promise.parts)
    open_days = [d for d in ahead if d.weekday() in promise.weekdays and d not in promise.holidays]
    return {"days": [[day.isoformat(), parts] for day in open_days]}


def _check(query: Mapping[str, JSON], promise: Promise) -> dict[str, JSON]:
    report = addresses.check(address_of(_mapping(query.get("address"))))
    return _report(report) | {"question": _written(report.question)}


def _merge(query: Mapping[str, JSON], promise: Promise) -> dict[str, JSON]:
    question = _read_question(query.get("question"))
    before = address_of(_mapping(query.get("before")))
    merge = addresses.merge(before, question, (_reply(_mapping(query.get("reply")), question),))
    report = merge.report or addresses.check(merge.after)
    after: dict[str, JSON] = dict(parts_of(merge.after))
    changes: list[JSON] = [[one.field, one.old, one.new] for one in merge.changes if one.field not in POINT]
    if len(changes) < len(merge.changes):
        changes.append(["location", "", f"{merge.after.latitude}, {merge.after.longitude}"])
    return _report(report) | {
        "after": after,
        "changes": changes,
        "question": _written(merge.open),
        "flags": list(merge.flags),
        "settled": _settles(merge),
    }


def _settles(merge: Merge) -> bool:
    """Tell whether a reply without a change answered the question all the same: a yes, or "there is no number"."""
    return bool({"confirmed", "no_house_number", "shopper_confirmed_pin"} & set(merge.flags))


def _report(report: Report) -> dict[str, JSON]:
    return {"score": report.score, "band": report.band, "findings": list(report.codes)}


def _written(question: Question | None) -> JSON:
    """Write a question as JSON that a state can keep, with titles short enough for buttons."""
    if question is None or question.code == "CONFIRM_ADDRESS":
        return None
    options: list[JSON] = [
        {"label": _label(option), "detail": _detail(option), "values": [list(pair) for pair in option.values]}
        for option in question.options
    ]
    value = next((_label(option) for option in question.options), "")
    return {"code": question.code, "field": question.field, "options": options, "value": value}


def _label(option: Option) -> str:
    values = dict(option.values)
    return (values.get("postal_code") or values.get("city") or option.label)[:LABEL]


def _detail(option: Option) -> str:
    values = dict(option.values)
    if not values.get("postal_code"):
        return ""
    return ", ".join(one for one in (values.get("city", ""), values.get("state", "")) if one)[:DETAIL]


def _read_question(raw: JSON) -> Question | None:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("code"), str):
        return None
    code = str(raw["code"])
    options = raw.get("options")
    read = tuple(
        Option(
            str(one.get("label", "")),
            tuple((str(pair[0]), str(pair[1])) for pair in _list(one.get("values")) if len(_list(pair)) == 2),
        )
        for one in _list(options)
        if isinstance(one, Mapping)
    )
    return Question(code, addresses.QUESTIONS.get(code, ""), str(raw.get("field", "address1")), read)


def _reply(raw: Mapping[str, JSON], question: Question | None) -> Reply:
    pin = _list(raw.get("location"))
    location = (float(pin[0]), float(pin[1])) if len(pin) == 2 else None
    form = {str(name): str(value) for name, value in _mapping(raw.get("form")).items() if value is not None}
    number = raw.get("choice")
    options = question.options if question else ()
    choice = options[number] if isinstance(number, int) and 0 <= number < len(options) else None
    return Reply(
        text=str(raw.get("text") or ""),
        location=location,
        form=form,
        phones=tuple(str(one) for one in _list(raw.get("phones"))),
        choice=choice,
        rejected=bool(raw.get("rejected")),
    )


def _phone(query: Mapping[str, JSON], promise: Promise) -> dict[str, JSON]:
    text, region = str(query.get("text") or ""), str(query.get("region") or "IN")
    among = [match.raw_string for match in phonenumbers.PhoneNumberMatcher(text, region)]
    reports = [addresses.check_phone(one, region) for one in (*among, text)]
    return {"e164": next((one.e164 for one in reports if one.valid), "")}


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


def _list(value: JSON) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


_KINDS: Mapping[str, Callable[[Mapping[str, JSON], Promise], dict[str, JSON]]] = {
    "address_check": _check,
    "address_merge": _merge,
    "days": _days,
    "phone": _phone,
}

"""Every text in every language: complete, short enough, and showing only what may be shown."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot import engine
from bot.cli.rehearsal import some_facts
from bot.engine import Choice, Day, Difference, Items, Money, OrderList, Part, Place, Send, Text, Value
from bot.engine.values import Item
from bot.talk.hearing import COMMANDS, command
from bot.text import (
    BODY,
    DEFAULT,
    FOOTER,
    ISOLATE,
    PLACEHOLDER,
    RELEASE,
    ROW,
    TITLE,
    catalogue,
    known,
    locales,
    plain,
    problems,
    render,
    render_send,
    template_values,
    templates,
    write,
)
from flows import FLOWS

LONG_ITEMS = Items(
    tuple(
        Item("A hand-embroidered cotton kurta with mirror work and pockets " * 2, 2, "XXL, peacock") for _ in range(9)
    )
)
ADDRESS = (
    ("address1", "Flat 1203, Tower B2, Green Heights Apartments, Sector 62, near the old water tank"),
    ("address2", "Behind Shree Krishna Sweets and Namkeen Bhandar"),
    ("landmark", "Near metro station gate number 2"),
    ("city", "Thiruvananthapuram"),
    ("state", "Kerala"),
    ("postal_code", "695001"),
)
LONGEST: Mapping[str, Value] = {
    "shop": "Mira Crafts and Handlooms of Jaipur",
    "name": "Venkatanarasimharajuvaripeta",
    "order": "#MC-2026-104233",
    "items": LONG_ITEMS,
    "amount": Money(129_999_900, "INR"),
    "address": Place(ADDRESS),
    "site": "miracraftsandhandlooms.example",
    "hours": "10:00–19:00",
    "courier": "Blue Dart Express",
    "tracking": "BD1234567890123",
    "until": Day(date(2026, 12, 30)),
    "day": Day(date(2026, 12, 30), "afternoon"),
    "changes": Difference(tuple((name, value[:40], value[:40]) for name, value in ADDRESS)),
    "value": "695001",
    "orders": OrderList(
        tuple((f"#MC-2026-10423{n}", Items(LONG_ITEMS.lines[:1]), Money(129_999_900, "INR")) for n in range(3))
    ),
    "count": 3,
    "sum": Money(999_999_900, "INR"),
    "yes": "#MC-2026-104233, #MC-2026-104234",
    "no": "#MC-2026-104235",
    "choice": Text("order_confirmation.confirm.choices.confirm"),
    "label": "Thiruvananthapuram",
    "detail": "Thiruvananthapuram, Kerala",
    "time": "6:00 pm",
}


def test_all_texts_of_all_languages_are_there_and_fit() -> None:
    assert problems(FLOWS.values()) == []


@pytest.mark.parametrize("locale", locales())
def test_every_text_can_be_written_with_the_longest_values_and_fits(locale: str) -> None:
    for key in catalogue(DEFAULT):
        written = render(key, LONGEST, locale, "IN")
        assert "{" not in written, key
        assert "}" not in written, key
        assert len(written) <= BODY, f"{locale}: {key} is {len(written)} long"


@pytest.mark.parametrize("locale", locales())
def test_two_texts_in_one_bubble_still_fit(locale: str) -> None:
    answers = [key for key in catalogue(DEFAULT) if key.startswith(("answers.", "status."))]
    questions = [key for key in catalogue(DEFAULT) if key.endswith(".again")]
    longest = max(len(render(key, LONGEST, locale, "IN")) for key in answers)
    question = max(len(render(key, LONGEST, locale, "IN")) for key in questions)
    assert longest + 2 + question <= BODY


@pytest.mark.parametrize("locale", locales())
def test_a_row_with_a_day_and_a_part_fits_in_a_list(locale: str) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    for part in ("", "morning", "afternoon", "evening"):
        for day in days:
            title = write(Day(day, part), locale, "IN")
            assert len(title) <= ROW, f"{locale}: {title!r} has {len(title)} characters"


@pytest.mark.parametrize("locale", locales())
def test_titles_of_one_prompt_differ(locale: str) -> None:
    by_step: dict[str, list[str]] = {}
    for key, text in catalogue(locale).items():
        prefix, _, name = key.rpartition(".choices.")
        if prefix and name:
            by_step.setdefault(prefix, []).append(str(text))
    for prefix, titles in by_step.items():
        assert len(set(titles)) == len(titles), f"{locale}: {prefix}"


@pytest.mark.parametrize("locale", locales())
def test_texts_name_the_words_that_are_understood(locale: str) -> None:
    words = {name: str(catalogue(locale)[f"keywords.{name}"]) for name in COMMANDS}
    for name, word in words.items():
        assert command(word, locale) == COMMANDS[name]
        assert command(f" {word.lower()}. ", locale) == COMMANDS[name]
    assert words["person"] in render("common.missed_2", {}, locale)
    assert words["not_me"] in render("common.footer", {}, locale)
    assert words["stop"] in render("common.footer", {}, locale)
    assert words["start"] in render("stop.stopped.text", LONGEST, locale)


@pytest.mark.parametrize("locale", locales())
def test_no_text_has_a_link_or_looks_like_a_scam(locale: str) -> None:
    for key, text in catalogue(locale).items():
        assert not re.search(r"https?:|www\.|\.com\b", str(text)), key
        if key != "answers.scam":
            assert not re.search(r"\b(OTP|PIN(?! code)|CVV)\b", str(text)), key


@pytest.mark.parametrize("locale", locales())
def test_templates_are_what_meta_accepts(locale: str) -> None:
    for name, by_locale in templates().items():
        one = by_locale[locale]
        assert one.category == "UTILITY"
        assert re.fullmatch(r"[a-z0-9_]{1,512}", one.name)
        assert re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", one.language)
        assert not re.match(r"\s*\{", one.body), f"{locale}: {name} begins with a placeholder"
        assert not re.search(r"\}\s*$", one.body), f"{locale}: {name} ends with a placeholder"
        assert not re.search(r"\}\s*\{", one.body), f"{locale}: {name} has adjacent placeholders"
        assert len(one.footer) <= FOOTER
        assert all(0 < len(title) <= TITLE for title in one.buttons)
        assert set(one.parameters) == set(PLACEHOLDER.findall(one.body)) == set(one.examples)
        values = template_values(name, locale, LONGEST, "IN")
        filled = PLACEHOLDER.sub(lambda match, filled=values: filled[match.group(1)], one.body)  # type: ignore[misc]
        assert len(filled) <= BODY
        for value in values.values():
            assert value
            assert not re.search(r"[\n\t]| {5}", value)


def test_the_buttons_of_a_template_are_those_of_its_question() -> None:
    for flow in FLOWS.values():
        for step in flow.steps:
            for name in {getattr(step, "template", None), getattr(step, "reminder", None)} - {None}:
                buttons = templates()[str(name)][DEFAULT].buttons
                if not buttons or not isinstance(step, engine.Ask):
                    continue
                view = engine.View(some_facts(), {}, engine.Started(), step.name, 0)
                titles = [render(c.title, c.values) for c in engine.flow.offered(step, flow, view)]
                assert titles == list(buttons), f"{flow.name}.{step.name}: {name}"


def test_money_is_written_as_the_region_writes_it() -> None:
    assert write(Money(129_900, "INR"), "en", "IN") == "₹1,299"
    assert write(Money(12_990_050, "INR"), "en", "IN") == "₹1,29,900.50"
    assert write(Money(12_990_000, "INR"), "en", "US") == "₹129,900"
    assert write(Money(150_000, "JPY"), "en", "JP") == "¥150,000"
    assert write(Money(1_500, "KWD"), "en", "KW").endswith("1.500")


def test_days_are_written_with_their_part_or_hours() -> None:
    friday = date(2026, 11, 27)
    assert write(Day(friday), "en", "IN") == "Fri, 27 Nov"
    assert write(Day(friday, "evening"), "en", "IN") == "Fri, 27 Nov, evening"
    assert write(Day(friday, "18:00-"), "en", "IN") == "Fri, 27 Nov, after 6:00 pm"
    assert write(Day(friday, "-18:00"), "en", "IN") == "Fri, 27 Nov, before 6:00 pm"
    assert write(Day(friday, "18:00-20:00"), "en", "IN") == "Fri, 27 Nov, 6:00 pm–8:00 pm"


def test_many_goods_are_counted_and_long_names_shortened() -> None:
    written = write(LONG_ITEMS, "en", "IN")
    assert written.endswith("and 6 more items")
    assert len(written) < 300
    assert write(Items(()), "en") == "your order"
    assert write(Items((Item("Kurta", 2, "M"),)), "en") == "Kurta (M) × 2"


def test_a_masked_address_shows_neither_door_nor_street() -> None:
    masked = write(Place(ADDRESS, masked=True), "en")
    assert masked == "…, Thiruvananthapuram, 6950xx"
    for field, value in ADDRESS[:3]:
        assert value not in masked, field
    assert write(Place((("postal_code", "12"),), masked=True), "en") == "…"


def test_the_address_is_masked_until_the_shopper_knows_the_order_as_their_own() -> None:
    facts = some_facts()
    facts = replace(facts, order=replace(facts.order, address=dict(ADDRESS)))
    for flow in FLOWS.values():
        for happened in (
            (),
            (engine.Replied(acts=(engine.Act("ask_status"),)),),
            (engine.Replied(acts=(engine.Act("ask_who"),)),),
        ):
            state = engine.start(flow)
            for event in (engine.Started(), *happened):
                moved = engine.step(flow, state, event, facts)
                state = moved.state
                for effect in moved.effects:
                    if isinstance(effect, Send):
                        assert ADDRESS[0][1] not in render_send(effect, "en", "IN").body


def test_values_from_outside_cannot_turn_or_break_a_text() -> None:
    assert plain("Mira\u202e \u0000Crafts\n\tof\u2066 Jaipur") == "Mira Crafts of Jaipur"
    said = render("common.accepted", {"order": "{shop}"}, "en")
    assert "{shop}" in said


def test_a_value_keeps_its_direction_in_a_right_to_left_text() -> None:
    for locale in locales():
        written = render("answers.price", LONGEST, locale)
        assert (ISOLATE in written) == (locale in ("ar", "ur"))


def test_a_value_keeps_its_direction_in_a_template() -> None:
    for locale in locales():
        values = template_values("order_confirmation", locale, LONGEST, "IN")
        isolated = [one.startswith(ISOLATE) and one.endswith(RELEASE) for one in values.values()]
        assert set(isolated) == {locale in ("ar", "ur")}


def test_a_title_carries_no_direction_marks() -> None:
    for locale in locales():
        send = Send(
            1, (Part("slot.ask.text", LONGEST),), (Choice("day", "slot.ask.day", LONGEST),), "list", "slot.ask.button"
        )
        shown = render_send(send, locale, "IN")
        assert ISOLATE not in shown.choices[0][1]


@pytest.mark.parametrize(
    ("asked", "spoken"), [("en-GB", "en"), ("hi-Latn-IN", "hi-Latn"), ("hi_Latn", "hi-Latn"), ("xx", "en"), ("", "en")]
)
def test_an_unknown_locale_falls_back_to_its_language_or_english(asked: str, spoken: str) -> None:
    assert known(asked) == spoken
    assert render("common.please_tap", {}, asked) == render("common.please_tap", {}, spoken)

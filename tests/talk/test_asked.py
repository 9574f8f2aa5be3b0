"""Phrases about ourselves are found in every language, and nothing else is taken for one."""

import pytest

from bot.talk.asked import about_us, edit, receiver
from bot.understanding import Context, understand


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("who are you", "ask_who"),
        ("Who is this??", "ask_who"),
        ("aap kaun ho bhai", "ask_who"),
        ("where did you get my number", "ask_who"),
        ("नंबर कहाँ से मिला", "ask_who"),
        ("مين معي؟", "ask_who"),
        ("ini siapa ya", "ask_who"),
        ("is this a scam?", "ask_scam"),
        ("fraud hai kya", "ask_scam"),
        ("é golpe?", "ask_scam"),
        ("fuck you", "abuse"),
        ("BHENCHOD", "abuse"),
    ],
)
def test_a_phrase_about_us_is_found(text: str, kind: str) -> None:
    found = about_us(text, ("out_of_scope",), "IN")
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("english please", "en"),
        ("hindi me bolo", "hi-Latn"),
        ("speak in tamil", "ta"),
        ("हिंदी में बात करो", "hi"),
        ("Español", "es"),
        ("tiếng việt", "vi"),
    ],
)
def test_a_language_is_asked_for_by_its_name(text: str, locale: str) -> None:
    found = about_us(text, (), "IN")
    assert found is not None
    assert (found.kind, found.slots) == ("language", {"lang": locale})


@pytest.mark.parametrize(
    "text",
    [
        "haan bhej do",
        "flat 302 tower b",
        "my english teacher will take it",
        "ok",
        "",
        "😀",
        "the colour is fake but i know who is to blame and i will tell you so when you call me",
    ],
)
def test_nothing_else_is_taken_for_one(text: str) -> None:
    assert about_us(text, (), "IN") is None


@pytest.mark.parametrize(
    "kind", ["confirm", "cancel", "opt_out", "complaint_damaged", "review_text", "address_fragment"]
)
def test_what_was_understood_as_something_weightier_stays_so(kind: str) -> None:
    assert about_us("is this a scam", (kind,), "IN") is None


def test_hindi_is_no_language_in_the_philippines() -> None:
    assert about_us("hindi po", (), "PH") is None


@pytest.mark.parametrize("text", ["who are you", "is this a scam?", "hindi me bolo", "english please", "fuck you"])
def test_the_understanding_leaves_room_for_it(text: str) -> None:
    found = understand(text, Context(state="confirm", locale="en", region="IN"))
    assert about_us(text, (act.kind for act in found.acts), "IN") is not None


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("security guard ko de dena", "guard"),
        ("mera papa ghar pe hai unko de dena", "family"),
        ("haan cash ready hai, bhai lega", "family"),
        ("my wife will be at home", "family"),
        ("leave it with the neighbour", "neighbour"),
        ("पड़ोसी को दे देना", "neighbour"),
        ("زوجتي في البيت", "family"),
        ("titip ke satpam ya", "guard"),
        ("deja con el portero", "guard"),
    ],
)
def test_whoever_takes_the_parcel_is_found(text: str, who: str) -> None:
    found = receiver(text, ())
    assert found is not None
    assert (found.kind, found.slots) == ("receiver", {"who": who})


@pytest.mark.parametrize(
    "text",
    ["haan bhai", "ok uncle", "wife ghar pe nahi hai", "no guard here", "cash ready hai", "mera papa nahi lenge"],
)
def test_a_polite_word_or_a_denial_names_nobody(text: str) -> None:
    assert receiver(text, ("confirm",)) is None


def test_a_number_to_call_is_found() -> None:
    found = receiver("98765 43210 pe call karna", ("talk_to_human",))
    assert found is not None
    assert found.kind == "phone"


def test_a_change_is_heard_rather_than_who_takes_it() -> None:
    assert receiver("give it to my wife on monday", ("reschedule",)) is None


@pytest.mark.parametrize(
    "text",
    ["size L kar do please", "color change kar do", "2 piece chahiye", "otra talla por favor", "đổi size giúp mình"],
)
def test_another_size_or_colour_is_found(text: str) -> None:
    assert edit(text, ("out_of_scope",)) is not None


def test_a_wish_to_cancel_is_no_wish_for_another_size() -> None:
    assert edit("size change nahi ho sakta to cancel karo", ("cancel",)) is None

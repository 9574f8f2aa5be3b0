"""The contract: total, deterministic, cheap to import, several acts, choices before words."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.understanding import Choice, Context, understand
from bot.understanding.packs import ACTS, STATES

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
IN = Context(state="confirm", region="IN", at=NOW)
NUMBERED = replace(
    IN, choices=(Choice("yes", "Yes, send it", 1), Choice("no", "Cancel", 2), Choice("address", "Change address", 3))
)

weird = st.one_of(
    st.text(max_size=400),
    st.text(alphabet="\u0301\u0302\u0489\u200d\ufe0f\u202e\u0000 a\u064b\u094d\u0bcd", max_size=300),
    st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "replace")),
    st.text(alphabet="0123456789/-.: ", max_size=80),
)


@given(weird, st.sampled_from(STATES), st.sampled_from(["IN", "PK", "BR", "EG", "VN", "XX", None]))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_without_an_error_and_always_the_same(text: str, state: str, region: str | None) -> None:
    context = Context(state=state, region=region, at=NOW)
    read = understand(text, context)
    assert read == understand(text, context)
    assert all(act.kind in ACTS for act in read.acts)
    assert all(0 <= act.confidence <= 1 for act in read.acts)


def test_a_letter_of_four_thousand_characters_is_read_like_its_beginning() -> None:
    assert understand("x" * 4000, IN).acts == understand("x" * 4000, IN).acts


def test_an_empty_message_is_no_act() -> None:
    assert understand("  \n", IN).acts == ()


def test_importing_the_package_reads_no_pack_and_no_weights() -> None:
    code = (
        "import sys, bot.understanding; "
        "ours = {m for m in sys.modules if m.startswith('bot.understanding.')}; "
        "assert ours == {'bot.understanding.contract'}, ours"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "choice"),
    [("Cancel", "no"), ("yes, send it", "yes"), ("✅ Yes, send it!", "yes"), ("CHANGE ADDRESS", "address")],
)
def test_the_exact_title_of_an_option_is_that_option(text: str, choice: str) -> None:
    read = understand(text, NUMBERED)
    assert [(act.kind, act.slots["id"]) for act in read.acts] == [("choice", choice)]
    assert read.safe


@pytest.mark.parametrize("text", ["2", "2.", "२", "২", "٢", "2️⃣", "option 2", "no 2", "number 2 please", "౨"])
def test_the_number_of_an_option_is_that_option_in_any_digits(text: str) -> None:
    assert understand(text, NUMBERED).acts[0].slots["id"] == "no"


def test_a_number_is_no_choice_when_the_question_numbered_nothing() -> None:
    plain = replace(NUMBERED, choices=tuple(replace(choice, number=None) for choice in NUMBERED.choices))
    assert all(act.kind != "choice" for act in understand("2", plain).acts)


def test_a_number_that_was_not_offered_is_no_choice() -> None:
    assert all(act.kind != "choice" for act in understand("7", NUMBERED).acts)


def test_yes_but_the_address_is_two_acts_and_no_confirmation() -> None:
    kinds = [act.kind for act in understand("yes but change the address", IN).acts]
    assert kinds == ["yes_but", "change_address"]


def test_a_wrong_pin_code_brings_the_new_one_along() -> None:
    acts = {act.kind: act.slots for act in understand("pin galat hai, 560102", IN).acts}
    assert acts["change_address"]["pincode"] == "560102"


def test_a_plain_yes_is_safe_and_a_bare_no_is_read_back() -> None:
    assert understand("yes please", IN).safe
    no = understand("no", IN)
    assert no.acts[0].kind == "cancel"
    assert not no.safe


def test_no_means_the_address_when_the_address_was_asked() -> None:
    assert understand("no", replace(IN, state="address_check")).acts[0].kind == "change_address"


def test_a_phone_number_is_no_pin_code() -> None:
    act = understand("call me on 98765 43210", IN).acts[0]
    assert act.kind == "talk_to_human"
    assert act.slots["phone"] == "9876543210"


@pytest.mark.parametrize(
    ("text", "stars"),
    [("5", 5), ("४", 4), ("4/5", 4), ("9/10", 5), ("⭐⭐⭐", 3), ("★★★★☆", 4), ("three stars", 3), ("paanch star", 5),
    ("excellent", 5),
     ("worst", 1), ("😍", 5), ("😡", 1), ("5 nahi 4", 4), ("3️⃣", 3), ("10 me se 9", 5)],
)  # fmt: skip
def test_ratings_are_read_from_digits_words_stars_and_faces(text: str, stars: int) -> None:
    act = understand(text, replace(IN, state="rating")).acts[0]
    assert act.kind == "review_rating"
    assert act.slots["rating"] == stars


@pytest.mark.parametrize(
    ("text", "region", "code"),
    [("110001", "IN", "110001"), ("560 102", "IN", "560102"), ("५६०१०२", "IN", "560102"), ("54000", "PK", "54000"),
    ("01310-100", "BR", "01310-100")],
)  # fmt: skip
def test_pin_codes_are_read_in_the_form_of_the_country(text: str, region: str, code: str) -> None:
    act = understand(text, Context(state="address", region=region, at=NOW)).acts[0]
    assert (act.kind, act.slots["pincode"]) == ("address_fragment", code)


@pytest.mark.parametrize("text", ["good quality but delivery was slow", "accha hai par late aaya"])
def test_an_opinion_with_a_but_is_no_condition(text: str) -> None:
    read = understand(text, Context(state="review", region="IN", at=NOW))
    assert "yes_but" not in [act.kind for act in read.acts]


def test_a_whole_message_that_one_language_lists_is_read_in_it() -> None:
    read = understand("cancel kara", Context(state="confirm", region="IN", at=NOW))  # Marathi; Bengali asks who
    assert [act.kind for act in read.acts] == ["cancel"]


def test_a_question_is_no_consent_unless_the_grammar_knows_every_word() -> None:
    read = understand("ya enviaron mi pedido?", Context(state="confirm", region="MX", at=NOW))
    assert "confirm" not in [act.kind for act in read.acts]


def test_another_week_is_another_plan_when_the_order_was_asked_about() -> None:
    read = understand("agle hafte bhejo", Context(state="confirm", region="IN", at=NOW))
    assert read.acts[0].kind == "reschedule"
    assert read.acts[0].slots["date_from"] == "2026-11-23"

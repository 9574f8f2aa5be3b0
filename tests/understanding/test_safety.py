"""What must never be misread, in every language that ships, under the noise of real typing."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.understanding import Context, understand
from bot.understanding.packs import STATES, names, sentences
from bot.understanding.training import mistyped
from bot.understanding.trial import region_of

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
SHIPPED = names()


@cache
def act(text: str, state: str = "confirm", region: str | None = "IN", locale: str | None = None) -> str | None:
    read = understand(text, Context(state=state, region=region, locale=locale, at=NOW))
    return read.acts[0].kind if read.acts else None


def labelled(*acts: str) -> list[tuple[str, str, str]]:
    """Return (pack, text, act) of all sentences of some acts, from tests and examples."""
    return [
        (name, sentence.text, sentence.act)
        for name in SHIPPED
        for file in ("tests", "examples")
        for sentence in sentences(name, file)
        if sentence.act in acts and not sentence.stated
    ]


def misread(rows: list[tuple[str, str, str]], forbidden: str) -> list[tuple[str, str]]:
    return [(name, text) for name, text, _ in rows if act(text, region=region_of(name)) == forbidden]


def test_no_cancel_of_any_pack_is_read_as_confirm() -> None:
    assert misread(labelled("cancel"), "confirm") == []


def test_no_refused_or_retracted_cancel_is_read_as_cancel() -> None:
    assert misread(labelled("dont_cancel"), "cancel") == []


def test_no_yes_with_a_condition_is_read_as_a_plain_confirm() -> None:
    assert misread(labelled("yes_but"), "confirm") == []


def test_no_confirm_is_read_as_cancel() -> None:
    assert misread(labelled("confirm"), "cancel") == []


def test_no_denial_return_or_change_is_read_as_confirm() -> None:
    assert (
        misread(labelled("not_my_order", "return_refund", "change_address", "reschedule", "opt_out"), "confirm") == []
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "text", ["STOP", "stop", "Stop!", "unsubscribe", "opt out", "stop messaging me", "STOP 🛑", "🛑"]
)
def test_a_stop_is_an_opt_out_whatever_was_asked(text: str, state: str) -> None:
    assert act(text, state) == "opt_out"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "text",
    [
        "message mat bhejo",
        "msg na karen",
        "no me manden mensajes",
        "jangan kirim pesan lagi",
        "pare de mandar mensagem",
    ],
)
def test_messages_refused_in_other_languages_are_an_opt_out_whatever_was_asked(text: str, state: str) -> None:
    region = {"no": "MX", "ja": "ID", "pa": "BR"}.get(text[:2], "IN")
    assert act(text, state, region) == "opt_out"


@pytest.mark.parametrize("text", ["cancel", "Cancel it", "cancel kar do", "cancelar", "batalkan"])
def test_the_word_cancel_is_never_an_opt_out(text: str) -> None:
    assert act(text, region=None) == "cancel"


def test_stopping_the_delivery_is_a_cancel_not_an_opt_out() -> None:
    assert act("stop the delivery, i dont need it") == "cancel"


YES = ["yes", "yes please", "ok send it", "haan bhej do", "haan ji", "confirm", "theek hai bhej do", "yes confirm it"]
noise = st.sampled_from(["", " ", "!", "!!", " 👍", " 🙏", "...", " 😊", "  "])
stretch = st.integers(min_value=0, max_value=5)


@given(st.sampled_from(YES), noise, stretch, st.booleans())
@settings(max_examples=150, deadline=None)
def test_emoji_case_punctuation_and_stretched_letters_do_not_change_a_yes(
    text: str, end: str, extra: int, loud: bool
) -> None:
    noisy = text + text[-1] * extra + end
    assert act(noisy.upper() if loud else noisy) == "confirm"


OPPOSITE = {
    "cancel": "confirm",
    "dont_cancel": "cancel",
    "confirm": "cancel",
    "yes_but": "confirm",
    "opt_out": "cancel",
}


def turned_round(text: str, label: str, region: str) -> bool:
    """Tell whether a noisy text would be carried out, unasked, as the opposite of what it says."""
    read = understand(text, Context(state="confirm", region=region, at=NOW))
    return bool(read.acts) and read.acts[0].kind == OPPOSITE[label] and read.safe


@pytest.mark.parametrize("noise", [lambda text: f"{text} 🙏", lambda text: f"{text}!!", lambda text: text.upper()])
def test_what_is_added_for_emphasis_changes_no_act(noise: Callable[[str], str]) -> None:
    changed = []
    for name in SHIPPED:
        for sentence in sentences(name, "tests"):
            where = (sentence.state, region_of(name))
            if (plain := act(sentence.text, *where)) != act(noise(sentence.text), *where):
                changed.append((name, sentence.text, plain))
    assert len(changed) < 10, changed  # of 1,600; none may be an order turned round, see below


def test_no_noise_of_typing_turns_an_order_round() -> None:
    """A slip can make another word of one; of a thousand noisy sentences one may be so, and in truth fewer are."""
    read, wrong = 0, []
    for name, text, label in labelled(*OPPOSITE)[::4]:
        noisy = [f"{text} 🙏", text.replace(" ", "... ", 1)]
        noisy += [text[:n] + text[n] * 4 + text[n + 1 :] for n in range(len(text)) if text[n] in "aeiou"][-3:]
        noisy += [slip for choice in (0, 1, 2, 5, 9) if (slip := mistyped(text, choice))]
        wrong += [(name, text, one) for one in noisy if turned_round(one, label, region_of(name))]
        read += len(noisy)
    assert len(wrong) * 1000 <= read, wrong


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("kalisbdi", "IN"),  # Kannada "kalisbedi", do not send, without its vowel
        ("kalisbeeeedi", "IN"),
        ("order ayakknda", "IN"),  # Malayalam "ayakkanda"
        ("anupadhenga", "IN"),  # Tamil "anupaadheenga"
        ("pampakndi", "IN"),  # Telugu "pampakandi"
        ("cancelnahi karna", "IN"),
        ("não... cancela", "BR"),
        ("jangan... dibatalkan", "ID"),
        ("nãoooo cancelem", "BR"),
    ],
)
def test_a_mistyped_refusal_is_not_carried_out_as_its_opposite(text: str, region: str) -> None:
    read = understand(text, Context(state="confirm", region=region, at=NOW))
    opposite = "cancel" if "can" in text or "batal" in text else "confirm"
    assert not (read.safe and read.acts and read.acts[0].kind == opposite)


@pytest.mark.parametrize("text", ["tomorrow evening 🙏", "kal shaam 👍", "5 baje ke baad 🙏", "sunday thanks"])
def test_polite_signs_after_a_time_leave_it_a_time(text: str) -> None:
    assert act(text, "slot") == "slot_choice"


@given(st.sampled_from(YES), st.sampled_from(["but ", "lekin ", "par ", "but please "]), st.sampled_from(
    ["change the address", "kal bhejna", "deliver on sunday", "pata galat hai", "not today", "how much is it",
    "xyzzy plugh", "upi se dunga"]
))  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_a_yes_with_but_is_never_a_plain_confirm(yes: str, but: str, rest: str) -> None:
    assert act(f"{yes} {but}{rest}") != "confirm"


@given(
    st.sampled_from(["bhejo", "bhej do", "bhejna", "send it", "deliver it", "confirm karo"]),
    st.sampled_from(["mat", "dont", "do not", "nahi"]),
)
@settings(max_examples=60, deadline=None)
def test_a_negator_before_the_verb_is_never_a_confirm(verb: str, negator: str) -> None:
    assert act(f"{negator} {verb}") != "confirm"


@given(st.text(alphabet="abcdefghij klmnopqrstuvwxyz", min_size=6, max_size=30), st.sampled_from(YES))
@settings(max_examples=150, deadline=None)
def test_a_yes_among_unknown_words_is_not_carried_out_unasked(words: str, yes: str) -> None:
    read = understand(
        f"{yes} qzx{words.strip()}qzx vlk{words[:5].strip()}vlk", Context(state="confirm", region="IN", at=NOW)
    )
    assert not (read.acts and read.acts[0].kind == "confirm" and read.safe)


OTHER_REGION = {
    "IN": "BR",
    "PK": "MX",
    "BD": "VN",
    "ID": "EG",
    "PH": "BR",
    "VN": "IN",
    "BR": "ID",
    "MX": "PH",
    "EG": "ID",
}


def test_a_message_from_another_country_is_not_safely_read_as_the_opposite() -> None:
    opposite = {"confirm": "cancel", "cancel": "confirm", "dont_cancel": "cancel"}
    wrong = []
    for name, text, label in labelled("confirm", "cancel", "dont_cancel")[::5]:
        read = understand(text, Context(state="confirm", region=OTHER_REGION.get(region_of(name), "BR"), at=NOW))
        if read.acts and read.acts[0].kind == opposite[label] and read.safe:
            wrong.append((name, text))
    assert wrong == []

"""What holds for every text: nothing raises, same in same out, letters and figures of any kind count the same."""

import random
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.addresses import FINDINGS, QUESTIONS, Address, Reply, check, check_phone, merge
from bot.addresses.replies import read_reply

WORDS = [
    *(
        "flat",
        "no",
        "12",
        "house",
        "near",
        "opp",
        "शिव",
        "मंदिर",
        "के",
        "पास",
        "sector",
        "4",
        "-",
        "/",
        ",",
        "302017",
        "पिन",
    ),
    *("nahi", "yes", "👍", "vill", "post", "\n", "Jaipur", "mumbai", "9829012345", "c/o", "gali", "gate", "(", "", "#"),
]
TEXT = st.one_of(
    st.text(max_size=120),
    st.lists(
        st.sampled_from(WORDS),
        max_size=14,
    ).map(" ".join),
)
COUNTRY = st.sampled_from(["IN", "PK", "AE", "IT", "", "in", "ZZ", "भारत", "VN"])
ADDRESS = st.builds(
    Address,
    address1=TEXT,
    address2=TEXT,
    landmark=TEXT,
    city=TEXT,
    state=TEXT,
    postal_code=TEXT,
    country=COUNTRY,
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
    directions=TEXT,
)
KEYS = [
    *("type", "location", "latitude", "longitude", "contacts", "phones", "phone"),
    *("interactive", "nfm_reply", "response_json", "values", "text", "body"),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
KNOWN = [
    Address("Flat 12, Lake View Apartment, near City Mall", city="Jaipur", state="Rajasthan", postal_code="302017"),
    Address("Tonk Road", city="Jodhpur", state="Rajasthan", postal_code="302018"),
    Address("vill bagru, post bagru, teh sanganer", city="jaipur", state="rajasthan", postal_code="303007"),
    Address("D No 4-5-29, Vidya Nagar", city="Guntur", state="AP", postal_code="522070"),
]
SCRIPTS = [0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x06F0, 0x0660, 0xFF10]


@settings(max_examples=150, deadline=None)
@given(ADDRESS)
def test_a_check_never_raises_and_keeps_its_promises(address):
    report = check(address)
    assert 0 <= report.score <= 100
    assert set(report.codes) <= set(FINDINGS)
    assert len(report.codes) == len(set(report.codes))
    assert report.question is None or report.question.code in QUESTIONS
    assert report.question is None or len(report.question.options) <= 2
    assert report == check(address)


@settings(max_examples=150, deadline=None)
@given(ADDRESS, st.sampled_from([*QUESTIONS, "nonsense", ""]), st.lists(TEXT, max_size=4))
def test_a_merge_never_raises_and_says_what_it_changed(address, question, texts):
    result = merge(address, question, texts)
    changed = {c.field for c in result.changes}
    for name in ("address1", "landmark", "city", "state", "postal_code", "directions", "alt_phone"):
        assert (getattr(address, name) != getattr(result.after, name)) == (name in changed)
    assert result == merge(address, question, texts)


@settings(max_examples=100, deadline=None)
@given(st.lists(ANYTHING, max_size=4))
@example([{"contacts": [{"phones": 1}]}])
def test_whatever_a_webhook_holds_can_be_read_as_replies(messages):
    merge(KNOWN[0], "ASK_HOUSE", [read_reply(m) for m in messages])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), COUNTRY)
def test_a_phone_is_judged_whatever_it_is(number, country):
    assert check_phone(number, country) == check_phone(number, country)


@pytest.mark.parametrize("address", KNOWN, ids=lambda a: a.address1[:12])
@pytest.mark.parametrize("zero", SCRIPTS, ids=hex)
def test_figures_of_every_script_count_as_the_same_figures(address, zero):
    def other(text):
        return "".join(chr(zero + int(c)) if c in "0123456789" else c for c in text)

    written = replace(address, address1=other(address.address1), postal_code=other(address.postal_code))
    assert check(written).codes == check(address).codes
    assert check(written).pins == check(address).pins


@pytest.mark.parametrize("address", KNOWN, ids=lambda a: a.address1[:12])
@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_capitals_make_no_difference(address, change):
    written = replace(
        address, address1=change(address.address1), city=change(address.city), state=change(address.state)
    )
    assert check(written).codes == check(address).codes
    assert check(written).score == check(address).score


@pytest.mark.parametrize("question", ["ASK_HOUSE", "ASK_LANDMARK", "ASK_PIN", "CONFIRM_ADDRESS", "ASK_FULL"])
def test_chatter_may_come_as_often_as_it_likes(question):
    chatter = ["ok", "hmm", "thanks", "ji", "ruko", "hello", "🙏", "achha"]
    random.Random(3).shuffle(chatter)
    once = merge(KNOWN[1], question, chatter)
    assert once.after == KNOWN[1]
    assert merge(once.after, question, chatter).after == KNOWN[1]


@pytest.mark.parametrize(
    "text", ["flat 5 Sai Residency", "near water tank", "pin 302020", "gate no 2", "gali no 4", "2nd floor"]
)
def test_the_same_fact_said_twice_changes_nothing_the_second_time(text):
    once = merge(KNOWN[1], "ASK_HOUSE", [text]).after
    assert merge(once, "ASK_HOUSE", [text]).after == once


def test_an_empty_reply_is_no_reply():
    assert merge(KNOWN[0], "ASK_HOUSE", [Reply(), ""]).after == KNOWN[0]

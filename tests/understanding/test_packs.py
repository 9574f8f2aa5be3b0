"""The language packs: their form, their own sentences, and how they get along."""

import pytest

from bot.understanding.packs import PackError, forms, load, names, scopes, sentences
from bot.understanding.packs_check import collisions, failures, schema

SHIPPED = names()
EXPECTED = {
    "en-Latn", "hi-Deva", "hi-Latn", "ur-Arab", "ur-Latn", "bn-Beng", "bn-Latn", "ta-Taml", "ta-Latn", "te-Telu",
    "te-Latn", "mr-Deva",
    "mr-Latn", "gu-Gujr", "gu-Latn", "kn-Knda", "kn-Latn", "ml-Mlym", "ml-Latn", "pa-Guru", "pa-Latn", "ar-Arab",
    "ar-Latn", "id-Latn",
    "fil-Latn", "vi-Latn", "es-Latn", "pt-Latn",
}  # fmt: skip


def test_every_promised_language_and_script_ships() -> None:
    assert set(SHIPPED) >= EXPECTED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_pack_is_complete_and_does_not_contradict_itself(name: str) -> None:
    assert list(schema(load(name))) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_packs_own_sentences_are_read_without_a_safety_error(name: str) -> None:
    total = sum(1 for _ in sentences(name, "tests"))
    failed = list(failures(load(name)))
    assert [text for unsafe, text in failed if unsafe] == []
    assert len(failed) <= total * 0.1, [text for _, text in failed]


def test_the_check_names_words_that_decide_opposite_things_in_neighbouring_packs() -> None:
    # Malayalam "venam" is wanted; Tamil "venam" (venaam) is not.
    tamil, malayalam = load("ta-Latn"), load("ml-Latn")
    found = list(collisions(tamil, malayalam)) + list(collisions(malayalam, tamil))
    assert all(" in ta-Latn" in line and " in ml-Latn" in line for line in found)
    assert found


def test_packs_of_different_scripts_do_not_collide() -> None:
    assert list(collisions(load("hi-Deva"), load("hi-Latn"))) == []


def test_forms_are_split_at_commas_only() -> None:
    assert list(forms("bhej do,  =k , -akandi,, x، y")) == ["bhej do", "=k", "-akandi", "x", "y"]


def test_a_pack_that_does_not_exist_is_named() -> None:
    with pytest.raises(PackError, match="xx-Latn"):
        load("xx-Latn")


def test_every_pack_names_its_language_script_and_countries() -> None:
    for name, language, script, regions in scopes():
        assert name == f"{language}-{script}"
        assert regions

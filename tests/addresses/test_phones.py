"""The order's phone number: can it exist, is it mobile, is it made up."""

import pytest

from bot.addresses import check_phone


@pytest.mark.parametrize(
    ("number", "country", "e164"),
    [
        ("98290 12345", "IN", "+919829012345"),
        ("098290-12345", "IN", "+919829012345"),
        ("919829012345", "IN", "+919829012345"),
        ("+91 98290 12345", "AE", "+919829012345"),
        ("९८२९०१२३४५", "IN", "+919829012345"),
        ("0300 1234890", "PK", "+923001234890"),
        ("050 123 4890", "AE", "+971501234890"),
        ("00966501238890", "SA", "+966501238890"),
        ("081234890555", "ID", "+6281234890555"),
    ],
)
def test_a_number_is_read_in_every_usual_form(number, country, e164):
    report = check_phone(number, country)
    assert report.e164 == e164
    assert report.valid
    assert report.mobile


@pytest.mark.parametrize(
    ("number", "country", "code"),
    [
        ("", "IN", "PHONE_MISSING"),
        ("   ", "IN", "PHONE_MISSING"),
        ("none", "IN", "PHONE_INVALID"),
        ("12345", "IN", "PHONE_INVALID"),
        ("98290123456789", "IN", "PHONE_INVALID"),
        ("9999999999", "IN", "PHONE_FAKE"),
        ("6000000000", "IN", "PHONE_FAKE"),
        ("9876543210", "IN", "PHONE_FAKE"),
        ("9898989898", "IN", "PHONE_FAKE"),
        ("022 2266 1199", "IN", "PHONE_LANDLINE"),
        ("+971501234890", "IN", "PHONE_REGION"),
    ],
)
def test_what_is_wrong_with_a_number_has_a_name(number, country, code):
    assert code in [f.code for f in check_phone(number, country).findings]


def test_a_usual_number_raises_nothing():
    for number in ("9829012345", "8088712044", "7004455667", "9811198112"):
        assert not check_phone(number, "IN").findings

"""Addresses of other countries, judged by what their country calls complete."""

import pytest

from bot.addresses import Address, check

COMPLETE = [
    Address("House 22-B, Street 9, Phase 5, DHA", city="Karachi", state="Sindh", postal_code="75500", country="PK"),
    Address("House 7, Road 11, Banani", city="Dhaka", postal_code="1213", country="BD"),
    Address("Flat 804, Al Nahda Tower", city="Dubai", state="Dubai", country="AE"),
    Address("Makani 30032 95320", city="Dubai", state="Dubai", country="AE"),
    Address("RCTB4359", city="Jeddah", country="SA"),
    Address("Building 14, Street 840, Zone 25", city="Doha", country="QA"),
    Address("Jl. Merdeka No. 17, RT 02/RW 05", city="Bandung", state="Jawa Barat", postal_code="40111", country="ID"),
    Address(
        "Unit 4B, Lot 3 Blk 9, Brgy San Antonio", city="Makati", state="Metro Manila", postal_code="1203", country="PH"
    ),
    Address("số 12 ngõ 5 Láng Hạ, Đống Đa", city="Hà Nội", country="VN"),
    Address("No 4 Adeola Street, off Awolowo Road", city="Lagos", state="Lagos", country="NG"),
    Address("Corso Buenos Aires 14", city="Milano", state="MI", postal_code="20124", country="IT"),
    Address("Contrada Piana snc", city="Palermo", state="PA", postal_code="90100", country="IT"),
    Address("Calle Mayor 12, 3B", city="Madrid", state="Madrid", postal_code="28013", country="ES"),
    Address("Rua das Flores 120", city="São Paulo", state="SP", postal_code="01310-100", country="BR"),
    Address("221B Baker Street", city="London", postal_code="NW1 6XE", country="GB"),
]


@pytest.mark.parametrize("address", COMPLETE, ids=lambda a: f"{a.country}-{a.address1[:12]}")
def test_a_complete_address_of_a_country_is_asked_nothing(address):
    report = check(address)
    assert not {"HOUSE", "SHORT", "JUNK", "PIN_CITY", "PIN_FORMAT", "PIN_UNKNOWN", "PIN_MISSING"} & set(report.codes), (
        report.findings
    )
    assert report.question is None


@pytest.mark.parametrize(
    ("address", "expected", "question"),
    [
        (Address("Gulberg", city="Lahore", state="Punjab", country="PK"), "HOUSE", "ASK_HOUSE"),
        (
            Address("House 3, Model Town", city="Lahore", state="Punjab", postal_code="5400", country="PK"),
            "PIN_FORMAT",
            "ASK_PIN",
        ),
        (
            Address("House 3, Clifton", city="Lahore", state="Sindh", postal_code="75600", country="PK"),
            "PIN_CITY",
            "CONFIRM_CITY_OR_PIN",
        ),
        (
            Address("Villa 3, Khalifa City", city="Abu Dhabi", state="Sharjah", country="AE"),
            "PIN_CITY",
            "CONFIRM_CITY_OR_PIN",
        ),
        (Address("Al Nahda", city="Dubai", state="Dubai", postal_code="00000", country="AE"), "HOUSE", "ASK_HOUSE"),
        (Address("P.O. Box 9911", city="Doha", country="QA"), "POBOX", "ASK_FULL"),
        (
            Address("Corso Italia 3", city="Torino", state="TO", postal_code="80100", country="IT"),
            "PIN_CITY",
            "CONFIRM_CITY_OR_PIN",
        ),
        (Address("Corso Italia 3", city="Torino", state="TO", country="IT"), "PIN_MISSING", "ASK_PIN"),
        (Address("test", city="Nairobi", country="KE"), "JUNK", "ASK_FULL"),
        (
            Address("Jalan Merdeka", city="Bandung", state="Jawa Barat", postal_code="40111", country="ID"),
            "HOUSE",
            "ASK_HOUSE",
        ),
        (
            Address("Dusun Sukajadi, Desa Cibiru", city="Bandung", state="Jawa Barat", country="ID"),
            "LANDMARK",
            "ASK_LANDMARK",
        ),
    ],
)
def test_what_a_country_needs_is_found_missing(address, expected, question):
    report = check(address)
    assert expected in report.codes
    assert report.question is not None
    assert report.question.code == question


@pytest.mark.parametrize("country", ["AE", "QA", "EG", "NG", "KW"])
def test_countries_that_use_no_postal_code_never_ask_for_one(country):
    report = check(Address("Building 4, Street 9, Flat 2", city="Capital", country=country, postal_code="00000"))
    assert not {c for c in report.codes if c.startswith("PIN")}


def test_an_unknown_country_is_checked_for_its_text_only():
    assert check(Address("12 Long Street, Hill Quarter", city="Somewhere", country="ZZ")).question is None
    assert check(Address("asdfghjk", city="Somewhere", country="ZZ")).codes == ("JUNK",)


@pytest.mark.parametrize(
    ("country", "city", "state", "expected"),
    [
        ("PK", "Lahore", "Sindh", True),
        ("PK", "Faisalabad", "Balochistan", True),
        ("PK", "Lahore", "Punjab", False),
        ("PK", "Islamabad", "Punjab", False),
        ("BD", "Gazipur", "Dhaka", False),
    ],
)
def test_without_a_code_a_city_is_held_against_a_far_province_only(country, city, state, expected):
    report = check(Address("House 5, Street 2", city=city, state=state, country=country))
    assert ("PIN_CITY" in report.codes) is expected


@pytest.mark.parametrize(
    ("country", "city", "text"),
    [
        ("ID", "Jakarta", "alamat lama"),
        ("VN", "Hà Nội", "như cũ"),
        ("EG", "القاهرة", "نفس العنوان"),
        ("FR", "Paris", "même adresse"),
    ],
)
def test_the_same_as_before_is_no_address_in_any_language(country, city, text):
    report = check(Address(text, city=city, country=country))
    assert "JUNK" in report.codes
    assert report.question.code == "ASK_FULL"

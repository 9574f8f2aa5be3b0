"""Indian addresses of our own making: what must be found, what must stay silent, what is asked next."""

import pytest

from bot.addresses import Address, check

GOOD = [
    Address(
        "Flat 204, Green Meadows Apartment, 100 Feet Road, Indiranagar",
        city="Bengaluru",
        state="Karnataka",
        postal_code="560038",
    ),
    Address("H.No. 12/7, Gali No 3, near Gurudwara", city="Ludhiana", state="Punjab", postal_code="141001"),
    Address("22, Malviya Nagar", city="Jaipur", state="Rajasthan", postal_code="302017"),
    Address("D.No 4-5-29/21, Vidya Nagar, Guntur", city="Guntur", state="AP", postal_code="522007"),
    Address("Shop 3, MG Road", address2="opp City Mall", city="Indore", state="MP", postal_code="452001"),
    Address("15A Park Street", city="Calcutta", state="W.B.", postal_code="700016"),
    Address("Plot 8, Sector 29", city="Navi Mumbai", state="Maharashtra", postal_code="400703"),
]


@pytest.mark.parametrize("address", GOOD, ids=lambda a: a.city)
def test_a_good_address_raises_no_finding_of_place_or_door_and_nothing_is_asked(address):
    report = check(address)
    assert not set(report.codes) - {"DUP", "PHONE"}, report.findings
    assert report.band == "ok"
    assert report.question is None


@pytest.mark.parametrize(
    ("city", "state", "code"),
    [
        ("Bombay", "Maharashtra", "400001"),
        ("MUMBAI", "MAHARASHTRA", "400 001"),
        ("Mumbai, Maharashtra", "", "PIN-400001"),
        ("Gurgaon", "HR", "122001"),
        ("Greater Noida", "UP", "201306"),
        ("Trivandrum", "KL", "695001"),
        ("Banglore", "Karnatka", "560001."),
        ("Pune Dist", "Maharastra", "411001"),
        ("Thane", "MH", "400601"),
        ("नई दिल्ली", "दिल्ली", "११०००१"),
        ("ಬೆಂಗಳೂರು", "Karnataka", "560001"),
        ("চেন্নাই", "Tamil Nadu", "600001"),
    ],
)
def test_spellings_scripts_and_formats_of_a_right_place_are_no_alarm(city, state, code):
    report = check(Address("Flat 12, Lake View Apartment, 3rd Main Road", city=city, state=state, postal_code=code))
    place = {c for c in report.codes if c.startswith(("PIN", "STATE_WRONG", "CITY", "LOCALITY"))}
    assert not place, report.findings


@pytest.mark.parametrize(
    ("city", "state", "code", "expected"),
    [
        ("Jaipur", "Rajasthan", "", "PIN_MISSING"),
        ("Jaipur", "Rajasthan", "30201", "PIN_FORMAT"),
        ("Jaipur", "Rajasthan", "3020177", "PIN_FORMAT"),
        ("Jaipur", "Rajasthan", "032017", "PIN_FORMAT"),
        ("Jaipur", "Rajasthan", "309917", "PIN_UNKNOWN"),
        ("Jaipur", "Rajasthan", "560001", "PIN_STATE"),
        ("Jodhpur", "Rajasthan", "302017", "PIN_CITY"),
        ("Nagpur", "Maharashtra", "400001", "PIN_CITY"),
        ("Jaipur", "Gujarat", "302017", "STATE_WRONG"),
    ],
)
def test_each_contradiction_of_code_city_and_state_has_its_own_finding(city, state, code, expected):
    report = check(Address("22, Tonk Road, near SMS stadium", city=city, state=state, postal_code=code))
    assert expected in report.codes


@pytest.mark.parametrize(
    ("text", "city", "state", "code"),
    [
        ("12 Nayeem Nagar, Hanamkonda", "Hyderabad", "Telangana", "506001"),
        ("Flat 3, Boring Road, near AN College", "Gaya", "Bihar", "800001"),
        ("14 Hathipole, near clock tower", "Jaipur", "Rajasthan", "313001"),
    ],
)
def test_a_city_is_not_right_because_branches_of_its_banks_lie_elsewhere(text, city, state, code):
    report = check(Address(text, city=city, state=state, postal_code=code))
    assert "PIN_CITY" in report.codes, report.findings


def test_two_swapped_figures_are_offered_back_as_a_button():
    report = check(Address("Flat 3, Anna Nagar", city="Chennai", state="Tamil Nadu", postal_code="600400"))
    assert report.pins[0] == "600040"
    assert report.question is not None
    assert report.question.code == "CONFIRM_PIN"
    assert dict(report.question.options[0].values) == {"postal_code": "600040"}


def test_a_city_against_its_code_offers_both_sides():
    report = check(Address("22, Tonk Road, Malviya Nagar", city="Jodhpur", state="Rajasthan", postal_code="302017"))
    assert report.question is not None
    assert report.question.code == "CONFIRM_CITY_OR_PIN"
    assert dict(report.question.options[0].values)["city"] == "Jaipur"
    assert dict(report.question.options[1].values)["city"] == "Jodhpur"


def test_states_that_were_one_are_corrected_without_a_word():
    report = check(Address("8-3-166, Ameerpet", city="Hyderabad", state="Andhra Pradesh", postal_code="500016"))
    assert not {"PIN_STATE", "STATE_WRONG"} & set(report.codes)
    assert [(s.field, s.value, s.safe) for s in report.suggestions] == [("state", "Telangana", True)]


def test_a_code_the_shopper_insisted_on_is_not_doubted_again():
    doubtful = Address("Flat 3, Anna Nagar", city="Chennai", state="Tamil Nadu", postal_code="600400")
    insisted = Address(
        "Flat 3, Anna Nagar", city="Chennai", state="Tamil Nadu", postal_code="600400", accepted=("pin:600400",)
    )
    assert "PIN_UNKNOWN" in check(doubtful).codes
    assert not {c for c in check(insisted).codes if c.startswith("PIN")}


@pytest.mark.parametrize(
    ("text", "expected", "question"),
    [
        ("", "JUNK", "ASK_FULL"),
        ("asdf asdf", "JUNK", "ASK_FULL"),
        ("xcvbnm", "JUNK", "ASK_FULL"),
        ("na", "JUNK", "ASK_FULL"),
        ("Same as above", "JUNK", "ASK_FULL"),
        ("🏠🏠", "JUNK", "ASK_FULL"),
        ("9811198111", "SHORT", "ASK_FULL"),
        ("P.O. Box 220", "POBOX", "ASK_FULL"),
        ("Tonk Road", "SHORT", "ASK_HOUSE"),
        ("behind SMS stadium", "HOUSE", "ASK_HOUSE"),
        ("House 9", "SHORT", "ASK_LANDMARK"),
        ("Vill Bagru, Post Bagru, Tehsil Sanganer", "LANDMARK", "ASK_LANDMARK"),
    ],
)
def test_what_the_text_lacks_is_found_and_only_one_thing_is_asked(text, expected, question):
    report = check(Address(text, city="Jaipur", state="Rajasthan", postal_code="302001"))
    assert expected in report.codes
    assert report.question is not None
    assert report.question.code == question


@pytest.mark.parametrize(
    "text",
    [
        "Sector 9, Phase 2",
        "Ward no 7, Block C",
        "5th Cross, 2nd Main",
        "80 feet road, NH-8",
        "Gali no 4, lane 3",
        "2nd floor, MG Road",
    ],
)
def test_numbers_of_sectors_streets_and_floors_are_no_house(text):
    report = check(Address(f"{text}, Mansarovar", city="Jaipur", state="Rajasthan", postal_code="302020"))
    assert "HOUSE" in report.codes


@pytest.mark.parametrize(
    "text",
    ["#45", "H no 7/9", "SCO 14", "D-17/4", "6-3-112/5/B", "Plot 9", "Door No. 7B", "12", "मकान नं १८", "Qtr 5/C"],
)
def test_a_number_of_a_door_is_a_house_however_it_is_written(text):
    report = check(
        Address(f"{text}, Mansarovar, near water tank", city="Jaipur", state="Rajasthan", postal_code="302020")
    )
    assert "HOUSE" not in report.codes


def test_a_second_phone_number_is_taken_out_of_the_address():
    report = check(
        Address("22 Tonk Road, call 98290 12345 before coming", city="Jaipur", state="Rajasthan", postal_code="302018")
    )
    assert "PHONE" in report.codes
    assert report.part("alt_phone") == "+919829012345"
    assert report.part("house_no") == "22"


def test_parts_are_read_from_one_line_with_city_state_and_code():
    report = check(
        Address(
            "Flat 9B, Tower 2, Palm Heights, Link Road, Malad West, near Infinity Mall, Mumbai, Maharashtra - 400064"
        )
    )
    parts = {c.kind: c.value for c in reversed(report.components)}
    assert parts["unit"] == "9B"
    assert parts["tower"] == "2"
    assert parts["building"] == "Palm Heights"
    assert parts["street"] == "Link Road"
    assert parts["locality"] == "Malad West"
    assert parts["landmark"] == "Infinity Mall"
    assert parts["city"] == "Mumbai"
    assert parts["state"] == "Maharashtra"
    assert parts["pincode"] == "400064"


def test_a_shared_location_settles_a_missing_house_number():
    without = Address("Tonk Road", city="Jaipur", state="Rajasthan", postal_code="302018")
    with_pin = Address(
        "Tonk Road", city="Jaipur", state="Rajasthan", postal_code="302018", latitude=26.85, longitude=75.8
    )
    assert check(without).question is not None
    assert check(with_pin).question is None


def test_the_report_names_the_edition_of_the_directory():
    assert "2025" in check(Address("22 Tonk Road", city="Jaipur")).edition


@pytest.mark.parametrize(
    ("text", "city", "code", "kind", "value"),
    [
        ("H/No 23, Zarkawt", "Aizawl", "796001", "house_no", "23"),
        ("Kripa Nivas, TC 12/445, Pattom", "Trivandrum", "695004", "house_no", "12/445"),
        ("ghar no 7, talab ke pass wali gali", "Indore", "452001", "landmark", "talab"),
        ("ಮನೆ ಸಂಖ್ಯೆ 22, 4ನೇ ಅಡ್ಡರಸ್ತೆ, ಜಯನಗರ", "ಬೆಂಗಳೂರು", "560011", "street", "4th cross"),
        ("வீட்டு எண் 12, அண்ணா நகர்", "சென்னை", "600040", "locality", "Anna Nagar"),
    ],
)
def test_cues_of_many_kinds_and_scripts_are_read(text, city, code, kind, value):
    assert check(Address(text, city=city, postal_code=code)).part(kind) == value


def test_house_and_sector_are_enough_in_a_planned_town():
    report = check(Address("Plot 55 Sec 22", city="Gurugram", state="Haryana", postal_code="122015"))
    assert "SHORT" not in report.codes
    assert report.question is None

"""A shopper's answers, in pieces and with chatter, merged into the address."""

import pytest

from bot.addresses import Address, Merge, Option, Question, Reply, check, merge
from bot.addresses.replies import read_reply

ROAD = Address("Station Road", city="Indore", state="Madhya Pradesh", postal_code="452001")
FLAT = Address("Flat 7, Rose Villa, Andheri West", city="Mumbai", state="Maharashtra", postal_code="400058")


def said(before: Address, question: str, *texts: str) -> Merge:
    return merge(before, question, texts)


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (("45",), "45, Station Road"),
        (("no 45",), "no 45, Station Road"),
        (("it is 44 only",), "44, Station Road"),
        (("12", "sorry 21"), "21, Station Road"),
        (("flat 5", "nahi flat 6"), "flat 6, Station Road"),
        (("ruko", "House no 9/2", "thanks"), "House no 9/2, Station Road"),
        (("flat 12", "Sai Residency"), "flat 12, Sai Residency, Station Road"),
        (("shop no 3, Sai Complex",), "shop no 3, Sai Complex, Station Road"),
        (("mera ghar no 7/2 hai",), "ghar no 7/2, Station Road"),
        (("no. 45. sorry 54",), "54, Station Road"),
        (("its 12A oops 12B",), "12B, Station Road"),
        (("flat 3", "wait", "4 hai flat number"), "flat 4, Station Road"),
        (("sab sahi hai bas flat no 5 add kar do",), "flat no 5, Station Road"),
        (("i live at flat 9 in Orchid building",), "flat 9 in Orchid building, Station Road"),
    ],
)
def test_the_number_that_was_asked_for_goes_to_the_front_of_the_line(texts, line):
    result = said(ROAD, "ASK_HOUSE", *texts)
    assert result.after.address1 == line
    assert "HOUSE" not in result.report.codes


@pytest.mark.parametrize(
    "text",
    ["ok", "hello", "will tell you later", "why do you need it?", "kab aayega", "cancel karo", "😊", "pata nahi"],
)
def test_chatter_and_other_wishes_leave_the_address_alone_and_the_question_open(text):
    result = said(ROAD, "ASK_HOUSE", text)
    assert result.after == ROAD
    assert not result.changes
    assert result.open is not None
    assert result.open.code == "ASK_HOUSE"


@pytest.mark.parametrize(
    "text", ["ghar ka number nahi hai", "no house number", "मकान नंबर नहीं है", "koi number nahi hai"]
)
def test_no_number_closes_the_question_for_good(text):
    result = said(ROAD, "ASK_HOUSE", f"{text}, jain mandir ke paas")
    assert "no_house_number" in result.flags
    assert "mandir" in result.after.landmark
    assert result.open is None or result.open.code != "ASK_HOUSE"
    again = check(result.after)
    assert "HOUSE" not in again.codes


def test_a_landmark_in_other_words_is_not_a_second_one():
    result = said(ROAD, "ASK_LANDMARK", "near clock tower", "i mean clock tower ke samne", "house 8")
    assert result.after.landmark.count("tower") == 1
    assert result.after.address1 == "house 8, Station Road"


def test_the_shopper_reads_back_the_own_script():
    result = said(ROAD, "ASK_LANDMARK", "शिव मंदिर के सामने")
    assert result.after.landmark == "शिव मंदिर के सामने"


@pytest.mark.parametrize(
    "text",
    [
        "400053",
        "400 053",
        "४०००५३",
        "pin 400053",
        "nahi 400053",
        "wrong pin, it should be 400053",
        "four zero zero zero five three",
        "pincode galat hai 400053 hoga",
    ],
)
def test_a_postal_code_is_read_however_it_is_said(text):
    result = said(FLAT, "CONFIRM_PIN", text)
    assert result.after.postal_code == "400053"
    assert result.after.address1 == FLAT.address1


def test_a_bare_yes_takes_the_code_that_was_offered():
    offered = Question("CONFIRM_PIN", "", "postal_code", (Option("400053", (("postal_code", "400053"),)),))
    for text in ("yes", "haan sahi hai", "👍", "जी हाँ", "نعم"):
        assert merge(FLAT, offered, [text]).after.postal_code == "400053"
    assert merge(FLAT, offered, [Reply(choice=offered.options[0])]).after.postal_code == "400053"


def test_a_code_repeated_against_our_doubt_is_the_shoppers():
    result = said(FLAT, "CONFIRM_PIN", "no 400058 is right")
    assert result.after.postal_code == "400058"
    assert "shopper_confirmed_pin" in result.flags
    assert not {c for c in check(result.after).codes if c.startswith("PIN")}


def test_no_without_a_code_asks_for_the_code_and_no_without_a_fact_asks_for_everything():
    assert said(FLAT, "CONFIRM_PIN", "no").open.code == "ASK_PIN"
    assert merge(FLAT, "CONFIRM_PIN", [Reply(rejected=True)]).open.code == "ASK_PIN"
    assert said(FLAT, "CONFIRM_ADDRESS", "galat hai").open.code == "ASK_FULL"
    assert said(FLAT, "CONFIRM_ADDRESS", "address sahi nahi hai").open.code == "ASK_FULL"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("flat 7 nahi flat 9", "address1", "Flat 9, Rose Villa, Andheri West"),
        ("it's flat 9 not 7", "address1", "Flat 9, Rose Villa, Andheri West"),
        ("not rose villa, silver villa", "address1", "Flat 7, Silver Villa, Andheri West"),
        ("andheri east instead of andheri west", "address1", "Flat 7, Rose Villa, Andheri East"),
        ("Mumbai nahi Thane", "city", "Thane"),
    ],
)
def test_a_correction_replaces_the_word_that_stands_in_the_address(text, field, value):
    assert getattr(said(FLAT, "CONFIRM_ADDRESS", text).after, field) == value


def test_a_correction_of_a_word_that_is_not_there_changes_nothing_and_asks_anew():
    result = said(FLAT, "CONFIRM_ADDRESS", "pocket 3 nahi pocket 13")
    assert result.after == FLAT
    assert result.open.code == "ASK_FULL"


def test_yes_with_an_extra_confirms_and_adds():
    result = said(FLAT, "CONFIRM_ADDRESS", "haan", "par gate no 2 se aana")
    assert "gate no 2" in result.after.directions
    assert "confirmed" in result.flags
    assert result.open is None


def test_a_whole_new_address_replaces_the_old_one_and_tells_that_the_city_changed():
    result = said(FLAT, "CONFIRM_ADDRESS", "my new address is 22 Malviya Nagar, near Apex mall, Jaipur 302017")
    assert (result.after.address1, result.after.city, result.after.state) == ("22 Malviya Nagar", "Jaipur", "Rajasthan")
    assert result.after.postal_code == "302017"
    assert "Apex mall" in result.after.landmark
    assert "city_changed" in result.flags


def test_an_address_that_comes_line_by_line_is_one_address():
    result = said(ROAD, "ASK_FULL", "House 12", "Ram Nagar", "Ujjain", "456001")
    assert (result.after.address1, result.after.city, result.after.postal_code) == (
        "House 12, Ram Nagar",
        "Ujjain",
        "456001",
    )


def test_the_city_that_answers_brings_its_state():
    before = Address("Flat 6, Moti Mahal, Malviya Nagar", city="Jodhpur", state="Rajasthan", postal_code="302017")
    assert said(before, "CONFIRM_CITY_OR_PIN", "jaipur").after.city == "Jaipur"
    elsewhere = said(before, "CONFIRM_CITY_OR_PIN", "pune")
    assert (elsewhere.after.city, elsewhere.after.state) == ("Pune", "Maharashtra")
    assert elsewhere.open.code in ("CONFIRM_PIN", "ASK_PIN", "CONFIRM_CITY_OR_PIN")


def test_a_near_location_is_stored_and_a_far_one_is_asked_about():
    near = merge(ROAD, "ASK_HOUSE", [Reply(location=(22.72, 75.86))])
    assert (near.after.latitude, near.after.longitude) == (22.72, 75.86)
    assert len(near.after.digipin) == len("39J-456-928P")
    assert Address(latitude=51.5, longitude=0.1).digipin == ""
    far = merge(ROAD, "ASK_HOUSE", [Reply(location=(28.61, 77.2))])
    assert far.after == ROAD
    assert "location_conflict" in far.flags
    assert far.open.code == "ASK_LOCATION"


def test_a_contact_card_is_another_number_and_no_address():
    card = {"type": "contacts", "contacts": [{"phones": [{"phone": "+91 98290 12345", "wa_id": "919829012345"}]}]}
    result = merge(ROAD, "ASK_HOUSE", [read_reply(card)])
    assert result.after.alt_phone == "+919829012345"
    assert result.open.code == "ASK_HOUSE"


@pytest.mark.parametrize("nested", [True, False])
def test_the_address_form_replaces_the_fields_that_it_fills(nested):
    values = {
        "house_number": "9",
        "floor_number": "2",
        "building_name": "Sai Residency",
        "address": "Ring Road",
        "landmark_area": "near Apollo",
        "city": "Indore",
        "state": "MP",
        "in_pin_code": "452010",
        "phone_number": "9829012345",
    }
    import json

    body = json.dumps({"values": values} if nested else values)
    form = {
        "type": "interactive",
        "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "address_message", "response_json": body}},
    }
    after = merge(ROAD, "ASK_FULL", [read_reply(form)]).after
    assert after.address1 == "9, Floor 2, Sai Residency, Ring Road"
    assert (after.landmark, after.state, after.postal_code, after.alt_phone) == (
        "near Apollo",
        "Madhya Pradesh",
        "452010",
        "+919829012345",
    )


def test_differences_can_be_read_back():
    result = said(FLAT, "CONFIRM_PIN", "pin 400053, near metro gate 2")
    changes = {c.field: (c.old, c.new) for c in result.changes}
    assert changes["postal_code"] == ("400058", "400053")
    assert changes["landmark"] == ("", "near metro gate 2")


def test_other_countries_take_codes_and_doors_of_their_own():
    milan = Address("Via Dante", city="Milano", state="MI", postal_code="00184", country="IT")
    assert said(milan, "CONFIRM_CITY_OR_PIN", "CAP 20121").after.postal_code == "20121"
    lahore = Address("Gulberg", city="Lahore", state="Punjab", country="PK")
    assert said(lahore, "ASK_HOUSE", "House 9 street 4").open is None


@pytest.mark.parametrize(
    ("question", "texts", "line"),
    [
        ("ASK_HOUSE", ("house 8", "nahi nahi house 18", "gali no 3"), "house 18, gali no 3, Station Road"),
        ("ASK_HOUSE", ("House no. is B-23/4",), "House no. B-23/4, Station Road"),
        ("ASK_HOUSE", ("call on 9829012345 or house 23",), "house 23, Station Road"),
        ("ASK_FULL", ("House 5, Sector 11, Vijay Nagar",), "House 5, Sector 11, Vijay Nagar"),
    ],
)
def test_facts_between_other_words_are_found(question, texts, line):
    result = said(ROAD, question, *texts)
    assert (result.after.address1, result.after.city) == (line, "Indore")


def test_a_bare_no_to_a_question_for_a_number_means_that_there_is_none():
    assert said(ROAD, "ASK_HOUSE", "no").flags == ("no_house_number",)
    assert said(ROAD, "ASK_LANDMARK", "nahi").flags == ("no_landmark",)


def test_a_code_that_was_just_said_is_not_asked_for_again_on_a_soft_doubt():
    before = Address("Flat 302, Mansarovar", city="Jaipur", state="Rajasthan", postal_code="302001")
    assert said(before, "ASK_PIN", "302002").open is None
    assert said(before, "ASK_PIN", "560001").open is not None


def test_not_knowing_is_no_correction():
    result = said(ROAD, "ASK_HOUSE", "pata nahi number, peeli building hai, school ke piche")
    assert (result.after.landmark, result.after.directions) == ("school ke piche", "peeli building")
    assert result.after.address1 == "Station Road"


def test_the_name_of_a_house_is_an_answer_to_the_question_for_its_number():
    result = said(ROAD, "ASK_HOUSE", "House name is Shanti Kunj")
    assert result.after.address1 == "Shanti Kunj, Station Road"
    assert result.open is None or result.open.code != "ASK_HOUSE"


@pytest.mark.parametrize(
    ("line", "text", "after"),
    [
        ("54, Vijay Nagar", "house number 45 hai 54 nahi", "house number 45, Vijay Nagar"),
        ("Flat 4, 3rd floor, Vijay Nagar", "floor 2 not 3", "Flat 4, 2nd floor, Vijay Nagar"),
        ("House 7, Gali no 5, Vijay Nagar", "galli number 4 hai 5 nahi", "House 7, Gali no 4, Vijay Nagar"),
    ],
)
def test_the_right_number_may_come_first_in_a_correction(line, text, after):
    assert said(Address(line, city="Indore", postal_code="452010"), "CONFIRM_ADDRESS", text).after.address1 == after


def test_the_city_may_be_named_as_such_in_a_correction():
    assert said(FLAT, "CONFIRM_ADDRESS", "city Pune hai Mumbai nahi").after.city == "Pune"


def test_a_code_that_the_shopper_chose_is_not_asked_for_again():
    before = Address("Flat 2, Malviya Nagar", city="Jaipur", state="Rajasthan", postal_code="302081")
    offered = Question("CONFIRM_PIN", "", "postal_code", (Option("302018", (("postal_code", "302018"),)),))
    result = merge(before, offered, ["haan sahi hai"])
    assert result.after.postal_code == "302018"
    assert result.open is None or result.open.code not in ("CONFIRM_PIN", "ASK_PIN", "CONFIRM_CITY_OR_PIN")


def test_a_guard_who_takes_the_parcel_is_no_landmark():
    after = said(FLAT, "CONFIRM_ADDRESS", "rakh do guard ke paas").after
    assert not after.landmark
    assert "guard" in after.directions


@pytest.mark.parametrize(
    ("text", "landmark"),
    [
        ("wo bada peepal ka ped hai na uske samne", "bada peepal ka ped ke samne"),
        ("haan, lekin landmark add karo: city mall ke samne", "city mall ke samne"),
    ],
)
def test_words_around_a_landmark_are_no_part_of_it(text, landmark):
    assert said(ROAD, "ASK_LANDMARK", text).after.landmark == landmark


def test_an_address_without_commas_gives_up_its_landmark_and_city():
    before = Address("na", city="Dehradun", state="Uttarakhand", postal_code="248001")
    after = said(before, "ASK_FULL", "mera address hai 22 Nehru Colony dehradun 248001 near police chowki").after
    assert (after.address1, after.landmark) == ("22 Nehru Colony", "near police chowki")


@pytest.mark.parametrize(
    ("country", "line", "city", "text", "after"),
    [
        ("AE", "Al Barsha 2", "Dubai", "villa 14", "villa 14, Al Barsha 2"),
        ("ES", "Calle Mayor 10", "Madrid", "si, pero el piso es 4", "Calle Mayor 10, piso 4"),
        ("TR", "Atatürk Mah. 1234 Sok", "İzmir", "no 5 daire 8", "no 5 daire 8, Atatürk Mah. 1234 Sok"),
    ],
)
def test_numbers_that_name_quarters_and_streets_stay(country, line, city, text, after):
    assert said(Address(line, city=city, country=country), "ASK_HOUSE", text).after.address1 == after

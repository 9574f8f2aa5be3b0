"""Phones, amounts, dates and texts as spreadsheet programs leave them behind."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.orders.spreadsheet.cells import DigitsLost, number_text, one_line, restore_exponent
from bot.orders.spreadsheet.dates import NoDate, day_first, read_date
from bot.orders.spreadsheet.money import NoAmount, decimal_sign, from_number, read_amount
from bot.orders.spreadsheet.payments import is_cash
from bot.orders.spreadsheet.phones import read_phone
from bot.orders.spreadsheet.places import country_code, postal_code

KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  a  b\n c ", "a b c"),
        ("'00123", "00123"),
        ('="00123"', "00123"),
        ("\ufeffName\u200b", "Name"),
        ("90000\u00a010001", "90000 10001"),
        ("n/a", ""),
        ("-", ""),
        (919000010001.0, "919000010001"),
        (12.5, "12.5"),
        (7, "7"),
        ("a\x00b", "ab"),
    ],
)
def test_a_cell_is_freed_from_what_programs_put_around_it(cell: str | float, text: str) -> None:
    assert one_line(cell) == text


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("9000010001", "+919000010001"),
        ("09000010001", "+919000010001"),
        ("919000010001", "+919000010001"),
        ("+91 90000-10001", "+919000010001"),
        ("0091 90000 10001", "+919000010001"),
        ("9.19000010001E+11", "+919000010001"),
        ("919000010001.0", "+919000010001"),
        ("९०००० १०००१", "+919000010001"),
        ("mob: 9000010001", "+919000010001"),
        ("9000010001 / 9000010002", "+919000010001"),
        ("12345 / 9000010002", "+919000010002"),
        ("+971 50 000 0001", "+971500000001"),
        ("+201000000000", "+201000000000"),
    ],
)
def test_a_phone_number_is_read_in_the_shops_region(written: str, e164: str) -> None:
    assert read_phone(written, ("IN",)).e164 == e164


def test_a_second_number_in_the_cell_becomes_the_alternate() -> None:
    assert read_phone("9000010001 / 9000010002", ("IN",)).alternate == "+919000010002"


@pytest.mark.parametrize(
    ("region", "written", "e164"),
    [
        ("PK", "03000010001", "+923000010001"),
        ("PK", "3000010001", "+923000010001"),
        ("AE", "0500000001", "+971500000001"),
        ("AE", "500000001", "+971500000001"),
        ("ID", "081200010001", "+6281200010001"),
        ("ID", "81200010001", "+6281200010001"),
    ],
)
def test_a_lost_zero_at_the_front_does_no_harm(region: str, written: str, e164: str) -> None:
    assert read_phone(written, (region,)).e164 == e164


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("9.2E+11", "PHONE_DIGITS_LOST"),
        ("9,19E+11", "PHONE_DIGITS_LOST"),
        ("12345", "PHONE_INVALID"),
        ("ask my wife", "PHONE_INVALID"),
        ("", "PHONE_MISSING"),
        ("9999999999", "PHONE_FAKE"),
        ("+91 12345 67890 12345", "PHONE_INVALID"),
    ],
)
def test_what_is_no_phone_number_is_named_by_its_reason(written: str, code: str) -> None:
    phone = read_phone(written, ("IN",))
    assert (phone.e164, phone.code) == ("", code)
    assert phone.reason


def test_a_number_without_country_code_is_first_tried_in_the_orders_country() -> None:
    assert read_phone("0500000001", ("AE", "IN")).e164 == "+971500000001"
    assert read_phone("9000010001", ("AE", "IN")).e164 == "+919000010001"


@given(st.text(max_size=60))
def test_no_text_makes_the_phone_reader_raise(text: str) -> None:
    phone = read_phone(text, ("IN",))
    assert bool(phone.e164) != bool(phone.code)


@given(st.integers(min_value=10**9, max_value=10**14))
def test_a_number_in_powers_of_ten_is_restored_exactly_or_refused(number: int) -> None:
    digits = str(number)
    assert restore_exponent(f"{digits[0]}.{digits[1:]}E+{len(digits) - 1}") == digits
    with pytest.raises(DigitsLost):
        restore_exponent(f"{digits[0]}.{digits[1]}E+{len(digits) - 1}")


@given(st.integers(min_value=0, max_value=2**53 - 1))
def test_a_whole_number_cell_is_written_without_a_point(number: int) -> None:
    assert number_text(float(number)) == str(number)


@pytest.mark.parametrize(
    ("written", "currency", "sign", "minor"),
    [
        ("1,299.00", "INR", ".", 129_900),
        ("₹ 1,299", "INR", ".", 129_900),
        ("Rs. 1,23,456.50", "INR", ".", 12_345_650),
        ("Rs 1,299/-", "INR", ".", 129_900),
        ("1.299,00", "INR", ".", 129_900),
        ("499.000", "INR", ".", 49_900),
        ("Rp 150.000", "INR", ",", 15_000_000),
        ("150,000", "IDR", ",", 15_000_000),
        ("12.500", "KWD", ".", 12_500),
        ("250000", "VND", ",", 250_000),
        ("1 299,50", "INR", ",", 129_950),
        ("PKR 2,500", "INR", ".", 250_000),
        ("٢٥٠", "INR", ".", 25_000),
        ("0", "INR", ".", 0),
    ],
)
def test_an_amount_becomes_minor_units(written: str, currency: str, sign: str, minor: int) -> None:
    assert read_amount(written, currency, sign)[0] == minor


def test_a_currency_written_beside_the_amount_counts() -> None:
    assert read_amount("PKR 2,500", "INR")[1] == "PKR"
    assert read_amount("₹500", "AED")[1] == "INR"


@pytest.mark.parametrize("written", ["abc", "-5", "(5)", "1.2E+03", "1.299", "12 or 13", "9" * 30, "5 apples"])
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(NoAmount):
        read_amount(written, "INR")


@given(st.text(max_size=30))
def test_no_text_makes_the_amount_reader_raise_anything_else(text: str) -> None:
    try:
        minor, currency = read_amount(text, "INR")
    except NoAmount:
        return
    assert minor >= 0
    assert len(currency) == 3


@given(st.integers(min_value=0, max_value=10**10))
def test_amounts_come_back_as_they_were_written(minor: int) -> None:
    written = f"{minor // 100:,}.{minor % 100:02d}"
    assert read_amount(written, "INR") == (minor, "INR")
    assert read_amount(written.translate(str.maketrans(",.", ".,")), "INR", ",") == (minor, "INR")
    assert from_number(minor / 100, "INR") == minor


def test_the_column_tells_what_its_comma_means() -> None:
    assert decimal_sign(["1.560,00", "360,50"], "IN") == ","
    assert decimal_sign(["1,560.00"], "ID") == "."
    assert decimal_sign(["1,560", "2,400"], "IN") == "."
    assert decimal_sign(["150.000", "75.000"], "ID") == ","


@pytest.mark.parametrize(
    ("written", "first_is_day", "instant"),
    [
        ("2026-08-20 18:26:28 +0300", True, datetime(2026, 8, 20, 15, 26, 28, tzinfo=UTC)),
        ("2026-08-20T10:00:00Z", True, datetime(2026, 8, 20, 10, tzinfo=UTC)),
        ("5/31/2016 0:37", False, datetime(2016, 5, 30, 19, 7, tzinfo=UTC)),
        ("13-08-2026 14:20", True, datetime(2026, 8, 13, 8, 50, tzinfo=UTC)),
        ("03/04/2026", True, datetime(2026, 4, 2, 18, 30, tzinfo=UTC)),
        ("20 Aug 2026", True, datetime(2026, 8, 19, 18, 30, tzinfo=UTC)),
        ("Aug 3, 2026 5:04 PM", True, datetime(2026, 8, 3, 11, 34, tzinfo=UTC)),
        ("46000.5", True, datetime(2025, 12, 9, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_date_becomes_an_instant(written: str, first_is_day: bool, instant: datetime) -> None:
    assert read_date(written, first_is_day, KOLKATA) == instant


@pytest.mark.parametrize("written", ["32/13/2026", "soon", "2026-02-30", "99999", "12", "9999-99-99 99:99"])
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(NoDate):
        read_date(written, True, KOLKATA)


def test_the_column_tells_whether_days_come_first() -> None:
    assert not day_first(["1/2/2026", "5/31/2026"], "IN")
    assert day_first(["1/2/2026", "31/5/2026"], "US")
    assert day_first(["1/2/2026"], "IN")
    assert not day_first(["1/2/2026"], "PH")


@given(st.text(max_size=40), st.booleans())
def test_no_text_makes_the_date_reader_raise_anything_else(text: str, first_is_day: bool) -> None:
    try:
        read_date(text, first_is_day, KOLKATA)
    except NoDate:
        return


@pytest.mark.parametrize(
    "label",
    ["COD", "cod", "Cash on Delivery (COD)", "cash_on_delivery", "C.O.D.", "Pago contra entrega", "Bayar di Tempat",
     "الدفع عند الاستلام", "कैश ऑन डिलीवरी", "Thanh toán khi nhận hàng", "Cash", "COD/Prepaid: COD"],
)  # fmt: skip
def test_cash_on_delivery_is_known_in_many_words(label: str) -> None:
    assert is_cash(label)


@pytest.mark.parametrize(
    "label", ["Prepaid", "Non-COD", "not cod", "Razorpay", "Cashfree", "UPI", "Bank transfer", "codec"]
)
def test_other_payments_are_no_cash(label: str) -> None:
    assert not is_cash(label)


def test_a_shop_may_have_its_own_word_for_cash() -> None:
    assert is_cash("Hand money", ("hand money",))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("India", "IN"),
        ("भारत", "IN"),
        ("in", "IN"),
        ("UAE", "AE"),
        ("Viet Nam", "VN"),
        ("PAK", "PK"),
        ("uk", "GB"),
        ("Oz", ""),
    ],
)
def test_a_country_is_known_by_name_or_code(name: str, code: str) -> None:
    assert country_code(name) == code


def test_postal_codes_get_their_zeros_back_where_codes_may_begin_with_one() -> None:
    assert postal_code("1000", "MY") == "01000"
    assert postal_code("110001.0", "IN") == "110001"
    assert postal_code("110 001", "IN") == "110001"
    assert postal_code("45200", "IN") == "45200"

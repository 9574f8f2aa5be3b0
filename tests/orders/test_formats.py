"""The layouts that shops and couriers export, each from a file as their programs write it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.orders.samples import shopify_list
from bot.orders.spreadsheet import Parsed, SheetError, recognise
from tests.orders.conftest import AT, LISTS, order_row, read, table


def by_reference(name: str) -> dict[str, Parsed]:
    return {parsed.reference: parsed for parsed in read((LISTS / name).read_bytes())}


def test_shopify_orders_of_several_lines_are_one_order() -> None:
    parsed = by_reference("shopify.csv")["#2001"]
    draft = parsed.draft
    assert draft is not None
    assert [row.number for row in parsed.rows] == [2, 3, 4]
    assert [(item.name, item.quantity, item.price) for item in draft.items] == [
        ('Kurta, "indigo"', 1, 94_900),
        ("Bottle", 2, 19_900),
        ("Gift wrap", 1, 0),
    ]
    assert (draft.amount, draft.currency, draft.phone) == (134_700, "INR", "+919000010001")
    assert draft.address.postal_code == "201301"
    assert draft.placed_at == datetime(2026, 11, 24, 12, 56, 28, tzinfo=UTC)


def test_a_shopify_order_without_gateway_and_shipping_phone_is_still_asked() -> None:
    draft = by_reference("shopify.csv")["#2002"].draft
    assert draft is not None
    assert (draft.phone, draft.currency, draft.amount, draft.region) == ("+201000000000", "EGP", 25_000, "EG")


@pytest.mark.parametrize(
    ("reference", "status", "code", "column"),
    [
        ("#2003", "skipped", "PAID", "Financial Status"),
        ("#2004", "skipped", "FULFILLED", "Fulfillment Status"),
        ("#2005", "skipped", "CANCELLED", "Canceled at"),
        ("#2006", "rejected", "PHONE_DIGITS_LOST", "Shipping Phone"),
        ("#2007", "skipped", "REFUNDED", "Financial Status"),
    ],
)
def test_shopify_orders_that_are_not_to_be_asked_say_why(reference: str, status: str, code: str, column: str) -> None:
    parsed = by_reference("shopify.csv")[reference]
    assert parsed.status == status
    assert (parsed.problems[0].code, parsed.problems[0].column) == (code, column)


def test_woocommerce_in_small_letters_takes_the_billing_side_where_shipping_is_blank() -> None:
    orders = by_reference("woocommerce_snake.csv")
    asha, meera = orders["WC-501"].draft, orders["WC-502"].draft
    assert asha is not None
    assert meera is not None
    assert (asha.shopper_name, asha.address.city, asha.phone) == ("Asha Verma", "Noida", "+919000010001")
    assert (meera.shopper_name, meera.address.address1, meera.address.postal_code) == (
        "Meera Kulkarni", "14 Lakshmi Road", "411030",
    )  # fmt: skip
    assert asha.items[0].name == "Product 4959 (size: Medium)"
    assert [(item.name, item.quantity, item.price) for item in meera.items] == [
        ("Steel bottle", 2, 29_925),
        ("Lunch box", 1, 30_000),
    ]
    assert asha.placed_at == datetime(2026, 11, 20, 3, 35, tzinfo=UTC)
    assert [orders[f"WC-{n}"].problems[0].code for n in (503, 504, 505)] == ["FULFILLED", "NOT_COD", "CANCELLED"]


def test_woocommerce_labels_are_read_by_name() -> None:
    orders = by_reference("woocommerce_labels.csv")
    asha, meera = orders["9001"].draft, orders["9002"].draft
    assert asha is not None
    assert meera is not None
    assert (asha.amount, asha.address.address1) == (129_900, "Flat 302, Green Park")
    assert (meera.shopper_name, meera.address.address1) == ("Meera Kulkarni", "14 Lakshmi Road, Sadashiv Peth")
    assert [orders[str(n)].problems[0].code for n in (9003, 9004)] == ["NOT_COD", "REFUNDED"]


def test_shiprockets_template_has_no_total_so_it_is_added_up() -> None:
    parsed = by_reference("shiprocket_template.csv")
    draft = parsed["SR-1"].draft
    assert draft is not None
    # Two kurtas at 500 less 50 each, a dupatta at 300, shipping 40, cash handling 25, less 10.
    assert draft.amount == (2 * (500 - 50) + 300 + 40 + 25 - 10) * 100
    assert draft.alternate_phone == "+919000010099"
    assert (draft.address.latitude, draft.address.longitude) == (28.5355, 77.391)
    assert draft.placed_at == datetime(2026, 11, 5, 4, 45, tzinfo=UTC)
    assert parsed["SR-2"].problems[0].code == "NOT_COD"


@pytest.mark.parametrize(
    ("name", "reference", "shopper", "amount"),
    [("shiprocket_newer.csv", "N-1", "Meera Nair", 245_000), ("shiprocket_third.csv", "T-1", "Gurpreet Kaur", 165_000)],
)
def test_the_other_shiprocket_sheets_are_read(name: str, reference: str, shopper: str, amount: int) -> None:
    draft = by_reference(name)[reference].draft
    assert draft is not None
    assert (draft.shopper_name, draft.amount) == (shopper, amount)
    assert draft.address.postal_code


def test_any_other_list_is_read_by_what_its_header_resembles() -> None:
    orders = by_reference("generic_semicolon.csv")
    first = orders["A-1"].draft
    second = orders["A-2"].draft
    assert first is not None
    assert second is not None
    assert (first.amount, second.amount) == (156_000, 36_050)
    assert first.address.postal_code == "452010"


@pytest.mark.parametrize(
    "header",
    [
        "No. Pesanan,Nama Penerima,No. HP,Alamat,Kota,Jumlah",
        "ऑर्डर नंबर,नाम,मोबाइल नंबर,पता,शहर,राशि",
        "رقم الطلب,الاسم,الجوال,العنوان,المدينة,المبلغ",
        "Ordr Number,Custmer Name,Moblie Number,Adress,City,Amuont",
        "order_id,customer_name,customer_phone,customer_address,city,order_total",
        "ORDER ID,CONSIGNEE NAME,CONSIGNEE CONTACT,CONSIGNEE ADDRESS,DESTINATION CITY,COLLECTABLE VALUE",
    ],
)
def test_headers_are_understood_in_other_words_tongues_and_spellings(header: str) -> None:
    layout = recognise(header.split(","))
    assert not layout.missing
    assert layout.columns["address1"] == (3,)
    assert layout.columns["city"] == (4,)
    assert layout.columns["shopper_name"] == (1,)


def test_a_phone_column_with_a_strange_name_is_found_by_what_is_in_it() -> None:
    content = table(["A-1", "9000010001", "500"], ["A-2", "9000010002", "700"], header="Order No,Zustellung,Amount")
    assert [parsed.draft.phone for parsed in read(content) if parsed.draft] == ["+919000010001", "+919000010002"]


def test_a_chosen_column_overrules_the_guess() -> None:
    content = table(["A-1", "9000010001", "9000010002", "500"], header="Order No,Mobile,Number two,Amount")
    draft = read(content, columns={"phone": (2,)})[0].draft
    assert draft is not None
    assert draft.phone == "+919000010002"


def test_a_missing_column_is_named_together_with_what_was_found() -> None:
    with pytest.raises(SheetError, match=r"phone number.*Order No, Colour") as caught:
        read(table(["A-1", "red"], header="Order No,Colour"))
    assert caught.value.code == "COLUMN_MISSING"


def test_titles_above_the_header_are_passed_over() -> None:
    content = b"Orders of November,,\n,,\n" + table(order_row())
    parsed = read(content)[0]
    assert parsed.status == "accepted"
    assert parsed.rows[0].number == 4


def test_the_sample_list_is_mostly_good() -> None:
    parsed = read(shopify_list(AT))
    rows = {
        status: sum(len(p.rows) for p in parsed if p.status == status) for status in ("accepted", "skipped", "rejected")
    }
    assert rows == {"accepted": 37, "skipped": 3, "rejected": 1}
    assert {p.draft.region for p in parsed if p.draft} == {"IN", "PK", "AE", "ID"}


def test_every_list_of_this_folder_is_used() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in LISTS.iterdir() if path.name not in source] == []

"""Lists given back: the merchant's own cells, our columns, no formulas, nobody else's orders."""

import csv
import io
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from bot.clock import now
from bot.database import row_id
from bot.models import AddressVersion, Merchant
from bot.orders import export
from bot.orders.outcomes import record
from bot.orders.samples import shopify_list
from tests.orders.conftest import LISTS, Desk, make_shop, order_row, read, table
from tests.orders.test_outcomes import tell


def same(desk: Desk, upload_id: int | None = None) -> bytes:
    out = io.BytesIO()
    with desk.services.database.reader() as session:
        export.export_same(session, session.get_one(Merchant, desk.merchant_id), out, upload_id=upload_id)
    return out.getvalue()


def shiprocket(desk: Desk, kind: str = "csv") -> bytes:
    out = io.BytesIO()
    with desk.services.database.reader() as session:
        export.export_shiprocket(session, session.get_one(Merchant, desk.merchant_id), out, kind=kind)
    return out.getvalue()


def rows_of(content: bytes, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline=""), delimiter=delimiter))


def test_the_merchants_own_cells_come_back_untouched_with_decisions_behind(desk: Desk) -> None:
    content = shopify_list(now())
    desk.hand_in(content)
    tell(desk, "#1041", intent="confirmed", slot="18:00-20:00", receiver="guard", confidence=0.93)
    tell(desk, "#1043", intent="cancelled", cancel_reason="too dear")
    given_rows, back = rows_of(content), rows_of(same(desk))
    assert [{name: row[name] for name in given_rows[0]} for row in back] == given_rows
    first = {name: back[0][f"Pakka {name}"] for name in ("Decision", "Answer", "Confidence", "Slot", "Receiver")}
    assert first == {
        "Decision": "ship",
        "Answer": "confirmed",
        "Confidence": "0.93",
        "Slot": "18:00-20:00",
        "Receiver": "guard",
    }
    third = next(row for row in back if row["Name"] == "#1043")
    assert (third["Pakka Decision"], third["Pakka Cancel reason"]) == ("cancel", "too dear")
    assert {row["Pakka Decision"] for row in back} == {"ship", "cancel", "wait", ""}
    rejected = next(row for row in back if row["Shipping Phone"] == "98123")
    assert (rejected["Pakka Row"], rejected["Pakka Decision"]) == ("rejected", "")
    assert rejected["Pakka Row reason"] == "Shipping Phone: this cannot be a phone number"


def test_a_changed_address_is_shown_as_a_difference_and_in_parts(desk: Desk) -> None:
    desk.hand_in(table(order_row("A-1")))
    with desk.services.database.session() as session:
        first = session.get_one(AddressVersion, 1)
        parts = {**first.parts, "address1": "House 9", "landmark": "Shiv Mandir"}
        session.add(
            AddressVersion(order_id=first.order_id, version=2, given_by="shopper", parts=parts, latitude=28.5,
                           longitude=77.3, score=96, created_at=now())
        )  # fmt: skip
    row = rows_of(same(desk))[0]
    assert row["Address"] == "Flat 302, Green Park"
    assert row["Pakka Address changed"] == "yes"
    assert row["Pakka Address change"] == "address1: Flat 302, Green Park → House 9; landmark: (empty) → Shiv Mandir"
    assert (row["Pakka Address line 1"], row["Pakka Landmark"], row["Pakka Latitude"]) == (
        "House 9",
        "Shiv Mandir",
        "28.5",
    )


@pytest.mark.parametrize(
    ("encoding", "back", "delimiter"),
    [
        ("utf-8", "utf-8", ";"),
        ("utf-8-sig", "utf-8-sig", ","),
        ("utf-16", "utf-16", "\t"),
        ("cp1252", "utf-8-sig", ";"),
    ],
)
def test_the_file_is_written_as_it_was_read(desk: Desk, encoding: str, back: str, delimiter: str) -> None:
    out = io.StringIO()
    rows = csv.reader(io.StringIO(table(order_row("A-1", name="Zoë")).decode()))
    csv.writer(out, delimiter=delimiter).writerows(rows)
    desk.hand_in(out.getvalue().encode(encoding))
    content = same(desk)
    assert content.startswith(b"\xef\xbb\xbf") == (back == "utf-8-sig")
    assert rows_of(content, back, delimiter)[0]["Name"] == "Zoë"


def test_a_workbook_comes_back_as_a_workbook_with_its_numbers(desk: Desk) -> None:
    book = Workbook()
    book.active.title = "November"
    book.active.append(["Order No", "Mobile", "Amount", "Note"])
    book.active.append(["A-1", 9000010001, 1299.5, "'=1+1"])
    out = io.BytesIO()
    book.save(out)
    desk.hand_in(out.getvalue(), name="orders.xlsx")
    sheet = load_workbook(io.BytesIO(same(desk))).active
    assert sheet.title == "November"
    assert [cell.value for cell in sheet[2]][:3] == ["A-1", 9000010001, 1299.5]
    assert sheet.cell(1, 5).value == "Pakka Decision"


EVIL = [
    "=1+1",
    "+1-1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    ";=1+1",
    "＝1+1",
    "＠x",
    ' "=1',
    '=HYPERLINK("http://x")',
]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_can_be_taken_for_a_formula(desk: Desk, kind: str) -> None:
    rows = [order_row(f"A-{n}", name=evil, address=evil, phone=f"90000100{n:02d}") for n, evil in enumerate(EVIL)]
    desk.hand_in(table(*rows))
    for n, evil in enumerate(EVIL):
        tell(desk, f"A-{n}", intent="confirmed", instructions=evil, receiver=evil)
    if kind == "xlsx":
        sheet = load_workbook(io.BytesIO(shiprocket(desk, "xlsx"))).active
        assert sheet.max_row == len(EVIL) + 1
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
        return
    for content in (same(desk), shiprocket(desk)):
        for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
            assert not [
                cell for cell in row if re.match(r"[=+\-@＝＋－＠\t\r\n]", cell) and not re.fullmatch(r"[+-]\d+", cell)
            ]


@given(st.text(max_size=20))
def test_a_safe_cell_never_begins_like_a_formula_and_keeps_its_text(text: str) -> None:
    made = export.safe(text)
    assert isinstance(made, str)
    assert not re.match(r"[\t\r\n]|[=@＝＠]|[+-](?!\d+(?:[.,]\d+)?$)", made)
    kept = export._CONTROL.sub("", text)
    assert made in (kept, "'" + kept)


def test_numbers_with_a_sign_stay_numbers() -> None:
    assert [export.safe(cell) for cell in ("-5.00", "+919000010001", 5, -5)] == ["-5.00", "+919000010001", 5, -5]


def test_only_orders_to_ship_are_in_the_couriers_file_and_their_sums_are_right(desk: Desk) -> None:
    desk.hand_in(shopify_list(now()))
    for name in ("#1041", "#1042", "#1047"):
        tell(desk, name, intent="confirmed")
    tell(desk, "#1043", intent="cancelled")
    tell(desk, "#1044", intent="confirmed", not_before=now().date() + timedelta(days=9))
    rows = rows_of(shiprocket(desk), "utf-8")
    assert [row["*Order Id"] for row in rows] == ["#1041", "#1042", "#1042", "#1047", "#1047"]
    assert len(rows[0]) == 47
    template = csv.reader(io.StringIO((LISTS / "shiprocket_template.csv").read_text(encoding="utf-8")))
    assert list(rows[0]) == next(template)
    sums: dict[str, float] = {}
    for row in rows:
        price = float(row["*Selling Price(Per Unit Item, Inclusive of Tax)"]) * int(row["*Product Quantity"])
        extra = float(row["Shipping Charges(Per Order)"] or 0) - float(row["Total Discount (Per Order)"] or 0)
        sums[row["*Order Id"]] = sums.get(row["*Order Id"], 0) + price + extra
    assert sums == {name: desk.orders()[name].amount / 100 for name in ("#1041", "#1042", "#1047")}
    assert (rows[0]["*Customer Mobile"], rows[0]["Verified Order"], rows[0]["*Shipping Address Country"]) == (
        "9000010001", "1", "India",
    )  # fmt: skip


def test_our_own_courier_file_can_be_read_again(desk: Desk) -> None:
    desk.hand_in(table(order_row("A-1"), order_row("A-2", phone="9000010002", amount="99.50")))
    for name in ("A-1", "A-2"):
        tell(desk, name, intent="confirmed")
    drafts = {parsed.reference: parsed.draft for parsed in read(shiprocket(desk))}
    assert {name: draft.amount for name, draft in drafts.items() if draft} == {"A-1": 129_900, "A-2": 9_950}


def test_the_newest_list_is_given_back_unless_another_is_named(desk: Desk) -> None:
    first = desk.hand_in(table(order_row("A-1")))
    desk.hand_in(table(order_row("B-1", phone="9000010002")))
    assert rows_of(same(desk))[0]["Order No"] == "B-1"
    assert rows_of(same(desk, row_id(first)))[0]["Order No"] == "A-1"


def test_another_shops_list_cannot_be_had(desk: Desk) -> None:
    other = make_shop(desk.services, "elsewhere")
    theirs = other.hand_in(table(order_row("A-1")))
    other.change("A-1", lambda session, order: record(session, order, by="shopper", at=now(), intent="confirmed"))
    with pytest.raises(export.NothingToExport):
        same(desk, row_id(theirs))
    assert rows_of(shiprocket(desk), "utf-8") == []


def test_rows_that_were_wiped_are_left_out(desk: Desk) -> None:
    from sqlmodel import select

    from bot.models import UploadRow

    desk.hand_in(table(order_row("A-1"), order_row("A-2", phone="9000010002")))
    with desk.services.database.session() as session:
        row = session.exec(select(UploadRow).where(UploadRow.row_number == 2)).one()
        row.raw = []
        session.add(row)
    assert [row["Order No"] for row in rows_of(same(desk))] == ["A-2"]

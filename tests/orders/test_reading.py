"""Rows become orders: torn, repeated, contradicting and damaged ones too, and none is ever lost."""

import contextlib
import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.orders.spreadsheet import SheetError, open_list
from tests.orders.conftest import AT, INDIA, order_row, read, table

CELL = st.one_of(
    st.sampled_from(
        ["", "A-1", "A-2", "9000010001", "9.2E+11", "500", "-5", "COD", "prepaid", "cancelled", "'", '"', "a;b"]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=0, max_size=9), max_size=12))
def test_accepted_skipped_and_rejected_rows_are_always_all_rows(rows: list[list[str]]) -> None:
    content = table(*rows)
    parsed = read(content)
    numbers = sorted(row.number for one in parsed for row in one.rows)
    orders = open_list(content, "IN")
    assert numbers == [row.number for row in orders.rows()]
    for one in parsed:
        assert one.status in ("accepted", "skipped", "rejected")
        assert (one.draft is not None) == (one.status == "accepted")
        assert bool(one.problems) == (one.status != "accepted")
        assert all(problem.code and problem.reason for problem in one.problems)


def test_a_row_is_reported_with_row_column_value_and_reason() -> None:
    parsed = read(table(order_row("A-1"), order_row("A-2", phone="12345")))[1]
    problem = parsed.problems[0]
    assert (problem.row, problem.column, problem.value, problem.code) == (3, "Mobile", "12345", "PHONE_INVALID")
    assert problem.reason == "this cannot be a phone number"


def test_all_faults_of_a_row_are_told_at_once() -> None:
    parsed = read(table(order_row("A-1", phone="", amount="lots")))[0]
    assert [problem.code for problem in parsed.problems] == ["PHONE_MISSING", "AMOUNT_INVALID"]


def test_the_rows_of_an_order_are_brought_together_however_far_apart_they_stand() -> None:
    header = "Order No,Mobile,Amount,Product"
    content = table(
        ["A-1", "9000010001", "800", "Cap"],
        ["A-2", "9000010002", "500", "Mug"],
        ["A-1", "", "", "Shoes"],
        header=header,
    )
    orders = {one.reference: one for one in read(content)}
    draft = orders["A-1"].draft
    assert draft is not None
    assert [item.name for item in draft.items] == ["Cap", "Shoes"]


def test_a_row_that_says_the_same_again_is_skipped() -> None:
    parsed = read(table(order_row("A-1"), order_row("A-1"), order_row("A-2"), order_row("A-1")))
    assert sorted((one.status, len(one.rows)) for one in parsed) == [("accepted", 1), ("accepted", 1), ("skipped", 2)]


def test_a_list_pasted_twice_below_itself_adds_no_items() -> None:
    header = "Order No,Mobile,Amount,Product"
    rows = [["A-1", "9000010001", "800", "Cap"], ["A-1", "", "", "Cap"], ["A-2", "9000010002", "500", "Mug"]]
    parsed = read(table(*rows, *rows, header=header))
    drafts = {one.reference: one.draft for one in parsed if one.draft}
    assert [len(drafts[name].items) for name in ("A-1", "A-2")] == [2, 1]
    assert sum(len(one.rows) for one in parsed if one.status == "skipped") == 3


@pytest.mark.parametrize(
    ("changed", "column"), [({"amount": "999"}, "Amount"), ({"phone": "9000010009"}, "Mobile")], ids=["amount", "phone"]
)
def test_an_order_that_contradicts_itself_is_rejected_whole(changed: dict[str, str], column: str) -> None:
    parsed = read(table(order_row("A-1"), order_row("A-1", **changed)))
    assert [one.status for one in parsed] == ["rejected"]
    assert len(parsed[0].rows) == 2
    assert (parsed[0].problems[0].row, parsed[0].problems[0].column) == (3, column)


def test_the_same_number_written_in_two_ways_is_no_contradiction() -> None:
    assert (
        read(table(order_row("A-1"), order_row("A-1", phone="+91 90000 10001", city="Delhi")))[0].status == "accepted"
    )


def test_a_row_without_a_number_that_names_a_shopper_is_rejected() -> None:
    parsed = read(table(order_row("A-1"), order_row("", phone="9000010002")))
    assert parsed[1].problems[0].code == "REFERENCE_MISSING"


def test_a_comma_without_quotation_marks_is_noticed() -> None:
    content = b"Order No,Mobile,Address,Amount\nA-1,9000010001,Flat 3, Green Park,500\n"
    assert read(content)[0].problems[0].code == "TOO_MANY_CELLS"


def test_a_quotation_mark_that_swallows_rows_is_noticed() -> None:
    rows = "".join(f"A-{n},900001000{n},Street {n},500\n" for n in range(2, 5))
    content = f'Order No,Mobile,Address,Amount\nA-1,9000010001,"Flat 3,500\n{rows}'.encode()
    assert [one.problems[0].code for one in read(content)] == ["BROKEN_QUOTES"]


def test_line_breaks_inside_a_cell_do_not_end_a_row() -> None:
    parsed = read(table(order_row("A-1", address="Flat 3\r\nGreen Park"), order_row("A-2")))
    assert [one.rows[0].number for one in parsed] == [2, 3]
    assert parsed[0].draft is not None
    assert parsed[0].draft.address.address1 == "Flat 3 Green Park"


def test_rules_of_the_shop_skip_small_and_old_orders() -> None:
    header = "Order No,Mobile,Amount,Order Date"
    old = (AT - timedelta(days=30)).isoformat()
    content = table(
        ["A-1", "9000010001", "99", ""],
        ["A-2", "9000010002", "900", old],
        ["A-3", "9000010003", "0", ""],
        header=header,
    )
    parsed = read(content, replace(INDIA, minimum_amount=10_000, maximum_age_days=14))
    assert [one.problems[0].code for one in parsed] == ["BELOW_MINIMUM", "TOO_OLD", "NOTHING_TO_COLLECT"]


def test_an_unreadable_date_is_left_out_and_told() -> None:
    parsed = read(table(["A-1", "9000010001", "900", "soon"], header="Order No,Mobile,Amount,Order Date"))[0]
    assert parsed.status == "accepted"
    assert [warning.code for warning in parsed.warnings] == ["DATE_UNREADABLE"]


GOOD = table(order_row("A-1", name="Zoë D'Souza", address="Häuser 5"), order_row("A-2")).decode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_encoding_and_delimiter_is_read(encoding: str, delimiter: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(csv.reader(io.StringIO(GOOD)))
    parsed = read(out.getvalue().encode(encoding))
    assert [one.status for one in parsed] == ["accepted", "accepted"]
    assert parsed[0].draft is not None
    assert (parsed[0].draft.shopper_name, parsed[0].draft.address.address1) == ("Zoë D'Souza", "Häuser 5")


def test_short_rows_with_another_delimiter_inside_do_not_hide_the_header() -> None:
    content = table(["", "", "a;b"], ["", "", "a;b"], ["", "", "", "a;b"], ["", ";"], ["", ""])
    for columns in (None, {"reference": [0]}):
        orders = open_list(content, "IN", columns)
        assert orders.header[:3] == ("Order No", "Name", "Mobile")
        assert orders.dialect.delimiter == ","


def test_a_stray_nul_is_left_out() -> None:
    parsed = read(table(order_row("A-1", name="Asha\0 Verma"), *(order_row(f"B-{n}") for n in range(9))))[0]
    assert parsed.draft is not None
    assert parsed.draft.shopper_name == "Asha Verma"


def test_excels_line_about_the_separator_is_passed_over() -> None:
    assert read(b"sep=;\r\n" + GOOD.replace(",", ";").encode())[0].status == "accepted"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(ending: str) -> None:
    assert len(read(ending.join(GOOD.splitlines()).encode())) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EMPTY"),
        (b"\n\n  \n", "EMPTY"),
        (b"%PDF-1.7 ...", "NOT_A_TABLE"),
        (b"<html><table>", "NOT_A_TABLE"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "NOT_A_TABLE"),
        (b"PK\x03\x04 not really", "UNREADABLE"),
        (b"12\n34\n", "NO_HEADER"),
        (bytes(range(256)) * 4, "ENCODING"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_a_reason(content: bytes, code: str) -> None:
    with pytest.raises(SheetError) as caught:
        read(content)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise_anything_but_its_own_error(content: bytes) -> None:
    with contextlib.suppress(SheetError):
        read(content)

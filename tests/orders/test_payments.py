"""How orders are paid, where no name of a column says it: nobody who has paid is asked for cash at the door."""

import pytest

from bot.orders.spreadsheet import recognise
from bot.orders.spreadsheet.records import Layout, Row
from tests.orders.conftest import read, table


def guessed(name: str, *cells: str) -> Layout:
    """Recognise a list whose fourth column has this name and these cells."""
    rows = [Row(place + 2, (f"A-{place}", f"90000100{place:02}", "500", cell)) for place, cell in enumerate(cells)]
    return recognise(["Order No", "Mobile", "Price", name], rows)


@pytest.mark.parametrize("name", ["Pay", "Paid by", "Payment option", "Zahlart", "Order type", ""])
def test_an_order_that_is_paid_already_is_not_asked_whatever_the_column_is_called(name: str) -> None:
    rows = [[f"A-{place}", f"900001000{place}", "500", pay] for place, pay in enumerate(
        ("COD", "Prepaid", "Cash on delivery", "Paid online", "UPI")
    )]  # fmt: skip
    parsed = read(table(*rows, header=f"Order No,Mobile,Price,{name}"))
    assert [one.status for one in parsed] == ["accepted", "skipped", "accepted", "skipped", "skipped"]
    assert {problem.code for one in parsed for problem in one.problems} == {"NOT_COD"}


def test_a_column_that_was_found_by_its_cells_is_marked_as_guessed() -> None:
    layout = guessed("Zahlart", "COD", "Prepaid", "", "Cash (on delivery)")
    assert layout.columns["payment_method"] == (3,)
    assert "payment_method" in layout.guessed
    assert "payment_method" not in guessed("Pay", "COD", "Prepaid").guessed


@pytest.mark.parametrize(
    "cells",
    [
        ("Cash box, red", "COD fish oil", "Wallet", "Prepaid SIM card"),
        ("Wallet", "Card", "Wallet"),
        ("Paid", "Pending", "Paid", "Pending"),
        ("COD confirmed", "Delivered", "Shipped", "Cancelled"),
        ("Please keep cash ready", "cod, call before delivery", "gift", "Prepaid, leave at the gate"),
        ("COD", "", "", ""),
        ("", "", "", ""),
        ("500", "700", "COD", "899"),
    ],
)
def test_goods_states_and_remarks_are_no_payment_methods(cells: tuple[str, ...]) -> None:
    assert "payment_method" not in guessed("Zusatz", *cells).columns


def test_a_column_that_is_named_is_not_overruled_by_the_cells_of_another() -> None:
    content = table(["A-1", "9000010001", "500", "COD", "Prepaid"], header="Order No,Mobile,Price,Payment,Zusatz")
    assert read(content)[0].status == "accepted"


@pytest.mark.parametrize("name", ["Payment status", "Status"])
def test_a_status_that_says_prepaid_is_no_cash(name: str) -> None:
    content = table(
        ["A-1", "9000010001", "500", "COD"], ["A-2", "9000010002", "500", "Prepaid"],
        header=f"Order No,Mobile,Price,{name}",
    )  # fmt: skip
    parsed = read(content)
    assert [one.status for one in parsed] == ["accepted", "skipped"]
    assert parsed[1].problems[0].code == "PAID"

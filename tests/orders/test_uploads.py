"""Lists become orders once, whatever happens on the way, and newer lists change only what they may."""

import csv
import io
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import Workbook
from sqlmodel import Session, SQLModel, func, select

from bot.clock import now
from bot.database import row_id
from bot.models import AddressVersion, Event, Merchant, Order, OrderItem, Run, Timer, Upload, UploadRow
from bot.orders import changes, judging, report, uploads
from bot.orders.outcomes import record
from bot.orders.rules import Rules
from bot.orders.samples import shopify_list
from bot.orders.spreadsheet import SheetError
from bot.orders.storing import is_held_out
from bot.services import Services
from tests.orders.conftest import Desk, make_shop, order_row, table


def count(services: Services, model: type[SQLModel]) -> int:
    with services.database.reader() as session:
        return session.exec(select(func.count()).select_from(model)).one()


def problems(desk: Desk, upload: Upload) -> list[tuple[int, str, str]]:
    """Row, status and first code of every row that has something to tell."""
    with desk.services.database.reader() as session:
        rows = session.exec(
            select(UploadRow).where(UploadRow.upload_id == upload.id).order_by(UploadRow.row_number)
        ).all()  # type: ignore[arg-type]
        return [(row.row_number, row.status, row.problems[0]["code"]) for row in rows if row.problems]


def test_a_list_becomes_orders_with_items_addresses_and_planned_talks(desk: Desk) -> None:
    upload = desk.hand_in(shopify_list(now()))
    assert (upload.status, upload.rows) == ("done", 41)
    assert upload.accepted + upload.skipped + upload.rejected == upload.rows
    assert (upload.accepted, upload.skipped, upload.rejected) == (37, 3, 1)
    orders = desk.orders()
    assert len(orders) == 33
    assert (orders["#1042"].amount, orders["#1042"].currency, orders["#1042"].phone) == (
        134_700,
        "INR",
        "+919000010002",
    )
    assert orders["#1042"].ask_at is not None
    assert orders["#1042"].cutoff_at is not None
    assert [count(desk.services, model) for model in (Order, AddressVersion, Run, Timer)] == [33, 33, 33, 33]
    assert count(desk.services, OrderItem) == 37
    assert count(desk.services, UploadRow) == 41


def test_the_first_address_is_stored_with_what_was_found(desk: Desk) -> None:
    desk.hand_in(table(order_row("A-1", pin="")))
    with desk.services.database.reader() as session:
        version = session.exec(select(AddressVersion)).one()
    assert (version.version, version.given_by, version.parts["city"]) == (1, "order", "Noida")
    assert version.score is not None
    assert version.score < 100
    assert "PIN_MISSING" in [finding["code"] for finding in version.findings]


def test_the_same_file_twice_changes_nothing(desk: Desk) -> None:
    content = shopify_list(now())
    first = desk.hand_in(content)
    second = desk.hand_in(content, name="again.csv")
    assert second.id == first.id
    assert [count(desk.services, model) for model in (Upload, Order, Run, Timer, UploadRow)] == [1, 33, 33, 33, 41]


def test_the_same_rows_in_another_order_and_format_change_nothing(desk: Desk) -> None:
    rows = [order_row(f"A-{n}", phone=f"90000100{n:02d}") for n in range(1, 6)]
    desk.hand_in(table(*rows))
    book = Workbook()
    book.active.append(["Order No", "Name", "Mobile", "Address", "City", "Pincode", "Amount", "Payment"])
    for row in reversed(rows):
        book.active.append([float(cell) if cell == "1299.00" else cell for cell in row])
    out = io.BytesIO()
    book.save(out)
    again = desk.hand_in(out.getvalue(), name="again.xlsx")
    assert (again.accepted, again.skipped, again.rejected) == (0, 5, 0)
    assert {code for _, _, code in problems(desk, again)} == {"KNOWN"}
    assert [count(desk.services, model) for model in (Order, AddressVersion, Run)] == [5, 5, 5]


def test_two_imports_of_one_file_at_the_same_time_make_one_set_of_orders(desk: Desk) -> None:
    content = table(*(order_row(f"A-{n}", phone=f"9000{n:06d}") for n in range(60)))
    upload = desk.hand_in(content, run=False)
    runs = [threading.Thread(target=uploads.run, args=(desk.services, row_id(upload))) for _ in range(3)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    uploads.run(desk.services, row_id(upload))
    assert desk.upload(row_id(upload)).status == "done"
    assert [count(desk.services, model) for model in (Order, UploadRow, Run)] == [60, 60, 60]


def test_two_lists_of_a_shop_with_the_same_new_orders_at_once_do_not_collide(desk: Desk) -> None:
    rows = [order_row(f"A-{n}", phone=f"9000{n:06d}") for n in range(40)]
    lists = [desk.hand_in(table(*rows), run=False), desk.hand_in(table(*reversed(rows)), run=False)]
    failed: list[BaseException] = []

    def work(upload: Upload) -> None:
        try:
            uploads.run(desk.services, row_id(upload))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(upload,)) for upload in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [desk.upload(row_id(upload)).status for upload in lists] == ["done", "done"]
    assert count(desk.services, Order) == 40


@pytest.mark.parametrize("stops_after", [0, 1, 2])
def test_an_import_that_was_killed_goes_on_where_it_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, stops_after: int
) -> None:
    content = table(*(order_row(f"A-{n}", phone=f"9000{n:06d}" if n % 5 else "12") for n in range(50)))
    upload = desk.hand_in(content, run=False)
    monkeypatch.setattr(judging, "CHUNK", 20)
    passed = 0

    class Killed(BaseException):
        pass

    def progress(_done: int, _of: int) -> None:
        nonlocal passed
        passed += 1
        if passed == stops_after:
            raise Killed

    store = uploads._store

    def before(*args: Any, **named: Any) -> bool:
        if stops_after == 0:
            store(*args, **named)
            raise Killed
        return store(*args, **named)

    monkeypatch.setattr(uploads, "_store", before)
    with pytest.raises(Killed):
        uploads.run(desk.services, row_id(upload), progress)
    halfway = desk.upload(row_id(upload))
    assert (halfway.status, halfway.done) == ("importing", 20 * stops_after)
    monkeypatch.setattr(uploads, "_store", store)
    assert uploads.run(desk.services, row_id(upload))
    finished = desk.upload(row_id(upload))
    assert (finished.status, finished.done, finished.accepted, finished.rejected) == ("done", 50, 40, 10)
    assert [count(desk.services, model) for model in (Order, UploadRow, Run)] == [40, 50, 40]


def test_progress_is_told_and_ends_at_all_rows(desk: Desk) -> None:
    upload = desk.hand_in(table(*(order_row(f"A-{n}") for n in range(7))), run=False)
    told: list[tuple[int, int]] = []
    uploads.run(desk.services, row_id(upload), lambda done, of: told.append((done, of)))
    assert told == [(7, 7)]


def test_one_order_number_in_two_shops_is_two_orders(desk: Desk) -> None:
    other = make_shop(desk.services, "elsewhere")
    content = table(order_row("A-1"))
    desk.hand_in(content)
    other.hand_in(content)
    assert count(desk.services, Order) == 2


def test_a_share_drawn_by_hash_is_never_asked(desk: Desk) -> None:
    desk.set_rules(hold_out_percent=30)
    desk.hand_in(table(*(order_row(f"A-{n}", phone=f"9000{n:06d}") for n in range(200))))
    orders = desk.orders()
    held = {name for name, order in orders.items() if order.held_out}
    assert 35 <= len(held) <= 85
    assert held == {name for name in orders if is_held_out(desk.merchant_id, name, 30)}
    assert all((order.intent == "held_out") == order.held_out for order in orders.values())
    assert count(desk.services, Run) == 200 - len(held)


def test_without_a_whatsapp_number_orders_wait_and_are_planned_later(services: Services) -> None:
    desk = make_shop(services, "silent", connected=False)
    desk.hand_in(table(order_row("A-1"), order_row("A-2", phone="9000010002")))
    assert (count(services, Order), count(services, Run)) == (2, 0)
    make_shop(services, "speaking")
    with services.database.session() as session:
        speaking = session.exec(select(Merchant).where(Merchant.slug == "speaking")).one()
        session.get_one(Merchant, desk.merchant_id).channel_id = speaking.channel_id
    with services.database.session() as session:
        assert uploads.plan_unplanned(session, session.get_one(Merchant, desk.merchant_id), shards=4) == 2
    with services.database.session() as session:
        assert uploads.plan_unplanned(session, session.get_one(Merchant, desk.merchant_id), shards=4) == 0
    assert count(services, Run) == 2


def test_an_unreadable_file_leaves_nothing_behind(desk: Desk) -> None:
    with pytest.raises(SheetError):
        desk.hand_in(b"Colour,Size\nred,5\n")
    assert count(desk.services, Upload) == 0


def test_a_name_of_a_file_cannot_reach_another_folder_or_header(desk: Desk) -> None:
    assert desk.hand_in(table(order_row("A-1")), name='../../x"\r\nSet-Cookie: a.csv').filename == "xSet-Cookie a.csv"


def test_strange_signs_in_cells_are_stored_without_harm(desk: Desk) -> None:
    rows = [order_row(f"A-{n}") for n in range(20)]
    upload = desk.hand_in(table(order_row("B-1", name="As\0ha \U0001f64f", phone="1\0 2"), *rows))
    assert (upload.accepted, upload.rejected) == (20, 1)


# What a newer list may change.


def _asked(session: Session, order: Order) -> None:
    record(session, order, by="rule", at=now(), intent="asked")


def _answer(intent: str) -> Callable[[Session, Order], None]:
    def work(session: Session, order: Order) -> None:
        record(session, order, by="rule", at=now(), intent="asked")
        record(session, order, by="shopper", at=now(), intent=intent)

    return work


def _ship(session: Session, order: Order) -> None:
    record(session, order, by="merchant", at=now(), status="shipped")


CHANGES = {
    "phone": {"phone": "9000010077"},
    "address": {"address": "House 9, New Road"},
    "amount": {"amount": "1499.00"},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_before_the_first_prompt_a_newer_list_updates_the_order(desk: Desk, changed: str) -> None:
    desk.hand_in(table(order_row("A-1")))
    again = desk.hand_in(table(order_row("A-1", **CHANGES[changed])))
    assert again.accepted == 1
    assert problems(desk, again) == [(2, "accepted", "UPDATED")]
    order = desk.orders()["A-1"]
    assert order.phone == ("+919000010077" if changed == "phone" else "+919000010001")
    assert order.amount == (149_900 if changed == "amount" else 129_900)
    assert count(desk.services, AddressVersion) == (2 if changed == "address" else 1)
    # One talk, and it goes to the number that counts now.
    with desk.services.database.reader() as session:
        run = session.exec(select(Run)).one()
        assert (run.status, run.order_id) == ("planned", order.id)
        assert session.exec(select(func.count()).select_from(Timer)).one() == 1
    assert order.contact_id is not None


@pytest.mark.parametrize("changed", CHANGES)
def test_between_prompt_and_answer_the_talk_is_told_but_the_number_stays(desk: Desk, changed: str) -> None:
    desk.hand_in(table(order_row("A-1")))
    desk.change("A-1", _asked)
    again = desk.hand_in(table(order_row("A-1", **CHANGES[changed])))
    order = desk.orders()["A-1"]
    assert order.phone == "+919000010001"
    with desk.services.database.reader() as session:
        told = [event.payload["what"] for event in session.exec(select(Event)).all()]
    if changed == "phone":
        assert problems(desk, again) == [(2, "skipped", "NEEDS_APPROVAL")]
        assert told == []
    else:
        assert problems(desk, again) == [(2, "accepted", "UPDATED")]
        assert told == ["details"]
    assert count(desk.services, Run) == 1


@pytest.mark.parametrize("changed", CHANGES)
@pytest.mark.parametrize("how", ["confirmed", "cancelled", "shipped"])
def test_after_the_answer_or_dispatch_nothing_changes_by_itself(desk: Desk, changed: str, how: str) -> None:
    desk.hand_in(table(order_row("A-1")))
    desk.change("A-1", _ship if how == "shipped" else _answer(how))
    before = desk.orders()["A-1"]
    again = desk.hand_in(table(order_row("A-1", **CHANGES[changed])))
    assert problems(desk, again) == [(2, "skipped", "NEEDS_APPROVAL")]
    after = desk.orders()["A-1"]
    assert (after.phone, after.amount, after.intent) == (before.phone, before.amount, before.intent)
    assert count(desk.services, AddressVersion) == 1


@pytest.mark.parametrize(
    ("payment", "status", "decision"),
    [("cancelled", "cancelled", None), ("fulfilled", "shipped", None), ("paid", "open", "ship")],
)
def test_a_newer_list_tells_what_the_shop_did_meanwhile(
    desk: Desk, payment: str, status: str, decision: str | None
) -> None:
    header = "Order No,Mobile,Amount,Payment Status,Order Status"
    states = {"cancelled": ["pending", "cancelled"], "fulfilled": ["pending", "shipped"], "paid": ["paid", ""]}
    desk.hand_in(table(["A-1", "9000010001", "500", "pending", ""], header=header))
    again = desk.hand_in(table(["A-1", "9000010001", "500", *states[payment]], header=header))
    assert again.skipped == 1
    order = desk.orders()["A-1"]
    assert (order.status, order.decision) == (status, decision)
    with desk.services.database.reader() as session:
        assert [event.payload["what"] for event in session.exec(select(Event)).all()] == [
            "paid" if payment == "paid" else status
        ]


@pytest.mark.parametrize("changed", CHANGES)
def test_what_waits_for_the_merchants_word_is_applied_when_it_is_given(desk: Desk, changed: str) -> None:
    desk.hand_in(table(order_row("A-1")))
    desk.change("A-1", _answer("confirmed"))
    again = desk.hand_in(table(order_row("A-1", **CHANGES[changed])))

    def approve(session: Session, order: Order) -> bool:
        shop = uploads.shop_of(session.get_one(Merchant, desk.merchant_id), Rules(), now())
        return changes.approve(session, order, shop, at=now(), member_id=None, bell=None)

    assert desk.change("A-1", approve) is True
    assert desk.change("A-1", approve) is False
    order = desk.orders()["A-1"]
    assert order.phone == "+919000010001"
    assert order.alternate_phone == ("+919000010077" if changed == "phone" else "")
    assert order.amount == (149_900 if changed == "amount" else 129_900)
    assert order.intent == "confirmed"
    assert count(desk.services, AddressVersion) == (2 if changed == "address" else 1)
    counted = desk.upload(row_id(again))
    assert (counted.accepted, counted.skipped, counted.rejected) == (1, 0, 0)
    once_more = desk.hand_in(table(order_row("A-1", **CHANGES[changed]), ["", "", "", ""]))
    assert [code for _row, _status, code in problems(desk, once_more)][:1] == ["KNOWN"], "the same is no change"


def test_only_the_newest_list_can_wait_for_the_merchants_word(desk: Desk) -> None:
    desk.hand_in(table(order_row("A-1")))
    desk.change("A-1", _answer("confirmed"))
    desk.hand_in(table(order_row("A-1", **CHANGES["amount"])))
    assert desk.change("A-1", lambda session, order: len(changes.waiting(session, order))) == 1
    desk.hand_in(table(order_row("A-1"), order_row("A-2")))
    assert desk.change("A-1", lambda session, order: changes.waiting(session, order)) == []
    desk.hand_in(table(order_row("A-1", **CHANGES["address"])))
    desk.change("A-1", _ship)
    assert desk.change("A-1", lambda session, order: changes.waiting(session, order)) == [], "it has left"


# Taking a list back.


def test_a_list_can_be_taken_back_before_the_first_prompt_and_handed_in_again(desk: Desk) -> None:
    content = shopify_list(now())
    upload = desk.hand_in(content)
    with desk.services.database.session() as session:
        assert uploads.undo(session, session.get_one(Upload, upload.id), at=now()) == 33
    assert [count(desk.services, model) for model in (Order, OrderItem, AddressVersion, Run, Timer)] == [0] * 5
    again = desk.hand_in(content)
    assert (again.id, again.status, again.accepted) == (upload.id, "done", 37)
    assert count(desk.services, Order) == 33


def test_a_list_cannot_be_taken_back_once_a_shopper_was_asked(desk: Desk) -> None:
    upload = desk.hand_in(table(order_row("A-1"), order_row("A-2", phone="9000010002")))
    desk.change("A-2", _asked)
    with desk.services.database.session() as session, pytest.raises(uploads.UploadError, match="1 of its shoppers"):
        uploads.undo(session, session.get_one(Upload, upload.id), at=now())
    assert count(desk.services, Order) == 2


# Preview, report, cut-off.


def test_a_preview_shows_columns_and_counts_and_stores_nothing(desk: Desk) -> None:
    with desk.services.database.reader() as session:
        merchant = session.get_one(Merchant, desk.merchant_id)
    shown = uploads.preview(shopify_list(now()), merchant, at=now())
    assert (shown.format, shown.rows, shown.counts["accepted"]) == ("shopify", 41, 37)
    assert shown.columns["phone"] == ("Shipping Phone", "Phone", "Billing Phone")
    assert count(desk.services, Upload) == 0


def test_a_trial_reports_what_the_import_then_reports(desk: Desk) -> None:
    content = shopify_list(now())
    with desk.services.database.reader() as session:
        trial = report.of_trial(content, session.get_one(Merchant, desk.merchant_id), at=now())
    assert count(desk.services, Upload) == 0
    upload = desk.hand_in(content)
    with desk.services.database.reader() as session:
        told = report.of_upload(session, session.get_one(Upload, upload.id))
    same = (
        "rows",
        "accepted",
        "skipped",
        "rejected",
        "problems",
        "skips",
        "warnings",
        "orders",
        "addresses",
        "columns",
    )
    assert {name: trial[name] for name in same} == {name: told[name] for name in same}
    assert told["problems"] == [
        {
            "row": 42,
            "column": "Shipping Phone",
            "value": "98123",
            "code": "PHONE_INVALID",
            "reason": "this cannot be a phone number",
        }
    ]
    assert told["addresses"]["codes"]["PIN_MISSING"] == 1


def test_the_cut_off_lies_on_a_courier_day_and_leaves_an_hour() -> None:
    from datetime import UTC, date, datetime
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Asia/Kolkata")
    rules = Rules(holidays=(date(2026, 11, 27),))
    wednesday = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
    assert rules.next_cutoff(wednesday, zone) == datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
    late = wednesday + timedelta(hours=1)
    assert rules.next_cutoff(late, zone) == datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
    # Friday is a holiday and Sunday is no courier day.
    assert rules.next_cutoff(late + timedelta(days=1), zone) == datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
    assert rules.next_cutoff(late + timedelta(days=3), zone) == datetime(2026, 11, 30, 12, 30, tzinfo=UTC)


def test_a_list_with_one_cell_more_or_less_never_loses_a_row(desk: Desk) -> None:
    reader = csv.reader(io.StringIO(shopify_list(now()).decode()))
    header, *rows = list(reader)
    out = io.StringIO()
    csv.writer(out).writerows(
        [header, *(row[: len(row) - place % 3] + ["x"] * (place % 2) for place, row in enumerate(rows))]
    )
    upload = desk.hand_in(out.getvalue().encode())
    assert upload.accepted + upload.skipped + upload.rejected == upload.rows == len(rows)

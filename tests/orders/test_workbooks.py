"""XLSX lists: read as they are, and refused quickly when they are made to harm."""

import io
import resource
import time
import zipfile
from collections.abc import Callable
from datetime import datetime

import pytest
from openpyxl import Workbook

from bot.orders.spreadsheet import SheetError
from tests.orders.conftest import order_row, read

HEADER = ["Order No", "Name", "Mobile", "Address", "City", "Pincode", "Amount", "Payment"]
TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/sharedStrings.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="{target}"/></Relationships>'
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook(*rows: list[object], change: Callable[[Workbook], None] | None = None) -> bytes:
    book = Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def package(sheet: str, strings: str = "", extra: dict[str, str] | None = None) -> bytes:
    """Write a workbook by hand, so that it can be as wrong as it likes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.writestr("[Content_Types].xml", TYPES)
        packed.writestr("_rels/.rels", RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        packed.writestr("xl/_rels/workbook.xml.rels", RELS.format(kind="worksheet", target="worksheets/sheet1.xml"))
        packed.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        packed.writestr("xl/worksheets/sheet1.xml", sheet)
        packed.writestr("xl/sharedStrings.xml", strings or f'<sst xmlns="{MAIN}"/>')
        for name, content in (extra or {}).items():
            packed.writestr(name, content)
    return out.getvalue()


def sheet_of(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def test_numbers_dates_and_texts_of_a_workbook_are_read() -> None:
    header = ["Order No", "Mobile", "Amount", "Order Date", "Pincode"]
    book = Workbook()
    book.active.append(header)
    book.active.append(["A-1", 919000010001, 1299.5, datetime.fromisoformat("2026-11-24 10:30"), 201301])
    book.active.append([1002, "'+91 90000 10002", "₹1,299", "24/11/2026", "201301"])
    out = io.BytesIO()
    book.save(out)
    first, second = (parsed.draft for parsed in read(out.getvalue()))
    assert first is not None
    assert second is not None
    assert (first.phone, first.amount, first.address.postal_code) == ("+919000010001", 129_950, "201301")
    assert first.placed_at is not None
    assert (first.placed_at.hour, first.placed_at.minute) == (5, 0)
    assert (second.reference, second.phone, second.amount) == ("1002", "+919000010002", 129_900)


def test_a_workbook_keeps_numbers_as_numbers_for_the_way_back() -> None:
    parsed = read(workbook(order_row("A-1", phone=9000010001, amount=1299)))[0]
    assert parsed.rows[0].cells[2] == 9000010001
    assert parsed.rows[0].cells[6] == 1299


def test_merged_cells_continue_the_order_above() -> None:
    def merge(book: Workbook) -> None:
        book.active["I1"] = "Product"
        book.active["I2"], book.active["I3"] = "Cap", "Mug"
        for column in "ABCDEFGH":
            book.active.merge_cells(f"{column}2:{column}3")

    parsed = read(workbook(order_row("A-1"), change=merge))
    assert [len(one.rows) for one in parsed] == [2]
    assert parsed[0].draft is not None
    assert [item.name for item in parsed[0].draft.items] == ["Cap", "Mug"]


def test_hidden_sheets_are_not_read_and_others_are_named() -> None:
    def more(book: Workbook) -> None:
        book.create_sheet("Secret", 0).append(["nothing", "of", "interest"])
        book.worksheets[0].sheet_state = "hidden"
        book.create_sheet("Old orders").append(HEADER)

    content = workbook(order_row("A-1"), change=more)
    assert [one.reference for one in read(content)] == ["A-1"]
    from bot.orders.spreadsheet import open_list

    assert "Old orders" in open_list(content, "IN").notes[0]


def test_blank_rows_are_counted_but_left_out() -> None:
    parsed = read(workbook(order_row("A-1"), [], order_row("A-2")))
    assert [one.rows[0].number for one in parsed] == [2, 4]


def test_a_formula_without_a_value_is_an_empty_cell() -> None:
    parsed = read(workbook(order_row("A-1", phone="=1+1")))[0]
    assert [problem.code for problem in parsed.problems] == ["PHONE_MISSING"]


GIGANTIC = 64 * 2**20


def _many_strings() -> bytes:
    strings = "<si><t>" + "A" * 1000 + "</t></si>"
    return package(
        sheet_of('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'),
        f'<sst xmlns="{MAIN}">{strings * (GIGANTIC // len(strings))}</sst>',
    )


def _many_rows() -> bytes:
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'
    return package(sheet_of(row * (GIGANTIC // len(row))))


def _sparse() -> bytes:
    return package(sheet_of('<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'))


def _many_parts() -> bytes:
    return package(sheet_of(""), extra={f"xl/media/{n}.png": "" for n in range(5000)})


def _entities() -> bytes:
    swell = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return package(
        f'{swell}<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>&b;</v></c></row></sheetData></worksheet>'
    )


def _reads_a_file() -> bytes:
    reads = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    return package(
        f'{reads}<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row>'
        "</sheetData></worksheet>"
    )


def _macros() -> bytes:
    return package(sheet_of(""), extra={"xl/vbaProject.bin": "x"})


def _nested() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("orders.xlsx", _sparse())
    return out.getvalue()


def _far_row() -> bytes:
    return package(sheet_of('<row r="99999999999"><c r="A99999999999" t="inlineStr"><is><t>x</t></is></c></row>'))


def _wide() -> bytes:
    cells = "".join('<c t="inlineStr"><is><t>x</t></is></c>' for _ in range(2000))
    return package(sheet_of(f'<row r="1">{cells}</row>'))


def _encrypted() -> bytes:
    content = bytearray(_sparse())
    # The bit that says "encrypted", in every entry of the table of contents.
    place = content.find(b"PK\x01\x02")
    while place >= 0:
        content[place + 8] |= 1
        place = content.find(b"PK\x01\x02", place + 4)
    return bytes(content)


def _cut() -> bytes:
    content = workbook(order_row("A-1"))
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (_many_strings, {"BOMB"}),
        (_many_rows, {"BOMB"}),
        (_sparse, {"TOO_MANY_ROWS", "TOO_MANY_COLUMNS"}),
        (_far_row, {"TOO_MANY_ROWS", "UNREADABLE"}),
        (_wide, {"TOO_MANY_COLUMNS"}),
        (_many_parts, {"BOMB"}),
        (_entities, {"UNREADABLE"}),
        (_reads_a_file, {"UNREADABLE"}),
        (_macros, {"MACROS"}),
        (_nested, {"NOT_A_TABLE"}),
        (_encrypted, {"ENCRYPTED"}),
        (_cut, {"UNREADABLE"}),
    ],
)
def test_a_harmful_workbook_is_refused_quickly_and_without_much_memory(
    make: Callable[[], bytes], codes: set[str]
) -> None:
    content = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    with pytest.raises(SheetError) as caught:
        read(content)
    assert caught.value.code in codes
    # The reader has a process of its own; this one must neither compute nor grow.
    assert time.process_time() - begun < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_the_reader_of_a_million_claimed_rows_ends_soon() -> None:
    begun = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(SheetError):
        read(_sparse())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 5
    # The reader begins as a copy of this process, whose size depends on the tests that ran before.
    copied = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after.ru_maxrss < copied + 150 * 1024 or after.ru_maxrss == before.ru_maxrss
    assert time.monotonic() - begun < 20

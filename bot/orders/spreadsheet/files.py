"""Open the bytes of an order list, CSV or XLSX, whatever program wrote them."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Protocol, cast

from bot.orders.spreadsheet.records import NOTES, Cell, Dialect, Row, SheetError
from bot.orders.spreadsheet.workbooks import Workbook

LARGEST_CSV = 100 * 2**20
MOST_ROWS = 250_000
MOST_COLUMNS = 512
LONGEST_CELL = 32_767
"""As in Excel."""

_SNIFFED = 64 * 1024
_DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r"sep=(.)\s*$", re.IGNORECASE)

csv.field_size_limit(1_000_000)


class Sheet(Protocol):
    """An open file: `dialect` tells how it was written, `rows` may be asked for again and again.

    Rows come with their numbers; wholly empty ones are left out but counted. `others` are dialects, likeliest first,
    that may be set instead of a guessed one which turns out wrong.
    """

    dialect: Dialect
    others: tuple[Dialect, ...]
    notes: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Yield every row that is not empty, the header among them."""
        ...

    def close(self) -> None:
        """Let go of temporary files."""
        ...


def open_sheet(content: bytes) -> Sheet:
    """Open a file by what it is, not by its name.

    Raises SheetError when it is no table that we read; the message says what to do.
    """
    if not content.strip(b"\0 \t\r\n"):
        raise SheetError("EMPTY", "The file is empty.")
    if content.startswith(b"PK\x03\x04"):
        return Workbook(content, MOST_ROWS, MOST_COLUMNS, LONGEST_CELL)
    for magic, sentence in _FOREIGN.items():
        if content[:64].lstrip()[: len(magic)].lower() == magic:
            raise SheetError("NOT_A_TABLE", sentence)
    if len(content) > LARGEST_CSV:
        raise SheetError("TOO_LARGE", f"The file is larger than {LARGEST_CSV // 2**20} MB: split it.")
    return CsvFile(content)


_SAVE_AS = "open it in a spreadsheet program and save it as XLSX or as CSV (UTF-8)"
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": f"This is an old or a password-protected Excel file: {_SAVE_AS}, without a password.",
    b"%pdf": "This is a PDF, not a table: export the orders as CSV or XLSX.",
    b"<html": f"This is a web page that only looks like a table: {_SAVE_AS}.",
    b"<!doctype": f"This is a web page that only looks like a table: {_SAVE_AS}.",
    b"<table": f"This is a web page that only looks like a table: {_SAVE_AS}.",
    b"<?xml": f"This is an XML file: {_SAVE_AS}.",
    b"\x1f\x8b": "This file is packed (gzip): unpack it first.",
    b"rar!": "This file is packed (RAR): unpack it first.",
    b"7z\xbc\xaf": "This file is packed (7z): unpack it first.",
    b"\x89png": "This is a picture, not a table: export the orders as CSV or XLSX.",
    b"\xff\xd8\xff": "This is a picture, not a table: export the orders as CSV or XLSX.",
    b"{\\rtf": f"This is a text document: {_SAVE_AS}.",
}


class CsvFile:
    """A text table."""

    def __init__(self, content: bytes) -> None:
        """Find out encoding and delimiter."""
        encoding, errors, notes = _encoding(content)
        self._content, self._errors = content, errors
        sample = self._open(encoding).read(_SNIFFED)
        if sample.count("\0") * 20 > len(sample):
            raise SheetError("NOT_A_TABLE", f"This is no text table: {_SAVE_AS}.")
        said = _SEP_LINE.match(sample.split("\n", 1)[0])
        self._skipped = 1 if said else 0
        delimiters = [said[1]] if said else _delimiters(sample)
        self.dialect, *others = (Dialect("csv", encoding, delimiter) for delimiter in delimiters)
        self.others = tuple(others)
        self.notes = notes

    def rows(self) -> Iterator[Row]:
        """Yield every row that is not empty; a line break inside quotes does not end a row."""
        reader = csv.reader(self._open(self.dialect.encoding), delimiter=self.dialect.delimiter)
        number = 0
        try:
            for cells in islice(reader, self._skipped, None):
                number += 1
                if not any(cells) or not any(cell.strip() for cell in cells):
                    continue
                if number > MOST_ROWS:
                    raise SheetError("TOO_MANY_ROWS", f"The file has more than {MOST_ROWS:,} rows: split it.")
                if len(cells) > MOST_COLUMNS:
                    raise SheetError("TOO_MANY_COLUMNS", f"Row {number} has more than {MOST_COLUMNS} columns.")
                yield Row(number, cast(list[Cell], cells))
        except csv.Error as error:
            raise SheetError(
                "BROKEN_QUOTES",
                f"Row {number + 1} cannot be read ({error}): a quotation mark is probably opened and never closed.",
            ) from None

    def close(self) -> None:
        """Nothing is open."""

    def _open(self, encoding: str) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self._content), encoding, errors=self._errors, newline="")


def _encoding(content: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Return the encoding of a text, how its errors are treated, and what the merchant should know."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return name, "replace", ()
    start = content[:2048]
    for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[0::2])):
        if len(start) > 3 and zeros.count(0) > len(zeros) * 0.6:
            return name, "replace", ()
    good, bad = _count_utf8(content)
    if not bad:
        return "utf-8", "strict", ()
    if good > 10 * bad:
        return "utf-8", "replace", (NOTES["DAMAGED"],)
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        raise SheetError(
            "ENCODING", "The letters of this file are in an unknown encoding: save it as CSV (UTF-8)."
        ) from None
    return "cp1252", "strict", (NOTES["WESTERN"],)


def _count_utf8(content: bytes) -> tuple[int, int]:
    """Return how many letters outside ASCII are good UTF-8, and how many places are not UTF-8."""
    try:
        text = content.decode("utf-8")
        return len(text), 0
    except UnicodeDecodeError:
        text = content.decode("utf-8", "surrogateescape")
        bad = sum(1 for sign in text if "\udc80" <= sign <= "\udcff")
        return sum(1 for sign in text if sign > "\x7f") - bad, bad


def _delimiters(sample: str) -> list[str]:
    """Return the signs that may part the columns, the one first that parts the most columns in the most rows alike."""

    def worth(delimiter: str) -> tuple[float, int]:
        try:
            rows = [row for row in islice(csv.reader(io.StringIO(sample), delimiter=delimiter), 60) if any(row)]
        except csv.Error:
            return (0, 0)
        widths = [len(row) for row in rows] or [0]
        # The last row of a sample may be cut.
        widths = widths[:-1] if len(widths) > 2 else widths
        usual: int = max(set(widths), key=lambda width: (widths.count(width), width))
        return (usual * widths.count(usual) / len(widths) if usual > 1 else 0, usual)

    return sorted(_DELIMITERS, key=worth, reverse=True)

"""XLSX files: looked at from outside first, then read by a process of its own that has little memory and time.

A workbook of two kilobytes can claim a million rows and one of a megabyte can hold three hundred of XML, so nothing
of it is parsed in a process that has other work to do.
"""

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import orjson

from bot.orders.spreadsheet.records import NOTES, Dialect, Row, SheetError

LARGEST_XLSX = 50 * 2**20
MOST_ENTRIES = 2_000
LARGEST_UNPACKED = 400 * 2**20
LARGEST_STRINGS = 100 * 2**20
STEEPEST = 100
"""How many times larger than packed a part may be; order lists reach about 30."""
SMALL_PART = 2 * 2**20
"""Parts up to this size may be packed as tightly as they like."""

CPU_SECONDS = 120
MEMORY = 1536 * 2**20

_CODES = {
    "TOO_MANY_ROWS": "The sheet has more than {rows:,} rows: split it.",
    "TOO_MANY_COLUMNS": "The sheet has more than {columns} columns.",
    "CELL_TOO_LONG": "A cell holds more text than a spreadsheet may.",
    "NO_SHEET": "The workbook has no visible sheet with rows in it.",
    "UNREADABLE": "The workbook is damaged and cannot be read: open it in a spreadsheet program and save it anew.",
}


class Workbook:
    """The first visible sheet of an XLSX file that has rows."""

    def __init__(self, content: bytes, most_rows: int, most_columns: int, longest_cell: int) -> None:
        """Check the package, then read the sheet into a temporary file, a JSON array per row."""
        check_package(content)
        self._rows_file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  It is closed by close().
        errors = self._read(content, most_rows, most_columns, longest_cell)
        told = orjson.loads(errors) if errors.startswith(b"{") else {"code": "UNREADABLE"}
        if code := told.get("code"):
            self.close()
            sentence = _CODES.get(code, _CODES["UNREADABLE"])
            raise SheetError(code, sentence.format(rows=most_rows, columns=most_columns))
        self.dialect = Dialect("xlsx", "", "", sheet=told["sheet"])
        self.others: tuple[Dialect, ...] = ()
        unread = ", ".join(told["unread"])
        self.notes: tuple[str, ...] = (NOTES["ONE_SHEET"].format(sheet=told["sheet"], unread=unread),) if unread else ()

    def rows(self) -> Iterator[Row]:
        """Yield every row that is not empty."""
        self._rows_file.seek(0)
        for line in self._rows_file:
            number, cells = orjson.loads(line)
            yield Row(number, cells)

    def close(self) -> None:
        """Delete the temporary file."""
        self._rows_file.close()

    def _read(self, content: bytes, *limits: int) -> bytes:
        """Run the reader; return the one JSON line that it says about the workbook."""
        reader = Path(__file__).with_name("xlsx_reader.py")
        command = [sys.executable, "-I", str(reader), str(CPU_SECONDS), str(MEMORY), *map(str, limits)]
        with tempfile.TemporaryFile() as packed:
            packed.write(content)
            packed.seek(0)
            try:
                ran = subprocess.run(
                    command,
                    stdin=packed,
                    stdout=self._rows_file,
                    stderr=subprocess.PIPE,
                    timeout=CPU_SECONDS * 2,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return b""
        lines = ran.stderr.strip().splitlines()
        return lines[-1] if ran.returncode == 0 and lines else b""


def check_package(content: bytes) -> None:
    """Refuse a workbook by its table of contents: too large, too many parts, too tightly packed, or none at all.

    The sizes may lie, but then the parts end where the table says, and fail their checksum.
    """
    if len(content) > LARGEST_XLSX:
        raise SheetError("TOO_LARGE", f"The workbook is larger than {LARGEST_XLSX // 2**20} MB: split it, or use CSV.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, RuntimeError):
        raise SheetError("UNREADABLE", _CODES["UNREADABLE"]) from None
    names = [part.filename for part in parts]
    if "[Content_Types].xml" not in names or not any(name.lower() == "xl/workbook.xml" for name in names):
        raise SheetError(
            "NOT_A_TABLE", "This is a packed file, but no Excel workbook (XLSX): save the orders as XLSX or CSV."
        )
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise SheetError("MACROS", "This workbook carries macros: save it as XLSX, without macros.")
    if any(part.flag_bits & 1 for part in parts):
        raise SheetError("ENCRYPTED", "This workbook is encrypted: save it without a password.")
    unpacked = sum(part.file_size for part in parts)
    steep = any(
        part.file_size > SMALL_PART and part.file_size > STEEPEST * max(1, part.compress_size) for part in parts
    )
    strings = max((part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml")), default=0)
    if len(parts) > MOST_ENTRIES or len(set(names)) != len(names):
        raise SheetError("BOMB", f"The workbook has {len(parts):,} parts; that is no order list.")
    if steep or unpacked > LARGEST_UNPACKED or strings > LARGEST_STRINGS:
        raise SheetError("BOMB", "The workbook unpacks to far more than an order list holds: save it as CSV instead.")

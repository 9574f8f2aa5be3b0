"""Read one workbook from stdin, write its rows to stdout: a program that is run, never imported.

Arguments: CPU seconds, bytes of memory, most rows, most columns, longest cell. Each row that is not empty becomes a
line `[number, [cells]]`; the last line on stderr is a JSON object with the sheet's name, or with an error's code.
"""

import datetime
import io
import json
import resource
import sys
import warnings
from typing import Any

BLANK_RUN = 1_048_576
"""Rows in an Excel sheet; whoever claims more lies."""


def main(cpu: int, memory: int, most_rows: int, most_columns: int, longest: int) -> dict[str, object]:
    """Read the first visible sheet that has rows."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    import openpyxl

    if not openpyxl.DEFUSEDXML:
        # Entities that swell are refused by this package only.
        return {"code": "UNREADABLE"}
    warnings.simplefilter("ignore")
    book = openpyxl.load_workbook(
        io.BytesIO(sys.stdin.buffer.read()), read_only=True, data_only=True, keep_links=False, keep_vba=False
    )
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    for place, sheet in enumerate(visible):
        written = copy(sheet, most_rows, most_columns, longest)
        if isinstance(written, str):
            return {"code": written}
        if written:
            others = [other.title for other in visible[place + 1 :]]
            return {"sheet": sheet.title, "unread": others}
    return {"code": "NO_SHEET"}


def copy(sheet: Any, most_rows: int, most_columns: int, longest: int) -> int | str:
    """Write the rows of a sheet; return how many, or the code of what is wrong."""
    write, written = sys.stdout.write, 0
    # What a sheet says of its own size may be wrong, and then rows would be cut or padded.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(min_row=1, values_only=True)
    for number, values in enumerate(rows, start=1):
        if number > BLANK_RUN:
            return "TOO_MANY_ROWS"
        if not any(value is not None for value in values):
            continue
        cells = [plain(value) for value in values]
        while cells and cells[-1] == "":
            cells.pop()
        if not cells:
            continue
        if number > most_rows:
            return "TOO_MANY_ROWS"
        if len(cells) > most_columns:
            return "TOO_MANY_COLUMNS"
        if any(isinstance(cell, str) and len(cell) > longest for cell in cells):
            return "CELL_TOO_LONG"
        write(json.dumps([number, cells], ensure_ascii=True, separators=(",", ":")))
        write("\n")
        written += 1
    return written


def plain(value: object) -> str | int | float:
    """Return a cell as text or number; dates as ISO text without a zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else ""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


if __name__ == "__main__":
    try:
        told = main(*map(int, sys.argv[1:6]))
    except Exception as error:  # Whatever a strange file makes the parser raise, the caller says "unreadable".
        told = {"code": "UNREADABLE", "error": type(error).__name__}
    sys.stdout.flush()
    sys.stderr.write("\n" + json.dumps(told) + "\n")

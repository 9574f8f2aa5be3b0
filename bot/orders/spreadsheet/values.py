"""The cells of one order, by what they mean."""

from collections.abc import Sequence

from bot.orders.spreadsheet.aliases import BLOCK
from bot.orders.spreadsheet.cells import one_line
from bot.orders.spreadsheet.records import Cell, Layout, Problem, Row


class Values:
    """Look up the fields of one order; a blank cell never hides a filled one further down or in the next column."""

    def __init__(self, rows: Sequence[Row], layout: Layout, header: Sequence[str]) -> None:
        """Prepare for the rows of one order."""
        self.rows = rows
        self.layout = layout
        self.header = header
        self._block = self._choose_block()
        self._found: dict[str, tuple[Row, int, str] | None] = {}

    def text(self, field: str) -> str:
        """Return the text of a field, "" when it is nowhere."""
        found = self.find(field)
        return found[2] if found else ""

    def find(self, field: str) -> tuple[Row, int, str] | None:
        """Return the row, the column and the text of the first filled cell of a field."""
        if field not in self._found:
            self._found[field] = self._find(field)
        return self._found[field]

    def _find(self, field: str) -> tuple[Row, int, str] | None:
        places = self.layout.columns.get(field, ())
        if field in BLOCK or field == "state_code":
            places = places[self._block : self._block + 1]
        for place in places:
            if place < 0:
                continue
            for row in self.rows:
                if place < len(row.cells) and (text := one_line(row.cells[place])):
                    return row, place, text
        return None

    def cell(self, field: str) -> Cell:
        """Return a field's cell as it came: a number stays a number."""
        found = self.find(field)
        return found[0].cells[found[1]] if found else ""

    def all(self, field: str) -> list[tuple[Row, int, str]]:
        """Return every filled cell of a field's best column, row by row."""
        filled = []
        for place in self.layout.columns.get(field, ()):
            for row in self.rows:
                if 0 <= place < len(row.cells) and (text := one_line(row.cells[place])):
                    filled.append((row, place, text))
            if filled:
                break
        return filled

    def at(self, row: Row, field: str) -> str:
        """Return the text of a field in one row."""
        return next(
            (
                text
                for place in self.layout.columns.get(field, ())
                if 0 <= place < len(row.cells) and (text := one_line(row.cells[place]))
            ),
            "",
        )

    def problem(self, field: str, code: str, reason: str, value: str | None = None) -> Problem:
        """Return a problem that names the field's cell, or the cell where it should be."""
        found = self.find(field)
        if found:
            return Problem(found[0].number, self.column(found[1]), value or found[2], code, reason)
        place = next((place for place in self.layout.columns.get(field, ()) if place >= 0), -1)
        return Problem(self.rows[0].number, self.column(place), value or "", code, reason)

    def column(self, place: int) -> str:
        """Return a column's header, or its number when the header is blank."""
        if not 0 <= place < len(self.header):
            return ""
        return self.header[place] or f"column {place + 1}"

    def _choose_block(self) -> int:
        """Return 0 when there is a shipping address, 1 when only the billing address is filled in."""
        columns = self.layout.columns
        for block in (0, 1):
            for field in ("address1", "city", "postal_code"):
                places = columns.get(field, ())
                place = places[block] if block < len(places) else -1
                if place >= 0 and any(place < len(row.cells) and one_line(row.cells[place]) for row in self.rows):
                    return block
        return 0

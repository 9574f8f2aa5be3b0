"""Turn the rows of an order list into orders: each row is accepted, skipped with a reason or rejected with reasons."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.orders.spreadsheet.cells import one_line
from bot.orders.spreadsheet.dates import day_first
from bot.orders.spreadsheet.drafts import Refused, Styles, draft_of
from bot.orders.spreadsheet.files import Sheet, open_sheet
from bot.orders.spreadsheet.layouts import find_header, with_columns
from bot.orders.spreadsheet.money import decimal_sign
from bot.orders.spreadsheet.records import Dialect, Layout, Parsed, Problem, Row, SheetError, Shop
from bot.orders.spreadsheet.skips import why_not_asked
from bot.orders.spreadsheet.values import Values

SAMPLE = 400
"""Rows from which the ways of writing dates and amounts are learnt."""

_ORDER_LEVEL = ("phone", "amount", "cod_amount", "shopper_name", "first_name", "address1", "payment_method")
"""What an order says once; a row without a reference and without any of it belongs to the order above."""

Run = tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class OrderList:
    """An open order list: its header, what its columns hold, and how it writes dates and amounts."""

    sheet: Sheet | None
    """None in a process that is handed its rows."""
    header: tuple[str, ...]
    header_row: int
    layout: Layout
    styles: Styles

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header."""
        rows = self.sheet.rows() if self.sheet else iter(())
        return (row for row in rows if row.number > self.header_row)

    def orders(self) -> Iterator[tuple[Run, ...]]:
        """Yield the rows of each order, in one run or, where the list tears an order apart, in several.

        Orders come as their last row does, but torn ones at the end; the order is the same each time.
        """
        torn = self._torn()
        parts: dict[str, list[Run]] = {}
        for reference, run in self._runs():
            if reference in torn:
                parts.setdefault(reference, []).append(run)
            else:
                yield (run,)
        yield from map(tuple, parts.values())

    def close(self) -> None:
        """Let go of the file."""
        if self.sheet:
            self.sheet.close()

    @property
    def dialect(self) -> Dialect:
        """How the file was written."""
        return self.sheet.dialect if self.sheet else Dialect()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the merchant should know of how the file was read."""
        return self.sheet.notes if self.sheet else ()

    def _runs(self) -> Iterator[tuple[str, Run]]:
        run: list[Row] = []
        current = ""
        for row in self.rows():
            reference = self._text(row, "reference")
            if run and (reference == current if reference else self._continues(row)):
                run.append(row)
                continue
            if run:
                yield current, tuple(run)
            run, current = [row], reference
        if run:
            yield current, tuple(run)

    def _torn(self) -> set[str]:
        seen: set[str] = set()
        torn: set[str] = set()
        for reference, _ in self._runs():
            if reference:
                (torn if reference in seen else seen).add(reference)
        return torn

    def _continues(self, row: Row) -> bool:
        return not any(self._text(row, field) for field in _ORDER_LEVEL)

    def _text(self, row: Row, field: str) -> str:
        for place in self.layout.columns.get(field, ()):
            if 0 <= place < len(row.cells) and (text := one_line(row.cells[place])):
                return text
        return ""


def open_list(content: bytes, region: str, columns: Mapping[str, Sequence[int]] | None = None) -> OrderList:
    """Open an order list of a shop of `region`; `columns` overrules what was made of its header.

    Raises SheetError when the file cannot be read or lacks a column without which nobody can be asked.
    """
    sheet = open_sheet(content)
    try:
        first, layout = _header(sheet, region, strict=not columns)
        header = tuple(one_line(cell) for cell in first.cells)
        if columns:
            layout = with_columns(layout, columns, len(header))
        below = (row for row in sheet.rows() if row.number > first.number)
        styles = _styles(layout, islice(below, SAMPLE), region)
    except BaseException:
        sheet.close()
        raise
    return OrderList(sheet, header, first.number, layout, styles)


def _header(sheet: Sheet, region: str, strict: bool) -> tuple[Row, Layout]:
    """Return the header row and its layout, and set the dialect in which a whole header stands.

    Short rows and signs inside cells can outvote the header when the delimiter is guessed.
    """
    likeliest = sheet.dialect
    for dialect in (likeliest, *sheet.others):
        sheet.dialect = dialect
        with contextlib.suppress(SheetError):
            return find_header(sheet.rows(), region)
    sheet.dialect = likeliest
    return find_header(sheet.rows(), region, strict)


def read_list(orders: OrderList, shop: Shop) -> Iterator[Parsed]:
    """Yield what becomes of the rows of each order; every row of the file is in exactly one of them."""
    for runs in orders.orders():
        yield from read_order(orders, runs, shop)


def read_order(orders: OrderList, runs: Sequence[Run], shop: Shop) -> Iterator[Parsed]:
    """Yield what becomes of the rows of one order: the order itself, and rows that only repeat it."""
    kept, repeated = _without_repetitions(orders, runs)
    if repeated:
        reference = orders._text(repeated[0], "reference")
        problems = tuple(
            Problem(row.number, _name_of(orders, "reference"), reference, "DUPLICATE", "the row repeats one above")
            for row in repeated
        )
        yield Parsed(tuple(repeated), "skipped", reference, problems=problems)
    yield _read_rows(orders, kept, shop)


def _read_rows(orders: OrderList, rows: Run, shop: Shop) -> Parsed:
    values = Values(rows, orders.layout, orders.header)
    reference = values.text("reference")
    broken = _broken(orders, rows)
    if broken:
        return Parsed(rows, "rejected", reference, problems=broken)
    if not reference:
        problem = values.problem("reference", "REFERENCE_MISSING", "there is no order number")
        return Parsed(rows, "rejected", problems=(problem,))
    if reference.startswith(";"):
        problem = values.problem("reference", "COMMENT", "the row is a comment")
        return Parsed(rows, "skipped", problems=(problem,))
    reason = why_not_asked(values, shop.cod_labels)
    if reason:
        return Parsed(rows, "skipped", reference, problems=(reason,))
    conflicts = _conflicts(values)
    if conflicts:
        return Parsed(rows, "rejected", reference, problems=conflicts)
    try:
        draft, warnings = draft_of(values, shop, orders.styles)
    except Refused as refused:
        status = "skipped" if refused.skipped else "rejected"
        return Parsed(rows, status, reference, problems=tuple(refused.problems))
    return Parsed(rows, "accepted", reference, draft, warnings=tuple(warnings))


def _without_repetitions(orders: OrderList, runs: Sequence[Run]) -> tuple[Run, list[Row]]:
    """Part the rows of an order from those that say the same again, row by row or as a whole run."""
    kept: list[Row] = []
    repeated: list[Row] = []
    seen_runs: list[list[list[object]]] = []
    seen_rows: list[list[object]] = []
    for run in runs:
        cells: list[list[object]] = [list(row.cells) for row in run]
        if cells in seen_runs:
            repeated.extend(run)
            continue
        seen_runs.append(cells)
        for row in run:
            # Two equal item lines without a head are two items; two equal heads are one order written twice.
            if list(row.cells) in seen_rows and not orders._continues(row):
                repeated.append(row)
            else:
                kept.append(row)
                seen_rows.append(list(row.cells))
    return tuple(kept), repeated


def _broken(orders: OrderList, rows: Run) -> tuple[Problem, ...]:
    """Find rows whose cells have slipped out of their columns."""
    problems = []
    width = len(orders.header)
    for row in rows:
        surplus = next((one_line(cell) for cell in row.cells[width:] if one_line(cell)), "")
        if surplus:
            reason = "the row has more cells than the header; a comma may stand in a cell without quotation marks"
            problems.append(Problem(row.number, f"column {width + 1}", surplus[:100], "TOO_MANY_CELLS", reason))
        swallowed = _swallower(row.cells, width) if len(row.cells) < width else None
        if swallowed is not None:
            reason = "a quotation mark is opened and never closed, so that the cell swallows the rows below"
            value = str(row.cells[swallowed])[:100]
            problems.append(Problem(row.number, orders.header[swallowed], value, "BROKEN_QUOTES", reason))
    return tuple(problems)


def _swallower(cells: Sequence[object], width: int) -> int | None:
    """Return the cell of a row that is too short which holds what should be the missing cells and rows."""
    for place, cell in enumerate(cells):
        if isinstance(cell, str) and "\n" in cell and max(cell.count(sign) for sign in ",;\t|") >= width - 1:
            return place
    return None


def _conflicts(values: Values) -> tuple[Problem, ...]:
    """Find rows of one order that name another amount or another phone number than its first row."""
    problems = []
    for field, same in (("amount", _same_text), ("cod_amount", _same_text), ("phone", _same_number)):
        said = values.all(field)
        for row, place, text in said[1:]:
            if not same(said[0][2], text):
                reason = f"row {said[0][0].number} of the same order says {said[0][2]}"
                problems.append(Problem(row.number, values.column(place), text, "CONFLICT", reason))
    return tuple(problems)


def _same_text(one: str, other: str) -> bool:
    return one == other


def _same_number(one: str, other: str) -> bool:
    digits, others = ("".join(sign for sign in text if sign.isdigit())[-9:] for text in (one, other))
    return digits == others


def _styles(layout: Layout, sample: Iterable[Row], region: str) -> Styles:
    rows = list(sample)
    default = {"shiprocket": True}.get(layout.format)
    dates = _column(rows, layout, "placed_at")
    amounts = [text for field in ("amount", "cod_amount", "item_price") for text in _column(rows, layout, field)]
    if layout.format == "shopify":
        # Shopify writes points whatever the shop's country is.
        return Styles(day_first(dates, region), ".")
    return Styles(day_first(dates, region, default), decimal_sign(amounts, region))


def _column(rows: Sequence[Row], layout: Layout, field: str) -> list[str]:
    return [
        text
        for place in layout.columns.get(field, ())[:1]
        for row in rows
        if 0 <= place < len(row.cells) and isinstance(row.cells[place], str) and (text := one_line(row.cells[place]))
    ]


def _name_of(orders: OrderList, field: str) -> str:
    place = next(iter(orders.layout.columns.get(field, ())), -1)
    return orders.header[place] if 0 <= place < len(orders.header) else ""

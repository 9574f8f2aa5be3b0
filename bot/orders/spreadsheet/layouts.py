"""Find out which column of an order list holds what, from its header."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import fuzz, process

from bot.orders.spreadsheet import aliases
from bot.orders.spreadsheet.cells import one_line, plain_name
from bot.orders.spreadsheet.payments import is_method, is_plain
from bot.orders.spreadsheet.phones import read_phone
from bot.orders.spreadsheet.records import Layout, Row, SheetError

FORMATS = ("shopify", "woocommerce", "shiprocket", "mapped")
FIELDS = tuple(dict.fromkeys((*aliases.OTHER, *aliases.SHOPIFY, *aliases.SHIPROCKET, "packed_item")))
"""What a column can be mapped to."""

HEADER_WITHIN = 15
"""Titles, logos and blank rows may stand above the header, but not more than this."""

ALIKE = 82
"""How much a header must resemble a known name (of 100): one slip of the finger in a word of six letters."""

NEARLY = 0.8
"""Which share of a column's filled cells must be alike for the column to be known by them."""

_PACKED = re.compile(r"order item \d+")


def recognise(header: Sequence[str], samples: Sequence[Row] = (), region: str = "IN") -> Layout:
    """Return the layout that a header is of; `samples` help where the names say nothing."""
    names = [plain_name(one_line(cell)) for cell in header]
    known = set(names)
    if "name" in known and known & {"lineitem name", "lineitem quantity"}:
        return Layout("shopify", _exactly(names, aliases.SHOPIFY))
    if known & {"billing phone", "phone billing", "billing first name", "first name billing"} and known & {
        "order total", "order total amount", "order number", "order id", "payment method", "payment method title",
    }:  # fmt: skip
        columns = _exactly(names, aliases.WOOCOMMERCE)
        packed = tuple(place for place, name in enumerate(names) if _PACKED.fullmatch(name))
        return Layout("woocommerce", {**columns, "packed_item": packed} if packed else columns)
    if "order id" in known and any(name.startswith(_SHIPROCKET_PHONES) for name in names):
        columns = _by_beginning(names, aliases.SHIPROCKET)
        if "item_price" in columns:
            return Layout("shiprocket", columns)
    return _guess(names, samples, region)


_SHIPROCKET_PHONES = ("customer mobile", "buyers mobile", "buyer mobile", "buyer phone")


def find_header(rows: Iterable[Row], region: str, strict: bool = True) -> tuple[Row, Layout]:
    """Return the header row among the first ones, and its layout.

    When not `strict`, columns may be missing, because the merchant says where they are.
    Raises SheetError that names what is missing and what was found instead.
    """
    first: list[Row] = []
    for row in rows:
        first.append(row)
        if len(first) >= HEADER_WITHIN + 40:
            break
    best: tuple[int, Row, Layout] | None = None
    for place, row in enumerate(first[:HEADER_WITHIN]):
        header = [one_line(cell) for cell in row.cells]
        if sum(1 for name in header if any(sign.isalpha() for sign in name)) < 2:
            continue
        layout = recognise(header, first[place + 1 :], region)
        if not layout.missing:
            return row, layout
        if best is None or len(layout.columns) > best[0]:
            best = (len(layout.columns), row, layout)
    if best is None:
        raise SheetError("NO_HEADER", "No header was found: the first row must name the columns.")
    row, layout = best[1], best[2]
    if not strict:
        return row, layout
    wanted = {"reference": "the order number", "phone": "the phone number", "amount": "the amount to pay"}
    missing = " and ".join(wanted[name] for name in layout.missing)
    read = ", ".join(one_line(cell) or "(empty)" for cell in row.cells[:12])
    raise SheetError("COLUMN_MISSING", f"No column for {missing} was found. Row {row.number} names: {read}.")


def with_columns(layout: Layout, columns: Mapping[str, Sequence[int]], width: int) -> Layout:
    """Return the layout with the columns that the merchant chose; an empty choice takes a field out.

    Raises SheetError for a field or a column that does not exist.
    """
    merged = dict(layout.columns)
    for name, places in columns.items():
        if name not in FIELDS:
            raise SheetError("MAPPING", f"{name!r} is no field that a column can be mapped to.")
        if any(not -1 <= place < width for place in places):
            raise SheetError("MAPPING", f"{name!r} is mapped to a column that the file does not have.")
        merged[name] = tuple(places)
    chosen = {name: places for name, places in merged.items() if any(place >= 0 for place in places)}
    return Layout(layout.format, chosen, tuple(name for name in layout.guessed if name not in columns))


def _exactly(names: Sequence[str], table: aliases.Aliases) -> dict[str, tuple[int, ...]]:
    """Map the fields whose names are there; of names that mean the same (`a|b`) the first that is there counts."""
    where = {name: place for place, name in reversed(list(enumerate(names))) if name}
    columns: dict[str, tuple[int, ...]] = {}
    for field, known in table.items():
        places = tuple(next((where[name] for name in group.split("|") if name in where), -1) for group in known)
        if field not in aliases.BLOCK and field != "state_code":
            places = tuple(place for place in places if place >= 0)
        if any(place >= 0 for place in places):
            columns[field] = places
    return columns


def _by_beginning(names: Sequence[str], table: aliases.Aliases) -> dict[str, tuple[int, ...]]:
    """Map fields to columns whose names begin so: Shiprocket writes rules for the value behind the name."""
    columns: dict[str, tuple[int, ...]] = {}
    for field, known in table.items():
        for alias in (alias for group in known for alias in group.split("|")):
            place = next((place for place, name in enumerate(names) if name == alias), None)
            if place is None:
                place = next((place for place, name in enumerate(names) if name.startswith(alias + " ")), None)
            if place is not None:
                columns[field] = (place,)
                break
    return columns


def _guess(names: Sequence[str], samples: Sequence[Row], region: str) -> Layout:
    """Map by known names first, then by likeness, then by what stands in the columns."""
    columns: dict[str, tuple[int, ...]] = {}
    taken: set[int] = set()
    guessed: list[str] = []
    for field, known in aliases.OTHER.items():
        places = [names.index(alias) for alias in known if alias in names and names.index(alias) not in taken]
        if places:
            # Several phone columns are all worth a look; of other fields the best name counts.
            columns[field] = tuple(places) if field == "phone" else (places[0],)
            taken.update(columns[field])
    for place, name in enumerate(names):
        if place in taken or len(name) < 4:
            continue
        alike = _alike(name)
        if alike and alike not in columns:
            columns[alike] = (place,)
            taken.add(place)
            guessed.append(alike)
    if "phone" not in columns:
        filled = _phone_column(samples, len(names), taken, region)
        if filled is not None:
            columns["phone"] = (filled,)
            taken.add(filled)
            guessed.append("phone")
    if not columns.keys() & {"payment_method", "financial_status"}:
        filled = _payment_column(samples, len(names), taken, columns.get("phone", ()))
        if filled is not None:
            columns["payment_method"] = (filled,)
            guessed.append("payment_method")
    if "first_name" in columns and "shopper_name" in columns:
        del columns["first_name"]
    return Layout("mapped", columns, tuple(guessed))


def _alike(name: str) -> str | None:
    """Return the field whose known name resembles this one, with the same words in another order or a slip."""
    best = process.extractOne(name, _ALL_NAMES.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE)
    return _ALL_NAMES[best[0]] if best else None


_ALL_NAMES = {
    alias: field for field, known in reversed(list(aliases.OTHER.items())) for alias in known if len(alias) > 3
}


def _phone_column(samples: Sequence[Row], width: int, taken: set[int], region: str) -> int | None:
    """Return the column in which nearly every cell is a phone number."""
    best: tuple[float, int] | None = None
    for place in range(width):
        if place in taken:
            continue
        cells = _filled(samples, place)
        good = sum(bool(read_phone(text, (region,)).e164) for text in cells)
        if cells and good / len(cells) >= NEARLY and (best is None or good / len(cells) > best[0]):
            best = (good / len(cells), place)
    return best[1] if best else None


def _payment_column(samples: Sequence[Row], width: int, taken: set[int], phones: Sequence[int]) -> int | None:
    """Return the column in which nearly every cell is a way of paying, and some say plainly cash or prepaid.

    One that is blank for most shoppers is a column of remarks: as the way of paying it would leave out all others.
    """
    shoppers = max((len(_filled(samples, place)) for place in phones), default=0)
    for place in range(width):
        cells = _filled(samples, place)
        if place in taken or not cells or len(cells) < shoppers / 2:
            continue
        if sum(map(is_method, cells)) / len(cells) >= NEARLY and any(map(is_plain, cells)):
            return place
    return None


def _filled(samples: Sequence[Row], place: int) -> list[str]:
    return [text for row in samples if place < len(row.cells) and (text := one_line(row.cells[place]))]

"""The words in which order lists are spoken about: rows, problems, drafts of orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from bot.addresses import Address

Cell = str | int | float
"""CSV cells are text; XLSX cells keep their numbers, so that the export can give them back as numbers."""


NOTES: Mapping[str, str] = {
    "DAMAGED": "Some letters are damaged in the file and show as \ufffd.",
    "WESTERN": "The file is not in UTF-8; it was read as Western European (Windows-1252).",
    "ONE_SHEET": "Only the sheet “{sheet}” was read, not: {unread}.",
}
"""What a merchant should know of how a file was read, in English; the console reads the key back from it."""


class SheetError(ValueError):
    """A file that cannot be read at all; the message says why and what to do, `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one cell: the row as the merchant's program numbers it, the header, value, code, reason."""

    row: int
    column: str
    value: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file; `number` is what the merchant's program shows beside it."""

    number: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file was written, so that the export can be written alike."""

    kind: str = "csv"
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    header_row: int = 1
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds what: our field -> indexes of columns, best first; -1 stands for none.

    `format` is shopify, woocommerce, shiprocket or mapped. `guessed` names the fields whose column was found by
    likeness or by its content, not by its exact name.
    """

    format: str
    columns: Mapping[str, tuple[int, ...]]
    guessed: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields without which no order can be asked."""
        wanted = [name for name in ("reference", "phone") if name not in self.columns]
        if not self.columns.keys() & {"amount", "cod_amount", "item_price", "packed_item"}:
            wanted.append("amount")
        return tuple(wanted)


@dataclass(frozen=True, slots=True)
class Shop:
    """What of a merchant's settings decides how a list is read.

    `currency` is ISO 4217, `minimum_amount` in minor units, `now` aware. `cod_labels` are the shop's own names for
    cash on delivery.
    """

    region: str
    currency: str
    zone: tzinfo
    now: datetime
    minimum_amount: int = 0
    maximum_age_days: int = 14
    cod_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; `price` of one piece in minor units, None when the list does not say."""

    name: str
    sku: str = ""
    quantity: int = 1
    price: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as a list gives it, checked and in our units: phone E.164, amount in minor units of `currency`."""

    reference: str
    shopper_name: str
    phone: str
    amount: int
    currency: str
    region: str
    address: Address
    items: tuple[Item, ...] = ()
    placed_at: datetime | None = None
    alternate_phone: str = ""
    email: str = ""
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of the rows of one order.

    `status` is accepted (then `draft` is there), skipped or rejected (then `problems` say why). `warnings` are about
    accepted rows: something was repaired or left out. `reference` is empty when the rows name no order.
    """

    rows: tuple[Row, ...]
    status: str
    reference: str = ""
    draft: Draft | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = field(default=())

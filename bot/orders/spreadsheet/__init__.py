"""Read order lists of any shop: CSV and XLSX in, orders and problems by row and column out; touches no database."""

from bot.orders.spreadsheet.drafts import Styles
from bot.orders.spreadsheet.files import open_sheet
from bot.orders.spreadsheet.layouts import FIELDS, recognise
from bot.orders.spreadsheet.money import minor_digits
from bot.orders.spreadsheet.reading import OrderList, Run, open_list, read_list, read_order
from bot.orders.spreadsheet.records import (
    NOTES,
    Cell,
    Dialect,
    Draft,
    Item,
    Layout,
    Parsed,
    Problem,
    Row,
    SheetError,
    Shop,
)

__all__ = [
    "FIELDS",
    "NOTES",
    "Cell",
    "Dialect",
    "Draft",
    "Item",
    "Layout",
    "OrderList",
    "Parsed",
    "Problem",
    "Row",
    "Run",
    "SheetError",
    "Shop",
    "Styles",
    "minor_digits",
    "open_list",
    "open_sheet",
    "read_list",
    "read_order",
    "recognise",
]

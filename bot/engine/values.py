"""Hold the raw values that travel from a flow to a text.

A flow never formats anything: it hands over money, days and places, and `bot.text` writes them in the
shopper's language, because only there is it known which language that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (paise, fils, cents) of an ISO 4217 currency."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day, with the part of the day that was chosen ("" when none was)."""

    on: date
    part: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """An address as the fields of `bot.addresses.Address`; masked until the shopper says that the order is theirs."""

    fields: tuple[tuple[str, str], ...]
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order."""

    title: str
    quantity: int = 1
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """The lines of an order, to be shortened by `bot.text` where a text has little room."""

    lines: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text key used as a value: the title of a button that is quoted inside a sentence."""

    key: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed in an address: (field, old, new), either of the two possibly empty."""

    changes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class OrderList:
    """Several orders, each as (reference, items, total), to be listed one a line."""

    orders: tuple[tuple[str, Items, Money], ...]


Value = str | int | Money | date | Day | Place | Items | Text | Difference | OrderList

"""Say what a flow may know about the world.

The runner builds these from the rows, once per event; a flow cannot look anything up by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.engine.values import Items, Money


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the shopper may ask about it.

    `status` is `open` (may still be changed), `packed`, `shipped`, `out_for_delivery`, `delivered`, `returned`,
    `cancelled` (by the merchant), `paid` or `expired` (too old to ask). `intent` is `""`, `confirmed` or `cancelled`.
    `address` holds the fields of `bot.addresses.Address`, newest settled version.
    """

    id: str
    reference: str
    items: Items
    total: Money
    address: Mapping[str, str] = field(default_factory=dict)
    status: str = "open"
    intent: str = ""
    placed_on: date | None = None
    not_before: date | None = None
    slot_part: str = ""
    receiver: str = ""
    expected_from: date | None = None
    expected_to: date | None = None
    courier: str = ""
    tracking: str = ""


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who is spoken to: the name on the order ("" if unknown), the locale spoken now, the ISO 3166 region."""

    name: str = ""
    locale: str = "en"
    region: str = "IN"
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Merchant:
    """The shop as shoppers know it, and the rules its owner set.

    `site` is the shop's domain, shown as plain words so that a shopper can check the number there; `hours` says when
    people answer ("10-19"). `flows` names the flows that are on. `patience`, when set, replaces that of the first
    question. `pays_online` is true when the shop can take another payment before delivery.
    """

    shop: str
    site: str = ""
    hours: str = ""
    flows: frozenset[str] = frozenset({"order_confirmation", "address_check"})
    patience: tuple[timedelta, ...] | None = None
    locales: frozenset[str] = frozenset({"en"})
    pays_online: bool = False
    address_form: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a step may know.

    `others` are the shopper's other orders of this merchant that may still be changed. `now` is aware and in the
    shopper's zone. `seen` tells whether the run's last prompt was read. `complaint` is true while one is open.
    """

    order: Order
    merchant: Merchant
    now: datetime
    shopper: Shopper = Shopper()
    others: tuple[Order, ...] = ()
    seen: bool = False
    complaint: bool = False

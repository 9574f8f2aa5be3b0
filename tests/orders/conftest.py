"""A shop with a WhatsApp number on a fresh database, and ways to hand lists in."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from bot.clock import now
from bot.database import Database, row_id
from bot.jobs import Bell
from bot.models import Channel, Merchant, Order, Upload
from bot.orders import uploads
from bot.orders.spreadsheet import Parsed, Shop, open_list, read_list
from bot.services import Services
from bot.settings import Settings

NOWHERE = "redis://127.0.0.1:1/0"
"""No Redis listens there: importing must not need one."""

LISTS = Path(__file__).with_name("lists")
AT = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)

INDIA = Shop("IN", "INR", ZoneInfo("Asia/Kolkata"), AT, maximum_age_days=60)


def read(content: bytes, shop: Shop = INDIA, columns: Mapping[str, Sequence[int]] | None = None) -> list[Parsed]:
    """Read a whole list."""
    orders = open_list(content, shop.region, columns)
    try:
        return list(read_list(orders, shop))
    finally:
        orders.close()


def table(*rows: Sequence[object], header: str = "Order No,Name,Mobile,Address,City,Pincode,Amount,Payment") -> bytes:
    """Write a CSV list."""
    out = io.StringIO()
    csv.writer(out).writerows([header.split(","), *rows])
    return out.getvalue().encode()


def order_row(
    number: object = "A-1", phone: object = "9000010001", amount: object = "1299.00", **more: object
) -> list[object]:
    """One row for `table`."""
    row = {"name": "Asha Verma", "address": "Flat 302, Green Park", "city": "Noida", "pin": "201301", "payment": "COD"}
    row |= more  # type: ignore[arg-type]  # Cells may hold anything.
    return [number, row["name"], phone, row["address"], row["city"], row["pin"], amount, row["payment"]]


class Desk:
    """A shop's desk: hands lists in and looks at what became of them."""

    def __init__(self, services: Services, merchant_id: int) -> None:
        self.services = services
        self.merchant_id = merchant_id

    def hand_in(self, content: bytes, *, name: str = "orders.csv", run: bool = True) -> Upload:
        """Import a list and return its upload."""
        with self.services.database.session() as session:
            merchant = session.get_one(Merchant, self.merchant_id)
            upload = uploads.receive(session, merchant, name, content, at=now())
            uploads.begin(session, upload, now())
            upload_id = row_id(upload)
        if run:
            uploads.run(self.services, upload_id)
        return self.upload(upload_id)

    def upload(self, upload_id: int) -> Upload:
        """Look at an upload."""
        with self.services.database.reader() as session:
            return session.get_one(Upload, upload_id)

    def orders(self) -> dict[str, Order]:
        """Look at all orders, by reference."""
        with self.services.database.reader() as session:
            found = session.exec(select(Order).where(Order.merchant_id == self.merchant_id)).all()
            return {order.reference: order for order in found}

    def change(self, reference: str, work: Callable[..., object]) -> object:
        """Do `work(session, order)` under the order's lock."""
        with self.services.database.session() as session:
            statement = select(Order).where(Order.merchant_id == self.merchant_id, Order.reference == reference)
            return work(session, session.exec(statement.with_for_update()).one())

    def set_rules(self, **rules: object) -> None:
        """Change the shop's rules."""
        with self.services.database.session() as session:
            merchant = session.get_one(Merchant, self.merchant_id)
            merchant.rules = {**merchant.rules, **rules}
            session.add(merchant)


@pytest.fixture
def services(database_url: str) -> Iterator[Services]:
    """Services without a Redis."""
    settings = Settings(database_url=database_url, secret_key="s" * 32, redis_url=NOWHERE)
    database = Database(database_url, settings.secret_key)
    yield Services(settings, database, Bell(NOWHERE))
    database.engine.dispose()


def make_shop(services: Services, slug: str, *, connected: bool = True) -> Desk:
    """Make a shop in India."""
    with services.database.session() as session:
        channel = None
        if connected:
            channel = Channel(phone_number_id=f"number-of-{slug}", created_at=now() - timedelta(days=1))
            session.add(channel)
            session.flush()
        merchant = Merchant(slug=slug, name=slug.title(), channel_id=channel.id if channel else None, created_at=now())
        session.add(merchant)
        session.flush()
        return Desk(services, row_id(merchant))


@pytest.fixture
def desk(services: Services) -> Desk:
    """A shop with a WhatsApp number."""
    return make_shop(services, "bazaar")

"""Set a performance up: a database of its own, a shop, as many orders as shoppers, and the simulator."""

import random
import secrets
import socket
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from bot import clock
from bot.database import Database, row_id, upgrade
from bot.models import AddressVersion, Merchant, Order, OrderItem
from bot.orders import uploads
from bot.orders.rules import Rules
from bot.orders.samples import shopify_list
from bot.scratch import scratch_folder
from bot.services import Services
from bot.settings import Settings
from bot.shoppers.personas import cast
from bot.shoppers.stage import START, Actor, SilentBell, Stage, running_simulator
from bot.shoppers.tally import CHANCE_OF_RETURN, DAYS, SILENT_RETURNS, Tally, tally
from bot.talk.channels import first_channel
from bot.talk.start import plan_all
from flows import FLOWS

TWO_ORDERS = 0.03
"""So many shoppers have two orders at once."""


def perform(order_list: bytes | None, *, shoppers: int, seed: int, flows: tuple[str, ...]) -> Tally:
    """Let `shoppers` personas talk about orders like those of the list, and return what came out."""
    draw = random.Random(seed)  # noqa: S311 - a play, not a secret
    with tempfile.TemporaryDirectory(prefix="pakka-play-", dir=scratch_folder()) as folder:
        services = _services(Path(folder))
        clock.read_from(lambda: START)
        try:
            phones = _orders(services, order_list or shopify_list(START), shoppers, flows, draw)
            with running_simulator(services) as simulator:
                actors = {
                    phone: Actor(phone, persona) for phone, persona in zip(phones, cast(len(phones), draw), strict=True)
                }
                stage = Stage(services, dict(FLOWS), simulator, actors, draw, START)
                for phone in phones:
                    stage.add_phone(phone)
                stage.play(START + DAYS)
                if {"readiness", "review"} & set(flows):
                    stage.dispatch(draw, dict(CHANCE_OF_RETURN) | {"silent": SILENT_RETURNS})
                with services.database.reader() as session:
                    return tally(session, stage)
        finally:
            clock.read_from(None)


def _services(folder: Path) -> Services:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings.from_env(
        database_url=f"sqlite:///{folder / 'play.db'}",
        secret_key=secrets.token_urlsafe(32),
        shards=1,
        graph_api_url=f"http://127.0.0.1:{port}",
        whatsapp_token="play",  # noqa: S106 - the simulator takes any
        whatsapp_phone_number_id="100200300400500",
        whatsapp_business_account_id="500400300200100",
        whatsapp_app_secret="play",  # noqa: S106
    )
    upgrade(settings.database_url)
    return Services(settings, Database(settings.database_url, settings.secret_key), SilentBell())


def _orders(
    services: Services, content: bytes, shoppers: int, flows: tuple[str, ...], draw: random.Random
) -> list[str]:
    """Import the list and multiply its orders until there are enough; return the shoppers' phones."""
    rules = replace(Rules(), flows=flows, ask_after_minutes=0)
    with services.database.session() as session:
        channel = first_channel(session, services.settings)
        merchant = Merchant(slug="play", name="Demo Bazaar", rules=rules.to_json(), created_at=START)
        session.add(merchant)
        session.flush()
        upload = uploads.receive(session, merchant, "list.csv", content, at=START)
        uploads.begin(session, upload, START)
        merchant.channel_id = None
    uploads.run(services, row_id(upload))
    with services.database.session() as session:
        merchant = session.execute(select(Merchant)).scalar_one()
        merchant.channel_id = channel.id if channel else None
        models = [
            _Model.of(session, order)
            for order in session.execute(select(Order).where(col(Order.phone).startswith("+91"))).scalars().all()
        ]
        for order in session.execute(select(Order)).scalars().all():
            order.phone = ""
        phones = [f"+9198{10_000_000 + number}" for number in range(shoppers)]
        made: list[Order] = []
        for number, phone in enumerate(phones):
            for again in range(2 if draw.random() < TWO_ORDERS else 1):
                made.append(draw.choice(models).copy(session, phone, f"#S{number}.{again}", START))
        session.flush()
        plan_all(session, made, "order_confirmation", shards=services.settings.shards)
    return phones


class _Model:
    """An order of the list, to be copied for many shoppers."""

    def __init__(self, order: Order, items: list[OrderItem], address: AddressVersion | None) -> None:
        self.order, self.items, self.address = order, items, address

    @classmethod
    def of(cls, session: Session, order: Order) -> "_Model":
        items = session.execute(select(OrderItem).where(col(OrderItem.order_id) == order.id)).scalars().all()
        address = session.execute(
            select(AddressVersion).where(col(AddressVersion.order_id) == order.id, col(AddressVersion.version) == 1)
        ).scalar_one_or_none()
        return cls(order, list(items), address)

    def copy(self, session: Session, phone: str, reference: str, at: datetime) -> Order:
        order = Order(
            merchant_id=self.order.merchant_id, reference=reference, phone=phone, placed_at=at - timedelta(hours=1),
            shopper_name=self.order.shopper_name, amount=self.order.amount, currency=self.order.currency,
            region="IN", created_at=at, updated_at=at,
        )  # fmt: skip
        session.add(order)
        session.flush()
        for item in self.items:
            session.add(
                OrderItem(order_id=row_id(order), position=item.position, name=item.name, quantity=item.quantity,
                          price=item.price)
            )  # fmt: skip
        if self.address is not None:
            session.add(
                AddressVersion(order_id=row_id(order), version=1, given_by="order", parts=self.address.parts,
                               score=self.address.score, findings=self.address.findings, created_at=at)
            )  # fmt: skip
        return order

"""Make the demo: people, weeks behind, templates, an order list, phones with something to say.

Safe to repeat: a second start finds everything as it was left.
"""

import base64
from datetime import timedelta
from pathlib import Path

import requests
import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import now
from bot.database import row_id
from bot.demo.past import Phone, write_past
from bot.demo.tales import DAYS
from bot.models import CannedAnswer, Member, Merchant, Order, Upload
from bot.orders import uploads
from bot.orders.samples import shopify_list
from bot.services import Services
from bot.settings import Settings
from bot.talk.channels import first_channel
from bot.web.members import create_member
from bot.whatsapp.catalogue import catalogue
from bot.whatsapp.client import Client
from bot.whatsapp.templates import push

log = structlog.get_logger()

SLUG = "demo"
OWNER, AGENT = "owner@demo.example", "agent@demo.example"
LIST = "orders_export.csv"
PHOTOS = Path(__file__).parent / "photos"
ANSWERS = {
    "price": "Hello {name}, thank you for writing. The price of {items} is {amount}, delivery included.",
    "late": "Hello {name}, sorry for the wait. Order {order} leaves tomorrow.",
    "sorry": "We are sorry, {name}. We send a new one at no cost; please keep the old one for the courier.",
}
"""Canned answers that agents find in the demo."""


def prepare(services: Services, password: str) -> list[str]:
    """Make what is missing, let the sample list begin, and return the lines that tell how to get in."""
    with services.database.session() as session:
        merchant = _merchant(session, services.settings)
        _people(session, merchant, password)
        _canned_answers(session, merchant)
    _templates(services)
    phones = _past(services)
    _orders(services)
    if phones:
        _people_of_the_phones(services, phones)
    return [f"login:  {OWNER}  or  {AGENT}", f"password:  {password}"]


def _merchant(session: Session, settings: Settings) -> Merchant:
    merchant = session.execute(select(Merchant).where(col(Merchant.slug) == SLUG)).scalar_one_or_none()
    if merchant is not None:
        return merchant
    channel = first_channel(session, settings)
    merchant = Merchant(
        slug=SLUG,
        name="Demo Bazaar",
        channel_id=channel.id if channel else None,
        # Whoever tries the demo at night wants to see it work, and at once.
        rules={"opens": "00:00", "closes": "00:00", "ask_after_minutes": 0},
        created_at=now() - timedelta(days=DAYS + 1),
    )
    session.add(merchant)
    session.flush()
    return merchant


def _people(session: Session, merchant: Merchant, password: str) -> None:
    for email, name, role in ((OWNER, "Meera", "owner"), (AGENT, "Ravi", "agent")):
        if session.execute(select(col(Member.id)).where(col(Member.email) == email)).first() is None:
            create_member(session, email=email, role=role, merchant_id=row_id(merchant), name=name, password=password)


def _canned_answers(session: Session, merchant: Merchant) -> None:
    answers = col(CannedAnswer.merchant_id) == merchant.id
    if session.execute(select(col(CannedAnswer.id)).where(answers)).first() is None:
        session.add_all(
            CannedAnswer(merchant_id=row_id(merchant), shortcut=shortcut, body=body, updated_at=now())
            for shortcut, body in ANSWERS.items()
        )


def _templates(services: Services) -> None:
    settings = services.settings
    client = Client.from_settings(settings)
    # The demo speaks every language at once; with Meta's limit a shop submits the rest an hour later.
    most = {"template_creations_per_hour": 1000}
    requests.patch(f"{settings.graph_api_url}/sim/settings", json=most, timeout=10).raise_for_status()
    push(services.database, client, settings.whatsapp_business_account_id, catalogue(), edit=True)


def _past(services: Services) -> list[Phone]:
    """Give the shop the weeks before today, once; return the phones of those who are still in touch."""
    with services.database.session() as session:
        merchant = session.execute(select(Merchant).where(col(Merchant.slug) == SLUG)).scalar_one()
        begun = session.execute(select(col(Order.id)).where(col(Order.merchant_id) == merchant.id)).first()
        if begun is not None or merchant.channel_id is None:
            return []
        return write_past(session, merchant, now(), services.settings.shards)


def _people_of_the_phones(services: Services, phones: list[Phone]) -> None:
    """Name the simulated phones, and let those write who have something to say; the demo can do without."""
    with services.database.reader() as session:
        listed = session.execute(
            select(col(Order.phone), col(Order.shopper_name)).where(
                col(Order.upload_id).is_not(None), col(Order.phone) != ""
            )
        ).all()
    known = {phone.number: phone.name for phone in phones} | dict(listed)
    address = f"{services.settings.graph_api_url}/sim/phones"
    try:
        with requests.Session() as http:
            for number, name in known.items():
                http.post(address, json={"phone": number, "name": name}, timeout=2).raise_for_status()
            for phone in phones:
                if phone.words:
                    _send(http, f"{address}/{phone.number}", {"type": "text", "text": phone.words})
                if phone.photo:
                    data = base64.b64encode((PHOTOS / phone.photo).read_bytes()).decode()
                    _send(http, f"{address}/{phone.number}", {"type": "image", "data": data, "mime": "image/jpeg"})
    except requests.RequestException as error:
        log.warning("demo.phones_unnamed", error=type(error).__name__)


def _send(http: requests.Session, phone: str, message: dict[str, str]) -> None:
    http.post(f"{phone}/send", json=message, timeout=2).raise_for_status()


def _orders(services: Services) -> None:
    moment = now()
    with services.database.session() as session:
        merchant = session.execute(select(Merchant).where(col(Merchant.slug) == SLUG)).scalar_one()
        known = select(col(Upload.id)).where(col(Upload.merchant_id) == merchant.id)
        if session.execute(known).first() is not None:
            return
        upload = uploads.receive(session, merchant, LIST, shopify_list(moment), at=moment)
        uploads.begin(session, upload, moment)
    uploads.run(services, row_id(upload))

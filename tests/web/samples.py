"""A shop with a little of everything, written straight into the tables."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, select

from bot.clock import now
from bot.models import (
    AddressVersion,
    ApiKey,
    Audit,
    CannedAnswer,
    Channel,
    Contact,
    Conversation,
    Handover,
    Hook,
    HookDelivery,
    Identity,
    Member,
    Merchant,
    Message,
    Order,
    OrderItem,
    Receipt,
    Review,
    Run,
    SavedView,
    Upload,
    UploadRow,
)
from bot.services import Services
from bot.web.members import create_member

PASSWORD = "seven yellow bicycles"
QUICK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
"""Hashes as argon2id still, but with a thousandth of the work: people sign in hundreds of times in the tests."""


@dataclass(frozen=True)
class Shop:
    """What tests need to know of a shop: ids of one row of each kind, and who can sign in."""

    merchant: int
    owner: str
    staff: str
    agent: str
    orders: list[int]
    upload: int
    members: dict[str, int]
    conversation: int
    key: int
    hook: int
    delivery: int
    answer: int
    """A canned one."""
    view: int
    """A saved one of the list of orders."""
    media: int
    """A message with a file."""
    review: int
    """One with a photo."""


def fill(services: Services, slug: str = "kesar", *, count: int = 12) -> Shop:
    """Write one shop."""
    with services.database.session() as session:
        return _write(session, slug, count)


def has_people(services: Services) -> bool:
    """Say whether anybody was written yet."""
    with services.database.reader() as session:
        return session.exec(select(Member.id).limit(1)).first() is not None


def admin(services: Services) -> str:
    """Write a platform admin and return the e-mail address."""
    with services.database.session() as session:
        return create_member(session, email="admin@pakka.test", role="admin", merchant_id=None, password=PASSWORD).email


@cache
def _hashed() -> str:
    return QUICK.hash(PASSWORD)


def _write(session: Session, slug: str, count: int) -> Shop:
    at = now() - timedelta(hours=6)
    channel = Channel(phone_number_id=str(10**9 + sum(slug.encode()) * 997), business_account_id=slug, created_at=at)
    session.add(channel)
    session.flush()
    shop = Merchant(channel_id=channel.id, slug=slug, name=f"{slug.title()} Silks", created_at=at)
    session.add(shop)
    session.flush()
    assert shop.id is not None
    people = {
        role: create_member(
            session,
            email=f"{role}@{slug}.test",
            role=role,
            merchant_id=shop.id,
            name=f"{role.title()} Sharma",
        )
        for role in ("owner", "staff", "agent")
    }
    for person in people.values():
        person.password_hash = _hashed()
    upload = Upload(
        merchant_id=shop.id,
        member_id=people["owner"].id,
        filename=f"orders_{slug}.csv",
        sha256=slug,
        format="shopify",
        status="done",
        rows=count + 2,
        done=count + 2,
        accepted=count,
        skipped=1,
        rejected=1,
        created_at=at,
        touched_at=at,
        finished_at=at,
        header=["Name", "Total", "Phone"],
    )
    session.add(upload)
    session.flush()
    session.add(
        UploadRow(
            upload_id=upload.id,
            row_number=4,
            raw=["#1999", "950", "12345"],
            status="rejected",
            problems=[{"column": "Phone", "value": "12345", "code": "phone", "reason": "This is no phone number."}],
        )
    )
    orders = [_order(session, shop, channel, upload, number, at) for number in range(count)]
    session.add(
        Audit(
            merchant_id=shop.id,
            member_id=people["owner"].id,
            at=at,
            act="order.outcome",
            object=f"order:{orders[0].id}",
            detail={"by": "merchant", "changes": {"decision": ["hold", "ship"]}, "texts": []},
        )
    )
    answer = CannedAnswer(merchant_id=shop.id, shortcut="sorry", body=f"{slug} is sorry, {{name}}.", updated_at=at)
    view = SavedView(merchant_id=shop.id, name=f"{slug} on hold", query="decision=hold", created_at=at)
    session.add_all([answer, view])
    session.flush()
    key, hook, delivery = _systems(session, shop, at)
    ids = [order.id for order in orders]
    first = session.exec(select(Run).where(Run.order_id == ids[0])).one()
    return Shop(
        merchant=shop.id,
        owner=people["owner"].email,
        staff=people["staff"].email,
        agent=people["agent"].email,
        orders=[number for number in ids if number is not None],
        upload=upload.id or 0,
        members={role: member.id or 0 for role, member in people.items()},
        conversation=first.conversation_id,
        key=key,
        hook=hook,
        delivery=delivery,
        answer=answer.id or 0,
        view=view.id or 0,
        media=session.exec(select(Message.id).where(Message.key == f"{slug}:#1000:2")).one_or_none() or 0,
        review=session.exec(select(Review.id).where(Review.merchant_id == shop.id)).first() or 0,
    )


def _systems(session: Session, shop: Merchant, at: datetime) -> tuple[int, int, int]:
    """A key whose words nobody knows, and a hook that chose no event, so that other tests are not told of."""
    key = ApiKey(
        merchant_id=shop.id, name="warehouse", prefix="pakka_abcdef", digest=f"{shop.slug:0>64}",
        scopes=["orders:read"], created_at=at,
    )  # fmt: skip
    hook = Hook(merchant_id=shop.id, url=f"https://{shop.slug}.example/hook", created_at=at)
    session.add_all([key, hook])
    session.flush()
    delivery = HookDelivery(
        merchant_id=shop.id, hook_id=hook.id, event_id=f"event-of-{shop.slug}", event="ping", status="delivered",
        attempts=1, tries=[{"at": at.isoformat(), "status": 204, "error": "", "ms": 31}], created_at=at, settled_at=at,
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    return key.id or 0, hook.id or 0, delivery.id or 0


_KINDS = (
    # intent, readiness, decision, decided by, reason, address score
    ("confirmed", "ready", "ship", "shopper", "The shopper confirmed.", 92),
    ("asked", "unasked", None, None, "", 74),
    ("silent", "unasked", "hold", "rule", "No answer, and holding loses less: 43% come back, the line is 31%.", 41),
    ("cancelled", "unasked", "cancel", "shopper", "The shopper cancelled (price).", 88),
    ("unasked", "unasked", None, None, "", None),
    ("unreachable", "unasked", "call", "rule", "WhatsApp does not reach this number: call before shipping.", 66),
)
_NAMES = ("Priya Nair", "राहुल वर्मा", "Ayesha Siddiqui", "Vikram Singh Rathore", "Meena Kumari", "Arjun Das")
_CITIES = (
    ("Lucknow", "Uttar Pradesh", "226010"),
    ("Jaipur", "Rajasthan", "302017"),
    ("Kochi", "Kerala", "682020"),
    ("Gorakhpur", "Uttar Pradesh", "273001"),
    ("Pune", "Maharashtra", "411038"),
    ("Guwahati", "Assam", "781005"),
)
_GOODS = (
    "Cotton kurta, indigo, L",
    "Steel lunch box, 3 tiers",
    "Bluetooth speaker",
    "Saree, mustard",
    "LED strip, 5 m",
    "Juttis, 38",
)


def _order(session: Session, shop: Merchant, channel: Channel, upload: Upload, number: int, at: datetime) -> Order:
    intent, readiness, decision, by, reason, score = _KINDS[number % len(_KINDS)]
    name, (city, state, code) = _NAMES[number % 6], _CITIES[number % 6]
    contact = Contact(channel_id=channel.id, name=name, created_at=at)
    session.add(contact)
    session.flush()
    phone = f"+9198{shop.id:03d}{number:05d}"
    session.add(Identity(channel_id=channel.id, contact_id=contact.id, scheme="phone", value=phone[1:]))
    p = 0.43 if decision == "hold" else 0.12
    order = Order(
        merchant_id=shop.id,
        upload_id=upload.id,
        contact_id=contact.id,
        reference=f"#{1000 + number}",
        placed_at=at,
        shopper_name=name,
        phone=phone,
        amount=(799 + 350 * number) * 100,
        intent=intent,
        readiness=readiness,
        decision=decision,
        decided_by=by,
        decision_reason=reason,
        decided_at=at + timedelta(hours=2) if decision else None,
        decision_sum={
            "group": intent,
            "p_group": p,
            "address_factor": 1.0,
            "wait_factor": 1.0,
            "p_return": p,
            "margin": 33300,
            "return_cost": 15000,
            "break_even": 0.69 if decision != "hold" else 0.31,
            "value_if_shipped": 12541,
            "currency": "INR",
            "own_outcomes": 214,
        }
        if decision
        else {},
        cancel_reason="price" if intent == "cancelled" else "",
        ask_at=at + timedelta(minutes=10),
        asked_at=None if intent == "unasked" else at + timedelta(minutes=10),
        cutoff_at=at + timedelta(hours=9),
        answered_at=at + timedelta(hours=1) if intent in ("confirmed", "cancelled") else None,
        address_changed=intent == "confirmed",
        created_at=at + timedelta(seconds=number),
        updated_at=at + timedelta(hours=1, seconds=number),
        confidence=0.94 if intent == "cancelled" else None,
    )
    session.add(order)
    session.flush()
    session.add(
        OrderItem(order_id=order.id, position=1, name=_GOODS[number % 6], sku=f"SKU-{number}", price=order.amount)
    )
    parts = {
        "address1": "Flat 12, Shanti Niwas",
        "address2": "Gomti Nagar",
        "city": city,
        "state": state,
        "postal_code": code,
    }
    finding = {
        "code": "HOUSE",
        "severity": "warn",
        "field": "address1",
        "sentence": "There is no house number.",
        "value": "",
    }
    versions = [parts | {"address1": "near big temple"}, parts] if intent == "confirmed" else [parts]
    for version, given in enumerate(versions, start=1):
        session.add(
            AddressVersion(
                order_id=order.id,
                version=version,
                given_by="order" if version == 1 else "shopper",
                parts=given,
                score=score if version == len(versions) else 38,
                findings=[finding] if (score or 0) < 70 else [],
                created_at=at + timedelta(minutes=60 * (version - 1)),
            )
        )
    _talk(session, shop, channel, contact, order, at)
    if intent == "unreachable":
        session.add(
            Review(
                merchant_id=shop.id, order_id=order.id, rating=4, text=f"Nice, {shop.slug}", tags=["late"],
                media=[{"id": "1", "kind": "image"}], created_at=at, updated_at=at,
            )
        )  # fmt: skip
    return order


def _talk(session: Session, shop: Merchant, channel: Channel, contact: Contact, order: Order, at: datetime) -> None:
    conversation = Conversation(
        channel_id=channel.id,
        contact_id=contact.id,
        shard=0,
        created_at=at,
        window_until=at + timedelta(hours=24),
        owner="queue" if order.intent == "unreachable" else "bot",
        seq=5,
        last_at=at,
    )
    session.add(conversation)
    session.flush()
    status = {"confirmed": "done", "cancelled": "done", "unreachable": "handed_over"}.get(order.intent, "waiting")
    run = Run(
        merchant_id=shop.id,
        conversation_id=conversation.id,
        order_id=order.id,
        flow="order_confirmation",
        version=1,
        step="confirm",
        turn=1,
        status=status,
        created_at=at,
        updated_at=at,
    )
    session.add(run)
    session.flush()
    if order.intent == "unreachable":
        session.add(
            Handover(
                merchant_id=shop.id,
                conversation_id=conversation.id,
                run_id=run.id,
                order_id=order.id,
                reason="unreachable",
                opened_at=at + timedelta(hours=1),
            )
        )
    if order.intent == "unasked":
        return
    said: list[tuple[str, str, str, dict[str, object]]] = [
        (
            "out",
            "bot",
            f"Hello {contact.name}! {shop.name} here. You ordered for Rs {order.amount // 100}, to pay in cash"
            " at your door. Shall we send it?",
            {
                "status": "read",
                "choices": [
                    {"id": "a", "title": "Yes, send it"},
                    {"id": "b", "title": "Change address"},
                    {"id": "c", "title": "Cancel"},
                ],
            },
        ),
    ]
    if order.intent == "confirmed":
        said += [
            (
                "in",
                "shopper",
                "haan bhej do, lekin flat 12 shanti niwas, gomti nagar",
                {"status": "received", "kind": "document", "extra": {"media": {"id": "1", "filename": "map.pdf"}}},
            ),
            (
                "out",
                "bot",
                "Noted. Your parcel goes to: Flat 12, Shanti Niwas, Gomti Nagar, Lucknow 226010.",
                {"status": "delivered"},
            ),
            (
                "in",
                "shopper",
                "",
                {
                    "status": "received",
                    "kind": "location",
                    "extra": {"location": {"latitude": 26.85, "longitude": 80.99, "name": "Shanti Niwas"}},
                },
            ),
            ("out", "agent", "Thank you, the courier will call you first.", {"status": "sent"}),
        ]
    if order.intent == "cancelled":
        said += [("in", "shopper", "nahi chahiye, cancel kar do", {"status": "received"})]
    for seq, (direction, author, body, more) in enumerate(said, start=1):
        moment = at + timedelta(minutes=10 + 20 * seq)
        message = Message(
            conversation_id=conversation.id,
            merchant_id=shop.id,
            run_id=run.id,
            order_id=order.id,
            direction=direction,
            author=author,
            key=f"{shop.slug}:{order.reference}:{seq}",
            seq=seq,
            body=body,
            created_at=moment,
            wamid=f"wamid.{shop.slug}.{order.id}.{seq}",
            **more,
        )
        session.add(message)
        session.flush()
        if more["status"] == "read":
            session.add(Receipt(message_id=message.id, status="delivered", at=moment + timedelta(seconds=3)))
            session.add(Receipt(message_id=message.id, status="read", at=moment + timedelta(minutes=3)))

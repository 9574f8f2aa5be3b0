"""One shopper: found in every table, given out whole, erased without a trace; and what is wiped by itself."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import JSON, LargeBinary, String, Text
from sqlmodel import Session, SQLModel, col, select

from bot.clock import now
from bot.database import Database
from bot.models import (
    AddressVersion,
    ApiKey,
    Audit,
    CannedAnswer,
    Channel,
    Contact,
    Conversation,
    Envelope,
    Event,
    Handover,
    Hook,
    HookDelivery,
    Idempotency,
    Identity,
    Member,
    Merchant,
    Message,
    Order,
    Pulse,
    Review,
    Run,
    SavedView,
    Stop,
    Timer,
    Upload,
    UploadRow,
    WebSession,
    WhatsAppTemplate,
)
from bot.services import Services
from bot.talk import privacy, retention
from tests.web.conftest import post
from tests.web.samples import Shop, fill

SignIn = Callable[..., FlaskClient]

IMPERSONAL: dict[type[SQLModel], str] = {
    Channel: "a number of ours",
    Merchant: "the shop",
    Member: "the shop's people",
    CannedAnswer: "the shop's own words, with placeholders",
    ApiKey: "the shop's systems",
    WebSession: "the shop's people",
    Audit: "ids, codes and the shop's people; of free texts only the names of the fields",
    Hook: "the shop's systems",
    HookDelivery: "ids and codes only",
    Pulse: "the program",
    SavedView: "filters of a list, without what was searched for",
    Stop: "keyed hashes that no one can be found by",
    WhatsAppTemplate: "our texts",
}
"""Tables in which no shopper is, and why. A new table belongs here or into `privacy.COVERED`."""

CANARY = "Zebulon"
PHONE = "+919876501234"
DIGITS = b"9876501234"


def test_somebody_has_decided_on_every_table() -> None:
    models = {mapper.class_ for mapper in SQLModel._sa_registry.mappers}
    assert models == privacy.COVERED.keys() | IMPERSONAL.keys()
    assert not privacy.COVERED.keys() & IMPERSONAL.keys()


def test_somebody_has_decided_on_every_column_that_can_hold_words() -> None:
    for model, cover in privacy.COVERED.items():
        columns = model.metadata.tables[str(model.__tablename__)].columns
        wordy = {column.name for column in columns if isinstance(column.type, String | Text | JSON | LargeBinary)}
        decided = set(cover.wiped) | set(cover.kept)
        if cover.deleted:
            continue
        assert wordy <= decided, f"{model.__name__}: {wordy - decided} may hold personal data; say what becomes of it"
        assert not set(cover.wiped) & set(cover.kept), model


@pytest.fixture
def marked(services: Services, shop: Shop) -> int:
    """The first order's shopper is called Zebulon, and is so in every column that can hold words."""
    with services.database.session() as session:
        return _mark(session, shop)


def _mark(session: Session, shop: Shop) -> int:
    order = session.get_one(Order, shop.orders[0])
    at = now()
    order.phone = order.alternate_phone = PHONE
    for name in privacy.COVERED[Order].wiped.keys() - {"phone", "alternate_phone"}:
        setattr(order, name, CANARY)
    talk = session.exec(select(Run).where(Run.order_id == order.id)).one()
    talk.state = {"data": {"heard": CANARY}}
    conversation = session.get_one(Conversation, talk.conversation_id)
    conversation.data = {"note": CANARY}
    contact = session.get_one(Contact, conversation.contact_id)
    contact.name, contact.locale = CANARY, "hi"
    session.exec(select(Identity).where(Identity.contact_id == contact.id)).one().value = PHONE[1:]
    for version in session.exec(select(AddressVersion).where(AddressVersion.order_id == order.id)):
        version.parts, version.findings = {"address1": CANARY}, [{"sentence": CANARY}]
        version.latitude, version.longitude = 26.85, 80.99
    for number, message in enumerate(session.exec(select(Message).where(Message.order_id == order.id))):
        message.body, message.choices, message.extra = CANARY, [{"id": "a", "title": CANARY}], {"media": CANARY}
        message.template, message.wamid = {"values": {"name": CANARY}}, f"wamid.{CANARY}.{number}"
        message.key, message.quoted_wamid = f"msg:{CANARY}:{number}", CANARY
    session.add_all(
        [
            Timer(run_id=talk.id, turn=9, nth=1, fire_at=at + timedelta(hours=1)),
            Review(merchant_id=shop.merchant, order_id=order.id, rating=2, text=CANARY, reply=f"Sorry {CANARY}",
                   media=[{"id": CANARY}], tags=["late"], created_at=at, updated_at=at),
            Handover(merchant_id=shop.merchant, conversation_id=conversation.id, order_id=order.id, reason="complaint",
                     detail={"note": CANARY}, note=CANARY, opened_at=at),
            Event(key=f"msg:{CANARY}", conversation_id=conversation.id, shard=0, kind="message",
                  payload={"text": CANARY}, happened_at=at, received_at=at, handled_at=at),
            Event(key=f"msg:{CANARY}:2", conversation_id=conversation.id, shard=0, kind="message",
                  payload={"text": CANARY}, happened_at=at, received_at=at),
            Envelope(sha256="a", body=b'{"from":"91' + DIGITS + b'","text":"Zebulon"}', received_at=at, handled_at=at),
            Envelope(sha256="b", body=b'{"from":"910000000000"}', received_at=at, handled_at=at),
            Idempotency(merchant_id=shop.merchant, key="k", digest="d", status=200,
                        body=json.dumps({"phone": PHONE, "name": CANARY}), created_at=at),
            Message(conversation_id=conversation.id, merchant_id=shop.merchant, order_id=order.id, direction="out",
                    author="bot", key=f"queued:{CANARY}", seq=77, body=CANARY, status="queued", created_at=at),
        ]
    )  # fmt: skip
    upload = session.get_one(Upload, shop.upload)
    upload.content = f"Name,Phone\n{CANARY},{PHONE}\n".encode()
    session.add_all(
        [
            UploadRow(upload_id=upload.id, row_number=90, raw=[CANARY, PHONE], status="accepted", order_id=order.id),
            UploadRow(upload_id=upload.id, row_number=91, raw=[CANARY, "98765-01234", "9876501234"], status="rejected",
                      problems=[{"value": CANARY}]),
        ]
    )  # fmt: skip
    session.flush()
    return order.id or 0


def _places(database: Database) -> Iterator[str]:
    """Where in the whole database the shopper still is."""
    with database.reader() as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in session.execute(table.select()).mappings():
                for name, value in row.items():
                    told = value if isinstance(value, bytes) else str(value).encode()
                    if CANARY.encode() in told or DIGITS in told:
                        yield f"{table.name}.{name}"


def test_an_erased_shopper_is_nowhere_and_the_books_stay_right(
    services: Services, shop: Shop, marked: int, sign_in: SignIn
) -> None:
    assert len(set(_places(services.database))) > 25
    with services.database.reader() as session:
        before = session.get_one(Order, marked)
        others = [row.model_dump() for row in session.exec(select(Order).where(Order.id != marked))]
        versions = len(session.exec(select(AddressVersion).where(AddressVersion.order_id == marked)).all())
    client = sign_in(shop.owner)
    answer = post(client, f"/settings/privacy/shoppers/{marked}/erase", reference=before.reference)
    assert answer.status_code == 302
    assert set(_places(services.database)) == set()
    with services.database.reader() as session:
        after = session.get_one(Order, marked)
        for kept in (
            "reference",
            "amount",
            "status",
            "intent",
            "decision",
            "decision_sum",
            "created_at",
            "answered_at",
        ):
            assert getattr(after, kept) == getattr(before, kept), kept
        assert [row.model_dump() for row in session.exec(select(Order).where(Order.id != marked))] == others
        assert len(session.exec(select(AddressVersion).where(AddressVersion.order_id == marked)).all()) == versions
        assert session.exec(select(Review).where(Review.order_id == marked)).one().rating == 2
        assert session.exec(select(Envelope).where(Envelope.sha256 == "b")).one().body != b""
        assert session.exec(select(Message).where(Message.seq == 77)).one().status == "cancelled"
        assert session.exec(select(Event).where(col(Event.handled_at).is_(None))).all() == []
        task = session.exec(select(Handover).where(Handover.order_id == marked)).one()
        assert task.resolved_at is not None
        line = session.exec(select(Audit).where(Audit.act == "shopper.erased")).one()
        assert line.object == f"order:{marked}"
    assert "nothing left by which anybody" in client.get(f"/settings/privacy/shoppers/{marked}").text
    assert client.get(f"/orders/{marked}").status_code == 200


def test_erasing_works_on_both_databases(database_url: str, redis_url: str) -> None:
    from bot.settings import Settings

    services = Services.from_settings(
        Settings.from_env(database_url=database_url, redis_url=redis_url, secret_key="a secret of the tests")
    )
    shop = fill(services)
    with services.database.session() as session:
        order = session.get_one(Order, _mark(session, shop))
        known = privacy.shopper_of(session, order)
        assert privacy.export(session, known)["orders"][0]["phone"] == PHONE
        privacy.erase(session, known, now())
    assert set(_places(services.database)) == set()
    assert retention.wipe(services.database, now()).finished


def test_the_order_number_has_to_be_written(services: Services, shop: Shop, marked: int, sign_in: SignIn) -> None:
    answer = post(sign_in(shop.owner), f"/settings/privacy/shoppers/{marked}/erase", reference="yes")
    assert answer.status_code == 422
    assert "exactly as it stands" in answer.text
    with services.database.reader() as session:
        assert session.get_one(Order, marked).phone == PHONE


def test_an_open_talk_ends_with_the_erasing(services: Services, shop: Shop) -> None:
    with services.database.session() as session:
        order = session.get_one(Order, shop.orders[1])
        assert order.intent == "asked"
        privacy.erase(session, privacy.shopper_of(session, order), now())
    with services.database.reader() as session:
        run = session.exec(select(Run).where(Run.order_id == shop.orders[1])).one()
        assert (run.status, session.get_one(Order, shop.orders[1]).intent) == ("dropped", "opted_out")


def test_what_two_shops_share_stays_until_both_have_erased_it(services: Services, shop: Shop, marked: int) -> None:
    rival = fill(services, "rival")
    with services.database.session() as session:
        mine, theirs = session.get_one(Order, marked), session.get_one(Order, rival.orders[0])
        theirs.contact_id, theirs.phone, theirs.shopper_name = mine.contact_id, PHONE, CANARY
        privacy.erase(session, privacy.shopper_of(session, mine), now())
    with services.database.reader() as session:
        assert session.get_one(Contact, session.get_one(Order, marked).contact_id).name == CANARY
        assert session.get_one(Order, rival.orders[0]).phone == PHONE
        assert session.get_one(Order, marked).phone == ""
    with services.database.session() as session:
        privacy.erase(session, privacy.shopper_of(session, session.get_one(Order, rival.orders[0])), now())
        assert session.get_one(Contact, session.get_one(Order, rival.orders[0]).contact_id).name == ""
        assert session.exec(select(Identity).where(Identity.value == PHONE[1:])).all() == []


def test_everything_about_a_shopper_is_given_out(services: Services, shop: Shop, marked: int, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    page = client.get("/settings/privacy?q=98765 01234").text
    assert f"/settings/privacy/shoppers/{marked}" in page
    told = client.get(f"/settings/privacy/shoppers/{marked}/file/json").json
    shown = {str(model.__tablename__) for model, cover in privacy.COVERED.items() if cover.shown}
    assert told.keys() == shown
    empty = {name for name, rows in told.items() if not rows}
    assert not empty, f"{empty} have rows of this shopper"
    assert told["message"][0]["body"] == CANARY
    box = zipfile.ZipFile(io.BytesIO(client.get(f"/settings/privacy/shoppers/{marked}/file/zip").data))
    assert {name.removesuffix(".json") for name in box.namelist()} == shown | {"README.txt"}
    assert json.loads(box.read("orders.json")) == told["orders"]
    with services.database.reader() as session:
        assert len(session.exec(select(Audit).where(Audit.act == "shopper.exported")).all()) == 2
    assert client.get(f"/settings/privacy/shoppers/{marked}/file/exe").status_code == 404


def test_staff_see_a_number_and_an_address_only_when_they_ask_and_it_is_written_down(
    services: Services, shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with services.database.reader() as session:
        number = session.get_one(Order, shop.orders[0]).phone
    hidden = (number, "98001 00000", "Shanti Niwas, <br>", "openstreetmap")
    staff, agent = sign_in(shop.staff), sign_in(shop.agent)
    place = f"/orders/{shop.orders[0]}"

    def facts(client: FlaskClient) -> str:
        """The column with the order and its address: what the shopper wrote in the talk is another matter."""
        return client.get(place).text.partition('id="facts"')[2]

    assert number in facts(agent)
    assert not any(word in facts(staff) for word in hidden)
    for page in (f"/inbox/{shop.conversation}?show=details", "/inbox/calls"):
        assert "tel:+" not in staff.get(page).text, page
        assert "tel:+" in agent.get(page).text, page
    assert "Flat 12" not in facts(staff)
    assert "•" in facts(staff)
    assert post(staff, f"{place}/reveal").status_code == 302
    assert number in facts(staff)
    assert "Flat 12" in facts(staff)
    with services.database.reader() as session:
        line = session.exec(select(Audit).where(Audit.act == "shopper.revealed")).one()
        assert (line.object, line.member_id) == (f"order:{shop.orders[0]}", shop.members["staff"])
    assert number in staff.get(f"/inbox/{shop.conversation}").text
    other = staff.get(f"/orders/{shop.orders[1]}").text
    assert "•" in other.partition('id="facts"')[2], "one order, not all"
    with services.database.session() as session:
        session.exec(select(Audit).where(Audit.act == "shopper.revealed")).one().at = now() - timedelta(minutes=16)
    assert number not in facts(staff), "for a quarter of an hour"


def test_staff_do_not_read_numbers_and_addresses_in_what_was_written_either(
    services: Services, shop: Shop, sign_in: SignIn
) -> None:
    with services.database.session() as session:
        order = session.get_one(Order, shop.orders[0])
        order.instructions, order.receiver = "call 098765 43210 first", "Ravi 98765 43210"
        said = session.exec(select(Message).where(Message.order_id == order.id, Message.direction == "in")).all()
        said[0].extra = {
            **said[0].extra,
            "understood": [{"kind": "change_phone", "slots": {"phone": "+919876543210"}, "confidence": 0.9}],
        }
        said[0].body = "haan, FLAT 12 shanti   niwas, call +91 98765-43210, pin 226010, order 1000"
        review = session.get_one(Review, shop.review)
        review.text = "Call me: 9876543210"
        task = session.exec(select(Handover).where(Handover.merchant_id == shop.merchant)).first()
        assert task is not None
        task.detail = {"note": "The parcel goes to Flat 12, Shanti Niwas; 98765 43210"}
        task.conversation_id, task.order_id, task.run_id = shop.conversation, order.id, None
    hidden = ("43210", "shanti", "Shanti", "openstreetmap", "26.85")
    kept = ("haan", "226010", "order 1000")
    pages = (f"/orders/{shop.orders[0]}", f"/inbox/{shop.conversation}", "/inbox", "/reviews", "/reviews/table.csv")
    staff, agent, owner = sign_in(shop.staff), sign_in(shop.agent), sign_in(shop.owner)
    for page in pages:
        text = staff.get(page).text
        assert [word for word in hidden if word in text] == [], page
    for page in pages[:2]:
        assert [word for word in kept if word not in staff.get(page).text] == [], page
        assert [
            word for word in ("98765-43210", "openstreetmap", "Shanti Niwas") if word not in agent.get(page).text
        ] == [], page
    assert "9876543210" in owner.get("/reviews/table.csv").text
    post(staff, f"/orders/{shop.orders[0]}/reveal")
    for page in pages[:2]:
        assert [
            word for word in ("98765-43210", "openstreetmap", "Shanti Niwas") if word not in staff.get(page).text
        ] == [], page


def test_staff_find_a_whole_number_and_cannot_guess_one_piece_by_piece(
    services: Services, shop: Shop, sign_in: SignIn
) -> None:
    with services.database.reader() as session:
        number = session.get_one(Order, shop.orders[0]).phone
    staff, owner = sign_in(shop.staff), sign_in(shop.owner)
    link = f'href="/orders/{shop.orders[0]}"'
    assert link in owner.get(f"/orders?q={number[-7:]}").text
    assert link not in staff.get(f"/orders?q={number[-7:]}").text
    assert link in staff.get(f"/orders?q={number[-10:]}").text


def test_what_was_kept_long_enough_is_wiped_and_the_rest_stays(services: Services, shop: Shop, marked: int) -> None:
    at = now()
    with services.database.session() as session:
        session.get_one(Merchant, shop.merchant).created_at = at - timedelta(days=400)
        for envelope in session.exec(select(Envelope)):
            envelope.received_at = at - timedelta(days=31 if envelope.sha256 == "a" else 29)
        _age(session, Message, shop.orders[0], at - timedelta(days=91))
        _age(session, Message, shop.orders[3], at - timedelta(days=89))
        session.get_one(Upload, shop.upload).created_at = at - timedelta(days=8)
    wiped = retention.wipe(services.database, at)
    assert wiped.finished
    with services.database.reader() as session:
        assert [row.sha256 for row in session.exec(select(Envelope))] == ["b"]
        old = session.exec(select(Message).where(Message.order_id == shop.orders[0])).all()
        assert old
        assert not any(row.body or row.extra or row.choices or row.template for row in old)
        young = session.exec(select(Message).where(Message.order_id == shop.orders[3])).all()
        assert all(row.body for row in young)
        assert session.get_one(Upload, shop.upload).content is None
        assert {str(row.raw) for row in session.exec(select(UploadRow))} == {"[]"}
        assert session.get_one(Order, marked).phone == PHONE, "orders stay"
        line = session.exec(select(Audit).where(Audit.act == "retention.wiped")).one()
        assert line.detail["messages"] == len(old)
    assert not any(retention.wipe(services.database, at).counts.values()), "a second time finds nothing"
    assert _words_left(services, at + timedelta(days=2), shop) == 0


def _words_left(services: Services, at: datetime, shop: Shop) -> int:
    retention.wipe(services.database, at)
    with services.database.reader() as session:
        rows = session.exec(select(Message).where(Message.order_id == shop.orders[3])).all()
    return sum(bool(row.body) for row in rows)


def test_each_shop_keeps_for_as_long_as_its_rules_say(services: Services, shop: Shop) -> None:
    rival = fill(services, "rival")
    at = now()
    with services.database.session() as session:
        for number, days in ((shop.merchant, 10), (rival.merchant, 200)):
            row = session.get_one(Merchant, number)
            row.rules, row.created_at = {"keep_messages_days": days}, at - timedelta(days=400)
        for own in (shop, rival):
            _age(session, Message, own.orders[0], at - timedelta(days=20))
    retention.wipe(services.database, at)
    with services.database.reader() as session:
        kept = {
            own.merchant: any(
                row.body for row in session.exec(select(Message).where(Message.order_id == own.orders[0]))
            )
            for own in (shop, rival)
        }
    assert kept == {shop.merchant: False, rival.merchant: True}


def test_a_wipe_that_is_broken_off_goes_on_later(services: Services, shop: Shop, marked: int) -> None:
    at = now() + timedelta(days=500)
    tries = 0
    while not retention.wipe(services.database, at, seconds=0).finished:
        tries += 1
        assert tries < 200
    assert tries > 2
    with services.database.reader() as session:
        assert not any(row.body for row in session.exec(select(Message)))


def _age(session: Session, model: Any, order_id: int, at: datetime) -> None:
    for row in session.exec(select(model).where(model.order_id == order_id)):
        row.created_at = at

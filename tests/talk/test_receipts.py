"""Statuses in any order, twice, or before the answer to the send: a message's status only moves up."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlmodel import select

from bot.clock import now
from bot.database import row_id
from bot.models import Event, Message, Receipt, Timer
from bot.services import Services
from bot.talk import receipts
from bot.talk.buttons import Signer
from bot.talk.messages import append
from bot.talk.start import plan
from bot.whatsapp.updates import Author, Status
from tests.talk.conftest import Shop, conversation_of

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)


def status(message_id: int, signer: Signer, name: str, code: int | None = None) -> Status:
    return Status(
        "1", f"wamid.{message_id}", name, Author(wa_id="1"), AT, signer.opaque(message_id),
        errors=(code,) if code else (),
    )  # fmt: skip


@pytest.fixture
def signer(services: Services) -> Signer:
    return Signer(services.settings.secret_key)


def prompts(services: Services, shop: Shop, count: int, state: str = "sending") -> list[int]:
    """Queue prompts, each with a timer that has not been started."""
    ids = []
    with services.database.session() as session:
        for number in range(count):
            order = shop.order(session)
            run = plan(session, order, "order_confirmation")
            assert run is not None
            message = append(
                session, conversation_of(session, order), key=f"p{number}", direction="out", author="bot", turn=1,
                run_id=run.id, order_id=order.id, merchant_id=shop.merchant_id, status=state,
            )  # fmt: skip
            session.add(Timer(run_id=row_id(run), turn=1, nth=1, after=3600))
            ids.append(row_id(message))
    return ids


def test_any_order_of_statuses_ends_in_the_same_state(services: Services, shop: Shop, signer: Signer) -> None:
    orders = list(permutations(["sent", "delivered", "read"]))
    ids = prompts(services, shop, len(orders))
    for place in range(3):
        batch = [status(i, signer, names[place]) for i, names in zip(ids, orders, strict=True)]
        with services.database.session() as session:
            receipts.apply(session, batch * 2, signer)
    with services.database.session() as session:
        assert {message.status for message in session.exec(select(Message))} == {"read"}
        assert len(session.exec(select(Receipt)).all()) == 3 * len(orders)
        assert {message.wamid for message in session.exec(select(Message))} == {f"wamid.{i}" for i in ids}


def test_an_echo_settles_a_send_whose_answer_was_lost_and_starts_its_timers(
    services: Services, shop: Shop, signer: Signer
) -> None:
    (message_id,) = prompts(services, shop, 1, "unknown")
    with services.database.session() as session:
        receipts.apply(session, [status(message_id, signer, "sent")], signer)
    with services.database.session() as session:
        message = session.get_one(Message, message_id)
        assert (message.status, message.wamid) == ("sent", f"wamid.{message_id}")
        timer = session.exec(select(Timer).where(Timer.nth == 1)).one()
        assert timer.fire_at is not None
        assert abs(timer.fire_at - now() - timedelta(hours=1)) < timedelta(minutes=1)


def test_a_failure_becomes_one_event(services: Services, shop: Shop, signer: Signer) -> None:
    (message_id,) = prompts(services, shop, 1)
    for _ in range(3):
        with services.database.session() as session:
            receipts.apply(session, [status(message_id, signer, "failed", 131026)], signer)
    with services.database.session() as session:
        event = session.exec(select(Event)).one()
        assert (event.kind, event.payload["code"]) == ("undeliverable", 131026)
        assert session.get_one(Message, message_id).status == "failed"


def test_a_failure_of_one_device_does_not_undo_a_delivery(services: Services, shop: Shop, signer: Signer) -> None:
    (message_id,) = prompts(services, shop, 1)
    with services.database.session() as session:
        receipts.apply(session, [status(message_id, signer, "delivered")], signer)
        receipts.apply(session, [status(message_id, signer, "failed", 131026)], signer)
        assert session.get_one(Message, message_id).status == "delivered"
        assert session.exec(select(Event)).all() == []


def test_a_closed_window_brings_the_template_once(services: Services, shop: Shop, signer: Signer) -> None:
    (message_id,) = prompts(services, shop, 1)
    with services.database.session() as session:
        session.get_one(Message, message_id).template = {"name": "order_confirmation", "language": "en"}
    for _ in range(2):
        with services.database.session() as session:
            receipts.apply(session, [status(message_id, signer, "failed", 131047)], signer)
    with services.database.session() as session:
        message = session.get_one(Message, message_id)
        assert (message.status, message.wamid) == ("queued", None)
        assert session.exec(select(Event)).all() == []


def test_a_forged_name_settles_nothing(services: Services, shop: Shop, signer: Signer) -> None:
    (message_id,) = prompts(services, shop, 1)
    forged = Status("1", "wamid.other", "read", Author(wa_id="1"), AT, f"o.{message_id}.000000000000")
    with services.database.session() as session:
        receipts.apply(session, [forged], signer)
        assert session.get_one(Message, message_id).status == "sending"

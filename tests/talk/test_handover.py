"""One owner: bot, queue or one agent; whatever the bot had queued dies when it changes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.clock import now
from bot.database import row_id
from bot.models import Conversation, Event, Handover, Member, Message
from bot.services import Services
from bot.talk import handover
from bot.talk.handover import Conflict, Reply
from bot.talk.messages import append
from bot.talk.start import plan
from tests.talk.conftest import Shop, conversation_of


@pytest.fixture
def talk(services: Services, shop: Shop) -> tuple[int, int, int]:
    """A conversation whose window is open, and two agents."""
    with services.database.session() as session:
        order = shop.order(session)
        plan(session, order, "order_confirmation")
        conversation = conversation_of(session, order)
        conversation.window_until = now() + timedelta(hours=20)
        agents = [
            Member(merchant_id=shop.merchant_id, email=f"{name}@kanak.test", role="agent", created_at=now())
            for name in ("ravi", "meena")
        ]
        session.add_all(agents)
        session.flush()
        return row_id(conversation), row_id(agents[0]), row_id(agents[1])


def say(session: Session, conversation_id: int, author: str, key: str, status: str) -> Message:
    conversation = session.get_one(Conversation, conversation_id)
    direction = "in" if author == "shopper" else "out"
    return append(session, conversation, key=key, direction=direction, author=author, body="Hello", status=status)


def test_a_takeover_kills_what_the_bot_had_queued(services: Services, shop: Shop, talk: tuple[int, int, int]) -> None:
    conversation_id, ravi, _ = talk
    with services.database.session() as session:
        say(session, conversation_id, "bot", "b1", "queued")
        say(session, conversation_id, "bot", "b2", "sending")
    with services.database.session() as session:
        conversation = handover.take_over(session, conversation_id, ravi, merchant_id=shop.merchant_id)
        assert (conversation.owner, conversation.agent_id, conversation.epoch) == ("agent", ravi, 1)
    with services.database.session() as session:
        states = {m.key: m.status for m in session.exec(select(Message))}
        # What is in flight may land; what was queued may not.
        assert states == {"b1": "cancelled", "b2": "sending"}
        assert session.exec(select(Handover)).one().assigned_to == ravi


def test_of_two_agents_one_gets_the_conversation(services: Services, shop: Shop, talk: tuple[int, int, int]) -> None:
    conversation_id, *agents = talk

    def take(member_id: int) -> str:
        try:
            with services.database.session() as session:
                handover.take_over(session, conversation_id, member_id, merchant_id=shop.merchant_id)
                return "mine"
        except Conflict:
            return "conflict"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(take, agents * 4))
    assert answers.count("mine") == 4  # One agent, who may ask again.
    with services.database.session() as session:
        assert session.get_one(Conversation, conversation_id).epoch == 1
        assert len(session.exec(select(Handover)).all()) == 1


def test_a_double_click_sends_once(services: Services, shop: Shop, talk: tuple[int, int, int]) -> None:
    conversation_id, ravi, _ = talk
    words = Reply("We will call you.", client_id="c1", seen_seq=0)
    for _ in range(3):
        with services.database.session() as session:
            handover.reply(session, conversation_id, ravi, words, merchant_id=shop.merchant_id)
    with services.database.session() as session:
        assert [m.body for m in session.exec(select(Message))] == ["We will call you."]


def test_a_reply_that_crosses_a_new_message_is_stopped(
    services: Services, shop: Shop, talk: tuple[int, int, int]
) -> None:
    conversation_id, ravi, _ = talk
    with services.database.session() as session:
        say(session, conversation_id, "shopper", "s1", "received")
    with pytest.raises(Conflict, match="written since"), services.database.session() as session:
        handover.reply(session, conversation_id, ravi, Reply("Ok", "c1", seen_seq=0), merchant_id=shop.merchant_id)
    with services.database.session() as session:
        handover.reply(session, conversation_id, ravi, Reply("Ok", "c1", seen_seq=1), merchant_id=shop.merchant_id)
        assert len(session.exec(select(Message)).all()) == 2


def test_a_closed_window_takes_templates_only(services: Services, shop: Shop, talk: tuple[int, int, int]) -> None:
    conversation_id, ravi, _ = talk
    with services.database.session() as session:
        session.get_one(Conversation, conversation_id).window_until = now() - timedelta(minutes=1)
    with pytest.raises(Conflict, match="window"), services.database.session() as session:
        handover.reply(session, conversation_id, ravi, Reply("Ok", "c1", seen_seq=0), merchant_id=shop.merchant_id)
    template = {"name": "order_confirmation", "language": "en", "values": {}}
    with services.database.session() as session:
        words = Reply("Ok", "c2", seen_seq=0, template=template)
        message = handover.reply(session, conversation_id, ravi, words, merchant_id=shop.merchant_id)
        assert message.kind == "template"


def test_releasing_lets_the_bot_ask_again_once(services: Services, shop: Shop, talk: tuple[int, int, int]) -> None:
    conversation_id, ravi, meena = talk
    with services.database.session() as session:
        handover.take_over(session, conversation_id, ravi, merchant_id=shop.merchant_id)
    with pytest.raises(Conflict), services.database.session() as session:
        handover.release(session, conversation_id, meena)
    for _ in range(2):
        with services.database.session() as session:
            handover.release(session, conversation_id, ravi)
    with services.database.session() as session:
        events = session.exec(select(Event)).all()
        assert [(event.kind, event.payload["to"]) for event in events] == [("released", "bot")]
        assert session.exec(select(Handover)).one().outcome == "released"

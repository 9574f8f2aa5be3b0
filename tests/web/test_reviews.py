"""Reviews: found by what is in them, answered while the window is open, and never taken from a colleague."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlmodel import col, select

from bot.clock import now
from bot.models import Conversation, Handover, Member, Message, Review, Run
from bot.services import Services
from bot.web import media
from bot.whatsapp.media import File, MediaRefused
from tests.web.conftest import post
from tests.web.samples import Shop, fill

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def opinions(services: Services, shop: Shop) -> dict[str, int]:
    """Three more reviews: an angry one with a photo, a happy one with words, one with stars alone."""
    with services.database.session() as session:
        rows = {
            name: Review(
                merchant_id=shop.merchant,
                order_id=shop.orders[place],
                rating=stars,
                text=text,
                tags=tags,
                media=media,
                created_at=now(),
                updated_at=now(),
            )
            for name, place, stars, text, tags, media in (
                ("angry", 0, 1, "=torn <b>bag</b>", ["packing", "late"], [{"id": "77", "kind": "image"}]),
                ("happy", 1, 5, "बहुत अच्छा", [], []),
                ("mute", 2, 5, "", [], []),
            )
        }
        session.add_all(rows.values())
        session.flush()
        return {name: row.id or 0 for name, row in rows.items()}


def _shown(page: str) -> set[int]:
    return {int(part.split('"')[0]) for part in page.split('id="review-')[1:]}


def test_reviews_are_found_by_stars_tags_words_and_photos(
    shop: Shop, opinions: dict[str, int], sign_in: SignIn
) -> None:
    client = sign_in(shop.agent)
    everything = _shown(client.get("/reviews").text)
    assert set(opinions.values()) | {shop.review} <= everything
    for query, names in (
        ("stars=1", {"angry"}), ("stars=5", {"happy", "mute"}), ("tag=packing", {"angry"}), ("tag=size", set()),
        ("only=words&stars=5", {"happy"}), ("stars=5&tag=late", set()),
    ):  # fmt: skip
        assert _shown(client.get(f"/reviews?{query}").text) == {opinions[name] for name in names}, query
    assert opinions["angry"] in _shown(client.get("/reviews?only=photos").text)
    assert opinions["happy"] not in _shown(client.get("/reviews?only=photos").text)
    assert _shown(client.get(f"/reviews?before={opinions['happy']}").text) < everything
    for nonsense in ("stars=9", "stars=x", "tag=<b>", "only=1", "before=-1", "before=99999999999999999999"):
        assert client.get(f"/reviews?{nonsense}").status_code == 200


def test_the_words_of_a_shopper_are_words_and_nothing_else(
    shop: Shop, opinions: dict[str, int], sign_in: SignIn
) -> None:
    client = sign_in(shop.staff)
    assert "=torn &lt;b&gt;bag" in client.get("/reviews").text
    table = list(csv.DictReader(io.StringIO(client.get("/reviews/table.csv?stars=1").text.removeprefix("\ufeff"))))
    assert [row["words"] for row in table] == ["'=torn <b>bag</b>"]
    assert table[0]["tags"] == "packing late"
    assert table[0]["photos"] == "1"
    assert sign_in(shop.agent).get("/reviews/table.csv").status_code == 403


def test_an_answer_is_queued_and_the_bot_goes_on(
    services: Services, shop: Shop, opinions: dict[str, int], sign_in: SignIn
) -> None:
    client = sign_in(shop.agent)
    assert post(client, f"/reviews/{opinions['angry']}/reply", words="We are sorry.").status_code == 302
    with services.database.reader() as session:
        message = session.exec(select(Message).where(Message.author == "agent", Message.status == "queued")).one()
        assert message.body == "We are sorry."
        talk = session.get_one(Conversation, message.conversation_id)
        assert talk.owner == "bot"
        assert session.get_one(Review, opinions["angry"]).reply == "We are sorry."
    page = client.get("/reviews?stars=1").text
    assert "Your answer" in page
    assert "<textarea" not in page


def test_after_the_window_an_answer_is_explained_and_not_sent(
    services: Services, shop: Shop, opinions: dict[str, int], sign_in: SignIn
) -> None:
    with services.database.session() as session:
        for talk in session.exec(select(Conversation)):
            talk.window_until = now() - timedelta(minutes=1)
    client = sign_in(shop.owner)
    assert "The 24 hours are over" in client.get("/reviews").text
    answer = post(client, f"/reviews/{opinions['happy']}/reply", words="Thank you!")
    assert answer.status_code == 409
    assert "only a template can be sent" in answer.text
    with services.database.reader() as session:
        assert session.get_one(Review, opinions["happy"]).reply == ""
        assert session.exec(select(Message).where(Message.body == "Thank you!")).all() == []


def test_what_a_colleague_has_is_left_with_them(
    services: Services, shop: Shop, opinions: dict[str, int], sign_in: SignIn
) -> None:
    with services.database.session() as session:
        run = session.exec(select(Run).where(Run.order_id == shop.orders[0])).one()
        talk = session.get_one(Conversation, run.conversation_id)
        talk.owner, talk.agent_id = "agent", session.exec(select(Member.id).where(Member.email == shop.agent)).one()
    answer = post(sign_in(shop.owner), f"/reviews/{opinions['angry']}/reply", words="We are sorry.")
    assert answer.status_code == 409
    assert "A colleague is in this conversation" in answer.text


def test_a_complaint_that_waits_for_a_person_is_not_closed_by_an_answer(
    services: Services, shop: Shop, sign_in: SignIn
) -> None:
    # The review of the samples belongs to an order whose conversation waits in the queue.
    assert post(sign_in(shop.agent), f"/reviews/{shop.review}/reply", words="Thank you").status_code == 302
    with services.database.reader() as session:
        order_id = session.get_one(Review, shop.review).order_id
        task = session.exec(select(Handover).where(Handover.order_id == order_id)).one()
        assert task.resolved_at is None
        assert session.get_one(Conversation, task.conversation_id).owner == "agent"


def test_an_empty_or_endless_answer_is_refused(shop: Shop, opinions: dict[str, int], sign_in: SignIn) -> None:
    client = sign_in(shop.agent)
    for words in (" ", "a" * 1001):
        answer = post(client, f"/reviews/{opinions['happy']}/reply", words=words)
        assert answer.status_code == 409
        assert "1 to 1,000 characters" in answer.text


def test_a_photo_is_shown_to_its_shop_alone(
    services: Services, shop: Shop, opinions: dict[str, int], sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetched(_client: object, media_id: str, _number: str) -> File:
        asked.append(media_id)
        if media_id == "1":
            raise MediaRefused("gone")
        return File(b"\xff\xd8\xffpicture", "image/jpeg", "")

    monkeypatch.setattr(media, "fetch", fetched)
    client = sign_in(shop.staff)
    answer = client.get(f"/reviews/{opinions['angry']}/media/0")
    assert (answer.status_code, answer.mimetype, answer.data[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert client.get(f"/reviews/{opinions['angry']}/media/1").status_code == 404
    gone = client.get(f"/reviews/{shop.review}/media/0")
    assert gone.location == "/static/photo-gone.svg", "Meta keeps files for a week"
    assert client.get(gone.location).mimetype == "image/svg+xml"
    rival = fill(services, "rival")
    before = list(asked)
    assert sign_in(rival.owner).get(f"/reviews/{opinions['angry']}/media/0").status_code == 404
    assert asked == before, "not even Meta is asked"


def test_the_numbers_above_are_those_of_the_shop(
    services: Services, shop: Shop, opinions: dict[str, int], sign_in: SignIn
) -> None:
    fill(services, "rival")
    with services.database.reader() as session:
        mine = session.exec(select(Review.rating).where(col(Review.merchant_id) == shop.merchant)).all()
    average = sum(stars for stars in mine if stars) / len(mine)
    page = sign_in(shop.owner).get("/reviews").text
    assert f"<strong>{average:.1f}</strong>" in page
    assert f"{len(mine)} reviews" in page

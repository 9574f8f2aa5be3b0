"""Reviews: what shoppers thought of it, with their photos, and the shop's answer."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import case, exists, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, func, select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from bot.clock import now
from bot.database import row_id
from bot.models import Channel, Conversation, Order, OrderItem, Review, Run
from bot.orders.export import safe
from bot.talk import handover
from bot.talk.handover import Conflict, Reply, open_task_of, window_is_open
from bot.web import audit, inbox_deeds, live, masks, tenant
from bot.web import media as media_files
from bot.web.access import MERCHANT, SHOP, allow, me
from bot.whatsapp.errors import SendError
from bot.whatsapp.media import MediaRefused

blueprint = Blueprint("reviews", __name__, url_prefix="/reviews")

TAGS = ("quality", "wrong_item", "late", "size", "packing", "other")
PER_PAGE = 30
LONGEST = 1000
MOST_ROWS = 20_000
"""Of a file: beyond it a spreadsheet program is no help."""


@dataclass(frozen=True)
class Wanted:
    """Which reviews are asked for."""

    stars: int | None = None
    tag: str = ""
    only: str = ""
    """photos, words or unanswered."""
    before: int | None = None

    @classmethod
    def from_arguments(cls, given: "MultiDict[str, str]") -> "Wanted":
        """Read the address; what makes no sense in it is left out."""
        stars = given.get("stars", type=int)
        before = given.get("before", type=int)
        return cls(
            stars if stars in range(1, 6) else None,
            tag if (tag := given.get("tag", "")) in TAGS else "",
            only if (only := given.get("only", "")) in ("photos", "words", "unanswered") else "",
            before if before is not None and 0 < before < 2**31 else None,
        )


@dataclass(frozen=True)
class Shown:
    """A review with what its reader wants to know of the order."""

    review: Review
    order: Order
    goods: str
    conversation: Conversation | None
    closed: str
    """Why it cannot be answered from here: "over" (the 24 hours), "taken" (a colleague has the conversation) or ""."""


@dataclass(frozen=True)
class Summary:
    """All reviews of the shop in a few numbers."""

    count: int
    average: float
    stars: dict[int, int]
    tags: list[tuple[str, int]]
    unanswered: int


@blueprint.get("")
@allow(SHOP)
def page() -> str:
    """List the reviews, newest first."""
    state = live.state("reviews")
    return _page(Wanted.from_arguments(request.args), state)


@blueprint.get("/table.csv")
@allow(MERCHANT)
def table() -> Response:
    """Give the reviews that are shown, all of them, as a table."""
    wanted = Wanted.from_arguments(request.args)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["day", "order", "product", "stars", "tags", "words", "photos", "answer"])
    with tenant.reading() as session:
        for review, order, goods in _rows(session, wanted, MOST_ROWS):
            cells = [order.reference, goods, review.rating or "", " ".join(review.tags), masks.covered(review.text)]
            line = [f"{review.created_at:%Y-%m-%d}", *cells, len(review.media), review.reply]
            writer.writerow([safe(cell) if isinstance(cell, str) else cell for cell in line])
    return Response(
        "\ufeff" + out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="reviews.csv"'},
    )


@blueprint.get("/<int:id>/media/<int:number>")
@allow(SHOP)
def media(id: int, number: int) -> AnyResponse:  # noqa: A002
    """Hand over a photo or video of a review; it is fetched from Meta and kept nowhere.

    Meta keeps files for a week: where one is gone, the page shows a sign for it.
    """
    with tenant.reading() as session:
        review = tenant.find(session, Review, id)
        channel = session.exec(select(Channel)).first()
    if channel is None or number >= len(review.media):
        abort(404)
    try:
        file = media_files.fetched(str(review.media[number].get("id", "")), channel.phone_number_id)
    except (MediaRefused, SendError):
        return redirect(url_for("static", filename="photo-gone.svg"))
    if not media_files.kind_of(file).startswith(("image/", "video/")):
        abort(404)
    return media_files.handed_over(file, f"review-{id}-{number}", seconds=86400)


@blueprint.post("/<int:id>/reply")
@allow(SHOP)
def reply(id: int) -> AnyResponse | tuple[str, int]:  # noqa: A002
    """Answer a review on WhatsApp, in the shop's name."""
    words = request.form.get("words", "").strip()
    try:
        with tenant.writing() as session:
            review = tenant.find(session, Review, id)
            if not 0 < len(words) <= LONGEST:
                raise Conflict(_("An answer has 1 to 1,000 characters."))
            _say(session, review, words)
            audit.record(
                session, "review.answered", member_id=me().id, merchant_id=review.merchant_id, about=f"review:{id}"
            )
    except Conflict as stopped:
        return _page(Wanted.from_arguments(request.args), {}, (id, words, str(stopped))), 409
    flash(_("Your answer is on its way."), "good")
    return redirect(f"{url_for('reviews.page')}?{request.query_string.decode('ascii', 'ignore')}#review-{id}")


def _say(session: Session, review: Review, words: str) -> None:
    order = session.get_one(Order, review.order_id)
    conversation = _conversation(session, order)
    if conversation is None or not window_is_open(conversation, now()):
        raise Conflict(_("WhatsApp's 24 hours are over: only a template can be sent, from the conversation."))
    talk_id, seen, free = row_id(conversation), conversation.seq, conversation.owner == "bot"
    if conversation.owner == "agent" and conversation.agent_id != me().id:
        raise Conflict(_("A colleague is in this conversation. Ask them, or take it over in the inbox."))
    with tenant.lifted(session):
        # A complaint that waits for a person is not over because somebody said thank you.
        free = free and open_task_of(session, conversation) is None
    inbox_deeds.say(session, talk_id, Reply(words, f"review:{review.id}", seen))
    if free:
        with tenant.lifted(session):
            _give_back(session, talk_id)
    review.reply, review.updated_at = words, now()


def _give_back(session: Session, conversation_id: int) -> None:
    """Let the bot go on as before: with its open question if there is one, else quietly."""
    asking = session.exec(select(Run.id).where(Run.conversation_id == conversation_id, Run.status == "waiting")).first()
    if asking is not None:
        handover.release(session, conversation_id, me().id)
    else:
        handover.resolve(session, conversation_id, me().id, "done")


def _page(wanted: Wanted, state: dict[str, str], refused: tuple[int, str, str] | None = None) -> str:
    with tenant.reading() as session:
        rows = list(_rows(session, wanted, PER_PAGE + 1))
        shown = [_shown(session, *row) for row in rows[:PER_PAGE]]
        summary = _summary(session)
    older = shown[-1].review.id if len(rows) > PER_PAGE else None
    return render_template(
        "reviews.html", shown=shown, summary=summary, wanted=wanted, older=older, tags=TAGS, live=state, refused=refused
    )


def _rows(session: Session, wanted: Wanted, most: int) -> Iterator[tuple[Review, Order, str]]:
    statement: Any = (
        select(Review, Order)
        .join(Order, col(Order.id) == col(Review.order_id))
        .order_by(col(Review.id).desc())
        .limit(most)
    )
    if wanted.stars:
        statement = statement.where(col(Review.rating) == wanted.stars)
    if wanted.tag:
        statement = statement.where(_has_tag(session, wanted.tag))
    if wanted.only == "photos":
        statement = statement.where(_json_length(session, Review.media) > 0)
    elif wanted.only == "words":
        statement = statement.where(col(Review.text) != "")
    elif wanted.only == "unanswered":
        statement = statement.where(col(Review.reply) == "")
    if wanted.before:
        statement = statement.where(col(Review.id) < wanted.before)
    found = session.execute(statement).all()
    goods = _goods(session, [order.id or 0 for _review, order in found])
    for review, order in found:
        yield review, order, goods.get(order.id or 0, "")


def _goods(session: Session, order_ids: Sequence[int]) -> dict[int, str]:
    named: dict[int, list[str]] = {}
    for start in range(0, len(order_ids), 500):
        some = order_ids[start : start + 500]
        for order_id, name in session.exec(
            select(OrderItem.order_id, OrderItem.name)
            .where(col(OrderItem.order_id).in_(some))
            .order_by(col(OrderItem.position))
        ):
            named.setdefault(order_id, []).append(name)
    return {order_id: ", ".join(names) for order_id, names in named.items()}


def _shown(session: Session, review: Review, order: Order, goods: str) -> Shown:
    conversation = _conversation(session, order)
    closed = ""
    if conversation is None or not window_is_open(conversation, now()):
        closed = "over"
    elif conversation.owner == "agent" and conversation.agent_id != me().id:
        closed = "taken"
    return Shown(review, order, goods, conversation, closed)


def _conversation(session: Session, order: Order) -> Conversation | None:
    runs = select(Run.conversation_id).where(Run.order_id == order.id)
    return session.exec(select(Conversation).where(col(Conversation.id).in_(runs)).limit(1)).first()


def _summary(session: Session) -> Summary:
    counted = dict(session.exec(select(Review.rating, func.count()).group_by(col(Review.rating))).all())
    stars = {number: int(counted.get(number, 0)) for number in (5, 4, 3, 2, 1)}
    rated = sum(stars.values())
    unanswered, *tagged = session.execute(
        select(*(
            func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
            for condition in (col(Review.reply) == "", *(_has_tag(session, tag) for tag in TAGS))
        )).select_from(Review)
    ).one()  # fmt: skip
    tags = [(tag, int(number)) for tag, number in zip(TAGS, tagged, strict=True)]
    return Summary(
        count=sum(int(number) for number in counted.values()),
        average=sum(star * number for star, number in stars.items()) / rated if rated else 0.0,
        stars=stars,
        tags=sorted((pair for pair in tags if pair[1]), key=lambda pair: -pair[1]),
        unanswered=int(unanswered),
    )


def _has_tag(session: Session, tag: str) -> Any:
    """Whether a review carries a tag, in the JSON of either database."""
    if session.info["is_sqlite"]:
        each = func.json_each(Review.tags).table_valued("value")
        return exists(select(each.c.value).where(each.c.value == tag))
    return type_coerce(col(Review.tags), JSONB).contains([tag])


def _json_length(session: Session, column: Any) -> Any:
    return func.json_array_length(column) if session.info["is_sqlite"] else func.jsonb_array_length(column)

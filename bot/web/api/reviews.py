"""Reviews, to be read."""

from flask import Response
from flask_openapi3 import Tag
from sqlmodel import col, select

from bot.models import Review
from bot.web import tenant
from bot.web.api import pages
from bot.web.api.blueprint import blueprint, needs
from bot.web.api.keys import caller
from bot.web.api.schemas.talks import ReviewOut, ReviewPath, ReviewsPage, ReviewsQuery

REVIEWS = Tag(name="Reviews", description="What shoppers thought of it.")


@blueprint.get("/reviews", tags=[REVIEWS], responses={200: ReviewsPage})
@needs("reviews:read")
def list_reviews(query: ReviewsQuery) -> Response:
    """List reviews, newest first"""
    statement = select(Review).order_by(col(Review.id).desc()).limit(query.limit + 1)
    if query.rating_until:
        statement = statement.where(col(Review.rating) <= query.rating_until)
    if query.order_id:
        statement = statement.where(Review.order_id == query.order_id)
    if place := pages.decode(query.cursor, int):
        statement = statement.where(col(Review.id) < place[0])
    with tenant.reading(caller().merchant_id) as session:
        rows, following = pages.page(session.exec(statement).all(), query.limit, lambda review: (review.id or 0,))
    shown = ReviewsPage(items=[_shown(row) for row in rows], next=following)
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.get("/reviews/<int:review_id>", tags=[REVIEWS], responses={200: ReviewOut})
@needs("reviews:read")
def get_review(path: ReviewPath) -> Response:
    """Read a review"""
    with tenant.reading(caller().merchant_id) as session:
        shown = _shown(tenant.find(session, Review, path.review_id))
    return Response(shown.model_dump_json(), mimetype="application/json")


def _shown(row: Review) -> ReviewOut:
    facts = {name: getattr(row, name) for name in ReviewOut.model_fields if name != "photos"}
    return ReviewOut(**facts, photos=len(row.media))

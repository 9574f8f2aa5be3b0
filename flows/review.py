"""Ask how it was: after delivery only, never while a complaint is open; stars, words, photos, all in the chat.

A low score calls a person and is stored all the same.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from bot.engine import (
    CLOSE,
    JSON,
    STAY,
    Ask,
    Choice,
    Decide,
    Effect,
    End,
    Flow,
    OpenTask,
    Record,
    Replied,
    View,
    go,
    prove,
)
from bot.engine.flow import Path, Step
from flows.common import AFTER, DAY, INTERRUPTS, common_steps, on_the_way
from flows.telling import tell

TAGS = ("quality", "wrong_item", "late", "size", "packing", "other")
LOW = 2
"""Scores up to this one call a person."""
PICTURES = ("@image", "@video")


def is_over(view: View) -> bool:
    """Tell that nothing was delivered that could be reviewed."""
    return view.facts.order.status != "delivered"


def may_ask(view: View) -> str:
    """Ask only about a parcel that arrived and about which nobody complains."""
    return "settled" if is_over(view) or view.facts.complaint else "ask"


def stars(view: View) -> tuple[Choice, ...]:
    """Offer five stars, best first."""
    return tuple(Choice(f"stars:{n}", f"review.rating.choices.{n}") for n in range(5, 0, -1))


def score(view: View) -> int:
    """Return the score that was given, 1 to 5, or 0: by a row, a number, stars, a word or an emoji."""
    if view.choice.isdigit():
        return int(view.choice)
    acts = view.event.acts if isinstance(view.event, Replied) else ()
    for act in acts:
        rating = act.slots.get("rating")
        if isinstance(rating, int | float) and not isinstance(rating, bool):
            return min(5, max(1, round(rating)))
    return 0


def rated(view: View) -> Iterable[Effect]:
    """Record the score; a low one calls a person."""
    given = score(view)
    if given:
        yield Record("rating", given)
        if given <= LOW:
            yield OpenTask("low_rating")
    yield from said(view)


def said(view: View) -> Iterable[Effect]:
    """Record words that came along, and pictures."""
    event = view.event
    if not isinstance(event, Replied):
        return
    if event.media is not None:
        yield Record("review_media", {"id": event.media.id, "kind": event.media.kind})
        if event.media.caption:
            yield Record("review_text", event.media.caption)
    elif any(act.kind in ("review_text", "complaint_damaged", "return_refund") for act in event.acts):
        yield Record("review_text", event.text)


def words(view: View) -> Iterable[Effect]:
    """Record any words."""
    if isinstance(view.event, Replied) and view.event.text.strip():
        yield Record("review_text", view.event.text)


def any_words(view: View) -> str | None:
    """Take any text for a review."""
    return "@words" if isinstance(view.event, Replied) and view.event.text.strip() else None


def remember(view: View) -> Mapping[str, JSON]:
    """Remember the score for what is asked next."""
    return {"score": score(view)} if score(view) else {}


def after_score(view: View) -> str:
    """Choose what to ask next."""
    given = view.data.get("score")
    return "bad" if isinstance(given, int) and 0 < given <= LOW else "good"


def tagged(view: View) -> Iterable[Effect]:
    """Record what was wrong."""
    yield Record("review_tag", view.choice)


def tags(view: View) -> tuple[Choice, ...]:
    """Offer what may have been wrong."""
    return tuple(Choice(f"tag:{name}", f"review.wrong.choices.{name}") for name in TAGS)


RATED = go("scored", rated, keep=remember)
COMPLAINS = go("complaint", rated, keep=remember)
MORE: Mapping[str, Path] = {
    "review_rating": go("thanked", rated, keep=remember),
    "review_text": go("thanked", words),
    "@words": go("thanked", words),
    "out_of_scope": go("thanked", words),
    "address_fragment": go("thanked", words),
    "confirm": "thanked",
    "greeting_thanks": "thanked",
    "complaint_damaged": go("complaint", words),
    **dict.fromkeys(PICTURES, go("thanked", said)),
}
"""What may follow a score."""

QUESTION: tuple[Step, ...] = (
    Decide("begin", may_ask, {"ask": "rating", "settled": "settled"}),
    Ask(
        "rating",
        form="list",
        offer=stars,
        on={"stars": RATED},
        hear={
            "review_rating": RATED,
            "complaint_damaged": COMPLAINS,
            "review_text": go(STAY, said, say="review.noted"),
            **dict.fromkeys(PICTURES, go(STAY, said, say="review.noted")),
        },
        patience=(timedelta(hours=24), timedelta(hours=48)),
        remind_if=lambda view: view.facts.seen,
        silent=CLOSE,
        template="review_request",
        reminder="review_reminder",
        listens="rating",
    ),
    Decide("scored", after_score, {"bad": "wrong", "good": "words"}),
    Ask("words", on={"done": "thanked"}, hear=MORE, read=any_words, patience=DAY, silent=CLOSE, listens="review"),
    Ask(
        "wrong",
        form="list",
        offer=tags,
        on={"tag": go("sorry", tagged)},
        hear={**MORE, "@words": go("sorry", words), "review_text": go("sorry", words)},
        read=any_words,
        patience=DAY,
        silent=CLOSE,
        listens="review",
    ),
    End("thanked", quiet=True, react="🙏", hear=MORE, read=any_words, listens="review"),
    End("sorry", hear=MORE, read=any_words, listens="review"),
    End(
        "unanswered",
        quiet=True,
        texts="review.rating",
        hear={**MORE, "review_rating": RATED, "complaint_damaged": COMPLAINS},
        listens="rating",
    ),
)

FLOW = prove(
    Flow(
        name="review",
        version=1,
        entry="begin",
        gone="gone",
        lost="not_understood",
        settled="settled",
        unanswered="unanswered",
        undeliverable="unanswered",
        closed=is_over,
        values=tell,
        interrupts=INTERRUPTS,
        late={"stars": RATED, "tag": go(STAY, tagged, say="review.noted")},
        changed={"returned": "settled"},
        steps=(*QUESTION, End("gone", say=on_the_way, hear=AFTER), *common_steps({})),
    )
)

"""What the demo's shoppers and the bot said to each other, in the words that the bot really uses."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.database import row_id
from bot.demo.tales import NO, PLACES, SURE, YES, Said, Tale
from bot.engine import Item, Items, Money, Text, Value
from bot.models import Contact, Conversation, Message, Order, Receipt, Run
from bot.text import render, template_values
from bot.whatsapp.catalogue import catalogue

REGION = "IN"
UNDELIVERABLE = 131026
"""Meta's code for a number that is not on WhatsApp."""


@dataclass
class Life:
    """A tale with its rows, as they come to be."""

    tale: Tale
    goods: str
    phone: str
    contact: Contact
    order: Order
    reviewed_at: datetime | None = None
    talk: Conversation | None = None
    run: Run | None = None
    review_run: Run | None = None


@dataclass(frozen=True)
class _Line:
    """One bubble before it is a row."""

    said: Said
    at: datetime
    run: Run | None
    template: str = ""
    choices: tuple[str, ...] = ()


def bubbles_of(life: Life, shop: str, draw: random.Random) -> Iterator[Message]:
    """Yield the messages of one conversation, oldest first; its rows know how many there are afterwards."""
    order, talk = life.order, life.talk
    if talk is None:
        return
    lines = [*_about_the_order(life, shop, draw), *_about_the_review(life, shop)]
    for seq, line in enumerate(lines, start=1):
        heard = line.said.author == "shopper"
        yield Message(
            conversation_id=row_id(talk),
            merchant_id=order.merchant_id,
            run_id=line.run.id if line.run else None,
            order_id=order.id,
            direction="in" if heard else "out",
            author=line.said.author,
            key=f"demo:{order.reference}:{seq}",
            seq=seq,
            kind="template" if line.template else "text",
            body=line.said.words,
            choices=[{"id": "", "title": title} for title in line.choices],
            extra={"understood": _understood(line.said)} if heard and line.said.read else {},
            status="received" if heard else _tick(order, seq == 1, draw),
            error_code=UNDELIVERABLE if order.intent == "unreachable" else None,
            turn=1 if line.template else None,
            created_at=line.at,
            sent_at=None if heard else line.at,
        )
    talk.seq = len(lines)
    heard_at = max((line.at for line in lines if line.said.author == "shopper"), default=None)
    talk.window_until = heard_at + timedelta(hours=24) if heard_at else None


def receipts_of(bubble: Message) -> Iterator[Receipt]:
    """Yield what Meta said of a bubble of ours."""
    if bubble.status in ("delivered", "read"):
        yield Receipt(message_id=row_id(bubble), status="delivered", at=bubble.created_at + timedelta(seconds=2),
                      category="utility" if bubble.kind == "template" else "service", billable=True)  # fmt: skip
    if bubble.status == "read":
        yield Receipt(message_id=row_id(bubble), status="read", at=bubble.created_at + timedelta(minutes=3))


def _about_the_order(life: Life, shop: str, draw: random.Random) -> Iterator[_Line]:
    order, tale = life.order, life.tale
    first = _template("order_confirmation", tale.locale, _values(life, shop, _masked(tale.place or 0)))
    place = _masked(tale.place or 0) if tale.new_place is None else _written_out(tale.new_place)
    values = _values(life, shop, place)
    usual = _usual(order, tale, draw) if tale.said is None else tale.said
    moment = order.asked_at or order.created_at
    yield _Line(Said("bot", first[0]), moment, life.run, "order_confirmation", first[1])
    heard = sum(said.author == "shopper" for said in usual)
    pause = ((order.answered_at or moment + timedelta(hours=3)) - moment) / max(1, heard)
    for said in usual:
        if said.author == "shopper":
            moment += pause
            yield _Line(said, moment, life.run)
        else:
            # The bot answers at once, and reminds after a while whoever has said nothing.
            moment += timedelta(seconds=3) if heard else pause
            yield _Line(Said("bot", render(said.words, values, tale.locale, REGION)), moment, life.run)


def _about_the_review(life: Life, shop: str) -> Iterator[_Line]:
    tale, at = life.tale, life.reviewed_at
    if at is None:
        return
    values = _values(life, shop, "")
    first = _template("review_request", tale.locale, values)
    asked = "review.wrong.text" if tale.is_unhappy else "review.words.text"
    yield _Line(Said("bot", first[0]), at - timedelta(minutes=9), life.review_run, "review_request", first[1])
    rated = Said("shopper", render(f"review.rating.choices.{tale.stars}", {}, tale.locale, REGION))
    yield _Line(rated, at - timedelta(minutes=2), life.review_run)
    yield _Line(Said("bot", render(asked, values, tale.locale, REGION)), at - timedelta(minutes=1), life.review_run)
    if tale.opinion:
        yield _Line(Said("shopper", tale.opinion, "review_text"), at, life.review_run)
        if tale.is_unhappy:
            sorry = Said("bot", render("review.sorry.text", values, tale.locale, REGION))
            yield _Line(sorry, at + timedelta(seconds=5), life.review_run)


def _usual(order: Order, tale: Tale, draw: random.Random) -> Sequence[Said]:
    """Return what is said after the question by whoever has no story of their own; our words are keys of texts."""
    title = f"order_confirmation.confirm.choices.{'confirm' if tale.new_place is None else 'change_address'}"
    tap = Said("shopper", render(title, {}, tale.locale, REGION))
    match tale.intent:
        case "confirmed" if tale.new_place is not None:
            new = _written_out(tale.new_place)
            yes = Said("shopper", render("address.read_back.choices.yes", {}, tale.locale, REGION))
            return (
                tap, Said("bot", "address.full.text"), Said("shopper", new, "address_fragment", 0.95),
                Said("bot", "address.read_back.text"), yes, Said("bot", "order_confirmation.confirmed.text"),
            )  # fmt: skip
        case "confirmed":
            typed = draw.choice((None, *YES[tale.locale]))
            answer = Said("shopper", typed, "confirm", SURE["confirm"]) if typed else tap
            return answer, Said("bot", "common.accepted"), Said("bot", "order_confirmation.confirmed.text")
        case "cancelled":
            said = Said("shopper", NO[order.cancel_reason], "cancel", SURE["cancel"])
            return said, Said("bot", "cancel.cancelled.again"), Said("bot", "cancel.noted.text")
        case "denied":
            said = Said("shopper", "not mine, wrong number", "not_my_order", SURE["not_my_order"])
            return said, Said("bot", "wrong_number.text")
        case "opted_out":
            return Said("shopper", "STOP"), Said("bot", "stop.stopped.text")
        case "silent":
            return (Said("bot", "order_confirmation.confirm.remind"),)
    return ()


def _values(life: Life, shop: str, address: str) -> dict[str, Value]:
    order = life.order
    return {
        "name": order.shopper_name.split()[0],
        "shop": shop,
        "order": order.reference,
        "items": Items((Item(life.goods),)),
        "amount": Money(order.amount, order.currency),
        "address": address,
        "hours": Text("common.working_hours"),
    }


def _masked(place: int) -> str:
    """Write a place as it is shown to whoever answers a number that may be wrong."""
    _line, _area, city, _state, code = PLACES[place]
    return ", ".join(part for part in ("…", city, f"{code[:-2]}xx" if code else "") if part)


def _written_out(place: int) -> str:
    """Write a place as a shopper would."""
    line, area, city, _state, code = PLACES[place]
    return ", ".join(part for part in (line, area, city, code) if part)


def _template(name: str, locale: str, values: Mapping[str, Value]) -> tuple[str, tuple[str, ...]]:
    """Return the words and the buttons of a template."""
    template = catalogue().find(name, locale)
    if template is None:
        return "", ()
    return template.read(template_values(name, locale, values, REGION)), template.buttons


def _understood(said: Said) -> list[dict[str, object]]:
    return [{"kind": said.read, "slots": {}, "confidence": said.sure}]


def _tick(order: Order, first: bool, draw: random.Random) -> str:
    if order.intent == "unreachable":
        return "failed"
    if order.intent == "silent":
        return draw.choice(("delivered", "read", "delivered"))
    return "read" if first else draw.choice(("read", "read", "delivered"))

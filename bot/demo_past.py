"""The demo's past: what a shop with some weeks of life looks like, written straight into the tables.

Made-up shoppers with numbers from a range where nobody lives. What is still open is either decided on or waits for a
person, so that no sweep finds anything forgotten; nothing here is ready to leave, so that a courier's file holds only
what the visitor's own lists bring.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlmodel import Session, SQLModel

from bot.addresses import Address, Report, check
from bot.database import row_id
from bot.demo_tales import BLAME, FIRST_NAMES, GOODS, LAST_NAMES, NO, PLACES, PRAISE, YES, Tale, today, weeks
from bot.engine import Item, Items, Money
from bot.models import (
    AddressVersion,
    Contact,
    Conversation,
    Handover,
    Identity,
    Member,
    Merchant,
    Message,
    Order,
    OrderItem,
    Receipt,
    Review,
    Run,
)
from bot.orders.changes import findings_of
from bot.orders.decisions import Case, Odds, decide
from bot.orders.rules import Rules
from bot.talk.contacts import shard_of
from bot.text import write
from bot.whatsapp.catalogue import catalogue

FIRST = 881
"""The first order number; the sample list goes on where these end."""
NUMBERS = 919000020000
"""Phone numbers follow this one."""
FLOW, VERSION, RESUME = "order_confirmation", 1, "confirm"
"""The talk that everybody had, and the question that is open where a person is waited for."""
UNDELIVERABLE = 131026
"""Meta's code for a number that is not on WhatsApp."""


@dataclass(frozen=True)
class Phone:
    """A simulated phone: whose it is, and what it writes first."""

    number: str
    name: str
    words: str = ""


def write_past(session: Session, merchant: Merchant, agent: Member, at: datetime, shards: int) -> list[Phone]:
    """Write some weeks of orders, talks, decisions and reviews; return the phones that are worth having."""
    assert merchant.channel_id is not None  # noqa: S101  # The caller has seen it.
    draw = random.Random(7)  # noqa: S311  # The demo is the same everywhere.
    tales = [*weeks(draw), *today()]
    tales.sort(key=lambda tale: -tale.age)
    return _Writer(session, merchant, agent, at, draw, shards).write(tales)


@dataclass
class _Lived:
    """A tale with its rows, as they come to be."""

    tale: Tale
    goods: str
    phone: str
    contact: Contact
    order: Order
    talk: Conversation | None = None
    run: Run | None = None


class _Writer:
    """Turns tales into rows, kind by kind: one order at a time would take seconds."""

    def __init__(
        self, session: Session, merchant: Merchant, agent: Member, at: datetime, draw: random.Random, shards: int
    ) -> None:
        self.session = session
        self.merchant = merchant
        self.agent = agent
        self.at = at
        self.draw = draw
        self.zone = ZoneInfo(merchant.timezone)
        self.rules = Rules.from_json(merchant.rules)
        self.shards = shards

    def write(self, tales: Sequence[Tale]) -> list[Phone]:
        """Write all; return the phones of those who are still in touch."""
        lives = [self._begin(number, tale) for number, tale in enumerate(tales)]
        self._add(life.contact for life in lives)
        for life in lives:
            life.order.contact_id = life.contact.id
        self._add(life.order for life in lives)
        spoken = [life for life in lives if life.tale.intent != "held_out"]
        for life in spoken:
            life.talk = self._talk(life)
        self._add(life.talk for life in spoken if life.talk)
        for life in spoken:
            life.run = self._run(life)
        self._add(life.run for life in spoken if life.run)
        bubbles = [bubble for life in spoken for bubble in self._bubbles(life)]
        self._add(bubbles)
        self._add(row for life in lives for row in self._rest(life))
        self._add(receipt for bubble in bubbles for receipt in _receipts(bubble))
        return [
            Phone(life.phone, life.order.shopper_name, life.tale.live)
            for life in lives
            if life.tale.live or life.order.status in ("open", "shipped", "out_for_delivery")
        ]

    def _add(self, rows: Iterable[SQLModel]) -> None:
        self.session.add_all(rows)
        self.session.flush()

    def _begin(self, number: int, tale: Tale) -> _Lived:
        draw, at = self.draw, self.at
        came = at - tale.age
        name = tale.name or f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}"
        goods, price = GOODS[draw.randrange(len(GOODS)) if tale.goods is None else tale.goods]
        phone = f"+{NUMBERS + number}"
        more = dict(tale.more)
        cutoff, wait = more.pop("cutoff", None), more.pop("wait", None)
        asked = None if tale.intent == "held_out" else came + timedelta(minutes=10)
        answered = self._answered(tale, asked)
        ended = min(at, came + timedelta(days=6)) if tale.status in ("delivered", "returned") else None
        order = Order(
            merchant_id=row_id(self.merchant),
            reference=f"#{FIRST + number}",
            placed_at=came,
            shopper_name=name,
            phone="" if tale.intent == "denied" else phone,
            amount=price * 100,
            intent=tale.intent,
            status=tale.status,
            address_changed=tale.new_place is not None,
            not_before=self._day(wait) if wait else None,
            ask_at=asked,
            asked_at=asked,
            answered_at=answered,
            cutoff_at=at + cutoff
            if cutoff
            else self.rules.next_cutoff(at if tale.status == "open" else came, self.zone),
            created_at=came,
            updated_at=ended or answered or at,
            **more,
        )
        self._decide(order, self._addresses_score(tale), answered)
        contact = Contact(
            channel_id=self.merchant.channel_id or 0,
            name=name,
            locale=tale.locale if answered or tale.said else None,
            created_at=came,
        )
        return _Lived(tale, goods, phone, contact, order)

    def _rest(self, life: _Lived) -> Iterator[SQLModel]:
        """Yield what hangs on the order."""
        order, tale = life.order, life.tale
        yield OrderItem(order_id=row_id(order), position=1, name=life.goods, price=order.amount)
        yield from self._addresses(order, tale)
        if life.talk:
            yield Identity(
                channel_id=life.contact.channel_id,
                contact_id=row_id(life.contact),
                scheme="phone",
                value=life.phone[1:],
            )
        if life.talk and tale.task:
            yield Handover(
                merchant_id=order.merchant_id, conversation_id=row_id(life.talk), order_id=order.id,
                run_id=life.run.id if life.run else None, reason=tale.task, opened_at=self.at - timedelta(minutes=40),
            )  # fmt: skip
        if tale.stars:
            yield from self._review(order, tale.stars)

    def _answered(self, tale: Tale, asked: datetime | None) -> datetime | None:
        if asked is None or tale.intent not in ("confirmed", "cancelled", "denied"):
            return None
        # Half of those who answer do so within twenty minutes, some after a night.
        return min(asked + timedelta(minutes=self.draw.lognormvariate(3.0, 1.5)), self.at - timedelta(minutes=5))

    def _day(self, days: int) -> date:
        return (self.at.astimezone(self.zone) + timedelta(days=days)).date()

    def _addresses_score(self, tale: Tale) -> int:
        if tale.place is None:
            tale.place = self.draw.randrange(len(PLACES))
        return _report(tale.place if tale.new_place is None else tale.new_place).score

    def _decide(self, order: Order, score: int, answered: datetime | None) -> None:
        case = Case("open", order.intent, order.readiness, order.amount, order.currency, order.cancel_reason,
                    order.not_before, score, 24.0)  # fmt: skip
        made = decide(case, self.rules, Odds(), self.at.astimezone(self.zone).date())
        if made is None:
            return
        order.decision, order.decision_reason, order.decision_sum = made.decision, made.reason, dict(made.sum)
        order.decided_by = "shopper" if made.answered else "rule"
        order.decided_at = answered or min(self.at, order.created_at + timedelta(hours=26))
        if order.status != "open" and order.status != "cancelled" and order.decision != "ship":
            # What has left was decided on by somebody who called.
            order.decision, order.decided_by, order.decision_reason = "ship", "agent", ""
            order.decision_sum = {"by_hand": True}

    def _addresses(self, order: Order, tale: Tale) -> Iterator[AddressVersion]:
        places = [tale.place or 0] + ([] if tale.new_place is None else [tale.new_place])
        for version, place in enumerate(places, start=1):
            report = _report(place)
            yield AddressVersion(
                order_id=row_id(order),
                version=version,
                given_by="order" if version == 1 else "shopper",
                parts=_parts(place),
                score=report.score,
                findings=findings_of(report),
                created_at=order.created_at if version == 1 else order.answered_at or order.created_at,
            )

    def _talk(self, life: _Lived) -> Conversation:
        waits, contact, order = bool(life.tale.task), life.contact, life.order
        return Conversation(
            channel_id=contact.channel_id,
            contact_id=row_id(contact),
            shard=shard_of(row_id(contact), self.shards),
            owner="queue" if waits else "bot",
            waiting_since=self.at - timedelta(minutes=40) if waits else None,
            created_at=order.asked_at or order.created_at,
            last_at=order.updated_at,
        )

    def _run(self, life: _Lived) -> Run:
        waits, order = bool(life.tale.task), life.order
        step = {"wants_person": "person", "address_unclear": "not_understood"}.get(life.tale.task, "settled")
        state = {
            "flow": FLOW, "version": VERSION, "step": step, "turn": 1, "since": 1, "nth": 0, "misses": 0,
            "resume": RESUME if waits else "", "status": "handed_over" if waits else "done", "data": {},
        }  # fmt: skip
        return Run(
            merchant_id=order.merchant_id,
            conversation_id=row_id(life.talk) if life.talk else 0,
            order_id=row_id(order),
            flow=FLOW,
            version=VERSION,
            step=step,
            turn=1,
            state=state,
            status=str(state["status"]),
            created_at=order.asked_at or order.created_at,
            updated_at=order.updated_at,
            ended_at=None if waits else order.updated_at,
        )

    def _bubbles(self, life: _Lived) -> Iterator[Message]:
        order, tale, talk = life.order, life.tale, life.talk
        if talk is None:
            return
        template = catalogue().find("order_confirmation", tale.locale)
        values = {
            "name": order.shopper_name.split()[0],
            "shop": self.merchant.name,
            "order": order.reference,
            "items": write(Items((Item(life.goods),)), tale.locale, "IN"),
            "amount": write(Money(order.amount, "INR"), tale.locale, "IN"),
            "address": f"…, {PLACES[tale.place or 0][2]}",
        }
        said = [("bot", template.read(values) if template else "")]
        said += tale.said if tale.said is not None else self._usual(order, tale)
        moment = order.asked_at or order.created_at
        step = ((order.answered_at or moment + timedelta(hours=3)) - moment) / max(1, len(said) - 1)
        for seq, (author, body) in enumerate(said, start=1):
            first, heard = seq == 1, author == "shopper"
            status = "received" if heard else self._tick(order, first)
            yield Message(
                conversation_id=row_id(talk),
                merchant_id=order.merchant_id,
                run_id=life.run.id if life.run else None,
                order_id=order.id,
                direction="in" if heard else "out",
                author=author,
                key=f"demo:{order.reference}:{seq}",
                seq=seq,
                kind="template" if first else "text",
                body=body,
                choices=[{"id": "", "title": title} for title in template.buttons] if first and template else [],
                status=status,
                error_code=UNDELIVERABLE if status == "failed" else None,
                turn=1 if first else None,
                created_at=moment,
                sent_at=None if heard else moment,
            )
            moment += step
        talk.seq = len(said)
        if len(said) > 1 and said[-1][0] == "shopper":
            talk.window_until = moment - step + timedelta(hours=24)

    def _usual(self, order: Order, tale: Tale) -> list[tuple[str, str]]:
        name, reference = order.shopper_name.split()[0], order.reference
        if tale.intent == "confirmed":
            if tale.new_place is None:
                return [("shopper", self.draw.choice(YES)), ("bot", f"Thank you! Order {reference} is confirmed.")]
            line, area, city, _state, code = PLACES[tale.new_place]
            new = ", ".join(part for part in (line, area, city, code) if part)
            return [
                ("shopper", "Change address"),
                ("bot", f"Where shall order {reference} go?"),
                ("shopper", new),
                ("bot", f"Thank you! Order {reference} goes to: {new}."),
            ]
        if tale.intent == "cancelled":
            return [
                ("shopper", NO[order.cancel_reason]),
                ("bot", f"Order {reference} is cancelled. Thank you for telling us."),
            ]
        if tale.intent == "denied":
            return [
                ("shopper", "not mine, wrong number"),
                ("bot", "Sorry to have disturbed you. We will not write again."),
            ]
        if tale.intent == "opted_out":
            return [("shopper", "STOP"), ("bot", "You get no more messages from us. Your order is not affected.")]
        if tale.intent == "silent":
            return [("bot", f"Hello {name}, a short reminder: order {reference} is waiting for your answer.")]
        return []

    def _tick(self, order: Order, first: bool) -> str:
        if order.intent == "unreachable":
            return "failed"
        if order.intent == "silent":
            return self.draw.choice(("delivered", "read", "delivered"))
        return "read" if first else self.draw.choice(("read", "read", "delivered"))

    def _review(self, order: Order, stars: int) -> Iterator[SQLModel]:
        tag = self.draw.choice(tuple(BLAME)) if stars <= 3 else ""
        came = min(order.updated_at + timedelta(hours=self.draw.uniform(3, 40)), self.at - timedelta(hours=2))
        yield Review(
            merchant_id=order.merchant_id,
            order_id=row_id(order),
            rating=stars,
            text=BLAME[tag] if tag else self.draw.choice(PRAISE),
            tags=[tag] if tag else [],
            reply="We are sorry. A new one is on its way to you." if stars == 1 else "",
            created_at=came,
            updated_at=came,
        )


def _receipts(bubble: Message) -> Iterator[Receipt]:
    if bubble.status in ("delivered", "read"):
        yield Receipt(message_id=row_id(bubble), status="delivered", at=bubble.created_at + timedelta(seconds=2),
                      category="utility" if bubble.kind == "template" else "service", billable=True)  # fmt: skip
    if bubble.status == "read":
        yield Receipt(message_id=row_id(bubble), status="read", at=bubble.created_at + timedelta(minutes=3))


def _address(place: int) -> Address:
    line, area, city, state, code = PLACES[place]
    return Address(address1=line, address2=area, city=city, state=state, postal_code=code, country="IN")


@cache
def _report(place: int) -> Report:
    """Hundreds of orders go to a few dozen places."""
    return check(_address(place))


def _parts(place: int) -> dict[str, str]:
    return {name: value for name, value in asdict(_address(place)).items() if isinstance(value, str) and value}

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
from bot.demo.tales import BLAME, FIRST_NAMES, GOODS, LAST_NAMES, PLACES, PRAISE, Tale, today, weeks
from bot.demo.talks import Life, bubbles_of, receipts_of
from bot.engine import State
from bot.models import (
    AddressVersion,
    Contact,
    Conversation,
    Handover,
    Identity,
    Merchant,
    Order,
    OrderItem,
    Review,
    Run,
)
from bot.orders.changes import findings_of
from bot.orders.decisions import Case, Odds, decide
from bot.orders.rules import Rules
from bot.orders.samples import FIRST_ORDER
from bot.talk.contacts import shard_of

NUMBERS = 919000020000
"""Phone numbers follow this one."""
FLOW, VERSION, RESUME = "order_confirmation", 1, "confirm"
"""The talk that everybody had, and the question that is open where a person is waited for."""


@dataclass(frozen=True)
class Phone:
    """A simulated phone: whose it is, and what it writes first."""

    number: str
    name: str
    words: str = ""
    photo: str = ""


def write_past(session: Session, merchant: Merchant, at: datetime, shards: int) -> list[Phone]:
    """Write some weeks of orders, talks, decisions and reviews; return the phones that are worth having."""
    assert merchant.channel_id is not None  # noqa: S101  # The caller has seen it.
    draw = random.Random(7)  # noqa: S311  # The demo is the same everywhere.
    tales = [*weeks(draw), *today()]
    tales.sort(key=lambda tale: -tale.age)
    return _Writer(session, merchant, at, draw, shards).write(tales)


class _Writer:
    """Turns tales into rows, kind by kind: one order at a time would take seconds."""

    def __init__(self, session: Session, merchant: Merchant, at: datetime, draw: random.Random, shards: int) -> None:
        self.session = session
        self.merchant = merchant
        self.at = at
        self.draw = draw
        self.zone = ZoneInfo(merchant.timezone)
        self.rules = Rules.from_json(merchant.rules)
        self.shards = shards

    def write(self, tales: Sequence[Tale]) -> list[Phone]:
        """Write all; return the phones of those who are still in touch."""
        # The sample list goes on where these end.
        first = FIRST_ORDER - len(tales)
        lives = [self._begin(number, first + number, tale) for number, tale in enumerate(tales)]
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
            life.review_run = self._review_run(life)
        self._add(life.run for life in spoken if life.run)
        self._add(life.review_run for life in spoken if life.review_run)
        bubbles = [bubble for life in spoken for bubble in bubbles_of(life, self.merchant.name, self.draw)]
        self._add(bubbles)
        self._add(row for life in lives for row in self._rest(life))
        self._add(receipt for bubble in bubbles for receipt in receipts_of(bubble))
        return [
            Phone(life.phone, life.order.shopper_name, life.tale.live, life.tale.photo)
            for life in lives
            if life.tale.live or life.tale.photo or life.order.status in ("open", "shipped", "out_for_delivery")
        ]

    def _add(self, rows: Iterable[SQLModel]) -> None:
        self.session.add_all(rows)
        self.session.flush()

    def _begin(self, number: int, reference: int, tale: Tale) -> Life:
        draw, at = self.draw, self.at
        came = at - tale.age
        name = tale.name or f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}"
        goods, price = GOODS[draw.randrange(len(GOODS)) if tale.goods is None else tale.goods]
        phone = f"+{NUMBERS + number}"
        more = dict(tale.more)
        cutoff, wait = more.pop("cutoff", None), more.pop("wait", None)
        asked = None if tale.intent == "held_out" else came + timedelta(minutes=10)
        answered = self._answered(tale, asked)
        ended = came + min(tale.age * 0.7, timedelta(days=6)) if tale.status in ("delivered", "returned") else None
        order = Order(
            merchant_id=row_id(self.merchant),
            reference=f"#{reference}",
            placed_at=came,
            shopper_name=name,
            phone="" if tale.intent == "denied" else phone,
            amount=price * 100,
            intent=tale.intent,
            status=tale.status,
            reached=_reached(tale, came, ended),
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
        return Life(tale, goods, phone, contact, order, self._reviewed(tale, ended))

    def _rest(self, life: Life) -> Iterator[SQLModel]:
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
        if life.reviewed_at and tale.stars:
            yield _review(order, tale, life.reviewed_at)

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

    def _talk(self, life: Life) -> Conversation:
        waits, contact, order = bool(life.tale.task), life.contact, life.order
        return Conversation(
            channel_id=contact.channel_id,
            contact_id=row_id(contact),
            shard=shard_of(row_id(contact), self.shards),
            owner="queue" if waits else "bot",
            waiting_since=self.at - timedelta(minutes=40) if waits else None,
            created_at=order.asked_at or order.created_at,
            last_at=life.reviewed_at or order.updated_at,
        )

    def _run(self, life: Life) -> Run:
        """Return the talk about the order."""
        waits, order = bool(life.tale.task), life.order
        step = {"wants_person": "person", "address_unclear": "not_understood"}.get(life.tale.task, "settled")
        state = State(FLOW, VERSION, step, turn=1, since=1, resume=RESUME if waits else "",
                      status="handed_over" if waits else "done")  # fmt: skip
        return _run_of(life, state, order.asked_at or order.created_at, order.updated_at)

    def _review_run(self, life: Life) -> Run | None:
        """Return the talk about how it was, if there was one: it still takes words and photos."""
        if life.reviewed_at is None:
            return None
        step = "sorry" if life.tale.is_unhappy else "thanked"
        state = State("review", 1, step, turn=2, since=2, status="done", data={"score": life.tale.stars})
        return _run_of(life, state, life.reviewed_at - timedelta(minutes=9), life.reviewed_at)

    def _reviewed(self, tale: Tale, delivered: datetime | None) -> datetime | None:
        """Return when the review came, if it did by now, and make up what it says."""
        if tale.stars is None or delivered is None:
            return None
        if tale.opinion is None:
            tag = self.draw.choice(tuple(BLAME)) if tale.stars <= 3 else ""
            tale.opinion = BLAME[tag] if tag else self.draw.choice(PRAISE)
        if tale.photo:
            return self.at - timedelta(minutes=self.draw.uniform(20, 200))
        came = delivered + timedelta(hours=self.draw.uniform(25, 60))
        return came if came < self.at - timedelta(hours=5) else None


def _reached(tale: Tale, came: datetime, ended: datetime | None) -> dict[str, dict[str, str]]:
    """Return when the parcel came where."""
    left = came + min(tale.age * 0.4, timedelta(hours=30))
    found = {"shipped": (left, "merchant")} if tale.status not in ("open", "cancelled") else {}
    if tale.status == "out_for_delivery" or ended:
        found["out_for_delivery"] = (ended - timedelta(hours=5) if ended else left + tale.age * 0.4, "courier")
    if ended:
        found[tale.status] = (ended, "courier")
    return {status: {"at": at.isoformat(), "by": by} for status, (at, by) in found.items()}


def _run_of(life: Life, state: State, begun: datetime, at: datetime) -> Run:
    return Run(
        merchant_id=life.order.merchant_id,
        conversation_id=row_id(life.talk) if life.talk else 0,
        order_id=row_id(life.order),
        flow=state.flow,
        version=state.version,
        step=state.step,
        turn=state.turn,
        state=state.to_json(),
        status=state.status,
        created_at=begun,
        updated_at=at,
        ended_at=at if state.status == "done" else None,
    )


def _review(order: Order, tale: Tale, came: datetime) -> Review:
    return Review(
        merchant_id=order.merchant_id,
        order_id=row_id(order),
        rating=tale.stars,
        text=tale.opinion or "",
        tags=[tag for tag, words in BLAME.items() if words == tale.opinion],
        reply="We are sorry. A new one is on its way to you." if tale.stars == 1 else "",
        created_at=came,
        updated_at=came,
    )


def _address(place: int) -> Address:
    line, area, city, state, code = PLACES[place]
    return Address(address1=line, address2=area, city=city, state=state, postal_code=code, country="IN")


@cache
def _report(place: int) -> Report:
    """Hundreds of orders go to a few dozen places."""
    return check(_address(place))


def _parts(place: int) -> dict[str, str]:
    return {name: value for name, value in asdict(_address(place)).items() if isinstance(value, str) and value}

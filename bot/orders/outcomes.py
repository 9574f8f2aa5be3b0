"""Record what shoppers, agents, merchants, couriers and rules make of an order: they all use this one door."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlmodel import Session, col

from bot.clock import now
from bot.hooks import events
from bot.jobs import DRAIN, Bell
from bot.models import AddressVersion, Audit, Conversation, Merchant, Order, Run
from bot.models.orders import DECISIONS, INTENTS, ORDER_STATUSES, READINESS
from bot.orders.decisions import Case, decide, ships_on
from bot.orders.history import odds_of
from bot.orders.rules import Rules

BY = ("shopper", "agent", "merchant", "courier", "rule")
PEOPLE = ("agent", "merchant")

_ONE_OF = {"intent": INTENTS, "readiness": READINESS, "decision": DECISIONS, "status": ORDER_STATUSES}
_TEXTS = (
    "cancel_reason",
    "cancel_note",
    "wish",
    "decision_reason",
    "slot",
    "receiver",
    "instructions",
    "alternate_phone",
)
_OTHERS = ("not_before", "confidence", "address_changed")
CHANGEABLE = (*_ONE_OF, *_TEXTS, *_OTHERS)

_ANSWERS = ("confirmed", "cancelled", "denied")
_WAY = {status: place for place, status in enumerate(ORDER_STATUSES)}
_DECIDING = {"intent", "readiness", "not_before", "address_changed", "status", "cancel_reason"}
_LONGEST = 1000


def record(
    session: Session,
    order: Order,
    *,
    by: str,
    at: datetime,
    member_id: int | None = None,
    bell: Bell | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Change what is known and wanted of an order; return the changes that took effect, with those that followed.

    The caller holds the order's row lock. `by` is one of `BY`; the names of `changes` are those of `CHANGEABLE`.
    A change that nobody may make any more (a shopper cancels a parcel that has left, a rule overrides an answer, a
    courier's late report) does not take effect and is not in the answer. After a change that matters the decision
    is made anew, unless `decision` is among the changes. Talks that wait learn of what other hands did through an
    event; `bell`, when given, wakes their worker after the commit.

    Raises ValueError for a name or a value that does not exist: that is a mistake in our code.
    """
    if by not in BY:
        raise ValueError(f"by: {by!r} is not one of {', '.join(BY)}")
    wanted = {name: _checked(name, value) for name, value in changes.items()}
    effective = {
        name: value for name, value in wanted.items() if getattr(order, name) != value and _may(order, name, value, by)
    }
    if not effective:
        return {}
    before = {name: getattr(order, name) for name in effective}
    effective |= _consequences(order, effective, wanted)
    for name, value in effective.items():
        setattr(order, name, value)
    _date_answers(order, effective, by, at)
    order.updated_at = at
    merchant = session.get_one(Merchant, order.merchant_id)
    rules = Rules.from_json(merchant.rules)
    if "decision" in effective:
        order.decided_by = by if by != "courier" else "merchant"
        order.decided_at = at
        order.decision_reason = wanted.get("decision_reason", "")
        order.decision_sum = {"by_hand": True} if by in PEOPLE else {}
    elif effective.keys() & _DECIDING:
        effective |= refresh(session, order, merchant, rules, by=by, at=at)
    session.add(order)
    if member_id is not None:
        _audit(session, order, by, at, member_id, before, effective)
    if by in (*PEOPLE, "courier") and effective.keys() & {"status", "intent"}:
        tell_talks(session, order, effective.get("status") or effective["intent"], at, bell)
    if "status" in effective:
        order.reached = {**order.reached, order.status: {"at": at.isoformat(), "by": by}}
        _plan_what_follows(session, order, rules, at)
    events.tell(session, order, effective, at, bell)
    return effective


def refresh(
    session: Session, order: Order, merchant: Merchant, rules: Rules, *, by: str, at: datetime
) -> dict[str, Any]:
    """Make the order's decision anew; return what of it changed.

    What a person decided by hand stands until the shopper says something else.
    """
    if order.decision_sum.get("by_hand") and by not in ("shopper", *PEOPLE):
        return {}
    case = Case(
        status=order.status,
        intent=order.intent,
        readiness=order.readiness,
        amount=order.amount,
        currency=order.currency,
        cancel_reason=order.cancel_reason,
        not_before=order.not_before,
        address_score=_address_score(session, order),
        silent_hours=(at - order.asked_at).total_seconds() / 3600 if order.asked_at else 0.0,
    )
    if case.status != "open":
        return {}
    today = at.astimezone(ZoneInfo(merchant.timezone)).date()
    decision = decide(case, rules, odds_of(session, order.merchant_id, at), today)
    old = order.decision
    if decision is None:
        order.decision, order.decision_reason, order.decision_sum = None, "", {}
        order.decided_by, order.decided_at = None, None
    else:
        answerer = by if by in ("shopper", *PEOPLE) else order.decided_by or "rule"
        order.decision, order.decision_reason = decision.decision, decision.reason
        order.decision_sum = dict(decision.sum)
        order.decided_by = answerer if decision.answered else "rule"
        order.decided_at = at
    session.add(order)
    return {} if order.decision == old else {"decision": order.decision}


def refresh_due(session: Session, at: datetime, limit: int = 500) -> int:
    """Decide anew on held orders whose day has come and on silent ones whose shop cancels after some hours.

    Returns how many decisions changed. The clock calls this now and then; rows that others hold are left for later.
    """
    shops = {shop.id: shop for shop in session.execute(select(Merchant)).scalars()}
    rules = {shop_id: Rules.from_json(shop.rules) for shop_id, shop in shops.items()}
    patience = {
        shop_id: rule.cancel_after_hours for shop_id, rule in rules.items() if rule.cancel_after_hours is not None
    }
    silent_since = at - timedelta(hours=min(patience.values(), default=0.0))
    # A day more than UTC's: the local day of a shop in the east is ahead, and deciding once too often harms nobody.
    horizon = date.fromordinal(at.date().toordinal() + 2)
    statement = (
        select(Order)
        .where(
            col(Order.status) == "open",
            or_(
                and_(col(Order.decision) == "hold", col(Order.not_before) <= horizon),
                and_(
                    col(Order.intent) == "silent",
                    col(Order.decision) != "cancel",
                    col(Order.asked_at) <= silent_since,
                    col(Order.merchant_id).in_(list(patience)),
                ),
            ),
        )
        .order_by(col(Order.decided_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    changed = 0
    for order in session.execute(statement).scalars():
        if told := refresh(session, order, shops[order.merchant_id], rules[order.merchant_id], by="rule", at=at):
            order.updated_at = at
            events.tell(session, order, told, at)
            changed += 1
    return changed


def dispatch_day(order: Order) -> date | None:
    """Return the first day on which the parcel may leave when the shopper asked to wait, else None."""
    return ships_on(order.not_before) if order.not_before else None


def tell_talks(session: Session, order: Order, what: str, at: datetime, bell: Bell | None = None) -> None:
    """Let the talks about an order that wait or are planned know what another hand changed.

    `what` is the order's new status or intent, `paid`, or `details` (amount, address, items).
    """
    from bot.talk.events import post_event  # The talk records outcomes through this module: a circle of imports.

    statement = (
        select(Run, Conversation)
        .join(Conversation, col(Conversation.id) == col(Run.conversation_id))
        .where(col(Run.order_id) == order.id, col(Run.status).in_(("planned", "queued", "waiting")))
    )
    for run, conversation in session.execute(statement):
        key = f"changed:{run.id}:{what}:{at.timestamp():.6f}"
        payload = {"order_id": order.id, "run_id": run.id, "what": what}
        if post_event(session, conversation, "changed", key, payload, at) and bell is not None:
            bell.ring_after_commit(session, DRAIN, conversation.shard)


def _checked(name: str, value: Any) -> Any:
    if name not in CHANGEABLE:
        raise ValueError(f"{name!r} cannot be recorded; only {', '.join(CHANGEABLE)}")
    if name in _ONE_OF and value not in _ONE_OF[name]:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(_ONE_OF[name])}")
    if name in _TEXTS:
        # PostgreSQL refuses NUL and lone surrogates, which a message may well carry.
        return str(value or "").replace("\0", "").encode("utf-8", "ignore").decode()[:_LONGEST]
    return value


def _may(order: Order, name: str, value: Any, by: str) -> bool:
    """Tell whether `by` may still set this field."""
    if name == "status":
        return by in PEOPLE or _WAY[value] > _WAY[order.status]
    if name == "intent":
        return _may_intend(order, value, by)
    if name == "readiness":
        return order.status in ("open", "shipped", "out_for_delivery") and not (
            by == "rule" and order.readiness in ("ready", "not_ready")
        )
    if name in ("decision", "not_before", "slot", "address_changed") and by not in PEOPLE:
        return order.status == "open"
    return True


def _may_intend(order: Order, intent: str, by: str) -> bool:
    if by in PEOPLE:
        return True
    if by == "courier" or order.intent == "denied":
        # The number was wiped: whoever answers on it now is not known to be the buyer.
        return False
    if intent == "opted_out" and order.intent in _ANSWERS:
        # STOP stops messages and leaves the order, and what was said of it, alone.
        return False
    if by == "rule":
        # A rule never takes an answer back, nor asks an order that was drawn to be left alone.
        return order.status == "open" and order.intent in ("unasked", "asked", "silent", "unreachable")
    return order.status == "open"


def _consequences(order: Order, effective: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what follows from the changes without being said."""
    follows: dict[str, Any] = {}
    intent = effective.get("intent")
    if intent == "denied" and order.phone:
        # Whoever has this number is a stranger to the order: nothing of it may reach them again.
        follows["phone"] = ""
    if intent == "confirmed" and order.cancel_reason and "cancel_reason" not in wanted:
        follows["cancel_reason"] = ""
    return follows


def _date_answers(order: Order, effective: dict[str, Any], by: str, at: datetime) -> None:
    intent = effective.get("intent")
    if intent == "asked" and order.asked_at is None:
        order.asked_at = at
    if by in ("shopper", *PEOPLE) and intent in _ANSWERS:
        order.answered_at = at


def _address_score(session: Session, order: Order) -> int | None:
    statement = (
        select(col(AddressVersion.score))
        .where(col(AddressVersion.order_id) == order.id)
        .order_by(col(AddressVersion.version).desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def _audit(
    session: Session,
    order: Order,
    by: str,
    at: datetime,
    member_id: int,
    before: dict[str, Any],
    effective: dict[str, Any],
) -> None:
    """Write down who changed what; of free texts only the names, because they may hold personal data."""
    told = {
        name: [_plain(before.get(name)), _plain(value)]
        for name, value in effective.items()
        if name in _ONE_OF or name == "not_before"
    }
    texts = sorted(effective.keys() - told.keys())
    session.add(
        Audit(
            merchant_id=order.merchant_id,
            member_id=member_id,
            at=at,
            act="order.outcome",
            object=f"order:{order.id}",
            detail={"by": by, "changes": told, "texts": texts},
        )
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _plan_what_follows(session: Session, order: Order, rules: Rules, at: datetime) -> None:
    """Plan the talks that a parcel's way calls for: is somebody ready at the door, how was it."""
    from bot.talk.start import NoChannel, plan  # The talk records outcomes through this module: a circle of imports.

    flow = {"out_for_delivery": "readiness", "delivered": "review"}.get(order.status)
    if flow not in rules.flows or order.held_out or not order.phone or order.intent in ("denied", "opted_out"):
        return
    due = max(at, now()) if flow == "readiness" else at + rules.review_delay
    try:
        plan(session, order, flow, due)
    except NoChannel:
        return

"""Ship, hold, call or cancel: the expected money of one order (pure).

A parcel that comes back costs two freights, one that is not sent costs its margin. So an order is held only when
p(return) > margin / (margin + cost of a return); below that line shipping earns money even from a silent shopper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from bot.orders.rules import Rules

PRIORS: Mapping[str, float] = {
    "ready": 0.075,
    "confirmed": 0.138,
    "silent": 0.346,
    "not_ready": 0.346,
    "unasked": 0.26,
    "refused": 0.90,
}
"""How often orders come back before a shop has outcomes of its own, by what their shopper said.

60 of 100 asked confirm, 33 stay silent, 7 cancel (6 million asked); 26 of 100 parcels come back; a silent shopper's
parcel comes back 2.5 times as often as a confirmed one. Confirmed twice is taken as the best vendor figure.
"""

PRIOR_WEIGHT = 60
"""The priors count as much as this many orders of the shop's own."""

BAD_ADDRESS = 1.23
GOOD_ADDRESS = 0.90
"""Ten of 100 returns are due to the address, and 30 of 100 addresses have a defect: spread without moving the mean."""

WAITS = ((2, 0.85), (5, 1.04), (9999, 1.35))
"""Days to the first attempt and how they move the returns: 22, 27 and 35 of 100 against 26 on average."""

DOUBTFUL_SCORE = 60
"""Below this address score a courier is unlikely to find the door."""

_ODDS = "{p_return:.0%} come back, the line is {break_even:.0%}"

REASONS: Mapping[str, str] = {
    "CONFIRMED": "The shopper confirmed.",
    "WORTH_SHIPPING": "Shipping is worth more than holding.",
    "CALL_ADDRESS": f"Call before shipping: the address is doubtful ({_ODDS}).",
    "CALL_RETURNS": f"Call before shipping: it is likely to come back ({_ODDS}).",
    "CANCELLED": "The shopper cancelled.",
    "CANCELLED_WHY": "The shopper cancelled ({cancel_reason}).",
    "DENIED": "The number belongs to somebody else: find the right one first.",
    "HELD_OUT": "Drawn at random to be shipped without asking.",
    "UNREACHABLE": "WhatsApp does not reach this number: call before shipping.",
    "NO_CASH": "Nobody with the cash will be there: agree on another day first.",
    "NOT_BEFORE": "The shopper asked not to get it before {not_before}.",
    "RULE_CANCELS": "No answer for {hours:g} hours: the shop's rule cancels.",
    "RULE": "No answer: the shop's rule is to {decision}.",
    "SILENT_HOLD": f"No answer, and holding loses less: {_ODDS}.",
    "SILENT_SHIP": f"No answer, but shipping earns more: {_ODDS}.",
    "PAID": "It was paid online meanwhile.",
}
"""Every reason for a decision: code -> the English sentence that is stored; the console reads the code back from it."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How often this shop's orders came back: group of `PRIORS` -> (delivered, returned)."""

    seen: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, group: str) -> float:
        """Return p(return) of a group: the prior, moved by the shop's own outcomes."""
        delivered, returned = self.seen.get(group, (0, 0))
        return (PRIORS[group] * PRIOR_WEIGHT + returned) / (PRIOR_WEIGHT + delivered + returned)


@dataclass(frozen=True, slots=True)
class Case:
    """What is known about an order when it has to be decided on; `amount` is in minor units."""

    status: str
    intent: str
    readiness: str
    amount: int
    currency: str
    cancel_reason: str = ""
    not_before: date | None = None
    address_score: int | None = None
    silent_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """Ship, hold, call or cancel, why, and the sum behind it.

    `why` is a code of `REASONS`, `told` what its sentence names beside the figures of the sum. `answered` tells that
    the shopper's own answer decided; otherwise a rule did.
    """

    decision: str
    why: str
    answered: bool
    sum: Mapping[str, Any]
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Return the reason in English."""
        return REASONS[self.why].format_map({**self.sum, **self.told})


def group_of(intent: str, readiness: str) -> str:
    """Return the group of `PRIORS` that an order belongs to."""
    if intent in ("cancelled", "denied"):
        return "refused"
    if readiness == "not_ready":
        return "not_ready"
    if intent == "confirmed":
        return "ready" if readiness == "ready" else "confirmed"
    return "silent" if intent in ("silent", "unreachable") else "unasked"


def decide(case: Case, rules: Rules, odds: Odds, today: date) -> Decision | None:
    """Decide on an order, or return None while its shopper may still answer or when it has left the shop.

    `today` is the merchant's local day.
    """
    if case.status != "open" or case.intent in ("unasked", "asked"):
        return None
    figures = _sum(case, rules, odds, today)
    by_answer = _from_answer(case, figures, today)
    if by_answer:
        return by_answer
    if case.intent == "silent":
        return _on_silence(case, rules, figures)
    if figures["p_return"] <= figures["break_even"]:
        confirmed = case.intent == "confirmed"
        return Decision("ship", "CONFIRMED" if confirmed else "WORTH_SHIPPING", confirmed, figures)
    return Decision("call", "CALL_ADDRESS" if _is_doubtful(case) else "CALL_RETURNS", False, figures)


def _from_answer(case: Case, figures: Mapping[str, Any], today: date) -> Decision | None:
    if case.intent == "cancelled":
        why = "CANCELLED_WHY" if case.cancel_reason else "CANCELLED"
        return Decision("cancel", why, True, figures, {"cancel_reason": case.cancel_reason})
    if case.intent == "denied":
        return Decision("hold", "DENIED", True, figures)
    if case.intent == "held_out":
        return Decision("ship", "HELD_OUT", False, figures)
    if case.intent == "unreachable":
        return Decision("call", "UNREACHABLE", False, figures)
    if case.readiness == "not_ready":
        return Decision("call", "NO_CASH", True, figures)
    if case.not_before and ships_on(case.not_before) > today:
        return Decision("hold", "NOT_BEFORE", True, figures, {"not_before": case.not_before})
    return None


def ships_on(not_before: date) -> date:
    """Return the first day on which a parcel may leave that must not arrive before `not_before`."""
    return not_before - timedelta(days=1)


def _on_silence(case: Case, rules: Rules, figures: Mapping[str, Any]) -> Decision:
    limit = rules.cancel_after_hours
    if limit is not None and case.silent_hours >= limit:
        return Decision("cancel", "RULE_CANCELS", False, figures, {"hours": limit})
    if rules.on_silence != "value":
        return Decision(rules.on_silence, "RULE", False, figures, {"decision": rules.on_silence})
    if figures["p_return"] > figures["break_even"]:
        return Decision("hold", "SILENT_HOLD", False, figures)
    return Decision("ship", "SILENT_SHIP", False, figures)


def _sum(case: Case, rules: Rules, odds: Odds, today: date) -> dict[str, Any]:
    """Add up one order; money in minor units, probabilities rounded to a thousandth."""
    group = group_of(case.intent, case.readiness)
    base = odds.of(group)
    address = 1.0 if case.address_score is None else BAD_ADDRESS if _is_doubtful(case) else GOOD_ADDRESS
    wait = 1.0
    if case.not_before:
        days = max(1, (case.not_before - today).days)
        wait = next(factor for limit, factor in WAITS if days <= limit)
    p = min(0.99, max(0.01, base * address * wait))
    margin = round(case.amount * rules.margin_percent / 100)
    at_stake = margin + rules.return_cost
    return {
        "group": group,
        "p_group": round(base, 3),
        "address_factor": address,
        "wait_factor": wait,
        "p_return": round(p, 3),
        "margin": margin,
        "return_cost": rules.return_cost,
        "break_even": round(margin / at_stake, 3) if at_stake else 1.0,
        "value_if_shipped": round((1 - p) * margin - p * rules.return_cost),
        "currency": case.currency,
        "own_outcomes": sum(odds.seen.get(group, (0, 0))),
    }


def _is_doubtful(case: Case) -> bool:
    return case.address_score is not None and case.address_score < DOUBTFUL_SCORE

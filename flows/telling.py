"""Say what the placeholders of all texts stand for."""

from collections.abc import Mapping
from datetime import date

from bot.engine import JSON, Day, Difference, Money, Order, OrderList, Place, Text, Value, View

OURS = ("confirmed", "cancelled")
"""Intents that only the buyer can have given: from then on the address need not be masked."""
PRINTED = ("address1", "address2", "landmark", "directions", "city", "state", "postal_code")
"""The fields of an address that are shown, in the order of a label."""


def tell(view: View) -> Mapping[str, Value]:
    """Return every value that a text may name."""
    order, facts = view.order, view.facts
    values: dict[str, Value] = {
        "shop": facts.merchant.shop,
        "name": first_name(facts.shopper.name),
        "order": order.reference,
        "items": order.items,
        "amount": order.total,
        "address": place(view),
        "site": facts.merchant.site or facts.merchant.shop,
        "hours": facts.merchant.hours or Text("common.working_hours"),
        "courier": order.courier or Text("common.courier"),
        "tracking": order.tracking,
    }
    if order.expected_to or order.expected_from:
        values["until"] = Day(order.expected_to or order.expected_from or facts.now.date())
    day = chosen_day(view)
    if day is not None:
        values["day"] = day
    changes = view.data.get("changes")
    if changes:
        values["changes"] = Difference(triples(changes))
    question = view.data.get("question")
    if isinstance(question, Mapping):
        values["value"] = str(question.get("value") or "")
    if facts.others:
        everything = asked_together(view)
        values["orders"] = OrderList(tuple((one.reference, one.items, one.total) for one in everything))
        values["count"] = len(everything)
        values["sum"] = Money(sum(one.total.minor for one in everything), order.total.currency)
    for name in ("yes", "no"):
        stored = view.data.get(name)
        if isinstance(stored, list | tuple):
            values[name] = ", ".join(str(one) for one in stored)
    return values


def first_name(name: str) -> Value:
    """Return the name to greet with; a wrong number learns no family name."""
    first = name.split()[0] if name.split() else ""
    if not first:
        return Text("common.no_name")
    return first.capitalize() if first.isupper() or first.islower() else first


def place(view: View) -> Place:
    """Return the address as it may be shown: masked until the shopper has said that the order is theirs."""
    fields: Mapping[str, JSON] = draft(view) or view.order.address
    shown = tuple((name, str(fields[name])) for name in PRINTED if fields.get(name))
    return Place(shown, masked=not (view.data.get("theirs") or view.order.intent in OURS))


def asked_together(view: View) -> tuple[Order, ...]:
    """Return the orders that this talk asks about and that can still be changed."""
    asked = view.data.get("ids")
    known = set(asked) if isinstance(asked, Mapping) else {one.reference for one in all_orders(view)}
    return tuple(one for one in all_orders(view) if one.reference in known and one.status == "open")


def draft(view: View) -> dict[str, JSON]:
    """Return what was said about the address so far, if it is that of the order spoken about."""
    said = view.data.get("address")
    if not said or not isinstance(said, Mapping) or view.data.get("address_of") != view.order.id:
        return {}
    return dict(said)


def chosen_day(view: View) -> Day | None:
    """Return the day that was chosen, newest answer first."""
    stored = view.data.get("day")
    if isinstance(stored, str) and stored:
        return Day(date.fromisoformat(stored), str(view.data.get("part") or ""))
    if stored is None and view.order.not_before:
        return Day(view.order.not_before, view.order.slot_part)
    return None


def all_orders(view: View) -> tuple[Order, ...]:
    """Return the run's own order and the shopper's others."""
    return (view.facts.order, *view.facts.others)


def triples(changes: JSON) -> tuple[tuple[str, str, str], ...]:
    """Read stored changes back: (field, old, new) each."""
    found: list[tuple[str, str, str]] = []
    for change in changes if isinstance(changes, list | tuple) else ():
        if isinstance(change, list | tuple) and len(change) == 3:
            found.append((str(change[0]), str(change[1]), str(change[2])))
    return tuple(found)

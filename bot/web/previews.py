"""What shoppers would read: the first words of every talk, with made-up values, in any language."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision

from bot import engine
from bot.engine import Facts, Flow, Item, Items, Money, Send
from bot.orders.rules import Rules
from bot.talk.lookups import answer, promise_of
from bot.text import Rendered, render_send
from bot.web.sessions import Shop

SHOPPER = "Asha Verma"
GOODS = ("Blue cotton kurta", "Steel lunch box")
PRICES = (1299, 649)
ADDRESS = {
    "address1": "near the big temple",
    "city": "Noida",
    "state": "Uttar Pradesh",
    "postal_code": "201309",
    "country": "IN",
}
"""Without a house, so that there is something to ask for."""
_ROUNDS = 6


@dataclass(frozen=True)
class Preview:
    """The opening bubble of one flow in one language."""

    flow: str
    locale: str
    bubble: Rendered
    template: str | None
    """The WhatsApp template that carries it while the 24-hour window is closed."""


def openings(
    flows: Mapping[str, Flow], shop: Shop, rules: Rules, locales: tuple[str, ...], at: datetime
) -> list[Preview]:
    """Return what each flow says first, flow by flow, in each of the languages."""
    found = []
    for name, flow in flows.items():
        facts = _facts(shop, rules, at)
        if name == "review":
            facts = _with_status(facts, "delivered")
        elif name == "readiness":
            facts = _with_status(facts, "out_for_delivery")
        said = _first_words(flow, facts, rules)
        if said is not None:
            found += [
                Preview(name, locale, render_send(said, locale, shop.region), said.template) for locale in locales
            ]
    return found


def _first_words(flow: Flow, facts: Facts, rules: Rules) -> Send | None:
    state = engine.start(flow)
    event: engine.Event = engine.Started()
    for _ in range(_ROUNDS):
        moved = engine.step(flow, state, event, facts)
        said = next((effect for effect in moved.effects if isinstance(effect, Send)), None)
        if said is not None:
            return said
        look = next((effect for effect in moved.effects if isinstance(effect, engine.LookUp)), None)
        if look is None:
            return None
        state = moved.state
        event = engine.Found(look.kind, answer(look.kind, look.query, promise_of(rules, facts.order, facts.now)))
    return None


def _facts(shop: Shop, rules: Rules, at: datetime) -> Facts:
    digits = get_currency_precision(shop.currency)
    local = at.astimezone(ZoneInfo(shop.timezone)).replace(hour=11, minute=0)
    orders = tuple(
        engine.Order(
            id=str(number),
            reference=f"#{1042 + number}",
            items=Items((Item(title),)),
            total=Money(price * 10**digits, shop.currency),
            address=dict(ADDRESS),
            placed_on=local.date(),
            expected_from=local.date() + timedelta(days=1),
            expected_to=local.date() + timedelta(days=rules.delivery_days),
        )
        for number, (title, price) in enumerate(zip(GOODS, PRICES, strict=True))
    )
    merchant = engine.Merchant(shop=shop.name, flows=frozenset({*rules.flows, "several_orders", "address_check"}))
    shopper = engine.Shopper(SHOPPER, region=shop.region)
    # The second order matters to one flow only, but every other leaves it alone before it is spoken of.
    return Facts(order=orders[0], merchant=merchant, now=local, shopper=shopper, others=orders[1:])


def _with_status(facts: Facts, status: str) -> Facts:
    return replace(facts, order=replace(facts.order, status=status, intent="confirmed"), others=())

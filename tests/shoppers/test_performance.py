"""A small performance of simulated shoppers: whatever they do, nothing goes wrong that must never go wrong."""

import pytest

from bot.shoppers.performance import perform
from bot.shoppers.tally import Tally


def must_be_flawless(found: Tally) -> None:
    """Hold a performance to what may never happen."""
    assert found.wrong_outcomes == 0, "an order's state differs from what its shopper last said"
    assert found.forgotten == 0, "an order has neither outcome nor task nor timer"
    assert found.prompts_in_quiet_hours == 0
    assert found.sent_twice == 0
    assert found.most_bubbles_a_turn <= 1


@pytest.mark.timeout(300)
def test_shoppers_of_every_kind_end_where_they_wanted() -> None:
    found = perform(None, shoppers=60, seed=11, flows=("order_confirmation",))
    must_be_flawless(found)
    assert found.asked == found.orders
    assert found.confirmed > found.cancelled > 0
    assert found.returns_with_bot < found.returns_without_bot


@pytest.mark.timeout(300)
def test_all_flows_together_end_well_too() -> None:
    found = perform(None, shoppers=25, seed=12, flows=("order_confirmation", "delivery_slot", "readiness", "review"))
    must_be_flawless(found)

"""What is said when: the registry of all flows, each proved when this package is imported."""

from collections.abc import Mapping

from bot.engine import Flow
from flows import address_check, delivery_slot, order_confirmation, readiness, review, several_orders

FLOWS: Mapping[str, Flow] = {
    module.FLOW.name: module.FLOW
    for module in (order_confirmation, several_orders, address_check, delivery_slot, readiness, review)
}

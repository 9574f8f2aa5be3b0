"""Find a day for an order in a talk of its own, after several orders were confirmed at once."""

from collections.abc import Mapping

from bot.engine import Decide, End, Flow, View, go, prove
from bot.engine.flow import Path
from flows.address import address_steps, fresh
from flows.cancel import CONFIRMED, OTHER_SIZE, cancel_steps, standing
from flows.common import AFTER, INTERRUPTS, OVERTAKEN, common_steps, is_closed, on_the_way, still_open
from flows.slot import slot_steps, wish
from flows.telling import tell
from flows.which import which_cancel_steps

REOPEN: Mapping[str, Path] = {
    "slot_choice": go("slot_wish", keep=wish),
    "reschedule": go("slot_wish", keep=wish),
    "change_address": go("address_full", keep=fresh),
    "cancel": "cancel_which",
    "order_edit": OTHER_SIZE,
    "confirm": "yes_heard",
    "dont_cancel": "yes_heard",
}
MIDWAY: Mapping[str, Path] = {
    "cancel": "cancel_which",
    "order_edit": OTHER_SIZE,
    "change_address": go("address_full", keep=fresh),
}


def good_bye(view: View) -> tuple[str, ...]:
    """Read back the day, or that any will do."""
    return ("slot.noted.dated" if view.data.get("day") else "slot.noted.any", "slot.noted.text")


FLOW = prove(
    Flow(
        name="delivery_slot",
        version=1,
        entry="begin",
        gone="gone",
        lost="not_understood",
        settled="settled",
        unanswered="unanswered",
        undeliverable="unanswered",
        closed=is_closed,
        values=tell,
        interrupts=INTERRUPTS,
        changed=OVERTAKEN,
        steps=(
            Decide("begin", still_open, {"yes": "slot_days", "no": "settled"}),
            *slot_steps(then="close", none="unanswered", left="unanswered", hear=MIDWAY),
            *address_steps(good="close", then="close", left="unanswered", cancel={"cancel": "cancel_which"})[1:],
            *cancel_steps(
                yes=go("close", CONFIRMED, say="common.accepted"),
                as_ordered=go("close", CONFIRMED, say="common.accepted"),
                confirmed="noted",
                asked="noted",
            ),
            *which_cancel_steps(),
            Decide("close", standing, {"confirmed": "noted", "cancelled": "revive", "open": "noted"}),
            End("noted", say=good_bye, texts="slot.noted", hear=REOPEN),
            End("unanswered", quiet=True, hear=REOPEN),
            End("gone", say=on_the_way, hear=AFTER),
            *common_steps({"cancel": "cancel_which", "confirm": "yes_heard", "dont_cancel": "yes_heard"}),
        ),
    )
)

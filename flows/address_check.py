"""Get the address of an order right in a talk of its own: after several orders at once, or when an agent asks."""

from collections.abc import Mapping

from bot.engine import Decide, End, Flow, OpenTask, go, prove
from bot.engine.flow import Path
from flows.address import TAKES, address_steps, fresh
from flows.cancel import CONFIRMED, OTHER_SIZE, cancel_steps, standing
from flows.common import AFTER, INTERRUPTS, OVERTAKEN, common_steps, is_closed, on_the_way, still_open
from flows.slot import slot_steps, wish
from flows.telling import tell
from flows.which import which_cancel_steps

REOPEN: Mapping[str, Path] = {
    **{kind: path for kind, path in TAKES.items() if kind != "out_of_scope"},
    "change_address": go("address_full", keep=fresh),
    "slot_choice": go("slot_wish", keep=wish),
    "reschedule": go("slot_wish", keep=wish),
    "cancel": "cancel_which",
    "order_edit": OTHER_SIZE,
    "confirm": "yes_heard",
    "dont_cancel": "yes_heard",
}
MIDWAY: Mapping[str, Path] = {"cancel": "cancel_which", "order_edit": OTHER_SIZE}

FLOW = prove(
    Flow(
        name="address_check",
        version=1,
        entry="begin",
        gone="gone",
        lost="not_understood",
        settled="settled",
        unanswered="unanswered",
        undeliverable=go("unanswered", OpenTask("address_unclear")),
        closed=is_closed,
        values=tell,
        interrupts=INTERRUPTS,
        changed={"details": "begin", **OVERTAKEN},
        steps=(
            Decide("begin", still_open, {"yes": "address_check", "no": "settled"}),
            *address_steps(good="unanswered", then="close", left="unanswered", cancel=MIDWAY),
            *slot_steps(then="close", none="close", left="unanswered", hear=MIDWAY),
            *cancel_steps(
                yes=go("address_check", CONFIRMED, say="common.accepted"),
                as_ordered=go("close", CONFIRMED, say="common.accepted"),
                confirmed="thanks",
                asked="thanks",
            ),
            *which_cancel_steps(),
            Decide("close", standing, {"confirmed": "thanks", "cancelled": "revive", "open": "thanks"}),
            End("thanks", texts="address.thanks", hear=REOPEN),
            End("unanswered", quiet=True, hear=REOPEN),
            End("gone", say=on_the_way, hear=AFTER),
            *common_steps({"cancel": "cancel_which", "confirm": "yes_heard", "dont_cancel": "yes_heard"}),
        ),
    )
)

"""Ask which order is meant when a shopper with several wants one cancelled."""

from bot.engine import CLOSE, RESUME, Ask, Decide, OpenTask, go
from bot.engine.flow import Step
from flows import judging as judge
from flows.cancel import CANCEL, KEPT
from flows.common import DAY, silent


def which_cancel_steps() -> tuple[Step, ...]:
    """Return the steps from the wish to cancel, `cancel_which`, to the read-back `cancel_check` or the cancelling."""
    return (
        Decide("cancel_which", judge.which, {"which": "which_cancel", "this": "cancel_check"}),
        Ask(
            "which_cancel",
            texts="which.cancel",
            form="list",
            offer=judge.orders,
            on={"order": go("picked_cancel", keep=judge.pick), "none": KEPT},
            patience=DAY,
            silent=go(CLOSE, silent, OpenTask("call_list")),
            listens="idle",
        ),
        Decide(
            "picked_cancel",
            judge.this_or_other,
            {"this": CANCEL, "other": go(RESUME, judge.cancel_other, say="which.other_cancelled")},
        ),
    )

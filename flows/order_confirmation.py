"""Ask whether the parcel shall be sent, and settle everything that a careful caller would settle before it goes.

Read it from the top: the question; after a yes the address and the day; after a no the reason and the way back; then
how an answer is changed until dispatch, which of several orders is meant, and what late taps are worth.
"""

from collections.abc import Mapping
from datetime import timedelta

from bot.engine import CLOSE, RESUME, STAY, Ask, Decide, End, Flow, OpenTask, Record, go, prove
from bot.engine.flow import Path, Step
from flows import judging as judge
from flows.address import HEARD, address_steps, fresh
from flows.cancel import AS_AGREED, CANCEL, CONFIRMED, OTHER_SIZE, cancel_steps, standing
from flows.common import AFTER, DAY, INTERRUPTS, OVERTAKEN, common_steps, is_closed, keep_theirs, on_the_way, silent
from flows.slot import slot_steps, wish
from flows.telling import tell
from flows.which import which_cancel_steps

PATIENCE = (timedelta(hours=4), timedelta(hours=16), timedelta(hours=24))
YES = go("address_check", CONFIRMED, say="common.accepted", keep=keep_theirs)
NEW_ADDRESS = go("address_full", keep=fresh)
AS_ORDERED = go("detail", CONFIRMED, say="common.accepted", keep=keep_theirs)

OLDER = go(STAY, say="common.older_question")

TAPS: Mapping[str, Path] = {"confirm": YES, "change_address": NEW_ADDRESS, "cancel": CANCEL}
PIECES: Mapping[str, Path] = dict.fromkeys(("address_fragment", "@location", "@form"), HEARD)
WORDS: Mapping[str, Path] = {
    **PIECES,
    "confirm": YES,
    "cancel": "cancel_which",
    "change_address": "address_which",
    "slot_choice": go(STAY, say="order_confirmation.day_heard", keep=wish),
    "reschedule": go(STAY, say="order_confirmation.day_heard", keep=wish),
    "dont_cancel": go(STAY, say="common.please_tap"),
    "yes_but": go(STAY, say="order_confirmation.what_else"),
    "order_edit": OTHER_SIZE,
}
"""What is heard while the question is open."""
REOPEN: Mapping[str, Path] = {
    **PIECES,
    "cancel": "cancel_which",
    "change_address": "address_which",
    "slot_choice": go("slot_wish", keep=wish),
    "reschedule": go("slot_wish", keep=wish),
    "order_edit": OTHER_SIZE,
    "confirm": "yes_heard",
    "dont_cancel": "yes_heard",
}
"""What a shopper may change after the order was confirmed."""
STOPPED: Mapping[str, Path] = {"cancel": "cancel_which", "confirm": "yes_heard", "dont_cancel": "yes_heard"}
"""What is heard of somebody who wants no messages: only whether the order is wanted."""
MIDWAY: Mapping[str, Path] = {"cancel": "cancel_which"}

QUESTION: tuple[Step, ...] = (
    Decide("begin", judge.may_ask, {"ask": "confirm", "settled": "settled"}),
    Ask(
        "confirm",
        say=judge.question,
        on=TAPS,
        hear=WORDS,
        patience=PATIENCE,
        ruled=True,
        silent=go(CLOSE, silent),
        template="order_confirmation",
        reminder="order_reminder",
    ),
    Decide("rest", judge.at_rest, {"open": "unanswered", "confirmed": "kept", "cancelled": "cancel_closed"}),
    End("unanswered", quiet=True, texts="order_confirmation.confirm", on=TAPS, hear=WORDS, listens="confirm"),
)
AFTER_YES: tuple[Step, ...] = (
    *address_steps(good="detail", then="detail", left="rest", cancel=MIDWAY),
    Decide(
        "detail",
        judge.next_detail,
        {"back": RESUME, "wish": "slot_wish", "days": "slot_days", "close": "close"},
    ),
    *slot_steps(then="close", none="close", left="rest", hear={**MIDWAY, "change_address": NEW_ADDRESS}),
    Decide("close", standing, {"confirmed": "confirmed", "cancelled": "revive", "open": "confirm"}),
    End("confirmed", say=judge.good_bye, on={"change": "change"}, hear=REOPEN),
    End("kept", quiet=True, texts="order_confirmation.confirmed", on={"change": "change"}, hear=REOPEN),
    Ask(
        "change",
        on={"address": NEW_ADDRESS, "day": "slot_days", "cancel": CANCEL},
        hear=REOPEN,
        patience=DAY,
        silent=CLOSE,
    ),
)
AFTER_NO: tuple[Step, ...] = cancel_steps(yes=YES, as_ordered=AS_ORDERED, confirmed="confirmed", asked="confirm")
WHICH_ORDER: tuple[Step, ...] = (
    *which_cancel_steps(),
    Decide("address_which", judge.which, {"which": "which_address", "this": NEW_ADDRESS}),
    Ask(
        "which_address",
        texts="which.address",
        form="list",
        offer=judge.orders,
        on={"order": go("picked_address", keep=judge.pick), "none": RESUME},
        patience=DAY,
        silent=go(CLOSE, silent),
        listens="idle",
    ),
    Decide(
        "picked_address",
        judge.this_or_other,
        {"this": NEW_ADDRESS, "other": go("address_full", keep=judge.about_picked)},
    ),
)
LATE_TAPS: tuple[Step, ...] = (
    Decide(
        "late_confirm",
        judge.late_confirm,
        {
            "now": YES,
            "known": AS_AGREED,
            "revive": "revive",
            "check": "confirm_check",
            "old": OLDER,
        },
    ),
    Decide("late_cancel", judge.late_cancel, {"known": go(STAY, say="cancel.known"), "check": "cancel_check"}),
    Decide("late_change", judge.at_rest, {"confirmed": "change", "cancelled": "revive", "open": STAY}),
    Decide("late_undo", judge.late_undo, {"undo": "undo", "known": AS_AGREED, "old": OLDER}),
    Decide("late_address", judge.late_address, {"now": NEW_ADDRESS, "revive": "revive"}),
)

FLOW = prove(
    Flow(
        name="order_confirmation",
        version=1,
        entry="begin",
        gone="gone",
        lost="not_understood",
        settled="settled",
        unanswered="rest",
        undeliverable=go("unanswered", Record("intent", "unreachable"), OpenTask("call_list")),
        closed=is_closed,
        values=tell,
        interrupts=INTERRUPTS,
        late={
            "confirm": "late_confirm",
            "cancel": "late_cancel",
            "change_address": "late_address",
            "undo": "late_undo",
            "change": "late_change",
        },
        changed={
            "details": go("confirm", keep=judge.asked_anew),
            **OVERTAKEN,
        },
        steps=(
            *QUESTION,
            *AFTER_YES,
            *AFTER_NO,
            *WHICH_ORDER,
            *LATE_TAPS,
            End("gone", say=on_the_way, hear=AFTER),
            *common_steps(STOPPED),
        ),
    )
)

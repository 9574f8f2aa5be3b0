"""Decide what must not be left to statistics: negation, retraction, condition, consent and stopping.

The grammar knows word classes only, no language. Packs say which words belong to which class and whether a language
puts its
operators after the words they belong to; the rules are the same for all.
"""

from dataclasses import dataclass, field

from bot.understanding.contract import Slot
from bot.understanding.lexicon import BIT, mask
from bot.understanding.view import ASSENT, DOUBT, GO, HARMLESS, NEG, NO, NOWANT, QUESTION, VERBS, View


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the grammar is certain of."""

    act: str
    rule: str
    confidence: float = 0.97
    slots: dict[str, Slot] = field(default_factory=dict)
    safe: bool = True


def decide(view: View) -> Verdict | None:
    """Return what the closed classes say, or None when they say nothing certain."""
    if not view.units:
        return None
    for rule in (
        _opt,
        _not_mine,
        _cancel,
        _deferral,
        _do_not_send,
        _unwanted,
        _retracted,
        _reason,
        _go_ahead,
        _refusal,
    ):
        verdict = rule(view)
        if verdict is not None:
            return verdict
    return None


def _opt(view: View) -> Verdict | None:
    """Stop or resume messages: before anything else, in every state."""
    order = view.has("ORDER", "SEND", "ARRIVE") and not view.has("MSG")
    if view.has("OPTIN") and not view.has("NEG", "NOWANT", "OPTOUT"):
        return Verdict("opt_in", "opt-in words")
    if view.has("OPTIN") and view.has("NEG", "NOWANT") and not view.has("CANCEL", "UNDO", "KEEP"):
        return Verdict("opt_out", "opt-in words, negated", 0.92)
    if (
        view.denies("TALK")
        and not view.has("BUT", "SEND", "ARRIVE", "ADDRESS", "CANCEL", "LATE", "ASK")
        and not view.when.dated
    ):
        return Verdict("opt_out", "contact refused", 0.85, safe=False)
    resumed = view.has("OPTIN") and not view.has("STOP", "NEG")
    ordered = view.has("CANCEL") and not view.has("MSG") and len(view.units) > 1
    if view.has("OPTOUT") and not resumed and not ordered:
        return Verdict("opt_out", "opt-out words")
    if view.has("MSG") and not view.has("UNDO"):
        stopped = view.affirms("CANCEL") and not view.has("ORDER", "SEND", "UNDO", "KEEP")
        for index, unit in enumerate(view.units):
            if unit.bits & BIT["MSG"]:
                near = [
                    u for u in view.units[max(0, index - 3) : index + 4] if u.clause == unit.clause and u is not unit
                ]
                stops = any(u.bits & BIT["STOP"] and not u.bits & (NO | NEG) for u in near)
                denied = index in view.negated.get("MSG", set()) or any(
                    (u.bits & (NEG | NOWANT))
                    for u in near
                    if not view.has("ARRIVE", "LATE", "WRONG", "CHANGE", "TALK", "CANCEL")
                )
                denied = denied or (view.denies("SEND") and not view.has("ORDER", "ARRIVE", "BUT", "ADDRESS"))
                denied = denied or view.denies("WANT") or (view.has("NOWANT") and not view.has("CANCEL"))
                if unit.bits & (NEG | BIT["STOP"]) and not unit.bits & NO:
                    denied = True
                if (stops or denied or stopped) and not view.has("LATE", "WHERE", "WHEN", "DAMAGED"):
                    return Verdict("opt_out", "messages stopped or refused", 0.93)
        if view.has("RESUME") and not view.has("STOP", "NEG", "NOWANT", "NO"):
            return Verdict("opt_in", "messages resumed", 0.9)
    content = [u for u in view.units if not u.bits & mask("PLEASE", "FUNC", "DO")]
    if content and all(u.bits & BIT["STOP"] and not u.bits & (NO | NEG | BIT["CANCEL"]) for u in content) and not order:
        return Verdict("opt_out", "a bare stop", 0.9)
    if view.units and all(u.text in "🛑⛔🔕" for u in view.units):
        return Verdict("opt_out", "a stop sign", 0.9)
    return None


def _not_mine(view: View) -> Verdict | None:
    """Deny the order, or say that the number belongs to somebody else."""
    if view.has("UNDO", "KEEP") or view.denies("CANCEL"):
        return None
    if view.has("NOTMINE"):
        if view.has("ADDRESS") and not view.has("ORDER", "ORDERED"):
            return None
        return Verdict("not_my_order", "denies the order", 0.95)
    if view.denies("ORDERED") and view.has("CANCEL") and not view.has("NOWANT", "REASON"):
        return Verdict("dont_cancel", "did not ask to cancel", 0.8, safe=False)
    if view.denies("ORDERED") and not view.has("DAMAGED", "RETURN", "PRODUCT"):
        return Verdict("not_my_order", "did not order", 0.93)
    return None


def _cancel(view: View) -> Verdict | None:
    """Cancel, or the refusal or retraction of a cancel."""
    if not view.has("CANCEL"):
        return None
    if view.negated.get("?"):
        return Verdict("dont_cancel", "a negator between two verbs", 0.6, safe=False)
    if view.post and _no_need_to(view):
        return None
    if view.denies("CANCEL"):
        if view.affirms("CANCEL"):
            return None  # "don't cancel this, cancel that"
        return Verdict("dont_cancel", "negated cancel")
    ordered = view.has("REASON") or (view.has("ORDERED") and not view.has("UNDO"))
    if view.has("UNDO") and not ordered and not view.has("ORDERED"):
        return Verdict("dont_cancel", "retracted cancel", 0.94)
    if view.has("KEEP") and not view.has("NOWANT", "REASON"):
        return Verdict("dont_cancel", "keep instead of cancel", 0.9)
    if not view.post and _wants_not_to_cancel(view):
        return Verdict("dont_cancel", "does not want to cancel", 0.93)
    if view.has("WHO", "WHY") and not view.has("NOTMINE", "NOWANT", "REASON", "LATE"):
        return Verdict("dont_cancel", "who or why cancel", 0.8, safe=False)
    if view.when.dated and view.has("SEND") and (view.has("LATER") or view.when.refused):
        return Verdict("reschedule", "not then but later", 0.85, dict(view.when.slots))
    if view.has("STATUS", "WHERE") and view.has("ASK"):
        return None
    place = next(i for i, u in enumerate(view.units) if u.bits & BIT["CANCEL"])
    later = any(u.bits & (NO | NEG) for u in view.units[place + 1 :])  # a no after the verb may belong to it
    sure = not (view.asks or later or view.has("KEEP", "SEND", "RETURN", "RESUME")) and not view.negated.get("opening")
    return Verdict("cancel", "cancel words", 0.95 if sure else 0.8, safe=sure and view.known)


def _no_need_to(view: View) -> bool:
    """Tell whether "not wanted" follows the cancel word: "no need to cancel", or "cancel, no need of it"."""
    for index, unit in enumerate(view.units[:-1]):
        if unit.bits & BIT["CANCEL"]:
            rest = [u for u in view.units[index + 1 :] if u.clause == unit.clause]
            return (
                bool(rest)
                and any(u.bits & NOWANT and not u.bits & NEG for u in rest)
                and not view.has("UNDO", "REASON")
            )
    return False


def _wants_not_to_cancel(view: View) -> bool:
    for index, unit in enumerate(view.units):
        if unit.bits & NOWANT:
            rest = [u for u in view.units[index + 1 :] if u.clause == unit.clause]
            while rest and rest[0].bits & mask("FUNC", "ALSO") and not rest[0].bits & VERBS:
                rest = rest[1:]
            if rest and rest[0].bits & BIT["CANCEL"] and len(view.units) - index <= 5:
                return True
        if unit.bits & BIT["WANT"] and index in view.negated.get("WANT", set()):
            after = [u for u in view.units[index + 1 : index + 3] if u.clause == unit.clause]
            if any(u.bits & BIT["CANCEL"] for u in after):
                return True
    return False


def _deferral(view: View) -> Verdict | None:
    """Refuse one day for another, or for no other yet."""
    go = next((i for i, u in enumerate(view.units) if u.bits & GO), 99)
    but = next((i for i, u in enumerate(view.units) if u.bits & BIT["BUT"] and not u.bits & ASSENT), -1)
    if go < but:
        return None
    arrives = any(u.bits & BIT["ARRIVE"] and not u.bits & BIT["SEND"] for u in view.units)
    other = arrives or view.has("CANCEL", "NOTMINE", "DAMAGED", "RETURN", "LATE", "WHEN", "WHERE", "MSG")
    if view.when.refused and not other:
        rule = "one day refused for another" if view.when.dated else "a day refused"
        return Verdict("reschedule", rule, 0.93, dict(view.when.slots))
    plain = all(not u.bits & ~mask("FUNC", "PLEASE", "SEND", "DO", "ORDER", "LATER") for u in view.units)
    if view.when.week and view.state in ("confirm", "idle") and plain and not view.unknown and not view.asks:
        return Verdict("reschedule", "not now but in another week", 0.85, dict(view.when.slots))
    return None


def _do_not_send(view: View) -> Verdict | None:
    """Read "do not send" as a cancel, or as a new plan when there is one."""
    if not view.denies("SEND", "CONFIRM"):
        return None
    if view.when.slots.keys() - {"any"} or view.has("LATER", "AWAY"):
        return Verdict("reschedule", "not now", 0.85, dict(view.when.slots))
    place = mask("ADDRESS", "HOME", "OTHER", "PLACE")
    if any(u.bits & place and not u.bits & BIT["PLEASE"] for u in view.units) and not view.has("NOWANT"):
        return Verdict("change_address", "not to that place", 0.75)
    if view.has("ASK", "WHEN", "WHERE", "LATE", "HOWLONG", "MSG", "DAMAGED", "RETURN", "PRODUCT", "WHO"):
        return None
    if view.affirms("SEND") and view.denies("SEND") and not view.has("NOWANT", "NO"):
        return None
    return Verdict("cancel", "do not send", 0.95, {"negated": True}, view.known)


def _unwanted(view: View) -> Verdict | None:
    """Read "not wanted" as a cancel, unless it is about a day, messages or a wrong article."""
    denied = view.denies("WANT")
    if not view.has("NOWANT") and not denied:
        return None
    if view.has(
        "CANCEL", "MSG", "DAMAGED", "RETURN", "OFFER", "PRODUCT", "ONLINE", "PAY", "CHANGE", "TALK", "ASK", "KEEP"
    ):
        return None
    if view.when.dated or view.has("LATER"):
        return Verdict("reschedule", "not wanted then", 0.85, dict(view.when.slots))
    if view.has("ADDRESS", "OTHER") and not view.has("ORDER"):
        return None
    if denied and view.affirms("WANT") and not view.has("NOWANT"):
        return None
    return Verdict("cancel", "not wanted", 0.94, safe=view.known)


def _retracted(view: View) -> Verdict | None:
    """Read "pressed the wrong button" as a retraction."""
    if view.has("UNDO") and not view.has(
        "REASON", "ORDERED", "ADDRESS", "WRONG", "NOTMINE", "NOWANT", "PLACE", "CHANGE"
    ):
        return Verdict("dont_cancel", "taken back", 0.8, safe=False)
    return None


def _reason(view: View) -> Verdict | None:
    """Read a bare reason against the order ("too expensive", "bought it elsewhere") as a cancel, to be read back."""
    other = (
        "BUT",
        "ONLINE",
        "PAY",
        "OFFER",
        "DAMAGED",
        "PRODUCT",
        "RETURN",
        "LATER",
        "ARRIVE",
        "LATE",
        "HUMAN",
        "TALK",
        "KEEP",
    )
    if not view.has("REASON") or view.has(*other) or view.bits & (QUESTION | ASSENT) or view.when.dated:
        return None
    if view.state not in ("confirm", "idle", "slot", "address_check") or view.has("SEND", "UNDO") or view.asks:
        return None
    return Verdict("cancel", "a reason against the order", 0.8, safe=False)


def second(view: View) -> str | None:
    """Return the act of what a yes is tied to: the change, the question or the condition after it."""
    bits = view.bits
    if bits & BIT["ADDRESS"] or bits & BIT["HOME"] or (bits & BIT["PLACE"] and not view.when.dated):
        return "change_address"
    if bits & mask("LATER", "AWAY") or view.when.refused:
        return "slot_choice" if view.when.dated else "reschedule"
    if bits & BIT["HOWMUCH"] or (bits & BIT["PRICE"] and not bits & BIT["OFFER"]):
        return "ask_price"
    if bits & mask("ONLINE", "PAY"):
        return "pay_online"
    if bits & mask("HUMAN", "TALK"):
        return "talk_to_human"
    if view.when.dated:
        return "slot_choice"
    if bits & mask("WHEN", "WHERE", "HOWLONG", "STATUS"):
        return "ask_status"
    if bits & mask("OFFER", "PRODUCT"):
        return "order_edit"
    return None


def _go_ahead(view: View) -> Verdict | None:
    """Confirm only when every word of the message is known and harmless; a yes with anything else is a yes-but."""
    if (
        not view.bits & GO
        or view.has("CANCEL", "NOTMINE", "OPTOUT", "NOWANT")
        or view.denies("SEND", "CONFIRM", "WANT", "RIGHT", "ARRIVE")
    ):
        return None
    first = next((i for i, u in enumerate(view.units) if u.bits & ASSENT), None)
    go = next((i for i, u in enumerate(view.units) if u.bits & GO), 0)
    but = next((i for i, u in enumerate(view.units) if u.bits & BIT["BUT"] and not u.bits & ASSENT and i > 0), None)
    judged = view.has("RIGHT") or (view.state == "address_check" and view.has("OK"))
    harmless = HARMLESS | (BIT["ADDRESS"] if judged else 0)  # "the address is right"
    blocked = [u for u in view.units if not u.bits & harmless or (u.bits & (QUESTION | DOUBT) and not u.bits & ASSENT)]
    timed = view.when.tokens
    blocked = [u for u in blocked if not (timed.issuperset(range(u.start, u.end)))]
    if view.state in ("rating", "review") and not view.has("YES", "CONFIRM", "SEND"):
        return None  # "good but late" is an opinion
    if but is not None and go < but < len(view.units) - 1:
        also = second(view)
        return Verdict("yes_but", "a yes with a condition", 0.93 if also else 0.85, _also(view, also))
    if view.has("CHAT") and not view.has("YES", "CONFIRM"):
        return None
    if not blocked and not view.when.dated and not view.when.refused and not view.asks and not view.given:
        return _plain_yes(view, first)
    if (
        not blocked
        and view.when.dated
        and not view.asks
        and not view.given
        and view.has("SEND")
        and not view.has("YES", "CONFIRM", "RIGHT")
    ):
        return Verdict("slot_choice", "send it then", 0.9, dict(view.when.slots))
    if first is not None and first == next(
        (i for i, u in enumerate(view.units) if not u.bits & mask("PLEASE", "FUNC", "GREET")), 0
    ):
        return _yes_and(view, first)
    return None


def _plain_yes(view: View, first: int | None) -> Verdict | None:
    strong = mask("YES", "CONFIRM", "SEND", "RIGHT", "KEEP")
    if view.has("GREET", "THANKS"):  # "namaste ji": here ji is politeness, not a yes
        agreed = mask("YES", "CONFIRM", "SEND", "WANT") | (0 if view.has("GREET") else BIT["RIGHT"])
        answers = [u for u in view.units if u.bits & agreed and not u.bits & BIT["PLEASE"]]
        if not answers:
            return Verdict("greeting_thanks", "polite words only", 0.9)
    if not any(u.bits & GO & ~BIT["KEEP"] for u in view.units):
        return None
    if view.state in ("rating", "review") and view.has("GOOD", "MID"):
        return None
    if view.has("THANKS") and not view.bits & strong:
        return None
    if view.has("GREET") and not view.bits & strong:
        return None
    if first is None and not view.bits & mask("SEND", "CONFIRM", "KEEP"):
        if view.has("WANT") and view.state in ("confirm", "idle", "address_check"):
            return Verdict("confirm", "wants it", 0.8, safe=False)
        return None
    clear = any(u.bits & (ASSENT | BIT["SEND"] | BIT["KEEP"]) and not u.bits & BIT["PLEASE"] for u in view.units)
    if not clear and len(view.units) > 2:
        return Verdict("confirm", "polite words that may agree", 0.8, safe=False)
    if any(u.bits & ASSENT and u.bits & (NEG | BIT["CANCEL"] | BIT["STOP"]) for u in view.units):
        return Verdict("confirm", "a word that may also refuse", 0.6, safe=False)  # Vietnamese "dung" without marks
    if not view.known:
        return Verdict("confirm", "a verb with an unknown ending", 0.8, safe=False)
    return Verdict("confirm", "every word agrees", 0.96 if view.bits & strong else 0.92)


def _yes_and(view: View, first: int) -> Verdict | None:
    """Tell a yes that is tied to something from a message that only begins politely."""
    only_ok = not view.has("YES", "CONFIRM", "SEND")
    acts = view.has("SEND", "CONFIRM", "WANT", "ALSO", "YES")
    if view.has("RETURN", "DAMAGED", "GREET", "WHO") or (view.state in ("slot", "rating", "review") and only_ok):
        return None
    also = second(view)
    if also is None or not acts:
        return None
    comma = view.units[first].clause < view.units[-1].clause
    tied = view.has("SEND", "CONFIRM", "ALSO", "BUT") or comma
    if view.state == "slot" and also == "slot_choice":
        return None
    if also in ("slot_choice", "reschedule") and (tied or view.has("YES")):
        return Verdict("yes_but", "a yes with a time", 0.85, _also(view, also))
    if tied and (view.has("YES", "CONFIRM", "SEND")):
        return Verdict("yes_but", "a yes with more", 0.85, _also(view, also))
    return None


def _also(view: View, also: str | None) -> dict[str, Slot]:
    slots = dict(view.when.slots)
    if also:
        slots["also"] = also
    return slots


def _refusal(view: View) -> Verdict | None:
    """Read a bare no by the question that it answers."""
    allowed = mask("NO", "PLEASE", "FUNC", "THANKS", "ORDER")
    if not view.has("NO") or any(not u.bits & allowed for u in view.units):
        if (
            view.state == "address_check"
            and view.has("WRONG", "NO")
            and not view.has("ADDRESS", "PLACE")
            and not view.bits & QUESTION
        ) and all(u.bits & (allowed | mask("WRONG", "NEG", "RIGHT", "DO")) for u in view.units):
            return Verdict("change_address", "not right", 0.93)
        return None
    if view.state == "address_check" or view.state == "address":
        return Verdict("change_address", "no to the address", 0.93)
    if view.state in ("confirm", "idle", "slot"):
        return Verdict("cancel", "a bare no", 0.9, safe=False)
    return Verdict("cancel", "a bare no", 0.75, safe=False)

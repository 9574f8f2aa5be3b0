"""Name what a message is about, from its word classes alone."""

from bot.understanding.lexicon import BIT, mask
from bot.understanding.view import QUESTION, View

_RULES: tuple[tuple[str, int, int], ...] = (
    # act, classes of which one must occur, classes of which another must occur (0: none)
    ("cancel", mask("REASON"), 0),
    ("complaint_damaged", mask("DAMAGED"), 0),
    ("return_refund", mask("RETURN"), 0),
    ("talk_to_human", mask("HUMAN"), 0),
    ("talk_to_human", mask("TALK"), 0),
    ("change_address", mask("ADDRESS"), mask("CHANGE", "WRONG", "OTHER", "NO", "NEG")),
    ("change_address", mask("HOME"), mask("SEND", "OTHER", "CHANGE")),
    ("change_address", mask("WRONG"), mask("PLACE", "HOME")),
    ("pay_online", mask("ONLINE"), 0),
    ("pay_online", mask("PAY"), mask("ASK", "OTHER", "HOWMUCH")),
    ("ask_price", mask("HOWMUCH"), 0),
    ("ask_price", mask("PRICE"), 0),
    ("ask_status", mask("WHEN", "WHERE", "HOWLONG", "STATUS", "LATE"), 0),
    ("ask_status", mask("ARRIVE"), mask("ASK", "NEG", "NO")),
    ("reschedule", mask("LATER", "AWAY"), 0),
    ("not_my_order", mask("NOTMINE"), 0),
    ("out_of_scope", mask("OFFER", "CHAT"), 0),
    ("review_text", mask("PRODUCT"), mask("GOOD", "MID", "BAD", "NEG", "NO")),
)


def topics(view: View) -> tuple[str, ...]:
    """Return the acts that the classes speak for, the most specific first."""
    found: list[str] = []
    for act, one, other in _RULES:
        if act == "change_address" and "cancel" in found:
            continue  # "bought it somewhere else" is about no address
        if act == "change_address" and one & BIT["HOME"] and view.has("LATER", "AWAY"):
            continue  # "going to the village, send it later" is about no address either
        if act not in found and view.bits & one and (not other or view.bits & other):
            found.append(act)
    if view.when.dated and not view.bits & QUESTION and "reschedule" not in found:
        found.append("slot_choice")
    if "rating" in view.given or view.has("STAR"):
        found.append("review_rating")
    if "pincode" in view.given or view.has("PLACE"):
        found.append("address_fragment")
    meaning = [unit for unit in view.content if unit.bits]
    polite = meaning and all(unit.bits & mask("GREET", "THANKS", "OK") for unit in meaning)
    if polite and (view.has("GREET") or (view.has("THANKS") and not view.when.dated and not view.given)):
        found.append("greeting_thanks")
    return tuple(found)

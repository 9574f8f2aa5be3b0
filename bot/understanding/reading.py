"""Read a message: layer after layer until one answers."""

from dataclasses import dataclass, replace
from functools import lru_cache

from bot.understanding import addresses, dates, ratings
from bot.understanding.classifier import Model, memory_key, model
from bot.understanding.contract import ORDER_CHANGING, Act, Choice, Context, Interpretation, Slot
from bot.understanding.features import letters, meanings
from bot.understanding.grammar import Verdict, decide, second
from bot.understanding.lexicon import BIT, Reader, compiled, languages, mask, units
from bot.understanding.normal import Token, normalise, plain, tokens
from bot.understanding.topics import topics
from bot.understanding.view import GO, View

_OPTION_WORDS = frozenset(
    [
        "option",
        "opt",
        "number",
        "num",
        "no",
        "nr",
        "button",
        "choice",
        "opcion",
        "opcao",
        "opção",
        "opción",
        "pilihan",
        "nomor",
        "nomer",
        "vikalp",
        "so",
        "số",
        "numero",
        "número",
    ]
)
# Below these a message is not understood; acts that change an order need more.
_CERTAIN = {"confirm": 0.62, "cancel": 0.55, "opt_out": 0.55, "not_my_order": 0.45, "dont_cancel": 0.5, "yes_but": 0.45}
_OTHERWISE = 0.30


_TIMELY = mask("LATER", "LATE", "WHEN", "HOWLONG", "ASK", "BUT", "STOP", "ARRIVE")


@dataclass(slots=True)
class Message:
    """Everything that was found out about a message before a decision."""

    text: str
    found: list[Token]
    reader: Reader
    view: View
    language: str
    slots: dict[str, Slot]
    stars: int | None
    address: float
    about: tuple[str, ...]
    rival: str | None


def understand(text: str, context: Context) -> Interpretation:
    """Return the acts of a message.

    Total and deterministic: any text gives an interpretation, possibly one without acts, and the same text in the
    same context
    always the same one.
    """
    clean = normalise(text)
    found = tokens(clean)
    if not found:
        if clean.strip():
            return Interpretation((Act("out_of_scope", {}, 0.6, "form", "no words"),), reason="no words")
        return Interpretation(reason="empty")
    chosen = _choice(found, context.choices)
    if chosen is not None:
        return Interpretation((chosen,), None, True, chosen.evidence)
    message = study(clean, found, context)
    numbered = _numbered(message, context)
    if numbered is not None:
        return Interpretation((numbered,), message.language, True, numbered.evidence)
    return _answer(message, context)


def study(clean: str, found: list[Token], context: Context, name: str | None = None) -> Message:
    """Look a message up in the packs that are in scope."""
    best, votes = languages(found, context.locale, context.region)
    if name is not None:
        best = [name, *[other for other in best[1:] if other != name]]
        if "en-Latn" not in best:
            best.append("en-Latn")
    reader = Reader(best or ["en-Latn"])
    post = reader.packs[0].post
    read = units(reader, found)
    when = dates.read(found, reader, read, context.at, context.state, context.region)
    # A word that already limits a day or an hour ("nantara", later; "eppo venelum", when you like) says nothing more.
    spent = [u for u in read if u.bits & _TIMELY and when.dated and when.tokens.issuperset(range(u.start, u.end))]
    read = [replace(u, bits=u.bits & ~_TIMELY) if u in spent else u for u in read]
    asks = "?" in clean or "؟" in clean
    view = View(read, when, context.state, post, asks)
    code = addresses.pincode(clean, context.region, context.state)
    number = addresses.phone(clean)
    stars = ratings.stars(found, reader, view)
    slots: dict[str, Slot] = {}
    given = set()
    if code:
        slots["pincode"] = code
        given.add("pincode")
    if number:
        slots["phone"] = number
        given.add("phone")
    if stars is not None and (context.state in ("rating", "review") or view.has("STAR")):
        given.add("rating")
    view.given = frozenset(given)
    near = [row.name for row in votes[1:4] if votes[0].score - row.score < 0.3 and row.own > 0]
    near = [other for other in near if other not in reader.names] if name is None else []
    if view.unknown:
        # Two languages claim the words; the one that reads more of them as they stand here is the better guess.
        others = [study(clean, found, context, other) for other in near]
        better = min(others, key=lambda other: other.view.unknown, default=None)
        if better is not None and better.view.unknown < view.unknown:
            return replace(better, rival=best[0])
    rival = near[0] if near else None
    language = compiled(reader.packs[0].name).language
    return Message(
        clean,
        found,
        reader,
        view,
        language,
        slots,
        stars,
        addresses.looks_like_address(view, found, code),
        topics(view),
        rival,
    )


def _words(found: list[Token]) -> str:
    return " ".join(plain(token.text) for token in found if not token.symbol)


@lru_cache(maxsize=1024)
def _title(title: str) -> str:
    return _words(tokens(normalise(title)))


def _choice(found: list[Token], choices: tuple[Choice, ...]) -> Act | None:
    """Match the exact title of an option, emoji and punctuation aside."""
    said = _words(found)
    for choice in choices:
        if said and said == _title(choice.title):
            return Act("choice", {"id": choice.id}, 1.0, "title", f"the title of {choice.id}")
    return None


def _numbered(message: Message, context: Context) -> Act | None:
    """Match the number of an option, if the question numbered them."""
    offered = {choice.number: choice for choice in context.choices if choice.number is not None}
    if not offered or context.state in ("rating", "review") or message.view.when.slots:
        return None
    number: int | None = None
    for index, token in enumerate(message.found):
        if token.text.isdigit() and len(token.text) <= 2:
            if number is not None:
                return None
            number = int(token.text)
            continue
        unit = next(u for u in message.view.units if u.start <= index < u.end)
        word = token.text
        if word in _OPTION_WORDS or unit.bits & mask("PLEASE", "FUNC"):
            continue
        ordinal = next((v for k, v, _ in message.reader.terms([word], 0)[0] if k == "numbers"), None)
        if ordinal is None or number is not None or len(message.found) > 3:
            return None
        number = int(ordinal)
    choice = offered.get(number) if number is not None else None
    if choice is None or number is None:
        return None
    return Act("choice", {"id": choice.id, "option": number}, 1.0, "number", f"the number of {choice.id}")


def _verdict(message: Message, context: Context) -> Verdict | None:
    """Ask the grammar, and a second language when the first is not clearly the right one."""
    verdict = decide(message.view)
    if message.rival is None:
        return verdict
    other = decide(study(message.text, message.found, context, message.rival).view)
    if verdict is None or other is None or verdict.act == other.act:
        if verdict is None and other is not None and other.act in ORDER_CHANGING:
            return None
        return verdict
    if {verdict.act, other.act} <= ORDER_CHANGING | {"dont_cancel"}:
        # Of two readings the one that keeps the order as it is, and in any case a tap.
        act = "dont_cancel" if "dont_cancel" in (verdict.act, other.act) else verdict.act
        rule = f"{verdict.rule}; {message.rival} reads {other.act}"
        return None if act == "confirm" else Verdict(act, rule, 0.6, verdict.slots, False)
    return verdict


_BESIDE_RATING = frozenset({"review_rating", "slot_choice", "review_text", "greeting_thanks"})


def _answer(message: Message, context: Context) -> Interpretation:
    view = message.view
    verdict = _verdict(message, context)
    remembered = _remembered(message, context)
    if verdict is not None and not (remembered == "dont_cancel" and verdict.act == "cancel"):
        rated = view.state in ("rating", "review") and message.stars is not None
        strong = not (rated and verdict.act in ("confirm", "cancel") and not view.has("CANCEL", "NOWANT"))
        if strong and (
            verdict.act in ("confirm", "opt_out", "opt_in") or verdict.confidence >= 0.8 or remembered is None
        ):
            return _decided(message, verdict)
    if remembered is not None and not forbidden(remembered, view):
        return _single(message, remembered, 0.9, "example", "a sentence of the pack", safe=False)
    rated = message.stars is not None and (view.state in ("rating", "review") or view.has("STAR"))
    if rated and ratings.bare(view) and not view.has("GREET") and set(message.about) <= _BESIDE_RATING:
        return _single(message, "review_rating", 0.92, "rating", f"{message.stars} stars")
    opinion = view.state in ("rating", "review") and message.about[:1] == ("review_text",)
    if opinion and not view.asks and set(message.about) <= _BESIDE_RATING:
        return _single(message, "review_text", 0.85, "topic", "a quality of the goods, asked for an opinion")
    if message.address >= 0.8:
        return _single(message, "address_fragment", message.address, "address", "words of an address")
    return _classified(message, context)


def _remembered(message: Message, context: Context) -> str | None:
    known = model()
    if known is None:
        return None
    words = " ".join(token.text for token in message.found if not token.symbol)
    for pack in message.reader.packs:
        for state in (context.state, ""):
            act = known.remembered(memory_key(pack.language, state, words))
            if act is not None:
                return act
    return None


def forbidden(act: str, view: View) -> bool:
    """Tell whether a safety class forbids an act to all but the grammar: to the classifier, an example, a proposal."""
    if act == "confirm":
        blocked = mask(
            "NEG", "CANCEL", "BUT", "STOP", "NO", "NOWANT", "NOTMINE", "OPTOUT", "WRONG", "RETURN", "DAMAGED", "LATER"
        )
        return (
            bool(view.bits & blocked & ~_double(view))
            or (view.has("ADDRESS") and view.has("CHANGE"))
            or view.asks
            or not view.bits & GO
        )
    if act == "cancel":
        cause = view.has("CANCEL", "NOWANT", "NEG", "NO", "REASON") or view.covered < 0.6
        return (
            not cause
            or view.denies("CANCEL")
            or (view.has("CANCEL") and view.has("UNDO"))
            or (view.has("YES") and not view.has("CANCEL", "NEG", "NOWANT", "NO"))
        )
    if act == "dont_cancel":
        return not view.has("CANCEL", "UNDO", "KEEP", "NOWANT") and view.covered > 0.7
    if act == "opt_in":
        return not view.has("OPTIN", "RESUME") and view.covered < 0.75
    if act == "yes_but":
        return not view.bits & (GO | BIT["THANKS"]) or not (view.has("BUT", "ALSO") or second(view))
    if act == "opt_out":
        stops = any(u.bits & BIT["STOP"] and not u.bits & mask("NO", "NEG") for u in view.units)
        return not stops and not view.has("OPTOUT", "MSG") and view.covered > 0.6
    return False


def _double(view: View) -> int:
    """Return blocking classes that are only second readings of words of agreement."""
    bits = 0
    for unit in view.units:
        if unit.bits & mask("YES", "OK", "RIGHT"):
            bits |= unit.bits
    for unit in view.units:
        if not unit.bits & mask("YES", "OK", "RIGHT"):
            bits &= ~unit.bits
    return bits


def _classified(message: Message, context: Context) -> Interpretation:
    view = message.view
    known = model()
    scores = _scores(message, known)
    for act in list(scores):
        if forbidden(act, view):
            scores[act] *= 0.02
    about = [act for act in message.about if act != "out_of_scope"]
    if len(about) == 1 and about[0] in _SPECIFIC and view.covered > 0.5:
        scores[about[0]] *= 4  # The words are about one thing of ours only.
    total = sum(scores.values()) or 1.0
    ranked = sorted(((score / total, act) for act, score in scores.items()), reverse=True)
    confidence, act = ranked[0]
    if confidence < _CERTAIN.get(act, _OTHERWISE):
        softer = next(((s, a) for s, a in ranked[1:3] if s >= _OTHERWISE and a not in _CERTAIN), None)
        if softer is None:
            return Interpretation((), message.language, False, f"not sure: {act} at {confidence:.2f}")
        confidence, act = softer
    return _single(message, act, confidence, "classifier", ", ".join(message.about) or "words", safe=False)


_SPECIFIC = frozenset(
    {"return_refund", "complaint_damaged", "talk_to_human", "change_address", "pay_online", "ask_status", "reschedule"}
)


def _scores(message: Message, known: Model | None) -> dict[str, float]:
    if known is None:
        about = message.about or ("out_of_scope",)
        return {act: 1.0 / (place + 1) ** 3 for place, act in enumerate(about)}
    return known.scores({**letters(message.found), **meanings(message.view, message.about)})


def _decided(message: Message, verdict: Verdict) -> Interpretation:
    acts = [Act(verdict.act, _slots(message, verdict.act, verdict.slots), verdict.confidence, "grammar", verdict.rule)]
    also = verdict.slots.get("also")
    if verdict.act == "yes_but" and isinstance(also, str) and also != "order_edit":
        acts.append(
            Act(also, _slots(message, also, dict(message.view.when.slots)), verdict.confidence, "grammar", verdict.rule)
        )
    safe = verdict.safe and verdict.confidence >= 0.9 and verdict.act in ORDER_CHANGING
    return Interpretation(tuple(acts), message.language, safe, verdict.rule)


def _single(
    message: Message, act: str, confidence: float, source: str, evidence: str, safe: bool = False
) -> Interpretation:
    acts = [Act(act, _slots(message, act, {}), round(confidence, 3), source, evidence)]
    if act in ("review_text", "complaint_damaged") and message.stars is not None and message.view.has("STAR", "NUMBER"):
        acts.append(
            Act(
                "review_rating", {"rating": message.stars}, round(confidence, 3), source, "a rating in the same message"
            )
        )
    if act == "change_address" and message.slots.get("pincode"):
        acts.append(
            Act("address_fragment", {"pincode": message.slots["pincode"]}, round(confidence, 3), source, "a pin code")
        )
    return Interpretation(tuple(acts), message.language, safe, evidence)


def slots_for(message: Message, act: str) -> dict[str, Slot]:
    """Return the slots that a message gives for an act that somebody else named."""
    return _slots(message, act, {})


_TIMED = frozenset({"slot_choice", "reschedule", "yes_but", "ask_status", "talk_to_human"})


def _slots(message: Message, act: str, given: dict[str, Slot]) -> dict[str, Slot]:
    slots = dict(given)
    if act in _TIMED:
        for key, value in message.view.when.slots.items():
            slots.setdefault(key, value)
    if act == "cancel" and message.view.denies("SEND", "CONFIRM") and not message.view.has("CANCEL"):
        slots["negated"] = True
    if act in ("address_fragment", "change_address"):
        slots.update({key: value for key, value in message.slots.items() if key in ("pincode", "phone")})
    if act == "talk_to_human" and "phone" in message.slots:
        slots["phone"] = message.slots["phone"]
    said = act == "review_rating" or (
        act in ("review_text", "complaint_damaged") and message.view.has("STAR", "NUMBER")
    )
    if said and message.stars is not None:
        slots["rating"] = message.stars
    return slots

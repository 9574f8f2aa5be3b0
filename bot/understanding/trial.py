"""Read one sentence the way the evaluation and the packs' tests do, and explain how it was read."""

from datetime import datetime, timedelta, timezone

from bot.understanding import Choice, Context, understand
from bot.understanding.contract import Interpretation, Slot
from bot.understanding.packs import Pack, header

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
_REGION = {"hi": "IN", "ur": "PK", "bn": "BD", "ar": "EG", "id": "ID", "fil": "PH", "vi": "VN", "es": "MX", "pt": "BR"}


def region_of(name: str) -> str:
    """Return the country that most writers of a pack send from."""
    head = header(name)
    regions = head["regions"]
    first = next((str(region) for region in regions if region != "*"), "IN") if isinstance(regions, list) else "IN"
    return _REGION.get(str(head["language"]), first)


def context(state: str, region: str | None, locale: str | None = None, at: datetime | None = None) -> Context:
    """Return the context of the development set: which options its questions number."""
    choices: tuple[Choice, ...] = ()
    if state == "confirm":
        choices = tuple(
            Choice(act, act, number) for number, act in enumerate(("confirm", "cancel", "change_address"), 1)
        )
    if state == "slot":
        choices = tuple(Choice("slot_choice", f"slot {number}", number) for number in range(1, 7))
    return Context(state, (), choices, locale, region, at or NOW)


def act_of(read: Interpretation) -> tuple[str | None, dict[str, Slot], float]:
    """Return the first act as the development set names it, with its slots and certainty."""
    if not read.acts:
        return None, {}, 0.0
    first = read.acts[0]
    slots = dict(first.slots)
    if first.kind == "choice":
        return str(slots.pop("id")), slots, first.confidence
    return first.kind, slots, first.confidence


def run(text: str, state: str, pack: Pack) -> tuple[str | None, dict[str, Slot]]:
    """Return the act and the slots of a sentence of a pack, as its shoppers' country would send it."""
    act, slots, _ = act_of(understand(text, context(state, region_of(pack.name))))
    return act, slots


def explain(text: str, region: str | None, state: str = "confirm", locale: str | None = None) -> str:
    """Describe which words were known, which layer decided and why."""
    from bot.understanding.lexicon import classes
    from bot.understanding.normal import normalise, tokens
    from bot.understanding.reading import study

    where = context(state, region, locale)
    clean = normalise(text)
    lines = [f"text      {clean}"]
    found = tokens(clean)
    if found:
        message = study(clean, found, where)
        lines.append(
            "packs     "
            + ", ".join(pack.name for pack in message.reader.packs)
            + (f" (or {message.rival})" if message.rival else "")
        )
        for unit in message.view.units:
            lines.append(f"  {unit.text:24s} {' '.join(classes(unit.bits)) or '(unknown)'}")
        for name, places in message.view.negated.items():
            lines.append(f"negated   {name}: {', '.join(message.view.units[place].text for place in sorted(places))}")
        if message.view.when.slots or message.view.when.refused:
            lines.append(
                f"when      {message.view.when.slots}" + (" and refuses a day" if message.view.when.refused else "")
            )
        if message.about:
            lines.append("about     " + ", ".join(message.about))
    read = understand(text, where)
    for act in read.acts:
        lines.append(f"act       {act.kind} {act.slots or ''} {act.confidence:.2f} by {act.source}: {act.evidence}")
    if not read.acts:
        lines.append(f"act       none: {read.reason}")
    lines.append(f"safe      {'yes' if read.safe else 'no, read it back for one tap'}")
    return "\n".join(lines)

"""Write texts: a key and raw values in, a finished sentence of a language out.

Texts live in `templates/messages/<locale>.toml`, WhatsApp templates in `templates/whatsapp/<name>.toml`. Money, dates,
lists and plurals follow CLDR through Babel. Nothing is cut here but what comes from outside (titles of goods).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, get_currency_precision

from bot.engine.effects import Choice, Part, Send
from bot.engine.flow import Ask, Decide, End, Flow, Says, paths
from bot.engine.values import Day, Difference, Items, Money, Place, Text, Value

FOLDER = Path(__file__).parent.parent / "templates"
DEFAULT = "en"
TITLE, ROW, DESCRIPTION, BODY, FOOTER = 20, 24, 72, 1024, 60
"""Meta's limits: button title, list row, its second line, body, footer
(https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages)."""
GOODS = 3
"""Lines of an order that are named; the rest is counted."""
ISOLATE, RELEASE = "\u2068", "\u2069"
"""Unicode isolates keep a Latin name or a number from turning a right-to-left sentence around."""
LANGUAGES = {"hi-Latn": ("_hinglish", "en"), "pt": ("", "pt_BR")}
"""Meta's code of a language where it is not ours. Meta has none for Hindi in Latin letters: it gets a name of its own
(https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/supported-languages)."""
UNWANTED = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class TextError(Exception):
    """A key or a placeholder that does not exist: an author's mistake."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A bubble, ready to be composed: body, choices as (id, title, description), the list's button, the form."""

    body: str
    choices: tuple[tuple[str, str, str], ...]
    button: str
    form: str


@dataclass(frozen=True, slots=True)
class Template:
    """A WhatsApp template in one language, as it is submitted to Meta.

    `name` and `language` are Meta's; the body has {name} placeholders, listed in `parameters` in their order. The
    quick replies of a message get the ids of its choices, in the order of `buttons`.
    """

    name: str
    language: str
    category: str
    body: str
    footer: str
    buttons: tuple[str, ...]
    parameters: tuple[str, ...]
    examples: Mapping[str, str]
    ttl_seconds: int | None = None
    """How long Meta may keep it for a phone that is off; None means 30 days."""


def locales() -> tuple[str, ...]:
    """Return the locales that have texts."""
    return tuple(sorted(path.stem for path in (FOLDER / "messages").glob("*.toml")))


def render(said: Part | str, values: Mapping[str, Value] | None = None, locale: str = DEFAULT, region: str = "") -> str:
    """Return one paragraph in a locale; money and dates as the region writes them."""
    key, given = (said.key, said.values) if isinstance(said, Part) else (said, values or {})
    language = known(locale)
    text = _text(key, language, given, region)
    isolating = _right_to_left(language, region)

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in given:
            raise TextError(f"{language}: {key} names {{{name}}}, which has no value")
        written = write(given[name], language, region)
        return f"{ISOLATE}{written}{RELEASE}" if isolating and written else written

    return PLACEHOLDER.sub(fill, text)


def render_send(send: Send, locale: str, region: str = "") -> Rendered:
    """Return a bubble in the locale it asks for, or else in the shopper's."""
    spoken = send.locale or locale
    return Rendered(
        "\n\n".join(render(part, None, spoken, region) for part in send.parts),
        tuple(_choice(choice, spoken, region) for choice in send.choices),
        render(send.button, {}, spoken, region) if send.button else "",
        send.form,
    )


def problems(flows: Iterable[Flow]) -> list[str]:
    """Return what is wrong with the texts of all locales: missing keys, unknown placeholders, titles that are too long.

    Bodies are measured by the tests, with the longest values that occur.
    """
    found: list[str] = []
    english = catalogue(DEFAULT)
    for flow in flows:
        found += [f"{DEFAULT}: {key} is missing" for key in sorted(keys_of(flow)) if key not in english]
        found += [
            f"{flow.name}.{step.name}: there is no WhatsApp template {name!r}"
            for step in flow.steps
            for name in (getattr(step, "template", None), getattr(step, "reminder", None))
            if name and name not in templates()
        ]
    for locale in locales():
        texts = catalogue(locale)
        found += [f"{locale}: {key} is missing" for key in english if key not in texts]
        found += [f"{locale}: {key} is not in {DEFAULT}" for key in texts if key not in english]
        for key, text in texts.items():
            forms = text.values() if isinstance(text, Mapping) else (text,)
            for form in forms:
                here, there = set(PLACEHOLDER.findall(str(form))), placeholders(key)
                if here - there or (not isinstance(text, Mapping) and here != there):
                    found.append(f"{locale}: {key} should name {sorted(there)}, not {sorted(here)}")
            most = _limit(key)
            if most and isinstance(text, str) and not PLACEHOLDER.search(text) and len(text) > most:
                found.append(f"{locale}: {key} has {len(text)} characters, {most} are allowed")
    return found


def placeholders(key: str) -> set[str]:
    """Return the placeholders of a text, as its English form has them."""
    text = catalogue(DEFAULT).get(key, "")
    forms = text.values() if isinstance(text, Mapping) else (text,)
    return {name for form in forms for name in PLACEHOLDER.findall(str(form))}


def keys_of(flow: Flow) -> set[str]:
    """Return the text keys that a flow names without being run; those its functions choose show in its dialogues."""
    found: set[str] = set()
    says: list[Says] = [interrupt.say for interrupt in flow.interrupts]
    for step in flow.steps:
        says += [way.say for _, way in paths(step)]
        if isinstance(step, Decide) or (isinstance(step, End) and step.quiet and not step.choices and not step.on):
            continue
        prefix = flow.texts(step)
        if step.say:
            says.append(step.say)
        elif not (isinstance(step, End) and step.quiet):
            found.add(f"{prefix}.text")
        if isinstance(step, Ask):
            found.add(f"{prefix}.again")
            if len(step.patience) > 1:
                found.add(f"{prefix}.remind")
            if step.form == "list":
                found.add(f"{prefix}.button")
        if isinstance(step, Ask | End) and getattr(step, "offer", None) is None:
            ids = step.choices if step.choices is not None else tuple(step.on)
            found |= {c.title if isinstance(c, Choice) else f"{prefix}.choices.{c}" for c in ids}
    for say in says:
        found |= {say} if isinstance(say, str) else set(say) if isinstance(say, tuple) else set()
    return found


def _limit(key: str) -> int:
    if ".choices." in key:
        in_list = key.rpartition(".choices.")[0]
        return ROW if f"{in_list}.button" in catalogue(DEFAULT) else TITLE
    if key.endswith(".button"):
        return TITLE
    return {"common.footer": FOOTER, "address.neither": TITLE, "which.none": ROW}.get(key, 0)


def known(locale: str) -> str:
    """Return the locale that has texts for this one: itself, its language, or English."""
    name = locale.replace("_", "-")
    have = _catalogue_names()
    while name:
        if name in have:
            return name
        name = name.rpartition("-")[0]
    return DEFAULT


def write(value: Value, locale: str = DEFAULT, region: str = "") -> str:
    """Write one value in a locale."""
    where = _babel(locale, region)
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Text):
        return render(value.key, {}, locale, region)
    if isinstance(value, Money):
        return _money(value, where)
    if isinstance(value, int):
        return format_decimal(value, locale=where)
    if isinstance(value, Day):
        return _day(value, locale, where, region)
    if isinstance(value, date):
        return format_skeleton("MMMEd", value, locale=where)
    if isinstance(value, Items):
        return _items(value, locale, where, region)
    if isinstance(value, Place):
        return _place(value)
    if isinstance(value, Difference):
        return "\n".join(_change(change, locale, region) for change in value.changes)
    return "\n".join(
        f"• {plain(reference)}: {_items(items, locale, where, region)}, {_money(total, where)}"
        for reference, items, total in value.orders
    )


def plain(text: str) -> str:
    """Return a value from outside as one line, without characters that could turn or break the sentence."""
    return " ".join(UNWANTED.sub(" ", text).split())


def template_values(name: str, locale: str, values: Mapping[str, Value], region: str = "") -> dict[str, str]:
    """Return the parameters of a template, one line each: Meta refuses newlines, tabs and runs of spaces."""
    template = templates()[name][known(locale)]
    before, after = (ISOLATE, RELEASE) if _right_to_left(known(locale), region) else ("", "")
    written = {one: plain(write(values[one], known(locale), region)) or "-" for one in template.parameters}
    return {one: f"{before}{value}{after}" for one, value in written.items()}


@cache
def templates() -> Mapping[str, Mapping[str, Template]]:
    """Return every WhatsApp template by name and locale."""
    found: dict[str, dict[str, Template]] = {}
    for path in sorted((FOLDER / "whatsapp").glob("*.toml")):
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = {locale: _template(path.stem, raw, locale) for locale in locales()}
    return found


def _template(name: str, raw: Mapping[str, Any], locale: str) -> Template:
    body = str(_text(raw["body"], locale, {}, ""))
    parameters = tuple(dict.fromkeys(PLACEHOLDER.findall(body)))
    suffix, language = LANGUAGES.get(locale, ("", locale))
    return Template(
        name=f"{name}{suffix}",
        language=language,
        category=raw["category"],
        body=body,
        footer=render(raw["footer"], {}, locale) if raw.get("footer") else "",
        buttons=tuple(render(key, {}, locale) for key in raw.get("buttons", ())),
        parameters=parameters,
        examples={one: str(raw["examples"][one]) for one in parameters},
        ttl_seconds=raw.get("ttl_seconds"),
    )


@cache
def catalogue(locale: str) -> Mapping[str, Any]:
    """Return all texts of a locale by their full keys; a table of plural forms is one text."""
    path = FOLDER / "messages" / f"{locale}.toml"
    return dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")), ""))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and not ("other" in value and PLURALS.issuperset(value)):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


@cache
def _catalogue_names() -> frozenset[str]:
    return frozenset(locales())


@cache
def _babel(locale: str, region: str) -> Locale:
    """Return the CLDR locale of a language in a region, or of the language alone where CLDR has no such pair."""
    for name in (f"{locale}-{region}" if region else locale, locale, locale.partition("-")[0]):
        try:
            return Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(DEFAULT)


@cache
def _right_to_left(locale: str, region: str) -> bool:
    return _babel(locale, region).text_direction == "rtl"


def _text(key: str, locale: str, values: Mapping[str, Value], region: str) -> str:
    text = catalogue(locale).get(key)
    if text is None:
        text = catalogue(DEFAULT).get(key)
    if text is None:
        raise TextError(f"{locale}: there is no text {key!r}")
    if isinstance(text, Mapping):
        count = values.get("count", 0)
        form = _babel(locale, region).plural_form(count if isinstance(count, int) else 0)
        text = text.get(form, text["other"])
    return str(text).strip()


def _choice(choice: Choice, locale: str, region: str) -> tuple[str, str, str]:
    title = render(choice.title, choice.values, locale, region)
    detail = render(choice.description, choice.values, locale, region) if choice.description else ""
    return choice.id, title.replace(ISOLATE, "").replace(RELEASE, ""), _short(detail, DESCRIPTION)


@lru_cache(maxsize=4096)
def _money(money: Money, where: Locale) -> str:
    digits = get_currency_precision(money.currency)
    amount = money.minor / 10**digits
    whole = money.minor % 10**digits == 0
    written = format_currency(amount, money.currency, locale=where, decimal_quantization=True)
    if whole and digits:
        written = format_currency(
            int(amount), money.currency, locale=where, currency_digits=False, format=_whole_pattern(where)
        )
    return written.replace("\u00a0", " ")


@cache
def _whole_pattern(where: Locale) -> str:
    """Return the locale's currency pattern without a fraction: nobody says "and zero paise"."""
    return re.sub(r"\.0+", "", str(where.currency_formats["standard"].pattern))


@lru_cache(maxsize=4096)
def _day(day: Day, locale: str, where: Locale, region: str) -> str:
    written = format_skeleton("MMMEd", day.on, locale=where)
    if not day.part:
        return written
    # A Latin comma looks lost between Arabic letters.
    comma = "، " if where.text_direction == "rtl" else ", "
    start, dash, end = day.part.partition("-")
    if dash:
        hours = [_hour(one, where) for one in (start, end) if one]
        if len(hours) == 2:
            return f"{written}{comma}{hours[0]}–{hours[1]}"
        return f"{written}{comma}{render('slot.after' if start else 'slot.before', {'time': hours[0]}, locale, region)}"
    written = format_skeleton(_skeleton(locale, region), day.on, locale=where)
    return f"{written}{comma}{render(f'slot.part.{day.part}', {}, locale, region)}"


@cache
def _skeleton(locale: str, region: str) -> str:
    """Return how a day with a part is written: some languages have room in a row for a month's number, not its name."""
    where = _babel(locale, region)
    days = [format_skeleton("MMMEd", date(2026, 1, 1) + timedelta(days=n), locale=where) for n in range(365)]
    parts = [render(f"slot.part.{part}", {}, locale, region) for part in ("morning", "afternoon", "evening")]
    return "MMMEd" if len(f"{max(days, key=len)}, {max(parts, key=len)}") <= ROW else "MEd"


def _hour(written: str, where: Locale) -> str:
    """Write an hour; anything that is none stays as it is, because a shopper may have said anything."""
    try:
        return format_time(time.fromisoformat(written), "short", locale=where).replace("\u202f", " ")
    except ValueError:
        return plain(written)


def _items(items: Items, locale: str, where: Locale, region: str) -> str:
    named = []
    for line in items.lines[:GOODS]:
        title = _short(plain(line.title), 48)
        variant = f" ({_short(plain(line.variant), 24)})" if line.variant else ""
        named.append(f"{title}{variant}" + (f" × {line.quantity}" if line.quantity > 1 else ""))
    if not named:
        return render("common.your_order", {}, locale, region)
    rest = len(items.lines) - GOODS
    if rest > 0:
        named.append(render("common.more", {"count": rest}, locale, region))
    return format_list(named, locale=where)


def _place(place: Place) -> str:
    fields = dict(place.fields)
    if not place.masked:
        return ", ".join(plain(value) for value in fields.values() if plain(value))
    code = plain(fields.get("postal_code", ""))
    hidden = f"{code[:-2]}xx" if len(code) > 3 else ""
    return ", ".join(one for one in ("…", plain(fields.get("city", "")), hidden) if one)


def _change(change: tuple[str, str, str], locale: str, region: str) -> str:
    field, old, new = change
    name = render(f"fields.{field}", {}, locale, region)
    old, new = plain(old), plain(new)
    return f"{name}: " + " ".join([*([f"~{old}~"] if old else []), *([f"*{new}*"] if new else [])])


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"

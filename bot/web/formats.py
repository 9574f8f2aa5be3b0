"""How values are shown: money, times, phone numbers, and the words for each state."""

from datetime import date, datetime, timedelta

import phonenumbers
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, get_currency_precision, get_currency_symbol
from flask import Flask, request, url_for
from flask_babel import get_locale, gettext, ngettext

from bot.clock import now
from bot.services import services
from bot.web import access, masks, streams
from bot.web.labels import LABELS, Label
from bot.web.languages import LANGUAGES, place
from bot.web.live import ADDRESS

DEMO = "demo"
"""The short name of the demo's shop (`bot.demo`)."""


def install(app: Flask) -> None:
    """Give the templates their filters and names."""
    app.jinja_env.filters.update(money=money, moment=moment, day=day, phone=phone, span=span, device_name=device_name)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        label=label, someone=access.someone, page_url=page_url, languages=LANGUAGES, now=now, theme=theme,
        direction=direction, may=may, get_locale=get_locale, live_address=ADDRESS,
        is_demo=is_demo, phones=phones, scale=scale, translates=translates, streams_news=streams_news,
    )  # fmt: skip


def streams_news() -> bool:
    """Whether a page may ask this server for a stream of its news."""
    return streams.possible(request.environ)


def translates() -> bool:
    """Whether a server was named that can translate what shoppers write."""
    return services().translator is not None


def money(minor: int, currency: str) -> str:
    """Show an amount given in minor units; a round one without its zeros, as price tags do."""
    precision = get_currency_precision(currency)
    amount = minor / 10**precision
    round_ = amount == int(amount)
    locale, _zone = place()
    # A sign stands close to its number, a word such as AED does not.
    gap = "\u00a0" if get_currency_symbol(currency, locale)[-1].isalpha() else ""
    pattern = f"¤{gap}#,##{',##' if currency == 'INR' else ''}0" + ("" if round_ else ".00")
    return format_currency(amount, currency, locale=locale, format=pattern, currency_digits=not round_)


def moment(at: datetime | None, style: str = "short") -> str:
    """Show an instant in the shop's zone: the hour when it was today, the day and hour otherwise."""
    if at is None:
        return ""
    locale, zone = place()
    local, today = at.astimezone(zone), now().astimezone(zone).date()
    if style == "full":
        return format_datetime(local, "d MMM yyyy, HH:mm", locale=locale)
    if local.date() == today:
        return format_datetime(local, "HH:mm", locale=locale)
    if abs(local.date() - today) < timedelta(days=2):
        word = gettext("yesterday") if local.date() < today else gettext("tomorrow")
        return f"{word} {format_datetime(local, 'HH:mm', locale=locale)}"
    pattern = "d MMM, HH:mm" if local.year == today.year else "d MMM yyyy"
    return format_datetime(local, pattern, locale=locale)


def day(value: datetime | date | None, style: str = "EEE d MMM") -> str:
    """Show a day."""
    return "" if value is None else format_date(value, style, locale=place()[0])


def scale(top: int) -> list[int]:
    """Return the marks of an axis from 0 to `top` or a little more, at numbers that people count in."""
    step = next(step for power in range(12) for digit in (1, 2, 5) if (step := digit * 10**power) * 4 >= top)
    return list(range(0, top + step, step))


def span(seconds: float) -> str:
    """Show a length of time in its largest unit."""
    seconds = max(0, int(seconds))
    if seconds < 3600:
        return gettext("%(n)s min", n=seconds // 60)
    if seconds < 2 * 86400:
        return gettext("%(n)s h", n=seconds // 3600)
    return ngettext("%(num)s day", "%(num)s days", seconds // 86400)


def phone(number: str, *, hide: bool = True) -> str:
    """Show a number in E.164 in groups; with `hide` its middle is hidden from those who need not call (see `masks`)."""
    if not number:
        return ""
    try:
        shown = phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        shown = number
    return masks.masked(shown) if hide and masks.hides() else shown


def label(kind: str, code: str | None) -> Label:
    """Return the word and the tone for a code, such as label("intent", "confirmed")."""
    plain = (code or "").removeprefix("why:")
    return LABELS[kind].get(plain, Label(plain, "quiet"))


def page_url(**changes: object) -> str:
    """Return this page's address with some of its parameters changed; None removes one."""
    arguments: dict[str, object] = {**(request.view_args or {}), **request.args.to_dict()}
    arguments.update(changes)
    kept = {name: value for name, value in arguments.items() if value not in (None, "")}
    return url_for(request.endpoint or "", **kept)  # type: ignore[arg-type]  # Values of any kind are allowed.


def theme() -> str:
    """Return the chosen theme: light, dark, or auto (as the device is set)."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in ("light", "dark") else "auto"


def direction() -> str:
    """Return the direction in which the page's language is written."""
    locale = get_locale()
    return str(locale.text_direction) if locale else "ltr"


def may(endpoint: str) -> bool:
    """Whether the person may open a page; links to others are not shown."""
    from flask import current_app

    person = access.someone()
    roles = access.roles_of(current_app.view_functions[endpoint])
    return roles is None or (person is not None and person.role in roles)


def is_demo() -> bool:
    """Whether the person looks at the demo's shop."""
    person = access.someone()
    return person is not None and person.shop is not None and person.shop.slug == DEMO


def phones() -> str:
    """Return where the simulated phones are; nothing where the real WhatsApp is used."""
    address = services().settings.graph_api_url
    return "" if address.startswith("https://graph.facebook.com") else address


def device_name(user_agent: str) -> str:
    """Say which browser on which system a sign-in came from, as far as it tells."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), gettext("A browser"))
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser}, {system}" if system else browser


# In this order, because each names those before it as well.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
             ("Chrome/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"),
            ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip

"""The settings of a shop: its rules, its name and clock, and what shoppers read."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_precision
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlmodel import Session
from werkzeug.wrappers import Response

from bot.clock import now
from bot.models import Merchant
from bot.orders.decisions import Case, Decision, decide
from bot.orders.history import odds_of
from bot.orders.rules import Rules, RulesError
from bot.text import known, locales
from bot.web import audit, previews, rule_forms, tenant
from bot.web.access import MERCHANT, OWNER, allow, me, my_shop
from bot.web.rule_fields import FIELDS, GROUPS, limit_of

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

EXAMPLE = 1299
"""Of the shop's money: the order that the live example adds up."""
SCORES = (("good", 90), ("doubtful", 40))
"""The address scores of the two examples."""


@blueprint.get("")
@allow(MERCHANT)
def page() -> str:
    """Show every rule; staff may read them."""
    with tenant.reading() as session:
        rules = Rules.from_json(_merchant(session).rules)
    return _page(rule_forms.shown(rules, my_shop().currency), {})


@blueprint.post("/rules")
@allow(OWNER)
def save() -> tuple[str, int] | Response:
    """Take all rules as they were written, or say at the field what is wrong."""
    written = rule_forms.as_written(request.form)
    values, faults = rule_forms.read(written, my_shop().currency)
    rules = Rules()
    if not faults:
        rules, faults = _judge(values)
    if faults:
        return _page(written, faults), 422
    with tenant.writing() as session:
        row = _merchant(session)
        before, after = row.rules, rules.to_json()
        changes = {
            name: [before.get(name), after.get(name)] for name in FIELDS if _value(before, name) != getattr(rules, name)
        }
        # What no field shows, a newer release's rule for one, is left as it is.
        row.rules = {name: value for name, value in before.items() if name not in FIELDS} | after
        if changes:
            audit.record(
                session, "rules.changed", member_id=me().id, merchant_id=row.id, about=f"shop:{row.id}", changes=changes
            )
    flash(_("Saved.") if changes else _("Nothing changed: it was so already."), "good" if changes else "act")
    return redirect(url_for("settings.page"))


@blueprint.post("/shop")
@allow(OWNER)
def save_shop() -> tuple[str, int] | Response:
    """Change the shop's name, the language its shoppers are first spoken to in, and its clock."""
    given = {name: " ".join(request.form.get(name, "").split()) for name in ("name", "locale", "timezone")}
    faults = {}
    if not 0 < len(given["name"]) <= 80:
        faults["name"] = _("A name has 1 to 80 characters.")
    if given["locale"] not in locales():
        faults["locale"] = _("There are no texts in this language.")
    if given["timezone"] not in available_timezones():
        faults["timezone"] = _("There is no such time zone.")
    with tenant.writing() as session:
        row = _merchant(session)
        if faults:
            rules = Rules.from_json(row.rules)
        else:
            changes = {
                name: [getattr(row, name), value] for name, value in given.items() if getattr(row, name) != value
            }
            for name, value in given.items():
                setattr(row, name, value)
            if changes:
                audit.record(
                    session, "shop.changed", member_id=me().id, merchant_id=row.id, about=f"shop:{row.id}",
                    changes=changes,
                )  # fmt: skip
    if faults:
        return _page(rule_forms.shown(rules, my_shop().currency), {}, given, faults), 422
    flash(_("Saved.") if changes else _("Nothing changed: it was so already."), "good" if changes else "act")
    return redirect(url_for("settings.page"))


@blueprint.get("/example")
@allow(MERCHANT)
def example() -> str:
    """Add up what the rules that are being written would do with a silent shopper's order."""
    with tenant.reading() as session:
        values = rule_forms.shown(Rules.from_json(_merchant(session).rules), my_shop().currency)
        values |= {name: request.args[name].strip() for name in _SUMMED if name in request.args}
        read, faults = rule_forms.read(values, my_shop().currency)
        rules = Rules()
        if not faults:
            rules, faults = _judge(read)
        sums = [] if faults else _examples(session, rules, _amount(request.args.get("amount", "")))
    return render_template("settings_example.html", sums=sums, currency=my_shop().currency)


@blueprint.get("/texts")
@allow(MERCHANT)
def texts() -> str:
    """Show what shoppers would read first: one language, or one talk in all of them."""
    flows = current_app.extensions["pakka_flows"]
    wanted = request.args.get("language", "")
    language = wanted if wanted in locales() else known(my_shop().locale)
    talk = request.args.get("talk", "")
    chosen = {talk: flows[talk]} if talk in flows else flows
    with tenant.reading() as session:
        rules = Rules.from_json(_merchant(session).rules)
    shown = previews.openings(chosen, my_shop(), rules, locales() if talk in flows else (language,), now())
    return render_template(
        "settings_texts.html", shown=shown, language=language, talk=talk, talks=list(flows), names=language_names()
    )


def language_names() -> dict[str, str]:
    """Return the languages that have texts, each by its name in the console's language."""
    return {code: _language(code) for code in locales()}


_SUMMED = ("on_silence", "margin_percent", "return_cost", "cancel_after_hours")


def _language(code: str) -> str:
    try:
        name = Locale.parse(code, sep="-").get_display_name(get_locale()) or code
    except (UnknownLocaleError, ValueError):
        name = code
    return name[:1].upper() + name[1:]


def _page(
    written: dict[str, Any], faults: dict[str, str], given: dict[str, str] | None = None,
    shop_faults: dict[str, str] | None = None,
) -> str:  # fmt: skip
    with tenant.reading() as session:
        row = _merchant(session)
        given = given or {"name": row.name, "locale": known(row.locale), "timezone": row.timezone}
        values, _unread = rule_forms.read(written, row.currency)
        rules, refused = _judge(values)
        sums = [] if refused else _examples(session, rules, _amount(""))
    return render_template(
        "settings.html", groups=GROUPS, written=written, faults=faults, given=given, shop_faults=shop_faults or {},
        sums=sums, currency=row.currency, example=EXAMPLE, names=language_names(), zones=sorted(available_timezones()),
        changeable=me().role == OWNER,
    )  # fmt: skip


def _judge(values: dict[str, Any]) -> tuple[Rules, dict[str, str]]:
    """Return the rules, or which of them is refused: name -> sentence."""
    try:
        return Rules.judged(values), {}
    except RulesError as error:
        name = str(error).partition(":")[0]
        return Rules(), {name: limit_of(name)}


def _examples(session: Session, rules: Rules, amount: int) -> list[tuple[str, Decision]]:
    """Return what becomes of a silent shopper's order with a good and with a doubtful address."""
    at = now()
    odds = odds_of(session, my_shop().id, at)
    today = at.astimezone(ZoneInfo(my_shop().timezone)).date()
    decided = []
    for name, score in SCORES:
        case = Case(
            "open", "silent", "unasked", amount, my_shop().currency, address_score=score,
            silent_hours=timedelta(days=1) / timedelta(hours=1),
        )  # fmt: skip
        decision = decide(case, rules, odds, today)
        if decision is not None:
            decided.append((name, decision))
    return decided


def _amount(written: str) -> int:
    digits = get_currency_precision(my_shop().currency)
    return (int(written) if written.isdecimal() and 0 < int(written[:9]) < 10**8 else EXAMPLE) * 10**digits


def _merchant(session: Session) -> Merchant:
    return session.get_one(Merchant, my_shop().id)


def _value(stored: dict[str, Any], name: str) -> Any:
    return getattr(Rules.from_json({name: stored[name]}) if name in stored else Rules(), name)

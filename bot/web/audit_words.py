"""The audit in people's words: what was done, to which thing, and the details."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from bot.models import Audit
from bot.orders.rules import Rules
from bot.web import inbox_words, rule_forms
from bot.web.formats import label
from bot.web.labels import COLUMNS, LABELS
from bot.web.rule_fields import FIELDS
from bot.web.systems import SCOPE_WORDS

ACTS: dict[str, Any] = {
    "signin.done": _("Signed in"),
    "signin.refused": _("Sign-in refused: wrong password"),
    "signin.code_refused": _("Sign-in refused: wrong code"),
    "member.invited": _("Person invited"),
    "member.joined": _("Accepted the invitation"),
    "member.link_made": _("Link for a new password made"),
    "member.password_reset": _("New password by link"),
    "member.password_changed": _("Password changed"),
    "member.role_changed": _("Role changed"),
    "member.disabled": _("Access taken away"),
    "member.enabled": _("Access given back"),
    "member.second_factor_on": _("Second factor switched on"),
    "member.second_factor_off": _("Second factor switched off"),
    "member.recovery_codes_renewed": _("New recovery codes made"),
    "member.device_signed_out": _("A device was signed out"),
    "member.signed_out_everywhere": _("All other devices were signed out"),
    "shop.created": _("Shop made"),
    "shop.changed": _("Shop details changed"),
    "shop.connected": _("WhatsApp number connected"),
    "rules.changed": _("Rules changed"),
    "templates.submitted": _("Message templates submitted"),
    "trial.begun": _("Test order begun"),
    "upload.received": _("Order list uploaded"),
    "upload.begun": _("Import begun"),
    "upload.undone": _("Order list taken back"),
    "upload.downloaded": _("Order list downloaded"),
    "order.created": _("Order received"),
    "order.updated": _("Order details changed"),
    "order.outcome": _("Order decided by hand"),
    "order.change_approved": _("Order changed as the list says"),
    "order.address_changed": _("Address changed by hand"),
    "order.called": _("Shopper called"),
    "order.phone_wiped": _("Phone number wiped: it is not the shopper's"),
    "notice.waiting_raises_returns": _("The shopper chose a late day, which raises returns"),
    "notice.city_changed": _("The shopper named another city"),
    "conversation.taken_over": _("Conversation taken over"),
    "conversation.assigned": _("Conversation assigned"),
    "conversation.released": _("Conversation given back to the bot"),
    "conversation.resolved": _("Conversation finished"),
    "conversation.template_sent": _("Message template sent by hand"),
    "answer.saved": _("Canned answer saved"),
    "answer.deleted": _("Canned answer deleted"),
    "review.answered": _("Review answered"),
    "key.created": _("API key made"),
    "key.revoked": _("API key revoked"),
    "hook.created": _("Web address for events added"),
    "hook.changed": _("Web address for events changed"),
    "hook.secret_renewed": _("New secret for a web address"),
    "hook.switched": _("Web address switched on or off"),
    "hook.deleted": _("Web address for events deleted"),
    "shopper.revealed": _("Looked at a hidden number and address"),
    "shopper.exported": _("Everything kept of a shopper given out"),
    "shopper.erased": _("Shopper erased"),
    "retention.wiped": _("Old messages and files wiped"),
}
"""Every act that is recorded; a test finds those without words."""

_FILES = {
    "json": _("one file"),
    "zip": _("several files"),
    "decisions": _("with decisions"),
    "shiprocket": "Shiprocket",
}
_ENDINGS = inbox_words.OUTCOMES
_SWITCH = {True: _("on"), False: _("off")}
_FACTORS = {"code": _("code of the app"), "recovery": _("recovery code")}
_NAMES: dict[str, Any] = {
    "from": _("Internet address"),
    "factor": _("Second factor"),
    "devices": _("Devices"),
    "role": _("Role"),
    "rows": _("Rows"),
    "orders": _("Orders"),
    "what": _("File"),
    "kind": _("File"),
    "ending": _("Result"),
    "to": _("To"),
    "tried": _("Sent in"),
    "failed": _("Refused"),
    "prefix": _("Key"),
    "scopes": _("It may"),
    "events": _("Events"),
    "fields": _("Changed"),
    "texts": _("Changed"),
    "on": _("Now"),
    "upload": _("Order list no."),
    "days": _("Days"),
    "shortcut": _("Shortcut"),
    "template": _("Template"),
    "messages": _("Messages"),
    "files": _("Order lists"),
    "tasks": _("Tasks"),
}
"""What the details of a line are called."""

_VALUES: dict[str, Mapping[Any, Any]] = {
    "factor": _FACTORS, "kind": _FILES, "what": _FILES, "ending": _ENDINGS, "on": _SWITCH, "scopes": SCOPE_WORDS,
}  # fmt: skip
_SILENT = frozenset({"by", "key", "shared", "changes", "before", "after"})
"""Told elsewhere in the line, or of use to nobody but us."""

_OF_ORDER: dict[str, Any] = {
    **COLUMNS,
    "intent": _("Answer"),
    "status": _("Status"),
    "readiness": _("Cash ready"),
    "decision": _("Decision"),
    "decision_reason": _("Reason"),
    "cancel_reason": _("Reason"),
    "cancel_note": _("Note"),
    "not_before": _("Not before"),
    "wish": _("Wish"),
    "slot": _("Part of the day"),
    "receiver": _("Receiver"),
    "instructions": _("For the courier"),
    "address": _("Address"),
    "address_changed": _("Address"),
    "items": _("Goods"),
    "locale": _("Language"),
    "list": _("as the newest list says"),
}
_OF_SHOP = {"name": _("Name"), "locale": _("Language"), "timezone": _("Time zone")}


def said(act: str) -> str:
    """Return what was done, in words; an act of a newer release as it is called there."""
    return str(ACTS.get(act, act))


def details(line: Audit, people: Mapping[int, str], currency: str) -> list[str]:
    """Return what else a line tells, each as "name: value"; `people` are names of members by id."""
    told = list(_changes(line, currency))
    for name, value in line.detail.items():
        if name not in _SILENT and value not in (None, "", []):
            told.append(f"{_NAMES.get(name, name)}: {_value(name, value, people)}")
    return told


def _value(name: str, value: Any, people: Mapping[int, str]) -> str:
    if name == "to":
        return people.get(value, str(value))
    if name == "role":
        return str(label("role", value).text)
    if name in ("fields", "texts"):
        return ", ".join(dict.fromkeys(str(_OF_ORDER.get(one, one)) for one in value))
    words = _VALUES.get(name, {})
    if isinstance(value, list):
        return ", ".join(str(words.get(one, one)) for one in value)
    return str(words.get(value, value))


def _changes(line: Audit, currency: str) -> Iterator[str]:
    """Yield "name: before → after" of what was changed."""
    if "before" in line.detail:
        before, after = (label("role", line.detail.get(side)).text for side in ("before", "after"))
        yield f"{_NAMES['role']}: {before} → {after}"
    changes = line.detail.get("changes") or {}
    for name, pair in changes.items():
        before, after = pair if isinstance(pair, list) and len(pair) == 2 else ("", pair)
        if line.act == "rules.changed" and name in FIELDS:
            values = " → ".join(_rule(name, value, currency) for value in (before, after))
            yield f"{FIELDS[name].label}: {values} {FIELDS[name].unit}".strip()
        elif line.act == "order.outcome":
            yield f"{_OF_ORDER.get(name, name)}: {_state(name, before)} → {_state(name, after)}"
        else:
            yield f"{_OF_SHOP.get(name, name)}: {before} → {after}"


def _state(kind: str, value: Any) -> str:
    known = LABELS.get(kind, {}).get(str(value or ""))
    return str(known.text if known else value or "–")


def _rule(name: str, value: Any, currency: str) -> str:
    """Show a rule's value as the settings page does; None stands for the default."""
    shown = rule_forms.shown(Rules.from_json({} if value is None else {name: value}), currency)[name]
    options: dict[str, str] = {code: str(words) for code, words, _hint in FIELDS[name].options}
    if FIELDS[name].kind == "flag":
        return str(_SWITCH[bool(shown)])
    parts: list[str] = shown if isinstance(shown, list) else [shown]
    return ", ".join(options.get(part, part) for part in parts if part) or "–"

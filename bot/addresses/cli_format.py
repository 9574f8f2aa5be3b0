"""Addresses, reports and merges as the JSON lines of the commands (see `flask addresses --help`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.addresses.check import check
from bot.addresses.merge import merge
from bot.addresses.parts import latin, read_parts
from bot.addresses.records import Address, Merge, Option, Question, Report
from bot.addresses.replies import read_reply
from bot.addresses.text import key
from bot.addresses.verdict import ask, pin_option

#: Names of fields in the JSON lines that differ from ours.
PIN, LANDMARK = "pincode", "landmark"
FRONT = (
    "house_no",
    "unit",
    "floor",
    "tower",
    "wing",
    "building",
    "street",
    "sublocality",
    "locality",
    "village",
    "post",
    "care_of",
)


def text_of(row: Mapping[str, Any], name: str) -> str:
    """Return a value of a row as text: null and numbers are allowed."""
    value = row.get(name)
    return "" if value is None else str(value)


def address_of(row: Mapping[str, Any]) -> Address:
    """Read an address from a JSON object with `address1`, `city`, `state`, `pincode` (or `postal_code`), `country`.

    Parts with a field of their own (`house_no`, `building`, ...) that the line does not name are put in front of it.
    """
    line = text_of(row, "address1")
    for kind in reversed(FRONT):
        value = text_of(row, kind)
        if value and key(value) + "".join(c for c in value if c.isdigit()) not in key(line) + "".join(
            c for c in line if c.isdigit()
        ):
            line = f"{value}, {line}".strip(", ")
    landmark = text_of(row, LANDMARK)
    return Address(
        address1=line,
        address2=text_of(row, "address2"),
        landmark="" if landmark and key(landmark) in key(latin(line)) else landmark,
        city=text_of(row, "city"),
        state=text_of(row, "state"),
        postal_code=text_of(row, PIN) or text_of(row, "postal_code"),
        country=text_of(row, "country") or "IN",
        latitude=number_of(row.get("lat")),
        longitude=number_of(row.get("lng")),
        directions=text_of(row, "directions"),
        alt_phone=text_of(row, "alt_phone"),
    )


def number_of(value: Any) -> float | None:
    """Return a number, or None for anything that is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def check_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Check `{"id", "record"}` and return `{"id", "findings", "suggested_pins", "score", "question", ...}`."""
    record = row.get("record")
    report = check(address_of(record if isinstance(record, Mapping) else row))
    return {"id": row.get("id"), **report_row(report)}


def report_row(report: Report) -> dict[str, Any]:
    """Write a report as a JSON object."""
    parse: dict[str, list[str]] = {}
    for component in report.components:
        parse.setdefault(component.kind, []).append(component.value)
    fix: dict[str, str] = {}
    for suggestion in report.suggestions:
        fix.setdefault(PIN if suggestion.field == "postal_code" else suggestion.field, suggestion.value)
    question = report.question.code if report.question else "NONE"
    return {
        "findings": [
            {"code": f.code, "severity": f.severity, "field": f.field, "sentence": f.sentence} for f in report.findings
        ],
        "suggested_pins": list(report.pins),
        "score": report.score,
        "band": report.band,
        "question": question,
        "button_pin": _button(report.question),
        "fix": fix,
        "parse": parse,
        "edition": report.edition,
    }


def _button(question: Question | None) -> str | None:
    return (
        dict(question.options[0].values).get("postal_code")
        if question and question.code == "CONFIRM_PIN" and question.options
        else None
    )


def merge_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Merge one row and return `{"id", "after", "diff", "open", "flags"}`.

    The row is `{"id", "before", "question", "replies"}`, with `suggested` where a postal code had been offered.
    """
    record = row.get("before")
    before = record if isinstance(record, Mapping) else {}
    code = str(row.get("question") or "CONFIRM_ADDRESS")
    suggested = row.get("suggested")
    options: tuple[Option, ...] = (pin_option(str(suggested)),) if suggested else ()
    replies = row.get("replies")
    result = merge(
        address_of(before), ask(code, *options), [read_reply(r) for r in replies] if isinstance(replies, list) else []
    )
    return {"id": row.get("id"), **result_row(result)}


def result_row(result: Merge) -> dict[str, Any]:
    """Write the outcome of a merge as a JSON object."""
    return {
        "after": flat(result.after),
        "diff": [
            {"field": PIN if c.field == "postal_code" else c.field, "old": c.old, "new": c.new} for c in result.changes
        ],
        "open": [result.open.code] if result.open else [],
        "flags": list(result.flags),
    }


def flat(address: Address) -> dict[str, Any]:
    """Write an address as one flat object: its fields, then the parts read out of its lines."""
    parts = read_parts(latin(", ".join(p for p in (address.address1, address.address2) if p)), latin(address.city))
    out: dict[str, Any] = {
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "state": address.state,
        PIN: address.postal_code,
        "country": address.country,
        "house_no": parts.first("house_no", "unit"),
    }
    for kind, values in parts.found.items():
        if kind not in out and kind != LANDMARK:
            out[kind] = values[0] if len(values) == 1 else values
    marks = [*parts.found.get(LANDMARK, ()), *(m.strip() for m in address.landmark.split(";") if m.strip())]
    out[LANDMARK] = "; ".join(marks)
    for name, value in (
        ("directions", address.directions),
        ("alt_phone", address.alt_phone),
        ("lat", address.latitude),
        ("lng", address.longitude),
        ("digipin", address.digipin),
    ):
        if value not in ("", None):
            out[name] = value
    return out

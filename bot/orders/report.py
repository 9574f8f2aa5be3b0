"""What became of a list, for people and programs: counts, problems by row and column, findings about addresses."""

from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from bot.addresses import Report as AddressReport
from bot.models import AddressVersion, Merchant, Order, Upload, UploadRow
from bot.orders.changes import findings_of
from bot.orders.judging import judge_list
from bot.orders.rules import Rules
from bot.orders.spreadsheet import Layout, open_list
from bot.orders.uploads import shop_of

OK_FROM, ASK_FROM = 85, 60
"""Scores from which an address only needs to be confirmed, and from which one question mends it."""


def of_upload(session: Session, upload: Upload) -> dict[str, Any]:
    """Report an import; `problems` are those of rejected rows, `skips` say why rows are not asked."""
    report = _empty(upload.format, upload.header, upload.mapping, upload.dialect.get("notes", []))
    report |= {
        "upload": upload.id,
        "status": upload.status,
        "error": upload.error,
        "rows": upload.rows,
        "accepted": upload.accepted,
        "skipped": upload.skipped,
        "rejected": upload.rejected,
    }
    statement = select(UploadRow).where(col(UploadRow.upload_id) == upload.id).order_by(col(UploadRow.row_number))
    orders: dict[int, int] = {}
    for row in session.execute(statement.execution_options(yield_per=1000)).scalars():
        for problem in row.problems:
            _tell(report, row.status, {"row": row.row_number, **problem})
        if row.order_id is not None and row.status == "accepted":
            orders.setdefault(row.order_id, row.row_number)
    addresses = (
        select(AddressVersion)
        .join(Order, col(Order.id) == col(AddressVersion.order_id))
        .where(col(Order.upload_id) == upload.id, col(AddressVersion.version) == 1)
        .order_by(col(AddressVersion.order_id))
    )
    for version in session.execute(addresses.execution_options(yield_per=1000)).scalars():
        _address(report, orders.get(version.order_id, 0), version.score or 0, version.findings)
    new = session.execute(select(func.count()).where(col(Order.upload_id) == upload.id)).scalar() or 0
    report["orders"] |= {"new": new}
    return report


def of_trial(
    content: bytes, merchant: Merchant, *, at: datetime, columns: dict[str, tuple[int, ...]] | None = None
) -> dict[str, Any]:
    """Report what an import would do to a shop without orders; nothing is stored. Raises SheetError."""
    shop = shop_of(merchant, Rules.from_json(merchant.rules), at)
    with closing(open_list(content, merchant.region, columns)) as orders:
        report = _empty(orders.layout.format, list(orders.header), _places(orders.layout), list(orders.notes))
        report |= {"upload": None, "status": "dry run", "error": None}
        rows = sum(1 for _ in orders.rows())
        for chunk in judge_list(orders, shop, rows=rows):
            for one in chunk.judged:
                report["rows"] += len(one.parsed.rows)
                report[one.parsed.status] += len(one.parsed.rows)
                for problem in (*one.parsed.problems, *one.parsed.warnings):
                    told = {"row": problem.row, "column": problem.column, "value": problem.value}
                    _tell(report, one.parsed.status, {**told, "code": problem.code, "reason": problem.reason})
                if one.order:
                    report["orders"]["new"] += 1
                    found: AddressReport = one.order[1]
                    _address(report, one.parsed.rows[0].number, found.score, findings_of(found))
    return report


def _empty(format_: str, header: list[str], columns: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    named = {
        field: [header[place] for place in places if 0 <= place < len(header)] for field, places in columns.items()
    }
    return {
        "rows": 0,
        "accepted": 0,
        "skipped": 0,
        "rejected": 0,
        "format": format_,
        "columns": {field: names for field, names in named.items() if names},
        "notes": notes,
        "problems": [],
        "skips": [],
        "warnings": [],
        "orders": {"new": 0, "updated": 0, "unchanged": 0},
        "addresses": {"ok": 0, "ask": 0, "hold": 0, "codes": Counter(), "findings": []},
    }


def _tell(report: dict[str, Any], status: str, problem: dict[str, Any]) -> None:
    where = {"rejected": "problems", "skipped": "skips"}.get(status, "warnings")
    report[where].append(problem)
    if problem["code"] in ("UPDATED", "KNOWN"):
        report["orders"]["updated" if problem["code"] == "UPDATED" else "unchanged"] += 1


def _address(report: dict[str, Any], row: int, score: int, findings: list[dict[str, Any]]) -> None:
    addresses = report["addresses"]
    addresses["ok" if score >= OK_FROM else "ask" if score >= ASK_FROM else "hold"] += 1
    for one in findings:
        addresses["codes"][one["code"]] += 1
        if one["severity"] != "info":
            told = {"row": row, "score": score, "code": one["code"], "severity": one["severity"], "field": one["field"]}
            addresses["findings"].append({**told, "value": one["value"], "reason": one["sentence"]})


def _places(layout: Layout) -> dict[str, Any]:
    return {field: list(places) for field, places in layout.columns.items()}

"""What a newer list may change of an order that is already known, and what waits for the merchant's word.

Before the first prompt everything may change. Between prompt and answer the order changes and its talk is told, but
not the phone number: another person would get a second prompt. After the answer, and after dispatch, nothing changes
by itself.
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlmodel import Session, col

from bot.addresses import Report
from bot.database import row_id
from bot.hooks import events
from bot.jobs import Bell
from bot.models import AddressVersion, Audit, Merchant, Order, OrderItem, Upload, UploadRow
from bot.orders.decisions import REASONS
from bot.orders.judging import Judged, judge_chunk
from bot.orders.outcomes import record, refresh, tell_talks
from bot.orders.rules import Rules
from bot.orders.spreadsheet import Draft, Layout, OrderList, Problem, Row, Shop, Styles
from bot.talk import start

ANSWERED = ("confirmed", "cancelled", "denied", "opted_out")
_STATUS_OF = {"CANCELLED": "cancelled", "REFUNDED": "cancelled", "FULFILLED": "shipped"}
NOTES = {
    "KNOWN": "the order is already known and nothing changed",
    "GONE": "the order is already {status}",
    "ANSWERED": "{fields} changed, but the shopper has answered: change the order by hand",
    "ASKED_ELSEWHERE": "{fields} changed, but the shopper was asked on the old number: change the order by hand",
    "BEING_ASKED": "the shopper is being asked on the old number at this moment",
    "UPDATED": "updated: {fields}",
    "APPROVED": "the change was approved",
}
"""What is told of the rows of a known order, in English; the console reads the key back from it."""


def digest_of(draft: Draft) -> str:
    """Return a short digest of all that a list says of an order."""
    fields = (
        draft.reference, draft.shopper_name, draft.phone, draft.alternate_phone, draft.email, draft.region,
        draft.amount, draft.currency, address_parts(draft), [_item_key(item) for item in draft.items],
    )  # fmt: skip
    return hashlib.sha256(orjson.dumps(fields)).hexdigest()[:16]


def address_parts(draft: Draft) -> dict[str, Any]:
    """Return the fields of the address as they are stored."""
    address = draft.address
    return {
        "address1": address.address1,
        "address2": address.address2,
        "landmark": address.landmark,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
        "country": address.country,
        "latitude": address.latitude,
        "longitude": address.longitude,
        "directions": address.directions,
        "alt_phone": address.alt_phone,
        "accepted": list(address.accepted),
    }


def findings_of(report: Report) -> list[dict[str, Any]]:
    """Return an address's findings as they are stored."""
    return [
        {"code": one.code, "severity": one.severity, "field": one.field, "sentence": one.sentence, "value": one.value}
        for one in report.findings
    ]


def meet_known(
    session: Session, order: Order, judged: Judged, at: datetime, *, shards: int, bell: Bell | None = None
) -> tuple[str, list[Problem]]:
    """Apply what a list says of a known order, as far as it may; return the rows' status and what to tell.

    The caller holds the order's row lock.
    """
    parsed = judged.parsed
    if parsed.status == "rejected":
        return "rejected", list(parsed.problems)
    if judged.order is None:
        _follow_status(session, order, parsed.problems[0].code, at, bell)
        return parsed.status, list(parsed.problems)
    draft, report = judged.order
    row = parsed.rows[0].number
    if order.raw.get("digest") == digest_of(draft):
        return "skipped", [_note(row, "KNOWN", "KNOWN")]
    if order.status != "open":
        return "skipped", [_note(row, "NEEDS_APPROVAL", "GONE", status=order.status.replace("_", " "))]
    changed = _differences(session, order, draft)
    fields = ", ".join(sorted(changed)) or "details"
    begun = order.asked_at is not None or order.intent not in ("unasked", "held_out")
    if begun and (order.intent in ANSWERED or "phone" in changed):
        why = "ANSWERED" if order.intent in ANSWERED else "ASKED_ELSEWHERE"
        return "skipped", [_note(row, "NEEDS_APPROVAL", why, fields=fields)]
    if not begun and "phone" in changed and _withdraw(session, order):
        return "skipped", [_note(row, "NEEDS_APPROVAL", "BEING_ASKED")]
    take_over(session, order, draft, report, at)
    if begun and changed:
        tell_talks(session, order, "details", at, bell)
    if not begun and "phone" in changed and not order.held_out:
        start.plan(session, order, "order_confirmation", shards=shards)
    return "accepted", [*parsed.warnings, _note(row, "UPDATED", "UPDATED", fields=fields)]


def waiting(session: Session, order: Order) -> list[UploadRow]:
    """Return the rows of the newest list that names the order, when its change waits for the merchant's word."""
    if order.status != "open":
        return []
    statement = select(UploadRow).where(col(UploadRow.order_id) == order.id)
    found = session.execute(statement.order_by(col(UploadRow.upload_id).desc(), col(UploadRow.row_number))).scalars()
    rows = list(found)
    newest = [row for row in rows if row.upload_id == rows[0].upload_id]
    return newest if any(one["code"] == "NEEDS_APPROVAL" for row in newest for one in row.problems) else []


def approve(
    session: Session, order: Order, shop: Shop, *, at: datetime, member_id: int | None, bell: Bell | None
) -> bool:
    """Apply what a newer list says of an order whose change waited for the merchant's word; return whether it did.

    The caller holds the order's row lock. A shopper who was asked stays reachable where the talk is: another phone
    number becomes the alternate one. The decision is made anew; what a person decided by hand stands.
    """
    rows = waiting(session, order)
    upload = session.get(Upload, rows[0].upload_id, with_for_update=True) if rows else None
    # Retention wipes the cells of old lists: what they said is gone.
    if upload is None or not all(row.raw for row in rows):
        return False
    layout = Layout(upload.format, {name: tuple(places) for name, places in upload.mapping.items()})
    styles = Styles(upload.dialect.get("day_first", True), upload.dialect.get("decimal", "."))
    orders = OrderList(None, tuple(upload.header), upload.dialect.get("header_row", 1), layout, styles)
    run = tuple(Row(row.row_number, row.raw) for row in rows)
    found = next((one.order for one in judge_chunk(orders, [(run,)], shop) if one.order), None)
    if found is None:
        return False
    draft, report = found
    digest = digest_of(draft)
    if draft.phone != order.phone and order.asked_at is not None:
        draft = replace(draft, phone=order.phone, alternate_phone=draft.phone)
    take_over(session, order, draft, report, at)
    # The same list again changes nothing, although the number that it names became the alternate one.
    order.raw = {"digest": digest}
    for row in rows:
        row.status = "accepted"
        row.problems = [{"column": "", "value": "", "code": "APPROVED", "reason": NOTES["APPROVED"]}]
        session.add(row)
    upload.skipped -= len(rows)
    upload.accepted += len(rows)
    session.add(upload)
    session.add(
        Audit(
            merchant_id=order.merchant_id,
            member_id=member_id,
            at=at,
            act="order.change_approved",
            object=f"order:{order.id}",
            detail={"upload": upload.id},
        )
    )
    merchant = session.get_one(Merchant, order.merchant_id)
    told = refresh(session, order, merchant, Rules.from_json(merchant.rules), by="rule", at=at)
    events.tell(session, order, told, at, bell)
    tell_talks(session, order, "details", at, bell)
    return True


def take_over(session: Session, order: Order, draft: Draft, report: Report, at: datetime) -> None:
    """Write what a list says into a known order; the address becomes a new version when it differs."""
    if order.phone != draft.phone:
        order.contact_id = None
    order.shopper_name, order.phone, order.email = draft.shopper_name, draft.phone, draft.email
    order.alternate_phone = draft.alternate_phone or order.alternate_phone
    order.region, order.amount, order.currency = draft.region, draft.amount, draft.currency
    order.placed_at = draft.placed_at or order.placed_at
    order.raw = {"digest": digest_of(draft)}
    order.updated_at = at
    session.add(order)
    newest = _newest_address(session, order)
    if newest is None or newest.parts != address_parts(draft):
        session.add(
            AddressVersion(
                order_id=row_id(order),
                version=newest.version + 1 if newest else 1,
                given_by="merchant",
                parts=address_parts(draft),
                latitude=draft.address.latitude,
                longitude=draft.address.longitude,
                score=report.score,
                findings=findings_of(report),
                created_at=at,
            )
        )
    if [_item_key(item) for item in _items(session, order)] != [_item_key(item) for item in draft.items]:
        session.execute(delete(OrderItem).where(col(OrderItem.order_id) == order.id))
        session.add_all(
            OrderItem(
                order_id=row_id(order), position=place, name=i.name, sku=i.sku, quantity=i.quantity, price=i.price
            )
            for place, i in enumerate(draft.items)
        )
    session.flush()


def _follow_status(session: Session, order: Order, code: str, at: datetime, bell: Bell | None) -> None:
    """Follow what the shop did with the order meanwhile: cancelled it, sent it, was paid."""
    if order.status != "open":
        return
    if code in _STATUS_OF:
        record(session, order, by="merchant", at=at, bell=bell, status=_STATUS_OF[code])
    elif code == "PAID" and order.intent not in ("cancelled", "denied"):
        record(session, order, by="merchant", at=at, decision="ship", decision_reason=REASONS["PAID"])
        tell_talks(session, order, "paid", at, bell)


def _withdraw(session: Session, order: Order) -> bool:
    """Take the planned talk back; return whether it has begun nevertheless."""
    return row_id(order) in start.withdraw(session, [row_id(order)])


def _differences(session: Session, order: Order, draft: Draft) -> set[str]:
    newest = _newest_address(session, order)
    pairs = {
        "phone": (order.phone, draft.phone),
        "amount": ((order.amount, order.currency), (draft.amount, draft.currency)),
        "name": (order.shopper_name, draft.shopper_name),
        "address": (newest.parts if newest else None, address_parts(draft)),
        "items": ([_item_key(i) for i in _items(session, order)], [_item_key(i) for i in draft.items]),
    }
    return {name for name, (old, new) in pairs.items() if old != new}


def _newest_address(session: Session, order: Order) -> AddressVersion | None:
    statement = select(AddressVersion).where(col(AddressVersion.order_id) == order.id)
    return session.execute(statement.order_by(col(AddressVersion.version).desc()).limit(1)).scalar_one_or_none()


def _items(session: Session, order: Order) -> list[OrderItem]:
    statement = select(OrderItem).where(col(OrderItem.order_id) == order.id).order_by(col(OrderItem.position))
    return list(session.execute(statement).scalars())


def _item_key(item: Any) -> list[Any]:
    return [item.name, item.sku, item.quantity, item.price]


def _note(row: int, code: str, note: str, **told: str) -> Problem:
    return Problem(row, "", "", code, NOTES[note].format(**told))

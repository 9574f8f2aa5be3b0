"""Write what a list says: new orders with their items, addresses and talks, and the rows with what became of them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.addresses import Report
from bot.database import row_id
from bot.models import AddressVersion, Merchant, Order, OrderItem, Upload
from bot.orders.bulk import defaults_of, insert_rows, next_ids
from bot.orders.changes import address_parts, digest_of, findings_of
from bot.orders.planning import enlist, invite
from bot.orders.rules import Rules
from bot.orders.spreadsheet import Cell, Draft, Parsed, Problem

FLOW = "order_confirmation"


def create_orders(
    session: Session,
    upload: Upload | None,
    merchant: Merchant,
    fresh: Sequence[tuple[Draft, Report]],
    at: datetime,
    shards: int,
) -> dict[str, int]:
    """Insert new orders with their items and first addresses, and plan their talks; return reference -> id.

    `upload` is the list that they came with; None for those that a merchant's system made.
    """
    rules = Rules.from_json(merchant.rules)
    cutoff = rules.next_cutoff(at, ZoneInfo(merchant.timezone))
    # Bare values and no models, because to make a model takes longer than to write its row.
    defaults = defaults_of(Order)
    orders: list[Any] = []
    items: list[dict[str, Any]] = []
    addresses: list[dict[str, Any]] = []
    for order_id, (draft, report) in zip(next_ids(session, Order, len(fresh)), fresh, strict=True):
        held_out = is_held_out(row_id(merchant), draft.reference, rules.hold_out_percent)
        order = SimpleNamespace(**defaults)
        vars(order).update(
            id=order_id,
            merchant_id=row_id(merchant),
            upload_id=upload.id if upload else None,
            reference=draft.reference,
            placed_at=draft.placed_at,
            shopper_name=draft.shopper_name,
            phone=draft.phone,
            alternate_phone=draft.alternate_phone,
            email=draft.email,
            region=draft.region,
            locale=draft.locale,
            amount=draft.amount,
            currency=draft.currency,
            raw={"digest": digest_of(draft)},
            intent="held_out" if held_out else "unasked",
            held_out=held_out,
            cutoff_at=cutoff,
            created_at=at,
            updated_at=at,
        )
        orders.append(order)
        items += [
            {
                "order_id": order_id,
                "position": n,
                "name": i.name,
                "sku": i.sku,
                "quantity": i.quantity,
                "price": i.price,
            }
            for n, i in enumerate(draft.items)
        ]
        addresses.append(
            {
                "order_id": order_id,
                "version": 1,
                "given_by": "order",
                "parts": address_parts(draft),
                "latitude": draft.address.latitude,
                "longitude": draft.address.longitude,
                "score": report.score,
                "findings": findings_of(report),
                "created_at": at,
            }
        )
    asked = [order for order in orders if not order.held_out] if merchant.channel_id is not None else []
    conversations = invite(session, merchant, asked, at, shards=shards)
    insert_rows(session, Order, [vars(order) for order in orders])
    insert_rows(session, OrderItem, items)
    insert_rows(session, AddressVersion, addresses)
    enlist(session, asked, FLOW, conversations, at)
    return {order.reference: order.id for order in orders}


def rows_to_store(
    upload_id: int, parsed: Parsed, status: str, problems: Sequence[Problem], order_id: int | None
) -> list[dict[str, Any]]:
    """Return the rows as they are stored; a problem stands at its own row."""
    told: dict[int, list[dict[str, Any]]] = {}
    for problem in problems:
        told.setdefault(problem.row, []).append(
            {
                "column": _storable(problem.column),
                "value": _storable(problem.value),
                "code": problem.code,
                "reason": _storable(problem.reason),
            }
        )
    return [
        {
            "upload_id": upload_id,
            "row_number": row.number,
            "raw": [_storable(cell) for cell in row.cells],
            "status": status,
            "problems": told.get(row.number, []),
            "order_id": order_id,
        }
        for row in parsed.rows
    ]


def _storable(cell: Cell) -> Cell:
    """Return a cell without what PostgreSQL refuses in JSON."""
    if isinstance(cell, str) and not cell.isprintable():
        return cell.replace("\0", "").encode("utf-8", "ignore").decode()
    return cell


def is_held_out(merchant_id: int, reference: str, percent: float) -> bool:
    """Tell whether an order is in the share that is never asked: drawn by a hash, so that the draw can be repeated."""
    drawn = int.from_bytes(hashlib.sha256(f"{merchant_id}:{reference}".encode()).digest()[:8])
    return drawn / 2**64 < percent / 100

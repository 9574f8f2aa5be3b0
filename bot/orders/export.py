"""Give order lists back: the merchant's own file with our columns, or a file that a courier takes."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from bot.models import AddressVersion, Merchant, Order, OrderItem, Upload, UploadRow
from bot.orders.rules import Rules
from bot.orders.spreadsheet import Cell, minor_digits

FORMATS = ("same", "shiprocket")
KINDS = ("csv", "xlsx")
PAGE = 500
"""Rows that are held in memory at once."""

OUR_COLUMNS = (
    "Decision", "Decision reason", "Decided by", "Answer", "Confidence", "Cancel reason", "Not before", "Slot",
    "Readiness", "Receiver", "Instructions", "Alternate phone", "Address changed", "Address change",
    "Address line 1", "Address line 2", "Landmark", "City", "State", "Postal code", "Latitude", "Longitude",
    "Address score", "Address findings", "Parcel", "Row", "Row reason",
)  # fmt: skip
PREFIX = "Pakka "
"""Stands before our columns, so that they never take the place of the merchant's."""

_DANGEROUS = re.compile(r"^[\s;,|'\"\u200b-\u200f\ufeff]*[=+\-@＝＋－＠]|^[\t\r\n]")
_SIGNED_NUMBER = re.compile(r"^[+-]\d+(?:[.,]\d+)?$")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class NothingToExport(Exception):
    """There is no list, or no order, to give back; the message says which."""


@dataclass(frozen=True, slots=True)
class Known:
    """An order with the first and the newest version of its address, and its items."""

    order: Order
    first: AddressVersion | None
    newest: AddressVersion | None
    items: tuple[OrderItem, ...] = ()


def export_same(session: Session, merchant: Merchant, out: IO[bytes], *, upload_id: int | None = None) -> str:
    """Write an upload (by default the newest) as it came, with our columns behind the merchant's; return its kind.

    Rows that were wiped since are left out. Raises NothingToExport.
    """
    upload = _upload(session, merchant, upload_id)
    width = len(upload.header)
    header = [*upload.header, *(PREFIX + name for name in OUR_COLUMNS)]
    rows = (
        [*_fitted(row.raw, width), *_our_cells(row, known)]
        for row, known in _rows_of(session, upload)
        if row.raw and (known is None or known.order.merchant_id == merchant.id)
    )
    kind = str(upload.dialect.get("kind", "csv"))
    if kind == "xlsx":
        write_xlsx(out, header, rows, str(upload.dialect.get("sheet") or "Orders"))
    else:
        write_csv(out, header, rows, upload.dialect.get("encoding", "utf-8-sig"), upload.dialect.get("delimiter", ","))
    return kind


def export_shiprocket(
    session: Session, merchant: Merchant, out: IO[bytes], *, upload_id: int | None = None, kind: str = "csv"
) -> int:
    """Write the orders that are to be shipped in Shiprocket's bulk format; return how many orders there are.

    All of the merchant's, or those of one upload. An order with several items takes several rows.
    """
    rules = Rules.from_json(merchant.rules)
    count = 0

    def rows() -> Iterator[list[Cell]]:
        nonlocal count
        for known in _shippable(session, merchant, upload_id):
            count += 1
            yield from _shiprocket_rows(known, merchant, rules)

    if kind == "xlsx":
        write_xlsx(out, SHIPROCKET, rows(), "Orders")
    else:
        write_csv(out, SHIPROCKET, rows(), "utf-8", ",")
    return count


def safe(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet program takes for a formula; a plain signed number stays as it is.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not isinstance(cell, str):
        return cell
    text = _CONTROL.sub("", cell)
    if text[:1] == "'":
        # Shopify's own way of saying that a cell is text.
        return text
    return "'" + text if _DANGEROUS.match(text) and not _SIGNED_NUMBER.match(text) else text


def write_csv(
    out: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[Cell]], encoding: str, delimiter: str
) -> None:
    """Write a text table; every cell is quoted, so that no other delimiter can part it."""
    # What shoppers answered may not exist in an old encoding, and Excel knows UTF-8 only by its mark.
    encoding = {"cp1252": "utf-8-sig", "utf-16-le": "utf-16", "utf-16-be": "utf-16", "utf-32": "utf-8-sig"}.get(
        encoding, encoding
    )
    text = io.TextIOWrapper(out, encoding, newline="", write_through=False)
    writer = csv.writer(text, delimiter=delimiter or ",", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([safe(name) for name in header])
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
    text.flush()
    text.detach()


def write_xlsx(out: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[Cell]], sheet: str) -> None:
    """Write a workbook of one sheet; text is written as text, whatever it looks like."""
    # Imported by those alone who write a workbook: it takes as long as the rest of the spreadsheets together.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    page = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", sheet)[:31] or "Orders")
    page.freeze_panes = "A2"

    def typed(cell: Cell) -> Any:
        if not isinstance(cell, str):
            return cell
        written = WriteOnlyCell(page, _CONTROL.sub("", cell)[:32_767])
        written.data_type = "s"
        return written

    page.append([typed(name) for name in header])
    for row in rows:
        page.append([typed(cell) for cell in row])
    book.save(out)


def _upload(session: Session, merchant: Merchant, upload_id: int | None) -> Upload:
    statement = select(Upload).where(col(Upload.merchant_id) == merchant.id, col(Upload.status) == "done")
    if upload_id is not None:
        statement = statement.where(col(Upload.id) == upload_id)
    statement = statement.order_by(col(Upload.finished_at).desc(), col(Upload.id).desc()).limit(1)
    upload = session.execute(statement).scalar_one_or_none()
    if upload is None:
        raise NothingToExport("No imported order list was found: import one first.")
    return upload


def _rows_of(session: Session, upload: Upload) -> Iterator[tuple[UploadRow, Known | None]]:
    """Yield the rows of an upload, page by page, with their orders."""
    last = 0
    while True:
        statement = (
            select(UploadRow)
            .where(col(UploadRow.upload_id) == upload.id, col(UploadRow.row_number) > last)
            .order_by(col(UploadRow.row_number))
            .limit(PAGE)
        )
        rows = list(session.execute(statement).scalars())
        if not rows:
            return
        orders = load(session, [row.order_id for row in rows if row.order_id is not None])
        for row in rows:
            yield row, orders.get(row.order_id or 0)
        last = rows[-1].row_number
        session.expunge_all()


def load(session: Session, ids: Sequence[int]) -> dict[int, Known]:
    """Return orders by id, with their addresses and items, in three statements."""
    wanted = sorted(set(ids))
    orders = session.execute(select(Order).where(col(Order.id).in_(wanted))).scalars()
    versions: dict[int, list[AddressVersion]] = {}
    statement = select(AddressVersion).where(col(AddressVersion.order_id).in_(wanted))
    for version in session.execute(statement.order_by(col(AddressVersion.version))).scalars():
        versions.setdefault(version.order_id, []).append(version)
    items: dict[int, list[OrderItem]] = {}
    lines = select(OrderItem).where(col(OrderItem.order_id).in_(wanted)).order_by(col(OrderItem.position))
    for item in session.execute(lines).scalars():
        items.setdefault(item.order_id, []).append(item)
    known = {}
    for order in orders:
        order_id = order.id or 0
        mine = versions.get(order_id, [])
        known[order_id] = Known(
            order, mine[0] if mine else None, mine[-1] if mine else None, tuple(items.get(order_id, ()))
        )
    return known


def _fitted(cells: Sequence[Cell], width: int) -> list[Cell]:
    """Return a row as wide as the header; what stood beyond it was empty or made the row rejected."""
    return [*cells[:width], *[""] * (width - len(cells))]


def _our_cells(row: UploadRow, known: Known | None) -> list[Cell]:
    reasons = "; ".join(f"{p['column']}: {p['reason']}" if p.get("column") else p["reason"] for p in row.problems)
    if known is None:
        return [*[""] * (len(OUR_COLUMNS) - 2), row.status, reasons]
    order, address = known.order, known.newest
    parts = address.parts if address else {}
    changes = address_changes(known)
    return [
        order.decision or ("wait" if order.status == "open" else ""),
        order.decision_reason or _waiting(order),
        order.decided_by or "",
        order.intent,
        _confidence(order),
        order.cancel_reason,
        order.not_before.isoformat() if order.not_before else "",
        order.slot,
        order.readiness,
        order.receiver,
        order.instructions,
        order.alternate_phone,
        "yes" if changes else "no",
        changes,
        *(str(parts.get(name) or "") for name in ("address1", "address2", "landmark", "city", "state", "postal_code")),
        address.latitude if address and address.latitude is not None else "",
        address.longitude if address and address.longitude is not None else "",
        address.score if address and address.score is not None else "",
        "; ".join(str(one.get("sentence", "")) for one in address.findings) if address else "",
        order.status,
        row.status,
        reasons,
    ]


def _waiting(order: Order) -> str:
    if order.status != "open":
        return ""
    return "Asked, no answer yet." if order.intent == "asked" else "Not asked yet."


def _confidence(order: Order) -> Cell:
    """Return how sure the answer is: a tap is certain, words have what understanding them gave."""
    if order.intent not in ("confirmed", "cancelled", "denied"):
        return ""
    return 1.0 if order.confidence is None else round(order.confidence, 2)


def address_changes(known: Known) -> str:
    """Return what changed since the list was imported: `city: Pune → Mumbai; ...`."""
    if known.first is None or known.newest is None or known.first.version == known.newest.version:
        return ""
    old, new = known.first.parts, known.newest.parts
    names = [name for name in new if name not in ("accepted",) and (old.get(name) or "") != (new.get(name) or "")]
    return "; ".join(f"{name}: {old.get(name) or '(empty)'} → {new.get(name) or '(empty)'}" for name in names)


SHIPROCKET = (
    "*Order Id", "Order Date as dd-mm-yyyy hh:MM", "*Channel", "*Payment Method(COD/Prepaid)",
    "*Customer First Name", "Customer Last Name", "Email (Optional)", "*Customer Mobile",
    "Customer Alternate Mobile", "*Shipping Address Line 1", "Shipping Address Line 2",
    "*Shipping Address Country", "*Shipping Address State", "*Shipping Address City",
    "*Shipping Address Postcode", "Billing Address Line 1", "Billing Address Line 2", "Billing Address Country",
    "Billing Address State", "Billing Address City", "Billing Address Postcode", "*Master SKU", "*Product Name",
    "*Product Quantity", "Tax %", "*Selling Price(Per Unit Item, Inclusive of Tax)", "Discount(Per Unit Item)",
    "Shipping Charges(Per Order)", "COD Charges(Per Order)", "Gift Wrap Charges(Per Order)",
    "Total Discount (Per Order)", "*Length (cm)", "*Breadth (cm)", "*Height (cm)", "*Weight Of Shipment(kg)",
    "Send Notification(True/False)", "Comment", "HSN Code", "Location Id", "Reseller Name", "Company Name",
    "latitude", "longitude", "Verified Order", "Is documents", "Order Type", "Order tag",
)  # fmt: skip
"""Shiprocket's bulk template, header by header."""


def _shippable(session: Session, merchant: Merchant, upload_id: int | None) -> Iterator[Known]:
    last = 0
    while True:
        statement = select(col(Order.id)).where(
            col(Order.merchant_id) == merchant.id,
            col(Order.status) == "open",
            col(Order.decision) == "ship",
            col(Order.trial).is_(False),
            col(Order.id) > last,
        )
        if upload_id is not None:
            statement = statement.where(col(Order.upload_id) == upload_id)
        ids = [value for value in session.execute(statement.order_by(col(Order.id)).limit(PAGE)).scalars() if value]
        if not ids:
            return
        known = load(session, ids)
        yield from (known[order_id] for order_id in ids if order_id in known)
        last = ids[-1]
        session.expunge_all()


def _shiprocket_rows(known: Known, merchant: Merchant, rules: Rules) -> Iterator[list[Cell]]:
    order, address = known.order, known.newest
    parts = address.parts if address else {}
    first, _, rest = order.shopper_name.partition(" ")
    placed = order.placed_at or order.created_at
    line2 = ", ".join(text for text in (parts.get("address2"), parts.get("landmark")) if text)
    place = {
        "*Order Id": order.reference,
        "Order Date as dd-mm-yyyy hh:MM": placed.astimezone(ZoneInfo(merchant.timezone)).strftime("%d-%m-%Y %H:%M"),
        "*Channel": "Custom",
        "*Payment Method(COD/Prepaid)": "COD",
        "*Customer First Name": first or "Customer",
        "Customer Last Name": rest,
        "Email (Optional)": order.email,
        "*Customer Mobile": _national(order.phone),
        "Customer Alternate Mobile": _national(order.alternate_phone),
        "*Shipping Address Line 1": parts.get("address1") or "",
        "Shipping Address Line 2": line2,
        "*Shipping Address Country": _country(order.region),
        "*Shipping Address State": parts.get("state") or "",
        "*Shipping Address City": parts.get("city") or "",
        "*Shipping Address Postcode": parts.get("postal_code") or "",
        "*Length (cm)": rules.parcel_cm[0],
        "*Breadth (cm)": rules.parcel_cm[1],
        "*Height (cm)": rules.parcel_cm[2],
        "*Weight Of Shipment(kg)": rules.parcel_kg,
        "Send Notification(True/False)": "False",
        "Comment": _comment(order, parts),
        "latitude": address.latitude if address and address.latitude is not None else "",
        "longitude": address.longitude if address and address.longitude is not None else "",
        "Verified Order": 1 if order.intent == "confirmed" else 0,
    }
    lines = _priced(known)
    listed = sum(price * item.quantity for item, price in lines)
    difference = order.amount - listed
    unit = 10 ** minor_digits(order.currency)
    for number, (item, price) in enumerate(lines):
        line: dict[str, Cell] = {
            **place,
            "*Master SKU": item.sku or f"{order.reference}-{number + 1}",
            "*Product Name": item.name,
            "*Product Quantity": item.quantity,
            "*Selling Price(Per Unit Item, Inclusive of Tax)": price / unit,
        }
        if number == 0 and difference > 0:
            line["Shipping Charges(Per Order)"] = difference / unit
        if number == 0 and difference < 0:
            line["Total Discount (Per Order)"] = -difference / unit
        yield [line.get(name, "") for name in SHIPROCKET]


def _priced(known: Known) -> list[tuple[OrderItem, int]]:
    """Return items with prices; without them the whole amount stands at the first, so that the sum is right."""
    if known.items and all(item.price is not None for item in known.items):
        return [(item, item.price or 0) for item in known.items]
    items = known.items or (OrderItem(order_id=0, position=0, name=f"Order {known.order.reference}"),)
    amount, quantity = known.order.amount, max(1, items[0].quantity)
    return [(item, amount // quantity if place == 0 else 0) for place, item in enumerate(items)]


def _comment(order: Order, parts: dict[str, Any]) -> str:
    told = (
        ("Deliver not before", order.not_before.strftime("%d-%m-%Y") if order.not_before else ""),
        ("Time", order.slot),
        ("Receiver", order.receiver),
        ("", order.instructions),
        ("", str(parts.get("directions") or "")),
    )
    return ". ".join(f"{label}: {text}" if label else text for label, text in told if text)


def _national(phone: str) -> str:
    """Return the ten digits that Shiprocket wants of an Indian number; other numbers keep their country code."""
    return phone.removeprefix("+91") if phone.startswith("+91") and len(phone) == 13 else phone.lstrip("+")


def _country(region: str) -> str:
    from babel import Locale

    return str(Locale("en").territories.get(region, region))

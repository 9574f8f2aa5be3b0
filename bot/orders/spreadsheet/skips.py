"""Orders that nobody needs to ask: not cash on delivery, or no longer waiting to be sent."""

import re

from bot.orders.spreadsheet.cells import plain_name
from bot.orders.spreadsheet.payments import is_cash, is_prepaid
from bot.orders.spreadsheet.records import Problem
from bot.orders.spreadsheet.values import Values

_NO = frozenset({"no", "false", "0", "n", "none", "not", "pending", "unpaid"})

_FINANCIAL = {
    "paid": ("PAID", "the order is paid"),
    "yes": ("PAID", "the order is paid"),
    "true": ("PAID", "the order is paid"),
    "authorized": ("PAID", "the payment is authorised online"),
    "refunded": ("REFUNDED", "the order was refunded"),
    "partially refunded": ("REFUNDED", "part of the order was refunded"),
    "voided": ("CANCELLED", "the order was voided"),
    "expired": ("CANCELLED", "the payment expired"),
}
_FULFILLED = frozenset({"fulfilled", "partial", "partially fulfilled", "restocked"})
_GONE = re.compile(
    r"^(?:wc )?(?:completed?|fulfilled|shipped|dispatched|in transit|out for delivery|delivered|undelivered|"
    r"returned|rto.*|picked up|pickup done|terkirim|dikirim|selesai|entregado|enviado|entregue)$"
)
_CANCELLED = re.compile(r"^(?:wc )?(?:cancell?ed.*|void|failed|trash|rejected|dibatalkan|batal|cancelado|ملغي|रद्द)$")
_REFUNDED = re.compile(r"^(?:wc )?(?:partially )?refunded$")


def why_not_asked(values: Values, cod_labels: tuple[str, ...]) -> Problem | None:
    """Return why an order is not to be asked, or None when it is open and to be paid in cash at the door."""
    cancelled = values.text("cancelled_at")
    if cancelled and cancelled.casefold() not in _NO:
        return values.problem("cancelled_at", "CANCELLED", "the order was cancelled")
    if told := _FINANCIAL.get(plain_name(values.text("financial_status"))):
        return values.problem("financial_status", *told)
    for field in ("financial_status", "order_status"):
        # Some lists have no column for the way of paying and write it where its state stands.
        if is_prepaid(values.text(field)):
            return values.problem(field, "PAID", "the order is paid")
    if _is_something(values.text("refunded")):
        return values.problem("refunded", "REFUNDED", "money was refunded")
    if not values.text("financial_status") and values.text("paid_at"):
        return values.problem("paid_at", "PAID", "the order is paid")
    for field in ("order_status", "fulfillment_status"):
        status = plain_name(values.text(field))
        if _CANCELLED.match(status):
            return values.problem(field, "CANCELLED", "the order was cancelled")
        if _REFUNDED.match(status):
            return values.problem(field, "REFUNDED", "the order was refunded")
        if _GONE.match(status) or (field == "fulfillment_status" and status in _FULFILLED):
            return values.problem(field, "FULFILLED", "the order, or a part of it, was already sent")
    if values.text("fulfilled_at"):
        return values.problem("fulfilled_at", "FULFILLED", "the order was already sent")
    return _why_not_cash(values, cod_labels)


def _why_not_cash(values: Values, cod_labels: tuple[str, ...]) -> Problem | None:
    if "payment_method" not in values.layout.columns:
        # A list that does not say how orders are paid is a list of cash orders: that is what it was handed in as.
        return None
    method = values.text("payment_method")
    if not method:
        if values.layout.format == "shopify" or _is_something(values.text("cod_amount")):
            # Shopify leaves the gateway blank for payments that are collected by hand.
            return None
        return values.problem("payment_method", "NOT_COD", "the list does not say that it is cash on delivery")
    if is_cash(method, cod_labels):
        return None
    return values.problem("payment_method", "NOT_COD", "it is not cash on delivery")


def _is_something(amount: str) -> bool:
    return bool(re.search("[1-9]", amount))

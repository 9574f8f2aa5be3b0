"""How an order is paid, in the words of order lists: in cash at the door, or before."""

import re
from functools import lru_cache

from bot.orders.spreadsheet.cells import plain_name

_NOT_COD = re.compile(r"\b(?:non|not|no)[ -]?cod\b|\bpre ?paid\b|\bcod (?:to|2) prepaid\b")
_COD = re.compile(
    r"\bcod\b|\bc o d\b|\bcash\b|pay(?:ment)? on delivery|pay on receipt|collect on delivery|"
    r"contra ?re?embolso|contra ?entrega|pagamento na entrega|pago al recibir|paiement a la livraison|"
    r"paiement à la livraison|bayar di tempat|bayar ditempat|kapıda ödeme|nachnahme|"
    r"thanh toán khi nhận hàng|عند الاستلام|عند التسليم|عند التوصيل|نقد|کیش آن|कैश ऑन|नकद|ক্যাশ অন|கேஷ் ஆன்"
)
_BOTH = re.compile(r"\bcod\b.*\bpre ?paid\b|\bpre ?paid\b.*\bcod\b")
_PREPAID = re.compile(r"\bpre ?paid\b|\bpaid (?:online|already|in advance)\b|\bonline (?:payment|paid)\b")

_METHODS = re.compile(
    r"\b(?:advance|already|amazon|amex|bank(?:ing)?|bhim|bnpl|cards?|cashfree|cc|ccavenue|credit|debit|done|emi|gateway|"
    r"google|gpay|imps|in|mastercard|neft|net(?:banking)?|online|paid|pay|paylater|payment|paypal|paytm|payu|pg|phonepe|"
    r"razorpay|rtgs|rupay|simpl|stripe|transfer|upi|visa|wallets?)\b"
)
_FILLERS = re.compile(
    r"\b(?:a|at|by|delivery|door|doorstep|no|non|not|of|on|only|order|receipt|the|to|via)\b|"
    r"الدفع|pago|डिलीवरी|ডেলিভারি|டெலிவரி|ڈیلیوری"
)


@lru_cache(maxsize=512)
def is_cash(method: str, cod_labels: tuple[str, ...] = ()) -> bool:
    """Tell whether a payment method is cash on delivery, in the words of several languages or the shop's own."""
    name = plain_name(method)
    if any(plain_name(label) == name for label in cod_labels):
        return True
    if _NOT_COD.search(name) and not _BOTH.search(name):
        return False
    return bool(_COD.search(name))


def is_prepaid(method: str) -> bool:
    """Tell whether these words say plainly, and say nothing else, that the order was paid before it is sent."""
    return is_method(method) and not is_cash(method) and bool(_PREPAID.search(plain_name(method)))


@lru_cache(maxsize=4096)
def is_method(method: str) -> bool:
    """Tell whether a cell holds a way of paying and nothing else: goods and remarks have words beside it."""
    name = plain_name(method)
    rest = _METHODS.sub(" ", _PREPAID.sub(" ", _COD.sub(" ", name)))
    return rest != name and not _FILLERS.sub(" ", rest).strip()


def is_plain(method: str) -> bool:
    """Tell whether a cell says cash or prepaid in so many words; "card" and "wallet" may be goods."""
    name = plain_name(method)
    return is_method(method) and any(words.search(name) for words in (_COD, _NOT_COD, _PREPAID))

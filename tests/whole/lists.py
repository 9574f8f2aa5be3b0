"""Order lists for the tests of the whole way."""

from collections.abc import Sequence
from datetime import timedelta

from bot.clock import now

HEADER = (
    "Name,Email,Financial Status,Fulfillment Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Shipping Name,Shipping Address1,Shipping City,Shipping Zip,Shipping Province,Shipping Country,"
    "Shipping Phone,Payment Method"
)


def shopify_list(prefix: str, phones: Sequence[str]) -> str:
    """Return a Shopify export with one order per phone: #<prefix>1, #<prefix>2 ..., placed an hour ago."""
    placed = (now() - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S %z")
    rows = [
        f"#{prefix}{number},,pending,unfulfilled,INR,1299.00,{placed},1,Blue kurta,1299.00,Asha Verma,"
        f'"Flat {number}, Shanti Apartments, MG Road",Pune,\'411001,MH,IN,{phone},Cash on Delivery (COD)'
        for number, phone in enumerate(phones, 1)
    ]
    return "\n".join([HEADER, *rows]) + "\n"

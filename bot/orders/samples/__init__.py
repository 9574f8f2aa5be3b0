"""A sample order list for the demo: made-up shoppers, numbers from ranges where nobody lives, Shopify's format."""

import re
from datetime import datetime, timedelta
from pathlib import Path

FIRST_ORDER = 1041
"""The number of its first order."""

_HOURS_AGO = re.compile(r"(?<=,)h(\d+)(?=,)")


def shopify_list(at: datetime) -> bytes:
    """Return the list as a shop would export it at `at`: its orders are some hours old, so that they are asked."""
    template = Path(__file__).with_name("shopify.csv").read_text(encoding="utf-8")

    def moment(found: re.Match[str]) -> str:
        return (at - timedelta(hours=int(found[1]))).strftime("%Y-%m-%d %H:%M:%S %z")

    return _HOURS_AGO.sub(moment, template).encode()

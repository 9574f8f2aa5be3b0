"""One address in, one report out."""

from __future__ import annotations

from bot.addresses.check_india import check_india
from bot.addresses.check_world import check_world
from bot.addresses.records import Address, Report


def check(address: Address) -> Report:
    """Find what is wrong with an address, score it and choose the one question that helps most.

    Pure and deterministic: same address, same index, same report. Any text is accepted. Raises `IndexMissing` when the
    index was never built.
    """
    country = (address.country or "IN").strip().upper()
    return check_india(address) if country in ("IN", "IND", "INDIA", "BHARAT") else check_world(address, country[:2])

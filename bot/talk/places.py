"""Addresses between rows (JSON parts), flows (plain fields) and `bot.addresses`."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from bot.addresses import Address

_NAMES = frozenset(field.name for field in fields(Address))
_NUMBERS = ("latitude", "longitude")


def address_of(parts: Mapping[str, Any]) -> Address:
    """Read an address from parts; names it does not know are left alone."""
    known: dict[str, Any] = {name: value for name, value in parts.items() if name in _NAMES and value is not None}
    for name, value in known.items():
        if name in _NUMBERS:
            known[name] = float(value) if value != "" else None
        elif name == "accepted":
            known[name] = tuple(value.split()) if isinstance(value, str) else tuple(value)
        else:
            known[name] = str(value)
    return Address(**known)


def parts_of(address: Address) -> dict[str, Any]:
    """Write an address as JSON, without what is empty."""
    parts = {name: value for name, value in asdict(address).items() if value not in ("", None, ())}
    if "accepted" in parts:
        parts["accepted"] = list(parts["accepted"])
    return parts

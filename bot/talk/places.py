"""Addresses between rows (JSON parts), flows (plain fields) and `bot.addresses`."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from bot.addresses import Address

_NAMES = frozenset(field.name for field in fields(Address))
_NUMBERS = ("latitude", "longitude")
PIN_CODE = 6


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


def form_values(parts: Mapping[str, Any]) -> dict[str, str]:
    """Write an address into the fields of Meta's address form, as far as they fit."""
    address = address_of(parts)
    lines = ", ".join(line for line in (address.address1, address.address2) if line)
    values = {
        "in_pin_code": address.postal_code if len(address.postal_code) <= PIN_CODE else "",
        "address": lines,
        "landmark_area": address.landmark,
        "city": address.city,
        "state": address.state,
    }
    return {name: value for name, value in values.items() if value}

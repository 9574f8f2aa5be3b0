"""Cursor pages: each goes on after the last row that was seen, so that rows which arrive meanwhile move nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import orjson

from bot.web.api.problems import refuse

Row = TypeVar("Row")


def encode(*place: int | str) -> str:
    """Return the cursor of the row at `place`; callers pass it back and read nothing in it."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """Return the place that a cursor names, None for the beginning; answers 422 for one that we did not make."""
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        place = orjson.loads(raw)
    except (ValueError, binascii.Error):
        place = None
    if (
        not isinstance(place, list)
        or len(place) != len(kinds)
        or not all(type(part) is kind for part, kind in zip(place, kinds, strict=True))
        or not all(0 <= part < 2**31 for part in place if isinstance(part, int))
    ):
        refuse_cursor()
    return tuple(place)


def refuse_cursor() -> NoReturn:
    """Answer that a cursor is none of ours."""
    refuse(422, "invalid", errors=[{"field": "cursor", "code": "cursor", "reason": "This is no cursor of ours."}])


def page(
    rows: Sequence[Row], limit: int, place: Callable[[Row], tuple[int | str, ...]]
) -> tuple[list[Row], str | None]:
    """Return the rows of a page and the cursor of the next one; `rows` are read with one more than `limit`."""
    shown = list(rows[:limit])
    return shown, encode(*place(shown[-1])) if len(rows) > limit else None

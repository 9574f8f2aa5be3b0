"""What staff do not see unless they ask for it: phone numbers and the lines of an address, also inside of messages.

Owners and agents call and correct, so they see them. Staff decide on orders; when they need more, one press shows it
for a while and is written down.
"""

import re
from collections.abc import Iterable
from datetime import timedelta

from flask import Flask, g
from sqlmodel import Session, col, select

from bot.clock import now
from bot.models import AddressVersion, Audit, Order
from bot.web import audit
from bot.web.access import STAFF, me, someone

ACT = "shopper.revealed"
OPEN_FOR = timedelta(minutes=15)
DOTS = "•••"


def install(app: Flask) -> None:
    """Let templates ask."""
    app.jinja_env.globals.update(hides=hides, dots=DOTS)
    app.jinja_env.filters.update(covered=covered)


def hides() -> bool:
    """Whether this page hides who the shopper is."""
    person = someone()
    return person is not None and person.role == STAFF and not g.get("revealed", False)


def masked(shown: str) -> str:
    """Hide all of a number but its beginning and its last digits: enough to tell two shoppers apart."""
    digits = [place for place, letter in enumerate(shown) if letter.isdigit()]
    hidden = set(digits[4:-3] if len(digits) > 8 else digits[:-2])
    return "".join("•" if place in hidden else letter for place, letter in enumerate(shown))


def covered(text: str) -> str:
    """Hide the numbers in what somebody wrote, and the lines of the addresses that `open_if_revealed` has found.

    Of an address that was typed and that nobody has taken down, the words stay: they cannot be told from others.
    """
    if not hides() or not text:
        return text
    lines: re.Pattern[str] | None = g.get("hidden_lines")
    text = lines.sub(DOTS, text) if lines else text
    return _NUMBER.sub(lambda found: masked(found[0]), text)


_NUMBER = re.compile(r"\d(?:[\s().-]{0,3}\d){6,}")
"""Seven digits or more, as people group them; fewer are postal codes, amounts and order numbers."""
_LINE = ("address1", "address2", "landmark", "directions")


def _lines_of(session: Session, order_id: int) -> re.Pattern[str] | None:
    """Return what finds the lines of all addresses of an order's shopper, however they are spaced and cut by commas."""
    order = session.get_one(Order, order_id)
    theirs = Order.id == order_id if order.contact_id is None else Order.contact_id == order.contact_id
    versions = session.exec(select(AddressVersion.parts).join(Order).where(theirs)).all()
    pieces = {
        r"\W+".join(map(re.escape, words))
        for parts in versions
        for name in _LINE
        for piece in re.split(r"[,;\n]", str(parts.get(name) or ""))
        if len("".join(words := re.findall(r"\w+", piece))) >= 4
    }
    return re.compile("|".join(sorted(pieces, key=len, reverse=True)), re.IGNORECASE) if pieces else None


def lately_revealed(session: Session, order_ids: Iterable[int]) -> set[int]:
    """Return those of some orders whose shoppers this reader has asked to see in the last quarter of an hour."""
    named = {f"order:{order_id}": order_id for order_id in order_ids}
    asked = select(Audit.object).where(
        Audit.act == ACT,
        col(Audit.object).in_(named),
        Audit.member_id == me().id,
        col(Audit.at) > now() - OPEN_FOR,
    )
    return {named[about] for about in session.exec(asked)}


def open_if_revealed(session: Session, order_id: int) -> None:
    """Show this page whole when its reader has asked for it lately: the line in the audit is the permit."""
    if not hides():
        return
    g.revealed = bool(lately_revealed(session, [order_id]))
    g.hidden_lines = None if g.revealed else _lines_of(session, order_id)


def reveal(session: Session, order_id: int, merchant_id: int) -> None:
    """Write down that somebody looks."""
    audit.record(session, ACT, member_id=me().id, merchant_id=merchant_id, about=f"order:{order_id}")

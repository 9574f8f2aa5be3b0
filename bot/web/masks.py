"""What staff do not see unless they ask for it: phone numbers and the lines of an address.

Owners and agents call and correct, so they see them. Staff decide on orders; when they need more, one press shows it
for a while and is written down.
"""

from datetime import timedelta

from flask import Flask, g
from sqlmodel import Session, col, select

from bot.clock import now
from bot.models import Audit
from bot.web import audit
from bot.web.access import STAFF, me, someone

ACT = "shopper.revealed"
OPEN_FOR = timedelta(minutes=15)
DOTS = "•••"


def install(app: Flask) -> None:
    """Let templates ask."""
    app.jinja_env.globals.update(hides=hides, dots=DOTS)
    app.jinja_env.filters.update(dial=dial)


def hides() -> bool:
    """Whether this page hides who the shopper is."""
    person = someone()
    return person is not None and person.role == STAFF and not g.get("revealed", False)


def dial(number: str) -> str:
    """Return a number for a link that calls it; nothing where the number is hidden."""
    return "" if hides() else number


def masked(shown: str) -> str:
    """Hide all of a number but its beginning and its last digits: enough to tell two shoppers apart."""
    digits = [place for place, letter in enumerate(shown) if letter.isdigit()]
    hidden = set(digits[4:-3] if len(digits) > 8 else digits[:-2])
    return "".join("•" if place in hidden else letter for place, letter in enumerate(shown))


def open_if_revealed(session: Session, order_id: int) -> None:
    """Show this page whole when its reader has asked for it lately: the line in the audit is the permit."""
    if not hides():
        return
    asked = select(Audit.id).where(
        Audit.act == ACT,
        Audit.object == f"order:{order_id}",
        Audit.member_id == me().id,
        col(Audit.at) > now() - OPEN_FOR,
    )
    g.revealed = session.exec(asked.limit(1)).first() is not None


def reveal(session: Session, order_id: int, merchant_id: int) -> None:
    """Write down that somebody looks."""
    audit.record(session, ACT, member_id=me().id, merchant_id=merchant_id, about=f"order:{order_id}")

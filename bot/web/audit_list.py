"""The audit as its page shows it: whose lines, of what, with the names of the things they are about."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlmodel import Session, col, select

from bot import seals
from bot.models import ApiKey, Audit, CannedAnswer, Contact, Conversation, Hook, Member, Order, Review, Upload
from bot.services import services
from bot.web import audit_words
from bot.web.audit import COMMAND_LINE

PAGE = 50
PROVED = 300
"""So many of the newest lines are checked whenever the page is looked at, which takes a hundredth of a second."""


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for."""

    before: int | None = None
    about: str = ""
    by: int | None = None
    act: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether some lines are left out."""
        return bool(self.about or self.by or self.act)


@dataclass(frozen=True)
class Thing:
    """What a line is about: its name, and its page where it has one."""

    name: str
    link: str = ""


@dataclass(frozen=True)
class Shown:
    """One line in words."""

    line: Audit
    who: str
    what: str
    thing: Thing | None
    details: list[str]


@dataclass(frozen=True)
class Page:
    """A page of lines, newest first."""

    lines: list[Shown]
    older: int | None
    people: dict[int, str]
    """Everybody whose lines can be asked for: id -> name."""
    about: Thing | None
    proof: seals.Verdict | None
    """Of the newest lines, on the page that shows them."""


def look(session: Session, wanted: Wanted, shop_id: int, currency: str) -> Page:
    """Return a page of a shop's audit."""
    statement = select(Audit).order_by(col(Audit.id).desc()).limit(PAGE + 1)
    if wanted.before:
        statement = statement.where(col(Audit.id) < wanted.before)
    if wanted.about:
        statement = statement.where(Audit.object == wanted.about)
    if wanted.by:
        statement = statement.where(Audit.member_id == wanted.by)
    if wanted.act:
        statement = statement.where(Audit.act == wanted.act)
    rows = session.exec(statement).all()
    members = session.exec(select(Member.id, Member.name, Member.email).order_by(Member.name, Member.email)).all()
    people = {number: name or email for number, name, email in members if number is not None}
    things = _things(session, {line.object for line in rows} | {wanted.about}, people)
    proof = None
    if not wanted.is_narrowed and not wanted.before:
        key = seals.key_of(services().settings.secret_key)
        proof = seals.verify(session, key, shop_id, newest=PROVED)
    lines = [
        Shown(
            line, _who(line, people), audit_words.said(line.act), things.get(line.object),
            audit_words.details(line, people, currency),
        )
        for line in rows[:PAGE]
    ]  # fmt: skip
    return Page(lines, rows[PAGE - 1].id if len(rows) > PAGE else None, people, things.get(wanted.about), proof)


def _who(line: Audit, people: dict[int, str]) -> str:
    if line.member_id is not None:
        # Who is of no shop looks after all of them.
        return people.get(line.member_id) or _("Platform admin")
    if key := line.detail.get("key"):
        return _("API key %(name)s", name=key)
    if line.detail.get("by") == COMMAND_LINE:
        return _("the command line")
    return _("the program")


def _things(session: Session, objects: Iterable[str], people: dict[int, str]) -> dict[str, Thing]:
    """Return names and pages of what lines are about, with one question for each kind of thing."""
    ids: dict[str, set[int]] = {}
    for name in objects:
        kind, _sign, number = name.partition(":")
        if number.isdecimal() and len(number) < 19:
            ids.setdefault(kind, set()).add(int(number))
    found: dict[str, Thing] = {}
    for kind, numbers in ids.items():
        names = _names(session, kind, numbers, people)
        found |= {f"{kind}:{number}": _thing(kind, number, names.get(number)) for number in numbers}
    return found


def _names(session: Session, kind: str, numbers: set[int], people: dict[int, str]) -> dict[int, str]:
    """Return the names of those things of a kind that still exist."""
    statement: Any
    if kind == "member":
        return people
    if kind == "conversation":
        statement = select(Conversation.id, Contact.name).join(Contact, col(Contact.id) == Conversation.contact_id)
        number = col(Conversation.id)
    elif kind == "review":
        statement = select(Review.id, Order.reference).join(Order, col(Order.id) == Review.order_id)
        number = col(Review.id)
    elif kind in _NAMED:
        number, name = _NAMED[kind]
        statement = select(number, name)
    else:
        return {}
    return dict(session.exec(statement.where(number.in_(numbers))).all())


_NAMED: dict[str, tuple[Any, Any]] = {
    "order": (col(Order.id), col(Order.reference)),
    "upload": (col(Upload.id), col(Upload.filename)),
    "key": (col(ApiKey.id), col(ApiKey.name)),
    "hook": (col(Hook.id), col(Hook.url)),
    "answer": (col(CannedAnswer.id), col(CannedAnswer.shortcut)),
}
_KINDS: dict[str, tuple[Any, str, bool]] = {
    "order": (lazy_gettext("Order %(name)s"), "orders.order", True),
    "upload": (lazy_gettext("List %(name)s"), "uploads.one", True),
    "conversation": (lazy_gettext("Conversation %(name)s"), "inbox.conversation", True),
    "hook": (lazy_gettext("Web address %(name)s"), "systems.hook", True),
    "review": (lazy_gettext("Review of %(name)s"), "reviews.page", False),
    "key": (lazy_gettext("API key %(name)s"), "systems.page", False),
    "answer": (lazy_gettext("Canned answer %(name)s"), "canned_answers.page", False),
    "member": ("%(name)s", "people.page", False),
}
"""Words for a kind of thing, its page, and whether that page shows one of them."""


def _thing(kind: str, number: int, name: str | None) -> Thing:
    """Return a thing's name and page; one that is gone has no page."""
    if kind == "shop":
        return Thing(_("The shop"), url_for("settings.page"))
    if kind not in _KINDS:
        return Thing(f"{kind} {number}")
    words, page, is_one = _KINDS[kind]
    link = "" if name is None else url_for(page, id=number) if is_one else url_for(page)
    return Thing(str(words) % {"name": name or f"#{number}"}, link)

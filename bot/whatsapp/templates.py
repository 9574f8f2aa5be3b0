"""Our templates against what Meta has: submit them, compare them, and note what Meta thinks of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import Any, Literal

import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import now
from bot.database import Database, insert_once
from bot.models import Merchant, WhatsAppTemplate
from bot.whatsapp.catalogue import Catalogue, Template
from bot.whatsapp.client import Client
from bot.whatsapp.errors import SendError, SlowNumber
from bot.whatsapp.updates import TemplateEvent
from bot.whatsapp.values import object_of, objects_of, word_of

SENDABLE = ("APPROVED",)
EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
STATUS_AFTER = {"REINSTATED": "APPROVED", "UNPAUSED": "APPROVED", "FLAGGED": "", "IN_APPEAL": ""}
"""What an event makes of the status when it is not the status itself; "" leaves it alone."""
PAUSES = {"FIRST_PAUSE": timedelta(hours=3), "SECOND_PAUSE": timedelta(hours=6)}
COMPARED = ("type", "format", "text", "buttons")

log = structlog.get_logger()


@dataclass(frozen=True)
class Difference:
    """How one of our templates stands at Meta."""

    template: Template
    state: Literal["missing", "changed", "same"]
    theirs: dict[str, Any]
    """What Meta has; empty when it is missing."""

    @property
    def status(self) -> str:
        """APPROVED, PENDING, REJECTED, ..."""
        return word_of(self.theirs.get("status"))

    @property
    def category(self) -> str:
        """The category that Meta bills, whatever we asked for."""
        return word_of(self.theirs.get("category"))


@dataclass(frozen=True)
class Attempt:
    """One submission, and how Meta received it."""

    template: Template
    state: Literal["missing", "changed", "same"]
    status: str
    category: str
    error: SendError | None = None


def compare(ours: Catalogue, theirs: Iterable[dict[str, Any]]) -> list[Difference]:
    """Return how each of our templates stands among those that Meta has."""
    known = {(word_of(one.get("name")), word_of(one.get("language"))): one for one in theirs}
    differences = []
    for template in ours.templates:
        found = known.get((template.name, template.language))
        if found is None:
            differences.append(Difference(template, "missing", {}))
        else:
            same = _compared(template.definition()) == _compared(found)
            differences.append(Difference(template, "same" if same else "changed", found))
    return differences


def push(database: Database, client: Client, account: str, ours: Catalogue, *, edit: bool) -> list[Attempt]:
    """Submit what is missing at Meta and, with `edit`, what has changed; return what was tried.

    An edited template is reviewed again and cannot be sent meanwhile, so a change is made only when asked for. Meta
    takes 100 new templates an hour, and we have more: merchants' own languages go first, and the first `SlowNumber`
    ends the round, so that the last attempt tells that some are left.
    """
    differences = compare(ours, refresh(database, client, account))
    with database.reader() as session:
        spoken = {"en", *session.execute(select(col(Merchant.locale))).scalars()}
    differences.sort(key=lambda one: (one.template.locale not in spoken, one.template.locale))
    tried: list[Attempt] = []
    for difference in differences:
        changeable = edit and difference.state == "changed" and difference.status in EDITABLE
        if difference.state == "missing" or changeable:
            tried.append(_submit(client, account, difference))
            if isinstance(tried[-1].error, SlowNumber):
                break
    with database.session() as session:
        for attempt in tried:
            if attempt.error is None:
                row = _row(session, account, attempt.template.name, attempt.template.language)
                row.status, row.category, row.digest = attempt.status, attempt.category, digest(attempt.template)
                row.updated_at = now()
    return tried


def refresh(database: Database, client: Client, account: str) -> list[dict[str, Any]]:
    """Ask Meta for every template and note its state, because webhooks can be lost; return them.

    Raises SendError. No transaction is open while Meta is asked.
    """
    theirs = list(client.templates(account))
    with database.session() as session:
        for one in theirs:
            _note_listed(session, account, one)
    return theirs


def _note_listed(session: Session, account: str, theirs: dict[str, Any]) -> None:
    name, language = word_of(theirs.get("name")), word_of(theirs.get("language"))
    if not name or not language:
        return
    row = _row(session, account, name, language)
    status = word_of(theirs.get("status")).upper()
    if status and status != row.status:
        row.status, row.held_until, row.reason = status, None, ""
    rejected = word_of(theirs.get("rejected_reason"))
    if row.status not in SENDABLE and rejected not in ("", "NONE"):
        row.reason = rejected
    row.category = word_of(theirs.get("category")).upper() or row.category
    row.quality = word_of(object_of(theirs.get("quality_score")).get("score")).upper() or row.quality
    row.updated_at = now()


def note_template(session: Session, event: TemplateEvent) -> None:
    """Write what a webhook says of a template into its row."""
    if not event.name or not event.language:
        return
    row = _row(session, event.business_account_id, event.name, event.language)
    status = STATUS_AFTER.get(event.status, event.status)
    if status:
        row.status = status
        row.reason = "" if status in SENDABLE else event.reason
        row.held_until = _pause_end(status, event.reason, event.at or now())
    if event.quality:
        row.quality = event.quality
    if event.category:
        row.category = event.category
    row.updated_at = now()
    if (status and status not in SENDABLE) or "MARKETING" in (event.category, event.coming_category):
        # A utility template that becomes marketing costs several times as much, and WhatsApp caps it.
        log.warning("template.changed", template=event.name, language=event.language, status=event.status,
                    reason=event.reason, category=event.category, coming_category=event.coming_category)  # fmt: skip


def digest(template: Template) -> str:
    """Return a fingerprint of what is submitted."""
    return sha256(dumps(template.definition(), sort_keys=True).encode()).hexdigest()


def _submit(client: Client, account: str, difference: Difference) -> Attempt:
    template = difference.template
    definition = template.definition()
    try:
        if difference.state == "missing":
            answer = client.create_template(account, definition)
            category = word_of(answer.get("category")).upper() or template.category
            return Attempt(template, difference.state, word_of(answer.get("status")).upper() or "PENDING", category)
        # Name, language and parameter format of an existing template are fixed; so is the category of an approved one.
        changeable = ("components", "message_send_ttl_seconds")
        changes = {key: value for key, value in definition.items() if key in changeable}
        client.edit_template(word_of(difference.theirs.get("id")), changes)
        return Attempt(template, difference.state, "PENDING", difference.category)
    except SendError as error:
        # One refused template must not keep back the others.
        return Attempt(template, difference.state, difference.status, difference.category, error)


def _row(session: Session, account: str, name: str, language: str) -> WhatsAppTemplate:
    statement = select(WhatsAppTemplate).where(
        col(WhatsAppTemplate.business_account_id) == account,
        col(WhatsAppTemplate.name) == name,
        col(WhatsAppTemplate.language) == language,
    )
    row = session.execute(statement).scalar_one_or_none()
    if row is None:
        fresh = WhatsAppTemplate(business_account_id=account, name=name, language=language, updated_at=now())
        insert_once(session, WhatsAppTemplate, [fresh.model_dump(exclude={"id"})],
                    "business_account_id", "name", "language")  # fmt: skip
        row = session.execute(statement).scalar_one()
    return row


def _pause_end(status: str, reason: str, at: datetime) -> datetime | None:
    return at + PAUSES[reason] if status == "PAUSED" and reason in PAUSES else None


def _compared(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the components without what only reviewers see."""
    compared = []
    for component in objects_of(definition.get("components")):
        part = {key: component[key] for key in COMPARED if component.get(key)}
        if "buttons" in part:
            part["buttons"] = [(word_of(one.get("type")), word_of(one.get("text"))) for one in part["buttons"]]
        compared.append(part | {"type": word_of(component.get("type")).upper()})
    return sorted(compared, key=lambda part: str(part["type"]))

"""What Meta tells us, as plain values: one class per kind of update, made by `bot.whatsapp.parse`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal[
    "text", "tap", "image", "video", "audio", "document", "sticker", "location", "contacts", "reaction", "form",
    "order", "edit", "revoke", "system", "unsupported",
]  # fmt: skip
"""Our kinds of inbound messages; what we cannot use is "unsupported", and `Message.type` keeps Meta's own word."""


@dataclass(frozen=True)
class Author:
    """A shopper as Meta names them; since usernames exist each of the ids may be missing."""

    wa_id: str | None = None
    """The phone number, digits without a plus."""
    bsuid: str | None = None
    """The business-scoped user id, such as IN.13491208655302741918."""
    parent_bsuid: str | None = None
    username: str | None = None
    name: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is anything to find the shopper by."""
        return bool(self.wa_id or self.bsuid)


@dataclass(frozen=True)
class Tap:
    """A pressed button or a picked row; a template that was sent without payloads gives its title as payload."""

    payload: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class Location:
    """A pin, in degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True)
class Media:
    """A file that Meta keeps for us for 7 days under `id`."""

    id: str
    mime: str = ""
    sha256: str = ""
    """In base64, as webhooks have it."""
    filename: str = ""
    voice: bool = False
    animated: bool = False


@dataclass(frozen=True)
class Card:
    """A contact card. `requested` when it answers our question for the phone number."""

    name: str
    phones: tuple[str, ...]
    """As written on the card, the number that Meta verified (digits) first."""
    wa_ids: tuple[str, ...] = ()
    requested: bool = False


@dataclass(frozen=True)
class Reaction:
    """An emoji on one of our messages; an empty one takes it back."""

    emoji: str
    target: str


@dataclass(frozen=True)
class Form:
    """The answer to an address form or to a Flow; values are the plain ones, nested ones stay in the envelope."""

    name: str
    """"address_message", or "flow"."""
    values: dict[str, str] = field(default_factory=dict)
    saved_address_id: str = ""
    token: str = ""


@dataclass(frozen=True)
class Referral:
    """The advertisement or post that the shopper came from."""

    source_type: str
    source_id: str
    url: str = ""
    click_id: str = ""


@dataclass(frozen=True)
class IdentityChange:
    """A shopper has another number or another user id now."""

    phone_number_id: str
    before: Author
    after: Author
    at: datetime | None
    reason: str
    """user_changed_number, user_changed_user_id, customer_identity_changed (a new device), or user_id_update."""


@dataclass(frozen=True)
class Message:
    """Something a shopper sent."""

    phone_number_id: str
    id: str
    author: Author
    kind: Kind
    type: str
    """Meta's own word for the kind, such as "interactive.list_reply" or "poll_creation"."""
    at: datetime | None = None
    """By Meta's clock; None when it was missing or nonsense."""
    text: str = ""
    """The shopper's words: text, caption, the title that was tapped, a form's summary, the new text of an edit."""
    tap: Tap | None = None
    location: Location | None = None
    media: Media | None = None
    cards: tuple[Card, ...] = ()
    reaction: Reaction | None = None
    form: Form | None = None
    target: str | None = None
    """The message that an edit or a revoke is about."""
    change: IdentityChange | None = None
    """What a system message says."""
    quoted: str | None = None
    """`context.id`: the message answered, ours when a button of it was tapped."""
    forwarded: bool = False
    referral: Referral | None = None
    group_id: str | None = None
    errors: tuple[int, ...] = ()
    """131051 not supported, 131052 the file could not be fetched, and so on."""
    live: bool = True
    """False for what Meta copies over from the past (field "history"): it must move nothing."""

    @property
    def key(self) -> str:
        """The name under which the message is handled once."""
        return f"msg:{self.phone_number_id}:{self.id}"


@dataclass(frozen=True)
class Status:
    """What became of a message of ours. Statuses come in any order, twice, or never."""

    phone_number_id: str
    id: str
    status: str
    """sent, delivered, read, played, failed; others exist and mean nothing to us."""
    recipient: Author
    at: datetime | None = None
    opaque: str = ""
    """Our own name for the message (`biz_opaque_callback_data`)."""
    errors: tuple[int, ...] = ()
    details: str = ""
    """Meta's explanation of the first error, for logs only: it may be localised."""
    category: str = ""
    """What it is priced as: utility, marketing, service, ..."""
    pricing: str = ""
    """regular, free_customer_service, or free_entry_point."""
    billable: bool | None = None
    free_until: datetime | None = None
    """End of a free entry point, when Meta names one."""
    type: str = "message"
    """message, payment, or call."""
    in_group: bool = False
    """Whether it is one of several, one for each participant of a group."""

    @property
    def code(self) -> int | None:
        """The first error."""
        return self.errors[0] if self.errors else None

    @property
    def key(self) -> str:
        """The name under which the status is handled once."""
        key = f"status:{self.phone_number_id}:{self.id}:{self.status}"
        return f"{key}:{self.recipient.wa_id or self.recipient.bsuid or ''}" if self.in_group else key


@dataclass(frozen=True)
class Preference:
    """A shopper told WhatsApp, not us, to stop or resume messages of a category."""

    phone_number_id: str
    author: Author
    category: str
    value: str
    """stop or resume."""
    at: datetime | None = None

    @property
    def key(self) -> str:
        """The name under which the wish is handled once."""
        who = self.author.wa_id or self.author.bsuid or ""
        when = int(self.at.timestamp()) if self.at else 0
        return f"preference:{self.phone_number_id}:{who}:{self.category}:{self.value}:{when}"


@dataclass(frozen=True)
class TemplateEvent:
    """Meta's mind about one of our templates has changed; only the fields that the change is about are filled."""

    business_account_id: str
    template_id: str
    name: str
    language: str
    at: datetime | None = None
    status: str = ""
    """APPROVED, REJECTED, PAUSED, DISABLED, FLAGGED, ..."""
    reason: str = ""
    """Why it was rejected or paused: INVALID_FORMAT, FIRST_PAUSE, SECOND_PAUSE, ..."""
    quality: str = ""
    """GREEN, YELLOW, RED, or UNKNOWN."""
    category: str = ""
    coming_category: str = ""
    """The category that Meta will move it to at `coming_at`."""
    coming_at: datetime | None = None


@dataclass(frozen=True)
class Restriction:
    """Something the account may not do until `until` (None: for good)."""

    type: str
    until: datetime | None = None


STOPPING_RESTRICTIONS = frozenset({"RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"})
STOPPING_BANS = frozenset({"DISABLE"})


@dataclass(frozen=True)
class AccountEvent:
    """News about the account or the number: for operators, and for the breaker of the outbox."""

    business_account_id: str
    field: str
    """Meta's field, such as account_update or security; "errors" for errors that no message carries."""
    event: str = ""
    """What happened: event, decision or status, whichever the field has."""
    phone: str = ""
    """The number it is about (digits), when it is about one."""
    phone_number_id: str = ""
    at: datetime | None = None
    errors: tuple[int, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    violation: str = ""
    ban: str = ""
    """SCHEDULE_FOR_DISABLE, DISABLE, or REINSTATE."""
    limit: str = ""
    """How many shoppers may be written to first in 24 hours: TIER_2K, 2000, ..."""

    @property
    def stops_sending(self) -> bool:
        """Whether nothing can be sent to shoppers until an operator or time changes that."""
        restricted = any(restriction.type in STOPPING_RESTRICTIONS for restriction in self.restrictions)
        return restricted or self.ban in STOPPING_BANS or self.event == "ACCOUNT_DELETED"


@dataclass(frozen=True)
class Unknown:
    """Something that is none of the above; the envelope keeps its bytes."""

    what: str
    """Field and reason, without content."""
    phone_number_id: str = ""
    id: str = ""


Update = Message | Status | Preference | IdentityChange | TemplateEvent | AccountEvent | Unknown

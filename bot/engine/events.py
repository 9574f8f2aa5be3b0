"""Name everything that can move a dialogue.

Each class is one kind of row in the `event` table. They are frozen and hold plain data, so that a test can
write them down and a row can be read back years later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.engine.values import JSON


@dataclass(frozen=True, slots=True)
class Act:
    """One thing the shopper meant: a label of `bot.understanding`, its slots, and how sure that is (0 to 1)."""

    kind: str
    slots: Mapping[str, JSON] = field(default_factory=dict)
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Location:
    """A pin the shopper dropped."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """Anything that is neither text nor a tap.

    `kind` is Meta's message type (`audio`, `image`, `video`, `sticker`, `document`, `reaction`, `order`, `unknown`)
    or one of our own for what is no message: `edited`, `deleted`, `call`. `id` names the stored file, if any.
    For a reaction, `turn` is the turn of the bot's message it stands on, None for any other message.
    """

    kind: str
    id: str = ""
    caption: str = ""
    emoji: str = ""
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact card: the name on it and its first number, in E.164 where it is a valid one ("" otherwise)."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The shopper did something.

    `choice` and `turn` come from a button whose MAC the runner has checked; `acts`, `safe` and `lang` from
    `bot.understanding`. `lang` is set only where the message is long enough to tell its language.
    """

    acts: tuple[Act, ...] = ()
    text: str = ""
    choice: str | None = None
    turn: int | None = None
    location: Location | None = None
    media: Media | None = None
    contact: Contact | None = None
    form: Mapping[str, JSON] | None = None
    safe: bool = False
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """The `nth` timer of a turn fell due without an answer."""

    turn: int
    nth: int


@dataclass(frozen=True, slots=True)
class Released:
    """An agent let go: `to` is "bot" to ask the open question again, "done" when the agent settled it."""

    to: str = "bot"


@dataclass(frozen=True, slots=True)
class Changed:
    """The order changed by another hand; `what` is its new status (`cancelled`, `shipped`, ...) or `details`."""

    what: str


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """A prompt could not be delivered; `code` is Meta's error code."""

    code: int


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a LookUp."""

    kind: str
    value: Mapping[str, JSON] = field(default_factory=dict)


Event = Started | Replied | Silence | Released | Changed | Undeliverable | Found

"""What the simulated world holds: accounts, numbers, shoppers, templates, messages, media, and its settings.

Plain records without behaviour; every one can be turned into JSON and back (`snapshot.py`).
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.clock import Clock
from bot.simulator.draws import Draws
from bot.simulator.limits import NewUsers, PairRate, Throughput


@dataclass(frozen=True, slots=True)
class Options:
    """What is given at start; every value can be changed on the command line or by an environment variable."""

    host: str = "127.0.0.1"
    port: int = 4004
    webhook_url: str = ""
    app_secret: str = "simulator-app-secret"  # noqa: S105 it protects nothing
    verify_token: str = "simulator-verify-token"  # noqa: S105
    token: str = ""
    phone_number_id: str = "100200300400500"
    waba_id: str = "500400300200100"
    display_number: str = "+91 11 5550 0100"
    business_name: str = "Pakka Demo Store"
    seed: int = 1
    latency_ms: float = 0.0
    state: str = ""


@dataclass(slots=True)
class Settings:
    """Knobs of the simulated platform, changed by `PATCH /sim/settings`; the defaults behave like the real one."""

    latency_ms: float = 0.0  # median time an answer to a send takes, real milliseconds
    latency_spread: float = 0.0  # sigma of the log-normal spread around it; 0 = always exactly the median
    status_scale: float = 1.0  # multiplies the simulated delays of statuses; 0 = at once
    batch_max: int = 1  # how many waiting updates one webhook request may carry (the platform: 1000)
    batch_wait_ms: float = 0.0  # real milliseconds to wait for more updates before a request leaves
    webhook_timeout: float = 10.0  # real seconds until an unanswered webhook counts as failed
    retry_base: float = 1.0  # simulated seconds before the second repetition; doubles each time
    retry_cap: float = 3600.0  # longest simulated wait between two repetitions
    retry_jitter: float = 0.0  # +- share of that wait, drawn from the seed
    retry_for: float = 7 * 86_400.0  # simulated seconds until a webhook is given up
    webhook_version: int = 26  # below 24 statuses carry a `conversation` object
    bsuid: str = "both"  # none | both: whether business-scoped user ids exist yet
    status_reveals_phone: bool = True  # a status of a message sent to a phone number names that number
    contact_book: bool = False  # a hidden number is shown once the business has written to it
    auto_create: bool = True  # writing to an unknown number makes a shopper with it
    allowed_recipients: list[str] = field(default_factory=list)  # not empty = a test number with an allowed list
    strict_to: bool = False  # a recipient without "+" gets the calling code of the business
    enforce_pair: bool = True  # one message per six seconds to a shopper, bursts of 45
    enforce_throughput: bool = True  # messages per second of a number, in and out
    messaging_limit: str = "TIER_100K"  # of the portfolio: new users in a moving day
    service_quota: int = 1000  # free service messages per number and month
    paid_service_from: float = 1_790_812_800.0  # 2026-10-01: service messages are billed from here
    review: str = "approve"  # approve | reject | never: what happens to a created template
    review_seconds: float = 1.0  # simulated seconds a review takes; 0 = reviewed in the answer
    recategorize: bool = True  # a UTILITY template with promotional words comes back as MARKETING
    marketing_cap: float = 0.0  # share of marketing messages stopped by the cap of the user (131049)
    blocked_effect: str = "silent"  # silent | failed: a shopper who blocked the business gives nothing, or 131026
    fetch_links: bool = False  # fetch media given by link, and fail with 131053 when that does not work
    management_per_hour: int = 5000  # calls about one account or template, then 80007
    template_creations_per_hour: int = 100  # of one account
    template_limit: int = 6000  # templates of one account
    deprecated_below: int = 21  # older API versions are answered with an upgrade warning
    api_version: str = "v26.0"  # what deprecated versions are upgraded to


@dataclass(slots=True)
class Waba:
    """A WhatsApp Business Account."""

    id: str
    name: str
    currency: str = "INR"
    subscribed: bool = True
    callback: str = ""
    restricted: bool = False
    payment_missing: bool = False


@dataclass(slots=True)
class Number:
    """A business phone number."""

    id: str
    waba: str
    display: str
    name: str
    mps: float = 80.0
    quality: str = "GREEN"
    status: str = "CONNECTED"
    callback: str = ""
    profile: dict[str, Any] = field(default_factory=dict)

    @property
    def digits(self) -> str:
        """The number without signs and spaces."""
        return "".join(ch for ch in self.display if ch.isdigit())


@dataclass(slots=True)
class Shopper:
    """A person with a phone."""

    wa_id: str
    name: str
    bsuid: str
    username: str = ""
    hidden: bool = False  # the phone number is withheld from the business
    on_whatsapp: bool = True
    online: bool = True
    read_receipts: bool = True
    reads_after: float | None = None  # simulated seconds after delivery; None = when the page or a reply shows it
    chat_open: bool = False  # messages are read at once, so `delivered` is skipped
    supports_address: bool = True
    blocked_business: bool = False
    stopped_marketing: bool = False
    blocked_by: list[str] = field(default_factory=list)  # ids of numbers that blocked this shopper
    known_to: list[str] = field(default_factory=list)  # WABA ids whose contact book holds the phone number
    created: bool = False  # made by hand, not by a message to an unknown number


@dataclass(slots=True)
class Template:
    """A message template in one language."""

    id: str
    waba: str
    name: str
    language: str
    category: str
    status: str
    components: list[dict[str, Any]]
    parameter_format: str = "POSITIONAL"
    ttl: float | None = None
    quality: str = "UNKNOWN"
    reason: str = "NONE"
    created: float = 0.0
    edits: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Outgoing:
    """A message of the business that was accepted: one line of the ledger."""

    n: int
    wamid: str
    number: str
    wa_id: str
    to: str
    kind: str
    body: dict[str, Any]
    opaque: str | None
    at: float
    by_phone: bool
    category: str
    ttl: float
    context: str | None = None
    template: str | None = None
    shown: dict[str, Any] | None = None  # what the phone shows of a template
    status: str = "accepted"
    history: list[tuple[str, float]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    pricing: dict[str, Any] | None = None
    priced: int = 0
    held: bool = False  # sent, and waiting for the phone to come online
    reaction: str = ""  # the shopper's
    fep: bool = False


@dataclass(slots=True)
class Incoming:
    """A message of a shopper."""

    wamid: str
    number: str
    wa_id: str
    kind: str
    node: dict[str, Any]
    at: float
    context: str | None = None
    status: str = "sent"  # sent, delivered (the webhook was answered), read (the business marked it)
    reaction: str = ""  # the business's
    typing_until: float = 0.0


@dataclass(slots=True)
class Media:
    """A file that was uploaded by the business or sent by a shopper."""

    id: str
    mime: str
    data: bytes
    name: str
    at: float
    lifetime: float
    secret: str


class World:
    """Everything there is, behind one lock."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.clock = Clock()
        self.draws = Draws(options.seed)
        self.empty()

    def empty(self) -> None:
        """Forget everything but the options."""
        options = self.options
        self.settings = Settings(latency_ms=options.latency_ms)
        self.wabas = {options.waba_id: Waba(options.waba_id, options.business_name)}
        self.numbers = {
            options.phone_number_id: Number(
                options.phone_number_id, options.waba_id, options.display_number, options.business_name
            )
        }
        self.tokens: set[str] = {options.token} if options.token else set()
        self.expired: set[str] = set()
        self.app_callback = options.webhook_url
        self.app_secret = options.app_secret
        self.verify_token = options.verify_token
        self.shoppers: dict[str, Shopper] = {}
        self.by_bsuid: dict[str, str] = {}
        self.templates: dict[str, Template] = {}
        self.template_names: dict[tuple[str, str, str], str] = {}
        self.outgoing: dict[str, Outgoing] = {}
        self.incoming: dict[str, Incoming] = {}
        self.chats: dict[tuple[str, str], list[str]] = {}  # (number, wa_id) -> wamids in order
        self.media: dict[str, Media] = {}
        self.windows: dict[tuple[str, str], float] = {}  # last message of the shopper
        self.free_entry: dict[tuple[str, str], float] = {}  # until when
        self.counters: dict[str, int] = {}
        self.quota: dict[str, int] = {}
        self.ledger: list[str] = []
        self.throughput: dict[str, Throughput] = {}
        self.pairs = PairRate()
        self.new_users = NewUsers()
        self.management: dict[str, list[float]] = {}
        self.changes: deque[dict[str, Any]] = deque(maxlen=20_000)
        self.change_count = 0

    def count(self, name: str) -> int:
        """Return 1, 2, 3 ... for each name."""
        value = self.counters.get(name, 0) + 1
        self.counters[name] = value
        return value

    def note(self, kind: str, wa_id: str = "", number: str = "", wamid: str = "", **more: Any) -> None:
        """Tell those who watch (the page, simulated shoppers) that something happened."""
        self.change_count += 1
        change = {"seq": self.change_count, "kind": kind, "phone": wa_id, "number": number, "wamid": wamid}
        self.changes.append(change | more if more else change)
        self.changed.notify_all()

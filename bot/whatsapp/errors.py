"""What a refusal of Meta's means for a message, by its code.

One rule decides doubtful cases: nothing that may have been accepted is sent again blindly, and trouble of an account
or a template holds messages instead of failing them. HTTP status, title and subcode do not decide, because they
change and may be localised. https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

import json
from datetime import timedelta
from typing import Any

from bot.whatsapp.values import details_of, object_of, text_of, word_of


class SendError(Exception):
    """A request that did not end well; the class says what follows for the message."""

    first_wait = 0
    """Seconds to wait before the first repetition."""
    wait_grows = 1
    """By which factor each further wait is longer."""
    longest_wait = 86400

    def __init__(
        self,
        code: int | None = None,
        *,
        http_status: int = 0,
        subcode: int | None = None,
        details: str = "",
        trace: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        """Keep what Meta said; `code` is None when nothing came from Meta, `http_status` 0 when no answer came."""
        super().__init__(code, http_status)
        self.code = code
        self.http_status = http_status
        self.subcode = subcode
        self.details = details
        """Meta's words, for logs only: they may be localised, and are never compared."""
        self.trace = trace
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Name codes only, so that a traceback in a log exposes nobody."""
        parts = [f"code {self.code}" if self.code is not None else "", f"HTTP {self.http_status}", self.trace]
        return f"{type(self).__name__}({', '.join(part for part in parts if part)})"

    @property
    def needs_operator(self) -> bool:
        """Whether somebody has to put something right; 131030 is a test number that may write to listed people only."""
        return isinstance(self, HoldNumber | HoldTemplate | OurBug) or self.code == 131030

    @property
    def most_attempts(self) -> int | None:
        """How often to try in all; None: as long as the message is worth sending."""
        return {1: 3, 131053: 2}.get(self.code or 0)

    def wait(self, attempt: int) -> timedelta:
        """Return how long to wait after the `attempt`-th try (1, 2, ...); Meta's own word goes first."""
        if self.retry_after is not None:
            return self.retry_after
        # Beyond a dozen doublings the longest wait has long been reached.
        seconds = self.first_wait * self.wait_grows ** min(max(attempt - 1, 0), 12)
        return timedelta(seconds=min(seconds, self.longest_wait))


class Retry(SendError):
    """Nothing was accepted; the same request may succeed in a while."""

    first_wait, wait_grows, longest_wait = 2, 2, 300


class SlowPair(SendError):
    """This shopper gets too many messages at once: one in 6 seconds is allowed in the long run."""

    first_wait, wait_grows, longest_wait = 6, 4, 3600


class SlowNumber(SendError):
    """The number or the account sends too fast."""

    first_wait, wait_grows, longest_wait = 5, 2, 300


class HoldNumber(SendError):
    """Nothing can be sent from this number until an operator or Meta has put something right."""

    first_wait = 60

    @property
    def one_country_only(self) -> bool:
        """Whether only shoppers of this shopper's country are out of reach."""
        return self.code == 130497


class HoldTemplate(SendError):
    """The template cannot be sent as it is: paused, disabled, missing in the language, or other parameters."""

    first_wait = 900


class NeedsTemplate(SendError):
    """The shopper wrote more than 24 hours ago: only a template gets through."""


class Undeliverable(SendError):
    """This shopper cannot be reached like this; the flow decides what follows."""


class Later(SendError):
    """WhatsApp holds messages back from this shopper for now: a day later at the earliest."""

    first_wait = 86400


class OurBug(SendError):
    """The request is wrong; it would be refused again."""


class Unknown(SendError):
    """The message may have been accepted or not: only its status webhook can tell."""


_CLASSES: dict[type[SendError], tuple[int, ...]] = {
    Retry: (1, 2, 131000, 131016, 131053, 131057, 133004),
    SlowPair: (131056,),
    SlowNumber: (4, 80007, 130429),
    HoldNumber: (0, 3, 10, 190, 368, *range(200, 300), 130497, 131005, 131031, 131037, 131042, 131045, 131048,
                 131064, 133010),
    HoldTemplate: (132000, 132001, 132005, 132007, 132012, 132015, 132016),
    NeedsTemplate: (131047,),
    Undeliverable: (1026, 130403, 131021, 131026, 131030, 131050, 131062),
    Later: (130472, 131049),
}  # fmt: skip
_CLASS_OF = {code: kind for kind, codes in _CLASSES.items() for code in codes}
_MAY_BE_ACCEPTED = (1, 131000)
"""Nobody knows whether these, sent with HTTP 5xx, can follow an acceptance."""


def failure(code: int | None) -> SendError:
    """Return what the code of a `failed` status means for its message: there it was certainly not delivered."""
    return _CLASS_OF.get(code if code is not None else -1, OurBug)(code)


def refusal(http_status: int, answer: Any, headers: dict[str, str]) -> SendError:
    """Return what an answer that is no success means. `answer` is the decoded body, None when it was no JSON."""
    error = object_of(object_of(answer).get("error"))
    code = _number(error.get("code"))
    kind = _class_of(http_status, code, error)
    data = error.get("error_data")
    return kind(
        code,
        http_status=http_status,
        subcode=_number(error.get("error_subcode")),
        details=text_of(object_of(data).get("details")) or text_of(data) or details_of([error]),
        trace=word_of(error.get("fbtrace_id")),
        retry_after=_retry_after(headers) if issubclass(kind, Retry | SlowNumber) else None,
    )


def _class_of(http_status: int, code: int | None, error: dict[str, Any]) -> type[SendError]:
    if not error:
        # A gateway's page instead of Graph's words: in front of Graph or behind it, nobody can tell.
        if http_status < 400 or http_status >= 500:
            return Unknown
        return {401: HoldNumber, 408: Unknown, 429: SlowNumber}.get(http_status, OurBug)
    if http_status >= 500 and (code not in _CLASS_OF or code in _MAY_BE_ACCEPTED):
        return Retry if http_status == 503 else Unknown
    if code in _CLASS_OF:
        return _CLASS_OF[code]
    if http_status == 401:
        return HoldNumber
    if http_status == 429:
        return SlowNumber
    return Retry if error.get("is_transient") is True else OurBug


def _retry_after(headers: dict[str, str]) -> timedelta | None:
    """Read the pause that Meta asks for: minutes until access is regained, or the usual header in seconds."""
    usage = headers.get("x-business-use-case-usage", "")
    if "estimated_time_to_regain_access" in usage:
        minutes = _minutes_to_regain(usage)
        if minutes:
            return timedelta(minutes=min(minutes, 1440))
    given = headers.get("retry-after", "").strip()
    return timedelta(seconds=min(int(given), 86400)) if given.isascii() and given.isdigit() else None


def _minutes_to_regain(usage: str) -> int:
    try:
        accounts = object_of(json.loads(usage))
    except (ValueError, RecursionError):
        return 0
    uses = [use for listed in accounts.values() if isinstance(listed, list) for use in listed]
    return max((_number(object_of(use).get("estimated_time_to_regain_access")) or 0 for use in uses), default=0)


def _number(value: Any) -> int | None:
    word = word_of(value)
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else None

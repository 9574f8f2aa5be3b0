"""The Cloud API, as far as Pakka uses it: send, mark as read, what is known of a number, templates.

Safe to share between threads. Every failure is one of the classes of `bot.whatsapp.errors`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bot.settings import Settings
from bot.whatsapp.adapter import Heyoo, transport
from bot.whatsapp.errors import Unknown
from bot.whatsapp.values import object_of, objects_of, word_of

TEMPLATE_FIELDS = "id,name,language,status,category,quality_score,rejected_reason,parameter_format,components"
NUMBER_FIELDS = "display_phone_number,verified_name,quality_rating,status,throughput"


@dataclass(frozen=True)
class Sent:
    """An accepted message. Accepted is not delivered: outside the window, say, a failed status follows."""

    wamid: str
    wa_id: str | None = None
    """The number as Meta writes it, which may differ from what was given (Brazil, Mexico)."""
    user_id: str | None = None
    held: bool = False
    """Whether Meta holds it back to watch the template's quality."""


@dataclass(frozen=True)
class Number:
    """What Meta says of a phone number of ours."""

    id: str
    display_number: str
    name: str
    quality: str
    """GREEN, YELLOW, RED, or UNKNOWN."""
    status: str
    high_throughput: bool
    """Whether it may send 1,000 messages a second instead of 80."""


class Client:
    """One account of the Cloud API."""

    def __init__(self, base_url: str, version: str, token: str) -> None:
        """Talk to `base_url` (without version), as in `https://graph.facebook.com`, with a system user's token."""
        self.base_url = base_url.rstrip("/")
        # A secret read from a file ends with a line break more often than not.
        self.token = token.strip()
        self.version = version
        self._root = f"{self.base_url}/{version}"
        self._headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Client":
        """Make the client of the first channel."""
        return cls(settings.graph_api_url, settings.graph_api_version, settings.whatsapp_token)

    def send(self, phone_number_id: str, payload: dict[str, Any]) -> Sent:
        """Send what `bot.whatsapp.compose` made; raise a SendError."""
        answer = self._heyoo(phone_number_id).send(payload)
        # Each list has one element: one message to one person.
        message = next(iter(objects_of(answer.get("messages"))), {})
        person = next(iter(objects_of(answer.get("contacts"))), {})
        wamid = word_of(message.get("id"))
        if not wamid:
            raise Unknown(http_status=200, details="success without message id")
        held = message.get("message_status") == "held_for_quality_assessment"
        return Sent(wamid, word_of(person.get("wa_id")) or None, word_of(person.get("user_id")) or None, held)

    def mark_read(self, phone_number_id: str, wamid: str, *, typing: bool = False) -> None:
        """Show the shopper that everything up to message `wamid` was read, and "typing..." when an answer will follow.

        Both are free; the indicator goes away with the next message, or after 25 seconds.
        """
        if typing:
            read = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
            self._heyoo(phone_number_id).send(read | {"typing_indicator": {"type": "text"}})
        else:
            self._heyoo(phone_number_id).mark_as_read(wamid)

    def number(self, phone_number_id: str) -> Number:
        """Ask what Meta knows of a number of ours."""
        answer = self._get(f"{phone_number_id}?{urlencode({'fields': NUMBER_FIELDS})}")
        return Number(
            phone_number_id,
            word_of(answer.get("display_phone_number")),
            word_of(answer.get("verified_name")),
            word_of(answer.get("quality_rating")) or "UNKNOWN",
            word_of(answer.get("status")),
            word_of(object_of(answer.get("throughput")).get("level")).upper() == "HIGH",
        )

    def templates(self, business_account_id: str) -> Iterator[dict[str, Any]]:
        """Yield every template of an account as Meta has it, page by page."""
        after = ""
        while True:
            asked = {"fields": TEMPLATE_FIELDS, "limit": "100"} | ({"after": after} if after else {})
            answer = self._get(f"{business_account_id}/message_templates?{urlencode(asked)}")
            yield from objects_of(answer.get("data"))
            paging = object_of(answer.get("paging"))
            before, after = after, word_of(object_of(paging.get("cursors")).get("after"))
            # The last page has a cursor too, but no next page.
            if not paging.get("next") or not after or after == before:
                return

    def create_template(self, business_account_id: str, definition: dict[str, Any]) -> dict[str, Any]:
        """Submit a template; return its id, status and category, which may not be the category asked for."""
        return transport.post(f"{self._root}/{business_account_id}/message_templates", self._headers, definition).body

    def edit_template(self, template_id: str, definition: dict[str, Any]) -> None:
        """Submit other components for a template."""
        transport.post(f"{self._root}/{template_id}", self._headers, definition)

    def media(self, media_id: str, phone_number_id: str) -> dict[str, Any]:
        """Ask where a file is: url (good for 5 minutes), mime_type, sha256 (hex), file_size."""
        return self._get(f"{media_id}?{urlencode({'phone_number_id': phone_number_id})}")

    def _heyoo(self, phone_number_id: str) -> Heyoo:
        return Heyoo(self.base_url, self.version, self.token, phone_number_id)

    def _get(self, path: str) -> dict[str, Any]:
        return transport.get(f"{self._root}/{path}", self._headers).body

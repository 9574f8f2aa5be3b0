"""Fetch the files that shoppers send: from Meta's hosts only, and only what it claims to be.

The token goes along with the request, so an address outside the allow-list would hand it to strangers, or turn us
against our own network. Nothing here is trusted: not the address, not the announced size, not the type.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import HTTPError, LocationParseError

from bot.whatsapp.adapter import transport
from bot.whatsapp.client import Client
from bot.whatsapp.errors import Retry
from bot.whatsapp.values import word_of

MEDIA_ORIGIN = ("https", "lookaside.fbsbx.com", 443)
MOST_BYTES = 16 * 1024 * 1024
"""Enough for every photo, voice note and video that WhatsApp takes; documents may be larger, and are not fetched."""
MOST_SECONDS = 30.0
MOST_REDIRECTS = 3
SIGNATURES: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"OggS"), "audio/ogg"),
    (re.compile(rb"#!AMR"), "audio/amr"),
    (re.compile(rb"ID3|\xff[\xfb\xf3\xf2]"), "audio/mpeg"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "audio/aac"),
    (re.compile(rb".{4}ftypM4A", re.DOTALL), "audio/mp4"),
    (re.compile(rb".{4}ftyp3g", re.DOTALL), "video/3gpp"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "video/mp4"),
    (re.compile(rb"%PDF-"), "application/pdf"),
)
"""The types that WhatsApp takes and a browser shows without running anything."""


@dataclass(frozen=True)
class File:
    """A file of a shopper's, with the type that its first bytes show."""

    content: bytes
    mime: str
    sha256: str
    """In hexadecimal."""


class MediaRefused(Exception):
    """A file cannot or must not be fetched.

    `reason` is a code: off_list, too_large, too_slow, wrong_type, damaged, gone.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


def fetch(client: Client, media_id: str, phone_number_id: str, *, most_bytes: int = MOST_BYTES) -> File:
    """Fetch a file by its id; webhooks' ids are good for 7 days.

    Raises MediaRefused, or a SendError when Meta cannot be asked now.
    """
    if not re.fullmatch(r"\d{1,32}", media_id):
        raise MediaRefused("gone")
    found = client.media(media_id, phone_number_id)
    content = _download(client, word_of(found.get("url")), most_bytes)
    digest = hashlib.sha256(content).digest()
    promised = _sha256(word_of(found.get("sha256")))
    if promised is not None and not hmac.compare_digest(promised, digest):
        raise MediaRefused("damaged")
    mime = sniff(content)
    if mime is None or not _agree(mime, word_of(found.get("mime_type"))):
        raise MediaRefused("wrong_type")
    return File(content, mime, digest.hex())


def sniff(content: bytes) -> str | None:
    """Return the type that the first bytes show; None for everything that is not on our list."""
    return next((mime for signature, mime in SIGNATURES if signature.match(content)), None)


def _agree(shown: str, declared: str) -> bool:
    """Whether a file is of the declared kind; within images a wrong name is a slip, a page called image is not."""
    families = [mime.split(";")[0].strip().lower().split("/")[0] for mime in (shown, declared)]
    # The same container holds sound and pictures.
    return not declared or families[0] == families[1] or set(families) == {"audio", "video"}


def _download(client: Client, url: str, most_bytes: int) -> bytes:
    allowed = {MEDIA_ORIGIN, _origin(client.base_url)}
    until = time.monotonic() + MOST_SECONDS
    # Unpacking is refused, so that a small answer cannot become a large file.
    headers = {"Authorization": f"Bearer {client.token}", "Accept-Encoding": "identity"}
    for _ in range(MOST_REDIRECTS + 1):
        if _origin(url) not in allowed:
            raise MediaRefused("off_list")
        try:
            with transport.stream("GET", url, headers) as response:
                if response.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status in (403, 404, 410):
                    raise MediaRefused("gone")
                if response.status != 200:
                    raise Retry(http_status=response.status)
                if int(response.headers.get("content-length") or 0) > most_bytes:
                    raise MediaRefused("too_large")
                content = bytearray()
                while piece := response.read1(65536, decode_content=False):
                    content += piece
                    if len(content) > most_bytes:
                        raise MediaRefused("too_large")
                    if time.monotonic() > until:
                        raise MediaRefused("too_slow")
                return bytes(content)
        except (HTTPError, OSError, ValueError) as error:
            raise Retry(details=type(error).__name__) from None
    raise MediaRefused("off_list")


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an address; None when it has none, or carries a user name."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except (ValueError, LocationParseError):
        return None
    if port is None or not parts.hostname or parts.username is not None or parts.password is not None:
        return None
    return parts.scheme, parts.hostname, port


def _sha256(written: str) -> bytes | None:
    """Read a SHA-256 as the descriptor has it (hexadecimal) or as a webhook has it (base64)."""
    try:
        read = bytes.fromhex(written) if len(written) == 64 else base64.b64decode(written, validate=True)
    except (ValueError, binascii.Error):
        return None
    return read if len(read) == 32 else None

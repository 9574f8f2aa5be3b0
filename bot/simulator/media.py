"""Files: stored, described, and handed out under addresses that expire, as the platform does."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from bot.simulator.errors import Refusal
from bot.simulator.state import Media, World

Json = dict[str, Any]

UPLOAD_LIFETIME = 30 * 86_400.0
WEBHOOK_LIFETIME = 7 * 86_400.0
URL_LIFETIME = 300.0
MEGABYTE = 1024 * 1024

# https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media: largest size per kind of file.
LIMITS: dict[str, int] = {
    "image/jpeg": 5 * MEGABYTE, "image/png": 5 * MEGABYTE, "image/webp": 500 * 1024,
    "audio/aac": 16 * MEGABYTE, "audio/mp4": 16 * MEGABYTE, "audio/mpeg": 16 * MEGABYTE, "audio/amr": 16 * MEGABYTE,
    "audio/ogg": 16 * MEGABYTE, "audio/opus": 16 * MEGABYTE, "video/mp4": 16 * MEGABYTE, "video/3gpp": 16 * MEGABYTE,
    "text/plain": 100 * MEGABYTE, "application/pdf": 100 * MEGABYTE, "application/msword": 100 * MEGABYTE,
    "application/vnd.ms-excel": 100 * MEGABYTE, "application/vnd.ms-powerpoint": 100 * MEGABYTE,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100 * MEGABYTE,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100 * MEGABYTE,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * MEGABYTE,
}  # fmt: skip

SAMPLES = Path(__file__).parent / "samples"
_SAMPLE_FILES: dict[str, tuple[str, str]] = {
    "image": ("photo.jpg", "image/jpeg"),
    "voice": ("voice.ogg", "audio/ogg; codecs=opus"),
    "audio": ("voice.ogg", "audio/ogg; codecs=opus"),
    "video": ("video.mp4", "video/mp4"),
    "sticker": ("sticker.webp", "image/webp"),
    "document": ("document.pdf", "application/pdf"),
}


def sample(kind: str) -> tuple[bytes, str, str]:
    """Return bytes, MIME type and file name of our own sample for a kind of message."""
    name, mime = _SAMPLE_FILES[kind]
    return (SAMPLES / name).read_bytes(), mime, name


def store(world: World, data: bytes, mime: str, name: str, lifetime: float) -> Media:
    """Keep a file and return its record."""
    count = world.count("media")
    media = Media(
        world.draws.number(15, "media", count), mime, data, name, world.clock.now(), lifetime,
        base64.urlsafe_b64encode(world.draws.token("media", count)[:15]).decode(),
    )  # fmt: skip
    world.media[media.id] = media
    return media


def check_upload(data: bytes, mime: str) -> None:
    """Refuse a type or size that the platform does not take."""
    bare = mime.partition(";")[0].strip()
    if bare not in LIMITS:
        raise Refusal(100, message="(#100) Param file must be a file with one of the following types: "
                      f"{', '.join(sorted(LIMITS))}. Received file of type '{mime}'.")  # fmt: skip
    if len(data) > LIMITS[bare]:
        raise Refusal(100, message=f"(#100) Param file is too large: {len(data)} bytes, at most {LIMITS[bare]}")


def live(world: World, media_id: str) -> Media | None:
    """Return a file whose id has not expired."""
    media = world.media.get(media_id)
    return media if media and world.clock.now() < media.at + media.lifetime else None


def address(media: Media, host: str, now: float) -> str:
    """Return the download address, good for five minutes from `now`."""
    expires = int(now + URL_LIFETIME)
    return f"{host}/whatsapp_business/attachments/?mid={media.id}&ext={expires}&hash={_hash(media, expires)}"


def valid_address(media: Media, expires: str, given: str, now: float) -> bool:
    """Say whether an address is genuine and has not expired."""
    return expires.isdigit() and now < int(expires) and given == _hash(media, int(expires))


def _hash(media: Media, expires: int) -> str:
    return hashlib.blake2b(f"{media.secret}:{expires}".encode(), digest_size=16).hexdigest()


def descriptor(media: Media, host: str, now: float) -> Json:
    """Return what `GET /<media id>` answers; the hash is hexadecimal here, and base64 in webhooks."""
    return {
        "url": address(media, host, now),
        "mime_type": media.mime,
        "sha256": hashlib.sha256(media.data).hexdigest(),
        "file_size": len(media.data),
        "id": media.id,
        "messaging_product": "whatsapp",
    }


def node(media: Media, host: str, now: float) -> Json:
    """Return the part of a webhook that describes a file."""
    digest = base64.b64encode(hashlib.sha256(media.data).digest()).decode()
    return {"mime_type": media.mime, "sha256": digest, "id": media.id, "url": address(media, host, now)}

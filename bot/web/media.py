"""Files that shoppers sent: fetched from Meta when somebody looks, kept nowhere, and harmless in a browser."""

import re

from flask import Response, current_app

from bot.services import services
from bot.whatsapp.client import Client
from bot.whatsapp.media import File, fetch

SHOWN_HERE = ("image/", "audio/", "video/")
"""What a browser shows in the page; anything else is downloaded."""


def fetched(media_id: str, phone_number_id: str) -> File:
    """Fetch a file from Meta; raises MediaRefused or SendError."""
    if "pakka_media" not in current_app.extensions:
        current_app.extensions["pakka_media"] = Client.from_settings(services().settings)
    client: Client = current_app.extensions["pakka_media"]
    return fetch(client, media_id, phone_number_id)


def kind_of(file: File) -> str:
    """Return the media type without its parameters."""
    return file.mime.split(";")[0].strip().lower()


def handed_over(file: File, name: str, *, seconds: int) -> Response:
    """Answer with a file that strangers made: no script in it runs, and its name is ours."""
    kind = kind_of(file)
    ending = re.sub(r"[^a-z0-9.+-]", "", kind.rpartition("/")[2])
    return Response(
        file.content,
        mimetype=kind,
        headers={
            "Content-Disposition": f"{'inline' if kind.startswith(SHOWN_HERE) else 'attachment'}; "
            f'filename="{name}.{ending}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": f"private, max-age={seconds}",
        },
    )

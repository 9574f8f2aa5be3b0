"""Media: upload, describe, download, delete."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response, request

from bot.simulator import media as files
from bot.simulator.errors import Refusal
from bot.simulator.graph.common import blueprint, fault, host, simulator
from bot.simulator.sending import authorize
from bot.simulator.state import Media, Number
from bot.simulator.world import Simulator

Json = dict[str, Any]


def upload(sim: Simulator, number: Number) -> Json:
    """Store a file of the business."""
    if request.form.get("messaging_product") != "whatsapp":
        raise Refusal(100, message="(#100) The parameter messaging_product is required.")
    upload = request.files.get("file")
    if upload is None:
        raise Refusal(100, message="(#100) The parameter file is required.")
    mime = request.form.get("type") or upload.mimetype
    data = upload.read()
    files.check_upload(data, mime)
    return {"id": files.store(sim.world, data, mime, upload.filename or "", files.UPLOAD_LIFETIME).id}


def resolve_media(sim: Simulator, stored: Media) -> Json:
    """Return where a file can be fetched during the next five minutes."""
    return files.descriptor(stored, host(), sim.world.clock.now())


def delete_media(sim: Simulator, stored: Media) -> Json:
    """Forget a file."""
    del sim.world.media[stored.id]
    return {"success": True}


def start_upload(sim: Simulator, app: str) -> Json:
    """Begin an upload whose handle serves as the example of a template's header."""
    return {"id": f"upload:{sim.world.draws.token('upload', app, sim.world.count('upload')).hex()[:40]}?sig=1"}


def finish_upload(sim: Simulator, session: str) -> Json:
    """Take the bytes of such an upload and return its handle."""
    handle = base64.b64encode(sim.world.draws.token("handle", session)[:24]).decode()
    return {"h": f"4::{handle}:{len(request.get_data())}"}


@blueprint.get("/whatsapp_business/attachments/")
def download() -> Response:
    """Hand out the bytes of a file to a client with an access token, while its address is good."""
    sim = simulator()
    authorize(sim, request.headers.get("Authorization", ""))
    fault("media.download")
    world = sim.world
    stored = files.live(world, request.args.get("mid", ""))
    good = stored and files.valid_address(
        stored, request.args.get("ext", ""), request.args.get("hash", ""), world.clock.now()
    )
    if stored is None or not good:
        return Response("", 404)
    return Response(stored.data, content_type=stored.mime)

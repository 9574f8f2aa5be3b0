"""Files that shoppers send, from a simulated phone through WhatsApp's media server into the inbox."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from bot.local.bootstrap import ROOT
from bot.models import Channel, Message
from bot.services import Services
from tests.web.samples import Shop
from tests.web.test_inbox import _say, _waiting
from tests.web.test_settings_connection import NUMBER, app, running_simulator, services, simulator
from tests.whatsapp.conftest import Simulator

__all__ = ["app", "running_simulator", "services", "simulator"]

SignIn = Callable[..., FlaskClient]
SAMPLES = ROOT / "bot" / "simulator" / "samples"
PHONE = "919812300001"


@pytest.mark.parametrize(
    ("kind", "sample", "mime", "shown"),
    [
        ("image", "photo.jpg", "image/jpeg", "inline"),
        ("audio", "voice.ogg", "audio/ogg", "inline"),
        ("video", "video.mp4", "video/mp4", "inline"),
        ("document", "document.pdf", "application/pdf", "attachment"),
    ],
)
def test_what_a_phone_sends_is_shown_to_the_agent(
    shop: Shop, services: Services, sign_in: SignIn, simulator: Simulator, kind: str, sample: str, mime: str, shown: str
) -> None:
    with services.database.session() as session:
        session.exec(select(Channel)).one().phone_number_id = NUMBER
    simulator.control("POST", f"/sim/phones/{PHONE}/send", {"type": kind})
    sent = simulator.control("GET", f"/sim/phones/{PHONE}/chat?all=1")["messages"][-1]
    talk = _waiting(services, shop, 0)
    _say(services, shop, talk, "look")
    with services.database.session() as session:
        message = session.exec(select(Message).where(Message.key == "in:look")).one()
        message.kind, number = kind, message.id
        file = sent["media"]
        message.extra = {"media": {"id": file["url"].rpartition("/")[2], "filename": file["filename"]}}
    client = sign_in(shop.agent)
    address = f"/inbox/{talk}/media/{number}"
    assert address in client.get(f"/inbox/{talk}").text
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, mime)
    assert answer.data == (SAMPLES / sample).read_bytes()
    assert answer.headers["Content-Disposition"].startswith(shown)

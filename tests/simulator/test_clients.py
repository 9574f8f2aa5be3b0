"""Clients of others, unmodified but for the base URL: heyoo 0.1.2 and pywa 4.5."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
import pywa
import requests
from pywa import handlers, types
from pywa.types.templates import BodyText, Buttons, QuickReplyButton, Template, TemplateCategory, TemplateLanguage
from werkzeug.serving import make_server

# Through the adapter, without which Python 3.13 cannot import it.
from bot.whatsapp.adapter import _heyoo as heyoo
from tests.simulator.conftest import ASHA, NUMBER, SECRET, WABA, Sim


@pytest.fixture
def whatsapp(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> Any:
    """heyoo with its own HTTP, and the three attributes that hold its addresses set to the simulator."""
    monkeypatch.setattr(heyoo, "requests", requests)
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    client = heyoo.WhatsApp("token", NUMBER)
    client.base_url = client.v15_base_url = f"{sim.url}/v14.0"
    client.url = f"{sim.url}/v14.0/{NUMBER}/messages"
    return client


def test_heyoo_sends_every_kind_of_message_it_knows(sim: Sim, whatsapp: Any, tmp_path: Path) -> None:
    row = {"id": "r1", "title": "Noon", "description": ""}
    listed = {"header": "When", "body": "Choose", "footer": "f",
              "action": {"button": "Pick", "sections": [{"title": "Today", "rows": [row]}]}}  # fmt: skip
    reply = {"type": "reply", "reply": {"id": "y", "title": "Yes"}}
    asked = {"type": "button", "body": {"text": "?"}, "action": {"buttons": [reply]}}
    inbound = sim.act("text", text="hello")["wamid"]
    answers = [
        whatsapp.send_message("Hello", ASHA),
        whatsapp.reply_to_message(inbound, ASHA, "Yes?"),
        whatsapp.send_reaction("👍", inbound, ASHA),
        whatsapp.send_template("hello_world", ASHA, components=[], lang="en_US"),
        whatsapp.send_location(28.6, 77.2, "Home", "Delhi", ASHA),
        whatsapp.send_image("https://x.in/a.jpg", ASHA),
        whatsapp.send_audio("https://x.in/a.mp3", ASHA),
        whatsapp.send_video("https://x.in/a.mp4", ASHA),
        whatsapp.send_document("https://x.in/a.pdf", ASHA),
        whatsapp.send_sticker("https://x.in/a.webp", ASHA),
        whatsapp.send_contacts([{"name": {"formatted_name": "A B", "first_name": "A"}}], ASHA),
        whatsapp.send_button(listed, ASHA),
        whatsapp.send_reply_button(asked, ASHA),
        whatsapp.send_custom_json({"messaging_product": "whatsapp", "type": "text", "text": {"body": "x"}}, ASHA),
    ]
    assert [answer["messages"][0]["id"].startswith("wamid.") for answer in answers] == [True] * len(answers)
    assert whatsapp.mark_as_read(inbound) == {"success": True}
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG")
    media = whatsapp.upload_media(str(picture))["id"]
    assert whatsapp.query_media_url(media).startswith(f"{sim.url}/whatsapp_business/attachments/")
    assert whatsapp.delete_media(media) == {"success": True}
    refused = whatsapp.send_message("x" * 5000, ASHA)
    assert refused["error"]["message"] == "(#100) Param text['body'] must be at most 4096 characters long."
    sim.idle()
    assert sim.get("/ledger/summary")["by_status"] == {"delivered": 13, "sent": 1}


class Bot:
    """A bot written with pywa, on a Flask server of its own."""

    def __init__(self, sim: Sim) -> None:
        app = flask.Flask(__name__)
        self.heard: list[tuple[Any, ...]] = []
        self.wa = pywa.WhatsApp(
            NUMBER, "token", server=app, webhook_endpoint="/hook", verify_token="pywa", app_secret=SECRET, waba_id=WABA
        )
        self.wa.api._session.base_url = f"{sim.url}/v26.0"
        self.wa.add_handlers(
            handlers.MessageHandler(lambda _, m: self.heard.append((m.type.value, m.text))),
            handlers.CallbackButtonHandler(lambda _, b: self.heard.append(("tap", b.data, b.title))),
            handlers.CallbackSelectionHandler(lambda _, s: self.heard.append(("pick", s.data, s.title))),
            handlers.MessageStatusHandler(lambda _, s: self.heard.append((s.status.value, s.tracker))),
        )
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        sim.patch("/settings", {"status_scale": 0, "review_seconds": 0})
        url = f"http://127.0.0.1:{self.server.server_port}/hook"
        sim.patch("/app", {"webhook_url": url, "verify_token": "pywa", "verify": True})


@pytest.fixture
def bot(sim: Sim) -> Iterator[Bot]:
    running = Bot(sim)
    yield running
    sim.patch("/app", {"webhook_url": ""})
    running.server.shutdown()


def test_pywa_holds_a_dialogue(sim: Sim, bot: Bot) -> None:
    sim.act("text", text="hi")
    sim.idle()
    bot.wa.send_message(
        ASHA, "Shall we send it?", buttons=[types.Button("Yes", "y"), types.Button("No", "n")], tracker="t1"
    )
    sim.idle()
    sim.act("tap", title="No")
    rows = [types.SectionRow("Noon", "r0"), types.SectionRow("Evening", "r1")]
    bot.wa.send_message(ASHA, "When?", buttons=types.SectionList("Pick", [types.Section("Today", rows)]))
    sim.idle()
    sim.act("pick", index=1)
    for kind in ("image", "voice", "video", "document", "sticker", "contacts", "unsupported"):
        sim.act(kind)
    sim.act("location", latitude=1, longitude=2)
    sim.idle()
    assert {("text", "hi"), ("sent", "t1"), ("delivered", "t1"), ("read", "t1"), ("tap", "n", "No"),
            ("pick", "r1", "Evening")} <= set(bot.heard)  # fmt: skip
    kinds = {heard[0] for heard in bot.heard}
    assert {"image", "audio", "video", "document", "sticker", "contacts", "unsupported", "location"} <= kinds


def test_pywa_manages_templates_media_and_the_account(sim: Sim, bot: Bot) -> None:
    template = Template(
        name="cod_confirm", language=TemplateLanguage.ENGLISH, category=TemplateCategory.UTILITY,
        components=[
            BodyText("Hi {{name}}, please confirm your order with a button.", name="Asha"),
            Buttons(buttons=[QuickReplyButton(text="Yes, send it")]),
        ],
    )  # fmt: skip
    created = bot.wa.create_template(template)
    assert created.status.value == "APPROVED"
    assert {t.name for t in bot.wa.get_templates()} == {"hello_world", "cod_confirm"}
    params = [BodyText.params(name="Asha"), QuickReplyButton.params(callback_data="r.1", index=0)]
    bot.wa.send_template(ASHA, "cod_confirm", TemplateLanguage.ENGLISH, params)
    sim.idle()
    sim.act("tap", index=0)
    sim.idle()
    assert ("tap", "r.1", "Yes, send it") in bot.heard
    media = bot.wa.upload_media(media=b"%PDF-1.4", mime_type="application/pdf", filename="bill.pdf")
    bot.wa.send_document(ASHA, media, filename="bill.pdf")
    assert bot.wa.get_media_bytes(bot.wa.get_media_url(media.id).url) == b"%PDF-1.4"
    assert bot.wa.get_business_phone_number().display_phone_number == "+91 11 5550 0100"
    assert bot.wa.get_business_account().currency == "INR"


def test_pywa_understands_the_errors(sim: Sim, bot: Bot) -> None:
    with pytest.raises(pywa.errors.WhatsAppError) as caught:
        bot.wa.send_message(ASHA, "x", buttons=[types.Button("x" * 21, "y")])
    assert caught.value.code == 131009

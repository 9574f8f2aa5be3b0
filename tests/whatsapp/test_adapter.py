"""heyoo is imported on every Python, and nothing of ours leaks into anybody else's modules."""

import sys

import heyoo
import requests

from bot.whatsapp import adapter
from tests.whatsapp.conftest import Meta


def test_heyoo_compiled_from_its_mended_source_is_whole() -> None:
    known = sys.modules["heyoo"]
    try:
        module = adapter._compile_heyoo()
        phone = module.WhatsApp("token", "1")
        assert phone.url.endswith("/1/messages")
        assert "\U0001f600".encode() in module.WhatsApp.send_reaction.__doc__.encode()
        assert module.__file__ == known.__file__
    finally:
        sys.modules["heyoo"] = known


def test_only_heyoo_s_own_names_are_replaced() -> None:
    assert heyoo.requests is adapter.transport
    assert requests.post.__module__ == "requests.api"


def test_every_address_of_heyoo_is_moved() -> None:
    phone = adapter.Heyoo("http://127.0.0.1:9", "v26.0", "t", "42")
    assert phone.base_url == phone.v15_base_url == "http://127.0.0.1:9/v26.0"
    assert phone.url == "http://127.0.0.1:9/v26.0/42/messages"


def test_a_payload_is_not_changed_by_sending_it(meta: Meta) -> None:
    payload = {"to": "+919000012345", "type": "text"}
    adapter.Heyoo(meta.url, "v26.0", "t", "42").send(payload)
    assert payload == {"to": "+919000012345", "type": "text"}

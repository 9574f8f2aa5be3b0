"""Files come from Meta's hosts only, are as long as allowed, and are what they claim to be."""

import base64
import hashlib
import socket
import threading
from typing import Any

import pytest

from bot.whatsapp import media as media_module
from bot.whatsapp.client import Client
from bot.whatsapp.errors import OurBug, Retry
from bot.whatsapp.media import MediaRefused, fetch, sniff
from tests.whatsapp.conftest import Meta, Simulator

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100
NUMBER = "100200300400500"


class Store:
    """Plays the descriptor and the download of one file."""

    def __init__(self, meta: Meta) -> None:
        self.meta = meta
        self.found: dict[str, Any] = {"url": meta.url + "/file", "mime_type": "image/jpeg"}
        self.status, self.content, self.headers = 200, JPEG, ""
        meta.behaviour = self.answer

    def answer(self, connection: socket.socket) -> None:
        if self.meta.received[-1].line.startswith("GET /v26.0/"):
            self.meta.answers(200, self.found)
        else:
            self.meta.answers(self.status, self.content, self.headers)
        # Back to this behaviour before the client has its answer: the test may then set another.
        once, self.meta.behaviour = self.meta.behaviour, self.answer
        once(connection)


@pytest.fixture
def store(meta: Meta) -> Store:
    return Store(meta)


def reason(client: Client, **limits: int) -> str:
    with pytest.raises(MediaRefused) as error:
        fetch(client, "1320456789012345", NUMBER, **limits)
    return error.value.reason


def test_a_file_is_found_and_fetched_with_the_token(client: Client, store: Store) -> None:
    file = fetch(client, "1320456789012345", NUMBER)
    assert (file.content, file.mime, file.sha256) == (JPEG, "image/jpeg", hashlib.sha256(JPEG).hexdigest())
    found, fetched = store.meta.received
    assert found.line == f"GET /v26.0/1320456789012345?phone_number_id={NUMBER} HTTP/1.1"
    assert fetched.headers["authorization"] == "Bearer secret-token"


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest/meta-data", "http://lookaside.fbsbx.com/x", "https://lookaside.fbsbx.com.evil.test/",
     "https://lookaside.fbsbx.com:444/", "https://user@lookaside.fbsbx.com/", "https://evil.test/lookaside.fbsbx.com",
     "https://evil.test\\@lookaside.fbsbx.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_", "//lookaside", "",
     "http://127.0.0.1:1/file", "http://0x7f000001/", "http://[::1]/", "https://[lookaside.fbsbx.com/", "http://x:99999/"],
)  # fmt: skip
def test_the_token_goes_to_no_other_host(client: Client, store: Store, url: str) -> None:
    store.found["url"] = url
    assert reason(client) == "off_list"
    assert len(store.meta.received) == 1


def test_a_redirect_is_followed_on_the_list_only(client: Client, store: Store) -> None:
    store.status, store.headers = 302, "Location: http://169.254.169.254/\r\n"
    assert reason(client) == "off_list"
    assert len(store.meta.received) == 2
    store.headers = "Location: /file\r\n"
    assert reason(client) == "off_list"
    assert len(store.meta.received) == 3 + media_module.MOST_REDIRECTS + 1


def test_a_file_that_is_too_large_is_refused_with_and_without_an_announcement(client: Client, store: Store) -> None:
    assert reason(client, most_bytes=100) == "too_large"
    store.status, store.content = 200, JPEG

    def endless(connection: socket.socket) -> None:
        if store.meta.received[-1].line.startswith("GET /v26.0/"):
            store.answer(connection)
            store.meta.behaviour = endless
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")

    store.meta.behaviour = endless
    assert reason(client, most_bytes=10_000) == "too_large"


def test_a_file_that_comes_too_slowly_is_given_up(
    client: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_module, "MOST_SECONDS", 0.2)
    stop = threading.Event()

    def slow(connection: socket.socket) -> None:
        if store.meta.received[-1].line.startswith("GET /v26.0/"):
            store.answer(connection)
            store.meta.behaviour = slow
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not stop.wait(0.05):
            connection.sendall(b"x")

    store.meta.behaviour = slow
    assert reason(client) == "too_slow"
    stop.set()


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (b"<html><script>alert(1)</script>", "image/jpeg"),
        (b"MZ\x90\x00 a program", "application/pdf"),
        (b"PK\x03\x04 an archive", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"<svg onload=alert(1)>", "image/svg+xml"),
        (b"%PDF-1.7 a document", "image/jpeg"),
        (b"", "image/jpeg"),
    ],
)
def test_a_file_that_is_not_what_it_claims_is_refused(
    client: Client, store: Store, content: bytes, declared: str
) -> None:
    store.content, store.found["mime_type"] = content, declared
    assert reason(client) == "wrong_type"


def test_a_picture_under_the_name_of_another_kind_of_picture_is_a_picture(client: Client, store: Store) -> None:
    store.found["mime_type"] = "image/png"
    assert fetch(client, "1320456789012345", NUMBER).mime == "image/jpeg"


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_damaged_file_is_refused(client: Client, store: Store, encoding: str) -> None:
    digest = hashlib.sha256(JPEG)
    written = {"hex": digest.hexdigest(), "base64": base64.b64encode(digest.digest()).decode()}
    store.found["sha256"] = written[encoding]
    assert fetch(client, "1320456789012345", NUMBER).content == JPEG
    store.content = JPEG + b"!"
    assert reason(client) == "damaged"


def test_a_file_that_is_gone_is_told_from_one_that_may_come_later(client: Client, store: Store) -> None:
    store.status = 404
    assert reason(client) == "gone"
    store.status = 503
    with pytest.raises(Retry):
        fetch(client, "1320456789012345", NUMBER)
    store.meta.answers(400, {"error": {"code": 100, "error_subcode": 33}})
    with pytest.raises(OurBug):
        fetch(client, "1320456789012345", NUMBER)


@pytest.mark.parametrize("media_id", ["", "../100/messages", "1?fields=x", "1" * 40])
def test_an_id_that_is_none_is_not_asked_for(client: Client, meta: Meta, media_id: str) -> None:
    with pytest.raises(MediaRefused):
        fetch(client, media_id, NUMBER)
    assert meta.received == []


@pytest.mark.parametrize(
    ("start", "mime"),
    [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"RIFF\x10\n\r\nWEBPVP8 ", "image/webp"), (b"OggS\x00", "audio/ogg"),
     (b"\x00\x00\x00\x18ftypmp42", "video/mp4"), (b"\x00\x00\n\x18ftyp3gp5", "video/3gpp"), (b"#!AMR\n", "audio/amr"),
     (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"), (b"ID3\x04", "audio/mpeg"), (b"\xff\xf1P", "audio/aac"),
     (b"GIF89a", None), (b"", None)],
)  # fmt: skip
def test_a_type_is_known_by_its_first_bytes(start: bytes, mime: str | None) -> None:
    assert sniff(start) == mime


def test_files_of_the_simulator_are_fetched(simulator: Simulator) -> None:
    client = Client(simulator.url, "v26.0", "any")
    simulator.control("POST", "/sim/phones", {"phone": "+919000012345", "name": "Asha"})
    for kind, family in (("image", "image"), ("voice", "audio"), ("video", "video"), ("document", "application")):
        before = media_ids(simulator)
        simulator.control("POST", "/sim/phones/+919000012345/send", {"type": kind})
        (media_id,) = media_ids(simulator) - before
        assert fetch(client, media_id, simulator.number).mime.startswith(family), kind


def media_ids(simulator: Simulator) -> set[str]:
    found = simulator.control("GET", "/sim/state")["media"]
    return set(found) if isinstance(found, dict) else {one["id"] for one in found}

"""Outgoing webhooks go where they may, and are cut off in time."""

import socket
from threading import Event, Thread
from typing import Any

import pytest

from bot.hooks import sending, targets
from bot.hooks.targets import BadTarget, Policy
from tests.web.hook_receiver import LOCAL, Receiver

WORLD = Policy()


def test_a_receiver_that_drips_bytes_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = Event()

        def drip() -> None:
            link, _ = server.accept()
            with link:
                link.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):
                    try:
                        link.sendall(b"X-A: b\r\n"[:1])
                    except OSError:
                        return

        thread = Thread(target=drip, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        outcome = sending.send(url, LOCAL, sending.new_secret(), "id", "ping", b"{}")
        stop.set()
        thread.join()
    assert outcome.error == "timeout"
    assert outcome.milliseconds < 3000


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://017700000001/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://169.254.169.254/latest",
        "https://10.1.2.3/", "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/", "https://0.0.0.0/",
        "https://224.0.0.1/", "https://255.255.255.255/", "https://localhost/", "https://localhost:6379/",
    ],
)  # fmt: skip
def test_no_address_inside_is_called(url: str) -> None:
    with pytest.raises(BadTarget) as refused:
        targets.resolve(url, WORLD)
    assert refused.value.code in ("private", "not_found")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://93.184.215.14/", "not_https"), ("file:///etc/passwd", "malformed"), ("gopher://1.1.1.1/", "malformed"),
        ("https://", "malformed"), ("https://a:b@1.1.1.1/", "malformed"), ("https://1.1.1.1/\r\nX: y", "malformed"),
        ("https://1.1.1.1:99999/", "malformed"), ("https://nowhere.invalid/", "not_found"), ("", "malformed"),
        ("https://[::1/", "malformed"), ("https://1.1.1.1/" + "a" * 2000, "malformed"),
    ],
)  # fmt: skip
def test_no_address_of_another_kind_is_called(url: str, code: str) -> None:
    with pytest.raises(BadTarget) as refused:
        targets.resolve(url, WORLD)
    assert refused.value.code == code


def test_a_public_address_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = targets.resolve("https://1.1.1.1:8443/hook?shop=1", WORLD)
    assert (found.ip, found.port, found.path, found.authority) == ("1.1.1.1", 8443, "/hook?shop=1", "1.1.1.1:8443")


def test_a_name_is_looked_up_once_and_connected_to_where_it_was_found(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is checked and private when it is connected to would get past the check."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "shop.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    url = receiver.url.replace("127.0.0.1", "shop.example")
    assert sending.send(url, WORLD, sending.new_secret(), "id", "ping", b"{}").error == "not_https"
    assert sending.send(url, Policy(plain_http=True), sending.new_secret(), "id", "ping", b"{}").error == "private"
    asked.clear()
    assert sending.send(url, LOCAL, sending.new_secret(), "id", "ping", b"{}").delivered
    assert asked.count("shop.example") == 1
    assert receiver.got[0][0]["Host"].startswith("shop.example:")


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("https://pakka.example", Policy(False, False)),
        ("http://pakka.example", Policy(True, False)),
        ("http://127.0.0.1:8000", Policy(True, True)),
        ("http://localhost:8000", Policy(True, True)),
        ("http://192.168.1.20", Policy(True, True)),
    ],
)
def test_only_an_installation_that_is_local_itself_calls_local_addresses(url: str, policy: Policy) -> None:
    assert Policy.of(url) == policy

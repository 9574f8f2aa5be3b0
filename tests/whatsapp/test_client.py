"""Over real HTTP: what was accepted, what was refused, and what nobody can know."""

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.whatsapp import errors
from bot.whatsapp import transport as transport_module
from bot.whatsapp.client import Client, Sent
from bot.whatsapp.compose import Choice, Outgoing, compose
from tests.whatsapp.conftest import ACCEPTED, Meta, Simulator, reset

NUMBER = "100200300400500"
HELLO = compose(Outgoing("text", "Namaste", to_phone="919000012345", opaque="o:1:ab"))


def graph_error(code: int, **more: Any) -> dict[str, Any]:
    return {"error": {"message": "x", "type": "OAuthException", "code": code, "fbtrace_id": "A1", **more}}


def test_a_message_goes_to_the_version_and_number_with_the_token_and_comes_back_with_its_id(
    client: Client, meta: Meta
) -> None:
    assert client.send(NUMBER, HELLO) == Sent("wamid.T1VS", "919000012345")
    (request,) = meta.received
    assert request.line == f"POST /v26.0/{NUMBER}/messages HTTP/1.1"
    assert request.headers["authorization"] == "Bearer secret-token"
    assert request.json == HELLO


def test_a_shopper_without_phone_number_is_known_by_the_user_id_in_the_answer(client: Client, meta: Meta) -> None:
    meta.answers(201, {"contacts": [{"input": "IN.1", "user_id": "IN.1"}], "messages": [{"id": "wamid.2"}]})
    assert client.send(NUMBER, HELLO) == Sent("wamid.2", None, "IN.1")


def test_a_message_that_meta_holds_to_watch_its_quality_is_marked(client: Client, meta: Meta) -> None:
    meta.answers(200, {"messages": [{"id": "wamid.3", "message_status": "held_for_quality_assessment"}]})
    assert client.send(NUMBER, HELLO).held


def test_sends_share_connections(client: Client, meta: Meta) -> None:
    for _ in range(10):
        client.send(NUMBER, HELLO)
    assert (len(meta.received), meta.connections) == (10, 1)


def test_a_rested_connection_is_not_trusted(client: Client, meta: Meta, monkeypatch: pytest.MonkeyPatch) -> None:
    client.send(NUMBER, HELLO)
    monkeypatch.setattr(transport_module, "IDLE_SECONDS", 0.0)
    client.send(NUMBER, HELLO)
    assert meta.connections == 2


def test_a_connection_that_the_peer_closed_is_replaced_without_a_doubt(client: Client, meta: Meta) -> None:
    closing = threading.Event()

    def answer_and_close(connection: socket.socket) -> None:
        body = json.dumps(ACCEPTED).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        connection.shutdown(socket.SHUT_RDWR)
        closing.set()

    meta.behaviour = answer_and_close
    client.send(NUMBER, HELLO)
    assert closing.wait(5)
    assert client.send(NUMBER, HELLO).wamid == "wamid.T1VS"


def test_many_threads_send_side_by_side_and_each_gets_its_own_answer(client: Client, meta: Meta) -> None:
    def echo(connection: socket.socket) -> None:
        opaque = meta.received[-1]  # Any request of the moment will do to make answers differ in length.
        body = json.dumps({"messages": [{"id": "wamid." + "x" * (len(opaque.body) % 7)}]}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    meta.behaviour = echo
    with ThreadPoolExecutor(64) as pool:
        sent = list(pool.map(lambda n: client.send(NUMBER, HELLO | {"biz_opaque_callback_data": str(n)}), range(640)))
    assert len(sent) == len(meta.received) == 640
    assert len({request.json["biz_opaque_callback_data"] for request in meta.received}) == 640
    assert meta.connections <= 64


def test_a_refusal_is_typed_by_its_code(client: Client, meta: Meta) -> None:
    meta.answers(400, graph_error(131047, error_data={"details": "Re-engagement message"}))
    with pytest.raises(errors.NeedsTemplate) as caught:
        client.send(NUMBER, HELLO)
    assert (caught.value.code, caught.value.http_status, caught.value.details) == (131047, 400, "Re-engagement message")


def test_a_refusal_with_http_200_is_one_all_the_same(client: Client, meta: Meta) -> None:
    meta.answers(200, graph_error(190))
    with pytest.raises(errors.HoldNumber):
        client.send(NUMBER, HELLO)


def test_the_pause_that_meta_asks_for_is_kept(client: Client, meta: Meta) -> None:
    meta.answers(429, graph_error(130429), headers="Retry-After: 17\r\n")
    with pytest.raises(errors.SlowNumber) as caught:
        client.send(NUMBER, HELLO)
    assert caught.value.wait(1).total_seconds() == 17


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, b"<html>Bad gateway</html>", errors.Unknown),
        (503, b"", errors.Unknown),
        (500, graph_error(131000), errors.Unknown),
        (503, graph_error(2), errors.Retry),
        (200, b"<html>Welcome</html>", errors.Unknown),
        (200, b'{"messages":[{"id":"wam', errors.Unknown),
        (200, {"contacts": []}, errors.Unknown),
        (200, {"messages": [{"id": None}]}, errors.Unknown),
        (200, [], errors.Unknown),
        (302, b"", errors.Unknown),
        (404, b"<html>Nothing here</html>", errors.OurBug),
    ],
)
def test_answers_that_are_none(client: Client, meta: Meta, status: int, body: Any, kind: type) -> None:
    meta.answers(status, body, headers="Location: http://127.0.0.1:1/stolen\r\n")
    with pytest.raises(kind):
        client.send(NUMBER, HELLO)
    assert len(meta.received) == 1


def test_a_connection_that_is_refused_was_certainly_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(errors.Retry):
        Client(f"http://127.0.0.1:{port}", "v26.0", "t").send(NUMBER, HELLO)


def test_a_name_that_does_not_resolve_was_certainly_not_sent() -> None:
    with pytest.raises(errors.Retry):
        Client("http://graph.invalid", "v26.0", "t").send(NUMBER, HELLO)


@pytest.mark.parametrize("url", ["http://", "http://a..b", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_was_certainly_not_sent(url: str) -> None:
    with pytest.raises(errors.Retry):
        Client(url, "v26.0", "t").send(NUMBER, HELLO)


def test_a_token_may_end_with_the_line_break_of_its_file(meta: Meta) -> None:
    Client(meta.url, "v26.0", "secret-token\n").send(NUMBER, HELLO)
    assert meta.received[0].headers["authorization"] == "Bearer secret-token"


def test_tls_that_fails_was_certainly_not_sent() -> None:
    def answer_in_the_clear(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_in_the_clear, args=(listener,))
        thread.start()
        with pytest.raises(errors.Retry):
            Client(f"https://127.0.0.1:{listener.getsockname()[1]}", "v26.0", "t").send(NUMBER, HELLO)
        thread.join()


@pytest.mark.usefixtures("impatient")
def test_a_tls_handshake_that_hangs_was_certainly_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(errors.Retry):
            Client(url, "v26.0", "t").send(NUMBER, HELLO)


@pytest.mark.usefixtures("impatient")
def test_silence_after_the_request_is_a_doubt(client: Client, meta: Meta) -> None:
    silence = threading.Event()
    meta.behaviour = lambda _: silence.wait(10)
    with pytest.raises(errors.Unknown):
        client.send(NUMBER, HELLO)
    silence.set()
    assert len(meta.received) == 1


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_trickles_is_a_doubt_after_the_time_of_one(client: Client, meta: Meta) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            stop.wait(0.05)

    stop = threading.Event()
    meta.behaviour = trickle
    with pytest.raises(errors.Unknown):
        client.send(NUMBER, HELLO)
    stop.set()


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"])
def test_a_connection_cut_after_the_request_is_a_doubt(client: Client, meta: Meta, start: bytes) -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(start)
        reset(connection)

    meta.behaviour = cut
    with pytest.raises(errors.Unknown):
        client.send(NUMBER, HELLO)
    assert len(meta.received) == 1


def test_the_timeouts_end_before_the_lease_of_a_message() -> None:
    assert transport_module.CONNECT_SECONDS + 2 * transport_module.READ_SECONDS < 45


def test_a_forked_process_has_connections_of_its_own(client: Client, meta: Meta) -> None:
    client.send(NUMBER, HELLO)
    pid = os.fork()
    if pid == 0:
        try:
            client.send(NUMBER, HELLO)
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    client.send(NUMBER, HELLO)
    assert (len(meta.received), meta.connections) == (3, 2)


def test_reading_is_shown_with_and_without_typing(client: Client, meta: Meta) -> None:
    meta.answers(200, {"success": True})
    client.mark_read(NUMBER, "wamid.IN")
    client.mark_read(NUMBER, "wamid.IN", typing=True)
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN"}
    assert [request.json for request in meta.received] == [read, read | {"typing_indicator": {"type": "text"}}]
    assert {request.line for request in meta.received} == {f"POST /v26.0/{NUMBER}/messages HTTP/1.1"}


def test_a_question_without_answer_may_simply_be_asked_again(client: Client, meta: Meta) -> None:
    meta.answers(502, b"<html>")
    with pytest.raises(errors.Retry):
        client.number(NUMBER)


def test_what_meta_knows_of_a_number(client: Client, meta: Meta) -> None:
    meta.answers(200, {"display_phone_number": "+91 11 5550 0100", "verified_name": "Kapda Ghar",
                       "quality_rating": "GREEN", "status": "CONNECTED", "throughput": {"level": "HIGH"}})  # fmt: skip
    number = client.number(NUMBER)
    assert (number.name, number.quality, number.high_throughput) == ("Kapda Ghar", "GREEN", True)


def test_templates_come_page_by_page(client: Client, meta: Meta) -> None:
    pages: Iterator[dict[str, Any]] = iter([
        {"data": [{"name": "a"}], "paging": {"cursors": {"after": "c1"}, "next": "https://elsewhere/"}},
        {"data": [{"name": "b"}], "paging": {"cursors": {"after": "c2"}}},
    ])  # fmt: skip

    def page(connection: socket.socket) -> None:
        body = json.dumps(next(pages)).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    meta.behaviour = page
    assert [one["name"] for one in client.templates("500")] == ["a", "b"]
    assert "after=c1" in meta.received[1].line


def test_nothing_is_logged_and_the_root_logger_stays_as_it_was(
    client: Client, meta: Meta, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers = list(logging.getLogger().handlers)
    with caplog.at_level(logging.DEBUG):
        client.send(NUMBER, HELLO)
        meta.answers(400, graph_error(100))
        with pytest.raises(errors.OurBug):
            client.send(NUMBER, HELLO)
    assert logging.getLogger().handlers == handlers
    assert "9000012345" not in caplog.text + "".join(capsys.readouterr())


def test_the_simulator_takes_every_kind_of_message(simulator: Simulator) -> None:
    client = Client(simulator.url, "v26.0", "any")
    simulator.control("POST", "/sim/phones", {"phone": "+919000012345", "name": "Asha"})
    simulator.control("POST", "/sim/phones/+919000012345/send", {"type": "text", "text": "hi"})
    choices = (Choice("a", "Yes"), Choice("b", "No"))
    for kind, more in {
        "text": {},
        "buttons": {"choices": choices, "footer": "Kapda Ghar"},
        "list": {"choices": choices, "list_button": "Choose"},
        "location_request": {},
        "address_form": {"form_values": {"city": "Pune"}},
        "contact_request": {},
    }.items():
        sent = client.send(simulator.number, compose(Outgoing(kind, "Namaste", to_phone="919000012345", **more)))  # type: ignore[arg-type]
        assert sent.wamid.startswith("wamid."), kind
        assert sent.wa_id == "919000012345"


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        ("130429", errors.SlowNumber),
        ("131056", errors.SlowPair),
        ("html-502", errors.Unknown),
        ("empty-500", errors.Unknown),
        ("accept_then_reset", errors.Unknown),
    ],
)
def test_faults_of_the_simulator_are_typed(simulator: Simulator, effect: str, kind: type) -> None:
    client = Client(simulator.url, "v26.0", "any")
    simulator.control("POST", "/sim/faults", {"target": "messages.send", "effect": effect, "next": 1})
    with pytest.raises(kind):
        client.send(simulator.number, HELLO)
    assert client.send(simulator.number, HELLO).wamid

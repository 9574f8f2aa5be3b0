"""Two other ends for our client: a server that misbehaves on demand, and the simulator."""

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from bot.whatsapp import transport as transport_module
from bot.whatsapp.client import Client

ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+919000012345", "wa_id": "919000012345"}],
    "messages": [{"id": "wamid.T1VS", "message_status": "accepted"}],
}


@dataclass
class Received:
    """A request as it came in."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


Behaviour = Callable[[socket.socket], object]


@dataclass
class Meta:
    """A server of a few lines that answers as it is told, so that every fault of a network can be played."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    behaviour: Behaviour = lambda _: None

    def answers(self, status: int, body: Any, headers: str = "") -> None:
        """Answer every request with `status` and a body (JSON, or bytes as they are)."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n{headers}\r\n".encode()
        self.behaviour = lambda connection: connection.sendall(head + raw)

    def serve(self, listener: socket.socket) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                headers: dict[str, str] = {}
                while (raw := reader.readline()) not in (b"\r\n", b""):
                    name, _, value = raw.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = reader.read(int(headers.get("content-length", "0")))
                self.received.append(Received(line.decode("latin-1").strip(), headers, body))
                self.behaviour(connection)


def reset(connection: socket.socket) -> None:
    """Cut the connection hard, as a crashed peer does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()
    raise OSError


@pytest.fixture
def meta() -> Iterator[Meta]:
    """A server that answers as it is told; at first it accepts every message."""
    server = Meta()
    server.answers(200, ACCEPTED)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def client(meta: Meta) -> Client:
    """Our client, talking to `meta`."""
    return Client(meta.url, "v26.0", "secret-token")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short timeouts, so that a test of silence takes no 20 seconds."""
    monkeypatch.setattr(transport_module, "READ_SECONDS", 0.3)
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.3)


@dataclass(frozen=True)
class Simulator:
    """A running simulator and its control API."""

    url: str
    account: str = "500400300200100"
    number: str = "100200300400500"

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def running_simulator() -> Iterator[Simulator]:
    """A simulator for the tests of one module."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.simulator", "--port", "0"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().removeprefix("Simulator listening on ").strip()
    yield Simulator(url)
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    """A simulator that has forgotten everything."""
    running_simulator.control("POST", "/sim/reset", {})
    running_simulator.control("PATCH", "/sim/settings", {"review_seconds": 0})
    return running_simulator


def wait_until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition; fail when it does not come true."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)

"""A simulator in a process of its own, a callback that remembers what it got, and words for what tests do."""

import hashlib
import hmac
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

Json = dict[str, Any]
NUMBER, WABA, SECRET = "100200300400500", "500400300200100", "simulator-app-secret"
ASHA = "919845012345"
NOON = 1_795_000_000  # a day in November 2026, when service messages are billed


class Sim:
    """A running simulator, spoken to over HTTP as any client does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()

    def call(self, method: str, path: str, body: Any = None, expect: int = 200) -> Json:
        """Call the control API and return its JSON."""
        answer = self.http.request(method, f"{self.url}/sim{path}", json=body, timeout=60)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    def get(self, path: str) -> Json:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, expect: int = 200) -> Json:
        return self.call("POST", path, {} if body is None else body, expect)

    def patch(self, path: str, body: Any, expect: int = 200) -> Json:
        return self.call("PATCH", path, body, expect)

    def graph(self, method: str, path: str, version: str = "v26.0", **more: Any) -> requests.Response:
        """Call the Graph API with an access token."""
        more.setdefault("headers", {"Authorization": "Bearer token"})
        more.setdefault("timeout", 30)
        return self.http.request(method, f"{self.url}/{version}/{path}", **more)

    def send(
        self, body: Json | None = None, to: str = f"+{ASHA}", number: str = NUMBER, **more: Any
    ) -> requests.Response:
        """Send a message; a text unless `body` says something else."""
        message = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "hello"}, **(body or {})}
        return self.graph("POST", f"{number}/messages", json={**message, **more})

    def sent(self, body: Json | None = None, **more: Any) -> str:
        """Send a message that must be accepted, and return its wamid."""
        answer = self.send(body, **more)
        assert answer.status_code == 200, answer.text
        wamid: str = answer.json()["messages"][0]["id"]
        return wamid

    def act(self, kind: str, who: str = ASHA, expect: int = 200, **more: Any) -> Json:
        """Let a shopper do something."""
        return self.post(f"/phones/{who}/send", {"type": kind, **more}, expect)

    def freeze(self, at: float = NOON) -> None:
        """Stop the clock at a moment of our choice."""
        self.post("/clock", {"freeze": True})
        self.post("/clock", {"at": at})

    def advance(self, seconds: float) -> Json:
        return self.post("/clock", {"advance": seconds})

    def idle(self, within: float = 0.0) -> None:
        assert self.get(f"/idle?timeout=20&within={within}")["idle"]

    def line(self, wamid: str) -> Json:
        """Return the ledger's line of a message."""
        lines = [line for line in self.get("/ledger")["lines"] if line["wamid"] == wamid]
        assert len(lines) == 1
        found: Json = lines[0]
        return found

    def statuses(self, wamid: str) -> list[str]:
        return [status["status"] for status in self.line(wamid)["statuses"]]

    def fault(self, target: str, effect: str | Json, **limits: Any) -> Json:
        return self.post("/faults", {"target": target, "effect": effect, **limits})


class Hook:
    """A callback: remembers raw bodies and headers, and answers as told (200 when nothing is told)."""

    def __init__(self) -> None:
        self.posts: list[tuple[bytes, dict[str, str]]] = []
        self.queries: list[dict[str, list[str]]] = []
        self.answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.verify_token = "simulator-verify-token"
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posts.append((body, dict(self.headers)))
                try:
                    status = hook.answers.get_nowait()
                except queue.Empty:
                    status = 200
                self._answer(status, b"")

            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                hook.queries.append(query)
                good = query.get("hub.verify_token") == [hook.verify_token]
                self._answer(200 if good else 403, query["hub.challenge"][0].encode() if good else b"no")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name is the base class's
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def bodies(self) -> list[Json]:
        return [json.loads(body) for body, _ in self.posts]

    def nodes(self, kind: str) -> list[Json]:
        """Return all messages or statuses in the order of their arrival."""
        return [
            node
            for body in self.bodies
            for entry in body["entry"]
            for change in entry["changes"]
            for node in change["value"].get(kind, [])
        ]

    def names(self, wamid: str) -> list[str]:
        return [node["status"] for node in self.nodes("statuses") if node["id"] == wamid]


def signed_well(body: bytes, headers: dict[str, str]) -> bool:
    """Say whether the signature is right."""
    return headers.get("X-Hub-Signature-256") == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start a simulator on a free port and return its process and address."""
    command = [sys.executable, "-m", "bot.simulator", "--port", "0", "--seed", "7", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Simulator listening on "), line + process.stdout.read()
    url = line.split()[-1]
    threading.Thread(target=process.stdout.read, daemon=True).start()  # a full pipe would stop the simulator
    return process, url


@pytest.fixture(scope="session")
def running() -> Iterator[str]:
    process, url = start()
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def sim(running: str) -> Iterator[Sim]:
    """An empty simulator that sends its webhooks nowhere."""
    simulator = Sim(running)
    simulator.post("/reset", {"seed": 7})
    yield simulator
    simulator.http.close()


@pytest.fixture
def hook(sim: Sim) -> Iterator[Hook]:
    """A callback that the simulator posts to."""
    callback = Hook()
    sim.patch("/app", {"webhook_url": callback.url})
    yield callback
    sim.patch("/app", {"webhook_url": ""})
    callback.server.shutdown()
    callback.server.server_close()

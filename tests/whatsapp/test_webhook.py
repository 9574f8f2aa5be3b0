"""The webhook over real HTTP: what is signed is stored and answered at once, everything else is not."""

import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
import redis
from sqlalchemy import text
from werkzeug.serving import make_server

from bot.database import Database
from bot.settings import Settings
from bot.whatsapp.webhook import MOST_BYTES, is_signed
from tests.local.ports import free_port
from tests.whatsapp.conftest import wait_until
from tests.whatsapp.hook_app import create

ROOT = Path(__file__).parents[2]
SECRET, OLD_SECRET, TOKEN = "app-secret", "old-secret", "verify-me"
BODY = b'{"object":"whatsapp_business_account","entry":[]}'


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


@dataclass
class Hook:
    """A webhook that is being served on a port of its own."""

    port: int
    database: Database

    def post(self, body: bytes, signature: str | None = None, *, chunked: bool = False) -> int:
        """Post a body, rightly signed unless told otherwise; return the status."""
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature or sign(body)}
        with connected(self.port) as connection:
            pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
            # A server that has seen enough answers before it has read everything.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request("POST", "/webhooks/whatsapp", pieces if chunked else body, headers,
                                   encode_chunked=chunked)  # fmt: skip
            return connection.getresponse().status

    def get(self, query: str) -> tuple[int, str, http.client.HTTPMessage]:
        """Ask as Meta does when it verifies."""
        with connected(self.port) as connection:
            connection.request("GET", "/webhooks/whatsapp?" + query)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers

    def bodies(self) -> list[bytes]:
        """Return the stored bodies, oldest first."""
        with self.database.reader() as session:
            return [bytes(body) for body in session.execute(text("select body from envelope order by id")).scalars()]


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def settings_for(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_key": "x" * 32,
        "whatsapp_app_secret": SECRET,
        "whatsapp_app_secret_previous": OLD_SECRET,
        "whatsapp_verify_token": TOKEN,
    }


@contextmanager
def served(settings: dict[str, str]) -> Iterator[Hook]:
    """Serve the webhook from threads of this process."""
    app = create(Settings.from_env(**settings))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    database = app.extensions["pakka"].database
    yield Hook(server.server_port, database)
    server.shutdown()
    thread.join()
    server.server_close()
    database.engine.dispose()


@dataclass
class Gunicorn(Hook):
    """The webhook as gunicorn serves it, which can be killed."""

    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start gunicorn and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", "2", "--threads", "8", "--preload",
             "--log-level", "critical", "-b", f"127.0.0.1:{self.port}", "hook_app:create_from_env()"],
            env=os.environ | self.settings, start_new_session=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, 60)

    def kill(self) -> None:
        """Kill gunicorn and its workers without a warning."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill_workers(self) -> None:
        """Kill every process that answers; gunicorn's parent starts others."""
        assert self.process is not None
        for worker in psutil.Process(self.process.pid).children():
            worker.kill()

    def _answers(self) -> bool:
        try:
            return self.get("")[0] == 403
        except OSError:
            return False


@pytest.fixture
def hook(database_url: str, redis_url: str) -> Iterator[Hook]:
    """The webhook on each database, with an empty Redis."""
    with served(settings_for(database_url, redis_url)) as hook:
        yield hook


@pytest.fixture
def sqlite_hook(sqlite_url: str, redis_url: str) -> Iterator[Hook]:
    """The webhook on SQLite, for what does not depend on the database."""
    with served(settings_for(sqlite_url, redis_url)) as hook:
        yield hook


@pytest.fixture
def gunicorn(database_url: str, redis_url: str) -> Iterator[Gunicorn]:
    """The webhook in processes of its own, on each database."""
    port = free_port()
    settings = {name.upper(): value for name, value in settings_for(database_url, redis_url).items()}
    settings["PYTHONPATH"] = f"{ROOT}:{ROOT / 'tests' / 'whatsapp'}"
    hook = Gunicorn(port, Database(database_url), settings)
    hook.start()
    yield hook
    hook.kill()
    hook.database.engine.dispose()


def test_a_signed_body_is_stored_byte_for_byte_once_and_rings_for_a_worker(hook: Hook, redis_url: str) -> None:
    odd = b'{ "text" :"\\u0000 \\ud800 \xf0\x9f\x98\x80", "deep":' + b"[" * 5000 + b"]" * 5000 + b"}"
    for body in (BODY, odd, b"no json at all", b"\xff\xfe\x00"):
        assert [hook.post(body) for _ in range(3)] == [200, 200, 200]
    assert hook.bodies() == [BODY, odd, b"no json at all", b"\xff\xfe\x00"]
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("rq:queue:inbound") == 1


def test_the_same_body_posted_by_many_at_once_is_stored_once(hook: Hook) -> None:
    bodies = [b'{"n":%d}' % n for n in range(10)] * 10
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(hook.post, bodies)) == {200}
    assert sorted(hook.bodies()) == sorted(set(bodies))


def test_only_a_right_signature_over_the_raw_bytes_is_accepted(sqlite_hook: Hook) -> None:
    body = '{"text":"caf\u00e9 a/b \U0001f600"}'.encode()
    right = sign(body)
    flipped = right[:-1] + ("0" if right[-1] != "0" else "1")
    redumped = sign(json.dumps(json.loads(body)).encode())
    legacy = "sha1=" + hmac.new(SECRET.encode(), body, "sha1").hexdigest()
    for wrong in (flipped, "", "sha256=", legacy, right.upper(), "sha256= " + right[7:], right[7:], redumped,
                  right + "00", sign(body, "other"), "sha256=" + "é" * 64, right[:40]):  # fmt: skip
        assert sqlite_hook.post(body, wrong or "-") == 401, wrong
    assert sqlite_hook.bodies() == []
    assert sqlite_hook.post(body) == 200


def test_the_previous_secret_is_accepted_while_it_is_set(sqlite_hook: Hook) -> None:
    assert sqlite_hook.post(BODY, sign(BODY, OLD_SECRET)) == 200


def test_meta_s_way_of_writing_json_is_signed_as_it_is_written() -> None:
    body = (rb'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":'
            rb'{"t":"caf\u00e9 a\/b \ud83d\ude00"},"field":"messages"}]}]}')  # fmt: skip
    known = "sha256=76f616809a20d647788c410d9fa2b6b2c54a1d58b50971cdede81774d7eb2717"
    assert is_signed(body, known, ("app-secret",))
    assert not is_signed(body, known, ())


def check_body_limit(hook: Hook) -> None:
    too_long, longest = b"x" * (MOST_BYTES + 1), b"x" * 3_000_000
    assert hook.post(too_long) == 413
    assert hook.post(too_long, chunked=True) == 413
    # A cut body must not pass for a whole one, not even with the signature of what the cut leaves.
    for cut in (MOST_BYTES, MOST_BYTES + 1):
        assert hook.post(b"x" * 10_000_000, sign(b"x" * cut), chunked=True) == 413
    # Meta posts 3 MB, whatever the other pages of the site take.
    assert hook.post(longest) == 200
    assert hook.post(longest + b"y", chunked=True) == 200
    assert [len(body) for body in hook.bodies()] == [3_000_000, 3_000_001]


def test_a_body_that_is_too_long_is_refused_whether_or_not_its_length_was_announced(sqlite_hook: Hook) -> None:
    check_body_limit(sqlite_hook)


def test_the_challenge_is_answered_for_our_token_only(sqlite_hook: Hook) -> None:
    right = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "<script>1158201444"}
    status, body, headers = sqlite_hook.get(urlencode(right))
    assert (status, body) == (200, "<script>1158201444")
    assert headers.get_content_type() == "text/plain"
    assert headers["X-Content-Type-Options"] == "nosniff"
    wrong = [
        right | {"hub.verify_token": "guess"},
        right | {"hub.verify_token": ""},
        right | {"hub.mode": "unsubscribe"},
        {name: value for name, value in right.items() if name != "hub.challenge"},
    ]
    queries = [urlencode(query) for query in wrong]
    queries.append(urlencode(right) + "&hub.verify_token=" + TOKEN)
    queries.append(urlencode(right).replace("hub.verify_token", "hub.verify_token[]"))
    assert {sqlite_hook.get(query)[:2] for query in queries} == {(403, "")}


def test_without_settings_nothing_is_accepted(sqlite_url: str, redis_url: str) -> None:
    settings = settings_for(sqlite_url, redis_url)
    for name in ("whatsapp_app_secret", "whatsapp_app_secret_previous", "whatsapp_verify_token"):
        settings[name] = ""
    with served(settings) as hook:
        assert hook.post(BODY, sign(BODY, "")) == 401
        assert hook.get("hub.mode=subscribe&hub.verify_token=&hub.challenge=1")[0] == 403


def test_a_redis_that_is_down_or_dumb_changes_nothing_for_meta(sqlite_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        for url in ("unix:///nowhere/redis.sock", f"redis://127.0.0.1:{dumb.getsockname()[1]}"):
            with served(settings_for(sqlite_url, url)) as hook:
                assert hook.post(url.encode()) == 200
                assert url.encode() in hook.bodies()


def test_a_database_that_is_down_asks_meta_to_come_back(hook: Hook) -> None:
    with hook.database.session() as session:
        session.execute(text("alter table envelope rename to envelope_away"))
    assert hook.post(BODY) == 503
    with hook.database.session() as session:
        session.execute(text("alter table envelope_away rename to envelope"))
    assert hook.post(BODY) == 200
    assert hook.bodies() == [BODY]


def test_under_gunicorn_limits_hold_and_nothing_that_was_answered_is_lost_when_it_is_killed(gunicorn: Gunicorn) -> None:
    check_body_limit(gunicorn)
    answered: list[bytes] = []
    stop = threading.Event()

    def post_on(name: int) -> None:
        number = 0
        while not stop.is_set():
            body = b'{"thread":%d,"number":%d}' % (name, number)
            number += 1
            try:
                if gunicorn.post(body) == 200:
                    answered.append(body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # The server is being killed; what was not answered may be stored or not.

    threads = [threading.Thread(target=post_on, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for kill in range(1, 6):
        wait_until(lambda kill=kill: len(answered) > 40 * kill, 60)  # type: ignore[misc]
        gunicorn.kill_workers()
    stop.set()
    for thread in threads:
        thread.join()
    stored = gunicorn.bodies()
    assert set(answered) <= set(stored)
    assert len(stored) == len(set(stored))

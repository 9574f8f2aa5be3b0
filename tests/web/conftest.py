"""A console of its own for each test: application, shop, and people who are signed in."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from werkzeug.serving import make_server

from bot import clock
from bot.services import Services
from bot.settings import Settings
from bot.web import passwords
from bot.web.application import create_app
from flows import FLOWS
from tests.web import samples
from tests.web.hook_receiver import Receiver
from tests.web.samples import PASSWORD, Shop


class CompiledPages(BytecodeCache):
    """Keeps compiled templates: each test has an application of its own, and their pages are the same."""

    def __init__(self) -> None:
        self.codes: dict[str, object] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get(bucket.key + bucket.checksum)  # type: ignore[assignment]

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[bucket.key + bucket.checksum] = bucket.code


Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledPages()}

SECRET = "a secret of the tests, long enough"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords as argon2id still, but with a thousandth of the work: people sign in hundreds of times here."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)))
    monkeypatch.setattr(passwords, "_nobody", None)


@pytest.fixture
def services(sqlite_url: str, redis_url: str) -> Services:
    """Services on a fresh SQLite database and an empty Redis."""
    return Services.from_settings(Settings.from_env(database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET))


@pytest.fixture
def app(services: Services) -> Flask:
    """The application."""
    return create_app(services, flows=FLOWS)


@pytest.fixture
def shop(services: Services) -> Shop:
    """A shop with twelve orders in every state and three people."""
    return samples.fill(services)


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., FlaskClient]:
    """Return `sign_in(email)`: a browser of its own in which this person is signed in."""

    def make(email: str, password: str = PASSWORD) -> FlaskClient:
        client = app.test_client()
        answer = post(client, "/sign-in", email=email, password=password)
        assert answer.status_code == 302, answer.text
        return client

    return make


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The address of the application on a real port, for browsers and for what a test client cannot send."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver."""
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    """Return `later(span)`: the program's clock goes on by so much."""
    ahead = timedelta()

    def go(span: timedelta) -> None:
        nonlocal ahead
        ahead += span

    clock.read_from(lambda: datetime.now().astimezone() + ahead)
    yield go
    clock.read_from(None)


def form_token(client: FlaskClient) -> str:
    """Return a form token that is good in this browser."""
    page = client.get("/entry/none").text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found, page[:500]
    return found.group(1)


def post(client: FlaskClient, address: str, **fields: object):  # type: ignore[no-untyped-def]
    """Post a form as a page of ours would."""
    return client.post(address, data={"csrf_token": form_token(client), **fields})

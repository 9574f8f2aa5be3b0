"""A console of its own for each test: application, shop, and people who are signed in."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule
from werkzeug.serving import make_server

from bot import clock
from bot.services import Services
from bot.settings import Settings
from bot.talk.proposing import ChatCompletions
from bot.web import passwords
from bot.web.application import create_app
from flows import FLOWS
from tests.fixtures.models import Server
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


def _compile_once(compile_builder: Callable[..., object]) -> Callable[..., object]:
    """Keep what werkzeug compiles for each route, which is most of the work of making an application."""
    made: dict[object, object] = {}

    def compiled(rule: Rule, append_unknown: bool = True) -> object:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in made:
            made[key] = compile_builder(rule, append_unknown)
        return made[key]

    return compiled


Rule._compile_builder = _compile_once(Rule._compile_builder)  # type: ignore[assignment]

SECRET = "a secret of the tests, long enough"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", samples.QUICK)
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
def shop(services: Services, kept_shop: tuple[Path, Shop]) -> Shop:
    """A shop with twelve orders in every state and three people; on an empty SQLite database, a copy of the sample."""
    if not services.database.is_sqlite or samples.has_people(services):
        return samples.fill(services)
    path, shop = kept_shop
    with closing(sqlite3.connect(path)) as source, services.database.engine.connect() as target:
        source.backup(target.connection.driver_connection)
    return shop


@pytest.fixture(scope="session")
def kept_shop(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shop]:
    """A database with the shop, to copy."""
    path = tmp_path_factory.mktemp("sample") / "pakka.db"
    shutil.copyfile(sqlite_template, path)
    services = Services.from_settings(Settings.from_env(database_url=f"sqlite:///{path}", secret_key=SECRET))
    return path, samples.fill(services)


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
def translating(services: Services, app: Flask, server: Server) -> Server:
    """A language model that the console may ask."""
    app.extensions["pakka"] = replace(services, translator=ChatCompletions(server.url, "small"))
    server.says({"translation": "Yes, send it to 98765 43210, but to flat 12"})
    return server


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


def token_of(client: FlaskClient) -> str:
    """Return the form token of a browser, which is good for as long as its sign-in."""
    kept: dict[str, str] = client.__dict__.setdefault("form_tokens", {})
    cookie = client.get_cookie("pakka")
    sign_in = cookie.value if cookie else ""
    if not sign_in or sign_in not in kept:
        kept[sign_in] = form_token(client)
    return kept[sign_in]


def post(client: FlaskClient, address: str, **fields: object):  # type: ignore[no-untyped-def]
    """Post a form as a page of ours would."""
    return client.post(address, data={"csrf_token": token_of(client), **fields})

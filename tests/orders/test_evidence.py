"""A provider's second opinion on a new list, over real HTTP; when it fails the offline check stands."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlmodel import select

from bot.clock import now
from bot.database import Database, row_id
from bot.jobs import Bell
from bot.models import AddressVersion, Merchant
from bot.orders import uploads
from bot.orders.evidence import add_evidence
from bot.orders.samples import shopify_list
from bot.services import Services
from bot.settings import Settings, SettingsError


@pytest.fixture
def answering() -> Iterator[Callable[[int], str]]:
    """Start a geocoder that answers every question with the same place, or with an error; return its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = [{"lat": "18.5", "lon": "73.8", "address": {"postcode": "411004", "city": "Pune"}}]
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()


def imported(database_url: str, redis_url: str, **settings: str) -> tuple[Services, int]:
    """Import the sample list and return its upload."""
    given = Settings(database_url=database_url, redis_url=redis_url, secret_key="only for these tests", **settings)
    services = Services(given, Database(given.database_url, given.secret_key), Bell(given.redis_url))
    with services.database.session() as session:
        merchant = Merchant(slug="shop", name="Shop", created_at=now())
        session.add(merchant)
        session.flush()
        upload = uploads.receive(session, merchant, "list.csv", shopify_list(now()), at=now())
        uploads.begin(session, upload, now())
    uploads.run(services, row_id(upload))
    return services, row_id(upload)


def findings(services: Services) -> list[list[str]]:
    with services.database.reader() as session:
        return [
            [finding["code"] for finding in version.findings]
            for version in session.exec(select(AddressVersion).order_by(AddressVersion.id))  # type: ignore[arg-type]
        ]


def test_a_provider_adds_findings_and_changes_no_address(
    database_url: str, redis_url: str, answering: Callable[[int], str]
) -> None:
    services, upload_id = imported(
        database_url, redis_url, address_provider="nominatim", address_provider_url=answering(200)
    )
    with services.database.reader() as session:
        before = [version.parts for version in session.exec(select(AddressVersion).order_by(AddressVersion.id))]  # type: ignore[arg-type]
    assert add_evidence(services, upload_id) > 0
    once = findings(services)
    assert any("PROVIDER" in codes for codes in once)
    add_evidence(services, upload_id)
    assert findings(services) == once
    with services.database.reader() as session:
        after = [version.parts for version in session.exec(select(AddressVersion).order_by(AddressVersion.id))]  # type: ignore[arg-type]
    assert after == before


def test_a_failing_provider_leaves_the_offline_check(
    database_url: str, redis_url: str, answering: Callable[[int], str]
) -> None:
    services, upload_id = imported(
        database_url, redis_url, address_provider="nominatim", address_provider_url=answering(500)
    )
    before = findings(services)
    assert add_evidence(services, upload_id) == 0
    assert findings(services) == before


def test_without_a_setting_nobody_is_asked(database_url: str, redis_url: str) -> None:
    services, upload_id = imported(database_url, redis_url)
    assert add_evidence(services, upload_id) == 0


def test_an_unusable_provider_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "only for these tests")
    monkeypatch.setenv("ADDRESS_PROVIDER", "pigeon")
    with pytest.raises(SettingsError, match="ADDRESS_PROVIDER"):
        Settings.from_env()

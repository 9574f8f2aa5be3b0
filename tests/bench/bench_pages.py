"""Measure the pages on a full PostgreSQL: `python -m tests.bench.bench_pages [--conversations N] [--url URL]`.

Writes N conversations (100,000) of ten messages each for ten shops, of which one is large with 3,000 tasks open; calls
each page as a signed-in owner, and prints one JSON object: page -> first call, median and 95th percentile in ms.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bot.local.postgres import PostgresServer
from bot.services import Services
from bot.settings import Settings
from bot.web import overview, protection
from bot.web.application import create_app
from flows import FLOWS
from tests.bench.full_console import Full, fill
from tests.web import samples
from tests.web.conftest import SECRET, post

NOWHERE = "redis://127.0.0.1:1/0"
PAGES = (
    "/inbox", "/inbox?view=mine", "/inbox?view=unassigned", "/inbox?view=snoozed", "/inbox?from=2000", "/inbox/{talk}",
    "/inbox/{talk}?before=300", "/inbox/calls", "/inbox/answers", "/live?t=queue&t=conversation:{talk}",
    "/orders", "/orders?view=todo", "/orders?view=waiting", "/orders?view=shipped", "/orders?sort=cutoff",
    "/orders?view=todo&sort=cutoff", "/orders?sort=amount", "/orders?sort=changed", "/orders?q=R50000",
    "/orders?q=shopper", "/orders?weak=1", "/orders?intent=silent&decision=hold", "/orders?upload={upload}",
    "/orders/{talk}", "/overview", "/overview?days=90", "/reviews", "/reviews?only=photos", "/reviews?stars=1",
    "/uploads", "/uploads/{upload}", "/settings", "/settings/texts", "/settings/whatsapp", "/settings/privacy",
    "/settings/privacy?q=R50000", "/people", "/people/audit", "/account", "/systems",
)  # fmt: skip


def measure(services: Services, full: Full, rounds: int, wanted: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Time the pages whose address contains `wanted`, as the owner of the large shop."""
    client = create_app(services, flows=FLOWS).test_client()
    # Nobody looks at ten pages a second, as this does on a quiet machine.
    protection.limiter.enabled = False
    # Figures are added up again behind every look at them, which is more than happens outside.
    overview.FRESH = 0.0
    # What is printed is the measurement alone.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    post(client, "/sign-in", email=full.shop.owner, password=samples.PASSWORD)
    for page in (page for page in PAGES if wanted in page):
        address = page.format(talk=full.talk, upload=full.upload)
        start = time.perf_counter()
        answer = client.get(address)
        first = (time.perf_counter() - start) * 1000
        assert answer.status_code == 200, (address, answer.status_code)
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            client.get(address)
            times.append((time.perf_counter() - start) * 1000)
        p95 = statistics.quantiles(times, n=20)[-1]
        median = statistics.median(times)
        yield page, {"first_ms": round(first), "median_ms": round(median, 1), "p95_ms": round(p95, 1)}


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """Yield the address of an empty database: the one given, or one on a server of our own."""
    if url:
        yield url
        return
    server = PostgresServer()
    server.start()
    try:
        server.create("bench")
        yield server.url("bench")
    finally:
        server.stop()


def main() -> None:
    """Read the command line, and print what was measured."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--conversations", type=int, default=100_000)
    reader.add_argument("--rounds", type=int, default=60)
    reader.add_argument("--pages", default="", help="only those whose address contains this")
    reader.add_argument("--url", help="an empty PostgreSQL database; without it one is started for the measurement")
    given = reader.parse_args()
    with database(given.url) as url:
        services = Services.from_settings(Settings.from_env(database_url=url, redis_url=NOWHERE, secret_key=SECRET))
        full = fill(services, given.conversations)
        told = {"conversations": given.conversations, "messages": full.messages, "filled_seconds": round(full.seconds)}
        print(json.dumps(told | dict(measure(services, full, given.rounds, given.pages)), indent=1))
        services.database.engine.dispose()


if __name__ == "__main__":
    main()

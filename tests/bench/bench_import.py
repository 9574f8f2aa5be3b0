"""Measure how fast a long order list becomes orders: `python -m tests.bench.bench_import [--rows N] [--url URL]`.

Without a URL a throw-away PostgreSQL is started. Prints one JSON object; rates are rows a second, memory in MB.
"""

import argparse
import csv
import io
import json
import random
import resource
import time
from contextlib import closing
from datetime import timedelta

import phonenumbers

from bot.clock import now
from bot.database import Database, row_id, upgrade
from bot.jobs import Bell
from bot.local.postgres import PostgresServer
from bot.models import Channel, Merchant
from bot.orders import uploads
from bot.orders.judging import judge_list
from bot.orders.rules import Rules
from bot.orders.samples import shopify_list
from bot.orders.spreadsheet import open_list, read_list
from bot.services import Services
from bot.settings import Settings

NOWHERE = "redis://127.0.0.1:1/0"


def long_list(rows: int, seed: int = 1) -> bytes:
    """Return a Shopify export of one-line orders, made of the sample's addresses with numbers of their own."""
    draw = random.Random(seed)
    moment = now() - timedelta(hours=2)
    sample = list(csv.DictReader(io.StringIO(shopify_list(now()).decode())))
    sample = [row for row in sample if row["Shipping Country"] == "IN" and row["Financial Status"] == "pending"]
    out = io.StringIO()
    writer = csv.DictWriter(out, sample[0].keys())
    writer.writeheader()
    for number in range(rows):
        phone = f"+919{draw.randrange(10**9):09d}"
        while not phonenumbers.is_valid_number(phonenumbers.parse(phone)):
            phone = f"+919{draw.randrange(10**9):09d}"
        row = dict(draw.choice(sample))
        row |= {
            "Name": f"#{100_000 + number}",
            "Shipping Phone": phone,
            "Shipping Address1": f"House {draw.randrange(1, 999)}, {row['Shipping Address1']}",
            "Created at": moment.strftime("%Y-%m-%d %H:%M:%S %z"),
            "Cancelled at": "",
            "Fulfilled at": "",
            "Fulfillment Status": "unfulfilled",
        }
        writer.writerow(row)
    return out.getvalue().encode()


def measure(url: str, rows: int, planned: bool) -> dict[str, object]:
    """Import a list of so many rows into an empty database and return the figures."""
    upgrade(url)
    settings = Settings(database_url=url, secret_key="x" * 32, redis_url=NOWHERE)
    services = Services(settings, Database(url, settings.secret_key), Bell(NOWHERE))
    content = long_list(rows)
    at = now()
    with services.database.session() as session:
        channel = Channel(phone_number_id=f"{at.timestamp():.0f}", created_at=at)
        session.add(channel)
        session.flush()
        merchant = Merchant(
            slug=f"bench-{at.timestamp():.0f}", name="Bench", channel_id=channel.id if planned else None, created_at=at
        )
        session.add(merchant)
        session.flush()
    shop = uploads.shop_of(merchant, Rules(), at)

    begun = time.perf_counter()
    with closing(open_list(content, "IN")) as orders:
        read = sum(len(parsed.rows) for parsed in read_list(orders, shop))
    reading = time.perf_counter() - begun
    with closing(open_list(content, "IN")) as orders:
        judged = sum(chunk.rows for chunk in judge_list(orders, shop))
    judging = time.perf_counter() - begun - reading

    resident = []
    started = time.perf_counter()
    with services.database.session() as session:
        upload = uploads.receive(session, merchant, "bench.csv", content, at=at)
        uploads.begin(session, upload, at)
        upload_id = row_id(upload)
    del content
    uploads.run(services, upload_id, lambda done, of: resident.append(_resident()))
    importing = time.perf_counter() - started
    return {
        "database": url.split(":", 1)[0].split("+")[0],
        "rows": rows,
        "talks_planned": planned,
        "read_rows_per_s": round(read / reading),
        "read_and_check_rows_per_s": round(judged / judging),
        "import_rows_per_s": round(rows / importing),
        "memory_mb_first_chunk": round(resident[0]),
        "memory_mb_last_chunk": round(resident[-1]),
        "memory_mb_peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _resident() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--url", help="an empty database; default: a PostgreSQL of its own")
    parser.add_argument("--without-talks", action="store_true", help="the shop has no WhatsApp number yet")
    given = parser.parse_args()
    if given.url:
        print(json.dumps(measure(given.url, given.rows, not given.without_talks)))
        return
    server = PostgresServer()
    server.start()
    try:
        server.create("bench")
        print(json.dumps(measure(server.url("bench"), given.rows, not given.without_talks)))
    finally:
        server.stop()


if __name__ == "__main__":
    main()

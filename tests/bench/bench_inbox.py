"""Measure the inbox on a full PostgreSQL: `python -m tests.bench.bench_inbox [--conversations N] [--url URL]`.

Writes N conversations (100,000) of ten messages each for ten shops, one of which is large, with 3,000 tasks open there;
then calls each page as a signed-in agent and prints one JSON object: page -> median and 95th percentile in ms.
"""

import argparse
import json
import statistics
import time
from datetime import timedelta

from sqlalchemy import text

from bot.clock import now
from bot.database import Database, upgrade
from bot.local.postgres import PostgresServer
from bot.services import Services
from bot.settings import Settings
from bot.web.application import create_app
from flows import FLOWS
from tests.web import samples
from tests.web.conftest import post

NOWHERE = "redis://127.0.0.1:1/0"
MESSAGES = 10
OPEN_TASKS = 3000

# Every second conversation belongs to the large shop; the rest is spread over nine small ones.
FILL = """
insert into merchant (channel_id, slug, name, region, locale, currency, timezone, rules, created_at)
select (select min(id) from channel), 'shop' || n, 'Shop ' || n, 'IN', 'en', 'INR', 'Asia/Kolkata', '{}', :at
from generate_series(1, 9) n;
insert into contact (id, channel_id, name, region, created_at)
select 1000 + n, (select min(id) from channel), 'Shopper ' || n, 'IN', :at from generate_series(1, :many) n;
insert into identity (channel_id, contact_id, scheme, value)
select channel_id, id, 'phone', (910000000000 + id)::text from contact where id > 1000;
insert into conversation (id, channel_id, contact_id, shard, owner, epoch, seq, window_until, last_at, data, created_at)
select id, channel_id, id, id % 4, 'bot', 0, 10, :at + interval '20 hours', :at, '{}', :at from contact where id > 1000;
insert into orders (id, merchant_id, contact_id, reference, shopper_name, phone, alternate_phone, email, region, amount,
  currency, raw, status, intent, readiness, decision, decision_reason, decision_sum, cancel_reason, cancel_note, wish,
  slot, receiver, instructions, address_changed, held_out, trial, cutoff_at, created_at, updated_at)
select id, case when id % 2 = 0 then :shop else (select min(id) from merchant where id <> :shop) + (id % 9) end, id,
  'R' || id, 'Shopper ' || id, '+' || (910000000000 + id), '', '', 'IN', (id * 7919) % 500000, 'INR', '{}', 'open',
  'asked', 'unasked', case when id % 50 = 0 then 'call' end, '', '{}', '', '', '', '', '', '', false, false, false,
  :at + (id % 2000 - 400) * interval '1 minute', :at, :at
from contact where id > 1000;
insert into order_item (order_id, position, name, sku, quantity, price)
select id, 1, 'Kurta', '', 1, amount from orders where id > 1000;
insert into address (order_id, version, given_by, parts, settled, score, findings, created_at)
select id, 1, 'order', '{"address1": "Flat 12", "city": "Lucknow"}', true, 80, '[]', :at from orders where id > 1000;
insert into run (id, merchant_id, conversation_id, order_id, flow, version, step, turn, state, status, created_at,
  updated_at)
select id, merchant_id, contact_id, id, 'order_confirmation', 1, 'confirm', 1, '{}', 'waiting', :at, :at
from orders where id > 1000;
insert into message (conversation_id, merchant_id, run_id, order_id, direction, author, key, seq, kind, body, choices,
  extra, wamid, status, attempts, resent, epoch, created_at)
select id, merchant_id, id, id, case when n % 2 = 0 then 'in' else 'out' end,
  case when n % 2 = 0 then 'shopper' else 'bot' end, id || ':' || n, n, 'text',
  'Some words that a shopper or the bot said, number ' || n, '[]', '{}', 'w' || id || ':' || n,
  case when n % 2 = 0 then 'received' else 'read' end, 0, false, 0, :at + n * interval '1 minute'
from run, generate_series(1, :messages) n where run.id > 1000;
insert into receipt (message_id, status, at)
select id, s, created_at from message, unnest(array['delivered', 'read']) s where direction = 'out' and run_id > 1000;
insert into handover (merchant_id, conversation_id, run_id, order_id, reason, detail, opened_at, resolved_at, outcome,
  note)
select merchant_id, conversation_id, id, order_id, 'not_understood', '{}', :at,
  case when rank > :tasks then :at end, '', ''
from (select run.*, row_number() over (partition by merchant_id order by id) as rank from run where id > 1000) r
where id % 5 = 0 or rank <= :tasks;
update conversation c set owner = 'queue', waiting_since = :at
from handover h where h.conversation_id = c.id and h.resolved_at is null and c.owner = 'bot';
"""


def measure(url: str, conversations: int, rounds: int) -> dict[str, object]:
    """Fill the database at `url`, which must be empty, and time the pages."""
    upgrade(url)
    services = Services.from_settings(
        Settings.from_env(database_url=url, redis_url=NOWHERE, secret_key="a secret of the benchmark, long enough")
    )
    shop = samples.fill(services, "kesar")
    began = time.monotonic()
    values = {"at": now() - timedelta(hours=1), "many": conversations, "shop": shop.merchant, "messages": MESSAGES,
              "tasks": OPEN_TASKS}  # fmt: skip
    with Database(url).engine.begin() as connection:
        connection.exec_driver_sql("set statement_timeout = 0")
        for statement in FILL.split(";\n"):
            if statement.strip():
                connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
    with Database(url).engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("set statement_timeout = 0")
        connection.exec_driver_sql("vacuum analyze")
    filled = time.monotonic() - began
    with services.database.reader() as session:
        some = "select conversation_id from handover where merchant_id = :m and resolved_at is null offset 1500 limit 1"
        talk = session.execute(text(some), {"m": shop.merchant}).scalar_one()
        messages = session.execute(text("select count(*) from message")).scalar_one()
    client = create_app(services, flows=FLOWS).test_client()
    post(client, "/sign-in", email=shop.agent, password=samples.PASSWORD)
    pages = ("/inbox", "/inbox?view=mine", "/inbox?view=snoozed", "/inbox?from=2000", f"/inbox/{talk}", "/inbox/calls",
             f"/live?t=queue&t=conversation:{talk}")  # fmt: skip
    told: dict[str, object] = {"conversations": conversations, "messages": messages, "filled_seconds": round(filled, 1)}
    for page in pages:
        assert client.get(page).status_code == 200, page
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            client.get(page)
            times.append((time.perf_counter() - start) * 1000)
        p95 = statistics.quantiles(times, n=20)[-1]
        told[page.replace(str(talk), "ID")] = {"median_ms": round(statistics.median(times), 1), "p95_ms": round(p95, 1)}
    services.database.engine.dispose()
    return told


def main() -> None:
    """Read the command line, and print what was measured."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--conversations", type=int, default=100_000)
    reader.add_argument("--rounds", type=int, default=60)
    reader.add_argument("--url", help="an empty PostgreSQL database; without it one is started for the measurement")
    given = reader.parse_args()
    if given.url:
        print(json.dumps(measure(given.url, given.conversations, given.rounds), indent=2))
        return
    server = PostgresServer()
    server.start()
    try:
        server.create("bench_inbox")
        print(json.dumps(measure(server.url("bench_inbox"), given.conversations, given.rounds), indent=2))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
